//! The files of one process in `/proc/PID`: each read into the value that its parser makes.

use super::{fill, records, rows};
use crate::facts::environ::Environment;
use crate::facts::maps::Memory;
use crate::facts::status::Status;
use crate::facts::text::{Bytes, decimal32, trim};
use crate::host::{Fault, Host};
use crate::limits::{ENVIRONMENT_BYTES, MAPS_ROWS, VARIABLE_BYTES};

/// How willing the kernel is to end the process when memory is short (proc_pid_oom_score_adj(5)).
pub(super) fn oom_score_adj<H: Host>(host: &H, dir: &H::Dir) -> Option<i32> {
    let mut text = Bytes::<16>::new();
    let mut file = host.file_at(dir, b"oom_score_adj").ok()?;
    fill(&mut file, &mut text).ok()?;
    let number = trim(text.as_slice());
    let (sign, digits) = number.strip_prefix(b"-").map_or((1, number), |digits| (-1, digits));
    i32::try_from(decimal32(digits)?).ok()?.checked_mul(sign)
}

/// `/proc/PID/status`, as far as it is understood.
///
/// # Errors
/// When it cannot be read; that it was not recorded is none.
pub(super) fn status<H: Host>(host: &H, dir: &H::Dir) -> Result<Status, Fault> {
    let mut status = Status::default();
    match host.file_at(dir, b"status") {
        Ok(mut file) => rows(&mut file, &mut |row| row.into_iter().for_each(|row| status.line(row)))?,
        Err(Fault::NotFound) => {} // Not recorded.
        Err(fault) => return Err(fault),
    }
    Ok(status)
}

/// `/proc/PID/maps`.
///
/// # Errors
/// When it cannot be read, is not understood or has more rows than are judged.
pub(super) fn memory<H: Host>(
    host: &H,
    dir: &H::Dir,
    program: &[u8],
    memory: &mut Memory,
) -> Result<(), Fault> {
    let mut file = host.file_at(dir, b"maps")?;
    let (mut count, mut odd) = (0_u32, false);
    rows(&mut file, &mut |row| {
        count = count.saturating_add(1);
        // A row with a path that does not fit is that of a file, and those that matter are none.
        odd |= row.is_some_and(|row| count <= MAPS_ROWS && !memory.row(row, program));
    })?;
    match (odd, count > MAPS_ROWS) {
        (true, _) => Err(Fault::Garbled),
        (false, true) => Err(Fault::TooLong),
        (false, false) => Ok(()),
    }
}

/// `/proc/PID/environ`.
///
/// # Errors
/// When it cannot be read or is larger than is read.
pub(super) fn environment<H: Host>(
    host: &H,
    dir: &H::Dir,
    environment: &mut Environment,
) -> Result<(), Fault> {
    let mut file = host.file_at(dir, b"environ")?;
    let most = Some(ENVIRONMENT_BYTES);
    records::<VARIABLE_BYTES, _>(&mut file, 0, most, &mut |variable, cut| environment.variable(variable, cut))
}
