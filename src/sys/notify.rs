//! A word to systemd, if it started us and wants to know (sd_notify(3)).

use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

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

/// Microseconds after which systemd takes us for dead without a word.
pub fn patience_us() -> Option<u64> {
    std::env::var("WATCHDOG_USEC").ok()?.parse().ok().filter(|us| *us > 0)
}
