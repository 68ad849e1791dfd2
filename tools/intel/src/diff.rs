//! `diff`: what one database says and another does not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use gatewatch::intel::Intel;

use crate::date;
use crate::rows::{self, Row};

/// Says what is gone (`-`) and what is new (`+`), then how many of each sort and family.
pub(crate) fn diff(old: &Path, new: &Path) -> Result<String, String> {
    let (old_bytes, new_bytes) = (rows::open(old)?, rows::open(new)?);
    let sorted = |path: &Path, bytes: &[u8]| {
        let mut rows = rows::all(bytes).map_err(|what| format!("{}: {what}", path.display()))?;
        rows.sort_unstable();
        Ok::<_, String>(rows)
    };
    let (before, after) = (sorted(old, &old_bytes)?, sorted(new, &new_bytes)?);
    let mut text = String::new();
    let mut sums: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let step = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(other),
        };
        let (sign, row) = match step {
            std::cmp::Ordering::Equal => {
                left.next();
                right.next();
                continue;
            }
            std::cmp::Ordering::Less => ('-', left.next()),
            std::cmp::Ordering::Greater => ('+', right.next()),
        };
        let Some(row) = row else { break };
        let sum = sums.entry((row.sort, row.label.family.as_str())).or_default();
        let number = if sign == '-' { &mut sum.0 } else { &mut sum.1 };
        *number = number.saturating_add(1);
        let _ = writeln!(text, "{sign} {}", words(row));
    }
    for ((sort, family), (gone, new)) in &sums {
        let _ = writeln!(text, "{sort} {family}: {gone} gone, {new} new");
    }
    let version = |bytes: &[u8]| Intel::open(bytes).map_or(0, |intel| intel.version());
    let (gone, fresh) = sums
        .values()
        .fold((0u64, 0u64), |sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)));
    let _ = writeln!(
        text,
        "version {} to {}: {gone} rows gone, {fresh} new, of {} and {}",
        version(&old_bytes),
        version(&new_bytes),
        before.len(),
        after.len()
    );
    Ok(text)
}

fn words(row: &Row) -> String {
    let mut words = match row.label.port {
        0 => row.subject.clone(),
        port if row.sort == "IPv6" => format!("[{}]:{port}", row.subject),
        port => format!("{}:{port}", row.subject),
    };
    let _ = write!(words, " {}", row.label.family);
    if row.label.expires_day != 0 {
        let _ = write!(words, " expires={}", date::date(row.label.expires_day));
    }
    words
}
