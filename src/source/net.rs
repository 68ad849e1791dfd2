//! Sockets of the machine itself: `/proc/net/{tcp,tcp6,udp,udp6}`, which every kernel has, and sock_diag as a second witness.

use super::diag::{self, Diag};
use super::shown::{Shown, Suspects};
use super::{Coverage, proc, rows};
use crate::facts::about::Endian;
use crate::facts::endpoint::Endpoint;
use crate::facts::netlink::{self, Question};
use crate::facts::socket::{Protocol, Socket, State};
use crate::facts::text::fields;
use crate::facts::topology::Topology;
use crate::host::{Fault, Host};
use crate::limits::{HIDDEN_SOCKETS, LISTENERS, SECOND_LOOK_MS, WAITING};

/// Where one table shows listeners: ports on every address, a bit each, and ends on one address.
#[derive(Debug)]
pub struct Ports {
    any: [u8; 8192],
    bound: heapless::Vec<Endpoint, LISTENERS>,
}

impl Ports {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { any: [0; 8192], bound: heapless::Vec::new() }
    }

    fn clear(&mut self) {
        self.any = [0; 8192];
        self.bound.clear();
    }

    fn bit(port: u16) -> (usize, u8) {
        (usize::from(port.div_euclid(8)), 1_u8.rotate_left(u32::from(port.rem_euclid(8))))
    }

    fn add(&mut self, local: Endpoint) {
        let (byte, bit) = Self::bit(local.port);
        if !local.ip.is_unspecified() {
            // One that does not fit only loses a visitor its excuse.
            let _ = self.bound.push(local);
        } else if let Some(byte) = self.any.get_mut(byte) {
            *byte |= bit;
        }
    }

    /// Whether somebody listens on this very end: a listener on 127.0.0.1 is none for connections from outside.
    fn has(&self, local: Endpoint) -> bool {
        let (byte, bit) = Self::bit(local.port);
        self.any.get(byte).is_some_and(|byte| byte & bit != 0) || self.bound.contains(&local)
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::new()
    }
}

/// A table: its text, what the kernel is asked for it, its protocol, and whether it must be there: IPv6 may be left out of
/// a kernel.
type Table = (&'static [u8], netlink::Table, Protocol, bool);

/// The tables.
const TABLES: [Table; 4] = [
    (b"proc/net/tcp", netlink::Table::Tcp, Protocol::Tcp, true),
    (b"proc/net/tcp6", netlink::Table::Tcp6, Protocol::Tcp, false),
    (b"proc/net/udp", netlink::Table::Udp, Protocol::Udp, true),
    (b"proc/net/udp6", netlink::Table::Udp6, Protocol::Udp, false),
];

/// A look at the tables.
pub struct Look<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// Its byte order.
    pub endian: Endian,
    /// Where it listens, as far as it was read.
    pub ports: &'a mut Ports,
    /// What the kernel can be asked beside the text.
    pub can: Diag,
    /// Whose an address is, for those who want to know.
    pub topology: Option<&'a Topology>,
    /// What the text shows, for those who want it compared with what the kernel says otherwise.
    pub shown: Option<&'a mut Shown>,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
}

