//! A shell whose commands come over the network.
//!
//! # Sees
//! A shell or interpreter whose standard input and output are one internet socket: a bind or reverse shell. Also a
//! shell on two pipes (or local sockets) whose parent holds an internet connection and so can hand its commands on.
//!
//! # Why it matters
//! This is a stranger's prompt: what an exploit asks for first, and what bots and implants offer their owners. People
//! who log in get a terminal, or are served by an SSH or telnet daemon.
//!
//! # Misses and false alarms
//! Silent for a script that inetd.conf names; a bare shell there is a back door, whoever named it. `notice` for a
//! script in a system place whose parent serves sockets to scripts (inetd, tcpsvd, a web server's `nph-` scripts,
//! systemd), `suspicious` for one of another system program, and for a script of another interpreter that somebody
//! vouches for, `notice`. On pipes only a shell without script or command counts, unless the parent's program is in no
//! system place: daemons run scripts on pipes all the time. A parent's connection with this machine itself does not
//! count. It is silent below an SSH or telnet daemon, and `suspicious` below another program that somebody vouches for
//! and that is no relay (nc, socat, openssl, Python). Missed: a pipeline whose relay is no parent of the shell
//! (`mkfifo f; sh <f | nc … >f`), and a program that reads commands itself and runs `sh -c` for each. rshd and rexecd
//! serve just this and are accused.
//!
//! # Sources
//! proc_pid_fd(5); proc_pid_net(5); inetd(8); MITRE ATT&CK T1059.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::place;
use crate::facts::process::{Owner, Process, Relative, Wire};
use crate::facts::program::{Started, applet, is_interpreter, is_multicall, is_session, is_shell, started};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "socket-shell",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1059.004",
    title: "a shell or interpreter that takes its commands from the network",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes, Source::Descriptors],
    hooks: &[Hook::Process(run)],
};

/// Programs that hand the socket of a visitor to a script: super-servers, and web servers that have `nph-` scripts.
const SERVERS: [&[u8]; 14] = [
    b"boa",
    b"goahead",
    b"httpd",
    b"inetd",
    b"lighttpd",
    b"micro_httpd",
    b"mini_httpd",
    b"systemd",
    b"tcpserver",
    b"tcpsvd",
    b"thttpd",
    b"udpsvd",
    b"uhttpd",
    b"xinetd",
];

/// Programs that hand on whatever comes, and that anybody may use for it.
const RELAYS: [&[u8]; 10] = [
    b"busybox",
    b"java",
    b"nc",
    b"nc.openbsd",
    b"nc.traditional",
    b"ncat",
    b"netcat",
    b"openssl",
    b"socat",
    b"stunnel",
];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let name = applet(process);
    if !is_interpreter(name) || !process.is_alive() || ctx.is_own(process) {
        return;
    }
    let (severity, remote) = match process.wire {
        Wire::None => return,
        Wire::Socket { remote } => {
            // FastCGI programs are given the socket on which the web server's requests arrive.
            if remote.is_none() && !is_shell(name) {
                return;
            }
            (on_socket(process, is_shell(name)), remote)
        }
        Wire::Relay { remote } if is_shell(name) => (on_pipes(process), Some(remote)),
        Wire::Relay { .. } => return,
    };
    let Some(severity) = severity else { return };
    let draft =
        out.process(process).severity(severity).remote(remote).quote(name).say(match started(process) {
            Started::Bare => " without a script",
            Started::Command => " with a command",
            Started::Script(_) => " with a script",
        });
    let parent = process.kin.parents.first().map(|parent| parent.program.as_slice()).unwrap_or_default();
    let draft = draft.say(" has its input and output on ");
    out.found(match process.wire {
        Wire::Relay { .. } => draft.say("pipes; its parent ").quote(parent).say(" holds a connection"),
        _ if remote.is_some() => draft.say("a connection"),
        _ => draft.say("a socket"),
    });
}

fn on_socket(process: &Process, shell: bool) -> Option<Severity> {
    let Started::Script(script) = started(process) else { return Some(Severity::Infected) };
    if process.inetd {
        return None;
    }
    if place(script).is_odd() || !(process.is_firm() || process.is_trusted()) {
        return Some(Severity::Infected);
    }
    if !shell {
        return Some(if process.is_trusted() { Severity::Notice } else { Severity::Suspicious });
    }
    let parent = process.kin.parents.first().filter(|parent| is_known(parent));
    Some(match parent {
        Some(parent) if SERVERS.contains(&name(parent)) => Severity::Notice,
        Some(_) => Severity::Suspicious,
        None => Severity::Infected,
    })
}

