//! Questions to the kernel about a process or a file that `/proc` is not needed for.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc;
use nix::sys::signal::kill;
use nix::sys::statfs::statfs;
use nix::unistd::{Pid, geteuid, getpgid, getsid};

/// Whether the kernel answers for an id: signals, process group, session, scheduler. What hides a process from `/proc` would
/// have to know all of them.
pub fn answers(pid: u32) -> bool {
    let Ok(number) = i32::try_from(pid) else { return false };
    let id = Pid::from_raw(number);
    let there = |errno: Errno| errno != Errno::ESRCH;
    kill(id, None).err().is_none_or(there)
        || getpgid(Some(id)).err().is_none_or(there)
        || getsid(Some(id)).err().is_none_or(there)
        || has_scheduler(number)
}

/// Whether this program may ask for every process. For others a listing may lack what belongs to somebody else
/// (`hidepid`, proc(5)).
pub fn may_ask() -> bool {
    geteuid().is_root()
}

/// sched_getscheduler(2), called by its number: musl's own always fails.
fn has_scheduler(pid: i32) -> bool {
    // SAFETY: the call takes a number and returns one; it touches no memory of ours.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, pid) };
    policy >= 0
}

/// Whether a file can neither grow, shrink nor be written to any more, and nobody can change that (fcntl(2), File
/// Sealing; since Linux 3.17).
pub fn is_sealed(file: impl AsFd) -> bool {
    let all =
        SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(file, FcntlArg::F_GET_SEALS).is_ok_and(|seals| SealFlag::from_bits_truncate(seals).contains(all))
}

/// The magic number of the file system that a path leads to (statfs(2)).
pub fn file_system(path: &[u8]) -> Result<u64, Errno> {
    // Its type is signed on some architectures and narrow on others; the number is one of 32 bits.
    #[allow(clippy::as_conversions, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    statfs(path).map(|stat| u64::from(stat.filesystem_type().0 as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_answers_until_it_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        assert!(answers(pid) && answers(std::process::id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!answers(pid) && !answers(u32::MAX));
    }

    #[test]
    fn seals_are_seen() {
        use nix::sys::memfd::{MFdFlags, memfd_create};
        let open = memfd_create(c"open", MFdFlags::MFD_ALLOW_SEALING).unwrap();
        assert!(!is_sealed(&open));
        let all = SealFlag::all();
        fcntl(&open, FcntlArg::F_ADD_SEALS(all)).unwrap();
        assert!(is_sealed(&open));
        assert!(!is_sealed(std::fs::File::open("/proc/self/exe").unwrap()));
    }
}
