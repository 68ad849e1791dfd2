//! Raw and packet sockets: `/proc/net/{packet,raw,raw6}`, and sock_diag as a second witness that knows more of some.

use super::diag::{self, Diag};
use super::{Coverage, fill, rows};
use crate::facts::about::Endian;
use crate::facts::netlink::Question;
use crate::facts::raw::{Family, Promiscuous, RawSocket};
use crate::facts::text::{Bytes, hex32, trim};
use crate::host::{Fault, Host};
use crate::limits::{PACKETS, SECOND_LOOK_MS};

/// A table: its text, what the kernel is asked for it, its family, and whether it must be there.
pub type Table = (&'static [u8], Question, Family, bool);

/// The tables. Packet sockets and IPv6 may be left out of a kernel; every kernel with IPv4 has raw sockets.
pub const TABLES: [Table; 3] = [
    (b"proc/net/packet", Question::Packets, Family::Packet, false),
    (b"proc/net/raw", Question::Raw, Family::Raw, true),
    (b"proc/net/raw6", Question::Raw6, Family::Raw6, false),
];

/// What the kernel says of these sockets beside the tables.
pub type Details = heapless::Vec<RawSocket<'static>, PACKETS>;

/// Hands every socket to `each`.
pub fn sockets<H: Host>(
    host: &H,
    can: Diag,
    details: &mut Details,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(RawSocket<'static>),
) {
    details.clear();
    let mut suspects = heapless::Vec::<RawSocket<'static>, PACKETS>::new();
    for (path, question, family, required) in TABLES {
        let (begin, mut full) = (details.len(), false);
        // Many kernels lack it.
        let told = match host.about().endian {
            Some(endian) => ask(host, can, endian, (question, family), &mut |socket| {
                full |= details.push(RawSocket { hidden: true, ..socket }).is_err();
            }),
            None => Err(Fault::NotFound),
        };
        let details = details.get_mut(begin..).unwrap_or_default();
        let mut odd = 0_u32;
        let read = text(host, path, family, &mut |row| {
            let Some(mut socket) = row else {
                odd = odd.saturating_add(1);
                return;
            };
            coverage.fact();
            if let Some(detail) = details.iter_mut().find(|detail| detail.inode == socket.inode) {
                detail.hidden = false;
                (socket.filter, socket.promiscuous) = (detail.filter, detail.promiscuous);
            }
            each(socket);
        });
        match read {
            Ok(()) => {
                // That a table is empty is an answer.
                coverage.fact();
                suspects.extend(details.iter().filter(|detail| detail.hidden && detail.inode != 0).copied());
            }
            // Older recordings lack them all.
            Err(Fault::NotFound) if told.is_err() && (!required || !host.about().live) => continue,
            Err(fault) => {
                if told.is_ok() {
                    coverage.fact();
                }
                diag::instead(coverage, path, fault, told);
                for detail in details {
                    coverage.fact();
                    detail.hidden = false;
                    each(*detail);
                }
            }
        }
        if odd > 0 {
            coverage.gap(path, format_args!("{odd} rows not understood"));
        }
        if full {
            coverage.gap(
                path,
                format_args!("the kernel tells of more than {PACKETS}, which were not all compared"),
            );
        }
    }
    if let Some(endian) = host.about().endian {
        hidden(host, can, endian, suspects, &mut |socket| {
            coverage.fact();
            each(socket);
        });
    }
    coverage.absent = coverage.facts == 0 && coverage.gaps == 0;
}

/// Looks twice again for the sockets that the kernel told of and the table did not show, as is done with those that have
/// ports: what is missing in both texts while the kernel tells of it before and after each is hidden.
fn hidden<H: Host>(
    host: &H,
    can: Diag,
    endian: Endian,
    mut suspects: Details,
    each: &mut dyn FnMut(RawSocket<'static>),
) {
    for last in [false, true] {
        if suspects.is_empty() {
            return;
        }
        if last {
            host.pause(SECOND_LOOK_MS);
        }
        let mut alive = Details::new();
        for (path, question, family, _) in TABLES {
            let is = |socket: &RawSocket<'_>, other: &RawSocket<'_>| {
                (other.family, other.inode) == (socket.family, socket.inode)
            };
            let read = text(host, path, family, &mut |row| {
                suspects.retain(|suspect| row.is_none_or(|socket| !is(suspect, &socket)));
            });
            if read.is_err() {
                continue;
            }
            let _ = ask(host, can, endian, (question, family), &mut |socket| {
                if suspects.iter().any(|suspect| is(suspect, &socket)) {
                    let _ = alive.push(socket);
                    if last {
                        each(RawSocket { hidden: true, ..socket });
                    }
                }
            });
        }
        suspects = alive;
    }
}

/// Hands every row of a table to `each`, `None` for one that is not understood.
///
/// # Errors
/// When it cannot be read.
pub fn text<H: Host>(
    host: &H,
    path: &[u8],
    family: Family,
    each: &mut dyn FnMut(Option<RawSocket<'static>>),
) -> Result<(), Fault> {
    let (mut file, _) = host.file(path)?;
    let mut heading = true;
    rows(&mut file, &mut |row| {
        if !core::mem::take(&mut heading) {
            each(row.and_then(|row| RawSocket::parse(row, family)));
        }
    })
}

/// Hands every socket of the kernel's own answer to `each`.
///
/// # Errors
/// See [`Diag::ask`].
pub fn ask<H: Host>(
    host: &H,
    can: Diag,
    endian: Endian,
    (question, family): (Question, Family),
    each: &mut dyn FnMut(RawSocket<'static>),
) -> Result<(), Fault> {
    can.ask(host, endian, question, &mut |body| {
        let socket = RawSocket::message(body, family, endian);
        let understood = socket.is_some();
        socket.into_iter().for_each(&mut *each);
        understood
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message, word};
    use crate::host::memory::{Memory, Node};

    /// A row of the table of packet sockets.
    fn packet(inode: u32) -> String {
        format!("ffff8880 3 3 0003 2 1 0 0 {inode}\n")
    }

    /// The table of packet sockets.
    fn packets(inodes: &[u32]) -> String {
        inodes.iter().fold("sk RefCnt Type Proto Iface R Rmem User Inode\n".to_owned(), |text, inode| {
            text + &packet(*inode)
        })
    }

    /// The kernel's own answer, of packet sockets and of raw ones.
    fn answer(family: Family, inodes: &[u32]) -> Vec<u8> {
        let messages = inodes.iter().map(|inode| {
            let inode = word(Endian::Little, *inode);
            let body = match family {
                Family::Packet => [&[17, 3, 3, 0][..], &inode, &[0; 8]].concat(),
                _ => [&[2, 7, 0, 0, 0, 89, 0, 0][..], &[0; 60], &inode].concat(),
            };
            message(Endian::Little, 20, &body)
        });
        messages.chain([done(Endian::Little)]).flatten().collect()
    }

    /// A kernel that has no such answer.
    fn refusal() -> Vec<u8> {
        message(Endian::Little, 3, &word(Endian::Little, 0_u32.wrapping_sub(2)))
    }

    /// Inodes of what a look hands out, those that are hidden negative, and why not all was seen.
    fn seen(machine: &Memory) -> (Vec<i64>, String) {
        let (mut found, mut coverage, mut details) = (Vec::new(), Coverage::new(), Details::new());
        sockets(machine, Diag::of(machine), &mut details, &mut coverage, &mut |socket| {
            let inode = i64::try_from(socket.inode).unwrap();
            found.push(if socket.hidden { inode.saturating_neg() } else { inode });
        });
        (found, String::from_utf8_lossy(coverage.reason().as_slice()).into_owned())
    }

    const RAW: &str =
        "  sl  local_address rem_address\n 89: 00000000:0059 00000000:0000 07 0:0 00:0 0 0 0 815 2 0 0\n";

    #[test]
    fn what_a_table_hides() {
        let machine = Memory::new();
        machine.file("proc/net/packet", packets(&[7])).file("proc/net/raw", RAW);
        assert_eq!(seen(&machine), (vec![7, 815], String::new()), "the text is enough");
        machine.file("dumps/packet_diag.bin", answer(Family::Packet, &[7, 9, 0]));
        machine.file("dumps/raw_diag.bin", answer(Family::Raw, &[815, 816]));
        assert_eq!(seen(&machine), (vec![7, 815, -9, -816], String::new()));
        // One that came up between the two, and one that was there only then.
        machine.on_pause(|machine| {
            machine.file("proc/net/packet", packets(&[7, 9]));
            machine.file("dumps/raw_diag.bin", answer(Family::Raw, &[815]));
        });
        assert_eq!(seen(&machine), (vec![7, 815], String::new()));
        machine.file("dumps/packet_diag.bin", refusal()).file("dumps/raw_diag.bin", refusal());
        assert_eq!(seen(&machine), (vec![7, 9, 815], String::new()), "a kernel that has none");
    }

    #[test]
    fn the_kernel_is_asked_where_a_table_cannot_be_had() {
        let machine = Memory::new();
        machine.file("dumps/packet_diag.bin", answer(Family::Packet, &[7]));
        machine.file("dumps/raw_diag.bin", answer(Family::Raw, &[815]));
        assert_eq!(seen(&machine), (vec![7, 815], String::new()));
        machine.put("proc/net/raw", Node::Fails(Fault::Denied));
        let why = "proc/net/raw: permission denied; sock_diag was asked instead";
        assert_eq!(seen(&machine), (vec![7, 815], why.to_owned()));
        machine.file("dumps/raw_diag.bin", refusal());
        assert_eq!(seen(&machine), (vec![7], "proc/net/raw: permission denied".to_owned()));
        machine.remove("dumps").remove("proc/net/raw");
        assert_eq!(seen(&machine), (vec![], "proc/net/raw: not found".to_owned()));
    }

    #[test]
    fn nothing_is_loaded_to_compare() {
        let machine = Memory::new();
        machine.file("proc/net/packet", packets(&[7])).file("proc/net/raw", RAW);
        machine.file("dumps/packet_diag.bin", answer(Family::Packet, &[7, 9]));
        machine.file("proc/modules", "tcp_diag 16384 0 - Live 0x0\n");
        assert_eq!(seen(&machine).0, [7, 815]);
        machine.file("proc/modules", "af_packet_diag 16384 0 - Live 0x0\n");
        assert_eq!(seen(&machine).0, [7, 815, -9]);
    }

    #[test]
    fn more_than_are_compared_is_said() {
        let machine = Memory::new();
        let all: Vec<u32> = (1..=u32::try_from(PACKETS).unwrap() + 1).collect();
        machine.file("proc/net/packet", packets(&all)).file("proc/net/raw", RAW);
        machine.file("dumps/packet_diag.bin", answer(Family::Packet, &all));
        let (found, why) = seen(&machine);
        assert_eq!(found.len(), all.len() + 1);
        assert!(why.contains("not all compared"), "{why}");
    }

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
        let row = RawSocket::parse(packet(7).trim().as_bytes(), Family::Packet).unwrap();
        let tcpdump = [RawSocket { promiscuous: true, ..row }].into_iter().collect();
        assert!(heard(&tcpdump).iter().all(|(_, explained)| *explained));
    }
}
