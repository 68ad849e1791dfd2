//! A running program whose file has been removed.
//!
//! # Sees
//! `/proc/PID/exe` ends in ` (deleted)`: the kernel still runs the program, the directory no longer names it.
//! `infected` when it ran from a volatile, mounted or hidden place.
//!
//! # Why it matters
//! Mirai and most of its children delete their file as soon as they run, so that nobody can copy it; it is gone
//! after a reboot and looks like nothing was there.
//!
//! # Misses and false alarms
//! Silent where the path exists again and firmware or a package vouches for it: a daemon that still runs after
//! an upgrade. `notice` where it exists again outside of odd places and nothing on the device says who owns
//! it, for a program on a mounted disk (Entware after an upgrade), and in a container after an upgrade there; without
//! the file that is `suspicious`. What never had a file, or had one in memory under a system's path, is `exe-memfd`. A
//! program that replaces its file instead of removing it is not seen.
//!
//! # Sources
//! proc_pid_exe(5); fs/d_path.c `path_with_deleted`; MITRE ATT&CK T1070.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::{Place, is_admins};
use crate::facts::process::Process;
use crate::facts::program::has_container_runtime;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-deleted",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1070.004",
    title: "a running program whose file has been removed",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(place) = process.place().filter(|_| process.is_removed() && !ctx.is_own(process)) else {
        return;
    };
    if process.is_upgraded() || process.is_unlinked_in_memory() {
        return;
    }
    let again = process.surroundings.exists;
    let owner = process.surroundings.owner;
    let contained = process.surroundings.apart && has_container_runtime(process);
    let on_disk = process.surroundings.on_disk && place != Place::Hidden;
    let admins = is_admins(process.path.as_slice()) && !process.surroundings.in_memory;
    let severity = if on_disk {
        if again { Severity::Notice } else { CHECK.severity }
    } else if place.is_odd() {
        Severity::Infected
    } else if again && (owner.is_unsaid() || contained || admins) {
        Severity::Notice
    } else {
        CHECK.severity
    };
    let draft = out.process(process).severity(severity).say("the program runs from ").say(place.words());
    out.found(draft.say(if again {
        " and its file was replaced by another"
    } else {
        " and its file has been removed"
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{process, severities};
    use crate::facts::process::Owner;

    #[test]
    fn removed_programs_and_their_look_alikes() {
        let with = |exe: &[u8], exists, owner| {
            let mut process = process(812, b"x", exe, b"x\0");
            (process.surroundings.exists, process.surroundings.owner) = (exists, owner);
            severities(&CHECK, &process)
        };
        use Owner::{Firmware, Nobody, Package, Unknown};
        use Severity::{Infected, Notice, Suspicious};
        assert_eq!(with(b"/tmp/x (deleted)", false, Unknown), [Infected]);
        assert_eq!(with(b"/tmp/x (deleted)", true, Package), [Infected]);
        assert_eq!(with(b"/usr/lib/.x/y (deleted)", false, Unknown), [Infected]);
        assert_eq!(with(b"/usr/sbin/x (deleted)", false, Package), [Suspicious]);
        assert_eq!(with(b"/usr/sbin/x (deleted)", true, Nobody), [Suspicious]);
        assert_eq!(with(b"/usr/sbin/x (deleted)", true, Unknown), [Notice]);
        for owner in [Firmware, Package] {
            assert_eq!(with(b"/usr/sbin/dropbear (deleted)", true, owner), []);
        }
        assert_eq!(with(b"/usr/sbin/dropbear", true, Firmware), []);
        assert_eq!(with(b"/memfd:runc_cloned:/proc/self/exe (deleted)", false, Unknown), []);
    }

    #[test]
    fn what_lies_in_memory_is_no_upgrade() {
        let mut covered = process(812, b"x", b"/usr/sbin/dropbear (deleted)", b"x\0");
        covered.surroundings.owner = Owner::Package;
        covered.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &covered), [], "exe-memfd tells it");
        covered.surroundings.exists = true;
        assert_eq!(severities(&CHECK, &covered), [Severity::Suspicious]);
    }

    #[test]
    fn an_upgrade_in_a_container() {
        let mut inside = process(812, b"x", b"/usr/sbin/x (deleted)", b"x\0");
        (inside.surroundings.exists, inside.surroundings.apart) = (true, true);
        inside.surroundings.owner = Owner::Nobody;
        assert_eq!(severities(&CHECK, &inside), [Severity::Suspicious], "nobody's container");
        let program = crate::facts::text::Bytes::of(b"lxc-start");
        let runtime = crate::facts::process::Relative { program, firm: true, ..Default::default() };
        let _ = inside.kin.parents.push(runtime);
        assert_eq!(severities(&CHECK, &inside), [Severity::Notice]);
        inside.surroundings.exists = false;
        assert_eq!(severities(&CHECK, &inside), [Severity::Suspicious]);
    }

    #[test]
    fn gatewatch_is_known_by_its_pid_only() {
        let own = process(crate::check::testing::OWN_PID, b"gatewatch", b"/tmp/gatewatch (deleted)", b"");
        assert_eq!(severities(&CHECK, &own), []);
        let other = process(5, b"gatewatch", b"/tmp/gatewatch (deleted)", b"");
        assert_eq!(severities(&CHECK, &other), [Severity::Infected]);
    }
}
