//! The address of a file: `http://HOST[:PORT]/PATH`.

use gatewatch::facts::text::decimal32;

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, as they are sent.
    pub path: String,
}

/// The scheme of an address, and what is behind it.
pub fn scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = text.split_at_checked(at)?;
    let is_scheme = scheme.first()?.is_ascii_alphabetic()
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    Some((scheme, rest.get(3..)?)).filter(|_| is_scheme)
}

impl Url {
    /// Reads an address. A byte that would end a line of the request, or is no ASCII, is refused.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let no = || "is no address of the form http://HOST[:PORT]/PATH".to_owned();
        let (scheme, rest) = scheme(text).ok_or_else(no)?;
        if scheme.eq_ignore_ascii_case(b"https") {
            return Err("asks for https, and https is not spoken here, nor needed: the signature is what is trusted. Use http://, or fetch it \
                        with another program and give the file"
                .to_owned());
        }
        if !scheme.eq_ignore_ascii_case(b"http") || !rest.iter().all(u8::is_ascii_graphic) {
            return Err(no());
        }
        let rest = rest.split(|byte| *byte == b'#').next().unwrap_or_default();
        let slash = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(slash).ok_or_else(no)?;
        if authority.contains(&b'@') {
            return Err("names and passwords are not sent: leave out what is before the @".to_owned());
        }
        let (host, port) = match authority.strip_prefix(b"[") {
            Some(v6) => {
                let end = v6.iter().position(|byte| *byte == b']').ok_or_else(no)?;
                let (host, rest) = v6.split_at_checked(end).ok_or_else(no)?;
                (host, rest.get(1..).unwrap_or_default())
            }
            None => {
                let end = authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len());
                authority.split_at_checked(end).ok_or_else(no)?
            }
        };
        let port = match port {
            b"" | b":" => 80,
            port => port
                .strip_prefix(b":")
                .and_then(decimal32)
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port != 0)
                .ok_or_else(no)?,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut whole = text(path);
        if !whole.starts_with('/') {
            whole.insert(0, '/');
        }
        if host.is_empty() {
            return Err(no());
        }
        Ok(Self { host: text(host), port, path: whole })
    }

    /// The address that an answer sends on to.
    pub fn join(&self, place: &[u8]) -> Result<Self, String> {
        match place {
            [b'/', b'/', ..] | [] => Err("sends on to an address that is not understood".to_owned()),
            [b'/', ..] if place.iter().all(u8::is_ascii_graphic) => {
                Ok(Self { path: String::from_utf8_lossy(place).into_owned(), ..self.clone() })
            }
            _ => Self::read(place).map_err(|what| format!("sends on to an address that {what}")),
        }
    }

    /// Host and port, as a request names them.
    pub fn authority(&self) -> String {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let port = if self.port == 80 { String::new() } else { format!(":{}", self.port) };
        format!("{open}{}{close}{port}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str, port: u16, path: &str) -> Url {
        Url { host: host.to_owned(), port, path: path.to_owned() }
    }

    #[test]
    fn parts() {
        for (text, expected, authority) in [
            ("http://a.example/x.gwi", url("a.example", 80, "/x.gwi"), "a.example"),
            ("HTTP://a.example", url("a.example", 80, "/"), "a.example"),
            ("http://a.example:8080/x?y=1#z", url("a.example", 8080, "/x?y=1"), "a.example:8080"),
            ("http://a.example?y", url("a.example", 80, "/?y"), "a.example"),
            ("http://192.0.2.1:80/", url("192.0.2.1", 80, "/"), "192.0.2.1"),
            ("http://[2001:db8::1]:81/x", url("2001:db8::1", 81, "/x"), "[2001:db8::1]:81"),
            ("http://[::1]", url("::1", 80, "/"), "[::1]"),
        ] {
            let read = Url::read(text.as_bytes());
            assert_eq!(read.as_ref(), Ok(&expected), "{text}");
            assert_eq!(read.map(|url| url.authority()), Ok(authority.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "/x",
            "http:/x",
            "ftp://a/x",
            "http://",
            "http:///x",
            "http://:80/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:x/",
            "http://a:80:80/",
            "http://[::1/",
            "http://[::1]x/",
            "http://u@a/",
            "https://a/",
            "http://a/x y",
            "http://a/\r\nX: y",
            "http://\u{e4}/",
            "://a/",
        ] {
            assert!(Url::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(is(b"https://a/") && is(b"x+y://") && !is(b"/etc/x") && !is(b"/a://b") && !is(b"a b://c"));
        fn is(text: &[u8]) -> bool {
            scheme(text).is_some()
        }
    }

    #[test]
    fn an_answer_sends_on() {
        let from = url("a", 81, "/x");
        assert_eq!(from.join(b"/y?z"), Ok(url("a", 81, "/y?z")));
        assert_eq!(from.join(b"http://b/y"), Ok(url("b", 80, "/y")));
        for place in [&b""[..], b"y", b"//b/y", b"https://b/y", b"/y\r\nX: z", b"file:///etc/passwd"] {
            assert!(from.join(place).is_err(), "{}", place.escape_ascii());
        }
    }
}
