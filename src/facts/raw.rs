//! A socket that sees packets before any port does: a row of `/proc/net/{packet,raw,raw6}`, or of packet_diag.

use super::about::Endian;
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
    /// Joined by the engine: who holds it.
    pub holder: Option<&'a Process>,
}

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
        Some(Self { family, protocol, inode, filter: None, promiscuous: false, holder: None })
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

/// What the kernel says of a packet socket beyond `/proc/net/packet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketDetail {
    /// The socket.
    pub inode: u32,
    /// Instructions of its BPF filter; 0 for none.
    pub filter: u32,
    /// It put an interface into promiscuous mode.
    pub promiscuous: bool,
}

/// The request for all packet sockets of this network namespace, with memberships and filters: `struct nlmsghdr`
/// (netlink(7)), then `struct packet_diag_req` (linux/packet_diag.h).
#[must_use]
pub fn packet_request() -> [u8; 36] {
    let mut request = [0; 36];
    // SOCK_DIAG_BY_FAMILY; NLM_F_REQUEST | NLM_F_DUMP; AF_PACKET; PACKET_SHOW_INFO | _MCLIST | _FILTER.
    let fields: [(usize, &[u8]); 5] = [
        (0, &36_u32.to_ne_bytes()),
        (4, &20_u16.to_ne_bytes()),
        (6, &0x301_u16.to_ne_bytes()),
        (16, &[17]),
        (24, &0x23_u32.to_ne_bytes()),
    ];
    for (at, bytes) in fields {
        if let Some(slot) = request.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            slot.copy_from_slice(bytes);
        }
    }
    request
}

/// How a datagram of a netlink dump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// More is to come.
    More,
    /// That was all.
    Done,
    /// The kernel refuses, with this error number, or wrote what is not understood (0).
    Refused(i32),
}

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const PACKET_DIAG_MCLIST: u16 = 1;
const PACKET_DIAG_FILTER: u16 = 7;
/// `PACKET_MR_PROMISC`, packet(7).
const PROMISCUOUS: u16 = 1;
/// Bytes of `struct packet_diag_mclist`, and of `struct sock_filter`.
const MEMBERSHIP_BYTES: usize = 44;
const INSTRUCTION_BYTES: usize = 8;

/// Reads one datagram of the answer. Lengths that lead nowhere end it.
pub fn packet_answer(mut bytes: &[u8], endian: Endian, each: &mut dyn FnMut(PacketDetail)) -> Dump {
    while let Some(header) = bytes.first_chunk::<16>() {
        let [l0, l1, l2, l3, k0, k1, ..] = *header;
        let length = usize::try_from(endian.u32([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let Some(body) = bytes.get(16..length) else { return Dump::Refused(0) };
        match endian.u16([k0, k1]) {
            NLMSG_DONE => return Dump::Done,
            NLMSG_ERROR => {
                let number = body.first_chunk().map_or(0, |error| endian.u32(*error));
                return Dump::Refused(i32::from_ne_bytes(number.to_ne_bytes()).saturating_neg());
            }
            _ => {
                let Some(detail) = packet_message(body, endian) else { return Dump::Refused(0) };
                each(detail);
            }
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Dump::More
}

/// `struct packet_diag_msg`, then attributes.
fn packet_message(body: &[u8], endian: Endian) -> Option<PacketDetail> {
    let mut detail =
        PacketDetail { inode: endian.u32(*body.get(4..)?.first_chunk()?), filter: 0, promiscuous: false };
    let mut rest = body.get(16..)?;
    while let Some([l0, l1, k0, k1]) = rest.first_chunk::<4>() {
        let length = usize::from(endian.u16([*l0, *l1]));
        let value = rest.get(4..length)?;
        match endian.u16([*k0, *k1]) {
            PACKET_DIAG_MCLIST => {
                detail.promiscuous |= value.chunks_exact(MEMBERSHIP_BYTES).any(|membership| {
                    let kind = membership.get(8..).and_then(|rest| rest.first_chunk());
                    kind.is_some_and(|kind| endian.u16(*kind) == PROMISCUOUS)
                });
            }
            PACKET_DIAG_FILTER => {
                detail.filter = u32::try_from(value.len().div_euclid(INSTRUCTION_BYTES)).unwrap_or(u32::MAX);
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(detail)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
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

    fn message(endian: Endian) -> Vec<u8> {
        let h = |v: u16| if endian == Endian::Big { v.to_be_bytes() } else { v.to_le_bytes() };
        let w = |v: u32| if endian == Endian::Big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut body = vec![17, 3, 0, 0];
        body.extend(w(4711));
        body.extend([0; 8]);
        body.extend([h(48), h(PACKET_DIAG_MCLIST)].concat());
        body.extend([w(2), w(1)].concat());
        body.extend(h(PROMISCUOUS));
        body.extend([0; 34]);
        body.extend([h(4 + 24), h(PACKET_DIAG_FILTER)].concat());
        body.extend([0; 24]);
        let mut all =
            [w(16 + u32::try_from(body.len()).unwrap()).to_vec(), h(20).to_vec(), vec![0; 10], body].concat();
        all.extend([w(20), [h(NLMSG_DONE), h(2)].concat().try_into().unwrap(), w(0), w(0), w(0)].concat());
        all
    }

    #[test]
    fn an_answer_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let mut found = Vec::new();
            let all = message(endian);
            assert_eq!(packet_answer(&all, endian, &mut |detail| found.push(detail)), Dump::Done);
            assert_eq!(found, [PacketDetail { inode: 4711, filter: 3, promiscuous: true }]);
            for end in 0..all.len() {
                packet_answer(&all[..end], endian, &mut |detail| assert_eq!(detail.inode, 4711));
            }
            for at in 0..all.len() {
                for byte in [0, 1, 3, 0xff] {
                    let mut wrong = all.clone();
                    wrong[at] = byte;
                    packet_answer(&wrong, endian, &mut |_| {});
                }
            }
        }
        assert_eq!(packet_answer(&[], Endian::Little, &mut |_| {}), Dump::More);
    }
}
