//! What is read of each kind of file, and what facts are made of it.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use super::weigh::{Fact, Weigh};
use super::*;
use crate::facts::topology::Topology;
use crate::facts::topology::testing::{home, topology};
use crate::host::memory::{Memory, Node};
use crate::source::mounts::Mounts;
use crate::source::truth::Truths;

fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Remembers what was said: `FILE:LINE what`.
#[derive(Default)]
struct Heard(Vec<String>, u32);

impl Listener for Heard {
    fn file(&mut self, _: &[u8], _: Format) -> bool {
        true
    }
    fn said(&mut self, said: &Said<'_>) {
        let what = match said.what {
            What::Server { domains: b"", target, .. } => format!("asks {}", word(target)),
            What::Server { domains, target, .. } => format!("asks {} of {}", word(target), word(domains)),
            What::Option(purpose, value) => format!("{purpose:?} {}", word(value)),
            What::Name(name, to) => match to {
                To::At(ip) => format!("{} at {ip}", word(name)),
                To::Nowhere => format!("{} nowhere", word(name)),
                To::Alias(target) => format!("{} is {}", word(name), word(target)),
            },
            What::More(..) => panic!("it is read, not said"),
        };
        self.0.push(format!("{}:{} {:?} {what}", word(said.file), said.line, said.hand));
    }
    fn end(&mut self) -> bool {
        false
    }
    fn again(&mut self, _: &Said<'_>) {
        panic!("nobody asked for it");
    }
    fn missed(&mut self, _: &[u8], _: Format) {
        self.1 += 1;
    }
}

fn heard(machine: &Memory) -> (Vec<String>, Coverage, Logs) {
    let (mut heard, mut coverage) = (Heard::default(), Coverage::new());
    let logs = Names::new(machine, &mut coverage, &mut heard).run();
    assert_eq!(heard.1, coverage.gaps);
    (heard.0, coverage, logs)
}

