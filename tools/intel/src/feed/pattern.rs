//! Patterns of STIX 2, as far as a router can look for what they say (OASIS STIX 2.1, part 9).
//!
//! `[a OR b]` and `[a] OR [b]` give both. `[a AND b]` gives an address with its port, or what one of the two proves
//! alone, a file's hash; anything else needs more than a router sees. A network with all below it is an indicator too.

use super::{Value, reason, value};
use crate::list::Subject;

/// What a pattern asks for beside what is read here.
pub(super) const CONDITION: &str = "needs a condition that a router does not see";

/// Comparisons in a pattern, and alternatives that come of them: more is no indicator of anything.
const MAX_TERMS: usize = 4096;
/// Brackets in each other.
const MAX_DEPTH: usize = 32;

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
#[derive(Clone, Debug)]
struct Term {
    path: String,
    values: Vec<String>,
    /// It is `=`, `IN` or `ISSUBSET`, and not negated.
    is_equal: bool,
}

impl Term {
    /// One that a router does not see.
    fn unseen() -> Term {
        Term { path: String::new(), values: Vec::new(), is_equal: false }
    }
}

/// The values that each prove something alone.
pub(super) fn subjects(pattern: &str) -> Result<Vec<Value>, String> {
    let tokens = tokens(pattern)?;
    let mut parser = Parser { rest: &tokens, depth: 0, terms: 0 };
    let found = parser.sequence()?;
    match parser.rest {
        [] => Ok(found),
        _ => Err("something follows its end, or a bracket closes that is not open".to_owned()),
    }
}

fn is(word: &str, words: &[&str]) -> bool {
    words.iter().any(|own| word.eq_ignore_ascii_case(own))
}

