//! Where everything lies in an indicator file: the one description that the reader on the router and
//! the writer on the host share.
//!
//! All numbers are little endian on every machine, and nothing is aligned: fields are read with
//! `from_le_bytes`, since MIPS and ARMv5 trap on an unaligned load. (IPv6 addresses are 16 bytes in
//! network order, as on the wire.)
//!
//! ```text
//! 0   header, 64 bytes                     magic, format, length, version, dates, counts
//! 64  section table, 16 bytes a section    kind, offset, length, count
//! …   section bodies                       in the order of the table
//! ```
//!
//! | kind | body | one row |
//! |---|---|---|
//! | 1 names | families | length `u8`, that many bytes of UTF-8 |
//! | 2 labels | what a hit says | byte offset of the name `u32`, port `u16`, expiry day `u16`; 0 is none |
//! | 3 IPv4 | single addresses | Elias–Fano, see [`Shape`] |
//! | 4 IPv4 ranges | octet map, then CIDR blocks, flattened | first `u32`, last `u32`, label `u32` |
//! | 5 IPv6 | single addresses | address 16 bytes, label `u32` |
//! | 6 IPv6 ranges | CIDR blocks, flattened | first, last 16 bytes each, label `u32` |
//! | 7 never IPv4 | octet map, then never-match ranges | first `u32`, last `u32` |
//! | 8 never IPv6 | never-match ranges | first, last 16 bytes each |
//! | 9 hashes | files, by their SHA-256 | digest 32 bytes, label `u32` |
//! | 10 traces | what a family leaves on a device | kind and strength `u8`, length `u8`, label `u16`, that many bytes |
//! | 11 domains | names, each with all below it | hash `u64` (see [`DomainHash`]), label `u16` |
//! | 12 never domains | names that never match | depth `u8` (see [`NEVER_TREE`]), length `u8`, that many bytes |
//! | 32 signature | who made the file | see [`signature`](crate::signature) |
//!
//! Labels are sorted by port, and those of one port begin with the one that is meant for longest. Rows are
//! sorted by address, and those of one address by label. Ranges have no port and are disjoint; the same range may stand several times with
//! different labels, the most specific block first. An octet map is 256 bits, the lowest of byte 0 first: a
//! range reaches into that /8. It saves most lookups the search of a short list of ranges. An expiry day counts from 1970-01-01 UTC and is the
//! first day on which the indicator is no longer meant.
//!
//! Hashes are sorted by digest, those of one digest by label. Traces are sorted by kind, then by value, so one
//! kind lies in one piece; the low four bits of a row's first byte are its kind, the high four its strength (see
//! [`TraceKind`](super::TraceKind), [`Strength`](super::Strength)). A reader skips kinds and strengths that it does
//! not know. The labels of both have no port. A file without addresses has no never-match ranges either.
//!
//! Domains are sorted by hash, those of one hash by label; the label has no port. A domain costs 80 bits: 64 of hash, 16 of
//! label. The name itself is not kept, so a name that nobody listed can match by chance: one look-up of one name among `n`
//! domains with a probability of `n` / 2⁶⁴, so a million different names asked for, of four labels each, against 100,000
//! domains once in 46 million such runs. The writer refuses two domains of one hash. Never-match names are few and stand as
//! text, in lower case, at most [`NEVER_DOMAINS_MAX`] of them; they are searched only when something matched. A file without
//! domains has none of them.
//!
//! **Later kinds** take the next numbers. A reader skips a kind that it does not know, unless the kind
//! carries [`MUST_UNDERSTAND`]: then it refuses the file. The signature is the last thing in the file: it covers every byte
//! before its offset, so also the header and the whole table, in which its own row is already filled in.

use super::Defect;

/// First bytes of a file. As in PNG, the high bit, CRLF, control-Z and LF show a copy made as text.
pub const MAGIC: [u8; 8] = *b"\x89GWI\r\n\x1a\n";
/// The format version that this code writes and reads.
pub const FORMAT: u16 = 1;
/// Bytes of the header. A later writer may make it longer; the table begins where it ends.
pub const HEADER_LEN: usize = 64;
/// Bytes of a row of the section table.
pub const SECTION_LEN: usize = 16;
/// Sections that a file may have: bounds the work of `open`.
pub const MAX_SECTIONS: u16 = 64;
/// Set in a section's kind when a reader that does not know the kind must refuse the file.
pub const MUST_UNDERSTAND: u32 = 1 << 31;

