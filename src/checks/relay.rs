//! The router passes strangers on to other strangers.
//!
//! # Sees
//! A flow that the kernel tracks: it came from the world to an address of the router, and another address of the world answers.
//! And a program, all its processes together, that strangers visit and that calls strangers, about as many connections in as
//! out: a proxy. And one that nobody vouches for and that calls a crowd at once without being visited: the exit of a proxy
//! that connects back, or peer-to-peer.
//!
//! `infected` for such a flow, and for a proxy that nobody vouches for or that runs from a volatile or hidden place or
//! from memory; of an interpreter, with such a script or commands in its arguments.
//!
//! # Why it matters
//! 19 of 85 described families sell the device as a way through. TrickBot's whole trace on a router was one rule that
//! sent what came to port 449 on to its server.
//!
//! # Misses and false alarms
//! Silent for port forwards to served networks, hairpin NAT, flows that pass through to public addresses that are served, and
//! answers from private addresses beyond the provider (a router behind a router). A server that forwards ports to another
//! server on the Internet does the same as TrickBot and is accused. Of proxies `suspicious` where the name is a known
//! proxy's, VPN's or peer-to-peer client's that nobody vouches for, where nothing says whose the program is, and for
//! netcat or socat; `notice` for what an owner added, scripts in system places, and SSH daemons that hand on to
//! many strangers, as with `ssh -D`; silent for all else that firmware or a package has. A proxy that connects back and
//! serves few at a time is missed, and so is one whose traffic hides in UDP or in a tunnel.
//!
//! # Sources
//! nf_conntrack-sysctl.rst; proc_pid_net(5); Microsoft 2022, "Uncovering Trickbot's use of IoT devices"; MITRE ATT&CK T1090.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::backing::{Backing, is_relay};
use crate::facts::flow::Flow;
use crate::facts::place::{Place, place};
use crate::facts::process::Process;
use crate::facts::program::{Started, applet, is_session, is_shell, started};
use crate::facts::service::Service;
use crate::facts::text::is_one_of;
use crate::facts::topology::{Side, is_local};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "relay",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1090",
    title: "strangers who are passed on to other strangers",
    advice: Advice::INTRUDER,
    sources: &[Source::Sockets, Source::Flows, Source::Descriptors, Source::Routes],
    hooks: &[Hook::Flow(flow), Hook::Service(service)],
};

/// Connections with strangers that a proxy has at least, in and out.
const BUSY: u32 = 4;
/// How many times more of one kind there may be than of the other.
const PAIRED: u32 = 3;
/// Strangers that the exit of a proxy calls at once.
const CROWD: u32 = 24;

/// Programs that are proxies, VPNs, tunnels and peer-to-peer clients for their owners; anybody may take such a name.
const KNOWN: &[u8] = b"3proxy AdGuardHome aria2c amuled bitcoind brook caddy clash danted deluged frpc frps geth gost haproxy \
    hysteria i2pd ipfs microsocks mihomo naive nebula nginx openvpn privoxy qbittorrent-nox rtorrent shadowsocks \
    sing-box sockd squid ss-local ss-redir ss-server sslocal ssserver stunnel syncthing tailscaled tinyproxy tor \
    transmission-daemon trojan trojan-go v2ray vpnserver xray zerotier-one";

fn flow(flow: &Flow, _: &Ctx<'_>, out: &mut Out<'_>) {
    let (meant, answers) = (flow.original.to, flow.reply.from);
    let sides = (flow.from, flow.to, flow.answers) == (Side::Wan, Side::Own, Side::Wan);
    let has_ports = matches!(flow.protocol, 6 | 17);
    if !sides || !has_ports || is_local(answers.ip) || is_local(meant.ip) || answers.ip == meant.ip {
        return;
    }
    let draft = out
        .remote(answers)
        .local(meant)
        .say("what strangers send to this machine goes on to another stranger");
    out.found(if flow.is_answered() { draft } else { draft.say(", who has not answered") });
}

