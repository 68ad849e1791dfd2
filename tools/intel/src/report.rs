//! What is said about lines: the first twenty in full, then a count.

use std::io::Write;

/// Lines of each sort that are shown.
const SHOWN: u32 = 20;

/// Counts complaints and shows the first of them on standard error.
#[derive(Default)]
pub(crate) struct Report {
    errors: u32,
    warnings: u32,
}

impl Report {
    /// A line that cannot be read: nothing will be written.
    pub(crate) fn error(&mut self, file: &str, line: u32, what: &str) {
        self.errors = self.errors.saturating_add(1);
        if self.errors <= SHOWN {
            say(&format!("{file}:{line}: {what}"));
        }
    }

    /// A line that is read, and not meant so. Nobody waits for the words when they are not shown.
    pub(crate) fn warn(&mut self, file: &str, line: u32, what: impl FnOnce() -> String) {
        self.warnings = self.warnings.saturating_add(1);
        if self.warnings <= SHOWN {
            say(&format!("{file}:{line}: warning: {}", what()));
        }
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

/// Writes a line to standard error; there is nobody left to tell when that fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
