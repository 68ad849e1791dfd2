//! Numbers as lists write them: digits and nothing else.

/// Reads a port's digits.
pub(crate) fn port(text: &str) -> Option<u16> {
    plain(text).and_then(|port| u16::try_from(port).ok()).filter(|&port| port != 0)
}

/// Reads digits without a leading zero.
pub(crate) fn plain(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}
