//! A file that is there whole or not at all: written beside its place, and moved there when everything is on the disk.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use embedded_io::Write;
use gatewatch::host::Fault;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{fsync, unlink};

use super::fd::{Buffered, Writer, fault};

/// Writes `path` by what `fill` hands out. What was there before stays until all is written, and when it fails.
pub fn write(
    path: &OsString,
    fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut beside = path.clone();
    beside.push(".new");
    // One that an earlier run left.
    let _ = unlink(beside.as_bytes());
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = open(beside.as_bytes(), flags, Mode::from_bits_truncate(0o644)).map_err(fault)?;
    let done = fill_and_sync(&file, fill).and_then(|()| {
        nix::fcntl::renameat(nix::fcntl::AT_FDCWD, beside.as_bytes(), nix::fcntl::AT_FDCWD, path.as_bytes())
            .map_err(fault)
    });
    match done {
        Ok(()) => sync_directory(path),
        Err(_) => {
            let _ = unlink(beside.as_bytes());
        }
    }
    done
}

fn fill_and_sync(
    file: &OwnedFd,
    fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut out = Buffered::new(Writer(file.as_fd()));
    fill(&mut |part| out.write_all(part))?;
    out.flush()?;
    fsync(file).map_err(fault)
}

/// The new name too should last; where it cannot be asked for, it lasts a little later.
fn sync_directory(path: &OsString) {
    let bytes = path.as_bytes();
    let parent = match bytes.iter().rposition(|b| *b == b'/') {
        Some(0) => &b"/"[..],
        Some(slash) => bytes.get(..slash).unwrap_or_default(),
        None => b".",
    };
    if let Ok(dir) = open(parent, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        let _ = fsync(dir);
    }
}