fn service(service: &Service<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(holder) = service.holder.filter(|holder| !ctx.is_own(holder)) else { return };
    let (into, from) = (service.visitors.connections, service.called.connections);
    let paired = into <= from.saturating_mul(PAIRED) && from <= into.saturating_mul(PAIRED);
    let passes = into >= BUSY && from >= BUSY && paired;
    let crowd = into == 0 && service.doors.is_empty() && service.called.hosts >= CROWD;
    let backing = Backing::of(holder);
    let severity = match (passes, crowd) {
        (true, _) => passing(holder, backing, service),
        (_, true) => calling(holder, backing),
        _ => None,
    };
    let Some(severity) = severity else { return };
    let draft = out.holder(service.holder).severity(severity).remote(service.called.one);
    let draft = if passes {
        draft
            .say("it has ")
            .number(into)
            .say(" connections from strangers and ")
            .number(from)
            .say(" to about ")
    } else {
        draft.say("nobody visits it, and it has connections to about ")
    };
    let draft = draft.number(service.called.hosts).say(" strangers, as a proxy does; its program");
    out.found(draft.say(backing.words()));
}

/// How bad a proxy is.
fn passing(holder: &Process, backing: Backing, service: &Service<'_>) -> Option<Severity> {
    let name = applet(holder);
    Some(match backing {
        Backing::Odd => CHECK.severity,
        Backing::Nobodys if !is_one_of(name, KNOWN) => CHECK.severity,
        Backing::Nobodys => Severity::Suspicious,
        Backing::Unsaid if is_one_of(name, KNOWN) || holder.is_removed() => Severity::Notice,
        Backing::Unsaid => Severity::Suspicious,
        Backing::Told if is_relay(name) => Severity::Suspicious,
        Backing::Told => match started(holder) {
            // It has the sockets of whoever started it.
            _ if is_shell(name) => Severity::Notice,
            Started::Script(script) if matches!(place(script), Place::Firm | Place::Mount) => {
                Severity::Notice
            }
            _ => CHECK.severity,
        },
        Backing::Owners => Severity::Notice,
        Backing::Vouched if is_session(name) && service.called.hosts >= BUSY => Severity::Notice,
        Backing::Vouched => return None,
    })
}

