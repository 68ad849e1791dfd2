//! Who vouches for a file: the firmware image, a package's list, nobody, or nothing that could. One notion for all.
//!
//! The programs that run are collected first and then held against the lists together, so that each list is read once
//! however many programs there are.

mod lists;

use super::Coverage;
use super::content::Content;
use crate::baseline::Baseline;
use crate::facts::process::Owner;
use crate::facts::text::{Bytes, is_below};
use crate::host::Identity;
use crate::limits::{LATE_PATHS, NAMES, PATH_BYTES, PROGRAM_BYTES, PROGRAMS, RECORDED_BYTES};

/// Where package managers write the files of each package, one list a package, one path a line: opkg, apk of
/// OpenWrt, dpkg. They know everything on the machine.
pub(super) const LISTS: [&[u8]; 3] = [b"usr/lib/opkg/info", b"lib/apk/packages", b"var/lib/dpkg/info"];

/// Entware's: it knows what is below `/opt` only.
const ENTWARE: &[u8] = b"opt/lib/opkg/info";

/// What is known of one program or library, by its path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Who vouches for the path.
    pub owner: Owner,
    /// The file that the path names. `None`: none, or it was not looked at.
    pub identity: Option<Identity>,
    /// A package says that it is the owner's to change.
    pub configuration: bool,
    /// A package brought it after the image was made.
    pub upgraded: bool,
    /// The beginning of the SHA-256 of what was installed there.
    pub recorded: Option<[u8; RECORDED_BYTES]>,
    /// The content was looked at.
    looked: bool,
    /// See [`Content`].
    content: Content,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    end: u32,
    known: Known,
}

/// Programs and libraries by path, and the names under which programs run.
#[derive(Debug)]
pub struct Owners {
    text: heapless::Vec<u8, PROGRAM_BYTES>,
    rows: heapless::Vec<Row, PROGRAMS>,
    /// Number of a row plus one by the hash of its path, the next free place where that is taken; 0 is free.
    slots: [u16; SLOTS],
    /// Lengths of paths by their last byte, a bit each, modulo 64.
    hints: [u64; 256],
    names: heapless::Vec<(u32, u16), NAMES>,
    /// Something says what the whole machine should hold.
    truth: bool,
    /// Lists of packages say what the whole machine should hold.
    listed: bool,
    /// They are Debian's, and nothing else says it.
    debian: bool,
    /// `/lib` is a link to `/usr/lib`.
    merged: bool,
    /// Entware says what `/opt` should hold.
    entware: bool,
    /// Where `/opt` leads, if it is a link: the kernel shows the programs of Entware there.
    opt: Bytes<64>,
    full: bool,
    doubted: bool,
    names_full: bool,
    /// Paths that were asked for beside those that were collected.
    late: u32,
    late_full: bool,
    /// What this device is known to hold.
    baseline: Option<Baseline<'static>>,
}

/// Twice the rows, so that a search is short; a power of two.
const SLOTS: usize = PROGRAMS.saturating_mul(2).next_power_of_two();

