//! Two files held against each other, piece by piece, with an end.

use embedded_io::Read;

use crate::host::Fault;
use crate::limits::READ_BYTES;

/// Bytes of a buffer, as a number of the same kind as lengths of files.
pub(super) const PIECE: u64 = 4096;

/// Whether two files hold the same from here on.
///
/// # Errors
/// When one of them cannot be read, and [`Fault::Large`] when they are the same for `most` bytes.
pub fn same<F: Read<Error = Fault>>(one: &mut F, other: &mut F, most: u64) -> Result<bool, Fault> {
    let (mut ours, mut theirs) = ([0_u8; READ_BYTES], [0_u8; READ_BYTES]);
    let mut pieces = most.div_euclid(PIECE);
    loop {
        pieces = pieces.checked_sub(1).ok_or(Fault::Large)?;
        let (now, then) = (whole(one, &mut ours)?, whole(other, &mut theirs)?);
        if now != then {
            return Ok(false);
        }
        if now.is_empty() {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends, so that two files can be compared piece by piece.
pub(super) fn whole<'b, F: Read<Error = Fault>>(file: &mut F, into: &'b mut [u8]) -> Result<&'b [u8], Fault> {
    let mut filled = 0_usize;
    loop {
        let room = into.get_mut(filled..).unwrap_or_default();
        if room.is_empty() {
            break;
        }
        let read = file.read(room)?;
        if read == 0 {
            break;
        }
        filled = filled.saturating_add(read);
    }
    Ok(into.get(..filled).unwrap_or_default())
}
