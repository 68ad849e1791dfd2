//! Rules that are made by the usual programs are read back from this very kernel as what they were.

use std::fmt::Write as _;

use gatewatch::facts::chains::Chains;
use gatewatch::facts::packet_rule::{Filter, PacketRule};
use gatewatch::facts::topology::Topology;
use gatewatch::source::rules::Look;
use gatewatch::source::{Coverage, topology};

use super::machine::Machine;
use super::netlink::tests::alone;

/// Every rule that is handed out, in its normal form and with what is known of it; then what the filter does, and what
/// could not be seen.
fn rules() -> (Vec<String>, Filter, Coverage) {
    let machine = Machine::live().unwrap();
    let (mut sides, mut coverage) = (Topology::new(), Coverage::new());
    topology::read(&machine, &mut sides, &mut Coverage::new());
    let (mut chains, mut all) = (Box::new(Chains::new()), Vec::new());
    let mut each = |rule: &PacketRule<'_>| {
        let mut text = String::from_utf8(rule.named().as_slice().to_vec()).unwrap();
        let says = rule.says;
        for (is, word) in [
            (!rule.direct, "[some]"),
            (says.narrow, "[narrow]"),
            (rule.excepted, "[excepted]"),
            (rule.hooks.0 == 0, "[nowhere]"),
        ] {
            if is {
                let _ = write!(text, " {word}");
            }
        }
        all.push(text);
    };
    let filter = Look {
        host: &machine,
        topology: &sides,
        chains: &mut chains,
        coverage: &mut coverage,
        each: &mut each,
    }
    .run();
    (all, filter, coverage)
}

fn expect(expected: &str) -> (Filter, Coverage) {
    let (mut all, filter, coverage) = rules();
    let mut expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
    // The kernel has maps in an order of its own.
    all.sort();
    expected.sort_unstable();
    assert_eq!(all, expected, "\n{}", all.join("\n"));
    assert_eq!(coverage.gaps, 0, "{coverage:?}");
    (filter, coverage)
}

#[test]
fn nft() {
    alone("packet_filter::of_nft", "ip link set lo up; nft -f tests/rules/shapes.nft");
}

#[test]
#[ignore = "run by the test above in a namespace"]
fn of_nft() {
    let (filter, _) = expect(include_str!("../../tests/rules/shapes.nft.expected"));
    assert!(!filter.closed && filter.rules > 10, "{filter:?}");
}

#[test]
fn iptables_legacy() {
    alone(
        "packet_filter::of_iptables_legacy",
        "ip link set lo up; sh tests/rules/shapes.sh iptables-legacy ip6tables-legacy",
    );
}

#[test]
fn iptables_nft() {
    alone(
        "packet_filter::of_iptables_nft",
        "ip link set lo up; sh tests/rules/shapes.sh iptables-nft ip6tables-nft",
    );
}

#[test]
#[ignore = "run by a test above in a namespace"]
fn of_iptables_legacy() {
    let (filter, _) = expect(include_str!("../../tests/rules/shapes.iptables-legacy.expected"));
    assert!(filter.closed, "{filter:?}");
}

#[test]
#[ignore = "run by a test above in a namespace"]
fn of_iptables_nft() {
    let (filter, _) = expect(include_str!("../../tests/rules/shapes.iptables-nft.expected"));
    assert!(filter.closed, "{filter:?}");
}

#[test]
fn nothing() {
    alone("packet_filter::of_nothing", "true");
}

#[test]
#[ignore = "run by the test above in a namespace"]
fn of_nothing() {
    let (filter, coverage) = expect("");
    assert_eq!((filter.rules, filter.closed, coverage.absent), (0, false, false));
    // That it was asked for has made no table.
    assert_eq!(std::fs::read_to_string("/proc/net/ip_tables_names").unwrap(), "");
}
