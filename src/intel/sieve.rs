//! A sieve before the search: most addresses of a long table of flows are not listed, and one bit tells that.
//!
//! It has the single IPv4 addresses of all files, a bit for each by a hash; of 100,000 it lets one in six through. To fill it
//! takes as long as some thousand searches, so it is for those who ask that often.

use core::cell::Cell;

use super::Intel;
use crate::limits::SIEVE_WORDS;

/// The bits of a hash that choose one of the sieve.
const SHIFT: u32 = 27_u32.wrapping_sub(SIEVE_WORDS.trailing_zeros());

/// Which addresses may be listed.
#[derive(Debug)]
pub struct Sieve {
    words: [Cell<u32>; SIEVE_WORDS],
    /// Until it is filled it lets everything through.
    filled: Cell<bool>,
}

impl Sieve {
    /// One that lets everything through.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [const { Cell::new(0) }; SIEVE_WORDS], filled: Cell::new(false) }
    }

    fn word(&self, address: u32) -> Option<(&Cell<u32>, u32)> {
        let hash = address.wrapping_mul(0x9e37_79b1) >> SHIFT;
        let word = self.words.get(usize::try_from(hash >> 5).ok()?)?;
        Some((word, 1_u32.rotate_left(hash)))
    }

    /// Puts the addresses of these files in.
    pub fn fill(&self, files: &[Intel<'_>]) {
        self.words.iter().for_each(|word| word.set(0));
        let mut whole = true;
        for file in files {
            whole &= file.ipv4.each(&mut |address| {
                if let Some((word, bit)) = self.word(address) {
                    word.set(word.get() | bit);
                }
            });
        }
        // What a broken file has in what order is found, or not, by searching it.
        self.filled.set(whole);
    }

    /// Lets everything through again.
    pub fn empty(&self) {
        self.filled.set(false);
    }

    /// Whether a single IPv4 address may be listed.
    #[must_use]
    pub fn lets_through(&self, address: u32) -> bool {
        !self.filled.get() || self.word(address).is_none_or(|(word, bit)| word.get() & bit != 0)
    }
}

impl Default for Sieve {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use super::*;

    #[test]
    fn nothing_that_is_listed_is_kept_back() {
        let file = Intel::open(include_bytes!("testdata/tiny.gwi")).unwrap();
        let sieve = Sieve::new();
        assert!(sieve.lets_through(0x0102_0304));
        sieve.fill(&[file]);
        let mut kept = 0;
        for network in [[192, 0, 2], [198, 51, 100], [203, 0, 113], [8, 8, 8], [10, 0, 0], [1, 2, 3]] {
            for last in 0..=255 {
                let [a, b, c] = network;
                let ip = Ipv4Addr::new(a, b, c, last);
                kept += u32::from(!sieve.lets_through(ip.to_bits()));
                for port in [0, 23, 80, 443, 48_101] {
                    let ip = IpAddr::V4(ip);
                    assert_eq!(
                        file.listed(ip, port, 0, Some(&sieve)),
                        file.listed(ip, port, 0, None),
                        "{ip}:{port}"
                    );
                }
            }
        }
        assert!(kept > 1000, "it keeps nothing back: {kept}");
        sieve.empty();
        assert!(sieve.lets_through(0x0102_0304));
    }
}
