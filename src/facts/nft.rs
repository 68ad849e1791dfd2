//! Rules of nf_tables as the kernel tells them over netlink (include/uapi/linux/netfilter/nf_tables.h): chains, rules and
//! elements of sets, message by message.
//!
//! A rule is a small program: expressions load parts of a packet into registers, compare them, and end with what becomes
//! of the packet. It is followed as far as what is loaded is known; what is not makes the rule narrow, as it is for fewer
//! packets than can be told. A map makes a rule of each of its elements.

mod state;

use super::about::Endian;
use super::netlink::{attribute, attributes};
use super::packet_rule::{Action, Family, Hooks, Matched};
use super::topology::Topology;
use super::xtables;
use crate::limits::{MAP_DEPTH, MAP_ELEMENTS};
use state::State;

/// A chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain<'a> {
    /// Of which packets.
    pub family: Family,
    /// Its table.
    pub table: &'a [u8],
    /// Its name.
    pub name: &'a [u8],
    /// Where packets enter it, of one that is the kernel's to call.
    pub hook: Option<Hooks>,
    /// What no rule of it decides is dropped.
    pub drops: bool,
}

/// What stands before the attributes of every message: `struct nfgenmsg`.
const HEAD: usize = 4;

/// The family that a message is about, and its attributes.
fn message(body: &[u8]) -> Option<(Family, &[u8])> {
    Some((Family(*body.first()?), body.get(HEAD..)?))
}

/// A name, without the NUL that ends it.
fn name(bytes: Option<&[u8]>) -> Option<&[u8]> {
    bytes?.split(|b| *b == 0).next()
}

/// A number; nf_tables has all of its own in network order.
fn number(bytes: &[u8], endian: Endian, kind: u16) -> Option<u32> {
    attribute(bytes, endian, kind)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

impl<'a> Chain<'a> {
    /// Reads a message about a chain.
    #[must_use]
    pub fn read(body: &'a [u8], endian: Endian) -> Option<Self> {
        let (family, rest) = message(body)?;
        let told = |kind| attribute(rest, endian, kind);
        let hook = told(4).map(|hook| match number(hook, endian, 1) {
            // A device's only hooks are where packets come in and leave.
            Some(0) if family.0 == 5 => Hooks::PREROUTING,
            Some(_) if family.0 == 5 => Hooks(0),
            Some(number) => Hooks::of(number),
            None => Hooks(0),
        });
        let drops = number(rest, endian, 5) == Some(0);
        Some(Self { family, table: name(told(1))?, name: name(told(3))?, hook, drops })
    }
}

/// Where a rule is, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Of which packets.
    pub family: Family,
    /// Its table.
    pub table: &'a [u8],
    /// Its chain.
    pub chain: &'a [u8],
    expressions: &'a [u8],
}

impl<'a> Place<'a> {
    /// Reads a message about a rule.
    #[must_use]
    pub fn read(body: &'a [u8], endian: Endian) -> Option<Self> {
        let (family, rest) = message(body)?;
        let told = |kind| attribute(rest, endian, kind);
        let expressions = told(4).unwrap_or_default();
        Some(Self { family, table: name(told(1))?, chain: name(told(2))?, expressions })
    }
}

/// An element of a set or a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its key, or the first of several.
    pub key: &'a [u8],
    /// The last of them, where that is said in the same element.
    pub last: Option<&'a [u8]>,
    /// The keys that are in the set end before this one.
    pub is_end: bool,
    /// What a map has for the key.
    pub value: &'a [u8],
    /// What a map has becoming of a packet.
    pub verdict: Option<Verdict<'a>>,
}

/// What becomes of a packet, and the chain that follows, if one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    code: i32,
    chain: &'a [u8],
}

/// The value in `NFTA_DATA_VALUE`, or the verdict in `NFTA_DATA_VERDICT`.
fn value(data: &[u8], endian: Endian) -> &[u8] {
    attribute(data, endian, 1).unwrap_or_default()
}

fn verdict(data: &[u8], endian: Endian) -> Option<Verdict<'_>> {
    let verdict = attribute(data, endian, 2)?;
    let code = number(verdict, endian, 1)?.cast_signed();
    Some(Verdict { code, chain: name(attribute(verdict, endian, 2)).unwrap_or_default() })
}

