//! What makes the monitor look at the network: what the kernel tells of interfaces, addresses, default routes and rules, and whom
//! sockets speak to, which is looked up.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use gatewatch::facts::about::Endian;
use gatewatch::facts::text::{Bytes, fields};
use gatewatch::host::Host;
use gatewatch::monitor::familiar::Familiar;
use gatewatch::monitor::key::Secret;
use gatewatch::source::{net, nft, rows};

use crate::sys::machine::Machine;
use crate::sys::net_events::{Heard, NetEvents};

/// Who tells.
pub struct Network<'m> {
    machine: &'m Machine,
    links: Option<NetEvents>,
    rules: Option<NetEvents>,
    /// How many connections of TCP there have been.
    opened: Bytes<48>,
}

/// What sockets have been about since they were listed last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lately {
    /// There is somebody whom nobody has seen before.
    pub strange: bool,
    /// There was a long list to look through.
    pub busy: bool,
}

/// What the kernel has told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Of an interface, an address or a route.
    pub link: bool,
    /// Of a rule.
    pub rule: bool,
}

impl<'m> Network<'m> {
    /// Listens. Where the kernel tells nothing (to who is not root nothing of rules), it is looked at from time to time.
    pub fn open(machine: &'m Machine) -> Self {
        let rules = if nft::is_there(machine) { NetEvents::rules().ok() } else { None };
        Self { machine, links: NetEvents::links().ok(), rules, opened: Bytes::new() }
    }

    /// What becomes readable when something happens.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.links.iter().chain(&self.rules).map(AsFd::as_fd)
    }

    /// Whether a socket speaks to an address that was never seen before. The tables of TCP are long to look through on a large
    /// machine, so this is done only when there are new connections.
    pub fn has_strangers(&mut self, familiar: &mut Familiar, secret: Secret) -> Lately {
        // Its rows of TCP have as fifth and sixth word behind the name `ActiveOpens` and `PassiveOpens` (RFC 4022; proc(5)).
        let mut opened = Bytes::new();
        if let Ok((mut file, _)) = self.machine.file(b"proc/net/snmp") {
            let _ = rows(&mut file, &mut |row| {
                let mut words = fields(row.unwrap_or_default());
                if words.next() == Some(b"Tcp:") {
                    opened.clear();
                    words
                        .skip(4)
                        .take(2)
                        .for_each(|word| [word, b" "].iter().for_each(|part| opened.push(part)));
                }
            });
        }
        let tcp = opened.is_empty() || opened != self.opened;
        let busy = tcp && !opened.is_empty();
        self.opened = opened;
        let mut strange = false;
        net::shown(self.machine, Endian::NATIVE, tcp, &mut |socket| {
            let ip = socket.remote.ip;
            strange |= socket.remote.port != 0 && !ip.is_loopback() && is_strange(ip, familiar, secret);
        });
        Lately { strange, busy }
    }

    /// Whether something has been told since the last time that was never told before: addresses are told whenever they get
    /// a longer life.
    pub fn take(&self, familiar: &mut Familiar, secret: Secret) -> Told {
        let mut told = Told::default();
        for (events, of) in [(&self.links, &mut told.link), (&self.rules, &mut told.rule)] {
            let Some(events) = events else { continue };
            events.read(&mut |heard| {
                *of |= match heard {
                    Heard::Address(ip) => is_strange(ip, familiar, secret),
                    Heard::Change => true,
                };
            });
        }
        told
    }
}

fn is_strange(ip: IpAddr, familiar: &mut Familiar, secret: Secret) -> bool {
    match ip {
        IpAddr::V4(ip) => familiar.is_strange(&ip.octets(), secret),
        IpAddr::V6(ip) => familiar.is_strange(&ip.octets(), secret),
    }
}
