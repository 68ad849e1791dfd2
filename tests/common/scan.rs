//! Running gatewatch and reading what it says; trees and processes made for it to look at.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, io};

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

pub(crate) const GATEWATCH: &str = env!("CARGO_BIN_EXE_gatewatch");

/// No run of a test may take longer, slow as the machine may be: one that does hangs.
const HANG: Duration = Duration::from_secs(30);

/// The files of the tests are signed by nobody; tests/signed.rs has those that are about that.
pub(crate) const UNSIGNED: &str = "--allow-unsigned";

/// A file of tests/intel.
pub(crate) fn intel(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/intel").join(name)
}

/// Tests of a real machine need its root user: to unshare(2), to mount, to look at all processes.
pub(crate) fn need_root() {
    let uid = fs::metadata("/proc/self").unwrap().uid();
    assert_eq!(uid, 0, "this test makes namespaces and mounts: run it as root");
}

/// Calls `check` until it gives something.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < HANG, "{what} did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `test` in a network namespace that holds nothing but these addresses.
pub(crate) fn alone_with(addresses: &'static [&str], test: impl FnOnce() + Send + 'static) {
    need_root();
    let ip = |words: &str| {
        let done =
            Command::new("ip").args(words.split(' ')).status().expect("scripts/setup installs iproute2");
        assert!(done.success(), "ip {words}");
    };
    // A thread has a network namespace of its own, and what it starts is born there.
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        ip("link set lo up");
        for address in addresses {
            ip(&format!("address add {address} dev lo"));
        }
        test();
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit status, or 128 and the signal.
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Ends a process that this test started, with the test at the latest.
pub(crate) struct Guard(pub(crate) Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program whose output can be read.
pub(crate) fn start(command: &mut Command) -> Guard {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Guard(
        piped.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}; scripts/setup installs what tests need")),
    )
}

/// Waits for a program's end.
pub(crate) fn finish(mut child: Guard) -> Ran {
    fn read_all(from: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
        let mut bytes = Vec::new();
        thread::spawn(move || {
            from.map(|mut from| from.read_to_end(&mut bytes).unwrap());
            bytes
        })
    }
    let (stdout, stderr) = (read_all(child.0.stdout.take()), read_all(child.0.stderr.take()));
    let status = wait_for("the end of the program", || child.0.try_wait().unwrap());
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    let stderr = String::from_utf8(stderr.join().unwrap()).expect("stderr is UTF-8");
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ran { status, stdout: stdout.join().unwrap(), stderr }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    finish(start(command))
}

/// How gatewatch is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    Today,
    /// One that lacks openat2(2), which came with Linux 5.6.
    Old,
}

pub(crate) fn command(kernel: Kernel) -> Command {
    if kernel == Kernel::Today {
        return Command::new(GATEWATCH);
    }
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=openat2",
        "-e",
        "inject=openat2:error=ENOSYS",
    ]);
    command.arg(GATEWATCH);
    command
}

/// What a scan with `-v --format json` said, every line of it taken apart.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) findings: Vec<Value>,
    pub(crate) checks: Vec<Value>,
    pub(crate) incidents: Vec<Value>,
    pub(crate) summary: Value,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(ran: Ran) -> Self {
        let text = clean(&ran.stdout);
        let mut rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
            .collect();
        let summary = rows.pop().unwrap_or_else(|| panic!("nothing was said: {}", ran.stderr));
        assert_eq!(summary["type"], "summary", "{text}");
        let (findings, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row["type"] == "finding");
        let (incidents, checks): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row["type"] == "incident");
        for row in findings.iter().chain(&checks).chain(&incidents).chain([&summary]) {
            assert_eq!(row["v"], 1, "{row}");
        }
        assert!(checks.iter().all(|row| row["type"] == "check"), "{text}");
        assert_eq!(summary["checks"], checks.len(), "every check has its line: {text}");
        Self { status: ran.status, findings, checks, incidents, summary, stderr: ran.stderr }
    }

    /// The findings that have this value.
    pub(crate) fn with(&self, key: &str, value: impl Into<Value>) -> Vec<&Value> {
        let value = value.into();
        self.findings.iter().filter(|row| row[key] == value).collect()
    }

    /// The findings as `check severity line`.
    pub(crate) fn short(&self) -> Vec<String> {
        let word = |row: &Value, key: &str| row[key].to_string().replace('"', "").replace("null", "");
        let keys = ["check", "severity", "line"];
        let short = |row| keys.map(|key| word(row, key)).join(" ").trim_end().to_owned();
        self.findings.iter().map(short).collect()
    }

    /// The findings as `check severity line path`, sorted.
    pub(crate) fn short_with_paths(&self) -> Vec<String> {
        let rows = self.findings.iter().zip(self.short());
        let mut said: Vec<_> =
            rows.map(|(row, short)| format!("{short} {}", row["path"].as_str().unwrap())).collect();
        said.sort();
        said
    }

    /// How a check looked, and why not at everything.
    pub(crate) fn looked(&self, check: &str) -> (&str, &str) {
        let row =
            self.checks.iter().find(|row| row["check"] == check).unwrap_or_else(|| panic!("no {check}"));
        (row["looked"].as_str().unwrap(), row["why"].as_str().unwrap_or_default())
    }
}

/// Output that moves no cursor and breaks no line: valid UTF-8, no control characters but newline.
pub(crate) fn clean(output: &[u8]) -> &str {
    let text = str::from_utf8(output).expect("output is UTF-8");
    let odd = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "a control character in the output: {text:?}");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole: {text:?}");
    text
}

