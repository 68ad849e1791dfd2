//! The tool as a user runs it: lists in, a file and a line out, and nothing at all when a list is wrong.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::Command;

use common::{Folder, Random};
use gatewatch::intel::{Hit, Intel, Match};

mod common;

const YEAR_2027: u64 = 1_798_761_600;

fn listed<'a>(family: &'a str, port: Option<u16>, expires: Option<u64>) -> Match<'a> {
    Match::Listed(Hit { family, port, expires })
}

#[test]
fn the_tiny_file_of_the_reader_is_what_this_tool_makes() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/intel/testdata");
    let folder = Folder::new("tiny");
    folder.write("tiny.txt", fs::read(testdata.join("tiny.txt")).unwrap());
    folder.good("build tiny.txt -o tiny.gwi --version 7 --created 1700000000 --expires 2031-01-01");
    let same = folder.read("tiny.gwi") == fs::read(testdata.join("tiny.gwi")).unwrap();
    assert!(same, "make src/intel/testdata/tiny.gwi again, by the command in tiny.txt");
}

#[test]
fn the_domains_of_the_reader_are_what_this_tool_makes() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/intel/testdata");
    let folder = Folder::new("domains");
    for name in ["domains.txt", "domains-never.txt"] {
        folder.write(name, fs::read(testdata.join(name)).unwrap());
    }
    folder
        .good("build domains.txt --never domains-never.txt -o domains.gwi --version 7 --created 1700000000");
    let same = folder.read("domains.gwi") == fs::read(testdata.join("domains.gwi")).unwrap();
    assert!(same, "make src/intel/testdata/domains.gwi again, by the command in domains.txt");
}

/// Every domain that was put in is found, and all below it; no other one is.
#[test]
fn domains_are_found_and_no_others() {
    let folder = Folder::new("many-domains");
    let mut random = Random(77);
    let word = |random: &mut Random| -> String {
        let length = 3 + random.pick(9);
        (0..length).map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789-_"[random.pick(38)])).collect()
    };
    let mut listed = std::collections::BTreeSet::new();
    while listed.len() < 100_000 {
        listed.insert(format!("{}.{}.example", word(&mut random), word(&mut random)));
    }
    let text: String = listed.iter().map(|name| format!("{name}\n")).collect();
    folder.write("many.txt", text);
    folder.good("build many.txt -o many.gwi");
    let bytes = folder.read("many.gwi");
    let intel = Intel::open(&bytes).unwrap();
    let found = |name: &str| intel.lookup_domain(name.as_bytes(), None) != Match::Nothing;
    for name in &listed {
        assert!(found(name) && found(&format!("www.{}.", name.to_ascii_uppercase())), "{name}");
        assert!(!found(&format!("x{name}")) || listed.contains(&format!("x{name}")), "{name}");
    }
    for _ in 0..1_000_000 {
        let name = format!("{}.{}.example", word(&mut random), word(&mut random));
        assert_eq!(found(&name), listed.contains(&name), "{name}");
    }
    // 80 bits each; names, labels and the domains that never match besides.
    assert!(bytes.len() < 100_000 * 10 + 4096, "{} bytes", bytes.len());
}

