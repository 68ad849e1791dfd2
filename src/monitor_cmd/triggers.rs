//! What makes the monitor look between its looks at everything: startup files that change, processes that are born, and what
//! happens to the network.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard};

use gatewatch::facts::text::{Bytes, fields, is_below};
use gatewatch::host::{Fault, Host};
use gatewatch::limits::{MONITOR_BORN, MONITOR_DEPTH, MONITOR_WATCHES, PATH_BYTES};
use gatewatch::monitor::familiar::Familiar;
use gatewatch::monitor::key::Secret;
use gatewatch::source::places::{PLACES, concerns};
use gatewatch::source::proc::{self, Pids};
use gatewatch::source::{Coverage, rows};

use crate::complain;
use crate::sys::fd::{Dir, fault};
use crate::sys::inotify::{Change, Watches};
use crate::sys::machine::Machine;
use crate::sys::proc_events::{Heard, NETLINK_CONNECTOR, ProcEvents};

use super::network::{Lately, Network, Told};

// A page of them is used only where there are so many processes.
static LISTED: Mutex<[Pids; 2]> = Mutex::new([const { Pids::new() }; 2]);

/// File systems whose files are elsewhere (proc_filesystems(5)), beside those of programs (FUSE).
const SERVED: [&[u8]; 7] = [b"nfs", b"nfs4", b"cifs", b"smb3", b"9p", b"ceph", b"autofs"];

/// What is worth a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// A startup file has changed.
    pub startup: bool,
    /// A process was born and is still there.
    pub process: bool,
    /// Its program was never seen before, or a startup file has changed.
    pub strange: bool,
    /// The network is another.
    pub network: bool,
    /// It has a rule more: who knocks at all doors, and a line that comes and goes, must not keep that from being seen.
    pub rule: bool,
}

impl News {
    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self {
            startup: self.startup || other.startup,
            process: self.process || other.process,
            strange: self.strange || other.strange,
            network: self.network || other.network,
            rule: self.rule || other.rule,
        }
    }
}

/// A directory that is watched.
#[derive(Clone, Copy)]
struct Watched {
    number: i32,
    /// Its path from the root; none where it is below a place, and all in it counts.
    dir: Option<&'static [u8]>,
}

/// Who tells of processes.
enum Births {
    /// The kernel.
    Told(ProcEvents),
    /// The list of processes, whenever its newest id has changed.
    Listed { newest: Bytes<32> },
    /// Nobody: a tree has none, or nobody wants to know.
    Untold,
}

/// What somebody wants to know of.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Startup files.
    pub startup: bool,
    /// Processes.
    pub processes: bool,
    /// The network.
    pub network: bool,
}

/// All of it.
pub struct Triggers<'m> {
    machine: &'m Machine,
    watches: Option<Watches>,
    table: heapless::Vec<Watched, MONITOR_WATCHES>,
    births: Births,
    network: Option<Network<'m>>,
    lately: Lately,
    /// Processes that were listed last, and those of now.
    listed: MutexGuard<'static, [Pids; 2]>,
    born: heapless::Vec<u32, MONITOR_BORN>,
    /// More happened than is known.
    lost: bool,
    familiar: Familiar,
    secret: Secret,
    /// That some places cannot be watched was said, once.
    said: bool,
    /// That some are not watched, since others serve them, was said, once.
    said_served: bool,
}

impl<'m> Triggers<'m> {
    /// Listens for what is wanted of a machine.
    pub fn open(machine: &'m Machine, secret: Secret, wanted: Wanted) -> Self {
        let live = machine.about().live;
        let watches = if wanted.startup {
            let opened = Watches::open();
            if let Err(errno) = &opened {
                let why = fault(*errno);
                complain(format_args!(
                    "changes of startup files are not told: {why}; each full look sees them"
                ));
            }
            opened.ok()
        } else {
            None
        };
        let births = match wanted.processes && live {
            false => Births::Untold,
            true if has_connector(machine) => match ProcEvents::open() {
                Ok(events) => Births::Told(events),
                Err(_) => Births::Listed { newest: Bytes::new() },
            },
            true => Births::Listed { newest: Bytes::new() },
        };
        let mut triggers = Self {
            machine,
            watches,
            table: heapless::Vec::new(),
            births,
            network: if wanted.network && live { Some(Network::open(machine)) } else { None },
            lately: Lately::default(),
            listed: crate::lock(&LISTED),
            born: heapless::Vec::new(),
            lost: false,
            familiar: Familiar::new(),
            secret,
            said: false,
            said_served: false,
        };
        triggers.watch();
        // What runs already is no news.
        triggers.list();
        let _ = triggers.take();
        triggers
    }

