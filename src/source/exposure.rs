//! Settings that open services to the Internet, and what the firmware is: UCI's firewall, NVRAM, `/etc/openwrt_release`.

use super::config::entries;
use super::{Coverage, nvram, rows_within};
use crate::facts::exposure::{Exposure, Exposures, Service};
use crate::facts::text::{Bytes, decimal, fields, trim};
use crate::host::{Fault, Host};
use crate::limits::SMALL_FILE_BYTES;

const FIREWALL: &[u8] = b"/etc/config/firewall";
const RELEASE: &[u8] = b"/etc/openwrt_release";

/// Variables that firmware has for it: ASUSWRT (`misc_http_x`), DD-WRT (`remote_mgt_`), DD-WRT and Tomato
/// (`remote_management`), Tomato (`sshd_remote`), Padavan (`sshd_wopen`). `1`: on.
const VARIABLES: [(&[u8], Service); 7] = [
    (b"misc_http_x", Service::Web),
    (b"remote_management", Service::Web),
    (b"remote_mgt_https", Service::Web),
    (b"remote_mgt_ssh", Service::Ssh),
    (b"remote_mgt_telnet", Service::Telnet),
    (b"sshd_remote", Service::Ssh),
    (b"sshd_wopen", Service::Ssh),
];

/// Takes the settings into `exposures`.
pub fn settings<H: Host>(host: &H, exposures: &mut Exposures, coverage: &mut Coverage) {
    let mut section = Section::default();
    match host.file(b"etc/config/firewall") {
        Ok((mut file, _)) => {
            let read = entries(&mut file, &mut |entry| {
                if entry.section_line != section.line {
                    section.open(exposures);
                    section = Section {
                        line: entry.section_line,
                        zone: entry.section == b"zone",
                        ..Section::default()
                    };
                    section.of_interest = section.zone || entry.section == b"rule";
                }
                section.option(entry.option, entry.value);
            });
            section.open(exposures);
            coverage.fact();
            if let Err(fault) = read {
                coverage.gap(FIREWALL, format_args!("{fault}"));
            }
        }
        Err(Fault::NotFound) => {}
        Err(fault) => coverage.gap(FIREWALL, format_args!("{fault}")),
    }
    let wanted = |key: &[u8]| VARIABLES.iter().any(|(name, _)| *name == key);
    nvram::values(host, &wanted, &mut |file, line, key, value| {
        coverage.fact();
        let row = VARIABLES.iter().find(|(name, _)| *name == key && trim(value) == b"1");
        if let Some((_, service)) = row {
            exposures.setting(*service, (file, line), false);
        }
    });
}

/// Tells what the firmware is.
pub fn firmware<H: Host>(host: &H, coverage: &mut Coverage, each: &mut dyn FnMut(&Exposure<'_>)) {
    let Ok((mut file, _)) = host.file(b"etc/openwrt_release") else { return };
    let (mut name, mut version) = (Bytes::<32>::new(), Bytes::<32>::new());
    let read = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        let row = row.unwrap_or_default();
        for (key, value) in [(&b"DISTRIB_ID="[..], &mut name), (b"DISTRIB_RELEASE=", &mut version)] {
            if let Some(text) = row.strip_prefix(key) {
                let mut parts = text.split(|b| matches!(b, b'\'' | b'"')).filter(|part| !part.is_empty());
                *value = Bytes::of(parts.next().unwrap_or_default());
            }
        }
    });
    match read {
        Ok(()) => {
            coverage.fact();
            each(&Exposure::Firmware(RELEASE, name.as_slice(), version.as_slice()));
        }
        Err(fault) => coverage.gap(RELEASE, format_args!("{fault}")),
    }
}

/// A section `rule` or `zone`, as far as it was read (OpenWrt, firewall configuration).
#[derive(Default)]
struct Section {
    line: u32,
    of_interest: bool,
    zone: bool,
    /// Of the zone `wan`, or from there.
    wan: bool,
    accepts: bool,
    /// It is off, is about what is passed on, or lets only some in.
    narrow: bool,
    /// Protocols that are named, and whether TCP and UDP are among them.
    protocols: bool,
    tcp: bool,
    udp: bool,
    /// First and last ports; more than a few are no rule of a person's.
    ports: heapless::Vec<(u16, u16), 16>,
    any_port: Option<bool>,
}

impl Section {
    fn option(&mut self, option: &[u8], value: &[u8]) {
        match option {
            _ if !self.of_interest => {}
            b"name" if self.zone => self.wan = value == b"wan",
            b"src" if !self.zone => self.wan = value == b"wan",
            b"input" if self.zone => self.accepts = value.eq_ignore_ascii_case(b"accept"),
            b"target" if !self.zone => self.accepts = value.eq_ignore_ascii_case(b"accept"),
            b"enabled" => self.narrow |= value == b"0",
            b"dest" | b"src_ip" | b"src_mac" | b"ipset" | b"src_port" | b"mark" if !self.zone => {
                self.narrow |= !value.is_empty();
            }
            b"proto" if !self.zone => {
                self.protocols = true;
                for word in fields(value) {
                    let all = matches!(word, b"all" | b"any" | b"tcpudp" | b"*");
                    self.tcp |= all || matches!(word, b"tcp" | b"6");
                    self.udp |= all || matches!(word, b"udp" | b"17");
                }
            }
            b"dest_port" if !self.zone => {
                self.any_port = Some(false);
                for word in fields(value) {
                    let mut ends = word.split(|b| matches!(b, b'-' | b':')).map(decimal);
                    let first = ends.next().flatten();
                    let last = ends.next().unwrap_or(first);
                    let port = |number: Option<u64>| number.and_then(|number| u16::try_from(number).ok());
                    if let (Some(first), Some(last)) = (port(first), port(last)) {
                        let _ = self.ports.push((first, last));
                    }
                }
            }
            _ => {}
        }
    }

