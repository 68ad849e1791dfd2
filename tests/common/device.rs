//! Routers to speak with over SSH: each a chroot with BusyBox and dropbear alone, with processes, mounts and a network of its
//! own, and a desk whose network leads to them.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;
use std::{fs, thread};

use super::scan::{GATEWATCH, Guard, Ran, need_root, run, start, wait_for};

/// The shell is BusyBox's, which has all programs of BusyBox in itself.
pub(crate) const BUSYBOX: &str = "sh";

/// The shell is dash, which has no other program in itself: what is not named here is not there. What the script needs, and
/// ls.
pub(crate) const FEW: &str = "cat chmod rm sleep dd ls";

/// As FEW, with what else the script would use.
pub(crate) const MANY: &str = "cat chmod rm sleep dd ls head wc stat df sha256sum md5sum cksum";

/// Makes the file systems of a router, `$2` those in memory, as /place:options, and becomes its dropbear.
const ENTER: &str = r#"
set -e
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o size=64k tmpfs dev
for name in null urandom $3; do : >dev/$name; mount --bind /dev/$name dev/$name; done
for one in $2; do
    mkdir -p ".${one%%:*}"
    mount -t tmpfs -o "mode=1777,${one#*:}" tmpfs ".${one%%:*}"
done
ip link set lo up
shift 3
exec chroot . /sbin/dropbear -F -E -P /none -r /etc/dropbear/key -p 22 "$@"
"#;

#[track_caller]
pub(crate) fn done(line: &str) {
    let mut words = line.split(' ');
    let ran = run(Command::new(words.next().unwrap()).args(words));
    assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
}

/// Files of the desk and of all its routers.
fn scratch(what: &str) -> tempfile::TempDir {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::Builder::new().prefix(&format!("gatewatch-{what}-")).tempdir_in(place).unwrap()
}

/// gatewatch without what a debugger wants: a tenth of its size.
fn stripped() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let dir = scratch("strip");
        let small = dir.path().join("gatewatch");
        done(&format!("strip -o {} {GATEWATCH}", small.display()));
        fs::read(small).unwrap()
    })
}

/// Where somebody sits who looks at routers: a network, keys, and programs for routers.
pub(crate) struct Desk {
    dir: tempfile::TempDir,
    space: String,
    devices: AtomicU32,
}

impl Desk {
    pub(crate) fn new() -> Self {
        static DESKS: AtomicU32 = AtomicU32::new(0);
        need_root();
        let dir = scratch("desk");
        let space = format!("gws{}-{}", std::process::id(), DESKS.fetch_add(1, Ordering::SeqCst));
        done(&format!("ip netns add {space}"));
        let desk = Self { dir, space, devices: AtomicU32::new(0) };
        done(&format!("ip -n {} link set lo up", desk.space));
        let ran =
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(desk.at("key")));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        fs::create_dir(desk.at("tmp")).unwrap();
        desk.program("host", stripped());
        desk
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts a program where those for routers are.
    pub(crate) fn program(&self, name: &str, bytes: &[u8]) {
        let file = self.at("programs").join(name).join("gatewatch");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// ssh-scan, ready for hosts.
    pub(crate) fn ssh_scan(&self) -> Command {
        self.ssh_scan_in(&[])
    }

    /// The same in another shell than the machine's own.
    pub(crate) fn ssh_scan_in(&self, shell: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.space)).args(shell);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ssh-scan"));
        command.arg("--binaries").arg(self.at("programs")).args(["-F", "none", "-l", "root"]);
        command.arg("-i").arg(self.at("key"));
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.at("known_hosts").display()));
        command.env("TMPDIR", self.at("tmp"));
        command
    }

    /// What `ssh-scan ARGUMENTS` says. It leaves nothing at the desk.
    #[track_caller]
    pub(crate) fn sweep(&self, arguments: &[&str]) -> Ran {
        let ran = run(self.ssh_scan().args(arguments));
        self.assert_tidy();
        ran
    }

    #[track_caller]
    pub(crate) fn assert_tidy(&self) {
        let left: Vec<_> = fs::read_dir(self.at("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "left at the desk: {left:?}");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.space]).status();
    }
}

/// A router that is not switched on yet.
pub(crate) struct Plan<'d> {
    desk: &'d Desk,
    root: tempfile::TempDir,
    memory: String,
    devices: &'static str,
    server: Vec<String>,
}

