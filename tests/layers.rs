//! Holds the `use crate::` lines to the layer table in src/lib.rs, so that data keeps going one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// What each folder or file of the library may use besides itself.
const TABLE: [(&str, &[&str]); 12] = [
    ("limits", &[]),
    ("facts", &["limits"]),
    ("signature", &[]),
    ("intel", &["limits", "signature"]),
    ("host", &["facts", "limits"]),
    ("baseline", &["facts", "limits", "signature"]),
    ("source", &["baseline", "host", "facts", "limits"]),
    ("report", &["facts", "limits"]),
    ("check", &["facts", "intel", "limits", "report"]),
    ("checks", &["check", "facts", "intel"]),
    ("monitor", &["facts", "limits", "report"]),
    ("engine", &["baseline", "check", "checks", "facts", "host", "intel", "limits", "report", "source"]),
];

/// Whether a module is the binary's own. They use the library as `gatewatch::`, and the library cannot use them at all.
fn is_of_the_binary(root: &Path, module: &str) -> bool {
    let main = fs::read_to_string(root.join("main.rs")).unwrap();
    module == "main" || main.lines().any(|line| line == format!("mod {module};"))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The module at the top of the tree that a file belongs to.
fn module(root: &Path, path: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The modules named by `crate::` paths in the code of a file, its tests left out.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn arrows_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let (mut wrong, mut arrows) = (Vec::new(), 0);
    for path in &files {
        let own = module(&root, path);
        if own == "lib" || is_of_the_binary(&root, &own) {
            continue;
        }
        let (_, may) = TABLE.iter().find(|(name, _)| *name == own).unwrap_or_else(|| {
            panic!("{}: the layer table in tests/layers.rs has no row for {own}", path.display())
        });
        for other in used(&fs::read_to_string(path).unwrap()) {
            arrows += 1;
            if other != own && !may.contains(&other.as_str()) {
                wrong.push(format!("{}: {own} may not use {other}", path.display()));
            }
        }
    }
    assert!(arrows > 30, "only {arrows} arrows were seen: is the test blind?");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_sys_is_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut allowed = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        allowed
            .extend(text.matches("allow(unsafe_code)").map(|_| path.strip_prefix(&root).unwrap().to_owned()));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_unsafe = code.flat_map(|line| line.split_whitespace()).any(|word| word == "unsafe");
        assert!(!is_unsafe || module(&root, path) == "sys", "{}: unsafe outside of sys", path.display());
    }
    assert_eq!(allowed, [Path::new("main.rs")], "sys is allowed in main.rs, and nothing else anywhere");
    let lib = fs::read_to_string(root.join("lib.rs")).unwrap();
    assert!(lib.contains("#![forbid(unsafe_code)]") && lib.contains("no_std"));
}

#[test]
fn the_table_in_the_crate_doc_is_this_one() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for name in ["facts", "source", "checks", "intel", "baseline", "signature", "report", "engine", "monitor"]
    {
        let row = lib.lines().find(|line| line.starts_with(&format!("//! | [`{name}`] |"))).expect(name);
        let may = row.split('|').nth(2).unwrap();
        let (_, table) = TABLE.iter().find(|(row, _)| *row == name).unwrap();
        for used in may.split('`').skip(1).step_by(2) {
            assert!(table.contains(&used), "src/lib.rs lets {name} use {used}, the table here does not");
        }
    }
}
