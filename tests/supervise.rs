//! Whatever does not answer, dies or is missing, a run ends with what it knows, why it is not all, and the right status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scan::{GATEWATCH, Guard, Outcome, Ran, Tree, finish, need_root, run, scan, start, wait_for};

/// Mounts a file system that nobody serves on a directory of the tree, for gatewatch only, and starts it there.
fn start_stuck(tree: &Tree, timeout: &str) -> Guard {
    need_root();
    let script = r#"exec 3<>/dev/fuse
        mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none "$1/etc/init.d" &&
        exec "$0" --root "$1" --timeout "$2" -v --format json"#;
    start(Command::new("unshare").args(["-m", "sh", "-c", script, GATEWATCH]).arg(tree.path()).arg(timeout))
}

/// A tree with a directory for that, which is read after the processes.
fn tree() -> Tree {
    Tree::healthy().dir("etc/init.d").process(9, b"x", b"/usr/bin/x", b"x\0")
}

#[test]
fn a_file_that_never_answers() {
    for (tree, status, findings) in
        [(tree(), 3, 0), (tree().process(12, b"x", b"/tmp/x (deleted)", b"x\0"), 2, 1)]
    {
        let begun = Instant::now();
        let outcome = Outcome::of(finish(start_stuck(&tree, "2")));
        let took = begun.elapsed();
        assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{took:?}");
        assert_eq!((outcome.status, outcome.findings.len()), (status, findings), "what was told is kept");
        assert_eq!(outcome.incidents.len(), findings, "and joined");
        assert!(outcome.summary["why"].as_str().unwrap().starts_with("time ran out"), "{outcome:?}");
        assert_eq!(outcome.looked("exe-deleted"), ("yes", ""));
        for check in ["startup-dropper", "startup-volatile"] {
            let (looked, why) = outcome.looked(check);
            assert!(
                looked == "partly" && why.starts_with("the scan ended at startup files: time ran out"),
                "{why}"
            );
        }
    }
}

/// The process that looks, once it has been through the processes, and what was told until then.
fn looking(run: &mut Guard) -> (Pid, BufReader<ChildStdout>, Vec<u8>) {
    let (mut told, mut line) = (BufReader::new(run.0.stdout.take().unwrap()), Vec::new());
    while !line.windows(11).any(|word| word == b"exe-deleted") {
        assert!(told.read_until(b'\n', &mut line).unwrap() > 0, "{}", scan::clean(&line));
    }
    let id = run.0.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    (Pid::from_raw(children.trim().parse().expect("one process looks")), told, line)
}

#[test]
fn the_looking_process_is_killed() {
    let tree = tree();
    let mut run = start_stuck(&tree, "25");
    let (child, mut told, mut stdout) = looking(&mut run);
    kill(child, Signal::SIGKILL).unwrap();
    told.read_to_end(&mut stdout).unwrap();
    let outcome = Outcome::of(Ran { stdout, ..finish(run) });
    assert_eq!(outcome.status, 3);
    assert_eq!(outcome.summary["why"], "the looking process was ended by SIGKILL");
    assert!(outcome.looked("startup-dropper").1.ends_with("the looking process was ended by SIGKILL"));
}

