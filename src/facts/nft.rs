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
    /// Something was said.
    pub told: bool,
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
        self.told = true;
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
        let before = core::mem::take(&mut self.told);
        let (sets, mut count, mut ranges, mut verdicts) = (self.sets, 0_u32, false, false);
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
                    verdicts = true;
                    self.verdict(&mut state, verdict);
                }
                None => {
                    state.constant(state::slot(Some(into)), element.value);
                    self.run(place, next, &mut state, depth.saturating_add(1));
                }
            }
        });
        // Where the rule does nothing with what the first ones have, as with marks of countries, nor does it with the others'.
        self.cut |= !whole || count > MAP_ELEMENTS && (self.told || verdicts);
        self.told |= before;
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

#[cfg(test)]
pub(crate) mod testing {
    //! Messages as a kernel writes them.

    use super::*;
    use crate::facts::netlink::testing::nested;

    /// An attribute with a number.
    pub(crate) fn be(endian: Endian, kind: u16, number: u32) -> Vec<u8> {
        nested(endian, kind, &number.to_be_bytes())
    }

    /// An attribute with a value in `NFTA_DATA_VALUE`.
    pub(crate) fn data(endian: Endian, kind: u16, value: &[u8]) -> Vec<u8> {
        nested(endian, kind, &nested(endian, 1, value))
    }

    /// An expression.
    pub(crate) fn expression(endian: Endian, name: &str, parts: &[Vec<u8>]) -> Vec<u8> {
        let name = nested(endian, 1, &[name.as_bytes(), b"\0"].concat());
        nested(endian, 1, &[name, nested(endian, 2 | 0x8000, &parts.concat())].concat())
    }

    /// What ends a rule: a verdict, and the chain that it leads to.
    pub(crate) fn verdict(endian: Endian, code: i32, chain: &str) -> Vec<u8> {
        let mut told = be(endian, 1, code.cast_unsigned());
        if !chain.is_empty() {
            told.extend(nested(endian, 2, &[chain.as_bytes(), b"\0"].concat()));
        }
        let told = nested(endian, 2, &nested(endian, 2, &told));
        expression(endian, "immediate", &[be(endian, 1, 0), told])
    }

    /// The body of a message about a rule of the chain `c` in the table `t`.
    pub(crate) fn rule(endian: Endian, family: Family, expressions: &[Vec<u8>]) -> Vec<u8> {
        let named = |kind, name: &[u8]| nested(endian, kind, name);
        let parts = [named(1, b"t\0"), named(2, b"c\0"), named(4, &expressions.concat())];
        [&[family.0, 0, 0, 0][..], &parts.concat()].concat()
    }

