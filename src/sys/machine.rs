//! The machine that is looked at: this one, or a tree below a directory that nothing leads out of.

use std::os::fd::{AsFd, OwnedFd};

use gatewatch::facts::about::{self, About, Endian, Mistake};
use gatewatch::facts::netlink::{Bus, SetName};
use gatewatch::facts::text::Bytes;
use gatewatch::host::{Dump, Fault, Host, Identity, Kind};
use gatewatch::limits::PATH_BYTES;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstatat};

use super::fd::{self, Dir, File, fault};
use super::{clock, netlink, probe, walk, xtables};

/// Flags of every open: never inherited, never waiting for a writer or a carrier, never a terminal of ours.
const QUIET: OFlag = OFlag::O_CLOEXEC.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);
const DIRECTORY: OFlag = QUIET.union(OFlag::O_DIRECTORY);

/// How often the kernel is asked for a path while the machine's tree moves, before we follow it ourselves.
const OPEN_TRIES: u32 = 8;

/// How a path is followed from the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paths {
    /// As this machine does.
    Plain,
    /// The kernel keeps it below the root: openat2(2), since Linux 5.6.
    Kernel,
    /// We do, component by component.
    Walked,
}

/// A machine.
#[derive(Debug)]
pub struct Machine {
    root: OwnedFd,
    paths: Paths,
    about: About,
    /// What was recorded beside the tree.
    dumps: Option<OwnedFd>,
    /// Every process may be asked for.
    may_ask: bool,
}

/// Why a tree cannot be looked at.
#[derive(Debug)]
pub enum Refusal {
    /// The directory itself.
    Root(Fault),
    /// Its description.
    About(Mistake),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Root(fault) => write!(f, "{fault}; --root needs a directory that can be read"),
            Refusal::About(mistake) => write!(f, "about.toml:{}: {}", mistake.line, mistake.help),
        }
    }
}

impl Machine {
    /// The machine this program runs on.
    pub fn live() -> Result<Self, Refusal> {
        let root = nix::fcntl::open(&b"/"[..], DIRECTORY, Mode::empty())
            .map_err(|errno| Refusal::Root(fault(errno)))?;
        Ok(Self {
            root,
            paths: Paths::Plain,
            about: About { live: true, endian: Some(Endian::NATIVE) },
            dumps: None,
            may_ask: probe::may_ask(),
        })
    }

    /// A tree: an unpacked image, or the `root/` of a recording, whose `about.toml` says what its byte order is.
    pub fn tree(path: &[u8]) -> Result<Self, Refusal> {
        let open = nix::fcntl::open(path, DIRECTORY, Mode::empty());
        let root = open.map_err(|errno| Refusal::Root(fault(errno)))?;
        let how = OpenHow::new().flags(DIRECTORY).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        let paths = if openat2(root.as_fd(), &b"."[..], how).is_ok() { Paths::Kernel } else { Paths::Walked };
        let tree =
            Self { root, paths, about: About { live: false, endian: None }, dumps: None, may_ask: false };
        tree.recording()
    }

    /// If this is a recording, its tree. A system that happens to hold an `about.toml` and a `/root` is none:
    /// otherwise an enemy could hide everything by putting one there.
    fn recording(self) -> Result<Self, Refusal> {
        let is_system = [&b"etc"[..], b"proc", b"bin", b"usr"].iter().any(|name| self.dir(name).is_ok());
        let (Ok((mut file, _)), false) = (self.file(b"about.toml"), is_system) else { return Ok(self) };
        let mut text = [0_u8; 8192];
        let length = embedded_io::Read::read(&mut file, &mut text).map_err(Refusal::Root)?;
        let about = about::parse(text.get(..length).unwrap_or_default()).map_err(Refusal::About)?;
        let root = self.dir(b"root").map_err(Refusal::Root)?.0;
        let dumps = self.dir(b"dumps").ok().map(|dir| dir.0);
        Ok(Self { root, about, dumps, ..self })
    }

