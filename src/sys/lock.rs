//! One instance: a lock on a file, which the kernel takes away with the process that holds it (fcntl(2)).

use std::os::fd::{AsFd, OwnedFd};

use embedded_io::Write;
use gatewatch::host::Fault;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::ftruncate;

use super::fd::{Writer, fault, identity};

/// Who has the lock.
#[derive(Debug)]
pub enum Lock {
    /// We, until this is dropped. What we fork does not have it.
    Ours(OwnedFd),
    /// Another process.
    Theirs(i32),
}

/// Tries to get the lock of a file, and writes the own process id into it.
pub fn take(path: &[u8]) -> Result<Lock, Fault> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = open(path, flags, Mode::from_bits_truncate(0o644)).map_err(fault)?;
    identity(&file)?;
    // SAFETY: all of its fields are numbers, of which zero is one: the whole file, from its start.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::c_short::try_from(libc::F_WRLCK).unwrap_or_default();
    lock.l_whence = libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default();
    match fcntl(&file, FcntlArg::F_SETLK(&lock)) {
        Ok(_) => {}
        Err(Errno::EAGAIN | Errno::EACCES) => {
            fcntl(&file, FcntlArg::F_GETLK(&mut lock)).map_err(fault)?;
            return Ok(Lock::Theirs(lock.l_pid));
        }
        Err(errno) => return Err(fault(errno)),
    }
    // For people and init scripts. On a full disk it stays empty.
    let _ = ftruncate(&file, 0);
    let _ = Writer(file.as_fd()).write_all(format!("{}\n", std::process::id()).as_bytes());
    Ok(Lock::Ours(file))
}
