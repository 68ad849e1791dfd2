//! Domain names in lists: plain, or as hosts files, dnsmasq and ad-blockers write those that they block.

use gatewatch::intel::layout::DOMAIN_MAX;

/// How a line about a domain begins, where it is to be beyond doubt.
pub(crate) const WORD: &str = "domain:";

/// Addresses at which hosts files sink a name.
const SINKS: [&str; 4] = ["0.0.0.0", "127.0.0.1", "::", "::1"];

/// What a line begins with.
pub(crate) enum Line<'a> {
    /// A domain name.
    Domain(String),
    /// Nothing that could be an indicator: a blank, a comment of an ad-blocker's, or `localhost`.
    Nothing,
    /// Something else.
    Other(&'a str),
}

/// Takes the domain, or the first word, from the front of a line.
pub(crate) fn of_line<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Line<'a>, String> {
    let Some(word) = words.next() else { return Ok(Line::Nothing) };
    if let Some(text) = word.strip_prefix(WORD) {
        return name(text).map(Line::Domain);
    }
    // Of an ad-blocker: `||evil.example^`, and remarks.
    if word.starts_with('!') || word.starts_with("[Adblock") {
        words.for_each(drop);
        return Ok(Line::Nothing);
    }
    if let Some(text) = word.strip_prefix("||") {
        let text = text.strip_suffix('^').ok_or_else(|| {
            format!("{word:?} is a rule about part of a site: only ||NAME^ is about all of a name")
        })?;
        return name(text).map(Line::Domain);
    }
    // Of dnsmasq.
    for key in ["address=/", "server=/", "local=/"] {
        if let Some((text, target)) = word.strip_prefix(key).and_then(|rest| rest.rsplit_once('/')) {
            if !blocks(key.trim_end_matches("=/"), target) {
                return Err(format!("{word:?} sends a name somewhere, and does not block it: leave it out"));
            }
            return name(text).map(Line::Domain);
        }
    }
    // Of a hosts file. Its first lines name the machine itself.
    if SINKS.contains(&word)
        && let Some(text) = words.next()
    {
        if let Some(more) = words.next() {
            return Err(format!("a second name, {more:?}: write one name a line"));
        }
        let own = !text.contains('.') || text.ends_with(".localdomain") || text == "0.0.0.0";
        return if own { Ok(Line::Nothing) } else { name(text).map(Line::Domain) };
    }
    match bare(word) {
        Some(word) => name(word).map(Line::Domain),
        None => Ok(Line::Other(word)),
    }
}

/// A name by itself, which an address never is: its last label has a letter and no colon or slash is in it.
pub(crate) fn bare(word: &str) -> Option<&str> {
    let last = word.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    let named = word.contains('.') && last.contains(char::is_alphabetic);
    (named && word.chars().all(plain)).then_some(word)
}

/// Whether an option of dnsmasq keeps a name from being resolved. `#` is nowhere for `address`, and for `server` and `local` the
/// servers that are asked anyway, with which a name below a blocked one is let through (dnsmasq(8)).
pub(crate) fn blocks(key: &str, target: &str) -> bool {
    match key {
        "address" => target.is_empty() || target == "#" || SINKS.contains(&target),
        "server" | "local" => target.is_empty() || SINKS.contains(&target),
        _ => false,
    }
}

/// Checks a name, and gives it in lower case without `*.` and dots around it: all below it is meant anyway.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let ascii = if text.is_ascii() { None } else { crate::punycode::to_ascii(text) };
    let lower = ascii.unwrap_or_else(|| text.to_ascii_lowercase());
    let bare = lower.strip_prefix("*.").unwrap_or(&lower);
    let bare = bare.strip_prefix('.').unwrap_or(bare);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    // Without a letter at its end it would be an address, or a range of them (WHATWG URL, "ends in a number").
    let last = bare.rsplit('.').next().unwrap_or_default();
    let is_number = !last.bytes().any(|byte| byte.is_ascii_alphabetic());
    if bare.len() > DOMAIN_MAX || !bare.split('.').all(label) || is_number {
        let hint = if bare.is_ascii() { "" } else { ", in Punycode (xn--…)" };
        return Err(format!("{text:?} is not a domain name: write it as it is asked for{hint}"));
    }
    if !bare.contains('.') {
        return Err(format!("{text:?} is a top-level domain: it would match everything below it"));
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        match of_line(&mut line.split_ascii_whitespace()) {
            Ok(Line::Domain(name)) => name,
            Ok(Line::Nothing) => "-".to_owned(),
            Ok(Line::Other(word)) => format!("other {word}"),
            Err(_) => "error".to_owned(),
        }
    }

    #[test]
    fn forms_of_many_lists() {
        for (line, expected) in [
            ("domain:Evil.Example.", "evil.example"),
            ("evil.example mirai", "evil.example"),
            ("*.evil.example", "evil.example"),
            ("0.0.0.0 evil.example", "evil.example"),
            (":: _x.evil.example", "_x.evil.example"),
            ("||evil.example^", "evil.example"),
            ("address=/evil.example/0.0.0.0", "evil.example"),
            ("address=/evil.example/", "evil.example"),
            ("local=/evil.example/", "evil.example"),
            ("server=/evil.example/", "evil.example"),
            ("server=/good.example/#", "error"),
            ("local=/good.example/#", "error"),
            ("address=/evil.example/#", "evil.example"),
            ("127.0.0.1 localhost", "-"),
            ("127.0.0.1 localhost.localdomain", "-"),
            ("! Title: x", "-"),
            ("", "-"),
            ("192.0.2.1:80", "other 192.0.2.1:80"),
            ("192.0.2.256", "other 192.0.2.256"),
            ("0.0.0.0", "other 0.0.0.0"),
            ("http://evil.example/x", "other http://evil.example/x"),
            ("server=/evil.example/192.0.2.1", "error"),
            ("0.0.0.0 a.example b.example", "error"),
            ("domain:com", "error"),
            ("domain:a..b", "error"),
            ("domain:192.0.2.1-192.0.2.9", "error"),
            ("||evil.example/ads", "error"),
            ("domain:bücher.example", "xn--bcher-kva.example"),
            ("domain:*.bücher.example.", "xn--bcher-kva.example"),
            ("0.0.0.0 bücher.example", "xn--bcher-kva.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("domain:b\u{fc}\u{2014}.example", "error"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        assert_eq!(
            name(&"a.".repeat(200)),
            Err(format!("{:?} is not a domain name: write it as it is asked for", "a.".repeat(200)))
        );
    }
}
