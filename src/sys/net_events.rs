//! Interfaces that come up, addresses, default routes and rules of nf_tables, as the kernel tells of them (rtnetlink(7),
//! net/netfilter/nf_tables_api.c `nft_commit_notify`).

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use gatewatch::facts::about::Endian;
use gatewatch::facts::netlink::{Next, next};
use gatewatch::facts::route;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};

use super::filter::{END, IF_ANY, IF_EQUAL, LOAD, LOAD_BYTE, LOAD_HALF, attach, step};

/// Groups of rtnetlink, a bit each: `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
const LINKS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// `NFNLGRP_NFTABLES`, the seventh.
const RULES: u32 = 0x40;

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
/// `NFNL_SUBSYS_NFTABLES << 8` and the numbers of its messages.
const NFT_NEWCHAIN: u16 = 0x0a03;
const NFT_NEWRULE: u16 = 0x0a06;

/// Where a message has its type, and behind `struct nlmsghdr` (16) `ifi_flags` and `ifi_change` of `struct ifinfomsg` and
/// `rtm_dst_len` of `struct rtmsg`.
const TYPE: u32 = 4;
const FLAGS: u32 = 16 + 8;
const CHANGE: u32 = 16 + 12;
const PREFIX: u32 = 16 + 1;

/// `IFF_UP`.
const UP: u32 = 1;

/// The kernel puts several messages of nf_tables into a datagram of up to so many bytes (linux/netlink.h `NLMSG_GOODSIZE`).
const DATAGRAM: usize = 8192;

/// An open ear.
#[derive(Debug)]
pub struct NetEvents(OwnedFd);

/// What it heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An interface has this address, or has it for longer.
    Address(IpAddr),
    /// Something that is new: an interface is up, a route to everywhere, a rule.
    Change,
}

impl NetEvents {
    /// Asks for interfaces, addresses and default routes. Of routes to somewhere, which a router may change a thousand times in a
    /// second, and of what happens to an interface that is up the kernel does not even wake us.
    pub fn links() -> Result<Self, Errno> {
        let events = Self::open(SockProtocol::NetlinkRoute)?;
        // A number of 16 bits is read as if it came from a network too.
        let kind = |kind: u16| u32::from(kind.to_be());
        let mut program = [
            step(LOAD_HALF, 0, 0, TYPE),
            step(IF_EQUAL, 8, 0, kind(RTM_NEWADDR)),
            step(IF_EQUAL, 5, 0, kind(RTM_NEWROUTE)),
            step(IF_EQUAL, 0, 7, kind(RTM_NEWLINK)),
            step(LOAD, 0, 0, CHANGE),
            step(IF_ANY, 0, 5, UP.to_be()),
            step(LOAD, 0, 0, FLAGS),
            step(IF_ANY, 2, 3, UP.to_be()),
            step(LOAD_BYTE, 0, 0, PREFIX),
            step(IF_EQUAL, 0, 1, 0),
            step(END, 0, 0, u32::MAX),
            step(END, 0, 0, 0),
        ];
        attach(&events.0, &mut program)?;
        events.listen(LINKS)
    }

    /// Asks for rules of nf_tables. The caller makes sure that the kernel has them: one that has not would look for a module
    /// (net/netfilter/nfnetlink.c `nfnetlink_bind`).
    pub fn rules() -> Result<Self, Errno> {
        Self::open(SockProtocol::NetlinkNetFilter)?.listen(RULES)
    }

    fn open(protocol: SockProtocol) -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socket(AddressFamily::Netlink, SockType::Raw, flags, protocol).map(Self)
    }

    fn listen(self, groups: u32) -> Result<Self, Errno> {
        bind(self.0.as_raw_fd(), &NetlinkAddr::new(0, groups)).map(|()| self)
    }

    /// Hands everything that was told since the last time to `each`.
    pub fn read(&self, each: &mut dyn FnMut(Heard)) {
        let mut datagram = [0_u8; DATAGRAM];
        loop {
            match recv(self.0.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                // So many that the kernel has thrown some of them away.
                Err(Errno::ENOBUFS) => each(Heard::Change),
                Err(_) | Ok(0) => return,
                Ok(length) => messages(datagram.get(..length).unwrap_or_default(), each),
            }
        }
    }
}

