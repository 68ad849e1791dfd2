//! What the tests of the formats tell.

use super::{Counts, Finding, Incident, IntelInfo, Severity, Summary, Verdict};
use crate::facts::endpoint::Endpoint;

pub(super) fn finding<'a>() -> Finding<'a> {
    Finding {
        check: "exe-deleted",
        severity: Severity::Infected,
        attack: "T1070.004",
        pid: Some(812),
        name: b"x",
        path: b"/tmp/x",
        detail: b"gone",
        history: None,
        ..Finding::NOTHING
    }
}

pub(super) fn incident<'a>() -> Incident<'a> {
    Incident {
        number: 1,
        severity: Severity::Infected,
        family: b"",
        checks: &["exe-deleted"],
        findings: 1,
        follow: [0, 0, 1],
        pid: None,
        path: b"",
        started_by: (b"", 0),
        remote: None,
        client: None,
        story: b"pid 812 (/tmp/x, deleted)",
        advice: &[],
    }
}

pub(super) fn summary<'a>(verdict: Verdict) -> Summary<'a> {
    Summary {
        verdict,
        infected: 0,
        suspicious: 0,
        notice: 0,
        held_back: 0,
        hidden: 0,
        incidents: 0,
        unjoined: 0,
        checks: 52,
        blind: 1,
        counts: Counts { processes: 93, sockets: 40, flows: 812, files: 120 },
        intel: Some(IntelInfo { version: 42, created: 1_795_000_000, entries: 100_000, signed: true }),
        intel_age_days: Some(1),
        device: "router-1",
        version: "0.1.0",
        elapsed_us: 5120,
        broken_off: "",
        allowed: 0,
        skipped: 0,
        test: false,
    }
}

pub(super) fn endpoint(text: &str) -> Endpoint {
    let at: core::net::SocketAddr = text.parse().unwrap();
    Endpoint { ip: at.ip(), port: at.port() }
}

/// What was written.
pub(super) fn written(write: impl FnOnce(&mut &mut [u8])) -> String {
    let mut out = vec![0; 65_536];
    let mut left = &mut out[..];
    write(&mut left);
    let left = left.len();
    out.truncate(out.len().saturating_sub(left));
    String::from_utf8(out).unwrap()
}
