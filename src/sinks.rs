//! Where a run reports to: standard output or a file in one format, syslog, each until it fails.

use std::io::IsTerminal;
use std::sync::Mutex;

use gatewatch::checks;
use gatewatch::host::Fault;
use gatewatch::limits::JSON_BYTES;
use gatewatch::report::cef::{About, Cef};
use gatewatch::report::json::Json;
use gatewatch::report::nagios::{self, Nagios};
use gatewatch::report::prom::{self, Prom};
use gatewatch::report::text::{Style, Text};
use gatewatch::report::{Event, Finding, Incident, Severity, Sink, SinkFault, Summary};

use crate::args::{self, Format, Scan};
use crate::outbox::Outbox;
use crate::output::{Output, Readers};
use crate::sys::clock;
use crate::sys::fd::Buffered;
use crate::{VERSION, complain, lock};

/// Where a line of JSON is made.
pub static LINE: Mutex<[u8; JSON_BYTES]> = Mutex::new([0; JSON_BYTES]);
static PLUGIN: Mutex<nagios::Store> = Mutex::new(nagios::Store::new());
static METRICS: Mutex<prom::Store> = Mutex::new(prom::Store::new());

/// The name of the sink that is no log.
const REPORT: &str = "standard output";

/// What a check sees, by its id.
fn title(id: &str) -> &'static str {
    checks::index(id).and_then(|index| checks::ALL.get(index)).map_or("", |check| check.title)
}

/// The time to report in that is left to a scan that has used up its own.
pub const REPORT_US: u64 = 2_000_000;