#[test]
fn every_form_of_line_is_read() {
    let folder = Folder::new("forms");
    folder.write(
        "list.txt",
        "\u{feff}# comment\r\n\r\n  \t\n\
         192.0.2.1\r\n\
         192.0.2.2:23 gafgyt\n\
         192.0.2.3 \t mirai \t expires=2027-01-01 # trailing\n\
         192.0.2.4 expires=2027-01-01#trailing\n\
         198.51.100.0/24 block\n\
         203.0.113.1/32\n\
         2001:db8::1 six\n\
         [2001:db8::2]:443 six\n\
         2001:db8:1::/48 six\n\
         ::ffff:198.51.101.0/120 mapped\n\
         [0:0:0:0:0:ffff:2d3e:c649]:53 mapped",
    );
    folder.good("build list.txt -o out.gwi --expires 2027-01-01");
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    assert_eq!((intel.version(), intel.created()), (1_767_225_600, 1_767_225_600));
    assert_eq!((intel.expires(), intel.entries()), (Some(YEAR_2027), 11));
    for (address, port, expected) in [
        ("192.0.2.1", 1, listed("list", None, None)),
        ("192.0.2.2", 23, listed("gafgyt", Some(23), None)),
        ("192.0.2.2", 24, Match::Nothing),
        ("192.0.2.3", 1, listed("mirai", None, Some(YEAR_2027))),
        ("192.0.2.4", 1, listed("list", None, Some(YEAR_2027))),
        ("198.51.100.77", 1, listed("block", None, None)),
        ("203.0.113.1", 1, listed("list", None, None)),
        ("203.0.113.2", 1, Match::Nothing),
        ("2001:db8::1", 1, listed("six", None, None)),
        ("2001:db8::2", 443, listed("six", Some(443), None)),
        ("2001:db8:1:ffff::", 1, listed("six", None, None)),
        ("198.51.101.255", 1, listed("mapped", None, None)),
        ("45.62.198.73", 53, listed("mapped", Some(53), None)),
    ] {
        assert_eq!(intel.lookup(address.parse().unwrap(), port), expected, "{address}");
    }
}

#[test]
fn the_summary_counts_what_is_in_the_file() {
    let folder = Folder::new("summary");
    folder.write("a.txt", "192.0.2.1\n192.0.2.1\n192.0.2.1:80\n192.0.2.0/25\n10.0.0.1\n2001:db8::1\n");
    folder.write("b.txt", "192.0.2.1\n2001:db8:1::/48\n");
    let (out, _) = folder.good("build a.txt b.txt -o out.gwi --family x");
    let bytes = folder.read("out.gwi").len();
    assert!(
        out.starts_with(&format!("out.gwi: version 1767225600, {bytes} bytes: 5 indicators (2 IPv4 of "))
    );
    assert!(
        out.ends_with(" bits, 1 IPv4 ranges, 1 IPv6, 1 IPv6 ranges, 0 domains, 0 hashes, 0 traces), 2 labels; 2 duplicates, 1 left out\n"),
        "{out}"
    );
}

