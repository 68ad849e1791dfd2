//! Sockets, and who holds them: the tables of the kernel joined with what the walk over processes left.

use super::holding::{bare, hold_again, holder};
use super::services::{Tables, join};
use super::walk::{namespace, nobody};
use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::{Hook, Source};
use crate::facts::raw::RawSocket;
use crate::facts::socket::Socket;
use crate::facts::unix::HiddenSocket;
use crate::host::{Fault, Host};
use crate::limits::PACKETS;
use crate::report::SinkFault;
use crate::source::holders::Holders;
use crate::source::proc::Reader;
use crate::source::{Coverage, net, proc, raw, unix};

impl Run<'_, '_> {
    #[inline(never)]
    pub(super) fn sockets<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Sockets)?;
        let mut coverage = Coverage::new();
        let live = host.about().live;
        let seed = self.seed(live);
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
                let Scratch { pids, ports, holders, owners, mounts, told, .. } = scratch;
                let Scratch { topology, shown, programs, services, fanouts, exposures, .. } = scratch;
                told.clear();
                let mut reader = bare(host, &proc, owners, mounts);
                let mut process = nobody();
                shown.clear(seed);
                services.clear(seed);
                let can = self.diag(host);
                let mut look = net::Look {
                    host,
                    endian,
                    ports,
                    can,
                    topology: Some(topology),
                    shown: Some(shown),
                    coverage: &mut coverage,
                };
                look.sockets(&mut |socket| {
                    join(socket, (holders, programs), services, fanouts);
                    exposures.socket(socket, topology);
                    if self.show_socket(socket, false) {
                        let holder = holder(&mut reader, holders, socket.inode, &mut process);
                        self.show_socket(&Socket { holder: holder.then_some(&process), ..*socket }, true);
                        // One that does not fit is told a second time, of its flow.
                        let _ = told.push(socket.remote);
                    }
                });
                shown.clear(seed);
                unix::hidden(host, can, endian, shown, &mut coverage, &mut |socket| {
                    let holder = holder(&mut reader, holders, socket.inode, &mut process);
                    let hidden = HiddenSocket { socket, holder: holder.then_some(&process) };
                    self.show(true, &|hook, ctx, out| {
                        if let Hook::HiddenSocket(run) = hook {
                            run(&hidden, ctx, out);
                        }
                    });
                });
                let mut tables =
                    Tables { endian, seed, pids, ports, holders, programs, topology, can, services, fanouts };
                self.together(&mut reader, &mut tables, &mut coverage);
                // Flows are counted anew: they have no processes.
                fanouts.clear(seed);
            }
        }
        self.counts.sockets = coverage.facts;
        self.note(Source::Sockets, coverage);
        self.verdicts()
    }

    #[inline(never)]
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
                raw::sockets(host, self.diag(host), packets, &mut coverage, &mut |socket| {
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

    /// Why a socket that no visible process holds may be held all the same. `None`: nobody holds it.
    pub(super) fn unseen<H: Host>(&self, host: &H) -> Option<&'static str> {
        if !host.about().live {
            // Tables and descriptors were not recorded at one moment, and cannot be looked at again.
            return Some("no process that was recorded");
        }
        // Of a container that shares the machine's network the holder may be outside.
        if namespace(host, b"pid").as_slice() != INITIAL_PIDS {
            return Some("no process of this pid namespace");
        }
        let unseen = self.seen.get(Source::Descriptors.index()).and_then(Option::as_ref);
        let blind = unseen.is_none_or(|seen| seen.gaps > 0);
        blind.then_some("a process whose descriptors cannot be seen")
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
        if let Some(reason) = self.unseen(host) {
            return coverage.gap(b"/proc", format_args!("a raw socket is held by {reason}"));
        }
        host.pause(SECOND_LOOK_MS);
        let mut process = nobody();
        if hold_again(reader, pids, (holders, None), &mut process).is_err() {
            return;
        }
        raw::sockets(host, self.diag(host), packets, &mut Coverage::new(), &mut |socket| {
            if unheld.contains(&socket.inode) {
                let held = holder(reader, holders, socket.inode, &mut process);
                self.show_raw(&RawSocket { holder: held.then_some(&process), ..socket }, true);
            }
        });
    }
}

/// The first pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PIDS: &[u8] = b"pid:[4026531836]";
