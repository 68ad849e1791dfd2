//! What a lookup finds in a small file made by the real tool, and that no damage to it does harm.
//!
//! `testdata/tiny.txt` is the list, `testdata/tiny.gwi` the file; the tool's own tests hold one to the other.
//! The file is little endian whatever machine runs this: on a big-endian one these tests prove the reader.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

extern crate std;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::ToString as _;
use std::vec::Vec;

use super::layout::{self, HEADER_LEN, Header, MUST_UNDERSTAND, SECTION_LEN, Section, kind};
use super::{Defect, FAMILIES, Flaw, Hit, Intel, Match, Strength, Trace, TraceKind};

const TINY: &[u8] = include_bytes!("testdata/tiny.gwi");
/// Sections of it: every kind once.
const SECTIONS: usize = 10;
/// 2027-01-01 and 2030-01-01.
const YEAR_2027: u64 = 1_798_761_600;
const YEAR_2030: u64 = 1_893_456_000;

fn lookup(address: &str, port: u16) -> Match<'static> {
    Intel::open(TINY).unwrap().lookup(address.parse().unwrap(), port)
}

fn listed(family: &'static str, port: Option<u16>, expires: Option<u64>) -> Match<'static> {
    Match::Listed(Hit { family, port, expires })
}

#[test]
fn the_header_says_what_the_tool_was_told() {
    let intel = Intel::open(TINY).unwrap();
    assert_eq!(intel.version(), 7);
    assert_eq!(intel.created(), 1_700_000_000);
    assert_eq!(intel.expires(), Some(1_924_992_000));
    assert_eq!(intel.entries(), 27);
}

#[test]
fn bytes_lie_where_the_layout_says_on_every_machine() {
    assert_eq!(&TINY[..16], b"\x89GWI\r\n\x1a\n\x01\x00\x40\x00\x07\x00\x00\x00");
    assert_eq!(&TINY[16..32], b"\x00\xf1\x53\x65\0\0\0\0\x00\x0c\xbd\x72\0\0\0\0");
    assert_eq!(u64::from_le_bytes(TINY[32..40].try_into().unwrap()), u64::try_from(TINY.len()).unwrap());
    assert_eq!(&TINY[40..64], b"\x1b\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(&TINY[64..72], b"\x01\0\0\0\xe0\0\0\0");
    assert_eq!(Header::read(TINY).unwrap().to_bytes(), TINY[..HEADER_LEN]);
    for row in TINY[HEADER_LEN..HEADER_LEN + SECTIONS * SECTION_LEN].as_chunks().0 {
        assert_eq!(Section::from_bytes(row).to_bytes(), *row);
    }
    // 198.51.100.0 to 198.51.100.127, in the row after the octet map and 8.8.8.0/24.
    let ranges = body(kind::IPV4_RANGES);
    assert_eq!(ranges[layout::OCTETS_LEN + 12..][..8], *b"\x00\x64\x33\xc6\x7f\x64\x33\xc6");
    // 2001:db8::1, in network order.
    assert_eq!(body(kind::IPV6)[..16], *b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
}

#[test]
fn what_is_not_listed_is_not_found() {
    for address in
        ["192.0.2.0", "192.0.2.4", "203.0.113.8", "198.51.99.255", "198.51.101.0", "223.255.255.255"]
    {
        assert_eq!(lookup(address, 80), Match::Nothing, "{address}");
    }
    for address in
        ["2001:db8::", "2001:db8::2", "2001:db8:2::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2a00::1"]
    {
        assert_eq!(lookup(address, 80), Match::Nothing, "{address}");
    }
}

#[test]
fn an_exact_port_wins_over_every_port_and_another_port_never_matches() {
    assert_eq!(lookup("192.0.2.1", 80), listed("mirai", None, None));
    assert_eq!(lookup("192.0.2.1", 0), listed("mirai", None, None));
    assert_eq!(lookup("192.0.2.1", 48101), listed("mirai", Some(48101), None));
    assert_eq!(lookup("192.0.2.1", 23), listed("gafgyt", Some(23), Some(YEAR_2030)));
    assert_eq!(lookup("192.0.2.3", 443), listed("trickbot", Some(443), None));
    for port in [0, 442, 444, 65535] {
        assert_eq!(lookup("192.0.2.3", port), Match::Nothing, "{port}");
    }
    assert_eq!(lookup("2001:db8::1", 443), listed("qakbot", Some(443), None));
    assert_eq!(lookup("2001:db8::1", 80), listed("mirai", None, None));
}

#[test]
fn the_most_specific_indicator_wins() {
    assert_eq!(lookup("198.51.100.0", 80), listed("wide", None, None));
    assert_eq!(lookup("198.51.100.127", 80), listed("wide", None, None));
    assert_eq!(lookup("198.51.100.128", 80), listed("narrow", None, Some(YEAR_2027)));
    assert_eq!(lookup("198.51.100.200", 80), listed("single", None, None));
    assert_eq!(lookup("198.51.100.255", 80), listed("narrow", None, Some(YEAR_2027)));
    assert_eq!(lookup("2001:db8:1:1:ffff::", 80), listed("six-wide", None, None));
    assert_eq!(lookup("2001:db8:1:2::", 80), listed("six-narrow", None, None));
    assert_eq!(lookup("2001:db8:1:3::", 80), listed("six-wide", None, None));
}

#[test]
fn an_expired_indicator_hides_no_other_one() {
    let intel = Intel::open(TINY).unwrap();
    let at = |address: &str, now| intel.lookup_at(address.parse().unwrap(), 80, now);
    assert_eq!(at("198.51.100.128", YEAR_2027 - 1), listed("narrow", None, Some(YEAR_2027)));
    assert_eq!(at("198.51.100.128", YEAR_2027), listed("wide", None, None));
    assert_eq!(at("192.0.2.2", 0), listed("zeta", None, Some(YEAR_2030)));
    assert_eq!(at("192.0.2.2", YEAR_2030), Match::Nothing);
    assert_eq!(intel.lookup_at("192.0.2.1".parse().unwrap(), 23, YEAR_2030), listed("mirai", None, None));
}

#[test]
fn of_two_families_the_one_that_is_meant_for_longer_is_named() {
    assert_eq!(lookup("192.0.2.2", 80), listed("zeta", None, Some(YEAR_2030)));
}

#[test]
fn a_mapped_address_is_the_ipv4_address() {
    assert_eq!(lookup("::ffff:203.0.113.7", 80), listed("mapped", None, None));
    assert_eq!(lookup("203.0.113.7", 80), listed("mapped", None, None));
    assert_eq!(lookup("::ffff:192.0.2.3", 443), listed("trickbot", Some(443), None));
    assert_eq!(lookup("::ffff:127.0.0.1", 443), Match::Never);
    // An IPv4-compatible address is none (RFC 4291 § 2.5.5.1: deprecated).
    assert_eq!(lookup("::203.0.113.7", 80), Match::Nothing);
}

#[test]
fn a_never_match_range_wins_over_everything() {
    assert_eq!(lookup("8.8.8.8", 443), Match::Never);
    assert_eq!(lookup("8.8.8.7", 443), listed("resolver", None, None));
    assert_eq!(lookup("8.8.8.9", 443), listed("resolver", None, None));
    for address in
        ["0.0.0.0", "10.255.255.255", "127.0.0.1", "192.168.1.1", "224.0.0.1", "255.255.255.255", "::"]
    {
        assert_eq!(lookup(address, 80), Match::Never, "{address}");
    }
    for address in ["::1", "fe80::1", "fd00::1", "ff02::1", "2001:4860:4860::8888"] {
        assert_eq!(lookup(address, 80), Match::Never, "{address}");
    }
}

/// A digest of the tiny file.
const fn digest(first: u8) -> [u8; 32] {
    let mut digest = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\
                        \x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
    digest[0] = first;
    digest
}

#[test]
fn a_file_is_found_by_all_of_its_digest() {
    let intel = Intel::open(TINY).unwrap();
    assert!(intel.has_hashes() && intel.has_addresses() && intel.has_traces());
    let hit = |family, expires| Some(Hit { family, port: None, expires });
    for now in [None, Some(0), Some(u64::MAX)] {
        assert_eq!(intel.lookup_hash(&digest(0), now), hit("tiny", None));
    }
    assert_eq!(intel.lookup_hash(&digest(0xff), None), hit("zeta", Some(YEAR_2030)));
    assert_eq!(intel.lookup_hash(&digest(0xff), Some(YEAR_2030 - 1)), hit("zeta", Some(YEAR_2030)));
    assert_eq!(intel.lookup_hash(&digest(0xff), Some(YEAR_2030)), None);
    for at in 0..32 {
        let mut other = digest(0);
        other[at] ^= 1;
        assert_eq!(intel.lookup_hash(&other, None), None, "{at}");
    }
}

#[test]
fn the_first_of_two_labels_of_a_digest_that_is_still_meant_is_named() {
    // The label of the first row is made one that has expired: that of 192.0.2.2, alpha.
    let mut bytes = TINY.to_vec();
    let at = place(kind::HASHES);
    let second: [u8; 4] = bytes[at + 36 + 32..at + 72].try_into().unwrap();
    let first: [u8; 4] = bytes[at + 32..at + 36].try_into().unwrap();
    bytes[at + 32..at + 36].copy_from_slice(&second);
    bytes[at + 36 + 32..at + 72].copy_from_slice(&first);
    let intel = Intel::open(&bytes).unwrap();
    let family = |now| intel.lookup_hash(&digest(0), now).map(|hit| hit.family);
    assert_eq!(family(None), Some("alpha"));
    assert_eq!(family(Some(YEAR_2027 - 1)), Some("alpha"));
    assert_eq!(family(Some(YEAR_2027)), Some("tiny"));
}

#[test]
fn traces_come_by_kind() {
    let intel = Intel::open(TINY).unwrap();
    type Row = (&'static [u8], &'static [u8], Strength, Option<u64>);
    let expected: [(TraceKind, &[Row]); 8] = [
        (TraceKind::Name, &[(b"tinybot", b"tiny", Strength::Strong, None)]),
        (TraceKind::Path, &[(b"/tmp/tinybot", b"tiny", Strength::Strong, None)]),
        (TraceKind::Dir, &[(b"/tmp/.tiny", b"tiny", Strength::Fair, None)]),
        (TraceKind::Arg, &[(b"-k \"a b\" \\ #\xff", b"tiny", Strength::Weak, Some(YEAR_2027))]),
        (
            TraceKind::Tcp,
            &[
                (b"127.0.0.1:48102", b"mirai", Strength::Fair, None),
                (b"48101", b"tiny", Strength::Weak, None),
            ],
        ),
        (TraceKind::Udp, &[(b"4000", b"tiny", Strength::Weak, None)]),
        (TraceKind::File, &[(b"/etc/tiny.conf", b"tiny", Strength::Fair, None)]),
        (TraceKind::Startup, &[]),
    ];
    assert_eq!(expected.map(|(kind, _)| kind), TraceKind::ALL);
    for (kind, rows) in expected {
        let traces: Vec<_> = rows
            .iter()
            .map(|&(value, family, strength, expires)| Trace { kind, value, family, strength, expires })
            .collect();
        assert_eq!(intel.traces(kind).collect::<Vec<_>>(), traces);
    }
}

/// A trace of which only kind and value matter.
fn trace(kind: TraceKind, value: &[u8]) -> Trace<'_> {
    Trace { kind, value, family: b"tiny", strength: Strength::Fair, expires: None }
}

#[test]
fn a_trace_matches_what_its_kind_says_and_nothing_near_it() {
    for (kind, value, same, others) in [
        (TraceKind::Name, ".nttpd", &[".nttpd"][..], &["nttpd", ".nttpd2", "", ".NTTPD"][..]),
        (TraceKind::Path, "/usr/networks", &["/usr/networks"], &["/usr/networks/a", "/usr/network", ""]),
        (
            TraceKind::Dir,
            "/dev/.anime",
            &["/dev/.anime/a", "/dev/.anime/a/b"],
            &["/dev/.anime", "/dev/.anime2/a", "/x/dev/.anime/a", "/dev/a", ""],
        ),
        (TraceKind::File, "/lib/a", &["/lib/a"], &["/lib/a/", "/lib"]),
        (
            TraceKind::Arg,
            "box ECCHI",
            &["/bin/busybox\0ECCHI\0", "sh\0-c\0busybox ECCHI", "box ECCHI"],
            &["box\0\0ECCHI", "box\tECCHI", "box ECCH", "BOX ECCHI", ""],
        ),
        (TraceKind::Arg, "", &[], &["", "a"]),
        (TraceKind::Tcp, "80", &[], &["80"]),
    ] {
        let trace = trace(kind, value.as_bytes());
        for found in same {
            assert!(trace.matches(found.as_bytes()), "{kind:?} {value} {found:?}");
        }
        for found in others {
            assert!(!trace.matches(found.as_bytes()), "{kind:?} {value} {found:?}");
        }
    }
}

#[test]
fn a_listener_is_a_port_and_perhaps_the_loopback_address() {
    for (value, listener) in [
        ("48101", Some((None, 48101))),
        ("127.0.0.1:48101", Some((Some(Ipv4Addr::LOCALHOST), 48101))),
        ("65535", Some((None, 65535))),
        ("65536", None),
        ("0", None),
        ("", None),
        ("127.0.0.1:", None),
        ("127.0.0.1:0", None),
        ("192.0.2.1:80", None),
        ("+80", None),
        ("8 0", None),
        ("99999999999999999999", None),
    ] {
        for kind in [TraceKind::Tcp, TraceKind::Udp] {
            assert_eq!(trace(kind, value.as_bytes()).listener(), listener, "{value}");
        }
        assert_eq!(trace(TraceKind::Name, value.as_bytes()).listener(), None);
    }
}

#[test]
fn the_order_of_kinds_and_strengths_is_that_of_their_numbers() {
    assert!(TraceKind::ALL.is_sorted_by_key(|kind| kind.code()) && TraceKind::ALL.is_sorted());
    let strengths = [Strength::Weak, Strength::Fair, Strength::Strong];
    assert!(strengths.is_sorted_by_key(|strength| strength.code()) && strengths.is_sorted());
}

#[test]
fn a_trace_that_cannot_be_understood_hides_no_other_one() {
    let names = |bytes: &[u8]| Intel::open(bytes).unwrap().traces(TraceKind::Tcp).count();
    let body = body(kind::TRACES);
    let at = body.windows(15).position(|bytes| bytes == b"127.0.0.1:48102").unwrap();
    let head = place(kind::TRACES) + at - layout::TRACE_HEAD_LEN;
    assert_eq!(names(TINY), 2);
    let with = |offset: usize, byte: u8| {
        let mut bytes = TINY.to_vec();
        bytes[head + offset] = byte;
        bytes
    };
    // A strength that is not known; a label that is not there.
    assert_eq!(names(&with(0, 0xf5)), 1);
    assert_eq!(names(&with(3, 0xff)), 1);
    // A later kind comes after all that are known, and ends them.
    let mut bytes = TINY.to_vec();
    let last = body.windows(14).position(|bytes| bytes == b"/etc/tiny.conf").unwrap();
    bytes[place(kind::TRACES) + last - layout::TRACE_HEAD_LEN] = 0x2f;
    let intel = Intel::open(&bytes).unwrap();
    assert_eq!(TraceKind::ALL.map(|kind| intel.traces(kind).count()), [1, 1, 1, 1, 2, 1, 0, 0]);
    // One more than there are is asked for, and one less; a value reaches out of the section.
    let row = HEADER_LEN + 9 * SECTION_LEN + 12;
    for (count, found) in [(9u32, 8), (7, 7), (0, 0)] {
        let mut bytes = TINY.to_vec();
        bytes[row..row + 4].copy_from_slice(&count.to_le_bytes());
        let intel = Intel::open(&bytes).unwrap();
        assert_eq!(TraceKind::ALL.iter().flat_map(|kind| intel.traces(*kind)).count(), found);
        assert_eq!(intel.has_traces(), count != 0);
    }
    assert_eq!(names(&with(1, 0xff)), 0);
}

#[test]
fn a_file_without_addresses_says_so() {
    let intel = Intel::open(FAMILIES).unwrap();
    assert!(!intel.has_addresses() && !intel.has_hashes() && intel.has_traces());
    assert_eq!(intel.lookup("127.0.0.1".parse().unwrap(), 80), Match::Nothing);
    assert_eq!(intel.lookup_hash(&digest(0), None), None);
}

#[test]
fn the_built_in_rules_are_whole_small_and_never_strong_where_a_healthy_device_could_be() {
    assert!(FAMILIES.len() < 6 * 1024, "{}", FAMILIES.len());
    let intel = Intel::open(FAMILIES).unwrap();
    let traces: Vec<_> = TraceKind::ALL.iter().flat_map(|kind| intel.traces(*kind)).collect();
    assert_eq!(u32::try_from(traces.len()).unwrap(), intel.entries());
    let mut families: Vec<_> = traces.iter().map(|trace| trace.family).collect();
    families.sort_unstable();
    families.dedup();
    assert!(traces.len() >= 40 && families.len() >= 20, "{} of {}", traces.len(), families.len());
    for trace in &traces {
        let text = trace.value.escape_ascii();
        let listener = matches!(trace.kind, TraceKind::Tcp | TraceKind::Udp);
        assert_eq!(trace.listener().is_some(), listener, "{text}");
        if listener || trace.kind == TraceKind::Arg {
            assert!(trace.strength < Strength::Strong, "{text}");
        }
        assert_eq!(trace.expires, None);
    }
    // What healthy routers run and hold.
    for (kind, healthy) in [
        (
            TraceKind::Name,
            &[
                "ntpd",
                "dhcpd",
                "nfsiod",
                "kdevtmpfs",
                "kdmflush",
                "kauditd",
                "netns",
                "[kworker/0:1]",
                "tor",
                "dnsmasq",
                "dropbear",
                "watchdog",
                "httpd",
                "sh",
                "",
            ][..],
        ),
        (
            TraceKind::Path,
            &[
                "/bin/busybox",
                "/usr/sbin/dhcpd",
                "/opt/sbin/tor",
                "/usr/lib/libudev.so.1",
                "/tmp/.d",
                "/tmp/a",
            ],
        ),
        (TraceKind::Dir, &["/tmp/run/tor/a", "/dev/a", "/var/run/a", "/tmp/runtimes/a", "/data2/a"]),
        (
            TraceKind::Arg,
            &["busybox\0httpd\0", "sh\0/etc/init.d/S95done\0start", "cat\0resolv.conf", "wget\0update.sh"],
        ),
        (
            TraceKind::File,
            &[
                "/var/run/tor",
                "/var/run/torrc",
                "/var/run/client.crt",
                "/lib/libudev.so",
                "/lib/libudev.so.1",
                "/mnt/jffs2/Equip.sh",
                "/bin/authd",
                "/etc/rc.local",
                "/dev/shm",
                "/tmp/irq1",
            ],
        ),
    ] {
        for found in healthy {
            let hit = intel.traces(kind).find(|trace| trace.matches(found.as_bytes()));
            assert_eq!(hit, None, "{found}");
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for length in 0..TINY.len() {
        let defect = Intel::open(&TINY[..length]).unwrap_err();
        if length >= HEADER_LEN {
            let (declared, actual) = (u64::try_from(TINY.len()).unwrap(), u64::try_from(length).unwrap());
            assert_eq!(defect, Defect::Truncated { declared, actual });
        }
    }
}

#[test]
fn a_file_that_is_cut_and_says_so_does_no_harm() {
    for length in 0..TINY.len() {
        let mut bytes = TINY[..length].to_vec();
        if let Some(slot) = bytes.get_mut(32..40) {
            slot.copy_from_slice(&u64::try_from(length).unwrap().to_le_bytes());
        }
        look_everywhere(&bytes);
    }
}

#[test]
fn a_wrong_byte_anywhere_does_no_harm() {
    let mut bytes = TINY.to_vec();
    for at in 0..bytes.len() {
        let good = bytes[at];
        // Every wrong value where lengths and offsets are; the telling ones in the bodies.
        let wrong_ones = if at < HEADER_LEN + SECTIONS * SECTION_LEN {
            (0..=255).collect()
        } else {
            [0, 1, 0x7f, 0x80, 0xff, good ^ 1, good ^ 0x80, good.wrapping_add(1), good.wrapping_sub(1)]
                .to_vec()
        };
        for wrong in wrong_ones {
            bytes[at] = wrong;
            look_everywhere(&bytes);
        }
        bytes[at] = good;
    }
}

#[test]
fn bodies_of_noise_do_no_harm() {
    let bodies = HEADER_LEN + SECTIONS * SECTION_LEN;
    let mut random: u64 = 1;
    for _ in 0..300 {
        let mut bytes = TINY.to_vec();
        for byte in &mut bytes[bodies..] {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if random >> 62 == 0 {
                *byte = random.to_be_bytes()[1];
            }
        }
        look_everywhere(&bytes);
    }
}

#[test]
fn defects_are_told_apart() {
    let open = |at: usize, new: &[u8]| {
        let mut bytes = TINY.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        Intel::open(&bytes).map(|_| ()).unwrap_err()
    };
    let row = |index: usize| HEADER_LEN + index * SECTION_LEN;
    assert_eq!(Intel::open(b"").unwrap_err(), Defect::NotIntel);
    assert_eq!(open(1, b"g"), Defect::NotIntel);
    assert_eq!(open(8, &[2, 0]), Defect::Version(2));
    assert_eq!(open(10, &[63, 0]), Defect::Header);
    assert_eq!(open(44, &[65, 0]), Defect::Header);
    assert_eq!(open(row(7), &(99 | MUST_UNDERSTAND).to_le_bytes()), Defect::Unknown(99));
    assert_eq!(open(row(7), &7u32.to_le_bytes()), Defect::Section { kind: 7, flaw: Flaw::Twice });
    assert_eq!(open(row(1), &99u32.to_le_bytes()), Defect::Section { kind: 2, flaw: Flaw::Missing });
    assert_eq!(open(row(2) + 4, &[0xff; 4]), Defect::Section { kind: 3, flaw: Flaw::Outside });
    assert_eq!(open(row(2) + 8, &[0xff; 4]), Defect::Section { kind: 3, flaw: Flaw::Outside });
    for index in 1..SECTIONS {
        let kind = u32::try_from(index + 1).unwrap();
        assert_eq!(open(row(index) + 12, &[0xfe; 4]), Defect::Section { kind, flaw: Flaw::Length }, "{kind}");
    }
    let longer = [TINY, b"\n"].concat();
    assert!(matches!(Intel::open(&longer), Err(Defect::Trailing { .. })));
}

#[test]
fn a_section_of_a_later_kind_is_skipped_and_a_known_one_may_be_a_must() {
    let mut bytes = TINY.to_vec();
    let row = HEADER_LEN + 7 * SECTION_LEN;
    bytes[row..row + 4].copy_from_slice(&99u32.to_le_bytes());
    assert_eq!(Intel::open(&bytes).unwrap().lookup("::1".parse().unwrap(), 80), Match::Nothing);
    bytes[row..row + 4].copy_from_slice(&(kind::NEVER_IPV6 | MUST_UNDERSTAND).to_le_bytes());
    assert_eq!(Intel::open(&bytes).unwrap().lookup("::1".parse().unwrap(), 80), Match::Never);
}

#[test]
fn a_defect_says_what_to_do() {
    for (defect, text) in [
        (Defect::NotIntel, "not an indicator file: build one with gatewatch-intel"),
        (Defect::Truncated { declared: 9, actual: 5 }, "cut short, 5 of 9 bytes are here: copy it again"),
        (
            Defect::Section { kind: 3, flaw: Flaw::Outside },
            "section 3 lies outside the file: build it again with gatewatch-intel",
        ),
    ] {
        assert_eq!(defect.to_string(), text);
    }
}

const DOMAINS: &[u8] = include_bytes!("testdata/domains.gwi");

fn domain(bytes: &'static [u8], name: &str, now: Option<u64>) -> Match<'static> {
    Intel::open(bytes).unwrap().lookup_domain(name.as_bytes(), now)
}

#[test]
fn domains_match_with_all_below_them() {
    let intel = Intel::open(DOMAINS).unwrap();
    assert!(intel.has_domains() && !intel.has_addresses() && intel.entries() == 10);
    for name in ["evil.example", "EVIL.example.", "a.b.c.evil.example", "-_.evil.example", "..evil.example"] {
        assert_eq!(domain(DOMAINS, name, None), listed("mirai", None, None), "{name}");
    }
    for name in
        ["", ".", "example", "xevil.example", "evil.example.com", "evil.examples", "evil", "il.example"]
    {
        assert_eq!(domain(DOMAINS, name, None), Match::Nothing, "{name}");
    }
    let long = [&"a.".repeat(200), "evil.example"].concat();
    assert_eq!(domain(DOMAINS, &long, None), Match::Nothing, "longer than a name can be");
    for (name, family) in
        [("loader.example", "mirai"), ("hosts.example", "domains"), ("adblock.example", "mirai")]
    {
        assert_eq!(domain(DOMAINS, name, None), listed(family, None, None), "{name}");
    }
}

#[test]
fn the_longest_domain_that_is_still_meant_wins() {
    let narrow = listed("gafgyt", None, Some(YEAR_2030));
    assert_eq!(domain(DOMAINS, "x.www.evil.example", Some(YEAR_2027)), narrow);
    assert_eq!(domain(DOMAINS, "x.www.evil.example", Some(YEAR_2030)), listed("mirai", None, None));
    assert_eq!(domain(DOMAINS, "two.example", None), listed("zeta", None, Some(YEAR_2030)));
    assert_eq!(domain(DOMAINS, "old.example", Some(YEAR_2027 - 1)), listed("emotet", None, Some(YEAR_2027)));
    assert_eq!(domain(DOMAINS, "old.example", Some(YEAR_2027)), Match::Nothing);
}

#[test]
fn domains_that_never_match() {
    for name in ["spared.evil.example", "x.Spared.evil.example"] {
        assert_eq!(domain(DOMAINS, name, None), Match::Never, "{name}");
    }
    assert_eq!(domain(DOMAINS, "xspared.evil.example", None), listed("mirai", None, None));
    assert_eq!(domain(DOMAINS, "a.one.people.example", None), listed("mirai", None, None));
    assert_eq!(domain(DOMAINS, "people.example", None), Match::Nothing);
}

#[test]
fn a_file_without_domains_answers_nothing() {
    assert!(!Intel::open(TINY).unwrap().has_domains());
    assert_eq!(domain(TINY, "evil.example", None), Match::Nothing);
}

#[test]
fn damage_to_domains_does_no_harm() {
    let names = [&b"evil.example"[..], b"www.spared.evil.example", b"two.example", b"\xff..\0.example", b"."];
    let look = |bytes: &[u8]| {
        if let Ok(intel) = Intel::open(bytes) {
            for name in names {
                if let Match::Listed(hit) = intel.lookup_domain(name, Some(1)) {
                    assert!(hit.family.chars().count() <= 255);
                }
            }
        }
    };
    for length in 0..DOMAINS.len() {
        assert!(Intel::open(&DOMAINS[..length]).is_err(), "cut to {length}");
    }
    let mut bytes = DOMAINS.to_vec();
    for at in 0..bytes.len() {
        for wrong in [0, 1, 0x7f, 0x80, 0xff] {
            let good = core::mem::replace(&mut bytes[at], wrong);
            look(&bytes);
            bytes[at] = good;
        }
    }
    // A never-match row that reaches beyond the section, and one row less than its count says.
    let row = |kind: u32| {
        let table = DOMAINS[HEADER_LEN..].as_chunks::<SECTION_LEN>().0;
        table.iter().map(Section::from_bytes).position(|section| section.kind == kind).unwrap()
    };
    for kind in [kind::DOMAINS, kind::NEVER_DOMAINS] {
        let mut bytes = DOMAINS.to_vec();
        bytes[HEADER_LEN + row(kind) * SECTION_LEN + 12] ^= 1;
        assert_eq!(Intel::open(&bytes).unwrap_err(), Defect::Section { kind, flaw: Flaw::Length });
    }
}

#[test]
fn the_hash_of_a_domain_is_the_same_on_every_machine() {
    assert_eq!(layout::DomainHash::of(b"Evil.example"), layout::DomainHash::of(b"evil.EXAMPLE"));
    assert_eq!(layout::DomainHash::of(b"evil.example"), EVIL_HASH);
}

/// Computed apart, with Python.
const EVIL_HASH: u64 = 0xd0d9_0ef0_7e28_511c;

/// A row of the table of the tiny file.
fn section(kind: u32) -> Section {
    let rows = TINY[HEADER_LEN..HEADER_LEN + SECTIONS * SECTION_LEN].as_chunks().0;
    rows.iter().map(Section::from_bytes).find(|section| section.kind == kind).unwrap()
}

/// Where the body of a section of the tiny file begins.
fn place(kind: u32) -> usize {
    usize::try_from(section(kind).offset).unwrap()
}

/// The body of a section of the tiny file.
fn body(kind: u32) -> &'static [u8] {
    &TINY[place(kind)..][..usize::try_from(section(kind).length).unwrap()]
}

/// What is listed, what is not, what never matches, and the ends of the address space.
const EVERYWHERE: [IpAddr; 11] = [
    IpAddr::V4(Ipv4Addr::new(0, 0, 0, 0)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 3)),
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 130)),
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
    IpAddr::V4(Ipv4Addr::new(255, 255, 255, 255)),
    IpAddr::V6(Ipv6Addr::from_bits(0)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0, 0, 0, 3)),
    IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
];

