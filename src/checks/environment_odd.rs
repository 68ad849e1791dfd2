//! A process whose environment or settings are those of an intruder rather than of a service.
//!
//! # Sees
//! A shell, or a program that nobody vouches for, that was started with `HISTFILE=/dev/null`, `HISTSIZE=0` or
//! `HISTFILESIZE=0`, so that no shell remembers what was typed. A program that nobody vouches for and that the kernel
//! must never end for want of memory (`oom_score_adj` -1000).
//!
//! # Why it matters
//! Scripts of intruders begin by turning the history off, and everything started from such a shell inherits it. Aisuru
//! sets -1000 so that a router that runs out of memory ends anything but the bot.
//!
//! # Misses and false alarms
//! A hint, never more than a `notice`: admins turn their history off too. The environment is the one with which a
//! program was started; a later `unset HISTFILE` is not seen, and a program can overwrite it. -1000 is silent for
//! programs in system places where nothing says what is installed: sshd and udev set it for themselves.
//!
//! # Sources
//! proc_pid_environ(5); bash(1) `HISTFILE`; proc_pid_oom_score_adj(5); MITRE ATT&CK T1690.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Exe, Owner, Process};
use crate::facts::program::{applet, is_shell};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "environment-odd",
    area: Area::Process,
    severity: Severity::Notice,
    attack: "T1690",
    title: "a process with no shell history, or one that must never be ended",
    advice: Advice::PROGRAM,
    sources: &[Source::Environment],
    hooks: &[Hook::Process(run)],
};

/// `OOM_SCORE_ADJ_MIN` (linux/oom.h).
const NEVER_ENDED: i32 = -1000;

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Exe::Path { .. } = process.exe else { return };
    if ctx.is_own(process) || !process.is_alive() {
        return;
    }
    let known = process.is_trusted();
    let forgets = process.environment.no_history && (!known || is_shell(applet(process)));
    // On a machine that cannot tell its own programs, those in system places have the benefit of the doubt.
    let doubtful = process.surroundings.owner == Owner::Nobody || !process.is_firm();
    let kept = process.oom_score_adj == Some(NEVER_ENDED) && !known && doubtful;
    let draft = out.process(process);
    let draft = match (forgets, kept) {
        (false, false) => return,
        (true, false) => draft.say("its HISTFILE or HISTSIZE lets no shell remember anything"),
        (false, true) => draft.say("the kernel must never end it for want of memory"),
        (true, true) => draft
            .say("its HISTFILE or HISTSIZE lets no shell remember anything, and the kernel must never end it for want of memory"),
    };
    out.found(draft);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};

    fn with(exe: &[u8], owner: Owner, no_history: bool, oom: Option<i32>) -> Process {
        let mut process = process(812, b"x", exe, b"sh\0");
        process.surroundings.owner = owner;
        process.environment.no_history = no_history;
        process.oom_score_adj = oom;
        process
    }

    #[test]
    fn shells_without_memory_and_programs_that_stay() {
        for odd in [
            with(b"/bin/busybox", Owner::Firmware, true, None),
            with(b"/bin/bash", Owner::Package, true, None),
            with(b"/usr/sbin/x", Owner::Nobody, true, None),
            with(b"/tmp/x", Owner::Unknown, true, Some(-1000)),
            with(b"/usr/sbin/x", Owner::Nobody, false, Some(-1000)),
            with(b"/tmp/x (deleted)", Owner::Unknown, false, Some(-1000)),
        ] {
            assert_eq!(severities(&CHECK, &odd), [Severity::Notice], "{odd:?}");
        }
    }

    #[test]
    fn what_services_and_sessions_look_like() {
        let mut upgraded = with(b"/usr/sbin/sshd (deleted)", Owner::Package, false, Some(-1000));
        upgraded.surroundings.exists = true;
        let mut own = with(b"/tmp/gatewatch", Owner::Unknown, true, Some(-1000));
        own.pid = OWN_PID;
        for plain in [
            with(b"/bin/busybox", Owner::Firmware, false, None),
            with(b"/usr/sbin/sshd", Owner::Unknown, false, Some(-1000)),
            with(b"/usr/sbin/dnsmasq", Owner::Package, true, None),
            with(b"/usr/sbin/x", Owner::Nobody, false, Some(-999)),
            with(b"", Owner::Unknown, true, Some(-1000)),
            upgraded,
            own,
        ] {
            assert_eq!(severities(&CHECK, &plain), [], "{plain:?}");
        }
    }
}
