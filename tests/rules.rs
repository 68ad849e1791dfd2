//! Rules of the packet filter through the real program, made by the usual programs in a network namespace of a router's
//! shape: `wan` with 203.0.113.10, `lan` with 192.168.1.1/24.
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

use std::fs;
use std::path::Path;
use std::process::Command;

use scan::{GATEWATCH, Outcome, Planted, Tree, alone_with, run, start, wait_for};

const ROUTER: &str = "ip link add wan type veth peer name far; ip link add lan type veth peer name near
    for i in wan far lan near; do ip link set $i up; done
    ip address add 203.0.113.10/24 dev wan; ip address add 192.168.1.1/24 dev lan
    ip route add default via 203.0.113.1";

fn sh(script: &str) {
    let done = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Runs a test on a router with these rules.
fn with(rules: &str, test: impl FnOnce() + Send + 'static) {
    let rules = rules.to_owned();
    alone_with(&[], move || {
        sh(ROUTER);
        sh(&rules);
        test();
    });
}

fn scanned(options: &[&str]) -> Outcome {
    let mut command = Command::new(GATEWATCH);
    command.args(["--only", "nat-redirect,firewall-open", "-v", "--format", "json"]).args(options);
    Outcome::of(run(&mut command))
}

/// What a scan of that router says, `CHECK SEVERITY` a finding, of both checks, which have seen everything.
fn said(rules: &str) -> Vec<String> {
    let (tell, told) = std::sync::mpsc::channel();
    with(rules, move || {
        let outcome = scanned(&[]);
        for check in ["nat-redirect", "firewall-open"] {
            assert_eq!(outcome.looked(check), ("yes", ""), "{check}");
        }
        tell.send(findings(&outcome)).unwrap();
    });
    told.recv().unwrap()
}

fn findings(outcome: &Outcome) -> Vec<String> {
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let all = outcome.with("type", "finding");
    let mut all: Vec<String> = all
        .iter()
        .map(|finding| format!("{} {}", text(finding, "check"), text(finding, "severity")))
        .collect();
    all.sort();
    all
}

#[test]
fn trickbots_rule_in_every_kernel_language() {
    for rule in [
        "iptables-legacy -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 198.51.100.9:80",
        "iptables-nft -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 198.51.100.9:80",
        "ip6tables-legacy -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination [2001:db8::9]:80",
        "nft 'add table ip n; add chain ip n p { type nat hook prerouting priority -100; }
            add rule ip n p tcp dport 449 dnat to 198.51.100.9:80'",
        "nft 'add table ip n; add chain ip n p { type nat hook prerouting priority -100; }
            add rule ip n p ip daddr 203.0.113.10 tcp dport 8443 dnat to 198.51.100.9:80'",
        "nft 'add table inet n; add chain inet n p { type nat hook prerouting priority -100; }; add chain inet n q
            add rule inet n p meta nfproto ipv4 jump q; add rule inet n q dnat ip to tcp dport map { 449 : 198.51.100.9 }'",
        "nft 'add table ip n; add chain ip n p { type filter hook prerouting priority -100; }
            add rule ip n p ip daddr 192.0.2.1 ip daddr set 198.51.100.9'",
    ] {
        assert_eq!(said(rule), ["nat-redirect infected"], "{rule}");
    }
}

#[test]
fn rivals_are_kept_out_and_strangers_let_in() {
    for (rules, expected) in [
        // Mozi, Hajime, TheMoon.
        (
            "for p in 23 2323 7547 35000 50023 58000; do iptables-legacy -I INPUT -p tcp --dport $p -j DROP; done",
            vec!["firewall-open suspicious"; 6],
        ),
        (
            "iptables-legacy -I INPUT -p tcp -m multiport --dports 80,8080,7547 -j DROP
            iptables-legacy -I INPUT -s 192.0.2.0/24 -j ACCEPT",
            vec!["firewall-open notice", "firewall-open suspicious"],
        ),
        (
            "nft 'add table inet x; add chain inet x i { type filter hook input priority 0; }
            add rule inet x i tcp dport { 23, 2323, 5555 } drop; add rule inet x i iifname lan accept'",
            vec!["firewall-open suspicious"],
        ),
        // In one line before all that a firewall says.
        (
            "sh tests/rules/healthy/openwrt-fw3.sh; iptables-legacy -I INPUT -p tcp --dport 23 -j DROP",
            vec!["firewall-open suspicious"],
        ),
        (
            "iptables-legacy -t nat -A PREROUTING -p tcp -s 192.0.2.66 --dport 22 -j REDIRECT --to-ports 42392",
            vec!["nat-redirect infected"],
        ),
    ] {
        assert_eq!(said(rules), expected, "{rules}");
    }
}

#[test]
fn the_web_is_sent_to_a_program_from_nowhere() {
    with(
        "iptables-legacy -t nat -I PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8888
        iptables-legacy -I INPUT -p tcp --dport 8888 -j ACCEPT",
        || {
            let nobody = scanned(&[]);
            assert_eq!(findings(&nobody), ["nat-redirect notice"], "nobody listens");
            let program = Planted::new("/tmp/gatewatch-rules", "ssler");
            program.copy("/usr/bin/socat");
            let child = start(Command::new(program.path()).args(["TCP-LISTEN:8888,fork", "EXEC:true"]));
            wait_for("the listener", || {
                let table = fs::read_to_string(format!("/proc/{}/net/tcp", child.0.id())).unwrap();
                table.contains(":22B8 ").then_some(())
            });
            let outcome = scanned(&[]);
            assert_eq!(findings(&outcome), ["firewall-open suspicious", "nat-redirect infected"]);
            for finding in outcome.with("type", "finding") {
                assert_eq!(finding["pid"], child.0.id());
            }
        },
    );
}

/// Each file is a healthy machine; whatever may be worth a notice says so in its first line.
#[test]
fn healthy_machines() {
    let mut names: Vec<_> =
        fs::read_dir("tests/rules/healthy").unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 7, "{names:?}");
    for path in names {
        let name = path.to_str().unwrap();
        let program = if name.ends_with(".nft") { "nft -f" } else { "sh -e" };
        assert_eq!(said(&format!("{program} {name}")), [""; 0], "{name}");
    }
}

