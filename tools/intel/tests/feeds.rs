//! Feeds as a user gives them: folders of many formats, wrong ones, hostile ones; and that what goes in is found, and nothing else.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{Folder, Random};
use gatewatch::intel::{Intel, Match};

mod common;

/// A small file of each kind, all of its addresses for documentation: kind, name, text, lines or records.
const SAMPLES: [(&str, &str, &str, u64); 20] = [
    (
        "feodo",
        "feodo.csv",
        "# Feodo Tracker\r\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\r\n\"2025-11-01 00:00:00\",\"192.0.2.1\",\"443\",\"online\",\"2025-12-20\",\"TrickBot\"\r\n# END 1 entries",
        4,
    ),
    (
        "feodo",
        "feodo.json",
        r#"[{"ip_address":"192.0.2.2","port":449,"first_seen":"2025-11-01 00:00:00","last_online":null,"malware":"TrickBot"}]"#,
        1,
    ),
    (
        "threatfox",
        "threatfox.csv",
        "# \"first_seen_utc\", \"ioc_id\", \"ioc_value\", \"ioc_type\", \"threat_type\", \"fk_malware\", \"malware_alias\", \"malware_printable\", \"last_seen_utc\", \"confidence_level\", \"is_compromised\", \"reference\", \"tags\", \"anonymous\", \"reporter\"\n\"2025-12-01 00:00:00\", \"1\", \"192.0.2.3:4444\", \"ip:port\", \"botnet_cc\", \"elf.mirai\", \"\", \"Mirai\", \"\", \"40\", \"False\", \"\", \"\", \"0\", \"x\"\n",
        2,
    ),
    (
        "threatfox",
        "threatfox.json",
        r#"{"query_status":"ok","data":[{"ioc":"c2.example.net","malware_printable":"Mirai","confidence_level":90,"first_seen":"2025-12-01 00:00:00"}]}"#,
        1,
    ),
    (
        "urlhaus",
        "urlhaus.csv",
        "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n\"1\",\"2025-12-01 00:00:00\",\"http://192.0.2.4:8080/x.mips\",\"online\",\"\",\"malware_download\",\"elf,Mozi\",\"https://u.example/1\",\"x\"\n\"2\",\"2025-12-01 00:00:00\",\"https://github.com/x/y/raw/z\",\"online\",\"\",\"malware_download\",\"\",\"https://u.example/2\",\"x\"\n",
        3,
    ),
    (
        "drop",
        "drop_v4.json",
        "{\"cidr\":\"198.51.100.0\\/25\",\"sblid\":\"SBL1\"}\n{\"type\":\"metadata\",\"records\":1}\n",
        2,
    ),
    ("drop", "drop_v6.json", "{\"cidr\":\"2001:db8:6::/48\",\"sblid\":\"SBL2\"}\n", 1),
    ("drop", "drop.txt", "; Spamhaus DROP List\n198.51.100.128/26 ; SBL3\n", 2),
    (
        "maltrail",
        "elf_gafgyt.txt",
        "# Reference: https://a.example\n\n192.0.2.5:23\n/bins.sh\nshop.example.com/wp/x/\n",
        5,
    ),
    (
        "misp",
        "0dbb179a-1c8c-4e7c-a264-2440414dbac8.json",
        r#"{"Event":{"info":"campaign","Attribute":[{"type":"domain","value":"misp.example.net","to_ids":true,"timestamp":"1764547200"},{"type":"ip-dst","value":"192.0.2.6","to_ids":false}]}}"#,
        2,
    ),
    (
        "misp",
        "manifest.json",
        r#"{"0dbb179a-1c8c-4e7c-a264-2440414dbac8":{"Orgc":{"name":"x"},"info":"campaign"}}"#,
        1,
    ),
    (
        "stix",
        "2025-12-01-Bot.json",
        r#"{"type":"bundle","objects":[{"type":"indicator","id":"indicator--1","pattern":"[ipv4-addr:value = '192.0.2.7']","valid_from":"2025-12-01T00:00:00Z"},{"type":"report"}]}"#,
        2,
    ),
    ("hosts", "hosts.txt", "127.0.0.1 localhost\n0.0.0.0 hosts.example.net\n0.0.0.0 hosts2.example.net\n", 3),
    ("dnsmasq", "dnsmasq.txt", "address=/dnsmasq.example.net/#\n", 1),
    ("adblock", "adblock.txt", "[Adblock Plus]\n||adblock.example.net^\n", 2),
    ("unbound", "unbound.txt", "local-zone: \"unbound.example.net.\" always_null\n", 1),
    ("ipset", "firehol.netset", "# ipv4 hash:net\n203.0.113.0/28\n203.0.113.77\n", 3),
    ("ipsum", "ipsum.txt", "# IPsum\n192.0.2.8\t9\n192.0.2.9\t8\n", 3),
    (
        "text",
        "report.txt",
        "Servers of the bot:\n192[.]0[.]2[.]10:8080  2025-12-01\nhxxp://evil[.]example[.]net/x\n1.1.1[.]1\n",
        4,
    ),
    ("plain", "plain.txt", "192.0.2.11 mirai\n192.0.2.1:443 trickbot\n", 2),
];

