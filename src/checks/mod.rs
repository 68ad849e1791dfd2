//! THE table of checks. A check is a file here, named for the bad thing seen, and a name in this list.
#![forbid(unsafe_code)]

use crate::check::Check;

macro_rules! checks {
    ($($name:ident),+ $(,)?) => {
        $(pub mod $name;)+
        /// Every check, in the order in which they are listed and reported.
        pub static ALL: &[&Check] = &[$(&$name::CHECK),+];
    };
}

checks! {
    exe_deleted,
    exe_volatile,
    fake_kthread,
    process_hidden,
    socket_shell,
    raw_socket,
    watchdog_stolen,
    exec_anonymous,
    traced,
    startup_volatile,
    startup_dropper,
    c2_address,
    logging_stopped,
    firmware_written,
}

/// The place of a check in the table.
#[must_use]
pub fn index(id: &str) -> Option<usize> {
    ALL.iter().position(|check| check.id == id)
}
