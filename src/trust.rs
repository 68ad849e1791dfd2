//! Whom this device trusts, and what it has seen: the keys that indicator files must be signed with, and the newest version
//! of each, below which nothing is taken.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use embedded_io::Read;
use gatewatch::baseline::{self, Baseline};
use gatewatch::facts::text::{Bytes, basename, decimal, decimal32, fields};
use gatewatch::host::Fault;
use gatewatch::intel::{Defect, Intel};
use gatewatch::limits::{INTEL_FILES, INTEL_NAME_BYTES, KEY_TEXT_BYTES, PATH_BYTES, SEEN, TRUSTED_KEYS};
use gatewatch::report::escape::Escaped;
use gatewatch::signature::{self, KeyId, PublicKey, Refusal, Signed};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::complain;
use crate::sys::fd::{self, Dir, fault};
use crate::sys::map;

/// Where an image has its indicators.
pub const IMAGE: &str = "/usr/share/gatewatch/indicators.gwi";

/// Why a file is not taken.
pub enum Why {
    /// It could not be read.
    Fault(Fault),
    /// It is no indicator file, or a damaged one.
    Defect(Defect),
    /// It is no baseline, or a damaged one.
    Baseline(baseline::Defect),
    /// Nobody who is trusted made it.
    Refusal(Refusal),
    /// It is meant for this version of gatewatch.
    Engine([u8; 3]),
    /// Something newer was here.
    Older {
        /// Its own version.
        version: u32,
        /// The newest one that was here.
        seen: u32,
    },
    /// It lists nothing.
    Empty,
}

impl Why {
    /// Whether the file was looked at, and is no good.
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Why::Fault(_))
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Fault(fault) => fault.fmt(f),
            Why::Defect(defect) => defect.fmt(f),
            Why::Baseline(defect) => defect.fmt(f),
            Why::Refusal(refusal) => refusal.fmt(f),
            Why::Engine([major, minor, patch]) => {
                write!(f, "needs gatewatch {major}.{minor}.{patch} or newer, and this is {}", crate::VERSION)
            }
            Why::Older { version, seen } => {
                write!(f, "version {version} is older than version {seen}, which was here before")
            }
            Why::Empty => f.write_str("it holds no indicators"),
        }
    }
}

/// The keys, the newest versions, and whether files may do without a signature.
pub struct Trust<'d> {
    dir: &'d OsString,
    allow_unsigned: bool,
    keys: heapless::Vec<PublicKey, TRUSTED_KEYS>,
    seen: heapless::Vec<Seen, SEEN>,
}

/// The newest version of a file.
struct Seen {
    name: Bytes<INTEL_NAME_BYTES>,
    version: u32,
    created: u64,
}

/// An indicator file that is taken.
#[derive(Clone, Copy)]
pub struct Admitted {
    /// The file.
    pub intel: Intel<'static>,
    /// Who signed it; none where that was not asked for.
    pub signer: Option<KeyId>,
}

impl<'d> Trust<'d> {
    /// Reads keys and state. What of them cannot be read is said, and is then not there.
    pub fn load(dir: &'d OsString, allow_unsigned: bool) -> Self {
        let mut trust = Self { dir, allow_unsigned, keys: heapless::Vec::new(), seen: heapless::Vec::new() };
        for text in signature::BUILT_IN.split_ascii_whitespace() {
            trust.key("built-in key", text.as_bytes());
        }
        let place = trust.path("keys");
        let listed = each(&place, b".pub", &mut |path| {
            let shown = Escaped(path);
            match small::<KEY_TEXT_BYTES>(path) {
                Ok(text) => trust.key(&shown.to_string(), text.as_slice()),
                Err(fault) => complain(format_args!("{shown}: {fault}; this key is not trusted")),
            }
        });
        if let Err(fault) = listed {
            complain(format_args!("{}: {fault}; keys in it are not trusted", Escaped(place.as_bytes())));
        }
        trust.read_seen();
        trust
    }

    fn key(&mut self, whence: &str, text: &[u8]) {
        match PublicKey::read(text) {
            Some(key) if self.keys.push(key).is_ok() => {}
            Some(_) => complain(format_args!("{whence}: more than {TRUSTED_KEYS} keys; it is not trusted")),
            None => {
                complain(format_args!("{whence}: not a public key of gatewatch-intel keygen or minisign"))
            }
        }
    }

    /// The keys that are trusted.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// A place in the directory.
    pub fn path(&self, name: &str) -> OsString {
        let mut path = self.dir.clone();
        path.push("/");
        path.push(name);
        path
    }

    fn read_seen(&mut self) {
        let path = self.path("state");
        let text = match small::<{ SEEN * (INTEL_NAME_BYTES + 32) }>(path.as_bytes()) {
            Ok(text) => text,
            Err(Fault::NotFound | Fault::NotDirectory) => return,
            Err(fault) => {
                complain(format_args!(
                    "{}: {fault}; older indicator files are not told",
                    Escaped(path.as_bytes())
                ));
                return;
            }
        };
        for (number, line) in (1_u32..).zip(text.as_slice().split(|byte| *byte == b'\n')) {
            let mut parts = fields(line);
            let Some(name) = parts.next() else { continue };
            let numbers = (parts.next().and_then(decimal32), parts.next().and_then(decimal));
            let (Some(version), Some(created)) = numbers else {
                complain(format_args!("{}:{number}: not understood, and left out", Escaped(path.as_bytes())));
                continue;
            };
            let _ = self.seen.push(Seen { name: Bytes::of(name), version, created });
        }
    }

