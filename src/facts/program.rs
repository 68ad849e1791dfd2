//! What a program is, by its name: shells, interpreters, programs of many names, daemons that everybody knows.

use super::process::Process;
use super::text::{basename, one_of};

/// A name without the version behind it: `python3.11` is `python`, `lua5.1` is `lua`.
fn stem(name: &[u8]) -> &[u8] {
    let versioned = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    let end = name.iter().rposition(|b| !versioned(b)).map_or(0, |last| last.saturating_add(1));
    name.get(..end).unwrap_or_default()
}

const SHELLS: [&[u8]; 10] =
    [b"sh", b"ash", b"bash", b"dash", b"ksh", b"mksh", b"zsh", b"hush", b"rbash", b"busybox.sh"];

const INTERPRETERS: [&[u8]; 14] = [
    b"python", b"perl", b"lua", b"luajit", b"ruby", b"php", b"php-cgi", b"node", b"tclsh", b"ucode", b"awk",
    b"gawk", b"mawk", b"expect",
];

/// Programs that are many: what they do depends on the name under which they are started.
const MULTICALL: [&[u8]; 7] =
    [b"busybox", b"busybox.nosuid", b"busybox.suid", b"toybox", b"toolbox", b"dropbearmulti", b"coreutils"];

/// Whether a name is a shell's.
#[must_use]
pub fn is_shell(name: &[u8]) -> bool {
    SHELLS.contains(&name)
}

/// Whether a name is that of an interpreter, a shell or another.
#[must_use]
pub fn is_interpreter(name: &[u8]) -> bool {
    is_shell(name) || INTERPRETERS.contains(&stem(name))
}

/// Whether a program is many: BusyBox, toybox and the like, whatever is behind the name (`busybox-static`).
#[must_use]
pub fn is_multicall(name: &[u8]) -> bool {
    MULTICALL.contains(&name) || name.starts_with(b"busybox")
}

/// The name that a process goes by: of a program that is many the applet, otherwise the program's.
#[must_use]
pub fn applet(process: &Process) -> &[u8] {
    let program = process.program();
    if program.is_empty() || is_multicall(program) {
        let shown = basename(process.argv0());
        // A login shell's first argument begins with a dash (login(1)).
        let shown = shown.strip_prefix(b"-").unwrap_or(shown);
        if is_multicall(shown) {
            return process.arguments().next().map_or(shown, basename);
        }
        if shown.is_empty() { process.stat.comm.as_slice() } else { shown }
    } else {
        program
    }
}

/// How a shell or interpreter was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started<'a> {
    /// Without anything to run: it reads its standard input.
    Bare,
    /// With commands in its arguments: `-c`, `-e`.
    Command,
    /// With a script.
    Script(&'a [u8]),
}

/// How an interpreter was started, by its arguments.
#[must_use]
pub fn started(process: &Process) -> Started<'_> {
    let mut arguments = process.arguments().peekable();
    // `busybox sh …`: the applet's name is the first argument.
    if is_multicall(basename(process.argv0())) {
        arguments.next();
    }
    while let Some(argument) = arguments.next() {
        let is = one_of(argument);
        match argument {
            _ if is(b"-c -lc -ic") => return Started::Command,
            // Of a shell it is "stop at the first error".
            _ if is(b"-e -r") && !is_shell(applet(process)) => return Started::Command,
            b"" => {}
            // The word behind it is no script.
            _ if is(b"-o -W -X") => {
                arguments.next();
            }
            _ if argument.first() == Some(&b'-') => {}
            script => return Started::Script(script),
        }
    }
    Started::Bare
}

/// Daemons that routers run, whose names malware takes. The file of each bears the same name.
pub const DAEMONS: [&[u8]; 62] = [
    b"avahi-daemon",
    b"chronyd",
    b"crond",
    b"dbus-daemon",
    b"dhclient",
    b"dhcpcd",
    b"dhcpd",
    b"dnsmasq",
    b"dropbear",
    b"ftpd",
    b"haveged",
    b"hostapd",
    b"hotplug2",
    b"httpd",
    b"igmpproxy",
    b"inetd",
    b"init",
    b"klogd",
    b"lighttpd",
    b"logd",
    b"mini_httpd",
    b"miniupnpd",
    b"mdnsd",
    b"netifd",
    b"nginx",
    b"nmbd",
    b"ntpclient",
    b"ntpd",
    b"odhcp6c",
    b"odhcpd",
    b"openvpn",
    b"pppd",
    b"pppoecd",
    b"procd",
    b"rngd",
    b"rpcd",
    b"rsyslogd",
    b"smbd",
    b"snmpd",
    b"sshd",
    b"syslogd",
    b"systemd",
    b"systemd-journald",
    b"systemd-logind",
    b"systemd-networkd",
    b"systemd-resolved",
    b"systemd-udevd",
    b"telnetd",
    b"tftpd",
    b"ubusd",
    b"udevd",
    b"udhcpc",
    b"udhcpd",
    b"uhttpd",
    b"upnpc-static",
    b"upnpd",
    b"utelnetd",
    b"vsftpd",
    b"watchdogd",
    b"wpa_supplicant",
    b"wpad",
    b"xinetd",
];

