//! The configuration file: which one is taken, whether its owner alone can have written it, and what it says.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use embedded_io::Read;
use gatewatch::facts::own_settings::{self, Row, Setting};
use gatewatch::host::Fault;
use gatewatch::limits::CONFIG_BYTES;
use gatewatch::report::allow::Term;
use gatewatch::report::escape::Escaped;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, lstat, stat};
use nix::unistd::geteuid;

use crate::args::{self, Draft, Mistake, OPTIONS, Scan, wrong};
use crate::complain;
use crate::sys::clock;
use crate::sys::fd::{self, fault};

/// Where OpenWrt has it. The other place is in `--dir`.
const UCI: &str = "/etc/config/gatewatch";
const BESIDE: &str = "gatewatch.conf";

/// `S_IWGRP | S_IWOTH` (inode(7)).
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Where a configuration file of this machine may be, the one that counts first.
pub fn places(scan: &Scan) -> [OsString; 2] {
    let mut beside = scan.taken.as_ref().map_or(&scan.dir, |taken| &taken.dir).clone();
    beside.push("/");
    beside.push(BESIDE);
    [UCI.into(), beside]
}

/// The configuration file that counts: the one that is named, or the first that is in its place. A tree has none, and that
/// of this machine is not about it. Where one was taken, it is that one.
pub fn path(scan: &Scan) -> Option<OsString> {
    match scan.taken.as_ref().map(|taken| &taken.path).or(scan.config.as_ref()) {
        Some(named) => Some(named.clone()),
        None if scan.no_config || scan.root.is_some() => None,
        None => places(scan).into_iter().find(|place| lstat(place.as_os_str()).is_ok()),
    }
}

/// Adds what the configuration file says. One in its place that others can write to is not taken, and that is said; one that
/// was named must be good.
pub fn configure(draft: &mut Draft) -> Result<(), Mistake> {
    let Some(path) = path(draft.scan()) else { return Ok(()) };
    let shown = Escaped(path.as_bytes());
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(Refusal::Loose(how)) if draft.scan().config.is_none() => {
            complain(format_args!("{shown}: {how}; it is not taken"));
            return Ok(());
        }
        // Who is not root may look all the same.
        Err(Refusal::Fault(Fault::Denied)) if draft.scan().config.is_none() && !geteuid().is_root() => {
            complain(format_args!("{shown}: {}; it is not taken", Fault::Denied));
            return Ok(());
        }
        Err(Refusal::Loose(how)) => return wrong(how).map_err(|mistake: Mistake| mistake.at(shown)),
        Err(Refusal::Fault(fault)) => return wrong(fault).map_err(|mistake: Mistake| mistake.at(shown)),
    };
    let mut taken = draft.clone();
    taken.begin_file(&path);
    let mut reader = Reader { path: &path, draft: &mut taken, seen: [0; OPTIONS.len()] };
    own_settings::read(&bytes, &mut |row| reader.row(row))
        .map_err(|(line, what)| Mistake::new(what.to_owned()).at(format_args!("{shown}:{line}")))??;
    *draft = taken;
    Ok(())
}

/// Says which entries of the list of what is allowed do not count any more, or not yet.
pub fn say_terms(scan: &Scan) {
    let now = clock::believable();
    for entry in &scan.allow {
        let why = match entry.term(now) {
            Term::Counts => continue,
            Term::Over => "has expired",
            Term::NoClock => "has an end, and the clock is not set",
        };
        let (check, subject) = (entry.check, Escaped(entry.subject.as_slice()));
        complain(format_args!("allow {check} {subject}: {why}; its findings are told"));
    }
}

