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
//! Silent for scripts that write data there (pid and state files) and that read generated configuration with `.`
//! from `/tmp/etc`, `/var/etc`, `/tmp/run`, `/var/run` or `/tmp/sysinfo`, for links of pppd's scripts to `/tmp/ppp` and of units to
//! `/run/systemd`. `/mnt` and `/media` are silent: a disk's own startup scripts (Entware) run from there. Names built
//! from variables, patterns or functions are not resolved.
//!
//! # Sources
//! POSIX.1-2017 Shell Command Language; crontab(5); inittab(5); systemd.service(5); MITRE ATT&CK T1037.004.

use crate::check::{Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::commands::Commands;
use crate::facts::fetch::executed;
use crate::facts::place::{Place, is_generated, place};
use crate::facts::startup::{Kind, Line};
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-volatile",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037.004",
    title: "a startup line that runs a program from a volatile or hidden place",
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    if line.kind == Kind::Link {
        if is_odd(line.text) && !is_generated_link(line) {
            out.found(out.line(line).say("the link leads to ").quote(line.text));
        }
        return;
    }
    if line.kind == Kind::Text {
        return;
    }
    let relative = line.joined.from_odd_directory;
    for (index, _) in line.commands.iter() {
        let mut odd = None;
        executed(line.commands, index, &mut |word| {
            if is_odd(word) && !(reads(line.commands, index) && is_generated(word)) {
                odd = odd.or(Some(word));
            }
        });
        // One line is one finding, however often it runs something.
        if let Some(word) = odd {
            return out.found(out.line(line).say("runs ").quote(word).say(" in: ").quote(line.text));
        }
        if relative == Some(index) {
            let draft = out.line(line).say("runs from ").quote(line.joined.directory);
            return out.found(draft.say(" in: ").quote(line.text));
        }
    }
}

/// A place from which nothing should be started. Descriptors and terminals (`. /dev/stdin`) are no places.
fn is_odd(path: &[u8]) -> bool {
    let device = [&b"/dev/null"[..], b"/dev/std", b"/dev/fd/", b"/dev/tty", b"/dev/console"];
    path.first() == Some(&b'/')
        && matches!(place(path), Place::Volatile | Place::Hidden)
        && !device.iter().any(|start| path.starts_with(start))
}

/// A link that firmware or systemd makes to what it generates at boot.
fn is_generated_link(line: &Line<'_>) -> bool {
    let ppp = is_below(line.file, b"/etc/ppp") && is_below(line.text, b"/tmp/ppp");
    ppp || is_below(line.text, b"/run/systemd")
}

/// Whether a command reads a file into the running shell.
fn reads(commands: &Commands, command: u16) -> bool {
    matches!(commands.name(command), b"." | b"source")
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
        ] {
            assert_eq!(
                startup(&CHECK, Kind::Shell, text),
                [(1, Severity::Suspicious)],
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        assert_eq!(startup(&CHECK, Kind::Cron, b"\n* * * * * /tmp/x"), [(2, Severity::Suspicious)]);
        assert_eq!(startup(&CHECK, Kind::Inittab, b"::respawn:/tmp/x"), [(1, Severity::Suspicious)]);
        assert_eq!(startup(&CHECK, Kind::Unit, b"[Service]\nExecStart=-/tmp/x"), [(2, Severity::Suspicious)]);
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
        ] {
            assert_eq!(startup(&CHECK, Kind::Shell, text), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
