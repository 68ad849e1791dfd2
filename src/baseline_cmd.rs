//! `gatewatch baseline`: notes what a machine or a tree holds, and shows what differs from that later.

mod judge;

use std::fmt::Write as _;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use embedded_io::Write as _;
use gatewatch::baseline::{Difference, FileValue, Kind, Table, compare};
use gatewatch::facts::lan::Lan;
use gatewatch::facts::origin::Item;
use gatewatch::facts::text::{Bytes, basename, decimal};
use gatewatch::limits::{DETAIL_BYTES, JSON_BYTES, PATH_BYTES, WHY_BYTES};
use gatewatch::report::escape::Escaped;
use gatewatch::report::{Verdict, veil};
use gatewatch::source::items::{self, Look, Told};
use gatewatch::source::net::Ports;
use gatewatch::source::rules::Rooms;
use gatewatch::source::{Coverage, inventory};
use judge::{Judge, Word};
use serde::Serialize;

use crate::args::{self, Action, Format};
use crate::sys::fd::{Buffered, Writer};
use crate::sys::machine::Machine;
use crate::sys::{clock, newfile};
use crate::trust::Trust;
use crate::{complain, lock};

static TABLE: Mutex<Table> = Mutex::new(Table::new());
static PORTS: Mutex<Ports> = Mutex::new(Ports::new());
static ROOMS: Mutex<Rooms> = Mutex::new(Rooms::new());

/// What cannot be told, or is wrong.
const CANNOT_TELL: u8 = 3;
/// Something differs. 2 is kept for what is infected.
const DIFFERS: u8 = 1;

/// Does what was asked for; returns the exit status.
#[inline(never)]
pub fn run(asked: &args::Baseline) -> u8 {
    let machine = match &asked.root {
        Some(root) => Machine::tree(root.as_bytes()),
        None => Machine::live(),
    };
    let machine = match machine {
        Ok(machine) => machine,
        Err(refusal) => {
            let place = asked.root.as_ref().map_or(&b"/"[..], |root| root.as_bytes());
            complain(format_args!("{}: {refusal}", Escaped(place)));
            return CANNOT_TELL;
        }
    };
    match asked.action {
        Action::Create => create(asked, &machine),
        Action::Verify => verify(asked, &machine),
    }
}

/// Looks at everything that a baseline holds.
fn collect(machine: &Machine, table: &mut Table) -> Coverage {
    let mut coverage = Coverage::new();
    table.begin(Kind::File);
    let mut each =
        |path: &[u8], value: FileValue<'_>| table.add(Kind::File, path, [&value.head(), value.rest]);
    let missed = inventory::Walk::new(machine, &mut coverage, &mut each).run();
    table.miss(Kind::File, missed);
    let each = &mut |kind, told: Told<'_>| match told {
        Told::Begin => table.begin(kind),
        Told::Thing(name, value) => table.add(kind, name, [value, b""]),
        Told::Missed => table.miss(kind, 1),
    };
    Look { host: machine, coverage: &mut coverage, each }.run(&mut lock(&PORTS), &mut lock(&ROOMS));
    table.sort();
    coverage
}

fn create(asked: &args::Baseline, machine: &Machine) -> u8 {
    // https://reproducible-builds.org/specs/source-date-epoch/
    let created = match std::env::var_os("SOURCE_DATE_EPOCH") {
        None => clock::believable().unwrap_or_default(),
        Some(text) => match decimal(text.as_bytes()) {
            Some(seconds) => seconds,
            None => {
                complain(format_args!("SOURCE_DATE_EPOCH: not a number of seconds"));
                return CANNOT_TELL;
            }
        },
    };
    let mut table = lock(&TABLE);
    let coverage = collect(machine, &mut table);
    let note = if asked.root.is_some() { String::new() } else { crate::sinks::own_name() };
    if asked.is_default {
        // Its directory is ours.
        let path = asked.file.as_bytes();
        let parent = path.strip_suffix(basename(path)).unwrap_or_default();
        let _ = nix::unistd::mkdir(parent, nix::sys::stat::Mode::from_bits_truncate(0o755));
    }
    let file = Escaped(asked.file.as_bytes());
    if let Err(fault) = newfile::write(&asked.file, |to| table.write(created, note.as_bytes(), to)) {
        complain(format_args!("{file}: {fault}; name a file that can be written with -o"));
        return CANNOT_TELL;
    }
    let status = crate::print(format_args!("{file}: {}\n", Counts(&table)));
    let missed = table.missed_all();
    if missed > 0 {
        complain(format_args!("{missed} things are there and not in the baseline"));
    }
    if coverage.gaps > 0 {
        complain(format_args!("{}", Escaped(coverage.reason().as_slice())));
    }
    if missed > 0 || coverage.gaps > 0 { CANNOT_TELL } else { status }
}

/// How many entries there are, by kind.
struct Counts<'a>(&'a Table);

impl std::fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} entries", self.0.entries())?;
        let mut before = ": ";
        for kind in Kind::ALL.into_iter().filter(|kind| self.0.missed(*kind).is_some()) {
            write!(f, "{before}{} {}", self.0.count(kind), kind.word())?;
            before = ", ";
        }
        Ok(())
    }
}

