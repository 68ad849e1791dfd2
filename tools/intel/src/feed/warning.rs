//! MISP warning lists: addresses, names and hashes that no list should accuse.

use serde::Deserialize;

use super::{Value, value};
use crate::list::{Span, Subject};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: String,
    #[serde(default)]
    r#type: String,
    list: Vec<String>,
}

/// One thing that never matches.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Addresses(Span),
    /// A name; with `true`, all below it too.
    Domain(String, bool),
    Hash([u8; 32]),
}

/// A list, as far as it can be used.
pub(crate) struct Warning {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
    /// Lines that are about something else, as hashes of another sort.
    pub(crate) unused: usize,
}

/// Reads a warning list.
pub(crate) fn parse(text: &str) -> Result<Warning, String> {
    let file: File = serde_json::from_str(text).map_err(|error| format!("{error}"))?;
    if !matches!(file.r#type.as_str(), "cidr" | "string" | "hostname") {
        return Err(format!(
            "a warning list of type {:?}: only cidr, string and hostname are read",
            file.r#type
        ));
    }
    let below = file.r#type == "hostname";
    let mut entries = Vec::new();
    let mut unused = 0usize;
    for line in &file.list {
        let tree = below || line.starts_with('.');
        match value::read(line) {
            Value::Subject(Subject::Addresses(span, 0)) => entries.push(Entry::Addresses(span)),
            Value::Subject(Subject::Domain(name)) => entries.push(Entry::Domain(name, tree)),
            Value::Subject(Subject::Hash(digest)) => entries.push(Entry::Hash(digest)),
            Value::Subject(_) | Value::Useless(_) | Value::Wrong(_) => unused = unused.saturating_add(1),
        }
    }
    Ok(Warning { name: file.name, entries, unused })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_each_sort() {
        let text = r#"{"name":"x","type":"cidr","list":["192.0.2.0/24","2001:db8::1","d41d8cd98f00b204e9800998ecf8427e"]}"#;
        assert!(parse(text).is_ok_and(|list| (list.entries.len(), list.unused) == (2, 1)));
        let text = r#"{"name":"x","type":"string","list":[".google.example","b.example"]}"#;
        let names = parse(text).map(|list| list.entries).unwrap_or_default();
        assert_eq!(
            names,
            [Entry::Domain("google.example".to_owned(), true), Entry::Domain("b.example".to_owned(), false)]
        );
        assert!(parse(r#"{"name":"x","type":"regex","list":["a.*"]}"#).is_err());
        assert!(parse("{}").is_err());
    }
}
