//! Lists of domains as blockers read them: hosts files, dnsmasq, ad-blockers, unbound, and names alone.

use super::{Item, Taker, Value, lines, reason, value};
use crate::domain;
use crate::list::Subject;

/// Addresses at which a name is sunk.
const SINKS: [&str; 4] = ["0.0.0.0", "127.0.0.1", "::", "::1"];
const OWN_NAME: &str = "a name of the machine itself";

pub(super) fn hosts(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default();
        let mut words = bare.split_ascii_whitespace();
        let Some(address) = words.next() else {
            taker.blank();
            continue;
        };
        if !SINKS.contains(&address) {
            // `ff02::1 ip6-allnodes`, `255.255.255.255 broadcasthost`; a name that leads somewhere is no blocked one.
            match address.parse::<std::net::IpAddr>() {
                Ok(_) => taker.drop(OWN_NAME),
                Err(_) => taker.wrong(
                    number,
                    format!("{address:?} is not an address: a hosts file begins lines with one"),
                ),
            }
            continue;
        }
        let names: Vec<&str> = words.filter(|name| name.contains('.') && !SINKS.contains(name)).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| !name.ends_with(".localdomain")).collect();
        if names.is_empty() {
            taker.drop(OWN_NAME);
            continue;
        }
        super::pass_all(names.into_iter().map(name), number, Item::new, taker);
    }
}

pub(super) fn dnsmasq(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            taker.blank();
            continue;
        }
        let Some((key, rest)) = bare.split_once("=/") else {
            taker.drop("an option that blocks no name");
            continue;
        };
        let Some((names, target)) = rest.rsplit_once('/') else {
            taker.wrong(number, "no / after the name".to_owned());
            continue;
        };
        let target = target.split_ascii_whitespace().next().unwrap_or_default();
        if !domain::blocks(key, target) {
            taker.drop("an option that blocks no name");
            continue;
        }
        super::pass_all(names.split('/').map(name), number, Item::new, taker);
    }
}

pub(super) fn adblock(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['!', '#']) || bare.starts_with("[Adblock") {
            taker.blank();
            continue;
        }
        let rule = bare.strip_prefix("||").and_then(|rest| {
            let (name, options) = rest.split_once('^')?;
            is_whole(options).then_some(name)
        });
        let Some(name) = rule else {
            let why = if bare.starts_with("@@") { reason::NOT_FOR_MATCHING } else { reason::PART_OF_SITE };
            taker.drop(why);
            continue;
        };
        value::read(name).pass(number, Item::new, taker);
    }
}

/// Whether the options of a rule of an ad-blocker leave it to be about all of a site.
fn is_whole(options: &str) -> bool {
    let whole = |option: &str| matches!(option, "all" | "document" | "doc" | "important");
    match options.strip_prefix('|').unwrap_or(options).strip_prefix('$') {
        Some(list) => list.split(',').all(whole),
        None => matches!(options, "" | "|"),
    }
}

/// The names that the exceptions of a filter list (`@@||NAME^`) let through.
pub(crate) fn exceptions(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let (name, options) = line.trim().strip_prefix("@@||")?.split_once('^')?;
        is_whole(options).then(|| domain::name(name).ok()).flatten()
    };
    text.lines().filter_map(name).collect()
}

pub(super) fn unbound(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default().trim();
        if bare.is_empty() || bare == "server:" {
            taker.blank();
            continue;
        }
        let Some(rest) = bare.strip_prefix("local-zone:") else {
            taker.drop("an option that blocks no name");
            continue;
        };
        let mut words = rest.split_ascii_whitespace();
        let name = words.next().unwrap_or_default().trim_matches('"');
        match words.next() {
            Some(
                "always_null" | "always_nxdomain" | "always_refuse" | "static" | "refuse" | "deny"
                | "redirect" | "inform_deny" | "always_nodata",
            ) => {
                value::read(name).pass(number, Item::new, taker);
            }
            Some(_) => taker.drop("an option that blocks no name"),
            None => taker.wrong(number, "a local-zone without a type".to_owned()),
        }
    }
}

