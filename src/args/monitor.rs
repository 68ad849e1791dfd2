//! The options of `gatewatch monitor` beside those of a scan.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use gatewatch::facts::text::decimal;

use super::{Mistake, Scan, wrong};

/// Where the state is by default: gone with the next boot, so that no flash wears.
const STATE: &str = "/var/run/gatewatch";

/// What `gatewatch monitor` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// How it looks, and where it reports to.
    pub scan: Scan,
    /// Seconds from one look at everything to the next.
    pub interval_s: u64,
    /// The directory of lock and state.
    pub state: OsString,
    /// It looks at nothing between these looks.
    pub no_events: bool,
}

/// Those options, as they are given.
#[derive(Debug, Default)]
pub struct Options {
    interval_s: Option<u64>,
    state: Option<OsString>,
    no_events: bool,
}

impl Options {
    /// `--interval SECONDS`.
    pub fn interval(&mut self, word: &OsStr) -> Result<(), Mistake> {
        match decimal(word.as_bytes()) {
            Some(seconds @ 1..=604_800) => self.interval_s = Some(seconds),
            _ => return wrong("--interval: use seconds from 1 to 604800"),
        }
        Ok(())
    }

    /// `--state DIR`.
    pub fn state(&mut self, dir: OsString) -> Result<(), Mistake> {
        if dir.is_empty() {
            return wrong("--state: give a directory");
        }
        self.state = Some(dir);
        Ok(())
    }

    /// `--no-events`.
    pub const fn no_events(&mut self) {
        self.no_events = true;
    }

    /// One that was given, for whoever gave it to another command.
    pub const fn given(&self) -> Option<&'static str> {
        match self {
            Self { interval_s: Some(_), .. } => Some("--interval"),
            Self { state: Some(_), .. } => Some("--state"),
            Self { no_events: true, .. } => Some("--no-events"),
            _ => None,
        }
    }

    /// All of it.
    pub fn with(self, scan: Scan) -> Monitor {
        Monitor {
            scan,
            interval_s: self.interval_s.unwrap_or(3600),
            state: self.state.unwrap_or_else(|| STATE.into()),
            no_events: self.no_events,
        }
    }
}
