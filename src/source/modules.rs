//! Modules that the kernel has loaded, by what it says in two places, and the files that they come from.

use super::entries::entries;
use super::links::real;
use super::owner::{Owners, relative};
use super::{Coverage, fill, rows};
use crate::facts::module::{Row as Listed, Taints, is_same, stem};
use crate::facts::text::{Bytes, decimal, trim};
use crate::host::{Fault, Host, Kind};
use crate::limits::{MODULE_BYTES, MODULE_DEPTH, MODULE_FILES, MODULES, PATH_BYTES};

const LIST: &[u8] = b"proc/modules";
const SHOWN: &[u8] = b"sys/module";

/// Below which a directory with the release of the kernel holds its modules.
const STORES: [&[u8]; 2] = [b"lib/modules", b"usr/lib/modules"];

/// Where else modules of healthy machines come from, and those of others: all of the root's own file system is the last.
/// A file that was deleted since is still in the image.
const PLACES: [&[u8]; 14] = [
    b"rom/lib/modules",
    b"lib/modules",
    b"usr/lib/modules",
    b"opt/lib/modules",
    b"jffs",
    b"tmp",
    b"var/tmp",
    b"dev/shm",
    b"run",
    b"root",
    b"etc",
    b"var/lib",
    b"var/snap",
    b"",
];

/// Where the file of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    /// Nobody looked for it.
    Unsought,
    /// There is none.
    None,
    /// The row of its path among the owners.
    At(u16),
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: u16,
    end: u16,
    listed: bool,
    live: bool,
    shown: bool,
    file: File,
}

/// One module of the table.
#[derive(Clone, Copy, Debug)]
pub struct Loaded<'a> {
    /// See [`crate::facts::module::Module`], as all of these.
    pub name: &'a [u8],
    /// See there.
    pub listed: bool,
    /// See there.
    pub shown: bool,
    /// See there.
    pub live: bool,
    /// See there.
    pub sought: bool,
    /// The row of its file among the owners.
    pub file: Option<usize>,
}

/// The modules that are loaded.
#[derive(Debug)]
pub struct Modules {
    text: heapless::Vec<u8, MODULE_BYTES>,
    rows: heapless::Vec<Row, MODULES>,
    /// There are more than fit.
    full: bool,
    /// Both views were there.
    both: bool,
    /// What the listed ones taint the kernel with.
    taints: u32,
}

