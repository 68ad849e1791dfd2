//! Routes and own addresses: rows of `/proc/net/{route,ipv6_route,if_inet6,fib_trie}` or messages of rtnetlink(7), one
//! small value out.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::about::Endian;
use super::netlink::{attribute, attributes};
use super::text::{Bytes, decimal, fields, hex32, trim};

/// Bytes of the name of an interface (`IFNAMSIZ`, netdevice(7)).
pub const INTERFACE_BYTES: usize = 16;

/// The name of an interface.
pub type Interface = Bytes<INTERFACE_BYTES>;

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Any address of it.
    pub ip: IpAddr,
    /// Bits that count.
    pub length: u8,
}

impl Prefix {
    /// Whether an address belongs to it. One family never holds an address of the other.
    #[must_use]
    pub fn holds(&self, ip: IpAddr) -> bool {
        let (a, b, bits) = match (self.ip, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32_u32),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        let host = bits.saturating_sub(u32::from(self.length));
        (a ^ b).checked_shr(host).unwrap_or_default() == 0
    }

    /// Whether it is one address.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.length == if self.ip.is_ipv4() { 32 } else { 128 }
    }
}

/// A route to somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub to: Prefix,
    /// Another router is in between.
    pub gateway: bool,
    /// Through which interface.
    pub interface: Interface,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub enum Row {
    /// A route to somewhere else.
    Leads(Route),
    /// That what it is about leads nowhere, or to this machine itself.
    Nowhere,
}

/// `RTF_UP`, `RTF_GATEWAY`, `RTF_REJECT` (route(8), linux/route.h), `RTF_LOCAL`, `RTF_ANYCAST`, `RTF_CACHE` (linux/ipv6_route.h).
const UP: u32 = 1;
const GATEWAY: u32 = 2;
const REJECT: u32 = 0x200;
const LOCAL: u32 = 0x8000_0000;
const ANYCAST: u32 = 0x10_0000;
/// Before Linux 4.2 one for each host that was spoken to, made of the route that leads there.
const CACHE: u32 = 0x100_0000;

impl Route {
    /// Reads a row of `/proc/net/route`, except the heading: `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, words of
    /// the machine's byte order (net/ipv4/fib_trie.c `fib_route_seq_show`). [`Row::Nowhere`]: a route that leads nowhere.
    #[must_use]
    pub fn parse(row: &[u8], endian: Endian) -> Option<Row> {
        let mut words = fields(row);
        let interface = Bytes::of(words.next()?);
        let address = |digits| {
            let word = hex32(digits).filter(|_| digits.len() == 8)?;
            Some(Ipv4Addr::from(match endian {
                Endian::Little => word.to_le_bytes(),
                Endian::Big => word.to_be_bytes(),
            }))
        };
        let to = address(words.next()?)?;
        let _gateway = words.next()?;
        let flags = hex32(words.next()?)?;
        let mask = words.nth(3).and_then(address)?;
        let length = u8::try_from(mask.to_bits().leading_ones()).ok()?;
        if interface.is_cut() || mask.to_bits().count_ones() != u32::from(length) {
            return None;
        }
        let to = Prefix { ip: to.into(), length };
        // A black hole has no interface.
        let leads = flags & (UP | REJECT) == UP && interface.as_slice() != b"*";
        Some(if leads {
            Row::Leads(Self { to, gateway: flags & GATEWAY != 0, interface })
        } else {
            Row::Nowhere
        })
    }

    /// Reads a row of `/proc/net/ipv6_route`: `dest len src len nexthop metric refcnt use flags iface`, all in network byte
    /// order (net/ipv6/route.c `rt6_fill_node`, net/ipv6/ip6_fib.c `ipv6_route_native_seq_show`). [`Row::Nowhere`]: a route that leads
    /// nowhere, or to this machine itself, or a copy of another one.
    #[must_use]
    pub fn parse6(row: &[u8]) -> Option<Row> {
        let mut words = fields(row);
        let ip = words.next().and_then(ipv6)?;
        let length = words.next().and_then(hex32).filter(|length| *length <= 128)?;
        let length = u8::try_from(length).ok()?;
        let flags = words.nth(6).and_then(hex32)?;
        let interface = Bytes::of(words.next()?);
        let ours =
            flags & (LOCAL | ANYCAST | CACHE) != 0 || ip.is_multicast() || interface.as_slice() == b"lo";
        let leads = flags & (UP | REJECT) == UP && !ours;
        let to = Prefix { ip: ip.into(), length };
        Some(if leads {
            Row::Leads(Self { to, gateway: flags & GATEWAY != 0, interface })
        } else {
            Row::Nowhere
        })
    }

