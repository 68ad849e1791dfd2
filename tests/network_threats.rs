//! What passes a router between a LAN client and the world, and what is set on it: found with the right client, owner and
//! direction, and its healthy look-alikes are silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/net.rs"]
mod net;
#[path = "common/scan.rs"]
mod scan;

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use net::{At, CLIENT, CLIENT_MAC, CLIENT6, Filter, Net, ROUTER, ROUTER_WAN};
use scan::{Log, Outcome, Planted, intel, wait_for};
use serde_json::Value;

/// The checks of the network: what else this machine does is no matter of these tests.
const CHECKS: &str = "c2-address,c2-client,c2-domain,listener-odd,scan-fanout,relay,nat-redirect,firewall-open,dns-hijack,\
    hosts-poison,upnp-abuse,tunnel-odd,exposed";

fn look(net: &Net, checks: &str, more: &[&str]) -> Outcome {
    let list = intel("live.gwi");
    let args = ["--intel", list.to_str().unwrap(), "--only", checks];
    let outcome = net.scan(args.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>());
    for check in checks.split(',') {
        assert_ne!(outcome.looked(check).0, "no", "{check}: {outcome:?}");
    }
    outcome
}

/// The one finding of a check.
#[track_caller]
fn only<'o>(outcome: &'o Outcome, check: &str) -> &'o Value {
    let found = outcome.with("check", check);
    let [row] = found[..] else { panic!("{check}: {:?}", outcome.findings) };
    row
}

#[track_caller]
fn silent(outcome: &Outcome, checks: &[&str]) {
    for check in checks {
        assert_eq!(outcome.with("check", *check), [&Value::Null; 0]);
    }
}

#[test]
fn a_clients_flow_to_a_listed_address() {
    for filter in [Filter::Nft, Filter::Legacy] {
        let net = Net::new(filter);
        let _world = net.listen(At::World, "[::]:443");
        let _other = net.connect(At::Client, "203.0.113.5:443");
        silent(&look(&net, "c2-client,c2-address", &[]), &["c2-client", "c2-address"]);
        for (to, shown) in [("198.51.100.7:443", CLIENT), ("[2001:db8::7]:443", CLIENT6)] {
            let flow = net.connect(At::Client, to);
            let outcome = look(&net, "c2-client,c2-address,relay", &[]);
            let row = only(&outcome, "c2-client");
            assert_eq!((&row["remote"], &row["severity"]), (&to.into(), &"suspicious".into()));
            assert_eq!(row["pid"], Value::Null);
            assert!(!row["client"].as_str().unwrap().contains(shown), "{row}");
            // It is the client's, not the router's.
            silent(&outcome, &["c2-address", "relay"]);
            let named = look(&net, "c2-client", &["--lan-details"]);
            assert!(only(&named, "c2-client")["client"].as_str().unwrap().contains(shown), "{named:?}");
            drop(flow);
            net.ran(At::Router, "conntrack -F 2>/dev/null");
        }
    }
}

/// TrickBot's rule, and a client or a stranger who goes through it.
#[test]
fn trickbots_rule_with_and_without_traffic() {
    let nft = "table ip nat {
         chain dstnat { type nat hook prerouting priority dstnat; iifname eth1 tcp dport 449 dnat to 198.51.100.20:80; }
         chain srcnat { type nat hook postrouting priority srcnat; ip daddr 198.51.100.20 masquerade; }
        }";
    let legacy = "iptables-legacy -t nat -A PREROUTING -i eth1 -p tcp --dport 449 -j DNAT --to-destination 198.51.100.20:80";
    for filter in [Filter::Nft, Filter::Legacy] {
        let net = Net::new(filter);
        silent(&look(&net, "nat-redirect,relay", &[]), &["nat-redirect", "relay"]);
        match filter {
            Filter::Legacy => drop(net.ran(At::Router, legacy)),
            _ => net.nft(nft),
        }
        let rule = look(&net, "nat-redirect,relay", &[]);
        assert_eq!(only(&rule, "nat-redirect")["severity"], "infected", "{filter:?}: {rule:?}");
        silent(&rule, &["relay"]);
        let _bot = net.listen(At::World, "198.51.100.20:80");
        let _stranger = net.connect(At::World, &format!("{ROUTER_WAN}:449"));
        let both = look(&net, "nat-redirect,relay", &[]);
        assert_eq!(only(&both, "nat-redirect")["severity"], "infected");
        let row = only(&both, "relay");
        assert_eq!((&row["severity"], &row["remote"]), (&"infected".into(), &"198.51.100.20:80".into()));
        assert_eq!(both.status, 2);
    }
}