/// Why a file is not taken.
pub enum Refusal {
    /// It cannot be read.
    Fault(Fault),
    /// Somebody else may have written it.
    Loose(&'static str),
}

/// Reads a file that nobody else can have written: what it allows and leaves out is not seen any more.
pub fn read(path: &OsStr) -> Result<Vec<u8>, Refusal> {
    // Opening a device can do something.
    let there = stat(path).map_err(|errno| Refusal::Fault(fault(errno)))?;
    fd::regular(&there).map_err(Refusal::Fault)?;
    let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = open(path, flags, Mode::empty()).map_err(|errno| Refusal::Fault(fault(errno)))?;
    let identity = fd::identity(&file).map_err(Refusal::Fault)?;
    if identity.uid != 0 && identity.uid != geteuid().as_raw() {
        return Err(Refusal::Loose("belongs to another user than root: chown root it if it is yours"));
    }
    if identity.mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Refusal::Loose("others can write to it: chmod 644 it if all in it is yours"));
    }
    let (mut file, mut bytes, mut piece) = (fd::File::Open(file), Vec::new(), [0_u8; 1024]);
    loop {
        match file.read(&mut piece).map_err(Refusal::Fault)? {
            0 => return Ok(bytes),
            length => bytes.extend_from_slice(piece.get(..length).unwrap_or_default()),
        }
        if bytes.len() > CONFIG_BYTES {
            return Err(Refusal::Fault(Fault::Large));
        }
    }
}

/// Takes what a file says, row by row.
struct Reader<'r> {
    path: &'r OsStr,
    draft: &'r mut Draft,
    /// The lines on which options that may be given once were.
    seen: [u32; OPTIONS.len()],
}

impl Reader<'_> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), Mistake> {
        let done = match &row.setting {
            Setting::Option { key, value } => self.option(row.line, key, value),
            Setting::Allow { check, subject, expires, reason } => {
                self.draft.allow(check, subject, expires, reason)
            }
        };
        done.map_err(|mistake| mistake.at(format_args!("{}:{}", Escaped(self.path.as_bytes()), row.line)))
    }

    fn option(&mut self, line: u32, key: &[u8], value: &[u8]) -> Result<(), Mistake> {
        let Some(place) = args::key(key) else { return unknown(key) };
        let once = OPTIONS.get(place).is_some_and(|option| !option.many);
        if let Some(seen) = self.seen.get_mut(place).filter(|_| once) {
            match core::mem::replace(seen, line) {
                0 => {}
                before => {
                    return wrong(format_args!("{} stands on line {before} too: keep one", Escaped(key)));
                }
            }
        }
        self.draft.configure(place, OsStr::from_bytes(value))
    }
}

/// A key that there is not, with the one that was meant, or all.
fn unknown<T>(key: &[u8]) -> Result<T, Mistake> {
    let keys = || OPTIONS.iter().filter(|option| option.is_key).map(|option| option.name.replace('-', "_"));
    let near = keys().map(|name| (distance(key, name.as_bytes()), name)).min();
    let shown = Escaped(key);
    match near {
        Some((0..=2, name)) => wrong(format_args!("unknown key \"{shown}\": {name} is one")),
        _ => {
            let all: Vec<String> = keys().collect();
            wrong(format_args!("unknown key \"{shown}\": use {}", all.join(", ")))
        }
    }
}

/// Letters to be changed, added or taken away to make one name of another (Levenshtein's distance), as far as names go.
fn distance(one: &[u8], other: &[u8]) -> usize {
    const LONGEST: usize = 24;
    if one.len() > LONGEST || other.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (done, letter) in (1_usize..).zip(one) {
        let mut diagonal = core::mem::replace(row.first_mut().unwrap_or(&mut 0), done);
        let mut left = done;
        for (slot, against) in row.iter_mut().skip(1).zip(other) {
            let changed = diagonal.saturating_add(usize::from(letter != against));
            diagonal = *slot;
            left = changed.min(left.saturating_add(1)).min(diagonal.saturating_add(1));
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (one, other, expected) in [
            ("format", "format", 0),
            ("frmat", "format", 1),
            ("kitten", "sitting", 3),
            ("", "skip", 4),
            ("skip", "", 4),
        ] {
            assert_eq!(distance(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        }
        assert_eq!(distance(&[b'x'; 1000], b"skip"), usize::MAX);
    }
}
