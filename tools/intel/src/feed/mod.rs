//! Feeds: files of others in their own formats, each read by a file of this folder into items.
//!
//! A parser takes the text of one file and tells a [`Taker`] of each record what came of it: nothing to read, items,
//! something that a router cannot look for, or something that cannot be read. So every record is counted once.

mod blocklist;
mod csv;
mod drop;
mod feodo;
mod guess;
mod ipset;
mod json;
mod maltrail;
mod misp;
mod pattern;
mod stix;
mod text;
mod threatfox;
mod urlhaus;
mod value;
pub(crate) mod warning;

pub(crate) use blocklist::exceptions;
pub(crate) use guess::guess;
pub(crate) use value::{family_word, read as read_value};

use crate::list::Subject;

/// A format of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The tool's own lines, in which every mistake is an error.
    Plain,
    Text,
    Ipset,
    Ipsum,
    Feodo,
    Threatfox,
    Urlhaus,
    Drop,
    Maltrail,
    Misp,
    Stix,
    Hosts,
    Dnsmasq,
    Adblock,
    Unbound,
    Domains,
    /// A MISP warning list: what never matches.
    Warning,
}

/// The kinds, with their words and what they are.
pub(crate) const KINDS: [(Kind, &str, &str); 17] = [
    (Kind::Plain, "plain", "a list in the tool's own lines"),
    (Kind::Text, "text", "text with addresses in it, defanged or not"),
    (Kind::Ipset, "ipset", "an ipset or netset of FireHOL"),
    (Kind::Ipsum, "ipsum", "IPsum: an address and a count"),
    (Kind::Feodo, "feodo", "Feodo Tracker CSV, text or JSON"),
    (Kind::Threatfox, "threatfox", "ThreatFox CSV or JSON"),
    (Kind::Urlhaus, "urlhaus", "URLhaus CSV"),
    (Kind::Drop, "drop", "Spamhaus DROP, JSON lines or text"),
    (Kind::Maltrail, "maltrail", "a static trail of maltrail"),
    (Kind::Misp, "misp", "an event or the manifest of a MISP feed"),
    (Kind::Stix, "stix", "a STIX 2 bundle"),
    (Kind::Hosts, "hosts", "a hosts file"),
    (Kind::Dnsmasq, "dnsmasq", "dnsmasq options"),
    (Kind::Adblock, "adblock", "a filter list of an ad-blocker"),
    (Kind::Unbound, "unbound", "unbound local zones"),
    (Kind::Domains, "domains", "domain names, also as *.NAME"),
    (Kind::Warning, "warninglist", "a MISP warning list: what never matches"),
];

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }

    pub(crate) fn from_word(text: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, word, _)| *word == text).map(|(kind, ..)| *kind)
    }

    /// The family of items that name none, if not the file's name.
    pub(crate) fn family(self) -> Option<&'static str> {
        match self {
            Kind::Feodo => Some("feodo"),
            Kind::Drop => Some("spamhaus-drop"),
            Kind::Ipsum => Some("ipsum"),
            Kind::Urlhaus => Some("urlhaus"),
            Kind::Threatfox => Some("threatfox"),
            _ => None,
        }
    }
}

/// What a feed says of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) subject: Subject,
    /// As the feed writes it.
    pub(crate) family: Option<String>,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
    pub(crate) seen: Seen,
}

impl Item {
    pub(crate) fn new(subject: Subject) -> Item {
        Item { subject, family: None, expires_day: 0, seen: Seen::default() }
    }
}

/// When a feed saw something, in days since 1970, and how sure it is, in percent. 0: it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) first: u16,
    pub(crate) last: u16,
    pub(crate) confidence: u8,
}

/// Reasons to leave a record out that more than one format has.
pub(crate) mod reason {
    pub(crate) const PART_OF_SITE: &str = "a page or path of a site, not all of it";
    pub(crate) const OTHER_HASH: &str = "a hash that is no SHA-256";
    pub(crate) const OTHER_TYPE: &str = "of a type that a router does not see";
    pub(crate) const NOT_FOR_MATCHING: &str = "not meant for matching, or taken back";
    pub(crate) const VICTIM: &str = "on a site that belongs to a victim";
    pub(crate) const ABOUT: &str = "about the feed itself";
}

