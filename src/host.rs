//! What the core may ask of a machine. The live machine and a tree below a directory (`--root`) are in the
//! binary; tests have one in memory.
//!
//! Names are bytes and directories are handles, so that a process id that is used again cannot swap the
//! subject between two reads. Errors are values: a file that is missing is the verdict of a check, no failure
//! of the scan.

use core::fmt;

use crate::facts::about::About;
use crate::facts::netlink::{Question, SetName};

/// Why something could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing of that name; a link that leads nowhere is the same.
    NotFound,
    /// The process ended while it was being looked at (ESRCH).
    Gone,
    /// Not permitted.
    Denied,
    /// Links lead in a circle, or too many follow one another.
    Loop,
    /// The path is longer than the kernel or gatewatch takes.
    TooLong,
    /// More bytes than are read of such a file.
    Large,
    /// A directory where a file was expected.
    Directory,
    /// Something else where a directory was expected.
    NotDirectory,
    /// A named pipe: reading it would wait for a writer.
    Fifo,
    /// A device node.
    Device,
    /// A socket in the file system.
    Socket,
    /// It is not written as it should be.
    Garbled,
    /// Something else stands where the kernel should show a process.
    Covered,
    /// The kernel's other error numbers (errno(3)).
    Errno(i32),
}

impl Fault {
    /// Whether the subject is simply not there, which is no blindness.
    #[must_use]
    pub const fn is_absence(self) -> bool {
        matches!(self, Fault::NotFound | Fault::Gone)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotFound => "not found",
            Fault::Gone => "the process ended",
            Fault::Denied => "permission denied",
            Fault::Loop => "links lead in a circle",
            Fault::TooLong => "path too long",
            Fault::Large => "too large to be read whole",
            Fault::Directory => "a directory",
            Fault::NotDirectory => "not a directory",
            Fault::Fifo => "a named pipe",
            Fault::Device => "a device",
            Fault::Socket => "a socket",
            Fault::Garbled => "not understood",
            Fault::Covered => "something is mounted over it",
            // These two have the same number on every architecture (errno(3)).
            Fault::Errno(28) => "no room on the disk",
            Fault::Errno(30) => "a disk that cannot be written",
            Fault::Errno(number) => return write!(f, "error {number}"),
        })
    }
}

impl core::error::Error for Fault {}

impl embedded_io::Error for Fault {
    fn kind(&self) -> embedded_io::ErrorKind {
        match self {
            Fault::NotFound | Fault::Gone => embedded_io::ErrorKind::NotFound,
            Fault::Denied => embedded_io::ErrorKind::PermissionDenied,
            _ => embedded_io::ErrorKind::Other,
        }
    }
}

/// Identity, size and rights of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// Its length in bytes; `/proc` says 0.
    pub size: u64,
    /// `st_mode` (inode(7)).
    pub mode: u32,
    /// The user that owns it.
    pub uid: u32,
}

impl Identity {
    /// Whether both are the same file, whatever its size is by now.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// What a name in a directory is, the link itself where it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Identity),
    /// A directory.
    Dir(Identity),
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// Something that the kernel tells only when it is asked in its own language, or that was recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump<'a> {
    /// The answer to a question over netlink, a datagram a read.
    Netlink(Question),
    /// The elements of a set of nf_tables, in the same way. A recording has those of all sets.
    Set(SetName<'a>),
    /// A table of iptables, of IPv4 or IPv6, as [`crate::facts::xtables`] says. Must be named only if the kernel has it:
    /// it makes tables that it is asked for.
    Xtables {
        /// Of IPv6.
        ip6: bool,
        /// One of [`crate::facts::xtables::TABLES`].
        table: &'static str,
    },
    /// Of a recording: the process ids that answered and were not listed, `PID TGID` a line.
    Pids,
    /// The variables in NVRAM, as `nvram show` prints them, or the image of them in flash.
    Nvram,
}

/// A machine that can be looked at.
///
/// Paths start at its root, without a slash in front, and follow links as that machine would; they never leave
/// its root. Names are one component below an open directory and never follow a link.
pub trait Host {
    /// An open directory; closed when dropped.
    type Dir;
    /// An open regular file; closed when dropped.
    type File: embedded_io::Read<Error = Fault>;

    /// What parsers must know of the machine.
    fn about(&self) -> About;

    /// Opens a directory.
    ///
    /// # Errors
    /// [`Fault`] says why not; so for all that follow.
    #[allow(clippy::missing_errors_doc)]
    fn dir(&self, path: &[u8]) -> Result<Self::Dir, Fault>;

    /// Opens a regular file without waiting for anybody, and tells which one it is.
    #[allow(clippy::missing_errors_doc)]
    fn file(&self, path: &[u8]) -> Result<(Self::File, Identity), Fault>;

    /// Passes over bytes of a file, to its end at most.
    #[allow(clippy::missing_errors_doc)]
    fn skip(&self, file: &mut Self::File, bytes: u64) -> Result<(), Fault> {
        let (mut chunk, mut left) = ([0_u8; 512], bytes);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            let read = embedded_io::Read::read(file, chunk.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                break;
            }
            left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Opens a directory by its name in another.
    #[allow(clippy::missing_errors_doc)]
    fn dir_at(&self, at: &Self::Dir, name: &[u8]) -> Result<Self::Dir, Fault>;

    /// Opens a regular file by its name in a directory.
    #[allow(clippy::missing_errors_doc)]
    fn file_at(&self, at: &Self::Dir, name: &[u8]) -> Result<Self::File, Fault>;

    /// Reads where a link leads, by its name in a directory; returns the length. A text that fills `into` may
    /// have been cut.
    #[allow(clippy::missing_errors_doc)]
    fn link_at(&self, at: &Self::Dir, name: &[u8], into: &mut [u8]) -> Result<usize, Fault>;

    /// Calls `each` with every name in a directory but `.` and `..`, in no order.
    #[allow(clippy::missing_errors_doc)]
    fn list(&self, at: &Self::Dir, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault>;

    /// Tells what a name in a directory is.
    #[allow(clippy::missing_errors_doc)]
    fn kind_at(&self, at: &Self::Dir, name: &[u8]) -> Result<Kind, Fault>;

    /// Which file the kernel runs for a process: what its link `exe` leads to, whatever its path names now.
    /// [`Fault::NotFound`] of a recording, which has only the path.
    #[allow(clippy::missing_errors_doc)]
    fn program_of(&self, process: &Self::Dir) -> Result<Identity, Fault>;

    /// Whether a file lives in memory (tmpfs, ramfs). [`Fault::NotFound`] of a recording.
    #[allow(clippy::missing_errors_doc)]
    fn in_memory(&self, path: &[u8]) -> Result<bool, Fault>;

    /// Whether nobody can change a file without a name any more (`F_GET_SEALS`, fcntl(2)).
    fn is_sealed(&self, path: &[u8]) -> bool;

    /// Whether the kernel answers for a process id when it is asked by other means than `/proc`: signals, process group,
    /// session, scheduler. [`Fault::NotFound`] of a recording, [`Fault::Denied`] where not all may be asked for.
    #[allow(clippy::missing_errors_doc)]
    fn answers(&self, pid: u32) -> Result<bool, Fault>;

    /// Opens a dump. [`Fault::NotFound`] where the kernel has none, or nobody recorded it.
    #[allow(clippy::missing_errors_doc)]
    fn dump(&self, dump: Dump<'_>) -> Result<Self::File, Fault>;

    /// Lets time pass before a second look. A recording does not change, so it need not wait.
    fn pause(&self, milliseconds: u32);
}

#[cfg(test)]
pub(crate) mod memory;
