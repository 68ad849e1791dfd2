//! Following a path below a root on kernels without openat2(2): component by component, each link read and
//! followed by us, so that neither `..` nor an absolute link leaves the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gatewatch::facts::text::Bytes;
use gatewatch::host::Fault;
use gatewatch::limits::PATH_BYTES;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::libc::EINVAL;
use nix::sys::stat::{Mode, fstatat};

use super::fd::{fault, read_link, regular};

/// Links in one path; the kernel's own limit (`MAXSYMLINKS`, linux/namei.h).
const LINKS: u32 = 40;
/// Directories in one path.
const DEPTH: usize = 128;

/// Opens `path` below `root`.
pub fn open(root: BorrowedFd<'_>, path: &[u8], flags: OFlag) -> Result<OwnedFd, Fault> {
    let mut below = heapless::Vec::<OwnedFd, DEPTH>::new();
    let mut pending = Bytes::<{ 2 * PATH_BYTES }>::of(path);
    let mut links = 0_u32;
    loop {
        let here = below.last().map_or(root, AsFd::as_fd);
        let rest = pending.as_slice();
        let start = rest.iter().position(|b| *b != b'/').unwrap_or(rest.len());
        let rest = rest.get(start..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).unwrap_or_default();
        let last = rest.iter().all(|b| *b == b'/');

        let mut target = Bytes::<PATH_BYTES>::new();
        match name {
            b"" | b"." if last => return again(here, flags),
            b"" | b"." => {}
            b".." => {
                let _ = below.pop();
            }
            _ => match target.fill(|into| read_link(here, name, into)) {
                Ok(()) => {
                    links = links.checked_add(1).filter(|links| *links <= LINKS).ok_or(Fault::Loop)?;
                    if target.as_slice().first() == Some(&b'/') {
                        below.clear();
                    }
                }
                Err(Fault::Errno(EINVAL)) if last => {
                    let must_be_dir = !rest.is_empty() || flags.contains(OFlag::O_DIRECTORY);
                    return if must_be_dir {
                        openat(here, name, flags | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty())
                            .map_err(fault)
                    } else {
                        open_regular(here, name, flags)
                    };
                }
                Err(Fault::Errno(EINVAL)) => {
                    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                    let dir = openat(here, name, flags, Mode::empty()).map_err(fault)?;
                    below.push(dir).map_err(|_| Fault::TooLong)?;
                }
                Err(fault) => return Err(fault),
            },
        }
        let mut next = Bytes::of(target.as_slice());
        next.push(rest);
        if next.is_cut() {
            return Err(Fault::TooLong);
        }
        pending = next;
    }
}

/// Opens a name that is a regular file, without following a link, and looks at what it is before it does.
pub fn open_regular(at: BorrowedFd<'_>, name: &[u8], flags: OFlag) -> Result<OwnedFd, Fault> {
    regular(&fstatat(at, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(fault)?)?;
    openat(at, name, flags | OFlag::O_NOFOLLOW, Mode::empty()).map_err(fault)
}

/// The directory itself, as a new handle.
fn again(here: BorrowedFd<'_>, flags: OFlag) -> Result<OwnedFd, Fault> {
    if flags.contains(OFlag::O_DIRECTORY) {
        openat(here, &b"."[..], flags, Mode::empty()).map_err(fault)
    } else {
        Err(fault(Errno::EISDIR))
    }
}
