//! Which packages were installed after the firmware image was made, and what they brought.

use super::same::same;
use super::{Coverage, rows_within};
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Kind};
use crate::limits::{LIST_BYTES, PATH_BYTES};

/// Lists of packages that an image holds too: opkg's, and those of OpenWrt's apk.
const LISTS: [&[u8]; 2] = [b"usr/lib/opkg/info", b"lib/apk/packages"];

/// Calls `each` with every path of every package that was installed, again or anew, since the image was made: the upper
/// layer of the overlay has its list, or, where that layer cannot be seen, its list or version is not the image's.
pub fn each<H: Host>(host: &H, coverage: &mut Coverage, each: &mut dyn FnMut(&[u8])) {
    let layered = host.dir(b"overlay/upper").is_ok();
    for place in LISTS {
        let dir = match host.dir(joined(if layered { b"overlay/upper/" } else { b"" }, place).as_slice()) {
            Ok(dir) => dir,
            Err(fault) => {
                failed(coverage, place, fault);
                continue;
            }
        };
        let listed = host.list(&dir, &mut |name| {
            if !name.ends_with(b".list") || !layered && !is_new(host, place, name) {
                return;
            }
            let read = host.file_at(&dir, name).and_then(|mut file| {
                rows_within(&mut file, LIST_BYTES, &mut |row| {
                    if let Some(path) = row {
                        // apk's paths have no slash in front.
                        each(joined(if path.starts_with(b"/") { b"" } else { b"/" }, path).as_slice());
                    }
                })
            });
            if let Err(fault) = read {
                failed(coverage, name, fault);
            }
        });
        if let Err(fault) = listed {
            failed(coverage, place, fault);
        }
    }
}

/// Whether the image lacks the list of a package, or has another, or another version of the package.
fn is_new<H: Host>(host: &H, place: &[u8], list: &[u8]) -> bool {
    let differs = |name: &[u8]| {
        let now = joined(place, joined(b"/", name).as_slice());
        let then = joined(b"rom/", now.as_slice());
        match (host.file(now.as_slice()), host.file(then.as_slice())) {
            (Ok((mut now, one)), Ok((mut then, other))) => {
                one.size != other.size || !same(&mut now, &mut then, LIST_BYTES).unwrap_or(true)
            }
            (now, then) => now.is_ok() != then.is_ok(),
        }
    };
    let mut control = Bytes::<PATH_BYTES>::of(list.strip_suffix(b".list").unwrap_or(list));
    control.push(b".control");
    host.dir(b"rom").is_ok() && (differs(list) || differs(control.as_slice()))
}

/// Whether the upper layer of the overlay has something at a path. `None`: that layer cannot be seen.
#[must_use]
pub fn in_upper<H: Host>(host: &H, dir: &[u8], name: &[u8]) -> Option<bool> {
    host.dir(b"overlay/upper").ok()?;
    let there = host.dir(joined(b"overlay/upper/", dir).as_slice()).and_then(|dir| host.kind_at(&dir, name));
    Some(!matches!(there, Err(Fault::NotFound) | Ok(Kind::Other)))
}

fn failed(coverage: &mut Coverage, subject: &[u8], fault: Fault) {
    if !fault.is_absence() {
        coverage.gap(subject, format_args!("{fault}"));
    }
}

fn joined(start: &[u8], rest: &[u8]) -> Bytes<PATH_BYTES> {
    let mut whole = Bytes::of(start);
    whole.push(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::{Memory, Node};

    fn brought(machine: &Memory) -> (Vec<String>, u32) {
        let (mut paths, mut coverage) = (Vec::new(), Coverage::new());
        each(machine, &mut coverage, &mut |path| paths.push(String::from_utf8_lossy(path).into_owned()));
        (paths, coverage.gaps)
    }

    #[test]
    fn packages_in_the_upper_layer() {
        let machine = Memory::new();
        machine
            .file("rom/usr/lib/opkg/info/a.list", "/bin/a\n")
            .file("usr/lib/opkg/info/a.list", "/bin/a\n")
            .file("usr/lib/opkg/info/b.list", "/bin/b\n")
            .file("overlay/upper/usr/lib/opkg/info/b.list", "/bin/b\n")
            .file("overlay/upper/lib/apk/packages/c.list", "bin/c\n");
        assert_eq!(brought(&machine).0, ["/bin/b", "/bin/c"]);
        machine.put("overlay/upper/lib/apk/packages/d.list", Node::Fails(Fault::Fifo));
        assert_eq!(brought(&machine).1, 1);
        assert_eq!(in_upper(&machine, b"lib/apk/packages", b"c.list"), Some(true));
        assert_eq!(in_upper(&machine, b"lib/apk/packages", b"e.list"), Some(false));
    }

    #[test]
    fn packages_that_are_not_the_images() {
        let machine = Memory::new();
        machine
            .file("rom/usr/lib/opkg/info/a.list", "/bin/a\n")
            .file("rom/usr/lib/opkg/info/a.control", "Version: 1\n")
            .file("usr/lib/opkg/info/a.list", "/bin/a\n")
            .file("usr/lib/opkg/info/a.control", "Version: 1\n")
            .file("usr/lib/opkg/info/b.list", "/bin/b\n");
        assert_eq!(brought(&machine).0, ["/bin/b"]);
        machine.file("usr/lib/opkg/info/a.control", "Version: 2\n");
        assert_eq!(brought(&machine).0, ["/bin/a", "/bin/b"]);
        assert_eq!(in_upper(&machine, b"bin", b"a"), None);
        machine.remove("rom");
        assert_eq!(brought(&machine).0, [""; 0], "nothing says what the image had");
    }
}
