//! One end of a connection: an address and a port, as `/proc/net/*` writes them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::about::Endian;
use super::text::hex32;

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told", into = "Told")]
pub struct Endpoint {
    /// The address. IPv4 mapped into IPv6 (`::ffff:a.b.c.d`) is shown as the IPv4 that it is.
    pub ip: IpAddr,
    /// The port; 0 where none is set.
    pub port: u16,
}

/// An endpoint on its way between the processes: both halves of the address as IPv6, and the port. An [`IpAddr`]'s own
/// way takes 1 KiB more.
type Told = (u64, u64, u16);

impl From<Endpoint> for Told {
    fn from(endpoint: Endpoint) -> Told {
        let ip = match endpoint.ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = ip.octets();
        let (high, low) = ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]);
        (u64::from_be_bytes(high), u64::from_be_bytes(low), endpoint.port)
    }
}

impl From<Told> for Endpoint {
    fn from((high, low, port): Told) -> Endpoint {
        let bits = u128::from(high) << 64 | u128::from(low);
        Endpoint { ip: IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical(), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

impl Endpoint {
    /// `0100007F:0035`: 32-bit words in the byte order of the machine that wrote them, the port as a number.
    #[must_use]
    pub fn parse(field: &[u8], endian: Endian) -> Option<Self> {
        let colon = field.iter().position(|b| *b == b':')?;
        let (address, port) = field.split_at(colon);
        let port = u16::try_from(hex32(port.get(1..)?)?).ok()?;
        let word = |digits: &[u8]| {
            let word = hex32(digits)?;
            Some(match endian {
                Endian::Little => word.to_le_bytes(),
                Endian::Big => word.to_be_bytes(),
            })
        };
        let ip = match address.len() {
            8 => IpAddr::V4(Ipv4Addr::from(word(address)?)),
            32 => {
                let mut octets = [0_u8; 16];
                for (into, digits) in octets.chunks_exact_mut(4).zip(address.chunks_exact(8)) {
                    into.copy_from_slice(&word(digits)?);
                }
                IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
            }
            _ => return None,
        };
        Some(Self { ip, port })
    }
}
