//! A rule that a command adds to the packet filter: iptables(8), iptables-extensions(8), nft(8).

use super::commands::{Commands, Role};
use super::text::{fields, is_one_of, one_of};

/// A rule, as far as it matters here. What it does not say is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule<'a> {
    /// What happens to it.
    pub verb: Verb,
    /// The table, `filter` if none is named.
    pub table: &'a [u8],
    /// The chain that it is added to.
    pub chain: &'a [u8],
    /// What becomes of a packet: `DROP`, `drop`, `DNAT` …
    pub target: &'a [u8],
    /// The ports that it is for, `23` or `23,2323` or `6000:6010`.
    pub ports: &'a [u8],
    /// The sender that it is for.
    pub source: &'a [u8],
    /// Where `DNAT` sends a packet.
    pub to: &'a [u8],
    /// It is for TCP.
    pub tcp: bool,
    /// It is only for some packets: those of an interface, a network, a rate.
    pub narrow: bool,
}

/// What a command does with a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verb {
    /// Nothing of interest.
    #[default]
    Other,
    /// It is put before all others.
    Insert,
    /// It is put behind all others.
    Append,
    /// All rules of a chain or table go.
    Flush,
}

/// The rule of a command, if it is one.
#[must_use]
pub fn rule(commands: &Commands, command: u16) -> Option<Rule<'_>> {
    // The program's own name says nothing to either.
    let words = || commands.program(command).flat_map(fields);
    let name = commands.name(command);
    let is = one_of(name);
    match name {
        // Also a line of what iptables-restore(8) or `nft -f` reads.
        _ if is(b"iptables ip6tables iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft")
            || is(b"-A -I --append --insert") =>
        {
            Some(iptables(words()))
        }
        _ if is(b"nft tcp udp ip iifname") || is(b"add insert") && words().nth(1) == Some(b"rule") => {
            let rule = nft(words());
            Some(if is(b"tcp udp ip iifname") { Rule { verb: Verb::Append, ..rule } } else { rule })
        }
        _ => None,
    }
    .filter(|_| commands.words(command, Role::HereDocument).next().is_none())
}

fn iptables<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Rule<'a> {
    let mut rule = Rule { table: b"filter", ..Rule::default() };
    let mut last = &b""[..];
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        let is = one_of(word);
        match word {
            _ if is(b"-t --table") => rule.table = value(),
            _ if is(b"-I --insert") => (rule.verb, rule.chain) = (Verb::Insert, value()),
            _ if is(b"-A --append") => (rule.verb, rule.chain) = (Verb::Append, value()),
            _ if is(b"-F --flush") => rule.verb = Verb::Flush,
            _ if is(b"-j --jump") => rule.target = value(),
            _ if is(b"-p --protocol --proto") => rule.tcp = value() == b"tcp",
            _ if is(b"--dport --dports --destination-port --destination-ports --ports") => {
                rule.ports = value();
            }
            _ if is(b"--to --to-destination") => rule.to = value(),
            _ if is(b"-s --source --src") => (rule.source, rule.narrow) = (value(), true),
            _ if is(b"-m --match") => {
                let kinds = [&b"tcp"[..], b"udp", b"multiport", b"comment", b"state", b"conntrack"];
                rule.narrow |= !kinds.contains(&value());
            }
            _ if is(b"! -i --in-interface -d --destination --dst") => rule.narrow = true,
            // The chain of a flush; none is all of them.
            _ if rule.verb == Verb::Flush && last != b"-w" && word.first() != Some(&b'-') => {
                rule.chain = word
            }
            _ => {}
        }
        last = word;
    }
    rule
}

