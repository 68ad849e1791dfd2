//! A rule of the packet filter: which packets it is for and what becomes of them, whichever part of the kernel or file of
//! configuration has it.

use core::fmt::{self, Write};

use super::process::Process;
use super::route::Interface;
use super::span::Span;
use super::text::{Bytes, has};
use super::topology::{Side, Topology, is_local};
use crate::limits::{PORT_SPANS, RULE_BYTES};

/// Where on its way a packet meets a rule: bits, as a chain may be reached from several places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(pub u8);

impl Hooks {
    /// Before it is decided where it goes; and at the interface that it comes in by.
    pub const PREROUTING: Hooks = Hooks(1);
    /// For this machine.
    pub const INPUT: Hooks = Hooks(2);
    /// Through this machine.
    pub const FORWARD: Hooks = Hooks(4);
    /// From this machine.
    pub const OUTPUT: Hooks = Hooks(8);
    /// Before it leaves.
    pub const POSTROUTING: Hooks = Hooks(16);

    /// That of a number of the kernel's (include/uapi/linux/netfilter.h `enum nf_inet_hooks`).
    #[must_use]
    pub fn of(number: u32) -> Self {
        match number {
            0 | 5 => Self::PREROUTING,
            1..=4 => Self(1_u8.checked_shl(number).unwrap_or_default()),
            _ => Self(0),
        }
    }

    /// All of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a packet meets it at one of these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// For packets of which protocols a rule is (`NFPROTO_*`, include/uapi/linux/netfilter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family(pub u8);

impl Family {
    /// IPv4 and IPv6.
    pub const INET: Family = Family(1);
    /// IPv4.
    pub const IP: Family = Family(2);
    /// IPv6.
    pub const IP6: Family = Family(10);

    /// Its name in nft(8).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self.0 {
            1 => "inet",
            2 => "ip",
            3 => "arp",
            5 => "netdev",
            7 => "bridge",
            10 => "ip6",
            _ => "?",
        }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Nothing that matters here.
    #[default]
    Other,
    /// It may pass.
    Accept,
    /// It is thrown away.
    Drop,
    /// The same, and its sender is told.
    Reject,
    /// It goes to another address.
    Dnat,
    /// It goes to this machine itself.
    Redirect,
    /// The same, and whoever takes it sees where it was meant for.
    Tproxy,
    /// It gets another sender.
    Snat,
    /// It gets this machine as its sender.
    Masquerade,
    /// A copy of it goes to another address.
    Copy,
    /// The rules of another chain follow, and perhaps those behind this one.
    Jump,
    /// The rules behind the one that led here follow.
    Return,
}

impl Action {
    /// Its word in the normal form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Action::Other => "other",
            Action::Accept => "accept",
            Action::Drop => "drop",
            Action::Reject => "reject",
            Action::Dnat => "dnat",
            Action::Redirect => "redirect",
            Action::Tproxy => "tproxy",
            Action::Snat => "snat",
            Action::Masquerade => "masquerade",
            Action::Copy => "copy",
            Action::Jump => "jump",
            Action::Return => "return",
        }
    }

    /// Whether it sends a packet elsewhere than its sender meant.
    #[must_use]
    pub const fn diverts(self) -> bool {
        matches!(self, Action::Dnat | Action::Redirect | Action::Tproxy | Action::Copy)
    }

    /// Whether the packet ends here.
    #[must_use]
    pub const fn closes(self) -> bool {
        matches!(self, Action::Drop | Action::Reject)
    }
}

/// Ports from one to another, both among them.
pub type PortSpan = (u16, u16);

/// What a rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The IP protocols that it is for, as bits of [`Matched::TCP`] and so on; 0 for all.
    pub protocols: u8,
    /// The senders that it is for; of several networks the first.
    pub source: Option<Span>,
    /// Whom the packets are for that it is for; of several networks the first.
    pub destination: Option<Span>,
    /// The ports that packets are for; empty for all.
    pub ports: heapless::Vec<PortSpan, PORT_SPANS>,
    /// The interface that packets come in by; empty for all.
    pub interface: Interface,
    /// It is for fewer packets than the other fields say.
    pub narrow: bool,
    /// What becomes of them.
    pub action: Action,
    /// Where they are sent; of several addresses the first. `None`: nothing is said of it.
    pub to: Option<Span>,
    /// To which ports.
    pub to_ports: Option<PortSpan>,
    /// All of it in words, without what changes by itself.
    pub form: Bytes<RULE_BYTES>,
}

impl Matched {
    /// TCP.
    pub const TCP: u8 = 1;
    /// UDP.
    pub const UDP: u8 = 2;
    /// Any other.
    pub const OTHER: u8 = 4;

    /// The bit of an IP protocol.
    #[must_use]
    pub const fn bit(protocol: u8) -> u8 {
        match protocol {
            6 => Self::TCP,
            17 => Self::UDP,
            _ => Self::OTHER,
        }
    }

