//! A file of gatewatch itself: what it is for, and whether it still is what was flashed or installed.

use super::origin::Standing;
use super::text::Bytes;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The program.
    Program,
    /// What it knows: indicators.
    Data,
    /// What its owner told it.
    Settings,
}

/// Bytes of a file's beginning, enough to tell which version of the data it is.
pub const HEAD_BYTES: usize = 64;

/// One file.
#[derive(Clone, Debug)]
pub struct Own<'a> {
    /// Its path.
    pub path: &'a [u8],
    /// What it is for.
    pub part: Part,
    /// What sources of truth say of its content. [`Standing::Unknown`] of a program that was only brought along.
    pub standing: Standing,
    /// Something is mounted over it.
    pub covered: bool,
    /// Others than root can write to it; of settings on a live machine only.
    pub loose: bool,
    /// The image has it, and here it is not.
    pub gone: bool,
    /// How it begins.
    pub head: Bytes<HEAD_BYTES>,
    /// How the one of the image begins; empty where that has none.
    pub image_head: Bytes<HEAD_BYTES>,
}
