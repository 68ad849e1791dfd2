//! Which format a file has, by what is in it.

use serde_json::value::RawValue;

use super::json::Object;
use super::{Kind, misp};
use crate::{list, rule};

/// Lines that are looked at.
const SAMPLE: usize = 400;

/// A kind, and by what it was told.
pub(crate) struct Guess {
    pub(crate) kind: Kind,
    pub(crate) by: &'static str,
}

/// Guesses the kind of a file. An error says what it looks like instead.
pub(crate) fn guess(file_name: &str, text: &str) -> Result<Guess, String> {
    let found = |kind, by| Ok(Guess { kind, by });
    let trimmed = text.trim_start();
    let like_json = trimmed.starts_with('{') || trimmed.starts_with('[') && !trimmed.starts_with("[Adblock");
    if like_json && let Some(guess) = json(trimmed)? {
        return Ok(guess);
    }
    let head: Vec<&str> = text.lines().take(SAMPLE).map(str::trim).collect();
    let any = |test: &dyn Fn(&str) -> bool| head.iter().any(|line| test(line));
    if any(&|line| {
        line.trim_start_matches(['#', ' ', '"']).starts_with("first_seen_utc") && line.contains("ioc_id")
    }) {
        return found(Kind::Threatfox, "its header");
    }
    if any(&|line| {
        line.starts_with("\"first_seen_utc\",\"dst_ip\"") || line.starts_with("first_seen_utc,dst_ip")
    }) {
        return found(Kind::Feodo, "its header");
    }
    if any(&|line| line.trim_start_matches(['#', ' ']).replace('"', "").starts_with("id,dateadded,url")) {
        return found(Kind::Urlhaus, "its header");
    }
    if any(&|line| line.starts_with('#') && line.contains("Feodo Tracker")) {
        return found(Kind::Feodo, "its header");
    }
    if any(&|line| line.starts_with('#') && line.contains("Maltrail"))
        || any(&|line| line.starts_with("# Reference: "))
    {
        return found(Kind::Maltrail, "its header");
    }
    let ends = |ending: &str| file_name.to_ascii_lowercase().ends_with(ending);
    if any(&|line| line.starts_with("# ipv4 hash:") || line.starts_with("# ipv6 hash:")) {
        return found(Kind::Ipset, "its header");
    }
    if ends(".ipset") || ends(".netset") {
        return found(Kind::Ipset, "its name");
    }
    if any(&|line| line.starts_with("create ") && line.contains(" hash:")) {
        return found(Kind::Ipset, "its lines");
    }
    if any(&|line| line.starts_with("; Spamhaus")) {
        return found(Kind::Drop, "its header");
    }
    if any(&|line| line.starts_with("[Adblock")) {
        return found(Kind::Adblock, "its header");
    }
    let data: Vec<&str> =
        head.iter().copied().filter(|line| !line.is_empty() && !line.starts_with(['#', '!', ';'])).collect();
    let most = |test: &dyn Fn(&str) -> bool| {
        let hits = data.iter().filter(|line| test(line)).count();
        !data.is_empty() && hits.saturating_mul(10) >= data.len().saturating_mul(9)
    };
    if data.iter().any(|line| is_own(line)) {
        return found(Kind::Plain, "its lines");
    }
    // A hosts file names the machine itself, too: most lines are an address and names, and half of them sink a name.
    let hosts = data.iter().filter_map(|line| hosts_line(line));
    let sinks = hosts.clone().filter(|is_sink| *is_sink).count();
    if sinks.saturating_mul(2) > data.len()
        && hosts.count().saturating_mul(10) >= data.len().saturating_mul(9)
    {
        return found(Kind::Hosts, "its lines");
    }
    // Beside names that it blocks a file of dnsmasq has other options.
    let blocks = |line: &str| ["address=/", "server=/", "local=/"].iter().any(|key| line.starts_with(key));
    let option = |line: &str| {
        let key = line.split('=').next().unwrap_or_default();
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    if any(&blocks) && most(&option) {
        return found(Kind::Dnsmasq, "its lines");
    }
    if most(&|line| line.starts_with("||") || line.starts_with("@@")) {
        return found(Kind::Adblock, "its lines");
    }
    if most(&|line| line.starts_with("local-zone:") || line == "server:") {
        return found(Kind::Unbound, "its lines");
    }
    if most(&|line| {
        line.contains(';') && line.split(';').next().is_some_and(|front| list::target(front.trim()).is_ok())
    }) {
        return found(Kind::Drop, "its lines");
    }
    let counted = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        matches!(words.as_slice(), [word, count] if list::target(word).is_ok() && count.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if most(&counted) {
        return found(Kind::Ipsum, "its lines");
    }
    // With a family on some line it is somebody's own work, in which a mistake is an error.
    let named =
        |line: &str| list::entry(line).is_ok_and(|entry| entry.is_some_and(|entry| entry.family.is_some()));
    let readable = |line: &str| list::entry(line).is_ok();
    if any(&named) && data.iter().filter(|line| readable(line)).count().saturating_mul(2) > data.len()
        || list::lines(text.as_bytes()).all(|(_, line)| line.and_then(list::entry).is_ok())
    {
        return found(Kind::Plain, "its lines");
    }
    if most(&|line| {
        !line.contains(['/', ':']) && list::target(line).is_err() && crate::domain::name(line).is_ok()
    }) {
        return found(Kind::Domains, "its lines");
    }
    found(Kind::Text, "its lines")
}

/// Whether a line of a hosts file sinks a name, or names an address otherwise; nothing when it is none.
fn hosts_line(line: &str) -> Option<bool> {
    let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
    let (address, name) = (words.next()?, words.next()?);
    // Of a link-local address the interface is behind a %.
    let bare = address.split('%').next().unwrap_or_default();
    let is_name =
        name.starts_with(|c: char| c.is_alphanumeric()) && name.contains(|c: char| !c.is_ascii_digit());
    if !is_name || bare.parse::<std::net::IpAddr>().is_err() {
        return None;
    }
    Some(matches!(address, "0.0.0.0" | "127.0.0.1" | "::" | "::1"))
}

/// Whether a line is written for this tool, beyond doubt.
fn is_own(line: &str) -> bool {
    rule::is_rule(line)
        || line.starts_with(crate::domain::WORD)
        || line.contains(" expires=")
        || line.contains(" strength=")
}

/// The kind of a JSON text; nothing when it is none.
fn json(text: &str) -> Result<Option<Guess>, String> {
    let bare = text.trim_end();
    if matches!(bare, "[]" | "{}") {
        return Err(
            "an empty list: fetch it again, leave it out, or name its kind with --feed KIND:FILE".to_owned()
        );
    }
    let found = |kind| Ok(Some(Guess { kind, by: "its fields" }));
    let first = text.lines().next().unwrap_or_default();
    if let Ok(object) = serde_json::from_str::<Object<'_>>(first)
        && (object.contains_key("cidr") || object.contains_key("sblid"))
    {
        return found(Kind::Drop);
    }
    if let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(text) {
        let row = rows.first().map_or("", |row| row.get());
        if row.contains("\"ip_address\"") {
            return found(Kind::Feodo);
        }
        return Err("JSON of an unknown shape: name its kind with --feed KIND:FILE".to_owned());
    }
    match serde_json::from_str::<Object<'_>>(text) {
        Ok(object) => {
            let is = |key: &str| object.contains_key(key);
            if is("Event") || misp::is_manifest(&object) {
                return found(Kind::Misp);
            }
            if is("list") && is("type") {
                return found(Kind::Warning);
            }
            if is("objects") {
                return found(Kind::Stix);
            }
            let rows = object.values().next().map_or("", |value| value.get());
            if is("query_status") || rows.starts_with('[') && rows.contains("\"ioc_value\"") {
                return found(Kind::Threatfox);
            }
            Err("JSON of an unknown shape: name its kind with --feed KIND:FILE".to_owned())
        }
        // Lines that begin with a bracket may be `[IPv6]:port`.
        Err(_) if text.starts_with('[') && !first.contains(['{', '"']) => Ok(None),
        Err(error) => Err(format!("{}: broken JSON: {error}: fetch it again", error.line())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_what_is_in_them() {
        for (name, text, expected) in [
            ("x.csv", "# x\n\"first_seen_utc\",\"dst_ip\",\"dst_port\"\n", "feodo"),
            ("x.csv", "# \"first_seen_utc\", \"ioc_id\", \"ioc_value\"\n", "threatfox"),
            ("x.csv", "# id,dateadded,url,url_status\n", "urlhaus"),
            ("x.csv", "\"id\",\"dateadded\",\"url\",\"url_status\"\n", "urlhaus"),
            ("x", "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"x\"}\n{\"cidr\":\"198.51.100.0/24\"}\n", "drop"),
            ("drop.txt", "192.0.2.0/24 ; SBL1\n", "drop"),
            ("x", "[{\"ip_address\":\"192.0.2.1\"}]", "feodo"),
            ("x", "{\"query_status\":\"ok\",\"data\":[]}", "threatfox"),
            ("x", "{\"1\":[{\"ioc_value\":\"192.0.2.1\"}]}", "threatfox"),
            ("x", "{\"Event\":{}}", "misp"),
            ("x", "{\"type\":\"bundle\",\"objects\":[]}", "stix"),
            ("x", "{\"type\":\"cidr\",\"list\":[]}", "warninglist"),
            ("elf_x.txt", "# Reference: https://a.example\n192.0.2.1\n", "maltrail"),
            ("x.netset", "192.0.2.0/24\n", "ipset"),
            ("x", "192.0.2.1\t9\n192.0.2.2\t8\n", "ipsum"),
            ("x", "# x\n0.0.0.0 a.example\n0.0.0.0 b.example\n", "hosts"),
            (
                "x",
                "127.0.0.1 localhost\n::1 localhost\nfe80::1%lo0 localhost\n0.0.0.0 a.example b.example\n0.0.0.0 c.example\n192.168.1.1 nas.home\n",
                "hosts",
            ),
            ("x", "address=/a.example/#\n", "dnsmasq"),
            (
                "x",
                "server=192.0.2.1\naddress=/a.example/#\nipset=/b.example/vpn\nno-resolv\ncname=a,b\n",
                "dnsmasq",
            ),
            ("x", "create x hash:net family inet\nadd x 192.0.2.0/24\n", "ipset"),
            ("x", "192.0.2.1-192.0.2.9\n", "text"),
            ("x", "||a.example^\n", "adblock"),
            ("x", "local-zone: \"a.example.\" always_null\n", "unbound"),
            ("x", "*.a.example\nb.example\n", "plain"),
            (
                "x",
                "*.a.example\nb.example\nc..example\nd.example\ne.example\nf.example\ng.example\nh.example\ni.example\nj.example\n",
                "domains",
            ),
            ("x", "192.0.2.1\n192.0.2.2:80\n", "plain"),
            ("x", "192.0.2.1\n192.0.2.256\n", "text"),
            ("x", "192[.]0[.]2[.]1\n", "text"),
            ("x", "192.0.2.1 mirai\n192.0.2.2 mirai\n192.0.2.256 mirai\n", "plain"),
            ("x", "192.0.2.1 seen 2025-01-02\n192.0.2.2 and more of this\n", "text"),
            ("x", "[2001:db8::1]:80\n", "plain"),
            ("x", "192.0.2.1 mirai\n192.0.2.2\n", "plain"),
            ("x", "name:x mirai strength=weak\n192.0.2\n", "plain"),
        ] {
            assert_eq!(guess(name, text).map(|guess| guess.kind.word()).unwrap_or("?"), expected, "{text}");
        }
        for text in ["{", "[]", "{}", "[1]", "{\"a\":1}"] {
            assert!(guess("x", text).is_err(), "{text}");
        }
    }
}
