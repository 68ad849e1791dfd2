//! Rules of the packet filter: what nf_tables answers, and the tables of iptables.
#![no_main]

use gatewatch_fuzz::scan_files;
use libfuzzer_sys::fuzz_target;

/// Names of the files of recordings.
const FILES: [&str; 5] =
    ["nft_chains.bin", "nft_rules.bin", "ip_tables_nat.bin", "ip_tables_filter.bin", "ip6_tables_nat.bin"];

fuzz_target!(|data: &[u8]| {
    // One table, as recordings have it too, or chains and rules of a half each.
    let Some((which, rest)) = data.split_first() else { return };
    let (which, rest) = if data.starts_with(b"xtables") { (&0, data) } else { (which, rest) };
    let checks = ["nat-redirect", "firewall-open"];
    match FILES.get(2..).and_then(|tables| tables.get(usize::from(*which) % 5)) {
        Some(table) => scan_files(&[(&format!("dumps/{table}"), rest)], &checks),
        None => {
            let (chains, rules) = rest.split_at(rest.len() / 2);
            scan_files(&[("dumps/nft_chains.bin", chains), ("dumps/nft_rules.bin", rules)], &checks);
        }
    }
});