/// A scan where `/etc` has these files too.
fn configured(files: &Tree, options: &str) -> Outcome {
    let script = format!(
        "set -e; mount -t tmpfs t /mnt; mkdir /mnt/u /mnt/w; cp -a {}/. /mnt/u
        mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc; umount -l /mnt
        exec {GATEWATCH} --only nat-redirect,firewall-open -v --format json {options}",
        files.path().join("etc").display()
    );
    Outcome::of(run(Command::new("unshare").args(["-m", "sh", "-c", &script])))
}

#[test]
fn what_the_configuration_asks_for() {
    with("true", || {
        let files = Tree::new()
            .file("etc/config/firewall", "config defaults\n\toption input REJECT\n")
            .link("etc/rc.d/S19firewall", "../init.d/firewall");
        let gone = configured(&files, "");
        assert_eq!(findings(&gone), ["firewall-open suspicious"], "nothing is loaded");
        assert_eq!(gone.with("type", "finding")[0]["path"], "/etc/config/firewall");
        sh("iptables-legacy -A INPUT -p tcp --dport 23 -j DROP
            iptables-legacy -t nat -A PREROUTING -d 203.0.113.10 -p tcp --dport 443 -j DNAT --to-destination 198.51.100.9:80");
        assert_eq!(findings(&configured(&files, "")), ["firewall-open suspicious", "nat-redirect infected"]);
        let rule = "config rule\n\toption src '*'\n\toption target DROP\n\toption dest_port '23 2323'\n";
        let redirect = "config redirect\n\toption src wan\n\toption src_dport 443\n\toption dest_ip 198.51.100.9\n\toption dest_port 80\n";
        let files = Tree::new().file("etc/config/firewall", format!("config defaults\n{rule}{redirect}"));
        let asked = configured(&files, "");
        assert_eq!(findings(&asked), ["nat-redirect suspicious"; 2], "the rule and what asks for it");
        let lines: Vec<_> =
            asked.with("type", "finding").iter().map(|finding| finding["line"].clone()).collect();
        assert!(lines.contains(&6.into()), "{lines:?}");
    });
}

#[test]
fn a_tree_has_what_it_is_told() {
    let tree = Tree::new().file(
        "etc/config/firewall",
        "config redirect\n\toption src_dport 449\n\toption proto tcp\n\toption dest_ip 198.51.100.9\n\toption dest_port 80\n\
        config redirect\n\toption src wan\n\toption src_dport 80\n\toption dest_ip 192.168.1.20\n",
    );
    let root = tree.path().to_str().unwrap();
    let outcome = scanned(&["--root", root]);
    assert_eq!(findings(&outcome), ["nat-redirect infected"]);
    let (looked, why) = outcome.looked("nat-redirect");
    assert_eq!((looked, why), ("partly", "the packet filter: nobody recorded what rules the kernel has"));
    let empty = Tree::new().file("etc/passwd", "root::0:0::/:\n");
    let outcome = scanned(&["--root", empty.path().to_str().unwrap()]);
    assert_eq!(outcome.looked("firewall-open").0, "na");
}

#[test]
fn a_user_without_rights_is_told_what_he_did_not_see() {
    with("true", || {
        let script = format!("exec {GATEWATCH} --only nat-redirect -v --format json");
        let copy = Path::new("/tmp").join(format!("gatewatch-user-{}", std::process::id()));
        fs::copy(GATEWATCH, &copy).unwrap();
        let script = script.replace(GATEWATCH, copy.to_str().unwrap());
        let ran = run(Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "sh", "-c", &script]));
        fs::remove_file(copy).unwrap();
        let outcome = Outcome::of(ran);
        let (looked, why) = outcome.looked("nat-redirect");
        assert_eq!((looked, why.starts_with("nf_tables: permission denied")), ("no", true), "{why}");
    });
}

