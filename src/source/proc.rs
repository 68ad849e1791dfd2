//! Processes: the listing of `/proc`, and one process of it with what is known of its program.

use core::fmt::Write;

use super::content;
use super::mounts::Mounts;
use super::owner::{Owners, relative};
use super::{Coverage, fill, hash, is_file, pid};
use crate::facts::descriptors::Descriptors;
use crate::facts::environ::{Environment, libraries};
use crate::facts::maps::Memory;
use crate::facts::place::place;
use crate::facts::process::{Exe, Library, Owner, Process, Stat, Surroundings};
use crate::facts::program::{DAEMONS, is_multicall};
use crate::facts::text::{Bytes, basename, decimal32, trim};
use crate::host::{Fault, Host};
use crate::limits::{PATH_BYTES, PIDS, STAT_BYTES};

/// The pids of a listing, in ascending order.
pub type Pids = heapless::Vec<u32, PIDS>;

/// Lists the processes in `/proc`.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn pids<H: Host>(host: &H, proc: &H::Dir, into: &mut Pids, coverage: &mut Coverage) -> Result<(), Fault> {
    let mut full = false;
    into.clear();
    host.list(proc, &mut |name| {
        if let Some(pid) = decimal32(name) {
            full |= into.push(pid).is_err();
        }
    })?;
    if full {
        coverage.gap(b"/proc", format_args!("more than {PIDS} processes; the rest was not looked at"));
    }
    into.sort_unstable();
    Ok(())
}

/// Which parts of a process somebody wants to know, besides what it is called and what it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wants {
    /// `maps`.
    pub memory: bool,
    /// `fd`.
    pub descriptors: bool,
    /// `environ`.
    pub environment: bool,
    /// The hash of its program.
    pub sha256: bool,
}

/// How much was seen of each part.
#[derive(Debug, Default)]
pub struct Covers {
    /// What they are called and what they run.
    pub processes: Coverage,
    /// See [`Wants`].
    pub memory: Coverage,
    /// See [`Wants`].
    pub descriptors: Coverage,
    /// See [`Wants`].
    pub environment: Coverage,
}

/// Reads processes, and joins what must be known of their programs.
pub struct Reader<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// Its `/proc`.
    pub proc: &'a H::Dir,
    /// Who vouches for which program.
    pub owners: &'a mut Owners,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// What to read.
    pub wants: Wants,
    /// The root file system lives in memory, as that of an initramfs does.
    pub memory_root: bool,
    /// Our own mount namespace, `mnt:[N]`.
    pub namespace: Bytes<32>,
}

/// The directory of a process.
///
/// # Errors
/// [`Fault::NotFound`] when it has ended.
pub fn open<H: Host>(host: &H, proc: &H::Dir, pid: u32) -> Result<H::Dir, Fault> {
    host.dir_at(proc, number(pid).as_slice())
}

/// The name of a process's directory.
pub(super) fn number(pid: u32) -> Bytes<12> {
    let mut name = Bytes::new();
    let _ = write!(name, "{pid}");
    name
}

/// A path below the directory of a process.
pub fn path_of(pid: u32, what: &str, path: &[u8]) -> Bytes<{ PATH_BYTES + 32 }> {
    let mut whole = Bytes::new();
    let _ = write!(whole, "proc/{pid}/{what}");
    whole.push(path);
    whole
}

/// Reads what `stat` tells of a process.
///
/// # Errors
/// [`Fault::NotFound`] and [`Fault::Gone`] when it has ended, [`Fault::Covered`] when something else is in its place.
pub fn stat<H: Host>(host: &H, proc: &H::Dir, dir: &H::Dir, pid: u32) -> Result<Stat, Fault> {
    let mut line = Bytes::<STAT_BYTES>::new();
    let read = host.file_at(dir, b"stat").and_then(|mut file| fill(&mut file, &mut line));
    if let Err(fault) = read {
        // A process that has ended takes its directory along; a directory that stays without it is no process's.
        let covered = fault.is_absence() && is_covered(host, proc, number(pid).as_slice());
        return Err(if covered { Fault::Covered } else { fault });
    }
    let stat = Stat::parse(line.as_slice()).ok_or(Fault::Garbled)?;
    if stat.pid == pid { Ok(stat) } else { Err(Fault::Covered) }
}

/// Reads which program a process runs, into `path`.
///
/// # Errors
/// [`Fault::Gone`] when it has ended.
pub fn exe<H: Host>(host: &H, dir: &H::Dir, path: &mut Bytes<PATH_BYTES>) -> Result<Exe, Fault> {
    match path.fill(|into| host.link_at(dir, b"exe", into)) {
        Ok(()) if path.is_empty() => Ok(Exe::None),
        Ok(()) => Ok(Exe::settle(path)),
        Err(Fault::NotFound) => Ok(Exe::None),
        Err(Fault::Gone) => Err(Fault::Gone),
        Err(_) => Ok(Exe::Unknown),
    }
}

