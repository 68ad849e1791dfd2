//! Who answers for names: on a machine with a real dnsmasq, in trees, with a baseline, and with the lists of an ad-blocker.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "common/scan.rs"]
mod scan;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scan::{GATEWATCH, Outcome, Tree, UNSIGNED, need_root, run};

const CHECKS: &str = "dns-hijack,hosts-poison,c2-domain";

fn indicators() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/indicators.gwi")
}

fn look(tree: &Path, more: &[&str]) -> Outcome {
    let mut command = Command::new(GATEWATCH);
    command
        .args(["scan", UNSIGNED, "--only", CHECKS, "-v", "--format", "json", "--root"])
        .arg(tree)
        .args(more);
    Outcome::of(run(&mut command))
}

/// `SEVERITY CHECK PATH:LINE REMOTE` of each finding.
fn found(outcome: &Outcome) -> Vec<String> {
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    outcome
        .findings
        .iter()
        .map(|row| {
            let at = format!("{}:{}", word(row, "path"), row["line"]);
            format!("{} {} {at} {}", word(row, "severity"), word(row, "check"), word(row, "remote"))
        })
        .collect()
}

/// How many facts a check saw.
fn facts(outcome: &Outcome, check: &str) -> u64 {
    outcome.checks.iter().find(|row| row["check"] == check).unwrap()["facts"].as_u64().unwrap()
}

/// A router between a client and the world, each in a network namespace of its own, with `/etc` to write to. `$1` is a place
/// for files, `$2` gatewatch, `$3` the indicators, `$4` what is set up, `$5` the names that the client asks for, `$6` those that
/// the router does.
const ROUTER: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs room "$1"
mkdir "$1/up" "$1/work"
mount -t overlay etc -o "lowerdir=/etc,upperdir=$1/up,workdir=$1/work" /etc
rm -f /etc/resolv.conf
ip link set lo up
unshare -n sleep 60 & client=$!
unshare -n sleep 60 & world=$!
trap 'kill $client $world $(cat "$1/pid")' EXIT
own=$(readlink /proc/self/ns/net)
for other in $client $world; do
    while [ "$(readlink /proc/$other/ns/net)" = "$own" ]; do sleep 0.02; done
done
ip link add br-lan type veth peer name c0 netns $client
ip link add eth1 type veth peer name w0 netns $world
ip address add 192.168.1.1/24 dev br-lan
ip address add 192.0.2.33/24 dev eth1
ip link set br-lan up
ip link set eth1 up
nsenter -t $client -n sh -c 'ip address add 192.168.1.20/24 dev c0; ip link set c0 up'
nsenter -t $world -n sh -c 'ip address add 192.0.2.1/24 dev w0; ip link set w0 up'
ip route add default via 192.0.2.1
export ROOM="$1"
eval "$4"
dnsmasq --conf-file=/etc/dnsmasq.conf --pid-file="$1/pid" --user=root --bind-interfaces \
    --listen-address=192.168.1.1,127.0.0.1
ask() { "$@" >/dev/null 2>&1 || true; }
for name in $5; do ask timeout 5 nsenter -t $client -n busybox nslookup $name 192.168.1.1; done
for name in $6; do ask timeout 5 busybox nslookup $name 127.0.0.1; done
status=0
"$2" scan --allow-unsigned --intel "$3" --only dns-hijack,hosts-poison,c2-domain -v --format json || status=$?
exit $status
"#;

fn router(set_up: &str, asked: &str, own: &str) -> Outcome {
    need_root();
    let room = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "sh", "-c", ROUTER, "sh"]);
    command.arg(room.path()).arg(GATEWATCH).arg(indicators()).args([set_up, asked, own]);
    let outcome = Outcome::of(run(&mut command));
    for check in CHECKS.split(',') {
        assert_eq!(outcome.looked(check).0, "yes", "{check}: {:?}", outcome.looked(check));
    }
    outcome
}

#[test]
fn a_poisoned_dnsmasq_that_clients_ask() {
    let outcome = router(
        r#"printf '%s\n' no-resolv no-hosts server=203.0.113.66 address=/www.paypal.com/203.0.113.73 log-queries \
            log-facility=$ROOM/queries addn-hosts=/etc/more >/etc/dnsmasq.conf
        mkdir -p /etc/ppp; mount -t tmpfs ppp /etc/ppp; echo 'nameserver 192.0.2.53' >/etc/ppp/resolv.conf
        echo '203.0.113.9 login.live.com' >/etc/more
        echo 'nameserver 127.0.0.1' >/etc/resolv.conf"#,
        "www.paypal.com c2.badname.example",
        "x.c2.badname.example",
    );
    let found = found(&outcome);
    let rows: Vec<&str> = found.iter().map(String::as_str).collect();
    let log = outcome.with("check", "c2-domain")[0]["path"].as_str().unwrap().to_owned();
    assert!(log.ends_with("/queries"));
    assert_eq!(
        rows,
        [
            "suspicious dns-hijack /etc/dnsmasq.conf:3 203.0.113.66:53",
            "infected hosts-poison /etc/dnsmasq.conf:4 203.0.113.73:0",
            "suspicious hosts-poison /etc/more:1 203.0.113.9:0",
            &format!("suspicious c2-domain {log}:null "),
            &format!("infected c2-domain {log}:null "),
        ]
    );
}

