//! A raw or packet socket of a program that needs none.
//!
//! # Sees
//! Every socket of `/proc/net/packet`, `raw` and `raw6` and the program that holds it: one that is known to need such
//! a socket, one that firmware or a package vouches for, or another. One of which only sock_diag tells, and that no table
//! shows, is hidden. Says whether a BPF filter is attached and whether
//! an interface was made promiscuous, where the kernel tells (packet_diag). And every interface that is promiscuous while
//! neither a bridge, a VLAN or a switch's ports on it nor a packet socket explains why: a `notice`.
//!
//! # Why it matters
//! Such a socket sees traffic before any firewall and without any open port: BPFDoor waits on one for its magic
//! packet, VPNFilter's and others' sniffers read passwords, flooders forge packets.
//!
//! # Misses and false alarms
//! `infected` where the socket is hidden, and where the program runs from no system place, was removed or lives in memory; `suspicious` where nobody
//! knows it, where it is a known daemon that a vendor may have unpacked to memory, or where no process holds the socket;
//! `notice` where nothing says what is installed. Silent for DHCP, PPP, routing, Wi-Fi and discovery daemons, ping and
//! iptables, unless nobody vouches for them where lists exist, and for whatever else somebody vouches for, except
//! interpreters. `notice` for sniffers that somebody vouches for or that have a terminal, for what runs from a disk
//! (Entware) or in a container and is known by its name. A shell that inherited the socket of a system daemon is
//! silent. Missed: a filter inside a program that somebody vouches for, eBPF programs, sockets of other network
//! namespaces. A program named as one of the known is not told from it where nothing says what is installed.
//!
//! # Sources
//! packet(7); raw(7); net/packet/af_packet.c `packet_seq_show`; linux/packet_diag.h; MITRE ATT&CK T1040.

use core::fmt::Write;

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::Place;
use crate::facts::process::{Exe, Owner, Process};
use crate::facts::program::{applet, has_container_runtime, is_interpreter, is_shell};
use crate::facts::raw::{Family, Promiscuous, RawSocket};
use crate::facts::text::{Bytes, fields};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "raw-socket",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1040",
    title: "a raw or packet socket that an unexpected program holds, or none",
    advice: Advice::PROGRAM,
    sources: &[Source::RawSockets, Source::Descriptors],
    hooks: &[Hook::Raw(run), Hook::Interface(interface)],
};

/// Programs that show what passes by: people start them, and intruders do. Blanks stand between the names.
const SNIFFERS: &[u8] =
    b"airodump-ng bettercap dsniff dumpcap ettercap horst kismet kismet_server netsniff-ng ngrep \
    tcpdump tcpflow tshark";

/// Programs that cannot do without such a socket: for DHCP, addresses and neighbours; PPP, tunnels and captive portals;
/// Wi-Fi, bridges and discovery; routing and multicast; tools that ask; the packet filter, to which iptables talks through
/// a raw socket.
const USERS: &[u8] = b"6relayd arp-scan arping arpwatch avahi-autoipd connmand dhclient dhcp6c dhcp6relay dhcp6s dhcpcd \
    dhcpd dhcrelay dnsmasq hncpd ndppd networkmap NetworkManager odhcp6c odhcpd omcproxy ra6 radvd rdisc6 relayd \
    rtadvd rtsol systemd-network systemd-networkd udhcpc udhcpc6 udhcpd wickedd zcip \
    accel-pppd bcrelay charon chilli l2tpd openl2tpd pppd pppoe pppoe-discovery pppoe-relay pppoe-server pppoecd \
    pppoed pptp pptpctrl pptpd rp-pppoe wifidog xl2tpd \
    8021xd ated batmand eapd hostapd hyd ladvd lbd lld2d lldpd lltd mapd mcpd mstpd mtkiappd nas rt2860apd rtdot1xd \
    wland wpa_supplicant wpad wps_monitor wscd wsplcd xsupplicant \
    babeld bird bird6 eigrpd igmpproxy isisd keepalived mcproxy mcproxyd mrd6 olsrd ospf6d ospfd pim6sd pihole-FTL pimd smcroute \
    smcrouted uvrrpd vrrpd zebra \
    ether-wake etherwake fping fping6 mtr mtr-packet nmap ntopng ping ping6 traceroute traceroute6 zmap \
    ebtables fw3 ip6tables iptables miniupnpd xtables-legacy-multi xtables-multi xtables-nft-multi";

fn is_among(names: &[u8], name: &[u8]) -> bool {
    fields(names).any(|known| known == name)
}

fn interface(interface: &Promiscuous<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    if !interface.explained {
        let draft = out.named(interface.name).severity(Severity::Notice);
        out.found(draft.say("this interface hands on every frame, and nothing on it explains why"));
    }
}

