//! A file that is there whole or not at all: written beside its place, and moved there when everything is on the disk.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use embedded_io::Write;
use gatewatch::host::Fault;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, renameat};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::stat::{Mode, stat};
use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access, fsync, linkat, unlink};

use super::fd::{Buffered, Writer, fault, regular};

/// A new file that is not in its place yet. Dropped before, it is gone, and what was there stays.
///
/// Where the file system can, it has no name before it is whole, so that not even SIGKILL leaves half of one; elsewhere
/// `.new` is behind its name, and the next run removes what a killed one left.
#[derive(Debug)]
pub struct NewFile {
    path: OsString,
    beside: OsString,
    file: OwnedFd,
    /// It has a name, beside its place.
    named: bool,
}

impl NewFile {
    /// Begins one that is to replace `path`.
    pub fn create(path: &OsString, mode: Mode) -> Result<Self, Fault> {
        // Nothing but a file is replaced: /dev/null would be one from then on.
        if let Ok(there) = stat(path.as_bytes()) {
            regular(&there)?;
        }
        let mut beside = path.clone();
        beside.push(".new");
        // One that an earlier run left.
        let _ = unlink(beside.as_bytes());
        let quiet = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        // It gets its name through /proc.
        let nameless = access("/proc/self/fd", AccessFlags::F_OK)
            .and_then(|()| open(directory(path.as_bytes()), quiet | OFlag::O_TMPFILE, mode));
        let (file, named) = match nameless {
            Ok(file) => (file, false),
            // EISDIR, EOPNOTSUPP, EINVAL or others: the kernel or the file system does not know how.
            Err(_) => {
                let new = quiet | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
                (open(beside.as_bytes(), new, mode).map_err(fault)?, true)
            }
        };
        Ok(Self { path: path.clone(), beside, file, named })
    }

    /// Puts it in its place, when everything is on the disk.
    pub fn keep(mut self) -> Result<(), Fault> {
        fsync(&self.file).map_err(fault)?;
        if !self.named {
            let name = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let to = self.beside.as_bytes();
            linkat(AT_FDCWD, name.as_str(), AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW).map_err(fault)?;
            self.named = true;
        }
        renameat(AT_FDCWD, self.beside.as_bytes(), AT_FDCWD, self.path.as_bytes()).map_err(fault)?;
        self.named = false;
        sync_directory(&self.path);
        Ok(())
    }
}

impl AsFd for NewFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.named {
            let _ = unlink(self.beside.as_bytes());
        }
    }
}

/// Writes `path` by what `fill` hands out. What was there before stays until all is written, and when it fails.
pub fn write(
    path: &OsString,
    fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    // Signals that ask to end wait until the new file is in its place, or gone.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok();
    let done = NewFile::create(path, Mode::from_bits_truncate(0o644)).and_then(|new| {
        let mut out = Buffered::new(Writer(new.as_fd()));
        fill(&mut |part| out.write_all(part))?;
        out.flush()?;
        new.keep()
    });
    if let Some(before) = before {
        let _ = before.thread_set_mask();
    }
    done
}

/// The new name too should last; where it cannot be asked for, it lasts a little later.
fn sync_directory(path: &OsString) {
    if let Ok(dir) = open(directory(path.as_bytes()), OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        let _ = fsync(dir);
    }
}

/// The directory that a path is in.
pub fn directory(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => &b"/"[..],
        Some(slash) => path.get(..slash).unwrap_or_default(),
        None => b".",
    }
}

/// Whether [`NewFile::create`] could do it. Nothing is made, and nothing removed: another run may be writing beside it.
pub fn can_be_made(path: &[u8]) -> Result<(), Fault> {
    if let Ok(there) = stat(path) {
        regular(&there)?;
    }
    can_hold(directory(path))
}

/// Whether files can be made in a directory.
pub fn can_hold(dir: &[u8]) -> Result<(), Fault> {
    // A file is no directory, whoever may write to it.
    access([dir, b"/."].concat().as_slice(), AccessFlags::W_OK | AccessFlags::X_OK).map_err(fault)
}

/// Bytes that are free in a directory for whoever runs this.
pub fn free(dir: &[u8]) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    // Wider or narrower on other machines.
    #[allow(clippy::useless_conversion)]
    let (blocks, size) = (u64::from(disk.blocks_available()), u64::from(disk.fragment_size()));
    blocks.checked_mul(size)
}

/// Whether what is in a directory is gone after a reboot.
pub fn is_in_memory(dir: &[u8]) -> bool {
    // linux/magic.h; nix has only the first.
    const RAMFS: FsType = FsType(0x8584_58f6);
    statfs(dir).is_ok_and(|disk| [TMPFS_MAGIC, RAMFS].contains(&disk.filesystem_type()))
}
