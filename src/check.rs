//! What a check is: a row of the table, a function over one fact, and what it may know besides.

mod out;

use core::net::IpAddr;

use crate::facts::account::Account;
use crate::facts::exposure::Exposure;
use crate::facts::fanout::Fanout;
use crate::facts::file::File;
use crate::facts::flow::Flow;
use crate::facts::helper::Helper;
use crate::facts::key::Key;
use crate::facts::logging::Logging;
use crate::facts::mapping::Mapping;
use crate::facts::module::{Module, Taints};
use crate::facts::mount::Mount;
use crate::facts::names::{Asked, Named, Resolver};
use crate::facts::own::Own;
use crate::facts::packet_rule::{Filter, PacketRule};
use crate::facts::process::{Hidden, Process};
use crate::facts::raw::{Promiscuous, RawSocket};
use crate::facts::service::Service;
use crate::facts::setting::Setting;
use crate::facts::socket::Socket;
use crate::facts::startup::Line;
use crate::facts::startup_file::StartupFile;
use crate::facts::tool::{Cover, Tool};
use crate::facts::tunnel::Tunnel;
use crate::facts::unix::HiddenSocket;
use crate::facts::web::Page;
use crate::intel::{Hit, Intel, Match, Sieve, Trace, TraceKind};
use crate::limits::CHECKS;

pub(crate) use out::Say;
pub use out::{Draft, Out};

pub use crate::report::{Advice, Severity, Source};

