//! A whole scan of a machine whose files are the input: every source, every check, and the report.
#![no_main]

use gatewatch_fuzz::scan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    scan(data);
});
