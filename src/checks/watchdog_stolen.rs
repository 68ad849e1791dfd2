//! The watchdog's device is held by a program that is no watchdog.
//!
//! # Sees
//! A descriptor that leads to `/dev/watchdog`, `/dev/watchdogN` or `/dev/misc/watchdog`, held by a program that
//! neither firmware nor a package vouches for.
//!
//! # Why it matters
//! Mirai and its children open the watchdog to switch it off, so that a router that they overload does not restart
//! and lose them.
//!
//! # Misses and false alarms
//! Silent for every program that somebody vouches for, and for one that was removed and replaced by such a one. Where
//! nothing says what is installed, programs in system places that are known to feed watchdogs (procd, init, systemd,
//! watchdogd) are silent and others `suspicious`; so is a watchdog's name that nobody vouches for, as an owner may
//! have built it. Missed: a bot that switches the watchdog off and closes it, and one that has BusyBox hold it.
//!
//! # Sources
//! Linux Documentation/watchdog/watchdog-api.rst (`WDIOS_DISABLECARD`); Mirai's `watchdog_maintain`; MITRE ATT&CK
//! T1685.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Exe, Owner, Process};
use crate::facts::program::{applet, is_multicall};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "watchdog-stolen",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1685",
    title: "the watchdog's device held by a program that is no watchdog",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes, Source::Descriptors],
    hooks: &[Hook::Process(run)],
};

/// Programs that feed watchdogs, on OpenWrt, systemd, BusyBox's init and in vendors' firmware.
const FEEDERS: [&[u8]; 13] = [
    b"cspd",
    b"init",
    b"monitor",
    b"openrc-init",
    b"procd",
    b"rc",
    b"shutdown",
    b"systemd",
    b"systemd-shutdown",
    b"watchdog",
    b"watchdogd",
    b"wd_keepalive",
    b"wdtd",
];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let device = process.descriptors.watchdog.as_slice();
    if device.is_empty() || process.is_trusted() || ctx.is_own(process) {
        return;
    }
    let named = FEEDERS.contains(&applet(process)) || is_multicall(process.program());
    let severity = match process.surroundings.owner {
        owner if owner.is_unsaid() && process.is_firm() && named => return,
        owner if owner.is_unsaid() && (process.is_firm() || process.exe == Exe::Unknown) => {
            Severity::Suspicious
        }
        // What an upgrade leaves behind, where no list says that the file is the system's again.
        owner if owner.is_unsaid() && process.surroundings.exists && named => Severity::Suspicious,
        Owner::Nobody if process.is_firm() && named => Severity::Suspicious,
        _ => CHECK.severity,
    };
    out.found(out.process(process).severity(severity).say("it holds ").quote(device).say(" open"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::text::Bytes;
    use Owner::{Firmware, Nobody, Package, Unknown};
    use Severity::{Infected, Suspicious};

    fn holder(exe: &[u8], owner: Owner) -> Process {
        let mut process = process(812, b"x", exe, b"x\0");
        process.descriptors.watchdog = Bytes::of(b"/dev/watchdog");
        process.surroundings.owner = owner;
        process
    }

    #[test]
    fn strangers_at_the_watchdog() {
        for (exe, owner, expected) in [
            (&b"/tmp/x"[..], Unknown, Infected),
            (b"/tmp/watchdog", Unknown, Infected),
            (b"/tmp/x (deleted)", Nobody, Infected),
            (b"/memfd:x (deleted)", Unknown, Infected),
            (b"/usr/sbin/x", Nobody, Infected),
            (b"/sbin/watchdog (deleted)", Unknown, Infected),
            (b"/sbin/watchdog (deleted)", Firmware, Infected),
            (b"/usr/sbin/x", Unknown, Suspicious),
            (b"/usr/local/sbin/watchdogd", Nobody, Suspicious),
        ] {
            assert_eq!(
                severities(&CHECK, &holder(exe, owner)),
                [expected],
                "{}",
                String::from_utf8_lossy(exe)
            );
        }
        let mut covered = holder(b"/sbin/watchdog", Nobody);
        covered.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &covered), [Infected]);
    }

    #[test]
    fn true_watchdogs() {
        for (exe, owner) in [
            (&b"/sbin/procd"[..], Unknown),
            (b"/bin/busybox", Unknown),
            (b"/usr/lib/systemd/systemd", Package),
            (b"/usr/sbin/vendord", Firmware),
            (b"/usr/sbin/wd_keepalive", Unknown),
        ] {
            assert_eq!(severities(&CHECK, &holder(exe, owner)), [], "{}", String::from_utf8_lossy(exe));
        }
        let mut upgraded = holder(b"/usr/sbin/watchdogd (deleted)", Package);
        upgraded.surroundings.exists = true;
        assert_eq!(severities(&CHECK, &upgraded), []);
        assert_eq!(severities(&CHECK, &process(812, b"x", b"/tmp/x", b"x\0")), [], "holds none");
        assert_eq!(severities(&CHECK, &Process { pid: OWN_PID, ..holder(b"/tmp/gatewatch", Unknown) }), []);
    }
}