/// Daemons from whose connection a shell without a terminal is a session: `ssh router 'sh -s'`, telnet to a command.
const SESSIONS: [&[u8]; 8] = [
    b"dropbear",
    b"dropbearmulti",
    b"sshd",
    b"sshd-session",
    b"telnetd",
    b"utelnetd",
    b"in.telnetd",
    b"tinysshd",
];

/// Whether a shell of this parent's is an administrator's session.
#[must_use]
pub fn is_session(name: &[u8]) -> bool {
    SESSIONS.contains(&name)
}

/// Programs that start containers: what runs below them has a system of its own.
const RUNTIMES: [&[u8]; 21] = [
    b"buildkitd",
    b"bwrap",
    b"firejail",
    b"incusd",
    b"k3s",
    b"nsjail",
    b"rootlesskit",
    b"snap-confine",
    b"containerd-shim",
    b"containerd-shim-runc-v1",
    b"containerd-shim-runc-v2",
    b"conmon",
    b"crun",
    b"dockerd",
    b"lxc-start",
    b"lxd",
    b"podman",
    b"runc",
    b"systemd-nspawn",
    b"ujail",
    b"containerd",
];

/// Whether a program starts containers.
#[must_use]
pub fn is_container_runtime(name: &[u8]) -> bool {
    RUNTIMES.iter().any(|runtime| *runtime == name || name.len() == 15 && runtime.starts_with(name))
}

/// Whether a process was started, over however many others, by a program that starts containers and that nobody
/// denies knowing. Not known before the second look.
#[must_use]
pub fn has_container_runtime(process: &Process) -> bool {
    process.kin.parents.iter().any(|parent| parent.firm && is_container_runtime(parent.program.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::process::Exe;
    use crate::facts::text::Bytes;

    fn process(exe: &[u8], argv: &[u8]) -> Process {
        let exe_kind = Exe::Path { removed: false };
        Process { exe: exe_kind, path: Bytes::of(exe), argv: Bytes::of(argv), ..Process::default() }
    }

    #[test]
    fn names_with_versions_are_the_same() {
        for name in [&b"python3.11"[..], b"lua5.1", b"perl", b"sh", b"php8-cgi", b"php-cgi"] {
            assert!(is_interpreter(name) == (name != b"php8-cgi"), "{}", String::from_utf8_lossy(name));
        }
        assert!(is_shell(b"ash") && !is_shell(b"python3") && !is_shell(b"sshd"));
        assert!(is_multicall(b"busybox-static") && !is_multicall(b"bus"));
    }

    #[test]
    fn the_applet_that_runs() {
        for (exe, argv, expected) in [
            (&b"/bin/busybox"[..], &b"udhcpc\0-i\0eth0\0"[..], &b"udhcpc"[..]),
            (b"/bin/busybox", b"/bin/busybox\0nc\0", b"nc"),
            (b"/bin/busybox", b"-ash\0", b"ash"),
            (b"/bin/dash", b"sh\0", b"dash"),
        ] {
            assert_eq!(applet(&process(exe, argv)), expected);
        }
    }

    #[test]
    fn how_a_shell_was_started() {
        for (argv, expected) in [
            (&b"sh\0"[..], Started::Bare),
            (b"sh\0-i\0", Started::Bare),
            (b"-ash\0", Started::Bare),
            (b"/bin/busybox\0sh\0-i\0", Started::Bare),
            (b"sh\0-c\0id\0", Started::Command),
            (b"sh\0-e\0/x\0", Started::Script(b"/x")),
            (b"sh\0-x\0/etc/rc.local\0a\0", Started::Script(b"/etc/rc.local")),
            (b"sh\0-o\0pipefail\0/x\0", Started::Script(b"/x")),
            (b"", Started::Bare),
        ] {
            assert_eq!(started(&process(b"/bin/sh", argv)), expected, "{}", String::from_utf8_lossy(argv));
        }
    }
}
