//! A baseline, and what it says of names.
#![no_main]

use gatewatch::baseline::{Baseline, FileValue, Kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(baseline) = Baseline::open(data) else { return };
    for kind in Kind::ALL {
        let mut names = 0_usize;
        baseline.each(kind, &mut |_, value| {
            names += 1;
            let _ = FileValue::read(value);
        });
        assert!(names <= data.len());
        let _ = (baseline.get(kind, b"/etc/rc.local"), baseline.covers(kind), baseline.is_whole(kind));
    }
});
