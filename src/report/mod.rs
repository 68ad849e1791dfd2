//! What a run says, and the formats in which it is said. Everything goes through [`Event`]s, in one direction:
//! the looking process makes them, the reporting one hands each to its sinks and counts it in a [`Tally`].

mod advice;
pub mod allow;
pub mod cef;
mod date;
pub mod escape;
pub mod incident;
pub mod json;
pub mod nagios;
pub mod prom;
mod source;
pub mod syslog;
mod tally;
#[cfg(test)]
mod testing;
pub mod text;
pub mod veil;
pub mod wire;

use core::fmt::{self, Display, Write as _};

use serde::{Deserialize, Serialize};

use crate::facts::endpoint::Endpoint;
use crate::facts::process::Owner;
use crate::facts::text::Bytes;
use crate::limits::{CLIENT_BYTES, PARENTS};

use escape::Escaped;

pub use advice::Advice;
pub use date::{date, day_of};
pub use source::Source;
pub use tally::{Rest, Tally};

/// The check that every test finding is said to be of, so that a collector can tell it.
pub const SELFTEST: &str = "selftest";

/// How bad a finding is, the mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A weak spot, or a look-alike worth knowing of; no infection.
    #[default]
    Notice,
    /// A person should look.
    Suspicious,
    /// A healthy router never does this.
    Infected,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Severity; 3] = [Severity::Infected, Severity::Suspicious, Severity::Notice];

    /// The word that all formats use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Suspicious => "suspicious",
            Severity::Infected => "infected",
        }
    }
}

/// How well a check could look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Looked {
    /// At everything.
    Yes,
    /// At a part; the reason names the first thing that it did not see.
    Partly,
    /// At nothing.
    No,
    /// There is nothing of its kind on this machine.
    Na,
}

impl Looked {
    /// The word that all formats use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Looked::Yes => "yes",
            Looked::Partly => "partly",
            Looked::No => "no",
            Looked::Na => "na",
        }
    }

    /// Whether something may have been missed.
    #[must_use]
    pub const fn is_blind(self) -> bool {
        matches!(self, Looked::Partly | Looked::No)
    }
}

/// What a run comes to. The worst of infected, suspicious, incomplete and clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was looked at and nothing found.
    Clean,
    /// A person should look.
    Suspicious,
    /// A healthy router never does this.
    Infected,
    /// Nothing was found, but not everything was looked at.
    Incomplete,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 4] =
        [Verdict::Clean, Verdict::Suspicious, Verdict::Infected, Verdict::Incomplete];

    /// The word that all formats use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Suspicious => "suspicious",
            Verdict::Infected => "infected",
            Verdict::Incomplete => "incomplete",
        }
    }

    /// The exit status, as monitoring plugins have it.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Verdict::Clean => 0,
            Verdict::Suspicious => 1,
            Verdict::Infected => 2,
            Verdict::Incomplete => 3,
        }
    }
}

/// What a check says. Bytes are as the machine gave them: a sink must escape them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding<'a> {
    /// The id of the check.
    pub check: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// The technique's id in MITRE ATT&CK.
    pub attack: &'a str,
    /// The malware family, where an indicator names one; empty otherwise, as all bytes here.
    pub family: &'a [u8],
    /// The process.
    pub pid: Option<u32>,
    /// The name of the process.
    pub name: &'a [u8],
    /// The program or the startup file.
    pub path: &'a [u8],
    /// The user that the process runs as.
    pub uid: Option<u32>,
    /// Who vouches for the program of the process.
    pub owner: Option<Owner>,
    /// Seconds since the process started.
    pub age_s: Option<u64>,
    /// Its parent, the parent's parent and so on; those behind the last known one have pid 0.
    pub parents: [Parent<'a>; PARENTS],
    /// The line in the startup file.
    pub line: Option<u32>,
    /// This machine's end of a connection.
    pub local: Option<Endpoint>,
    /// The other end.
    pub remote: Option<Endpoint>,
    /// Who of those that this machine serves has to do with it.
    pub client: Option<Client<'a>>,
    /// What was seen, for people.
    pub detail: &'a [u8],
    /// What the monitor knows of it from before; none in a scan. The looking process knows nothing of this.
    #[serde(skip)]
    pub history: Option<History>,
}

