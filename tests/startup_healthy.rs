//! Startup files of healthy machines: none is accused, whoever vouches for them.
//!
//! The files below tests/startup/healthy are written for this, after what packages of these systems do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/corpus.rs"]
mod corpus;
#[path = "common/scan.rs"]
mod scan;

use std::collections::BTreeSet;
use std::ffi::OsStr;

use corpus::{MACHINES, Machine, Vouched};
use scan::{Outcome, Tree, scan};

fn look(tree: &Tree) -> Outcome {
    scan([OsStr::new("--root"), tree.path().as_os_str()])
}

/// What is said of a machine beyond notices, one line each.
fn accused(machine: &str, outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.incidents, [serde_json::Value::Null; 0], "{machine}");
    let odd = |severity: &str| severity != "notice";
    outcome
        .findings
        .iter()
        .filter(|row| odd(row["severity"].as_str().unwrap()))
        .map(|row| {
            format!("{machine} {}:{} {} {}", row["path"], row["line"], row["check"], row["detail"])
                .replace('"', "")
        })
        .collect()
}

/// Scans every machine and tells what is accused in any.
fn accused_everywhere(vouched: Vouched) -> Vec<String> {
    let mut all = Vec::new();
    for (name, folders) in MACHINES {
        let machine = Machine::of(folders);
        let outcome = look(&machine.tree(vouched));
        all.extend(accused(name, &outcome));
        let read = outcome.summary["files"].as_u64().unwrap();
        assert!(read > 0, "nothing of {name} was read");
    }
    all
}

#[test]
fn nobody_vouches_for_them() {
    assert_eq!(accused_everywhere(Vouched::Not), [""; 0]);
}

#[test]
fn the_image_holds_them() {
    assert_eq!(accused_everywhere(Vouched::Image), [""; 0]);
}

#[test]
fn packages_own_them() {
    assert_eq!(accused_everywhere(Vouched::Packages), [""; 0]);
}

/// The image holds the base, packages were installed since, and the owner has filled in what is his to fill in.
#[test]
fn packages_were_added_to_an_image() {
    let base = Machine::named("openwrt");
    let whole = Machine::named("openwrt-feed");
    let mut tree = whole.tree(Vouched::Not);
    for (path, content) in &base.files {
        tree = tree.file(format!("rom/{path}"), content);
    }
    for (path, target) in &base.links {
        tree = tree.link(format!("rom/{path}"), target);
    }
    let added: String = whole
        .files
        .keys()
        .filter(|path| !base.files.contains_key(*path))
        .map(|path| format!("/{path}\n"))
        .collect();
    let tree = tree.file("usr/lib/opkg/info/added.list", added);
    assert_eq!(accused("openwrt-feed", &look(&tree)), [""; 0]);
}

/// What the corpus is for: enough of it, and read as startup files.
#[test]
fn the_corpus_is_large_and_is_read() {
    let (mut scripts, mut read) = (BTreeSet::new(), 0);
    for (name, folders) in MACHINES {
        let machine = Machine::of(folders);
        for (path, content) in &machine.files {
            if content.starts_with(b"#!") {
                scripts.insert((path.clone(), content.clone()));
            }
        }
        let outcome = look(&machine.tree(Vouched::Not));
        let files = usize::try_from(outcome.summary["files"].as_u64().unwrap()).unwrap();
        let services = machine.files.keys().filter(|path| path.starts_with("etc/init.d/")).count();
        assert!(files >= services, "{name}: {files} startup files, {services} services");
        read += files;
    }
    assert!(scripts.len() > 180 && read > 350, "{} scripts, {read} read", scripts.len());
}
