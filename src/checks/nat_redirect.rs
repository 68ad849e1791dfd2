//! A rule that sends traffic to a stranger, or that of the local network to a program on the router.
//!
//! # Sees
//! Rules of the kernel's packet filter (nf_tables and iptables, IPv4 and IPv6) and redirections of OpenWrt's
//! `/etc/config/firewall` that send packets to a public address, and rules that send web, login or DNS traffic, or all of
//! it, to another port of the router itself. Says who listens there, and whether the configuration or the baseline knows
//! the rule.
//!
//! # Why it matters
//! One such rule was all that TrickBot left on a router: port 449 to port 80 of its server, which its bots then never
//! saw. VPNFilter sent the web to its own port 8888, BPFDoor a peer's connections to its shell, DNS changers send
//! look-ups to their resolver.
//!
//! # Misses and false alarms
//! `infected` where packets for one public address go to another, for the ports of TrickBot's servers, where the target is in
//! an indicator file, where strangers are seen to be passed on to it, and where the program that takes the traffic was removed
//! or lies in a volatile place; a baseline does not change that. `suspicious` for another public target, also where the configuration asks for it by hand; for
//! look-ups that go to a resolver which is not widely known; for web or DNS traffic to an odd port whose program nobody
//! vouches for. `notice` for widely known resolvers, time servers and copies of packets, for programs of the owner's own at
//! ports of known proxies and portals, for programs in a system place of which nothing is known, where nobody listens, and one step less for what the baseline knows. Silent: targets
//! on the local network (port forwards, hairpin NAT, containers, a resolver of one's own), the router itself at the same
//! port, programs that firmware or a package vouches for, chains to which nothing leads, packets that are for the router
//! itself. A private address behind the WAN is not told from a local one. A map or set of more elements than are followed,
//! and rules that compute their target, are seen in part. `tc`, eBPF and user space proxies are not seen.
//!
//! # Sources
//! linux/netfilter/nf_tables.h, x_tables.h; iptables-extensions(8) DNAT, REDIRECT, TPROXY; OpenWrt firewall configuration,
//! Redirects; Microsoft, "Uncovering Trickbot's use of IoT devices"; Talos, "VPNFilter Update"; MITRE ATT&CK T1090.

use crate::check::{Advice, Area, Check, Ctx, Draft, Hook, Out, Severity, Source};
use crate::facts::deed::RELAYED;
use crate::facts::endpoint::Endpoint;
use crate::facts::names::is_well_known;
use crate::facts::packet_rule::{Action, Listener, Matched, Origin, PacketRule};
use crate::facts::place::Place;
use crate::facts::topology::{Side, is_local};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "nat-redirect",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1090",
    title: "a rule that sends traffic to a stranger or to an unknown port",
    advice: Advice::RULE,
    sources: &[Source::Rules],
    hooks: &[Hook::Rule(run)],
};

const DNS: [u16; 2] = [53, 853];
const NTP: [u16; 1] = [123];
/// What is worth to be read or answered by another: the web, logins, names.
const WORTHY: [u16; 6] = [53, 80, 443, 22, 23, 8080];

/// Ports on which proxies, portals and resolvers that owners install take what is sent to them: redsocks, shadowsocks, Tor,
/// Privoxy, Squid, Clash, V2Ray, dae, dnscrypt-proxy, stubby, SmartDNS, AdGuard Home; ASUSWRT's notices, coova-chilli, uspot,
/// openNDS, Wifidog; web servers that need no rights.
const TAKERS: [u16; 57] = [
    53, 1053, 2053, 3053, 5053, 5300, 5333, 5335, 5353, 5354, 5453, 6053, 7874, 7913, 9053, 65053, //
    1041, 1080, 1088, 1100, 1234, 3128, 3129, 3130, 7890, 7891, 7892, 7893, 7894, 7895, 8118, 9040, 9898,
    10808, 10809, 12345, 12346, 52345, 60080, 5000, //
    2050, 2051, 2060, 3990, 4990, 18017, 18018, 80, 443, 880, 3000, 8000, 8080, 8081, 8443, 9000, 9443,
];

/// Where BPFDoor's shell waits.
const SHELLS: core::ops::RangeInclusive<u16> = 42391..=43391;

