//! Netlink: the questions that are asked of the kernel as bytes, and its answers cut into messages and attributes
//! (netlink(7), include/uapi/linux/netlink.h).

use super::about::Endian;

/// A question whose answer is a dump of many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// All sockets of one table (`struct inet_diag_req_v2`, linux/inet_diag.h; sock_diag(7)).
    Sockets(Table),
    /// All packet sockets, with memberships and filters (`struct packet_diag_req`, linux/packet_diag.h).
    Packets,
    /// All raw sockets of IPv4 (`struct inet_diag_req_raw`, linux/inet_diag.h; net/ipv4/raw_diag.c).
    Raw,
    /// All raw sockets of IPv6.
    Raw6,
    /// All sockets between processes of this machine, with their names (`struct unix_diag_req`, linux/unix_diag.h).
    Unix,
    /// All addresses of this machine (rtnetlink(7), `RTM_GETADDR`).
    Addresses,
    /// All routes (rtnetlink(7), `RTM_GETROUTE`).
    Routes,
    /// All interfaces (rtnetlink(7), `RTM_GETLINK`).
    Links,
    /// All neighbours with their hardware addresses (rtnetlink(7), `RTM_GETNEIGH`).
    Neighbours,
    /// All flows that are tracked (linux/netfilter/nfnetlink_conntrack.h, `IPCTNL_MSG_CT_GET`).
    Flows,
    /// All chains of nf_tables (`NFT_MSG_GETCHAIN`, linux/netfilter/nf_tables.h).
    Chains,
    /// All rules of nf_tables (`NFT_MSG_GETRULE`).
    Rules,
}

/// A set or a map of nf_tables, whose elements the kernel tells only when it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetName<'a> {
    /// Of which packets its table is (`NFPROTO_*`).
    pub family: u8,
    /// Its table.
    pub table: &'a [u8],
    /// Its name.
    pub set: &'a [u8],
}

/// A table of internet sockets: `/proc/net/{tcp,tcp6,udp,udp6}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// TCP over IPv4.
    Tcp,
    /// TCP over IPv6, IPv4 mapped into it included.
    Tcp6,
    /// UDP over IPv4.
    Udp,
    /// UDP over IPv6, as above.
    Udp6,
}

/// Which part of the kernel is asked: the protocol of a netlink socket (netlink(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// `NETLINK_ROUTE`.
    Route,
    /// `NETLINK_SOCK_DIAG`.
    SockDiag,
    /// `NETLINK_NETFILTER`.
    Netfilter,
}

/// Bytes of the longest question: one with two names of nf_tables (`NFT_NAME_MAXLEN`).
pub const QUESTION_BYTES: usize = 560;

/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;
const RTM_GETROUTE: u16 = 26;
const RTM_GETNEIGH: u16 = 30;
/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET`.
const CT_GET: u16 = 0x101;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NFNL_SUBSYS_NFTABLES` and the numbers of its messages.
const NFT_GETCHAIN: u16 = 0x0a04;
const NFT_GETRULE: u16 = 0x0a07;
const NFT_GETSETELEM: u16 = 0x0a0d;

impl Question {
    /// Who is asked.
    #[must_use]
    pub const fn bus(self) -> Bus {
        match self {
            Question::Sockets(_) | Question::Packets | Question::Raw | Question::Raw6 | Question::Unix => {
                Bus::SockDiag
            }
            Question::Addresses | Question::Routes | Question::Links | Question::Neighbours => Bus::Route,
            Question::Flows | Question::Chains | Question::Rules => Bus::Netfilter,
        }
    }

