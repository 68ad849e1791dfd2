//! What a router has open to the Internet: sockets, flows and settings in, one value a service out.

use core::net::IpAddr;

use super::endpoint::Endpoint;
use super::flow::{Flow, Stage};
use super::socket::{Protocol, Socket, State};
use super::topology::{Side, Topology, is_local};

/// A service that is for those inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Telnet.
    Telnet,
    /// SSH.
    Ssh,
    /// Web pages.
    Web,
    /// The provider's management, and its port for requests.
    Tr069,
    /// UPnP: discovery and control.
    Upnp,
    /// Shares of files.
    Smb,
    /// Names.
    Dns,
    /// The debugger of Android.
    Adb,
}

/// How many there are.
const SERVICES: usize = 8;

/// Their ports: TCP, UDP or both.
const PORTS: [(u16, bool, bool, Service); 20] = [
    (23, true, false, Service::Telnet),
    (2323, true, false, Service::Telnet),
    (22, true, false, Service::Ssh),
    (2222, true, false, Service::Ssh),
    (80, true, false, Service::Web),
    (443, true, false, Service::Web),
    (8080, true, false, Service::Web),
    (8443, true, false, Service::Web),
    (7547, true, false, Service::Tr069),
    (30_005, true, false, Service::Tr069),
    (1900, false, true, Service::Upnp),
    (5000, true, false, Service::Upnp),
    (49_152, true, false, Service::Upnp),
    (137, false, true, Service::Smb),
    (138, false, true, Service::Smb),
    (139, true, false, Service::Smb),
    (445, true, false, Service::Smb),
    (53, true, true, Service::Dns),
    (5353, false, true, Service::Dns),
    (5555, true, false, Service::Adb),
];

impl Service {
    /// All of them.
    pub const ALL: [Service; SERVICES] = [
        Service::Telnet,
        Service::Ssh,
        Service::Web,
        Service::Tr069,
        Service::Upnp,
        Service::Smb,
        Service::Dns,
        Service::Adb,
    ];

    /// The one at a port.
    #[must_use]
    pub fn at(protocol: Protocol, port: u16) -> Option<Self> {
        let mut all = PORTS.iter();
        let row = all
            .find(|(own, tcp, udp, _)| *own == port && if protocol == Protocol::Tcp { *tcp } else { *udp });
        row.map(|(.., service)| *service)
    }

    /// Those with a port from `first` to `last`.
    pub fn within(first: u16, last: u16, tcp: bool, udp: bool) -> impl Iterator<Item = Self> {
        let all = PORTS.iter().filter(move |(port, of_tcp, of_udp, _)| {
            (first..=last).contains(port) && (tcp && *of_tcp || udp && *of_udp)
        });
        all.map(|(.., service)| *service)
    }

    /// What people call it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Service::Telnet => "telnet",
            Service::Ssh => "SSH",
            Service::Web => "web pages",
            Service::Tr069 => "TR-069",
            Service::Upnp => "UPnP",
            Service::Smb => "SMB",
            Service::Dns => "DNS",
            Service::Adb => "ADB",
        }
    }
}

/// A setting that opens a service: its file, `/` first, and the line.
pub type Setting = (&'static [u8], u32);

/// What speaks for it that a service is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Somebody listens for others than this machine itself.
    pub open: bool,
    /// Somebody listens on every address, or on a public one.
    pub wide: bool,
    /// A stranger who is connected, and this machine's end.
    pub visitor: Option<(Endpoint, Endpoint)>,
    /// A stranger whom the kernel has seen to be answered, and where.
    pub answered: Option<(Endpoint, Endpoint)>,
    /// A setting that lets strangers in. `false`: some firmware's own, which passes them on to the port inside.
    pub setting: Option<(Setting, bool)>,
}

/// What there is of every service; empty until something is.
#[derive(Debug, Default)]
pub struct Exposures(heapless::Vec<Evidence, SERVICES>);

/// A fact for the checks.
#[derive(Clone, Copy, Debug)]
pub enum Exposure<'a> {
    /// A service that strangers reach.
    Service(Service, Evidence),
    /// The firmware: the file that says so, its name and its version.
    Firmware(&'a [u8], &'a [u8], &'a [u8]),
}

