//! The device's log socket: datagrams as BusyBox, OpenWrt's logd and rsyslog take them, or a stream.

use std::os::fd::{AsRawFd, OwnedFd};

use gatewatch::report::SinkFault;
use gatewatch::report::syslog::Datagram;
use nix::errno::Errno;
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::clock::monotonic_us;

/// How long a log daemon that does not read may hold up one message, and all of them.
const PATIENCE_S: i64 = 2;
const PATIENCE_ALL_US: u64 = 10_000_000;

/// An open log socket.
#[derive(Debug)]
pub struct DevLog {
    socket: OwnedFd,
    stream: bool,
    /// When the first message was sent.
    began_us: Option<u64>,
}

impl DevLog {
    /// Connects to the socket at `path`.
    pub fn open(path: &[u8]) -> Result<Self, Errno> {
        match Self::connect(path, SockType::Datagram) {
            Err(Errno::EPROTOTYPE) => Self::connect(path, SockType::Stream),
            done => done,
        }
    }

    fn connect(path: &[u8], kind: SockType) -> Result<Self, Errno> {
        let socket = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&socket, SendTimeout, &TimeVal::seconds(PATIENCE_S))?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(Self { socket, stream: kind == SockType::Stream, began_us: None })
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), SinkFault> {
        while !bytes.is_empty() {
            match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(SinkFault::Write),
            }
        }
        Ok(())
    }
}

impl Datagram for DevLog {
    fn send(&mut self, message: &[u8]) -> Result<(), SinkFault> {
        let now = monotonic_us();
        if now.saturating_sub(*self.began_us.get_or_insert(now)) > PATIENCE_ALL_US {
            return Err(SinkFault::Write);
        }
        self.send_all(message)?;
        // On a stream a NUL ends a message, as syslog(3) of the C libraries does.
        if self.stream { self.send_all(&[0]) } else { Ok(()) }
    }
}
