//! Runs the program over every recording and compares what it says with the golden files.
//!
//! `BLESS=1 cargo test --test golden` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[path = "common/golden.rs"]
mod golden;

use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use golden::{Format, about, difference, formats, names, place, report};

/// How the reports differ from the golden files. Every test asks this first, so that with BLESS=1 none reads old ones.
fn differences() -> &'static str {
    static DIFFERENCES: OnceLock<String> = OnceLock::new();
    DIFFERENCES.get_or_init(|| {
        let bless = env::var_os("BLESS").is_some_and(|it| it == "1");
        let mut differences = String::new();
        for name in names().0 {
            for &format in formats(&name) {
                let report = report(Command::new(env!("CARGO_BIN_EXE_gatewatch")), &name, format);
                if bless {
                    fs::write(golden::golden(&name, format), &report).unwrap();
                }
                differences.extend(difference(&name, format, &report));
            }
        }
        differences
    })
}

/// What is expected of a recording.
fn expected(name: &str, format: Format) -> String {
    differences();
    fs::read_to_string(golden::golden(name, format)).unwrap()
}

#[test]
fn every_recording_is_reported_as_its_golden_files_say() {
    let differences = differences();
    assert!(
        differences.is_empty(),
        "{differences}If that is right: BLESS=1 cargo test --test golden, and read what git shows."
    );
}

/// A golden file that nothing is compared with, or a recording that nothing is expected of, tests nothing.
#[test]
fn recordings_and_golden_files_belong_together() {
    differences();
    let (recordings, goldens) = names();
    assert!(!recordings.is_empty());
    for name in recordings.union(&goldens) {
        assert!(recordings.contains(name), "{name} has golden files and no recording");
        for &format in formats(name) {
            let file = golden::golden(name, format);
            assert!(file.exists(), "{} is missing: BLESS=1 cargo test --test golden", file.display());
        }
    }
}

#[test]
fn healthy_recordings_stay_silent_and_infected_ones_are_found() {
    for name in names().0 {
        let json = expected(&name, Format::Json);
        let state = about(&name, "state");
        // Not all that malware does is such that no healthy router could do it: `suspicious` is what such a recording asks.
        let verdict = match state.as_str() {
            "healthy" => "clean",
            "suspicious" | "infected" => state.as_str(),
            _ => panic!("{name}: state is {state:?}, not healthy, suspicious or infected"),
        };
        let summary = json.lines().last().unwrap();
        assert!(summary.contains(&format!("\"verdict\":\"{verdict}\"")), "{name} is {state}: {summary}");
        let accused = |line: &&str| {
            line.contains("\"severity\":\"suspicious\"") || line.contains("\"severity\":\"infected\"")
        };
        assert_eq!(json.lines().any(|line| accused(&line)), state != "healthy", "{name} is {state}");
    }
}

/// A big-endian machine writes other bytes into `/proc/net` than a little-endian one, of the same sockets.
#[test]
fn twins_of_both_byte_orders_are_reported_alike() {
    let (names, _) = names();
    let twins = names.iter().filter_map(|name| {
        let big = name.replace("-mipsel", "-mips");
        (big != *name && names.contains(&big)).then_some((name, big))
    });
    let mut pairs = 0;
    for (little, big) in twins {
        pairs += 1;
        assert_eq!((about(little, "byte_order"), about(&big, "byte_order")), ("little".into(), "big".into()));
        let tcp = |name: &str| fs::read(place().join(name).join("root/proc/net/tcp")).unwrap();
        assert_ne!(tcp(little), tcp(&big), "{little} and {big} hold the same bytes");
        for &format in formats(little) {
            assert_eq!(expected(little, format), expected(&big, format), "{little} and {big}, {format:?}");
        }
    }
    assert!(pairs > 0, "no recording has a twin");
}

#[test]
fn every_recording_says_what_it_is() {
    for name in names().0 {
        for key in
            ["model", "kernel", "byte_order", "page_size", "whence", "when", "licence", "scrubbed", "state"]
        {
            assert!(!about(&name, key).is_empty(), "{name}: {key} is empty");
        }
    }
}
