//! An internet socket: a row of `/proc/net/{tcp,tcp6,udp,udp6}` in bytes, one small value out.

use super::about::Endian;
use super::endpoint::Endpoint;
use super::process::Process;
use super::text::{decimal, fields, hex32};

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
    /// Any other, with the kernel's number: opening (2), closing (4 to 9, 11), a new one (12).
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
        let state = match u8::try_from(hex32(row.next()?)?).ok()? {
            1 => State::Established,
            3 => State::SynReceived,
            10 => State::Listen,
            other => State::Other(other),
        };
        let inode = decimal(row.nth(5)?)?;
        Some(Self { protocol, local, remote, state, inode, inbound: false, holder: None })
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
