//! Where names are answered: resolv.conf(5), dnsmasq and what it includes, OpenWrt's settings, hosts files, NVRAM, and the
//! settings of other resolvers. Each file is handed out statement by statement, as often as somebody wants to hear it.

mod file;
mod files;
mod known;
mod places;
mod uci;
pub mod weigh;

use core::net::IpAddr;

use super::owner::relative;
use super::{Coverage, nvram};
use crate::facts::dnsmasq::More;
use crate::facts::names::{Hand, Use};
use crate::facts::text::{Bytes, trim};
use crate::host::{Dump, Fault, Host, Identity};
use crate::limits::{CONFIG_FILES, MORE_FILES, NAME_FILES, NAMES_BYTES, PATH_BYTES};
use places::{NVRAM_AT, OLD, PLACES};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// resolv.conf(5).
    Resolv,
    /// dnsmasq(8).
    Dnsmasq,
    /// hosts(5).
    Hosts,
    /// OpenWrt's `/etc/config/network`.
    Network,
    /// OpenWrt's `/etc/config/dhcp`.
    Dhcp,
    /// Variables.
    Nvram,
    /// Words, and addresses behind them.
    Words(&'static [&'static [u8]], Use),
}

/// What a file says of names.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The file, `/` first.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// Whose hand wrote it.
    pub hand: Hand,
    /// What it is.
    pub what: What<'a>,
}

