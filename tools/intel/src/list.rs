//! The line grammar of indicator lists and of never-match lists: bytes in, values or complaints out. Lines that
//! are not about addresses begin as `rule` says.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use gatewatch::intel::{Strength, TraceKind};

use crate::date::day;
use crate::domain;
use crate::number;
use crate::rule::{self, Rule};

/// Bytes of a list; 256 MiB hold about ten million lines, and keep an endless file from filling memory.
pub(crate) const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Bytes of a line.
pub(crate) const MAX_LINE: usize = 1024;
/// Bytes of a family's name; it has to fit a syslog line beside everything else.
pub(crate) const MAX_FAMILY: usize = 64;

/// Addresses from first to last, all of one IP version. IPv4 is in the low 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) v6: bool,
    pub(crate) first: u128,
    pub(crate) last: u128,
}

impl Span {
    pub(crate) fn of(address: IpAddr) -> Span {
        match address.to_canonical() {
            IpAddr::V4(address) => Span::block(false, u128::from(address.to_bits()), 0),
            IpAddr::V6(address) => Span::block(true, address.to_bits(), 0),
        }
    }

    /// A block of which the last `host_bits` bits are free.
    fn block(v6: bool, address: u128, host_bits: u32) -> Span {
        let host = 1u128.checked_shl(host_bits).unwrap_or(0).wrapping_sub(1);
        Span { v6, first: address & !host, last: address | host }
    }

    /// The blocks that make up a range, no more addresses than the widest network has that may be listed.
    pub(crate) fn between(first: IpAddr, last: IpAddr) -> Result<Vec<Span>, String> {
        let (first, last) = (Span::of(first), Span::of(last));
        if first.v6 != last.v6 || first.first > last.first {
            return Err("is no range: the first address comes first, and both are of one version".to_owned());
        }
        let most: u128 = if first.v6 { 1 << 112 } else { 1 << 24 };
        let (v6, mut next, last) = (first.v6, first.first, last.first);
        if last.saturating_sub(next) >= most {
            return Err("is wider than any network that may be listed".to_owned());
        }
        let mut spans = Vec::new();
        loop {
            // As many addresses as the place allows, and the rest has.
            let rest = last.saturating_sub(next).saturating_add(1);
            let bits = next.trailing_zeros().min(rest.ilog2());
            let block = Span::block(v6, next, bits);
            spans.push(block);
            next = block.last.saturating_add(1);
            if block.last >= last {
                return Ok(spans);
            }
        }
    }

    pub(crate) fn is_single(&self) -> bool {
        self.first == self.last
    }

    /// Length of the prefix, when it is a block.
    pub(crate) fn prefix(&self) -> u32 {
        let width: u32 = if self.v6 { 128 } else { 32 };
        width.saturating_sub((self.first ^ self.last).count_ones())
    }

    /// The address that is so far from 0.
    pub(crate) fn address(v6: bool, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if !v6 => IpAddr::V4(Ipv4Addr::from_bits(bits)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Span::address(self.v6, self.first))?;
        if self.is_single() { Ok(()) } else { write!(f, "/{}", self.prefix()) }
    }
}

/// A line of an indicator list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) subject: Subject,
    pub(crate) family: Option<&'a str>,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
}

/// What a line of an indicator list is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// Addresses, on a port or, with 0, on every port.
    Addresses(Span, u16),
    /// A domain name, in lower case.
    Domain(String),
    /// A file, by its SHA-256.
    Hash([u8; 32]),
    /// A trace.
    Trace(TraceKind, Vec<u8>, Strength),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Addresses(span, _) => span.fmt(f),
            Subject::Domain(name) => f.write_str(name),
            Subject::Hash(digest) => {
                f.write_str("sha256:")?;
                digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Subject::Trace(kind, value, _) => write!(f, "{}{}", rule::word_of(*kind), value.escape_ascii()),
        }
    }
}

/// A line of a never-match list.
#[derive(Debug)]
pub(crate) enum NeverEntry<'a> {
    /// Addresses, and whether --allow-private opens them.
    Addresses { span: Span, private: bool, why: &'a str },
    /// A domain name; with `tree`, all below it too.
    Domain { name: String, tree: bool, why: &'a str },
}

/// Reads a list whole. A pipe will do, an endless one ends in an error.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(fail)?;
    let too_long = || format!("{}: longer than 256 MiB: is it a list? split it if it is", path.display());
    // Known at once of a file; of a pipe only when so much has come.
    if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > MAX_FILE) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) {
        return Err(too_long());
    }
    Ok(bytes)
}

