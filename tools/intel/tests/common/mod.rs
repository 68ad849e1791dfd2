//! A folder in which a test runs the tool.

// Each test file uses its own part of this.
#![allow(dead_code, unreachable_pub, clippy::arithmetic_side_effects, clippy::unwrap_used)]

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for a test, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Folder {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs the tool in the folder, on a fixed date.
    pub fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gatewatch-intel"))
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .env("SOURCE_DATE_EPOCH", "1767225600")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs the tool, which is to succeed, and returns what it says: standard output, standard error.
    pub fn good(&self, arguments: &str) -> (String, String) {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), without_guesses(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{err}");
        (out, err)
    }

    /// Runs the tool, which is to end so and say nothing on standard error, and returns what it says.
    pub fn ends_with(&self, arguments: &str, status: i32) -> String {
        let output = self.run(arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(status), String::new()));
        text(&output.stdout)
    }

    /// Runs the tool, which is to fail, and returns what it says on standard error.
    pub fn bad(&self, arguments: &str, status: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
        without_guesses(&output.stderr)
    }
}

/// What is said on standard error but for what every list of the tool's own lines is read as.
fn without_guesses(bytes: &[u8]) -> String {
    let text = text(bytes);
    text.split_inclusive('\n').filter(|line| !line.ends_with(": read as plain, by its lines\n")).collect()
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A linear congruential generator: Knuth's MMIX numbers.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap()
    }

    pub fn pick(&mut self, of: u32) -> usize {
        usize::try_from(self.next() % of).unwrap()
    }

    /// An IPv4 address that may be listed.
    pub fn public(&mut self) -> Ipv4Addr {
        loop {
            let address = Ipv4Addr::from_bits(self.next() << 1 | self.next() >> 30);
            if !matches!(address.octets()[0], 0 | 10 | 100 | 127 | 169 | 172 | 192 | 198 | 224..) {
                return address;
            }
        }
    }
}