    /// `tcp dport 449 dnat to 198.51.100.9:80`, with the older numbers of registers or the newer.
    pub(crate) fn trickbot(endian: Endian, registers: [u32; 2]) -> Vec<Vec<u8>> {
        let [one, two] = registers;
        vec![
            expression(endian, "meta", &[be(endian, 2, 16), be(endian, 1, one)]),
            expression(endian, "cmp", &[be(endian, 1, one), be(endian, 2, 0), data(endian, 3, &[6])]),
            expression(
                endian,
                "payload",
                &[be(endian, 1, one), be(endian, 2, 2), be(endian, 3, 2), be(endian, 4, 2)],
            ),
            expression(endian, "cmp", &[be(endian, 1, one), be(endian, 2, 0), data(endian, 3, &[1, 193])]),
            expression(endian, "counter", &[]),
            expression(endian, "immediate", &[be(endian, 1, one), data(endian, 2, &[198, 51, 100, 9])]),
            expression(endian, "immediate", &[be(endian, 1, two), data(endian, 2, &[0, 80])]),
            expression(
                endian,
                "nat",
                &[be(endian, 1, 1), be(endian, 2, 2), be(endian, 3, one), be(endian, 5, two)],
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{be, data, expression, rule, trickbot, verdict};
    use super::*;
    use crate::facts::netlink::testing::nested;
    use crate::facts::topology::testing::home;

    const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

    /// What a rule says, whether it is narrow, and where it leads to.
    type Said = (String, bool, String);

    fn read(endian: Endian, body: &[u8], sets: Sets<'_>) -> Option<(Vec<Said>, bool)> {
        let place = Place::read(body, endian)?;
        let mut all = Vec::new();
        let mut each = |says: &Matched, chain: &[u8]| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            all.push((text(says.form.as_slice()), says.narrow, text(chain)));
        };
        let mut reader = Reader { endian, topology: &home(), sets, each: &mut each, cut: false, told: false };
        reader.rule(&place);
        let cut = reader.cut;
        Some((all, cut))
    }

    fn none(_: &[u8], _: &mut dyn FnMut(&Element<'_>)) -> bool {
        false
    }

    fn forms(endian: Endian, family: Family, expressions: &[Vec<u8>]) -> Vec<Said> {
        read(endian, &rule(endian, family, expressions), &none).unwrap().0
    }

    #[test]
    fn both_byte_orders_and_numbers_of_registers() {
        for endian in BOTH {
            for registers in [[1, 2], [8, 9], [4, 3], [23, 8]] {
                let said = forms(endian, Family::IP, &trickbot(endian, registers));
                let expected = "tcp dport 449 dnat to 198.51.100.9 port 80";
                assert_eq!(said, [(expected.to_owned(), false, String::new())], "{registers:?}");
            }
            // Register 1 is 8 to 11: what is in one of these is in it.
            let said = forms(endian, Family::IP, &trickbot(endian, [1, 9]));
            assert_eq!(said[0].0, "tcp dport 449 dnat to 198.51.100.9 port 80");
        }
    }

    #[test]
    fn a_rule_cut_anywhere_says_less_and_never_other_things() {
        let endian = Endian::Little;
        let body = rule(endian, Family::IP, &trickbot(endian, [1, 2]));
        let whole = "tcp dport 449 dnat to 198.51.100.9 port 80";
        for end in 0..body.len() {
            let Some((said, _)) = read(endian, &body[..end], &none) else { continue };
            for (form, ..) in said {
                assert!(whole.starts_with(&form), "{end}: {form}");
            }
        }
        // Every expression by itself broken: what is left out is said to be, or the rule has no end.
        for at in 0..8 {
            let mut parts = trickbot(endian, [1, 2]);
            parts[at] = expression(endian, "frobnicate", &[vec![0xff; 8]]);
            let said = forms(endian, Family::IP, &parts);
            assert!(said.iter().all(|(_, narrow, _)| *narrow), "{at}: {said:?}");
        }
    }

    #[test]
    fn lengths_and_numbers_that_lead_nowhere() {
        let endian = Endian::Big;
        for odd in [0_u32, 5, 7, 24, 0xffff_ffff] {
            let parts = trickbot(endian, [odd, odd]);
            let said = forms(endian, Family::IP, &parts);
            assert!(said.iter().all(|(form, narrow, _)| *narrow && !form.contains("198")), "{odd} {said:?}");
        }
        let long = data(endian, 2, &[7; 300]);
        let parts = [expression(endian, "immediate", &[be(endian, 1, 23), long]), verdict(endian, 0, "")];
        assert_eq!(forms(endian, Family::IP, &parts)[0].0, "drop");
        assert_eq!(read(endian, &[], &none), None);
        assert_eq!(read(endian, &rule(endian, Family::IP, &[]), &none).unwrap().0, []);
    }

    #[test]
    fn verdicts_and_what_they_lead_to() {
        for endian in BOTH {
            for (code, chain, form) in [
                (0, "", "drop"),
                (1, "", "accept"),
                (-3, "zone", "jump"),
                (-4, "zone", "jump"),
                (-5, "", "return"),
                (3, "", "other"),
            ] {
                let said = forms(endian, Family::INET, &[verdict(endian, code, chain)]);
                assert_eq!(said, [(form.to_owned(), false, chain.to_owned())]);
            }
            let goes_on = [verdict(endian, -1, ""), verdict(endian, 0, "")];
            assert_eq!(forms(endian, Family::INET, &goes_on)[0].0, "drop");
        }
    }

    #[test]
    fn what_looks_at_nothing_and_what_is_not_known() {
        let endian = Endian::Little;
        for (word, narrow) in
            [("counter", false), ("log", false), ("flow_offload", false), ("notrack", false), ("limit", true)]
        {
            let parts = [expression(endian, word, &[]), verdict(endian, 0, "")];
            assert_eq!(forms(endian, Family::INET, &parts)[0].1, narrow, "{word}");
        }
    }

    #[test]
    fn sets_and_maps() {
        let endian = Endian::Little;
        // Of an interval set each range has its end as an element, in whatever order.
        let sets = |set: &[u8], each: &mut dyn FnMut(&Element<'_>)| {
            let mut one = |key: [u8; 2], is_end, value: &'static [u8]| {
                each(&Element { key: &key, is_end, value, ..Element::default() });
            };
            match set {
                b"__set0" => {
                    for (key, is_end) in [(8011, true), (23, false), (24, true), (8000, false)] {
                        one(u16::to_be_bytes(key), is_end, b"");
                    }
                }
                b"__set1" => (1..200).for_each(|key| one(u16::to_be_bytes(key), false, b"")),
                b"map" => {
                    one([1, 193], false, &[198, 51, 100, 9]);
                    one([0, 80], false, &[192, 168, 1, 2]);
                }
                b"large" => (0..200).for_each(|key| one(u16::to_be_bytes(key), false, &[10, 0, 0, 1])),
                _ => return false,
            }
            true
        };
        let dport = |more: &[Vec<u8>]| {
            let load = [be(endian, 1, 1), be(endian, 2, 2), be(endian, 3, 2), be(endian, 4, 2)];
            let mut parts = vec![expression(endian, "payload", &load)];
            parts.extend_from_slice(more);
            rule(endian, Family::IP, &parts)
        };
        let lookup = |set: &str, more: &[Vec<u8>]| {
            let name = nested(endian, 1, &[set.as_bytes(), b"\0"].concat());
            let parts = [&[name, be(endian, 2, 1)][..], more].concat();
            expression(endian, "lookup", &parts)
        };
        let drop = verdict(endian, 0, "");
        let among = |set: &str, more: &[Vec<u8>]| {
            let (said, cut) = read(endian, &dport(&[lookup(set, more), drop.clone()]), &sets).unwrap();
            (said[0].0.clone(), said[0].1, cut)
        };
        assert_eq!(among("__set0", &[]), ("dport 23,8000-8010 drop".to_owned(), false, false));
        let (inverted, narrow, _) = among("__set0", &[be(endian, 5, 1)]);
        assert!(inverted.starts_with("set !") && narrow, "{inverted}");
        let (many, narrow, cut) = among("__set1", &[]);
        assert!(many.starts_with("set ") && narrow && !cut, "{many}");
        assert_eq!(among("named", &[]), ("set named drop".to_owned(), true, false), "a list is not read");
        assert!(among("__set9", &[]).2, "one that cannot be had is said");
        let nat = expression(endian, "nat", &[be(endian, 1, 1), be(endian, 2, 2), be(endian, 3, 2)]);
        let (said, cut) =
            read(endian, &dport(&[lookup("map", &[be(endian, 3, 2)]), nat.clone()]), &sets).unwrap();
        let said: Vec<_> = said.iter().map(|(form, ..)| form.as_str()).collect();
        assert_eq!(said, ["dport 449 dnat to 198.51.100.9", "dport 80 dnat to 192.168.1.2"]);
        assert!(!cut);
        let (said, cut) = read(endian, &dport(&[lookup("large", &[be(endian, 3, 2)]), nat]), &sets).unwrap();
        assert!(cut && said.len() == usize::try_from(MAP_ELEMENTS).unwrap());
        let mark = expression(endian, "meta", &[be(endian, 2, 3), be(endian, 3, 1)]);
        let (said, cut) = read(endian, &dport(&[lookup("large", &[be(endian, 3, 1)]), mark]), &sets).unwrap();
        assert!(!cut && said.is_empty(), "marks are nobody's destination");
    }

    #[test]
    fn chains_and_elements() {
        let endian = Endian::Big;
        let hook = nested(endian, 4, &[be(endian, 1, 1), be(endian, 2, 0)].concat());
        let named = |kind, name: &[u8]| nested(endian, kind, name);
        let parts = [named(1, b"fw4\0"), named(3, b"input\0"), hook, be(endian, 5, 0)].concat();
        let body = [&[1, 0, 0, 0][..], &parts].concat();
        let chain = Chain::read(&body, endian).unwrap();
        assert_eq!((chain.family, chain.table, chain.name), (Family::INET, &b"fw4"[..], &b"input"[..]));
        assert_eq!((chain.hook, chain.drops), (Some(Hooks::INPUT), true));
        for end in 0..body.len() {
            if let Some(cut) = Chain::read(&body[..end], endian) {
                assert_eq!((cut.table, cut.name), (chain.table, chain.name), "{end}");
            }
        }
        let element = nested(endian, 1, &[data(endian, 1, &[0, 80]), be(endian, 3, 1)].concat());
        let list = [named(1, b"t\0"), named(2, b"s\0"), nested(endian, 3, &element)].concat();
        let body = [&[2, 0, 0, 0][..], &list].concat();
        let mut seen = Vec::new();
        for (family, table, set) in [
            (Family::IP, b"t", b"s"),
            (Family::IP6, b"t", b"s"),
            (Family::IP, b"u", b"s"),
            (Family::IP, b"t", b"x"),
        ] {
            elements(&body, endian, family, (table, set), &mut |element| {
                seen.push((element.key.to_vec(), element.is_end));
            });
        }
        assert_eq!(seen, [(vec![0, 80], true)]);
    }
}
