//! What processes have open: their descriptors, and who holds which socket.

use super::rows;
use crate::facts::descriptors::{is_writable, socket_inode};
use crate::facts::process::Process;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::HOLDERS;

/// Which process holds which socket, in the order of inode numbers once [`sort`] was called.
pub type Holders = heapless::Vec<(u32, u32), HOLDERS>;

/// Takes in what a process has open, and adds its sockets to the holders, if somebody keeps these.
///
/// # Errors
/// When its descriptors cannot be listed, or [`Fault::TooLong`] when the table is full.
pub fn descriptors<H: Host>(
    host: &H,
    dir: &H::Dir,
    process: &mut Process,
    mut holders: Option<&mut Holders>,
) -> Result<(), Fault> {
    let fds = host.dir_at(dir, b"fd")?;
    let mut full = false;
    let (pid, open) = (process.pid, &mut process.descriptors);
    host.list(&fds, &mut |name| {
        // `socket:[4294967295]` has 19 bytes, the names of devices are as short; other links may be cut.
        let mut link = [0_u8; 64];
        let length = host.link_at(&fds, name, &mut link).unwrap_or(0);
        let link = link.get(..length).unwrap_or_default();
        if let Some(inode) = socket_inode(link).and_then(|inode| u32::try_from(inode).ok()) {
            full |= holders.as_mut().is_some_and(|holders| holders.push((inode, pid)).is_err());
        }
        if open.descriptor(name, link) && open.flash.is_empty() && is_open_for_writing(host, dir, name) {
            open.flash = Bytes::of(link);
        }
    })?;
    if full { Err(Fault::TooLong) } else { Ok(()) }
}

fn is_open_for_writing<H: Host>(host: &H, dir: &H::Dir, name: &[u8]) -> bool {
    let mut writable = false;
    let Ok(info) = host.dir_at(dir, b"fdinfo") else { return false };
    let Ok(mut file) = host.file_at(&info, name) else { return false };
    let _ = rows(&mut file, &mut |row| writable |= row.and_then(is_writable).unwrap_or_default());
    writable
}

/// Whether a process has a socket open now.
pub fn holds<H: Host>(host: &H, dir: &H::Dir, inode: u64) -> bool {
    let mut found = false;
    let listed = each_socket(host, dir, &mut |other| found |= other == inode);
    listed.is_ok() && found
}

/// Hands the inode number of every socket that a process has open to `each`.
///
/// # Errors
/// When its descriptors cannot be listed.
pub fn each_socket<H: Host>(host: &H, dir: &H::Dir, each: &mut dyn FnMut(u64)) -> Result<(), Fault> {
    let fds = host.dir_at(dir, b"fd")?;
    host.list(&fds, &mut |name| {
        let mut link = [0_u8; 32];
        let length = host.link_at(&fds, name, &mut link).unwrap_or(0);
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
