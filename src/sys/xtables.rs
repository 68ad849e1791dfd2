//! A table of iptables: the kernel hands all of it out at once, into memory of its own size.

use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

use gatewatch::facts::xtables::{HEAD, MAGIC};
use gatewatch::host::Fault;
use gatewatch::limits::XT_TABLE_BYTES;
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::errno::fault;

/// Bytes of `struct ipt_getinfo`, and of `struct ipt_get_entries` before the entries: a name, a size and, as these are
/// aligned to eight bytes, padding.
const INFO: usize = HEAD - 8;
const BEFORE: usize = 40;
/// `IPT_SO_GET_INFO`, `IPT_SO_GET_ENTRIES`; IPv6 has the same.
const GET_INFO: libc::c_int = 64;
const GET_ENTRIES: libc::c_int = 65;

/// A table in memory, and how far it was read.
#[derive(Debug)]
pub struct Blob {
    head: [u8; HEAD],
    start: NonNull<libc::c_void>,
    length: NonZeroUsize,
    /// Bytes of it that are entries.
    entries: usize,
    at: usize,
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of that length, and nobody has a reference into it any more.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

impl Blob {
    /// Copies what comes next.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        let part = if self.at < HEAD {
            self.head.get(self.at..).unwrap_or_default()
        } else {
            // SAFETY: the mapping is that long, was filled by the kernel or is zero, and lives as long as we do.
            let all: &[u8] =
                unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.length.get()) };
            let all = all.get(BEFORE..).and_then(|all| all.get(..self.entries)).unwrap_or_default();
            all.get(self.at.saturating_sub(HEAD)..).unwrap_or_default()
        };
        let length = part.len().min(into.len());
        for (into, byte) in into.iter_mut().zip(part) {
            *into = *byte;
        }
        self.at = self.at.saturating_add(length);
        length
    }
}

/// Asks for a table that the kernel has: naming another would have it made.
pub fn table(ip6: bool, name: &str) -> Result<Blob, Fault> {
    /// What it says when the table was changed between the two questions, so that its size is another.
    const CHANGED: Fault = Fault::Errno(libc::EAGAIN);
    let mut asked = ask(ip6, name);
    for _ in 0..3 {
        if !matches!(asked, Err(CHANGED)) {
            break;
        }
        asked = ask(ip6, name);
    }
    asked
}

fn ask(ip6: bool, name: &str) -> Result<Blob, Fault> {
    let family = if ip6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let level = if ip6 { libc::IPPROTO_IPV6 } else { libc::IPPROTO_IP };
    let flags = SockFlag::SOCK_CLOEXEC;
    // Of any kind: the question goes past it.
    let socket = socket(family, SockType::Datagram, flags, None).map_err(fault)?;
    let mut head = [0_u8; HEAD];
    let (ours, info) = head.split_at_mut(8);
    for (into, byte) in ours.iter_mut().zip(MAGIC.iter().chain(if ip6 { b"6" } else { b"4" })) {
        *into = *byte;
    }
    named(info, name)?;
    // SAFETY: `info` is as long as the structure that the kernel writes.
    unsafe { get(socket.as_raw_fd(), level, GET_INFO, info.as_mut_ptr(), INFO) }?;
    let size = info.get(80..).and_then(|size| size.first_chunk()).map_or(0, |size| u32::from_ne_bytes(*size));
    if size > XT_TABLE_BYTES {
        return Err(Fault::Large);
    }
    let entries = usize::try_from(size).unwrap_or_default();
    let length = NonZeroUsize::MIN.saturating_add(entries.saturating_add(BEFORE - 1));
    let read_write = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh private mapping at an address of the kernel's choice overlaps nothing.
    let start = unsafe { mmap_anonymous(None, length, read_write, MapFlags::MAP_PRIVATE) }.map_err(fault)?;
    // From here on it is freed, whatever happens.
    let blob = Blob { head, start: start.cast(), length, entries, at: 0 };
    // SAFETY: the mapping is that long, writable, and nobody else has it.
    let all = unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), length.get()) };
    named(all, name)?;
    all.get_mut(32..36).ok_or(Fault::Garbled)?.copy_from_slice(&size.to_ne_bytes());
    // SAFETY: `all` has room for the structure and for as many bytes of entries as it says.
    unsafe { get(socket.as_raw_fd(), level, GET_ENTRIES, all.as_mut_ptr(), length.get()) }?;
    Ok(blob)
}

fn named(into: &mut [u8], name: &str) -> Result<(), Fault> {
    into.get_mut(..name.len()).ok_or(Fault::TooLong)?.copy_from_slice(name.as_bytes());
    Ok(())
}

/// getsockopt(2).
///
/// # Safety
/// `into` must be valid for `length` bytes.
unsafe fn get(
    socket: libc::c_int,
    level: libc::c_int,
    option: libc::c_int,
    into: *mut u8,
    length: usize,
) -> Result<(), Fault> {
    let mut length = libc::socklen_t::try_from(length).map_err(|_| Fault::Large)?;
    // SAFETY: the caller says that `into` is valid for that length; the length is ours.
    let done = unsafe { libc::getsockopt(socket, level, option, into.cast(), &raw mut length) };
    Errno::result(done).map(drop).map_err(fault)
}