#[test]
fn a_wrong_line_is_named_with_what_to_do() {
    let folder = Folder::new("wrong");
    for (line, message) in [
        (
            "example.com/x",
            r#""example.com/x" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        (
            "192.0.2",
            r#""192.0.2" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        (
            "192.0.2.256",
            r#""192.0.2.256" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        (
            "fe80::1%eth0",
            r#""fe80::1%eth0" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        (
            "192.0.2.1\u{1b}[2J",
            r#""192.0.2.1\u{1b}[2J" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        ("192[.]0[.]2[.]1", r#""192[.]0[.]2[.]1" is defanged: write "192.0.2.1""#),
        (
            "192.0.2.01",
            r#""192.0.2.01" has an octet with a leading zero, which some programs read as octal: write 192.0.2.1"#,
        ),
        (
            "192.0.2.01:80",
            r#""192.0.2.01:80" has an octet with a leading zero, which some programs read as octal: write 192.0.2.1"#,
        ),
        ("192.0.2.1:0", r#""0" is not a port: write a number from 1 to 65535, or no port for every port"#),
        (
            "192.0.2.1:65536",
            r#""65536" is not a port: write a number from 1 to 65535, or no port for every port"#,
        ),
        (
            "192.0.2.1:+80",
            r#""+80" is not a port: write a number from 1 to 65535, or no port for every port"#,
        ),
        ("192.0.2.1:", r#""" is not a port: write a number from 1 to 65535, or no port for every port"#),
        (
            "[2001:db8::1]:0",
            r#""0" is not a port: write a number from 1 to 65535, or no port for every port"#,
        ),
        ("[2001:db8::1]", r#""[2001:db8::1]" is not [IPv6]:port: without a port, leave the brackets out"#),
        (
            "[192.0.2.1]:80",
            r#""[192.0.2.1]:80" is not an IP address: a line begins with an address or a name, URLs are not read"#,
        ),
        (
            "192.0.2.1/24",
            "192.0.2.1/24 has host bits set: write 192.0.2.0/24 for the network or 192.0.2.1 for the one address",
        ),
        (
            "2001:db8::1/64",
            "2001:db8::1/64 has host bits set: write 2001:db8::/64 for the network or 2001:db8::1 for the one address",
        ),
        ("192.0.2.0/33", r#""33" is not a prefix length: write a number from 0 to 32, and no port"#),
        ("192.0.2.0/024", r#""024" is not a prefix length: write a number from 0 to 32, and no port"#),
        ("192.0.2.0/24:80", r#""24:80" is not a prefix length: write a number from 0 to 32, and no port"#),
        ("2001:db8::/129", r#""129" is not a prefix length: write a number from 0 to 128, and no port"#),
        (
            "192.0.2.1 a b",
            r#"unexpected word "b": after the address come one word for the family, then attributes"#,
        ),
        (
            "192.0.2.1 expires=2027-01-01 a",
            r#"unexpected word "a": after the address come one word for the family, then attributes"#,
        ),
        ("192.0.2.1 a seen=1", r#"unknown attribute "seen": expires=YYYY-MM-DD is the only one"#),
        (
            "192.0.2.1 expires=2027-02-29",
            r#""2027-02-29" is not a date from 1970-01-02 to 2149-06-06: write it as YYYY-MM-DD"#,
        ),
        ("192.0.2.1 expires=2027-01-01 expires=2027-01-02", "expires= is there twice: keep one"),
        ("192.0.2.1 a\u{7f}", r#"the family "a\u{7f}" must be one word without = # and control characters"#),
    ] {
        folder.write("list.txt", format!("192.0.2.9\n{line}\n"));
        let message =
            format!("list.txt:2: {message}\ngatewatch-intel: 1 line is wrong: nothing is written\n");
        assert_eq!(folder.bad("build --feed plain:list.txt -o out.gwi", 1), message);
    }
    let long = "x".repeat(65);
    folder.write("list.txt", format!("192.0.2.1 {long}\n"));
    let message = format!("list.txt:1: the family {long:?} is not 1 to 64 bytes long\n");
    assert!(folder.bad("build --feed plain:list.txt -o out.gwi", 1).starts_with(&message));
    folder.write("list.txt", format!("# {}\n", "x".repeat(1023)));
    let message = "list.txt:1: longer than 1024 bytes: one indicator a line\n";
    assert!(folder.bad("build --feed plain:list.txt -o out.gwi", 1).starts_with(message));
    folder.write("list.txt", b"192.0.2.1 \xff\n");
    let message = "list.txt:1: not UTF-8: save the list as UTF-8\n";
    assert!(folder.bad("build --feed plain:list.txt -o out.gwi", 1).starts_with(message));
    assert_eq!(folder.names(), ["list.txt"]);
}

#[test]
fn twenty_wrong_lines_are_shown_and_the_rest_counted() {
    let folder = Folder::new("many");
    folder.write("a.txt", "x\n".repeat(15)).write("b.txt", "y\n".repeat(15));
    let said = folder.bad("build --feed plain:a.txt --feed plain:b.txt -o out.gwi", 1);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 22);
    assert!(lines[0].starts_with("a.txt:1: ") && lines[19].starts_with("b.txt:5: "));
    assert_eq!(
        lines[20..],
        ["and 10 more errors", "gatewatch-intel: 30 lines are wrong: nothing is written"]
    );
}

#[test]
fn what_must_never_match_is_left_out() {
    let folder = Folder::new("never");
    folder.write(
        "list.txt",
        "127.0.0.1\n192.168.0.0/24\n1.1.1.1:443\nfd00::1\n8.8.0.0/16\n2.0.0.0/7\n192.0.2.1\n",
    );
    folder.write("own.txt", "192.0.2.128/25 # our servers\n203.0.113.1\n");
    let (out, err) = folder.good("build list.txt -o out.gwi --never own.txt");
    assert!(err.contains("\n         1   networks too wide to accuse anybody\n"), "{err}");
    let warnings: String = err.split_inclusive('\n').filter(|line| line.contains(": warning: ")).collect();
    assert_eq!(
        warnings,
        "list.txt:1: warning: 127.0.0.1 never matches, it is in 127.0.0.0/8 (loopback, RFC 1122): left out\n\
         list.txt:2: warning: 192.168.0.0/24 never matches, it is in 192.168.0.0/16 (private, RFC 1918; \
         --allow-private opens it): left out\n\
         list.txt:3: warning: 1.1.1.1 never matches, it is in 1.1.1.1 (Cloudflare): left out\n\
         list.txt:4: warning: fd00::1 never matches, it is in fc00::/7 (unique local, RFC 4193; \
         --allow-private opens it): left out\n\
         list.txt:5: warning: 8.8.0.0/16 reaches into 8.8.8.8 (Google), which still never matches\n\
         list.txt:6: warning: 2.0.0.0/7 is wider than /8: left out\n"
    );
    assert!(out.ends_with("5 left out\n"), "{out}");
    let bytes = folder.read("out.gwi");
    let lookup = |address: &str| Intel::open(&bytes).unwrap().lookup(address.parse().unwrap(), 443);
    for address in
        ["127.0.0.1", "192.168.0.1", "1.1.1.1", "fd00::1", "8.8.8.8", "8.8.4.4", "192.0.2.200", "203.0.113.1"]
    {
        assert_eq!(lookup(address), Match::Never, "{address}");
    }
    assert_eq!(lookup("8.8.8.9"), listed("list", None, None));
    assert_eq!(lookup("3.255.255.255"), Match::Nothing);

    let (_, err) = folder.good("build list.txt -o out.gwi --allow-private");
    assert!(!err.contains("192.168") && !err.contains("fd00") && err.contains("127.0.0.1"), "{err}");
    let bytes = folder.read("out.gwi");
    let lookup = |address: &str| Intel::open(&bytes).unwrap().lookup(address.parse().unwrap(), 443);
    assert_eq!(lookup("192.168.0.1"), listed("list", None, None));
    assert_eq!(lookup("192.168.1.1"), Match::Nothing);

    folder.write("own.txt", "192.0.2.1:80\n192.0.2.1 mine\n192.0.2.1 private too\n");
    assert_eq!(
        folder.bad("build list.txt -o out.gwi --never own.txt", 1).lines().take(3).collect::<Vec<_>>(),
        [
            r#"own.txt:1: "192.0.2.1:80" has a port: an address never matches on any port, write it without"#,
            r#"own.txt:2: unexpected word "mine": only `private` may follow the address"#,
            r#"own.txt:3: unexpected word "too": write remarks after a #"#,
        ]
    );
}

#[test]
fn what_has_expired_is_left_out() {
    let folder = Folder::new("expired");
    folder.write("list.txt", "192.0.2.1 expires=2026-01-01\n192.0.2.2 expires=2026-01-02\n");
    let (out, err) = folder.good("build list.txt -o out.gwi");
    assert!(
        err.starts_with("list.txt:1: warning: 192.0.2.1 has expired before the file's date: left out\n")
            && err.contains(" 1   expired\n"),
        "{err}"
    );
    assert!(out.contains(": 1 indicators "), "{out}");
}

#[test]
fn the_same_lists_and_date_give_the_same_bytes() {
    let folder = Folder::new("same");
    let mut random = Random(3);
    let mut lines: Vec<String> = (0..500).map(|at| format!("{} f{}", random.public(), at % 7)).collect();
    folder.write("list.txt", lines.join("\n"));
    folder.good("build list.txt -o one.gwi");
    folder.good("build list.txt -o two.gwi");
    assert_eq!(folder.read("one.gwi"), folder.read("two.gwi"));
    lines.reverse();
    folder.write("list.txt", lines.join("\r\n"));
    folder.good("build list.txt -o two.gwi --created 1767225600");
    assert_eq!(folder.read("one.gwi"), folder.read("two.gwi"));
    folder.good("build list.txt -o two.gwi --created 1767225601");
    let (one, two) = (folder.read("one.gwi"), folder.read("two.gwi"));
    assert!(Intel::open(&one).unwrap().version() < Intel::open(&two).unwrap().version());
}

/// An indicator as the naive search below sees it.
struct Naive {
    first: u128,
    bits: u32,
    port: u16,
    family: String,
    expires_day: u64,
}

#[test]
fn lookups_agree_with_a_naive_search() {
    for (seed, v6) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut random = Random(seed);
        let width = if v6 { 128 } else { 32 };
        // Few different addresses, so that blocks nest, and addresses repeat with ports and families.
        let base = if v6 { 0x2001_0db8_u128 << 96 } else { 0xcb00_0000 };
        let mut list = String::new();
        let mut naive = Vec::new();
        for _ in 0..3000 {
            let near = base | u128::from(random.next() % 5000) << 6;
            let bits = if random.pick(4) == 0 { width - random.next() % 10 } else { width };
            let first = if bits == width {
                near | u128::from(random.next() % 4)
            } else {
                near >> (width - bits) << (width - bits)
            };
            let port = if bits == width { [0, 0, 23, 443][random.pick(4)] } else { 0 };
            let expires_day = [0, 0, 20_819, 21_915][random.pick(4)];
            let one = Naive { first, bits, port, family: format!("f{}", random.next() % 5), expires_day };
            let address = address(v6, first);
            let suffix = ["", " expires=2027-01-01", " expires=2030-01-01"][match expires_day {
                0 => 0,
                20_819 => 1,
                _ => 2,
            }];
            let place = match (port, bits) {
                (0, bits) if bits == width => format!("{address}"),
                (0, bits) => format!("{address}/{bits}"),
                (port, _) if v6 => format!("[{address}]:{port}"),
                (port, _) => format!("{address}:{port}"),
            };
            writeln!(list, "{place} {}{suffix}", one.family).unwrap();
            naive.push(one);
        }
        let folder = Folder::new(&format!("naive{seed}"));
        folder.write("list.txt", list);
        folder.good("build list.txt -o out.gwi");
        let bytes = folder.read("out.gwi");
        let intel = Intel::open(&bytes).unwrap();
        let mut found = 0;
        for _ in 0..4000 {
            let near = naive[random.pick(3000)].first;
            let asked =
                if random.pick(2) == 0 { near } else { near.wrapping_add(u128::from(random.next() % 300)) };
            let port = [0, 23, 80, 443][random.pick(4)];
            let now = [None, Some(0), Some(YEAR_2027), Some(1_893_456_000)][random.pick(4)];
            let address = address(v6, asked);
            let answer = match now {
                None => intel.lookup(address, port),
                Some(now) => intel.lookup_at(address, port, now),
            };
            assert_eq!(answer, search(&naive, width, asked, port, now), "{address} port {port} at {now:?}");
            found += i32::from(answer != Match::Nothing);
        }
        assert!((1000..4000).contains(&found), "{found}: the questions are too easy");
    }
}

/// The rules of the reader's doc, said once more and slowly.
fn search(naive: &[Naive], width: u32, asked: u128, port: u16, now: Option<u64>) -> Match<'_> {
    let covers = |one: &&Naive| (asked ^ one.first).checked_shr(width - one.bits).unwrap_or(0) == 0;
    let meant = |one: &&Naive| one.expires_day == 0 || now.is_none_or(|now| now < one.expires_day * 86_400);
    let own = |one: &&Naive| one.port == 0 || one.port == port;
    let life = |one: &Naive| if one.expires_day == 0 { u64::MAX } else { one.expires_day };
    let best = naive.iter().filter(covers).filter(meant).filter(own).max_by(|one, other| {
        let rank = |one: &Naive| (one.bits, one.port != 0, life(one));
        rank(one).cmp(&rank(other)).then_with(|| other.family.cmp(&one.family))
    });
    best.map_or(Match::Nothing, |one| {
        let expires = (one.expires_day != 0).then_some(one.expires_day * 86_400);
        listed(&one.family, (one.port != 0).then_some(one.port), expires)
    })
}

#[test]
fn an_address_with_thousands_of_ports_answers_for_each() {
    let folder = Folder::new("ports");
    let mut list = "192.0.2.6\n192.0.2.7 other\n192.0.2.8:80\n".to_owned();
    for port in (1000..4000).step_by(2) {
        writeln!(list, "192.0.2.7:{port} family-{}", port % 7).unwrap();
    }
    folder.write("list.txt", list);
    folder.good("build list.txt -o out.gwi");
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    for port in 0..5000 {
        let family = format!("family-{}", port % 7);
        let own = (1000..4000).contains(&port) && port % 2 == 0;
        let expected = if own { listed(&family, Some(port), None) } else { listed("other", None, None) };
        assert_eq!(intel.lookup("192.0.2.7".parse().unwrap(), port), expected, "{port}");
    }
}

#[test]
fn a_hundred_thousand_addresses_cost_at_most_24_bits_each() {
    let mut random = Random(5);
    let mut list = String::new();
    for at in 0..100_000 {
        writeln!(list, "{} family-{}", random.public(), at % 40).unwrap();
    }
    let folder = Folder::new("budget");
    folder.write("list.txt", list);
    folder.good("build list.txt -o out.gwi");
    let bytes = folder.read("out.gwi");
    let entries = usize::try_from(Intel::open(&bytes).unwrap().entries()).unwrap();
    assert!(entries > 99_000, "{entries}: some are in content networks");
    assert!(bytes.len() * 8 <= entries * 24, "{} bytes for {entries} addresses", bytes.len());
}

#[test]
fn an_old_file_stays_when_a_list_is_wrong() {
    let folder = Folder::new("old");
    folder
        .write("list.txt", "192.0.2.1\n")
        .write("wrong.txt", "192.0.2.1\nx\n")
        .write("empty.txt", "# none\n");
    folder.good("build list.txt -o out.gwi");
    let before = folder.read("out.gwi");
    folder.bad("build --feed plain:wrong.txt -o out.gwi", 1);
    let said = folder.bad("build empty.txt -o out.gwi", 1);
    let words = "\ngatewatch-intel: the lists hold no indicator that may match: nothing is written\n";
    assert!(said.ends_with(words), "{said}");
    assert_eq!(folder.read("out.gwi"), before);
    folder.good("build list.txt -o out.gwi --created 1767225601");
    assert_ne!(folder.read("out.gwi"), before);
    assert_eq!(folder.names(), ["empty.txt", "list.txt", "out.gwi", "wrong.txt"]);
}

#[test]
fn only_an_indicator_file_is_replaced() {
    let folder = Folder::new("replaced");
    folder.write("list.txt", "192.0.2.1\n");
    let said = folder.bad("build list.txt -o list.txt", 1);
    let message = "list.txt: is not an indicator file, so it is not replaced: give another name or remove it";
    assert!(said.ends_with(&format!("\ngatewatch-intel: {message}\n")), "{said}");
    assert_eq!(folder.read("list.txt"), b"192.0.2.1\n");
    let said = folder.bad("build list.txt -o /dev/null", 1);
    let words = "\ngatewatch-intel: /dev/null: is not a regular file: give the name of a file\n";
    assert!(said.ends_with(words), "{said}");
}

#[test]
fn a_folder_that_is_not_there_or_cannot_be_written_is_named() {
    let folder = Folder::new("folder");
    folder.write("list.txt", "192.0.2.1\n");
    let said = folder.bad("build list.txt -o missing/out.gwi", 1);
    assert!(said.contains("missing/out.gwi.") && said.contains("No such file"), "{said}");
    // Nobody creates a file there, not even root.
    let said = folder.bad("build list.txt -o /proc/self/out.gwi", 1);
    assert!(said.contains("\ngatewatch-intel: /proc/self/out.gwi."), "{said}");
}

#[test]
fn a_pipe_is_read_and_an_endless_one_refused() {
    let folder = Folder::new("pipe");
    let said = folder.bad("build /dev/zero -o out.gwi", 1);
    assert_eq!(said, "gatewatch-intel: /dev/zero: longer than 256 MiB: is it a list? split it if it is\n");
    let made = Command::new("mkfifo").arg(folder.0.join("fifo.txt")).status().unwrap();
    assert!(made.success());
    let writer = std::thread::spawn({
        let path = folder.0.join("fifo.txt");
        move || fs::write(path, "192.0.2.1\n").unwrap()
    });
    folder.good("build fifo.txt -o out.gwi");
    writer.join().unwrap();
    let bytes = folder.read("out.gwi");
    assert_eq!(
        Intel::open(&bytes).unwrap().lookup("192.0.2.1".parse().unwrap(), 1),
        listed("fifo", None, None)
    );
    let said = folder.bad("build . -o out.gwi", 1);
    assert!(said.contains("no list is in this folder"), "{said}");
}

#[test]
fn usage_errors_end_with_status_2() {
    let folder = Folder::new("usage");
    folder.write("list.txt", "192.0.2.1\n");
    for (arguments, message) in [
        ("", "what is to be done? `gatewatch-intel build LIST... -o FILE` compiles lists"),
        ("make", "unexpected argument \"make\""),
        ("build -o out.gwi", "no LIST is given: name at least one file of indicators"),
        ("build list.txt", "-o FILE is missing: where is the database to go?"),
        ("build list.txt -o", "missing argument for option '-o'"),
        ("build list.txt -o out.gwi --fast", "invalid option '--fast'"),
        ("build list.txt -o out.gwi --version -1", "--version: \"-1\" is not a whole number in range"),
        (
            "build list.txt -o out.gwi --version 4294967296",
            "--version: \"4294967296\" is not a whole number in range",
        ),
        (
            "build list.txt -o out.gwi --created 4294967296",
            "the created time is after 2106: give --version N",
        ),
        ("build list.txt -o out.gwi --created now", "--created: \"now\" is not a whole number in range"),
        (
            "build list.txt -o out.gwi --expires soon",
            "--expires: \"soon\" is not a date from 1970-01-02 to 2149-06-06: write it as YYYY-MM-DD",
        ),
        (
            "build list.txt -o out.gwi --expires 2026-01-01",
            "--expires: the data would be stale when it is made: give a later date",
        ),
        (
            "build list.txt -o out.gwi --family a=b",
            "--family: the family \"a=b\" must be one word without = # and control characters",
        ),
    ] {
        let said = folder.bad(arguments, 2);
        assert_eq!(said, format!("gatewatch-intel: {message} (--help lists the options)\n"));
    }
    assert_eq!(folder.names(), ["list.txt"]);
    assert_eq!(folder.good("--version").0, format!("gatewatch-intel {}\n", env!("CARGO_PKG_VERSION")));
    let help = folder.good("--help").0;
    assert_eq!(folder.good("build --help").0, help);
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for option in help.split([' ', '\n', ',']).filter(|word| word.starts_with("--")) {
        assert!(readme.contains(option), "README.md does not name {option}");
    }
}

fn address(v6: bool, bits: u128) -> IpAddr {
    if v6 {
        Ipv6Addr::from_bits(bits).into()
    } else {
        Ipv4Addr::from_bits(u32::try_from(bits).unwrap()).into()
    }
}
