//! gatewatch's own files, held against the image below the overlay and the lists of packages.

use embedded_io::Read;

use super::links::real;
use super::mounts::Mounts;
use super::owner::relative;
use super::same::{PIECE, whole};
use super::truth::Truths;
use super::{Coverage, is_file, rows_within};
use crate::facts::origin::{Standing, Truth};
use crate::facts::own::{HEAD_BYTES, Own, Part};
use crate::facts::text::{Bytes, trim};
use crate::host::{Fault, Host, Identity};
use crate::limits::{COMPARED_BYTES, LIST_BYTES, OWN_FILES, PATH_BYTES, READ_BYTES};

/// Where an image or a package puts the program and the settings.
const FILES: [(&[u8], Part); 4] = [
    (b"/usr/sbin/gatewatch", Part::Program),
    (b"/usr/bin/gatewatch", Part::Program),
    (b"/etc/config/gatewatch", Part::Settings),
    (b"/etc/gatewatch/gatewatch.conf", Part::Settings),
];

/// Where they put what it knows.
const DATA: [&[u8]; 1] = [b"/usr/share/gatewatch"];

/// Its list in those of the package managers, and where the image has that.
const LISTS: [&[u8]; 3] = [
    b"usr/lib/opkg/info/gatewatch.list",
    b"lib/apk/packages/gatewatch.list",
    b"var/lib/dpkg/info/gatewatch.list",
];

/// Looks at its own files.
pub struct Walk<'a, H> {
    /// The machine.
    pub host: &'a H,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// What knows what should be here.
    pub truths: Truths,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes the files.
    pub each: &'a mut dyn FnMut(&Own<'_>),
}

impl<H: Host> Walk<'_, H> {
    /// Looks at all of them. Which one runs the kernel says, by device and inode, not a name.
    pub fn run(&mut self) {
        let host = self.host;
        let (mut path, mut any) = (Bytes::<PATH_BYTES>::new(), false);
        let running = host.file(b"proc/self/exe").ok().filter(|_| host.about().live);
        let link = host.dir(b"proc/self").and_then(|dir| path.fill(|into| host.link_at(&dir, b"exe", into)));
        let fixed = FILES.iter().any(|(known, _)| *known == path.as_slice());
        // One that was replaced or removed while it runs has no path any more.
        if let (Some((_, identity)), Ok(()), false) = (running, link, fixed)
            && host.file(relative(path.as_slice())).is_ok_and(|(_, there)| there.is(&identity))
        {
            any |= self.file(path.as_slice(), Part::Program);
        }
        for (path, part) in FILES {
            any |= self.file(path, part);
        }
        for dir in DATA {
            any |= self.data(dir);
        }
        self.coverage.absent = !any && self.coverage.gaps == 0;
    }

    /// What lies in a directory, here or in the image.
    fn data(&mut self, dir: &[u8]) -> bool {
        let host = self.host;
        let mut image = Bytes::<PATH_BYTES>::of(b"rom");
        image.push(dir);
        let mut names = heapless::Vec::<Bytes<64>, OWN_FILES>::new();
        let mut full = false;
        for (at, of_image) in [(image.as_slice(), true), (relative(dir), false)] {
            if of_image && !self.truths.has_rom() {
                continue;
            }
            let open = match host.dir(at) {
                Ok(open) => open,
                Err(Fault::NotFound | Fault::NotDirectory) => continue,
                Err(fault) => {
                    self.coverage.gap(dir, format_args!("{fault}"));
                    continue;
                }
            };
            let listed = host.list(&open, &mut |name| {
                let name = Bytes::of(name);
                full |= name.is_cut() || !names.contains(&name) && names.push(name).is_err();
            });
            if let Err(fault) = listed {
                self.coverage.gap(dir, format_args!("{fault}"));
            }
        }
        if full {
            self.coverage.gap(dir, format_args!("more than {OWN_FILES} files, or a name that is too long"));
        }
        let mut any = false;
        for name in &names {
            let mut path = Bytes::<PATH_BYTES>::of(dir);
            path.push(b"/");
            path.push(name.as_slice());
            any |= self.file(path.as_slice(), Part::Data);
        }
        any
    }

    /// Looks at one file. Whether anything knows what it should be.
    fn file(&mut self, path: &[u8], part: Part) -> bool {
        let host = self.host;
        let image = self.truths.in_image(host, path).ok().map(|(file, _)| file);
        let mut loose = false;
        let here = match host.file(relative(path)) {
            Ok((file, identity)) => {
                // In a tree files belong to whoever unpacked it.
                loose = part == Part::Settings && host.about().live && is_loose(&identity);
                Some(file)
            }
            Err(fault) if fault.is_absence() => None,
            // A directory of data, or something that is no file.
            Err(Fault::Directory) if image.is_none() => return false,
            Err(fault) => {
                self.coverage.gap(path, format_args!("{fault}"));
                return true;
            }
        };
        let gone = here.is_none();
        if gone && image.is_none() {
            return false;
        }
        let real_path = real(host, path);
        let covered = self.mounts.is_on(real_path.as_slice());
        let (mut head, mut image_head) = (Bytes::new(), Bytes::new());
        let listed = || LISTS.iter().find(|list| self.lists(list, path));
        let standing = match (here, image) {
            (Some(mut here), Some(mut image)) => {
                match same(&mut here, &mut image, &mut head, &mut image_head) {
                    Ok(true) => Standing::Known(Truth::Image),
                    // An upgrade writes its list anew.
                    Ok(false) if !covered && listed().is_some_and(|list| self.is_newer(list)) => {
                        Standing::Known(Truth::Package)
                    }
                    Ok(false) => Standing::Changed(Truth::Image),
                    Err(fault) => {
                        self.coverage.gap(path, format_args!("{fault}"));
                        return true;
                    }
                }
            }
            // Taken away with its package.
            (None, _) if listed().is_none() && part != Part::Data => return false,
            (None, _) => Standing::Changed(Truth::Image),
            (Some(_), None) if self.truths.is_image() && self.mounts.over(real_path.as_slice()).image => {
                Standing::Known(Truth::Image)
            }
            (Some(_), None) if covered && self.truths.is_image() => Standing::Changed(Truth::Image),
            (Some(_), None) if listed().is_some() => Standing::Known(Truth::Package),
            (Some(_), None) => Standing::Unknown,
        };
        self.coverage.fact();
        (self.each)(&Own { path, part, standing, covered, loose, gone, head, image_head });
        covered || loose || standing != Standing::Unknown
    }

    /// Whether a list of a package holds a path; apk's has no slash in front.
    fn lists(&self, list: &[u8], path: &[u8]) -> bool {
        let Ok((mut file, _)) = self.host.file(list) else { return false };
        let mut has = false;
        let _ = rows_within(&mut file, LIST_BYTES, &mut |row| {
            has |= row.is_some_and(|row| relative(trim(row)) == relative(path));
        });
        has
    }

    /// Whether a list was written since the image was made.
    fn is_newer(&self, list: &[u8]) -> bool {
        let at = |dir: &[u8]| {
            let mut path = Bytes::<128>::of(dir);
            path.push(list);
            is_file(self.host, path.as_slice())
        };
        at(b"overlay/upper/") || !at(b"rom/")
    }
}