impl<H: Host> Reader<'_, H> {
    /// Reads one process.
    ///
    /// # Errors
    /// [`Fault::NotFound`] and [`Fault::Gone`] when it has ended.
    pub fn read(&mut self, pid: u32, process: &mut Process, covers: &mut Covers) -> Result<H::Dir, Fault> {
        let host = self.host;
        let dir = open(host, self.proc, pid)?;
        process.pid = pid;
        process.stat = stat(host, self.proc, &dir, pid)?;
        process.exe = exe(host, &dir, &mut process.path)?;
        if process.stat.state == b'Z' && process.stat.threads > 1 {
            threads(host, &dir, process)?;
        }
        match host.file_at(&dir, b"cmdline") {
            Ok(mut file) => fill(&mut file, &mut process.argv)?,
            Err(fault) if fault.is_absence() => process.argv.clear(),
            Err(fault) => return Err(fault),
        }
        process.status = pid::status(host, &dir)?;
        covers.processes.fact();
        let hidden = process.exe == Exe::Unknown || (process.exe == Exe::None && !process.argv.is_empty());
        if hidden && process.is_alive() {
            let what = format_args!("the program of process {pid} cannot be seen");
            covers.processes.gap(b"/proc", what);
        }
        process.memory = Memory::default();
        process.environment = Environment::default();
        process.descriptors = Descriptors::default();
        // The kernel's own have none of these.
        if process.is_user() && process.is_alive() {
            self.parts(&dir, process, covers);
        }
        self.surround(&dir, process);
        Ok(dir)
    }

    /// Reads the parts that somebody wants.
    fn parts(&self, dir: &H::Dir, process: &mut Process, covers: &mut Covers) {
        let host = self.host;
        let pid = process.pid;
        let note = |coverage: &mut Coverage, what: &str, read: Result<(), Fault>| match read {
            Ok(()) => coverage.fact(),
            Err(fault) if fault.is_absence() && !host.about().live => {} // Not recorded.
            Err(Fault::Gone) => {}
            Err(fault) => coverage.gap(b"/proc", format_args!("{what} of process {pid}: {fault}")),
        };
        if self.wants.memory {
            let read = pid::memory(host, dir, process.path.as_slice(), &mut process.memory);
            note(&mut covers.memory, "maps", read);
        }
        if self.wants.environment {
            note(&mut covers.environment, "environ", pid::environment(host, dir, &mut process.environment));
        }
    }

    /// Joins what is known of the program.
    fn surround(&mut self, dir: &H::Dir, process: &mut Process) {
        let host = self.host;
        process.surroundings = Surroundings::default();
        (process.alias, process.oom_score_adj, process.preload) = (false, None, None);
        if process.environment.loader.is_some() {
            process.preload = self.preloaded(&process.environment);
        }
        let Exe::Path { removed } = process.exe else { return };
        let mut known = Surroundings::default();
        let path = process.path.as_slice();
        if process.is_memory_file() {
            let exe = path_of(process.pid, "exe", b"");
            known.sealed = host.is_sealed(exe.as_slice());
            let content = content::read(host, exe.as_slice(), true, self.wants.sha256);
            (known.elf, known.dense, known.sha256) = (content.elf, content.dense, content.sha256);
            known.in_memory = true;
            process.surroundings = known;
            return;
        }
        let odd = place(path).is_odd();
        known.on_disk = odd && self.mounts.over(path).disk;
        if removed {
            known.exists = exists(host, process.pid, path);
            known.apart = self.is_apart(dir);
        }
        let row = self.owners.of(host, self.mounts, path);
        let by_path = row.map(|row| self.owners.known(row)).unwrap_or_default();
        known.owner = by_path.owner;
        let runs = host.program_of(dir).ok();
        let same = removed
            || match (runs, by_path.identity) {
                (Some(runs), Some(named)) => {
                    runs.is(&named)
                        || runs.inode == named.inode && self.is_copy(process, runs.size == named.size)
                }
                (Some(_), None) => false,
                // A recording has nothing but the path.
                (None, _) => true,
            };
        if !same {
            known.apart = self.is_apart(dir);
            known.replaced = !known.apart;
            known.owner = if by_path.owner == Owner::Unknown { Owner::Unknown } else { Owner::Nobody };
        }
        let exe = path_of(process.pid, "exe", b"");
        let content = match row.filter(|_| same && !removed) {
            Some(row) => self.owners.content(host, row, exe.as_slice(), self.wants.sha256),
            None => content::read(host, exe.as_slice(), true, self.wants.sha256),
        };
        (known.elf, known.dense, known.sha256) = (content.elf, content.dense, content.sha256);
        known.in_memory = if runs.is_some() {
            content.in_memory && !self.memory_root
        } else {
            self.mounts.over(path).memory
        };
        if !known.owner.vouches() {
            process.oom_score_adj = pid::oom_score_adj(host, dir);
            process.alias = self.is_alias(process);
        }
        process.surroundings = known;
    }

    /// Whether the file that runs and the one at its path have the same content. OpenWrt moves from one overlay to another
    /// while it boots, and each overlay gives the files of the image a device number of its own.
    fn is_copy(&self, process: &Process, same_size: bool) -> bool {
        let hash = |path: &[u8]| {
            self.host.file(path).and_then(|(mut file, identity)| hash::sha256(&mut file, identity.size)).ok()
        };
        let exe = path_of(process.pid, "exe", b"");
        same_size
            && hash(exe.as_slice()).is_some_and(|own| hash(relative(process.path.as_slice())) == Some(own))
    }

    /// Whether a process has a mount namespace of its own.
    fn is_apart(&self, dir: &H::Dir) -> bool {
        let mut namespace = Bytes::<32>::new();
        let read = self
            .host
            .dir_at(dir, b"ns")
            .and_then(|ns| namespace.fill(|into| self.host.link_at(&ns, b"mnt", into)));
        read.is_ok() && !self.namespace.is_empty() && namespace.as_slice() != self.namespace.as_slice()
    }

    /// Whether a system program of the name that a process claims leads to the very file that it runs.
    fn is_alias(&self, process: &Process) -> bool {
        const DIRS: [&str; 5] = ["usr/sbin/", "sbin/", "usr/bin/", "bin/", "opt/sbin/"];
        let claimed = |name: &[u8]| {
            let daemon =
                DAEMONS.iter().any(|daemon| *daemon == name || name.len() == 15 && daemon.starts_with(name));
            daemon && name != process.program()
        };
        let argv0 = basename(process.argv0());
        let argv0 = trim(argv0.strip_suffix(b":").unwrap_or(argv0));
        let own = self.host.file(relative(process.path.as_slice())).map(|(_, identity)| identity);
        let Ok(own) = own else { return false };
        [argv0, process.stat.comm.as_slice()].into_iter().filter(|name| claimed(name)).any(|name| {
            DIRS.iter().any(|dir| {
                let mut path = Bytes::<64>::of(dir.as_bytes());
                path.push(name);
                self.host.file(path.as_slice()).is_ok_and(|(_, identity)| identity.is(&own))
            })
        }) && !is_multicall(process.program())
    }

    /// The worst of the libraries that an environment brings in.
    fn preloaded(&mut self, environment: &Environment) -> Option<Library> {
        // What cannot be read whole may name anything.
        let mut worst =
            environment.cut.then_some(Library { owner: Owner::Unknown, odd: true, exists: false });
        for name in libraries(environment.libraries.as_slice()).take(MOST_LIBRARIES) {
            let library = library(self.host, self.owners, self.mounts, name);
            let weight = |library: &Library| (library.odd, library.exists, library.owner == Owner::Nobody);
            let vouched = |library: &Library| library.owner.vouches() && !library.odd;
            worst = Some(match worst {
                Some(other)
                    if vouched(&library) || !vouched(&other) && weight(&other) >= weight(&library) =>
                {
                    other
                }
                _ => library,
            });
        }
        worst
    }
}