/// The lines of a list, numbered from 1, without line ends and without a byte order mark.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, Result<&str, String>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    (1u32..).zip(bytes.split(|&byte| byte == b'\n')).map(|(number, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_LINE {
            return (number, Err(format!("longer than {MAX_LINE} bytes: one indicator a line")));
        }
        (number, str::from_utf8(line).map_err(|_| "not UTF-8: save the list as UTF-8".to_owned()))
    })
}

/// Reads a line of an indicator list; nothing when it is blank or a comment.
pub(crate) fn entry(line: &str) -> Result<Option<Entry<'_>>, String> {
    if let Some((rule, rest)) = rule::rule(line)? {
        let is_trace = matches!(rule, Rule::Trace(..));
        let tail = tail(split_comment(rest).0.split_ascii_whitespace(), "value", is_trace)?;
        let subject = match rule {
            Rule::Hash(digest) => Subject::Hash(digest),
            Rule::Trace(kind, value) => {
                let strength = tail.strength.ok_or(
                    "strength= is missing: strong if no healthy device has it, fair if hardly any, weak if some",
                )?;
                Subject::Trace(kind, value, strength)
            }
        };
        return Ok(Some(Entry { subject, family: tail.family, expires_day: tail.expires_day }));
    }
    let (text, _) = split_comment(line);
    let mut words = text.split_ascii_whitespace();
    let subject = match domain::of_line(&mut words)? {
        domain::Line::Domain(name) => Subject::Domain(name),
        domain::Line::Nothing => return Ok(None),
        domain::Line::Other(word) => {
            let (span, port) = target(word)?;
            Subject::Addresses(span, port)
        }
    };
    let first = if matches!(subject, Subject::Domain(_)) { "name" } else { "address" };
    let tail = tail(words, first, false)?;
    Ok(Some(Entry { subject, family: tail.family, expires_day: tail.expires_day }))
}

/// What follows the first word of a line.
struct Tail<'a> {
    family: Option<&'a str>,
    expires_day: u16,
    strength: Option<Strength>,
}

fn tail<'a>(words: impl Iterator<Item = &'a str>, first: &str, is_trace: bool) -> Result<Tail<'a>, String> {
    let (mut name, mut expires_day, mut strength) = (None, None, None);
    for word in words {
        match word.split_once('=') {
            Some(("expires", date)) if expires_day.is_none() => expires_day = Some(day(date)?),
            Some(("strength", text)) if is_trace && strength.is_none() => {
                strength = Some(rule::strength(text)?)
            }
            Some((key @ "expires", _)) => return Err(format!("{key}= is there twice: keep one")),
            Some((key @ "strength", _)) if is_trace => {
                return Err(format!("{key}= is there twice: keep one"));
            }
            Some((key, _)) => {
                let known = if is_trace {
                    "expires=YYYY-MM-DD and strength= are the only ones"
                } else {
                    "expires=YYYY-MM-DD is the only one"
                };
                return Err(format!("unknown attribute {key:?}: {known}"));
            }
            None if name.is_none() && expires_day.is_none() && strength.is_none() => {
                name = Some(family(word)?)
            }
            None => {
                return Err(format!(
                    "unexpected word {word:?}: after the {first} come one word for the family, then attributes"
                ));
            }
        }
    }
    Ok(Tail { family: name, expires_day: expires_day.unwrap_or(0), strength })
}

/// Reads a line of a never-match list; nothing when it is blank or a comment.
pub(crate) fn never(line: &str) -> Result<Option<NeverEntry<'_>>, String> {
    let (text, why) = split_comment(line);
    let mut words = text.split_ascii_whitespace();
    let Some(word) = words.next() else { return Ok(None) };
    let bare = target(word).is_err().then(|| domain::bare(word)).flatten();
    if let Some(text) = word.strip_prefix(domain::WORD).or(bare) {
        if let Some(word) = words.next() {
            return Err(format!("unexpected word {word:?}: write remarks after a #"));
        }
        let (tree, text) = text.strip_prefix('=').map_or((true, text), |exact| (false, exact));
        return Ok(Some(NeverEntry::Domain { name: domain::name(text)?, tree, why }));
    }
    let (span, port) = target(word)?;
    if port != 0 {
        return Err(format!("{word:?} has a port: an address never matches on any port, write it without"));
    }
    let private = match words.next() {
        None => false,
        Some("private") => true,
        Some(word) => return Err(format!("unexpected word {word:?}: only `private` may follow the address")),
    };
    match words.next() {
        None => Ok(Some(NeverEntry::Addresses { span, private, why })),
        Some(word) => Err(format!("unexpected word {word:?}: write remarks after a #")),
    }
}