/// `gatewatch scan ARGS -v --format json`.
pub(crate) fn scan<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Outcome {
    Outcome::of(run(Command::new(GATEWATCH)
        .arg("scan")
        .args(args)
        .args(["-v", "--format", "json", UNSIGNED])))
}

/// A tree to look at, gone when dropped. Names and contents are bytes.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A tree with a startup file in it, so that there is something to look at.
    pub(crate) fn healthy() -> Self {
        Self::new().file("etc/rc.local", "exit 0\n")
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The place of a name, its directory made.
    fn place(&self, name: impl AsRef<[u8]>) -> PathBuf {
        let place = self.path().join(OsStr::from_bytes(name.as_ref()));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    pub(crate) fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.place(name), content).unwrap();
        self
    }

    /// A file that ends in a hole.
    pub(crate) fn sparse(self, name: &str, content: &str, size: u64) -> Self {
        let file = fs::File::create(self.place(name)).unwrap();
        (&file).write_all(content.as_bytes()).unwrap();
        file.set_len(size).unwrap();
        self
    }

    /// Directories on which a bench mounts what it needs.
    pub(crate) fn mountable(self) -> Self {
        let libraries = ["lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"];
        ["proc", "tmp", "rom", "dev", "mnt"].into_iter().chain(libraries).fold(self, Self::dir)
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        fs::create_dir_all(self.place(name)).unwrap();
        self
    }

    pub(crate) fn link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        symlink(OsStr::from_bytes(target.as_ref()), self.place(name)).unwrap();
        self
    }

    pub(crate) fn fifo(self, name: &str) -> Self {
        let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
        nix::unistd::mkfifo(&self.place(name), mode).unwrap();
        self
    }

    /// A recorded process.
    pub(crate) fn process(self, pid: u32, comm: &[u8], exe: &[u8], cmdline: &[u8]) -> Self {
        self.process_in("", pid, comm, exe, cmdline)
    }

    /// A recorded process of the machine whose tree is at `root`.
    pub(crate) fn process_in(self, root: &str, pid: u32, comm: &[u8], exe: &[u8], cmdline: &[u8]) -> Self {
        let rest = b") S 1 812 812 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 4242 1503232 91 42\n";
        let stat = [pid.to_string().as_bytes(), b" (", comm, rest].concat();
        let at = |name: &str| format!("{root}proc/{pid}/{name}");
        let tree = self.file(at("stat"), stat).file(at("cmdline"), cmdline);
        // A kernel thread has no program.
        if exe.is_empty() { tree } else { tree.link(at("exe"), exe) }
    }
}

/// A shell that does nothing until it is dropped, or this test ends: then its standard input does.
pub(crate) struct Sleeper(Guard);

impl Sleeper {
    /// Starts `shell`; `change` may give it another first argument, or a socket as its output.
    pub(crate) fn start(shell: &Path, script: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(shell);
        command.args(["-c", &format!("{script}; echo >&2; read x; :")]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        change(&mut command);
        let mut child = Guard(command.spawn().unwrap());
        // Its script has run when it writes.
        child.0.stderr.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }

    /// The machine's own shell, called `name` in the list of processes.
    pub(crate) fn called(name: &str) -> Self {
        Self::start(Path::new("/bin/sh"), ":", |command| {
            command.arg0(name);
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.0.id()
    }
}

/// A program somewhere: a directory of our own, with a copy of the machine's shell in it; gone when dropped.
pub(crate) struct Planted {
    dir: PathBuf,
    pub(crate) exe: PathBuf,
}

impl Planted {
    /// Makes the directory `dir`, which must not exist.
    pub(crate) fn new(dir: &str, name: &str) -> Self {
        let dir = PathBuf::from(format!("{dir}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let planted = Self { exe: dir.join(name), dir };
        planted.copy("/bin/sh");
        planted
    }

    /// Puts a copy of a program there, as a new file.
    pub(crate) fn copy(&self, program: &str) {
        let _ = fs::remove_file(&self.exe);
        // A child of another test that holds the new file open for a moment must not keep it from being run:
        // the file is written by a process that has only this one.
        let copied = Command::new("cp").arg("-L").arg(program).arg(&self.exe).status().unwrap();
        assert!(copied.success());
    }

    pub(crate) fn start(&self) -> Sleeper {
        Sleeper::start(&self.exe, ":", |_| {})
    }

    pub(crate) fn path(&self) -> &str {
        self.exe.to_str().unwrap()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A log daemon: takes datagrams at a path.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    reader: JoinHandle<Vec<Vec<u8>>>,
    over: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
}

impl Log {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let last = Arc::clone(&over);
        let reader = thread::spawn(move || {
            let (mut lines, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                // What came before the end is all in the queue.
                let over = last.load(Ordering::SeqCst);
                match socket.recv(&mut buffer) {
                    Ok(length) => lines.push(buffer[..length].to_vec()),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock && over => return lines,
                    Err(_) => {}
                }
            }
        });
        Self { path, reader, over, _dir: dir }
    }

    /// The option that sends there.
    pub(crate) fn option(&self) -> OsString {
        let mut option = OsString::from("--syslog=");
        option.push(&self.path);
        option
    }

    /// What has come.
    pub(crate) fn lines(self) -> Vec<Vec<u8>> {
        self.over.store(true, Ordering::SeqCst);
        self.reader.join().unwrap()
    }
}
