//! What the fuzz targets share: texts cut into lines, and a machine whose files are the input.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::rc::Rc;

use gatewatch::check::{Ctx, Selection};
use gatewatch::checks;
use gatewatch::engine::{Plan, Scratch, scan as run};
use gatewatch::facts::about::{About, Endian};
use gatewatch::facts::netlink::SetName;
use gatewatch::host::{Dump, Fault, Host, Identity, Kind};
use gatewatch::intel::Intel;
use gatewatch::limits::JSON_BYTES;
use gatewatch::report::json::Json;
use gatewatch::source::hidden::Turn;

/// Both byte orders of routers.
pub const ENDIANS: [Endian; 2] = [Endian::Little, Endian::Big];

/// The lines of a text.
pub fn rows(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n')
}

/// Files of a machine that are read: of one process, of the kernel, of the system. A name with `@` is a link.
const PATHS: [&str; 72] = [
    "proc/7/stat",
    "proc/7/status",
    "proc/7/cmdline",
    "proc/7/environ",
    "proc/7/maps",
    "@proc/7/exe",
    "@proc/7/fd/0",
    "@proc/7/fd/3",
    "proc/7/fdinfo/3",
    "proc/1/stat",
    "@proc/1/exe",
    "proc/1/cmdline",
    "@proc/1/fd/4",
    "proc/mounts",
    "proc/self/mountinfo",
    "proc/modules",
    "proc/net/tcp",
    "proc/net/tcp6",
    "proc/net/udp",
    "proc/net/udp6",
    "proc/net/raw",
    "proc/net/packet",
    "proc/net/unix",
    "proc/net/route",
    "proc/net/fib_trie",
    "proc/net/ipv6_route",
    "proc/net/if_inet6",
    "proc/net/nf_conntrack",
    "proc/net/arp",
    "proc/sys/kernel/core_pattern",
    "proc/sys/kernel/modprobe",
    "sys/class/net/tun0/tun_flags",
    "sys/class/net/tun0/uevent",
    "sys/class/net/gre1/type",
    "sys/class/net/gre1/broadcast",
    "etc/rc.local",
    "etc/inittab",
    "etc/crontabs/root",
    "etc/crontab",
    "etc/init.d/x",
    "rom/etc/init.d/x",
    "@etc/rc.d/S50x",
    "etc/systemd/system/x.service",
    "etc/profile",
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/dropbear/authorized_keys",
    "etc/ld.so.preload",
    "etc/inetd.conf",
    "etc/dnsmasq.conf",
    "etc/hosts",
    "etc/resolv.conf",
    "tmp/dhcp.leases",
    "etc/openvpn/x.conf",
    "etc/config/firewall",
    "etc/config/network",
    "etc/config/dhcp",
    "etc/config/upnpd",
    "etc/miniupnpd.conf",
    "var/run/miniupnpd.leases",
    "etc/openwrt_release",
    "usr/lib/opkg/info/x.list",
    "usr/lib/opkg/status",
    "var/lib/dpkg/info/x.list",
    "lib/apk/db/installed",
    "www/cgi-bin/x",
    "www/x.php",
    "usr/lib/lua/luci/x.lua",
    "tmp/nvram.txt",
    "tmp/x",
    "usr/sbin/x",
];

/// What the kernel or a recording answers, by the names of recordings.
const DUMPS: [&str; 17] = [
    "packet_diag.bin",
    "addresses.bin",
    "routes.bin",
    "links.bin",
    "neighbours.bin",
    "flows.bin",
    "tcp_diag.bin",
    "tcp6_diag.bin",
    "udp_diag.bin",
    "udp6_diag.bin",
    "nft_chains.bin",
    "nft_rules.bin",
    SetName::RECORDED,
    "ip_tables_nat.bin",
    "ip6_tables_filter.bin",
    "pids",
    "nvram",
];

#[derive(Clone)]
enum Node {
    File(Rc<[u8]>),
    Link(Rc<[u8]>),
}

/// A machine whose files came from the input.
struct Machine {
    nodes: BTreeMap<String, Node>,
    about: About,
}