fn run(rule: &PacketRule<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let says = rule.says;
    let stranger = rule.to == Some(Side::Wan) && says.to.is_some_and(|to| !is_local(to.low));
    match says.action {
        // Nothing leads there.
        _ if rule.hooks.0 == 0 => {}
        Action::Dnat if stranger => away(rule, ctx, out),
        Action::Copy if stranger => {
            let draft =
                out.rule(rule).severity(Severity::Notice).say("sends a copy of packets to a public address");
            out.found(target(rule, draft));
        }
        Action::Redirect | Action::Tproxy => inward(rule, ctx, out),
        Action::Dnat if rule.to == Some(Side::Own) => inward(rule, ctx, out),
        _ => {}
    }
}

/// Whether all ports of a rule are among some.
fn only(says: &Matched, ports: &[u16]) -> bool {
    !says.ports.is_empty() && says.ports.iter().all(|(low, high)| low == high && ports.contains(low))
}

/// Whether a rule is for one of some ports, and not because it is for thousands.
fn names(says: &Matched, ports: &[u16]) -> bool {
    says.ports.iter().any(|(low, high)| {
        high.saturating_sub(*low) < 16 && ports.iter().any(|port| (*low..=*high).contains(port))
    })
}

/// The port that packets are sent to: the same that they were for, where none is named.
fn port(says: &Matched) -> u16 {
    says.to_ports.map(|(low, _)| low).or(says.only_port()).unwrap_or_default()
}

fn target<'f>(rule: &PacketRule<'_>, draft: Draft<'f>) -> Draft<'f> {
    let says = rule.says;
    draft.remote(says.to.map(|to| Endpoint { ip: to.low, port: port(says) }))
}

/// The ports that a rule is for, for people.
fn described<'f>(says: &Matched, mut draft: Draft<'f>) -> Draft<'f> {
    draft = draft.say(match says.protocols {
        Matched::TCP => "TCP",
        Matched::UDP => "UDP",
        _ => "traffic",
    });
    for (number, (low, high)) in says.ports.iter().enumerate() {
        draft = draft.say(if number == 0 { " for port " } else { ", " }).number(u32::from(*low));
        if high != low {
            draft = draft.say("-").number(u32::from(*high));
        }
    }
    draft
}

fn known<'f>(rule: &PacketRule<'_>, draft: Draft<'f>) -> Draft<'f> {
    let kernel = matches!(rule.origin, Origin::Kernel { .. });
    let draft =
        if rule.configured && kernel { draft.say("; /etc/config/firewall asks for it") } else { draft };
    if rule.known { draft.say("; the baseline has it") } else { draft }
}

/// One step less, if there is one.
const fn less(severity: Severity) -> Option<Severity> {
    match severity {
        Severity::Infected => Some(Severity::Suspicious),
        Severity::Suspicious => Some(Severity::Notice),
        Severity::Notice => None,
    }
}

/// A rule that sends packets to a stranger.
fn away(rule: &PacketRule<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let says = rule.says;
    let Some(to) = says.to else { return };
    let listed = ctx.listed(to.low, port(says));
    let relays = says.is_for(Matched::TCP) && names(says, &RELAYED);
    let resolver = is_well_known(to.low);
    let (meant, dns) = (says.destination.is_some_and(|span| !is_local(span.low)), only(says, &DNS));
    let (severity, words) = if let Some(hit) = listed {
        (
            if ctx.is_past(hit.expires) { Severity::Suspicious } else { CHECK.severity },
            " goes to a listed address",
        )
    } else if relays {
        (CHECK.severity, " goes to a public address, as on a relay for servers that command bots")
    // ASUSWRT's DNSFILTER, which only look-ups are sent to: its rules name no port.
    } else if resolver && says.ports.is_empty() && says.to_ports.is_none() {
        (Severity::Notice, " goes to a public resolver")
    } else if dns && resolver {
        (Severity::Notice, ", look-ups of names, goes to a public resolver")
    } else if dns {
        (Severity::Suspicious, ", look-ups of names, goes to a stranger")
    } else if only(says, &NTP) {
        (Severity::Notice, " goes to a public time server")
    } else if meant && !rule.configured {
        (CHECK.severity, " for one public address goes to another")
    } else {
        (Severity::Suspicious, " goes to a public address")
    };
    let severity = match severity {
        Severity::Infected => Some(severity),
        // The rule alone may be an owner's; that it and the flows say the same is no chance.
        Severity::Suspicious if rule.used => Some(CHECK.severity),
        severity if rule.known => less(severity),
        severity => Some(severity),
    };
    let Some(severity) = severity else { return };
    let family = listed.map(|hit| hit.family.as_bytes()).unwrap_or_default();
    let draft = described(says, out.rule(rule).severity(severity).family(family)).say(words);
    let draft = if rule.used { draft.say("; strangers are seen to be passed on there") } else { draft };
    out.found(target(rule, known(rule, draft)));
}

