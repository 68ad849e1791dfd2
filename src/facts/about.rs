//! What must be known of a machine to read its files: the byte order of `/proc/net/*`. A live machine has it
//! from the compiler, a recording from its `about.toml`.

use super::text::{decimal32, one_of, trim};

/// Byte order of the machine that wrote the facts. `/proc/net/tcp` prints each 32-bit word of an address as a
/// number of that machine (net/ipv4/tcp_ipv4.c, `get_tcp4_sock`), so a recording cannot be read without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first: x86, ARM, mipsel.
    Little,
    /// Most significant byte first: MIPS of ath79, lantiq, Broadcom BCM63xx.
    Big,
}

impl Endian {
    /// The order of the machine this program runs on.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

    /// Two bytes as a number.
    #[must_use]
    pub const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        }
    }

    /// Four bytes as a number.
    #[must_use]
    pub const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        }
    }

    /// Eight bytes as a number.
    #[must_use]
    pub const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Endian::Little => u64::from_le_bytes(bytes),
            Endian::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// A machine, as far as parsers need to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Whether the machine is running now; a recording or an unpacked image is not.
    pub live: bool,
    /// `None`: a tree that does not say.
    pub endian: Option<Endian>,
}

/// What is wrong with a line of `about.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: u32,
    /// What to do.
    pub help: &'static str,
}

/// Reads the keys of a recording's `about.toml` that gatewatch uses: `byte_order = "big"` or `"little"`, and
/// `page_size = 4096` (checked, so that a wrong recording is noticed). Other keys are for people.
///
/// # Errors
/// The first line that has a known key and a value that cannot be.
pub fn parse(text: &[u8]) -> Result<About, Mistake> {
    let mut about = About { live: false, endian: None };
    let mut number = 0_u32;
    for line in text.split(|b| *b == b'\n') {
        number = number.saturating_add(1);
        let Some(equals) = line.iter().position(|b| *b == b'=') else { continue };
        let (key, value) = line.split_at(equals);
        let value = trim(value.get(1..).unwrap_or_default());
        let value = trim(value.split(|b| *b == b'#').next().unwrap_or_default());
        let name = trim(key);
        let is = one_of(name);
        match name {
            _ if is(b"byte_order") => {
                let is = one_of(value);
                about.endian = match value {
                    _ if is(b"\"big\"") => Some(Endian::Big),
                    _ if is(b"\"little\"") => Some(Endian::Little),
                    _ => {
                        return Err(Mistake {
                            line: number,
                            help: "write byte_order = \"big\" or \"little\"",
                        });
                    }
                }
            }
            _ if is(b"page_size")
                && !decimal32(value).is_some_and(|size| size.is_power_of_two() && size >= 4096) =>
            {
                return Err(Mistake { line: number, help: "write page_size in bytes, for example 4096" });
            }
            _ => {}
        }
    }
    Ok(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_is_read_and_a_wrong_one_is_named() {
        let text = b"# a router\nmodel = \"x\"\nbyte_order = \"big\" # MIPS\npage_size = 4096\n";
        assert_eq!(parse(text), Ok(About { live: false, endian: Some(Endian::Big) }));
        assert_eq!(parse(b"byte_order=\"little\"").unwrap().endian, Some(Endian::Little));
        assert_eq!(parse(b"model = \"x\"").unwrap().endian, None);
        assert_eq!(parse(b"\nbyte_order = \"middle\"").unwrap_err().line, 2);
        assert_eq!(parse(b"page_size = 4095").unwrap_err().line, 1);
    }
}
