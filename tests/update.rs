//! `gatewatch intel update`: a newer file comes to its place, and whatever goes wrong leaves the old one there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use scan::{GATEWATCH, Ran, Tree, need_root, run, start, wait_for};

/// A file of tests/intel/signed.
fn file(name: &str) -> PathBuf {
    scan::intel("signed").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(file(name)).unwrap()
}

/// A directory of gatewatch's own that trusts the tests' key, and has version 1 in place.
fn device() -> Tree {
    let dir = Tree::new().file("keys/test.pub", bytes("test.pub"));
    let ran = update(&dir, file("v1.gwi"));
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    assert_eq!(kept(&dir), ("v1.gwi", "indicators.gwi 1 1577836800\n".to_owned()));
    dir
}

fn command(dir: &Tree, source: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(GATEWATCH);
    // The directories of tests are on disk or in memory, as the machine has it; that is another test's subject.
    command.args(["intel", "update", "--dir"]).arg(dir.path()).arg(source);
    command
}

fn update(dir: &Tree, source: impl AsRef<std::ffi::OsStr>) -> Ran {
    let mut ran = run(&mut command(dir, source));
    ran.stderr =
        ran.stderr.lines().filter(|line| !line.contains(" is in memory: ")).collect::<Vec<_>>().join("\n");
    ran
}

/// Which file is in place, and what the state says; nothing else may be there.
fn kept(dir: &Tree) -> (&'static str, String) {
    let names = |path: &Path| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&dir.path().join("intel.d")), ["indicators.gwi"]);
    assert_eq!(names(dir.path()), ["intel.d", "keys", "state"]);
    let here = fs::read(dir.path().join("intel.d/indicators.gwi")).unwrap();
    let name = ["v1.gwi", "v2.gwi"].into_iter().find(|name| bytes(name) == here);
    (name.expect("neither the old nor the new file"), fs::read_to_string(dir.path().join("state")).unwrap())
}

fn keeps_the_old_one(dir: &Tree) {
    assert_eq!(kept(dir), ("v1.gwi", "indicators.gwi 1 1577836800\n".to_owned()));
}

fn has_the_new_one(dir: &Tree) {
    assert_eq!(kept(dir), ("v2.gwi", "indicators.gwi 2 1577923200\n".to_owned()));
}

#[test]
fn a_newer_file_comes_to_its_place_and_an_older_one_does_not() {
    let dir = device();
    let ran = update(&dir, file("v2.gwi"));
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(
        said.ends_with(": version 2 of 2020-01-02, 3 indicators, signed by key 2C49B58CADF922BA\n"),
        "{said}"
    );
    has_the_new_one(&dir);
    let again = update(&dir, file("v2.gwi"));
    assert_eq!(
        (again.status, String::from_utf8(again.stdout).unwrap().ends_with("is here already\n")),
        (0, true)
    );
    let older = update(&dir, file("v1.gwi"));
    assert!(
        older.status == 1 && older.stderr.contains("version 1 is older than version 2"),
        "{}",
        older.stderr
    );
    has_the_new_one(&dir);
    // What was noted counts without the file, and the file without the note.
    fs::remove_file(dir.path().join("intel.d/indicators.gwi")).unwrap();
    assert_eq!(update(&dir, file("v1.gwi")).status, 1);
    assert_eq!(update(&dir, file("v2.gwi")).status, 0);
    fs::remove_file(dir.path().join("state")).unwrap();
    assert_eq!(update(&dir, file("v1.gwi")).status, 1);
    assert_eq!(update(&dir, file("v2.gwi")).status, 0);
    has_the_new_one(&dir);
}

