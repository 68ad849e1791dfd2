//! Puts the bytes of a startup file together to lines, as a shell would.

mod here;

use super::commands::Commands;
use super::memory::{Joined, Memory};
use super::open::{Here, Open, is_printed};
use super::origin::Standing;
use super::startup::{Kind, Line, is_other_language};
use super::text::{Bytes, trim};
use crate::limits::LINE_BYTES;

/// Puts bytes together to lines: joins what a shell joins, folds blanks, drops comments, and tells texts from code.
#[derive(Clone, Debug)]
pub struct Reader {
    kind: Kind,
    line: Bytes<LINE_BYTES>,
    /// `line` is complete; the next byte begins another.
    complete: bool,
    /// The complete line was handed out.
    taken: bool,
    /// Where in `line` the physical line begins, and whether it begins inside quotes.
    physical: usize,
    quoted: bool,
    /// A physical line inside quotes or a here-document that is to be handed out as a text.
    text: Option<(usize, usize)>,
    /// The physical line being read, from 1.
    number: u32,
    /// The physical line on which `line` began.
    first: u32,
    open: heapless::Vec<Open, 16>,
    escaped: bool,
    /// The last byte was a `$` that begins something, a `(` behind one, a pipe with nothing behind it, a blank that
    /// takes further blanks in; and so many `<` stood before it.
    dollar: bool,
    fresh: bool,
    pipe: bool,
    blank: bool,
    less: u32,
    /// A word has begun, so `#` is part of it.
    in_word: bool,
    cut: Option<u32>,
    /// The word of a `<<` that is being read.
    word: Option<Here>,
    /// Here-documents whose bodies follow, the next one first, and whether the body of the first is being read.
    here: heapless::Vec<Here, 4>,
    in_body: bool,
    /// `line` is a line of such a body.
    is_body: bool,
    /// What lies behind this in `line` goes with the next byte.
    drop_from: Option<usize>,
    /// The lines so far end where a pattern of `case` comes next.
    pattern: bool,
}