    /// Whether the kernel can keep a path below a root: openat2(2).
    pub fn keeps_inside() -> bool {
        Self::tree(b"/").is_ok_and(|tree| tree.paths == Paths::Kernel)
    }

    fn open(&self, path: &[u8], flags: OFlag) -> Result<OwnedFd, Fault> {
        let path = if path.is_empty() { b"." } else { path };
        match self.paths {
            Paths::Plain => openat(self.root.as_fd(), path, flags, Mode::empty()).map_err(fault),
            Paths::Kernel => {
                let inside = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);
                let how = OpenHow::new().flags(flags).resolve(inside);
                // The kernel gives up with EAGAIN where a path holds `..` and anything was renamed or mounted
                // meanwhile, anywhere on the machine: openat2(2), ERRORS.
                for _ in 0..OPEN_TRIES {
                    match openat2(self.root.as_fd(), path, how) {
                        Err(Errno::EAGAIN) => {}
                        opened => return opened.map_err(fault),
                    }
                }
                walk::open(self.root.as_fd(), path, flags)
            }
            Paths::Walked => walk::open(self.root.as_fd(), path, flags),
        }
    }

    /// Says what a path leads to without opening it: opening a device can do something (a watchdog starts).
    fn look(&self, path: &[u8]) -> Result<Identity, Fault> {
        match self.paths {
            Paths::Plain => fd::regular(&fstatat(self.root.as_fd(), path, AtFlags::empty()).map_err(fault)?),
            Paths::Kernel => fd::identity(self.open(path, OFlag::O_PATH.union(OFlag::O_CLOEXEC))?),
            // It looks before it opens.
            Paths::Walked => Ok(Identity::default()),
        }
    }
}

impl Host for Machine {
    type Dir = Dir;
    type File = File;

    fn about(&self) -> About {
        self.about
    }

    fn dir(&self, path: &[u8]) -> Result<Dir, Fault> {
        self.open(path, DIRECTORY).map(Dir)
    }

    fn file(&self, path: &[u8]) -> Result<(File, Identity), Fault> {
        self.look(path)?;
        let file = self.open(path, QUIET)?;
        let identity = fd::identity(&file)?;
        Ok((File::Open(file), identity))
    }

    fn skip(&self, file: &mut File, bytes: u64) -> Result<(), Fault> {
        fd::skip(file, bytes)
    }

    fn dir_at(&self, at: &Dir, name: &[u8]) -> Result<Dir, Fault> {
        openat(at.0.as_fd(), name, DIRECTORY.union(OFlag::O_NOFOLLOW), Mode::empty()).map(Dir).map_err(fault)
    }

    fn file_at(&self, at: &Dir, name: &[u8]) -> Result<File, Fault> {
        walk::open_regular(at.0.as_fd(), name, QUIET).map(File::Open)
    }

    fn link_at(&self, at: &Dir, name: &[u8], into: &mut [u8]) -> Result<usize, Fault> {
        fd::read_link(at.0.as_fd(), name, into)
    }

    fn list(&self, at: &Dir, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        fd::list(at, each)
    }

    fn kind_at(&self, at: &Dir, name: &[u8]) -> Result<Kind, Fault> {
        let stat = fstatat(at.0.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(fault)?;
        Ok(match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => Kind::File(fd::whole(&stat)),
            SFlag::S_IFDIR => Kind::Dir(fd::whole(&stat)),
            SFlag::S_IFLNK => Kind::Link,
            _ => Kind::Other,
        })
    }

    fn program_of(&self, process: &Dir) -> Result<Identity, Fault> {
        if !self.about.live {
            return Err(Fault::NotFound);
        }
        fd::regular(&fstatat(process.0.as_fd(), &b"exe"[..], AtFlags::empty()).map_err(fault)?)
    }

    fn in_memory(&self, path: &[u8]) -> Result<bool, Fault> {
        // The numbers are those of linux/magic.h; libc lacks one and names the other differently by architecture.
        const TMPFS: u64 = 0x0102_1994;
        const RAMFS: u64 = 0x8584_58f6;
        if !self.about.live {
            return Err(Fault::NotFound);
        }
        // /proc is where the machine has it, and our own working directory may be anywhere.
        let mut whole = Bytes::<PATH_BYTES>::of(b"/");
        whole.push(path);
        let kind = probe::file_system(whole.as_slice()).map_err(fault)?;
        Ok(kind == TMPFS || kind == RAMFS)
    }

