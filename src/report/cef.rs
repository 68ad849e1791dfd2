//! Lines of ArcSight's Common Event Format, version 0: a finding, an incident, how a check fared, or the summary a line.
//!
//! Key names are those of its extension dictionary and mean what they mean there; what has no key of its own is in a custom
//! string or number with its label. The process is the source (`spid`, `sproc`), since it is what acts.

use core::fmt;
use core::net::IpAddr;

use embedded_io::Write;

use super::escape::{Also, Within};
use super::{
    CheckReport, Client, Event, Finding, Incident, Looked, Severity, Sink, SinkFault, Summary, Verdict,
};
use crate::facts::endpoint::Endpoint;
use crate::limits::CEF_BYTES;

/// What the fields before the extension escape.
const HEADER: Also = &[('|', "\\|"), ('\\', "\\\\")];
/// What a value of the extension escapes; line feeds are never in it.
const VALUE: Also = &[('=', "\\="), ('\\', "\\\\")];

/// The scale is 0 to 10: to 3 low, to 6 medium, to 8 high.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Infected => 9,
        Severity::Suspicious => 6,
        Severity::Notice => 3,
    }
}

/// What lines say that events do not tell.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The device's id; `-` is none.
    pub device: &'a str,
    /// The version of gatewatch.
    pub version: &'a str,
    /// What a check sees, by its id.
    pub title: fn(&str) -> &'static str,
    /// Seconds since 1970, if the clock can be believed.
    pub now: fn() -> Option<u64>,
}

/// Writes CEF.
#[derive(Debug)]
pub struct Cef<'a, W> {
    to: W,
    about: About<'a>,
    verdicts: bool,
}

impl<'a, W: Write> Cef<'a, W> {
    /// Writes to `to`; `verdicts` shows how each check fared too.
    pub const fn new(to: W, about: About<'a>, verdicts: bool) -> Self {
        Self { to, about, verdicts }
    }

    fn say(&mut self, text: fmt::Arguments<'_>) -> Result<(), SinkFault> {
        self.to.write_fmt(text).map_err(|_| SinkFault::Write)
    }

    /// All before the event's own values: `CEF:0|vendor|product|version|class|name|severity|cat=… rt=… dvchost=…`.
    fn begin(&mut self, class: &str, name: &str, level: u8, category: &str) -> Result<(), SinkFault> {
        let [version, class, name] = [self.about.version, class, name].map(|text| Within {
            bytes: text.as_bytes(),
            room: CEF_BYTES,
            also: HEADER,
        });
        self.say(format_args!("CEF:0|gatewatch|gatewatch|{version}|{class}|{name}|{level}|cat={category}"))?;
        if let Some(now) = (self.about.now)() {
            self.number("rt", Some(now.saturating_mul(1000)))?;
        }
        let device = self.about.device;
        self.value("dvchost", if device == "-" { b"" } else { device.as_bytes() })
    }

    fn end(&mut self) -> Result<(), SinkFault> {
        self.to.write_all(b"\n").and_then(|()| self.to.flush()).map_err(|_| SinkFault::Write)
    }

