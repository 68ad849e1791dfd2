//! A line of a startup file: bytes of a script, crontab, inittab or unit in, the commands that it runs out.

use super::fetch::Memory;
use super::shell::{Commands, Role};
use super::text::{Bytes, fields, trim};
use crate::limits::{JOINED_LINES, LINE_BYTES};

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
            Kind::Shell => Some(line),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
    Comment,
}

/// Puts bytes together to lines: joins what a shell joins, folds blanks, drops comments, skips texts that are
/// only printed.
#[derive(Clone, Debug)]
pub struct Reader {
    kind: Kind,
    line: Bytes<LINE_BYTES>,
    /// The physical line being read, from 1.
    number: u32,
    /// The physical line on which `line` began.
    first: u32,
    joined: u32,
    quote: Quote,
    escaped: bool,
    cut: Option<u32>,
    /// The word that ends a here-document that is only printed.
    printed_until: Bytes<64>,
}

impl Reader {
    /// For the first byte of a file.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            line: Bytes::new(),
            number: 1,
            first: 1,
            joined: 0,
            quote: Quote::None,
            escaped: false,
            cut: None,
            printed_until: Bytes::new(),
        }
    }

    /// The first line of which something was left out.
    #[must_use]
    pub const fn cut(&self) -> Option<u32> {
        self.cut
    }

    /// Remembers that something of the current line was left out.
    pub fn mark_cut(&mut self) {
        self.cut = self.cut.or(Some(self.first));
    }

    /// Takes one byte. True: a line is complete; read it with [`Reader::take`] before the next byte.
    pub fn push(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' => return self.end_of_line(),
            0 | b'\r' => return false,
            _ => {}
        }
        if self.kind != Kind::Shell {
            self.keep(byte);
            return false;
        }
        let begins_word =
            matches!(self.line.as_slice().last(), None | Some(b' ' | b';' | b'&' | b'|' | b'(' | b'\n'));
        let escaped = core::mem::take(&mut self.escaped);
        match (self.quote, byte) {
            (Quote::Comment, _) => return false,
            (Quote::None, b'#') if begins_word && !escaped => {
                self.quote = Quote::Comment;
                return false;
            }
            _ if escaped => {}
            (Quote::None | Quote::Double, b'\\') => self.escaped = true,
            (Quote::None, b'\'') => self.quote = Quote::Single,
            (Quote::None, b'"') => self.quote = Quote::Double,
            (Quote::Single, b'\'') | (Quote::Double, b'"') => self.quote = Quote::None,
            _ => {}
        }
        self.keep(byte);
        false
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
        if self.quote == Quote::Comment {
            self.quote = Quote::None;
        }
        let escaped = core::mem::take(&mut self.escaped)
            || (self.kind == Kind::Unit && self.line.as_slice().last() == Some(&b'\\'));
        let open = self.quote != Quote::None;
        let piped = self.kind == Kind::Shell && trim(self.line.as_slice()).last() == Some(&b'|');
        if (escaped || open || piped) && self.joined < JOINED_LINES {
            self.joined = self.joined.saturating_add(1);
            if escaped {
                let kept = self.line.as_slice().len().saturating_sub(1);
                self.line.truncate(kept);
            } else if open {
                self.line.push(b"\n");
            }
            return false;
        }
        if open || self.line.is_cut() {
            self.cut = self.cut.or(Some(self.first));
        }
        true
    }

    /// Whether bytes without a newline are left at the end of the file: the last line.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        !self.line.is_empty()
    }

    /// Hands out the complete line: parses its commands and makes room for the next. `None`: it runs nothing.
    pub fn take<'a>(
        &mut self,
        file: &'a [u8],
        text: &'a mut Bytes<LINE_BYTES>,
        commands: &'a mut Commands,
        memory: &'a mut Memory,
    ) -> Option<Line<'a>> {
        core::mem::swap(&mut self.line, text);
        self.line.clear();
        let number = core::mem::replace(&mut self.first, self.number);
        self.joined = 0;
        self.quote = Quote::None;

        if !self.printed_until.is_empty() {
            if trim(text.as_slice()) == self.printed_until.as_slice() {
                self.printed_until.clear();
            }
            return None;
        }
        let command = self.kind.command(text.as_slice())?;
        commands.parse(command);
        if commands.is_cut() {
            self.cut = self.cut.or(Some(number));
        }
        self.skip_printed(commands);
        memory.learn(commands, number);
        Some(Line { file, number, kind: self.kind, text: trim(text.as_slice()), commands, memory })
    }

    /// A here-document that goes to the screen is a text for people; one that goes to a file or to a shell may
    /// become a program, so its lines are looked at like all others.
    fn skip_printed(&mut self, commands: &Commands) {
        for (index, _) in commands.iter() {
            let printed =
                commands.name(index) == b"cat" && commands.words(index, Role::Output).next().is_none();
            let feeds = commands.iter().any(|(other, _)| commands.feeders(other).any(|from| from == index));
            if let Some(end) = commands.words(index, Role::HereDocument).next().filter(|_| printed && !feeds)
            {
                self.printed_until = Bytes::of(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that run something, as `number:text`, and the first line that was cut.
    fn lines(kind: Kind, text: &[u8]) -> (Vec<String>, Option<u32>) {
        let (mut reader, mut memory) = (Reader::new(kind), Memory::new());
        let (mut line, mut commands) = (Bytes::new(), Commands::new());
        let mut found = Vec::new();
        let mut take = |reader: &mut Reader| {
            if let Some(line) = reader.take(b"/x", &mut line, &mut commands, &mut memory) {
                let programs: Vec<_> = line
                    .commands
                    .iter()
                    .map(|(i, _)| String::from_utf8_lossy(line.commands.name(i)).into_owned())
                    .collect();
                found.push(format!("{}:{}", line.number, programs.join(",")));
            }
        };
        for byte in text {
            if reader.push(*byte) {
                take(&mut reader);
            }
        }
        if reader.has_rest() {
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
    fn printed_texts_are_skipped_and_written_ones_are_not() {
        let text = b"cat <<EOF\nwget x | sh\nEOF\na\ncat > /tmp/x <<'E'\nb\nE\n";
        assert_eq!(lines(Kind::Shell, text).0, ["1:cat", "4:a", "5:cat", "6:b", "7:E"]);
        assert_eq!(lines(Kind::Shell, b"cat <<E | sh\nb\nE\n").0, ["1:cat,sh", "2:b", "3:E"]);
    }

    #[test]
    fn commands_of_the_other_kinds() {
        let cron = b"SHELL=/bin/sh\n# x\n*/5 * * * * /tmp/x a\n@reboot y\n1 2 3\n";
        assert_eq!(lines(Kind::Cron, cron).0, ["3:x", "4:y"]);
        assert_eq!(lines(Kind::SystemCron, b"17 * * * * root cd / && run-parts x\n").0, ["1:cd,run-parts"]);
        assert_eq!(
            lines(Kind::Inittab, b"::respawn:-/bin/login x\n::sysinit:/etc/init.d/rcS S boot\n").0,
            ["1:login", "2:rcS"]
        );
        assert_eq!(lines(Kind::Unit, b"[Service]\nExecStart=-/usr/bin/a \\\n b\nUser=x\n").0, ["2:a"]);
    }

    #[test]
    fn an_endless_quote_or_line_is_told() {
        let quote = [&b"a 'b\n"[..], &b"c\n".repeat(100)].concat();
        let (found, cut) = lines(Kind::Shell, &quote);
        assert_eq!(cut, Some(1));
        assert!(found.len() > 30, "what follows the trick is still read");
        assert_eq!(lines(Kind::Shell, &[b'a'; 64 * 1024]).1, None, "cut only when taken at a newline");
        assert_eq!(lines(Kind::Shell, &[&[b'a'; 64 * 1024][..], b"\nb\n"].concat()).1, Some(1));
        let blanks = [&b"wget x"[..], &[b' '; 64 * 1024], b"| sh\n"].concat();
        assert_eq!(lines(Kind::Shell, &blanks), (vec!["1:wget,sh".into()], None));
    }
}