    /// Whether it is for one of these protocols.
    #[must_use]
    pub const fn is_for(&self, protocols: u8) -> bool {
        self.protocols == 0 || self.protocols & protocols != 0
    }

    /// Adds words to the normal form.
    pub fn note(&mut self, words: fmt::Arguments<'_>) {
        if !self.form.is_empty() {
            self.form.push(b" ");
        }
        let _ = self.form.write_fmt(words);
    }

    /// Notes something that makes it narrower than the other fields say.
    pub fn limit(&mut self, words: fmt::Arguments<'_>) {
        self.narrow = true;
        self.note(words);
    }

    /// Takes in ports. What does not fit makes it narrower.
    pub fn port(&mut self, span: PortSpan) {
        self.narrow |= self.ports.push(span).is_err();
    }

    /// Notes the ports.
    pub fn note_ports(&mut self) {
        let mut words = Bytes::<128>::new();
        for (low, high) in &self.ports {
            let comma = if words.is_empty() { "" } else { "," };
            let _ = match low == high {
                true => write!(words, "{comma}{low}"),
                false => write!(words, "{comma}{low}-{high}"),
            };
        }
        self.note(format_args!("dport"));
        self.form.push(b" ");
        self.form.push(words.as_slice());
    }

    /// Takes in addresses that packets come from or are for. A second network of them is not kept.
    pub fn addresses(&mut self, sender: bool, span: Span, topology: &Topology) {
        if span.is_all() {
            return;
        }
        let word = if sender { "saddr" } else { "daddr" };
        // What a provider gives the machine changes by itself.
        if span.is_one() && topology.side(span.low) == Side::Own && !span.low.is_loopback() {
            self.note(format_args!("{word} self"));
        } else {
            self.note(format_args!("{word} {span}"));
        }
        let slot = if sender { &mut self.source } else { &mut self.destination };
        *slot = Some(slot.unwrap_or(span));
    }

    /// Notes what becomes of the packets.
    pub fn end(&mut self, action: Action) {
        self.action = action;
        self.note(format_args!("{}", action.word()));
        if let Some(to) = self.to {
            self.note(format_args!("to {to}"));
        }
        match self.to_ports {
            Some((low, high)) if low == high => self.note(format_args!("port {low}")),
            Some((low, high)) => self.note(format_args!("port {low}-{high}")),
            None => {}
        }
    }

    /// Whether it is for a port.
    #[must_use]
    pub fn names_port(&self, port: u16) -> bool {
        self.ports.iter().any(|(low, high)| (*low..=*high).contains(&port))
    }

    /// The only port that it is for.
    #[must_use]
    pub fn only_port(&self) -> Option<u16> {
        match self.ports.as_slice() {
            [(low, high)] if low == high => Some(*low),
            _ => None,
        }
    }

    /// Whether it is for packets of everybody that come in by any interface, for all that is known.
    #[must_use]
    pub fn is_for_everybody(&self) -> bool {
        let limited = self.narrow || self.source.is_some() || self.destination.is_some();
        !limited && self.interface.is_empty()
    }
}

/// Where a rule was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// In the kernel.
    Kernel {
        /// It is one of the older kind, of iptables.
        legacy: bool,
        /// Of which packets its table is for.
        family: Family,
        /// Its table.
        table: &'a [u8],
        /// Its chain.
        chain: &'a [u8],
    },
    /// In a file of configuration.
    File {
        /// The file.
        path: &'a [u8],
        /// The line on which it begins.
        line: u32,
    },
}

/// Who takes what comes in at a port of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub enum Listener<'a> {
    /// Nobody looked, or nothing tells.
    #[default]
    Unseen,
    /// Nobody.
    Nobody,
    /// Somebody of whom no more is known.
    Unknown,
    /// This process.
    Process(&'a Process),
}

/// A rule, where it was seen, and what is known of the addresses in it.
#[derive(Clone, Copy, Debug)]
pub struct PacketRule<'a> {
    /// Where it was seen.
    pub origin: Origin<'a>,
    /// Where on its way a packet meets it.
    pub hooks: Hooks,
    /// Every packet there does, for all that is known: no rule on the way to its chain is for some only.
    pub direct: bool,
    /// What it says.
    pub says: &'a Matched,
    /// Joined by the source: whose the address is that packets are for.
    pub meant: Option<Side>,
    /// Joined by the source: whose the address is that they are sent to.
    pub to: Option<Side>,
    /// Joined by the source: OpenWrt's configuration asks for it.
    pub configured: bool,
    /// Joined by the source: rules before it let some in whom it is not for then.
    pub excepted: bool,
    /// Joined by the engine: the baseline has it.
    pub known: bool,
    /// Joined by the engine: strangers are seen to be passed on where it sends them.
    pub used: bool,
    /// Joined by the engine for rules that a check wants to name: who takes what is sent to a port of this machine.
    pub listener: Listener<'a>,
}

