//! Flows that the kernel tracks: `/proc/net/nf_conntrack` or the older `ip_conntrack`, and ctnetlink where there is no text
//! (many kernels lack `CONFIG_NF_CONNTRACK_PROCFS`). They are handed on one by one: a table has tens of thousands.

use core::net::IpAddr;

use super::{Coverage, dump, is_file, rows};
use crate::facts::about::Endian;
use crate::facts::flow::{self, Flow};
use crate::facts::netlink::Question;
use crate::facts::topology::{Side, Topology};
use crate::host::{Fault, Host};

/// The table as text.
const TEXT: &[u8] = b"/proc/net/nf_conntrack";

/// What is there where the kernel tracks flows, whether it shows them as text or not. One that does not track would load
/// its modules if it were asked.
const SIGNS: [&[u8]; 4] = [
    b"proc/sys/net/netfilter/nf_conntrack_max",
    b"proc/sys/net/nf_conntrack_max",
    b"proc/sys/net/ipv4/netfilter/ip_conntrack_max",
    b"proc/sys/net/ipv4/ip_conntrack_max",
];

/// Hands every flow to `each`, the sides of its ends joined.
pub fn read<H: Host>(host: &H, topology: &Topology, coverage: &mut Coverage, each: &mut dyn FnMut(&Flow)) {
    let mut sides = Sides::of(topology);
    let (mut facts, mut odd) = (0_u32, 0_u32);
    let mut take = |flow: Option<Flow>| match flow {
        Some(mut flow) => {
            sides.join(&mut flow);
            facts = facts.saturating_add(1);
            each(&flow);
        }
        None => odd = odd.saturating_add(1),
    };
    let read = text(host, &mut take);
    let asked = match (read, host.about().endian) {
        // What was handed out would be handed out a second time.
        (Err(Unread::Within(_)) | Ok(()), _) | (_, None) => None,
        (Err(Unread::Unopened(fault)), Some(endian)) => {
            let tracks = !host.about().live || fault != Fault::NotFound;
            let tracks = tracks || SIGNS.iter().any(|sign| is_file(host, sign));
            Some(if tracks { netlink(host, endian, &mut take) } else { Err(Fault::NotFound) })
        }
    };
    coverage.facts = facts;
    match (read, asked) {
        (Ok(()), _) | (_, Some(Ok(()))) => {}
        (Err(Unread::Unopened(Fault::NotFound)), None | Some(Err(Fault::NotFound)))
            if !SIGNS.iter().any(|sign| is_file(host, sign)) =>
        {
            coverage.absent = true;
        }
        (Err(Unread::Unopened(fault) | Unread::Within(fault)), asked) => {
            coverage.gap(TEXT, format_args!("{fault}"));
            if let Some(Err(fault)) = asked {
                coverage.gap(b"ctnetlink", format_args!("{fault}"));
            }
        }
    }
    if odd > 0 {
        coverage.gap(TEXT, format_args!("{odd} rows not understood"));
    }
}

/// Where reading the text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Before it began.
    Unopened(Fault),
    /// After some rows.
    Within(Fault),
}

/// Hands every row to `each`; `None` for one that is not understood.
///
/// # Errors
/// Where it could not be read.
pub fn text<H: Host>(host: &H, each: &mut dyn FnMut(Option<Flow>)) -> Result<(), Unread> {
    // Where both are, the first one has all that the other has.
    let opened = match host.file(b"proc/net/nf_conntrack") {
        Err(Fault::NotFound) => host.file(b"proc/net/ip_conntrack"),
        opened => opened,
    };
    let (mut file, _) = opened.map_err(Unread::Unopened)?;
    rows(&mut file, &mut |row| each(row.and_then(flow::row))).map_err(Unread::Within)
}

/// Hands every flow that ctnetlink tells to `each`; `None` for one that is not understood.
///
/// # Errors
/// Why the kernel does not answer.
pub fn netlink<H: Host>(host: &H, endian: Endian, each: &mut dyn FnMut(Option<Flow>)) -> Result<(), Fault> {
    /// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW`.
    const CT_NEW: u16 = 0x100;
    dump::each(host, endian, Question::Flows, &mut |kind, body| {
        each(flow::message(body, endian).filter(|_| kind == CT_NEW));
        true
    })
}

/// Whose addresses are, with those remembered that were asked for last: most flows are of a few clients.
struct Sides<'t> {
    topology: &'t Topology,
    last: [Option<(IpAddr, Side)>; LAST],
}

/// Addresses that are remembered, 20 bytes each on the stack; a power of two.
const LAST: usize = 64;

impl<'t> Sides<'t> {
    const fn of(topology: &'t Topology) -> Self {
        Self { topology, last: [None; LAST] }
    }

    fn join(&mut self, flow: &mut Flow) {
        flow.from = self.side(flow.original.from.ip);
        flow.to = self.side(flow.original.to.ip);
        let same = flow.reply.from.ip == flow.original.to.ip;
        flow.answers = if same { flow.to } else { self.side(flow.reply.from.ip) };
    }

