//! What a difference from a baseline is: something added, changed or removed, or what could not be looked at.

use std::fmt::Write as _;

use gatewatch::baseline::{Change, Difference, FileValue, Kind};
use gatewatch::facts::origin::Item;
use gatewatch::facts::text::{Bytes, basename};
use gatewatch::host::{Fault, Host};
use gatewatch::limits::DETAIL_BYTES;
use gatewatch::source::{inventory, items};
use serde::Serialize;

use crate::sys::machine::Machine;

/// What is said of a thing.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Added,
    Changed,
    Removed,
    Unknown,
}

impl Word {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Word::Added => "added",
            Word::Changed => "changed",
            Word::Removed => "removed",
            Word::Unknown => "unknown",
        }
    }
}

/// Tells differences from what only could not be looked at.
pub(super) struct Judge<'a> {
    /// Where it can be looked whether a file is gone.
    pub(super) machine: &'a Machine,
    /// The baseline holds all that was there of the kind.
    pub(super) whole_then: bool,
    /// All that is there now was seen.
    pub(super) whole_now: bool,
    /// The kernel's rules could be had both times.
    pub(super) kernel: bool,
}

impl Judge<'_> {
    /// What became of a thing, and in what it differs. `None`: nothing is to be said.
    pub(super) fn of(&self, difference: &Difference<'_>, detail: &mut Bytes<DETAIL_BYTES>) -> Option<Word> {
        let name = difference.name;
        let file = difference.kind == Kind::File;
        if difference.kind == Kind::Item(Item::Nat) && !self.kernel {
            // Only one of both knows them: that is said once.
            if items::is_kernels(name)
                || matches!(difference.change, Change::Added(_)) && name == items::KERNEL
            {
                return None;
            }
            if name == items::KERNEL {
                let _ = write!(detail, "the rules of the packet filter cannot be seen here");
                return Some(Word::Unknown);
            }
        }
        match difference.change {
            Change::Added(now) => {
                match FileValue::read(now).filter(|_| file) {
                    Some(link) if link.is_link() => {
                        let _ = write!(detail, "a link to ");
                        detail.push(link.rest);
                    }
                    Some(_) => {}
                    None => detail.push(now),
                }
                if self.whole_then {
                    return Some(Word::Added);
                }
                detail.push(if detail.is_empty() { b"" } else { b"; " });
                let _ = write!(detail, "the baseline does not hold all that was there");
                Some(Word::Unknown)
            }
            Change::Removed(_) if file && inventory::is_run_once(name) => None,
            Change::Removed(_) if self.whole_now || file && self.is_gone(name) => Some(Word::Removed),
            Change::Removed(_) => {
                let _ = write!(detail, "not everything that is there could be looked at");
                Some(Word::Unknown)
            }
            Change::Kept { then, now } if file => {
                files(FileValue::read(then)?, FileValue::read(now)?, detail)
            }
            Change::Kept { then, now } if then != now => {
                detail.push(if now.is_empty() { b"-" } else { now });
                let _ = write!(detail, ", was ");
                detail.push(if then.is_empty() { b"-" } else { then });
                Some(Word::Changed)
            }
            Change::Kept { .. } => None,
        }
    }

    /// Whether a path names nothing any more.
    fn is_gone(&self, path: &[u8]) -> bool {
        let name = basename(path);
        let parent = path.strip_suffix(name).unwrap_or_default();
        let parent = parent.strip_suffix(b"/").unwrap_or(parent);
        let dir = self.machine.dir(parent.strip_prefix(b"/").unwrap_or(parent));
        matches!(dir.and_then(|dir| self.machine.kind_at(&dir, name)), Err(Fault::NotFound))
    }
}

/// In what two files of one path differ.
fn files(then: FileValue<'_>, now: FileValue<'_>, detail: &mut Bytes<DETAIL_BYTES>) -> Option<Word> {
    if !now.is_like(&then) {
        let _ = write!(detail, "{}, was {}", now.words(), then.words());
        return Some(Word::Changed);
    }
    let content = now.has_content_of(&then);
    if content == Some(false) && now.is_link() {
        let _ = write!(detail, "leads to ");
        detail.push(now.rest);
        let _ = write!(detail, ", led to ");
        detail.push(then.rest);
    } else if content == Some(false) {
        let _ = write!(detail, "other content");
    }
    if now.mode != then.mode {
        detail.push(if detail.is_empty() { b"" } else { b"; " });
        let _ = write!(detail, "mode {:04o}, was {:04o}", now.rights(), then.rights());
    }
    if now.uid != then.uid {
        detail.push(if detail.is_empty() { b"" } else { b"; " });
        let _ = write!(detail, "owner {}, was {}", now.uid, then.uid);
    }
    if !detail.is_empty() {
        return Some(Word::Changed);
    }
    if content.is_some() {
        return None;
    }
    let _ = write!(detail, "its content could not be read, now or then");
    Some(Word::Unknown)
}
