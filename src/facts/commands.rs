//! The simple commands of a startup line: their words without quotes, what each runs, and who feeds whom.

use super::escape::unescape;
use super::text::{Bytes, basename, is_one_of};
use super::variables::Variables;
use crate::limits::{COMMANDS, LINE_BYTES, WORD_BYTES, WORDS};

/// What a word is to its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The program or an argument.
    Argument,
    /// The file that takes the output: `> file`.
    Output,
    /// The file that gives the input: `< file`.
    Input,
    /// The word that ends a here-document: `<< EOF`.
    HereDocument,
    /// A pattern of `case`: `/dev/sd*)`.
    Pattern,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: u16,
    pub(super) end: u16,
    pub(super) command: u16,
    pub(super) role: Role,
}

/// A simple command: a program with its arguments and redirections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The first of the commands whose output it reads through a pipe; those up to itself may feed it.
    pub fed_from: Option<u16>,
    /// The command inside whose words it stands: `$(…)`, backquotes, `<(…)`, or the text of `sh -c`.
    pub inside: Option<u16>,
    /// How many of its arguments stand before the program.
    pub(super) before: u16,
    /// It stands in a text that a shell runs, so what it prints goes where that shell's own output goes.
    pub(super) given: bool,
}

/// The commands of one line.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    pub(super) arena: heapless::Vec<u8, { 2 * LINE_BYTES }>,
    pub(super) words: heapless::Vec<Word, WORDS>,
    pub(super) commands: heapless::Vec<Command, COMMANDS>,
    pub(super) overflow: bool,
    /// What the lines before, of the same file, have set.
    pub(super) variables: Variables,
    /// Whether the line that is taken apart sets variables.
    pub(super) learns: bool,
    /// A pattern of `case` comes next, also at the beginning of the line after this one.
    pub(super) pattern: bool,
}

/// Programs that run the text they are given.
const SHELLS: [&[u8]; 18] = [
    b"ucode", b"sh", b"ash", b"bash", b"dash", b"ksh", b"zsh", b"hush", b"lash", b"msh", b"python",
    b"python3", b"perl", b"lua", b"php", b"php-cli", b"ruby", b"node",
];

/// Long options of these that take a value (flock(1), timeout(1), env(1), nice(1), ionice(1), sudo(8)).
const LONG: &[u8] = b"wait timeout signal kill-after unset chdir adjustment class classdata user group";

/// In the place of options: a reserved word, which has none.
const RESERVED: &[u8] = b"-";

/// Words that stand before the program that is run: reserved words, and programs that start another, with the
/// letters of their options that take a value, and how many words of their own stand before it.
const BEFORE: [(&[u8], &[u8], u8); 29] = [
    (b"if", RESERVED, 0),
    (b"then", RESERVED, 0),
    (b"else", RESERVED, 0),
    (b"elif", RESERVED, 0),
    (b"while", RESERVED, 0),
    (b"until", RESERVED, 0),
    (b"do", RESERVED, 0),
    (b"!", RESERVED, 0),
    (b"coproc", RESERVED, 0),
    (b"time", b"", 0),
    (b"exec", b"a", 0),
    (b"command", b"?", 0),
    (b"builtin", b"", 0),
    (b"nohup", b"", 0),
    (b"daemonize", b"aceopul", 0),
    (b"setsid", b"", 0),
    (b"env", b"u", 0),
    (b"nice", b"n", 0),
    (b"ionice", b"cnp", 0),
    (b"sudo", b"ugph", 0),
    (b"busybox", b"", 0),
    (b"toybox", b"", 0),
    (b"timeout", b"skt", 0),
    (b"stdbuf", b"ioe", 0),
    (b"chroot", b"", 1),
    (b"unshare", b"", 0),
    (b"taskset", b"", 1),
    (b"flock", b"w", 1),
    (b"xargs", b"nILP", 0),
];

