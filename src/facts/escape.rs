//! Backslash escapes of `echo -e`, printf(1) and `$'…'`.

/// Hands every byte of `text` to `each` with its escapes resolved, and whether it was written as a number: `\x77`,
/// `\167`, `\0167` (POSIX.1-2017 echo and printf; bash(1), QUOTING).
pub(super) fn unescape(text: &[u8], each: &mut dyn FnMut(u8, bool)) {
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let Some(escaped) = bytes.next_if(|_| byte == b'\\') else {
            each(byte, false);
            continue;
        };
        let (base, most) = match escaped {
            b'x' => (16, 2),
            b'u' => (16, 4),
            b'U' => (16, 8),
            // After a zero echo takes three more digits.
            b'0' => (8, 3),
            b'1'..=b'7' => (8, 2),
            _ => {
                match escaped {
                    b'n' => each(b'\n', false),
                    b't' => each(b'\t', false),
                    b'r' => each(b'\r', false),
                    b'e' => each(0x1b, false),
                    b'\\' | b'\'' | b'"' => each(escaped, false),
                    _ => {
                        each(b'\\', false);
                        each(escaped, false);
                    }
                }
                continue;
            }
        };
        let mut value = if base == 8 { u32::from(escaped.wrapping_sub(b'0')) } else { 0 };
        for _ in 0..most {
            let digit = bytes.peek().and_then(|b| char::from(*b).to_digit(base));
            let Some(digit) = digit else { break };
            value = value.saturating_mul(base).saturating_add(digit);
            bytes.next();
        }
        each(u8::try_from(value & 0xff).unwrap_or_default(), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_letters() {
        for (text, expected, numbers) in [
            (&br"\x77get"[..], &b"wget"[..], 1),
            (br"\167\0147et", b"wget", 2),
            (br"\x7f\x45\x4c\x46\1", b"\x7fELF\x01", 5),
            (br"\u0077\U00000067et", b"wget", 2),
            (br"a\n\e[1m\\\'", b"a\n\x1b[1m\\'", 0),
            (br"\q\", b"\\q\\", 0),
            (br"\x", b"\0", 1),
            (b"", b"", 0),
        ] {
            let (mut bytes, mut count) = (Vec::new(), 0);
            unescape(text, &mut |byte, number| {
                bytes.push(byte);
                count += u32::from(number);
            });
            assert_eq!((bytes.as_slice(), count), (expected, numbers), "{}", String::from_utf8_lossy(text));
        }
    }
}
