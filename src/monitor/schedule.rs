//! When to look: at everything once in an interval, each device at its own moment; and at a part when something happens, as often
//! as the device can afford.

use crate::limits::MONITOR_BURST;

/// Milliseconds by a clock that nobody sets.
pub type Ms = u64;

/// When to look at everything.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval: Ms,
    /// Until the second look: a fleet that was switched on together does not report together for ever.
    first: Ms,
    next: Ms,
}

impl Schedule {
    /// Looks now, and then once an interval, at a moment of it that depends on the device.
    #[must_use]
    pub fn new(now: Ms, interval: Ms, device: &str) -> Self {
        // A quarter to all of an interval; FNV-1a, and a last step so that names which differ in a digit only are far apart.
        let hash = device
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let hash = (hash ^ hash >> 15).wrapping_mul(0x85eb_ca6b);
        let part = interval.saturating_mul(u64::from(hash >> 16)) >> 16;
        let quarter = interval.div_euclid(4);
        let first = quarter.saturating_add(part.saturating_sub(part.div_euclid(4))).max(1);
        Self { interval: interval.max(1), first, next: now }
    }

    /// When the next look is due.
    #[must_use]
    pub const fn next(&self) -> Ms {
        self.next
    }

    /// Looks now, whatever was planned, and keeps the device's moment.
    pub const fn hurry(&mut self, now: Ms) {
        self.first = self.interval;
        self.next = now;
    }

    /// A look has begun. Moments that have passed meanwhile, while the machine slept say, are not made up for.
    pub fn begun(&mut self, now: Ms) {
        self.next = self.next.saturating_add(self.first);
        self.first = self.interval;
        if self.next <= now {
            let missed = now.saturating_sub(self.next).div_euclid(self.interval);
            self.next = self.next.saturating_add(missed.saturating_add(1).saturating_mul(self.interval));
        }
    }
}

/// How often something that happens may cause a look: a few at once, and in the long run as many as take one part in so many
/// of the time. Whoever keeps the device busy with events cannot keep it busy with looking.
#[derive(Clone, Debug)]
pub struct Allowance {
    left: u64,
    since: Ms,
    /// One part in so many is theirs.
    share: u64,
    /// How long it takes until there is one more.
    each: Ms,
}

/// No look is so fast that there is one more before this.
const LEAST: Ms = 5000;

/// A look that nothing is the reason for, again and again, as often as one part in so many of the time allows.
#[derive(Clone, Copy, Debug)]
pub struct Poll(Ms);

impl Poll {
    /// Begins when all has been looked at.
    #[must_use]
    pub const fn new(now: Ms) -> Self {
        Self(now.saturating_add(LEAST))
    }

    /// When the next look is due.
    #[must_use]
    pub const fn next(&self) -> Ms {
        self.0
    }

    /// A look has cost so many microseconds, and is over: all of them are to cost one part in `share`.
    pub fn spent(&mut self, now: Ms, cost_us: u64, share: u64) {
        let rest = cost_us.saturating_mul(share).div_euclid(1000);
        self.0 = now.saturating_add(rest.max(LEAST));
    }
}

impl Allowance {
    /// All of it.
    #[must_use]
    pub const fn new(now: Ms, share: u64) -> Self {
        Self { left: MONITOR_BURST, since: now, share, each: LEAST }
    }

    /// When a look may be that leaves so many: what happens every day leaves some for what is stranger.
    #[must_use]
    pub fn when(&mut self, now: Ms, spare: u64) -> Ms {
        self.grow(now);
        match spare.saturating_add(1).saturating_sub(self.left) {
            0 => now,
            lacking => self.since.saturating_add(lacking.saturating_mul(self.each)),
        }
    }

    /// Counts what has come back since the last time.
    fn grow(&mut self, now: Ms) {
        let more = now.saturating_sub(self.since).checked_div(self.each).unwrap_or_default();
        self.left = self.left.saturating_add(more).min(MONITOR_BURST);
        self.since = self.since.saturating_add(more.saturating_mul(self.each));
    }

