//! What the kernel is told to start, its modules, and the tools of the system: in trees, and in mount namespaces of this
//! machine. Each healthy twin is silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/bench.rs"]
mod bench;
#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use bench::Bench;
use scan::{GATEWATCH, Outcome, Tree, need_root, run, scan};

fn look(check: &str, tree: &Tree) -> Outcome {
    let root = tree.path().to_str().unwrap();
    scan(["--root", root, "--only", check])
}

/// What was found, as `severity path line`.
fn found(outcome: &Outcome) -> Vec<String> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let line =
        |row: &serde_json::Value| row["line"].as_u64().map_or(String::new(), |line| format!(" {line}"));
    let short = |row| format!("{} {}{}", text(row, "severity"), text(row, "path"), line(row));
    outcome.findings.iter().map(short).collect()
}

/// A router's tree with an image below it.
fn router() -> Tree {
    Tree::new()
        .file("rom/etc/banner", "")
        .file("rom/bin/sh", "\x7fELF")
        .file("bin/sh", "\x7fELF")
        .file("rom/sbin/kmodloader", "\x7fELF")
        .file("sbin/kmodloader", "\x7fELF")
        .link("sbin/modprobe", "kmodloader")
        .file("proc/sys/kernel/modprobe", "/sbin/modprobe\n")
        .file("proc/sys/kernel/core_pattern", "core\n")
        .file("proc/sys/kernel/poweroff_cmd", "/sbin/poweroff\n")
        .file("proc/sys/kernel/hotplug", "\n")
}

const HELPER: &str = "kernel-helper";
const PATTERN: &str = "proc/sys/kernel/core_pattern";

#[test]
fn a_program_that_the_kernel_starts_for_an_intruder() {
    let bot = "\x7fELF";
    let system = "#!/bin/sh\n";
    for (tree, expected) in [
        (router().file(PATTERN, "|/tmp/x %p\n"), "infected /proc/sys/kernel/core_pattern"),
        (router().file(PATTERN, "|/bin/sh /dev/shm/x\n"), "infected /proc/sys/kernel/core_pattern"),
        (
            router().file(PATTERN, "|/usr/sbin/crash\n").file("usr/sbin/crash", bot),
            "infected /proc/sys/kernel/core_pattern",
        ),
        (
            router().file("proc/sys/kernel/modprobe", "/lib/x\n").file("lib/x", system),
            "infected /proc/sys/kernel/modprobe",
        ),
        (
            router()
                .file("lib/y", bot)
                .file("proc/sys/fs/binfmt_misc/y", "enabled\ninterpreter /lib/y\nflags: \n"),
            "infected /proc/sys/fs/binfmt_misc/y",
        ),
        (router().file("sys/kernel/uevent_helper", "/var/run/x\n"), "infected /sys/kernel/uevent_helper"),
        (
            router().file("sys/fs/cgroup/rdma/release_agent", "/tmp/x\n"),
            "infected /sys/fs/cgroup/rdma/release_agent",
        ),
        (
            router().file("etc/sysctl.d/99.conf", "# x\nkernel.core_pattern=|/tmp/x %p\n"),
            "infected /etc/sysctl.d/99.conf 2",
        ),
        (router().file("sbin/bridge-stp", system), "suspicious /sbin/bridge-stp"),
        (router().file(PATTERN, "|/usr/sbin/crash\n"), "suspicious /proc/sys/kernel/core_pattern"),
    ] {
        let outcome = look(HELPER, &tree);
        assert_eq!(found(&outcome), [expected]);
        assert_eq!(outcome.status, if expected.starts_with("infected") { 2 } else { 1 });
    }
}