    /// A value, unless it is empty.
    fn value(&mut self, key: &str, bytes: &[u8]) -> Result<(), SinkFault> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.say(format_args!(" {key}={}", Within { bytes, room: CEF_BYTES, also: VALUE }))
    }

    fn number(&mut self, key: &str, number: Option<u64>) -> Result<(), SinkFault> {
        number.map_or(Ok(()), |number| self.say(format_args!(" {key}={number}")))
    }

    /// A value that the dictionary has no key for.
    fn custom(&mut self, key: &str, label: &str, bytes: &[u8]) -> Result<(), SinkFault> {
        self.value(key, bytes)?;
        if bytes.is_empty() { Ok(()) } else { self.say(format_args!(" {key}Label={label}")) }
    }

    fn custom_number(&mut self, key: &str, label: &str, number: Option<u32>) -> Result<(), SinkFault> {
        number.map_or(Ok(()), |number| self.say(format_args!(" {key}={number} {key}Label={label}")))
    }

    /// An end of a connection. The dictionary's addresses are IPv4; IPv6 has custom keys of its own.
    fn at(&mut self, end: Option<Endpoint>, keys: [&str; 4]) -> Result<(), SinkFault> {
        let (Some(end), [v4, v6, label, port]) = (end, keys) else { return Ok(()) };
        match end.ip.to_canonical() {
            IpAddr::V4(ip) => self.say(format_args!(" {v4}={ip}"))?,
            IpAddr::V6(ip) => self.say(format_args!(" {v6}={ip} {v6}Label={label}"))?,
        }
        self.number(port, Some(end.port.into()))
    }

    fn source(&mut self, end: Option<Endpoint>) -> Result<(), SinkFault> {
        self.at(end, ["src", "c6a2", "Source IPv6 Address", "spt"])
    }

    fn destination(&mut self, end: Option<Endpoint>) -> Result<(), SinkFault> {
        self.at(end, ["dst", "c6a3", "Destination IPv6 Address", "dpt"])
    }

    fn client(&mut self, client: Option<Client<'_>>) -> Result<(), SinkFault> {
        client.map_or(Ok(()), |client| self.custom("cs3", "client", client.bytes().as_slice()))
    }

    fn finding(&mut self, finding: &Finding<'_>) -> Result<(), SinkFault> {
        let title = (self.about.title)(finding.check);
        // What is there no more is no alarm.
        let level = if finding.is_gone() { 0 } else { level(finding.severity) };
        self.begin(finding.check, title, level, "finding")?;
        self.number("spid", finding.pid.map(u64::from))?;
        self.value("sproc", finding.name)?;
        self.number("suid", finding.uid.map(u64::from))?;
        self.value("filePath", finding.path)?;
        self.source(finding.local)?;
        self.destination(finding.remote)?;
        self.custom("cs1", "attack", finding.attack.as_bytes())?;
        self.custom("cs2", "family", finding.family)?;
        self.client(finding.client)?;
        let state = finding.history.map(|history| history.state.word()).unwrap_or_default();
        self.custom("cs4", "state", state.as_bytes())?;
        self.custom_number("cn1", "line", finding.line)?;
        self.value("msg", finding.detail)?;
        self.end()
    }

    fn check(&mut self, check: &CheckReport<'_>) -> Result<(), SinkFault> {
        let (name, level) = match check.looked {
            Looked::Yes => ("looked at everything", 0),
            Looked::Partly => ("looked at a part", 3),
            Looked::No => ("could not look", 3),
            Looked::Na => ("nothing to look at", 0),
        };
        self.begin("check", name, level, "check")?;
        self.custom("cs1", "check", check.check.as_bytes())?;
        self.custom("cs2", "looked", check.looked.word().as_bytes())?;
        self.custom_number("cn1", "facts", Some(check.facts))?;
        self.custom_number("cn2", "findings", Some(check.findings))?;
        self.value("msg", check.why)?;
        self.end()
    }
}