    /// A look has taken so long, and is over.
    pub fn spent(&mut self, now: Ms, took: Ms) {
        self.grow(now);
        if self.left >= MONITOR_BURST {
            self.since = now;
        }
        self.left = self.left.saturating_sub(1);
        self.each = took.saturating_mul(self.share).max(LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Ms = 3_600_000;

    #[test]
    fn every_interval_has_one_look_at_the_devices_own_moment() {
        let mut schedule = Schedule::new(1000, HOUR, "router-1");
        assert_eq!(schedule.next(), 1000);
        schedule.begun(1000);
        let second = schedule.next();
        assert!((1000 + HOUR / 4..=1000 + HOUR).contains(&second), "{second}");
        schedule.begun(second + 70);
        assert_eq!(schedule.next(), second + HOUR, "that a look is late moves no later one");
        // Asleep for a day and a bit.
        schedule.begun(second + 25 * HOUR + 5);
        assert_eq!(schedule.next(), second + 26 * HOUR);
        schedule.hurry(second + 25 * HOUR + 9);
        schedule.begun(second + 25 * HOUR + 10);
        assert_eq!(schedule.next(), second + 26 * HOUR + 9);
    }

    #[test]
    fn a_fleet_that_was_switched_on_together_spreads() {
        let mut quarters = [0_u32; 4];
        for device in 0..1000 {
            let mut schedule = Schedule::new(0, HOUR, &format!("router-{device}"));
            schedule.begun(0);
            let place = (schedule.next() - HOUR / 4) * 4 / (HOUR * 3 / 4 + 1);
            quarters[usize::try_from(place).unwrap()] += 1;
        }
        assert!(quarters.iter().all(|count| (200..300).contains(count)), "{quarters:?}");
        for interval in [0, 1, 2, u64::MAX] {
            let mut schedule = Schedule::new(7, interval, "x");
            schedule.begun(7);
            assert!(schedule.next() > 7, "{interval}");
            schedule.begun(u64::MAX);
        }
    }

    #[test]
    fn events_cause_a_burst_of_looks_and_then_few() {
        let mut allowance = Allowance::new(0, 50);
        let (mut now, mut took) = (0, 0);
        for _ in 0..MONITOR_BURST {
            assert_eq!(allowance.when(now, 0), now);
            now += 100;
            took += 100;
            allowance.spent(now, 100);
        }
        // An hour of events without end.
        while now < HOUR {
            now = allowance.when(now, 0).max(now) + 100;
            took += 100;
            allowance.spent(now, 100);
        }
        assert!(took <= HOUR / 50 + 1000, "{took}");
        assert!(allowance.when(now, 0) > now);
        assert_eq!(allowance.when(now + HOUR, 0), now + HOUR);
    }

    #[test]
    fn what_nothing_is_the_reason_for_costs_its_share() {
        let mut poll = Poll::new(0);
        let (mut now, mut cost_us) = (0, 0);
        while now < HOUR {
            now = poll.next() + 30;
            cost_us += 30_000;
            poll.spent(now, 30_000, 4000);
        }
        assert!((HOUR / 4..HOUR / 3).contains(&cost_us), "{cost_us} µs of {HOUR} ms are one part in 4000");
        poll.spent(now, 10, 4000);
        assert_eq!(poll.next(), now + LEAST);
        poll.spent(now, u64::MAX, 4000);
        assert!(poll.next() > now + HOUR);
    }

    #[test]
    fn what_happens_every_day_leaves_something_for_what_is_strange() {
        let mut allowance = Allowance::new(0, 50);
        let mut looks = 0;
        while allowance.when(0, MONITOR_BURST / 2) == 0 {
            allowance.spent(0, 1);
            looks += 1;
        }
        assert!(looks == MONITOR_BURST / 2 && allowance.when(0, 0) == 0);
        assert_eq!(allowance.when(LEAST, MONITOR_BURST / 2), LEAST, "one more after that time");
    }
}
