//! `lookup`: what the router would say of an address, an endpoint, a domain or a file.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use gatewatch::intel::{Hit, Intel, Match};

use crate::date;
use crate::feed::{Value, read_value};
use crate::list::{self, Subject};
use crate::rows;

/// What is asked for, as it was written and read.
pub(crate) struct Query {
    text: String,
    subject: Subject,
}

impl Query {
    /// Reads what is asked for.
    pub(crate) fn read(text: String) -> Result<Query, String> {
        let bare = text.strip_prefix("sha256:").unwrap_or(&text);
        match read_value(bare) {
            Value::Subject(Subject::Addresses(span, _)) if !span.is_single() => {
                Err(format!("{text:?} is a network: ask for an address"))
            }
            Value::Subject(subject) => Ok(Query { text, subject }),
            Value::Useless(why) => Err(format!("{text:?}: {why}")),
            Value::Wrong(what) => Err(format!("{text:?} is no address, domain or SHA-256: {what}")),
        }
    }
}

/// Answers each query with a line, and says whether any is listed.
pub(crate) fn lookup(path: &Path, queries: &[Query]) -> Result<(String, bool), String> {
    let bytes = rows::open(path)?;
    let intel = Intel::open(&bytes).map_err(|defect| defect.to_string())?;
    let (mut text, mut any) = (String::new(), false);
    // Read once, if anybody asks without a port.
    let mut ports: Option<HashMap<String, u16>> = None;
    for Query { text: query, subject } in queries {
        let found = match subject {
            Subject::Addresses(span, port) => {
                let address = list::Span::address(span.v6, span.first);
                match intel.lookup(address, *port) {
                    // A query without a port is answered by an indicator of any port.
                    Match::Nothing if *port == 0 => {
                        let ports = match &mut ports {
                            Some(ports) => ports,
                            none => none.insert(first_ports(&bytes)?),
                        };
                        let port = ports.get(&address.to_canonical().to_string()).copied().unwrap_or(0);
                        intel.lookup(address, port)
                    }
                    found => found,
                }
            }
            Subject::Domain(name) => intel.lookup_domain(name.as_bytes(), None),
            Subject::Hash(digest) => intel.lookup_hash(digest, None).map_or(Match::Nothing, Match::Listed),
            Subject::Trace(..) => Match::Nothing,
        };
        let line = match found {
            Match::Listed(hit) => {
                any = true;
                format!("listed {query} {}", words(&hit))
            }
            Match::Never => format!("not listed {query} (it never matches)"),
            Match::Nothing => format!("not listed {query}"),
        };
        let _ = writeln!(text, "{line}");
    }
    Ok((text, any))
}

/// Of each address the first port that it is listed with.
fn first_ports(bytes: &[u8]) -> Result<HashMap<String, u16>, String> {
    let mut ports = HashMap::new();
    for row in rows::all(bytes)?.into_iter().filter(|row| matches!(row.sort, "IPv4" | "IPv6")) {
        ports.entry(row.subject).or_insert(row.label.port);
    }
    Ok(ports)
}

fn words(hit: &Hit<'_>) -> String {
    let mut words = format!("family={}", hit.family);
    if let Some(port) = hit.port {
        let _ = write!(words, " port={port}");
    }
    if let Some(seconds) = hit.expires {
        let day = seconds.checked_div(gatewatch::intel::layout::DAY_S).unwrap_or(0);
        let _ = write!(words, " expires={}", date::date(u16::try_from(day).unwrap_or(u16::MAX)));
    }
    words
}
