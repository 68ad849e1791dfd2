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
//!     when it is time: outbox.begin(); run::once(…, outbox among its sinks);
//! }
//! ```
//!
//! [`Outbox::deliver`] is that loop for a program that ends: it returns when all is there or time is up.
//! [`Outbox::missing`] tells what has not arrived, where and why.
//!
//! A destination that cannot be reached is tried again, each time after twice the pause. What counts as arrived: by a unix
//! datagram, when the kernel took it; by UDP, when the other machine does not say within [`LINGER_US`] that nobody listens (what
//! gets lost on the way is not known, the numbers n/N tell the collector); by a stream, when the other end has closed it after we
//! said that no more comes, which a collector does once it has read everything. Until then all of it is sent again over the
//! next connection: what arrives twice has the same `run` and `n`.

use std::sync::{Mutex, MutexGuard};

use gatewatch::limits::SYSLOG_DESTINATIONS;
use gatewatch::report::syslog::frame::{self, Form, LINE_BYTES, Line};
use gatewatch::report::syslog::{Run, Store, Syslog};
use gatewatch::report::{Event, Incident, Sink, SinkFault, Summary};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::args::Destination;
use crate::lock;
use crate::sys::clock;
use crate::sys::logsocket::{Kind, LogSocket};
use crate::sys::trouble::Trouble;

static STORE: Mutex<Store> = Mutex::new(Store::new());

/// The first pause after which a destination is tried again, and the longest.
const PAUSE_US: u64 = 100_000;
const PAUSES_US: u64 = 60_000_000;

/// How long a connection may take to come about.
const CONNECT_US: u64 = 15_000_000;

/// How long somebody may take nothing of what he is sent.
const STALL_US: u64 = 30_000_000;

/// How long it is waited for word that nobody listens at a UDP port: as long as a packet to the other side of the world and
/// back.
const LINGER_US: u64 = 400_000;

/// How long a collector that has everything may take to end the connection. Then it counts as arrived all the same: some wait
/// for more.
const FAREWELL_US: u64 = 3_000_000;

/// How often it is waited for that long while what was sent has not come to its machine.
const FAREWELLS: u8 = 10;

/// Datagrams that are sent at once, and the pause after them: a collector's socket holds some 250 of them (socket(7),
/// `rmem_default`), and it is not alone.
const BURST: u32 = 32;
const BURST_US: u64 = 10_000;

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

/// How it stands with a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No connection.
    Away,
    /// There is one soon.
    Connecting,
    /// Messages can be sent.
    Open,
    /// All has been sent. So often what is underway is given more time.
    Farewell(u8),
}

/// A destination.
#[derive(Debug)]
struct Way {
    to: Destination,
    socket: Option<LogSocket>,
    stage: Stage,
    /// When something must be done, or is over.
    due_us: u64,
    /// How often it failed since something arrived.
    failures: u32,
    trouble: Option<Trouble>,
    /// Of the line that is being sent, what is left, and how much of it has gone.
    line: heapless::Vec<u8, LINE_BYTES>,
    gone: usize,
    /// It takes nothing now.
    full: bool,
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
        store.spool.serve(to.len());
        let now_us = clock::monotonic_us();
        let ways = to.iter().map(|to| Way::new(to.clone(), now_us)).collect();
        let mut outbox = Self { store, device, run: Run { pid: 0, id: 0, now: 0, believed: false }, ways };
        outbox.begin();
        outbox
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

/// What a destination works with.
struct Post<'p> {
    store: &'p mut Store,
    device: &'p str,
    /// Its place among the destinations.
    place: usize,
    /// Keeps devices that lost the same collector from coming back all at once.
    salt: u32,
    now_us: u64,
}

impl Way {
    fn new(to: Destination, now_us: u64) -> Self {
        let mut way = Self {
            to,
            socket: None,
            stage: Stage::Away,
            due_us: 0,
            failures: 0,
            trouble: None,
            line: heapless::Vec::new(),
            gone: 0,
            full: false,
        };
        // It comes about while the machine is looked at. What fails is tried again when there is something to say.
        if let Ok(socket) = way.connect() {
            way.connecting(socket, now_us);
        }
        way
    }

    fn connect(&self) -> Result<LogSocket, Errno> {
        match &self.to {
            Destination::Path(path) => LogSocket::local(path),
            Destination::Udp(to) => LogSocket::remote(Kind::Udp, *to),
            Destination::Tcp(to) => LogSocket::remote(Kind::Tcp, *to),
        }
    }

    fn connecting(&mut self, socket: LogSocket, now_us: u64) {
        self.socket = Some(socket);
        (self.stage, self.due_us) = (Stage::Connecting, now_us.saturating_add(CONNECT_US));
        self.line.clear();
        (self.gone, self.full) = (0, false);
    }

