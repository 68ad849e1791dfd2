//! A set of hosts of which only the size can be told: it has the same few bytes for ten of them and for a thousand.

use core::net::IpAddr;

/// Bits of a set.
const BITS: u32 = 256;

/// A set of hosts: a bit for each, chosen by a hash (linear counting, Whang et al. 1990).
#[derive(Clone, Copy, Debug, Default)]
pub struct Hosts([u32; 8]);

impl Hosts {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; 8])
    }

    /// Adds one by its hash; says whether that was new.
    pub fn add(&mut self, hash: u32) -> bool {
        let word = usize::try_from(hash >> 5 & 7).unwrap_or_default();
        let bit = 1_u32.rotate_left(hash);
        self.0.get_mut(word).is_some_and(|word| {
            let new = *word & bit == 0;
            *word |= bit;
            new
        })
    }

    /// How many there are, at most some 1,500: each bit that was set had to find one of those that were still free.
    #[must_use]
    pub fn count(&self) -> u32 {
        let set = self.0.iter().fold(0_u32, |set, word| set.saturating_add(word.count_ones()));
        let free = BITS.saturating_sub(set).saturating_add(1);
        let share = |free| (BITS << 8).checked_div(free).unwrap_or_default();
        (free..=BITS).map(share).fold(0, u32::saturating_add) >> 8
    }
}

/// Stirs a word into a hash (the finisher of MurmurHash3).
#[must_use]
pub fn mix(hash: u32, word: u32) -> u32 {
    let hash = (hash ^ word).wrapping_add(0x9e37_79b9);
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// An address stirred into a hash.
#[must_use]
pub fn hash(seed: u32, ip: IpAddr) -> u32 {
    let octets = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    let (words, _) = octets.as_chunks::<4>();
    words.iter().fold(seed, |hash, word| mix(hash, u32::from_be_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_about_right() {
        for (count, off) in [(0_u32, 0_u32), (1, 0), (5, 1), (20, 3), (60, 8), (250, 32), (600, 80)] {
            let mut set = Hosts::new();
            for host in (0..count).chain(0..count) {
                set.add(hash(7, IpAddr::from((0xc633_6400 + host * 11).to_be_bytes())));
            }
            assert!(set.count().abs_diff(count) <= off, "{count} hosts were counted as {}", set.count());
        }
    }
}
