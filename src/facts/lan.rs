//! Those whom this machine serves, who are people: what an outsider may see of them instead of address, hardware address and
//! name is a word made with a secret of this machine's, the same in every run and undone by nobody who lacks the secret.

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

use super::about::Endian;
use super::netlink::attributes;
use super::text::{Bytes, is_one_of};
use super::topology::{Side, Topology};
use crate::limits::LAN_WORDS;

/// A hardware address (MAC).
pub type Hardware = [u8; 6];

/// Bytes of the word for a client: `lan-0123abcd`.
pub const WORD_BYTES: usize = 12;

/// The word for a client.
pub type Word = Bytes<WORD_BYTES>;

/// Those whom this machine serves.
#[derive(Debug, Default)]
pub struct Lan {
    secret: [u8; 32],
    /// Whose an address is.
    pub topology: Topology,
    /// Hashes of names and hardware addresses, and the number of the client that has them.
    words: heapless::Vec<(u64, u32), LAN_WORDS>,
    cut: bool,
}

/// Names that anybody may take and that would make a report unreadable: parts of paths, programs of every router, words of
/// networks, words that reports use.
const SPARED: &[u8] = b"tmp var etc usr bin sbin lib dev proc sys root home mnt run opt rom overlay jffs data www init \
busybox ash bash sh dropbear sshd dnsmasq httpd uhttpd telnetd lan wan local localhost localdomain router gateway openwrt \
net config conf init.d rc.d cron crontabs share local libexec tty null console shm self exe mem socket pipe deleted infected \
suspicious notice clean client server host unknown name flow port address listed process program file line";

