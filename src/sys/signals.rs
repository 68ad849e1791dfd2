//! Signals that ask a daemon for something: to end, or to read its configuration anew. They come through a descriptor, so that
//! they interrupt nothing and get lost nowhere. A program that runs once leaves them as they are.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

static DESCRIPTOR: OnceLock<SignalFd> = OnceLock::new();
static ENDING: AtomicBool = AtomicBool::new(false);
static RELOAD: AtomicBool = AtomicBool::new(false);

/// From now on nothing ends this program but SIGKILL and itself. What it forks inherits that.
pub fn watch() -> Result<(), Errno> {
    let mut set = SigSet::empty();
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM].into_iter().for_each(|signal| set.add(signal));
    set.thread_block()?;
    let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let _ = DESCRIPTOR.set(descriptor);
    Ok(())
}

/// What becomes readable when somebody asks.
pub fn descriptor() -> Option<BorrowedFd<'static>> {
    DESCRIPTOR.get().map(AsFd::as_fd)
}

/// Takes what has come.
fn take() {
    let Some(descriptor) = DESCRIPTOR.get() else { return };
    while let Ok(Some(signal)) = descriptor.read_signal() {
        let reload = u32::try_from(libc::SIGHUP).is_ok_and(|hup| hup == signal.ssi_signo);
        if reload { &RELOAD } else { &ENDING }.store(true, Relaxed);
    }
}

/// Whether this program was asked to end.
pub fn is_ending() -> bool {
    take();
    ENDING.load(Relaxed)
}

/// Whether it was asked to read its configuration anew, since this was asked last.
pub fn wants_reload() -> bool {
    take();
    RELOAD.swap(false, Relaxed)
}
