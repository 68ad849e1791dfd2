//! What malware writes into startup files, each into a healthy machine: something is found at its file and line, and
//! not by the family's name.
//!
//! The rows are in tests/startup/threats.tsv: after public reports of what families do, in words of our own, with
//! addresses that lead nowhere. A row without a machine is one that no startup file can hold, and says why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/corpus.rs"]
mod corpus;
#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsStr;

use corpus::{Machine, Vouched};
use scan::scan;

/// What is known by its name alone does not count here.
const BY_NAME: &str = "family-trace,exe-known-bad";

struct Row<'a> {
    family: &'a str,
    kind: &'a str,
    machine: &'a str,
    vouched: Vouched,
    place: &'a str,
    how: &'a str,
    /// The line of the text that is to be found; 0: the file as a whole.
    line: usize,
    severity: &'a str,
    /// What gives the family away, and what stands for it.
    neutral: Vec<(&'a str, &'a str)>,
    text: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let table = include_str!("startup/threats.tsv");
    table.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row<'_> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [family, kind, machine, vouched, place, how, number, severity, neutral, text] = cells[..] else {
        panic!("ten cells: {line}")
    };
    let vouched = match vouched {
        "not" | "-" => Vouched::Not,
        "image" => Vouched::Image,
        "packages" => Vouched::Packages,
        other => panic!("{other}: {line}"),
    };
    let pairs = neutral.split(';').filter(|pair| !pair.is_empty());
    let neutral = pairs.map(|pair| pair.split_once("=>").unwrap()).collect();
    Row { family, kind, machine, vouched, place, how, line: number.parse().unwrap(), severity, neutral, text }
}

/// `\n`, `\t`, `\\`, `\0` and `\xHH` are what they are in Rust.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'\\' => match rest.next().unwrap() {
                b'n' => b'\n',
                b't' => b'\t',
                b'0' => 0,
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            },
            other => other,
        };
        bytes.push(byte);
    }
    bytes
}

/// How grave a word is.
fn grade(severity: &str) -> usize {
    ["notice", "suspicious", "infected"].iter().position(|word| *word == severity).unwrap()
}

impl Row<'_> {
    /// Writes the row into its machine and looks. What is missing, if anything is.
    fn missing(&self, neutral: bool) -> Option<String> {
        let renamed = |text: &str| {
            let pairs = self.neutral.iter().filter(|_| neutral);
            pairs.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let (place, text) = (renamed(self.place), unescaped(&renamed(self.text)));
        let machine = Machine::named(self.machine);
        let tree = machine.tree(self.vouched);
        let old = machine.files.get(&place).cloned().unwrap_or_default();
        let last = b"exit 0\n";
        let keeps = if old.ends_with(last) { old.len() - last.len() } else { old.len() };
        let mut first = 1;
        let tree = match self.how {
            "append" => {
                first += old[..keeps].iter().filter(|b| **b == b'\n').count();
                assert!(!old.is_empty(), "{place} is there");
                tree.file(&place, [&old[..keeps], &text, b"\n", &old[keeps..]].concat())
            }
            "write" => tree.file(&place, text),
            "link" => tree.link(&place, text),
            other => panic!("{other}"),
        };
        let args = ["--skip", BY_NAME, "--root"].map(OsStr::new);
        let outcome = scan(args.into_iter().chain([tree.path().as_os_str()]));
        let path = format!("/{place}");
        let here = |line: &serde_json::Value| {
            self.line == 0 || line.as_u64() == u64::try_from(first + self.line - 1).ok()
        };
        let found = outcome.findings.iter().any(|row| {
            row["path"] == path.as_str()
                && here(&row["line"])
                && grade(row["severity"].as_str().unwrap()) >= grade(self.severity)
        });
        let said = outcome.short().join("; ");
        let line = if self.line == 0 { 0 } else { first + self.line - 1 };
        let expected = format!("{} at {path}:{line}, not [{said}]", self.severity);
        (!found).then(|| format!("{} {} {:?}: {expected}", self.family, self.kind, self.text))
    }

    fn can_be_held(&self) -> bool {
        self.machine != "-"
    }
}

/// What is missing of all rows, under other names of those that have a name.
fn missing(neutral: bool) -> Vec<String> {
    let rows = rows();
    let named = rows.iter().filter(|row| row.can_be_held() && !(neutral && row.neutral.is_empty()));
    named.filter_map(|row| row.missing(neutral)).collect()
}

#[test]
fn found_by_what_it_does() {
    assert_eq!(missing(false), [""; 0]);
}

#[test]
fn found_under_any_name() {
    assert_eq!(missing(true), [""; 0]);
}

#[test]
fn the_table_is_large_and_says_what_it_leaves_out() {
    let rows = rows();
    let held = rows.iter().filter(|row| row.can_be_held()).count();
    assert!(held >= 100, "{held}");
    assert!(rows.iter().all(|row| !row.text.is_empty()));
    let of_families = rows.iter().filter(|row| row.kind != "obfuscation" && row.can_be_held());
    assert!(of_families.count() >= 40);
}
