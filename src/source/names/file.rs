//! A file that says how names are resolved, before it is read: where it lies, how it is written, and who hears what it says.

use core::net::IpAddr;

use super::{Format, Said, To};
use crate::facts::names::{Hand, is_sink};

/// What is known of a file before it is read.
pub(super) struct File<'a> {
    pub(super) path: &'a [u8],
    pub(super) format: Format,
    pub(super) hand: Hand,
}

/// Takes what is said.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Said<'_>);

/// Where a name leads that has this address.
pub(super) fn leads(text: &[u8]) -> Option<To<'static>> {
    if matches!(text, b"0.0.0.0" | b"127.0.0.1" | b"::" | b"::1") {
        return Some(To::Nowhere);
    }
    // A name begins most lines that hold no address first.
    text.first().filter(|byte| byte.is_ascii_hexdigit() || **byte == b':')?;
    let ip: IpAddr = str::from_utf8(text).ok()?.parse().ok()?;
    let ip = ip.to_canonical();
    Some(if is_sink(ip) { To::Nowhere } else { To::At(ip) })
}
