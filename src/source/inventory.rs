//! What a baseline holds of the file system: startup files, programs and libraries, and the links among them.

use embedded_io::Read;

use super::places::{PLACES, counts, is_open};
use super::{Coverage, hash};
use crate::baseline::{FileValue, layout::DIGEST_LEN};
use crate::facts::place::{Place, place};
use crate::facts::startup_file::Hand;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{PATH_BYTES, TREE_DEPTH, TREE_NAMES};

/// Which files of a directory count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// All, and they are started.
    Startup,
    /// All: there is nothing but programs, and whatever lies there can be run by its name.
    Programs,
    /// Those that hold code: there are data too.
    Code,
}

/// Directories of programs and libraries: hier(7), OpenWrt, Entware, vendors.
const TREES: [(&[u8], Sort); 19] = [
    (b"bin", Sort::Programs),
    (b"sbin", Sort::Programs),
    (b"usr/bin", Sort::Programs),
    (b"usr/sbin", Sort::Programs),
    (b"usr/libexec", Sort::Programs),
    (b"usr/local/bin", Sort::Programs),
    (b"usr/local/sbin", Sort::Programs),
    (b"opt/bin", Sort::Programs),
    (b"opt/sbin", Sort::Programs),
    (b"userfs/bin", Sort::Programs),
    (b"www/cgi-bin", Sort::Programs),
    (b"lib", Sort::Code),
    (b"lib32", Sort::Code),
    (b"lib64", Sort::Code),
    (b"usr/lib", Sort::Code),
    (b"usr/lib32", Sort::Code),
    (b"usr/lib64", Sort::Code),
    (b"usr/local/lib", Sort::Code),
    (b"opt/lib", Sort::Code),
];

/// Programs in the root itself: what the kernel starts first (init/main.c `kernel_init`, initramfs).
const ROOT: [&[u8]; 2] = [b"init", b"linuxrc"];

/// Endings of files that interpreters run or load without an x bit: shell, Lua and ucode of OpenWrt's own services and
/// pages, kernel modules in compressed form.
const SCRIPTS: [&[u8]; 6] = [b".sh", b".lua", b".uc", b".ko.gz", b".ko.xz", b".ko.zst"];

/// Whether a baseline of this machine would hold a program or startup file of this path.
#[must_use]
pub fn covers(path: &[u8]) -> bool {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let below = |dir: &[u8]| path.strip_prefix(dir).is_some_and(|rest| rest.first() == Some(&b'/'));
    TREES.iter().any(|(dir, _)| below(dir))
        || super::places::of(path).is_some_and(|place| place.hand != Hand::Generated)
}

/// Whether a file is run once and then removed by whoever ran it, so that nobody misses it.
#[must_use]
pub fn is_run_once(path: &[u8]) -> bool {
    super::places::of(path.strip_prefix(b"/").unwrap_or(path)).is_some_and(|place| place.hand == Hand::Once)
}

/// Who a file of a user belongs to on the machine: of a tree that an ordinary user has unpacked or built all files are his,
/// and will be root's.
#[must_use]
pub fn owner<H: Host>(host: &H, uid: u32) -> u32 {
    let root = || host.dir(b"").and_then(|dir| host.kind_at(&dir, b"."));
    match (host.about().live, uid) {
        (true, _) | (false, 0) => uid,
        (false, _) if matches!(root(), Ok(Kind::Dir(root)) if root.uid == uid) => 0,
        (false, _) => uid,
    }
}

/// A walk over all that a baseline holds of the file system. Nothing is reached through a link: what it leads to has a
/// path of its own, or is not part of the system.
pub struct Walk<'a, H: Host> {
    /// The machine.
    host: &'a H,
    /// How much was seen.
    coverage: &'a mut Coverage,
    /// Takes path and value.
    each: &'a mut dyn FnMut(&[u8], FileValue<'_>),
    /// Names that may still be looked at.
    left: u32,
    /// Directories and names that were not looked at, so that nothing is known of what is there.
    missed: u32,
}

