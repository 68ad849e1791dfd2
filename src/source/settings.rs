//! THE table of settings that run programs: which files of configuration, which keys in them. Adding one is adding a row.

use crate::facts::setting::{How, Key};
use crate::facts::startup::Kind;

/// An option of OpenWrt's configuration.
pub(super) struct Choice {
    /// The file in `/etc/config`.
    pub(super) package: &'static [u8],
    /// The type of the section; any if empty.
    pub(super) section: &'static [u8],
    /// The option or list.
    pub(super) option: &'static [u8],
    /// What is done with its value.
    pub(super) how: How,
}

const fn uci(package: &'static [u8], section: &'static [u8], option: &'static [u8], how: How) -> Choice {
    Choice { package, section, option, how }
}

/// The rows of one package stand together: its file is read once for them all.
pub(super) const UCI: [Choice; 51] = [
    // fw3, fw4: `config include`.
    uci(b"firewall", b"include", b"path", How::Include),
    uci(b"dhcp", b"dnsmasq", b"dhcpscript", How::Program),
    uci(b"dhcp", b"odhcpd", b"leasetrigger", How::Program),
    // netifd's ppp.sh hands them to pppd.
    uci(b"network", b"interface", b"connect", How::Shell),
    uci(b"network", b"interface", b"disconnect", How::Shell),
    uci(b"uhttpd", b"", b"interpreter", How::Program),
    uci(b"uhttpd", b"", b"lua_handler", How::Program),
    uci(b"uhttpd", b"", b"lua_prefix", How::Program),
    uci(b"uhttpd", b"", b"ucode_prefix", How::Program),
    uci(b"dropbear", b"", b"ForceCommand", How::Shell),
    uci(b"snmpd", b"", b"prog", How::Program),
    uci(b"openvpn", b"", b"up", How::Program),
    uci(b"openvpn", b"", b"down", How::Program),
    uci(b"openvpn", b"", b"route_up", How::Program),
    uci(b"openvpn", b"", b"route_pre_down", How::Program),
    uci(b"openvpn", b"", b"ipchange", How::Program),
    uci(b"openvpn", b"", b"client_connect", How::Program),
    uci(b"openvpn", b"", b"client_disconnect", How::Program),
    uci(b"openvpn", b"", b"learn_address", How::Program),
    uci(b"openvpn", b"", b"auth_user_pass_verify", How::Program),
    uci(b"openvpn", b"", b"tls_verify", How::Program),
    uci(b"openvpn", b"", b"plugin", How::Program),
    uci(b"ipsec", b"", b"updown", How::Program),
    uci(b"watchcat", b"", b"script", How::Program),
    uci(b"ddns", b"service", b"update_script", How::Program),
    uci(b"ddns", b"service", b"ip_script", How::Program),
    uci(b"acme", b"", b"user_setup", How::Program),
    uci(b"acme", b"", b"user_cleanup", How::Program),
    // LuCI: what it runs when a configuration was applied, and the administrator's own commands.
    uci(b"ucitrack", b"", b"exec", How::Shell),
    uci(b"luci", b"command", b"command", How::Shell),
    uci(b"luci_statistics", b"", b"cmdline", How::Shell),
    // Buttons before procd took them over.
    uci(b"system", b"button", b"handler", How::Shell),
    uci(b"pbr", b"include", b"path", How::Include),
    uci(b"vpn-policy-routing", b"include", b"path", How::Include),
    uci(b"travelmate", b"", b"script", How::Program),
    uci(b"nodogsplash", b"", b"binauth", How::Program),
    uci(b"nodogsplash", b"", b"preauth", How::Program),
    uci(b"opennds", b"", b"binauth", How::Program),
    uci(b"chilli", b"", b"conup", How::Program),
    uci(b"chilli", b"", b"condown", How::Program),
    uci(b"chilli", b"", b"ipup", How::Program),
    uci(b"chilli", b"", b"ipdown", How::Program),
    uci(b"keepalived", b"", b"script", How::Program),
    uci(b"keepalived", b"", b"notify", How::Program),
    uci(b"keepalived", b"", b"notify_master", How::Program),
    uci(b"keepalived", b"", b"notify_backup", How::Program),
    uci(b"nut_monitor", b"", b"notifycmd", How::Program),
    uci(b"nut_monitor", b"", b"shutdowncmd", How::Shell),
    uci(b"transmission", b"", b"script_torrent_done_filename", How::Program),
    uci(b"xinetd", b"service", b"server", How::Service),
    uci(b"mosquitto", b"", b"plugin", How::Program),
];