/// Checks a family's name.
pub(crate) fn family(name: &str) -> Result<&str, String> {
    if name.is_empty() || name.len() > MAX_FAMILY {
        return Err(format!("the family {name:?} is not 1 to {MAX_FAMILY} bytes long"));
    }
    if name.contains(|c: char| c.is_control() || c.is_whitespace() || c == '=' || c == '#') {
        return Err(format!("the family {name:?} must be one word without = # and control characters"));
    }
    Ok(name)
}

fn split_comment(line: &str) -> (&str, &str) {
    line.split_once('#').map_or((line, ""), |(text, comment)| (text, comment.trim()))
}

/// Reads the address of a line, and its port or 0.
pub(crate) fn target(word: &str) -> Result<(Span, u16), String> {
    if let Some(rest) = word.strip_prefix('[') {
        let parts = rest.split_once(']').and_then(|(address, port)| Some((address, port.strip_prefix(':')?)));
        let Some((address, port_text)) = parts else {
            return Err(format!("{word:?} is not [IPv6]:port: without a port, leave the brackets out"));
        };
        let address: Ipv6Addr = address.parse().map_err(|_| not_an_address(word))?;
        return Ok((Span::of(address.into()), port(port_text)?));
    }
    if let Some((address, length)) = word.split_once('/') {
        return Ok((block(word, address, length)?, 0));
    }
    if let Ok(address) = word.parse::<IpAddr>() {
        return Ok((Span::of(address), 0));
    }
    match word.split_once(':') {
        Some((address, port_text)) if !port_text.contains(':') => {
            let address: Ipv4Addr = address.parse().map_err(|_| not_an_address(word))?;
            Ok((Span::of(address.into()), port(port_text)?))
        }
        _ => Err(not_an_address(word)),
    }
}

fn block(word: &str, address: &str, length: &str) -> Result<Span, String> {
    let address: IpAddr = address.parse().map_err(|_| not_an_address(word))?;
    let (width, bits) = match address {
        IpAddr::V4(address) => (32u32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let length: u32 = number::plain(length).filter(|&length| length <= width).ok_or_else(|| {
        format!("{length:?} is not a prefix length: write a number from 0 to {width}, and no port")
    })?;
    let whole = Span::block(address.is_ipv6(), bits, width.saturating_sub(length));
    if whole.first != bits {
        return Err(format!(
            "{word} has host bits set: write {whole} for the network or {address} for the one address"
        ));
    }
    // A block of IPv4-mapped addresses is the IPv4 block: as such it will be asked for.
    match (Span::address(whole.v6, whole.first), length.checked_sub(96)) {
        (IpAddr::V6(first), Some(length)) => Ok(match first.to_ipv4_mapped() {
            Some(first) => Span::block(false, u128::from(first.to_bits()), 32u32.saturating_sub(length)),
            None => whole,
        }),
        _ => Ok(whole),
    }
}

fn port(text: &str) -> Result<u16, String> {
    number::port(text).ok_or_else(|| {
        format!("{text:?} is not a port: write a number from 1 to 65535, or no port for every port")
    })
}

/// Says why a word is no address, for the mistakes that real lists show.
fn not_an_address(word: &str) -> String {
    let plain = word.replace("[.]", ".").replace("(.)", ".");
    if plain != word {
        return format!("{word:?} is defanged: write {plain:?}");
    }
    let address = word.split([':', '/']).next().unwrap_or(word);
    let octets: Option<Vec<u8>> = address
        .split('.')
        .map(|octet| octet.parse().ok().filter(|_| octet.bytes().all(|byte| byte.is_ascii_digit())))
        .collect();
    match octets.as_deref() {
        Some(&[a, b, c, d]) => {
            let decimal = Ipv4Addr::new(a, b, c, d);
            format!(
                "{word:?} has an octet with a leading zero, which some programs read as octal: write {decimal}"
            )
        }
        _ => format!(
            "{word:?} is not an IP address: a line begins with an address or a name, URLs are not read"
        ),
    }
}
