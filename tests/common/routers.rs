//! The router binaries that scripts/build-targets makes, one for each targets/NAME.toml, and how to run them here.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// One targets/NAME.toml, and the binary made from it.
pub(crate) struct Router {
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
    /// The emulator and its options; empty where the binary runs by itself.
    pub(crate) runner: Vec<String>,
    pub(crate) big_endian: bool,
    pub(crate) bits: u64,
    /// ELF's `e_machine`.
    pub(crate) machine: u64,
    /// The most bytes that targets/limits.toml allows.
    pub(crate) limit: u64,
}

impl Router {
    /// The binary under its runner, ready for arguments.
    pub(crate) fn command(&self) -> Command {
        let mut words = self.runner.iter().map(PathBuf::from).chain([self.binary.clone()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command
    }
}

/// All of them, by name; panics with what to do when there is none or one is missing.
pub(crate) fn routers() -> Vec<Router> {
    let built = env::var_os("GATEWATCH_ROUTERS").map(PathBuf::from).unwrap_or_else(|| {
        panic!("set GATEWATCH_ROUTERS to the absolute path of target/routers, after scripts/build-targets")
    });
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
    let limits = targets.join("limits.toml");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&targets).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "toml") && *file != limits);
    files.sort();
    assert!(!files.is_empty(), "no target in {}", targets.display());
    files
        .iter()
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let binary = built.join(&name).join("gatewatch");
            assert!(binary.exists(), "{} is missing: run scripts/build-targets {name}", binary.display());
            Router {
                binary,
                runner: value(file, "runner").split_whitespace().map(str::to_owned).collect(),
                big_endian: match value(file, "endian").as_str() {
                    "big" => true,
                    "little" => false,
                    other => panic!("{}: endian is {other:?}, not big or little", file.display()),
                },
                bits: number(file, "bits"),
                machine: number(file, "machine"),
                limit: number(&limits, &name),
                name,
            }
        })
        .collect()
}

/// The value of a `key = "value"` or `key = number` line, as scripts/common.sh reads it.
fn value(file: &Path, key: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()))
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .unwrap_or_else(|| panic!("{} has no line `{key} = …`", file.display()))
}

fn number(file: &Path, key: &str) -> u64 {
    let text = value(file, key);
    text.parse().unwrap_or_else(|e| panic!("{}: {key} is {text:?}: {e}", file.display()))
}
