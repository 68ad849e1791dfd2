//! What `gatewatch doctor` tells of a machine that is as it should be, and of one that is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

#[path = "common/room.rs"]
mod room;
#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use room::Room;
use scan::{GATEWATCH, Log, Ran, Tree, need_root, run};
use serde_json::Value;

/// `STATE TOPIC: WHAT` of every line that is about something.
fn about(ran: &Ran, topic: &str) -> Vec<String> {
    let rows = scan::clean(&ran.stdout).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["topic"] == topic)
        .map(|row| {
            let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            assert!(row["state"] == "ok" || row["what"].as_str().unwrap().len() > 3, "{row}");
            format!("{}: {}", word("state"), word("what"))
        })
        .collect()
}

fn doctor(options: &[&str]) -> Ran {
    let mut command = Command::new(GATEWATCH);
    run(command.args(["doctor", "--format", "json", "--only", "startup-dropper"]).args(options))
}

#[test]
fn keys_indicators_state_and_log_that_are_good() {
    let signed = |name: &str| fs::read(scan::intel("signed").join(name)).unwrap();
    let dir = Tree::new().file("keys/test.pub", signed("test.pub")).file("intel.d/x.gwi", signed("v1.gwi"));
    let (log, place) = (Log::new(), dir.path().to_str().unwrap());
    let ran = doctor(&["--dir", place, log.option().to_str().unwrap()]);
    assert!(ran.status < 3, "{ran:?}");
    let only = |topic: &str| about(&ran, topic).pop().unwrap_or_else(|| panic!("{topic}: {ran:?}"));
    assert!(only("keys").starts_with("ok: "), "{}", only("keys"));
    let file = format!("{place}/intel.d/x.gwi: version 1");
    assert!(about(&ran, "indicators").iter().any(|said| said.contains(&file)), "{ran:?}");
    assert!(only("log").starts_with("ok: "), "{}", only("log"));
    assert_eq!(about(&ran, "source").len(), 16, "{ran:?}");
    assert!(about(&ran, "source").contains(&"ok: processes: seen".to_owned()));
    assert!(only("checks").contains("1 checks look"), "{}", only("checks"));
    let lines: Vec<String> = log.lines().into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(" n=1/2 check=selftest sev=notice attack=- test=1 pid="), "{lines:?}");
    assert!(lines[1].contains(" n=2/2 verdict=clean test=1 "), "{lines:?}");
}

/// The tests' indicators, made today and signed by the tests' key.
fn indicators_of_today() -> Vec<u8> {
    let signed = |name: &str| scan::intel("signed").join(name);
    // Where the date is is in src/intel/layout.rs, what stands at the end in src/signature/mod.rs; a secret key of minisign has
    // the two keys of Ed25519 in bytes 62 to 126.
    let key =
        run(Command::new("sh").args(["-c", "tail -n 1 \"$1\" | base64 -d", "sh"]).arg(signed("test.key")))
            .stdout;
    let key = ed25519_compact::SecretKey::from_slice(&key[62..126]).unwrap();
    let mut file = fs::read(signed("v2.gwi")).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    file[16..24].copy_from_slice(&now.to_le_bytes());
    let covered = file.len() - 74;
    let signature = key.sign(&file[..covered], None);
    file[covered + 10..].copy_from_slice(&*signature);
    file
}

#[test]
fn where_all_is_as_it_should_be_it_ends_with_zero() {
    let key = fs::read_to_string(scan::intel("signed").join("test.pub")).unwrap();
    let room = Room::new().file("etc/gatewatch/keys/test.pub", &key).file("etc/rc.local", "exit 0\n");
    fs::create_dir(room.at("etc/gatewatch/intel.d")).unwrap();
    fs::write(room.at("etc/gatewatch/intel.d/x.gwi"), indicators_of_today()).unwrap();
    fs::create_dir(room.at("var/run")).unwrap();
    let script = "busybox syslogd -n -O /out/log & until [ -S /dev/log ]; do sleep 0.02; done
        /gatewatch doctor --syslog >/out/doctor 2>&1; echo $? >/out/status
        tries=0; until grep -q check=selftest /out/log || [ $tries -gt 200 ]; do tries=$((tries + 1)); sleep 0.02; done
        grep -c check=selftest /out/log >>/out/status; kill $!";
    room.end(room.start(script));
    let said = fs::read_to_string(room.at("out/doctor")).unwrap();
    let status = fs::read_to_string(room.at("out/status")).unwrap();
    assert_eq!(status, "0\n1\n", "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok ") || line.starts_with("         ")), "{said}");
}