    /// Whether lists have to be looked at from time to time: of processes, or of sockets, of which no kernel tells.
    pub const fn needs_listing(&self) -> bool {
        matches!(self.births, Births::Listed { .. }) || self.network.is_some()
    }

    /// Whether there was something new to list lately.
    pub const fn is_busy(&self) -> bool {
        self.lately.busy
    }

    /// Whether there is a network to look at.
    pub const fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// What becomes readable when something happens.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let births = match &self.births {
            Births::Told(events) => Some(events.as_fd()),
            _ => None,
        };
        let network = self.network.iter().flat_map(Network::descriptors);
        self.watches.as_ref().map(AsFd::as_fd).into_iter().chain(births).chain(network)
    }

    /// Watches the startup places as they are now.
    pub fn watch(&mut self) {
        let Some(watches) = &self.watches else { return };
        let mut new = Adding { machine: self.machine, watches, table: heapless::Vec::new(), fault: None };
        let mut answers = [true; PLACES.len()];
        leave_out(self.machine, &mut answers);
        for (place, _) in PLACES.iter().zip(answers).filter(|(_, answers)| *answers) {
            // One that is not there is waited for where it would be.
            let mut dir = place.dir;
            let found = loop {
                match self.machine.dir(dir) {
                    Ok(found) => break Some(found),
                    Err(_) if dir.is_empty() => break None,
                    Err(_) => {
                        let slash = dir.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
                        dir = dir.get(..slash).unwrap_or_default();
                    }
                }
            };
            let Some(found) = found else { continue };
            new.add(&found, Some(dir));
            if place.names.is_empty() && dir == place.dir {
                new.add_below(&found, MONITOR_DEPTH);
            }
        }
        let Adding { table, fault, .. } = new;
        for old in &self.table {
            if !table.iter().any(|new| new.number == old.number) {
                watches.remove(old.number);
            }
        }
        self.table = table;
        if answers.contains(&false) && !self.said_served {
            self.said_served = true;
            complain(format_args!(
                "startup places on file systems that others serve are not watched; each full look sees them"
            ));
        }
        if let Some(fault) = fault.filter(|_| !self.said) {
            self.said = true;
            let why = match fault {
                Fault::Large => format!("more than {MONITOR_WATCHES} directories"),
                other => other.to_string(),
            };
            complain(format_args!(
                "not all startup places are watched: {why}; each full look sees the others"
            ));
        }
    }

    /// Notes the processes that have been born since the last time, where nobody tells of them, and whether sockets have to do
    /// with strangers. Returns whether something is to be taken.
    pub fn list(&mut self) -> bool {
        let busy = self.list_processes();
        let lately = match &mut self.network {
            Some(network) => network.has_strangers(&mut self.familiar, self.secret),
            None => Lately::default(),
        };
        self.lately = Lately { strange: lately.strange || self.lately.strange, busy: lately.busy || busy };
        self.lately.strange || self.lost || !self.born.is_empty()
    }

    /// Returns whether there were new ones, and their list was long to look through.
    fn list_processes(&mut self) -> bool {
        let Births::Listed { newest } = &mut self.births else { return false };
        // Its last word is the newest process id (proc_loadavg(5)).
        let mut now = Bytes::new();
        if let Ok((mut file, _)) = self.machine.file(b"proc/loadavg") {
            let _ = rows(&mut file, &mut |row| {
                now = Bytes::of(fields(row.unwrap_or_default()).last().unwrap_or_default())
            });
        }
        if now == *newest && !now.is_empty() {
            return false;
        }
        *newest = now;
        let [before, after] = &mut *self.listed;
        let mut coverage = Coverage::new();
        if self
            .machine
            .dir(b"proc")
            .and_then(|dir| proc::pids(self.machine, &dir, after, &mut coverage))
            .is_err()
        {
            return true;
        }
        for pid in after.iter().filter(|pid| before.binary_search(pid).is_err()) {
            self.lost |= !before.is_empty() && self.born.push(*pid).is_err();
        }
        // What is used of it is copied, not all of its room.
        before.clear();
        let _ = before.extend_from_slice(after);
        true
    }

    /// Takes what has happened since the last time. A process that has ended again is no news: a look would not see it.
    pub fn take(&mut self) -> News {
        let mut news = News::default();
        let Self { watches, table, births, network, lately, familiar, born, lost, .. } = self;
        let told = network.as_ref().map_or_else(Told::default, |network| network.take(familiar, self.secret));
        news.rule = told.rule;
        news.network = std::mem::take(&mut lately.strange) || told.link || told.rule;
        if let Some(watches) = watches {
            watches.read(&mut |change| {
                news.startup |= match change {
                    Change::Lost => true,
                    Change::Name { watch, name } => table
                        .iter()
                        .find(|watched| watched.number == watch)
                        .is_some_and(|watched| watched.dir.is_none_or(|dir| concerns(dir, name))),
                };
            });
        }
        if let Births::Told(events) = births {
            events.read(&mut |heard| match heard {
                Heard::Process(pid) if born.contains(&pid) => {}
                Heard::Process(pid) => *lost |= born.push(pid).is_err(),
                Heard::Lost => *lost = true,
            });
        }
        let lost = std::mem::take(lost);
        for pid in std::mem::take(&mut self.born) {
            let Some(strange) = self.program_of(pid) else { continue };
            news.process = true;
            news.strange |= strange;
        }
        news.process |= lost;
        news.strange |= lost | news.startup;
        news
    }

    /// Whether the program of a process is strange; `None` where it has ended, or is the kernel's own.
    fn program_of(&mut self, pid: u32) -> Option<bool> {
        let process = self.machine.dir(format!("proc/{pid}").as_bytes()).ok()?;
        let mut path = [0_u8; PATH_BYTES];
        match self.machine.link_at(&process, b"exe", &mut path) {
            Ok(length) => Some(self.familiar.is_strange(path.get(..length).unwrap_or_default(), self.secret)),
            Err(Fault::NotFound | Fault::Gone) => None,
            // Not ours to see; a look may see something else of it.
            Err(_) => Some(false),
        }
    }
}