#[test]
fn what_is_new_alone_is_enough() {
    let dir = device();
    let ran = update(&dir, file("v1-to-v2.gwd"));
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    has_the_new_one(&dir);
    // Whoever fetches it every day has it already.
    let again = update(&dir, file("v1-to-v2.gwd"));
    assert_eq!((again.status, &*again.stderr), (0, ""));
    assert!(again.stdout.ends_with(b"version 2 is here already\n"), "{}", again.stdout.escape_ascii());
    has_the_new_one(&dir);
    // It is meant for version 1, and another one is here.
    let other = dir.path().join("intel.d/indicators.gwi");
    fs::write(&other, &bytes("v1.gwi")[..1000]).unwrap();
    let ran = update(&dir, file("v1-to-v2.gwd"));
    assert!(ran.status == 3 && ran.stderr.contains("meant for another file, of version 1"), "{}", ran.stderr);

    let (mut dir, delta) = (device(), bytes("v1-to-v2.gwd"));
    let place = Tree::new();
    let bad = place.path().join("x.gwd");
    for at in 0..delta.len() {
        let mut delta = delta.clone();
        delta[at] ^= 0x10;
        fs::write(&bad, &delta[..if at % 2 == 0 { delta.len() } else { at }]).unwrap();
        // A few bytes are for people only; what comes of the others is the signed file or nothing.
        match update(&dir, &bad).status {
            0 => {
                has_the_new_one(&dir);
                dir = device();
            }
            _ => keeps_the_old_one(&dir),
        }
    }
}

#[test]
fn what_is_no_good_changes_nothing() {
    let dir = device();
    let place = Tree::new();
    let bad = place.path().join("x.gwi");
    let flipped = {
        let mut bytes = bytes("v2.gwi");
        bytes[900] ^= 1;
        bytes
    };
    for (content, status, words) in [
        (flipped, 1, "it is not what key 2C49B58CADF922BA has signed"),
        (bytes("v2.gwi")[..1330].to_vec(), 1, "cut short"),
        (bytes("stranger.gwi"), 1, "not trusted"),
        (bytes("newer.gwi"), 1, "needs gatewatch 200.0.0"),
        (fs::read(scan::intel("live.gwi")).unwrap(), 1, "it is not signed"),
        (Vec::new(), 1, "not an indicator file"),
    ] {
        fs::write(&bad, content).unwrap();
        let ran = update(&dir, &bad);
        assert!(ran.status == status && ran.stderr.contains(words), "{words}: {} {}", ran.status, ran.stderr);
        keeps_the_old_one(&dir);
    }
    assert_eq!(update(&dir, "/nonexistent").status, 3);
    for target in ["x", "x.gwi.new", "a b.gwi"] {
        let ran = run(command(&dir, file("v2.gwi")).arg("-o").arg(place.path().join(target)));
        assert!(ran.status == 3 && ran.stderr.contains("ends in .gwi"), "{}", ran.stderr);
    }
    keeps_the_old_one(&dir);
}

/// How a server of one connection after the other answers.
type Answer = Box<dyn FnMut(&str) -> Vec<u8> + Send>;

/// Serves on loopback until the test ends. Returns where, and every request.
fn serve(mut answer: Answer) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (send, requests)) = (listener.local_addr().unwrap(), mpsc::channel());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut piece) = (Vec::new(), [0; 512]);
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(length) if length > 0 => request.extend(&piece[..length]),
                    _ => break,
                }
            }
            let request = String::from_utf8(request).unwrap();
            let _ = stream.write_all(&answer(&request));
            let _ = send.send(request);
        }
    });
    (address, requests)
}

fn ok(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), body].concat()
}

