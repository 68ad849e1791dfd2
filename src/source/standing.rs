//! What the sources of truth say of a startup file: held against the image, the packages and what they recorded.

use super::links::one_step;
use super::mounts::Mounts;
use super::owner::{Owners, below, relative};
use super::recorded::Now;
use super::same::same;
use super::startup::Found;
use super::truth::Truths;
use super::{Coverage, hash, is_file, places};
use crate::baseline::{self, FileValue};
use crate::facts::origin::{Standing, Truth};
use crate::facts::process::Owner;
use crate::facts::startup_file::{Difference, Hand, StartupFile, linked_service};
use crate::facts::text::{Bytes, basename};
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{PATH_BYTES, STARTUP_FILE_BYTES};
use core::cell::Cell;

/// Bits of a mode that are compared: all rights, not the kind of file (inode(7)).
const RIGHTS: u32 = 0o7777;
/// Rights that give more than a startup file needs: set-user-id, set-group-id, writable by others.
const WIDE: u32 = 0o6002;

/// What startup files are held against.
pub struct Standings<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// The image.
    pub truths: &'a Truths,
    /// Who has which path; all paths of startup files have been added.
    pub owners: &'a Owners,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// How often lists of packages that are gone may still be read.
    pub left: Cell<u32>,
}

impl<H: Host> Standings<'_, H> {
    /// Whether anything says what should be there.
    #[must_use]
    pub fn is_any(&self) -> bool {
        let baseline = self.truths.baseline().is_some();
        self.truths.has_rom() || self.truths.is_image() || self.owners.has_lists() || baseline
    }

    /// What is known of a file or link that was found, and why it could not be compared if so.
    pub fn of<'f>(&self, found: &Found<'f, H>) -> (StartupFile<'f>, Result<(), Fault>) {
        let path = found.path;
        let known = self.owners.find(path).map(|row| self.owners.known(row)).unwrap_or_default();
        let own = found.place.hand;
        // Where packages alone say what belongs here, /etc is the admin's to fill (hier(7)): a Debian server.
        let admins = !self.truths.has_rom() && self.owners.is_debian() && path.starts_with(b"/etc/");
        let mut fact = StartupFile {
            path,
            target: found.target.unwrap_or_default(),
            hand: if admins && own == Hand::Firmware { Hand::Owner } else { own },
            standing: Standing::Unknown,
            difference: Difference::None,
            configuration: known.configuration,
            by_tools: false,
            access_point: false,
            uid: found.file.as_ref().map_or(0, |(_, identity)| identity.uid),
        };
        if own == Hand::Generated {
            return (fact, Ok(()));
        }
        let compared = match (&found.file, found.target) {
            (Some((_, identity)), None) => self.file(path, identity),
            (Some(_), Some(target)) => {
                Ok((self.by_owner(one_step(path, target).as_slice()), Difference::None))
            }
            (None, Some(target)) => self.link(path, target),
            (None, None) => Ok((Standing::Unknown, Difference::None)),
        };
        let asked = match (&found.file, found.target) {
            (Some((_, identity)), None) => self.truths.file(self.host, path, Now::File(identity)),
            (Some((_, identity)), Some(target)) => {
                self.truths.file(self.host, one_step(path, target).as_slice(), Now::File(identity))
            }
            (None, target) => self.truths.file(self.host, path, Now::Link(target.unwrap_or_default())),
        };
        let compared = compared.and_then(|compared| Ok(later(compared, asked?)));
        let compared = compared.map(|(standing, difference)| {
            // That the owner has a file of this very name is no news: what is in it is read line by line.
            let usual = own == Hand::Owner && !places::is_open(found.place.names);
            let added = matches!(standing, Standing::Added(Truth::Image | Truth::Package));
            fact.standing = if usual && added { Standing::Unknown } else { standing };
            fact.difference = difference;
        });
        (fact, compared)
    }

    /// What image and packages say of a path, whatever the file holds.
    fn by_owner(&self, path: &[u8]) -> Standing {
        let owner = self.owners.find(path).map(|row| self.owners.known(row).owner).unwrap_or_default();
        match owner {
            Owner::Firmware => Standing::Known(Truth::Image),
            Owner::Package => Standing::Known(Truth::Package),
            Owner::Nobody if self.truths.has_rom() => Standing::Added(Truth::Image),
            Owner::Nobody if self.owners.knows(path) => Standing::Added(Truth::Package),
            // Beside an image that is the root itself: /jffs, a generated /etc. The image cannot know of that.
            Owner::Nobody | Owner::Baseline | Owner::Unknown => Standing::Unknown,
        }
    }

    fn file(&self, path: &[u8], identity: &Identity) -> Result<(Standing, Difference), Fault> {
        if self.mounts.is_on(path) && self.is_any() {
            let image = self.truths.has_rom() || self.truths.is_image();
            let truth = match (image, self.owners.has_lists()) {
                (true, _) => Truth::Image,
                (false, true) => Truth::Package,
                (false, false) => Truth::Baseline,
            };
            return Ok((Standing::Changed(truth), Difference::Covered));
        }
        // What a package brought later is not what the image has.
        let known = self.owners.find(path).map(|row| self.owners.known(row)).unwrap_or_default();
        if known.upgraded {
            return self.recorded(path, identity, Standing::Known(Truth::Package));
        }
        match self.truths.in_image(self.host, path) {
            Ok((_, image)) if image.is(identity) => Ok((Standing::Unknown, Difference::None)),
            Ok((mut original, image)) => {
                let changed = |difference| Ok((Standing::Changed(Truth::Image), difference));
                if image.size != identity.size || !self.same(path, &mut original)? {
                    let emptied = identity.size == 0 && image.size > 0;
                    return changed(if emptied { Difference::Emptied } else { Difference::Content });
                }
                if (image.mode ^ identity.mode) & RIGHTS != 0 || image.uid != identity.uid {
                    let wider = identity.mode & !image.mode & WIDE != 0 || image.uid != identity.uid;
                    return changed(Difference::Mode { wider });
                }
                Ok((Standing::Known(Truth::Image), Difference::None))
            }
            // A link in the image that leads out of it tells nothing.
            Err(fault)
                if fault.is_absence()
                    && self.truths.has_rom()
                    && is_file(self.host, below(b"rom", path).as_slice()) =>
            {
                Ok((Standing::Unknown, Difference::None))
            }
            Err(fault) if fault.is_absence() => {
                let standing = match self.by_owner(path) {
                    Standing::Known(Truth::Image) if self.truths.has_rom() => Standing::Added(Truth::Image),
                    standing => standing,
                };
                self.recorded(path, identity, standing)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Holds a file of a package against the hash that was recorded when it was installed.
    fn recorded(
        &self,
        path: &[u8],
        identity: &Identity,
        standing: Standing,
    ) -> Result<(Standing, Difference), Fault> {
        let recorded = self.owners.find(path).and_then(|row| self.owners.known(row).recorded);
        let Some(recorded) = recorded.filter(|_| standing == Standing::Known(Truth::Package)) else {
            return Ok((standing, Difference::None));
        };
        if identity.size > STARTUP_FILE_BYTES {
            return Err(Fault::Large);
        }
        let (mut file, _) = self.host.file(relative(path))?;
        let now = hash::sha256(&mut file, identity.size)?;
        if now.starts_with(&recorded) {
            return Ok((standing, Difference::None));
        }
        Ok((Standing::Changed(Truth::Package), Difference::Content))
    }

    /// Whether a file holds what the image has of it.
    fn same(&self, path: &[u8], original: &mut H::File) -> Result<bool, Fault> {
        let (mut file, _) = self.host.file(relative(path))?;
        same(&mut file, original, STARTUP_FILE_BYTES)
    }

    fn link(&self, path: &[u8], target: &[u8]) -> Result<(Standing, Difference), Fault> {
        if self.truths.has_rom() {
            let name = basename(path);
            let parent = path.get(..path.len().saturating_sub(name.len())).unwrap_or_default();
            let mut original = Bytes::<PATH_BYTES>::new();
            let dir = below(b"rom", parent.strip_suffix(b"/").unwrap_or(parent));
            match self.host.dir(dir.as_slice()) {
                Ok(dir) => match self.host.kind_at(&dir, name) {
                    Ok(Kind::Link) => {
                        original.fill(|into| self.host.link_at(&dir, name, into))?;
                        if original.as_slice() == target {
                            return Ok((Standing::Known(Truth::Image), Difference::None));
                        }
                        return Ok((Standing::Changed(Truth::Image), different(target)));
                    }
                    Ok(_) => return Ok((Standing::Changed(Truth::Image), different(target))),
                    Err(fault) if fault.is_absence() => {}
                    Err(fault) => return Err(fault),
                },
                Err(fault) if fault.is_absence() => {}
                Err(fault) => return Err(fault),
            }
        }
        let own = self.by_owner(path);
        if target == b"/dev/null" {
            // A package may ship it so. Else somebody has done it: there is nothing to be added.
            return Ok(match own {
                Standing::Added(truth) => (Standing::Changed(truth), Difference::Masked),
                other => (other, Difference::None),
            });
        }
        // Lists of packages name no links that their own scripts make: what is linked to counts.
        let standing = if own.is_known() { own } else { self.by_owner(one_step(path, target).as_slice()) };
        Ok((standing, Difference::None))
    }

    /// Hands every startup file of the baseline that is not there any more, and that the image does not have, to `each`.
    pub fn gone_since(&self, coverage: &mut Coverage, each: &mut dyn FnMut(&StartupFile<'_>)) {
        let Some(known) = self.truths.baseline() else { return };
        let whole = known.each(baseline::Kind::File, &mut |path, value| {
            let Some(value) = FileValue::read(value).filter(|value| value.startup) else { return };
            let Some(place) = places::of(relative(path)) else { return };
            coverage.fact();
            let target = Some(value.rest).filter(|_| value.is_link());
            match self.gone(&Found { place, path, target, file: None }, Truth::Baseline) {
                Ok(Some(fact)) if !self.in_rom(path) => each(&fact),
                Ok(_) => {}
                Err(fault) => coverage.gap(path, format_args!("{fault}")),
            }
        });
        if !whole {
            coverage.gap(b"the baseline", format_args!("its entries are not in order"));
        }
    }

    /// Whether the image has something there.
    fn in_rom(&self, path: &[u8]) -> bool {
        let name = basename(path);
        let parent = path.strip_suffix(name).unwrap_or_default();
        let dir = self.host.dir(below(b"rom", parent.strip_suffix(b"/").unwrap_or(parent)).as_slice());
        self.truths.has_rom() && dir.is_ok_and(|dir| self.host.kind_at(&dir, name).is_ok())
    }

    /// What became of a startup file of the image or the baseline, of which this is the original. `None`: it is still there.
    ///
    /// # Errors
    /// When it could not be looked at.
    pub fn gone<'f>(&self, found: &Found<'f, H>, truth: Truth) -> Result<Option<StartupFile<'f>>, Fault> {
        let path = found.path;
        let name = basename(path);
        let parent = relative(path.get(..path.len().saturating_sub(name.len())).unwrap_or_default());
        let there = self
            .host
            .dir(parent.strip_suffix(b"/").unwrap_or(parent))
            .and_then(|dir| self.host.kind_at(&dir, name));
        match there {
            Ok(_) => return Ok(None),
            Err(fault) if fault.is_absence() => {}
            Err(fault) => return Err(fault),
        }
        // Another number is given by an upgrade of the package, or by an owner who wrote another `START=`.
        if let (Some(target), Some(service)) = (found.target, linked_service(name)) {
            let first = name.first();
            let again = self.other_link(parent, service, &mut |other, to| {
                other.first() == first && one_step(path, to).as_slice() == one_step(path, target).as_slice()
            });
            if again {
                return Ok(None);
            }
        }
        let starts_names =
            |dir: &[u8]| self.other_link(dir, b"dnsmasq", &mut |link, _| link.starts_with(b"S"));
        let access_point = found.target.is_some()
            && starts_names(below(b"rom/", parent).as_slice())
            && !starts_names(parent);
        let by_tools = match found.target {
            // `/etc/init.d/x disable` takes the link and leaves the script.
            Some(target) => {
                let script = one_step(path, target);
                self.host.file(relative(script.as_slice())).is_ok() || self.with_package(script.as_slice())
            }
            None => self.with_package(path),
        };
        Ok(Some(StartupFile {
            path,
            target: found.target.unwrap_or_default(),
            hand: found.place.hand,
            standing: Standing::Changed(truth),
            difference: Difference::Missing,
            configuration: false,
            by_tools,
            access_point,
            uid: 0,
        }))
    }

    /// Whether a directory has a start or stop link of a service, name and target of which `fits`.
    fn other_link(&self, dir: &[u8], service: &[u8], fits: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> bool {
        let Ok(dir) = self.host.dir(dir.strip_suffix(b"/").unwrap_or(dir)) else { return false };
        let mut found = false;
        let listed = self.host.list(&dir, &mut |name| {
            let mut target = Bytes::<PATH_BYTES>::new();
            found |= !found
                && linked_service(name) == Some(service)
                && target.fill(|into| self.host.link_at(&dir, name, into)).is_ok()
                && fits(name, target.as_slice());
        });
        found && listed.is_ok()
    }

    /// Whether a file of the image went with its package: a list of the image has it, and that list is gone.
    fn with_package(&self, path: &[u8]) -> bool {
        let Some(left) = self.left.get().checked_sub(1) else { return false };
        self.left.set(left);
        [&b"usr/lib/opkg/info"[..], b"lib/apk/packages"].into_iter().any(|place| {
            let now = self.host.dir(place);
            let Ok(then) = self.host.dir(below(b"rom/", place).as_slice()) else { return false };
            let mut found = false;
            let listed = self.host.list(&then, &mut |name| {
                let gone = || now.as_ref().is_ok_and(|now| self.host.kind_at(now, name).is_err());
                if found || !name.ends_with(b".list") || !gone() {
                    return;
                }
                if let Ok(mut list) = self.host.file_at(&then, name) {
                    let _ = super::rows_within(&mut list, crate::limits::LIST_BYTES, &mut |row| {
                        found |= row.is_some_and(|row| relative(row) == relative(path));
                    });
                }
            });
            found && listed.is_ok()
        })
    }
}

/// What counts of what image and packages say, and the baseline, which was asked later: it knows what the owner has
/// approved, and what packages do not record. What is as in the image is no news, whatever the baseline has.
fn later(first: (Standing, Difference), asked: (Standing, Difference)) -> (Standing, Difference) {
    match (first.0, asked.0) {
        (_, Standing::Unknown) | (Standing::Known(Truth::Image), _) => first,
        (Standing::Known(_), Standing::Added(_) | Standing::Known(_)) => first,
        (Standing::Changed(_), Standing::Added(_)) => first,
        _ if first.1 == Difference::Covered => first,
        _ => asked,
    }
}

/// In what a link differs that leads elsewhere than before.
fn different(target: &[u8]) -> Difference {
    if target == b"/dev/null" { Difference::Masked } else { Difference::Target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;
    use crate::source::startup::{Seen, Walk};
    use crate::source::{Coverage, conffiles, mounts};

    /// What is said of each startup file and link, `path standing difference`, those left out of which nothing is known.
    fn said(machine: &Memory) -> Vec<String> {
        let (mut owners, mut rows, mut seen) = (Owners::new(), Mounts::new(), Box::new(Seen::new()));
        mounts::read(machine, &mut rows, &mut Coverage::new(), &mut |_| {});
        let mut add = |found: Found<'_, Memory>, _: &mut Coverage| {
            owners.add(found.path).unwrap();
            if let Some(target) = found.target {
                owners.add(one_step(found.path, target).as_slice()).unwrap();
            }
        };
        let coverage = &mut Coverage::new();
        Walk::new(machine, b"", &mut seen, coverage, &mut add).run();
        owners.resolve(machine, &rows, 0, &mut Coverage::new());
        conffiles::read(machine, &mut owners, &mut Coverage::new());
        let truths = Truths::find(machine, &rows, None);
        let standings = Standings {
            host: machine,
            truths: &truths,
            owners: &owners,
            mounts: &rows,
            left: Cell::new(crate::limits::GONE_FILES),
        };
        let mut said = Vec::new();
        let mut visit = |found: Found<'_, Memory>, _: &mut Coverage| {
            let (fact, compared) = standings.of(&found);
            compared.unwrap();
            if fact.standing != Standing::Unknown {
                let path = String::from_utf8_lossy(fact.path);
                said.push(format!("{path} {:?} {:?} {:?}", fact.standing, fact.difference, fact.hand));
            }
        };
        Walk::new(machine, b"", &mut seen, coverage, &mut visit).run();
        said
    }

    #[test]
    fn hashes_that_packages_recorded() {
        let machine = Memory::new();
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // of nothing
        machine
            .file("lib/apk/packages/x.list", "/etc/init.d/x\n/etc/init.d/y\n")
            .file(
                "lib/apk/packages/x.conffiles_static",
                format!("/etc/init.d/x {hash}\n/etc/init.d/y {hash}\n"),
            )
            .file("etc/init.d/x", "")
            .file("etc/init.d/y", "changed")
            .file("etc/init.d/z", "");
        assert_eq!(
            said(&machine),
            [
                "/etc/init.d/x Known(Package) None Firmware",
                "/etc/init.d/y Changed(Package) Content Firmware",
                "/etc/init.d/z Added(Package) None Firmware",
            ]
        );
    }

    #[test]
    fn a_server_whose_admin_fills_etc() {
        let machine = Memory::new();
        machine
            .file("var/lib/dpkg/info/x.list", "/lib/systemd/system/x.service\n")
            .file("usr/lib/systemd/system/x.service", "")
            .file("usr/lib/systemd/system/evil.service", "")
            .file("etc/init.d/own", "")
            .link("etc/systemd/system/multi-user.target.wants/x.service", "/lib/systemd/system/x.service")
            .link("etc/systemd/system/ssh.service", "/dev/null");
        assert_eq!(
            said(&machine),
            [
                "/etc/init.d/own Added(Package) None Owner",
                "/etc/systemd/system/multi-user.target.wants/x.service Known(Package) None Owner",
                "/etc/systemd/system/ssh.service Changed(Package) Masked Owner",
                "/usr/lib/systemd/system/evil.service Added(Package) None Firmware",
                "/usr/lib/systemd/system/x.service Known(Package) None Firmware",
            ]
        );
    }

    #[test]
    fn an_image_that_is_the_root_knows_nothing_of_what_lies_beside_it() {
        let machine = Memory::new();
        machine
            .file(
                "proc/self/mountinfo",
                "1 0 31:3 / / ro - squashfs /dev/mtdblock3 ro\n2 1 31:5 / /jffs rw - jffs2 /dev/mtdblock5 rw\n\
                 3 1 8:1 /x /etc/init.d/mounted rw - ext4 /dev/sda1 rw\n",
            )
            .file("etc/init.d/rcS", "")
            .file("etc/init.d/mounted", "")
            .file("jffs/scripts/services-start", "");
        assert_eq!(
            said(&machine),
            [
                "/etc/init.d/mounted Changed(Image) Covered Firmware",
                "/etc/init.d/rcS Known(Image) None Firmware"
            ]
        );
    }
}
