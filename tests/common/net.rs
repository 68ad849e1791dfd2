//! A LAN client, a router and the world beyond it, each a network namespace of its own; traffic between them.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::fs::{self, File};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::sockopt::ReuseAddr;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
};

use crate::scan::{
    GATEWATCH, Guard, Outcome, Planted, Sleeper, Tree, UNSIGNED, need_root, run, scan, start, wait_for,
};

/// Who looks or speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A computer behind the router: 192.168.1.10 and 2001:db8:1::10 on `eth0`.
    Client,
    /// The router: 192.168.1.1 and 2001:db8:1::1 on `br-lan`, 192.0.2.2 and 2001:db8:ff::2 on `eth1`.
    Router,
    /// The world: 192.0.2.1 and 2001:db8:ff::1 on `eth0`, and all of 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/64,
    /// 2001:db8:bad::/64. What is sent to others, as 198.18.0.0/15 and 2001:db8:dead::/64, is never answered.
    World,
}

/// What the router's packet filter is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// nft: masquerading and tracking as fw4 asks for.
    Nft,
    /// iptables-legacy and ip6tables-legacy: the same as fw3 asks for.
    Legacy,
    /// Nothing: no packet is tracked, and the client's are forwarded as they are.
    None,
}

pub(crate) const CLIENT: &str = "192.168.1.10";
pub(crate) const CLIENT6: &str = "2001:db8:1::10";
pub(crate) const ROUTER: &str = "192.168.1.1";
pub(crate) const ROUTER_WAN: &str = "192.0.2.2";
pub(crate) const ROUTER_WAN6: &str = "2001:db8:ff::2";
pub(crate) const WORLD: &str = "192.0.2.1";

/// The client's hardware address, which nobody else has.
pub(crate) const CLIENT_MAC: &str = "02:67:77:00:00:10";

const NFT: &str = "
table inet fw4 {
 chain forward { type filter hook forward priority filter; ct state established,related accept; }
 chain output { type filter hook output priority filter; ct state established,related accept; }
 chain srcnat { type nat hook postrouting priority srcnat; oifname eth1 meta nfproto ipv4 masquerade; }
}";

const LEGACY: [&str; 6] = [
    "iptables-legacy -t nat -A POSTROUTING -o eth1 -j MASQUERADE",
    "iptables-legacy -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "iptables-legacy -A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ip6tables-legacy -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ip6tables-legacy -A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "ip6tables-legacy -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
];

/// What is made, `NAME` standing for the beginning of the namespaces' names.
const LINKS: [&str; 27] = [
    "link add lan0 netns NAME-r type veth peer name eth0 netns NAME-c",
    "link add eth1 netns NAME-r type veth peer name eth0 netns NAME-w",
    "-n NAME-r link set lan0 name br-lan",
    "-n NAME-c link set eth0 address 02:67:77:00:00:10",
    "-n NAME-c link set lo up",
    "-n NAME-c link set eth0 up",
    "-n NAME-r link set lo up",
    "-n NAME-r link set br-lan up",
    "-n NAME-r link set eth1 up",
    "-n NAME-w link set lo up",
    "-n NAME-w link set eth0 up",
    "-n NAME-c address add 192.168.1.10/24 dev eth0",
    "-n NAME-c address add 2001:db8:1::10/64 dev eth0 nodad",
    "-n NAME-r address add 192.168.1.1/24 dev br-lan",
    "-n NAME-r address add 2001:db8:1::1/64 dev br-lan nodad",
    "-n NAME-r address add 192.0.2.2/24 dev eth1",
    "-n NAME-r address add 2001:db8:ff::2/64 dev eth1 nodad",
    "-n NAME-w address add 192.0.2.1/24 dev eth0",
    "-n NAME-w address add 2001:db8:ff::1/64 dev eth0 nodad",
    "-n NAME-w address add 198.51.100.1/24 dev lo",
    "-n NAME-w address add 203.0.113.1/24 dev lo",
    "-n NAME-w address add 2001:db8::7/128 dev lo nodad",
    "-n NAME-w address add 2001:db8:bad::7/128 dev lo nodad",
    "-n NAME-w -6 route add local 2001:db8::/64 dev lo",
    "-n NAME-w -6 route add local 2001:db8:bad::/64 dev lo",
    "-n NAME-w -6 route add 2001:db8:1::/64 via 2001:db8:ff::2",
    "-n NAME-w -6 route add blackhole 2001:db8:dead::/64",
];

/// The three of them. Their names are this process's own; they are gone when dropped, after a failed test too.
pub(crate) struct Net {
    name: String,
}

