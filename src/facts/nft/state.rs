//! What a rule of nf_tables has said so far, and what is in its registers.

mod registers;
mod sets;

use super::super::about::Endian;
use super::super::netlink::attribute;
use super::super::packet_rule::{Action, Family, Matched};
use super::super::span::Span;
use super::super::topology::Topology;
use super::super::xtables::{interface, protocols, states};
use super::{number, value};
use registers::{Field, SLOT_BYTES, SLOTS};

pub(super) use registers::slot;

/// Comparisons (`enum nft_cmp_ops`).
const EQ: u32 = 0;
const NEQ: u32 = 1;
const LT: u32 = 2;
const LTE: u32 = 3;
const GT: u32 = 4;
const GTE: u32 = 5;

/// See the head of this file.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) rule: Matched,
    fields: [Field; SLOTS],
    values: [u8; SLOTS * SLOT_BYTES],
    masks: [u8; SLOTS * SLOT_BYTES],
    /// 4 or 6 where only packets of one version come here.
    version: u8,
    /// A range that has begun and not ended yet: of what, and where.
    begun: Option<(Field, u128, usize)>,
}

impl State {
    pub(super) fn new(family: Family) -> Self {
        Self {
            rule: Matched::default(),
            fields: [Field::Other; SLOTS],
            values: [0; SLOTS * SLOT_BYTES],
            masks: [0xff; SLOTS * SLOT_BYTES],
            version: match family {
                Family::IP => 4,
                Family::IP6 => 6,
                _ => 0,
            },
            begun: None,
        }
    }

    fn load(&mut self, slot: Option<usize>, field: Field) {
        let Some(slot) = slot else { return };
        if let Some(at) = self.fields.get_mut(slot) {
            *at = field;
        }
        if let Some(masks) = slot.checked_mul(SLOT_BYTES).and_then(|at| self.masks.get_mut(at..)) {
            masks.iter_mut().take(16).for_each(|mask| *mask = 0xff);
        }
    }

    /// Puts a value into a register.
    pub(super) fn constant(&mut self, slot: Option<usize>, value: &[u8]) {
        self.load(slot, Field::Constant);
        let Some(slot) = slot else { return };
        if let Some(values) = slot.checked_mul(SLOT_BYTES).and_then(|at| self.values.get_mut(at..)) {
            values.iter_mut().zip(value).for_each(|(into, byte)| *into = *byte);
        }
        // A value of several parts fills the registers behind it.
        for more in slot.saturating_add(1)..slot.saturating_add(value.len().div_ceil(SLOT_BYTES)).min(SLOTS) {
            self.load(Some(more), Field::Constant);
        }
    }

    /// The bytes of a register that are known.
    fn known(&self, slot: Option<usize>, length: usize) -> Option<&[u8]> {
        let slot = slot.filter(|slot| self.fields.get(*slot) == Some(&Field::Constant))?;
        let at = slot.checked_mul(SLOT_BYTES)?;
        self.values.get(at..at.checked_add(length)?)
    }

    fn field(&self, slot: Option<usize>) -> Field {
        slot.and_then(|slot| self.fields.get(slot)).copied().unwrap_or_default()
    }

