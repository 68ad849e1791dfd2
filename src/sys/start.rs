//! Where the C library hands over. std's own start brings a handler for stack overflows, a buffered standard output
//! and their locks, several KiB that this program has no use for; what it needs of it is here.

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, fstat};

/// The C library calls this, with the arguments and the environment.
///
/// # Safety
///
/// Both lists hold strings that nobody changes, and a null behind the last, as execve(2) makes them.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(
    _: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> c_int {
    if !standard_descriptors() {
        return 3;
    }
    // Whoever does not read on is told of by the error of a write, not by an end without a word.
    let _ = SigSet::from(Signal::SIGPIPE).thread_block();
    // SAFETY: the caller's promise.
    let (arguments, environment) = unsafe { (words(arguments), words(environment)) };
    c_int::from(crate::program(&arguments, &environment))
}

/// Closed ones are opened, or the next file would take the number of one of them and the report go there.
fn standard_descriptors() -> bool {
    (0..3).all(|number| {
        // SAFETY: only asked about.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        match fstat(descriptor) {
            // The lowest free number is given, and those below are open.
            Err(Errno::EBADF) => {
                open(&b"/dev/null"[..], OFlag::O_RDWR, Mode::empty()).map(std::mem::forget).is_ok()
            }
            _ => true,
        }
    })
}

/// # Safety
///
/// `list` holds strings that nobody changes, and a null behind the last.
unsafe fn words(mut list: *const *const c_char) -> Vec<&'static OsStr> {
    let mut words = Vec::new();
    // SAFETY: the caller's promise; the list is not followed beyond its null.
    unsafe {
        while !list.is_null() && !(*list).is_null() {
            words.push(OsStr::from_bytes(CStr::from_ptr(*list).to_bytes()));
            list = list.add(1);
        }
    }
    words
}
