//! The list of what its owner allows: findings of one check about one subject, with a reason, and for as long as it says.

use core::fmt::Write;

use super::{Client, Finding, Severity, day_of};
use crate::facts::endpoint::Endpoint;
use crate::facts::route::Prefix;
use crate::facts::span;
use crate::facts::text::{Bytes, decimal};
use crate::limits::{CLIENT_BYTES, REASON_BYTES, SUBJECT_BYTES};

/// Bytes that must stand before the `*` of a subject: with fewer it would be nearly everything.
const PREFIX_BYTES: usize = 4;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The check, by its id.
    pub check: &'static str,
    /// Whom its finding is about.
    pub subject: Bytes<SUBJECT_BYTES>,
    /// Why that is no matter.
    pub reason: Bytes<REASON_BYTES>,
    /// Seconds since 1970 from which on the entry counts no more.
    pub until: Option<u64>,
}

/// Whether an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// It does.
    Counts,
    /// Its time is over.
    Over,
    /// It has an end, and the clock is not set: whether that has come nobody knows, so it does not count.
    NoClock,
}

impl Allowed {
    /// An entry. `expires` is its last day, `YYYY-MM-DD` in UTC, or `never`, or empty for the same.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn new(
        check: &'static str,
        subject: &[u8],
        expires: &[u8],
        reason: &[u8],
    ) -> Result<Self, &'static str> {
        let entry =
            Self { check, subject: Bytes::of(subject), reason: Bytes::of(reason), until: until(expires)? };
        let before = subject.strip_suffix(b"*").unwrap_or(subject);
        if subject.is_empty() {
            return Err("subject: name what is allowed: a path, an address, a network, a name or a client");
        }
        if entry.subject.is_cut() {
            return Err("subject: too long; end a shorter one with *");
        }
        if before.len() < subject.len() && before.len() < PREFIX_BYTES {
            return Err(
                "subject: give at least four characters before the *, or everything would be allowed",
            );
        }
        if before.contains(&b'*') {
            return Err("subject: a * may stand at its end only");
        }
        if reason.iter().all(u8::is_ascii_whitespace) {
            return Err("reason: say why, for whoever reads the report");
        }
        if entry.reason.is_cut() {
            return Err("reason: too long; 128 bytes are kept");
        }
        Ok(entry)
    }

    /// Whether the entry counts. `now`: seconds since 1970, if the clock can be believed.
    #[must_use]
    pub fn term(&self, now: Option<u64>) -> Term {
        match (self.until, now) {
            (None, _) => Term::Counts,
            (Some(_), None) => Term::NoClock,
            (Some(until), Some(now)) if now < until => Term::Counts,
            _ => Term::Over,
        }
    }

    /// Whether a finding is about its subject. What a healthy router never does is allowed by its whole path or address
    /// only: everybody chooses his own name, and a wide entry was made for something milder.
    #[must_use]
    pub fn covers(&self, finding: &Finding<'_>) -> bool {
        if finding.check != self.check {
            return false;
        }
        let subject = self.subject.as_slice();
        let infected = finding.severity == Severity::Infected;
        let is = |text: &[u8]| match subject.strip_suffix(b"*") {
            Some(start) => !infected && text.starts_with(start),
            None => text == subject,
        };
        let address = |end: Option<Endpoint>| {
            let (mut whole, mut ip) = (Bytes::<64>::new(), Bytes::<64>::new());
            if let Some(end) = end {
                let _ = write!(whole, "{end}").and_then(|()| write!(ip, "{}", end.ip));
            }
            end.is_some() && (is(whole.as_slice()) || is(ip.as_slice()))
        };
        let network = || {
            let remote = finding.remote.filter(|_| !infected);
            remote.zip(prefix(subject)).is_some_and(|(remote, network)| network.holds(remote.ip))
        };
        is(finding.path)
            || address(finding.remote)
            || address(finding.local)
            || network()
            || finding.client.is_some_and(|client| named(client, &is))
            || !infected && is(finding.name)
    }
}