    fn is_sealed(&self, path: &[u8]) -> bool {
        self.about.live && self.open(path, QUIET).is_ok_and(|file| probe::is_sealed(&file))
    }

    fn answers(&self, pid: u32) -> Result<bool, Fault> {
        match (self.about.live, self.may_ask) {
            (false, _) => Err(Fault::NotFound),
            (true, false) => Err(Fault::Denied),
            (true, true) => Ok(probe::answers(pid)),
        }
    }

    fn dump(&self, dump: Dump<'_>) -> Result<File, Fault> {
        let mut of_table = Bytes::<32>::new();
        let name = match dump {
            Dump::Netlink(question) if self.about.live => {
                let asked = netlink::ask(question.bus(), &question.request());
                return asked.map(File::Open).map_err(fault);
            }
            Dump::Set(set) if self.about.live => {
                let request = set.request().ok_or(Fault::TooLong)?;
                return netlink::ask(Bus::Netfilter, &request).map(File::Open).map_err(fault);
            }
            Dump::Xtables { ip6, table } if self.about.live => {
                return xtables::table(ip6, table).map(File::Held);
            }
            Dump::Netlink(question) => question.recorded().as_bytes(),
            Dump::Set(_) => SetName::RECORDED.as_bytes(),
            Dump::Xtables { ip6, table } => {
                for part in [if ip6 { "ip6_tables_" } else { "ip_tables_" }, table, ".bin"] {
                    of_table.push(part.as_bytes());
                }
                of_table.as_slice()
            }
            Dump::Pids => b"pids",
            Dump::Nvram => b"nvram",
        };
        let dumps = self.dumps.as_ref().ok_or(Fault::NotFound)?;
        walk::open_regular(dumps.as_fd(), name, QUIET).map(File::Open)
    }

    fn pause(&self, milliseconds: u32) {
        if self.about.live {
            clock::pause(u16::try_from(milliseconds).unwrap_or(u16::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("gatewatch-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("in/etc")).unwrap();
            fs::write(path.join("secret"), "secret").unwrap();
            Self(path)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn read(machine: &Machine, path: &str) -> Result<String, Fault> {
        let (mut file, _) = machine.file(path.as_bytes())?;
        let mut text = [0; 64];
        let length = embedded_io::Read::read(&mut file, &mut text)?;
        Ok(String::from_utf8_lossy(&text[..length]).into_owned())
    }

    /// Both ways of staying inside must agree.
    fn both(tree: &Tree, mut check: impl FnMut(&Machine)) {
        let path = tree.0.join("in");
        for paths in [Paths::Kernel, Paths::Walked] {
            let mut machine = Machine::tree(path.as_os_str().as_encoded_bytes()).unwrap();
            if machine.paths == Paths::Walked && paths == Paths::Kernel {
                continue; // This kernel lacks openat2.
            }
            machine.paths = paths;
            check(&machine);
        }
    }

    #[test]
    fn nothing_leads_out_of_a_tree() {
        let tree = Tree::new("out");
        let inside = tree.0.join("in");
        fs::write(inside.join("etc/file"), "inside").unwrap();
        symlink("/etc/file", inside.join("absolute")).unwrap();
        symlink("../../../../../../etc/file", inside.join("dots")).unwrap();
        symlink("../secret", inside.join("relative")).unwrap();
        symlink(tree.0.join("secret"), inside.join("out")).unwrap();
        symlink("/etc/shadow", inside.join("etc/rc.local")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        symlink("/etc", inside.join("dir")).unwrap();
        symlink("/proc/self/root/etc/passwd", inside.join("magic")).unwrap();
        both(&tree, |machine| {
            for path in ["absolute", "dots", "dir/file", "dir/../etc/./file", "../../etc/file", "etc//file"] {
                assert_eq!(read(machine, path).as_deref(), Ok("inside"), "{path} {machine:?}");
            }
            for path in ["relative", "out", "etc/rc.local", "magic", "../secret", "none", "none/file"] {
                assert_eq!(read(machine, path), Err(Fault::NotFound), "{path} {machine:?}");
            }
            assert_eq!(read(machine, "loop"), Err(Fault::Loop), "{machine:?}");
            assert_eq!(read(machine, "etc/file/x"), Err(Fault::NotDirectory), "{machine:?}");
            assert!(machine.dir(b"dir").is_ok() && machine.dir(b"").is_ok());
        });
    }

    #[test]
    fn what_is_renamed_elsewhere_meanwhile_hides_nothing() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let tree = Tree::new("renamed");
        fs::write(tree.0.join("in/etc/file"), "inside").unwrap();
        symlink("../etc/../etc/../etc/file", tree.0.join("in/etc/link")).unwrap();
        fs::create_dir(tree.0.join("a")).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let (a, b) = (tree.0.join("a"), tree.0.join("b"));
                    fs::rename(&a, &b).and_then(|()| fs::rename(b, a)).unwrap();
                }
            });
            let wrong = (0..20_000).find_map(|_| {
                let mut wrong = None;
                both(&tree, |machine| wrong = read(machine, "etc/link").err().or(wrong));
                wrong
            });
            stop.store(true, Ordering::Relaxed);
            assert_eq!(wrong, None);
        });
    }