#[test]
fn every_kind_of_file() {
    let machine = Memory::new();
    machine
        .file("tmp/resolv.conf.d/resolv.conf.auto", "# Interface wan\nnameserver 192.0.2.1\n")
        .file(
            "etc/config/network",
            "config interface 'lan'\n\toption proto 'static'\n\toption dns '192.0.2.2 192.0.2.3'\n\
             config interface 'wan'\n\toption gateway '192.0.2.254'\n\tlist dns '192.0.2.4'\n\toption proto static\n\
             config interface 'vpn'\n\toption proto 'wireguard'\n\tlist dns '192.0.2.5'\nconfig route\n\toption dns x\n",
        )
        .file(
            "etc/config/dhcp",
            "config dnsmasq\n\tlist server '/corp.example/192.0.2.6'\n\tlist server '192.0.2.7'\n\
             \tlist address '/ads.example/0.0.0.0'\n\toption logfacility '/tmp/dns.log'\n\
             config dhcp 'lan'\n\tlist dhcp_option '6,192.0.2.8,192.0.2.9'\n\tlist dhcp_option '252,http://192.0.2.10/x'\n\
             \tlist dns '2001:db8::8'\nconfig domain\n\toption ip '192.0.2.11'\n\toption name 'nas.lan'\n\
             config cname\n\toption cname 'a.lan'\n\toption target 'b.lan'\nconfig host\n\toption name x\n\toption ip 192.0.2.12\n",
        )
        .file(
            "etc/dnsmasq.conf",
            "# x\nserver=192.0.2.13#5353\nhost-record=c.lan,d.lan,192.0.2.14,2001:db8::14,3600\ncname=e.lan,f.lan,g.lan\n\
             local=/lan/\nserver=/local.example/\naddn-hosts=/mnt/hosts\nresolv-file=/mnt/resolv\n",
        )
        .file("mnt/hosts", "192.0.2.15 h.lan i.lan # j\n::1 localhost\nnonsense k\n")
        .file("mnt/resolv", "nameserver 192.0.2.16\n")
        .file("etc/stubby/stubby.yml", "upstream_recursive_servers:\n  - address_data: 192.0.2.17 # x\n")
        .file("etc/unbound/unbound.conf", "forward-zone:\n\tforward-addr: 192.0.2.18@853#dns.example\n")
        .file("etc/smartdns/smartdns.conf", "server 192.0.2.19 -group cafe\nserver-tls 192.0.2.20:853\nserver-name x\n")
        .file("etc/systemd/resolved.conf", "[Resolve]\n#DNS=1\nDNS=192.0.2.21 192.0.2.22#dns.example\n")
        .file("tmp/udhcpd.conf", "start 192.168.1.2\nopt dns 192.0.2.23\noption subnet 255.255.255.0\n")
        .file("etc/resolv.conf", "nameserver 192.0.2.24\n");
    let (found, coverage, logs) = heard(&machine);
    let network = "/etc/config/network:";
    assert_eq!(
        found,
        [
            "/tmp/resolv.conf.d/resolv.conf.auto:2 Provider asks 192.0.2.1",
            &format!("{network}3 Owner asks 192.0.2.2"),
            &format!("{network}3 Owner asks 192.0.2.3"),
            &format!("{network}6 Fixed asks 192.0.2.4"),
            &format!("{network}10 Fixed asks 192.0.2.5"),
            "/etc/config/dhcp:2 Owner asks 192.0.2.6 of corp.example",
            "/etc/config/dhcp:3 Owner asks 192.0.2.7",
            "/etc/config/dhcp:4 Owner ads.example nowhere",
            "/etc/config/dhcp:7 Owner Offered 192.0.2.8",
            "/etc/config/dhcp:7 Owner Offered 192.0.2.9",
            "/etc/config/dhcp:8 Owner Proxy http://192.0.2.10/x",
            "/etc/config/dhcp:9 Owner Offered 2001:db8::8",
            "/etc/config/dhcp:12 Owner nas.lan at 192.0.2.11",
            "/etc/config/dhcp:14 Owner a.lan is b.lan",
            "/etc/dnsmasq.conf:2 Owner asks 192.0.2.13#5353",
            "/etc/dnsmasq.conf:3 Owner c.lan at 192.0.2.14",
            "/etc/dnsmasq.conf:3 Owner d.lan at 192.0.2.14",
            "/etc/dnsmasq.conf:3 Owner c.lan at 2001:db8::14",
            "/etc/dnsmasq.conf:3 Owner d.lan at 2001:db8::14",
            "/etc/dnsmasq.conf:4 Owner e.lan is g.lan",
            "/etc/dnsmasq.conf:4 Owner f.lan is g.lan",
            "/etc/dnsmasq.conf:5 Owner lan nowhere",
            "/etc/dnsmasq.conf:6 Owner local.example nowhere",
            "/etc/dnsmasq.conf:6 Owner asks  of local.example",
            "/etc/systemd/resolved.conf:3 Fixed asks 192.0.2.21",
            "/etc/systemd/resolved.conf:3 Fixed asks 192.0.2.22",
            "/tmp/udhcpd.conf:2 Made Offered 192.0.2.23",
            "/etc/unbound/unbound.conf:2 Package asks 192.0.2.18@853",
            "/etc/stubby/stubby.yml:2 Package asks 192.0.2.17",
            "/etc/smartdns/smartdns.conf:1 Package asks 192.0.2.19",
            "/etc/smartdns/smartdns.conf:2 Package asks 192.0.2.20:853",
            "/etc/resolv.conf:1 Made asks 192.0.2.24",
            "/mnt/hosts:1 Owner h.lan at 192.0.2.15",
            "/mnt/hosts:1 Owner i.lan at 192.0.2.15",
            "/mnt/hosts:2 Owner localhost nowhere",
            "/mnt/resolv:1 Made asks 192.0.2.16",
        ]
    );
    assert_eq!((coverage.gaps, logs.len(), logs[0].as_slice()), (0, 1, &b"/tmp/dns.log"[..]));
}

