//! A process that claims the name of a daemon while its program is another.
//!
//! # Sees
//! The first argument, or the name, is that of a daemon that routers run (`dropbear`, `udhcpc`, `ntpd` …) and the program
//! is a file of another name, or a script that lies in an odd place, or an interpreter that was given no such script and
//! so renamed itself. Also, where nobody vouches for the program, a name that is one letter away from a daemon's:
//! `dhpcd`, `drobpear`.
//!
//! # Why it matters
//! 36 of 85 described families carry a name that does not match what they are. Aisuru calls itself `telnetd`, `udhcpc`,
//! `ntpclient`, `dhclient`, `httpd` or `upnpc-static`, dhpcd counts on a hasty reader, bots in Perl call themselves
//! `httpd` or `sshd`.
//!
//! # Misses and false alarms
//! Silent for applets of BusyBox and the like, for a program to which a system path of the claimed name leads, for names
//! with a prefix, version or part behind them (`sshd-session`, `utelnetd`, `.dnsmasq-wrapped`), for what firmware or a
//! package has and is no interpreter, for scripts of that name in system places, and for the first process. In a
//! container, which has names of its own, and where nothing says what is installed and a name is merely near, it is a
//! `notice`. Other names than those of daemons may be anybody's, and a bot whose file bears the daemon's name is told by
//! its place or by its owner. A changed first or last letter, or a digit, makes no near name: there are too many such
//! (`uhttpd`, `udhcpd`, `dhcp6c`).
//!
//! # Sources
//! proc_pid_cmdline(5); proc_pid_comm(5); execve(2); PR_SET_NAME(2const); MITRE ATT&CK T1036.005.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::{Place, place};
use crate::facts::process::{Exe, Process};
use crate::facts::program::{DAEMONS, applet, has_container_runtime, is_interpreter, is_multicall};
use crate::facts::text::basename;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "name-mismatch",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1036.005",
    title: "a process that claims a daemon's name and runs another program",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

/// Bytes of a name that the kernel keeps: `TASK_COMM_LEN` without the NUL (linux/sched.h).
const KEPT: usize = 15;

/// True names that are one letter away from a daemon's: of a million names of packages and programs 24 are, and these are
/// what routers have.
const NEIGHBOURS: [&[u8]; 9] = [
    b"dbclient",
    b"ddclient",
    b"httpsd",
    b"initd",
    b"mini_httpsd",
    b"minihttpd",
    b"netifyd",
    b"pppoed",
    b"sysklogd",
];

/// Daemons whose file has quite another name (systemd's man page systemd-udevd.service(8); Debian's udevadm).
const KNOWN: [(&[u8], &[u8]); 1] = [(b"systemd-udevd", b"udevadm")];

/// Letters that a name must have for another to be near it.
const NEAR: usize = 5;

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Exe::Path { .. } = process.exe else { return };
    if process.pid == 1 || ctx.is_own(process) || !process.is_alive() {
        return;
    }
    let contained = process.surroundings.apart && has_container_runtime(process);
    let weaker = |severity| if contained { Severity::Notice } else { severity };
    let names = [shown(process), process.name()];
    let claimed = names.into_iter().find(|name| is_daemon(name) && !is_named(process, name));
    if let Some(claimed) = claimed {
        let Some((severity, said)) = judge(process, claimed) else { return };
        let draft = out.process(process).severity(weaker(severity)).say("it claims to be ").quote(claimed);
        let draft = draft.say(", but ").say(said).quote(process.program());
        let others = process.kin.programs > 1;
        out.found(if others { draft.say("; another program runs under this name too") } else { draft });
        return;
    }
    let owner = process.surroundings.owner;
    if process.is_trusted() {
        return;
    }
    let severity = if owner.is_unsaid() { Severity::Notice } else { CHECK.severity };
    for name in [process.program(), names[1], names[0]] {
        if let Some(daemon) = nearest(name) {
            let draft = out.process(process).severity(weaker(severity)).say("its name ").quote(name);
            return out.found(draft.say(" is one letter away from ").quote(daemon));
        }
    }
}

/// The name in the first argument: what daemons write behind it (`nginx: worker process`), the dash of a login shell and
/// the directory are cut off.
fn shown(process: &Process) -> &[u8] {
    let title = process.argv0().split(|b| *b == b' ').next().unwrap_or_default();
    let title = title.strip_suffix(b":").unwrap_or(title);
    basename(title.strip_prefix(b"-").unwrap_or(title))
}

