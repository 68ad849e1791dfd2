//! Spamhaus DROP: blocks of addresses that belong to criminals; a JSON object a line, or text with `;` comments.

use serde::Deserialize;

use super::{Item, Taker, lines, reason, value};

#[derive(Deserialize)]
struct Row {
    cidr: Option<String>,
    r#type: Option<String>,
}

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let line = line.trim();
        if line.starts_with('{') {
            match serde_json::from_str::<Row>(line) {
                Ok(Row { cidr: Some(cidr), .. }) => value::read(&cidr).pass(number, Item::new, taker),
                Ok(Row { r#type: Some(kind), .. }) if kind == "metadata" => taker.drop(reason::ABOUT),
                Ok(_) => taker.wrong(number, "no \"cidr\" in this record".to_owned()),
                Err(error) => taker.wrong(number, format!("a record that cannot be read: {error}")),
            }
            continue;
        }
        let bare = line.split(';').next().unwrap_or_default().trim();
        if bare.is_empty() || bare.starts_with('#') {
            taker.blank();
        } else if bare.contains(|c: char| c.is_whitespace() || c == ',') {
            taker.wrong(number, "more than a block of addresses before the `;`".to_owned());
        } else {
            value::read(bare).pass(number, Item::new, taker);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const JSON: &str = "{\"cidr\":\"198.51.100.0\\/24\",\"sblid\":\"SBL1\",\"rir\":\"x\"}\n{\"cidr\":\"2001:db8::/32\",\"sblid\":\"SBL2\"}\n{\"sblid\":\"x\"}\n{\"type\":\"metadata\",\"records\":2}\n";
    const TEXT: &str = "; Spamhaus DROP List\n198.51.100.0/24 ; SBL1\n198.51.100.1/24 ; SBL2\na b ; c\n";

    #[test]
    fn both_forms() {
        assert_eq!(
            read(Kind::Drop, JSON),
            [
                "1 198.51.100.0/24",
                "2 2001:db8::/32",
                "3 wrong no \"cidr\" in this record",
                "drop about the feed itself"
            ]
        );
        assert_eq!(
            read(Kind::Drop, TEXT),
            [
                "blank",
                "2 198.51.100.0/24",
                "3 wrong 198.51.100.1/24 has host bits set: write 198.51.100.0/24 for the network or 198.51.100.1 for the one address",
                "4 wrong more than a block of addresses before the `;`",
            ]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Drop, JSON);
        hostile(Kind::Drop, TEXT);
    }
}
