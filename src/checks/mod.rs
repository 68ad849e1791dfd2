//! THE table of checks. A check is a file here, named for the bad thing seen, and a name in this list.
#![forbid(unsafe_code)]

use crate::check::Check;
#[cfg(feature = "explain")]
use crate::check::doc;

macro_rules! checks {
    ($($(#[$built:meta])* $name:ident),+ $(,)?) => {
        $($(#[$built])* pub mod $name;)+
        /// Every check, in the order in which they are listed and reported.
        pub static ALL: &[&Check] = &[$($(#[$built])* &$name::CHECK),+];
        /// What the file of each says of it, in the same order.
        #[cfg(feature = "explain")]
        static DOCS: &[&str] = &[$($(#[$built])* {
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
    #[cfg(feature = "startup")]
    startup_changed,
    #[cfg(feature = "startup")]
    startup_added,
    #[cfg(feature = "startup")]
    startup_removed,
    #[cfg(feature = "startup")]
    startup_volatile,
    #[cfg(feature = "startup")]
    startup_dropper,
    #[cfg(feature = "startup")]
    kernel_helper,
    #[cfg(feature = "startup")]
    kernel_module,
    #[cfg(feature = "startup")]
    tool_replaced,
    #[cfg(feature = "startup")]
    config_include,
    #[cfg(feature = "startup")]
    web_shell,
    #[cfg(feature = "startup")]
    startup_encoded,
    #[cfg(feature = "startup")]
    startup_backdoor,
    #[cfg(feature = "startup")]
    cron_odd,
    #[cfg(feature = "startup")]
    inittab_odd,
    #[cfg(feature = "startup")]
    account_odd,
    #[cfg(feature = "startup")]
    ssh_key,
    #[cfg(feature = "network")]
    c2_address,
    #[cfg(feature = "network")]
    c2_client,
    #[cfg(feature = "network")]
    c2_domain,
    #[cfg(feature = "network")]
    dns_hijack,
    #[cfg(feature = "network")]
    hosts_poison,
    #[cfg(feature = "network")]
    nat_redirect,
    #[cfg(feature = "network")]
    firewall_open,
    #[cfg(feature = "network")]
    listener_odd,
    #[cfg(feature = "network")]
    scan_fanout,
    #[cfg(feature = "network")]
    relay,
    #[cfg(feature = "network")]
    upnp_abuse,
    #[cfg(feature = "network")]
    tunnel_odd,
    #[cfg(feature = "network")]
    exposed,
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
