//! How many hosts somebody calls at one port: counted without remembering them, in a table that nobody can flood.

use core::net::IpAddr;

use super::hosts::{Hosts, hash, mix};
use super::process::Process;
use super::topology::Side;
use crate::limits::{FANOUT_NAMED, FANOUT_PORTS, FANOUT_WAYS};

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A process of this machine, by its id; of several of one program the first.
    Process(u32),
    /// This machine, by which process is not known.
    Machine,
    /// A host of a network that is served.
    Client(IpAddr),
}

/// One call: somebody asks a host at a port for something.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Who.
    pub caller: Caller,
    /// The IP protocol: 6 TCP, 17 UDP (protocols(5)).
    pub protocol: u8,
    /// Whom.
    pub host: IpAddr,
    /// At which port.
    pub port: u16,
    /// Whose that host is.
    pub side: Side,
    /// It has answered.
    pub answered: bool,
}

/// Whom one caller calls at one port.
#[derive(Clone, Copy, Debug)]
pub struct Fanout<'a> {
    /// Who.
    pub caller: Caller,
    /// The IP protocol: 6 TCP, 17 UDP (protocols(5)).
    pub protocol: u8,
    /// The port of the hosts that are called.
    pub port: u16,
    /// Hosts of networks that are served; about right up to some 600, as all three.
    pub inside: u32,
    /// Hosts of the world beyond the provider.
    pub outside: u32,
    /// Those of the world that have not answered.
    pub silent: u32,
    /// A caller at this port was told of before: the process of this machine that makes these calls, most likely.
    pub named: bool,
    /// Joined by the engine: the process that calls, where it is known and still there.
    pub holder: Option<&'a Process>,
}

impl Fanout<'_> {
    /// Hosts beyond the provider below which nobody looks closer: pages, mail and time are fetched from as many.
    pub const FEW: u32 = 12;

    /// Hosts that may be missed at a port that nobody is known to scan.
    const CROWD: u32 = 64;

    /// Whether so many are called that somebody may look closer.
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        self.outside >= Self::FEW
    }
}

/// What a port is to those who call many hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// Bots try it on everybody: remote shells, management, cameras, set-top boxes, databases.
    Scanned,
    /// Healthy programs call many hosts there: web, names, time, mail, peers.
    Everyday,
    /// Nothing is known of it.
    Neither,
}

/// Ports that bots scan, in order. The web's second ports are among them: no browser calls many hosts there.
const SCANNED: [u16; 58] = [
    21, 22, 23, 26, 81, 82, 83, 84, 85, 88, 110, 135, 139, 445, 1433, 1723, 1900, 2000, 2222, 2223, 2323,
    2375, 3306, 3389, 4567, 5000, 5358, 5431, 5500, 5555, 5900, 5984, 6379, 7547, 7574, 8000, 8001, 8008,
    8080, 8081, 8088, 8089, 8090, 8181, 8291, 8443, 8728, 8888, 9000, 9527, 10_000, 23_231, 32_764, 34_567,
    37_215, 49_152, 52_869, 60_001,
];

/// Ports at which healthy programs call many hosts, in order: mail, names, web, time, VPN, STUN, chat, eDonkey, BitTorrent,
/// Bitcoin, Tor, Ethereum, Syncthing, Transmission, WireGuard.
const EVERYDAY: [u16; 36] = [
    25, 43, 53, 80, 123, 443, 465, 500, 587, 853, 993, 1194, 3478, 4001, 4433, 4500, 4662, 4672, 5222, 5223,
    5228, 6346, 6881, 6882, 6883, 6884, 6885, 6889, 6969, 8333, 9001, 9030, 22_000, 30_303, 51_413, 51_820,
];

/// What a port is to those who call many hosts.
#[must_use]
pub fn usual(port: u16) -> Usual {
    if SCANNED.binary_search(&port).is_ok() {
        Usual::Scanned
    } else if EVERYDAY.binary_search(&port).is_ok() {
        Usual::Everyday
    } else {
        Usual::Neither
    }
}

/// One caller at one port.
#[derive(Clone, Copy, Debug)]
struct Row {
    caller: Caller,
    protocol: u8,
    port: u16,
    /// Hosts that were counted since the place was taken, and those of the rows that had it before: at least as many as
    /// would have been counted had the row been there from the start.
    weight: u32,
    inside: Hosts,
    outside: Hosts,
    silent: Hosts,
}

