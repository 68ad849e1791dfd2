//! What a program does on the network: where it listens, how many strangers visit it, how many it calls.

use super::endpoint::Endpoint;
use super::hosts::{Hosts, hash};
use super::process::Process;
use super::socket::{Protocol, Socket, State};
use super::topology::Side;
use crate::limits::{DOORS, SERVICES};

/// Below this port the kernel gives none to a UDP client that does not ask for one (ip(7), `ip_local_port_range`), so
/// somebody who has one offers a service there.
const CLIENTS_PORTS: u16 = 32_768;

/// Where a program listens. IPv4 and IPv6 are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The protocol. Of UDP, ports that a client does not get by chance.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// Only this machine itself reaches it.
    pub local: bool,
    /// Joined by the engine: the baseline has it. `None`: there is none, or it cannot know.
    pub known: Option<bool>,
}

/// Hosts beyond the provider with which a program has connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peers {
    /// Connections.
    pub connections: u32,
    /// How many hosts that are, about.
    pub hosts: u32,
    /// One of them.
    pub one: Option<Endpoint>,
}

/// A program, all its processes together; of an interpreter and of a program that is many each command line.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// Joined by the engine: its first process that has a socket. `None`: none has.
    pub holder: Option<&'a Process>,
    /// Where it listens.
    pub doors: &'a [Door],
    /// How many more such there are.
    pub more: u32,
    /// Sockets that the kernel tells of and the text hides.
    pub hidden: u32,
    /// Strangers who came to a port on which this machine listens.
    pub visitors: Peers,
    /// Strangers that it called.
    pub called: Peers,
}

/// Strangers, while they are counted.
#[derive(Clone, Copy, Debug, Default)]
struct Strangers {
    connections: u32,
    hosts: Hosts,
    one: Option<Endpoint>,
}

impl Strangers {
    fn add(&mut self, remote: Endpoint, seed: u32) {
        self.connections = self.connections.saturating_add(1);
        self.hosts.add(hash(seed, remote.ip));
        self.one = self.one.or(Some(remote));
    }

    fn told(&self) -> Peers {
        Peers { connections: self.connections, hosts: self.hosts.count(), one: self.one }
    }
}

/// What is known of one program.
#[derive(Clone, Debug)]
pub struct Row {
    key: u32,
    /// Its first process that has a socket; 0 for none.
    pub pid: u32,
    /// A socket of that process: where it listens, if it does.
    pub inode: u64,
    /// Where it listens.
    pub doors: heapless::Vec<Door, DOORS>,
    more: u32,
    hidden: u32,
    visitors: Strangers,
    called: Strangers,
}

impl Row {
    /// The same as a fact.
    #[must_use]
    pub fn service<'a>(&'a self, holder: Option<&'a Process>) -> Service<'a> {
        Service {
            holder,
            doors: &self.doors,
            more: self.more,
            hidden: self.hidden,
            visitors: self.visitors.told(),
            called: self.called.told(),
        }
    }

