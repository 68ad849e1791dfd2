//! `gatewatch monitor`: stays, looks at everything once in an interval and at a part when something happens, tells what is news.

mod network;
mod parts;
mod store;
mod triggers;
mod watched;

use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use gatewatch::check::Selection;
use gatewatch::limits::{MONITOR_NETWORK_SHARE, MONITOR_REST_SHARE, MONITOR_SHARE, SYSLOG_DESTINATIONS};
use gatewatch::monitor::key::Secret;
use gatewatch::monitor::schedule::{Allowance, Ms, Poll, Schedule};
use gatewatch::monitor::seen::{Now, Seen};
use gatewatch::monitor::storm::Storm;
use gatewatch::report::Verdict;
use gatewatch::report::escape::Escaped;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::args::{self, Command, Format, Scan};
use crate::outbox::Outbox;
use crate::sinks::REPORT_US;
use crate::sys::code::Code;
use crate::sys::machine::Machine;
use crate::sys::{clock, notify, priority, signals};
use crate::{complain, config, run, sinks};

use parts::{Parts, either};
use store::{Store, Taken};
use triggers::{News, Triggers, Wanted};
use watched::{Incidents, Kind, Known, Watched, Whole};

/// What has been found so far. Large, so it lies in .bss.
static SEEN: Mutex<Seen> = Mutex::new(Seen::new());

/// Milliseconds between the first event and the look: what begins something seldom does only one thing, and most processes have
/// ended again by then.
const SETTLE_MS: Ms = 200;

/// Looks in a row that all that happens to the network leaves for rules.
const OF_RULES: u64 = 2;

/// How it looks, as its command line and its configuration file say now. Where the file is wrong, it goes on as before.
fn configured(before: Scan) -> Scan {
    match args::parse(std::env::args_os().skip(1), &config::configure) {
        Ok(Command::Monitor(scan)) => {
            config::say_terms(&scan);
            *scan
        }
        Ok(_) => before,
        Err(mistake) => {
            complain(format_args!("{mistake}; what was configured before stands"));
            before
        }
    }
}

/// Stays until it is asked to end; returns the exit status.
#[inline(never)]
pub fn run(asked: &Scan) -> u8 {
    crate::diagnose(asked);
    config::say_terms(asked);
    priority::lower();
    if let Err(errno) = signals::watch() {
        complain(format_args!("signals cannot be waited for: {}", crate::sys::fd::fault(errno)));
        return Verdict::Incomplete.exit_status();
    }
    let own = match Machine::live() {
        Ok(own) => own,
        Err(refusal) => {
            complain(format_args!("/: {refusal}"));
            return Verdict::Incomplete.exit_status();
        }
    };
    let code = Code::find(&own);
    let store = match Store::open(&asked.state, &own) {
        Ok(store) => store,
        Err(Taken(pid)) => {
            let dir = Escaped(asked.state.as_bytes());
            complain(format_args!(
                "process {pid} is a monitor that has {dir} already: end it first, or give another --state"
            ));
            return Verdict::Incomplete.exit_status();
        }
    };
    let mut seen = crate::lock(&SEEN);
    let secret = store.load(&mut seen, now());
    let device = sinks::device(asked);
    let mut monitor = Monitor {
        outbox: Outbox::open(&asked.syslog, &device),
        schedule: Schedule::new(ms(), asked.interval_s.saturating_mul(1000), &device),
        allowance: Allowance::new(ms(), MONITOR_SHARE),
        everyday: Allowance::new(ms(), MONITOR_REST_SHARE),
        of_network: Allowance::new(ms(), MONITOR_NETWORK_SHARE),
        device: &device,
        seen: &mut seen,
        storm: Storm::new(),
        incidents: Incidents::new(),
        whole: Whole::default(),
        secret,
        store,
        code,
        is_dirty: false,
    };
    let mut scan = asked.clone();
    let status = loop {
        monitor.outbox.redirect(&scan.syslog);
        match monitor.watch(&scan) {
            Next::Again => {
                scan = configured(scan);
                monitor.schedule = Schedule::new(ms(), scan.interval_s.saturating_mul(1000), &device);
                monitor.schedule.hurry(ms());
            }
            Next::Refused => break Verdict::Incomplete.exit_status(),
            Next::End => break 0,
        }
    };
    notify::say("STOPPING=1");
    monitor.save(true);
    monitor.outbox.settle(REPORT_US);
    status
}

