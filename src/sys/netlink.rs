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
    use gatewatch::facts::topology::Topology;
    use gatewatch::source::{Coverage, topology};

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
}
