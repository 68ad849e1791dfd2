//! A name, path, argument, port, file or startup line that a known family of malware leaves.
//!
//! # Sees
//! The rules of the program itself, made from public reports, and those of indicator files: a process's name, the path
//! of its program, a piece of its command line, a port that it listens on, a file that is there (or was, and a socket
//! between processes still has its name), a piece of a line of a startup file.
//!
//! # Why it matters
//! It tells who is there, and so what to do next; reports on a family describe the rest.
//!
//! # Misses and false alarms
//! Names and ports age fast, and anybody may choose them. Each rule says how strong it is: only `strong` ones, which no
//! healthy router has, are `infected`; `fair` ones are `suspicious`, `weak` ones `notice`. A name that a rule lists is
//! `suspicious` at most where the firmware or a package vouches for the program, a startup line of the firmware `notice`.
//! `notice` for a rule that has expired.
//!
//! # Sources
//! The reports that `src/intel/families.toml` names, rule by rule; MITRE ATT&CK T1204.002.

use crate::check::{Advice, Area, Check, Ctx, Draft, Hook, Out, Severity, Source};
use crate::facts::file::{File, Role};
use crate::facts::origin::{Standing, Truth};
use crate::facts::process::Process;
use crate::facts::socket::{Protocol, Socket, State};
use crate::facts::startup::Line;
use crate::facts::text::basename;
use crate::intel::{Strength, Trace, TraceKind};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "family-trace",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1204.002",
    title: "a name, path, argument, port, file or startup line that a known family leaves",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes, Source::Sockets, Source::Traces, Source::Startup],
    hooks: &[Hook::Process(process), Hook::Socket(socket), Hook::File(file), Hook::Line(line)],
};

fn process(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if !process.is_user() || !process.is_alive() || ctx.is_own(process) {
        return;
    }
    let names = [process.name(), basename(process.argv0())];
    let path = process.path.as_slice();
    let matching = |trace: &Trace<'_>| match trace.kind {
        // The kernel keeps 15 bytes of a name.
        TraceKind::Name => {
            names.iter().any(|name| trace.matches(name) || name.len() == 15 && trace.value.starts_with(name))
        }
        TraceKind::Path | TraceKind::Dir => trace.matches(path),
        TraceKind::Arg => trace.matches(process.argv.as_slice()),
        TraceKind::Tcp | TraceKind::Udp | TraceKind::File | TraceKind::Startup => false,
    };
    // One process is one finding, by its strongest rule.
    let kinds = [TraceKind::Path, TraceKind::Dir, TraceKind::Name, TraceKind::Arg];
    let Some((trace, mut severity)) = strongest(ctx, &kinds, &matching) else { return };
    if process.is_vouched() {
        severity = severity.min(Severity::Suspicious);
    }
    let what = match trace.kind {
        TraceKind::Name => "its name is that of a known family: ",
        TraceKind::Arg => "its command line holds what a known family is started with: ",
        _ => "its program is where a known family puts it: ",
    };
    tell(out.process(process).say(what), &trace, severity, out);
}

fn socket(socket: &Socket<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let kind = match (socket.protocol, socket.state) {
        (Protocol::Tcp, State::Listen) => TraceKind::Tcp,
        (Protocol::Udp, _) if socket.remote.port == 0 => TraceKind::Udp,
        _ => return,
    };
    let listens = |trace: &Trace<'_>| {
        trace.listener().is_some_and(|(address, port)| {
            port == socket.local.port && address.is_none_or(|address| socket.local.ip == address)
        })
    };
    let Some((trace, mut severity)) = strongest(ctx, &[kind], &listens) else { return };
    if let Some(holder) = socket.holder {
        if ctx.is_own(holder) {
            return;
        }
        // The firmware's own service may have any port.
        if holder.is_vouched() {
            severity = Severity::Notice;
        }
    }
    tell(out.socket(socket).say("it listens where a known family does: port "), &trace, severity, out);
}

fn file(file: &File<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if file.role != Role::Listed {
        return;
    }
    let found = strongest(ctx, &[TraceKind::File], &|trace| trace.matches(file.path));
    let Some((trace, severity)) = found else { return };
    tell(out.file(file).say("a known family leaves this: "), &trace, severity, out);
}

