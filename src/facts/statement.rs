//! Puts the bytes of a web page together to statements: comments, here-documents and what lies outside of code go, blanks
//! are folded, strings keep their beginning, and what is inside of them is told from code.

use super::text::Bytes;
use super::web::Grammar;
use crate::limits::{STATEMENT_BYTES, STRING_BYTES};

/// What a byte of a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Code, or the quote around a string: `"`, whichever it was, or a backquote.
    Code,
    /// In a string in which variables stand for their values.
    Open,
    /// In another string.
    Closed,
}

/// A statement.
pub(super) struct Statement {
    /// Its bytes, and what each is.
    pub(super) bytes: heapless::Vec<u8, STATEMENT_BYTES>,
    pub(super) marks: heapless::Vec<Mark, STATEMENT_BYTES>,
    /// Where lines end in it.
    breaks: heapless::Vec<u16, 64>,
    /// The line on which it begins.
    first: u32,
    /// It goes on behind its last byte.
    pub(super) full: bool,
}

impl Statement {
    pub(super) const fn new() -> Self {
        Self {
            bytes: heapless::Vec::new(),
            marks: heapless::Vec::new(),
            breaks: heapless::Vec::new(),
            first: 1,
            full: false,
        }
    }

    /// The line of a byte of it.
    pub(super) fn line(&self, at: usize) -> u32 {
        let before = self.breaks.iter().filter(|end| usize::from(**end) <= at).count();
        self.first.saturating_add(u32::try_from(before).unwrap_or_default())
    }

    fn clear(&mut self, line: u32) {
        self.bytes.clear();
        self.marks.clear();
        self.breaks.clear();
        self.first = line;
        self.full = false;
    }

    /// Drops its first half, so that there is room for more.
    fn halve(&mut self) {
        let half = STATEMENT_BYTES.div_euclid(2);
        self.first = self.line(half);
        let bound = u16::try_from(half).unwrap_or_default();
        self.breaks.retain(|end| *end > bound);
        self.breaks.iter_mut().for_each(|end| *end = end.saturating_sub(bound));
        let left = self.bytes.len().saturating_sub(half);
        // Both are full, so there are that many.
        self.bytes.rotate_left(half);
        self.marks.rotate_left(half);
        self.bytes.truncate(left);
        self.marks.truncate(left);
        self.full = false;
    }

    fn push(&mut self, byte: u8, mark: Mark) {
        let _ = self.bytes.push(byte);
        let _ = self.marks.push(mark);
        self.full = self.bytes.is_full();
    }

    /// Whether its last bytes are these, as code.
    fn ends_with(&self, end: &[u8]) -> bool {
        let from = self.marks.len().saturating_sub(end.len());
        self.bytes.ends_with(end)
            && self.marks.get(from..).is_some_and(|marks| marks.iter().all(|mark| *mark == Mark::Code))
    }

    fn pop(&mut self, count: usize) {
        let left = self.bytes.len().saturating_sub(count);
        self.bytes.truncate(left);
        self.marks.truncate(left);
    }

    fn is_blank(&self) -> bool {
        self.bytes.last().is_none_or(|byte| *byte == b' ')
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of the tags of a page.
    Outside,
    Code,
    /// To the end of the line.
    Comment,
    /// `/* … */`
    Block,
    /// In a string that ends with this byte.
    String(u8),
    /// In the body of a here-document.
    Here,
}

/// Takes a page apart.
pub(super) struct Splitter {
    grammar: &'static Grammar,
    state: State,
    pub(super) statement: Statement,
    /// The last byte, outside of code and in comments.
    previous: u8,
    escaped: bool,
    /// Bytes of the string so far.
    length: usize,
    /// Open brackets.
    depth: u32,
    line: u32,
    /// The word that ends a here-document, while it is read and until its body ends.
    word: Option<Bytes<32>>,
    reading: bool,
    /// The line of the body so far.
    body: Bytes<48>,
    /// The statement was handed out.
    done: bool,
}

impl Splitter {
    pub(super) const fn new(grammar: &'static Grammar) -> Self {
        Self {
            grammar,
            state: if grammar.tags.is_some() { State::Outside } else { State::Code },
            statement: Statement::new(),
            previous: b'\n',
            escaped: false,
            length: 0,
            depth: 0,
            line: 1,
            word: None,
            reading: false,
            body: Bytes::new(),
            done: false,
        }
    }

