//! Text for people: incidents first, each with what to do and its findings; a finding in one line and its reason in the next;
//! what could not be looked at, the verdict.

use core::fmt::{self, Display};

use embedded_io::Write;

use super::escape::Escaped;
use super::{
    CheckReport, Event, Finding, Incident, Severity, Sink, SinkFault, State, Summary, Verdict, date,
};
use crate::facts::process::Owner;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Colours, for a terminal.
    pub colour: bool,
    /// Only findings.
    pub quiet: bool,
    /// Checks that could look at everything too.
    pub verdicts: bool,
}

/// Writes text.
#[derive(Debug)]
pub struct Text<W> {
    to: W,
    style: Style,
    /// Findings of the last incident that are still to come.
    left: u32,
    /// An incident was told, and nothing that belongs to none.
    incidents: bool,
}

/// `ESC [ n m`, ECMA-48 8.3.117: red, yellow, cyan, green.
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => GREEN,
        Verdict::Infected => RED,
        Verdict::Suspicious | Verdict::Incomplete => YELLOW,
    }
}

const fn colour_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Infected => RED,
        Severity::Suspicious => YELLOW,
        Severity::Notice => CYAN,
    }
}

impl<W: Write> Text<W> {
    /// Writes to `to`.
    pub const fn new(to: W, style: Style) -> Self {
        Self { to, style, left: 0, incidents: false }
    }

    fn say(&mut self, text: fmt::Arguments<'_>) -> Result<(), SinkFault> {
        self.to.write_fmt(text).map_err(|_| SinkFault::Write)
    }

    fn coloured<T: Display>(&self, colour: &'static str, value: T) -> Coloured<T> {
        Coloured { colour: self.style.colour.then_some(colour), value }
    }

    fn finding(&mut self, finding: &Finding<'_>) -> Result<(), SinkFault> {
        if self.left > 0 {
            self.left = self.left.saturating_sub(1);
        } else if core::mem::take(&mut self.incidents) {
            let gone = finding.is_gone();
            self.say(format_args!("{}:\n", if gone { "no longer there" } else { "in no incident" }))?;
        }
        let severity = self.coloured(colour_of(finding.severity), finding.severity.word());
        self.say(format_args!("{severity} {} ({})", finding.check, finding.attack))?;
        // Of a connection the other end tells more, and a listener has only this one.
        if let Some(end) = finding.remote.or(finding.local) {
            self.say(format_args!(" {end}"))?;
        }
        if let Some(client) = finding.client {
            self.say(format_args!(" client {client}"))?;
        }
        if !finding.family.is_empty() {
            self.say(format_args!(" {}", Escaped(finding.family)))?;
        }
        if let Some(pid) = finding.pid {
            self.say(format_args!(" pid {pid}"))?;
        }
        if !finding.name.is_empty() {
            self.say(format_args!(" ({})", Escaped(finding.name)))?;
        }
        if !finding.path.is_empty() {
            self.say(format_args!(" {}", Escaped(finding.path)))?;
        }
        if let Some(line) = finding.line {
            self.say(format_args!(":{line}"))?;
        }
        if let Some(history) = finding.history {
            self.say(format_args!(" state={}", history.state.word()))?;
        }
        self.say(format_args!("\n    {}\n", Escaped(finding.detail)))?;
        self.history(finding)?;
        self.story(finding)
    }

    /// Since when the monitor knows of it, unless that is just now.
    fn history(&mut self, finding: &Finding<'_>) -> Result<(), SinkFault> {
        let known = finding.history.filter(|history| history.state != State::New);
        let Some((first, last)) = known.and_then(|known| known.first_seen.zip(known.last_seen)) else {
            return Ok(());
        };
        self.say(format_args!("    first seen {}, last seen {}\n", Moment(first), Moment(last)))
    }

