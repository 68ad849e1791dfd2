//! A process: `/proc/PID/{stat,exe,cmdline}` in bytes, one small value out.

use serde::{Deserialize, Serialize};

use super::descriptors::Descriptors;
use super::elf::Elf;
use super::endpoint::Endpoint;
use super::environ::Environment;
use super::maps::Memory;
use super::place::{Place, place};
use super::status::Status;
use super::text::{Bytes, basename, decimal, decimal32, fields, trim};
use crate::limits::{ARGV_BYTES, COMM_BYTES, NAME_BYTES, PARENTS, PATH_BYTES};

/// What `/proc/PID/stat` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The id, field 1 of proc_pid_stat(5).
    pub pid: u32,
    /// The name, field 2, without its parentheses. Whoever runs chooses it.
    pub comm: Bytes<COMM_BYTES>,
    /// The state, field 3: `Z` and `X` no longer run anything.
    pub state: u8,
    /// The parent, field 4. 0: started by the kernel, or from outside this pid namespace.
    pub ppid: u32,
    /// The number of its terminal, field 7; 0 for none.
    pub terminal: u32,
    /// The kernel's flags, field 9.
    pub flags: u64,
    /// Threads, field 20. A zombie that has more than itself goes on in them.
    pub threads: u32,
    /// Clock ticks from boot to start, field 22: tells a process from a later one with the same pid.
    pub start_ticks: u64,
    /// Bytes of address space, field 23. Kernel threads have none.
    pub vsize: u64,
}

/// `PF_KTHREAD` (linux/sched.h since 2.6.27): the kernel made this one.
const PF_KTHREAD: u64 = 0x0020_0000;

impl Stat {
    /// Reads the line. The name may hold anything, `)` and newlines included, so it ends at the last `)`.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|b| *b == b'(')?;
        let close = line.iter().rposition(|b| *b == b')')?;
        let pid = decimal32(trim(line.get(..open)?))?;
        let comm = line.get(open.checked_add(1)?..close)?;
        let mut rest = fields(line.get(close.checked_add(1)?..)?);
        let state = *rest.next()?.first()?;
        let ppid = decimal32(rest.next()?)?;
        // A negative number is none.
        let terminal = decimal32(rest.nth(2)?).unwrap_or_default();
        let flags = decimal(rest.nth(1)?)?;
        let threads = decimal32(rest.nth(10)?)?;
        let start_ticks = decimal(rest.nth(1)?)?;
        let vsize = decimal(trim(rest.next()?))?;
        Some(Self { pid, comm: Bytes::of(comm), state, ppid, terminal, flags, threads, start_ticks, vsize })
    }
}

/// What `/proc/PID/exe` leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exe {
    /// No program file: a kernel thread or a process that has ended.
    #[default]
    None,
    /// The link could not be read.
    Unknown,
    /// The path in [`Process::path`].
    Path {
        /// The file has been removed since the program started.
        removed: bool,
    },
}

/// Who vouches for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// Part of the read-only firmware image.
    Firmware,
    /// Listed by an installed package.
    Package,
    /// The baseline has it as it is: it was there when that was taken, and nothing more is known of it.
    Baseline,
    /// Image, packages or a baseline are known, and none has it.
    Nobody,
    /// Nothing on this machine says what is installed, or nothing could for this file.
    #[default]
    Unknown,
}

impl Owner {
    /// Whether somebody vouches. A baseline does not: what was taken on an infected device knows the malware too.
    #[must_use]
    pub const fn vouches(self) -> bool {
        matches!(self, Owner::Firmware | Owner::Package)
    }

    /// Whether nothing says whose it is, neither for it nor against it.
    #[must_use]
    pub const fn is_unsaid(self) -> bool {
        matches!(self, Owner::Unknown | Owner::Baseline)
    }

    /// The word that all formats use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Owner::Firmware => "firmware",
            Owner::Package => "package",
            Owner::Baseline => "baseline",
            Owner::Nobody => "nobody",
            Owner::Unknown => "unknown",
        }
    }
}

/// What else is known of the program of a process, joined by the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// A file is at that path now, as the process itself sees it. Looked at where the program was removed.
    pub exists: bool,
    /// Who vouches for the file that runs; where it was removed, for the path.
    pub owner: Owner,
    /// The path is on a mounted disk, not in memory. Looked at in odd places.
    pub on_disk: bool,
    /// The file lives in memory, whatever its path: a tmpfs that is no root file system.
    pub in_memory: bool,
    /// The path names another file than the one that runs: something is mounted over one of them.
    pub replaced: bool,
    /// The process has a mount namespace of its own, and its program is not to be found in ours: a container.
    pub apart: bool,
    /// A program without a file that nobody can change any more (F_GET_SEALS, fcntl(2)), as container runtimes make
    /// copies of themselves.
    pub sealed: bool,
    /// The head of the program, where nobody vouches for it.
    pub elf: Option<Elf>,
    /// Its content looks compressed or encrypted. Looked at where nobody vouches for it.
    pub dense: bool,
    /// The SHA-256 of the program, where somebody wants to know it.
    pub sha256: Option<[u8; 32]>,
}

