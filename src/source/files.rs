//! Files that lie where a healthy router keeps no programs, what `/etc/ld.so.preload` names, and paths of indicators.

use super::content::header;
use super::entries::entries;
use super::mounts::Mounts;
use super::owner::{Owners, relative};
use super::{Coverage, hash, proc, rows_within};
use crate::facts::environ::libraries;
use crate::facts::file::{File, Role};
use crate::facts::place::place;
use crate::facts::startup::Line;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{DROP_DEPTH, DROP_NAMES, PATH_BYTES, PRELOADED, SMALL_FILE_BYTES, STARTUP_PROGRAMS};

/// Where the walk begins. `/var/run` and `/var/tmp` are most often links to the others.
const PLACES: [&[u8]; 7] = [b"tmp", b"var/tmp", b"dev/shm", b"dev", b"run", b"var/run", b"var/lock"];

/// Looks for programs in volatile places.
pub struct Drops<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// `e_machine` of this machine's own programs.
    pub machine: Option<u16>,
    /// Our own program.
    pub own: Option<Identity>,
    /// Takes the files.
    each: &'a mut dyn FnMut(&File<'_>),
    /// Something lies too deep.
    deep: bool,
}

/// A directory on the way.
#[derive(Clone, Copy)]
struct Level {
    depth: u32,
    /// The file system of the place: another one below it is somebody's disk, or a container's.
    device: u64,
    in_system: bool,
}

impl<'a, H: Host> Drops<'a, H> {
    /// A walk that has not begun.
    pub fn new(
        host: &'a H,
        mounts: &'a Mounts,
        coverage: &'a mut Coverage,
        each: &'a mut dyn FnMut(&File<'_>),
    ) -> Self {
        let own =
            host.file(b"proc/self/exe").ok().filter(|_| host.about().live).map(|(_, identity)| identity);
        Self { host, mounts, coverage, machine: machine(host), own, each, deep: false }
    }

    /// Looks everywhere.
    pub fn run(&mut self) {
        let mut seen = heapless::Vec::<(u64, u64), 16>::new();
        let (mut any, mut left) = (false, DROP_NAMES);
        for name in PLACES {
            any |= self.place(name, &mut left, &mut seen);
        }
        // What else lives in memory inside of such a place: /run/lock, /run/user/0.
        let mounts = self.mounts;
        for (point, below) in mounts.iter() {
            if below.memory && place(point).is_odd() {
                any |= self.place(relative(point), &mut left, &mut seen);
            }
        }
        if left == 0 {
            self.coverage.gap(b"/tmp", format_args!("more than {DROP_NAMES} files lie in volatile places"));
        }
        if self.deep {
            let what = format_args!("what lies more than {DROP_DEPTH} directories deep was not looked at");
            self.coverage.gap(b"/tmp", what);
        }
        if !any && self.coverage.gaps == 0 {
            self.coverage.absent = true;
        }
    }

    fn place(&mut self, name: &[u8], left: &mut u32, seen: &mut heapless::Vec<(u64, u64), 16>) -> bool {
        let dir = match self.host.dir(name) {
            Ok(dir) => dir,
            // A file that is mounted there, as containers have /dev/null, is seen with the directory around it.
            Err(Fault::NotFound | Fault::NotDirectory) => return false,
            Err(fault) => {
                self.coverage.gap(name, format_args!("{fault}"));
                return false;
            }
        };
        let Ok(Kind::Dir(identity)) = self.host.kind_at(&dir, b".") else { return false };
        let key = (identity.device, identity.inode);
        if seen.contains(&key) {
            return true;
        }
        let _ = seen.push(key);
        self.coverage.fact();
        let mut path = Bytes::<PATH_BYTES>::of(b"/");
        path.push(name);
        let level = Level { depth: 0, device: identity.device, in_system: false };
        self.directory(&dir, &mut path, left, level);
        true
    }

    fn directory(&mut self, dir: &H::Dir, path: &mut Bytes<PATH_BYTES>, left: &mut u32, mut level: Level) {
        let host = self.host;
        let system = [&b"etc"[..], b"bin"].iter().all(|name| host.kind_at(dir, name).is_ok());
        level.in_system |= system && level.depth > 0;
        let listed = entries(host, dir, path, left, &mut |name, path, left| {
            self.name(dir, name, path, left, level);
        });
        if let Err(fault) = listed {
            self.coverage.gap(path.as_slice(), format_args!("{fault}"));
        }
    }

    fn name(
        &mut self,
        dir: &H::Dir,
        name: &[u8],
        path: &mut Bytes<PATH_BYTES>,
        left: &mut u32,
        level: Level,
    ) {
        let host = self.host;
        match host.kind_at(dir, name) {
            Ok(Kind::File(identity)) => {
                self.coverage.fact();
                // An ELF header has 52 bytes at least.
                if identity.size < 52 && !is_setuid(identity.mode) {
                    return;
                }
                let mut file = match host.file_at(dir, name) {
                    Ok(file) => file,
                    Err(fault) if fault.is_absence() => return,
                    Err(fault) => return self.coverage.gap(path.as_slice(), format_args!("{fault}")),
                };
                let elf = header(&mut file);
                if elf.is_none() && !is_setuid(identity.mode) {
                    return;
                }
                let foreign =
                    elf.is_some_and(|elf| self.machine.is_some_and(|own| !same_machine(own, elf.machine)));
                (self.each)(&File {
                    path: path.as_slice(),
                    role: Role::Dropped { in_system: level.in_system, foreign },
                    mode: identity.mode,
                    uid: identity.uid,
                    elf,
                    sha256: None,
                    own: self.own.is_some_and(|own| own.is(&identity)),
                    by: b"",
                    line: 0,
                });
            }
            Ok(Kind::Dir(identity)) if identity.device == level.device => {
                if level.depth >= DROP_DEPTH {
                    self.deep = true;
                } else if let Ok(inner) = host.dir_at(dir, name) {
                    let depth = level.depth.saturating_add(1);
                    self.directory(&inner, path, left, Level { depth, ..level });
                }
            }
            _ => {}
        }
    }
}

