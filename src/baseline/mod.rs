//! The baseline: what this image or this device is known to hold, taken once, so that what came later shows.
//!
//! A file is made by `gatewatch baseline create` and read in place: [`Baseline`] is a view over the mapped bytes.
//! [`layout`] says where everything lies, [`Table`] collects and writes, [`compare()`] tells what differs.
//!
//! The bytes are not trusted. [`Baseline::open`] checks the header and that each section lies inside the file, in a time
//! that does not grow with the entries; everything else is checked when it is met. So any bytes give a [`Defect`] or bounded
//! look-ups, and rows that contradict themselves are not found.
//!
//! A baseline says that a thing *is known*, and no more: what was taken on an infected device knows the malware too. So it
//! vouches for no behaviour.

use core::fmt;

use crate::facts::origin::Item;
use crate::facts::text::Bytes;
use crate::limits::{BASELINE_ENTRIES, PATH_BYTES};
use crate::signature::{self, Signed};

mod compare;
mod file;
pub mod layout;
mod table;

pub use compare::{Change, Difference, compare};
pub use file::FileValue;
pub use table::Table;

use layout::{BLOCK, Header, MUST_UNDERSTAND, ROW_LEN, SECTION_LEN, Section, take};

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Startup files, programs, libraries, and links among them.
    File,
    /// Whatever else has a name.
    Item(Item),
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// All of them, in the order of their numbers.
    pub const ALL: [Kind; Kind::COUNT] = [
        Kind::File,
        Kind::Item(Item::Account),
        Kind::Item(Item::Key),
        Kind::Item(Item::Listener),
        Kind::Item(Item::Resolver),
        Kind::Item(Item::Nat),
        Kind::Item(Item::Module),
    ];

    /// Its place in [`Kind::ALL`]; its number in a file is one more.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Kind::File => 0,
            Kind::Item(Item::Account) => 1,
            Kind::Item(Item::Key) => 2,
            Kind::Item(Item::Listener) => 3,
            Kind::Item(Item::Resolver) => 4,
            Kind::Item(Item::Nat) => 5,
            Kind::Item(Item::Module) => 6,
        }
    }

    /// One of it, in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Item(Item::Account) => "account",
            Kind::Item(Item::Key) => "key",
            Kind::Item(Item::Listener) => "listener",
            Kind::Item(Item::Resolver) => "resolver",
            Kind::Item(Item::Nat) => "nat",
            Kind::Item(Item::Module) => "module",
        }
    }
}

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It does not begin as a baseline does.
    NotBaseline,
    /// It is shorter or longer than it says.
    Length,
    /// It is of a format version that this program does not read.
    Version(u16),
    /// Its header contradicts itself.
    Header,
    /// It holds a section of this kind that must be understood, and is not.
    Unknown(u32),
    /// A section of this kind lies outside of the file, is too short for its entries, or is there twice.
    Section(u32),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Defect::NotBaseline => f.write_str("not a baseline: make one with gatewatch baseline create"),
            Defect::Length => f.write_str("not as long as it says: copy it again"),
            Defect::Version(version) => {
                write!(f, "format {version}, and this program reads {}: make a new baseline", layout::FORMAT)
            }
            Defect::Header => f.write_str("broken header: make a new baseline"),
            Defect::Unknown(kind) => write!(f, "needs a newer program, for section {kind}"),
            Defect::Section(kind) => write!(f, "section {kind} is broken: make a new baseline"),
        }
    }
}

impl core::error::Error for Defect {}

/// A view over the bytes of a baseline.
#[derive(Clone, Copy, Debug)]
pub struct Baseline<'a> {
    created: u64,
    missed: u32,
    sections: [Option<Rows<'a>>; Kind::COUNT],
    signed: Option<Signed<'a>>,
}

