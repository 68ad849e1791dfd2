//! Findings for the tests of incidents.

use super::super::{Finding, Parent, Severity};
use crate::facts::process::Owner;
use crate::limits::PARENTS;

/// A suspicious finding about nothing yet.
fn finding(check: &str) -> Finding<'_> {
    Finding { check, severity: Severity::Suspicious, attack: "T1", history: None, ..Finding::NOTHING }
}

/// One about a process of a program that nobody vouches for.
pub fn process_at<'a>(check: &'a str, pid: u32, path: &'a [u8]) -> Finding<'a> {
    let mut parents = [Parent::default(); PARENTS];
    parents[0] = Parent { pid: 1, name: b"procd" };
    let name = crate::facts::text::basename(path);
    Finding { pid: Some(pid), path, name, owner: Some(Owner::Nobody), parents, ..finding(check) }
}

/// One about a file, and a line of it if that is not 0.
pub fn file_at<'a>(check: &'a str, path: &'a [u8], line: u32) -> Finding<'a> {
    Finding { path, line: Some(line).filter(|line| *line > 0), ..finding(check) }
}
