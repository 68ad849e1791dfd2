//! What is new in an indicator file: edits that make the new file of the old one, byte for byte.
//!
//! Addresses are packed to the bit and labels are numbers in a sorted table, so one more of either moves and renumbers
//! all that follow: bytes that stay the same say little. The edits are therefore of rows: which of the old ones stay, in
//! their order, which go, which come between; and by how much the numbers in those that stay have moved.
//!
//! ```text
//! 0    magic, 8 bytes        as of an indicator file, with a D
//! 8    format u16, parts u16, old version u32, new version u32, 4 zero bytes
//! 24   old length u64, new length u64
//! 40   SHA-256 of the old file, of the new file
//! 104  parts, one after the other: a head of 32 bytes, its renumbering, its edits
//! ```
//!
//! Numbers are little endian. Parts write the new file from its start to its end. The head of a part:
//!
//! | at | what |
//! |---|---|
//! | 0 | form `u8`: 0 is rows of one length, 1 the body of an IPv4 section, see [`Shape`] |
//! | 1 | bytes of a row `u8` |
//! | 2 | where in a row the number stands that moves `u8`, its bytes `u8`: 0 is none, 2, 4 |
//! | 4 | where the old rows begin in the old file `u32`, how many there are `u32` |
//! | 12 | rows of the renumbering `u32`, bytes of the edits `u32` |
//! | 20 | of the new IPv4 section: count `u32`, bucket bits `u8`, label bits `u8`; 6 zero bytes |
//!
//! Renumbering has 8 bytes a row, sorted: from this old number on `u32`, count on from this new one `u32`. An edit is three
//! LEB128 numbers: so many old rows stay, so many go, so many come; then those that come, as they are, or of an IPv4
//! section as two LEB128 numbers each: how far the address is from that of the last one that came, and its label.
//!
//! The bytes are not trusted. Old rows are only ever walked forward (thrice, for an IPv4 section), and no more bytes
//! are written than the head says, so the work is bounded by the two files and the edits. That the outcome is the new file is
//! for its hash to say, whose file that is for its signature.

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::layout::Shape;
use super::singles::Singles;

mod bytes;

use bytes::{Bits, Bytes, Out, size};

/// First bytes of a delta.
pub const MAGIC: [u8; 8] = *b"\x89GWD\r\n\x1a\n";
/// The format that this code writes and reads.
pub const FORMAT: u16 = 1;
/// Bytes before the parts.
pub const HEAD_LEN: usize = 104;
/// Bytes of a part before its renumbering.
pub const PART_LEN: usize = 32;
/// Bytes of a row of the renumbering.
pub const RUN_LEN: usize = 8;
/// The form of a part of rows.
pub const ROWS: u8 = 0;
/// The form of a part that is the body of an IPv4 section.
pub const IPV4: u8 = 1;

/// Why there is no new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as a delta does.
    NotDelta,
    /// It is of a format that this program does not read.
    Format(u16),
    /// It is meant for another old file.
    OtherBase {
        /// The version of the file that it is meant for.
        version: u32,
    },
    /// It is cut short or contradicts itself.
    Broken,
    /// The new file could not be written.
    Write,
}

/// A delta, not applied yet.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    parts: u16,
    old_version: u32,
    new_version: u32,
    old_len: u64,
    new_len: u64,
    old_hash: [u8; 32],
    new_hash: [u8; 32],
    body: &'a [u8],
}

/// Takes bytes of the new file, in their order, and says whether it could.
pub type Sink<'s> = &'s mut dyn FnMut(&[u8]) -> bool;