pub(super) fn domains(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = line.split('#').next().unwrap_or_default().trim();
        if bare.is_empty() || bare.starts_with(['!', ';']) {
            taker.blank();
            continue;
        }
        match value::read(bare) {
            Value::Subject(subject @ Subject::Domain(_)) => taker.take(number, vec![Item::new(subject)]),
            Value::Wrong(what) => taker.wrong(number, what),
            Value::Subject(_) | Value::Useless(_) => {
                taker.wrong(number, format!("{bare:?} is not a domain name"))
            }
        }
    }
}

/// A name, and nothing else.
fn name(text: &str) -> Value {
    domain::name(text).map_or_else(Value::Wrong, |name| Value::Subject(Subject::Domain(name)))
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const HOSTS: &str = "# x\n127.0.0.1 localhost\n::1 localhost ip6-localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n0.0.0.0 evil.example\n0.0.0.0 a.example b.example # x\n192.0.2.1 good.example\nevil.example\n0.0.0.0 a..b\n";
    const DNSMASQ: &str = "# x\naddress=/evil.example/#\naddress=/a.example/b.example/0.0.0.0\nlocal=/c.example/\nserver=/d.example/192.0.2.1\nserver=/d.example/#\nlocal=/e.example/#\nno-resolv\naddress=/x\n";
    const ADBLOCK: &str = "[Adblock Plus]\n! x\n||evil.example^\n||b.example^$all,important\n||c.example^$script\n@@||good.example^\n||d.example/ads\nexample.com##.ad\n||192.0.2.1^\n";
    const UNBOUND: &str = "server:\nlocal-zone: \"evil.example.\" always_null\nlocal-zone: \"b.example\" transparent\nlocal-zone: \"c.example\"\nverbosity: 1\n";
    const DOMAINS: &str = "# x\n*.evil.example\nb.example\n192.0.2.1\nx y\n";

    #[test]
    fn five_forms() {
        let own = "drop a name of the machine itself";
        assert_eq!(
            read(Kind::Hosts, HOSTS),
            [
                "blank",
                own,
                own,
                own,
                own,
                "6 evil.example",
                "7 a.example & b.example",
                own,
                "9 wrong \"evil.example\" is not an address: a hosts file begins lines with one",
                "10 wrong \"a..b\" is not a domain name: write it as it is asked for",
            ]
        );
        let none = "drop an option that blocks no name";
        assert_eq!(
            read(Kind::Dnsmasq, DNSMASQ),
            [
                "blank",
                "2 evil.example",
                "3 a.example & b.example",
                "4 c.example",
                none,
                none,
                none,
                none,
                "9 wrong no / after the name"
            ]
        );
        let part = "drop a page or path of a site, not all of it";
        assert_eq!(
            read(Kind::Adblock, ADBLOCK),
            [
                "blank",
                "blank",
                "3 evil.example",
                "4 b.example",
                part,
                "drop not meant for matching, or taken back",
                part,
                part,
                "9 192.0.2.1"
            ]
        );
        assert_eq!(
            read(Kind::Unbound, UNBOUND),
            ["blank", "2 evil.example", none, "4 wrong a local-zone without a type", none]
        );
        assert_eq!(
            read(Kind::Domains, DOMAINS),
            [
                "blank",
                "2 evil.example",
                "3 b.example",
                "4 wrong \"192.0.2.1\" is not a domain name",
                "5 wrong \"x y\" is not a domain name: write it as it is asked for"
            ]
        );
    }

    #[test]
    fn damage() {
        for (kind, text) in [
            (Kind::Hosts, HOSTS),
            (Kind::Dnsmasq, DNSMASQ),
            (Kind::Adblock, ADBLOCK),
            (Kind::Unbound, UNBOUND),
            (Kind::Domains, DOMAINS),
        ] {
            hostile(kind, text);
        }
    }
}