#[test]
fn a_resolver_that_was_swapped_where_the_provider_gives_another() {
    let outcome = router(
        "mkdir -p /etc/ppp; mount -t tmpfs ppp /etc/ppp; echo 'nameserver 192.0.2.53' >/etc/ppp/resolv.conf
        echo port=53 >/etc/dnsmasq.conf; echo 'nameserver 203.0.113.99' >/etc/resolv.conf",
        "",
        "",
    );
    assert_eq!(found(&outcome), ["suspicious dns-hijack /etc/resolv.conf:1 203.0.113.99:53"]);
}

#[test]
fn what_a_provider_gave_long_ago_says_nothing() {
    let outcome = router(
        "mkdir -p /etc/ppp; echo 'nameserver 192.0.2.53' >/etc/ppp/resolv.conf
        echo port=53 >/etc/dnsmasq.conf; echo 'nameserver 203.0.113.99' >/etc/resolv.conf",
        "",
        "",
    );
    assert_eq!(found(&outcome), [""; 0]);
}

#[test]
fn a_healthy_dnsmasq_with_a_list_of_ads_that_clients_ask() {
    let outcome = router(
        r#"mkdir /etc/dnsmasq.d
        for number in $(seq 500); do echo "address=/ads$number.example.com/0.0.0.0"; done >/etc/dnsmasq.d/ads.conf
        printf '%s\n' local=/update.microsoft.com/ address=/c2.badname.example/ address=/www.eset.com/ >>/etc/dnsmasq.d/ads.conf
        printf '%s\n' no-resolv 'conf-dir=/etc/dnsmasq.d,*.conf' server=9.9.9.9 server=/corp.example/203.0.113.4 log-queries \
            log-facility=$ROOM/queries address=/nas.lan/192.168.1.5 dhcp-option=6,192.168.1.1 >/etc/dnsmasq.conf
        echo 'nameserver 127.0.0.1' >/etc/resolv.conf"#,
        "ads7.example.com nas.lan",
        "nas.lan",
    );
    assert_eq!(found(&outcome), [""; 0]);
    assert!(facts(&outcome, "c2-domain") >= 3, "names that were asked for");
}

#[test]
fn a_baseline_knows_resolvers_and_says_which_are_new() {
    let network = |dns: &str| format!("config interface wan\n\toption proto dhcp\n\tlist dns '{dns}'\n");
    let tree = Tree::new()
        .file("etc/passwd", "root::0:0:::\n")
        .file("etc/config/network", network("203.0.113.5"))
        .file("etc/config/dhcp", "config dhcp lan\n\tlist dhcp_option '6,203.0.113.6'\n")
        .file("tmp/resolv.conf.d/resolv.conf.auto", "nameserver 203.0.113.5\n")
        .file("etc/resolv.conf", "nameserver 127.0.0.1\n");
    let set = [
        "suspicious dns-hijack /etc/config/network:3 203.0.113.5:53",
        "suspicious dns-hijack /etc/config/dhcp:2 203.0.113.6:53",
    ];
    assert_eq!(found(&look(tree.path(), &[])), set);
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("x.gwb");
    let made = run(Command::new(GATEWATCH)
        .args(["baseline", "create", "--root"])
        .arg(tree.path())
        .arg("-o")
        .arg(&file));
    assert_eq!(made.status, 0, "{}", made.stderr);
    let known = ["--baseline", file.to_str().unwrap()];
    assert_eq!(found(&look(tree.path(), &known)), [""; 0]);
    let tree = tree.file("etc/config/network", network("203.0.113.7")).file(
        "etc/config/dhcp",
        "config dhcp lan\n\tlist dhcp_option '6,203.0.113.6'\nconfig dnsmasq\n\tlist server 9.9.9.9\n",
    );
    let outcome = look(tree.path(), &known);
    let new = [
        "suspicious dns-hijack /etc/config/network:3 203.0.113.7:53",
        "notice dns-hijack /etc/config/dhcp:4 9.9.9.9:53",
    ];
    assert_eq!(found(&outcome), new);
    for row in outcome.with("type", "finding") {
        assert!(row["detail"].as_str().unwrap().ends_with("; differs from the baseline"), "{row}");
    }
}