#[test]
fn what_is_broken_ends_with_three() {
    let dir = Tree::new()
        .file("keys/test.pub", "no key")
        .file("intel.d/x.gwi", "no indicators")
        .file("x.conf", "frmat = x\n");
    let place = dir.path().to_str().unwrap();
    let ran = doctor(&["--dir", place, "--syslog=/nowhere/log", "--config", &format!("{place}/x.conf")]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let said = |topic: &str, expected: &str| {
        let said = about(&ran, topic);
        assert!(said.iter().any(|said| said.contains(expected)), "{topic}: {said:?}");
    };
    said("configuration", &format!("broken: {place}/x.conf:1: unknown key \"frmat\": format is one"));
    said("keys", "limited: none in ");
    said("indicators", "broken: ");
    said("indicators", "limited: none: ");
    said("log", "broken: /nowhere/log takes no report");
    // The command line alone counts, and the other lines are told all the same.
    said("checks", "ok: 1 checks look");
}

#[test]
fn what_the_configuration_hides_and_what_has_expired_is_told() {
    let dir = Tree::new().file(
        "x.conf",
        "skip = ssh-key,exposed\nallow = exe-volatile /opt/x 2026-01-01 old\nallow = exe-volatile /opt/y never y\n",
    );
    let config = dir.path().join("x.conf");
    let mut command = Command::new(GATEWATCH);
    let ran = run(command.args(["doctor", "--format", "json", "--timeout", "30", "--config"]).arg(&config));
    assert!(
        about(&ran, "configuration").contains(&"limited: 2 checks are left out by it".to_owned()),
        "{ran:?}"
    );
    let expected =
        ["limited: exe-volatile /opt/x: has expired, its findings are told again", "ok: 1 entries count"];
    assert_eq!(about(&ran, "allowed"), expected);
    assert!(ran.status > 0);
}

#[test]
fn a_file_that_does_not_count_and_one_that_nobody_reads() {
    need_root();
    let script = "mount -t tmpfs none /etc && mkdir /etc/config /etc/gatewatch || exit 9
        echo 'quiet = 1' >/etc/gatewatch/gatewatch.conf; echo 'quiet = 1' >/etc/config/gatewatch
        chmod 666 /etc/config/gatewatch
        \"$0\" doctor --only startup-dropper --format json";
    let ran = run(Command::new("unshare").args(["-m", "sh", "-c", script, GATEWATCH]));
    let said = about(&ran, "configuration");
    assert!(said[0].starts_with("broken: /etc/config/gatewatch: others can write to it"), "{said:?}");
    assert!(said[1].starts_with("limited: /etc/gatewatch/gatewatch.conf is not read"), "{said:?}");
    assert_eq!(ran.status, 3);
}

#[test]
fn where_reports_and_the_state_go_is_tried_without_a_trace() {
    let place =
        Tree::new().file("there/x.prom", "the last report").file("there/x.prom.new", "of another run");
    let dir = place.path().to_str().unwrap();
    for (output, state, said, monitor) in [
        ("there/x.prom", "state", "ok: OUT can be written", "ok: DIR can be made"),
        ("there/new.prom", "there/", "ok: OUT can be written", "ok: DIR can be written"),
        ("none/x.prom", "none/state", "broken: OUT: not found; no report", "limited: DIR: not found; after"),
        ("there", "there/x.prom", "broken: OUT: a directory", "limited: DIR: not a directory"),
        ("there/x.prom/y", "/", "broken: OUT: not a directory", "ok: / can be written"),
    ] {
        let (out, state) = (place.path().join(output), place.path().join(state));
        let (out, state) = (out.to_str().unwrap(), state.to_str().unwrap());
        let config = place.path().join("x.conf");
        fs::write(&config, format!("format = prom\noutput = {out}\nstate = {state}\n")).unwrap();
        let ran = run(Command::new(GATEWATCH)
            .args(["doctor", "--format", "json", "--only", "startup-dropper", "--config"])
            .arg(&config));
        let told = |topic: &str| about(&ran, topic).pop().unwrap_or_else(|| panic!("{topic}: {ran:?}"));
        assert!(told("output").starts_with(&said.replace("OUT", out)), "{}", told("output"));
        assert!(told("monitor").starts_with(&monitor.replace("DIR", state)), "{}", told("monitor"));
        assert_eq!(said.starts_with("broken"), ran.status == 3, "{ran:?}");
        // What the file says of the format is not for this.
        let ran = run(Command::new(GATEWATCH)
            .args(["doctor", "--only", "startup-dropper", "--config"])
            .arg(&config));
        assert!(scan::clean(&ran.stdout).contains(" configuration: "), "{ran:?}");
    }
    let mut left: Vec<_> =
        fs::read_dir(format!("{dir}/there")).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["x.prom", "x.prom.new"]);
    assert_eq!(fs::read(format!("{dir}/there/x.prom.new")).unwrap(), b"of another run");
}

#[test]
fn the_file_that_was_read_is_named_though_it_names_another_place() {
    need_root();
    let script = "mount -t tmpfs none /etc && mkdir /etc/config /etc/gatewatch /etc/other || exit 9
        echo 'dir = /etc/other' >/etc/gatewatch/gatewatch.conf; echo 'dir = /x' >/etc/other/gatewatch.conf
        \"$0\" doctor --only startup-dropper --format json";
    let ran = run(Command::new("unshare").args(["-m", "sh", "-c", script, GATEWATCH]));
    assert_eq!(about(&ran, "configuration"), ["ok: /etc/gatewatch/gatewatch.conf"], "{ran:?}");
}

#[test]
fn text_has_a_line_each_and_what_to_do() {
    let ran = run(Command::new(GATEWATCH).args(["doctor", "--only", "startup-dropper", "--no-config"]));
    let text = scan::clean(&ran.stdout);
    for line in text.lines() {
        let state =
            ["ok       ", "limited  ", "broken   ", "         "].iter().any(|word| line.starts_with(word));
        assert!(state, "{line}");
    }
    assert!(text.contains("limited  log: reports go to no log\n         nobody hears"), "{text}");
    assert!((1..=3).contains(&ran.status));
}
