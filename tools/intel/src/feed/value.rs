//! One value of a feed: an address, a domain, a URL or a hash, also defanged.

use std::net::IpAddr;

use crate::date;
use crate::domain;
use crate::feed::{Value, reason};
use crate::list::{self, MAX_FAMILY, Span, Subject};
use crate::number;

/// Reads a value.
pub(crate) fn read(text: &str) -> Value {
    let plain = refang(text.trim());
    if plain.is_empty() {
        return Value::Wrong("nothing where a value should be".to_owned());
    }
    if let Some(hash) = hash(&plain) {
        return hash;
    }
    if let Some((scheme, rest)) = plain.split_once("://") {
        return url(scheme, rest);
    }
    let (front, path) = plain.split_once('/').unwrap_or((&plain, ""));
    // `192.0.2.0/24` and what is meant so; `192.0.2.1/x` is a place, as `192.0.2.1:80/x` is.
    let like_length = !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_block = like_length && front.parse::<IpAddr>().is_ok();
    if front.len() < plain.len() && !is_block {
        // `192.0.2.1:80/x` and `192.0.2.1/x` are places on a server; the server is what a router sees.
        return match list::target(front) {
            Ok((span, port)) => Value::Subject(Subject::Addresses(span, port)),
            Err(_) if domain::name(front).is_ok() => Value::Useless(reason::PART_OF_SITE),
            Err(what) => Value::Wrong(what),
        };
    }
    // As URLs write it.
    let bare = plain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&plain);
    host(bare, 0)
}

/// The ends of a range of addresses, `FIRST-LAST`.
fn ends(text: &str) -> Option<(IpAddr, IpAddr)> {
    let address = |text: &str| refang(text.trim()).parse().ok();
    let (first, last) = text.split_once(['-', '–'])?;
    Some((address(first)?, address(last)?))
}

/// Whether it is a range of addresses.
pub(crate) fn is_range(text: &str) -> bool {
    ends(text).is_some()
}

/// Reads a value that may be a range: as the networks that make it up.
pub(crate) fn read_all(text: &str) -> Vec<Value> {
    match ends(text).map(|(first, last)| Span::between(first, last)) {
        None => vec![read(text)],
        Some(Ok(spans)) => {
            spans.into_iter().map(|span| Value::Subject(Subject::Addresses(span, 0))).collect()
        }
        Some(Err(what)) => vec![Value::Wrong(format!("{:?} {what}", text.trim()))],
    }
}

/// Reads a host, with its port or without, and takes `default` for a port that is not there.
fn host(text: &str, default: u16) -> Value {
    match list::target(text) {
        Ok((span, 0)) if span.is_single() => Value::Subject(Subject::Addresses(span, default)),
        Ok((span, port)) => Value::Subject(Subject::Addresses(span, port)),
        Err(what) if looks_like_address(text) => Value::Wrong(what),
        Err(_) => {
            let name = match text.rsplit_once(':') {
                Some((name, port)) if number::port(port).is_some() => name,
                _ => text,
            };
            match domain::name(name) {
                Ok(name) => Value::Subject(Subject::Domain(name)),
                Err(what) => Value::Wrong(what),
            }
        }
    }
}

/// Whether it is made of nothing but what addresses are made of: then it is no name.
pub(crate) fn looks_like_address(text: &str) -> bool {
    text.starts_with('[')
        || text.matches(':').count() > 1
        || text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'/'))
}

/// The host of a URL: an address is listed on the port of the URL, a name on all.
fn url(scheme: &str, rest: &str) -> Value {
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let default = match &*scheme.to_ascii_lowercase() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "ftp" => 21,
        "tftp" => 69,
        _ => 0,
    };
    if let Some(address) = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return host(address, default);
    }
    host(place, default)
}

/// Whether a URL has a path of its own below its host.
pub(crate) fn has_path(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once(['/', '?', '#']).is_some_and(|(_, path)| !path.is_empty())
}

/// Takes out what keeps an indicator from being clicked on.
pub(crate) fn refang(text: &str) -> String {
    let mut plain = text.to_owned();
    for (from, to) in [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[.", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[DOT]", "."),
        ("\\.", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
    ] {
        if plain.contains(from) {
            plain = plain.replace(from, to);
        }
    }
    // A scheme only where it is one: there are names that begin so.
    if let Some((scheme, rest)) = plain.split_once("://") {
        let known = [("hxxps", "https"), ("hxxp", "http"), ("fxp", "ftp")];
        if let Some((_, to)) = known.iter().find(|(from, _)| scheme.eq_ignore_ascii_case(from)) {
            plain = format!("{to}://{rest}");
        }
    }
    plain
}

/// A hash, by the number of its digits.
fn hash(text: &str) -> Option<Value> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match text.len() {
        64 => {
            let mut digest = [0; 32];
            for (slot, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
                *slot = str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
            }
            Some(Value::Subject(Subject::Hash(digest)))
        }
        32 | 40 | 56 | 96 | 128 => Some(Value::Useless(reason::OTHER_HASH)),
        _ => None,
    }
}

/// A family's name as one word in lower case: `elf_mirai`, `win.trickbot` and `TrickBot` are of one sort.
pub(crate) fn family_word(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let mut bare = lower.as_str();
    for prefix in ["elf", "win", "apk", "osx", "js", "ps1", "py", "jar"] {
        let rest = bare.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(['.', '_']));
        if let Some(rest) = rest {
            bare = rest;
            break;
        }
    }
    // Of the names of reports, which begin with a date.
    if let Some((front, rest)) = bare.split_at_checked(11)
        && front.ends_with(['-', '_'])
        && day(front) != 0
    {
        bare = rest;
    }
    let mut word = String::new();
    for c in bare.chars() {
        let c = if c.is_alphanumeric() || matches!(c, '.' | '_' | '+') { c } else { '-' };
        if (c == '-' && (word.is_empty() || word.ends_with('-')))
            || word.len().saturating_add(c.len_utf8()) > MAX_FAMILY
        {
            continue;
        }
        word.push(c);
    }
    let word = word.trim_matches('-');
    let unknown = matches!(word, "" | "unknown" | "unknown-malware" | "none" | "null" | "n-a");
    (!unknown).then(|| word.to_owned())
}

