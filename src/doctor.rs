//! `gatewatch doctor`: what of gatewatch works on this machine, what this machine lets it see, and what to do about the rest.

mod sources;

use std::os::unix::ffi::OsStrExt;

use gatewatch::check::Area;
use gatewatch::engine::{NETWORK, STARTUP};
use gatewatch::facts::text::basename;
use gatewatch::host::Fault;
use gatewatch::report::allow::Term;
use gatewatch::report::escape::Escaped;
use gatewatch::report::{Event, Incident, Sink, SinkFault, Summary, Verdict};
use nix::sys::stat::stat;
use nix::unistd::{AccessFlags, access, geteuid};

use crate::args::{DEFAULT_BASELINE, Mistake, Scan};
use crate::diagnosis::{Report, State};
use crate::sinks;
use crate::sys::fd::fault;
use crate::sys::{clock, newfile};
use crate::trust::{IMAGE, Trust, Why};
use crate::{config, run as look, selftest};

/// Days after which indicators are old: lists of C2 addresses change from day to day.
const OLD_DAYS: u64 = 30;

/// Looks at everything; returns the exit status. `mistake`: what is wrong with the configuration file, which is then not in
/// `scan`.
#[inline(never)]
pub fn run(scan: &Scan, mistake: Option<&Mistake>) -> u8 {
    let mut report = Report::new(scan);
    configuration(scan, mistake, &mut report);
    allowed(scan, &mut report);
    machine(&mut report);
    let trust = Trust::load(&scan.dir, scan.allow_unsigned);
    keys(scan, &trust, &mut report);
    indicators(scan, &trust, &mut report);
    baseline(scan, &trust, &mut report);
    state(&trust, &mut report);
    output(scan, &mut report);
    if cfg!(feature = "monitor") {
        monitor(scan, &mut report);
    }
    sources::tell(&mut report);
    let device = sinks::device(scan);
    every_check(scan, &device, &mut report);
    log(scan, &device, &mut report);
    match (report.end(), report.worst) {
        (false, _) | (true, State::Broken) => Verdict::Incomplete.exit_status(),
        (true, State::Limited) => 1,
        (true, State::Good) => 0,
    }
}

/// The file that counts, and whether it does.
fn configuration(scan: &Scan, mistake: Option<&Mistake>, report: &mut Report) {
    const TOPIC: &str = "configuration";
    let path = config::path(scan);
    let places = config::places(scan);
    let shown = |path: &std::ffi::OsStr| Escaped(path.as_bytes()).to_string();
    match (mistake, &path) {
        (Some(mistake), _) => {
            report.say(
                State::Broken,
                TOPIC,
                format_args!("{mistake}"),
                "no scan is made until that is put right",
            );
        }
        (None, None) => {
            let [uci, beside] = places.each_ref().map(|place| shown(place));
            report.say(State::Good, TOPIC, format_args!("no file, neither {uci} nor {beside}"), "");
        }
        (None, Some(path)) => match config::read(path) {
            Ok(_) => report.say(State::Good, TOPIC, format_args!("{}", shown(path)), ""),
            Err(config::Refusal::Loose(how)) => {
                report.say(State::Broken, TOPIC, format_args!("{}: {how}; it is not taken", shown(path)), "");
            }
            Err(config::Refusal::Fault(fault)) => {
                report.say(State::Broken, TOPIC, format_args!("{}: {fault}", shown(path)), "");
            }
        },
    }
    // Somebody may think that the other one counts.
    if scan.config.is_none() && !scan.no_config && places.iter().all(|place| stat(place.as_os_str()).is_ok())
    {
        let [uci, beside] = places.map(|place| shown(&place));
        let what = format_args!("{beside} is not read, because {uci} is there");
        report.say(State::Limited, TOPIC, what, "remove one of them");
    }
    if scan.skipped > 0 {
        let what = format_args!("{} checks are left out by it", scan.skipped);
        report.say(State::Limited, TOPIC, what, "remove skip and only if that is not meant");
    }
}

/// The list of what is allowed.
fn allowed(scan: &Scan, report: &mut Report) {
    const TOPIC: &str = "allowed";
    let now = clock::believable();
    let mut count = 0_u32;
    for entry in &scan.allow {
        let (check, subject) = (entry.check, Escaped(entry.subject.as_slice()));
        match entry.term(now) {
            Term::Counts => count = count.saturating_add(1),
            Term::Over => {
                let what = format_args!("{check} {subject}: has expired, its findings are told again");
                report.say(State::Limited, TOPIC, what, "remove the entry, or give it a later day");
            }
            Term::NoClock => {
                let what = format_args!("{check} {subject}: does not count, because the clock is not set");
                report.say(State::Limited, TOPIC, what, "set the clock (NTP)");
            }
        }
    }
    report.say(State::Good, TOPIC, format_args!("{count} entries count"), "");
}

