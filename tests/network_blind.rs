//! A kernel that lacks sock_diag, ctnetlink, nf_tables, conntrack, or answers nobody but root: what can be seen without them is
//! seen, and what cannot be is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/net.rs"]
mod net;
#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use net::{At, Filter, Net};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use scan::{GATEWATCH, Outcome, Planted, UNSIGNED, intel, run};

const CHECKS: &str = "c2-address,c2-client,nat-redirect,firewall-open,scan-fanout,tunnel-odd,exposed";

/// The files of conntrack and of sockets, as they are opened below the root.
const TRACKED: [&str; 2] = ["proc/net/nf_conntrack", "proc/net/ip_conntrack"];
const SOCKETS: [&str; 4] = ["proc/net/tcp", "proc/net/tcp6", "proc/net/udp", "proc/net/udp6"];

/// A router whose client and which itself speak to a listed address, with TrickBot's rule.
struct Infected {
    net: Net,
    _held: (TcpListener, [TcpStream; 2]),
}

impl Infected {
    fn new() -> Self {
        let net = Net::new(Filter::Nft);
        let world = net.listen(At::World, "[::]:443");
        let flows = [At::Client, At::Router].map(|at| net.connect(at, "198.51.100.7:443"));
        net.nft(
            "table ip nat {
              chain dstnat { type nat hook prerouting priority dstnat; tcp dport 449 dnat to 198.51.100.20:80; }
             }",
        );
        Self { net, _held: (world, flows) }
    }

    /// Looks with a program in front that takes something away.
    fn look(&self, front: &[&str]) -> Outcome {
        self.look_by(front, GATEWATCH.as_ref(), &intel("live.gwi"))
    }

    fn look_by(&self, front: &[&str], program: &Path, list: &Path) -> Outcome {
        look(&self.net, front, program, &["--only", CHECKS, "--intel", list.to_str().unwrap()])
    }

    /// The same where calls fail.
    fn without(&self, calls: &str, error: &str, paths: &[&str]) -> Outcome {
        failing(calls, error, paths, &|front| self.look(front))
    }
}

/// Scans on the router with a program in front.
fn look(net: &Net, front: &[&str], program: &Path, args: &[&str]) -> Outcome {
    net.inside(At::Router, || {
        let mut command = Command::new(front[0]);
        command.args(&front[1..]).arg(program);
        Outcome::of(run(command.args(["scan", UNSIGNED, "-v", "--format", "json"]).args(args)))
    })
}

/// Looks with a front in which strace(1) lets calls fail: of these paths, or all.
fn failing(calls: &str, error: &str, paths: &[&str], look: &dyn Fn(&[&str]) -> Outcome) -> Outcome {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error={error}"));
    let mut front = vec!["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    paths.iter().for_each(|path| front.extend(["-P", path]));
    look(&front)
}

#[track_caller]
fn said(outcome: &Outcome, expected: &[&str]) {
    let mut said = outcome.short();
    said.sort();
    assert_eq!(said, expected, "{outcome:?}");
}

#[test]
fn a_file_or_an_answer_is_missing_and_the_other_is_there() {
    const ALL: [&str; 3] = ["c2-address infected", "c2-client suspicious", "nat-redirect infected"];
    let router = Infected::new();
    said(&router.look(&["env"]), &ALL);
    // The kernel's answers stand in for its texts.
    for paths in [&TRACKED[..], &SOCKETS] {
        let outcome = router.without("openat,openat2", "ENOENT", paths);
        said(&outcome, &ALL);
        for check in ["c2-client", "c2-address", "scan-fanout", "exposed"] {
            assert_ne!(outcome.looked(check).0, "no", "{check}");
        }
    }
    // Texts are enough where a kernel has no netlink at all: neither sock_diag, nor ctnetlink, nor nf_tables.
    let outcome = router.without("socket", "EPROTONOSUPPORT", &[]);
    said(&outcome, &ALL[..2]);
    for check in ["c2-client", "c2-address", "scan-fanout", "tunnel-odd", "exposed"] {
        assert_eq!(outcome.looked(check), ("yes", ""), "{check}");
    }
    // Rules that there may be were not seen, which is said.
    let outcome = router.without("socket", "EACCES", &[]);
    said(&outcome, &ALL[..2]);
    for check in ["nat-redirect", "firewall-open"] {
        let (looked, why) = outcome.looked(check);
        assert_eq!((looked, why), ("no", "nf_tables: permission denied"), "{check}");
    }
}

#[test]
fn packet_sockets_whose_table_is_missing() {
    let net = Net::new(Filter::None);
    let bot = Planted::new("/tmp/gatewatch-network-raw", "ntpd");
    let packets = net.inside(At::Router, || {
        socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), SockProtocol::EthAll).unwrap()
    });
    let _bot = net.holding(&bot, packets);
    let scan = |front: &[&str]| look(&net, front, GATEWATCH.as_ref(), &["--only", "raw-socket"]);
    let is = |outcome: &Outcome| said(outcome, &["raw-socket infected"]);
    is(&scan(&["env"]));
    // The kernel's answer stands in for the table, and the table for the answer.
    is(&failing("openat,openat2", "ENOENT", &["proc/net/packet"], &scan));
    let outcome = failing("openat,openat2", "EACCES", &["proc/net/packet"], &scan);
    is(&outcome);
    let (looked, why) = outcome.looked("raw-socket");
    assert_eq!(looked, "partly");
    assert!(why.contains("proc/net/packet: permission denied; sock_diag was asked instead"), "{why}");
    is(&failing("socket", "EPROTONOSUPPORT", &[], &scan));
}

#[test]
fn a_user_without_rights() {
    let router = Infected::new();
    let front = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
    // He need not be let into the directory of this test.
    let own = Planted::new("/tmp/gatewatch-network-user", "gatewatch");
    own.copy(GATEWATCH);
    let list = own.exe.with_file_name("list");
    fs::copy(intel("live.gwi"), &list).unwrap();
    let outcome = router.look_by(&front, &own.exe, &list);
    // Of the router's own sockets everybody may know.
    assert!(outcome.short().contains(&"c2-address infected".to_owned()), "{outcome:?}");
    for check in ["c2-client", "nat-redirect", "firewall-open"] {
        let (looked, why) = outcome.looked(check);
        assert_eq!(looked, "no", "{check}");
        assert!(why.contains("denied"), "{check}: {why}");
    }
    assert_ne!(outcome.looked("scan-fanout").0, "yes");
}

#[test]
fn a_kernel_that_tracks_nothing() {
    let net = Net::new(Filter::None);
    let list = intel("live.gwi");
    let outcome = net.scan(["--only", CHECKS, "--intel", list.to_str().unwrap()]);
    said(&outcome, &[]);
    assert_eq!((outcome.looked("c2-address"), outcome.summary["flows"].as_u64()), (("yes", ""), Some(0)));
}