impl<'d> Plan<'d> {
    /// One that has these programs, `/tmp` in memory, and a boot script.
    pub(crate) fn new(desk: &'d Desk, tools: &str) -> Self {
        let root = scratch("router");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let plan = Self { desk, root, memory: "/tmp:size=16m".into(), devices: "zero", server: Vec::new() };
        for name in ["bin", "sbin", "proc", "dev", "tmp", "etc/dropbear", "root/.ssh"] {
            fs::create_dir_all(plan.at(name)).unwrap();
        }
        plan.copy("/bin/busybox", "bin/busybox");
        plan.copy("/usr/sbin/dropbear", "sbin/dropbear");
        for tool in tools.split(' ') {
            symlink("busybox", plan.at("bin").join(tool)).unwrap();
        }
        if tools != BUSYBOX {
            plan.copy("/bin/dash", "bin/sh");
            plan.libraries("/bin/dash");
        }
        // dropbear, and gatewatch as it is built for tests, are linked with libraries of this machine.
        plan.libraries(GATEWATCH).libraries("/usr/sbin/dropbear");
        fs::write(plan.at("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
        fs::write(plan.at("etc/shadow"), "root:*:1::::::\n").unwrap();
        fs::write(plan.at("etc/shells"), "/bin/sh\n").unwrap();
        fs::write(plan.at("etc/inittab"), "::sysinit:/etc/init.d/rcS\n").unwrap();
        fs::create_dir(plan.at("etc/init.d")).unwrap();
        fs::write(plan.at("etc/init.d/rcS"), "#!/bin/sh\n/sbin/dropbear\n").unwrap();
        fs::copy(desk.at("key.pub"), plan.at("root/.ssh/authorized_keys")).unwrap();
        for secret in ["root", "root/.ssh", "root/.ssh/authorized_keys"] {
            fs::set_permissions(plan.at(secret), fs::Permissions::from_mode(0o700)).unwrap();
        }
        plan
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn copy(&self, from: impl AsRef<Path>, to: &str) {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from.as_ref(), to)
            .unwrap_or_else(|e| panic!("{}: {e}: run scripts/setup", from.as_ref().display()));
    }

    /// Brings the libraries of a program of this machine along.
    pub(crate) fn libraries(&self, program: &str) -> &Self {
        let ran = run(Command::new("ldd").arg(program));
        let listed = String::from_utf8(ran.stdout).unwrap();
        for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
            self.copy(fs::canonicalize(library).unwrap(), library.trim_start_matches('/'));
        }
        self
    }

    /// Puts a program of this machine, or a script, in the place of one of the router.
    pub(crate) fn tool(self, path: &str, content: &[u8]) -> Self {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&file);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// File systems in memory, as `/place:options`, instead of `/tmp`.
    pub(crate) fn memory(mut self, memory: &str) -> Self {
        memory.clone_into(&mut self.memory);
        self
    }

    /// Without /dev/zero.
    pub(crate) fn without_zero(mut self) -> Self {
        self.devices = "";
        self
    }

    /// More options of dropbear.
    pub(crate) fn server(mut self, options: &[&str]) -> Self {
        self.server.extend(options.iter().map(|it| (*it).to_owned()));
        self
    }

    /// Switches it on.
    pub(crate) fn start(self) -> Device {
        let number = self.desk.devices.fetch_add(1, Ordering::SeqCst) + 1;
        let (desk, space) = (&self.desk.space, format!("{}-{number}", self.desk.space));
        let address = format!("10.77.{number}.2");
        done(&format!("ip netns add {space}"));
        done(&format!("ip link add v{number} netns {desk} type veth peer name eth0 netns {space}"));
        done(&format!("ip -n {desk} address add 10.77.{number}.1/24 dev v{number}"));
        done(&format!("ip -n {desk} link set v{number} up"));
        done(&format!("ip -n {space} address add {address}/24 dev eth0"));
        done(&format!("ip -n {space} link set eth0 up"));
        let key = self.at("etc/dropbear/key");
        let ran = run(Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key));
        let said = String::from_utf8(ran.stdout).unwrap();
        let public = said.lines().find(|line| line.starts_with("ssh-ed25519 ")).unwrap();
        let mut known = fs::read_to_string(self.desk.at("known_hosts")).unwrap_or_default();
        known.push_str(&format!("{address} {public}\n"));
        fs::write(self.desk.at("known_hosts"), known).unwrap();

        let mut enter = Command::new("nsenter");
        enter.arg(format!("--net=/run/netns/{space}"));
        enter.args(["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]);
        enter.args(["sh", "-c", ENTER, "router"]).arg(self.root.path()).args([&self.memory, self.devices]);
        let server = start(enter.args(&self.server));
        let first = wait_for("the router's first process", || {
            let pid = server.0.id();
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
            let first: u32 = children.split_whitespace().next()?.parse().ok()?;
            let exe = fs::read_link(format!("/proc/{first}/exe")).ok()?;
            exe.ends_with("dropbear").then_some(first)
        });
        wait_for("the router's door to open", || {
            let sockets = fs::read_to_string(format!("/proc/{first}/net/tcp")).ok()?;
            sockets.contains(":0016 00000000:0000 0A").then_some(())
        });
        let mut device =
            Device { address, space, first, before: BTreeMap::new(), _server: server, _root: self.root };
        device.settle();
        device
    }
}

type Files = BTreeMap<PathBuf, (u64, SystemTime)>;

/// A router that runs, until it is dropped.
pub(crate) struct Device {
    pub(crate) address: String,
    space: String,
    first: u32,
    before: Files,
    _server: Guard,
    _root: tempfile::TempDir,
}

impl Device {
    /// The place of one of its files, as it sees it.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/{path}", self.first))
    }

    /// Everything but /proc and /dev.
    fn files(&self) -> Files {
        let root = self.at("");
        let (mut files, mut places) = (Files::new(), vec![root.clone()]);
        while let Some(place) = places.pop() {
            for entry in fs::read_dir(place).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_owned();
                let about = fs::symlink_metadata(&path).unwrap();
                if about.is_dir() {
                    files.insert(name.clone(), (0, SystemTime::UNIX_EPOCH));
                    if name != Path::new("proc") && name != Path::new("dev") {
                        places.push(path);
                    }
                } else {
                    files.insert(name, (about.size(), about.modified().unwrap()));
                }
            }
        }
        files
    }

