//! The searches. Each is bounded by the bytes it is given, whatever they hold: it either follows a
//! position that is checked on use, or halves a slice of rows. Bytes that make no sense find nothing.

use super::layout::{DAY_S, HASH_LEN, LABEL_LEN, OCTETS_LEN, Shape};

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

/// The single IPv4 addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Singles<'a> {
    low_bits: u32,
    label_bits: u32,
    samples: &'a [[u8; 4]],
    unary: &'a [[u8; 8]],
    entries: &'a [u8],
}

impl<'a> Singles<'a> {
    /// No addresses.
    pub(super) const EMPTY: Singles<'static> =
        Singles { low_bits: 0, label_bits: 0, samples: &[], unary: &[], entries: &[] };

    /// Cuts a section body; nothing when its length is not what its count asks for.
    pub(super) fn new(body: &'a [u8], count: u32) -> Option<Singles<'a>> {
        let (&[bucket_bits, label_bits, _, _], rest) = body.split_first_chunk::<4>()?;
        let shape = Shape { count, bucket_bits, label_bits };
        if usize::try_from(shape.body_len()?).ok()? != body.len() {
            return None;
        }
        let (samples, tail) = rest.split_at_checked(usize::try_from(shape.samples_len()).ok()?)?;
        let (unary, entries) = tail.split_at_checked(usize::try_from(shape.unary_len()?).ok()?)?;
        Some(Singles {
            low_bits: shape.low_bits(),
            label_bits: u32::from(label_bits),
            samples: samples.as_chunks().0,
            unary: unary.as_chunks().0,
            entries,
        })
    }

    /// The numbers of the labels of an address, the lowest first; nothing when it is not listed.
    pub(super) fn labels_of(&self, address: u32) -> Option<LabelNumbers<'_>> {
        let (first, end) = self.bucket(address.wrapping_shr(self.low_bits))?;
        let low = u64::from(address) & mask(self.low_bits);
        let next = self.first_of(first, end, low.wrapping_shl(self.label_bits))?;
        Some(LabelNumbers { singles: self, low, next, end })
    }

    /// Hands every address to `each`; whether all of them could be read.
    pub(super) fn each(&self, each: &mut dyn FnMut(u32)) -> bool {
        let (mut bucket, mut index) = (0_u32, 0_u32);
        for word in self.unary {
            let mut bits = u64::from_le_bytes(*word);
            for _ in 0..64 {
                if bits & 1 == 0 {
                    bucket = bucket.wrapping_add(1);
                } else {
                    let Some(entry) = self.entry(index) else { return false };
                    let low = u32::try_from(entry.wrapping_shr(self.label_bits)).unwrap_or_default();
                    each(bucket.wrapping_shl(self.low_bits) | low);
                    index = index.wrapping_add(1);
                }
                bits >>= 1;
            }
        }
        true
    }

    /// The entries of a bucket, unless it has none: the first, and one after the last.
    fn bucket(&self, bucket: u32) -> Option<(u32, u32)> {
        let sample = usize::try_from(bucket.wrapping_div(Shape::BUCKETS_PER_SAMPLE)).ok()?;
        let mut start = u32::from_le_bytes(*self.samples.get(sample)?);
        let mut base = start & !63;
        // The bits turned round: the end of a bucket is a 1. What is before the sample counts no more.
        let mut ends = !self.word(base)? & u64::MAX.wrapping_shl(start & 63);
        let mut before = bucket.wrapping_rem(Shape::BUCKETS_PER_SAMPLE);
        if before != 0 {
            // Over the ends of the buckets between the sample's and this one.
            let mut here = ends.count_ones();
            while before > here {
                before = before.wrapping_sub(here);
                base = base.checked_add(64)?;
                ends = !self.word(base)?;
                here = ends.count_ones();
            }
            let last = select(ends, before.wrapping_sub(1));
            start = base.checked_add(last)?.checked_add(1)?;
            ends &= (!1u64).wrapping_shl(last);
        }
        while ends == 0 {
            base = base.checked_add(64)?;
            ends = !self.word(base)?;
        }
        let end = base.checked_add(ends.trailing_zeros())?;
        // Before either position stand a 1 for every entry and a 0 for every bucket before this one.
        (start != end).then_some((start.checked_sub(bucket)?, end.checked_sub(bucket)?))
    }

    /// The 64 unary bits from a position that is a multiple of 64.
    fn word(&self, base: u32) -> Option<u64> {
        Some(u64::from_le_bytes(*self.unary.get(usize::try_from(base >> 6).ok()?)?))
    }

