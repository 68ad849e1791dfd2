//! Holds the table of checks to its folder: each file is a row, ids are unique and well-formed, docs have their
//! heads, and each check is seen to hit and to miss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gatewatch::checks;

const HEADS: [&str; 4] = ["# Sees", "# Why it matters", "# Misses and false alarms", "# Sources"];

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The file of a check, by its id.
fn source(id: &str) -> String {
    read(&format!("src/checks/{}.rs", id.replace('-', "_")))
}

#[test]
fn the_folder_is_the_table() {
    let folder: BTreeSet<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "mod.rs")
        .collect();
    let table: BTreeSet<String> =
        checks::ALL.iter().map(|check| format!("{}.rs", check.id.replace('-', "_"))).collect();
    assert_eq!(
        folder, table,
        "src/checks/mod.rs lists each file of its folder, and a file is named as its id"
    );
    assert_eq!(table.len(), checks::ALL.len(), "ids are unique");
}

#[test]
fn rows_are_well_formed() {
    for check in checks::ALL {
        let id = check.id;
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        assert!(id.len() <= 24 && id.split('-').all(word), "{id}: lower case words joined by dashes");
        assert!(
            !["no-", "check-", "bad-"].iter().any(|prefix| id.starts_with(prefix)),
            "{id}: name the bad thing"
        );
        let (technique, sub) = check.attack.split_once('.').unwrap_or((check.attack, "000"));
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        assert!(
            technique.strip_prefix('T').is_some_and(|t| digits(t, 4)) && digits(sub, 3),
            "{id}: {}",
            check.attack
        );
        assert!(!check.title.is_empty() && check.title.len() <= 80 && !check.title.ends_with('.'), "{id}");
    }
    assert!(checks::ALL.len() <= gatewatch::limits::CHECKS);
}

#[test]
fn each_check_is_documented() {
    for check in checks::ALL {
        let text = source(check.id);
        let doc: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let heads: Vec<&str> =
            doc.iter().filter_map(|line| line.strip_prefix("//! ")).filter(|l| l.starts_with('#')).collect();
        assert_eq!(heads, HEADS, "{}: the heads of its doc", check.id);
        assert!(
            doc.iter().any(|line| line.contains(check.attack)),
            "{}: its doc names {}",
            check.id,
            check.attack
        );
        for pair in doc.windows(2) {
            assert!(!(pair[0].starts_with("//! #") && pair[1].trim() == "//!"), "{}: empty head", check.id);
        }
    }
}

/// A check is shown to say something and to be silent: in its own tests, and over the recordings.
#[test]
fn each_check_has_a_hit_and_a_miss() {
    let golden: String = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for check in checks::ALL {
        let id = check.id;
        let text = source(id);
        let tests = text.split("#[cfg(test)]").nth(1).unwrap_or_else(|| panic!("{id} has no tests"));
        let folded: String = tests.split_whitespace().collect();
        let (hits, misses) =
            (tests.contains("Severity::"), folded.contains(",[])") || folded.contains(",[],"));
        assert!(hits && misses, "{id}: a case that hits and one that misses");
        let finding = format!("\"type\":\"finding\",\"check\":\"{id}\"");
        assert!(golden.contains(&finding), "{id}: no recording hits it");
        let miss = format!("\"check\":\"{id}\",\"looked\":\"yes\",\"facts\":");
        let silent = golden.lines().any(|line| line.contains(&miss) && line.ends_with("\"findings\":0}"));
        assert!(silent, "{id}: no recording on which it looks and is silent");
    }
}

/// The binary's `list` is the table.
#[test]
fn list_shows_the_table() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gatewatch")).arg("list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ids: Vec<&str> = text.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(ids, checks::ALL.iter().map(|check| check.id).collect::<Vec<_>>());
    assert!(output.status.success());
}

/// `explain` ends with what to do, for every check, in every build.
#[test]
fn explain_says_what_to_do() {
    for check in checks::ALL {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gatewatch"));
        let text = String::from_utf8(command.args(["explain", check.id]).output().unwrap().stdout).unwrap();
        let (_, advice) =
            text.split_once("\n# What to do\n").unwrap_or_else(|| panic!("{}: {text}", check.id));
        let lines: Vec<&str> = advice.lines().collect();
        assert!(!lines.is_empty(), "{}", check.id);
        for (number, line) in (1..).zip(lines) {
            assert!(line.starts_with(&format!("{number}. ")) && line.ends_with('.'), "{}: {line}", check.id);
        }
    }
}

/// What incidents know of checks, they know by ids that are in the table.
#[test]
fn incidents_know_checks_of_the_table() {
    let mut seen = 0;
    for file in ["join", "keys", "story"] {
        let text = read(&format!("src/report/incident/{file}.rs"));
        let code = text.split("#[cfg(test)]").next().unwrap();
        // Words of a story have blanks, and names of directories none of these.
        let ids = code.split('"').skip(1).step_by(2).filter(|word| word.contains('-') && !word.contains(' '));
        for id in ids.filter(|id| !id.ends_with('-')) {
            assert!(checks::index(id).is_some(), "src/report/incident/{file}.rs knows {id}");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} ids were seen: is the test blind?");
}

/// Flags of the help and flags of the parser do not drift: each that is named is understood.
#[test]
fn help_names_what_is_understood() {
    // An option that takes a file may make one.
    let place = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gatewatch"));
        command.current_dir(place.path()).args(args).output().unwrap()
    };
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let flags: BTreeSet<&str> = help
        .split(|c: char| c.is_whitespace() || "[]=,;".contains(c))
        .filter(|word| word.starts_with('-') && word.len() > 1 && !word.ends_with('-'))
        .collect();
    assert!(flags.len() >= 12, "{flags:?}");
    for flag in flags {
        let stderr = String::from_utf8(run(&[flag, "--help"]).stderr).unwrap();
        assert!(!stderr.contains("invalid option"), "{flag}: {stderr}");
    }
    let readme = read("README.md");
    for flag in help.split_whitespace().filter(|word| word.starts_with("--")) {
        let flag = flag.split(['=', '[']).next().unwrap().trim_end_matches(',');
        assert!(readme.contains(flag), "README.md does not name {flag}");
    }
}
