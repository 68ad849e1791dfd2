//! Netlink: one question, and a descriptor from which the datagrams of the answer are read.

use std::os::fd::{AsRawFd, OwnedFd};

use gatewatch::facts::netlink::Bus;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, send, setsockopt, socket};
use nix::sys::time::TimeVal;

/// Seconds that the kernel may take for a datagram: it has them ready at once, or never.
const PATIENCE_S: i64 = 2;

/// Asks the kernel. One without that part refuses here, or in the answer.
pub fn ask(bus: Bus, request: &[u8]) -> Result<OwnedFd, Errno> {
    let protocol = match bus {
        Bus::Route => SockProtocol::NetlinkRoute,
        Bus::SockDiag => SockProtocol::NetlinkSockDiag,
        Bus::Netfilter => SockProtocol::NetlinkNetFilter,
    };
    let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    // The type of seconds is narrow on 32-bit machines.
    #[allow(clippy::useless_conversion)]
    setsockopt(&fd, ReceiveTimeout, &TimeVal::new(PATIENCE_S.try_into().unwrap_or_default(), 0))?;
    send(fd.as_raw_fd(), request, MsgFlags::empty())?;
    Ok(fd)
}

#[cfg(test)]
pub mod tests {
    //! The text and the answer of this very kernel say the same.

    use std::process::Command;

    use gatewatch::facts::about::Endian;
    use gatewatch::facts::flow::Flow;
    use gatewatch::facts::netlink::Table;
    use gatewatch::facts::raw::{Family, RawSocket};
    use gatewatch::facts::socket::{Protocol, Socket, State};
    use gatewatch::facts::topology::Topology;
    use gatewatch::host::Fault;
    use gatewatch::source::diag::Diag;
    use gatewatch::source::net::{self, Ports};
    use gatewatch::source::shown::Shown;
    use gatewatch::source::{Coverage, flows, lan, raw, topology, unix};

    use crate::sys::machine::Machine;

