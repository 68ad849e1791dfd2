//! The directory in which the monitor keeps its lock and its state. Without it the monitor goes on, and says so.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use embedded_io::Read;
use gatewatch::facts::text::{Bytes, trim};
use gatewatch::host::{Fault, Host};
use gatewatch::limits::MONITOR_STATE_BYTES;
use gatewatch::monitor::key::Secret;
use gatewatch::monitor::seen::{Now, Seen};
use gatewatch::monitor::state::{self, Moment};
use gatewatch::report::escape::Escaped;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::mkdir;

use crate::complain;
use crate::sys::fd::{File, fault, identity};
use crate::sys::lock::{self, Lock};
use crate::sys::machine::Machine;
use crate::sys::newfile;

/// Seconds between two times that the state is written: the directory may be on flash.
const SAVE_S: i64 = 3600;

static BUFFER: Mutex<[u8; MONITOR_STATE_BYTES]> = Mutex::new([0; MONITOR_STATE_BYTES]);

/// The directory.
pub struct Store {
    /// The file of the state.
    file: OsString,
    boot: Bytes<64>,
    /// When it was written last.
    saved: Option<i64>,
    /// That it could not be written has been said.
    said: bool,
    /// Held as long as this is there.
    _lock: Option<OwnedFd>,
}

/// Another monitor has the directory: its process id.
pub struct Taken(pub i32);

impl Store {
    /// Makes the directory, if need be, and locks it.
    pub fn open(dir: &OsString, own: &Machine) -> Result<Self, Taken> {
        let inside = |name: &str| {
            let mut path = dir.clone();
            path.push("/");
            path.push(name);
            path
        };
        let made = match mkdir(dir.as_bytes(), Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(fault(errno)),
        };
        let held = match made.and_then(|()| lock::take(inside("monitor.pid").as_bytes())) {
            Ok(Lock::Theirs(pid)) => return Err(Taken(pid)),
            Ok(Lock::Ours(file)) => Some(file),
            Err(fault) => {
                let dir = Escaped(dir.as_bytes());
                complain(format_args!(
                    "{dir}: {fault}; going on without: a second monitor is not noticed, and after a new start all is told \
                     again; --state names another directory"
                ));
                None
            }
        };
        let mut boot = Bytes::new();
        if let Ok((mut file, _)) = own.file(b"proc/sys/kernel/random/boot_id") {
            let mut text = [0_u8; 64];
            let length = file.read(&mut text).unwrap_or_default();
            boot.push(trim(text.get(..length).unwrap_or_default()));
        }
        Ok(Self { file: inside("monitor.state"), boot, saved: None, said: false, _lock: held })
    }

    /// Takes over what was kept. Returns the secret under which findings are known.
    pub fn load(&self, seen: &mut Seen, now: Now) -> Secret {
        let mut buffer = crate::lock(&BUFFER);
        let moment = Moment { now, boot: self.boot.as_slice() };
        let shown = Escaped(self.file.as_bytes());
        match read(self.file.as_bytes(), &mut *buffer) {
            Ok(kept) => {
                if let Some(secret) = state::read(kept, moment, seen) {
                    return secret;
                }
                complain(format_args!("{shown}: not whole, or not a state of this version; beginning anew"));
            }
            Err(Fault::NotFound | Fault::NotDirectory) => {}
            Err(fault) => complain(format_args!("{shown}: {fault}; beginning anew")),
        }
        fresh()
    }

    /// Writes it, if there is something new and it is time for that. Returns whether it was written.
    pub fn save(&mut self, seen: &Seen, secret: Secret, now: Now, is_last: bool) -> bool {
        let waited = self.saved.is_none_or(|saved| now.seconds.saturating_sub(saved) >= SAVE_S);
        if !(waited || is_last) {
            return false;
        }
        self.saved = Some(now.seconds);
        let moment = Moment { now, boot: self.boot.as_slice() };
        match newfile::write(&self.file, |out| state::write(seen, secret, moment, out)) {
            Ok(()) => self.said = false,
            Err(fault) if !self.said => {
                self.said = true;
                let file = Escaped(self.file.as_bytes());
                complain(format_args!("{file}: {fault}; after a new start all is told again"));
            }
            Err(_) => {}
        }
        !self.said
    }
}

fn read<'b>(path: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Fault> {
    let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = open(path, flags, Mode::empty()).map_err(fault)?;
    identity(&file)?;
    let (mut file, mut filled) = (File::Open(file), 0_usize);
    loop {
        match file.read(buffer.get_mut(filled..).unwrap_or_default())? {
            0 => return Ok(buffer.get(..filled).unwrap_or_default()),
            length => filled = filled.saturating_add(length),
        }
    }
}

/// A new secret. Where there is no chance to be had, one that is known: then names that pass for one another can be computed.
fn fresh() -> Secret {
    let mut secret = Secret::default();
    if let Ok(random) = open("/dev/urandom", OFlag::O_CLOEXEC | OFlag::O_NOCTTY, Mode::empty()) {
        let _ = nix::unistd::read(&random, &mut secret);
    }
    secret
}
