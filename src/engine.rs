//! One pass over each source; each fact is handed to the checks that are hooked to it; each check says how well it
//! could look. Data goes from left to right here and nowhere back.

use crate::check::{Check, Ctx, Hook, Out, Say, Selection};
use crate::checks;
use crate::facts::commands::Commands;
use crate::facts::process::{Exe, Process};
use crate::facts::socket::{Holder, Socket};
use crate::facts::startup::Line;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::{ACCUSED, CHECKS, HOLDERS, WHY_BYTES};
use crate::report::{CheckReport, Counts, Event, Looked, Sink, SinkFault, Stage};
use crate::source::{Coverage, net, proc, startup};

/// Milliseconds between the two looks at a process before it is accused: an upgrade replaces a file, and a
/// helper of the kernel executes its program, in less.
const SECOND_LOOK_MS: u32 = 100;

/// The tables of a scan. Large and all zeros at first, so it belongs into `.bss`.
pub struct Scratch {
    pids: proc::Pids,
    holders: proc::Holders,
    /// Pid and start of processes that get a second look.
    accused: heapless::Vec<(u32, u64), ACCUSED>,
    ports: net::Ports,
    seen: startup::Seen,
    commands: Commands,
}

impl Scratch {
    /// Empty tables.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pids: proc::Pids::new(),
            holders: proc::Holders::new(),
            accused: heapless::Vec::new(),
            ports: net::Ports::new(),
            seen: startup::Seen::new(),
            commands: Commands::new(),
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// What a scan is asked to do.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The checks to run.
    pub selection: Selection,
    /// What they may know.
    pub ctx: Ctx<'a>,
    /// Why indicators are missing; empty if all were loaded.
    pub intel_gap: &'a [u8],
}

/// Looks at a machine and tells everything to `sink`.
///
/// # Errors
/// When nobody listens any more.
pub fn scan<H: Host>(
    host: &H,
    plan: &Plan<'_>,
    scratch: &mut Scratch,
    sink: &mut dyn Sink,
) -> Result<(), SinkFault> {
    let mut run = Run { plan, sink, found: [0; CHECKS], counts: Counts::default(), fault: None };
    let (processes, sockets) = (run.wants(is_process), run.wants(is_socket));
    if processes || sockets {
        run.processes(host, scratch, sockets)?;
    }
    if sockets {
        run.sockets(host, scratch)?;
    }
    if run.wants(is_line) {
        run.startup(host, scratch)?;
    }
    run.tell(&Event::End)
}

fn is_process(hook: &Hook) -> bool {
    matches!(hook, Hook::Process(_))
}

fn is_socket(hook: &Hook) -> bool {
    matches!(hook, Hook::Socket(_))
}

fn is_line(hook: &Hook) -> bool {
    matches!(hook, Hook::Line(_))
}

struct Run<'r, 'p> {
    plan: &'r Plan<'p>,
    sink: &'r mut dyn Sink,
    found: [u32; CHECKS],
    counts: Counts,
    fault: Option<SinkFault>,
}