#[test]
fn a_rule_and_the_flows_through_it_say_more_together() {
    let net = Net::new(Filter::Nft);
    net.nft("table ip nat {
         chain dstnat { type nat hook prerouting priority dstnat; iifname eth1 tcp dport 8443 dnat to 198.51.100.20:8444; }
         chain srcnat { type nat hook postrouting priority srcnat; ip daddr 198.51.100.20 masquerade; }
        }");
    let rule = look(&net, "nat-redirect,relay", &[]);
    assert_eq!(only(&rule, "nat-redirect")["severity"], "suspicious", "{rule:?}");
    let _server = net.listen(At::World, "198.51.100.20:8444");
    let _stranger = net.connect(At::World, &format!("{ROUTER_WAN}:8443"));
    let both = look(&net, "nat-redirect,relay", &[]);
    let row = only(&both, "nat-redirect");
    assert_eq!(row["severity"], "infected", "{both:?}");
    assert!(row["detail"].as_str().unwrap().ends_with("strangers are seen to be passed on there"), "{row}");
}

#[test]
fn port_forwards_and_hairpins_are_silent() {
    for filter in [Filter::Nft, Filter::Legacy] {
        let net = Net::new(filter);
        match filter {
            Filter::Legacy => {
                for rule in [
                    "PREROUTING -d 192.0.2.2 -p tcp --dport 8443 -j DNAT --to-destination 192.168.1.10:443",
                    "POSTROUTING -s 192.168.1.0/24 -d 192.168.1.10 -p tcp --dport 443 -j MASQUERADE",
                ] {
                    net.ran(At::Router, &format!("iptables-legacy -t nat -A {rule}"));
                }
            }
            _ => net.nft(
                "table ip nat {
                  chain dstnat { type nat hook prerouting priority dstnat;
                   ip daddr 192.0.2.2 tcp dport 8443 dnat to 192.168.1.10:443; }
                  chain srcnat { type nat hook postrouting priority srcnat;
                   ip saddr 192.168.1.0/24 ip daddr 192.168.1.10 tcp dport 443 masquerade; }
                 }",
            ),
        }
        let _server = net.listen(At::Client, "0.0.0.0:443");
        let at = format!("{ROUTER_WAN}:8443");
        // From the world, and from the LAN by the outer address.
        let _forwarded = net.connect(At::World, &at);
        let _hairpin = net.connect(At::Client, &at);
        let table = net.ran(At::Router, "conntrack -L 2>/dev/null");
        assert_eq!(table.matches("dport=8443").count(), 2, "{table}");
        let outcome = look(&net, "nat-redirect,relay,c2-client,scan-fanout,exposed,firewall-open", &[]);
        assert_eq!(outcome.short(), [""; 0], "{filter:?}: {outcome:?}");
    }
}

#[test]
fn a_proxy_that_joins_strangers() {
    let net = Net::new(Filter::Nft);
    let program = Planted::new("/usr/sbin/gatewatch-network-proxy", "x");
    program.copy("/usr/bin/socat");
    let _server = net.listen(At::World, "[::]:80");
    let words = ["TCP-LISTEN:1080,fork,reuseaddr,backlog=32", "TCP:198.51.100.30:80"];
    let _proxy = net.started(At::Router, Command::new(&program.exe).args(words));
    let at: SocketAddr = format!("{ROUTER_WAN}:1080").parse().unwrap();
    let visitors: Vec<TcpStream> = (0..6)
        .map(|_| wait_for("the proxy", || net.inside(At::World, || TcpStream::connect(at).ok())))
        .collect();
    let outcome = wait_for("its connections", || {
        Some(look(&net, "relay,listener-odd", &[])).filter(|said| !said.with("check", "relay").is_empty())
    });
    let row = only(&outcome, "relay");
    assert_eq!((&row["severity"], &row["path"]), (&"infected".into(), &program.path().into()));
    drop(visitors);
}

#[test]
fn sixty_hosts_at_the_port_of_telnet() {
    let hosts = |count: u8| (1..=count).map(|host| SocketAddr::from(([198, 18, 0, host], 23)));
    let net = Net::new(Filter::Nft);
    let asked = net.attempt(At::Router, hosts(60));
    let outcome = look(&net, "scan-fanout,c2-client", &[]);
    let row = only(&outcome, "scan-fanout");
    // The sockets are this test's own.
    assert_eq!((&row["severity"], &row["pid"]), (&"infected".into(), &std::process::id().into()));
    drop(asked);

    // The same of a client, and a few of it.
    let net = Net::new(Filter::Nft);
    let few = net.attempt(At::Client, hosts(5));
    silent(&look(&net, "scan-fanout", &[]), &["scan-fanout"]);
    drop(few);
    let _asked = net.attempt(At::Client, hosts(60));
    let outcome = look(&net, "scan-fanout", &[]);
    let row = only(&outcome, "scan-fanout");
    assert_eq!((&row["severity"], &row["pid"]), (&"suspicious".into(), &Value::Null));
    assert!(row["client"].is_string() && !row.to_string().contains(CLIENT), "{row}");
}