    fn side(&mut self, ip: IpAddr) -> Side {
        let bits = match ip {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => {
                let [.., a, b, c, d] = ip.octets();
                u32::from_be_bytes([a, b, c, d])
            }
        };
        let place = usize::try_from((bits ^ bits >> 16 ^ bits >> 8) & 63).unwrap_or_default();
        match self.last.get_mut(place) {
            Some(Some((known, side))) if *known == ip => *side,
            place => {
                let side = self.topology.side(ip);
                place.into_iter().for_each(|place| *place = Some((ip, side)));
                side
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message, nested};
    use crate::facts::topology::testing::home;
    use crate::host::memory::{Memory, Node};

    const ROWS: &str = "ipv4 2 udp 17 20 src=192.168.1.20 dst=198.51.100.7 sport=1 dport=53 [UNREPLIED] src=198.51.100.7 \
        dst=203.0.113.10 sport=53 dport=1 mark=0 use=2\nnonsense\nipv4 2 icmp 1 9 src=203.0.113.10 dst=192.168.1.20 type=8 \
        code=0 id=1 src=192.168.1.20 dst=203.0.113.10 type=0 code=0 id=1 mark=0 use=2\n";

    /// The sides of every flow, how many there were, and what could not be read.
    fn told(machine: &Memory) -> (Vec<[Side; 3]>, u32, String) {
        let (mut coverage, mut found) = (Coverage::new(), Vec::new());
        read(machine, &home(), &mut coverage, &mut |flow| found.push([flow.from, flow.to, flow.answers]));
        assert!(!coverage.absent || coverage.gaps == 0 && coverage.facts == 0);
        let why = if coverage.absent { "absent" } else { str::from_utf8(coverage.why.as_slice()).unwrap() };
        (found, coverage.gaps, why.to_owned())
    }

    fn dumped() -> Vec<u8> {
        let endian = Endian::Little;
        let tuple = |kind, from: [u8; 4], to: [u8; 4]| {
            let ip = [nested(endian, 1, &from), nested(endian, 2, &to)].concat();
            nested(
                endian,
                kind,
                &[nested(endian, 1, &ip), nested(endian, 2, &nested(endian, 1, &[47]))].concat(),
            )
        };
        let tuples = [
            tuple(1, [192, 168, 1, 20], [198, 51, 100, 7]),
            tuple(2, [198, 51, 100, 7], [203, 0, 113, 10]),
            nested(endian, 3, &[0; 4]),
        ];
        [message(endian, 0x100, &[vec![0; 4], tuples.concat()].concat()), done(endian)].concat()
    }

    #[test]
    fn text_first_and_what_is_not_understood_is_counted() {
        let machine = Memory::new();
        machine.file("proc/net/nf_conntrack", ROWS).file("dumps/flows.bin", dumped());
        let sides = vec![[Side::Lan, Side::Wan, Side::Wan], [Side::Own, Side::Lan, Side::Lan]];
        assert_eq!(
            told(&machine),
            (sides.clone(), 1, "/proc/net/nf_conntrack: 1 rows not understood".into())
        );
        machine.remove("proc/net/nf_conntrack").file("proc/net/ip_conntrack", ROWS.replace("ipv4 2 ", ""));
        assert_eq!(told(&machine).0, sides);
    }

    #[test]
    fn the_kernel_is_asked_where_there_is_no_text() {
        let machine = Memory::new();
        machine.file("dumps/flows.bin", dumped());
        assert_eq!(told(&machine), (vec![], 0, "absent".into()), "a kernel that tracks nothing is not asked");
        machine.file("proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
        assert_eq!(told(&machine), (vec![[Side::Lan, Side::Wan, Side::Wan]], 0, String::new()));
        machine.put("proc/net/nf_conntrack", Node::Fails(Fault::Denied));
        assert_eq!(told(&machine).1, 0);
        machine.remove("dumps/flows.bin");
        assert_eq!(told(&machine), (vec![], 2, "/proc/net/nf_conntrack: permission denied".into()));
        machine.remove("proc/net/nf_conntrack");
        assert_eq!(told(&machine), (vec![], 2, "/proc/net/nf_conntrack: not found".into()));
        machine.file("dumps/flows.bin", message(Endian::Little, 2, &0_u32.wrapping_sub(22).to_le_bytes()));
        assert_eq!(told(&machine), (vec![], 2, "/proc/net/nf_conntrack: not found".into()));
    }

    #[test]
    fn a_tree_has_what_was_recorded() {
        let machine = Memory::new().tree(Some(Endian::Little));
        assert_eq!(told(&machine), (vec![], 0, "absent".into()));
        machine.file("dumps/flows.bin", dumped());
        assert_eq!(told(&machine).0.len(), 1);
        let image = Memory::new().tree(None);
        assert_eq!(told(&image), (vec![], 0, "absent".into()));
    }
}