    /// Its processes but the first: pid, and command line.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let own = fs::read_link(format!("/proc/{}/ns/pid", self.first)).unwrap();
        let pids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(|pid| *pid != self.first)
            .filter(|pid| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|space| space == own))
            .map(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                (pid, String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }

    /// Waits until a process has this in its command line.
    pub(crate) fn wait_for_process(&self, words: &str) -> u32 {
        wait_for(words, || {
            self.processes().into_iter().find(|(_, line)| line.contains(words)).map(|(pid, _)| pid)
        })
    }

    /// No file more, less or other than before, and within seconds no process but `allowed`.
    #[track_caller]
    pub(crate) fn assert_tidy(&self, allowed: &[&str]) {
        let mut left = Vec::new();
        for _ in 0..80 {
            left = self.processes();
            left.retain(|(_, line)| !allowed.iter().any(|words| line.contains(words)));
            if left.is_empty() {
                break;
            }
            thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(left.is_empty(), "left running: {left:?}");
        assert_eq!(self.files(), self.before, "left on the router");
    }

    /// The files that are there now are those that belong there.
    pub(crate) fn settle(&mut self) {
        self.before = self.files();
    }

    /// Runs a command on the router, as its owner would.
    pub(crate) fn shell(&self, command: &str) {
        let first = self.first;
        let ran = run(Command::new("nsenter")
            .args([
                &format!("--target={first}"),
                "--mount",
                "--pid",
                "--net",
                "--root",
                "--wd",
                "/bin/sh",
                "-c",
            ])
            .arg(command));
        assert_eq!(ran.status, 0, "{command}: {}", ran.stderr);
    }

    /// Cuts the cable: nobody is told.
    pub(crate) fn cut(&self) {
        done(&format!("ip -n {} link set eth0 down", self.space));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.space]).status();
    }
}
