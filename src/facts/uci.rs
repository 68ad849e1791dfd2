//! OpenWrt's configuration files: bytes of `/etc/config/NAME` in, each option with its section and its line out.
//!
//! The grammar is libuci's (file.c `uci_parse_line`, `parse_str`): a word `package`, `config`, `option` or `list`, or its
//! first letter, then at most two arguments. Quotes may span lines, a backslash escapes outside of single quotes, `#`
//! begins a comment and `;` another statement. `/sbin/uci` itself is not asked: an enemy may have replaced it.

use super::text::{Bytes, one_of};
use crate::limits::{UCI_NAME_BYTES, UCI_VALUE_BYTES};

/// One option, or one value of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The line on which its section begins; 0 before the first.
    pub section_line: u32,
    /// The type of its section: `include` of `config include 'x'`; empty before the first section.
    pub section: &'a [u8],
    /// The name of its section; empty if it has none.
    pub name: &'a [u8],
    /// The option.
    pub option: &'a [u8],
    /// Its value, without quotes.
    pub value: &'a [u8],
    /// It is one of several: `list`.
    pub list: bool,
}

type Name = Bytes<UCI_NAME_BYTES>;

/// Takes a file apart byte by byte.
#[derive(Clone, Debug)]
pub struct Uci {
    section: Name,
    section_name: Name,
    section_line: u32,
    keyword: Name,
    first: Name,
    second: Bytes<UCI_VALUE_BYTES>,
    /// Words of the statement that are complete, and whether another has begun.
    words: u32,
    begun: bool,
    quote: Option<u8>,
    escaped: bool,
    comment: bool,
    /// The line being read, and the one on which the statement began.
    line: u32,
    start: u32,
    cut: Option<u32>,
    odd: u32,
    odd_line: Option<u32>,
}

