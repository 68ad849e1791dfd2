//! A resolver that somebody else chose.
//!
//! # Sees
//! Whom this machine asks for names, and whom it tells others to ask: resolv.conf, what the provider gave, OpenWrt's
//! settings, dnsmasq, NVRAM, DHCP options 6 and 252 and DHCPv6 option 23, other resolvers' settings. Accused is one that
//! is listed; a public one set by hand that hardly anybody knows, instead of the provider's; one in a `resolv.conf` that
//! neither the provider nor the settings lead to; one that is asked for the names of a bank or of updates alone; settings of
//! a Web proxy that are fetched from a public address.
//!
//! # Why it matters
//! Who answers for names sends everybody behind the router where he likes, to copies of banks and log-ins, and leaves no
//! malware on it: DNSChanger, GhostDNS and FrostArmada changed a few settings.
//!
//! # Misses and false alarms
//! `infected` for a listed resolver, and for a strange one for the names of banks, updates or protection alone.
//! `suspicious` for a strange one where the provider gives others; a `notice` where nobody knows what the provider
//! gives: a fixed address, a VPN, a server. Silent for resolvers that many people use, for those that the
//! provider gives or that lie near this machine's own public address, for private addresses, for long lists of names that one
//! resolver answers for (split DNS), and for what the image or the baseline knows. With a baseline that does not know it, one
//! that many people use is a `notice`. What the provider gives is not accused, unless listed: a rogue DHCP server
//! upstream looks like a provider, and so does who writes into the file that holds it. Names resolved over HTTPS, answers forged on the wire (Mozi, ZuoRAT) and rules of the
//! packet filter for port 53 are not seen here. The settings of AdGuard Home and Pi-hole's own are not read.
//!
//! # Sources
//! resolv.conf(5), dnsmasq(8), resolved.conf(5); OpenWrt: netifd `interface-ip.c`, dnsmasq's init script; RFC 2132 § 3.8,
//! RFC 3646; draft-ietf-wrec-wpad-01; MITRE ATT&CK T1584.002.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::names::{Hand, Resolver, Use, is_local_name};
use crate::facts::origin::{Standing, Truth};
use crate::facts::worth::Worth;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "dns-hijack",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1584.002",
    title: "a resolver of names that somebody else chose",
    advice: Advice::NAMES,
    sources: &[Source::Resolvers],
    hooks: &[Hook::Resolver(run)],
};

fn run(resolver: &Resolver<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let at = resolver.at;
    let draft = |out: &Out<'_>, severity| {
        let address = Some(at).filter(|at| !at.ip.is_unspecified());
        out.at(resolver.file, resolver.line).severity(severity).remote(address)
    };
    if let Some(hit) = ctx.listed(at.ip, at.port) {
        let expired = ctx.is_past(hit.expires);
        let severity = if expired { Severity::Notice } else { Severity::Infected };
        let found = draft(out, severity).family(hit.family.as_bytes()).say(match resolver.purpose {
            Use::Asked => "names are asked of a listed address",
            Use::Offered => "whoever is served is told to ask a listed address for names",
            Use::Proxy => "whoever is served fetches the settings of a proxy from a listed address",
        });
        let found = if resolver.hand == Hand::Provider { found.say("; the provider gave it") } else { found };
        return out.found(if expired { found.say("; the indicator has expired") } else { found });
    }
    let Some((severity, words)) = judged(resolver) else { return };
    let found = draft(out, severity).say(words);
    let found = match resolver.worth.filter(|_| !resolver.name.is_empty()) {
        Some(worth) => found.say(", the name of ").say(worth.words()).say(": ").quote(resolver.name),
        None if !resolver.name.is_empty() => found.say(": ").quote(resolver.name),
        None => found,
    };
    let odd = resolver.standing == Standing::Added(Truth::Baseline);
    out.found(if odd { found.say("; differs from the baseline") } else { found });
}

