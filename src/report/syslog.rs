//! Syslog lines of RFC 3164 that survive BusyBox: at most 220 bytes after the timestamp, one finding each, keys
//! in a fixed order, numbered n/N so that the collector can tell loss; and a closing line after every run.

use core::fmt::Write;

use super::escape::quoted_within;
use super::{
    Client, Event, Finding, History, Incident, Severity, Sink, SinkFault, State, Summary, Verdict, date,
};
use crate::facts::text::Bytes;
use crate::limits::{
    CLIENT_BYTES, DETAIL_BYTES, PATH_BYTES, SYSLOG_BYTES, SYSLOG_FINDINGS, SYSLOG_PER_CHECK,
};

/// Facility `daemon`, RFC 3164 section 4.1.1. OpenWrt's logd drops `local7`, so that is no choice.
const DAEMON: u8 = 3;

/// Numerical severities of RFC 3164 section 4.1.1.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Infected => 2,
        Severity::Suspicious => 4,
        Severity::Notice => 5,
    }
}
const ERROR: u8 = 3;
const INFO: u8 = 6;

/// Room for priority and timestamp, `<26>Nov 22 10:00:00 `, before the message itself.
const HEADER_BYTES: usize = 24;

/// Room for a client that is told in full: address, port and hardware address of IPv6 fit.
const CLIENT_ROOM: usize = 72;

/// Where the lines go, one message a call.
pub trait Datagram {
    /// Sends one message.
    ///
    /// # Errors
    /// When nobody takes it.
    fn send(&mut self, message: &[u8]) -> Result<(), SinkFault>;
}

/// A finding, kept until it is known how many there are.
#[derive(Clone, Debug)]
struct Kept {
    severity: Severity,
    /// From `check=` to the end.
    text: heapless::String<SYSLOG_BYTES>,
}

/// The findings of a run; large, so it lives in `.bss`.
#[derive(Debug, Default)]
pub struct Store {
    kept: heapless::Vec<Kept, SYSLOG_FINDINGS>,
    /// How many findings each check has had.
    per_check: heapless::Vec<(heapless::String<32>, usize), { crate::limits::CHECKS }>,
    more: u32,
}

impl Store {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: heapless::Vec::new(), per_check: heapless::Vec::new(), more: 0 }
    }
}

/// What every line of a run says of it.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The device's id: letters, digits, `.`, `_`, `:`, `-`.
    pub device: &'a str,
    /// The process that reports.
    pub pid: u32,
    /// A number that tells this run from others of the device.
    pub id: u32,
    /// Seconds since 1970 of the device's clock, shown as UTC as musl's syslog(3) does.
    pub now: u64,
}

/// Writes syslog lines.
#[derive(Debug)]
pub struct Syslog<'s, D> {
    to: D,
    run: Run<'s>,
    store: &'s mut Store,
}

impl<'s, D: Datagram> Syslog<'s, D> {
    /// Sends to `to`, keeping findings in `store` until the summary.
    pub const fn new(to: D, run: Run<'s>, store: &'s mut Store) -> Self {
        Self { to, run, store }
    }

    /// Bytes that are left for `check=…` behind `gatewatch[PID]: dev=… run=… n=…/… `. As if all numbers were as long as they
    /// can be, so that the same finding is cut alike in every run.
    fn room(&self) -> usize {
        let mut longest = heapless::String::<SYSLOG_BYTES>::new();
        let most = SYSLOG_FINDINGS.saturating_add(1);
        let run = Run { pid: self.run.pid.max(PID_MAX_LIMIT), ..self.run };
        let _ = tag(&mut longest, run, most, most);
        SYSLOG_BYTES.saturating_sub(longest.len())
    }

