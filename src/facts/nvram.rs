//! NVRAM: bytes of a dump or of an image in, the values of the variables that matter out, byte by byte.
//!
//! An image holds `key=value` with a NUL behind each, below a header of its own: 20 bytes that begin with `FLSH` (Broadcom,
//! bcmnvram.h) or a checksum (U-Boot, env.h). A name is what stands before the first `=`, back to the first byte that is
//! in no name, so headers need not be known. A dump, what `nvram show` prints, has a newline there instead, and values
//! hold newlines too. So a value that matters goes on to the next one that does; of lines that look like other variables
//! between them only the newline is handed out. NULs of an image count as the ends of lines.

use super::text::Bytes;
use crate::limits::NVRAM_KEY_BYTES;

/// What a byte leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A value begins: the key and the line.
    Begin(&'a [u8], u32),
    /// A byte of it.
    Byte(u8),
    /// It ends.
    End,
}

/// Takes a dump or an image apart.
pub struct Nvram<'w> {
    wanted: &'w dyn Fn(&[u8]) -> bool,
    image: bool,
    key: Bytes<NVRAM_KEY_BYTES>,
    /// What the line or variable is.
    part: Part,
    /// A value that matters is being handed out.
    open: bool,
    line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its key is being read.
    Key,
    /// It matters.
    Wanted,
    /// It does not.
    Other,
}

impl<'w> Nvram<'w> {
    /// For the first byte; `image`: NULs end values, not newlines.
    #[must_use]
    pub const fn new(image: bool, wanted: &'w dyn Fn(&[u8]) -> bool) -> Self {
        Self { wanted, image, key: Bytes::new(), part: Part::Key, open: false, line: 1 }
    }

    /// Takes one byte.
    pub fn push(&mut self, byte: u8, each: &mut dyn FnMut(Event<'_>)) {
        match (self.part, byte) {
            (_, 0) if self.image => self.end_of_variable(each),
            (_, b'\n') if !self.image => {
                if self.part == Part::Key {
                    self.keep_key(each);
                }
                if self.open {
                    each(Event::Byte(byte));
                }
                self.part = Part::Key;
            }
            (Part::Key, b'=') => self.end_of_key(each),
            (Part::Key, _) if is_name(byte) => {
                if self.key.as_slice().len() >= NVRAM_KEY_BYTES {
                    self.no_key(each);
                }
                self.hand_out_or_keep(byte, each);
            }
            (Part::Key, _) if self.image => self.key.clear(),
            (Part::Key, _) => {
                self.no_key(each);
                self.hand_out_or_keep(byte, each);
            }
            (Part::Wanted, _) if self.open => each(Event::Byte(byte)),
            _ => {}
        }
        if matches!(byte, 0 | b'\n') {
            self.line = self.line.saturating_add(1);
        }
    }

    /// At the end.
    pub fn finish(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        if !self.image && self.part == Part::Key {
            self.keep_key(each);
        }
        self.end_of_variable(each);
    }

    /// A line of a dump that begins no variable goes on with the one above.
    fn no_key(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        if !self.image {
            self.keep_key(each);
            self.part = if self.open { Part::Wanted } else { Part::Other };
        } else {
            self.key.clear();
        }
    }

    fn hand_out_or_keep(&mut self, byte: u8, each: &mut dyn FnMut(Event<'_>)) {
        match self.part {
            Part::Key => self.key.push(&[byte]),
            Part::Wanted => each(Event::Byte(byte)),
            Part::Other => {}
        }
    }

    /// What was taken for a key is part of a value.
    fn keep_key(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        for byte in self.key.as_slice().iter().filter(|_| self.open) {
            each(Event::Byte(*byte));
        }
        self.key.clear();
    }

    fn end_of_key(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        let key = self.key.clone();
        let key = key.as_slice();
        if (self.wanted)(key) {
            if core::mem::replace(&mut self.open, true) {
                each(Event::End);
            }
            each(Event::Begin(key, self.line));
            self.part = Part::Wanted;
        } else if !self.image && self.open && !is_variable(key) {
            // An assignment in a script.
            self.keep_key(each);
            each(Event::Byte(b'='));
            self.part = Part::Wanted;
        } else {
            self.part = Part::Other;
        }
        self.key.clear();
    }

    fn end_of_variable(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        if core::mem::take(&mut self.open) {
            each(Event::End);
        }
        self.part = Part::Key;
        self.key.clear();
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

/// Whether a name looks like one of NVRAM, `wl0_ssid`, and not like one of a script.
fn is_variable(key: &[u8]) -> bool {
    key.contains(&b'_') && !key.iter().any(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(image: bool, text: &[u8]) -> Vec<String> {
        let wanted = |key: &[u8]| key == b"rc_startup" || key == b"rc_firewall";
        let mut nvram = Nvram::new(image, &wanted);
        let mut found: Vec<String> = Vec::new();
        let mut open = false;
        let mut each = |event: Event<'_>| match event {
            Event::Begin(key, line) => {
                assert!(!core::mem::replace(&mut open, true));
                found.push(format!("{line} {}: ", String::from_utf8_lossy(key)));
            }
            Event::Byte(byte) => found.last_mut().unwrap().push(char::from(byte)),
            Event::End => assert!(core::mem::take(&mut open)),
        };
        for byte in text {
            nvram.push(*byte, &mut each);
        }
        nvram.finish(&mut each);
        assert!(!open);
        found
    }

    #[test]
    fn a_dump() {
        let text = b"wl0_ssid=it's\nrc_startup=B=/tmp\ncd $B\nX=1\nlan_ip=1\n ./x\nrc_firewall=iptables -F\nsize: 1\n";
        assert_eq!(
            values(false, text),
            ["2 rc_startup: B=/tmp\ncd $B\nX=1\n\n ./x\n", "7 rc_firewall: iptables -F\nsize: 1\n"]
        );
        assert_eq!(values(false, b"a\nb=c\nwget x\n"), Vec::<String>::new());
        assert_eq!(values(false, b"rc_startup=x\ny"), ["1 rc_startup: x\ny"]);
        let long = [&b"rc_startup=a\n"[..], &[b'x'; 200], b"=y\n"].concat();
        let expected = format!("1 rc_startup: a\n{}=y\n", "x".repeat(200));
        assert_eq!(values(false, &long), [expected]);
    }

    #[test]
    fn images() {
        let flsh =
            b"FLSH\x10\0\0\0abcd\x01\x02\0\0\0\0\0\0rc_startup=a\nb=c\0lan_ip=1\0xrc_startup=n\0\0\xff\xff";
        assert_eq!(values(true, flsh), ["10 rc_startup: a\nb=c"]);
        let uboot = b"\x12\x34\x56\xb7rc_firewall=x;y\0boot=rc_startup=n\0\0";
        assert_eq!(values(true, uboot), ["1 rc_firewall: x;y"]);
        assert_eq!(values(true, b"rc_startup=x"), ["1 rc_startup: x"]);
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = b"rc_startup=\n\0x =\xffFLSH";
        let mut seed = 1_u32;
        for length in 0..1500 {
            let text: Vec<u8> = (0..length % 70)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
                })
                .collect();
            values(false, &text);
            values(true, &text);
        }
    }
}