/// Kinds of section, as in the table above.
pub mod kind {
    /// Family names.
    pub const NAMES: u32 = 1;
    /// Labels.
    pub const LABELS: u32 = 2;
    /// IPv4 addresses.
    pub const IPV4: u32 = 3;
    /// IPv4 ranges.
    pub const IPV4_RANGES: u32 = 4;
    /// IPv6 addresses.
    pub const IPV6: u32 = 5;
    /// IPv6 ranges.
    pub const IPV6_RANGES: u32 = 6;
    /// IPv4 ranges that never match.
    pub const NEVER_IPV4: u32 = 7;
    /// IPv6 ranges that never match.
    pub const NEVER_IPV6: u32 = 8;
    /// SHA-256 of files.
    pub const HASHES: u32 = 9;
    /// Traces of families.
    pub const TRACES: u32 = 10;
    /// Domains.
    pub const DOMAINS: u32 = 11;
    /// Domains that never match.
    pub const NEVER_DOMAINS: u32 = 12;
    /// One more than the highest kind that this code knows.
    pub(crate) const END: usize = 13;
}

/// Bytes of a label.
pub const LABEL_LEN: usize = 8;
/// Bytes of an octet map.
pub const OCTETS_LEN: usize = 32;
/// Bytes of an IPv4 range.
pub const IPV4_RANGE_LEN: usize = 12;
/// Bytes of an IPv6 address row.
pub const IPV6_LEN: usize = 20;
/// Bytes of an IPv6 range.
pub const IPV6_RANGE_LEN: usize = 36;
/// Bytes of an IPv4 never-match range.
pub const NEVER_IPV4_LEN: usize = 8;
/// Bytes of an IPv6 never-match range.
pub const NEVER_IPV6_LEN: usize = 32;
/// Bytes of a hash row.
pub const HASH_LEN: usize = 36;
/// Bytes of a trace before its value.
pub const TRACE_HEAD_LEN: usize = 4;
/// Most bytes of a trace's value.
pub const TRACE_MAX: usize = 255;
/// Most traces of a file: each is held against every process.
pub const TRACES_MAX: u32 = 8192;
/// Bytes of a domain row.
pub const DOMAIN_LEN: usize = 10;
/// Most bytes of a domain name without its last dot (RFC 1035 § 3.1).
pub const DOMAIN_MAX: usize = 253;
/// Bytes of a never-match name before its text.
pub const NEVER_DOMAIN_HEAD_LEN: usize = 2;
/// Depth of a never-match name that holds for all names below it too; 0: an indicator of this very name is wrong, and one
/// of a name below it may be right (hosts of many people's names).
pub const NEVER_TREE: u8 = 1;
/// Most never-match names of a file: bounds the work of a hit.
pub const NEVER_DOMAINS_MAX: u32 = 4096;
/// A day, in seconds: labels count days, the interface counts seconds.
pub const DAY_S: u64 = 86_400;

/// Byte offsets in the header; what is not named is zero.
mod field {
    pub(super) const FORMAT: usize = 8;
    pub(super) const HEADER_LEN: usize = 10;
    pub(super) const VERSION: usize = 12;
    pub(super) const CREATED: usize = 16;
    pub(super) const EXPIRES: usize = 24;
    pub(super) const FILE_LEN: usize = 32;
    pub(super) const ENTRIES: usize = 40;
    pub(super) const SECTIONS: usize = 44;
    pub(super) const ENGINE: usize = 48;
}

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the header itself.
    pub header_len: u16,
    /// Version of the data: grows with every build, so that a router can refuse to go back.
    pub version: u32,
    /// When the data was made, in seconds since 1970.
    pub created: u64,
    /// From when on the data is stale, in seconds since 1970; 0 is never.
    pub expires: u64,
    /// Bytes of the whole file.
    pub file_len: u64,
    /// Indicators in the file, before CIDR blocks were flattened; never-match ranges are not counted.
    pub entries: u32,
    /// Rows of the section table.
    pub sections: u16,
    /// The oldest gatewatch that makes of the file what is meant, as [`engine`] counts; 0 is any.
    pub engine: u32,
}

/// A version of gatewatch as one number.
#[must_use]
pub const fn engine(version: [u8; 3]) -> u32 {
    let [major, minor, patch] = version;
    u32::from_be_bytes([0, major, minor, patch])
}

