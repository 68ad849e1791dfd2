//! Who made a file: Ed25519 signatures (RFC 8032) at the end of indicator files and of baselines, and whose are trusted.
//!
//! What stands at the end of a file is what minisign keeps in its `.minisig` files, 74 bytes: `Ed`, the id of the key, the
//! signature. It covers every byte before it, as they are: minisign's other way, which signs a BLAKE2b hash of the file, would
//! bring a second hash to the router, and save nothing here. The bytes are hashed once from where they are mapped, since the half of
//! the signature that must be known before is at hand.

use core::fmt;

mod key;

pub use key::{KeyId, PublicKey};

use key::{ALGORITHM, ID_LEN};

/// The kind of the section that holds the signature, in every kind of file.
pub const SECTION: u32 = 32;
/// Bytes of what it holds.
pub const BLOCK_LEN: usize = 2 + ID_LEN + SIGNATURE_LEN;
/// Bytes of the signature alone.
const SIGNATURE_LEN: usize = 64;

/// The keys that were built in: what stands in base64 in the files of `keys/`, divided by blanks. scripts/build-targets hands
/// it over.
pub const BUILT_IN: &str = match option_env!("GATEWATCH_KEYS") {
    Some(keys) => keys,
    None => "",
};

/// A file that says who made it. Nobody has looked yet whether that is true.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    covered: &'a [u8],
    block: &'a [u8; BLOCK_LEN],
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has signed it.
    Unsigned,
    /// It is signed in a way that is not known here.
    Kind,
    /// It says that this key signed it, and this key is not trusted.
    Stranger(KeyId),
    /// This key did not sign these bytes.
    Forged(KeyId),
}

impl Refusal {
    /// Whether somebody who allows unsigned files means this one too. One that a trusted key should have signed and did not is
    /// never meant.
    #[must_use]
    pub const fn may_be_allowed(self) -> bool {
        matches!(self, Refusal::Unsigned | Refusal::Stranger(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unsigned => f.write_str(
                "it is not signed: sign it with gatewatch-intel sign; a scan with --allow-unsigned takes it as it is",
            ),
            Refusal::Kind => f.write_str("it is signed in a way that this program does not know"),
            Refusal::Stranger(id) => write!(
                f,
                "it is signed by key {id}, which is not trusted here: put its .pub file into keys/ of the directory of \
                 gatewatch; a scan with --allow-unsigned takes it as it is"
            ),
            Refusal::Forged(id) => {
                write!(f, "it is not what key {id} has signed: it was damaged or changed, get it again")
            }
        }
    }
}

impl core::error::Error for Refusal {}

impl<'a> Signed<'a> {
    /// Cuts a file where its signature begins; nothing when something else than a signature is behind that.
    #[must_use]
    pub fn cut(bytes: &'a [u8], offset: u32) -> Option<Self> {
        let (covered, rest) = bytes.split_at_checked(usize::try_from(offset).ok()?)?;
        let (block, behind) = rest.split_first_chunk()?;
        behind.is_empty().then_some(Self { covered, block })
    }

    /// Which of the keys signed it. A key that is there twice, under one id, is tried twice.
    ///
    /// # Errors
    /// When none did.
    pub fn signer(&self, keys: &[PublicKey]) -> Result<KeyId, Refusal> {
        let (id, signature) = self.parts().ok_or(Refusal::Kind)?;
        let mut refusal = Refusal::Stranger(id);
        for key in keys.iter().filter(|key| key.id == id) {
            if ed25519_compact::PublicKey::new(key.key).verify(self.covered, &signature).is_ok() {
                return Ok(id);
            }
            refusal = Refusal::Forged(id);
        }
        Err(refusal)
    }

    fn parts(&self) -> Option<(KeyId, ed25519_compact::Signature)> {
        let (id, signature) = self.block.strip_prefix(&ALGORITHM)?.split_first_chunk()?;
        Some((KeyId(*id), ed25519_compact::Signature::new(*signature.first_chunk()?)))
    }
}

/// Which of the keys signed a file that may be signed.
///
/// # Errors
/// When none did.
pub fn signer(signed: Option<Signed<'_>>, keys: &[PublicKey]) -> Result<KeyId, Refusal> {
    signed.ok_or(Refusal::Unsigned)?.signer(keys)
}

#[cfg(test)]
mod tests;
