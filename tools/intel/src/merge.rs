//! What all lists together say, each subject of a family once: when it was seen first and last, by whom, how surely.

use std::collections::HashMap;

use crate::compile::{Indicator, Listed, Says, Trace};
use crate::feed::{Item, Seen};
use crate::list::Subject;

/// Weeks to which computed days of expiry are rounded up, when indicators are kept for longer than a month: fewer
/// different days are fewer labels, and so fewer bits for each indicator.
const WEEK: u16 = 7;
const MONTH: u16 = 28;

/// What is known of one subject of one family.
#[derive(Debug)]
struct Known {
    /// Days since 1970; 0 is never.
    expires_day: u16,
    seen: Seen,
    /// Numbers of the lists, sorted.
    sources: Vec<u32>,
}

/// Everything taken so far.
#[derive(Default)]
pub(crate) struct Merged {
    known: HashMap<(Subject, u32), Known>,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Merged {
    /// Takes an item of a list, and says whether it is new.
    pub(crate) fn add(&mut self, item: Item, family: &str, source: u32) -> bool {
        let number = match self.numbers.get(family) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(family.to_owned());
                self.numbers.insert(family.to_owned(), number);
                number
            }
        };
        let Item { subject, expires_day, seen, .. } = item;
        match self.known.get_mut(&(subject.clone(), number)) {
            None => {
                let known = Known { expires_day, seen, sources: vec![source] };
                self.known.insert((subject, number), known);
                true
            }
            Some(known) => {
                known.expires_day = longer(known.expires_day, expires_day);
                known.seen.first = earlier(known.seen.first, seen.first);
                known.seen.last = known.seen.last.max(seen.last);
                known.seen.confidence = known.seen.confidence.max(seen.confidence);
                if let Err(place) = known.sources.binary_search(&source) {
                    known.sources.insert(place, source);
                }
                false
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Lets what was seen last (or, where that is not said, first) end so many days later, and takes out what has ended
    /// by `today`. Gives how many have, and how many carry no date and stay.
    pub(crate) fn expire(&mut self, days: u16, today: u16) -> (usize, usize) {
        let (before, mut undated) = (self.known.len(), 0usize);
        self.known.retain(|_, known| {
            let seen = known.seen.last.max(known.seen.first);
            if known.expires_day == 0 && seen != 0 {
                let end = seen.saturating_add(days);
                let rounded =
                    if days >= MONTH { end.checked_next_multiple_of(WEEK).unwrap_or(end) } else { end };
                if end <= today {
                    return false;
                }
                known.expires_day = rounded;
            } else if known.expires_day == 0 {
                undated = undated.saturating_add(1);
            }
            true
        });
        (before.saturating_sub(self.known.len()), undated)
    }

    /// The day on which something was seen last.
    pub(crate) fn newest(&self) -> u16 {
        self.known.values().map(|known| known.seen.last.max(known.seen.first)).max().unwrap_or(0)
    }

    /// All of it, sorted by sort.
    pub(crate) fn listed(&self) -> Listed<'_> {
        let mut listed = Listed::default();
        for ((subject, number), known) in &self.known {
            let family = self.name(*number);
            let says = Says { family, expires_day: known.expires_day };
            match subject {
                Subject::Addresses(span, port) => {
                    listed.addresses.push(Indicator { span: *span, port: *port, says });
                }
                Subject::Domain(name) => listed.domains.push((name.clone(), says)),
                Subject::Hash(digest) => listed.hashes.push((*digest, says)),
                Subject::Trace(kind, value, strength) => {
                    let trace = Trace { kind: *kind, value: value.clone(), strength: *strength };
                    listed.traces.push((trace, says));
                }
            }
        }
        listed
    }

    fn name(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.names.get(number)).map_or("", String::as_str)
    }

    /// A line of JSON for each, sorted, with everything that is known of it.
    pub(crate) fn details(&self, sources: &[String]) -> String {
        let mut rows: Vec<(&Subject, &str, &Known)> = self
            .known
            .iter()
            .map(|((subject, number), known)| (subject, self.name(*number), known))
            .collect();
        rows.sort_unstable_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
        let mut text = String::new();
        for (subject, family, known) in rows {
            let mut row = serde_json::Map::new();
            let mut put = |key: &str, value: serde_json::Value| {
                row.insert(key.to_owned(), value);
            };
            put("indicator", subject.to_string().into());
            if let Subject::Addresses(_, port) = subject
                && *port != 0
            {
                put("port", (*port).into());
            }
            put("family", family.into());
            for (key, day) in [
                ("first_seen", known.seen.first),
                ("last_seen", known.seen.last),
                ("expires", known.expires_day),
            ] {
                if day != 0 {
                    put(key, crate::date::date(day).into());
                }
            }
            if known.seen.confidence != 0 {
                put("confidence", known.seen.confidence.into());
            }
            let mut names: Vec<&str> = known
                .sources
                .iter()
                .filter_map(|source| sources.get(usize::try_from(*source).ok()?).map(String::as_str))
                .collect();
            names.sort_unstable();
            put("sources", names.into());
            text.push_str(&serde_json::Value::Object(row).to_string());
            text.push('\n');
        }
        text
    }
}

/// The later of two days of expiry, of which 0 is never.
fn longer(one: u16, other: u16) -> u16 {
    if one == 0 || other == 0 { 0 } else { one.max(other) }
}

/// The earlier of two days, of which 0 is unknown.
fn earlier(one: u16, other: u16) -> u16 {
    if one == 0 || other == 0 { one.max(other) } else { one.min(other) }
}
