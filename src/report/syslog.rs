//! What is said by syslog: a line for each finding, one for each incident behind them, with keys in a fixed order, numbered n/N so that the collector can tell
//! loss, and a closing line after every run. The lines wait in the [`spool`] until somebody sends them as [`frame`] makes them
//! look.

pub mod frame;
pub mod spool;

use core::fmt::Write;

use super::escape::quoted_within;
use super::{
    Client, Event, Finding, History, Incident, SELFTEST, Severity, Sink, SinkFault, State, Summary, Verdict,
};
use crate::facts::text::Bytes;
use crate::limits::{
    CLIENT_BYTES, DETAIL_BYTES, PATH_BYTES, STORY_BYTES, SYSLOG_FINDINGS, SYSLOG_PER_CHECK, SYSLOG_TEXT_BYTES,
};
use spool::{Class, Spool};

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

/// Room for a client that is told in full: address, port and hardware address of IPv6 fit.
const CLIENT_ROOM: usize = 72;

/// What one line says, from its first own key to the end.
type Text = heapless::String<SYSLOG_TEXT_BYTES>;

/// What is known of the run that goes on, and what waits to be sent. Large, so it lives in `.bss`.
#[derive(Debug, Default)]
pub struct Store {
    /// What waits to be sent.
    pub spool: Spool,
    /// How many findings each check has had.
    per_check: heapless::Vec<(heapless::String<32>, usize), { crate::limits::CHECKS }>,
    more: u32,
}

impl Store {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { spool: Spool::new(), per_check: heapless::Vec::new(), more: 0 }
    }

    /// Whether a check has had its share of a run.
    fn has_room(&mut self, check: &str) -> bool {
        let known = self.per_check.iter().position(|(id, _)| id == check);
        let place = known.or_else(|| {
            let id = heapless::String::try_from(check).ok()?;
            self.per_check.push((id, 0)).ok()?;
            self.per_check.len().checked_sub(1)
        });
        let Some((_, count)) = place.and_then(|place| self.per_check.get_mut(place)) else {
            return false;
        };
        *count = count.saturating_add(1);
        *count <= SYSLOG_PER_CHECK
    }

    /// Keeps a finding, unless there are too many of its kind.
    fn keep(&mut self, check: &str, level: u8, text: &str) {
        let findings = || self.spool.open().filter(|(_, class, ..)| *class == Class::Finding);
        let full = findings().count() >= SYSLOG_FINDINGS;
        if !self.has_room(check) || full {
            self.more = self.more.saturating_add(1);
            // What is left out is the mildest of its check, so that nobody hides a bot behind a crowd of look-alikes.
            let own = text.split(' ').next();
            let of_check = self
                .spool
                .open()
                .filter(|(_, class, _, other)| *class == Class::Finding && other.split(' ').next() == own);
            let mildest =
                of_check.max_by_key(|(_, _, mild, _)| *mild).filter(|(_, _, mild, _)| *mild > level);
            let Some((at, ..)) = mildest else { return };
            self.spool.withdraw(at);
        }
        self.spool.put(Class::Finding, level, text);
    }
}

/// What every line of a run says of it.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The process that reports.
    pub pid: u32,
    /// A number that tells this run from others of the device.
    pub id: u32,
    /// Seconds since 1970 of the device's clock, shown as UTC as musl's syslog(3) does.
    pub now: u64,
    /// That clock is set.
    pub believed: bool,
}

/// Turns what happens in a run into lines.
#[derive(Debug)]
pub struct Syslog<'s> {
    run: Run,
    store: &'s mut Store,
}

impl<'s> Syslog<'s> {
    /// Puts the lines into `store`, from which they may be sent once the summary is there.
    pub const fn new(run: Run, store: &'s mut Store) -> Self {
        Self { run, store }
    }
}

/// The finding's own part of its line. Only `obj` gives way when it is too long.
fn text(finding: &Finding<'_>) -> Result<Text, SinkFault> {
    let mut text = Text::new();
    let severity = finding.severity.word();
    let keys = write!(text, "check={} sev={severity} attack={}", finding.check, finding.attack)
        .and_then(|()| text.write_str(if finding.check == SELFTEST { " test=1" } else { "" }))
        .and_then(|()| finding.pid.map_or(Ok(()), |pid| write!(text, " pid={pid}")))
        .and_then(|()| finding.client.map_or(Ok(()), |client| named(client, &mut text)))
        .and_then(|()| finding.history.map_or(Ok(()), |history| before(history, &mut text)))
        .and_then(|()| text.write_str(" obj=\""));
    let room = SYSLOG_TEXT_BYTES.saturating_sub(text.len().saturating_add(1));
    keys.and_then(|()| quoted_within(object(finding).as_slice(), room, &mut text))
        .and_then(|()| text.write_char('"'))
        .map_err(|_| SinkFault::TooLarge)?;
    Ok(text)
}

