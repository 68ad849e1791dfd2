//! What stands behind a program that runs, as far as one can tell: for those checks to which the same deed of a package's
//! daemon, of an owner's own service and of a stranger's program are three different things.

use super::place::{Place, is_admins};
use super::process::{Exe, Owner, Process};
use super::program::{applet, has_container_runtime, is_interpreter};

/// What stands behind a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// The firmware or a package has it.
    Vouched,
    /// They have it, and it does what its arguments say: an interpreter, netcat.
    Told,
    /// It is where whoever runs the machine puts programs: an admin's places, a disk, a container.
    Owners,
    /// It is in a system place, and nothing says whose it is.
    Unsaid,
    /// It is in a system place, and neither firmware nor packages have it although they tell what they have.
    Nobodys,
    /// It runs from a volatile or hidden place or from memory.
    Odd,
}

/// Programs that hand on whatever comes to whomever they are told.
const RELAYS: [&[u8]; 7] = [b"nc", b"nc.openbsd", b"nc.traditional", b"ncat", b"netcat", b"socat", b"socat1"];

/// Whether a program hands on whatever comes to whomever it is told.
#[must_use]
pub fn is_relay(name: &[u8]) -> bool {
    RELAYS.contains(&name)
}

impl Backing {
    /// What stands behind the program of a process.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        let known = &process.surroundings;
        let name = applet(process);
        if process.is_trusted() {
            return if is_interpreter(name) || is_relay(name) { Backing::Told } else { Backing::Vouched };
        }
        let nobodys = || if known.owner == Owner::Nobody { Backing::Nobodys } else { Backing::Unsaid };
        if known.apart {
            // Where more processes stand above it than are known, the runtime may be among them.
            let parents = &process.kin.parents;
            let deep = parents.is_full() && parents.last().is_some_and(|last| last.pid > 1);
            return if has_container_runtime(process) || deep { Backing::Owners } else { nobodys() };
        }
        let Some(place) = process.place() else {
            // Container runtimes run copies of themselves in memory that nobody can change; a link that could not be read
            // says nothing.
            let odd = process.exe != Exe::Unknown && process.is_memory_file() && !known.sealed;
            return if odd { Backing::Odd } else { Backing::Unsaid };
        };
        match place {
            Place::Volatile | Place::Hidden => Backing::Odd,
            Place::Mount if known.on_disk && !known.in_memory => Backing::Owners,
            Place::Mount => Backing::Odd,
            Place::Firm if known.in_memory => Backing::Odd,
            // An update takes programs away while they run; that is told elsewhere.
            Place::Firm if process.is_removed() && !is_admins(process.path.as_slice()) => Backing::Unsaid,
            Place::Firm if is_admins(process.path.as_slice()) && !known.replaced => Backing::Owners,
            Place::Firm => nobodys(),
        }
    }

    /// The same in words that follow "its program".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Backing::Vouched => " is the firmware's or a package's",
            Backing::Told => " does what its arguments say",
            Backing::Owners => " is one that somebody added to the system",
            Backing::Unsaid => " is one of which nothing says whose it is",
            Backing::Nobodys => " is in neither the firmware nor a package",
            Backing::Odd => " runs from a place where none belongs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::process::Relative;
    use crate::facts::text::Bytes;

    fn program(path: &[u8], owner: Owner) -> Process {
        let mut process = Process { pid: 812, path: Bytes::of(path), ..Process::default() };
        process.exe = Exe::settle(&mut process.path);
        process.argv = Bytes::of(b"x\0");
        process.surroundings.owner = owner;
        process
    }

    #[test]
    fn what_stands_behind() {
        use Backing::{Nobodys, Odd, Owners, Told, Unsaid, Vouched};
        use Owner::{Baseline, Firmware, Nobody, Package, Unknown};
        for (path, owner, expected) in [
            (&b"/usr/sbin/dnsmasq"[..], Firmware, Vouched),
            (b"/usr/bin/python3.11", Package, Told),
            (b"/usr/bin/socat", Package, Told),
            (b"/usr/bin/gwd", Nobody, Nobodys),
            (b"/usr/bin/vendord", Unknown, Unsaid),
            (b"/usr/bin/vendord", Baseline, Unsaid),
            (b"/usr/local/bin/node", Nobody, Owners),
            (b"/opt/app/bin/java", Unknown, Owners),
            (b"/tmp/gwd", Nobody, Odd),
            (b"/tmp/gwd", Unknown, Odd),
            (b"/usr/lib/.x/gwd", Unknown, Odd),
            (b"/mnt/gwd", Unknown, Odd),
            (b"/memfd:x (deleted)", Unknown, Odd),
            (b"/usr/lib/old/bin/postgres (deleted)", Nobody, Unsaid),
            (b"/usr/local/bin/x (deleted)", Nobody, Owners),
        ] {
            assert_eq!(Backing::of(&program(path, owner)), expected, "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn disks_containers_and_memory() {
        let mut entware = program(b"/tmp/mnt/sda1/bin/x", Owner::Unknown);
        entware.surroundings.on_disk = true;
        assert_eq!(Backing::of(&entware), Backing::Owners);
        let mut runtime = program(b"/memfd:runc (deleted)", Owner::Unknown);
        runtime.surroundings.sealed = true;
        assert_eq!(Backing::of(&runtime), Backing::Unsaid);
        let mut covered = program(b"/usr/sbin/x", Owner::Firmware);
        covered.surroundings.in_memory = true;
        assert_eq!(Backing::of(&covered), Backing::Odd);
        let mut contained = program(b"/usr/sbin/x", Owner::Nobody);
        contained.surroundings.apart = true;
        assert_eq!(Backing::of(&contained), Backing::Nobodys, "nobody's container");
        let shim = Bytes::of(b"containerd-shim-runc-v2");
        contained.kin.parents.push(Relative { program: shim, firm: true, ..Relative::default() }).unwrap();
        assert_eq!(Backing::of(&contained), Backing::Owners);
        let unread = Process { pid: 812, exe: Exe::Unknown, ..Process::default() };
        assert_eq!(Backing::of(&unread), Backing::Unsaid);
    }
}
