//! Who vouches for the paths of the table: the image, then the lists of package managers, each read once.

use super::{ENTWARE, Known, LISTS, Owners, below, hint, length_bit, relative};
use crate::facts::origin::Standing;
use crate::facts::process::Owner;
use crate::facts::startup_file::Difference;
use crate::facts::text::{Bytes, basename};
use crate::host::Host;
use crate::limits::{LATE_PATHS, LIST_BYTES, PATH_BYTES};
use crate::source::content::{self, Content};
use crate::source::mounts::Mounts;
use crate::source::recorded::Now;
use crate::source::truth::Truths;
use crate::source::{Coverage, is_file, rows_within};

impl Owners {
    /// Finds out who vouches for the rows from `first` on.
    pub fn resolve<H: Host>(&mut self, host: &H, mounts: &Mounts, first: usize, coverage: &mut Coverage) {
        let truths = Truths::find(host, mounts, self.baseline);
        let rom = truths.has_rom();
        self.truth |= rom || truths.is_image();
        let mut path = Bytes::<PATH_BYTES>::new();
        for row in first..self.rows.len() {
            if self.known(row).owner.vouches() {
                continue;
            }
            path.clear();
            path.push(self.path(row));
            let here = path.as_slice();
            let changed = rom && is_file(host, below(b"overlay/upper", here).as_slice());
            let firmware =
                mounts.over(here).image || rom && !changed && is_file(host, below(b"rom", here).as_slice());
            let identity = host.file(relative(here)).ok().map(|(_, identity)| identity);
            // What is mounted over this very file is not what image and packages put there. Directories are bound in
            // healthy containers too.
            let covered = mounts.is_on(here);
            self.set(row, |known| {
                known.identity = identity;
                if covered {
                    known.owner = Owner::Nobody;
                } else if firmware {
                    known.owner = Owner::Firmware;
                }
            });
        }
        self.merged = is_merged(host);
        for place in LISTS {
            let any = self.lists(host, place, first, coverage);
            self.debian |= any && !self.truth && place.starts_with(b"var/lib/dpkg");
            self.listed |= any;
            self.truth |= any;
        }
        self.opt = opt(host);
        self.entware |= self.lists(host, ENTWARE, first, coverage);
        for row in first..self.rows.len() {
            let knows = self.truth || self.knows(self.path(row));
            self.set(row, |known| {
                if knows && known.owner == Owner::Unknown {
                    known.owner = Owner::Nobody;
                }
            });
        }
        self.recorded(host, mounts, &truths, first);
        coverage.facts = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        coverage.absent = !self.truth && !self.entware && truths.baseline().is_none();
    }

    /// Holds what neither image nor packages have against the baseline.
    fn recorded<H: Host>(&mut self, host: &H, mounts: &Mounts, truths: &Truths, first: usize) {
        for row in first..self.rows.len() {
            let Known { owner, identity: Some(identity), .. } = self.known(row) else { continue };
            let path = self.path(row);
            if owner.vouches() || owner == Owner::Baseline || mounts.is_on(path) {
                continue;
            }
            let owner = match truths.file(host, path, Now::File(&identity)) {
                // Other rights make no other program.
                Ok((Standing::Known(_), _) | (_, Difference::Mode { .. })) => Owner::Baseline,
                Ok((Standing::Added(_) | Standing::Changed(_), _)) => Owner::Nobody,
                Ok((Standing::Unknown, _)) | Err(_) => continue,
            };
            self.set(row, |known| known.owner = owner);
        }
    }

    /// Looks again for who vouches for what nobody vouched for: an upgrade takes a path off the lists for a moment.
    /// Once is enough.
    pub fn doubt<H: Host>(&mut self, host: &H, mounts: &Mounts) {
        let mut any = false;
        if core::mem::replace(&mut self.doubted, true) {
            return;
        }
        for row in &mut self.rows {
            if row.known.owner == Owner::Nobody {
                row.known.owner = Owner::Unknown;
                any = true;
            }
        }
        if any {
            self.resolve(host, mounts, 0, &mut Coverage::new());
        }
    }

