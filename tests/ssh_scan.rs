//! scripts/ssh-scan against real dropbears in chroots that hold BusyBox and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[path = "common/device.rs"]
mod device;
#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use device::{BUSYBOX, Desk, Device, FEW, MANY, Plan, done};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scan::{Ran, finish, intel, run, start, wait_for};
use serde_json::Value;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// The lines of a file of results.
fn lines(bytes: &[u8]) -> Vec<Value> {
    let rows = scan::clean(bytes).lines();
    rows.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"))).collect()
}

/// The line that tells how a device fared.
#[track_caller]
fn host<'r>(rows: &'r [Value], address: &str) -> &'r Value {
    let mut found = rows.iter().filter(|row| row["host"] == address && row["type"] == "host");
    let row = found.next().unwrap_or_else(|| panic!("no {address} in {rows:?}"));
    assert!(found.next().is_none(), "{address} twice");
    row
}

/// Looks at one device; gives the line about it, and what was said.
#[track_caller]
fn look(desk: &Desk, device: &Device, more: &[&str]) -> (Value, Ran) {
    let ran = desk.sweep(&[&[device.address.as_str(), "--results", "-"], more].concat());
    assert_eq!(ran.stderr, "");
    (host(&lines(&ran.stdout), &device.address).clone(), ran)
}

fn why(row: &Value) -> &str {
    row["why"].as_str().unwrap_or_default()
}

fn indicators() -> String {
    intel("live.gwi").to_str().unwrap().to_owned()
}

/// A program that says what is in /say, then ends with the status in /status, or never if there is none; and that says x for
/// ever if there is no /say.
fn puppet() -> Vec<u8> {
    const SOURCE: &str = r#"
#include <stdio.h>
#include <unistd.h>
int main(void) {
    int byte, status;
    FILE *say = fopen("/say", "r"), *end = fopen("/status", "r");
    if (!say) for (;;) putchar('x');
    while ((byte = getc(say)) != EOF) putchar(byte);
    fflush(stdout);
    if (!end || fscanf(end, "%d", &status) != 1) for (;;) pause();
    return status;
}"#;
    let dir = tempfile::tempdir().unwrap();
    let (source, program) = (dir.path().join("puppet.c"), dir.path().join("puppet"));
    fs::write(&source, SOURCE).unwrap();
    done(&format!("gcc -static -Os -s -o {} {}", program.display(), source.display()));
    fs::read(program).unwrap()
}

#[test]
fn the_scripts_are_for_any_posix_shell() {
    for script in ["ssh-scan", "ssh-scan.d/device", "ssh-scan.d/programs"] {
        let script = format!("{SCRIPTS}/{script}");
        done(&format!("shellcheck -s sh {script}"));
        done(&format!("dash -n {script}"));
        done(&format!("busybox ash -n {script}"));
    }
    let help = run(Command::new("busybox").args(["ash", &format!("{SCRIPTS}/ssh-scan"), "--help"]));
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    let script = fs::read_to_string(format!("{SCRIPTS}/ssh-scan")).unwrap();
    let options = script.split("options() {").nth(1).unwrap().split("\n}\n").next().unwrap();
    for option in options.split([' ', '|', ')']).filter(|word| word.starts_with('-') && word.len() > 1) {
        let option = option.trim_end_matches(';');
        if option.chars().skip(1).all(|c| c.is_ascii_lowercase() || c.is_ascii_uppercase() || c == '-')
            && !["--", "-n", "-gt", "-h", "--help"].contains(&option)
        {
            assert!(text(&help.stdout).contains(option), "{option} is not in --help");
        }
    }
    let wrong = run(Command::new(format!("{SCRIPTS}/ssh-scan")).arg("--frobnicate"));
    assert_eq!(wrong.status, 3);
    assert!(wrong.stderr.contains("unknown option --frobnicate"), "{}", wrong.stderr);
    for host in ["-oProxyCommand=x", "a;b", "@a", "a b", "a:b", "$(x)@a"] {
        let ran = run(Command::new(format!("{SCRIPTS}/ssh-scan")).args(["-j", "2", "--results", "-", host]));
        assert_eq!((ran.status, ran.stdout.as_slice()), (3, &b""[..]), "{host}");
    }
}