/// How bad it is to call a crowd.
fn calling(holder: &Process, backing: Backing) -> Option<Severity> {
    match backing {
        Backing::Odd => Some(Severity::Suspicious),
        Backing::Nobodys if is_one_of(applet(holder), KNOWN) => Some(Severity::Notice),
        Backing::Nobodys => Some(Severity::Suspicious),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process};
    use crate::facts::endpoint::Endpoint;
    use crate::facts::flow::{Stage, Tuple};
    use crate::facts::process::Owner;
    use crate::facts::service::{Door, Peers};
    use crate::facts::socket::Protocol;
    use crate::facts::topology::testing::home;
    use Severity::{Infected, Notice, Suspicious};

    fn end(text: &str) -> Endpoint {
        let address: core::net::SocketAddr = text.parse().unwrap();
        Endpoint { ip: address.ip(), port: address.port() }
    }

    /// A flow by who sends, to whom, and who answers.
    fn tracked(from: &str, to: &str, answers: &str) -> Flow {
        let [from, to, answers] = [from, to, answers].map(end);
        let side = |end: Endpoint| home().side(end.ip);
        Flow {
            protocol: 6,
            original: Tuple { from, to },
            reply: Tuple { from: answers, to: from },
            stage: Stage::Established,
            unreplied: false,
            assured: true,
            offloaded: false,
            mark: 0,
            from: side(from),
            to: side(to),
            answers: side(answers),
        }
    }

    fn of_flow(flow: &Flow) -> Vec<Severity> {
        crate::check::testing::flow(&CHECK, flow)
    }

    #[test]
    fn flows_that_go_on_to_strangers() {
        let trickbot = tracked("192.0.2.7:50000", "203.0.113.10:449", "198.51.100.7:80");
        assert_eq!(of_flow(&trickbot), [Infected]);
        assert_eq!(of_flow(&Flow { unreplied: true, protocol: 17, ..trickbot }), [Infected]);
        let ipv6 = tracked("[2001:db8:7::7]:50000", "[2001:db8:1::1]:449", "[2001:db8:8::7]:80");
        assert_eq!(of_flow(&ipv6), [Infected]);
        for (from, to, answers) in [
            // A visitor, a port forward, hairpin NAT, a client's own flow, one that passes through to a public address that
            // is served, an answer from a router in front of this one.
            ("192.0.2.7:50000", "203.0.113.10:443", "203.0.113.10:443"),
            ("192.0.2.7:50000", "203.0.113.10:443", "192.168.1.20:443"),
            ("192.168.1.20:50000", "203.0.113.10:443", "192.168.1.30:443"),
            ("192.168.1.20:50000", "198.51.100.7:443", "198.51.100.7:443"),
            ("192.168.1.20:50000", "198.51.100.7:53", "198.51.100.9:53"),
            ("[2001:db8:7::7]:50000", "[2001:db8:1::20]:443", "[2001:db8:1::20]:443"),
            ("192.0.2.7:50000", "203.0.113.10:443", "10.0.0.9:443"),
        ] {
            assert_eq!(of_flow(&tracked(from, to, answers)), [], "{from} {to} {answers}");
        }
        assert_eq!(of_flow(&Flow { protocol: 1, ..trickbot }), []);
    }

    fn peers(connections: u32, hosts: u32) -> Peers {
        Peers { connections, hosts, one: Some(end("198.51.100.7:443")) }
    }

    fn said(holder: &Process, doors: &[Door], visitors: Peers, called: Peers) -> Vec<Severity> {
        let fact = Service { holder: Some(holder), doors, more: 0, hidden: 0, visitors, called };
        crate::check::testing::service(&CHECK, &fact)
    }

    const DOOR: [Door; 1] = [Door { protocol: Protocol::Tcp, port: 1080, local: false, known: None }];

    fn by(path: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut holder = process(812, b"x", path, argv);
        holder.surroundings.owner = owner;
        holder
    }

    #[test]
    fn programs_that_pass_strangers_on() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        for (path, argv, owner, expected) in [
            (&b"/usr/bin/gwproxy"[..], &b"x\0"[..], Nobody, Some(Infected)),
            (b"/tmp/gwproxy", b"x\0", Unknown, Some(Infected)),
            (b"/memfd:x (deleted)", b"x\0", Unknown, Some(Infected)),
            (b"/usr/bin/python3", b"python3\0/tmp/s.py\0", Firmware, Some(Infected)),
            (b"/usr/bin/python3", b"python3\0-c\0x\0", Firmware, Some(Infected)),
            (
                b"/usr/bin/socat",
                b"socat\0TCP-LISTEN:449,fork\0TCP:198.51.100.7:80\0",
                Package,
                Some(Suspicious),
            ),
            (b"/koolshare/bin/xray", b"xray\0", Nobody, Some(Suspicious)),
            (b"/usr/bin/vendord", b"x\0", Unknown, Some(Suspicious)),
            (b"/usr/bin/tor", b"tor\0", Unknown, Some(Notice)),
            (b"/usr/local/bin/xray", b"xray\0", Nobody, Some(Notice)),
            (b"/usr/bin/python3", b"python3\0-m\0synapse.app.homeserver\0", Package, Some(Notice)),
            (b"/usr/sbin/dropbear", b"dropbear\0", Firmware, Some(Notice)),
            (b"/usr/bin/transmission-daemon", b"x\0", Package, None),
            (b"/usr/sbin/haproxy", b"haproxy\0", Package, None),
            (b"/usr/bin/ss-server", b"ss-server\0", Package, None),
            (b"/usr/sbin/openvpn", b"openvpn\0", Firmware, None),
        ] {
            let holder = by(path, argv, owner);
            let text = String::from_utf8_lossy(path);
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(said(&holder, &DOOR, peers(8, 2), peers(9, 7)), expected, "{text}");
            assert_eq!(said(&holder, &DOOR, peers(200, 90), peers(1, 1)), [], "{text} serves");
            assert_eq!(said(&holder, &DOOR, peers(1, 1), peers(60, 40)), [], "{text} calls");
            assert_eq!(said(&holder, &DOOR, peers(3, 3), peers(3, 3)), [], "{text} does little");
        }
        let own = by(b"/tmp/x", b"x\0", Nobody);
        let own = Process { pid: OWN_PID, ..own };
        assert_eq!(said(&own, &DOOR, peers(8, 2), peers(9, 7)), []);
    }

    #[test]
    fn programs_that_call_a_crowd() {
        use Owner::{Nobody, Package, Unknown};
        for (path, owner, expected) in [
            (&b"/usr/bin/gwproxy"[..], Nobody, Some(Suspicious)),
            (b"/tmp/gwproxy", Unknown, Some(Suspicious)),
            (b"/koolshare/bin/xray", Nobody, Some(Notice)),
            (b"/usr/local/bin/crawler", Nobody, None),
            (b"/usr/bin/vendord", Unknown, None),
            (b"/usr/bin/curl", Package, None),
        ] {
            let holder = by(path, b"x\0", owner);
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(said(&holder, &[], peers(0, 0), peers(40, 30)), expected);
            assert_eq!(said(&holder, &[], peers(0, 0), peers(40, 3)), []);
            assert_eq!(said(&holder, &DOOR, peers(0, 0), peers(40, 30)), [], "it listens");
        }
    }
}
