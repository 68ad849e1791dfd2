//! The looking process: opens what it was told to look at, runs the engine, tells everything on the pipe.

use std::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use gatewatch::baseline::Baseline;
use gatewatch::check::Ctx;
use gatewatch::engine::{self, Plan, Scratch};
use gatewatch::facts::lan::Lan;
use gatewatch::facts::text::Bytes;
use gatewatch::host::Fault;
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
use crate::sys::fd::Writer;
use crate::sys::machine::Machine;
use crate::sys::{clock, map};

static SCRATCH: Mutex<Scratch> = Mutex::new(Scratch::new());
/// Those whom the machine serves.
pub static LAN: Mutex<Lan> = Mutex::new(Lan::new());
static FRAME: Mutex<[u8; FRAME_BYTES]> = Mutex::new([0; FRAME_BYTES]);

/// Where an image has its indicators.
const DEFAULT_INTEL: &str = "/usr/share/gatewatch/indicators.gwi";

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
        source::lan::read(&machine, &mut lan);
        if lan.is_cut() {
            complain(format_args!("there are more names of clients than are known: some may be shown"));
        }
    }
    let known = |ip, say: &mut dyn FnMut(&[u8])| source::lan::tell(&machine, ip, say);
    let clients = if scan.lan_details { Clients::Told(&known) } else { Clients::Veiled(&lan) };
    let mut sink = Veil::new(Encoder::new(Writer(pipe.as_fd()), &mut frame), clients);
    let own_pids = if scan.root.is_some() { [0, 0] } else { [parent, std::process::id()] };
    let mut gap = Bytes::<WHY_BYTES>::new();
    let mut baseline_gap = Bytes::<WHY_BYTES>::new();
    let baseline = baseline(scan, &mut baseline_gap);
    let told = intel(scan, &mut sink, &mut gap).and_then(|intel| {
        // They were made with this program, and its tests open them.
        let families = Intel::open(FAMILIES).ok();
        let ctx = Ctx { intel: &intel, sieve: None, families, now: clock::believable(), own_pids };
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

/// Opens the baseline: the one that is named, or of this machine the one in its place, if it is there.
fn baseline(scan: &Scan, gap: &mut Bytes<WHY_BYTES>) -> Option<Baseline<'static>> {
    let default = scan.baseline.is_none();
    if default && scan.root.is_some() {
        return None;
    }
    let path = scan.baseline.as_ref().map_or(DEFAULT_BASELINE.as_bytes(), |path| path.as_bytes());
    let opened = match map::map(path) {
        Err(Fault::NotFound | Fault::NotDirectory) if default => return None,
        opened => opened.map_err(|fault| fault.to_string()),
    };
    match opened.and_then(|bytes| Baseline::open(bytes).map_err(|defect| defect.to_string())) {
        Ok(baseline) => Some(baseline),
        Err(why) => {
            complain(format_args!("{}: {why}", Escaped(path)));
            gap.push(path);
            let _ = write!(gap, ": {why}");
            None
        }
    }
}

type Files = heapless::Vec<Intel<'static>, INTEL_FILES>;

/// Opens the indicator files. One that cannot be used takes nothing from the other checks: why it is missing becomes
/// the verdict of those that need it.
fn intel(scan: &Scan, sink: &mut impl Sink, gap: &mut Bytes<WHY_BYTES>) -> Result<Files, SinkFault> {
    sink.event(&Event::Stage(Source::Intel))?;
    let mut files = Files::new();
    let default = [DEFAULT_INTEL.into()];
    let chosen = if scan.intel.is_empty() { &default[..] } else { &scan.intel };
    for path in chosen {
        let opened = map::map(path.as_bytes()).map_err(|fault| fault.to_string());
        match opened.and_then(|bytes| Intel::open(bytes).map_err(|defect| defect.to_string())) {
            Ok(file) if file.entries() > 0 => {
                if clock::believable().is_some_and(|now| file.expires().is_some_and(|expires| expires <= now))
                {
                    complain(format_args!(
                        "{}: its data has expired: get a newer one",
                        Escaped(path.as_bytes())
                    ));
                }
                let (version, created, entries) = (file.version(), file.created(), file.entries());
                sink.event(&Event::Intel(IntelInfo { version, created, entries }))?;
                let _ = files.push(file);
            }
            unusable => {
                let why = unusable.err().unwrap_or_else(|| "it holds no indicators".to_owned());
                if !gap.is_empty() {
                    gap.push(b"; ");
                }
                if scan.intel.is_empty() {
                    let _ = write!(gap, "no indicator file: ");
                } else {
                    complain(format_args!("{}: {why}", Escaped(path.as_bytes())));
                }
                gap.push(path.as_bytes());
                let _ = write!(gap, ": {why}");
                if scan.intel.is_empty() {
                    let _ = write!(gap, "; give one with --intel");
                }
            }
        }
    }
    Ok(files)
}
