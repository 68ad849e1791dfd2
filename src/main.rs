//! The program: reads the command line, forks the process that looks, and hands what it tells to the sinks.
#![deny(unsafe_code)]

mod args;
mod baseline_cmd;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(not(feature = "fetch"))]
#[path = "fetch/without.rs"]
mod fetch;
mod intel_cmd;
mod look;
#[allow(unsafe_code)]
mod sys;
mod trust;

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use args::{Command, Format, Scan};
use embedded_io::Write;
use gatewatch::checks;
use gatewatch::limits::{FRAME_BYTES, JSON_BYTES};
use gatewatch::report::escape::Escaped;
use gatewatch::report::json::Json;
use gatewatch::report::syslog::{Run, Store, Syslog};
use gatewatch::report::text::{Style, Text};
use gatewatch::report::{CheckReport, Event, Looked, Rest, Sink, SinkFault, Source, Tally, Verdict, wire};
use nix::errno::Errno;
use sys::child::{Child, Ending, Received};
use sys::clock;
use sys::devlog::DevLog;
use sys::fd::{Buffered, Writer, fault};

const VERSION: &str = env!("CARGO_PKG_VERSION");

// Large buffers lie in .bss: a page of them costs memory only once it is used.
static FRAMES: Mutex<[u8; 2 * FRAME_BYTES]> = Mutex::new([0; 2 * FRAME_BYTES]);
static LINE: Mutex<[u8; JSON_BYTES]> = Mutex::new([0; JSON_BYTES]);
static STORE: Mutex<Store> = Mutex::new(Store::new());

fn main() -> ExitCode {
    let code = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Scan(scan)) => return ExitCode::from(run(&scan)),
        Ok(Command::Baseline(asked)) => baseline_cmd::run(&asked),
        Ok(Command::Intel(asked)) => intel_cmd::run(&asked),
        Ok(Command::Help) => print(format_args!("{}", args::HELP)),
        Ok(Command::Version) => print(format_args!("gatewatch {VERSION}\n")),
        Ok(Command::List) => print(format_args!("{}", List)),
        Ok(Command::Explain(index)) => print(format_args!("{}", Explain(index))),
        Err(error) => {
            complain(format_args!("{error}; gatewatch --help shows the usage"));
            Verdict::Incomplete.exit_status()
        }
    };
    ExitCode::from(code)
}

/// The table of checks, a line each.
struct List;

impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        checks::ALL.iter().try_for_each(|check| {
            let (area, severity) = (check.area.word(), check.severity.word());
            writeln!(f, "{:17} {area:8} {severity:11} {:10} {}", check.id, check.attack, check.title)
        })
    }
}

/// What one check is about: its row of the table, then its text.
struct Explain(usize);

impl std::fmt::Display for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(check) = checks::ALL.get(self.0) else { return Ok(()) };
        let (id, area, severity) = (check.id, check.area.word(), check.severity.word());
        writeln!(f, "{id}: {}\n{area} · {severity} · {}\n", check.title, check.attack)?;
        f.write_str(checks::explain(self.0).unwrap_or(
            "This program was built small, without the texts. gatewatch of the same version on another machine has them.\n",
        ))
    }
}

/// Writes to standard output, or says why not and gives the status for it.
fn print(text: std::fmt::Arguments<'_>) -> u8 {
    let stdout = std::io::stdout();
    let mut out = Buffered::new(Writer(stdout.as_fd()));
    if out.write_fmt(text).is_ok() && out.flush().is_ok() {
        return 0;
    }
    complain(format_args!("standard output cannot be written"));
    Verdict::Incomplete.exit_status()
}

/// Says what went wrong. Nothing can be done if even that fails.
pub fn complain(what: std::fmt::Arguments<'_>) {
    let stderr = std::io::stderr();
    let mut out = Buffered::new(Writer(stderr.as_fd()));
    let _ = out.write_fmt(format_args!("gatewatch: {what}\n"));
    let _ = out.flush();
}

/// Our own diagnostics; findings never go this way.
struct Diagnostics;

