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

    #[test]
    fn a_pause_lasts() {
        let before = monotonic_us();
        pause(20);
        assert!(monotonic_us() - before >= 19_000);
    }
}
