//! A program that can write to the flash memory of the router.
//!
//! # Sees
//! A device of flash memory (`/dev/mtd*`, `/dev/mtdblock*`, `/dev/ubi*_*`) that is open for writing, and a running
//! `sysupgrade` that a program in no system place, or one that nobody knows, has started.
//!
//! # Why it matters
//! Whoever writes there outlives every reset, or breaks the device for good: VPNFilter and AcidRain overwrote `/dev/mtd*`.
//!
//! # Misses and false alarms
//! `suspicious` for a program that nobody vouches for where lists exist, or that runs from no system place; otherwise
//! `notice`. Silent for what somebody vouches for, except for programs that write whatever they are told (dd, cat, cp,
//! tee, shells and interpreters), and for the known writers of flash where nothing says what is installed. Disks and
//! cards (`/dev/mmcblk*`) are not looked at. Missed: a write between two scans, and one that an intruder has `mtd` do.
//!
//! # Sources
//! proc_pid_fdinfo(5); Linux Documentation/driver-api/mtdnand.rst; OpenWrt `/sbin/sysupgrade`; MITRE ATT&CK T1601.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Exe, Owner, Process};
use crate::facts::program::{Started, applet, is_interpreter, is_shell, started};
use crate::facts::text::basename;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "firmware-written",
    area: Area::System,
    severity: Severity::Notice,
    attack: "T1601",
    title: "a program that can write to flash memory, or an odd firmware upgrade",
    advice: Advice::REFLASH,
    sources: &[Source::Processes, Source::Descriptors],
    hooks: &[Hook::Process(run)],
};

/// Programs whose work it is to write to flash memory.
const WRITERS: [&[u8]; 20] = [
    b"cfg_manager",
    b"flash_erase",
    b"flash_eraseall",
    b"flashcp",
    b"fw_printenv",
    b"fw_setenv",
    b"fwupdate",
    b"mtd",
    b"mtd-write",
    b"mtd_write",
    b"mtdwrite",
    b"nandwrite",
    b"nvram",
    b"nvramd",
    b"procd",
    b"sysupgrade",
    b"ubiformat",
    b"ubimkvol",
    b"ubirsvol",
    b"ubiupdatevol",
];

/// Programs that write whatever they are told to wherever they are told to.
const COPIERS: [&[u8]; 7] = [b"cat", b"cp", b"dd", b"head", b"pv", b"socat", b"tee"];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if ctx.is_own(process) || !process.is_alive() {
        return;
    }
    let device = process.descriptors.flash.as_slice();
    if !device.is_empty() {
        if let Some(severity) = writes(process) {
            let draft = out.process(process).severity(severity).say("it holds ").quote(device);
            out.found(draft.say(" open for writing"));
        }
    } else if let Some(starter) = upgrades(process) {
        let draft = out.process(process).say("sysupgrade runs");
        out.found(if starter.is_empty() {
            draft.say(", and who started it cannot be seen")
        } else {
            draft.severity(Severity::Suspicious).say(", started by ").quote(starter)
        });
    }
}

fn writes(process: &Process) -> Option<Severity> {
    let name = applet(process);
    if process.is_trusted() {
        return (COPIERS.contains(&name) || is_interpreter(name)).then_some(CHECK.severity);
    }
    match process.surroundings.owner {
        Owner::Unknown if process.is_firm() && WRITERS.contains(&name) => None,
        Owner::Unknown if process.is_firm() || process.exe == Exe::Unknown => Some(CHECK.severity),
        _ => Some(Severity::Suspicious),
    }
}

/// The odd program that had a running `sysupgrade` started; an empty name where that is not known yet.
fn upgrades(process: &Process) -> Option<&[u8]> {
    let script = match started(process) {
        Started::Script(script) if is_shell(applet(process)) => script,
        _ => return None,
    };
    if basename(script) != b"sysupgrade" {
        return None;
    }
    let parents = &process.kin.parents;
    if parents.is_empty() {
        return Some(b"");
    }
    let odd = parents
        .iter()
        .find(|parent| !parent.program.is_empty() && !parent.firm && !parent.owner.vouches())?;
    Some(odd.program.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::process::Relative;
    use crate::facts::text::Bytes;
    use Owner::{Firmware, Nobody, Package, Unknown};
    use Severity::{Notice, Suspicious};

    fn writer(exe: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut process = process(812, b"x", exe, argv);
        process.descriptors.flash = Bytes::of(b"/dev/mtd3");
        process.surroundings.owner = owner;
        process
    }

    fn upgrade(parents: &[(&[u8], bool, Owner)]) -> Process {
        let mut process =
            process(812, b"sysupgrade", b"/bin/busybox", b"sh\0/sbin/sysupgrade\0-n\0/tmp/fw.bin\0");
        for (program, firm, owner) in parents {
            let parent = Relative {
                pid: 700,
                program: Bytes::of(program),
                firm: *firm,
                owner: *owner,
                ..Relative::default()
            };
            process.kin.parents.push(parent).unwrap();
        }
        process
    }

    #[test]
    fn strangers_at_the_flash() {
        for (exe, argv, owner, expected) in [
            (&b"/tmp/x"[..], &b"x\0"[..], Unknown, Suspicious),
            (b"/usr/sbin/x", b"x\0", Nobody, Suspicious),
            (b"/tmp/mtd", b"mtd\0", Unknown, Suspicious),
            (b"/sbin/mtd (deleted)", b"mtd\0", Unknown, Suspicious),
            (b"/bin/busybox", b"dd\0of=/dev/mtd3\0", Firmware, Notice),
            (b"/bin/busybox", b"sh\0", Firmware, Notice),
            (b"/usr/sbin/vendord", b"vendord\0", Unknown, Notice),
        ] {
            assert_eq!(
                severities(&CHECK, &writer(exe, argv, owner)),
                [expected],
                "{}",
                String::from_utf8_lossy(exe)
            );
        }
    }

    #[test]
    fn programs_that_write_flash_for_a_living() {
        for (exe, argv, owner) in [
            (&b"/sbin/mtd"[..], &b"mtd\0write\0"[..], Unknown),
            (b"/usr/sbin/vendord", b"vendord\0", Firmware),
            (b"/usr/sbin/ubiupdatevol", b"ubiupdatevol\0", Package),
        ] {
            assert_eq!(severities(&CHECK, &writer(exe, argv, owner)), [], "{}", String::from_utf8_lossy(exe));
        }
        assert_eq!(severities(&CHECK, &process(812, b"x", b"/tmp/x", b"x\0")), [], "holds none");
        assert_eq!(
            severities(&CHECK, &Process { pid: OWN_PID, ..writer(b"/tmp/gatewatch", b"x\0", Unknown) }),
            []
        );
    }

    #[test]
    fn upgrades_and_who_started_them() {
        assert_eq!(severities(&CHECK, &upgrade(&[])), [Notice], "first look");
        assert_eq!(
            severities(&CHECK, &upgrade(&[(b"busybox", true, Firmware), (b"x", false, Nobody)])),
            [Suspicious]
        );
        let usual = [(&b"busybox"[..], true, Firmware), (b"rpcd", true, Unknown), (b"procd", true, Firmware)];
        assert_eq!(severities(&CHECK, &upgrade(&usual)), []);
        let mut other = upgrade(&[]);
        other.argv = Bytes::of(b"sh\0/etc/rc.local\0");
        assert_eq!(severities(&CHECK, &other), []);
    }
}
