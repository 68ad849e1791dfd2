//! Patterns of STIX 2, as far as a router can look for what they say (OASIS STIX 2.1, part 9).
//!
//! `[a OR b]` and `[a] OR [b]` give both. `[a AND b]` gives an address with its port, or what one of the two proves
//! alone, a file's hash; anything else needs more than a router sees.

use super::{Value, reason, value};
use crate::list::Subject;

/// What a pattern asks for beside what is read here.
pub(super) const CONDITION: &str = "needs a condition that a router does not see";

/// Comparisons in a pattern: more is no indicator of anything.
const MAX_TERMS: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Left,
    Right,
    Comma,
    Equals,
    Other,
}

/// One comparison.
struct Term {
    path: String,
    values: Vec<String>,
    /// It is `=` or `IN`, and not negated.
    is_equal: bool,
}

/// The values that each prove something alone.
pub(super) fn subjects(pattern: &str) -> Result<Vec<Value>, String> {
    let tokens = tokens(pattern)?;
    let mut found = Vec::new();
    let mut group: Vec<Term> = Vec::new();
    let (mut depth, mut inside, mut joined) = (0u32, false, false);
    let mut terms = 0usize;
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        match token {
            Token::Left if !inside => inside = true,
            Token::Right if inside && depth == 0 => {
                close(&mut group, &mut found);
                inside = false;
            }
            Token::Open => depth = depth.saturating_add(1),
            Token::Close => depth = depth.checked_sub(1).ok_or("a bracket closes that is not open")?,
            // Two observations that must both be made: neither proves it.
            Token::Word(word) if !inside && is(word, &["AND", "FOLLOWEDBY"]) => joined = true,
            Token::Word(word) if inside && is(word, &["OR"]) => {
                if depth > 0 {
                    // `a AND (b OR c)`: kept together, so that none of them counts alone.
                    group.push(Term { path: String::new(), values: Vec::new(), is_equal: false });
                } else {
                    close(&mut group, &mut found);
                }
            }
            Token::Word(word) if inside && is(word, &["AND"]) => {}
            Token::Word(path) if inside && path.contains(':') => {
                terms = terms.saturating_add(1);
                if terms > MAX_TERMS {
                    return Err(format!("more than {MAX_TERMS} comparisons"));
                }
                group.push(term(path, &mut rest)?);
            }
            Token::Word(_) if inside => {
                group.push(Term { path: String::new(), values: Vec::new(), is_equal: false })
            }
            Token::Left | Token::Right => return Err("brackets that do not match".to_owned()),
            Token::Word(_) | Token::Text(_) | Token::Comma | Token::Equals | Token::Other => {}
        }
    }
    if inside || depth != 0 {
        return Err("a bracket does not close".to_owned());
    }
    if joined {
        return Ok(vec![Value::Useless(CONDITION)]);
    }
    if found.is_empty() { Err("no comparison in it".to_owned()) } else { Ok(found) }
}

fn is(word: &str, words: &[&str]) -> bool {
    words.iter().any(|own| word.eq_ignore_ascii_case(own))
}

/// Reads what follows a path: an operator and its values.
fn term<'a>(
    path: &str,
    rest: &mut std::iter::Peekable<impl Iterator<Item = &'a Token>>,
) -> Result<Term, String> {
    let mut is_equal = true;
    let path = path.to_owned();
    loop {
        match rest.next() {
            Some(Token::Equals) => {
                let value = match rest.next() {
                    Some(Token::Text(text) | Token::Word(text)) => text.clone(),
                    _ => return Err(format!("nothing to compare {path} with")),
                };
                return Ok(Term { path, values: vec![value], is_equal });
            }
            Some(Token::Word(word)) if is(word, &["NOT"]) => is_equal = false,
            Some(Token::Word(word)) if is(word, &["IN"]) => {
                let mut values = Vec::new();
                if rest.next() != Some(&Token::Open) {
                    return Err(format!("no list after {path} IN"));
                }
                loop {
                    match rest.next() {
                        Some(Token::Text(text) | Token::Word(text)) => values.push(text.clone()),
                        Some(Token::Comma) => {}
                        Some(Token::Close) => return Ok(Term { path, values, is_equal }),
                        _ => return Err(format!("the list after {path} IN does not end")),
                    }
                }
            }
            // LIKE, MATCHES, <, ISSUBSET: no fixed value.
            Some(Token::Word(_) | Token::Other) => is_equal = false,
            Some(Token::Text(text)) => return Ok(Term { path, values: vec![text.clone()], is_equal: false }),
            _ => return Err(format!("nothing is said of {path}")),
        }
    }
}