fn run(socket: &RawSocket<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    // One that the kernel itself opened, or that is closing.
    if socket.inode == 0 {
        return;
    }
    let severity = match socket.holder {
        Some(holder) if ctx.is_own(holder) => None,
        _ if socket.hidden => Some(Severity::Infected),
        None => Some(CHECK.severity),
        Some(holder) => of(holder),
    };
    let Some(severity) = severity else { return };
    let mut protocol = Bytes::<16>::new();
    // Hexadecimal, as headers and tools write it; those of IP are decimal.
    let _ = match socket.family {
        Family::Packet => write!(protocol, "0x{:04x}", socket.protocol),
        Family::Raw | Family::Raw6 => write!(protocol, "{}", socket.protocol),
    };
    let draft = out.holder(socket.holder).severity(severity).say(socket.family.words());
    let draft = draft.say(", protocol ").quote(protocol.as_slice());
    let draft = match socket.filter {
        Some(length) => draft.say(", with a BPF filter of ").number(length).say(" instructions"),
        None => draft,
    };
    let draft = if socket.promiscuous { draft.say(", in promiscuous mode") } else { draft };
    let draft =
        if socket.hidden { draft.say("; the kernel tells of it, and /proc/net hides it") } else { draft };
    out.found(if socket.holder.is_none() { draft.say("; no visible process holds it") } else { draft });
}