/// Another process, as far as its child or its tracee must know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relative {
    /// Its id; 0 for none.
    pub pid: u32,
    /// Its name.
    pub comm: Bytes<COMM_BYTES>,
    /// Its program without the directory; empty where there is none to be seen.
    pub program: Bytes<NAME_BYTES>,
    /// It runs from a system place, was not removed, and nobody denies knowing it.
    pub firm: bool,
    /// It runs from an odd place or from memory, or was removed and not replaced.
    pub odd: bool,
    /// Who vouches for its program.
    pub owner: Owner,
    /// It has a terminal.
    pub terminal: bool,
}

/// What a process has to do with others, joined by the source for one that a check has something to say of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kin {
    /// Parent, its parent and so on, as far as they are known.
    pub parents: heapless::Vec<Relative, PARENTS>,
    /// Seconds since it started.
    pub age_s: Option<u64>,
    /// The process that traces it.
    pub tracer: Option<Relative>,
    /// How many different names processes of this program have.
    pub names: u32,
    /// How many different programs run under this name.
    pub programs: u32,
}

/// Where standard input and output of a shell lead, joined by the source for shells and interpreters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// Nowhere that matters: a terminal, files.
    #[default]
    None,
    /// Both are one internet socket.
    Socket {
        /// The other end; `None` where it is not connected any more.
        remote: Option<Endpoint>,
    },
    /// Both are pipes or local sockets, and the parent holds an internet connection.
    Relay {
        /// The other end of that connection.
        remote: Endpoint,
    },
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id in the pid namespace that is looked at.
    pub pid: u32,
    /// What `stat` says.
    pub stat: Stat,
    /// What `status` says.
    pub status: Status,
    /// What `exe` says.
    pub exe: Exe,
    /// The path of the program where `exe` is [`Exe::Path`], without the kernel's ` (deleted)`.
    pub path: Bytes<PATH_BYTES>,
    /// The beginning of `cmdline`: arguments, each ended by a NUL. Whoever runs chooses them.
    pub argv: Bytes<ARGV_BYTES>,
    /// What `environ` says.
    pub environment: Environment,
    /// What `maps` says.
    pub memory: Memory,
    /// What `fd` says.
    pub descriptors: Descriptors,
    /// `oom_score_adj`, where nobody vouches for the program: -1000 is never ended for want of memory
    /// (proc_pid_oom_score_adj(5)).
    pub oom_score_adj: Option<i32>,
    /// Who vouches for the worst of the libraries that its environment brings in; `None` where it brings in none.
    pub preload: Option<Library>,
    /// A system program of the name that it claims leads to the very file that runs: an applet, an alias.
    pub alias: bool,
    /// The service that a shell on a socket runs is named in inetd.conf.
    pub inetd: bool,
    /// Where a shell's input and output lead.
    pub wire: Wire,
    /// Whether the name is another one at the second look. `None`: the first look.
    pub renamed: Option<bool>,
    /// About `path`.
    pub surroundings: Surroundings,
    /// About other processes.
    pub kin: Kin,
}

/// A library that a loader variable or `/etc/ld.so.preload` brings into programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Who vouches for it.
    pub owner: Owner,
    /// Its place is one where a healthy router keeps no programs.
    pub odd: bool,
    /// It is there.
    pub exists: bool,
}

/// A process id that the kernel answers for and that a listing of `/proc` does not show, twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The id.
    pub pid: u32,
    /// `/proc` has its directory when it is asked for by name.
    pub in_proc: bool,
    /// Its name, where `/proc` tells it.
    pub comm: Bytes<COMM_BYTES>,
    /// Its program, where `/proc` tells it.
    pub path: Bytes<PATH_BYTES>,
}

/// What the kernel appends to the path of a program that has been removed (fs/d_path.c, `path_with_deleted`).
const REMOVED: &[u8] = b" (deleted)";

impl Exe {
    /// Takes a fresh link text apart: cuts off what the kernel appends to the path of a removed program.
    pub fn settle<const N: usize>(link: &mut Bytes<N>) -> Self {
        let length = link.as_slice().strip_suffix(REMOVED).map(<[u8]>::len);
        if let Some(length) = length {
            link.truncate(length);
        }
        Exe::Path { removed: length.is_some() }
    }
}

impl Process {
    /// The first argument, as `ps` shows it, without the padding that overwritten arguments leave behind.
    #[must_use]
    pub fn argv0(&self) -> &[u8] {
        trim(self.argv.as_slice().split(|b| *b == 0).next().unwrap_or_default())
    }

