//! A process that the kernel answers for and that `/proc` does not list.
//!
//! # Sees
//! Every process id is asked for by signal 0 and by the calls for process group, session and scheduler, and `/proc` is
//! asked for it by name. One that answers, that the listing of `/proc` leaves out, and that is no thread of a listed
//! process, twice.
//!
//! # Why it matters
//! Rootkits filter what directories list (a kernel module, a preloaded library, a bind mount), so that `ps` and `top`
//! show nothing. They rarely filter every way to ask.
//!
//! # Misses and false alarms
//! Threads are not processes and are left out; a process that starts or ends in between is seen so in one of the two
//! looks only. Without root, or where `/proc` is mounted with `hidepid`, other users' processes are absent by design:
//! the verdict says so. Missed: what filters all those calls too, and ids above the range that is tried. Where more
//! than 8192 ids may be in use, another part of that many is asked for by name each day, the rest by the calls alone.
//!
//! # Sources
//! kill(2); sched_getscheduler(2); proc_pid(5), `hidepid` in proc(5); MITRE ATT&CK T1014.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::Hidden;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "process-hidden",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1014",
    title: "a process that answers the kernel and is not listed in /proc",
    advice: Advice::REFLASH,
    sources: &[Source::Hidden],
    hooks: &[Hook::Hidden(run)],
};

fn run(hidden: &Hidden, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    // This very run is seen to be there: it is running.
    if ctx.own_pids.contains(&hidden.pid) {
        return;
    }
    let draft = out.pid(hidden.pid);
    if !hidden.in_proc {
        return out.found(draft.say("it answers the kernel, and /proc has nothing of it"));
    }
    let draft = draft.say("/proc does not list it, and has it when asked by number");
    let draft = if hidden.comm.is_empty() { draft } else { draft.say(": ").quote(hidden.comm.as_slice()) };
    out.found(if hidden.path.is_empty() {
        draft
    } else {
        draft.say(", program ").quote(hidden.path.as_slice())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, hidden};
    use crate::facts::text::Bytes;

    #[test]
    fn hidden_processes() {
        let silent = Hidden { pid: 812, ..Hidden::default() };
        assert_eq!(hidden(&CHECK, &silent), [Severity::Infected]);
        let (comm, path) = (Bytes::of(b"x"), Bytes::of(b"/usr/sbin/x"));
        let named = Hidden { pid: 812, in_proc: true, comm, path };
        assert_eq!(hidden(&CHECK, &named), [Severity::Infected]);
    }

    #[test]
    fn this_very_run() {
        assert_eq!(hidden(&CHECK, &Hidden { pid: OWN_PID, ..Hidden::default() }), []);
    }
}