    /// At its end: opens what it lets in.
    fn open(&self, exposures: &mut Exposures) {
        if !self.of_interest || !self.wan || !self.accepts || self.narrow {
            return;
        }
        let (tcp, udp) = if self.protocols { (self.tcp, self.udp) } else { (true, true) };
        let all = [(0, u16::MAX)];
        let ports = if self.any_port.unwrap_or(true) { &all[..] } else { &self.ports };
        for (first, last) in ports {
            for service in Service::within(*first, *last, tcp, udp) {
                exposures.setting(service, (FIREWALL, self.line), true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::facts::endpoint::Endpoint;
    use crate::facts::socket::{Protocol, Socket, State};
    use crate::facts::topology::testing::home;
    use crate::host::memory::{Memory, Node};

    /// Services that a machine opens on which everything listens.
    fn opened(machine: &Memory) -> (Vec<(Service, u32)>, Coverage) {
        let (mut exposures, mut coverage, mut found) = (Exposures::new(), Coverage::new(), Vec::new());
        settings(machine, &mut exposures, &mut coverage);
        let row = b"0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 77";
        let socket = Socket::parse(row, Protocol::Tcp, Endian::Little).unwrap();
        assert_eq!(socket.state, State::Listen);
        for port in [23, 22, 80, 7547, 5000, 445, 53, 5555] {
            let local = Endpoint { port, ..socket.local };
            exposures.socket(&Socket { local, ..socket }, &home());
        }
        exposures.each(&home(), &mut |exposure| {
            if let Exposure::Service(service, evidence) = exposure {
                found.push((*service, evidence.setting.unwrap().0.1));
            }
        });
        (found, coverage)
    }

    #[test]
    fn the_firewall_of_openwrt() {
        // What OpenWrt comes with opens nothing of it.
        let own = "config zone\n\toption name 'lan'\n\toption input 'ACCEPT'\n\
            config zone\n\toption name 'wan'\n\toption input 'REJECT'\n\
            config rule\n\toption name 'Allow-DHCP-Renew'\n\toption src 'wan'\n\toption proto 'udp'\n\
            \toption dest_port '68'\n\toption target 'ACCEPT'\n\
            config rule\n\toption name 'Allow-Ping'\n\toption src 'wan'\n\toption proto 'icmp'\n\toption target 'ACCEPT'\n\
            config rule\n\toption name 'Allow-ISAKMP'\n\toption src 'wan'\n\toption dest 'lan'\n\
            \toption dest_port '500'\n\toption proto 'udp'\n\toption target 'ACCEPT'\n";
        let machine = Memory::new();
        machine.file("etc/config/firewall", own);
        assert_eq!(opened(&machine).0, []);
        for (more, expected) in [
            (
                "config rule\n\toption src wan\n\toption target ACCEPT\n\toption dest_port '22 80'\n\toption proto tcp\n",
                &[(Service::Ssh, 25), (Service::Web, 25)][..],
            ),
            (
                "config rule\n\toption target accept\n\toption src wan\n\tlist proto udp\n\tlist proto tcp\n\tlist dest_port 7000-8000\n",
                &[(Service::Tr069, 25)],
            ),
            (
                "config rule\n\toption src wan\n\toption target ACCEPT\n\toption dest_port 22\n\toption enabled 0\n",
                &[],
            ),
            (
                "config rule\n\toption src wan\n\toption target ACCEPT\n\toption dest_port 22\n\toption src_ip 198.51.100.7\n",
                &[],
            ),
            ("config rule\n\toption src wan\n\toption target DROP\n\toption dest_port 22\n", &[]),
            ("config rule\n\toption src guest\n\toption target ACCEPT\n\toption dest_port 22\n", &[]),
            ("config rule\n\toption src wan\n\toption target ACCEPT\n\toption dest_port 51820\n", &[]),
            ("config rule\n\toption src wan\n\toption target ACCEPT\n\toption dest_port nonsense\n", &[]),
            ("config rule\n\toption src wan\n\toption target ACCEPT\n\toption proto esp\n", &[]),
        ] {
            machine.file("etc/config/firewall", [own, more].concat());
            assert_eq!(opened(&machine).0, expected, "{more}");
        }
        machine.file("etc/config/firewall", "config zone\n\toption name wan\n\toption input ACCEPT\n");
        assert_eq!(opened(&machine).0.len(), 8);
        machine.put("etc/config/firewall", Node::Fails(Fault::Denied));
        assert_eq!(opened(&machine).1.reason().as_slice(), b"/etc/config/firewall: permission denied");
    }

    #[test]
    fn nvram() {
        let machine = Memory::new();
        machine.file(
            "tmp/nvram.txt",
            "lan_ip=192.168.1.1\nremote_mgt_ssh=1\nremote_management=0\nx=remote_mgt_telnet=1\n",
        );
        assert_eq!(opened(&machine).0, [(Service::Ssh, 2)]);
    }

    #[test]
    fn releases() {
        let mut found = Vec::new();
        let machine = Memory::new();
        machine.file(
            "etc/openwrt_release",
            "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE=\"19.07.10\"\nDISTRIB_X='y'\n",
        );
        firmware(&machine, &mut Coverage::new(), &mut |exposure| {
            if let Exposure::Firmware(_, name, version) = exposure {
                found.push([*name, version].concat());
            }
        });
        assert_eq!(found, [b"OpenWrt19.07.10"]);
    }
}
