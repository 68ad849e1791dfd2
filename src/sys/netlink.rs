//! Netlink: one request, and a descriptor from which the datagrams of the answer are read.

use std::os::fd::{AsRawFd, OwnedFd};

use gatewatch::facts::raw::packet_request;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, send, setsockopt, socket};
use nix::sys::time::TimeVal;

/// Seconds that the kernel may take for a datagram: it has them ready at once, or never.
const PATIENCE_S: i64 = 2;

/// Asks for all packet sockets (sock_diag(7)). Kernels without it refuse here, or in the answer.
pub fn packets() -> Result<OwnedFd, Errno> {
    let fd =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
    // The type of seconds is narrow on 32-bit machines.
    #[allow(clippy::useless_conversion)]
    setsockopt(&fd, ReceiveTimeout, &TimeVal::new(PATIENCE_S.try_into().unwrap_or_default(), 0))?;
    send(fd.as_raw_fd(), &packet_request(), MsgFlags::empty())?;
    Ok(fd)
}
