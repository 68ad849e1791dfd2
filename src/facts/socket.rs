//! An internet socket: a row of `/proc/net/{tcp,tcp6,udp,udp6}` or a message of sock_diag in bytes, one small value out.

use core::net::{IpAddr, Ipv6Addr};

use super::about::Endian;
use super::endpoint::Endpoint;
use super::process::Process;
use super::text::{decimal, fields, hex32};
use super::topology::Side;

/// Transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// State of a socket: `enum` in include/net/tcp_states.h, used by UDP too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// 1: connected. A UDP socket that called connect(2) is here.
    Established,
    /// 3: the answer to a connection request from outside is still awaited.
    SynReceived,
    /// 10: waits for connections.
    Listen,
    /// 2: the answer to a request of this machine's own is still awaited.
    SynSent,
    /// Any other, with the kernel's number: closing (4 to 9, 11), a new one (12).
    Other(u8),
}

/// One socket.
#[derive(Clone, Copy, Debug)]
pub struct Socket<'a> {
    /// Its protocol.
    pub protocol: Protocol,
    /// This machine's end.
    pub local: Endpoint,
    /// The other end; unspecified where there is none.
    pub remote: Endpoint,
    /// Its state.
    pub state: State,
    /// Its inode number, which `/proc/PID/fd/*` shows as `socket:[N]`. 0: no process has it any more.
    pub inode: u64,
    /// Joined by the source: the other side opened the connection, for this machine listens on the local port.
    pub inbound: bool,
    /// Joined by the source: whose the address of the other end is; nobody's where there is none.
    pub side: Side,
    /// Joined by the source: the kernel tells of it and the text does not show it, at two looks.
    pub hidden: bool,
    /// Joined by the engine for sockets that a check wants to name: the process that has it open.
    pub holder: Option<&'a Process>,
}

impl Socket<'_> {
    /// Reads a row, except the heading. `None`: not understood.
    ///
    /// `sl local rem st tx:rx tr:when retrnsmt uid timeout inode …` (proc_net_tcp, Documentation/networking;
    /// net/ipv4/tcp_ipv4.c `tcp4_seq_show`, net/ipv4/udp.c `udp4_format_sock`).
    #[must_use]
    pub fn parse(row: &[u8], protocol: Protocol, endian: Endian) -> Option<Self> {
        let mut row = fields(row).skip(1);
        let local = Endpoint::parse(row.next()?, endian)?;
        let remote = Endpoint::parse(row.next()?, endian)?;
        let state = State::of(u8::try_from(hex32(row.next()?)?).ok()?);
        Some(Self::new(protocol, [local, remote], state, decimal(row.nth(5)?)?))
    }

    /// Reads a message of the answer to [`super::netlink::Question::Sockets`]. `None`: not understood.
    ///
    /// `struct inet_diag_msg` (linux/inet_diag.h): family, state, timer, retransmits; ports and addresses in network order,
    /// interface, cookie; expiry, queues, user, inode.
    #[must_use]
    pub fn message(body: &[u8], protocol: Protocol, endian: Endian) -> Option<Self> {
        const INODE: usize = 68;
        let [family, state, _, _, s0, s1, d0, d1, addresses @ ..] = body.first_chunk::<40>()?;
        let (from, to) = addresses.split_at(16);
        let ip = |bytes: &[u8]| match family {
            2 => bytes.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
            10 => bytes.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).to_canonical()),
            _ => None,
        };
        let local = Endpoint { ip: ip(from)?, port: u16::from_be_bytes([*s0, *s1]) };
        let remote = Endpoint { ip: ip(to)?, port: u16::from_be_bytes([*d0, *d1]) };
        let inode = endian.u32(*body.get(INODE..)?.first_chunk()?);
        Some(Self::new(protocol, [local, remote], State::of(*state), u64::from(inode)))
    }

    const fn new(protocol: Protocol, [local, remote]: [Endpoint; 2], state: State, inode: u64) -> Self {
        let (inbound, side, hidden) = (false, Side::Group, false);
        Self { protocol, local, remote, state, inode, inbound, side, hidden, holder: None }
    }

    /// Whether this machine opened it: it waits for an answer, stands, or is closing, and the other side did not ask for it.
    #[must_use]
    pub fn is_call(&self) -> bool {
        let here = matches!(self.state, State::Listen | State::SynReceived);
        self.protocol == Protocol::Tcp && !here && !self.inbound && self.remote.port != 0
    }
}

