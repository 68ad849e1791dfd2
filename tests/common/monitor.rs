//! Running `gatewatch monitor` and reading what it tells.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::scan::{GATEWATCH, Guard, Tree, wait_for};

pub(crate) const BY_LINES: [&str; 2] = ["--only", "startup-volatile"];
pub(crate) const BY_PROGRAMS: [&str; 2] = ["--only", "exe-volatile"];
/// So seldom that no test sees a second look for that reason.
pub(crate) const SELDOM: [&str; 2] = ["--interval", "3600"];

/// A running monitor, and what it says.
pub(crate) struct Monitor {
    pub(crate) process: Guard,
    pub(crate) told: Receiver<Value>,
}

impl Monitor {
    /// Starts a command that is or becomes a monitor.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// The same with another standard input.
    pub(crate) fn start_with(command: &mut Command, input: impl Into<Stdio>) -> Self {
        let piped = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Guard(piped.spawn().unwrap());
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let (to, told) = channel();
        thread::spawn(move || {
            for line in lines {
                let line = line.unwrap();
                let row = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line}"));
                if to.send(row).is_err() {
                    break;
                }
            }
        });
        Self { process, told }
    }

    /// One of a tree, whose state is in a directory.
    pub(crate) fn of(tree: &Tree, state: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(GATEWATCH);
        command.args(["monitor", "--format", "json", "--root"]).arg(tree.path());
        Self::start(command.args(BY_LINES).args(options).arg("--state").arg(state))
    }

    /// One of this machine.
    pub(crate) fn live(state: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(GATEWATCH);
        command.args(["monitor", "--format", "json"]).args(BY_PROGRAMS);
        Self::start(command.args(options).arg("--state").arg(state))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.process.0.id().try_into().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// The lines up to the next summary, without it, and its verdict.
    pub(crate) fn look(&self) -> (Vec<String>, String) {
        let mut said = Vec::new();
        loop {
            let row = self.told.recv_timeout(Duration::from_secs(25)).expect("a look has an end");
            match row["type"].as_str() {
                Some("summary") => return (said, row["verdict"].as_str().unwrap().to_owned()),
                Some("finding") => {
                    let word = |key: &str| row[key].as_str().unwrap_or_default();
                    let name = word("path").rsplit('/').next().unwrap();
                    said.push(format!("{} {name}", word("state")));
                }
                Some("incident") => said.push(format!("incident {}", row["severity"].as_str().unwrap())),
                other => panic!("{other:?}: {row}"),
            }
        }
    }

    /// Waits until a finding with this state about a path is told.
    pub(crate) fn wait_for(&self, state: &str, path: &str) {
        loop {
            let row = self.told.recv_timeout(Duration::from_secs(25)).expect(path);
            if row["state"] == state && row["path"] == path {
                return;
            }
        }
    }

    /// Has it look at everything, by SIGHUP.
    pub(crate) fn full(&self) -> (Vec<String>, String) {
        self.signal(Signal::SIGHUP);
        self.look()
    }

    /// Ends it; returns what it complained of.
    pub(crate) fn end(mut self, signal: Signal) -> String {
        self.signal(signal);
        let status = wait_for("its end", || self.process.0.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
        let mut said = String::new();
        self.process.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// Memory of its own in KiB, and open descriptors, while nobody looks: the least of some times, since a look may have come and gone
    /// meanwhile, or its state is being written.
    pub(crate) fn size(&self) -> (u64, usize) {
        let pid = self.pid();
        let rests = || fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap().is_empty();
        let pause = || {
            let size = rests().then(|| self.size_now());
            size.filter(|_| rests())
        };
        let sizes = (0..5).map(|_| {
            thread::sleep(Duration::from_millis(100));
            wait_for("a pause", pause)
        });
        sizes.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1))).unwrap()
    }

    pub(crate) fn size_now(&self) -> (u64, usize) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("since Linux 4.5");
        let own = own.trim().trim_end_matches(" kB").parse().unwrap();
        (own, fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count())
    }

    /// Whether the kernel tells it of processes.
    pub(crate) fn has_connector(&self) -> bool {
        let sockets = fs::read_to_string("/proc/net/netlink").unwrap();
        let own = self.pid().to_string();
        sockets.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            fields.next() == Some("11") && fields.next() == Some(&own)
        })
    }
}
