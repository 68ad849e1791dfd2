//! Sockets, and who holds them: the tables of the kernel joined with what the walk over processes left.

use super::walk::{namespace, nobody, read_again};
use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::Source;
use crate::facts::process::Process;
use crate::facts::raw::RawSocket;
use crate::facts::socket::Socket;
use crate::host::{Fault, Host};
use crate::limits::PACKETS;
use crate::report::SinkFault;
use crate::source::holders::Holders;
use crate::source::mounts::Mounts;
use crate::source::owner::Owners;
use crate::source::proc::{Reader, Wants};
use crate::source::{Coverage, holders, net, proc, raw};

impl Run<'_, '_> {
    pub(super) fn sockets<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Sockets)?;
        let mut coverage = Coverage::new();
        let live = host.about().live;
        // An unpacked image has an empty /proc.
        let no_net = self.counts.processes == 0 && matches!(host.dir(b"proc/net"), Err(Fault::NotFound));
        match (host.dir(b"proc"), host.about().endian) {
            _ if !live && no_net => coverage.absent = true,
            (Err(fault), _) => coverage.gap(b"/proc", format_args!("{fault}")),
            (Ok(_), None) => {
                coverage.gap(
                    b"about.toml",
                    format_args!("its byte_order is needed to read /proc/net of a recording"),
                );
            }
            (Ok(proc), Some(endian)) => {
                let Scratch { ports, holders, owners, mounts, topology, exposures, .. } = scratch;
                let mut reader = bare(host, &proc, owners, mounts);
                let mut process = nobody();
                net::sockets(host, endian, ports, &mut coverage, &mut |socket| {
                    exposures.socket(socket, topology);
                    if self.show_socket(socket, false) {
                        let holder = holder(&mut reader, holders, socket.inode, &mut process);
                        self.show_socket(&Socket { holder: holder.then_some(&process), ..*socket }, true);
                    }
                });
            }
        }
        self.counts.sockets = coverage.facts;
        self.note(Source::Sockets, coverage);
        self.verdicts()
    }

    pub(super) fn raw_sockets<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::RawSockets)?;
        let mut coverage = Coverage::new();
        let live = host.about().live;
        match host.dir(b"proc") {
            _ if !live && matches!(host.dir(b"proc/net"), Err(Fault::NotFound)) => coverage.absent = true,
            Err(fault) => coverage.gap(b"/proc", format_args!("{fault}")),
            Ok(proc) => {
                let Scratch { pids, packets, holders, owners, mounts, .. } = scratch;
                let mut reader = bare(host, &proc, owners, mounts);
                let mut process = nobody();
                // Sockets without a holder among the processes that were walked.
                let mut unheld = heapless::Vec::<u64, PACKETS>::new();
                raw::sockets(host, packets, &mut coverage, &mut |socket| {
                    if holder(&mut reader, holders, socket.inode, &mut process) {
                        let shown = RawSocket { holder: Some(&process), ..socket };
                        if self.show_raw(&shown, false) {
                            self.show_raw(&shown, true);
                        }
                    } else if self.show_raw(&socket, false) {
                        // More of them than fit are as many accusations already.
                        let _ = unheld.push(socket.inode);
                    }
                });
                raw::interfaces(host, packets, &mut |interface| self.show_interface(interface));
                if !unheld.is_empty() {
                    self.unheld(&mut reader, (pids, holders, packets), &unheld, &mut coverage);
                }
            }
        }
        self.note(Source::RawSockets, coverage);
        self.verdicts()
    }

    /// Sockets that nobody seemed to hold: one may have been opened, or handed on, since the processes were walked. So who
    /// holds what is found out again, and only what is still there and still nobody's is told.
    fn unheld<H: Host>(
        &mut self,
        reader: &mut Reader<'_, H>,
        (pids, holders, packets): (&mut proc::Pids, &mut Holders, &mut raw::Details),
        unheld: &[u64],
        coverage: &mut Coverage,
    ) {
        let host = reader.host;
        if !host.about().live {
            // Tables and descriptors were not recorded at one moment, and cannot be looked at again.
            let what = format_args!("a raw socket is held by no process that was recorded");
            return coverage.gap(b"/proc", what);
        }
        // Of a container that shares the machine's network the holder may be outside.
        if namespace(host, b"pid").as_slice() != INITIAL_PIDS {
            let what = format_args!("a raw socket is held by no process of this pid namespace");
            return coverage.gap(b"/proc", what);
        }
        let unseen = self.seen.get(Source::Descriptors.index()).and_then(Option::as_ref);
        if unseen.is_none_or(|seen| seen.gaps > 0) {
            let what = format_args!("a raw socket is held by a process whose descriptors cannot be seen");
            return coverage.gap(b"/proc", what);
        }
        host.pause(SECOND_LOOK_MS);
        holders.clear();
        let mut process = nobody();
        if proc::pids(host, reader.proc, pids, coverage).is_err() {
            return;
        }
        for pid in pids.iter() {
            if let Ok(dir) = proc::open(host, reader.proc, *pid) {
                process.pid = *pid;
                let _ = holders::descriptors(host, &dir, &mut process, Some(holders));
            }
        }
        holders::sort(holders);
        raw::sockets(host, packets, &mut Coverage::new(), &mut |socket| {
            if unheld.contains(&socket.inode) {
                let held = holder(reader, holders, socket.inode, &mut process);
                self.show_raw(&RawSocket { holder: held.then_some(&process), ..socket }, true);
            }
        });
    }
}

/// The first pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PIDS: &[u8] = b"pid:[4026531836]";

/// A reader that reads no more than what a process is.
pub(super) fn bare<'a, H: Host>(
    host: &'a H,
    proc: &'a H::Dir,
    owners: &'a mut Owners,
    mounts: &'a Mounts,
) -> Reader<'a, H> {
    let memory_root = host.in_memory(b"").unwrap_or_default();
    Reader {
        host,
        proc,
        owners,
        mounts,
        wants: Wants::default(),
        memory_root,
        namespace: namespace(host, b"mnt"),
    }
}

/// Reads the process that holds a socket, if one still does.
fn holder<H: Host>(reader: &mut Reader<'_, H>, holders: &Holders, inode: u64, process: &mut Process) -> bool {
    let host = reader.host;
    let Some(pid) = holders::holder(holders, inode) else { return false };
    if read_again(reader, pid, process).is_err() {
        return false;
    }
    proc::open(host, reader.proc, pid).is_ok_and(|dir| holders::holds(host, &dir, inode))
}