impl<'a> Baseline<'a> {
    /// Opens a file's bytes. The time this takes does not depend on the number of entries.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Defect> {
        let header = Header::read(bytes)?;
        let mut sections = [None; Kind::COUNT];
        let mut signed = None;
        let table = bytes.get(usize::from(header.header_len)..).unwrap_or_default();
        let (table, _) = table.as_chunks::<SECTION_LEN>();
        let table = table.get(..usize::from(header.sections)).ok_or(Defect::Header)?;
        for row in table {
            let section = Section::from_bytes(row);
            let kind = section.kind & !MUST_UNDERSTAND;
            if kind == signature::SECTION {
                // Its place is there in a file that nobody has signed, too.
                if section.length != 0 {
                    let cut = Signed::cut(bytes, section.offset).filter(|_| signed.is_none());
                    signed = Some(cut.ok_or(Defect::Section(kind))?);
                }
                continue;
            }
            let rows = Rows::of(bytes, &section);
            let number = usize::try_from(kind).ok().and_then(|kind| kind.checked_sub(1));
            match number.and_then(|number| sections.get_mut(number)) {
                Some(slot @ None) => *slot = Some(rows.ok_or(Defect::Section(kind))?),
                Some(Some(_)) => return Err(Defect::Section(kind)),
                None if section.kind & MUST_UNDERSTAND != 0 => return Err(Defect::Unknown(kind)),
                None => {}
            }
        }
        Ok(Self { created: header.created, missed: header.missed, sections, signed })
    }

    /// When it was taken, in seconds since 1970; 0 where the clock was not set.
    #[must_use]
    pub const fn created(&self) -> u64 {
        self.created
    }

    /// Who says that it is theirs.
    #[must_use]
    pub const fn signed(&self) -> Option<Signed<'a>> {
        self.signed
    }

    /// Entries of all kinds.
    #[must_use]
    pub fn entries(&self) -> u32 {
        self.sections.iter().flatten().fold(0, |sum, rows| sum.saturating_add(rows.count))
    }

    /// Things of all kinds that were there and could not be held.
    #[must_use]
    pub const fn missed(&self) -> u32 {
        self.missed
    }

    fn section(&self, kind: Kind) -> Option<&Rows<'a>> {
        self.sections.get(kind.index())?.as_ref()
    }

    /// Whether somebody looked for things of a kind.
    #[must_use]
    pub fn covers(&self, kind: Kind) -> bool {
        self.section(kind).is_some()
    }

    /// Whether it holds everything of a kind that was there, so that what it does not hold was not there.
    #[must_use]
    pub fn is_whole(&self, kind: Kind) -> bool {
        self.section(kind).is_some_and(|rows| rows.missed == 0)
    }

    /// The value of an entry. `None`: there is none of that name.
    #[must_use]
    pub fn get(&self, kind: Kind, name: &[u8]) -> Option<&'a [u8]> {
        self.section(kind)?.get(name)
    }

    /// Hands every entry of a kind to `each`, as name and value, in the order of names. Returns whether these made sense to
    /// the end.
    pub fn each(&self, kind: Kind, each: &mut dyn FnMut(&[u8], &'a [u8])) -> bool {
        let Some(rows) = self.section(kind) else { return true };
        let mut cursor = Cursor::new(*rows);
        while let Some(value) = cursor.next() {
            each(cursor.name.as_slice(), value);
        }
        cursor.is_done()
    }
}

/// The rows of a section.
#[derive(Clone, Copy, Debug)]
struct Rows<'a> {
    body: &'a [u8],
    count: u32,
    missed: u32,
}

/// One row as it lies there.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// Bytes of the name of the row before that this one's begins with.
    shared: usize,
    rest: &'a [u8],
    value: &'a [u8],
    /// Where the next one begins.
    next: usize,
}

impl<'a> Rows<'a> {
    /// The section of a file, when it lies inside and has room for its rows.
    fn of(bytes: &'a [u8], section: &Section) -> Option<Self> {
        let body = bytes.get(usize::try_from(section.offset).ok()?..)?;
        let body = body.get(..usize::try_from(section.length).ok()?)?;
        let count = usize::try_from(section.count).ok().filter(|count| *count <= BASELINE_ENTRIES)?;
        let rows = count.checked_mul(ROW_LEN)?;
        let blocks = usize::try_from(section.count.div_ceil(BLOCK)).ok()?.checked_mul(4)?;
        (rows.checked_add(blocks)? <= body.len()).then_some(Self {
            body,
            count: section.count,
            missed: section.missed,
        })
    }

