//! The router, or somebody behind it, that tries one port on many hosts of the world.
//!
//! # Sees
//! How many hosts beyond the provider a program of the router calls at one port, and how many of them do not answer: from its
//! sockets, at two looks, and from the flows that the kernel tracks, where raw sockets show too, those of no process known.
//! The same of each client. Ports that bots scan (23, 2323, 22, 7547, 37215, 52869, 5555, 8080 …) need 16 hosts that
//! do not answer, others some hundred. Many telnet connections that stand are told too, for passwords are tried there, and
//! mail to many hosts by a program that is no mail server's.
//!
//! `infected` for the router itself; `suspicious` for a client, for a program that somebody vouches for and that does not
//! do whatever it is told, for what an owner added to the system, and at ports of which nothing is known.
//!
//! # Why it matters
//! 26 of 85 described families look for the next victim from the router itself, and an infected PC does so through it.
//!
//! # Misses and false alarms
//! Hosts of networks that are served, and of a private network that this machine is in, do not count: monitoring is silent, and
//! so is a scan of the LAN. `notice` for scanners and monitors that somebody vouches for (nmap, fping, Zabbix). Where many healthy programs call many hosts (web, names, time,
//! mail, peer-to-peer) only a crowd counts of which three in four do not answer, and for clients nothing but mail. A scan through
//! a proxy on the router is told of the proxy. UDP counts for 1900 alone. Missed: slow scans, which leave few hosts at a
//! time, and those of more than one port a host with few hosts each.
//!
//! # Sources
//! proc_pid_net(5); include/net/tcp_states.h; nf_conntrack-sysctl.rst (half-open flows stay for two minutes); MITRE ATT&CK
//! T1046.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::backing::Backing;
use crate::facts::endpoint::Endpoint;
use crate::facts::fanout::{Caller, Fanout, Usual, usual};
use crate::facts::process::Process;
use crate::facts::program::{applet, is_interpreter};
use crate::facts::text::one_of;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "scan-fanout",
    area: Area::Network,
    severity: Severity::Infected,
    attack: "T1046",
    title: "one port tried on many hosts of the world",
    advice: Advice::INTRUDER,
    sources: &[Source::Sockets, Source::Flows, Source::Routes],
    hooks: &[Hook::Fanout(run)],
};

/// Hosts that do not answer at a port that bots scan.
const SCANNED: u32 = 16;
/// Hosts at telnet's ports, whether they answer or not.
const TELNET: u32 = 20;
/// Hosts to which mail is brought: by this machine, and by a client, which may be a small mail server.
const MAIL: [u32; 2] = [16, 64];
/// Hosts of which three in four do not answer: at a port of which nothing is known, and where everybody calls many.
const CROWD: [u32; 2] = [96, 160];

/// Programs that look whether others are there: of a package, they are an owner's.
const MONITORS: &[u8] = b"arp-scan blackbox_exporter check_http check_ping check_ssh check_tcp fping fping6 hping3 masscan \
    monit mtr mtr-packet nagios netdata nmap nping smokeping telegraf tcptraceroute zabbix_agentd zabbix_proxy zabbix_server \
    zmap";

/// Programs that bring mail.
const MAILERS: &[u8] =
    b"exim exim4 postfix smtp master sendmail msmtp ssmtp smtpd qmail-remote maddy stalwart haraka courier \
    opensmtpd dma nullmailer-smtp esmtp lmtp";

fn run(fanout: &Fanout<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if fanout.named || fanout.holder.is_some_and(|holder| ctx.is_own(holder)) {
        return;
    }
    let Some(what) = kind(fanout) else { return };
    let severity = match fanout.caller {
        Caller::Client(_) => Some(Severity::Suspicious),
        Caller::Machine => Some(if what == What::Crowd { Severity::Suspicious } else { CHECK.severity }),
        // It ended before it could be looked at.
        Caller::Process(_) => fanout.holder.map_or(Some(CHECK.severity), |holder| of(holder, what)),
    };
    let Some(severity) = severity else { return };
    let protocol = if fanout.protocol == UDP { "udp" } else { "tcp" };
    let draft = out.holder(fanout.holder).severity(severity).say("it calls about ").number(fanout.outside);
    let draft =
        draft.say(" hosts of the world at port ").number(u32::from(fanout.port)).say(" (").say(protocol);
    let draft = draft.say("), of which about ").number(fanout.silent).say(" do not answer");
    out.found(match fanout.caller {
        Caller::Machine => draft.say("; which program does is not known"),
        Caller::Process(_) => draft,
        Caller::Client(ip) => draft.client(Endpoint { ip, port: 0 }),
    });
}

