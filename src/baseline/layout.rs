//! Where everything lies in a baseline file: the one description that writer and reader share.
//!
//! All numbers are little endian on every machine, and nothing is aligned: fields are read with `from_le_bytes`, since
//! MIPS and ARMv5 trap on an unaligned load.
//!
//! ```text
//! 0    header, 128 bytes                   magic, format, length, date, counts, note
//! 128  section table, 20 bytes a section   kind, offset, length, count, missed
//! …    section bodies                      in the order of the table
//! ```
//!
//! The header, by byte: 0 magic, 8 format `u16`, 10 length of the header `u16`, 12 sections `u16`, 16 date `u64` in seconds
//! since 1970 (0: the clock was not set), 24 length of the file `u64`, 32 entries `u32`, 36 missed `u32`, 64 the device's
//! name, padded with NULs and empty for a tree. What is not named is zero.
//!
//! | kind | entries | value of one |
//! |---|---|---|
//! | 1 files | absolute paths of startup files, programs, libraries and links among them | see [`FileValue`](super::FileValue) |
//! | 2 accounts | users of `/etc/passwd` | `uid:gid:home:shell` |
//! | 3 keys | file and key | its options |
//! | 4 listeners | `tcp 22` | `local` where only the machine itself can reach it |
//! | 5 resolvers | addresses, or what dnsmasq's `server=` says | none |
//! | 6 NAT | redirections of OpenWrt's firewall and rules of the kernel that send traffic elsewhere, in their normal form; `kernel` where the latter could be had | none |
//! | 7 modules | names of kernel modules | none |
//! | 32 signature | who made the file | see [`signature`](crate::signature) |
//!
//! A section that is there and empty says that nothing of its kind was there; one that is missing, that nobody looked. Its
//! `missed` says how many things of its kind were there and are not in it, for want of room or because they could not be
//! read: then a name that is not in it may still have been there.
//!
//! A body is a table of blocks, the rows behind it:
//!
//! ```text
//! block table  u32 for every BLOCK rows    where its first row begins, from the start of the body
//! row          shared u8                   bytes of the row before that its name begins with; 0 in a block's first row
//!              rest u16, value u16         lengths
//!              rest, value                 the name behind the shared bytes, the value
//! ```
//!
//! Rows are sorted by name, byte by byte, and no name stands twice. So a search halves the blocks by their first names, which
//! are whole, and reads one block; it needs no memory to put names together in. Paths in a sorted list share most of their
//! bytes: this takes a third off the file.
//!
//! **Digests** are the first 16 bytes of a SHA-256. Whoever wants to replace a file unseen must find another content with the
//! digest of a given one, 2^128 tries. The 2^64 tries of a collision help only somebody who chose the file before the
//! baseline was taken, and he could have put in what he wanted then. Digests do not compress, so 32 bytes would make a
//! baseline on flash a third larger.
//!
//! **Later kinds** take the next numbers below the signature's. A reader skips a kind that it does not know, unless the kind
//! carries [`MUST_UNDERSTAND`]: then it refuses the file. The signature is the last section: it covers every byte before its
//! offset, so also the header and the whole table, in which its own row is already filled in. Its length is 0 in a file that
//! nobody has signed.

use super::Defect;

/// First bytes of a file. As in PNG, the high bit, CRLF, control-Z and LF show a copy made as text.
pub const MAGIC: [u8; 8] = *b"\x89GWB\r\n\x1a\n";
/// The format version that this code writes and reads.
pub const FORMAT: u16 = 1;
/// Bytes of the header. A later writer may make it longer; the table begins where it ends.
pub const HEADER_LEN: usize = 128;
/// Bytes of a row of the section table.
pub const SECTION_LEN: usize = 20;
/// Sections that a file may have: bounds the work of `open`.
pub const MAX_SECTIONS: u16 = 64;
/// Set in a section's kind when a reader that does not know the kind must refuse the file.
pub const MUST_UNDERSTAND: u32 = 1 << 31;
/// Rows of a block.
pub const BLOCK: u32 = 16;
/// Bytes of a row before its name.
pub const ROW_LEN: usize = 5;
/// Bytes of a file's value before its digest or target.
pub const FILE_LEN: usize = 7;
/// Bytes of a digest.
pub const DIGEST_LEN: usize = 16;
/// Bytes of the device's name.
pub const NOTE_LEN: usize = 64;

