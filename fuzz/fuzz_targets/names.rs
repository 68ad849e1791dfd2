//! Who resolves names and which are set by hand: dnsmasq, hosts files, resolv.conf, its log.
#![no_main]

use gatewatch::facts::dnsmasq::{asked, option, row};
use gatewatch::facts::names::server;
use gatewatch_fuzz::{rows, scan_files};
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 5] = [
    "etc/dnsmasq.conf",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/config/dhcp",
    "tmp/resolv.conf.d/resolv.conf.auto",
];

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = data.split_first() else { return };
    for line in rows(text) {
        let _ = (row(line), option(line), asked(line), server(line));
    }
    let file = FILES[usize::from(*which) % FILES.len()];
    scan_files(&[(file, text)], &["dns-hijack", "hosts-poison", "c2-domain"]);
});
