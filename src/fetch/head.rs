//! The head of an HTTP answer: the status, how long the body is, and where it is instead.

use gatewatch::facts::text::{decimal, decimal32, trim};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After so many bytes.
    Known(u64),
    /// By the last of its chunks.
    Chunked,
    /// By the end of the connection.
    Open,
}

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The status code.
    pub status: u32,
    /// How the end of the body is told.
    pub length: Length,
    /// Where it is instead.
    pub location: Option<&'a [u8]>,
}

/// Where the body begins, once the empty line has come.
pub fn end(bytes: &[u8]) -> Option<usize> {
    let whole = bytes.windows(4).position(|four| four == b"\r\n\r\n").and_then(|at| at.checked_add(4));
    let bare = bytes.windows(2).position(|two| two == b"\n\n").and_then(|at| at.checked_add(2));
    match (whole, bare) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Whether these bytes begin a head that another one follows.
pub fn is_interim(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.1 1")
}

impl<'a> Head<'a> {
    /// Reads a head, up to and with its empty line.
    pub fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(trim);
        let first = lines.next().unwrap_or_default();
        let mut words = first.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let status = match (words.next(), words.next().and_then(decimal32)) {
            (Some(b"HTTP/1.1" | b"HTTP/1.0"), Some(status @ 100..=599)) => status,
            _ => return Err("does not speak HTTP/1.1"),
        };
        let (mut chunked, mut length, mut location) = (false, None, None);
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = trim(value.get(1..).unwrap_or_default());
            let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
            if is(b"content-length") {
                let stated = decimal(value).ok_or("does not say how long its answer is")?;
                if length.replace(stated).is_some_and(|before| before != stated) {
                    return Err("says twice how long its answer is, and not the same");
                }
            } else if is(b"transfer-encoding") {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err("sends its answer in a way that was not asked for");
                }
                chunked = true;
            } else if is(b"content-encoding") {
                if !value.eq_ignore_ascii_case(b"identity") {
                    return Err("sends its answer packed, which was not asked for");
                }
            } else if is(b"location") && matches!(status, 301 | 302 | 303 | 307 | 308) {
                location = Some(value);
            }
        }
        // RFC 9112 § 6.3: chunks go before a length.
        let length = match length {
            _ if chunked => Length::Chunked,
            Some(length) => Length::Known(length),
            None => Length::Open,
        };
        Ok(Self { status, length, location })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_head_says() {
        for (text, status, length, location) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", 200, Length::Known(12), None),
            ("HTTP/1.0 200\r\n\r\n", 200, Length::Open, None),
            ("HTTP/1.1 200 OK\nCONTENT-LENGTH:12\nContent-Length: 12\n\n", 200, Length::Known(12), None),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
                200,
                Length::Chunked,
                None,
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://b/x\r\n\r\n",
                302,
                Length::Open,
                Some(&b"http://b/x"[..]),
            ),
            ("HTTP/1.1 404 Not Found\r\nLocation: /x\r\nbroken line\r\n\r\n", 404, Length::Open, None),
        ] {
            assert_eq!(end(text.as_bytes()), Some(text.len()), "{text}");
            assert_eq!(Head::read(text.as_bytes()), Ok(Head { status, length, location }), "{text}");
            for cut in 0..text.len() {
                assert_eq!(end(&text.as_bytes()[..cut]), None, "{text} {cut}");
                let _ = Head::read(&text.as_bytes()[..cut]);
            }
        }
        assert_eq!(end(b"HTTP/1.1 200\r\n\r\nbody\n\n\r\n\r\n"), Some(16));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 99\r\n\r\n",
            "HTTP/1.1 600\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
            "SSH-2.0-dropbear\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Encoding: gzip\r\n\r\n",
        ] {
            assert!(Head::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
