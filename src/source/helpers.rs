//! The programs that the kernel starts by itself: where it is told which, now and at the next boot.

use super::links::real;
use super::mounts::Mounts;
use super::owner::relative;
use super::{Coverage, fill, rows_within};
use crate::facts::helper::{Handler, Runs, parts, piped, setting};
use crate::facts::text::{Bytes, is_one_of, trim};
use crate::host::{Fault, Host};
use crate::limits::{HELPER_BYTES, PATH_BYTES, SMALL_FILE_BYTES};

/// Files whose text is a command; of the first only behind a bar. The last two are one variable under two names.
const COMMANDS: [&[u8]; 5] = [
    b"proc/sys/kernel/core_pattern",
    b"proc/sys/kernel/modprobe",
    b"proc/sys/kernel/poweroff_cmd",
    b"proc/sys/kernel/hotplug",
    b"sys/kernel/uevent_helper",
];

/// Paths that are fixed in the kernel: security/keys/request_key.c, net/bridge/br_private_stp.h.
const FIXED: [&[u8]; 2] = [b"/sbin/request-key", b"/sbin/bridge-stp"];

const HANDLERS: &[u8] = b"proc/sys/fs/binfmt_misc";

/// Where cgroups of the first version are; each tree has a program that is started when a group becomes empty
/// (cgroups(7), `release_agent`).
const CGROUPS: &[u8] = b"sys/fs/cgroup";

/// Directories of files for sysctl(8), and a file.
const SETTINGS: [&[u8]; 6] = [
    b"etc/sysctl.conf",
    b"etc/sysctl.d",
    b"run/sysctl.d",
    b"usr/lib/sysctl.d",
    b"lib/sysctl.d",
    b"usr/local/lib/sysctl.d",
];

/// One path that a command leads to.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// See [`crate::facts::helper::Helper`], as all of these.
    pub setting: &'a [u8],
    /// See there.
    pub line: u32,
    /// See there.
    pub command: &'a [u8],
    /// See there.
    pub path: &'a [u8],
    /// See there.
    pub runs: Runs,
    /// See there.
    pub held: bool,
}

/// Calls `each` with every path that the kernel is told to run.
pub fn each<H: Host>(host: &H, mounts: &Mounts, coverage: &mut Coverage, each: &mut dyn FnMut(&Found<'_>)) {
    let mut walk = Walk { host, coverage, each };
    let mut last = Bytes::<HELPER_BYTES>::new();
    for path in COMMANDS {
        let mut text = Bytes::<HELPER_BYTES>::new();
        if !walk.read(path, &mut text) || path.ends_with(b"uevent_helper") && text == last {
            continue;
        }
        let command = if path.ends_with(b"pattern") { piped(text.as_slice()) } else { Some(text.as_slice()) };
        walk.command(path, 0, command.map_or(b"", trim));
        last = text;
    }
    for path in FIXED {
        if host.file(relative(path)).is_ok() {
            walk.path(relative(path), 0, path, Runs::Program, path, false);
        }
    }
    // systemd mounts the handlers when somebody looks: nobody has, so there are none.
    if !mounts.over(b"/proc/sys/fs/binfmt_misc").automatic {
        walk.names(HANDLERS, &mut |walk, name| walk.handler(name));
    }
    walk.names(CGROUPS, &mut |walk, name| {
        let mut path = Bytes::<PATH_BYTES>::of(CGROUPS);
        for part in [b"/", name, b"/release_agent"] {
            path.push(part);
        }
        let mut text = Bytes::<HELPER_BYTES>::new();
        if walk.read(path.as_slice(), &mut text) {
            walk.command(path.as_slice(), 0, trim(text.as_slice()));
        }
    });
    for place in SETTINGS {
        if !matches!(host.file(place), Err(Fault::Directory)) {
            walk.settings(place);
            continue;
        }
        walk.names(place, &mut |walk, name| {
            let mut path = Bytes::<PATH_BYTES>::of(place);
            path.push(b"/");
            path.push(name);
            walk.settings(path.as_slice());
        });
    }
    if coverage.facts == 0 && coverage.gaps == 0 {
        if host.about().live {
            coverage.gap(b"/proc/sys/kernel", format_args!("{}", Fault::NotFound));
        } else {
            coverage.absent = true;
        }
    }
}

struct Walk<'a, H: Host> {
    host: &'a H,
    coverage: &'a mut Coverage,
    each: &'a mut dyn FnMut(&Found<'_>),
}

