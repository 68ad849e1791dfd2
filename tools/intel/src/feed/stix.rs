//! STIX 2.0 and 2.1 bundles: indicators whose pattern a router can look for.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, Loose, Records};
use super::{Item, Seen, Taker, pattern, reason, value};

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(default)]
    r#type: Loose,
    #[serde(default, borrow)]
    objects: Vec<&'a RawValue>,
}

/// An object of any type, as far as it is read here.
#[derive(Deserialize)]
struct Thing {
    #[serde(default)]
    id: Loose,
    r#type: String,
    #[serde(default)]
    name: Loose,
    #[serde(default)]
    relationship_type: Loose,
    #[serde(default)]
    source_ref: Loose,
    #[serde(default)]
    target_ref: Loose,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    pattern_type: Loose,
    #[serde(default)]
    revoked: Loose,
    #[serde(default)]
    valid_from: Loose,
    #[serde(default)]
    valid_until: Loose,
    #[serde(default)]
    modified: Loose,
    #[serde(default)]
    confidence: Loose,
}

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    let Some(bundle) = json::whole::<Bundle<'_>>(text, taker) else { return };
    if bundle.r#type.0 != "bundle" && bundle.objects.is_empty() {
        return taker
            .fail(1, "no bundle of STIX: its type is not \"bundle\" and it has no objects".to_owned());
    }
    let mut records = Records::new(text);
    let mut things = Vec::new();
    for object in bundle.objects {
        things.extend(records.read::<Thing>(object, taker));
    }
    let families = families(&things);
    for (line, thing) in &things {
        take(*line, thing, families.get(thing.id.0.as_str()).copied(), taker);
    }
}

/// Of each indicator that is said to indicate malware, the malware's name.
fn families(things: &[(u32, Thing)]) -> HashMap<&str, &str> {
    let named: HashMap<&str, &str> = things
        .iter()
        .filter(|(_, thing)| {
            matches!(thing.r#type.as_str(), "malware" | "tool" | "intrusion-set" | "campaign")
        })
        .map(|(_, thing)| (thing.id.0.as_str(), thing.name.0.as_str()))
        .collect();
    let links = things.iter().filter(|(_, thing)| thing.relationship_type.0 == "indicates");
    links
        .filter_map(|(_, link)| Some((link.source_ref.0.as_str(), *named.get(link.target_ref.0.as_str())?)))
        .collect()
}

fn take(line: u32, thing: &Thing, family: Option<&str>, taker: &mut dyn Taker) {
    if thing.r#type != "indicator" {
        return taker.drop("an object that is no indicator");
    }
    if thing.revoked.0 == "true" {
        return taker.drop(reason::NOT_FOR_MATCHING);
    }
    if !matches!(thing.pattern_type.0.as_str(), "" | "stix") {
        return taker.drop("a pattern in another language than STIX");
    }
    let Some(text) = &thing.pattern else {
        return taker.wrong(line, "an indicator without a pattern".to_owned());
    };
    let values = match pattern::subjects(text) {
        Ok(values) => values,
        Err(what) => return taker.wrong(line, format!("a pattern that cannot be read: {what}")),
    };
    let modified = value::day(&thing.modified.0);
    let first = value::day(&thing.valid_from.0);
    let seen = Seen {
        first: if first == 0 { modified } else { first },
        last: first.max(modified),
        confidence: thing.confidence.0.parse().unwrap_or(0),
    };
    let expires_day = value::day(&thing.valid_until.0);
    let fill = |subject| Item { subject, family: family.map(str::to_owned), expires_day, seen };
    super::pass_all(values, line, fill, taker);
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const BUNDLE: &str = r#"{"type":"bundle","id":"bundle--1","objects":[
        {"type":"malware","id":"malware--1","name":"Mirai"},
        {"type":"relationship","relationship_type":"indicates","source_ref":"indicator--1","target_ref":"malware--1"},
        {"type":"indicator","id":"indicator--1","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.1']","valid_from":"2025-01-02T00:00:00Z","valid_until":"2026-01-02T00:00:00Z","confidence":80},
        {"type":"indicator","id":"indicator--2","pattern":"[domain-name:value = 'evil.example']","modified":"2025-01-03T00:00:00Z"},
        {"type":"indicator","id":"indicator--3","pattern_type":"yara","pattern":"rule x {}"},
        {"type":"indicator","id":"indicator--4","revoked":true,"pattern":"[ipv4-addr:value = '192.0.2.2']"},
        {"type":"indicator","id":"indicator--5","pattern":"[ipv4-addr:value = "},
        {"type":"indicator","id":"indicator--6"},
        {"id":"x"}]}"#;

    #[test]
    fn a_bundle() {
        assert_eq!(
            read(Kind::Stix, BUNDLE),
            [
                "10 wrong a record that cannot be read: missing field `type`",
                "drop an object that is no indicator",
                "drop an object that is no indicator",
                "4 192.0.2.1 Mirai until 20455 20090-20090 80%",
                "5 evil.example 20091-20091 0%",
                "drop a pattern in another language than STIX",
                "drop not meant for matching, or taken back",
                "8 wrong a pattern that cannot be read: nothing to compare ipv4-addr:value with",
                "9 wrong an indicator without a pattern",
            ]
        );
        assert_eq!(
            read(Kind::Stix, "{}"),
            ["1 fail no bundle of STIX: its type is not \"bundle\" and it has no objects"]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Stix, BUNDLE);
    }
}
