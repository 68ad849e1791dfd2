//! Rules of iptables as the kernel hands them out: `struct ipt_entry` and `ip6t_entry`, their matches and targets
//! (include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h). What iptables-nft
//! puts into nf_tables has the same matches and targets.
//!
//! These structures are the same on 32-bit and 64-bit machines wherever 64-bit numbers are aligned to eight bytes, that is
//! on all but 32-bit x86. Addresses and what NAT says of ports are in network order, all else in the machine's.
//!
//! The kernel hands out a description of the table and then its entries. Here, and in a recording, both follow a head of
//! eight bytes: `xtables`, and `4` or `6` for the family.

use super::about::Endian;
use super::packet_rule::{Action, Family, Hooks, Matched, PortSpan};
use super::span::Span;
use super::text::{Bytes, is_one_of, trim};
use super::topology::Topology;

/// What a table begins with, before its family.
pub const MAGIC: [u8; 7] = *b"xtables";
/// Bytes before the first entry: those, and `struct ipt_getinfo`.
pub const HEAD: usize = 8 + 84;

/// The tables that are read. Where packets are only classified (`raw`) they can be dropped too.
pub const TABLES: [&str; 4] = ["filter", "nat", "mangle", "raw"];

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Bytes of its entries.
    pub size: u32,
    endian: Endian,
    hooks: u32,
    entries: [u32; 5],
    policies: [u32; 5],
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The head of a chain of somebody's own; its rules follow.
    Chain(&'a [u8]),
    /// A rule that ends with what it says.
    Rule,
    /// A rule that leads to the chain whose first rule begins here.
    Jump(u32),
}

/// Where the parts of an entry lie.
struct Layout {
    address: usize,
    interfaces: usize,
    protocol: usize,
    inverted: usize,
    target: usize,
    /// Bytes before the first match.
    head: usize,
}

const LAYOUT4: Layout =
    Layout { address: 4, interfaces: 16, protocol: 80, inverted: 83, target: 88, head: 112 };
const LAYOUT6: Layout =
    Layout { address: 16, interfaces: 64, protocol: 128, inverted: 132, target: 140, head: 168 };

impl Table {
    /// Reads what stands before the entries. `None`: it is no such table.
    #[must_use]
    pub fn read(head: &[u8; HEAD], endian: Endian) -> Option<Self> {
        let family = match head.strip_prefix(&MAGIC)?.first()? {
            b'4' => Family::IP,
            b'6' => Family::IP6,
            _ => return None,
        };
        let word = |at: usize| u32_at(head, at.saturating_mul(4).saturating_add(40), endian);
        let five = |at: usize| -> Option<[u32; 5]> {
            let mut all = [0; 5];
            for (number, slot) in all.iter_mut().enumerate() {
                *slot = word(at.checked_add(number)?)?;
            }
            Some(all)
        };
        Some(Self { family, endian, hooks: word(0)?, entries: five(1)?, policies: five(6)?, size: word(12)? })
    }

