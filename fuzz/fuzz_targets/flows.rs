//! What the kernel tracks: rows of conntrack's table, and messages of ctnetlink.
#![no_main]

use gatewatch::facts::exposure::Exposures;
use gatewatch::facts::flow;
use gatewatch::facts::lan::{hardware, neighbour};
use gatewatch_fuzz::{ENDIANS, rows};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut exposures = Exposures::new();
    for row in rows(data) {
        let _ = hardware(row);
        if let Some(flow) = flow::row(row) {
            exposures.flow(&flow);
            let _ = (flow.is_answered(), flow.is_redirected());
        }
    }
    for endian in ENDIANS {
        let _ = (flow::message(data, endian), neighbour(data, endian));
    }
});
