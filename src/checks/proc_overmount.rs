//! Something is mounted over a part of `/proc` that shows processes or connections.
//!
//! # Sees
//! A mount on `/proc/PID`, on anything in it, on `/proc/net` (which the kernel shows as a process's own) or on
//! `/proc/modules`, and a mount on `/proc` itself that is no proc file system.
//!
//! # Why it matters
//! One `mount --bind` of an empty directory over `/proc/PID` takes a process out of every list, without a kernel
//! module and on any router whose shell is root's.
//!
//! # Misses and false alarms
//! Silent for what container runtimes, LXC and systemd put over `/proc/sys`, `/proc/kcore`, `/proc/cpuinfo`,
//! `/proc/fs/nfsd` and the like: those hide no process. Only the mounts of the mount namespace that gatewatch is
//! started in are seen. A process that is hidden by other means is `process-hidden`.
//!
//! # Sources
//! proc_pid_mountinfo(5); OCI runtime specification, `maskedPaths`; lxcfs(1); MITRE ATT&CK T1564.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::mount::Mount;
use crate::facts::text::is_one_of;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "proc-overmount",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1564",
    title: "something is mounted over a process or over the tables of connections",
    advice: Advice::REFLASH,
    sources: &[Source::Mounts],
    hooks: &[Hook::Mount(run)],
};

fn run(mount: &Mount<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(rest) = mount.point.strip_prefix(b"/proc") else { return };
    let hides = match rest.strip_prefix(b"/") {
        None => rest.is_empty() && mount.kind != b"proc",
        Some(below) => shows(below.split(|b| *b == b'/').next().unwrap_or_default()),
    };
    if hides {
        let draft = out.path(mount.point).say("it is covered by a file system of type ").quote(mount.kind);
        let draft = draft.say(" from ").quote(mount.source);
        let part = mount.top.len() > 1;
        out.found(if part { draft.say(", of which this is ").quote(mount.top) } else { draft });
    }
}

/// Whether a name in `/proc` shows processes, connections or modules.
fn shows(name: &[u8]) -> bool {
    let pid = !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    pid || is_one_of(name, b"self thread-self net mounts modules")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::mount;

    fn says(row: &[u8]) -> Vec<Severity> {
        mount(&CHECK, &Mount::parse_info(row).unwrap())
    }

    #[test]
    fn mounts_that_hide() {
        for row in [
            &b"90 22 0:24 /empty /proc/812 rw - tmpfs tmpfs rw"[..],
            b"90 22 0:21 /2 /proc/812 rw - proc proc rw",
            b"90 22 8:1 /x\\040y /proc/812/cmdline rw - ext4 /dev/root rw",
            b"90 22 0:24 / /proc/1/net/tcp rw - tmpfs tmpfs rw",
            b"90 22 0:24 / /proc/812//deleted rw - tmpfs tmpfs rw",
            b"90 22 0:24 / /proc/modules rw - tmpfs tmpfs rw",
            b"90 22 0:24 / /proc rw - tmpfs tmpfs rw",
        ] {
            assert_eq!(says(row), [Severity::Infected], "{}", String::from_utf8_lossy(row));
        }
    }

    #[test]
    fn mounts_of_systems_and_containers() {
        for row in [
            &b"22 27 0:21 / /proc rw,nosuid - proc proc rw"[..],
            b"30 22 0:28 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,fd=30",
            b"31 22 0:29 / /proc/fs/nfsd rw - nfsd nfsd rw",
            b"32 22 0:21 /sys /proc/sys ro - proc proc rw",
            b"33 22 0:30 /null /proc/kcore rw - tmpfs tmpfs rw",
            b"34 22 0:30 /null /proc/keys rw - tmpfs tmpfs rw",
            b"35 22 0:31 / /proc/acpi ro - tmpfs tmpfs ro",
            b"36 22 0:32 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw",
            b"37 22 0:33 / /proc/bus/usb rw - usbfs none rw",
            b"38 22 0:34 / /procfs/812 rw - tmpfs tmpfs rw",
            b"39 22 0:34 / /srv/c/proc rw - tmpfs tmpfs rw",
            b"40 22 0:34 / /tmp/proc/812 rw - tmpfs tmpfs rw",
        ] {
            assert_eq!(says(row), [], "{}", String::from_utf8_lossy(row));
        }
    }
}
