//! A tunnel: what `/sys/class/net/NAME` or a message of rtnetlink(7) says of an interface in, one small value out.

use core::net::IpAddr;

use super::about::Endian;
use super::netlink::attribute;
use super::process::Process;
use super::route::{self, Interface};
use super::text::{decimal32, hex32};

/// What makes it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Packets go to a program (drivers/net/tun.c).
    Tun,
    /// Ethernet frames go to a program.
    Tap,
    /// `WireGuard` of the kernel.
    WireGuard,
    /// GRE, over IPv4 or IPv6.
    Gre,
    /// IP in IP, over IPv4 or IPv6; VTI.
    Ip,
    /// IPv6 in IPv4.
    Sit,
}

/// An interface that is a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: Interface,
    /// What makes it one.
    pub kind: Kind,
    /// The other end, where the interface itself has one.
    pub remote: Option<IpAddr>,
    /// It stays although nobody holds it (`IFF_PERSIST`); `None` where that is not told.
    pub stays: Option<bool>,
}

/// One with all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Tunnel<'a> {
    /// The interface.
    pub link: &'a Link,
    /// Joined by the source: a file of configuration has its name.
    pub known: bool,
    /// Joined by the engine: the program that packets go to.
    pub holder: Option<&'a Process>,
}

impl Kind {
    /// What people call it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Tun => "a tun interface",
            Kind::Tap => "a tap interface",
            Kind::WireGuard => "a WireGuard interface",
            Kind::Gre => "a GRE tunnel",
            Kind::Ip => "an IP-in-IP tunnel",
            Kind::Sit => "a tunnel of IPv6 in IPv4",
        }
    }

    /// From the type of its hardware addresses (include/uapi/linux/if_arp.h).
    const fn by_type(number: u32) -> Option<Self> {
        Some(match number {
            768 | 769 => Kind::Ip,
            776 => Kind::Sit,
            778 | 823 => Kind::Gre,
            _ => return None,
        })
    }
}

impl Link {
    /// From the files `type`, `tun_flags`, `uevent` and `broadcast` below `/sys/class/net/NAME`; empty for one that is not
    /// there. `None`: no tunnel.
    #[must_use]
    pub fn files(
        name: &[u8],
        kind: &[u8],
        tun_flags: &[u8],
        uevent: &[u8],
        broadcast: &[u8],
    ) -> Option<Self> {
        const IFF_TUN: u32 = 1;
        const IFF_PERSIST: u32 = 0x800;
        let name = Interface::of(name);
        if let Some(flags) = tun_flags.strip_prefix(b"0x").and_then(hex32) {
            let kind = if flags & IFF_TUN != 0 { Kind::Tun } else { Kind::Tap };
            return Some(Self { name, kind, remote: None, stays: Some(flags & IFF_PERSIST != 0) });
        }
        if uevent.split(|b| *b == b'\n').any(|line| line == b"DEVTYPE=wireguard") {
            return Some(Self { name, kind: Kind::WireGuard, remote: None, stays: None });
        }
        let kind = decimal32(kind).and_then(Kind::by_type)?;
        let mut bytes = heapless::Vec::<u8, 16>::new();
        for digits in broadcast.split(|b| *b == b':') {
            let byte = hex32(digits).and_then(|byte| u8::try_from(byte).ok());
            bytes.push(byte?).ok()?;
        }
        Some(Self { name, kind, remote: end(&bytes), stays: None })
    }

    /// From an `RTM_NEWLINK`: `struct ifinfomsg`, then attributes. `None`: no tunnel.
    #[must_use]
    pub fn message(body: &[u8], endian: Endian) -> Option<Self> {
        const IFLA_BROADCAST: u16 = 2;
        const IFLA_LINKINFO: u16 = 18;
        const IFLA_INFO_KIND: u16 = 1;
        const IFLA_INFO_DATA: u16 = 2;
        const IFLA_TUN_TYPE: u16 = 3;
        const IFLA_TUN_PERSIST: u16 = 6;
        const ETHERNET: u16 = 1;
        let (_, name) = route::interface(body, endian)?;
        let [_, _, t0, t1] = *body.first_chunk()?;
        let kind = endian.u16([t0, t1]);
        let rest = body.get(16..)?;
        let info = attribute(rest, endian, IFLA_LINKINFO).unwrap_or_default();
        let word = attribute(info, endian, IFLA_INFO_KIND).unwrap_or_default();
        match word.split(|b| *b == 0).next() {
            Some(b"tun") => {
                // Before Linux 4.17 there is no more than that.
                let data = attribute(info, endian, IFLA_INFO_DATA).unwrap_or_default();
                let byte = |kind| attribute(data, endian, kind).and_then(|value| value.first().copied());
                let tap = byte(IFLA_TUN_TYPE).map_or(kind == ETHERNET, |kind| kind == 2);
                let kind = if tap { Kind::Tap } else { Kind::Tun };
                Some(Self { name, kind, remote: None, stays: byte(IFLA_TUN_PERSIST).map(|stays| stays != 0) })
            }
            Some(b"wireguard") => Some(Self { name, kind: Kind::WireGuard, remote: None, stays: None }),
            _ => {
                let remote = attribute(rest, endian, IFLA_BROADCAST).and_then(end);
                Kind::by_type(kind.into()).map(|kind| Self { name, kind, remote, stays: None })
            }
        }
    }

    /// Whether the kernel itself makes it when a module is loaded (`ip_tunnel_init_net`, net/ipv4/ip_tunnel.c).
    #[must_use]
    pub fn is_kernels(&self) -> bool {
        const NAMES: [&[u8]; 9] = [
            b"tunl0",
            b"gre0",
            b"gretap0",
            b"erspan0",
            b"sit0",
            b"ip6tnl0",
            b"ip6gre0",
            b"ip_vti0",
            b"ip6_vti0",
        ];
        NAMES.contains(&self.name.as_slice()) && self.remote.is_none()
    }
}

