//! `gatewatch selftest`: it finds what it plants, says where it cannot, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scan::{GATEWATCH, Log, Ran, Tree, need_root, run, start, wait_for};

/// Runs it where `/tmp` is as `mounts` makes it of the directory `$1`.
fn alone(mounts: &str, place: &Tree) -> Command {
    need_root();
    // Whoever runs this test in the background may have it ignore SIGINT, and what it starts too.
    let mut command = Command::new("env");
    let script = format!("{mounts} || exit 9\nexec \"$0\" selftest --no-config");
    command.args(["--default-signal", "unshare", "-m", "sh", "-c", &script, GATEWATCH]).arg(place.path());
    command
}

/// The process that a selftest has planted, by the selftest's own id.
fn planted(by: u32) -> Option<u32> {
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let ours = status.lines().any(|line| line == format!("PPid:\t{by}"));
        (ours && line.ends_with(b"selftest\0planted\0")).then_some(pid)
    })
}

/// Waits until a process is no more.
fn assert_ended(pid: u32) {
    wait_for("the end of the planted process", || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

fn text(ran: &Ran) -> &str {
    scan::clean(&ran.stdout)
}

#[test]
fn everything_is_found_and_nothing_is_left() {
    let (place, log) = (Tree::new(), Log::new());
    let mut command = alone("mount --bind \"$1\" /tmp", &place);
    let ran = run(&mut command);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for line in [
        "ok       planted process: exe-volatile found it\n",
        "ok       planted startup file: startup-dropper found it\n",
    ] {
        assert!(text(&ran).contains(line), "{ran:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "left in /tmp");

    let ran =
        run(Command::new(GATEWATCH).args(["selftest", "--no-config", "--format", "json"]).arg(log.option()));
    assert_eq!(ran.status, 0, "{ran:?}");
    let rows: Vec<serde_json::Value> =
        text(&ran).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["check"], &rows[0]["test"]), (&"selftest".into(), &true.into()), "{rows:?}");
    assert_eq!((&rows[1]["type"], &rows[1]["test"]), (&"summary".into(), &true.into()), "{rows:?}");
    assert!(rows[2..].iter().all(|row| row["state"] == "ok"), "{rows:?}");
    let lines: Vec<String> = log.lines().into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains(" test=1 ")), "{lines:?}");
}

#[test]
fn what_the_owner_allows_and_leaves_out_is_found_all_the_same() {
    let options = ["--allow", "exe-volatile /tmp/* never x", "--skip", "exe-volatile", "--no-config"];
    let ran = run(Command::new(GATEWATCH).arg("selftest").args(options));
    assert!(ran.status == 0 && text(&ran).contains("exe-volatile found it"), "{ran:?}");
}

#[test]
fn no_report_is_replaced_and_the_finding_is_sent_however_mild_it_is() {
    let place = Tree::new().file("x.prom", "the last report");
    let prom = place.path().join("x.prom");
    for format in ["prom", "json"] {
        let log = Log::new();
        let text = format!("format = {format}\noutput = {}\nmin_severity = infected\n", prom.display());
        let config = place.path().join("x.conf");
        fs::write(&config, text).unwrap();
        let ran = run(Command::new(GATEWATCH).arg("selftest").arg("--config").arg(&config).arg(log.option()));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        assert_eq!(fs::read(&prom).unwrap(), b"the last report", "{format}");
        let said = text_of(&ran, format);
        assert!(said.contains("selftest") && !said.contains("gatewatch_verdict"), "{ran:?}");
        assert!(said.contains("a test finding was sent to standard output, /"), "{ran:?}");
        let lines = log.lines();
        assert!(lines.iter().any(|line| line.windows(14).any(|it| it == b"check=selftest")), "{lines:?}");
    }
    let refused = run(Command::new(GATEWATCH).args(["selftest", "--no-config", "-o"]).arg(&prom));
    assert_eq!((refused.status, refused.stdout.len()), (3, 0), "{refused:?}");
    assert_eq!(fs::read(&prom).unwrap(), b"the last report");
}

/// What was said, after a look at its form.
fn text_of<'r>(ran: &'r Ran, format: &str) -> &'r str {
    let said = text(ran);
    assert_eq!(said.starts_with('{'), format == "json", "{said}");
    said
}

#[test]
fn where_programs_cannot_run_the_startup_file_is_looked_for() {
    let place = Tree::new();
    let ran = run(&mut alone("mount -t tmpfs -o noexec none /tmp", &place));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        text(&ran).contains("limited  planted process: exe-volatile: programs in /tmp/gatewatch-selftest-"),
        "{ran:?}"
    );
    assert!(text(&ran).contains("ok       planted startup file: "), "{ran:?}");
}

#[test]
fn where_nothing_can_be_written_it_fails() {
    let place = Tree::new();
    let ran = run(&mut alone("mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm", &place));
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(text(&ran).contains("broken   planted files: no directory can be made"), "{ran:?}");
    // A place that is too small for the program.
    let script = "mount -t tmpfs -o size=64k none /tmp && echo here >/tmp/other";
    let ran = run(&mut alone(script, &place));
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(text(&ran).contains("broken   planted process: /tmp/gatewatch-selftest-"), "{ran:?}");
}

#[test]
fn a_log_that_does_not_answer_fails() {
    let ran = run(Command::new(GATEWATCH).args(["selftest", "--no-config", "--syslog=/nowhere/log"]));
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(text(&ran).contains("broken   report: a test finding does not reach all places"), "{ran:?}");
    assert!(text(&ran).contains("exe-volatile found it"), "the other steps are made: {ran:?}");
}

#[test]
fn who_ends_it_leaves_nothing_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        // It may have come to its own end before the signal reached it.
        let ended = (0..20).any(|_| {
            let place = Tree::new();
            let child = start(&mut alone("mount --bind \"$1\" /tmp", &place));
            let pid = Pid::from_raw(i32::try_from(child.0.id()).unwrap());
            let planted = wait_for("a planted process", || planted(child.0.id()));
            kill(pid, signal).unwrap();
            let ran = scan::finish(child);
            assert!([0, 128 + signal as i32].contains(&ran.status), "{ran:?}");
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "left in /tmp");
            assert_ended(planted);
            ran.status != 0
        });
        assert!(ended, "{signal}");
    }
}

#[test]
fn who_kills_it_leaves_no_process_behind() {
    let place = Tree::new();
    let mut child = start(&mut alone("mount --bind \"$1\" /tmp", &place));
    let planted = wait_for("a planted process", || planted(child.0.id()));
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    assert_ended(planted);
}
