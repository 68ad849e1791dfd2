//! The last look: is everything that went into a file found in it, by the reader that the router has?

use std::net::IpAddr;

use gatewatch::intel::{Hit, Intel, Match, Trace, TraceKind, layout::DAY_S};

use crate::compile::Tables;
use crate::list::Span;
use crate::never::InFile;

/// Looks every row up. An error is a fault of this program.
pub(crate) fn check(bytes: &[u8], tables: &Tables<'_>, never: &InFile) -> Result<(), String> {
    let intel = Intel::open(bytes).map_err(|defect| defect.to_string())?;
    let entries = usize::try_from(intel.entries()).map_err(|error| error.to_string())?;
    expect("the number of entries", &entries, &tables.entries)?;
    for (v6, rows) in [(false, &tables.ipv4), (true, &tables.ipv6)] {
        // Of the rows of one address, the first with a port is the one that a lookup of this port finds.
        for address in rows.chunk_by(|one, next| one.first == next.first) {
            let mut seen = Vec::new();
            for row in address {
                let hit = hit(tables, row.label)?;
                if !seen.contains(&hit.port) {
                    seen.push(hit.port);
                    found(&intel, v6, row.first, Match::Listed(hit))?;
                }
            }
        }
    }
    for (v6, rows, singles) in
        [(false, &tables.ipv4_ranges, &tables.ipv4), (true, &tables.ipv6_ranges, &tables.ipv6)]
    {
        // Rows of one range differ in their label only, and the first is the one that is found.
        for range in rows.chunk_by(|one, next| one.first == next.first) {
            let Some(row) = range.first() else { continue };
            for end in [row.first, row.last] {
                if singles.binary_search_by_key(&end, |single| single.first).is_ok() {
                    continue;
                }
                let quiet = never.covers(Span { v6, first: end, last: end });
                let expected = if quiet { Match::Never } else { Match::Listed(hit(tables, row.label)?) };
                found(&intel, v6, end, expected)?;
            }
        }
    }
    for range in &never.ranges {
        // A file without addresses has none of them.
        let expected = if tables.has_addresses() { Match::Never } else { Match::Nothing };
        found(&intel, range.v6, range.first, expected)?;
        found(&intel, range.v6, range.last, expected)?;
    }
    for rows in tables.domains.chunk_by(|one, next| one.0 == next.0) {
        let Some((name, label)) = rows.first() else { continue };
        let expected = Match::Listed(hit(tables, *label)?);
        expect(name, &intel.lookup_domain(name.as_bytes(), None), &expected)?;
    }
    for rows in tables.hashes.chunk_by(|one, next| one.0 == next.0) {
        let Some((digest, label)) = rows.first() else { continue };
        let expected = Some(hit(tables, *label)?);
        expect(&format!("the file {digest:02x?}"), &intel.lookup_hash(digest, None), &expected)?;
    }
    let mut traces = TraceKind::ALL.into_iter().flat_map(|kind| intel.traces(kind));
    for (trace, label) in &tables.traces {
        let Hit { family, expires, .. } = hit(tables, *label)?;
        let (kind, strength) = (trace.kind, trace.strength);
        let expected = Trace { kind, value: &trace.value, family: family.as_bytes(), strength, expires };
        expect("the next trace", &traces.next(), &Some(expected))?;
    }
    expect("what follows the last trace", &traces.next(), &None)
}

/// What a lookup of a row with this label is to say.
fn hit<'a>(tables: &Tables<'a>, number: u32) -> Result<Hit<'a>, String> {
    let label = usize::try_from(number).ok().and_then(|number| tables.labels.get(number));
    let label = label.ok_or_else(|| format!("there is no label {number}"))?;
    let expires = (label.expires_day != 0).then(|| u64::from(label.expires_day).saturating_mul(DAY_S));
    Ok(Hit { family: label.family, port: (label.port != 0).then_some(label.port), expires })
}

/// Looks an address up on its own port; port 0, which no indicator has, asks for those without one.
fn found(intel: &Intel<'_>, v6: bool, bits: u128, expected: Match<'_>) -> Result<(), String> {
    let address: IpAddr = Span::address(v6, bits);
    let port = match expected {
        Match::Listed(hit) => hit.port.unwrap_or(0),
        Match::Never | Match::Nothing => 0,
    };
    expect(&format!("{address} port {port}"), &intel.lookup(address, port), &expected)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} is found, not {expected:?}")) }
}
