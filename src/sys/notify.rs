//! A word to systemd, if it started us and wants to know (sd_notify(3)).

use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, sendto, socket};

/// Says it, `READY=1` say. Nobody has to listen.
pub fn say(what: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_bytes() {
        [b'@', name @ ..] => UnixAddr::new_abstract(name),
        path => UnixAddr::new(path),
    };
    let socket = socket(
        AddressFamily::Unix,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    );
    if let (Ok(address), Ok(socket)) = (address, socket) {
        let _ = sendto(socket.as_raw_fd(), what.as_bytes(), &address, MsgFlags::MSG_NOSIGNAL);
    }
}

/// Says that we live, if that is due, to who takes us for dead without a word (`WATCHDOG_USEC`, sd_watchdog_enabled(3)). Returns
/// when it is due next, by the clock that is handed in.
pub fn pat(now_us: u64) -> Option<u64> {
    /// Microseconds between two words, as far as that is known, and when the next is due.
    static NEXT: Mutex<(Option<u64>, u64)> = Mutex::new((None, 0));
    let mut state = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let (each, next) = &mut *state;
    let each_us = *each.get_or_insert_with(|| {
        let patience = std::env::var("WATCHDOG_USEC").ok().and_then(|us| us.parse::<u64>().ok());
        patience.unwrap_or_default().div_euclid(2)
    });
    if each_us == 0 {
        return None;
    }
    if now_us >= *next {
        say("WATCHDOG=1");
        *next = now_us.saturating_add(each_us);
    }
    Some(*next)
}