/// `nft add rule ip nat prerouting tcp dport 449 dnat to 192.0.2.1:80`
fn nft<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Rule<'a> {
    let mut rule = Rule { table: b"filter", ..Rule::default() };
    while let Some(word) = words.next() {
        let mut value = || words.find(|word| !is_one_of(word, b"{ ip ip6 to ruleset"));
        let is = one_of(word);
        match word {
            _ if is(b"insert") => rule.verb = Verb::Insert,
            b"add" => rule.verb = Verb::Append,
            _ if is(b"flush") => rule.verb = Verb::Flush,
            _ if is(b"input INPUT") => rule.chain = b"INPUT",
            b"tcp" => rule.tcp = true,
            _ if is(b"dport") => {
                let ports = value().unwrap_or_default();
                rule.ports = ports.strip_prefix(b"{").unwrap_or(ports);
                rule.ports = rule.ports.strip_suffix(b",").unwrap_or(rule.ports);
            }
            _ if is(b"drop reject") => rule.target = b"DROP",
            _ if is(b"accept") => rule.target = b"ACCEPT",
            _ if is(b"dnat") => (rule.target, rule.to) = (b"DNAT", value().unwrap_or_default()),
            _ if is(b"saddr") => (rule.source, rule.narrow) = (value().unwrap_or_default(), true),
            _ if is(b"iif iifname ct limit != daddr") => rule.narrow = true,
            _ if is(b"table chain set") && rule.verb == Verb::Flush => rule.chain = word,
            _ => {}
        }
    }
    rule
}

/// Names of ports that rules use (services(5)).
const NAMES: [(&[u8], u16); 6] =
    [(b"telnet", 23), (b"ssh", 22), (b"http", 80), (b"www", 80), (b"https", 443), (b"http-alt", 8080)];

impl<'a> Rule<'a> {
    /// The ports that it names one by one; of a range the first.
    pub fn each_port(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.ports.split(|b| *b == b',').filter_map(|port| {
            let first = port.split(|b| matches!(b, b':' | b'-')).next().unwrap_or_default();
            let named = NAMES.iter().find(|(name, _)| *name == first).map(|(_, port)| *port);
            named.or_else(|| str::from_utf8(first).ok()?.parse().ok())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        let mut commands = Commands::new();
        commands.parse(text.as_bytes());
        let Some(rule) = rule(&commands, 0) else { return String::new() };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let ports: Vec<_> = rule.each_port().map(|port| port.to_string()).collect();
        let words = [text(rule.chain), text(rule.target), ports.join(","), text(rule.to)];
        format!("{:?} {} {}", rule.verb, words.join(" "), if rule.narrow { "narrow" } else { "all" })
    }

    #[test]
    fn rules_of_both_programs() {
        for (text, expected) in [
            ("iptables -I INPUT -p tcp --dport 23 -j DROP", "Insert INPUT DROP 23  all"),
            (
                "iptables -w -A INPUT -p tcp -m multiport --dports 22,telnet,80 -j REJECT",
                "Append INPUT REJECT 22,23,80  all",
            ),
            ("iptables -I INPUT 1 -i br0 -p tcp --dport 22 -j DROP", "Insert INPUT DROP 22  narrow"),
            (
                "iptables -A INPUT -p tcp --dport ssh -m recent --update --hitcount 4 -j DROP",
                "Append INPUT DROP 22  narrow",
            ),
            (
                "iptables -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 192.0.2.1:80",
                "Append PREROUTING DNAT 449 192.0.2.1:80 all",
            ),
            ("ip6tables -w -F", "Flush     all"),
            ("iptables -F INPUT", "Flush INPUT    all"),
            ("iptables -L -n", "Other     all"),
            ("nft add rule inet fw4 input tcp dport { 23, 2323 } drop", "Append INPUT DROP 23  all"),
            (
                "nft 'insert rule ip nat prerouting tcp dport 449 dnat to 192.0.2.1:80'",
                "Insert  DNAT 449 192.0.2.1:80 all",
            ),
            ("nft add rule inet fw4 input iifname eth0 tcp dport 22 drop", "Append INPUT DROP 22  narrow"),
            ("nft flush ruleset", "Flush     all"),
            ("nft flush set inet fw4 x", "Flush set    all"),
            ("iptables -A INPUT -p tcp --dport $P -j DROP", "Append INPUT DROP   all"),
            ("ipset add x y", ""),
            (
                "-A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 192.0.2.1:80",
                "Append PREROUTING DNAT 449 192.0.2.1:80 all",
            ),
            ("-A INPUT -p tcp -m tcp --dport 23 -j DROP", "Append INPUT DROP 23  all"),
            (
                "insert rule ip nat prerouting tcp dport 449 dnat to 192.0.2.1:80",
                "Insert  DNAT 449 192.0.2.1:80 all",
            ),
            ("tcp dport 449 counter dnat ip to 192.0.2.1:80", "Append  DNAT 449 192.0.2.1:80 all"),
            ("ip a", "Append     all"),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }
}
