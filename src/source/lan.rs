//! Who is served: leases of DHCP servers, names set by hand, the neighbour tables, and the secret with which words are made
//! of them. Nothing is written for that: the secret is made of what only this device has.

use core::net::IpAddr;

use super::config::entries;
use super::{Coverage, dump, hash, rows_within, topology};
use crate::facts::lan::{Hardware, Lan, hardware, neighbour};
use crate::facts::netlink::Question;
use crate::facts::span::parse;
use crate::facts::text::{Bytes, fields};
use crate::host::{Fault, Host};
use crate::limits::{NAME_BYTES, PATH_BYTES, SMALL_FILE_BYTES};

/// Where a device has something that no other has, the best kept first: private keys that only root reads, then what users
/// of the device can read, then what is printed on it.
const SECRETS: [&[u8]; 19] = [
    b"etc/dropbear/dropbear_ed25519_host_key",
    b"etc/dropbear/dropbear_ecdsa_host_key",
    b"etc/dropbear/dropbear_rsa_host_key",
    b"etc/storage/dropbear/ed25519_host_key",
    b"etc/storage/dropbear/rsa_host_key",
    b"jffs/.ssh/dropbear_ed25519_host_key",
    b"jffs/.ssh/dropbear_rsa_host_key",
    b"tmp/root/.ssh/ssh_host_rsa_key",
    b"etc/ssh/ssh_host_ed25519_key",
    b"etc/ssh/ssh_host_ecdsa_key",
    b"etc/ssh/ssh_host_rsa_key",
    b"etc/uhttpd.key",
    b"etc/machine-id",
    b"var/lib/dbus/machine-id",
    b"proc/device-tree/serial-number",
    b"sys/class/net/br-lan/address",
    b"sys/class/net/br0/address",
    b"sys/class/net/eth0/address",
    b"sys/class/net/lan/address",
];

/// Leases of dnsmasq, odhcpd, ISC dhcpd and Kea, and names that were set by hand.
const LEASES: [&[u8]; 12] = [
    b"tmp/dhcp.leases",
    b"var/lib/misc/dnsmasq.leases",
    b"tmp/dnsmasq.leases",
    b"var/lib/dnsmasq/dnsmasq.leases",
    b"etc/pihole/dhcp.leases",
    b"jffs/dnsmasq.leases",
    b"tmp/odhcpd.leases",
    b"var/lib/dhcp/dhcpd.leases",
    b"var/lib/kea/kea-leases4.csv",
    b"etc/ethers",
    b"etc/hosts",
    b"etc/hosts.dnsmasq",
];

/// A directory of lists of names: of odhcpd, and of hosts in the configuration.
const HOSTS: &[u8] = b"tmp/hosts";

/// What OpenWrt's DHCP server is told.
const UCI: &[u8] = b"etc/config/dhcp";

/// IPv4 neighbours, as text.
const ARP: &[u8] = b"proc/net/arp";

/// Somebody of whom a table or a list knows something.
struct Known<'a> {
    ip: IpAddr,
    hardware: Option<Hardware>,
    name: Option<&'a [u8]>,
}

/// Reads all of it, so that it can be veiled.
///
/// # Errors
/// Why the neighbours cannot be had as text, and why not over netlink. Everything else has been read.
pub fn read<H: Host>(host: &H, lan: &mut Lan) -> Result<(), (Fault, Fault)> {
    topology::read(host, &mut lan.topology, &mut Coverage::new());
    let secret = SECRETS.iter().find_map(|path| {
        let (mut file, identity) = host.file(path).ok()?;
        let empty = identity.size == 0;
        hash::sha256(&mut file, identity.size).ok().filter(|_| !empty)
    });
    lan.keep(secret.unwrap_or_default());
    each(host, &mut |known| {
        if lan.serves(known.ip) {
            known.hardware.into_iter().for_each(|hardware| lan.has_hardware(known.ip, hardware));
            known.name.into_iter().for_each(|name| lan.has_name(known.ip, name));
        }
    })
}