#[test]
fn names_and_resolvers_of_somebody_elses_choice() {
    let net = Net::new(Filter::Nft);
    let list = intel("live.gwi");
    let args = ["--intel", list.to_str().unwrap(), "--only", "hosts-poison,dns-hijack"];
    let healthy = [
        (
            "/etc/dnsmasq.conf",
            "server=9.9.9.9\naddress=/doubleclick.net/0.0.0.0\naddress=/nas.lan/192.168.1.5\n",
        ),
        ("/etc/hosts", "127.0.0.1 localhost\n0.0.0.0 ads.example\n"),
        ("/etc/resolv.conf", "nameserver 192.168.1.1\n"),
    ];
    assert_eq!(net.scan_with_sys(&healthy, args).short(), [""; 0]);
    let poisoned = [
        ("/etc/dnsmasq.conf", "address=/paypal.com/198.51.100.30\n"),
        healthy[1],
        ("/etc/resolv.conf", "nameserver 198.51.100.8\n"),
    ];
    let outcome = net.scan_with_sys(&poisoned, args);
    assert_eq!(only(&outcome, "hosts-poison")["severity"], "infected");
    let row = only(&outcome, "dns-hijack");
    assert_eq!((&row["severity"], &row["path"]), (&"infected".into(), &"/etc/resolv.conf".into()));
}

#[test]
fn a_service_that_the_world_visits() {
    let net = Net::new(Filter::Nft);
    let _ssh = net.listen(At::Router, "0.0.0.0:22");
    let inside = net.connect(At::Client, &format!("{ROUTER}:22"));
    silent(&look(&net, "exposed", &[]), &["exposed"]);
    drop(inside);
    let outside = net.connect(At::World, &format!("{ROUTER_WAN}:22"));
    let outcome = look(&net, "exposed", &[]);
    let row = only(&outcome, "exposed");
    assert_eq!((&row["severity"], outcome.status), (&"notice".into(), 0));
    assert!(row["detail"].as_str().unwrap().contains("port 22"), "{row}");
    drop(outside);
    // What the kernel has tracked is enough: nobody is connected to a server of UDP.
    let net = Net::new(Filter::Nft);
    let _both = net.datagram(At::World, &format!("{ROUTER_WAN}:53"), At::Router, true);
    assert!(only(&look(&net, "exposed", &[]), "exposed")["detail"].as_str().unwrap().contains("DNS"));
}

/// A LAN client in everything that is seen of one, and none of it in what is said.
#[test]
fn nobody_behind_the_router_is_named() {
    let net = Net::new(Filter::Nft);
    let name = "annas-old-laptop";
    let lease = format!("1795341600 {CLIENT_MAC} {CLIENT} {name} *\n");
    let leases = format!("TCP:47669:{CLIENT}:445:0:galleta silenciosa\nTCP:2222:{CLIENT}:22:0:{name}\n");
    let _world = net.listen(At::World, "[::]:443");
    let _flows = [net.connect(At::Client, "198.51.100.7:443"), net.connect(At::Client, "[2001:db8::7]:443")];
    let _asked = net.attempt(At::Client, (1..=60).map(|host| SocketAddr::from(([198, 18, 0, host], 23))));
    net.nft(&format!(
        "table ip nat {{ chain dstnat {{ type nat hook prerouting priority dstnat;
          tcp dport 8443 dnat to {CLIENT}:443; tcp dport 53 dnat to {CLIENT}:5353; }}\n}}"
    ));
    let list = intel("live.gwi");
    let args = ["--intel", list.to_str().unwrap(), "--only", CHECKS];
    let files =
        [("/var/lib/misc/dnsmasq.leases", lease.as_str()), ("/var/lib/misc/upnp.leases", leases.as_str())];
    let log = Log::new();
    let mut syslog = log.option();
    syslog.push(" -v");
    let mut said = net.said_with(&files, &args, &format!("text {}", syslog.to_str().unwrap())).unwrap();
    // Formats that are not there yet say nothing.
    for format in ["json", "nagios", "prom"] {
        said.extend(net.said_with(&files, &args, &format!("{format} -v")));
    }
    let lines = log.lines();
    assert!(lines.len() > 3);
    lines.iter().for_each(|line| said += &String::from_utf8_lossy(line));
    assert!(said.contains("c2-client") && said.contains("upnp-abuse"), "{said}");
    let lower = said.to_lowercase();
    for secret in [CLIENT, CLIENT6, CLIENT_MAC, name] {
        assert!(!lower.contains(secret), "{secret} in {said}");
    }
    let named = net.said_with(&files, &[&args[..], &["--lan-details"]].concat(), "text -v").unwrap();
    assert!(named.contains(CLIENT) && named.contains(CLIENT_MAC) && named.contains(name), "{named}");
}
