//! The search of single IPv4 addresses, in the code that [`Shape`] describes. Bits that make no sense find nothing, and no look-up
//! reads more than so many of them.

use super::layout::Shape;

/// Unary bits that a look-up reads: as many as 128 buckets with half a million entries have.
const UNARY_BITS: u32 = 1 << 19;
/// Entries that are looked at one by one, before they are searched.
const FEW: u32 = 8;

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

    /// Cuts a body from the front of bytes; nothing when there are too few.
    pub(super) fn at(bytes: &'a [u8], count: u32) -> Option<Singles<'a>> {
        let &[bucket_bits, label_bits, ..] = bytes.first_chunk::<4>()?;
        let length = Shape { count, bucket_bits, label_bits }.body_len()?;
        Singles::new(bytes.get(..usize::try_from(length).ok()?)?, count)
    }

    /// All entries in their order, each an address and the number of its label.
    pub(super) fn walk(&self) -> Walk<'a> {
        Walk { singles: *self, position: 0, index: 0 }
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

    /// The entries of a bucket, unless it has none or more than a file that makes sense would have: the first, and one after the last.
    fn bucket(&self, bucket: u32) -> Option<(u32, u32)> {
        let sample = usize::try_from(bucket.wrapping_div(Shape::BUCKETS_PER_SAMPLE)).ok()?;
        let mut start = u32::from_le_bytes(*self.samples.get(sample)?);
        let mut base = start & !63;
        let most = base.checked_add(UNARY_BITS)?;
        // The bits turned round: the end of a bucket is a 1. What is before the sample counts no more.
        let mut ends = !self.word(base)? & u64::MAX.wrapping_shl(start & 63);
        let mut before = bucket.wrapping_rem(Shape::BUCKETS_PER_SAMPLE);
        if before != 0 {
            // Over the ends of the buckets between the sample's and this one.
            let mut here = ends.count_ones();
            while before > here {
                before = before.wrapping_sub(here);
                base = base.checked_add(64).filter(|base| *base < most)?;
                ends = !self.word(base)?;
                here = ends.count_ones();
            }
            let last = select(ends, before.wrapping_sub(1));
            start = base.checked_add(last)?.checked_add(1)?;
            ends &= (!1u64).wrapping_shl(last);
        }
        while ends == 0 {
            base = base.checked_add(64).filter(|base| *base < most)?;
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

/// The entries from first to last.
pub(super) struct Walk<'a> {
    singles: Singles<'a>,
    /// Of the next unary bit.
    position: u32,
    /// Of the next entry.
    index: u32,
}

impl Iterator for Walk<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let singles = &self.singles;
        loop {
            let rest = singles.word(self.position & !63)? & u64::MAX.wrapping_shl(self.position & 63);
            if rest != 0 {
                self.position = (self.position & !63).checked_add(rest.trailing_zeros())?;
                break;
            }
            self.position = (self.position & !63).checked_add(64)?;
        }
        // Before the bit stand a 1 for every entry and a 0 for every bucket before this one.
        let bucket = self.position.checked_sub(self.index)?;
        let entry = singles.entry(self.index)?;
        self.position = self.position.checked_add(1)?;
        self.index = self.index.checked_add(1)?;
        let low = u32::try_from(entry.wrapping_shr(singles.label_bits)).ok()?;
        let label = u32::try_from(entry & mask(singles.label_bits)).ok()?;
        Some((bucket.wrapping_shl(singles.low_bits) | low, label))
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
    /// Whether there are so few that a search would take longer than a look at each.
    pub(super) fn are_few(&self) -> bool {
        self.end.wrapping_sub(self.next) <= FEW
    }

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
