//! Users of a machine: a row of `/etc/passwd` or `/etc/shadow` in bytes, what it lets in out.

use super::origin::Standing;
use super::text::{Bytes, basename, decimal32, trim};
use crate::limits::LIBRARY_BYTES;

/// What a password field says (passwd(5), shadow(5), crypt(5)). In the order of how much it lets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Password {
    /// It is elsewhere, and that could not be read.
    #[default]
    Unknown,
    /// Nothing that is typed gives this: `*`, `!`, `!!`, a hash behind a `!`.
    Locked,
    /// There is one.
    Set,
    /// None is asked for.
    Empty,
}

impl Password {
    /// Takes a field apart.
    #[must_use]
    pub fn of(field: &[u8]) -> Self {
        // crypt(5): `$id$…`; DES is two bytes of salt and eleven of hash, BSDi's has an underscore in front.
        let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
        match field {
            [] => Password::Empty,
            [b'$', _, ..] => Password::Set,
            [b'_', rest @ ..] if rest.len() == 19 && rest.iter().all(letters) => Password::Set,
            hash if hash.len() == 13 && hash.iter().all(letters) => Password::Set,
            _ => Password::Locked,
        }
    }

    /// Whether somebody can come in with it, as far as is known.
    #[must_use]
    pub const fn opens(self) -> bool {
        !matches!(self, Password::Locked)
    }
}

/// A row of `/etc/passwd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The user's name.
    pub name: &'a [u8],
    /// The password field; `x` where `/etc/shadow` has it.
    pub password: &'a [u8],
    /// The user's number, as a C library reads it.
    pub uid: u32,
    /// The number is written as everybody writes it. What is empty or too large is 0 to one C library or another.
    pub plain: bool,
    /// The user's group. `None`: not said.
    pub gid: Option<u32>,
    /// Where it lives.
    pub home: &'a [u8],
    /// What it is given when it comes in; empty is `/bin/sh`.
    pub shell: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes a row apart. `None`: no C library takes it for a user. Missing fields at the end are empty, as for glibc
    /// (nss/nss_files/files-parse.c).
    #[must_use]
    pub fn parse(row: &'a [u8]) -> Option<Self> {
        let mut fields = trim(row).split(|b| *b == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let password = fields.next()?;
        let field = fields.next()?;
        let (uid, plain) = number(field)?;
        let group = fields.next();
        if field.is_empty() && group.is_none() {
            return None;
        }
        let gid = group.and_then(decimal32);
        let home = fields.nth(1).unwrap_or_default();
        let shell = fields.next().unwrap_or_default();
        Some(Self { name, password, uid, plain, gid, home, shell })
    }

    /// What gives a user rights, as it is written in its row: number, group, home and shell. Not the password, nor what people
    /// are called.
    #[must_use]
    pub fn rights(row: &[u8]) -> Bytes<LIBRARY_BYTES> {
        let mut rights = Bytes::new();
        for (at, field) in trim(row).split(|b| *b == b':').enumerate() {
            if matches!(at, 2 | 3 | 5 | 6) {
                rights.push(if rights.is_empty() { b"" } else { b":" });
                rights.push(field);
            }
        }
        rights
    }

    /// Whether its shell lets somebody do something.
    #[must_use]
    pub fn has_shell(&self) -> bool {
        is_shell(self.shell)
    }

    /// Whether `/etc/shadow` is asked for its password: BusyBox asks for `*` too (libbb/correct_password.c).
    #[must_use]
    pub fn is_shadowed(&self) -> bool {
        matches!(self.password, b"x" | b"*")
    }
}

/// Whether a row of such a file is meant to be no user: a blank, a comment, another service's users (nsswitch.conf(5)).
#[must_use]
pub fn is_aside(row: &[u8]) -> bool {
    matches!(trim(row).first(), None | Some(b'#' | b'+' | b'-'))
}

/// A user's number. strtoul(3) of glibc skips blanks and a sign; musl's own reader takes nothing for 0 and lets a large
/// number wrap (src/passwd/getpwent_a.c, `atou`).
fn number(field: &[u8]) -> Option<(u32, bool)> {
    let start = field.iter().position(|b| !matches!(b, b' ' | b'\t' | b'+' | b'-')).unwrap_or(field.len());
    let digits = field.get(start..)?;
    let value = digits.iter().try_fold(0_u32, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(value.wrapping_mul(10).wrapping_add(u32::from(digit)))
    })?;
    let padded = digits.len() > 1 && digits.first() == Some(&b'0');
    Some((value, decimal32(field) == Some(value) && !padded))
}