/// Takes what a parser reads, record by record. A record's number is that of its line, from 1.
pub(crate) trait Taker {
    /// A blank line or a comment.
    fn blank(&mut self);
    /// A record that can be read, and not used.
    fn drop(&mut self, why: &'static str);
    /// A record that cannot be read.
    fn wrong(&mut self, line: u32, what: String);
    /// A part of a record that cannot be read; what else is in it is taken, or dropped.
    fn wrong_part(&mut self, line: u32, what: String);
    /// A record with at least one item.
    fn take(&mut self, line: u32, items: Vec<Item>);
    /// The file as a whole cannot be read.
    fn fail(&mut self, line: u32, what: String);
}

/// What becomes of one value of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Subject(Subject),
    Useless(&'static str),
    Wrong(String),
}

impl Value {
    /// Passes it on, as the only one of its record, with what the record says of it.
    fn pass(self, line: u32, fill: impl FnOnce(Subject) -> Item, taker: &mut dyn Taker) {
        match self {
            Value::Subject(subject) => taker.take(line, vec![fill(subject)]),
            Value::Useless(why) => taker.drop(why),
            Value::Wrong(what) => taker.wrong(line, what),
        }
    }
}

/// Passes on a record of several values, each with what the record says of it.
fn pass_all(
    values: impl IntoIterator<Item = Value>,
    line: u32,
    fill: impl Fn(Subject) -> Item,
    taker: &mut dyn Taker,
) {
    let (mut items, mut useless, mut wrong) = (Vec::new(), None, Vec::new());
    for value in values {
        match value {
            Value::Subject(subject) => items.push(fill(subject)),
            Value::Useless(why) => useless = Some(why),
            Value::Wrong(what) => wrong.push(what),
        }
    }
    let first_wrong = wrong.first().cloned();
    match (items.is_empty(), first_wrong, useless) {
        (true, Some(what), _) => return taker.wrong(line, what),
        (true, None, Some(why)) => return taker.drop(why),
        (true, None, None) => return taker.wrong(line, "nothing where a value should be".to_owned()),
        (false, ..) => {}
    }
    wrong.into_iter().for_each(|what| taker.wrong_part(line, what));
    taker.take(line, items);
}

/// Reads a file of a kind. `Plain` and `Warning` are not read here.
pub(crate) fn parse(kind: Kind, text: &str, taker: &mut dyn Taker) {
    match kind {
        Kind::Plain | Kind::Warning => {}
        Kind::Text => text::parse(text, taker),
        Kind::Ipset => ipset::parse(text, taker),
        Kind::Ipsum => ipset::ipsum(text, taker),
        Kind::Feodo => feodo::parse(text, taker),
        Kind::Threatfox => threatfox::parse(text, taker),
        Kind::Urlhaus => urlhaus::parse(text, taker),
        Kind::Drop => drop::parse(text, taker),
        Kind::Maltrail => maltrail::parse(text, taker),
        Kind::Misp => misp::parse(text, taker),
        Kind::Stix => stix::parse(text, taker),
        Kind::Hosts => blocklist::hosts(text, taker),
        Kind::Dnsmasq => blocklist::dnsmasq(text, taker),
        Kind::Adblock => blocklist::adblock(text, taker),
        Kind::Unbound => blocklist::unbound(text, taker),
        Kind::Domains => blocklist::domains(text, taker),
    }
}

/// The lines of a text, numbered from 1, without ends and the last empty one.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1u32..).zip(text.lines())
}

#[cfg(test)]
pub(crate) mod testing {
    //! A taker that writes down what it is told.

    use super::{Item, Kind, Taker, parse};

    #[derive(Default)]
    pub(crate) struct Notes(pub(crate) Vec<String>);

    impl Taker for Notes {
        fn blank(&mut self) {
            self.0.push("blank".to_owned());
        }
        fn drop(&mut self, why: &'static str) {
            self.0.push(format!("drop {why}"));
        }
        fn wrong(&mut self, line: u32, what: String) {
            self.0.push(format!("{line} wrong {what}"));
        }
        fn wrong_part(&mut self, line: u32, what: String) {
            self.0.push(format!("{line} part {what}"));
        }
        fn take(&mut self, line: u32, items: Vec<Item>) {
            let words: Vec<String> = items.iter().map(word).collect();
            self.0.push(format!("{line} {}", words.join(" & ")));
        }
        fn fail(&mut self, line: u32, what: String) {
            self.0.push(format!("{line} fail {what}"));
        }
    }

    fn word(item: &Item) -> String {
        let port = match item.subject {
            crate::list::Subject::Addresses(_, port) if port != 0 => format!(":{port}"),
            _ => String::new(),
        };
        let mut word = format!("{}{port}", item.subject);
        if let Some(family) = &item.family {
            word = format!("{word} {family}");
        }
        if item.expires_day != 0 {
            word = format!("{word} until {}", item.expires_day);
        }
        let seen = item.seen;
        if seen != super::Seen::default() {
            word = format!("{word} {}-{} {}%", seen.first, seen.last, seen.confidence);
        }
        word
    }

    /// What a parser says of a text.
    pub(crate) fn read(kind: Kind, text: &str) -> Vec<String> {
        let mut notes = Notes::default();
        parse(kind, text, &mut notes);
        notes.0
    }

    /// Cuts a text at every byte and damages each: nothing may panic or hang, and every record is told of.
    pub(crate) fn hostile(kind: Kind, text: &str) {
        for at in 0..=text.len() {
            if let Some(front) = text.get(..at) {
                read(kind, front);
            }
            let mut bytes = text.as_bytes().to_vec();
            for damage in [0u8, b'"', b',', b'{', b'[', b'\n', 0xff] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = damage;
                    read(kind, &String::from_utf8_lossy(&bytes));
                }
            }
        }
        for noise in ["", "\n", "\0", "{", "[", "[[[[", "\"", ",", "{}", "[]", "null", "{\"a\":[{}]}"] {
            read(kind, noise);
        }
        read(kind, &"[".repeat(100_000));
        read(kind, &"\"".repeat(100_000));
        read(kind, &"1.2.3.4 ".repeat(10_000));
    }
}
