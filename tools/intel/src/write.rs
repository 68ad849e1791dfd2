//! From rows to the bytes that `gatewatch::intel::layout` describes.

use gatewatch::intel::layout::{
    DomainHash, HEADER_LEN, Header, NEVER_DOMAINS_MAX, NEVER_TREE, OCTETS_LEN, SECTION_LEN, Section, Shape,
    TRACE_MAX, TRACES_MAX, kind,
};

use crate::compile::{Row, Tables, Trace};
use crate::list::Span;
use crate::never::InFile;

/// What the header says beside the counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates {
    pub(crate) version: u32,
    /// The oldest gatewatch that is to read it; 0 is any.
    pub(crate) engine: u32,
    pub(crate) created: u64,
    /// 0 is never.
    pub(crate) expires: u64,
}

/// A file, and how its bytes are spent.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Bytes of the sections that have nothing to do with IPv4 addresses: what is left tells their cost.
    pub(crate) other_bytes: usize,
}

/// Encodes a file. The same rows and dates give the same bytes.
pub(crate) fn encode(tables: &Tables<'_>, never: &InFile, dates: Dates) -> Result<Encoded, String> {
    let mut sections: Vec<(u32, usize, Vec<u8>)> = Vec::new();
    let (names, name_count, labels) = labels(tables)?;
    sections.push((kind::NAMES, name_count, names));
    sections.push((kind::LABELS, tables.labels.len(), labels));
    if !tables.ipv4.is_empty() {
        sections.push((kind::IPV4, tables.ipv4.len(), ipv4(&tables.ipv4, tables.labels.len())?));
    }
    let mut ranges = octets(tables.ipv4_ranges.iter().map(|row| (row.first, row.last)));
    ranges.extend(tables.ipv4_ranges.iter().flat_map(ipv4_range));
    let singles: Vec<u8> = tables.ipv6.iter().flat_map(ipv6_single).collect();
    let wide: Vec<u8> = tables.ipv6_ranges.iter().flat_map(ipv6_range).collect();
    let before = total(&sections);
    let mut add = |kind: u32, count: usize, body: Vec<u8>| {
        if count != 0 {
            sections.push((kind, count, body));
        }
    };
    add(kind::IPV4_RANGES, tables.ipv4_ranges.len(), ranges);
    add(kind::IPV6, tables.ipv6.len(), singles);
    add(kind::IPV6_RANGES, tables.ipv6_ranges.len(), wide);
    let mut other_bytes = total(&sections).saturating_sub(before);
    // A file without addresses is about nothing that never-match ranges could spare.
    if tables.has_addresses() {
        sections.extend(never_match(&never.ranges));
    }
    let before = total(&sections);
    let mut add = |kind: u32, count: usize, body: Vec<u8>| {
        if count != 0 {
            sections.push((kind, count, body));
        }
    };
    let hashes: Vec<u8> = tables.hashes.iter().flat_map(|(digest, label)| hash(digest, *label)).collect();
    add(kind::HASHES, tables.hashes.len(), hashes);
    add(kind::TRACES, tables.traces.len(), traces(&tables.traces)?);
    if !tables.domains.is_empty() {
        add(kind::DOMAINS, tables.domains.len(), domains(&tables.domains)?);
        add(kind::NEVER_DOMAINS, never.domains.len(), never_domains(never)?);
    }
    other_bytes = total(&sections).saturating_sub(before).saturating_add(other_bytes);
    Ok(Encoded { bytes: assemble(tables.entries, &sections, dates)?, other_bytes })
}

/// The never-match sections.
fn never_match(never: &[Span]) -> [(u32, usize, Vec<u8>); 2] {
    let never_ipv4: Vec<&Span> = never.iter().filter(|span| !span.v6).collect();
    let mut ipv4_body = octets(never_ipv4.iter().map(|span| (span.first, span.last)));
    ipv4_body.extend(never_ipv4.iter().flat_map(|span| ipv4_span(span.first, span.last)));
    let never_ipv6: Vec<&Span> = never.iter().filter(|span| span.v6).collect();
    let ipv6_body = never_ipv6.iter().flat_map(|span| ipv6_span(span.first, span.last)).collect();
    [(kind::NEVER_IPV4, never_ipv4.len(), ipv4_body), (kind::NEVER_IPV6, never_ipv6.len(), ipv6_body)]
}

/// Bytes of the sections, their rows of the table included.
fn total(sections: &[(u32, usize, Vec<u8>)]) -> usize {
    sections.iter().map(|(_, _, body)| body.len().saturating_add(SECTION_LEN)).sum()
}