impl Row {
    fn new(call: &Call, weight: u32) -> Self {
        let (inside, outside, silent) = Default::default();
        Self {
            caller: call.caller,
            protocol: call.protocol,
            port: call.port,
            weight,
            inside,
            outside,
            silent,
        }
    }

    fn is_of(&self, call: &Call) -> bool {
        self.port == call.port && self.protocol == call.protocol && self.caller == call.caller
    }
}

/// A set of places of which a hash chooses one.
type Ways = heapless::Vec<Row, FANOUT_WAYS>;

/// All callers and ports. A row that finds no place takes that of the lightest and inherits its weight (Space-Saving,
/// Metwally et al. 2005): so whoever calls more hosts than [`Fanouts::missed`] says has a row, whatever else is called in
/// whatever order. Ports from 1024 on that nobody is known to scan have places of their own: there a peer-to-peer client
/// calls thousands, each at another port.
#[derive(Debug)]
pub struct Fanouts {
    known: [Ways; FANOUT_PORTS],
    other: [Ways; FANOUT_PORTS],
    /// Not to be guessed by those who choose whom to call.
    seed: u32,
    missed: u32,
    /// Something was counted: what was not costs no memory, and emptying it would.
    used: bool,
    /// Protocols and ports at which a caller of this machine was told of.
    named: heapless::Vec<(u8, u16), FANOUT_NAMED>,
}

impl Fanouts {
    /// Nobody calls.
    #[must_use]
    pub const fn new() -> Self {
        const NONE: Ways = heapless::Vec::new();
        Self {
            known: [NONE; FANOUT_PORTS],
            other: [NONE; FANOUT_PORTS],
            seed: 0,
            missed: 0,
            used: false,
            named: heapless::Vec::new(),
        }
    }

    /// Forgets all calls. What is counted from now on depends on `seed`.
    pub fn clear(&mut self, seed: u32) {
        if core::mem::take(&mut self.used) {
            self.known.iter_mut().chain(&mut self.other).for_each(heapless::Vec::clear);
        }
        (self.seed, self.missed) = (seed, 0);
    }

    /// Forgets who was told of.
    pub fn forget(&mut self) {
        self.named.clear();
    }

    /// Remembers that a caller of this machine was told of.
    pub fn name(&mut self, protocol: u8, port: u16) {
        // More than fit are as many accusations already.
        let _ = self.named.push((protocol, port));
    }

    /// Counts a call. Those to this machine itself and to groups are none.
    pub fn call(&mut self, call: &Call) {
        if !matches!(call.side, Side::Lan | Side::Wan) {
            return;
        }
        let who = match call.caller {
            Caller::Process(pid) => mix(self.seed, pid),
            Caller::Machine => self.seed,
            Caller::Client(ip) => hash(self.seed, ip),
        };
        let key = mix(who, u32::from(call.port) << 8 | u32::from(call.protocol));
        let scanned = call.port < 1024 || usual(call.port) == Usual::Scanned;
        let places = if scanned { &mut self.known } else { &mut self.other };
        let place = usize::try_from(key).unwrap_or_default().checked_rem(FANOUT_PORTS).unwrap_or_default();
        let Some(ways) = places.get_mut(place) else { return };
        self.used = true;
        if !ways.iter().any(|row| row.is_of(call)) {
            if !ways.is_full() {
                let _ = ways.push(Row::new(call, 0));
            } else if let Some(lightest) = ways.iter_mut().min_by_key(|row| row.weight) {
                // Peers of one client fill the other places; there only a crowd at one port matters.
                if scanned || lightest.weight >= Fanout::CROWD {
                    self.missed = self.missed.max(lightest.weight);
                }
                *lightest = Row::new(call, lightest.weight);
            }
        }
        let Some(row) = ways.iter_mut().find(|row| row.is_of(call)) else { return };
        // Whom one caller calls says nothing of where another's hosts are counted.
        let host = hash(key, call.host);
        let new = if call.side == Side::Lan { row.inside.add(host) } else { row.outside.add(host) };
        row.weight = row.weight.saturating_add(u32::from(new));
        if call.side == Side::Wan && !call.answered {
            row.silent.add(host);
        }
    }

