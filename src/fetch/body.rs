//! The body of an HTTP answer, put together as it comes.

use gatewatch::facts::text::{hex64, trim};

use super::head::Length;

/// Digits of a chunk's length, its extensions included, that are looked at.
const LINE: usize = 128;

/// A body on its way.
pub struct Body<'a> {
    into: &'a mut [u8],
    filled: usize,
    state: State,
    line: heapless::Vec<u8, LINE>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes are to come.
    Known(u64),
    /// Bytes until the connection ends.
    Open,
    /// The line with the length of the next chunk.
    Line,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line behind a chunk.
    Behind,
    /// All is there.
    Whole,
}

impl<'a> Body<'a> {
    /// Nothing of it has come yet.
    pub fn new(length: Length, into: &'a mut [u8]) -> Self {
        let state = match length {
            Length::Known(0) => State::Whole,
            Length::Known(length) => State::Known(length),
            Length::Chunked => State::Line,
            Length::Open => State::Open,
        };
        Self { into, filled: 0, state, line: heapless::Vec::new() }
    }

    /// Whether nothing more need be read.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Takes the next bytes. What is behind the end is left.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Whole => return Ok(()),
                State::Open => self.store(bytes, u64::MAX)?.0,
                State::Known(left) => {
                    let (rest, left) = self.store(bytes, left)?;
                    self.state = if left == 0 { State::Whole } else { State::Known(left) };
                    rest
                }
                State::Chunk(left) => {
                    let (rest, left) = self.store(bytes, left)?;
                    self.state = if left == 0 { State::Behind } else { State::Chunk(left) };
                    rest
                }
                State::Line | State::Behind => self.step(bytes)?,
            };
        }
        Ok(())
    }

    /// Takes one byte of a line, and reads the line when it ends.
    fn step<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], String> {
        let no = "sends chunks that are not understood";
        let Some((byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        if *byte != b'\n' {
            self.line.push(*byte).map_err(|_| no)?;
            return Ok(rest);
        }
        let digits = trim(self.line.split(|byte| *byte == b';').next().unwrap_or_default());
        self.state = match (self.state, digits) {
            (State::Behind, b"") => State::Line,
            (State::Line, digits) => match hex64(digits).ok_or(no)? {
                // Fields that may follow the last chunk are not waited for.
                0 => State::Whole,
                length => State::Chunk(length),
            },
            _ => return Err(no.to_owned()),
        };
        self.line.clear();
        Ok(rest)
    }

    /// Keeps at most `left` of the bytes; returns those that are over, and how many are still to come.
    fn store<'b>(&mut self, bytes: &'b [u8], left: u64) -> Result<(&'b [u8], u64), String> {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (kept, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
        let most = self.into.len();
        let end = self.filled.saturating_add(count);
        let slot = self.into.get_mut(self.filled..end);
        slot.ok_or_else(|| format!("has more than the {most} bytes that are taken"))?.copy_from_slice(kept);
        self.filled = end;
        Ok((rest, left.saturating_sub(u64::try_from(count).unwrap_or_default())))
    }

    /// The connection has ended, or the body has: how many bytes there are.
    pub fn finish(self) -> Result<usize, String> {
        match self.state {
            State::Whole | State::Open => Ok(self.filled),
            State::Known(left) => Err(format!("ends after {} bytes, {left} are missing", self.filled)),
            State::Line | State::Chunk(_) | State::Behind => {
                Err(format!("ends after {} bytes, before its last chunk", self.filled))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of bytes that arrive in pieces of one size.
    fn told(length: Length, bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut room = [0; 16];
        let mut body = Body::new(length, &mut room);
        for piece in bytes.chunks(piece) {
            body.take(piece)?;
        }
        let length = body.finish()?;
        Ok(room[..length].to_vec())
    }

    #[test]
    fn however_it_comes_it_is_the_same() {
        for (length, bytes) in [
            (Length::Known(11), &b"hello world"[..]),
            (Length::Known(11), b"hello world and more"),
            (Length::Open, b"hello world"),
            (Length::Chunked, b"6\r\nhello \r\n5;a=\"b\"\r\nworld\r\n0\r\n\r\n"),
            (Length::Chunked, b"06\nhello \n005 \nworld\n0\nX: y\n\n"),
        ] {
            for piece in 1..=bytes.len() {
                assert_eq!(
                    told(length, bytes, piece).as_deref(),
                    Ok(&b"hello world"[..]),
                    "{length:?} {piece}"
                );
            }
        }
        assert_eq!(told(Length::Known(0), b"", 1).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn one_that_is_cut_short_is_told() {
        let chunks = b"6\r\nhello \r\n5\r\nworld\r\n0\r\n";
        for cut in 0..chunks.len() {
            assert!(told(Length::Chunked, &chunks[..cut], 3).is_err(), "{cut}");
        }
        for cut in 0..11 {
            assert!(told(Length::Known(11), &b"hello world"[..cut], 3).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_too_large_or_makes_no_sense_is_refused() {
        for bytes in [
            &b"11\r\naaaaaaaaaaaaaaaaa\r\n0\r\n\r\n"[..],
            b"-1\r\na",
            b"g\r\na",
            b"\r\na",
            b"ffffffffffffffffff\r\na",
            b"1\r\naa\r\n0\r\n\r\n",
            &[b'0'; 200],
        ] {
            assert!(told(Length::Chunked, bytes, 5).is_err(), "{}", bytes.escape_ascii());
        }
        assert!(told(Length::Open, &[b'a'; 17], 5).is_err());
    }
}