impl Reader {
    /// For the first byte of a file.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            line: Bytes::new(),
            complete: false,
            taken: false,
            physical: 0,
            quoted: false,
            text: None,
            number: 1,
            first: 1,
            open: heapless::Vec::new(),
            escaped: false,
            dollar: false,
            fresh: false,
            pipe: false,
            blank: true,
            less: 0,
            in_word: false,
            cut: None,
            word: None,
            here: heapless::Vec::new(),
            in_body: false,
            is_body: false,
            drop_from: None,
            pattern: false,
        }
    }

    /// For a text that begins further down in its file.
    #[must_use]
    pub const fn from_line(mut self, line: u32) -> Self {
        self.number = line;
        self.first = line;
        self
    }

    /// The first line of which something was left out.
    #[must_use]
    pub const fn cut(&self) -> Option<u32> {
        self.cut
    }

    fn mark_cut(&mut self) {
        self.cut = self.cut.or(Some(self.first));
    }

    /// Takes one byte. True: lines are ready; take them all with [`Reader::take`] before the next byte.
    pub fn push(&mut self, byte: u8) -> bool {
        if core::mem::take(&mut self.complete) {
            self.line.clear();
            self.first = self.number;
            self.taken = false;
            self.physical = 0;
            self.quoted = false;
            self.blank = true;
            self.in_word = false;
            self.pipe = false;
        }
        if let Some(from) = self.drop_from.take() {
            self.line.truncate(from);
        }
        match (self.kind, byte) {
            (Kind::Program, 0 | b'\n') => {
                self.number = self.number.saturating_add(1);
                (self.complete, self.taken) = (true, true);
                self.text = Some((0, self.line.as_slice().len()));
            }
            (Kind::Program, _) => self.line.push(&[byte]),
            (_, b'\n') if self.in_body => self.end_of_body_line(),
            (_, b'\n') => self.end_of_line(),
            (_, 0) => {}
            _ if self.in_body => self.line.push(&[byte]),
            (Kind::Shell, _) => self.script(byte),
            (_, b'\r') => {}
            _ => self.keep(byte, true),
        }
        self.is_ready()
    }

    /// Follows a script byte by byte: what is open, and where words and comments begin.
    fn script(&mut self, byte: u8) {
        let escaped = core::mem::take(&mut self.escaped);
        let dollar = core::mem::take(&mut self.dollar);
        let fresh = core::mem::take(&mut self.fresh);
        let top = self.open.last().copied();
        if !escaped && self.here_word(top, byte) {
            return self.keep(byte, false);
        }
        let mut plain = false;
        match (top, byte) {
            (Some(Open::Comment), _) => return,
            (Some(Open::First), _) => {}
            // One shell ends the quote here, another goes on.
            (Some(Open::Dollar), b'\'') if escaped => self.mark_cut(),
            _ if escaped => self.in_word = true,
            (Some(Open::Single | Open::Dollar), b'\'') | (Some(Open::Double), b'"') => self.close(),
            (Some(Open::Single), _) => {}
            (_, b'\\') => self.escaped = true,
            (Some(Open::Dollar), _) => {}
            (Some(Open::Backquote), b'`')
            | (Some(Open::Paren | Open::Arithmetic), b')')
            | (Some(Open::Brace), b'}') => {
                self.close();
            }
            (_, b'`') => self.begin(Open::Backquote),
            (Some(Open::Paren), b'(') if fresh => {
                self.close();
                self.begin(Open::Arithmetic);
                self.begin(Open::Arithmetic);
            }
            // An array's elements may stand on lines of their own.
            (None, b'(') if self.in_word && self.line.as_slice().last() == Some(&b'=') => {
                self.begin(Open::Paren);
            }
            (_, b'(') if dollar => {
                self.begin(Open::Paren);
                self.fresh = true;
            }
            (_, b'{') if dollar => self.begin(Open::Brace),
            (_, b'$') => self.dollar = !dollar,
            (Some(Open::Double | Open::Brace), _) => {}
            (Some(Open::Arithmetic), b'(') => self.begin(Open::Arithmetic),
            (Some(Open::Arithmetic), _) => {}
            (None, b'#') if self.number == 1 && self.line.is_empty() => self.begin(Open::First),
            (_, b'#') if !self.in_word => return self.begin(Open::Comment),
            (Some(Open::Paren), b'(') => self.begin(Open::Paren),
            (_, b'\'') if dollar => self.begin(Open::Dollar),
            (_, b'\'') => self.begin(Open::Single),
            (_, b'"') => self.begin(Open::Double),
            _ => plain = true,
        }
        let ends_word = matches!(byte, b' ' | b'\t' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>');
        if plain || matches!(self.open.last(), Some(Open::Paren | Open::Backquote)) {
            self.in_word = !ends_word && byte != b'`';
        } else {
            self.in_word = true;
        }
        if !matches!(byte, b' ' | b'\t') {
            self.pipe = plain && byte == b'|';
        }
        self.keep(byte, plain);
    }

    fn begin(&mut self, what: Open) {
        if self.open.push(what).is_err() {
            self.mark_cut();
        }
    }

    fn close(&mut self) {
        let _ = self.open.pop();
    }

    /// Appends a byte; of a run of blanks that only part words, one.
    fn keep(&mut self, byte: u8, plain: bool) {
        let blank = plain && matches!(byte, b' ' | b'\t');
        if !(blank && self.blank) {
            self.line.push(if blank { b" " } else { core::slice::from_ref(&byte) });
        }
        self.blank = blank;
    }

    fn end_of_line(&mut self) {
        self.number = self.number.saturating_add(1);
        if self.open.last().is_some_and(|open| open.is_comment()) {
            self.close();
        }
        self.end_of_here_word();
        let shell = self.kind == Kind::Shell;
        let escaped = core::mem::take(&mut self.escaped)
            || (self.kind == Kind::Unit && self.line.as_slice().last() == Some(&b'\\'));
        // Whoever knows these rules may make quotes that close earlier for a shell than for us, so what stands inside
        // them is looked at too, as the text that it should be.
        let quoted = shell && self.open.iter().any(|open| open.is_quote());
        if self.quoted || quoted {
            self.text = Some((self.physical, self.line.as_slice().len()));
        }
        self.quoted = quoted;
        self.in_body = !self.here.is_empty();
        let piped = shell && self.pipe && !self.in_body;
        if (escaped || piped || !self.open.is_empty()) && !self.line.is_cut() {
            if escaped {
                self.line.truncate(self.line.as_slice().len().saturating_sub(1));
            } else if !piped {
                self.line.push(b"\n");
                (self.blank, self.in_word) = (true, false);
            }
            self.physical = self.line.as_slice().len();
            return;
        }
        // What never closes is a trick, or no script: the next line begins with nothing open.
        if self.line.is_cut() {
            self.mark_cut();
        }
        self.open.clear();
        (self.complete, self.is_body) = (true, false);
    }

    /// At the end of a file: whether a last line is there that has no newline or whose quotes never close.
    pub fn finish(&mut self) -> bool {
        if !self.complete && !self.line.is_empty() {
            if self.open.iter().any(|open| !open.is_comment()) {
                self.mark_cut();
            }
            self.open.clear();
            (self.escaped, self.pipe) = (false, false);
            self.push(b'\n');
        }
        if !self.here.is_empty() {
            self.mark_cut();
        }
        self.is_ready()
    }

    /// Whether there is a line to take.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.text.is_some() || (self.complete && !self.taken)
    }

    /// Hands out a line with its commands. `None`: it runs nothing.
    pub fn take<'a>(
        &'a mut self,
        file: &'a [u8],
        commands: &'a mut Commands,
        memory: &'a mut Memory,
    ) -> Option<Line<'a>> {
        if let Some((from, to)) = self.text.take() {
            let text = trim(self.line.as_slice().get(from..to).unwrap_or_default());
            // Without a pipe or a substitution there is nothing in it for a check.
            return text.iter().any(|b| matches!(b, b'|' | b'`' | b'(')).then(|| {
                commands.pattern = false;
                commands.parse_text(text);
                let number = self.number.saturating_sub(1);
                Line {
                    file,
                    number,
                    kind: Kind::Text,
                    text,
                    commands,
                    joined: Joined::default(),
                    standing: Standing::Unknown,
                    in_image: None,
                    nobody: false,
                }
            });
        }
        self.taken = true;
        let shebang =
            self.line.as_slice().strip_prefix(b"#!").filter(|_| self.first == 1 && self.kind == Kind::Shell);
        if shebang.is_some_and(is_other_language) {
            self.kind = Kind::Other;
        }
        let command = match shebang {
            Some(interpreter) => interpreter,
            None => self.kind.command(self.line.as_slice())?,
        };
        commands.pattern = self.pattern && self.kind == Kind::Shell;
        commands.parse(command);
        self.pattern = commands.pattern;
        if commands.is_cut() {
            self.cut = self.cut.or(Some(self.first));
        }
        if !self.is_body && !self.here.is_empty() {
            let printed = is_printed(commands, self.line.as_slice());
            self.here.iter_mut().for_each(|here| here.printed = printed);
        }
        memory.learn(commands, self.first, self.is_body);
        Some(Line {
            file,
            number: self.first,
            kind: self.kind,
            text: trim(self.line.as_slice()),
            commands,
            joined: memory.joined(),
            standing: Standing::Unknown,
            in_image: None,
            nobody: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that run something, as `number:programs`, and the first line that was cut.
    fn lines(kind: Kind, text: &[u8]) -> (Vec<String>, Option<u32>) {
        let (mut reader, mut memory, mut commands) = (Reader::new(kind), Memory::new(), Commands::new());
        let mut found = Vec::new();
        let mut take = |from: &mut Reader| {
            if let Some(line) = from.take(b"/x", &mut commands, &mut memory) {
                let name = |index| String::from_utf8_lossy(line.commands.name(index)).into_owned();
                let programs: Vec<_> = line.commands.iter().map(|(index, _)| name(index)).collect();
                let text = if line.kind == Kind::Text { "text:" } else { "" };
                found.push(format!("{}:{text}{}", line.number, programs.join(",")));
            }
        };
        for byte in text {
            reader.push(*byte);
            while reader.is_ready() {
                take(&mut reader);
            }
        }
        reader.finish();
        while reader.is_ready() {
            take(&mut reader);
        }
        (found, reader.cut())
    }

    #[test]
    fn a_shell_joins_and_folds() {
        let text = b"#!/bin/sh\n\n  a \\\n   b # x | y\nc |\n d\necho 'x\n# y' ; e\nf";
        assert_eq!(
            lines(Kind::Shell, text),
            (["1:sh", "3:a", "5:c,d", "7:echo,e", "9:f"].map(String::from).into(), None)
        );
    }

    #[test]
    fn quotes_nest_as_in_a_shell() {
        let text = br#"a "$(b "c" | d 'e"f')" g
h '\'"'"''
i $'j\'k' "l ` m "n" ` o"
p $( # a comment with ' in it
  q )
"#;
        // Where shells differ, in $'\'', the line counts as not seen whole.
        assert_eq!(
            lines(Kind::Shell, text),
            (["1:a,b,d", "2:h", "3:i,m", "4:p,q"].map(String::from).into(), Some(3))
        );
    }

    #[test]
    fn comments_escapes_and_here_documents_end_where_a_shell_ends_them() {
        for text in [
            &b"# it's |\na\n"[..],
            b": \\ #; a\n",
            b": \\;#; a\n",
            b": ${x:- #}; a\n",
            b"echo \\|\na\n",
            b"A=\\  a\n",
            b"echo $$'\\'; a #'\n",
            b": $(( 1 # ))\na\n",
            b"cat <<A <<B\nA\nit's\nB\na\n",
            b"cat <<'A '\nA\nA \na\n",
            b"cat <<-A\n\tit's\n\tA\na\n",
            b"x=$(cat <<E\nYou can't\nE\n)\na\n",
            b": `: \\`a\\``\n",
            b": $(( $(a) ))\n",
            b"x=`cat <<E\nit's\nE`\na\n",
        ] {
            let (found, cut) = lines(Kind::Shell, text);
            let last = found.last().unwrap();
            let seen = last.split([':', ',']).any(|name| name == "a") && !last.contains("text");
            assert!(seen && cut.is_none(), "{}: {found:?} {cut:?}", String::from_utf8_lossy(text));
        }
        assert_eq!(lines(Kind::Shell, b"cat <<E\nit's\n").1, Some(2), "a here-document that never ends");
        assert_eq!(lines(Kind::Program, b"\x7fELF\x01 x\0a | b\0c").0, ["2:text:a,b"]);
    }

    #[test]
    fn printed_texts_are_skipped_and_written_ones_are_not() {
        let text = b"cat <<EOF\nwget x | sh\ndon't\nEOF\na\ncat > /tmp/x <<'E'\nb\ndon't c\nE\nd\n";
        assert_eq!(
            lines(Kind::Shell, text),
            (
                ["1:cat", "2:text:wget,sh", "5:a", "6:cat", "7:b", "8:dont c", "10:d"]
                    .map(String::from)
                    .into(),
                None
            )
        );
        assert_eq!(lines(Kind::Shell, b"cat <<E | sh\nb\nE\n").0, ["1:cat,sh", "2:b"]);
    }

    #[test]
    fn commands_of_the_other_kinds() {
        let cron = b"SHELL=/bin/sh\n# x\n*/5 * * * * /tmp/x a\n@reboot y\n1 2 3\n";
        assert_eq!(lines(Kind::Cron, cron).0, ["3:x", "4:y"]);
        assert_eq!(lines(Kind::SystemCron, b"17 * * * * root cd / && run-parts x\n").0, ["1:cd,run-parts"]);
        let inittab = b"::respawn:-/bin/login x\n::sysinit:/etc/init.d/rcS S boot\n";
        assert_eq!(lines(Kind::Inittab, inittab).0, ["1:login", "2:rcS"]);
        let rules = b"# x\nsd[a-z] 0:0 660 @/sbin/a x\nnull 0:0 666\nmmc* 0:0 660 =d/ */bin/b\n$MODALIAS=.* 0:0 660 @modprobe \"$MODALIAS\"\n\
                      ACTION==\"add\", RUN+=\"/bin/sh -c 'd &'\"\n";
        assert_eq!(lines(Kind::Rules, rules).0, ["2:a", "4:b", "5:modprobe", "6:sh,d"]);
        assert_eq!(lines(Kind::Unit, b"[Service]\nExecStart=-/usr/bin/a \\\n b\nUser=x\n").0, ["2:a"]);
        assert_eq!(lines(Kind::Shell, b"#!/usr/bin/lua\nit's\na\n").0, ["1:lua", "2:its", "3:a"]);
    }

    #[test]
    fn an_endless_quote_or_line_is_told() {
        let quote = [&b"a 'b\n"[..], &b"c\n".repeat(LINE_BYTES)].concat();
        let (found, cut) = lines(Kind::Shell, &quote);
        assert_eq!(cut, Some(1));
        assert!(found.len() > 30, "what follows the trick is still read");
        assert_eq!(lines(Kind::Shell, b"a\nb 'c\n").1, Some(2));
        assert_eq!(lines(Kind::Shell, &[b'a'; 64 * 1024]).1, Some(1));
        assert_eq!(lines(Kind::Shell, &[&[b'a'; 64 * 1024][..], b"\nb\n"].concat()).1, Some(1));
        let blanks = [&b"wget x"[..], &[b' '; 64 * 1024], b"| sh\n"].concat();
        assert_eq!(lines(Kind::Shell, &blanks), (vec!["1:wget,sh".into()], None));
    }
}