/// Takes what comparisons that must all hold prove.
fn close(group: &mut Vec<Term>, found: &mut Vec<Value>) {
    let terms = std::mem::take(group);
    let hash = terms.iter().find(|term| term.is_equal && is_sha256(&term.path));
    if let Some(term) = hash {
        found.extend(term.values.iter().map(|text| value::read(text)));
        return;
    }
    let (mut hosts, mut port, mut other) = (Vec::new(), None, false);
    for term in &terms {
        let (object, property) = term.path.split_once(':').unwrap_or_default();
        match (object, property) {
            _ if !term.is_equal => other = true,
            ("ipv4-addr" | "ipv6-addr" | "domain-name" | "url", "value")
            | ("network-traffic", "dst_ref.value") => hosts.push(&term.values),
            ("network-traffic", "dst_port") => port = term.values.first(),
            ("network-traffic", "dst_ref.type" | "protocols[*]" | "protocols[0]") => {}
            ("file", property) if property.starts_with("hashes") => {
                found.push(Value::Useless(reason::OTHER_HASH));
                return;
            }
            _ => other = true,
        }
    }
    match (hosts.as_slice(), other) {
        ([values], false) => found.extend(values.iter().map(|text| with_port(text, port))),
        ([], false) if terms.is_empty() => {}
        ([], _) if terms.len() == 1 => found.push(Value::Useless(reason::OTHER_TYPE)),
        _ => found.push(Value::Useless(CONDITION)),
    }
}

fn with_port(text: &str, port: Option<&String>) -> Value {
    let port = port.and_then(|port| crate::number::port(port));
    match (value::read(text), port) {
        (Value::Subject(Subject::Addresses(span, 0)), Some(port)) if span.is_single() => {
            Value::Subject(Subject::Addresses(span, port))
        }
        (value, _) => value,
    }
}

fn is_sha256(path: &str) -> bool {
    let plain: String = path.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ':').collect();
    plain.eq_ignore_ascii_case("file:hashesSHA256")
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            c if c.is_whitespace() => continue,
            '[' => Token::Left,
            ']' => Token::Right,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Equals,
            '!' | '<' | '>' => {
                chars.next_if_eq(&'=');
                Token::Other
            }
            '\'' => Token::Text(quoted(&mut chars)?),
            c => {
                // A path holds quotes and brackets of its own: file:hashes.'SHA-256', protocols[0].
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|c| {
                    !c.is_whitespace() && !matches!(c, '=' | '!' | '<' | '>' | '(' | ')' | ',' | ']')
                }) {
                    match next {
                        '\'' => word.push_str(&quoted(&mut chars)?),
                        '[' => {
                            word.push('[');
                            while let Some(inner) = chars.next_if(|c| *c != ']') {
                                word.push(inner);
                            }
                            word.extend(chars.next());
                        }
                        next => word.push(next),
                    }
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

/// The rest of a text in quotes, in which a backslash keeps the next character.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('\'') => return Ok(text),
            Some('\\') => text.extend(chars.next()),
            Some(c) => text.push(c),
            None => return Err("a quote does not end".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str) -> String {
        let Ok(values) = subjects(pattern) else { return "wrong".to_owned() };
        let word = |value: &Value| match value {
            Value::Subject(Subject::Addresses(span, port)) if *port != 0 => format!("{span}:{port}"),
            Value::Subject(Subject::Hash(_)) => "hash".to_owned(),
            Value::Subject(subject) => subject.to_string(),
            Value::Useless(_) => "-".to_owned(),
            Value::Wrong(_) => "bad".to_owned(),
        };
        values.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn patterns() {
        let hash = "0".repeat(64);
        for (pattern, expected) in [
            ("[ipv4-addr:value = '192.0.2.1']", "192.0.2.1"),
            ("[ipv4-addr:value='192.0.2.1' OR domain-name:value = 'evil.example']", "192.0.2.1 evil.example"),
            ("[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '192.0.2.2']", "192.0.2.1 192.0.2.2"),
            ("[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", "192.0.2.1 192.0.2.2"),
            ("[ipv6-addr:value = '2001:db8::1']", "2001:db8::1"),
            ("[ipv4-addr:value = '198.51.100.0/24']", "198.51.100.0/24"),
            ("[url:value = 'https://192.0.2.1:2967/']", "192.0.2.1:2967"),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]",
                "192.0.2.1:443",
            ),
            (&format!("[file:hashes.'SHA-256' = '{hash}']"), "hash"),
            (&format!("[file:hashes.SHA256 = '{hash}' AND file:name = 'x']"), "hash"),
            (&format!("[file:hashes.\"SHA-256\" = '{hash}']"), "hash"),
            ("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", "-"),
            ("[ipv4-addr:value = '192.0.2.1' AND process:name = 'x']", "-"),
            ("[ipv4-addr:value = '192.0.2.1' AND (process:name = 'x' OR process:name = 'y')]", "-"),
            ("[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']", "-"),
            ("[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']", "-"),
            ("[ipv4-addr:value != '192.0.2.1']", "-"),
            ("[ipv4-addr:value NOT = '192.0.2.1']", "-"),
            ("[domain-name:value LIKE 'evil.%']", "-"),
            ("[process:command_line = 'a \\'b\\' c']", "-"),
            (
                "[ipv4-addr:value = '192.0.2.1'] START t'2025-01-01T00:00:00Z' STOP t'2026-01-01T00:00:00Z'",
                "192.0.2.1",
            ),
            ("[ipv4-addr:value = '192.0.2.300']", "bad"),
            ("ipv4-addr:value = '192.0.2.1'", "wrong"),
            ("[ipv4-addr:value = '192.0.2.1", "wrong"),
            ("[ipv4-addr:value]", "wrong"),
            ("rule x { condition: true }", "wrong"),
            ("", "wrong"),
        ] {
            assert_eq!(read(pattern), expected, "{pattern}");
        }
    }
}
