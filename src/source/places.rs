//! THE table of startup places: what init systems of routers and of Debian run at boot, by the clock and on events.
//! Another place is another row.

use crate::facts::startup::Kind;
use crate::facts::startup_file::Hand;
use crate::facts::text::{Bytes, is_below};
use crate::limits::PATH_BYTES;

/// A directory of startup files, or some of the files in it.
#[derive(Debug)]
pub struct Place {
    /// The directory, from the root.
    pub dir: &'static [u8],
    /// The names that count, or what they end in behind a star: `*.sh`; all if empty.
    pub names: &'static [&'static [u8]],
    /// How the files are written.
    pub kind: Kind,
    /// Who writes there on a healthy machine.
    pub hand: Hand,
}

impl Place {
    const fn all(dir: &'static [u8], kind: Kind) -> Self {
        Self { dir, names: &[], kind, hand: Hand::Firmware }
    }

    const fn some(dir: &'static [u8], names: &'static [&'static [u8]], kind: Kind) -> Self {
        Self { dir, names, kind, hand: Hand::Firmware }
    }

    const fn by(mut self, hand: Hand) -> Self {
        self.hand = hand;
        self
    }
}

/// Whether the names of a place that count are not all known beforehand.
#[must_use]
pub fn is_open(names: &[&[u8]]) -> bool {
    names.is_empty() || names.iter().any(|name| name.first() == Some(&b'*'))
}

/// Whether a name in the directory of a place is among those that count.
#[must_use]
pub fn counts(names: &[&[u8]], name: &[u8]) -> bool {
    let is = |known: &&[u8]| match known.strip_prefix(b"*") {
        Some(end) => name.ends_with(end) && !name.contains(&b'/'),
        None => name == *known,
    };
    names.is_empty() || names.iter().any(is)
}

use Hand::{Generated, Once, Owner};
use Kind::{Cron, Inittab, Rules, Shell, SystemCron, Unit};

/// What a shell runs when somebody logs in or starts one (bash(1), FILES; BusyBox ash by `ENV`).
const PROFILES: &[&[u8]] = &[
    b".profile",
    b".bashrc",
    b".ashrc",
    b".bash_profile",
    b".bash_login",
    b".bash_aliases",
    b".bash_logout",
];

/// Every place, by system.
pub static PLACES: &[Place] = &[
    // All: BusyBox, SysV, Debian and OpenWrt share these.
    Place::some(b"etc", &[b"inittab"], Inittab),
    Place::some(b"etc", &[b"rc", b"rcS", b"preinit", b"rc.common", b"rc.sysinit"], Shell),
    Place::some(b"etc", &[b"rc.local", b"profile", b"bashrc", b"bash.bashrc", b"shinit"], Shell).by(Owner),
    Place::some(b"etc", &[b"firewall.user", b"udhcpc.user", b"mwan3.user"], Shell).by(Owner),
    Place::some(b"etc", &[b"udhcpc.script", b"dhclient-exit-hooks", b"dhcpcd.exit-hook"], Shell),
    Place::some(b"etc", &[b"crontab"], SystemCron).by(Owner),
    Place::all(b"etc/init.d", Shell),
    Place::all(b"etc/profile.d", Shell),
    Place::all(b"var/spool/cron", Cron).by(Owner),
    Place::some(b"root", PROFILES, Shell).by(Owner),
    // Where firmware has the homes of those who administer it.
    Place::some(b"home/root", PROFILES, Shell).by(Owner),
    Place::some(b"home/admin", PROFILES, Shell).by(Owner),
    Place::some(b"tmp/home/root", PROFILES, Shell).by(Owner),
    Place::some(b"root/.ssh", &[b"rc"], Shell).by(Owner),
    Place::some(b"etc/ssh", &[b"sshrc"], Shell).by(Owner),
    // What is run for a device that comes or goes.
    Place::some(b"etc", &[b"mdev.conf"], Rules),
    Place::all(b"etc/mdev", Shell),
    Place::all(b"etc/udev/rules.d", Rules).by(Owner),
    Place::all(b"usr/lib/udev/rules.d", Rules),
    Place::all(b"lib/udev/rules.d", Rules),
    Place::some(b"etc", &[b"hotplug2.rules", b"hotplug2-common.rules"], Shell),
    Place::all(b"etc/udhcpc", Shell),
    Place::all(b"etc/udhcpc.d", Shell),
    Place::all(b"usr/share/udhcpc", Shell),
    Place::some(b"etc/ppp", &[b"ip-up", b"ip-down", b"ipv6-up", b"ipv6-down"], Shell),
    Place::some(b"etc/ppp", &[b"ip-up.local", b"ip-pre-up", b"auth-up"], Shell).by(Owner),
    Place::all(b"etc/ppp/ip-up.d", Shell),
    Place::all(b"etc/ppp/ip-down.d", Shell),
    // OpenWrt (procd, netifd, fw4).
    Place::all(b"etc/rc.d", Shell),
    Place::all(b"etc/hotplug.d", Shell),
    Place::all(b"etc/uci-defaults", Shell).by(Once),
    Place::all(b"etc/rc.button", Shell),
    Place::all(b"etc/board.d", Shell),
    Place::all(b"etc/crontabs", Cron).by(Owner),
    Place::all(b"etc/udhcpc.user.d", Shell).by(Owner),
    Place::all(b"lib/preinit", Shell),
    Place::all(b"lib/netifd", Shell),
    Place::all(b"lib/functions", Shell),
    Place::some(b"lib", &[b"functions.sh"], Shell),
    Place::some(b"usr/lib/dnsmasq", &[b"dhcp-script.sh"], Shell),
    Place::some(b"usr/share/miniupnpd", &[b"firewall.include"], Shell),
    // SysV runlevels; Buildroot and Yocto use some of them.
    Place::all(b"etc/rcS.d", Shell),
    Place::all(b"etc/rc0.d", Shell),
    Place::all(b"etc/rc1.d", Shell),
    Place::all(b"etc/rc2.d", Shell),
    Place::all(b"etc/rc3.d", Shell),
    Place::all(b"etc/rc4.d", Shell),
    Place::all(b"etc/rc5.d", Shell),
    Place::all(b"etc/rc6.d", Shell),
    Place::all(b"etc/network/if-up.d", Shell),
    Place::all(b"etc/network/if-pre-up.d", Shell),
    Place::all(b"etc/network/if-down.d", Shell),
    Place::all(b"etc/network/if-post-down.d", Shell),
    Place::all(b"etc/dhcp/dhclient-exit-hooks.d", Shell),
    Place::all(b"etc/dhcp/dhclient-enter-hooks.d", Shell),
    Place::all(b"usr/lib/dhcpcd/dhcpcd-hooks", Shell),
    Place::all(b"lib/dhcpcd/dhcpcd-hooks", Shell),
    Place::all(b"etc/NetworkManager/dispatcher.d", Shell).by(Owner),
    Place::all(b"etc/networkd-dispatcher", Shell).by(Owner),
    Place::all(b"etc/local.d", Shell).by(Owner),
    // Rules that are loaded at boot: iptables-save(8), nft(8). A line of them adds a rule as its command does.
    Place::some(b"etc/iptables", &[b"rules.v4", b"rules.v6"], Shell).by(Owner),
    Place::some(b"etc/nftables.d", &[b"*.nft"], Shell).by(Owner),
    Place::some(b"etc/sysconfig", &[b"iptables", b"ip6tables"], Shell).by(Owner),
    Place::some(b"etc", &[b"nftables.conf", b"iptables.rules", b"ip6tables.rules"], Shell).by(Owner),
    // Debian's cron.
    Place::all(b"etc/cron.d", SystemCron),
    Place::all(b"etc/cron.hourly", Shell),
    Place::all(b"etc/cron.daily", Shell),
    Place::all(b"etc/cron.weekly", Shell),
    Place::all(b"etc/cron.monthly", Shell),
    // systemd.unit(5), systemd.generator(7), systemd-suspend.service(8), systemd-shutdown(8).
    Place::all(b"etc/systemd/system", Unit).by(Owner),
    Place::all(b"etc/systemd/system.control", Unit).by(Owner),
    Place::all(b"etc/systemd/system.attached", Unit).by(Owner),
    Place::all(b"etc/systemd/user", Unit).by(Owner),
    Place::all(b"usr/lib/systemd/user", Unit),
    Place::all(b"root/.config/systemd/user", Unit).by(Owner),
    // `/lib` may be a link: the real path comes first, because package lists are compared with that.
    Place::all(b"usr/lib/systemd/system", Unit),
    Place::all(b"lib/systemd/system", Unit),
    Place::all(b"usr/local/lib/systemd/system", Unit).by(Owner),
    Place::all(b"run/systemd/system", Unit).by(Generated),
    Place::all(b"run/systemd/transient", Unit).by(Generated),
    Place::all(b"run/systemd/generator", Unit).by(Generated),
    Place::all(b"etc/systemd/system-generators", Shell),
    Place::all(b"usr/lib/systemd/system-generators", Shell),
    Place::all(b"lib/systemd/system-generators", Shell),
    Place::all(b"run/systemd/system-generators", Shell),
    Place::all(b"usr/local/lib/systemd/system-generators", Shell),
    Place::all(b"etc/systemd/system-environment-generators", Shell),
    Place::all(b"usr/lib/systemd/system-environment-generators", Shell),
    Place::all(b"etc/systemd/user-generators", Shell),
    Place::all(b"usr/lib/systemd/user-generators", Shell),
    Place::all(b"usr/lib/systemd/system-sleep", Shell),
    Place::all(b"lib/systemd/system-sleep", Shell),
    Place::all(b"usr/lib/systemd/system-shutdown", Shell),
    Place::all(b"lib/systemd/system-shutdown", Shell),
    // ASUSWRT-Merlin, also its JFFS of old; Padavan; DD-WRT and Tomato, which write what NVRAM holds.
    Place::all(b"jffs/scripts", Shell).by(Owner),
    Place::some(b"jffs/configs", &[b"profile.add"], Shell).by(Owner),
    // Tomato runs what has these endings there; the names before them are free.
    Place::all(b"jffs/etc/config", Shell).by(Owner),
    Place::all(b"jffs/etc/init.d", Shell).by(Owner),
    Place::some(b"jffs/etc", &[b"profile"], Shell).by(Owner),
    Place::some(b"jffs", &[b"*.sh", b"*.autorun", b".autorun"], Shell).by(Owner),
    Place::some(b"etc/storage", &[b"start_script.sh", b"started_script.sh", b"shutdown_script.sh"], Shell)
        .by(Owner),
    Place::some(b"etc/storage", &[b"post_iptables_script.sh", b"post_wan_script.sh"], Shell).by(Owner),
    Place::all(b"etc/storage/cron/crontabs", Cron).by(Owner),
    Place::some(b"tmp", &[b".rc_startup", b".rc_firewall", b".rc_shutdown"], Shell).by(Generated),
    // Entware, and Keenetic's hooks for it.
    Place::all(b"opt/etc/init.d", Shell),
    Place::some(b"opt/etc", &[b"profile"], Shell).by(Owner),
    Place::all(b"opt/etc/ndm", Shell).by(Owner),
    Place::all(b"opt/var/spool/cron", Cron).by(Owner),
    Place::some(b"opt/etc", &[b"crontab"], SystemCron).by(Owner),
    Place::all(b"opt/etc/cron.d", SystemCron).by(Owner),
    Place::all(b"opt/etc/cron.1min", Shell).by(Owner),
    Place::all(b"opt/etc/cron.5mins", Shell).by(Owner),
    Place::all(b"opt/etc/cron.hourly", Shell).by(Owner),
    Place::all(b"opt/etc/cron.daily", Shell).by(Owner),
    Place::all(b"opt/etc/cron.weekly", Shell).by(Owner),
    Place::all(b"opt/etc/cron.monthly", Shell).by(Owner),
    // Ubiquiti: UniFi OS with the owners' boot script, EdgeOS, airOS.
    Place::all(b"data/on_boot.d", Shell).by(Owner),
    Place::all(b"mnt/data/on_boot.d", Shell).by(Owner),
    Place::all(b"config/scripts", Shell).by(Owner),
    Place::some(
        b"etc/persistent",
        &[b"rc.prestart", b"rc.poststart", b"rc.presysinit", b"rc.postsysinit"],
        Shell,
    )
    .by(Owner),
    Place::some(b"etc/persistent", &[b"profile"], Shell).by(Owner),
    // QNAP, Synology.
    Place::some(b"tmp/config", &[b"autorun.sh"], Shell).by(Owner),
    Place::all(b"usr/syno/etc/rc.d", Shell),
    // Huawei, Ralink, HiSilicon and other vendors.
    Place::some(b"mnt/jffs2", &[b"*.sh"], Shell),
    Place::some(b"mnt/mtd", &[b"*.sh"], Shell),
    Place::some(b"etc_ro", &[b"rcS", b"inittab"], Shell),
    Place::some(b"usr/etc", &[b"rcS", b"rc.local"], Shell),
    Place::all(b"usr/etc/init.d", Shell),
    Place::all(b"usr/local/etc/rc.d", Shell),
    Place::all(b"usr/local/etc/init.d", Shell),
    Place::some(b"data", &[b"rc.local", b"*.sh"], Shell).by(Owner),
    Place::all(b"data/scripts", Shell).by(Owner),
    Place::all(b"data/etc/init.d", Shell),
    Place::some(b"", &[b"rc.local", b"autorun.sh"], Shell).by(Owner),
    Place::some(b"etc/config", &[b"crontab"], Cron).by(Owner),
];

/// The place that a path from the root lies in. Of several that hold it the first counts.
#[must_use]
pub fn of(path: &[u8]) -> Option<&'static Place> {
    PLACES.iter().find(|place| {
        let rest = path.strip_prefix(place.dir).unwrap_or_default();
        let rest = if place.dir.is_empty() { Some(path) } else { rest.strip_prefix(b"/") };
        rest.is_some_and(|rest| !rest.is_empty() && counts(place.names, rest))
    })
}