    const fn layout(&self) -> &'static Layout {
        if self.family.0 == Family::IP6.0 { &LAYOUT6 } else { &LAYOUT4 }
    }

    /// Bytes of an entry that must be there to know its length.
    #[must_use]
    pub const fn entry_head(&self) -> usize {
        self.layout().head
    }

    /// The length of the entry that `bytes` begins with.
    #[must_use]
    pub fn length(&self, bytes: &[u8]) -> Option<usize> {
        let length = usize::from(u16_at(bytes, self.layout().target.saturating_add(2), self.endian)?);
        (length > self.entry_head()).then_some(length)
    }

    fn hook(&self, at: u32, table: &[u32; 5]) -> Option<(Hooks, &'static str)> {
        const NAMES: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
        (0_u32..).zip(table.iter().zip(NAMES)).find_map(|(number, (offset, name))| {
            let valid = self.hooks.checked_shr(number).unwrap_or_default() & 1 == 1;
            (valid && *offset == at).then(|| (Hooks::of(number), name))
        })
    }

    /// The chain of the kernel's own that begins at an offset.
    #[must_use]
    pub fn base(&self, at: u32) -> Option<(Hooks, &'static str)> {
        self.hook(at, &self.entries)
    }

    /// Whether what is done with all that no rule of a chain decided is at an offset.
    #[must_use]
    pub fn is_policy(&self, at: u32) -> bool {
        self.hook(at, &self.policies).is_some()
    }

    /// Reads an entry at an offset. `None`: its parts lead out of it.
    #[must_use]
    pub fn entry<'e>(
        &self,
        at: u32,
        entry: &'e [u8],
        topology: &Topology,
        rule: &mut Matched,
    ) -> Option<Entry<'e>> {
        let layout = self.layout();
        let target = usize::from(u16_at(entry, layout.target, self.endian)?);
        let mut matches = entry.get(layout.head..target)?;
        let target = entry.get(target..)?;
        let (name, revision, data) = part(target)?;
        if name == b"ERROR" {
            return Some(Entry::Chain(until_nul(data)));
        }
        self.packets(entry, topology, rule)?;
        while !matches.is_empty() {
            let length = usize::from(u16_at(matches, 0, self.endian)?);
            let (this, rest) = matches.split_at_checked(length)?;
            let (name, revision, data) = part(this)?;
            matched(rule, name, revision, data, self.endian);
            matches = rest;
        }
        if !name.is_empty() {
            end(rule, name, revision, data, self.endian, self.family);
            return Some(Entry::Rule);
        }
        let verdict = u32_at(data, 0, self.endian)?.cast_signed();
        match verdict {
            -1 => rule.end(Action::Drop),
            -2 => rule.end(Action::Accept),
            -5 => rule.end(Action::Return),
            0.. => {
                let to = verdict.cast_unsigned();
                if at.checked_add(u32::try_from(entry.len()).ok()?) == Some(to) {
                    // Without a target: it only counts.
                    rule.end(Action::Other);
                    return Some(Entry::Rule);
                }
                rule.end(Action::Jump);
                return Some(Entry::Jump(to));
            }
            _ => rule.end(Action::Other),
        }
        Some(Entry::Rule)
    }

    /// Which packets it is for, before its matches are asked.
    fn packets(&self, entry: &[u8], topology: &Topology, rule: &mut Matched) -> Option<()> {
        let layout = self.layout();
        let inverted = *entry.get(layout.inverted)?;
        for (sender, bit, at) in [(true, 0x08, 0_usize), (false, 0x10, 1)] {
            let part = |number: usize| {
                let start = layout.address.checked_mul(number)?;
                entry.get(start..start.checked_add(layout.address)?)
            };
            let (ip, mask) = (part(at)?, part(at.checked_add(2)?)?);
            match Span::masked(ip, mask) {
                Some(span) if inverted & bit == 0 => rule.addresses(sender, span, topology),
                Some(span) => rule.limit(format_args!("{} !{span}", if sender { "saddr" } else { "daddr" })),
                None => rule.limit(format_args!("addr")),
            }
        }
        for (incoming, bit, at) in [(true, 1, 0_usize), (false, 2, 16)] {
            let start = layout.interfaces.checked_add(at)?;
            let field = |start: usize| entry.get(start..start.checked_add(16)?);
            let (name, mask) = (until_nul(field(start)?), field(start.checked_add(32)?)?);
            if name.is_empty() {
                continue;
            }
            let mut text = Bytes::<24>::of(name);
            if mask.get(name.len()).is_some_and(|mask| *mask == 0) {
                text.push(b"+");
            }
            interface(rule, incoming, inverted & bit != 0, text.as_slice());
        }
        let protocol = u16_at(entry, layout.protocol, self.endian)?;
        if protocol != 0 {
            protocols(rule, u8::try_from(protocol).ok()?, inverted & 0x40 != 0);
        }
        Some(())
    }
}

/// Takes in an interface. Only that of packets that come in is remembered.
pub fn interface(rule: &mut Matched, incoming: bool, not: bool, name: &[u8]) {
    rule.note(format_args!("{}", if incoming { "iif" } else { "oif" }));
    rule.form.push(if not { b" !" } else { b" " });
    rule.form.push(name);
    if incoming && !not {
        rule.interface = Bytes::of(name);
    } else {
        rule.narrow = true;
    }
}