    /// The file of a recording that holds the answer, its messages one after the other.
    #[must_use]
    pub const fn recorded(self) -> &'static str {
        match self {
            Question::Sockets(Table::Tcp) => "tcp_diag.bin",
            Question::Sockets(Table::Tcp6) => "tcp6_diag.bin",
            Question::Sockets(Table::Udp) => "udp_diag.bin",
            Question::Sockets(Table::Udp6) => "udp6_diag.bin",
            Question::Packets => "packet_diag.bin",
            Question::Raw => "raw_diag.bin",
            Question::Raw6 => "raw6_diag.bin",
            Question::Unix => "unix_diag.bin",
            Question::Addresses => "addresses.bin",
            Question::Routes => "routes.bin",
            Question::Links => "links.bin",
            Question::Neighbours => "neighbours.bin",
            Question::Flows => "flows.bin",
            Question::Chains => "nft_chains.bin",
            Question::Rules => "nft_rules.bin",
        }
    }

    /// The request in the byte order of this machine: `struct nlmsghdr` and what it is about.
    #[must_use]
    pub fn request(self) -> heapless::Vec<u8, QUESTION_BYTES> {
        match self {
            Question::Sockets(Table::Tcp) => internet(2, 6),
            Question::Sockets(Table::Tcp6) => internet(10, 6),
            Question::Sockets(Table::Udp) => internet(2, 17),
            Question::Sockets(Table::Udp6) => internet(10, 17),
            // `IPPROTO_RAW` stands for those of every protocol.
            Question::Raw => internet(2, 255),
            Question::Raw6 => internet(10, 255),
            Question::Unix => {
                // AF_UNIX and padding, all states, all inodes, UDIAG_SHOW_NAME, no cookie.
                let words = [u32::from_ne_bytes([1, 0, 0, 0]), u32::MAX, 0, 1, 0, 0];
                let mut about = [0_u8; 24];
                for (place, word) in about.chunks_exact_mut(4).zip(words) {
                    place.copy_from_slice(&word.to_ne_bytes());
                }
                request(SOCK_DIAG_BY_FAMILY, &about)
            }
            Question::Packets => {
                // AF_PACKET, padding, all inodes, PACKET_SHOW_INFO | _MCLIST | _FILTER, no cookie.
                let mut about = [0_u8; 20];
                let [family, _, _, _, _, _, _, _, show @ .., _, _, _, _, _, _, _, _] = &mut about;
                *family = 17;
                *show = 0x23_u32.to_ne_bytes();
                request(SOCK_DIAG_BY_FAMILY, &about)
            }
            // `struct ifaddrmsg`, `rtmsg` and `ifinfomsg`, all zero: of every family.
            Question::Addresses => request(RTM_GETADDR, &[0; 8]),
            Question::Routes => request(RTM_GETROUTE, &[0; 12]),
            Question::Links => request(RTM_GETLINK, &[0; 16]),
            Question::Neighbours => request(RTM_GETNEIGH, &[0; 12]),
            // `struct nfgenmsg`, the same.
            Question::Flows => request(CT_GET, &[0; 4]),
            // `struct nfgenmsg`, all zero: of every family.
            Question::Chains => request(NFT_GETCHAIN, &[0; 4]),
            Question::Rules => request(NFT_GETRULE, &[0; 4]),
        }
    }
}

impl SetName<'_> {
    /// The file of a recording that holds the elements of all sets, as messages one after the other.
    pub const RECORDED: &'static str = "nft_elements.bin";

    /// The request for its elements. `None`: the kernel takes no names of that length.
    #[must_use]
    pub fn request(&self) -> Option<heapless::Vec<u8, QUESTION_BYTES>> {
        let mut about = heapless::Vec::<u8, QUESTION_BYTES>::from_slice(&[self.family, 0, 0, 0]).ok()?;
        // NFTA_SET_ELEM_LIST_TABLE, _SET.
        for (kind, name) in [(1_u16, self.table), (2, self.set)] {
            let length = u16::try_from(name.len()).ok().filter(|length| *length < 256)?.checked_add(5)?;
            about.extend_from_slice(&length.to_ne_bytes()).ok()?;
            about.extend_from_slice(&kind.to_ne_bytes()).ok()?;
            about.extend_from_slice(name).ok()?;
            let end = about.len().checked_add(1)?.next_multiple_of(4);
            about.resize(end, 0).ok()?;
        }
        Some(request(NFT_GETSETELEM, &about))
    }
}
/// States that the text shows: 1 to 12. Sockets that are only bound are a 13th, newer than the text (include/net/tcp_states.h).
const STATES: u32 = 0x1ffe;

