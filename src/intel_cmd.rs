//! `gatewatch intel`: shows what an indicator file is, and puts a newer one in the place of an older one.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use gatewatch::facts::text::basename;
use gatewatch::host::Fault;
use gatewatch::intel::Intel;
use gatewatch::intel::delta::{self, Delta};
use gatewatch::limits::{INTEL_NAME_BYTES, UPDATE_BYTES};
use gatewatch::report::escape::Escaped;
use gatewatch::report::{Verdict, date};
use gatewatch::signature;
use nix::libc;

use crate::args::{self, IntelAction as Action};
use crate::sys::{clock, map, newfile};
use crate::trust::{Admitted, IMAGE, Trust, Why};
use crate::{complain, fetch};

/// A file is no good.
const REFUSED: u8 = 1;
/// It could not be told, or not be done.
const CANNOT: u8 = 3;

/// Does what was asked for; returns the exit status.
#[inline(never)]
pub fn run(asked: &args::Intel) -> u8 {
    let trust = Trust::load(&asked.dir, asked.allow_unsigned);
    let source = asked.source.as_bytes();
    match asked.action {
        Action::Info => info(&trust, source),
        Action::Verify => match trust.open_newest(source) {
            Ok(file) => crate::print(format_args!("{}: good, {}\n", Escaped(source), Line(&file))),
            Err(why) => refuse(source, &why),
        },
        Action::Update => update(asked, trust),
    }
}

/// Says why a file is not taken.
fn refuse(source: &[u8], why: &Why) -> u8 {
    complain(format_args!("{}: {why}", Escaped(source)));
    if why.is_refusal() { REFUSED } else { CANNOT }
}

/// Version, date, number of indicators and signer, in a line.
struct Line<'a>(&'a Admitted);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Admitted { intel, signer } = self.0;
        let (version, entries) = (intel.version(), intel.entries());
        write!(f, "version {version} of {}, {entries} indicators, ", Day(intel.created()))?;
        match signer {
            Some(id) => write!(f, "signed by key {id}"),
            None => f.write_str("not signed by a trusted key"),
        }
    }
}

/// A date, from seconds since 1970.
struct Day(u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(86_400));
        write!(f, "{year}-{:02}-{day:02}", month.saturating_add(1))
    }
}

/// What a file says of itself, whoever made it.
struct Info<'a> {
    intel: Intel<'static>,
    trust: &'a Trust<'a>,
    name: &'a [u8],
}

impl fmt::Display for Info<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let intel = &self.intel;
        writeln!(f, "version: {}", intel.version())?;
        write!(f, "created: {}", Day(intel.created()))?;
        match clock::believable() {
            Some(now) => {
                writeln!(f, ", {} days ago", now.saturating_sub(intel.created()).div_euclid(86_400))?
            }
            None => writeln!(f, "; the clock is not set, so its age is not known")?,
        }
        match intel.expires() {
            Some(expires) => writeln!(f, "expires: {}", Day(expires))?,
            None => writeln!(f, "expires: never")?,
        }
        writeln!(f, "indicators: {}", intel.entries())?;
        if let Some([major, minor, patch]) = intel.needs() {
            writeln!(f, "needs: gatewatch {major}.{minor}.{patch}")?;
        }
        if let Some(seen) = self.trust.seen(self.name) {
            writeln!(f, "newest version that was here: {seen}")?;
        }
        match signature::signer(intel.signed(), self.trust.keys()) {
            Ok(id) => writeln!(f, "signature: good, by key {id}, which is trusted"),
            Err(refusal) => writeln!(f, "signature: {refusal}"),
        }
    }
}

fn info(trust: &Trust<'_>, source: &[u8]) -> u8 {
    let opened = map::map(source).map_err(Why::Fault);
    match opened.and_then(|bytes| Intel::open(bytes).map_err(Why::Defect)) {
        Ok(intel) => crate::print(format_args!("{}", Info { intel, trust, name: basename(source) })),
        Err(why) => refuse(source, &why),
    }
}

fn update(asked: &args::Intel, mut trust: Trust<'_>) -> u8 {
    let source = asked.source.as_bytes();
    let target = match &asked.target {
        Some(target) => target.clone(),
        None => trust.path("intel.d/indicators.gwi"),
    };
    let (path, name) = (target.as_bytes(), basename(target.as_bytes()));
    let is_name = |byte: &u8| byte.is_ascii_graphic();
    if name.len() > INTEL_NAME_BYTES || !name.ends_with(b".gwi") || !name.iter().all(is_name) {
        complain(format_args!("{}: give a name that ends in .gwi, without blanks", Escaped(path)));
        return CANNOT;
    }
    let bytes = match bytes_of(asked).and_then(|bytes| whole(bytes, path)) {
        Ok(bytes) => bytes,
        Err(why) => {
            complain(format_args!("{}: {why}", Escaped(source)));
            return CANNOT;
        }
    };
    let new = match trust.admit(bytes) {
        Ok(new) => new,
        Err(why) => return refuse(source, &why),
    };

    // What is in its place, and what the image has, may be newer than what was noted, if its note could not be kept.
    let here = trust.open(path).ok().map(|file| file.intel.version());
    let image = trust.open(IMAGE.as_bytes()).ok().filter(|_| name == basename(IMAGE.as_bytes()));
    let image = image.map(|file| file.intel.version());
    let version = new.intel.version();
    if let Some(seen) = trust.seen(name).max(here).max(image).filter(|seen| *seen > version) {
        let status = refuse(source, &Why::Older { version, seen });
        let state = trust.path("state");
        complain(format_args!(
            "if that is meant, remove what is newer, and its line in {}",
            Escaped(state.as_bytes())
        ));
        return status;
    }
    if here == Some(version) {
        return match note(&mut trust, name, &new) {
            0 => crate::print(format_args!("{}: version {version} is here already\n", Escaped(path))),
            status => status,
        };
    }
    if let Err(why) = put(&target, bytes) {
        complain(format_args!("{}: {why}; what was there is kept", Escaped(path)));
        return CANNOT;
    }
    match note(&mut trust, name, &new) {
        0 => crate::print(format_args!("{}: {}\n", Escaped(path), Line(&new))),
        status => status,
    }
}