/// Tells what is known of an address: its hardware address, and its name.
pub fn tell<H: Host>(host: &H, ip: IpAddr, say: &mut dyn FnMut(&[u8])) {
    let mut found = None;
    // What is not known cannot be told, and is no fault of a finding.
    let _ = each(host, &mut |known| found = found.or(known.hardware.filter(|_| known.ip == ip)));
    let mut name = Bytes::<64>::new();
    let _ = each(host, &mut |known| {
        // One of IPv6 seldom has a name, but the same hardware.
        let same = known.ip == ip || known.hardware.is_some() && known.hardware == found;
        if let Some(told) = known.name.filter(|_| same && name.is_empty()) {
            name.push(told);
        }
    });
    if let Some([a, b, c, d, e, f]) = found {
        let mut text = Bytes::<NAME_BYTES>::new();
        let _ = core::fmt::Write::write_fmt(
            &mut text,
            format_args!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
        );
        say(text.as_slice());
    }
    if !name.is_empty() {
        say(name.as_slice());
    }
}

/// Hands everybody of whom something is known to `each`. Fails as [`read`] does.
fn each<H: Host>(host: &H, each: &mut dyn FnMut(&Known<'_>)) -> Result<(), (Fault, Fault)> {
    let mut near = |ip, hardware| each(&Known { ip, hardware: Some(hardware), name: None });
    // Of IPv6 netlink alone tells; a kernel without it, or a recording, has the text.
    let text = arp(host, &mut near);
    let told = neighbours(host, &mut near);
    for path in LEASES {
        leases(host, path, each);
    }
    fixed(host, each);
    if let Ok(dir) = host.dir(HOSTS) {
        let _ = host.list(&dir, &mut |name| {
            let mut path = Bytes::<PATH_BYTES>::of(HOSTS);
            path.push(b"/");
            path.push(name);
            leases(host, path.as_slice(), each);
        });
    }
    text.or_else(|text| told.map_err(|told| (text, told)))
}

/// Hands the neighbours of the text to `each`: IPv4, those whose hardware address is known.
///
/// # Errors
/// When it cannot be read.
pub fn arp<H: Host>(host: &H, each: &mut dyn FnMut(IpAddr, Hardware)) -> Result<(), Fault> {
    let (mut file, _) = host.file(ARP)?;
    rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        let mut words = fields(row.unwrap_or_default());
        let ip = words.next().and_then(parse);
        if let (Some(ip), Some(hardware)) = (ip, words.nth(2).and_then(hardware)) {
            each(ip, hardware);
        }
    })
}

/// Hands the neighbours of the kernel's own answer to `each`, IPv4 and IPv6.
///
/// # Errors
/// See [`dump::each`].
pub fn neighbours<H: Host>(host: &H, each: &mut dyn FnMut(IpAddr, Hardware)) -> Result<(), Fault> {
    let endian = host.about().endian.ok_or(Fault::NotFound)?;
    dump::each(host, endian, Question::Neighbours, &mut |_, body| {
        if let Some((ip, hardware)) = neighbour(body, endian) {
            each(ip, hardware);
        }
        true
    })
}

/// Reads whom OpenWrt is told to give a fixed address or a name: sections `host` and `domain` of its configuration.
fn fixed<H: Host>(host: &H, each: &mut dyn FnMut(&Known<'_>)) {
    let Ok((mut file, _)) = host.file(UCI) else { return };
    let (mut section, mut ip, mut hardware, mut name) = (0, None, None, Bytes::<64>::new());
    let mut end = |ip: Option<IpAddr>, hardware, name: &Bytes<64>| {
        if let Some(ip) = ip {
            each(&Known { ip, hardware, name: Some(name.as_slice()).filter(|name| is_name(name)) });
        }
    };
    let _ = entries(&mut file, &mut |entry| {
        if entry.section_line != section {
            end(ip, hardware, &name);
            (section, ip, hardware) = (entry.section_line, None, None);
            name.clear();
        }
        match entry.option {
            _ if !matches!(entry.section, b"host" | b"domain") => {}
            b"ip" => ip = parse(entry.value),
            b"mac" => hardware = fields(entry.value).find_map(self::hardware),
            b"name" => name = Bytes::of(entry.value),
            _ => {}
        }
    });
    end(ip, hardware, &name);
}

fn list<H: Host>(host: &H, path: &[u8], each: &mut dyn FnMut(&[u8])) {
    if let Ok((mut file, _)) = host.file(path) {
        let _ = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| row.into_iter().for_each(&mut *each));
    }
}