/// A request for the sockets of an address family and a protocol: no extensions, padding, states, no end and no cookie.
fn internet(family: u8, protocol: u8) -> heapless::Vec<u8, QUESTION_BYTES> {
    let mut about = [0_u8; 56];
    let [of, by, _, _, states @ ..] = &mut about;
    (*of, *by) = (family, protocol);
    if let Some(states) = states.first_chunk_mut() {
        *states = STATES.to_ne_bytes();
    }
    request(SOCK_DIAG_BY_FAMILY, &about)
}

/// A request for a dump: the header, then what it is about.
fn request(kind: u16, about: &[u8]) -> heapless::Vec<u8, QUESTION_BYTES> {
    let length = u32::try_from(about.len().saturating_add(HEADER)).unwrap_or_default();
    let mut bytes = heapless::Vec::new();
    for part in [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &DUMP.to_ne_bytes(), &[0; 8], about] {
        // All questions fit, as the test below shows.
        let _ = bytes.extend_from_slice(part);
    }
    bytes
}

/// Bytes of `struct nlmsghdr`, and of `struct nlattr`.
const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;

/// What a dump begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A message: its type, what follows its header, and how many bytes it took.
    Message(u16, &'a [u8], usize),
    /// Not yet a whole message.
    More,
    /// That was all.
    Done,
    /// The kernel refuses, with this error number (errno(3)); 0 for lengths that lead nowhere.
    Refused(i32),
}

/// Reads the message that `bytes` begins with.
#[must_use]
pub fn next(bytes: &[u8], endian: Endian) -> Next<'_> {
    let Some([l0, l1, l2, l3, k0, k1, ..]) = bytes.first_chunk::<HEADER>() else { return Next::More };
    let length = usize::try_from(endian.u32([*l0, *l1, *l2, *l3])).unwrap_or(usize::MAX);
    if length < HEADER {
        return Next::Refused(0);
    }
    let Some(body) = bytes.get(HEADER..length) else { return Next::More };
    // Both begin with an error number, as a negative one: a dump that fails is ended with it (net/netlink/af_netlink.c
    // `netlink_dump_done`).
    let number = body.first_chunk().map_or(0, |error| endian.u32(*error));
    let number = i32::from_ne_bytes(number.to_ne_bytes()).saturating_neg();
    match endian.u16([*k0, *k1]) {
        NLMSG_DONE if number == 0 => Next::Done,
        NLMSG_DONE | NLMSG_ERROR => Next::Refused(number),
        kind => Next::Message(kind, body, length.next_multiple_of(4).min(bytes.len())),
    }
}

/// The attributes in `bytes`: type without its flags (`NLA_TYPE_MASK`), and value. Lengths that lead nowhere end it.
pub fn attributes(mut bytes: &[u8], endian: Endian) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let [l0, l1, k0, k1] = *bytes.first_chunk::<ATTRIBUTE>()?;
        let length = usize::from(endian.u16([l0, l1]));
        let value = bytes.get(ATTRIBUTE..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((endian.u16([k0, k1]) & 0x3fff, value))
    })
}

/// The value of the first attribute of a type.
#[must_use]
pub fn attribute(bytes: &[u8], endian: Endian, wanted: u16) -> Option<&[u8]> {
    attributes(bytes, endian).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}

#[cfg(test)]
pub(crate) mod testing {
    //! Messages as a kernel writes them.
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;

    /// 16 bits of a machine.
    pub(crate) fn half(endian: Endian, value: u16) -> [u8; 2] {
        if endian == Endian::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// 32 bits of a machine.
    pub(crate) fn word(endian: Endian, value: u32) -> [u8; 4] {
        if endian == Endian::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// An attribute, padded.
    pub(crate) fn nested(endian: Endian, kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + ATTRIBUTE).unwrap();
        let mut all = [&half(endian, length)[..], &half(endian, kind), value].concat();
        all.resize(all.len().next_multiple_of(4), 0);
        all
    }

    /// A message.
    pub(crate) fn message(endian: Endian, kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + HEADER).unwrap();
        let mut all = [&word(endian, length)[..], &half(endian, kind), &[0; 10], body].concat();
        all.resize(all.len().next_multiple_of(4), 0);
        all
    }

