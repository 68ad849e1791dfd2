//! The outbox: what a run says by syslog, on its way to up to four destinations. It is a [`Sink`]; what it is told waits in a
//! bounded spool until each destination has it, in the order in which it was said.
//!
//! Nothing in here waits for anybody. Whoever owns it calls [`Outbox::pump`] with the time: that does what can be done at once
//! and says when to come back at the latest. Meanwhile poll(2) what [`Outbox::fds`] names, and call `pump` again when one of
//! them is ready:
//!
//! ```text
//! loop {                                  // a program that stays
//!     let wake_us = outbox.pump(clock::monotonic_us());
//!     poll([outbox.fds(), its own], until wake_us, or for ever where it is none);
//!     when it is time: outbox.begin(); sinks::with(scan, &mut outbox, |sinks| run::once(scan, device, sinks));
//! }
//! outbox.settle(a while)                  // what has not arrived by then is said
//! ```
//!
//! [`Outbox::redirect`] takes over other destinations, when a configuration has changed. [`Outbox::deliver`] is that loop for a
//! program that ends: it returns when all is there or time is up. [`Outbox::missing`] tells what has not arrived, where and why.
//!
//! A destination that cannot be reached is tried again, each time after twice the pause. What counts as arrived: by a unix
//! datagram, when the kernel took it; by UDP, when the other machine does not say soon that nobody listens (what gets lost on the
//! way is not known, the numbers n/N tell the collector); by a stream, when the other end has closed it after we said that no
//! more comes, which a collector does once it has read everything. Until then all of it is sent again over the next connection:
//! what arrives twice has the same `run` and `n`.

mod way;

use std::sync::{Mutex, MutexGuard};

use gatewatch::limits::SYSLOG_DESTINATIONS;
use gatewatch::report::syslog::{Run, Store, Syslog};
use gatewatch::report::{Event, Incident, Sink, SinkFault, Summary};
use nix::poll::{PollFd, PollTimeout, poll};

use crate::args::Destination;
use crate::sys::clock;
use crate::sys::trouble::Trouble;
use crate::{complain, lock};
use way::{Post, Way};

static STORE: Mutex<Store> = Mutex::new(Store::new());

/// How long a program that ends tries: a log daemon of this machine that restarts is back soon, a collector may be further
/// away and its first packets lost.
const PATIENCE_LOCAL_US: u64 = 2_000_000;
const PATIENCE_US: u64 = 10_000_000;

impl Destination {
    /// How long it is worth trying before a program ends.
    const fn patience_us(&self) -> u64 {
        match self {
            Destination::Path(_) => PATIENCE_LOCAL_US,
            Destination::Udp(_) | Destination::Tcp(_) => PATIENCE_US,
        }
    }
}

/// Something that has not arrived.
#[derive(Debug)]
pub struct Missing<'a> {
    /// Where.
    pub to: &'a Destination,
    /// How many messages.
    pub messages: usize,
    /// Why, as far as it is known.
    pub why: Trouble,
}

/// Messages on their way.
pub struct Outbox<'s> {
    store: MutexGuard<'static, Store>,
    device: &'s str,
    run: Run,
    ways: heapless::Vec<Way, SYSLOG_DESTINATIONS>,
}

impl<'s> Outbox<'s> {
    /// Begins to connect to the destinations, and begins a run.
    pub fn open(to: &[Destination], device: &'s str) -> Self {
        let mut store = lock(&STORE);
        // Nobody waits any more for what an earlier one left.
        store.spool.serve(&[]);
        let run = Run { pid: 0, id: 0, now: 0, believed: false };
        let mut outbox = Self { store, device, run, ways: heapless::Vec::new() };
        outbox.redirect(to);
        outbox.begin();
        outbox
    }

