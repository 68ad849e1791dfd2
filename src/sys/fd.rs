//! Descriptors: reading, writing, listing and links, without the heap.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use gatewatch::host::{Fault, Identity};
use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::{FileStat, SFlag, fstat};

pub use super::errno::fault;

use super::xtables::Blob;

/// An open directory.
#[derive(Debug)]
pub struct Dir(pub OwnedFd);

/// An open regular file, or what reads as one.
#[derive(Debug)]
pub enum File {
    /// A file, or a socket with the answer to a question.
    Open(OwnedFd),
    /// What the kernel handed out at once.
    Held(Blob),
}

impl embedded_io::ErrorType for File {
    type Error = Fault;
}

impl embedded_io::Read for File {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let fd = match self {
            File::Open(fd) => fd,
            File::Held(blob) => return Ok(blob.read(into)),
        };
        loop {
            match nix::unistd::read(&*fd, into) {
                Err(Errno::EINTR) => {}
                done => return done.map_err(fault),
            }
        }
    }
}

/// Passes over bytes of a file.
pub fn skip(file: &File, bytes: u64) -> Result<(), Fault> {
    let bytes = i64::try_from(bytes).map_err(|_| Fault::Large)?;
    // Nobody passes over what the kernel handed out.
    let File::Open(fd) = file else { return Err(fault(Errno::ESPIPE)) };
    nix::unistd::lseek64(fd, bytes, nix::unistd::Whence::SeekCur).map(|_| ()).map_err(fault)
}

/// A descriptor to write to, all at once.
#[derive(Debug)]
pub struct Writer<'f>(pub BorrowedFd<'f>);

impl embedded_io::ErrorType for Writer<'_> {
    type Error = Fault;
}

impl embedded_io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        loop {
            match nix::unistd::write(self.0, bytes) {
                Err(Errno::EINTR) => {}
                done => return done.map_err(fault),
            }
        }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Collects small writes; [`embedded_io::Write::flush`] sends them.
#[derive(Debug)]
pub struct Buffered<W> {
    to: W,
    held: heapless::Vec<u8, 2048>,
}

impl<W> Buffered<W> {
    /// Holds nothing yet.
    pub const fn new(to: W) -> Self {
        Self { to, held: heapless::Vec::new() }
    }
}

impl<W: embedded_io::ErrorType> embedded_io::ErrorType for Buffered<W> {
    type Error = W::Error;
}

impl<W: embedded_io::Write> embedded_io::Write for Buffered<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, W::Error> {
        if self.held.extend_from_slice(bytes).is_err() {
            self.flush()?;
            if self.held.extend_from_slice(bytes).is_err() {
                return self.to.write(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        let sent = self.to.write_all(&self.held);
        self.held.clear();
        sent
    }
}

/// What `stat` tells of any file.
pub fn whole(stat: &FileStat) -> Identity {
    Identity {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        mode: stat.st_mode,
        uid: stat.st_uid,
    }
}

/// Refuses what is no regular file, and tells which file it is.
pub fn regular(stat: &FileStat) -> Result<Identity, Fault> {
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Ok(whole(stat)),
        SFlag::S_IFDIR => Err(Fault::Directory),
        SFlag::S_IFIFO => Err(Fault::Fifo),
        SFlag::S_IFSOCK => Err(Fault::Socket),
        SFlag::S_IFLNK => Err(Fault::Loop),
        _ => Err(Fault::Device),
    }
}

/// The same for a descriptor.
pub fn identity(fd: impl AsFd) -> Result<Identity, Fault> {
    regular(&fstat(fd).map_err(fault)?)
}

/// Reads where a link leads into the caller's buffer. nix's own takes a heap buffer of `PATH_MAX` a call.
pub fn read_link(at: BorrowedFd<'_>, name: &[u8], into: &mut [u8]) -> Result<usize, Fault> {
    let mut ended = [0_u8; 256];
    let room = ended.get_mut(..name.len()).filter(|_| name.len() < 256).ok_or(Fault::TooLong)?;
    room.copy_from_slice(name);
    if name.contains(&0) {
        return Err(Fault::NotFound);
    }
    // SAFETY: `ended` holds the name and at least one NUL behind it, `into` is valid for its length, and both
    // outlive the call.
    let length = unsafe {
        libc::readlinkat(at.as_raw_fd(), ended.as_ptr().cast(), into.as_mut_ptr().cast(), into.len())
    };
    usize::try_from(Errno::result(length).map_err(fault)?).map_err(|_| Fault::Errno(0))
}

/// Names that fit one getdents64(2).
#[repr(align(8))]
struct Entries([u8; 8192]);

/// Calls `each` with every name in a directory but `.` and `..`. libc's `readdir` would take a heap buffer.
pub fn list(dir: &Dir, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    // The layout of `struct linux_dirent64` (getdents64(2)): 64-bit inode and offset, 16-bit length of the
    // record, a type, then the name and a NUL.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut entries = Entries([0; 8192]);
    // A handle that was listed before begins anew.
    nix::unistd::lseek(&dir.0, 0, nix::unistd::Whence::SeekSet).map_err(fault)?;
    loop {
        // SAFETY: the buffer is valid for its length and aligned for the records the kernel puts there.
        let filled = unsafe {
            libc::syscall(libc::SYS_getdents64, dir.0.as_raw_fd(), entries.0.as_mut_ptr(), entries.0.len())
        };
        let filled = usize::try_from(Errno::result(filled).map_err(fault)?).unwrap_or_default();
        let mut rest = entries.0.get(..filled).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        while let Some(length) = rest.get(LENGTH..).and_then(|bytes| bytes.first_chunk::<2>()) {
            let length = usize::from(u16::from_ne_bytes(*length));
            let Some((record, next)) = rest.split_at_checked(length).filter(|_| length > NAME) else { break };
            let name =
                record.get(NAME..).and_then(|bytes| bytes.split(|b| *b == 0).next()).unwrap_or_default();
            if !matches!(name, b"" | b"." | b"..") {
                each(name);
            }
            rest = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;

    #[test]
    fn a_directory_of_many_names_is_listed_whole_and_again() {
        let place = std::env::temp_dir().join(format!("gatewatch-list-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        for number in 0..700 {
            std::fs::write(place.join(format!("{number:0>100}")), "").unwrap();
        }
        let dir = Dir(open(&place, OFlag::O_DIRECTORY, Mode::empty()).unwrap());
        for _ in 0..2 {
            let mut names = std::collections::BTreeSet::new();
            list(&dir, &mut |name| assert!(names.insert(name.to_vec()))).unwrap();
            assert_eq!(names.len(), 700);
        }
        std::fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_link_is_read_as_far_as_there_is_room() {
        let fd = open("/proc/self", OFlag::O_DIRECTORY, Mode::empty()).unwrap();
        let (mut small, mut large) = ([0; 3], [0; 4096]);
        let whole = read_link(fd.as_fd(), b"exe", &mut large).unwrap();
        assert_eq!(&large[..whole], std::env::current_exe().unwrap().as_os_str().as_encoded_bytes());
        assert_eq!(read_link(fd.as_fd(), b"exe", &mut small), Ok(3));
        assert_eq!(read_link(fd.as_fd(), b"stat", &mut large), Err(Fault::Errno(libc::EINVAL)));
        assert_eq!(read_link(fd.as_fd(), &[b'x'; 300], &mut large), Err(Fault::TooLong));
    }
}