/// In which /8 some range is, a bit each.
fn octets(ranges: impl Iterator<Item = (u128, u128)>) -> Vec<u8> {
    let mut map = vec![0u8; OCTETS_LEN];
    for (first, last) in ranges {
        for octet in first >> 24..=last >> 24 {
            let place = usize::try_from(octet >> 3).ok().and_then(|place| map.get_mut(place));
            if let Some(byte) = place {
                *byte |= 1 << (octet & 7);
            }
        }
    }
    map
}

/// Puts the header and the section table before the bodies.
fn assemble(entries: usize, sections: &[(u32, usize, Vec<u8>)], dates: Dates) -> Result<Vec<u8>, String> {
    let front = sections.len().saturating_mul(SECTION_LEN).saturating_add(HEADER_LEN);
    let mut table = Vec::new();
    let mut offset = front;
    for (kind, count, body) in sections {
        let section =
            Section { kind: *kind, offset: fit(offset)?, length: fit(body.len())?, count: fit(*count)? };
        table.extend(section.to_bytes());
        offset = offset.saturating_add(body.len());
    }
    let header = Header {
        header_len: fit(HEADER_LEN)?,
        version: dates.version,
        created: dates.created,
        expires: dates.expires,
        file_len: fit(offset)?,
        entries: fit(entries)?,
        sections: fit(sections.len())?,
        engine: dates.engine,
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(table);
    for (_, _, body) in sections {
        bytes.extend(body);
    }
    Ok(bytes)
}

/// The names, how many there are, and the labels that point into them.
fn labels(tables: &Tables<'_>) -> Result<(Vec<u8>, usize, Vec<u8>), String> {
    let mut families: Vec<&str> = tables.labels.iter().map(|label| label.family).collect();
    families.sort_unstable();
    families.dedup();
    let mut names = Vec::new();
    let mut name_at: Vec<u32> = Vec::new();
    for family in &families {
        name_at.push(fit(names.len())?);
        names.push(fit(family.len())?);
        names.extend(family.bytes());
    }
    let mut rows = Vec::new();
    for label in &tables.labels {
        let place = families.binary_search(&label.family).unwrap_or_else(|place| place);
        rows.extend(name_at.get(place).copied().unwrap_or(u32::MAX).to_le_bytes());
        rows.extend(label.port.to_le_bytes());
        rows.extend(label.expires_day.to_le_bytes());
    }
    Ok((names, families.len(), rows))
}

/// The body of the IPv4 section, in the shape that makes it shortest.
fn ipv4(rows: &[Row], labels: usize) -> Result<Vec<u8>, String> {
    // The bits that hold the numbers 0 to labels - 1.
    let highest_label: u32 = fit(labels.saturating_sub(1))?;
    let label_bits: u8 = fit(u32::BITS.saturating_sub(highest_label.leading_zeros()))?;
    let count: u32 = fit(rows.len())?;
    let shapes = (Shape::MIN_BUCKET_BITS..=Shape::MAX_BUCKET_BITS).map(|bucket_bits| Shape {
        count,
        bucket_bits,
        label_bits,
    });
    let shape = shapes
        .filter(|shape| shape.body_len().is_some())
        .min_by_key(Shape::body_len)
        .ok_or("too many IPv4 addresses or labels for one file: leave lists out")?;

    let (mut samples, mut unary, mut entries) = (Vec::new(), Bits::default(), Bits::default());
    let mut rest = rows.iter().peekable();
    for bucket in 0..shape.buckets() {
        if bucket.is_multiple_of(Shape::BUCKETS_PER_SAMPLE) {
            samples.extend(fit::<u32, u64>(unary.length)?.to_le_bytes());
        }
        let in_bucket = |row: &&Row| {
            u32::try_from(row.first)
                .is_ok_and(|bits| bits.checked_shr(shape.low_bits()).unwrap_or(0) == bucket)
        };
        while let Some(row) = rest.next_if(in_bucket) {
            unary.push(1, 1);
            entries.push(u64::from(row.label), u32::from(shape.label_bits));
            entries.push(u64::from(low_32(row.first)), shape.low_bits());
        }
        unary.push(0, 1);
    }
    let mut unary = unary.into_bytes();
    unary.resize(unary.len().next_multiple_of(8), 0);
    let mut entries = entries.into_bytes();
    entries.extend([0; 7]);

    let mut body = vec![shape.bucket_bits, shape.label_bits, 0, 0];
    body.extend(samples);
    body.extend(unary);
    body.extend(entries);
    Ok(body)
}

fn hash(digest: &[u8; 32], label: u32) -> Vec<u8> {
    [digest.as_slice(), &label.to_le_bytes()].concat()
}

/// The body of the domain section.
fn domains(rows: &[(String, u32)]) -> Result<Vec<u8>, String> {
    let mut hashed: Vec<(u64, u32, &str)> =
        rows.iter().map(|(name, label)| (DomainHash::of(name.as_bytes()), *label, name.as_str())).collect();
    hashed.sort_unstable();
    for pair in hashed.windows(2) {
        if let [(one, _, name), (next, _, other)] = pair
            && one == next
            && name != other
        {
            return Err(format!("{name} and {other} have the same hash: leave one of them out"));
        }
    }
    let mut body = Vec::new();
    for (hash, label, _) in hashed {
        body.extend(hash.to_le_bytes());
        body.extend(fit::<u16, u32>(label)?.to_le_bytes());
    }
    Ok(body)
}

/// The body of the section of domains that never match.
fn never_domains(never: &InFile) -> Result<Vec<u8>, String> {
    if never.domains.len() > usize::try_from(NEVER_DOMAINS_MAX).unwrap_or(usize::MAX) {
        return Err(format!("more than {NEVER_DOMAINS_MAX} domains that never match lie below listed ones"));
    }
    let mut body = Vec::new();
    for (name, tree) in &never.domains {
        body.extend([if *tree { NEVER_TREE } else { 0 }, fit(name.len())?]);
        body.extend(name.bytes());
    }
    Ok(body)
}

/// The body of the trace section.
fn traces(rows: &[(Trace, u32)]) -> Result<Vec<u8>, String> {
    if rows.len() > usize::try_from(TRACES_MAX).unwrap_or(usize::MAX) {
        return Err(format!("more than {TRACES_MAX} traces: each is held against every process"));
    }
    let mut body = Vec::new();
    for (trace, label) in rows {
        let length =
            u8::try_from(trace.value.len()).map_err(|_| format!("a value above {TRACE_MAX} bytes"))?;
        body.extend([trace.kind.code() | trace.strength.code() << 4, length]);
        body.extend(fit::<u16, u32>(*label)?.to_le_bytes());
        body.extend(&trace.value);
    }
    Ok(body)
}

fn ipv4_range(row: &Row) -> Vec<u8> {
    [ipv4_span(row.first, row.last), row.label.to_le_bytes().to_vec()].concat()
}

fn ipv6_single(row: &Row) -> Vec<u8> {
    [row.first.to_be_bytes().as_slice(), &row.label.to_le_bytes()].concat()
}

fn ipv6_range(row: &Row) -> Vec<u8> {
    [ipv6_span(row.first, row.last), row.label.to_le_bytes().to_vec()].concat()
}

fn ipv4_span(first: u128, last: u128) -> Vec<u8> {
    [low_32(first).to_le_bytes(), low_32(last).to_le_bytes()].concat()
}

fn ipv6_span(first: u128, last: u128) -> Vec<u8> {
    [first.to_be_bytes(), last.to_be_bytes()].concat()
}

/// An IPv4 address of a span, which never has more than 32 bits.
fn low_32(bits: u128) -> u32 {
    u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0)
}

/// A number in the width that the layout has for it.
fn fit<T: TryFrom<N>, N>(number: N) -> Result<T, String> {
    T::try_from(number).map_err(|_| "too much for one file: leave lists out".to_owned())
}

/// A string of bits, the lowest bit of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet.
    pending: u64,
    /// Bits pushed in all.
    length: u64,
}

impl Bits {
    /// Adds the lowest bits of a number, at most 32 of them.
    fn push(&mut self, number: u64, bits: u32) {
        let kept = number & 1u64.checked_shl(bits).unwrap_or(0).wrapping_sub(1);
        let mut filled = u32::try_from(self.length % 8).unwrap_or(0);
        self.pending |= kept.checked_shl(filled).unwrap_or(0);
        self.length = self.length.saturating_add(u64::from(bits));
        filled = filled.saturating_add(bits);
        while let Some(rest) = filled.checked_sub(8) {
            let [lowest, ..] = self.pending.to_le_bytes();
            self.bytes.push(lowest);
            self.pending >>= 8;
            filled = rest;
        }
    }

    /// The bytes, the last one filled up with zeros.
    fn into_bytes(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}
