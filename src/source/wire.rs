//! Where the input and output of a shell lead: to an internet socket, or through its parent to one.

use super::holders;
use super::net;
use super::owner::relative;
use super::proc;
use super::rows_within;
use crate::facts::about::Endian;
use crate::facts::descriptors::Open;
use crate::facts::endpoint::Endpoint;
use crate::facts::process::{Process, Wire};
use crate::facts::program::{Started, applet, is_interpreter, is_shell, started};
use crate::facts::socket::State;
use crate::host::Host;
use crate::limits::SMALL_FILE_BYTES;

/// Sockets of one process that are looked up.
const SOCKETS: usize = 512;

/// Joins that to a process, if it is a shell or an interpreter.
pub fn join<H: Host>(host: &H, dir: &H::Dir, process: &mut Process) {
    (process.wire, process.inetd) = (Wire::None, false);
    let Some(endian) = host.about().endian else { return };
    let name = applet(process);
    if !is_interpreter(name) {
        return;
    }
    match (process.descriptors.input, process.descriptors.output) {
        (Open::Socket(input), Open::Socket(output)) => {
            // Two descriptors of one socket, or a socket for either direction.
            let wanted = [input, output];
            if let Some(remote) = remote(host, endian, process.pid, &wanted) {
                process.wire = Wire::Socket { remote: Some(remote).filter(|remote| remote.port != 0) };
                process.inetd = is_service(host, process);
            } else if is_shell(name) {
                relay(host, dir, endian, process);
            }
        }
        (Open::Pipe(_) | Open::Socket(_), Open::Pipe(_) | Open::Socket(_)) if is_shell(name) => {
            relay(host, dir, endian, process);
        }
        _ => {}
    }
}

/// The parent holds an internet connection: it hands on what comes over it.
fn relay<H: Host>(host: &H, proc: &H::Dir, endian: Endian, process: &mut Process) {
    let parent = process.stat.ppid;
    let mut sockets = heapless::Vec::<u64, SOCKETS>::new();
    let listed = proc::open(host, proc, parent).and_then(|dir| {
        holders::each_socket(host, &dir, &mut |inode| {
            // A bot has a few; of a server with hundreds of connections some are enough.
            let _ = sockets.push(inode);
        })
    });
    let remote = listed.ok().and_then(|()| remote(host, endian, parent, &sockets));
    // What this machine says to itself is nobody's order from outside.
    if let Some(remote) = remote.filter(|remote| remote.port != 0 && !remote.ip.is_loopback()) {
        process.wire = Wire::Relay { remote };
    }
}

/// The other end of an internet socket among these, that of one with a connection to elsewhere first; one without another
/// end has port 0.
fn remote<H: Host>(host: &H, endian: Endian, pid: u32, inodes: &[u64]) -> Option<Endpoint> {
    let mut found: Option<Endpoint> = None;
    if inodes.is_empty() {
        return None;
    }
    let weight = |remote: &Endpoint| (remote.port != 0, !remote.ip.is_loopback());
    net::table_rows(host, endian, pid, &mut |socket| {
        let remote =
            if socket.state == State::Listen { Endpoint { port: 0, ..socket.remote } } else { socket.remote };
        if inodes.contains(&socket.inode) && found.is_none_or(|other| weight(&remote) > weight(&other)) {
            found = Some(remote);
        }
    });
    found
}

/// Whether inetd.conf names the script that a shell runs: `service type protocol wait user program arguments`. A shell
/// without a script is nobody's service, whatever stands there.
fn is_service<H: Host>(host: &H, process: &Process) -> bool {
    let Started::Script(script) = started(process) else { return false };
    let mut named = false;
    for path in [&b"etc/inetd.conf"[..], b"etc/xinetd.conf"] {
        if let Ok((mut file, _)) = host.file(relative(path)) {
            let _ = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
                let row = row.filter(|row| row.first() != Some(&b'#')).unwrap_or_default();
                named |= script.len() > 1 && crate::facts::text::fields(row).any(|word| word == script);
            });
        }
    }
    named
}
