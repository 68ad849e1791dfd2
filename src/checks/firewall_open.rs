//! The packet filter keeps rivals out, lets a stranger in, or is gone.
//!
//! # Sees
//! Rules of the kernel's packet filter (nf_tables and iptables, IPv4 and IPv6) for packets to the router itself that nobody
//! configured: those that close the ports which bots come in through to everybody, those that let everybody in to a
//! port where a program from no system place listens, and those that let a public network in to all ports. And a packet filter
//! without any rule where `/etc/config/firewall` asks for one and its service is started.
//!
//! # Why it matters
//! Mozi, Hajime and TheMoon close telnet, TR-069 and each other's ports once they are in; VPNFilter opened its own,
//! TheMoon its master's networks. Fbot and others remove all rules.
//!
//! # Misses and false alarms
//! An owner's own rule that closes telnet for everybody is `suspicious`: it cannot be told from a stranger's. `notice`
//! for management ports that owners close (SSH, the web), for chains of a tool of the owner's (ufw), for ports that are closed
//! before it is known whom packets are for, and for a public network that is let in. Silent for rules of an interface, a network or a rate, for those before which some are let in (an
//! access list), for what `/etc/config/firewall` asks for, and where the owner has turned the firewall off. A rule behind one that lets the local
//! network in closes the port to the rest only: a bot's that is put there is missed. The order of chains is known, what the rules in between decide is not followed. A rule that opens a port for a program in a system place is
//! silent. Sets with a name count as lists of somebody.
//!
//! # Sources
//! linux/netfilter/nf_tables.h, x_tables.h; iptables(8); OpenWrt firewall configuration, Rules; threat reports on Mozi, Hajime,
//! TheMoon, VPNFilter; MITRE ATT&CK T1686.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::deed::{ATTACKED, OWNERS};
use crate::facts::packet_rule::{Action, Family, Filter, Hooks, Listener, Matched, Origin, PacketRule};
use crate::facts::place::Place;
use crate::facts::topology::{Side, is_local};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "firewall-open",
    area: Area::Network,
    severity: Severity::Suspicious,
    attack: "T1686",
    title: "rules that keep rivals out or let strangers in, or no rules at all",
    advice: Advice::RULE,
    sources: &[Source::Rules],
    hooks: &[Hook::Rule(run), Hook::Filter(filter)],
};

fn filter(filter: &Filter, _: &Ctx<'_>, out: &mut Out<'_>) {
    if filter.wanted && filter.rules == 0 && !filter.closed {
        let draft = out.path(b"/etc/config/firewall");
        out.found(draft.say("asks for a packet filter, and the kernel has no rule for who comes in"));
    }
}

fn run(rule: &PacketRule<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Origin::Kernel { chain, family, .. } = rule.origin else { return };
    let says = rule.says;
    // Of other families chains belong to a device or a bridge.
    let everywhere = [Family::INET, Family::IP, Family::IP6].contains(&family);
    // Before it is known for whom they are, packets can be dropped too; nothing else says that they may come in.
    let early = says.action.closes() && rule.hooks.has(Hooks::PREROUTING);
    if rule.configured || !everywhere || !rule.direct || !(rule.hooks.has(Hooks::INPUT) || early) {
        return;
    }
    match says.action {
        action if action.closes() => closes(rule, chain, out),
        Action::Accept if says.source.is_some() => lets_in(rule, out),
        Action::Accept if says.is_for_everybody() => opens(rule, ctx, out),
        _ => {}
    }
}

/// The first port of a rule that is among some, and that the rule does not name only because it is for many.
fn named(says: &Matched, ports: &[u16]) -> Option<u16> {
    let mut narrow = says.ports.iter().filter(|(low, high)| high.saturating_sub(*low) < 4);
    narrow.find_map(|(low, high)| ports.iter().find(|port| (*low..=*high).contains(*port)).copied())
}

fn closes(rule: &PacketRule<'_>, chain: &[u8], out: &mut Out<'_>) {
    let says = rule.says;
    if !says.is_for_everybody() || rule.excepted || !says.is_for(Matched::TCP) {
        return;
    }
    let attacked = named(says, &ATTACKED);
    let Some(port) = attacked.or_else(|| named(says, &OWNERS)) else { return };
    // What is dropped that early, the local network's own attempts are too.
    let other = chain.starts_with(b"ufw") || !rule.hooks.has(Hooks::INPUT);
    let severity = if attacked.is_none() || other { Severity::Notice } else { CHECK.severity };
    let draft = out.rule(rule).severity(severity).say("closes port ").number(u32::from(port));
    out.found(draft.say(match attacked {
        Some(_) => " to everybody, as bots do behind themselves",
        None => " to everybody",
    }));
}

fn lets_in(rule: &PacketRule<'_>, out: &mut Out<'_>) {
    let says = rule.says;
    let Some(source) = says.source else { return };
    let whole =
        says.ports.is_empty() && says.interface.is_empty() && says.destination.is_none() && !says.narrow;
    let stranger =
        rule.meant != Some(Side::Lan) && !is_local(source.low) && !source.is_one() && !source.is_all();
    if whole && stranger {
        let draft = out.rule(rule).severity(Severity::Notice).say("lets a public network in to all ports");
        out.found(draft.remote(Some(crate::facts::endpoint::Endpoint { ip: source.low, port: 0 })));
    }
}