/// Why it watches no more.
enum Next {
    /// It was asked to end.
    End,
    /// Its configuration is to be read anew.
    Again,
    /// There is nothing to look at.
    Refused,
}

struct Monitor<'s> {
    schedule: Schedule,
    allowance: Allowance,
    /// For programs that have been seen: some routers start a shell every second, and that is to cost as little as rest does.
    everyday: Allowance,
    of_network: Allowance,
    device: &'s str,
    /// What goes by syslog and has not arrived yet.
    outbox: Outbox<'s>,
    seen: &'s mut Seen,
    storm: Storm,
    incidents: Incidents,
    whole: Whole,
    secret: Secret,
    store: Store,
    /// What nobody needs while it waits.
    code: Option<Code>,
    /// Something was told since the state was written.
    is_dirty: bool,
}

impl Monitor<'_> {
    fn watch(&mut self, scan: &Scan) -> Next {
        let machine = match &scan.root {
            Some(root) => Machine::tree(root.as_bytes()),
            None => Machine::live(),
        };
        let machine = match machine {
            Ok(machine) => machine,
            Err(refusal) => {
                let place = scan.root.as_ref().map_or(&b"/"[..], |root| root.as_bytes());
                complain(format_args!("{}: {refusal}", Escaped(place)));
                return Next::Refused;
            }
        };
        let parts = Parts::of(&scan.selection);
        let listens = |to: &Selection| !scan.no_events && *to != Selection::NONE;
        let wanted = Wanted {
            startup: listens(&parts.startup),
            processes: listens(&parts.processes),
            network: listens(&parts.network),
        };
        let mut triggers = Triggers::open(&machine, self.secret, wanted);
        notify::say("READY=1");
        let (mut news, mut settled) = (News::default(), None::<Ms>);
        let [mut list, mut network, flows] = [Poll::new(ms()); 3];
        let mut flows = Some(flows).filter(|_| parts.flows != Selection::NONE);
        loop {
            if signals::is_ending() {
                return Next::End;
            }
            if signals::wants_reload() {
                return Next::Again;
            }
            let now = ms();
            if now >= self.schedule.next() {
                self.schedule.begun(now);
                // All that has happened so far is part of this look.
                triggers.watch();
                triggers.list();
                let _ = triggers.take();
                (news, settled) = (News::default(), None);
                self.look(scan, None);
                continue;
            }
            if triggers.needs_listing() && now >= list.next() {
                let before_us = clock::processor_us();
                let is_news = triggers.list();
                let cost_us = clock::processor_us().saturating_sub(before_us);
                let share = if triggers.is_busy() { MONITOR_NETWORK_SHARE } else { MONITOR_REST_SHARE };
                list.spent(now, cost_us, share);
                settled = settled.or(Some(now).filter(|_| is_news));
            }
            if settled.is_some_and(|at| now >= at) {
                settled = None;
                news = news.and(triggers.take());
            }
            let mut wake = self.schedule.next();
            if news.startup || news.process {
                let is_strange = news.strange;
                let allowance = if is_strange { &mut self.allowance } else { &mut self.everyday };
                let when = allowance.when(now, 0);
                if when <= now {
                    let selection = match (news.startup, news.process) {
                        (true, true) => either(&parts.startup, &parts.processes),
                        (true, false) => parts.startup,
                        (false, _) => parts.processes,
                    };
                    if news.startup {
                        triggers.watch();
                    }
                    news = News { network: news.network, rule: news.rule, ..News::default() };
                    let cost_us = self.quick(scan, selection);
                    let after = ms();
                    if is_strange {
                        self.allowance.spent(after, after.saturating_sub(now));
                    } else {
                        self.everyday.spent(after, cost_us.div_ceil(1000));
                    }
                    continue;
                }
                wake = wake.min(when);
            }
            if triggers.has_network() {
                let asked = if news.network {
                    self.of_network.when(now, if news.rule { 0 } else { OF_RULES })
                } else {
                    Ms::MAX
                };
                if asked.min(network.next()) <= now {
                    (news.network, news.rule) = (false, false);
                    let cost_us = self.quick(scan, parts.network);
                    network.spent(ms(), cost_us, MONITOR_REST_SHARE);
                    if asked <= now {
                        self.of_network.spent(ms(), cost_us.div_ceil(1000));
                    }
                    continue;
                }
                if let Some(flows) = flows.as_mut().filter(|flows| flows.next() <= now) {
                    let cost_us = self.quick(scan, parts.flows);
                    flows.spent(ms(), cost_us, MONITOR_REST_SHARE);
                    continue;
                }
                let flows = flows.as_ref().map_or(Ms::MAX, Poll::next);
                wake = wake.min(asked).min(network.next()).min(flows);
            }
            let pat = notify::pat(clock::monotonic_us()).map(|us| us.div_ceil(1000));
            for at in [settled, Some(list.next()).filter(|_| triggers.needs_listing()), pat] {
                wake = wake.min(at.unwrap_or(wake));
            }
            if let Some(us) = self.outbox.pump(clock::monotonic_us()) {
                wake = wake.min(us.div_ceil(1000));
            }
            if self.wait(&triggers, settled.is_some(), wake.saturating_sub(now)) {
                settled = Some(ms().saturating_add(SETTLE_MS));
            }
        }
    }

    /// Looks at what these checks need. Returns how many microseconds of the processor's time that took.
    fn quick(&mut self, scan: &Scan, selection: Selection) -> u64 {
        let before_us = clock::processor_us();
        self.look(scan, Some(selection));
        clock::processor_us().saturating_sub(before_us)
    }

    /// Looks at everything, or at what these checks need, and tells what is news.
    fn look(&mut self, scan: &Scan, quick: Option<Selection>) {
        // A file, and what other programs read when they want to, are what there is, not what is news: a look at a part is none.
        let is_state = scan.output.is_some() || matches!(scan.format, Format::Prom | Format::Nagios);
        let kind = Kind { selection: scan.selection, quick, is_state: is_state && quick.is_none() };
        let mut scan = Scan { selection: quick.unwrap_or(scan.selection), ..scan.clone() };
        if is_state && quick.is_some() {
            (scan.format, scan.output) = (Format::Silent, None);
        }
        let Self { device, outbox, seen, storm, incidents, whole, secret, .. } = self;
        outbox.begin();
        let (told, lost) = sinks::with(&scan, device, outbox, |sinks| {
            let known = Known { seen, storm, incidents, whole, secret: *secret };
            let mut watched = Watched::new(sinks, known, kind, now(), signals::is_ending);
            run::once(&scan, device, &mut watched);
            (watched.told > 0, sinks.lost)
        });
        if told && lost {
            self.seen.untold();
            self.incidents.clear();
        }
        self.is_dirty |= told;
        self.save(false);
    }

    fn save(&mut self, is_last: bool) {
        if self.is_dirty && self.store.save(self.seen, self.secret, now(), is_last) {
            self.is_dirty = false;
        }
    }

    /// Waits so long, or until somebody asks for something or takes what goes by syslog, or, unless that is known already, until
    /// something happens. Returns whether something has.
    fn wait(&self, triggers: &Triggers<'_>, is_known: bool, milliseconds: Ms) -> bool {
        let mut fds = heapless::Vec::<PollFd<'_>, { 5 + SYSLOG_DESTINATIONS }>::new();
        for fd in triggers.descriptors().filter(|_| !is_known) {
            let _ = fds.push(PollFd::new(fd, PollFlags::POLLIN));
        }
        let happens = fds.len();
        let asked = signals::descriptor().map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        for fd in asked.into_iter().chain(self.outbox.fds()) {
            let _ = fds.push(fd);
        }
        let timeout = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        if let Some(code) = &self.code {
            code.give_back();
        }
        let _ = poll(&mut fds, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX));
        fds.iter().take(happens).any(|fd| fd.any().unwrap_or_default())
    }
}

fn ms() -> Ms {
    clock::monotonic_us().div_euclid(1000)
}

fn now() -> Now {
    let seconds = i64::try_from(clock::monotonic_us().div_euclid(1_000_000)).unwrap_or_default();
    Now { seconds, date: clock::believable() }
}
