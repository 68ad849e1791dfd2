//! Events on their way from the looking process, and bytes of a machine on their way out.
#![no_main]

use gatewatch::report::escape::{Escaped, quoted_within};
use gatewatch::report::wire::{Next, next};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Next::Event(_, length) = next(rest) {
        assert!(length > 0);
        rest = &rest[length..];
    }
    let said = Escaped(data).to_string();
    assert!(!said.chars().any(char::is_control));
    let mut short = String::new();
    quoted_within(data, 64, &mut short).unwrap();
    assert!(short.len() <= 64 && !short.chars().any(char::is_control), "{short}");
});
