//! The outbox against sockets of this machine, in a time of its own.
#![allow(clippy::arithmetic_side_effects)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use gatewatch::report::{Counts, Finding, Severity, Verdict};

use super::way::{BURST_US, FAREWELL_US, FAREWELLS, PAUSES_US, STALL_US};
use super::*;

/// An empty outbox.
fn outbox(to: &[Destination]) -> Outbox<'static> {
    *lock(&STORE) = Store::new();
    Outbox::open(to, "r1")
}

fn summary() -> Summary<'static> {
    Summary {
        verdict: Verdict::Clean,
        infected: 0,
        suspicious: 0,
        notice: 0,
        checks: 1,
        blind: 0,
        counts: Counts::default(),
        intel: None,
        intel_age_days: None,
        device: "r1",
        version: "0",
        elapsed_us: 1,
        held_back: 0,
        hidden: 0,
        incidents: 0,
        unjoined: 0,
        broken_off: "",
        allowed: 0,
        skipped: 0,
        test: false,
    }
}

/// A run with findings about these paths.
fn say(outbox: &mut Outbox<'_>, paths: &[&str]) {
    for path in paths {
        let finding = Finding {
            check: "exe-deleted",
            severity: Severity::Suspicious,
            attack: "T1070.004",
            path: path.as_bytes(),
            history: None,
            ..Finding::NOTHING
        };
        outbox.event(&Event::Finding(finding)).unwrap();
    }
    outbox.summary(&summary()).unwrap();
}

/// The paths in lines, `end` for a closing line.
fn paths(text: &str) -> Vec<String> {
    let lines = text.split("gatewatch[").skip(1);
    lines
        .map(|line| match line.split_once("obj=\"") {
            Some((_, rest)) => rest.split([' ', '"']).next().unwrap().to_owned(),
            None => "end".to_owned(),
        })
        .collect()
}

/// What has come to a datagram socket.
fn received(mut recv: impl FnMut(&mut [u8]) -> std::io::Result<usize>) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    while let Ok(length) = recv(&mut buffer) {
        all.push_str(str::from_utf8(&buffer[..length]).unwrap());
    }
    all
}

fn udp(at: &str) -> UdpSocket {
    let socket = UdpSocket::bind(at).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// The body of each line on a stream, by its count of octets.
fn counted(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ').unwrap();
        let count: usize = str::from_utf8(&bytes[..blank]).unwrap().parse().unwrap();
        let (line, rest) = bytes[blank + 1..].split_at(count);
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        bytes = rest;
    }
    lines
}

fn numbers(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split(" n=\"").nth(1).unwrap().split('"').next().unwrap()).collect()
}

/// Pumps until something is readable for `listener`, as time goes on.
fn accept(outbox: &mut Outbox<'_>, listener: &TcpListener) -> TcpStream {
    outbox.pump(clock::monotonic_us());
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream
}

#[test]
fn a_refused_datagram_is_sent_again_after_twice_the_pause() {
    let port = udp("127.0.0.1:0").local_addr().unwrap();
    let mut outbox = outbox(&[Destination::Udp(port)]);
    say(&mut outbox, &["/a", "/b"]);
    let mut now_us = 1_000_000_000;
    let mut last = 0;
    for _ in 0..14 {
        outbox.pump(now_us);
        // Loopback's refusal is there at once.
        let wake_us = outbox.pump(now_us).unwrap();
        let pause = wake_us - now_us;
        assert!(pause >= last && pause <= PAUSES_US + PAUSES_US / 4, "{pause} after {last}");
        last = (pause * 3 / 2).min(PAUSES_US);
        now_us = wake_us;
    }
    let missing: Vec<_> = outbox.missing().map(|it| (it.messages, it.why)).collect();
    assert_eq!(missing, [(3, Trouble::Refused)]);

    let socket = udp(&port.to_string());
    now_us = outbox.pump(now_us).unwrap();
    assert_eq!(paths(&received(|it| socket.recv(it))), ["/a"], "one goes ahead");
    now_us = outbox.pump(now_us).unwrap();
    assert_eq!(paths(&received(|it| socket.recv(it))), ["/b", "end"]);
    assert_eq!(outbox.missing().count(), 1, "it is not known yet");
    assert_eq!((outbox.pump(now_us), outbox.missing().count()), (None, 0));
}

#[test]
fn many_datagrams_go_in_bursts() {
    let socket = udp("127.0.0.1:0");
    let mut outbox = outbox(&[Destination::Udp(socket.local_addr().unwrap())]);
    for _ in 0..50 {
        outbox.begin();
        say(&mut outbox, &[]);
    }
    let wake_us = outbox.pump(7).unwrap();
    assert_eq!((paths(&received(|it| socket.recv(it))).len(), wake_us), (32, 7 + BURST_US));
    let wake_us = outbox.pump(wake_us).unwrap();
    assert_eq!(paths(&received(|it| socket.recv(it))).len(), 18);
    assert_eq!((outbox.pump(wake_us), outbox.missing().count()), (None, 0));
}

#[test]
fn a_stream_that_breaks_is_sent_whole_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut outbox = outbox(&[Destination::Tcp(listener.local_addr().unwrap())]);
    let mut first = accept(&mut outbox, &listener);
    say(&mut outbox, &["/a", "/b"]);
    outbox.pump(clock::monotonic_us());
    // It is closed with most of it unread.
    first.read_exact(&mut [0; 10]).unwrap();
    drop(first);
    let wake_us = outbox.pump(clock::monotonic_us()).unwrap();
    let missing: Vec<_> = outbox.missing().map(|it| (it.messages, it.why)).collect();
    assert_eq!(missing, [(3, Trouble::Ended)]);

    outbox.pump(wake_us);
    let mut second = listener.accept().unwrap().0;
    outbox.pump(wake_us);
    let mut bytes = Vec::new();
    second.read_to_end(&mut bytes).unwrap();
    let lines = counted(&bytes);
    assert_eq!(numbers(&lines), ["1/3", "2/3", "3/3"]);
    outbox.pump(wake_us);
    assert_eq!(outbox.missing().count(), 1, "it may not have been read yet");
    drop(second);
    assert_eq!((outbox.pump(wake_us), outbox.missing().count()), (None, 0));
}