fn line(line: &Line<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let found = strongest(ctx, &[TraceKind::Startup], &|trace| trace.matches(line.text));
    let Some((trace, mut severity)) = found else { return };
    // Each device of that model has it.
    if line.standing == Standing::Known(Truth::Image) {
        severity = Severity::Notice;
    }
    tell(out.line(line).say("a known family starts so: "), &trace, severity, out);
}

/// Of the rules of some kinds that match, the strongest; the last of several.
fn strongest<'a>(
    ctx: &Ctx<'a>,
    kinds: &[TraceKind],
    matching: &dyn Fn(&Trace<'_>) -> bool,
) -> Option<(Trace<'a>, Severity)> {
    let mut strongest: Option<(Trace<'a>, Severity)> = None;
    for kind in kinds {
        ctx.each_trace(*kind, &mut |trace| {
            let severity = weight(&trace, ctx);
            if matching(&trace) && strongest.is_none_or(|(_, other)| severity >= other) {
                strongest = Some((trace, severity));
            }
        });
    }
    strongest
}

fn weight(trace: &Trace<'_>, ctx: &Ctx<'_>) -> Severity {
    match trace.strength {
        _ if ctx.is_past(trace.expires) => Severity::Notice,
        Strength::Strong => Severity::Infected,
        Strength::Fair => Severity::Suspicious,
        Strength::Weak => Severity::Notice,
    }
}

fn tell<'f>(draft: Draft<'f>, trace: &Trace<'f>, severity: Severity, out: &mut Out<'_>) {
    out.found(draft.quote(trace.value).severity(severity).family(trace.family));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, file as of_file, lying, process, severities, sockets, startup};
    use crate::facts::about::Endian;
    use crate::facts::process::Owner;
    use crate::facts::startup::Kind;

    // The test indicators: name:.gwbot strong, path:/usr/gwbotd fair, arg:"gw bot" weak, tcp:127.0.0.1:48101 strong,
    // file:/var/gwbot.pid strong, startup:"gwbot --run" fair.

    #[test]
    fn traces_of_a_family() {
        use Severity::{Infected, Notice, Suspicious};
        assert_eq!(severities(&CHECK, &process(812, b".gwbot", b"/tmp/x", b"x\0")), [Infected]);
        assert_eq!(severities(&CHECK, &process(812, b"x", b"/tmp/x", b"./.gwbot\0")), [Infected]);
        assert_eq!(severities(&CHECK, &process(812, b"x", b"/usr/gwbotd", b"x\0")), [Suspicious]);
        assert_eq!(severities(&CHECK, &process(812, b"x", b"/bin/x", b"x\0gw\0bot\0")), [Notice]);
        assert_eq!(sockets(&CHECK, &listener("0100007F:BBE5")), [Infected]);
        assert_eq!(of_file(&CHECK, &lying(b"/var/gwbot.pid", Role::Listed)), [Infected]);
        assert_eq!(startup(&CHECK, Kind::Shell, b"x\n/tmp/gwbot  --run &"), [(2, Suspicious)]);
        let mut vouched = process(812, b".gwbot", b"/usr/bin/x", b"x\0");
        vouched.surroundings.owner = Owner::Firmware;
        assert_eq!(severities(&CHECK, &vouched), [Suspicious]);
    }

    fn listener(local: &str) -> Socket<'static> {
        let row = format!("0: {local} 00000000:0000 0A 0:0 0:0 0 0 0 77");
        Socket::parse(row.as_bytes(), Protocol::Tcp, Endian::Little).unwrap()
    }

    #[test]
    fn everything_else() {
        for (comm, exe, argv) in [
            (&b"dropbear"[..], &b"/usr/sbin/dropbear"[..], &b"/usr/sbin/dropbear\0-F\0"[..]),
            (b"gwbot", b"/usr/gwbotd2", b"gwbot\0"),
            (b".gwbot", b"", b""),
        ] {
            assert_eq!(severities(&CHECK, &process(812, comm, exe, argv)), []);
        }
        assert_eq!(severities(&CHECK, &process(OWN_PID, b".gwbot", b"/tmp/x", b"x\0")), []);
        assert_eq!(sockets(&CHECK, &listener("00000000:BBE5")), [], "on every address");
        assert_eq!(sockets(&CHECK, &listener("0100007F:BBE6")), [], "another port");
        assert_eq!(of_file(&CHECK, &lying(b"/var/gwbot.pid", Role::Startup)), []);
        assert_eq!(startup(&CHECK, Kind::Shell, b"gwbot --stop\n# gwbot --run\ngwbot -r"), []);
    }
}
