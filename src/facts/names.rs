//! Who answers for names: resolvers, names that are given addresses by hand, and names that were asked for.

use core::net::IpAddr;

use super::endpoint::Endpoint;
use super::ipv4;
use super::origin::Standing;
use super::text::{decimal, trim};
use super::worth::Worth;

/// What a resolver is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// This machine asks it.
    Asked,
    /// Those who are served are told to ask it (DHCP option 6, DHCPv6 option 23).
    Offered,
    /// Those who are served are told to fetch there how to reach the Web (DHCP option 252).
    Proxy,
}

/// Whose hand put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The provider's: what DHCP or PPP was told.
    Provider,
    /// A program's, out of what provider and configuration say.
    Made,
    /// Whoever may change the configuration.
    Owner,
    /// The same, where nobody else says whom to ask: a line with a fixed address, a VPN, a server.
    Fixed,
    /// A resolver of its own that asks others, encrypted mostly: lists of them come with its package.
    Package,
}

/// Somebody who is asked for names.
#[derive(Clone, Copy, Debug)]
pub struct Resolver<'a> {
    /// The file that says so, `/` first.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// Where it is; unspecified where it is a name.
    pub at: Endpoint,
    /// The name of a host with the settings of a proxy, or the domain of which alone it is asked; empty otherwise.
    pub name: &'a [u8],
    /// What it is for.
    pub purpose: Use,
    /// Whose hand put it there.
    pub hand: Hand,
    /// It is beyond the provider, and not one of those that many people use.
    pub stranger: bool,
    /// It is one of those.
    pub well_known: bool,
    /// The provider gives it, or what the configuration says leads to it. `None`: nobody knows what the provider gives.
    pub given: Option<bool>,
    /// What image and baseline say of it.
    pub standing: Standing,
    /// What the one name is worth of which it is asked.
    pub worth: Option<Worth>,
    /// It is asked for many names, one by one.
    pub many: bool,
}

/// A name that is given an address by hand.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The file that says so, `/` first.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// The name.
    pub name: &'a [u8],
    /// Its address; `None` for one that is only told by another name.
    pub to: Option<IpAddr>,
    /// What the name is worth.
    pub worth: Option<Worth>,
    /// It leads nowhere: 0.0.0.0, 127.0.0.1 and their likes.
    pub sunk: bool,
    /// Whoever this machine serves is told so too.
    pub served: bool,
    /// It is one of many of its kind in the file.
    pub many: bool,
    /// Different makers of protection that the file sinks, if these are a good part of what it sinks.
    pub protections: u32,
    /// Mining pools, likewise.
    pub pools: u32,
}

/// A name that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The log that says so, `/` first.
    pub file: &'a [u8],
    /// The name.
    pub name: &'a [u8],
    /// Who asked, if that is known.
    pub by: Option<IpAddr>,
    /// It was this machine itself.
    pub own: bool,
    /// Clients ask here by themselves. Where none does, a program of this machine's may ask for them.
    pub served: bool,
}

/// An address as resolvers are written: `192.0.2.1`, `192.0.2.1#5353`, `192.0.2.1:53`, `192.0.2.1@eth0`,
/// `192.0.2.1@853#name`, `2001:db8::1`, `[2001:db8::1]:53`, `fe80::1%eth0`.
#[must_use]
pub fn server(text: &[u8]) -> Option<Endpoint> {
    let text = trim(text);
    let (host, rest) = match text.strip_prefix(b"[").and_then(|rest| split(rest, b"]")) {
        Some((host, rest)) => (host, rest.get(1..).unwrap_or_default()),
        None => split(text, b"#@%").unwrap_or((text, b"")),
    };
    let port_of = |text: &[u8]| decimal(text).and_then(|port| u16::try_from(port).ok());
    let dotted = host.contains(&b'.');
    let (host, rest) = match split(host, b":") {
        Some((host, rest)) if dotted && !host.is_empty() => (host, rest),
        _ => (host, rest),
    };
    let ip: IpAddr = str::from_utf8(host).ok()?.parse().ok()?;
    let digits = rest.get(1..).unwrap_or_default();
    let digits = split(digits, b"@#%").map_or(digits, |(digits, _)| digits);
    Some(Endpoint { ip: ip.to_canonical(), port: port_of(digits).filter(|port| *port > 0).unwrap_or(53) })
}

/// What stands before the first of some bytes, and the rest with it.
fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.iter().position(|byte| at.contains(byte))?;
    text.split_at_checked(place)
}