fn opens(rule: &PacketRule<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (Some(port), Listener::Process(process)) = (rule.says.only_port(), rule.listener) else { return };
    let odd = !process.is_firm() && process.place() != Some(Place::Mount) && !process.is_trusted();
    if odd && !ctx.is_own(process) {
        let draft = out.rule(rule).say("lets everybody in to port ").number(u32::from(port));
        out.found(draft.say(", where a program from no system place listens"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{self, matched, packet_rule, process};
    use crate::facts::packet_rule::PortSpan;
    use crate::facts::process::Owner;
    use crate::facts::span::Span;

    fn at<'a>(says: &'a Matched, chain: &'a [u8]) -> PacketRule<'a> {
        let origin = Origin::Kernel { legacy: true, family: Family::IP, table: b"filter", chain };
        PacketRule { origin, hooks: Hooks::INPUT, ..packet_rule(says) }
    }

    fn said(rule: &PacketRule<'_>) -> Vec<Severity> {
        testing::rule(&CHECK, rule)
    }

    fn says(action: Action, ports: &[PortSpan]) -> Matched {
        Matched { action, ..matched(Matched::TCP, "", ports) }
    }

    #[test]
    fn ports_that_are_closed_to_rivals() {
        let suspicious = [Severity::Suspicious];
        for port in ATTACKED {
            for action in [Action::Drop, Action::Reject] {
                assert_eq!(said(&at(&says(action, &[(port, port)]), b"INPUT")), suspicious, "{port}");
            }
        }
        let themoon = says(Action::Drop, &[(80, 80), (8080, 8080), (7547, 7547)]);
        assert_eq!(said(&at(&themoon, b"INPUT")), suspicious);
        let early = PacketRule { hooks: Hooks::PREROUTING, ..at(&themoon, b"PREROUTING") };
        assert_eq!(said(&early), [Severity::Notice], "in raw or mangle");
        assert_eq!(said(&at(&says(Action::Drop, &[(22, 22)]), b"INPUT")), [Severity::Notice], "an owner's");
    }

    #[test]
    fn look_alikes() {
        let telnet = says(Action::Drop, &[(23, 23)]);
        let rule = at(&telnet, b"INPUT");
        assert_eq!(said(&PacketRule { configured: true, ..rule }), [], "a rule of UCI");
        assert_eq!(said(&PacketRule { excepted: true, ..rule }), [], "an access list, the local network");
        assert_eq!(said(&PacketRule { direct: false, ..rule }), [], "a zone of fw3 or fw4");
        assert_eq!(said(&PacketRule { hooks: Hooks::FORWARD, ..rule }), [], "for others");
        assert_eq!(said(&PacketRule { hooks: Hooks::OUTPUT, ..rule }), []);
        assert_eq!(said(&at(&telnet, b"ufw-user-input")), [Severity::Notice]);
        let wan = Matched { interface: crate::facts::text::Bytes::of(b"eth0"), ..telnet.clone() };
        assert_eq!(said(&at(&wan, b"INPUT")), [], "an interface");
        assert_eq!(
            said(&at(&Matched { narrow: true, ..telnet.clone() }, b"f2b-telnet")),
            [],
            "a rate, a set"
        );
        let banned = Matched { source: Some(Span::one("192.0.2.66".parse().unwrap())), ..telnet.clone() };
        assert_eq!(said(&at(&banned, b"f2b-telnet")), [], "one sender");
        assert_eq!(said(&at(&Matched { protocols: Matched::UDP, ..telnet.clone() }, b"INPUT")), []);
        assert_eq!(said(&at(&says(Action::Drop, &[(0, 1023)]), b"INPUT")), [], "all low ports");
        assert_eq!(said(&at(&says(Action::Drop, &[]), b"INPUT")), [], "all");
        assert_eq!(said(&at(&says(Action::Drop, &[(161, 161)]), b"INPUT")), []);
    }

    #[test]
    fn doors_for_strangers() {
        let open = says(Action::Accept, &[(8888, 8888)]);
        let by = |exe: &[u8], owner| {
            let mut program = process(77, b"x", exe, b"x\0");
            program.surroundings.owner = owner;
            said(&PacketRule { listener: Listener::Process(&program), ..at(&open, b"INPUT") })
        };
        assert_eq!(by(b"/var/run/vpnfilterw", Owner::Nobody), [Severity::Suspicious]);
        assert_eq!(by(b"/usr/sbin/openvpn", Owner::Package), []);
        assert_eq!(by(b"/usr/local/bin/app", Owner::Nobody), []);
        assert_eq!(by(b"/mnt/sda1/opt/bin/app", Owner::Unknown), []);
        assert_eq!(said(&at(&open, b"INPUT")), [], "nobody knows who listens");
        let span =
            |low: &str, high: &str| Some(Span { low: low.parse().unwrap(), high: high.parse().unwrap() });
        let mut net = says(Action::Accept, &[]);
        net.source = span("192.0.2.0", "192.0.2.255");
        assert_eq!(said(&at(&net, b"INPUT")), [Severity::Notice], "a public network");
        assert_eq!(said(&PacketRule { configured: true, ..at(&net, b"INPUT") }), []);
        net.port((7547, 7547));
        assert_eq!(said(&at(&net, b"INPUT")), [], "the provider's, for one port");
        for (low, high) in
            [("192.168.1.0", "192.168.1.255"), ("192.0.2.7", "192.0.2.7"), ("100.64.0.0", "100.127.255.255")]
        {
            let one = Matched { source: span(low, high), ..says(Action::Accept, &[]) };
            assert_eq!(said(&at(&one, b"INPUT")), [], "{low}");
        }
    }

    #[test]
    fn a_filter_that_is_gone() {
        let gone = Filter { rules: 0, closed: false, wanted: true };
        assert_eq!(testing::filter(&CHECK, &gone), [Severity::Suspicious]);
        for other in
            [Filter { rules: 1, ..gone }, Filter { closed: true, ..gone }, Filter { wanted: false, ..gone }]
        {
            assert_eq!(testing::filter(&CHECK, &other), [], "{other:?}");
        }
    }
}