    /// The first entry from `first` on, and before `end`, that has the low bits of `wanted` and no lower label.
    fn first_of(&self, first: u32, end: u32, wanted: u64) -> Option<u32> {
        let (mut from, mut to) = (first, end);
        // The entry at `to`, once `to` has moved.
        let mut found = u64::MAX;
        while from < to {
            let middle = from.midpoint(to);
            let entry = self.entry(middle)?;
            if entry < wanted {
                from = middle.checked_add(1)?;
            } else {
                to = middle;
                found = entry;
            }
        }
        (found.wrapping_shr(self.label_bits) == wanted.wrapping_shr(self.label_bits)).then_some(from)
    }

    /// An entry: its low bits above its label's number.
    fn entry(&self, index: u32) -> Option<u64> {
        let bits = self.low_bits.wrapping_add(self.label_bits);
        let position = index.checked_mul(bits)?;
        let bytes = self.entries.get(usize::try_from(position >> 3).ok()?..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes).wrapping_shr(position & 7) & mask(bits))
    }
}

/// The numbers of the labels of one address.
pub(super) struct LabelNumbers<'a> {
    singles: &'a Singles<'a>,
    low: u64,
    next: u32,
    end: u32,
}

impl LabelNumbers<'_> {
    /// Those from a number on, without a look at each that is lower.
    pub(super) fn from(&self, number: u32) -> Option<Self> {
        let singles = self.singles;
        // A number that has more than a label's bits is none: it would read as the next address.
        let number = Some(u64::from(number)).filter(|&number| number <= mask(singles.label_bits))?;
        let wanted = self.low.wrapping_shl(singles.label_bits) | number;
        let next = singles.first_of(self.next, self.end, wanted)?;
        Some(LabelNumbers { next, ..*self })
    }
}

impl Iterator for LabelNumbers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next >= self.end {
            return None;
        }
        let entry = self.singles.entry(self.next)?;
        if entry.wrapping_shr(self.singles.label_bits) != self.low {
            return None;
        }
        self.next = self.next.checked_add(1)?;
        u32::try_from(entry & mask(self.singles.label_bits)).ok()
    }
}

/// The position of a set bit, of which `rank` lower ones are set too; the word has more than `rank`.
///
/// Byte by byte at once and without a branch, since nothing can foretell how it would go: Vigna, *Broadword
/// implementation of rank/select queries*, 2008, algorithm 2.
fn select(word: u64, rank: u32) -> u32 {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    // The highest bit of every byte of `sums`, each less than 128, that is not above the limit.
    let not_above =
        |sums: u64, limit: u64| (limit.wrapping_mul(LOWEST) | HIGHEST).wrapping_sub(sums) & HIGHEST;
    let pairs = word.wrapping_sub((word >> 1) & 0x5555_5555_5555_5555);
    let nibbles = (pairs & 0x3333_3333_3333_3333).wrapping_add((pairs >> 2) & 0x3333_3333_3333_3333);
    let bytes = nibbles.wrapping_add(nibbles >> 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Byte i holds the set bits of bytes 0 to i.
    let sums = bytes.wrapping_mul(LOWEST);
    let rank = u64::from(rank);
    let byte_at = not_above(sums, rank).count_ones().wrapping_mul(8);
    let rank_in_byte = rank.wrapping_sub((sums << 8).wrapping_shr(byte_at) & 0xff);
    // Each bit of the byte in a byte of its own, and summed up again.
    let spread = (word.wrapping_shr(byte_at) & 0xff).wrapping_mul(LOWEST) & 0x8040_2010_0804_0201;
    let ones = (spread.wrapping_add(0x7f7f_7f7f_7f7f_7f7f) >> 7) & LOWEST;
    let bit = not_above(ones.wrapping_mul(LOWEST), rank_in_byte).count_ones();
    byte_at.wrapping_add(bit)
}

/// The lowest bits set, at most 63 of them.
fn mask(bits: u32) -> u64 {
    1u64.wrapping_shl(bits).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::select;

    #[test]
    fn select_finds_every_set_bit() {
        let mut random: u64 = 1;
        for round in 0..2000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = match round {
                0 => u64::MAX,
                1 => 1 << 63,
                2 => 1,
                _ => random.rotate_left(round) | random >> 7,
            };
            let set = (0..64).filter(|bit| word >> bit & 1 == 1);
            for (rank, bit) in (0..).zip(set) {
                assert_eq!(select(word, rank), bit, "bit {rank} of {word:#x}");
            }
        }
    }
}
