//! A client's flow through the router to a listed address.
//!
//! # Sees
//! In the kernel's table of flows (conntrack): a flow that a served host opened to an address that is in an indicator file
//! (and port, where the indicator has one). The address that answers counts too, where it is another one than was asked
//! for. Names the client by a keyed hash, or in full with `--lan-details`. One finding a client, other end and port.
//!
//! # Why it matters
//! An infected computer or camera behind the router shows itself nowhere else: of TrickBot on Windows, whose controllers are
//! listed by address and port, the router sees nothing but the flow.
//!
//! # Misses and false alarms
//! `notice` for an indicator that has expired. `notice` where an indicator has no port and the flow says little: nobody
//! answered it, it asks for names (UDP 53: a resolver of the client's own), it is UDP between two high ports (peer-to-peer
//! programs call thousands of hosts, infected ones among them), or the client's port is a service's and the other is not:
//! then it was opened from there and the kernel joined in the middle. `notice` where the listed side came to a port that is
//! forwarded: listed machines scan the whole Internet. Never-match entries are silent. A flow is remembered while it lives
//! and some time longer: TCP 2 minutes after its end, UDP 30 to 120 seconds. Firmware that hands flows to
//! hardware and takes them out of the table shows them to nobody. Clients behind a second router show as that router.
//!
//! # Sources
//! net/netfilter/nf_conntrack_standalone.c `ct_seq_show`; nf_conntrack-sysctl.rst (timeouts); abuse.ch Feodo Tracker;
//! MITRE ATT&CK T1071.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::endpoint::Endpoint;
use crate::facts::flow::{Flow, TCP, UDP};
use crate::facts::topology::Side;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "c2-client",
    area: Area::Network,
    severity: Severity::Suspicious,
    attack: "T1071",
    title: "a client's flow through the router to a listed address",
    advice: Advice::CLIENT,
    sources: &[Source::Flows, Source::Intel, Source::Routes],
    hooks: &[Hook::Flow(run)],
};