/// A fact that a check wants to see.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Every process.
    Process(fn(&Process, &Ctx<'_>, &mut Out<'_>)),
    /// Every socket of the machine itself.
    Socket(fn(&Socket<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every flow that the kernel tracks.
    Flow(fn(&Flow, &Ctx<'_>, &mut Out<'_>)),
    /// Everybody who calls hosts at a port, with how many.
    Fanout(fn(&Fanout<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every rule of the packet filter that lets packets pass, ends or diverts them.
    Rule(fn(&PacketRule<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// What the packet filter does all in all.
    Filter(fn(&Filter, &Ctx<'_>, &mut Out<'_>)),
    /// Every program that listens, or has connections with strangers.
    Service(fn(&Service<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every port that UPnP opened.
    Mapping(fn(&Mapping<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every interface that is a tunnel.
    Tunnel(fn(&Tunnel<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every service that strangers reach, and what the firmware is.
    Exposure(fn(&Exposure<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every socket between processes that `/proc/net/unix` hides.
    HiddenSocket(fn(&HiddenSocket<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every raw and packet socket.
    Raw(fn(&RawSocket<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every interface that is in promiscuous mode.
    Interface(fn(&Promiscuous<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every mount.
    Mount(fn(&Mount<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every process id that answers and is not listed, at the second look.
    Hidden(fn(&Hidden, &Ctx<'_>, &mut Out<'_>)),
    /// Files of every [`crate::facts::file::Role`] that the check's sources name.
    File(fn(&File<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// What the machine does with its log.
    Log(fn(&Logging, &Ctx<'_>, &mut Out<'_>)),
    /// Every web page that runs something of a request.
    Web(fn(&Page<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every setting of a service that runs something.
    Setting(fn(&Setting<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every startup file and link, and what is missing of them.
    Startup(fn(&StartupFile<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every path that the kernel is told to run.
    Helper(fn(&Helper<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every module that the kernel has loaded.
    Module(fn(&Module<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// What taints the kernel.
    Taints(fn(&Taints, &Ctx<'_>, &mut Out<'_>)),
    /// Every tool of the system.
    Tool(fn(&Tool<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Everything that is mounted over one.
    Cover(fn(&Cover<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every line of a startup file that runs something.
    Line(fn(&Line<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every user of the machine.
    Account(fn(&Account<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every key that lets a user in.
    Key(fn(&Key<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Everybody who is asked for names.
    Resolver(fn(&Resolver<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Names that are given addresses by hand: those that are worth something, and, where domains are listed, all that lead to
    /// strangers.
    Named(fn(&Named<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every listed name that was asked for.
    Asked(fn(&Asked<'_>, &Ctx<'_>, &mut Out<'_>)),
    /// Every file of gatewatch's own.
    Own(fn(&Own<'_>, &Ctx<'_>, &mut Out<'_>)),
}

/// A part of the machine, for `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// What runs.
    Process,
    /// What is started.
    Startup,
    /// Who talks to whom.
    Network,
    /// What the system does for itself.
    System,
}

impl Area {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Area::Process => "process",
            Area::Startup => "startup",
            Area::Network => "network",
            Area::System => "system",
        }
    }
}

/// A detector. It has no state, cannot read, cannot fail and cannot print.
pub struct Check {
    /// Its name, which is for ever: lower case, digits and dashes, named for the bad thing seen.
    pub id: &'static str,
    /// The part of the machine it is about.
    pub area: Area,
    /// What its findings weigh unless it sees better.
    pub severity: Severity,
    /// The technique's id in MITRE ATT&CK.
    pub attack: &'static str,
    /// What it sees, in a few words.
    pub title: &'static str,
    /// What to do about what it finds.
    pub advice: Advice,
    /// Where its facts come from: how well these could be looked at is how well it could look.
    pub sources: &'static [Source],
    /// The facts it wants, and what it does with them.
    pub hooks: &'static [Hook],
}

impl Check {
    /// Whether some of its facts come from a source.
    #[must_use]
    pub fn needs(&self, source: Source) -> bool {
        self.sources.contains(&source)
    }
}

/// What a check may know besides its fact.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The indicator files in use.
    pub intel: &'a [Intel<'a>],
    /// What tells fast that an address is not in them, for those who ask often.
    pub sieve: Option<&'a Sieve>,
    /// The rules of the program itself.
    pub families: Option<Intel<'a>>,
    /// Seconds since 1970; `None` while the clock is not set.
    pub now: Option<u64>,
    /// The processes of this very run, which are no finding. Known by pid: nobody hides behind a name.
    pub own_pids: [u32; 2],
}

impl<'a> Ctx<'a> {
    /// Whether a process is this run itself.
    #[must_use]
    pub fn is_own(&self, process: &Process) -> bool {
        self.own_pids.contains(&process.pid)
    }

    /// The indicator that an address and port match. A never-match entry of any file wins, and one that still holds
    /// before one that has expired.
    #[must_use]
    pub fn listed(&self, address: IpAddr, port: u16) -> Option<Hit<'a>> {
        let address = address.to_canonical();
        // At 1970 nothing has expired yet. Most addresses are in no file, and that is known after one look.
        let any = self.intel.iter().find_map(|intel| intel.listed(address, port, 0, self.sieve))?;
        if self.intel.iter().any(|intel| intel.never(address)) {
            return None;
        }
        let now = self.now.unwrap_or_default();
        self.intel.iter().find_map(|intel| intel.listed(address, port, now, None)).or(Some(any))
    }

    /// The indicator that a domain name matches: it is listed, or below a name that is. As [`listed`](Ctx::listed), a
    /// never-match entry of any file wins.
    #[must_use]
    pub fn listed_domain(&self, name: &[u8]) -> Option<Hit<'a>> {
        let mut found = None;
        for date in [self.now, None] {
            for intel in self.intel {
                match intel.lookup_domain(name, date) {
                    Match::Never => return None,
                    Match::Listed(hit) => found = found.or(Some(hit)),
                    Match::Nothing => {}
                }
            }
        }
        found
    }

    /// The indicator that a program's SHA-256 matches, one that still holds before one that has expired.
    #[must_use]
    pub fn known_bad(&self, sha256: &[u8; 32]) -> Option<Hit<'a>> {
        let all = |now| self.intel.iter().find_map(|intel| intel.lookup_hash(sha256, now));
        all(self.now).or_else(|| all(None))
    }

    /// Hands the rules of one kind to `each`, those of the program itself first.
    pub fn each_trace(&self, kind: TraceKind, each: &mut dyn FnMut(Trace<'a>)) {
        for intel in self.families.iter().chain(self.intel) {
            intel.traces(kind).for_each(&mut *each);
        }
    }

    /// Whether a date has passed. While the clock is not set, nothing has.
    #[must_use]
    pub fn is_past(&self, date: Option<u64>) -> bool {
        matches!((self.now, date), (Some(now), Some(date)) if date <= now)
    }
}

/// The checks of a run, by their place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection([bool; CHECKS]);

impl Selection {
    /// None.
    pub const NONE: Selection = Selection([false; CHECKS]);

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, index: usize) -> Self {
        if let Some(chosen) = self.0.get_mut(index) {
            *chosen = true;
        }
        self
    }

    /// The same with one less.
    #[must_use]
    pub fn without(mut self, index: usize) -> Self {
        if let Some(chosen) = self.0.get_mut(index) {
            *chosen = false;
        }
        self
    }

    /// Whether a check is among them.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        self.0.get(index).copied().unwrap_or_default()
    }
}

pub(crate) mod doc;
#[cfg(test)]
pub(crate) mod testing;
