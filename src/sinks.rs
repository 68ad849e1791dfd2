//! Where a run reports to: standard output in one format, the log, each until it fails.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Mutex;

use gatewatch::limits::JSON_BYTES;
use gatewatch::report::json::Json;
use gatewatch::report::text::{Style, Text};
use gatewatch::report::{Event, Sink, SinkFault, Summary};

use crate::args::{self, Destination, Format, Scan};
use crate::outbox::Outbox;
use crate::sys::fd::{Buffered, Writer};
use crate::{complain, lock};

/// Where a line of JSON is made.
pub static LINE: Mutex<[u8; JSON_BYTES]> = Mutex::new([0; JSON_BYTES]);

/// Opens everything that was asked for, and hands it to `run`. What cannot be opened is said, and leaves `failed` set.
pub fn with<T>(scan: &Scan, device: &str, run: impl FnOnce(&mut Sinks<'_>) -> T) -> T {
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
            sinks.add("standard output", &mut text);
        }
        Format::Json => {
            json = Json::new(writer(), &mut line, scan.verbose);
            sinks.add("standard output", &mut json);
        }
    }
    sinks.outbox = (!scan.syslog.is_empty()).then(|| Outbox::open(&scan.syslog, device));
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

/// Where a run reports to.
#[derive(Default)]
pub struct Sinks<'s> {
    sinks: Vec<(&'static str, &'s mut dyn Sink)>,
    /// What goes by syslog.
    pub outbox: Option<Outbox<'s>>,
    /// One of them has failed.
    pub failed: bool,
}

impl<'s> Sinks<'s> {
    fn add(&mut self, name: &'static str, sink: &'s mut dyn Sink) {
        self.sinks.push((name, sink));
    }

    /// Says something to each; one that fails is left out from then on.
    fn each(&mut self, say: &mut dyn FnMut(&mut dyn Sink) -> Result<(), SinkFault>) {
        let failed = &mut self.failed;
        let mut told = |name: &str, sink: &mut dyn Sink| match say(sink) {
            Ok(()) => true,
            Err(fault) => {
                let why = match fault {
                    SinkFault::Write => "does not take the report",
                    SinkFault::TooLarge => "has no room for a line of the report",
                };
                complain(format_args!("{name} {why}; it is incomplete there"));
                *failed = true;
                false
            }
        };
        self.sinks.retain_mut(|(name, sink)| told(name, *sink));
        // What is left out there is told by the numbers of the lines.
        self.outbox.iter_mut().for_each(|outbox| {
            told("syslog", outbox);
        });
    }

    /// Says one event.
    pub fn event(&mut self, event: &Event<'_>) {
        self.each(&mut |sink| sink.event(event));
    }

    /// Says the last word of a run.
    pub fn summary(&mut self, summary: &Summary<'_>) {
        self.each(&mut |sink| sink.summary(summary));
    }

    /// Sends what goes by syslog, for `most_us` at most. What does not arrive is said, and leaves `failed` set.
    pub fn deliver(&mut self, most_us: u64) {
        let Some(outbox) = &mut self.outbox else { return };
        outbox.deliver(most_us);
        for missing in outbox.missing() {
            let help = match missing.to {
                Destination::Path(_) => "--syslog=PATH needs the socket of a log daemon",
                Destination::Udp(_) | Destination::Tcp(_) => {
                    "is a collector there, and does nothing stand between?"
                }
            };
            let (to, why, count) = (missing.to, missing.why, missing.messages);
            complain(format_args!("{to}: {why}; messages that have not arrived there: {count}; {help}"));
            self.failed = true;
        }
    }
}
