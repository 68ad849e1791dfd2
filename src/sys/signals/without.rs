//! Signals of a program that was built without the monitor: they do what they always do.

use std::os::fd::BorrowedFd;

/// Nobody waits for signals.
pub const fn descriptor() -> Option<BorrowedFd<'static>> {
    None
}

/// They end it at once.
pub const fn is_ending() -> bool {
    false
}