/// Bytes of a rule with its place: names of nf_tables have up to 255.
pub const NAMED_BYTES: usize = RULE_BYTES.saturating_add(256);

/// What the kernel's own chains are called that a service fills as its clients come and go: UPnP, containers.
const FILLED: [&[u8]; 8] =
    [b"upnp", b"docker", b"kube-", b"cni-", b"cali-", b"netavark", b"libvirt", b"podman"];

impl PacketRule<'_> {
    /// Whether it is one of those that send traffic elsewhere and stay until somebody changes them. What a service adds for
    /// a client of the local network or a container is not; what it would add for a stranger is.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        let Origin::Kernel { table, chain, .. } = self.origin else { return true };
        let filled = FILLED.iter().any(|name| has(chain, name) || has(table, name));
        let local = self.says.to.is_some_and(|to| is_local(to.low)) || self.to == Some(Side::Lan);
        self.says.action.diverts() && self.hooks.0 != 0 && !(filled && local)
    }

    /// Where it is and all of it, in words that stay the same as long as it does.
    #[must_use]
    pub fn named(&self) -> Bytes<NAMED_BYTES> {
        let mut words = Bytes::new();
        if let Origin::Kernel { family, table, chain, .. } = self.origin {
            for part in [family.word().as_bytes(), b" ", table, b" ", chain, b" "] {
                words.push(part);
            }
        }
        words.push(self.says.form.as_slice());
        if self.says.form.is_cut() {
            // Two that begin alike are not to be taken for one.
            words.push(&[b'.'; NAMED_BYTES]);
        }
        words
    }
}

/// What the packet filter does with those who come to this machine, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Rules that a packet for this machine can meet.
    pub rules: u32,
    /// What is not let in is not.
    pub closed: bool,
    /// The configuration asks for a packet filter, and for it to be started.
    pub wanted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::topology::testing::home;

    fn span(low: &str, high: &str) -> Span {
        Span { low: low.parse().unwrap(), high: high.parse().unwrap() }
    }

    #[test]
    fn spans_are_written_as_people_do() {
        for (low, high, expected) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("192.0.2.0", "192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.1", "192.0.2.255", "192.0.2.1-192.0.2.255"),
            ("192.0.2.4", "192.0.2.7", "192.0.2.4/30"),
            ("192.0.2.2", "192.0.2.5", "192.0.2.2-192.0.2.5"),
            ("0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
            ("2001:db8::", "2001:db8::ffff", "2001:db8::/112"),
            ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
        ] {
            assert_eq!(span(low, high).to_string(), expected);
        }
    }

    #[test]
    fn networks_by_address_and_mask() {
        let of = |ip: [u8; 4], mask: [u8; 4]| Span::masked(&ip, &mask).map(|span| span.to_string());
        assert_eq!(of([192, 168, 1, 7], [255, 255, 255, 0]).as_deref(), Some("192.168.1.0/24"));
        assert_eq!(of([10, 1, 0, 0], [255, 128, 0, 0]).as_deref(), Some("10.0.0.0/9"));
        assert_eq!(of([10, 1, 0, 0], [0; 4]).as_deref(), Some("0.0.0.0/0"));
        for odd in [[255, 0, 255, 0], [0, 255, 0, 0], [255, 1, 0, 0]] {
            assert_eq!(of([10, 0, 0, 1], odd), None, "{odd:?}");
        }
        assert_eq!(Span::masked(&[1, 2, 3], &[255; 3]), None);
        assert_eq!(Span::masked(&[1; 17], &[255; 17]), None);
    }

    #[test]
    fn an_own_address_is_no_part_of_the_form() {
        let mut rule = Matched::default();
        rule.addresses(false, span("203.0.113.10", "203.0.113.10"), &home());
        rule.addresses(true, span("192.168.1.0", "192.168.1.255"), &home());
        rule.port((80, 80));
        rule.port((8000, 8080));
        rule.note_ports();
        rule.to = Some(span("198.51.100.9", "198.51.100.9"));
        rule.to_ports = Some((80, 80));
        rule.end(Action::Dnat);
        assert_eq!(
            String::from_utf8_lossy(rule.form.as_slice()),
            "daddr self saddr 192.168.1.0/24 dport 80,8000-8080 dnat to 198.51.100.9 port 80"
        );
        assert!(rule.names_port(8079) && !rule.names_port(81) && rule.only_port().is_none());
    }

    #[test]
    fn more_ports_than_fit_make_it_narrow() {
        let mut rule = Matched::default();
        (0..=PORT_SPANS).for_each(|port| rule.port((u16::try_from(port).unwrap(), 9)));
        assert!(rule.narrow && rule.ports.is_full());
    }
}
