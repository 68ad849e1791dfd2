//! Where a run reports to: standard output in one format, syslog, each until it fails.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Mutex;

use gatewatch::limits::JSON_BYTES;
use gatewatch::report::json::Json;
use gatewatch::report::text::{Style, Text};
use gatewatch::report::{Event, Incident, Sink, SinkFault, Summary};

use crate::args::{self, Format, Scan};
use crate::outbox::Outbox;
use crate::sys::fd::{Buffered, Writer};
use crate::{complain, lock};

const STDOUT: &str = "standard output";

/// Where a line of JSON is made.
pub static LINE: Mutex<[u8; JSON_BYTES]> = Mutex::new([0; JSON_BYTES]);

/// Opens the format that was asked for, and hands it to `run` together with what goes by syslog.
pub fn with<T>(scan: &Scan, outbox: &mut Outbox<'_>, run: impl FnOnce(&mut Sinks<'_>) -> T) -> T {
    let mut line = lock(&LINE);
    let mut sinks = Sinks::default();
    let stdout = std::io::stdout();
    let writer = || Buffered::new(Writer(stdout.as_fd()));
    let colour =
        !scan.no_color && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()) && stdout.is_terminal();
    let style = Style { colour, quiet: scan.quiet, verdicts: scan.verbose };
    let (mut text, mut json);
    match scan.format {
        Format::Text => {
            text = Text::new(writer(), style);
            sinks.add(STDOUT, &mut text);
        }
        Format::Json => {
            json = Json::new(writer(), &mut line, scan.verbose);
            sinks.add(STDOUT, &mut json);
        }
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
        let Self { sinks, failed, lost } = self;
        let only_one = sinks.len() == 1;
        sinks.retain_mut(|(name, sink)| match say(*sink) {
            Ok(()) => true,
            Err(fault) => {
                let why = match fault {
                    SinkFault::Write => "does not take the report",
                    SinkFault::TooLarge => "has no room for a line of the report",
                };
                complain(format_args!("{name} {why}; it is incomplete there"));
                *failed = true;
                *lost |= only_one || *name != STDOUT;
                false
            }
        });
    }
}

impl Sink for Sinks<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        self.each(|sink| sink.event(event));
        Ok(())
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        self.each(|sink| sink.incident(incident));
        Ok(())
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        self.each(|sink| sink.summary(summary));
        Ok(())
    }
}
