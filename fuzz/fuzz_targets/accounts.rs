//! Users, keys, settings that run programs, and the about.toml of recordings.
#![no_main]

use gatewatch::facts::account::{Entry, Password, is_aside};
use gatewatch::facts::helper::{Handler, parts, piped, setting};
use gatewatch::facts::key::{Line, decode};
use gatewatch::facts::setting::{How, Key, find, program};
use gatewatch::facts::{about, ipv4};
use gatewatch_fuzz::rows;
use libfuzzer_sys::fuzz_target;

const KEYS: [Key; 2] =
    [Key { name: b"", how: How::Service, skip: 5 }, Key { name: b"up", how: How::Program, skip: 0 }];

fuzz_target!(|data: &[u8]| {
    let _ = (about::parse(data).is_ok(), Handler::parse(data));
    for row in rows(data) {
        if let Some(entry) = Entry::parse(row) {
            let _ = (entry.has_shell(), entry.is_shadowed());
        }
        let _ = (Entry::rights(row), is_aside(row), Password::of(row).opens(), piped(row), setting(row));
        if let Some(line) = Line::parse(row) {
            let _ = line.odd_option();
        }
        decode(row, &mut |_| {});
        parts(row, &mut |_, _| {});
        let _ = (ipv4::leading(row), program(How::Shell, row), program(How::Program, row));
        for equals in [false, true] {
            let _ = find(row, equals, &KEYS);
        }
    }
});