    /// The finding's own part of its line. Only `obj` gives way when it is too long.
    fn text(&self, finding: &Finding<'_>) -> Result<heapless::String<SYSLOG_BYTES>, SinkFault> {
        let mut text = heapless::String::new();
        let severity = finding.severity.word();
        let keys = write!(text, "check={} sev={severity} attack={}", finding.check, finding.attack)
            .and_then(|()| finding.pid.map_or(Ok(()), |pid| write!(text, " pid={pid}")))
            .and_then(|()| finding.client.map_or(Ok(()), |client| named(client, &mut text)))
            .and_then(|()| finding.history.map_or(Ok(()), |history| before(history, &mut text)))
            .and_then(|()| text.write_str(" obj=\""));
        let room = self.room().saturating_sub(text.len().saturating_add(1));
        keys.and_then(|()| quoted_within(object(finding).as_slice(), room, &mut text))
            .and_then(|()| text.write_char('"'))
            .map_err(|_| SinkFault::TooLarge)?;
        Ok(text)
    }

    fn send(&mut self, level: u8, number: usize, of: usize, text: &str) -> Result<(), SinkFault> {
        let mut line = heapless::String::<{ SYSLOG_BYTES + HEADER_BYTES }>::new();
        write!(line, "<{}>", DAEMON.saturating_mul(8).saturating_add(level))
            .and_then(|()| stamp(&mut line, self.run.now))
            .and_then(|()| tag(&mut line, self.run, number, of))
            .and_then(|()| line.write_str(text))
            .map_err(|_| SinkFault::TooLarge)?;
        self.to.send(line.as_bytes())
    }

    /// Whether a check has had its share of the store.
    fn has_room(&mut self, check: &str) -> bool {
        let known = self.store.per_check.iter().position(|(id, _)| id == check);
        let place = known.or_else(|| {
            let id = heapless::String::try_from(check).ok()?;
            self.store.per_check.push((id, 0)).ok()?;
            self.store.per_check.len().checked_sub(1)
        });
        let Some((_, count)) = place.and_then(|place| self.store.per_check.get_mut(place)) else {
            return false;
        };
        *count = count.saturating_add(1);
        *count <= SYSLOG_PER_CHECK
    }
}

/// ` client=lan-0123abcd`; one that is told in full has blanks.
fn named(client: Client<'_>, out: &mut impl Write) -> core::fmt::Result {
    let mut name = Bytes::<CLIENT_BYTES>::new();
    match client {
        Client::At(end) => write!(name, "{end}")?,
        Client::Named(told) => name.push(told),
    }
    let quote = if name.as_slice().contains(&b' ') { "\"" } else { "" };
    write!(out, " client={quote}")?;
    quoted_within(name.as_slice(), CLIENT_ROOM, out)?;
    out.write_str(quote)
}

/// ` state=again seen=86400`: what has become of it, and how many seconds ago it was first seen.
fn before(history: History, out: &mut impl Write) -> core::fmt::Result {
    let (state, age) = (history.state.word(), history.age_s);
    write!(out, " state={state}")?;
    if history.state == State::New { Ok(()) } else { write!(out, " seen={age}") }
}

/// What a finding is about, most telling first.
fn object(finding: &Finding<'_>) -> Bytes<{ PATH_BYTES + DETAIL_BYTES }> {
    let mut object = Bytes::new();
    if let Some(remote) = finding.remote {
        let _ = write!(object, "{remote}");
    }
    let subject = if finding.path.is_empty() { finding.name } else { finding.path };
    for part in [finding.family, subject].into_iter().filter(|part| !part.is_empty()) {
        object.push(if object.is_empty() { b"" } else { b" " });
        object.push(part);
    }
    if let Some(line) = finding.line {
        let _ = write!(object, ":{line}");
    }
    // A startup file says little without what it runs.
    if finding.pid.is_none() && finding.remote.is_none() {
        object.push(b" ");
        object.push(finding.detail);
    }
    object
}

/// No process has a larger id (include/linux/threads.h).
const PID_MAX_LIMIT: u32 = 4_194_304;

