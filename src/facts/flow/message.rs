//! A flow as ctnetlink tells it: `IPCTNL_MSG_CT_NEW` (include/uapi/linux/netfilter/nfnetlink_conntrack.h).

use core::net::IpAddr;

use super::super::about::Endian;
use super::super::endpoint::Endpoint;
use super::super::netlink::{attribute, attributes};
use super::{Flow, Stage, TCP, Tuple, UDP};

/// Bytes of `struct nfgenmsg`.
const HEAD: usize = 4;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_PROTOINFO: u16 = 4;
const CTA_MARK: u16 = 8;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_SRC_PORT: u16 = 2;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_PROTOINFO_TCP: u16 = 1;
const CTA_PROTOINFO_TCP_STATE: u16 = 1;

/// Other protocols with ports (protocols(5)).
const DCCP: u8 = 33;
const SCTP: u8 = 132;
const UDPLITE: u8 = 136;

/// Bits of a flow's status (include/uapi/linux/netfilter/nf_conntrack_common.h).
const SEEN_REPLY: u32 = 1 << 1;
const ASSURED: u32 = 1 << 2;
const OFFLOAD: u32 = 1 << 14;
const HW_OFFLOAD: u32 = 1 << 15;

/// Reads the body of a message. `None`: not understood. Lengths are the machine's, all values in network byte order.
#[must_use]
pub fn flow(body: &[u8], endian: Endian) -> Option<Flow> {
    let (mut original, mut reply, mut status, mut stage, mut mark) = (None, None, None, None, 0);
    for (kind, value) in attributes(body.get(HEAD..)?, endian) {
        match kind {
            CTA_TUPLE_ORIG => original = Some(tuple(value, endian)?),
            CTA_TUPLE_REPLY => reply = Some(tuple(value, endian)?),
            CTA_STATUS => status = Some(word(value)?),
            CTA_MARK => mark = word(value)?,
            CTA_PROTOINFO => {
                let tcp = attribute(value, endian, CTA_PROTOINFO_TCP);
                let state = tcp.and_then(|tcp| attribute(tcp, endian, CTA_PROTOINFO_TCP_STATE));
                stage = state.and_then(|state| state.first()).map(|state| Stage::of(*state));
            }
            _ => {}
        }
    }
    let ((protocol, original), (_, reply), status) = (original?, reply?, status?);
    let mut flow = Flow::new(protocol, original, reply);
    flow.stage = stage.unwrap_or(Stage::None);
    flow.unreplied = status & SEEN_REPLY == 0;
    flow.assured = status & ASSURED != 0;
    flow.offloaded = status & (OFFLOAD | HW_OFFLOAD) != 0;
    flow.mark = mark;
    Some(flow.settled())
}

fn word(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The protocol, and both ends of one direction.
fn tuple(nested: &[u8], endian: Endian) -> Option<(u8, Tuple)> {
    let ends = attribute(nested, endian, CTA_TUPLE_IP)?;
    // `CTA_IP_V4_SRC` 1, `_DST` 2; `CTA_IP_V6_SRC` 3, `_DST` 4.
    let ip = |four, six| {
        let four = attribute(ends, endian, four).and_then(|value| value.first_chunk::<4>());
        let six = || attribute(ends, endian, six).and_then(|value| value.first_chunk::<16>());
        let ip =
            four.map(|bytes| IpAddr::from(*bytes)).or_else(|| six().map(|bytes| IpAddr::from(*bytes)))?;
        Some(ip.to_canonical())
    };
    let told = attribute(nested, endian, CTA_TUPLE_PROTO)?;
    let protocol = *attribute(told, endian, CTA_PROTO_NUM)?.first()?;
    // The keys of GRE stand in the place of ports (net/netfilter/nf_conntrack_netlink.c, nf_conntrack_proto_gre.c).
    let port = |kind| match attribute(told, endian, kind).and_then(|value| value.first_chunk()) {
        Some(bytes) if matches!(protocol, TCP | UDP | DCCP | SCTP | UDPLITE) => {
            Some(u16::from_be_bytes(*bytes))
        }
        Some(_) => Some(0),
        None => (!matches!(protocol, TCP | UDP)).then_some(0),
    };
    let from = Endpoint { ip: ip(1, 3)?, port: port(CTA_PROTO_SRC_PORT)? };
    let to = Endpoint { ip: ip(2, 4)?, port: port(CTA_PROTO_DST_PORT)? };
    Some((protocol, Tuple { from, to }))
}

#[cfg(test)]
mod tests {
    use super::super::super::netlink::testing::nested;
    use super::*;

    /// A message about 192.168.1.20:50000 to 198.51.100.7:443, answered to 203.0.113.10.
    fn body(endian: Endian, status: u32) -> Vec<u8> {
        let tuple = |kind, from: [u8; 4], to: [u8; 4], ports: [u16; 2]| {
            let ip = [nested(endian, 1, &from), nested(endian, 2, &to)].concat();
            let [from, to] = ports.map(u16::to_be_bytes);
            let told = [nested(endian, 1, &[6]), nested(endian, 2, &from), nested(endian, 3, &to)].concat();
            nested(
                endian,
                kind,
                &[nested(endian, 1 | 0x8000, &ip), nested(endian, 2 | 0x8000, &told)].concat(),
            )
        };
        let state = nested(endian, 1, &nested(endian, 1, &[3]));
        [
            vec![2, 0, 0, 0],
            tuple(1, [192, 168, 1, 20], [198, 51, 100, 7], [50_000, 443]),
            tuple(2, [198, 51, 100, 7], [203, 0, 113, 10], [443, 50_001]),
            nested(endian, 3, &status.to_be_bytes()),
            nested(endian, 4, &state),
            nested(endian, 8, &5_u32.to_be_bytes()),
            nested(endian, 12, &[0; 4]),
        ]
        .concat()
    }

    #[test]
    fn a_message_says_what_the_row_says() {
        let row = |state: &str, marks: [&str; 2]| {
            let [unreplied, end] = marks;
            let row = format!(
                "ipv4 2 tcp 6 {state}src=192.168.1.20 dst=198.51.100.7 sport=50000 dport=443 {unreplied}src=198.51.100.7 \
                 dst=203.0.113.10 sport=443 dport=50001 {end}mark=5 use=2"
            );
            super::super::row(row.as_bytes()).unwrap()
        };
        for endian in [Endian::Little, Endian::Big] {
            for (status, state, marks) in [
                (0x18e, "9 ESTABLISHED ", ["", "[ASSURED] "]),
                (0x188, "9 ESTABLISHED ", ["[UNREPLIED] ", ""]),
                (0x18a, "9 ESTABLISHED ", ["", ""]),
                (0x418e, "", ["", "[OFFLOAD] "]),
                (0xc18e, "", ["", "[HW_OFFLOAD] "]),
            ] {
                assert_eq!(flow(&body(endian, status), endian), Some(row(state, marks)), "{status:x}");
            }
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_refused_or_lacks_what_is_not_needed() {
        let whole = body(Endian::Big, 0x18e);
        for end in 0..whole.len() {
            if let Some(cut) = flow(&whole[..end], Endian::Big) {
                let full = flow(&whole, Endian::Big).unwrap();
                assert_eq!(
                    (cut.original, cut.reply, cut.unreplied),
                    (full.original, full.reply, false),
                    "{end}"
                );
            }
            let _ = flow(&whole[..end], Endian::Little);
        }
    }
}