/// The watches as they will be.
struct Adding<'a> {
    machine: &'a Machine,
    watches: &'a Watches,
    table: heapless::Vec<Watched, MONITOR_WATCHES>,
    /// Why they are not all.
    fault: Option<Fault>,
}

impl Adding<'_> {
    fn add(&mut self, dir: &Dir, path: Option<&'static [u8]>) {
        match self.watches.add(dir) {
            Ok(number) if self.table.iter().any(|watched| watched.number == number) => {}
            Ok(number) => {
                if self.table.push(Watched { number, dir: path }).is_err() {
                    self.watches.remove(number);
                    self.fault = Some(Fault::Large);
                }
            }
            Err(errno) => self.fault = Some(fault(errno)),
        }
    }

    fn add_below(&mut self, dir: &Dir, depth: u32) {
        let machine = self.machine;
        let _ = machine.list(dir, &mut |name| {
            // Most names are files, and opening one as a directory does nothing.
            if let Ok(below) = machine.dir_at(dir, name) {
                self.add(&below, None);
                if let Some(depth) = depth.checked_sub(1) {
                    self.add_below(&below, depth);
                }
            }
        });
    }
}

/// Leaves out the places on file systems that others serve: one that does not answer would stop this process for good, and what
/// others change there is not told anyway (inotify(7), Limitations). A look goes there, in a process of its own.
fn leave_out(machine: &Machine, answers: &mut [bool; PLACES.len()]) {
    let Ok((mut file, _)) = machine.file(b"proc/self/mounts") else { return };
    let _ = rows(&mut file, &mut |row| {
        let mut row = fields(row.unwrap_or_default()).skip(1);
        let (point, kind) = (row.next().unwrap_or_default(), row.next().unwrap_or_default());
        let point = point.strip_prefix(b"/").unwrap_or_default();
        if point.is_empty() || !(SERVED.contains(&kind) || kind.starts_with(b"fuse")) {
            return;
        }
        for (place, answers) in PLACES.iter().zip(&mut *answers) {
            *answers &= !is_below(place.dir, point);
        }
    });
}

/// Whether the kernel has the connector as it is: one that has it as a module would load that if it were asked
/// (net/netlink/af_netlink.c `netlink_create`). Its own sockets are listed with process id 0; there is none in a container.
fn has_connector(machine: &Machine) -> bool {
    let mut found = false;
    if let Ok((mut file, _)) = machine.file(b"proc/net/netlink") {
        let number = NETLINK_CONNECTOR.to_string();
        let _ = rows(&mut file, &mut |row| {
            let mut row = fields(row.unwrap_or_default()).skip(1);
            found |= row.next() == Some(number.as_bytes()) && row.next() == Some(b"0");
        });
    }
    found
}
