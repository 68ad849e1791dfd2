//! A startup line that runs a program from a volatile, mounted or hidden place.
//!
//! # Sees
//! In scripts, crontabs, inittab and units: the program of a command, what starts it, the script that a shell
//! runs or reads, what `start-stop-daemon`, procd or `insmod` are told to load, `LD_PRELOAD`, and `./x` after a
//! `cd` to such a place. Also a link in a directory of startup files that leads there.
//!
//! # Why it matters
//! What lies in memory is gone after a reboot, so a bot that wants to stay has something fetch or unpack it there
//! and a startup line that runs it.
//!
//! # Misses and false alarms
//! Silent for scripts that write data there (pid and state files) and that read generated configuration with `.` from
//! `/tmp/etc`, `/var/etc`, `/tmp/run`, `/var/run`, `/run` or `/tmp/sysinfo`, for links of pppd's scripts to `/tmp/ppp`
//! and of units to `/run/systemd`, and for files that are as they are in the firmware image. `/mnt` and `/media` are
//! silent: a disk's own startup scripts (Entware) run from there. Variables are followed that the same file sets to
//! plain text; names built by commands, patterns or functions are not resolved. `notice` for a script that the same
//! file has just written as a here-document, because its lines are looked at too, and for a script that a variable
//! names in a directory of its own below a volatile one (`/tmp/service/rules`), as services have it.
//!
//! # Sources
//! POSIX.1-2017 Shell Command Language; crontab(5); inittab(5); systemd.service(5); MITRE ATT&CK T1037.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::memory::Wrote;
use crate::facts::origin::{Standing, Truth};
use crate::facts::place::{is_in_own_directory, is_odd_program};
use crate::facts::runs::executed_oddly;
use crate::facts::startup::{Kind, Line};
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-volatile",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037.004",
    title: "a startup line that runs a program from a volatile or hidden place",
    advice: Advice::STARTUP,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    if line.kind == Kind::Link {
        if is_odd_program(line.text) && !is_generated_link(line) {
            out.found(out.line(line).say("the link leads to ").quote(line.text));
        }
        return;
    }
    // What a healthy image does of its own, each device of that model does; that it was not changed is known.
    if line.kind == Kind::Text || line.standing == Standing::Known(Truth::Image) {
        return;
    }
    let relative = line.joined.from_odd_directory;
    let mut own = None;
    for (index, _) in line.commands.iter() {
        // One line is one finding, however often it runs something.
        if let Some(word) = executed_oddly(line.commands, index) {
            if is_own(line, word) {
                own = own.or(Some(word));
                continue;
            }
            let mut draft = out.line(line);
            // A service that has named its own directory before writes scripts there and runs them: libreswan's rules.
            let interpreted = line.commands.is_shell(index);
            if interpreted
                && is_in_own_directory(word)
                && !line.text.windows(word.len()).any(|part| part == word)
            {
                draft = draft.severity(Severity::Notice);
            }
            return out.found(draft.say("runs ").quote(word).say(" in: ").quote(line.text));
        }
        if relative == Some(index) {
            let draft = out.line(line).say("runs from ").quote(line.joined.directory);
            return out.found(draft.say(" in: ").quote(line.text));
        }
    }
    if let Some(word) = own {
        let draft = out.line(line).severity(Severity::Notice).say("runs ").quote(word);
        out.found(draft.say(", which this file wrote itself, in: ").quote(line.text));
    }
}

/// Whether the file wrote the program itself, so that what it does is looked at. Where all that persists is NVRAM, scripts
/// are printed into memory at each boot.
fn is_own(line: &Line<'_>, word: &[u8]) -> bool {
    match line.joined.wrote(word) {
        Some(Wrote::Lines) => true,
        Some(Wrote::Text) => is_below(line.file, b"/tmp"),
        None => false,
    }
}

