//! Clocks that answer on kernels where clock_gettime(2) does not: some vendors gave its 64-bit number to a call of
//! their own, which says EINVAL, and std's clocks panic at that.

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::time::{ClockId, clock_gettime};

/// The clock of a device that has booted without network shows 1970 or the day its firmware was made. A time
/// before this program was written, 2026-11-01, is no time.
const WRITTEN: u64 = 1_793_491_200;

/// Seconds since 1970, whether they can be true or not.
pub fn seconds() -> u64 {
    if let Ok(now) = clock_gettime(ClockId::CLOCK_REALTIME) {
        return u64::try_from(now.tv_sec()).unwrap_or_default();
    }
    let mut now: [libc::c_long; 2] = [0; 2];
    // SAFETY: the kernel's `struct timeval` of this number is two longs; the second argument may be null.
    unsafe {
        libc::syscall(libc::SYS_gettimeofday, now.as_mut_ptr(), std::ptr::null::<libc::c_void>());
    }
    now.first().copied().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default()
}

/// Seconds since 1970; `None` while the clock is not set.
pub fn believable() -> Option<u64> {
    Some(seconds()).filter(|now| *now >= WRITTEN)
}

/// Microseconds since some moment, never going back.
pub fn monotonic_us() -> u64 {
    if let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) {
        let seconds = u64::try_from(now.tv_sec()).unwrap_or_default();
        let nanoseconds = u64::try_from(now.tv_nsec()).unwrap_or_default();
        return seconds.saturating_mul(1_000_000).saturating_add(nanoseconds.div_euclid(1000));
    }
    uptime_us().unwrap_or_default()
}

/// proc_uptime(5): `350735.47 234388.90`, in hundredths of a second.
fn uptime_us() -> Option<u64> {
    let file = open("/proc/uptime", OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0_u8; 64];
    let length = nix::unistd::read(&file, &mut text).ok()?;
    let field = text.get(..length)?.split(|b| matches!(b, b'.' | b' '));
    let mut parts = field.map(gatewatch::facts::text::decimal);
    let (seconds, hundredths) = (parts.next()??, parts.next()??);
    seconds.checked_mul(1_000_000)?.checked_add(hundredths.checked_mul(10_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_of_uptime_agree() {
        let (uptime, boot) = (uptime_us().unwrap(), clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap());
        let boot = u64::try_from(boot.tv_sec()).unwrap();
        assert!(boot.abs_diff(uptime / 1_000_000) <= 2, "{boot} {uptime}");
        assert!(monotonic_us() <= monotonic_us());
        assert!(believable().is_some());
    }
}
