//! Sources: who asks the [`Host`] for what, and how much of it could be had. No meaning, no judgement.

pub mod accounts;
pub mod around;
pub mod conffiles;
pub mod config;
pub mod configured;
pub mod content;
pub mod diag;
mod doors;
pub mod dump;
mod entries;
pub mod exposure;
pub mod files;
pub mod flows;
pub mod hash;
pub mod helpers;
pub mod hidden;
pub mod holders;
pub mod inventory;
pub mod items;
pub mod keys;
pub mod kin;
pub mod lan;
pub mod links;
pub mod log;
pub mod mappings;
pub mod modules;
pub mod mounts;
pub mod names;
pub mod net;
pub mod nft;
pub mod nvram;
pub mod own;
pub mod owner;
pub mod pid;
pub mod places;
pub mod proc;
pub mod queries;
pub mod raw;
pub mod recorded;
pub mod redirects;
pub mod rules;
pub mod same;
pub mod script;
mod settings;
pub mod shown;
pub mod standing;
pub mod startup;
pub mod tools;
pub mod topology;
pub mod truth;
pub mod tunnels;
pub mod unix;
pub mod upgrade;
pub mod web;
pub mod wire;
pub mod xtables;

use core::fmt::{self, Write};

use embedded_io::Read;

use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::{READ_BYTES, ROW_BYTES, WHY_BYTES};

/// How much of a source was seen.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Facts that were handed out.
    pub facts: u32,
    /// Things that could not be looked at.
    pub gaps: u32,
    /// The first of them, for the verdict.
    pub why: Bytes<WHY_BYTES>,
    /// There is nothing of the kind here: a tree without `/proc`.
    pub absent: bool,
}

impl Coverage {
    /// Of a source that nobody has looked at.
    #[must_use]
    #[inline(never)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a fact.
    pub fn fact(&mut self) {
        self.facts = self.facts.saturating_add(1);
    }

    /// Remembers something that could not be looked at. `subject` comes from the machine.
    pub fn gap(&mut self, subject: &[u8], what: fmt::Arguments<'_>) {
        if self.gaps == 0 {
            self.why.push(subject);
            let _ = write!(self.why, ": {what}");
        }
        self.gaps = self.gaps.saturating_add(1);
    }

    /// Takes over what could not be looked at elsewhere and matters here too.
    pub fn adopt(&mut self, other: &Self) {
        if self.gaps == 0 {
            self.why = other.why.clone();
        }
        self.gaps = self.gaps.saturating_add(other.gaps);
    }

    /// The reason for a verdict: the first gap and how many more there are.
    #[must_use]
    pub fn reason(&self) -> Bytes<WHY_BYTES> {
        let mut more = Bytes::<48>::new();
        if let Some(others) = self.gaps.checked_sub(1).filter(|others| *others > 0) {
            let _ = write!(more, "; and {others} more");
        }
        let mut reason = self.why.clone();
        if self.why.is_cut() || self.why.as_slice().len().saturating_add(more.as_slice().len()) > WHY_BYTES {
            reason.truncate(WHY_BYTES.saturating_sub(more.as_slice().len().saturating_add(6)));
            reason.push(b" [cut]");
        }
        reason.push(more.as_slice());
        reason
    }
}

/// Hands every line of a file to `each`, without its newline; `None` for a line longer than [`ROW_BYTES`].
///
/// # Errors
/// When reading fails; lines up to there have been handed out.
pub fn rows<F: Read<Error = Fault>>(file: &mut F, each: &mut dyn FnMut(Option<&[u8]>)) -> Result<(), Fault> {
    records::<ROW_BYTES, _>(file, b'\n', None, &mut |row, cut| each((!cut).then_some(row)))
}

/// The same of a file that somebody else may have made as large as he likes.
///
/// # Errors
/// See [`rows`], and [`Fault::Large`] when there are more bytes.
pub fn rows_within<F: Read<Error = Fault>>(
    file: &mut F,
    most: u64,
    each: &mut dyn FnMut(Option<&[u8]>),
) -> Result<(), Fault> {
    records::<ROW_BYTES, _>(file, b'\n', Some(most), &mut |row, cut| each((!cut).then_some(row)))
}

/// Hands every record of a file that ends in `separator` to `each`, without that; of one longer than `N` bytes the
/// beginning, and that it was cut. Reads at most `most` bytes, if that is said.
///
/// # Errors
/// When reading fails, and [`Fault::Large`] when there is more; records up to there have been handed out.
pub fn records<const N: usize, F: Read<Error = Fault>>(
    file: &mut F,
    separator: u8,
    most: Option<u64>,
    each: &mut dyn FnMut(&[u8], bool),
) -> Result<(), Fault> {
    let mut record = Bytes::<N>::new();
    let mut chunk = [0_u8; READ_BYTES];
    let mut left = most;
    loop {
        let length = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        if let Some(left) = &mut left {
            *left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        }
        let mut pieces = read.split(|b| *b == separator).peekable();
        while let Some(piece) = pieces.next() {
            let ended = pieces.peek().is_some();
            if ended && record.is_empty() && piece.len() <= N {
                // Most are handed on as they lie there.
                each(piece, false);
                continue;
            }
            record.push(piece);
            if ended {
                each(record.as_slice(), record.is_cut());
                record.clear();
            }
        }
    }
    if !record.is_empty() {
        each(record.as_slice(), record.is_cut());
    }
    Ok(())
}

/// Reads a small file, or as much of it as fits: one read gives all that `/proc` has of it.
fn fill<const N: usize, F: Read<Error = Fault>>(file: &mut F, into: &mut Bytes<N>) -> Result<(), Fault> {
    into.fill(|room| file.read(room))
}

/// Whether a regular file can be opened at `path`.
fn is_file<H: Host>(host: &H, path: &[u8]) -> bool {
    host.file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], step: usize) -> Vec<Option<Vec<u8>>> {
        struct Slow<'a>(&'a [u8], usize);
        impl embedded_io::ErrorType for Slow<'_> {
            type Error = Fault;
        }
        impl Read for Slow<'_> {
            fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
                let length = self.0.len().min(self.1).min(into.len());
                into[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let mut found = Vec::new();
        rows(&mut Slow(text, step), &mut |row| found.push(row.map(<[u8]>::to_vec))).unwrap();
        found
    }

    #[test]
    fn rows_do_not_depend_on_how_they_arrive() {
        let long = vec![b'x'; ROW_BYTES + 1];
        let text = [&b"a\n\nbc\n"[..], &long, b"\nd"].concat();
        for step in [1, 2, 7, 4096] {
            let expected =
                [Some(b"a".to_vec()), Some(vec![]), Some(b"bc".to_vec()), None, Some(b"d".to_vec())];
            assert_eq!(read(&text, step), expected, "{step}");
        }
    }

    #[test]
    fn the_first_gap_is_named_and_the_others_are_counted() {
        let mut coverage = Coverage::new();
        assert!(coverage.reason().is_empty());
        coverage.gap(b"/etc/rc.local", format_args!("{}", Fault::Fifo));
        assert_eq!(coverage.reason().as_slice(), b"/etc/rc.local: a named pipe");
        coverage.gap(b"/x", format_args!("y"));
        assert_eq!(coverage.reason().as_slice(), b"/etc/rc.local: a named pipe; and 1 more");
        let mut long = Coverage::new();
        long.gap(&[b'x'; 5000], format_args!("y"));
        long.gap(b"/x", format_args!("y"));
        assert!(long.reason().as_slice().ends_with(b"x [cut]; and 1 more"));
    }
}
