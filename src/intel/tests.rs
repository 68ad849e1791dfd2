//! What a lookup finds in a small file made by the real tool, and that no damage to it does harm.
//!
//! `testdata/tiny.txt` is the list, `testdata/tiny.gwi` the file; the tool's own tests hold one to the other.
//! The file is little endian whatever machine runs this: on a big-endian one these tests prove the reader.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

extern crate std;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::ToString as _;

use super::layout::{self, HEADER_LEN, Header, MUST_UNDERSTAND, SECTION_LEN, Section, kind};
use super::{Defect, Flaw, Hit, Intel, Match};

const TINY: &[u8] = include_bytes!("testdata/tiny.gwi");
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
    assert_eq!(intel.entries(), 16);
}

#[test]
fn bytes_lie_where_the_layout_says_on_every_machine() {
    assert_eq!(&TINY[..16], b"\x89GWI\r\n\x1a\n\x01\x00\x40\x00\x07\x00\x00\x00");
    assert_eq!(&TINY[16..32], b"\x00\xf1\x53\x65\0\0\0\0\x00\x0c\xbd\x72\0\0\0\0");
    assert_eq!(u64::from_le_bytes(TINY[32..40].try_into().unwrap()), u64::try_from(TINY.len()).unwrap());
    assert_eq!(&TINY[40..64], b"\x10\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(&TINY[64..72], b"\x01\0\0\0\xc0\0\0\0");
    assert_eq!(Header::read(TINY).unwrap().to_bytes(), TINY[..HEADER_LEN]);
    for row in TINY[HEADER_LEN..HEADER_LEN + 8 * SECTION_LEN].as_chunks().0 {
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
        let wrong_ones = if at < HEADER_LEN + 8 * SECTION_LEN {
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
    let bodies = HEADER_LEN + 8 * SECTION_LEN;
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
    for index in 1..8 {
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

/// The body of a section of the tiny file.
fn body(kind: u32) -> &'static [u8] {
    let rows = TINY[HEADER_LEN..HEADER_LEN + 8 * SECTION_LEN].as_chunks().0;
    let section = rows.iter().map(Section::from_bytes).find(|section| section.kind == kind).unwrap();
    let (offset, length) =
        (usize::try_from(section.offset).unwrap(), usize::try_from(section.length).unwrap());
    &TINY[offset..offset + length]
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
}