/// A link that firmware or systemd makes to what it generates at boot.
fn is_generated_link(line: &Line<'_>) -> bool {
    let ppp = is_below(line.file, b"/etc/ppp") && is_below(line.text, b"/tmp/ppp");
    ppp || is_below(line.text, b"/run/systemd")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::startup;

    #[test]
    fn lines_that_run_from_odd_places() {
        for text in [
            &b"/tmp/x &"[..],
            b"sh /tmp/x.sh",
            b"nohup /dev/.x/y >/dev/null 2>&1 &",
            b"[ -x /tmp/x ] && /tmp/x",
            b"cd /tmp && ./x",
            b"start-stop-daemon -S -b -x /var/run/x",
            b"procd_set_param command /tmp/x -a",
            b"/tmp/busybox telnetd -l /bin/sh",
            b"LD_PRELOAD=/tmp/x.so dnsmasq",
            b"insmod /tmp/x.ko",
            b". /tmp/x",
            b"exec 3>&1; (sleep 10; '/usr/lib/.x/y')",
            b"B=/tmp; $B/.x &",
            b"D=/var/run N=x; cd $D && ./$N",
            b"timeout 10m flock -n /tmp/l /tmp/x",
            b"sh < /dev/shm/x",
            b"/lib/ld-musl-mips-sf.so.1 /tmp/x",
        ] {
            assert_eq!(
                startup(&CHECK, Kind::Shell, text),
                [(1, Severity::Suspicious)],
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let rules = b"D=/tmp/service\nsh $D/rules\nsh $D/../rules\n$D/rules &\n";
        let expected = [(2, Severity::Notice), (3, Severity::Suspicious), (4, Severity::Suspicious)];
        assert_eq!(startup(&CHECK, Kind::Shell, rules), expected);
        assert_eq!(startup(&CHECK, Kind::Cron, b"\n* * * * * /tmp/x"), [(2, Severity::Suspicious)]);
        assert_eq!(startup(&CHECK, Kind::Inittab, b"::respawn:/tmp/x"), [(1, Severity::Suspicious)]);
        assert_eq!(startup(&CHECK, Kind::Unit, b"[Service]\nExecStart=-/tmp/x"), [(2, Severity::Suspicious)]);
    }

    #[test]
    fn scripts_that_the_file_writes_itself() {
        let last = |text: &[u8]| startup(&CHECK, Kind::Shell, text).last().copied();
        let own = b"cat > /tmp/x <<'E'\n#!/bin/sh\nping -c 1 192.0.2.1\nE\nchmod +x /tmp/x\n/tmp/x &\n";
        assert_eq!(last(own), Some((6, Severity::Notice)));
        for text in [
            &b"cat > /tmp/x <<E\n:\nE\nprintf '\\x7f' >> /tmp/x\n/tmp/x"[..],
            b"cat > /tmp/x <<E\n:\nE\ncp /usr/share/y /tmp/x\n\n/tmp/x",
            b"cat > /tmp/x <<E\n:\nE\ncat /usr/share/y > /tmp/x\n\n/tmp/x",
            b"cat > /tmp/x <<E\n:\nE\n\n/tmp/x; /tmp/y",
            b"cat > /tmp/x <<E\n:\nE\n\nLD_PRELOAD=/tmp/y /tmp/x",
            b"echo '#!/bin/sh' > /tmp/x\n\n\n\n/tmp/x",
        ] {
            let found = last(text).map(|(_, severity)| severity);
            assert_eq!(found, Some(Severity::Suspicious), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn lines_that_only_write_or_read_there() {
        for text in [
            &b"echo $$ > /tmp/x.pid; mkdir -p /var/run/x; rm -f /tmp/x; touch /tmp/.failsafe"[..],
            b"[ -f /tmp/x ] && cat /tmp/x",
            b". /var/etc/x.conf; . /tmp/etc/config/x",
            b"dnsmasq -C /tmp/dnsmasq.conf",
            b"# /tmp/x",
            b"echo 'run /tmp/x; /tmp/y'",
            b"sh -c 'cat /tmp/x'",
            b"/mnt/sda1/entware/etc/init.d/rc.unslung start",
            b"cd /tmp; tar xf x.tar",
            b". /dev/stdin <<EOF",
            b"while :; do ash --login < /dev/$console; done",
            b". /run/network/env",
            b"flock -n /tmp/x.lock rsync a b",
            b"case $1 in\n/tmp/*|/dev/nbd*)\n:\n;;\n/dev/md*) : ;;\nesac",
            b"a=(\n/tmp/x\n'/usr/src/.config'\n)",
        ] {
            assert_eq!(startup(&CHECK, Kind::Shell, text), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
