//! A line of a startup file: bytes of a script, crontab, inittab or unit in, the commands that it runs out.

use super::fetch::{Memory, NOTHING};
use super::shell::{Commands, Role};
use super::text::{Bytes, basename, fields, trim};
use crate::limits::LINE_BYTES;

/// How a startup file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shell script, or a file that a shell reads.
    Shell,
    /// A user's crontab: five fields or `@reboot`, then a command (crontab(5)).
    Cron,
    /// `/etc/crontab` and `cron.d`: a user's name stands before the command.
    SystemCron,
    /// inittab: `id:runlevels:action:process` (inittab(5), BusyBox examples/inittab).
    Inittab,
    /// A systemd unit: `Exec…=` (systemd.service(5)).
    Unit,
    /// A script of another language: lines are looked at one by one, as far as they look like shell.
    Other,
    /// A text: a line inside quotes that span lines, or of a here-document that is only printed. It runs nothing, if
    /// the quotes are where they seem to be.
    Text,
    /// A symbolic link in a directory of startup files; the line is where it leads.
    Link,
}

impl Kind {
    /// The shell text in a line; `None` where the line runs nothing.
    fn command(self, line: &[u8]) -> Option<&[u8]> {
        let line = trim(line);
        if line.is_empty() || line.first() == Some(&b'#') {
            return None;
        }
        match self {
            Kind::Shell | Kind::Other | Kind::Text => Some(line),
            Kind::Cron => after_fields(line, if line.first() == Some(&b'@') { 1 } else { 5 }),
            Kind::SystemCron => after_fields(line, if line.first() == Some(&b'@') { 2 } else { 6 }),
            Kind::Inittab => {
                let process = line.splitn(4, |b| *b == b':').nth(3)?;
                Some(process.strip_prefix(b"-").unwrap_or(process))
            }
            Kind::Unit => {
                let equals = line.iter().position(|b| *b == b'=')?;
                let (key, value) = line.split_at(equals);
                let value = trim(value.get(1..)?);
                let prefixes = value.iter().take_while(|b| b"@-:+!|".contains(b)).count();
                trim(key).starts_with(b"Exec").then(|| value.get(prefixes..)).flatten()
            }
            Kind::Link => None,
        }
    }
}

/// What is left of a line after its first `count` fields. A variable of a crontab, `NAME=value`, has none.
fn after_fields(line: &[u8], count: usize) -> Option<&[u8]> {
    let first = fields(line).next()?;
    if first.contains(&b'=') {
        return None;
    }
    let mut rest = line;
    for _ in 0..count {
        rest = trim(rest);
        rest = rest.get(rest.iter().position(|b| matches!(b, b' ' | b'\t'))?..)?;
    }
    Some(trim(rest))
}

/// One line with all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The file's path, as it is found on the machine, `/` first.
    pub file: &'a [u8],
    /// The number of its first physical line, from 1; 0 for a link.
    pub number: u32,
    /// How the file is written.
    pub kind: Kind,
    /// The line, blanks folded; where a link leads.
    pub text: &'a [u8],
    /// The commands that it runs.
    pub commands: &'a Commands,
    /// What earlier lines of the file say about these commands.
    pub memory: &'a Memory,
}

/// What is open at a place in a script, innermost last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// `'…'`
    Single,
    /// `$'…'`, in which a backslash escapes.
    Dollar,
    /// `"…"`
    Double,
    /// `$(…)`, and parentheses in it.
    Paren,
    /// `` `…` ``
    Backquote,
    /// `${…}`, in which quotes mean different things to different shells.
    Brace,
    /// `# …` to the end of the physical line.
    Comment,
}

impl Open {
    const fn is_quote(self) -> bool {
        matches!(self, Open::Single | Open::Dollar | Open::Double)
    }
}

/// Bytes of the word that ends a here-document.
const HERE_BYTES: usize = 64;

