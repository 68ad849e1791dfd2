//! `gatewatch monitor` in a network namespace of its own: what happens to the network is told within seconds, long before it looks
//! at everything again, and what happens all day costs next to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "common/monitor.rs"]
mod monitor;
#[path = "common/net.rs"]
mod net;
#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use monitor::{Monitor, SELDOM};
use net::{At, Filter, Net};
use nix::sys::signal::Signal;
use scan::{GATEWATCH, Planted, UNSIGNED, intel};
use serde_json::Value;

/// One of the router, with these checks.
fn monitor(net: &Net, state: &tempfile::TempDir, checks: &str) -> Monitor {
    // /sys shows the interfaces of who mounted it.
    let script = "mount -t sysfs none /sys && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args([
        "-m",
        "sh",
        "-c",
        script,
        GATEWATCH,
        "monitor",
        UNSIGNED,
        "--format",
        "json",
        "--no-config",
    ]);
    command.args(SELDOM).args(["--only", checks]).arg("--intel").arg(intel("live.gwi"));
    command.arg("--state").arg(state.path());
    let monitor = net.inside(At::Router, || Monitor::start(&mut command));
    monitor.look();
    monitor
}

/// The next finding of a check, and after how long it came.
fn told(monitor: &Monitor, check: &str) -> (Value, Duration) {
    let begun = Instant::now();
    loop {
        let row = monitor.told.recv_timeout(Duration::from_secs(25)).expect(check);
        if row["check"] == check && row["type"] == "finding" {
            return (row, begun.elapsed());
        }
    }
}

/// Microseconds of the processor that the monitor and its looks have used.
fn used_us(monitor: &Monitor) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", monitor.pid())).unwrap();
    let fields: Vec<u64> =
        stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // utime, stime, cutime, cstime (proc_pid_stat(5)), in hundredths of a second; the state is no number.
    fields[10..14].iter().sum::<u64>() * 10_000
}