    /// Follows an expression that ends nothing.
    pub(super) fn step(&mut self, word: &[u8], data: &[u8], endian: Endian, topology: &Topology) {
        let told = |kind| number(data, endian, kind);
        let bytes = |kind| attribute(data, endian, kind).map(|data| value(data, endian)).unwrap_or_default();
        match word {
            b"cmp" => {
                let op = told(2).unwrap_or(u32::MAX);
                self.compare(slot(told(1)), op, bytes(3), endian, topology);
            }
            b"range" => {
                let (slot, low, high) = (slot(told(1)), bytes(3), bytes(4));
                if told(2) == Some(0) {
                    self.compare(slot, GTE, low, endian, topology);
                    self.compare(slot, LTE, high, endian, topology);
                } else {
                    self.settle(topology);
                    self.rule.limit(format_args!("!range {:x}", sum(low) ^ sum(high)));
                }
            }
            b"payload" => self.payload(data, endian),
            // NFTA_META_KEY; one that is set tells nothing of the packet.
            b"meta" if told(1).is_some() => {
                let field = match told(2) {
                    Some(1 | 15) => Field::Version,
                    Some(6) => Field::Interface(true),
                    Some(7) => Field::Interface(false),
                    Some(16) => Field::Protocol,
                    Some(4 | 5) => Field::Number,
                    _ => Field::Other,
                };
                self.load(slot(told(1)), field);
            }
            b"ct" if told(1).is_some() => {
                let field = if told(2) == Some(0) { Field::State } else { Field::Other };
                self.load(slot(told(1)), field);
            }
            b"bitwise" => {
                let (from, into) = (slot(told(1)), slot(told(2)));
                let (mask, plain) = (bytes(4), told(6).unwrap_or_default() == 0);
                let flips = bytes(5).iter().any(|byte| *byte != 0);
                self.load(into, if plain && !flips { self.field(from) } else { Field::Other });
                let at = into.and_then(|slot| slot.checked_mul(SLOT_BYTES));
                if let Some(masks) = at.and_then(|at| self.masks.get_mut(at..)) {
                    masks.iter_mut().zip(mask).for_each(|(into, mask)| *into = *mask);
                }
            }
            // A quota or a limit that has a name.
            b"objref" if matches!(told(1), Some(2 | 4 | 5)) => self.rule.limit(format_args!("objref")),
            // These look at no packet, or change nothing that matters here.
            b"counter" | b"log" | b"last" | b"notrack" | b"meta" | b"ct" | b"flow_offload" | b"objref"
            | b"byteorder" | b"secmark" => {
                if word == b"byteorder" {
                    self.load(slot(told(2)), Field::Other);
                }
            }
            // Any other may ask something of its own or load something.
            _ => {
                self.settle(topology);
                self.fields = [Field::Other; SLOTS];
                self.rule.limit(format_args!(""));
                self.rule.form.push(word);
            }
        }
    }

    fn payload(&mut self, data: &[u8], endian: Endian) {
        let told = |kind| number(data, endian, kind);
        let (into, place) = (slot(told(1)), (told(2), told(3), told(4).unwrap_or_default()));
        let field = match place {
            // Of IPv4 12 bytes are before the addresses, of IPv6 8; a network may be compared by its first bytes alone.
            (Some(1), Some(9), 1) if self.version != 6 => Field::Protocol,
            (Some(1), Some(6), 1) if self.version == 6 => Field::Protocol,
            (Some(1), Some(at @ (12 | 16)), 1..=4) if self.version != 6 => Field::Address(at == 12, 4),
            (Some(1), Some(at @ (8 | 24)), length @ 1..=16) if self.version == 6 || length > 4 => {
                Field::Address(at == 8, 16)
            }
            (Some(2), Some(0), 2) => Field::SourcePort,
            (Some(2), Some(2), 2) => Field::Port,
            (Some(2), Some(13), 1) => Field::TcpFlags,
            _ => Field::Other,
        };
        self.load(into, field);
    }

    /// Whether a payload expression sets another destination; that is what the rule does then.
    pub(super) fn writes_destination(&mut self, data: &[u8], endian: Endian) -> bool {
        let told = |kind| number(data, endian, kind);
        let width = match (told(2), told(3), told(4)) {
            (Some(1), Some(16), Some(4)) if self.version != 6 => 4,
            (Some(1), Some(24), Some(16)) => 16,
            _ => return false,
        };
        self.rule.to = self.known(slot(told(5)), width).and_then(|ip| Span::of(ip, ip));
        if self.rule.to.is_some() {
            self.rule.end(Action::Dnat);
        }
        self.rule.to.is_some()
    }

