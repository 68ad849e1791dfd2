//! Which directories change (inotify(7)).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::fd::Dir;

/// Directories that are watched.
#[derive(Debug)]
pub struct Watches(Inotify);

/// Something that happened in one of them.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// To the file or directory of this name.
    Name {
        /// The number of its directory.
        watch: i32,
        /// Its name; empty where it is the directory itself.
        name: &'a [u8],
    },
    /// So much at once that the kernel has thrown some of it away.
    Lost,
}

impl Watches {
    /// None yet.
    pub fn open() -> Result<Self, Errno> {
        Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map(Self)
    }

    /// Watches an open directory; one that is watched already has the same number. What is read there is no change.
    pub fn add(&self, dir: &Dir) -> Result<i32, Errno> {
        let mask = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        // The open directory itself, whatever its path has become.
        let path = format!("/proc/self/fd/{}", dir.0.as_raw_fd());
        self.0.add_watch(path.as_str(), mask).map(|watch| watch.as_raw())
    }

    /// Watches a directory no more, wherever it is by now.
    pub fn remove(&self, number: i32) {
        // SAFETY: the call takes two numbers; nix can name a watch only to whom it gave it.
        unsafe { libc::inotify_rm_watch(self.0.as_fd().as_raw_fd(), number) };
    }

    /// Hands everything that has happened to `each`. nix's own makes a heap string of every name.
    pub fn read(&self, each: &mut dyn FnMut(Change<'_>)) {
        // `struct inotify_event`: descriptor, mask, cookie, length of the name, the name and NULs.
        const HEAD: usize = 16;
        let mut buffer = [0_u8; 4096];
        while let Ok(filled) = nix::unistd::read(&self.0, &mut buffer) {
            let mut rest = buffer.get(..filled).unwrap_or_default();
            while let Some((head, behind)) = rest.split_first_chunk::<HEAD>() {
                let word = |at: usize| {
                    let bytes = head.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
                    bytes.copied().unwrap_or_default()
                };
                let length = usize::try_from(u32::from_ne_bytes(word(12))).unwrap_or(usize::MAX);
                let Some((name, next)) = behind.split_at_checked(length) else { break };
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                let lost = u32::from_ne_bytes(word(4)) & AddWatchFlags::IN_Q_OVERFLOW.bits() != 0;
                let watch = i32::from_ne_bytes(word(0));
                each(if lost { Change::Lost } else { Change::Name { watch, name } });
                rest = next;
            }
            if filled == 0 {
                return;
            }
        }
    }
}

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;
    use std::fs;

    #[test]
    fn what_changes_is_told_and_what_is_read_is_not() {
        let place = std::env::temp_dir().join(format!("gatewatch-inotify-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("there"), "x").unwrap();
        let dir = Dir(open(&place, OFlag::O_DIRECTORY, Mode::empty()).unwrap());
        let watches = Watches::open().unwrap();
        let number = watches.add(&dir).unwrap();
        assert_eq!(watches.add(&dir), Ok(number));
        let told = || {
            let mut names = Vec::new();
            watches.read(&mut |change| match change {
                Change::Name { watch, name } if watch == number => {
                    names.push(String::from_utf8(name.to_vec()).unwrap());
                }
                other => panic!("{other:?}"),
            });
            names.dedup();
            names
        };
        fs::read(place.join("there")).unwrap();
        assert_eq!(told(), [""; 0]);
        fs::write(place.join("new"), "x").unwrap();
        fs::rename(place.join("new"), place.join("other")).unwrap();
        assert_eq!(told(), ["new", "other"]);
        fs::remove_file(place.join("there")).unwrap();
        assert_eq!(told(), ["there"]);
        fs::remove_dir_all(&place).unwrap();
    }
}
