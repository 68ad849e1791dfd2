//! What a baseline holds besides files: users, keys, listeners, resolvers, redirections, kernel modules.

use sha2::{Digest, Sha256};

use super::diag::Diag;
use super::names::{Format, Listener, Names, Said, What};
use super::net::{self, Ports};
use super::owner::relative;
use super::rules::{self, Rooms};
use super::{Coverage, keys, records, redirects, topology};
use crate::baseline::Kind;
use crate::facts::account::Entry;
use crate::facts::key::{Line, decode, fingerprint};
use crate::facts::origin::Item;
use crate::facts::packet_rule::Origin;
use crate::facts::socket::{Protocol, State};
use crate::facts::text::{Bytes, fields, trim};
use crate::host::{Fault, Host};
use crate::limits::{NAME_BYTES, PATH_BYTES, SMALL_FILE_BYTES, SPLIT_RESOLVERS};

/// Bytes of a line that are read whole: a key of RSA with 16,384 bits and its options fit.
const LINE: usize = 4096;

/// UDP has no listeners: a socket that waits for anybody looks like one that waits for an answer. Below this port the
/// kernel gives none to a client (ip(7)), so it is a service's.
const SERVICE_PORTS: u16 = 1024;

/// Below a home (sshd(8), dropbear(8)).
const HOME_KEYS: [&[u8]; 2] = [b"/.ssh/authorized_keys", b"/.ssh/authorized_keys2"];

/// The entry of a baseline that says that the kernel's own rules are in it.
pub const KERNEL: &[u8] = b"kernel";

/// Whether an entry is a rule of the kernel's. Those of the configuration begin with an option and `=`.
#[must_use]
pub fn is_kernels(name: &[u8]) -> bool {
    name.split(|b| *b == b' ').next().is_some_and(|word| !word.contains(&b'=') && word != KERNEL)
}

/// What is told of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// Its things can be looked for here; they follow, if there are any.
    Begin,
    /// One of them, by its name and its value.
    Thing(&'a [u8], &'a [u8]),
    /// There are some that could not be read.
    Missed,
}

/// Takes what is told.
pub type Each<'a> = &'a mut dyn FnMut(Kind, Told<'_>);

/// A look at all of it.
pub struct Look<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes what is found.
    pub each: Each<'a>,
}