impl Exposures {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    fn of(&mut self, service: Service) -> Option<&mut Evidence> {
        const NOTHING: Evidence =
            Evidence { open: false, wide: false, visitor: None, answered: None, setting: None };
        // Not there from the start: a table that is not all zeros would lie in the program's file.
        while self.0.push(NOTHING).is_ok() {}
        let at = Service::ALL.iter().position(|other| *other == service)?;
        self.0.get_mut(at)
    }

    /// Takes in a socket.
    pub fn socket(&mut self, socket: &Socket<'_>, topology: &Topology) {
        let Socket { local, remote, .. } = *socket;
        let service = Service::at(socket.protocol, local.port);
        let Some(evidence) = service.and_then(|service| self.of(service)) else { return };
        let waits = match socket.protocol {
            Protocol::Tcp => socket.state == State::Listen,
            Protocol::Udp => remote.port == 0,
        };
        if waits {
            evidence.open |= !local.ip.is_loopback();
            evidence.wide |= local.ip.is_unspecified() || !is_local(local.ip);
        } else if socket.inbound && socket.state == State::Established && is_stranger(remote.ip, topology) {
            evidence.visitor = Some((remote, local));
        }
    }

    /// Takes in a flow.
    pub fn flow(&mut self, flow: &Flow) {
        // Nearly all flows end here.
        if flow.from != Side::Wan || flow.to != Side::Own || flow.answers != Side::Own {
            return;
        }
        let (protocol, answered) = match flow.protocol {
            6 => (Protocol::Tcp, flow.assured && flow.stage != Stage::Opening),
            17 => (Protocol::Udp, !flow.unreplied),
            _ => return,
        };
        let (from, to) = (flow.original.from, flow.original.to);
        let service = Service::at(protocol, to.port).filter(|_| answered && !is_local(from.ip));
        if let Some(evidence) = service.and_then(|service| self.of(service)) {
            evidence.answered = Some((from, to));
        }
    }

    /// Takes in a setting; `wide`: it lets strangers in to who listens on every address.
    pub fn setting(&mut self, service: Service, setting: Setting, wide: bool) {
        if let Some(evidence) = self.of(service) {
            evidence.setting = evidence.setting.or(Some((setting, wide)));
        }
    }

    /// Hands out what strangers reach. Only of a router is that no matter of course; a setting needs somebody who listens, and
    /// an address of the Internet's at which he does.
    pub fn each(&self, topology: &Topology, each: &mut dyn FnMut(&Exposure<'_>)) {
        let public = topology.addresses().iter().any(|ip| !is_local(*ip));
        for (service, evidence) in Service::ALL.into_iter().zip(self.0.iter().copied()) {
            let set =
                evidence.setting.is_some_and(|(_, wide)| if wide { evidence.wide } else { evidence.open });
            let setting = evidence.setting.filter(|_| set && public);
            let seen = evidence.visitor.is_some() || evidence.answered.is_some() || setting.is_some();
            if seen && topology.is_router() {
                each(&Exposure::Service(service, Evidence { setting, ..evidence }));
            }
        }
    }
}

fn is_stranger(ip: IpAddr, topology: &Topology) -> bool {
    !is_local(ip) && topology.side(ip) == Side::Wan
}

#[cfg(test)]
mod tests {
    use super::super::flow::Tuple;
    use super::super::topology::testing::{home, topology};
    use super::*;
    use crate::facts::about::Endian;

    fn end(text: &str) -> Endpoint {
        let address: core::net::SocketAddr = text.parse().unwrap();
        Endpoint { ip: address.ip(), port: address.port() }
    }

    fn tcp(local: &str, remote: &str, state: State, inbound: bool) -> Socket<'static> {
        let row = b"0: 0F02000A:9C40 0:0 01 0:0 0:0 0 0 0 77";
        let row = Socket::parse(
            &[&row[..17], b"00000000:0000", &row[20..]].concat(),
            Protocol::Tcp,
            Endian::Little,
        );
        Socket { local: end(local), remote: end(remote), state, inbound, ..row.unwrap() }
    }

    fn told(exposures: &Exposures, topology: &Topology) -> Vec<Service> {
        let mut found = Vec::new();
        exposures.each(topology, &mut |exposure| {
            if let Exposure::Service(service, _) = exposure {
                found.push(*service);
            }
        });
        found
    }

