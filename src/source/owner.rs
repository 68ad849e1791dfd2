//! Who vouches for a file: the firmware image, a package's list, nobody, or nothing that could.

use super::{is_file, rows};
use crate::facts::place::{Mount, is_volatile_root};
use crate::facts::process::{Exe, Owner, Process, Surroundings};
use crate::facts::text::{Bytes, is_below};
use crate::host::Host;
use crate::limits::PATH_BYTES;

/// Where package managers write the files of each package, one list a package, one path a line: opkg, apk of
/// OpenWrt, dpkg, Entware.
const LISTS: [&[u8]; 4] =
    [b"usr/lib/opkg/info", b"lib/apk/packages", b"var/lib/dpkg/info", b"opt/lib/opkg/info"];

/// What is known about the path of a program, where it matters.
pub fn surroundings<H: Host>(host: &H, process: &Process) -> Surroundings {
    let mut known = Surroundings::default();
    let Exe::Path { removed } = process.exe else { return known };
    let Some(place) = process.place().filter(|place| removed || place.is_odd()) else { return known };
    let path = process.path.as_slice();
    known.on_disk = place.is_odd() && is_on_disk(host, path);
    if removed {
        known.exists = exists(host, process.pid, path);
    }
    if known.exists && !place.is_odd() {
        known.owner = owner(host, path);
    }
    known
}

/// Whether the path names a file, as the process itself sees it: a container has a root of its own.
fn exists<H: Host>(host: &H, pid: u32, path: &[u8]) -> bool {
    use core::fmt::Write;
    let mut own = Bytes::<{ PATH_BYTES + 32 }>::new();
    let _ = write!(own, "proc/{pid}/root");
    if host.dir(own.as_slice()).is_ok() {
        own.push(path);
        return is_file(host, own.as_slice());
    }
    is_file(host, relative(path))
}

fn relative(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

/// Who vouches for a path.
pub fn owner<H: Host>(host: &H, path: &[u8]) -> Owner {
    let mut known = false;
    // OpenWrt's read-only image, below the writable layer.
    if host.dir(b"rom/etc").is_ok() {
        known = true;
        let mut image = Bytes::<{ PATH_BYTES + 4 }>::of(b"rom");
        image.push(path);
        if is_file(host, image.as_slice()) {
            return Owner::Firmware;
        }
    }
    for place in LISTS {
        let (lists, listed) = in_lists(host, place, path);
        if listed {
            return Owner::Package;
        }
        known |= lists;
    }
    if known { Owner::Nobody } else { Owner::Unknown }
}

/// Whether a directory holds lists of packages, and whether one of them has the path.
fn in_lists<H: Host>(host: &H, place: &[u8], path: &[u8]) -> (bool, bool) {
    let (mut lists, mut listed) = (false, false);
    let Ok(dir) = host.dir(place) else { return (false, false) };
    // Debian lists /bin/x although /bin leads to /usr/bin.
    let merged = path.strip_prefix(b"/usr").unwrap_or(path);
    let _ = host.list(&dir, &mut |name| {
        if listed || !name.ends_with(b".list") {
            return;
        }
        if let Ok(mut file) = host.file_at(&dir, name) {
            lists = true;
            let _ = rows(&mut file, &mut |row| listed |= row.is_some_and(|row| row == path || row == merged));
        }
    });
    (lists, listed)
}

/// Whether the nearest mount above a path is a disk.
fn is_on_disk<H: Host>(host: &H, path: &[u8]) -> bool {
    let Ok((mut mounts, _)) = host.file(b"proc/mounts") else { return false };
    let (mut nearest, mut disk) = (0_usize, false);
    let read = rows(&mut mounts, &mut |row| {
        // Later mounts cover earlier ones on the same point.
        if let Some(mount) = row.and_then(Mount::parse)
            && is_below(path, mount.point)
            && mount.point.len() >= nearest
        {
            (nearest, disk) = (mount.point.len(), mount.is_disk() && !is_volatile_root(mount.point));
        }
    });
    read.is_ok() && disk
}