impl Header {
    /// Reads a header and holds it against the number of bytes that are there.
    pub fn read(bytes: &[u8]) -> Result<Header, Defect> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Defect::NotIntel);
        }
        let actual = bytes_u64(bytes.len());
        let short = Defect::Truncated { declared: bytes_u64(HEADER_LEN), actual };
        let format = u16::from_le_bytes(take(bytes, field::FORMAT).ok_or(short)?);
        if format != FORMAT {
            return Err(Defect::Version(format));
        }
        if bytes.len() < HEADER_LEN {
            return Err(short);
        }
        let header = Header {
            header_len: u16::from_le_bytes(take(bytes, field::HEADER_LEN).ok_or(short)?),
            version: u32::from_le_bytes(take(bytes, field::VERSION).ok_or(short)?),
            created: u64::from_le_bytes(take(bytes, field::CREATED).ok_or(short)?),
            expires: u64::from_le_bytes(take(bytes, field::EXPIRES).ok_or(short)?),
            file_len: u64::from_le_bytes(take(bytes, field::FILE_LEN).ok_or(short)?),
            entries: u32::from_le_bytes(take(bytes, field::ENTRIES).ok_or(short)?),
            sections: u16::from_le_bytes(take(bytes, field::SECTIONS).ok_or(short)?),
            engine: u32::from_le_bytes(take(bytes, field::ENGINE).ok_or(short)?),
        };
        let declared = header.file_len;
        if actual < declared {
            return Err(Defect::Truncated { declared, actual });
        }
        if actual > declared {
            return Err(Defect::Trailing { declared, actual });
        }
        if usize::from(header.header_len) < HEADER_LEN || header.sections > MAX_SECTIONS {
            return Err(Defect::Header);
        }
        Ok(header)
    }

    /// The header as bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        put(&mut out, 0, MAGIC);
        put(&mut out, field::FORMAT, FORMAT.to_le_bytes());
        put(&mut out, field::HEADER_LEN, self.header_len.to_le_bytes());
        put(&mut out, field::VERSION, self.version.to_le_bytes());
        put(&mut out, field::CREATED, self.created.to_le_bytes());
        put(&mut out, field::EXPIRES, self.expires.to_le_bytes());
        put(&mut out, field::FILE_LEN, self.file_len.to_le_bytes());
        put(&mut out, field::ENTRIES, self.entries.to_le_bytes());
        put(&mut out, field::SECTIONS, self.sections.to_le_bytes());
        put(&mut out, field::ENGINE, self.engine.to_le_bytes());
        out
    }
}

/// The version of the data that begins with these bytes. `None`: they are no indicators.
#[must_use]
pub fn version_of(head: &[u8]) -> Option<u32> {
    head.starts_with(&MAGIC).then(|| take(head, field::VERSION)).flatten().map(u32::from_le_bytes)
}

/// A row of the section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// One of [`kind`], or a later one; with or without [`MUST_UNDERSTAND`].
    pub kind: u32,
    /// Where the body begins, from the start of the file.
    pub offset: u32,
    /// Bytes of the body.
    pub length: u32,
    /// Rows in the body.
    pub count: u32,
}

impl Section {
    /// Reads a row of the table.
    pub fn from_bytes(row: &[u8; SECTION_LEN]) -> Section {
        let [k0, k1, k2, k3, o0, o1, o2, o3, l0, l1, l2, l3, c0, c1, c2, c3] = *row;
        Section {
            kind: u32::from_le_bytes([k0, k1, k2, k3]),
            offset: u32::from_le_bytes([o0, o1, o2, o3]),
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            count: u32::from_le_bytes([c0, c1, c2, c3]),
        }
    }

    /// The row as bytes.
    pub fn to_bytes(&self) -> [u8; SECTION_LEN] {
        let mut out = [0; SECTION_LEN];
        put(&mut out, 0, self.kind.to_le_bytes());
        put(&mut out, 4, self.offset.to_le_bytes());
        put(&mut out, 8, self.length.to_le_bytes());
        put(&mut out, 12, self.count.to_le_bytes());
        out
    }
}

/// How the body of the IPv4 section is cut.
///
/// The sorted addresses are kept as Elias–Fano code (Elias 1974; Fano 1971): the high `bucket_bits` of an
/// address name its bucket, and only the rest, its low bits, is stored with the entry. Which entries
/// are in which bucket is said in unary by one string of bits: a 1 for every entry, a 0 at the end of
/// every bucket. This costs about two bits an entry, whatever the number of entries, because the writer picks
/// `bucket_bits` for it: 1 for one address, 17 for 100,000. So one layout, and one search, serves a short list and a long one.
///
/// ```text
/// 0  prologue    4 bytes: bucket_bits, label_bits, 0, 0
/// 4  samples     u32 for every BUCKETS_PER_SAMPLE buckets: bit position where that bucket begins
/// …  unary bits  count + 2^bucket_bits bits, lowest bit first, to a multiple of 8 bytes
/// …  entries     count × (low bits above label bits), packed lowest bit first, then 7 zero bytes
/// ```
///
/// An entry is one number, its low bits above its label's number. An address that is listed several
/// times (several ports or families) has several entries, side by side, the lowest label first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Entries.
    pub count: u32,
    /// High bits of an address that name its bucket.
    pub bucket_bits: u8,
    /// Bits of a label's number.
    pub label_bits: u8,
}

