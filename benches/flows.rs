//! What it costs to look up the flows of a busy router in a large list: 65,536 flows against 100,000 addresses.
//!
//! The look-up is what it takes on top of reading the text: both are measured in turn in this process, piece by piece, and
//! the difference of the fastest rounds counts. Then how fast the text is read, next to what wc(1) and grep(1) take for the
//! same file, and what the program takes as a whole. All times are CPU time, so that a busy machine changes them little.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::arithmetic_side_effects, clippy::as_conversions)]

#[path = "../tests/common/traffic.rs"]
mod traffic;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use gatewatch::check::Ctx;
use gatewatch::facts::flow::{self, Flow};
use gatewatch::host::Fault;
use gatewatch::intel::{Intel, Sieve};
use gatewatch::source::rows;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_gettime};
use traffic::{FLOWS, INDICATORS, indicators, recording};

const ROUNDS: usize = 30;
/// Pieces of the text, so that few are disturbed.
const PIECES: usize = 32;
/// 2026-11-22.
const NOW: u64 = 1_795_341_600;
/// What the look-up may take, in nanoseconds a flow.
const AIM: u128 = 40;

/// The text in memory, handed out as the kernel does, a page a read.
struct Text<'a>(&'a [u8]);

impl embedded_io::ErrorType for Text<'_> {
    type Error = Fault;
}

impl embedded_io::Read for Text<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let length = self.0.len().min(into.len());
        into[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

/// How long it takes to read all rows and do something with each flow.
fn pass(text: &[u8], each: &mut dyn FnMut(&Flow)) -> Duration {
    let start = used();
    rows(&mut Text(text), &mut |row| {
        if let Some(flow) = row.and_then(flow::row) {
            each(&flow);
        }
    })
    .unwrap();
    used() - start
}

/// CPU time of this thread.
fn used() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
}

/// CPU time of the programs that have ended.
fn spent() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap();
    Duration::from_micros(micros(usage.system_time()) + micros(usage.user_time()))
}

fn fastest(mut run: impl FnMut() -> Duration, rounds: usize) -> Duration {
    (0..rounds).map(|_| run()).min().unwrap()
}

/// The text in pieces of whole rows.
fn pieces(mut text: &[u8]) -> Vec<&[u8]> {
    let size = text.len() / PIECES;
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let end = text.iter().skip(size).position(|b| *b == b'\n').map_or(text.len(), |end| size + end + 1);
        let (piece, rest) = text.split_at(end);
        pieces.push(piece);
        text = rest;
    }
    pieces
}

fn megabytes(bytes: usize, time: Duration) -> u128 {
    bytes as u128 * 1000 / time.as_nanos().max(1)
}

fn program(command: &mut Command) -> Duration {
    let start = spent();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.code().is_some_and(|code| code < 4), "{command:?}: {status}");
    spent() - start
}

fn main() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flows");
    let file = recording(&dir, FLOWS);
    let text = fs::read(&file).unwrap();
    let (large, small) = (indicators(&dir, INDICATORS), indicators(&dir, 1));
    let bytes = fs::read(&large).unwrap();
    let intel = [Intel::open(&bytes).unwrap()];
    assert!(intel[0].entries() >= INDICATORS - 1000, "{}", intel[0].entries());
    let sieve = Box::new(Sieve::new());
    let start = used();
    sieve.fill(&intel);
    let filling = used() - start;
    let ctx = Ctx { intel: &intel, families: None, sieve: Some(&sieve), now: Some(NOW), own_pids: [0, 0] };

    let (mut flows, mut hits) = (0_u32, 0_u32);
    pass(&text, &mut |flow| {
        flows += 1;
        hits += u32::from(ctx.listed(flow.original.to.ip, flow.original.to.port).is_some());
    });
    assert_eq!(flows, FLOWS);
    println!(
        "{flows} flows in {} bytes of text, {} indicators in {} bytes, {hits} hits",
        text.len(),
        intel[0].entries(),
        bytes.len()
    );

    let (mut reading, mut both, mut sum) = (Duration::ZERO, Duration::ZERO, 0_u32);
    for piece in pieces(&text) {
        let (mut alone, mut looked) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            alone = alone.min(pass(piece, &mut |flow| sum ^= u32::from(black_box(flow).original.to.port)));
            looked = looked.min(pass(piece, &mut |flow| {
                let to = black_box(flow).original.to;
                sum ^= u32::from(to.port);
                sum ^= u32::from(ctx.listed(to.ip, to.port).is_some());
            }));
        }
        (reading, both) = (reading + alone, both + looked);
    }
    black_box(sum);
    let lookup = (both.saturating_sub(reading) + filling).as_nanos() / u128::from(FLOWS);
    println!("look-up: {lookup} ns a flow on top of reading it; the aim is at most {AIM}");
    println!("of these, to fill the sieve: {} ns", filling.as_nanos() / u128::from(FLOWS));
    println!("reading: {} ns a flow", reading.as_nanos() / u128::from(FLOWS));
    println!("text is read at {} MB/s", megabytes(text.len(), reading));
    for (name, words) in
        [("wc -l", &["wc", "-l"][..]), ("grep -c 198.51.100.7", &["grep", "-c", "198.51.100.7"])]
    {
        let run = || program(Command::new(words[0]).args(&words[1..]).arg(&file));
        println!("{name}: {} MB/s, its start included", megabytes(text.len(), fastest(run, 9)));
    }
    let scan = |intel: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatewatch"));
        command
            .args(["scan", "--allow-unsigned", "--root"])
            .arg(&dir)
            .args(["--only", "c2-client", "--intel"])
            .arg(intel);
        fastest(|| program(&mut command), 9)
    };
    let (with, without) = (scan(&large), scan(&small));
    println!(
        "gatewatch scan --only c2-client: {} us with {INDICATORS} indicators, {} us with 1: {} ns a flow",
        with.as_micros(),
        without.as_micros(),
        with.saturating_sub(without).as_nanos() / u128::from(FLOWS)
    );
}