    /// Runs one of the ignored tests below in a network namespace of its own, after these commands. `/proc/net` is what the
    /// whole process sees, so it has to be a process of its own.
    pub fn alone(test: &str, commands: &str) {
        let script = format!("set -e; {commands}; exec \"$0\" --ignored --exact sys::{test}");
        let own = std::env::current_exe().unwrap();
        let output = Command::new("unshare").args(["-n", "sh", "-c", &script]).arg(own).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "as root? {output:?}");
    }

    #[test]
    fn routes_and_addresses() {
        alone(
            "netlink::tests::same_routes_and_addresses",
            "ip link set lo up; ip link add wan type veth peer name lan; ip link set wan up; ip link set lan up
            ip addr add 192.0.2.10/24 dev wan; ip addr add 192.168.1.1/24 dev lan
            ip -6 addr add 2001:db8:1::1/64 dev lan nodad
            ip route add default via 192.0.2.1; ip route add 10.0.0.0/8 via 192.168.1.2
            ip route add blackhole 172.16.0.0/12; ip -6 route add default via fe80::1 dev wan",
        );
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn same_routes_and_addresses() {
        let machine = Machine::live().unwrap();
        let (mut text, mut told, mut coverage) = (Topology::new(), Topology::new(), Coverage::new());
        let sorted = |topology: &Topology| {
            let mut all: Vec<_> = topology.routes().iter().map(|route| format!("{route:?}")).collect();
            all.extend(topology.addresses().iter().map(ToString::to_string));
            all.sort();
            all
        };
        // What comes with an interface that is coming up appears a little later.
        for _ in 0..50 {
            topology::read(&machine, &mut text, &mut coverage);
            topology::netlink(&machine, Endian::NATIVE, &mut told).unwrap();
            if sorted(&text) == sorted(&told) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!(sorted(&text), sorted(&told));
        assert_eq!(coverage.gaps, 0, "{coverage:?}");
        assert!(text.routes().len() >= 6 && text.addresses().len() >= 3, "{text:?}");
        assert!(text.is_wan(b"wan") && !text.is_wan(b"lan"));
    }

    #[test]
    fn flows() {
        // Made by hand, and real traffic: a connection that stands, one that is refused, and one to nobody.
        alone(
            "netlink::tests::same_flows",
            "ip link set lo up; ip addr add 192.0.2.1/24 dev lo; ip -6 addr add 2001:db8::1/64 dev lo nodad
            iptables-legacy -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
            ip6tables-legacy -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
            made() { conntrack -I -t 300 \"$@\" >/dev/null 2>&1; }
            made -p tcp -s 192.168.1.20 -d 198.51.100.7 --sport 5 --dport 443 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 5
            made -p tcp -s 192.168.1.20 -d 192.0.2.1 --sport 6 --dport 449 --state SYN_RECV --dst-nat 198.51.100.7:80
            made -p tcp -s 192.168.1.21 -d 198.51.100.7 --sport 7 --dport 23 --state SYN_SENT
            made -p tcp -s 192.168.1.21 -d 198.51.100.7 --sport 8 --dport 80 --state TIME_WAIT -u SEEN_REPLY
            made -p udp -s 192.168.1.22 -d 198.51.100.8 --sport 9 --dport 53
            made -p icmp -s 192.168.1.22 -d 198.51.100.9 --icmp-type 8 --icmp-code 0 --icmp-id 77
            made -p gre -s 192.168.1.20 -d 203.0.113.10 --srckey 0x1 --dstkey 0x2
            made -p 50 -s 192.168.1.20 -d 203.0.113.10
            made -p sctp -s 192.168.1.20 -d 192.0.2.9 --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2
            made -p tcp -s 2001:db8:1::20 -d 2001:db8:2::1 --sport 5 --dport 443 --state ESTABLISHED -u ASSURED,SEEN_REPLY
            made -p udp -s 2001:db8:1::20 -d 2001:db8:2::1 --sport 5 --dport 53
            made -p icmpv6 -s 2001:db8:1::20 -d 2001:db8:2::1 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 9
            (sleep 5 | timeout 9 nc -l -p 4000) >/dev/null 2>&1 & sleep 0.5
            (sleep 5 | timeout 9 nc 192.0.2.1 4000) >/dev/null 2>&1 &
            timeout 2 nc -w 1 2001:db8::1 4001 >/dev/null 2>&1 || true; echo x | timeout 2 nc -u -w 1 192.0.2.1 4002 >/dev/null 2>&1 || true",
        );
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn same_flows() {
        let machine = Machine::live().unwrap();
        let look = |netlink: bool| {
            let mut all = Vec::new();
            let each = &mut |flow: Option<Flow>| all.push(format!("{:?}", flow.unwrap()));
            if netlink {
                flows::netlink(&machine, Endian::NATIVE, each).unwrap();
            } else {
                flows::text(&machine, each).unwrap();
            }
            all.sort();
            all
        };
        // A connection may close between the two looks.
        let (mut text, mut told) = (Vec::new(), vec![String::new()]);
        for _ in 0..50 {
            (text, told) = (look(false), look(true));
            if text == told {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!(text, told);
        for protocol in [1, 6, 17, 47, 50, 58, 132] {
            let some = text.iter().any(|flow| flow.starts_with(&format!("Flow {{ protocol: {protocol},")));
            assert!(some, "none of protocol {protocol}: {text:#?}");
        }
        for part in [
            "2001:db8:1::20",
            "stage: Opening",
            "stage: Established",
            "stage: Closing",
            "mark: 5",
            "unreplied: false",
        ] {
            assert!(text.iter().any(|flow| flow.contains(part)), "{part}: {text:#?}");
        }
        // The reader of a table whose text is missing hands out the same.
        let mut coverage = Coverage::new();
        let mut count = 0;
        flows::read(&machine, &Topology::new(), &mut coverage, &mut |_| count += 1);
        assert_eq!((count, coverage.gaps), (text.len(), 0), "{coverage:?}");
    }

    #[test]
    fn sockets() {
        alone(
            "netlink::tests::same_sockets",
            "ip link set lo up; ip link add wan type veth peer name lan; ip link set wan up; ip link set lan up
            ip addr add 192.0.2.10/24 dev wan; ip -6 addr add 2001:db8:1::1/64 dev wan nodad
            ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:01 dev wan nud permanent
            ip -6 neigh add 2001:db8:1::77 lladdr 02:00:00:00:00:01 dev wan nud permanent",
        );
    }

    /// A TCP socket that asks somebody who will not answer.
    fn asking(address: &str) -> std::os::fd::OwnedFd {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
        let address: std::net::SocketAddr = address.parse().unwrap();
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let asking = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK, None).unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&asking);
        let connected = connect(fd, &SockaddrStorage::from(address));
        assert_eq!(connected, Err(nix::errno::Errno::EINPROGRESS));
        asking
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn same_sockets() {
        use std::net::{TcpListener, TcpStream, UdpSocket};

        let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
        for address in ["127.0.0.1:2001", "[::1]:2002", "[::]:2003", "0.0.0.0:2004"] {
            kept.push(Box::new(TcpListener::bind(address).unwrap()));
        }
        for address in ["127.0.0.1:2001", "[::1]:2002", "127.0.0.1:2003", "[::1]:2003"] {
            kept.push(Box::new(TcpStream::connect(address).unwrap()));
        }
        kept.push(Box::new([asking("192.0.2.77:23"), asking("[2001:db8:1::77]:2323")]));
        for (address, other) in [("0.0.0.0:2005", "127.0.0.1:53"), ("[::]:2006", "[::1]:53")] {
            kept.push(Box::new(UdpSocket::bind(address).unwrap()));
            let connected =
                UdpSocket::bind(if other.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" }).unwrap();
            connected.connect(other).unwrap();
            kept.push(Box::new(connected));
        }
        // Closed on this side first: nobody has it any more.
        let listener = TcpListener::bind("127.0.0.1:2007").unwrap();
        let closed = TcpStream::connect("127.0.0.1:2007").unwrap();
        let (accepted, _) = listener.accept().unwrap();
        drop(closed);
        drop(accepted);
        kept.push(Box::new(listener));

        let machine = Machine::live().unwrap();
        let row = |socket: &Socket<'_>| {
            let Socket { protocol, local, remote, state, inode, hidden, .. } = socket;
            format!("{protocol:?} {local} {remote} {state:?} {inode} {hidden}")
        };
        let (mut text, mut coverage) = (Vec::new(), Coverage::new());
        let (mut ports, mut shown) = (Box::new(Ports::new()), Box::new(Shown::new()));
        for shown in [None, Some(&mut *shown)] {
            text.clear();
            net::Look {
                host: &machine,
                endian: Endian::NATIVE,
                ports: &mut ports,
                can: Diag::of(&machine),
                topology: None,
                shown,
                coverage: &mut coverage,
            }
            .sockets(&mut |socket| text.push(row(socket)));
        }
        let mut told = Vec::new();
        let mut states: Vec<State> = Vec::new();
        for (table, protocol) in [
            (Table::Tcp, Protocol::Tcp),
            (Table::Tcp6, Protocol::Tcp),
            (Table::Udp, Protocol::Udp),
            (Table::Udp6, Protocol::Udp),
        ] {
            net::diag(&machine, Diag::of(&machine), Endian::NATIVE, (table, protocol), &mut |socket| {
                told.push(row(&socket));
                states.push(socket.state);
            })
            .unwrap();
        }
        text.sort();
        told.sort();
        assert_eq!(text, told);
        assert_eq!(coverage.gaps, 0, "{coverage:?}");
        for state in [State::Established, State::Listen, State::SynSent, State::Other(6), State::Other(7)] {
            assert!(states.contains(&state), "{state:?} in {text:#?}");
        }
        assert!(text.len() >= 18, "{text:#?}");
    }

    #[test]
    fn neighbours() {
        alone(
            "netlink::tests::same_neighbours",
            "ip link set lo up; ip link add wan type veth peer name lan; ip link set wan up; ip link set lan up
            ip addr add 192.0.2.10/24 dev wan; ip -6 addr add 2001:db8:1::1/64 dev wan nodad
            for n in 1 2 3; do ip neigh add 192.0.2.7$n lladdr 02:00:00:00:00:0$n dev wan nud permanent; done
            ip neigh add 192.0.2.80 lladdr 02:00:00:00:00:08 dev wan nud stale
            ip -6 neigh add 2001:db8:1::77 lladdr 02:00:00:00:00:09 dev wan nud permanent",
        );
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn same_neighbours() {
        let machine = Machine::live().unwrap();
        let (mut text, mut told) = (Vec::new(), Vec::new());
        lan::arp(&machine, &mut |ip, hardware| text.push((ip, hardware))).unwrap();
        lan::neighbours(&machine, &mut |ip, hardware| told.push((ip, hardware))).unwrap();
        let six: Vec<_> = told.extract_if(.., |(ip, _)| ip.is_ipv6()).map(|(ip, _)| ip.to_string()).collect();
        text.sort();
        told.sort();
        assert_eq!(text, told);
        assert_eq!((text.len(), six.contains(&"2001:db8:1::77".to_owned())), (4, true), "{text:?} {six:?}");
    }

    #[test]
    fn other_sockets() {
        alone("netlink::tests::same_other_sockets", "ip link set lo up");
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn same_other_sockets() {
        use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, UnixAddr, bind, socket};
        use std::os::fd::AsRawFd;

        let mut kept = Vec::new();
        for (family, protocol) in [
            (AddressFamily::Packet, SockProtocol::EthAll),
            (AddressFamily::Packet, SockProtocol::EthIp),
            (AddressFamily::Inet, SockProtocol::Icmp),
            (AddressFamily::Inet, SockProtocol::Raw),
            (AddressFamily::Inet6, SockProtocol::IcmpV6),
        ] {
            kept.push(socket(family, SockType::Raw, SockFlag::empty(), protocol).unwrap());
        }
        let path = std::env::temp_dir().join(format!("gatewatch-{}-a b", std::process::id()));
        let abstracts = [&b"gatewatch"[..], b"gate\0watch", b""];
        let named = abstracts.map(|name| UnixAddr::new_abstract(name).unwrap());
        for (kind, address) in
            [SockType::Stream, SockType::Datagram, SockType::SeqPacket].into_iter().zip(&named)
        {
            let between = socket(AddressFamily::Unix, kind, SockFlag::empty(), None).unwrap();
            bind(between.as_raw_fd(), address).unwrap();
            kept.push(between);
        }
        let between = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
        bind(between.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        std::fs::remove_file(&path).unwrap();

        let machine = Machine::live().unwrap();
        let can = Diag::of(&machine);
        let mut answered = 0;
        for (path, question, family, _) in raw::TABLES {
            let row = |socket: &RawSocket<'_>| (socket.protocol, socket.inode);
            let (mut text, mut told) = (Vec::new(), Vec::new());
            raw::text(&machine, path, family, &mut |socket| text.push(row(&socket.unwrap()))).unwrap();
            let asked = raw::ask(&machine, can, Endian::NATIVE, (question, family), &mut |socket| {
                told.push(row(&socket))
            });
            text.sort();
            told.sort();
            match asked {
                Ok(()) => {
                    assert_eq!(text, told, "{family:?}");
                    answered += 1;
                }
                // Many kernels lack it for raw sockets.
                Err(fault) => {
                    assert!(fault == Fault::NotFound && family != Family::Packet, "{family:?}: {fault}")
                }
            }
            assert_eq!(text.len(), if family == Family::Raw6 { 1 } else { 2 }, "{family:?}");
        }
        assert!(answered > 0);

        // Others of this machine come and go.
        let (mut text, mut told) = (Vec::new(), Vec::new());
        for _ in 0..50 {
            (text, told) = (Vec::new(), Vec::new());
            unix::text(&machine, &mut |socket| text.push(socket.unwrap())).unwrap().unwrap();
            unix::ask(&machine, can, Endian::NATIVE, &mut |socket| told.push(socket.clone())).unwrap();
            text.sort_by_key(|socket| socket.inode);
            told.sort_by_key(|socket| socket.inode);
            if text == told {
                break;
            }
        }
        assert_eq!(text, told);
        let names: Vec<_> =
            told.iter().map(|socket| String::from_utf8_lossy(socket.name.as_slice())).collect();
        for name in ["@gatewatch", "@gate@watch", "@", path.to_str().unwrap()] {
            assert!(names.iter().any(|told| told == name), "{name}: {names:?}");
        }
    }
}
