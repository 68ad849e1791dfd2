//! What the kernel is told to start, its modules, and the tools of the system: in trees, and in mount namespaces of this
//! machine. Each healthy twin is silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::process::Command;

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