/// Looks up everywhere. The answers do not matter, but that they are read.
fn look_everywhere(bytes: &[u8]) {
    let Ok(intel) = Intel::open(bytes) else { return };
    for address in EVERYWHERE {
        if let Match::Listed(hit) = intel.lookup_at(address, 443, 1) {
            assert!(hit.family.chars().count() <= 255);
        }
    }
    for first in [0, 1, 0xff] {
        if let Some(hit) = intel.lookup_hash(&digest(first), Some(1)) {
            assert!(hit.port.is_none() && hit.family.chars().count() <= 255);
        }
    }
    let all = TraceKind::ALL.iter().flat_map(|kind| intel.traces(*kind));
    for trace in all {
        assert!((1..=layout::TRACE_MAX).contains(&trace.value.len()) && str::from_utf8(trace.family).is_ok());
        assert!(!trace.matches(b"\0") || trace.value == b"\0" || trace.value == b" ");
        assert!(trace.listener().is_none_or(|(_, port)| port != 0));
    }
}

/// A file of these sections, each a kind, a count and a body.
fn made(sections: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut offset = layout::HEADER_LEN + sections.len() * SECTION_LEN;
    let (mut table, mut bodies) = (Vec::new(), Vec::new());
    for (kind, count, body) in sections {
        let (at, length) = (u32::try_from(offset).unwrap(), u32::try_from(body.len()).unwrap());
        table.extend(Section { kind: *kind, offset: at, length, count: *count }.to_bytes());
        bodies.extend(body);
        offset += body.len();
    }
    let header = Header {
        header_len: 64,
        version: 1,
        created: 0,
        expires: 0,
        file_len: u64::try_from(offset).unwrap(),
        entries: 1,
        sections: u16::try_from(sections.len()).unwrap(),
        engine: 0,
    };
    [header.to_bytes().to_vec(), table, bodies].concat()
}

