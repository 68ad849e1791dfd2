//! Why another end cannot be talked to, in words.

use std::fmt;

use gatewatch::host::Fault;
use nix::errno::Errno;

use super::fd::fault;

/// Why it is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Time ran out.
    Late,
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    Unreachable,
    /// It ended before it had taken everything.
    Ended,
    /// The kernel says so.
    Fault(Fault),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Late => f.write_str("does not answer in time"),
            Trouble::Refused => f.write_str("nobody listens there"),
            Trouble::Unreachable => f.write_str("there is no way to it"),
            Trouble::Ended => f.write_str("ended before it had taken everything"),
            Trouble::Fault(fault) => fault.fmt(f),
        }
    }
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ECONNREFUSED => Trouble::Refused,
            Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EADDRNOTAVAIL => Trouble::Unreachable,
            Errno::ETIMEDOUT | Errno::EAGAIN => Trouble::Late,
            Errno::ECONNRESET | Errno::EPIPE => Trouble::Ended,
            other => Trouble::Fault(fault(other)),
        }
    }
}
