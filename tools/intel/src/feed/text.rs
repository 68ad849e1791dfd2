//! Text with indicators in it: lists of bare addresses, reports, tables of a blog, defanged or not.
//!
//! An address, an endpoint, a network and a SHA-256 are taken wherever they stand. A name is taken where it is defanged or
//! opens its line, since a report names many that are good. So it is with URLs: one that is not defanged is a reference,
//! unless its host is an address or the line is nothing else.

use super::{Item, Seen, Taker, Value, reason, value};
use crate::list::Subject;

/// Endings of files that are top-level domains too.
const FILES: [&str; 14] =
    ["sh", "py", "pl", "so", "zip", "ps", "md", "rs", "cc", "mov", "app", "gz", "id", "bin"];
const LINK: &str = "a link that is not defanged: a reference";

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    for (number, line) in super::lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';', '!']) || line.starts_with("//") {
            taker.blank();
            continue;
        }
        record(number, line, taker);
    }
}

fn record(number: u32, line: &str, taker: &mut dyn Taker) {
    let words: Vec<&str> = line
        .split(|c: char| {
            c.is_whitespace() || matches!(c, ',' | '"' | '|' | '`' | '\'' | '<' | '>' | ';' | '*')
        })
        .map(trim)
        .filter(|word| !word.is_empty())
        .collect();
    // After a remark sign only remarks follow.
    let mut words = words.split(|word| word.starts_with('#')).next().unwrap_or_default();
    let (seen, is_alone, mut is_first) = (dates(words), words.len() == 1, true);
    let mut values = Vec::new();
    while let Some((word, rest)) = words.split_first() {
        // A range may have blanks around its dash.
        let wide = match rest {
            ["-" | "–", last, after @ ..] => Some((format!("{word}-{last}"), after)),
            _ => None,
        };
        let (word, rest) = match &wide {
            Some((range, after)) if value::is_range(range) => (range.as_str(), *after),
            _ => (*word, rest),
        };
        if value::is_range(word) {
            values.extend(value::read_all(word));
        } else {
            values.extend(read(word, is_first, is_alone));
        }
        (words, is_first) = (rest, false);
    }
    if values.is_empty() {
        return taker.drop("words without an indicator");
    }
    super::pass_all(values, number, |subject| Item { seen, ..Item::new(subject) }, taker);
}

/// Takes off what writing puts around a word.
fn trim(word: &str) -> &str {
    let word = word.trim_end_matches(['.', ':', '!', '?']);
    let word = match word.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')').unwrap_or(inner),
        None if word.ends_with(')') && !word.contains('(') => word.trim_end_matches(')'),
        None => word,
    };
    word.trim_end_matches(['.', ':'])
}

/// A word that may be an indicator; nothing when it is just a word.
fn read(word: &str, is_first: bool, is_alone: bool) -> Option<Value> {
    let plain = value::refang(word);
    let defanged = plain != word;
    if plain.contains("://") {
        let value = value::read(&plain);
        let is_name = matches!(value, Value::Subject(Subject::Domain(_)));
        return Some(if is_name && !defanged && !is_alone { Value::Useless(LINK) } else { value });
    }
    let hex = plain.len() >= 32 && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
    let dots = plain.split('/').next().unwrap_or_default().matches('.').count();
    let like_address = value::looks_like_address(&plain);
    if hex {
        return Some(value::read(&plain));
    }
    if like_address {
        // Four numbers, a v6 address; not a time, a version or an amount.
        let is_v6 = plain.matches(':').count() > 1 && plain.contains("::")
            || plain.matches(':').count() >= 7
            || plain.starts_with('[') && plain.contains("]:");
        return (dots == 3 || is_v6).then(|| value::read(&plain));
    }
    let address = plain.split('/').next().unwrap_or_default();
    if crate::list::target(address).is_ok() {
        return Some(value::read(&plain));
    }
    let host = plain.split(['/', ':']).next().unwrap_or_default();
    if dots == 0 || !(defanged || is_first || is_alone) {
        return None;
    }
    let name = crate::domain::name(host).ok()?;
    let known =
        psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known()) || name.ends_with(".onion");
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_file = !defanged && FILES.contains(&last);
    let example = matches!(last, "example" | "test" | "invalid") && (defanged || is_alone);
    if !(known || example) || is_file {
        return None;
    }
    if value::has_path(&plain) {
        return Some(Value::Useless(reason::PART_OF_SITE));
    }
    Some(Value::Subject(Subject::Domain(name)))
}

/// When the line says that it was seen: the earliest and the latest date on it.
fn dates(words: &[&str]) -> Seen {
    let days: Vec<u16> = words.iter().map(|word| value::day(word)).filter(|day| *day != 0).collect();
    let first = days.iter().min().copied().unwrap_or(0);
    let last = days.iter().max().copied().unwrap_or(0);
    Seen { first, last, confidence: 0 }
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const TEXT: &str = "# remark\n\
        Indicators of the Example campaign, see https://blog.example.com/report\n\
        192.0.2.1\n\
        192[.]0[.]2[.]2\t2025-01-02 2025-02-03\n\
        192.0.2[.]3:4444, 192.0.2.4:80 (loader).\n\
        hxxp://192.0.2.5/bins.sh\n\
        Update_mips32.sh and qwert_8h_mips32 at 10:42:13, version 1.2.3\n\
        evil[.]example.com\n\
        evil2.com   tier 1\n\
        contact us at good.com\n\
        https://evil3.com/x\n\
        2001:db8::1\n\
        192.0.2.256\n\
        198.51.100.0/24 # net\n\
        source port 7777,11288\n\
        install.sh\n\
        192.0.2.16-192.0.2.19 and 192.0.2.24 - 192.0.2.25, **192.0.2.30**\n\
        [192.0.2.31] 192.0.2.300\n\
        fxpool.example.com\n";

    #[test]
    fn indicators_in_text() {
        let words = "drop words without an indicator";
        assert_eq!(
            read(Kind::Text, TEXT),
            [
                "blank",
                "drop a link that is not defanged: a reference",
                "3 192.0.2.1",
                "4 192.0.2.2 20090-20122 0%",
                "5 192.0.2.3:4444 & 192.0.2.4:80",
                "6 192.0.2.5:80",
                words,
                "8 evil.example.com",
                "9 evil2.com",
                words,
                "11 evil3.com",
                "12 2001:db8::1",
                "13 wrong \"192.0.2.256\" is not an IP address: a line begins with an address or a name, URLs are not read",
                "14 198.51.100.0/24",
                words,
                words,
                "17 192.0.2.16/30 & 192.0.2.24/31 & 192.0.2.30",
                "18 part \"192.0.2.300\" is not an IP address: a line begins with an address or a name, URLs are not read",
                "18 192.0.2.31",
                "19 fxpool.example.com",
            ]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Text, TEXT);
    }
}
