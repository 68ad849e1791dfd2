//! What OpenWrt's settings say of names: `/etc/config/network` and `/etc/config/dhcp`.

use embedded_io::Read;

use super::file::{Each, File, leads};
use super::{Format, Said, To, What};
use crate::facts::dnsmasq::{More, option};
use crate::facts::names::{Hand, Use};
use crate::facts::text::{Bytes, fields, is_one_of};
use crate::facts::uci::{Entry, Uci};
use crate::host::Fault;
use crate::limits::{READ_BYTES, SMALL_FILE_BYTES};

/// A section of which more than one option must be known.
#[derive(Default)]
struct Section {
    line: u32,
    /// `interface`, `domain`, `hostrecord`, `cname`.
    kind: Bytes<16>,
    /// How an interface gets its address, and whether it has a gateway of its own.
    protocol: Bytes<16>,
    gateway: bool,
    /// Resolvers, or names.
    values: heapless::Vec<(Bytes<256>, u32), 8>,
    /// Where names lead.
    target: Bytes<256>,
    /// Something did not fit.
    lost: bool,
}

/// Protocols of VPNs: whom to ask inside of one its provider says on paper.
const VPNS: &[u8] = b"wireguard amneziawg openvpn openconnect sstp vpnc pptp zerotier tailscale";

impl Section {
    fn keep(&mut self, entry: &Entry<'_>) {
        for value in fields(entry.value) {
            let value = (Bytes::of(value), entry.line);
            self.lost |= value.0.is_cut() || self.values.push(value).is_err();
        }
    }

    /// Says what the section says, now that all of it is known.
    fn end(&mut self, file: &File<'_>, each: Each<'_>) {
        let fixed = is_one_of(self.protocol.as_slice(), VPNS)
            || self.gateway && self.protocol.as_slice() == b"static";
        let hand = if fixed { Hand::Fixed } else { file.hand };
        for (value, line) in &self.values {
            let value = value.as_slice();
            let what = match self.kind.as_slice() {
                b"interface" => What::Server { domains: b"", target: value, text: value },
                b"cname" => What::Name(value, To::Alias(self.target.as_slice())),
                _ => match leads(self.target.as_slice()) {
                    Some(to) => What::Name(value, to),
                    None => continue,
                },
            };
            each(&Said { file: file.path, line: *line, hand, what });
        }
    }

    fn entry(&mut self, file: &File<'_>, entry: &Entry<'_>, each: Each<'_>) {
        if entry.section_line != self.line {
            self.end(file, each);
            let lost = self.lost;
            *self =
                Self { line: entry.section_line, kind: Bytes::of(entry.section), lost, ..Self::default() };
        }
        let mut say = |what| file.say(entry.line, what, each);
        let value = entry.value;
        match (file.format, entry.section, entry.option) {
            (Format::Network, b"interface", b"dns") => self.keep(entry),
            (Format::Network, b"interface", b"proto") => self.protocol = Bytes::of(value),
            (Format::Network, b"interface", b"gateway" | b"ip6gw") => self.gateway = true,
            (Format::Dhcp, b"domain" | b"hostrecord", b"name") | (Format::Dhcp, b"cname", b"cname") => {
                self.keep(entry);
            }
            (Format::Dhcp, b"domain" | b"hostrecord", b"ip") | (Format::Dhcp, b"cname", b"target") => {
                self.target = Bytes::of(value);
            }
            (Format::Dhcp, b"dhcp", b"dns") => {
                fields(value).for_each(|value| say(What::Option(Use::Offered, value)));
            }
            (Format::Dhcp, _, b"dhcp_option" | b"dhcp_option_force") => {
                // One option may hold several, with blanks between.
                for row in fields(value).filter_map(option) {
                    file.row(entry.line, b"", row, each);
                }
            }
            (Format::Dhcp, b"dnsmasq", b"server" | b"address") => {
                // As dnsmasq's own lines, which are made of them.
                for value in fields(value) {
                    let mut line = Bytes::<512>::of(entry.option);
                    line.push(b"=");
                    line.push(value);
                    self.lost |= line.is_cut();
                    file.dnsmasq(entry.line, line.as_slice(), each);
                }
            }
            (Format::Dhcp, b"dnsmasq", b"resolvfile") => say(What::More(More::Resolv, value)),
            (Format::Dhcp, b"dnsmasq", b"addnhosts") => {
                fields(value).for_each(|value| say(What::More(More::Hosts, value)));
            }
            (Format::Dhcp, b"dnsmasq", b"serversfile") => say(What::More(More::Servers, value)),
            (Format::Dhcp, b"dnsmasq", b"confdir") => say(What::More(More::Configurations, value)),
            (Format::Dhcp, b"dnsmasq", b"logfacility") if value.starts_with(b"/") => {
                say(What::More(More::Log, value));
            }
            _ => {}
        }
    }
}

/// Reads a file of settings.
pub(super) fn read<F: Read<Error = Fault>>(
    file: &File<'_>,
    opened: &mut F,
    budget: &mut u64,
    odd: &mut Option<u32>,
    each: Each<'_>,
) -> Result<(), Fault> {
    let (mut uci, mut section) = (Uci::new(), Section::default());
    let (mut chunk, mut left) = ([0_u8; READ_BYTES], SMALL_FILE_BYTES.min(*budget));
    loop {
        let length = opened.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        left = left.checked_sub(length).ok_or(Fault::Large)?;
        *budget = budget.saturating_sub(length);
        for byte in read {
            uci.push(*byte, &mut |entry| section.entry(file, entry, each));
        }
    }
    uci.finish(&mut |entry| section.entry(file, entry, each));
    section.end(file, each);
    *odd = odd.or(uci.cut()).or(Some(section.line).filter(|_| section.lost));
    Ok(())
}