impl<'a> Delta<'a> {
    /// Reads the head.
    pub fn open(bytes: &'a [u8]) -> Result<Delta<'a>, Fault> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Fault::NotDelta);
        }
        let mut rest = Bytes(bytes.get(MAGIC.len()..).unwrap_or_default());
        let format = u16::from_le_bytes(rest.take()?);
        if format != FORMAT {
            return Err(Fault::Format(format));
        }
        let parts = u16::from_le_bytes(rest.take()?);
        let [old_version, new_version, _] = [rest.u32()?, rest.u32()?, rest.u32()?];
        let [old_len, new_len] = [rest.take()?, rest.take()?].map(u64::from_le_bytes);
        let [old_hash, new_hash] = [rest.take()?, rest.take()?];
        Ok(Delta { parts, old_version, new_version, old_len, new_len, old_hash, new_hash, body: rest.0 })
    }

    /// The version of the file that it is meant for.
    #[must_use]
    pub fn old_version(&self) -> u32 {
        self.old_version
    }

    /// The version that it makes of it.
    #[must_use]
    pub fn new_version(&self) -> u32 {
        self.new_version
    }

    /// Bytes of the new file.
    #[must_use]
    pub fn new_len(&self) -> u64 {
        self.new_len
    }

    /// Whether these bytes are the new file.
    #[must_use]
    pub fn makes(&self, bytes: &[u8]) -> bool {
        u64::try_from(bytes.len()) == Ok(self.new_len)
            && <[u8; 32]>::from(Sha256::digest(bytes)) == self.new_hash
    }

    /// Writes the new file. What was written before a fault is of no use.
    pub fn apply(&self, old: &[u8], sink: Sink<'_>) -> Result<(), Fault> {
        let length = u64::try_from(old.len()).unwrap_or(u64::MAX);
        if length != self.old_len || <[u8; 32]>::from(Sha256::digest(old)) != self.old_hash {
            return Err(Fault::OtherBase { version: self.old_version });
        }
        let mut out = Out::new(sink, self.new_len);
        let mut body = Bytes(self.body);
        for _ in 0..self.parts {
            Part::read(&mut body)?.apply(old, &mut out)?;
        }
        let hash = out.finish()?;
        if body.0.is_empty() && hash == Some(self.new_hash) { Ok(()) } else { Err(Fault::Broken) }
    }
}

