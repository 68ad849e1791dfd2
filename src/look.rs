//! The looking process: opens what it was told to look at, runs the engine, tells everything on the pipe.

use std::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use gatewatch::baseline::Baseline;
use gatewatch::check::Ctx;
use gatewatch::engine::{self, Plan, Scratch};
use gatewatch::facts::lan::Lan;
use gatewatch::facts::text::{Bytes, basename};
use gatewatch::host::{Fault, Host};
use gatewatch::intel::{FAMILIES, Intel};
use gatewatch::limits::{FRAME_BYTES, INTEL_FILES, WHY_BYTES};
use gatewatch::report::escape::Escaped;
use gatewatch::report::veil::{Clients, Veil};
use gatewatch::report::wire::Encoder;
use gatewatch::report::{Event, IntelInfo, Sink, SinkFault, Source};
use gatewatch::source;
use gatewatch::source::hidden::Turn;

use crate::args::{DEFAULT_BASELINE, Scan};
use crate::complain;
use crate::sys::clock;
use crate::sys::fd::Writer;
use crate::sys::machine::Machine;
use crate::trust::{Admitted, IMAGE, Trust, Why};

static SCRATCH: Mutex<Scratch> = Mutex::new(Scratch::new());
/// Those whom the machine serves.
pub static LAN: Mutex<Lan> = Mutex::new(Lan::new());
static FRAME: Mutex<[u8; FRAME_BYTES]> = Mutex::new([0; FRAME_BYTES]);

/// Looks and tells; returns the exit status of the looking process. `parent` reports.
pub fn look(scan: &Scan, pipe: &OwnedFd, parent: u32) -> i32 {
    let (mut scratch, mut frame) = (crate::lock(&SCRATCH), crate::lock(&FRAME));
    let machine = match &scan.root {
        Some(root) => Machine::tree(root.as_bytes()),
        None => Machine::live(),
    };
    let machine = match machine {
        Ok(machine) => machine,
        Err(refusal) => {
            let place = scan.root.as_ref().map_or(&b"/"[..], |root| root.as_bytes());
            complain(format_args!("{}: {refusal}", Escaped(place)));
            return 3;
        }
    };
    let mut lan = crate::lock(&LAN);
    if !scan.lan_details {
        read_lan(&machine, &mut lan);
    }
    let known = |ip, say: &mut dyn FnMut(&[u8])| source::lan::tell(&machine, ip, say);
    let clients = if scan.lan_details { Clients::Told(&known) } else { Clients::Veiled(&lan) };
    let mut sink = Veil::new(Encoder::new(Writer(pipe.as_fd()), &mut frame), clients);
    let own_pids = if scan.root.is_some() { [0, 0] } else { [parent, std::process::id()] };
    let mut gap = Bytes::<WHY_BYTES>::new();
    let mut baseline_gap = Bytes::<WHY_BYTES>::new();
    let trust = Trust::load(&scan.dir, scan.allow_unsigned);
    let baseline = baseline(scan, &trust, &mut baseline_gap);
    let told = intel(scan, &trust, &mut sink, &mut gap).and_then(|files| {
        let intel: heapless::Vec<_, INTEL_FILES> = files.iter().map(|file| file.intel).collect();
        // They were made with this program, and its tests open them.
        let families = Intel::open(FAMILIES).ok();
        let ctx = Ctx { intel: &intel, sieve: None, families, now: now(&files), own_pids };
        let plan = Plan {
            selection: scan.selection,
            ctx,
            intel_gap: gap.as_slice(),
            intel_named: !scan.intel.is_empty(),
            baseline,
            baseline_gap: baseline_gap.as_slice(),
            turn: Turn::ALL,
        };
        engine::scan(&machine, &plan, &mut scratch, &mut sink)
    });
    if told.is_ok() { 0 } else { 3 }
}

/// Reads who is served by a machine, and says what is not known of them.
pub fn read_lan(machine: &Machine, lan: &mut Lan) {
    let read = source::lan::read(machine, lan);
    if let Err((text, told)) = read.or_else(|faults| if machine.about().live { Err(faults) } else { Ok(()) })
    {
        complain(format_args!(
            "/proc/net/arp: {text}; and netlink: {told}: a client has one word by its address and another by its hardware"
        ));
    }
    if lan.is_cut() {
        complain(format_args!("there are more names of clients than are known: some may be shown"));
    }
}