impl<W: Write> Sink for Cef<'_, W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => self.finding(finding),
            Event::Check(check) if self.verdicts => self.check(check),
            _ => Ok(()),
        }
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        let name = "findings about one intruder";
        self.begin("incident", name, level(incident.severity), "incident")?;
        self.number("spid", incident.pid.map(u64::from))?;
        self.value("filePath", incident.path)?;
        self.destination(incident.remote)?;
        for (before, check) in core::iter::once(" cs1=").chain(core::iter::repeat(",")).zip(incident.checks) {
            self.say(format_args!("{before}{check}"))?;
        }
        self.say(format_args!(" cs1Label=checks"))?;
        self.custom("cs2", "family", incident.family)?;
        self.client(incident.client)?;
        self.custom_number("cn1", "incident", Some(incident.number))?;
        self.custom_number("cn2", "findings", Some(incident.findings))?;
        self.value("msg", incident.story)?;
        self.end()
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let level = match summary.verdict {
            Verdict::Clean => 0,
            Verdict::Suspicious => level(Severity::Suspicious),
            Verdict::Infected => level(Severity::Infected),
            // Less than a finding, and more than nothing.
            Verdict::Incomplete => 4,
        };
        let verdict = summary.verdict.word();
        self.begin("summary", verdict, level, "summary")?;
        self.custom("cs1", "verdict", verdict.as_bytes())?;
        if let Some(intel) = summary.intel {
            self.say(format_args!(" cs2={} cs2Label=intel", intel.version))?;
        }
        self.custom_number("cn1", "infected", Some(summary.infected))?;
        self.custom_number("cn2", "suspicious", Some(summary.suspicious))?;
        self.custom_number("cn3", "notice", Some(summary.notice))?;
        let counts = summary.counts;
        self.say(format_args!(
            " msg={} checks, {} blind; {} processes, {} sockets, {} flows, {} startup files; {} us",
            summary.checks,
            summary.blind,
            counts.processes,
            counts.sockets,
            counts.flows,
            counts.files,
            summary.elapsed_us
        ))?;
        if summary.hidden > 0 {
            self.say(format_args!("; {} findings not shown", summary.hidden))?;
        }
        if summary.allowed > 0 {
            self.say(format_args!("; {} allowed", summary.allowed))?;
        }
        if summary.skipped > 0 {
            self.say(format_args!("; {} checks left out", summary.skipped))?;
        }
        if !summary.broken_off.is_empty() {
            let why = Within { bytes: summary.broken_off.as_bytes(), room: 512, also: VALUE };
            self.say(format_args!("; the scan ended early: {why}"))?;
        }
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{endpoint, finding, incident, summary, written};
    use super::*;
    use crate::report::{History, State};

    fn told(device: &str, tell: impl FnOnce(&mut dyn Sink)) -> String {
        let title = |_: &str| "a program | that is gone";
        let about = About { device, version: "0.1.0", title, now: || Some(1_795_341_600) };
        written(|to| tell(&mut Cef::new(to, about, true)))
    }

    #[test]
    fn a_finding_is_a_line_whose_values_nobody_breaks() {
        let odd = Finding {
            path: b"/tmp/a=b|c\\d\ne",
            name: b"x dst=1.2.3.4",
            uid: Some(0),
            family: b"examplebot",
            line: Some(3),
            local: Some(endpoint("[::ffff:198.51.100.1]:4000")),
            remote: Some(endpoint("[2001:db8::7]:443")),
            client: Some(Client::Named(b"lan-0123abcd")),
            ..finding()
        };
        assert_eq!(
            told("router-1", |sink| sink.event(&Event::Finding(odd)).unwrap()),
            concat!(
                r"CEF:0|gatewatch|gatewatch|0.1.0|exe-deleted|a program \| that is gone|9|cat=finding ",
                r"rt=1795341600000 dvchost=router-1 spid=812 sproc=x dst\=1.2.3.4 suid=0 ",
                r"filePath=/tmp/a\=b|c\\\\d\\x0ae src=198.51.100.1 spt=4000 ",
                "c6a3=2001:db8::7 c6a3Label=Destination IPv6 Address dpt=443 cs1=T1070.004 cs1Label=attack ",
                "cs2=examplebot cs2Label=family cs3=lan-0123abcd cs3Label=client cn1=3 cn1Label=line msg=gone\n"
            )
        );
        let long = Finding { path: &[b'='; 4095], detail: &[0xff; 1000], ..finding() };
        let line = told("-", |sink| sink.event(&Event::Finding(long)).unwrap());
        assert!(line.len() < 2500 && line.matches('\n').count() == 1 && !line.contains("dvchost"), "{line}");
    }

    #[test]
    fn what_is_gone_is_no_alarm() {
        let history = |state| Some(History { state, age_s: 0, first_seen: None, last_seen: None });
        for (state, level, word) in [(State::Gone, 0, "gone"), (State::New, 6, "new")] {
            let told = Finding { severity: Severity::Suspicious, history: history(state), ..finding() };
            let text = told_of(told);
            assert!(text.contains(&format!("|{level}|cat=finding ")), "{text}");
            assert!(text.contains(&format!(" cs4={word} cs4Label=state ")), "{text}");
        }
    }

    fn told_of(finding: Finding<'_>) -> String {
        told("-", |sink| sink.event(&Event::Finding(finding)).unwrap())
    }

    #[test]
    fn incident_check_and_summary_have_lines_too() {
        let incident = Incident {
            severity: Severity::Suspicious,
            checks: &["exe-deleted", "c2-address"],
            findings: 2,
            pid: Some(812),
            path: b"/tmp/x",
            remote: Some(endpoint("203.0.113.7:443")),
            story: b"pid 812 speaks to 203.0.113.7",
            ..incident()
        };
        let check =
            CheckReport { check: "c2-address", looked: Looked::No, why: b"no file", facts: 0, findings: 0 };
        let summary =
            Summary { hidden: 2, allowed: 3, skipped: 4, broken_off: "a=b", ..summary(Verdict::Incomplete) };
        let head = "CEF:0|gatewatch|gatewatch|0.1.0|";
        let text = told("-", |sink| {
            sink.event(&Event::Check(check)).unwrap();
            sink.incident(&incident).unwrap();
            sink.summary(&summary).unwrap();
        });
        let rt = "rt=1795341600000";
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                format!(
                    "{head}check|could not look|3|cat=check {rt} cs1=c2-address cs1Label=check cs2=no cs2Label=looked \
                     cn1=0 cn1Label=facts cn2=0 cn2Label=findings msg=no file"
                ),
                format!(
                    "{head}incident|findings about one intruder|6|cat=incident {rt} spid=812 filePath=/tmp/x \
                     dst=203.0.113.7 dpt=443 cs1=exe-deleted,c2-address cs1Label=checks cn1=1 cn1Label=incident \
                     cn2=2 cn2Label=findings msg=pid 812 speaks to 203.0.113.7"
                ),
                format!(
                    "{head}summary|incomplete|4|cat=summary {rt} cs1=incomplete cs1Label=verdict cs2=42 cs2Label=intel \
                     cn1=0 cn1Label=infected cn2=0 cn2Label=suspicious cn3=0 cn3Label=notice msg=52 checks, 1 blind; \
                     93 processes, 40 sockets, 812 flows, 120 startup files; 5120 us; 2 findings not shown; \
                     3 allowed; 4 checks left out; the scan ended early: a\\=b"
                ),
            ]
        );
    }
}
