//! The SHA-256 of a file, read piece by piece.

use embedded_io::Read;
use sha2::{Digest, Sha256};

use crate::host::Fault;
use crate::limits::{HASH_BYTES, READ_BYTES};

/// Hashes what is left of a file that says it has `size` bytes.
///
/// # Errors
/// When it cannot be read, is too large, which is known before it is read, or has no end: [`Fault::Large`].
pub fn sha256<F: Read<Error = Fault>>(file: &mut F, size: u64) -> Result<[u8; 32], Fault> {
    if size > HASH_BYTES {
        return Err(Fault::Large);
    }
    let mut hash = Sha256::new();
    let mut chunk = [0_u8; READ_BYTES];
    let mut left = HASH_BYTES;
    loop {
        let length = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        hash.update(read);
    }
    Ok(hash.finalize().into())
}
