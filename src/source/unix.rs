//! Sockets between processes of this machine, by their names: `/proc/net/unix`. One whose file was removed has its name still.

use super::{Coverage, rows_within};
use crate::facts::unix::name;
use crate::host::{Fault, Host};
use crate::limits::UNIX_BYTES;

const PATH: &[u8] = b"proc/net/unix";

/// Hands the name of every socket that has one to `each`.
pub fn names<H: Host>(host: &H, coverage: &mut Coverage, each: &mut dyn FnMut(&[u8])) {
    let mut file = match host.file(PATH) {
        Ok((file, _)) => file,
        // Older recordings and images have none.
        Err(Fault::NotFound) if !host.about().live => return,
        Err(fault) => return coverage.gap(PATH, format_args!("{fault}")),
    };
    let (mut heading, mut understood, mut odd) = (true, false, 0_u32);
    let read = rows_within(&mut file, UNIX_BYTES, &mut |row| {
        if core::mem::take(&mut heading) {
            return;
        }
        let Some(name) = row.and_then(name) else {
            odd = odd.saturating_add(1);
            return;
        };
        understood = true;
        if !name.is_empty() {
            each(name);
        }
    });
    if let Err(fault) = read {
        coverage.gap(PATH, format_args!("{fault}"));
    } else if odd > 0 && !understood {
        // A name may hold the end of a line, and then what follows is no row.
        coverage.gap(PATH, format_args!("{odd} rows not understood"));
    }
}
