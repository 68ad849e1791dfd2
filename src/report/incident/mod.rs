//! Incidents: findings of a run that are about one intruder, joined, with a story and what to do.
//!
//! # What is joined
//! Findings that suspect have a subject in common: a process (by pid), a program (by path; not the system's own, and no
//! interpreter or program of many names; a listed one by its hash too), an address that they accuse, a client. `/proc/PID` is a process. Checks of what
//! hides all the rest (processes, tools, modules, libraries) find one thing together. A finding also belongs to what it names:
//! - a startup line to the program that it starts, and to the address from which it fetches;
//! - a process to an ancestor that is accused itself. The first process and daemons that the system starts everybody's programs
//!   with are nobody's parents, nor is a victim;
//! - a process that is traced to who traces it.
//!
//! Findings about one file, or about a program and a startup file of its name, are joined unless they are about two processes
//! already: two intruders may use one `/etc/rc.local`. What a client does is joined with nothing of the router itself, though
//! both speak to one address: these are two devices to clean. A notice joins one incident at most, and brings no two together.
//!
//! # What is an incident
//! Findings of which one is `infected`, or two or more of which one is `suspicious`. A lone suspicious finding tells its story
//! itself, and notices never make an incident.
//!
//! # How bad it is
//! As the worst of its findings. Suspicious ones together are `infected` where they agree of one process, or of processes of one
//! program, in four things at once: it is started at boot or by a timer, it runs from where nothing stays, it goes by another's
//! name or has removed its file (an upgrade puts another there), and it has to do with the network. Three are not enough, nor
//! are four of several processes: people with little flash have scripts that fetch a VPN to `/tmp` at boot, and
//! administrators run a BusyBox from there. Such an incident makes the run's verdict and exit status `infected`, as story and
//! status have to agree; the counts of the summary stay those of findings.
//!
//! # What has no room
//! Findings wait in a buffer until all are told. Of one check and severity a share is joined, so that a flood of one kind pushes
//! out no other, and a worse one takes the place of the mildest. What is not joined still waits where there is room, and is
//! reported at once where there is none; those of them that accuse are counted ([`Incidents::unjoined`]).

mod join;
mod keys;
mod story;
mod words;

use super::{Advice, Event, Finding, Incident, Severity, wire};
use crate::facts::chains::key;
use crate::facts::text::Bytes;
use crate::limits::{
    CHECKS, FRAME_BYTES, HELD_BYTES, HELD_FINDINGS, HELD_INFECTED, HELD_KEYS, HELD_LOOSE, HELD_SHARE,
    HELD_VERDICTS, STORY_BYTES,
};

use join::{Group, Kept};
use story::Story;

/// The findings and verdicts of a run, until all are told; large, so it lives in `.bss`.
#[derive(Debug)]
pub struct Incidents {
    frames: [u8; HELD_BYTES],
    used: usize,
    held: heapless::Vec<Kept, HELD_FINDINGS>,
    /// Where the frames of findings begin that wait and are not joined.
    loose: heapless::Vec<u32, HELD_LOOSE>,
    /// Where the frames of verdicts begin.
    verdicts: heapless::Vec<u32, CHECKS>,
    /// How many findings each check has had, of each severity.
    shares: [[u16; 3]; CHECKS],
    keys: heapless::Vec<(keys::Key, u16), HELD_KEYS>,
    unjoined: u32,
}

/// What is told at the end.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub enum Told<'a> {
    /// An incident. Its findings follow, as many as it says.
    Incident(&'a Incident<'a>),
    /// A finding or a verdict that was held.
    Event(&'a Event<'a>),
}

impl Default for Incidents {
    fn default() -> Self {
        Self::new()
    }
}