    /// The newest version of a file that was here.
    pub fn seen(&self, name: &[u8]) -> Option<u32> {
        self.seen.iter().find(|seen| seen.name.as_slice() == name).map(|seen| seen.version)
    }

    /// Notes what is here now, and hands the state over as it is to be written.
    pub fn note(&mut self, name: &[u8], intel: &Intel<'_>) -> String {
        let (version, created) = (intel.version(), intel.created());
        match self.seen.iter_mut().find(|seen| seen.name.as_slice() == name) {
            Some(seen) => (seen.version, seen.created) = (version, created),
            None => {
                let seen = Seen { name: Bytes::of(name), version, created };
                if self.seen.is_full() {
                    let _ = self.seen.remove(0);
                }
                let _ = self.seen.push(seen);
            }
        }
        let mut text = String::new();
        for Seen { name, version, created } in &self.seen {
            let name = String::from_utf8_lossy(name.as_slice());
            let _ = writeln!(text, "{name} {version} {created}");
        }
        text
    }

    /// Looks at the bytes of an indicator file. Whether something newer was here is not asked.
    pub fn admit(&self, bytes: &'static [u8]) -> Result<Admitted, Why> {
        let intel = Intel::open(bytes).map_err(Why::Defect)?;
        let signer = self.signer(intel.signed()).map_err(Why::Refusal)?;
        match intel.needs() {
            Some(engine) => Err(Why::Engine(engine)),
            None if intel.entries() == 0 => Err(Why::Empty),
            None => Ok(Admitted { intel, signer }),
        }
    }

    fn signer(&self, signed: Option<Signed<'_>>) -> Result<Option<KeyId>, Refusal> {
        match signature::signer(signed, &self.keys) {
            Err(refusal) if self.allow_unsigned && refusal.may_be_allowed() => Ok(None),
            signer => signer.map(Some),
        }
    }

    /// Opens an indicator file.
    pub fn open(&self, path: &[u8]) -> Result<Admitted, Why> {
        self.admit(map::map(path).map_err(Why::Fault)?)
    }

    /// The same, if nothing newer was here under its name.
    pub fn open_newest(&self, path: &[u8]) -> Result<Admitted, Why> {
        let admitted = self.open(path)?;
        let version = admitted.intel.version();
        match self.seen(basename(path)) {
            Some(seen) if version < seen => Err(Why::Older { version, seen }),
            _ => Ok(admitted),
        }
    }

    /// Opens a baseline. One that nobody has signed is taken: a device makes its own, and has no key to sign it with.
    pub fn open_baseline(&self, path: &[u8]) -> Result<Baseline<'static>, Why> {
        let bytes = map::map(path).map_err(Why::Fault)?;
        let baseline = Baseline::open(bytes).map_err(Why::Baseline)?;
        match baseline.signed() {
            Some(signed) => self.signer(Some(signed)).map(|_| baseline).map_err(Why::Refusal),
            None => Ok(baseline),
        }
    }

    /// The indicator files of the directory, in the order of their names, and why they may not be all.
    pub fn files(&self) -> (heapless::Vec<OsString, INTEL_FILES>, Option<Fault>) {
        let (mut files, mut more) = (heapless::Vec::new(), false);
        let listed = each(&self.path("intel.d"), b".gwi", &mut |path| {
            more |= files.push(std::ffi::OsStr::from_bytes(path).to_owned()).is_err();
        });
        files.sort_unstable();
        (files, listed.err().or(more.then_some(Fault::Large)))
    }
}

/// Hands the path of every file of a directory to `each` whose name ends so. A directory that is not there is empty.
fn each(place: &OsString, end: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    let dir = open(place.as_bytes(), OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).map_err(fault);
    let listed = dir.and_then(|dir| {
        fd::list(&Dir(dir), &mut |name| {
            // What begins with a dot is somebody's file in the making.
            if name.ends_with(end) && !name.starts_with(b".") {
                let mut path = Bytes::<PATH_BYTES>::of(place.as_bytes());
                path.push(b"/");
                path.push(name);
                each(path.as_slice());
            }
        })
    });
    match listed {
        Err(Fault::NotFound | Fault::NotDirectory) => Ok(()),
        listed => listed,
    }
}

/// Reads a small file whole.
fn small<const N: usize>(path: &[u8]) -> Result<Bytes<N>, Fault> {
    let file =
        open(path, OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, Mode::empty()).map_err(fault)?;
    if fd::identity(&file)?.size > u64::try_from(N).unwrap_or(u64::MAX) {
        return Err(Fault::Large);
    }
    let (mut file, mut text, mut piece) = (fd::File::Open(file), Bytes::new(), [0; 256]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(text),
            length => text.push(piece.get(..length).unwrap_or_default()),
        }
    }
}
