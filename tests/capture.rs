//! Runs scripts/capture on this machine, and holds it to the places where the program looks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

use std::process::{Command, Stdio};
use std::{env, fs};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/capture");

#[test]
fn every_startup_place_is_recorded() {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/startup.rs")).unwrap();
    let script = fs::read_to_string(SCRIPT).unwrap();
    let list = script.split("startup='").nth(1).unwrap().split('\'').next().unwrap();
    let recorded: Vec<&str> = list.split_whitespace().collect();
    let table = source.split("= [\n").nth(1).unwrap().split("];\n").next().unwrap();
    let mut places = 0;
    for row in table.split("all(").flat_map(|rows| rows.split("some(")).skip(1) {
        // The directory, then the names in it that count, all of them byte strings.
        let words: Vec<&str> = row.split('"').skip(1).step_by(2).collect();
        let names =
            words[1..].iter().map(|name| format!("{}/{name}", words[0]).trim_start_matches('/').to_owned());
        let paths: Vec<String> = if words.len() == 1 { vec![words[0].to_owned()] } else { names.collect() };
        for path in paths {
            places += 1;
            assert!(recorded.contains(&path.as_str()), "scripts/capture does not record {path}");
        }
    }
    assert!(places > 40, "only {places} places were found in the table");
}

/// As on a router: the script on standard input, BusyBox's shell, a tar file out.
#[test]
fn a_recording_of_this_machine_shows_a_process_of_it() {
    let dir = env::temp_dir().join(format!("gatewatch-capture-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    let tar = dir.join("router.tar");
    let mut sleep = Command::new("sleep").args(["600"]).spawn().unwrap();
    let output = Command::new("busybox")
        .args(["sh", "-s"])
        .stdin(fs::File::open(SCRIPT).unwrap())
        .stdout(fs::File::create(&tar).unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|e| panic!("busybox: {e}: run scripts/setup"));
    let pid = sleep.id();
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let complete = output.status.success();
    assert_eq!(complete, !said.contains("capture: missing:"), "{}: {said}", output.status);
    assert!(Command::new("tar").arg("-C").arg(&dir).arg("-xf").arg(&tar).status().unwrap().success());

    let about = fs::read_to_string(dir.join("about.toml")).unwrap();
    let order = if cfg!(target_endian = "big") { "big" } else { "little" };
    assert!(about.contains(&format!("byte_order = \"{order}\"\n")), "{about}");
    let process = dir.join(format!("root/proc/{pid}"));
    assert_eq!(fs::read(process.join("cmdline")).unwrap(), b"sleep\x00600\0");
    let exe = fs::read_link(process.join("exe")).unwrap();
    assert!(exe.ends_with("sleep") || exe.ends_with("coreutils"), "{}", exe.display());
    assert!(!dir.join("root/etc/shadow").exists() && !process.join("environ").exists());
    fs::remove_dir_all(&dir).unwrap();
}