/// Takes in a protocol.
pub fn protocols(rule: &mut Matched, protocol: u8, not: bool) {
    let word: &[u8] = match protocol {
        6 => b"tcp",
        17 => b"udp",
        1 => b"icmp",
        58 => b"ipv6-icmp",
        _ => b"",
    };
    rule.note(format_args!("{}", if not { "!" } else { "" }));
    if word.is_empty() {
        let _ = core::fmt::Write::write_fmt(&mut rule.form, format_args!("proto {protocol}"));
    }
    rule.form.push(word);
    if not {
        rule.narrow = true;
    } else {
        rule.protocols |= Matched::bit(protocol);
    }
}

/// Name, revision and data of a match or a target.
fn part(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (head, data) = bytes.split_at_checked(32)?;
    Some((until_nul(head.get(2..31)?), *head.last()?, data))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

fn u16_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| endian.u16(*bytes))
}

fn u32_at(bytes: &[u8], at: usize, endian: Endian) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| endian.u32(*bytes))
}

/// The state of a connection that is new (`XT_STATE_BIT(IP_CT_NEW)`, xt_state.h).
pub const NEW: u32 = 8;

/// Notes for which connections a rule is. Without new ones it is for those that other rules let in.
pub fn states(rule: &mut Matched, states: u32) {
    rule.note(format_args!("state {states:x}"));
    rule.narrow |= states & NEW == 0;
}

/// Set where it is the older match `state` under another name (xt_conntrack.h).
const STATE_ALIAS: u16 = 0x2000;

/// Takes in a match. What is not known makes a rule narrow.
pub fn matched(rule: &mut Matched, name: &[u8], revision: u8, data: &[u8], endian: Endian) {
    let half = |at: usize| u16_at(data, at, endian);
    let byte = |at: usize| data.get(at).copied();
    let known = match name {
        b"comment" => Some(()),
        b"tcp" => (|| {
            let (flags, flag_mask, inverted) = (byte(8)?, byte(9)?, byte(11)?);
            let syn = flag_mask == 0 || (flag_mask & 2 != 0 && byte(10)? == 2 && inverted & 4 == 0);
            if !syn || flags != 0 {
                rule.limit(format_args!("tcp-flags"));
            }
            ports(rule, [(half(0)?, half(2)?), (half(4)?, half(6)?)], inverted);
            Some(())
        })(),
        b"udp" => (|| {
            ports(rule, [(half(0)?, half(2)?), (half(4)?, half(6)?)], byte(8)?);
            Some(())
        })(),
        b"multiport" => multiport(rule, revision, data, endian),
        b"state" => u32_at(data, 0, endian).map(|mask| states(rule, mask)),
        // `struct xt_conntrack_mtinfo1` and later: what is asked, what of it is inverted, states.
        b"conntrack" if revision > 0 => (|| {
            let mask = if revision == 1 { u16::from(byte(150)?) } else { half(150)? };
            (half(146)? & !STATE_ALIAS == 1 && half(148)? == 0).then(|| states(rule, u32::from(mask)))
        })(),
        _ => None,
    };
    if known.is_none() {
        rule.limit(format_args!(""));
        rule.form.push(trim(name));
    }
}

fn ports(rule: &mut Matched, [source, destination]: [PortSpan; 2], inverted: u8) {
    const ALL: PortSpan = (0, u16::MAX);
    if source != ALL {
        let not = if inverted & 1 != 0 { "!" } else { "" };
        rule.limit(format_args!("sport {not}{}-{}", source.0, source.1));
    }
    if destination == ALL {
        return;
    }
    if inverted & 2 != 0 {
        rule.limit(format_args!("dport !{}-{}", destination.0, destination.1));
    } else {
        rule.port(destination);
        rule.note_ports();
    }
}

/// `struct xt_multiport` and `xt_multiport_v1`.
fn multiport(rule: &mut Matched, revision: u8, data: &[u8], endian: Endian) -> Option<()> {
    const SOURCE: u8 = 0;
    let (kind, count) = (*data.first()?, usize::from(*data.get(1)?));
    let inverted = revision > 0 && *data.get(47)? != 0;
    if kind == SOURCE || inverted || count > 15 {
        return None;
    }
    let mut begun = None;
    for number in 0..count {
        let port = u16_at(data, number.checked_mul(2)?.checked_add(2)?, endian)?;
        let goes_on = revision > 0 && *data.get(number.checked_add(32)?)? != 0;
        match begun.take() {
            None if goes_on => begun = Some(port),
            low => rule.port((low.unwrap_or(port), port)),
        }
    }
    rule.note_ports();
    Some(())
}

