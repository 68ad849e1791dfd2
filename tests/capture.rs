//! Runs scripts/capture on this machine, and holds it to the places where the program looks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::{env, fs};

use gatewatch::source::places::PLACES;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/capture");

#[test]
fn every_startup_place_is_recorded() {
    let script = fs::read_to_string(SCRIPT).unwrap();
    let list = script.split("startup='").nth(1).unwrap().split('\'').next().unwrap();
    let recorded: Vec<&str> = list.split_whitespace().collect();
    for place in PLACES {
        let dir = str::from_utf8(place.dir).unwrap();
        let name_in = |name: &&[u8]| format!("{dir}/{}", str::from_utf8(name).unwrap());
        let names: Vec<String> = place.names.iter().map(name_in).collect();
        for path in if names.is_empty() { vec![dir.to_owned()] } else { names } {
            let path = path.trim_start_matches('/');
            assert!(recorded.contains(&path), "scripts/capture does not record {path}");
        }
    }
}

/// As on a router: the script on standard input, a tar file out, which is unpacked into `dir`.
fn record(mut shell: Command, dir: &Path) {
    let tar = dir.join("router.tar");
    let output = shell
        .stdin(fs::File::open(SCRIPT).unwrap())
        .stdout(fs::File::create(&tar).unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|e| panic!("{shell:?}: {e}: run scripts/setup"));
    let said = String::from_utf8_lossy(&output.stderr);
    let complete = output.status.success();
    assert_eq!(complete, !said.contains("capture: missing:"), "{}: {said}", output.status);
    assert!(
        Command::new("tar").arg("-C").arg(dir).arg("-xpf").arg(&tar).status().unwrap().success(),
        "{said}"
    );
}

