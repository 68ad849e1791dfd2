//! How long a lookup takes: `cargo build --release && cargo run --release --example lookup_time`.
//!
//! Without arguments it measures 100,000 pseudo-random IPv4 addresses of 40 families. With `FILE.gwi LIST` it
//! measures a database, where LIST holds addresses that are in it, one a line.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Instant;

use gatewatch::intel::{Intel, Match};

/// Queries of one run: more than fit a cache together with the file.
const QUERIES: u32 = 1 << 20;
/// Runs; the fastest counts, since others only had something in their way.
const RUNS: u32 = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (bytes, list) = match (arguments.next(), arguments.next()) {
        (Some(database), Some(list)) => (fs::read(database)?, fs::read_to_string(list)?),
        _ => random_database()?,
    };
    let intel = Intel::open(&bytes)?;
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
    let report = format!(
        "{} indicators, {} bytes\n{}{}",
        intel.entries(),
        bytes.len(),
        time("random addresses", &intel, &misses),
        time("listed addresses", &intel, &hits)
    );
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

fn time(what: &str, intel: &Intel<'_>, queries: &[IpAddr]) -> String {
    let mut best = f64::INFINITY;
    let mut found = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        found = queries
            .iter()
            .filter(|&&address| matches!(intel.lookup(black_box(address), 443), Match::Listed(_)))
            .count();
        best = best.min(start.elapsed().as_secs_f64());
    }
    format!(
        "{what}: {:.1} ns a lookup, {found} of {} found\n",
        best * 1e9 / f64::from(QUERIES),
        queries.len()
    )
}

/// Lets the tool that lies beside this example's folder compile a pseudo-random list.
fn random_database() -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let folder = std::env::temp_dir();
    let name = format!("lookup_time.{}", std::process::id());
    let (list, database) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.gwi")));
    let mut random = Random(0);
    let mut lines = String::new();
    for _ in 0..100_000 {
        writeln!(lines, "{} family-{}", random.address(), random.next() % 40)?;
    }
    fs::write(&list, &lines)?;
    let example = std::env::current_exe()?;
    let tool =
        example.parent().and_then(|folder| folder.parent()).ok_or("no folder")?.join("gatewatch-intel");
    let status = Command::new(tool).arg("build").arg(&list).arg("-o").arg(&database).status();
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
