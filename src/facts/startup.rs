//! A line of a startup file: bytes of a script, crontab, inittab or unit in, the commands that it runs out.

use super::commands::Commands;
use super::memory::Joined;
use super::origin::Standing;
use super::text::{basename, behind, fields, is_one_of, trim};

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
    /// A systemd unit: `Exec…=`, `Environment=` (systemd.service(5), systemd.exec(5)).
    Unit,
    /// Rules of what to run for a device: mdev.conf of BusyBox, `RUN` of udev(7).
    Rules,
    /// A script of another language: lines are looked at one by one, as far as they look like shell.
    Other,
    /// A program: its strings are looked at as texts.
    Program,
    /// A text: a line inside quotes that span lines, or of a here-document that is only printed. It runs nothing, if
    /// the quotes are where they seem to be.
    Text,
    /// A symbolic link in a directory of startup files; the line is where it leads.
    Link,
}

impl Kind {
    /// The shell text in a line; `None` where the line runs nothing.
    pub(super) fn command(self, line: &[u8]) -> Option<&[u8]> {
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
                (trim(key).starts_with(b"Exec") || trim(key) == b"Environment")
                    .then(|| value.get(prefixes..))
                    .flatten()
            }
            Kind::Rules => ruled(line),
            Kind::Program | Kind::Link => None,
        }
    }
}

/// `sd[a-z]1 0:0 660 @/sbin/x`, where the command is the last of four or five columns and may begin with one of three
/// letters (BusyBox docs/mdev.txt); `ACTION=="add", RUN+="/sbin/x"`.
fn ruled(line: &[u8]) -> Option<&[u8]> {
    if let Some(at) = line.windows(3).position(|window| window == b"RUN") {
        return line.get(at..)?.split(|b| *b == b'"').nth(1);
    }
    let column = |count| behind(line, count);
    [3, 4].map(column).into_iter().find_map(|rest| match rest {
        [b'@' | b'$' | b'*', command @ ..] => Some(command),
        _ => None,
    })
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
    pub joined: Joined<'a>,
    /// Whether the firmware image has this very line in its inittab; `None`: there is nothing to compare with.
    pub in_image: Option<bool>,
    /// It is the first line of a crontab whose name is no user's.
    pub nobody: bool,
    /// What the sources of truth say of the file.
    pub standing: Standing,
}

/// An interpreter, with its arguments, that is no shell: `/usr/bin/lua`, `/usr/bin/env python3`.
pub(super) fn is_other_language(interpreter: &[u8]) -> bool {
    let mut words = fields(interpreter).map(basename).filter(|word| *word != b"env");
    words
        .next()
        .is_some_and(|word| !word.ends_with(b"sh") && !is_one_of(word, b"rc.common openrc-run busybox"))
}
