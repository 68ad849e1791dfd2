//! Where entries are collected, sorted and written: a table that does not grow.

use super::layout::{BLOCK, HEADER_LEN, Header, NOTE_LEN, ROW_LEN, SECTION_LEN, Section};
use super::{FileValue, Kind};
use crate::limits::{BASELINE_BYTES, BASELINE_ENTRIES, PATH_BYTES};
use crate::signature;

/// Entries on their way into a file, or to be compared with one. Large and all zeros at first, so it belongs into `.bss`.
#[derive(Debug)]
pub struct Table {
    /// One entry behind the other: kind `u8`, lengths of name and value `u16` each, name, value.
    text: heapless::Vec<u8, BASELINE_BYTES>,
    /// Where each begins.
    starts: heapless::Vec<u32, BASELINE_ENTRIES>,
    /// By kind: things that did not fit or could not be read. `None`: nobody looked.
    missed: [Option<u32>; Kind::COUNT],
}

/// One entry, in the order of kinds and names. Of two of a name the one for a startup file comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry<'a> {
    kind: u8,
    pub(super) name: &'a [u8],
    startup: core::cmp::Reverse<bool>,
    pub(super) value: &'a [u8],
}

/// Bytes of an entry before its name.
const HEAD: usize = 5;

fn entry(text: &[u8], start: u32) -> Option<Entry<'_>> {
    let text = text.get(usize::try_from(start).ok()?..)?;
    let [kind, n0, n1, v0, v1] = *text.first_chunk::<HEAD>()?;
    let length = |low, high| usize::from(u16::from_le_bytes([low, high]));
    let (name, rest) = text.get(HEAD..)?.split_at_checked(length(n0, n1))?;
    let value = rest.get(..length(v0, v1))?;
    let startup =
        usize::from(kind) == Kind::File.index() && FileValue::read(value).is_some_and(|value| value.startup);
    Some(Entry { kind, name, startup: core::cmp::Reverse(startup), value })
}

