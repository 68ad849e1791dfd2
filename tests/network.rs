//! The router's view of traffic: a LAN client, a router and the world, in network namespaces of this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/net.rs"]
mod net;
#[path = "common/scan.rs"]
mod scan;

use net::{At, CLIENT, CLIENT6, Filter, Net, ROUTER_WAN};
use scan::{Planted, intel};
use serde_json::Value;

/// The bench itself: what goes through the router is tracked there, translated for IPv4.
#[test]
fn traffic_passes_the_router_and_is_tracked() {
    for filter in [Filter::Nft, Filter::Legacy] {
        let net = Net::new(filter);
        let _listener = net.listen(At::World, "[::]:443");
        let _flows =
            [net.connect(At::Client, "198.51.100.7:443"), net.connect(At::Client, "[2001:db8::7]:443")];
        let (_near, _far) = net.datagram(At::Client, "203.0.113.5:53", At::World, true);
        let _half = net.attempt(At::Router, [([198, 18, 0, 1], 23).into(), ([198, 18, 0, 2], 23).into()]);
        let table =
            net.inside(At::Router, || std::fs::read_to_string("/proc/thread-self/net/nf_conntrack").unwrap());
        for expected in [
            &["tcp", "ESTABLISHED", CLIENT, "dst=198.51.100.7", ROUTER_WAN, "ASSURED"][..],
            &["tcp", "ESTABLISHED", &spelled(CLIENT6), "dport=443", "ASSURED"],
            &["udp", CLIENT, "dst=203.0.113.5", "dport=53"],
            &["tcp", "SYN_SENT", "dst=198.18.0.2", "dport=23", "UNREPLIED"],
        ] {
            let has = |line: &&str| expected.iter().all(|word| line.contains(word));
            assert_eq!(table.lines().filter(has).count(), 1, "{filter:?}: {expected:?} in {table}");
        }
    }
}

/// An address as the kernel writes it: all its digits.
fn spelled(ip: &str) -> String {
    let ip: std::net::Ipv6Addr = ip.parse().unwrap();
    ip.segments().map(|part| format!("{part:04x}")).join(":")
}

#[test]
fn the_routers_own_flow_to_a_listed_address() {
    let net = Net::new(Filter::Nft);
    let _world = [net.listen(At::World, "0.0.0.0:443"), net.listen(At::World, "0.0.0.0:80")];
    let program = Planted::new("/tmp/gatewatch-network-own", "x");
    let bot = net.holding(&program, net.connect(At::Router, "198.51.100.7:443"));
    // The address is listed, this port is not.
    let other = net.holding(&program, net.connect(At::Router, "198.51.100.7:80"));
    let list = intel("live.gwi");
    let outcome = net.scan(["--intel", list.to_str().unwrap()]);
    let found = outcome.with("check", "c2-address");
    let [row] = found[..] else { panic!("{found:?}") };
    assert_eq!((&row["pid"], &row["remote"]), (&bot.pid().into(), &"198.51.100.7:443".into()));
    assert_eq!((&row["severity"], &row["path"]), (&"infected".into(), &program.path().into()));
    assert_eq!(outcome.status, 2);
    assert_eq!(outcome.with("pid", other.pid()).iter().filter(|row| row["remote"] != Value::Null).count(), 0);
}

/// A planted program with an interface of tun(4) on the router: found with its owner while it holds it.
#[test]
fn a_tunnel_of_a_program_that_nobody_has() {
    let net = Net::new(Filter::Nft);
    let program = Planted::new("/usr/sbin/gatewatch-network-tun", "x");
    let holder = net.tunnel(&program, "gwtun0");
    let outcome = net.scan_with_sys(&[], ["--only", "tunnel-odd"]);
    let found = outcome.with("check", "tunnel-odd");
    let [row] = found[..] else { panic!("{outcome:?}") };
    assert_eq!((&row["pid"], &row["severity"]), (&holder.0.id().into(), &"suspicious".into()));
    assert!(row["detail"].as_str().unwrap().contains("gwtun0"), "{row}");
    // The owner's own setting.
    let interfaces = "auto gwtun0\niface gwtun0 inet manual\n";
    let known = net.scan_with_sys(&[("/etc/network/interfaces", interfaces)], ["--only", "tunnel-odd"]);
    assert_eq!((known.with("check", "tunnel-odd").len(), known.status), (0, 0), "{known:?}");
    drop(holder);
    let gone = net.scan_with_sys(&[], ["--only", "tunnel-odd"]);
    assert_eq!((gone.with("check", "tunnel-odd").len(), gone.looked("tunnel-odd").0), (0, "yes"));
    // One that stays, and that nobody holds.
    net.ran(At::Router, "ip tuntap add dev gwtap0 mode tap");
    let stays = net.scan_with_sys(&[], ["--only", "tunnel-odd"]);
    assert_eq!(stays.short(), ["tunnel-odd notice"]);
}

/// `/sys` of the router's namespace and what rtnetlink says, which stands in for it where there is none.
#[test]
fn tunnels_without_sys() {
    let net = Net::new(Filter::None);
    net.ran(At::Router, "ip tuntap add dev gwtun0 mode tun && ip tuntap add dev gwtap0 mode tap");
    let said = |outcome: &scan::Outcome| {
        let mut said: Vec<_> = outcome.findings.iter().map(|row| row["detail"].to_string()).collect();
        said.sort();
        said
    };
    let text = net.scan_with_sys(&[], ["--only", "tunnel-odd"]);
    let messages = net.scan_mounted("mount -t tmpfs none /sys", ["--only", "tunnel-odd"]);
    assert_eq!(said(&text), said(&messages));
    assert_eq!((said(&text).len(), messages.looked("tunnel-odd").0), (2, "yes"));
}

/// Leases of a UPnP daemon of the router.
#[test]
fn upnp_leases_to_strangers_and_to_games() {
    let net = Net::new(Filter::Nft);
    let leases = "UDP:3074:192.168.1.10:3074:0:Xbox\nTCP:8000:198.51.100.20:80:0:node:nat\n\
                  TCP:47669:192.168.1.10:445:0:galleta silenciosa\n";
    let files = [("/var/lib/misc/upnp.leases", leases)];
    let outcome = net.scan_with_sys(&files, ["--only", "upnp-abuse"]);
    assert_eq!(outcome.short(), ["upnp-abuse infected 2", "upnp-abuse infected 3"]);
    assert_eq!(outcome.findings[0]["remote"], "198.51.100.20:80");
    assert_eq!(outcome.looked("upnp-abuse"), ("yes", ""));
    let games = [("/var/lib/misc/upnp.leases", "UDP:3074:192.168.1.10:3074:0:Xbox\n")];
    assert_eq!(net.scan_with_sys(&games, ["--only", "upnp-abuse"]).short(), [""; 0]);
}