impl Machine {
    /// `WHICH LENGTH LENGTH BYTES…`, again and again; the first byte says what kind of machine it is.
    fn of(input: &[u8]) -> Self {
        let (kind, mut rest) = input.split_first().unwrap_or((&0, &[]));
        let endian = match kind % 3 {
            0 => Some(Endian::Little),
            1 => Some(Endian::Big),
            _ => None,
        };
        let mut nodes = BTreeMap::new();
        while let [which, low, high, more @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(more.len());
            let (bytes, after) = more.split_at(length);
            rest = after;
            let which = usize::from(*which) % (PATHS.len() + DUMPS.len());
            let (path, node) = match PATHS.get(which) {
                Some(path) => match path.strip_prefix('@') {
                    Some(path) => (path.to_owned(), Node::Link(bytes.into())),
                    None => ((*path).to_owned(), Node::File(bytes.into())),
                },
                None => (format!("dumps/{}", DUMPS[which - PATHS.len()]), Node::File(bytes.into())),
            };
            nodes.insert(path, node);
        }
        Self { nodes, about: About { live: kind & 0x80 != 0, endian } }
    }

    /// With these files alone, little-endian.
    fn with(files: &[(&str, &[u8])]) -> Self {
        let nodes = files.iter().map(|(path, bytes)| ((*path).to_owned(), Node::File((*bytes).into())));
        Self { nodes: nodes.collect(), about: About { live: false, endian: Some(Endian::Little) } }
    }

    fn node(&self, path: &[u8]) -> Result<&Node, Fault> {
        let path = str::from_utf8(path).map_err(|_| Fault::NotFound)?;
        let below = format!("{path}/");
        let is_dir = || self.nodes.keys().any(|other| other.starts_with(&below));
        self.nodes.get(path).ok_or_else(|| if is_dir() { Fault::Directory } else { Fault::NotFound })
    }

    fn open(&self, path: &[u8]) -> Result<(File, Identity), Fault> {
        match self.node(path)? {
            Node::File(bytes) => {
                let inode =
                    path.iter().fold(7_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(*b)));
                let size = bytes.len() as u64;
                Ok((File(bytes.clone(), 0), Identity { device: 1, inode, size, mode: 0o100_755, uid: 0 }))
            }
            Node::Link(_) => Err(Fault::NotFound),
        }
    }
}

struct File(Rc<[u8]>, usize);

impl embedded_io::ErrorType for File {
    type Error = Fault;
}

impl embedded_io::Read for File {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let rest = &self.0[self.1..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.1 += length;
        Ok(length)
    }
}

fn joined(at: &[u8], name: &[u8]) -> Vec<u8> {
    [at, if at.is_empty() { b"" } else { b"/" }, name].concat()
}

impl Host for Machine {
    type Dir = Vec<u8>;
    type File = File;

    fn about(&self) -> About {
        self.about
    }

    fn dir(&self, path: &[u8]) -> Result<Vec<u8>, Fault> {
        match self.node(path) {
            Err(Fault::Directory) => Ok(path.to_vec()),
            Ok(_) => Err(Fault::NotDirectory),
            Err(fault) => Err(fault),
        }
    }

    fn file(&self, path: &[u8]) -> Result<(File, Identity), Fault> {
        self.open(path)
    }

    fn dir_at(&self, at: &Vec<u8>, name: &[u8]) -> Result<Vec<u8>, Fault> {
        self.dir(&joined(at, name))
    }

    fn file_at(&self, at: &Vec<u8>, name: &[u8]) -> Result<File, Fault> {
        self.open(&joined(at, name)).map(|(file, _)| file)
    }

    fn link_at(&self, at: &Vec<u8>, name: &[u8], into: &mut [u8]) -> Result<usize, Fault> {
        match self.node(&joined(at, name))? {
            Node::Link(target) => {
                let length = target.len().min(into.len());
                into[..length].copy_from_slice(&target[..length]);
                Ok(length)
            }
            Node::File(_) => Err(Fault::Errno(22)),
        }
    }

    fn list(&self, at: &Vec<u8>, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        let below = if at.is_empty() { Vec::new() } else { joined(at, b"") };
        let mut last = &b""[..];
        for path in self.nodes.keys() {
            let Some(rest) = path.as_bytes().strip_prefix(&below[..]) else { continue };
            let name = rest.split(|b| *b == b'/').next().unwrap_or_default();
            if name != last {
                each(name);
            }
            last = name;
        }
        Ok(())
    }

