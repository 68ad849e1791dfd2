//! A name of updates, of protection or of a bank that is given an address by hand.
//!
//! # Sees
//! Entries of hosts files, of dnsmasq (`address=`, `host-record=`, `cname=`), of OpenWrt's `domain` and `hostrecord` sections
//! and of what these include, for some 130 names with all below them: updates of computers and routers, protection from
//! malware, banks and payment, mail and accounts, mining pools; and for all names at once (`address=/#/`). Accused is a public address, another name, and, where a good
//! part of what a file sinks (0.0.0.0, 127.0.0.1) is such names, the sink.
//!
//! # Why it matters
//! One line sends a bank's customers to a copy of it, or keeps updates and protection from every computer behind the
//! router. Kaiten shuts out rival miners so.
//!
//! # Misses and false alarms
//! `infected` for names of updates, protection, banks and payment at a public address, where the machine serves others;
//! `suspicious` for mail, accounts and updates of routers, and on a machine that serves nobody; one step less where the file
//! gives public addresses to many names (lists that go round a censor). Sinks are protection: an ad-blocker's list is
//! silent, however many it holds of these. `suspicious` where three makers of protection or three mining pools are sunk in a
//! file that sinks little else; a `notice` for fewer, and for updates, which people hold up themselves. Private
//! and own addresses, the router's own name (`router.asus.com`, `tplinkwifi.net`) and what the image has too are silent. Names
//! that the table lacks are missed; so are the settings of AdGuard Home, unbound and Pi-hole's own.
//!
//! # Sources
//! hosts(5), dnsmasq(8); OpenWrt: dnsmasq's init script; Microsoft 2023-06-22 on Kaiten; MITRE ATT&CK T1565.001.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::endpoint::Endpoint;
use crate::facts::names::Named;
use crate::facts::worth::Worth;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "hosts-poison",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1565.001",
    title: "a name of updates, protection or a bank at an address set by hand",
    advice: Advice::NAMES,
    sources: &[Source::Hosts],
    hooks: &[Hook::Named(run)],
};

/// So many makers of protection, or mining pools, nobody sinks by chance.
const FEW: u32 = 3;

fn run(named: &Named<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(worth) = named.worth else { return };
    let at = named.to.map(|ip| Endpoint { ip, port: 0 });
    let severity = if named.sunk { sunk(named, worth) } else { led(named, worth) };
    let Some(severity) = severity else { return };
    let draft =
        out.at(named.file, named.line).severity(severity).remote(at).say("a name of ").say(worth.words());
    let draft = draft.say(match (named.sunk, named.to) {
        (true, _) => " leads nowhere: ",
        (_, Some(_)) => " leads to a public address: ",
        (_, None) => " is another name for something else: ",
    });
    let draft = draft.quote(named.name);
    let others = named.protections.max(named.pools);
    out.found(if named.sunk && others >= FEW {
        draft.say("; with it those of ").number(others).say(" that the file has little besides")
    } else {
        draft
    });
}

/// How bad it is that a name leads nowhere.
fn sunk(named: &Named<'_>, worth: Worth) -> Option<Severity> {
    let many = named.protections >= FEW || named.pools >= FEW;
    match worth {
        Worth::Protection | Worth::Pool if many => Some(Severity::Suspicious),
        // Who sinks these keeps people from the shop or the mail, or from everything that is not allowed: children's
        // protection does.
        Worth::Money | Worth::Login | Worth::Every => None,
        _ if many => Some(Severity::Suspicious),
        _ => Some(Severity::Notice),
    }
}

/// How bad it is that it leads somewhere else.
fn led(named: &Named<'_>, worth: Worth) -> Option<Severity> {
    let severity = match worth {
        Worth::Pool => Severity::Notice,
        Worth::Firmware | Worth::Login => Severity::Suspicious,
        _ if named.served && named.to.is_some() => CHECK.severity,
        _ => Severity::Suspicious,
    };
    Some(match severity {
        Severity::Infected if named.many => Severity::Suspicious,
        Severity::Suspicious if named.many => Severity::Notice,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::named as said;
    use Severity::{Infected, Notice, Suspicious};

    fn led_to(worth: Option<Worth>) -> Named<'static> {
        Named {
            file: b"/etc/hosts",
            line: 2,
            name: b"www.paypal.com",
            to: Some([203, 0, 113, 5].into()),
            worth,
            sunk: false,
            served: true,
            many: false,
            protections: 0,
            pools: 0,
        }
    }

    #[test]
    fn names_at_strangers() {
        for (worth, expected) in [
            (Worth::Money, Infected),
            (Worth::Update, Infected),
            (Worth::Protection, Infected),
            (Worth::Every, Infected),
            (Worth::Login, Suspicious),
            (Worth::Firmware, Suspicious),
            (Worth::Pool, Notice),
        ] {
            let named = led_to(Some(worth));
            assert_eq!(said(&CHECK, &named), [expected], "{worth:?}");
            let lower = if expected == Infected { Suspicious } else { Notice };
            assert_eq!(said(&CHECK, &Named { many: true, ..named }), [lower], "{worth:?}");
        }
        let money = led_to(Some(Worth::Money));
        assert_eq!(said(&CHECK, &Named { served: false, ..money }), [Suspicious]);
        assert_eq!(said(&CHECK, &Named { to: None, ..money }), [Suspicious], "an alias");
        assert_eq!(said(&CHECK, &led_to(None)), []);
    }

    #[test]
    fn sinks() {
        let sink = |worth, protections, pools| {
            said(&CHECK, &Named { to: None, sunk: true, protections, pools, ..led_to(Some(worth)) })
        };
        assert_eq!(sink(Worth::Protection, 3, 0), [Suspicious]);
        assert_eq!(sink(Worth::Pool, 0, 3), [Suspicious]);
        assert_eq!(sink(Worth::Update, 3, 0), [Suspicious]);
        assert_eq!(sink(Worth::Protection, 2, 0), [Notice]);
        assert_eq!(sink(Worth::Update, 0, 0), [Notice]);
        assert_eq!(sink(Worth::Pool, 0, 2), [Notice]);
        assert_eq!(sink(Worth::Money, 3, 0), [], "a child's");
        assert_eq!(sink(Worth::Login, 0, 0), []);
        assert_eq!(sink(Worth::Every, 3, 0), [], "only what is allowed");
    }
}
