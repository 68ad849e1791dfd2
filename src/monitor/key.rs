//! Which findings are the same one, seen again.

use core::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::facts::endpoint::Endpoint;
use crate::report::{Client, Finding, Severity};

/// A number that nobody outside knows: who names files cannot choose names that pass for one another.
pub type Secret = [u8; 8];

/// What stands for a finding. A bot that was started again has another process id and is the same; so has one whose
/// connection has another port of this machine. Of the words that people read those count that hold no digit: numbers,
/// addresses and times in them change from look to look. Nor does it count who happens to visit an open door or is one of a crowd,
/// or from which port somebody visits who is listed, of whom a notice is all that is told.
#[must_use]
pub fn of(finding: &Finding<'_>, secret: Secret) -> u64 {
    let mut hash = Sha256::new_with_prefix(secret);
    let mut part = |bytes: &[u8]| {
        // With its length, so that nothing moves from one part to the next.
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        hash.update(bytes);
    };
    part(finding.check.as_bytes());
    for bytes in [finding.family, finding.name, finding.path] {
        part(bytes);
    }
    part(&finding.line.unwrap_or_default().to_le_bytes());
    let other = finding.remote.or(finding.local);
    match finding.check {
        "exposed" => part(b""),
        "relay" if !finding.path.is_empty() => part(b""),
        "c2-address" | "c2-client" if finding.severity == Severity::Notice => {
            end(other.map(|end| Endpoint { port: 0, ..end }), &mut part);
        }
        _ => end(other, &mut part),
    }
    match finding.client {
        None => part(b""),
        Some(Client::At(client)) => end(Some(Endpoint { port: 0, ..client }), &mut part),
        Some(Client::Named(name)) => part(name),
    }
    let words = finding.detail.split(|byte| !byte.is_ascii_alphanumeric());
    words.filter(|word| !word.iter().any(u8::is_ascii_digit)).for_each(&mut part);
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn end(end: Option<Endpoint>, part: &mut dyn FnMut(&[u8])) {
    let Some(Endpoint { ip, port }) = end else { return part(b"") };
    match ip {
        IpAddr::V4(ip) => part(&ip.octets()),
        IpAddr::V6(ip) => part(&ip.octets()),
    }
    part(&port.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::seen::tests::finding;
    use super::*;

    #[test]
    fn the_same_one_in_another_process_is_the_same() {
        let end = |port| Some(Endpoint { ip: [192, 0, 2, 1].into(), port });
        let first = Finding {
            pid: Some(812),
            age_s: Some(3),
            remote: end(443),
            local: end(40_000),
            detail: b"pid 812 speaks to 192.0.2.1 since 12:00",
            ..finding("c2-address", b"/tmp/x")
        };
        let same = |other: Finding<'_>| of(&first, *b"secret00") == of(&other, *b"secret00");
        let detail = b"pid 9 speaks to 192.0.2.1 since 3f00";
        assert!(same(Finding { pid: Some(9), age_s: None, local: end(40_001), detail, ..first }));
        for other in [
            Finding { check: "c2-client", ..first },
            Finding { path: b"/tmp/y", ..first },
            Finding { name: b"y", ..first },
            Finding { family: b"mirai", ..first },
            Finding { line: Some(1), ..first },
            Finding { remote: end(444), ..first },
            Finding { client: Some(Client::Named(b"lan-1")), ..first },
            Finding { detail: b"pid 812 listens to 192.0.2.1", ..first },
        ] {
            assert!(!same(other), "{other:?}");
        }
        // A listener is known by its own port.
        let listener = Finding { remote: None, ..first };
        assert!(
            !same(listener) && of(&listener, [0; 8]) != of(&Finding { local: end(1), ..listener }, [0; 8])
        );
        assert_ne!(of(&first, [0; 8]), of(&first, [1; 8]), "nobody can foresee it");
    }

    #[test]
    fn visitors_come_from_another_port_each_time_and_one_of_a_crowd_is_anybody() {
        let from = |last, port| Some(Endpoint { ip: [198, 51, 100, last].into(), port });
        let same = |one: Finding<'_>, other: Finding<'_>| of(&one, [0; 8]) == of(&other, [0; 8]);
        let visit =
            Finding { severity: Severity::Notice, remote: from(8, 40_000), ..finding("c2-address", b"") };
        assert!(same(visit, Finding { remote: from(8, 40_001), ..visit }));
        assert!(!same(visit, Finding { remote: from(9, 40_000), ..visit }));
        let lease = Finding { check: "upnp-abuse", ..visit };
        assert!(!same(lease, Finding { remote: from(8, 40_001), ..lease }));
        let door = Finding { check: "exposed", detail: b"the Internet reaches SSH of this router", ..visit };
        assert!(same(door, Finding { remote: from(9, 50_000), ..door }));
        assert!(!same(door, Finding { detail: b"the Internet reaches Telnet of this router", ..door }));
        let proxy = Finding { remote: from(8, 443), ..finding("relay", b"/tmp/x") };
        assert!(same(proxy, Finding { remote: from(9, 80), ..proxy }));
        assert!(!same(proxy, Finding { path: b"/tmp/y", ..proxy }));
        // Of a flow it is the other end.
        let flow = Finding { path: b"", ..proxy };
        assert!(!same(flow, Finding { remote: from(9, 443), ..flow }));
    }

    #[test]
    fn nothing_moves_from_one_part_to_the_next() {
        let one = Finding { name: b"ab", ..finding("x", b"c") };
        let other = Finding { name: b"a", ..finding("x", b"bc") };
        assert_ne!(of(&one, [0; 8]), of(&other, [0; 8]));
    }
}