    #[test]
    fn magic_links_of_a_real_proc_are_not_followed() {
        let (pipe, _) = nix::unistd::pipe().unwrap();
        let path = format!("proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pipe));
        let mut machine = Machine::tree(b"/").unwrap();
        for paths in [machine.paths, Paths::Walked] {
            machine.paths = paths;
            assert!(matches!(read(&machine, &path), Err(Fault::Loop | Fault::NotFound)), "{paths:?}");
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let tree = Tree::new("kinds");
        let inside = tree.0.join("in");
        nix::unistd::mkfifo(&inside.join("fifo"), Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(inside.join("socket")).unwrap();
        symlink("fifo", inside.join("to-fifo")).unwrap();
        both(&tree, |machine| {
            assert_eq!(read(machine, "fifo"), Err(Fault::Fifo));
            assert_eq!(read(machine, "to-fifo"), Err(Fault::Fifo));
            assert_eq!(read(machine, "socket"), Err(Fault::Socket));
            assert_eq!(read(machine, "etc"), Err(Fault::Directory));
            let dir = machine.dir(b"").unwrap();
            assert_eq!(machine.file_at(&dir, b"fifo").unwrap_err(), Fault::Fifo);
            assert_eq!(machine.file_at(&dir, b"to-fifo").unwrap_err(), Fault::Loop);
        });
        let live = Machine::live().unwrap();
        assert_eq!(live.file(b"dev/null").unwrap_err(), Fault::Device);
    }

    #[test]
    fn a_recording_is_known_by_what_it_lacks() {
        let tree = Tree::new("recording");
        let place = tree.0.join("rec");
        fs::create_dir_all(place.join("root/etc")).unwrap();
        fs::write(place.join("root/etc/file"), "recorded").unwrap();
        fs::write(place.join("about.toml"), "byte_order = \"big\"\n").unwrap();
        let open = || Machine::tree(place.as_os_str().as_encoded_bytes());
        let machine = open().unwrap();
        assert_eq!(machine.about().endian, Some(Endian::Big));
        assert_eq!(read(&machine, "etc/file").as_deref(), Ok("recorded"));
        fs::write(place.join("about.toml"), "\nbyte_order = \"pdp\"\n").unwrap();
        assert_eq!(open().unwrap_err().to_string(), "about.toml:2: write byte_order = \"big\" or \"little\"");
        fs::create_dir(place.join("etc")).unwrap();
        assert_eq!(open().unwrap().about().endian, None, "a system with an about.toml planted in it");
    }
}