#[test]
fn programs_that_the_kernel_starts_on_healthy_machines() {
    let handler = "enabled\ninterpreter /usr/bin/qemu-mips-static\nflags: OCF\noffset 0\n";
    for tree in [
        router(),
        router().file(PATTERN, "|/bin/false\n").file("bin/false", "").file("rom/bin/false", ""),
        router().file("proc/sys/kernel/hotplug", "/sbin/hotplug\n"),
        router()
            .file("proc/sys/fs/binfmt_misc/qemu-mips", handler)
            .file("proc/sys/fs/binfmt_misc/status", "enabled\n"),
        // A container without the programs of its host, and a Debian with them.
        Tree::new().file(PATTERN, "|/usr/share/apport/apport -p%p -s%s\n"),
        Tree::new()
            .file("var/lib/dpkg/info/systemd.list", "/lib/systemd/systemd-coredump\n")
            .file("usr/lib/systemd/systemd-coredump", "\x7fELF")
            .link("lib", "usr/lib")
            .file(
                "etc/sysctl.d/50-coredump.conf",
                "kernel.core_pattern=|/lib/systemd/systemd-coredump %P %u\n",
            )
            .file(PATTERN, "|/lib/systemd/systemd-coredump %P %u\n"),
    ] {
        let outcome = look(HELPER, &tree);
        assert_eq!(outcome.short(), [""; 0]);
        assert_eq!((outcome.looked(HELPER), outcome.status), (("yes", ""), 0));
    }
    assert_eq!(look(HELPER, &Tree::healthy()).looked(HELPER).0, "na");
    // Something that is not to be read is said.
    let outcome = look(HELPER, &router().fifo("etc/sysctl.conf"));
    assert_eq!(outcome.looked(HELPER), ("partly", "/etc/sysctl.conf: a named pipe"));
}

/// Scans this machine in a mount namespace that a script has changed; `$1` is a directory of the test.
fn in_namespace(script: &str, dir: &Tree, check: &str) -> Outcome {
    need_root();
    let script = format!("set -e; {script}\nexec \"$0\" scan --only {check} -v --format json");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script, GATEWATCH]).arg(dir.path());
    Outcome::of(run(&mut command))
}

#[test]
fn a_helper_of_this_machine() {
    let dir = Tree::new().file("pattern", "|/tmp/gatewatch-no-such-program %p\n");
    let cover = "mount --bind \"$1/pattern\" /proc/sys/kernel/core_pattern";
    let outcome = in_namespace(cover, &dir, HELPER);
    assert_eq!(found(&outcome), ["infected /proc/sys/kernel/core_pattern"]);
    assert_eq!(outcome.status, 2);
    assert_eq!(in_namespace("", &dir, HELPER).short(), [""; 0]);
}

const MODULE: &str = "kernel-module";
const ROWS: &str = "nf_nat 49152 1 - Live 0x86a00000\nath9k 94208 0 - Live 0x86b00000 (O)\n";

/// A router with two modules.
fn with_modules(image: bool) -> Tree {
    let tree = Tree::new()
        .file("proc/modules", ROWS)
        .file("proc/sys/kernel/osrelease", "5.15.1\n")
        .file("proc/sys/kernel/tainted", "4096\n")
        .file("sys/module/nf_nat/initstate", "live\n")
        .file("sys/module/ath9k/initstate", "live\n")
        .file("sys/module/tcp_cubic/parameters/beta", "1\n")
        .file("lib/modules/5.15.1/nf-nat.ko", "\x7fELF")
        .file("lib/modules/5.15.1/extra/ath9k.ko.xz", "\u{fd}7zXZ");
    if !image {
        return tree;
    }
    tree.file("rom/etc/banner", "")
        .file("rom/lib/modules/5.15.1/nf-nat.ko", "\x7fELF")
        .file("usr/lib/opkg/info/kmod-ath9k.list", "/lib/modules/5.15.1/extra/ath9k.ko.xz\n")
}

#[test]
fn modules_of_an_intruder() {
    let listed = |row: &str| format!("{ROWS}{row}");
    let shown = |tree: Tree| tree.file("sys/module/rk/initstate", "live\n");
    let loaded = |image| shown(with_modules(image)).file("proc/modules", listed("rk 1 0 - Live 0x0 (O)\n"));
    for (tree, expected) in [
        (shown(with_modules(false)), "infected /proc/modules"),
        (
            with_modules(true).file("proc/modules", listed("rk 1 0 - Live 0x0\n")).file("rk.ko", ""),
            "suspicious /sys/module",
        ),
        (loaded(false), "suspicious /proc/modules"),
        (loaded(false).file("tmp/rk.ko", ""), "suspicious /tmp/rk.ko"),
        (loaded(true).file("usr/lib/.x/rk.ko", ""), "suspicious /usr/lib/.x/rk.ko"),
        (loaded(true).file("lib/modules/5.15.1/rk.ko", ""), "suspicious /lib/modules/5.15.1/rk.ko"),
        (
            with_modules(true).file("proc/sys/kernel/tainted", "12288\n"),
            "suspicious /proc/sys/kernel/tainted",
        ),
    ] {
        let outcome = look(MODULE, &tree);
        let found = found(&outcome);
        assert_eq!(found[..1], [expected], "{found:?}");
        // What is nowhere in the image and not shown is told for the first of these only.
        assert_eq!(found.len(), 1);
        assert_eq!(outcome.status, if expected.starts_with("infected") { 2 } else { 1 });
    }
}