/// Opens the baseline: the one that is named, or of this machine the one in its place, if it is there.
fn baseline(scan: &Scan, trust: &Trust<'_>, gap: &mut Bytes<WHY_BYTES>) -> Option<Baseline<'static>> {
    let default = scan.baseline.is_none();
    if default && scan.root.is_some() {
        return None;
    }
    let path = scan.baseline.as_ref().map_or(DEFAULT_BASELINE.as_bytes(), |path| path.as_bytes());
    match trust.open_baseline(path) {
        Ok(baseline) => Some(baseline),
        Err(Why::Fault(Fault::NotFound | Fault::NotDirectory)) if default => None,
        Err(why) => {
            complain(format_args!("{}: {why}", Escaped(path)));
            gap.push(path);
            let _ = write!(gap, ": {why}");
            None
        }
    }
}

type Files = heapless::Vec<Admitted, INTEL_FILES>;

/// The indicator files of a run.
struct Opened<'a> {
    trust: &'a Trust<'a>,
    files: Files,
    gap: &'a mut Bytes<WHY_BYTES>,
}

impl Opened<'_> {
    /// One that cannot be used takes nothing from the other checks: why it is missing becomes the verdict of those that
    /// need it.
    fn refuse(&mut self, path: &[u8], why: std::fmt::Arguments<'_>) {
        complain(format_args!("{}: {why}", Escaped(path)));
        self.miss(path, why);
    }

    fn miss(&mut self, path: &[u8], why: std::fmt::Arguments<'_>) {
        if !self.gap.is_empty() {
            self.gap.push(b"; ");
        }
        self.gap.push(path);
        let _ = write!(self.gap, ": {why}");
    }

    fn open(&mut self, path: &[u8]) {
        match self.trust.open_newest(path) {
            Ok(file) => drop(self.files.push(file)),
            Err(why) => self.refuse(path, format_args!("{why}")),
        }
    }

    /// Those in their places: what the device has fetched, and what its image has, of the same name the newer one.
    fn open_defaults(&mut self) {
        let (paths, fault) = self.trust.files();
        let name = basename(IMAGE.as_bytes());
        let mut fetched = None;
        for path in &paths {
            let path = path.as_bytes();
            let before = self.files.len();
            self.open(path);
            if basename(path) == name && self.files.len() > before {
                fetched = Some(before);
            }
        }
        let newer = fetched.and_then(|at| self.files.get(at)).map(|file| file.intel.version());
        match self.trust.open(IMAGE.as_bytes()) {
            Ok(file) if newer.is_some_and(|newer| newer >= file.intel.version()) => {}
            Ok(file) => {
                let version = file.intel.version();
                // The image is not what somebody put in place of what was here: better than nothing, but not the same.
                if let Some(seen) = self.trust.seen(name).filter(|seen| *seen > version) {
                    self.refuse(IMAGE.as_bytes(), format_args!("{}", Why::Older { version, seen }));
                }
                match fetched.and_then(|at| self.files.get_mut(at)) {
                    Some(slot) => *slot = file,
                    None => {
                        let _ = self.files.push(file);
                    }
                }
            }
            Err(Why::Fault(fault @ (Fault::NotFound | Fault::NotDirectory))) => {
                if paths.is_empty() {
                    let _ = write!(self.gap, "no indicator file: {IMAGE}: {fault}; give one with --intel");
                }
            }
            Err(why) => self.refuse(IMAGE.as_bytes(), format_args!("{why}")),
        }
        if let Some(fault) = fault {
            let place = self.trust.path("intel.d");
            match fault {
                Fault::Large => {
                    self.refuse(place.as_bytes(), format_args!("more than {INTEL_FILES} indicator files"));
                }
                other => self.refuse(place.as_bytes(), format_args!("{other}")),
            }
        }
    }
}

/// Opens the indicator files, and tells of those that are in use.
fn intel(
    scan: &Scan,
    trust: &Trust<'_>,
    sink: &mut impl Sink,
    gap: &mut Bytes<WHY_BYTES>,
) -> Result<Files, SinkFault> {
    sink.event(&Event::Stage(Source::Intel))?;
    let mut opened = Opened { trust, files: Files::new(), gap };
    if scan.intel.is_empty() {
        opened.open_defaults();
    }
    scan.intel.iter().for_each(|path| opened.open(path.as_bytes()));
    let files = opened.files;
    let now = now(&files);
    for Admitted { intel: file, signer } in &files {
        let (version, created, entries) = (file.version(), file.created(), file.entries());
        if now.is_some_and(|now| file.expires().is_some_and(|expires| expires <= now)) {
            complain(format_args!("indicators of version {version} have expired: get newer ones"));
        }
        sink.event(&Event::Intel(IntelInfo { version, created, entries, signed: signer.is_some() }))?;
    }
    Ok(files)
}

/// What time it is; none where the clock is not set, and then nothing expires. It is not before what a trusted key has dated.
fn now(files: &Files) -> Option<u64> {
    let dated = files.iter().filter(|file| file.signer.is_some()).map(|file| file.intel.created()).max();
    Some(clock::believable()?.max(dated.unwrap_or_default()))
}