impl<H: Host> Look<'_, H> {
    /// Hands every socket to `each`, with its direction and whose the other end is: the kernel shows listeners before
    /// connections (net/ipv4/tcp_ipv4.c `tcp_get_idx`, net/ipv4/inet_diag.c `inet_diag_dump_icsk`), so one pass is enough.
    pub fn sockets(&mut self, each: &mut dyn FnMut(&Socket<'_>)) {
        let can = self.can;
        for (path, table, protocol, required) in TABLES {
            self.ports.clear();
            match self.text(path, protocol, each) {
                Ok(()) => {}
                Err(Fault::NotFound) if !required => continue,
                Err(fault) => {
                    self.ports.clear();
                    let told = diag(self.host, can, self.endian, (table, protocol), &mut |socket| {
                        self.join(socket, each);
                    });
                    diag::instead(self.coverage, path, fault, told);
                    continue;
                }
            }
            if let Some(shown) = &mut self.shown {
                // A kernel without it refuses; that it lacks it is no gap where there is the text.
                let _ = diag(self.host, can, self.endian, (table, protocol), &mut |socket| {
                    shown.compare(socket.inode, Question::Sockets(table));
                });
            }
        }
        self.hidden(can, each);
    }

    /// Reads the text of a table.
    fn text(
        &mut self,
        path: &[u8],
        protocol: Protocol,
        each: &mut dyn FnMut(&Socket<'_>),
    ) -> Result<(), Fault> {
        let (mut file, _) = self.host.file(path)?;
        let (mut heading, mut headed, mut odd) = (true, false, 0_u32);
        let endian = self.endian;
        let read = rows(&mut file, &mut |row| {
            if core::mem::take(&mut heading)
                && row.is_some_and(|row| fields(row).any(|word| word == b"local_address"))
            {
                headed = true;
                return;
            }
            let Some(socket) = row.and_then(|row| Socket::parse(row, protocol, endian)) else {
                odd = odd.saturating_add(1);
                return;
            };
            if let Some(shown) = &mut self.shown {
                shown.add(socket.inode);
            }
            self.join(socket, each);
        });
        if let Err(fault) = read {
            self.coverage.gap(path, format_args!("{fault}"));
        }
        if !headed {
            self.coverage.gap(path, format_args!("it does not begin as the kernel's does"));
        }
        if odd > 0 {
            self.coverage.gap(path, format_args!("{odd} rows not understood"));
        }
        Ok(())
    }

    /// Hands a socket on with what is known besides.
    fn join(&mut self, mut socket: Socket<'static>, each: &mut dyn FnMut(&Socket<'_>)) {
        let tcp = socket.protocol == Protocol::Tcp;
        if socket.state == State::Listen {
            self.ports.add(socket.local);
        } else {
            socket.inbound = tcp && self.ports.has(socket.local);
        }
        if let Some(topology) = self.topology.filter(|_| socket.remote.port != 0) {
            socket.side = topology.near(socket.remote.ip, topology.side(socket.remote.ip));
        }
        self.coverage.fact();
        each(&socket);
    }

    /// Looks twice again for the sockets that the kernel told of and the text did not show: one may have been opened between
    /// the two, and one that is listed while others come and go may be left out once. What is missing in both texts while
    /// the kernel tells of it before and after each is hidden.
    fn hidden(&mut self, can: Diag, each: &mut dyn FnMut(&Socket<'_>)) {
        let Some(mut suspects) = self.shown.as_mut().map(|shown| core::mem::take(&mut shown.suspects)) else {
            return;
        };
        if self.shown.as_ref().is_some_and(|shown| shown.cut) {
            self.coverage.gap(
                b"/proc/net",
                format_args!("more than {HIDDEN_SOCKETS} sockets are not shown that the kernel tells of"),
            );
        }
        let (host, endian) = (self.host, self.endian);
        for last in [false, true] {
            if suspects.is_empty() {
                return;
            }
            if last {
                host.pause(SECOND_LOOK_MS);
            }
            let mut alive = Suspects::new();
            for (path, table, protocol, _) in TABLES {
                let is = |inode: u64| {
                    move |suspect: &(u32, Question)| {
                        *suspect == (u32::try_from(inode).unwrap_or_default(), Question::Sockets(table))
                    }
                };
                if !suspects.iter().any(|(_, of)| *of == Question::Sockets(table))
                    || text_rows(host, path, protocol, endian, &mut |socket| {
                        suspects.retain(|suspect| !is(socket.inode)(suspect))
                    })
                    .is_err()
                {
                    continue;
                }
                let _ = diag(host, can, endian, (table, protocol), &mut |socket| {
                    let Some(suspect) = suspects.iter().find(|suspect| is(socket.inode)(suspect)) else {
                        return;
                    };
                    let _ = alive.push(*suspect);
                    if last {
                        self.join(Socket { hidden: true, ..socket }, each);
                    }
                });
            }
            suspects = alive;
        }
    }
}

/// Hands every socket of the kernel's own answer to `each`.
///
/// # Errors
/// See [`Diag::ask`].
pub fn diag<H: Host>(
    host: &H,
    can: Diag,
    endian: Endian,
    (table, protocol): (netlink::Table, Protocol),
    each: &mut dyn FnMut(Socket<'static>),
) -> Result<(), Fault> {
    can.ask(host, endian, Question::Sockets(table), &mut |body| {
        let socket = Socket::message(body, protocol, endian);
        let understood = socket.is_some();
        socket.into_iter().for_each(&mut *each);
        understood
    })
}

/// Hands every socket that the texts show, those of TCP only if that is said, to `each`, as far as they can be read and are
/// understood.
pub fn shown<H: Host>(host: &H, endian: Endian, tcp: bool, each: &mut dyn FnMut(Socket<'static>)) {
    for (path, _, protocol, _) in
        TABLES.into_iter().filter(|(_, _, protocol, _)| tcp || *protocol == Protocol::Udp)
    {
        let _ = text_rows(host, path, protocol, endian, each);
    }
}

/// Hands every socket of a text to `each`, as far as it is understood.
fn text_rows<H: Host>(
    host: &H,
    path: &[u8],
    protocol: Protocol,
    endian: Endian,
    each: &mut dyn FnMut(Socket<'static>),
) -> Result<(), Fault> {
    let (mut file, _) = host.file(path)?;
    rows(&mut file, &mut |row| {
        row.and_then(|row| Socket::parse(row, protocol, endian)).into_iter().for_each(&mut *each);
    })
}

/// Ports on which somebody waits for packets, whoever they come from.
#[derive(Debug, Default)]
pub struct Waiting {
    rows: heapless::Vec<(u16, Protocol, u32), WAITING>,
    /// All of them are known.
    whole: bool,
}

impl Waiting {
    /// None known.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new(), whole: false }
    }

    /// Finds them, as far as the tables can be read.
    pub fn read<H: Host>(&mut self, host: &H, endian: Endian) {
        self.rows.clear();
        self.whole = true;
        for (path, _, protocol, required) in TABLES {
            let read = host.file(path).and_then(|(mut file, _)| {
                rows(&mut file, &mut |row| {
                    let Some(socket) = row.and_then(|row| Socket::parse(row, protocol, endian)) else {
                        return;
                    };
                    // One of UDP that is connected to nobody is in state 7.
                    let waits = socket.state == State::Listen
                        || protocol == Protocol::Udp && socket.state == State::Other(7);
                    let inode = u32::try_from(socket.inode).unwrap_or_default();
                    if waits {
                        self.whole &= self.rows.push((socket.local.port, protocol, inode)).is_ok();
                    }
                })
            });
            self.whole &= matches!(read, Ok(()) | Err(Fault::NotFound)) && (read.is_ok() || !required);
        }
    }

    /// The socket that waits at a port. `Err`: there may be one that is not known.
    #[allow(clippy::missing_errors_doc, clippy::result_unit_err)]
    pub fn at(&self, port: u16, protocol: Option<Protocol>) -> Result<Option<u64>, ()> {
        let mut all = self.rows.iter();
        let found = all.find(|(other, of, _)| *other == port && protocol.is_none_or(|wanted| wanted == *of));
        match found {
            Some((_, _, inode)) => Ok(Some(u64::from(*inode))),
            None if self.whole => Ok(None),
            None => Err(()),
        }
    }
}

/// Hands every row of the tables that a process sees to `each`, as far as they can be read: a process may have a network
/// namespace of its own, and with it tables of its own.
pub fn table_rows<H: Host>(host: &H, endian: Endian, pid: u32, each: &mut dyn FnMut(&Socket<'_>)) {
    for (path, _, protocol, _) in TABLES {
        let name = path.strip_prefix(b"proc/").unwrap_or(path);
        let own = proc::path_of(pid, "", name);
        let take = &mut |socket| each(&socket);
        if text_rows(host, own.as_slice(), protocol, endian, take).is_err() {
            let _ = text_rows(host, path, protocol, endian, take);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message, word};
    use crate::host::memory::{Memory, Node};

    const HEADING: &str = "  sl  local_address rem_address   st tx_queue\n";

    /// A row of a listener on a port.
    fn row(inode: u32) -> String {
        format!("   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 {inode} 1\n")
    }

    /// The kernel's own answer: listeners with these inodes.
    fn answer(inodes: &[u32]) -> Vec<u8> {
        let body =
            |inode: &u32| [&[2, 10, 0, 0, 0, 22][..], &[0; 62], &word(Endian::Little, *inode)].concat();
        let messages = inodes.iter().map(|inode| message(Endian::Little, 20, &body(inode)));
        messages.chain([done(Endian::Little)]).flatten().collect()
    }

    /// Inodes of what a look hands out, those that are hidden negative, and why not all was seen.
    fn seen(machine: &Memory, compare: bool) -> (Vec<i64>, String) {
        let (mut ports, mut shown) = (Box::new(Ports::new()), Box::new(Shown::new()));
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        let shown = compare.then_some(&mut *shown);
        let (endian, ports, coverage_of) = (Endian::Little, &mut *ports, &mut coverage);
        let can = Diag::of(machine);
        Look { host: machine, endian, ports, can, topology: None, shown, coverage: coverage_of }.sockets(
            &mut |socket| {
                let inode = i64::try_from(socket.inode).unwrap();
                found.push(if socket.hidden { inode.saturating_neg() } else { inode });
            },
        );
        (found, String::from_utf8_lossy(coverage.reason().as_slice()).into_owned())
    }

    fn shows(inodes: &[u32]) -> String {
        inodes.iter().fold(HEADING.to_owned(), |text, inode| text + &row(*inode))
    }

    #[test]
    fn what_the_text_hides() {
        let machine = Memory::new();
        machine.file("proc/net/tcp", shows(&[7, 8])).file("proc/net/udp", HEADING);
        machine.file("dumps/tcp_diag.bin", answer(&[7, 8, 9]));
        assert_eq!(seen(&machine, false), (vec![7, 8], String::new()));
        assert_eq!(seen(&machine, true), (vec![7, 8, -9], String::new()));
        // One that came up between the two, and one that was there only then.
        machine.on_pause(|machine| {
            machine.file("proc/net/tcp", shows(&[7, 8, 9]));
        });
        assert_eq!(seen(&machine, true), (vec![7, 8], String::new()));
        machine.file("proc/net/tcp", shows(&[7, 8])).on_pause(|machine| {
            machine.file("dumps/tcp_diag.bin", answer(&[7, 8]));
        });
        assert_eq!(seen(&machine, true), (vec![7, 8], String::new()));
    }

    #[test]
    fn nothing_is_loaded_to_compare() {
        let machine = Memory::new();
        machine.file("proc/net/tcp", shows(&[7])).file("proc/net/udp", HEADING);
        machine
            .file("dumps/tcp_diag.bin", answer(&[7, 9]))
            .file("proc/modules", "udp_diag 16384 0 - Live 0x0\n");
        assert_eq!(seen(&machine, true), (vec![7], String::new()));
        machine.file("proc/sys/kernel/osrelease", "6.1.0\n");
        machine.file("lib/modules/6.1.0/modules.builtin", "kernel/net/ipv4/tcp_diag.ko\n");
        assert_eq!(seen(&machine, true).0, [7, -9], "built in");
        machine.file("proc/modules", "x 1 0\ntcp_diag 16384 0 - Live 0x0\n").remove("lib");
        assert_eq!(seen(&machine, true).0, [7, -9], "loaded");
        machine.file(
            "dumps/tcp_diag.bin",
            message(Endian::Little, 2, &word(Endian::Little, 0_u32.wrapping_sub(2))),
        );
        assert_eq!(seen(&machine, true), (vec![7], String::new()), "a kernel that has none");
    }

    #[test]
    fn the_kernel_is_asked_where_a_text_cannot_be_had() {
        let machine = Memory::new();
        machine.file("proc/net/udp", HEADING).file("dumps/tcp_diag.bin", answer(&[7]));
        assert_eq!(seen(&machine, true), (vec![7], String::new()));
        machine.put("proc/net/tcp", Node::Fails(Fault::Denied));
        let why = "proc/net/tcp: permission denied; sock_diag was asked instead";
        assert_eq!(seen(&machine, true), (vec![7], why.to_owned()));
        machine.file(
            "dumps/tcp_diag.bin",
            message(Endian::Little, 2, &word(Endian::Little, 0_u32.wrapping_sub(1))),
        );
        let why = "proc/net/tcp: permission denied; and sock_diag: permission denied";
        assert_eq!(seen(&machine, true), (vec![], why.to_owned()));
        machine.remove("dumps").remove("proc/net/tcp");
        assert_eq!(seen(&machine, false), (vec![], "proc/net/tcp: not found".to_owned()));
    }

    #[test]
    fn more_than_are_compared_is_said() {
        let machine = Memory::new();
        let all: Vec<u32> = (1..=u32::try_from(HIDDEN_SOCKETS).unwrap() + 1).collect();
        machine.file("proc/net/tcp", HEADING).file("proc/net/udp", HEADING);
        machine.file("dumps/tcp_diag.bin", answer(&all));
        let (found, why) = seen(&machine, true);
        assert_eq!(found.len(), HIDDEN_SOCKETS);
        assert!(why.contains("more than"), "{why}");
    }
}
