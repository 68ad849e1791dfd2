//! A process that another one traces.
//!
//! # Sees
//! `TracerPid` of `/proc/PID/status`: a process that may read and change the memory and the calls of this one.
//!
//! # Why it matters
//! Tracing is how passwords are read out of a login daemon, how code is put into a running process, and how some
//! malware keeps others from looking at it.
//!
//! # Misses and false alarms
//! `notice` where somebody vouches for the tracer, where it started what it traces, or where it is a debugger (gdb,
//! strace, ltrace, rr) in a terminal and nobody denies knowing it. `suspicious` for any other, and for one that cannot
//! be seen. Missed: a tracer that attaches for a moment, and one outside this pid namespace, which the kernel shows as
//! none.
//!
//! # Sources
//! proc_pid_status(5); ptrace(2); MITRE ATT&CK T1055.008.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Process, Relative};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "traced",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1055.008",
    title: "a process that another one traces",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

const DEBUGGERS: [&[u8]; 8] =
    [b"gdb", b"gdbserver", b"lldb", b"lldb-server", b"ltrace", b"rr", b"strace", b"utrace"];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let pid = process.status.tracer;
    if pid == 0 || ctx.own_pids.contains(&pid) {
        return;
    }
    let draft = out.process(process);
    let Some(tracer) = &process.kin.tracer else {
        return out.found(draft.say("process ").number(pid).say(" traces it and cannot be seen"));
    };
    // A debugger starts what it traces; who reads a daemon's secrets finds it running.
    let started = process.stat.ppid == pid && !tracer.odd;
    let known = tracer.owner.vouches() || is_session(tracer) || started;
    let severity = if known { Severity::Notice } else { CHECK.severity };
    let draft = draft.severity(severity).say("process ").number(pid).say(" (").quote(tracer.comm.as_slice());
    let draft = draft.say(") traces it");
    out.found(if tracer.program.is_empty() {
        draft
    } else {
        draft.say(", program ").quote(tracer.program.as_slice())
    });
}

/// A debugger that somebody at a terminal runs, and whose place is a system's.
fn is_session(tracer: &Relative) -> bool {
    tracer.terminal && tracer.firm && DEBUGGERS.contains(&tracer.program.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::process::Owner;
    use crate::facts::text::Bytes;

    fn traced(program: &[u8], firm: bool, terminal: bool, owner: Owner) -> Process {
        let mut process = process(812, b"dropbear", b"/usr/sbin/dropbear", b"dropbear\0");
        process.status.tracer = 900;
        let (comm, program) = (Bytes::of(program), Bytes::of(program));
        process.kin.tracer =
            Some(Relative { pid: 900, comm, program, firm, owner, terminal, ..Relative::default() });
        process
    }

    #[test]
    fn tracers_nobody_vouches_for() {
        use Owner::{Nobody, Unknown};
        for (program, firm, terminal, owner) in [
            (&b"x"[..], false, false, Nobody),
            (b"x", true, true, Unknown),
            (b"strace", false, true, Nobody),
            (b"strace", true, false, Unknown),
            (b"", false, true, Unknown),
        ] {
            let process = traced(program, firm, terminal, owner);
            let text = String::from_utf8_lossy(program);
            assert_eq!(severities(&CHECK, &process), [Severity::Suspicious], "{text}");
        }
        let mut unseen = traced(b"", false, false, Unknown);
        unseen.kin.tracer = None;
        assert_eq!(severities(&CHECK, &unseen), [Severity::Suspicious]);
    }

    #[test]
    fn tracers_of_an_admin() {
        use Owner::{Firmware, Package, Unknown};
        for (program, firm, terminal, owner) in [
            (&b"strace"[..], true, true, Unknown),
            (b"gdb", true, false, Package),
            (b"utrace", true, false, Firmware),
        ] {
            let process = traced(program, firm, terminal, owner);
            let text = String::from_utf8_lossy(program);
            assert_eq!(severities(&CHECK, &process), [Severity::Notice], "{text}");
        }
        let untraced = process(812, b"dropbear", b"/usr/sbin/dropbear", b"dropbear\0");
        assert_eq!(severities(&CHECK, &untraced), []);
        let mut ours = traced(b"gatewatch", false, false, Unknown);
        ours.status.tracer = OWN_PID;
        assert_eq!(severities(&CHECK, &ours), []);
    }
}