    /// Reads an `RTM_NEWROUTE`: `struct rtmsg`, then attributes; the interface is a number there. `None`: not understood, a
    /// route that leads nowhere or to this machine itself, a copy of another one, or none of the main table.
    #[must_use]
    pub fn message(body: &[u8], endian: Endian) -> Option<(Prefix, bool, u32)> {
        const RTA_DST: u16 = 1;
        const RTA_OIF: u16 = 4;
        const RTA_GATEWAY: u16 = 5;
        const RTA_MULTIPATH: u16 = 9;
        const RTA_TABLE: u16 = 15;
        const RTA_VIA: u16 = 18;
        const RTN_UNICAST: u8 = 1;
        const RT_TABLE_MAIN: u32 = 254;
        const RTM_F_CLONED: u32 = 0x200;
        let [family, length, _, _, table, _, _, kind, a, b, c, d] = *body.first_chunk()?;
        let rest = body.get(12..)?;
        let word = |bytes: &[u8]| bytes.first_chunk().map(|bytes| endian.u32(*bytes));
        let table = attribute(rest, endian, RTA_TABLE).and_then(word).unwrap_or_else(|| table.into());
        let copied = endian.u32([a, b, c, d]) & RTM_F_CLONED != 0;
        if table != RT_TABLE_MAIN || kind != RTN_UNICAST || copied {
            return None;
        }
        let (mut to, mut through, mut gateway) = (None, None, false);
        for (kind, value) in attributes(rest, endian) {
            match kind {
                RTA_DST => to = Some(address(family, value)?),
                RTA_OIF => through = word(value),
                RTA_GATEWAY | RTA_VIA => gateway = true,
                // `struct rtnexthop`: of several ways the first, as the text has it.
                RTA_MULTIPATH => {
                    through = value.get(4..).and_then(word);
                    gateway |= value.get(8..).is_some_and(|hop| {
                        attributes(hop, endian).take(1).any(|(kind, _)| matches!(kind, RTA_GATEWAY | RTA_VIA))
                    });
                }
                _ => {}
            }
        }
        let ip = to.or_else(|| address(family, &[0; 16]))?;
        Some((Prefix { ip, length }, gateway, through?)).filter(|_| !ip.is_multicast())
    }
}

/// The address in a message: `AF_INET` (2) or `AF_INET6` (10).
fn address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        2 => bytes.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
        10 => bytes.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
        _ => None,
    }
}

/// 32 digits as an address.
fn ipv6(digits: &[u8]) -> Option<Ipv6Addr> {
    let mut octets = [0_u8; 16];
    if digits.len() != 32 {
        return None;
    }
    for (into, digits) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        *into = u8::try_from(hex32(digits)?).ok()?;
    }
    Some(octets.into())
}

/// An own address from a row of `/proc/net/if_inet6`: `address index length scope flags name` (net/ipv6/addrconf.c
/// `if6_seq_show`).
#[must_use]
pub fn own6(row: &[u8]) -> Option<IpAddr> {
    fields(row).next().and_then(ipv6).map(IpAddr::from)
}

/// Own addresses in `/proc/net/fib_trie`: `|-- 192.0.2.1`, then `/32 host LOCAL` (net/ipv4/fib_trie.c `fib_trie_seq_show`).
#[derive(Debug, Default)]
pub struct Trie {
    leaf: Option<Ipv4Addr>,
}

