//! A port that somebody had opened over UPnP, NAT-PMP or PCP: a row of miniupnpd's list of leases in, one small value out.

use core::net::IpAddr;

use super::endpoint::Endpoint;
use super::socket::Protocol;
use super::text::{decimal, decimal32};
use super::topology::Side;

/// One lease.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a> {
    /// The list that holds it, `/` first.
    pub file: &'a [u8],
    /// The line in it.
    pub line: u32,
    /// What is let in.
    pub protocol: Protocol,
    /// The port on the router; of IPv6, which is not translated, the same as that of `to`.
    pub port: u16,
    /// Where it leads.
    pub to: Endpoint,
    /// When it ends, in seconds since 1970. `None`: never, or not said as a date.
    pub expires: Option<u64>,
    /// What whoever asked for it calls it: any bytes.
    pub description: &'a [u8],
    /// Joined by the source: whose the address is that it leads to.
    pub side: Side,
}

/// Numbers below are seconds that are left, not a date (miniupnpd built with `LEASEFILE_USE_REMAINING_TIME`).
const FIRST_DATE: u64 = 1_000_000_000;

impl<'a> Mapping<'a> {
    /// Reads a row (miniupnpd, upnpredirect.c `lease_file_add`, upnppinhole.c `lease_file6_add`):
    ///
    /// - `PROTO:PORT:ADDRESS:PORT:EXPIRES:DESCRIPTION`; before 2012 without `EXPIRES`
    /// - `PROTO;ADDRESS;PORT;REMOTE;PORT;UID;EXPIRES;DESCRIPTION` for IPv6
    ///
    /// `None`: not understood.
    #[must_use]
    pub fn parse(row: &'a [u8]) -> Option<Self> {
        let colon = row.iter().position(|b| matches!(b, b':' | b';'))?;
        let between = *row.get(colon)?;
        let mut rest = row.get(colon.checked_add(1)?..)?;
        let mut word = || {
            let end = rest.iter().position(|b| *b == between)?;
            let word = rest.get(..end)?;
            rest = rest.get(end.checked_add(1)?..)?;
            Some(word)
        };
        let port = |word: &[u8]| decimal(word).and_then(|port| u16::try_from(port).ok());
        let (outer, ip, inner);
        if between == b':' {
            (outer, ip, inner) = (port(word()?)?, word()?, port(word()?)?);
        } else {
            (ip, inner) = (word()?, port(word()?)?);
            outer = inner;
            let _remote = (word()?, word()?);
            let _uid = decimal32(word()?)?;
        }
        let ip: IpAddr = str::from_utf8(ip).ok()?.parse().ok()?;
        let date = {
            let end = rest.iter().position(|b| *b == between);
            end.and_then(|end| Some((decimal(rest.get(..end)?)?, rest.get(end.checked_add(1)?..)?)))
        };
        let (expires, description) = date.unwrap_or((0, rest));
        let protocol = match row.get(..colon)? {
            b"TCP" => Protocol::Tcp,
            // UDPLITE, and SCTP or DCCP of newer ones, have ports too.
            _ => Protocol::Udp,
        };
        Some(Self {
            file: b"",
            line: 0,
            protocol,
            port: outer,
            to: Endpoint { ip: ip.to_canonical(), port: inner },
            expires: Some(expires).filter(|expires| *expires >= FIRST_DATE),
            description,
            side: Side::Group,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(row: &[u8]) -> Option<String> {
        let lease = Mapping::parse(row)?;
        let description = String::from_utf8_lossy(lease.description).into_owned();
        let (protocol, expires) = (lease.protocol, lease.expires.unwrap_or_default());
        Some(format!("{protocol:?} {} {} {expires} {description}", lease.port, lease.to))
    }

    #[test]
    fn rows_of_all_ages() {
        for (row, expected) in [
            (
                &b"TCP:47669:192.168.10.212:445:0:galleta silenciosa"[..],
                "Tcp 47669 192.168.10.212:445 0 galleta silenciosa",
            ),
            (
                b"UDP:3074:192.168.1.20:3074:1795341600:Xbox: a, b:c",
                "Udp 3074 192.168.1.20:3074 1795341600 Xbox: a, b:c",
            ),
            // Seconds that are left, no description, the old form.
            (b"UDP:3074:192.168.1.20:3074:3600:x", "Udp 3074 192.168.1.20:3074 0 x"),
            (b"TCP:1:192.168.1.20:2:0:", "Tcp 1 192.168.1.20:2 0 "),
            (b"TCP:80:192.168.1.20:8080:Skype", "Tcp 80 192.168.1.20:8080 0 Skype"),
            (
                b"TCP:80:192.168.1.20:8080:Skype TCP at 192.168.1.20:8080 (80)",
                "Tcp 80 192.168.1.20:8080 0 Skype TCP at 192.168.1.20:8080 (80)",
            ),
            (
                b"TCP;2001:db8:1::20;22;2001:db8::1;0;7;1795341600;PCP x;y",
                "Tcp 22 [2001:db8:1::20]:22 1795341600 PCP x;y",
            ),
            (b"UDP;2001:db8:1::20;51820;;0;7;0;", "Udp 51820 [2001:db8:1::20]:51820 0 "),
        ] {
            assert_eq!(parsed(row).as_deref(), Some(expected));
        }
        for bad in [
            &b""[..],
            b"TCP",
            b"TCP:80",
            b"TCP:80:x:80:0:a",
            b"TCP:80:192.168.1.300:80:0:a",
            b"TCP:65536:192.168.1.3:80:0:a",
            b"TCP:80:192.168.1.3:-1:0:a",
            b"# a comment: with a colon",
            b"TCP;2001:db8::1;22;;0;x;0;a",
        ] {
            assert_eq!(parsed(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_row_cut_anywhere_is_refused_or_right() {
        for row in [
            &b"TCP:47669:203.0.113.212:445:1795341600:name"[..],
            b"TCP;2001:db8:1::20;22;2001:db8::1;0;7;1795341600;name",
        ] {
            let whole = Mapping::parse(row).unwrap();
            for end in 0..row.len() {
                if let Some(lease) = Mapping::parse(&row[..end]) {
                    assert_eq!((lease.to, lease.port), (whole.to, whole.port), "cut at {end}");
                }
            }
        }
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = b"TCPUD:;;::0192.168.1.1\xff\0\\ 2001:db8::1";
        let mut seed = 1_u32;
        for length in 0..4000 {
            let row: Vec<u8> = (0..length % 60)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
                })
                .collect();
            let _ = Mapping::parse(&row);
        }
    }
}
