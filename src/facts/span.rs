//! Addresses from one to another, as a rule of the packet filter names them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses from one to another, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub low: IpAddr,
    /// The last, of the same family.
    pub high: IpAddr,
}

impl Span {
    /// One address.
    #[must_use]
    pub const fn one(ip: IpAddr) -> Self {
        Self { low: ip, high: ip }
    }

    /// From four or sixteen bytes each. `None`: there are not as many.
    #[must_use]
    pub fn of(low: &[u8], high: &[u8]) -> Option<Self> {
        Some(Self { low: address(low)?, high: address(high)? })
    }

    /// The network of an address and of the bits that count. `None`: these do not stand at its beginning.
    #[must_use]
    pub fn masked(ip: &[u8], mask: &[u8]) -> Option<Self> {
        let (mut low, mut high) = ([0_u8; 16], [0_u8; 16]);
        let (low, high) = (low.get_mut(..ip.len())?, high.get_mut(..ip.len())?);
        let mut ended = false;
        for (((low, high), byte), mask) in low.iter_mut().zip(high.iter_mut()).zip(ip).zip(mask) {
            if ended && *mask != 0 || mask.leading_ones().saturating_add(mask.trailing_zeros()) < 8 {
                return None;
            }
            ended |= *mask != 0xff;
            (*low, *high) = (byte & mask, byte & mask | !mask);
        }
        Self::of(low, high)
    }

    /// Whether it is one address.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.low == self.high
    }

    /// Whether it is all there are.
    #[must_use]
    pub fn is_all(&self) -> bool {
        match (self.low, self.high) {
            (IpAddr::V4(low), IpAddr::V4(high)) => low.to_bits() == 0 && high.to_bits() == u32::MAX,
            (IpAddr::V6(low), IpAddr::V6(high)) => low.to_bits() == 0 && high.to_bits() == u128::MAX,
            _ => false,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.low)?;
        let (differs, bits) = match (self.low, self.high) {
            (IpAddr::V4(low), IpAddr::V4(high)) => (u128::from(low.to_bits() ^ high.to_bits()), 32_u32),
            (IpAddr::V6(low), IpAddr::V6(high)) => (low.to_bits() ^ high.to_bits(), 128),
            _ => (0, 0),
        };
        let host = 128_u32.saturating_sub(differs.leading_zeros());
        // A network ends in as many bits as differ.
        let whole = differs.checked_add(1).is_none_or(u128::is_power_of_two);
        let aligned = match self.low {
            IpAddr::V4(low) => u128::from(low.to_bits()) & differs == 0,
            IpAddr::V6(low) => low.to_bits() & differs == 0,
        };
        match (differs, whole && aligned) {
            (0, _) => Ok(()),
            (_, true) => write!(f, "/{}", bits.saturating_sub(host)),
            _ => write!(f, "-{}", self.high),
        }
    }
}

/// An address in a text, and nothing else. IPv4 mapped into IPv6 is the IPv4 that it is.
#[must_use]
pub fn parse(word: &[u8]) -> Option<IpAddr> {
    let word = str::from_utf8(word).ok()?;
    let four = word.parse::<Ipv4Addr>().map(IpAddr::V4);
    four.or_else(|_| word.parse::<Ipv6Addr>().map(IpAddr::V6)).ok().map(|ip| ip.to_canonical())
}

/// An address of four or sixteen bytes.
#[must_use]
pub fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => bytes.first_chunk::<4>().map(|bytes| IpAddr::V4(Ipv4Addr::from(*bytes))),
        16 => bytes.first_chunk::<16>().map(|bytes| IpAddr::V6(Ipv6Addr::from(*bytes))),
        _ => None,
    }
}
