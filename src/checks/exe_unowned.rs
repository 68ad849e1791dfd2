//! A running program that nothing on the machine vouches for.
//!
//! # Sees
//! The program lies in a system place, and neither the firmware image (a read-only root, `/rom`) nor any package's
//! list of files (opkg, apk, dpkg, Entware below `/opt`) has its path, nor has the baseline a file like it there. Also
//! a program whose path names another file by now: something is mounted over one of them, or its file system was
//! unmounted.
//!
//! # Why it matters
//! Whoever is to stay goes where nobody looks twice: `/usr/sbin`, `/lib`, `/root`, a data partition. 63 of 85 described
//! families run a program that is not part of the firmware image.
//!
//! # Misses and false alarms
//! `notice` in `/usr/local`, `/opt`, `/home`, `/srv` and `/snap`, where an admin's own programs belong, in `/root`
//! while it runs in a terminal, and in a container, which has a system of its own. Programs that were compiled,
//! unpacked or downloaded by hand into other places, and a vendor's add-ons on a data partition, are told: nothing
//! says whose they are, until a baseline was taken. Of image and packages a path counts, not the content: malware that
//! overwrites a package's program is missed. A baseline of an infected device knows the malware. Removed programs,
//! programs of memory only and those in volatile places have checks of their own.
//!
//! # Sources
//! opkg, apk and dpkg lists of files; hier(7); mount_namespaces(7); MITRE ATT&CK T1554.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::is_admins;
use crate::facts::process::{Owner, Process};
use crate::facts::program::has_container_runtime;
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-unowned",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1554",
    title: "a running program that neither the firmware nor a package has",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes, Source::Owners],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let joined = &process.surroundings;
    if joined.owner != Owner::Nobody || !process.is_firm() || !process.is_alive() || ctx.is_own(process) {
        return;
    }
    let path = process.path.as_slice();
    let draft = out.process(process);
    let (draft, weak) = if joined.replaced {
        // Another file than an admin's own: where it lies says nothing.
        (
            draft.say(
                "the path names another file, or none, than the one that runs: something is mounted over it",
            ),
            false,
        )
    } else if joined.apart {
        // Where more processes stand above it than are known, the runtime may be among them.
        let parents = &process.kin.parents;
        let deep = parents.is_full() && parents.last().is_some_and(|last| last.pid > 1);
        let contained = has_container_runtime(process) || deep;
        (
            draft.say("it runs in a mount namespace of its own, a container, from a program unknown here"),
            contained || is_admins(path),
        )
    } else {
        let tried = is_below(path, b"/root") && process.stat.terminal != 0;
        (draft.say("neither the firmware nor a package has this program"), is_admins(path) || tried)
    };
    out.found(if weak { draft.severity(Severity::Notice) } else { draft });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::process::Relative;
    use crate::facts::text::Bytes;

    fn nobodys(exe: &[u8]) -> Process {
        let mut process = process(812, b"x", exe, b"x\0");
        process.surroundings.owner = Owner::Nobody;
        process
    }

    #[test]
    fn programs_that_nobody_has() {
        for exe in [&b"/usr/sbin/x"[..], b"/lib/x", b"/x", b"/root/x", b"/jffs/x", b"/opt/../sbin/x"] {
            assert_eq!(
                severities(&CHECK, &nobodys(exe)),
                [Severity::Suspicious],
                "{}",
                String::from_utf8_lossy(exe)
            );
        }
        for exe in [&b"/usr/local/bin/x"[..], b"/opt/x/bin/x", b"/home/a/x", b"/snap/x/1/bin/x"] {
            assert_eq!(
                severities(&CHECK, &nobodys(exe)),
                [Severity::Notice],
                "{}",
                String::from_utf8_lossy(exe)
            );
        }
        let mut tried = nobodys(b"/root/x");
        tried.stat.terminal = 34_816;
        assert_eq!(severities(&CHECK, &tried), [Severity::Notice]);
    }

    #[test]
    fn covered_programs_and_containers() {
        let mut covered = nobodys(b"/usr/local/bin/x");
        covered.surroundings.replaced = true;
        assert_eq!(severities(&CHECK, &covered), [Severity::Suspicious]);
        let mut apart = nobodys(b"/usr/sbin/x");
        apart.surroundings.apart = true;
        assert_eq!(severities(&CHECK, &apart), [Severity::Suspicious], "nobody's container");
        let shim = Bytes::of(b"containerd-shim-runc-v2");
        let _ = apart.kin.parents.push(Relative { program: shim, firm: true, ..Relative::default() });
        assert_eq!(severities(&CHECK, &apart), [Severity::Notice]);
        apart.kin.parents.clear();
        for pid in [40, 30, 20, 10] {
            assert_eq!(severities(&CHECK, &apart), [Severity::Suspicious]);
            let _ = apart.kin.parents.push(Relative { pid, ..Relative::default() });
        }
        assert_eq!(severities(&CHECK, &apart), [Severity::Notice], "what stands above is not known");
        apart.kin.parents[3].pid = 1;
        assert_eq!(severities(&CHECK, &apart), [Severity::Suspicious]);
    }

    #[test]
    fn programs_of_others_checks_and_of_somebodys() {
        for owner in [Owner::Firmware, Owner::Package, Owner::Baseline, Owner::Unknown] {
            let mut known = nobodys(b"/usr/sbin/x");
            known.surroundings.owner = owner;
            assert_eq!(severities(&CHECK, &known), []);
        }
        for exe in [&b"/tmp/x"[..], b"/usr/sbin/x (deleted)", b"/memfd:x (deleted)", b"/usr/lib/.x/y", b""] {
            assert_eq!(severities(&CHECK, &nobodys(exe)), [], "{}", String::from_utf8_lossy(exe));
        }
        let mut memory = nobodys(b"/usr/sbin/x");
        memory.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &memory), []);
        let mut own = nobodys(b"/root/gatewatch");
        own.pid = OWN_PID;
        assert_eq!(severities(&CHECK, &own), []);
    }
}
