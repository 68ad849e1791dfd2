//! The healthy startup files of tests/startup/healthy, laid out as machines hold them.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::scan::Tree;

/// A machine: its name, and the folders of tests/startup/healthy it is made of; a later one covers the ones before.
pub(crate) const MACHINES: [(&str, &[&str]); 22] = [
    ("openwrt", &["openwrt"]),
    ("openwrt-feed", &["openwrt", "openwrt-feed"]),
    ("openwrt-owner", &["openwrt", "openwrt-owner"]),
    ("openwrt-entware", &["openwrt", "entware"]),
    ("merlin", &["entware", "merlin"]),
    ("ddwrt", &["ddwrt"]),
    ("ddwrt-owner", &["ddwrt", "ddwrt-owner"]),
    ("tomato", &["entware", "tomato"]),
    ("padavan", &["padavan"]),
    ("keenetic", &["entware", "keenetic"]),
    ("qnap", &["qnap"]),
    ("synology", &["synology"]),
    ("ubios", &["ubios"]),
    ("edgeos", &["edgeos"]),
    ("buildroot", &["buildroot"]),
    ("buildroot-product", &["buildroot", "buildroot-product"]),
    ("vendor-sdk", &["vendor-sdk"]),
    ("yocto", &["yocto"]),
    ("debian", &["debian"]),
    ("debian-kin", &["debian", "debian-kin"]),
    ("pihole", &["debian", "pihole"]),
    ("raspberry", &["debian", "raspberry"]),
];

/// The files of a machine by their path without the first slash, and the links that start its services.
pub(crate) struct Machine {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) links: BTreeMap<String, String>,
}

/// Who knows the files of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouched {
    /// Nobody.
    Not,
    /// The image below `/rom`.
    Image,
    /// The lists of packages.
    Packages,
}

impl Machine {
    pub(crate) fn of(folders: &[&str]) -> Self {
        let mut files = BTreeMap::new();
        for folder in folders {
            let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/startup/healthy").join(folder);
            gather(&top, &top, &mut files);
        }
        let links = links(&files);
        Self { files, links }
    }

    pub(crate) fn named(name: &str) -> Self {
        let (_, folders) =
            MACHINES.iter().find(|(machine, _)| *machine == name).unwrap_or_else(|| panic!("no {name}"));
        Self::of(folders)
    }

    /// Writes it below `root` of a tree.
    fn write(&self, mut tree: Tree, root: &str) -> Tree {
        for (path, content) in &self.files {
            tree = tree.file(format!("{root}{path}"), content);
            let secret = path.ends_with("shadow") || path.contains("cron/crontabs/");
            let mode = if content.starts_with(b"#!") {
                0o755
            } else if secret {
                0o600
            } else {
                0o644
            };
            let place = tree.path().join(format!("{root}{path}"));
            fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
        }
        for (path, target) in &self.links {
            tree = tree.link(format!("{root}{path}"), target);
        }
        tree
    }

    /// The machine as a tree.
    pub(crate) fn tree(&self, vouched: Vouched) -> Tree {
        let tree = self.write(Tree::new(), "");
        match vouched {
            Vouched::Not => tree,
            Vouched::Image => self.write(tree, "rom/"),
            Vouched::Packages => {
                let lists = if self.files.contains_key("etc/rc.common") {
                    "usr/lib/opkg/info"
                } else {
                    "var/lib/dpkg/info"
                };
                let paths: String = self.files.keys().map(|path| format!("/{path}\n")).collect();
                tree.file(format!("{lists}/all.list"), paths)
            }
        }
    }
}

fn gather(top: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            gather(top, &path, files);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(path).unwrap());
        }
    }
}

/// The links that `enable` of OpenWrt's rc.common makes of `START=` and `STOP=`, and those of insserv.
fn links(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for (path, content) in files {
        let Some(name) = path.strip_prefix("etc/init.d/") else { continue };
        let text = String::from_utf8_lossy(content);
        let target = format!("../init.d/{name}");
        for (key, letter) in [("START=", 'S'), ("STOP=", 'K')] {
            if let Some(number) = text.lines().find_map(|line| line.strip_prefix(key)) {
                links.insert(format!("etc/rc.d/{letter}{number}{name}"), target.clone());
            }
        }
        if text.contains("### BEGIN INIT INFO") {
            links.insert(format!("etc/rc2.d/S01{name}"), target.clone());
        }
    }
    links
}