impl Owners {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            text: heapless::Vec::new(),
            rows: heapless::Vec::new(),
            slots: [0; SLOTS],
            hints: [0; 256],
            names: heapless::Vec::new(),
            truth: false,
            listed: false,
            debian: false,
            merged: false,
            entware: false,
            opt: Bytes::new(),
            full: false,
            doubted: false,
            names_full: false,
            late: 0,
            late_full: false,
            baseline: None,
        }
    }

    /// Forgets everything. With a baseline, programs and libraries are held against that too.
    pub fn clear(&mut self, baseline: Option<Baseline<'static>>) {
        self.baseline = baseline;
        self.text.clear();
        self.rows.clear();
        self.slots = [0; SLOTS];
        self.hints = [0; 256];
        self.names.clear();
        (self.truth, self.listed, self.debian, self.entware) = (false, false, false, false);
        (self.full, self.names_full, self.doubted) = (false, false, false);
        (self.late, self.late_full) = (0, false);
    }

    /// The slot of a path: the row that it leads to, or where such a row belongs.
    fn slot(&self, path: &[u8]) -> (usize, Option<usize>) {
        let mask = SLOTS.saturating_sub(1);
        let mut at = usize::try_from(fnv(path)).unwrap_or_default() & mask;
        for _ in 0..SLOTS {
            let number = self.slots.get(at).copied().unwrap_or_default();
            let Some(row) = usize::from(number).checked_sub(1) else { return (at, None) };
            if self.path(row) == path {
                return (at, Some(row));
            }
            at = at.saturating_add(1) & mask;
        }
        (at, None)
    }

    /// The path of a row.
    #[must_use]
    pub fn path(&self, row: usize) -> &[u8] {
        let bounds = |at: u32| usize::try_from(at).unwrap_or_default();
        self.rows
            .get(row)
            .and_then(|row| self.text.get(bounds(row.start)..bounds(row.end)))
            .unwrap_or_default()
    }

    /// How many paths there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Adds a path, if it is not there yet, and returns its row. `None`: the table is full.
    pub fn add(&mut self, path: &[u8]) -> Option<usize> {
        let (slot, row) = self.slot(path);
        if row.is_some() {
            return row;
        }
        let added = self.append(slot, path);
        self.full |= added.is_none();
        added
    }

    fn append(&mut self, slot: usize, path: &[u8]) -> Option<usize> {
        let start = u32::try_from(self.text.len()).ok()?;
        let end = start.checked_add(u32::try_from(path.len()).ok()?)?;
        let number = self.rows.len();
        if self.rows.is_full() {
            return None;
        }
        self.text.extend_from_slice(path).ok()?;
        self.rows.push(Row { start, end, known: Known::default() }).ok()?;
        *self.slots.get_mut(slot)? = u16::try_from(number).ok()?.checked_add(1)?;
        if let Some(lengths) = self.hints.get_mut(hint(path)) {
            *lengths |= length_bit(path.len());
        }
        Some(number)
    }

    /// What is known of a row.
    #[must_use]
    pub fn known(&self, row: usize) -> Known {
        self.rows.get(row).map(|row| row.known).unwrap_or_default()
    }

    /// The row of a path that was added.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<usize> {
        self.slot(path).1
    }

    fn set(&mut self, row: usize, change: impl FnOnce(&mut Known)) {
        if let Some(row) = self.rows.get_mut(row) {
            change(&mut row.known);
        }
    }

    /// Notes that a package takes a file for configuration, and what it held when it was installed.
    pub fn configuration(&mut self, row: usize, recorded: Option<[u8; RECORDED_BYTES]>) {
        self.set(row, |known| {
            known.configuration = true;
            known.recorded = known.recorded.or(recorded);
        });
    }

    /// Notes that a package brought a path after the image was made.
    pub fn upgraded(&mut self, path: &[u8]) {
        if let Some(row) = self.find(path) {
            self.set(row, |known| known.upgraded = true);
        }
    }

    /// Whether there are lists of packages.
    #[must_use]
    pub const fn has_lists(&self) -> bool {
        self.listed || self.entware
    }

    /// Whether Debian's lists are all that says what belongs here.
    #[must_use]
    pub const fn is_debian(&self) -> bool {
        self.debian
    }

    /// Whether the lists of packages would have a path if it belonged there.
    #[must_use]
    pub fn knows(&self, path: &[u8]) -> bool {
        let linked = !self.opt.is_empty() && is_below(path, self.opt.as_slice());
        self.listed || self.entware && (linked || path.starts_with(b"/opt/"))
    }

    /// Remembers that a program runs under a name.
    pub fn named(&mut self, row: usize, name: &[u8]) {
        let Ok(row) = u16::try_from(row) else { return };
        let pair = (fnv(name), row);
        if !self.names.contains(&pair) {
            self.names_full |= self.names.push(pair).is_err();
        }
    }

    /// Says which tables were too small for this machine.
    pub fn limits(&self, coverage: &mut Coverage) {
        if self.full {
            coverage
                .gap(b"/proc", format_args!("more than {PROGRAMS} programs; who owns the rest is not known"));
        }
        if self.names_full {
            coverage.gap(
                b"/proc",
                format_args!("programs run under more than {NAMES} names; the rest was not counted"),
            );
        }
        if self.late_full {
            coverage.gap(
                b"/proc",
                format_args!(
                    "more than {LATE_PATHS} libraries and new programs; who owns the rest is not known"
                ),
            );
        }
    }

    /// How many names a program runs under, and how many programs run under a name.
    #[must_use]
    pub fn namesakes(&self, row: Option<usize>, name: &[u8]) -> (u32, u32) {
        let row = row.and_then(|row| u16::try_from(row).ok());
        let hash = fnv(name);
        let count = |wanted: &dyn Fn(&(u32, u16)) -> bool| {
            u32::try_from(self.names.iter().filter(|pair| wanted(pair)).count()).unwrap_or(u32::MAX)
        };
        (count(&|pair| Some(pair.1) == row), count(&|pair| pair.0 == hash))
    }
}

