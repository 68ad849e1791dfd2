//! What is in a database, row by row: the reader on the router only answers questions.

use std::path::Path;

use gatewatch::intel::layout::{
    DOMAIN_LEN, HASH_LEN, Header, IPV4_RANGE_LEN, IPV6_LEN, IPV6_RANGE_LEN, LABEL_LEN, OCTETS_LEN,
    SECTION_LEN, Section, Shape, TRACE_HEAD_LEN, kind,
};
use gatewatch::intel::{Intel, Strength, TraceKind};

use crate::list::{self, Span};
use crate::rule;

/// The bytes of a database that can be opened.
pub(crate) fn open(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = list::read(path)?;
    match Intel::open(&bytes) {
        Ok(_) => Ok(bytes),
        Err(defect) => Err(format!("{}: {defect}", path.display())),
    }
}

/// What a row says beside its subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub(crate) family: String,
    pub(crate) port: u16,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
}

/// A row: its sort, its subject in words, and its label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) sort: &'static str,
    pub(crate) subject: String,
    pub(crate) label: Label,
}

/// The sections of a file, each with its row of the table and its body.
pub(crate) fn sections(bytes: &[u8]) -> Result<Vec<(Section, &[u8])>, String> {
    let header = Header::read(bytes).map_err(|defect| defect.to_string())?;
    let table = bytes.get(usize::from(header.header_len)..).unwrap_or_default();
    let (rows, _) = table.as_chunks::<SECTION_LEN>();
    let rows = rows.get(..usize::from(header.sections)).ok_or("a table that is cut short")?;
    let cut = |row: &[u8; SECTION_LEN]| {
        let section = Section::from_bytes(row);
        let start = usize::try_from(section.offset).ok()?;
        let end = start.checked_add(usize::try_from(section.length).ok()?)?;
        // The signature is not counted, and ends the file.
        Some((section, bytes.get(start..end.min(bytes.len()))?))
    };
    rows.iter().map(|row| cut(row).ok_or_else(|| "a section outside the file".to_owned())).collect()
}

/// The body of a section, or nothing.
pub(crate) fn body<'a>(sections: &[(Section, &'a [u8])], kind: u32) -> &'a [u8] {
    sections.iter().find(|(section, _)| section.kind == kind).map_or(&[], |(_, body)| body)
}

/// Rows of a section, or nothing.
pub(crate) fn count(sections: &[(Section, &[u8])], kind: u32) -> u32 {
    sections.iter().find(|(section, _)| section.kind == kind).map_or(0, |(section, _)| section.count)
}

/// Every row of a file, in its order.
pub(crate) fn all(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let sections = sections(bytes)?;
    let labels = labels(&sections);
    let label = |number: u32| usize::try_from(number).ok().and_then(|at| labels.get(at)).cloned();
    let mut rows = Vec::new();
    let mut push = |sort, subject: String, number: u32| {
        if let Some(label) = label(number) {
            rows.push(Row { sort, subject, label });
        }
    };
    for (address, number) in ipv4(body(&sections, kind::IPV4), count(&sections, kind::IPV4)) {
        push("IPv4", Span::address(false, u128::from(address)).to_string(), number);
    }
    let ranges = body(&sections, kind::IPV4_RANGES).get(OCTETS_LEN..).unwrap_or_default();
    for row in ranges.as_chunks::<IPV4_RANGE_LEN>().0 {
        let [first, last, number] = [0, 4, 8].map(|at| u32_at(row, at));
        push("IPv4 range", range(false, u128::from(first), u128::from(last)), number);
    }
    for row in body(&sections, kind::IPV6).as_chunks::<IPV6_LEN>().0 {
        push("IPv6", Span::address(true, u128_at(row, 0)).to_string(), u32_at(row, 16));
    }
    for row in body(&sections, kind::IPV6_RANGES).as_chunks::<IPV6_RANGE_LEN>().0 {
        push("IPv6 range", range(true, u128_at(row, 0), u128_at(row, 16)), u32_at(row, 32));
    }
    for row in body(&sections, kind::DOMAINS).as_chunks::<DOMAIN_LEN>().0 {
        let hash = row.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let number = row.last_chunk().copied().map_or(0, u16::from_le_bytes);
        // The name itself is not in the file.
        push("domain", format!("#{hash:016x}"), u32::from(number));
    }
    for row in body(&sections, kind::HASHES).as_chunks::<HASH_LEN>().0 {
        let digest: String = row.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
        push("hash", format!("sha256:{digest}"), u32_at(row, 32));
    }
    for (what, number, value) in traces(body(&sections, kind::TRACES)) {
        let own = TraceKind::ALL.into_iter().find(|kind| kind.code() == what & 15);
        let strength = [Strength::Weak, Strength::Fair, Strength::Strong];
        let strength = strength.into_iter().find(|strength| strength.code() == what >> 4);
        let word = own.map_or("?:", rule::word_of);
        let strength = strength.map_or("?".to_owned(), |strength| format!("{strength:?}").to_lowercase());
        push("trace", format!("{word}{} {strength}", value.escape_ascii()), u32::from(number));
    }
    Ok(rows)
}

