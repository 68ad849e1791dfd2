//! The output of a monitoring plugin, for Nagios, Naemon, Icinga and their kin: a status line with performance data, then
//! the findings, worst first, as lines of text.
//!
//! The form is that of the Monitoring Plugins Development Guidelines (sections "Plugin Output for Nagios" and "Performance
//! data"): a bar separates text from data, so no other is ever written.

use core::fmt::{self, Write as _};

use embedded_io::Write;

use super::escape::{Also, Within};
use super::{CheckReport, Event, Finding, Incident, Severity, Sink, SinkFault, Summary, Verdict};
use crate::facts::text::Bytes;
use crate::limits::{NAGIOS_BYTES, NAGIOS_HEAD_BYTES, NAGIOS_LINE_BYTES, NAGIOS_PER_CHECK};

/// What follows a bar is taken for performance data, even inside quotes; and pages that show the text may take it for HTML.
const ALSO: Also = &[('|', "\\x7c"), ('<', "\\x3c"), ('>', "\\x3e")];

const fn shown(bytes: &[u8], room: usize) -> Within<'_> {
    Within { bytes, room, also: ALSO }
}

/// Kinds of lines in their order: incidents, infected, suspicious, notice, checks that may have missed something, others.
const KINDS: usize = 6;
const INCIDENTS: usize = 0;
const BLIND: usize = 4;
const SEEING: usize = 5;

const fn kind_of(severity: Severity) -> usize {
    match severity {
        Severity::Infected => 1,
        Severity::Suspicious => 2,
        Severity::Notice => 3,
    }
}

/// The lines of a run, kept until the status line is known, which comes first; large, so it lives in `.bss`.
#[derive(Debug)]
pub struct Store {
    /// Each kind has its own room, so that nobody hides a bot behind a crowd of look-alikes.
    lines: [Bytes<NAGIOS_BYTES>; KINDS],
    /// Lines for which there was none.
    more: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: [const { Bytes::new() }; KINDS], more: 0 }
    }

    fn kind(&self, kind: usize) -> impl Iterator<Item = &[u8]> {
        let lines = self.lines.get(kind).map(Bytes::as_slice).unwrap_or_default();
        lines.split_inclusive(|byte| *byte == b'\n')
    }

    fn add(&mut self, kind: usize, line: &Line) {
        // The first two words: severity and check.
        let end = line.as_slice().iter().enumerate().filter(|(_, byte)| **byte == b' ').nth(1);
        let group = end.and_then(|(end, _)| line.as_slice().get(..=end)).unwrap_or_default();
        let like = self.kind(kind).filter(|other| other.starts_with(group)).count();
        let Some(lines) = self.lines.get_mut(kind) else { return };
        let room = NAGIOS_BYTES.saturating_sub(lines.as_slice().len());
        if (kind != INCIDENTS && like >= NAGIOS_PER_CHECK) || line.as_slice().len() > room {
            self.more = self.more.saturating_add(1);
        } else {
            lines.push(line.as_slice());
        }
    }

    /// What a status line says first: the worst, and among those the first by name, so that it is the same in every run.
    fn worst(&self) -> Option<&[u8]> {
        (INCIDENTS..kind_of(Severity::Notice)).find_map(|kind| {
            // Incidents have their order already.
            if kind == INCIDENTS { self.kind(kind).next() } else { self.kind(kind).min() }
        })
    }

    fn clear(&mut self) {
        self.lines.iter_mut().for_each(Bytes::clear);
        self.more = 0;
    }
}

/// One line of the text: `severity check subject: what was seen`.
type Line = Bytes<NAGIOS_LINE_BYTES>;

/// Ends a line with a text that has the rest of its room.
fn end(line: &mut Line, text: &[u8]) {
    if !text.is_empty() {
        line.push(b": ");
        let room = NAGIOS_LINE_BYTES.saturating_sub(line.as_slice().len().saturating_add(1));
        let _ = write!(line, "{}", shown(text, room));
    }
    line.push(b"\n");
}