    /// Takes in what a translation says, whose parts are in registers.
    pub(super) fn translates(&mut self, word: &[u8], data: &[u8], endian: Endian, family: Family) {
        let told = |kind| number(data, endian, kind);
        let (action, family_at, addresses, ports) = match word {
            b"nat" if told(1) == Some(0) => (Action::Snat, 2, (3, 4), (5, 6)),
            b"nat" => (Action::Dnat, 2, (3, 4), (5, 6)),
            b"redir" => (Action::Redirect, 0, (0, 0), (1, 2)),
            b"masq" => (Action::Masquerade, 0, (0, 0), (2, 3)),
            b"tproxy" => (Action::Tproxy, 1, (2, 0), (3, 0)),
            b"dup" => (Action::Copy, 0, (1, 0), (0, 0)),
            _ => (Action::Reject, 0, (0, 0), (0, 0)),
        };
        let family = told(family_at).and_then(|family| u8::try_from(family).ok()).unwrap_or(family.0);
        let width = if family == Family::IP6.0 || family == 1 && self.version == 6 { 16 } else { 4 };
        let read = |kind: u16, length: usize| match told(kind).filter(|_| kind > 0) {
            None => Ok(None),
            register => self.known(slot(register), length).map(Some).ok_or(()),
        };
        let span = |(low, high): (u16, u16), width: usize| {
            let low = read(low, width)?;
            let high = read(high, width)?.or(low);
            Ok::<_, ()>(low.zip(high))
        };
        let (to, to_ports) = (span(addresses, width), span(ports, 2));
        let port = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
        // Something may be computed: it is not known then where packets go.
        let computed = to.is_err() || to_ports.is_err();
        let to = to.ok().flatten().and_then(|(low, high)| Span::of(low, high));
        let to_ports = to_ports.ok().flatten().and_then(|(low, high)| port(low).zip(port(high)));
        self.rule.to = to.filter(|to| action != Action::Tproxy || !to.low.is_unspecified());
        self.rule.to_ports = to_ports;
        if computed {
            self.rule.limit(format_args!("computed"));
        }
        self.rule.end(action);
    }