/// What must be found of them afterwards: a query of `lookup` and the family.
const FOUND: [(&str, &str); 21] = [
    ("192.0.2.1:443", "trickbot"),
    ("192.0.2.2:449", "trickbot"),
    ("192.0.2.3:4444", "mirai"),
    ("c2.example.net", "mirai"),
    ("192.0.2.4:8080", "mozi"),
    ("198.51.100.9", "spamhaus-drop"),
    ("198.51.100.190", "spamhaus-drop"),
    ("2001:db8:6::9", "spamhaus-drop"),
    ("192.0.2.5:23", "gafgyt"),
    ("misp.example.net", "campaign"),
    ("192.0.2.7", "bot"),
    ("hosts.example.net", "hosts"),
    ("x.dnsmasq.example.net", "dnsmasq"),
    ("adblock.example.net", "adblock"),
    ("unbound.example.net", "unbound"),
    ("203.0.113.15", "firehol"),
    ("192.0.2.8", "ipsum"),
    ("192.0.2.10:8080", "report"),
    ("evil.example.net", "report"),
    ("192.0.2.11", "mirai"),
    ("203.0.113.77", "firehol"),
];

fn samples(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir(folder.0.join("feeds")).unwrap();
    for (_, name, text, _) in SAMPLES {
        folder.write(&format!("feeds/{name}"), text);
    }
    folder.write("feeds/README.md", "192.0.2.99\n").write("feeds/.hidden", "192.0.2.98\n");
    folder
}

