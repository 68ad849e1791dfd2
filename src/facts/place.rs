//! What kind of place a path is: part of the system, or one where a healthy router keeps no programs.

use super::text::is_below;

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

/// Directories below which other disks are mounted; ASUSWRT mounts USB disks in `/tmp/mnt` and
/// links `/tmp/opt` to one.
const MOUNTS: [&[u8]; 4] = [b"/mnt", b"/tmp/mnt", b"/media", b"/tmp/opt"];

/// Components of a path; deeper ones do not matter for the place.
const DEPTH: usize = 64;

/// The kind of place that an absolute path is, whatever way it is written: `//tmp/./x`, `/usr/../tmp/x`.
#[must_use]
pub fn place(path: &[u8]) -> Place {
    let parts = parts(path);
    let parts = rooted(&parts);
    if is_hidden(parts) {
        Place::Hidden
    } else if MOUNTS.iter().any(|dir| starts_with(parts, dir)) {
        Place::Mount
    } else if VOLATILE.iter().any(|dir| starts_with(parts, dir)) {
        Place::Volatile
    } else {
        Place::Firm
    }
}

/// Whether what lies there is gone after a reboot, behind a dot or not. Of other disks it stays.
#[must_use]
pub fn is_volatile(path: &[u8]) -> bool {
    let parts = parts(path);
    let is_in = |dirs: &[&[u8]]| dirs.iter().any(|dir| starts_with(rooted(&parts), dir));
    is_in(&VOLATILE) && !is_in(&MOUNTS)
}

/// The components of a path, without those that lead nowhere.
fn parts(path: &[u8]) -> heapless::Vec<&[u8], DEPTH> {
    let mut parts = heapless::Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let _ = parts.pop();
            }
            _ => {
                let _ = parts.push(part);
            }
        }
    }
    parts
}

/// A process sees its own root below /proc too.
fn rooted<'p, 'a>(parts: &'p [&'a [u8]]) -> &'p [&'a [u8]] {
    match parts {
        [b"proc", _, b"root", rest @ ..] => rest,
        whole => whole,
    }
}

fn starts_with(parts: &[&[u8]], dir: &[u8]) -> bool {
    let mut parts = parts.iter();
    dir.split(|b| *b == b'/').skip(1).all(|part| parts.next() == Some(&part))
}

/// Where whoever runs the machine puts programs that no package manager knows (hier(7)). `/root` is none: it is one of
/// the first directories in which loaders try to write.
const ADMINS: [&[u8]; 5] = [b"/usr/local", b"/opt", b"/home", b"/srv", b"/snap"];

/// Whether a path is where an admin's own programs belong.
#[must_use]
pub fn is_admins(path: &[u8]) -> bool {
    place(path) == Place::Firm
        && ADMINS.iter().any(|dir| is_below(path, dir))
        && !path.split(|b| *b == b'/').any(|part| part == b"..")
}

/// Where programs write configuration that scripts read.
const GENERATED: [&[u8]; 6] = [b"/tmp/etc", b"/var/etc", b"/tmp/run", b"/var/run", b"/run", b"/tmp/sysinfo"];

/// Whether a path is where programs write configuration that scripts read.
#[must_use]
pub fn is_generated(path: &[u8]) -> bool {
    place(path) != Place::Hidden
        && GENERATED.iter().any(|dir| is_below(path, dir))
        && !path.split(|b| *b == b'/').any(|part| part == b"..")
}

/// Whether a path is one from which nothing should be started: in memory, where anybody may write, or behind a dot. Other
/// disks are none: their own startup scripts run from there. Descriptors and terminals (`. /dev/stdin`, `sh < /dev/$console`) are no
/// places.
#[must_use]
pub fn is_odd_program(path: &[u8]) -> bool {
    let device = [&b"/dev/null"[..], b"/dev/std", b"/dev/fd/", b"/dev/tty", b"/dev/console", b"/dev/$"];
    path.first() == Some(&b'/')
        && matches!(place(path), Place::Volatile | Place::Hidden)
        && !device.iter().any(|start| path.starts_with(start))
}

