//! What differs between a baseline and what is there now.

use super::{Baseline, Cursor, Kind, Table};

/// What became of one thing, its values as the baseline and the table have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// It is there now, with this value.
    Added(&'a [u8]),
    /// It was there, with this value.
    Removed(&'a [u8]),
    /// It was there and is.
    Kept {
        /// Its value then.
        then: &'a [u8],
        /// Its value now.
        now: &'a [u8],
    },
}

/// One thing and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'a [u8],
    /// What became of it.
    pub change: Change<'a>,
}

/// Hands everything of a kind to `each`, in the order of names. Returns whether the baseline could be read to its end.
pub fn compare(then: &Baseline<'_>, now: &Table, kind: Kind, each: &mut dyn FnMut(&Difference<'_>)) -> bool {
    let Some(rows) = then.section(kind) else { return true };
    let mut old = Cursor::new(*rows);
    let mut new = now.of(kind).peekable();
    let mut tell = |name: &[u8], change| each(&Difference { kind, name, change });
    while let Some(value) = old.next() {
        let name = old.name.as_slice();
        while let Some(added) = new.next_if(|entry| entry.name < name) {
            tell(added.name, Change::Added(added.value));
        }
        match new.next_if(|entry| entry.name == name) {
            Some(kept) => tell(name, Change::Kept { then: value, now: kept.value }),
            None => tell(name, Change::Removed(value)),
        }
    }
    new.for_each(|added| tell(added.name, Change::Added(added.value)));
    old.is_done()
}
