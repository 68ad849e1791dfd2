//! A listed domain that was asked for, or that the settings lead somewhere.
//!
//! # Sees
//! Names in an indicator file, each with all below it: in the log of queries that dnsmasq writes (where its configuration
//! or the system has it, the last 4 MiB), asked for by a client or by this machine itself, or answered; in hosts files and
//! dnsmasq's settings, where they lead to a public address; as domains that a resolver of their own is asked for; as hosts with
//! the settings of a Web proxy.
//!
//! # Why it matters
//! Addresses of C2 servers change by the day, their names less often, and a name is asked for before anything else. The log
//! of the router sees every client that asks.
//!
//! # Misses and false alarms
//! `infected` where this machine itself asked, and where clients are sent to a listed host for the settings of a proxy.
//! Where no client asks dnsmasq by itself another resolver may ask it for them, so that is `suspicious`; a Web proxy beside
//! clients that do is not told from a bot;
//! `suspicious` for a client, which is another machine's infection, a visit to a bad page or a look at a mail, and for settings;
//! a `notice` for an expired indicator. A sinkhole for the name is silent by itself: it is protection; that somebody asked is
//! said all the same. Most routers write down no queries, and dnsmasq's cache cannot be read: then only settings are seen.
//! What a longer log says before its last 4 MiB is not read, nor is a log in memory (logread), nor are databases (Pi-hole's
//! FTL). Where clients ask other resolvers, or over HTTPS, nothing is seen. A name matches another one's hash by chance once in
//! 2⁴⁷ look-ups (100,000 domains).
//!
//! # Sources
//! dnsmasq(8), `log-queries`, `log-facility`; MITRE ATT&CK T1071.004.

use crate::check::{Advice, Area, Check, Ctx, Draft, Hook, Out, Severity, Source};
use crate::facts::endpoint::Endpoint;
use crate::facts::names::{Asked, Named, Resolver, Use};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "c2-domain",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1071.004",
    title: "a listed domain that was asked for, or that settings lead somewhere",
    advice: Advice::NAMES,
    sources: &[Source::Queries, Source::Hosts, Source::Resolvers, Source::Domains],
    hooks: &[Hook::Asked(asked), Hook::Named(named), Hook::Resolver(resolver)],
};

/// Says it of a name, if that is listed.
fn say(name: &[u8], severity: Severity, draft: Draft<'_>, words: &str, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(hit) = ctx.listed_domain(name) else { return };
    let expired = ctx.is_past(hit.expires);
    let severity = if expired { Severity::Notice } else { severity };
    let draft = draft.severity(severity).family(hit.family.as_bytes()).say(words).say(": ").quote(name);
    out.found(if expired { draft.say("; the indicator has expired") } else { draft });
}

fn asked(asked: &Asked<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (severity, words) = match asked.by {
        Some(_) if asked.own && asked.served => {
            (CHECK.severity, "this machine itself asked for a listed domain")
        }
        Some(_) if asked.own => (
            Severity::Suspicious,
            "this machine itself asked for a listed domain, for a client perhaps, as none of them asks here",
        ),
        Some(_) => (Severity::Suspicious, "a client asked for a listed domain"),
        None => (Severity::Suspicious, "a listed domain was answered"),
    };
    let by = asked.by.filter(|_| !asked.own).map(|ip| Endpoint { ip, port: 0 });
    say(asked.name, severity, out.path(asked.file).remote(by), words, ctx, out);
}

fn named(named: &Named<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if !named.sunk {
        let to = named.to.map(|ip| Endpoint { ip, port: 0 });
        let draft = out.at(named.file, named.line).remote(to);
        say(
            named.name,
            Severity::Suspicious,
            draft,
            "a listed domain has a public address set by hand",
            ctx,
            out,
        );
    }
}

fn resolver(resolver: &Resolver<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (severity, words) = match resolver.purpose {
        Use::Proxy => {
            (CHECK.severity, "whoever is served fetches the settings of a proxy from a listed domain")
        }
        _ => (Severity::Suspicious, "a resolver of its own is asked for a listed domain"),
    };
    if !resolver.name.is_empty() {
        let at = Some(resolver.at).filter(|at| !at.ip.is_unspecified());
        let draft = out.at(resolver.file, resolver.line).remote(at);
        say(resolver.name, severity, draft, words, ctx, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing;
    use crate::facts::names::Hand;
    use crate::facts::origin::Standing;
    use Severity::{Infected, Notice, Suspicious};

    #[test]
    fn names_that_were_asked_for() {
        let with = |name: &'static str, by: Option<[u8; 4]>, own, served| {
            let by = by.map(Into::into);
            let asked = Asked { file: b"/tmp/dnsmasq.log", name: name.as_bytes(), by, own, served };
            testing::asked(&CHECK, &asked)
        };
        let asked = |name, by, own| with(name, by, own, true);
        assert_eq!(with("a.evil.example", Some([127, 0, 0, 1]), true, false), [Suspicious]);
        assert_eq!(asked("a.evil.example", Some([127, 0, 0, 1]), true), [Infected]);
        assert_eq!(asked("EVIL.example", Some([192, 168, 1, 20]), false), [Suspicious]);
        assert_eq!(asked("evil.example", None, false), [Suspicious]);
        assert_eq!(asked("old.example", Some([127, 0, 0, 1]), true), [Notice]);
        assert_eq!(asked("notevil.example", Some([127, 0, 0, 1]), true), []);
        assert_eq!(asked("evil.example.com", Some([127, 0, 0, 1]), true), []);
    }

    #[test]
    fn settings() {
        let named = Named {
            file: b"/etc/hosts",
            line: 2,
            name: b"evil.example",
            to: Some([203, 0, 113, 5].into()),
            worth: None,
            sunk: false,
            served: true,
            many: false,
            protections: 0,
            pools: 0,
        };
        assert_eq!(testing::named(&CHECK, &named), [Suspicious]);
        assert_eq!(testing::named(&CHECK, &Named { sunk: true, to: None, ..named }), [], "a sinkhole");
        let resolver = Resolver {
            file: b"/etc/dnsmasq.conf",
            line: 3,
            at: Endpoint { ip: [203, 0, 113, 5].into(), port: 53 },
            name: b"evil.example",
            purpose: Use::Asked,
            hand: Hand::Owner,
            stranger: true,
            well_known: false,
            given: None,
            standing: Standing::Unknown,
            worth: None,
            many: false,
        };
        assert_eq!(testing::resolver(&CHECK, &resolver), [Suspicious]);
        assert_eq!(testing::resolver(&CHECK, &Resolver { purpose: Use::Proxy, ..resolver }), [Infected]);
        assert_eq!(testing::resolver(&CHECK, &Resolver { name: b"", ..resolver }), []);
    }
}
