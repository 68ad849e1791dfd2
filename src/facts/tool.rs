//! A tool of the system, where it lies, and what became of it.

use super::process::Owner;

/// In what a tool differs from the firmware image's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// In nothing, or there is no image that has it.
    #[default]
    None,
    /// In its bytes.
    Content,
    /// It is a file and was a link, to BusyBox say.
    Unlinked,
    /// It is a link that leads elsewhere, or was a file.
    Linked,
}

/// One tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// The path of the file, links followed.
    pub real: &'a [u8],
    /// In what it differs from the image's.
    pub change: Change,
    /// There is a file.
    pub exists: bool,
    /// The image or the root itself vouch for what lies at `path`, file or link.
    pub original: bool,
    /// A package that was installed after the image was made has the path.
    pub upgraded: bool,
    /// Who vouches for the file.
    pub owner: Owner,
    /// It is a script.
    pub script: bool,
    /// Where a tool of this name lies that somebody vouches for, if nobody does for this one; empty otherwise.
    pub shadows: &'a [u8],
}

/// Something that is mounted over a tool, or over a directory of them.
#[derive(Clone, Copy, Debug)]
pub struct Cover<'a> {
    /// Where.
    pub point: &'a [u8],
    /// It is a whole directory.
    pub whole: bool,
    /// It lives in memory.
    pub memory: bool,
    /// The type of the file system.
    pub kind: &'a [u8],
    /// What is mounted.
    pub source: &'a [u8],
    /// The part of it that is seen.
    pub top: &'a [u8],
}
