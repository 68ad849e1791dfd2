//! A machine of its own for a few processes: root, pids, network and mounts that nothing else shares. So a test may ask
//! that all checks together find exactly what it planted, and nothing else.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::scan::{GATEWATCH, Guard, Outcome, Ran, finish, need_root, start};

/// What every script begins with. `plant COMMAND` starts something and waits until it, or what it starts, has written its
/// process id into /tmp/ready; `gone PID…` ends processes; `look ARGUMENTS` scans, as `$as` if that is set, and fails
/// where something that was planted has ended by itself.
const PREAMBLE: &str = r#"
looks=0 planted= as=
plant() {
    rm -f /tmp/ready
    "$@" </dev/null >/out/said 2>&1 &
    pid=$! tries=0
    until [ -s /tmp/ready ]; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || fail "not ready: $*"
        sleep 0.02
    done
    planted="$planted $(cat /tmp/ready)"
}
fail() {
    echo "$1" >&2
    exit 9
}
gone() {
    kill -9 "$@"
    for ended in "$@"; do wait "$ended" 2>/dev/null || :; done
    planted=
}
look() {
    status=0
    $as /gatewatch scan -v --format json "$@" </dev/null >/out/$looks.json 2>/out/$looks.err || status=$?
    echo $status >/out/$looks.status
    looks=$((looks + 1))
    for there in $planted; do [ -e /proc/$there/exe ] || fail "$there ended before the look"; done
}
"#;

/// What is mounted into a room, from outside; `$1` is its root. A file system of the disk stays one.
const ENTER: &str = r#"
set -e
mount --bind "$1" "$1"
cd "$1"
mount --bind /usr usr
mount -o remount,bind,ro usr
if [ -e whole ]; then
    mount --bind /var/lib/dpkg/info var/lib/dpkg/info
    mount --bind /etc etc
    mount -o remount,bind,ro etc
fi
mount -t proc proc proc
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for name in null zero tty urandom; do : >dev/$name; mount --bind /dev/$name dev/$name; done
ip link set lo up; ip address add 192.0.2.1/32 dev lo
exec chroot . "$2" /script
"#;

/// What of this machine's `/usr`, which a room shares, is started at boot: packages of it have all of that.
fn startup_files() -> Vec<String> {
    let mut files = Vec::new();
    let places = ["/usr/lib/systemd", "/usr/local/lib/systemd", "/usr/lib/udev/rules.d", "/usr/lib/dhcpcd"];
    let mut directories: Vec<_> = places.iter().map(PathBuf::from).collect();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            files.push(path.to_str().unwrap().to_owned());
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            }
        }
    }
    files
}

/// A room, gone when dropped.
pub(crate) struct Room {
    dir: tempfile::TempDir,
    first: String,
    owned: Vec<String>,
}

impl Room {
    /// One with the programs of this machine in `/usr`, some of which a package has.
    pub(crate) fn new() -> Self {
        need_root();
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tempfile::Builder::new().prefix("gatewatch-room-").tempdir_in(place).unwrap();
        let room = Self { dir, first: "/bin/sh".into(), owned: Vec::new() };
        for name in
            ["usr", "proc", "dev", "tmp", "out", "etc", "run", "root", "srv", "var/log", "var/lib/dpkg/info"]
        {
            fs::create_dir_all(room.at(name)).unwrap();
        }
        for name in ["bin", "sbin", "lib", "lib64", "lib32", "libx32"] {
            if Path::new("/usr").join(name).exists() {
                symlink(format!("usr/{name}"), room.at(name)).unwrap();
            }
        }
        // A link, so that nothing is copied; across file systems a copy.
        fs::hard_link(GATEWATCH, room.at("gatewatch"))
            .or_else(|_| fs::copy(GATEWATCH, room.at("gatewatch")).map(drop))
            .unwrap();
        room.owns("/bin/sh")
            .owns("/usr/bin/perl")
            .owns("/bin/busybox")
            .owns("/bin/sleep")
            .owns("/sbin/poweroff")
    }