/// What is known of a library by the name that a loader is given: a path, or a name to be searched for (ld.so(8)).
pub fn library<H: Host>(host: &H, owners: &mut Owners, mounts: &Mounts, name: &[u8]) -> Library {
    const DIRS: [&[u8]; 4] = [b"", b"/lib/", b"/usr/lib/", b"/usr/local/lib/"];
    let dirs = if name.contains(&b'/') { DIRS.get(..1) } else { DIRS.get(1..) };
    for dir in dirs.unwrap_or_default() {
        let mut path = Bytes::<PATH_BYTES>::of(dir);
        path.push(name);
        let path = path.as_slice();
        if is_file(host, relative(path)) {
            let owner = owners.of(host, mounts, path).map(|row| owners.known(row).owner).unwrap_or_default();
            return Library { owner, odd: place(path).is_odd(), exists: true };
        }
    }
    Library { owner: Owner::Unknown, odd: name.contains(&b'/') && place(name).is_odd(), exists: false }
}

/// Libraries of one environment that are looked at.
const MOST_LIBRARIES: usize = 16;

/// Whether the path names a file, as the process itself sees it: a container has a root of its own.
fn exists<H: Host>(host: &H, pid: u32, path: &[u8]) -> bool {
    if host.dir(path_of(pid, "root", b"").as_slice()).is_ok() {
        return is_file(host, path_of(pid, "root", path).as_slice());
    }
    is_file(host, relative(path))
}

/// Whether the directory of a process is still there, without what each has.
fn is_covered<H: Host>(host: &H, proc: &H::Dir, name: &[u8]) -> bool {
    host.dir_at(proc, name).is_ok_and(|dir| host.file_at(&dir, b"stat").is_err_and(Fault::is_absence))
}

/// A process whose first thread has ended shows neither program nor arguments; its other threads still do.
fn threads<H: Host>(host: &H, dir: &H::Dir, process: &mut Process) -> Result<(), Fault> {
    let tasks = host.dir_at(dir, b"task")?;
    let mut other = Bytes::<12>::new();
    host.list(&tasks, &mut |name| {
        if decimal32(name).is_some_and(|tid| tid != process.pid) {
            other = Bytes::of(name);
        }
    })?;
    let thread = host.dir_at(&tasks, other.as_slice())?;
    process.stat.state = b'S';
    process.exe = exe(host, &thread, &mut process.path)?;
    Ok(())
}