    fn kind_at(&self, at: &Vec<u8>, name: &[u8]) -> Result<Kind, Fault> {
        let path = if name == b"." { at.clone() } else { joined(at, name) };
        match self.node(&path) {
            Ok(Node::Link(_)) => Ok(Kind::Link),
            Ok(Node::File(_)) => self.open(&path).map(|(_, identity)| Kind::File(identity)),
            Err(Fault::Directory) => {
                Ok(Kind::Dir(Identity { device: 1, inode: path.len() as u64, ..Identity::default() }))
            }
            Err(fault) => Err(fault),
        }
    }

    fn program_of(&self, _: &Vec<u8>) -> Result<Identity, Fault> {
        Err(Fault::NotFound)
    }

    fn in_memory(&self, path: &[u8]) -> Result<bool, Fault> {
        Ok(path.starts_with(b"tmp"))
    }

    fn is_sealed(&self, _: &[u8]) -> bool {
        false
    }

    fn answers(&self, _: u32) -> Result<bool, Fault> {
        Err(Fault::NotFound)
    }

    fn dump(&self, dump: Dump<'_>) -> Result<File, Fault> {
        let name = match dump {
            Dump::Netlink(question) => question.recorded().to_owned(),
            Dump::Set(_) => SetName::RECORDED.to_owned(),
            Dump::Xtables { ip6, table } => format!("{}_tables_{table}.bin", if ip6 { "ip6" } else { "ip" }),
            Dump::Pids => "pids".to_owned(),
            Dump::Nvram => "nvram".to_owned(),
        };
        self.open(format!("dumps/{name}").as_bytes()).map(|(file, _)| file)
    }

    fn pause(&self, _: u32) {}
}

/// What was said.
struct Said(Vec<u8>);

impl embedded_io::ErrorType for Said {
    type Error = Fault;
}

impl embedded_io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

type Tables = (Box<Scratch>, Box<[u8; JSON_BYTES]>);

thread_local! {
    static TABLES: RefCell<Tables> = RefCell::new((Box::new(Scratch::new()), Box::new([0; JSON_BYTES])));
}

/// A recording as an input: of the files that are read the first bytes.
pub fn packed(recording: &Path) -> Vec<u8> {
    let about = fs::read_to_string(recording.join("about.toml")).unwrap_or_default();
    let mut input = vec![u8::from(about.contains("\"big\""))];
    let dumps = DUMPS.map(|name| format!("dumps/{name}"));
    let files = PATHS.iter().map(|path| format!("root/{path}")).chain(dumps);
    for (which, path) in files.enumerate() {
        let bytes = match path.split_once('@') {
            Some((root, path)) => {
                fs::read_link(recording.join(root).join(path)).map(|to| to.into_os_string().into_vec())
            }
            None => fs::read(recording.join(path)),
        };
        // Of processes there is one at these paths; others would need others.
        let Ok(mut bytes) = bytes else { continue };
        bytes.truncate(4000);
        let [low, high] = u16::try_from(bytes.len()).unwrap_or_default().to_le_bytes();
        input.extend([u8::try_from(which).unwrap_or_default(), low, high]);
        input.extend(bytes);
    }
    input
}

/// Scans the machine that an input is.
pub fn scan(input: &[u8]) {
    look(&Machine::of(input), &|_| true);
}

/// Scans a machine that has these files alone, with some of the checks.
pub fn scan_files(files: &[(&str, &[u8])], checks: &[&str]) {
    look(&Machine::with(files), &|id| checks.contains(&id));
}

/// What is said must be UTF-8 without control characters, and must end.
fn look(machine: &Machine, wanted: &dyn Fn(&str) -> bool) {
    const LIVE: &[u8] = include_bytes!("../../tests/intel/live.gwi");
    let intel = [Intel::open(LIVE).unwrap()];
    let ctx =
        Ctx { intel: &intel, families: None, sieve: None, now: Some(1_795_341_600), own_pids: [4711, 4712] };
    let chosen = checks::ALL.iter().enumerate().filter(|(_, check)| wanted(check.id));
    let plan = Plan {
        selection: chosen.fold(Selection::NONE, |all, (index, _)| all.with(index)),
        ctx,
        intel_gap: b"",
        intel_named: true,
        baseline: None,
        baseline_gap: b"",
        turn: Turn::ALL,
    };
    let mut said = Said(Vec::new());
    TABLES
        .with_borrow_mut(|(tables, line)| run(machine, &plan, tables, &mut Json::new(&mut said, line, true)))
        .unwrap();
    let said = str::from_utf8(&said.0).unwrap();
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said}");
}