/// The networks of resolvers that people and packages set by hand: Cloudflare, Google, Quad9, OpenDNS, AdGuard, Yandex,
/// AliDNS, DNSPod, CNNIC, NextDNS, Mullvad, Control D, CleanBrowsing, Verisign and Neustar, Hurricane Electric, dns0.eu, DNS4EU,
/// DNS.SB, Quad101.
const RESOLVERS6: [[u16; 3]; 30] = [
    [0x2606, 0x4700, 0x4700],
    [0x2001, 0x4860, 0x4860],
    [0x2620, 0xfe, 0],
    [0x2620, 0x119, 0x35],
    [0x2620, 0x119, 0x53],
    [0x2620, 0, 0xccc],
    [0x2620, 0, 0xccd],
    [0x2a10, 0x50c0, 0],
    [0x2a02, 0x6b8, 0],
    [0x2400, 0x3200, 0],
    [0x2400, 0x3200, 0xbaba],
    [0x2402, 0x4e00, 0],
    [0x2001, 0xdc7, 0x1000],
    [0x2a07, 0xa8c0, 0],
    [0x2a07, 0xa8c1, 0],
    [0x2a07, 0xe340, 0],
    [0x2606, 0x1a40, 0],
    [0x2606, 0x1a40, 1],
    [0x2a0d, 0x2a00, 1],
    [0x2a0d, 0x2a00, 2],
    [0x2620, 0x74, 0x1b],
    [0x2620, 0x74, 0x1c],
    [0x2610, 0xa1, 0x1018],
    [0x2610, 0xa1, 0x1019],
    [0x2001, 0x470, 0x20],
    [0x2a0f, 0xfc80, 0],
    [0x2a13, 0x1001, 0],
    [0x2a09, 0, 0],
    [0x2a11, 0, 0],
    [0x2001, 0xde4, 0],
];

/// Whether an address is a resolver that many people set.
#[must_use]
pub fn is_well_known(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ipv4::is_known_resolver(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            RESOLVERS6.contains(&[a, b, c])
        }
    }
}

/// Whether a name that leads there leads nowhere: it is the machine's own, or nobody's.
#[must_use]
pub fn is_sink(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Whether a proxy on the machine may have made the address up (198.18.0.0/15, RFC 2544).
#[must_use]
pub fn is_made_up(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if matches!(ip.octets(), [198, 18 | 19, ..]))
}

/// Whether a host is one of the local network's by its name.
#[must_use]
pub fn is_local_name(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let last = labels.next().unwrap_or_default();
    let known: [&[u8]; 10] = [
        b"lan",
        b"local",
        b"home",
        b"internal",
        b"localdomain",
        b"arpa",
        b"intranet",
        b"corp",
        b"private",
        b"box",
    ];
    labels.next().is_none() || known.iter().any(|known| last.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_resolvers() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1:53")),
            (" 192.0.2.1#5353 ", Some("192.0.2.1:5353")),
            ("192.0.2.1:54", Some("192.0.2.1:54")),
            ("192.0.2.1@eth0", Some("192.0.2.1:53")),
            ("192.0.2.1#54@eth0", Some("192.0.2.1:54")),
            ("192.0.2.1@853#dns.example", Some("192.0.2.1:853")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:54", Some("[2001:db8::1]:54")),
            ("[2001:db8::1]", Some("[2001:db8::1]:53")),
            ("2001:db8::1#54", Some("[2001:db8::1]:54")),
            ("fe80::1%eth0", Some("[fe80::1]:53")),
            ("::ffff:192.0.2.1", Some("192.0.2.1:53")),
            ("dns.example", None),
            ("#", None),
            ("", None),
            ("[", None),
            ("[]", None),
            ("192.0.2", None),
        ] {
            let found = server(text.as_bytes()).map(|at| at.to_string());
            // A mapped address has both dots and colons, and is read as one.
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn whose_they_are() {
        for (ip, known) in
            [("1.1.1.1", true), ("2620:fe::9", true), ("2001:db8::1", false), ("203.0.113.53", false)]
        {
            assert_eq!(is_well_known(ip.parse().unwrap()), known, "{ip}");
        }
        for (ip, sink) in
            [("0.0.0.0", true), ("127.0.0.53", true), ("::", true), ("::1", true), ("192.168.1.1", false)]
        {
            assert_eq!(is_sink(ip.parse().unwrap()), sink, "{ip}");
        }
        for (name, local) in [(&b"wpad"[..], true), (b"wpad.LAN", true), (b"proxy.example.com", false)] {
            assert_eq!(is_local_name(name), local);
        }
    }
}
