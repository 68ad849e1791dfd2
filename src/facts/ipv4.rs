//! IPv4 addresses in texts: which are on the public net, and which are resolvers that everybody uses.

use core::net::Ipv4Addr;

/// The address at the beginning of a text: `192.0.2.1`, `192.0.2.1:80`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`.
#[must_use]
pub fn leading(text: &[u8]) -> Option<Ipv4Addr> {
    let end = text.iter().position(|b| !b.is_ascii_digit() && *b != b'.').unwrap_or(text.len());
    let rest = text.get(end..).unwrap_or_default();
    if !matches!(rest.first(), None | Some(b':' | b'/' | b'-' | b'#' | b',' | b'@')) {
        return None;
    }
    str::from_utf8(text.get(..end)?).ok()?.parse().ok()
}

/// Whether an address belongs to a stranger: not to a local network (RFC 1918, RFC 6598, RFC 3927), the machine itself,
/// or a group.
#[must_use]
pub fn is_public(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared || a == 0 || a >= 224)
}

/// The networks of resolvers that people and packages set by hand: Cloudflare, Google, Quad9, OpenDNS, AdGuard, Level 3,
/// Verisign, Neustar, Yandex, AliDNS, DNSPod, 114DNS, CNNIC, Baidu, CleanBrowsing, Comodo, DNS.WATCH, Mullvad, Control D,
/// NextDNS, CIRA, dns0.eu, DNS4EU, UncensoredDNS, Digitale Gesellschaft, FDN, CZ.NIC, SafeDNS, Hurricane Electric, Norton,
/// Freenom, Gcore, Quad101, HiNet, KT, SK, 360, SkyDNS, NordVPN, Surfshark, Dyn, Shecan, Comcast, Lumen, Alternate DNS, DNS.SB,
/// SWITCH. Those that rent their addresses from a hoster are left out: their neighbours could be anybody.
const RESOLVERS: [[u8; 3]; 89] = [
    [1, 1, 1],
    [1, 0, 0],
    [8, 8, 8],
    [8, 8, 4],
    [9, 9, 9],
    [149, 112, 112],
    [208, 67, 222],
    [208, 67, 220],
    [94, 140, 14],
    [94, 140, 15],
    [176, 103, 130],
    [4, 2, 2],
    [209, 244, 0],
    [64, 6, 64],
    [64, 6, 65],
    [156, 154, 70],
    [156, 154, 71],
    [77, 88, 8],
    [223, 5, 5],
    [223, 6, 6],
    [119, 29, 29],
    [119, 28, 28],
    [182, 254, 116],
    [114, 114, 114],
    [114, 114, 115],
    [1, 2, 4],
    [210, 2, 4],
    [180, 76, 76],
    [185, 228, 168],
    [185, 228, 169],
    [8, 26, 56],
    [8, 20, 247],
    [84, 200, 69],
    [84, 200, 70],
    [194, 242, 2],
    [76, 76, 2],
    [76, 76, 10],
    [45, 90, 28],
    [45, 90, 30],
    [149, 112, 121],
    [149, 112, 122],
    [193, 110, 81],
    [185, 253, 5],
    [86, 54, 11],
    [91, 239, 100],
    [89, 233, 43],
    [185, 95, 218],
    [80, 67, 169],
    [193, 17, 47],
    [185, 43, 135],
    [195, 46, 39],
    [74, 82, 42],
    [199, 85, 126],
    [199, 85, 127],
    [80, 80, 80],
    [80, 80, 81],
    [95, 85, 95],
    [2, 56, 220],
    [101, 101, 101],
    [101, 102, 103],
    [168, 95, 1],
    [168, 95, 192],
    [168, 126, 63],
    [210, 220, 163],
    [219, 250, 36],
    [101, 226, 4],
    [218, 30, 118],
    [123, 125, 81],
    [140, 207, 198],
    [193, 58, 251],
    [103, 86, 96],
    [103, 86, 99],
    [162, 252, 172],
    [149, 154, 159],
    [216, 146, 35],
    [216, 146, 36],
    [178, 22, 122],
    [185, 51, 200],
    [75, 75, 75],
    [75, 75, 76],
    [205, 171, 2],
    [205, 171, 3],
    [76, 76, 19],
    [76, 223, 122],
    [185, 222, 222],
    [45, 11, 45],
    [156, 154, 80],
    [130, 59, 31],
    [193, 138, 218],
];

/// Whether an address is such a resolver.
#[must_use]
pub fn is_known_resolver(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    RESOLVERS.contains(&[a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_texts() {
        for (text, expected) in [
            (&b"192.0.2.1"[..], Some([192, 0, 2, 1])),
            (b"192.0.2.1:80", Some([192, 0, 2, 1])),
            (b"192.0.2.0/24", Some([192, 0, 2, 0])),
            (b"192.0.2.1x", None),
            (b"192.0.2", None),
            (b"192.0.2.256", None),
            (b"$IP", None),
            (b"", None),
        ] {
            assert_eq!(leading(text).map(|ip| ip.octets()), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn whose_they_are() {
        for (ip, public) in [
            ([192, 0, 2, 1], true),
            ([10, 0, 0, 1], false),
            ([172, 31, 0, 1], false),
            ([192, 168, 1, 1], false),
            ([100, 64, 0, 1], false),
            ([127, 0, 0, 1], false),
            ([0, 0, 0, 0], false),
            ([239, 1, 1, 1], false),
            ([255, 255, 255, 255], false),
        ] {
            assert_eq!(is_public(ip.into()), public, "{ip:?}");
        }
        assert!(is_known_resolver([9, 9, 9, 9].into()) && !is_known_resolver([192, 0, 2, 53].into()));
    }
}
