//! `lookup`: what the router would say of an address, an endpoint, a domain or a file.

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
    for Query { text: query, subject } in queries {
        let found = match subject {
            Subject::Addresses(span, port) => {
                let address = list::Span::address(span.v6, span.first);
                if *port == 0 { any_port(&intel, &bytes, address)? } else { intel.lookup(address, *port) }
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

/// A query without a port is answered by an indicator of any port.
fn any_port<'a>(intel: &Intel<'a>, bytes: &'a [u8], address: std::net::IpAddr) -> Result<Match<'a>, String> {
    let found = intel.lookup(address, 0);
    if found != Match::Nothing {
        return Ok(found);
    }
    let word = address.to_canonical().to_string();
    let own = |row: &rows::Row| row.subject == word && matches!(row.sort, "IPv4" | "IPv6");
    let port = rows::all(bytes)?.into_iter().find(own).map_or(0, |row| row.label.port);
    Ok(intel.lookup(address, port))
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
