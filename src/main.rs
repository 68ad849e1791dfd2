//! The program: reads the command line, forks the process that looks, and hands what it tells to the sinks.
#![deny(unsafe_code)]

mod args;
#[cfg(feature = "baseline")]
mod baseline_cmd;
mod config;
mod diagnosis;
mod doctor;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(not(feature = "fetch"))]
#[path = "fetch/without.rs"]
mod fetch;
mod intel_cmd;
mod look;
#[cfg(feature = "monitor")]
mod monitor_cmd;
mod outbox;
mod output;
mod run;
mod selftest;
mod sinks;
#[allow(unsafe_code)]
mod sys;
mod trust;

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use args::{Command, Scan};
use embedded_io::Write;
use gatewatch::checks;
use gatewatch::report::Verdict;
use output::complain;
use sys::fd::{Buffered, Writer};

const VERSION: &str = env!("CARGO_PKG_VERSION");

// Each command is a function of its own, never inlined here: what one needs on the stack is no cost of the others.
fn main() -> ExitCode {
    let code = match args::parse(std::env::args_os().skip(1), &config::configure) {
        Ok(Command::Scan(scan)) => scan_once(&scan),
        #[cfg(feature = "monitor")]
        Ok(Command::Monitor(asked)) => monitor_cmd::run(&asked),
        #[cfg(feature = "baseline")]
        Ok(Command::Baseline(asked)) => baseline_cmd::run(&asked),
        Ok(Command::Intel(asked)) => intel_cmd::run(&asked),
        Ok(Command::Doctor(scan, mistake)) => doctor::run(&scan, mistake.as_ref()),
        Ok(Command::Selftest(scan)) => selftest::run(&scan),
        Ok(Command::Planted) => selftest::stand(),
        Ok(Command::Help) => print(format_args!("{}", args::HELP)),
        Ok(Command::Version) => print(format_args!("gatewatch {VERSION}\n")),
        Ok(Command::List) => print(format_args!("{}", List)),
        Ok(Command::Explain(index)) => print(format_args!("{}", Explain(index))),
        Err(error) => {
            complain(format_args!("{error}; {}", error.help));
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

/// What one check is about: its row of the table, its text, and what to do.
struct Explain(usize);

impl std::fmt::Display for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(check) = checks::ALL.get(self.0) else { return Ok(()) };
        let (id, area, severity) = (check.id, check.area.word(), check.severity.word());
        writeln!(f, "{id}: {}\n{area} · {severity} · {}\n", check.title, check.attack)?;
        f.write_str(checks::explain(self.0).unwrap_or(
            "This program was built small, without the texts. gatewatch of the same version on another machine has them.\n",
        ))?;
        f.write_str("\n# What to do\n")?;
        (1_u32..)
            .zip(check.advice.sentences())
            .try_for_each(|(number, sentence)| writeln!(f, "{number}. {sentence}"))
    }
}

/// Writes to standard output, or says why not and gives the status for it.
#[inline(never)]
fn print(text: std::fmt::Arguments<'_>) -> u8 {
    let stdout = std::io::stdout();
    let mut out = Buffered::new(Writer(stdout.as_fd()));
    if out.write_fmt(text).is_ok() && out.flush().is_ok() {
        return 0;
    }
    complain(format_args!("standard output cannot be written"));
    Verdict::Incomplete.exit_status()
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

/// Has our own diagnostics said.
fn diagnose(scan: &Scan) {
    let _ = log::set_logger(&Diagnostics);
    log::set_max_level(if scan.quiet { log::LevelFilter::Error } else { log::LevelFilter::Warn });
}

/// Looks once and reports; returns the exit status.
#[inline(never)]
fn scan_once(scan: &Scan) -> u8 {
    diagnose(scan);
    config::say_terms(scan);
    let device = sinks::device(scan);
    match sinks::reported(scan, &device, |sinks| run::once(scan, &device, sinks)) {
        // What could not be reported was not done.
        (Verdict::Clean, false) => Verdict::Incomplete.exit_status(),
        (verdict, _) => verdict.exit_status(),
    }
}

fn lock<T>(buffer: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}
