//! A firmware image as a real squashfs, to be scanned unpacked and mounted below an overlay.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

use super::scan::{self, GATEWATCH, Outcome, Tree, need_root, run, scan};

#[track_caller]
fn done(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(status.success(), "{program} {words:?}");
}

/// A firmware, an image of it, and a place to work in.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
    checks: &'static str,
}

impl Bench {
    /// The checks are those to run.
    pub(crate) fn new(firmware: &Tree, checks: &'static str) -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap(), checks };
        let image = bench.at("image");
        done("mksquashfs", &[firmware.path().to_str().unwrap(), &image, "-quiet", "-no-progress"]);
        bench
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// The image unpacked, and unpacked again below its own `/rom`.
    pub(crate) fn unpacked(&self, name: &str, with_rom: bool) -> PathBuf {
        let (root, image) = (self.at(name), self.at("image"));
        done("unsquashfs", &["-quiet", "-no-progress", "-d", &root, &image]);
        if with_rom {
            done("unsquashfs", &["-quiet", "-no-progress", "-f", "-d", &format!("{root}/rom"), &image]);
        }
        root.into()
    }

    /// What a scan of an unpacked tree finds.
    pub(crate) fn tree(&self, change: impl Fn(&Path)) -> Outcome {
        let root = self.unpacked("tree", true);
        change(&root);
        let outcome = scan(["--root", root.to_str().unwrap(), "--only", self.checks]);
        fs::remove_dir_all(root).unwrap();
        outcome
    }

    /// What a scan finds that runs on the image itself, mounted below an overlay, as OpenWrt starts. Where the kernel has
    /// no zram there is nothing to stand for flash, and the unpacked tree is all that is looked at.
    pub(crate) fn live(&self, change: impl Fn(&Path) + Send + 'static) -> Outcome {
        need_root();
        if !Flash::is_there() {
            eprintln!("no zram here: the image was not mounted, only unpacked");
            return self.tree(change);
        }
        let (image, top, checks) = (self.at("image"), self.at("top"), self.checks);
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            done("mount", &["--make-rprivate", "/"]);
            // An overlay's upper layer cannot lie on another overlay.
            fs::create_dir_all(&top).unwrap();
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
            command.args([&at("root"), "/mnt/gatewatch", "scan", "--only", checks]);
            let outcome = Outcome::of(run(command.args(["-v", "--format", "json"])));
            done("umount", &["-R", "-l", &top]);
            drop(flash);
            outcome
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A block device that is no loop device and bears the name of a flash partition: memory (zram), for want of flash. What
/// lies behind a loop device is no image to gatewatch.
struct Flash(String);

impl Flash {
    const NAME: &str = "/dev/mtdblock3";

    fn is_there() -> bool {
        let control = Path::new("/sys/class/zram-control/hot_add");
        control.exists() || Command::new("modprobe").arg("zram").status().is_ok() && control.exists()
    }

    /// Writes an image to it. Call it in a mount namespace of its own: it takes the place of `/dev` there.
    fn new(image: &str) -> Self {
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
