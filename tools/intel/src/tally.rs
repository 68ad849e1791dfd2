//! What came of every line and every indicator: numbers that add up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Counts of one file, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Lines, or records of JSON.
    pub(crate) records: u64,
    pub(crate) blank: u64,
    pub(crate) wrong: u64,
    /// Records with indicators.
    pub(crate) with: u64,
    /// Records that were read and cannot be used, by reason.
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    /// Indicators in those records.
    pub(crate) found: u64,
    pub(crate) new: u64,
    pub(crate) again: u64,
    pub(crate) expired: u64,
    pub(crate) doubtful: u64,
    pub(crate) wide: u64,
    /// Indicators that never match, by list.
    pub(crate) never: BTreeMap<String, u64>,
}

/// Counts one more.
pub(crate) fn count(number: &mut u64) {
    *number = number.saturating_add(1);
}

impl Tally {
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    fn never(&self) -> u64 {
        self.never.values().sum()
    }

    /// Indicators that were read and are not taken.
    pub(crate) fn left_out(&self) -> u64 {
        [self.expired, self.doubtful, self.wide, self.never()].iter().sum()
    }

    /// Whether every record and every indicator is accounted for.
    pub(crate) fn adds_up(&self) -> bool {
        let records: u64 = [self.blank, self.wrong, self.with, self.dropped()].iter().sum();
        let found: u64 = [self.new, self.again, self.left_out()].iter().sum();
        records == self.records && found == self.found
    }

    /// Adds the counts of a file.
    pub(crate) fn add(&mut self, other: &Tally) {
        for (own, more) in [
            (&mut self.records, other.records),
            (&mut self.blank, other.blank),
            (&mut self.wrong, other.wrong),
            (&mut self.with, other.with),
            (&mut self.found, other.found),
            (&mut self.new, other.new),
            (&mut self.again, other.again),
            (&mut self.expired, other.expired),
            (&mut self.doubtful, other.doubtful),
            (&mut self.wide, other.wide),
        ] {
            *own = own.saturating_add(more);
        }
        for (why, more) in &other.dropped {
            let own = self.dropped.entry(why).or_default();
            *own = own.saturating_add(*more);
        }
        for (list, more) in &other.never {
            let own = self.never.entry(list.clone()).or_default();
            *own = own.saturating_add(*more);
        }
    }

    /// The counts of one file in a line.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{} records: {} with indicators", self.records, self.with);
        for (number, words) in
            [(self.blank, "blank or comments"), (self.dropped(), "of no use"), (self.wrong, "cannot be read")]
        {
            if number != 0 {
                let _ = write!(line, ", {number} {words}");
            }
        }
        let _ = write!(line, "; {} indicators: {} new, {} merged", self.found, self.new, self.again);
        if self.left_out() != 0 {
            let _ = write!(line, ", {} left out", self.left_out());
        }
        line
    }

    /// The counts of all files in a table. `ended` of the indicators that were taken have expired since they were seen.
    pub(crate) fn table(&self, ended: u64) -> String {
        let mut rows: Vec<(u64, String)> = vec![(self.records, "lines and records read".to_owned())];
        let mut row = |number: u64, words: &str| {
            if number != 0 {
                rows.push((number, words.to_owned()));
            }
        };
        row(self.with, "  with indicators");
        row(self.blank, "  blank, or comments");
        row(self.wrong, "  cannot be read");
        for (why, number) in &self.dropped {
            row(*number, &format!("  of no use: {why}"));
        }
        row(self.found, "indicators in them");
        row(self.new.saturating_sub(ended), "  in the database");
        row(self.again, "  merged with one that is there");
        row(self.expired.saturating_add(ended), "  expired");
        row(self.doubtful, "  less sure than --min-confidence");
        row(self.wide, "  networks too wide to accuse anybody");
        for (list, number) in &self.never {
            row(*number, &format!("  never match: {list}"));
        }
        let mut text = String::new();
        for (number, words) in rows {
            let _ = writeln!(text, "{number:>10} {words}");
        }
        text
    }
}