#[test]
fn modules_of_healthy_machines() {
    let vendor = "wl 4200000 0 - Live 0x7f200000 (PO)\net 69547 0 - Live 0x7f1a0000 (PO)\n";
    for tree in [
        with_modules(true),
        with_modules(false),
        // A vendor's, flat and without /sys; dkms; one on its way in; a container; an upgraded kernel; livepatch from elsewhere.
        Tree::new()
            .file("proc/modules", vendor)
            .file("proc/sys/kernel/osrelease", "2.6.36.4brcmarm\n")
            .file("proc/sys/kernel/tainted", "1\n")
            .file("lib/modules/wl.ko", "")
            .file("lib/modules/et.ko", ""),
        with_modules(false)
            .file("proc/modules", format!("{ROWS}wireguard 1 0 - Live 0x0 (OE)\n"))
            .file("sys/module/wireguard/initstate", "live\n")
            .file("proc/sys/kernel/tainted", "12288\n")
            .file("lib/modules/5.15.1/updates/dkms/wireguard.ko", ""),
        with_modules(false).file("sys/module/loop/initstate", "coming\n"),
        Tree::new().file("proc/modules", ROWS).file("proc/sys/kernel/osrelease", "5.15.1\n"),
        with_modules(false).file("proc/sys/kernel/osrelease", "5.15.0\n"),
        with_modules(true)
            .file("proc/modules", format!("{ROWS}usb_x 1 0 - Live 0x0 (O)\n"))
            .file("sys/module/usb_x/initstate", "live\n")
            .file("jffs/modules/usb-x.ko", ""),
    ] {
        let outcome = look(MODULE, &tree);
        assert_eq!(outcome.short(), [""; 0]);
        assert_eq!((outcome.looked(MODULE), outcome.status), (("yes", ""), 0));
    }
    assert_eq!(look(MODULE, &Tree::healthy()).looked(MODULE).0, "na");
    let outcome = look(MODULE, &with_modules(false).file("proc/modules", format!("{ROWS}\n../x\n")));
    assert_eq!(outcome.looked(MODULE), ("partly", "/proc/modules: 2 rows not understood"));
}

#[test]
fn modules_of_this_machine() {
    need_root();
    assert_eq!(scan(["--only", MODULE]).short(), [""; 0]);
}

const TOOL: &str = "tool-replaced";

/// A firmware with BusyBox, a daemon and their packages.
fn firmware() -> Tree {
    Tree::new()
        .file("etc/banner", "")
        .file("bin/busybox", "\x7fELF busybox")
        .link("bin/ps", "busybox")
        .link("bin/login", "busybox")
        .link("bin/netstat", "/bin/busybox")
        .link("usr/bin/wget", "../../bin/busybox")
        .link("usr/bin/top", "../../bin/busybox")
        .file("usr/sbin/dropbear", "\x7fELF dropbear 1")
        .file("sbin/logread", "\x7fELF logread")
        .file("usr/lib/opkg/info/busybox.list", "/bin/busybox\n/bin/ps\n/bin/login\n")
        .file("usr/lib/opkg/info/dropbear.list", "/usr/sbin/dropbear\n")
        .file("usr/lib/opkg/info/dropbear.control", "Version: 1\n")
        .mountable()
}

fn write(path: &Path, content: &str) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn relink(path: &Path, target: &str) {
    let _ = fs::remove_file(path);
    symlink(target, path).unwrap();
}

/// An upgrade, a package whose tools take the place of BusyBox's in two ways, and a tool of BusyBox by another link.
fn install(root: &Path) {
    let at = |name: &str| root.join(name);
    write(&at("usr/sbin/dropbear"), "\x7fELF dropbear 2");
    write(&at("usr/lib/opkg/info/dropbear.control"), "Version: 2\n");
    write(&at("usr/libexec/ps-procps-ng"), "\x7fELF ps");
    write(&at("usr/lib/opkg/info/procps-ng-ps.list"), "/usr/libexec/ps-procps-ng\n");
    relink(&at("bin/ps"), "/usr/libexec/ps-procps-ng");
    write(&at("usr/bin/wget"), "\x7fELF wget");
    write(&at("usr/lib/opkg/info/wget-ssl.list"), "/usr/bin/wget\n");
    relink(&at("usr/bin/top"), "/bin/busybox");
    // What a restored backup makes of a link.
    write(&at("bin/netstat"), "\x7fELF busybox");
}