/// Puts bytes together to lines: joins what a shell joins, folds blanks, drops comments, skips texts that are
/// only printed.
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
    /// A physical line inside quotes that is to be handed out as a text.
    text: Option<(usize, usize)>,
    /// The physical line being read, from 1.
    number: u32,
    /// The physical line on which `line` began.
    first: u32,
    open: heapless::Vec<Open, 16>,
    escaped: bool,
    cut: Option<u32>,
    /// The word that ends the here-document that is being read, and whether it is only printed.
    here: Option<(Bytes<HERE_BYTES>, bool)>,
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
            cut: None,
            here: None,
        }
    }

    /// The first line of which something was left out.
    #[must_use]
    pub const fn cut(&self) -> Option<u32> {
        self.cut
    }

    /// Takes one byte. True: lines are ready; take them all with [`Reader::take`] before the next byte.
    pub fn push(&mut self, byte: u8) -> bool {
        if core::mem::take(&mut self.complete) {
            self.line.clear();
            self.first = self.number;
            self.taken = false;
            self.physical = 0;
            self.quoted = false;
        }
        match byte {
            b'\n' => return self.end_of_line(),
            0 | b'\r' => return false,
            _ => {}
        }
        // The body of a here-document has no quotes of its own, and other languages have others.
        if self.kind != Kind::Shell || self.here.is_some() || self.script(byte) {
            self.keep(byte);
        }
        false
    }

    /// Follows the quotes of a script. False: the byte is part of a comment.
    fn script(&mut self, byte: u8) -> bool {
        let before = self.line.as_slice().last().copied();
        let begins_word = matches!(before, None | Some(b' ' | b';' | b'&' | b'|' | b'(' | b'\n'));
        if core::mem::take(&mut self.escaped) {
            return true;
        }
        let after_dollar = before == Some(b'$');
        match (self.open.last().copied(), byte) {
            (Some(Open::Comment), _) => return false,
            (Some(Open::Single), b'\'') | (Some(Open::Dollar), b'\'') | (Some(Open::Double), b'"') => {
                self.close()
            }
            (Some(Open::Single), _) => {}
            (_, b'\\') => self.escaped = true,
            (Some(Open::Dollar), _) => {}
            (Some(Open::Backquote), b'`') | (Some(Open::Paren), b')') | (Some(Open::Brace), b'}') => {
                self.close()
            }
            (_, b'`') => self.begin(Open::Backquote),
            (_, b'(') if after_dollar => self.begin(Open::Paren),
            (_, b'{') if after_dollar => self.begin(Open::Brace),
            (Some(Open::Double | Open::Brace), _) => {}
            // The first line may name the interpreter.
            (_, b'#') if begins_word && !(self.number == 1 && before.is_none()) => {
                self.begin(Open::Comment);
                return false;
            }
            (Some(Open::Paren), b'(') => self.begin(Open::Paren),
            (_, b'\'') if after_dollar => self.begin(Open::Dollar),
            (_, b'\'') => self.begin(Open::Single),
            (_, b'"') => self.begin(Open::Double),
            _ => {}
        }
        true
    }

    fn begin(&mut self, what: Open) {
        if self.open.push(what).is_err() {
            self.cut = self.cut.or(Some(self.first));
        }
    }

    fn close(&mut self) {
        let _ = self.open.pop();
    }

    /// Appends a byte, a blank only where none stands already.
    fn keep(&mut self, byte: u8) {
        let blank = matches!(byte, b' ' | b'\t');
        if blank && matches!(self.line.as_slice().last(), None | Some(b' ' | b'\n')) {
            return;
        }
        self.line.push(if blank { b" " } else { core::slice::from_ref(&byte) });
    }

    fn end_of_line(&mut self) -> bool {
        self.number = self.number.saturating_add(1);
        if self.open.last() == Some(&Open::Comment) {
            self.close();
        }
        let shell = self.kind == Kind::Shell && self.here.is_none();
        let escaped = core::mem::take(&mut self.escaped)
            || (self.kind == Kind::Unit && self.line.as_slice().last() == Some(&b'\\'));
        let piped = shell && trim(self.line.as_slice()).last() == Some(&b'|');
        let joined = escaped || piped || !self.open.is_empty();
        // Whoever knows these rules may make quotes that close earlier for a shell than for us, so what stands inside
        // them is looked at too, as the text that it should be.
        let quoted = shell && self.open.iter().any(|open| open.is_quote());
        if self.quoted || quoted {
            self.text = Some((self.physical, self.line.as_slice().len()));
        }
        self.quoted = quoted;
        if joined && !self.line.is_cut() {
            if escaped {
                self.line.truncate(self.line.as_slice().len().saturating_sub(1));
            } else if !piped {
                self.line.push(b"\n");
                self.physical = self.line.as_slice().len();
            }
            return self.is_ready();
        }
        // What never closes is a trick, or no script: the next line begins with nothing open.
        if self.line.is_cut() {
            self.cut = self.cut.or(Some(self.first));
        }
        self.open.clear();
        self.complete = true;
        true
    }

    /// At the end of a file: whether a last line is there that has no newline or whose quotes never close.
    pub fn finish(&mut self) -> bool {
        if self.complete || self.line.is_empty() {
            return false;
        }
        if self.open.iter().any(|open| *open != Open::Comment) {
            self.cut = self.cut.or(Some(self.first));
        }
        self.open.clear();
        self.escaped = false;
        self.push(b'\n')
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
            return as_text(file, self.number.saturating_sub(1), text, commands);
        }
        self.taken = true;
        if let Some((end, printed)) = &self.here {
            if trim(self.line.as_slice()) == end.as_slice() {
                self.here = None;
                return None;
            }
            if *printed {
                return as_text(file, self.first, trim(self.line.as_slice()), commands);
            }
        }
        if self.first == 1 && self.kind == Kind::Shell && is_other_language(self.line.as_slice()) {
            self.kind = Kind::Other;
        }
        let command = self.kind.command(self.line.as_slice())?;
        commands.parse(command);
        if commands.is_cut() {
            self.cut = self.cut.or(Some(self.first));
        }
        if self.kind == Kind::Shell && self.here.is_none() {
            self.here = here_document(commands, self.line.as_slice());
            if self.here.as_ref().is_some_and(|(end, _)| end.is_cut()) {
                self.here = None;
                self.cut = self.cut.or(Some(self.first));
            }
        }
        memory.learn(commands, self.first);
        Some(Line {
            file,
            number: self.first,
            kind: self.kind,
            text: trim(self.line.as_slice()),
            commands,
            memory,
        })
    }
}