/// Takes in a target and what it says.
pub fn end(rule: &mut Matched, name: &[u8], revision: u8, data: &[u8], endian: Endian, family: Family) {
    let action = match name {
        b"DNAT" | b"NETMAP" => Action::Dnat,
        b"REDIRECT" => Action::Redirect,
        b"TPROXY" => Action::Tproxy,
        b"SNAT" => Action::Snat,
        b"MASQUERADE" => Action::Masquerade,
        b"REJECT" => Action::Reject,
        b"TEE" => Action::Copy,
        _ => Action::Other,
    };
    // IPv4's first revisions have a list of ranges, of which the kernel takes one (`nf_nat_ipv4_multi_range_compat`).
    let listed = family == Family::IP && (revision == 0 || name == b"REDIRECT" || name == b"MASQUERADE");
    let width = if family == Family::IP { 4 } else { 16 };
    let address = |at: usize| data.get(at..at.checked_add(width)?);
    let port = |at: usize| data.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    let told = match action {
        Action::Tproxy => {
            let at = if revision == 0 { 12 } else { 24 };
            rule.to = address(8).and_then(|ip| Span::of(ip, ip)).filter(|to| !to.low.is_unspecified());
            rule.to_ports = port(at).map(|port| (port, port));
            rule.to_ports.is_some()
        }
        Action::Copy => {
            rule.to = address(0).and_then(|ip| Span::of(ip, ip));
            rule.to.is_some()
        }
        Action::Dnat | Action::Redirect | Action::Snat | Action::Masquerade => {
            let (flags, low, high, at) = if listed { (4, 8, 12, 16) } else { (0, 4, 20, 36) };
            let flags = u32_at(data, flags, endian).unwrap_or_default();
            let ports = port(at).zip(port(at.saturating_add(2)));
            if flags & 1 != 0 {
                rule.to = address(low).zip(address(high)).and_then(|(low, high)| Span::of(low, high));
            }
            rule.to_ports = ports.filter(|_| flags & 2 != 0);
            ports.is_some()
        }
        _ => true,
    };
    rule.narrow |= !told;
    rule.end(action);
    if action == Action::Other && !is_one_of(name, b"LOG NFLOG MARK CONNMARK TRACE") {
        rule.form.push(b" ");
        rule.form.push(name);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Tables as a kernel writes them.
    #![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

    use super::*;
    use crate::facts::netlink::testing::{half, word};

    /// A match or a target.
    pub(crate) fn piece(endian: Endian, name: &str, revision: u8, data: &[u8]) -> Vec<u8> {
        let length = (32 + data.len()).next_multiple_of(8);
        let mut all = half(endian, u16::try_from(length).unwrap()).to_vec();
        all.extend_from_slice(name.as_bytes());
        all.resize(31, 0);
        all.push(revision);
        all.extend_from_slice(data);
        all.resize(length, 0);
        all
    }

    /// A standard target with this verdict.
    pub(crate) fn verdict(endian: Endian, verdict: i32) -> Vec<u8> {
        piece(endian, "", 0, &word(endian, verdict.cast_unsigned()))
    }

    /// What `tcp` matches: all senders' ports, and these.
    pub(crate) fn tcp(endian: Endian, low: u16, high: u16) -> Vec<u8> {
        let ports: Vec<u8> = [0, 0xffff, low, high].iter().flat_map(|port| half(endian, *port)).collect();
        piece(endian, "tcp", 0, &[&ports[..], &[0; 4]].concat())
    }

    /// What `DNAT` of the first revision says.
    pub(crate) fn dnat(endian: Endian, ip: [u8; 4], port: u16) -> Vec<u8> {
        let flags = if port > 0 { 3 } else { 1 };
        let words = [word(endian, 1), word(endian, flags), ip, ip].concat();
        let ports = [port.to_be_bytes(), port.to_be_bytes()].concat();
        piece(endian, "DNAT", 0, &[words, ports].concat())
    }

    /// An IPv4 entry: destination, protocol, matches, target.
    pub(crate) fn entry(endian: Endian, to: [u8; 4], protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
        let (target, matches) = parts.split_last().unwrap();
        let mut all = vec![0; 112];
        all[4..8].copy_from_slice(&to);
        all[12..16].copy_from_slice(&if to == [0; 4] { [0; 4] } else { [255; 4] });
        all[80..82].copy_from_slice(&half(endian, u16::from(protocol)));
        matches.iter().for_each(|part| all.extend_from_slice(part));
        let at = u16::try_from(all.len()).unwrap();
        all.extend_from_slice(target);
        let length = u16::try_from(all.len()).unwrap();
        all[88..90].copy_from_slice(&half(endian, at));
        all[90..92].copy_from_slice(&half(endian, length));
        all
    }

    /// A table of IPv4: for each hook that it has where its chain begins and where its policy lies.
    pub(crate) fn table(endian: Endian, name: &str, hooks: &[(u32, u32, u32)], entries: &[u8]) -> Vec<u8> {
        let (mut valid, mut starts, mut policies) = (0, [0_u32; 5], [0_u32; 5]);
        for (hook, start, policy) in hooks {
            valid |= 1 << hook;
            let at = usize::try_from(*hook).unwrap();
            (starts[at], policies[at]) = (*start, *policy);
        }
        let mut all = [&MAGIC[..], b"4", name.as_bytes()].concat();
        all.resize(40, 0);
        let size = u32::try_from(entries.len()).unwrap();
        for number in [valid].iter().chain(&starts).chain(&policies).chain(&[0, size]) {
            all.extend_from_slice(&word(endian, *number));
        }
        [&all[..], entries].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{dnat, entry, piece, table, tcp, verdict};
    use super::*;
    use crate::facts::netlink::testing::half;
    use crate::facts::topology::testing::home;

    fn read(endian: Endian, entry: &[u8]) -> Option<(String, bool)> {
        let whole = table(endian, "nat", &[(0, 0, 0)], entry);
        let table = Table::read(whole.first_chunk().unwrap(), endian).unwrap();
        assert_eq!(usize::try_from(table.size).unwrap(), entry.len());
        let mut rule = Matched::default();
        table.entry(0, entry, &home(), &mut rule)?;
        Some((String::from_utf8_lossy(rule.form.as_slice()).into_owned(), rule.narrow))
    }

    #[test]
    fn a_rule_in_both_byte_orders_and_cut_anywhere() {
        for endian in [Endian::Little, Endian::Big] {
            let rule = entry(
                endian,
                [198, 51, 100, 1],
                6,
                &[&tcp(endian, 449, 449), &dnat(endian, [192, 0, 2, 9], 80)],
            );
            let expected = "daddr 198.51.100.1 tcp dport 449 dnat to 192.0.2.9 port 80";
            assert_eq!(read(endian, &rule), Some((expected.to_owned(), false)));
            let whole = table(endian, "nat", &[(0, 0, 0)], &rule);
            let table = Table::read(whole.first_chunk().unwrap(), endian).unwrap();
            assert_eq!(table.length(&rule), Some(rule.len()));
            for end in 0..rule.len() {
                let mut said = Matched::default();
                let cut = table.entry(0, &rule[..end], &home(), &mut said);
                // What is behind the ports is padding.
                assert!(cut.is_none() || said.narrow || end >= rule.len() - 4, "{end} {said:?}");
            }
        }
    }

    #[test]
    fn matches() {
        let endian = Endian::Little;
        let accept = verdict(endian, -2);
        let of = |parts: &[&[u8]]| read(endian, &entry(endian, [0; 4], 6, parts)).unwrap();
        let halves = |values: &[u16]| -> Vec<u8> { values.iter().flat_map(|v| half(endian, *v)).collect() };
        let mut many = [vec![1, 3], halves(&[22, 8000, 8080]), vec![0; 24]].concat();
        many.extend([0, 1, 0]);
        many.resize(48, 0);
        let multiport = piece(endian, "multiport", 1, &many);
        assert_eq!(of(&[&multiport, &accept]), ("tcp dport 22,8000-8080 accept".to_owned(), false));
        many[47] = 1;
        let inverted = piece(endian, "multiport", 1, &many);
        assert_eq!(of(&[&inverted, &accept]), ("tcp multiport accept".to_owned(), true));
        let established = piece(endian, "state", 0, &6_u32.to_le_bytes());
        assert_eq!(of(&[&established, &accept]), ("tcp state 6 accept".to_owned(), true));
        let new = piece(endian, "state", 0, &8_u32.to_le_bytes());
        assert_eq!(of(&[&new, &accept]), ("tcp state 8 accept".to_owned(), false));
        let not = piece(endian, "tcp", 0, &[halves(&[0, 0xffff, 22, 22]), vec![0, 0, 0, 2]].concat());
        assert_eq!(of(&[&not, &accept]), ("tcp dport !22-22 accept".to_owned(), true));
        let odd = piece(endian, "frobnicate", 0, &[1; 16]);
        assert_eq!(of(&[&odd, &accept]), ("tcp frobnicate accept".to_owned(), true));
        let comment = piece(endian, "comment", 0, &[b'x'; 256]);
        assert_eq!(of(&[&comment, &accept]), ("tcp accept".to_owned(), false));
    }

    #[test]
    fn targets() {
        let endian = Endian::Big;
        let of = |target: &[u8]| read(endian, &entry(endian, [0; 4], 17, &[target])).unwrap().0;
        let range = |flags: u8, ports: [u8; 4]| [&[0, 0, 0, 1, 0, 0, 0, flags][..], &[0; 8], &ports].concat();
        let redirect = piece(endian, "REDIRECT", 0, &range(2, [0x22, 0xb8, 0x22, 0xb8]));
        assert_eq!(of(&redirect), "udp redirect port 8888");
        assert_eq!(of(&piece(endian, "REDIRECT", 0, &range(0, [0; 4]))), "udp redirect");
        let tproxy =
            piece(endian, "TPROXY", 1, &[&[0; 8][..], &[127, 0, 0, 1], &[0; 12], &[0x1e, 0xd4]].concat());
        assert_eq!(of(&tproxy), "udp tproxy to 127.0.0.1 port 7892");
        let ranged = [&[0, 0, 0, 1][..], &[192, 168, 1, 2], &[0; 12], &[192, 168, 1, 9], &[0; 18]].concat();
        assert_eq!(of(&piece(endian, "DNAT", 2, &ranged)), "udp dnat to 192.168.1.2-192.168.1.9");
        assert_eq!(of(&verdict(endian, -1)), "udp drop");
        assert_eq!(of(&verdict(endian, -5)), "udp return");
        assert_eq!(of(&piece(endian, "REJECT", 0, &[0; 4])), "udp reject");
        assert_eq!(of(&piece(endian, "LOG", 0, &[0; 40])), "udp other");
        assert_eq!(of(&piece(endian, "ROGUE", 0, &[0; 40])), "udp other ROGUE");
        // To the next entry, and elsewhere.
        assert_eq!(of(&verdict(endian, 152)), "udp other");
        assert_eq!(of(&verdict(endian, 600)), "udp jump");
    }

    #[test]
    fn chains() {
        let endian = Endian::Little;
        let head = entry(endian, [0; 4], 0, &[&piece(endian, "ERROR", 0, b"zone_wan")]);
        let whole = table(endian, "filter", &[(1, 0, 152), (2, 304, 456)], &head);
        let read = Table::read(whole.first_chunk().unwrap(), endian).unwrap();
        let mut rule = Matched::default();
        assert_eq!(read.entry(900, &head, &home(), &mut rule), Some(Entry::Chain(b"zone_wan")));
        assert_eq!(read.base(304), Some((Hooks::FORWARD, "FORWARD")));
        assert_eq!((read.base(152), read.is_policy(152), read.is_policy(304)), (None, true, false));
        let mut other = *whole.first_chunk::<HEAD>().unwrap();
        other[7] = b'5';
        assert_eq!(Table::read(&other, endian), None);
    }
}