fn of(holder: &Process) -> Option<Severity> {
    let name = applet(holder);
    let known = is_among(USERS, name);
    let sniffer = is_among(SNIFFERS, name);
    let trusted = holder.is_trusted();
    if !trusted && !holder.is_firm() {
        // Entware's programs live on a disk; without its lists nobody vouches for them.
        let disk = holder.place() == Some(Place::Mount)
            && holder.surroundings.on_disk
            && !holder.is_removed()
            && !holder.surroundings.in_memory;
        return Some(match (disk, known || sniffer) {
            (true, true) => Severity::Notice,
            (true, false) => CHECK.severity,
            // The link could not be read: nothing says that it is odd.
            (false, _) if holder.exe == Exe::Unknown => CHECK.severity,
            // Vendors unpack daemons to memory; what was removed besides has something to hide.
            (false, _) if known && holder.place() == Some(Place::Volatile) && !holder.is_removed() => {
                CHECK.severity
            }
            (false, _) => Severity::Infected,
        });
    }
    if sniffer {
        return Some(if trusted || holder.stat.terminal != 0 { Severity::Notice } else { CHECK.severity });
    }
    if known && (trusted || holder.surroundings.owner == Owner::Unknown) {
        return None;
    }
    if holder.surroundings.apart && (known || has_container_runtime(holder)) {
        return Some(Severity::Notice);
    }
    if !trusted {
        // Where nothing says what is installed, a program in a system place is most often the vendor's.
        let unsaid = holder.surroundings.owner == Owner::Unknown;
        return Some(if unsaid { Severity::Notice } else { CHECK.severity });
    }
    // A shell opens no such socket; it is a script of the daemon that did, and that forgot to close it.
    let inherited = is_shell(name)
        && holder.kin.parents.first().is_some_and(|parent| {
            parent.owner.vouches() || parent.firm && is_among(USERS, parent.comm.as_slice())
        });
    (is_interpreter(name) && !inherited).then_some(CHECK.severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, raw};
    use crate::facts::process::Relative;
    use Severity::{Infected, Notice, Suspicious};

    const SOCKET: RawSocket<'static> = RawSocket {
        family: Family::Packet,
        protocol: 3,
        inode: 77,
        filter: None,
        promiscuous: false,
        hidden: false,
        holder: None,
    };

    fn held(holder: &Process) -> Vec<Severity> {
        raw(&CHECK, &RawSocket { holder: Some(holder), ..SOCKET })
    }

    fn by(exe: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut process = process(812, b"x", exe, argv);
        process.surroundings.owner = owner;
        process
    }

    #[test]
    fn holders_that_need_none() {
        use Owner::{Firmware, Nobody, Unknown};
        for (exe, argv, owner, expected) in [
            (&b"/dev/shm/kdmtmpflush"[..], &b"/usr/sbin/rsyslogd\0-n\0"[..], Nobody, Infected),
            (b"/dev/shm/kdmtmpflush (deleted)", b"dhclient\0", Unknown, Infected),
            (b"/usr/sbin/dhclient (deleted)", b"dhclient\0", Nobody, Infected),
            (b"/memfd:x (deleted)", b"dhclient\0", Unknown, Infected),
            (b"/tmp/tcpdump", b"tcpdump\0", Unknown, Infected),
            (b"/usr/sbin/udhcpc", b"udhcpc\0", Nobody, Suspicious),
            (b"/usr/sbin/xd", b"udhcpc\0", Unknown, Notice),
            (b"/var/run/udhcpc", b"udhcpc\0", Unknown, Suspicious),
            (b"/usr/bin/python3", b"python3\0/usr/lib/x.py\0", Firmware, Suspicious),
            (b"/bin/busybox", b"sh\0", Firmware, Suspicious),
            (b"/usr/bin/tcpdump", b"tcpdump\0-i\0any\0", Unknown, Suspicious),
        ] {
            assert_eq!(held(&by(exe, argv, owner)), [expected], "{}", String::from_utf8_lossy(exe));
        }
        let mut covered = by(b"/usr/sbin/dhclient", b"dhclient\0", Nobody);
        covered.surroundings.in_memory = true;
        assert_eq!(held(&covered), [Infected]);
        let mut unread = by(b"", b"", Unknown);
        unread.exe = Exe::Unknown;
        assert_eq!(held(&unread), [Suspicious]);
    }

    #[test]
    fn sockets_that_the_table_hides() {
        let hidden = RawSocket { hidden: true, ..SOCKET };
        assert_eq!(raw(&CHECK, &hidden), [Infected]);
        let mut holder = by(b"/usr/sbin/udhcpc", b"udhcpc\0", Owner::Firmware);
        assert_eq!(raw(&CHECK, &RawSocket { holder: Some(&holder), ..hidden }), [Infected]);
        holder.pid = OWN_PID;
        assert_eq!(raw(&CHECK, &RawSocket { holder: Some(&holder), ..hidden }), []);
    }

    #[test]
    fn sockets_of_nobody() {
        for family in [Family::Packet, Family::Raw, Family::Raw6] {
            let socket = RawSocket { family, filter: Some(30), promiscuous: true, ..SOCKET };
            assert_eq!(raw(&CHECK, &socket), [Suspicious]);
            assert_eq!(raw(&CHECK, &RawSocket { inode: 0, ..socket }), []);
        }
    }

    #[test]
    fn holders_that_need_one() {
        use Owner::{Firmware, Package, Unknown};
        for (exe, argv, owner) in [
            (&b"/bin/busybox"[..], &b"udhcpc\0-i\0eth0\0"[..], Unknown),
            (b"/bin/busybox", b"/bin/busybox\0ping\x001.1.1.1\0", Firmware),
            (b"/usr/sbin/pppd", b"/usr/sbin/pppd\0", Unknown),
            (b"/usr/sbin/odhcpd", b"odhcpd\0", Firmware),
            (b"/lib/systemd/systemd-networkd", b"systemd-networkd\0", Package),
            (b"/usr/sbin/vendord", b"vendord\0", Firmware),
            (b"/usr/sbin/xtables-legacy-multi", b"iptables\0-L\0", Package),
        ] {
            assert_eq!(held(&by(exe, argv, owner)), [], "{}", String::from_utf8_lossy(exe));
        }
        assert_eq!(held(&Process { pid: OWN_PID, ..by(b"/tmp/gatewatch", b"gatewatch\0", Unknown) }), []);
        let mut upgraded = by(b"/usr/sbin/dnsmasq (deleted)", b"dnsmasq\0", Package);
        upgraded.surroundings.exists = true;
        assert_eq!(held(&upgraded), []);
        // udhcpc's script, which has its socket too.
        let mut script = by(b"/bin/busybox", b"sh\0/usr/share/udhcpc/default.script\0", Firmware);
        let comm = Bytes::of(b"udhcpc");
        let parent = Relative { pid: 700, comm, owner: Owner::Firmware, firm: true, ..Relative::default() };
        script.kin.parents.push(parent).unwrap();
        assert_eq!(held(&script), []);
    }

    #[test]
    fn interfaces_that_hear_everything() {
        let heard =
            |explained| crate::check::testing::interface(&CHECK, &Promiscuous { name: b"eth1", explained });
        assert_eq!(heard(false), [Notice]);
        assert_eq!(heard(true), []);
    }

    #[test]
    fn sniffers_disks_and_containers() {
        assert_eq!(held(&by(b"/usr/bin/tcpdump", b"tcpdump\0", Owner::Package)), [Notice]);
        let mut session = by(b"/usr/bin/tcpdump", b"tcpdump\0", Owner::Unknown);
        session.stat.terminal = 34_816;
        assert_eq!(held(&session), [Notice]);
        for (name, expected) in
            [(&b"/tmp/mnt/sda1/bin/tcpdump"[..], Notice), (b"/mnt/sda1/bin/x", Suspicious)]
        {
            let mut entware = by(name, b"x\0", Owner::Unknown);
            entware.surroundings.on_disk = true;
            assert_eq!(held(&entware), [expected]);
        }
        let mut container = by(b"/usr/sbin/keepalived", b"keepalived\0", Owner::Nobody);
        container.surroundings.apart = true;
        assert_eq!(held(&container), [Notice]);
    }
}
