//! Raw and packet sockets: `/proc/net/{packet,raw,raw6}`, and packet_diag where the kernel has it.

use embedded_io::Read;

use super::{Coverage, rows};
use crate::facts::about::Endian;
use crate::facts::raw::{self, Family, PacketDetail, RawSocket};
use crate::host::{Dump, Fault, Host};
use crate::limits::{NETLINK_BYTES, PACKETS};

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
    if let Some(endian) = host.about().endian {
        packets(host, endian, details);
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

/// Asks packet_diag. Many kernels lack it, and what it adds is no more than a detail.
fn packets<H: Host>(host: &H, endian: Endian, details: &mut Details) {
    let mut buffer = [0_u8; NETLINK_BYTES];
    let Ok(mut dump) = host.dump(Dump::Packets) else { return };
    while let Ok(length) = dump.read(&mut buffer) {
        let Some(datagram) = buffer.get(..length).filter(|datagram| !datagram.is_empty()) else { break };
        let more = raw::packet_answer(datagram, endian, &mut |detail| {
            let _ = details.push(detail);
        });
        if more != raw::Dump::More {
            break;
        }
    }
}
