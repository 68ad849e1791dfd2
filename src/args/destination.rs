//! Where `--syslog` reports to: the socket of a log daemon, or a collector by its address.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;

use gatewatch::report::escape::Escaped;

use super::{Mistake, quoted, wrong};

/// The log socket of a device.
pub const DEV_LOG: &str = "/dev/log";

/// RFC 5426 section 3.3.
const UDP_PORT: u16 = 514;

/// IANA's `syslog-conn`, where receivers of RFC 5424 with octet counting listen; 514/tcp is another service's.
const TCP_PORT: u16 = 601;

/// A place that takes syslog messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The socket of a log daemon.
    Path(Vec<u8>),
    /// A collector that takes datagrams.
    Udp(SocketAddr),
    /// A collector that takes a stream.
    Tcp(SocketAddr),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Path(path) => Escaped(path).fmt(f),
            Destination::Udp(to) => write!(f, "udp://{to}"),
            Destination::Tcp(to) => write!(f, "tcp://{to}"),
        }
    }
}

/// Reads a path, `udp://ADDRESS[:PORT]` or `tcp://ADDRESS[:PORT]`.
pub fn read(word: &OsStr) -> Result<Destination, Mistake> {
    if word.as_bytes().starts_with(b"/") {
        return Ok(Destination::Path(word.as_bytes().to_vec()));
    }
    let text = word.to_str().unwrap_or_default();
    let found = if let Some(rest) = text.strip_prefix("udp://") {
        address(rest, UDP_PORT).map(Destination::Udp)
    } else if let Some(rest) = text.strip_prefix("tcp://") {
        address(rest, TCP_PORT).map(Destination::Tcp)
    } else {
        return wrong(format_args!(
            "--syslog={}: use the path of a socket, beginning with a slash, udp://ADDRESS:PORT or tcp://ADDRESS:PORT",
            quoted(word)
        ));
    };
    match found {
        Some(destination) => Ok(destination),
        // A name would be looked up by what may be infected, and while that takes time.
        None => wrong(format_args!(
            "--syslog={}: use the number of an address, as in 192.0.2.1:514 or [2001:db8::1]:514; names are not looked up",
            quoted(word)
        )),
    }
}

/// An address with a port, or with the usual one.
fn address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address).filter(|address| address.port() != 0);
    }
    let host = text.strip_prefix('[').map_or(Some(text), |rest| rest.strip_suffix(']'))?;
    host.parse::<IpAddr>()
        .ok()
        .filter(|ip| ip.is_ipv4() || text.starts_with('['))
        .map(|ip| SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_their_usual_ports() {
        for (word, shown) in [
            ("/dev/log", "/dev/log"),
            ("udp://192.0.2.1", "udp://192.0.2.1:514"),
            ("udp://192.0.2.1:1514", "udp://192.0.2.1:1514"),
            ("tcp://192.0.2.1", "tcp://192.0.2.1:601"),
            ("tcp://[2001:db8::1]", "tcp://[2001:db8::1]:601"),
            ("udp://[fe80::1%2]:99", "udp://[fe80::1%2]:99"),
            ("/tmp/\u{1b}[2J", "/tmp/\\x1b[2J"),
        ] {
            assert_eq!(
                read(word.as_ref()).map(|it| it.to_string()).map_err(|e| e.to_string()),
                Ok(shown.into())
            );
        }
    }

    #[test]
    fn what_is_none_is_said() {
        for word in ["", "log", "tls://192.0.2.1", "udp:/192.0.2.1"] {
            let said = read(word.as_ref()).unwrap_err().to_string();
            assert!(said.contains("beginning with a slash"), "{word}: {said}");
        }
        for word in [
            "udp://",
            "udp://collector.example:514",
            "tcp://192.0.2.1:",
            "tcp://192.0.2.1:0",
            "tcp://192.0.2.1:65536",
            "tcp://2001:db8::1",
            "tcp://[2001:db8::1",
            "tcp://[192.0.2.1",
            "udp://192.0.2.1/",
        ] {
            let said = read(word.as_ref()).unwrap_err().to_string();
            assert!(said.contains("use the number of an address"), "{word}: {said}");
        }
    }
}