/// The incident's own part of its line. Its findings have lines of their own, so that who, from where and to whom fit into
/// the shortest of lines.
fn incident(incident: &Incident<'_>) -> Result<Text, SinkFault> {
    let mut text = Text::new();
    let severity = incident.severity.word();
    write!(text, "incident={} sev={severity} findings={}", incident.number, incident.findings)
        .and_then(|()| incident.pid.map_or(Ok(()), |pid| write!(text, " pid={pid}")))
        .and_then(|()| text.write_str(" story=\""))
        .and_then(|()| {
            let room = SYSLOG_TEXT_BYTES.saturating_sub(text.len().saturating_add(1));
            quoted_within(brief(incident).as_slice(), room, &mut text)
        })
        .and_then(|()| text.write_char('"'))
        .map_err(|_| SinkFault::TooLarge)?;
    Ok(text)
}

/// `/tmp/.x started by /etc/rc.d/S99y:2 speaks to 203.0.113.7:443 (mirai)`; the story itself where one of these is not known.
fn brief(incident: &Incident<'_>) -> Bytes<STORY_BYTES> {
    let (file, line) = incident.started_by;
    let Some(remote) = incident.remote.filter(|_| !file.is_empty() && !incident.path.is_empty()) else {
        return Bytes::of(incident.story);
    };
    let mut brief = Bytes::new();
    for (path, line, behind) in [(incident.path, 0, " started by "), (file, line, " speaks to ")] {
        brief.push(path);
        let _ = if line > 0 { write!(brief, ":{line}{behind}") } else { write!(brief, "{behind}") };
    }
    let _ = write!(brief, "{remote}");
    if !incident.family.is_empty() {
        for part in [b" (", incident.family, b")"] {
            brief.push(part);
        }
    }
    brief
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

impl Sink for Syslog<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        let Event::Finding(finding) = event else { return Ok(()) };
        // That it is gone wakes nobody.
        let is_gone = finding.is_gone();
        let severity = if is_gone { Severity::Notice } else { finding.severity };
        self.store.keep(finding.check, level(severity), &text(finding)?);
        Ok(())
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        self.store.spool.put(Class::Incident, level(incident.severity), &self::incident(incident)?);
        Ok(())
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let mut text = Text::new();
        let counted = |text: &mut Text, key: &str, count: u32| {
            if count > 0 { write!(text, " {key}={count}") } else { Ok(()) }
        };
        write!(text, "verdict={}{}", summary.verdict.word(), if summary.test { " test=1" } else { "" })
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
            .and_then(|()| counted(&mut text, "more", self.store.more.saturating_add(summary.held_back)))
            .and_then(|()| counted(&mut text, "hidden", summary.hidden))
            .and_then(|()| counted(&mut text, "allowed", summary.allowed))
            .and_then(|()| counted(&mut text, "skipped", summary.skipped))
            .map_err(|_| SinkFault::TooLarge)?;
        let level = if summary.verdict == Verdict::Incomplete { ERROR } else { INFO };
        self.store.spool.put(Class::Summary, level, &text);
        self.store.spool.seal(self.run);
        self.store.per_check.clear();
        self.store.more = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, IntelInfo};
    use super::frame::{Form, Line};
    use super::*;
    use crate::facts::process::Owner;
    use crate::limits::{SYSLOG_BYTES, SYSLOG_LONG_BYTES};

    fn finding<'a>(check: &'a str, path: &'a [u8]) -> Finding<'a> {
        Finding {
            check,
            severity: Severity::Suspicious,
            attack: "T1071.004",
            pid: Some(u32::MAX),
            path,
            uid: Some(0),
            owner: Some(Owner::Nobody),
            age_s: Some(60),
            history: None,
            ..Finding::NOTHING
        }
    }

    fn summary(device: &str) -> Summary<'_> {
        Summary {
            verdict: Verdict::Suspicious,
            infected: 0,
            suspicious: 1,
            notice: 0,
            hidden: 0,
            incidents: 0,
            unjoined: 0,
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
            allowed: 0,
            skipped: 0,
            test: false,
        }
    }

    const RUN: Run = Run { pid: u32::MAX, id: 0xbeef, now: 1_795_341_600, believed: true };

    fn framed(form: Form, device: &str, run: Run, findings: &[Finding<'_>]) -> Vec<String> {
        let mut store = Box::new(Store::new());
        store.spool.serve(&[None]);
        let mut syslog = Syslog::new(run, &mut store);
        for finding in findings {
            syslog.event(&Event::Finding(*finding)).unwrap();
        }
        syslog.summary(&summary(device)).unwrap();
        let (mut lines, mut line) = (Vec::new(), Line::new());
        while let Some(message) = store.spool.next(0) {
            frame::line(form, device, &message, &mut line).unwrap();
            lines.push(line.to_string());
            store.spool.sent(0);
        }
        lines
    }

    fn sent(device: &str, findings: &[Finding<'_>]) -> Vec<String> {
        framed(Form::Local, device, RUN, findings)
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
            let lines = framed(Form::Local, "r1", Run { pid, ..RUN }, &[finding("exe-volatile", &long)]);
            lines[0].split_once("check=").unwrap().1.to_owned()
        };
        assert_eq!(cut(1), cut(4_194_303));
    }

    #[test]
    fn an_incident_says_who_from_where_and_to_whom() {
        let whole = Incident {
            number: 2,
            severity: Severity::Infected,
            family: b"trickbot",
            checks: &["exe-deleted", "c2-address"],
            findings: 6,
            follow: [0, 0, 6],
            pid: Some(4_194_304),
            path: b"/tmp/.x",
            started_by: (b"/etc/init.d/y", 2),
            remote: Some(crate::facts::endpoint::Endpoint { ip: [198, 51, 100, 7].into(), port: 443 }),
            client: None,
            story: b"pid 4194304 (/tmp/.x, deleted) and so on",
            advice: &[],
        };
        let told = "incident=2 sev=infected findings=6 pid=4194304 story=\"/tmp/.x started by /etc/init.d/y:2 speaks to \
            198.51.100.7:443 (trickbot)\"";
        assert_eq!(incident(&whole).unwrap(), told);
        let unknown = Incident { remote: None, pid: None, ..whole };
        let told = "incident=2 sev=infected findings=6 story=\"pid 4194304 (/tmp/.x, deleted) and so on\"";
        assert_eq!(incident(&unknown).unwrap(), told);
        let no_family = Incident { started_by: (b"/etc/init.d/y", 0), family: b"", ..whole };
        let brief = "/tmp/.x started by /etc/init.d/y speaks to 198.51.100.7:443\"";
        assert!(incident(&no_family).unwrap().ends_with(brief));
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
    fn a_collector_gets_a_host_name_too() {
        let lines = framed(Form::Short, "02:00:5e:01", RUN, &[]);
        assert_eq!(
            lines,
            ["<30>Nov 22 10:00:00 02-00-5e-01 gatewatch[4294967295]: dev=02:00:5e:01 run=0000beef n=1/1 \
              verdict=suspicious intel=42 checks=6 blind=0 us=5120"]
        );
        assert!(framed(Form::Short, "-", RUN, &[])[0].starts_with("<30>Nov 22 10:00:00 gatewatch["));
    }

    #[test]
    fn structured_data_says_the_same_and_more_of_it() {
        let path = [b"/tmp/\"]\\\n", &[b'a'; 400][..]].concat();
        let lines = framed(Form::Long, "r1", RUN, &[finding("exe-volatile", &path)]);
        let [long, last] = lines.try_into().unwrap();
        let all = "a".repeat(400);
        let structure = format!(
            "<28>1 2026-11-22T10:00:00Z r1 gatewatch 4294967295 finding [gatewatch@32473 dev=\"r1\" run=\"0000beef\" \
             n=\"1/2\" check=\"exe-volatile\" sev=\"suspicious\" attack=\"T1071.004\" pid=\"4294967295\" \
             obj=\"/tmp/\\\"\\]\\\\\\\\\\\\x0a{all}\"] "
        );
        assert_eq!(long.get(..structure.len()), Some(&structure[..]), "{long}");
        let local = &sent("r1", &[finding("exe-volatile", &path)])[0];
        assert_eq!(&long[structure.len()..], local.split_once(": ").unwrap().1);
        assert!(
            last.starts_with("<30>1 2026-11-22T10:00:00Z r1 gatewatch 4294967295 summary [gatewatch@32473 ")
        );
        assert!(last.ends_with(
            " us=\"5120\"] dev=r1 run=0000beef n=2/2 verdict=suspicious intel=42 checks=6 blind=0 us=5120"
        ));
        let unset = framed(Form::Long, "-", Run { now: 5, believed: false, ..RUN }, &[]);
        assert!(unset[0].starts_with("<30>1 - - gatewatch 4294967295 summary ["), "{unset:?}");
    }

    #[test]
    fn no_line_is_longer_than_a_collector_must_take() {
        for long in [[b'"'; 4000], [b']'; 4000], [b'\\'; 4000], [b'\n'; 4000], [b'a'; 4000]] {
            let device = "d".repeat(64);
            let lines = framed(Form::Long, &device, RUN, &[finding("c2-address", &long)]);
            assert!(lines[0].len() <= SYSLOG_LONG_BYTES, "{}", lines[0].len());
            assert!(lines[0].len() > 1200, "{}", lines[0]);
        }
    }

    #[test]
    fn the_longest_closing_line_fits() {
        let mut store = Box::new(Store::new());
        store.spool.serve(&[None]);
        store.more = 99_999;
        let longest = Summary {
            verdict: Verdict::Incomplete,
            intel: Some(IntelInfo { version: u32::MAX, created: 0, entries: 1, signed: false }),
            intel_age_days: Some(99_999),
            checks: 64,
            blind: 64,
            elapsed_us: 86_400_000_000,
            ..summary("")
        };
        Syslog::new(Run { pid: 4_194_304, ..RUN }, &mut store).summary(&longest).unwrap();
        let message = spool::Message { number: 999, of: 999, lost: u32::MAX, ..store.spool.next(0).unwrap() };
        let mut line = Line::new();
        frame::line(Form::Local, &"d".repeat(64), &message, &mut line).unwrap();
        // The time gives way.
        assert!(line.ends_with(" blind=64 age=99999 signed=no more=99999 lost=4294967295"), "{line}");
        assert!(line.len() <= SYSLOG_BYTES + 20, "{}: {line}", line.len());
        frame::line(Form::Long, &"d".repeat(64), &message, &mut line).unwrap();
        assert!(
            line.contains(" us=\"86400000000\" ") && line.contains(" lost=\"4294967295\"] dev="),
            "{line}"
        );
    }

    /// A parameter's value up to its closing quote, RFC 5424 section 6.3.3, and as a short line has it.
    fn unescaped(value: &str) -> String {
        let (mut out, mut chars) = (String::new(), value.chars());
        while let Some(c) = chars.next() {
            match c {
                '"' => return out,
                '\\' => match chars.next().unwrap() {
                    '"' => out.push_str("\\\""),
                    c @ ('\\' | ']') => out.push(c),
                    other => panic!("{other}: {value}"),
                },
                other => out.push(other),
            }
        }
        panic!("no closing quote: {value}");
    }

    #[test]
    fn whatever_an_enemy_is_called_both_forms_hold() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from((seed >> 8) % below).unwrap()
        };
        for _ in 0..500 {
            let length = random(600);
            let path: Vec<u8> = (0..length).map(|_| b"ab \\\"]=[x0\n\xff\x1b"[random(13)]).collect();
            let finding = finding("exe-volatile", &path);
            let local = &sent("r1", &[finding])[0];
            assert!(local.len() <= SYSLOG_BYTES + 20 && local.ends_with('"'), "{local}");
            let long = &framed(Form::Long, "r1", RUN, &[finding])[0];
            assert!(long.len() <= SYSLOG_LONG_BYTES, "{}", long.len());
            let said = long.split_once(" obj=\"").unwrap().1;
            let all = text(&finding).unwrap();
            let all = all.split_once(" obj=\"").unwrap().1.strip_suffix('"').unwrap();
            let said = unescaped(said);
            let (head, tail) = said.split_once("...").unwrap_or((&said, ""));
            assert!(all.starts_with(head) && all.ends_with(tail), "{said}\n{all}");
            assert!(said.contains("...") || said == all);
            assert!(long.ends_with(local.split_once(": ").unwrap().1), "{long}\n{local}");
        }
    }
}