#[test]
fn a_healthy_router_is_clean_with_few_tools_and_with_many() {
    let desk = Desk::new();
    for (tools, arguments) in
        [(BUSYBOX, &[][..]), (FEW, &[]), (MANY, &["-v"][..]), ("cat chmod rm sleep head wc", &[])]
    {
        let device = Plan::new(&desk, tools).start();
        let intel = indicators();
        // Without dd nothing can be cut out of what is sent.
        let files: &[&str] = if tools.contains("dd") { &["--intel", &intel] } else { &[] };
        let (row, ran) = look(&desk, &device, &[files, arguments].concat());
        device.assert_tidy(&[]);
        let rows = lines(&ran.stdout);
        let summary = rows.iter().find(|row| row["type"] == "summary").unwrap();
        assert_eq!((&row["target"], &row["place"]), (&"host".into(), &"/tmp".into()), "{row}");
        assert_eq!((row["infected"].as_u64(), row["suspicious"].as_u64()), (Some(0), Some(0)), "{rows:?}");
        assert_eq!(row["verdict"], summary["verdict"]);
        assert!(rows.iter().all(|row| row["host"] == device.address.as_str()), "{rows:?}");
        if !files.is_empty() {
            assert_eq!((ran.status, row["verdict"].as_str(), why(&row)), (0, Some("clean"), ""), "{rows:?}");
            assert_eq!(summary["intel"]["version"], 7, "{summary}");
        }
        assert_eq!(rows.iter().any(|row| row["type"] == "check"), arguments.contains(&"-v"));
    }
}

#[test]
fn a_router_may_have_another_shell() {
    let desk = Desk::new();
    let plan = Plan::new(&desk, MANY);
    plan.libraries("/bin/bash");
    let device = plan.tool("bin/sh", &fs::read("/bin/bash").unwrap()).start();
    let (row, ran) = look(&desk, &device, &["--intel", &indicators()]);
    assert_eq!((ran.status, why(&row)), (0, ""));
    device.assert_tidy(&[]);
}

#[test]
fn so_may_the_desk() {
    let desk = Desk::new();
    let device = Plan::new(&desk, BUSYBOX).start();
    for shell in [&["busybox", "ash"][..], &["bash", "--posix"]] {
        let mut command = desk.ssh_scan_in(shell);
        let ran =
            run(command.args(["--results", "-", "--intel", &indicators(), &device.address, "127.0.0.1"]));
        let rows = lines(&ran.stdout);
        assert_eq!((ran.status, ran.stderr.as_str()), (3, ""), "{shell:?}");
        assert_eq!(host(&rows, &device.address)["verdict"], "clean", "{rows:?}");
        assert!(why(host(&rows, "127.0.0.1")).contains("Connection refused"), "{rows:?}");
        desk.assert_tidy();
        device.assert_tidy(&[]);
    }
}

#[test]
fn sweeps_of_one_device_do_not_find_each_other() {
    let desk = Desk::new();
    let device = Plan::new(&desk, BUSYBOX).start();
    let hosts = ["", ":22", ":022", ":0022"].map(|port| format!("{}{port}", device.address));
    for _ in 0..2 {
        let ran =
            desk.sweep(&[&["--intel", &indicators()][..], &hosts.each_ref().map(String::as_str)].concat());
        assert_eq!(ran.status, 0, "{}", text(&ran.stdout));
    }
    device.assert_tidy(&[]);
}

#[test]
fn a_planted_program_is_found_and_left_alone() {
    let desk = Desk::new();
    let plan = Plan::new(&desk, MANY);
    plan.libraries("/bin/sleep");
    let mut device = plan.tool("bin/doze", &fs::read("/bin/sleep").unwrap()).start();
    device.shell(
        "cp /bin/doze /tmp/gwt-bot 2>/dev/null || cat /bin/doze >/tmp/gwt-bot; chmod 755 /tmp/gwt-bot",
    );
    device.shell("/tmp/gwt-bot 600 >/dev/null 2>&1 </dev/null &");
    let pid = device.wait_for_process("/tmp/gwt-bot");
    device.settle();

    let ran = desk.sweep(&[
        &device.address,
        "--only",
        "exe-volatile,dropped-elf",
        "--results",
        desk.at("results").to_str().unwrap(),
    ]);
    let rows = lines(&fs::read(desk.at("results")).unwrap());
    let finding = rows.iter().find(|row| row["check"] == "exe-volatile").unwrap();
    assert_eq!(finding["path"], "/tmp/gwt-bot");
    let row = host(&rows, &device.address);
    let expected = if row["verdict"] == "infected" { 2 } else { 1 };
    assert_eq!(ran.status, expected, "{row}");
    let table = text(&ran.stdout);
    assert!(
        table.contains(row["verdict"].as_str().unwrap()) && table.contains("exe-volatile /tmp/gwt-bot"),
        "{table}"
    );
    device.assert_tidy(&["/tmp/gwt-bot"]);
    assert_eq!(device.wait_for_process("/tmp/gwt-bot"), pid);
}

