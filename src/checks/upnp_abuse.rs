//! A port that UPnP opened to a stranger, to the router itself, or to what administers a computer.
//!
//! # Sees
//! The leases of miniupnpd (UPnP IGD, NAT-PMP, PCP) that still hold. `infected`: one that leads to a public address, which
//! makes the router a proxy (UPnProxy), or that has the name that EternalSilence gives. `suspicious`: one that leads to
//! 127.0.0.1, to a service of the router itself, or to SMB, RDP, telnet or ADB of a LAN client. `notice`: one that
//! leads to another port of the router, or to SSH or FTP of a LAN client.
//!
//! # Why it matters
//! Akamai found 277,000 routers whose UPnP answers the Internet, and 45,000 with leases that strangers had put there: to
//! send traffic on under the router's address, or to reach the SMB of computers behind it. Such leases need no file and no
//! process on the router.
//!
//! # Misses and false alarms
//! Silent for games, consoles, torrents and telephones, and for web pages of LAN clients: cameras and disks have them
//! opened. A lease that has expired is silent. Of IPv6, where nothing is translated, an address that is no LAN client's any
//! more is one of yesterday's prefix, and silent. A private address that nobody has here is one of yesterday's network. A
//! LAN that uses public addresses is known by its routes. Daemons that keep no list are not seen here; what they opened is
//! in the packet filter's rules.
//!
//! # Sources
//! Akamai, UPnProxy: Blackhat Proxies via NAT Injections (2018), UPnProxy: EternalSilence (2018); miniupnpd's upnpredirect.c
//! and upnppinhole.c; MITRE ATT&CK T1090.

use core::net::IpAddr;

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::mapping::Mapping;
use crate::facts::socket::Protocol;
use crate::facts::text::has;
use crate::facts::topology::{Side, is_local};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "upnp-abuse",
    area: Area::Network,
    severity: Severity::Suspicious,
    attack: "T1090",
    title: "a port that UPnP opened to a stranger, the router itself, or administration",
    advice: Advice::RULE,
    sources: &[Source::Mappings],
    hooks: &[Hook::Mapping(run)],
};

/// What EternalSilence calls its leases ("silent cookie").
const ETERNAL_SILENCE: &[u8] = b"galleta silenciosa";

/// Services that nobody has opened by UPnP for others to use.
const NEVER: [u16; 6] = [23, 135, 139, 445, 3389, 5555];

/// Services by which a computer is administered, and which some disks have opened.
const SELDOM: [u16; 2] = [21, 22];

/// Services of routers above 1023: telnet, web, TR-069, SSH, UPnP.
const ROUTERS: [u16; 8] = [2323, 2222, 5000, 7547, 8080, 8443, 8081, 49_152];

fn run(lease: &Mapping<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (ip, port) = (lease.to.ip, lease.to.port);
    let named = has(lease.description, ETERNAL_SILENCE);
    let (severity, whom) = match lease.side {
        _ if ctx.is_past(lease.expires) => return,
        Side::Wan if ip.is_ipv4() && !is_local(ip) => (Severity::Infected, "a public address"),
        Side::Own if ip.is_loopback() => (CHECK.severity, "the router itself"),
        Side::Own if port < 1024 || ROUTERS.contains(&port) => {
            (CHECK.severity, "a service of the router itself")
        }
        Side::Own => (Severity::Notice, "the router itself"),
        Side::Lan if named => (CHECK.severity, "a LAN client"),
        Side::Lan if NEVER.contains(&port) => {
            (CHECK.severity, "a LAN client's remote administration or shares")
        }
        Side::Lan if SELDOM.contains(&port) => (Severity::Notice, "a LAN client's SSH or FTP"),
        _ => return,
    };
    let severity = if named { Severity::Infected } else { severity };
    let draft = out.at(lease.file, lease.line).severity(severity);
    let draft = match lease.side {
        Side::Lan => draft.client(lease.to),
        _ => draft.remote(Some(lease.to)),
    };
    let draft = if named { draft.family(b"eternalsilence") } else { draft };
    let protocol = match lease.protocol {
        Protocol::Tcp => "TCP port ",
        Protocol::Udp => "UDP port ",
    };
    let draft = draft.say("UPnP opened ").say(protocol).number(lease.port.into()).say(" to ").say(whom);
    // What a LAN client calls its own lease tells who that is.
    out.found(match ip {
        IpAddr::V4(_) if lease.side != Side::Lan => draft.say(", called ").quote(lease.description),
        _ => draft,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{NOW, mapping};

    fn weigh(row: &str, side: Side) -> Vec<Severity> {
        mapping(&CHECK, &Mapping { side, ..Mapping::parse(row.as_bytes()).unwrap() })
    }

    #[test]
    fn leases_that_nobody_asks_for() {
        for (row, side, severity) in [
            ("TCP:8000:198.51.100.20:80:0:node:nat", Side::Wan, Severity::Infected),
            ("UDP:53:198.51.100.20:53:0:", Side::Wan, Severity::Infected),
            ("TCP:47669:192.168.10.212:445:0:galleta silenciosa", Side::Lan, Severity::Infected),
            ("TCP:47670:192.168.10.212:139:0:x", Side::Lan, Severity::Suspicious),
            ("TCP:3389:192.168.1.20:3389:0:x", Side::Lan, Severity::Suspicious),
            ("TCP:5555:192.168.1.20:5555:0:x", Side::Lan, Severity::Suspicious),
            ("TCP:2222:192.168.1.20:22:0:x", Side::Lan, Severity::Notice),
            ("TCP:8000:127.0.0.1:9999:0:x", Side::Own, Severity::Suspicious),
            ("TCP:8000:192.168.1.1:80:0:x", Side::Own, Severity::Suspicious),
            ("TCP:8000:192.168.1.1:7547:0:x", Side::Own, Severity::Suspicious),
            ("TCP:51413:192.168.1.1:51413:0:Transmission", Side::Own, Severity::Notice),
            ("TCP;2001:db8:1::20;445;;0;1;0;x", Side::Lan, Severity::Suspicious),
        ] {
            assert_eq!(weigh(row, side), [severity], "{row}");
        }
    }

    #[test]
    fn look_alikes() {
        for (row, side) in [
            ("UDP:3074:192.168.1.20:3074:0:Xbox", Side::Lan),
            ("UDP:9308:192.168.1.20:9308:0:192.168.1.20:9308 to 9308 (UDP)", Side::Lan),
            ("TCP:51413:192.168.1.20:51413:0:Transmission", Side::Lan),
            ("TCP:443:192.168.1.30:443:0:QNAP", Side::Lan),
            ("TCP:8000:192.168.1.31:80:0:camera", Side::Lan),
            // Of the network or the prefix of yesterday.
            ("TCP:445:192.168.7.20:445:0:x", Side::Wan),
            ("TCP;2001:db8:9::20;51413;;0;1;0;x", Side::Wan),
        ] {
            assert_eq!(weigh(row, side), [], "{row}");
        }
        let over = format!("TCP:8000:198.51.100.20:80:{}:x", NOW - 1);
        assert_eq!(weigh(&over, Side::Wan), [], "expired");
        let holds = format!("TCP:8000:198.51.100.20:80:{}:x", NOW + 1);
        assert_eq!(weigh(&holds, Side::Wan), [Severity::Infected]);
    }
}
