//! What a baseline holds of a file: one small value, to bytes and back.

use super::layout::{DIGEST_LEN, FILE_LEN};

/// The type of a file in `st_mode`, and those that are told apart (inode(7)).
const TYPE: u16 = 0o170_000;
const REGULAR: u16 = 0o100_000;
const LINK: u16 = 0o120_000;

/// What is known of a file or link.
///
/// As bytes: role `u8` (1 startup file, 0 any other), mode `u16`, owner `u32`, then the digest of a regular file or the
/// target of a link. The digest of a file that could not be read is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileValue<'a> {
    /// It lies in a startup place.
    pub startup: bool,
    /// `st_mode` with its type; 0 for what is neither file nor link. Of a link only the type.
    pub mode: u16,
    /// The user that owns it; 0 for a link.
    pub uid: u32,
    /// The digest or the target.
    pub rest: &'a [u8],
}

impl<'a> FileValue<'a> {
    /// A regular file. `digest` is empty where it could not be read.
    #[must_use]
    pub fn file(startup: bool, mode: u32, uid: u32, digest: &'a [u8]) -> Self {
        let mode = u16::try_from(mode & 0o7777).unwrap_or_default() | REGULAR;
        Self { startup, mode, uid, rest: digest }
    }

    /// A link.
    #[must_use]
    pub const fn link(startup: bool, target: &'a [u8]) -> Self {
        Self { startup, mode: LINK, uid: 0, rest: target }
    }

    /// Something else: a pipe, a device, a socket.
    #[must_use]
    pub const fn other(startup: bool) -> Self {
        Self { startup, mode: 0, uid: 0, rest: b"" }
    }

    /// Reads one.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Option<Self> {
        let ([startup, m0, m1, u0, u1, u2, u3], rest) = value.split_first_chunk::<FILE_LEN>()?;
        let (mode, uid) = (u16::from_le_bytes([*m0, *m1]), u32::from_le_bytes([*u0, *u1, *u2, *u3]));
        Some(Self { startup: *startup == 1, mode, uid, rest })
    }

    /// The bytes before the digest or target.
    #[must_use]
    pub fn head(&self) -> [u8; FILE_LEN] {
        let ([m0, m1], [u0, u1, u2, u3]) = (self.mode.to_le_bytes(), self.uid.to_le_bytes());
        [u8::from(self.startup), m0, m1, u0, u1, u2, u3]
    }

    /// Whether it is a regular file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        self.mode & TYPE == REGULAR
    }

    /// Whether it is a link.
    #[must_use]
    pub const fn is_link(&self) -> bool {
        self.mode & TYPE == LINK
    }

    /// What it is, in words.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self.mode & TYPE {
            REGULAR => "a file",
            LINK => "a link",
            _ => "neither file nor link",
        }
    }

    /// Rights, without the type.
    #[must_use]
    pub const fn rights(&self) -> u16 {
        self.mode & !TYPE
    }

    /// Whether both are of one type.
    #[must_use]
    pub const fn is_like(&self, other: &Self) -> bool {
        self.mode & TYPE == other.mode & TYPE
    }

    /// Whether both have the same content or target. `None`: one of them could not be read.
    #[must_use]
    pub fn has_content_of(&self, other: &Self) -> Option<bool> {
        let unread = |value: &Self| value.mode & TYPE == REGULAR && value.rest.len() != DIGEST_LEN;
        if unread(self) || unread(other) { None } else { Some(self.rest == other.rest) }
    }

    /// Whether nothing differs that can be told; where it lies and what it is called do not count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.mode == other.mode && self.uid == other.uid && self.has_content_of(other) != Some(false)
    }
}