#[test]
fn it_runs_where_there_is_room_and_leave_to_run() {
    let desk = Desk::new();
    for (tools, memory, place) in [
        (MANY, "/tmp:size=16m,noexec /run:size=16m", "/run"),
        (MANY, "/tmp:size=64k /dev/shm:size=16m", "/dev/shm"),
        (FEW, "/tmp:size=64k /var/run:size=16m", "/var/run"),
        (FEW, "/tmp:size=16m,ro /var:size=16m", "/var"),
        // Not in memory: that comes last.
        (MANY, "/run:size=64k", "/tmp"),
    ] {
        let device = Plan::new(&desk, tools).memory(memory).start();
        let (row, ran) = look(&desk, &device, &["--intel", &indicators()]);
        assert_eq!((ran.status, row["place"].as_str()), (0, Some(place)), "{memory}: {row}");
        device.assert_tidy(&[]);
    }
    for (tools, memory, reasons) in [
        (
            MANY,
            "/tmp:size=16m,noexec /var/tmp:size=64k /run:size=16m,ro",
            &["/tmp is mounted noexec", "/var/tmp has 64 KiB free", "/run is read-only"][..],
        ),
        (FEW, "/tmp:size=64k", &["/tmp has no room for "]),
    ] {
        let device = Plan::new(&desk, tools).memory(memory).start();
        let (row, ran) = look(&desk, &device, &[]);
        assert_eq!((ran.status, row["verdict"].as_str()), (3, Some("incomplete")));
        assert!(reasons.iter().all(|reason| why(&row).contains(reason)), "{row}");
        device.assert_tidy(&[]);
    }
    // Neither df nor /dev/zero tell before that there is no room.
    let device = Plan::new(&desk, FEW).memory("/tmp:size=64k").without_zero().start();
    let (row, _) = look(&desk, &device, &[]);
    assert_eq!(why(&row), "only a part arrived: /tmp is full, or the link was lost");
    device.assert_tidy(&[]);
    // A disk in the place of memory that is full already.
    let mut device = Plan::new(&desk, MANY).start();
    device.shell("dd if=/dev/zero of=/tmp/big bs=4096 2>/dev/null || true");
    device.settle();
    let (row, _) = look(&desk, &device, &[]);
    assert!(why(&row).contains("/tmp has 0 KiB free"), "{row}");
    device.assert_tidy(&[]);
}

#[test]
fn what_is_missing_is_said() {
    let desk = Desk::new();
    for (tools, reason) in [
        ("cat rm sleep dd ls", "the device has no chmod"),
        ("cat chmod rm sleep ls", "what it is cannot be told, having neither dd nor head: name its --target"),
        ("cat chmod rm sleep dd", "the device has nothing that counts bytes: neither wc, stat nor ls"),
    ] {
        let device = Plan::new(&desk, tools).start();
        let (row, ran) = look(&desk, &device, &[]);
        assert_eq!((ran.status, why(&row)), (3, reason));
        device.assert_tidy(&[]);
    }
    let device = Plan::new(&desk, "cat chmod rm sleep ls").start();
    let (row, _) = look(&desk, &device, &["--target", "host", "--only", "exe-deleted"]);
    assert_eq!((row["verdict"].as_str(), &row["target"]), (Some("clean"), &"host".into()), "{row}");
    device.assert_tidy(&[]);
}

#[test]
fn what_arrives_damaged_is_not_run() {
    let desk = Desk::new();
    let liar = b"#!/bin/sh\nbusybox cat | busybox tr A B\n";
    for (tools, said) in [
        (MANY, "what arrived is not what was sent, says sha256sum"),
        ("cat chmod rm sleep dd ls md5sum", "says md5sum"),
    ] {
        let device = Plan::new(&desk, tools).tool("bin/cat", liar).start();
        let (row, ran) = look(&desk, &device, &[]);
        assert!(ran.status == 3 && why(&row).contains(said), "{row}");
        device.assert_tidy(&[]);
    }
    let short = b"#!/bin/sh\nbusybox head -c 5000\nbusybox cat >/dev/null\n";
    let device = Plan::new(&desk, FEW).tool("bin/cat", short).start();
    let (row, _) = look(&desk, &device, &[]);
    assert!(why(&row).starts_with("only 5000 of "), "{row}");
    device.assert_tidy(&[]);
}

/// The end of a sweep whose connection was ended from outside.
fn end_of(sweep: scan::Guard) -> Vec<Value> {
    let ran = finish(sweep);
    assert_eq!((ran.status, ran.stderr.as_str()), (3, ""));
    lines(&ran.stdout)
}

/// The shell that a connection has started on a device. Its children have the same words, and not always higher numbers.
fn shell_of(device: &Device) -> Pid {
    let shells: Vec<u32> = device
        .processes()
        .into_iter()
        .filter_map(|(pid, line)| line.starts_with("/bin/sh -c ").then_some(pid))
        .collect();
    let parent = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse::<u32>().unwrap()
    };
    let shell = shells.iter().find(|pid| !shells.contains(&parent(pid))).unwrap();
    Pid::from_raw((*shell).try_into().unwrap())
}