    /// Whose the process is, how old, and where it comes from.
    fn story(&mut self, finding: &Finding<'_>) -> Result<(), SinkFault> {
        let mut before = "    ";
        if let Some(uid) = finding.uid {
            self.say(format_args!("{before}user {uid}"))?;
            before = ", ";
        }
        if let Some(owner) = finding.owner {
            let words = match owner {
                Owner::Firmware => "part of the firmware",
                Owner::Package => "part of a package",
                Owner::Baseline => "in the baseline",
                Owner::Nobody => "in no image or package",
                Owner::Unknown => "of unknown origin",
            };
            self.say(format_args!("{before}{words}"))?;
            before = ", ";
        }
        if let Some(age) = finding.age_s {
            let (hours, minutes) = (age.div_euclid(3600), age.div_euclid(60).rem_euclid(60));
            self.say(format_args!("{before}runs for {hours}:{minutes:02}:{:02}", age.rem_euclid(60)))?;
            before = ", ";
        }
        for parent in finding.ancestors() {
            let word = if before == " < " {
                before
            } else if before == ", " {
                ", child of "
            } else {
                "    child of "
            };
            self.say(format_args!("{word}{} ({})", parent.pid, Escaped(parent.name)))?;
            before = " < ";
        }
        if before == "    " { Ok(()) } else { self.say(format_args!("\n")) }
    }

    fn check(&mut self, check: &CheckReport<'_>) -> Result<(), SinkFault> {
        let (looked, facts, findings) = (check.looked.word(), check.facts, check.findings);
        self.say(format_args!("looked {looked}: {}, {facts} facts, {findings} findings", check.check))?;
        if !check.why.is_empty() {
            self.say(format_args!("\n    {}", Escaped(check.why)))?;
        }
        self.say(format_args!("\n"))
    }
}

/// A moment in UTC, from seconds since 1970.
struct Moment(u64);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute) = (seconds.div_euclid(3600), seconds.div_euclid(60).rem_euclid(60));
        write!(f, "{year}-{:02}-{day:02} {hour:02}:{minute:02} UTC", month.saturating_add(1))
    }
}

struct Coloured<T> {
    colour: Option<&'static str>,
    value: T,
}

impl<T: Display> Display for Coloured<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.colour {
            Some(colour) => write!(f, "{colour}{}{PLAIN}", self.value),
            None => self.value.fmt(f),
        }
    }
}