    /// Where the first row of a block begins.
    fn block(&self, block: u32) -> Option<usize> {
        let at = usize::try_from(block).ok()?.checked_mul(4)?;
        usize::try_from(u32::from_le_bytes(take(self.body, at)?)).ok()
    }

    fn row(&self, at: usize) -> Option<Row<'a>> {
        let [shared, rest @ .., v0, v1] = take::<ROW_LEN>(self.body, at)?;
        let (rest, value) = (u16::from_le_bytes(rest), u16::from_le_bytes([v0, v1]));
        let tail = self.body.get(at.checked_add(ROW_LEN)?..)?;
        let (rest, tail) = tail.split_at_checked(usize::from(rest))?;
        let value = tail.get(..usize::from(value))?;
        let next = at.checked_add(ROW_LEN)?.checked_add(rest.len())?.checked_add(value.len())?;
        Some(Row { shared: usize::from(shared), rest, value, next })
    }

    /// The last block that does not begin behind a name.
    fn block_of(&self, name: &[u8]) -> Option<u32> {
        let (mut low, mut high) = (0, self.count.div_ceil(BLOCK));
        while low < high {
            let middle = low.midpoint(high);
            if self.row(self.block(middle)?)?.rest <= name {
                low = middle.checked_add(1)?;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// The value of a name. The names of a block are not put together: it is enough to know how many bytes of `name` the row
    /// before had. One that has more of that row in common than this comes before `name` as that row did.
    fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        let block = self.block_of(name)?;
        let mut at = self.block(block)?;
        let mut common = 0_usize;
        for number in 0..BLOCK.min(self.count.saturating_sub(block.saturating_mul(BLOCK))) {
            let row = self.row(at)?;
            at = row.next;
            let shared = if number == 0 { 0 } else { row.shared };
            if shared > common {
                continue;
            }
            let wanted = name.get(shared..)?;
            let same = wanted.iter().zip(row.rest).take_while(|(a, b)| a == b).count();
            match (wanted.get(same), row.rest.get(same)) {
                (None, None) => return Some(row.value),
                (Some(wanted), Some(there)) if there > wanted => return None,
                (None, Some(_)) => return None,
                _ => common = shared.saturating_add(same),
            }
        }
        None
    }
}

/// A walk over the rows of a section, in their order.
struct Cursor<'a> {
    rows: Rows<'a>,
    /// Rows that were handed out.
    done: u32,
    at: usize,
    /// The name of the row that was handed out last.
    name: Bytes<PATH_BYTES>,
}

impl<'a> Cursor<'a> {
    const fn new(rows: Rows<'a>) -> Self {
        Self { rows, done: 0, at: 0, name: Bytes::new() }
    }

    /// The value of the next row, whose name is in `name` then. `None`: there is no more, or the rest makes no sense.
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.done >= self.rows.count {
            return None;
        }
        let first = self.done.is_multiple_of(BLOCK);
        if first {
            self.at = self.rows.block(self.done.div_euclid(BLOCK))?;
        }
        let row = self.rows.row(self.at)?;
        let shared = if first { 0 } else { row.shared };
        // In order it is greater than the one before, and so it is from where they differ on.
        let before = self.name.as_slice().get(shared..)?;
        if self.done > 0 && row.rest <= before {
            return None;
        }
        self.name.truncate(shared);
        self.name.push(row.rest);
        if self.name.is_cut() {
            return None;
        }
        self.at = row.next;
        self.done = self.done.saturating_add(1);
        Some(row.value)
    }

    /// Whether every row was handed out.
    const fn is_done(&self) -> bool {
        self.done >= self.rows.count
    }
}

#[cfg(test)]
mod tests;
