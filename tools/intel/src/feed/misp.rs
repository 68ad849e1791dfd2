//! MISP feeds: `manifest.json`, which lists the events, and a JSON file for each event.

use gatewatch::intel::layout::DAY_S;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, Loose, Object, Records};
use super::{Item, Seen, Taker, family_word, reason, value};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, rename = "Event")]
    event: Event<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(default)]
    info: Loose,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
    #[serde(default, borrow, rename = "Attribute")]
    attributes: Vec<&'a RawValue>,
    #[serde(default, borrow, rename = "Object")]
    objects: Vec<Composite<'a>>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Composite<'a> {
    #[serde(default)]
    deleted: Loose,
    #[serde(default, borrow, rename = "Attribute")]
    attributes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Attribute {
    r#type: String,
    value: String,
    /// A flag, or as older versions write it a number or a text.
    #[serde(default)]
    to_ids: Loose,
    #[serde(default)]
    deleted: Loose,
    #[serde(default)]
    first_seen: Loose,
    #[serde(default)]
    last_seen: Loose,
    #[serde(default)]
    timestamp: Loose,
}

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    let Some(object) = json::whole::<Object<'_>>(text, taker) else { return };
    if !object.contains_key("Event") {
        if is_manifest(&object) {
            object.values().for_each(|_| taker.drop(reason::ABOUT));
        } else {
            taker.fail(1, "neither an event nor a manifest of a MISP feed".to_owned());
        }
        return;
    }
    let Some(File { event }) = json::whole::<File<'_>>(text, taker) else { return };
    let family = family(&event);
    let mut attributes: Vec<(&RawValue, bool)> =
        event.attributes.into_iter().map(|attribute| (attribute, false)).collect();
    for object in event.objects {
        let is_gone = is_set(&object.deleted);
        attributes.extend(object.attributes.into_iter().map(|attribute| (attribute, is_gone)));
    }
    attributes.sort_by_key(|(attribute, _)| attribute.get().as_ptr().addr());
    let mut records = Records::new(text);
    for (record, is_gone) in attributes {
        match records.read::<Attribute>(record, taker) {
            Some(_) if is_gone => taker.drop(reason::NOT_FOR_MATCHING),
            Some((line, attribute)) => take(line, &attribute, family.as_ref(), taker),
            None => {}
        }
    }
}

/// Whether a flag is there and set.
fn is_set(flag: &Loose) -> bool {
    matches!(flag.0.as_str(), "true" | "1")
}

/// An object of events by their identifier.
pub(super) fn is_manifest(object: &Object<'_>) -> bool {
    !object.is_empty()
        && object.iter().all(|(key, value)| key.len() == 36 && value.get().contains("\"Orgc\""))
}

/// The malware that a tag names, or what the event says it is about.
fn family(event: &Event<'_>) -> Option<String> {
    let named = event.tags.iter().find_map(|tag| {
        let (kind, value) = tag.name.split_once('=')?;
        let is_malware =
            ["malpedia", "mitre-malware", "tool", "botnet", "ransomware", "rat", "banker", "stealer"]
                .iter()
                .any(|sort| kind.strip_prefix("misp-galaxy:").is_some_and(|own| own == *sort));
        // ATT&CK adds its number: "Mirai - S0001".
        let value = value.trim_matches('"');
        is_malware.then(|| value.split(" - S").next().unwrap_or(value).to_owned())
    });
    named.or_else(|| family_word(&event.info.0))
}

