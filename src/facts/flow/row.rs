//! A row of `/proc/net/nf_conntrack`, or of the older `/proc/net/ip_conntrack`, in one walk: a router has tens of thousands.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::endpoint::Endpoint;
use super::{Flow, Stage, TCP, Tuple, UDP};

/// Reads a row. `None`: not understood, or cut before its end.
///
/// `[l3 number] l4 number [timeout] [STATE] src= dst= [sport= dport=] … [UNREPLIED] src= dst= … [ASSURED] mark= … use=`
/// (net/netfilter/nf_conntrack_standalone.c `ct_seq_show`; the older file lacks the first two words,
/// nf_conntrack_l3proto_ipv4_compat.c). Counters, zones and what vendors add stand anywhere between.
#[must_use]
pub fn flow(row: &[u8]) -> Option<Flow> {
    let mut rest = row;
    word(&mut rest);
    let mut protocol = word(&mut rest);
    // In the older form the seconds that are left follow, in the newer one the name of the protocol.
    if word(&mut rest).first()?.is_ascii_alphabetic() {
        protocol = word(&mut rest);
    }
    let protocol = u8::try_from(number(&mut protocol)?).ok()?;
    let (mut original, mut reply, mut answers) = (Ends::default(), Ends::default(), false);
    let mut stage = Stage::None;
    let (mut unreplied, mut assured, mut offloaded, mut mark, mut whole) = (false, false, false, 0, false);
    while let Some((first, tail)) = rest.split_first() {
        if *first == b' ' {
            rest = tail;
            continue;
        }
        let Some((head, tail)) = rest.split_first_chunk() else { break };
        let ends = if answers { &mut reply } else { &mut original };
        match head {
            b"src=" => {
                rest = tail;
                if core::mem::replace(&mut answers, original.from.is_some()) {
                    return None;
                }
                let ends = if answers { &mut reply } else { &mut original };
                ends.from = Some(address(&mut rest)?);
            }
            b"dst=" => {
                rest = tail;
                ends.to = Some(address(&mut rest)?);
            }
            b"spor" | b"dpor" => {
                rest = tail.strip_prefix(b"t=")?;
                let port = u16::try_from(number(&mut rest)?).ok();
                let place = if head == b"spor" { &mut ends.from_port } else { &mut ends.to_port };
                *place = Some(port?);
            }
            b"mark" => {
                rest = tail.strip_prefix(b"=")?;
                mark = number(&mut rest)?;
            }
            b"[UNR" => unreplied = true,
            b"[ASS" => assured = true,
            b"[OFF" | b"[HW_" => offloaded = true,
            b"use=" => whole = true,
            _ if protocol == TCP && original.from.is_none() => {
                let mut state = rest;
                stage = state_of(word(&mut state)).unwrap_or(stage);
            }
            _ => {}
        }
        rest = rest.get(length(rest)..)?;
    }
    let mut flow = Flow::new(protocol, original.tuple(protocol)?, reply.tuple(protocol)?);
    flow.stage = stage;
    (flow.unreplied, flow.assured, flow.offloaded, flow.mark) = (unreplied, assured, offloaded, mark);
    // Every row of the kernel's ends in that.
    whole.then(|| flow.settled())
}

/// Both ends of one direction, as far as they have been read.
#[derive(Default)]
struct Ends {
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    from_port: Option<u16>,
    to_port: Option<u16>,
}

impl Ends {
    fn tuple(&self, protocol: u8) -> Option<Tuple> {
        let has_ports = matches!(protocol, TCP | UDP);
        let port = |port: Option<u16>| if has_ports { port } else { Some(port.unwrap_or_default()) };
        Some(Tuple {
            from: Endpoint { ip: self.from?, port: port(self.from_port)? },
            to: Endpoint { ip: self.to?, port: port(self.to_port)? },
        })
    }
}

/// Takes the bytes up to the next blank, without the blanks before them.
fn word<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let start = rest.iter().position(|b| *b != b' ').unwrap_or(rest.len());
    let line = rest.get(start..).unwrap_or_default();
    let (word, tail) = line.split_at_checked(length(line)).unwrap_or_default();
    *rest = tail;
    word
}

/// Bytes before the next blank.
fn length(line: &[u8]) -> usize {
    line.iter().position(|b| *b == b' ').unwrap_or(line.len())
}

/// Takes a number.
fn decimal(rest: &mut &[u8]) -> Option<u32> {
    let mut value = None;
    while let Some((byte, tail)) = rest.split_first() {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            break;
        }
        value = Some(value.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit)?);
        *rest = tail;
    }
    value
}

/// Takes a number that is a whole word.
fn number(rest: &mut &[u8]) -> Option<u32> {
    decimal(rest).filter(|_| matches!(rest.first(), None | Some(b' ')))
}