impl Lan {
    /// Nobody known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { secret: [0; 32], topology: Topology::new(), words: heapless::Vec::new(), cut: false }
    }

    /// Takes the machine's secret.
    pub fn keep(&mut self, secret: [u8; 32]) {
        self.secret = secret;
    }

    /// Whether an address is that of somebody who is served, or of whoever else is in a private network with this machine.
    #[must_use]
    pub fn serves(&self, ip: IpAddr) -> bool {
        self.topology.side(ip) == Side::Lan || self.topology.is_neighbour(ip)
    }

    /// Learns that a client with this address has a hardware address.
    pub fn has_hardware(&mut self, ip: IpAddr, hardware: Hardware) {
        self.learn(&digits(hardware), ip);
    }

    /// Learns that a client with this address has a name; of one with a domain the first part.
    pub fn has_name(&mut self, ip: IpAddr, name: &[u8]) {
        let name = name.split(|b| *b == b'.').next().unwrap_or_default();
        let telling = name.len() > 2 && name.iter().any(u8::is_ascii_alphabetic);
        let mut lower = Bytes::<64>::of(name);
        lower.map(&|byte| byte.to_ascii_lowercase());
        if telling && !lower.is_cut() && !is_one_of(lower.as_slice(), SPARED) {
            self.learn(name, ip);
        }
    }

    fn learn(&mut self, word: &[u8], ip: IpAddr) {
        let hash = self.hash(word);
        if !self.words.iter().any(|(known, _)| *known == hash) {
            let number = self.number(ip);
            self.cut |= self.words.push((hash, number)).is_err();
        }
    }

    /// Whether there were more names than can be remembered, so that some may be shown.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// The word for the client with an address.
    #[must_use]
    pub fn word(&self, ip: IpAddr) -> Word {
        word(self.number(ip))
    }

    fn number(&self, ip: IpAddr) -> u32 {
        let ip = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        self.stamp(&ip.octets())
    }

    fn stamp(&self, bytes: &[u8]) -> u32 {
        let digest =
            Sha256::new().chain_update(b"gatewatch client").chain_update(self.secret).chain_update(bytes);
        let digest: [u8; 32] = digest.finalize().into();
        digest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    /// A fast hash of a word, upper and lower case alike, which nobody can foresee.
    fn hash(&self, word: &[u8]) -> u64 {
        let seed = self.secret.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        word.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            let hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
            hash ^ hash >> 29
        })
    }

    fn known(&self, word: &[u8]) -> Option<u32> {
        let hash = self.hash(word);
        self.words.iter().find(|(known, _)| *known == hash).map(|(_, number)| *number)
    }

    /// Hands a text to `out` in pieces: addresses and names of clients, and all hardware addresses, are replaced by their words.
    pub fn veil(&self, text: &[u8], out: &mut dyn FnMut(&[u8])) {
        let mut rest = text;
        while !rest.is_empty() {
            let (plain, tail) = split(rest, &|byte| is_part(byte));
            let (token, tail) = split(tail, &|byte| !is_part(byte));
            out(plain);
            self.token(token, tail, out);
            rest = tail;
        }
    }

    /// What may be an address or a name, or several; `behind` is what follows.
    fn token(&self, token: &[u8], behind: &[u8], out: &mut dyn FnMut(&[u8])) {
        let bare = token.trim_ascii_end();
        let end =
            bare.iter().rposition(|b| b.is_ascii_alphanumeric()).map_or(0, |last| last.saturating_add(1));
        let (bare, stop) = token.split_at_checked(end).unwrap_or_default();
        if let Some(number) = self.hardware(bare) {
            out(word(number).as_slice());
            return out(stop);
        }
        let colons = token.iter().filter(|b| **b == b':').count();
        if colons > 1 {
            for (text, stop) in [(token, &b""[..]), (bare, stop)] {
                if let Some(ip) = parse::<Ipv6Addr>(text) {
                    self.address(text, ip.into(), behind, out);
                    return out(stop);
                }
            }
        }
        for (at, part) in token.split(|b| *b == b':').enumerate() {
            out(if at > 0 { b":" } else { b"" });
            let mut rest = part;
            while let Some(Found { before, digits, ip, after }) = ipv4(rest) {
                self.labels(before, out);
                self.address(digits, ip.into(), if after.is_empty() { behind } else { after }, out);
                rest = after;
            }
            self.labels(rest, out);
        }
    }

    /// Words with dots between.
    fn labels(&self, text: &[u8], out: &mut dyn FnMut(&[u8])) {
        for (at, label) in text.split(|b| *b == b'.').enumerate() {
            out(if at > 0 { b"." } else { b"" });
            self.names(label, out);
        }
    }

    /// An address as it stands in a text. That of a network is nobody's.
    fn address(&self, text: &[u8], ip: IpAddr, behind: &[u8], out: &mut dyn FnMut(&[u8])) {
        let digits = behind.strip_prefix(b"/").unwrap_or_default();
        let digits = split(digits, &|byte| !byte.is_ascii_digit()).0;
        let length = parse::<u32>(digits);
        let is_network = length.is_some_and(|length| match ip {
            IpAddr::V4(ip) => length < 32 && ip.to_bits().checked_shl(length).unwrap_or_default() == 0,
            IpAddr::V6(ip) => length < 128 && ip.to_bits().checked_shl(length).unwrap_or_default() == 0,
        });
        if self.serves(ip) && !is_network { out(self.word(ip).as_slice()) } else { out(text) }
    }

    /// The number of whoever has a hardware address: six pairs of digits, or seven with the kind before them.
    fn hardware(&self, text: &[u8]) -> Option<u32> {
        let text = match text.len() {
            20 => text.get(3..)?,
            17 => text,
            _ => return None,
        };
        let bytes = hardware(text)?;
        let told = bytes != [0; 6] && bytes != [0xff; 6];
        told.then(|| self.known(&digits(bytes)).unwrap_or_else(|| self.stamp(&bytes)))
    }

    /// A word, in which a name may stand between dashes and underscores. The longest is taken.
    fn names(&self, label: &[u8], out: &mut dyn FnMut(&[u8])) {
        let is_joint = |byte: u8| matches!(byte, b'-' | b'_');
        let mut rest = label;
        while !rest.is_empty() && !self.words.is_empty() {
            let mut end = rest.len();
            let found = loop {
                let name = rest.get(..end).unwrap_or_default();
                if let Some(number) = self.known(name) {
                    break Some((number, end));
                }
                match name.iter().rposition(|byte| is_joint(*byte)) {
                    Some(joint) if joint > 0 => end = joint,
                    _ => break None,
                }
            };
            let plain = match found {
                Some((number, end)) => {
                    out(word(number).as_slice());
                    rest = rest.get(end..).unwrap_or_default();
                    rest.iter().position(|byte| !is_joint(*byte)).unwrap_or(rest.len())
                }
                None => {
                    let joint = rest.iter().position(|byte| is_joint(*byte)).unwrap_or(rest.len());
                    joint.saturating_add(1).min(rest.len())
                }
            };
            let (before, tail) = rest.split_at_checked(plain).unwrap_or_default();
            out(before);
            rest = tail;
        }
        out(rest);
    }
}

