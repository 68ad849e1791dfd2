//! JSON lines: one object a line, `"v":1`, fields that are absent left out; incidents behind all findings, the
//! summary last.

use core::fmt::Display;

use embedded_io::Write;
use serde::{Serialize, Serializer};

use super::escape::Escaped;
use super::{
    Client, Event, Finding, Incident, Looked, SELFTEST, Severity, Sink, SinkFault, State, Summary, Verdict,
};
use crate::facts::endpoint::Endpoint;
use crate::facts::process::Owner;
use crate::limits::JSON_BYTES;

/// The version of the format; a field may come, none may go or change its meaning.
const V: u8 = 1;

#[derive(Serialize)]
struct FindingRow<'a> {
    v: u8,
    r#type: &'static str,
    check: &'a str,
    severity: Severity,
    attack: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    family: Escaped<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "is_empty")]
    name: Escaped<'a>,
    #[serde(skip_serializing_if = "is_empty")]
    path: Escaped<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_s: Option<u64>,
    #[serde(skip_serializing_if = "Ancestors::is_empty")]
    parents: Ancestors<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    local: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    remote: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    client: Option<Client<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    detail: Escaped<'a>,
    #[serde(skip_serializing_if = "is_empty")]
    reason: Escaped<'a>,
    #[serde(skip_serializing_if = "is_false")]
    test: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<u64>,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    v: u8,
    r#type: &'static str,
    severity: Severity,
    #[serde(skip_serializing_if = "is_empty")]
    family: Escaped<'a>,
    findings: &'a [&'a str],
    story: Escaped<'a>,
    number: u32,
    count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "is_empty")]
    path: Escaped<'a>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    remote: Option<Endpoint>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    client: Option<Client<'a>>,
}

#[derive(Serialize)]
struct CheckRow<'a> {
    v: u8,
    r#type: &'static str,
    check: &'a str,
    looked: Looked,
    #[serde(skip_serializing_if = "is_empty")]
    why: Escaped<'a>,
    facts: u32,
    findings: u32,
}

#[derive(Serialize)]
struct SummaryRow<'a> {
    v: u8,
    r#type: &'static str,
    verdict: Verdict,
    infected: u32,
    suspicious: u32,
    notice: u32,
    #[serde(skip_serializing_if = "is_zero")]
    hidden: u32,
    incidents: u32,
    #[serde(skip_serializing_if = "is_zero")]
    unjoined: u32,
    checks: u32,
    blind: u32,
    processes: u32,
    sockets: u32,
    flows: u32,
    files: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    intel: Option<IntelRow>,
    device: Escaped<'a>,
    version: &'a str,
    elapsed_us: u64,
    #[serde(skip_serializing_if = "is_zero")]
    held_back: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    allowed: u32,
    #[serde(skip_serializing_if = "is_zero")]
    skipped: u32,
    #[serde(skip_serializing_if = "is_false")]
    test: bool,
}

#[derive(Serialize)]
struct IntelRow {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<u64>,
    entries: u32,
    signed: bool,
}

/// The ancestors of a process, as an array of objects.
struct Ancestors<'a>(&'a Finding<'a>);

#[derive(Serialize)]
struct ParentRow<'a> {
    pid: u32,
    #[serde(skip_serializing_if = "is_empty")]
    name: Escaped<'a>,
}

impl Ancestors<'_> {
    fn is_empty(&self) -> bool {
        self.0.ancestors().next().is_none()
    }
}

impl Serialize for Ancestors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.ancestors().map(|parent| ParentRow { pid: parent.pid, name: Escaped(parent.name) });
        serializer.collect_seq(rows)
    }
}

fn is_empty(bytes: &Escaped<'_>) -> bool {
    bytes.0.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "see above")]
fn is_false(test: &bool) -> bool {
    !*test
}