const UDP: u8 = 17;

/// What it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A scan of a port that bots scan, or passwords that are tried.
    Scan,
    /// Mail to everybody.
    Mail,
    /// More hosts that do not answer than any healthy program calls.
    Crowd,
}

fn kind(fanout: &Fanout<'_>) -> Option<What> {
    let Fanout { port, outside, silent, .. } = *fanout;
    let client = matches!(fanout.caller, Caller::Client(_));
    if fanout.protocol == UDP {
        return (port == 1900 && silent >= SCANNED).then_some(What::Scan);
    }
    let [own_mail, clients_mail] = MAIL;
    let [unknown, everyday] = CROWD;
    let mute = |most| silent >= most && silent.saturating_mul(4) >= outside.saturating_mul(3);
    match usual(port) {
        _ if matches!(port, 23 | 2323) && outside >= TELNET => Some(What::Scan),
        _ if port == 25 && outside >= if client { clients_mail } else { own_mail } => Some(What::Mail),
        Usual::Scanned => (silent >= SCANNED).then_some(What::Scan),
        _ if client => None,
        Usual::Neither => mute(unknown).then_some(What::Crowd),
        Usual::Everyday => mute(everyday).then_some(What::Crowd),
    }
}

/// How bad it is of a program of the router.
fn of(holder: &Process, what: What) -> Option<Severity> {
    let is = one_of(applet(holder));
    let backing = Backing::of(holder);
    let known = matches!(backing, Backing::Vouched | Backing::Owners | Backing::Unsaid);
    if what == What::Mail {
        return match backing {
            _ if known && is(MAILERS) => None,
            Backing::Vouched => None,
            Backing::Owners => Some(Severity::Notice),
            Backing::Told | Backing::Unsaid => Some(Severity::Suspicious),
            Backing::Nobodys | Backing::Odd => Some(CHECK.severity),
        };
    }
    Some(match backing {
        Backing::Vouched if is(MONITORS) => Severity::Notice,
        Backing::Vouched if what == What::Crowd => return None,
        Backing::Vouched | Backing::Owners => Severity::Suspicious,
        _ if what == What::Crowd && !matches!(backing, Backing::Odd | Backing::Nobodys) => Severity::Notice,
        _ if what == What::Crowd => Severity::Suspicious,
        Backing::Told if is_interpreter(applet(holder)) && holder.stat.terminal != 0 => Severity::Suspicious,
        Backing::Told | Backing::Unsaid | Backing::Nobodys | Backing::Odd => CHECK.severity,
    })
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::check::testing::{OWN_PID, fanout, process};
    use crate::facts::process::Owner;
    use Severity::{Infected, Notice, Suspicious};

    const CLIENT: Caller = Caller::Client(IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20)));

    fn row(caller: Caller, port: u16, outside: u32, silent: u32) -> Fanout<'static> {
        Fanout { caller, protocol: 6, port, inside: 0, outside, silent, named: false, holder: None }
    }

    fn by(path: &[u8], argv: &[u8], owner: Owner, port: u16, outside: u32, silent: u32) -> Vec<Severity> {
        let mut holder = process(812, b"x", path, argv);
        holder.surroundings.owner = owner;
        fanout(&CHECK, &Fanout { holder: Some(&holder), ..row(Caller::Process(812), port, outside, silent) })
    }

    #[test]
    fn scans_of_the_router_itself() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        for (path, argv, owner, port) in [
            (&b"/usr/bin/gwscan"[..], &b"x\0"[..], Nobody, 23),
            (b"/tmp/gwscan", b"x\0", Unknown, 37_215),
            (b"/usr/bin/vendord", b"x\0", Unknown, 7547),
            (b"/bin/busybox", b"nc\0-w\x003\0host\x0022\0", Firmware, 22),
            (b"/usr/bin/python3.11", b"python3\0s.py\0", Package, 8080),
        ] {
            let text = String::from_utf8_lossy(path);
            assert_eq!(by(path, argv, owner, port, 20, 20), [Infected], "{text}");
        }
        assert_eq!(fanout(&CHECK, &row(Caller::Machine, 23, 40, 40)), [Infected]);
        assert_eq!(fanout(&CHECK, &row(Caller::Process(812), 23, 40, 40)), [Infected], "it has ended");
        assert_eq!(by(b"/usr/bin/gwscan", b"x\0", Nobody, 23, 24, 0), [Infected], "passwords");
        assert_eq!(by(b"/usr/bin/gwscan", b"x\0", Nobody, 25, 20, 2), [Infected], "mail");
        assert_eq!(by(b"/usr/bin/gwscan", b"x\0", Nobody, 12_345, 120, 110), [Suspicious]);
        assert_eq!(by(b"/usr/sbin/squid", b"squid\0", Package, 23, 20, 20), [Suspicious]);
        let named = Fanout { named: true, ..row(Caller::Machine, 23, 40, 40) };
        assert_eq!(fanout(&CHECK, &named), []);
        assert_eq!(
            fanout(&CHECK, &Fanout { protocol: 17, ..row(Caller::Machine, 1900, 40, 40) }),
            [Infected]
        );
    }

    #[test]
    fn scans_of_clients() {
        for (port, outside, silent) in
            [(23, 30, 2), (2323, 20, 20), (445, 40, 40), (5555, 16, 16), (25, 80, 10)]
        {
            assert_eq!(fanout(&CHECK, &row(CLIENT, port, outside, silent)), [Suspicious], "{port}");
        }
    }

    #[test]
    fn look_alikes() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        // Browsers, resolvers, peer-to-peer, time, SSH to one's own servers, a speed test, a small mail server.
        for (port, outside, silent) in [
            (443, 600, 30),
            (80, 200, 40),
            (53, 500, 60),
            (6881, 300, 250),
            (51_413, 200, 190),
            (49_999, 150, 140),
            (22, 50, 3),
            (8080, 100, 1),
            (25, 30, 2),
            (8443, 200, 9),
        ] {
            assert_eq!(fanout(&CHECK, &row(CLIENT, port, outside, silent)), [], "{port}");
        }
        for (path, owner, port, outside, silent) in [
            (&b"/usr/sbin/unbound"[..], Package, 53, 400, 30),
            (b"/usr/bin/transmission-daemon", Package, 51_413, 180, 170),
            (b"/usr/sbin/ntpd", Firmware, 123, 12, 4),
            (b"/usr/sbin/exim4", Package, 25, 60, 20),
            (b"/usr/sbin/squid", Package, 443, 700, 100),
            (b"/koolshare/bin/xray", Nobody, 443, 400, 90),
            (b"/usr/bin/bitcoind", Unknown, 8333, 120, 100),
            (b"/usr/bin/ssh", Package, 22, 40, 2),
        ] {
            let text = String::from_utf8_lossy(path);
            assert_eq!(by(path, b"x\0", owner, port, outside, silent), [], "{text}");
        }
        assert_eq!(by(b"/usr/bin/nmap", b"nmap\0", Package, 22, 60, 60), [Notice]);
        assert_eq!(by(b"/usr/local/bin/blackbox", b"x\0", Nobody, 22, 30, 30), [Suspicious]);
        let inside = Fanout { inside: 200, ..row(Caller::Machine, 23, 0, 0) };
        assert_eq!(fanout(&CHECK, &inside), [], "the networks that are served");
        assert_eq!(fanout(&CHECK, &Fanout { protocol: 17, ..row(CLIENT, 5353, 99, 99) }), []);
        let own = process(OWN_PID, b"x", b"/tmp/x", b"x\0");
        let probe = row(Caller::Process(OWN_PID), 23, 40, 40);
        assert_eq!(fanout(&CHECK, &Fanout { holder: Some(&own), ..probe }), []);
    }
}
