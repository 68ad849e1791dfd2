//! Where a run reports to: standard output in one format, the log, each until it fails.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use gatewatch::limits::JSON_BYTES;
use gatewatch::report::escape::Escaped;
use gatewatch::report::json::Json;
use gatewatch::report::syslog::{Run, Store, Syslog};
use gatewatch::report::text::{Style, Text};
use gatewatch::report::{Event, Incident, Sink, SinkFault, Summary};
use nix::errno::Errno;

use crate::args::{self, Format, Scan};
use crate::sys::clock;
use crate::sys::devlog::DevLog;
use crate::sys::fd::{Buffered, Writer, fault};
use crate::{complain, lock};

const STDOUT: &str = "standard output";

/// Where a line of JSON is made.
pub static LINE: Mutex<[u8; JSON_BYTES]> = Mutex::new([0; JSON_BYTES]);
static STORE: Mutex<Store> = Mutex::new(Store::new());

/// Opens everything that was asked for, and hands it to `run`. What cannot be opened is said, and leaves `failed` set.
pub fn with<T>(scan: &Scan, device: &str, run: impl FnOnce(&mut Sinks<'_>) -> T) -> T {
    let (mut line, mut store) = (lock(&LINE), lock(&STORE));
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
    let mut syslog;
    if let Some(path) = &scan.syslog {
        let (own, now) = (std::process::id(), clock::seconds());
        // Tells the runs of one device apart; no secret, and not unique for ever.
        let id = u32::try_from(clock::monotonic_us() & u64::from(u32::MAX)).unwrap_or_default()
            ^ own.rotate_left(16);
        match DevLog::open(path.as_bytes()) {
            Ok(socket) => {
                syslog = Syslog::new(socket, Run { device, pid: own, id, now }, &mut store);
                sinks.add("the log socket", &mut syslog);
            }
            Err(errno) => {
                let path = Escaped(path.as_bytes());
                let help = "--syslog=PATH needs the socket of a log daemon";
                match errno {
                    Errno::ECONNREFUSED => complain(format_args!("{path}: nobody listens there; {help}")),
                    other => complain(format_args!("{path}: {}; {help}", fault(other))),
                }
                (sinks.failed, sinks.lost) = (true, true);
            }
        }
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