impl Default for Owners {
    fn default() -> Self {
        Self::new()
    }
}

/// A path below a directory.
pub(super) fn below(dir: &[u8], path: &[u8]) -> Bytes<{ PATH_BYTES + 16 }> {
    let mut whole = Bytes::of(dir);
    whole.push(path);
    whole
}

/// A path without the slash in front, as [`Host`] wants it.
#[must_use]
pub fn relative(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

/// Where the hint of a path is: at its last byte.
fn hint(path: &[u8]) -> usize {
    path.last().copied().map_or(0, usize::from)
}

fn length_bit(length: usize) -> u64 {
    1_u64.rotate_left(u32::try_from(length).unwrap_or_default())
}

/// FNV-1a, 32 bits: enough to find a row, whose path is then compared.
pub(super) fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;
    use crate::source::mounts::{self, Mounts};

    fn owners(machine: &Memory, paths: &[&str]) -> (Vec<Owner>, Coverage) {
        let (mut table, mut rows) = (Owners::new(), Mounts::new());
        mounts::read(machine, &mut rows, &mut Coverage::new(), &mut |_| {});
        for path in paths {
            table.add(path.as_bytes()).unwrap();
        }
        let mut coverage = Coverage::new();
        table.resolve(machine, &rows, 0, &mut coverage);
        let of = |path: &&str| table.known(table.find(path.as_bytes()).unwrap()).owner;
        (paths.iter().map(of).collect(), coverage)
    }

    use Owner::{Firmware, Nobody, Package, Unknown};

    #[test]
    fn an_image_below_an_overlay() {
        let machine = Memory::new();
        machine
            .file("rom/etc/banner", "")
            .file("rom/sbin/procd", "")
            .file("rom/usr/sbin/dropbear", "")
            .file("overlay/upper/usr/sbin/dropbear", "other")
            .file("usr/lib/opkg/info/htop.list", "/usr/bin/htop\n");
        let paths = ["/sbin/procd", "/usr/sbin/dropbear", "/usr/bin/htop", "/usr/bin/.x"];
        assert_eq!(owners(&machine, &paths).0, [Firmware, Nobody, Package, Nobody]);
        machine.file("usr/lib/opkg/info/dropbear.list", "/usr/sbin/dropbear\n");
        assert_eq!(owners(&machine, &paths).0[1], Package, "an upgrade");
    }

    #[test]
    fn a_vendors_image_and_what_lies_beside_it() {
        let machine = Memory::new();
        machine.file(
            "proc/self/mountinfo",
            "1 0 31:3 / / ro - squashfs /dev/mtdblock3 ro\n2 1 31:5 / /jffs rw - jffs2 /dev/mtdblock5 rw\n\
             3 1 7:0 / /usr/x ro - squashfs /dev/loop0 ro\n",
        );
        let paths = ["/usr/sbin/httpd", "/jffs/bot", "/usr/x/bot"];
        assert_eq!(owners(&machine, &paths).0, [Firmware, Nobody, Nobody]);
    }

    #[test]
    fn an_image_or_a_package_vouches_for_no_other_file() {
        // A directory that somebody made, and a file that is mounted over another.
        let machine = Memory::new();
        machine
            .file(
                "proc/self/mountinfo",
                "1 0 8:1 / / rw - ext4 /dev/root rw\n2 1 8:1 /evil /usr/bin/a\\040b rw - ext4 /dev/root rw\n",
            )
            .file("rom/etc/banner", "")
            .file("rom/usr/sbin/evild", "")
            .file("var/lib/dpkg/info/x.list", "/usr/bin/a b\n/usr/bin/c\n");
        assert_eq!(
            owners(&machine, &["/usr/sbin/evild", "/usr/bin/a b", "/usr/bin/c"]).0,
            [Nobody, Nobody, Package]
        );
        // An empty list says nothing.
        let empty = Memory::new();
        empty.file("var/lib/dpkg/info/x.list", "");
        assert_eq!(owners(&empty, &["/usr/bin/c"]).0, [Unknown]);
    }

    #[test]
    fn lists_of_the_package_managers() {
        let machine = Memory::new();
        machine
            .file("var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/sh\n/bin/dash\n")
            .file("lib/apk/packages/x.list", "usr/bin/x\n")
            .file("lib/apk/packages/x.conffiles", "/usr/bin/conf\n");
        let paths = ["/usr/bin/dash", "/bin/dash", "/usr/bin/x", "/usr/bin/conf", "/bin"];
        assert_eq!(owners(&machine, &paths).0, [Package, Package, Package, Nobody, Package]);
    }

    #[test]
    fn entware_knows_opt_and_nothing_else() {
        let machine = Memory::new();
        machine.file("opt/lib/opkg/info/nano.list", "/opt/bin/nano\n");
        let (found, coverage) = owners(&machine, &["/opt/bin/nano", "/opt/bin/x", "/usr/sbin/httpd"]);
        assert_eq!(found, [Package, Nobody, Unknown]);
        assert!(!coverage.absent);
        machine.link("opt", "/tmp/opt").link("tmp/opt", "/tmp/mnt/sda1/entware");
        let paths = ["/tmp/mnt/sda1/entware/bin/nano", "/tmp/mnt/sda1/entware/bin/x", "/tmp/mnt/sda1/x"];
        assert_eq!(owners(&machine, &paths).0, [Package, Nobody, Unknown]);
    }

    #[test]
    fn where_nothing_says_what_belongs_nobody_denies_it() {
        let (found, coverage) = owners(&Memory::new(), &["/usr/sbin/x"]);
        assert_eq!(found, [Unknown]);
        assert!(coverage.absent);
    }

    #[test]
    fn more_programs_than_the_table_holds_are_said() {
        let mut table = Owners::new();
        let all: Vec<String> = (0..=PROGRAMS).map(|number| format!("/usr/bin/{number}")).collect();
        let added = all.iter().filter(|path| table.add(path.as_bytes()).is_some()).count();
        assert_eq!(added, PROGRAMS);
        assert!(all[..PROGRAMS].iter().all(|path| table.find(path.as_bytes()).is_some()));
        let gaps = |table: &Owners| {
            let mut coverage = Coverage::new();
            table.limits(&mut coverage);
            coverage.gaps
        };
        assert_eq!(gaps(&table), 1);
        for number in 0..NAMES {
            table.named(0, number.to_string().as_bytes());
        }
        assert_eq!(gaps(&table), 1, "as many names as fit");
        table.named(0, b"one more");
        assert_eq!(gaps(&table), 2);
    }

    #[test]
    fn lists_are_read_for_so_many_late_paths_and_no_more() {
        let machine = Memory::new();
        machine.file("usr/lib/opkg/info/x.list", "/usr/lib/a.so\n").file("usr/lib/a.so", "");
        let (mut table, mounts) = (Owners::new(), Mounts::new());
        let gaps = |table: &Owners| {
            let mut coverage = Coverage::new();
            table.limits(&mut coverage);
            coverage.gaps
        };
        let of = |table: &mut Owners, path: &str| table.of(&machine, &mounts, path.as_bytes());
        let known = of(&mut table, "/usr/lib/a.so").unwrap();
        assert_eq!(table.known(known).owner, Package);
        for number in 1..LATE_PATHS {
            assert!(of(&mut table, &format!("/usr/lib/{number}.so")).is_some());
        }
        assert_eq!(gaps(&table), 0);
        assert_eq!(of(&mut table, "/usr/lib/evil.so"), None);
        assert_eq!((of(&mut table, "/usr/lib/a.so"), gaps(&table)), (Some(known), 1));
        table.clear(None);
        assert!(of(&mut table, "/usr/lib/evil.so").is_some(), "another scan");
    }

    #[test]
    fn names_of_programs_and_programs_of_names() {
        let mut table = Owners::new();
        let (bot, shell) = (table.add(b"/tmp/bot").unwrap(), table.add(b"/bin/busybox").unwrap());
        for (row, name) in [(bot, b"sshd"), (bot, b"sshd"), (bot, b"xqzt"), (shell, b"sshd")] {
            table.named(row, name);
        }
        assert_eq!(table.namesakes(Some(bot), b"sshd"), (2, 2));
        assert_eq!(table.namesakes(None, b"nobody"), (0, 0));
    }
}
