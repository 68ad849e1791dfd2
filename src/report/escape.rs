//! The one function that makes bytes of an enemy fit to be shown: in a terminal, in JSON, in a log.

use core::fmt::{self, Display, Write};

use serde::{Serialize, Serializer};

/// Bytes from the machine that is looked at. Shown, they are valid UTF-8 on one line: control characters,
/// characters that turn or hide text, and bytes that are no UTF-8 become `\xNN`, a backslash becomes `\\`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pieces(self.0, &mut |piece| f.write_str(piece))
    }
}

/// Hands out what `bytes` are shown as, a piece for each character and for each byte that is part of none.
fn pieces(bytes: &[u8], each: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut utf8 = [0; 4];
            let shown = c.encode_utf8(&mut utf8);
            match c {
                '\\' => each("\\\\")?,
                _ if is_shown(c) => each(shown)?,
                _ => shown.bytes().try_for_each(|byte| hex(byte, each))?,
            }
        }
        chunk.invalid().iter().try_for_each(|byte| hex(*byte, each))?;
    }
    Ok(())
}

/// Characters that mean something to a format, each with what stands for it there.
pub type Also = &'static [(char, &'static str)];

/// [`Escaped`] for a format that has characters of its own, and at most `room` bytes of it: of what is longer the middle is
/// left out, marked by `...`.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// How many bytes may be written, at least three.
    pub room: usize,
    /// What the format escapes too.
    pub also: Also,
}

impl Within<'_> {
    /// Hands out the pieces of the whole, escaped for the format, none of them torn.
    fn pieces(&self, each: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
        pieces(self.bytes, &mut |piece| {
            // Four characters at most, and four bytes for each.
            let mut whole = heapless::String::<16>::new();
            piece.chars().try_for_each(|c| match self.also.iter().find(|(from, _)| *from == c) {
                Some((_, to)) => whole.write_str(to),
                None => whole.write_char(c),
            })?;
            each(&whole)
        })
    }
}

impl Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut width = 0_usize;
        self.pieces(&mut |piece| {
            width = width.saturating_add(piece.len());
            Ok(())
        })?;
        if width <= self.room {
            return self.pieces(&mut |piece| f.write_str(piece));
        }
        let half = self.room.saturating_sub(3).div_euclid(2);
        let (mut at, mut marked) = (0_usize, false);
        self.pieces(&mut |piece| {
            let begin = at;
            at = at.saturating_add(piece.len());
            if at <= half || begin >= width.saturating_sub(half) {
                f.write_str(piece)
            } else if marked {
                Ok(())
            } else {
                marked = true;
                f.write_str("...")
            }
        })
    }
}

impl Serialize for Escaped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `\xNN`, in one piece.
fn hex(byte: u8, each: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
    let digit = |nibble: u8| b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'?');
    let text = [b'\\', b'x', digit(byte.wrapping_shr(4)), digit(byte & 0xf)];
    each(str::from_utf8(&text).unwrap_or("?"))
}

/// Characters that take their place and do nothing else.
fn is_shown(c: char) -> bool {
    !matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'                       // control
        | '\u{ad}' | '\u{61c}' | '\u{180e}'                     // invisible, direction
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'     // zero width, separators, direction
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}'  // private use, tags
    )
}

/// The same for a syslog line inside double quotes: printable ASCII only, and `"` escaped too. Middle bytes are
/// left out, marked by `...`, until the rest fits `room`.
///
/// # Errors
/// Those of `out`.
pub fn quoted_within(bytes: &[u8], room: usize, out: &mut impl Write) -> fmt::Result {
    if width(bytes) <= room {
        return bytes.iter().try_for_each(|byte| log_byte(*byte, out));
    }
    let half = room.saturating_sub(3).div_euclid(2);
    let fits = |side: &mut dyn Iterator<Item = &u8>| {
        let mut used = 0_usize;
        side.take_while(|byte| {
            used = used.saturating_add(log_width(**byte));
            used <= half
        })
        .count()
    };
    let head = fits(&mut bytes.iter());
    let tail = bytes.len().saturating_sub(fits(&mut bytes.iter().rev()));
    bytes.get(..head).unwrap_or_default().iter().try_for_each(|byte| log_byte(*byte, out))?;
    out.write_str("...")?;
    bytes.get(tail.max(head)..).unwrap_or_default().iter().try_for_each(|byte| log_byte(*byte, out))
}

/// Bytes that `bytes` take in a syslog line.
fn width(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum.saturating_add(log_width(*byte)))
}

const fn log_width(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 2,
        b' '..=b'~' => 1,
        _ => 4,
    }
}

fn log_byte(byte: u8, out: &mut impl Write) -> fmt::Result {
    match byte {
        b'"' | b'\\' => write!(out, "\\{}", char::from(byte)),
        b' '..=b'~' => out.write_char(char::from(byte)),
        _ => hex(byte, &mut |piece| out.write_str(piece)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_enemy_writes_stays_on_its_line() {
        for (bytes, shown) in [
            (&b"plain name"[..], "plain name"),
            (b"a\nb\r\x1b[2J\x00", "a\\x0ab\\x0d\\x1b[2J\\x00"),
            (b"\xff\xfe\xc3", "\\xff\\xfe\\xc3"),
            ("größe 路由".as_bytes(), "größe 路由"),
            ("\u{202e}gnp".as_bytes(), "\\xe2\\x80\\xaegnp"),
            ("\u{9b}2J".as_bytes(), "\\xc2\\x9b2J"),
            (br"a\x0ab", r"a\\x0ab"),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }

    #[test]
    fn a_format_escapes_its_own_characters_too() {
        let within =
            |bytes: &[u8], room| Within { bytes, room, also: &[('|', "\\x7c"), ('\\', "\\\\")] }.to_string();
        assert_eq!(within(b"a|b", 9), r"a\x7cb");
        // A backslash is escaped twice: once for what is shown, once for the format.
        assert_eq!(within(b"\\\n", 99), r"\\\\\\x0a");
        assert_eq!(within(b"0123456789abcdef", 11), "0123...cdef");
        // No escape is torn, and no character.
        assert_eq!(within("01234567890\u{e4}\u{e4}".as_bytes(), 11), "0123...\u{e4}\u{e4}");
        assert_eq!(within(b"\n\n\n\n", 14), r"\\x0a...\\x0a");
        assert_eq!(within(b"\n\n\n\n", 12), r"...");
        for room in 3..80 {
            let out = within(&[b'a', b'|', b'\n', 0xc3, 0xa4, 0xff, b'\\'].repeat(20), room);
            assert!(out.len() <= room && out.contains("...") && !out.contains('|'), "{room}: {out}");
        }
    }

    #[test]
    fn a_log_value_is_cut_in_its_middle_and_never_in_an_escape() {
        let cut = |bytes: &[u8], room| {
            let mut out = String::new();
            quoted_within(bytes, room, &mut out).unwrap();
            out
        };
        assert_eq!(cut(b"/tmp/x", 10), "/tmp/x");
        assert_eq!(cut(br#"a"\"#, 10), r#"a\"\\"#);
        assert_eq!(cut(b"0123456789abcdef", 11), "0123...cdef");
        assert_eq!(cut(b"\n\n\n\n\n\n", 12), "\\x0a...\\x0a");
        for room in 3..60 {
            let out = cut(&[b'a', b'\n', b'"', 0xff].repeat(20), room);
            assert!(out.len() <= room, "{room}: {out}");
        }
    }
}