/// What addresses and names are made of.
const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'-' | b'_')
}

/// What stands before the first byte that `ends` it, and the rest.
fn split<'a>(text: &'a [u8], ends: &dyn Fn(u8) -> bool) -> (&'a [u8], &'a [u8]) {
    let end = text.iter().position(|byte| ends(*byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or_default()
}

fn parse<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// An address in a text.
struct Found<'a> {
    before: &'a [u8],
    digits: &'a [u8],
    ip: Ipv4Addr,
    after: &'a [u8],
}

/// The first address in a text.
fn ipv4(text: &[u8]) -> Option<Found<'_>> {
    let mut from = 0_usize;
    loop {
        let rest = text.get(from..)?;
        let start = rest.iter().position(u8::is_ascii_digit)?.checked_add(from)?;
        let run = split(text.get(start..)?, &|byte| !byte.is_ascii_digit() && byte != b'.').0;
        let length = run.iter().rposition(|b| *b != b'.')?.checked_add(1)?;
        let end = start.checked_add(length)?;
        let digits = text.get(start..end)?;
        if let Some(ip) = parse(digits) {
            return Some(Found { before: text.get(..start)?, digits, ip, after: text.get(end..)? });
        }
        from = end;
    }
}

/// Reads a hardware address: pairs of digits with a colon or a dash between.
#[must_use]
pub fn hardware(text: &[u8]) -> Option<Hardware> {
    let mut bytes = [0_u8; 6];
    let mark = *text.get(2).filter(|mark| matches!(mark, b':' | b'-'))?;
    let mut pairs = text.split(|b| *b == mark);
    for byte in &mut bytes {
        let pair = pairs.next().filter(|pair| pair.len() == 2)?;
        *byte = u8::try_from(super::text::hex32(pair)?).ok()?;
    }
    pairs.next().is_none().then_some(bytes)
}

