//! What the text shows of sockets, held against what the kernel says otherwise (sock_diag): what is missing in the text is
//! hidden.

use crate::facts::netlink::Question;
use crate::limits::{HIDDEN_SOCKETS, SHOWN_WORDS};

/// Sockets that the kernel told of and the text did not show, by inode and the question whose answer they were in.
pub type Suspects = heapless::Vec<(u32, Question), HIDDEN_SOCKETS>;

/// The sockets that the text shows, as a set that may take a stranger for one of them and never one of them for a stranger
/// (Bloom filter).
#[derive(Debug)]
pub struct Shown {
    bits: [u32; SHOWN_WORDS],
    /// Not to be guessed by those who would be taken for another.
    seed: u32,
    /// Those that are not among them.
    pub suspects: Suspects,
    /// There were more.
    pub cut: bool,
}

impl Shown {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { bits: [0; SHOWN_WORDS], seed: 0, suspects: heapless::Vec::new(), cut: false }
    }

    /// Forgets them all.
    pub fn clear(&mut self, seed: u32) {
        self.bits = [0; SHOWN_WORDS];
        self.seed = seed;
        self.suspects.clear();
        self.cut = false;
    }

    /// Where the three bits of a socket are: word and bit.
    fn places(&self, inode: u64) -> [(usize, u32); 3] {
        // Inodes count up: a product spreads them (Knuth, 6.4), a second one is the stride.
        let low = u32::try_from(inode & 0xffff_ffff).unwrap_or_default() ^ self.seed;
        let (first, stride) = (low.wrapping_mul(0x9e37_79b1), low.wrapping_mul(0x85eb_ca6b) | 1);
        [0_u32, 1, 2].map(|turn| {
            let hash = first.wrapping_add(stride.wrapping_mul(turn));
            let word = usize::try_from(hash >> 5 >> 8).unwrap_or_default().checked_rem(SHOWN_WORDS);
            (word.unwrap_or_default(), 1_u32.rotate_left(hash >> 5))
        })
    }

    /// The text shows a socket.
    pub fn add(&mut self, inode: u64) {
        for (word, bit) in self.places(inode) {
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// The kernel tells of a socket; one that no process has any more has no number to be told by.
    pub fn compare(&mut self, inode: u64, question: Question) {
        let has = |(word, bit): &(usize, u32)| self.bits.get(*word).is_some_and(|word| word & bit != 0);
        if inode != 0 && !self.places(inode).iter().all(has) {
            let inode = u32::try_from(inode).unwrap_or_default();
            self.cut |= self.suspects.push((inode, question)).is_err();
        }
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_never_a_suspect_and_what_is_not_hardly_ever_passes() {
        let mut shown = Box::new(Shown::new());
        for seed in [0, 0x1234_5678] {
            shown.clear(seed);
            (0..20_000).for_each(|n| shown.add(1_000_000 + 3 * n));
            (0..20_000).for_each(|n| shown.compare(1_000_000 + 3 * n, Question::Unix));
            assert_eq!((shown.suspects.len(), shown.cut), (0, false));
            shown.compare(0, Question::Unix);
            let strangers = (0..1000).filter(|n| {
                shown.suspects.clear();
                shown.compare(1_000_001 + 3 * n, Question::Unix);
                !shown.suspects.is_empty()
            });
            let told = strangers.count();
            assert!(told > 950, "{told} of 1000 were told");
        }
    }
}
