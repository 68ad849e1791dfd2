//! What a process has to do with others: its ancestors, the process that traces it, its age, its namesakes.

use super::fill;
use super::mounts::Mounts;
use super::owner::Owners;
use super::proc;
use crate::facts::place::{Place, place};
use crate::facts::process::{Exe, Kin, Owner, Process, Relative, Stat};
use crate::facts::text::{Bytes, basename, decimal, fields};
use crate::host::Host;
use crate::limits::{PARENTS, PATH_BYTES};

/// Ticks a second of every time in `/proc/PID/stat`: `USER_HZ` is 100 on all architectures that Linux runs routers on
/// (include/asm-generic/param.h).
const TICKS: u64 = 100;

/// Joins everything to a process.
pub fn join<H: Host>(host: &H, dir: &H::Dir, owners: &mut Owners, mounts: &Mounts, process: &mut Process) {
    let mut kin = Kin::default();
    let mut next = process.stat.ppid;
    while next != 0 && kin.parents.len() < PARENTS && next != process.pid {
        let Some((stat, parent)) = relative(host, dir, owners, mounts, next) else { break };
        // A circle cannot be, but a recording may hold anything.
        next = if kin.parents.iter().any(|known| known.pid == stat.ppid) { 0 } else { stat.ppid };
        let _ = kin.parents.push(parent);
    }
    if process.status.tracer != 0 {
        kin.tracer = relative(host, dir, owners, mounts, process.status.tracer).map(|(_, tracer)| tracer);
    }
    kin.age_s =
        uptime_s(host).and_then(|uptime| uptime.checked_sub(process.stat.start_ticks.div_euclid(TICKS)));
    let row = owners.find(process.path.as_slice()).filter(|_| matches!(process.exe, Exe::Path { .. }));
    (kin.names, kin.programs) = owners.namesakes(row, process.stat.comm.as_slice());
    process.kin = kin;
}

fn relative<H: Host>(
    host: &H,
    proc: &H::Dir,
    owners: &mut Owners,
    mounts: &Mounts,
    pid: u32,
) -> Option<(Stat, Relative)> {
    let dir = proc::open(host, proc, pid).ok()?;
    let stat = proc::stat(host, proc, &dir, pid).ok()?;
    let mut path = Bytes::<PATH_BYTES>::new();
    let exe = proc::exe(host, &dir, &mut path).ok()?;
    let mut known =
        Relative { pid, comm: stat.comm.clone(), terminal: stat.terminal != 0, ..Relative::default() };
    if let Exe::Path { removed } = exe {
        let here = path.as_slice();
        known.program = Bytes::of(basename(here));
        let row = owners.of(host, mounts, here);
        known.owner = row.map(|row| owners.known(row).owner).unwrap_or_default();
        let again = removed && known.owner.vouches();
        let in_place = place(here) == Place::Firm && !here.starts_with(b"/memfd:");
        known.odd = !in_place || removed && !again;
        known.firm = in_place && (!removed || again) && known.owner != Owner::Nobody;
    }
    Some((stat, known))
}

/// Whole seconds since boot: the first number of `/proc/uptime`.
fn uptime_s<H: Host>(host: &H) -> Option<u64> {
    let mut text = Bytes::<64>::new();
    fill(&mut host.file(b"proc/uptime").ok()?.0, &mut text).ok()?;
    decimal(fields(text.as_slice()).next()?.split(|b| *b == b'.').next()?)
}
