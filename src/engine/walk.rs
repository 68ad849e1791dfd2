//! The walk over processes, and what is joined to it: who owns which program, who is whose parent.

use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::Source;
use crate::facts::logging::{self, Logging};
use crate::facts::process::{Exe, Process};
use crate::facts::program::applet;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::{HOLDERS, NAME_BYTES, PATH_BYTES};
use crate::report::SinkFault;
use crate::source::proc::{Covers, Reader, Wants};
use crate::source::{Coverage, holders, kin, log, proc, wire};

/// A process that gets a second look.
pub(super) struct Accused {
    pid: u32,
    start_ticks: u64,
    comm: Bytes<16>,
    /// The row of its program.
    program: Option<usize>,
}

/// What the walk leaves for those who look at other things.
#[derive(Default)]
struct Passed {
    log: Logging,
    /// The program of the first process.
    first: Bytes<NAME_BYTES>,
    holders_full: bool,
}

impl Run<'_, '_> {
    /// Walks the processes, if a check wants to know of them or of their sockets.
    #[inline(never)]
    pub(super) fn processes<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        const NEEDED: [Source; 9] = [
            Source::Processes,
            Source::Memory,
            Source::Descriptors,
            Source::Environment,
            Source::Owners,
            Source::Sockets,
            Source::RawSockets,
            Source::Rules,
            Source::Log,
        ];
        let wanted = NEEDED.iter().any(|source| self.wants(*source));
        if !wanted && !self.wants(Source::Hidden) {
            return Ok(());
        }
        let (mut covers, mut owned) = (Covers::default(), Coverage::new());
        let mut passed = Passed::default();
        scratch.holders.clear();
        scratch.programs.clear();
        scratch.accused.clear();
        scratch.owners.clear(self.plan.baseline);
        scratch.pids.clear();
        self.begin(Source::Owners)?;
        match host.dir(b"proc").and_then(|dir| {
            proc::pids(host, &dir, &mut scratch.pids, &mut covers.processes)?;
            Ok(dir)
        }) {
            Ok(dir) if wanted => {
                collect(host, &dir, scratch, &mut owned);
                if scratch.mounts.is_full() {
                    owned.gap(b"/proc/self/mountinfo", format_args!("not all mounts are known"));
                }
                self.begin(Source::Processes)?;
                self.walk(host, &dir, scratch, &mut covers, &mut passed);
                scratch.owners.limits(&mut owned);
            }
            Ok(_) => return Ok(()),
            Err(Fault::NotFound) if !host.about().live => covers.processes.absent = true,
            Err(fault) => covers.processes.gap(b"/proc", format_args!("{fault}")),
        }
        let processes = &mut covers.processes;
        if processes.facts == 0 && processes.gaps == 0 && !processes.absent {
            if host.about().live {
                processes.gap(b"/proc", format_args!("no process in it"));
            } else {
                processes.absent = true;
            }
        }
        self.counts.processes = processes.facts;
        // A process that could not be read at all is missing among its parts too.
        if processes.gaps > 0 {
            for part in [&mut covers.memory, &mut covers.descriptors, &mut covers.environment] {
                if part.gaps == 0 {
                    part.why = processes.why.clone();
                }
                part.gaps = part.gaps.max(processes.gaps);
            }
        }
        if processes.absent {
            for part in [&mut covers.memory, &mut covers.descriptors, &mut covers.environment, &mut owned] {
                part.absent = true;
            }
        } else {
            owned.absent &= processes.facts > 0;
            self.without_baseline(&mut owned);
        }
        if self.wants(Source::Log) {
            self.begin(Source::Log)?;
            let mut coverage = Coverage::new();
            if covers.processes.absent {
                coverage.absent = true;
            } else {
                log::look(host, passed.first.as_slice(), &mut passed.log, &mut coverage);
                self.show_log(&passed.log);
            }
            self.note(Source::Log, coverage);
        }
        let Covers { processes, memory, descriptors, environment } = covers;
        self.note(Source::Processes, processes);
        self.note(Source::Memory, memory);
        self.note(Source::Descriptors, descriptors);
        self.note(Source::Environment, environment);
        self.note(Source::Owners, owned);
        self.verdicts()
    }

    fn walk<H: Host>(
        &mut self,
        host: &H,
        dir: &H::Dir,
        scratch: &mut Scratch,
        covers: &mut Covers,
        passed: &mut Passed,
    ) {
        let Scratch { pids, holders, programs, accused, owners, mounts, .. } = scratch;
        let wants = Wants {
            memory: self.wants(Source::Memory),
            descriptors: self.wants(Source::Descriptors)
                || self.wants(Source::Sockets)
                || self.wants(Source::Rules)
                || self.wants(Source::RawSockets),
            environment: self.wants(Source::Environment),
            sha256: self.wants_hashes(),
        };
        let mut reader = Reader {
            host,
            proc: dir,
            owners,
            mounts,
            wants,
            memory_root: host.in_memory(b"").unwrap_or_default(),
            namespace: namespace(host, b"mnt"),
        };
        let mut process = nobody();
        for pid in pids.iter().copied() {
            process.renamed = None;
            process.kin = Default::default();
            let opened = match reader.read(pid, &mut process, covers) {
                Ok(opened) => opened,
                Err(fault) if fault.is_absence() => continue,
                Err(fault) => {
                    let what = format_args!("process {pid} could not be read: {fault}");
                    covers.processes.gap(b"/proc", what);
                    continue;
                }
            };
            if wants.descriptors {
                let before = holders.len();
                let read = holders::descriptors(host, &opened, &mut process, Some(holders));
                if holders.len() > before {
                    programs.add(&process, reader.owners.find(process.path.as_slice()));
                }
                descriptors(host, pid, read, covers, passed);
                wire::join(host, dir, &mut process);
            }
            if wants.sha256 && process.surroundings.sha256.is_none() {
                self.unhashed(host, &process);
            }
            passed.pass(&process);
            if let Some(row) = reader.owners.find(process.path.as_slice()).filter(|_| process.is_user()) {
                reader.owners.named(row, process.stat.comm.as_slice());
            }
            if self.show_process(&process, false) {
                let comm = Bytes::of(process.stat.comm.as_slice());
                let start_ticks = process.stat.start_ticks;
                let program = reader.owners.find(process.path.as_slice());
                if let Err(accused) = accused.push(Accused { pid, start_ticks, comm, program }) {
                    self.second_look(&mut reader, &mut process, &accused, &mut covers.processes);
                }
            }
        }
        holders::sort(holders);
        if !accused.is_empty() {
            host.pause(SECOND_LOOK_MS);
            reader.owners.doubt(host, mounts);
        }
        for accused in accused.iter() {
            self.second_look(&mut reader, &mut process, accused, &mut covers.processes);
        }
    }

    /// A program that was to be hashed and was not, although it still runs, is missing among the hashes.
    fn unhashed<H: Host>(&mut self, host: &H, process: &Process) {
        if !process.is_user() || !matches!(process.exe, Exe::Path { .. }) {
            return;
        }
        let fault = match host.file(proc::path_of(process.pid, "exe", b"").as_slice()) {
            Ok(_) => Fault::Large,
            Err(fault) if fault.is_absence() => return,
            Err(fault) => fault,
        };
        let what = format_args!("the program of process {} was not hashed: {fault}", process.pid);
        self.hashes_missing(b"/proc", what);
    }

    /// Notes that a hash is missing.
    pub(super) fn hashes_missing(&mut self, subject: &[u8], what: core::fmt::Arguments<'_>) {
        if let Some(Some(seen)) = self.seen.get_mut(Source::Hashes.index()) {
            seen.gap(subject, what);
        }
    }

    /// Reads an accused process again, with all that belongs to it, and says what the checks have to say of it now.
    fn second_look<H: Host>(
        &mut self,
        reader: &mut Reader<'_, H>,
        process: &mut Process,
        accused: &Accused,
        coverage: &mut Coverage,
    ) {
        let pid = accused.pid;
        let again = read_again(reader, pid, process);
        if again.is_ok() && process.stat.start_ticks == accused.start_ticks {
            let comm = Bytes::<16>::of(process.stat.comm.as_slice());
            process.renamed = Some(comm.as_slice() != accused.comm.as_slice());
            let said = self.show_process(process, true);
            if !said && reader.owners.find(process.path.as_slice()) != accused.program {
                let what =
                    format_args!("process {pid} looked odd and ran another program at the second look");
                coverage.gap(b"/proc", what);
            }
        } else {
            // No accusation, and no acquittal: a bot may hop from process to process.
            coverage.gap(b"/proc", format_args!("process {pid} looked odd and ended before a second look"));
        }
    }
}