fn chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(100) {
        out.extend(format!("{:x}\r\n", piece.len()).bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

#[test]
fn it_is_fetched_however_the_server_sends_it() {
    let new = bytes("v2.gwi");
    for answer in [
        ok(&format!("Content-Length: {}\r\n", new.len()), &new),
        ok("Transfer-Encoding: chunked\r\n", &chunks(&new)),
        ok("", &new),
        [
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_vec(),
            ok(&format!("Content-Length: {}\r\n", new.len()), &new),
        ]
        .concat(),
    ] {
        let dir = device();
        let (at, requests) = serve(Box::new(move |_| answer.clone()));
        let ran = update(&dir, format!("http://{at}/daily/indicators.gwi?x=1"));
        assert_eq!((ran.status, &*ran.stderr), (0, ""));
        has_the_new_one(&dir);
        let request = requests.recv().unwrap();
        assert!(request.starts_with("GET /daily/indicators.gwi?x=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nHost: {at}\r\n")), "{request}");
    }
}

#[test]
fn a_server_may_send_on_a_few_times_and_to_http_only() {
    let new = bytes("v2.gwi");
    let body = ok(&format!("Content-Length: {}\r\n", new.len()), &new);
    let (at, requests) = serve(Box::new(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        let to = match path {
            "/1" => "/2".to_owned(),
            "/2" => format!("http://{}/3", request.split("Host: ").nth(1).unwrap().lines().next().unwrap()),
            "/3" => "/file".to_owned(),
            "/file" => return body.clone(),
            "/round" => "/round".to_owned(),
            "/tls" => "https://127.0.0.1/file".to_owned(),
            _ => "file:///etc/passwd".to_owned(),
        };
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }));
    let dir = device();
    assert_eq!(update(&dir, format!("http://{at}/1")).status, 0);
    has_the_new_one(&dir);
    assert_eq!(requests.try_iter().count(), 4);

    let dir = device();
    for (path, words) in
        [("round", "too often"), ("tls", "https is not spoken"), ("other", "sends on to an address")]
    {
        let ran = update(&dir, format!("http://{at}/{path}"));
        assert!(ran.status == 3 && ran.stderr.contains(words), "{path}: {}", ran.stderr);
        keeps_the_old_one(&dir);
    }
}

#[test]
fn a_server_that_does_not_do_its_part_changes_nothing() {
    let new = bytes("v2.gwi");
    let length = format!("Content-Length: {}\r\n", new.len());
    for (answer, words) in [
        (ok(&length, &new[..1000]), "ends after 1000 bytes, 331 are missing"),
        (ok("Transfer-Encoding: chunked\r\n", &chunks(&new)[..700]), "before its last chunk"),
        (
            ok("Content-Length: 99999999999\r\n", &new),
            "has 99999999999 bytes, and at most 16777216 are taken",
        ),
        (ok("", &vec![0; 17 << 20]), "more than the 16777216 bytes"),
        (ok("", &new[..1000]), "cut short"),
        (ok("Content-Encoding: gzip\r\n", &new), "packed"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(), "answers with HTTP 404"),
        (b"SSH-2.0-dropbear\r\n\r\n".to_vec(), "does not speak HTTP/1.1"),
        (vec![b'x'; 20_000], "a head that does not end"),
        (Vec::new(), "ends before its answer does"),
        (b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000), "ends before its answer does"),
    ] {
        let dir = device();
        let (at, _requests) = serve(Box::new(move |_| answer.clone()));
        let ran = update(&dir, format!("http://{at}/x"));
        assert!(ran.status != 0 && ran.stderr.contains(words), "{words}: {} {}", ran.status, ran.stderr);
        keeps_the_old_one(&dir);
    }
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let dir = device();
    // The kernel takes the connection, and nobody reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("http://{}/x", silent.local_addr().unwrap());
    let begun = Instant::now();
    let ran = run(command(&dir, &source).args(["--timeout", "1"]));
    assert!(ran.status == 3 && ran.stderr.contains("does not answer in time"), "{}", ran.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(silent);
    let ran = update(&dir, &source);
    assert!(ran.status == 3 && ran.stderr.contains("nobody listens there"), "{}", ran.stderr);
    for (source, words) in [("https://127.0.0.1/x", "https is not spoken"), ("http://", "is no address")] {
        let ran = update(&dir, source);
        assert!(ran.status == 3 && ran.stderr.contains(words), "{}", ran.stderr);
    }
    keeps_the_old_one(&dir);
}

