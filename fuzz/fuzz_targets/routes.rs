//! Rows of routes and own addresses.
#![no_main]

use gatewatch::facts::route::{self, Route, Trie};
use gatewatch_fuzz::{ENDIANS, rows};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut trie = Trie::default();
    for row in rows(data) {
        for endian in ENDIANS {
            let _ = Route::parse(row, endian);
        }
        let _ = (Route::parse6(row), route::own6(row), trie.row(row));
    }
});
