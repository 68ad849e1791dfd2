//! Which messages of a netlink socket are for us: the kernel wakes nobody for the others (socket(7), `SO_ATTACH_FILTER`).

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

// A filter reads words as if they came from a network (linux/filter.h, packet(7)).
/// Reads four bytes.
pub const LOAD: u16 = 0x20;
/// Reads two bytes.
pub const LOAD_HALF: u16 = 0x28;
/// Reads one byte.
pub const LOAD_BYTE: u16 = 0x30;
/// Puts what was read aside.
pub const COPY: u16 = 0x07;
/// Goes on by what was read, or by some of its bits, or by whether it is what was put aside.
pub const IF_EQUAL: u16 = 0x15;
/// See [`IF_EQUAL`].
pub const IF_ANY: u16 = 0x45;
/// See [`IF_EQUAL`].
pub const IF_EQUAL_COPY: u16 = 0x1d;
/// Takes so many bytes of the message; none leaves it out.
pub const END: u16 = 0x06;

/// A step: what it does, how many steps are left out then if so and if not, and with what.
pub const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// From now on the socket gets what the program lets through.
pub fn attach(fd: &OwnedFd, program: &mut [libc::sock_filter]) -> Result<(), Errno> {
    let length = u16::try_from(program.len()).unwrap_or_default();
    let filter = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of_val(&filter)).unwrap_or_default();
    // SAFETY: the kernel reads `filter` and the program that it names, which outlive the call.
    let done = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            size,
        )
    };
    Errno::result(done).map(drop)
}