/// Whether anybody can run a file with the rights of its owner or group (inode(7)). Without the right to be run the bit of
/// the group means something else: mandatory locks.
const fn is_setuid(mode: u32) -> bool {
    mode & 0o6000 != 0 && mode & 0o111 != 0
}

/// The machine that this one's own programs are made for: that of its first process or of its shell.
fn machine<H: Host>(host: &H) -> Option<u16> {
    [&b"proc/self/exe"[..], b"proc/1/exe", b"bin/busybox", b"bin/sh", b"sbin/init"].iter().find_map(|path| {
        let (mut file, _) = host.file(path).ok()?;
        header(&mut file).map(|elf| elf.machine)
    })
}

/// A 64-bit processor runs the programs of its 32-bit forerunner: x86-64 those of x86, AArch64 those of ARM.
fn same_machine(own: u16, other: u16) -> bool {
    let family = |machine: u16| match machine {
        62 => 3,
        183 => 40,
        21 => 20,
        other => other,
    };
    family(own) == family(other)
}

/// Hands every library that `/etc/ld.so.preload` names to `each`.
pub fn preload<H: Host>(
    host: &H,
    owners: &mut Owners,
    mounts: &Mounts,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&File<'_>),
) {
    const PATH: &[u8] = b"/etc/ld.so.preload";
    let mut file = match host.file(relative(PATH)) {
        Ok((file, _)) => file,
        // That there is none is what a healthy machine looks like.
        Err(Fault::NotFound) => return coverage.fact(),
        Err(fault) => return coverage.gap(PATH, format_args!("{fault}")),
    };
    let mut line = 0_u32;
    let mut cut = false;
    let mut left_of = PRELOADED;
    let read = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        line = line.saturating_add(1);
        cut |= row.is_none();
        // glibc takes a # for the beginning of a comment (elf/rtld.c `handle_preload_list` and its reader).
        let row = row.unwrap_or_default();
        let row = row.split(|b| *b == b'#').next().unwrap_or_default();
        for name in libraries(row) {
            let Some(left) = left_of.checked_sub(1) else {
                cut = true;
                return;
            };
            left_of = left;
            let library = proc::library(host, owners, mounts, name);
            let identity = host.file(relative(name)).map(|(_, identity)| identity).unwrap_or_default();
            each(&File {
                path: name,
                role: Role::Preload(library, line),
                mode: identity.mode,
                uid: identity.uid,
                elf: None,
                sha256: None,
                own: false,
                by: PATH,
                line,
            });
        }
    });
    coverage.fact();
    if let Err(fault) = read {
        coverage.gap(PATH, format_args!("{fault}"));
    }
    if cut {
        coverage.gap(PATH, format_args!("a line is too long, or there are more than {PRELOADED} libraries"));
    }
}