/// Whether another user than root owns a file or can write to it (`S_IWGRP`, `S_IWOTH`, inode(7)).
const fn is_loose(identity: &Identity) -> bool {
    identity.uid != 0 || identity.mode & 0o022 != 0
}

/// Compares two files, byte by byte, and keeps how they begin.
fn same<F: Read<Error = Fault>>(
    one: &mut F,
    other: &mut F,
    head: &mut Bytes<HEAD_BYTES>,
    other_head: &mut Bytes<HEAD_BYTES>,
) -> Result<bool, Fault> {
    let (mut left, mut right) = ([0_u8; READ_BYTES], [0_u8; READ_BYTES]);
    let mut pieces = COMPARED_BYTES.div_euclid(PIECE);
    loop {
        pieces = pieces.checked_sub(1).ok_or(Fault::Large)?;
        let (left, right) = (whole(one, &mut left)?, whole(other, &mut right)?);
        if head.is_empty() && other_head.is_empty() {
            head.push(left);
            other_head.push(right);
        }
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::host::memory::{Memory, Node};

    const ROM: &str = "1 0 31:3 / /rom ro - squashfs /dev/root ro\n2 0 0:9 / / rw - overlay o rw\n";

    fn own(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut mounts, mut coverage, mut found) = (Mounts::new(), Coverage::new(), Vec::new());
        super::super::mounts::read(machine, &mut mounts, &mut Coverage::new(), &mut |_| {});
        let truths = Truths::find(machine, &mounts, None);
        let mut each = |own: &Own<'_>| {
            let covered = if own.covered { " covered" } else { "" };
            let gone = if own.gone { " gone" } else { "" };
            found.push(format!("{} {:?}{covered}{gone}", String::from_utf8_lossy(own.path), own.standing));
        };
        Walk { host: machine, mounts: &mounts, truths, coverage: &mut coverage, each: &mut each }.run();
        (found, coverage)
    }

    fn flashed() -> Memory {
        let machine = Memory::new();
        machine.file("proc/self/mountinfo", ROM).file("rom/etc/banner", "");
        for root in ["", "rom/"] {
            machine
                .file(&format!("{root}usr/sbin/gatewatch"), "program")
                .file(&format!("{root}usr/share/gatewatch/indicators.gwi"), "data")
                .file(&format!("{root}etc/config/gatewatch"), "config")
                .file(&format!("{root}usr/lib/opkg/info/gatewatch.list"), "/usr/sbin/gatewatch\n");
        }
        machine
    }

    #[test]
    fn what_was_flashed() {
        let machine = flashed();
        let known = |part: &str| format!("{part} Known(Image)");
        let parts = ["/usr/sbin/gatewatch", "/etc/config/gatewatch", "/usr/share/gatewatch/indicators.gwi"];
        assert_eq!(own(&machine).0, parts.map(known));
        machine
            .file("usr/sbin/gatewatch", "progrAm")
            .file("usr/share/gatewatch/indicators.gwi", "data and more");
        let (found, coverage) = own(&machine);
        assert_eq!(found[0], "/usr/sbin/gatewatch Changed(Image)");
        assert_eq!(found[2], "/usr/share/gatewatch/indicators.gwi Changed(Image)");
        assert_eq!((coverage.facts, coverage.gaps, coverage.absent), (3, 0, false));
        machine.file("overlay/upper/usr/lib/opkg/info/gatewatch.list", "");
        assert_eq!(own(&machine).0[0], "/usr/sbin/gatewatch Known(Package)", "an upgrade");
        machine
            .file("proc/self/mountinfo", format!("{ROM}3 2 0:9 /x /usr/sbin/gatewatch rw - overlay o rw\n"));
        assert_eq!(own(&machine).0[0], "/usr/sbin/gatewatch Changed(Image) covered");
        machine.remove("usr/share/gatewatch").remove("usr/sbin/gatewatch");
        let gone = ["/usr/sbin/gatewatch", "/usr/share/gatewatch/indicators.gwi"];
        let found = own(&machine).0;
        assert_eq!(found[0], format!("{} Changed(Image) covered gone", gone[0]));
        assert_eq!(found[2], format!("{} Changed(Image) gone", gone[1]));
    }

    #[test]
    fn settings_that_others_can_write_to() {
        for (mode, expected) in [(0o100_644, false), (0o100_600, false), (0o100_664, true), (0o100_646, true)]
        {
            let machine = Memory::new();
            for path in ["etc/config/gatewatch", "etc/gatewatch/gatewatch.conf", "usr/sbin/gatewatch"] {
                machine.file(path, "x").mode(path, mode);
            }
            let (mut mounts, mut coverage, mut loose) = (Mounts::new(), Coverage::new(), Vec::new());
            super::super::mounts::read(&machine, &mut mounts, &mut Coverage::new(), &mut |_| {});
            let truths = Truths::find(&machine, &mounts, None);
            let mut each = |own: &Own<'_>| loose.push(own.loose);
            Walk { host: &machine, mounts: &mounts, truths, coverage: &mut coverage, each: &mut each }.run();
            assert_eq!(loose, [false, expected, expected], "{mode:o}");
            assert_eq!(coverage.absent, !expected, "{mode:o}");
        }
    }

    #[test]
    fn what_was_installed_or_only_brought_along() {
        let machine = Memory::new();
        machine.file("usr/bin/gatewatch", "x").file("lib/apk/packages/gatewatch.list", "usr/bin/gatewatch\n");
        assert_eq!(own(&machine).0, ["/usr/bin/gatewatch Known(Package)"]);
        let machine = Memory::new();
        machine.file("tmp/gw", "x").link("proc/self/exe", "/tmp/gw");
        assert!(own(&machine).1.absent, "links of processes are not followed in memory");
        machine.file("usr/bin/gatewatch", "x");
        let (found, coverage) = own(&machine);
        assert_eq!(
            (found.as_slice(), coverage.absent),
            (&["/usr/bin/gatewatch Unknown".to_owned()][..], true)
        );
        assert!(own(&Memory::new().tree(Some(Endian::Big))).1.absent);
    }

    #[test]
    fn an_image_that_is_the_root_itself() {
        let machine = Memory::new();
        let root = "1 0 31:3 / / ro - squashfs /dev/root ro\n";
        machine.file("proc/self/mountinfo", root).file("usr/sbin/gatewatch", "x");
        assert_eq!(own(&machine).0, ["/usr/sbin/gatewatch Known(Image)"]);
        machine
            .file("proc/self/mountinfo", format!("{root}2 1 0:9 /x /usr/sbin/gatewatch rw - tmpfs t rw\n"));
        assert_eq!(own(&machine).0, ["/usr/sbin/gatewatch Changed(Image) covered"]);
    }

    #[test]
    fn what_could_not_be_read_is_said() {
        let machine = flashed();
        machine.put("usr/sbin/gatewatch", Node::Fails(Fault::Fifo));
        let (found, coverage) = own(&machine);
        assert_eq!((found.len(), coverage.why.as_slice()), (2, &b"/usr/sbin/gatewatch: a named pipe"[..]));
        for number in 0..=OWN_FILES {
            machine.file(&format!("usr/share/gatewatch/{number}"), "");
        }
        assert_eq!(own(&machine).1.gaps, 2);
    }
}