    /// Takes one byte. True: look at the statement before the next one.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if core::mem::take(&mut self.done) {
            if self.statement.full {
                self.statement.halve();
            } else {
                self.statement.clear(self.line);
            }
        }
        match self.state {
            State::Outside => {
                if self.grammar.tags.is_some_and(|(open, _)| open == [self.previous, byte]) {
                    self.begin();
                }
            }
            State::Code => self.code(byte),
            State::Comment => self.comment(byte),
            State::Block => {
                if (self.previous, byte) == (b'*', b'/') {
                    self.state = State::Code;
                }
            }
            State::String(quote) => self.string(quote, byte),
            State::Here => self.here(byte),
        }
        self.previous = byte;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
            if self.statement.bytes.is_empty() {
                self.statement.first = self.line;
            } else {
                let at = u16::try_from(self.statement.bytes.len()).unwrap_or(u16::MAX);
                let _ = self.statement.breaks.push(at);
            }
        }
        self.done |= self.statement.full;
        self.done
    }

    fn begin(&mut self) {
        self.state = State::Code;
        self.depth = 0;
        self.statement.clear(self.line);
    }

    fn comment(&mut self, byte: u8) {
        if self.grammar.tags.is_some_and(|(_, close)| close == [self.previous, byte]) {
            self.state = State::Outside;
            self.done = true;
        } else if byte == b'\n' {
            self.state = State::Code;
            self.code(byte);
        }
    }

    fn code(&mut self, byte: u8) {
        let grammar = self.grammar;
        if self.reading && self.here_word(byte) {
            return;
        }
        match byte {
            b'\n' => {
                if self.word.is_some() {
                    self.state = State::Here;
                    self.body.clear();
                } else if grammar.lines && self.depth == 0 {
                    self.done = true;
                    return;
                }
                self.blank();
            }
            b' ' | b'\t' | b'\r' | 0 => self.blank(),
            b';' => {
                self.statement.push(byte, Mark::Code);
                self.depth = 0;
                self.done = true;
            }
            b'\'' | b'"' => {
                self.statement.push(b'"', Mark::Code);
                (self.state, self.length) = (State::String(byte), 0);
            }
            b'`' if grammar.backquotes => {
                self.statement.push(byte, Mark::Code);
                (self.state, self.length) = (State::String(byte), 0);
            }
            _ => {
                self.statement.push(byte, Mark::Code);
                match byte {
                    b'(' | b'[' | b'{' => self.depth = self.depth.saturating_add(1),
                    b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.token();
            }
        }
    }

    /// Whether the last bytes of code begin something else.
    fn token(&mut self) {
        let grammar = self.grammar;
        if let Some((_, close)) = grammar.tags.filter(|(_, close)| self.statement.ends_with(close)) {
            self.statement.pop(close.len());
            self.state = State::Outside;
            self.done = true;
        } else if grammar.block && self.statement.ends_with(b"/*") {
            self.statement.pop(2);
            self.state = State::Block;
            self.previous = 0;
        } else if let Some(comment) = grammar.comments.iter().find(|c| self.statement.ends_with(c)) {
            // `$#array` of Perl, `#[Attribute]` of PHP.
            let dollar = grammar.dollar && self.statement.ends_with(b"$#");
            if !dollar {
                self.statement.pop(comment.len());
                self.state = State::Comment;
            }
        } else if !grammar.here.is_empty() && self.statement.ends_with(grammar.here) && self.word.is_none() {
            self.word = Some(Bytes::new());
            self.reading = true;
        }
    }

    /// The word behind `<<`. Whether the byte is part of it.
    fn here_word(&mut self, byte: u8) -> bool {
        let Some(word) = &mut self.word else { return false };
        let ident = byte.is_ascii_alphabetic() || byte == b'_' || byte.is_ascii_digit() && !word.is_empty();
        if ident {
            word.push(&[byte]);
        } else if matches!(byte, b'\'' | b'"' | b'-' | b'~')
            || byte == b' ' && word.is_empty() && self.grammar.here.len() > 2
        {
            return true;
        } else {
            self.reading = false;
            // A number or a blank behind it: a shift.
            if word.is_empty() {
                self.word = None;
            }
        }
        ident
    }

    fn here(&mut self, byte: u8) {
        let end = self.word.as_ref().map(Bytes::as_slice).unwrap_or_default();
        let line = super::text::trim(self.body.as_slice());
        let ends = line == end && !self.body.is_cut();
        let ident = byte.is_ascii_alphanumeric() || byte == b'_';
        if ends && !ident && !matches!(byte, b' ' | b'\t') {
            self.word = None;
            self.state = State::Code;
            self.code(byte);
        } else if byte == b'\n' {
            self.body.clear();
        } else {
            self.body.push(&[byte]);
        }
    }

    fn string(&mut self, quote: u8, byte: u8) {
        // What lines end, strings do not span; a quote in a pattern, `s/'//`, is none then.
        let broken = byte == b'\n' && (self.grammar.lines || self.grammar.here == b"<<") && quote != b'`';
        if core::mem::take(&mut self.escaped) {
            self.keep(quote, byte);
        } else if byte == quote || broken {
            let quote = if quote == b'`' { quote } else { b'"' };
            self.statement.push(quote, Mark::Code);
            self.state = State::Code;
            if broken {
                self.code(byte);
            }
        } else {
            self.escaped = byte == b'\\';
            self.keep(quote, byte);
        }
    }

    fn keep(&mut self, quote: u8, byte: u8) {
        self.length = self.length.saturating_add(1);
        if self.length <= STRING_BYTES {
            let mark = if quote == b'\'' { Mark::Closed } else { Mark::Open };
            self.statement.push(byte, mark);
        }
    }

    fn blank(&mut self) {
        if !self.statement.is_blank() {
            self.statement.push(b' ', Mark::Code);
        }
    }
}