    /// Reads the lists of one package manager. Whether there are any.
    fn lists<H: Host>(&mut self, host: &H, place: &[u8], first: usize, coverage: &mut Coverage) -> bool {
        let mut any = false;
        let dir = match host.dir(place) {
            Ok(dir) => dir,
            Err(fault) => {
                if !fault.is_absence() {
                    coverage.gap(place, format_args!("{fault}"));
                }
                return false;
            }
        };
        let listed = host.list(&dir, &mut |name| {
            if !name.ends_with(b".list") {
                return;
            }
            let read = host.file_at(&dir, name).and_then(|mut file| {
                rows_within(&mut file, LIST_BYTES, &mut |row| {
                    // An empty list says nothing.
                    any = true;
                    row.into_iter().for_each(|path| self.listed(path, first));
                })
            });
            if let Err(fault) = read {
                coverage.gap(name, format_args!("{fault}"));
            }
        });
        if let Err(fault) = listed {
            coverage.gap(place, format_args!("{fault}"));
        }
        any
    }

    /// A package has this path.
    fn listed(&mut self, path: &[u8], first: usize) {
        // OpenWrt's apk writes paths without the slash in front.
        let slash: &[u8] = if path.first() == Some(&b'/') { b"" } else { b"/" };
        self.mark(slash, path, first);
        // Debian lists /bin/x although /bin leads to /usr/bin.
        self.mark(if slash.is_empty() { b"/usr" } else { b"/usr/" }, path, first);
        // And its scripts make links to /lib/x where the list has /usr/lib/x.
        if let Some(rest) = path.strip_prefix(b"/usr").filter(|_| self.merged) {
            self.mark(b"", rest, first);
        }
        if let Some(rest) = path.strip_prefix(b"/opt").filter(|_| !self.opt.is_empty()) {
            let opt = self.opt.clone();
            self.mark(opt.as_slice(), rest, first);
        }
    }

    /// Marks a path, given in two parts, as a package's. Most paths of a list are no program's that runs: their length and
    /// last byte tell, before they are put together and looked up.
    fn mark(&mut self, start: &[u8], rest: &[u8], first: usize) {
        let length = start.len().saturating_add(rest.len());
        if self.hints.get(hint(rest)).is_none_or(|lengths| lengths & length_bit(length) == 0) {
            return;
        }
        let mut path = Bytes::<PATH_BYTES>::of(start);
        path.push(rest);
        if let Some(row) = self.find(path.as_slice()).filter(|row| *row >= first) {
            self.set(row, |known| {
                if known.owner == Owner::Unknown {
                    known.owner = Owner::Package;
                }
            });
        }
    }

    /// What is known of any path, now. Dear for a path that was not added before: it reads the lists. So whoever names
    /// another library in each environment gets that for [`LATE_PATHS`] of them; of the rest nothing is known.
    pub fn of<H: Host>(&mut self, host: &H, mounts: &Mounts, path: &[u8]) -> Option<usize> {
        if let Some(row) = self.find(path) {
            return Some(row);
        }
        if self.late >= LATE_PATHS {
            self.late_full = true;
            return None;
        }
        self.late = self.late.saturating_add(1);
        let row = self.add(path)?;
        self.resolve(host, mounts, row, &mut Coverage::new());
        Some(row)
    }

    /// What the content of a program tells, looked at once: `path` is where it can be read.
    pub fn content<H: Host>(&mut self, host: &H, row: usize, path: &[u8], sha256: bool) -> Content {
        let known = self.known(row);
        if known.looked {
            return known.content;
        }
        let content = content::read(host, path, !known.owner.vouches(), sha256);
        self.set(row, |known| {
            known.looked = true;
            known.content = content;
        });
        content
    }
}

/// Whether `/lib` is the same directory as `/usr/lib`.
fn is_merged<H: Host>(host: &H) -> bool {
    let mut target = Bytes::<16>::new();
    let read = host.dir(b"").and_then(|root| target.fill(|into| host.link_at(&root, b"lib", into)));
    read.is_ok() && relative(target.as_slice()) == b"usr/lib"
}

/// Where `/opt` leads: ASUSWRT links it to `/tmp/opt`, and that to a directory on a stick. Empty: it is no link.
fn opt<H: Host>(host: &H) -> Bytes<64> {
    let mut found = Bytes::<64>::new();
    let mut at = Bytes::<64>::of(b"opt");
    for _ in 0..4 {
        let path = at.as_slice();
        let name = basename(path);
        let parent = path.get(..path.len().saturating_sub(name.len())).unwrap_or_default();
        let mut target = Bytes::<64>::new();
        let read = host
            .dir(parent.strip_suffix(b"/").unwrap_or(parent))
            .and_then(|dir| target.fill(|into| host.link_at(&dir, name, into)));
        // A link that is cut, or leads somewhere from where it is, is not followed further.
        if read.is_err() || target.as_slice().first() != Some(&b'/') || target.as_slice().len() == 64 {
            break;
        }
        at = Bytes::of(relative(target.as_slice()));
        found = target;
    }
    found
}