fn on_pipes(process: &Process) -> Option<Severity> {
    let Some(parent) = process.kin.parents.first() else { return Some(Severity::Infected) };
    let program = parent.program.as_slice();
    if started(process) == Started::Bare {
        if is_session(name(parent)) {
            // An SSH daemon of another system, from a disk: its owner may not be known here.
            return if is_known(parent) {
                None
            } else if parent.owner == Owner::Unknown {
                Some(Severity::Suspicious)
            } else {
                Some(Severity::Infected)
            };
        }
        let relays = RELAYS.contains(&program) || is_interpreter(program);
        return Some(if parent.owner.vouches() && !relays {
            Severity::Suspicious
        } else {
            Severity::Infected
        });
    }
    // Daemons run commands and scripts on pipes all the time, and an owner may have put one beside the system; what nobody
    // vouches for is told by itself.
    parent.odd.then_some(Severity::Infected)
}

fn is_known(parent: &Relative) -> bool {
    parent.firm || parent.owner.vouches()
}

/// Of a program that is many the name that runs.
fn name(parent: &Relative) -> &[u8] {
    if is_multicall(parent.program.as_slice()) { parent.comm.as_slice() } else { parent.program.as_slice() }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::endpoint::Endpoint;
    use crate::facts::text::Bytes;
    use Severity::{Infected, Notice, Suspicious};

    const REMOTE: Endpoint = Endpoint { ip: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), port: 4444 };
    const SOCKET: Wire = Wire::Socket { remote: Some(REMOTE) };
    const RELAY: Wire = Wire::Relay { remote: REMOTE };

    fn shell(exe: &[u8], argv: &[u8], wire: Wire) -> Process {
        let mut process = process(812, b"sh", exe, argv);
        process.surroundings.owner = Owner::Firmware;
        process.wire = wire;
        process
    }

    fn below(mut process: Process, program: &[u8], comm: &[u8], firm: bool, owner: Owner) -> Process {
        let (program, comm) = (Bytes::of(program), Bytes::of(comm));
        let parent = Relative { pid: 700, comm, program, firm, owner, ..Relative::default() };
        process.kin.parents.push(parent).unwrap();
        process
    }

    #[test]
    fn shells_on_sockets() {
        for (exe, argv) in [
            (&b"/bin/busybox"[..], &b"sh\0"[..]),
            (b"/bin/busybox", b"/bin/busybox\0sh\0-i\0"),
            (b"/bin/bash", b"-bash\0"),
            (b"/bin/dash", b"sh\0-c\0id\0"),
            (b"/usr/bin/python3.11", b"python3\0-c\0import socket\0"),
            (b"/bin/busybox", b"sh\0/tmp/.x.sh\0"),
            (b"/tmp/sh", b"sh\0/etc/x.sh\0"),
        ] {
            let mut process = shell(exe, argv, SOCKET);
            if exe.starts_with(b"/tmp/") {
                process.surroundings.owner = Owner::Nobody;
            }
            let text = String::from_utf8_lossy(argv);
            assert_eq!(severities(&CHECK, &process), [Infected], "{text}: first look");
            process = below(process, b"dropbear", b"dropbear", true, Owner::Firmware);
            assert_eq!(severities(&CHECK, &process), [Infected], "{text}");
        }
        // Whoever wrote a bare shell into inetd.conf opened the door.
        let mut bare = shell(b"/bin/busybox", b"sh\0-i\0", SOCKET);
        bare.inetd = true;
        assert_eq!(severities(&CHECK, &bare), [Infected]);
        let listening = shell(b"/bin/busybox", b"sh\0", Wire::Socket { remote: None });
        assert_eq!(severities(&CHECK, &listening), [Infected]);
    }

    #[test]
    fn scripts_on_sockets() {
        let script = || shell(b"/bin/busybox", b"sh\0/usr/sbin/status.sh\0", SOCKET);
        assert_eq!(severities(&CHECK, &Process { inetd: true, ..script() }), []);
        for (program, comm, firm, owner, expected) in [
            (&b"busybox"[..], &b"tcpsvd"[..], true, Owner::Unknown, Notice),
            (b"mini_httpd", b"mini_httpd", true, Owner::Firmware, Notice),
            (b"dvrd", b"dvrd", true, Owner::Unknown, Suspicious),
            (b"tcpsvd", b"tcpsvd", false, Owner::Nobody, Infected),
        ] {
            let process = below(script(), program, comm, firm, owner);
            assert_eq!(severities(&CHECK, &process), [expected], "{}", String::from_utf8_lossy(program));
        }
        let mut python = shell(b"/usr/bin/python3", b"python3\0/usr/lib/x/server.py\0", SOCKET);
        assert_eq!(severities(&CHECK, &python), [Notice]);
        python.surroundings.owner = Owner::Nobody;
        assert_eq!(severities(&CHECK, &python), [Suspicious]);
    }

    #[test]
    fn shells_behind_a_relay() {
        for (program, firm, owner, expected) in [
            (&b"gwbot"[..], false, Owner::Nobody, Infected),
            (b"socat", true, Owner::Package, Infected),
            (b"busybox", true, Owner::Firmware, Infected),
            (b"python3.11", true, Owner::Package, Infected),
            (b"dropbear", false, Owner::Nobody, Infected),
            (b"dropbear", false, Owner::Unknown, Suspicious),
            (b"cloudagent", true, Owner::Firmware, Suspicious),
            (b"cloudagent", true, Owner::Unknown, Infected),
        ] {
            let process = below(shell(b"/bin/busybox", b"sh\0-i\0", RELAY), program, program, firm, owner);
            let text = String::from_utf8_lossy(program);
            assert_eq!(severities(&CHECK, &process), [expected], "{text} {owner:?}");
        }
        let command = shell(b"/bin/busybox", b"sh\0-c\0id\0", RELAY);
        assert_eq!(severities(&CHECK, &command), [Infected], "first look");
        let mut command = below(command, b"gwbot", b"x", false, Owner::Nobody);
        assert_eq!(severities(&CHECK, &command), [], "a runner that an admin put there");
        command.kin.parents[0].odd = true;
        assert_eq!(severities(&CHECK, &command), [Infected], "from /tmp, say");
    }

    #[test]
    fn sessions_services_and_scripts() {
        for argv in [&b"sh\0-s\0"[..], b"-ash\0", b"sh\0-c\0cat\0", b"sh\0/usr/bin/x\0"] {
            for (program, comm, firm, owner) in [
                (&b"dropbear"[..], &b"dropbear"[..], true, Owner::Firmware),
                (b"busybox", b"telnetd", true, Owner::Unknown),
                (b"sshd-session", b"sshd-session", true, Owner::Package),
                (b"dropbear", b"dropbear", false, Owner::Package),
            ] {
                let process = below(shell(b"/bin/busybox", argv, RELAY), program, comm, firm, owner);
                assert_eq!(severities(&CHECK, &process), [], "{}", String::from_utf8_lossy(argv));
            }
        }
        for (program, firm, owner) in [
            (&b"rpcd"[..], true, Owner::Firmware),
            (b"openvpn", true, Owner::Unknown),
            (b"transmission-daemon", false, Owner::Package),
            (b"node", false, Owner::Nobody),
        ] {
            for argv in [&b"sh\0-c\0x\0"[..], b"sh\0/usr/libexec/rpcd/luci\0"] {
                let process = below(shell(b"/bin/busybox", argv, RELAY), program, program, firm, owner);
                assert_eq!(severities(&CHECK, &process), [], "{}", String::from_utf8_lossy(program));
            }
        }
        let fastcgi = shell(b"/usr/bin/php-cgi", b"php-cgi\0", Wire::Socket { remote: None });
        assert_eq!(severities(&CHECK, &fastcgi), []);
        assert_eq!(severities(&CHECK, &shell(b"/bin/busybox", b"-ash\0", Wire::None)), []);
        assert_eq!(severities(&CHECK, &Process { pid: OWN_PID, ..shell(b"/bin/sh", b"sh\0", SOCKET) }), []);
        let mut ended = shell(b"/bin/busybox", b"sh\0", SOCKET);
        ended.stat.state = b'Z';
        assert_eq!(severities(&CHECK, &ended), []);
    }
}
