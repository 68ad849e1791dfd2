//! Takes no memory that grows with the processes, sockets and flows of a machine or with the indicators, and says how much a scan takes at most.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;
#[path = "common/traffic.rs"]
mod traffic;

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use scan::{GATEWATCH, Guard, Outcome, Sleeper, Tree, alone_with, run};

const PROCESSES: u64 = 400;
const SOCKETS: usize = 2000;

/// A scan of this machine under strace.
fn traced(options: &[&str], log: &Path, intel: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(log).args(options).args([GATEWATCH, "--intel"]);
    command.arg(intel).args(["-v", "--format", "json"]);
    command
}

/// How often a scan of both processes asked the kernel for memory, by call, and what it saw.
fn calls() -> (BTreeMap<String, usize>, Outcome) {
    let log = Tree::new().file("log", "");
    let log = log.path().join("log");
    let intel = scan::intel("live.gwi");
    let outcome = Outcome::of(run(&mut traced(&["-e", "trace=brk,mmap,mremap"], &log, &intel)));
    (calls_in(&log), outcome)
}

fn calls_in(log: &Path) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let call = line.split_whitespace().nth(1).unwrap().split('(').next().unwrap();
        *calls.entry(call.to_owned()).or_default() += 1;
    }
    calls
}

/// Shells that wait, children of one that ends them with this test.
fn crowd() -> Sleeper {
    let script = format!("exec 3<&0; i=0; while [ $((i += 1)) -le {PROCESSES} ]; do (read x) <&3 & done");
    Sleeper::start(Path::new("/bin/sh"), &script, |_| {})
}

fn sockets() -> Vec<UdpSocket> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(SOCKETS as u64 + 200)), hard).unwrap();
    (0..SOCKETS).map(|_| UdpSocket::bind("127.0.0.1:0").expect("as many open files are allowed")).collect()
}

#[test]
fn memory_does_not_grow_with_the_machine() {
    alone_with(&[], || {
        let (few, before) = calls();
        let small = peaks();
        let held = (crowd(), sockets());
        let (many, after) = calls();
        let large = peaks();
        drop(held);
        let seen = |key: &str| after.summary[key].as_u64().unwrap() - before.summary[key].as_u64().unwrap();
        assert!(seen("processes") >= PROCESSES - 50, "other processes may end meanwhile: {after:?}");
        assert_eq!(seen("sockets"), SOCKETS as u64);
        assert!(few["mmap"] > 0);
        assert_eq!(few, many, "calls for memory");
        eprintln!("{PROCESSES} processes and {SOCKETS} sockets fewer: {small:#?}\nwith them: {large:#?}");
        if !cfg!(debug_assertions) {
            for peak in &large {
                assert!(peak["RssAnon"] <= 1024, "a scan takes at most 1 MiB: {peak:?}");
            }
        }
    });
}

/// What a scan asked for of the kernel's memory, and the most that its processes had, by kind.
fn flows(count: u32, indicators: u32, dir: &Path) -> (BTreeMap<String, usize>, Vec<BTreeMap<String, u64>>) {
    let (place, intel) = (dir.join(count.to_string()), traffic::indicators(dir, indicators));
    traffic::recording(&place, count);
    let options = ["--root", place.to_str().unwrap(), "--only", "c2-client,c2-address"];
    let log = dir.join("log");
    let outcome = Outcome::of(run(traced(&["-e", "trace=brk,mmap,mremap"], &log, &intel).args(options)));
    assert_eq!(outcome.summary["flows"], count, "{outcome:?}");
    // Rows that make no sense are said.
    assert_eq!(outcome.looked("c2-client").0, "partly");
    (calls_in(&log), peaks_of(&intel, &options))
}

#[test]
fn memory_does_not_grow_with_flows_or_indicators() {
    let dir = Tree::new().file("log", "");
    let dir = dir.path();
    let (few, small) = flows(traffic::FLOWS / 8, 1000, dir);
    let (many, large) = flows(traffic::FLOWS, traffic::INDICATORS, dir);
    assert!(few["mmap"] > 0);
    assert_eq!(few, many, "calls for memory");
    eprintln!("8,192 flows, 1,000 indicators: {small:#?}\n65,536 and 100,000: {large:#?}");
    for (small, large) in small.iter().zip(&large) {
        // Pages differ by what else a run does; 12 bytes a flow would be 688 KiB more.
        assert!(large["RssAnon"] <= small["RssAnon"] + 64, "{small:?} {large:?}");
    }
}

/// The most memory that the reporting and the looking process had, in KiB by kind. Their ends are delayed, to look.
fn peaks() -> Vec<BTreeMap<String, u64>> {
    peaks_of(&scan::intel("live.gwi"), &[])
}

/// See [`peaks`].
fn peaks_of(intel: &Path, arguments: &[&str]) -> Vec<BTreeMap<String, u64>> {
    let options = ["--seccomp-bpf", "-e", "trace=exit_group", "-e", "inject=exit_group:delay_enter=300000"];
    // Nobody reads what it finds here, so it must not go into a pipe.
    let mut command = traced(&options, Path::new("/dev/null"), intel);
    command.args(arguments);
    let mut strace = Guard(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let mut peaks = BTreeMap::<u32, BTreeMap<String, u64>>::new();
    while strace.0.try_wait().unwrap().is_none() {
        for parent in children(strace.0.id()) {
            for pid in [parent].into_iter().chain(children(parent)) {
                // In this order: before it executed gatewatch the process had the memory of strace.
                let exe = fs::read_link(format!("/proc/{pid}/exe"));
                if exe.is_ok_and(|exe| exe == Path::new(GATEWATCH)) {
                    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                    note(&status, peaks.entry(pid).or_default());
                }
            }
        }
    }
    drop(strace);
    assert_eq!(peaks.len(), 2, "one process reports, one looks");
    peaks.into_values().collect()
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Notes the largest number of each kind in `/proc/PID/status`, proc_pid_status(5).
fn note(status: &str, peak: &mut BTreeMap<String, u64>) {
    for line in status.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if ["VmHWM", "RssAnon", "RssFile"].contains(&key) {
            let value: u64 = value.trim().trim_end_matches(" kB").parse().unwrap();
            let most = peak.entry(key.to_owned()).or_default();
            *most = value.max(*most);
        }
    }
}