impl Passed {
    /// Notes what a process is to the whole machine.
    fn pass(&mut self, process: &Process) {
        let comm = process.stat.comm.as_slice();
        if process.pid == 1 {
            self.first = Bytes::of(applet(process));
        }
        if self.log.daemon == 0 && process.is_alive() && logging::is_daemon(comm) {
            self.log.daemon = process.pid;
            self.log.name = Bytes::of(comm);
        }
    }
}

/// Adds the program of every process, and finds out who vouches for them all.
fn collect<H: Host>(host: &H, dir: &H::Dir, scratch: &mut Scratch, coverage: &mut Coverage) {
    let Scratch { pids, owners, mounts, .. } = scratch;
    let mut path = Bytes::<PATH_BYTES>::new();
    for pid in pids.iter() {
        let Ok(process) = proc::open(host, dir, *pid) else { continue };
        if let Ok(Exe::Path { .. }) = proc::exe(host, &process, &mut path)
            && !path.as_slice().starts_with(b"/memfd:")
        {
            // What does not fit is counted, and said with the rest.
            let _ = owners.add(path.as_slice());
        }
    }
    owners.resolve(host, mounts, 0, coverage);
}

/// A process to read into. Once, because its fields are many.
#[inline(never)]
pub(super) fn nobody() -> Process {
    Process::default()
}