impl Net {
    pub(crate) fn new(filter: Filter) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        need_root();
        sweep();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let net = Self { name: format!("gatewatch-{}-{count}", std::process::id()) };
        let ip = |words: &str| said(Command::new("ip").args(words.replace("NAME", &net.name).split(' ')));
        for end in ["c", "r", "w"] {
            ip(&format!("netns add NAME-{end}"));
        }
        LINKS.iter().for_each(|words| drop(ip(words)));
        for (end, v4, v6) in [("c", "192.168.1.1", "2001:db8:1::1"), ("r", "192.0.2.1", "2001:db8:ff::1")] {
            ip(&format!("-n NAME-{end} route add default via {v4}"));
            ip(&format!("-n NAME-{end} -6 route add default via {v6}"));
        }
        net.inside(At::Router, || {
            fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
            fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        });
        match filter {
            Filter::Nft => net.nft(NFT),
            Filter::Legacy => LEGACY.iter().for_each(|words| drop(net.ran(At::Router, words))),
            Filter::None => {}
        }
        net
    }

    /// The name of a namespace, as `ip netns` lists it.
    pub(crate) fn name(&self, at: At) -> String {
        let end = match at {
            At::Client => "c",
            At::Router => "r",
            At::World => "w",
        };
        format!("{}-{end}", self.name)
    }

    /// Does something in a namespace: sockets that are made there stay there, programs that are started there too.
    pub(crate) fn inside<T: Send>(&self, at: At, action: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(Path::new("/run/netns").join(self.name(at))).unwrap();
        // A thread has a network namespace of its own.
        let done = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&namespace, CloneFlags::CLONE_NEWNET).unwrap();
                action()
            });
            thread.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs a program to its end, which must be a good one: what it wrote.
    pub(crate) fn ran(&self, at: At, words: &str) -> String {
        self.inside(at, || said(Command::new("sh").args(["-c", words])))
    }

    /// Takes rules into the router's nf_tables.
    pub(crate) fn nft(&self, rules: &str) {
        self.inside(At::Router, || {
            let mut command = Command::new("nft");
            let mut child = Guard(command.args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap());
            child.0.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
            assert!(child.0.wait().unwrap().success(), "nft: {rules}");
        });
    }

    /// Starts a program that is ended when dropped.
    pub(crate) fn started(&self, at: At, command: &mut Command) -> Guard {
        self.inside(at, || start(command))
    }

    /// Answers connections there, as many as are asked for; at `[::]:PORT` those of IPv4 too.
    pub(crate) fn listen(&self, at: At, address: &str) -> TcpListener {
        let address: SocketAddr = address.parse().unwrap();
        self.inside(at, || {
            let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
            let made = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
            setsockopt(&made, ReuseAddr, &true).unwrap();
            bind(made.as_raw_fd(), &SockaddrStorage::from(address)).unwrap();
            listen(&made, Backlog::MAXCONN).unwrap();
            TcpListener::from(made)
        })
    }

    /// Connects from there, and holds the connection until it is dropped.
    pub(crate) fn connect(&self, at: At, to: &str) -> TcpStream {
        let to: SocketAddr = to.parse().unwrap();
        self.inside(at, || {
            TcpStream::connect_timeout(&to, Duration::from_secs(5)).unwrap_or_else(|e| panic!("{to}: {e}"))
        })
    }

    /// Asks for connections that nobody answers, and goes on asking until they are dropped.
    pub(crate) fn attempt(&self, at: At, to: impl IntoIterator<Item = SocketAddr> + Send) -> Vec<OwnedFd> {
        self.inside(at, || {
            let attempts = to.into_iter().map(|to| {
                let family = if to.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
                let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
                let made = socket(family, SockType::Stream, flags, None).unwrap();
                let raw = made.as_raw_fd();
                let begun = nix::sys::socket::connect(raw, &SockaddrStorage::from(to));
                assert_eq!(begun, Err(nix::errno::Errno::EINPROGRESS), "{to}");
                made
            });
            attempts.collect()
        })
    }

    /// Sends a datagram from `at` to `to`, which is an address of `other`, and answers it if that is said. Both sockets.
    pub(crate) fn datagram(&self, at: At, to: &str, other: At, answer: bool) -> (UdpSocket, UdpSocket) {
        let to: SocketAddr = to.parse().unwrap();
        let any: IpAddr = if to.is_ipv6() { [0_u16; 8].into() } else { [0; 4].into() };
        let far = self.inside(other, || UdpSocket::bind(to).unwrap());
        let near = self.inside(at, || UdpSocket::bind((any, 0)).unwrap());
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        near.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        near.send_to(b"?", to).unwrap();
        let (_, from) = far.recv_from(&mut [0; 8]).unwrap();
        if answer {
            far.send_to(b"!", from).unwrap();
            near.recv_from(&mut [0; 8]).unwrap();
        }
        (near, far)
    }

    /// A planted program of the router that holds this socket.
    pub(crate) fn holding(&self, program: &Planted, socket: impl Into<OwnedFd>) -> Sleeper {
        let socket = socket.into();
        self.inside(At::Router, move || {
            Sleeper::start(&program.exe, ":", |command| {
                command.stdout(socket);
            })
        })
    }

    /// A planted program of the router that holds an interface of tun(4), which is gone with it: a copy of socat.
    pub(crate) fn tunnel(&self, program: &Planted, name: &str) -> Guard {
        program.copy("/usr/bin/socat");
        let address = format!("TUN:10.77.0.1/24,tun-name={name},iff-up");
        let holder = self.started(At::Router, Command::new(&program.exe).args([&address, "PIPE"]));
        wait_for("the interface", || {
            self.inside(At::Router, || {
                fs::read_to_string("/proc/thread-self/net/dev").unwrap().contains(name).then_some(())
            })
        });
        holder
    }

    /// The same with `/sys` of the router, and with these files in the place of the machine's own.
    pub(crate) fn scan_with_sys<'a>(
        &self,
        files: &[(&str, &str)],
        args: impl IntoIterator<Item = &'a str> + Send,
    ) -> Outcome {
        let (script, _tree) = mounting(files);
        self.scan_mounted(&script, args)
    }

    /// What it says in a format with these files; nothing if there is no such format.
    pub(crate) fn said_with(&self, files: &[(&str, &str)], args: &[&str], format: &str) -> Option<String> {
        let (script, _tree) = mounting(files);
        let script = format!("{script} && exec \"$0\" scan {UNSIGNED} --format {format} \"$@\"");
        let ran = self.inside(At::Router, || {
            run(Command::new("unshare").args(["-m", "sh", "-c", &script, GATEWATCH]).args(args))
        });
        Some(String::from_utf8(ran.stdout).unwrap()).filter(|said| !said.is_empty())
    }

    /// The same after a script that mounts what it wants, for this scan only.
    pub(crate) fn scan_mounted<'a>(
        &self,
        script: &str,
        args: impl IntoIterator<Item = &'a str> + Send,
    ) -> Outcome {
        let script = format!("{script} && exec \"$0\" scan {UNSIGNED} -v --format json \"$@\"");
        self.inside(At::Router, || {
            let mut command = Command::new("unshare");
            Outcome::of(run(command.args(["-m", "sh", "-c", &script, GATEWATCH]).args(args)))
        })
    }

    /// `gatewatch scan ARGS -v --format json` on the router. Of its processes all of this machine are seen.
    pub(crate) fn scan<'a>(&self, args: impl IntoIterator<Item = &'a str> + Send) -> Outcome {
        self.inside(At::Router, || scan(args))
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for at in [At::Client, At::Router, At::World] {
            remove(&self.name(at));
        }
    }
}