/// Opens all that was asked for, hands it to `run`, and waits until what goes by syslog has arrived, as long as a scan may take.
/// Says besides whether all was told.
pub fn reported<T>(scan: &Scan, device: &str, run: impl FnOnce(&mut Sinks<'_>) -> T) -> (T, bool) {
    let begun_us = clock::monotonic_us();
    let mut outbox = Outbox::open(&scan.syslog, device);
    let (done, failed) = with(scan, device, &mut outbox, |sinks| (run(sinks), sinks.failed));
    let spent_us = clock::monotonic_us().saturating_sub(begun_us);
    let left_us = scan.timeout_s.saturating_mul(1_000_000).saturating_sub(spent_us);
    let arrived = outbox.settle(left_us.max(REPORT_US));
    (done, arrived && !failed)
}

/// Opens the format that was asked for, and hands it to `run` together with what goes by syslog. What cannot be opened is
/// said, and leaves `failed` set.
pub fn with<T>(
    scan: &Scan,
    device: &str,
    outbox: &mut Outbox<'_>,
    run: impl FnOnce(&mut Sinks<'_>) -> T,
) -> T {
    let mut line = lock(&LINE);
    let (mut plugin, mut metrics) = (lock(&PLUGIN), lock(&METRICS));
    let readers = if scan.format == Format::Prom { Readers::All } else { Readers::Owner };
    let output = Output::new(scan.output.as_ref(), readers);
    let mut sinks = Sinks { output: Some(&output), least: scan.least, ..Sinks::default() };
    let writer = || Buffered::new(&output);
    let colour = !scan.no_color
        && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
        && output.is_stdout()
        && std::io::stdout().is_terminal();
    let style = Style { colour, quiet: scan.quiet, verdicts: scan.verbose };
    let (mut text, mut json, mut nagios, mut prom, mut cef);
    let report: Option<&mut dyn Sink> = match scan.format {
        Format::Text => {
            text = Text::new(writer(), style);
            Some(&mut text)
        }
        Format::Json => {
            json = Json::new(writer(), &mut line, scan.verbose);
            Some(&mut json)
        }
        Format::Nagios => {
            nagios = Nagios::new(writer(), &mut plugin, scan.quiet, scan.verbose);
            Some(&mut nagios)
        }
        Format::Prom => {
            prom = Prom::new(writer(), &mut metrics, clock::believable);
            Some(&mut prom)
        }
        Format::Cef => {
            let about = About { device, version: VERSION, title, now: clock::believable };
            cef = Cef::new(writer(), about, scan.verbose);
            Some(&mut cef)
        }
        Format::Silent => None,
    };
    if output.is_lost() {
        complain(format_args!("{output}"));
        (sinks.failed, sinks.lost) = (true, !outbox.has_destinations());
    } else if let Some(report) = report {
        sinks.add(REPORT, report);
    }
    if outbox.has_destinations() {
        sinks.add("syslog", outbox);
    }
    run(&mut sinks)
}

/// Who speaks: a tree has no name of its own.
pub fn device(scan: &Scan) -> String {
    match (&scan.device, &scan.root) {
        (Some(device), _) => device.clone(),
        (None, Some(_)) => "-".to_owned(),
        (None, None) => own_name(),
    }
}

/// The name of this machine, as a device id.
pub fn own_name() -> String {
    args::device_of(nix::sys::utsname::uname().map(|name| name.nodename().to_owned()).unwrap_or_default())
}

/// Where a run reports to. As a sink it never fails: it says what does, and remembers it.
#[derive(Default)]
pub struct Sinks<'s> {
    sinks: Vec<(&'static str, &'s mut dyn Sink)>,
    /// Where the one goes that is no log.
    output: Option<&'s Output<'s>>,
    /// The mildest findings that are told.
    least: Severity,
    /// One of them has failed.
    pub failed: bool,
    /// The one that was there to be kept has: the log, where there is one. Standard output of a program that stays may be that of
    /// somebody who has left.
    pub lost: bool,
}

impl<'s> Sinks<'s> {
    fn add(&mut self, name: &'static str, sink: &'s mut dyn Sink) {
        self.sinks.push((name, sink));
    }

    /// Says something to each; one that fails is left out from then on.
    fn each(&mut self, mut say: impl FnMut(&mut dyn Sink) -> Result<(), SinkFault>) {
        let Self { sinks, failed, lost, output, .. } = self;
        let only_one = sinks.len() == 1;
        sinks.retain_mut(|(name, sink)| {
            let Err(fault) = say(*sink) else { return true };
            *failed = true;
            *lost |= only_one || *name != REPORT;
            if let Some(output) = output.filter(|output| *name == REPORT && !output.is_stdout()) {
                output.lose(Fault::Large);
                complain(format_args!("{output}"));
                return false;
            }
            let why = match fault {
                SinkFault::Write => "does not take the report",
                SinkFault::TooLarge => "has no room for a line of the report",
            };
            complain(format_args!("{name} {why}; it is incomplete there"));
            false
        });
    }

    /// Says something that is no news to the report alone.
    #[cfg(feature = "monitor")]
    pub fn known(&mut self, mut say: impl FnMut(&mut dyn Sink) -> Result<(), SinkFault>) {
        let report = self.sinks.iter().position(|(name, _)| *name == REPORT);
        let mut at = 0_usize;
        self.each(|sink| {
            let is_report = Some(at) == report;
            at = at.saturating_add(1);
            if is_report { say(sink) } else { Ok(()) }
        });
    }

    /// Whether what is so bad is to be told.
    pub fn shows(&self, severity: Severity) -> bool {
        severity >= self.least
    }

    /// Whether an event is a finding that is not to be told.
    pub fn is_mild(&self, event: &Event<'_>) -> bool {
        matches!(event, Event::Finding(finding) if !self.shows(finding.severity))
    }
}

/// What is too mild is not told. Whoever does not wait is told as it comes.
impl Sink for Sinks<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        if !self.is_mild(event) {
            self.each(|sink| if sink.waits() { Ok(()) } else { sink.event(event) });
        }
        Ok(())
    }

    fn late(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        if !self.is_mild(event) {
            self.each(|sink| if sink.waits() { sink.event(event) } else { Ok(()) });
        }
        Ok(())
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        if incident.severity >= self.least {
            let incident = incident.without_milder_than(self.least);
            self.each(|sink| sink.incident(&incident));
        }
        Ok(())
    }

    fn allowed(&mut self, finding: &Finding<'_>, reason: &[u8]) -> Result<(), SinkFault> {
        self.each(|sink| sink.allowed(finding, reason));
        Ok(())
    }

    /// Then a file is whole, and takes its place.
    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        self.each(|sink| sink.summary(summary));
        let Some(output) = self.output.filter(|output| !output.is_stdout() && !output.is_lost()) else {
            return Ok(());
        };
        output.keep();
        if output.is_lost() {
            complain(format_args!("{output}"));
            self.failed = true;
            self.lost |= self.sinks.len() <= 1;
        }
        Ok(())
    }
}