/// Takes tokens from the front, by the grammar of the standard.
struct Parser<'t> {
    rest: &'t [Token],
    /// Brackets that are open.
    depth: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn eat(&mut self, token: &Token) -> bool {
        let is_next = self.rest.first() == Some(token);
        if is_next {
            self.next();
        }
        is_next
    }

    fn eat_word(&mut self, words: &[&str]) -> bool {
        let is_next = matches!(self.rest.first(), Some(Token::Word(word)) if is(word, words));
        if is_next {
            self.next();
        }
        is_next
    }

    /// What is in brackets of a kind.
    fn inside<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} brackets in each other"));
        }
        let found = inner(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(found)
    }

    /// Observations, of which `FOLLOWEDBY` binds least and `AND` most. Of two that must both be made neither proves it.
    fn sequence(&mut self) -> Result<Vec<Value>, String> {
        let mut found = self.any()?;
        while self.eat_word(&["FOLLOWEDBY"]) {
            self.any()?;
            found = vec![Value::Useless(CONDITION)];
        }
        Ok(found)
    }

    fn any(&mut self) -> Result<Vec<Value>, String> {
        let mut found = self.both()?;
        while self.eat_word(&["OR"]) {
            found.extend(self.both()?);
        }
        Ok(found)
    }

    fn both(&mut self) -> Result<Vec<Value>, String> {
        let mut found = self.observation()?;
        while self.eat_word(&["AND"]) {
            self.observation()?;
            found = vec![Value::Useless(CONDITION)];
        }
        Ok(found)
    }

    fn observation(&mut self) -> Result<Vec<Value>, String> {
        let found = match self.next() {
            Some(Token::Open) => {
                let found = self.inside(Self::sequence)?;
                self.close(&Token::Close)?;
                found
            }
            Some(Token::Left) => {
                let alternatives = self.alternatives()?;
                self.close(&Token::Right)?;
                let mut found = Vec::new();
                alternatives.iter().for_each(|terms| judge(terms, &mut found));
                found
            }
            _ => return Err("no [ where an observation begins".to_owned()),
        };
        // START, STOP, WITHIN, REPEATS: when and how often; the value stays what it is.
        while let Some(Token::Word(word)) = self.rest.first()
            && !is(word, &["AND", "OR", "FOLLOWEDBY"])
        {
            self.next();
        }
        Ok(found)
    }

    fn close(&mut self, token: &Token) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err("a bracket does not close".to_owned()) }
    }

    /// Comparisons as alternatives, each of comparisons that must all hold.
    fn alternatives(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let mut found = self.all()?;
        while self.eat_word(&["OR"]) {
            found.extend(self.all()?);
        }
        Ok(found)
    }

    fn all(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let mut found = self.comparison()?;
        while self.eat_word(&["AND"]) {
            let more = self.comparison()?;
            if found.len().saturating_mul(more.len()) > MAX_TERMS {
                return Err(format!("more than {MAX_TERMS} alternatives"));
            }
            let with = |own: &Vec<Term>| {
                more.iter().map(|other| [own.as_slice(), other].concat()).collect::<Vec<_>>()
            };
            found = found.iter().flat_map(with).collect();
        }
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Vec<Vec<Term>>, String> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > MAX_TERMS {
            return Err(format!("more than {MAX_TERMS} comparisons"));
        }
        match self.next() {
            Some(Token::Open) => {
                let found = self.inside(Self::alternatives)?;
                self.close(&Token::Close)?;
                Ok(found)
            }
            // Not in the standard: that something is not so proves nothing.
            Some(Token::Word(word)) if is(word, &["NOT"]) => {
                self.inside(Self::comparison)?;
                Ok(vec![vec![Term::unseen()]])
            }
            Some(Token::Word(word)) if is(word, &["EXISTS"]) => {
                self.next();
                Ok(vec![vec![Term::unseen()]])
            }
            Some(Token::Word(path)) if path.contains(':') => Ok(vec![vec![self.term(path)?]]),
            Some(_) => Err("no property where a comparison begins".to_owned()),
            None => Err("a bracket does not close".to_owned()),
        }
    }

    /// Reads what follows a path: an operator and its values.
    fn term(&mut self, path: &str) -> Result<Term, String> {
        let is_negated = self.eat_word(&["NOT"]);
        let term =
            |values, is_equal| Term { path: path.to_owned(), values, is_equal: is_equal && !is_negated };
        match self.next() {
            Some(Token::Equals) => {
                self.eat(&Token::Equals);
                Ok(term(vec![self.value(path)?], true))
            }
            Some(Token::Other) => {
                while self.eat(&Token::Other) || self.eat(&Token::Equals) {}
                Ok(term(vec![self.value(path)?], false))
            }
            Some(Token::Word(word)) if is(word, &["IN"]) => {
                if !self.eat(&Token::Open) {
                    return Err(format!("no list after {path} IN"));
                }
                let mut values = Vec::new();
                loop {
                    match self.next() {
                        Some(Token::Text(text) | Token::Word(text)) => values.push(text.clone()),
                        Some(Token::Comma) => {}
                        Some(Token::Close) => return Ok(term(values, true)),
                        _ => return Err(format!("the list after {path} IN does not end")),
                    }
                }
            }
            // All of a network is what an indicator of a network means.
            Some(Token::Word(word)) if is(word, &["ISSUBSET"]) => Ok(term(vec![self.value(path)?], true)),
            // LIKE, MATCHES, ISSUPERSET: no fixed value.
            Some(Token::Word(_)) => Ok(term(vec![self.value(path)?], false)),
            _ => Err(format!("nothing is said of {path}")),
        }
    }

    fn value(&mut self, path: &str) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Word(text)) => Ok(text.clone()),
            _ => Err(format!("nothing to compare {path} with")),
        }
    }
}