/// Takes an address; one of IPv4 in IPv6 becomes what it is.
fn address(rest: &mut &[u8]) -> Option<IpAddr> {
    let mut tail = *rest;
    let read = if rest.get(4) == Some(&b':') { ipv6(&mut tail) } else { ipv4(&mut tail).map(IpAddr::V4) };
    if read.is_some() {
        *rest = tail;
        return read;
    }
    let text = word(rest);
    Some(IpAddr::V6(str::from_utf8(text).ok()?.parse().ok()?).to_canonical())
}

/// The kernel writes all of it (`%pI6`, Documentation/core-api/printk-formats.rst).
fn ipv6(rest: &mut &[u8]) -> Option<IpAddr> {
    let (text, tail) = rest.split_first_chunk::<39>()?;
    let mut bits = 0_u128;
    for (place, byte) in text.iter().enumerate() {
        if place.rem_euclid(5) == 4 {
            (*byte == b':').then_some(())?;
        } else {
            bits = bits << 4 | u128::from(char::from(*byte).to_digit(16)?);
        }
    }
    *rest = tail;
    Some(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical())
}

fn ipv4(rest: &mut &[u8]) -> Option<Ipv4Addr> {
    let mut bits = 0_u32;
    for place in 0..4 {
        if place > 0 {
            *rest = rest.strip_prefix(b".")?;
        }
        bits = bits << 8 | decimal(rest).filter(|part| *part < 256)?;
    }
    Some(Ipv4Addr::from_bits(bits))
}