/// Our own namespace of a kind.
pub(super) fn namespace<H: Host>(host: &H, kind: &[u8]) -> Bytes<32> {
    let mut namespace = Bytes::new();
    if let Ok(dir) = host.dir(b"proc/self/ns") {
        let _ = namespace.fill(|into| host.link_at(&dir, kind, into));
    }
    namespace
}

/// Reads a process with all that belongs to it.
pub(super) fn read_again<H: Host>(
    reader: &mut Reader<'_, H>,
    pid: u32,
    process: &mut Process,
) -> Result<(), Fault> {
    let host = reader.host;
    let opened = reader.read(pid, process, &mut Covers::default())?;
    if reader.wants.descriptors {
        // Who holds which socket was noted at the first look.
        let _ = holders::descriptors(host, &opened, process, None);
        wire::join(host, reader.proc, process);
    }
    kin::join(host, reader.proc, reader.owners, reader.mounts, process);
    Ok(())
}

/// Notes how well the descriptors of a process could be seen.
fn descriptors<H: Host>(
    host: &H,
    pid: u32,
    read: Result<(), Fault>,
    covers: &mut Covers,
    passed: &mut Passed,
) {
    let coverage = &mut covers.descriptors;
    match read {
        Ok(()) => coverage.fact(),
        Err(Fault::TooLong) => {
            coverage.fact();
            if !core::mem::replace(&mut passed.holders_full, true) {
                let what =
                    format_args!("more than {HOLDERS} sockets are held; the holders of some stay unknown");
                coverage.gap(b"/proc", what);
            }
        }
        Err(Fault::Gone) => {}
        // Not recorded.
        Err(fault) if fault.is_absence() && !host.about().live => coverage.fact(),
        Err(fault) => coverage.gap(b"/proc", format_args!("descriptors of process {pid}: {fault}")),
    }
}
