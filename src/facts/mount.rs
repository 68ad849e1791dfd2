//! One mount: a row of `/proc/self/mountinfo`, or of `/proc/mounts` where a kernel lacks that.

use super::text::{fields, is_one_of};

/// A row. Blanks in its fields are written `\040` (proc_pid_mountinfo(5)), so fields stay fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Where it is mounted.
    pub point: &'a [u8],
    /// The file system's type.
    pub kind: &'a [u8],
    /// What is mounted: a device, or a name that means nothing.
    pub source: &'a [u8],
    /// The directory of the file system that is seen there, `/` for all of it. Empty where it is not said.
    pub top: &'a [u8],
    /// The device, `major:minor`. Empty where it is not said.
    pub device: &'a [u8],
    /// Options of the file system, with commas between them.
    pub options: &'a [u8],
}

impl<'a> Mount<'a> {
    /// Reads `id parent major:minor top point options [optional…] - kind source options`.
    #[must_use]
    pub fn parse_info(row: &'a [u8]) -> Option<Self> {
        let mut parts = fields(row).skip(2);
        let (device, top, point) = (parts.next()?, parts.next()?, parts.next()?);
        let mut parts = parts.skip_while(|part| *part != b"-").skip(1);
        let (kind, source) = (parts.next()?, parts.next()?);
        Some(Self { point, kind, source, top, device, options: parts.next().unwrap_or_default() })
    }

    /// Reads `source point kind options 0 0`.
    #[must_use]
    pub fn parse(row: &'a [u8]) -> Option<Self> {
        let mut parts = fields(row);
        let (source, point, kind) = (parts.next()?, parts.next()?, parts.next()?);
        let options = parts.next().unwrap_or_default();
        Some(Self { point, kind, source, top: b"", device: b"", options })
    }

    /// Whether it is a disk: a stick with Entware on it is an owner's choice, not a dropper's refuge.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        const DISKS: [&[u8]; 21] = [
            b"ext2", b"ext3", b"ext4", b"vfat", b"exfat", b"ntfs", b"ntfs3", b"fuseblk", b"ufsd", b"tntfs",
            b"texfat", b"hfsplus", b"btrfs", b"xfs", b"f2fs", b"jffs2", b"ubifs", b"yaffs2", b"nfs", b"nfs4",
            b"cifs",
        ];
        self.point != b"/" && DISKS.contains(&self.kind)
    }

    /// Whether it is an image that was flashed: a read-only file system that comes from flash memory, not from a file that
    /// somebody put behind a loop device.
    #[must_use]
    pub fn is_image(&self) -> bool {
        const IMAGES: [&[u8]; 4] = [b"squashfs", b"cramfs", b"romfs", b"erofs"];
        let flash = [
            &b"/dev/root"[..],
            b"/dev/mtd",
            b"mtd:",
            b"/dev/ubi",
            b"ubi",
            b"/dev/mmcblk",
            b"/dev/dm-",
            b"/dev/mapper/",
            b"rootfs",
        ];
        // The name of a device is anybody's; 7 is the major number of loop devices (devices.txt).
        IMAGES.contains(&self.kind)
            && !self.device.starts_with(b"7:")
            && flash.iter().any(|start| self.source.starts_with(start))
    }

    /// Whether it is a `/proc` that shows to nobody else what belongs to one user (`hidepid`, proc(5)).
    #[must_use]
    pub fn hides_processes(&self) -> bool {
        let mut options = self.options.split(|b| *b == b',');
        let hides =
            |option: &[u8]| option.strip_prefix(b"hidepid=").is_some_and(|value| !is_one_of(value, b"0 off"));
        self.kind == b"proc" && options.any(hides)
    }

    /// Whether it lives in memory.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        is_one_of(self.kind, b"tmpfs ramfs rootfs devtmpfs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_tables() {
        let info = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = Mount::parse_info(info).unwrap();
        assert_eq!((mount.top, mount.point, mount.kind), (&b"/mnt1"[..], &b"/mnt2"[..], &b"ext3"[..]));
        assert_eq!(mount.source, b"/dev/root");
        let plain = Mount::parse_info(b"22 27 0:21 / /proc rw - proc proc rw").unwrap();
        assert_eq!((plain.point, plain.kind), (&b"/proc"[..], &b"proc"[..]));
        let old = Mount::parse(b"/dev/sda1 /tmp/mnt/sda1 ext4 rw,noatime 0 0").unwrap();
        assert!(old.is_disk() && old.point == b"/tmp/mnt/sda1" && old.top.is_empty());
        for end in 0..info.len() {
            if let Some(cut) = Mount::parse_info(&info[..end]) {
                assert!(
                    b"ext3".starts_with(cut.kind) && b"/dev/root".starts_with(cut.source),
                    "cut at {end}"
                );
            }
        }
        assert_eq!(Mount::parse(b"proc"), None);
        assert_eq!(Mount::parse_info(b"1 2 3 4 5 6 7 8"), None);
    }

    #[test]
    fn a_proc_that_hides_is_told_by_its_options() {
        let of = |row: &'static [u8]| Mount::parse_info(row).unwrap().hides_processes();
        assert!(of(b"22 27 0:21 / /proc rw - proc proc rw,hidepid=2"));
        assert!(of(b"22 27 0:21 / /proc rw - proc proc rw,gid=9,hidepid=ptraceable"));
        for shows in
            [&b"22 27 0:21 / /proc rw - proc proc rw"[..], b"22 27 0:21 / /proc rw - proc proc rw,hidepid=0"]
        {
            assert!(!Mount::parse_info(shows).unwrap().hides_processes());
        }
    }

    #[test]
    fn a_disk_an_image_and_memory_are_told_apart() {
        let of = |row: &'static [u8]| Mount::parse(row).unwrap();
        assert!(!of(b"tmpfs /tmp tmpfs rw 0 0").is_disk() && of(b"tmpfs /tmp tmpfs rw 0 0").is_memory());
        assert!(!of(b"/dev/root / ext4 rw 0 0").is_disk());
        assert!(of(b"/dev/root /rom squashfs ro 0 0").is_image());
        assert!(of(b"/dev/mtdblock3 / squashfs ro 0 0").is_image());
        assert!(!of(b"/dev/loop0 /usr/lib squashfs ro 0 0").is_image());
        assert!(!of(b"/dev/mtdblock4 /jffs jffs2 rw 0 0").is_image());
        let info = |row: &'static [u8]| Mount::parse_info(row).unwrap();
        assert!(info(b"1 0 31:2 / /rom ro - squashfs /dev/mtdblock2 ro").is_image());
        assert!(
            !info(b"1 0 7:0 / /usr/x ro - squashfs /dev/mtdq ro").is_image(),
            "a loop device by another name"
        );
    }
}