/// `#!/usr/bin/lua`: an interpreter that is no shell.
fn is_other_language(line: &[u8]) -> bool {
    let Some(interpreter) = line.strip_prefix(b"#!") else { return false };
    let name = |word| basename(word);
    let mut words = fields(interpreter).map(name).filter(|word| *word != b"env");
    words.next().is_some_and(|word| {
        !word.ends_with(b"sh") && !matches!(word, b"rc.common" | b"openrc-run" | b"busybox")
    })
}

/// A line that runs nothing if it is what it seems.
fn as_text<'a>(file: &'a [u8], number: u32, text: &'a [u8], commands: &'a mut Commands) -> Option<Line<'a>> {
    // Without a pipe or a substitution there is nothing in it for a check.
    text.iter().any(|b| matches!(b, b'|' | b'`' | b'(')).then(|| {
        commands.parse(text);
        Line { file, number, kind: Kind::Text, text, commands, memory: &NOTHING }
    })
}

/// The here-document that begins behind a line. One that goes to the screen is a text for people; one that goes to a
/// file or to a shell may become a program, so its lines are looked at like all others.
fn here_document(commands: &Commands, line: &[u8]) -> Option<(Bytes<HERE_BYTES>, bool)> {
    commands.iter().find_map(|(index, _)| {
        let end = commands.words(index, Role::HereDocument).next()?;
        let written = line.contains(&b'>');
        let feeds = commands.iter().any(|(other, _)| commands.feeders(other).any(|from| from == index));
        let printed = commands.name(index) == b"cat" && !written && !feeds;
        Some((Bytes::of(end), printed))
    })
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
            (["3:a", "5:c,d", "7:echo,e", "9:f"].map(String::from).into(), None)
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
        assert_eq!(
            lines(Kind::Shell, text),
            (["1:a,b,d", "2:h", "3:i,m", "4:p,q"].map(String::from).into(), None)
        );
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
        assert_eq!(lines(Kind::Unit, b"[Service]\nExecStart=-/usr/bin/a \\\n b\nUser=x\n").0, ["2:a"]);
        assert_eq!(lines(Kind::Shell, b"#!/usr/bin/lua\nit's\na\n").0, ["2:its", "3:a"]);
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