impl<W: Write> Sink for Text<W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => self.finding(finding)?,
            Event::Check(check) if !self.style.quiet && (self.style.verdicts || check.looked.is_blind()) => {
                self.check(check)?;
            }
            _ => return Ok(()),
        }
        self.to.flush().map_err(|_| SinkFault::Write)
    }

    fn waits(&self) -> bool {
        true
    }

    fn allowed(&mut self, finding: &Finding<'_>, reason: &[u8]) -> Result<(), SinkFault> {
        if self.style.quiet || !self.style.verdicts {
            return Ok(());
        }
        self.say(format_args!("allowed: "))?;
        self.finding(finding)?;
        self.say(format_args!("    allowed because: {}\n", Escaped(reason)))?;
        self.to.flush().map_err(|_| SinkFault::Write)
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        let severity = self.coloured(colour_of(incident.severity), incident.severity.word());
        let (number, findings) = (incident.number, incident.findings);
        let s = if findings == 1 { "" } else { "s" };
        self.say(format_args!("incident {number}: {severity}, {findings} finding{s}\n"))?;
        self.say(format_args!("    {}\n", Escaped(incident.story)))?;
        let follow = incident.follow.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        (self.left, self.incidents) = (follow, true);
        if !self.style.quiet {
            self.say(format_args!("    what to do:\n"))?;
            for (number, advice) in (1_u32..).zip(incident.advice) {
                self.say(format_args!("    {number}. {advice}\n"))?;
            }
            if let Some(pid) = incident.pid {
                self.say(format_args!("    evidence: /proc/{pid}/exe\n"))?;
            }
            let (startup, line) = incident.started_by;
            if !startup.is_empty() {
                self.say(format_args!("    started by: {}", Escaped(startup)))?;
                if line > 0 {
                    self.say(format_args!(":{line}"))?;
                }
                self.say(format_args!("\n"))?;
            }
        }
        self.to.flush().map_err(|_| SinkFault::Write)
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        // The next run has incidents of its own.
        (self.left, self.incidents) = (0, false);
        if self.style.quiet {
            return Ok(());
        }
        if !summary.broken_off.is_empty() {
            self.say(format_args!("the scan ended early: {}\n", summary.broken_off))?;
        }
        if summary.unjoined > 0 {
            let more = summary.unjoined;
            self.say(format_args!(
                "{more} findings were told alone: there was no room to join them into incidents\n"
            ))?;
        }
        if summary.test {
            self.say(format_args!("a test, nothing was looked at: "))?;
        }
        let verdict = self.coloured(colour(summary.verdict), summary.verdict.word());
        let (counts, ms) = (summary.counts, summary.elapsed_us.div_euclid(1000));
        self.say(format_args!(
            "{verdict}: {} infected, {} suspicious, {} notice",
            summary.infected, summary.suspicious, summary.notice
        ))?;
        if summary.hidden > 0 {
            self.say(format_args!(" ({} not shown)", summary.hidden))?;
        }
        if summary.allowed > 0 {
            self.say(format_args!("; {} allowed", summary.allowed))?;
        }
        if summary.skipped > 0 {
            self.say(format_args!("; {} checks left out by the configuration", summary.skipped))?;
        }
        self.say(format_args!(
            "; {} checks, {} blind; {} processes, {} sockets, {} flows, {} startup files; ",
            summary.checks, summary.blind, counts.processes, counts.sockets, counts.flows, counts.files,
        ))?;
        match summary.intel {
            None => self.say(format_args!("no indicators"))?,
            Some(intel) => {
                self.say(format_args!("{} indicators, version {}", intel.entries, intel.version))?;
                if let Some(days) = summary.intel_age_days {
                    self.say(format_args!(", {days} days old"))?;
                }
                self.say(format_args!("{}", if intel.signed { "" } else { ", not signed" }))?;
            }
        }
        self.say(format_args!("; {ms} ms\n"))?;
        if summary.held_back > 0 {
            self.say(format_args!(
                "{} more findings are held back: there are too many\n",
                summary.held_back
            ))?;
        }
        self.to.flush().map_err(|_| SinkFault::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::super::History;
    use super::super::testing::{finding, written};
    use super::*;

    fn incident(follow: [u32; 3]) -> Incident<'static> {
        Incident {
            number: 1,
            severity: Severity::Infected,
            family: b"",
            checks: &["exe-deleted"],
            findings: 3,
            follow,
            pid: Some(812),
            path: b"/tmp/x",
            started_by: (b"/etc/rc.local", 2),
            remote: None,
            client: None,
            story: b"pid 812",
            advice: &["Act."],
        }
    }

    /// The lines that begin something.
    fn heads(act: impl FnOnce(&mut Text<&mut &mut [u8]>)) -> Vec<String> {
        let text = written(|to| act(&mut Text::new(to, Style::default())));
        text.lines().filter(|line| !line.starts_with("    ")).map(str::to_owned).collect()
    }

    fn of(path: &'static [u8]) -> Event<'static> {
        Event::Finding(Finding { path, ..finding() })
    }

    #[test]
    fn only_members_that_are_told_stand_below_an_incident() {
        let with = |incident: Incident<'_>| {
            heads(|text| {
                text.incident(&incident).unwrap();
                text.event(&of(b"/member")).unwrap();
                text.event(&of(b"/other")).unwrap();
            })
        };
        let is = |lines: &[String], heading: usize| {
            assert_eq!(lines.iter().position(|line| line == "in no incident:"), Some(heading), "{lines:?}");
        };
        is(&with(incident([2, 0, 1]).without_milder_than(Severity::Suspicious)), 2);
        is(&with(incident([1, 1, 1]).without_milder_than(Severity::Infected)), 2);
        is(&with(incident([0, 3, 0]).without_milder_than(Severity::Infected)), 1);
    }

    #[test]
    fn what_is_gone_belongs_to_no_incident() {
        let history = History { state: State::Gone, age_s: 0, first_seen: None, last_seen: None };
        let lines = heads(|text| {
            text.incident(&incident([0; 3])).unwrap();
            text.event(&Event::Finding(Finding { history: Some(history), ..finding() })).unwrap();
        });
        assert_eq!(lines[1], "no longer there:", "{lines:?}");
    }

    #[test]
    fn an_incident_names_its_evidence_and_what_starts_it() {
        let text = written(|to| Text::new(to, Style::default()).incident(&incident([0; 3])).unwrap());
        let expected = "    1. Act.\n    evidence: /proc/812/exe\n    started by: /etc/rc.local:2\n";
        assert!(text.contains(expected), "{text}");
    }
}