fn shown<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// Writes JSON lines.
#[derive(Debug)]
pub struct Json<'b, W> {
    to: W,
    buffer: &'b mut [u8; JSON_BYTES],
    verdicts: bool,
}

impl<'b, W: Write> Json<'b, W> {
    /// Writes to `to`, making each line in `buffer` first; `verdicts` shows how each check fared too.
    pub const fn new(to: W, buffer: &'b mut [u8; JSON_BYTES], verdicts: bool) -> Self {
        Self { to, buffer, verdicts }
    }

    fn row(&mut self, row: &impl Serialize) -> Result<(), SinkFault> {
        let used = serde_json_core::to_slice(row, self.buffer).map_err(|_| SinkFault::TooLarge)?;
        let line = self.buffer.get_mut(..=used).ok_or(SinkFault::TooLarge)?;
        if let Some(last) = line.last_mut() {
            *last = b'\n';
        }
        self.to.write_all(line).and_then(|()| self.to.flush()).map_err(|_| SinkFault::Write)
    }

    fn finding(
        &mut self,
        r#type: &'static str,
        finding: &Finding<'_>,
        reason: &[u8],
    ) -> Result<(), SinkFault> {
        self.row(&FindingRow {
            v: V,
            r#type,
            check: finding.check,
            severity: finding.severity,
            attack: finding.attack,
            family: Escaped(finding.family),
            pid: finding.pid,
            name: Escaped(finding.name),
            path: Escaped(finding.path),
            uid: finding.uid,
            owner: finding.owner,
            age_s: finding.age_s,
            parents: Ancestors(finding),
            line: finding.line,
            local: finding.local,
            remote: finding.remote,
            client: finding.client,
            detail: Escaped(finding.detail),
            reason: Escaped(reason),
            test: finding.check == SELFTEST,
            state: finding.history.map(|history| history.state),
            first_seen: finding.history.and_then(|history| history.first_seen),
            last_seen: finding.history.and_then(|history| history.last_seen),
        })
    }
}

impl<W: Write> Sink for Json<'_, W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => self.finding("finding", finding, b""),
            Event::Check(check) if self.verdicts => self.row(&CheckRow {
                v: V,
                r#type: "check",
                check: check.check,
                looked: check.looked,
                why: Escaped(check.why),
                facts: check.facts,
                findings: check.findings,
            }),
            _ => Ok(()),
        }
    }

    fn allowed(&mut self, finding: &Finding<'_>, reason: &[u8]) -> Result<(), SinkFault> {
        if self.verdicts { self.finding("allowed", finding, reason) } else { Ok(()) }
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        self.row(&IncidentRow {
            v: V,
            r#type: "incident",
            severity: incident.severity,
            family: Escaped(incident.family),
            findings: incident.checks,
            story: Escaped(incident.story),
            number: incident.number,
            count: incident.findings,
            pid: incident.pid,
            path: Escaped(incident.path),
            remote: incident.remote,
            client: incident.client,
        })
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let intel = summary.intel.map(|info| IntelRow {
            version: info.version,
            age_days: summary.intel_age_days,
            entries: info.entries,
            signed: info.signed,
        });
        self.row(&SummaryRow {
            v: V,
            r#type: "summary",
            verdict: summary.verdict,
            infected: summary.infected,
            suspicious: summary.suspicious,
            notice: summary.notice,
            hidden: summary.hidden,
            incidents: summary.incidents,
            unjoined: summary.unjoined,
            checks: summary.checks,
            blind: summary.blind,
            processes: summary.counts.processes,
            sockets: summary.counts.sockets,
            flows: summary.counts.flows,
            files: summary.counts.files,
            intel,
            device: Escaped(summary.device.as_bytes()),
            version: summary.version,
            elapsed_us: summary.elapsed_us,
            held_back: summary.held_back,
            why: summary.broken_off,
            allowed: summary.allowed,
            skipped: summary.skipped,
            test: summary.test,
        })
    }
}
