//! What kind of place a path is: part of the system, or one where a healthy router keeps no programs.

use super::text::{fields, is_below};

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where programs are expected: the firmware image, packages, an admin's home.
    Firm,
    /// In memory or writable by anybody: `/tmp`, `/var/run`, `/dev` and the like.
    Volatile,
    /// Below a mount point for other disks: `/mnt`.
    Mount,
    /// Behind a name that begins with a dot.
    Hidden,
}

impl Place {
    /// Whether a program has no business there.
    #[must_use]
    pub const fn is_odd(self) -> bool {
        !matches!(self, Place::Firm)
    }

    /// The place in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Place::Firm => "a system place",
            Place::Volatile => "a volatile place",
            Place::Mount => "a mount point",
            Place::Hidden => "a hidden place",
        }
    }
}

/// Directories that live in memory or that anybody may write to. `/var` itself is not one: vendors keep
/// programs there. `/var/volatile` is Yocto's; OpenWrt's `/var` is a link to `/tmp`, so the kernel shows `/tmp`.
const VOLATILE: [&[u8]; 7] =
    [b"/tmp", b"/var/tmp", b"/var/run", b"/var/lock", b"/var/volatile", b"/run", b"/dev"];

/// Directories below which other disks are mounted; ASUSWRT mounts USB disks in `/tmp/mnt`.
const MOUNTS: [&[u8]; 3] = [b"/mnt", b"/tmp/mnt", b"/media"];

/// The kind of place that an absolute path is.
#[must_use]
pub fn place(path: &[u8]) -> Place {
    if is_hidden(path) {
        Place::Hidden
    } else if MOUNTS.iter().any(|dir| is_below(path, dir)) {
        Place::Mount
    } else if VOLATILE.iter().any(|dir| is_below(path, dir)) {
        Place::Volatile
    } else {
        Place::Firm
    }
}

/// A component that begins with a dot. Dot directories in a home are an admin's tools (`~/.cargo`, `~/.local`),
/// neither volatile nor open to others; Nix names wrapped programs `.x-wrapped`.
fn is_hidden(path: &[u8]) -> bool {
    let dotted = |part: &[u8]| part.len() > 1 && part.first() == Some(&b'.') && part != b"..";
    let mut parts = path.split(|b| *b == b'/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(b"root"), Some(_)) => false,
        (Some(b"home"), Some(user)) => dotted(user),
        (Some(b"nix"), Some(b"store")) => false,
        _ => path.split(|b| *b == b'/').any(dotted),
    }
}

/// One row of `/proc/mounts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Where it is mounted. Blanks are written `\040` (proc_pid_mountinfo(5)), so fields stay fields.
    pub point: &'a [u8],
    /// The file system's type.
    pub kind: &'a [u8],
}

impl<'a> Mount<'a> {
    /// Reads `device point type options 0 0`.
    #[must_use]
    pub fn parse(row: &'a [u8]) -> Option<Self> {
        let mut parts = fields(row).skip(1);
        Some(Self { point: parts.next()?, kind: parts.next()? })
    }

    /// Whether it is a disk: a stick with Entware on it is an owner's choice, not a dropper's refuge.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        const DISKS: [&[u8]; 22] = [
            b"ext2",
            b"ext3",
            b"ext4",
            b"vfat",
            b"exfat",
            b"ntfs",
            b"ntfs3",
            b"fuseblk",
            b"ufsd",
            b"tntfs",
            b"texfat",
            b"hfsplus",
            b"btrfs",
            b"xfs",
            b"f2fs",
            b"jffs2",
            b"ubifs",
            b"yaffs2",
            b"nfs",
            b"nfs4",
            b"cifs",
            b"squashfs",
        ];
        self.point != b"/" && DISKS.contains(&self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_programs() {
        for (path, expected) in [
            (&b"/usr/sbin/dropbear"[..], Place::Firm),
            (b"/tmp/x", Place::Volatile),
            (b"/tmpx/x", Place::Firm),
            (b"/var/tmp/x", Place::Volatile),
            (b"/var/lib/x", Place::Firm),
            (b"/run/x", Place::Volatile),
            (b"/dev/shm/x", Place::Volatile),
            (b"/dev/.x", Place::Hidden),
            (b"/mnt/x", Place::Mount),
            (b"/tmp/mnt/sda1/entware/bin/x", Place::Mount),
            (b"/usr/lib/.x/bot", Place::Hidden),
            (b"/.x", Place::Hidden),
            (b"/tmp/..", Place::Volatile),
            (b"/root/.cargo/bin/cargo", Place::Firm),
            (b"/home/a/.local/bin/x", Place::Firm),
            (b"/home/.x/bot", Place::Hidden),
            (b"/nix/store/abc/bin/.x-wrapped", Place::Firm),
        ] {
            assert_eq!(place(path), expected, "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn a_disk_is_told_from_memory() {
        let disk = Mount::parse(b"/dev/sda1 /tmp/mnt/sda1 ext4 rw,noatime 0 0").unwrap();
        assert!(disk.is_disk() && disk.point == b"/tmp/mnt/sda1");
        assert!(!Mount::parse(b"tmpfs /tmp tmpfs rw 0 0").unwrap().is_disk());
        assert!(!Mount::parse(b"/dev/root / ext4 rw 0 0").unwrap().is_disk());
        assert_eq!(Mount::parse(b"proc"), None);
    }
}
