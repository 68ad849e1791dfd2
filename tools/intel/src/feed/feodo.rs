//! Feodo Tracker of abuse.ch: `ipblocklist` as CSV, JSON or text; servers that command bots, with their port.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::csv::{self, Columns};
use super::json::{self, Loose, Records};
use super::{Item, Seen, Taker, lines, value};

const COLUMNS: [&str; 6] = ["first_seen_utc", "dst_ip", "dst_port", "c2_status", "last_online", "malware"];

/// A record of the JSON form.
#[derive(Deserialize)]
struct Row {
    ip_address: String,
    #[serde(default)]
    port: Loose,
    #[serde(default)]
    first_seen: Loose,
    #[serde(default)]
    last_online: Loose,
    #[serde(default)]
    malware: Loose,
}

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    if text.trim_start().starts_with('[') {
        let Some(rows) = json::whole::<Vec<&RawValue>>(text, taker) else { return };
        let mut records = Records::new(text);
        for record in rows {
            let Some((line, row)) = records.read::<Row>(record, taker) else { continue };
            let fields =
                [&row.ip_address, &row.port.0, &row.first_seen.0, &row.last_online.0, &row.malware.0];
            take(line, fields.map(String::as_str), taker);
        }
        return;
    }
    let mut columns = Columns::new(&COLUMNS);
    for (number, line) in lines(text) {
        if line.trim().is_empty() || line.starts_with('#') || columns.header(line) {
            taker.blank();
        } else if line.contains(',') {
            match csv::fields(line) {
                Ok(row) if columns.fits(&row) => {
                    let field = |name| columns.get(&row, name);
                    let names = ["dst_ip", "dst_port", "first_seen_utc", "last_online", "malware"];
                    take(number, names.map(field), taker);
                }
                Ok(row) => taker.wrong(number, format!("{} fields, not {}", row.len(), COLUMNS.len())),
                Err(what) => taker.wrong(number, what),
            }
        } else {
            value::read(line).pass(number, Item::new, taker);
        }
    }
}

/// Takes an address, its port, when it was seen first and last, and whose it is.
fn take(line: u32, [address, port, first, last, family]: [&str; 5], taker: &mut dyn Taker) {
    let endpoint = match (port, address.contains(':')) {
        ("" | "0", _) => address.to_owned(),
        (port, true) => format!("[{address}]:{port}"),
        (port, false) => format!("{address}:{port}"),
    };
    let seen = Seen { first: value::day(first), last: value::day(last), confidence: 0 };
    let family = Some(family.to_owned());
    value::read(&endpoint).pass(line, |subject| Item { family, seen, ..Item::new(subject) }, taker);
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const CSV: &str = "# banner\r\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\r\n\
        \"2021-01-17 07:44:46\",\"192.0.2.1\",\"443\",\"online\",\"2021-12-20\",\"TrickBot\"\r\n\
        \"2021-01-17 07:44:46\",\"192.0.2.2\",\"99999\",\"online\",\"\",\"TrickBot\"\r\n\
        \"2021-01-17 07:44:46\",\"192.0.2.3\",\"449\",\"offline\",\"\",\"Dridex\"\r\n\
        # END 3 entries";
    const JSON: &str = r#"[
        {"ip_address":"192.0.2.1","port":443,"status":"online","hostname":null,"as_number":1,"first_seen":"2021-01-17 07:44:46","last_online":"2021-12-20","malware":"Dridex"},
        {"ip_address":"192.0.2.2","port":8080,"first_seen":"2021-01-17 07:44:46","last_online":null,"malware":"Emotet"},
        {"port":8080}
    ]"#;

    #[test]
    fn the_three_forms() {
        assert_eq!(
            read(Kind::Feodo, CSV),
            [
                "blank",
                "blank",
                "3 192.0.2.1:443 TrickBot 18644-18981 0%",
                "4 wrong \"99999\" is not a port: write a number from 1 to 65535, or no port for every port",
                "5 192.0.2.3:449 Dridex 18644-0 0%",
                "blank",
            ]
        );
        assert_eq!(
            read(Kind::Feodo, JSON),
            [
                "2 192.0.2.1:443 Dridex 18644-18981 0%",
                "3 192.0.2.2:8080 Emotet 18644-0 0%",
                "4 wrong a record that cannot be read: missing field `ip_address`",
            ]
        );
        assert_eq!(read(Kind::Feodo, "# x\n192.0.2.1\n"), ["blank", "2 192.0.2.1"]);
        assert_eq!(read(Kind::Feodo, "[{"), ["1 fail EOF while parsing an object"]);
    }

    #[test]
    fn damage() {
        hostile(Kind::Feodo, CSV);
        hostile(Kind::Feodo, JSON);
    }
}
