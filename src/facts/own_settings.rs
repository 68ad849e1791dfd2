//! gatewatch's own configuration file, in its two ways: UCI, as OpenWrt has it, and `key = value` lines. Bytes in, each
//! setting with its line out.

use super::text::{Bytes, trim};
use super::uci::{Entry, Uci};
use crate::limits::{REASON_BYTES, SUBJECT_BYTES};

/// What a statement or a line says.
pub struct Row<'a> {
    /// Where it begins, from 1.
    pub line: u32,
    /// What it sets.
    pub setting: Setting<'a>,
}

/// What is set.
pub enum Setting<'a> {
    /// An option of the table.
    Option {
        /// Its name.
        key: &'a [u8],
        /// What stands behind it.
        value: &'a [u8],
    },
    /// An entry of the list of what is allowed.
    Allow {
        /// The check.
        check: &'a [u8],
        /// Whom its findings are about.
        subject: &'a [u8],
        /// The last day; empty for none.
        expires: &'a [u8],
        /// Why.
        reason: &'a [u8],
    },
}

/// A line, and what is wrong with it.
pub type Wrong = (u32, &'static str);

/// Takes a file apart, and ends at the first row that is refused. UCI is what begins with the word `config` or `package`, which
/// are no keys.
pub fn read<E>(
    bytes: &[u8],
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<Result<(), E>, Wrong> {
    if is_uci(bytes) { uci(bytes, each) } else { lines(bytes, each) }
}

fn is_uci(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#")).unwrap_or_default();
    let word = first.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    matches!(word, b"config" | b"package")
}

const NO_SECTION: &str = "write options in a section: config gatewatch or config allow";

/// A section, and what an allow section says, until it is whole.
#[derive(Default)]
struct Section {
    line: u32,
    is_allow: bool,
    check: Bytes<32>,
    subject: Bytes<SUBJECT_BYTES>,
    expires: Bytes<32>,
    reason: Bytes<REASON_BYTES>,
}

/// Takes sections and their options, until something is wrong.
struct Taker<'t, E> {
    section: Section,
    wrong: Option<Wrong>,
    done: Result<(), E>,
    each: &'t mut dyn FnMut(&Row<'_>) -> Result<(), E>,
}

impl<E> Taker<'_, E> {
    fn is_over(&self) -> bool {
        self.wrong.is_some() || self.done.is_err()
    }

    /// A section begins, and with it another ends.
    fn begin(&mut self, (line, kind): (u32, &[u8])) {
        if line == self.section.line || self.is_over() {
            return;
        }
        self.done = self.section.end(self.each);
        self.section.line = line;
        self.section.is_allow = kind == b"allow";
        if kind != b"allow" && kind != b"gatewatch" && self.done.is_ok() {
            self.wrong = Some((line, NO_SECTION));
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        if self.is_over() {
            return;
        }
        match entry.section {
            b"gatewatch" => {
                let setting = Setting::Option { key: entry.option, value: entry.value };
                self.done = (self.each)(&Row { line: entry.line, setting });
            }
            b"allow" => self.wrong = self.section.option(entry),
            _ => self.wrong = Some((entry.section_line.max(1), NO_SECTION)),
        }
    }
}

fn uci<E>(bytes: &[u8], each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>) -> Result<Result<(), E>, Wrong> {
    let mut parser = Uci::new();
    let mut taker = Taker { section: Section::default(), wrong: None, done: Ok(()), each };
    for byte in bytes {
        parser.push(*byte, &mut |entry| taker.entry(entry));
        taker.begin(parser.section());
    }
    parser.finish(&mut |entry| taker.entry(entry));
    taker.begin(parser.section());
    if let Some(wrong) = taker.wrong {
        return Err(wrong);
    }
    // A value that was cut, or a word that is none, comes before what follows from it.
    if let Some(line) = parser.cut() {
        return Err((line, "too long, or a quote that does not close"));
    }
    if let Some(line) = parser.odd_line() {
        return Err((line, "use the words config, option and list of UCI"));
    }
    let Taker { mut section, done, each, .. } = taker;
    Ok(done.and_then(|()| section.end(each)))
}

impl Section {
    /// Hands out the entry, and begins anew. One of which nothing is said is handed out too: somebody meant something by it.
    fn end<E>(&mut self, each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let Section { line, is_allow, check, subject, expires, reason } = core::mem::take(self);
        if !is_allow {
            return Ok(());
        }
        let setting = Setting::Allow {
            check: check.as_slice(),
            subject: subject.as_slice(),
            expires: expires.as_slice(),
            reason: reason.as_slice(),
        };
        each(&Row { line, setting })
    }

    fn option(&mut self, entry: &Entry<'_>) -> Option<Wrong> {
        let Section { check, subject, expires, reason, .. } = self;
        let fits = match entry.option {
            b"check" => keep(check, entry.value),
            b"subject" => keep(subject, entry.value),
            b"expires" => keep(expires, entry.value),
            b"reason" => keep(reason, entry.value),
            _ => return Some((entry.line, "allow has the options check, subject, reason and expires")),
        };
        fits.err().map(|why| (entry.line, why))
    }
}