impl<H: Host> Look<'_, H> {
    /// Looks for all kinds.
    pub fn run(&mut self, ports: &mut Ports, rooms: &mut Rooms) {
        self.accounts();
        self.listeners(ports);
        self.resolvers();
        self.redirects();
        self.rules(rooms);
        self.modules();
    }

    /// Hands every line of a file to `each`, the ends trimmed; says whether the file is there.
    fn lines(&mut self, path: &[u8], kind: Kind, each: &mut dyn FnMut(&[u8], Each<'_>)) -> bool {
        let mut file = match self.host.file(relative(path)) {
            Ok((file, _)) => file,
            Err(Fault::NotFound | Fault::NotDirectory) => return false,
            Err(fault) => {
                self.missed(path, kind, fault);
                return false;
            }
        };
        (self.each)(kind, Told::Begin);
        let tell = &mut *self.each;
        let read = records::<LINE, _>(&mut file, b'\n', Some(SMALL_FILE_BYTES), &mut |line, cut| {
            if cut {
                tell(kind, Told::Missed);
            } else {
                each(trim(line), tell);
            }
        });
        self.coverage.fact();
        if let Err(fault) = read {
            self.missed(path, kind, fault);
        }
        true
    }

    fn missed(&mut self, path: &[u8], kind: Kind, fault: Fault) {
        self.coverage.gap(path, format_args!("{fault}"));
        (self.each)(kind, Told::Missed);
    }

    /// Users, and the keys in their homes. The value of a user is what gives rights: numbers, home and shell.
    fn accounts(&mut self) {
        let accounts = Kind::Item(Item::Account);
        let mut homes = heapless::Vec::<Bytes<64>, 64>::new();
        let mut rest = 0_u32;
        for path in keys::MAIN {
            self.keys(path);
        }
        let host = self.host;
        let listed = host.dir(relative(keys::BY_NAME)).and_then(|dir| {
            host.list(&dir, &mut |name| {
                let mut path = Bytes::<PATH_BYTES>::of(keys::BY_NAME);
                path.push(b"/");
                path.push(name);
                self.keys(path.as_slice());
            })
        });
        if let Err(fault) = listed
            && !matches!(fault, Fault::NotFound | Fault::NotDirectory)
        {
            self.missed(keys::BY_NAME, Kind::Item(Item::Key), fault);
        }
        self.lines(b"/etc/passwd", accounts, &mut |line, tell| {
            let mut fields = line.split(|b| *b == b':');
            let (Some(name), Some(_), Some(_)) = (fields.next(), fields.next(), fields.next()) else {
                return;
            };
            if let Some(field) = fields.nth(2).filter(|field| field.first() == Some(&b'/')) {
                let home = Bytes::of(field.strip_suffix(b"/").unwrap_or(field));
                if !homes.contains(&home) && (home.is_cut() || homes.push(home).is_err()) {
                    rest = rest.saturating_add(1);
                }
            }
            let rights = Entry::rights(line);
            let thing = Told::Thing(name, rights.as_slice());
            tell(accounts, if rights.is_cut() { Told::Missed } else { thing });
        });
        for home in &homes {
            for name in HOME_KEYS {
                let mut path = Bytes::<128>::of(home.as_slice());
                path.push(name);
                if !keys::MAIN.contains(&path.as_slice()) {
                    self.keys(path.as_slice());
                }
            }
        }
        for _ in 0..rest {
            (self.each)(Kind::Item(Item::Key), Told::Missed);
        }
    }

    /// Keys that let somebody in (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"), by file and fingerprint. The value is what stands
    /// before the key: options.
    fn keys(&mut self, path: &[u8]) {
        let keys = Kind::Item(Item::Key);
        (self.each)(keys, Told::Begin);
        self.lines(path, keys, &mut |line, tell| {
            let Some(line) = Line::parse(line) else { return };
            let mut hash = Sha256::new();
            decode(line.blob, &mut |byte| hash.update([byte]));
            let mut name = Bytes::<256>::of(path);
            name.push(b" ");
            name.push(fingerprint(&hash.finalize().into()).as_slice());
            let thing = Told::Thing(name.as_slice(), line.options);
            tell(keys, if name.is_cut() { Told::Missed } else { thing });
        });
    }

    /// Ports on which somebody listens; the value is `local` where only this machine itself can reach it.
    fn listeners(&mut self, ports: &mut Ports) {
        let listeners = Kind::Item(Item::Listener);
        let Some(endian) = self.host.about().endian else { return };
        if !self.host.about().live && self.host.file(b"proc/net/tcp").is_err() {
            return;
        }
        (self.each)(listeners, Told::Begin);
        let tell = &mut *self.each;
        let coverage = &mut *self.coverage;
        let can = Diag::of(self.host);
        let mut look =
            net::Look { host: self.host, endian, ports, can, topology: None, shown: None, coverage };
        look.sockets(&mut |socket| {
            let port = socket.local.port;
            let word: &[u8] = match (socket.protocol, socket.state) {
                (Protocol::Tcp, State::Listen) => b"tcp ",
                (Protocol::Udp, State::Other(7)) if port > 0 && port < SERVICE_PORTS => b"udp ",
                _ => return,
            };
            let mut name = Bytes::<NAME_BYTES>::of(word);
            let _ = core::fmt::Write::write_fmt(&mut name, format_args!("{port}"));
            let local: &[u8] = if socket.local.ip.is_loopback() { b"local" } else { b"" };
            tell(listeners, Told::Thing(name.as_slice(), local));
        });
    }

    /// Whom names are asked of, and whom others are told to ask. Known only where a `resolv.conf` is: a router's is made when
    /// it has booted. `server=/domain/address#port` too: who answers for a domain can be anybody.
    fn resolvers(&mut self) {
        if Names::has_resolvers(self.host) {
            (self.each)(Kind::Item(Item::Resolver), Told::Begin);
            let mut resolvers = Resolvers { each: &mut *self.each, left: SPLIT_RESOLVERS };
            // Logs are not of interest here.
            let _ = Names::new(self.host, self.coverage, &mut resolvers).run();
        }
    }

    /// What the firewall is told to send elsewhere.
    fn redirects(&mut self) {
        let kind = Kind::Item(Item::Nat);
        let tell = &mut *self.each;
        let read = redirects::each(self.host, &mut |rule| {
            tell(kind, rule.map_or(Told::Missed, |rule| Told::Thing(rule, b"")));
        });
        match read {
            Ok(true) => (self.each)(kind, Told::Begin),
            Ok(false) => {}
            Err(fault) => self.missed(redirects::PATH, kind, fault),
        }
    }

    /// What the kernel sends elsewhere, beside what its firewall was told. That it could be asked is an entry of its own:
    /// a baseline of an image knows no rules of a kernel's, which are not new then.
    fn rules(&mut self, rooms: &mut Rooms) {
        let kind = Kind::Item(Item::Nat);
        let Rooms { topology, chains } = rooms;
        // What it cannot tell of routes only makes own addresses part of a rule's form.
        topology::read(self.host, topology, &mut Coverage::new());
        let (mut coverage, tell) = (Coverage::new(), &mut *self.each);
        let mut look = rules::Look {
            host: self.host,
            topology,
            chains,
            coverage: &mut coverage,
            each: &mut |rule| {
                if matches!(rule.origin, Origin::Kernel { .. }) && rule.is_lasting() {
                    let name = rule.named();
                    let thing = Told::Thing(name.as_slice(), b"");
                    tell(kind, if name.is_cut() { Told::Missed } else { thing });
                }
            },
        };
        match look.of_kernel() {
            Some(_) => (self.each)(kind, Told::Thing(KERNEL, b"")),
            None if coverage.gaps > 0 => {
                self.coverage.adopt(&coverage);
                (self.each)(kind, Told::Missed);
            }
            None => {}
        }
    }

    /// What is loaded into the kernel (proc_modules(5)).
    fn modules(&mut self) {
        let modules = Kind::Item(Item::Module);
        self.lines(b"/proc/modules", modules, &mut |line, tell| {
            if let Some(name) = fields(line).next() {
                tell(modules, Told::Thing(name, b""));
            }
        });
    }
}

