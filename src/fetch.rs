//! Fetching a file by plain HTTP/1.1 (RFC 9112). Nothing of it is trusted: whoever changes the file on its way cannot sign it.

mod body;
mod head;
mod url;

use std::fmt::Display;
use std::net::ToSocketAddrs;

use gatewatch::limits::{HTTP_HEAD_BYTES, REDIRECTS};
use gatewatch::report::escape::Escaped;

use crate::sys::clock;
use crate::sys::net::Stream;
use body::Body;
use head::{Head, Length};
use url::Url;

/// Whether somebody means an address and no file.
pub fn is_address(source: &[u8]) -> bool {
    url::scheme(source).is_some()
}

/// Fetches into `room`. Returns how many bytes came, or what went wrong in words.
pub fn get(source: &[u8], room: &mut [u8], timeout_s: u64) -> Result<usize, String> {
    let deadline_us = clock::monotonic_us().saturating_add(timeout_s.saturating_mul(1_000_000));
    let mut at = Url::read(source)?;
    for _ in 0..=REDIRECTS {
        match ask(&at, room, deadline_us)? {
            Answer::Whole(length) => return Ok(length),
            Answer::Elsewhere(place) => at = at.join(place.as_bytes())?,
        }
    }
    fail("is sent on from one address to the next too often")
}

/// What a server answers.
enum Answer {
    /// The file, so many bytes.
    Whole(usize),
    /// It is somewhere else.
    Elsewhere(String),
}

fn ask(at: &Url, room: &mut [u8], deadline_us: u64) -> Result<Answer, String> {
    let mut stream = connect(at, deadline_us)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gatewatch/{}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\
         Connection: close\r\n\r\n",
        at.path,
        at.authority(),
        crate::VERSION
    );
    stream.write_all(request.as_bytes()).map_err(|what| what.to_string())?;

    let (mut buffer, mut filled) = ([0_u8; HTTP_HEAD_BYTES], 0_usize);
    let behind = loop {
        if let Some(end) = head::end(buffer.get(..filled).unwrap_or_default()) {
            if !head::is_interim(&buffer) {
                break end;
            }
            // The answer itself follows (RFC 9110 § 15.2).
            buffer.copy_within(end..filled, 0);
            filled = filled.saturating_sub(end);
            continue;
        }
        let into = buffer.get_mut(filled..).filter(|into| !into.is_empty());
        let into = into.ok_or("answers with a head that does not end")?;
        match stream.read(into).map_err(|what| what.to_string())? {
            0 => return fail("ends before its answer does"),
            length => filled = filled.saturating_add(length),
        }
    };
    let head = Head::read(buffer.get(..behind).unwrap_or_default())?;
    if let Some(place) = head.location {
        return Ok(Answer::Elsewhere(String::from_utf8_lossy(place).into_owned()));
    }
    if head.status != 200 {
        return fail(format_args!("answers with HTTP {}", head.status));
    }
    if let Length::Known(length) = head.length {
        fits(length, room)?;
    }
    let mut body = Body::new(head.length, room);
    body.take(buffer.get(behind..filled).unwrap_or_default())?;
    // What the head was read into serves for the rest.
    while !body.is_whole() {
        match stream.read(&mut buffer).map_err(|what| what.to_string())? {
            0 => break,
            length => body.take(buffer.get(..length).unwrap_or_default())?,
        }
    }
    body.finish().map(Answer::Whole)
}

/// Refuses what there is no room for before it is sent.
fn fits(length: u64, room: &[u8]) -> Result<(), String> {
    match usize::try_from(length) {
        Ok(length) if length <= room.len() => Ok(()),
        _ => fail(format_args!("has {length} bytes, and at most {} are taken", room.len())),
    }
}

/// Tries the addresses of a host, one after the other.
fn connect(at: &Url, deadline_us: u64) -> Result<Stream, String> {
    let host = Escaped(at.host.as_bytes());
    let Ok(addresses) = (at.host.as_str(), at.port).to_socket_addrs() else {
        return fail(format_args!("{host} has no address that can be found out"));
    };
    let mut why = String::from("has no address");
    for address in addresses {
        match Stream::connect(address, deadline_us) {
            Ok(stream) => return Ok(stream),
            Err(what) => why = format!("{address}: {what}"),
        }
    }
    Err(why)
}

fn fail<T>(what: impl Display) -> Result<T, String> {
    Err(what.to_string())
}
