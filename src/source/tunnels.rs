//! Tunnels: which interfaces are some, who has them open, and whether a file of configuration has their names.

use super::{Coverage, dump, fill, rows, rows_within};
use crate::facts::netlink::Question;
use crate::facts::route::Interface;
use crate::facts::text::{Bytes, trim};
use crate::facts::tunnel::{Link, attached, is_device};
use crate::host::{Fault, Host};
use crate::limits::{CONFIG_FILES, INTERFACES, PATH_BYTES, SMALL_FILE_BYTES};

/// The interfaces that are tunnels.
pub type Links = heapless::Vec<Link, INTERFACES>;

/// Finds them in `/sys/class/net`, or asks rtnetlink where that is missing.
pub fn links<H: Host>(host: &H, links: &mut Links, coverage: &mut Coverage) {
    links.clear();
    let mut cut = false;
    let found = match host.dir(b"sys/class/net") {
        Ok(all) => host.list(&all, &mut |name| {
            coverage.fact();
            if let Some(link) = by_files(host, name) {
                cut |= links.push(link).is_err();
            }
        }),
        Err(fault) => match by_netlink(host, links, coverage) {
            Err(Fault::NotFound) => Err(fault),
            other => other,
        },
    };
    match found {
        Err(Fault::NotFound) if !host.about().live => coverage.absent = true,
        Err(fault) => coverage.gap(b"/sys/class/net", format_args!("{fault}")),
        Ok(()) if cut || links.is_full() => {
            coverage.gap(b"/sys/class/net", format_args!("more than {INTERFACES} tunnels"));
        }
        Ok(()) => {}
    }
}

/// Asks rtnetlink for them.
///
/// # Errors
/// See [`dump::each`].
pub fn by_netlink<H: Host>(host: &H, links: &mut Links, coverage: &mut Coverage) -> Result<(), Fault> {
    const RTM_NEWLINK: u16 = 16;
    let endian = host.about().endian.ok_or(Fault::NotFound)?;
    dump::each(host, endian, Question::Links, &mut |kind, body| {
        if kind == RTM_NEWLINK {
            coverage.fact();
            // One too many leaves the table full, which is said.
            Link::message(body, endian).into_iter().for_each(|link| drop(links.push(link)));
        }
        true
    })
}

fn by_files<H: Host>(host: &H, name: &[u8]) -> Option<Link> {
    let [kind, flags, uevent, broadcast] =
        [&b"type"[..], b"tun_flags", b"uevent", b"broadcast"].map(|file| {
            let mut path = Bytes::<64>::of(b"sys/class/net/");
            for part in [name, b"/", file] {
                path.push(part);
            }
            let mut text = Bytes::<128>::new();
            if let Ok((mut file, _)) = host.file(path.as_slice()) {
                let _ = fill(&mut file, &mut text);
            }
            text
        });
    Link::files(
        name,
        trim(kind.as_slice()),
        trim(flags.as_slice()),
        uevent.as_slice(),
        trim(broadcast.as_slice()),
    )
}

/// Hands every interface that a process has open to `each`.
pub fn held<H: Host>(host: &H, process: &H::Dir, each: &mut dyn FnMut(&Interface)) {
    let (Ok(fds), Ok(infos)) = (host.dir_at(process, b"fd"), host.dir_at(process, b"fdinfo")) else { return };
    let _ = host.list(&fds, &mut |name| {
        let mut link = [0_u8; 32];
        let length = host.link_at(&fds, name, &mut link).unwrap_or(0);
        if !is_device(link.get(..length).unwrap_or_default()) {
            return;
        }
        if let Ok(mut file) = host.file_at(&infos, name) {
            let _ = rows(&mut file, &mut |row| row.and_then(attached).iter().for_each(&mut *each));
        }
    });
}

/// Where the names of interfaces are set: files, and directories whose files are read. OpenWrt; Debian's ifupdown, systemd,
/// netplan, NetworkManager; `WireGuard`, OpenVPN, tinc, strongSwan; the owner's own scripts.
const PLACES: [&[u8]; 20] = [
    b"etc/config",
    b"etc/network",
    b"etc/network/interfaces.d",
    b"etc/systemd/network",
    b"run/systemd/network",
    b"usr/lib/systemd/network",
    b"etc/netplan",
    b"etc/NetworkManager/system-connections",
    b"run/NetworkManager/system-connections",
    b"etc/wireguard",
    b"etc/openvpn",
    b"etc/openvpn/client",
    b"etc/openvpn/server",
    b"etc/tinc",
    b"etc/swanctl/conf.d",
    b"etc/rc.local",
    b"etc/firewall.user",
    b"jffs/scripts",
    b"jffs/configs",
    b"etc/storage",
];

