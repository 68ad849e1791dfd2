//! New processes, as the kernel tells of them: its process event connector (drivers/connector/cn_proc.c).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, NetlinkAddr, bind, recv, send};

use super::clock::monotonic_us;
use super::filter::{COPY, END, IF_EQUAL, IF_EQUAL_COPY, LOAD, attach, step};

/// The protocol of netlink on which the connector speaks (linux/netlink.h).
pub const NETLINK_CONNECTOR: i32 = 11;

/// Its part that tells of processes, as group and as id (linux/connector.h, linux/cn_proc.h).
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
const LISTEN: u32 = 1;
const IGNORE: u32 = 2;

/// What happened.
const NONE: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;

/// Where in a message it says what happened, and what belongs to that: behind `struct nlmsghdr` (16), `struct cn_msg` (20), and
/// of `struct proc_event` number, processor and time (16).
const WHAT: usize = 36;
/// In `struct cn_msg` the number of what is said, which comes back in the answer.
const NUMBER: usize = 24;
const DATA: usize = 52;
/// Of the child of a fork: its id, and that of the process whose thread it is.
const CHILD: usize = DATA + 8;
const CHILD_GROUP: usize = DATA + 12;
/// Of an exec: the process.
const EXEC_GROUP: usize = DATA + 4;

/// Milliseconds that the kernel may take to say that it heard us.
const PATIENCE_MS: u16 = 200;

/// An open ear.
#[derive(Debug)]
pub struct ProcEvents(OwnedFd);

/// What it heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A process was born, or runs another program.
    Process(u32),
    /// So many that the kernel has thrown some of them away.
    Lost,
}

impl ProcEvents {
    /// Asks to be told. Who is not root or in a container is refused, and says so or does not answer. The caller makes sure that
    /// the kernel has that protocol: one that has not would look for a module.
    pub fn open() -> Result<Self, Errno> {
        // SAFETY: the call takes numbers and returns a new descriptor; nix has no name for this protocol.
        let fd = unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                NETLINK_CONNECTOR,
            )
        };
        Errno::result(fd)?;
        // SAFETY: the kernel has just given it to us.
        let events = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        events.filter()?;
        bind(events.0.as_raw_fd(), &NetlinkAddr::new(0, CN_IDX_PROC))?;
        // The answer goes to all who listen, and each has to know its own: in a container there is none.
        let number = u32::try_from(monotonic_us() & 0xffff_ffff).unwrap_or_default() ^ std::process::id();
        events.say(LISTEN, number)?;
        for _ in 0..PATIENCE_MS {
            let mut fds = [PollFd::new(events.0.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(PATIENCE_MS))? == 0 {
                break;
            }
            let mut message = [0_u8; 128];
            let length = recv(events.0.as_raw_fd(), &mut message, MsgFlags::empty())?;
            let message = message.get(..length).unwrap_or_default();
            if word(message, WHAT) == Some(NONE) && word(message, NUMBER) == Some(number) {
                return match word(message, DATA) {
                    Some(0) => Ok(events),
                    _ => Err(Errno::EPERM),
                };
            }
        }
        Err(Errno::ETIMEDOUT)
    }

    /// Only births, and only those of processes: of threads, ends and all else the kernel does not even wake us.
    fn filter(&self) -> Result<(), Errno> {
        let at = |place| u32::try_from(place).unwrap_or_default();
        let mut program = [
            step(LOAD, 0, 0, at(WHAT)),
            step(IF_EQUAL, 6, 0, EXEC.to_be()),
            step(IF_EQUAL, 5, 0, NONE.to_be()),
            step(IF_EQUAL, 0, 5, FORK.to_be()),
            step(LOAD, 0, 0, at(CHILD)),
            step(COPY, 0, 0, 0),
            step(LOAD, 0, 0, at(CHILD_GROUP)),
            step(IF_EQUAL_COPY, 0, 1, 0),
            step(END, 0, 0, u32::MAX),
            step(END, 0, 0, 0),
        ];
        attach(&self.0, &mut program)
    }

    fn say(&self, operation: u32, number: u32) -> Result<(), Errno> {
        // `struct nlmsghdr` of 40 bytes and of type NLMSG_DONE, `struct cn_msg` with 4 bytes, the operation.
        let mut message = [0_u8; 40];
        for (at, value) in
            [(0, 40_u32), (16, CN_IDX_PROC), (20, CN_VAL_PROC), (NUMBER, number), (WHAT, operation)]
        {
            put(&mut message, at, &value.to_ne_bytes());
        }
        put(&mut message, 4, &3_u16.to_ne_bytes());
        put(&mut message, 32, &4_u16.to_ne_bytes());
        send(self.0.as_raw_fd(), &message, MsgFlags::empty()).map(drop)
    }

    /// Hands everything that was told since the last time to `each`.
    pub fn read(&self, each: &mut dyn FnMut(Heard)) {
        let mut message = [0_u8; 128];
        loop {
            match recv(self.0.as_raw_fd(), &mut message, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => each(Heard::Lost),
                Err(_) | Ok(0) => return,
                Ok(length) => {
                    let message = message.get(..length).unwrap_or_default();
                    let process = match word(message, WHAT) {
                        Some(FORK) => word(message, CHILD_GROUP),
                        Some(EXEC) => word(message, EXEC_GROUP),
                        _ => None,
                    };
                    process.map(Heard::Process).into_iter().for_each(&mut *each);
                }
            }
        }
    }
}

impl AsFd for ProcEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for ProcEvents {
    /// Older kernels go on making the messages for nobody.
    fn drop(&mut self) {
        let _ = self.say(IGNORE, 0);
    }
}

fn word(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*message.get(at..)?.first_chunk()?))
}

fn put(message: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in message.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn births_of_processes_are_told() {
        let events = match ProcEvents::open() {
            Ok(events) => events,
            // A kernel without it, a container, or nobody's root: then the monitor polls, which tests/monitor.rs holds.
            Err(errno) => return assert_ne!(errno, Errno::EINVAL, "the filter is refused"),
        };
        let mut child = Command::new("sleep").arg("0").spawn().unwrap();
        let (pid, mut heard) = (child.id(), Vec::new());
        child.wait().unwrap();
        std::thread::spawn(|| {}).join().unwrap();
        events.read(&mut |event| heard.push(event));
        let times = heard.iter().filter(|event| **event == Heard::Process(pid)).count();
        assert_eq!(times, 2, "a fork and an exec: {heard:?}");
    }
}
