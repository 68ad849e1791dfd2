//! What stands in a word: quotes, escapes, substitutions, the elements of an array.

use super::{Current, Parser};
use crate::facts::escape::unescape;
use crate::facts::text::Bytes;
use crate::limits::WORD_BYTES;

impl Parser<'_> {
    /// Quotes, escapes, substitutions and plain bytes.
    pub(super) fn part_of_word(&mut self, byte: u8, now: &mut Current) {
        now.begun = true;
        now.quoted |= matches!(byte, b'\'' | b'"' | b'\\');
        match byte {
            // `NAME=(…)` sets an array (bash(1), Arrays); other shells refuse the line.
            b'(' if now.word.as_slice().last() == Some(&b'=') && !now.quoted => self.array(now),
            b'\'' => {
                while let Some(b) = self.next().filter(|b| *b != b'\'') {
                    now.word.push(&[b]);
                }
            }
            b'$' if self.peek(0) == Some(b'\'') => {
                self.skip(1);
                let mut text = Bytes::<WORD_BYTES>::new();
                while let Some(b) = self.next().filter(|b| *b != b'\'') {
                    text.push(&[b]);
                    if b == b'\\' {
                        text.push(&[self.next().unwrap_or_default()]);
                    }
                }
                unescape(text.as_slice(), &mut |byte, _| now.word.push(&[byte]));
            }
            b'"' => {
                while let Some(b) = self.next().filter(|b| *b != b'"') {
                    match b {
                        b'\\' => {
                            // A backslash escapes only these here, and is itself before others.
                            let escaped = self.next();
                            if !matches!(escaped, Some(b'$' | b'`' | b'"' | b'\\' | b'\n')) {
                                now.word.push(b"\\");
                            }
                            if let Some(byte) = escaped.filter(|byte| *byte != b'\n') {
                                now.word.push(&[byte]);
                            }
                        }
                        b'$' | b'`' => self.substitution(b, true, now),
                        _ => now.word.push(&[b]),
                    }
                }
            }
            b'\\' => {
                if let Some(escaped) = self.next().filter(|b| *b != b'\n') {
                    now.word.push(&[escaped]);
                }
            }
            b'$' | b'`' => self.substitution(byte, false, now),
            _ => now.word.push(&[byte]),
        }
    }

    /// The elements of an array are data, all of them one word here.
    fn array(&mut self, now: &mut Current) {
        now.computed = true;
        while let Some(byte) = self.next().filter(|b| *b != b')') {
            match byte {
                b'(' => now.word.push(b"("),
                b' ' | b'\t' | b'\n' => now.word.push(b" "),
                _ => self.part_of_word(byte, now),
            }
        }
    }
}