/// Whether a path lies in a directory of somebody's own inside of a volatile one, as services make them:
/// `/tmp/service/rules`, not `/tmp/rules`.
#[must_use]
pub fn is_in_own_directory(path: &[u8]) -> bool {
    place(path) == Place::Volatile
        && !path.split(|b| *b == b'/').any(|part| part == b"..")
        && VOLATILE.iter().any(|dir| {
            let inside = path.strip_prefix(*dir).and_then(|rest| rest.strip_prefix(b"/"));
            inside.is_some_and(|rest| rest.contains(&b'/') && !rest.starts_with(b"/"))
        })
}

/// Whether a path is the top of a volatile directory.
#[must_use]
pub fn is_volatile_root(path: &[u8]) -> bool {
    VOLATILE.contains(&path)
}

/// A component that begins with a dot. Dot directories in a home are an admin's tools (`~/.cargo`, `~/.local`),
/// neither volatile nor open to others; Nix names wrapped programs `.x-wrapped`.
fn is_hidden(parts: &[&[u8]]) -> bool {
    let dotted = |part: &&[u8]| part.len() > 1 && part.first() == Some(&b'.');
    match parts {
        [b"root", _, ..] | [b"nix", b"store", ..] => false,
        // QNAP's and ASUSTOR's add-ons.
        [b"share", _, b".qpkg", rest @ ..] | [_, b".@plugins", rest @ ..] => rest.iter().any(dotted),
        [b"home", user, ..] => dotted(user),
        _ => parts.iter().any(dotted),
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
            (b"/tmp/..", Place::Firm),
            (b"//tmp/./x", Place::Volatile),
            (b"/usr/../tmp/x", Place::Volatile),
            (b"/home/../tmp/x", Place::Volatile),
            (b"/proc/self/root/tmp/x", Place::Volatile),
            (b"/tmp/opt/bin/x", Place::Mount),
            (b"/root//.local/bin/x", Place::Firm),
            (b"/home/a/.local/bin/x", Place::Firm),
            (b"/home/.x/bot", Place::Hidden),
            (b"/share/CACHEDEV1_DATA/.qpkg/app/netmgr", Place::Firm),
            (b"/share/CACHEDEV1_DATA/.qpkg/.x/bot", Place::Hidden),
            (b"/volume1/.@plugins/bin/x", Place::Firm),
            (b"/nix/store/abc/bin/.x-wrapped", Place::Firm),
        ] {
            assert_eq!(place(path), expected, "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn what_is_gone_after_a_reboot() {
        for path in [&b"/tmp/x"[..], b"/tmp/.x/y", b"/var/run/x", b"/dev/.x", b"/proc/self/root/tmp/x"] {
            assert!(is_volatile(path), "{}", String::from_utf8_lossy(path));
        }
        for path in [&b"/mnt/x"[..], b"/tmp/mnt/sda1/x", b"/tmp/opt/x", b"/usr/lib/.x/y", b"/usr/bin/x", b""]
        {
            assert!(!is_volatile(path), "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn directories_of_a_services_own() {
        for path in [&b"/tmp/service/rules"[..], b"/var/run/service/x/y"] {
            assert!(is_in_own_directory(path), "{}", String::from_utf8_lossy(path));
        }
        for path in
            [&b"/tmp/x"[..], b"/tmp//x", b"/var/run/x", b"/tmp/.x/y", b"/usr/lib/x", b"/tmp/x/../../usr/y"]
        {
            assert!(!is_in_own_directory(path), "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn places_of_an_admins_own() {
        for path in [&b"/usr/local/sbin/x"[..], b"/opt/x/y", b"/home/a/x"] {
            assert!(is_admins(path), "{}", String::from_utf8_lossy(path));
        }
        for path in
            [&b"/root/x"[..], b"/usr/localx/y", b"/opt/../usr/sbin/x", b"/home/.x/y", b"/opt/.x/y", b"/x"]
        {
            assert!(!is_admins(path), "{}", String::from_utf8_lossy(path));
        }
    }
}