impl Incidents {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frames: [0; HELD_BYTES],
            used: 0,
            held: heapless::Vec::new(),
            loose: heapless::Vec::new(),
            verdicts: heapless::Vec::new(),
            shares: [[0; 3]; CHECKS],
            keys: heapless::Vec::new(),
            unjoined: 0,
        }
    }

    /// Forgets an earlier run.
    pub fn clear(&mut self) {
        (self.used, self.unjoined, self.shares) = (0, 0, [[0; 3]; CHECKS]);
        self.held.clear();
        self.loose.clear();
        self.verdicts.clear();
    }

    /// Keeps a finding or a verdict until the end, if there is room; `index` finds a check's place in the table.
    pub fn hold(&mut self, event: &Event<'_>, index: &dyn Fn(&str) -> Option<usize>) -> bool {
        match event {
            Event::Finding(finding) => {
                self.hold_finding(event, finding, index(finding.check))
                    || self.hold_loose(event, finding.severity)
            }
            Event::Check(_) if !self.verdicts.is_full() => match self.append(event, 0) {
                Some(at) => self.verdicts.push(at).is_ok(),
                None => false,
            },
            _ => false,
        }
    }

    /// Keeps a finding that will be joined.
    fn hold_finding(&mut self, event: &Event<'_>, finding: &Finding<'_>, check: Option<usize>) -> bool {
        let share = match finding.severity {
            Severity::Notice => 0,
            Severity::Suspicious => 1,
            Severity::Infected => 2,
        };
        let Some(share) = check.and_then(|check| self.shares.get_mut(check)?.get_mut(share)) else {
            return false;
        };
        *share = share.saturating_add(1);
        if usize::from(*share) > HELD_SHARE {
            return false;
        }
        let numbers =
            [finding.pid.unwrap_or_default(), finding.line.unwrap_or_default()].map(u32::to_le_bytes);
        let order = key(&[finding.path, finding.name, finding.detail, numbers.as_flattened()]);
        let check = u8::try_from(check.unwrap_or_default()).unwrap_or(u8::MAX);
        let mut kept =
            Kept { at: 0, severity: finding.severity, check, order, up: 0, process: false, told: false };
        let full = self.held.is_full();
        if full && (self.loose.is_full() || !self.held.last().is_some_and(|last| kept.is_before(last))) {
            return false;
        }
        let left = if finding.severity == Severity::Infected { HELD_VERDICTS } else { HELD_INFECTED };
        let Some(at) = self.append(event, left) else { return false };
        kept.at = at;
        if let Some(mildest) = if full { self.held.pop() } else { None } {
            let _ = self.loose.push(mildest.at);
            self.count(mildest.severity);
        }
        let place = self.held.iter().take_while(|other| !kept.is_before(other)).count();
        self.held.insert(place, kept).is_ok()
    }

    /// Keeps a finding that will be told alone.
    fn hold_loose(&mut self, event: &Event<'_>, severity: Severity) -> bool {
        self.count(severity);
        if self.loose.is_full() {
            return false;
        }
        self.append(event, HELD_BYTES.div_euclid(2)).is_some_and(|at| self.loose.push(at).is_ok())
    }

    fn count(&mut self, severity: Severity) {
        let accuses = u32::from(severity > Severity::Notice);
        self.unjoined = self.unjoined.saturating_add(accuses);
    }

    /// Puts a frame behind the others, where so many bytes are left then.
    fn append(&mut self, event: &Event<'_>, left: usize) -> Option<u32> {
        // What is larger than a frame may be is read by nobody.
        let room = HELD_BYTES.checked_sub(left)?.min(self.used.saturating_add(FRAME_BYTES));
        let frame = wire::encode(event, self.frames.get_mut(self.used..room)?).ok()?.len();
        let at = u32::try_from(self.used).ok()?;
        self.used = self.used.saturating_add(frame);
        Some(at)
    }

    /// How many findings that accuse are in no incident because there was no room. Complete once all is told.
    #[must_use]
    pub const fn unjoined(&self) -> u32 {
        self.unjoined
    }

    /// Tells the incidents, the worst first, each with its findings behind it; then what belongs to none, then verdicts.
    pub fn tell(&mut self, advice: &dyn Fn(&str) -> Advice, each: &mut dyn FnMut(Told<'_>)) {
        join::join(&self.frames, &mut self.held, &mut self.keys);
        let groups = join::groups(&self.frames, &self.held, advice);
        self.unjoined = self.unjoined.saturating_add(groups.beyond);
        for (number, group) in (1_u32..).zip(&groups.told) {
            self.tell_one(number, group, each);
        }
        for kept in self.held.iter().filter(|kept| !kept.told) {
            if let Some(finding) = join::finding(&self.frames, kept) {
                each(Told::Event(&Event::Finding(finding)));
            }
        }
        let frames = |at: &u32| self.frames.get(usize::try_from(*at).ok()?..);
        for frame in self.loose.iter().chain(&self.verdicts).filter_map(frames) {
            if let wire::Next::Event(event, _) = wire::next(frame) {
                each(Told::Event(&event));
            }
        }
    }

    fn tell_one(&mut self, number: u32, group: &Group, each: &mut dyn FnMut(Told<'_>)) {
        for at in 0..self.held.len() {
            let own = join::top(&self.held, at) == group.first;
            if let Some(kept) = self.held.get_mut(at).filter(|_| own) {
                kept.told = true;
            }
        }
        let members = || join::members(&self.frames, &self.held, group.first);
        let story = Story::of(&members);
        let (mut text, mut checks) = (Bytes::<STORY_BYTES>::new(), heapless::Vec::<&str, CHECKS>::new());
        story.tell(&members, &mut text);
        for finding in members() {
            if !checks.contains(&finding.check) {
                let _ = checks.push(finding.check);
            }
        }
        let advice: heapless::Vec<&str, { super::advice::MOST }> = group.advice.sentences().collect();
        each(Told::Incident(&Incident {
            number,
            severity: group.severity,
            family: story.family,
            checks: &checks,
            findings: group.findings,
            follow: group.follow,
            pid: story.lead.pid,
            path: story.lead.path,
            started_by: story
                .start
                .map(|start| (start.path, start.line.unwrap_or_default()))
                .unwrap_or_default(),
            remote: story.speaks.or(story.lead.remote),
            client: story.lead.client,
            story: text.as_slice(),
            advice: &advice,
        }));
        for finding in members() {
            each(Told::Event(&Event::Finding(finding)));
        }
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
