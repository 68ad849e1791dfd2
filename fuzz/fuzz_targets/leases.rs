//! Lists of ports that UPnP opened.
#![no_main]

use gatewatch::facts::mapping::Mapping;
use gatewatch_fuzz::rows;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for row in rows(data) {
        if let Some(lease) = Mapping::parse(row) {
            assert!(row.ends_with(lease.description));
        }
    }
});
