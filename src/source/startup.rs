//! Startup files: what init systems of routers and of Debian run at boot, by the clock and on events.

use embedded_io::Read;

use super::Coverage;
use crate::facts::commands::Commands;
use crate::facts::fetch::{Joined, Memory};
use crate::facts::place::{Place, place};
use crate::facts::reader::Reader;
use crate::facts::startup::{Kind, Line};
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity};
use crate::limits::{PATH_BYTES, READ_BYTES, STARTUP_DEPTH, STARTUP_FILE_BYTES, STARTUP_FILES};

/// A directory of startup files, or some of the files in it.
struct Folder {
    dir: &'static [u8],
    /// The names that count; all if empty.
    names: &'static [&'static [u8]],
    kind: Kind,
}

const fn all(dir: &'static [u8], kind: Kind) -> Folder {
    Folder { dir, names: &[], kind }
}

const fn some(dir: &'static [u8], names: &'static [&'static [u8]], kind: Kind) -> Folder {
    Folder { dir, names, kind }
}

/// OpenWrt, BusyBox and SysV, Debian, ASUSWRT-Merlin (`jffs`), Padavan (`etc/storage`), DD-WRT (`tmp`), Entware.
const FOLDERS: [Folder; 47] = [
    some(
        b"etc",
        &[b"rc.local", b"rc", b"rcS", b"preinit", b"profile", b"bashrc", b"firewall.user"],
        Kind::Shell,
    ),
    some(b"etc", &[b"inittab"], Kind::Inittab),
    some(b"etc", &[b"crontab"], Kind::SystemCron),
    all(b"etc/init.d", Kind::Shell),
    all(b"etc/rc.d", Kind::Shell),
    all(b"etc/rcS.d", Kind::Shell),
    all(b"etc/rc0.d", Kind::Shell),
    all(b"etc/rc1.d", Kind::Shell),
    all(b"etc/rc2.d", Kind::Shell),
    all(b"etc/rc3.d", Kind::Shell),
    all(b"etc/rc4.d", Kind::Shell),
    all(b"etc/rc5.d", Kind::Shell),
    all(b"etc/rc6.d", Kind::Shell),
    all(b"etc/profile.d", Kind::Shell),
    all(b"etc/hotplug.d", Kind::Shell),
    all(b"etc/uci-defaults", Kind::Shell),
    all(b"etc/rc.button", Kind::Shell),
    all(b"etc/ppp/ip-up.d", Kind::Shell),
    all(b"etc/ppp/ip-down.d", Kind::Shell),
    some(b"etc/ppp", &[b"ip-up", b"ip-down"], Kind::Shell),
    all(b"etc/network/if-up.d", Kind::Shell),
    all(b"etc/network/if-pre-up.d", Kind::Shell),
    all(b"etc/udhcpc", Kind::Shell),
    all(b"etc/udhcpc.d", Kind::Shell),
    all(b"usr/share/udhcpc", Kind::Shell),
    all(b"lib/preinit", Kind::Shell),
    all(b"etc/cron.d", Kind::SystemCron),
    all(b"etc/crontabs", Kind::Cron),
    all(b"var/spool/cron", Kind::Cron),
    all(b"etc/cron.hourly", Kind::Shell),
    all(b"etc/cron.daily", Kind::Shell),
    all(b"etc/cron.weekly", Kind::Shell),
    all(b"etc/cron.monthly", Kind::Shell),
    all(b"etc/systemd/system", Kind::Unit),
    all(b"lib/systemd/system", Kind::Unit),
    all(b"usr/lib/systemd/system", Kind::Unit),
    all(b"run/systemd/system", Kind::Unit),
    all(b"jffs/scripts", Kind::Shell),
    some(b"etc/storage", &[b"start_script.sh", b"started_script.sh", b"shutdown_script.sh"], Kind::Shell),
    some(b"etc/storage", &[b"post_iptables_script.sh", b"post_wan_script.sh"], Kind::Shell),
    all(b"etc/storage/cron/crontabs", Kind::Cron),
    some(b"tmp", &[b".rc_startup", b".rc_firewall", b".rc_shutdown"], Kind::Shell),
    all(b"opt/etc/init.d", Kind::Shell),
    all(b"usr/local/etc/rc.d", Kind::Shell),
    all(b"usr/local/etc/init.d", Kind::Shell),
    some(b"root", &[b".profile", b".bashrc", b".ashrc"], Kind::Shell),
    some(b"", &[b"rc.local", b"autorun.sh"], Kind::Shell),
];

/// The startup files that have been read, by device and inode: links in `rc.d` lead to files in `init.d`.
pub type Seen = heapless::Vec<(u64, u64, Kind), STARTUP_FILES>;

/// Where a line is handed to, and what is needed on the way.
pub struct Walk<'a, H> {
    /// The machine.
    pub host: &'a H,
    /// Files that have been read.
    pub seen: &'a mut Seen,
    /// The commands of a line.
    pub commands: &'a mut Commands,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Startup files that were read.
    pub files: u32,
    /// Takes the lines.
    pub each: &'a mut dyn FnMut(&Line<'_>),
}

