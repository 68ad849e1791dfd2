//! An indicator file, mapped: read in place, nothing of it copied. And room for one that comes from somewhere else.

use std::num::NonZeroUsize;

use gatewatch::host::Fault;
use nix::fcntl::{OFlag, open};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use nix::sys::stat::Mode;

use super::fd::{fault, identity};

/// The largest file that is mapped; a million indicators take three megabytes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Maps a regular file until the process ends. Should the file be cut short meanwhile, reading what is gone ends
/// the looking process (SIGBUS), and the run says that it is incomplete.
pub fn map(path: &[u8]) -> Result<&'static [u8], Fault> {
    let fd =
        open(path, OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, Mode::empty()).map_err(fault)?;
    let size = identity(&fd)?.size;
    let Some(length) = usize::try_from(size).ok().and_then(NonZeroUsize::new) else { return Ok(&[]) };
    if size > MOST_BYTES {
        return Err(Fault::TooLong);
    }
    // SAFETY: a fresh private read-only mapping at an address of the kernel's choice overlaps nothing.
    let start =
        unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, &fd, 0) }.map_err(fault)?;
    // SAFETY: the mapping is `length` bytes long, readable, and never unmapped.
    Ok(unsafe { std::slice::from_raw_parts(start.as_ptr().cast(), length.get()) })
}

/// Room for so many bytes, until the process ends. A page of it costs memory once it is filled.
pub fn room(length: usize) -> Result<&'static mut [u8], Fault> {
    let length = NonZeroUsize::new(length).ok_or(Fault::NotFound)?;
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
    let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh private mapping at an address of the kernel's choice overlaps nothing.
    let start = unsafe { mmap_anonymous(None, length, rights, flags) }.map_err(fault)?;
    // SAFETY: the mapping is `length` bytes long, zeroed, writable, nobody else's, and never unmapped.
    Ok(unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast(), length.get()) })
}