/// Looks whether something is at a path.
pub fn listed<H: Host>(host: &H, path: &[u8], coverage: &mut Coverage, each: &mut dyn FnMut(&File<'_>)) {
    let found = match host.file(relative(path)) {
        Ok((_, identity)) => Some(identity),
        Err(Fault::Directory | Fault::Fifo | Fault::Socket | Fault::Device) => Some(Identity::default()),
        Err(Fault::Denied) => return coverage.gap(path, format_args!("{}", Fault::Denied)),
        Err(_) => None,
    };
    coverage.fact();
    if let Some(identity) = found {
        each(&File { mode: identity.mode, uid: identity.uid, ..File::listed(path) });
    }
}

/// Looks at the programs that startup files run, where their hash is of use to somebody.
pub struct Started {
    wanted: bool,
    /// Device and inode of those that were looked at: many lines run the same few.
    seen: heapless::Vec<(u64, u64), STARTUP_PROGRAMS>,
    /// Programs that could not be hashed, and those for which there was no room.
    pub missed: u32,
}

impl Started {
    /// Looks at none unless `wanted`.
    #[must_use]
    pub const fn new(wanted: bool) -> Self {
        Self { wanted, seen: heapless::Vec::new(), missed: 0 }
    }

    /// Hands every program that a line runs by its path to `each`.
    pub fn of<H: Host>(&mut self, host: &H, line: &Line<'_>, each: &mut dyn FnMut(&File<'_>)) {
        if !self.wanted {
            return;
        }
        for (command, _) in line.commands.iter() {
            let Some(path) = line.commands.program(command).next().filter(|path| path.first() == Some(&b'/'))
            else {
                continue;
            };
            let (mut file, identity) = match host.file(relative(path)) {
                Ok(opened) => opened,
                Err(fault) => {
                    self.missed = self.missed.saturating_add(u32::from(matches!(fault, Fault::Denied)));
                    continue;
                }
            };
            let key = (identity.device, identity.inode);
            if self.seen.contains(&key) {
                continue;
            }
            let sha256 = self.seen.push(key).ok().and_then(|()| hash::sha256(&mut file, identity.size).ok());
            self.missed = self.missed.saturating_add(u32::from(sha256.is_none()));
            each(&File {
                path,
                role: Role::Startup,
                mode: identity.mode,
                uid: identity.uid,
                elf: None,
                sha256,
                own: false,
                by: line.file,
                line: line.number,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::facts::commands::Commands;
    use crate::facts::elf::tests::head as elf;
    use crate::facts::process::Owner;
    use crate::facts::startup;
    use crate::host::memory::{Memory, Node};

    fn mips() -> Vec<u8> {
        elf(32, Endian::Big, 8, &[1, 1], 20)
    }

    fn drops(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        let mut each = |file: &File<'_>| {
            let Role::Dropped { in_system, foreign } = file.role else { panic!() };
            let mut words = vec![String::from_utf8_lossy(file.path).into_owned()];
            for (word, is) in [("setuid", file.is_setuid()), ("system", in_system), ("foreign", foreign)] {
                words.extend(is.then(|| word.to_owned()));
            }
            found.push(words.join(" "));
        };
        Drops::new(machine, &Mounts::new(), &mut coverage, &mut each).run();
        found.sort();
        (found, coverage)
    }

    #[test]
    fn programs_in_volatile_places() {
        let machine = Memory::new();
        let arm = elf(32, Endian::Little, 40, &[1, 1], 20);
        machine
            .file("bin/busybox", mips())
            .file("tmp/a/b/c/x", mips())
            .file("dev/.x/arm", &arm)
            .file("var/run/su", mips())
            .mode("var/run/su", 0o104_755)
            .file("tmp/notes", [b'x'; 200])
            .file("tmp/.s", "#!/bin/sh\n")
            .mode("tmp/.s", 0o104_755)
            .file("tmp/locked", [b'x'; 200])
            .mode("tmp/locked", 0o102_644)
            .file("tmp/short", b"\x7fELF")
            .file("usr/bin/y", mips())
            .file("tmp/root/etc/passwd", "")
            .file("tmp/root/bin/sh", mips())
            .link("tmp/link", "/bin/busybox")
            .put("tmp/pipe", Node::Fails(Fault::Fifo));
        let (found, coverage) = drops(&machine);
        assert_eq!(
            found,
            [
                "/dev/.x/arm foreign",
                "/tmp/.s setuid",
                "/tmp/a/b/c/x",
                "/tmp/root/bin/sh system",
                "/var/run/su setuid"
            ]
        );
        assert_eq!(coverage.gaps, 0);
    }

    #[test]
    fn what_lies_too_deep_is_said() {
        let machine = Memory::new();
        let deep = |levels: u32| (0..levels).fold("tmp".to_owned(), |path, _| path + "/d") + "/x";
        machine.file(&deep(DROP_DEPTH), mips());
        let (found, coverage) = drops(&machine);
        assert_eq!((found.len(), coverage.gaps), (1, 0));
        machine.file(&deep(DROP_DEPTH + 1), mips());
        let (found, coverage) = drops(&machine);
        assert_eq!((found.len(), coverage.gaps), (1, 1));
    }

    #[test]
    fn a_flood_of_names_has_an_end_that_is_said() {
        let machine = Memory::new();
        for number in 0..=DROP_NAMES {
            machine.file(&format!("tmp/{number}"), "");
        }
        assert_eq!(drops(&machine).1.gaps, 1);
        assert!(drops(&Memory::new()).1.absent);
    }

    #[test]
    fn a_program_of_many_lines_is_hashed_once_and_one_too_many_is_said() {
        let machine = Memory::new();
        for number in 0..=STARTUP_PROGRAMS {
            machine.file(&format!("bin/{number}"), "x");
        }
        let mut commands = Commands::new();
        let (mut started, mut hashed) = (Started::new(true), 0);
        for number in [0, 0].into_iter().chain(0..=STARTUP_PROGRAMS) {
            let text = format!("/bin/{number} -a");
            commands.parse(text.as_bytes());
            let line = Line {
                file: b"/etc/rc.local",
                number: 1,
                kind: startup::Kind::Text,
                text: text.as_bytes(),
                commands: &commands,
                joined: crate::facts::memory::Joined::default(),
                in_image: None,
                nobody: false,
                standing: crate::facts::origin::Standing::Unknown,
            };
            started.of(&machine, &line, &mut |file| hashed += u32::from(file.sha256.is_some()));
        }
        assert_eq!((hashed, started.missed), (u32::try_from(STARTUP_PROGRAMS).unwrap(), 1));
    }

    #[test]
    fn what_the_loader_is_told_to_bring_along() {
        let machine = Memory::new();
        let found = |machine: &Memory| {
            let (mut found, mut coverage) = (Vec::new(), Coverage::new());
            preload(machine, &mut Owners::new(), &Mounts::new(), &mut coverage, &mut |file| {
                let Role::Preload(library, line) = file.role else { panic!() };
                found.push((String::from_utf8_lossy(file.path).into_owned(), line, library));
            });
            assert_eq!((coverage.facts, coverage.gaps), (1, 0));
            found
        };
        assert!(found(&machine).is_empty(), "there is none");
        machine.file("etc/ld.so.preload", "# none\n  \n");
        assert!(found(&machine).is_empty(), "it names none");
        machine
            .file("var/lib/dpkg/info/x.list", "/usr/lib/libgood.so\n")
            .file("usr/lib/libgood.so", "")
            .file("lib/evil.so", "")
            .file("etc/ld.so.preload", "libgood.so /lib/evil.so\n/tmp/x.so # gone");
        let library = |owner, odd, exists| crate::facts::process::Library { owner, odd, exists };
        assert_eq!(
            found(&machine),
            [
                ("libgood.so".to_owned(), 1, library(Owner::Package, false, true)),
                ("/lib/evil.so".to_owned(), 1, library(Owner::Nobody, false, true)),
                ("/tmp/x.so".to_owned(), 2, library(Owner::Unknown, true, false)),
            ]
        );
    }
}