/// The kernel makes a table when it is asked for one that it has not.
#[test]
fn no_table_is_made_by_looking() {
    with("true", || {
        let names = |file: &str| fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap();
        scanned(&[]);
        assert_eq!((names("ip_tables_names"), names("ip6_tables_names")), (String::new(), String::new()));
        sh("iptables-legacy -A INPUT -j ACCEPT");
        scanned(&[]);
        assert_eq!(names("ip_tables_names"), "filter\n");
    });
}

#[test]
fn a_crowd_of_large_maps_hides_no_rule() {
    let elements =
        (0..30_000).map(|at| format!("{}.{}.{}.0/24 : drop", 1 + at / 65_536, at / 256 % 256, at % 256));
    let elements = elements.step_by(2).collect::<Vec<_>>().join(", ");
    let rules: String = (1..300).map(|port| format!("tcp dport {port} ip saddr vmap @g\n")).collect();
    let tree = Tree::new();
    let file = tree.path().join("rules.nft");
    let table = format!(
        "table inet t {{\n map g {{ type ipv4_addr : verdict; flags interval; elements = {{ {elements} }}\n }}\n \
         chain in {{\n type filter hook input priority 0;\n {rules} }}\n chain pre {{\n type nat hook prerouting priority \
         -100;\n tcp dport 449 dnat ip to 198.51.100.9:80\n }}\n}}\n"
    );
    fs::write(&file, table).unwrap();
    with(&format!("nft -f {}", file.display()), || {
        let begun = std::time::Instant::now();
        let outcome = scanned(&[]);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        assert_eq!(findings(&outcome), ["nat-redirect infected"]);
        assert_eq!(outcome.looked("nat-redirect").0, "partly");
    });
}