#[test]
fn one_that_is_killed_half_way_leaves_nothing() {
    let (dir, new) = (device(), bytes("v2.gwi"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = start(&mut command(&dir, format!("http://{}/x", listener.local_addr().unwrap())));
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(&ok(&format!("Content-Length: {}\r\n", new.len()), &new[..700])).unwrap();
    thread::sleep(Duration::from_millis(50));
    child.0.kill().unwrap();
    wait_for("its end", || child.0.try_wait().unwrap());
    keeps_the_old_one(&dir);

    // While the new file is written: before it has its place it has no name, or the next run removes it.
    let mut strace = Command::new("strace");
    strace.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync",
        "-e",
        "inject=fsync:signal=KILL:when=1",
        GATEWATCH,
    ]);
    let ran = run(strace.args(["intel", "update", "--dir"]).arg(dir.path()).arg(file("v2.gwi")));
    assert_eq!(ran.status, 128 + 9, "{}", ran.stderr);
    let here = fs::read(dir.path().join("intel.d/indicators.gwi")).unwrap();
    assert!(here == bytes("v1.gwi"), "the old file was touched");
    assert_eq!(update(&dir, file("v2.gwi")).status, 0);
    has_the_new_one(&dir);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_what_was_looked_at() {
    let (dir, place) = (device(), Tree::new());
    let source = place.path().join("x.gwi");
    fs::write(&source, bytes("v2.gwi")).unwrap();
    let mut strace = Command::new("strace");
    // Between the look at it and the writing of it stands the making of its directory.
    strace.args(["-qq", "-o", "/dev/null", "-e", "trace=mkdir", "-e"]);
    strace.args(["inject=mkdir:delay_enter=2000000:when=1", GATEWATCH, "intel", "update", "--dir"]);
    strace.arg(dir.path()).arg(&source).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = strace.spawn().unwrap();
    thread::sleep(Duration::from_secs(1));
    // In its place, as a program does that fetches it again.
    fs::OpenOptions::new().write(true).open(&source).unwrap().write_all(&[0; 1331]).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", done.stderr.escape_ascii());
    has_the_new_one(&dir);
}

/// Runs a script with a directory of gatewatch's own on a file system of its own, mounted at $D with version 1 in place.
fn mounted(options: &str, script: &str) -> Ran {
    need_root();
    let place = Tree::new().dir("d");
    let setup = format!(
        "set -e; mount -t tmpfs -o {options} none $D; mkdir $D/keys; cp $S/test.pub $D/keys; \
         $G intel update --dir $D $S/v1.gwi >/dev/null 2>&1; set +e; {script}"
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &setup]).env("D", place.path().join("d")).env("G", GATEWATCH);
    run(command.env("S", scan::intel("signed")))
}

#[test]
fn where_there_is_no_room_the_old_one_stays_and_what_is_missing_is_said() {
    // Pages for the key, the old file and the state, and no more.
    let ran = mounted(
        "size=12k",
        "$G intel update --dir $D $S/v2.gwi; echo status $?; find $D -type f | sort; cmp $D/intel.d/indicators.gwi $S/v1.gwi",
    );
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.stderr.contains("1331 bytes do not fit beside the old file, 1331 more must be free in"),
        "{}",
        ran.stderr
    );
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("status 3"));
    let names: Vec<_> = lines.map(|line| line.rsplit('/').next().unwrap()).collect();
    assert_eq!((names, ran.status), (vec!["indicators.gwi", "test.pub", "state"], 0), "{said}");
}

#[test]
fn where_nothing_lasts_it_says_so() {
    let ran = mounted("size=1m", "$G intel update --dir $D $S/v2.gwi");
    assert!(
        ran.status == 0 && ran.stderr.contains("is in memory: after a reboot an older file would be taken"),
        "{ran:?}"
    );
    let ran = mounted("size=1m", "mount -o remount,ro $D; $G intel update --dir $D $S/v2.gwi");
    assert!(ran.status == 3 && ran.stderr.contains("cannot be written on this device"), "{ran:?}");
    assert!(ran.stderr.contains("what was there is kept"), "{ran:?}");
}