impl<H: Host> Walk<'_, H> {
    fn gap(&mut self, path: &[u8], fault: Fault) {
        if !fault.is_absence() {
            self.coverage.gap(slashed(path).as_slice(), format_args!("{fault}"));
        }
    }

    /// Reads a file of the kernel's. Whether there is one.
    fn read(&mut self, path: &[u8], into: &mut Bytes<HELPER_BYTES>) -> bool {
        match self.host.file(path).and_then(|(mut file, _)| fill(&mut file, into)) {
            Ok(()) => {
                self.coverage.fact();
                if into.as_slice().len() == HELPER_BYTES {
                    self.gap(path, Fault::Large);
                }
                true
            }
            Err(fault) => {
                self.gap(path, fault);
                false
            }
        }
    }

    /// Calls `each` with the names in a directory, if there is one.
    fn names(&mut self, path: &[u8], each: &mut dyn FnMut(&mut Self, &[u8])) {
        let host = self.host;
        let listed = host.dir(path).and_then(|dir| host.list(&dir, &mut |name| each(self, name)));
        if let Err(fault) = listed {
            self.gap(path, fault);
        }
    }

    fn handler(&mut self, name: &[u8]) {
        if is_one_of(name, b"register status") {
            return;
        }
        let mut path = Bytes::<PATH_BYTES>::of(HANDLERS);
        path.push(b"/");
        path.push(name);
        let mut text = Bytes::<HELPER_BYTES>::new();
        if self.read(path.as_slice(), &mut text) {
            let handler = Handler::parse(text.as_slice());
            if handler.enabled {
                let program = handler.interpreter;
                self.path(path.as_slice(), 0, program, Runs::Program, program, handler.held);
            }
        }
    }

    fn settings(&mut self, path: &[u8]) {
        let mut file = match self.host.file(path) {
            Ok((file, _)) => file,
            // One that leads to /dev/null is switched off.
            Err(Fault::Device) => return,
            Err(fault) => return self.gap(path, fault),
        };
        let (mut number, mut long) = (0_u32, None);
        let read = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
            number = number.saturating_add(1);
            long = long.or(Some(number).filter(|_| row.is_none()));
            if let Some(command) = row.and_then(setting) {
                self.coverage.fact();
                self.command(path, number, command);
            }
        });
        if let Err(fault) = read {
            self.gap(path, fault);
        }
        if let Some(line) = long {
            self.coverage.gap(slashed(path).as_slice(), format_args!("line {line} is too long"));
        }
    }

    fn command(&mut self, setting: &[u8], line: u32, command: &[u8]) {
        parts(command, &mut |runs, path| self.path(setting, line, command, runs, path, false));
    }

    fn path(&mut self, setting: &[u8], line: u32, command: &[u8], runs: Runs, path: &[u8], held: bool) {
        if path.is_empty() {
            return;
        }
        let (setting, path) = (slashed(setting), real(self.host, path));
        let (setting, path) = (setting.as_slice(), path.as_slice());
        (self.each)(&Found { setting, line, command, path, runs, held });
    }
}

fn slashed(path: &[u8]) -> Bytes<PATH_BYTES> {
    let mut whole = Bytes::of(b"/");
    whole.push(path);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::{Memory, Node};
    use crate::source::mounts;

    fn found(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage, mut rows) = (Vec::new(), Coverage::new(), Mounts::new());
        mounts::read(machine, &mut rows, &mut Coverage::new(), &mut |_| {});
        each(machine, &rows, &mut coverage, &mut |helper| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let held = if helper.held { " held" } else { "" };
            found.push(format!(
                "{}:{} {:?} {}{held}",
                text(helper.setting),
                helper.line,
                helper.runs,
                text(helper.path)
            ));
        });
        (found, coverage)
    }

    #[test]
    fn every_place_where_the_kernel_is_told() {
        let machine = Memory::new();
        machine
            .file("proc/sys/kernel/core_pattern", "|/bin/sh /tmp/x %p\n")
            .file("proc/sys/kernel/modprobe", "/sbin/modprobe\n")
            .link("sbin/modprobe", "kmodloader")
            .file("proc/sys/kernel/hotplug", "/sbin/mdev\n")
            .file("sys/kernel/uevent_helper", "/sbin/mdev\n")
            .file("proc/sys/fs/binfmt_misc/register", "")
            .file("proc/sys/fs/binfmt_misc/x", "enabled\ninterpreter /usr/bin/x\nflags: F\n")
            .file("proc/sys/fs/binfmt_misc/y", "disabled\ninterpreter /usr/bin/y\n")
            .file("sys/fs/cgroup/systemd/release_agent", "/lib/agent\n")
            .file("sbin/bridge-stp", "")
            .file("etc/sysctl.d/10-x.conf", "# x\nkernel.modprobe=usr/x\n")
            .put("etc/sysctl.conf", Node::Fails(Fault::Device));
        let (found, coverage) = found(&machine);
        assert_eq!(
            found,
            [
                "/proc/sys/kernel/core_pattern:0 Program /bin/sh",
                "/proc/sys/kernel/core_pattern:0 Script /tmp/x",
                "/proc/sys/kernel/modprobe:0 Program /sbin/kmodloader",
                "/proc/sys/kernel/hotplug:0 Program /sbin/mdev",
                "/sbin/bridge-stp:0 Program /sbin/bridge-stp",
                "/proc/sys/fs/binfmt_misc/x:0 Program /usr/bin/x held",
                "/sys/fs/cgroup/systemd/release_agent:0 Program /lib/agent",
                "/etc/sysctl.d/10-x.conf:2 Program /usr/x",
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps), (8, 0));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_nothing_is_triggered() {
        let machine = Memory::new();
        machine
            .put("proc/sys/kernel/core_pattern", Node::Fails(Fault::Denied))
            .link("sbin/a", "/sbin/b")
            .link("sbin/b", "a")
            .file("proc/sys/kernel/modprobe", "/sbin/a\n")
            .file("proc/self/mountinfo", "30 29 0:27 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n")
            .file("proc/sys/fs/binfmt_misc/x", "enabled\ninterpreter /usr/bin/x\n");
        let (named, coverage) = found(&machine);
        assert_eq!(named, ["/proc/sys/kernel/modprobe:0 Program /sbin/a"]);
        assert_eq!(coverage.reason().as_slice(), b"/proc/sys/kernel/core_pattern: permission denied");
        assert!(!coverage.absent);
        assert!(found(&Memory::new().tree(None)).1.absent);
        assert_eq!(found(&Memory::new()).1.gaps, 1);
    }
}
