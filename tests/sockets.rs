//! Finds on this machine who listens, scans and passes strangers on, in network namespaces that stand for a router and the
//! world; healthy look-alikes are silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use scan::{Outcome, Planted, Sleeper, need_root, scan, start, wait_for};
use serde_json::Value;

/// The router's own address to the world, and how the world answers: at these, and at no others.
const ROUTER: &str = "192.0.2.2";
const WORLD: [&str; 3] = ["192.0.2.1/24", "198.51.100.7/32", "2001:db8:ff::1/64"];

/// The world beyond a router, in a network namespace of its own.
struct World(File);

impl World {
    /// Runs something there.
    fn at<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
                run()
            });
            there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

#[track_caller]
fn ip(words: &str) {
    let done = Command::new("ip").args(words.split(' ')).status().expect("scripts/setup installs iproute2");
    assert!(done.success(), "ip {words}");
}

/// Runs `test` on a router: 192.0.2.2 and 2001:db8:ff::2 on `wan`, 192.168.1.1 on `br-lan`. What is sent to 198.18.0.0/15
/// is never answered.
fn on_router(test: impl FnOnce(&World) + Send + 'static) {
    need_root();
    let router = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let (tell, told) = channel();
        let (end, wait) = channel::<()>();
        let there = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            tell.send((nix::unistd::gettid(), File::open("/proc/thread-self/ns/net").unwrap())).unwrap();
            let _ = wait.recv();
        });
        let (thread, namespace) = told.recv().unwrap();
        ip("link set lo up");
        ip(&format!("link add wan type veth peer name eth0 netns {thread}"));
        ip("link add br-lan type veth peer name lan0");
        let world = World(namespace);
        world.at(|| {
            ip("link set lo up");
            ip("link set eth0 up");
            for address in WORLD {
                let alone = if address.contains(':') { " nodad" } else { "" };
                ip(&format!("address add {address} dev eth0{alone}"));
            }
        });
        for link in ["wan", "br-lan", "lan0"] {
            ip(&format!("link set {link} up"));
        }
        ip("address add 192.0.2.2/24 dev wan");
        ip("address add 2001:db8:ff::2/64 dev wan nodad");
        ip("address add 192.168.1.1/24 dev br-lan");
        ip("route add default via 192.0.2.1");
        test(&world);
        drop(end);
        there.join().unwrap();
    });
    router.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

const CHECKS: &str = "listener-odd,scan-fanout,relay";

/// What the checks of sockets say, as `check severity`, in order.
fn said(outcome: &Outcome) -> Vec<String> {
    for check in CHECKS.split(',') {
        assert_ne!(outcome.looked(check).0, "no", "{check}");
    }
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut said: Vec<_> = outcome
        .findings
        .iter()
        .map(|row| format!("{} {}", word(row, "check"), word(row, "severity")))
        .collect();
    said.sort();
    said
}

fn look() -> Outcome {
    scan(["--only", CHECKS])
}

fn detail(outcome: &Outcome, check: &str) -> String {
    outcome.with("check", check)[0]["detail"].as_str().unwrap().to_owned()
}

/// Asks an address and does not wait for the answer.
fn asking(address: &str) -> OwnedFd {
    let address: SocketAddr = address.parse().unwrap();
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let asking =
        socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None).unwrap();
    let asked = connect(asking.as_raw_fd(), &SockaddrStorage::from(address));
    assert_eq!(asked, Err(Errno::EINPROGRESS));
    asking
}