impl Shape {
    /// Bytes before the samples.
    pub const PROLOGUE_LEN: u32 = 4;
    /// Buckets from one sample to the next: a lookup then reads three words of unary bits on average.
    pub const BUCKETS_PER_SAMPLE: u32 = 128;
    /// Zero bytes after the entries, so that the last one too can be read as eight bytes.
    pub const PADDING: u32 = 7;
    /// Least `bucket_bits`: what is left of an address is then less than a word, and can be shifted out.
    pub const MIN_BUCKET_BITS: u8 = 1;
    /// Most `bucket_bits`: 2^24 buckets suit more addresses than a router has memory for.
    pub const MAX_BUCKET_BITS: u8 = 24;
    /// Most `label_bits`: 32 low bits, a label and a shift of up to 7 then fit eight bytes.
    pub const MAX_LABEL_BITS: u8 = 25;

    /// Bits of an address that are stored with its entry.
    pub fn low_bits(&self) -> u32 {
        32u32.saturating_sub(u32::from(self.bucket_bits))
    }

    /// Bits of an entry.
    pub fn entry_bits(&self) -> u32 {
        self.low_bits().saturating_add(u32::from(self.label_bits))
    }

    /// Number of buckets.
    pub fn buckets(&self) -> u32 {
        1u32.checked_shl(u32::from(self.bucket_bits)).unwrap_or(u32::MAX)
    }

    /// Bytes of the samples.
    pub fn samples_len(&self) -> u32 {
        self.buckets().div_ceil(Shape::BUCKETS_PER_SAMPLE).saturating_mul(4)
    }

    /// Bytes of the unary bits; nothing when they are too many to count.
    pub fn unary_len(&self) -> Option<u32> {
        self.count.checked_add(self.buckets())?.div_ceil(64).checked_mul(8)
    }

    /// Bytes of the entries and of the padding; nothing when their bits are too many to count.
    pub fn entries_len(&self) -> Option<u32> {
        self.count.checked_mul(self.entry_bits())?.div_ceil(8).checked_add(Shape::PADDING)
    }

    /// Bytes of the whole body; nothing when the shape is out of bounds.
    pub fn body_len(&self) -> Option<u32> {
        let buckets = Shape::MIN_BUCKET_BITS..=Shape::MAX_BUCKET_BITS;
        if !buckets.contains(&self.bucket_bits) || self.label_bits > Shape::MAX_LABEL_BITS {
            return None;
        }
        Shape::PROLOGUE_LEN
            .checked_add(self.samples_len())?
            .checked_add(self.unary_len()?)?
            .checked_add(self.entries_len()?)
    }
}

/// The hash of a domain name, taken from its end: so one walk over a name gives the hashes of all names that it is below.
///
/// 64-bit FNV-1a (Fowler, Noll, Vo; RFC 9923) over the bytes in lower case, the last first, and then the mixing of
/// MurmurHash3 (`fmix64`), since FNV alone leaves the hashes of short names alike in their high bits, by which rows are found.
#[derive(Clone, Copy, Debug)]
pub struct DomainHash(u64);

impl DomainHash {
    /// Of no bytes.
    pub const EMPTY: DomainHash = DomainHash(0xcbf2_9ce4_8422_2325);

    /// With one more byte in front.
    #[must_use]
    pub fn push(self, byte: u8) -> DomainHash {
        DomainHash((self.0 ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The hash of what was pushed.
    #[must_use]
    pub fn finish(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        mixed ^ (mixed >> 33)
    }

    /// The hash of a name.
    #[must_use]
    pub fn of(name: &[u8]) -> u64 {
        name.iter().rev().fold(DomainHash::EMPTY, |hash, byte| hash.push(*byte)).finish()
    }
}

/// `N` bytes at an offset, when they are there.
fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Sets `N` bytes at an offset. The offsets are constants of this file, inside what they are put into.
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(slot) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut()) {
        *slot = bytes;
    }
}

/// A length as the header counts it. No machine's `usize` is wider than 64 bits.
fn bytes_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