impl Modules {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: heapless::Vec::new(), rows: heapless::Vec::new(), full: false, both: false, taints: 0 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
        (self.full, self.both, self.taints) = (false, false, 0);
    }

    /// Whether both views could be looked at.
    #[must_use]
    pub const fn both(&self) -> bool {
        self.both
    }

    /// Every module.
    pub fn iter(&self) -> impl Iterator<Item = Loaded<'_>> {
        self.rows.iter().map(|row| Loaded {
            name: self.name(row),
            listed: row.listed,
            shown: row.shown,
            live: row.live,
            sought: row.file != File::Unsought,
            file: if let File::At(row) = row.file { Some(usize::from(row)) } else { None },
        })
    }

    fn name(&self, row: &Row) -> &[u8] {
        self.text.get(usize::from(row.start)..usize::from(row.end)).unwrap_or_default()
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.rows.iter().position(|row| is_same(self.name(row), name))
    }

    fn add(&mut self, name: &[u8]) -> Option<&mut Row> {
        let at = match self.find(name) {
            Some(at) => at,
            None => self.append(name)?,
        };
        self.rows.get_mut(at)
    }

    fn append(&mut self, name: &[u8]) -> Option<usize> {
        let at = self.rows.len();
        let start = u16::try_from(self.text.len()).ok();
        let end = start.and_then(|start| start.checked_add(u16::try_from(name.len()).ok()?));
        let row = start.zip(end).map(|(start, end)| {
            let (listed, live, shown, file) = (false, false, false, File::Unsought);
            Row { start, end, listed, live, shown, file }
        });
        let added = row.is_some_and(|row| {
            !self.rows.is_full() && self.text.extend_from_slice(name).is_ok() && self.rows.push(row).is_ok()
        });
        self.full |= !added;
        added.then_some(at)
    }

    /// Reads both views, again if they were read before; where files lie stays known. The kernel puts a module into its
    /// list before it shows it, and takes it away in the other order, so what is shown is read first.
    pub fn read<H: Host>(&mut self, host: &H, coverage: &mut Coverage) {
        for row in &mut self.rows {
            (row.listed, row.live, row.shown) = (false, false, false);
        }
        self.taints = 0;
        let shown = self.shown(host, coverage);
        let listed = match self.listed(host, coverage) {
            Ok(()) => true,
            // A kernel without modules has no list of them.
            Err(Fault::NotFound) if !shown && host.dir(b"proc").is_ok() => {
                coverage.absent = true;
                return;
            }
            Err(Fault::NotFound) if !host.about().live => {
                coverage.absent = true;
                return;
            }
            Err(fault) => {
                coverage.gap(b"/proc/modules", format_args!("{fault}"));
                false
            }
        };
        self.both = shown && listed;
        if listed && !shown && !self.rows.is_empty() && host.about().live {
            coverage.gap(b"/sys/module", format_args!("it shows no module that was loaded"));
        }
        if self.full {
            coverage.gap(
                b"/proc/modules",
                format_args!("more than {MODULES} modules; the rest was not looked at"),
            );
        }
    }

    /// Whether `/sys/module` shows what was loaded: what is part of the kernel itself has no state.
    fn shown<H: Host>(&mut self, host: &H, coverage: &mut Coverage) -> bool {
        let mut any = false;
        let Ok(dir) = host.dir(SHOWN) else { return false };
        let listed = host.list(&dir, &mut |name| {
            let mut state = Bytes::<16>::new();
            let read = host
                .dir_at(&dir, name)
                .and_then(|module| host.file_at(&module, b"initstate"))
                .and_then(|mut file| fill(&mut file, &mut state));
            if read.is_err() {
                return;
            }
            any = true;
            if let Some(row) = self.add(name) {
                (row.shown, row.live) = (true, trim(state.as_slice()) == b"live");
            }
        });
        if let Err(fault) = listed {
            coverage.gap(b"/sys/module", format_args!("{fault}"));
        }
        any && listed.is_ok()
    }

    fn listed<H: Host>(&mut self, host: &H, coverage: &mut Coverage) -> Result<(), Fault> {
        let (mut file, _) = host.file(LIST)?;
        let mut odd = 0_u32;
        rows(&mut file, &mut |row| match row.and_then(Listed::parse) {
            Some(listed) => {
                coverage.fact();
                self.taints |= listed.taints;
                if let Some(row) = self.add(listed.name) {
                    (row.listed, row.live) = (true, listed.live);
                }
            }
            None => odd = odd.saturating_add(1),
        })?;
        if odd > 0 {
            coverage.gap(b"/proc/modules", format_args!("{odd} rows not understood"));
        }
        Ok(())
    }

    /// What taints the kernel. `None`: nobody says it, or kernels of this age do not say of which module it comes.
    pub fn taints<H: Host>(&self, host: &H) -> Option<Taints> {
        if self.full || release(host)?.as_slice().first() == Some(&b'2') {
            return None;
        }
        let mut text = Bytes::<32>::new();
        let (mut file, _) = host.file(b"proc/sys/kernel/tainted").ok()?;
        fill(&mut file, &mut text).ok()?;
        let bits = decimal(trim(text.as_slice()))? & u64::from(u32::MAX);
        Some(Taints { kernel: u32::try_from(bits).unwrap_or_default(), modules: self.taints })
    }

    /// Looks for the file of every listed module and adds its path to the owners. Nobody can say where they should be if
    /// none are where this kernel has its own: in a container, and after an upgrade of the kernel; nor if most of them are
    /// somewhere else, in an archive that was unpacked at boot.
    pub fn files<H: Host>(&mut self, host: &H, owners: &mut Owners, coverage: &mut Coverage) {
        let Some(release) = release(host) else { return };
        let mut search = Search {
            host,
            modules: self,
            owners,
            left: MODULE_FILES,
            any: false,
            failed: None,
            device: None,
        };
        for store in STORES {
            let mut path = Bytes::<PATH_BYTES>::of(store);
            path.push(b"/");
            path.push(release.as_slice());
            search.place(path.as_slice());
        }
        if let Some(fault) = search.failed {
            return coverage.gap(b"/lib/modules", format_args!("{fault}"));
        }
        if !search.any {
            return;
        }
        if search.left == 0 {
            let what =
                format_args!("more than {MODULE_FILES} files; where modules come from was not looked at");
            coverage.gap(b"/lib/modules", what);
            return;
        }
        let mut cut = false;
        for place in PLACES {
            if search.modules.missing() > 0 {
                search.left = MODULE_FILES;
                search.place(place);
                cut |= search.left == 0;
            }
        }
        if cut && search.modules.missing() > 0 {
            let what =
                format_args!("more than {MODULE_FILES} files in a place; not all were held against modules");
            coverage.gap(b"/", what);
        }
        let missing = self.missing();
        let listed = self.rows.iter().filter(|row| row.listed).count();
        if missing.saturating_mul(2) > listed {
            return;
        }
        for row in self.rows.iter_mut().filter(|row| row.listed && row.file == File::Unsought) {
            row.file = File::None;
        }
    }

    /// How many listed modules have no file yet.
    fn missing(&self) -> usize {
        self.rows.iter().filter(|row| row.listed && row.file == File::Unsought).count()
    }
}

