//! What happened, in a sentence or two: who it is, what starts it, to whom it speaks, and what else was seen.

use core::fmt::Write;

use super::super::{Finding, Severity};
use super::keys;
use super::words::{DETAIL, Out, WORD, claimed, client, cut, place, reference, shown, subject, word};
use crate::facts::endpoint::Endpoint;
use crate::facts::process::Owner;
use crate::facts::text::basename;

/// Findings that are told in words of the story; of the others the ids are named, so many of them.
const OTHERS: usize = 8;

/// What a finding about a process says of it, in a word or two behind its program.
const TRAITS: [(&str, &str); 7] = [
    (DELETED, "deleted"),
    ("exe-memfd", "never had a file"),
    ("exe-known-bad", "listed by its hash"),
    ("exe-unowned", "in no image or package"),
    ("exe-packed", "packed"),
    ("fake-kthread", "poses as a kernel thread"),
    ("process-hidden", "hidden"),
];

const DELETED: &str = "exe-deleted";

/// Checks that find how something is started, the most telling first.
const STARTS: [&str; 11] = [
    "startup-volatile",
    "startup-dropper",
    "cron-odd",
    "inittab-odd",
    "kernel-helper",
    "config-include",
    "startup-encoded",
    "startup-added",
    "startup-changed",
    "startup-backdoor",
    "web-shell",
];

/// Checks that find to whom something speaks, and how that is said.
const SPEAKS: [(&str, &str); 4] = [
    ("c2-address", "speaks to "),
    ("c2-client", "speaks to "),
    ("socket-shell", "takes commands from "),
    ("relay", "passes strangers on, as to "),
];

/// Hands out the findings of an incident, the worst first.
pub type Members<'m, I> = &'m dyn Fn() -> I;

/// What a story is made of.
pub struct Story<'a> {
    /// The finding that it is about first of all.
    pub lead: Finding<'a>,
    /// The likely family; empty where none is named.
    pub family: &'a [u8],
    /// The finding that tells how it is started.
    pub start: Option<Finding<'a>>,
    /// To whom the one speaks that it is about.
    pub speaks: Option<Endpoint>,
}

