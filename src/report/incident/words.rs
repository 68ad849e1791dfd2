//! The parts of a story: how it shows what findings name, which an enemy may have named.

use core::fmt::Write;

use super::super::{Client, Finding};
use crate::facts::text::Bytes;
use crate::limits::STORY_BYTES;

pub type Out = Bytes<STORY_BYTES>;

/// Bytes of a path, and of other parts, that a story shows: what is longer is cut in its middle.
const PATH: usize = 100;
pub const DETAIL: usize = 160;
pub const WORD: usize = 40;

/// The name that a process claims: the check quotes it, whatever it is.
pub fn claimed<'a>(finding: &Finding<'a>) -> &'a [u8] {
    let claimed = finding.detail.strip_prefix(b"it claims to be ");
    let end = claimed.and_then(|rest| rest.windows(6).rposition(|six| six == b", but "));
    claimed.zip(end).and_then(|(rest, end)| rest.get(..end)).unwrap_or(finding.name)
}

/// What a startup file was compared with.
pub fn reference(detail: &[u8]) -> &'static [u8] {
    let has = |words: &[u8]| detail.windows(words.len()).any(|part| part == words);
    if has(b"firmware image") {
        b"image"
    } else if has(b"baseline") {
        b"baseline"
    } else {
        b"packages"
    }
}

/// Adds who a client is.
pub fn client(finding: &Finding<'_>, out: &mut Out) {
    match finding.client {
        Some(Client::Named(name)) => cut(name, PATH, out),
        Some(Client::At(end)) => drop(write!(out, "{end}")),
        None => {}
    }
}

/// `/etc/rc.local:3`
pub fn place(finding: &Finding<'_>, out: &mut Out) {
    shown(finding.path, out);
    if let Some(line) = finding.line {
        let _ = write!(out, ":{line}");
    }
}

/// What a finding without a process is about.
pub fn subject(finding: &Finding<'_>, out: &mut Out) {
    if !finding.path.is_empty() {
        place(finding, out);
        return;
    }
    match (finding.name, finding.remote) {
        (b"", Some(end)) => drop(write!(out, "{end}")),
        (b"", None) => out.push(b"this machine"),
        (name, _) => cut(name, WORD, out),
    }
}

/// Adds a path.
pub fn shown(path: &[u8], out: &mut Out) {
    quoted(path, PATH, out);
}

/// Adds the name of a process.
pub fn word(name: &[u8], out: &mut Out) {
    quoted(name, WORD, out);
}

/// Adds what an enemy named; in quotes where it could be taken for more of the story than it is.
fn quoted(path: &[u8], room: usize, out: &mut Out) {
    if !path.iter().any(|b| b" ,;()\"".contains(b)) {
        return cut(path, room, out);
    }
    // A quote in it is doubled.
    let room = if path.contains(&b'"') { room.div_euclid(2) } else { room };
    let mut whole = Out::new();
    cut(path, room, &mut whole);
    out.push(b"\"");
    for (at, part) in whole.as_slice().split(|b| *b == b'"').enumerate() {
        out.push(if at == 0 { b"" } else { b"\"\"" });
        out.push(part);
    }
    out.push(b"\"");
}

/// Adds bytes, or, where they are more than `room`, their beginning and end and how many are left out between.
pub fn cut(bytes: &[u8], room: usize, out: &mut Out) {
    let Some(over) = bytes.len().checked_sub(room).filter(|over| *over > 0) else {
        out.push(bytes);
        return;
    };
    let half = room.div_euclid(2);
    out.push(bytes.get(..half).unwrap_or_default());
    let _ = write!(out, "[cut {over} bytes]");
    out.push(bytes.get(half.saturating_add(over)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_parts_are_cut_too() {
        let mut out = Out::new();
        quoted(&[b'"'; 500], 10, &mut out);
        assert_eq!(out.as_slice(), b"\"\"\"\"\"[cut 495 bytes]\"\"\"\"\"\"\"");
    }

    #[test]
    fn long_parts_are_cut_in_their_middle() {
        let mut out = Out::new();
        cut(b"0123456789", 10, &mut out);
        assert_eq!(out.as_slice(), b"0123456789");
        out.clear();
        cut(b"0123456789abcdef", 10, &mut out);
        assert_eq!(out.as_slice(), b"01234[cut 6 bytes]bcdef");
    }
}
