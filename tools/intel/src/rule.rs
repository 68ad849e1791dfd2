//! The part of the line grammar that is not about addresses: digests of files and the traces of families.

use gatewatch::intel::layout::TRACE_MAX;
use gatewatch::intel::{Strength, TraceKind};

use crate::number;

/// Fewest bytes of an argument rule: a shorter piece is in every other command line.
const MIN_ARG: usize = 4;

/// How a line begins, and what it is then about.
const WORDS: [(&str, Sort); 9] = [
    ("sha256:", Sort::Hash),
    ("name:", Sort::Trace(TraceKind::Name)),
    ("path:", Sort::Trace(TraceKind::Path)),
    ("dir:", Sort::Trace(TraceKind::Dir)),
    ("arg:", Sort::Trace(TraceKind::Arg)),
    ("tcp:", Sort::Trace(TraceKind::Tcp)),
    ("udp:", Sort::Trace(TraceKind::Udp)),
    ("file:", Sort::Trace(TraceKind::File)),
    ("startup:", Sort::Trace(TraceKind::Startup)),
];

#[derive(Clone, Copy)]
enum Sort {
    Hash,
    Trace(TraceKind),
}

/// What the first word of a line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Hash([u8; 32]),
    Trace(TraceKind, Vec<u8>),
}

/// The words with which a trace begins, as its kind is written.
pub(crate) fn word_of(kind: TraceKind) -> &'static str {
    let own = |sort: &Sort| matches!(sort, Sort::Trace(own) if *own == kind);
    WORDS.iter().find(|(_, sort)| own(sort)).map_or("", |(word, _)| word)
}

/// Whether a line begins as one about a file or a trace does.
pub(crate) fn is_rule(line: &str) -> bool {
    WORDS.iter().any(|(word, _)| line.starts_with(word))
}

/// Reads the first word of a line and returns what follows it; nothing when the line is about an address.
pub(crate) fn rule(line: &str) -> Result<Option<(Rule, &str)>, String> {
    let line = line.trim_ascii_start();
    let begins = |(word, sort): &(&'static str, Sort)| Some((*word, *sort, line.strip_prefix(word)?));
    let Some((word, sort, rest)) = WORDS.iter().find_map(begins) else { return Ok(None) };
    let (value, rest) = value(word, rest)?;
    match sort {
        Sort::Hash => Ok(Some((Rule::Hash(digest(&value)?), rest))),
        Sort::Trace(kind) => {
            sound(kind, &value).map_err(|what| format!("{word}{} {what}", value.escape_ascii()))?;
            Ok(Some((Rule::Trace(kind, value), rest)))
        }
    }
}

/// Reads a strength.
pub(crate) fn strength(text: &str) -> Result<Strength, String> {
    match text {
        "strong" => Ok(Strength::Strong),
        "fair" => Ok(Strength::Fair),
        "weak" => Ok(Strength::Weak),
        _ => Err(format!("{text:?} is not a strength: write strong, fair or weak")),
    }
}

/// Takes a value, bare or in quotes, from the front of a line.
fn value<'a>(word: &str, text: &'a str) -> Result<(Vec<u8>, &'a str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_ascii_whitespace() || c == '#').unwrap_or(text.len());
        let (bare, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        if bare.is_empty() {
            return Err(format!("nothing follows {word}: write the value right after it"));
        }
        if bare.contains(['"', '\\']) {
            return Err(format!(
                "{word}{bare} has a quote or backslash in it: put all of the value in quotes"
            ));
        }
        return Ok((bare.as_bytes().to_vec(), rest));
    };
    let mut bytes = Vec::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next() {
            None => return Err(format!("the quote after {word} does not end: close it with \"")),
            Some('"') => break,
            Some('\\') => bytes.push(escape(&mut rest)?),
            Some(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    let rest = rest.as_str();
    if bytes.is_empty() {
        return Err(format!("nothing is in the quotes after {word}: write the value there"));
    }
    if !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '#') {
        return Err(format!("{rest:?} follows a closing quote: put a blank between"));
    }
    Ok((bytes, rest))
}

/// The byte that a backslash in quotes stands for.
fn escape(rest: &mut std::str::Chars<'_>) -> Result<u8, String> {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = match rest.next() {
        Some('"') => Some(b'"'),
        Some('\\') => Some(b'\\'),
        Some('x') => {
            let digits = rest.as_str().get(..2).filter(|digits| hex(digits));
            rest.nth(1);
            digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
        }
        _ => None,
    };
    byte.ok_or_else(|| r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#.to_owned())
}

/// Reads the digits of a SHA-256.
pub(crate) fn digest(text: &[u8]) -> Result<[u8; 32], String> {
    let bytes = text.as_chunks::<2>();
    let digits = |pair: &[u8; 2]| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let read: Option<Vec<u8>> = bytes.0.iter().map(digits).collect();
    read.filter(|_| bytes.1.is_empty()).and_then(|read| read.try_into().ok()).ok_or_else(|| {
        format!("sha256:{} is not a SHA-256: write its 64 hexadecimal digits", text.escape_ascii())
    })
}

/// Whether a value can be found on a device, and will not be found on every one.
pub(crate) fn sound(kind: TraceKind, value: &[u8]) -> Result<(), String> {
    if value.len() > TRACE_MAX {
        return Err(format!("is longer than {TRACE_MAX} bytes: write a piece of it that says enough"));
    }
    if value.contains(&0) {
        return Err("holds a zero byte, which no name, path or argument can".to_owned());
    }
    match kind {
        TraceKind::Name if value.contains(&b'/') => {
            Err("has a slash in it: write the last part only, or path: for all of it".to_owned())
        }
        TraceKind::Dir if value.len() > 1 && value.iter().rposition(|&byte| byte == b'/') == Some(0) => {
            Err("is too wide, healthy programs run below it: name a directory in it".to_owned())
        }
        TraceKind::Path | TraceKind::Dir | TraceKind::File => path(value),
        TraceKind::Arg | TraceKind::Startup if value.len() < MIN_ARG => {
            Err(format!("is shorter than {MIN_ARG} bytes: healthy command lines hold it too"))
        }
        TraceKind::Tcp | TraceKind::Udp => {
            let text = String::from_utf8_lossy(value);
            match number::port(text.strip_prefix("127.0.0.1:").unwrap_or(&text)) {
                Some(_) => Ok(()),
                None => {
                    Err("is not a port: write a number from 1 to 65535, or 127.0.0.1:NUMBER for a listener \
                             on that address only"
                        .to_owned())
                }
            }
        }
        TraceKind::Name | TraceKind::Arg | TraceKind::Startup => Ok(()),
    }
}

/// A path is compared byte by byte with what the kernel says, so it has to be written as the kernel writes it.
fn path(value: &[u8]) -> Result<(), String> {
    let Some(rest) = value.strip_prefix(b"/") else {
        return Err("is not an absolute path: begin with /".to_owned());
    };
    if rest.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
        return Err("is not a plain path: leave out // /./ /../ and a / at the end".to_owned());
    }
    Ok(())
}