/// The other end, which stands where other interfaces have their address for everybody. All zeros: none.
fn end(bytes: &[u8]) -> Option<IpAddr> {
    let ip = match bytes.len() {
        4 => IpAddr::from(*bytes.first_chunk::<4>()?),
        16 => IpAddr::from(*bytes.first_chunk::<16>()?),
        _ => return None,
    };
    Some(ip).filter(|ip| !ip.is_unspecified())
}

/// The interface in a line `iff:` of `/proc/PID/fdinfo/N` (drivers/net/tun.c `tun_chr_show_fdinfo`, since Linux 3.16).
#[must_use]
pub fn attached(line: &[u8]) -> Option<Interface> {
    let name = super::text::trim(line.strip_prefix(b"iff:")?);
    Some(Interface::of(name)).filter(|name| !name.is_empty() && !name.is_cut())
}

/// Whether a link in `/proc/PID/fd` is the device through which programs get such interfaces.
#[must_use]
pub fn is_device(link: &[u8]) -> bool {
    [&b"/dev/net/tun"[..], b"/dev/tun", b"/dev/misc/net/tun"].contains(&link)
}

#[cfg(test)]
mod tests {
    use super::super::netlink::testing::{half, nested};
    use super::*;

    fn shown(link: &Link) -> String {
        let name = String::from_utf8_lossy(link.name.as_slice()).into_owned();
        format!("{name} {:?} {:?} {:?}", link.kind, link.remote.map(|ip| ip.to_string()), link.stays)
    }

    #[test]
    fn files_of_the_kernel() {
        for (files, expected) in [
            (["tun0", "65534", "0x1001", "INTERFACE=tun0", ""], Some("tun0 Tun None Some(false)")),
            (["tap0", "1", "0x1802", "", "ff:ff:ff:ff:ff:ff"], Some("tap0 Tap None Some(true)")),
            (["wg0", "65534", "", "DEVTYPE=wireguard\nINTERFACE=wg0", ""], Some("wg0 WireGuard None None")),
            (["x", "778", "", "", "c6:33:64:07"], Some("x Gre Some(\"198.51.100.7\") None")),
            (["x", "768", "", "", "00:00:00:00"], Some("x Ip None None")),
            (["6in4", "776", "", "", "c6:33:64:07"], Some("6in4 Sit Some(\"198.51.100.7\") None")),
            (["eth0", "1", "", "DEVTYPE=wlan", "ff:ff:ff:ff:ff:ff"], None),
            (["ppp0", "512", "", "DEVTYPE=ppp", ""], None),
            (["x", "778", "", "", "c6:33:64:xx"], None),
            (["x", "", "0x", "", ""], None),
        ] {
            let [name, kind, flags, uevent, broadcast] = files.map(str::as_bytes);
            let link = Link::files(name, kind, flags, uevent, broadcast);
            assert_eq!(link.as_ref().map(shown).as_deref(), expected, "{files:?}");
        }
    }

    /// `struct ifinfomsg` and attributes, as a kernel writes them.
    fn message(endian: Endian, kind: u16, name: &str, more: &[u8]) -> Vec<u8> {
        let mut head = [0; 16];
        head[2..4].copy_from_slice(&half(endian, kind));
        [&head[..], &nested(endian, 3, format!("{name}\0").as_bytes()), more].concat()
    }

    #[test]
    fn messages_of_the_kernel_cut_anywhere() {
        for endian in [Endian::Little, Endian::Big] {
            let info = |word: &str, data: &[u8]| {
                let word = nested(endian, 1, format!("{word}\0").as_bytes());
                nested(endian, 18 | 0x8000, &[word, nested(endian, 2, data)].concat())
            };
            let tun = [nested(endian, 3, &[1]), nested(endian, 6, &[1])].concat();
            for (body, expected) in [
                (message(endian, 0xfffe, "tun7", &info("tun", &tun)), Some("tun7 Tun None Some(true)")),
                (message(endian, 1, "tap7", &info("tun", &[])), Some("tap7 Tap None None")),
                (message(endian, 0xfffe, "wg0", &info("wireguard", &[])), Some("wg0 WireGuard None None")),
                (
                    message(endian, 778, "g", &nested(endian, 2, &[198, 51, 100, 7])),
                    Some("g Gre Some(\"198.51.100.7\") None"),
                ),
                (message(endian, 1, "eth0", &nested(endian, 2, &[255; 6])), None),
            ] {
                assert_eq!(Link::message(&body, endian).as_ref().map(shown).as_deref(), expected);
                for end in 0..body.len() {
                    let _ = Link::message(&body[..end], endian);
                }
            }
        }
    }

    #[test]
    fn who_holds_one() {
        assert_eq!(attached(b"iff:\ttun0").unwrap().as_slice(), b"tun0");
        for none in [&b"pos:\t0"[..], b"iff:\t", b"iff:\tan-interface-with-a-long-name"] {
            assert_eq!(attached(none), None);
        }
        assert!(is_device(b"/dev/net/tun") && !is_device(b"/dev/tun0") && !is_device(b"/tmp/dev/net/tun"));
        let link = |name, remote| Link { name: Interface::of(name), kind: Kind::Sit, remote, stays: None };
        assert!(link(b"sit0", None).is_kernels() && !link(b"sit1", None).is_kernels());
        assert!(!link(b"sit0", Some([198, 51, 100, 7].into())).is_kernels());
    }
}
