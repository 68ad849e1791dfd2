//! Small helpers over bytes that somebody else chose: bounded buffers, fields, numbers.

use core::fmt;

/// A byte string with a capacity, which remembers whether something did not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes<const N: usize> {
    bytes: heapless::Vec<u8, N>,
    cut: bool,
}

impl<const N: usize> Bytes<N> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: heapless::Vec::new(), cut: false }
    }

    /// A copy of `bytes`, cut if it does not fit.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut copy = Self::new();
        copy.push(bytes);
        copy
    }

    /// Forgets the content and the cut.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.cut = false;
    }

    /// Appends as many of `more` as fit, and remembers if that was not all.
    pub fn push(&mut self, more: &[u8]) {
        self.cut |= !append(&mut self.bytes, more);
    }

    /// Lets `fill` write into the whole capacity; it returns how many bytes it wrote.
    ///
    /// # Errors
    /// Those of `fill`; the content is empty then.
    pub fn fill<E>(&mut self, fill: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        self.cut = false;
        // heapless's own `resize` takes a byte at a time, which was three quarters of a scan's instructions.
        self.bytes = heapless::Vec::from_array([0; N]);
        let filled = fill(&mut self.bytes);
        self.bytes.truncate(*filled.as_ref().unwrap_or(&0));
        filled.map(|_| ())
    }

    /// Changes every byte.
    pub fn map(&mut self, change: &dyn Fn(u8) -> u8) {
        self.bytes.iter_mut().for_each(|byte| *byte = change(*byte));
    }

    /// Drops what lies beyond `len`.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// The content.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether something did not fit.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether there is no content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Appends as many of `more` as fit; whether that was all. One function for all capacities.
fn append(bytes: &mut heapless::VecView<u8>, more: &[u8]) -> bool {
    let room = bytes.capacity().saturating_sub(bytes.len());
    let taken = more.get(..room.min(more.len())).unwrap_or_default();
    bytes.extend_from_slice(taken).is_ok() && taken.len() == more.len()
}

impl<const N: usize> fmt::Write for Bytes<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// The fields of a line: runs of bytes between blanks and tabs.
pub fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t')).filter(|field| !field.is_empty())
}

/// An unsigned decimal number, nothing else around it.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = digit.checked_sub(b'0').filter(|d| *d < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A [`decimal`] that fits 32 bits.
#[must_use]
pub fn decimal32(digits: &[u8]) -> Option<u32> {
    u32::try_from(decimal(digits)?).ok()
}

/// An unsigned hexadecimal number of at most eight digits.
#[must_use]
pub fn hex32(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(digit)
    })
}

/// An unsigned hexadecimal number of at most sixteen digits.
#[must_use]
pub fn hex64(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(u64::from(digit))
    })
}

/// What stands behind the first `count` fields of a line, blanks in it included; nothing if there are fewer.
#[must_use]
pub fn behind(line: &[u8], count: usize) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let mut rest = line;
    for left in (0..=count).rev() {
        let start = rest.iter().position(|b| !blank(b)).unwrap_or(rest.len());
        rest = rest.get(start..).unwrap_or_default();
        if left > 0 {
            rest = rest.get(rest.iter().position(blank).unwrap_or(rest.len())..).unwrap_or_default();
        }
    }
    rest
}

/// `bytes` without blanks, tabs, newlines and NULs at both ends.
#[must_use]
pub fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0);
    let from = bytes.iter().position(|b| !blank(b)).unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|b| !blank(b)).map_or(from, |last| last.saturating_add(1));
    bytes.get(from..to).unwrap_or_default()
}

/// What follows the last slash.
#[must_use]
pub fn basename(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

/// Whether a word is one of `names`, which stand behind each other with a blank between. A `match` on byte strings is
/// compiled to a comparison of each byte by itself, which takes five times the room.
#[must_use]
#[inline(never)]
pub fn is_one_of(word: &[u8], names: &[u8]) -> bool {
    names.split(|b| *b == b' ').any(|name| name == word)
}

/// The same for several lists.
pub fn one_of(word: &[u8]) -> impl Fn(&[u8]) -> bool + Copy {
    move |names| is_one_of(word, names)
}

/// Whether a text has a part, upper and lower case alike.
#[must_use]
pub fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// Whether `path` is `dir` or lies below it. `dir` has no slash at its end.
#[must_use]
pub fn is_below(path: &[u8], dir: &[u8]) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_keeps_what_fits_and_says_so() {
        let mut bytes = Bytes::<4>::of(b"abc");
        assert!(!bytes.is_cut());
        bytes.push(b"de");
        assert_eq!(bytes.as_slice(), b"abcd");
        assert!(bytes.is_cut());
        bytes.clear();
        assert!(bytes.is_empty() && !bytes.is_cut());
    }

    #[test]
    fn a_word_is_one_of_names_only_as_a_whole() {
        let is = one_of(b"kill");
        assert!(is(b"kill") && is(b"killall kill") && is(b"kill pkill"));
        assert!(!is(b"killall pkill") && !is(b"kil l"));
        for bad in [&b""[..], b" ", b"killall pkill", b"killall ", b" pkill", b"pkill\0"] {
            assert!(!is_one_of(bad, b"killall pkill"), "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_all_digits_or_nothing() {
        assert_eq!(decimal(b"812"), Some(812));
        for bad in [&b""[..], b"-1", b"+1", b" 1", b"1 ", b"0x1", b"18446744073709551616"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
        assert_eq!(decimal32(b"4294967296"), None);
        assert_eq!(hex32(b"0100007F"), Some(0x0100_007f));
        for bad in [&b""[..], b"+1", b"123456789", b"g"] {
            assert_eq!(hex32(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn paths_are_compared_by_component() {
        assert!(is_below(b"/tmp/x", b"/tmp"));
        assert!(is_below(b"/tmp", b"/tmp"));
        assert!(!is_below(b"/tmpfoo", b"/tmp"));
        assert_eq!(basename(b"/usr/bin/sh"), b"sh");
        assert_eq!(trim(b"  [kworker/0:1]  \0\0"), b"[kworker/0:1]");
        assert_eq!(trim(b" \0"), b"");
        assert_eq!(behind(b" a  b\tc d ", 2), b"c d ");
        assert_eq!(behind(b"a b", 2), b"");
        assert_eq!(behind(b"", 1), b"");
        assert_eq!(hex64(b"7ffdeadbeef0"), Some(0x7ffd_eadb_eef0));
        assert_eq!(hex64(b"00000000000000000"), None);
    }
}
