//! ThreatFox of abuse.ch: CSV with its header in a comment, the answer of its interface, and the bulk export.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv::{self, Columns};
use super::json::{self, Loose, Object, Records};
use super::{Item, Seen, Taker, Value, lines, reason, value};
use crate::list::Subject;

const COLUMNS: [&str; 15] = [
    "first_seen_utc",
    "ioc_id",
    "ioc_value",
    "ioc_type",
    "threat_type",
    "fk_malware",
    "malware_alias",
    "malware_printable",
    "last_seen_utc",
    "confidence_level",
    "is_compromised",
    "reference",
    "tags",
    "anonymous",
    "reporter",
];

/// A record of the JSON forms, which name some fields differently.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "ioc_value")]
    ioc: String,
    #[serde(default)]
    malware_printable: Loose,
    #[serde(default, alias = "fk_malware")]
    malware: Loose,
    #[serde(default, alias = "first_seen_utc")]
    first_seen: Loose,
    #[serde(default, alias = "last_seen_utc")]
    last_seen: Loose,
    #[serde(default)]
    confidence_level: Loose,
    #[serde(default)]
    is_compromised: Loose,
}

/// What is taken of a record.
struct Record<'a> {
    value: &'a str,
    family: &'a str,
    first: &'a str,
    last: &'a str,
    confidence: &'a str,
    is_compromised: &'a str,
}

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    if text.trim_start().starts_with('{') {
        return objects(text, taker);
    }
    let mut columns = Columns::new(&COLUMNS);
    for (number, line) in lines(text) {
        if columns.header(line) || line.trim().is_empty() || line.starts_with('#') {
            taker.blank();
            continue;
        }
        match csv::fields(line) {
            Ok(row) if columns.fits(&row) => {
                let field = |name| columns.get(&row, name);
                let printable = field("malware_printable");
                let record = Record {
                    value: field("ioc_value"),
                    family: if printable.is_empty() { field("fk_malware") } else { printable },
                    first: field("first_seen_utc"),
                    last: field("last_seen_utc"),
                    confidence: field("confidence_level"),
                    is_compromised: field("is_compromised"),
                };
                take(number, &record, taker);
            }
            Ok(row) => taker.wrong(number, format!("{} fields, not {}", row.len(), COLUMNS.len())),
            Err(what) => taker.wrong(number, what),
        }
    }
}

fn objects(text: &str, taker: &mut dyn Taker) {
    let Some(object) = json::whole::<Object<'_>>(text, taker) else { return };
    let mut records = Records::new(text);
    if let Some(status) = object.get("query_status") {
        let rows =
            object.get("data").and_then(|data| serde_json::from_str::<Vec<&RawValue>>(data.get()).ok());
        match rows {
            Some(rows) => rows.into_iter().for_each(|row| take_json(&mut records, row, taker)),
            None => taker.fail(1, format!("the answer holds no data, its query_status is {}", status.get())),
        }
        return;
    }
    // In the order of the text, in which lines are counted.
    let mut bulk: Vec<&RawValue> = object.into_values().collect();
    bulk.sort_by_key(|value| value.get().as_ptr().addr());
    for value in bulk {
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(rows) => rows.into_iter().for_each(|row| take_json(&mut records, row, taker)),
            Err(_) => taker.wrong(records.line_of(value), "not an array of records".to_owned()),
        }
    }
}

fn take_json(records: &mut Records<'_>, record: &RawValue, taker: &mut dyn Taker) {
    let Some((line, row)) = records.read::<Row>(record, taker) else { return };
    let family = if row.malware_printable.0.is_empty() { &row.malware.0 } else { &row.malware_printable.0 };
    let record = Record {
        value: &row.ioc,
        family,
        first: &row.first_seen.0,
        last: &row.last_seen.0,
        confidence: &row.confidence_level.0,
        is_compromised: &row.is_compromised.0,
    };
    take(line, &record, taker);
}

