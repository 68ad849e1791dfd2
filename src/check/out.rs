//! The only way in which a check says something: a finding is begun about a thing, put together and said.

use core::fmt::Write;

use super::Check;
use crate::facts::endpoint::Endpoint;
use crate::facts::file::File;
use crate::facts::helper::Helper;
use crate::facts::packet_rule::{Listener, Origin, PacketRule};
use crate::facts::process::{Owner, Process};
use crate::facts::socket::Socket;
use crate::facts::startup::Line;
use crate::facts::text::Bytes;
use crate::limits::{DETAIL_BYTES, PARENTS};
use crate::report::{Client, Event, Finding, Parent, Severity, Sink, SinkFault};

/// Where a check says what it found.
pub struct Out<'a> {
    pub(crate) check: &'static Check,
    pub(crate) say: Say<'a>,
    pub(crate) found: u32,
    /// How bad the worst of it is.
    pub(crate) worst: Option<Severity>,
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
    client: Option<Endpoint>,
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
            client: None,
            detail: Bytes::new(),
        }
    }

    /// The other end of a connection.
    #[must_use]
    pub fn remote(mut self, remote: Option<Endpoint>) -> Self {
        self.remote = remote;
        self
    }

    /// This machine's end of a connection.
    #[must_use]
    pub fn local(mut self, local: Endpoint) -> Self {
        self.local = Some(local);
        self
    }

    /// Who of those that this machine serves has to do with it.
    #[must_use]
    pub fn client(mut self, client: Endpoint) -> Self {
        self.client = Some(client);
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

    /// Begins a finding about who is spoken to.
    #[must_use]
    pub fn remote<'f>(&self, remote: Endpoint) -> Draft<'f> {
        Draft { remote: Some(remote), ..Draft::new(self.check.severity) }
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

    /// Begins a finding about a rule of the packet filter, where it is, and about who takes what it diverts.
    #[must_use]
    pub fn rule<'f>(&self, rule: &PacketRule<'f>) -> Draft<'f> {
        let draft = match rule.listener {
            Listener::Process(process) => self.process(process),
            _ => Draft::new(self.check.severity),
        };
        match rule.origin {
            Origin::File { path, line } => Draft { path, line: Some(line), ..draft },
            Origin::Kernel { family, table, chain, .. } => {
                draft.say(family.word()).say(" ").quote(table).say(" ").quote(chain).say(": ")
            }
        }
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
        self.worst = self.worst.max(Some(draft.severity));
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
            client: draft.client.map(Client::At),
            detail: detail.as_slice(),
            history: None,
        };
        if let Err(fault) = sink.event(&Event::Finding(finding)) {
            self.fault = Some(fault);
        }
    }
}