    /// What to wait for; a socket of which nothing is wanted is not named, so that nobody is woken for it.
    fn poll_fd(&self) -> Option<PollFd<'_>> {
        let socket = self.socket.as_ref()?;
        let what = match (self.stage, self.full) {
            (Stage::Away, _) => return None,
            (Stage::Connecting, _) => PollFlags::POLLOUT,
            (Stage::Open, true) if socket.is_datagram() => PollFlags::POLLOUT,
            (Stage::Open, true) => PollFlags::POLLOUT | PollFlags::POLLIN,
            (Stage::Open, false) if socket.kind == Kind::Local => return None,
            (Stage::Open, false) if socket.kind == Kind::Udp => PollFlags::empty(),
            (Stage::Open | Stage::Farewell(_), _) => PollFlags::POLLIN,
        };
        Some(socket.poll_fd(what))
    }

    /// One step after the other until there is something to wait for.
    fn pump(&mut self, post: &mut Post<'_>) -> Option<u64> {
        loop {
            let step = match self.stage {
                Stage::Away => self.away(post),
                Stage::Connecting => self.come_about(post),
                Stage::Open => self.send(post),
                Stage::Farewell(rounds) => self.farewell(rounds, post),
            };
            match step {
                Ok(Step::On) => {}
                Ok(Step::Wait) => return Some(self.due_us),
                Ok(Step::Rest) => return None,
                Err(trouble) => {
                    self.fail(trouble, post);
                    return Some(self.due_us);
                }
            }
        }
    }

    fn away(&mut self, post: &Post<'_>) -> Result<Step, Trouble> {
        if post.store.spool.waiting(post.place) == 0 {
            return Ok(Step::Rest);
        }
        if post.now_us < self.due_us {
            return Ok(Step::Wait);
        }
        let socket = self.connect()?;
        self.connecting(socket, post.now_us);
        Ok(Step::On)
    }

    fn come_about(&mut self, post: &Post<'_>) -> Result<Step, Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Ended) };
        // A datagram socket is connected from the beginning, though it may be full.
        if socket.is_datagram() || socket.is_connected()? {
            self.stage = Stage::Open;
            return Ok(Step::On);
        }
        self.wait(post)
    }

    /// Until the time that was given is over.
    fn wait(&self, post: &Post<'_>) -> Result<Step, Trouble> {
        if post.now_us >= self.due_us { Err(Trouble::Late) } else { Ok(Step::Wait) }
    }

    fn send(&mut self, post: &mut Post<'_>) -> Result<Step, Trouble> {
        match self.socket.as_ref().map(|socket| socket.kind) {
            Some(Kind::Local) => self.send_local(post),
            Some(Kind::Udp) => self.send_udp(post),
            Some(Kind::LocalStream | Kind::Tcp) => self.send_stream(post),
            None => Err(Trouble::Ended),
        }
    }

    fn send_local(&mut self, post: &mut Post<'_>) -> Result<Step, Trouble> {
        let mut outcome = Ok(Step::Rest);
        while outcome == Ok(Step::Rest) && self.next(post) {
            match self.socket.as_ref().map_or(Err(Errno::ENOTCONN), |socket| socket.send(&self.line)) {
                Ok(0) => outcome = self.blocked(post),
                Ok(_) => {
                    self.full = false;
                    post.store.spool.sent(post.place);
                }
                Err(errno) => outcome = Err(errno.into()),
            }
        }
        if post.store.spool.flies(post.place) {
            self.arrived(post);
        }
        outcome
    }

    /// It takes nothing now, but not for ever.
    fn blocked(&mut self, post: &Post<'_>) -> Result<Step, Trouble> {
        if !self.full {
            (self.full, self.due_us) = (true, post.now_us.saturating_add(STALL_US));
        }
        self.wait(post)
    }

    fn send_udp(&mut self, post: &mut Post<'_>) -> Result<Step, Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Ended) };
        socket.error()?;
        // After a failure one message goes ahead; the rest waits for whether it is refused.
        let ahead = self.failures > 0;
        if post.store.spool.flies(post.place) {
            if post.now_us < self.due_us {
                return Ok(Step::Wait);
            }
            if ahead || self.is_last(post) {
                self.arrived(post);
                return Ok(Step::On);
            }
        }
        let most = if ahead { 1 } else { BURST };
        let mut count = 0_u32;
        self.full = false;
        while count < most && !self.full && self.next(post) {
            match self.socket.as_ref().map_or(Err(Errno::ENOTCONN), |socket| socket.send(&self.line))? {
                0 => self.full = true,
                _ => {
                    post.store.spool.sent(post.place);
                    count = count.saturating_add(1);
                }
            }
        }
        if count == 0 && !self.full {
            return Ok(Step::Rest);
        }
        let pause = if ahead || self.is_last(post) { LINGER_US } else { BURST_US };
        self.due_us = post.now_us.saturating_add(pause);
        Ok(Step::Wait)
    }

    /// Whether everything that is to be sent is on its way.
    fn is_last(&self, post: &Post<'_>) -> bool {
        post.store.spool.next(post.place).is_none()
    }

    fn send_stream(&mut self, post: &mut Post<'_>) -> Result<Step, Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Ended) };
        if socket.is_ended()? {
            if post.store.spool.waiting(post.place) > 0 {
                return Err(Trouble::Ended);
            }
            // It was kept for nothing.
            (self.stage, self.socket, self.due_us) = (Stage::Away, None, post.now_us);
            return Ok(Step::Rest);
        }
        loop {
            let left = self.line.get(self.gone..).unwrap_or_default();
            if left.is_empty() {
                if !self.next(post) {
                    break;
                }
                post.store.spool.sent(post.place);
                continue;
            }
            let Some(socket) = &self.socket else { return Err(Trouble::Ended) };
            match socket.send(left)? {
                0 => return self.blocked(post),
                count => {
                    self.gone = self.gone.saturating_add(count);
                    self.full = false;
                }
            }
        }
        if !post.store.spool.flies(post.place) {
            return Ok(Step::Rest);
        }
        if let Some(socket) = &self.socket {
            socket.end()?;
        }
        (self.stage, self.due_us) = (Stage::Farewell(FAREWELLS), post.now_us.saturating_add(FAREWELL_US));
        Ok(Step::On)
    }

    fn farewell(&mut self, rounds: u8, post: &mut Post<'_>) -> Result<Step, Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Ended) };
        if !socket.is_ended()? {
            if post.now_us < self.due_us {
                return Ok(Step::Wait);
            }
            // The line is slow.
            if socket.is_underway() {
                let rounds = rounds.checked_sub(1).ok_or(Trouble::Late)?;
                (self.stage, self.due_us) =
                    (Stage::Farewell(rounds), post.now_us.saturating_add(FAREWELL_US));
                return Ok(Step::Wait);
            }
        }
        (self.stage, self.socket, self.due_us) = (Stage::Away, None, post.now_us);
        self.arrived(post);
        Ok(Step::On)
    }

    fn arrived(&mut self, post: &mut Post<'_>) {
        post.store.spool.arrived(post.place);
        (self.failures, self.trouble) = (0, None);
    }

    fn fail(&mut self, trouble: Trouble, post: &mut Post<'_>) {
        post.store.spool.again(post.place);
        (self.stage, self.socket, self.trouble) = (Stage::Away, None, Some(trouble));
        let pause = PAUSE_US.checked_shl(self.failures).unwrap_or(PAUSES_US).min(PAUSES_US);
        self.failures = self.failures.saturating_add(1).min(16);
        let part = u64::from(post.salt.rotate_left(self.failures) & 0xff);
        let later = pause.div_euclid(1024).saturating_mul(part);
        self.due_us = post.now_us.saturating_add(pause).saturating_add(later);
    }

    /// Makes the next line, if there is one.
    fn next(&mut self, post: &mut Post<'_>) -> bool {
        self.line.clear();
        self.gone = 0;
        let Some(message) = post.store.spool.next(post.place) else { return false };
        let (form, stream) = match self.socket.as_ref().map(|socket| socket.kind) {
            Some(Kind::Udp) => (Form::Short, None),
            Some(Kind::Tcp) => (Form::Long, Some(Kind::Tcp)),
            Some(Kind::LocalStream) => (Form::Local, Some(Kind::LocalStream)),
            Some(Kind::Local) | None => (Form::Local, None),
        };
        let mut line = Line::new();
        // Every line fits, as limits.rs promises and the tests of `frame` hold it to.
        let _ = frame::line(form, post.device, &message, &mut line);
        if stream == Some(Kind::Tcp) {
            // RFC 6587 section 3.4.1.
            let mut count = heapless::String::<8>::new();
            let _ = std::fmt::Write::write_fmt(&mut count, format_args!("{} ", line.len()));
            let _ = self.line.extend_from_slice(count.as_bytes());
        }
        let _ = self.line.extend_from_slice(line.as_bytes());
        if stream == Some(Kind::LocalStream) {
            let _ = self.line.push(0);
        }
        true
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Go on at once.
    On,
    /// Until its descriptor is ready, or its time has come.
    Wait,
    /// Until its descriptor is ready, or there is something to say.
    Rest,
}

#[cfg(test)]
mod tests;