impl Table {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: heapless::Vec::new(), starts: heapless::Vec::new(), missed: [None; Kind::COUNT] }
    }

    /// Notes that somebody looks for things of a kind, whether there are any or not.
    pub fn begin(&mut self, kind: Kind) {
        if let Some(missed) = self.missed.get_mut(kind.index()) {
            *missed = Some(missed.unwrap_or_default());
        }
    }

    /// Notes that so many things of a kind are there and were not added.
    pub fn miss(&mut self, kind: Kind, count: u32) {
        if let Some(missed) = self.missed.get_mut(kind.index()) {
            *missed = Some(missed.unwrap_or_default().saturating_add(count));
        }
    }

    /// Adds an entry, or counts it where it does not fit. The value may come in two parts.
    pub fn add(&mut self, kind: Kind, name: &[u8], value: [&[u8]; 2]) {
        self.begin(kind);
        if self.append(kind, name, value).is_none() {
            self.miss(kind, 1);
        }
    }

    fn append(&mut self, kind: Kind, name: &[u8], [head, tail]: [&[u8]; 2]) -> Option<()> {
        let start = u32::try_from(self.text.len()).ok()?;
        let length = u16::try_from(head.len().checked_add(tail.len())?).ok()?;
        let names = u16::try_from(name.len()).ok().filter(|_| name.len() <= PATH_BYTES)?;
        let whole = HEAD.checked_add(name.len())?.checked_add(usize::from(length))?;
        if self.starts.is_full() || whole > self.text.capacity().saturating_sub(self.text.len()) {
            return None;
        }
        let ([n0, n1], [v0, v1]) = (names.to_le_bytes(), length.to_le_bytes());
        for part in [&[u8::try_from(kind.index()).ok()?, n0, n1, v0, v1], name, head, tail] {
            self.text.extend_from_slice(part).ok()?;
        }
        self.starts.push(start).ok()
    }

    /// Puts the entries in order and drops those that stand twice, of which a startup file stays one.
    pub fn sort(&mut self) {
        let Self { text, starts, .. } = self;
        sort(starts, &|a, b| entry(text, a) < entry(text, b));
        let mut kept = 0_usize;
        for at in 0..starts.len() {
            let Some(start) = starts.get(at).copied() else { break };
            let before = kept.checked_sub(1).and_then(|at| starts.get(at)).and_then(|at| entry(text, *at));
            let this = entry(text, start);
            let twice = matches!((&before, &this), (Some(before), Some(this))
                if before.kind == this.kind && before.name == this.name);
            if !twice && let Some(slot) = starts.get_mut(kept) {
                *slot = start;
                kept = kept.saturating_add(1);
            }
        }
        starts.truncate(kept);
    }

    /// Things of a kind that are not in it. `None`: nobody looked.
    #[must_use]
    pub fn missed(&self, kind: Kind) -> Option<u32> {
        self.missed.get(kind.index()).copied().flatten()
    }

    /// Things of all kinds that are not in it.
    #[must_use]
    pub fn missed_all(&self) -> u32 {
        self.missed.iter().flatten().fold(0, |sum, missed| sum.saturating_add(*missed))
    }

    /// Entries of all kinds.
    #[must_use]
    pub fn entries(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The entries of a kind, in their order once [`Table::sort`] was called.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = Entry<'_>> + Clone {
        let index = kind.index();
        let all = self.starts.iter().filter_map(|start| entry(&self.text, *start));
        all.filter(move |entry| usize::from(entry.kind) == index)
    }

    /// Whether there is an entry of that name.
    #[must_use]
    pub fn has(&self, kind: Kind, name: &[u8]) -> bool {
        self.of(kind).any(|entry| entry.name == name)
    }

    /// How many entries of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u32 {
        u32::try_from(self.of(kind).count()).unwrap_or(u32::MAX)
    }

    /// Hands every row of a kind to `each`: whether it begins a block, the number of shared bytes, and the entry.
    fn rows<E>(
        &self,
        kind: Kind,
        each: &mut dyn FnMut(bool, u8, Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut before: &[u8] = b"";
        for (number, entry) in (0_u32..).zip(self.of(kind)) {
            let first = number.is_multiple_of(BLOCK);
            let same = before.iter().zip(entry.name).take_while(|(a, b)| a == b).count();
            let shared = if first { 0 } else { u8::try_from(same).unwrap_or(u8::MAX) };
            each(first, shared, entry)?;
            before = entry.name;
        }
        Ok(())
    }

    /// Bytes of a kind's block table.
    fn blocks(&self, kind: Kind) -> u32 {
        self.count(kind).div_ceil(BLOCK).saturating_mul(4)
    }

    /// Writes the file of a sorted table to `to`, piece by piece.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write<E>(
        &self,
        created: u64,
        note: &[u8],
        to: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let kinds = || Kind::ALL.into_iter().filter(|kind| self.missed(*kind).is_some());
        let sections = u16::try_from(kinds().count()).unwrap_or_default().saturating_add(1);
        let head =
            u32::try_from(HEADER_LEN.saturating_add(SECTION_LEN.saturating_mul(usize::from(sections))));
        let mut offset = head.unwrap_or_default();
        let mut lengths = [0_u32; Kind::COUNT];
        for kind in kinds() {
            let mut length = self.blocks(kind);
            self.rows(kind, &mut |_, shared, entry| -> Result<(), E> {
                length = length.saturating_add(length_of(shared, entry));
                Ok(())
            })?;
            if let Some(slot) = lengths.get_mut(kind.index()) {
                *slot = length;
            }
        }
        let mut name = [0; NOTE_LEN];
        name.iter_mut().zip(note).for_each(|(into, byte)| *into = *byte);
        let whole = lengths.iter().fold(offset, |sum, length| sum.saturating_add(*length));
        let header = Header {
            header_len: u16::try_from(HEADER_LEN).unwrap_or_default(),
            sections,
            created,
            file_len: u64::from(whole),
            entries: self.entries(),
            missed: self.missed_all(),
            note: name,
        };
        to(&header.to_bytes())?;
        for kind in kinds() {
            let length = lengths.get(kind.index()).copied().unwrap_or_default();
            let number = u32::try_from(kind.index()).unwrap_or_default().saturating_add(1);
            let missed = self.missed(kind).unwrap_or_default();
            to(&Section { kind: number, offset, length, count: self.count(kind), missed }.to_bytes())?;
            offset = offset.saturating_add(length);
        }
        to(&Section { kind: signature::SECTION, offset, length: 0, count: 0, missed: 0 }.to_bytes())?;
        kinds().try_for_each(|kind| self.write_kind(kind, to))
    }

    fn write_kind<E>(&self, kind: Kind, to: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut at = self.blocks(kind);
        self.rows(kind, &mut |first, shared, entry| {
            if first {
                to(&at.to_le_bytes())?;
            }
            at = at.saturating_add(length_of(shared, entry));
            Ok(())
        })?;
        self.rows(kind, &mut |_, shared, entry| {
            let rest = entry.name.get(usize::from(shared)..).unwrap_or_default();
            let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or_default().to_le_bytes();
            let ([r0, r1], [v0, v1]) = (length(rest), length(entry.value));
            to(&[shared, r0, r1, v0, v1])?;
            to(rest)?;
            to(entry.value)
        })
    }
}

/// Bytes of a row. What was added fits 16 bits each.
fn length_of(shared: u8, entry: Entry<'_>) -> u32 {
    let rest = entry.name.len().saturating_sub(usize::from(shared));
    let whole = ROW_LEN.saturating_add(rest).saturating_add(entry.value.len());
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// Heapsort (Williams 1964; Floyd 1964): the sort of the core library takes ten times the room in the program.
fn sort(all: &mut [u32], less: &dyn Fn(u32, u32) -> bool) {
    let sift = |all: &mut [u32], mut root: usize| {
        loop {
            let left = root.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let Some((top, first)) = all.get(root).copied().zip(all.get(left).copied()) else { return };
            let larger = all.get(right).copied().filter(|right| less(first, *right));
            let (child, at) = larger.map_or((first, left), |larger| (larger, right));
            if !less(top, child) {
                return;
            }
            all.swap(root, at);
            root = at;
        }
    };
    (0..all.len().div_ceil(2)).rev().for_each(|root| sift(all, root));
    for end in (1..all.len()).rev() {
        all.swap(0, end);
        sift(all.get_mut(..end).unwrap_or_default(), 0);
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}
