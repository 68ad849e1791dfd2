//! Netlink: one question, and a descriptor from which the datagrams of the answer are read.

use std::os::fd::{AsRawFd, OwnedFd};

use gatewatch::facts::netlink::{Bus, Question};
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, send, setsockopt, socket};
use nix::sys::time::TimeVal;

/// Seconds that the kernel may take for a datagram: it has them ready at once, or never.
const PATIENCE_S: i64 = 2;

/// Asks the kernel. One without that part refuses here, or in the answer.
pub fn ask(question: Question) -> Result<OwnedFd, Errno> {
    let protocol = match question.bus() {
        Bus::Route => SockProtocol::NetlinkRoute,
        Bus::SockDiag => SockProtocol::NetlinkSockDiag,
    };
    let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    // The type of seconds is narrow on 32-bit machines.
    #[allow(clippy::useless_conversion)]
    setsockopt(&fd, ReceiveTimeout, &TimeVal::new(PATIENCE_S.try_into().unwrap_or_default(), 0))?;
    send(fd.as_raw_fd(), &question.request(), MsgFlags::empty())?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    //! The text and the answer of this very kernel say the same.

    use std::process::Command;

    use gatewatch::facts::about::Endian;
    use gatewatch::facts::netlink::Table;
    use gatewatch::facts::socket::{Protocol, Socket, State};
    use gatewatch::facts::topology::Topology;
    use gatewatch::source::net::{self, Ports};
    use gatewatch::source::shown::Shown;
    use gatewatch::source::{Coverage, topology};

    use crate::sys::machine::Machine;

    /// Runs one of the ignored tests below in a network namespace of its own, after these commands. `/proc/net` is what the
    /// whole process sees, so it has to be a process of its own.
    fn alone(test: &str, commands: &str) {
        let script = format!("set -e; {commands}; exec \"$0\" --ignored --exact sys::netlink::tests::{test}");
        let own = std::env::current_exe().unwrap();
        let output = Command::new("unshare").args(["-n", "sh", "-c", &script]).arg(own).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "as root? {output:?}");
    }

    #[test]
    fn routes_and_addresses() {
        alone(
            "same_routes_and_addresses",
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
    fn sockets() {
        alone(
            "same_sockets",
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
            net::diag(&machine, Endian::NATIVE, (table, protocol), &mut |socket| {
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
}
