//! One look at the machine: starts the process that looks, hands what it tells to the sinks, comes to a verdict. A
//! looking process that dies or is late is no silence: what it had told is joined and reported, and the run is incomplete.

use std::sync::Mutex;

use gatewatch::checks;
use gatewatch::limits::FRAME_BYTES;
use gatewatch::report::allow::{Allowed, Term};
use gatewatch::report::incident::{Incidents, Told};
use gatewatch::report::{Advice, CheckReport, Event, Looked, Rest, Sink, Source, Tally, Verdict, wire};

use crate::args::Scan;
use crate::sys::child::{self, Child, Ending, Received};
use crate::sys::clock;
use crate::sys::fd::fault;
use crate::{VERSION, lock, look};

// Large buffers lie in .bss: a page of them costs memory only once it is used.
static FRAMES: Mutex<[u8; 2 * FRAME_BYTES]> = Mutex::new([0; 2 * FRAME_BYTES]);

static INCIDENTS: Mutex<Incidents> = Mutex::new(Incidents::new());

/// Looks once and tells everything to `sinks`, which keep what fails to themselves.
pub fn once(scan: &Scan, device: &str, sinks: &mut dyn Sink) -> Verdict {
    let started = clock::monotonic_us();
    let mut frames = lock(&FRAMES);
    let own = std::process::id();
    let mut tally = Tally::default();
    let mut incidents = lock(&INCIDENTS);
    incidents.clear();
    let now = clock::believable();
    let timeout_us = scan.timeout_s.saturating_mul(1_000_000);
    let child = child::may_start().then(|| child::start(timeout_us, |pipe| look::look(scan, pipe, own)));
    let why = match child {
        None => Some("earlier looks are stuck, and what they read does not answer".to_owned()),
        Some(Ok(child)) => relay(child, &mut *frames, &mut |event| {
            tell(event, scan, now, &mut tally, &mut incidents, sinks);
        }),
        Some(Err(errno)) => Some(format!("no process could be started: {}", fault(errno))),
    };
    let why = why.unwrap_or_default();
    incidents.tell(&advice, &mut |told| match told {
        Told::Incident(incident) => {
            tally.incident(incident.severity);
            let _ = sinks.incident(incident);
        }
        Told::Event(event) => {
            let _ = sinks.late(event);
        }
    });
    let checks = complete(scan, &why, &mut tally, sinks);
    let elapsed_us = clock::monotonic_us().saturating_sub(started);
    let rest = Rest {
        checks,
        least: scan.least,
        unjoined: incidents.unjoined(),
        device,
        version: VERSION,
        elapsed_us,
        broken_off: &why,
        skipped: scan.skipped,
        test: false,
    };
    let summary = tally.summary(clock::believable(), rest);
    let _ = sinks.summary(&summary);
    summary.verdict
}

/// Counts one event, hands it to the sinks and keeps it for the incidents. What the owner allows is no finding, of the run, of
/// its check or of an incident.
fn tell(
    event: &Event<'_>,
    scan: &Scan,
    now: Option<u64>,
    tally: &mut Tally,
    incidents: &mut Incidents,
    sinks: &mut dyn Sink,
) {
    let event = match event {
        Event::Finding(finding) => {
            let counts = |entry: &&Allowed| entry.term(now) == Term::Counts && entry.covers(finding);
            if let Some(entry) = scan.allow.iter().find(counts) {
                tally.allow(checks::index(finding.check));
                let _ = sinks.allowed(finding, entry.reason.as_slice());
                return;
            }
            *event
        }
        Event::Check(report) => {
            let allowed = tally.allowed(checks::index(report.check));
            Event::Check(CheckReport { findings: report.findings.saturating_sub(allowed), ..*report })
        }
        other => *other,
    };
    tally.event(&event, checks::index);
    let _ = sinks.event(&event);
    if !incidents.hold(&event, &checks::index) {
        let _ = sinks.late(&event);
    }
}

/// Hands every event of the child to `each`. Returns why the run ended before everything was told, if it did.
fn relay(child: Child, frames: &mut [u8], each: &mut dyn FnMut(&Event<'_>)) -> Option<String> {
    let (mut filled, mut ended, mut late) = (0_usize, false, false);
    let mut broken = None;
    while broken.is_none() {
        match child.receive(frames.get_mut(filled..).unwrap_or_default()) {
            Ok(Received::Bytes(count)) => filled = filled.saturating_add(count),
            Ok(Received::End) => break,
            Ok(Received::Late) => {
                late = true;
                break;
            }
            Ok(Received::Asked) => broken = Some("it was asked to end".to_owned()),
            Err(errno) => broken = Some(format!("the looking process could not be heard: {}", fault(errno))),
        }
        let mut used = 0_usize;
        loop {
            match wire::next(frames.get(used..filled).unwrap_or_default()) {
                wire::Next::Event(event, length) => {
                    ended |= event == Event::End;
                    each(&event);
                    used = used.saturating_add(length);
                }
                wire::Next::More => break,
                wire::Next::Garbage => {
                    broken = Some("the looking process told nonsense".to_owned());
                    break;
                }
            }
        }
        frames.copy_within(used..filled, 0);
        filled = filled.saturating_sub(used);
    }
    let ending = child.finish(late || broken.is_some());
    match (broken, late, ending) {
        (Some(why), ..) => Some(why),
        (None, true, Ending::Stuck) => {
            Some("time ran out, and what was being read does not answer".to_owned())
        }
        (None, true, _) => Some("time ran out".to_owned()),
        _ if ended => None,
        (None, false, Ending::Killed(signal)) => Some(format!("the looking process was ended by {signal}")),
        (None, false, _) => Some("the looking process gave up".to_owned()),
    }
}

/// What a check says is to be done.
fn advice(check: &str) -> Advice {
    let row = checks::index(check).and_then(|index| checks::ALL.get(index));
    row.map_or(Advice::default(), |row| row.advice)
}

/// Speaks for the checks that did not come to it. Returns how many were asked for.
fn complete(scan: &Scan, why: &str, tally: &mut Tally, sinks: &mut dyn Sink) -> u32 {
    let stage = tally.stage();
    let mut asked = 0_u32;
    for (index, check) in checks::ALL.iter().enumerate().filter(|(index, _)| scan.selection.has(*index)) {
        asked = asked.saturating_add(1);
        if tally.has_reported(index) {
            continue;
        }
        // What it is about comes first among its sources.
        let begun = check.sources.first().is_some_and(|source| tally.has_begun(*source));
        let looked = if begun { Looked::Partly } else { Looked::No };
        let at = stage.map_or("the beginning", Source::words);
        let why = format!("the scan ended at {at}: {why}");
        let findings = tally.found(index);
        let report = CheckReport { check: check.id, looked, why: why.as_bytes(), facts: 0, findings };
        tally.event(&Event::Check(report), checks::index);
        let _ = sinks.event(&Event::Check(report)).and_then(|()| sinks.late(&Event::Check(report)));
    }
    asked
}