#[test]
fn a_folder_of_every_kind_is_read_and_every_line_accounted_for() {
    let folder = samples("folder");
    let (out, err) = folder.good("build feeds -o out.gwi");
    for (kind, name, ..) in SAMPLES {
        // What tells plain lists apart is left out of `err`; `a_plain_list_is_told` asks for it.
        let said = kind == "plain" || err.contains(&format!("feeds/{name}: read as {kind}, by "));
        assert!(said, "{kind} {name}\n{err}");
    }
    assert!(err.contains("passed over, no lists by their names: feeds/.hidden, feeds/README.md\n"), "{err}");
    let numbers: HashMap<&str, u64> = err
        .lines()
        .filter_map(|line| {
            let (number, words) = line.trim_start().split_once(' ')?;
            Some((words, number.parse().ok()?))
        })
        .collect();
    let read: u64 = SAMPLES.iter().map(|(.., records)| records).sum();
    assert_eq!(numbers["lines and records read"], read, "{err}");
    let sum = |from: &str, to: &str| -> u64 {
        let lines: Vec<&str> = err.lines().collect();
        let at = |words: &str| lines.iter().position(|line| line.ends_with(words)).unwrap_or(lines.len());
        lines[at(from) + 1..at(to)]
            .iter()
            .map(|line| line.trim_start().split(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!(sum("lines and records read", "indicators in them"), read, "{err}");
    assert_eq!(sum("indicators in them", "nothing"), numbers["indicators in them"], "{err}");
    assert!(out.contains(" 1 duplicates, 2 left out\n"), "{out}");

    let queries: Vec<&str> = FOUND.iter().map(|(query, _)| *query).collect();
    let (answers, _) = folder.good(&format!("lookup out.gwi {}", queries.join(" ")));
    for (line, (query, family)) in answers.lines().zip(FOUND) {
        let listed = format!("listed {query} family={family}");
        assert!(line == listed || line.starts_with(&format!("{listed} ")), "{line}");
    }
    let good = "192.0.2.1:80 192.0.2.5:24 192.0.2.6 192.0.2.98 192.0.2.99 1.1.1.1 github.com x.github.com shop.example.com example.net";
    let answers = folder.ends_with(&format!("lookup out.gwi {good}"), 1);
    assert!(answers.lines().all(|line| line.starts_with("not listed ")), "{answers}");
}

#[test]
fn the_order_of_lists_makes_no_difference() {
    let folder = samples("order");
    let names: Vec<String> = SAMPLES.iter().map(|(_, name, ..)| format!("feeds/{name}")).collect();
    let mut turned = names.clone();
    turned.reverse();
    folder.good(&format!("build {} -o one.gwi --details one.json --expire-days 60", names.join(" ")));
    folder.good(&format!("build {} -o two.gwi --details two.json --expire-days 60", turned.join(" ")));
    assert!(folder.read("one.gwi") == folder.read("two.gwi"));
    assert!(folder.read("one.json") == folder.read("two.json"));
    let details = String::from_utf8(folder.read("one.json")).unwrap();
    // Of both lists that name it: the day it was seen first, the last one, 60 days after that up to a whole week, and both names.
    let line = "{\"expires\":\"2026-02-19\",\"family\":\"trickbot\",\"first_seen\":\"2025-11-01\",\"indicator\":\"192.0.2.1\",\
                \"last_seen\":\"2025-12-20\",\"port\":443,\"sources\":[\"feeds/feodo.csv\",\"feeds/plain.txt\"]}\n";
    assert!(details.contains(line), "{details}");
}

#[test]
fn what_is_old_or_doubtful_is_left_out_when_asked_for() {
    let folder = samples("old");
    // The build is of 2026-01-01: 192.0.2.2 was seen last on 2025-11-01.
    let (_, err) = folder.good("build feeds -o out.gwi --expire-days 40 --min-confidence 50");
    for line in [" 1   expired\n", " 1   less sure than --min-confidence\n"] {
        assert!(err.contains(line), "{line}{err}");
    }
    let (answers, _) = folder.good("lookup out.gwi 192.0.2.1:443 192.0.2.2:449 192.0.2.3:4444 192.0.2.8");
    assert_eq!(
        answers,
        "listed 192.0.2.1:443 family=trickbot port=443 expires=2026-01-29\nnot listed 192.0.2.2:449\nnot listed 192.0.2.3:4444\nlisted 192.0.2.8 family=ipsum\n"
    );
    let (answers, _) = folder.good("lookup out.gwi misp.example.net");
    assert_eq!(answers, "listed misp.example.net family=campaign expires=2026-01-15\n");
}

#[test]
fn warning_lists_and_public_suffixes_never_match() {
    let folder = Folder::new("warning");
    folder.write("list.txt", "192.0.2.1\n192.0.2.200\n198.51.100.0/24\ndomain:co.uk\ndomain:duckdns.org\ndomain:me.duckdns.org\ndomain:a.good.example\n");
    folder.write("never.json", r#"{"name":"ours","type":"cidr","matching_attributes":["ip-dst"],"list":["192.0.2.128/25","198.51.100.7","203.0.113.1"]}"#);
    folder.write("names.json", r#"{"name":"names","type":"hostname","list":["good.example"]}"#);
    let (_, err) = folder.good("build list.txt --never-match never.json --never-match names.json -o out.gwi");
    assert!(err.contains("never.json: 3 entries never match\n"), "{err}");
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    let lookup = |address: &str| intel.lookup(address.parse().unwrap(), 80);
    assert!(matches!(lookup("192.0.2.1"), Match::Listed(_)));
    assert_eq!(lookup("192.0.2.200"), Match::Nothing);
    // Inside a listed network it has to stand in the file; elsewhere it costs nothing.
    assert_eq!(lookup("198.51.100.7"), Match::Never);
    assert!(matches!(lookup("198.51.100.8"), Match::Listed(_)));
    assert_eq!(lookup("203.0.113.1"), Match::Nothing);
    for (name, listed) in
        [("x.co.uk", false), ("you.duckdns.org", false), ("me.duckdns.org", true), ("a.good.example", false)]
    {
        assert_eq!(matches!(intel.lookup_domain(name.as_bytes(), None), Match::Listed(_)), listed, "{name}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused_with_what_to_do() {
    let folder = samples("other");
    let noise: Vec<u8> =
        (0..4096u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0] | 1).collect();
    folder.write("feeds/noise.bin", noise).write("feeds/empty.txt", "").write("feeds/blank.txt", "\n \n");
    folder.write("feeds/packed.gz", b"\x1f\x8b\x08\0x").write("feeds/long.txt", "1".repeat(100_000));
    folder.write("feeds/wide.txt", b"\xff\xfe1\0\n\0").write("feeds/none.json", "[]\n");
    folder.write("feeds/page.txt", "\n<!DOCTYPE html><title>403</title>\n<p>Your IP: 192.0.2.77</p>\n");
    let mut refused = 0;
    for (kind, ..) in SAMPLES {
        for (other, name, ..) in SAMPLES.into_iter().chain([
            ("", "noise.bin", "", 0),
            ("", "empty.txt", "", 0),
            ("", "blank.txt", "", 0),
            ("", "packed.gz", "", 0),
            ("", "long.txt", "", 0),
        ]) {
            let output = folder.run(&format!("build --feed {kind}:feeds/{name} -o out.gwi"));
            let said = String::from_utf8(output.stderr).unwrap();
            // Addresses alone are of several kinds, text is in every file, and what is read in part is said.
            if output.status.success() {
                assert!(!other.is_empty(), "{kind} {name}");
                fs::remove_file(folder.0.join("out.gwi")).unwrap();
                continue;
            }
            refused += 1;
            assert_eq!(output.status.code(), Some(1), "{kind} {name}: {said}");
            assert!(
                said.contains(&format!("feeds/{name}")) || said.contains("no indicator that may match"),
                "{said}"
            );
            assert!(!folder.0.join("out.gwi").exists());
        }
    }
    assert!(refused > 280, "{refused}");
    for (name, message) in [
        ("empty.txt", "is empty: fetch it again, or leave it out"),
        ("packed.gz", "is packed by gzip: unpack it with gunzip"),
        ("noise.bin", "is no text: is it the right file, and unpacked?"),
        ("long.txt", "1: longer than 64 KiB, so it is no line of a list: is it the right file?"),
        ("wide.txt", "is UTF-16: save it as UTF-8"),
        ("none.json", "an empty list: fetch it again, leave it out, or name its kind"),
        (
            "page.txt",
            "is a web page, and no list: fetch it again, or take what it names with --feed text:feeds/page.txt",
        ),
    ] {
        let said = folder.bad(&format!("build feeds/{name} -o out.gwi"), 1);
        assert!(
            said.starts_with(&format!("gatewatch-intel: feeds/{name}:")) && said.contains(message),
            "{said}"
        );
    }
    folder.good("build --feed text:feeds/page.txt -o page.gwi");
    let said = folder.bad("build --feed stix:feeds/report.txt -o out.gwi", 1);
    assert_eq!(
        said,
        "feeds/report.txt:1: is not a STIX 2 bundle: expected value: fetch it again, or name its kind with --feed KIND:FILE\n\
         gatewatch-intel: nothing is written\n"
    );
    // What is shown of a line is what a person reads, however long it is.
    for kind in ["feodo", "threatfox", "plain", "text", "warninglist"] {
        let said = folder.bad(&format!("build --feed {kind}:feeds/long.txt -o out.gwi"), 1);
        assert!(said.len() < 1200 && said.contains("feeds/long.txt"), "{kind}: {said}");
    }
    let said = folder.bad("build --feed warninglist:feeds/report.txt -o out.gwi", 1);
    assert!(said.contains("feeds/report.txt: is not a MISP warning list: expected value"), "{said}");
    let said = folder.bad("build --feed hosts:feeds/feodo.csv -o out.gwi", 1);
    assert!(
        said.contains(
            "feeds/feodo.csv: is not a hosts file: 2 of its records cannot be read: name its kind with"
        ),
        "{said}"
    );
    let said = folder.bad("build --feed hots:feeds/hosts.txt -o out.gwi", 2);
    assert!(
        said.starts_with("gatewatch-intel: --feed: \"hots\" is no kind of list: it is one of plain, text, "),
        "{said}"
    );
}

#[test]
fn a_plain_list_is_told_and_counted_like_every_other() {
    let folder = Folder::new("told");
    folder.write("list.txt", "192.0.2.1\n\n192.0.2.1\n0.0.0.0/0\n::/0\n");
    let output = folder.run("build list.txt -o out.gwi");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("list.txt: read as plain, by its lines\n"), "{said}");
    for line in [
        "list.txt (plain): 5 records: 4 with indicators, 1 blank or comments; 4 indicators: 1 new, 1 merged, 2 left out\n",
        "         5 lines and records read\n",
        "         2   networks too wide to accuse anybody\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    let intel = folder.read("out.gwi");
    let intel = Intel::open(&intel).unwrap();
    assert_eq!(intel.lookup("77.0.0.1".parse().unwrap(), 80), Match::Nothing);
    assert_eq!(intel.lookup("2a00::1".parse().unwrap(), 80), Match::Nothing);
}

#[test]
fn what_lies_beside_the_events_of_a_misp_feed_is_passed_over() {
    let folder = Folder::new("misp-feed");
    fs::create_dir(folder.0.join("feed")).unwrap();
    for (name, text) in [
        ("manifest.json", r#"{"0dbb179a-1c8c-4e7c-a264-2440414dbac8":{"Orgc":{"name":"x"},"info":"y"}}"#),
        (
            "0dbb179a-1c8c-4e7c-a264-2440414dbac8.json",
            r#"{"Event":{"info":"y","Attribute":[{"type":"ip-dst","value":"192.0.2.1","to_ids":true}]}}"#,
        ),
        ("hashes.csv", "d41d8cd98f00b204e9800998ecf8427e,0dbb179a-1c8c-4e7c-a264-2440414dbac8\n"),
        ("manifest.json.asc", "-----BEGIN PGP SIGNATURE-----\n"),
    ] {
        folder.write(&format!("feed/{name}"), text);
    }
    for arguments in ["build feed -o out.gwi", "build --feed misp:feed -o out.gwi"] {
        let (_, err) = folder.good(arguments);
        let passed = "passed over, no lists by their names: feed/hashes.csv, feed/manifest.json.asc\n";
        assert!(err.starts_with(passed), "{err}");
        assert_eq!(folder.good("lookup out.gwi 192.0.2.1").0, "listed 192.0.2.1 family=y\n");
    }
}

#[test]
fn what_a_filter_list_lets_through_never_matches() {
    let folder = Folder::new("exceptions");
    folder
        .write("a.txt", "[Adblock Plus]\n||evil.example.net^\n@@||good.evil.example.net^\n||right.example.net^\n@@||right.example.net^$important\n@@||part.example.net^$script\n||part.example.net^\n")
        .write("never.txt", "own.example.net\n*.mine.example.net # ours\n192.0.2.7\n")
        .write("list.txt", "own.example.net\nx.mine.example.net\n192.0.2.7\n");
    let (_, err) = folder.good("build a.txt list.txt --never-match never.txt -o out.gwi");
    assert!(err.contains(" 1   never match: exceptions of a.txt\n"), "{err}");
    let names = "evil.example.net good.evil.example.net x.good.evil.example.net right.example.net part.example.net \
                 own.example.net x.mine.example.net 192.0.2.7";
    let (answers, _) = folder.good(&format!("lookup out.gwi {names}"));
    assert_eq!(
        answers,
        "listed evil.example.net family=a\n\
         not listed good.evil.example.net (it never matches)\n\
         not listed x.good.evil.example.net (it never matches)\n\
         not listed right.example.net\n\
         listed part.example.net family=a\n\
         not listed own.example.net\n\
         not listed x.mine.example.net\n\
         not listed 192.0.2.7\n"
    );
}

#[test]
fn a_line_of_a_gigabyte_is_refused_at_once() {
    let folder = Folder::new("gigabyte");
    fs::File::create(folder.0.join("sparse.txt")).unwrap().set_len(1 << 30).unwrap();
    for (kind, ..) in SAMPLES {
        let said = folder.bad(&format!("build --feed {kind}:sparse.txt -o out.gwi"), 1);
        assert_eq!(
            said,
            "gatewatch-intel: sparse.txt: longer than 256 MiB: is it a list? split it if it is\n"
        );
    }
    assert_eq!(folder.names(), ["sparse.txt"]);
}

#[test]
fn what_goes_in_is_found_and_nothing_else() {
    let mut random = Random(11);
    let (mut list, mut v4, mut v6, mut names, mut hashes) =
        (String::new(), HashMap::new(), HashSet::new(), HashSet::new(), HashSet::new());
    for at in 0..20_000u32 {
        let address = random.public();
        let port = [0u16, 443, 8080][random.pick(3)];
        let family = format!("family-{}", at % 40);
        v4.insert((address, port), family.clone());
        match port {
            0 => writeln!(list, "{address} {family}").unwrap(),
            port => writeln!(list, "{address}:{port} {family}").unwrap(),
        }
        if at % 10 == 0 {
            let six = Ipv6Addr::from_bits(
                0x2a0e_0000 << 96 | u128::from(random.next()) << 40 | u128::from(random.next()),
            );
            v6.insert(six);
            writeln!(list, "{six} six").unwrap();
            let name = format!("n{}.example", random.next());
            writeln!(list, "domain:{name} names").unwrap();
            names.insert(name);
            let digest: [u8; 32] = std::array::from_fn(|_| random.next().to_le_bytes()[1]);
            writeln!(
                list,
                "sha256:{} files",
                digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            )
            .unwrap();
            hashes.insert(digest);
        }
    }
    let folder = Folder::new("round-trip");
    folder.write("list.txt", list);
    folder.good("build list.txt -o out.gwi");
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    let mut left_out = 0;
    for ((address, port), family) in &v4 {
        match intel.lookup(IpAddr::V4(*address), *port) {
            Match::Listed(hit) => assert!(
                hit.port == Some(*port).filter(|port| *port != 0) && (hit.family == family || *port == 0)
            ),
            Match::Never => panic!("{address}"),
            // In a content network.
            Match::Nothing => left_out += 1,
        }
    }
    assert!(left_out < 200, "{left_out}");
    for six in &v6 {
        assert!(matches!(intel.lookup(IpAddr::V6(*six), 1), Match::Listed(_)));
    }
    for name in &names {
        assert!(matches!(intel.lookup_domain(name.as_bytes(), None), Match::Listed(_)));
    }
    for digest in &hashes {
        assert!(intel.lookup_hash(digest, None).is_some());
    }
    let all: HashSet<Ipv4Addr> = v4.keys().map(|(address, _)| *address).collect();
    let mut asked = 0;
    while asked < 1_000_000 {
        let address = Ipv4Addr::from_bits(random.next() << 1 | random.next() >> 30);
        if all.contains(&address) {
            continue;
        }
        asked += 1;
        assert!(!matches!(intel.lookup(IpAddr::V4(address), 443), Match::Listed(_)), "{address}");
    }
    for _ in 0..100_000 {
        let six = Ipv6Addr::from_bits(
            0x2a0e_0000 << 96 | u128::from(random.next()) << 40 | u128::from(random.next()),
        );
        assert!(v6.contains(&six) || intel.lookup(IpAddr::V6(six), 1) == Match::Nothing);
        let name = format!("n{}.example", random.next());
        assert!(names.contains(&name) || intel.lookup_domain(name.as_bytes(), None) == Match::Nothing);
        let digest: [u8; 32] = std::array::from_fn(|_| random.next().to_le_bytes()[1]);
        assert!(intel.lookup_hash(&digest, None).is_none());
    }
}
