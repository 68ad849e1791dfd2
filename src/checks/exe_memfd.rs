//! A program that runs from memory only.
//!
//! # Sees
//! `/proc/PID/exe` is a file that memfd_create(2) made (`/memfd:…`), or a removed file that lay in memory although its
//! path is no volatile one: on a tmpfs that was mounted over a system directory, or that is mounted nowhere any more.
//!
//! # Why it matters
//! Nothing is written anywhere, so there is nothing to find, to copy or to hash: loaders of Mirai's later
//! children, of Kinsing and of targeted implants start their payload this way.
//!
//! # Misses and false alarms
//! Container runtimes run sealed copies of themselves from memory: a sealed program is `suspicious`, and silent below
//! the runtime. Removed programs that lay in memory are `suspicious` where firmware or a package vouches for the path:
//! what an initramfs starts and leaves behind looks like that. What was removed from `/tmp` is `exe-deleted`, what was
//! not removed from a covering tmpfs is `exe-volatile`. A script that an interpreter reads from a memfd has the
//! interpreter's program.
//!
//! # Sources
//! memfd_create(2); fcntl(2) `F_GET_SEALS`; statfs(2) `TMPFS_MAGIC`; runc libcontainer/dmz; MITRE ATT&CK T1620.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::Process;
use crate::facts::program::has_container_runtime;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-memfd",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1620",
    title: "a program that runs from memory only",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if ctx.is_own(process) || !process.is_alive() {
        return;
    }
    let draft = out.process(process);
    if process.is_unlinked_in_memory() {
        let draft =
            draft.say("the program lay in memory under a system's path, and its file has been removed");
        let vouched = process.surroundings.owner.vouches();
        out.found(if vouched { draft.severity(Severity::Suspicious) } else { draft });
    } else if process.is_memory_file() {
        let draft = draft.say("the program never had a file: ").quote(process.path.as_slice());
        if !process.surroundings.sealed {
            out.found(draft);
        } else if !has_container_runtime(process) {
            let draft = draft.severity(Severity::Suspicious);
            out.found(draft.say("; it is sealed like those of container runtimes, but none started it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::process::{Owner, Relative};
    use crate::facts::text::Bytes;

    fn parent(program: &[u8], firm: bool) -> Relative {
        Relative { pid: 9, program: Bytes::of(program), firm, ..Relative::default() }
    }

    #[test]
    fn programs_of_memory_only() {
        let memfd = process(812, b"x", b"/memfd: (deleted)", b"x\0");
        assert_eq!(severities(&CHECK, &memfd), [Severity::Infected]);
        let mut unlinked = process(812, b"x", b"/usr/sbin/x (deleted)", b"x\0");
        unlinked.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &unlinked), [Severity::Infected]);
        unlinked.surroundings.owner = Owner::Package;
        assert_eq!(severities(&CHECK, &unlinked), [Severity::Suspicious]);
    }

    #[test]
    fn sealed_copies_and_who_makes_them() {
        let mut runc = process(812, b"exe", b"/memfd:runc_cloned:/proc/self/exe (deleted)", b"runc\0init\0");
        runc.surroundings.sealed = true;
        assert_eq!(severities(&CHECK, &runc), [Severity::Suspicious], "the first look, or nobody's child");
        let _ = runc.kin.parents.push(parent(b"exe", false));
        let _ = runc.kin.parents.push(parent(b"containerd-shim", false));
        assert_eq!(severities(&CHECK, &runc), [Severity::Suspicious], "a runtime by its name only");
        let _ = runc.kin.parents.push(parent(b"containerd-shim-runc-v2", true));
        assert_eq!(severities(&CHECK, &runc), []);
        runc.surroundings.sealed = false;
        assert_eq!(severities(&CHECK, &runc), [Severity::Infected]);
    }

    #[test]
    fn removed_programs_of_other_kinds() {
        for exe in
            [&b"/usr/sbin/dropbear (deleted)"[..], b"/tmp/x (deleted)", b"/usr/sbin/x", b"/memfd:x", b""]
        {
            let other = process(812, b"x", exe, b"x\0");
            assert_eq!(severities(&CHECK, &other), [], "{}", String::from_utf8_lossy(exe));
        }
        let mut volatile = process(812, b"x", b"/tmp/x (deleted)", b"x\0");
        volatile.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &volatile), []);
        let own = process(OWN_PID, b"gatewatch", b"/memfd:gatewatch (deleted)", b"");
        assert_eq!(severities(&CHECK, &own), []);
    }
}
