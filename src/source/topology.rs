//! Routes and own addresses: `/proc/net/{route,fib_trie,ipv6_route,if_inet6}`, and rtnetlink where a text is missing.

use super::{Coverage, dump, rows};
use crate::facts::about::Endian;
use crate::facts::netlink::Question;
use crate::facts::route::{self, Interface, Route, Row, Trie};
use crate::facts::topology::Topology;
use crate::host::{Fault, Host};
use crate::limits::INTERFACES;

/// Reads both families into an empty `topology`.
pub fn read<H: Host>(host: &H, topology: &mut Topology, coverage: &mut Coverage) {
    topology.clear();
    let Some(endian) = host.about().endian else {
        // An unpacked image; a recording that lacks its byte order is told of by the table of sockets.
        coverage.absent = true;
        return;
    };
    let (v4, v4_own) = (ipv4(host, endian, topology), own(host, topology));
    // A kernel without IPv6 has neither of these, and no answer of the other kind.
    let (v6, v6_own) = (ipv6(host, topology), own6(host, topology));
    let nothing = |read: &Result<(), Fault>| matches!(read, Err(Fault::NotFound));
    let mut told = Ok(());
    if v4.is_err() || v4_own.is_err() {
        told = netlink(host, endian, topology);
    }
    // Older recordings have nothing of it.
    if !host.about().live && [v4, v4_own, v6, v6_own, told].iter().all(nothing) {
        coverage.absent = true;
        return;
    }
    for (path, read, needed) in [
        (&b"/proc/net/route"[..], v4, true),
        (b"/proc/net/fib_trie", v4_own, true),
        (b"/proc/net/ipv6_route", v6, false),
        (b"/proc/net/if_inet6", v6_own, false),
    ] {
        match read {
            Ok(()) => coverage.fact(),
            // Older recordings lack some of it.
            Err(Fault::NotFound) if !needed || told.is_ok() || !host.about().live => {}
            Err(fault) if told.is_ok() && needed => {
                coverage.gap(path, format_args!("{fault}; rtnetlink was asked instead"));
            }
            Err(fault) => coverage.gap(path, format_args!("{fault}")),
        }
    }
    let unasked = told == Err(Fault::NotFound) && !host.about().live;
    if let (Err(fault), true) = (told, !unasked && (coverage.gaps > 0 || coverage.facts == 0)) {
        coverage.gap(b"rtnetlink", format_args!("{fault}"));
    }
    if topology.is_cut() {
        coverage.gap(b"/proc/net/route", format_args!("more routes or addresses than are remembered"));
    }
    // Older recordings lack them all.
    coverage.absent = !host.about().live && coverage.facts == 0 && coverage.gaps == 0;
    coverage.facts = coverage.facts.max(u32::try_from(topology.routes().len()).unwrap_or(u32::MAX));
}