impl log::Log for Diagnostics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        complain(*record.args());
    }
    fn flush(&self) {}
}

/// Looks and reports; returns the exit status.
fn run(scan: &Scan) -> u8 {
    let started = clock::monotonic_us();
    let _ = log::set_logger(&Diagnostics);
    log::set_max_level(if scan.quiet { log::LevelFilter::Error } else { log::LevelFilter::Warn });
    let (mut frames, mut line, mut store) = (lock(&FRAMES), lock(&LINE), lock(&STORE));

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

    let device = device(scan);
    let own = std::process::id();
    let mut syslog;
    if let Some(path) = &scan.syslog {
        let now = clock::seconds();
        // Tells the runs of one device apart; no secret, and not unique for ever.
        let id = u32::try_from(started & u64::from(u32::MAX)).unwrap_or_default() ^ own.rotate_left(16);
        match DevLog::open(path.as_bytes()) {
            Ok(socket) => {
                syslog = Syslog::new(socket, Run { device: &device, pid: own, id, now }, &mut store);
                sinks.add("the log socket", &mut syslog);
            }
            Err(errno) => {
                let path = Escaped(path.as_bytes());
                let help = "--syslog=PATH needs the socket of a log daemon";
                match errno {
                    Errno::ECONNREFUSED => complain(format_args!("{path}: nobody listens there; {help}")),
                    other => complain(format_args!("{path}: {}; {help}", fault(other))),
                }
                sinks.failed = true;
            }
        }
    }

    let mut tally = Tally::default();
    let timeout_us = scan.timeout_s.saturating_mul(1_000_000);
    let why = match sys::child::start(timeout_us, |pipe| look::look(scan, pipe, own)) {
        Ok(child) => relay(child, &mut *frames, &mut |event| {
            tally.event(event, checks::index);
            sinks.event(event);
        }),
        Err(errno) => Some(format!("no process could be started: {}", fault(errno))),
    };
    let why = why.unwrap_or_default();
    let checks = complete(scan, &why, &mut tally, &mut sinks);
    let elapsed_us = clock::monotonic_us().saturating_sub(started);
    let rest = Rest { checks, device: &device, version: VERSION, elapsed_us, broken_off: &why };
    let summary = tally.summary(clock::believable(), rest);
    sinks.each(|sink| sink.summary(&summary));
    match summary.verdict {
        // What could not be reported was not done.
        Verdict::Clean if sinks.failed => Verdict::Incomplete.exit_status(),
        verdict => verdict.exit_status(),
    }
}

fn lock<T>(buffer: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who speaks: a tree has no name of its own.
fn device(scan: &Scan) -> String {
    match (&scan.device, &scan.root) {
        (Some(device), _) => device.clone(),
        (None, Some(_)) => "-".to_owned(),
        (None, None) => own_name(),
    }
}

/// The name of this machine, as a device id.
fn own_name() -> String {
    args::device_of(nix::sys::utsname::uname().map(|name| name.nodename().to_owned()).unwrap_or_default())
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

/// Speaks for the checks that did not come to it. Returns how many were asked for.
fn complete(scan: &Scan, why: &str, tally: &mut Tally, sinks: &mut Sinks<'_>) -> u32 {
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
        sinks.event(&Event::Check(report));
    }
    asked
}

/// Where a run reports to.
#[derive(Default)]
struct Sinks<'s> {
    sinks: Vec<(&'static str, &'s mut dyn Sink)>,
    /// One of them has failed.
    failed: bool,
}

impl<'s> Sinks<'s> {
    fn add(&mut self, name: &'static str, sink: &'s mut dyn Sink) {
        self.sinks.push((name, sink));
    }

    /// Says something to each; one that fails is left out from then on.
    fn each(&mut self, mut say: impl FnMut(&mut dyn Sink) -> Result<(), SinkFault>) {
        let failed = &mut self.failed;
        self.sinks.retain_mut(|(name, sink)| match say(*sink) {
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
        });
    }

    fn event(&mut self, event: &Event<'_>) {
        self.each(|sink| sink.event(event));
    }
}
