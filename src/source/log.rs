//! What a machine does with its log: whether its startup starts a daemon, and where the log files lead.

use super::{Coverage, fill, rows_within};
use crate::facts::logging::Logging;
use crate::facts::text::{Bytes, is_one_of, trim};
use crate::host::{Host, Kind};
use crate::limits::SMALL_FILE_BYTES;

/// Directories of links or scripts that are run at boot: one whose name speaks of the log starts its daemon.
const BOOT: [&[u8]; 8] = [
    b"etc/rc.d",
    b"etc/rcS.d",
    b"etc/rc2.d",
    b"etc/rc3.d",
    b"etc/rc5.d",
    b"etc/init.d",
    b"etc/systemd/system/multi-user.target.wants",
    b"etc/runlevels/boot",
];

/// Log files that are not to be discarded.
const FILES: [&[u8]; 9] =
    [b"messages", b"syslog", b"secure", b"auth.log", b"daemon.log", b"wtmp", b"btmp", b"lastlog", b"cron"];

/// Names of programs that are the first process of a machine; a container has another one.
const INITS: [&[u8]; 6] = [b"procd", b"init", b"systemd", b"busybox", b"rc", b"openrc-init"];

/// Whether a name in a boot directory is that of a log daemon: `S12log`, `S01syslogd`, `S20rsyslog`.
fn is_starter(dir: &[u8], name: &[u8]) -> bool {
    const NAMES: [&[u8]; 9] = [
        b"log",
        b"logd",
        b"syslog",
        b"syslogd",
        b"rsyslog",
        b"sysklogd",
        b"syslog-ng",
        b"busybox-syslogd",
        b"logging",
    ];
    let name = name.strip_suffix(b".service").unwrap_or(name);
    let numbered = name.strip_prefix(b"S").and_then(|rest| {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        rest.get(digits..).filter(|_| digits > 0)
    });
    match numbered {
        Some(name) => NAMES.contains(&name),
        // In init.d a script without a number is started only by a link elsewhere.
        None => (dir.ends_with(b".wants") || dir.ends_with(b"/boot")) && NAMES.contains(&name),
    }
}

/// Finds out. `first` is the program of the first process; `log` holds the daemon already.
pub fn look<H: Host>(host: &H, first: &[u8], log: &mut Logging, coverage: &mut Coverage) {
    if !INITS.contains(&first) {
        coverage.absent = true;
        return;
    }
    coverage.fact();
    for place in BOOT {
        let Ok(dir) = host.dir(place) else { continue };
        let listed = host.list(&dir, &mut |name| {
            if log.started_by.is_empty() && is_starter(place, name) && !is_masked(host, &dir, name) {
                log.started_by = Bytes::of(b"/");
                log.started_by.push(place);
                log.started_by.push(b"/");
                log.started_by.push(name);
            }
        });
        if let Err(fault) = listed {
            coverage.gap(place, format_args!("{fault}"));
        }
    }
    inittab(host, log);
    if log.started_by.is_empty() && first == b"systemd" {
        log.started_by = Bytes::of(b"systemd-journald.service");
    }
    files(host, log);
}

/// A link to /dev/null starts nothing; neither does an empty file.
fn is_masked<H: Host>(host: &H, dir: &H::Dir, name: &[u8]) -> bool {
    let mut link = [0_u8; 16];
    match host.kind_at(dir, name) {
        Ok(Kind::Link) => {
            let length = host.link_at(dir, name, &mut link).unwrap_or_default();
            link.get(..length) == Some(b"/dev/null")
        }
        Ok(Kind::File(identity)) => identity.size == 0,
        _ => true,
    }
}

/// BusyBox's init starts daemons from its table too.
fn inittab<H: Host>(host: &H, log: &mut Logging) {
    let Ok((mut file, _)) = host.file(b"etc/inittab") else { return };
    let _ = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        let row = trim(row.unwrap_or_default());
        let starts = row.first() != Some(&b'#') && row.windows(7).any(|word| word == b"syslogd");
        if starts && log.started_by.is_empty() {
            log.started_by = Bytes::of(b"/etc/inittab");
        }
    });
}

fn files<H: Host>(host: &H, log: &mut Logging) {
    let Ok(dir) = host.dir(b"var/log") else { return };
    for name in FILES {
        let named = |into: &mut Bytes<{ crate::limits::LIBRARY_BYTES }>| {
            *into = Bytes::of(b"/var/log/");
            into.push(name);
        };
        match host.kind_at(&dir, name) {
            // Who logs in is a habit of servers: small flash is spared it.
            Ok(Kind::Link) if log.discarded.is_empty() && !is_one_of(name, b"wtmp btmp lastlog") => {
                let mut link = [0_u8; 16];
                let length = host.link_at(&dir, name, &mut link).unwrap_or_default();
                if link.get(..length) == Some(b"/dev/null") {
                    named(&mut log.discarded);
                }
            }
            // A fresh log is empty; one that was written over with a newline had something in it.
            Ok(Kind::File(identity)) if log.wiped.is_empty() && matches!(identity.size, 1 | 2) => {
                let mut text = Bytes::<4>::new();
                let read = host.file_at(&dir, name).and_then(|mut file| fill(&mut file, &mut text));
                if read.is_ok() && !text.is_empty() && text.as_slice().iter().all(|b| *b == b'\n') {
                    named(&mut log.wiped);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_start_a_log_daemon() {
        for (dir, name) in [
            (&b"etc/rc.d"[..], &b"S12log"[..]),
            (b"etc/init.d", b"S01syslogd"),
            (b"etc/rc2.d", b"S01rsyslog"),
            (b"etc/systemd/system/multi-user.target.wants", b"rsyslog.service"),
        ] {
            assert!(is_starter(dir, name), "{}", String::from_utf8_lossy(name));
        }
        for (dir, name) in [
            (&b"etc/init.d"[..], &b"log"[..]),
            (b"etc/rc.d", b"K90log"),
            (b"etc/rc.d", b"S50blog"),
            (b"etc/rc.d", b"S50login"),
            (b"etc/rc.d", b"Slog"),
        ] {
            assert!(!is_starter(dir, name), "{}", String::from_utf8_lossy(name));
        }
    }
}
