//! A TCP connection that ends at a deadline. The time is that of `clock`, which answers on every kernel; std's own would ask
//! for one that some kernels do not have.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use gatewatch::limits::IDLE_S;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, socket, sockopt::SocketError,
};

use super::clock;
use super::trouble::Trouble;

/// An open connection.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    deadline_us: u64,
}

impl Stream {
    /// Connects.
    pub fn connect(to: SocketAddr, deadline_us: u64) -> Result<Self, Trouble> {
        let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let stream = Self { fd: socket(family, SockType::Stream, flags, None)?, deadline_us };
        match connect(stream.fd.as_raw_fd(), &SockaddrStorage::from(to)) {
            Err(Errno::EINPROGRESS) => {
                stream.wait(PollFlags::POLLOUT)?;
                match getsockopt(&stream.fd, SocketError)? {
                    0 => Ok(stream),
                    number => Err(Errno::from_raw(number).into()),
                }
            }
            done => done.map(|()| stream).map_err(Trouble::from),
        }
    }

    /// Waits until something can be done, not for ever.
    fn wait(&self, what: PollFlags) -> Result<(), Trouble> {
        let now = clock::monotonic_us();
        if now >= self.deadline_us {
            return Err(Trouble::Late);
        }
        let until_us = self.deadline_us.min(now.saturating_add(IDLE_S.saturating_mul(1_000_000)));
        loop {
            let left_us = until_us.saturating_sub(clock::monotonic_us());
            let left = i32::try_from(left_us.div_ceil(1000)).unwrap_or(i32::MAX);
            let mut fds = [PollFd::new(self.fd.as_fd(), what)];
            match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(0) => return Err(Trouble::Late),
                Err(Errno::EINTR) => {}
                done => return done.map(|_| ()).map_err(Trouble::from),
            }
        }
    }

    /// Reads what is there next; nothing at the end.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Trouble> {
        loop {
            self.wait(PollFlags::POLLIN)?;
            match nix::unistd::read(&self.fd, into) {
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                done => return done.map_err(Trouble::from),
            }
        }
    }

    /// Sends all of it.
    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            self.wait(PollFlags::POLLOUT)?;
            match nix::unistd::write(&self.fd, bytes) {
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