fn take(line: u32, attribute: &Attribute, family: Option<&String>, taker: &mut dyn Taker) {
    // Without a flag it is meant.
    if is_set(&attribute.deleted) || !(attribute.to_ids.0.is_empty() || is_set(&attribute.to_ids)) {
        return taker.drop(reason::NOT_FOR_MATCHING);
    }
    let text = attribute.value.trim();
    let parts: Vec<String> = match attribute.r#type.as_str() {
        "ip-dst" | "ip-src" | "domain" | "hostname" | "url" | "uri" | "sha256" => vec![text.to_owned()],
        "ip-dst|port" | "ip-src|port" | "hostname|port" => match text.rsplit_once('|') {
            Some((host, port)) if host.contains(':') => vec![format!("[{host}]:{port}")],
            Some((host, port)) => vec![format!("{host}:{port}")],
            None => vec![text.to_owned()],
        },
        "filename|sha256" => vec![text.rsplit('|').next().unwrap_or(text).to_owned()],
        "domain|ip" => text.split('|').map(str::to_owned).collect(),
        "md5" | "sha1" | "filename|md5" | "filename|sha1" | "sha224" | "sha384" | "sha512" => {
            return taker.drop(reason::OTHER_HASH);
        }
        _ => return taker.drop(reason::OTHER_TYPE),
    };
    let seconds: u64 = attribute.timestamp.0.parse().unwrap_or(0);
    let stamp = u16::try_from(seconds.checked_div(DAY_S).unwrap_or(0)).unwrap_or(0);
    let or_stamp = |day: u16| if day == 0 { stamp } else { day };
    let (first, last) = (value::day(&attribute.first_seen.0), value::day(&attribute.last_seen.0));
    let seen = Seen { first: or_stamp(first), last: or_stamp(last), confidence: 0 };
    let fill = |subject| Item { family: family.cloned(), seen, ..Item::new(subject) };
    super::pass_all(parts.iter().map(|part| value::read(part)), line, fill, taker);
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const EVENT: &str = r#"{"Event":{"info":"test_campaign","date":"2025-01-02","Tag":[{"name":"tlp:clear"},{"name":"misp-galaxy:mitre-malware=\"Mirai - S0001\""}],"Attribute":[
        {"type":"ip-dst|port","value":"192.0.2.1|80","to_ids":true,"timestamp":"1735776000"},
        {"type":"domain","value":"evil.example","to_ids":true,"first_seen":"2025-01-01T00:00:00+00:00","timestamp":"1735776000"},
        {"type":"domain","value":"good.example","to_ids":false},
        {"type":"md5","value":"d41d8cd98f00b204e9800998ecf8427e","to_ids":true},
        {"type":"comment","value":"x","to_ids":true},
        {"type":"ip-src"},
        {"type":"ip-dst","value":"192.0.2.3","to_ids":"1"},{"type":"ip-dst","value":"192.0.2.4","to_ids":0},{"type":"ip-dst","value":"192.0.2.5"},
        {"type":"ip-dst","value":"192.0.2.6","to_ids":true,"deleted":1}],
        "Object":[{"Attribute":[{"type":"domain|ip","value":"b.example|192.0.2.2","to_ids":true}]},
        {"deleted":true,"Attribute":[{"type":"ip-dst","value":"192.0.2.7","to_ids":true}]}]}}"#;
    const MANIFEST: &str =
        r#"{"0dbb179a-1c8c-4e7c-a264-2440414dbac8":{"Orgc":{"name":"x"},"info":"y","date":"2025-01-02"}}"#;

    #[test]
    fn events_and_the_manifest() {
        assert_eq!(
            read(Kind::Misp, EVENT),
            [
                "2 192.0.2.1:80 Mirai 20090-20090 0%",
                "3 evil.example Mirai 20089-20090 0%",
                "drop not meant for matching, or taken back",
                "drop a hash that is no SHA-256",
                "drop of a type that a router does not see",
                "7 wrong a record that cannot be read: missing field `value`",
                "8 192.0.2.3 Mirai",
                "drop not meant for matching, or taken back",
                "8 192.0.2.5 Mirai",
                "drop not meant for matching, or taken back",
                "10 b.example Mirai & 192.0.2.2 Mirai",
                "drop not meant for matching, or taken back",
            ]
        );
        assert_eq!(read(Kind::Misp, MANIFEST), ["drop about the feed itself"]);
        assert_eq!(read(Kind::Misp, "{}"), ["1 fail neither an event nor a manifest of a MISP feed"]);
    }

    #[test]
    fn damage() {
        hostile(Kind::Misp, EVENT);
        hostile(Kind::Misp, MANIFEST);
    }
}
