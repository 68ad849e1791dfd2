//! A socket that sees packets before any port does: a row of `/proc/net/{packet,raw,raw6}`, or of packet_diag.

use super::about::Endian;
use super::netlink::attributes;
use super::process::Process;
use super::text::{decimal, fields, hex32};

/// A kind of such sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_PACKET` (packet(7)): frames as they come from an interface.
    Packet,
    /// Raw IPv4 (raw(7)).
    Raw,
    /// Raw IPv6.
    Raw6,
}

impl Family {
    /// The family in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Family::Packet => "a packet socket",
            Family::Raw => "a raw IPv4 socket",
            Family::Raw6 => "a raw IPv6 socket",
        }
    }
}

/// One socket.
#[derive(Clone, Copy, Debug)]
pub struct RawSocket<'a> {
    /// Its family.
    pub family: Family,
    /// The protocol: an `ETH_P_*` number of a packet socket, an IP protocol of a raw one.
    pub protocol: u32,
    /// Its inode number, which `/proc/PID/fd/*` shows as `socket:[N]`.
    pub inode: u64,
    /// Instructions of the BPF filter that is attached. `None`: it has none, or the kernel does not say.
    pub filter: Option<u32>,
    /// It put an interface into promiscuous mode, as far as the kernel says.
    pub promiscuous: bool,
    /// The kernel tells of it, its table does not.
    pub hidden: bool,
    /// Joined by the engine: who holds it.
    pub holder: Option<&'a Process>,
}

const PACKET_DIAG_MCLIST: u16 = 1;
const PACKET_DIAG_FILTER: u16 = 7;
/// `PACKET_MR_PROMISC`, packet(7).
const PROMISCUOUS: u16 = 1;
/// Bytes of `struct packet_diag_mclist`, and of `struct sock_filter`.
const MEMBERSHIP_BYTES: usize = 44;
const INSTRUCTION_BYTES: usize = 8;

impl RawSocket<'_> {
    /// Reads a row, except the heading. `None`: not understood.
    ///
    /// Packet: `sk RefCnt Type Proto Iface R Rmem User Inode` (net/packet/af_packet.c `packet_seq_show`). Raw: as UDP's,
    /// the protocol in the place of the local port (net/ipv4/raw.c `raw_sock_seq_show`).
    #[must_use]
    pub fn parse(row: &[u8], family: Family) -> Option<Self> {
        let mut words = fields(row);
        let (protocol, inode) = if family == Family::Packet {
            (hex32(words.nth(3)?)?, decimal(words.nth(4)?)?)
        } else {
            let local = words.nth(1)?;
            let colon = local.iter().rposition(|b| *b == b':')?;
            (hex32(local.get(colon.checked_add(1)?..)?)?, decimal(words.nth(7)?)?)
        };
        Some(Self::new(family, protocol, inode))
    }

    /// Reads a message of the kernel's own answer. `None`: not understood.
    ///
    /// Packet: `struct packet_diag_msg`, then attributes (linux/packet_diag.h). Raw: `struct inet_diag_msg`, the protocol in
    /// the place of the local port (net/ipv4/raw_diag.c).
    #[must_use]
    pub fn message(body: &[u8], family: Family, endian: Endian) -> Option<Self> {
        if family != Family::Packet {
            const INODE: usize = 68;
            let protocol = u16::from_be_bytes(*body.get(4..)?.first_chunk()?);
            let inode = endian.u32(*body.get(INODE..)?.first_chunk()?);
            return Some(Self::new(family, u32::from(protocol), u64::from(inode)));
        }
        let protocol = endian.u16(*body.get(2..)?.first_chunk()?);
        let inode = endian.u32(*body.get(4..)?.first_chunk()?);
        let mut socket = Self::new(family, u32::from(protocol), u64::from(inode));
        for (kind, value) in attributes(body.get(16..)?, endian) {
            match kind {
                PACKET_DIAG_MCLIST => {
                    socket.promiscuous |= value.chunks_exact(MEMBERSHIP_BYTES).any(|membership| {
                        let kind = membership.get(8..).and_then(|rest| rest.first_chunk());
                        kind.is_some_and(|kind| endian.u16(*kind) == PROMISCUOUS)
                    });
                }
                PACKET_DIAG_FILTER => {
                    let length = u32::try_from(value.len().div_euclid(INSTRUCTION_BYTES)).unwrap_or(u32::MAX);
                    socket.filter = Some(length).filter(|length| *length > 0);
                }
                _ => {}
            }
        }
        Some(socket)
    }

    const fn new(family: Family, protocol: u32, inode: u64) -> Self {
        Self { family, protocol, inode, filter: None, promiscuous: false, hidden: false, holder: None }
    }
}

/// A network interface that hands every frame on, whoever it is for.
#[derive(Clone, Copy, Debug)]
pub struct Promiscuous<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Why it has to be: it is a port of a bridge or has interfaces above it, or a packet socket asked for it.
    pub explained: bool,
}

#[cfg(test)]
mod tests {
    use super::super::netlink::testing::{half, nested, word};
    use super::*;

    #[test]
    fn rows_of_the_three_tables() {
        let packet = b"ffff8880 3      3    0003   2     1 0      0      48234 ";
        let socket = RawSocket::parse(packet, Family::Packet).unwrap();
        assert_eq!((socket.protocol, socket.inode), (3, 48_234));
        let raw = b"   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 815 2 0";
        let socket = RawSocket::parse(raw, Family::Raw).unwrap();
        assert_eq!((socket.protocol, socket.inode), (1, 815));
        for end in 0..raw.len() {
            if let Some(socket) = RawSocket::parse(&raw[..end], Family::Raw) {
                assert!(b"815".starts_with(socket.inode.to_string().as_bytes()), "cut at {end}");
            }
        }
        assert!(
            RawSocket::parse(b"sk       RefCnt Type Proto  Iface R Rmem   User   Inode", Family::Packet)
                .is_none()
        );
    }

    #[test]
    fn an_answer_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let membership =
                [&word(endian, 2)[..], &word(endian, 1), &half(endian, PROMISCUOUS), &[0; 34]].concat();
            let body = [
                &[17, 3][..],
                &half(endian, 0x88c7),
                &word(endian, 4711),
                &[0; 8],
                &nested(endian, PACKET_DIAG_MCLIST, &membership),
                &nested(endian, PACKET_DIAG_FILTER, &[0; 24]),
            ]
            .concat();
            let socket = RawSocket::message(&body, Family::Packet, endian).unwrap();
            assert_eq!((socket.protocol, socket.inode), (0x88c7, 4711));
            assert_eq!((socket.filter, socket.promiscuous), (Some(3), true));
            for end in 0..body.len() {
                let cut = RawSocket::message(&body[..end], Family::Packet, endian);
                assert!(cut.is_none_or(|socket| socket.inode == 4711), "{end}");
            }
            for at in 0..body.len() {
                for byte in [0, 1, 3, 0xff] {
                    let mut wrong = body.clone();
                    wrong[at] = byte;
                    let _ = RawSocket::message(&wrong, Family::Packet, endian);
                }
            }
            let raw = [&[2, 7, 0, 0, 0, 89, 0, 0][..], &[0; 60], &word(endian, 4712)].concat();
            let socket = RawSocket::message(&raw, Family::Raw, endian).unwrap();
            assert_eq!((socket.protocol, socket.inode, socket.filter), (89, 4712, None));
            assert!((0..raw.len()).all(|end| RawSocket::message(&raw[..end], Family::Raw, endian).is_none()));
        }
    }
}