/// How bad it is, and what it is.
fn judged(resolver: &Resolver<'_>) -> Option<(Severity, &'static str)> {
    use Severity::{Infected, Notice, Suspicious};
    let Resolver { hand, given, purpose, .. } = *resolver;
    if resolver.standing.is_known() {
        return None;
    }
    if purpose == Use::Proxy && !resolver.name.is_empty() {
        let far = !is_local_name(resolver.name);
        return far
            .then_some((Notice, "whoever is served fetches the settings of a proxy from a host elsewhere"));
    }
    let odd = matches!(resolver.standing, Standing::Added(Truth::Baseline));
    if resolver.well_known && odd && matches!(hand, Hand::Owner | Hand::Fixed) && resolver.name.is_empty() {
        return Some((Notice, "a resolver that many people use, set by hand"));
    }
    if !resolver.stranger || given == Some(true) {
        return None;
    }
    if !resolver.name.is_empty() {
        let severity = match resolver.worth? {
            Worth::Update | Worth::Protection | Worth::Money => Infected,
            Worth::Login | Worth::Firmware => Suspicious,
            Worth::Pool | Worth::Every => return None,
        };
        let words = "a strange public resolver is asked for one name alone";
        return (!resolver.many).then_some((severity, words));
    }
    match (purpose, hand) {
        (Use::Proxy, _) => Some((
            Suspicious,
            "whoever is served fetches the settings of a proxy from a strange public address",
        )),
        // Programs do what the settings say; if these are all known, nobody said so.
        (_, Hand::Made) => (given == Some(false)).then_some((
            Suspicious,
            "a public resolver that neither the provider gives nor the settings name",
        )),
        (_, Hand::Provider) => None,
        (_, Hand::Package) => odd.then_some((Notice, "a resolver asks another that hardly anybody knows")),
        (_, Hand::Fixed) => Some((
            if odd { Suspicious } else { Notice },
            "a public resolver that hardly anybody knows, set by hand where no provider gives one",
        )),
        (purpose, Hand::Owner) => {
            let severity = if given == Some(false) || odd { Suspicious } else { Notice };
            Some((
                severity,
                match purpose {
                    Use::Offered => {
                        "whoever is served is told to ask a public resolver that hardly anybody knows"
                    }
                    _ => "a public resolver that hardly anybody knows, set by hand",
                },
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::resolver;
    use crate::facts::names::server;
    use Severity::{Infected, Notice, Suspicious};

    /// A strange one, set by hand where the provider gives others.
    fn set(at: &str) -> Resolver<'static> {
        Resolver {
            file: b"/etc/config/dhcp",
            line: 3,
            at: server(at.as_bytes()).unwrap(),
            name: b"",
            purpose: Use::Asked,
            hand: Hand::Owner,
            stranger: true,
            well_known: false,
            given: Some(false),
            standing: Standing::Unknown,
            worth: None,
            many: false,
        }
    }

    #[test]
    fn listed_ones() {
        for hand in [Hand::Owner, Hand::Provider, Hand::Made, Hand::Package, Hand::Fixed] {
            let known = Standing::Known(Truth::Baseline);
            let listed = Resolver { hand, standing: known, given: Some(true), ..set("198.51.100.7#443") };
            assert_eq!(resolver(&CHECK, &listed), [Infected], "{hand:?}");
        }
        assert_eq!(resolver(&CHECK, &Resolver { hand: Hand::Provider, ..set("198.51.100.8#443") }), [Notice]);
    }

    #[test]
    fn strange_ones() {
        let strange = set("203.0.113.5");
        assert_eq!(resolver(&CHECK, &strange), [Suspicious]);
        assert_eq!(resolver(&CHECK, &Resolver { purpose: Use::Offered, ..strange }), [Suspicious]);
        assert_eq!(resolver(&CHECK, &Resolver { purpose: Use::Proxy, given: None, ..strange }), [Suspicious]);
        assert_eq!(resolver(&CHECK, &Resolver { hand: Hand::Made, ..strange }), [Suspicious]);
        assert_eq!(resolver(&CHECK, &Resolver { given: None, ..strange }), [Notice]);
        assert_eq!(resolver(&CHECK, &Resolver { hand: Hand::Fixed, given: None, ..strange }), [Notice]);
        let odd = Standing::Added(Truth::Baseline);
        assert_eq!(resolver(&CHECK, &Resolver { given: None, standing: odd, ..strange }), [Suspicious]);
        let common = Resolver { stranger: false, well_known: true, standing: odd, ..set("9.9.9.9") };
        assert_eq!(resolver(&CHECK, &common), [Notice]);
        let proxy =
            Resolver { purpose: Use::Proxy, name: b"wpad.evil.example", stranger: false, ..set("0.0.0.0") };
        assert_eq!(resolver(&CHECK, &proxy), [Notice]);
    }

    #[test]
    fn one_name_alone() {
        let one = Resolver { name: b"www.paypal.com", worth: Some(Worth::Money), ..set("203.0.113.5") };
        assert_eq!(resolver(&CHECK, &one), [Infected]);
        assert_eq!(resolver(&CHECK, &Resolver { worth: Some(Worth::Login), ..one }), [Suspicious]);
        assert_eq!(resolver(&CHECK, &Resolver { many: true, ..one }), [], "split DNS");
        assert_eq!(resolver(&CHECK, &Resolver { worth: None, ..one }), [], "a firm's own names");
        let known = Resolver { stranger: false, well_known: true, ..one };
        assert_eq!(resolver(&CHECK, &known), [], "one that many people use");
    }

    #[test]
    fn look_alikes() {
        let strange = set("203.0.113.5");
        let private = Resolver { stranger: false, ..set("192.168.1.2") };
        let common = Resolver { stranger: false, well_known: true, ..set("9.9.9.9") };
        for purpose in [Use::Asked, Use::Offered] {
            assert_eq!(resolver(&CHECK, &Resolver { purpose, ..private }), [], "private");
            assert_eq!(resolver(&CHECK, &Resolver { purpose, ..common }), [], "one that many people use");
            assert_eq!(
                resolver(&CHECK, &Resolver { purpose, given: Some(true), ..strange }),
                [],
                "the provider's"
            );
        }
        assert_eq!(resolver(&CHECK, &Resolver { hand: Hand::Provider, ..strange }), []);
        assert_eq!(resolver(&CHECK, &Resolver { hand: Hand::Package, ..strange }), []);
        assert_eq!(
            resolver(&CHECK, &Resolver { hand: Hand::Made, given: None, ..strange }),
            [],
            "a server's"
        );
        let known = Standing::Known(Truth::Baseline);
        assert_eq!(resolver(&CHECK, &Resolver { standing: known, ..strange }), []);
        let proxy = Resolver { purpose: Use::Proxy, name: b"wpad.lan", stranger: false, ..set("0.0.0.0") };
        assert_eq!(resolver(&CHECK, &proxy), []);
    }
}