impl<'p> Run<'_, 'p> {
    fn tell(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        self.fault.map_or_else(|| self.sink.event(event), Err)
    }

    /// The checks of this run that are hooked to a kind of fact.
    fn checks(&self, kind: fn(&Hook) -> bool) -> impl Iterator<Item = (usize, &'static Check)> + use<'p> {
        let selection = self.plan.selection;
        let chosen =
            move |(index, check): &(usize, &'static Check)| selection.has(*index) && kind(&check.hook);
        checks::ALL.iter().copied().enumerate().filter(chosen)
    }

    fn wants(&self, kind: fn(&Hook) -> bool) -> bool {
        self.checks(kind).next().is_some()
    }

    /// Shows a fact to the checks of its kind. Returns whether one of them has something to say; it is said only
    /// if `aloud`.
    fn show(
        &mut self,
        kind: fn(&Hook) -> bool,
        aloud: bool,
        run: &dyn Fn(&Hook, &Ctx<'_>, &mut Out<'_>),
    ) -> bool {
        let mut any = false;
        for (index, check) in self.checks(kind) {
            let say = if aloud { Say::Tell(self.sink) } else { Say::Count };
            let mut out = Out { check, say, found: 0, fault: None };
            run(&check.hook, &self.plan.ctx, &mut out);
            let (found, fault) = (out.found, out.fault);
            any |= found > 0;
            self.fault = self.fault.or(fault);
            if let Some(count) = self.found.get_mut(index).filter(|_| aloud) {
                *count = count.saturating_add(found);
            }
        }
        any
    }

    fn show_process(&mut self, process: &Process, aloud: bool) -> bool {
        self.show(is_process, aloud, &|hook, ctx, out| {
            if let Hook::Process(run) = hook {
                run(process, ctx, out);
            }
        })
    }

    fn show_socket(&mut self, socket: &Socket, aloud: bool) -> bool {
        self.show(is_socket, aloud, &|hook, ctx, out| {
            if let Hook::Socket(run) = hook {
                run(socket, ctx, out);
            }
        })
    }

    fn show_line(&mut self, line: &Line<'_>) {
        self.show(is_line, true, &|hook, ctx, out| {
            if let Hook::Line(run) = hook {
                run(line, ctx, out);
            }
        });
    }

    /// Walks the processes, and notes who holds which socket if somebody wants to know.
    fn processes<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
        sockets: bool,
    ) -> Result<(), SinkFault> {
        self.tell(&Event::Stage(Stage::Processes))?;
        let mut coverage = Coverage::new();
        scratch.holders.clear();
        scratch.accused.clear();
        match host.dir(b"proc").and_then(|dir| {
            proc::pids(host, &dir, &mut scratch.pids, &mut coverage)?;
            Ok(dir)
        }) {
            Ok(dir) => self.walk(host, &dir, scratch, sockets, &mut coverage),
            Err(Fault::NotFound) if !host.about().live => coverage.absent = true,
            Err(fault) => coverage.gap(b"/proc", format_args!("{fault}")),
        }
        if coverage.facts == 0 && coverage.gaps == 0 && !coverage.absent {
            if host.about().live {
                coverage.gap(b"/proc", format_args!("no process in it"));
            } else {
                coverage.absent = true;
            }
        }
        self.counts.processes = coverage.facts;
        self.verdicts(is_process, &coverage, "this tree holds no processes")
    }

    fn walk<H: Host>(
        &mut self,
        host: &H,
        dir: &H::Dir,
        scratch: &mut Scratch,
        sockets: bool,
        coverage: &mut Coverage,
    ) {
        let mut process = Process::default();
        for pid in scratch.pids.iter().copied() {
            let opened = match proc::read(host, dir, pid, &mut process) {
                Ok(opened) => opened,
                Err(fault) if fault.is_absence() => continue,
                Err(fault) => {
                    coverage.gap(b"/proc", format_args!("process {pid} could not be read: {fault}"));
                    continue;
                }
            };
            coverage.fact();
            let hidden =
                process.exe == Exe::Unknown || (process.exe == Exe::None && !process.argv.is_empty());
            if hidden && process.is_alive() {
                coverage.gap(b"/proc", format_args!("the program of process {pid} cannot be seen"));
            }
            if sockets {
                // A holder that cannot be seen costs a finding its name, not itself.
                if proc::sockets(host, &opened, pid, &mut scratch.holders) == Err(Fault::TooLong) {
                    log::warn!("more than {HOLDERS} sockets are held; the holders of some stay unknown");
                }
            }
            if self.show_process(&process, false)
                && scratch.accused.push((pid, process.stat.start_ticks)).is_err()
                && proc::read(host, dir, pid, &mut process).is_ok()
            {
                self.show_process(&process, true);
            }
        }
        proc::sort(&mut scratch.holders);
        if !scratch.accused.is_empty() {
            host.pause(SECOND_LOOK_MS);
        }
        for (pid, start) in &scratch.accused {
            let again = proc::read(host, dir, *pid, &mut process);
            if again.is_ok() && process.stat.start_ticks == *start {
                self.show_process(&process, true);
            } else {
                // No accusation, and no acquittal: a bot may hop from process to process.
                coverage
                    .gap(b"/proc", format_args!("process {pid} looked odd and ended before a second look"));
            }
        }
    }

    fn sockets<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.tell(&Event::Stage(Stage::Sockets))?;
        let mut coverage = Coverage::new();
        let proc = host.dir(b"proc");
        let Scratch { holders, ports, .. } = scratch;
        let live = host.about().live;
        // An unpacked image has an empty /proc.
        let no_net = self.counts.processes == 0 && matches!(host.dir(b"proc/net"), Err(Fault::NotFound));
        match (&proc, host.about().endian) {
            _ if !live && no_net => coverage.absent = true,
            (Err(fault), _) => coverage.gap(b"/proc", format_args!("{fault}")),
            (Ok(_), None) => {
                coverage.gap(
                    b"about.toml",
                    format_args!("its byte_order is needed to read /proc/net of a recording"),
                );
            }
            (Ok(proc), Some(endian)) => {
                net::sockets(host, endian, ports, &mut coverage, &mut |socket| {
                    if self.show_socket(socket, false) {
                        socket.holder = holder(host, proc, holders, socket.inode);
                        self.show_socket(socket, true);
                    }
                });
            }
        }
        self.counts.sockets = coverage.facts;
        self.verdicts(is_socket, &coverage, "this tree holds no processes")
    }

    fn startup<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.tell(&Event::Stage(Stage::Startup))?;
        let mut coverage = Coverage::new();
        scratch.seen.clear();
        let mut walk = startup::Walk {
            host,
            seen: &mut scratch.seen,
            commands: &mut scratch.commands,
            coverage: &mut coverage,
            files: 0,
            each: &mut |line| self.show_line(line),
        };
        walk.run();
        self.counts.files = walk.files;
        self.verdicts(is_line, &coverage, "")
    }

    /// Says for each check of a kind how well it could look.
    fn verdicts(&mut self, kind: fn(&Hook) -> bool, seen: &Coverage, absent: &str) -> Result<(), SinkFault> {
        let counts = self.counts;
        for (index, check) in self.checks(kind) {
            let findings = self.found.get(index).copied().unwrap_or_default();
            let mut why = Bytes::<WHY_BYTES>::new();
            let no_intel = check.intel && self.plan.ctx.intel.is_empty();
            let gap = check.intel && !self.plan.intel_gap.is_empty();
            if seen.gaps > 0 {
                why = seen.reason();
            }
            if gap {
                why.push(if why.is_empty() { b"" } else { b"; " });
                why.push(self.plan.intel_gap);
            }
            let looked = if seen.absent {
                why = Bytes::of(absent.as_bytes());
                Looked::Na
            } else if no_intel || (seen.gaps > 0 && seen.facts == 0) {
                Looked::No
            } else if gap || seen.gaps > 0 {
                Looked::Partly
            } else {
                Looked::Yes
            };
            let report =
                CheckReport { check: check.id, looked, why: why.as_slice(), facts: seen.facts, findings };
            self.tell(&Event::Check(report))?;
        }
        self.tell(&Event::Counts(counts))
    }
}

/// The process that holds a socket, if it still does.
fn holder<H: Host>(host: &H, proc: &H::Dir, holders: &proc::Holders, inode: u64) -> Option<Holder> {
    let pid = proc::holder(holders, inode)?;
    let mut process = Process::default();
    let dir = proc::read(host, proc, pid, &mut process).ok()?;
    proc::holds(host, &dir, inode).then(|| Holder { pid, comm: process.stat.comm, path: process.path })
}

#[cfg(test)]
mod tests;
