//! A firmware image as a real squashfs, and what was changed above it: found alike on a live overlay and in a tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use scan::{GATEWATCH, Outcome, Tree, need_root, run, scan};

const CHECKS: &str = "startup-added,startup-changed,startup-removed";

#[track_caller]
fn done(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(status.success(), "{program} {words:?}");
}

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
        .dir("proc")
        .dir("tmp")
        .dir("rom")
        .dir("dev")
        .dir("mnt")
        .dir("lib/x86_64-linux-gnu")
        .dir("lib/aarch64-linux-gnu")
        .dir("lib64");
    for (service, start) in [
        ("boot", 10),
        ("log", 12),
        ("firewall", 19),
        ("dnsmasq", 19),
        ("uhttpd", 50),
        ("ppp", 60),
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
    // He installs a package, takes another away and disables a service.
    fs::write(at("usr/lib/opkg/info/nano.list"), "/etc/init.d/nano\n").unwrap();
    fs::write(at("etc/init.d/nano"), "#!/bin/sh /etc/rc.common\n").unwrap();
    symlink("../init.d/nano", at("etc/rc.d/S99nano")).unwrap();
    for name in ["usr/lib/opkg/info/ppp.list", "etc/init.d/ppp", "etc/ppp/ip-up", "etc/rc.d/S60ppp"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::remove_file(at("etc/rc.d/S50uhttpd")).unwrap();
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

/// A firmware, an image of it, and a place to work in.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        let image = bench.at("image");
        done("mksquashfs", &[firmware().path().to_str().unwrap(), &image, "-quiet", "-no-progress"]);
        bench
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// The image unpacked, and unpacked again below its own `/rom`.
    fn unpacked(&self, name: &str, with_rom: bool) -> PathBuf {
        let (root, image) = (self.at(name), self.at("image"));
        done("unsquashfs", &["-quiet", "-no-progress", "-d", &root, &image]);
        if with_rom {
            done("unsquashfs", &["-quiet", "-no-progress", "-f", "-d", &format!("{root}/rom"), &image]);
        }
        root.into()
    }

    /// What a scan of an unpacked tree finds.
    fn tree(&self, change: fn(&Path)) -> Vec<String> {
        let root = self.unpacked("tree", true);
        change(&root);
        let outcome = scan(["--root", root.to_str().unwrap(), "--only", CHECKS]);
        fs::remove_dir_all(root).unwrap();
        found(&outcome)
    }

    /// What a scan finds that runs on the image itself, mounted below an overlay, as OpenWrt starts.
    fn live(&self, change: fn(&Path)) -> Vec<String> {
        need_root();
        let (image, top) = (self.at("image"), self.at("top"));
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            done("mount", &["--make-rprivate", "/"]);
            // An overlay's upper layer cannot lie on another overlay.
            fs::create_dir(&top).unwrap();
            done("mount", &["-t", "tmpfs", "tmpfs", &top]);
            let at = |name: &str| format!("{top}/{name}");
            for name in ["rom", "upper", "work", "root"] {
                fs::create_dir(at(name)).unwrap();
            }
            let flash = Flash::new(&image);
            done("mount", &["-t", "squashfs", "-o", "ro", Flash::NAME, &at("rom")]);
            let layers = format!("lowerdir={},upperdir={},workdir={}", at("rom"), at("upper"), at("work"));
            done("mount", &["-t", "overlay", "-o", &layers, "overlay", &at("root")]);
            done("mount", &["--bind", &at("rom"), &at("root/rom")]);
            change(Path::new(&at("root")));
            done("mount", &["-t", "proc", "proc", &at("root/proc")]);
            // The program under test is linked with the libraries of this machine.
            for libraries in LIBRARIES.iter().filter(|name| Path::new("/").join(name).exists()) {
                done("mount", &["--bind", &format!("/{libraries}"), &at(&format!("root/{libraries}"))]);
            }
            fs::write(at("root/mnt/gatewatch"), "").unwrap();
            done("mount", &["--bind", GATEWATCH, &at("root/mnt/gatewatch")]);
            let mut command = Command::new("chroot");
            command.args([&at("root"), "/mnt/gatewatch", "scan", "--only", CHECKS]);
            let found = found(&Outcome::of(run(command.args(["-v", "--format", "json"]))));
            done("umount", &["-R", "-l", &top]);
            drop(flash);
            found
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A block device that is no loop device and bears the name of a flash partition: memory (zram), for want of flash. What
/// lies behind a loop device is no image to gatewatch.
struct Flash(String);

impl Flash {
    const NAME: &str = "/dev/mtdblock3";

    /// Writes an image to it. Call it in a mount namespace of its own: it takes the place of `/dev` there.
    fn new(image: &str) -> Self {
        if !Path::new("/sys/class/zram-control").exists() {
            done("modprobe", &["zram"]);
        }
        let number = fs::read_to_string("/sys/class/zram-control/hot_add").unwrap().trim().to_owned();
        let of = |name: &str| format!("/sys/block/zram{number}/{name}");
        fs::write(of("disksize"), "16M").unwrap();
        let numbers = fs::read_to_string(of("dev")).unwrap();
        let (major, minor) = numbers.trim().split_once(':').unwrap();
        done("mount", &["-t", "tmpfs", "tmpfs", "/dev"]);
        done("mknod", &["/dev/null", "c", "1", "3"]);
        done("mknod", &[Self::NAME, "b", major, minor]);
        done("cp", &[image, Self::NAME]);
        Self(number)
    }
}

impl Drop for Flash {
    fn drop(&mut self) {
        let gone = || fs::write("/sys/class/zram-control/hot_remove", &self.0).ok();
        scan::wait_for("the end of the memory's use", gone);
    }
}

/// Where a machine has the libraries of a program.
const LIBRARIES: [&str; 3] = ["lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"];

#[test]
fn nothing_was_changed() {
    let bench = Bench::new();
    assert_eq!(bench.tree(|_| {}), [""; 0]);
    assert_eq!(bench.live(|_| {}), [""; 0]);
}

#[test]
fn what_an_owner_changes_is_worth_a_notice() {
    let bench = Bench::new();
    assert_eq!(bench.tree(live_with), LIVED_WITH);
    assert_eq!(bench.live(live_with), LIVED_WITH);
}

#[test]
fn what_an_intruder_changes_is_found() {
    let bench = Bench::new();
    assert_eq!(bench.tree(intrude), INTRUDED);
    assert_eq!(bench.live(intrude), INTRUDED);
}

#[test]
fn without_an_image_nothing_is_known() {
    let bench = Bench::new();
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
