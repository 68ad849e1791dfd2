//! Rows of the tables of sockets.
#![no_main]

use gatewatch::facts::exposure::Exposures;
use gatewatch::facts::raw::{Family, RawSocket};
use gatewatch::facts::socket::{Protocol, Socket};
use gatewatch::facts::topology::Topology;
use gatewatch_fuzz::{ENDIANS, rows};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut exposures, topology) = (Exposures::new(), Topology::new());
    for row in rows(data) {
        let _ = gatewatch::facts::unix::UnixSocket::parse(row);
        for endian in ENDIANS {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let socket = Socket::parse(row, protocol, endian);
                socket.iter().for_each(|socket| exposures.socket(socket, &topology));
            }
        }
        for family in [Family::Packet, Family::Raw, Family::Raw6] {
            let _ = RawSocket::parse(row, family);
        }
    }
    exposures.each(&topology, &mut |_| {});
});