fn run(flow: &Flow, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (from, to, answers) = (flow.original.from, flow.original.to, flow.reply.from);
    let listed = |end: Endpoint| ctx.listed(end.ip, end.port).map(|hit| (end, hit));
    let visits = flow.from == Side::Wan && flow.answers == Side::Lan;
    let found = match flow.from {
        Side::Lan => {
            let asked = Some(to).filter(|_| flow.to == Side::Wan).and_then(listed);
            let redirected = Some(answers).filter(|_| flow.answers == Side::Wan && flow.is_redirected());
            asked.or_else(|| redirected.and_then(listed))
        }
        // A visitor's own port says nothing.
        _ if visits => ctx.listed(from.ip, 0).map(|hit| (from, hit)),
        _ => None,
    };
    let Some((remote, hit)) = found else { return };
    let client = if visits { answers } else { from };
    let names = flow.protocol == UDP && remote.port == 53;
    let peers = flow.protocol == UDP && remote.port >= 1024 && client.port >= 1024;
    let reversed = (1..1024).contains(&client.port) && remote.port >= 1024;
    let weak = hit.port.is_none() && (!flow.is_answered() || names || peers || reversed);
    let expired = ctx.is_past(hit.expires);
    let mild = visits || weak || expired;
    let severity = if mild { Severity::Notice } else { CHECK.severity };
    let draft = out.remote(remote).client(client).severity(severity).family(hit.family.as_bytes());
    let draft = draft.say(match (visits, flow.protocol) {
        (true, _) => "a listed address came to a host of the local network",
        (_, TCP) => "a client's TCP connection with a listed address",
        (_, UDP) => "a client's UDP packets to a listed address",
        _ => "a client's packets to a listed address",
    });
    let draft = if visits { draft.say("; its port is ").number(to.port.into()) } else { draft };
    let draft = if !visits && remote != to {
        draft.say("; it was redirected there from port ").number(to.port.into())
    } else {
        draft
    };
    let draft = if flow.is_answered() { draft } else { draft.say("; nobody has answered") };
    let draft = if mild && !visits && !expired && hit.port.is_none() && flow.is_answered() {
        draft.say("; the indicator names no port, and others than malware call many hosts like that")
    } else {
        draft
    };
    out.found(if expired { draft.say("; the indicator has expired") } else { draft });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::flows;

    // 198.51.100.7:443 is listed as trickbot, 198.51.100.8 expired before NOW, 198.51.100.9 never matches, 198.51.100.11 has no port.

    fn from_client(protocol: &str, client: &str, remote: &str, marks: &str) -> Vec<Severity> {
        flows(&CHECK, &row(protocol, client, remote, remote, marks))
    }

    /// A row of a flow from `from` to `to`, which `answers` answers.
    fn row(protocol: &str, from: &str, to: &str, answers: &str, marks: &str) -> String {
        let end =
            |end: &str| end.rsplit_once(':').map(|(ip, port)| (ip.to_owned(), port.to_owned())).unwrap();
        let ((from, sport), (to, dport), (answers, aport)) = (end(from), end(to), end(answers));
        format!(
            "ipv4 2 {protocol} 9 src={from} dst={to} sport={sport} dport={dport} {marks}src={answers} dst=203.0.113.10 \
             sport={aport} dport={sport} mark=0 use=1"
        )
    }

    const UDP_17: &str = "udp 17";

    #[test]
    fn listed_addresses() {
        let suspicious = [Severity::Suspicious];
        assert_eq!(from_client("tcp 6", "192.168.1.20:5000", "198.51.100.7:443", ""), suspicious);
        assert_eq!(from_client("tcp 6", "192.168.1.20:5000", "198.51.100.7:443", "[UNREPLIED] "), suspicious);
        assert_eq!(from_client(UDP_17, "192.168.1.20:5000", "198.51.100.7:443", ""), suspicious);
        assert_eq!(from_client("tcp 6", "192.168.1.20:5000", "198.51.100.11:80", ""), suspicious);
        let redirected = row("tcp 6", "192.168.1.20:5000", "192.168.1.1:449", "198.51.100.7:443", "");
        assert_eq!(flows(&CHECK, &redirected), suspicious);
        let through = row("tcp 6", "192.168.1.20:5000", "192.0.2.1:449", "198.51.100.7:443", "");
        assert_eq!(flows(&CHECK, &through), suspicious);
    }

    #[test]
    fn look_alikes() {
        let client = "192.168.1.20:50000";
        for (case, said, expected) in [
            ("another port", from_client("tcp 6", client, "198.51.100.7:444", ""), vec![]),
            ("another address", from_client("tcp 6", client, "198.51.100.77:443", ""), vec![]),
            ("never-match", from_client("tcp 6", client, "198.51.100.9:443", ""), vec![]),
            ("to the router", from_client("tcp 6", client, "192.168.1.1:443", ""), vec![]),
            ("the router's own", from_client("tcp 6", "203.0.113.10:5000", "198.51.100.7:443", ""), vec![]),
            ("expired", from_client("tcp 6", client, "198.51.100.8:443", ""), vec![Severity::Notice]),
        ] {
            assert_eq!(said, expected, "{case}");
        }
        for (protocol, client, remote, marks) in [
            ("tcp 6", client, "198.51.100.11:80", "[UNREPLIED] "),
            (UDP_17, client, "198.51.100.11:53", ""),
            (UDP_17, client, "198.51.100.11:51413", ""),
            ("tcp 6", "192.168.1.20:22", "198.51.100.11:40000", ""),
        ] {
            assert_eq!(
                from_client(protocol, client, remote, marks),
                [Severity::Notice],
                "{protocol} {client} {remote}"
            );
        }
        let visitor = row("tcp 6", "198.51.100.11:4000", "203.0.113.10:8080", "192.168.1.20:80", "");
        assert_eq!(flows(&CHECK, &visitor), [Severity::Notice]);
        let visitor = row("tcp 6", "198.51.100.11:4000", "203.0.113.10:22", "203.0.113.10:22", "");
        assert_eq!(flows(&CHECK, &visitor), [], "the router's own port");
    }
}