/// What is said.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// Names below `domains`, with slashes between, or all, are asked of `target`. `text` is both as it stands there.
    Server {
        /// `a.example/b.example`.
        domains: &'a [u8],
        /// `192.0.2.1#53`.
        target: &'a [u8],
        /// `/a.example/b.example/192.0.2.1#53`.
        text: &'a [u8],
    },
    /// Whoever is served is told of somebody.
    Option(Use, &'a [u8]),
    /// A name leads somewhere.
    Name(&'a [u8], To<'a>),
    /// Something more is to be read.
    More(More, &'a [u8]),
}

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To<'a> {
    /// To an address.
    At(IpAddr),
    /// Nowhere.
    Nowhere,
    /// To another name.
    Alias(&'a [u8]),
}

/// Who listens.
pub trait Listener {
    /// A file is there and follows. Whether to read it.
    fn file(&mut self, path: &[u8], format: Format) -> bool;
    /// What it says.
    fn said(&mut self, said: &Said<'_>);
    /// It is at its end. Whether to say all of it once more, to [`again`](Listener::again).
    fn end(&mut self) -> bool;
    /// What it says, once more.
    fn again(&mut self, said: &Said<'_>);
    /// Something in it, or all of it, could not be read.
    fn missed(&mut self, path: &[u8], format: Format);
}

/// Something that a file names, to be read too.
#[derive(Clone, Debug)]
struct Further {
    path: Bytes<256>,
    kind: More,
    hand: Hand,
}

/// Files to be read, and those that were.
pub struct Names<'a, H: Host> {
    host: &'a H,
    coverage: &'a mut Coverage,
    listener: &'a mut dyn Listener,
    /// Files that were read, by device and inode: many have several names.
    seen: heapless::Vec<(u64, u64), NAME_FILES>,
    more: heapless::Vec<Further, MORE_FILES>,
    /// Bytes that may still be read.
    left: u64,
}

/// The logs that the configuration names.
pub type Logs = heapless::Vec<Bytes<256>, 4>;

impl<'a, H: Host> Names<'a, H> {
    /// Nothing is read yet.
    pub fn new(host: &'a H, coverage: &'a mut Coverage, listener: &'a mut dyn Listener) -> Self {
        let (seen, more) = (heapless::Vec::new(), heapless::Vec::new());
        Self { host, coverage, listener, seen, more, left: NAMES_BYTES }
    }

    /// Reads all of them. Returns the logs that they name.
    pub fn run(mut self) -> Logs {
        for (at, place) in PLACES.iter().enumerate() {
            if at == NVRAM_AT {
                self.nvram();
            }
            if place.dir.is_empty() {
                self.read(place.prefix, place.format, place.hand);
            } else {
                let chosen = |name: &[u8]| {
                    let old = OLD.iter().any(|end| name.ends_with(end));
                    name.starts_with(place.prefix) && name.ends_with(place.suffix) && !old
                };
                self.directory(place.dir, &chosen, place.format, place.hand);
            }
        }
        let (mut logs, mut at) = (Logs::new(), 0_usize);
        // What is named there is followed once each: circles end.
        while let Some(Further { path, kind, hand }) = self.more.get(at).cloned() {
            at = at.saturating_add(1);
            let path = path.as_slice();
            match kind {
                More::Configuration | More::Servers => self.read(path, Format::Dnsmasq, hand),
                More::Configurations => self.configurations(path, hand),
                More::Hosts if self.host.dir(relative(path)).is_ok() => {
                    self.directory(path, &|_| true, Format::Hosts, hand);
                }
                More::Hosts => self.read(path, Format::Hosts, hand),
                More::Resolv => self.read(path, Format::Resolv, Hand::Made),
                More::Log => {
                    if logs.push(Bytes::of(path)).is_err() {
                        self.coverage.gap(path, format_args!("more logs of names than are read"));
                    }
                }
            }
        }
        logs
    }

    /// Whether anybody says here whom to ask: a router's list is made when it has booted.
    pub fn has_resolvers(host: &H) -> bool {
        PLACES.iter().filter(|place| place.format == Format::Resolv).any(|place| {
            if place.dir.is_empty() {
                return host.file(place.prefix).is_ok();
            }
            let mut any = false;
            if let Ok(dir) = host.dir(place.dir) {
                // What could not be listed is said when it is read.
                let _ = host.list(&dir, &mut |name| any |= host.file_at(&dir, name).is_ok());
            }
            any
        })
    }

    /// `conf-dir=/etc/x,*.conf,*.y` and `conf-dir=/etc/x,.bak`: files that end so only, or all but those.
    fn configurations(&mut self, value: &[u8], hand: Hand) {
        let mut parts = value.split(|byte| *byte == b',').map(trim);
        let dir = Bytes::<256>::of(parts.next().unwrap_or_default());
        let filters = || value.split(|byte| *byte == b',').skip(1).map(trim).filter(|part| !part.is_empty());
        let only = || filters().filter_map(|filter| filter.strip_prefix(b"*"));
        let chosen = |name: &[u8]| {
            let wanted = only().next().is_none() || only().any(|end| name.ends_with(end));
            let not = |filter: &[u8]| filter.first() != Some(&b'*') && name.ends_with(filter);
            wanted && !filters().any(not)
        };
        self.directory(dir.as_slice(), &chosen, Format::Dnsmasq, hand);
    }

    /// Reads the files of a directory that are chosen by their name.
    fn directory(&mut self, place: &[u8], chosen: &dyn Fn(&[u8]) -> bool, format: Format, hand: Hand) {
        let host = self.host;
        let place = relative(place.strip_suffix(b"/").unwrap_or(place));
        let dir = match host.dir(place) {
            Ok(dir) => dir,
            Err(Fault::NotFound | Fault::NotDirectory) => return,
            Err(fault) => return self.missed(place, format, fault),
        };
        let (mut left, mut full) = (CONFIG_FILES, false);
        let listed = host.list(&dir, &mut |name| {
            // dnsmasq and editors leave these aside.
            let aside = name.ends_with(b"~") || name.starts_with(b".") || name.starts_with(b"#");
            if aside || !chosen(name) {
                return;
            }
            let Some(less) = left.checked_sub(1) else {
                full = true;
                return;
            };
            left = less;
            let mut path = Bytes::<PATH_BYTES>::of(place);
            path.push(b"/");
            path.push(name);
            self.read(path.as_slice(), format, hand);
        });
        if full {
            self.coverage.gap(rooted(place).as_slice(), format_args!("more than {CONFIG_FILES} files"));
            self.listener.missed(place, format);
        }
        if let Err(fault) = listed {
            self.missed(place, format, fault);
        }
    }

    fn missed(&mut self, path: &[u8], format: Format, fault: Fault) {
        self.coverage.gap(rooted(path).as_slice(), format_args!("{fault}"));
        self.listener.missed(path, format);
    }

    /// Reads a file once, if it is there, and once more, if the listener wants it.
    fn read(&mut self, path: &[u8], format: Format, hand: Hand) {
        let host = self.host;
        let identity = match host.file(relative(path)) {
            Ok((_, identity)) => identity,
            Err(Fault::NotFound | Fault::NotDirectory | Fault::Directory) => return,
            Err(fault) => return self.missed(path, format, fault),
        };
        let Identity { device, inode, .. } = identity;
        if self.seen.contains(&(device, inode)) {
            return;
        }
        if self.seen.push((device, inode)).is_err() {
            self.coverage.gap(
                rooted(path).as_slice(),
                format_args!("more than {NAME_FILES} files say how names are resolved"),
            );
            return self.listener.missed(path, format);
        }
        self.hear(rooted(path).as_slice(), format, hand, &|| host.file(relative(path)).map(|(file, _)| file));
    }

    fn nvram(&mut self) {
        let host = self.host;
        let open = || host.dump(Dump::Nvram);
        if open().is_ok() {
            self.hear(nvram::DUMP, Format::Nvram, Hand::Owner, &open);
        }
        for path in nvram::FILES {
            self.read(path, Format::Nvram, Hand::Owner);
        }
    }

    fn hear(&mut self, path: &[u8], format: Format, hand: Hand, open: &dyn Fn() -> Result<H::File, Fault>) {
        if !self.listener.file(path, format) {
            return;
        }
        let (before, mut odd) = (self.left, None);
        let Self { more, listener, left, .. } = self;
        let mut lost = false;
        let mut first = |said: &Said<'_>| match said.what {
            What::More(kind, at) => {
                let path = Bytes::of(at);
                if !more.iter().any(|known| known.path == path && known.kind == kind) {
                    lost |= path.is_cut() || more.push(Further { path, kind, hand }).is_err();
                }
            }
            _ => listener.said(said),
        };
        let file = file::File { path, format, hand };
        let mut done = open().and_then(|mut opened| file.read(&mut opened, left, &mut odd, &mut first));
        if listener.end() && done.is_ok() {
            // What was read once may be read once more.
            let (mut left, mut odd) = (before, None);
            done = open().and_then(|mut opened| {
                file.read(&mut opened, &mut left, &mut odd, &mut |said| listener.again(said))
            });
        }
        if lost {
            self.coverage.gap(path, format_args!("names more than {MORE_FILES} further files"));
            self.listener.missed(path, format);
        }
        if let Some(line) = odd {
            self.coverage.gap(path, format_args!("line {line} is too long, or is none"));
            self.listener.missed(path, format);
        }
        match done {
            Ok(()) | Err(Fault::NotFound) => {}
            Err(Fault::Large) => {
                let what = format_args!(
                    "of all that says how names are resolved only {NAMES_BYTES} bytes were read"
                );
                self.coverage.gap(path, what);
                self.listener.missed(path, format);
            }
            Err(fault) => self.missed(path, format, fault),
        }
    }
}

/// A path from the root, `/` first.
fn rooted(path: &[u8]) -> Bytes<PATH_BYTES> {
    let mut whole = Bytes::of(b"/");
    whole.push(relative(path));
    whole
}

#[cfg(test)]
mod tests;
