//! What `doctor` and `selftest` say: a line for each thing that was tried, how it went, and what to do about it.

use std::fmt::Arguments;
use std::os::fd::AsFd;

use embedded_io::Write;
use serde::Serialize;

use crate::args::{Format, Scan};
use crate::sinks::LINE;
use crate::sys::fd::{Buffered, Writer};
use crate::{complain, lock};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// It works, and something could be seen or done that is not.
    Limited,
    /// It does not work.
    Broken,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Limited => "limited",
            State::Broken => "broken",
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    v: u8,
    r#type: &'static str,
    state: &'static str,
    topic: &'a str,
    what: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    help: &'a str,
}

/// Where it is said.
pub struct Report {
    json: bool,
    /// How the worst of it is.
    pub worst: State,
    failed: bool,
}

impl Report {
    /// Nothing said so far, and all well.
    pub fn new(scan: &Scan) -> Self {
        Self { json: scan.format == Format::Json, worst: State::Good, failed: false }
    }

    /// Says how something is; `help` is empty where there is nothing to do. What both show of the machine is escaped.
    pub fn say(&mut self, state: State, topic: &str, what: Arguments<'_>, help: &str) {
        self.worst = self.worst.max(state);
        let stdout = std::io::stdout();
        let mut out = Buffered::new(Writer(stdout.as_fd()));
        let told = if self.json {
            let what = what.to_string();
            let row = Row { v: 1, r#type: "diagnosis", state: state.word(), topic, what: &what, help };
            let mut line = lock(&LINE);
            let used = serde_json_core::to_slice(&row, &mut *line).ok();
            used.and_then(|used| line.get(..used))
                .is_some_and(|line| out.write_all(line).and_then(|()| out.write_all(b"\n")).is_ok())
        } else {
            let said = out.write_fmt(format_args!("{:8} {topic}: {what}\n", state.word()));
            said.is_ok() && (help.is_empty() || out.write_fmt(format_args!("         {help}\n")).is_ok())
        };
        self.failed |= !told || out.flush().is_err();
    }

    /// Whether all of it could be said; where not, that is.
    pub fn end(&self) -> bool {
        if self.failed {
            complain(format_args!("standard output cannot be written"));
        }
        !self.failed
    }
}
