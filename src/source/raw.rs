//! Raw and packet sockets: `/proc/net/{packet,raw,raw6}`, and packet_diag where the kernel has it.

use super::{Coverage, dump, fill, rows};
use crate::facts::about::Endian;
use crate::facts::netlink::Question;
use crate::facts::raw::{Family, PacketDetail, Promiscuous, RawSocket};
use crate::facts::text::{Bytes, hex32, trim};
use crate::host::{Fault, Host};
use crate::limits::PACKETS;

/// The tables. Packet sockets and IPv6 may be left out of a kernel; every kernel with IPv4 has raw sockets.
const TABLES: [(&[u8], Family, bool); 3] = [
    (b"proc/net/packet", Family::Packet, false),
    (b"proc/net/raw", Family::Raw, true),
    (b"proc/net/raw6", Family::Raw6, false),
];

/// What the kernel says of packet sockets beyond the table.
pub type Details = heapless::Vec<PacketDetail, PACKETS>;

/// Hands every socket to `each`.
pub fn sockets<H: Host>(
    host: &H,
    details: &mut Details,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(RawSocket<'static>),
) {
    details.clear();
    if host.about().endian.is_some_and(|endian| packets(host, endian, details)) {
        coverage.gap(
            b"/proc/net/packet",
            format_args!("of more than {PACKETS} packet sockets the filters are not known"),
        );
    }
    for (path, family, required) in TABLES {
        let mut file = match host.file(path) {
            Ok((file, _)) => file,
            // Older recordings lack them all.
            Err(Fault::NotFound) if !required || !host.about().live => continue,
            Err(fault) => {
                coverage.gap(path, format_args!("{fault}"));
                continue;
            }
        };
        let (mut heading, mut odd) = (true, 0_u32);
        let read = rows(&mut file, &mut |row| {
            if core::mem::take(&mut heading) {
                return;
            }
            let Some(mut socket) = row.and_then(|row| RawSocket::parse(row, family)) else {
                odd = odd.saturating_add(1);
                return;
            };
            coverage.fact();
            let detail = details
                .iter()
                .find(|detail| family == Family::Packet && u64::from(detail.inode) == socket.inode);
            if let Some(detail) = detail {
                socket.filter = Some(detail.filter).filter(|filter| *filter > 0);
                socket.promiscuous = detail.promiscuous;
            }
            each(socket);
        });
        if let Err(fault) = read {
            coverage.gap(path, format_args!("{fault}"));
        } else {
            // That a table is empty is an answer.
            coverage.fact();
        }
        if odd > 0 {
            coverage.gap(path, format_args!("{odd} rows not understood"));
        }
    }
    coverage.absent = coverage.facts == 0 && coverage.gaps == 0;
}

/// `IFF_PROMISC`, netdevice(7).
const IFF_PROMISC: u32 = 0x100;

/// Hands every interface in promiscuous mode to `each`: `/sys/class/net/NAME/flags`
/// (Documentation/ABI/testing/sysfs-class-net). Without `/sys` there is none to be seen.
pub fn interfaces<H: Host>(host: &H, details: &Details, each: &mut dyn FnMut(&Promiscuous<'_>)) {
    let Ok(all) = host.dir(b"sys/class/net") else { return };
    let asked = details.iter().any(|detail| detail.promiscuous);
    let _ = host.list(&all, &mut |name| {
        let flags = value(host, name, b"flags");
        let hex = flags.as_slice().strip_prefix(b"0x").and_then(hex32);
        if hex.is_some_and(|flags| flags & IFF_PROMISC != 0) {
            let explained = asked || is_below_another(host, &all, name);
            each(&Promiscuous { name, explained });
        }
    });
}

/// A short file of an interface.
fn value<H: Host>(host: &H, name: &[u8], file: &[u8]) -> Bytes<16> {
    let mut path = Bytes::<64>::of(b"sys/class/net/");
    let mut value = Bytes::<16>::new();
    for part in [name, b"/", file] {
        path.push(part);
    }
    if let Ok((mut file, _)) = host.file(path.as_slice()) {
        let _ = fill(&mut file, &mut value);
    }
    Bytes::of(trim(value.as_slice()))
}

/// Whether a bridge, a bond, a VLAN or a switch's ports use an interface: they make it hand on what is for them.
fn is_below_another<H: Host>(host: &H, all: &H::Dir, name: &[u8]) -> bool {
    let mut used = false;
    let mut path = Bytes::<64>::of(b"sys/class/net/");
    path.push(name);
    if let Ok(own) = host.dir(path.as_slice()) {
        let _ = host.list(&own, &mut |entry| {
            used |= entry == b"brport" || entry == b"master" || entry.starts_with(b"upper_");
        });
    }
    // Kernels before 3.9 have no such links, but say on which interface another one lies.
    let index = value(host, name, b"ifindex");
    let _ = host.list(all, &mut |other| {
        used |= other != name && !index.is_empty() && value(host, other, b"iflink") == index;
    });
    used
}

/// Asks packet_diag. Many kernels lack it, and what it adds is no more than a detail. Whether there was more than fits.
fn packets<H: Host>(host: &H, endian: Endian, details: &mut Details) -> bool {
    let mut full = false;
    let _ = dump::each(host, endian, Question::Packets, &mut |_, body| {
        let Some(detail) = PacketDetail::parse(body, endian) else { return false };
        full |= details.push(detail).is_err();
        true
    });
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    #[test]
    fn interfaces_that_hear_everything() {
        let machine = Memory::new();
        for (name, flags, index, link) in [
            ("lo", "0x9", "1", "1"),
            ("eth0", "0x1103", "2", "2"),
            ("eth0.1", "0x1103", "3", "2"),
            ("eth1", "0x1103", "4", "4"),
            ("wlan0", "0x1003", "5", "5"),
        ] {
            for (file, text) in [("flags", flags), ("ifindex", index), ("iflink", link)] {
                machine.file(&format!("sys/class/net/{name}/{file}"), format!("{text}\n"));
            }
        }
        machine.link("sys/class/net/eth0.1/brport", "../br-lan");
        let heard = |details: &Details| {
            let mut heard = Vec::new();
            interfaces(&machine, details, &mut |interface| {
                heard.push((String::from_utf8_lossy(interface.name).into_owned(), interface.explained));
            });
            heard
        };
        let expected = [("eth0".to_owned(), true), ("eth0.1".to_owned(), true), ("eth1".to_owned(), false)];
        assert_eq!(heard(&Details::new()), expected);
        let tcpdump = [PacketDetail { inode: 7, filter: 0, promiscuous: true }].into_iter().collect();
        assert!(heard(&tcpdump).iter().all(|(_, explained)| *explained));
    }
}