/// A hardware address as digits alone.
fn digits(bytes: Hardware) -> [u8; 12] {
    let mut text = [0_u8; 12];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        let digit =
            |nibble: u8| if nibble < 10 { nibble.wrapping_add(b'0') } else { nibble.wrapping_add(b'a' - 10) };
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

fn word(number: u32) -> Word {
    let mut word = Word::new();
    let _ = write!(word, "lan-{number:08x}");
    word
}

/// Reads an `RTM_NEWNEIGH`: `struct ndmsg`, then attributes (rtnetlink(7)).
#[must_use]
pub fn neighbour(body: &[u8], endian: Endian) -> Option<(IpAddr, Hardware)> {
    const NDA_DST: u16 = 1;
    const NDA_LLADDR: u16 = 2;
    let (mut ip, mut hardware) = (None, None);
    for (kind, value) in attributes(body.get(12..)?, endian) {
        match (kind, value.len()) {
            (NDA_DST, 4) => ip = value.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
            (NDA_DST, 16) => ip = value.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
            (NDA_LLADDR, 6) => hardware = value.first_chunk().copied(),
            _ => {}
        }
    }
    Some((ip?, hardware?))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::testing::nested;
    use super::super::topology::testing::{home, topology};
    use super::*;

    fn lan() -> Lan {
        let mut lan = Lan { topology: home(), ..Lan::new() };
        lan.keep([7; 32]);
        let ip = [192, 168, 1, 20].into();
        lan.has_hardware(ip, [2, 0, 0, 0xaa, 0xbb, 0x20]);
        for name in ["Anns-Phone", "tmp", "busybox", "12345", "ab", "desktop.lan"] {
            lan.has_name(ip, name.as_bytes());
        }
        lan
    }

    fn veiled(lan: &Lan, text: &str) -> String {
        let mut out = Vec::new();
        lan.veil(text.as_bytes(), &mut |piece| out.extend_from_slice(piece));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whoever_is_served_has_one_word() {
        let lan = lan();
        let client = String::from_utf8(lan.word([192, 168, 1, 20].into()).as_slice().to_vec()).unwrap();
        for text in [
            "C",
            "C:443, C-C and [C] or (C).",
            "/tmp/C/x C.sh C_backup backup-C-2 ssh://C:22",
            "from C to 198.51.100.7:443",
        ] {
            for shape in [
                "192.168.1.20",
                "Anns-Phone",
                "anns-phone",
                "02:00:00:aa:bb:20",
                "02-00-00-AA-BB-20",
                "desktop",
            ] {
                let mac = shape.contains(':') || shape.starts_with("02");
                if mac && ["C_", "C:", "C-"].iter().any(|glued| text.contains(glued)) {
                    continue;
                }
                assert_eq!(veiled(&lan, &text.replace('C', shape)), text.replace('C', &client), "{shape}");
            }
        }
        for (text, expected) in [
            ("192.168.1.20.", "C."),
            ("x_192.168.1.20.sh a192.168.1.20b", "x_C.sh aCb"),
            ("192.168.1.20/32", "C/32"),
            ("::ffff:192.168.1.20 x", "C x"),
            ("020000aabb20", "C"),
            ("01:02:00:00:aa:bb:20", "C"),
            ("desktop.lan.", "C.lan."),
        ] {
            assert_eq!(veiled(&lan, text), expected.replace('C', &client));
        }
        let six = veiled(&lan, "[2001:db8:1::20]:80 2001:db8:1::20/128 fe80::1234%br-lan");
        assert!(!six.contains("2001") && !six.contains("fe80") && six.contains("]:80"), "{six}");
        assert!(veiled(&lan, "aa:bb:cc:00:11:22").starts_with("lan-"), "a stranger's");
    }

    #[test]
    fn the_home_of_a_server_with_networks_of_its_own() {
        let mut lan = Lan::new();
        lan.topology = topology(
            &[
                "0.0.0.0/0 via eth0",
                "192.168.1.0/24 on eth0",
                "172.17.0.0/16 on docker0",
                "2001:db8:1::/64 on eth0",
            ],
            &["192.168.1.2", "172.17.0.1"],
        );
        for hidden in ["192.168.1.20", "2001:db8:1::20", "172.17.0.5"] {
            assert!(veiled(&lan, hidden).starts_with("lan-"), "{hidden}");
        }
        for shown in ["192.168.1.2", "172.17.0.1", "198.51.100.7", "10.0.0.1", "192.168.1.0/24"] {
            assert_eq!(veiled(&lan, shown), shown);
        }
    }

    #[test]
    fn all_else_stays() {
        let lan = lan();
        for text in [
            "",
            "192.168.1.1:22 is the router, 203.0.113.10 too",
            "192.168.1.0/24 2001:db8:1::/64",
            "198.51.100.7:443 1.2.3 1.2.3.4.5 12:30:45 a::b std::x",
            "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff",
            "8f:1b:aa:00:11:22:33:44:55:66:77:88:99:00:aa:bb",
            "/tmp/busybox 12345 ab phone annsphone anns",
            "v1.2.3-4-5_6 :: : . - _ -- ...",
            "größe \u{202e} \0\x1b[2J",
        ] {
            assert_eq!(veiled(&lan, text), text);
        }
        let any: Vec<u8> = (0..=255).collect();
        let mut out = Vec::new();
        lan.veil(&any, &mut |piece| out.extend_from_slice(piece));
        assert_eq!(out, any);
    }

    #[test]
    fn words_depend_on_the_secret() {
        let mut other = lan();
        let ip = [192, 168, 1, 20].into();
        let before = other.word(ip);
        assert_eq!(lan().word(ip), before);
        other.keep([8; 32]);
        assert_ne!(other.word(ip), before);
        assert_ne!(other.word([192, 168, 1, 21].into()), other.word(ip));
    }

    #[test]
    fn neighbours() {
        for endian in [Endian::Little, Endian::Big] {
            let told =
                [nested(endian, 1, &[192, 168, 1, 20]), nested(endian, 2, &[2, 0, 0, 0, 0, 9])].concat();
            let body = [&[2; 12][..], &told].concat();
            assert_eq!(neighbour(&body, endian), Some(([192, 168, 1, 20].into(), [2, 0, 0, 0, 0, 9])));
            (0..body.len())
                .for_each(|end| assert!(neighbour(&body[..end], endian).is_none() || end >= 30, "{end}"));
        }
    }
}
