//! `info`: what is in a database.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use gatewatch::intel::Intel;
use gatewatch::intel::layout::{DAY_S, MUST_UNDERSTAND, SECTION_LEN, kind};

use crate::{date, rows};

/// Families that are shown; the rest is counted.
const FAMILIES: usize = 40;

/// Sections in words, and what of them is counted as the cost of what.
const SECTIONS: [(u32, &str); 13] = [
    (kind::NAMES, "names of families"),
    (kind::LABELS, "labels"),
    (kind::IPV4, "IPv4 addresses"),
    (kind::IPV4_RANGES, "IPv4 ranges"),
    (kind::IPV6, "IPv6 addresses"),
    (kind::IPV6_RANGES, "IPv6 ranges"),
    (kind::NEVER_IPV4, "IPv4 ranges that never match"),
    (kind::NEVER_IPV6, "IPv6 ranges that never match"),
    (kind::HASHES, "hashes of files"),
    (kind::TRACES, "traces of families"),
    (kind::DOMAINS, "domains"),
    (kind::NEVER_DOMAINS, "domains that never match"),
    (32, "signatures"),
];

/// Says what is in a database.
pub(crate) fn info(path: &Path) -> Result<String, String> {
    let bytes = rows::open(path)?;
    let intel = Intel::open(&bytes).map_err(|defect| defect.to_string())?;
    let fail = |what: String| format!("{}: {what}", path.display());
    let rows = rows::all(&bytes).map_err(fail)?;
    let mut text = String::new();
    let _ = writeln!(text, "file      {}, {} bytes", path.display(), bytes.len());
    let _ = writeln!(text, "version   {}", intel.version());
    let _ = writeln!(text, "created   {}", time(intel.created()));
    let _ = writeln!(text, "expires   {}", intel.expires().map_or("never".to_owned(), time));
    let _ = writeln!(text, "entries   {}", intel.entries());

    let _ = writeln!(text, "\n      rows      bytes bits/row  section");
    for (section, body) in rows::sections(&bytes).map_err(fail)? {
        let own = section.kind & !MUST_UNDERSTAND;
        let words = SECTIONS.iter().find(|(kind, _)| *kind == own).map(|(_, words)| *words);
        let words = words.map_or_else(|| format!("unknown, kind {own}"), str::to_owned);
        let length = body.len().saturating_add(SECTION_LEN);
        let _ = writeln!(
            text,
            "{:>10} {length:>10} {:>8}  {words}",
            section.count,
            bits(length, u64::from(section.count))
        );
    }
    let _ = writeln!(
        text,
        "{:>10} {:>10} {:>8}  all",
        intel.entries(),
        bytes.len(),
        bits(bytes.len(), u64::from(intel.entries()))
    );

    let mut families: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for row in &rows {
        let number = families.entry(row.label.family.as_str()).or_default().entry(row.sort).or_default();
        *number = number.saturating_add(1);
    }
    let mut sorted: Vec<(u64, &str, &BTreeMap<&str, u64>)> =
        families.iter().map(|(family, sorts)| (sorts.values().sum(), *family, sorts)).collect();
    sorted.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    let _ = writeln!(text, "\n      rows  family");
    for (number, family, sorts) in sorted.iter().take(FAMILIES) {
        let sorts: Vec<String> = sorts.iter().map(|(sort, number)| format!("{number} {sort}")).collect();
        let _ = writeln!(text, "{number:>10}  {family} ({})", sorts.join(", "));
    }
    if let Some(more) = sorted.len().checked_sub(FAMILIES).filter(|more| *more != 0) {
        let number: u64 = sorted.iter().skip(FAMILIES).map(|(number, ..)| number).sum();
        let _ = writeln!(text, "{number:>10}  {more} more families");
    }
    let dated: Vec<u16> = rows.iter().map(|row| row.label.expires_day).filter(|day| *day != 0).collect();
    if let (Some(first), Some(last)) = (dated.iter().min(), dated.iter().max()) {
        let _ = writeln!(
            text,
            "\n{} of {} rows expire, from {} to {}",
            dated.len(),
            rows.len(),
            date::date(*first),
            date::date(*last)
        );
    }
    Ok(text)
}

/// Bits a row, to a tenth.
fn bits(bytes: usize, rows: u64) -> String {
    let tenths = u64::try_from(bytes).unwrap_or(0).saturating_mul(80).checked_div(rows);
    tenths.map_or("-".to_owned(), |tenths| format!("{}.{}", tenths / 10, tenths % 10))
}

/// Seconds since 1970 as a date.
fn time(seconds: u64) -> String {
    let day = u16::try_from(seconds.checked_div(DAY_S).unwrap_or(0)).unwrap_or(u16::MAX);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{} {hour:02}:{minute:02}:{:02} UTC ({seconds})", date::date(day), seconds % 60)
}
