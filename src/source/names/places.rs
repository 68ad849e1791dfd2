//! The files that say how names are resolved, on all systems: one table.

use super::Format;
use crate::facts::names::{Hand, Use};

/// Where files are: a directory, and how the names of files in it begin and end; a file by its whole name.
pub(super) struct Place {
    pub(super) dir: &'static [u8],
    pub(super) prefix: &'static [u8],
    pub(super) suffix: &'static [u8],
    pub(super) format: Format,
    pub(super) hand: Hand,
}

const fn place(
    dir: &'static [u8],
    prefix: &'static [u8],
    suffix: &'static [u8],
    format: Format,
    hand: Hand,
) -> Place {
    Place { dir, prefix, suffix, format, hand }
}

const fn file(path: &'static [u8], format: Format, hand: Hand) -> Place {
    Place { dir: b"", prefix: path, suffix: b"", format, hand }
}

const UNBOUND: Format = Format::Words(&[b"forward-addr:"], Use::Asked);
const STUBBY: Format = Format::Words(&[b"address_data:"], Use::Asked);
const SMARTDNS: Format = Format::Words(&[b"server", b"server-tcp", b"server-tls"], Use::Asked);
const RESOLVED: Format = Format::Words(&[b"DNS"], Use::Asked);
const INTERFACES: Format = Format::Words(&[b"dns-nameservers", b"domain_name_servers"], Use::Asked);
const UDHCPD: Format = Format::Words(&[b"dns", b"domain-name-servers"], Use::Offered);

/// All places. What the provider says comes first, then what the owner does, so that it is known when programs' files follow.
pub(super) const PLACES: [Place; 48] = [
    // netifd (OpenWrt), pppd's ip-up and usepeerdns, DD-WRT and Tomato, resolvconf.
    file(b"tmp/resolv.conf.auto", Format::Resolv, Hand::Provider),
    place(b"tmp/resolv.conf.d", b"", b"", Format::Resolv, Hand::Provider),
    file(b"tmp/resolv.conf.ppp", Format::Resolv, Hand::Provider),
    file(b"tmp/ppp/resolv.conf", Format::Resolv, Hand::Provider),
    file(b"etc/ppp/resolv.conf", Format::Resolv, Hand::Provider),
    file(b"var/run/ppp/resolv.conf", Format::Resolv, Hand::Provider),
    place(b"run/resolvconf/interface", b"", b"", Format::Resolv, Hand::Provider),
    place(b"var/run/resolvconf/interfaces", b"", b"", Format::Resolv, Hand::Provider),
    file(b"etc/config/network", Format::Network, Hand::Owner),
    file(b"etc/config/dhcp", Format::Dhcp, Hand::Owner),
    // Debian, OpenWrt, Buildroot; ASUSWRT-Merlin, Padavan, DD-WRT and FreshTomato.
    place(b"etc", b"dnsmasq.conf", b"", Format::Dnsmasq, Hand::Owner),
    place(b"etc/dnsmasq.d", b"", b"", Format::Dnsmasq, Hand::Owner),
    place(b"etc/storage/dnsmasq", b"", b".conf", Format::Dnsmasq, Hand::Owner),
    file(b"etc/storage/dnsmasq/hosts", Format::Hosts, Hand::Owner),
    place(b"jffs/configs", b"dnsmasq.conf", b"", Format::Dnsmasq, Hand::Owner),
    file(b"jffs/configs/hosts.add", Format::Hosts, Hand::Owner),
    place(b"tmp", b"dnsmasq.conf", b"", Format::Dnsmasq, Hand::Owner),
    place(b"tmp/dnsmasq.d", b"", b"", Format::Dnsmasq, Hand::Owner),
    place(b"tmp/etc", b"dnsmasq", b"", Format::Dnsmasq, Hand::Owner),
    place(b"var/etc", b"dnsmasq", b"", Format::Dnsmasq, Hand::Owner),
    place(b"etc/systemd", b"resolved.conf", b"", RESOLVED, Hand::Fixed),
    place(b"etc/systemd/resolved.conf.d", b"", b".conf", RESOLVED, Hand::Fixed),
    place(b"run/systemd/resolved.conf.d", b"", b".conf", RESOLVED, Hand::Fixed),
    file(b"etc/network/interfaces", INTERFACES, Hand::Fixed),
    place(b"etc/network/interfaces.d", b"", b"", INTERFACES, Hand::Fixed),
    file(b"etc/dhcpcd.conf", INTERFACES, Hand::Fixed),
    file(b"etc/dhcp/dhcpd.conf", UDHCPD, Hand::Owner),
    place(b"etc", b"udhcpd", b".conf", UDHCPD, Hand::Made),
    place(b"tmp", b"udhcpd", b".conf", UDHCPD, Hand::Made),
    place(b"var", b"udhcpd", b".conf", UDHCPD, Hand::Made),
    place(b"etc/unbound", b"", b".conf", UNBOUND, Hand::Package),
    place(b"etc/unbound/unbound.conf.d", b"", b".conf", UNBOUND, Hand::Package),
    place(b"var/lib/unbound", b"", b".conf", UNBOUND, Hand::Package),
    place(b"etc/stubby", b"", b".yml", STUBBY, Hand::Package),
    place(b"var/etc/stubby", b"", b".yml", STUBBY, Hand::Package),
    place(b"etc/smartdns", b"", b".conf", SMARTDNS, Hand::Package),
    place(b"var/etc/smartdns", b"", b".conf", SMARTDNS, Hand::Package),
    place(b"", b"etc/hosts", b"", Format::Hosts, Hand::Owner),
    place(b"tmp/hosts", b"", b"", Format::Hosts, Hand::Owner),
    file(b"tmp/etc/hosts", Format::Hosts, Hand::Owner),
    file(b"etc/resolv.conf", Format::Resolv, Hand::Made),
    file(b"tmp/resolv.conf", Format::Resolv, Hand::Made),
    file(b"tmp/etc/resolv.conf", Format::Resolv, Hand::Made),
    file(b"var/etc/resolv.conf", Format::Resolv, Hand::Made),
    file(b"tmp/resolv.dnsmasq", Format::Resolv, Hand::Made),
    file(b"run/resolvconf/resolv.conf", Format::Resolv, Hand::Made),
    file(b"run/systemd/resolve/resolv.conf", Format::Resolv, Hand::Made),
    file(b"run/NetworkManager/no-stub-resolv.conf", Format::Resolv, Hand::Made),
];

/// How the names of files end that editors and packages put aside.
pub(super) const OLD: [&[u8]; 8] =
    [b".bak", b".old", b".orig", b".save", b"-opkg", b".apk-new", b".dpkg-old", b".dpkg-dist"];

/// The place in [`PLACES`] before which NVRAM has its turn: behind what the provider says.
pub(super) const NVRAM_AT: usize = 8;
