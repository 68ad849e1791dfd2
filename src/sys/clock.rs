//! Clocks and waiting. The kernel is asked by clock_gettime(2)'s first number, which every kernel answers: some vendors
//! gave the 64-bit one, which C libraries try first, to a call of their own, and it says EINVAL.

use nix::libc;
use nix::poll::{PollTimeout, poll};

/// The clock of a device that has booted without network shows 1970 or the day its firmware was made. A time
/// before this program was written, 2026-11-01, is no time.
const WRITTEN: u64 = 1_793_491_200;

/// Seconds and nanoseconds of a clock; zeros if it cannot be told.
fn read(clock: libc::clockid_t) -> (u64, u64) {
    // The kernel's `struct timespec` of this number is two longs.
    let mut now: [libc::c_long; 2] = [0; 2];
    // SAFETY: the kernel writes two longs.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, now.as_mut_ptr()) };
    let [seconds, nanoseconds] = now.map(|part| u64::try_from(part).unwrap_or_default());
    (seconds, nanoseconds)
}

/// Seconds since 1970, whether they can be true or not.
pub fn seconds() -> u64 {
    read(libc::CLOCK_REALTIME).0
}

/// Seconds since 1970; `None` while the clock is not set.
pub fn believable() -> Option<u64> {
    Some(seconds()).filter(|now| *now >= WRITTEN)
}

/// Microseconds since some moment, never going back.
pub fn monotonic_us() -> u64 {
    let (seconds, nanoseconds) = read(libc::CLOCK_MONOTONIC);
    seconds.saturating_mul(1_000_000).saturating_add(nanoseconds.div_euclid(1000))
}

/// Microseconds of the processor's time that this process has used, and those that it started and has waited for.
#[cfg(feature = "monitor")]
pub fn processor_us() -> u64 {
    const OWN: libc::c_int = 0;
    const CHILDREN: libc::c_int = -1;
    let used = |whose: libc::c_int| {
        // The kernel's `struct rusage` of this number is 18 longs: user and system time are the first four (getrusage(2)).
        let mut used: [libc::c_long; 18] = [0; 18];
        // SAFETY: the kernel writes 18 longs.
        unsafe { libc::syscall(libc::SYS_getrusage, whose, used.as_mut_ptr()) };
        let [seconds, us, more_seconds, more_us, ..] =
            used.map(|part| u64::try_from(part).unwrap_or_default());
        let seconds = seconds.saturating_add(more_seconds);
        seconds.saturating_mul(1_000_000).saturating_add(us).saturating_add(more_us)
    };
    used(OWN).saturating_add(used(CHILDREN))
}

/// Does nothing for a while, or until a signal.
pub fn pause(milliseconds: u16) {
    let _ = poll(&mut [], PollTimeout::from(milliseconds));
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::time::{ClockId, clock_gettime};

    #[test]
    fn says_what_the_c_library_says() {
        let boot = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
        let boot = u64::try_from(boot.tv_sec()).unwrap();
        assert!((monotonic_us() / 1_000_000).abs_diff(boot) <= 2, "{boot}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(seconds().abs_diff(now) <= 2, "{now}");
        assert!(believable().is_some());
    }

    #[cfg(feature = "monitor")]
    #[test]
    fn work_of_children_counts_once_they_are_waited_for() {
        let before = processor_us();
        let script = "n=0; while [ $n -lt 20000 ]; do n=$((n + 1)); done";
        assert!(std::process::Command::new("sh").args(["-c", script]).status().unwrap().success());
        let used = processor_us() - before;
        assert!((1000..20_000_000).contains(&used), "{used}");
    }

    #[test]
    fn a_pause_lasts() {
        let before = monotonic_us();
        pause(20);
        assert!(monotonic_us() - before >= 19_000);
    }
}
