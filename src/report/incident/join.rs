//! Which findings are about one intruder: sets that grow together where two have a subject in common.

use super::super::{Advice, Event};
use super::super::{Finding, Severity, wire};
use super::keys::{self, Key};
use crate::facts::place::{Place, is_volatile, place};
use crate::limits::{HELD_FINDINGS, HELD_KEYS, INCIDENTS};

/// A finding that is held: where its frame begins, and to which set it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub at: u32,
    pub severity: Severity,
    pub check: u8,
    /// What it says, so that the order does not depend on who was looked at first.
    pub order: Key,
    /// The first of its set, or one on the way there.
    pub up: u16,
    /// Of the first of a set: one of them is about a process.
    pub process: bool,
    /// It was told with an incident.
    pub told: bool,
}

impl Kept {
    /// Whether it comes before another: the worse one first.
    pub fn is_before(&self, other: &Self) -> bool {
        (other.severity, self.check, self.order) < (self.severity, other.check, other.order)
    }
}

pub type Held = heapless::VecView<Kept>;
pub type Keys = heapless::VecView<(Key, u16)>;

const _: () = assert!(HELD_FINDINGS < 65_536 && HELD_KEYS >= HELD_FINDINGS);

/// Findings that are about one intruder.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub first: u16,
    pub severity: Severity,
    pub findings: u32,
    /// How many of each severity.
    pub follow: [u32; 3],
    pub advice: Advice,
}

/// The groups that are told, the worst first, and how many findings of others have no room.
pub struct Groups {
    pub told: heapless::Vec<Group, INCIDENTS>,
    pub beyond: u32,
}

/// The findings of a set, the worst first.
pub fn members<'a>(frames: &'a [u8], held: &'a Held, first: u16) -> impl Iterator<Item = Finding<'a>> {
    let own = held.iter().enumerate().filter(move |(at, _)| top(held, *at) == first);
    own.filter_map(|(_, kept)| finding(frames, kept))
}

/// What was held, as it was said.
pub fn finding<'a>(frames: &'a [u8], kept: &Kept) -> Option<Finding<'a>> {
    match wire::next(frames.get(usize::try_from(kept.at).ok()?..)?) {
        wire::Next::Event(Event::Finding(finding), _) => Some(finding),
        _ => None,
    }
}

/// The first of the set that one belongs to.
pub fn top(held: &Held, at: usize) -> u16 {
    let mut at = u16::try_from(at).unwrap_or_default();
    // Each step leads to an earlier one.
    while let Some(kept) = held.get(usize::from(at)).filter(|kept| kept.up < at) {
        at = kept.up;
    }
    at
}

/// Makes one set of two; `weakly` only where they do not hold processes of their own.
fn unite(held: &mut Held, one: usize, other: u16, weakly: bool) {
    let (one, other) = (top(held, one), top(held, usize::from(other)));
    let process = |held: &Held, at: u16| held.get(usize::from(at)).is_some_and(|kept| kept.process);
    let (first, second) = (process(held, one), process(held, other));
    if one == other || weakly && first && second {
        return;
    }
    let (low, high) = (one.min(other), one.max(other));
    if let Some(kept) = held.get_mut(usize::from(high)) {
        kept.up = low;
    }
    if let Some(kept) = held.get_mut(usize::from(low)) {
        kept.process = first || second;
    }
}

fn holder(keys: &Keys, key: Key) -> Option<u16> {
    keys.iter().find(|(other, _)| *other == key).map(|(_, holder)| *holder)
}

/// Puts every finding into a set. What accuses makes the sets; a notice joins one at most, and brings no two together.
pub fn join(frames: &[u8], held: &mut Held, keys: &mut Keys) {
    let each = |held: &mut Held, act: &mut dyn FnMut(&mut Held, usize, &Finding<'_>, bool)| {
        for at in 0..held.len() {
            let Some(kept) = held.get(at).copied() else { continue };
            if let Some(finding) = finding(frames, &kept) {
                act(held, at, &finding, kept.severity > Severity::Notice);
            }
        }
    };
    keys.clear();
    for (at, kept) in (0_u16..).zip(held.iter_mut()) {
        (kept.up, kept.process, kept.told) = (at, false, false);
    }
    // Who is about the same process, program, address or client.
    each(held, &mut |held, at, finding, accuses| {
        if let Some(kept) = held.get_mut(at).filter(|_| accuses) {
            kept.process = finding.pid.is_some();
            keys::subjects(finding, &mut |key| meet(held, keys, at, key, Some(false)));
        }
    });
    // Files, that lines may name.
    each(held, &mut |held, at, finding, accuses| {
        if let Some(key) = keys::place_of(finding).filter(|_| accuses) {
            meet(held, keys, at, key, None);
        }
    });
    each(held, &mut |held, at, finding, accuses| {
        if accuses {
            keys::mentions(finding, &mut |key| {
                holder(keys, key).into_iter().for_each(|other| unite(held, at, other, false));
            });
        }
    });
    // Who is about the same file, or the file of a program.
    each(held, &mut |held, at, finding, accuses| {
        for key in [keys::place_of(finding), keys::service(finding)].into_iter().flatten().filter(|_| accuses)
        {
            meet(held, keys, at, key, Some(true));
        }
    });
    each(held, &mut |held, at, finding, accuses| {
        if accuses {
            return;
        }
        let mut found = None;
        let mut look = |key| found = found.or_else(|| holder(keys, key));
        keys::subjects(finding, &mut look);
        [keys::place_of(finding), keys::service(finding)].into_iter().flatten().for_each(&mut look);
        keys::mentions(finding, &mut look);
        if let Some(other) = found {
            adopt(held, at, other);
        }
    });
}