fn replace(root: &Path) {
    let at = |name: &str| root.join(name);
    write(&at("usr/sbin/dropbear"), "\x7fELF dropbear 3");
    write(&at("bin/ps"), "#!/bin/sh\nbusybox ps | grep -v x\n");
    write(&at("usr/lib/x"), "\x7fELF");
    relink(&at("bin/login"), "/usr/lib/x");
    write(&at("tmp/x"), "\x7fELF");
    relink(&at("sbin/logread"), "/tmp/x");
    relink(&at("usr/bin/top"), "/usr/sbin/dropbear");
    write(&at("usr/bin/netstat"), "\x7fELF");
}

const REPLACED: [&str; 6] = [
    "infected /bin/login",
    "infected /bin/ps",
    "infected /sbin/logread",
    "infected /usr/sbin/dropbear",
    "suspicious /usr/bin/netstat",
    "suspicious /usr/bin/top",
];

fn sorted(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.looked(TOOL), ("yes", ""));
    let mut found = found(outcome);
    found.sort();
    found
}

#[test]
fn tools_above_a_real_image() {
    let bench = Bench::new(&firmware(), TOOL);
    for (change, expected) in [((|_| {}) as fn(&Path), &[][..]), (install, &[]), (replace, &REPLACED)] {
        assert_eq!(sorted(&bench.tree(change)), expected);
        assert_eq!(sorted(&bench.live(change)), expected);
    }
}

/// The same where the upper layer can be seen, as on OpenWrt.
#[test]
fn tools_in_the_upper_layer() {
    let router = || {
        firmware()
            .file("rom/etc/banner", "")
            .file("rom/usr/sbin/dropbear", "\x7fELF dropbear 1")
            .file("rom/usr/lib/opkg/info/dropbear.list", "/usr/sbin/dropbear\n")
            .file("overlay/upper/etc/passwd", "")
    };
    let changed = || {
        router()
            .file("usr/sbin/dropbear", "\x7fELF dropbear 2")
            .file("overlay/upper/usr/sbin/dropbear", "\x7fELF dropbear 2")
    };
    let list = "overlay/upper/usr/lib/opkg/info/dropbear.list";
    assert_eq!(sorted(&look(TOOL, &router())), [""; 0]);
    assert_eq!(sorted(&look(TOOL, &changed())), ["infected /usr/sbin/dropbear"]);
    assert_eq!(sorted(&look(TOOL, &changed().file(list, "/usr/sbin/dropbear\n"))), [""; 0]);
    let apk = "overlay/upper/lib/apk/packages/dropbear.list";
    assert_eq!(sorted(&look(TOOL, &changed().file(apk, "usr/sbin/dropbear\n"))), [""; 0]);
    let outcome = look(TOOL, &changed().fifo(list));
    assert_eq!((found(&outcome).len(), outcome.looked(TOOL).0), (1, "partly"));
}

