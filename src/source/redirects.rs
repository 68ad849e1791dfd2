//! Rules of OpenWrt's firewall that send traffic elsewhere: `config redirect` in `/etc/config/firewall`, each in its
//! normal form. What the kernel does is not asked.

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

/// A rule that is being read.
struct Rule {
    section_line: u32,
    values: [Bytes<VALUE_BYTES>; OPTIONS.len()],
}

impl Rule {
    /// Hands the rule out, if there is one, and begins another.
    fn end(&mut self, each: &mut dyn FnMut(Option<&[u8]>)) {
        let mut rule = Bytes::<RULE_BYTES>::new();
        let mut cut = false;
        for (option, value) in OPTIONS.iter().zip(&mut self.values) {
            if !value.is_empty() {
                for part in [if rule.is_empty() { &b""[..] } else { b" " }, option, b"=", value.as_slice()] {
                    rule.push(part);
                }
            }
            cut |= value.is_cut();
            value.clear();
        }
        if !rule.is_empty() {
            each(Some(rule.as_slice()).filter(|_| !cut && !rule.is_cut()));
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, each: &mut dyn FnMut(Option<&[u8]>)) {
        if entry.section_line != self.section_line {
            self.end(each);
            self.section_line = entry.section_line;
        }
        let at = OPTIONS.iter().position(|option| *option == entry.option);
        if entry.section == b"redirect"
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

/// Hands every rule to `each`; `None` for one that is too long. Whether there is such a firewall.
///
/// # Errors
/// When it could not be read, or is no configuration; what was understood has been handed out.
pub fn each<H: Host>(host: &H, each: &mut dyn FnMut(Option<&[u8]>)) -> Result<bool, Fault> {
    let mut file = match host.file(PATH) {
        Ok((file, _)) => file,
        Err(Fault::NotFound | Fault::NotDirectory) => return Ok(false),
        Err(fault) => return Err(fault),
    };
    let (mut uci, mut rule) =
        (Uci::new(), Rule { section_line: 0, values: [const { Bytes::new() }; OPTIONS.len()] });
    let (mut chunk, mut left) = ([0_u8; READ_BYTES], SMALL_FILE_BYTES);
    loop {
        let length = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        for byte in read {
            uci.push(*byte, &mut |entry| rule.entry(entry, each));
        }
    }
    uci.finish(&mut |entry| rule.entry(entry, each));
    rule.end(each);
    if uci.cut().is_some() || uci.odd() > 0 { Err(Fault::Garbled) } else { Ok(true) }
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
