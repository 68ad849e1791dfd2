//! The tools of the system: where they lie, what the image has there, and what is mounted over them.

use super::links::one_step;
use super::mounts::{self, Mounts};
use super::owner::{Owners, below, relative};
use super::same::same;
use super::truth::Truths;
use super::{Coverage, fill, links, upgrade};
use crate::facts::mount::Mount;
use crate::facts::text::{Bytes, basename};
use crate::facts::tool::{Change, Cover};
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{COMPARED_BYTES, PATH_BYTES, TOOLS};

/// The true names first: `/bin` may be a link to `/usr/bin`.
const DIRS: [&[u8]; 4] = [b"usr/bin", b"usr/sbin", b"bin", b"sbin"];

/// Tools that show what a machine does or let people in, and those that start, stop, fetch and lock.
const NAMES: [&[u8]; 66] = [
    b"apk",
    b"ash",
    b"bash",
    b"busybox",
    b"cat",
    b"crond",
    b"crontab",
    b"curl",
    b"dnsmasq",
    b"dropbear",
    b"find",
    b"fw4",
    b"gatewatch",
    b"grep",
    b"id",
    b"ifconfig",
    b"init",
    b"insmod",
    b"ip",
    b"ip6tables",
    b"iptables",
    b"kill",
    b"killall",
    b"klogd",
    b"kmodloader",
    b"last",
    b"logd",
    b"login",
    b"logread",
    b"ls",
    b"lsmod",
    b"lsof",
    b"md5sum",
    b"modprobe",
    b"mount",
    b"netifd",
    b"netstat",
    b"nft",
    b"opkg",
    b"passwd",
    b"pgrep",
    b"pidof",
    b"poweroff",
    b"procd",
    b"ps",
    b"pstree",
    b"reboot",
    b"rm",
    b"rpcd",
    b"sh",
    b"sha256sum",
    b"ss",
    b"sshd",
    b"su",
    b"sudo",
    b"syslogd",
    b"tcpdump",
    b"telnetd",
    b"top",
    b"ubus",
    b"ubusd",
    b"uci",
    b"uhttpd",
    b"umount",
    b"wget",
    b"who",
];

#[derive(Clone, Copy, Debug)]
struct Row {
    dir: &'static [u8],
    name: &'static [u8],
    change: Change,
    original: bool,
    upgraded: bool,
    script: bool,
    /// The row of the file among the owners.
    file: Option<u16>,
}

/// One tool of the table.
#[derive(Clone, Debug)]
pub struct Found {
    /// See [`crate::facts::tool::Tool`], as all of these.
    pub path: Bytes<32>,
    /// Its name.
    pub name: &'static [u8],
    /// See there.
    pub change: Change,
    /// See there.
    pub original: bool,
    /// See there.
    pub upgraded: bool,
    /// See there.
    pub script: bool,
    /// The row of the file among the owners.
    pub file: Option<usize>,
}

/// The tools of a machine.
#[derive(Debug)]
pub struct Tools {
    rows: heapless::Vec<Row, TOOLS>,
}

impl Tools {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new() }
    }

    /// Every tool.
    pub fn iter(&self) -> impl Iterator<Item = Found> {
        self.rows.iter().map(|row| Found {
            path: path(row.dir, row.name),
            name: row.name,
            change: row.change,
            original: row.original,
            upgraded: row.upgraded,
            script: row.script,
            file: row.file.map(usize::from),
        })
    }

    /// Looks for them all, adds their files to the owners, and holds them against the image.
    pub fn read<H: Host>(
        &mut self,
        host: &H,
        mounts: &Mounts,
        truths: &Truths,
        owners: &mut Owners,
        coverage: &mut Coverage,
    ) {
        self.rows.clear();
        let mut seen = heapless::Vec::<Identity, { DIRS.len() }>::new();
        for dir in DIRS {
            let Ok(opened) = host.dir(dir) else { continue };
            if let Ok(Kind::Dir(identity)) = host.kind_at(&opened, b".") {
                if seen.iter().any(|other| other.is(&identity)) {
                    continue;
                }
                let _ = seen.push(identity);
            }
            for name in NAMES {
                let Ok(now @ (Kind::File(_) | Kind::Link)) = host.kind_at(&opened, name) else { continue };
                coverage.fact();
                let mut tool = Tool { host, mounts, truths, dir, name, now };
                let path = path(dir, name);
                let (change, original) = tool.compare(&opened).unwrap_or_else(|fault| {
                    coverage.gap(path.as_slice(), format_args!("{fault}"));
                    (Change::None, true)
                });
                let real = links::real(host, path.as_slice());
                let file = owners.add(real.as_slice()).and_then(|row| u16::try_from(row).ok());
                let script = is_script(host, path.as_slice());
                // All that there can be fit.
                let _ = self.rows.push(Row { dir, name, change, original, upgraded: false, script, file });
            }
        }
        coverage.absent = self.rows.is_empty() && coverage.gaps == 0;
        if self.rows.iter().any(|row| row.change != Change::None || row.script) {
            upgrade::each(host, coverage, &mut |upgraded| {
                for row in &mut self.rows {
                    let path = path(row.dir, row.name);
                    // A package has /bin/x although /bin leads to /usr/bin.
                    let merged = path.as_slice().strip_prefix(b"/usr");
                    row.upgraded |= path.as_slice() == upgraded || merged == Some(upgraded);
                }
            });
        }
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self::new()
    }
}