#[test]
fn a_program_that_listens_is_one_finding_over_both_families() {
    on_router(|_| {
        let listeners: Vec<_> = ["0.0.0.0:4444", "127.0.0.1:48102", "[::1]:48102"]
            .map(|address| TcpListener::bind(address).unwrap())
            .into_iter()
            .collect();
        let udp = UdpSocket::bind("0.0.0.0:5353").unwrap();
        let client = UdpSocket::bind("0.0.0.0:40000").unwrap();
        let outcome = look();
        assert_eq!(said(&outcome), ["listener-odd suspicious"]);
        let detail = detail(&outcome, "listener-odd");
        assert!(detail.contains("tcp 4444, "), "{detail}");
        assert!(detail.contains("tcp 48102 of this machine only"), "{detail}");
        assert!(detail.contains("udp 5353;"), "{detail}");
        assert_eq!(detail.matches("48102").count(), 1, "{detail}");
        assert_eq!(outcome.findings[0]["pid"], std::process::id());
        drop((listeners, udp));
        assert_eq!(said(&look()), [""; 0], "a client's port of UDP");
        drop(client);
    });
}

#[test]
fn half_open_connections_to_many_hosts() {
    on_router(|_| {
        let ask = |hosts: u32, port: u16| -> Vec<_> {
            (1..=hosts)
                .map(|host| asking(&format!("198.18.{}.{}:{port}", host / 200, host % 200 + 1)))
                .collect()
        };
        let few = ask(12, 23);
        assert_eq!(said(&look()), [""; 0]);
        drop(few);
        let many = ask(60, 23);
        let outcome = look();
        assert_eq!(said(&outcome), ["scan-fanout infected"]);
        let row = &outcome.findings[0];
        assert_eq!(row["pid"], std::process::id());
        let detail = detail(&outcome, "scan-fanout");
        assert!(detail.contains("at port 23 (tcp)"), "{detail}");
        assert_eq!(outcome.status, 2);
        drop(many);
        let web = ask(60, 443);
        assert_eq!(said(&look()), [""; 0], "a crowd, but not of such as never answer");
        drop(web);
        // A server with networks of its own watches the home in which it is.
        ip("address add 10.55.0.2/24 dev wan");
        let home: Vec<_> = (10..70).map(|host| asking(&format!("10.55.0.{host}:22"))).collect();
        assert_eq!(said(&look()), [""; 0], "a private network that it is in");
        drop(home);
    });
}

#[test]
fn one_program_joins_strangers() {
    on_router(|world| {
        let proxy = TcpListener::bind((ROUTER, 1080)).unwrap();
        let servers = world.at(|| TcpListener::bind("198.51.100.7:80").unwrap());
        let visitors: Vec<_> =
            world.at(|| (0..6).map(|_| TcpStream::connect((ROUTER, 1080)).unwrap()).collect());
        let taken: Vec<_> = visitors.iter().map(|_| proxy.accept().unwrap()).collect();
        assert_eq!(said(&look()), ["listener-odd suspicious"], "visitors alone");
        let called: Vec<_> = (0..6).map(|_| TcpStream::connect("198.51.100.7:80").unwrap()).collect();
        let outcome = look();
        assert_eq!(said(&outcome), ["listener-odd suspicious", "relay infected"]);
        let row = outcome.with("check", "relay")[0];
        assert_eq!((&row["remote"], &row["pid"]), (&"198.51.100.7:80".into(), &std::process::id().into()));
        drop((taken, called, visitors, servers));
    });
}

#[test]
fn a_process_for_each_connection_joins_strangers() {
    on_router(|world| {
        let planted = Planted::new("/tmp/gatewatch-sockets-relay", "x");
        planted.copy("/bin/bash");
        let proxy = TcpListener::bind((ROUTER, 1081)).unwrap();
        let server = world.at(|| TcpListener::bind("198.51.100.7:80").unwrap());
        let visitors: Vec<_> =
            world.at(|| (0..5).map(|_| TcpStream::connect((ROUTER, 1081)).unwrap()).collect());
        let children: Vec<_> = visitors
            .iter()
            .map(|_| {
                let (taken, _) = proxy.accept().unwrap();
                Sleeper::start(&planted.exe, "exec 3<>/dev/tcp/198.51.100.7/80", |command| {
                    command.stdout(OwnedFd::from(taken));
                })
            })
            .collect();
        let outcome = look();
        assert_eq!(said(&outcome), ["listener-odd suspicious", "relay infected"]);
        assert_eq!(outcome.with("check", "relay")[0]["path"], planted.path());
        drop((children, visitors, server));
    });
}