/// Rights and time.
fn machine(report: &mut Report) {
    for (built, area) in [(STARTUP, Area::Startup), (NETWORK, Area::Network)] {
        if !built {
            let what = format_args!("this gatewatch was built without those of area {}", area.word());
            report.say(State::Limited, "checks", what, "one with all of them is larger");
        }
    }
    if geteuid().is_root() {
        report.say(State::Good, "rights", format_args!("root"), "");
    } else {
        let what = format_args!("not root: files, memory and sockets of other users are not seen");
        report.say(State::Limited, "rights", what, "run it as root");
    }
    match clock::believable() {
        Some(_) => report.say(State::Good, "clock", format_args!("set"), ""),
        None => {
            let what = format_args!("not set: no indicator expires, and no entry with an end is allowed");
            report.say(State::Limited, "clock", what, "set it (NTP)");
        }
    }
}

fn keys(scan: &Scan, trust: &Trust<'_>, report: &mut Report) {
    let count = trust.keys().len();
    let dir = Escaped(scan.dir.as_bytes());
    if count > 0 {
        report.say(State::Good, "keys", format_args!("{count} are trusted"), "");
    } else {
        let what = format_args!("none in {dir}/keys: no indicator file is taken but with --allow-unsigned");
        report.say(
            State::Limited,
            "keys",
            what,
            "put the public key of whoever signs them there, as NAME.pub",
        );
    }
    if scan.allow_unsigned {
        let what = format_args!("indicator files that nobody has signed are taken");
        report.say(State::Limited, "keys", what, "leave allow_unsigned out if others can write to them");
    }
}

fn indicators(scan: &Scan, trust: &Trust<'_>, report: &mut Report) {
    const TOPIC: &str = "indicators";
    let (found, fault) = trust.files();
    let mut taken = 0_u32;
    if let Some(fault) = fault {
        report.say(
            State::Broken,
            TOPIC,
            format_args!("intel.d: {fault}"),
            "keep the files that are needed there",
        );
    }
    let named = scan.intel.iter().map(|path| (path.as_bytes(), true));
    let placed = found.iter().map(|path| path.as_bytes()).chain([IMAGE.as_bytes()]).map(|path| (path, false));
    let placed = placed.filter(|_| scan.intel.is_empty());
    for (path, named) in named.chain(placed) {
        let shown = Escaped(path);
        let file = match trust.open_newest(path) {
            Ok(file) => file,
            Err(Why::Fault(Fault::NotFound | Fault::NotDirectory)) if !named => continue,
            // A newer one of that name is in use.
            Err(Why::Older { .. })
                if !named && found.iter().any(|other| basename(other.as_bytes()) == basename(path)) =>
            {
                continue;
            }
            Err(why) => {
                let help = "gatewatch intel info FILE shows what it is; intel update gets another";
                report.say(State::Broken, TOPIC, format_args!("{shown}: {why}"), help);
                continue;
            }
        };
        taken = taken.saturating_add(1);
        let (intel, now) = (file.intel, clock::believable());
        let days = now.map(|now| now.saturating_sub(intel.created()).div_euclid(86_400));
        let signed = if file.signer.is_some() { "signed" } else { "not signed" };
        let (version, entries) = (intel.version(), intel.entries());
        let old = days.unwrap_or_default();
        if now.zip(intel.expires()).is_some_and(|(now, expires)| expires <= now) {
            let what = format_args!("{shown}: version {version} has expired");
            report.say(State::Limited, TOPIC, what, "gatewatch intel update gets newer ones");
        } else if old > OLD_DAYS {
            let what = format_args!("{shown}: version {version} is {old} days old");
            report.say(State::Limited, TOPIC, what, "gatewatch intel update gets newer ones");
        } else {
            let what = format_args!("{shown}: version {version}, {entries} indicators, {signed}");
            report.say(State::Good, TOPIC, what, "");
        }
    }
    if taken == 0 {
        let what = format_args!("none: what speaks to listed addresses is not known");
        report.say(State::Limited, TOPIC, what, "gatewatch intel update gets some, or give --intel");
    }
}

fn baseline(scan: &Scan, trust: &Trust<'_>, report: &mut Report) {
    const TOPIC: &str = "baseline";
    let path = scan.baseline.as_ref().map_or(DEFAULT_BASELINE.as_bytes(), |path| path.as_bytes());
    let shown = Escaped(path);
    match trust.open_baseline(path) {
        Ok(_) => report.say(State::Good, TOPIC, format_args!("{shown}"), ""),
        Err(Why::Fault(Fault::NotFound | Fault::NotDirectory)) if scan.baseline.is_none() => {
            let help = "gatewatch baseline create notes what this machine holds, while it is healthy";
            report.say(State::Good, TOPIC, format_args!("none, which is optional"), help);
        }
        Err(why) => {
            let help = "gatewatch baseline create makes another, once the machine is known to be healthy";
            report.say(State::Broken, TOPIC, format_args!("{shown}: {why}"), help);
        }
    }
}