impl Commands {
    /// No commands.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            arena: heapless::Vec::new(),
            words: heapless::Vec::new(),
            commands: heapless::Vec::new(),
            overflow: false,
            variables: Variables::new(),
            learns: false,
            pattern: false,
        }
    }

    /// Forgets what lines of another file have set.
    pub fn begin_file(&mut self) {
        self.variables.clear();
    }

    /// Whether lines of the file set more variables than are followed.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        self.variables.is_full()
    }

    /// Whether something did not fit and was left out.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.overflow
    }

    /// The commands in the order in which they begin.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Command)> + '_ {
        (0_u16..).zip(self.commands.iter().copied())
    }

    /// The words of one command that have a role.
    pub fn words(&self, command: u16, role: Role) -> Words<'_> {
        Words { of: self, rest: &self.words, command, role }
    }

    /// The arguments from the program on, without assignments, reserved words and programs that only start
    /// another one (`nohup`, `busybox` …).
    pub fn program(&self, command: u16) -> Words<'_> {
        let before = self.commands.get(usize::from(command)).map_or(0, |command| command.before);
        let mut words = self.words(command, Role::Argument);
        for _ in 0..before {
            words.next();
        }
        words
    }

    /// The fields of a crontab before its command: what a script writes there stands among its own lines (crontab(5)).
    fn schedule(&self, command: u16) -> u16 {
        let times = |word: &[u8]| word.iter().all(|b| b.is_ascii_digit() || b"*/,-".contains(b));
        let mut words = self.words(command, Role::Argument);
        if (0..5).any(|_| !words.next().is_some_and(times)) {
            return 0;
        }
        if words.next() == Some(b"root") { 6 } else { 5 }
    }

    /// How many arguments stand before the program that a command runs.
    pub(super) fn before(&self, command: u16) -> u16 {
        // The values of options of the starter that was met last; whether one of them comes next; and its own words that
        // are still to come. Options may stand before these: `flock -n FILE …`.
        let (mut starter, mut value, mut own) = (None::<&[u8]>, false, 0_u8);
        let mut count = self.schedule(command);
        for word in self.words(command, Role::Argument).skip(usize::from(count)) {
            if value {
                value = false;
            } else if own > 0 && word.first() != Some(&b'-') {
                own = own.saturating_sub(1);
            } else if let Some((_, values, words)) = BEFORE.iter().find(|(name, ..)| *name == basename(word))
            {
                (starter, own) = (Some(*values), *words);
            } else {
                match (starter, word) {
                    // `command -v wget` asks where it is.
                    (Some(b"?"), [b'-', b'v' | b'V']) => own = u8::MAX,
                    (Some(RESERVED), [b'-', ..]) => return count,
                    (Some(values), [b'-', letter]) => value = values.contains(letter),
                    (Some(_), [b'-', b'-', long @ ..]) => value = is_one_of(long, LONG),
                    (Some(_), [b'-', ..]) => {}
                    (Some(_), time) if is_duration(time) => {}
                    _ if assignment(word).is_some() => {}
                    _ => return count,
                }
            }
            count = count.saturating_add(1);
        }
        count
    }

    /// The name of the program that a command runs, without its directory.
    #[must_use]
    pub fn name(&self, command: u16) -> &[u8] {
        basename(self.program(command).next().unwrap_or_default())
    }

    /// Whether the command runs text: a shell, `eval`, `.` or `source`.
    #[must_use]
    pub fn is_shell(&self, command: u16) -> bool {
        let name = self.name(command);
        SHELLS.contains(&name) || is_one_of(name, b"eval . source")
    }

    /// The commands that feed `command` through pipes.
    pub fn feeders(&self, command: u16) -> impl Iterator<Item = u16> + '_ {
        let from = self.commands.get(usize::from(command)).and_then(|c| c.fed_from).unwrap_or(command);
        from..command
    }

    /// The commands that stand inside the words of `command`.
    pub fn inside(&self, command: u16) -> impl Iterator<Item = u16> + '_ {
        self.iter().filter(move |(_, inner)| inner.inside == Some(command)).map(|(index, _)| index)
    }

    /// The same without those of a text that it runs: what they print goes to its output.
    pub fn substituted(&self, command: u16) -> impl Iterator<Item = u16> + '_ {
        let inside = move |inner: &Command| inner.inside == Some(command) && !inner.given;
        self.iter().filter(move |(_, inner)| inside(inner)).map(|(index, _)| index)
    }

    /// Whether a shell runs what it reads. If it is given a script by name or by `-c`, what a pipe gives it is data.
    #[must_use]
    pub fn reads_its_input(&self, command: u16) -> bool {
        let flag = |word: &[u8], letter| {
            word.first() == Some(&b'-') && !word.starts_with(b"--") && word.contains(&letter)
        };
        let names_input = |word: &[u8]| {
            word.starts_with(b"/dev/stdin")
                || word.starts_with(b"/dev/fd/")
                || word.starts_with(b"/proc/self/fd/")
        };
        let own = || self.program(command).skip(1);
        own().any(|word| flag(word, b's'))
            || !own().any(|word| word.first() != Some(&b'-') && !names_input(word))
    }

    /// The text that a shell is told to run: `-c TEXT`, or all arguments of `eval`; or what it runs later, for `trap` and
    /// `alias`.
    pub(super) fn text_to_run(&self, command: u16, into: &mut Bytes<WORD_BYTES>) -> bool {
        let name = self.name(command);
        let mut arguments = self.program(command).skip(1);
        into.clear();
        if name == b"eval" {
            for word in arguments {
                into.push(word);
                into.push(b" ");
            }
        } else if SHELLS.contains(&name) || name == b"su" {
            let is_option = |word: &&[u8]| word.first() == Some(&b'-');
            let takes_text =
                |word: &&[u8]| is_option(word) && !word.starts_with(b"--") && word.contains(&b'c');
            if arguments.find(takes_text).is_some() {
                into.push(arguments.find(|word| !is_option(word)).unwrap_or_default());
            }
        } else if name == b"trap" {
            into.push(arguments.next().unwrap_or_default());
        } else if name == b"alias" {
            for (_, text) in arguments.filter_map(assignment) {
                into.push(text);
                into.push(b"\n");
            }
        }
        if into.is_empty() && self.is_shell(command) && self.reads_its_input(command) {
            self.printed(command, into);
        }
        !into.is_empty()
    }

    /// The text that echo or printf, and nobody else, prints for a shell to run.
    fn printed(&self, command: u16, into: &mut Bytes<WORD_BYTES>) {
        let mut feeders = self.feeders(command);
        let (Some(from), None) = (feeders.next(), feeders.next()) else { return };
        let name = self.name(from);
        if !is_one_of(name, b"echo printf") {
            return;
        }
        let plain = name == b"echo" && !self.program(from).skip(1).any(|word| word.starts_with(b"-e"));
        for word in self.program(from).skip(1).filter(|word| !matches!(word, [b'-', ..])) {
            unescape(word, &mut |byte, number| into.push(&[if plain && number { b' ' } else { byte }]));
            into.push(b" ");
        }
    }
}

