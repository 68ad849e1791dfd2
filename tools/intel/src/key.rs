//! Keys, in files that minisign reads too. A secret key is never shown, and its file is its owner's alone.

use std::fs::{self, OpenOptions};
use std::io::{Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ct_codecs::Decoder as _;
use gatewatch::signature::{BLOCK_LEN, PublicKey};
use minisign::{KeyPair, SecretKey, SecretKeyBox};

/// Bytes of a secret key as minisign keeps it, behind its base64: algorithms, salt, limits, id, key, checksum.
const ID_AT: usize = 54;
const KEY_AT: usize = 62;

/// How a secret key is kept.
pub(crate) enum Password {
    /// Nothing keeps others from using it.
    None,
    /// It is asked for on the terminal.
    Ask,
    /// It is this one.
    Given(String),
}

/// A key that can sign.
pub(crate) struct Secret {
    minisign: SecretKey,
    pair: ed25519_compact::KeyPair,
    id: [u8; 8],
}

impl Secret {
    /// Reads the file of a key. A password is asked for where one is needed and none is given.
    pub(crate) fn read(path: &Path, password: Password) -> Result<Self, String> {
        let fail = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|error| fail(&error))?;
        let unlocked = SecretKeyBox::from(text.clone()).into_unencrypted_secret_key();
        let minisign = match (unlocked, open_key(&text), password) {
            (Ok(key), ..) => key,
            // minisign writes no checksum into a key without a password.
            (Err(_), Some(key), _) => key,
            (Err(_), None, Password::Given(password)) => {
                SecretKeyBox::from(text).into_secret_key(Some(password)).map_err(|error| fail(&error))?
            }
            (Err(_), None, _) => {
                if !has_terminal() && is_locked(&text) {
                    let words =
                        "has a password, and there is no terminal to ask for it: give --password-file FILE";
                    return Err(fail(&words));
                }
                SecretKeyBox::from(text).into_secret_key(None).map_err(|error| fail(&error))?
            }
        };
        Self::of(minisign).ok_or_else(|| fail(&"not a secret key of minisign"))
    }

    fn of(minisign: SecretKey) -> Option<Self> {
        let bytes = minisign.to_bytes();
        let id = *bytes.get(ID_AT..)?.first_chunk()?;
        let pair = ed25519_compact::KeyPair::from_slice(bytes.get(KEY_AT..)?.get(..64)?).ok()?;
        Some(Self { minisign, pair, id })
    }

    /// The other half of it.
    pub(crate) fn public(&self) -> PublicKey {
        PublicKey { id: gatewatch::signature::KeyId(self.id), key: *self.pair.pk }
    }

    /// What stands at the end of a file, over what stands before it. The same bytes give the same signature.
    pub(crate) fn block(&self, covered: &[u8]) -> [u8; BLOCK_LEN] {
        let mut block = [0; BLOCK_LEN];
        let signature = self.pair.sk.sign(covered, None);
        let parts = [b"Ed".as_slice(), &self.id, signature.as_ref()].concat();
        block.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        block
    }

    /// What stands beside a file, for minisign.
    pub(crate) fn minisig(&self, bytes: &[u8], comment: &str) -> Result<String, String> {
        let untrusted = format!("signature by key {}", self.public().id);
        minisign::sign(None, &self.minisign, Cursor::new(bytes), Some(comment), Some(&untrusted))
            .map(|signature| signature.into_string())
            .map_err(|error| error.to_string())
    }
}

/// Whether a password can be asked for: only there it is.
fn has_terminal() -> bool {
    fs::File::open("/dev/tty").is_ok()
}

/// What the file of a key holds.
fn decoded(text: &str) -> Option<Vec<u8>> {
    ct_codecs::Base64::decode_to_vec(text.lines().nth(1)?.trim(), None).ok()
}

/// Whether a key has a password: what makes it a key of its own is "Sc", for scrypt.
fn is_locked(text: &str) -> bool {
    decoded(text).is_some_and(|bytes| bytes.get(2..4) == Some(b"Sc"))
}

/// A key without a password, of which no checksum is asked.
fn open_key(text: &str) -> Option<SecretKey> {
    let bytes = decoded(text)?;
    let (algorithm, kdf) = (bytes.get(..2)?, bytes.get(2..4)?);
    (algorithm == b"Ed" && kdf == [0, 0]).then(|| SecretKey::from_bytes(&bytes).ok()).flatten()
}

/// Makes a pair of keys, and returns the line that says so.
pub(crate) fn generate(secret: &Path, public: &Path, password: Password) -> Result<String, String> {
    // Before anybody is asked for a password.
    for path in [secret, public] {
        if path.symlink_metadata().is_ok() {
            return Err(format!("{}: is there already, and no key is written over another", path.display()));
        }
    }
    let pair = match password {
        Password::None => KeyPair::generate_unencrypted_keypair(),
        Password::Ask if !has_terminal() => {
            return Err(
                "there is no terminal to ask for a password: give --password-file FILE or --no-password"
                    .to_owned(),
            );
        }
        Password::Ask => KeyPair::generate_encrypted_keypair(None),
        Password::Given(password) => KeyPair::generate_encrypted_keypair(Some(password)),
    };
    let KeyPair { pk, sk } = pair.map_err(|error| error.to_string())?;
    let id = PublicKey::read(pk.to_base64().as_bytes()).map(|key| key.id.to_string()).unwrap_or_default();
    let text = |result: minisign::Result<String>| result.map_err(|error| error.to_string());
    let secret_text = text(sk.to_box(Some("gatewatch-intel secret key")).map(|text| text.into_string()))?;
    create(secret, 0o600, &secret_text)?;
    let written =
        create(public, 0o644, &format!("untrusted comment: minisign public key {id}\n{}\n", pk.to_base64()));
    if written.is_err() {
        // Half a pair is of no use.
        let _ = fs::remove_file(secret);
    }
    written?;
    Ok(format!("key {id}: keep {} secret, and put {} on the devices\n", secret.display(), public.display()))
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), String> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = made.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// The password in the first line of a file.
pub(crate) fn password_of(path: &Path) -> Result<Password, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Password::Given(text.lines().next().unwrap_or_default().to_owned()))
}