    /// Takes in a comparison of what is in a register.
    fn compare(&mut self, slot: Option<usize>, op: u32, data: &[u8], endian: Endian, topology: &Topology) {
        let field = self.field(slot);
        let at = slot.and_then(|slot| slot.checked_mul(SLOT_BYTES)).unwrap_or(self.masks.len());
        let mut mask = [0_u8; 16];
        let masks = self.masks.get(at..).unwrap_or_default();
        mask.iter_mut().zip(masks).take(data.len()).for_each(|(into, mask)| *into = *mask);
        let masked = mask.iter().take(data.len()).any(|mask| *mask != 0xff);
        let ranged = matches!(field, Field::Port | Field::Address(..)) && !masked;
        match op {
            GTE | GT if ranged => {
                self.settle(topology);
                let low = big(data).saturating_add(u128::from(op == GT));
                self.begun = Some((field, low, data.len()));
            }
            LTE | LT if ranged => {
                let high = big(data).saturating_sub(u128::from(op == LT));
                let low = self.begun.take_if(|(begun, ..)| *begun == field).map_or(0, |(_, low, _)| low);
                self.settle(topology);
                self.span(field, low, high, topology);
            }
            _ => {
                self.settle(topology);
                self.is(field, op, data, &mask, masked, endian, topology);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn is(
        &mut self,
        field: Field,
        op: u32,
        data: &[u8],
        mask: &[u8; 16],
        masked: bool,
        endian: Endian,
        topology: &Topology,
    ) {
        let rule = &mut self.rule;
        let (eq, neq) = (op == EQ, op == NEQ);
        match field {
            Field::Address(sender, width) if eq || neq => {
                let mut ip = [0_u8; 16];
                ip.iter_mut().zip(data).for_each(|(into, byte)| *into = *byte);
                let part = ip.get(..width).zip(mask.get(..width));
                match part.and_then(|(ip, mask)| Span::masked(ip, mask)) {
                    Some(span) if eq => rule.addresses(sender, span, topology),
                    Some(span) => {
                        rule.limit(format_args!("{} !{span}", if sender { "saddr" } else { "daddr" }));
                    }
                    None => rule.limit(format_args!("addr {:x}", sum(data))),
                }
            }
            Field::Port | Field::SourcePort if (eq || neq) && !masked => {
                let port = u16::try_from(big(data)).unwrap_or_default();
                if field == Field::Port && eq {
                    rule.port((port, port));
                    rule.note_ports();
                } else {
                    let not = if neq { "!" } else { "" };
                    let word = if field == Field::Port { "dport" } else { "sport" };
                    rule.limit(format_args!("{word} {not}{port}"));
                }
            }
            Field::Protocol if eq || neq => {
                protocols(rule, data.first().copied().unwrap_or_default(), neq);
            }
            Field::Version if eq => {
                // NFPROTO_IPV4, NFPROTO_IPV6; ETH_P_IP and ETH_P_IPV6 in network order.
                self.version = match data {
                    [2] | [8, 0] => 4,
                    [10] | [0x86, 0xdd] => 6,
                    _ => 0,
                };
                rule.note(format_args!("ipv{}", self.version));
                rule.narrow |= self.version == 0;
            }
            Field::Interface(incoming) if (eq || neq) && !masked => {
                // The name of a whole one ends in NULs.
                let end = data.iter().position(|byte| *byte == 0);
                let mut text = super::super::text::Bytes::<24>::of(
                    data.get(..end.unwrap_or(data.len())).unwrap_or_default(),
                );
                text.push(if end.is_none() && data.len() < 16 { b"+" } else { b"" });
                interface(rule, incoming, neq, text.as_slice());
            }
            // The first packet of a connection: SYN is among the flags that are looked at, and alone or at least set.
            Field::TcpFlags
                if mask.first().is_some_and(|mask| mask & 2 != 0)
                    && matches!((op, data), (EQ, [2]) | (NEQ, [0])) =>
            {
                rule.note(format_args!("syn"));
            }
            // One of several states: what is left of it is not nothing.
            Field::State if neq && masked && big(data) == 0 => {
                let [a, b, c, d, ..] = *mask;
                states(rule, endian.u32([a, b, c, d]));
            }
            Field::State if eq && !masked => {
                states(rule, data.first_chunk().map_or(0, |bytes| endian.u32(*bytes)));
            }
            Field::Number => rule.limit(format_args!("if number")),
            _ => rule.limit(format_args!("other {op} {:x}", sum(data) ^ sum(mask))),
        }
    }

    /// Takes in a range of ports or addresses.
    fn span(&mut self, field: Field, low: u128, high: u128, topology: &Topology) {
        match field {
            Field::Port => {
                let port = |value: u128| u16::try_from(value).unwrap_or(u16::MAX);
                self.rule.port((port(low), port(high)));
                self.rule.note_ports();
            }
            Field::Address(sender, width) => {
                let (low, high) = (low.to_be_bytes(), high.to_be_bytes());
                let from = 16_usize.saturating_sub(width);
                match low.get(from..).zip(high.get(from..)).and_then(|(low, high)| Span::of(low, high)) {
                    Some(span) => self.rule.addresses(sender, span, topology),
                    None => self.rule.narrow = true,
                }
            }
            _ => {}
        }
    }

    /// Ends a range that has no end of its own.
    pub(super) fn settle(&mut self, topology: &Topology) {
        if let Some((field, low, length)) = self.begun.take() {
            self.span(field, low, greatest(length), topology);
        }
    }
}

/// Bytes as one number. Of more than sixteen the first count.
fn big(bytes: &[u8]) -> u128 {
    bytes.iter().take(16).fold(0, |sum, byte| sum.wrapping_shl(8) | u128::from(*byte))
}

/// The greatest number of so many bytes.
fn greatest(bytes: usize) -> u128 {
    let bits = u32::try_from(bytes).unwrap_or(16).saturating_mul(8);
    1_u128.checked_shl(bits).map_or(u128::MAX, |behind| behind.saturating_sub(1))
}

/// A number that tells bytes apart where their text would be long (FNV-1a).
fn sum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