    /// What ends a dump.
    pub(crate) fn done(endian: Endian) -> Vec<u8> {
        message(endian, NLMSG_DONE, &[0; 4])
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{done, half, message, nested, word};
    use super::*;

    #[test]
    fn questions_say_their_own_length() {
        let tables = [Table::Tcp, Table::Tcp6, Table::Udp, Table::Udp6].map(Question::Sockets);
        let others = [
            Question::Packets,
            Question::Raw,
            Question::Raw6,
            Question::Unix,
            Question::Addresses,
            Question::Routes,
            Question::Links,
            Question::Neighbours,
            Question::Flows,
            Question::Chains,
            Question::Rules,
        ];
        for question in tables.into_iter().chain(others) {
            let request = question.request();
            let length = u32::from_ne_bytes(*request.first_chunk().unwrap());
            assert_eq!(usize::try_from(length).unwrap(), request.len(), "{question:?}");
        }
        assert_eq!(Question::Packets.request().len(), 36);
        assert_eq!(Question::Unix.request().len(), 40);
        assert_eq!(Question::Raw6.request()[16..20], [10, 255, 0, 0]);
        let (long, longer) = (vec![b'x'; 255], vec![b'x'; 256]);
        for (table, set, fits) in
            [(&b"fw4"[..], &b"__set0"[..], true), (&long, &long, true), (&longer, b"x", false)]
        {
            let request = SetName { family: 1, table, set }.request();
            assert_eq!(request.is_some(), fits);
            let Some(request) = request else { continue };
            let length = u32::from_ne_bytes(*request.first_chunk().unwrap());
            assert_eq!(usize::try_from(length).unwrap(), request.len());
            let told = |kind| attribute(&request[20..], Endian::NATIVE, kind);
            assert_eq!(told(1), Some(&[table, b"\0"].concat()[..]));
            assert_eq!(told(2), Some(&[set, b"\0"].concat()[..]));
        }
        let tcp6 = Question::Sockets(Table::Tcp6).request();
        assert_eq!((tcp6.len(), &tcp6[16..20]), (72, &[10, 6, 0, 0][..]));
        assert_eq!(tcp6[20..24], STATES.to_ne_bytes());
    }

    #[test]
    fn messages_and_attributes_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let inner = nested(endian, 2, b"abc");
            let body = [nested(endian, 1 | 0x8000, &inner), nested(endian, 7, b"")].concat();
            let all = [message(endian, 20, &body), done(endian)].concat();
            let Next::Message(20, told, length) = next(&all, endian) else { panic!() };
            assert_eq!(next(&all[length..], endian), Next::Done);
            assert_eq!(attributes(told, endian).map(|(kind, _)| kind).collect::<Vec<_>>(), [1, 7]);
            let outer = attribute(told, endian, 1).unwrap();
            assert_eq!(attribute(outer, endian, 2), Some(&b"abc"[..]));
            assert_eq!(attribute(outer, endian, 3), None);
            for end in 0..length {
                assert_eq!(next(&all[..end], endian), Next::More, "{end}");
            }
            let refused = message(endian, 2, &word(endian, 0_u32.wrapping_sub(2)));
            assert_eq!(next(&refused, endian), Next::Refused(2));
            // A kernel without raw_diag ends a dump of raw sockets so, before it began.
            let ended = message(endian, 3, &word(endian, 0_u32.wrapping_sub(2)));
            assert_eq!(next(&ended, endian), Next::Refused(2));
            let short = [&word(endian, 15)[..], &half(endian, 20), &[0; 10]].concat();
            assert_eq!(next(&short, endian), Next::Refused(0));
        }
    }

    #[test]
    fn attributes_that_lie_about_their_length_end_the_list() {
        for length in [0_u16, 3, 9, 0xffff] {
            let bytes = [&length.to_le_bytes()[..], &[1, 0], &[0; 4]].concat();
            assert_eq!(attributes(&bytes, Endian::Little).count(), 0, "{length}");
        }
    }
}
