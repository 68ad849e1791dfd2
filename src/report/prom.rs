//! Metrics in the text format of Prometheus (exposition format 0.0.4), for the textfile collector of node_exporter and the
//! like. Numbers and words of our own, so that the number of series is bounded; beside them only the stories of the worst
//! incidents, in which clients are veiled as everywhere.

use core::fmt;

use embedded_io::Write;

use super::escape::{Also, Within};
use super::{Event, Incident, Looked, Severity, Sink, SinkFault, Summary, Verdict};
use crate::limits::{CHECKS, DEVICE_BYTES, STORY_BYTES};

/// What a label's value escapes; a line feed is never in it.
const ALSO: Also = &[('\\', "\\\\"), ('"', "\\\"")];

const fn label(value: &str) -> Within<'_> {
    Within { bytes: value.as_bytes(), room: 4 * DEVICE_BYTES, also: ALSO }
}

/// Incidents with a series of their own; the worst come first. All of them are counted.
const STORIES: u32 = 8;

/// How one check fared.
#[derive(Clone, Debug)]
struct Row {
    check: heapless::String<32>,
    looked: Looked,
    findings: u32,
}

/// What a run has told, kept because the samples of a metric must stand together; it lives in `.bss`.
#[derive(Debug, Default)]
pub struct Store {
    rows: heapless::Vec<Row, CHECKS>,
    /// Incidents of each severity, in the order of [`Severity::ALL`].
    incidents: [u32; 3],
}

impl Store {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new(), incidents: [0; 3] }
    }
}

/// Writes metrics.
#[derive(Debug)]
pub struct Prom<'s, W> {
    to: W,
    store: &'s mut Store,
    /// Seconds since 1970, if the clock can be believed.
    now: fn() -> Option<u64>,
}

impl<'s, W: Write> Prom<'s, W> {
    /// Writes to `to` when the summary comes, keeping counts in `store` until then.
    pub const fn new(to: W, store: &'s mut Store, now: fn() -> Option<u64>) -> Self {
        Self { to, store, now }
    }

    fn say(&mut self, text: fmt::Arguments<'_>) -> Result<(), SinkFault> {
        self.to.write_fmt(text).map_err(|_| SinkFault::Write)
    }

    /// Begins a metric: what it is, in words. All are gauges, as each run sets them anew.
    fn metric(&mut self, name: &str, help: &str) -> Result<(), SinkFault> {
        self.say(format_args!("# HELP gatewatch_{name} {help}\n# TYPE gatewatch_{name} gauge\n"))
    }

    /// A metric that is one number.
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> Result<(), SinkFault> {
        self.metric(name, help)?;
        self.say(format_args!("gatewatch_{name} {value}\n"))
    }

    /// One of the numbers of a metric.
    fn sample(&mut self, name: &str, key: &str, value: &str, number: u64) -> Result<(), SinkFault> {
        self.say(format_args!("gatewatch_{name}{{{key}=\"{}\"}} {number}\n", label(value)))
    }

    fn severities(&mut self, name: &str, help: &str, numbers: [u32; 3]) -> Result<(), SinkFault> {
        self.metric(name, help)?;
        Severity::ALL
            .into_iter()
            .zip(numbers)
            .try_for_each(|(severity, number)| self.sample(name, "severity", severity.word(), number.into()))
    }

    fn checks(&mut self) -> Result<(), SinkFault> {
        let mut rows = core::mem::take(&mut self.store.rows);
        rows.retain(|row| row.looked != Looked::Na);
        self.metric(
            "check_looked",
            "How well a check could look: 1 at everything, 0.5 at a part, 0 at nothing. \
             Absent where the machine has nothing of its kind.",
        )?;
        for row in &rows {
            let number = match row.looked {
                Looked::Yes | Looked::Na => "1",
                Looked::Partly => "0.5",
                Looked::No => "0",
            };
            self.say(format_args!("gatewatch_check_looked{{check=\"{}\"}} {number}\n", label(&row.check)))?;
        }
        self.metric("check_findings", "What a check has found.")?;
        rows.iter()
            .try_for_each(|row| self.sample("check_findings", "check", &row.check, row.findings.into()))
    }

    fn intel(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let Some(intel) = summary.intel else { return Ok(()) };
        self.gauge("intel_version", "The newest version of the indicators in use.", intel.version.into())?;
        self.gauge("intel_entries", "The indicators in use.", intel.entries.into())?;
        self.gauge("intel_signed", "Whether trusted keys have signed all of them.", intel.signed.into())?;
        self.gauge("intel_created_timestamp_seconds", "When the oldest of them were made.", intel.created)?;
        match summary.intel_age_days {
            Some(days) => self.gauge(
                "intel_age_seconds",
                "How old these are, in whole days; absent while the clock is not set.",
                days.saturating_mul(86_400),
            ),
            None => Ok(()),
        }
    }
}

