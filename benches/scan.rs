//! What a scan of 2,000 processes costs, held against a program that makes only the calls that none can do without
//! (`unavoidable.c`), and what the search for hidden processes costs.
//!
//! Run it as root by `scripts/bench`: others' processes tell nothing but root. Times are those that the kernel counts for
//! the ended children (getrusage(2)), so a scan that waits costs nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::arithmetic_side_effects)]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde_json::Value;

const SLEEPERS: u32 = 2000;
const PAIRS: usize = 7;

/// Processes that sleep. They end when their standard input does, so also when the benchmark is killed.
struct Sleepers(Child);

impl Sleepers {
    fn start() -> Self {
        // `sleep` is a package's: a program that nobody vouches for would be looked at twice.
        let script = format!(
            "i=0; while [ $i -lt {SLEEPERS} ]; do sleep 86400 & i=$((i+1)); done; echo; read end; kill -9 0"
        );
        let mut group = Command::new("sh")
            .args(["-c", &script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(group.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "\n", "not all of the sleeping processes were started");
        Self(group)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Microseconds of CPU.
#[derive(Clone, Copy, Default)]
struct Cost {
    system: i64,
    user: i64,
}

impl Cost {
    const fn all(self) -> i64 {
        self.system + self.user
    }
}

fn spent() -> Cost {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: TimeVal| time.num_microseconds();
    Cost { system: micros(usage.system_time()), user: micros(usage.user_time()) }
}

fn run(command: &mut Command) -> Cost {
    let before = spent();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let after = spent();
    assert!(status.code().is_some_and(|code| code < 4), "{command:?}: {status}");
    Cost { system: after.system - before.system, user: after.user - before.user }
}

/// The middle run, by each of the two times.
fn median(costs: &[Cost]) -> Cost {
    let middle = |time: fn(&Cost) -> i64| {
        let mut times: Vec<i64> = costs.iter().map(time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    Cost { system: middle(|cost| cost.system), user: middle(|cost| cost.user) }
}

fn milliseconds(micros: i64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}

/// `a` to `b`, with two decimals.
fn ratio(a: i64, b: i64) -> String {
    let hundredths = a * 100 / b.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/unavoidable.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unavoidable");
    let status = Command::new("gcc").args(["-O2", "-o"]).arg(&program).arg(source).status();
    assert!(status.expect("gcc is needed: see scripts/setup").success());
    program
}

fn gatewatch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatewatch"));
    command.arg("scan").args(arguments);
    command
}

/// The lines of a scan, so that nothing is measured that did not look.
fn lines(arguments: &[&str]) -> Vec<Value> {
    let output = gatewatch(arguments).args(["-v", "--format", "json"]).output().unwrap();
    output.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn main() {
    let unavoidable = compile();
    let sleepers = Sleepers::start();
    let whole = lines(&[]);
    let summary = whole.last().expect("a scan says something");
    let processes = summary["processes"].as_u64().unwrap_or_default();
    assert!(processes >= u64::from(SLEEPERS), "the scan saw {processes} processes: {summary}");
    let hidden = lines(&["--only", "process-hidden"]);
    let ids =
        hidden.iter().find(|line| line["type"] == "check").map_or(0, |line| line["facts"].as_u64().unwrap());

    let mut runs = [
        ("unavoidable calls", Command::new(unavoidable)),
        ("gatewatch scan", gatewatch(&[])),
        ("  --skip process-hidden", gatewatch(&["--skip", "process-hidden"])),
        ("  --only process-hidden", gatewatch(&["--only", "process-hidden"])),
    ];
    let mut costs = [[Cost::default(); PAIRS]; 4];
    for pair in 0..PAIRS {
        for (costs, (_, command)) in costs.iter_mut().zip(&mut runs) {
            costs[pair] = run(command);
        }
    }
    drop(sleepers);

    println!("{processes} processes, milliseconds of CPU, medians of {PAIRS} runs in turn");
    println!("{:26}{:>9}{:>9}{:>9}", "", "system", "user", "all");
    let medians = costs.map(|costs| median(&costs));
    for (cost, (name, _)) in medians.iter().zip(&runs) {
        let [system, user, all] = [cost.system, cost.user, cost.all()].map(milliseconds);
        println!("{name:26}{system:>9}{user:>9}{all:>9}");
    }
    let [base, scan, without, search] = medians;
    for (name, cost) in [("scan", scan), ("scan without process-hidden", without)] {
        let (system, all) = (ratio(cost.system, base.system), ratio(cost.all(), base.all()));
        println!("{name}: {system} times the system time, {all} times the CPU of the unavoidable calls");
    }
    println!("at most 2.00 times the system time is the aim");
    println!(
        "{ids} ids searched for hidden processes: {} ms of CPU; the aim is 100 for 32768",
        milliseconds(search.all())
    );
}
