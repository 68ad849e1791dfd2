//! What processes have open: their descriptors, and who holds which socket.

use super::owner::fnv;
use super::rows;
use crate::facts::descriptors::{is_writable, socket_inode};
use crate::facts::process::Process;
use crate::facts::program::{is_interpreter, is_multicall};
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::{HOLDERS, SOCKET_PROCESSES};

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

/// Which program the processes are that have sockets, in the order of their ids.
#[derive(Debug)]
pub struct Programs {
    rows: heapless::Vec<(u32, u32), SOCKET_PROCESSES>,
    /// There are more.
    pub cut: bool,
}

impl Programs {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new(), cut: false }
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.cut = false;
    }

    /// Notes a process, after all with a lower id, whose program has a row among the owners.
    pub fn add(&mut self, process: &Process, row: Option<usize>) {
        self.cut |= self.rows.push((process.pid, key(process, row))).is_err();
    }

    /// What tells the program of a process from others; a process of which nothing was noted is one of its own.
    #[must_use]
    pub fn of(&self, pid: u32) -> u32 {
        let at = self.rows.binary_search_by_key(&pid, |(pid, _)| *pid).ok();
        at.and_then(|at| self.rows.get(at)).map_or(own(pid), |(_, key)| *key)
    }
}

impl Default for Programs {
    fn default() -> Self {
        Self::new()
    }
}

/// The key of a process that is a program of its own.
const fn own(pid: u32) -> u32 {
    0xffff_0000 | pid
}

/// What a program does depends on its command line where it is an interpreter or many.
fn key(process: &Process, row: Option<usize>) -> u32 {
    let path = process.path.as_slice();
    let Some(row) = row.and_then(|row| u32::try_from(row).ok()).filter(|row| *row < 0xffff) else {
        // One of memory only, or one for which there was no row.
        return own(if path.is_empty() { process.pid } else { fnv(path) });
    };
    let name = process.program();
    let many = is_interpreter(name) || is_multicall(name);
    row << 16 | if many { fnv(process.argv.as_slice()) & 0xffff } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::process::Exe;

    #[test]
    fn processes_of_one_program_are_one() {
        let process = |pid, path: &[u8], argv: &[u8]| Process {
            pid,
            exe: Exe::Path { removed: false },
            path: Bytes::of(path),
            argv: Bytes::of(argv),
            ..Process::default()
        };
        let mut programs = Programs::new();
        for (pid, path, argv, row) in [
            (1, &b"/usr/sbin/x"[..], &b"x: master\0"[..], Some(3)),
            (2, b"/usr/sbin/x", b"x: worker\0", Some(3)),
            (3, b"/usr/bin/python3", b"python3\0a.py\0", Some(4)),
            (4, b"/usr/bin/python3", b"python3\0b.py\0", Some(4)),
            (5, b"/usr/bin/python3", b"python3\0a.py\0", Some(4)),
            (6, b"/memfd:x", b"x\0", None),
            (7, b"/memfd:y", b"x\0", None),
            (8, b"/memfd:y", b"z\0", None),
        ] {
            programs.add(&process(pid, path, argv), row);
        }
        let same = |a, b| programs.of(a) == programs.of(b);
        assert!(same(1, 2) && same(3, 5) && same(7, 8));
        assert!(!same(1, 3) && !same(3, 4) && !same(6, 7) && !same(8, 9) && !same(0, 1));
        for pid in 9..40 {
            programs.add(&process(pid, b"/x", b""), Some(1));
        }
        assert!(programs.cut);
    }
}
