//! FireHOL ipsets and netsets, one address or block a line; and IPsum, an address and on how many lists it is.

use super::{Item, Taker, Value, lines, value};
use crate::list::Subject;

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default().trim();
        if bare.is_empty() {
            taker.blank();
        } else {
            address(number, bare, taker);
        }
    }
}

pub(super) fn ipsum(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default();
        let mut words = bare.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => taker.blank(),
            (Some(word), count, None) if count.is_none_or(|count| count.parse::<u32>().is_ok()) => {
                address(number, word, taker);
            }
            _ => taker.wrong(number, "not an address and a count".to_owned()),
        }
    }
}

fn address(number: u32, word: &str, taker: &mut dyn Taker) {
    match value::read(word) {
        Value::Subject(subject @ Subject::Addresses(..)) => taker.take(number, vec![Item::new(subject)]),
        Value::Wrong(what) => taker.wrong(number, what),
        Value::Subject(_) | Value::Useless(_) => taker.wrong(number, format!("{word:?} is not an address")),
    }
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const SET: &str =
        "#\n# x\n# ipv4 hash:net ipset\n198.51.100.0/24\n192.0.2.1\nevil.example\n192.0.2.1 192.0.2.2\n";
    const SUM: &str = "# IPsum\n192.0.2.1\t10\n192.0.2.2\n192.0.2.3\tmany\n";

    #[test]
    fn sets_and_sums() {
        assert_eq!(
            read(Kind::Ipset, SET).get(3..),
            Some(
                &[
                    "4 198.51.100.0/24".to_owned(),
                    "5 192.0.2.1".to_owned(),
                    "6 wrong \"evil.example\" is not an address".to_owned(),
                    "7 wrong \"192.0.2.1 192.0.2.2\" is not a domain name: write it as it is asked for"
                        .to_owned(),
                ][..]
            )
        );
        assert_eq!(
            read(Kind::Ipsum, SUM),
            ["blank", "2 192.0.2.1", "3 192.0.2.2", "4 wrong not an address and a count"]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Ipset, SET);
        hostile(Kind::Ipsum, SUM);
    }
}
