//! A program that listens and that nobody vouches for, or that listens as no service does.
//!
//! # Sees
//! The ports on which each program listens: TCP, and those of UDP that the kernel gives to no client by chance. What stands
//! behind the program decides. `suspicious` is one that neither firmware nor packages have, or that runs from a volatile or
//! hidden place or from memory; an interpreter or netcat that somebody told to listen: with commands in its arguments,
//! with a script in a volatile place; telnetd that asks for no password, or on another port; httpd that hands out
//! `/tmp`. With a baseline also a program of which nothing says whose it is, on a port that is new. One finding a program,
//! not a socket.
//!
//! `infected` is netcat or the like that hands visitors a shell, and whoever has a socket, of TCP, of UDP or between
//! processes, of which the kernel tells (sock_diag) and that `/proc/net` does not show, at three looks: something hides it.
//!
//! # Why it matters
//! 27 of 85 described families listen: for their owners, to be the only one of their kind on the device, to serve their
//! files to the next victim.
//!
//! # Misses and false alarms
//! A port alone says little, so programs of the firmware and of packages are silent on any, as are an owner's own services
//! in `/usr/local`, `/opt`, `/home` and `/srv`, on disks and in containers. `notice` for these on a port that the baseline
//! does not have, for what runs in a terminal, for telnetd without a password on its own port, which vendors ship, and
//! for a TCP port that no process holds: the kernel's own (NFS, SMB, iSCSI), or a hidden process's. A script of an interpreter
//! in a system place is silent, whoever wrote it. A program whose ports are all those of a known family is told by the check of
//! traces. Missed: what
//! listens in another network namespace, on a unix socket that is not hidden, or without a socket (raw sockets have a check of their own).
//!
//! # Sources
//! proc_pid_net(5); sock_diag(7); net/ipv4/inet_diag.c; ip(7); MITRE ATT&CK T1571.

use core::fmt::Write;

use crate::check::{Advice, Area, Check, Ctx, Draft, Hook, Out, Severity, Source};
use crate::facts::backing::{Backing, is_relay};
use crate::facts::place::{Place, is_volatile_root, place};
use crate::facts::process::Process;
use crate::facts::program::{Started, applet, is_interpreter, is_shell, started};
use crate::facts::service::{Door, Service};
use crate::facts::socket::Protocol;
use crate::facts::text::{Bytes, basename, one_of};
use crate::facts::unix::HiddenSocket;
use crate::intel::{Strength, TraceKind};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "listener-odd",
    area: Area::Network,
    severity: Severity::Suspicious,
    attack: "T1571",
    title: "a program that listens and that nobody vouches for",
    advice: Advice::PROGRAM,
    sources: &[Source::Sockets, Source::Descriptors, Source::Owners],
    hooks: &[Hook::Service(run), Hook::HiddenSocket(hidden)],
};

/// From here on the kernel gives ports to whoever asks for any (`ip_local_port_range`, ip(7)).
const ANY_PORT: u16 = 32_768;