/// The labels of a file.
fn labels(sections: &[(Section, &[u8])]) -> Vec<Label> {
    let names = body(sections, kind::NAMES);
    let rows = body(sections, kind::LABELS).as_chunks::<LABEL_LEN>().0;
    let label = |row: &[u8; LABEL_LEN]| {
        let [n0, n1, n2, n3, p0, p1, e0, e1] = *row;
        let at = usize::try_from(u32::from_le_bytes([n0, n1, n2, n3])).unwrap_or(usize::MAX);
        let (length, rest) = names.get(at..).and_then(|names| names.split_first()).unwrap_or((&0, &[]));
        let family = rest.get(..usize::from(*length)).unwrap_or_default();
        Label {
            family: String::from_utf8_lossy(family).into_owned(),
            port: u16::from_le_bytes([p0, p1]),
            expires_day: u16::from_le_bytes([e0, e1]),
        }
    };
    rows.iter().map(label).collect()
}

/// Addresses of the IPv4 section, each with the number of its label.
pub(crate) fn ipv4(body: &[u8], count: u32) -> Vec<(u32, u32)> {
    let Some((&[bucket_bits, label_bits, _, _], rest)) = body.split_first_chunk::<4>() else {
        return Vec::new();
    };
    let shape = Shape { count, bucket_bits, label_bits };
    let lengths = (usize::try_from(shape.samples_len()), shape.unary_len().map(usize::try_from));
    let (Ok(samples), Some(Ok(unary))) = lengths else { return Vec::new() };
    let unary_bits = rest.get(samples..).unwrap_or_default();
    let entries = unary_bits.get(unary..).unwrap_or_default();
    let bits_of = |bytes: &[u8], position: u64, bits: u32| {
        let at = usize::try_from(position >> 3).ok()?;
        let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        Some(word.checked_shr(u32::try_from(position & 7).ok()?)? & 1u64.checked_shl(bits)?.wrapping_sub(1))
    };
    let mut found = Vec::new();
    let (mut bucket, mut index) = (0u32, 0u64);
    let ones = unary_bits
        .get(..unary)
        .unwrap_or_default()
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    for one in ones {
        if one == 0 {
            bucket = bucket.saturating_add(1);
            continue;
        }
        let position = index.saturating_mul(u64::from(shape.entry_bits()));
        let Some(entry) = bits_of(entries, position, shape.entry_bits()) else { break };
        let low = entry.checked_shr(u32::from(label_bits)).unwrap_or(0);
        let high = bucket.checked_shl(shape.low_bits()).unwrap_or(0);
        let label = entry & 1u64.checked_shl(u32::from(label_bits)).unwrap_or(0).wrapping_sub(1);
        found.push((high | u32::try_from(low).unwrap_or(0), u32::try_from(label).unwrap_or(0)));
        index = index.saturating_add(1);
    }
    found
}

/// The rows of the trace section: kind and strength, label, value.
pub(crate) fn traces(mut body: &[u8]) -> Vec<(u8, u16, &[u8])> {
    let mut rows = Vec::new();
    while let Some((&[what, length, l0, l1], rest)) = body.split_first_chunk::<TRACE_HEAD_LEN>() {
        let Some((value, rest)) = rest.split_at_checked(usize::from(length)) else { break };
        rows.push((what, u16::from_le_bytes([l0, l1]), value));
        body = rest;
    }
    rows
}

/// A range as a network where it is one.
fn range(v6: bool, first: u128, last: u128) -> String {
    let span = Span { v6, first, last };
    let free = first ^ last;
    if free & free.wrapping_add(1) == 0 && first & free == 0 {
        span.to_string()
    } else {
        format!("{}-{}", Span::address(v6, first), Span::address(v6, last))
    }
}

fn u32_at(row: &[u8], at: usize) -> u32 {
    row.get(at..).and_then(|tail| tail.first_chunk()).copied().map_or(0, u32::from_le_bytes)
}

fn u128_at(row: &[u8], at: usize) -> u128 {
    row.get(at..).and_then(|tail| tail.first_chunk()).copied().map_or(0, u128::from_be_bytes)
}
