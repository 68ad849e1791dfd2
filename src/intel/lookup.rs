//! The searches of rows; `singles` has the other one. Each is bounded by the bytes it is given, whatever they hold: it either follows a
//! position that is checked on use, or halves a slice of rows. Bytes that make no sense find nothing.

use super::layout::{DAY_S, DOMAIN_LEN, HASH_LEN, LABEL_LEN, OCTETS_LEN};

/// A sorted section of rows of one length, which end in the number of a label if they are no never-match rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    rows: &'a [u8],
    length: usize,
    span: Span,
}

/// Reads a row's first and last key.
type Span = fn(&[u8]) -> (u128, u128);

impl<'a> Table<'a> {
    /// Cuts a section body; nothing when its length is not what its count asks for.
    pub(super) fn new(rows: &'a [u8], count: u32, length: usize, span: Span) -> Option<Table<'a>> {
        let whole = usize::try_from(count).ok()?.checked_mul(length)?;
        (rows.len() == whole).then_some(Table { rows, length, span })
    }

    fn row(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(self.length)?;
        self.rows.get(start..start.checked_add(self.length)?)
    }

    /// The rows that cover a key, the most specific first. On unsorted rows the answer is of no use, but as bounded.
    pub(super) fn covering(&self, key: u128) -> Covering<'a> {
        let (mut from, mut to) = (0, self.rows.len().checked_div(self.length).unwrap_or_default());
        while from < to {
            let middle = from.midpoint(to);
            if self.row(middle).is_some_and(|row| (self.span)(row).1 < key) {
                from = middle.saturating_add(1);
            } else {
                to = middle;
            }
        }
        Covering { table: *self, next: from, key }
    }
}

/// Rows that cover a key, each as the number of its label.
pub(super) struct Covering<'a> {
    table: Table<'a>,
    next: usize,
    key: u128,
}

impl Iterator for Covering<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let row = self.table.row(self.next)?;
        if (self.table.span)(row).0 > self.key {
            return None;
        }
        self.next = self.next.saturating_add(1);
        Some(u32_at(row, row.len().saturating_sub(4)))
    }
}

/// IPv4 ranges, and in which /8 there are any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ipv4Ranges<'a> {
    octets: &'a [u8; OCTETS_LEN],
    table: Table<'a>,
}

impl<'a> Ipv4Ranges<'a> {
    /// Cuts a section body; nothing when its length is not what its count asks for.
    pub(super) fn new(body: &'a [u8], count: u32, length: usize) -> Option<Ipv4Ranges<'a>> {
        let (octets, rest) = body.split_first_chunk()?;
        Some(Ipv4Ranges { octets, table: Table::new(rest, count, length, ipv4_span)? })
    }

    /// The rows that cover an address, the most specific first.
    pub(super) fn covering(&self, address: u32) -> Option<Covering<'a>> {
        let [octet, ..] = address.to_be_bytes();
        let some = self.octets.get(usize::from(octet >> 3)).is_some_and(|map| map & (1 << (octet & 7)) != 0);
        some.then(|| self.table.covering(u128::from(address)))
    }
}

/// A body as rows; nothing when its length is not what the count asks for.
pub(super) fn rows<const N: usize>(body: &[u8], count: u32) -> Option<&[[u8; N]]> {
    let (rows, rest) = body.as_chunks();
    (rest.is_empty() && usize::try_from(count) == Ok(rows.len())).then_some(rows)
}

/// The labels of the rows of the sorted hash section that begin with a digest.
pub(super) fn of_digest(rows: &[[u8; HASH_LEN]], digest: &[u8; 32]) -> impl Iterator<Item = u32> {
    let start = rows.partition_point(|row| row.first_chunk::<32>().is_some_and(|own| own < digest));
    let same = rows.get(start..).unwrap_or_default().iter().take_while(move |row| row.starts_with(digest));
    same.map(|row| u32_at(row, 32))
}

/// Labels of one domain that are looked at: those that are meant for longest stand first, and no lists name that many
/// families. Bounds a look-up in bytes that make no sense.
const DOMAIN_LABELS: usize = 64;

/// The labels of the rows of the sorted domain section that begin with a hash.
pub(super) fn of_domain(rows: &[[u8; DOMAIN_LEN]], hash: u64) -> impl Iterator<Item = u32> {
    let own = |row: &[u8; DOMAIN_LEN]| row.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let start = rows.partition_point(|row| own(row) < hash);
    let same = rows.get(start..).unwrap_or_default().iter().take_while(move |row| own(row) == hash);
    same.take(DOMAIN_LABELS)
        .map(|row| row.last_chunk().copied().map_or(0, |label| u32::from(u16::from_le_bytes(label))))
}

/// First and last address of a row that begins with two IPv4 addresses.
fn ipv4_span(row: &[u8]) -> (u128, u128) {
    (u128::from(u32_at(row, 0)), u128::from(u32_at(row, 4)))
}

/// First and last address of a row that begins with two IPv6 addresses.
pub(super) fn ipv6_span(row: &[u8]) -> (u128, u128) {
    (u128_at(row, 0), u128_at(row, 16))
}

/// The address of a row that begins with one IPv6 address, twice.
pub(super) fn ipv6_single(row: &[u8]) -> (u128, u128) {
    (u128_at(row, 0), u128_at(row, 0))
}

// The offsets are those of `layout`, inside the row; the zero is never seen.

fn u32_at(row: &[u8], at: usize) -> u32 {
    row.get(at..).and_then(|tail| tail.first_chunk()).copied().map_or(0, u32::from_le_bytes)
}

fn u128_at(row: &[u8], at: usize) -> u128 {
    row.get(at..).and_then(|tail| tail.first_chunk()).copied().map_or(0, u128::from_be_bytes)
}

/// What a hit says: the label table and the names it points into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'a> {
    pub(super) rows: &'a [[u8; LABEL_LEN]],
    pub(super) names: &'a [u8],
}

/// A label, its name not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    name_at: u32,
    /// 0 is every port.
    pub(super) port: u16,
    /// Days since 1970; 0 is never.
    expires_day: u16,
}

impl Label {
    /// From when on it is no longer meant, in seconds since 1970.
    pub(super) fn expires(&self) -> Option<u64> {
        (self.expires_day != 0).then(|| u64::from(self.expires_day).saturating_mul(DAY_S))
    }

    fn from_bytes(row: &[u8; LABEL_LEN]) -> Label {
        let [n0, n1, n2, n3, p0, p1, e0, e1] = *row;
        Label {
            name_at: u32::from_le_bytes([n0, n1, n2, n3]),
            port: u16::from_le_bytes([p0, p1]),
            expires_day: u16::from_le_bytes([e0, e1]),
        }
    }
}

impl<'a> Labels<'a> {
    /// The label of a number.
    pub(super) fn get(&self, number: u32) -> Option<Label> {
        self.rows.get(usize::try_from(number).ok()?).map(Label::from_bytes)
    }

    /// The number of the first label of a port, or of the next higher one.
    pub(super) fn first_of(&self, port: u16) -> u32 {
        let number = self.rows.partition_point(|row| Label::from_bytes(row).port < port);
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The family that a label names.
    pub(super) fn family(&self, label: &Label) -> Option<&'a str> {
        let names = self.names.get(usize::try_from(label.name_at).ok()?..)?;
        let (length, names) = names.split_first()?;
        core::str::from_utf8(names.get(..usize::from(*length))?).ok()
    }
}