#[test]
fn a_list_of_ads_costs_no_memory_and_is_silent() {
    let list = |lines: u32, line: &dyn Fn(u32) -> String| (0..lines).map(line).collect::<String>();
    let small = Tree::new().file("etc/hosts", "127.0.0.1 localhost\n").file("etc/resolv.conf", "");
    // What is kept of half a million names would not fit.
    let limited = |tree: &Tree| {
        let script = r#"ulimit -v 12288; exec "$0" scan --only "$1" -v --format json --root "$2""#;
        let mut command = Command::new("sh");
        let outcome = Outcome::of(run(command.args(["-c", script, GATEWATCH, CHECKS]).arg(tree.path())));
        assert_eq!((found(&outcome), outcome.status), (vec![], 0));
        outcome
    };
    limited(&small);
    let tree = small
        .file("etc/hosts", list(150_000, &|number| format!("0.0.0.0 ads{number}.example.com\n")))
        .file("etc/dnsmasq.d/a", list(150_000, &|number| format!("address=/ads{number}.example.com/\n")))
        .file("etc/dnsmasq.d/b", list(100_000, &|number| format!("local=/ads{number}.example.com/\n")))
        .file(
            "etc/dnsmasq.d/c",
            list(100_000, &|number| format!("server=/{number}.example.cn/119.29.29.29\n")),
        );
    let outcome = limited(&tree);
    assert_eq!((facts(&outcome, "hosts-poison"), outcome.looked("hosts-poison").0), (400_000, "yes"));
}

#[test]
fn a_flood_of_strangers_is_bounded_and_said() {
    let mut hosts = String::new();
    for number in 0..1000 {
        writeln!(hosts, "198.51.100.7 {number}.paypal.com").unwrap();
    }
    let outcome = look(Tree::new().file("etc/hosts", hosts).path(), &[]);
    assert_eq!(found(&outcome).len(), 64);
    let (looked, why) = outcome.looked("hosts-poison");
    assert_eq!((looked, why.contains("64 odd names in one file")), ("partly", true), "{why}");
    let huge = Tree::new().sparse("etc/hosts", "127.0.0.1 localhost\n", 1 << 32);
    let outcome = look(huge.path(), &[]);
    assert_eq!(outcome.looked("hosts-poison").0, "partly");
}

#[test]
fn what_a_machine_does_not_have_is_said() {
    let outcome = look(Tree::new().file("etc/passwd", "").path(), &[]);
    assert_eq!(outcome.looked("dns-hijack"), ("na", "nothing here says who resolves names"));
    assert_eq!(outcome.looked("hosts-poison"), ("na", "no names are given addresses here"));
    assert_eq!(outcome.looked("c2-domain").0, "na");
    let tree = Tree::new().file("etc/hosts", "127.0.0.1 localhost\n");
    assert_eq!(look(tree.path(), &[]).looked("c2-domain"), ("na", "no indicator file holds domains"));
    let listed = ["--intel", indicators().to_str().unwrap()].map(str::to_owned);
    let words: Vec<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(look(tree.path(), &words).looked("c2-domain").0, "yes");
    let broken = Tree::new().file("x.gwi", "nothing");
    fs::write(broken.path().join("x.gwi"), &fs::read(indicators()).unwrap()[..100]).unwrap();
    let file = broken.path().join("x.gwi");
    assert_eq!(look(tree.path(), &["--intel", file.to_str().unwrap()]).looked("c2-domain").0, "no");
}

#[test]
fn a_resolver_that_only_this_machine_asks_may_be_asked_for_clients() {
    let query = |by: &str| format!("Nov 27 12:00:00 dnsmasq[7]: query[A] c2.badname.example from {by}\n");
    let other = "Nov 27 12:00:01 dnsmasq[7]: query[A] www.example.org from 192.168.1.20\n";
    let intel = indicators();
    for (log, severity) in [
        (query("127.0.0.1"), "suspicious"),
        (query("127.0.0.1") + other, "infected"),
        (query("192.168.1.20"), "suspicious"),
    ] {
        let tree =
            Tree::healthy().file("about.toml", "byte_order = \"little\"\n").file("tmp/dnsmasq.log", &log);
        let outcome = look(tree.path(), &["--intel", intel.to_str().unwrap()]);
        let found = outcome.with("check", "c2-domain");
        assert_eq!((found.len(), found[0]["severity"].as_str()), (1, Some(severity)), "{log}: {outcome:?}");
    }
}