    /// Hosts of one caller at one port that may have been counted and forgotten, at most; 0 where everything had a place.
    #[must_use]
    pub const fn missed(&self) -> u32 {
        self.missed
    }

    /// Hands every caller and port to `each`.
    pub fn each(&self, each: &mut dyn FnMut(&Fanout<'_>)) {
        for row in self.known.iter().chain(&self.other).flatten() {
            each(&Fanout {
                caller: row.caller,
                protocol: row.protocol,
                port: row.port,
                inside: row.inside.count(),
                outside: row.outside.count(),
                silent: row.silent.count(),
                named: row.caller == Caller::Machine && self.named.contains(&(row.protocol, row.port)),
                holder: None,
            });
        }
    }
}

impl Default for Fanouts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn call(caller: Caller, port: u16, host: u32) -> Call {
        let host = Ipv4Addr::from_bits(host.wrapping_add(0xc633_6400)).into();
        Call { caller, protocol: 6, host, port, side: Side::Wan, answered: false }
    }

    fn row(table: &Fanouts, caller: Caller, port: u16) -> Option<(u32, u32, u32)> {
        let mut found = None;
        table.each(&mut |row| {
            if (row.caller, row.port) == (caller, port) {
                assert!(found.replace((row.inside, row.outside, row.silent)).is_none());
            }
        });
        found
    }

    #[test]
    fn lists_are_in_order_and_apart() {
        assert!(SCANNED.is_sorted() && EVERYDAY.is_sorted());
        assert!(SCANNED.iter().all(|port| !EVERYDAY.contains(port)));
        assert_eq!([23, 443, 40_000].map(usual), [Usual::Scanned, Usual::Everyday, Usual::Neither]);
    }

    #[test]
    fn sides_and_answers() {
        let mut table = Fanouts::new();
        let client = Caller::Client(Ipv4Addr::new(192, 168, 1, 20).into());
        for host in 0..10 {
            let call = call(client, 23, host);
            table.call(&Call { answered: host < 7, ..call });
            table.call(&Call { side: Side::Lan, ..call });
            table.call(&Call { side: Side::Own, ..call });
            table.call(&Call { side: Side::Group, ..call });
            table.call(&Call { protocol: 17, port: 24, ..call });
        }
        assert_eq!(row(&table, client, 23), Some((10, 10, 3)));
        assert_eq!(row(&table, Caller::Machine, 23), None);
    }

    #[test]
    fn a_flood_of_ports_pushes_no_scan_out() {
        let scanner = Caller::Process(812);
        for (seed, flood, port) in [(1, 40_000, 23), (2, 40_000, 37_215), (3, 400, 2222)] {
            let mut table = Fanouts::new();
            table.clear(seed);
            for n in 0..flood {
                // Each at another port, by the scanner itself and by a client.
                let other = 1025 + u16::try_from(n % 60_000).unwrap();
                table.call(&call(scanner, other, n));
                table.call(&call(Caller::Client(Ipv4Addr::from_bits(n % 7).into()), other, n));
                if n % (flood / 100) == 0 {
                    table.call(&call(scanner, port, n));
                }
            }
            let (_, told, silent) = row(&table, scanner, port).unwrap();
            assert!(told >= 80 && silent == told, "{told} of 100");
        }
    }

    #[test]
    fn a_flood_of_known_ports_is_told() {
        let mut table = Fanouts::new();
        (0..900).for_each(|port| table.call(&call(Caller::Machine, port, u32::from(port))));
        assert!(table.missed() > 0);
        let mut rows = 0;
        table.each(&mut |_| rows += 1);
        assert_eq!(rows, FANOUT_PORTS * FANOUT_WAYS);
        // Whoever calls more than may be missed has a row nevertheless.
        let scanner = Caller::Process(1);
        for host in 0..200 {
            table.call(&call(scanner, 23, host));
            (0..4).for_each(|port| table.call(&call(Caller::Machine, port * 7 + 100, host)));
        }
        let told = row(&table, scanner, 23).map_or(0, |(_, outside, _)| outside);
        assert!(told + table.missed() >= 180, "{told} and {}", table.missed());
        table.clear(0);
        assert_eq!((row(&table, scanner, 23), table.missed()), (None, 0));
    }
}
