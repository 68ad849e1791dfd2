//! The way to one destination: connecting, sending, trying again, and when what was sent counts as arrived.

use gatewatch::report::syslog::Store;
use gatewatch::report::syslog::frame::{self, Form, LINE_BYTES, Line};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use crate::args::Destination;
use crate::sys::logsocket::{Kind, LogSocket};
use crate::sys::trouble::Trouble;

/// The first pause after which a destination is tried again, and the longest.
const PAUSE_US: u64 = 100_000;
pub(super) const PAUSES_US: u64 = 60_000_000;

/// How long a connection may take to come about.
const CONNECT_US: u64 = 15_000_000;

/// How long somebody may take nothing of what he is sent.
pub(super) const STALL_US: u64 = 30_000_000;

/// How long it is waited for word that nobody listens at a UDP port: as long as a packet to the other side of the world and
/// back.
const LINGER_US: u64 = 400_000;

/// How long a collector that has everything may take to end the connection. Then it counts as arrived all the same: some wait
/// for more.
pub(super) const FAREWELL_US: u64 = 3_000_000;

/// How often it is waited for that long while what was sent has not come to its machine.
pub(super) const FAREWELLS: u8 = 10;

/// Datagrams that are sent at once, and the pause after them: a collector's socket holds some 250 of them (socket(7),
/// `rmem_default`), and it is not alone.
const BURST: u32 = 32;
pub(super) const BURST_US: u64 = 10_000;

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

/// A destination, and what is known of the way to it.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) to: Destination,
    socket: Option<LogSocket>,
    stage: Stage,
    /// When something must be done, or is over.
    due_us: u64,
    /// How often it failed since something arrived.
    failures: u32,
    pub(super) trouble: Option<Trouble>,
    /// Of the line that is being sent, what is left, and how much of it has gone.
    line: heapless::Vec<u8, LINE_BYTES>,
    gone: usize,
    /// It takes nothing now.
    full: bool,
}

/// What a destination works with.
pub(super) struct Post<'p> {
    pub(super) store: &'p mut Store,
    pub(super) device: &'p str,
    /// Its place among the destinations.
    pub(super) place: usize,
    /// Keeps devices that lost the same collector from coming back all at once.
    pub(super) salt: u32,
    pub(super) now_us: u64,
}

impl Way {
    pub(super) fn new(to: Destination, now_us: u64) -> Self {
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
    pub(super) fn poll_fd(&self) -> Option<PollFd<'_>> {
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
    pub(super) fn pump(&mut self, post: &mut Post<'_>) -> Option<u64> {
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