#[test]
fn tools_where_only_packages_are_known_or_nothing() {
    let debian = || {
        Tree::new()
            .link("bin", "usr/bin")
            .link("sbin", "usr/sbin")
            .link("lib", "usr/lib")
            .file("usr/bin/ps", "\x7fELF")
            .file("usr/bin/dash", "\x7fELF")
            .link("usr/bin/sh", "dash")
            .file("usr/bin/wget.distrib", "\x7fELF")
            .file("usr/bin/wget", "#!/bin/sh\n")
            .file("usr/sbin/iptables-nft", "\x7fELF")
            .link("etc/alternatives/iptables", "/usr/sbin/iptables-nft")
            .link("usr/sbin/iptables", "/etc/alternatives/iptables")
            .file(
                "var/lib/dpkg/info/x.list",
                "/bin/ps\n/bin/dash\n/bin/sh\n/usr/bin/wget\n/usr/sbin/iptables-nft\n",
            )
    };
    assert_eq!(sorted(&look(TOOL, &debian())), [""; 0]);
    let script = debian().file("usr/bin/ps", "#!/bin/sh\n/usr/lib/ps | grep -v x\n");
    assert_eq!(sorted(&look(TOOL, &script)), ["suspicious /usr/bin/ps"]);
    assert_eq!(sorted(&look(TOOL, &debian().file("usr/sbin/ps", "\x7fELF"))), ["suspicious /usr/sbin/ps"]);
    let hidden = debian().file("usr/lib/.x", "\x7fELF").link("usr/bin/netstat", "../lib/.x");
    assert_eq!(sorted(&look(TOOL, &hidden)), ["infected /usr/bin/netstat"]);
    // An unpacked image says nothing of itself; a vendor's links lead to what is made at boot.
    assert_eq!(sorted(&look(TOOL, &firmware().link("sbin/sshd", "/var/run/sshd"))), [""; 0]);
    assert_eq!(look(TOOL, &Tree::healthy()).looked(TOOL).0, "na");
}

#[test]
fn tools_of_this_machine_that_something_is_mounted_over() {
    let dir = Tree::new().file("ps", "#!/bin/sh\nexit 0\n").dir("bin");
    let ps = fs::canonicalize("/usr/bin/ps").unwrap_or_else(|_| "/usr/bin/find".into());
    let ps = ps.to_str().unwrap();
    let cover = |script: &str| in_namespace(script, &dir, TOOL);
    assert_eq!(found(&cover("")), [""; 0]);
    let outcome = cover(&format!("cp /usr/bin/true \"$1/ps\"; mount --bind \"$1/ps\" {ps}"));
    assert_eq!((found(&outcome), outcome.status), (vec![format!("infected {ps}")], 2));
    let outcome = cover("cp -a /usr/sbin/. \"$1/bin\"; mount --bind \"$1/bin\" /usr/sbin");
    assert_eq!(found(&outcome), ["suspicious /usr/sbin"]);
    let outcome = cover("mount -t tmpfs tmpfs /usr/sbin");
    assert_eq!(found(&outcome), ["infected /usr/sbin"]);
    // What systemd does to make a place read-only.
    let itself =
        format!("mount --bind /usr/bin /usr/bin; mount --bind {ps} {ps}; mount -o remount,bind,ro /usr/bin");
    assert_eq!(found(&cover(&itself)), [""; 0]);
}

/// What an enemy made: nothing hangs, leads out or is passed over in silence.
#[test]
fn trees_that_an_enemy_made() {
    let long = "x".repeat(70_000);
    let crowd: String = (0..3000).map(|number| format!("m{number} 1 0 - Live 0x0\n")).collect();
    let all = "kernel-helper,kernel-module,tool-replaced";
    for tree in [
        router().file(PATTERN, format!("|/tmp/{long}\n")),
        router().file(PATTERN, b"|/tmp/\xff\xfe \x1b[0m\n"),
        router()
            .fifo("proc/sys/fs/binfmt_misc/x")
            .fifo("etc/sysctl.d/x.conf")
            .fifo("sys/kernel/uevent_helper"),
        router().file("etc/sysctl.conf", format!("kernel.modprobe={long}\nkernel.modprobe=/tmp/\u{ff}\n")),
        router().link("bin/ps", "ps").link("sbin/init", "/loop").link("loop", "loop").fifo("bin/ls"),
        router().file("proc/modules", format!("{long} 1 0 - Live 0x0\n\0\n")),
        with_modules(true).file("proc/modules", crowd),
        with_modules(true).fifo("sys/module/x/initstate").link("lib/modules/5.15.1/x.ko", "x.ko"),
        with_modules(true).file("proc/sys/kernel/osrelease", "../../../etc\n"),
        router().file("proc/modules", ROWS).fifo("proc/sys/kernel/tainted"),
        Tree::new().link("bin", "/").link("sbin", "bin").link("usr", "..").file("ps", "#!"),
    ] {
        let outcome = look(all, &tree);
        assert!(outcome.status <= 3, "{}", outcome.stderr);
    }
    let crowd =
        router().file("proc/modules", "m 1 0 - Live 0x0\n".repeat(3)).fifo("usr/lib/opkg/info/x.list");
    assert_eq!(look(MODULE, &crowd).looked(MODULE), ("partly", "x.list: a named pipe"));
}
