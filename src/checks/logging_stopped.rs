//! A machine that no longer keeps its log.
//!
//! # Sees
//! No log daemon runs though a startup file, inittab or systemd starts one; a log file that leads to `/dev/null`; a log
//! file that holds nothing but a newline.
//!
//! # Why it matters
//! Intruders end the log daemon, or write over the log, so that nobody sees how they came in. Mirai's children end
//! daemons by the dozen.
//!
//! # Misses and false alarms
//! Silent where nothing starts a log daemon: many vendors' images have none. An owner who disables the log the usual
//! way removes what starts it. An empty log file is what rotation leaves behind, and is silent; one with a newline is what
//! `echo >log` leaves. Missed: lines taken out of a log, a daemon that runs and is told to keep nothing, and
//! containers, which have no log of their own.
//!
//! # Sources
//! syslogd(8); BusyBox sysklogd/syslogd.c; OpenWrt `/etc/init.d/log`; MITRE ATT&CK T1685.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::logging::Logging;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "logging-stopped",
    area: Area::System,
    severity: Severity::Suspicious,
    attack: "T1685",
    title: "no log daemon though the system starts one, or a log that was wiped",
    advice: Advice::STOPPED,
    sources: &[Source::Log],
    hooks: &[Hook::Log(run)],
};

fn run(log: &Logging, _: &Ctx<'_>, out: &mut Out<'_>) {
    let (started_by, discarded) = (log.started_by.as_slice(), log.discarded.as_slice());
    let wiped = log.wiped.as_slice();
    if !started_by.is_empty() && log.daemon == 0 {
        let draft = out.path(started_by).say("this starts a log daemon at boot, and none runs");
        out.found(draft);
    }
    if !discarded.is_empty() {
        out.found(out.path(discarded).say("the log leads to /dev/null"));
    }
    if !wiped.is_empty() {
        out.found(out.path(wiped).say("the log holds nothing but a newline: somebody wrote over it"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::log;
    use crate::facts::text::Bytes;

    const STOPPED: Severity = Severity::Suspicious;

    #[test]
    fn logs_that_are_gone() {
        let mut seen = Logging { started_by: Bytes::of(b"/etc/rc.d/S12log"), ..Logging::default() };
        assert_eq!(log(&CHECK, &seen), [STOPPED]);
        seen.discarded = Bytes::of(b"/var/log/messages");
        seen.wiped = Bytes::of(b"/var/log/wtmp");
        assert_eq!(log(&CHECK, &seen), [STOPPED; 3]);
        (seen.daemon, seen.name) = (700, Bytes::of(b"logd"));
        assert_eq!(log(&CHECK, &seen), [STOPPED; 2]);
    }

    #[test]
    fn logs_that_are_kept_or_never_were() {
        let started_by = Bytes::of(b"/etc/rc.d/S12log");
        let kept = Logging { started_by, daemon: 700, name: Bytes::of(b"logd"), ..Logging::default() };
        assert_eq!(log(&CHECK, &kept), []);
        assert_eq!(log(&CHECK, &Logging::default()), []);
    }
}
