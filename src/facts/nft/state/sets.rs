//! Registers held against sets and maps of nf_tables.

use super::super::super::about::Endian;
use super::super::super::span::Span;
use super::super::super::topology::{Side, Topology};
use super::super::super::xtables::{interface, protocols, states};
use super::super::Sets;
use super::{EQ, Field, SLOT_BYTES, State, big, greatest, sum};
use crate::limits::SET_ELEMENTS;

impl State {
    /// Takes in the key of a map's element: what is in one register, or in several behind one another.
    pub(in super::super) fn has_key(
        &mut self,
        slot: Option<usize>,
        key: &[u8],
        last: Option<&[u8]>,
        endian: Endian,
        topology: &Topology,
    ) {
        let (mut slot, mut at) = (slot, 0_usize);
        while at < key.len() {
            let field = self.field(slot);
            let left = key.len().saturating_sub(at);
            let width = match field.width() {
                0 => left.min(SLOT_BYTES),
                width => width.min(left),
            };
            let of = |bytes: &'_ [u8]| -> Option<u128> { bytes.get(at..at.checked_add(width)?).map(big) };
            let this = key.get(at..at.saturating_add(width)).unwrap_or_default();
            match last.and_then(of).filter(|last| Some(*last) != of(key)) {
                Some(high) => {
                    let low = of(key).unwrap_or_default();
                    self.span(field, low, high, topology);
                    self.rule.narrow |= !matches!(field, Field::Port | Field::Address(..));
                }
                None => self.compare(slot, EQ, this, endian, topology),
            }
            let slots = width.div_ceil(SLOT_BYTES).max(1);
            at = at.saturating_add(slots.saturating_mul(SLOT_BYTES));
            slot = slot.map(|slot| slot.saturating_add(slots));
        }
    }

    /// Takes in that a value is in a set. Whether all of the set was seen that had to be.
    pub(in super::super) fn is_among(
        &mut self,
        slot: Option<usize>,
        set: &[u8],
        inverted: bool,
        sets: Sets<'_>,
        endian: Endian,
        topology: &Topology,
    ) -> bool {
        let field = self.field(slot);
        // Only those without a name are part of the rule. The others are lists, which may be long and change.
        if !set.starts_with(b"__set") && !set.starts_with(b"__map") {
            self.rule.limit(format_args!("set{}", if inverted { " !" } else { " " }));
            self.rule.form.push(set);
            return true;
        }
        let mut points = heapless::Vec::<(u128, bool), SET_ELEMENTS>::new();
        let (mut cut, mut together, mut several) = (false, 0_u64, false);
        let whole = sets(set, &mut |element| {
            // In whatever order they come.
            let one = sum(element.key) ^ sum(element.last.unwrap_or_default()).rotate_left(7);
            together = together.wrapping_add(one.wrapping_add(u64::from(element.is_end)));
            several |= field.width() != element.key.len();
            cut |= points.push((big(element.key), !element.is_end)).is_err();
            if let Some(behind) = element.last.and_then(|last| big(last).checked_add(1)) {
                cut |= points.push((behind, false)).is_err();
            }
        });
        if inverted || cut || several || !whole {
            self.rule.limit(format_args!("set {}{together:x}", if inverted { "!" } else { "" }));
            return whole;
        }
        self.members(field, &mut points, together, endian, topology);
        true
    }

    /// Takes in the members of a set: where ranges begin (`true`) and end.
    fn members(
        &mut self,
        field: Field,
        points: &mut [(u128, bool)],
        together: u64,
        endian: Endian,
        topology: &Topology,
    ) {
        order(points);
        let ranges = points.iter().any(|(_, begins)| !begins);
        let mut first = None;
        let mut states_all = 0;
        for (number, (low, begins)) in points.iter().enumerate() {
            if !begins {
                continue;
            }
            let next = number.checked_add(1).and_then(|next| points.get(next));
            let high = match next {
                Some((end, false)) => end.saturating_sub(1),
                None if ranges => greatest(field.width()),
                _ => *low,
            };
            let bytes = low.to_be_bytes();
            match field {
                Field::Port => {
                    let port = |value: u128| u16::try_from(value).unwrap_or(u16::MAX);
                    self.rule.port((port(*low), port(high)));
                }
                Field::Address(_, width) => {
                    let from = 16_usize.saturating_sub(width);
                    let (low, high) = (*low, high.to_be_bytes());
                    let low = low.to_be_bytes();
                    let span = low.get(from..).zip(high.get(from..)).and_then(|(l, h)| Span::of(l, h));
                    // One that is a stranger's says more of the rule than one that is not.
                    let stranger = span.filter(|span| topology.side(span.low) == Side::Wan);
                    first = stranger.or(first).or(span);
                }
                Field::Protocol => protocols(&mut self.rule, u8::try_from(*low).unwrap_or_default(), false),
                Field::Interface(incoming) => {
                    let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                    interface(&mut self.rule, incoming, false, name);
                }
                Field::State => {
                    let [.., a, b, c, d] = bytes;
                    states_all |= endian.u32([a, b, c, d]);
                }
                _ => {}
            }
        }
        match (field, first) {
            (Field::Port, _) => self.rule.note_ports(),
            (Field::Address(sender, _), Some(span)) => {
                self.rule.addresses(sender, span, topology);
                if points.len() > 2 {
                    self.rule.note(format_args!("and others {together:x}"));
                }
            }
            (Field::State, _) => states(&mut self.rule, states_all),
            (Field::Protocol | Field::Interface(_), _) => {}
            _ => self.rule.limit(format_args!("set {together:x}")),
        }
    }
}

/// Puts a few points in order. The sort of core takes 4 KiB of code.
fn order(mut points: &mut [(u128, bool)]) {
    while let Some((first, others)) = points.split_first_mut() {
        for other in &mut *others {
            if *other < *first {
                core::mem::swap(first, other);
            }
        }
        points = others;
    }
}
