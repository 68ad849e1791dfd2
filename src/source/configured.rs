//! What OpenWrt's configuration asks the packet filter for: its redirections as rules, and what the kernel's rules are
//! compared with.

use core::net::IpAddr;

use super::redirects::{self, Kind, Section};
use crate::facts::packet_rule::{Action, Hooks, Listener, Matched, Origin, PacketRule, PortSpan};
use crate::facts::span::Span;
use crate::facts::text::{decimal, has, is_one_of};
use crate::facts::topology::Topology;
use crate::host::{Fault, Host};
use crate::limits::CONFIGURED_RULES;

/// One thing that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    /// It opens, closes or diverts.
    action: Action,
    ports: PortSpan,
    to: Option<IpAddr>,
}

/// All that is asked for.
#[derive(Debug, Default)]
pub struct Configured {
    rows: heapless::Vec<Row, CONFIGURED_RULES>,
    /// There is more than fits.
    pub cut: bool,
    /// Zones or defaults are set.
    pub zones: bool,
}

/// The ports in a value: `80`, `80-90`, `80:90`, several with blanks or commas between.
fn each_port(value: &[u8], each: &mut dyn FnMut(PortSpan)) {
    for word in value.split(|b| matches!(b, b' ' | b',' | b'\t')).filter(|word| !word.is_empty()) {
        let mut ends = word.splitn(2, |b| matches!(b, b'-' | b':'));
        let mut end = || decimal(ends.next()?).and_then(|port| u16::try_from(port).ok());
        if let Some(low) = end() {
            each((low, end().unwrap_or(low)));
        }
    }
}

/// An address, of a network the first.
fn address(value: &[u8]) -> Option<IpAddr> {
    str::from_utf8(value.split(|b| *b == b'/').next()?).ok()?.parse().ok()
}