/// A directory that comes early in the listing of /tmp, of which the script looks into so many files only.
fn place(what: &str) -> PathBuf {
    let dir = PathBuf::from(format!("/tmp/00-gatewatch-{what}-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    dir
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Copies a program to /tmp/x/a/b, where it belongs to nobody.
fn plant_program(dir: &Path) -> PathBuf {
    let odd = dir.join("a/b/gw-true");
    fs::create_dir_all(odd.parent().unwrap()).unwrap();
    fs::copy("/bin/true", &odd).unwrap();
    fs::set_permissions(&odd, fs::Permissions::from_mode(0o4755)).unwrap();
    fs::write(dir.join("a/b/gw-text"), "ELF is not at the start of this").unwrap();
    odd
}

fn assert_head(recorded: &Path, of: &Path) {
    let head = fs::read(recorded).unwrap_or_else(|e| panic!("{}: {e}", recorded.display()));
    assert_eq!(head, fs::read(of).unwrap()[..1024], "{}", recorded.display());
}

#[test]
fn a_recording_of_this_machine_shows_a_process_of_it() {
    let dir = place("capture");
    let odd = plant_program(&dir);
    let mut sleep = Command::new("sleep")
        .arg("600")
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap())
        .envs([
            ("LD_X", "1"),
            ("HISTFILE", "/dev/null"),
            ("SECRET", "x"),
            ("OTHER", "x\nLD_Y=x"),
            ("XLD_Z", "x"),
        ])
        .spawn()
        .unwrap();
    // A thread is an id that answers and is not in the listing of /proc.
    let (send, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        tell.send(fs::read_link("/proc/thread-self").unwrap()).unwrap();
        let _ = wait.recv();
    });
    let thread_self = told.recv().unwrap();
    let mut shell = Command::new("busybox");
    shell.args(["sh", "-s"]);
    record(shell, &dir);
    let pid = sleep.id();
    let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let adj = text(Path::new(&format!("/proc/{pid}/oom_score_adj")));
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    drop(send);
    thread.join().unwrap();

    let about = text(&dir.join("about.toml"));
    let order = if cfg!(target_endian = "big") { "big" } else { "little" };
    assert!(about.contains(&format!("byte_order = \"{order}\"\n")), "{about}");
    let root = dir.join("root");
    let process = root.join(format!("proc/{pid}"));
    assert_eq!(fs::read(process.join("cmdline")).unwrap(), b"sleep\x00600\0");
    assert_eq!(fs::read_link(process.join("exe")).unwrap(), exe);
    assert!(exe.ends_with("sleep") || exe.ends_with("coreutils"), "{}", exe.display());
    assert_head(&root.join(exe.strip_prefix("/").unwrap()), &exe);
    assert!(text(&process.join("status")).contains(&format!("\nPid:\t{pid}\n")));
    assert!(text(&process.join("stat")).starts_with(&format!("{pid} (")));
    assert!(text(&process.join("maps")).contains(exe.to_str().unwrap()));
    assert_eq!(text(&process.join("oom_score_adj")), adj);
    let mut variables: Vec<String> =
        text(&process.join("environ")).split_terminator('\0').map(str::to_owned).collect();
    variables.sort();
    assert_eq!(variables, ["HISTFILE=/dev/null", "LD_X=1"]);
    let space = fs::read_link("/proc/self/ns/mnt").unwrap();
    assert_eq!(fs::read_link(process.join("ns/mnt")).unwrap(), space);
    assert_eq!(fs::read_link(root.join("proc/self/ns/mnt")).unwrap(), space);

    assert!(text(&root.join("proc/self/mountinfo")).contains(" / "));
    assert!(text(&root.join("proc/stat")).starts_with("cpu "));
    assert_eq!(text(&root.join("proc/loadavg")).split_whitespace().count(), 5);
    for name in ["flags", "ifindex", "iflink"] {
        let it = format!("sys/class/net/lo/{name}");
        assert_eq!(text(&root.join(&it)), text(&Path::new("/").join(&it)), "{it}");
    }

    let recorded = root.join(odd.strip_prefix("/").unwrap());
    assert_head(&recorded, &odd);
    assert_eq!(fs::metadata(&recorded).unwrap().permissions().mode() & 0o7777, 0o4755);
    assert!(!recorded.with_file_name("gw-text").exists());
    for line in text(&root.join("etc/shadow")).lines() {
        let fields: Vec<&str> = line.split(':').collect();
        assert!(matches!(fields[1], "" | "*" | "x" | "$scrubbed$") && fields[2..] == [""], "{line}");
    }

    let ids = text(&dir.join("dumps/pids"));
    let last = ids.lines().next().unwrap().strip_prefix("# kill -0, 1 to ").unwrap();
    let max = text(Path::new("/proc/sys/kernel/pid_max"));
    assert_eq!(last.parse(), Ok(max.trim().parse::<u32>().unwrap().min(32768)));
    let tid = thread_self.file_name().unwrap().to_str().unwrap();
    if tid.parse::<u32>().unwrap() <= last.parse().unwrap() {
        let line = format!("{tid} {}", std::process::id());
        assert!(ids.lines().any(|it| it == line), "no {line:?} in {ids}");
    }
    assert!(!ids.lines().any(|it| it.starts_with(&format!("{pid} "))), "{pid} is in the listing: {ids}");
    fs::remove_dir_all(&dir).unwrap();
}

/// Not every machine has a bridge, a preloaded library or a watchdog. In name spaces of its own each has.
#[test]
fn what_few_machines_have_is_recorded_too() {
    let dir = place("capture-rare");
    let library = plant_program(&dir);
    let script = r#"
set -e
mount -t sysfs sysfs /sys
ip link add gwbr type bridge
ip link add gwa type veth peer name gwb
ip link set gwa master gwbr
mount -t tmpfs tmpfs /etc
echo 'ftp stream tcp nowait root /usr/sbin/ftpd ftpd' >/etc/inetd.conf
printf 'root:$6$a$b:0:0::/root:/bin/sh\nann:x:1000:1000:Ann:/opt/ann:/bin/sh\n' >/etc/passwd
printf 'root:6HgsSsJIEOc2U:19000:0:\nann:!$6$a$b:19000:\nbob::1\nftp:x:0:\n' >/etc/shadow
echo 'wheel:x:10:ann' >/etc/group
mkdir /etc/dropbear
printf '# ann\nno-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann@home\n' >/etc/dropbear/authorized_keys
echo '*.* @192.0.2.1' >/etc/syslog.conf
echo '*.* @192.0.2.2' >/etc/rsyslog.conf
mkdir /etc/syslog-ng
echo '@version: 4.0' >/etc/syslog-ng/syslog-ng.conf
printf '%s:relative.so\n' "$1" >/etc/ld.so.preload
mount -t tmpfs tmpfs /opt
mkdir -p /opt/lib/opkg/info
echo /opt/sbin/x >/opt/lib/opkg/info/x.list
mkdir -p /opt/ann/.ssh
echo 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA a b' >/opt/ann/.ssh/authorized_keys
mount -t tmpfs tmpfs /dev
mknod /dev/null c 1 3
mount -t tmpfs tmpfs /var/log
: >/var/log/wtmp
printf '\n\n\n\n' >/var/log/messages
echo 'a secret' >/var/log/auth.log
ln -s /dev/null /var/log/secure
mkdir /var/log/samba
echo secret >/var/log/samba/client
mkdir -p /dev/misc
for name in mtd7 ubi0 mmcblk0 watchdog misc/watchdog other; do : >/dev/$name; done
sleep 60 5>/dev/mtd7 6</dev/ubi0 7</dev/mmcblk0 8>/dev/watchdog 9>/dev/misc/watchdog 4</dev/other &
echo $! >"$0"
trap 'kill $!' EXIT
busybox sh -s
"#;
    let pid = dir.join("pid");
    let mut shell = Command::new("unshare");
    shell.args(["-m", "-n", "busybox", "sh", "-c", script]).arg(&pid).arg(&library);
    record(shell, &dir);
    let root = dir.join("root");
    let net = root.join("sys/class/net");
    assert_eq!(fs::read_link(net.join("gwa/master")).unwrap(), Path::new("../gwbr"));
    assert_eq!(fs::read_link(net.join("gwa/upper_gwbr")).unwrap(), Path::new("../gwbr"));
    assert_eq!(fs::read_link(net.join("gwbr/lower_gwa")).unwrap(), Path::new("../gwa"));
    assert!(net.join("gwa/brport").exists() && !net.join("gwb/brport").exists());
    assert_ne!(text(&net.join("gwa/ifindex")), text(&net.join("gwa/iflink")), "its other end");

    for name in ["inetd.conf", "syslog.conf", "rsyslog.conf", "syslog-ng/syslog-ng.conf", "ld.so.preload"] {
        assert!(!text(&root.join("etc").join(name)).is_empty(), "{name}");
    }
    let etc = |name: &str| text(&root.join("etc").join(name));
    assert!(etc("passwd").starts_with("root:$scrubbed$:0:0::/root:/bin/sh\nann:x:1000:"));
    assert_eq!(etc("shadow"), "root:$scrubbed$:\nann:*:\nbob::\nftp:x:\n");
    assert_eq!(etc("group"), "wheel:x:10:ann\n");
    let key = "no-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 scrubbed\n";
    assert_eq!(etc("dropbear/authorized_keys"), format!("#\n{key}"));
    let anns = text(&root.join("opt/ann/.ssh/authorized_keys"));
    assert_eq!(anns, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA scrubbed\n");
    assert_head(&root.join(library.strip_prefix("/").unwrap()), &library);

    assert_eq!(text(&root.join("opt/lib/opkg/info/x.list")), "/opt/sbin/x\n");

    let log = root.join("var/log");
    assert_eq!(text(&log.join("wtmp")), "");
    assert_eq!(text(&log.join("messages")), "\n\n");
    assert_eq!(text(&log.join("auth.log")), "kept\n");
    assert_eq!(fs::read_link(log.join("secure")).unwrap(), Path::new("/dev/null"));
    assert_eq!(fs::read_dir(log.join("samba")).unwrap().count(), 0);

    let process = root.join("proc").join(text(&pid).trim());
    assert_eq!(fs::read_link(process.join("fd/8")).unwrap(), Path::new("/dev/watchdog"));
    let mut told: Vec<String> = fs::read_dir(process.join("fdinfo"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    told.sort();
    assert_eq!(told, ["5", "6", "7", "8", "9"]);
    assert!(text(&process.join("fdinfo/5")).contains("flags:"));
    fs::remove_dir_all(&dir).unwrap();
}

/// Of clients of the router what names them is left out.
#[test]
fn clients_are_not_named() {
    let script = text(Path::new(SCRIPT));
    let start = script.find("people() {").unwrap();
    let end = start + script[start..].find("\n}\n").unwrap() + 3;
    let dir = tempfile::tempdir().unwrap();
    let leases = dir.path().join("dhcp.leases");
    fs::write(
        &leases,
        "1795400000 02:00:00:aa:bb:20 192.168.1.20 anns-phone 01:02:00:00:aa:bb:20\n\
         1795400000 02:00:00:aa:bb:21 192.168.1.21 * *\nduid 00:01:00:01:2c:00:00:00:02:00:00:aa:bb:01\n\
         1795400000 123456 2001:db8:1::20 anns-phone 00:01:00:01:2c:00\n",
    )
    .unwrap();
    let mut shell = Command::new("busybox");
    shell.args(["sh", "-c", &format!("{} people \"$0\"", &script[start..end])]).arg(&leases);
    let output = shell.output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "1795400000 02:00:00:00:00:00 192.168.1.20 host *\n1795400000 02:00:00:00:00:00 192.168.1.21 * *\nduid *\n\
         1795400000 123456 2001:db8:1::20 host *\n"
    );
    for name in ["nf_conntrack", "ip_conntrack", "route", "fib_trie", "ipv6_route", "if_inet6", "arp", "unix"]
    {
        assert!(script.contains(&format!("net/{name}")), "/proc/net/{name} is not recorded");
    }
}

/// Every key of the table of settings, and every variable of NVRAM, is one that the script takes.
#[test]
fn every_setting_that_runs_a_program_is_recorded() {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/settings.rs")).unwrap();
    let script = fs::read_to_string(SCRIPT).unwrap();
    let list = |name: &str| -> Vec<String> {
        let text = script.split(&format!("\n{name}='")).nth(1).unwrap().split('\'').next().unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    };
    let (settings, variables) = (list("settings"), list("variables"));
    let (mut options, mut keys) = (0, 0);
    for row in source.lines() {
        let words: Vec<&str> = row.split('"').skip(1).step_by(2).collect();
        if row.trim_start().starts_with("uci(b") {
            options += 1;
            assert!(settings.iter().any(|known| known == words[2]), "scripts/capture does not take {row}");
        } else if row.contains("Kind::") && !words.is_empty() {
            keys += 1;
            assert!(variables.iter().any(|known| known == words[0]), "scripts/capture does not take {row}");
        }
    }
    assert!(options > 40 && keys > 20, "{options} options and {keys} keys were found");
}
