//! The process that looks, and the pipe on which it tells. What ends or stops it ends no run: the process that was
//! started keeps the sinks and the time.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, pipe};

use super::clock::{monotonic_us, pause};
use super::{notify, signals};

/// Children that were told to end and have not: they wait in the kernel. So many may.
static STUCK: Mutex<heapless::Vec<Pid, MOST_STUCK>> = Mutex::new(heapless::Vec::new());
const MOST_STUCK: usize = 4;

/// A running child.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pipe: OwnedFd,
    deadline_us: u64,
}

/// What came from the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes.
    Bytes(usize),
    /// It has closed its end.
    End,
    /// The deadline has passed.
    Late,
    /// This program was asked to end.
    Asked,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Killed(Signal),
    /// It does not end: it waits in the kernel for a device or a server that does not answer.
    Stuck,
}

/// Lets go of the stuck children that have come to their end meanwhile. Returns whether there may be another one: what one waits
/// for, the next one would wait for too.
pub fn may_start() -> bool {
    let mut stuck = STUCK.lock().unwrap_or_else(PoisonError::into_inner);
    stuck.retain(|pid| waitpid(*pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive));
    !stuck.is_full()
}

/// Forks. `look` runs in the child with its end of the pipe, and its result is the child's exit status.
pub fn start(timeout_us: u64, look: impl FnOnce(&OwnedFd) -> i32) -> Result<Child, Errno> {
    // Not closed on exec: nothing is executed.
    let (receive, send) = pipe()?;
    let parent = getpid();
    // SAFETY: this process has one thread, so the child may do whatever the parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            let deadline_us = monotonic_us().saturating_add(timeout_us);
            Ok(Child { pid: child, pipe: receive, deadline_us })
        }
        ForkResult::Child => {
            drop(receive);
            // Nobody would hear it without the parent. The parent may have gone before this was asked for.
            let orphan = set_pdeathsig(Signal::SIGKILL).is_err() || getppid() != parent;
            let status = if orphan { 3 } else { look(&send) };
            // SAFETY: ends the child at once; what the parent's copy has buffered or registered is the parent's.
            unsafe { libc::_exit(status) }
        }
    }
}

impl Child {
    /// Its process id.
    pub fn id(&self) -> u32 {
        u32::try_from(self.pid.as_raw()).unwrap_or_default()
    }

    /// Waits for bytes until the deadline.
    pub fn receive(&self, into: &mut [u8]) -> Result<Received, Errno> {
        loop {
            let now_us = monotonic_us();
            let left_us = self.deadline_us.saturating_sub(now_us);
            if left_us == 0 {
                return Ok(Received::Late);
            }
            // Who waits for a look is not dead.
            let left_us =
                notify::pat(now_us).map_or(left_us, |next| left_us.min(next.saturating_sub(now_us)));
            let left = i32::try_from(left_us.div_ceil(1000)).unwrap_or(i32::MAX);
            let pipe = || PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN);
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let asked = signals::descriptor().map(|asked| PollFd::new(asked, PollFlags::POLLIN));
            let mut fds: heapless::Vec<PollFd<'_>, 2> = [pipe()].into_iter().chain(asked).collect();
            match poll(&mut fds, timeout) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) if signals::is_ending() => return Ok(Received::Asked),
                // Another signal was what happened: of a child that says nothing nothing can be read.
                Ok(_) if !fds.first().and_then(PollFd::any).unwrap_or_default() => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno),
            }
            match nix::unistd::read(&self.pipe, into) {
                Err(Errno::EINTR) => {}
                Ok(0) => return Ok(Received::End),
                done => return done.map(Received::Bytes),
            }
        }
    }

    /// Ends the child, if it has not ended by itself, and says how it ended. Does not wait for one that cannot end.
    pub fn finish(self, late: bool) -> Ending {
        const TRIES: u32 = 100;
        if late {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
        for _ in 0..TRIES {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, status)) => return Ending::Exited(status),
                Ok(WaitStatus::Signaled(_, signal, _)) => return Ending::Killed(signal),
                Err(Errno::ECHILD) => return Ending::Exited(0),
                _ => pause(5),
            }
        }
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = STUCK.lock().unwrap_or_else(PoisonError::into_inner).push(self.pid);
        Ending::Stuck
    }
}
