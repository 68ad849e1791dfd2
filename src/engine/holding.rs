//! Who holds a socket, found out again when a check wants to name him.

use super::walk::{namespace, read_again};
use crate::facts::process::Process;
use crate::host::{Fault, Host};
use crate::source::Coverage;
use crate::source::holders::{self, Holders, Programs};
use crate::source::mounts::Mounts;
use crate::source::owner::Owners;
use crate::source::proc::{self, Covers, Reader, Wants};

/// Finds out again who holds which socket.
pub(super) fn hold_again<H: Host>(
    reader: &mut Reader<'_, H>,
    pids: &mut proc::Pids,
    (holders, mut programs): (&mut Holders, Option<&mut Programs>),
    process: &mut Process,
) -> Result<(), Fault> {
    let host = reader.host;
    holders.clear();
    if let Some(programs) = &mut programs {
        programs.clear();
    }
    proc::pids(host, reader.proc, pids, &mut Coverage::new())?;
    for pid in pids.iter() {
        let before = holders.len();
        process.pid = *pid;
        if let Ok(dir) = proc::open(host, reader.proc, *pid) {
            let _ = holders::descriptors(host, &dir, process, Some(holders));
        }
        if let Some(programs) = programs.as_mut().filter(|_| holders.len() > before)
            && reader.read(*pid, process, &mut Covers::default()).is_ok()
        {
            programs.add(process, reader.owners.find(process.path.as_slice()));
        }
    }
    holders::sort(holders);
    Ok(())
}

/// A reader that reads no more than what a process is.
pub(super) fn bare<'a, H: Host>(
    host: &'a H,
    proc: &'a H::Dir,
    owners: &'a mut Owners,
    mounts: &'a Mounts,
) -> Reader<'a, H> {
    let memory_root = host.in_memory(b"").unwrap_or_default();
    Reader {
        host,
        proc,
        owners,
        mounts,
        wants: Wants::default(),
        memory_root,
        namespace: namespace(host, b"mnt"),
    }
}

/// Reads the process that holds a socket, if one still does.
pub(super) fn holder<H: Host>(
    reader: &mut Reader<'_, H>,
    holders: &Holders,
    inode: u64,
    process: &mut Process,
) -> bool {
    let host = reader.host;
    let Some(pid) = holders::holder(holders, inode) else { return false };
    if read_again(reader, pid, process).is_err() {
        return false;
    }
    proc::open(host, reader.proc, pid).is_ok_and(|dir| holders::holds(host, &dir, inode))
}