    /// Changes the destinations. One that stays one gets what it has not got yet, a new one what is said from now on.
    pub fn redirect(&mut self, to: &[Destination]) {
        let place = |ways: &[Way], to: &Destination| ways.iter().position(|way| way.to == *to);
        let places: heapless::Vec<_, SYSLOG_DESTINATIONS> =
            to.iter().take(SYSLOG_DESTINATIONS).map(|to| place(&self.ways, to)).collect();
        self.store.spool.serve(&places);
        let (mut old, now_us) = (std::mem::take(&mut self.ways), clock::monotonic_us());
        let ways = to.iter().take(SYSLOG_DESTINATIONS).map(|to| match place(&old, to) {
            Some(at) => old.swap_remove(at),
            None => Way::new(to.clone(), now_us),
        });
        self.ways = ways.collect();
    }

    /// Begins a run: what is said from now on has its id.
    pub fn begin(&mut self) {
        let pid = std::process::id();
        // Tells the runs of one device apart; no secret, and not unique for ever.
        let id = u32::try_from(clock::monotonic_us() & u64::from(u32::MAX)).unwrap_or_default()
            ^ pid.rotate_left(16);
        self.run = Run { pid, id, now: clock::seconds(), believed: clock::believable().is_some() };
    }

    /// Does what can be done without waiting. Returns when to call again at the latest, in the microseconds of `now_us`;
    /// `None` when nothing is to be done before something is said, or one of [`Outbox::fds`] is ready.
    pub fn pump(&mut self, now_us: u64) -> Option<u64> {
        let (store, device, salt) = (&mut *self.store, self.device, self.run.id);
        let ways = self.ways.iter_mut().enumerate();
        ways.filter_map(|(place, way)| way.pump(&mut Post { store, device, place, salt, now_us })).min()
    }

    /// What to poll until then.
    pub fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.ways.iter().filter_map(Way::poll_fd)
    }

    /// Whether anybody gets anything.
    pub fn has_destinations(&self) -> bool {
        !self.ways.is_empty()
    }

    /// The last word: sends as [`Outbox::deliver`] does, says what has not arrived, and returns whether all has.
    pub fn settle(&mut self, most_us: u64) -> bool {
        self.deliver(most_us);
        let mut arrived = true;
        for missing in self.missing() {
            let help = match missing.to {
                Destination::Path(_) => "--syslog=PATH needs the socket of a log daemon",
                Destination::Udp(_) | Destination::Tcp(_) => {
                    "is a collector there, and does nothing stand between?"
                }
            };
            let (to, why, count) = (missing.to, missing.why, missing.messages);
            complain(format_args!("{to}: {why}; messages that have not arrived there: {count}; {help}"));
            arrived = false;
        }
        arrived
    }

    /// Sends until everything has arrived, for `most_us` at most, and for less than that where nobody is patient for so long.
    pub fn deliver(&mut self, most_us: u64) {
        let begun_us = clock::monotonic_us();
        loop {
            let now_us = clock::monotonic_us();
            let wake_us = self.pump(now_us);
            let patience = self.missing().map(|missing| missing.to.patience_us()).max().unwrap_or_default();
            let until_us = begun_us.saturating_add(patience.min(most_us));
            if now_us >= until_us {
                return;
            }
            let left_us = wake_us.unwrap_or(until_us).min(until_us).saturating_sub(now_us);
            let left = i32::try_from(left_us.div_ceil(1000)).unwrap_or(i32::MAX);
            let mut fds: heapless::Vec<PollFd<'_>, SYSLOG_DESTINATIONS> = self.fds().collect();
            let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        }
    }

    /// What has not arrived.
    pub fn missing(&self) -> impl Iterator<Item = Missing<'_>> {
        let waiting = |place| self.store.spool.waiting(place);
        self.ways.iter().enumerate().filter(move |(place, _)| waiting(*place) > 0).map(move |(place, way)| {
            Missing { to: &way.to, messages: waiting(place), why: way.trouble.unwrap_or(Trouble::Late) }
        })
    }
}

impl Sink for Outbox<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        Syslog::new(self.run, &mut self.store).event(event)
    }

    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        Syslog::new(self.run, &mut self.store).incident(incident)
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        Syslog::new(self.run, &mut self.store).summary(summary)
    }
}

#[cfg(test)]
mod tests;