impl Trie {
    /// Takes the next row; an own address when that says so.
    pub fn row(&mut self, row: &[u8]) -> Option<IpAddr> {
        let row = trim(row);
        if let Some(leaf) = row.strip_prefix(b"|-- ") {
            self.leaf = str::from_utf8(leaf).ok().and_then(|leaf| leaf.parse().ok());
            return None;
        }
        let mut words = fields(row.strip_prefix(b"/")?);
        let length = words.next().and_then(decimal);
        let local = length == Some(32) && words.nth(1) == Some(b"LOCAL");
        self.leaf.filter(|_| local).map(IpAddr::from)
    }
}

/// Reads an `RTM_NEWADDR`: `struct ifaddrmsg`, then attributes. `IFA_LOCAL` is the own end where the other end is told too.
#[must_use]
pub fn own(body: &[u8], endian: Endian) -> Option<IpAddr> {
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    let family = *body.first()?;
    let rest = body.get(8..)?;
    let value = attribute(rest, endian, IFA_LOCAL).or_else(|| attribute(rest, endian, IFA_ADDRESS))?;
    address(family, value)
}

/// Reads an `RTM_NEWLINK`: `struct ifinfomsg`, then attributes. Number and name of an interface.
#[must_use]
pub fn interface(body: &[u8], endian: Endian) -> Option<(u32, Interface)> {
    const IFLA_IFNAME: u16 = 3;
    let number = endian.u32(*body.get(4..)?.first_chunk()?);
    let name = attribute(body.get(16..)?, endian, IFLA_IFNAME)?;
    Some((number, Bytes::of(name.split(|b| *b == 0).next().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::testing::{nested, word};
    use super::*;

    fn shown(route: &Route) -> String {
        let way = if route.gateway { "via" } else { "on" };
        let name = String::from_utf8_lossy(route.interface.as_slice()).into_owned();
        format!("{}/{} {way} {name}", route.to.ip, route.to.length)
    }

    #[test]
    fn rows_of_ipv4_in_both_byte_orders() {
        for (row, endian, expected) in [
            (
                "eth1\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0  ",
                Endian::Little,
                "0.0.0.0/0 via eth1",
            ),
            (
                "br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
                Endian::Little,
                "192.168.1.0/24 on br-lan",
            ),
            (
                "br-lan\tC0A80100\t00000000\t0001\t0\t0\t0\tFFFFFF00\t0\t0\t0",
                Endian::Big,
                "192.168.1.0/24 on br-lan",
            ),
        ] {
            let Some(Row::Leads(route)) = Route::parse(row.as_bytes(), endian) else { panic!() };
            assert_eq!(shown(&route), expected);
            for end in 0..row.len() {
                let cut = Route::parse(&row.as_bytes()[..end], endian);
                assert!(cut.is_none() || cut == Some(Row::Leads(route.clone())), "{end}");
            }
        }
        let rejected = b"*\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0";
        assert_eq!(Route::parse(rejected, Endian::Little), Some(Row::Nowhere));
        assert!(
            Route::parse(b"Iface Destination Gateway Flags RefCnt Use Metric Mask", Endian::Big).is_none()
        );
        let holes = b"eth0 00000000 00000000 0001 0 0 0 00FF00FF 0 0 0";
        assert!(Route::parse(holes, Endian::Little).is_none());
    }

    #[test]
    fn rows_of_ipv6() {
        let zero = "0".repeat(32);
        let row = |to: &str, length: &str, flags: &str, name: &str| {
            format!("{to} {length} {zero} 00 {zero} 00000400 00000001 00000000 {flags} {name:>8}")
        };
        let net = "20010db8000100000000000000000000";
        let parse = |row: String| match Route::parse6(row.as_bytes()).unwrap() {
            Row::Leads(route) => Some(shown(&route)),
            Row::Nowhere => None,
        };
        assert_eq!(parse(row(net, "40", "00000001", "br-lan")).unwrap(), "2001:db8:1::/64 on br-lan");
        assert_eq!(parse(row(&zero, "00", "00000003", "eth1")).unwrap(), "::/0 via eth1");
        for (to, length, flags, name) in [
            (net, "80", "80200001", "lo"),
            (net, "80", "80200001", "eth1"),
            (net, "80", "01000003", "br-lan"),
            (&zero, "00", "00200200", "lo"),
            ("ff000000000000000000000000000000", "08", "00000001", "eth1"),
        ] {
            assert_eq!(parse(row(to, length, flags, name)), None);
        }
        assert!(
            Route::parse6(b"x 40").is_none() && Route::parse6(row(net, "81", "1", "x").as_bytes()).is_none()
        );
        let own = b"fe80000000000000020000fffe000001 02 40 20 80     eth0";
        assert_eq!(own6(own), Some("fe80::200:ff:fe00:1".parse().unwrap()));
    }

    #[test]
    fn own_addresses_in_the_trie() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\nLocal:\n     |-- 127.0.0.0\n\
            \u{20}       /8 host LOCAL\n     |-- 192.0.2.15\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n";
        let mut trie = Trie::default();
        let found: Vec<_> = text.lines().filter_map(|row| trie.row(row.as_bytes())).collect();
        assert_eq!(found, [IpAddr::from([192, 0, 2, 15])]);
    }

    #[test]
    fn messages_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let route = |length, table, kind, attributes: &[Vec<u8>]| {
                let head = [2, length, 0, 0, table, 3, 0, kind, 0, 0, 0, 0];
                Route::message(&[&head[..], &attributes.concat()].concat(), endian)
            };
            let (to, through) = (nested(endian, 1, &[10, 0, 0, 0]), nested(endian, 4, &word(endian, 7)));
            let via = nested(endian, 5, &[192, 0, 2, 1]);
            let net = Prefix { ip: [10, 0, 0, 0].into(), length: 8 };
            let all = Prefix { ip: [0, 0, 0, 0].into(), length: 0 };
            assert_eq!(route(8, 254, 1, &[to.clone(), through.clone()]), Some((net, false, 7)));
            assert_eq!(route(0, 254, 1, &[through.clone(), via.clone()]), Some((all, true, 7)));
            assert_eq!(route(8, 255, 1, &[to.clone(), through.clone()]), None, "another table");
            assert_eq!(route(8, 254, 2, &[to.clone(), through.clone()]), None, "this machine");
            let copy = [&[2, 8, 0, 0, 254, 3, 0, 1][..], &word(endian, 0x200), &to, &through].concat();
            assert_eq!(Route::message(&copy, endian), None, "a copy");
            let hop = [&[0; 4][..], &word(endian, 9), &via].concat();
            assert_eq!(route(0, 254, 1, &[nested(endian, 9, &hop)]), Some((all, true, 9)));
            let head = [2, 24, 0, 0];
            let address = [
                &head[..],
                &word(endian, 3),
                &nested(endian, 1, &[192, 0, 2, 9]),
                &nested(endian, 2, &[192, 0, 2, 1]),
            ];
            assert_eq!(own(&address.concat(), endian), Some([192, 0, 2, 1].into()));
            let link = [&[0; 4][..], &word(endian, 3), &[0; 8], &nested(endian, 3, b"br-lan\0")].concat();
            assert_eq!(interface(&link, endian), Some((3, Bytes::of(b"br-lan"))));
        }
    }

    #[test]
    fn networks() {
        let net = |text: &str, length| Prefix { ip: text.parse().unwrap(), length };
        for (prefix, ip, inside) in [
            (net("10.0.0.0", 8), "10.255.0.1", true),
            (net("10.0.0.0", 8), "11.0.0.1", false),
            (net("0.0.0.0", 0), "192.0.2.1", true),
            (net("0.0.0.0", 0), "::1", false),
            (net("192.0.2.1", 32), "192.0.2.1", true),
            (net("192.0.2.1", 32), "192.0.2.0", false),
            (net("2001:db8::", 64), "2001:db8::ff", true),
            (net("2001:db8::", 64), "2001:db8:0:1::", false),
            (net("::", 0), "2001:db8::", true),
        ] {
            assert_eq!(prefix.holds(ip.parse().unwrap()), inside, "{prefix:?} {ip}");
        }
    }
}