/// `gatewatch[PID]: dev=… run=… n=…/… `
fn tag(out: &mut impl Write, run: Run<'_>, number: usize, of: usize) -> core::fmt::Result {
    write!(out, "gatewatch[{}]: dev={} run={:08x} n={number}/{of} ", run.pid, run.device, run.id)
}

/// `Nov 22 10:00:00 `, RFC 3164 section 4.1.2: the day padded with a blank.
fn stamp(out: &mut impl Write, now: u64) -> core::fmt::Result {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, seconds) = (now.div_euclid(86_400), now.rem_euclid(86_400));
    let (_, month, day) = date(days);
    let month = MONTHS.get(month).unwrap_or(&"");
    let (hour, minute) = (seconds.div_euclid(3600), seconds.div_euclid(60).rem_euclid(60));
    write!(out, "{month} {day:2} {hour:02}:{minute:02}:{:02} ", seconds.rem_euclid(60))
}

impl<D: Datagram> Sink for Syslog<'_, D> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        let Event::Finding(finding) = event else { return Ok(()) };
        let text = self.text(finding)?;
        // That it is gone wakes nobody.
        let is_gone = finding.history.is_some_and(|history| history.state == State::Gone);
        let severity = if is_gone { Severity::Notice } else { finding.severity };
        let kept = Kept { severity, text };
        let over = if self.has_room(finding.check) { self.store.kept.push(kept).err() } else { Some(kept) };
        let Some(worse) = over else { return Ok(()) };
        self.store.more = self.store.more.saturating_add(1);
        // What is left out is the mildest of its check, so that nobody hides a bot behind a crowd of look-alikes.
        let own = worse.text.split(' ').next();
        let of_check = self.store.kept.iter_mut().filter(|other| other.text.split(' ').next() == own);
        if let Some(mildest) =
            of_check.min_by_key(|other| other.severity).filter(|m| m.severity < worse.severity)
        {
            *mildest = worse;
        }
        Ok(())
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(())
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let kept = core::mem::take(&mut self.store.kept);
        let of = kept.len().saturating_add(1);
        for (number, finding) in (1_usize..).zip(&kept) {
            self.send(level(finding.severity), number, of, &finding.text)?;
        }
        let mut text = heapless::String::<SYSLOG_BYTES>::new();
        write!(text, "verdict={}", summary.verdict.word())
            .and_then(|()| match summary.intel {
                Some(intel) => write!(text, " intel={}", intel.version),
                None => text.write_str(" intel=none"),
            })
            .and_then(|()| {
                let (checks, blind, us) = (summary.checks, summary.blind, summary.elapsed_us);
                write!(text, " checks={checks} blind={blind} us={us}")
            })
            .and_then(|()| match summary.intel_age_days {
                Some(days) => write!(text, " age={days}"),
                None => Ok(()),
            })
            .and_then(|()| {
                text.write_str(if summary.intel.is_some_and(|it| !it.signed) { " signed=no" } else { "" })
            })
            .and_then(|()| match self.store.more.saturating_add(summary.held_back) {
                0 => Ok(()),
                more => write!(text, " more={more}"),
            })
            .map_err(|_| SinkFault::TooLarge)?;
        let level = if summary.verdict == Verdict::Incomplete { ERROR } else { INFO };
        self.send(level, of, of, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, IntelInfo};
    use super::*;
    use crate::facts::process::Owner;
    use crate::limits::PARENTS;
    use crate::report::Parent;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Datagram for &mut Lines {
        fn send(&mut self, message: &[u8]) -> Result<(), SinkFault> {
            self.0.push(String::from_utf8(message.to_vec()).unwrap());
            Ok(())
        }
    }

    fn finding<'a>(check: &'a str, path: &'a [u8]) -> Finding<'a> {
        Finding {
            check,
            severity: Severity::Suspicious,
            attack: "T1071.004",
            family: b"",
            pid: Some(u32::MAX),
            name: b"",
            path,
            uid: Some(0),
            owner: Some(Owner::Nobody),
            age_s: Some(60),
            parents: [Parent::default(); PARENTS],
            line: None,
            local: None,
            remote: None,
            client: None,
            detail: b"",
            history: None,
        }
    }

    fn sent(device: &str, findings: &[Finding<'_>]) -> Vec<String> {
        let (mut lines, mut store) = (Lines::default(), Store::new());
        let run = Run { device, pid: u32::MAX, id: 0xbeef, now: 1_795_341_600 };
        let mut syslog = Syslog::new(&mut lines, run, &mut store);
        for finding in findings {
            syslog.event(&Event::Finding(*finding)).unwrap();
        }
        let summary = Summary {
            verdict: Verdict::Suspicious,
            infected: 0,
            suspicious: 1,
            notice: 0,
            checks: 6,
            blind: 0,
            counts: Counts::default(),
            intel: Some(IntelInfo { version: 42, created: 0, entries: 1, signed: true }),
            intel_age_days: None,
            device,
            version: "0",
            elapsed_us: 5120,
            held_back: 0,
            broken_off: "",
        };
        syslog.summary(&summary).unwrap();
        lines.0
    }

    #[test]
    fn a_finding_and_the_closing_line() {
        let lines = sent("r1", &[finding("exe-volatile", b"/tmp/\"x\n")]);
        assert_eq!(
            lines,
            [
                "<28>Nov 22 10:00:00 gatewatch[4294967295]: dev=r1 run=0000beef n=1/2 check=exe-volatile \
                 sev=suspicious attack=T1071.004 pid=4294967295 obj=\"/tmp/\\\"x\\x0a\"",
                "<30>Nov 22 10:00:00 gatewatch[4294967295]: dev=r1 run=0000beef n=2/2 verdict=suspicious \
                 intel=42 checks=6 blind=0 us=5120",
            ]
        );
    }

    #[test]
    fn what_is_cut_does_not_depend_on_the_pid_of_the_run() {
        let long = [b'a'; 1000];
        let cut = |pid: u32| {
            let (mut lines, mut store) = (Lines::default(), Store::new());
            let run = Run { device: "r1", pid, id: 0, now: 0 };
            let syslog = Syslog::new(&mut lines, run, &mut store);
            syslog.text(&finding("exe-volatile", &long)).unwrap()
        };
        assert_eq!(cut(1), cut(4_194_303));
    }

    #[test]
    fn no_line_is_longer_than_busybox_takes() {
        let long = [b'a', b'\n', b'"', 0xff].repeat(1000);
        for line in sent(&"d".repeat(64), &[finding("process-hidden-and-so-on-for-ever", &long)]) {
            assert!(line.len() <= SYSLOG_BYTES + "<28>Nov 22 10:00:00 ".len(), "{line}");
        }
    }

    #[test]
    fn a_flood_of_one_check_leaves_room_for_others_and_is_counted() {
        let mut findings = vec![finding("exe-volatile", b"/tmp/x"); 10];
        findings.push(finding("c2-address", b"/tmp/y"));
        let lines = sent("r1", &findings);
        assert_eq!(lines.len(), SYSLOG_PER_CHECK + 2);
        assert!(lines[SYSLOG_PER_CHECK].contains("n=3/4 check=c2-address"), "{lines:?}");
        assert!(lines.last().unwrap().ends_with("more=8"));
        findings.push(Finding { severity: Severity::Infected, ..finding("exe-volatile", b"/tmp/bot") });
        let lines = sent("r1", &findings);
        assert!(lines.iter().any(|line| line.contains("sev=infected")), "the worst is sent: {lines:?}");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (now, expected) in [
            (0, "Jan  1 00:00:00 "),
            (951_782_399, "Feb 28 23:59:59 "),
            (951_782_400, "Feb 29 00:00:00 "),
            (4_107_542_399, "Feb 28 23:59:59 "),
            (4_107_542_400, "Mar  1 00:00:00 "),
        ] {
            let mut out = String::new();
            stamp(&mut out, now).unwrap();
            assert_eq!(out, expected);
        }
    }
}
