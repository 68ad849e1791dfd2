//! Sockets of the machine itself: `/proc/net/{tcp,tcp6,udp,udp6}`, which every kernel has.

use super::{Coverage, proc, rows};
use crate::facts::about::Endian;
use crate::facts::endpoint::Endpoint;
use crate::facts::socket::{Protocol, Socket, State};
use crate::facts::text::fields;
use crate::host::{Fault, Host};
use crate::limits::{LISTENERS, WAITING};

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

/// The tables. IPv6 may be left out of a kernel, so only the first and third must be there.
const TABLES: [(&[u8], Protocol, bool); 4] = [
    (b"proc/net/tcp", Protocol::Tcp, true),
    (b"proc/net/tcp6", Protocol::Tcp, false),
    (b"proc/net/udp", Protocol::Udp, true),
    (b"proc/net/udp6", Protocol::Udp, false),
];

/// Hands every socket to `each`, its direction joined: the kernel shows listeners before connections
/// (net/ipv4/tcp_ipv4.c `tcp_get_idx`), so one pass is enough.
pub fn sockets<H: Host>(
    host: &H,
    endian: Endian,
    ports: &mut Ports,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Socket<'_>),
) {
    for (path, protocol, required) in TABLES {
        let mut file = match host.file(path) {
            Ok((file, _)) => file,
            Err(Fault::NotFound) if !required => continue,
            Err(fault) => {
                coverage.gap(path, format_args!("{fault}"));
                continue;
            }
        };
        *ports = Ports::new();
        let (mut heading, mut headed, mut odd) = (true, false, 0_u32);
        let read = rows(&mut file, &mut |row| {
            if core::mem::take(&mut heading)
                && row.is_some_and(|row| fields(row).any(|word| word == b"local_address"))
            {
                headed = true;
                return;
            }
            let Some(mut socket) = row.and_then(|row| Socket::parse(row, protocol, endian)) else {
                odd = odd.saturating_add(1);
                return;
            };
            if socket.state == State::Listen {
                ports.add(socket.local);
            }
            socket.inbound =
                protocol == Protocol::Tcp && socket.state != State::Listen && ports.has(socket.local);
            coverage.fact();
            each(&socket);
        });
        if let Err(fault) = read {
            coverage.gap(path, format_args!("{fault}"));
        }
        if !headed {
            coverage.gap(path, format_args!("it does not begin as the kernel's does"));
        }
        if odd > 0 {
            coverage.gap(path, format_args!("{odd} rows not understood"));
        }
    }
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
        for (path, protocol, required) in TABLES {
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
    for (path, protocol, _) in TABLES {
        let name = path.strip_prefix(b"proc/").unwrap_or(path);
        let own = proc::path_of(pid, "", name);
        let Ok((mut file, _)) = host.file(own.as_slice()).or_else(|_| host.file(path)) else { continue };
        let _ = rows(&mut file, &mut |row| {
            if let Some(socket) = row.and_then(|row| Socket::parse(row, protocol, endian)) {
                each(&socket);
            }
        });
    }
}