impl AsFd for NetEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn messages(mut rest: &[u8], each: &mut dyn FnMut(Heard)) {
    while let Next::Message(kind, body, length) = next(rest, Endian::NATIVE) {
        match kind {
            RTM_NEWADDR => each(route::own(body, Endian::NATIVE).map_or(Heard::Change, Heard::Address)),
            RTM_NEWLINK | RTM_NEWROUTE | NFT_NEWCHAIN | NFT_NEWRULE => each(Heard::Change),
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Runs one of the ignored tests below in a network namespace of its own.
    fn alone(test: &str) {
        crate::sys::netlink::tests::alone(&format!("net_events::tests::{test}"), "ip link set lo up");
    }

    fn did(words: &str) {
        let mut words = words.split(' ');
        let status = Command::new(words.next().unwrap()).args(words).status().unwrap();
        assert!(status.success());
    }

    fn heard_from(events: &NetEvents) -> Vec<String> {
        let mut all = Vec::new();
        events.read(&mut |heard| all.push(format!("{heard:?}")));
        // An interface gives itself addresses, some time after it is up.
        all.retain(|heard| !heard.contains("fe80:"));
        all
    }

    #[test]
    fn interfaces_addresses_and_default_routes() {
        alone("links_are_told");
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn links_are_told() {
        let events = NetEvents::links().unwrap();
        for (words, told) in [
            ("ip link add wan type veth peer name lan", false),
            ("ip link set lan up", true),
            ("ip link set wan up", true),
            ("ip link set wan promisc on", false),
            ("ip link set wan mtu 1400", false),
            ("ip link set wan down", false),
            ("ip link set wan up", true),
            ("ip addr add 192.0.2.1/24 dev wan", true),
            ("ip route add 198.51.100.0/24 via 192.0.2.2", false),
            ("ip route del 198.51.100.0/24", false),
            ("ip route add default via 192.0.2.2", true),
            ("ip route del default", false),
            ("ip addr del 192.0.2.1/24 dev wan", false),
            ("ip -6 addr add 2001:db8::1/64 dev wan nodad", true),
            ("ip link del wan", false),
        ] {
            did(words);
            let mut heard = heard_from(&events);
            // Addresses of IPv6 are told a little later.
            for _ in 0..100 {
                if !told || !heard.is_empty() {
                    break;
                }
                crate::sys::clock::pause(20);
                heard = heard_from(&events);
            }
            assert_eq!(!heard.is_empty(), told, "{words}: {heard:?}");
            if words.contains("addr add 192") {
                assert!(heard.contains(&"Address(192.0.2.1)".to_owned()), "{heard:?}");
            }
        }
    }

    #[test]
    fn rules_and_no_elements() {
        alone("rules_are_told");
    }

    #[test]
    #[ignore = "run by the test above in a namespace"]
    fn rules_are_told() {
        did("nft list tables");
        let events = NetEvents::rules().unwrap();
        for (words, told) in [
            ("nft add table ip x", false),
            ("nft add set ip x s { type ipv4_addr; }", false),
            ("nft add element ip x s { 192.0.2.1 }", false),
            ("nft add chain ip x c { type nat hook prerouting priority -100; }", true),
            ("nft add rule ip x c tcp dport 53 dnat to 192.0.2.1", true),
            ("nft delete table ip x", false),
        ] {
            did(words);
            let heard = heard_from(&events);
            assert_eq!(!heard.is_empty(), told, "{words}: {heard:?}");
        }
        // In one go, and in one datagram.
        let file = "add table ip x; add set ip x s { type ipv4_addr; }; add element ip x s { 192.0.2.1 }; add chain ip x c; \
                    add rule ip x c accept";
        assert!(Command::new("nft").arg(file).status().unwrap().success());
        assert!(heard_from(&events).len() >= 2);
    }
}