/// Whether a word stands before the program that is run.
pub fn is_starter(word: &[u8]) -> bool {
    BEFORE.iter().any(|(name, ..)| *name == basename(word))
}

/// A number with a unit or without one, as `timeout` and `nice` take it (timeout(1)).
fn is_duration(word: &[u8]) -> bool {
    let digits = word.strip_suffix(b"s").or_else(|| word.strip_suffix(b"m")).unwrap_or(word);
    let digits = digits.strip_suffix(b"h").or_else(|| digits.strip_suffix(b"d")).unwrap_or(digits);
    digits.first().is_some_and(u8::is_ascii_digit) && digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// `NAME=value` before a command, as name and value.
pub(super) fn assignment(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|b| *b == b'=')?;
    let name = word.get(..at).filter(|name| !name.is_empty() && name.iter().copied().all(is_of_name))?;
    Some((name, word.get(at.saturating_add(1)..)?))
}

/// Whether a byte may stand in the name of a variable.
pub(super) const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The words of one command, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Words<'c> {
    of: &'c Commands,
    rest: &'c [Word],
    command: u16,
    role: Role,
}

impl<'c> Iterator for Words<'c> {
    type Item = &'c [u8];

    fn next(&mut self) -> Option<&'c [u8]> {
        while let Some((word, rest)) = self.rest.split_first() {
            self.rest = rest;
            if word.command == self.command && word.role == self.role {
                return self.of.arena.get(usize::from(word.start)..usize::from(word.end));
            }
        }
        None
    }
}