/// One family, and a label that has expired.
fn expired_label() -> [(u32, u32, Vec<u8>); 2] {
    [(kind::NAMES, 1, vec![1, b'x']), (kind::LABELS, 1, vec![0, 0, 0, 0, 0, 0, 1, 0])]
}

#[test]
fn no_file_makes_a_look_up_slow() {
    const ROWS: u32 = 1_000_000;
    let [names, labels] = expired_label();
    // A million ranges that are all of IPv4 and have expired, and that many rows of one address.
    let range = [[0; 4], [0xff; 4], [0; 4]].concat();
    let ranges = [vec![0xff; layout::OCTETS_LEN], range.repeat(1_000_000)].concat();
    let wide = [[0; 16].as_slice(), &[0xff; 16], &[0; 4]].concat().repeat(1_000_000);
    // One bucket after the other that does not end.
    let shape = layout::Shape { count: 64_000_000, bucket_bits: 1, label_bits: 0 };
    let mut singles = vec![1, 0, 0, 0];
    singles.resize(usize::try_from(4 + shape.samples_len()).unwrap(), 0);
    let unary = singles.len() + usize::try_from(shape.unary_len().unwrap()).unwrap();
    singles.resize(unary, 0xff);
    singles.resize(usize::try_from(shape.body_len().unwrap()).unwrap(), 0);
    let bytes = made(&[
        names,
        labels,
        (kind::IPV4, shape.count, singles),
        (kind::IPV4_RANGES, ROWS, ranges),
        (kind::IPV6_RANGES, ROWS, wide),
    ]);
    let intel = Intel::open(&bytes).unwrap();
    let begun = std::time::Instant::now();
    for at in 0..1000 {
        for address in ["192.0.2.1", "2001:db8::1"] {
            let answer = intel.lookup_at(address.parse().unwrap(), at, 1_767_225_600);
            assert_eq!(answer, Match::Nothing);
        }
    }
    // Unbounded it takes minutes; with bounds a tenth of this on a slow machine.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn a_file_has_so_many_traces_and_no_more() {
    let row = [1 | 1 << 4, 1, 0, 0, b'x'];
    for (count, is_good) in [(layout::TRACES_MAX, true), (layout::TRACES_MAX + 1, false)] {
        let [names, labels] = expired_label();
        let body = row.repeat(usize::try_from(count).unwrap());
        let bytes = made(&[names, labels, (kind::TRACES, count, body)]);
        assert_eq!(Intel::open(&bytes).is_ok(), is_good, "{count}");
    }
}
