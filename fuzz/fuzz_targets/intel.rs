//! An indicator file, and every look-up in it.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatewatch::intel::{Intel, TraceKind};
use libfuzzer_sys::fuzz_target;

const KINDS: [TraceKind; 7] = [
    TraceKind::Name,
    TraceKind::Path,
    TraceKind::Dir,
    TraceKind::Arg,
    TraceKind::Tcp,
    TraceKind::Udp,
    TraceKind::File,
];

fuzz_target!(|data: &[u8]| {
    let Ok(intel) = Intel::open(data) else { return };
    let ip: [u8; 16] = data.last_chunk().copied().unwrap_or_default();
    let short = IpAddr::from([ip[0], ip[1], ip[2], ip[3]]);
    for ip in [ip.into(), short, Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        for port in [0, 443] {
            let _ = intel.lookup_at(ip, port, 0);
        }
    }
    let _ = intel.lookup_hash(&[7; 32], None);
    for kind in KINDS {
        for trace in intel.traces(kind) {
            let _ = (trace.matches(b"gwbot"), trace.listener());
        }
    }
});