// Writing to `Bytes` does not fail, and the rooms below add up to less than a line has.
fn finding_line(finding: &Finding<'_>) -> Line {
    let mut line = Line::new();
    let _ = write!(line, "{} {}", finding.severity.word(), finding.check);
    if let Some(end) = finding.remote.or(finding.local) {
        let _ = write!(line, " {end}");
    }
    if let Some(client) = finding.client {
        let _ = write!(line, " client {}", shown(client.bytes().as_slice(), 72));
    }
    if !finding.family.is_empty() {
        let _ = write!(line, " {}", shown(finding.family, 32));
    }
    if let Some(pid) = finding.pid {
        let _ = write!(line, " pid {pid}");
    }
    if !finding.name.is_empty() {
        let _ = write!(line, " ({})", shown(finding.name, 40));
    }
    if !finding.path.is_empty() {
        let _ = write!(line, " {}", shown(finding.path, 120));
    }
    if let Some(number) = finding.line {
        let _ = write!(line, ":{number}");
    }
    end(&mut line, finding.detail);
    line
}

fn check_line(check: &CheckReport<'_>) -> Line {
    let mut line = Line::new();
    let (looked, facts, findings) = (check.looked.word(), check.facts, check.findings);
    let _ = write!(line, "looked {}: {looked}, {facts} facts, {findings} findings", check.check);
    end(&mut line, check.why);
    line
}

/// Writes what a plugin says.
#[derive(Debug)]
pub struct Nagios<'s, W> {
    to: W,
    store: &'s mut Store,
    quiet: bool,
    verdicts: bool,
}

impl<'s, W: Write> Nagios<'s, W> {
    /// Writes to `to`, keeping lines in `store` until the summary. `quiet` leaves out how checks fared, `verdicts` shows it
    /// of those too that could look at everything.
    pub const fn new(to: W, store: &'s mut Store, quiet: bool, verdicts: bool) -> Self {
        Self { to, store, quiet, verdicts }
    }
}

/// The status line: `GATEWATCH CRITICAL - infected: … | infected=1;;0;0 …`.
fn head(store: &Store, summary: &Summary<'_>) -> Bytes<NAGIOS_HEAD_BYTES> {
    let mut head = Bytes::new();
    let status = match summary.verdict {
        Verdict::Clean => "OK",
        Verdict::Suspicious => "WARNING",
        Verdict::Infected => "CRITICAL",
        Verdict::Incomplete => "UNKNOWN",
    };
    let _ = write!(head, "GATEWATCH {status} - {}: ", summary.verdict.word());
    match summary.verdict {
        Verdict::Clean => {}
        Verdict::Incomplete if !summary.broken_off.is_empty() => {
            let why = shown(summary.broken_off.as_bytes(), 320);
            let _ = write!(head, "the scan ended early: {why}; ");
        }
        verdict => {
            let line = if verdict == Verdict::Incomplete { store.kind(BLIND).next() } else { store.worst() };
            // Its first word is in the verdict.
            if let Some(line) = line {
                head.push(rest(line));
                head.push(b"; ");
            }
        }
    }
    let (infected, suspicious, notice) = (summary.infected, summary.suspicious, summary.notice);
    let (checks, blind) = (summary.checks, summary.blind);
    let _ = write!(head, "{infected} infected, {suspicious} suspicious, {notice} notice");
    if summary.hidden > 0 {
        let _ = write!(head, " ({} not shown)", summary.hidden);
    }
    let _ = write!(head, "; {checks} checks, {blind} blind");
    // What nobody hears of is never silent.
    if summary.allowed > 0 {
        let _ = write!(head, "; {} allowed", summary.allowed);
    }
    if summary.skipped > 0 {
        let _ = write!(head, "; {} checks left out", summary.skipped);
    }
    head.push(b" | ");
    let _ = performance(&mut head, summary);
    head.push(b"\n");
    head
}

/// `label=value[unit];warn;crit;min;max`. Ranges alert outside of 0 to their number, so `0` alerts on anything.
fn performance(to: &mut dyn fmt::Write, summary: &Summary<'_>) -> fmt::Result {
    let counts = summary.counts;
    write!(
        to,
        "infected={};;0;0 suspicious={};0;;0 notice={};;;0 checks={checks};;;0 blind={};;;0;{checks} \
         processes={};;;0 sockets={};;;0 flows={};;;0 files={};;;0",
        summary.infected,
        summary.suspicious,
        summary.notice,
        summary.blind,
        counts.processes,
        counts.sockets,
        counts.flows,
        counts.files,
        checks = summary.checks,
    )?;
    if let Some(days) = summary.intel_age_days {
        write!(to, " intel_age={}s;;;0", days.saturating_mul(86_400))?;
    }
    write!(to, " elapsed={}us;;;0", summary.elapsed_us)
}