/// Whether a change to this name in this directory may change something of a place: it is in one, or on the way to one.
#[must_use]
pub fn concerns(dir: &[u8], name: &[u8]) -> bool {
    let mut path = Bytes::<PATH_BYTES>::of(dir);
    if !dir.is_empty() && !name.is_empty() {
        path.push(b"/");
    }
    path.push(name);
    let path = path.as_slice();
    let is_on_the_way = |place: &Place| place.dir == path || is_below(place.dir, path);
    of(path).is_some() || PLACES.iter().any(is_on_the_way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_a_place() {
        for (dir, name) in [
            ("etc/init.d", "x"),
            ("etc/init.d", ""),
            ("etc", "rc.local"),
            ("etc", "crontabs"),
            ("", "etc"),
            ("jffs", "scripts"),
            ("usr/lib/systemd/system/x.wants", "y"),
            ("tmp", ".rc_startup"),
            ("mnt/jffs2", "anything.sh"),
            ("root", ".ssh"),
            ("root/.ssh", "rc"),
            ("tmp/home/root", ".profile"),
        ] {
            assert!(concerns(dir.as_bytes(), name.as_bytes()), "{dir} {name}");
        }
        for (dir, name) in [
            ("tmp", "x"),
            ("etc", "resolv.conf"),
            ("", "x"),
            ("etc", "rc"),
            ("jff", "s"),
            ("mnt/jffs2", "x.xml"),
            ("mnt/jffs2/x", "y.sh"),
        ] {
            let is_place = (dir, name) == ("etc", "rc");
            assert_eq!(concerns(dir.as_bytes(), name.as_bytes()), is_place, "{dir} {name}");
        }
    }
}