/// Whether two names are the same, as far as the kernel keeps the first.
fn is_same(kept: &[u8], name: &[u8]) -> bool {
    kept == name || kept.len() == KEPT && name.starts_with(kept)
}

fn is_daemon(name: &[u8]) -> bool {
    !name.is_empty() && DAEMONS.iter().any(|daemon| is_same(name, daemon))
}

/// Whether a program's own name is what it claims, with something before or behind it.
fn is_named(process: &Process, claimed: &[u8]) -> bool {
    let program = process.program();
    let bare = program.strip_prefix(b".").unwrap_or(program);
    let continued = |rest: &[u8]| !rest.first().is_some_and(u8::is_ascii_alphabetic);
    let known = |(claim, known): &(&[u8], &[u8])| is_same(claimed, claim) && *known == program;
    is_same(claimed, program)
        || bare.strip_prefix(claimed).is_some_and(continued)
        || program.ends_with(claimed) && process.place() == Some(Place::Firm)
        || KNOWN.iter().any(known)
}

/// What the claim means. `None`: it is a healthy one.
fn judge(process: &Process, claimed: &[u8]) -> Option<(Severity, &'static str)> {
    let joined = &process.surroundings;
    let in_place = joined.on_disk || process.place() == Some(Place::Firm) && !joined.in_memory;
    let many = in_place && is_multicall(process.program());
    if is_interpreter(applet(process)) {
        // The kernel gives a process the name of the script that it starts (execve(2)).
        let scripts = || process.arguments().filter(|argument| is_same(claimed, basename(argument)));
        let absolute = |script: &[u8]| script.first() == Some(&b'/');
        return if scripts().any(|script| absolute(script) && !place(script).is_odd()) {
            None
        } else if scripts().any(absolute) {
            Some((CHECK.severity, "that is a script in an odd place, run by "))
        } else if scripts().next().is_some() {
            Some((Severity::Notice, "that is a script run by "))
        } else if many {
            None
        } else {
            Some((CHECK.severity, "no script of that name is run by "))
        };
    }
    let known = process.is_trusted() || process.alias && in_place;
    if many || known { None } else { Some((CHECK.severity, "its program is ")) }
}

/// The daemon's name that another one nearly is.
fn nearest(name: &[u8]) -> Option<&'static [u8]> {
    if name.len() < NEAR || is_daemon(name) || NEIGHBOURS.contains(&name) {
        return None;
    }
    DAEMONS.iter().copied().find(|daemon| daemon.len() >= NEAR && is_near(name, daemon))
}