    /// The place of a path, seen from outside.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        let place = self.at(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, content).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A copy of a program of this machine under another name. Nobody vouches for it.
    pub(crate) fn program(self, path: &str, of: &str) -> Self {
        let copied = Command::new("cp").arg("-L").arg(of).arg(self.at(path)).status().unwrap();
        assert!(copied.success(), "cp {of} {path}");
        self
    }

    /// A package has this file. Where links lead to it, its own path counts.
    pub(crate) fn owns(mut self, path: &str) -> Self {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        self.owned.push(real.to_str().unwrap().to_owned());
        self
    }

    /// The package lists and the settings of this machine instead of our own, as a container of its distribution has them.
    pub(crate) fn whole(mut self) -> Self {
        self.owned.clear();
        self.file("whole", "")
    }

    /// Nothing says what is installed.
    pub(crate) fn without_packages(mut self) -> Self {
        self.owned.clear();
        self
    }

    /// Which program is the first process.
    pub(crate) fn first(mut self, path: &str) -> Self {
        path.clone_into(&mut self.first);
        self
    }

    /// Runs a script as the first process, and gives what each of its looks saw. When it ends all ends.
    pub(crate) fn run(&self, script: &str) -> Vec<Outcome> {
        self.end(self.start(script))
    }

    /// Starts a script as the first process. All ends with it, and with the guard.
    pub(crate) fn start(&self, script: &str) -> Guard {
        if !self.owned.is_empty() {
            let list = format!("/.\n{}\n{}\n", self.owned.join("\n"), startup_files().join("\n"));
            fs::write(self.at("var/lib/dpkg/info/room.list"), list).unwrap();
        }
        // What an earlier script left behind is none of this one's.
        let _ = fs::remove_dir_all(self.at("out"));
        fs::create_dir(self.at("out")).unwrap();
        fs::write(self.at("script"), format!("{PREAMBLE}\n{script}\n")).unwrap();
        let mut enter = Command::new("unshare");
        enter.args(["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]);
        enter.args(["sh", "-c", ENTER, "room"]).arg(self.dir.path()).arg(&self.first);
        start(enter.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
    }

    /// Waits for the end of a script.
    pub(crate) fn end(&self, room: Guard) -> Vec<Outcome> {
        let ran = finish(room);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", self.said());
        (0..).map_while(|number| self.outcome(number)).collect()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.at("out/said")).unwrap_or_default()
    }

    fn outcome(&self, number: u32) -> Option<Outcome> {
        let read = |kind: &str| fs::read(self.at(&format!("out/{number}.{kind}")));
        let status = String::from_utf8(read("status").ok()?).unwrap().trim().parse().unwrap();
        let stderr = String::from_utf8(read("err").unwrap()).unwrap();
        Some(Outcome::of(Ran { status, stdout: read("json").unwrap(), stderr }))
    }
}

/// Everything that was found, as `check severity path`, in order of the alphabet. What is about a process must carry
/// all that a reader needs to find it.
#[track_caller]
pub(crate) fn found(outcome: &Outcome) -> Vec<String> {
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = outcome
        .findings
        .iter()
        .map(|row| {
            let about_process = row["pid"].is_u64() && row["check"] != "process-hidden";
            for key in ["name", "path", "uid", "owner", "age_s", "parents"] {
                assert!(!about_process || !row[key].is_null(), "no {key} in {row}");
            }
            ["check", "severity", "path"].map(|key| word(row, key)).join(" ")
        })
        .collect();
    all.sort_unstable();
    all
}

/// The detail of a check's only finding.
#[track_caller]
pub(crate) fn detail(outcome: &Outcome, check: &str) -> String {
    let found = outcome.with("check", check);
    let [row] = found[..] else { panic!("{check}: {found:?}") };
    row["detail"].as_str().unwrap_or_default().to_owned()
}