impl<H: Host> Walk<'_, H> {
    /// Reads every startup file that there is.
    pub fn run(&mut self) {
        for folder in &FOLDERS {
            let mut path = Bytes::of(folder.dir);
            self.directory(&mut path, folder, 0);
        }
        if self.files == 0 && self.coverage.gaps == 0 {
            self.coverage.gap(b"/etc", format_args!("no startup file of any known system"));
        }
    }

    fn directory(&mut self, path: &mut Bytes<PATH_BYTES>, folder: &Folder, depth: u32) {
        let host = self.host;
        let dir = match host.dir(path.as_slice()) {
            Ok(dir) => dir,
            Err(fault) if fault.is_absence() => return self.missing(path),
            Err(fault) => return self.gap(path, format_args!("{fault}")),
        };
        let length = path.as_slice().len();
        let mut each = |name: &[u8]| {
            path.truncate(length);
            if length > 0 {
                path.push(b"/");
            }
            path.push(name);
            self.entry(&dir, name, path, folder, depth);
        };
        let listed = if folder.names.is_empty() {
            host.list(&dir, &mut each)
        } else {
            folder.names.iter().for_each(|name| each(name));
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
        if !self.host.about().live && place(target) != Place::Volatile {
            self.gap(path, format_args!("a link that leads to nothing in this tree"));
        }
    }

    /// A name in a directory of startup files.
    fn entry(
        &mut self,
        dir: &H::Dir,
        name: &[u8],
        path: &mut Bytes<PATH_BYTES>,
        folder: &Folder,
        depth: u32,
    ) {
        let mut target = Bytes::<PATH_BYTES>::new();
        let is_link = target.fill(|into| self.host.link_at(dir, name, into)).is_ok();
        if is_link {
            // systemd(1): a unit that leads to /dev/null is masked, it cannot be started.
            if target.as_slice() == b"/dev/null" {
                return;
            }
            self.link(path, target.as_slice());
        }
        match self.host.file(path.as_slice()) {
            Ok((file, identity)) => self.file(file, identity, path, folder.kind),
            // Links to directories are entered too; the depth ends a circle. Nothing is started from deeper down.
            Err(Fault::Directory) if folder.names.is_empty() => {
                if depth < STARTUP_DEPTH {
                    self.directory(path, folder, depth.saturating_add(1));
                }
            }
            Err(Fault::NotFound) if is_link => self.dangling(path, target.as_slice()),
            Err(fault) if fault.is_absence() => {}
            Err(fault) => self.gap(path, format_args!("{fault}")),
        }
    }

    fn link(&mut self, path: &Bytes<PATH_BYTES>, target: &[u8]) {
        let file = shown(path);
        // A link runs nothing; the commands of an earlier line are not its own.
        self.commands.parse(b"");
        let (commands, joined) = (&*self.commands, Joined::default());
        (self.each)(&Line {
            file: file.as_slice(),
            number: 0,
            kind: Kind::Link,
            text: target,
            commands,
            joined,
        });
    }

    pub(super) fn file(
        &mut self,
        mut file: H::File,
        identity: Identity,
        path: &Bytes<PATH_BYTES>,
        kind: Kind,
    ) {
        // One file may be read as several kinds: a link named inittab must not keep a script from being read.
        let key = (identity.device, identity.inode, kind);
        if self.seen.contains(&key) {
            return;
        }
        if self.seen.push(key).is_err() {
            self.gap(
                path,
                format_args!("more than {STARTUP_FILES} startup files; a linked one may be read twice"),
            );
        }
        self.files = self.files.saturating_add(1);

        let name = shown(path);
        let (mut reader, mut memory) = (Reader::new(kind), Memory::new());
        let mut chunk = [0_u8; READ_BYTES];
        let mut total = 0_u64;
        loop {
            let length = match file.read(&mut chunk) {
                Ok(length) => length,
                Err(fault) => return self.gap(path, format_args!("{fault}")),
            };
            let read = chunk.get(..length).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            if total == 0 && is_program(read) {
                reader = Reader::new(Kind::Program);
                self.coverage.fact();
            }
            for byte in read {
                if reader.push(*byte) {
                    self.lines(&mut reader, &name, &mut memory);
                }
            }
            total = total.saturating_add(u64::try_from(length).unwrap_or_default());
            if total >= STARTUP_FILE_BYTES {
                let size = identity.size;
                if size > total {
                    self.gap(path, format_args!("only the first {total} of {size} bytes were read"));
                }
                break;
            }
        }
        if reader.finish() {
            self.lines(&mut reader, &name, &mut memory);
        }
        if let Some(line) = reader.cut() {
            self.gap(path, format_args!("line {line} is too long or too deep to be taken apart whole"));
        }
        if memory.is_full() {
            self.gap(path, format_args!("fetches more files than are remembered"));
        }
    }

    pub(super) fn lines(&mut self, reader: &mut Reader, file: &Bytes<PATH_BYTES>, memory: &mut Memory) {
        while reader.is_ready() {
            if let Some(line) = reader.take(file.as_slice(), self.commands, memory) {
                self.coverage.fact();
                (self.each)(&line);
            }
        }
    }

    pub(super) fn gap(&mut self, path: &Bytes<PATH_BYTES>, what: core::fmt::Arguments<'_>) {
        self.coverage.gap(shown(path).as_slice(), what);
    }
}

/// Whether a file is a program by all that the kernel looks at first (elf(5)): class, byte order, version, the size of
/// the header. A script may begin with the same four bytes.
fn is_program(head: &[u8]) -> bool {
    let header = |size: usize, at: usize| {
        head.get(at..at.saturating_add(2))
            .is_some_and(|field| field.contains(&u8::try_from(size).unwrap_or_default()))
    };
    match head {
        [0x7f, b'E', b'L', b'F', 1, 1 | 2, 1, ..] => header(52, 40),
        [0x7f, b'E', b'L', b'F', 2, 1 | 2, 1, ..] => header(64, 52),
        _ => false,
    }
}

/// The path as people write it.
pub(super) fn shown(path: &Bytes<PATH_BYTES>) -> Bytes<PATH_BYTES> {
    let mut shown = Bytes::of(b"/");
    shown.push(path.as_slice());
    shown
}