/// Keeps a value that was not given before and fits.
fn keep<const N: usize>(place: &mut Bytes<N>, value: &[u8]) -> Result<(), &'static str> {
    if !place.is_empty() {
        return Err("allow has one of each option: write another config allow");
    }
    place.push(value);
    if place.is_cut() { Err("too long: a subject has 256 bytes at most, a reason 128") } else { Ok(()) }
}

fn lines<E>(bytes: &[u8], each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>) -> Result<Result<(), E>, Wrong> {
    for (line, row) in (1_u32..).zip(bytes.split(|byte| *byte == b'\n')) {
        let row = trim(row);
        if row.is_empty() || row.starts_with(b"#") {
            continue;
        }
        let Some(equals) = row.iter().position(|byte| *byte == b'=') else {
            return Err((line, "write key = value"));
        };
        let (key, value) = row.split_at(equals);
        let (key, value) = (trim(key), unquoted(trim(value.get(1..).unwrap_or_default())));
        if let Err(error) = each(&Row { line, setting: Setting::Option { key, value } }) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// A value without the quotes around all of it.
fn unquoted(value: &[u8]) -> &[u8] {
    for quote in [b'"', b'\''] {
        if let [first, inner @ .., last] = value
            && *first == quote
            && *last == quote
            && !inner.contains(&quote)
        {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `LINE key=value`, or `LINE allow check|subject|expires|reason`, and what was wrong.
    fn rows(text: &[u8]) -> (Vec<String>, Option<Wrong>) {
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found = Vec::new();
        let done = read::<()>(text, &mut |row| {
            found.push(match row.setting {
                Setting::Option { key, value } => format!("{} {}={}", row.line, word(key), word(value)),
                Setting::Allow { check, subject, expires, reason } => {
                    let parts = [check, subject, expires, reason].map(word);
                    format!("{} allow {}", row.line, parts.join("|"))
                }
            });
            Ok(())
        });
        (found, done.err())
    }

    #[test]
    fn both_ways_say_the_same() {
        let uci = b"# ours\nconfig gatewatch 'main'\n\toption timeout '30'\n\tlist skip 'exe-deleted'\n\
            \nconfig allow\n\toption check 'exe-volatile'\n\toption subject '/opt/a b'\n\toption reason 'it''s'\n\
            config allow 'x'\n\toption check c\n\toption expires '2027-01-01'\nconfig gatewatch\n\toption format json";
        let expected = [
            "3 timeout=30",
            "4 skip=exe-deleted",
            "6 allow exe-volatile|/opt/a b||its",
            "10 allow c||2027-01-01|",
            "14 format=json",
        ];
        assert_eq!(rows(uci), (expected.map(str::to_owned).into(), None));
        let lines = b"\n# ours\n timeout = 30\r\nskip=exe-deleted\n\nallow = c \"a b\" never = x\nformat = 'json'\nx = \"\nempty =";
        let expected = [
            "3 timeout=30",
            "4 skip=exe-deleted",
            "6 allow=c \"a b\" never = x",
            "7 format=json",
            "8 x=\"",
            "9 empty=",
        ];
        assert_eq!(rows(lines), (expected.map(str::to_owned).into(), None));
        assert_eq!(rows(b""), (vec![], None));
        let bare = ["1 allow |||".to_owned(), "2 allow |||".to_owned()];
        assert_eq!(rows(b"config allow\nconfig allow 'x'\nconfig gatewatch\n"), (bare.into(), None));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, line, words) in [
            (&b"timeout 30\n"[..], 1, "write key = value"),
            (b"config gatewatch\noption a b\nopton c d\n", 3, "use the words config"),
            (b"config gatewatch\n\noption a 'b\n", 3, "too long, or a quote"),
            (b"package x\noption a b\n", 1, "write options in a section"),
            (b"config gatewatch\n\nconfig gatewach\n option a b\n", 3, "write options in a section"),
            (b"config gatewatch\n\nconfig foo\n", 3, "write options in a section"),
            (b"config foo", 1, "write options in a section"),
            (b"config allow\noption chek x\n", 2, "allow has the options"),
            (b"config allow\noption check x\noption check y\n", 3, "allow has one of each"),
            (
                &[b"config allow\n option subject '/", &[b'x'; SUBJECT_BYTES][..], b"'"].concat(),
                2,
                "too long",
            ),
        ] {
            let (_, wrong) = rows(text);
            let (at, said) = wrong.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
            assert_eq!((at, said.starts_with(words)), (line, true), "{said}");
        }
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = b"config gatewatch\nallow option check 'a' \"b\" = # ; \r\t\0\xff";
        let mut seed = 1_u32;
        for length in 0..1500 {
            let mut text = if length % 2 == 0 { b"config gatewatch\n".to_vec() } else { Vec::new() };
            text.extend((0..length % 90).map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
            }));
            rows(&text);
        }
    }
}