    /// Whether the text hides some of its sockets.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.hidden > 0
    }

    /// Whether there is nothing to be said of it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let silent = self.visitors.connections == 0 && self.called.connections == 0;
        self.doors.is_empty() && self.hidden == 0 && silent
    }

    fn door(&mut self, socket: &Socket<'_>) {
        let Socket { protocol, local, .. } = *socket;
        let door = Door { protocol, port: local.port, local: local.ip.is_loopback(), known: None };
        let same = |other: &&mut Door| other.protocol == protocol && other.port == local.port;
        if let Some(other) = self.doors.iter_mut().find(same) {
            other.local &= door.local;
        } else if self.doors.push(door).is_err() {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// All programs that have sockets.
#[derive(Debug)]
pub struct Services {
    rows: heapless::Vec<Row, SERVICES>,
    seed: u32,
    /// There are more programs.
    pub cut: bool,
}

impl Services {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new(), seed: 0, cut: false }
    }

    /// Forgets them all. How hosts are counted depends on `seed`.
    pub fn clear(&mut self, seed: u32) {
        self.rows.clear();
        (self.seed, self.cut) = (seed, false);
    }

    /// Takes in a socket of a program, which `key` tells from others, and of one of its processes. Returns the process by which
    /// the program goes: the first.
    pub fn add(&mut self, key: u32, pid: u32, socket: &Socket<'_>) -> u32 {
        let at = self.rows.iter().position(|row| row.key == key).or_else(|| {
            let (doors, more, hidden) = (heapless::Vec::new(), 0, 0);
            let (visitors, called) = Default::default();
            let row = Row { key, pid, inode: socket.inode, doors, more, hidden, visitors, called };
            self.cut |= self.rows.push(row).is_err();
            self.rows.iter().position(|row| row.key == key)
        });
        let Some(row) = at.and_then(|at| self.rows.get_mut(at)) else { return pid };
        let listens = is_door(socket);
        if listens {
            if row.doors.is_empty() {
                (row.pid, row.inode) = (pid, socket.inode);
            }
            row.door(socket);
        }
        row.hidden = row.hidden.saturating_add(u32::from(socket.hidden));
        if socket.side == Side::Wan && socket.state == State::Established && socket.protocol == Protocol::Tcp
        {
            let strangers = if socket.inbound { &mut row.visitors } else { &mut row.called };
            strangers.add(socket.remote, self.seed);
        }
        row.pid
    }

    /// All of them.
    pub fn rows(&mut self) -> &mut [Row] {
        &mut self.rows
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether somebody waits for others with a socket.
fn is_door(socket: &Socket<'_>) -> bool {
    match socket.protocol {
        Protocol::Tcp => socket.state == State::Listen,
        Protocol::Udp => socket.remote.port == 0 && (1..CLIENTS_PORTS).contains(&socket.local.port),
    }
}

#[cfg(test)]
mod tests {
    use super::super::about::Endian;
    use super::*;

    fn socket(local: &str, remote: &str, state: &str, protocol: Protocol) -> Socket<'static> {
        let row = format!("0: {local} {remote} {state} 0:0 0:0 0 0 0 77");
        Socket::parse(row.as_bytes(), protocol, Endian::Big).unwrap()
    }

    #[test]
    fn doors_of_both_families_are_one_and_processes_of_one_program_too() {
        let mut services = Services::new();
        let every = "00000000000000000000000000000000";
        let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
        let none6 = format!("{every}:0000");
        services.add(1, 700, &socket("00000000:0050", "00000000:0000", "0A", tcp));
        services.add(1, 701, &socket(&format!("{every}:0050"), &none6, "0A", tcp));
        services.add(1, 701, &socket("7F000001:1F90", "00000000:0000", "0A", tcp));
        services.add(1, 700, &socket("00000000:0045", "00000000:0000", "07", udp));
        services.add(1, 700, &socket("00000000:9C40", "00000000:0000", "07", udp));
        services.add(1, 700, &socket("00000000:0045", "C6336407:0035", "01", udp));
        for (remote, inbound) in [("C6336407:01BB", true), ("C6336407:01BC", true), ("C6336408:01BB", false)]
        {
            let connection = socket("CB00710A:9C40", remote, "01", tcp);
            services.add(1, 702, &Socket { inbound, side: Side::Wan, ..connection });
            services.add(1, 702, &Socket { inbound, side: Side::Lan, ..connection });
        }
        let [row] = services.rows() else { panic!() };
        assert_eq!((row.pid, row.inode), (700, 77));
        let told = row.service(None);
        let doors: Vec<_> = told.doors.iter().map(|door| (door.protocol, door.port, door.local)).collect();
        assert_eq!(doors, [(tcp, 80, false), (tcp, 8080, true), (udp, 69, false)]);
        assert_eq!((told.visitors.connections, told.visitors.hosts), (2, 1));
        assert_eq!((told.called.connections, told.called.hosts), (1, 1));
    }

    #[test]
    fn more_than_fit_are_said() {
        let mut services = Services::new();
        for port in 1..=20 {
            services.add(
                1,
                1,
                &socket(&format!("00000000:{port:04X}"), "00000000:0000", "0A", Protocol::Tcp),
            );
        }
        let told = services.rows()[0].service(None);
        assert_eq!((told.doors.len(), told.more), (DOORS, 20 - 12));
        assert!(!services.cut);
        for key in 0..40 {
            services.add(key, key, &socket("00000000:0050", "00000000:0000", "0A", Protocol::Tcp));
        }
        assert!(services.cut);
        assert_eq!(services.rows().len(), SERVICES);
    }
}
