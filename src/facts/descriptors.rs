//! What a process has open: the texts of the links in `/proc/PID/fd`, one small value out.

use super::text::{Bytes, decimal, decimal32, hex32};
use crate::limits::NAME_BYTES;

/// What a descriptor leads to, as far as the text of its link tells (proc_pid_fd(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Closed, or not seen.
    #[default]
    Nothing,
    /// `socket:[inode]`.
    Socket(u64),
    /// `pipe:[inode]`.
    Pipe(u64),
    /// A terminal: `/dev/pts/0`, `/dev/ttyS0`, `/dev/console`.
    Terminal,
    /// Anything else.
    Other,
}

impl Open {
    /// Reads the text of a link.
    #[must_use]
    pub fn of(link: &[u8]) -> Self {
        if let Some(inode) = socket_inode(link) {
            return Open::Socket(inode);
        }
        let pipe = link.strip_prefix(b"pipe:[").and_then(|rest| rest.strip_suffix(b"]")).and_then(decimal);
        if let Some(inode) = pipe {
            return Open::Pipe(inode);
        }
        let terminal = [&b"/dev/pts/"[..], b"/dev/tty", b"/dev/console", b"/dev/ptyp", b"/dev/vc/"];
        if terminal.iter().any(|start| link.starts_with(start)) { Open::Terminal } else { Open::Other }
    }
}

/// What is open in a process, as far as a check wants to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptors {
    /// Standard input.
    pub input: Open,
    /// Standard output.
    pub output: Open,
    /// The watchdog's device, as the link shows it: `/dev/watchdog`, `/dev/misc/watchdog`.
    pub watchdog: Bytes<NAME_BYTES>,
    /// A device of flash memory that is open for writing: `/dev/mtd3`, `/dev/mtdblock3`, `/dev/ubi0_1`.
    pub flash: Bytes<NAME_BYTES>,
}

impl Descriptors {
    /// Takes in one descriptor. Returns whether it is one of flash memory, so that somebody asks what it is open for.
    pub fn descriptor(&mut self, name: &[u8], link: &[u8]) -> bool {
        match name {
            b"0" => self.input = Open::of(link),
            b"1" => self.output = Open::of(link),
            _ => {}
        }
        let Some(device) = link.strip_prefix(b"/dev/") else { return false };
        let is_watchdog = device
            .strip_prefix(b"misc/")
            .unwrap_or(device)
            .strip_prefix(b"watchdog")
            .is_some_and(|number| number.iter().all(u8::is_ascii_digit));
        if is_watchdog && self.watchdog.is_empty() {
            self.watchdog = Bytes::of(link);
        }
        is_flash(device)
    }
}

/// A raw device of flash memory, by its name below `/dev`. Disks and cards are none.
fn is_flash(device: &[u8]) -> bool {
    let numbered = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    let device = device.strip_prefix(b"mtd/").map_or(device, |_| b"mtd0");
    [&b"mtdblock"[..], b"mtd", b"ubi"].iter().any(|kind| device.strip_prefix(*kind).is_some_and(numbered))
}

/// Whether `/proc/PID/fdinfo/N` shows a descriptor that can be written to: its line `flags:`, octal, holds
/// `O_WRONLY` or `O_RDWR` (proc_pid_fdinfo(5); the two lowest bits on every architecture).
#[must_use]
pub fn is_writable(line: &[u8]) -> Option<bool> {
    let flags = super::text::trim(line.strip_prefix(b"flags:")?);
    // The last octal digit holds the access mode; decimal or hexadecimal reading gives it the same value.
    let last = flags.last_chunk::<1>()?;
    hex32(last).filter(|_| decimal32(flags).is_some()).map(|digit| digit & 3 != 0)
}

/// The inode number in `socket:[12345]`, the text of a link in `/proc/PID/fd`.
#[must_use]
pub fn socket_inode(link: &[u8]) -> Option<u64> {
    decimal(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_and_output() {
        let mut open = Descriptors::default();
        assert!(!open.descriptor(b"0", b"socket:[4711]"));
        open.descriptor(b"1", b"pipe:[12]");
        open.descriptor(b"10", b"/dev/pts/0");
        assert_eq!((open.input, open.output), (Open::Socket(4711), Open::Pipe(12)));
        assert_eq!(Open::of(b"/dev/pts/0"), Open::Terminal);
        for other in [&b"/dev/null"[..], b"anon_inode:[eventpoll]", b"/tmp/pipe:[1]", b"pipe:[]", b""] {
            assert_eq!(Open::of(other), Open::Other);
        }
    }

    #[test]
    fn devices_that_matter() {
        let with = |link: &[u8]| {
            let mut open = Descriptors::default();
            let flash = open.descriptor(b"3", link);
            (open.watchdog.as_slice().to_vec(), flash)
        };
        for watchdog in [&b"/dev/watchdog"[..], b"/dev/watchdog0", b"/dev/misc/watchdog"] {
            assert_eq!(with(watchdog), (watchdog.to_vec(), false));
        }
        for flash in [&b"/dev/mtd3"[..], b"/dev/mtd0ro", b"/dev/mtdblock5", b"/dev/ubi0_1", b"/dev/mtd/4"] {
            assert_eq!(with(flash), (vec![], true));
        }
        for other in
            [&b"/dev/watchdogd"[..], b"/tmp/dev/watchdog", b"/dev/mmcblk0", b"/dev/ubi_ctrl", b"/dev/mtd"]
        {
            assert_eq!(with(other), (vec![], false));
        }
    }

    #[test]
    fn what_a_descriptor_is_open_for() {
        assert_eq!(is_writable(b"flags:\t0100002"), Some(true));
        assert_eq!(is_writable(b"flags:\t0100001"), Some(true));
        assert_eq!(is_writable(b"flags:\t0100000"), Some(false));
        for none in [&b"pos:\t0"[..], b"flags:", b"flags:\tx", b"flags:\t"] {
            assert_eq!(is_writable(none), None);
        }
    }

    #[test]
    fn only_sockets_have_socket_inodes() {
        assert_eq!(socket_inode(b"socket:[123]"), Some(123));
        for other in [&b"pipe:[123]"[..], b"/tmp/socket:[1]", b"socket:[]", b"socket:[-1]", b"socket:[1]x"] {
            assert_eq!(socket_inode(other), None);
        }
    }
}