/// A client by everything that is told of it, by the first word of that, or by that without the port, which is another one each
/// time.
fn named(client: Client<'_>, is: &dyn Fn(&[u8]) -> bool) -> bool {
    let mut name = Bytes::<CLIENT_BYTES>::new();
    match client {
        Client::At(end) => drop(write!(name, "{end}")),
        Client::Named(told) => name.push(told),
    }
    let whole = name.as_slice();
    let word = whole.split(|byte| *byte == b' ').next().unwrap_or_default();
    is(whole) || is(word) || is(without_port(word))
}

/// `192.0.2.7` of `192.0.2.7:443`, `2001:db8::7` of `[2001:db8::7]:443`; anything else as it is.
fn without_port(word: &[u8]) -> &[u8] {
    let colon = word.iter().rposition(|byte| *byte == b':').unwrap_or(word.len());
    let (host, port) = word.split_at(colon);
    match host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")) {
        Some(inner) => inner,
        // More colons are those of an IPv6 address that has no port.
        None if host.contains(&b':') || decimal(port.get(1..).unwrap_or_default()).is_none() => word,
        None => host,
    }
}

/// `192.0.2.0/24`, `2001:db8::/32`.
fn prefix(text: &[u8]) -> Option<Prefix> {
    let slash = text.iter().position(|byte| *byte == b'/')?;
    let ip = span::parse(text.get(..slash)?)?;
    let length = decimal(text.get(slash..)?.get(1..)?).and_then(|bits| u8::try_from(bits).ok())?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    // A network of everybody is nobody's.
    (1..=most).contains(&length).then_some(Prefix { ip, length })
}