#[test]
fn netcat_that_somebody_told_to_listen() {
    on_router(|_| {
        let words = ["-lk", "0.0.0.0", "4444"];
        let own = start(Command::new("nc").args(words));
        let outcome = wait_for("a listener", || Some(look()).filter(|outcome| !outcome.findings.is_empty()));
        assert_eq!(said(&outcome), ["listener-odd suspicious"]);
        assert_eq!(outcome.findings[0]["pid"], own.0.id());
        drop(own);
        // A daemon of a package is silent.
        let words =
            ["--keep-in-foreground", "--port=5300", "--no-resolv", "--conf-file=/dev/null", "--pid-file="];
        let daemon = start(Command::new("dnsmasq").args(words));
        wait_for("dnsmasq", || TcpStream::connect("127.0.0.1:5300").ok());
        assert_eq!(said(&look()), [""; 0]);
        drop(daemon);
    });
}

#[test]
fn flows_tell_of_relays_and_of_scans_by_clients() {
    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth1\t00000000\tC0000201\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        br-lan\tC0A80100\t00000000\t0001\t0\t0\t0\tFFFFFF00\t0\t0\t0\n";
    const TRIE: &str = "Local:\n     |-- 192.0.2.33\n        /32 host LOCAL\n";
    const HEADING: &str = "  sl  local_address rem_address   st tx_queue\n";
    let mut rows = String::new();
    let mut flow = |from: &str, to: String, port: u16, answers: String, mark: &str| {
        rows += &format!(
            "ipv4 2 tcp 6 99 {mark} src={from} dst={to} sport=40000 dport={port} {}src={answers} dst=192.0.2.33 \
             sport={port} dport=40000 mark=0 use=2\n",
            if mark == "SYN_SENT" { "[UNREPLIED] " } else { "" }
        );
    };
    for host in 1..=40 {
        let stranger = format!("203.0.113.{host}");
        // TrickBot's victims, a port forward's visitors, a scan by a client, one by the router, and a browser.
        flow(&stranger, "192.0.2.33".into(), 449, "198.51.100.7".into(), "ESTABLISHED");
        flow(&stranger, "192.0.2.33".into(), 8443, "192.168.1.30".into(), "ESTABLISHED");
        flow("192.168.1.20", stranger.clone(), 23, stranger.clone(), "SYN_SENT");
        flow("192.0.2.33", stranger.clone(), 2323, stranger.clone(), "SYN_SENT");
        flow("192.168.1.21", stranger.clone(), 443, stranger.clone(), "ESTABLISHED");
    }
    let tree = scan::Tree::new()
        .file("about.toml", "byte_order = \"big\"\npage_size = 4096\n")
        .process_in("root/", 1, b"init", b"/sbin/init", b"init\0")
        .file("root/proc/net/tcp", HEADING)
        .file("root/proc/net/udp", HEADING)
        .file("root/proc/net/route", ROUTE)
        .file("root/proc/net/fib_trie", TRIE)
        .file("root/proc/net/nf_conntrack", rows);
    let path = tree.path().to_str().unwrap().to_owned();
    let outcome = scan(["--root", &path, "--only", CHECKS]);
    assert_eq!(outcome.short(), ["relay infected", "scan-fanout infected", "scan-fanout suspicious"]);
    let relay = outcome.with("check", "relay")[0];
    assert_eq!((&relay["local"], &relay["remote"]), (&"192.0.2.33:449".into(), &"198.51.100.7:449".into()));
    let text = format!("{:?}", outcome.findings);
    assert!(!text.contains("192.168."), "who is served is nobody's business: {text}");
}