#[test]
fn the_reporting_process_is_killed() {
    let tree = tree();
    let mut run = start_stuck(&tree, "25");
    let (child, told, _) = looking(&mut run);
    kill(Pid::from_raw(run.0.id().try_into().unwrap()), Signal::SIGKILL).unwrap();
    wait_for("the end of the looking process", || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
    drop(told);
}

#[test]
fn nobody_takes_the_report() {
    for format in ["json", "text"] {
        for (tree, status) in [(Tree::healthy(), 3), (tree().file("etc/init.d/x", "/tmp/x &\n"), 1)] {
            let (reader, closed) = io::pipe().unwrap();
            drop(reader);
            for stdout in
                [Stdio::from(closed), Stdio::from(File::options().write(true).open("/dev/full").unwrap())]
            {
                let mut command = Command::new(GATEWATCH);
                command.args(["--format", format, "--root"]).arg(tree.path());
                let run = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
                let ran = finish(Guard(run));
                assert_eq!(ran.status, status, "{ran:?}");
                assert!(
                    ran.stderr.starts_with("gatewatch: standard output does not take the report"),
                    "{ran:?}"
                );
                assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
            }
        }
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let list = Command::new(GATEWATCH).arg("list").stdout(full).output().unwrap();
    assert_eq!(list.status.code(), Some(3));
    assert_eq!(list.stderr, b"gatewatch: standard output cannot be written\n");
}

#[test]
fn a_root_that_is_none() {
    let tree = Tree::new().file("file", "").fifo("fifo").link("loop", "loop");
    for (name, why) in [
        ("missing", "not found"),
        ("file", "not a directory"),
        ("fifo", "not a directory"),
        ("loop", "links lead in a circle"),
        ("file/x", "not a directory"),
    ] {
        let root = tree.path().join(name);
        let outcome = scan([OsStr::new("--root"), root.as_os_str()]);
        assert_eq!(outcome.status, 3);
        let said =
            format!("gatewatch: {}: {why}; --root needs a directory that can be read\n", root.display());
        assert_eq!(outcome.stderr, said);
        assert!(outcome.checks.iter().all(|check| check["looked"] == "no"), "{outcome:?}");
    }
}

#[test]
fn an_indicator_file_that_is_none() {
    let whole = fs::read(scan::intel("live.gwi")).unwrap();
    let random: Vec<u8> = whole.iter().map(|byte| byte.wrapping_mul(167).wrapping_add(13)).collect();
    let files = Tree::new()
        .file("empty", "")
        .file("random", random)
        .file("zeros", [0; 4096])
        .file("cut", &whole[..whole.len() - 1])
        .file("head", &whole[..16])
        .fifo("fifo")
        .dir("dir");
    let tree = Tree::new()
        .file("about.toml", "byte_order = \"little\"\n")
        .file("root/etc/rc.local", "exit 0\n")
        .process_in("root/", 9, b"x", b"/usr/bin/x", b"x\0")
        .file("root/proc/net/tcp", "  sl  local_address rem_address   st\n")
        .file("root/proc/net/udp", "  sl  local_address rem_address   st\n");
    let look = |files: &[OsString]| {
        let options = files.iter().flat_map(|file| [OsString::from("--intel"), file.clone()]);
        scan([OsString::from("--root"), tree.path().into()].into_iter().chain(options))
    };
    let good = OsString::from(scan::intel("live.gwi"));
    let outcome = look(std::slice::from_ref(&good));
    assert_eq!((outcome.status, outcome.looked("c2-address")), (0, ("yes", "")), "{outcome:?}");

    for name in ["missing", "empty", "random", "zeros", "cut", "head", "fifo", "dir"] {
        let file = files.path().join(name);
        let path = file.display().to_string();
        let outcome = look(&[file.clone().into()]);
        let (looked, why) = outcome.looked("c2-address");
        assert!(looked == "no" && why.starts_with(&format!("{path}: ")), "{looked}: {why}");
        assert_eq!((outcome.stderr.as_str(), outcome.status), (&*format!("gatewatch: {why}\n"), 3));
        assert_eq!(outcome.looked("startup-dropper"), ("yes", ""), "the others go on");
        assert_eq!(outcome.looked("exe-deleted"), ("yes", ""));

        let beside = look(&[good.clone(), file.into_os_string()]);
        let (looked, why) = beside.looked("c2-address");
        assert!(looked == "partly" && why.starts_with(&format!("{path}: ")), "{looked}: {why}");
        assert_eq!((beside.status, &beside.summary["intel"]["entries"]), (3, &3.into()));
    }
}

#[test]
fn a_command_line_that_is_wrong() {
    for args in [
        &["sacn"][..],
        &["--frmat", "json"],
        &["--format", "xml"],
        &["--only", "exe-delete"],
        &["--only", "exe-deleted", "--skip", "exe-deleted"],
        &["--timeout", "0"],
        &["--root"],
        &["--syslog=log"],
        &["--device", "a b"],
        &["list", "-v"],
        &["scan", "\n\u{1b}[2J"],
    ] {
        let ran = run(Command::new(GATEWATCH).args(args));
        assert_eq!((ran.status, ran.stdout.len()), (3, 0), "{args:?}");
        assert!(
            ran.stderr.starts_with("gatewatch: ")
                && ran.stderr.ends_with("; gatewatch --help shows the usage\n")
        );
        assert_eq!(scan::clean(ran.stderr.as_bytes()).lines().count(), 1, "{args:?}: {}", ran.stderr);
    }
    let version = run(Command::new(GATEWATCH).arg("--version"));
    let expected = concat!("gatewatch ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((version.status, scan::clean(&version.stdout), version.stderr.as_str()), (0, expected, ""));
    let help = run(Command::new(GATEWATCH).arg("--help"));
    assert!(help.status == 0 && clean_has(&help, "usage: gatewatch [scan] [options]"));
    let list = run(Command::new(GATEWATCH).arg("list"));
    assert!(list.status == 0 && clean_has(&list, "exe-deleted"));
}

fn clean_has(ran: &Ran, text: &str) -> bool {
    scan::clean(&ran.stdout).contains(text)
}