impl<'a, H: Host> Walk<'a, H> {
    /// A walk that has not begun.
    pub fn new(
        host: &'a H,
        coverage: &'a mut Coverage,
        each: &'a mut dyn FnMut(&[u8], FileValue<'_>),
    ) -> Self {
        Self { host, coverage, each, left: TREE_NAMES, missed: 0 }
    }

    /// Looks everywhere. Returns how many directories and names could not be looked at.
    pub fn run(mut self) -> u32 {
        for place in PLACES.iter().filter(|place| place.hand != Hand::Generated) {
            self.tree(place.dir, place.names, Sort::Startup);
        }
        self.tree(b"", &ROOT, Sort::Programs);
        for (dir, sort) in TREES {
            self.tree(dir, &[], sort);
        }
        if self.left == 0 {
            self.miss(b"/", format_args!("more than {TREE_NAMES} files"));
        }
        self.missed
    }

    fn miss(&mut self, path: &[u8], what: core::fmt::Arguments<'_>) {
        self.missed = self.missed.saturating_add(1);
        self.coverage.gap(path, what);
    }

    /// Enters a directory by its path. A link on the way is held itself.
    fn tree(&mut self, whole: &[u8], names: &[&[u8]], sort: Sort) {
        let host = self.host;
        let mut path = Bytes::<PATH_BYTES>::new();
        let mut dir = match host.dir(b"") {
            Ok(dir) => dir,
            Err(fault) => return self.miss(b"/", format_args!("{fault}")),
        };
        for part in whole.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
            path.push(b"/");
            path.push(part);
            // What is there is made at boot.
            if place(path.as_slice()) == Place::Volatile {
                return;
            }
            match host.kind_at(&dir, part).and_then(|kind| match kind {
                Kind::Dir(_) => host.dir_at(&dir, part).map(Some),
                _ => Ok(None),
            }) {
                Ok(Some(inner)) => dir = inner,
                Ok(None) => return self.name(&dir, part, &mut path, sort, 0),
                Err(fault) => return self.fault(path.as_slice(), fault),
            }
        }
        if names.is_empty() {
            self.directory(&dir, &mut path, sort, 0);
        } else if is_open(names) {
            let listed = host.list(&dir, &mut |name| {
                if counts(names, name) {
                    self.below(&dir, name, &mut path, sort, 0);
                }
            });
            if let Err(fault) = listed {
                self.fault(path.as_slice(), fault);
            }
        } else {
            names.iter().for_each(|name| self.below(&dir, name, &mut path, sort, 0));
        }
    }

    fn fault(&mut self, path: &[u8], fault: Fault) {
        if !fault.is_absence() {
            self.miss(path, format_args!("{fault}"));
        }
    }

    fn directory(&mut self, dir: &H::Dir, path: &mut Bytes<PATH_BYTES>, sort: Sort, depth: u32) {
        let host = self.host;
        let listed = host.list(dir, &mut |name| {
            if let Some(left) = self.left.checked_sub(1) {
                self.left = left;
                self.below(dir, name, path, sort, depth);
            }
        });
        if let Err(fault) = listed {
            self.fault(path.as_slice(), fault);
        }
    }

    /// A name in a directory, whose path is longer than the directory's meanwhile.
    fn below(&mut self, dir: &H::Dir, name: &[u8], path: &mut Bytes<PATH_BYTES>, sort: Sort, depth: u32) {
        let length = path.as_slice().len();
        if length.saturating_add(name.len()) >= PATH_BYTES {
            return self.miss(path.as_slice(), format_args!("{}", Fault::TooLong));
        }
        path.push(b"/");
        path.push(name);
        self.name(dir, name, path, sort, depth);
        path.truncate(length);
    }

    fn name(&mut self, dir: &H::Dir, name: &[u8], path: &mut Bytes<PATH_BYTES>, sort: Sort, depth: u32) {
        let host = self.host;
        let startup = sort == Sort::Startup;
        match host.kind_at(dir, name) {
            Ok(Kind::File(identity)) => self.file(dir, name, path.as_slice(), &identity, sort),
            Ok(Kind::Link) => {
                let mut target = Bytes::<PATH_BYTES>::new();
                match target.fill(|into| host.link_at(dir, name, into)) {
                    Ok(()) => self.tell(path.as_slice(), FileValue::link(startup, target.as_slice())),
                    Err(fault) => self.fault(path.as_slice(), fault),
                }
            }
            Ok(Kind::Dir(_)) if depth >= TREE_DEPTH => {
                let what =
                    format_args!("what lies more than {TREE_DEPTH} directories deep was not looked at");
                self.miss(path.as_slice(), what);
            }
            Ok(Kind::Dir(_)) => match host.dir_at(dir, name) {
                Ok(inner) => self.directory(&inner, path, sort, depth.saturating_add(1)),
                Err(fault) => self.fault(path.as_slice(), fault),
            },
            Ok(Kind::Other) => self.tell(path.as_slice(), FileValue::other(startup)),
            Err(fault) => self.fault(path.as_slice(), fault),
        }
    }

    fn file(&mut self, dir: &H::Dir, name: &[u8], path: &[u8], identity: &Identity, sort: Sort) {
        let host = self.host;
        if sort == Sort::Code && !is_code(host, dir, name, identity) {
            return;
        }
        let digest = host.file_at(dir, name).and_then(|mut file| hash::sha256(&mut file, identity.size));
        let digest = match &digest {
            Ok(digest) => digest.get(..DIGEST_LEN).unwrap_or_default(),
            Err(fault) if fault.is_absence() => return,
            Err(Fault::Large) => {
                self.coverage.gap(path, format_args!("too large to be hashed"));
                b""
            }
            Err(fault) => {
                self.coverage.gap(path, format_args!("{fault}"));
                b""
            }
        };
        let value = FileValue::file(sort == Sort::Startup, identity.mode, owner(host, identity.uid), digest);
        self.tell(path, value);
    }

    fn tell(&mut self, path: &[u8], value: FileValue<'_>) {
        self.coverage.fact();
        (self.each)(path, value);
    }
}

