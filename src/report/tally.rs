//! Counts a run's events and comes to its verdict.

use super::{Counts, Event, IntelInfo, Looked, Severity, Source, Summary, Verdict};
use crate::limits::CHECKS;

/// What has been told so far.
#[derive(Clone, Debug)]
pub struct Tally {
    findings: [u32; 3],
    /// Incidents, and how bad the worst is.
    incidents: u32,
    worst: Option<Severity>,
    blind: u32,
    /// Checks that looked at something.
    looked: u32,
    reported: [bool; CHECKS],
    found: [u32; CHECKS],
    allowed: [u32; CHECKS],
    counts: Counts,
    intel: Option<IntelInfo>,
    stage: Option<Source>,
    begun: [bool; Source::COUNT],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            findings: [0; 3],
            incidents: 0,
            worst: None,
            blind: 0,
            looked: 0,
            reported: [false; CHECKS],
            found: [0; CHECKS],
            allowed: [0; CHECKS],
            counts: Counts::default(),
            intel: None,
            stage: None,
            begun: [false; Source::COUNT],
        }
    }
}

impl Tally {
    /// Counts one event; `index` finds a check's place in the table.
    pub fn event(&mut self, event: &Event<'_>, index: impl Fn(&str) -> Option<usize>) {
        match event {
            Event::Stage(stage) => {
                self.stage = Some(*stage);
                if let Some(begun) = self.begun.get_mut(stage.index()) {
                    *begun = true;
                }
            }
            Event::Intel(info) => {
                let so_far = self.intel.get_or_insert(IntelInfo { entries: 0, ..*info });
                so_far.version = so_far.version.max(info.version);
                so_far.created = so_far.created.min(info.created);
                so_far.entries = so_far.entries.saturating_add(info.entries);
                so_far.signed &= info.signed;
            }
            Event::Finding(finding) => {
                let [notice, suspicious, infected] = &mut self.findings;
                let count = match finding.severity {
                    Severity::Notice => notice,
                    Severity::Suspicious => suspicious,
                    Severity::Infected => infected,
                };
                *count = count.saturating_add(1);
                if let Some(found) = index(finding.check).and_then(|index| self.found.get_mut(index)) {
                    *found = found.saturating_add(1);
                }
            }
            Event::Check(check) => {
                if check.looked != Looked::Na {
                    self.looked = self.looked.saturating_add(1);
                }
                if check.looked.is_blind() {
                    self.blind = self.blind.saturating_add(1);
                }
                if let Some(reported) = index(check.check).and_then(|index| self.reported.get_mut(index)) {
                    *reported = true;
                }
            }
            Event::Counts(counts) => self.counts = *counts,
            Event::End => {}
        }
    }

    /// Counts an incident. One that is worse than each of its findings makes the verdict so.
    pub fn incident(&mut self, severity: Severity) {
        self.incidents = self.incidents.saturating_add(1);
        self.worst = self.worst.max(Some(severity));
    }

    /// Counts a finding that its owner allows, by the place of its check in the table.
    pub fn allow(&mut self, index: Option<usize>) {
        if let Some(allowed) = index.and_then(|index| self.allowed.get_mut(index)) {
            *allowed = allowed.saturating_add(1);
        }
    }

    /// How many findings of a check were allowed so far.
    #[must_use]
    pub fn allowed(&self, index: Option<usize>) -> u32 {
        index.and_then(|index| self.allowed.get(index)).copied().unwrap_or_default()
    }

    /// Whether a check has said how it fared.
    #[must_use]
    pub fn has_reported(&self, index: usize) -> bool {
        self.reported.get(index).copied().unwrap_or_default()
    }

    /// What a check has found so far.
    #[must_use]
    pub fn found(&self, index: usize) -> u32 {
        self.found.get(index).copied().unwrap_or_default()
    }

    /// What was being looked at last.
    #[must_use]
    pub const fn stage(&self) -> Option<Source> {
        self.stage
    }

    /// Whether a source was begun to be looked at.
    #[must_use]
    pub fn has_begun(&self, source: Source) -> bool {
        self.begun.get(source.index()).copied().unwrap_or_default()
    }

    /// The last word. `now`: seconds since 1970, if the clock can be believed.
    #[must_use]
    pub fn summary<'a>(&self, now: Option<u64>, rest: Rest<'a>) -> Summary<'a> {
        let [notice, suspicious, infected] = self.findings;
        let verdict = if infected > 0 || self.worst == Some(Severity::Infected) {
            Verdict::Infected
        } else if suspicious > 0 {
            Verdict::Suspicious
        } else if self.blind > 0 || self.looked == 0 || !rest.broken_off.is_empty() {
            // Where there was nothing to look at for any check, nothing was seen.
            Verdict::Incomplete
        } else {
            Verdict::Clean
        };
        // The mildest are the first to go.
        let hidden = match rest.least {
            Severity::Notice => 0,
            Severity::Suspicious => notice,
            Severity::Infected => notice.saturating_add(suspicious),
        };
        let age = |info: IntelInfo| now?.saturating_sub(info.created).checked_div(24 * 60 * 60);
        Summary {
            verdict,
            infected,
            suspicious,
            notice,
            hidden,
            incidents: self.incidents,
            unjoined: rest.unjoined,
            checks: rest.checks,
            blind: self.blind,
            counts: self.counts,
            intel: self.intel,
            intel_age_days: self.intel.and_then(age),
            device: rest.device,
            version: rest.version,
            elapsed_us: rest.elapsed_us,
            held_back: 0,
            broken_off: rest.broken_off,
            allowed: self.allowed.iter().fold(0, |sum, more| sum.saturating_add(*more)),
            skipped: rest.skipped,
            test: rest.test,
        }
    }
}

/// What a summary says and events do not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest<'a> {
    /// Checks that were asked for.
    pub checks: u32,
    /// The mildest findings that are to be shown.
    pub least: Severity,
    /// Findings that accuse and are in no incident because there was no room.
    pub unjoined: u32,
    /// Who speaks.
    pub device: &'a str,
    /// The version of gatewatch.
    pub version: &'a str,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// Why the run ended early; empty if it did not.
    pub broken_off: &'a str,
    /// Checks that the configuration file leaves out.
    pub skipped: u32,
    /// Nothing was looked at.
    pub test: bool,
}