/// The bytes of what is to be put in place, from a file or from a server. They are nobody else's: what is written is what was
/// looked at, whoever writes to the file meanwhile.
fn bytes_of(asked: &args::Intel) -> Result<&'static [u8], String> {
    let source = asked.source.as_bytes();
    if !fetch::is_address(source) {
        let file = map::map(source).map_err(|fault| fault.to_string())?;
        if file.is_empty() {
            return Ok(file);
        }
        let room = map::room(file.len()).map_err(|fault| fault.to_string())?;
        room.copy_from_slice(file);
        return Ok(room);
    }
    let room = map::room(UPDATE_BYTES).map_err(|fault| fault.to_string())?;
    let length = fetch::get(source, room, asked.timeout_s)?;
    let room: &'static [u8] = room;
    Ok(room.get(..length).unwrap_or_default())
}

/// A file as it is to be: of a delta, what it makes of the file in place, or of the image's.
fn whole(bytes: &'static [u8], target: &[u8]) -> Result<&'static [u8], String> {
    if !bytes.starts_with(&delta::MAGIC) {
        return Ok(bytes);
    }
    let delta = Delta::open(bytes).map_err(|fault| fault.to_string())?;
    let length = usize::try_from(delta.new_len()).ok().filter(|length| *length <= UPDATE_BYTES);
    let length = length.ok_or_else(|| format!("makes a file of more than {UPDATE_BYTES} bytes"))?;
    let mut why = delta::Fault::OtherBase { version: delta.old_version() };
    for base in [target, IMAGE.as_bytes()] {
        let Ok(base) = map::map(base) else { continue };
        // It was taken before.
        if delta.makes(base) {
            return Ok(base);
        }
        let room = map::room(length).map_err(|fault| fault.to_string())?;
        let mut filled = 0_usize;
        let done = delta.apply(base, &mut |part| {
            let end = filled.saturating_add(part.len());
            let slot = room.get_mut(filled..end);
            filled = end;
            slot.map(|slot| slot.copy_from_slice(part)).is_some()
        });
        match done {
            Ok(()) => return Ok(room),
            Err(delta::Fault::OtherBase { .. }) => {}
            Err(fault) => why = fault,
        }
    }
    Err(why.to_string())
}

/// Puts a file in place, whole or not at all. An error says what is missing.
fn put(target: &OsString, bytes: &[u8]) -> Result<(), String> {
    let dir = newfile::directory(target.as_bytes());
    make(dir);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let lacks = || newfile::free(dir).and_then(|free| length.checked_sub(free)).filter(|lack| *lack > 0);
    // The old one stays until the new one is whole, so both must fit.
    let full = |lack: u64| {
        Err(format!(
            "{length} bytes do not fit beside the old file, {lack} more must be free in {}",
            Escaped(dir)
        ))
    };
    if let Some(lack) = lacks() {
        return full(lack);
    }
    match newfile::write(target, |to| to(bytes)) {
        Ok(()) => Ok(()),
        Err(Fault::Errno(libc::ENOSPC | libc::EDQUOT)) => match lacks() {
            Some(lack) => full(lack),
            None => Err(format!(
                "{length} bytes do not fit beside the old file: free some room in {}",
                Escaped(dir)
            )),
        },
        Err(fault) => Err(unwritable(fault)),
    }
}

fn unwritable(fault: Fault) -> String {
    match fault {
        Fault::Errno(libc::EROFS) => {
            "cannot be written on this device: name a place that can with --dir".to_owned()
        }
        Fault::Errno(libc::ENOSPC | libc::EDQUOT) => "no room".to_owned(),
        other => other.to_string(),
    }
}

/// Makes a directory of gatewatch's own, and the one around it.
fn make(dir: &[u8]) {
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o755);
    for dir in [newfile::directory(dir), dir] {
        let _ = nix::unistd::mkdir(dir, mode);
    }
}

/// Remembers the version over reboots, or says why an older one would be taken then.
fn note(trust: &mut Trust<'_>, name: &[u8], new: &Admitted) -> u8 {
    let state = trust.path("state");
    let place = newfile::directory(state.as_bytes());
    if newfile::is_in_memory(place) {
        complain(format_args!(
            "{} is in memory: after a reboot an older file would be taken",
            Escaped(place)
        ));
    }
    if trust.seen(name) == Some(new.intel.version()) {
        return 0;
    }
    let text = trust.note(name, &new.intel);
    match newfile::write(&state, |to| to(text.as_bytes())) {
        Ok(()) => 0,
        Err(fault) => {
            let (state, why) = (Escaped(state.as_bytes()), unwritable(fault));
            complain(format_args!(
                "{state}: {why}; the file is new, but an older one would be taken after it"
            ));
            Verdict::Incomplete.exit_status()
        }
    }
}