/// What has become of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was not there before.
    New,
    /// It is still there after a day, it is back, or it is worse than it was.
    Again,
    /// It is there no more.
    Gone,
}

impl State {
    /// The word that all formats use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            State::New => "new",
            State::Again => "again",
            State::Gone => "gone",
        }
    }
}

/// A finding in the course of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// What has become of it.
    pub state: State,
    /// Seconds since it was first seen, by a clock that nobody sets.
    pub age_s: u64,
    /// When it was first seen, seconds since 1970; `None` while the clock is not set.
    pub first_seen: Option<u64>,
    /// When it was last seen, the same.
    pub last_seen: Option<u64>,
}

/// Somebody who is served by this machine. Clients are people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client<'a> {
    /// By address, which nobody outside may see unless the owner says so: [`veil`] makes a name of it.
    At(Endpoint),
    /// As may be said.
    Named(&'a [u8]),
}

impl Client<'_> {
    /// The bytes that a sink escapes in its own way.
    #[must_use]
    pub fn bytes(&self) -> Bytes<CLIENT_BYTES> {
        let mut bytes = Bytes::new();
        match self {
            // Writing to `Bytes` does not fail.
            Client::At(end) => drop(write!(bytes, "{end}")),
            Client::Named(name) => bytes.push(name),
        }
        bytes
    }
}

impl Display for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Client::At(end) => end.fmt(f),
            Client::Named(name) => Escaped(name).fmt(f),
        }
    }
}

/// An ancestor of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent<'a> {
    /// Its id; 0 for none.
    pub pid: u32,
    /// Its name.
    pub name: &'a [u8],
}

impl Finding<'static> {
    /// One that says nothing.
    pub const NOTHING: Self = Self {
        check: "",
        severity: Severity::Notice,
        attack: "",
        family: b"",
        pid: None,
        name: b"",
        path: b"",
        uid: None,
        owner: None,
        age_s: None,
        parents: [Parent { pid: 0, name: b"" }; PARENTS],
        line: None,
        local: None,
        remote: None,
        client: None,
        detail: b"",
        history: None,
    };
}

impl Finding<'_> {
    /// Whether it is told that it is there no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.history.is_some_and(|history| history.state == State::Gone)
    }

    /// The ancestors that are known, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &Parent<'_>> {
        self.parents.iter().take_while(|parent| parent.pid != 0)
    }
}

/// Findings about one intruder, joined ([`incident`] says how). The reporting process makes it, once all findings of a run are
/// known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident<'a> {
    /// Its place among those of the run, from 1, the worst first.
    pub number: u32,
    /// How bad it is: not less than the worst of its findings, and more where they agree.
    pub severity: Severity,
    /// The malware family that it is likely to be; empty where no indicator names one.
    pub family: &'a [u8],
    /// The ids of the checks that found it, each once.
    pub checks: &'a [&'a str],
    /// How many findings they are.
    pub findings: u32,
    /// How many of them are told behind it: notices, suspicious ones, infected ones. None where they were told before.
    pub follow: [u32; 3],
    /// The process that it is about first of all.
    pub pid: Option<u32>,
    /// The program or the startup file that it is about first of all.
    pub path: &'a [u8],
    /// The startup file that starts it, and the line in it, 0 for none; empty where none does.
    pub started_by: (&'a [u8], u32),
    /// Who is spoken to.
    pub remote: Option<Endpoint>,
    /// Who of those that this machine serves has to do with it.
    pub client: Option<Client<'a>>,
    /// What happened, in one or two sentences for people. A sink must escape it.
    pub story: &'a [u8],
    /// What to do, in this order, a sentence each.
    pub advice: &'a [&'a str],
}

impl Incident<'_> {
    /// The same, where findings that are milder are not told.
    #[must_use]
    pub fn without_milder_than(&self, least: Severity) -> Self {
        let mut told = *self;
        let severities = [Severity::Notice, Severity::Suspicious, Severity::Infected];
        for (count, severity) in told.follow.iter_mut().zip(severities) {
            if severity < least {
                *count = 0;
            }
        }
        told
    }
}

