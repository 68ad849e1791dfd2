//! Gives way to what the device is there for.

use nix::libc;

/// A tenth of what others get. Less would let anybody who keeps the processor busy, a miner say, keep us from looking at him: the
/// lowest priority has a hundredth, and a look that takes a second would take two minutes.
const NICE: libc::c_int = 10;

/// The lowest of those whom the disk serves in turn, for the same reason: idle ones are served when nobody else wants anything
/// (ioprio_set(2)).
const BEST_EFFORT: libc::c_int = 2 << 13 | 7;
const OWN_PROCESS: libc::c_int = 1;

/// Lowers the priority of this process, and of all that it forks, unless it is lower already.
pub fn lower() {
    // SAFETY: the calls take numbers and touch no memory of ours.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) < NICE {
            libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
        }
        libc::syscall(libc::SYS_ioprio_set, OWN_PROCESS, 0, BEST_EFFORT);
    }
}
