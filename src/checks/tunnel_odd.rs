//! A tunnel that no configuration knows, or whose program nobody vouches for.
//!
//! # Sees
//! Interfaces of tun and tap, `WireGuard`, GRE, IP in IP and IPv6 in IPv4, with the program that holds them.
//! `infected`: the other end of one is in an indicator file. `suspicious`: a program that neither the firmware nor a
//! package has holds one, and no file of configuration has its name.
//!
//! # Why it matters
//! 19 of 85 described families make the router a way into the network behind it, or a way out for strangers. A tunnel does
//! that for all ports at once, and past the rules of the packet filter that are made for the outside.
//!
//! # Misses and false alarms
//! `notice` where no program holds it and no configuration names it: meshes, VPN services and scripts of owners make such
//! interfaces with `ip`; where the program lies where admins put theirs, or runs in a container; and where the indicator has
//! expired. Silent for programs of the firmware and of packages (OpenVPN, tailscale, `ZeroTier`, tinc, vpnc, qemu), for what
//! UCI, systemd, ifupdown, netplan, NetworkManager, `/etc/wireguard`, `/etc/openvpn` or the owner's own scripts name, and for
//! the kernel's own (`sit0`, `tunl0`, `gre0`). Missed: SOCKS servers, SSH and reverse connections need no interface; one that
//! takes a name that configuration has; interfaces of other network namespaces.
//!
//! # Sources
//! Documentation/networking/tuntap.rst; drivers/net/tun.c; include/uapi/linux/if_arp.h; rtnetlink(7); MITRE ATT&CK T1572.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::is_admins;
use crate::facts::process::Owner;
use crate::facts::tunnel::Tunnel;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "tunnel-odd",
    area: Area::Network,
    severity: Severity::Suspicious,
    attack: "T1572",
    title: "a tunnel that no configuration knows, or whose program nobody vouches for",
    advice: Advice::RULE,
    sources: &[Source::Tunnels, Source::Owners],
    hooks: &[Hook::Tunnel(run)],
};

fn run(tunnel: &Tunnel<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let link = tunnel.link;
    let draft = match tunnel.holder {
        Some(holder) => out.process(holder),
        None => out.named(link.name.as_slice()),
    };
    let draft = draft.say(link.kind.words()).say(", ").quote(link.name.as_slice()).say(", ");
    if let Some(hit) = link.remote.and_then(|remote| ctx.listed(remote, 0)) {
        let severity = if ctx.is_past(hit.expires) { Severity::Notice } else { Severity::Infected };
        let draft = draft.severity(severity).family(hit.family.as_bytes());
        return out.found(draft.say("leads to a listed address"));
    }
    if tunnel.known || link.is_kernels() {
        return;
    }
    let Some(holder) = tunnel.holder else {
        return out.found(draft.severity(Severity::Notice).say("is in no file of configuration"));
    };
    let joined = &holder.surroundings;
    if joined.owner != Owner::Nobody || ctx.is_own(holder) {
        return;
    }
    let draft = if joined.apart || is_admins(holder.path.as_slice()) {
        draft.severity(Severity::Notice)
    } else {
        draft
    };
    out.found(draft.say("is held by a program that neither the firmware nor a package has"));
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;
    use crate::check::testing::{process, tunnel};
    use crate::facts::process::Process;
    use crate::facts::text::Bytes;
    use crate::facts::tunnel::{Kind, Link};

    fn link(name: &[u8], kind: Kind, remote: Option<[u8; 4]>) -> Link {
        Link { name: Bytes::of(name), kind, remote: remote.map(IpAddr::from), stays: None }
    }

    fn holder(exe: &[u8], owner: Owner) -> Process {
        let mut process = process(812, b"x", exe, b"x\0");
        process.surroundings.owner = owner;
        process
    }

    #[test]
    fn tunnels_nobody_knows() {
        let tun = link(b"tun0", Kind::Tun, None);
        for (exe, severity) in [
            (&b"/usr/sbin/x"[..], Severity::Suspicious),
            (b"/tmp/x", Severity::Suspicious),
            (b"/usr/local/bin/x", Severity::Notice),
        ] {
            let holder = holder(exe, Owner::Nobody);
            let odd = Tunnel { link: &tun, known: false, holder: Some(&holder) };
            assert_eq!(tunnel(&CHECK, &odd), [severity], "{}", String::from_utf8_lossy(exe));
        }
        for kind in [Kind::Tun, Kind::WireGuard, Kind::Gre, Kind::Ip, Kind::Sit] {
            let link = link(b"x0", kind, Some([198, 51, 100, 20]));
            assert_eq!(
                tunnel(&CHECK, &Tunnel { link: &link, known: false, holder: None }),
                [Severity::Notice]
            );
        }
    }

    #[test]
    fn look_alikes() {
        let tun = link(b"tun0", Kind::Tun, None);
        for (known, owner) in [
            (false, Owner::Package),
            (false, Owner::Firmware),
            (false, Owner::Unknown),
            (true, Owner::Nobody),
        ] {
            let holder = holder(b"/usr/sbin/openvpn", owner);
            let tun = Tunnel { link: &tun, known, holder: Some(&holder) };
            assert_eq!(tunnel(&CHECK, &tun), [], "{owner:?}");
        }
        for (name, kind) in [(&b"sit0"[..], Kind::Sit), (b"tunl0", Kind::Ip), (b"gre0", Kind::Gre)] {
            let link = link(name, kind, None);
            assert_eq!(tunnel(&CHECK, &Tunnel { link: &link, known: false, holder: None }), []);
        }
        // An office behind GRE; of 198.51.100.7 one port is listed, and 198.51.100.9 never matches.
        for remote in [7, 9, 20] {
            let link = link(b"gre4-x", Kind::Gre, Some([198, 51, 100, remote]));
            assert_eq!(tunnel(&CHECK, &Tunnel { link: &link, known: true, holder: None }), [], "{remote}");
        }
    }
}