    #[test]
    fn strangers_who_are_connected() {
        let visitor = |remote, local| tcp(local, remote, State::Established, true);
        for (socket, found) in [
            (visitor("198.51.100.7:40000", "203.0.113.10:22"), true),
            (visitor("192.168.1.20:40000", "192.168.1.1:22"), false),
            // The network before this router, a port that is nobody's, a call of its own.
            (visitor("10.0.0.1:40000", "203.0.113.10:22"), false),
            (visitor("198.51.100.7:40000", "203.0.113.10:51413"), false),
            (tcp("203.0.113.10:22", "198.51.100.7:40000", State::Established, false), false),
            (tcp("203.0.113.10:22", "198.51.100.7:40000", State::SynReceived, true), false),
        ] {
            let mut exposures = Exposures::new();
            exposures.socket(&socket, &home());
            assert_eq!(told(&exposures, &home()) == [Service::Ssh], found, "{socket:?}");
        }
        // A server is there for strangers.
        let server = topology(&["0.0.0.0/0 via eth0", "203.0.113.0/24 on eth0"], &["203.0.113.10"]);
        let mut exposures = Exposures::new();
        exposures.socket(&visitor("198.51.100.7:40000", "203.0.113.10:22"), &server);
        assert_eq!(told(&exposures, &server), []);
    }

    #[test]
    fn strangers_whom_the_kernel_has_seen_to_be_answered() {
        let tuple = |from, to| Tuple { from: end(from), to: end(to) };
        let (original, reply) =
            (tuple("198.51.100.7:40000", "203.0.113.10:53"), tuple("203.0.113.10:53", "198.51.100.7:40000"));
        let flow = Flow {
            protocol: 17,
            original,
            reply,
            stage: Stage::None,
            unreplied: false,
            assured: false,
            offloaded: false,
            mark: 0,
            from: Side::Wan,
            to: Side::Own,
            answers: Side::Own,
        };
        let tcp = Flow { protocol: 6, stage: Stage::Established, assured: true, ..flow };
        for (flow, found) in [
            (flow, true),
            (tcp, true),
            (Flow { unreplied: true, ..flow }, false),
            // Refused; passed on to a host inside; a client's.
            (Flow { stage: Stage::Closing, assured: false, ..tcp }, false),
            (Flow { answers: Side::Lan, ..tcp }, false),
            (Flow { from: Side::Lan, ..tcp }, false),
            (Flow { protocol: 1, ..flow }, false),
        ] {
            let mut exposures = Exposures::new();
            exposures.flow(&flow);
            assert_eq!(told(&exposures, &home()) == [Service::Dns], found, "{flow:?}");
        }
    }

    #[test]
    fn settings_need_who_listens() {
        let listener = |local| tcp(local, "0.0.0.0:0", State::Listen, false);
        let behind =
            topology(&["0.0.0.0/0 via eth1", "192.168.1.0/24 on br-lan"], &["10.0.0.2", "192.168.1.1"]);
        for (local, wide, map, found) in [
            ("0.0.0.0:22", true, home(), true),
            ("203.0.113.10:22", true, home(), true),
            ("192.168.1.1:22", true, home(), false),
            ("192.168.1.1:22", false, home(), true),
            ("127.0.0.1:22", false, home(), false),
            ("0.0.0.0:80", true, home(), false),
            ("0.0.0.0:22", true, behind, false),
        ] {
            let mut exposures = Exposures::new();
            exposures.setting(Service::Ssh, (b"/etc/config/firewall", 7), wide);
            exposures.socket(&listener(local), &map);
            assert_eq!(told(&exposures, &map) == [Service::Ssh], found, "{local} {wide}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(Service::at(Protocol::Udp, 53), Some(Service::Dns));
        assert_eq!((Service::at(Protocol::Udp, 22), Service::at(Protocol::Tcp, 1900)), (None, None));
        let all: Vec<_> = Service::within(22, 80, true, false).collect();
        assert_eq!(all, [Service::Telnet, Service::Ssh, Service::Web, Service::Dns]);
        assert_eq!(Service::within(0, u16::MAX, false, true).count(), 5);
    }
}