/// Byte offsets in the header.
mod field {
    pub(super) const FORMAT: usize = 8;
    pub(super) const HEADER_LEN: usize = 10;
    pub(super) const SECTIONS: usize = 12;
    pub(super) const CREATED: usize = 16;
    pub(super) const FILE_LEN: usize = 24;
    pub(super) const ENTRIES: usize = 32;
    pub(super) const MISSED: usize = 36;
    pub(super) const NOTE: usize = 64;
}

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the header itself.
    pub header_len: u16,
    /// Rows of the section table.
    pub sections: u16,
    /// When the baseline was taken, in seconds since 1970; 0 where the clock was not set.
    pub created: u64,
    /// Bytes of the whole file.
    pub file_len: u64,
    /// Entries of all kinds.
    pub entries: u32,
    /// Things that were there and are in no section.
    pub missed: u32,
    /// The device's name, padded with NULs.
    pub note: [u8; NOTE_LEN],
}

impl Header {
    /// Reads a header and holds it against the number of bytes that are there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Header, Defect> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Defect::NotBaseline);
        }
        let format = u16::from_le_bytes(take(bytes, field::FORMAT).ok_or(Defect::Length)?);
        if format != FORMAT {
            return Err(Defect::Version(format));
        }
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(Defect::Length)?;
        let word = |at| take(header, at).map_or(0, u32::from_le_bytes);
        let half = |at| take(header, at).map_or(0, u16::from_le_bytes);
        let double = |at| take(header, at).map_or(0, u64::from_le_bytes);
        let header = Header {
            header_len: half(field::HEADER_LEN),
            sections: half(field::SECTIONS),
            created: double(field::CREATED),
            file_len: double(field::FILE_LEN),
            entries: word(field::ENTRIES),
            missed: word(field::MISSED),
            note: take(header, field::NOTE).unwrap_or([0; NOTE_LEN]),
        };
        if u64::try_from(bytes.len()) != Ok(header.file_len) {
            return Err(Defect::Length);
        }
        if usize::from(header.header_len) < HEADER_LEN || header.sections > MAX_SECTIONS {
            return Err(Defect::Header);
        }
        Ok(header)
    }

    /// The header as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        put(&mut out, 0, MAGIC);
        put(&mut out, field::FORMAT, FORMAT.to_le_bytes());
        put(&mut out, field::HEADER_LEN, self.header_len.to_le_bytes());
        put(&mut out, field::SECTIONS, self.sections.to_le_bytes());
        put(&mut out, field::CREATED, self.created.to_le_bytes());
        put(&mut out, field::FILE_LEN, self.file_len.to_le_bytes());
        put(&mut out, field::ENTRIES, self.entries.to_le_bytes());
        put(&mut out, field::MISSED, self.missed.to_le_bytes());
        put(&mut out, field::NOTE, self.note);
        out
    }
}

/// A row of the section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// A kind's number, with or without [`MUST_UNDERSTAND`].
    pub kind: u32,
    /// Where the body begins, from the start of the file.
    pub offset: u32,
    /// Bytes of the body.
    pub length: u32,
    /// Rows in the body.
    pub count: u32,
    /// Things of the kind that are not among them.
    pub missed: u32,
}

impl Section {
    /// Reads a row of the table.
    #[must_use]
    pub fn from_bytes(row: &[u8; SECTION_LEN]) -> Section {
        let word = |at| take(row, at).map_or(0, u32::from_le_bytes);
        Section { kind: word(0), offset: word(4), length: word(8), count: word(12), missed: word(16) }
    }

    /// The row as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SECTION_LEN] {
        let mut out = [0; SECTION_LEN];
        let Section { kind, offset, length, count, missed } = *self;
        for (at, word) in (0..).step_by(4).zip([kind, offset, length, count, missed]) {
            put(&mut out, at, word.to_le_bytes());
        }
        out
    }
}

/// `N` bytes at an offset, when they are there.
pub(super) fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Sets `N` bytes at an offset. The offsets are constants of this file, inside what they are put into.
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(slot) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut()) {
        *slot = bytes;
    }
}