#[test]
fn a_collector_that_never_closes_has_it_when_its_machine_has() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut outbox = outbox(&[Destination::Tcp(listener.local_addr().unwrap())]);
    let mut stream = accept(&mut outbox, &listener);
    say(&mut outbox, &[]);
    // What it says itself is not minded.
    stream.write_all(b"welcome\n").unwrap();
    let now_us = clock::monotonic_us();
    let wake_us = outbox.pump(now_us).unwrap();
    assert_eq!((wake_us, outbox.missing().count()), (now_us + FAREWELL_US, 1));
    // Its machine may take a while to say that it has it (tcp(7), `TCP_QUICKACK`), in a time that is not ours.
    let mut next_us = Some(wake_us);
    while let Some(wake_us) = next_us {
        assert!(wake_us < now_us + FAREWELL_US * u64::from(FAREWELLS), "{wake_us}");
        std::thread::sleep(Duration::from_millis(20));
        next_us = outbox.pump(wake_us);
    }
    assert_eq!(outbox.missing().count(), 0);
}

#[test]
fn a_connection_that_ended_while_nothing_was_said_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut outbox = outbox(&[Destination::Tcp(listener.local_addr().unwrap())]);
    drop(accept(&mut outbox, &listener));
    let now_us = clock::monotonic_us();
    assert_eq!(outbox.pump(now_us), None);
    say(&mut outbox, &[]);
    outbox.pump(now_us);
    let mut stream = listener.accept().unwrap().0;
    outbox.pump(now_us);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(numbers(&counted(&bytes)), ["1/1"]);
}

#[test]
fn a_full_socket_of_a_log_daemon_gets_the_rest_later() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let other = UnixDatagram::unbound().unwrap();
    other.set_nonblocking(true).unwrap();
    while other.send_to(b"x", &path).is_ok() {}
    let mut outbox = outbox(&[Destination::Path(path.to_str().unwrap().into())]);
    say(&mut outbox, &["/a"]);
    assert_eq!(outbox.pump(5), Some(5 + STALL_US));
    assert_eq!(outbox.pump(6), Some(5 + STALL_US));
    received(|it| socket.recv(it));
    assert_eq!(outbox.pump(7), None);
    assert_eq!(paths(&received(|it| socket.recv(it))), ["/a", "end"]);

    // The daemon is gone, then one is there again.
    drop(socket);
    say(&mut outbox, &["/b"]);
    let wake_us = outbox.pump(8).unwrap();
    assert_eq!(outbox.missing().map(|it| it.why).collect::<Vec<_>>(), [Trouble::Refused]);
    std::fs::remove_file(&path).unwrap();
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    assert_eq!(outbox.pump(wake_us), None);
    assert_eq!(paths(&received(|it| socket.recv(it))), ["/b", "end"]);
}

#[test]
fn one_that_is_away_keeps_nothing_from_the_others_and_is_told_what_it_lost() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().as_bytes().to_vec();
    let here = UnixDatagram::bind(place.path().join("here")).unwrap();
    here.set_nonblocking(true).unwrap();
    let to = [Destination::Path(path("away")), Destination::Path(path("here"))];
    let mut outbox = outbox(&to);
    let (mut now_us, mut came) = (0, 0);
    say(&mut outbox, &["/first"]);
    for _ in 0..gatewatch::limits::SPOOL_MESSAGES + 20 {
        outbox.begin();
        say(&mut outbox, &[]);
        now_us = outbox.pump(now_us).unwrap();
        came += paths(&received(|it| here.recv(it))).len();
    }
    assert_eq!(came, gatewatch::limits::SPOOL_MESSAGES + 22);
    let away = UnixDatagram::bind(place.path().join("away")).unwrap();
    away.set_nonblocking(true).unwrap();
    let mut all = String::new();
    while outbox.missing().count() > 0 {
        now_us = outbox.pump(now_us).unwrap_or(now_us);
        all.push_str(&received(|it| away.recv(it)));
    }
    let paths = paths(&all);
    assert_eq!((paths.len(), &paths[0][..]), (gatewatch::limits::SPOOL_MESSAGES, "/first"));
    assert_eq!(all.matches(" lost=22").count(), 1, "all of them were closing lines");
    assert_eq!(all.matches(" lost=").count(), 1);
}

#[test]
fn destinations_change_and_what_stays_gets_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| Destination::Path(place.path().join(name).to_str().unwrap().into());
    let mut outbox = outbox(&[path("gone"), path("stays")]);
    say(&mut outbox, &["/a"]);
    let wake_us = outbox.pump(0).unwrap();
    outbox.redirect(&[path("stays"), path("new")]);
    say(&mut outbox, &["/b"]);
    let open = |name: &str| {
        let socket = UnixDatagram::bind(place.path().join(name)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    };
    let (stays, new) = (open("stays"), open("new"));
    assert_eq!(outbox.pump(wake_us), None);
    assert_eq!(paths(&received(|it| stays.recv(it))), ["/a", "end", "/b", "end"]);
    assert_eq!(paths(&received(|it| new.recv(it))), ["/b", "end"]);
    outbox.redirect(&[]);
    say(&mut outbox, &["/c"]);
    assert_eq!((outbox.pump(wake_us), outbox.missing().count()), (None, 0));
}
