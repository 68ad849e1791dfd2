//! What OpenWrt's firewall is told: sections of `/etc/config/firewall` that send traffic elsewhere, let it in or keep it
//! out, each of the first kind in its normal form too. What the kernel does is not asked.

use embedded_io::Read;

use crate::facts::text::Bytes;
use crate::facts::uci::{Entry, Uci};
use crate::host::{Fault, Host};
use crate::limits::{READ_BYTES, SMALL_FILE_BYTES};

/// Where they are, from the root.
pub const PATH: &[u8] = b"etc/config/firewall";

/// The options that say what a rule does (OpenWrt wiki, firewall configuration, "Redirects"; firewall4
/// `root/usr/share/ucode/fw4.uc`, `parse_redirect`), in the order in which the normal form has them. What it is called
/// does not count, nor how often it may match.
const OPTIONS: [&[u8]; 15] = [
    b"enabled",
    b"target",
    b"family",
    b"proto",
    b"src",
    b"src_ip",
    b"src_mac",
    b"src_port",
    b"src_dip",
    b"src_dport",
    b"dest",
    b"dest_ip",
    b"dest_port",
    b"ipset",
    b"extra",
];

/// Bytes of one value.
const VALUE_BYTES: usize = 128;
/// Bytes of a rule in its normal form.
pub const RULE_BYTES: usize = 512;

/// What a section is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing of interest.
    #[default]
    Other,
    /// Traffic that is sent elsewhere.
    Redirect,
    /// Traffic that is let in or kept out.
    Rule,
    /// A zone, or what holds for all: there is a firewall to be made.
    Zone,
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// The line on which it begins.
    pub line: u32,
    /// What it is about.
    pub kind: Kind,
    values: [Bytes<VALUE_BYTES>; OPTIONS.len()],
}

impl Section {
    const fn new() -> Self {
        Self { line: 0, kind: Kind::Other, values: [const { Bytes::new() }; OPTIONS.len()] }
    }

    /// The value of an option, those of a list with commas between; empty if it has none.
    #[must_use]
    pub fn value(&self, option: &[u8]) -> &[u8] {
        let at = OPTIONS.iter().position(|known| *known == option);
        at.and_then(|at| self.values.get(at)).map(Bytes::as_slice).unwrap_or_default()
    }

    /// Whether it is of any effect.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.value(b"enabled") != b"0"
    }

    /// The normal form. `None`: it is too long.
    #[must_use]
    pub fn form(&self) -> Option<Bytes<RULE_BYTES>> {
        let mut rule = Bytes::new();
        for (option, value) in OPTIONS.iter().zip(&self.values).filter(|(_, value)| !value.is_empty()) {
            for part in [if rule.is_empty() { &b""[..] } else { b" " }, option, b"=", value.as_slice()] {
                rule.push(part);
            }
        }
        let cut = self.values.iter().any(Bytes::is_cut) || rule.is_cut();
        (!cut).then_some(rule)
    }

    /// Hands the section out, if there is one, and begins another.
    fn end(&mut self, each: &mut dyn FnMut(&Section)) {
        if self.kind == Kind::Zone || self.values.iter().any(|value| !value.is_empty()) {
            each(self);
        }
        self.kind = Kind::Other;
        self.values.iter_mut().for_each(Bytes::clear);
    }

    fn entry(&mut self, entry: &Entry<'_>, each: &mut dyn FnMut(&Section)) {
        if entry.section_line != self.line {
            self.end(each);
            self.line = entry.section_line;
            self.kind = match entry.section {
                b"redirect" => Kind::Redirect,
                b"rule" => Kind::Rule,
                b"zone" | b"defaults" => Kind::Zone,
                _ => Kind::Other,
            };
        }
        let at = OPTIONS.iter().position(|option| *option == entry.option);
        if matches!(self.kind, Kind::Redirect | Kind::Rule)
            && let Some(value) = at.and_then(|at| self.values.get_mut(at))
        {
            if !entry.list {
                value.clear();
            } else if !value.is_empty() {
                value.push(b",");
            }
            value.push(entry.value);
        }
    }
}