/// The ssh that leads to a device.
fn client(device: &Device) -> Pid {
    let address = &device.address;
    let found = wait_for("ssh", || {
        fs::read_dir("/proc").unwrap().find_map(|entry| {
            let entry = entry.unwrap();
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let words: Vec<_> = line.split(|byte| *byte == 0).collect();
            (words[0] == b"ssh" && words.contains(&address.as_bytes())).then(|| entry.file_name())
        })
    });
    Pid::from_raw(found.to_str().unwrap().parse().unwrap())
}

#[test]
fn a_link_that_is_lost_while_sending_leaves_nothing() {
    let desk = Desk::new();
    // Takes some of it, then nothing more, as a link does that has become slow.
    let slow = b"#!/bin/sh\nbusybox dd bs=1000 count=20 2>/dev/null; exec busybox sleep 600\n";
    let start_sweep = |device: &Device, more: &[&str]| {
        let sweep = start(desk.ssh_scan().args(["--results", "-", &device.address]).args(more));
        device.wait_for_process("sleep 600");
        sweep
    };
    let device = Plan::new(&desk, FEW).tool("bin/cat", slow).start();
    let sweep = start_sweep(&device, &[]);
    kill(client(&device), Signal::SIGKILL).unwrap();
    assert_ne!(why(host(&end_of(sweep), &device.address)), "");
    device.assert_tidy(&[]);

    // The shell on the device is killed: what watches it ends the rest.
    let sweep = start_sweep(&device, &[]);
    kill(shell_of(&device), Signal::SIGKILL).unwrap();
    end_of(sweep);
    device.assert_tidy(&[]);

    // Nobody moves, until the time is over.
    let sweep = start_sweep(&device, &["--host-timeout", "3"]);
    let rows = end_of(sweep);
    let row = host(&rows, &device.address);
    assert!(why(row).starts_with("no answer within 3 seconds") || why(row) == "the time is over", "{row}");
    device.assert_tidy(&[]);

    // The cable is cut: neither side is told. Of the device's side, dropbear alone waits on.
    let sweep = start_sweep(&device, &["--host-timeout", "3"]);
    device.cut();
    end_of(sweep);
    device.assert_tidy(&["dropbear"]);

    // BusyBox's own cat, in the middle of a large program.
    let large = [fs::read(scan::GATEWATCH).unwrap(), vec![0; 40 << 20]].concat();
    desk.program("host", &large);
    let busybox = Plan::new(&desk, BUSYBOX).memory("/tmp:size=200m").start();
    let sweep = start(desk.ssh_scan().args(["--results", "-", &busybox.address]));
    busybox.wait_for_process("cat");
    kill(client(&busybox), Signal::SIGSTOP).unwrap();
    busybox.wait_for_process("cat");
    kill(client(&busybox), Signal::SIGKILL).unwrap();
    assert_ne!(why(host(&end_of(sweep), &busybox.address)), "");
    busybox.assert_tidy(&[]);
    desk.assert_tidy();
}