impl<W: Write> Sink for Prom<'_, W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        let Event::Check(check) = event else { return Ok(()) };
        // The same series twice would make the whole file bad.
        self.store.rows.retain(|row| row.check != check.check);
        let id = heapless::String::try_from(check.check).map_err(|_| SinkFault::TooLarge)?;
        let row = Row { check: id, looked: check.looked, findings: check.findings };
        self.store.rows.push(row).map_err(|_| SinkFault::TooLarge)
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        for (severity, count) in Severity::ALL.into_iter().zip(&mut self.store.incidents) {
            if severity == incident.severity {
                *count = count.saturating_add(1);
            }
        }
        // They come one behind the other, before all other samples.
        let before = self.store.incidents.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        match before {
            0 | 1 => self.metric("incident", "The worst incidents, each with its story.")?,
            2..=STORIES => {}
            _ => return Ok(()),
        }
        let story = |bytes| Within { bytes, room: 2 * STORY_BYTES, also: ALSO };
        let (severity, family) = (incident.severity.word(), story(incident.family));
        // Stories may be the same, of paths that are cut: the same series twice would make the whole file bad.
        let number = incident.number;
        self.say(format_args!(
            "gatewatch_incident{{number=\"{number}\",severity=\"{severity}\",family=\"{family}\",story=\"{}\"}} 1\n",
            story(incident.story)
        ))
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let incidents = core::mem::take(&mut self.store.incidents);
        self.metric("info", "Who speaks.")?;
        let (version, device) = (label(summary.version), label(summary.device));
        self.say(format_args!("gatewatch_info{{version=\"{version}\",device=\"{device}\"}} 1\n"))?;
        self.metric("verdict", "What the run comes to: 1 for that, 0 for the others.")?;
        Verdict::ALL.into_iter().try_for_each(|verdict| {
            self.sample("verdict", "verdict", verdict.word(), (verdict == summary.verdict).into())
        })?;
        let findings = [summary.infected, summary.suspicious, summary.notice];
        self.severities("findings", "What the checks have found.", findings)?;
        self.severities("incidents", "Findings about one intruder, joined.", incidents)?;
        let help = "Findings that their owner allows, which count nowhere else.";
        self.gauge("findings_allowed", help, summary.allowed.into())?;
        self.gauge("checks", "Checks that were asked for.", summary.checks.into())?;
        let help = "Checks that the configuration leaves out.";
        self.gauge("checks_skipped", help, summary.skipped.into())?;
        self.gauge("checks_blind", "Checks that may have missed something.", summary.blind.into())?;
        self.checks()?;
        let counts = summary.counts;
        self.gauge("processes", "Processes that were looked at.", counts.processes.into())?;
        self.gauge("sockets", "Sockets that were looked at.", counts.sockets.into())?;
        self.gauge("flows", "Tracked flows that were looked at.", counts.flows.into())?;
        self.gauge("startup_files", "Startup files that were read.", counts.files.into())?;
        self.intel(summary)?;
        let complete = summary.broken_off.is_empty();
        self.gauge("scan_complete", "Whether the run came to its end.", complete.into())?;
        self.metric("scan_duration_seconds", "How long the run took.")?;
        let us = summary.elapsed_us;
        let (seconds, rest) = (us.div_euclid(1_000_000), us.rem_euclid(1_000_000));
        self.say(format_args!("gatewatch_scan_duration_seconds {seconds}.{rest:06}\n"))?;
        if let Some(now) = (self.now)() {
            let help = "When the run ended; absent while the clock is not set.";
            self.gauge("last_run_timestamp_seconds", help, now)?;
        }
        self.to.flush().map_err(|_| SinkFault::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, incident, summary, written};
    use super::*;
    use crate::report::CheckReport;

    fn told(events: &[Event<'_>], summary: &Summary<'_>, now: fn() -> Option<u64>) -> String {
        let mut store = Store::new();
        written(|to| {
            let mut sink = Prom::new(to, &mut store, now);
            events.iter().for_each(|event| sink.event(event).unwrap());
            sink.summary(summary).unwrap();
        })
    }

    fn check(check: &str, looked: Looked) -> Event<'_> {
        Event::Check(CheckReport { check, looked, why: b"", facts: 1, findings: 2 })
    }

    #[test]
    fn every_number_of_a_run_is_a_metric() {
        let events = [
            Event::Finding(finding()),
            check("exe-deleted", Looked::No),
            check("exe-deleted", Looked::Yes),
            check("c2-address", Looked::Partly),
            check("c2-client", Looked::No),
            check("ssh-key", Looked::Na),
        ];
        let summary = Summary {
            infected: 1,
            elapsed_us: 61_000_042,
            allowed: 3,
            skipped: 4,
            ..summary(Verdict::Infected)
        };
        let text = told(&events, &summary, || Some(1_795_341_600));
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                r#"gatewatch_info{version="0.1.0",device="router-1"} 1"#,
                r#"gatewatch_verdict{verdict="clean"} 0"#,
                r#"gatewatch_verdict{verdict="suspicious"} 0"#,
                r#"gatewatch_verdict{verdict="infected"} 1"#,
                r#"gatewatch_verdict{verdict="incomplete"} 0"#,
                r#"gatewatch_findings{severity="infected"} 1"#,
                r#"gatewatch_findings{severity="suspicious"} 0"#,
                r#"gatewatch_findings{severity="notice"} 0"#,
                r#"gatewatch_incidents{severity="infected"} 0"#,
                r#"gatewatch_incidents{severity="suspicious"} 0"#,
                r#"gatewatch_incidents{severity="notice"} 0"#,
                "gatewatch_findings_allowed 3",
                "gatewatch_checks 52",
                "gatewatch_checks_skipped 4",
                "gatewatch_checks_blind 1",
                r#"gatewatch_check_looked{check="exe-deleted"} 1"#,
                r#"gatewatch_check_looked{check="c2-address"} 0.5"#,
                r#"gatewatch_check_looked{check="c2-client"} 0"#,
                r#"gatewatch_check_findings{check="exe-deleted"} 2"#,
                r#"gatewatch_check_findings{check="c2-address"} 2"#,
                r#"gatewatch_check_findings{check="c2-client"} 2"#,
                "gatewatch_processes 93",
                "gatewatch_sockets 40",
                "gatewatch_flows 812",
                "gatewatch_startup_files 120",
                "gatewatch_intel_version 42",
                "gatewatch_intel_entries 100000",
                "gatewatch_intel_signed 1",
                "gatewatch_intel_created_timestamp_seconds 1795000000",
                "gatewatch_intel_age_seconds 86400",
                "gatewatch_scan_complete 1",
                "gatewatch_scan_duration_seconds 61.000042",
                "gatewatch_last_run_timestamp_seconds 1795341600",
            ]
        );
    }

    #[test]
    fn the_worst_incidents_have_their_stories() {
        let (mut store, told) = (Store::new(), summary(Verdict::Infected));
        let text = written(|to| {
            let mut sink = Prom::new(to, &mut store, || None);
            for number in 1..=20 {
                let story = format!("pid {number} (/tmp/\"\\\n) speaks to 203.0.113.7:443");
                sink.incident(&Incident { number, story: story.as_bytes(), family: b"Mirai", ..incident() })
                    .unwrap();
            }
            sink.summary(&told).unwrap();
        });
        let stories: Vec<&str> =
            text.lines().filter(|line| line.starts_with("gatewatch_incident{")).collect();
        assert_eq!(stories.len(), 8);
        assert_eq!(
            stories[0],
            r#"gatewatch_incident{number="1",severity="infected",family="Mirai",story="pid 1 (/tmp/\"\\\\\\x0a) speaks to 203.0.113.7:443"} 1"#
        );
        assert_eq!(text.matches("# TYPE gatewatch_incident gauge").count(), 1);
        assert!(text.contains("gatewatch_incidents{severity=\"infected\"} 20\n"), "{text}");
    }

    #[test]
    fn incidents_with_the_same_story_are_two_series() {
        let mut store = Store::new();
        let text = written(|to| {
            let mut sink = Prom::new(to, &mut store, || None);
            for number in 1..=2 {
                sink.incident(&Incident { number, ..incident() }).unwrap();
            }
            sink.summary(&summary(Verdict::Infected)).unwrap();
        });
        let mut series: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(key, _)| key)
            .collect();
        let all = series.len();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), all, "{text}");
    }

    #[test]
    fn what_is_not_known_is_absent_and_labels_are_escaped() {
        let odd = Summary {
            device: "a\"b\\c\nd",
            intel: None,
            broken_off: "time ran out",
            ..summary(Verdict::Incomplete)
        };
        let text = told(&[], &odd, || None);
        // Escaped as everywhere first, then for the label.
        assert!(text.contains(r#"device="a\"b\\\\c\\x0ad"} 1"#), "{text}");
        assert!(!text.contains("_timestamp_") && !text.contains("intel"), "{text}");
        assert!(text.contains("\ngatewatch_scan_complete 0\n"), "{text}");
    }
}