impl Default for Modules {
    fn default() -> Self {
        Self::new()
    }
}

/// The release of the kernel, `uname -r`, if it is one that may be part of a path.
fn release<H: Host>(host: &H) -> Option<Bytes<72>> {
    let mut text = Bytes::<72>::new();
    let (mut file, _) = host.file(b"proc/sys/kernel/osrelease").ok()?;
    fill(&mut file, &mut text).ok()?;
    let release = Bytes::of(trim(text.as_slice()));
    let plain = release.as_slice().first().is_some_and(u8::is_ascii_digit);
    (plain && !release.as_slice().contains(&b'/')).then_some(release)
}

/// A search for the files of modules.
struct Search<'a, H: Host> {
    host: &'a H,
    modules: &'a mut Modules,
    owners: &'a mut Owners,
    /// Names that may still be looked at.
    left: u32,
    /// The file of some module was seen, loaded or not.
    any: bool,
    /// A directory could not be listed.
    failed: Option<Fault>,
    /// The file system that is not left.
    device: Option<u64>,
}

impl<H: Host> Search<'_, H> {
    fn place(&mut self, place: &[u8]) {
        let Ok(dir) = self.host.dir(place) else { return };
        self.device = match self.host.kind_at(&dir, b".") {
            Ok(Kind::Dir(identity)) => Some(identity.device),
            _ => None,
        };
        let mut path = Bytes::<PATH_BYTES>::of(if place.is_empty() { b"" } else { b"/" });
        path.push(place);
        let mut left = self.left;
        self.directory(&dir, &mut path, &mut left, 0);
        self.left = left;
    }

    fn directory(&mut self, dir: &H::Dir, path: &mut Bytes<PATH_BYTES>, left: &mut u32, depth: u32) {
        let host = self.host;
        let listed = entries(host, dir, path, left, &mut |name, path, left| match stem(name) {
            Some(stem) => self.file(stem, path.as_slice()),
            None => self.below(dir, name, path, left, depth),
        });
        self.failed = self.failed.or(listed.err());
    }

    fn below(&mut self, dir: &H::Dir, name: &[u8], path: &mut Bytes<PATH_BYTES>, left: &mut u32, depth: u32) {
        let Ok(Kind::Dir(identity)) = self.host.kind_at(dir, name) else { return };
        let same = self.device.is_none_or(|device| device == identity.device);
        if depth < MODULE_DEPTH
            && same
            && let Ok(below) = self.host.dir_at(dir, name)
        {
            self.directory(&below, path, left, depth.saturating_add(1));
        }
    }

    fn file(&mut self, stem: &[u8], path: &[u8]) {
        self.any = true;
        let Some(at) = self.modules.find(stem) else { return };
        let Some(row) = self.modules.rows.get_mut(at).filter(|row| row.file == File::Unsought) else {
            return;
        };
        let file = real(self.host, path);
        let path = file.as_slice();
        if self.host.file(relative(path)).is_err() {
            return;
        }
        // What was deleted since is still in the image, which says whose it was.
        let path = path.strip_prefix(b"/rom").filter(|rest| rest.starts_with(b"/")).unwrap_or(path);
        if let Some(owned) = self.owners.add(path).and_then(|row| u16::try_from(row).ok()) {
            row.file = File::At(owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::{Memory, Node};

    const ROWS: &str = "nf_nat 1 0 - Live 0x0\nwl 1 0 - Live 0x0 (PO)\n";

    fn machine() -> Memory {
        let machine = Memory::new();
        machine
            .file("proc/modules", ROWS)
            .file("proc/sys/kernel/osrelease", "5.15.1\n")
            .file("proc/sys/kernel/tainted", "4097\n")
            .file("sys/module/nf_nat/initstate", "live\n")
            .file("sys/module/wl/initstate", "live\n")
            .file("sys/module/tcp_cubic/parameters/x", "")
            .file("lib/modules/5.15.1/nf-nat.ko", "")
            .file("lib/modules/5.15.1/extra/wl.ko.xz", "");
        machine
    }

    fn look(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut modules, mut owners, mut coverage) = (Modules::new(), Owners::new(), Coverage::new());
        modules.read(machine, &mut coverage);
        modules.files(machine, &mut owners, &mut coverage);
        let shown = modules.iter().map(|module| {
            let name = String::from_utf8_lossy(module.name);
            let views =
                format!("{}{}", if module.listed { "L" } else { "" }, if module.shown { "S" } else { "" });
            let file = module.file.map(|row| String::from_utf8_lossy(owners.path(row)).into_owned());
            let none = if module.sought { "none" } else { "?" };
            format!("{name} {views} {}", file.unwrap_or_else(|| none.into()))
        });
        (shown.collect(), coverage)
    }

    #[test]
    fn two_views_and_the_files() {
        let (modules, coverage) = look(&machine());
        assert_eq!(
            modules,
            ["nf_nat LS /lib/modules/5.15.1/nf-nat.ko", "wl LS /lib/modules/5.15.1/extra/wl.ko.xz"]
        );
        assert_eq!((coverage.facts, coverage.gaps), (2, 0));
    }

    #[test]
    fn what_only_one_of_them_has() {
        let machine = machine();
        machine
            .file("proc/modules", format!("{ROWS}x 1 0 - Live 0x0 (OE)\n"))
            .file("sys/module/y/initstate", "live\n")
            .file("tmp/x.ko", "");
        assert_eq!(look(&machine).0[2..], ["y S ?", "x L /tmp/x.ko"]);
        machine.remove("tmp");
        assert_eq!(look(&machine).0[3], "x L none");
        let mut modules = Modules::new();
        modules.read(&machine, &mut Coverage::new());
        let taints = modules.taints(&machine).unwrap();
        assert_eq!((taints.kernel, taints.modules), (4097, 4097 | 1 << 13));
        machine.file("proc/sys/kernel/osrelease", "2.6.22\n");
        assert!(modules.taints(&machine).is_none());
    }

    #[test]
    fn where_nobody_can_say_what_should_be_there() {
        // A container; an upgraded kernel; modules from an archive.
        let container = machine();
        container.remove("lib").file("lib/modules/6.1.0/nf_nat.ko", "");
        assert_eq!(look(&container).0, ["nf_nat LS ?", "wl LS ?"]);
        let archive = machine();
        archive.remove("lib").file("lib/modules/5.15.1/nat.ko", "");
        assert_eq!(look(&archive).0, ["nf_nat LS ?", "wl LS ?"]);
        for release in ["../6.1.0", "", "x"] {
            archive.file("proc/sys/kernel/osrelease", release);
            assert_eq!(look(&archive).0, ["nf_nat LS ?", "wl LS ?"]);
        }
    }

    #[test]
    fn kernels_without_modules_and_what_cannot_be_read() {
        let plain = Memory::new();
        plain.file("proc/1/stat", "").file("sys/module/kernel/parameters/x", "");
        let (modules, coverage) = look(&plain);
        assert_eq!((modules.len(), coverage.absent, coverage.gaps), (0, true, 0));
        let hidden = machine();
        hidden.remove("proc/modules");
        assert_eq!(look(&hidden).1.reason().as_slice(), b"/proc/modules: not found");
        hidden.put("proc/modules", Node::Fails(Fault::Denied));
        assert_eq!(look(&hidden).1.reason().as_slice(), b"/proc/modules: permission denied");
        hidden.file("proc/modules", ROWS).remove("sys");
        assert_eq!(look(&hidden).1.reason().as_slice(), b"/sys/module: it shows no module that was loaded");
        hidden.file("proc/modules", format!("{ROWS}nonsense\n"));
        assert_eq!(look(&hidden).1.gaps, 2);
        let many: String = (0..=MODULES).map(|number| format!("m{number} 1 0 - Live 0x0\n")).collect();
        hidden.file("proc/modules", many);
        assert!(look(&hidden).1.gaps > 0);
    }
}