fn until(expires: &[u8]) -> Result<Option<u64>, &'static str> {
    if matches!(expires, b"" | b"never") {
        return Ok(None);
    }
    match day_of(expires) {
        Some(day) => Ok(Some(day.saturating_add(1).saturating_mul(86_400))),
        None => Err("expires: write its last day as YYYY-MM-DD, or never"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use core::net::Ipv4Addr;

    fn finding(severity: Severity, path: &'static [u8]) -> Finding<'static> {
        Finding {
            check: "exe-volatile",
            severity,
            attack: "T1059",
            pid: Some(7),
            name: b"worker",
            path,
            history: None,
            ..Finding::NOTHING
        }
    }

    fn entry(subject: &str) -> Allowed {
        Allowed::new("exe-volatile", subject.as_bytes(), b"never", b"ours").unwrap()
    }

    #[test]
    fn a_subject_is_a_path_an_address_a_network_a_name_or_a_client() {
        let remote = Endpoint { ip: Ipv4Addr::new(192, 0, 2, 7).into(), port: 443 };
        let local = Endpoint { ip: Ipv4Addr::new(10, 0, 0, 1).into(), port: 8080 };
        let client = Some(Client::Named(b"lan-0123abcd 10.0.0.9"));
        let about = Finding {
            remote: Some(remote),
            local: Some(local),
            client,
            ..finding(Severity::Suspicious, b"/tmp/agent")
        };
        for subject in [
            "/tmp/agent",
            "/tmp/*",
            "192.0.2.7",
            "192.0.2.7:443",
            "192.0.2.0/24",
            "192.0.*",
            "10.0.0.1:8080",
            "worker",
            "lan-0123abcd",
            "lan-0123abcd 10.0.0.9",
        ] {
            assert!(entry(subject).covers(&about), "{subject}");
            assert!(!entry(subject).covers(&Finding { check: "exe-deleted", ..about }), "{subject}");
        }
        for subject in [
            "/tmp/agen",
            "/tmp/agent2",
            "/var/*",
            "192.0.2.70",
            "192.0.2.7:44",
            "192.0.3.0/24",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "work",
            "lan-0123abc",
        ] {
            assert!(!entry(subject).covers(&about), "{subject}");
        }
        let six = Endpoint { ip: "2001:db8::7".parse().unwrap(), port: 443 };
        let about = Finding { remote: Some(six), ..about };
        for subject in ["2001:db8::7", "[2001:db8::7]:443", "2001:db8::/32", "[2001:*"] {
            assert!(entry(subject).covers(&about), "{subject}");
        }
    }

    #[test]
    fn a_client_that_is_told_in_full_is_the_same_whatever_its_port() {
        for (told, ip) in [
            (&b"192.168.1.20:51234 laptop"[..], "192.168.1.20"),
            (b"192.168.1.20:51235", "192.168.1.20"),
            (b"192.168.1.20 laptop", "192.168.1.20"),
            (b"[2001:db8::20]:51234 laptop", "2001:db8::20"),
            (b"2001:db8::20", "2001:db8::20"),
        ] {
            let client = Some(Client::Named(told));
            let about = Finding { client, ..finding(Severity::Infected, b"") };
            assert!(entry(ip).covers(&about), "{ip}");
            let other = [ip.get(..ip.len() - 1).unwrap(), "192.168.1.2", "laptop", "2001:db8:"];
            assert!(!other.into_iter().any(|other| entry(other).covers(&about)), "{ip}");
        }
        let end = Endpoint { ip: Ipv4Addr::new(192, 168, 1, 20).into(), port: 51_234 };
        let about = Finding { client: Some(Client::At(end)), ..finding(Severity::Infected, b"") };
        assert!(entry("192.168.1.20").covers(&about));
    }

    #[test]
    fn nothing_is_a_subject_that_a_finding_does_not_have() {
        let bare = Finding { name: b"", ..finding(Severity::Notice, b"") };
        for subject in ["/tmp/agent", "0.0.0.0", "1.2.3.4/1", "::/1"] {
            assert!(!entry(subject).covers(&bare), "{subject}");
        }
    }

    #[test]
    fn what_no_healthy_router_does_is_allowed_by_its_whole_path_or_address_only() {
        let remote = Some(Endpoint { ip: Ipv4Addr::new(192, 0, 2, 7).into(), port: 443 });
        let about = Finding { remote, ..finding(Severity::Infected, b"/tmp/agent") };
        for subject in ["/tmp/agent", "192.0.2.7", "192.0.2.7:443"] {
            assert!(entry(subject).covers(&about), "{subject}");
        }
        for subject in ["/tmp/*", "/tmp/agent*", "192.0.2.0/24", "192.0.2.7/32", "worker"] {
            assert!(!entry(subject).covers(&about), "{subject}");
        }
    }

    #[test]
    fn an_entry_ends_with_its_last_day_and_where_the_clock_is_not_set() {
        let noon = 1_795_348_800; // 2026-11-22T12:00:00Z
        let entry = |expires: &[u8]| Allowed::new("exe-volatile", b"/opt/x", expires, b"ours").unwrap();
        for (expires, now, expected) in [
            (&b"never"[..], Some(noon), Term::Counts),
            (b"", None, Term::Counts),
            (b"2026-11-22", Some(noon), Term::Counts),
            (b"2026-11-22", Some(noon + 43_199), Term::Counts),
            (b"2026-11-22", Some(noon + 43_200), Term::Over),
            (b"2026-11-21", Some(noon), Term::Over),
            (b"2026-11-22", None, Term::NoClock),
        ] {
            assert_eq!(entry(expires).term(now), expected, "{}", String::from_utf8_lossy(expires));
        }
    }

    #[test]
    fn what_would_allow_everything_or_says_nothing_is_refused() {
        let long = [b'x'; SUBJECT_BYTES + 1];
        for (subject, expires, reason, expected) in [
            (&b""[..], &b""[..], &b"ours"[..], "subject: name what"),
            (b"*", b"", b"ours", "subject: give at least four"),
            (b"/*", b"", b"ours", "subject: give at least four"),
            (b"192*", b"", b"ours", "subject: give at least four"),
            (b"/tmp/*/x", b"", b"ours", "subject: a * may stand"),
            (b"/tmp/**", b"", b"ours", "subject: a * may stand"),
            (&long, b"", b"ours", "subject: too long"),
            (b"/opt/x", b"", b"", "reason: say why"),
            (b"/opt/x", b"", b" \t", "reason: say why"),
            (b"/opt/x", b"", &long, "reason: too long"),
            (b"/opt/x", b"2027-02-29", b"ours", "expires: write"),
            (b"/opt/x", b"tomorrow", b"ours", "expires: write"),
            (b"/opt/x", b"2027-1-2", b"ours", "expires: write"),
        ] {
            let said = Allowed::new("exe-volatile", subject, expires, reason).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
