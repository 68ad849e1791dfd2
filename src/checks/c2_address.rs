//! A socket of the router itself that speaks to a listed address.
//!
//! # Sees
//! A TCP connection in any state, or a connected UDP socket, whose remote address (and port, where the indicator
//! has one) is in an indicator file. Names the process that holds it. And a flow of the router's own in the kernel's table
//! (conntrack) to such an address of which no socket tells: UDP without connect(2), other protocols, a socket that was closed.
//!
//! # Why it matters
//! 61 of 85 described families can be told by the address that the router talks to.
//!
//! # Misses and false alarms
//! `notice` where the other side came to a port on which this router listens: listed machines scan the whole
//! Internet, and every open port is visited. `notice` for an indicator that has expired. Never-match entries
//! (public resolvers, own and private ranges) and the machine's own addresses are silent. Of a flow `suspicious` where the
//! indicator has no port and it is UDP to port 53 or 123, or no TCP or UDP: a resolver or clock that serves the network asks
//! whomever its clients name, and somebody may ping. A bot that is between two connections is seen for some minutes where the
//! kernel tracks flows, and else not. A closing connection (TIME_WAIT) has no process any more. Sockets of other network
//! namespaces are not seen.
//!
//! # Sources
//! proc_pid_net(5); net/ipv4/tcp_ipv4.c `tcp4_seq_show`; include/net/tcp_states.h; MITRE ATT&CK T1071.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::flow::{Flow, TCP, UDP};
use crate::facts::socket::{Protocol, Socket, State};
use crate::facts::topology::Side;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "c2-address",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1071",
    title: "a socket of the router itself that speaks to a listed address",
    advice: Advice::INTRUDER,
    sources: &[Source::Sockets, Source::Flows, Source::Intel],
    hooks: &[Hook::Socket(run), Hook::Flow(flow)],
};

fn run(socket: &Socket, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let remote = socket.remote;
    if socket.state == State::Listen || remote.port == 0 || remote.ip == socket.local.ip {
        return;
    }
    let Some(hit) = ctx.listed(remote.ip, remote.port) else { return };
    let inbound = socket.inbound || socket.state == State::SynReceived;
    let expired = ctx.is_past(hit.expires);
    let severity = if inbound || expired { Severity::Notice } else { CHECK.severity };
    let draft =
        out.socket(socket).severity(severity).family(hit.family.as_bytes()).say(match socket.protocol {
            Protocol::Tcp => "a TCP connection with a listed address",
            Protocol::Udp => "a UDP socket connected to a listed address",
        });
    let draft = if inbound { draft.say("; it came to a port on which this machine listens") } else { draft };
    let draft = if expired { draft.say("; the indicator has expired") } else { draft };
    out.found(if socket.holder.is_none() { draft.say("; no process was seen to hold it") } else { draft });
}

