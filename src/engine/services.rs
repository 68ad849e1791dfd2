//! What sockets say together: which program listens where and talks to which strangers, who calls many hosts.

use super::Run;
use super::holding::hold_again;
use super::walk::{nobody, read_again};
use crate::baseline::Kind;
use crate::facts::about::Endian;
use crate::facts::fanout::{Call, Caller, Fanout, Fanouts};
use crate::facts::origin::Item;
use crate::facts::process::Process;
use crate::facts::service::{Door, Services};
use crate::facts::socket::{Protocol, Socket, State};
use crate::facts::text::Bytes;
use crate::facts::topology::{Side, Topology};
use crate::host::Host;
use crate::limits::{FANOUT_NAMED, NAME_BYTES, SECOND_LOOK_MS, SERVICES};
use crate::source::diag::Diag;
use crate::source::holders::{self, Holders, Programs};
use crate::source::proc::Reader;
use crate::source::{Coverage, net, proc};

/// Services that get a second look, by their places.
type Accused = heapless::Vec<usize, SERVICES>;

/// Joins a socket to its program, and counts whom that calls.
pub(super) fn join(
    socket: &Socket<'_>,
    (holders, programs): (&Holders, &Programs),
    services: &mut Services,
    fanouts: &mut Fanouts,
) {
    /// The protocol of TCP (protocols(5)).
    const TCP: u8 = 6;
    let pid = holders::holder(holders, socket.inode).unwrap_or_default();
    // One that is closing is nobody's any more.
    let first = if socket.inode == 0 { 0 } else { services.add(programs.of(pid), pid, socket) };
    if socket.is_call() && matches!(socket.side, Side::Lan | Side::Wan) {
        fanouts.call(&Call {
            caller: if first == 0 { Caller::Machine } else { Caller::Process(first) },
            protocol: TCP,
            host: socket.remote.ip,
            port: socket.remote.port,
            side: socket.side,
            answered: socket.state != State::SynSent,
        });
    }
}

/// What sockets are joined with, and what comes of it.
pub(super) struct Tables<'a> {
    pub(super) endian: Endian,
    pub(super) seed: u32,
    pub(super) pids: &'a mut proc::Pids,
    pub(super) ports: &'a mut net::Ports,
    pub(super) holders: &'a mut Holders,
    pub(super) programs: &'a mut Programs,
    pub(super) topology: &'a Topology,
    pub(super) can: Diag,
    pub(super) services: &'a mut Services,
    pub(super) fanouts: &'a mut Fanouts,
}

impl Tables<'_> {
    /// Counts once more who calls whom, by who holds what now.
    pub(super) fn count_again<H: Host>(&mut self, host: &H) {
        let Self { endian, seed, ports, holders, programs, topology, services, fanouts, .. } = self;
        services.clear(*seed);
        fanouts.clear(*seed);
        let (endian, topology, coverage) = (*endian, Some(*topology), &mut Coverage::new());
        let can = self.can;
        let mut look = net::Look { host, endian, ports, can, topology, shown: None, coverage };
        look.sockets(&mut |socket| join(socket, (holders, programs), services, fanouts));
    }
}

impl Run<'_, '_> {
    /// Shows what was joined, and what a check accuses a second time: only what is still there is told.
    pub(super) fn together<H: Host>(
        &mut self,
        reader: &mut Reader<'_, H>,
        tables: &mut Tables<'_>,
        coverage: &mut Coverage,
    ) {
        let host = reader.host;
        let mut process = nobody();
        let mut accused = Accused::new();
        let whole = self.unseen(host).is_none();
        for (at, row) in tables.services.rows().iter_mut().enumerate() {
            if row.is_quiet() {
                continue;
            }
            row.doors.iter_mut().for_each(|door| door.known = self.known(door));
            let held = row.pid != 0 && read_again(reader, row.pid, &mut process).is_ok();
            // Nobody holds it: not said where somebody may whom nobody can see, unless something hides it.
            let nobodys = row.pid == 0 && (whole || row.is_hidden());
            if (held || nobodys) && self.show_service(&row.service(held.then_some(&process)), false) {
                let _ = accused.push(at);
            }
        }
        let wide = self.fanouts(reader, tables.fanouts, &mut process, false);
        if tables.services.cut || tables.programs.cut {
            coverage.gap(b"/proc/net", format_args!("more programs have sockets than are told apart"));
        }
        let missed = tables.fanouts.missed();
        if missed >= Fanout::FEW {
            let what = format_args!(
                "so many ports are called that of one up to {missed} hosts may have been missed"
            );
            coverage.gap(b"/proc/net", what);
        }
        if accused.is_empty() && !wide {
            return;
        }
        host.pause(SECOND_LOOK_MS);
        reader.owners.doubt(host, reader.mounts);
        let nobodys =
            accused.iter().any(|at| tables.services.rows().get(*at).is_some_and(|row| row.pid == 0));
        if wide || nobodys {
            // Others have come since; who holds what is found out again.
            let _ = hold_again(reader, tables.pids, (tables.holders, Some(tables.programs)), &mut process);
        }
        for at in accused {
            let Some(row) = tables.services.rows().get(at) else { continue };
            if row.pid == 0 {
                if row.is_hidden() || holders::holder(tables.holders, row.inode).is_none() {
                    self.show_service(&row.service(None), true);
                }
                continue;
            }
            let there = read_again(reader, row.pid, &mut process).is_ok()
                && (row.doors.is_empty()
                    || proc::open(host, reader.proc, row.pid)
                        .is_ok_and(|dir| holders::holds(host, &dir, row.inode)));
            if there {
                self.show_service(&row.service(Some(&process)), true);
            } else {
                let pid = row.pid;
                let what = format_args!("process {pid} listened oddly and did so no more at the second look");
                coverage.gap(b"/proc", what);
            }
        }
        if wide {
            tables.count_again(reader.host);
            self.fanouts(reader, tables.fanouts, &mut process, true);
        }
    }

    /// Whether the baseline has a door. It knows UDP of the ports below 1024 only.
    fn known(&self, door: &Door) -> Option<bool> {
        let kind = Kind::Item(Item::Listener);
        let baseline = self.plan.baseline.filter(|baseline| baseline.is_whole(kind))?;
        let word: &[u8] = match door.protocol {
            Protocol::Tcp => b"tcp ",
            Protocol::Udp if door.port < 1024 => b"udp ",
            Protocol::Udp => return None,
        };
        let mut name = Bytes::<NAME_BYTES>::of(word);
        let _ = core::fmt::Write::write_fmt(&mut name, format_args!("{}", door.port));
        Some(baseline.get(kind, name.as_slice()).is_some())
    }

    /// Shows who calls many hosts. Returns whether a check has something to say.
    fn fanouts<H: Host>(
        &mut self,
        reader: &mut Reader<'_, H>,
        fanouts: &mut Fanouts,
        process: &mut Process,
        aloud: bool,
    ) -> bool {
        let mut told = heapless::Vec::<_, FANOUT_NAMED>::new();
        fanouts.each(&mut |fanout| {
            if !fanout.is_wide() {
                return;
            }
            let held = match fanout.caller {
                Caller::Process(pid) => read_again(reader, pid, process).is_ok(),
                _ => false,
            };
            if self.show_fanout(&Fanout { holder: held.then_some(&*process), ..*fanout }, aloud) {
                let _ = told.push((fanout.protocol, fanout.port));
            }
        });
        if aloud {
            told.iter().for_each(|(protocol, port)| fanouts.name(*protocol, *port));
        }
        !told.is_empty()
    }
}
