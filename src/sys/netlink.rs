//! Netlink: one question, and a descriptor from which the datagrams of the answer are read.

use std::os::fd::{AsRawFd, OwnedFd};

use gatewatch::facts::netlink::{Bus, Question};
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, send, setsockopt, socket};
use nix::sys::time::TimeVal;

/// Seconds that the kernel may take for a datagram: it has them ready at once, or never.
const PATIENCE_S: i64 = 2;

/// Asks the kernel. One without that part refuses here, or in the answer.
pub fn ask(question: Question) -> Result<OwnedFd, Errno> {
    let protocol = match question.bus() {
        Bus::Route => SockProtocol::NetlinkRoute,
        Bus::SockDiag => SockProtocol::NetlinkSockDiag,
    };
    let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    // The type of seconds is narrow on 32-bit machines.
    #[allow(clippy::useless_conversion)]
    setsockopt(&fd, ReceiveTimeout, &TimeVal::new(PATIENCE_S.try_into().unwrap_or_default(), 0))?;
    send(fd.as_raw_fd(), &question.request(), MsgFlags::empty())?;
    Ok(fd)
}
