//! Processes: the listing of `/proc`, one process of it, and who holds which socket.

use core::fmt::Write;

use super::{Coverage, fill, owner};
use crate::facts::process::{Exe, Process, Stat};
use crate::facts::socket::socket_inode;
use crate::facts::text::{Bytes, decimal32};
use crate::host::{Fault, Host};
use crate::limits::{HOLDERS, PIDS, STAT_BYTES};

/// The pids of a listing, in ascending order.
pub type Pids = heapless::Vec<u32, PIDS>;

/// Which process holds which socket, in the order of inode numbers once [`sort`] was called.
pub type Holders = heapless::Vec<(u32, u32), HOLDERS>;

/// Lists the processes in `/proc`.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn pids<H: Host>(host: &H, proc: &H::Dir, into: &mut Pids, coverage: &mut Coverage) -> Result<(), Fault> {
    let mut full = false;
    into.clear();
    host.list(proc, &mut |name| {
        if let Some(pid) = decimal32(name) {
            full |= into.push(pid).is_err();
        }
    })?;
    if full {
        coverage.gap(b"/proc", format_args!("more than {PIDS} processes; the rest was not looked at"));
    }
    into.sort_unstable();
    Ok(())
}

/// Reads one process. What an odd program stands among is joined only where a check asks for it: when it was
/// removed or runs from an odd place.
///
/// # Errors
/// [`Fault::NotFound`] and [`Fault::Gone`] when it has ended.
pub fn read<H: Host>(host: &H, proc: &H::Dir, pid: u32, process: &mut Process) -> Result<H::Dir, Fault> {
    let mut name = Bytes::<12>::new();
    let _ = write!(name, "{pid}");
    let dir = host.dir_at(proc, name.as_slice())?;

    let mut stat = Bytes::<STAT_BYTES>::new();
    let read = host.file_at(&dir, b"stat").and_then(|mut file| fill(&mut file, &mut stat));
    if let Err(fault) = read {
        // A process that has ended takes its directory along; a directory that stays without it is no process's.
        let covered = fault.is_absence() && is_covered(host, proc, name.as_slice());
        return Err(if covered { Fault::Covered } else { fault });
    }
    process.pid = pid;
    process.stat = Stat::parse(stat.as_slice()).ok_or(Fault::Garbled)?;
    if process.stat.pid != pid {
        return Err(Fault::Covered);
    }

    read_exe(host, &dir, process)?;
    if process.stat.state == b'Z' && process.stat.threads > 1 {
        threads(host, &dir, process)?;
    }
    match host.file_at(&dir, b"cmdline") {
        Ok(mut file) => fill(&mut file, &mut process.argv)?,
        Err(fault) if fault.is_absence() => process.argv.clear(),
        Err(fault) => return Err(fault),
    }
    process.surroundings = owner::surroundings(host, process);
    Ok(dir)
}

/// Whether the directory of a process is still there, without what each has.
fn is_covered<H: Host>(host: &H, proc: &H::Dir, name: &[u8]) -> bool {
    host.dir_at(proc, name).is_ok_and(|dir| host.file_at(&dir, b"stat").is_err_and(Fault::is_absence))
}

fn read_exe<H: Host>(host: &H, dir: &H::Dir, process: &mut Process) -> Result<(), Fault> {
    process.exe = Exe::None;
    match process.path.fill(|into| host.link_at(dir, b"exe", into)) {
        Ok(()) if process.path.is_empty() => {}
        Ok(()) => process.settle_exe(),
        Err(Fault::NotFound) => {}
        Err(Fault::Gone) => return Err(Fault::Gone),
        Err(_) => process.exe = Exe::Unknown,
    }
    Ok(())
}

/// A process whose first thread has ended shows neither program nor arguments; its other threads still do.
fn threads<H: Host>(host: &H, dir: &H::Dir, process: &mut Process) -> Result<(), Fault> {
    let tasks = host.dir_at(dir, b"task")?;
    let mut other = Bytes::<12>::new();
    host.list(&tasks, &mut |name| {
        if decimal32(name).is_some_and(|tid| tid != process.pid) {
            other = Bytes::of(name);
        }
    })?;
    let thread = host.dir_at(&tasks, other.as_slice())?;
    process.stat.state = b'S';
    read_exe(host, &thread, process)
}

/// Adds the sockets that a process has open.
///
/// # Errors
/// When its descriptors cannot be listed, or [`Fault::TooLong`] when the table is full.
pub fn sockets<H: Host>(host: &H, dir: &H::Dir, pid: u32, holders: &mut Holders) -> Result<(), Fault> {
    let fds = host.dir_at(dir, b"fd")?;
    let mut full = false;
    each_socket(host, &fds, &mut |inode| {
        if let Ok(inode) = u32::try_from(inode) {
            full |= holders.push((inode, pid)).is_err();
        }
    })?;
    if full { Err(Fault::TooLong) } else { Ok(()) }
}

/// Whether a process has a socket open now.
pub fn holds<H: Host>(host: &H, dir: &H::Dir, inode: u64) -> bool {
    let mut found = false;
    let listed =
        host.dir_at(dir, b"fd").and_then(|fds| each_socket(host, &fds, &mut |other| found |= other == inode));
    listed.is_ok() && found
}

fn each_socket<H: Host>(host: &H, fds: &H::Dir, each: &mut dyn FnMut(u64)) -> Result<(), Fault> {
    host.list(fds, &mut |name| {
        // `socket:[4294967295]` has 19 bytes; the link of another descriptor may be cut.
        let mut link = [0_u8; 32];
        let length = host.link_at(fds, name, &mut link).unwrap_or(0);
        if let Some(inode) = socket_inode(link.get(..length).unwrap_or_default()) {
            each(inode);
        }
    })
}

/// Makes the table fit for [`holder`].
pub fn sort(holders: &mut Holders) {
    holders.sort_unstable();
}

/// A process that holds a socket: the one with the lowest pid, which is most often the one that opened it.
#[must_use]
pub fn holder(holders: &Holders, inode: u64) -> Option<u32> {
    let inode = u32::try_from(inode).ok().filter(|inode| *inode > 0)?;
    let at = holders.partition_point(|(other, _)| *other < inode);
    holders.get(at).filter(|(found, _)| *found == inode).map(|(_, pid)| *pid)
}