/// Whether a file among data holds code: it can be executed, is named like a script, or begins as a program, library,
/// kernel module or script does.
fn is_code<H: Host>(host: &H, dir: &H::Dir, name: &[u8], identity: &Identity) -> bool {
    if identity.mode & 0o111 != 0 || SCRIPTS.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    // One that cannot be read may be one.
    let Ok(mut file) = host.file_at(dir, name) else { return true };
    let mut head = [0_u8; 4];
    let length = file.read(&mut head).unwrap_or_default();
    let head = head.get(..length).unwrap_or_default();
    head.starts_with(b"#!") || head == b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::{Memory, Node};
    use std::collections::BTreeMap;

    type Found = BTreeMap<String, (bool, String)>;

    fn walk(machine: &Memory) -> (Found, Coverage, u32) {
        let (mut found, mut coverage) = (Found::new(), Coverage::new());
        let missed = Walk::new(machine, &mut coverage, &mut |path, value| {
            let rest = if value.is_link() {
                String::from_utf8(value.rest.to_vec()).unwrap()
            } else {
                format!("{} {:o} {}", value.words(), value.rights(), value.rest.len())
            };
            let path = String::from_utf8(path.to_vec()).unwrap();
            // A startup file may be met again as a script among libraries.
            let known = found.get(&path).is_some_and(|(startup, _)| *startup);
            found.insert(path, (value.startup || known, rest));
        })
        .run();
        (found, coverage, missed)
    }

    #[test]
    fn what_is_held_and_what_not() {
        let machine = Memory::new();
        for path in [
            "etc/init.d/boot",
            "etc/hotplug.d/iface/10-x",
            "etc/config/network",
            "etc/passwd",
            "etc/rc.local",
            "bin/busybox",
            "usr/bin/script",
            "usr/lib/lua/x.lua",
            "lib/preinit/10_x.sh",
            "www/cgi-bin/luci",
            "www/index.html",
            "tmp/.rc_startup",
            "run/systemd/system/x.service",
            "tmp/bot",
            "proc/1/exe",
        ] {
            machine.file(path, "x").mode(path, 0o100_644);
        }
        machine.file("lib/libc.so", "\x7fELF").file("lib/x.txt", "text").mode("lib/x.txt", 0o100_644);
        machine.file("usr/lib/tool", "x").mode("usr/lib/tool", 0o104_755);
        machine.file("usr/lib/s", "#!/bin/sh").mode("usr/lib/s", 0o100_644);
        machine.link("etc/rc.d/S10boot", "../init.d/boot").link("bin/sh", "busybox").link("sbin", "usr/sbin");
        machine.link("usr/lib/libx.so", "libx.so.1").put("usr/bin/fifo", Node::Fails(Fault::Fifo));
        machine.file("usr/sbin/x", "x");
        let (found, coverage, missed) = walk(&machine);
        let startup = |path: &str| found.get(path).map(|(startup, _)| *startup);
        for path in ["/etc/init.d/boot", "/etc/hotplug.d/iface/10-x", "/etc/rc.local", "/etc/rc.d/S10boot"] {
            assert_eq!(startup(path), Some(true), "{path}");
        }
        assert_eq!(startup("/lib/preinit/10_x.sh"), Some(true));
        for path in
            ["/bin/busybox", "/bin/sh", "/usr/sbin/x", "/lib/libc.so", "/usr/lib/s", "/usr/lib/lua/x.lua"]
        {
            assert_eq!(startup(path), Some(false), "{path}");
        }
        assert_eq!(found.len(), 17, "{found:#?}");
        assert_eq!(found["/sbin"].1, "usr/sbin", "a link on the way is held and not followed");
        assert_eq!(found["/usr/lib/tool"].1, "a file 4755 16");
        assert_eq!(found["/usr/bin/fifo"].1, "neither file nor link 0 0");
        assert_eq!((coverage.gaps, missed), (0, 0));
        for path in found.keys() {
            assert!(covers(path.as_bytes()) || path == "/sbin", "{path}");
        }
        for path in ["/etc/passwd", "/tmp/bot", "/run/systemd/system/x.service", "/www/index.html", "/bin"] {
            assert!(!covers(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let machine = Memory::new();
        machine.put("bin/secret", Node::Fails(Fault::Denied)).file("bin/x", "x");
        let (found, coverage, missed) = walk(&machine);
        assert_eq!(found.len(), 1);
        assert_eq!((coverage.gaps, missed), (1, 1));
        assert_eq!(coverage.reason().as_slice(), b"/bin/secret: permission denied");
    }

    #[test]
    fn depth_and_number_have_an_end() {
        let deep = Memory::new();
        deep.file(&format!("bin/{}x", "d/".repeat(20)), "x");
        let (found, coverage, missed) = walk(&deep);
        assert_eq!((found.len(), coverage.gaps, missed), (0, 1, 1));
        let many = Memory::new();
        for number in 0..TREE_NAMES + 10 {
            many.file(&format!("bin/{number}"), "");
        }
        let (found, coverage, missed) = walk(&many);
        assert_eq!(found.len(), usize::try_from(TREE_NAMES).unwrap());
        assert_eq!((coverage.gaps, missed), (1, 1));
        let long = Memory::new();
        let names = vec!["n".repeat(250); 20].join("/");
        long.file("bin/x", "").file(&format!("usr/bin/{names}"), "x");
        assert_eq!(walk(&long).2, 1);
    }
}