/// A part, with its bytes.
struct Part<'a> {
    form: u8,
    row: usize,
    field: usize,
    width: u8,
    from: usize,
    count: u32,
    shape: Shape,
    runs: &'a [[u8; RUN_LEN]],
    edits: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(body: &mut Bytes<'a>) -> Result<Part<'a>, Fault> {
        let [form, row, field, width] = body.take()?;
        let [from, count, runs, edits, new_count] =
            [body.u32()?, body.u32()?, body.u32()?, body.u32()?, body.u32()?];
        let [bucket_bits, label_bits, ..] = body.take::<8>()?;
        let runs = size(runs)?.checked_mul(RUN_LEN).ok_or(Fault::Broken)?;
        Ok(Part {
            form,
            row: usize::from(row),
            field: usize::from(field),
            width,
            from: size(from)?,
            count,
            shape: Shape { count: new_count, bucket_bits, label_bits },
            runs: body.cut(runs)?.as_chunks().0,
            edits: body.cut(size(edits)?)?,
        })
    }

    fn apply(&self, old: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let old = old.get(self.from..).ok_or(Fault::Broken)?;
        match self.form {
            ROWS => self.rows(old, out),
            IPV4 => self.ipv4(old, out),
            _ => Err(Fault::Broken),
        }
    }

    /// The new number of an old label, or of where a name stands.
    fn renumber(&self, number: u32) -> u32 {
        let parts = |run: &[u8; RUN_LEN]| {
            let [a, b, c, d, e, f, g, h] = *run;
            (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
        };
        let after = self.runs.partition_point(|run| parts(run).0 <= number);
        let run = after.checked_sub(1).and_then(|at| self.runs.get(at)).map(parts);
        run.map_or(number, |(from, to)| number.wrapping_sub(from).wrapping_add(to))
    }

    fn rows(&self, old: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let whole = size(self.count)?.checked_mul(self.row).ok_or(Fault::Broken)?;
        let mut rows = Bytes(old.get(..whole).ok_or(Fault::Broken)?);
        let mut edits = Bytes(self.edits);
        let bytes = |rows: u32| size(rows)?.checked_mul(self.row).ok_or(Fault::Broken);
        while !edits.0.is_empty() {
            let [stay, go, come] = edits.edit()?;
            let kept = rows.cut(bytes(stay)?)?;
            match self.width {
                0 => out.write(kept)?,
                2 | 4 if self.row != 0 => {
                    for row in kept.chunks(self.row) {
                        self.moved(row, out)?;
                    }
                }
                _ => return Err(Fault::Broken),
            }
            rows.cut(bytes(go)?)?;
            out.write(edits.cut(bytes(come)?)?)?;
        }
        Ok(())
    }

    /// Writes an old row with its number as it is now.
    fn moved(&self, row: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let (front, rest) = row.split_at_checked(self.field).ok_or(Fault::Broken)?;
        let (field, back) = rest.split_at_checked(usize::from(self.width)).ok_or(Fault::Broken)?;
        let mut number = [0; 4];
        for (to, from) in number.iter_mut().zip(field) {
            *to = *from;
        }
        let number = self.renumber(u32::from_le_bytes(number)).to_le_bytes();
        out.write(front)?;
        out.write(number.get(..field.len()).ok_or(Fault::Broken)?)?;
        out.write(back)
    }

    fn ipv4(&self, old: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let singles = match self.count {
            0 => Singles::EMPTY,
            count => Singles::at(old, count).ok_or(Fault::Broken)?,
        };
        let shape = &self.shape;
        if shape.body_len().is_none() {
            return Err(Fault::Broken);
        }
        out.write(&[shape.bucket_bits, shape.label_bits, 0, 0])?;

        // The samples: where every so manieth bucket begins among the unary bits.
        let (mut next, mut before) = (0u32, 0u32);
        let mut sample = |bucket: u32, before: u32, out: &mut Out<'_>| {
            while next <= bucket {
                out.write(&next.wrapping_add(before).to_le_bytes())?;
                next = next.wrapping_add(Shape::BUCKETS_PER_SAMPLE);
            }
            Ok(())
        };
        self.entries(&singles, &mut |bucket, _, _| {
            sample(bucket, before, out)?;
            before = before.wrapping_add(1);
            Ok(())
        })?;
        let last = shape.buckets().wrapping_sub(1);
        sample(last, before, out)?;
        if before != shape.count {
            return Err(Fault::Broken);
        }

        let (mut bits, mut bucket) = (Bits::default(), 0u32);
        self.entries(&singles, &mut |own, _, _| {
            while bucket < own {
                bits.push(0, 1, out)?;
                bucket = bucket.wrapping_add(1);
            }
            bits.push(1, 1, out)
        })?;
        while bucket <= last {
            bits.push(0, 1, out)?;
            bucket = bucket.wrapping_add(1);
        }
        let unary = shape.count.wrapping_add(shape.buckets());
        bits.pad(unary.wrapping_neg() & 63, out)?;

        let mut bits = Bits::default();
        self.entries(&singles, &mut |_, low, label| {
            bits.push(label, u32::from(shape.label_bits), out)?;
            bits.push(low, shape.low_bits(), out)
        })?;
        let used = shape.count.wrapping_mul(shape.entry_bits());
        bits.pad(used.wrapping_neg() & 7, out)?;
        bits.pad(Shape::PADDING.wrapping_mul(8), out)
    }

    /// The new entries in their order: bucket, low bits, label.
    fn entries(
        &self,
        singles: &Singles<'_>,
        each: &mut dyn FnMut(u32, u32, u32) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let low_bits = self.shape.low_bits();
        let (mut last, mut came) = (0, 0u32);
        let mut pass = |address: u32, label: u32| {
            if address < last {
                return Err(Fault::Broken);
            }
            last = address;
            let low = address & 1u32.wrapping_shl(low_bits).wrapping_sub(1);
            each(address.wrapping_shr(low_bits), low, label)
        };
        let mut old = singles.walk();
        let mut edits = Bytes(self.edits);
        while !edits.0.is_empty() {
            let [stay, go, come] = edits.edit()?;
            for _ in 0..stay {
                let (address, label) = old.next().ok_or(Fault::Broken)?;
                pass(address, self.renumber(label))?;
            }
            for _ in 0..go {
                old.next().ok_or(Fault::Broken)?;
            }
            for _ in 0..come {
                came = came.wrapping_add(edits.number()?);
                pass(came, edits.number()?)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::NotDelta => f.write_str("not a delta: make one with gatewatch-intel delta"),
            Fault::Format(format) => {
                write!(f, "format {format}, and this program reads {FORMAT}: make it for this release")
            }
            Fault::OtherBase { version } => {
                write!(f, "meant for another file, of version {version}: take the full file")
            }
            Fault::Broken => f.write_str("broken: fetch it again, or take the full file"),
            Fault::Write => f.write_str("the new file could not be written"),
        }
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests;