impl<'a> Story<'a> {
    /// What these findings are about.
    pub fn of<I: Iterator<Item = Finding<'a>>>(members: Members<'_, I>) -> Self {
        let mut lead = Finding::NOTHING;
        // The process of the intruder before one that it uses, any process before files, a start before other files.
        let weight = |finding: &Finding<'_>| {
            let vouched = finding.owner.is_some_and(Owner::vouches);
            match finding.pid {
                Some(_) if !vouched && finding.check != "process-hidden" => 5,
                Some(_) => 4,
                None if STARTS.contains(&finding.check) => 3,
                None if !finding.path.is_empty() => 2,
                None => 1,
            }
        };
        let accuses = |finding: &Finding<'_>| finding.severity > Severity::Notice;
        for finding in members().filter(accuses) {
            if lead.check.is_empty() || weight(&finding) > weight(&lead) {
                lead = finding;
            }
        }
        let family = members().map(|finding| finding.family).find(|family| !family.is_empty());
        let speaks = SPEAKS.iter().find_map(|(check, _)| {
            let speaker = speaker(check, &lead, members).filter(|it| accuses(it) && is_of(&lead, it));
            speaker.map(|finding| (finding.pid, finding.remote))
        });
        // Of several processes of a program it is about the one that speaks: what is said of one is its own.
        if let Some((pid, _)) = speaks.filter(|(pid, _)| *pid != lead.pid) {
            lead = members().filter(accuses).find(|finding| finding.pid == pid).unwrap_or(lead);
        }
        let speaks = speaks.and_then(|(_, remote)| remote);
        Self { lead, family: family.unwrap_or_default(), start: start(&lead, members), speaks }
    }

    /// Tells it.
    pub fn tell<I: Iterator<Item = Finding<'a>>>(&self, members: Members<'_, I>, out: &mut Out) {
        let mut said = heapless::Vec::<&str, { STARTS.len() + TRAITS.len() + SPEAKS.len() + 4 }>::new();
        let start = self.start;
        if self.lead.pid.is_some() {
            self.process(members, &mut said, out);
        } else if keys::is_clients(&self.lead) {
            out.push(b"client ");
            client(&self.lead, out);
        }
        match start {
            Some(start) if !out.is_empty() => {
                out.push(b", started by ");
                self.startup(&start, members, &mut said, out);
            }
            Some(start) => {
                self.startup(&start, members, &mut said, out);
                out.push(b": ");
                cut(start.detail, DETAIL, out);
            }
            None => {}
        }
        // What it does itself comes before what others do.
        for ((check, words), others) in
            [false, true].into_iter().flat_map(|others| SPEAKS.map(|it| (it, others)))
        {
            let Some(speaks) = speaker(check, &self.lead, members) else { continue };
            let other = speaks.pid != self.lead.pid;
            if other != others {
                continue;
            }
            if !out.is_empty() {
                out.push(b", ");
            }
            match speaks.pid {
                Some(pid) if other => drop(write!(out, "pid {pid} ")),
                None if other || out.is_empty() => out.push(b"somebody "),
                _ => {}
            }
            out.push(words.as_bytes());
            if let Some(end) = speaks.remote {
                let _ = write!(out, "{end}");
            }
            if check.starts_with("c2-") {
                out.push(if speaks.family.is_empty() { b" (listed" } else { b" (listed: " });
                cut(speaks.family, WORD, out);
                out.push(b")");
            }
            note(check, &mut said);
        }
        if out.is_empty() {
            subject(&self.lead, out);
        }
        // The first of which nothing is told yet, in its own words. Of the line that starts it all is told.
        let told = |finding: &Finding<'_>| {
            let same = |start: &Finding<'_>| {
                finding.pid.is_none() && start.path == finding.path && start.line == finding.line
            };
            finding.severity == Severity::Notice
                || said.contains(&finding.check)
                || start.as_ref().is_some_and(same)
        };
        if let Some(more) = members().find(|finding| !told(finding)) {
            let first = said.is_empty();
            out.push(if first { b": " } else { b"; " });
            match more.pid {
                Some(pid) if !first && more.pid != self.lead.pid => {
                    let _ = write!(out, "pid {pid}: ");
                }
                None if !first && !more.path.is_empty() && more.path != self.lead.path => {
                    place(&more, out);
                    out.push(b": ");
                }
                _ => {}
            }
            cut(more.detail, DETAIL, out);
            note(more.check, &mut said);
        }
        self.others(members, &said, out);
        out.push(b".");
    }

    /// `pid 812 (/tmp/.x, deleted, calls itself dropbear)`, and how many more there are.
    fn process<I: Iterator<Item = Finding<'a>>>(
        &self,
        members: Members<'_, I>,
        said: &mut dyn Said<'a>,
        out: &mut Out,
    ) {
        let pid = self.lead.pid.unwrap_or_default();
        let own = || members().filter(|finding| finding.pid == Some(pid));
        let _ = write!(out, "pid {pid}");
        let path = own().map(|finding| finding.path).find(|path| !path.is_empty()).unwrap_or_default();
        let mut open = false;
        let mut part = |out: &mut Out| {
            out.push(if open { b", " } else { b" (" });
            open = true;
        };
        if !path.is_empty() || !self.lead.name.is_empty() {
            part(out);
            shown(if path.is_empty() { self.lead.name } else { path }, out);
            said.note("exe-volatile");
        }
        for (check, words) in TRAITS {
            if own().any(|finding| finding.check == check) {
                part(out);
                let replaced = check == DELETED && own().any(|finding| keys::is_replaced(&finding));
                out.push(if replaced { b"replaced" } else { words.as_bytes() });
                said.note(check);
            }
        }
        if let Some(claims) = own().find(|finding| finding.check == "name-mismatch") {
            part(out);
            out.push(b"calls itself ");
            word(claimed(&claims), out);
            said.note(claims.check);
        } else if !self.lead.name.is_empty() && !path.is_empty() && self.lead.name != basename(path) {
            part(out);
            out.push(b"shown as ");
            word(self.lead.name, out);
        }
        if open {
            out.push(b")");
        }
        let others = members().filter(|finding| finding.pid.is_some_and(|other| other != pid));
        let mut seen = heapless::Vec::<u32, 16>::new();
        let mut full = false;
        for other in others.filter_map(|finding| finding.pid) {
            if !seen.contains(&other) {
                full |= seen.push(other).is_err();
            }
        }
        if !seen.is_empty() {
            let (at_least, many) =
                (if full { "more than " } else { "" }, if seen.len() == 1 { "" } else { "es" });
            let _ = write!(out, " and {at_least}{} other process{many}", seen.len());
        }
    }

    /// `/etc/rc.d/S99y:3 (not in the image)`
    fn startup<I: Iterator<Item = Finding<'a>>>(
        &self,
        start: &Finding<'a>,
        members: Members<'_, I>,
        said: &mut dyn Said<'a>,
        out: &mut Out,
    ) {
        place(start, out);
        let service = keys::service(start);
        let same = |finding: &Finding<'_>| {
            finding.path == start.path || service.is_some() && keys::service(finding) == service
        };
        for (check, words) in [("startup-added", "not in the "), ("startup-changed", "other than in the ")] {
            let Some(file) = members().find(|finding| finding.check == check && same(finding)) else {
                continue;
            };
            out.push(b" (");
            out.push(words.as_bytes());
            out.push(reference(file.detail));
            out.push(b")");
            said.note(check);
            break;
        }
        said.note(start.check);
    }

    /// The checks of which nothing was said, by name.
    fn others<I: Iterator<Item = Finding<'a>>>(&self, members: Members<'_, I>, said: &[&str], out: &mut Out) {
        let mut named = heapless::Vec::<&str, OTHERS>::new();
        let mut left = 0_u32;
        for finding in members().filter(|finding| !said.contains(&finding.check)) {
            if named.contains(&finding.check) {
                continue;
            }
            if named.push(finding.check).is_err() {
                left = left.saturating_add(1);
                continue;
            }
            out.push(if named.len() == 1 { b". Also: " } else { b", " });
            out.push(finding.check.as_bytes());
        }
        if left > 0 {
            out.push(b" and others");
        }
    }
}