/// Hands every element in a message to `each`, if that is about this set of this table.
pub fn elements(
    body: &[u8],
    endian: Endian,
    family: Family,
    (table, set): (&[u8], &[u8]),
    each: &mut dyn FnMut(&Element<'_>),
) {
    let Some((other, rest)) = message(body) else { return };
    let told = |kind| attribute(rest, endian, kind);
    if other != family || name(told(1)) != Some(table) || name(told(2)) != Some(set) {
        return;
    }
    for (_, element) in attributes(told(3).unwrap_or_default(), endian) {
        let told = |kind| attribute(element, endian, kind);
        let data = told(2).unwrap_or_default();
        each(&Element {
            key: told(1).map(|key| value(key, endian)).unwrap_or_default(),
            last: told(10).map(|key| value(key, endian)),
            is_end: number(element, endian, 3).is_some_and(|flags| flags & 1 != 0),
            value: value(data, endian),
            verdict: verdict(data, endian),
        });
    }
}

/// Hands the elements of a set of the rule's table to the other; whether these were all.
pub type Sets<'r> = &'r dyn Fn(&[u8], &mut dyn FnMut(&Element<'_>)) -> bool;

/// Follows rules.
pub struct Reader<'r> {
    /// The byte order of the machine.
    pub endian: Endian,
    /// Whose addresses are whose.
    pub topology: &'r Topology,
    /// Who knows the elements of sets.
    pub sets: Sets<'r>,
    /// Takes what a rule says, and the chain that it leads to.
    pub each: &'r mut dyn FnMut(&Matched, &[u8]),
    /// There was a set or a map of which not all elements could be had.
    pub cut: bool,
}

impl Reader<'_> {
    /// Follows a rule to all of its ends.
    pub fn rule(&mut self, place: &Place<'_>) {
        self.run(place, 0, &mut State::new(place.family), 0);
    }

    fn run(&mut self, place: &Place<'_>, from: usize, state: &mut State, depth: u32) {
        let endian = self.endian;
        let mut at = from;
        for (_, expression) in attributes(place.expressions, endian).skip(from) {
            at = at.saturating_add(1);
            let Some(word) = name(attribute(expression, endian, 1)) else { continue };
            let data = attribute(expression, endian, 2).unwrap_or_default();
            let goes_on = match word {
                b"lookup" => self.lookup(place, data, at, state, depth),
                b"match" => {
                    let (named, revision, info) = extension(data, endian);
                    xtables::matched(&mut state.rule, named, revision, info, endian);
                    true
                }
                b"target" => {
                    state.settle(self.topology);
                    let (named, revision, info) = extension(data, endian);
                    xtables::end(&mut state.rule, named, revision, info, endian, place.family);
                    self.tell(state, b"");
                    // One that ends nothing is followed by others.
                    state.rule.action == Action::Other
                }
                b"immediate" => {
                    let register = state::slot(number(data, endian, 1));
                    let data = attribute(data, endian, 2).unwrap_or_default();
                    match verdict(data, endian) {
                        Some(verdict) => self.verdict(state, verdict),
                        None => {
                            state.constant(register, value(data, endian));
                            true
                        }
                    }
                }
                b"nat" | b"redir" | b"masq" | b"tproxy" | b"dup" | b"reject" => {
                    state.settle(self.topology);
                    state.translates(word, data, endian, place.family);
                    self.tell(state, b"");
                    false
                }
                b"payload" if number(data, endian, 5).is_some() => {
                    // It writes to the packet instead: a new destination without any tracking.
                    state.settle(self.topology);
                    if state.writes_destination(data, endian) {
                        self.tell(state, b"");
                    }
                    true
                }
                _ => {
                    state.step(word, data, endian, self.topology);
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    fn tell(&mut self, state: &State, chain: &[u8]) {
        (self.each)(&state.rule, chain);
    }

    /// Ends a rule; whether it goes on.
    fn verdict(&mut self, state: &mut State, verdict: Verdict<'_>) -> bool {
        // NF_DROP, NF_ACCEPT, NF_QUEUE; NFT_CONTINUE, _BREAK, _JUMP, _GOTO, _RETURN.
        let action = match verdict.code {
            0 => Action::Drop,
            1 => Action::Accept,
            -3 | -4 => Action::Jump,
            -5 => Action::Return,
            -1 => return true,
            _ => Action::Other,
        };
        state.settle(self.topology);
        state.rule.end(action);
        self.tell(state, verdict.chain);
        false
    }

    /// A set is asked whether it has what is in a register, or a map what it has for it.
    fn lookup(&mut self, place: &Place<'_>, data: &[u8], next: usize, state: &mut State, depth: u32) -> bool {
        let endian = self.endian;
        let set = name(attribute(data, endian, 1)).unwrap_or_default();
        let slot = state::slot(number(data, endian, 2));
        let inverted = number(data, endian, 5).is_some_and(|flags| flags & 1 != 0);
        state.settle(self.topology);
        let Some(into) = number(data, endian, 3) else {
            self.cut |= !state.is_among(slot, set, inverted, self.sets, endian, self.topology);
            return true;
        };
        if depth >= MAP_DEPTH {
            state.rule.limit(format_args!("map"));
            return true;
        }
        let (sets, mut count, mut ranges) = (self.sets, 0_u32, false);
        let whole = sets(set, &mut |element| {
            ranges |= element.is_end;
            count = count.saturating_add(1);
            if element.is_end || count > MAP_ELEMENTS {
                return;
            }
            let mut state = state.clone();
            if ranges {
                // Where a range ends is another element.
                state.rule.narrow = true;
            }
            state.has_key(slot, element.key, element.last, endian, self.topology);
            match element.verdict {
                Some(verdict) => {
                    self.verdict(&mut state, verdict);
                }
                None => {
                    state.constant(state::slot(Some(into)), element.value);
                    self.run(place, next, &mut state, depth.saturating_add(1));
                }
            }
        });
        if !whole || count > MAP_ELEMENTS {
            self.cut = true;
        }
        // Packets for which the map has nothing go no further.
        false
    }
}

/// Name, revision and data of a match or a target of iptables.
fn extension(data: &[u8], endian: Endian) -> (&[u8], u8, &[u8]) {
    let revision = number(data, endian, 2).and_then(|number| u8::try_from(number).ok()).unwrap_or_default();
    let named = name(attribute(data, endian, 1)).unwrap_or_default();
    (named, revision, attribute(data, endian, 3).unwrap_or_default())
}
