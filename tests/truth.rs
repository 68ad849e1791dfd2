//! A firmware image as a real squashfs, and what was changed above it: found alike on a live overlay and in a tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/bench.rs"]
mod bench;
#[path = "common/scan.rs"]
mod scan;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::Bench;
use scan::{GATEWATCH, Outcome, Tree, run, scan};

const CHECKS: &str = "startup-added,startup-changed,startup-removed";

/// The root file system of a firmware.
fn firmware() -> Tree {
    let mut tree = Tree::new()
        .file("etc/rc.local", "exit 0\n")
        .file("etc/profile", "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n")
        .file("etc/uci-defaults/10_once", "uci commit\n")
        .file("etc/hotplug.d/iface/20-firewall", "fw4 -q reload\n")
        .file("etc/hotplug.d/iface/90-ntp", "/etc/init.d/sysntpd reload\n")
        .file("usr/lib/opkg/info/base-files.conffiles", "/etc/rc.local\n/etc/profile\n/etc/init.d/custom\n")
        .file("usr/lib/opkg/info/ppp.list", "/etc/init.d/ppp\n/etc/ppp/ip-up\n")
        .file("etc/ppp/ip-up", "exit 0\n")
        .file("usr/lib/opkg/info/dnsmasq.list", "/etc/init.d/dnsmasq\n")
        .file("usr/lib/opkg/info/dnsmasq.control", "Version: 1\n")
        .mountable();
    for (service, start) in [
        ("boot", 10),
        ("log", 12),
        ("firewall", 19),
        ("dnsmasq", 19),
        ("uhttpd", 50),
        ("ppp", 60),
        ("cron", 50),
        ("custom", 95),
    ] {
        tree = tree
            .file(format!("etc/init.d/{service}"), format!("#!/bin/sh /etc/rc.common\nSTART={start}\n"))
            .link(format!("etc/rc.d/S{start}{service}"), format!("../init.d/{service}"));
        let place = tree.path().join("etc/init.d").join(service);
        fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
    }
    tree
}

fn append(path: PathBuf, line: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
}

