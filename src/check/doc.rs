//! The `//!` text at the top of a check's file, taken out of it while the program is compiled, so that what users read and
//! what developers read are one text.
#![cfg_attr(not(feature = "explain"), allow(dead_code))]

/// The next byte of the text, and what is left; the file is at the beginning of a line if `start`.
enum Next<'a> {
    Byte(u8, &'a [u8], bool),
    End,
}

const fn next(file: &[u8], start: bool) -> Next<'_> {
    let rest = match (start, file) {
        (true, [b'/', b'/', b'!', b' ', rest @ ..]) | (true, [b'/', b'/', b'!', rest @ ..]) => rest,
        (true, _) => return Next::End,
        (false, rest) => rest,
    };
    match rest {
        [byte, rest @ ..] => Next::Byte(*byte, rest, *byte == b'\n'),
        [] => Next::End,
    }
}

/// Bytes of the text.
pub(crate) const fn length(file: &str) -> usize {
    let (mut rest, mut start, mut length) = (file.as_bytes(), true, 0_usize);
    while let Next::Byte(_, after, at_start) = next(rest, start) {
        (rest, start) = (after, at_start);
        length = length.saturating_add(1);
    }
    length
}

/// The text.
pub(crate) const fn text<const N: usize>(file: &str) -> [u8; N] {
    let mut text = [0; N];
    let (mut rest, mut start) = (file.as_bytes(), true);
    let mut room: &mut [u8] = &mut text;
    while let Next::Byte(byte, after, at_start) = next(rest, start) {
        (rest, start) = (after, at_start);
        let Some((slot, others)) = room.split_first_mut() else { break };
        *slot = byte;
        room = others;
    }
    text
}

/// The bytes of a text as what they are: whole lines of a file that is UTF-8.
pub(crate) const fn str(text: &[u8]) -> &str {
    match str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "//! One – line.\n//!\n//! # Sees\n//! Much.\n\n//! not this\nuse x;\n";

    #[test]
    fn the_text_is_the_comment_at_the_top() {
        const TEXT: [u8; length(FILE)] = text(FILE);
        assert_eq!(str(&TEXT), "One – line.\n\n# Sees\nMuch.\n");
        assert_eq!(length(""), 0);
        assert_eq!(length("use x;\n"), 0);
        assert_eq!(length("//!"), 0);
    }
}