#[test]
fn a_rule_a_tunnel_and_a_connection_are_told_within_seconds() {
    let (net, state) = (Net::new(Filter::Nft), tempfile::tempdir().unwrap());
    let _world = net.listen(At::World, "0.0.0.0:443");
    let monitor = monitor(&net, &state, "nat-redirect,tunnel-odd,c2-address,listener-odd");

    // Until it has looked once for no reason, which it does seldom then.
    thread::sleep(Duration::from_secs(7));

    // TrickBot's, made by hand.
    net.nft(
        "table ip nat {
          chain dstnat { type nat hook prerouting priority dstnat; iifname eth1 tcp dport 449 dnat to 198.51.100.20:80; }
          chain srcnat { type nat hook postrouting priority srcnat; ip daddr 198.51.100.20 masquerade; }
         }",
    );
    let (rule, took) = told(&monitor, "nat-redirect");
    assert_eq!((&rule["severity"], &rule["state"]), (&"infected".into(), &"new".into()));
    assert!(took < Duration::from_secs(5), "{took:?}");

    let program = Planted::new("/usr/sbin/gatewatch-monitor-tun", "x");
    let _holder = net.tunnel(&program, "gwtun0");
    let (tunnel, took) = told(&monitor, "tunnel-odd");
    assert!(tunnel["detail"].as_str().unwrap().contains("gwtun0"), "{tunnel}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    // Nobody tells of connections: sockets are listed every five seconds.
    let bot = Planted::new("/tmp/gatewatch-monitor-net", "bot");
    let running = net.holding(&bot, net.connect(At::Router, "198.51.100.7:443"));
    let (connection, took) = told(&monitor, "c2-address");
    assert_eq!(
        (&connection["pid"], &connection["remote"]),
        (&running.pid().into(), &"198.51.100.7:443".into())
    );
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn what_nobody_tells_of_is_looked_at_from_time_to_time() {
    let (net, state) = (Net::new(Filter::Legacy), tempfile::tempdir().unwrap());
    let _world = net.listen(At::World, "0.0.0.0:443");
    let monitor = monitor(&net, &state, "c2-client,nat-redirect");
    let _flow = net.connect(At::Client, "198.51.100.7:443");
    let (flow, took) = told(&monitor, "c2-client");
    assert_eq!(flow["remote"], "198.51.100.7:443");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn a_connection_by_ipv6_and_a_socket_of_udp_are_told_within_seconds() {
    let (net, state) = (Net::new(Filter::None), tempfile::tempdir().unwrap());
    let _world = net.listen(At::World, "[::]:443");
    let monitor = monitor(&net, &state, "c2-address");
    // Until it has looked once for no reason, which it does seldom then.
    thread::sleep(Duration::from_secs(7));
    let bot = Planted::new("/tmp/gatewatch-monitor-six", "bot");
    let six = net.holding(&bot, net.connect(At::Router, "[2001:db8::7]:443"));
    let (row, took) = told(&monitor, "c2-address");
    assert_eq!((&row["pid"], &row["remote"]), (&six.pid().into(), &"[2001:db8::7]:443".into()));
    assert!(took < Duration::from_secs(15), "{took:?}");
    // That look is over.
    monitor.look();
    let (socket, _other) = net.datagram(At::Router, "198.51.100.8:5000", At::World, false);
    socket.connect("198.51.100.8:5000").unwrap();
    let udp = net.holding(&bot, socket);
    let (row, took) = told(&monitor, "c2-address");
    assert_eq!((&row["pid"], &row["remote"]), (&udp.pid().into(), &"198.51.100.8:5000".into()), "{row}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn who_knocks_all_day_is_told_once() {
    let (net, state) = (Net::new(Filter::Nft), tempfile::tempdir().unwrap());
    let _door = net.listen(At::Router, "0.0.0.0:2222");
    let monitor = monitor(&net, &state, "c2-address");
    for port in 40_001..40_004 {
        let from = format!("bind=198.51.100.8:{port}");
        net.ran(At::World, &format!("socat -u /dev/null TCP:192.0.2.2:2222,{from}"));
    }
    assert_eq!(told(&monitor, "c2-address").0["severity"], "notice");
    // They stay in the kernel's table for minutes.
    let (said, _) = monitor.full();
    let (again, _) = monitor.full();
    assert!(said.iter().chain(&again).all(|row| !row.starts_with("new")), "{said:?} {again:?}");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn links_and_routes_that_change_all_day_cost_next_to_nothing() {
    let (net, state) = (Net::new(Filter::Nft), tempfile::tempdir().unwrap());
    let monitor = monitor(&net, &state, "nat-redirect,tunnel-odd,c2-address");
    let (begun, before) = (Instant::now(), used_us(&monitor));
    // A router that speaks BGP.
    let routes: String =
        (0..5000).map(|n| format!("route replace 10.{}.{}.0/24 via 192.0.2.1\n", n / 256, n % 256)).collect();
    let file = state.path().join("routes");
    fs::write(&file, routes).unwrap();
    net.ran(At::Router, &format!("ip -batch {}", file.display()));
    assert!(used_us(&monitor) - before <= 30_000, "{} µs", used_us(&monitor) - before);
    // A line that is up and down.
    while begun.elapsed() < Duration::from_secs(12) {
        net.ran(
            At::Router,
            "ip link set eth1 down; ip link set eth1 up; ip addr replace 192.0.2.2/24 dev eth1",
        );
        thread::sleep(Duration::from_millis(50));
    }
    // Eight looks in a row, and then few; without a limit it would be four in a second.
    let (used, one) = (used_us(&monitor) - before, one_look_us(&net));
    assert!(used < 14 * one, "{used} µs, a look takes {one} µs");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

/// What one look costs.
fn one_look_us(net: &Net) -> u64 {
    let outcome = net.scan(["--only", "nat-redirect,tunnel-odd,c2-address"]);
    outcome.summary["elapsed_us"].as_u64().unwrap()
}
