//! Names that were asked for: the end of the log of queries that dnsmasq writes, and of the one before it.

use core::net::IpAddr;

use super::owner::relative;
use super::{Coverage, records};
use crate::facts::dnsmasq::asked;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::{LOG_BYTES, ROW_BYTES};

/// Where it is, unless its configuration says so: dnsmasq's own, Pi-hole's, and the logs of the system, which it uses by
/// itself; ASUSWRT has `/tmp/syslog.log`.
const LOGS: [&[u8]; 8] = [
    b"tmp/dnsmasq.log",
    b"var/log/dnsmasq.log",
    b"var/log/pihole.log",
    b"var/log/pihole/pihole.log",
    b"tmp/syslog.log",
    b"var/log/messages",
    b"var/log/syslog",
    b"var/log/daemon.log",
];

/// What the log before is called besides: logrotate(8), BusyBox's syslogd, ASUSWRT.
const ROTATED: [&[u8]; 3] = [b".1", b".0", b"-1"];

/// Takes the log, a name, and who asked for it.
pub type Each<'a> = &'a mut dyn FnMut(&[u8], &[u8], Option<IpAddr>);

/// Hands every name that was asked for, or answered, to `each`, with the log and who asked, those of `logs` first.
pub fn each<H: Host>(host: &H, logs: &[Bytes<256>], coverage: &mut Coverage, each: Each<'_>) {
    let named = logs.iter().map(Bytes::as_slice).map(relative);
    let usual = LOGS.into_iter().filter(|log| !logs.iter().any(|named| relative(named.as_slice()) == *log));
    let mut seen = heapless::Vec::<(u64, u64), 48>::new();
    for log in named.chain(usual) {
        for end in [&b""[..]].iter().chain(&ROTATED) {
            let mut path = Bytes::<264>::of(b"/");
            path.push(log);
            path.push(end);
            one(host, path.as_slice(), &mut seen, coverage, each);
        }
    }
    coverage.absent = coverage.facts == 0 && coverage.gaps == 0;
}

fn one<H: Host>(
    host: &H,
    path: &[u8],
    seen: &mut heapless::Vec<(u64, u64), 48>,
    coverage: &mut Coverage,
    each: Each<'_>,
) {
    let (mut file, identity) = match host.file(relative(path)) {
        Ok(opened) => opened,
        // Where there is a directory, a pipe or nothing, there is no log.
        Err(Fault::Denied) => return coverage.gap(path, format_args!("{}", Fault::Denied)),
        Err(_) => return,
    };
    let key = (identity.device, identity.inode);
    if seen.contains(&key) {
        return;
    }
    // There are no more logs than fit.
    let _ = seen.push(key);
    // What came before is as good as rotated away: that says nothing of now, and busy resolvers always have more.
    let past = identity.size.saturating_sub(LOG_BYTES);
    let (mut first, mut found) = (past > 0, 0_u32);
    let done = host.skip(&mut file, past).and_then(|()| {
        // What is written meanwhile is another scan's.
        records::<ROW_BYTES, _>(&mut file, b'\n', Some(LOG_BYTES.saturating_mul(2)), &mut |line, _| {
            // The first line begins in its middle.
            if core::mem::take(&mut first) {
                return;
            }
            if let Some((name, by)) = asked(line) {
                found = found.saturating_add(1);
                each(path, name, by);
            }
        })
    });
    coverage.facts = coverage.facts.saturating_add(found);
    if let Err(fault) = done {
        coverage.gap(path, format_args!("{fault}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    fn look(machine: &Memory, logs: &[Bytes<256>]) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        each(machine, logs, &mut coverage, &mut |path, name, by| {
            let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.push(format!("{} {} {by:?}", word(path), word(name)));
        });
        (found, coverage)
    }

    #[test]
    fn logs_and_the_ones_before_them() {
        let machine = Memory::new();
        assert!(look(&machine, &[]).1.absent);
        machine
            .file("mnt/dns.log", b"dnsmasq[1]: query[A] a.example from 192.168.1.20\n\xff\n")
            .file("mnt/dns.log.1", "dnsmasq[1]: query[A] b.example from ::1\n")
            .file(
                "var/log/messages",
                "kernel: query[A] of nobody\ndnsmasq[1]: reply c.example is 192.0.2.1\n",
            );
        let (found, coverage) = look(&machine, &[Bytes::of(b"/mnt/dns.log")]);
        assert_eq!(
            found,
            [
                "/mnt/dns.log a.example Some(192.168.1.20)",
                "/mnt/dns.log.1 b.example Some(::1)",
                "/var/log/messages c.example None",
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps, coverage.absent), (3, 0, false));
    }

    #[test]
    fn of_a_long_log_the_end_is_read() {
        let machine = Memory::new();
        let line = "dnsmasq[1]: query[A] a.example from 192.168.1.20\n";
        let count = usize::try_from(LOG_BYTES).unwrap() / line.len() + 100;
        machine.file(
            "tmp/dnsmasq.log",
            format!("{}{}", "query[A] first.example from ::1\n", line.repeat(count)),
        );
        let (found, coverage) = look(&machine, &[]);
        assert!(
            found.len() > count - 110 && found.len() < count && found.iter().all(|row| row.contains(" a."))
        );
        assert_eq!(coverage.gaps, 0, "a busy resolver is no incomplete look");
        machine.file("tmp/dnsmasq.log", [b'x'; 70_000]);
        assert!(look(&machine, &[]).1.absent, "not a log of queries");
    }
}