/// Tells every resolver that a file names.
struct Resolvers<'a> {
    each: Each<'a>,
    /// Those of single names that may still be told: a list of them would fill the baseline.
    left: u32,
}

impl Listener for Resolvers<'_> {
    fn file(&mut self, _: &[u8], format: Format) -> bool {
        format != Format::Hosts
    }

    fn said(&mut self, said: &Said<'_>) {
        let (What::Server { text, .. } | What::Option(_, text)) = said.what else { return };
        let split = matches!(said.what, What::Server { domains, .. } if !domains.is_empty());
        let told = if split && self.left == 0 { Told::Missed } else { Told::Thing(text, b"") };
        self.left = self.left.saturating_sub(u32::from(split));
        (self.each)(Kind::Item(Item::Resolver), told);
    }

    fn end(&mut self) -> bool {
        false
    }

    fn again(&mut self, _: &Said<'_>) {}

    fn missed(&mut self, _: &[u8], format: Format) {
        if format != Format::Hosts {
            (self.each)(Kind::Item(Item::Resolver), Told::Missed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::host::memory::{Memory, Node};
    use std::collections::BTreeSet;

    fn look(machine: &Memory) -> (BTreeSet<&'static str>, Vec<String>, u32) {
        let (mut kinds, mut all, mut coverage) = (BTreeSet::new(), Vec::new(), Coverage::new());
        Look {
            host: machine,
            coverage: &mut coverage,
            each: &mut |kind, told| {
                kinds.insert(kind.word());
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                match told {
                    Told::Begin => {}
                    Told::Thing(name, value) => {
                        all.push(format!("{} {} [{}]", kind.word(), text(name), text(value)));
                    }
                    Told::Missed => all.push(format!("{} ?", kind.word())),
                }
            },
        }
        .run(&mut Box::new(Ports::new()), &mut Box::new(Rooms::new()));
        all.sort();
        (kinds, all, coverage.gaps)
    }

    #[test]
    fn all_kinds_of_a_live_machine() {
        let machine = Memory::new();
        machine.file(
            "etc/passwd",
            "root:$1$x:0:0:Some Body:/root:/bin/ash\nftp:*:55:55::/home/ftp:/bin/false\nodd\n",
        );
        machine.file(
            "root/.ssh/authorized_keys",
            "# mine\nssh-ed25519 AAAAC3 me@home\nfrom=\"10.0.0.1\",command=\"a ssh-x b\" ssh-rsa AAAAB3 x\n\n",
        );
        machine.file("etc/dropbear/authorized_keys", "ecdsa-sha2-nistp256 AAAAE2");
        machine.file("etc/ssh/authorized_keys.d/ann", "ssh-ed25519 AAAAC3");
        machine.file("etc/resolv.conf", "search lan\nnameserver 127.0.0.1\n");
        machine.file("tmp/resolv.conf.d/resolv.conf.auto", "# Interface wan\nnameserver 192.0.2.1\n");
        machine
            .file("var/etc/dnsmasq.conf.cfg01411c", "server=/lan/\nserver=9.9.9.9\n")
            .file("var/etc/x", "server=1");
        machine.file("etc/config/firewall", "config redirect\noption src wan\noption dest_ip 10.0.0.2\n");
        machine.file("proc/modules", "nf_nat 1 0 - Live 0x0\nath9k 2 0 - Live 0x0\n");
        let row = |local: &str, remote: &str, state: &str| {
            format!(" 0: {local} {remote} {state} 0:0 0:0 0 0 0 7\n")
        };
        let head = "  sl  local_address rem_address   st\n";
        let tcp = [row("00000000:0016", "00000000:0000", "0A"), row("0100007F:1538", "00000000:0000", "0A")];
        let gone = row("0F02000A:9C40", "076433C6:01BB", "01");
        machine.file("proc/net/tcp", format!("{head}{}{}{gone}", tcp[0], tcp[1]));
        let udp = [row("00000000:0035", "00000000:0000", "07"), row("00000000:9C40", "00000000:0000", "07")];
        machine.file("proc/net/udp", format!("{head}{}{}", udp[0], udp[1]));
        let (kinds, all, gaps) = look(&machine);
        assert_eq!(kinds, ["account", "key", "listener", "module", "nat", "resolver"].into());
        assert_eq!(
            all,
            [
                "account ftp [55:55:/home/ftp:/bin/false]",
                "account root [0:0:/root:/bin/ash]",
                "key /etc/dropbear/authorized_keys SHA256:FCNv5CH+nduDd6GbYM5x3WVXBLzvwiXJKH+xESe6ZWk []",
                "key /etc/ssh/authorized_keys.d/ann SHA256:OQs2oJUCsF1PjCeuomNsa3/QWyfXQu0yB0/+ofiI6+Q []",
                "key /root/.ssh/authorized_keys SHA256:FWGt4GIcWs9Et4BSH5Wh4LGbTlAylFuGDEAy/Cijojs [from=\"10.0.0.1\",command=\"a ssh-x b\"]",
                "key /root/.ssh/authorized_keys SHA256:OQs2oJUCsF1PjCeuomNsa3/QWyfXQu0yB0/+ofiI6+Q []",
                "listener tcp 22 []",
                "listener tcp 5432 [local]",
                "listener udp 53 []",
                "module ath9k []",
                "module nf_nat []",
                "nat src=wan dest_ip=10.0.0.2 []",
                "resolver /lan/ []",
                "resolver 127.0.0.1 []",
                "resolver 192.0.2.1 []",
                "resolver 9.9.9.9 []",
            ]
        );
        assert_eq!(gaps, 0);
    }

    #[test]
    fn what_a_tree_cannot_tell_is_not_taken_for_nothing() {
        let machine = Memory::new().tree(Some(Endian::Big));
        machine.file("etc/passwd", "root::0:0:::\n").file("etc/dnsmasq.conf", "server=9.9.9.9\n");
        let (kinds, all, gaps) = look(&machine);
        assert_eq!((kinds, gaps), (["account", "key"].into(), 0));
        assert_eq!(all, ["account root [0:0::]"]);
    }

    #[test]
    fn a_list_of_resolvers_of_single_names_does_not_fill_the_baseline() {
        let machine = Memory::new().tree(None);
        let list: String =
            (0..SPLIT_RESOLVERS + 2).map(|number| format!("server=/{number}.cn/9.9.9.9\n")).collect();
        machine.file("etc/resolv.conf", "nameserver 192.0.2.1\n").file("etc/dnsmasq.conf", list);
        let (_, all, gaps) = look(&machine);
        let missed = all.iter().filter(|row| *row == "resolver ?").count();
        assert_eq!((all.len(), missed, gaps), (usize::try_from(SPLIT_RESOLVERS).unwrap() + 3, 2, 0));
    }

    #[test]
    fn what_is_too_long_or_closed_is_counted() {
        let machine = Memory::new().tree(None);
        machine.file("etc/passwd", format!("{}\nroot::0:0::/root:\n", "x".repeat(LINE + 1)));
        machine.put("etc/dropbear/authorized_keys", Node::Fails(Fault::Denied));
        machine.file("root/.ssh/authorized_keys", format!("ssh-rsa {}", "A".repeat(LINE)));
        let (_, all, gaps) = look(&machine);
        assert_eq!(all, ["account ?", "account root [0:0:/root:]", "key ?", "key ?"]);
        assert_eq!(gaps, 1);
    }
}