fn verify(asked: &args::Baseline, machine: &Machine) -> u8 {
    let file = Escaped(asked.file.as_bytes());
    let then = match Trust::load(&asked.dir, false).open_baseline(asked.file.as_bytes()) {
        Ok(then) => then,
        Err(why) => {
            complain(format_args!("{file}: {why}"));
            return CANNOT_TELL;
        }
    };
    let mut table = lock(&TABLE);
    let coverage = collect(machine, &mut table);
    let stdout = std::io::stdout();
    let mut lan = lock(&crate::look::LAN);
    if !asked.lan_details {
        crate::look::read_lan(machine, &mut lan);
    }
    let mut report = Report {
        veil: (!asked.lan_details).then_some(&lan),
        out: Buffered::new(Writer(stdout.as_fd())),
        line: &mut lock(&crate::sinks::LINE),
        json: asked.format == Format::Json,
        failed: false,
        summary: Summary::default(),
    };
    let mut why = coverage.reason();
    for kind in Kind::ALL.into_iter().filter(|kind| then.covers(*kind)) {
        let Some(missed) = table.missed(kind) else {
            report.summary.unknown = report.summary.unknown.saturating_add(1);
            if why.is_empty() {
                let _ = write!(why, "{}: it is in the baseline, and nothing here tells of any", kind.word());
            }
            continue;
        };
        let nat = Kind::Item(Item::Nat);
        let kernel = then.get(nat, items::KERNEL).is_some() && table.has(nat, items::KERNEL);
        let judge = Judge { machine, whole_then: then.is_whole(kind), whole_now: missed == 0, kernel };
        let whole = compare(&then, &table, kind, &mut |difference| {
            let mut detail = Bytes::new();
            if let Some(verdict) = judge.of(difference, &mut detail) {
                report.tell(verdict, difference, detail.as_slice());
            }
        });
        if !whole {
            complain(format_args!("{file}: its entries are not in order: make a new baseline"));
            report.summary.unknown = report.summary.unknown.saturating_add(1);
        }
    }
    report.summary.unknown = report.summary.unknown.max(coverage.gaps);
    report.end(why.as_slice())
}

#[derive(Serialize)]
struct Row<'a> {
    v: u8,
    r#type: &'static str,
    change: Word,
    kind: &'static str,
    name: Escaped<'a>,
    #[serde(skip_serializing_if = "is_empty")]
    detail: Escaped<'a>,
}

/// What it comes to.
#[derive(Clone, Copy, Default)]
struct Summary {
    added: u32,
    changed: u32,
    removed: u32,
    unknown: u32,
}

#[derive(Serialize)]
struct End<'a> {
    v: u8,
    r#type: &'static str,
    verdict: &'static str,
    added: u32,
    changed: u32,
    removed: u32,
    unknown: u32,
    #[serde(skip_serializing_if = "is_empty")]
    why: Escaped<'a>,
}

fn is_empty(bytes: &Escaped<'_>) -> bool {
    bytes.0.is_empty()
}

/// Where differences are told.
struct Report<'a> {
    /// Whose addresses and names are not told.
    veil: Option<&'a Lan>,
    out: Buffered<Writer<'a>>,
    line: &'a mut [u8; JSON_BYTES],
    json: bool,
    failed: bool,
    summary: Summary,
}

impl Report<'_> {
    fn tell(&mut self, word: Word, difference: &Difference<'_>, detail: &[u8]) {
        let Difference { kind, name, .. } = *difference;
        let count = match word {
            Word::Added => &mut self.summary.added,
            Word::Changed => &mut self.summary.changed,
            Word::Removed => &mut self.summary.removed,
            Word::Unknown => &mut self.summary.unknown,
        };
        *count = count.saturating_add(1);
        let veiled = self
            .veil
            .map(|lan| (veil::text::<PATH_BYTES>(name, lan), veil::text::<DETAIL_BYTES>(detail, lan)));
        let shown =
            veiled.as_ref().map_or((name, detail), |(name, detail)| (name.as_slice(), detail.as_slice()));
        let (name, detail) = (Escaped(shown.0), Escaped(shown.1));
        let told = if self.json {
            let row = Row { v: 1, r#type: "difference", change: word, kind: kind.word(), name, detail };
            serde_json_core::to_slice(&row, self.line).ok().is_some_and(|used| self.row(used))
        } else {
            let colon = if detail.0.is_empty() { "" } else { ": " };
            let (word, kind) = (word.word(), kind.word());
            self.out.write_fmt(format_args!("{word} {kind} {name}{colon}{detail}\n")).is_ok()
        };
        self.failed |= !told;
    }

    fn row(&mut self, used: usize) -> bool {
        let line = self.line.get(..used).unwrap_or_default();
        self.out.write_all(line).and_then(|()| self.out.write_all(b"\n")).is_ok()
    }

    /// Says what it comes to; returns the exit status.
    fn end(mut self, why: &[u8]) -> u8 {
        let summary = self.summary;
        let Summary { added, changed, removed, unknown } = summary;
        let (verdict, status) = match (added | changed | removed, unknown) {
            (0, 0) => ("same", Verdict::Clean.exit_status()),
            (0, _) => ("incomplete", CANNOT_TELL),
            _ => ("differs", DIFFERS),
        };
        let veiled = self.veil.map(|lan| veil::text::<WHY_BYTES>(why, lan));
        let why = Escaped(veiled.as_ref().map_or(why, Bytes::as_slice));
        let told = if self.json {
            let row = End { v: 1, r#type: "baseline", verdict, added, changed, removed, unknown, why };
            serde_json_core::to_slice(&row, self.line).ok().is_some_and(|used| self.row(used))
        } else {
            let counts =
                format_args!("{added} added, {changed} changed, {removed} removed, {unknown} unknown");
            let said = self.out.write_fmt(format_args!("{verdict}: {counts}\n"));
            said.is_ok() && (why.0.is_empty() || self.out.write_fmt(format_args!("    {why}\n")).is_ok())
        };
        if self.failed || !told || self.out.flush().is_err() {
            complain(format_args!("standard output cannot be written"));
            return CANNOT_TELL;
        }
        status
    }
}