/// How far a connection is, in the kernel's words (nf_conntrack_proto_tcp.c `tcp_conntrack_names`).
fn state_of(word: &[u8]) -> Option<Stage> {
    const NAMES: [&[u8]; 10] = [
        b"NONE",
        b"SYN_SENT",
        b"SYN_RECV",
        b"ESTABLISHED",
        b"FIN_WAIT",
        b"CLOSE_WAIT",
        b"LAST_ACK",
        b"TIME_WAIT",
        b"CLOSE",
        b"SYN_SENT2",
    ];
    let number = NAMES.iter().position(|name| *name == word);
    number.and_then(|number| u8::try_from(number).ok()).map(Stage::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP_ROW: &str = "ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.1.20 dst=198.51.100.7 sport=50000 dport=443 \
        packets=10 bytes=1200 src=198.51.100.7 dst=203.0.113.10 sport=443 dport=50001 packets=8 bytes=900 [ASSURED] mark=5 \
        secctx=null zone=0 use=2";

    fn shown(row: &str) -> Option<String> {
        let flow = flow(row.as_bytes())?;
        let (original, reply) = (flow.original, flow.reply);
        let marks =
            [(flow.unreplied, " unreplied"), (flow.assured, " assured"), (flow.offloaded, " offloaded")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        Some(format!(
            "{} {:?} {}>{} {}>{}{marks} {}",
            flow.protocol, flow.stage, original.from, original.to, reply.from, reply.to, flow.mark
        ))
    }

    #[test]
    fn both_shapes_and_all_protocols() {
        let zeros = "2001:0db8:0001:0000:0000:0000:0000:0020";
        let far = "2001:0db8:0002:0000:0000:0000:0000:0001";
        let mapped = "0000:0000:0000:0000:0000:ffff:c0a8:0114";
        for (row, expected) in [
            (
                TCP_ROW.to_owned(),
                "6 Established 192.168.1.20:50000>198.51.100.7:443 198.51.100.7:443>203.0.113.10:50001 assured 5",
            ),
            (
                // Linux 2.6.36 and before; IPv4 only.
                "tcp      6 117 SYN_SENT src=192.168.1.20 dst=198.51.100.7 sport=1 dport=23 [UNREPLIED] \
                 src=198.51.100.7 dst=203.0.113.10 sport=23 dport=1 mark=0 use=1"
                    .to_owned(),
                "6 Opening 192.168.1.20:1>198.51.100.7:23 198.51.100.7:23>203.0.113.10:1 unreplied 0",
            ),
            (
                "udp      17 25 src=192.168.1.20 dst=192.168.1.1 sport=40000 dport=53 packets=1 bytes=60 src=192.168.1.1 \
                 dst=192.168.1.20 sport=53 dport=40000 packets=1 bytes=120 mark=0 secmark=0 use=2"
                    .to_owned(),
                "17 None 192.168.1.20:40000>192.168.1.1:53 192.168.1.1:53>192.168.1.20:40000 0",
            ),
            (
                "ipv4     2 tcp      6 src=192.168.1.20 dst=198.51.100.7 sport=5 dport=443 src=198.51.100.7 \
                 dst=203.0.113.10 sport=443 dport=5 [OFFLOAD] mark=0 zone=0 use=3"
                    .to_owned(),
                "6 Established 192.168.1.20:5>198.51.100.7:443 198.51.100.7:443>203.0.113.10:5 assured offloaded 0",
            ),
            (
                "ipv4     2 udp      17 src=192.168.1.20 dst=198.51.100.7 sport=5 dport=443 src=198.51.100.7 \
                 dst=203.0.113.10 sport=443 dport=5 [HW_OFFLOAD] mark=0 use=3"
                    .to_owned(),
                "17 None 192.168.1.20:5>198.51.100.7:443 198.51.100.7:443>203.0.113.10:5 assured offloaded 0",
            ),
            (
                "ipv4     2 icmp     1 29 src=192.168.1.20 dst=198.51.100.7 type=8 code=0 id=77 src=198.51.100.7 \
                 dst=203.0.113.10 type=0 code=0 id=77 mark=0 zone=0 use=2"
                    .to_owned(),
                "1 None 192.168.1.20:0>198.51.100.7:0 198.51.100.7:0>203.0.113.10:0 0",
            ),
            (
                "ipv4     2 gre      47 299 timeout=0, stream_timeout=0 src=192.168.1.20 dst=203.0.113.10 srckey=0x1 \
                 dstkey=0x2 [UNREPLIED] src=203.0.113.10 dst=192.168.1.20 srckey=0x2 dstkey=0x1 mark=0 zone=0 use=2"
                    .to_owned(),
                "47 None 192.168.1.20:0>203.0.113.10:0 203.0.113.10:0>192.168.1.20:0 unreplied 0",
            ),
            (
                "ipv4     2 unknown  50 299 src=192.168.1.20 dst=203.0.113.10 [UNREPLIED] src=203.0.113.10 \
                 dst=192.168.1.20 mark=0 use=2"
                    .to_owned(),
                "50 None 192.168.1.20:0>203.0.113.10:0 203.0.113.10:0>192.168.1.20:0 unreplied 0",
            ),
            (
                format!(
                    "ipv6     10 icmpv6   58 29 src={zeros} dst={far} type=128 code=0 id=9 [UNREPLIED] src={far} \
                     dst={zeros} type=129 code=0 id=9 mark=0 zone=3 use=2"
                ),
                "58 None [2001:db8:1::20]:0>[2001:db8:2::1]:0 [2001:db8:2::1]:0>[2001:db8:1::20]:0 unreplied 0",
            ),
            (
                format!(
                    "ipv6     10 tcp      6 9 TIME_WAIT src={mapped} dst={far} sport=1 dport=2 src=2001:db8:2::1 dst={zeros} \
                     sport=2 dport=1 [ASSURED] mark=4294967295 use=2"
                ),
                "6 Closing 192.168.1.20:1>[2001:db8:2::1]:2 [2001:db8:2::1]:2>[2001:db8:1::20]:1 assured 4294967295",
            ),
        ] {
            assert_eq!(shown(&row).as_deref(), Some(expected), "{row}");
            // What a vendor adds changes nothing.
            assert_eq!(shown(&format!("{row} vendor=1 [FCACHE]")).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_row_cut_anywhere_is_refused_or_right() {
        let whole = flow(TCP_ROW.as_bytes());
        for end in 0..TCP_ROW.len() {
            let cut = flow(&TCP_ROW.as_bytes()[..end]);
            assert!(cut.is_none() || cut == whole, "{end}: {cut:?}");
        }
        assert!(flow(&TCP_ROW.as_bytes()[..TCP_ROW.len() - 6]).is_none());
    }

    #[test]
    fn rows_that_make_no_sense() {
        for (from, to) in [
            ("src=192.168.1.20", "src=192.168.1.256"),
            ("src=192.168.1.20", "src=192.168.1"),
            ("src=192.168.1.20", "src="),
            ("src=192.168.1.20", ""),
            ("src=192.168.1.20", "src=1.2.3.4 src=1.2.3.4"),
            ("dst=203.0.113.10", "dst=zz"),
            ("dport=443", "dport=65536"),
            ("dport=443", "dport="),
            ("sport=443", ""),
            ("tcp      6", "tcp      256"),
            ("tcp      6", "tcp      6x"),
            ("mark=5", "mark=99999999999"),
            ("use=2", ""),
        ] {
            assert_eq!(shown(&TCP_ROW.replace(from, to)), None, "{from} {to}");
        }
        for row in ["", " ", "ipv4 2", "\0\0\0", "src=1.2.3.4 dst=1.2.3.4 use=1", "ipv4 2 tcp"] {
            assert_eq!(shown(row), None, "{row:?}");
        }
    }
}