fn path(dir: &[u8], name: &[u8]) -> Bytes<32> {
    let mut path = Bytes::of(b"/");
    for part in [dir, b"/", name] {
        path.push(part);
    }
    path
}

fn is_script<H: Host>(host: &H, path: &[u8]) -> bool {
    let mut start = Bytes::<2>::new();
    let read = host.file(relative(path)).and_then(|(mut file, _)| fill(&mut file, &mut start));
    read.is_ok() && start.as_slice() == b"#!"
}

struct Tool<'a, H: Host> {
    host: &'a H,
    mounts: &'a Mounts,
    truths: &'a Truths,
    dir: &'static [u8],
    name: &'static [u8],
    now: Kind,
}

impl<H: Host> Tool<'_, H> {
    /// In what it differs from the image's, and whether it is the image's own.
    fn compare(&mut self, dir: &H::Dir) -> Result<(Change, bool), Fault> {
        let path = path(self.dir, self.name);
        let path = path.as_slice();
        // Of what is mounted over it the mounts speak.
        if !self.truths.has_rom() || self.mounts.is_on(path) {
            return Ok((Change::None, self.mounts.is_on(path) || self.mounts.over(path).image));
        }
        let image = self.host.dir(below(b"rom/", self.dir).as_slice());
        let then =
            match image.and_then(|image| self.host.kind_at(&image, self.name).map(|kind| (image, kind))) {
                Ok((image, Kind::Link)) => Some(self.target(&image)?),
                Ok((_, Kind::File(_))) => None,
                Ok(_) => return Ok((Change::None, false)),
                Err(fault) if fault.is_absence() => return Ok((Change::None, false)),
                Err(fault) => return Err(fault),
            };
        match (then, self.now) {
            (Some(then), Kind::Link) => {
                let now = self.target(dir)?;
                let same = one_step(path, now.as_slice()) == one_step(path, then.as_slice());
                Ok(if same { (Change::None, true) } else { (Change::Linked, false) })
            }
            (None, Kind::Link) => Ok((Change::Linked, false)),
            // A copy of what the link led to is no other tool.
            (Some(_), _) => {
                Ok(if self.is_same(path)? { (Change::None, true) } else { (Change::Unlinked, false) })
            }
            (None, _) if self.is_below_nothing() => Ok((Change::None, true)),
            (None, _) => {
                Ok(if self.is_same(path)? { (Change::None, true) } else { (Change::Content, false) })
            }
        }
    }

    fn target(&self, dir: &H::Dir) -> Result<Bytes<PATH_BYTES>, Fault> {
        let mut target = Bytes::new();
        target.fill(|into| self.host.link_at(dir, self.name, into))?;
        Ok(target)
    }

    /// Whether the upper layer has nothing here, so that it is the image's file that is seen. A layer that something is
    /// mounted over says nothing.
    fn is_below_nothing(&self) -> bool {
        let on = |point: &[u8]| self.mounts.iter().filter(|(other, _)| *other == point).count();
        on(b"/overlay/upper") == 0
            && on(b"/overlay") < 2
            && upgrade::in_upper(self.host, self.dir, self.name) == Some(false)
    }

    /// Whether it holds what the image has.
    fn is_same(&self, path: &[u8]) -> Result<bool, Fault> {
        let (mut then, original) = match self.host.file(below(b"rom", path).as_slice()) {
            // A link of the image that led to something that is gone.
            Err(fault) if fault.is_absence() => return Ok(false),
            opened => opened?,
        };
        let (mut now, identity) = self.host.file(relative(path))?;
        Ok(original.is(&identity)
            || original.size == identity.size && same(&mut now, &mut then, COMPARED_BYTES)?)
    }
}

/// Calls `each` with everything that is mounted over a tool or a directory of them. What leads to the same place as
/// before covers nothing: systemd binds directories to themselves to make them read-only.
pub fn covers<H: Host>(host: &H, mounts: &mut Mounts, each: &mut dyn FnMut(&Cover<'_>)) {
    let (mut root, mut part, mut sandbox) = (Bytes::<16>::new(), Bytes::<PATH_BYTES>::new(), false);
    let mut note = |mount: &Mount<'_>| {
        if mount.point == b"/" {
            root = Bytes::of(mount.device);
            part = Bytes::of(mount.top.strip_suffix(b"/").unwrap_or(mount.top));
            // bubblewrap(1) puts everything into one.
            sandbox = mount.kind == b"tmpfs";
        }
    };
    mounts::read(host, mounts, &mut Coverage::new(), &mut note);
    mounts::read(host, mounts, &mut Coverage::new(), &mut |mount| {
        let inner = relative(mount.point);
        let whole = DIRS.contains(&inner);
        let dir = inner.get(..inner.len().saturating_sub(basename(inner).len().saturating_add(1)));
        let tool = dir.is_some_and(|dir| DIRS.contains(&dir)) && NAMES.contains(&basename(inner));
        let own = !root.is_empty()
            && mount.device == root.as_slice()
            && mount.top.strip_prefix(part.as_slice()) == Some(mount.point);
        if (tool || whole && !sandbox) && !own {
            let Mount { point, kind, source, top, .. } = *mount;
            each(&Cover { point, whole, memory: mount.is_memory(), kind, source, top });
        }
    });
}