impl Configured {
    /// Reads it, and hands its redirections to `each` as rules. Whether there is such a configuration.
    ///
    /// # Errors
    /// When it could not be read, or is none.
    pub fn read<H: Host>(
        &mut self,
        host: &H,
        topology: &Topology,
        each: &mut dyn FnMut(&PacketRule<'_>),
    ) -> Result<bool, Fault> {
        redirects::sections(host, &mut |section| {
            self.zones |= section.kind == Kind::Zone;
            if !section.is_on() {
                return;
            }
            match section.kind {
                Kind::Redirect => self.redirect(section, topology, each),
                Kind::Rule => self.rule(section),
                _ => {}
            }
        })
    }

    fn add(&mut self, action: Action, ports: &[PortSpan], to: Option<IpAddr>) {
        for ports in ports {
            self.cut |= self.rows.push(Row { action, ports: *ports, to }).is_err();
        }
    }

    fn rule(&mut self, section: &Section) {
        let target = section.value(b"target");
        let action = match target {
            _ if target.eq_ignore_ascii_case(b"accept") => Action::Accept,
            _ if is_one_of(target, b"DROP REJECT drop reject") => Action::Drop,
            _ => return,
        };
        let mut says = Matched::default();
        each_port(section.value(b"dest_port"), &mut |ports| says.port(ports));
        self.add(action, if says.ports.is_empty() { &[(0, u16::MAX)] } else { &says.ports }, None);
    }

    fn redirect(&mut self, section: &Section, topology: &Topology, each: &mut dyn FnMut(&PacketRule<'_>)) {
        if section.value(b"target").eq_ignore_ascii_case(b"snat") {
            return;
        }
        let mut says = Matched::default();
        let protocols = section.value(b"proto");
        for (word, bit) in [(&b"tcp"[..], Matched::TCP), (b"udp", Matched::UDP)] {
            says.protocols |= if protocols.is_empty() || has(protocols, word) { bit } else { 0 };
        }
        each_port(section.value(b"src_dport"), &mut |ports| says.port(ports));
        says.source = address(section.value(b"src_ip")).map(Span::one);
        says.destination = address(section.value(b"src_dip")).map(Span::one);
        let to = address(section.value(b"dest_ip"));
        says.to = to.map(Span::one);
        each_port(section.value(b"dest_port"), &mut |ports| says.to_ports = says.to_ports.or(Some(ports)));
        says.action = if to.is_some() { Action::Dnat } else { Action::Redirect };
        let all = [(0, u16::MAX)];
        let ports = says.ports.clone();
        self.add(Action::Dnat, if ports.is_empty() { &all } else { &ports }, to);
        if let Some(form) = section.form() {
            says.form.push(form.as_slice());
        }
        each(&PacketRule {
            origin: Origin::File { path: b"/etc/config/firewall", line: section.line },
            hooks: Hooks::PREROUTING,
            direct: false,
            says: &says,
            meant: says.destination.map(|span| topology.side(span.low)),
            to: to.map(|ip| topology.side(ip)),
            configured: true,
            excepted: false,
            known: false,
            used: false,
            listener: Listener::Unseen,
        });
    }

    /// Whether a rule of the kernel's is asked for.
    #[must_use]
    pub fn asks_for(&self, says: &Matched) -> bool {
        let all = [(0, u16::MAX)];
        let ports: &[PortSpan] = if says.ports.is_empty() { &all } else { &says.ports };
        let action = match says.action {
            action if action.closes() => Action::Drop,
            Action::Accept => Action::Accept,
            action if action.diverts() => Action::Dnat,
            _ => return false,
        };
        let to = says.to.map(|to| to.low);
        ports.iter().all(|(low, high)| {
            self.rows.iter().any(|row| {
                let (from, until) = row.ports;
                row.action == action
                    && from <= *low
                    && *high <= until
                    && (action != Action::Dnat || row.to == to)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::topology::{Side, testing::home};
    use crate::host::memory::Memory;

    #[test]
    fn what_the_configuration_asks_for() {
        let machine = Memory::new();
        machine.file(
            "etc/config/firewall",
            "config defaults\n\toption input 'REJECT'\nconfig rule\n\toption name x\n\toption target DROP\n\
            \toption dest_port '23 2323'\nconfig rule\n\toption enabled 0\n\toption target ACCEPT\n\toption dest_port 8888\n\
            config rule\n\toption target ACCEPT\n\toption dest_port 1000-2000\n\
            config redirect\n\toption src wan\n\toption src_dport 443\n\toption dest_ip 198.51.100.9\n\
            \toption proto tcp\n\toption dest_port 80\nconfig redirect\n\toption src lan\n\toption src_dport 53\n\
            \toption dest_port 5353\nconfig redirect\n\toption target SNAT\n\toption src_dip 1.2.3.4\n",
        );
        let (mut configured, mut seen) = (Configured::default(), Vec::new());
        let read = configured.read(&machine, &home(), &mut |rule| {
            let Origin::File { line, .. } = rule.origin else { panic!() };
            let says = rule.says;
            let ports = (says.protocols, says.only_port(), says.to_ports.map(|(low, _)| low));
            seen.push((line, says.action, ports, rule.to));
        });
        assert_eq!(read, Ok(true));
        assert!(configured.zones && !configured.cut);
        let expected = [
            (14, Action::Dnat, (1, Some(443), Some(80)), Some(Side::Wan)),
            (20, Action::Redirect, (3, Some(53), Some(5353)), None),
        ];
        assert_eq!(seen, expected);
        let says = |action, ports: &[PortSpan], to: Option<&str>| {
            let mut says = Matched { action, ..Matched::default() };
            ports.iter().for_each(|span| says.port(*span));
            says.to = to.map(|ip| Span::one(ip.parse().unwrap()));
            says
        };
        for (says, expected) in [
            (says(Action::Drop, &[(23, 23)], None), true),
            (says(Action::Reject, &[(2323, 2323), (23, 23)], None), true),
            (says(Action::Drop, &[(7547, 7547), (23, 23)], None), false),
            (says(Action::Drop, &[], None), false),
            (says(Action::Accept, &[(8888, 8888)], None), false),
            (says(Action::Accept, &[(1500, 1600)], None), true),
            (says(Action::Accept, &[(1500, 2001)], None), false),
            (says(Action::Dnat, &[(443, 443)], Some("198.51.100.9")), true),
            (says(Action::Dnat, &[(443, 443)], Some("198.51.100.8")), false),
            (says(Action::Redirect, &[(53, 53)], None), true),
            (says(Action::Masquerade, &[], None), false),
        ] {
            assert_eq!(configured.asks_for(&says), expected, "{says:?}");
        }
        assert_eq!(Configured::default().read(&Memory::new(), &home(), &mut |_| panic!()), Ok(false));
    }
}
