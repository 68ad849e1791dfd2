//! What a check is: a row of the table, a function over one fact, and the only way to say something.

use core::fmt::Write;
use core::net::IpAddr;

use crate::facts::account::Account;
use crate::facts::endpoint::Endpoint;
use crate::facts::file::File;
use crate::facts::helper::Helper;
use crate::facts::key::Key;
use crate::facts::logging::Logging;
use crate::facts::module::{Module, Taints};
use crate::facts::mount::Mount;
use crate::facts::own::Own;
use crate::facts::process::{Hidden, Owner, Process};
use crate::facts::raw::{Promiscuous, RawSocket};
use crate::facts::setting::Setting;
use crate::facts::socket::Socket;
use crate::facts::startup::Line;
use crate::facts::startup_file::StartupFile;
use crate::facts::text::Bytes;
use crate::facts::tool::{Cover, Tool};
use crate::facts::web::Page;
use crate::intel::{Hit, Intel, Match, Trace, TraceKind};
use crate::limits::{CHECKS, DETAIL_BYTES, PARENTS};
use crate::report::{Event, Finding, Parent, Sink, SinkFault};

pub use crate::report::{Severity, Source};

/// A fact that a check wants to see.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Every process.
    Process(fn(&Process, &Ctx<'_>, &mut Out<'_>)),
    /// Every socket of the machine itself.
    Socket(fn(&Socket<'_>, &Ctx<'_>, &mut Out<'_>)),
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
        let mut found = None;
        // At 1970 nothing has expired yet, so the second round finds what has since.
        for date in [self.now.unwrap_or_default(), 0] {
            for intel in self.intel {
                match intel.lookup_at(address, port, date) {
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

/// Where a check says what it found.
pub struct Out<'a> {
    pub(crate) check: &'static Check,
    pub(crate) say: Say<'a>,
    pub(crate) found: u32,
    pub(crate) fault: Option<SinkFault>,
}

/// What becomes of what is said.
pub(crate) enum Say<'a> {
    /// A first look: it is only counted.
    Count,
    /// It goes out.
    Tell(&'a mut dyn Sink),
}

/// A finding that is being put together.
pub struct Draft<'f> {
    severity: Severity,
    family: &'f [u8],
    pid: Option<u32>,
    name: &'f [u8],
    path: &'f [u8],
    uid: Option<u32>,
    owner: Option<Owner>,
    age_s: Option<u64>,
    parents: [Parent<'f>; PARENTS],
    line: Option<u32>,
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
    detail: Bytes<DETAIL_BYTES>,
}

impl<'f> Draft<'f> {
    fn new(severity: Severity) -> Self {
        Self {
            severity,
            family: b"",
            pid: None,
            name: b"",
            path: b"",
            uid: None,
            owner: None,
            age_s: None,
            parents: [Parent::default(); PARENTS],
            line: None,
            local: None,
            remote: None,
            detail: Bytes::new(),
        }
    }

    /// The other end of a connection.
    #[must_use]
    pub fn remote(mut self, remote: Option<Endpoint>) -> Self {
        self.remote = remote;
        self
    }

    /// The path at which something that has a name was seen.
    #[must_use]
    pub fn at(mut self, path: &'f [u8]) -> Self {
        self.path = path;
        self
    }

    /// Instead of the check's own severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The malware family that an indicator names.
    #[must_use]
    pub fn family(mut self, family: &'f [u8]) -> Self {
        self.family = family;
        self
    }

    /// Adds words of ours to what people read.
    #[must_use]
    pub fn say(mut self, words: &str) -> Self {
        self.detail.push(words.as_bytes());
        self
    }

    /// Adds bytes of the machine's to what people read.
    #[must_use]
    pub fn quote(mut self, bytes: &[u8]) -> Self {
        self.detail.push(bytes);
        self
    }

    /// Adds a byte as two hexadecimal digits to what people read.
    #[must_use]
    pub fn hex(mut self, byte: u8) -> Self {
        let _ = write!(self.detail, "{byte:02x}");
        self
    }

    /// Adds a number to what people read.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        let _ = write!(self.detail, "{number}");
        self
    }
}

impl Out<'_> {
    /// Begins a finding about a process.
    #[must_use]
    pub fn process<'f>(&self, process: &'f Process) -> Draft<'f> {
        let mut parents = [Parent::default(); PARENTS];
        for (parent, known) in parents.iter_mut().zip(&process.kin.parents) {
            *parent = Parent { pid: known.pid, name: known.comm.as_slice() };
        }
        Draft {
            pid: Some(process.pid),
            name: process.stat.comm.as_slice(),
            path: process.path.as_slice(),
            uid: process.status.uid,
            owner: Some(process.surroundings.owner).filter(|_| process.is_user()),
            age_s: process.kin.age_s,
            parents,
            ..Draft::new(self.check.severity)
        }
    }

    /// Begins a finding about whoever holds a socket, if that could be told.
    #[must_use]
    pub fn holder<'f>(&self, holder: Option<&'f Process>) -> Draft<'f> {
        holder.map_or_else(|| Draft::new(self.check.severity), |holder| self.process(holder))
    }

    /// Begins a finding about a socket and the process that holds it.
    #[must_use]
    pub fn socket<'f>(&self, socket: &Socket<'f>) -> Draft<'f> {
        // A listener has no other end.
        let remote = Some(socket.remote).filter(|remote| remote.port != 0 || !remote.ip.is_unspecified());
        Draft { local: Some(socket.local), remote, ..self.holder(socket.holder) }
    }

    /// Begins a finding about something that has no more than a name.
    #[must_use]
    pub fn named<'f>(&self, name: &'f [u8]) -> Draft<'f> {
        Draft { name, ..Draft::new(self.check.severity) }
    }

    /// Begins a finding about a path.
    #[must_use]
    pub fn path<'f>(&self, path: &'f [u8]) -> Draft<'f> {
        Draft { path, ..Draft::new(self.check.severity) }
    }

    /// Begins a finding about a line of a file.
    #[must_use]
    pub fn at<'f>(&self, path: &'f [u8], line: u32) -> Draft<'f> {
        Draft { line: Some(line), ..self.path(path) }
    }

    /// Begins a finding about a file; one that a startup file runs is found there.
    #[must_use]
    pub fn file<'f>(&self, file: &File<'f>) -> Draft<'f> {
        let line = Some(file.line).filter(|line| *line > 0);
        Draft { line, ..self.path(if file.by.is_empty() { file.path } else { file.by }) }
    }

    /// Begins a finding about a process id of which nothing but the number is known.
    #[must_use]
    pub fn pid<'f>(&self, pid: u32) -> Draft<'f> {
        Draft { pid: Some(pid), ..Draft::new(self.check.severity) }
    }

    /// Begins a finding about what the kernel is told to run: it is found where that is said.
    #[must_use]
    pub fn helper<'f>(&self, helper: &Helper<'f>) -> Draft<'f> {
        let line = Some(helper.line).filter(|line| *line > 0);
        Draft { line, ..self.path(helper.setting) }
    }

    /// Begins a finding about a startup line.
    #[must_use]
    pub fn line<'f>(&self, line: &Line<'f>) -> Draft<'f> {
        Draft {
            path: line.file,
            line: Some(line.number).filter(|number| *number > 0),
            ..Draft::new(self.check.severity)
        }
    }

    /// Says it.
    pub fn found(&mut self, draft: Draft<'_>) {
        /// Takes the place of the last bytes of a text that did not fit, so that nobody takes it for whole.
        const CUT: &[u8] = b" [cut]";
        self.found = self.found.saturating_add(1);
        let Say::Tell(sink) = &mut self.say else { return };
        let mut detail = draft.detail;
        if detail.is_cut() {
            detail.truncate(DETAIL_BYTES.saturating_sub(CUT.len()));
            detail.push(CUT);
        }
        let finding = Finding {
            check: self.check.id,
            severity: draft.severity,
            attack: self.check.attack,
            family: draft.family,
            pid: draft.pid,
            name: draft.name,
            path: draft.path,
            uid: draft.uid,
            owner: draft.owner,
            age_s: draft.age_s,
            parents: draft.parents,
            line: draft.line,
            local: draft.local,
            remote: draft.remote,
            detail: detail.as_slice(),
        };
        if let Err(fault) = sink.event(&Event::Finding(finding)) {
            self.fault = Some(fault);
        }
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
