//! Error numbers (errno(3)) as the core knows them.

use gatewatch::host::Fault;
use nix::errno::Errno;

/// An error number as the core's value.
pub fn fault(errno: Errno) -> Fault {
    match errno {
        Errno::ENOENT => Fault::NotFound,
        Errno::ESRCH => Fault::Gone,
        Errno::EACCES | Errno::EPERM => Fault::Denied,
        Errno::ELOOP => Fault::Loop,
        Errno::ENAMETOOLONG => Fault::TooLong,
        Errno::EISDIR => Fault::Directory,
        Errno::ENOTDIR => Fault::NotDirectory,
        // A fieldless enum's number; nix offers no other way.
        #[allow(clippy::as_conversions)]
        other => Fault::Errno(other as i32),
    }
}
