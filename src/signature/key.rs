//! A public key as minisign's files hold it.

use core::fmt;

/// Bytes of a key's id.
pub const ID_LEN: usize = 8;
/// Bytes of an Ed25519 public key (RFC 8032).
pub const KEY_LEN: usize = 32;
/// The algorithm, in the first two bytes of keys and of signatures over the bytes themselves.
pub const ALGORITHM: [u8; 2] = *b"Ed";

/// Which key it is: chosen at random when a key is made, and of no further meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub [u8; ID_LEN]);

impl fmt::Display for KeyId {
    /// As minisign shows it: a number whose lowest byte comes first in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// A key that signatures can be held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Which one.
    pub id: KeyId,
    /// The key itself.
    pub key: [u8; KEY_LEN],
}

/// What a key file holds in base64: algorithm, id, key.
const BLOB_LEN: usize = 2 + ID_LEN + KEY_LEN;

impl PublicKey {
    /// Reads a file as `minisign -G` and `gatewatch-intel keygen` write it: a line of comment, then the key in base64. The
    /// line of base64 alone will do.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let line = text
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .find(|line| !line.is_empty() && !line.starts_with(b"untrusted comment:"))?;
        let blob: [u8; BLOB_LEN] = decode(line)?;
        let blob = blob.strip_prefix(&ALGORITHM)?;
        let (id, key) = blob.split_first_chunk()?;
        Some(Self { id: KeyId(*id), key: *key.first_chunk()? })
    }
}

/// Exactly `N` bytes of base64 (RFC 4648 § 4), `N` a multiple of three, so without padding.
fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let (groups, rest) = text.as_chunks::<4>();
    if !rest.is_empty() || groups.len().checked_mul(3)? != N {
        return None;
    }
    for (group, bytes) in groups.iter().zip(out.chunks_exact_mut(3)) {
        let word = group.iter().try_fold(0_u32, |word, byte| Some(word << 6 | u32::from(sextet(*byte)?)))?;
        let [_, word @ ..] = word.to_be_bytes();
        bytes.copy_from_slice(&word);
    }
    Some(out)
}

/// The six bits of a letter.
fn sextet(letter: u8) -> Option<u8> {
    let (first, value) = match letter {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    letter.checked_sub(first)?.checked_add(value)
}