/// Whether what was seen can be remembered.
fn state(trust: &Trust<'_>, report: &mut Report) {
    const TOPIC: &str = "state";
    let path = trust.path("state");
    let dir = newfile::directory(path.as_bytes());
    let shown = Escaped(dir);
    let help = "name a place that lasts and can be written with --dir, or update by a new image";
    match access(dir, AccessFlags::W_OK) {
        Ok(()) if newfile::is_in_memory(dir) => {
            let what =
                format_args!("{shown} is in memory: after a reboot an older indicator file would be taken");
            report.say(State::Limited, TOPIC, what, help);
        }
        Ok(()) => report.say(State::Good, TOPIC, format_args!("{shown} can be written"), ""),
        Err(errno) => {
            let what = format_args!("{shown}: {}; intel update cannot keep what it gets", fault(errno));
            report.say(State::Limited, TOPIC, what, help);
        }
    }
}

/// Whether the file of a report can be replaced.
fn output(scan: &Scan, report: &mut Report) {
    const TOPIC: &str = "output";
    let Some(path) = &scan.output else { return };
    let shown = Escaped(path.as_bytes());
    match newfile::can_be_made(path.as_bytes()) {
        Ok(()) => report.say(State::Good, TOPIC, format_args!("{shown} can be written"), ""),
        Err(fault) => {
            let what = format_args!("{shown}: {fault}; no report gets there");
            report.say(
                State::Broken,
                TOPIC,
                what,
                "name a file in a directory that is there and can be written",
            );
        }
    }
}

/// Whether a monitor can keep what it has told, and be the only one.
fn monitor(scan: &Scan, report: &mut Report) {
    const TOPIC: &str = "monitor";
    let path = scan.state.as_bytes();
    let dir = path.strip_suffix(b"/").filter(|dir| !dir.is_empty()).unwrap_or(path);
    let shown = Escaped(path);
    match newfile::can_hold(dir) {
        Ok(()) => report.say(State::Good, TOPIC, format_args!("{shown} can be written"), ""),
        // It makes the last part of the path itself.
        Err(Fault::NotFound) if newfile::can_hold(newfile::directory(dir)).is_ok() => {
            report.say(State::Good, TOPIC, format_args!("{shown} can be made"), "");
        }
        Err(fault) => {
            let what = format_args!("{shown}: {fault}; after a new start it tells everything again");
            report.say(State::Limited, TOPIC, what, "name a directory that can be written with --state");
        }
    }
}

/// A real look, of which only is told how far it saw.
fn every_check(scan: &Scan, device: &str, report: &mut Report) {
    let scan = scan.silent();
    let mut verdicts = Verdicts { report };
    look::once(&scan, device, &mut verdicts);
}

struct Verdicts<'r> {
    report: &'r mut Report,
}

impl Sink for Verdicts<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        if let Event::Check(check) = event
            && check.looked.is_blind()
        {
            let (id, looked, why) = (check.check, check.looked.word(), Escaped(check.why));
            let help = if geteuid().is_root() {
                format!("gatewatch explain {id} tells what it sees and misses")
            } else {
                "run it as root".to_owned()
            };
            self.report.say(State::Limited, "check", format_args!("{id} looks {looked}: {why}"), &help);
        }
        Ok(())
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(())
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let Summary { checks, blind, elapsed_us, broken_off, .. } = *summary;
        let ms = elapsed_us.div_euclid(1000);
        if !broken_off.is_empty() {
            let what = format_args!("a scan ends early: {broken_off}");
            self.report.say(
                State::Broken,
                "checks",
                what,
                "give it more time with --timeout, or report this",
            );
        }
        let what = format_args!("{checks} checks look, {blind} of them not at everything; {ms} ms");
        self.report.say(State::Good, "checks", what, "");
        let found = summary.infected.saturating_add(summary.suspicious);
        if found > 0 {
            let what = format_args!("a scan finds something: {}", summary.verdict.word());
            self.report.say(State::Limited, "checks", what, "gatewatch shows it");
        }
        Ok(())
    }
}

/// Whether a marked line gets to the log.
fn log(scan: &Scan, device: &str, report: &mut Report) {
    const TOPIC: &str = "log";
    if scan.syslog.is_empty() {
        let help = "nobody hears of a finding unless gatewatch is run by hand: give --syslog";
        return report.say(State::Limited, TOPIC, format_args!("reports go to no log"), help);
    }
    for place in &scan.syslog {
        let one = Scan { syslog: vec![place.clone()], ..scan.silent() };
        let ((), told) = sinks::reported(&one, device, |sinks| selftest::send(device, sinks));
        if told {
            let what = format_args!("{place} took a test finding, marked test=1");
            report.say(State::Good, TOPIC, what, "look for check=selftest where the log ends up");
        } else {
            let help = "start a log daemon there, or name another place with --syslog";
            report.say(State::Broken, TOPIC, format_args!("{place} takes no report"), help);
        }
    }
}