/// The finding that tells how it is started. Where several programs are in it, one that names this one or its service: who
/// is started by another says nothing of this one.
fn start<'a, I: Iterator<Item = Finding<'a>>>(
    lead: &Finding<'_>,
    members: Members<'_, I>,
) -> Option<Finding<'a>> {
    let all = || {
        STARTS.iter().flat_map(move |check| {
            members().filter(move |finding| finding.check == *check && finding.pid.is_none())
        })
    };
    let program = if keys::is_program(lead) { lead.path } else { b"" };
    let names = |finding: &Finding<'a>| !program.is_empty() && keys::names(finding, program);
    let alone = || members().all(|finding| finding.pid.is_none() || keys::is_same_program(lead, &finding));
    let starts = || all().find(|finding| keys::starts(finding, lead));
    all().find(names).or_else(starts).or_else(|| all().next().filter(|_| lead.pid.is_none() || alone()))
}

/// Who speaks to somebody: the one that it is about, if it does.
fn speaker<'a, I: Iterator<Item = Finding<'a>>>(
    check: &str,
    lead: &Finding<'_>,
    members: Members<'_, I>,
) -> Option<Finding<'a>> {
    let all = || members().filter(move |finding| finding.check == check && finding.remote.is_some());
    let own = || all().find(|finding| finding.pid == lead.pid);
    own().or_else(|| all().find(|finding| is_of(lead, finding))).or_else(|| all().next())
}

/// Whether what a finding says is said of the one that a story is about.
fn is_of(lead: &Finding<'_>, finding: &Finding<'_>) -> bool {
    finding.pid == lead.pid || keys::is_same_program(lead, finding)
}

/// Remembers checks of which something was said.
trait Said<'a> {
    fn note(&mut self, check: &'a str);
}

impl<'a, const N: usize> Said<'a> for heapless::Vec<&'a str, N> {
    fn note(&mut self, check: &'a str) {
        note(check, self);
    }
}

fn note<'a>(check: &'a str, said: &mut heapless::VecView<&'a str>) {
    if !said.contains(&check) {
        let _ = said.push(check);
    }
}
