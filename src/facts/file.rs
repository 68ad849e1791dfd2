//! A file that lies somewhere: a program in an odd place, a library to be preloaded, a program that is started.

use super::elf::Elf;
use super::process::Library;

/// Why a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is an ELF file, or any that is setuid or setgid, in a place that is volatile or that anybody may write to.
    Dropped {
        /// It lies below a directory that holds a whole system: a container, an image that is being unpacked.
        in_system: bool,
        /// It is made for another machine than this one.
        foreign: bool,
    },
    /// `/etc/ld.so.preload` names it, in this line.
    Preload(Library, u32),
    /// A startup file runs it: the file and the line are in `by` and `line`.
    Startup,
    /// The path of an indicator, and something is there.
    Listed,
}

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its path, `/` first.
    pub path: &'a [u8],
    /// Why it is looked at.
    pub role: Role,
    /// `st_mode` (inode(7)).
    pub mode: u32,
    /// The user that owns it.
    pub uid: u32,
    /// Its head.
    pub elf: Option<Elf>,
    /// Its SHA-256, where somebody wants to know it.
    pub sha256: Option<[u8; 32]>,
    /// It is gatewatch's own program, by device and inode.
    pub own: bool,
    /// The startup file that runs it.
    pub by: &'a [u8],
    /// The line in that.
    pub line: u32,
}

impl<'a> File<'a> {
    /// The path of an indicator at which something is, of which nothing else is known.
    #[must_use]
    pub const fn listed(path: &'a [u8]) -> Self {
        Self {
            path,
            role: Role::Listed,
            mode: 0,
            uid: 0,
            elf: None,
            sha256: None,
            own: false,
            by: b"",
            line: 0,
        }
    }

    /// Whether it runs with the rights of its owner or group (`S_ISUID`, `S_ISGID`, inode(7)).
    #[must_use]
    pub const fn is_setuid(&self) -> bool {
        self.mode & 0o6000 != 0
    }
}