/// Whether one letter between the first and the last was changed, added or left out, or two neighbours were swapped.
fn is_near(name: &[u8], daemon: &[u8]) -> bool {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let head = name.iter().zip(daemon).take_while(same).count();
    let (Some(name), Some(daemon)) = (name.get(head..), daemon.get(head..)) else { return false };
    let tail = name.iter().rev().zip(daemon.iter().rev()).take_while(same).count();
    let differing = |rest: &'_ [u8]| rest.len().saturating_sub(tail);
    let inner = head > 0 && tail > 0;
    let letter = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_lowercase);
    match (differing(name), differing(daemon)) {
        (1, 1) => inner && letter(name) && letter(daemon),
        (1, 0) => inner && letter(name),
        (0, 1) => inner && letter(daemon),
        (2, 2) => name.first() == daemon.get(1) && name.get(1) == daemon.first(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::process::Owner;
    use crate::facts::process::Relative;
    use crate::facts::text::Bytes;

    fn with(exe: &[u8], comm: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut process = process(812, comm, exe, argv);
        process.surroundings.owner = owner;
        process
    }

    #[test]
    fn claims_that_are_not_true() {
        use Owner::{Nobody, Package, Unknown};
        for (exe, comm, argv, owner) in [
            (&b"/usr/sbin/x"[..], &b"dropbear"[..], &b"/usr/sbin/dropbear\0-F\0"[..], Nobody),
            (b"/tmp/x", b"x", b"udhcpc\0-i\0eth0\0", Unknown),
            (b"/tmp/x", b"httpd", b"./x\0", Unknown),
            (b"/tmp/x (deleted)", b"sshd", b"sshd: root@pts/0\0", Package),
            (b"/memfd:x (deleted)", b"x", b"ntpd\0", Nobody),
            (b"/usr/lib/libcow.so", b"libcow.so", b"telnetd\0", Unknown),
            (b"/data/x", b"systemd-network", b"x\0", Nobody),
            (b"/tmp/busybox", b"telnetd", b"telnetd\0-l\0/bin/sh\0", Unknown),
            // Interpreters that renamed themselves, or run a script that is no system's.
            (b"/usr/bin/perl", b"httpd", b"httpd\0\0\0\0", Package),
            (b"/usr/bin/perl", b"sshd", b"/usr/sbin/sshd\0\0\0", Package),
            (b"/bin/busybox", b"dropbear", b"/bin/sh\0/tmp/dropbear\0", Package),
            (b"/usr/bin/python3.11", b"ntpd", b"python3\0/dev/shm/ntpd\0", Package),
        ] {
            let claims = with(exe, comm, argv, owner);
            assert_eq!(
                severities(&CHECK, &claims),
                [Severity::Suspicious],
                "{}",
                String::from_utf8_lossy(argv)
            );
        }
        let relative = with(b"/bin/busybox", b"dropbear", b"/bin/sh\0./dropbear\0", Package);
        assert_eq!(severities(&CHECK, &relative), [Severity::Notice]);
    }

    #[test]
    fn claims_that_are_true_or_nobodys_business() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        for (exe, comm, argv, owner) in [
            (&b"/bin/busybox"[..], &b"udhcpc"[..], &b"udhcpc\0-i\0eth0\0"[..], Firmware),
            (b"/bin/busybox", b"crond", b"/usr/sbin/crond\0-f\0", Unknown),
            (b"/bin/busybox (deleted)", b"ntpd", b"ntpd\0-n\0", Unknown),
            (b"/bin/busybox", b"dnsmasq", b"/bin/sh\0/etc/rc.common\0/etc/init.d/dnsmasq\0boot\0", Firmware),
            (b"/bin/dash", b"dnsmasq", b"/bin/sh\0/etc/init.d/dnsmasq\0start\0", Package),
            (b"/bin/dash", b"systemd-network", b"/bin/sh\0/usr/lib/systemd-networkd\0", Package),
            (b"/usr/bin/python3.11", b"httpd", b"/usr/bin/python3\0/usr/sbin/httpd\0", Unknown),
            (b"/usr/sbin/dropbear", b"dropbear", b"dropbear\0", Nobody),
            (b"/usr/sbin/sshd", b"sshd", b"sshd: root@pts/0\0", Nobody),
            (b"/usr/lib/openssh/sshd-session", b"sshd-session", b"sshd: root\0", Nobody),
            (b"/usr/sbin/nginx", b"nginx", b"nginx: worker process\0", Nobody),
            (b"/usr/sbin/utelnetd", b"telnetd", b"telnetd\0", Unknown),
            (b"/usr/sbin/in.tftpd", b"in.tftpd", b"tftpd\0", Unknown),
            (b"/usr/sbin/dhcpcd5", b"dhcpcd", b"dhcpcd\0", Unknown),
            (b"/nix/store/abc/bin/.dnsmasq-wrapped", b"dnsmasq", b"dnsmasq\0", Unknown),
            (
                b"/usr/lib/systemd/systemd-networkd",
                b"systemd-network",
                b"/lib/systemd/systemd-networkd\0",
                Unknown,
            ),
            (b"/usr/bin/udevadm", b"systemd-udevd", b"/lib/systemd/systemd-udevd\0", Unknown),
            (b"/sbin/rc", b"watchdogd", b"watchdogd\0", Firmware),
            (b"/usr/sbin/x", b"wpa", b"-x\0", Nobody),
            (b"/bin/bash", b"bash", b"-bash\0", Package),
            (b"", b"init", b"init\0", Unknown),
        ] {
            let honest = with(exe, comm, argv, owner);
            assert_eq!(severities(&CHECK, &honest), [], "{}", String::from_utf8_lossy(argv));
        }
        let mut first = with(b"/sbin/preinit", b"init", b"init\0", Unknown);
        first.pid = 1;
        assert_eq!(severities(&CHECK, &first), []);
        let mut own = with(b"/tmp/gatewatch", b"dropbear", b"dropbear\0", Nobody);
        own.pid = OWN_PID;
        assert_eq!(severities(&CHECK, &own), []);
        let mut zombie = with(b"/tmp/x", b"dropbear", b"", Nobody);
        zombie.stat.state = b'Z';
        assert_eq!(severities(&CHECK, &zombie), []);
        let mut alias = with(b"/usr/sbin/multi", b"hostapd", b"hostapd\0", Unknown);
        alias.alias = true;
        assert_eq!(severities(&CHECK, &alias), []);
        let mut upgraded = with(b"/usr/sbin/wpad-full (deleted)", b"hostapd", b"hostapd\0", Package);
        assert_eq!(severities(&CHECK, &upgraded), [Severity::Suspicious]);
        upgraded.surroundings.exists = true;
        assert_eq!(severities(&CHECK, &upgraded), []);
    }

    #[test]
    fn a_container_has_names_of_its_own() {
        let mut inside = with(b"/srv/server", b"openvpn", b"openvpn\0", Owner::Nobody);
        inside.surroundings.apart = true;
        assert_eq!(severities(&CHECK, &inside), [Severity::Suspicious]);
        let program = Bytes::of(b"containerd-shim-runc-v2");
        let _ = inside.kin.parents.push(Relative { program, firm: true, ..Relative::default() });
        assert_eq!(severities(&CHECK, &inside), [Severity::Notice]);
    }

    #[test]
    fn names_that_are_nearly_a_daemons() {
        for name in
            [&b"dhpcd"[..], b"drobpear", b"dropbaer", b"telentd", b"syslod", b"htpd2x", b"ngnix", b"hostaxpd"]
        {
            let near = nearest(name).is_some();
            assert_eq!(near, name != b"htpd2x", "{}", String::from_utf8_lossy(name));
        }
        let exe = b"/usr/sbin/dhpcd";
        assert_eq!(
            severities(&CHECK, &with(exe, b"dhpcd", b"dhpcd\0", Owner::Nobody)),
            [Severity::Suspicious]
        );
        assert_eq!(severities(&CHECK, &with(exe, b"dhpcd", b"dhpcd\0", Owner::Unknown)), [Severity::Notice]);
        assert_eq!(
            severities(&CHECK, &with(b"/usr/sbin/x", b"dhpcd", b"x\0", Owner::Nobody)),
            [Severity::Suspicious]
        );
        assert_eq!(severities(&CHECK, &with(exe, b"dhpcd", b"dhpcd\0", Owner::Package)), []);
    }

    #[test]
    fn names_of_other_daemons() {
        for name in [
            &b"udhcpd"[..],
            b"dbclient",
            b"ddclient",
            b"udhcpc6",
            b"dhcpcd",
            b"dhcp6c",
            b"dhcp6d",
            b"odhcp6d",
            b"dhcpc",
            b"ntpdate",
            b"thttpd",
            b"vhttpd",
            b"https",
            b"http",
            b"httpds",
            b"httpd2",
            b"cron",
            b"ulogd",
            b"klogd",
            b"sysklogd",
            b"syslog",
            b"udev",
            b"eudevd",
            b"ubus",
            b"dbusd",
            b"netd",
            b"inet",
            b"upnp",
            b"telnet",
            b"atftpd",
            b"sftpd",
            b"tftp",
            b"mdns",
            b"umdns",
            b"snmp",
            b"netifyd",
            b"watchdog",
            b"odhcp6",
            b"hotplug",
            b"dropbear2",
            b"openvpn2",
            b"minihttpd",
            b"mini_httpds",
            b"dnsmasqd",
            b"nginx1",
            b"init",
            b"smbd",
            b"nmbd",
            b"rpc",
            b"logd",
            b"wpad",
            b"dhclient6",
            b"systemd2",
            b"xinetd",
            b"lighttpd",
            b"vsftpd",
            b"chrony",
            b"dhcrelay",
            b"dhcpd",
            b"miniupnpc",
            b"pppoe",
            b"pppd",
            b"haveged",
            b"",
            b"x",
        ] {
            assert_eq!(nearest(name), None, "{}", String::from_utf8_lossy(name));
        }
    }
}
