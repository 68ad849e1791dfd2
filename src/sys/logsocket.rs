//! Sockets that take log messages: a log daemon's, as datagrams (BusyBox, OpenWrt's logd, rsyslog) or as a stream, and a
//! collector's by UDP or TCP. No call here waits.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, SockaddrLike, SockaddrStorage, UnixAddr, connect,
    getsockopt, recv, send, shutdown, socket,
};

/// Bytes that are read at once of what somebody says who has nothing to say to us.
const IDLE_TALK: usize = 256;

/// How messages are told apart, and how it is known that they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Datagrams to a process of this machine: taken is there.
    Local,
    /// A stream to a process of this machine: a NUL ends a message, as syslog(3) of the C libraries has it.
    LocalStream,
    /// Datagrams to anywhere: that nobody listens is told a while after, that they are lost never.
    Udp,
    /// A stream to anywhere.
    Tcp,
}

/// A socket.
#[derive(Debug)]
pub struct LogSocket {
    fd: OwnedFd,
    /// What it is.
    pub kind: Kind,
}

impl LogSocket {
    /// Connects to the socket of a log daemon.
    pub fn local(path: &[u8]) -> Result<Self, Errno> {
        let address = UnixAddr::new(path)?;
        match Self::open(Kind::Local, AddressFamily::Unix, SockType::Datagram, &address) {
            Err(Errno::EPROTOTYPE) => {
                Self::open(Kind::LocalStream, AddressFamily::Unix, SockType::Stream, &address)
            }
            done => done,
        }
    }

    /// Begins to connect to a collector, whose kind is [`Kind::Udp`] or [`Kind::Tcp`].
    pub fn remote(kind: Kind, to: SocketAddr) -> Result<Self, Errno> {
        let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let by = if kind == Kind::Udp { SockType::Datagram } else { SockType::Stream };
        Self::open(kind, family, by, &SockaddrStorage::from(to))
    }

    fn open(kind: Kind, family: AddressFamily, by: SockType, to: &dyn SockaddrLike) -> Result<Self, Errno> {
        let fd = socket(family, by, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        match connect(fd.as_raw_fd(), to) {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(Self { fd, kind }),
            Err(errno) => Err(errno),
        }
    }

    /// Whether each message is sent for itself.
    pub fn is_datagram(&self) -> bool {
        matches!(self.kind, Kind::Local | Kind::Udp)
    }

    /// Whether it can be written to by now.
    pub fn is_connected(&self) -> Result<bool, Errno> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)];
        if poll(&mut fds, PollTimeout::ZERO).unwrap_or_default() == 0 {
            return Ok(false);
        }
        self.error().map(|()| true)
    }

    /// What went wrong since somebody asked, if anything did.
    pub fn error(&self) -> Result<(), Errno> {
        match getsockopt(&self.fd, SocketError)? {
            0 => Ok(()),
            number => Err(Errno::from_raw(number)),
        }
    }

    /// Sends; returns how many bytes were taken, of a datagram all or none.
    pub fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            match send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Err(Errno::EINTR) => {}
                // A device that has no room for a packet now has some soon.
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return Ok(0),
                done => return done,
            }
        }
    }

    /// Says that no more comes on this stream.
    pub fn end(&self) -> Result<(), Errno> {
        shutdown(self.fd.as_raw_fd(), Shutdown::Write)
    }

    /// Whether the other end of a stream has ended it, which a collector does once it has read everything.
    pub fn is_ended(&self) -> Result<bool, Errno> {
        let mut talk = [0_u8; IDLE_TALK];
        match recv(self.fd.as_raw_fd(), &mut talk, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => Ok(true),
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Whether something that was sent on this stream has not come to the other machine, or of this machine's to the other
    /// process (tcp(7), unix(7): `SIOCOUTQ`).
    pub fn is_underway(&self) -> bool {
        let mut left: libc::c_int = 0;
        // SAFETY: the kernel writes an int.
        let done = unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut left) };
        done != 0 || left != 0
    }

    /// For poll(2).
    pub fn poll_fd(&self, what: PollFlags) -> PollFd<'_> {
        PollFd::new(self.fd.as_fd(), what)
    }
}