/// What lets nobody do anything: programs that say no, and that do one thing and end. `/dev/null` is ASUSWRT's.
fn is_shell(shell: &[u8]) -> bool {
    const NONE: [&[u8]; 13] = [
        b"nologin",
        b"false",
        b"true",
        b"null",
        b"none",
        b"nonexistent",
        b"noshell",
        b"sync",
        b"halt",
        b"shutdown",
        b"reboot",
        b"poweroff",
        b"git-shell",
    ];
    !NONE.contains(&basename(shell))
}

/// What a user is among those with number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    /// It is none of them.
    #[default]
    Other,
    /// The machine's own: `root`, or where there is none of that name, the first.
    Main,
    /// Another one.
    Second,
}

/// One user with all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The list that it stands in.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// The row itself.
    pub entry: Entry<'a>,
    /// The more open one of its passwords in both lists.
    pub password: Password,
    /// What it is among users with number 0.
    pub rank: Rank,
    /// A group gives it the rights of the administrator: `sudo`, `wheel`, group 0.
    pub powers: bool,
    /// An earlier line has its name with other rights.
    pub twin: bool,
    /// Something is there where its shell should be; looked for in odd places only.
    pub shell_there: bool,
    /// The list lives in memory: it was made at boot, out of settings that nobody here can read.
    pub made: bool,
    /// What sources of truth say.
    pub standing: Standing,
    /// What would let it in from outside without a password, if that matters; empty: nothing was found.
    pub door: &'a [u8],
}

impl Account<'_> {
    /// Whether somebody who knows its password gets a shell.
    #[must_use]
    pub fn lets_in(&self) -> bool {
        self.entry.has_shell() && self.password.opens()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        use Password::{Empty, Locked, Set};
        for (field, expected) in [
            (&b""[..], Empty),
            (b"*", Locked),
            (b"!", Locked),
            (b"!!", Locked),
            (b"x", Locked),
            (b"$", Locked),
            (b"!$6$a$b", Locked),
            (b"*LK*", Locked),
            (b"!VvDE8C2EB1", Locked),
            (b"$1$nalENqL8$jnRFwb1x5S.ygN.3nwTbG1", Set),
            (b"$scrubbed$", Set),
            (b"6HgsSsJIEOc2U", Set),
            (b"_J9..rasmBYk8r9AiWNc", Set),
        ] {
            assert_eq!(Password::of(field), expected, "{}", String::from_utf8_lossy(field));
        }
        assert!(Empty > Set && Set > Locked && Locked > Password::Unknown);
    }

    #[test]
    fn rows() {
        let root = Entry::parse(b"root:x:0:0:root:/root:/bin/ash\r").unwrap();
        let name = (root.name, root.password, root.uid, root.plain, root.gid);
        assert_eq!(name, (&b"root"[..], &b"x"[..], 0, true, Some(0)));
        assert_eq!((root.home, root.shell), (&b"/root"[..], &b"/bin/ash"[..]));
        assert!(root.has_shell() && root.is_shadowed());
        let short = Entry::parse(b"evil:$1$a$b:0").unwrap();
        assert_eq!((short.uid, short.gid, short.home, short.shell), (0, None, &b""[..], &b""[..]));
        assert!(short.has_shell(), "none is /bin/sh");
        for (field, uid, plain) in [
            ("0", 0, true),
            ("1000", 1000, true),
            ("4294967295", 4_294_967_295, true),
            ("", 0, false),
            ("00", 0, false),
            ("4294967296", 0, false),
            (" 0", 0, false),
            ("-0", 0, false),
            ("+0", 0, false),
        ] {
            let row = format!("a:x:{field}:1::/:");
            let entry = Entry::parse(row.as_bytes()).unwrap();
            assert_eq!((entry.uid, entry.plain), (uid, plain), "{field:?}");
        }
        for bad in
            [&b""[..], b":x:0:0", b"a", b"a:x", b"a:x:", b"a:x:y:0", b"a:x:0x0:0", b"a:x:0 :0", b"\xff\xfe"]
        {
            assert_eq!(Entry::parse(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn any_beginning_of_a_row_is_survived() {
        let row = b"root:$1$a$b:0:0:a, b:/root:/bin/ash";
        for length in 0..row.len() {
            let _ = Entry::parse(&row[..length]);
        }
        for aside in [&b""[..], b" ", b"# x", b"+::::::", b"-x"] {
            assert!(is_aside(aside));
        }
        assert!(!is_aside(b"root::0:0"));
    }

    #[test]
    fn shells() {
        for shell in [&b""[..], b"/bin/sh", b"/bin/ash", b"/usr/bin/zsh", b"/usr/sbin/cli", b"/tmp/x"] {
            assert!(is_shell(shell), "{}", String::from_utf8_lossy(shell));
        }
        for shell in [&b"/bin/false"[..], b"/usr/sbin/nologin", b"/dev/null", b"/bin/sync", b"/sbin/reboot"] {
            assert!(!is_shell(shell), "{}", String::from_utf8_lossy(shell));
        }
    }
}
