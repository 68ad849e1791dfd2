//! Ports that UPnP, NAT-PMP or PCP opened: the lists of leases that miniupnpd keeps, wherever its configuration puts them.

use super::config::entries;
use super::owner::relative;
use super::{Coverage, rows_within};
use crate::facts::mapping::Mapping;
use crate::facts::text::{Bytes, trim};
use crate::facts::topology::Topology;
use crate::host::{Fault, Host};
use crate::limits::{LEASE_BYTES, LEASE_FILES, SMALL_FILE_BYTES};

/// The path of a list.
type List = Bytes<256>;

/// Where lists are unless configuration says otherwise: OpenWrt, ASUSWRT (`var/lib/misc`), DD-WRT, older OpenWrt, Debian.
const LISTS: [&[u8]; 6] = [
    b"/var/run/miniupnpd.leases",
    b"/var/lib/misc/upnp.leases",
    b"/tmp/upnp.leases",
    b"/var/upnp.leases",
    b"/var/lib/miniupnpd/upnp.leases",
    b"/var/log/upnp.leases",
];

/// Configuration of miniupnpd: as it is made by OpenWrt, ASUSWRT, DD-WRT, Padavan and Tomato, and Debian's.
const CONFIGURATION: [&[u8]; 7] = [
    b"var/etc/miniupnpd.conf",
    b"etc/upnp/config",
    b"etc/miniupnpd.conf",
    b"tmp/miniupnpd.conf",
    b"var/miniupnpd.conf",
    b"etc/miniupnpd/config",
    b"etc/miniupnpd/miniupnpd.conf",
];

/// Hands every lease to `each`, with whose the address is that it leads to.
pub fn read<H: Host>(
    host: &H,
    topology: &Topology,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Mapping<'_>),
) {
    // Two paths may lead to one list: `/var` is `/tmp` on many routers.
    let mut seen = heapless::Vec::<(u64, u64), LEASE_FILES>::new();
    let mut lists = heapless::Vec::<List, LEASE_FILES>::new();
    let mut full = false;
    for list in LISTS {
        full |= lists.push(Bytes::of(list)).is_err();
    }
    let mut named = |path: &[u8]| {
        let path = List::of(path);
        if path.as_slice().first() == Some(&b'/') && !lists.contains(&path) {
            full |= path.is_cut() || lists.push(path).is_err();
        }
    };
    if let Ok((mut file, _)) = host.file(b"etc/config/upnpd") {
        // What cannot be understood of it is told of where its settings are read.
        let _ = entries(&mut file, &mut |entry| {
            if entry.option.starts_with(b"upnp_lease_file") {
                named(entry.value);
            }
        });
    }
    for path in CONFIGURATION {
        let Ok((mut file, _)) = host.file(path) else { continue };
        let _ = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
            let row = trim(row.unwrap_or_default()).strip_prefix(b"lease_file");
            let value = row.map(|row| row.strip_prefix(b"6").unwrap_or(row));
            if let Some(value) = value.and_then(|value| value.strip_prefix(b"=")) {
                named(trim(value));
            }
        });
    }
    if full {
        coverage.gap(b"miniupnpd", format_args!("its configuration names more than {LEASE_FILES} lists"));
    }
    for path in &lists {
        let path = path.as_slice();
        let (mut file, identity) = match host.file(relative(path)) {
            Ok(file) => file,
            Err(Fault::NotFound) => continue,
            Err(fault) => {
                coverage.gap(path, format_args!("{fault}"));
                continue;
            }
        };
        let key = (identity.device, identity.inode);
        if seen.contains(&key) {
            continue;
        }
        let _ = seen.push(key);
        let (mut line, mut odd) = (0_u32, 0_u32);
        let read = rows_within(&mut file, LEASE_BYTES, &mut |row| {
            line = line.saturating_add(1);
            let lease = match row.map(trim) {
                Some(b"") => return,
                row => row.and_then(Mapping::parse),
            };
            let Some(lease) = lease else {
                odd = odd.saturating_add(1);
                return;
            };
            coverage.fact();
            each(&Mapping { file: path, line, side: topology.side(lease.to.ip), ..lease });
        });
        if let Err(fault) = read {
            coverage.gap(path, format_args!("{fault}"));
        }
        if odd > 0 {
            coverage.gap(path, format_args!("{odd} rows not understood"));
        }
    }
    coverage.absent = seen.is_empty() && coverage.gaps == 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::topology::testing::home;
    use crate::host::memory::{Memory, Node};

    fn told(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        read(machine, &home(), &mut coverage, &mut |lease| {
            let file = String::from_utf8_lossy(lease.file).into_owned();
            found.push(format!("{file}:{} {} {:?}", lease.line, lease.to, lease.side));
        });
        (found, coverage)
    }

    #[test]
    fn lists_that_configuration_names_and_those_that_it_does_not() {
        let machine = Memory::new();
        assert!(told(&machine).1.absent);
        machine
            .file("etc/config/upnpd", "config upnpd 'config'\n\toption upnp_lease_file '/srv/a'\n")
            .file(
                "var/etc/miniupnpd.conf",
                "ext_ifname=eth1\nlease_file=/srv/a\nlease_file6=/srv/b\n#lease_file=/srv/c\n",
            )
            .file("srv/a", "TCP:80:192.168.1.20:80:0:x\n\nUDP:1:198.51.100.9:53:0:x\n")
            .file("srv/b", "TCP;2001:db8:1::1;22;;0;1;0;x")
            .file("srv/c", "TCP:80:192.168.1.20:80:0:x\n")
            .file("var/run/miniupnpd.leases", "");
        let (found, coverage) = told(&machine);
        assert_eq!(
            found,
            [
                "/srv/a:1 192.168.1.20:80 Lan",
                "/srv/a:3 198.51.100.9:53 Wan",
                "/srv/b:1 [2001:db8:1::1]:22 Own"
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps, coverage.absent), (3, 0, false));
    }

    #[test]
    fn what_cannot_be_read_or_understood_is_said() {
        let machine = Memory::new();
        machine.put("var/run/miniupnpd.leases", Node::Fails(Fault::Denied));
        assert_eq!(told(&machine).1.reason().as_slice(), b"/var/run/miniupnpd.leases: permission denied");
        machine.file("var/run/miniupnpd.leases", [b"nonsense\n".to_vec(), vec![b':'; 5000]].concat());
        let (found, coverage) = told(&machine);
        assert_eq!(coverage.reason().as_slice(), b"/var/run/miniupnpd.leases: 2 rows not understood");
        assert!(found.is_empty() && !coverage.absent);
        machine.file("var/run/miniupnpd.leases", vec![b'\n'; 2_000_000]);
        assert_eq!(told(&machine).1.gaps, 1);
        let many: String = (0..LEASE_FILES).map(|number| format!("lease_file=/srv/{number}\n")).collect();
        machine.remove("var/run/miniupnpd.leases").file("etc/miniupnpd.conf", many);
        assert_eq!(told(&machine).1.gaps, 1);
    }
}