fn take(line: u32, record: &Record<'_>, taker: &mut dyn Taker) {
    let value = value::read(record.value);
    let is_name = matches!(value, Value::Subject(Subject::Domain(_)));
    if is_name && matches!(record.is_compromised, "true" | "True" | "1") {
        return taker.drop(reason::VICTIM);
    }
    let seen = Seen {
        first: value::day(record.first),
        last: value::day(record.last),
        confidence: record.confidence.parse().unwrap_or(0),
    };
    let family = Some(record.family.to_owned());
    value.pass(line, |subject| Item { family, seen, ..Item::new(subject) }, taker);
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const CSV: &str = "# banner\n# \"first_seen_utc\", \"ioc_id\", \"ioc_value\", \"ioc_type\", \"threat_type\", \"fk_malware\", \"malware_alias\", \"malware_printable\", \"last_seen_utc\", \"confidence_level\", \"is_compromised\", \"reference\", \"tags\", \"anonymous\", \"reporter\"\n\
        \"2025-01-02 03:04:05\", \"1\", \"192.0.2.1:4444\", \"ip:port\", \"botnet_cc\", \"win.cobalt_strike\", \"Agentemis\", \"Cobalt Strike\", \"2025-01-03 00:00:00\", \"100\", \"False\", \"None\", \"a,b\", \"0\", \"x\"\n\
        \"2025-01-02 03:04:05\", \"2\", \"hxxp://shop.example/x\", \"url\", \"payload_delivery\", \"elf.mirai\", \"\", \"Mirai\", \"\", \"75\", \"True\", \"\", \"\", \"0\", \"x\"\n\
        \"2025-01-02 03:04:05\", \"3\", \"d41d8cd98f00b204e9800998ecf8427e\", \"md5_hash\", \"payload\", \"elf.mirai\", \"\", \"Mirai\", \"\", \"75\", \"False\", \"\", \"\", \"0\", \"x\"\n";
    const OLD: &str = "\"2025-01-02 03:04:05\", \"1\", \"evil.example\", \"domain\", \"botnet_cc\", \"elf.mirai\", \"\", \"Mirai\", \"\", \"50\", \"\", \"\", \"0\", \"x\"\n";
    const API: &str = r#"{"query_status":"ok","data":[
        {"id":"1","ioc":"192.0.2.1:80","threat_type":"botnet_cc","ioc_type":"ip:port","malware":"elf.mirai","malware_printable":"Mirai","confidence_level":75,"first_seen":"2025-01-02 03:04:05 UTC","last_seen":null,"tags":["a"]},
        {"id":"2"}]}"#;
    const BULK: &str = r#"{"9":[{"ioc_value":"192.0.2.9:1","malware_printable":"Mirai","first_seen_utc":"2025-01-02 03:04:05","confidence_level":50}],
        "10":[{"ioc_value":"evil.example","fk_malware":"elf.gafgyt","malware_printable":null}],"x":3}"#;

    #[test]
    fn the_three_forms() {
        assert_eq!(
            read(Kind::Threatfox, CSV),
            [
                "blank",
                "blank",
                "3 192.0.2.1:4444 Cobalt Strike 20090-20091 100%",
                "drop on a site that belongs to a victim",
                "drop a hash that is no SHA-256",
            ]
        );
        assert_eq!(read(Kind::Threatfox, OLD), ["1 evil.example Mirai 20090-0 50%"]);
        assert_eq!(
            read(Kind::Threatfox, API),
            ["2 192.0.2.1:80 Mirai 20090-0 75%", "3 wrong a record that cannot be read: missing field `ioc`"]
        );
        assert_eq!(
            read(Kind::Threatfox, BULK),
            [
                "1 192.0.2.9:1 Mirai 20090-0 50%",
                "2 evil.example elf.gafgyt",
                "2 wrong not an array of records"
            ]
        );
        assert_eq!(
            read(Kind::Threatfox, r#"{"query_status":"no_result","data":"x"}"#),
            [r#"1 fail the answer holds no data, its query_status is "no_result""#]
        );
    }

    #[test]
    fn damage() {
        for text in [CSV, API, BULK] {
            hostile(Kind::Threatfox, text);
        }
    }
}