/// What a rule that sends packets to a program on this machine weighs.
fn taken(rule: &PacketRule<'_>, ctx: &Ctx<'_>, to: u16) -> Option<(Severity, &'static str)> {
    let says = rule.says;
    let peer = says.source.is_some_and(|span| span.is_one());
    if SHELLS.contains(&to) && peer && names(says, &WORTHY) {
        return Some((CHECK.severity, ", where backdoors keep a shell for one peer"));
    }
    let taker = TAKERS.contains(&to);
    let unsaid = (!taker).then_some(Severity::Suspicious);
    match rule.listener {
        Listener::Process(process) if ctx.is_own(process) || process.is_trusted() => None,
        Listener::Process(process) => {
            let odd = !process.is_firm() && process.place() != Some(Place::Mount);
            let severity = match (odd, taker) {
                (true, false) => CHECK.severity,
                (true, true) => Severity::Suspicious,
                // What needs no rights is an owner's server more often than anything else.
                (false, true) if process.surroundings.owner.is_unsaid() => return None,
                (false, true) => Severity::Notice,
                // And where nothing says what is installed, a program in a system place is most often the vendor's.
                (false, false) if process.surroundings.owner.is_unsaid() => Severity::Notice,
                (false, false) if process.status.uid.is_some_and(|uid| uid != 0) => Severity::Notice,
                (false, false) => Severity::Suspicious,
            };
            let words = match (odd, process.surroundings.owner.is_unsaid()) {
                (true, _) => ", to a program that is in no system place",
                (_, true) => ", to a program of which nothing is known",
                _ => ", to a program that nobody vouches for",
            };
            Some((severity, words))
        }
        Listener::Nobody => unsaid.and_then(less).map(|severity| (severity, ", where nobody listens")),
        Listener::Unknown | Listener::Unseen => {
            unsaid.map(|severity| (severity, ", and it could not be told who listens there"))
        }
    }
}