/// What follows the first word of a line, without its end.
fn rest(line: &[u8]) -> &[u8] {
    let blank = line.iter().position(|byte| *byte == b' ').unwrap_or_default();
    let rest = line.get(blank.saturating_add(1)..).unwrap_or_default();
    rest.strip_suffix(b"\n").unwrap_or(rest)
}

impl<W: Write> Sink for Nagios<'_, W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            // A plugin says what there is.
            Event::Finding(finding) if finding.is_gone() => {}
            Event::Finding(finding) => self.store.add(kind_of(finding.severity), &finding_line(finding)),
            Event::Check(check) if check.looked.is_blind() => self.store.add(BLIND, &check_line(check)),
            Event::Check(check) if self.verdicts => self.store.add(SEEING, &check_line(check)),
            _ => {}
        }
        Ok(())
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        let mut line = Line::new();
        let _ = write!(line, "{} incident {}", incident.severity.word(), incident.number);
        end(&mut line, incident.story);
        self.store.add(INCIDENTS, &line);
        Ok(())
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let head = head(self.store, summary);
        let mut told = self.to.write_all(head.as_slice());
        // A plugin that says more is cut, so the last line tells of what was left out.
        let mut room = NAGIOS_BYTES.saturating_sub(head.as_slice().len().saturating_add(48));
        let mut more = self.store.more;
        let kinds = if self.quiet { BLIND } else { KINDS };
        for line in (0..kinds).flat_map(|kind| self.store.kind(kind)) {
            match room.checked_sub(line.len()) {
                Some(left) => {
                    room = left;
                    told = told.and_then(|()| self.to.write_all(line));
                }
                None => {
                    room = 0;
                    more = more.saturating_add(1);
                }
            }
        }
        self.store.clear();
        told.map_err(|_| SinkFault::Write)?;
        if more > 0 {
            self.to.write_fmt(format_args!("and {more} more lines\n")).map_err(|_| SinkFault::Write)?;
        }
        self.to.flush().map_err(|_| SinkFault::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{endpoint, finding, incident, summary, written};
    use super::*;
    use crate::report::{History, Looked, State};

    fn told(events: &[Event<'_>], incidents: &[Incident<'_>], summary: &Summary<'_>) -> String {
        let mut store = Box::new(Store::new());
        let mut run = || {
            written(|to| {
                let mut sink = Nagios::new(to, &mut store, false, false);
                events.iter().for_each(|event| sink.event(event).unwrap());
                incidents.iter().for_each(|incident| sink.incident(incident).unwrap());
                sink.summary(summary).unwrap();
            })
        };
        let text = run();
        assert_eq!(run(), text, "nothing of a run is left for the next");
        text
    }

    #[test]
    fn the_status_line_names_the_worst_and_counts_all() {
        let of = |severity, path| Event::Finding(Finding { severity, path, ..finding() });
        let events = [
            of(Severity::Notice, b"/a".as_slice()),
            of(Severity::Infected, b"/tmp/x|<y>"),
            of(Severity::Suspicious, b"/b"),
            of(Severity::Infected, b"/tmp/a"),
        ];
        let summary = Summary { infected: 2, suspicious: 1, notice: 1, ..summary(Verdict::Infected) };
        let text = told(&events, &[], &summary);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "GATEWATCH CRITICAL - infected: exe-deleted pid 812 (x) /tmp/a: gone; 2 infected, 1 suspicious, 1 notice; \
             52 checks, 1 blind | infected=2;;0;0 suspicious=1;0;;0 notice=1;;;0 checks=52;;;0 blind=1;;;0;52 \
             processes=93;;;0 sockets=40;;;0 flows=812;;;0 files=120;;;0 intel_age=86400s;;;0 elapsed=5120us;;;0"
        );
        assert_eq!(
            lines[1..],
            [
                r"infected exe-deleted pid 812 (x) /tmp/x\x7c\x3cy\x3e: gone",
                "infected exe-deleted pid 812 (x) /tmp/a: gone",
                "suspicious exe-deleted pid 812 (x) /b: gone",
                "notice exe-deleted pid 812 (x) /a: gone"
            ]
        );
    }

    #[test]
    fn what_is_gone_is_not_there() {
        let history = Some(History { state: State::Gone, age_s: 0, first_seen: None, last_seen: None });
        let text = told(&[Event::Finding(Finding { history, ..finding() })], &[], &summary(Verdict::Clean));
        assert!(text.starts_with("GATEWATCH OK - clean: ") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn an_incident_says_more_than_its_findings() {
        let incident = Incident { story: b"pid 812 speaks | to 203.0.113.7", ..incident() };
        let text = told(&[Event::Finding(finding())], &[incident], &summary(Verdict::Infected));
        let line = r"incident 1: pid 812 speaks \x7c to 203.0.113.7";
        assert!(text.starts_with(&format!("GATEWATCH CRITICAL - infected: {line}; ")), "{text}");
        assert!(text.lines().nth(1).unwrap() == format!("infected {line}"), "{text}");
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let check =
            CheckReport { check: "c2-address", looked: Looked::No, why: b"no | file", facts: 0, findings: 0 };
        let blind = [Event::Check(check), Event::Check(CheckReport { looked: Looked::Yes, ..check })];
        let text = told(&blind, &[], &summary(Verdict::Incomplete));
        let line = r"c2-address: no, 0 facts, 0 findings: no \x7c file";
        assert!(text.starts_with(&format!("GATEWATCH UNKNOWN - incomplete: {line}; 0 infected")), "{text}");
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), [format!("looked {line}")]);
        let late = Summary { broken_off: "time ran out", ..summary(Verdict::Incomplete) };
        let text = told(&blind, &[], &late);
        assert!(
            text.starts_with("GATEWATCH UNKNOWN - incomplete: the scan ended early: time ran out; 0 inf")
        );
        assert!(told(&[], &[], &summary(Verdict::Clean)).starts_with("GATEWATCH OK - clean: 0 infected, "));
        let hidden = Summary { suspicious: 2, hidden: 2, ..summary(Verdict::Suspicious) };
        let text = told(&[], &[], &hidden);
        let begin = "GATEWATCH WARNING - suspicious: 0 infected, 2 suspicious, 0 notice (2 not shown); 52 ";
        assert!(text.starts_with(begin), "{text}");
        let left_out = Summary { allowed: 3, skipped: 2, ..summary(Verdict::Clean) };
        let text = told(&[], &[], &left_out);
        assert!(text.contains("; 52 checks, 1 blind; 3 allowed; 2 checks left out | infected=0;"), "{text}");
    }

    /// The longest of everything, and so many that not all fit: a plugin's reader takes 8 KiB, an old NRPE 1 KiB.
    #[test]
    fn nothing_is_cut_by_whoever_reads() {
        let hostile = [b'|', b'\n', 0xff, b'a'].repeat(1000);
        let ids: Vec<String> = (0..40).map(|n| format!("check-with-a-long-name-{n:02}")).collect();
        let of = |check, severity| {
            Event::Finding(Finding {
                check,
                severity,
                family: &hostile,
                name: &hostile,
                path: &hostile,
                detail: &hostile,
                line: Some(u32::MAX),
                pid: Some(u32::MAX),
                remote: Some(endpoint("[2001:db8:1111:2222:3333:4444:5555:6666]:65535")),
                client: Some(crate::report::Client::Named(&hostile)),
                ..finding()
            })
        };
        let crowd = ids.iter().map(|id| of(id.as_str(), Severity::Suspicious)).cycle().take(400);
        let events: Vec<Event<'_>> = crowd.chain([of("exe-deleted", Severity::Infected)]).collect();
        let most = u32::MAX;
        let counts = super::super::Counts { processes: most, sockets: most, flows: most, files: most };
        let summary = Summary {
            infected: most,
            suspicious: most,
            notice: most,
            checks: 64,
            blind: 64,
            hidden: most,
            allowed: most,
            skipped: 64,
            counts,
            intel_age_days: Some(u64::MAX / 86_400),
            elapsed_us: u64::MAX,
            ..summary(Verdict::Infected)
        };
        let text = told(&events, &[], &summary);
        assert!(text.len() < 8192 && text.lines().next().unwrap().len() < 1024, "{}: {text}", text.len());
        assert_eq!(text.matches('|').count(), 1);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("infected exe-deleted "), "{text}");
        assert!(lines[0].contains("elapsed=18446744073709551615us;;;0"), "{text}");
        let more = lines.last().unwrap();
        let left: usize =
            more.strip_prefix("and ").unwrap().strip_suffix(" more lines").unwrap().parse().unwrap();
        assert_eq!(left + lines.len() - 2, events.len(), "each line is there or counted: {more}");
    }
}