/// Holds a key, or is united with who does: not at all, or weakly.
fn meet(held: &mut Held, keys: &mut Keys, at: usize, key: Key, weakly: Option<bool>) {
    match (holder(keys, key), weakly) {
        (Some(other), Some(weakly)) => unite(held, at, other, weakly),
        (Some(_), None) => {}
        // There is room for as many as each finding can have.
        (None, _) => drop(keys.push((key, u16::try_from(at).unwrap_or_default()))),
    }
}

/// Takes a notice into a set. All of them come behind those that accuse, so the first of the set stays it.
fn adopt(held: &mut Held, at: usize, other: u16) {
    let other = top(held, usize::from(other));
    if let Some(kept) = held.get_mut(at).filter(|kept| kept.up > other) {
        kept.up = other;
    }
}

/// The sets that are incidents: those with something that no healthy router does, and those of several findings of which
/// one accuses.
pub fn groups(frames: &[u8], held: &Held, advice: &dyn Fn(&str) -> Advice) -> Groups {
    let mut groups = Groups { told: heapless::Vec::new(), beyond: 0 };
    for at in 0..held.len() {
        let Ok(first) = u16::try_from(at) else { break };
        if top(held, at) != first {
            continue;
        }
        let mut group = Group {
            first,
            severity: Severity::Notice,
            findings: 0,
            follow: [0; 3],
            advice: Advice::default(),
        };
        let mut clients = true;
        for finding in members(frames, held, first) {
            group.findings = group.findings.saturating_add(1);
            group.severity = group.severity.max(finding.severity);
            let [notice, suspicious, infected] = &mut group.follow;
            let count = match finding.severity {
                Severity::Notice => notice,
                Severity::Suspicious => suspicious,
                Severity::Infected => infected,
            };
            *count = count.saturating_add(1);
            group.advice = group.advice.and(advice(finding.check));
            clients &= keys::is_clients(&finding);
        }
        if group.severity == Severity::Notice || group.severity == Severity::Suspicious && group.findings < 2
        {
            continue;
        }
        if group.severity == Severity::Suspicious && agree(frames, held, first) {
            group.severity = Severity::Infected;
        }
        if group.severity == Severity::Infected {
            group.advice = group.advice.certain();
        }
        if clients {
            group.advice = group.advice.elsewhere();
        }
        let worse = |other: &Group| (other.severity, other.findings) >= (group.severity, group.findings);
        let place = groups.told.iter().take_while(|other| worse(other)).count();
        if groups.told.is_full() {
            let last = if place < groups.told.len() { groups.told.pop() } else { Some(group) };
            let findings = last.map_or(0, |last| last.findings);
            groups.beyond = groups.beyond.saturating_add(findings);
        }
        if place <= groups.told.len() {
            let _ = groups.told.insert(place, group);
        }
    }
    groups
}

/// Whether a set agrees that one process is started again, disguised, runs from where nothing stays and is connected: that
/// several processes are one of these each, says nothing.
fn agree(frames: &[u8], held: &Held, first: u16) -> bool {
    members(frames, held, first).filter(is_disguise).any(|own| {
        let mut signs = Signs::default();
        for finding in members(frames, held, first) {
            signs.see(&own, &finding);
        }
        signs.started && signs.misplaced && signs.connected
    })
}

/// Who goes by another's name, or has removed its file. One that was replaced has been upgraded.
fn is_disguise(finding: &Finding<'_>) -> bool {
    let accuses = finding.severity > Severity::Notice && keys::is_program(finding);
    let removed = finding.check == "exe-deleted" && !keys::is_replaced(finding);
    accuses && (removed || finding.check == "name-mismatch")
}

/// What else the findings of a set say of one that is disguised.
#[derive(Default)]
struct Signs {
    started: bool,
    misplaced: bool,
    connected: bool,
}

impl Signs {
    fn see(&mut self, own: &Finding<'_>, finding: &Finding<'_>) {
        if finding.severity == Severity::Notice {
            return;
        }
        let about = keys::is_same_program(own, finding);
        let starts = || finding.pid.is_none() && keys::starts(finding, own);
        match finding.check {
            "startup-volatile" if starts() => {
                (self.started, self.misplaced) = (true, self.misplaced || is_volatile(own.path));
            }
            "startup-added" | "startup-changed" | "startup-dropper" | "startup-encoded"
            | "startup-backdoor" | "cron-odd" | "inittab-odd" | "config-include" | "kernel-helper" => {
                self.started |= starts();
            }
            // A path of the system's is in memory where it is volatile.
            "exe-volatile" => {
                self.misplaced |= about && (is_volatile(own.path) || place(own.path) == Place::Firm);
            }
            "dropped-elf" => {
                self.misplaced |= is_volatile(own.path) && keys::is_file_of(finding, own);
            }
            "c2-address" | "listener-odd" | "scan-fanout" | "relay" | "raw-socket" | "nat-redirect"
            | "firewall-open" | "tunnel-odd" | "upnp-abuse" => self.connected |= about,
            _ => {}
        }
    }
}