/// A rule that sends packets to a port of this machine.
fn inward(rule: &PacketRule<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let says = rule.says;
    let Some((to, _)) = says.to_ports else { return };
    let same = says.only_port() == Some(to);
    let worthy = says.ports.is_empty() || names(says, &WORTHY);
    // What was for this machine anyway is taken from nobody.
    if same || !worthy || rule.meant == Some(Side::Own) {
        return;
    }
    let Some((severity, words)) = taken(rule, ctx, to) else { return };
    let severity = match severity {
        Severity::Infected => Some(severity),
        severity if rule.known || rule.configured => less(severity),
        severity => Some(severity),
    };
    let Some(severity) = severity else { return };
    let draft =
        described(says, out.rule(rule).severity(severity)).say(" goes to port ").number(u32::from(to));
    out.found(known(rule, draft.say(" of this machine").say(words)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, matched, packet_rule, process, rule};
    use crate::facts::packet_rule::{Hooks, PortSpan};
    use crate::facts::process::{Owner, Process};
    use crate::facts::span::Span;

    const TCP: u8 = Matched::TCP;
    const UDP: u8 = Matched::UDP;

    /// DNAT: protocol, whom for, ports, to whom and to which port.
    fn dnat(protocols: u8, destination: &str, ports: &[PortSpan], to: &str, port: u16) -> Matched {
        let mut says = matched(protocols, destination, ports);
        says.to = Some(Span::one(to.parse().unwrap()));
        says.to_ports = (port > 0).then_some((port, port));
        says.action = Action::Dnat;
        says
    }

    fn redirect(protocols: u8, ports: &[PortSpan], to: u16) -> Matched {
        Matched { to_ports: Some((to, to)), action: Action::Redirect, ..matched(protocols, "", ports) }
    }

    fn said(says: &Matched) -> Vec<Severity> {
        rule(&CHECK, &packet_rule(says))
    }

    fn by(says: &Matched, exe: &[u8], owner: Owner) -> Vec<Severity> {
        let mut program = process(77, b"x", exe, b"x\0");
        program.surroundings.owner = owner;
        held(says, &program)
    }

    fn held(says: &Matched, program: &Process) -> Vec<Severity> {
        rule(&CHECK, &PacketRule { listener: Listener::Process(program), ..packet_rule(says) })
    }

    #[test]
    fn to_strangers() {
        let infected = [Severity::Infected];
        let trickbot = dnat(TCP, "", &[(449, 449)], "192.0.2.9", 80);
        assert_eq!(said(&trickbot), infected);
        // A baseline or a configuration that has it does not change what it is.
        assert_eq!(
            rule(&CHECK, &PacketRule { known: true, configured: true, ..packet_rule(&trickbot) }),
            infected
        );
        assert_eq!(said(&dnat(TCP, "203.0.113.10", &[(443, 443)], "192.0.2.9", 80)), infected, "own address");
        assert_eq!(said(&dnat(0, "192.0.2.1", &[], "192.0.2.9", 0)), infected, "both public");
        assert_eq!(said(&dnat(TCP, "2001:db8:5::1", &[], "2001:db8:9::9", 0)), infected, "IPv6");
        assert_eq!(said(&dnat(TCP, "", &[(8443, 8443)], "198.51.100.7", 443)), infected, "listed");
        let forwarded = dnat(TCP, "", &[(8443, 8443)], "192.0.2.9", 443);
        assert_eq!(said(&forwarded), [Severity::Suspicious]);
        assert_eq!(rule(&CHECK, &PacketRule { known: true, ..packet_rule(&forwarded) }), [Severity::Notice]);
        assert_eq!(
            rule(&CHECK, &PacketRule { used: true, ..packet_rule(&forwarded) }),
            infected,
            "both say it"
        );
        assert_eq!(said(&dnat(UDP, "", &[(53, 53)], "192.0.2.53", 53)), [Severity::Suspicious], "look-ups");
        let asked = dnat(TCP, "203.0.113.10", &[(443, 443)], "192.0.2.9", 80);
        let asked = PacketRule { configured: true, ..packet_rule(&asked) };
        assert_eq!(rule(&CHECK, &asked), [Severity::Suspicious], "by hand");
        let file = Origin::File { path: b"/etc/config/firewall", line: 9 };
        assert_eq!(rule(&CHECK, &PacketRule { origin: file, ..asked }), [Severity::Suspicious]);
        assert_eq!(rule(&CHECK, &PacketRule { origin: file, ..packet_rule(&trickbot) }), infected);
    }

    #[test]
    fn to_nobody_strange() {
        for (says, why) in [
            (dnat(TCP, "", &[(80, 80)], "192.168.1.20", 80), "port forward"),
            (dnat(TCP, "203.0.113.10", &[(80, 80)], "192.168.1.20", 80), "hairpin"),
            (dnat(TCP, "198.51.100.1", &[], "192.168.1.244", 0), "a hijacked address, sent home"),
            (dnat(UDP, "", &[(53, 53)], "192.168.1.53", 53), "Pi-hole"),
            (dnat(TCP, "", &[(8080, 8080)], "172.17.0.2", 80), "a container"),
            (dnat(TCP, "", &[(449, 449)], "10.0.0.7", 449), "behind another router"),
            (dnat(TCP, "", &[], "2001:db8:1::20", 0), "IPv6 of the local network"),
            (redirect(UDP, &[(53, 53)], 53), "look-ups to the router itself"),
            (dnat(UDP, "", &[(53, 53)], "192.168.1.1", 53), "the same as DNAT"),
            (Matched { to: None, ..dnat(TCP, "", &[], "192.0.2.1", 0) }, "computed"),
        ] {
            assert_eq!(said(&says), [], "{why}");
        }
        assert_eq!(said(&dnat(UDP, "", &[(53, 53)], "9.9.9.9", 53)), [Severity::Notice]);
        assert_eq!(said(&dnat(UDP, "8.8.8.8", &[(53, 53)], "1.1.1.1", 53)), [Severity::Notice]);
        assert_eq!(said(&dnat(UDP, "", &[(123, 123)], "192.0.2.123", 123)), [Severity::Notice]);
        assert_eq!(said(&dnat(0, "", &[], "208.67.222.123", 0)), [Severity::Notice], "ASUSWRT DNSFILTER");
        assert_eq!(said(&dnat(UDP, "", &[(53, 53)], "2620:fe::fe", 0)), [Severity::Notice], "of IPv6 too");
        assert_eq!(said(&dnat(TCP, "", &[(443, 443)], "9.9.9.9", 0)), [Severity::Suspicious]);
        let unreached = dnat(TCP, "", &[(449, 449)], "192.0.2.9", 80);
        assert_eq!(rule(&CHECK, &PacketRule { hooks: Hooks(0), ..packet_rule(&unreached) }), []);
        let copy = Matched { action: Action::Copy, ..dnat(0, "", &[], "192.0.2.9", 0) };
        assert_eq!(said(&copy), [Severity::Notice]);
    }

    #[test]
    fn to_a_program_on_the_router() {
        let (infected, suspicious) = ([Severity::Infected], [Severity::Suspicious]);
        let vpnfilter = redirect(TCP, &[(80, 80)], 8888);
        assert_eq!(by(&vpnfilter, b"/var/run/vpnfilterw", Owner::Nobody), infected);
        assert_eq!(by(&vpnfilter, b"/usr/bin/x", Owner::Nobody), suspicious);
        assert_eq!(by(&vpnfilter, b"/usr/bin/x", Owner::Unknown), [Severity::Notice], "a vendor's");
        assert_eq!(said(&vpnfilter), suspicious, "nothing is known");
        assert_eq!(by(&redirect(0, &[], 31337), b"/tmp/x", Owner::Unknown), infected, "all of it");
        assert_eq!(
            by(&dnat(TCP, "", &[(443, 443)], "192.168.1.1", 7777), b"/tmp/.x", Owner::Nobody),
            infected
        );
        let mut shell = redirect(TCP, &[(22, 22)], 42391);
        assert_eq!(said(&shell), suspicious);
        shell.source = Some(Span::one("192.0.2.66".parse().unwrap()));
        assert_eq!(said(&shell), infected, "for one peer");
        let nobody = PacketRule { listener: Listener::Nobody, ..packet_rule(&vpnfilter) };
        assert_eq!(rule(&CHECK, &nobody), [Severity::Notice]);
        assert_eq!(rule(&CHECK, &PacketRule { known: true, ..nobody }), []);
    }

    #[test]
    fn programs_that_belong_there() {
        let image = |says: &Matched| by(says, b"/usr/sbin/x", Owner::Firmware);
        for (says, why) in [
            (dnat(TCP, "", &[(80, 80)], "192.168.1.1", 18017), "ASUSWRT wanduck"),
            (dnat(UDP, "", &[(53, 53)], "192.168.1.1", 18018), "the same for names"),
            (redirect(TCP, &[(80, 80)], 2050), "openNDS"),
            (redirect(TCP, &[(80, 80)], 3990), "coova-chilli"),
            (redirect(TCP, &[], 12345), "redsocks"),
            (redirect(0, &[], 1100), "ss-redir"),
            (Matched { action: Action::Tproxy, ..redirect(0, &[], 7892) }, "clash"),
            (redirect(TCP, &[], 9040), "tor"),
            (redirect(TCP, &[(80, 80)], 8118), "privoxy"),
            (redirect(UDP, &[(53, 53)], 5353), "a resolver"),
            (redirect(UDP, &[(53, 53)], 3053), "AdGuard Home"),
        ] {
            assert_eq!(image(&says), [], "{why}");
            assert_eq!(said(&says), [], "{why}, nothing known");
            assert_eq!(by(&says, b"/opt/x/x", Owner::Nobody), [Severity::Notice], "{why}, by hand");
            assert_eq!(by(&says, b"/tmp/x", Owner::Nobody), [Severity::Suspicious], "{why}, odd");
        }
        assert_eq!(image(&redirect(TCP, &[(80, 80)], 8888)), [], "vouched for");
        assert_eq!(by(&redirect(TCP, &[(80, 80)], 4711), b"/usr/bin/x", Owner::Package), []);
        let mut own = process(OWN_PID, b"gatewatch", b"/tmp/gatewatch", b"x\0");
        own.surroundings.owner = Owner::Nobody;
        assert_eq!(held(&redirect(TCP, &[(80, 80)], 4711), &own), []);
        // What is for the machine itself, or nothing of what matters.
        let mut server = redirect(TCP, &[(80, 80)], 4711);
        server.destination = Some(Span::one("203.0.113.10".parse().unwrap()));
        assert_eq!(said(&server), []);
        assert_eq!(said(&redirect(TCP, &[(2222, 2222)], 4711)), []);
        let mut user = process(88, b"java", b"/srv/app/java", b"x\0");
        (user.surroundings.owner, user.status.uid) = (Owner::Nobody, Some(1000));
        assert_eq!(held(&redirect(TCP, &[(80, 80)], 9876), &user), [Severity::Notice]);
    }
}