/// A script that mounts `/sys` of its network namespace, and copies of these files over the machine's own.
fn mounting(files: &[(&str, &str)]) -> (String, Tree) {
    let tree = Tree::new();
    let mut script = "mount -t sysfs none /sys".to_owned();
    let missing = |path: &str| !Path::new(path).exists();
    let mut directories: Vec<&str> = files
        .iter()
        .filter(|(path, _)| missing(path))
        .map(|(path, _)| path.rsplit_once('/').unwrap().0)
        .collect();
    directories.dedup();
    let made = directories.clone();
    for directory in &mut directories {
        while missing(directory) {
            *directory = directory.rsplit_once('/').unwrap().0;
        }
    }
    directories.dedup();
    // Where the machine has no such file a copy of its directory, or of the one above, takes one in.
    for directory in directories {
        let copy = tree.path().join("dirs").join(&directory[1..]);
        let copy = copy.to_str().unwrap();
        script +=
            &format!(" && mkdir -p {copy} && cp -a {directory}/. {copy}/ && mount --bind {copy} {directory}");
    }
    made.iter().for_each(|directory| script += &format!(" && mkdir -p {directory}"));
    for (at, (path, text)) in files.iter().enumerate() {
        let copy = tree.path().join(at.to_string());
        fs::write(&copy, text).unwrap();
        let copy = copy.to_str().unwrap();
        let place = if missing(path) { "cp" } else { "mount --bind" };
        script += &format!(" && {place} {copy} {path}");
    }
    (script, tree)
}

fn remove(name: &str) {
    let _ = Command::new("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status();
}

/// Removes what a test left that was killed.
fn sweep() {
    let names = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    for name in names.filter_map(|entry| entry.file_name().into_string().ok()) {
        let pid = name.strip_prefix("gatewatch-").and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

/// What a program wrote whose end was a good one.
fn said(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