/// The engine leaves out flows of which a socket has told.
fn flow(flow: &Flow, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (from, to) = (flow.original.from, flow.original.to);
    let inbound = flow.from == Side::Wan;
    let (local, remote, asked) = match (flow.from, flow.to) {
        (Side::Own, Side::Wan) => (from, to, to.port),
        // A visitor's own port says nothing, and where somebody else answers he is nobody's but his.
        (Side::Wan, Side::Own) if !flow.is_redirected() => (to, from, 0),
        _ => return,
    };
    let Some(hit) = ctx.listed(remote.ip, asked) else { return };
    let expired = ctx.is_past(hit.expires);
    let common = match flow.protocol {
        TCP => false,
        UDP => matches!(remote.port, 53 | 123),
        _ => true,
    };
    let severity = if inbound || expired {
        Severity::Notice
    } else if common && hit.port.is_none() {
        Severity::Suspicious
    } else {
        CHECK.severity
    };
    let draft = out.remote(remote).local(local).severity(severity).family(hit.family.as_bytes());
    let draft = draft.say(match (inbound, flow.protocol) {
        (true, _) => "a flow of a listed address to this machine, which it began",
        (_, TCP) => "a TCP connection of this machine with a listed address, of which no socket is left",
        (_, UDP) => "UDP packets of this machine to a listed address",
        _ => "packets of this machine to a listed address",
    });
    let draft = if flow.is_answered() { draft } else { draft.say("; nobody has answered") };
    out.found(if expired { draft.say("; the indicator has expired") } else { draft });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{flows, sockets};
    use crate::facts::about::Endian;

    /// A row of `/proc/net/tcp` as a little-endian machine prints it.
    fn socket(remote: &str, state: u8) -> Socket<'static> {
        let row = format!("0: 0F02000A:9C40 {remote} {state:02X} 0:0 0:0 0 0 0 77");
        Socket::parse(row.as_bytes(), Protocol::Tcp, Endian::Little).unwrap()
    }

    // 198.51.100.7:443 is listed as trickbot, 198.51.100.8 expired before NOW, 198.51.100.9 never matches.

    #[test]
    fn listed_addresses() {
        for state in [1, 2, 4, 5, 6, 8, 9, 11] {
            assert_eq!(
                sockets(&CHECK, &socket("076433C6:01BB", state)),
                [Severity::Infected],
                "state {state}"
            );
        }
        assert_eq!(sockets(&CHECK, &socket("076433C6:01BC", 1)), [], "another port");
        assert_eq!(sockets(&CHECK, &socket("0A6433C6:01BB", 1)), [], "another address");
    }

    #[test]
    fn look_alikes() {
        assert_eq!(sockets(&CHECK, &socket("086433C6:01BB", 1)), [Severity::Notice], "expired");
        assert_eq!(sockets(&CHECK, &socket("096433C6:01BB", 1)), [], "never-match");
        assert_eq!(sockets(&CHECK, &socket("076433C6:01BB", 3)), [Severity::Notice], "comes from there");
        assert_eq!(sockets(&CHECK, &socket("00000000:0000", 10)), [], "listens");
        let visitor = Socket { inbound: true, ..socket("076433C6:01BB", 1) };
        assert_eq!(sockets(&CHECK, &visitor), [Severity::Notice]);
        let own = Socket { local: socket("076433C6:01BB", 1).remote, ..socket("076433C6:01BB", 1) };
        assert_eq!(sockets(&CHECK, &own), [], "own address");
    }

    #[test]
    fn flows_of_the_router_itself() {
        let row = |protocol: &str, from: &str, to: &str, [sport, dport]: [u16; 2]| {
            format!(
                "ipv4 2 {protocol} 9 src={from} dst={to} sport={sport} dport={dport} src={to} dst={from} sport={dport} \
                 dport={sport} mark=0 use=1"
            )
        };
        let said = |protocol, from, to, ports| flows(&CHECK, &row(protocol, from, to, ports));
        let own = "203.0.113.10";
        for (protocol, from, to, ports, expected) in [
            ("tcp 6", own, "198.51.100.7", [5000, 443], Severity::Infected),
            ("udp 17", own, "198.51.100.11", [5000, 4000], Severity::Infected),
            ("udp 17", own, "198.51.100.11", [5000, 53], Severity::Suspicious),
            ("icmp 1", own, "198.51.100.11", [0, 0], Severity::Suspicious),
            ("tcp 6", own, "198.51.100.8", [5000, 443], Severity::Notice),
            ("tcp 6", "198.51.100.11", own, [5000, 22], Severity::Notice),
        ] {
            assert_eq!(said(protocol, from, to, ports), [expected], "{protocol} {from} {to} {ports:?}");
        }
        assert_eq!(said("tcp 6", own, "198.51.100.7", [5000, 80]), [], "another port");
        assert_eq!(said("udp 17", own, "198.51.100.9", [5000, 53]), [], "never-match");
        assert_eq!(said("tcp 6", "192.168.1.20", "198.51.100.11", [5000, 80]), [], "a client's");
        assert_eq!(
            said("tcp 6", "198.51.100.7", own, [443, 5000]),
            [],
            "a visitor's port is not the indicator's"
        );
    }
}