/// What a program says of itself, and how bad that is.
type Judged = Option<(Severity, &'static str)>;

fn hidden(hidden: &HiddenSocket<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if hidden.holder.is_some_and(|holder| ctx.is_own(holder)) {
        return;
    }
    let draft = out.holder(hidden.holder).severity(Severity::Infected);
    let draft = draft.say("the kernel tells of a socket between processes that /proc/net/unix hides");
    let name = hidden.socket.name.as_slice();
    out.found(if name.is_empty() { draft } else { draft.say(": ").quote(name) });
}

fn run(service: &Service<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if service.holder.is_some_and(|holder| ctx.is_own(holder)) {
        return;
    }
    if service.hidden > 0 {
        let draft = out.holder(service.holder).severity(Severity::Infected);
        let draft = draft.say("the kernel tells of sockets that /proc/net hides: ").number(service.hidden);
        return out.found(doors(draft.say(" of them; "), service));
    }
    if service.doors.is_empty() {
        return;
    }
    let Some(holder) = service.holder else {
        if service.doors.iter().any(|door| door.protocol == Protocol::Tcp && !is_kernels(door.port)) {
            let draft = doors(out.holder(None).severity(Severity::Notice), service);
            out.found(draft.say("; no process holds it: the kernel itself does, or a hidden process"));
        }
        return;
    };
    let backing = Backing::of(holder);
    let name = applet(holder);
    let is_told = is_interpreter(name) || is_relay(name);
    let by_arguments = || if is_told { told(holder) } else { applied(holder, service) };
    let judged = match backing {
        Backing::Vouched | Backing::Told => by_arguments().or_else(|| anew(service, Severity::Notice)),
        Backing::Unsaid => by_arguments().or_else(|| anew(service, CHECK.severity)),
        Backing::Owners => anew(service, Severity::Notice),
        Backing::Nobodys | Backing::Odd => Some((CHECK.severity, "")),
    };
    let Some((severity, what)) = judged else { return };
    if what.is_empty() && service.more == 0 && service.doors.iter().all(|door| is_familys(door, ctx)) {
        return;
    }
    let terminal = holder.stat.terminal != 0 && backing != Backing::Odd;
    let severity = match severity {
        Severity::Infected if terminal => CHECK.severity,
        Severity::Suspicious if terminal => Severity::Notice,
        other => other,
    };
    let draft = doors(out.holder(service.holder).severity(severity), service);
    out.found(if what.is_empty() {
        draft.say("; its program").say(backing.words())
    } else {
        draft.say("; ").say(what)
    });
}

/// Whether a rule of a family that is more than weak names a door: that is told by its own check.
fn is_familys(door: &Door, ctx: &Ctx<'_>) -> bool {
    let kind = if door.protocol == Protocol::Tcp { TraceKind::Tcp } else { TraceKind::Udp };
    let mut named = false;
    ctx.each_trace(kind, &mut |trace| {
        let known = trace.strength != Strength::Weak && !ctx.is_past(trace.expires);
        let here = |(address, port): (Option<_>, u16)| port == door.port && (address.is_none() || door.local);
        named |= known && trace.listener().is_some_and(here);
    });
    named
}

/// Ports on which the kernel itself serves: SMB, NFS, iSCSI.
const fn is_kernels(port: u16) -> bool {
    matches!(port, 139 | 445 | 2049 | 3260 | 20_049)
}

/// Says where it listens.
fn doors<'f>(mut draft: Draft<'f>, service: &Service<'_>) -> Draft<'f> {
    for (at, door) in service.doors.iter().enumerate() {
        let mut text = Bytes::<48>::new();
        let protocol = if door.protocol == Protocol::Tcp { "tcp" } else { "udp" };
        let local = if door.local { " of this machine only" } else { "" };
        let _ = write!(text, "{protocol} {}{local}", door.port);
        draft = draft.say(if at == 0 { "it listens on " } else { ", " }).quote(text.as_slice());
    }
    if service.more > 0 { draft.say(" and ").number(service.more).say(" more") } else { draft }
}

/// A door that the baseline does not have. Ports from [`ANY_PORT`] on change with each start.
fn anew(service: &Service<'_>, severity: Severity) -> Judged {
    let is_new = |door: &Door| door.known == Some(false) && door.port < ANY_PORT;
    service.doors.iter().any(is_new).then_some((severity, "the baseline does not have all of these ports"))
}

/// An interpreter or a relay that somebody told to listen.
fn told(holder: &Process) -> Judged {
    let name = applet(holder);
    if is_relay(name) {
        let shell = holder.arguments().any(hands_shell);
        return if shell {
            Some((Severity::Infected, "it hands visitors a shell"))
        } else if name.starts_with(b"socat") {
            // OpenWrt has it as a service.
            None
        } else {
            Some((CHECK.severity, "it hands on whatever comes"))
        };
    }
    match started(holder) {
        // A shell does not listen: it has the socket of whoever started it.
        Started::Bare | Started::Command if is_shell(name) => None,
        Started::Bare | Started::Command => {
            Some((CHECK.severity, "what it does stands in its arguments or came by a pipe"))
        }
        Started::Script(script) => {
            let odd =
                script.first() == Some(&b'/') && matches!(place(script), Place::Volatile | Place::Hidden);
            odd.then_some((CHECK.severity, "its script lies in a place where none belongs"))
        }
    }
}

/// Whether an argument names a shell to be run: `/bin/sh`, `EXEC:/bin/ash`, `SYSTEM:"sh -i"`.
fn hands_shell(argument: &[u8]) -> bool {
    let run =
        argument.iter().rposition(|b| *b == b':').and_then(|colon| argument.get(colon.saturating_add(1)..));
    let run = run.unwrap_or(argument);
    let word = run.split(|b| matches!(b, b' ' | b',' | b'"' | b'\'')).find(|word| !word.is_empty());
    word.is_some_and(|word| is_shell(basename(word)))
}

/// A program of the firmware that listens with odd arguments.
fn applied(holder: &Process, service: &Service<'_>) -> Judged {
    let is = one_of(applet(holder));
    let mut arguments = holder.arguments();
    if is(b"telnetd utelnetd in.telnetd") {
        let open = arguments.any(hands_shell);
        let elsewhere = !service.doors.iter().any(|door| door.port == 23);
        return match (open, elsewhere) {
            (true, true) => Some((CHECK.severity, "it hands visitors a shell, on a port of no telnet")),
            (true, false) => Some((Severity::Notice, "it hands visitors a shell")),
            (false, true) => Some((CHECK.severity, "that is no port of telnet")),
            (false, false) => None,
        };
    }
    if is(b"tcpsvd udpsvd inetd") {
        return arguments.any(hands_shell).then_some((Severity::Infected, "it hands visitors a shell"));
    }
    let odd = |directory: &[u8]| is_volatile_root(directory) || place(directory) == Place::Hidden;
    let hands_out = is(b"httpd uhttpd mini_httpd thttpd darkhttpd")
        && arguments.any(|argument| argument.first() == Some(&b'/') && odd(argument));
    hands_out.then_some((CHECK.severity, "it hands out what lies in a volatile or hidden place"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, hidden_socket, process, service};
    use crate::facts::process::Owner;
    use crate::facts::service::Peers;
    use crate::facts::unix::UnixSocket;
    use Severity::{Infected, Notice, Suspicious};

    const TCP: Door = Door { protocol: Protocol::Tcp, port: 4444, local: false, known: None };

    fn said(holder: Option<&Process>, doors: &[Door], hidden: u32) -> Vec<Severity> {
        let (visitors, called) = (Peers::default(), Peers::default());
        service(&CHECK, &Service { holder, doors, more: 0, hidden, visitors, called })
    }

    fn by(path: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut holder = process(812, b"x", path, argv);
        holder.surroundings.owner = owner;
        holder
    }

    #[test]
    fn sockets_between_processes_that_are_hidden() {
        let socket = &UnixSocket { inode: 7, name: Bytes::of(b"/tmp/.x") };
        let holder = by(b"/usr/sbin/ubusd", b"x\0", Owner::Firmware);
        let own = Process { pid: OWN_PID, ..by(b"/tmp/gatewatch", b"x\0", Owner::Nobody) };
        for (holder, expected) in
            [(None, vec![Infected]), (Some(&holder), vec![Infected]), (Some(&own), vec![])]
        {
            assert_eq!(hidden_socket(&CHECK, &HiddenSocket { socket, holder }), expected);
        }
    }

    #[test]
    fn whose_program_listens() {
        use Owner::{Baseline, Firmware, Nobody, Package, Unknown};
        for (path, owner, expected) in [
            (&b"/usr/bin/gwd"[..], Nobody, Some(Suspicious)),
            (b"/tmp/gwd", Unknown, Some(Suspicious)),
            (b"/memfd:x (deleted)", Unknown, Some(Suspicious)),
            (b"/usr/sbin/dropbear", Firmware, None),
            (b"/usr/sbin/mysqld", Package, None),
            (b"/usr/bin/vendord", Unknown, None),
            (b"/usr/bin/vendord", Baseline, None),
            (b"/usr/local/bin/node", Nobody, None),
            (b"/opt/java/bin/java", Unknown, None),
        ] {
            let holder = by(path, b"x\0", owner);
            let text = String::from_utf8_lossy(path);
            assert_eq!(said(Some(&holder), &[TCP], 0), expected.into_iter().collect::<Vec<_>>(), "{text}");
            assert_eq!(said(Some(&holder), &[], 0), [], "{text} does not listen");
            assert_eq!(said(Some(&holder), &[], 1), [Infected], "{text} has a hidden socket");
        }
        let family = Door { port: 48_101, local: true, ..TCP };
        let bot = by(b"/usr/bin/gwd", b"x\0", Nobody);
        assert_eq!(said(Some(&bot), &[family], 0), [], "the rule of its family says more");
        assert_eq!(said(Some(&bot), &[family, TCP], 0), [Suspicious]);
        let tried = Process {
            stat: crate::facts::process::Stat { terminal: 34_816, ..Default::default() },
            ..by(b"/root/x", b"x\0", Nobody)
        };
        assert_eq!(said(Some(&tried), &[TCP], 0), [Notice]);
        let own = Process { pid: OWN_PID, ..by(b"/tmp/gatewatch", b"x\0", Nobody) };
        assert_eq!(said(Some(&own), &[TCP], 0), []);
    }

    #[test]
    fn programs_of_the_firmware_that_do_as_they_are_told() {
        let unsaid = by(b"/bin/busybox", b"nc\0-lk\0-p\x004444\0", Owner::Unknown);
        assert_eq!(said(Some(&unsaid), &[TCP], 0), [Suspicious]);
        for (path, argv, expected) in [
            (&b"/bin/busybox"[..], &b"nc\0-lk\0-p\x004444\0"[..], Some(Suspicious)),
            (b"/bin/busybox", b"nc\0-l\0-p\x004444\0-e\0/bin/sh\0", Some(Infected)),
            (b"/usr/bin/socat", b"socat\0TCP-LISTEN:4444,fork\0EXEC:/bin/ash\0", Some(Infected)),
            (b"/usr/bin/socat", b"socat\0TCP6-LISTEN:80,fork\0TCP4:192.168.1.2:80\0", None),
            (b"/bin/busybox", b"telnetd\0-p\x007777\0", Some(Suspicious)),
            (b"/bin/busybox", b"telnetd\0-p\x007777\0-l\0/bin/sh\0", Some(Suspicious)),
            (b"/bin/busybox", b"tcpsvd\x000\x004444\0sh\0", Some(Infected)),
            (b"/bin/busybox", b"tcpsvd\x000\x0021\0ftpd\0/srv\0", None),
            (b"/bin/busybox", b"httpd\0-p\x008080\0-h\0/tmp\0", Some(Suspicious)),
            (b"/bin/busybox", b"httpd\0-p\x008080\0-h\0/www\0", None),
            (b"/usr/sbin/uhttpd", b"uhttpd\0-f\0-h\0/www\0-x\0/cgi-bin\0", None),
            (b"/usr/bin/python3.11", b"python3\0-c\0import socket\0", Some(Suspicious)),
            (b"/usr/bin/python3.11", b"python3\0/tmp/.x.py\0", Some(Suspicious)),
            (b"/usr/bin/python3.11", b"python3\0/usr/share/wsdd/wsdd.py\0", None),
            (b"/usr/bin/python3.11", b"python3\0-m\0homeassistant\0", None),
            (b"/usr/bin/lua5.1", b"lua\0/usr/lib/x.lua\0", None),
            (b"/bin/busybox", b"sh\0-c\0x\0", None),
        ] {
            let holder = by(path, argv, Owner::Firmware);
            let text = String::from_utf8_lossy(argv);
            assert_eq!(said(Some(&holder), &[TCP], 0), expected.into_iter().collect::<Vec<_>>(), "{text}");
        }
        let telnet = Door { port: 23, ..TCP };
        let open = by(b"/usr/sbin/utelnetd", b"utelnetd\0-l\0/bin/sh\0-d\0", Owner::Firmware);
        assert_eq!(said(Some(&open), &[telnet], 0), [Notice]);
        let login = by(b"/bin/busybox", b"telnetd\0-F\0-l\0/bin/login.sh\0", Owner::Firmware);
        assert_eq!(said(Some(&login), &[telnet], 0), []);
    }

    #[test]
    fn ports_that_the_baseline_does_not_have() {
        use Owner::{Baseline, Firmware, Unknown};
        let (new, any) =
            (Door { known: Some(false), ..TCP }, Door { known: Some(false), port: 40_000, ..TCP });
        let old = Door { known: Some(true), ..TCP };
        for (owner, path, expected) in [
            (Baseline, &b"/usr/bin/vendord"[..], Suspicious),
            (Unknown, b"/usr/bin/vendord", Suspicious),
            (Firmware, b"/usr/sbin/dropbear", Notice),
            (Unknown, b"/usr/local/bin/x", Notice),
        ] {
            let holder = by(path, b"x\0", owner);
            assert_eq!(said(Some(&holder), &[old, new], 0), [expected]);
            assert_eq!(said(Some(&holder), &[old, any], 0), []);
        }
    }

    #[test]
    fn ports_of_nobody() {
        assert_eq!(said(None, &[TCP], 0), [Notice]);
        assert_eq!(said(None, &[TCP], 2), [Infected]);
        let udp = Door { protocol: Protocol::Udp, ..TCP };
        assert_eq!(said(None, &[Door { port: 2049, ..TCP }, udp], 0), [], "the kernel's NFS, a tunnel's UDP");
    }
}