/// Hands every section to `each`. Whether there is such a firewall.
///
/// # Errors
/// When it could not be read, or is no configuration; what was understood has been handed out.
pub fn sections<H: Host>(host: &H, each: &mut dyn FnMut(&Section)) -> Result<bool, Fault> {
    let mut file = match host.file(PATH) {
        Ok((file, _)) => file,
        Err(Fault::NotFound | Fault::NotDirectory) => return Ok(false),
        Err(fault) => return Err(fault),
    };
    let (mut uci, mut section) = (Uci::new(), Section::new());
    let (mut chunk, mut left) = ([0_u8; READ_BYTES], SMALL_FILE_BYTES);
    loop {
        let length = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        for byte in read {
            uci.push(*byte, &mut |entry| section.entry(entry, each));
        }
    }
    uci.finish(&mut |entry| section.entry(entry, each));
    section.end(each);
    if uci.cut().is_some() || uci.odd() > 0 { Err(Fault::Garbled) } else { Ok(true) }
}

/// Hands every rule that sends traffic elsewhere to `each`, in its normal form; `None` for one that is too long. Whether
/// there is such a firewall.
///
/// # Errors
/// See [`sections`].
pub fn each<H: Host>(host: &H, each: &mut dyn FnMut(Option<&[u8]>)) -> Result<bool, Fault> {
    sections(host, &mut |section| {
        if section.kind == Kind::Redirect {
            each(section.form().as_ref().map(Bytes::as_slice));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    fn rules(text: &str) -> (Vec<String>, Result<bool, Fault>) {
        let machine = Memory::new();
        machine.file("etc/config/firewall", text);
        let mut found = Vec::new();
        let read = each(&machine, &mut |rule| {
            found.push(rule.map_or("?".to_owned(), |rule| String::from_utf8(rule.to_vec()).unwrap()));
        });
        (found, read)
    }

    #[test]
    fn rules_in_one_form() {
        let one = "config rule\n\toption target 'ACCEPT'\n\nconfig redirect\n\toption name 'web'\n\toption src 'wan'\n\
            \toption src_dport '80'\n\toption dest_port 8080\n\toption dest_ip '192.168.1.2'\n\tlist proto 'tcp'\n\
            \tlist proto 'udp'\nconfig redirect 'dns'\n\toption target DNAT\n\toption enabled '0'\n";
        let other = "config 'redirect' 'dns'\noption enabled 0\noption target DNAT\nconfig redirect\n\
            option dest_ip 192.168.1.2\noption dest_port '8080'\nlist proto tcp\nlist proto udp\noption src_dport 80\noption src wan";
        let expected = [
            "proto=tcp,udp src=wan src_dport=80 dest_ip=192.168.1.2 dest_port=8080",
            "enabled=0 target=DNAT",
        ];
        assert_eq!(rules(one), (expected.map(str::to_owned).to_vec(), Ok(true)));
        let (mut found, read) = rules(other);
        found.reverse();
        assert_eq!((found, read), (expected.map(str::to_owned).to_vec(), Ok(true)));
    }

    #[test]
    fn what_is_no_rule_or_none_of_ours() {
        assert_eq!(rules(""), (vec![], Ok(true)));
        assert_eq!(each(&Memory::new(), &mut |_| panic!()), Ok(false));
        assert_eq!(rules("config redirect\noption name x\n"), (vec![], Ok(true)));
        let long =
            format!("config redirect\noption extra '{}'\nconfig redirect\noption src wan\n", "x".repeat(200));
        assert_eq!(rules(&long), (vec!["?".to_owned(), "src=wan".to_owned()], Ok(true)));
        assert_eq!(
            rules("config redirect\noption src wan\nfoo bar\n"),
            (vec!["src=wan".to_owned()], Err(Fault::Garbled))
        );
    }
}
