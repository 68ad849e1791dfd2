//! The walk over the startup places: which files and links are there. What they hold is read by whoever is shown them.

use super::Coverage;
use super::places::{PLACES, Place, counts, is_open};
use crate::facts::place::{self, place};
use crate::facts::startup::Kind;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity};
use crate::limits::{PATH_BYTES, STARTUP_DEPTH, STARTUP_FILES};

/// The startup files that have been shown, by device and inode: links in `rc.d` lead to files in `init.d`.
pub type Seen = heapless::Vec<(u64, u64, Kind), STARTUP_FILES>;

/// A startup file or link that was found.
pub struct Found<'a, H: Host> {
    /// Where it lies.
    pub place: &'static Place,
    /// Its path on the machine, `/` first.
    pub path: &'a [u8],
    /// Where it leads, if it is a link.
    pub target: Option<&'a [u8]>,
    /// The file. `None`: this is about the link itself.
    pub file: Option<(H::File, Identity)>,
}

/// Takes what is found.
pub type Visit<'a, H> = &'a mut dyn FnMut(Found<'_, H>, &mut Coverage);

/// A walk over all startup places.
pub struct Walk<'a, H: Host> {
    host: &'a H,
    below: &'static [u8],
    /// Files that have been shown.
    seen: &'a mut Seen,
    coverage: &'a mut Coverage,
    /// Takes the files and links, each file once, each link as often as there is one.
    visit: Visit<'a, H>,
    files: u32,
}

impl<'a, H: Host> Walk<'a, H> {
    /// A walk that has not begun. `below`: the directory in which the machine's root is looked for, empty or `rom`.
    pub fn new(
        host: &'a H,
        below: &'static [u8],
        seen: &'a mut Seen,
        coverage: &'a mut Coverage,
        visit: Visit<'a, H>,
    ) -> Self {
        Self { host, below, seen, coverage, visit, files: 0 }
    }

    /// Shows every startup file that there is; returns how many.
    pub fn run(mut self) -> u32 {
        self.seen.clear();
        for place in PLACES {
            let mut path = Bytes::of(self.below);
            if !path.is_empty() && !place.dir.is_empty() {
                path.push(b"/");
            }
            path.push(place.dir);
            self.directory(&mut path, place, 0);
        }
        self.files
    }

    fn directory(&mut self, path: &mut Bytes<PATH_BYTES>, place: &'static Place, depth: u32) {
        let host = self.host;
        let dir = match host.dir(path.as_slice()) {
            Ok(dir) => dir,
            Err(fault) if fault.is_absence() => return self.missing(path),
            Err(fault) => return self.gap(path, format_args!("{fault}")),
        };
        let length = path.as_slice().len();
        let mut each = |name: &[u8]| {
            if !counts(place.names, name) {
                return;
            }
            path.truncate(length);
            if length > 0 {
                path.push(b"/");
            }
            path.push(name);
            self.entry(&dir, name, path, place, depth);
        };
        let listed = if is_open(place.names) {
            host.list(&dir, &mut each)
        } else {
            place.names.iter().for_each(|name| each(name));
            Ok(())
        };
        path.truncate(length);
        if let Err(fault) = listed {
            self.gap(path, format_args!("{fault}"));
        }
    }

    /// A directory that is not there: is it behind a link?
    fn missing(&mut self, path: &Bytes<PATH_BYTES>) {
        let whole = path.as_slice();
        let mut start = 0_usize;
        for part in whole.split(|b| *b == b'/') {
            let end = start.saturating_add(part.len());
            if self.host.dir(whole.get(..end).unwrap_or_default()).is_err() {
                let mut target = Bytes::<PATH_BYTES>::new();
                let parent = self.host.dir(whole.get(..start.saturating_sub(1)).unwrap_or_default());
                let link = parent.and_then(|dir| target.fill(|into| self.host.link_at(&dir, part, into)));
                return if link.is_ok() {
                    self.dangling(path, target.as_slice())
                };
            }
            start = end.saturating_add(1);
        }
    }

    /// A link that leads to nothing. On a live machine it starts nothing, and what it leads to in memory is made at
    /// boot; but a tree may just lack it.
    fn dangling(&mut self, path: &Bytes<PATH_BYTES>, target: &[u8]) {
        if !self.host.about().live && place(target) != place::Place::Volatile {
            self.gap(path, format_args!("a link that leads to nothing in this tree"));
        }
    }

    /// A name in a directory of startup files.
    fn entry(
        &mut self,
        dir: &H::Dir,
        name: &[u8],
        path: &mut Bytes<PATH_BYTES>,
        place: &'static Place,
        depth: u32,
    ) {
        let mut target = Bytes::<PATH_BYTES>::new();
        let link = target.fill(|into| self.host.link_at(dir, name, into)).is_ok();
        let target = Some(target.as_slice()).filter(|_| link);
        if target.is_some() {
            self.found(path, place, target, None);
        }
        // systemd(1): a unit that leads to /dev/null is masked, it cannot be started.
        if target == Some(b"/dev/null") {
            return;
        }
        match self.host.file(path.as_slice()) {
            Ok((file, identity)) => {
                // One file may be read as several kinds: a link named inittab must not keep a script from being read.
                let key = (identity.device, identity.inode, place.kind);
                if self.seen.contains(&key) {
                    return;
                }
                if self.seen.push(key).is_err() {
                    let what = format_args!(
                        "more than {STARTUP_FILES} startup files; a linked one may be read twice"
                    );
                    self.gap(path, what);
                }
                self.files = self.files.saturating_add(1);
                self.found(path, place, target, Some((file, identity)));
            }
            // Links to directories are entered too; the depth ends a circle. Nothing is started from deeper down.
            Err(Fault::Directory) if place.names.is_empty() => {
                if depth < STARTUP_DEPTH {
                    self.directory(path, place, depth.saturating_add(1));
                }
            }
            Err(Fault::NotFound) if link => self.dangling(path, target.unwrap_or_default()),
            Err(fault) if fault.is_absence() => {}
            Err(fault) => self.gap(path, format_args!("{fault}")),
        }
    }

    fn found(
        &mut self,
        path: &Bytes<PATH_BYTES>,
        place: &'static Place,
        target: Option<&[u8]>,
        file: Option<(H::File, Identity)>,
    ) {
        let shown = shown(path);
        let path = shown.as_slice();
        let path = path.get(self.below.len().saturating_add(usize::from(!self.below.is_empty()))..);
        (self.visit)(Found { place, path: path.unwrap_or_default(), target, file }, self.coverage);
    }

    fn gap(&mut self, path: &Bytes<PATH_BYTES>, what: core::fmt::Arguments<'_>) {
        self.coverage.gap(shown(path).as_slice(), what);
    }
}

/// The path as people write it.
fn shown(path: &Bytes<PATH_BYTES>) -> Bytes<PATH_BYTES> {
    let mut shown = Bytes::of(b"/");
    shown.push(path.as_slice());
    shown
}