#[test]
fn variables_in_nvram() {
    let said = |text: &str| {
        let machine = Memory::new();
        machine.file("tmp/nvram.txt", text);
        heard(&machine).0.iter().map(|row| row.split_once(":").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    // ASUSWRT: while the provider's are used, what was set once does not count.
    let asus =
        "wan0_dns=192.0.2.1 192.0.2.2\nwan0_dns1_x=192.0.2.3\nwan0_dnsenable_x=1\ndhcp_dns1_x=192.0.2.4\n";
    let made = ["1 Made asks 192.0.2.1", "1 Made asks 192.0.2.2", "4 Owner Offered 192.0.2.4"];
    assert_eq!(said(asus), made);
    let set = said(&asus.replace("_x=1\n", "_x=0\n"));
    assert_eq!(set[2], "2 Owner asks 192.0.2.3");
    let fixed = said("wan_dns1_x=192.0.2.3\nwan_proto=static\n");
    assert_eq!(fixed, ["1 Fixed asks 192.0.2.3"]);
    // DD-WRT.
    let text = "wan_dns=192.0.2.1\nwan_get_dns=192.0.2.2\ndnsmasq_options=server=192.0.2.3\naddress=/a.example/192.0.2.4\n";
    let expected = [
        "3 Owner asks 192.0.2.3",
        "4 Owner a.example at 192.0.2.4",
        "1 Owner asks 192.0.2.1",
        "2 Provider asks 192.0.2.2",
    ];
    assert_eq!(said(text), expected);
}

#[test]
fn further_files_are_read_once_and_their_names_are_filtered() {
    let machine = Memory::new();
    machine
        .file("etc/dnsmasq.conf", "conf-dir=/mnt/a,*.conf\nconf-dir=/mnt/b/,.bak\nconf-file=/etc/dnsmasq.conf\nservers-file=/mnt/s\n")
        .file("mnt/a/x.conf", "server=192.0.2.1\nconf-file=/mnt/a/x.conf\n")
        .file("mnt/a/x.txt", "server=192.0.2.2\n")
        .file("mnt/b/y", "server=192.0.2.3\n")
        .file("mnt/b/y.bak", "server=192.0.2.4\n")
        .file("mnt/b/y~", "server=192.0.2.5\n")
        .file("mnt/s", "server=/a.example/192.0.2.6\n");
    let (found, coverage, _) = heard(&machine);
    assert_eq!(
        found,
        [
            "/mnt/a/x.conf:1 Owner asks 192.0.2.1",
            "/mnt/b/y:1 Owner asks 192.0.2.3",
            "/mnt/s:1 Owner asks 192.0.2.6 of a.example",
        ]
    );
    assert_eq!(coverage.gaps, 0);
}

#[test]
fn what_is_not_read_whole_is_said() {
    let why = |machine: &Memory| word(heard(machine).1.reason().as_slice());
    let machine = Memory::new();
    machine.file("etc/hosts", [&[b'x'; 70_000][..], b"\n192.0.2.1 a.lan\n"].concat());
    let (found, coverage, _) = heard(&machine);
    assert_eq!(found, ["/etc/hosts:2 Owner a.lan at 192.0.2.1"]);
    assert_eq!(word(coverage.reason().as_slice()), "/etc/hosts: line 1 is too long, or is none");
    let machine = Memory::new();
    machine.file("etc/hosts", "0.0.0.0 ads.example\n".repeat(60_000));
    assert!(why(&machine).contains("only 1048576 bytes were read"));
    let machine = Memory::new();
    machine.put("etc/dnsmasq.conf", Node::Fails(Fault::Denied));
    assert_eq!(why(&machine), "/etc/dnsmasq.conf: permission denied");
    let machine = Memory::new();
    machine.file("etc/config/dhcp", "config dnsmasq\n\tlist server 'x");
    assert_eq!(why(&machine), "/etc/config/dhcp: line 2 is too long, or is none");
    let machine = Memory::new();
    for number in 0..=CONFIG_FILES {
        machine.file(&format!("tmp/hosts/{number}"), "");
    }
    assert_eq!(why(&machine), "/tmp/hosts: more than 8 files");
    let machine = Memory::new();
    for number in 0..NAME_FILES {
        let dir = if number % 2 == 0 { "etc" } else { "tmp" };
        machine.file(&format!("{dir}/dnsmasq.d/{number}"), "");
    }
    machine.file("etc/hosts", "");
    assert!(why(&machine).contains("more than 16 files say how names are resolved"));
    let machine = Memory::new();
    let more: String = (0..=MORE_FILES).map(|number| format!("conf-file=/x/{number}\n")).collect();
    machine.file("etc/dnsmasq.conf", more);
    assert_eq!(why(&machine), "/etc/dnsmasq.conf: names more than 8 further files");
}

#[test]
fn any_bytes_end_in_every_format() {
    let texts = [
        ("etc/resolv.conf", &b"search lan\nnameserver 192.0.2.1\n"[..]),
        (
            "etc/dnsmasq.conf",
            b"server=/a/192.0.2.1#53@x\nhost-record=a,192.0.2.1,5\ncname=a,b,7\nconf-dir=/x,*.y\n",
        ),
        ("etc/hosts", b"192.0.2.1\ta b # c\n::1 d\n"),
        (
            "etc/config/dhcp",
            b"config dnsmasq\n\tlist server '/a/192.0.2.1'\nconfig domain\n\toption ip 1\n\toption name b\n",
        ),
        ("etc/config/network", b"config interface a\n\toption dns '192.0.2.1 b'\n\toption proto static\n"),
        ("tmp/nvram.txt", b"wan_dns=192.0.2.1\ndnsmasq_options=server=192.0.2.1\nx\nwan_get_dns=\n"),
        ("etc/stubby/stubby.yml", b"- address_data: 192.0.2.1@853\n"),
    ];
    let mut seed = 1_u32;
    for (path, text) in texts {
        for length in 0..=text.len() {
            let machine = Memory::new();
            machine.file(path, &text[..length]);
            heard(&machine);
            let mut odd = text.to_vec();
            for byte in &mut odd {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if seed >> 29 == 0 {
                    *byte = b"\0\xff\n=/,'#"[usize::from(seed.to_be_bytes()[1] & 7)];
                }
            }
            machine.file(path, odd);
            heard(&machine);
        }
    }
}

fn facts(machine: &Memory, topology: &Topology, domains: bool) -> Vec<String> {
    let (mut found, mut coverage) = (Vec::new(), Coverage::new());
    let mounts = Mounts::new();
    let truths = Truths::find(machine, &mounts, None);
    let mut each = |fact: Fact<'_>| {
        match fact {
            Fact::Resolver(it) if it.stranger || !it.name.is_empty() => {
                let (name, worth) = (word(it.name), it.worth.is_some());
                found.push(format!(
                    "{} {} {name} given={:?} worth={worth} many={}",
                    it.line, it.at.ip, it.given, it.many
                ));
            }
            Fact::Resolver(_) => {}
            Fact::Named(it) => {
                let counts = (it.protections, it.pools);
                found.push(format!(
                    "{} {} {:?} sunk={} many={} {counts:?}",
                    it.line,
                    word(it.name),
                    it.to,
                    it.sunk,
                    it.many
                ));
            }
        }
        true
    };
    let mut weigh = Weigh::new(machine, topology, &mounts, truths, domains, &mut each);
    Names::new(machine, &mut coverage, &mut weigh).run();
    found
}

#[test]
fn whether_the_provider_gives_a_resolver() {
    let machine = Memory::new();
    machine
        .file("tmp/resolv.conf.auto", "nameserver 198.51.100.1\nnameserver 198.51.100.2\n")
        .file("etc/config/network", "config interface wan\noption proto dhcp\nlist dns 198.51.100.2\n")
        .file("etc/config/dhcp", "config dnsmasq\nlist server 198.51.100.1\nlist server 198.51.100.3\nlist server 9.9.9.9\nlist server 192.168.1.9\nlist server 203.7.7.7\n")
        .file("var/etc/dnsmasq.conf.cfg01411c", "server=198.51.100.3\n")
        .file("etc/resolv.conf", "nameserver 198.51.100.3\nnameserver 198.51.100.4\nnameserver 127.0.0.1\n");
    let expected = [
        "1 198.51.100.1  given=Some(true) worth=false many=false",
        "2 198.51.100.2  given=Some(false) worth=false many=false",
        "3 198.51.100.2  given=Some(false) worth=false many=false",
        "2 198.51.100.1  given=Some(true) worth=false many=false",
        "3 198.51.100.3  given=Some(false) worth=false many=false",
        "6 203.7.7.7  given=Some(false) worth=false many=false",
        "1 198.51.100.3  given=Some(true) worth=false many=false",
        "2 198.51.100.4  given=Some(false) worth=false many=false",
    ];
    let found = facts(&machine, &home(), false);
    // What the provider says is shown before the settings that are among it are known.
    assert_eq!(found[2..], expected[2..]);
    machine.remove("tmp/resolv.conf.auto");
    let found = facts(&machine, &home(), false);
    assert_eq!(found[1], "2 198.51.100.1  given=Some(false) worth=false many=false");
    machine.file(
        "etc/config/network",
        "config interface wan\noption proto static\noption gateway x\nlist dns 198.51.100.9\n",
    );
    let found = facts(&machine, &home(), false);
    assert_eq!(found[1], "2 198.51.100.1  given=None worth=false many=false", "a line with a fixed address");
    let near = topology(&["0.0.0.0/0 via eth1"], &["198.51.7.7"]);
    assert!(
        facts(&machine, &near, false)
            .iter()
            .all(|row| row.contains("203.7.7.7") || row.contains("given=Some(true)"))
    );
}

#[test]
fn resolvers_of_single_names() {
    let machine = Memory::new();
    let many: String = (0..100).map(|number| format!("server=/{number}.example/198.51.100.1\n")).collect();
    machine.file(
        "etc/dnsmasq.conf",
        "server=/corp.example/www.paypal.com/198.51.100.1\nserver=/paypal.com/9.9.9.9\n",
    );
    let one = "1 198.51.100.1 www.paypal.com given=None worth=true many=false";
    assert_eq!(facts(&machine, &home(), false), [one]);
    assert_eq!(facts(&machine, &home(), true).len(), 3, "all of them, where domains are listed");
    machine.file("etc/dnsmasq.conf", format!("{many}server=/paypal.com/198.51.100.1\n"));
    assert_eq!(
        facts(&machine, &home(), false),
        ["101 198.51.100.1 paypal.com given=None worth=true many=true"]
    );
    machine.file("etc/dnsmasq.conf", "server=/paypal.com/119.29.29.29\n".repeat(1000));
    assert_eq!(facts(&machine, &home(), false), [""; 0]);
}

#[test]
fn names_at_strangers_and_in_the_house() {
    let machine = Memory::new();
    machine.file(
        "etc/hosts",
        "127.0.0.1 localhost\n192.168.1.1 router.asus.com tplinkwifi.net\n203.0.113.10 www.paypal.com\n\
         198.18.0.7 www.paypal.com\n198.51.100.1 www.paypal.com my.example\n192.168.1.5 downloads.openwrt.org\n",
    );
    let one = "5 www.paypal.com Some(198.51.100.1) sunk=false many=false (0, 0)";
    assert_eq!(facts(&machine, &home(), false), [one]);
    assert_eq!(facts(&machine, &home(), true).len(), 2, "every name, where domains are listed");
    let many: String = (0..100).map(|number| format!("198.51.100.{number} {number}.example\n")).collect();
    machine.file("etc/hosts", format!("{many}198.51.100.1 www.paypal.com\n"));
    assert_eq!(
        facts(&machine, &home(), false),
        ["101 www.paypal.com Some(198.51.100.1) sunk=false many=true (0, 0)"]
    );
    machine.file("etc/hosts", "198.51.100.1 www.paypal.com\n".repeat(50));
    assert_eq!(facts(&machine, &home(), false).len(), 8, "not more than are told of one file");
}

#[test]
fn what_the_image_has_too_is_its_own() {
    let machine = Memory::new();
    machine
        .file("rom/etc/hosts", "198.51.100.1 www.paypal.com\n")
        .file("etc/hosts", "198.51.100.1 www.paypal.com\n198.51.100.2 www.paypal.com\n")
        .file("rom/etc/config/dhcp", "config dnsmasq\nlist server 198.51.100.3\n")
        .file(
            "etc/config/dhcp",
            "config dnsmasq\noption x y\nlist server 198.51.100.3\nlist server 198.51.100.4\n",
        );
    let found = facts(&machine, &home(), false);
    assert_eq!(
        found,
        [
            "4 198.51.100.4  given=Some(false) worth=false many=false",
            "2 www.paypal.com Some(198.51.100.2) sunk=false many=false (0, 0)",
        ]
    );
}

#[test]
fn sinks_are_protection_unless_they_are_little_else() {
    let told = |text: String| {
        let machine = Memory::new();
        machine.file("etc/hosts", text);
        facts(&machine, &home(), false)
    };
    let list: String = (0..5000).map(|number| format!("0.0.0.0 ads{number}.example\n")).collect();
    let valued = ["avast.com", "kaspersky.com", "update.microsoft.com", "eset.com", "paypal.com"];
    let own: String = valued.iter().map(|name| format!("127.0.0.1 www.{name}\n")).collect();
    assert_eq!(told(list.clone()), [""; 0]);
    assert_eq!(told(format!("{own}{list}")), [""; 0], "a list of ads that holds names of everything");
    assert_eq!(told(format!("{list}{own}")), [""; 0]);
    assert_eq!(told(own.clone()), ["1 www.avast.com None sunk=true many=false (3, 0)"], "once a file");
    let few: String = (0..25).map(|number| format!("0.0.0.0 ads{number}.example\n")).collect();
    assert_eq!(told(format!("{few}{own}")), ["26 www.avast.com None sunk=true many=false (0, 0)"]);
    let pools = "0.0.0.0 xmrpool.eu\n0.0.0.0 pool.minexmr.com\n0.0.0.0 nanopool.org\n";
    assert_eq!(told(pools.to_owned()), ["1 xmrpool.eu None sunk=true many=false (0, 3)"]);
    let machine = Memory::new();
    machine.file(
        "etc/dnsmasq.conf",
        "local=/ads.example/\naddress=/avast.com/\naddress=/kaspersky.com/#\nlocal=/eset.com/\n",
    );
    assert_eq!(facts(&machine, &home(), false), ["2 avast.com None sunk=true many=false (3, 0)"]);
}
