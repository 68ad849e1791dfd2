//! `gatewatch selftest`: sends a marked finding where reports go, then plants two harmless symptoms and looks whether they
//! are found. It is the one command that writes anything: in a directory that it makes for itself, and removes.

mod planted;

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::report::{
    CheckReport, Counts, Event, Finding, Incident, Looked, Rest, SELFTEST, Severity, Sink, SinkFault,
    Summary, Tally, Verdict,
};

use crate::args::{Format, Scan};
use crate::diagnosis::{Report, State};
use crate::sinks;
use crate::sys::clock;
use crate::{VERSION, run as look};

pub use planted::stand;

/// Does what was asked for; returns the exit status.
#[inline(never)]
pub fn run(scan: &Scan) -> u8 {
    // A test is no report: it replaces none, and no collector takes it for what was found here. And it is told, however mild.
    let format = if scan.format.is_of_lines() { scan.format } else { Format::Text };
    let scan = &Scan { format, output: None, least: Severity::Notice, ..scan.clone() };
    let mut report = Report::new(scan);
    let device = sinks::device(scan);
    let ((), told) = sinks::reported(scan, &device, |sinks| send(&device, sinks));
    if !told {
        let help = "gatewatch doctor tells which, and why";
        report.say(State::Broken, "report", format_args!("a test finding does not reach all places"), help);
    } else {
        let mut places = "standard output".to_owned();
        for place in &scan.syslog {
            places = format!("{places}, {place}");
        }
        let help = if scan.syslog.is_empty() { "reports go to no log: give --syslog" } else { "" };
        report.say(State::Good, "report", format_args!("a test finding was sent to {places}"), help);
    }
    planted::find(scan, &device, &mut report);
    let told = report.end();
    if told && report.worst < State::Broken { 0 } else { Verdict::Incomplete.exit_status() }
}

/// Says a test finding and a last word, both marked.
pub fn send(device: &str, sinks: &mut dyn Sink) {
    let finding = Finding {
        check: SELFTEST,
        attack: "-",
        pid: Some(std::process::id()),
        name: b"gatewatch",
        detail: b"a test of the way that reports take; nothing was found",
        ..Finding::NOTHING
    };
    let check = CheckReport { check: SELFTEST, looked: Looked::Yes, why: b"", facts: 1, findings: 1 };
    let events = [Event::Finding(finding), Event::Check(check), Event::Counts(Counts::default()), Event::End];
    let mut tally = Tally::default();
    for event in &events {
        tally.event(event, |_| None);
        let _ = sinks.event(event).and_then(|()| sinks.late(event));
    }
    let rest = Rest { checks: 1, device, version: VERSION, test: true, ..Rest::default() };
    let _ = sinks.summary(&tally.summary(clock::believable(), rest));
}

/// Looks with one check only, telling nobody but `sink`.
fn look_with(scan: &Scan, check: &str, device: &str, sink: &mut dyn Sink) -> Verdict {
    let selection = checks::index(check).map_or(Selection::NONE, |index| Selection::NONE.with(index));
    // What the owner allows must be found too.
    let scan = Scan { selection, allow: Vec::new(), ..scan.silent() };
    look::once(&scan, device, sink)
}

/// Hears whether a check finds what was planted.
struct Wanted<'w> {
    is: &'w dyn Fn(&Finding<'_>) -> bool,
    found: bool,
    /// How well the check looked.
    looked: Option<Looked>,
}

impl Sink for Wanted<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => self.found |= (self.is)(finding),
            Event::Check(check) => self.looked = Some(check.looked),
            _ => {}
        }
        Ok(())
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(())
    }

    fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
        Ok(())
    }
}
