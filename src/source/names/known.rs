//! Resolvers that were named so far, and by whom: so it is known which the provider gives.

use core::net::IpAddr;

use super::Format;
use crate::facts::names::Hand;
use crate::facts::topology::{Topology, is_local};
use crate::limits::RESOLVERS;

/// All of them.
#[derive(Default)]
pub(super) struct Known {
    rows: heapless::Vec<Row, RESOLVERS>,
    /// The network's settings name resolvers for a line with a fixed address.
    fixed: bool,
    /// The file that is being read does not go with the next start.
    pub(super) old: bool,
}

/// One of them.
struct Row {
    ip: IpAddr,
    /// Named by what the provider says, and whether it says so now.
    provider: bool,
    now: bool,
    /// By the network's settings, which netifd writes among what the provider says.
    network: bool,
    /// By other settings.
    configured: bool,
}

impl Row {
    const fn is_given(&self) -> bool {
        self.provider && !self.network
    }
}

impl Known {
    /// Remembers who named a resolver. Whether it fit.
    pub(super) fn know(&mut self, ip: IpAddr, hand: Hand, format: Format) -> bool {
        self.fixed |= hand == Hand::Fixed && format == Format::Network;
        if !self.rows.iter().any(|row| row.ip == ip) {
            let row = Row { ip, provider: false, now: false, network: false, configured: false };
            if self.rows.push(row).is_err() {
                return false;
            }
        }
        let Some(row) = self.rows.iter_mut().find(|row| row.ip == ip) else { return false };
        match hand {
            Hand::Provider => {
                row.provider = true;
                row.now |= !self.old;
            }
            Hand::Made => {}
            _ if format == Format::Network => row.network = true,
            _ => row.configured = true,
        }
        true
    }

    /// Whether the provider gives a resolver that a file of this format names, or else what the configuration says leads to
    /// it.
    pub(super) fn given(&self, ip: IpAddr, hand: Hand, format: Format, topology: &Topology) -> Option<bool> {
        let row = self.rows.iter().find(|row| row.ip == ip);
        let set = row.is_some_and(|row| row.network || row.configured);
        if row.is_some_and(Row::is_given) || is_near(ip, topology) || hand == Hand::Made && set {
            return Some(true);
        }
        // A line that gets its address from the provider gets resolvers too.
        let automatic = hand == Hand::Owner
            && match format {
                Format::Network | Format::Nvram => true,
                Format::Dhcp => !self.fixed,
                _ => false,
            };
        (automatic || self.rows.iter().any(|row| row.now && row.is_given())).then_some(false)
    }
}

/// Whether an address is near one that the provider gave this machine: /16, or /32 of IPv6.
fn is_near(ip: IpAddr, topology: &Topology) -> bool {
    let same = |own: &IpAddr| match (own, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => {
            own.octets().first_chunk::<2>() == ip.octets().first_chunk::<2>()
        }
        (IpAddr::V6(own), IpAddr::V6(ip)) => {
            own.octets().first_chunk::<4>() == ip.octets().first_chunk::<4>()
        }
        _ => false,
    };
    topology.addresses().iter().filter(|own| !is_local(**own)).any(same)
}
