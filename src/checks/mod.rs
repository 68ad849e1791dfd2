//! THE table of checks. A check is a file here, named for the bad thing seen, and a name in this list.
#![forbid(unsafe_code)]

use crate::check::Check;
#[cfg(feature = "explain")]
use crate::check::doc;

macro_rules! checks {
    ($($name:ident),+ $(,)?) => {
        $(pub mod $name;)+
        /// Every check, in the order in which they are listed and reported.
        pub static ALL: &[&Check] = &[$(&$name::CHECK),+];
        /// What the file of each says of it, in the same order.
        #[cfg(feature = "explain")]
        static DOCS: &[&str] = &[$({
            const FILE: &str = include_str!(concat!(stringify!($name), ".rs"));
            const TEXT: [u8; doc::length(FILE)] = doc::text(FILE);
            doc::str(&TEXT)
        }),+];
    };
}

checks! {
    exe_deleted,
    exe_memfd,
    exe_volatile,
    exe_unowned,
    exe_known_bad,
    exe_packed,
    dropped_elf,
    fake_kthread,
    name_mismatch,
    name_random,
    process_hidden,
    proc_overmount,
    preload,
    socket_shell,
    raw_socket,
    watchdog_stolen,
    environment_odd,
    exec_anonymous,
    traced,
    family_trace,
    startup_changed,
    startup_added,
    startup_removed,
    startup_volatile,
    startup_dropper,
    kernel_helper,
    kernel_module,
    tool_replaced,
    config_include,
    web_shell,
    startup_encoded,
    startup_backdoor,
    cron_odd,
    inittab_odd,
    account_odd,
    ssh_key,
    c2_address,
    listener_odd,
    scan_fanout,
    relay,
    c2_client,
    logging_stopped,
    firmware_written,
    self_tampered,
}

/// The place of a check in the table.
#[must_use]
pub fn index(id: &str) -> Option<usize> {
    ALL.iter().position(|check| check.id == id)
}

/// What the file of a check says of it, under its four heads. `None`: this program was built without these texts.
#[must_use]
pub fn explain(index: usize) -> Option<&'static str> {
    #[cfg(feature = "explain")]
    return DOCS.get(index).copied();
    #[cfg(not(feature = "explain"))]
    {
        let _ = index;
        None
    }
}