impl State {
    /// The state of a number.
    const fn of(number: u8) -> Self {
        match number {
            1 => State::Established,
            2 => State::SynSent,
            3 => State::SynReceived,
            10 => State::Listen,
            other => State::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] =
        b"   1: 0F02000A:9C40 076433C6:01BB 01 00000000:00000000 02:000A 00000000  1000        0 48234 1 0";

    #[test]
    fn one_row_in_both_byte_orders() {
        let socket = Socket::parse(ROW, Protocol::Tcp, Endian::Little).unwrap();
        assert_eq!(socket.local.to_string(), "10.0.2.15:40000");
        assert_eq!(socket.remote.to_string(), "198.51.100.7:443");
        assert_eq!((socket.state, socket.inode), (State::Established, 48_234));
        let big = b"   1: 0A00020F:9C40 C6336407:01BB 01 0:0 02:000A 0  1000        0 48234 1 0";
        let other = Socket::parse(big, Protocol::Tcp, Endian::Big).unwrap();
        assert_eq!((other.local, other.remote, other.inode), (socket.local, socket.remote, socket.inode));
    }

    #[test]
    fn ipv6_rows_and_mapped_ipv4() {
        let row = b"0: B80D0120000000000000000001000000:0016 0000000000000000FFFF0000076433C6:D431 03 0:0 0:0 0 0 0 7";
        let socket = Socket::parse(row, Protocol::Tcp, Endian::Little).unwrap();
        assert_eq!(socket.local.to_string(), "[2001:db8::1]:22");
        assert_eq!(socket.remote.to_string(), "198.51.100.7:54321");
        assert_eq!(socket.state, State::SynReceived);
    }

    #[test]
    fn messages_of_sock_diag() {
        use super::super::netlink::testing::word;
        for endian in [Endian::Little, Endian::Big] {
            let v4 = |ip: [u8; 4]| [&ip[..], &[0; 12]].concat();
            let rest = [&[0; 28][..], &word(endian, 48_234)].concat();
            let ports = [0x9c, 0x40, 0x01, 0xbb];
            let body =
                [&[2, 2, 0, 0][..], &ports, &v4([10, 0, 2, 15]), &v4([198, 51, 100, 7]), &rest].concat();
            let socket = Socket::message(&body, Protocol::Tcp, endian).unwrap();
            assert_eq!(socket.local.to_string(), "10.0.2.15:40000");
            assert_eq!(socket.remote.to_string(), "198.51.100.7:443");
            assert_eq!((socket.state, socket.inode, socket.is_call()), (State::SynSent, 48_234, true));
            let mapped: core::net::Ipv6Addr = "::ffff:198.51.100.7".parse().unwrap();
            let body = [&[10, 1, 0, 0][..], &ports, &mapped.octets(), &mapped.octets(), &rest].concat();
            let socket = Socket::message(&body, Protocol::Tcp, endian).unwrap();
            assert_eq!(socket.remote.to_string(), "198.51.100.7:443");
            for end in 0..body.len() {
                assert!(Socket::message(&body[..end], Protocol::Tcp, endian).is_none(), "{end}");
            }
            for family in [0, 1, 17, 255] {
                let odd = [&[family][..], &body[1..]].concat();
                assert!(Socket::message(&odd, Protocol::Udp, endian).is_none());
            }
        }
    }

    #[test]
    fn a_row_cut_anywhere_is_refused_or_right() {
        for end in 0..ROW.len() {
            if let Some(socket) = Socket::parse(&ROW[..end], Protocol::Tcp, Endian::Little) {
                assert!(b"48234".starts_with(socket.inode.to_string().as_bytes()), "cut at {end}");
            }
        }
        for bad in [&b"sl local_address rem_address st"[..], b"", b"0: x:1 y:2 01", b"0: 0:0 0:0 01"] {
            assert!(Socket::parse(bad, Protocol::Udp, Endian::Big).is_none());
        }
    }
}
