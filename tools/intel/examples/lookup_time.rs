//! How long a lookup takes: `cargo build --release && cargo run --release --example lookup_time`.
//!
//! Without arguments it measures 1,000 to 1,000,000 pseudo-random IPv4 addresses of 40 families, as the table in
//! `docs/intel.md`. With `FILE.gwi LIST` it measures a database, where LIST holds addresses that are in it, one a line.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::time::Instant;

use gatewatch::intel::{Intel, Match};

/// Queries of one run: more than fit a cache together with the file.
const QUERIES: u32 = 1 << 20;
/// Runs of a piece; the fastest counts, since others only had something in their way.
const RUNS: u32 = 7;
/// Queries of a piece: about a millisecond.
const PIECE: usize = 8192;

/// Families of the pseudo-random lists.
const FAMILIES: u32 = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    if let (Some(database), Some(list)) = (arguments.next(), arguments.next()) {
        let (bytes, list) = (fs::read(database)?, fs::read_to_string(list)?);
        let [misses, hits] = measure(&bytes, &list)?;
        let report = format!(
            "{} bytes\nrandom addresses: {misses:.1} ns a lookup\nlisted addresses: {hits:.1} ns a lookup\n",
            bytes.len()
        );
        std::io::stdout().write_all(report.as_bytes())?;
        return Ok(());
    }
    let mut report = "| addresses | file, bytes | bits each, all told | entropy limit, bits | random address, ns | listed address, ns |\n\
                      |---|---|---|---|---|---|\n"
        .to_owned();
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        let (bytes, list) = random_database(size)?;
        let entries = f64::from(Intel::open(&bytes)?.entries());
        let [misses, hits] = measure(&bytes, &list)?;
        // So many addresses of 2^32 without an order, by Stirling, and for each one of so many families.
        let limit = (2f64.powi(32) / entries).log2() + std::f64::consts::LOG2_E + f64::from(FAMILIES).log2();
        let length = u32::try_from(bytes.len())?;
        writeln!(
            report,
            "| {size} | {length} | {:.1} | {limit:.1} | {misses:.0} | {hits:.0} |",
            f64::from(length) * 8.0 / entries
        )?;
    }
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

/// Nanoseconds a lookup of random addresses, and of listed ones.
fn measure(bytes: &[u8], list: &str) -> Result<[f64; 2], Box<dyn Error>> {
    let intel = Intel::open(bytes)?;
    let listed: Vec<IpAddr> =
        list.lines().filter_map(|line| line.split([' ', ':', '#']).next()?.parse().ok()).collect();
    let mut random = Random(1);
    let misses: Vec<IpAddr> = (0..QUERIES).map(|_| random.address().into()).collect();
    let hits: Vec<IpAddr> = (0..QUERIES)
        .filter_map(|_| {
            let length = u32::try_from(listed.len()).ok()?;
            listed.get(usize::try_from(random.next().checked_rem(length)?).ok()?).copied()
        })
        .collect();
    Ok([time(&intel, &misses), time(&intel, &hits)])
}

/// Each piece of the queries is as short as others let it run, so that their work on a shared machine counts little.
fn time(intel: &Intel<'_>, queries: &[IpAddr]) -> f64 {
    let pieces = queries.chunks(PIECE).map(|piece| {
        let mut best = f64::INFINITY;
        for _ in 0..RUNS {
            let start = Instant::now();
            let listed =
                |&&address: &&IpAddr| matches!(intel.lookup(black_box(address), 443), Match::Listed(_));
            black_box(piece.iter().filter(listed).count());
            best = best.min(start.elapsed().as_secs_f64());
        }
        best
    });
    pieces.sum::<f64>() * 1e9 / f64::from(QUERIES)
}

/// Lets the tool that lies beside this example's folder compile a pseudo-random list.
fn random_database(size: u32) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let folder = std::env::temp_dir();
    let name = format!("lookup_time.{}", std::process::id());
    let (list, database) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.gwi")));
    let mut random = Random(0);
    let mut lines = String::new();
    for _ in 0..size {
        writeln!(lines, "{} family-{}", random.address(), random.next() % FAMILIES)?;
    }
    fs::write(&list, &lines)?;
    let example = std::env::current_exe()?;
    let tool =
        example.parent().and_then(|folder| folder.parent()).ok_or("no folder")?.join("gatewatch-intel");
    let status =
        Command::new(tool).arg("build").arg(&list).arg("-o").arg(&database).stderr(Stdio::null()).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err("gatewatch-intel did not run: `cargo build --release` first".into());
    }
    let bytes = fs::read(&database)?;
    fs::remove_file(list)?;
    fs::remove_file(database)?;
    Ok((bytes, lines))
}

/// A linear congruential generator: Knuth's MMIX numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 32).unwrap_or(0)
    }

    /// A public unicast address.
    fn address(&mut self) -> Ipv4Addr {
        loop {
            let address = Ipv4Addr::from_bits(self.next());
            let [first, ..] = address.octets();
            if !matches!(first, 0 | 10 | 100 | 127 | 169 | 172 | 192 | 198 | 224..) {
                return address;
            }
        }
    }
}