/// Whether a file of configuration has the name of an interface. netifd puts what a tunnel is before the name of its
/// section: `6in4-wan6`, `gre4-office`.
pub fn is_configured<H: Host>(host: &H, name: &[u8], coverage: &mut Coverage) -> bool {
    let end = name.iter().position(|b| *b == b'-').map_or(name.len(), |dash| dash.saturating_add(1));
    let section = name.get(end..).filter(|section| !section.is_empty());
    let mut found = false;
    for place in PLACES {
        match host.dir(place) {
            Ok(dir) => {
                let mut left = CONFIG_FILES;
                let _ = host.list(&dir, &mut |entry| {
                    left = left.saturating_sub(1);
                    let mut path = Bytes::<PATH_BYTES>::of(place);
                    path.push(b"/");
                    path.push(entry);
                    // `/etc/wireguard/wg0.conf`
                    let stem = entry.strip_suffix(b".conf").unwrap_or(entry);
                    found |= stem == name;
                    if left > 0 && !found {
                        let section = section.filter(|_| path.as_slice() == b"etc/config/network");
                        found |= says(host, path.as_slice(), name, section, coverage);
                    }
                });
                if left == 0 {
                    coverage.gap(place, format_args!("more than {CONFIG_FILES} files"));
                }
            }
            Err(_) => found |= says(host, place, name, None, coverage),
        }
        if found {
            return true;
        }
    }
    false
}

/// Whether a file has one of two words. What cannot be read may have it.
fn says<H: Host>(
    host: &H,
    path: &[u8],
    name: &[u8],
    section: Option<&[u8]>,
    coverage: &mut Coverage,
) -> bool {
    let mut found = false;
    let read = host.file(path).and_then(|(mut file, _)| {
        rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
            // A line that is too long is no line of such a file.
            let row = row.unwrap_or_default();
            let has = |wanted: &[u8]| {
                let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
                row.split(|b| !is_name(*b)).any(|word| word == wanted)
            };
            found |= row.first() != Some(&b'#') && (has(name) || section.is_some_and(has));
        })
    });
    match read {
        Ok(()) | Err(Fault::NotFound | Fault::Directory | Fault::NotDirectory) => found,
        Err(fault) => {
            coverage.gap(path, format_args!("{fault}"));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::facts::netlink::testing::{done, half, message, nested};
    use crate::host::memory::{Memory, Node};

    fn names(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage) = (Links::new(), Coverage::new());
        links(machine, &mut found, &mut coverage);
        let name = |link: &Link| String::from_utf8_lossy(link.name.as_slice()).into_owned();
        (found.iter().map(name).collect(), coverage)
    }

    #[test]
    fn files_or_messages() {
        let machine = Memory::new();
        machine.file("sys/class/net/tun0/tun_flags", "0x1001\n").file("sys/class/net/eth0/type", "1\n");
        let (found, coverage) = names(&machine);
        assert_eq!((found, coverage.facts, coverage.gaps), (vec!["tun0".to_owned()], 2, 0));
        machine.remove("sys");
        assert_eq!(names(&machine).1.reason().as_slice(), b"/sys/class/net: not found");
        let little = Endian::Little;
        let mut body = vec![0; 16];
        body[2..4].copy_from_slice(&half(little, 778));
        body.extend(nested(little, 3, b"gre1\0"));
        machine.file("dumps/links.bin", [message(little, 16, &body), done(little)].concat());
        let (found, coverage) = names(&machine);
        assert_eq!((found, coverage.facts, coverage.gaps), (vec!["gre1".to_owned()], 1, 0));
        assert!(names(&Memory::new().tree(Some(little))).1.absent);
    }

    #[test]
    fn who_holds_which() {
        let machine = Memory::new();
        machine
            .link("proc/7/fd/3", "/dev/net/tun")
            .file("proc/7/fdinfo/3", "pos:\t0\nflags:\t02\niff:\ttun0\n")
            .link("proc/7/fd/4", "/dev/null")
            .file("proc/7/fdinfo/4", "iff:\ttun1\n");
        let mut found = Vec::new();
        held(&machine, &machine.dir(b"proc/7").unwrap(), &mut |name| found.push(name.as_slice().to_vec()));
        assert_eq!(found, [b"tun0"]);
    }

    #[test]
    fn names_in_configuration() {
        let machine = Memory::new();
        machine
            .file("etc/config/network", "config interface 'office'\n\toption proto 'gre'\nconfig interface 'vpn'\n\toption device 'tun0'\n")
            .file("etc/wireguard/wg-home.conf", "[Interface]\n")
            .file("etc/systemd/network/10.netdev", "[NetDev]\nName=wg9\n#Name=wg8\n# Name=wg7\n")
            .file("etc/rc.local", "ip tunnel add he mode sit\n");
        let mut coverage = Coverage::new();
        let mut known = |name: &[u8]| is_configured(&machine, name, &mut coverage);
        for name in [&b"tun0"[..], b"gre4-office", b"wg-home", b"wg9", b"he"] {
            assert!(known(name), "{}", String::from_utf8_lossy(name));
        }
        for name in [&b"tun1"[..], b"gre4-offic", b"wg8", b"wg7", b"h", b"gre4-"] {
            assert!(!known(name), "{}", String::from_utf8_lossy(name));
        }
        assert_eq!(coverage.gaps, 0);
        machine.put("etc/config/network", Node::Fails(Fault::Denied));
        assert!(is_configured(&machine, b"tun1", &mut coverage), "what cannot be read may have it");
        assert_eq!(coverage.gaps, 1);
    }
}