/// Reads a list of leases or names, whatever wrote it: in a row an address, a hardware address, and words that may be names.
/// dhcpd.leases has a block for each lease, begun by its address.
fn leases<H: Host>(host: &H, path: &[u8], each: &mut dyn FnMut(&Known<'_>)) {
    let mut block = None;
    list(host, path, &mut |row| {
        let words = || row.split(|b| b" \t,;\"={}\r".contains(b)).filter(|word| !word.is_empty());
        let first = words().next().unwrap_or_default();
        if first.first() == Some(&b'#') {
            return;
        }
        let own = words().find_map(parse);
        let names = match (own, first) {
            (Some(_), b"lease") => {
                block = own;
                false
            }
            (Some(_), _) => true,
            (None, b"client-hostname" | b"hardware") => first == b"client-hostname",
            _ => return,
        };
        let Some(ip) = own.or(block) else { return };
        let hardware = words().find_map(hardware);
        if hardware.is_some() {
            each(&Known { ip, hardware, name: None });
        }
        let skipped = usize::from(own.is_none());
        for name in words().skip(skipped).filter(|word| names && is_name(word)) {
            each(&Known { ip, hardware, name: Some(name) });
        }
    });
}

/// Whether a word may be the name of a host (RFC 1123 section 2.1); many have underscores.
fn is_name(word: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    word.len() < 64 && word.iter().all(fits) && word.iter().any(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::facts::netlink::testing::{done, message, nested};
    use crate::host::memory::Memory;
    use core::net::Ipv6Addr;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth1\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    fn machine() -> Memory {
        let machine = Memory::new();
        machine.file("proc/net/route", ROUTE).file(
            "proc/net/arp",
            "IP address       HW type     Flags       HW address            Mask     Device\n\
             192.168.1.20     0x1         0x2         02:00:00:aa:bb:20     *        br-lan\n",
        );
        machine.file(
            "tmp/dhcp.leases",
            "1795400000 02:00:00:aa:bb:20 192.168.1.20 anns-phone 01:02:00:00:aa:bb:20\n\
             1795400000 02:00:00:aa:bb:21 192.168.1.21 * *\n\
             duid 00:01:00:01:2c:00:00:00:02:00:00:aa:bb:01\n",
        );
        machine.file("tmp/hosts/odhcpd", "# br-lan 0001 00 toms-tv 1 2 128\nfe80::21 toms-tv\n");
        machine.file(
            "var/lib/dhcp/dhcpd.leases",
            "lease 192.168.1.22 {\n  starts 1 2026/11/23 10:00:00;\n  hardware ethernet 02:00:00:aa:bb:22;\n  \
             client-hostname \"evas-laptop\";\n}\n",
        );
        machine.file(
            "etc/config/dhcp",
            "config dnsmasq\n\toption domain 'lan'\nconfig host\n\toption name 'evas-tv'\n\toption mac '02:00:00:AA:BB:24'\n\toption \
             ip '192.168.1.24'\nconfig domain\n\toption name 'printer'\n\toption ip '192.168.1.25'\nconfig domain\n\toption name \
             'office'\n\toption ip '198.51.100.7'\n",
        );
        machine.file("etc/hosts", "127.0.0.1 localhost\n0.0.0.0 ads.example\n192.168.1.23 nas.lan nas\n");
        let little = Endian::Little;
        let six = "2001:db8:1::20".parse::<Ipv6Addr>().unwrap().octets();
        let told = [nested(little, 1, &six), nested(little, 2, &[2, 0, 0, 0xaa, 0xbb, 0x20])].concat();
        machine.file(
            "dumps/neighbours.bin",
            [message(little, 28, &[vec![10; 12], told].concat()), done(little)].concat(),
        );
        machine
    }

    fn told(ip: &str) -> String {
        let mut words = Vec::new();
        tell(&machine(), ip.parse().unwrap(), &mut |word| {
            words.push(String::from_utf8(word.to_vec()).unwrap())
        });
        words.join(" ")
    }

    #[test]
    fn everybody_by_address() {
        assert_eq!(told("192.168.1.20"), "02:00:00:aa:bb:20 anns-phone");
        assert_eq!(told("2001:db8:1::20"), "02:00:00:aa:bb:20 anns-phone");
        assert_eq!(told("192.168.1.21"), "02:00:00:aa:bb:21");
        assert_eq!(told("fe80::21"), "toms-tv");
        assert_eq!(told("192.168.1.22"), "02:00:00:aa:bb:22 evas-laptop");
        assert_eq!(told("192.168.1.23"), "nas.lan");
        assert_eq!(told("192.168.1.24"), "02:00:00:aa:bb:24 evas-tv");
        assert_eq!(told("192.168.1.25"), "printer");
        assert_eq!(told("192.168.1.99"), "");
    }

    #[test]
    fn all_that_is_known_is_veiled() {
        let (machine, mut lan) = (machine(), Lan::new());
        read(&machine, &mut lan).unwrap();
        let veiled = |lan: &Lan, text: &str| {
            let mut out = Vec::new();
            lan.veil(text.as_bytes(), &mut |piece| out.extend_from_slice(piece));
            String::from_utf8(out).unwrap()
        };
        let anns = veiled(&lan, "192.168.1.20");
        for text in ["anns-phone", "02:00:00:aa:bb:20"] {
            assert_eq!(veiled(&lan, text), anns, "one word for one client: {text}");
        }
        for text in ["toms-tv", "evas-laptop", "nas", "02:00:00:aa:bb:21", "fe80::21", "evas-tv", "printer"] {
            assert!(veiled(&lan, text).starts_with("lan-"), "{text}");
        }
        for text in ["localhost", "ads", "br-lan", "ethernet", "lease", "office"] {
            assert_eq!(veiled(&lan, text), text);
        }
        assert!(!lan.is_cut());
    }

    #[test]
    fn one_table_of_neighbours_is_enough_and_that_there_is_none_is_said() {
        let (machine, mut lan) = (machine(), Lan::new());
        machine.remove("proc/net/arp");
        assert_eq!(read(&machine, &mut lan), Ok(()));
        machine.remove("dumps");
        assert_eq!(read(&machine, &mut lan), Err((Fault::NotFound, Fault::NotFound)));
        let word = lan.word([192, 168, 1, 23].into());
        let mut veiled = Vec::new();
        lan.veil(b"nas", &mut |piece| veiled.extend_from_slice(piece));
        assert_eq!(veiled, word.as_slice(), "the rest was read");
    }

    #[test]
    fn the_secret_is_the_best_that_there_is() {
        let machine = machine();
        let word = || {
            let mut lan = Lan::new();
            read(&machine, &mut lan).unwrap();
            lan.word([192, 168, 1, 20].into())
        };
        let none = word();
        machine.file("sys/class/net/br-lan/address", "02:00:00:00:00:01\n");
        let printed = word();
        machine.file("etc/machine-id", "").file("etc/dropbear/dropbear_rsa_host_key", "secret");
        let secret = word();
        assert!(none != printed && printed != secret);
        assert_eq!(word(), secret);
        machine.file("etc/machine-id", "0123\n");
        assert_eq!(word(), secret, "the better one");
    }
}