/// What an owner does on a healthy router.
fn live_with(root: &Path) {
    let at = |name: &str| root.join(name);
    append(at("etc/rc.local"), "echo 1 > /proc/sys/net/ipv4/ip_forward\n");
    fs::remove_file(at("etc/uci-defaults/10_once")).unwrap();
    // He upgrades a package of the image.
    append(at("etc/init.d/dnsmasq"), "# newer\n");
    append(at("usr/lib/opkg/info/dnsmasq.control"), "Version: 2\n");
    // The overlay has what was written since; of a tree without it the versions are compared.
    let list = at("usr/lib/opkg/info/dnsmasq.list");
    fs::write(&list, fs::read(&list).unwrap()).unwrap();
    // He installs a package, takes another away and disables a service.
    fs::write(at("usr/lib/opkg/info/nano.list"), "/etc/init.d/nano\n").unwrap();
    fs::write(at("etc/init.d/nano"), "#!/bin/sh /etc/rc.common\n").unwrap();
    symlink("../init.d/nano", at("etc/rc.d/S99nano")).unwrap();
    for name in ["usr/lib/opkg/info/ppp.list", "etc/init.d/ppp", "etc/ppp/ip-up", "etc/rc.d/S60ppp"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::remove_file(at("etc/rc.d/S50uhttpd")).unwrap();
    // An upgrade gives a service another number.
    fs::rename(at("etc/rc.d/S50cron"), at("etc/rc.d/S51cron")).unwrap();
    fs::rename(at("etc/rc.d/S19firewall"), at("etc/rc.d/S20firewall")).unwrap();
    append(at("etc/init.d/custom"), "# mine\n");
    fs::create_dir(at("etc/crontabs")).unwrap();
    fs::write(at("etc/crontabs/root"), "0 4 * * * reboot\n").unwrap();
}

const LIVED_WITH: [&str; 7] = [
    "startup-added notice /etc/crontabs/root",
    "startup-changed notice /etc/init.d/custom",
    "startup-changed notice /etc/rc.local",
    "startup-removed notice /etc/init.d/ppp",
    "startup-removed notice /etc/ppp/ip-up",
    "startup-removed notice /etc/rc.d/S50uhttpd",
    "startup-removed notice /etc/rc.d/S60ppp",
];

/// What an intruder does.
fn intrude(root: &Path) {
    let at = |name: &str| root.join(name);
    append(at("etc/init.d/boot"), "/usr/sbin/helper &\n");
    fs::write(at("etc/init.d/S95helper"), "/usr/sbin/helper\n").unwrap();
    symlink("../init.d/S95helper", at("etc/rc.d/S95helper")).unwrap();
    fs::create_dir_all(at("usr/sbin")).unwrap();
    fs::write(at("usr/sbin/helper"), "").unwrap();
    fs::remove_file(at("etc/init.d/log")).unwrap();
    fs::remove_file(at("etc/rc.d/S12log")).unwrap();
    fs::remove_file(at("etc/rc.d/S19firewall")).unwrap();
    fs::set_permissions(at("etc/init.d/dnsmasq"), Permissions::from_mode(0o777)).unwrap();
    fs::write(at("etc/init.d/firewall"), "").unwrap();
    // On an overlay, a directory that was made anew is opaque.
    fs::remove_dir_all(at("etc/hotplug.d/iface")).unwrap();
    fs::create_dir(at("etc/hotplug.d/iface")).unwrap();
    fs::write(at("etc/hotplug.d/iface/20-firewall"), "/usr/sbin/helper\n").unwrap();
    fs::remove_file(at("etc/rc.d/S10boot")).unwrap();
    symlink("/usr/sbin/helper", at("etc/rc.d/S10boot")).unwrap();
}

const INTRUDED: [&str; 11] = [
    "startup-added suspicious /etc/init.d/S95helper",
    "startup-added suspicious /etc/rc.d/S95helper",
    "startup-changed suspicious /etc/hotplug.d/iface/20-firewall",
    "startup-changed suspicious /etc/init.d/boot",
    "startup-changed suspicious /etc/init.d/dnsmasq",
    "startup-changed suspicious /etc/rc.d/S10boot",
    "startup-removed suspicious /etc/hotplug.d/iface/90-ntp",
    "startup-removed suspicious /etc/init.d/firewall",
    "startup-removed suspicious /etc/init.d/log",
    "startup-removed suspicious /etc/rc.d/S12log",
    "startup-removed suspicious /etc/rc.d/S19firewall",
];

fn found(outcome: &Outcome) -> Vec<String> {
    for check in CHECKS.split(',') {
        assert_eq!(outcome.looked(check), ("yes", ""));
    }
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut found: Vec<_> = outcome
        .findings
        .iter()
        .map(|row| format!("{} {} {}", word(row, "check"), word(row, "severity"), word(row, "path")))
        .collect();
    found.sort();
    found
}

#[test]
fn nothing_was_changed() {
    let bench = Bench::new(&firmware(), CHECKS);
    assert_eq!(found(&bench.tree(|_| {})), [""; 0]);
    assert_eq!(found(&bench.live(|_| {})), [""; 0]);
}

#[test]
fn what_an_owner_changes_is_worth_a_notice() {
    let bench = Bench::new(&firmware(), CHECKS);
    assert_eq!(found(&bench.tree(live_with)), LIVED_WITH);
    assert_eq!(found(&bench.live(live_with)), LIVED_WITH);
}

#[test]
fn a_router_made_an_access_point() {
    let bench = Bench::new(&firmware(), CHECKS);
    let disable = |links: &'static [&str]| {
        move |root: &Path| links.iter().for_each(|link| fs::remove_file(root.join(link)).unwrap())
    };
    let all = disable(&["etc/rc.d/S19dnsmasq", "etc/rc.d/S19firewall"]);
    let expected =
        ["startup-removed notice /etc/rc.d/S19dnsmasq", "startup-removed notice /etc/rc.d/S19firewall"];
    assert_eq!(found(&bench.tree(all)), expected);
    assert_eq!(found(&bench.live(all)), expected);
    let firewall = disable(&["etc/rc.d/S19firewall"]);
    assert_eq!(found(&bench.tree(firewall)), ["startup-removed suspicious /etc/rc.d/S19firewall"]);
}

#[test]
fn what_an_intruder_changes_is_found() {
    let bench = Bench::new(&firmware(), CHECKS);
    assert_eq!(found(&bench.tree(intrude)), INTRUDED);
    assert_eq!(found(&bench.live(intrude)), INTRUDED);
}

#[test]
fn without_an_image_nothing_is_known() {
    let bench = Bench::new(&firmware(), CHECKS);
    let root = bench.unpacked("tree", false);
    // Beside the list of a package there is none of base-files.
    fs::remove_dir_all(root.join("usr/lib/opkg")).unwrap();
    intrude(&root);
    let outcome = scan(["--root", root.to_str().unwrap(), "--only", CHECKS]);
    assert_eq!(outcome.findings.len(), 0);
    for (check, why) in [
        (
            "startup-added",
            "neither a firmware image, nor lists of packages, nor a baseline say what belongs here",
        ),
        ("startup-removed", "neither a firmware image nor a baseline says what was here"),
    ] {
        assert_eq!(outcome.looked(check), ("na", why));
    }
}

#[test]
fn without_an_image_a_baseline_of_it_knows_the_same() {
    let bench = Bench::new(&firmware(), CHECKS);
    let root = bench.unpacked("tree", false);
    fs::remove_dir_all(root.join("usr/lib/opkg")).unwrap();
    let file = root.with_extension("gwb");
    let words = ["baseline".as_ref(), "create".as_ref(), "--root".as_ref(), root.as_os_str(), "-o".as_ref()];
    let created = run(Command::new(GATEWATCH).args(words).arg(&file));
    assert_eq!((created.status, created.stderr.as_str()), (0, ""));
    let look = || {
        let words = ["--root".as_ref(), root.as_os_str(), "--baseline".as_ref(), file.as_os_str()];
        scan(words.into_iter().chain(["--only".as_ref(), CHECKS.as_ref()]))
    };
    assert_eq!(found(&look()), [""; 0]);
    intrude(&root);
    assert_eq!(found(&look()), INTRUDED);
}
