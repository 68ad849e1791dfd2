//! What is said about lines: the first twenty in full, then a count; and how far the work has come.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

/// Lines of each sort that are shown.
const SHOWN: u32 = 20;

/// Counts complaints and shows the first of them on standard error.
#[derive(Default)]
pub(crate) struct Report {
    errors: u32,
    warnings: u32,
    refused: bool,
}

impl Report {
    /// A line that cannot be read: nothing will be written.
    pub(crate) fn error(&mut self, file: &str, line: u32, what: &str) {
        self.errors = self.errors.saturating_add(1);
        if self.errors <= SHOWN {
            say(&short(&format!("{file}:{line}: {what}")));
        }
    }

    /// A file that cannot be read: nothing will be written.
    pub(crate) fn refuse(&mut self, what: &str) {
        self.refused = true;
        self.errors = self.errors.saturating_add(1);
        say(&short(what));
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors != 0
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// A line that is read, and not meant so. Nobody waits for the words when they are not shown.
    pub(crate) fn warn(&mut self, file: &str, line: u32, what: impl FnOnce() -> String) {
        self.warnings = self.warnings.saturating_add(1);
        if self.warnings <= SHOWN {
            say(&short(&format!("{file}:{line}: warning: {}", what())));
        }
    }

    /// A record that cannot be read, and costs nothing but itself.
    pub(crate) fn pass_over(&self, file: &str, line: u32, what: &str) {
        say(&short(&format!("{file}:{line}: passed over: {what}")));
    }

    /// Something that is good to know.
    pub(crate) fn note(&self, what: &str) {
        say(what);
    }

    /// Closes the report: how many lines were not shown, and how many errors there were.
    pub(crate) fn close(&self) -> u32 {
        for (count, sort) in [(self.errors, "errors"), (self.warnings, "warnings")] {
            if count > SHOWN {
                say(&format!("and {} more {sort}", count.saturating_sub(SHOWN)));
            }
        }
        self.errors
    }
}

/// Characters of a complaint that are shown: what is wrong may be a line of megabytes.
const WORDS: usize = 400;

/// Shortens a complaint in its middle, where what is wrong with it is quoted.
fn short(line: &str) -> String {
    if line.len() <= WORDS {
        return line.to_owned();
    }
    let front: String = line.chars().take(WORDS / 2).collect();
    let mut back: Vec<char> = line.chars().rev().take(WORDS / 2).collect();
    back.reverse();
    let back = String::from_iter(back);
    format!("{front} … {back}")
}

/// Writes a line to standard error; there is nobody left to tell when that fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How far the reading has come: a bar on a terminal, nothing elsewhere. It goes when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of so many bytes.
    pub(crate) fn new(bytes: usize) -> Progress {
        let bar = ProgressBar::new(u64::try_from(bytes).unwrap_or(0));
        if let Ok(style) = ProgressStyle::with_template("{bytes}/{total_bytes} [{wide_bar}] {elapsed}") {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// So many bytes more are read.
    pub(crate) fn step(&self, bytes: usize) {
        self.0.inc(u64::try_from(bytes).unwrap_or(0));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