#[test]
fn a_link_that_is_lost_during_the_scan_leaves_nothing() {
    let desk = Desk::new();
    desk.program("host", &puppet());
    let device = Plan::new(&desk, BUSYBOX).tool("say", b"").start();
    let start_sweep = || {
        let sweep = start(desk.ssh_scan().args(["--results", "-", &device.address]));
        device.wait_for_process("/proc/self/fd/8 scan --format json");
        sweep
    };
    let sweep = start_sweep();
    kill(client(&device), Signal::SIGKILL).unwrap();
    let rows = end_of(sweep);
    let said = why(host(&rows, &device.address));
    assert!(said == "the report breaks off" || said == "the connection broke off: exit status 137", "{said}");
    device.assert_tidy(&[]);

    // The shell on the device is killed.
    let sweep = start_sweep();
    kill(shell_of(&device), Signal::SIGKILL).unwrap();
    end_of(sweep);
    device.assert_tidy(&[]);

    // Somebody has no patience: what is known is told, and nothing stays on either side.
    let sweep = start_sweep();
    kill(Pid::from_raw(sweep.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(why(host(&end_of(sweep), &device.address)).starts_with("interrupted"));
    device.assert_tidy(&[]);
    desk.assert_tidy();
}

#[test]
fn many_devices_from_an_inventory() {
    let desk = Desk::new();
    let devices: Vec<Device> = (0..3).map(|_| Plan::new(&desk, MANY).start()).collect();
    let stranger = Plan::new(&desk, FEW).start();
    let known = fs::read_to_string(desk.at("known_hosts")).unwrap();
    let other = Plan::new(&desk, FEW).start();
    // The keys of two devices, exchanged; and one that nobody knows.
    let wrong = known.lines().next().unwrap().split_once(' ').unwrap().1;
    let keep = known.lines().filter(|line| !line.starts_with(&stranger.address));
    let known = keep
        .chain([format!("{} {wrong}", stranger.address).as_str()])
        .fold(String::new(), |all, line| all + line + "\n");
    fs::write(desk.at("known_hosts"), known).unwrap();

    let mut inventory = fs::File::create(desk.at("inventory")).unwrap();
    writeln!(
        inventory,
        "# the street\n\n{}  # with a comment\nroot@{}:22 \"grün\" house \\ #4 # and one",
        devices[0].address, devices[1].address
    )
    .unwrap();
    writeln!(
        inventory,
        "{}\n{}\n{}:23\n{}",
        stranger.address, other.address, devices[2].address, devices[2].address
    )
    .unwrap();
    drop(inventory);
    fs::write(desk.at("results"), "of last week\n").unwrap();
    let results = desk.at("results");
    let ran = desk.sweep(&[
        "-f",
        desk.at("inventory").to_str().unwrap(),
        "-j",
        "4",
        "--intel",
        &indicators(),
        "--results",
        results.to_str().unwrap(),
        "--",
        "--skip",
        "ssh-key",
    ]);
    assert_eq!((ran.status, ran.stderr.as_str()), (3, ""));

    let rows = lines(&fs::read(&results).unwrap());
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row["type"] == "host")
        .map(|row| (row["host"].as_str().unwrap(), row["verdict"].as_str().unwrap()))
        .collect();
    let second = format!("{}:22", devices[1].address);
    let closed = format!("{}:23", devices[2].address);
    let expected = [
        (devices[0].address.as_str(), "clean"),
        (&second, "clean"),
        (&stranger.address, "incomplete"),
        (&other.address, "incomplete"),
        (&closed, "incomplete"),
        (&devices[2].address, "clean"),
    ];
    assert_eq!(told, expected);
    assert_eq!(rows.iter().filter(|row| row["type"] == "summary").count(), 3);
    assert_eq!(host(&rows, &second)["label"], "\"grün\" house \\", "{rows:?}");
    assert_eq!(host(&rows, &second)["user"], "root");
    assert_eq!(host(&rows, &devices[0].address).get("label"), None);
    for unknown in [&stranger.address, &other.address] {
        assert_eq!(why(host(&rows, unknown)), "Host key verification failed.");
    }
    assert!(why(host(&rows, &closed)).contains("Connection refused"));

    let table: Vec<&str> = text(&ran.stdout).lines().collect();
    assert!(table[0].starts_with("host "), "{table:?}");
    assert_eq!(table.len(), 8, "{table:?}");
    assert_eq!(*table.last().unwrap(), "6 devices: 0 infected, 0 suspicious, 3 incomplete, 3 clean");
    for device in devices.iter().chain([&stranger, &other]) {
        device.assert_tidy(&[]);
    }
    let left: Vec<_> = fs::read_dir(desk.at("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("part")), "{left:?}");
}

#[test]
fn a_device_that_nobody_can_reach_keeps_no_other_from_its_turn() {
    let desk = Desk::new();
    let device = Plan::new(&desk, FEW).start();
    let begun = Instant::now();
    let ran = desk.sweep(&[
        "-j",
        "1",
        "--host-timeout",
        "2",
        "10.77.1.77",
        &device.address,
        "--intel",
        &indicators(),
    ]);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let table = text(&ran.stdout);
    assert!(
        ran.status == 3 && table.contains("2 devices: 0 infected, 0 suspicious, 1 incomplete, 1 clean"),
        "{table}"
    );
    assert!(table.contains("no answer within 2 seconds") || table.contains("No route to host"), "{table}");
}

const SUMMARY: &str = r#"{"v":1,"type":"summary","verdict":"clean","infected":0,"suspicious":0,"notice":0,"checks":1,"blind":0}"#;

#[test]
fn a_hostile_device_breaks_neither_report_nor_terminal() {
    let desk = Desk::new();
    desk.program("host", &puppet());
    let hostile: [(&[u8], &str, &str); 6] = [
        (b"", "0", "the report has no summary"),
        (b"\x1b[2J\x1b]0;owned\x07\n{\"v\":1,\"type\":\"finding\",\"name\":\"\xff\"}\n\0\0\n", "0", "3 lines of the report are not gatewatch's"),
        (b"{\"v\":1,\"type\":\"finding\",\"host\":\"10.0.0.1\"}\n{\"v\":1,\"type\":\"finding\",\"name\":\"\\u001b[2J\"}\n", "0", "2 lines of the report are not gatewatch's"),
        (b"{\"v\":1,\"type\":\"finding\",\"name\":\"\xc2\x9b2J\"}\n", "0", "1 lines of the report are not gatewatch's"),
        (b"", "7", "the program ended with status 7"),
        (b"", "2", "its report says clean, its exit status infected"),
    ];
    for (number, (say, status, expected)) in hostile.into_iter().enumerate() {
        let summary = if number == 0 { "" } else { SUMMARY };
        let device = Plan::new(&desk, FEW)
            .tool("say", &[say, summary.as_bytes()].concat())
            .tool("status", status.as_bytes())
            .start();
        let ran = desk.sweep(&[&device.address, "--results", desk.at("results").to_str().unwrap()]);
        scan::clean(&ran.stdout);
        let rows = lines(&fs::read(desk.at("results")).unwrap());
        let row = host(&rows, &device.address);
        assert!(why(row).contains(expected), "{number}: {row}");
        assert_eq!(ran.status, if status == "2" { 2 } else { 3 }, "{row}");
        assert!(rows.iter().all(|row| row["host"] == device.address.as_str()), "{rows:?}");
        device.assert_tidy(&[]);
    }
}

#[test]
fn what_a_device_sends_is_bounded() {
    let desk = Desk::new();
    desk.program("host", &puppet());
    let device = Plan::new(&desk, FEW).start();
    let (row, ran) = look(&desk, &device, &["--host-timeout", "20"]);
    assert_eq!((ran.status, row["verdict"].as_str()), (3, Some("incomplete")), "{row}");
    assert!(ran.stdout.len() < 1000, "{row}");
    device.assert_tidy(&[]);

    let shell = b"#!/bin/busybox sh\nexec busybox tr '\\000' x </dev/zero\n";
    let device = Plan::new(&desk, FEW).tool("bin/sh", shell).start();
    let (row, ran) = look(&desk, &device, &["--host-timeout", "3"]);
    assert_eq!((ran.status, row["verdict"].as_str()), (3, Some("incomplete")), "{row}");
    assert!(ran.stdout.len() < 1000, "{row}");
    device.assert_tidy(&[]);
}

#[test]
fn one_device_may_be_asked_for_a_password_and_many_are_not() {
    let desk = Desk::new();
    // SHA-512 of "healthy", as crypt(3) has it.
    let shadow = run(Command::new("busybox").args(["mkpasswd", "-m", "sha512", "-S", "saltsalt", "healthy"]));
    let shadow = format!("root:{}:1::::::\n", text(&shadow.stdout).trim());
    let plan = Plan::new(&desk, FEW);
    fs::write(plan.at("etc/shadow"), shadow).unwrap();
    let device = plan.start();
    fs::write(desk.at("ask"), "#!/bin/sh\necho healthy\n").unwrap();
    done(&format!("chmod 700 {}", desk.at("ask").display()));
    let sweep = |hosts: &[&str]| {
        let mut command = desk.ssh_scan();
        command.env("SSH_ASKPASS", desk.at("ask")).env("SSH_ASKPASS_REQUIRE", "force");
        command
            .args(["-o", "PubkeyAuthentication=no", "--only", "exe-deleted", "--results", "-"])
            .args(hosts);
        let rows = lines(&run(&mut command).stdout);
        host(&rows, &device.address).clone()
    };
    let asked = sweep(&[&device.address]);
    assert_eq!(asked["verdict"], "clean", "{asked}");
    // The same device twice is looked at once.
    let asked = sweep(&[&device.address, &format!("root@{}", device.address)]);
    assert_eq!(asked["verdict"], "clean", "{asked}");
    let refused = sweep(&[&device.address, "127.0.0.1"]);
    assert!(why(&refused).contains("Permission denied"), "{refused}");
}

#[test]
fn what_is_printed_before_the_report_is_passed_over() {
    let desk = Desk::new();
    let shell = b"#!/bin/busybox sh\necho 'gatewatch-0 end 0'; printf 'Welcome\\033[2J \\0 no newline'; echo; echo oops >&2\nexec /bin/busybox sh \"$@\"\n";
    let plan = Plan::new(&desk, FEW).tool("bin/sh", shell).tool("banner", b"\x1b[2JAuthorised use only\n");
    let device = plan.server(&["-b", "/banner"]).start();
    let ran = desk.sweep(&[&device.address, "--intel", &indicators()]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", text(&ran.stdout));
    scan::clean(&ran.stdout);
    device.assert_tidy(&[]);

    let shell = b"#!/bin/busybox sh\necho 'command not understood'; echo \"% bad\x1b[2J\" >&2; exit 5\n";
    let device = Plan::new(&desk, FEW).tool("bin/sh", shell).start();
    let (row, _) = look(&desk, &device, &[]);
    assert_eq!(why(&row), "% bad?[2J");
    device.assert_tidy(&[]);
}

/// The head of a program: class, byte order, machine, flags.
fn head(class: u8, order: u8, machine: u16, flags: u32) -> Vec<u8> {
    let mut head = vec![0; 64];
    head[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order, 1]);
    let at = if class == 2 { 48 } else { 36 };
    let (machine, flags) = if order == 2 {
        (machine.to_be_bytes(), flags.to_be_bytes())
    } else {
        (machine.to_le_bytes(), flags.to_le_bytes())
    };
    head[18..20].copy_from_slice(&machine);
    head[at..at + 4].copy_from_slice(&flags);
    head
}

#[test]
fn the_program_is_chosen_by_the_head_of_one_of_the_devices_own() {
    let desk = Desk::new();
    desk.program("mips", &head(1, 2, 8, 0x5000_1001));
    desk.program("mipsel", &head(1, 1, 8, 0x5000_1005));
    desk.program("armv5", &head(1, 1, 40, 0x0500_0200));
    desk.program("armv7", &head(1, 1, 40, 0x0500_0200));
    let dd = b"#!/bin/sh\n[ \"$*\" != 'bs=64 count=1' ] || exec busybox cat /head\nexec busybox dd \"$@\"\n";
    for (head, expected) in [
        (head(1, 2, 8, 0x7000_1007), "mips"),
        (head(1, 1, 8, 0x7400_1007), "mipsel"),
        (head(1, 1, 40, 0x0500_0400), "armv7"),
        (
            head(1, 2, 8, 0x9000_1407),
            "there is no program for big-endian 32-bit MIPS release 6, only: armv5,armv7,host,mips,mipsel",
        ),
        (head(1, 2, 8, 0x8000_0027), "there is no program for big-endian 32-bit MIPS n32"),
        (head(2, 2, 8, 0x8000_0007), "there is no program for big-endian 64-bit MIPS"),
        (head(2, 1, 183, 0), "there is no program for little-endian 64-bit ARM"),
        (head(1, 1, 40, 0), "there is no program for little-endian 32-bit ARM"),
        (head(1, 2, 20, 0), "there is no program for big-endian 32-bit PowerPC"),
        (b"\x7fELF".repeat(16), "the head of its programs cannot be read"),
    ] {
        let device = Plan::new(&desk, FEW).tool("bin/dd", dd).tool("head", &head).start();
        let (row, _) = look(&desk, &device, &[]);
        assert!(row["target"] == expected || why(&row).contains(expected), "{expected}: {row}");
        assert!(row.get("target").is_none() || why(&row) == "the program did not start", "{row}");
        device.assert_tidy(&[]);
    }
}

#[test]
fn the_version_of_an_arm_core_counts() {
    // /proc/cpuinfo is this machine's: the choice alone is asked for.
    let functions = format!(". {SCRIPTS}/ssh-scan.d/programs");
    let dir = tempfile::tempdir().unwrap();
    let kind = "1:1:40:5";
    fs::write(dir.path().join("programs"), format!("armv5 {kind}\narmv7 {kind}\nmips 1:2:8:0.0\n")).unwrap();
    for (version, expected) in
        [("0", "armv7"), ("5", "armv5"), ("6", "armv5"), ("7", "armv7"), ("8", "armv7")]
    {
        let ask = format!(
            "{functions}\nwork={} why=\nchoose {kind} {version}; echo \"$program$why\"",
            dir.path().display()
        );
        let ran = run(Command::new("dash").args(["-c", &ask]));
        assert_eq!(text(&ran.stdout).trim(), expected, "{version}: {}", ran.stderr);
    }
    let ask =
        format!("{functions}\nwork={} why=\nchoose {kind} 4; echo \"$program$why\"", dir.path().display());
    let ran = run(Command::new("dash").args(["-c", &ask]));
    assert_eq!(
        text(&ran.stdout).trim(),
        "there is no program for little-endian 32-bit ARM version 4, only: armv5,armv7,mips"
    );
}

/// What report.awk makes of a body: the row, and the lines it takes.
fn judged(awk: &[&str], body: &[u8]) -> (String, String) {
    judged_with(awk, body, "")
}

/// The same where mild findings are left out.
fn judged_with(awk: &[&str], body: &[u8], hides: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let json: PathBuf = dir.path().join("json");
    let mut command = Command::new(awk[0]);
    command.args(&awk[1..]).arg("-f").arg(Path::new(SCRIPTS).join("ssh-scan.d/report.awk"));
    command
        .envs([("LC_ALL", "C"), ("MARK", "m"), ("HOST", "h")])
        .env("JSON", &json)
        .env("HIDES", hides)
        .env("TEXT", dir.path().join("text"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    (text(&output.stdout).trim_end().to_owned(), fs::read_to_string(json).unwrap())
}

/// A device is never told to write its report, or to write another one.
#[test]
fn what_would_write_on_a_device_is_refused() {
    for words in [&["-o", "/tmp/x"][..], &["-qo/tmp/x"], &["--output=/tmp/x"], &["--format", "prom"]] {
        let ran = run(Command::new("sh")
            .arg(Path::new(SCRIPTS).join("ssh-scan"))
            .args(["192.0.2.1", "--"])
            .args(words));
        assert_eq!(ran.status, 3, "{words:?}: {ran:?}");
        assert!(ran.stderr.contains("on a device"), "{words:?}: {ran:?}");
    }
}

#[test]
fn only_lines_of_gatewatch_are_taken() {
    let golden = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings")).unwrap();
    let real: Vec<String> = golden
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(real.len() > 5);
    for awk in [&["awk"][..], &["busybox", "awk"]] {
        for report in &real {
            let (_, taken) = judged(awk, format!("{report}m end 0\n").as_bytes());
            assert_eq!(taken.replace("{\"host\":\"h\",", "{"), *report, "{awk:?}");
        }
        for good in [
            "1",
            "-1",
            "0",
            "[]",
            "{}",
            "[1,2,{\"a\":[true,false,null]}]",
            "\"\"",
            "\"\\\\x1b\\\"\"",
            "\"ä\u{10ffff}\u{20ac}\"",
        ] {
            let line = format!("{{\"v\":1,\"type\":\"check\",\"a\":{good}}}\n");
            assert_eq!(judged(awk, line.as_bytes()).1, line.replacen('{', "{\"host\":\"h\",", 1), "{awk:?}");
        }
        for bad in [
            &b"01"[..],
            b"1.",
            b"",
            b"x",
            b"\"",
            b"\"\\n\"",
            b"\"\\u0041\"",
            b"[1,]",
            b"[,1]",
            b"{1:2}",
            b"{\"a\"}",
            b"1}{\"b\":1",
            b"\"\x01\"",
            b"\"\x7f\"",
            b"\"\xff\"",
            b"\"\xc0\x80\"",
            b"\"\xc3\"",
            b"\"\xed\xa0\x80\"",
            b"\"\xf4\x90\x80\x80\"",
            b"\"\xe2\x80\xae\"",
            b"\"\xc2\x85\"",
            b"1,\"host\":\"x\"",
            b"[[[[[[[[1]]]]]]]]",
            b"\x01",
            b"\x03",
            b"tru",
            b"S",
        ] {
            let line = [b"{\"v\":1,\"type\":\"check\",\"a\":", bad, b"}\n"].concat();
            assert_eq!(judged(awk, &line).1, "", "{awk:?} takes {}", String::from_utf8_lossy(&line));
        }
        let clean = format!("{SUMMARY}\n");
        let found =
            "{\"v\":1,\"type\":\"finding\",\"check\":\"x\",\"severity\":\"infected\",\"path\":\"/y\"}\n"
                .to_owned();
        for (body, row) in [
            (format!("{clean}m end 0\n"), "clean\t0\t0\t0"),
            (clean.clone(), "incomplete\t0\t0\t0\tthe report breaks off"),
            (
                format!("{clean}m end 132\n"),
                "incomplete\t0\t0\t0\tthe processor does not know the program's instructions",
            ),
            (
                format!("{clean}m end 1\n"),
                "suspicious\t0\t0\t0\tits report says clean, its exit status suspicious",
            ),
            (
                format!("junk\n{clean}m end 0\n"),
                "incomplete\t0\t0\t0\t1 lines of the report are not gatewatch's",
            ),
            (format!("{clean}m end 0\njunk\nm end 2\n"), "clean\t0\t0\t0"),
            // What was found before a report breaks off stays found.
            (found.clone(), "infected\t1\t0\t0\tx /y; the report breaks off"),
            (format!("{found}{clean}m end 0\n"), "infected\t0\t0\t0\tx /y"),
        ] {
            assert_eq!(judged(awk, body.as_bytes()).0, row, "{awk:?}");
        }
        // A device may leave out of its report what it was told to, and nothing else.
        let short = SUMMARY
            .replace("\"verdict\":\"clean\"", "\"verdict\":\"suspicious\"")
            .replace("\"suspicious\":0", "\"suspicious\":2,\"hidden\":2");
        assert!(short.contains("hidden"), "{short}");
        for (hides, less, row) in [
            ("yes", false, "suspicious\t0\t2\t0"),
            ("yes", true, "suspicious\t0\t2\t0\tfindings are missing in the report"),
            ("", false, "suspicious\t0\t2\t0\tfindings are missing in the report"),
        ] {
            let body = format!("{short}\nm end 1\n");
            let body = if less { body.replace("\"hidden\":2", "\"hidden\":1") } else { body };
            assert_eq!(judged_with(awk, body.as_bytes(), hides).0, row, "{awk:?}, {hides:?}, {less}");
        }
    }
}
