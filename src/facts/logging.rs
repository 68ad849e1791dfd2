//! How a machine logs: what its startup says, which daemon runs, where the log goes.

use super::text::Bytes;
use crate::limits::{LIBRARY_BYTES, NAME_BYTES};

/// What a machine does with its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// The startup file or link that starts a log daemon; empty where nothing does.
    pub started_by: Bytes<LIBRARY_BYTES>,
    /// The log daemon that runs; 0 for none.
    pub daemon: u32,
    /// Its name.
    pub name: Bytes<NAME_BYTES>,
    /// A file to which the log is written leads to `/dev/null`.
    pub discarded: Bytes<LIBRARY_BYTES>,
    /// A log that holds nothing but a newline: somebody wrote over it.
    pub wiped: Bytes<LIBRARY_BYTES>,
}

/// Names of daemons that take the log: of BusyBox, OpenWrt, Debian, and the systemd journal (whose name the kernel cuts).
const DAEMONS: [&[u8]; 9] = [
    b"syslogd",
    b"logd",
    b"rsyslogd",
    b"syslog-ng",
    b"systemd-journal",
    b"systemd-journald",
    b"metalog",
    b"sysklogd",
    b"socklog",
];

/// Whether a process of this name takes the log.
#[must_use]
pub fn is_daemon(name: &[u8]) -> bool {
    DAEMONS.contains(&name)
}