/// Takes what comparisons that must all hold prove.
fn judge(terms: &[Term], found: &mut Vec<Value>) {
    let hash = terms.iter().find(|term| term.is_equal && is_sha256(&term.path));
    if let Some(term) = hash {
        found.extend(term.values.iter().map(|text| value::read(text)));
        return;
    }
    let (mut hosts, mut ports, mut other) = (Vec::new(), None, false);
    for term in terms {
        let (object, property) = term.path.split_once(':').unwrap_or_default();
        match (object, property) {
            ("file", property) if property.starts_with("hashes") && term.is_equal => {
                found.push(Value::Useless(reason::OTHER_HASH));
                return;
            }
            ("ipv4-addr" | "ipv6-addr" | "domain-name" | "url", "value")
            | ("network-traffic", "dst_ref.value")
                if term.is_equal =>
            {
                hosts.push(&term.values);
            }
            ("network-traffic", "dst_port") if term.is_equal && ports.is_none() => ports = Some(&term.values),
            ("network-traffic", "dst_ref.type" | "protocols[*]" | "protocols[0]") if term.is_equal => {}
            _ => other = true,
        }
    }
    let [values] = hosts.as_slice() else {
        let is_other = terms.len() == 1 && terms.iter().all(|term| term.is_equal);
        found.push(Value::Useless(if is_other { reason::OTHER_TYPE } else { CONDITION }));
        return;
    };
    if other {
        return found.push(Value::Useless(CONDITION));
    }
    for text in *values {
        match (value::read(text), ports) {
            (Value::Subject(Subject::Addresses(span, 0)), Some(ports)) if span.is_single() => {
                found.extend(ports.iter().map(|port| match crate::number::port(port) {
                    Some(port) => Value::Subject(Subject::Addresses(span, port)),
                    None => Value::Wrong(format!("{port:?} is not a port")),
                }));
            }
            // A network has no port in the file: all of it on every port would be too much.
            (Value::Subject(Subject::Addresses(span, 0)), Some(_)) if !span.is_single() => {
                found.push(Value::Useless(CONDITION));
            }
            (value, _) => found.push(value),
        }
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
            ("[ipv4-addr:value = '192.0.2.1' AND (process:name = 'x' OR process:name = 'y')]", "- -"),
            ("[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']", "-"),
            ("[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']", "-"),
            ("[ipv4-addr:value != '192.0.2.1']", "-"),
            ("[ipv4-addr:value <> '192.0.2.1']", "-"),
            ("[ipv4-addr:value == '192.0.2.1']", "192.0.2.1"),
            ("[(ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2')]", "192.0.2.1 192.0.2.2"),
            ("([ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '192.0.2.2'])", "192.0.2.1 192.0.2.2"),
            (
                "[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '192.0.2.2'] AND [ipv4-addr:value = '192.0.2.3']",
                "192.0.2.1 -",
            ),
            (
                "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2' AND process:name = 'x']",
                "192.0.2.1 -",
            ),
            (
                "[network-traffic:dst_port = 80 AND (ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2')]",
                "192.0.2.1:80 192.0.2.2:80",
            ),
            ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "198.51.100.0/24"),
            ("[ipv4-addr:value NOT ISSUBSET '198.51.100.0/24']", "-"),
            ("[ipv4-addr:value ISSUPERSET '198.51.100.0/24']", "-"),
            (
                "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port IN (80, 443)]",
                "192.0.2.1:80 192.0.2.1:443",
            ),
            ("[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port > 1024]", "-"),
            (
                "[network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24' AND network-traffic:dst_port = 80]",
                "-",
            ),
            (
                &format!("[(file:hashes.'SHA-256' = '{hash}' OR file:hashes.'SHA-256' = '{hash}')]"),
                "hash hash",
            ),
            (&format!("[NOT (file:hashes.'SHA-256' = '{hash}')]"), "-"),
            (&format!("[file:hashes.'SHA-256' != '{hash}']"), "-"),
            ("[ipv4-addr:value = '192.0.2.1'] WITHIN 300 SECONDS", "192.0.2.1"),
            (
                "[ipv4-addr:value = '192.0.2.1'] REPEATS 5 TIMES OR [ipv4-addr:value = '192.0.2.2']",
                "192.0.2.1 192.0.2.2",
            ),
            ("[EXISTS windows-registry-key:values]", "-"),
            ("[ipv4-addr:value = '192.0.2.1'", "wrong"),
            ("[ipv4-addr:value = '192.0.2.1']]", "wrong"),
            ("([ipv4-addr:value = '192.0.2.1']", "wrong"),
            (&"[(".repeat(1000), "wrong"),
            (&"(".repeat(100_000), "wrong"),
            (&format!("[{}]", "(a:b = 1 OR a:b = 2) AND ".repeat(30)), "wrong"),
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