/// A section that has one of these runs nothing: an include that is rules and not a script, a service that is off.
pub(super) const OFF: [(&[u8], &[u8]); 7] = [
    (b"type", b"restore"),
    (b"type", b"nftables"),
    (b"enabled", b"0"),
    (b"enabled", b"off"),
    (b"enabled", b"false"),
    (b"enabled", b"no"),
    (b"enabled", b"disabled"),
];

/// A file of configuration that is no UCI, or some files of a directory.
pub(super) struct Conf {
    /// The directory.
    pub(super) dir: &'static [u8],
    /// How the names that count begin, and how they end.
    pub(super) prefix: &'static [u8],
    /// See `prefix`.
    pub(super) suffix: &'static [u8],
    /// An equals sign stands between key and value; blanks otherwise.
    pub(super) equals: bool,
    /// What runs something in it.
    pub(super) keys: &'static [Key],
}

const fn conf(
    dir: &'static [u8],
    prefix: &'static [u8],
    suffix: &'static [u8],
    equals: bool,
    keys: &'static [Key],
) -> Conf {
    Conf { dir, prefix, suffix, equals, keys }
}

const fn key(name: &'static [u8], how: How) -> Key {
    Key { name, how, skip: 0 }
}

const fn behind(name: &'static [u8], skip: usize, how: How) -> Key {
    Key { name, how, skip }
}

/// dnsmasq(8).
const DNSMASQ: &[Key] = &[
    key(b"dhcp-script", How::Program),
    key(b"dhcp-luascript", How::Program),
    key(b"conf-file", How::File),
    key(b"conf-dir", How::Directory),
];

/// inetd(8): name, type, protocol, wait, user, program, arguments.
const INETD: &[Key] = &[behind(b"", 5, How::Service)];

/// xinetd.conf(5).
const XINETD: &[Key] = &[key(b"server", How::Service)];

/// openvpn(8), "Scripting".
const OPENVPN: &[Key] = &[
    key(b"up", How::Program),
    key(b"down", How::Program),
    key(b"route-up", How::Program),
    key(b"route-pre-down", How::Program),
    key(b"ipchange", How::Program),
    key(b"client-connect", How::Program),
    key(b"client-disconnect", How::Program),
    key(b"learn-address", How::Program),
    key(b"auth-user-pass-verify", How::Program),
    key(b"tls-verify", How::Program),
    key(b"plugin", How::Program),
];

/// pppd(8).
const PPPD: &[Key] = &[
    key(b"connect", How::Shell),
    key(b"disconnect", How::Shell),
    key(b"init", How::Shell),
    key(b"welcome", How::Shell),
    key(b"pty", How::Shell),
    key(b"ip-up-script", How::Program),
    key(b"ip-down-script", How::Program),
    key(b"plugin", How::Program),
];

/// snmpd.conf(5), "Extending agent functionality".
const SNMPD: &[Key] = &[
    behind(b"exec", 1, How::Program),
    behind(b"extend", 1, How::Program),
    behind(b"extendfix", 1, How::Program),
    behind(b"pass", 1, How::Program),
    behind(b"pass_persist", 1, How::Program),
    behind(b"sh", 1, How::Shell),
];

/// sshd_config(5).
const SSHD: &[Key] = &[
    key(b"ForceCommand", How::Shell),
    key(b"AuthorizedKeysCommand", How::Program),
    key(b"AuthorizedPrincipalsCommand", How::Program),
    behind(b"Subsystem", 1, How::Program),
];

/// smb.conf(5).
const SAMBA: &[Key] = &[
    key(b"root preexec", How::Shell),
    key(b"root postexec", How::Shell),
    key(b"preexec", How::Shell),
    key(b"postexec", How::Shell),
    key(b"message command", How::Shell),
    key(b"add user script", How::Shell),
    key(b"check password script", How::Shell),
];

/// zabbix_agentd.conf: `UserParameter=key,command`.
const ZABBIX: &[Key] = &[behind(b"UserParameter", 1, How::Shell)];

/// interfaces(5) of Debian's and BusyBox's ifupdown.
const IFUPDOWN: &[Key] = &[
    key(b"up", How::Shell),
    key(b"pre-up", How::Shell),
    key(b"post-up", How::Shell),
    key(b"down", How::Shell),
    key(b"pre-down", How::Shell),
    key(b"post-down", How::Shell),
];

/// wg-quick(8).
const WIREGUARD: &[Key] = &[
    key(b"PreUp", How::Shell),
    key(b"PostUp", How::Shell),
    key(b"PreDown", How::Shell),
    key(b"PostDown", How::Shell),
];

/// QNAP's list of add-ons.
const QPKG: &[Key] = &[key(b"Shell", How::Program)];