impl Uci {
    /// For the first byte of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            section: Bytes::new(),
            section_name: Bytes::new(),
            section_line: 0,
            keyword: Bytes::new(),
            first: Bytes::new(),
            second: Bytes::new(),
            words: 0,
            begun: false,
            quote: None,
            escaped: false,
            comment: false,
            line: 1,
            start: 1,
            cut: None,
            odd: 0,
            odd_line: None,
        }
    }

    /// The first line of which something was left out.
    #[must_use]
    pub const fn cut(&self) -> Option<u32> {
        self.cut
    }

    /// Statements that libuci would not take either; it refuses the whole file.
    #[must_use]
    pub const fn odd(&self) -> u32 {
        self.odd
    }

    /// The first line on which one of these begins.
    #[must_use]
    pub const fn odd_line(&self) -> Option<u32> {
        self.odd_line
    }

    /// The section that is open: the line on which it begins, from 1, and its type. One without options is handed out by nothing
    /// else.
    #[must_use]
    pub fn section(&self) -> (u32, &[u8]) {
        (self.section_line, self.section.as_slice())
    }

    /// Takes one byte, and hands out what is complete with it.
    pub fn push(&mut self, byte: u8, each: &mut dyn FnMut(&Entry<'_>)) {
        let newline = byte == b'\n';
        if core::mem::take(&mut self.escaped) {
            if !newline {
                self.keep(byte);
            }
        } else {
            match (self.quote, byte) {
                _ if self.comment && !newline => {}
                (Some(quote), _) if quote == byte => self.quote = None,
                (Some(b'"') | None, b'\\') => {
                    self.begin();
                    self.escaped = true;
                }
                (Some(_), _) => self.keep(byte),
                (None, b'\'' | b'"') => {
                    self.begin();
                    self.quote = Some(byte);
                }
                (None, b'#') => self.comment = true,
                (None, b'\n' | b';') => self.end_of_statement(each),
                (None, b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.end_of_word(),
                (None, _) => self.keep(byte),
            }
        }
        if newline {
            self.line = self.line.saturating_add(1);
        }
    }

    /// At the end of the file: hands out what has no newline, or a quote that never closes.
    pub fn finish(&mut self, each: &mut dyn FnMut(&Entry<'_>)) {
        if self.quote.take().is_some() {
            self.cut = self.cut.or(Some(self.start));
        }
        self.escaped = false;
        self.end_of_statement(each);
    }

    fn begin(&mut self) {
        if !core::mem::replace(&mut self.begun, true) && self.words == 0 {
            self.start = self.line;
        }
    }

    fn keep(&mut self, byte: u8) {
        self.begin();
        let byte = core::slice::from_ref(&byte);
        match self.words {
            0 => self.keyword.push(byte),
            1 => self.first.push(byte),
            2 => self.second.push(byte),
            _ => {}
        }
    }

    fn end_of_word(&mut self) {
        if core::mem::take(&mut self.begun) {
            self.words = self.words.saturating_add(1);
        }
    }

    fn end_of_statement(&mut self, each: &mut dyn FnMut(&Entry<'_>)) {
        self.end_of_word();
        self.comment = false;
        if self.keyword.is_cut() || self.first.is_cut() || self.second.is_cut() {
            self.cut = self.cut.or(Some(self.start));
        }
        let name = self.keyword.as_slice();
        let is = one_of(name);
        match name {
            _ if is(b"c config") => {
                self.section = self.first.clone();
                self.section_name = Bytes::of(self.second.as_slice());
                self.section_line = self.start;
            }
            keyword @ (b"o" | b"option" | b"l" | b"list") => each(&Entry {
                line: self.start,
                section_line: self.section_line,
                section: self.section.as_slice(),
                name: self.section_name.as_slice(),
                option: self.first.as_slice(),
                value: self.second.as_slice(),
                list: keyword.starts_with(b"l"),
            }),
            _ if is(b"p package") => {
                self.section.clear();
                self.section_name.clear();
            }
            b"" if self.words == 0 => {}
            _ => {
                self.odd = self.odd.saturating_add(1);
                self.odd_line = self.odd_line.or(Some(self.start));
            }
        }
        self.keyword.clear();
        self.first.clear();
        self.second.clear();
        self.words = 0;
    }
}

impl Default for Uci {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `LINE SECTION[NAME].OPTION=VALUE`, the first line that was cut, statements not understood.
    fn parsed(text: &[u8]) -> (Vec<String>, Option<u32>, u32) {
        let mut uci = Uci::new();
        let mut found = Vec::new();
        let mut each = |entry: &Entry<'_>| {
            let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (section, name) = (word(entry.section), word(entry.name));
            let (option, value) = (word(entry.option), word(entry.value));
            let is = if entry.list { "+=" } else { "=" };
            found.push(format!("{} {section}[{name}].{option}{is}{value}", entry.line));
        };
        for byte in text {
            uci.push(*byte, &mut each);
        }
        uci.finish(&mut each);
        (found, uci.cut(), uci.odd())
    }

    #[test]
    fn sections_options_and_lists() {
        let text = b"package firewall\n\nconfig defaults\n\toption syn_flood 1\n\nconfig include 'x'\n\
            \toption path '/etc/firewall.user' # here\n\tlist \"device\" \"eth0\"\n# option path /tmp/x\n";
        let (found, cut, odd) = parsed(text);
        assert_eq!(
            found,
            ["4 defaults[].syn_flood=1", "7 include[x].path=/etc/firewall.user", "8 include[x].device+=eth0"]
        );
        assert_eq!((cut, odd), (None, 0));
    }

    #[test]
    fn letters_statements_and_quotes_that_hide() {
        for text in [
            &b"c include;o path /tmp/x"[..],
            b"config include\noption path '/tmp'\"/x\"",
            b"config include\n  option  path\t/t\\m\\p/x\r\n",
            b"config include\noption 'path' \"/tm\\p/x\";",
            b"config include\noption pa\\\nth /tmp/x#y",
        ] {
            let (found, ..) = parsed(text);
            let said = found.iter().map(|row| row.split_once(' ').unwrap().1).collect::<Vec<_>>();
            assert_eq!(said, ["include[].path=/tmp/x"], "{}", String::from_utf8_lossy(text));
        }
        let (found, ..) = parsed(b"config a\noption b 'x\ny'\\''z'\noption c ''\noption d\n");
        assert_eq!(found, ["2 a[].b=x\ny'z", "4 a[].c=", "5 a[].d="]);
    }

    #[test]
    fn what_does_not_fit_or_is_not_understood_is_said() {
        let long = [&b"config a\noption b "[..], &vec![b'x'; 2 * UCI_VALUE_BYTES]].concat();
        let (found, cut, _) = parsed(&long);
        assert_eq!((found.len(), cut), (1, Some(2)));
        let long = [&b"config a\noption "[..], &vec![b'x'; 70_000], b" y\noption c d\n"].concat();
        let (found, cut, _) = parsed(&long);
        assert_eq!((found.len(), cut), (2, Some(2)));
        assert_eq!(parsed(b"config a\noption b 'c\noption d e\n").1, Some(2));
        let (found, cut, odd) = parsed(b"nonsense a\n\xff\xfe\0\nconfig a\n'' b\noption c d\n");
        assert_eq!((found, cut, odd), (vec!["5 a[].c=d".to_owned()], None, 3));
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = b"config option list 'a' \"b\" \\ # ; \n\r\t\0\xff";
        let mut seed = 1_u32;
        for length in 0..1500 {
            let text: Vec<u8> = (0..length % 90)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
                })
                .collect();
            parsed(&text);
        }
        let whole = b"package p\nconfig a 'b'\n\toption c \"d\\\"e\"\n\tlist f 'g' # h\n";
        for length in 0..whole.len() {
            parsed(&whole[..length]);
        }
    }
}