/// The day at the front of a date and time, in days since 1970; 0 when there is none.
pub(crate) fn day(text: &str) -> u16 {
    text.trim().get(..10).and_then(|date| date::day(date).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> String {
        match read(text) {
            Value::Subject(Subject::Addresses(span, port)) if port != 0 => format!("{span}:{port}"),
            Value::Subject(subject) => subject.to_string(),
            Value::Useless(why) => format!("({why})"),
            Value::Wrong(_) => "wrong".to_owned(),
        }
    }

    #[test]
    fn values_of_feeds() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192[.]0[.]2[.]1", "192.0.2.1"),
            ("192.0.2[.]1:4", "192.0.2.1:4"),
            ("192.0.2[.1", "192.0.2.1"),
            ("hxxp://192.0.2.1/x", "192.0.2.1:80"),
            ("hxxps[:]//192.0.2[.]1", "192.0.2.1:443"),
            ("HXXP://192.0.2.1:8080/a?b", "192.0.2.1:8080"),
            ("http://user:pass@192.0.2.1/", "192.0.2.1:80"),
            ("http://evil.example@192.0.2.1/", "192.0.2.1:80"),
            ("http://192.0.2.1#@good.example/", "192.0.2.1:80"),
            ("http://192.0.2.1\\@good.example/", "192.0.2.1:80"),
            ("https://[2001:db8::1]/x", "2001:db8::1:443"),
            ("https://[2001:db8::1]:8443/x", "2001:db8::1:8443"),
            ("[0:0:0:0:0:ffff:c000:201]:53", "192.0.2.1:53"),
            ("198.51.100.0/24", "198.51.100.0/24"),
            ("198.51.100.1/24", "wrong"),
            ("192.0.2.1:80/bins/x", "192.0.2.1:80"),
            ("192.0.2.1/x", "192.0.2.1"),
            ("192.0.2.1/", "192.0.2.1"),
            ("192.0.2.1/1/2", "192.0.2.1"),
            ("2001:db8::1/x", "2001:db8::1"),
            ("192.0.2.0/255.255.255.0", "wrong"),
            ("192.0.2.0/33", "wrong"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[192.0.2.1]", "192.0.2.1"),
            ("fxp.example", "fxp.example"),
            ("hxxp.example", "hxxp.example"),
            ("hxxps-x.example", "hxxps-x.example"),
            ("fxp://192.0.2.1/x", "192.0.2.1:21"),
            ("evil.example/x", "(a page or path of a site, not all of it)"),
            ("hxxp://evil[.]example/x", "evil.example"),
            ("Evil.Example.", "evil.example"),
            ("evil.example:8080", "evil.example"),
            ("192.0.2.256", "wrong"),
            ("192.0.2.1:0", "wrong"),
            ("192.0.2.1:70000", "wrong"),
            ("1.2.3", "wrong"),
            ("", "wrong"),
            ("http://", "wrong"),
            ("http:///x", "wrong"),
            ("com", "wrong"),
            ("d41d8cd98f00b204e9800998ecf8427e", "(a hash that is no SHA-256)"),
            ("fe80::1%eth0", "wrong"),
        ] {
            assert_eq!(word(text), expected, "{text}");
        }
        assert!(word(&"ab".repeat(32)).starts_with("sha256:abab"));
    }

    #[test]
    fn ranges_are_the_networks_that_make_them_up() {
        for (text, expected) in [
            ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.1 - 192.0.2.6", "192.0.2.1 192.0.2.2/31 192.0.2.4/31 192.0.2.6"),
            ("192[.]0.2.7-192.0.2[.]7", "192.0.2.7"),
            ("198.51.100.255–198.51.101.0", "198.51.100.255 198.51.101.0"),
            ("2001:db8::-2001:db8::2", "2001:db8::/127 2001:db8::2"),
            ("192.0.2.9-192.0.2.8", "wrong"),
            ("192.0.2.9-2001:db8::", "wrong"),
            ("0.0.0.0-255.255.255.255", "wrong"),
            ("1.0.0.0-2.0.0.0", "wrong"),
            ("::-ffff::", "wrong"),
            ("a-b.example", "a-b.example"),
            ("192.0.2.9-x", "192.0.2.9-x"),
            ("192.0.2.9-10", "wrong"),
        ] {
            let words: Vec<String> = read_all(text)
                .into_iter()
                .map(|value| match value {
                    Value::Subject(subject) => subject.to_string(),
                    Value::Useless(_) | Value::Wrong(_) => "wrong".to_owned(),
                })
                .collect();
            assert_eq!(words.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn families_are_one_word() {
        for (text, expected) in [
            ("TrickBot", Some("trickbot")),
            ("win.trickbot", Some("trickbot")),
            ("elf_mirai", Some("mirai")),
            ("Cobalt Strike", Some("cobalt-strike")),
            ("2024-02-08-Pikabot", Some("pikabot")),
            ("a=b#c\u{1b}", Some("a-b-c")),
            ("Unknown malware", None),
            ("", None),
            ("elf", Some("elf")),
        ] {
            assert_eq!(family_word(text).as_deref(), expected, "{text}");
        }
        assert!(family_word(&"é".repeat(100)).is_some_and(|word| word.len() <= MAX_FAMILY));
    }
}