/// Debian, OpenWrt, Buildroot; ASUSWRT-Merlin (`jffs`), Padavan (`etc/storage`), DD-WRT and FreshTomato (`tmp`).
pub(super) const CONFS: [Conf; 33] = [
    conf(b"etc", b"dnsmasq.conf", b"", true, DNSMASQ),
    conf(b"etc/dnsmasq.d", b"", b"", true, DNSMASQ),
    conf(b"etc/storage/dnsmasq", b"", b".conf", true, DNSMASQ),
    conf(b"jffs/configs", b"dnsmasq.conf", b"", true, DNSMASQ),
    conf(b"tmp", b"dnsmasq.conf", b"", true, DNSMASQ),
    conf(b"tmp/dnsmasq.d", b"", b"", true, DNSMASQ),
    conf(b"tmp/etc", b"dnsmasq.conf", b"", true, DNSMASQ),
    conf(b"var/etc", b"dnsmasq.conf", b"", true, DNSMASQ),
    conf(b"etc/network", b"interfaces", b"", false, IFUPDOWN),
    conf(b"etc/network/interfaces.d", b"", b"", false, IFUPDOWN),
    conf(b"etc/wireguard", b"", b".conf", true, WIREGUARD),
    conf(b"etc/config", b"qpkg.conf", b"", true, QPKG),
    conf(b"etc", b"inetd.conf", b"", false, INETD),
    conf(b"etc/inetd.d", b"", b"", false, INETD),
    conf(b"etc", b"xinetd.conf", b"", true, XINETD),
    conf(b"etc/xinetd.d", b"", b"", true, XINETD),
    conf(b"etc/openvpn", b"", b".conf", false, OPENVPN),
    conf(b"etc/openvpn", b"", b".ovpn", false, OPENVPN),
    conf(b"etc/openvpn/client", b"", b".conf", false, OPENVPN),
    conf(b"etc/openvpn/server", b"", b".conf", false, OPENVPN),
    conf(b"etc/ppp", b"options", b"", false, PPPD),
    conf(b"etc/ppp/peers", b"", b"", false, PPPD),
    conf(b"etc/snmp", b"snmpd.conf", b"", false, SNMPD),
    conf(b"etc/snmp/snmpd.conf.d", b"", b".conf", false, SNMPD),
    conf(b"etc", b"snmpd.conf", b"", false, SNMPD),
    conf(b"etc/ssh", b"sshd_config", b"", false, SSHD),
    conf(b"etc/ssh/sshd_config.d", b"", b".conf", false, SSHD),
    conf(b"etc/samba", b"smb.conf", b"", true, SAMBA),
    conf(b"etc", b"smb.conf", b"", true, SAMBA),
    conf(b"etc/zabbix", b"zabbix_agent", b".conf", true, ZABBIX),
    conf(b"etc", b"zabbix_agentd.conf", b"", true, ZABBIX),
    conf(b"etc/zabbix_agentd.conf.d", b"", b"", true, ZABBIX),
    conf(b"etc/zabbix/zabbix_agentd.d", b"", b".conf", true, ZABBIX),
];

/// What DD-WRT (`rc_`, `cron_jobs`), Tomato (`script_`, `jffs2_exec`, `sch_`), ASUSWRT and their likes keep in NVRAM and
/// hand to a shell, or to cron.
pub(super) const NVRAM: [(&[u8], Kind); 25] = [
    (b"rc_startup", Kind::Shell),
    (b"rc_shutdown", Kind::Shell),
    (b"rc_firewall", Kind::Shell),
    (b"rc_custom", Kind::Shell),
    (b"usb_runonmount", Kind::Shell),
    (b"script_init", Kind::Shell),
    (b"script_shut", Kind::Shell),
    (b"script_fire", Kind::Shell),
    (b"script_wanup", Kind::Shell),
    (b"script_mwanup", Kind::Shell),
    (b"script_brau", Kind::Shell),
    (b"script_auth", Kind::Shell),
    (b"script_usbmount", Kind::Shell),
    (b"script_usbumount", Kind::Shell),
    (b"script_usbhotplug", Kind::Shell),
    (b"sesx_script", Kind::Shell),
    (b"jffs2_exec", Kind::Shell),
    (b"jffs2_scripts", Kind::Shell),
    (b"wan_script", Kind::Shell),
    (b"sch_c1_cmd", Kind::Shell),
    (b"sch_c2_cmd", Kind::Shell),
    (b"sch_c3_cmd", Kind::Shell),
    (b"sch_c4_cmd", Kind::Shell),
    (b"sch_c5_cmd", Kind::Shell),
    (b"cron_jobs", Kind::SystemCron),
];
