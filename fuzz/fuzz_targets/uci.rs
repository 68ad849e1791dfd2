//! OpenWrt's configuration.
#![no_main]

use gatewatch::facts::uci::{Entry, Uci};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut uci, mut entries) = (Uci::new(), 0);
    let mut each = |entry: &Entry<'_>| entries += usize::from(entry.line > 0);
    data.iter().for_each(|byte| uci.push(*byte, &mut each));
    uci.finish(&mut each);
    assert!(entries <= data.len());
    let _ = (uci.cut(), uci.odd());
});
