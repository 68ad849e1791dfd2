//! The ends of a delta: bytes that are read from its front, and the new file, written byte by byte and bit by bit.

use sha2::{Digest as _, Sha256};

use super::{Fault, Sink};

/// Bytes that are gathered before they are written.
const CHUNK: usize = 512;

/// Bytes from which the front is taken.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (front, rest) = self.0.split_first_chunk().ok_or(Fault::Broken)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn cut(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (front, rest) = self.0.split_at_checked(length).ok_or(Fault::Broken)?;
        self.0 = rest;
        Ok(front)
    }

    /// A LEB128 number of at most five bytes.
    pub(super) fn number(&mut self) -> Result<u32, Fault> {
        let mut number = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| Fault::Broken);
            }
        }
        Err(Fault::Broken)
    }

    pub(super) fn edit(&mut self) -> Result<[u32; 3], Fault> {
        Ok([self.number()?, self.number()?, self.number()?])
    }
}

/// A count as this machine has it.
pub(super) fn size(number: u32) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| Fault::Broken)
}

/// The new file, as far as it is written.
pub(super) struct Out<'s> {
    sink: Sink<'s>,
    hash: Sha256,
    chunk: [u8; CHUNK],
    used: usize,
    /// Bytes that may still come.
    left: u64,
}

impl<'s> Out<'s> {
    /// Nothing is written yet, and so many bytes may be.
    pub(super) fn new(sink: Sink<'s>, left: u64) -> Self {
        Out { sink, hash: Sha256::new(), chunk: [0; CHUNK], used: 0, left }
    }

    /// Hands over what is left; the hash of all of it, if as much came as was said.
    pub(super) fn finish(mut self) -> Result<Option<[u8; 32]>, Fault> {
        self.flush()?;
        Ok((self.left == 0).then(|| self.hash.finalize().into()))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or(Fault::Broken)?;
        for byte in bytes {
            if self.used == CHUNK {
                self.flush()?;
            }
            if let Some(slot) = self.chunk.get_mut(self.used) {
                *slot = *byte;
                self.used = self.used.wrapping_add(1);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let full = self.chunk.get(..self.used).unwrap_or_default();
        self.hash.update(full);
        self.used = 0;
        if (self.sink)(full) { Ok(()) } else { Err(Fault::Write) }
    }
}

/// A string of bits, the lowest bit of a byte first.
#[derive(Default)]
pub(super) struct Bits {
    pending: u64,
    filled: u32,
}

impl Bits {
    /// Adds the lowest bits of a number, at most 32.
    pub(super) fn push(&mut self, number: u32, bits: u32, out: &mut Out<'_>) -> Result<(), Fault> {
        let kept = u64::from(number) & 1u64.wrapping_shl(bits).wrapping_sub(1);
        self.pending |= kept.wrapping_shl(self.filled);
        self.filled = self.filled.wrapping_add(bits);
        while let Some(rest) = self.filled.checked_sub(8) {
            let [lowest, ..] = self.pending.to_le_bytes();
            out.write(&[lowest])?;
            self.pending >>= 8;
            self.filled = rest;
        }
        Ok(())
    }

    pub(super) fn pad(&mut self, bits: u32, out: &mut Out<'_>) -> Result<(), Fault> {
        for _ in 0..bits {
            self.push(0, 1, out)?;
        }
        Ok(())
    }
}
