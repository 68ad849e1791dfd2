//! A startup file or link of the image that was removed, emptied or masked.
//!
//! # Sees
//! What the image below `/rom` or the baseline has in a startup place and the machine has not: a whiteout or an opaque
//! directory of the overlay looks like that from above. Also a file that is empty now, and a link to `/dev/null`,
//! which forbids systemd to start a unit.
//!
//! # Why it matters
//! An intruder takes away what could see him or lock him out: the log, the firewall, the watchdog, the updater.
//!
//! # Misses and false alarms
//! `notice` where the usual tools did it: `/etc/init.d/x disable` takes the link and leaves the script, a removed
//! package takes its list along, `systemctl mask` makes a link. It is more than that for the log and the firewall,
//! unless their package is gone too, or the DHCP server was disabled as well: so an owner makes an access point of a
//! router. Silent for a link that has another number now. Files that are meant to be run once (`uci-defaults`) are
//! silent. n.a. without image and baseline: package lists are not held against what is there.
//!
//! # Sources
//! kernel Documentation/filesystems/overlayfs.rst (whiteouts and opaque directories); OpenWrt `rc.common`,
//! `lib/functions.sh`; systemctl(1) `mask`; MITRE ATT&CK T1685.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::startup_file::{Difference, Hand, StartupFile, linked_service};
use crate::facts::text::basename;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-removed",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1685",
    title: "a startup file of the image that was removed, emptied or masked",
    advice: Advice::STOPPED,
    sources: &[Source::Startup, Source::Image],
    hooks: &[Hook::Startup(run)],
};

/// Services that see an intruder or lock him out.
const GUARDS: [&[u8]; 18] = [
    b"log",
    b"logd",
    b"syslog",
    b"syslogd",
    b"syslog-ng",
    b"rsyslog",
    b"klogd",
    b"systemd-journald",
    b"auditd",
    b"firewall",
    b"iptables",
    b"ip6tables",
    b"nftables",
    b"netfilter-persistent",
    b"watchdog",
    b"banip",
    b"fail2ban",
    b"gatewatch",
];

/// The name of a service without what start links put before it (`S12log`) and units behind it.
fn service(path: &[u8]) -> &[u8] {
    let name = basename(path);
    let link = linked_service(name).unwrap_or(name);
    link.strip_suffix(b".service").unwrap_or(link)
}

fn run(file: &StartupFile<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(truth) = file.accuser().filter(|_| file.is_disabled() && file.hand != Hand::Once) else {
        return;
    };
    let service = service(file.path);
    // OpenWrt's guide to a dumb access point has `firewall`, `dnsmasq` and `odhcpd` disabled.
    let guards = GUARDS.contains(&service) && !(file.access_point && service == b"firewall");
    let (by_tools, what) = match file.difference {
        Difference::Missing if file.target.is_empty() => (file.by_tools, "a file that is gone: "),
        Difference::Missing => (file.by_tools && !guards, "a link that is gone: "),
        Difference::Masked => (!guards, "masked by a link to /dev/null, which is not so in "),
        _ => (false, "empty, which is not so in "),
    };
    let mut draft = out.path(file.path);
    if by_tools || file.is_owners() {
        draft = draft.severity(Severity::Notice);
    }
    draft = draft.say(what).say(truth.words());
    if file.difference == Difference::Missing {
        draft = draft.say(" has it");
    }
    out.found(draft);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{started, startup_file};
    use crate::facts::origin::{Standing, Truth};

    const GONE: Standing = Standing::Changed(Truth::Image);

    #[test]
    fn what_was_taken_away() {
        for (path, target, difference, by_tools, expected) in [
            (&b"/etc/init.d/log"[..], &b""[..], Difference::Missing, false, Severity::Suspicious),
            (b"/etc/rc.d/S12log", b"../init.d/log", Difference::Missing, true, Severity::Suspicious),
            (b"/etc/rc.d/S50uhttpd", b"../init.d/uhttpd", Difference::Missing, true, Severity::Notice),
            (b"/etc/init.d/ppp", b"", Difference::Missing, true, Severity::Notice),
            (b"/etc/init.d/firewall", b"", Difference::Missing, true, Severity::Notice),
            (b"/etc/init.d/x", b"", Difference::Emptied, false, Severity::Suspicious),
            (
                b"/etc/systemd/system/rsyslog.service",
                b"/dev/null",
                Difference::Masked,
                false,
                Severity::Suspicious,
            ),
            (b"/etc/systemd/system/cups.service", b"/dev/null", Difference::Masked, false, Severity::Notice),
        ] {
            let file = StartupFile { target, standing: GONE, difference, by_tools, ..started(path) };
            assert_eq!(startup_file(&CHECK, &file), [expected], "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn an_access_point() {
        for (path, expected) in
            [(&b"/etc/rc.d/S19firewall"[..], Severity::Notice), (b"/etc/rc.d/S12log", Severity::Suspicious)]
        {
            let file = StartupFile {
                target: b"../init.d/x",
                standing: GONE,
                difference: Difference::Missing,
                by_tools: true,
                access_point: true,
                ..started(path)
            };
            assert_eq!(startup_file(&CHECK, &file), [expected]);
        }
    }

    #[test]
    fn what_is_there_or_was_meant_to_go() {
        let file = started(b"/etc/uci-defaults/10_x");
        for (standing, difference, hand) in [
            (GONE, Difference::Missing, Hand::Once),
            (GONE, Difference::Content, Hand::Firmware),
            (Standing::Known(Truth::Image), Difference::None, Hand::Firmware),
            (Standing::Unknown, Difference::Masked, Hand::Firmware),
        ] {
            assert_eq!(startup_file(&CHECK, &StartupFile { standing, difference, hand, ..file }), []);
        }
    }
}