    /// The name without the newline that a shell's `echo` leaves behind it.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        trim(self.stat.comm.as_slice())
    }

    /// The arguments behind the first.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.argv.as_slice();
        whole.strip_suffix(b"\0").unwrap_or(whole).split(|b| *b == 0).skip(1)
    }

    /// The program without its directory; empty where there is none to be seen.
    #[must_use]
    pub fn program(&self) -> &[u8] {
        if matches!(self.exe, Exe::Path { .. }) { basename(self.path.as_slice()) } else { b"" }
    }

    /// Whether the program is one that somebody vouches for and that is still what it was: not removed, not covered
    /// by one that lives in memory.
    #[must_use]
    pub const fn is_vouched(&self) -> bool {
        self.surroundings.owner.vouches() && !self.is_removed() && !self.surroundings.in_memory
    }

    /// Whether the program was removed and its path has one again that somebody vouches for, as after an upgrade.
    #[must_use]
    pub fn is_upgraded(&self) -> bool {
        let Surroundings { exists, owner, in_memory, .. } = self.surroundings;
        self.is_removed() && exists && owner.vouches() && !in_memory && self.place() == Some(Place::Firm)
    }

    /// Whether the program was removed from a file system in memory, under a path that is no volatile place's.
    #[must_use]
    pub fn is_unlinked_in_memory(&self) -> bool {
        let Surroundings { exists, in_memory, .. } = self.surroundings;
        self.is_removed() && self.place() == Some(Place::Firm) && in_memory && !exists
    }

    /// Whether the program runs from a system place, was not removed and does not live in memory only.
    #[must_use]
    pub fn is_firm(&self) -> bool {
        self.place() == Some(Place::Firm) && !self.is_removed() && !self.surroundings.in_memory
    }

    /// Whether the program file has been removed.
    #[must_use]
    pub const fn is_removed(&self) -> bool {
        matches!(self.exe, Exe::Path { removed: true })
    }

    /// Whether the program never had a name in the file system: `/memfd:…`, which the kernel always shows as removed
    /// (memfd_create(2)).
    #[must_use]
    pub fn is_memory_file(&self) -> bool {
        self.is_removed() && self.path.as_slice().starts_with(b"/memfd:")
    }

    /// Whether somebody vouches for the program, or for the one that took its place: an upgrade replaces a file under
    /// the daemon that runs it.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_vouched() || self.is_upgraded()
    }

    /// The place the program runs from, if it has one.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let placed = matches!(self.exe, Exe::Path { .. }) && !self.is_memory_file();
        placed.then(|| place(self.path.as_slice()))
    }

    /// Whether it still runs anything: a zombie keeps its name and loses everything else.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        !matches!(self.stat.state, b'Z' | b'X' | b'x')
    }

    /// Whether something only a user process has can be seen: a program, arguments or address space.
    #[must_use]
    pub fn is_user(&self) -> bool {
        let marked = self.stat.flags & PF_KTHREAD != 0;
        matches!(self.exe, Exe::Path { .. }) || !self.argv.is_empty() || (self.stat.vsize > 0 && !marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        format!("812 ({name}) S 1 812 812 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 4242 1503232 91 42\n")
    }

    #[test]
    fn stat_fields_are_found_behind_any_name() {
        for name in ["dropbear", "a) S 9 (b", "x\ny", "", ")", "((", "tab\tblank  "] {
            let stat = Stat::parse(line(name).as_bytes()).expect(name);
            assert_eq!(stat.comm.as_slice(), name.as_bytes());
            assert_eq!((stat.state, stat.ppid, stat.flags), (b'S', 1, 4_194_560));
            assert_eq!((stat.start_ticks, stat.vsize), (4242, 1_503_232));
        }
    }

    #[test]
    fn a_stat_line_cut_anywhere_is_refused_or_right() {
        let whole = line("x y");
        for end in 0..whole.len() {
            if let Some(stat) = Stat::parse(&whole.as_bytes()[..end]) {
                assert_eq!(stat.start_ticks, 4242, "cut at {end}");
            }
        }
        assert_eq!(Stat::parse(b"812 )x( S 1"), None);
        assert_eq!(Stat::parse(b"\xff\xfe\0"), None);
    }

    #[test]
    fn a_removed_program_is_told_by_its_link() {
        let mut process = Process { path: Bytes::of(b"/tmp/x (deleted)"), ..Process::default() };
        process.exe = Exe::settle(&mut process.path);
        assert!(process.is_removed());
        assert_eq!(process.path.as_slice(), b"/tmp/x");
        let mut process = Process { path: Bytes::of(b"/tmp/(deleted)"), ..Process::default() };
        process.exe = Exe::settle(&mut process.path);
        assert!(!process.is_removed());
    }

    #[test]
    fn kernel_threads_have_no_program_arguments_or_memory() {
        let mut process = Process { pid: 9, ..Process::default() };
        process.stat.flags = PF_KTHREAD;
        assert!(!process.is_user());
        process.argv = Bytes::of(b"[kworker/0:1]\0");
        assert!(process.is_user());
        assert_eq!(process.argv0(), b"[kworker/0:1]");
    }
}