/// Hands every row to `each`, which says whether it understood it.
fn table<H: Host>(host: &H, path: &[u8], each: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Fault> {
    let (mut file, _) = host.file(path)?;
    let mut odd = false;
    rows(&mut file, &mut |row| odd |= !row.is_some_and(&mut *each))?;
    if odd { Err(Fault::Garbled) } else { Ok(()) }
}

/// Whether a row was understood; the route that it has is remembered.
fn take(topology: &mut Topology, row: Option<Row>) -> bool {
    let understood = row.is_some();
    if let Some(Row::Leads(route)) = row {
        topology.route(route);
    }
    understood
}

fn ipv4<H: Host>(host: &H, endian: Endian, topology: &mut Topology) -> Result<(), Fault> {
    let mut heading = true;
    table(host, b"proc/net/route", &mut |row| {
        if core::mem::take(&mut heading) {
            return row.starts_with(b"Iface");
        }
        take(topology, Route::parse(row, endian))
    })
}

fn own<H: Host>(host: &H, topology: &mut Topology) -> Result<(), Fault> {
    let mut trie = Trie::default();
    table(host, b"proc/net/fib_trie", &mut |row| {
        trie.row(row).into_iter().for_each(|ip| topology.own(ip));
        true
    })
}

fn ipv6<H: Host>(host: &H, topology: &mut Topology) -> Result<(), Fault> {
    table(host, b"proc/net/ipv6_route", &mut |row| take(topology, Route::parse6(row)))
}

fn own6<H: Host>(host: &H, topology: &mut Topology) -> Result<(), Fault> {
    table(host, b"proc/net/if_inet6", &mut |row| route::own6(row).map(|ip| topology.own(ip)).is_some())
}

/// Asks the kernel for all of it: interfaces, routes, addresses. What the text had of it is forgotten.
///
/// # Errors
/// The first question that was not answered.
pub fn netlink<H: Host>(host: &H, endian: Endian, topology: &mut Topology) -> Result<(), Fault> {
    const RTM_NEWLINK: u16 = 16;
    const RTM_NEWADDR: u16 = 20;
    const RTM_NEWROUTE: u16 = 24;
    let mut names = heapless::Vec::<(u32, Interface), INTERFACES>::new();
    let mut cut = false;
    dump::each(host, endian, Question::Links, &mut |kind, body| {
        let link = route::interface(body, endian).filter(|_| kind == RTM_NEWLINK);
        cut |= link.is_some_and(|link| names.push(link).is_err());
        true
    })?;
    topology.clear();
    dump::each(host, endian, Question::Routes, &mut |kind, body| {
        let told = Route::message(body, endian).filter(|_| kind == RTM_NEWROUTE);
        let Some((to, gateway, number)) = told else { return true };
        if let Some((_, interface)) = names.iter().find(|(other, _)| *other == number)
            && interface.as_slice() != b"lo"
        {
            topology.route(Route { to, gateway, interface: interface.clone() });
        }
        true
    })?;
    dump::each(host, endian, Question::Addresses, &mut |kind, body| {
        let told = route::own(body, endian).filter(|_| kind == RTM_NEWADDR);
        told.into_iter().for_each(|ip| topology.own(ip));
        true
    })?;
    if cut { Err(Fault::Large) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::topology::Side;
    use crate::host::memory::Memory;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth1\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    const TRIE: &str = "Local:\n     |-- 192.168.1.1\n        /32 host LOCAL\n";

    fn side(machine: &Memory) -> (Side, u32, String) {
        let (mut topology, mut coverage) = (Topology::new(), Coverage::new());
        read(machine, &mut topology, &mut coverage);
        let why = String::from_utf8_lossy(coverage.reason().as_slice()).into_owned();
        (topology.side([192, 168, 1, 1].into()), coverage.facts, why)
    }

    #[test]
    fn recordings_without_them() {
        let machine = Memory::new().tree(Some(Endian::Little));
        let read = |machine: &Memory| {
            let (mut topology, mut coverage) = (Topology::new(), Coverage::new());
            read(machine, &mut topology, &mut coverage);
            (coverage.absent, coverage.gaps)
        };
        assert_eq!(read(&machine), (true, 0));
        machine.file("proc/net/route", ROUTE);
        assert_eq!(read(&machine), (false, 0));
        machine.file("proc/net/route", "nonsense\n");
        assert_eq!(read(&machine), (false, 1));
    }

    #[test]
    fn text_and_what_is_missing_of_it() {
        let machine = Memory::new();
        machine.file("proc/net/route", ROUTE).file("proc/net/fib_trie", TRIE);
        assert_eq!(side(&machine), (Side::Own, 2, String::new()));
        machine.remove("proc/net/fib_trie");
        let (own, _, why) = side(&machine);
        assert_eq!((own, why.as_str()), (Side::Lan, "/proc/net/fib_trie: not found; and 1 more"));
        machine.file("proc/net/route", "nonsense\n").file("proc/net/fib_trie", TRIE);
        assert_eq!(side(&machine).2, "/proc/net/route: not understood; and 1 more");
    }
}
