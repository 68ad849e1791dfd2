//! FireHOL ipsets and netsets, one address, block or range a line, or what `ipset save` writes; and IPsum, an address and on how
//! many lists it is.

use super::{Item, Taker, Value, lines, reason, value};
use crate::list::Subject;

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default().trim();
        match bare.split_once(char::is_whitespace) {
            _ if bare.is_empty() => taker.blank(),
            Some(("create" | "-N", _)) => taker.drop(reason::ABOUT),
            Some(("add" | "-A", entry)) => saved(number, entry, taker),
            _ => address(number, bare, taker),
        }
    }
}

/// An entry as `ipset save` writes it, `SET ADDRESS[,PROTOCOL:PORT] [OPTION]...`, see ipset(8).
fn saved(number: u32, entry: &str, taker: &mut dyn Taker) {
    let mut words = entry.split_ascii_whitespace().skip(1);
    let Some(entry) = words.next() else {
        return taker.wrong(number, "a set, and nothing that is added to it".to_owned());
    };
    // What is in a listed network and not meant.
    if words.any(|word| word == "nomatch") {
        return taker.drop(reason::NOT_FOR_MATCHING);
    }
    match entry.split_once(',') {
        None => address(number, entry, taker),
        Some((host, port)) => {
            let port = port.rsplit_once(':').map_or(port, |(_, port)| port);
            match (value::read(host), crate::number::port(port)) {
                (Value::Subject(Subject::Addresses(span, 0)), Some(port)) if span.is_single() => {
                    taker.take(number, vec![Item::new(Subject::Addresses(span, port))]);
                }
                (Value::Wrong(what), _) => taker.wrong(number, what),
                _ => taker.wrong(number, format!("{entry:?} is not an address and a port")),
            }
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
    let address = |value| match value {
        Value::Subject(Subject::Addresses(..)) | Value::Wrong(_) => value,
        Value::Subject(_) | Value::Useless(_) => Value::Wrong(format!("{word:?} is not an address")),
    };
    super::pass_all(value::read_all(word).into_iter().map(address), number, Item::new, taker);
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
    fn a_saved_set() {
        let text = "create feodo hash:ip,port family inet hashsize 1024 maxelem 65536\nadd feodo 192.0.2.1\n\
            add feodo 192.0.2.2,tcp:8080 timeout 0\nadd feodo 192.0.2.3,443\nadd feodo 198.51.100.0/24\n\
            add feodo 198.51.100.8 nomatch\nadd feodo 192.0.2.4-192.0.2.5\nadd feodo 2001:db8::1,tcp:80\n\
            add feodo 192.0.2.6,eth0\nadd feodo\nadd feodo evil.example comment \"x\"\n";
        assert_eq!(
            read(Kind::Ipset, text),
            [
                "drop about the feed itself",
                "2 192.0.2.1",
                "3 192.0.2.2:8080",
                "4 192.0.2.3:443",
                "5 198.51.100.0/24",
                "drop not meant for matching, or taken back",
                "7 192.0.2.4/31",
                "8 2001:db8::1:80",
                "9 wrong \"192.0.2.6,eth0\" is not an address and a port",
                "10 wrong a set, and nothing that is added to it",
                "11 wrong \"evil.example\" is not an address",
            ]
        );
        hostile(Kind::Ipset, text);
    }

    #[test]
    fn damage() {
        hostile(Kind::Ipset, SET);
        hostile(Kind::Ipsum, SUM);
    }
}
