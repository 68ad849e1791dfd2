//! dnsmasq: a line of its configuration or of its log in, what it says of names out (dnsmasq(8)).

use core::net::IpAddr;

use super::names::Use;
use super::text::trim;

/// What a line of the configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// `server=`, `local=`: names are asked of somebody. All of them, or those below `domains`, with slashes between; of
    /// nobody, if there is no `target`.
    Server {
        /// `a.example/b.example`.
        domains: &'a [u8],
        /// `192.0.2.1#53@eth0`.
        target: &'a [u8],
    },
    /// `address=`: all names below `domains` have an address.
    Address {
        /// `a.example/b.example`.
        domains: &'a [u8],
        /// The address; nothing or `#`: there is none.
        target: &'a [u8],
    },
    /// `host-record=`: names and addresses with commas between.
    Record(&'a [u8]),
    /// `cname=`: aliases, and their target last.
    Alias(&'a [u8]),
    /// `dhcp-option=`: whoever is served is told of somebody; the values, with commas between.
    Option(Use, &'a [u8]),
    /// Something more is to be read.
    More(More, &'a [u8]),
}

/// What is read besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// A file of configuration.
    Configuration,
    /// A directory of them, and which names in it count: `/etc/x,*.conf`, `/etc/x,.bak`.
    Configurations,
    /// A file of `server=` and `address=`.
    Servers,
    /// A hosts file, or a directory of them.
    Hosts,
    /// As `/etc/resolv.conf`.
    Resolv,
    /// The log.
    Log,
}

/// Reads a line of the configuration.
#[must_use]
pub fn row(line: &[u8]) -> Option<Row<'_>> {
    let line = trim(line);
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (key, value) = line.split_at_checked(equals)?;
    // Most lines by far, and most of them name one domain.
    let value = value.get(1..)?;
    let key = trim(key);
    let value = if value.contains(&b'#') || !value.ends_with(b"/") { plain(value) } else { value };
    Some(match key {
        b"server" | b"local" => {
            let (domains, target) = domains(value);
            Row::Server { domains, target }
        }
        b"address" => {
            let (domains, target) = domains(value);
            Row::Address { domains, target }
        }
        b"host-record" => Row::Record(value),
        b"cname" => Row::Alias(value),
        b"dhcp-option" | b"dhcp-option-force" => option(value)?,
        b"conf-file" => Row::More(More::Configuration, value),
        b"conf-dir" => Row::More(More::Configurations, value),
        b"servers-file" => Row::More(More::Servers, value),
        b"addn-hosts" | b"hostsdir" => Row::More(More::Hosts, value),
        b"resolv-file" => Row::More(More::Resolv, value),
        b"log-facility" if value.starts_with(b"/") => Row::More(More::Log, value),
        _ => return None,
    })
}

/// A value without a remark behind it, blanks and quotes around it.
fn plain(value: &[u8]) -> &[u8] {
    let remark = value.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#']));
    let value = trim(remark.and_then(|at| value.get(..at)).unwrap_or(value));
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// Cuts `/a/b/target`.
fn domains(value: &[u8]) -> (&[u8], &[u8]) {
    let Some(rest) = value.strip_prefix(b"/") else { return (b"", value) };
    let slash = rest.iter().rposition(|byte| *byte == b'/').unwrap_or(rest.len());
    let (domains, target) = rest.split_at_checked(slash).unwrap_or((rest, b""));
    (domains, target.get(1..).unwrap_or_default())
}

/// Reads the value of `dhcp-option=`, or of UCI's `dhcp_option`. What stands before the number says of whom it holds.
#[must_use]
pub fn option(value: &[u8]) -> Option<Row<'_>> {
    let mut rest = value;
    loop {
        let comma = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
        let (field, values) = rest.split_at_checked(comma)?;
        let values = values.get(1..).unwrap_or_default();
        let field = trim(field);
        match field.strip_prefix(b"option:").unwrap_or(field) {
            b"6" | b"dns-server" | b"option6:23" | b"option6:dns-server" => {
                return Some(Row::Option(Use::Offered, values));
            }
            b"252" => return Some(Row::Option(Use::Proxy, values)),
            other => {
                let number = other.first().is_some_and(u8::is_ascii_digit);
                if number || other != field || field.starts_with(b"option6:") || values.is_empty() {
                    return None;
                }
            }
        }
        rest = values;
    }
}

/// A name in the log of queries, and who asked for it: `query[A] a.example from 192.0.2.1`; nobody where it was answered:
/// `reply a.example is 192.0.2.1`.
#[must_use]
pub fn asked(line: &[u8]) -> Option<(&[u8], Option<IpAddr>)> {
    // Before it stand a date, the program, and with `log-queries=extra` a number and the one who asked.
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    loop {
        let word = words.next()?;
        let query = word.starts_with(b"query[") && word.ends_with(b"]");
        if !query && !matches!(word, b"reply" | b"cached") {
            continue;
        }
        let (name, joint, by) = (words.next()?, words.next()?, words.next()?);
        return match joint {
            b"from" if query => Some((name, str::from_utf8(trim(by)).ok().and_then(|by| by.parse().ok()))),
            b"is" if !query => Some((name, None)),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(domains: &'static [u8], target: &'static [u8]) -> Option<Row<'static>> {
        Some(Row::Server { domains, target })
    }

    #[test]
    fn lines_of_the_configuration() {
        for (line, expected) in [
            (&b"server=192.0.2.1"[..], server(b"", b"192.0.2.1")),
            (b" server = 192.0.2.1#5353@eth0 # mine", server(b"", b"192.0.2.1#5353@eth0")),
            (b"server=/a.example/b.example/192.0.2.1\r", server(b"a.example/b.example", b"192.0.2.1")),
            (b"local=/ads.example/", server(b"ads.example", b"")),
            (b"server=/ads.example/#", server(b"ads.example", b"#")),
            (b"server=//192.0.2.1", server(b"", b"192.0.2.1")),
            (b"server=/ads.example", server(b"ads.example", b"")),
            (b"address=/ads.example/", Some(Row::Address { domains: b"ads.example", target: b"" })),
            (b"address=/a/0.0.0.0", Some(Row::Address { domains: b"a", target: b"0.0.0.0" })),
            (b"host-record=\"a.example,192.0.2.1\"", Some(Row::Record(b"a.example,192.0.2.1"))),
            (b"cname=a.example,b.example", Some(Row::Alias(b"a.example,b.example"))),
            (b"dhcp-option=6,192.0.2.1,192.0.2.2", Some(Row::Option(Use::Offered, b"192.0.2.1,192.0.2.2"))),
            (b"dhcp-option=lan,6,192.0.2.1", Some(Row::Option(Use::Offered, b"192.0.2.1"))),
            (
                b"dhcp-option=tag:lan,option:dns-server,192.0.2.1",
                Some(Row::Option(Use::Offered, b"192.0.2.1")),
            ),
            (b"dhcp-option=option6:dns-server,[::]", Some(Row::Option(Use::Offered, b"[::]"))),
            (b"dhcp-option-force=252,\"\\n\"", Some(Row::Option(Use::Proxy, b"\"\\n\""))),
            (b"dhcp-option=3,192.0.2.1", None),
            (b"dhcp-option=option:router,6", None),
            (b"dhcp-option=42,6,192.0.2.1", None),
            (b"conf-dir=/etc/x,*.conf", Some(Row::More(More::Configurations, b"/etc/x,*.conf"))),
            (b"log-facility=/tmp/dns.log", Some(Row::More(More::Log, b"/tmp/dns.log"))),
            (b"log-facility=DAEMON", None),
            (b"#server=192.0.2.1", None),
            (b"bogus-priv", None),
            (b"", None),
            (b"=", None),
        ] {
            assert_eq!(row(line), expected, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn lines_of_the_log() {
        let client = Some(IpAddr::from([192, 168, 1, 20]));
        for (line, expected) in [
            (
                &b"Nov 27 13:35:19 dnsmasq[812]: query[A] a.example from 192.168.1.20"[..],
                Some((&b"a.example"[..], client)),
            ),
            (
                b"dnsmasq[812]: 12 192.168.1.20/51234 query[AAAA] a.example from 192.168.1.20\r",
                Some((b"a.example", client)),
            ),
            (b"Nov 27 13:35:19 dnsmasq[812]: reply a.example is 192.0.2.1", Some((b"a.example", None))),
            (b"Nov 27 13:35:19 dnsmasq[812]: cached a.example is NXDOMAIN", Some((b"a.example", None))),
            (b"Nov 27 13:35:19 dnsmasq[812]: forwarded a.example to 192.0.2.1", None),
            (b"Nov 27 13:35:19 dnsmasq[812]: config a.example is 0.0.0.0", None),
            (b"Nov 27 13:35:19 dnsmasq[812]: query[A] a.example", None),
            (b"query[A] a.example to 192.0.2.1", None),
            (b"", None),
        ] {
            assert_eq!(asked(line), expected, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn any_bytes_end() {
        let texts = [
            &b"server=/a.example/b/192.0.2.1#53 # x"[..],
            b"dhcp-option=tag:a,option:dns-server,192.0.2.1,\"x\"",
            b"Nov 27 13:35:19 dnsmasq[812]: 7 ::1/5 query[A] a from ::1",
        ];
        for text in texts {
            for length in 0..=text.len() {
                let _ = (row(&text[..length]), asked(&text[..length]));
                let mut odd = text.to_vec();
                if let Some(byte) = odd.get_mut(length) {
                    *byte = b'\xff';
                }
                let _ = (row(&odd), asked(&odd));
            }
        }
        let long = [&b"address=/"[..], &[b'x'; 70_000]].concat();
        assert!(matches!(row(&long), Some(Row::Address { domains, .. }) if domains.len() == 70_000));
    }
}