/// How one check fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport<'a> {
    /// The id of the check.
    pub check: &'a str,
    /// How well it could look.
    pub looked: Looked,
    /// Why it was not everything; empty if it was.
    pub why: &'a [u8],
    /// The facts that it was shown.
    pub facts: u32,
    /// What it found.
    pub findings: u32,
}

/// How much there was to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Processes.
    pub processes: u32,
    /// Sockets.
    pub sockets: u32,
    /// Flows that the kernel tracks.
    pub flows: u32,
    /// Startup files.
    pub files: u32,
}

/// An indicator file that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntelInfo {
    /// The version of its data.
    pub version: u32,
    /// When it was made, seconds since 1970.
    pub created: u64,
    /// Its indicators.
    pub entries: u32,
    /// A key that is trusted has signed it.
    pub signed: bool,
}

/// Something that the looking process tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub enum Event<'a> {
    /// It begins to look at something.
    Stage(Source),
    /// An indicator file is in use.
    Intel(IntelInfo),
    /// A check has found something.
    Finding(#[serde(borrow)] Finding<'a>),
    /// A check is done.
    Check(#[serde(borrow)] CheckReport<'a>),
    /// How much there was.
    Counts(Counts),
    /// It has told everything.
    End,
}

/// The last word of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// What it comes to.
    pub verdict: Verdict,
    /// Findings of each severity.
    pub infected: u32,
    /// See `infected`.
    pub suspicious: u32,
    /// See `infected`.
    pub notice: u32,
    /// Those of them that are milder than what is to be shown.
    pub hidden: u32,
    /// Incidents: their findings are among those counted.
    pub incidents: u32,
    /// Findings that accuse and are in no incident because there was no room to join them.
    pub unjoined: u32,
    /// Checks that were asked for.
    pub checks: u32,
    /// Those of them that may have missed something.
    pub blind: u32,
    /// How much there was.
    pub counts: Counts,
    /// The newest version, the oldest creation time, the sum of entries of the indicator files, and whether all are signed.
    pub intel: Option<IntelInfo>,
    /// Days since the oldest indicator file was made, none where it is made later than now; `None` while the clock is not set.
    pub intel_age_days: Option<u64>,
    /// Who speaks.
    pub device: &'a str,
    /// The version of gatewatch.
    pub version: &'a str,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// Findings that the monitor has not told, because there were too many.
    pub held_back: u32,
    /// Why the run ended before everything was told; empty if it did not.
    pub broken_off: &'a str,
    /// Findings that the owner's list allows; they are not among those above.
    pub allowed: u32,
    /// Checks that the configuration file leaves out.
    pub skipped: u32,
    /// Nothing was looked at: the words are sent to see whether they arrive.
    pub test: bool,
}

/// Where a sink's bytes could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkFault {
    /// The other side is gone or refuses.
    Write,
    /// One event is larger than its buffer, which [`crate::limits`] promises not to happen.
    TooLarge,
}

/// A format with somewhere to write it.
pub trait Sink {
    /// Says one event.
    ///
    /// # Errors
    /// When it could not be written.
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault>;

    /// Whether it is told findings and verdicts last, those of an incident behind it, because it is read from the top. The
    /// others are told each at once, so that nothing is lost with a run that is ended, and incidents before the summary.
    fn waits(&self) -> bool {
        false
    }

    /// Says one event to those that wait, among sinks that are one: each is told by `event` or by this.
    ///
    /// # Errors
    /// When it could not be written.
    fn late(&mut self, _: &Event<'_>) -> Result<(), SinkFault> {
        Ok(())
    }

    /// Says what its owner allows, and why; most formats only count it, in the last word.
    ///
    /// # Errors
    /// When it could not be written.
    fn allowed(&mut self, _: &Finding<'_>, _reason: &[u8]) -> Result<(), SinkFault> {
        Ok(())
    }

    /// Says what happened.
    ///
    /// # Errors
    /// When it could not be written.
    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault>;

    /// Says the last word.
    ///
    /// # Errors
    /// When it could not be written.
    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault>;
}
