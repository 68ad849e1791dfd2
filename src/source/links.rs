//! Where a path leads once all links on the way are followed, so that its place and its mount are those of the file.

use super::owner::relative;
use crate::facts::text::{Bytes, basename};
use crate::host::Host;
use crate::limits::{LINKS, PATH_BYTES};

/// Follows the links of an absolute path by name, as far as there is something; the rest stays as it is written. A path
/// with too many links, or one that becomes too long, stays whole as it is written.
pub fn real<H: Host>(host: &H, path: &[u8]) -> Bytes<PATH_BYTES> {
    let (mut done, mut rest) = (Bytes::<PATH_BYTES>::new(), Bytes::<PATH_BYTES>::of(path));
    let mut left = LINKS;
    while !rest.is_empty() {
        let text = rest.as_slice();
        let slash = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
        let (part, after) = (text.get(..slash).unwrap_or_default(), text.get(slash.saturating_add(1)..));
        let after = after.unwrap_or_default();
        let mut target = Bytes::<PATH_BYTES>::new();
        match part {
            b"" | b"." => {}
            b".." => done.truncate(done.as_slice().iter().rposition(|b| *b == b'/').unwrap_or_default()),
            name => {
                let dir = host.dir(relative(done.as_slice()));
                let link = dir.and_then(|dir| target.fill(|into| host.link_at(&dir, name, into)));
                if link.is_err() {
                    done.push(b"/");
                    done.push(name);
                }
            }
        }
        if !target.is_empty() {
            let Some(fewer) = left.checked_sub(1) else { return Bytes::of(path) };
            left = fewer;
            if target.as_slice().first() == Some(&b'/') {
                done.clear();
            }
            target.push(b"/");
        }
        target.push(after);
        if target.is_cut() || done.is_cut() {
            return Bytes::of(path);
        }
        rest = target;
    }
    done
}

/// Where a link leads, as a path from the root. One step: what is linked to on is looked up by its own name.
#[must_use]
pub fn one_step(path: &[u8], target: &[u8]) -> Bytes<PATH_BYTES> {
    let mut whole = Bytes::<PATH_BYTES>::new();
    let name = basename(path);
    let parent = path.get(..path.len().saturating_sub(name.len())).unwrap_or_default();
    let start = if target.first() == Some(&b'/') { &b""[..] } else { parent };
    for part in start.split(|b| *b == b'/').chain(target.split(|b| *b == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                let last = basename(whole.as_slice()).len().saturating_add(1);
                let length = whole.as_slice().len().saturating_sub(last);
                whole.truncate(length);
            }
            _ => {
                whole.push(b"/");
                whole.push(part);
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    #[test]
    fn links_of_firmware() {
        let machine = Memory::new();
        machine
            .link("etc", "tmp/etc")
            .link("tmp/etc/passwd", "../../var/./passwd")
            .file("var/passwd", "")
            .link("root", "/tmp/home/root")
            .link("loop", "/loop")
            .file("usr/x", "");
        let real =
            |path: &str| String::from_utf8(real(&machine, path.as_bytes()).as_slice().to_vec()).unwrap();
        assert_eq!(real("/etc/passwd"), "/var/passwd");
        assert_eq!(real("/root/.ssh/authorized_keys"), "/tmp/home/root/.ssh/authorized_keys");
        assert_eq!(real("//usr/./x"), "/usr/x");
        assert_eq!(real("/loop/x"), "/loop/x");
        assert_eq!(real("/../usr/x"), "/usr/x");
        assert_eq!(real("/"), "");
    }

    #[test]
    fn long_paths_stay_as_they_are() {
        let machine = Memory::new();
        let far = format!("/{}", "x".repeat(PATH_BYTES - 3));
        machine.link("a", &far).file("b", "");
        assert_eq!(real(&machine, b"/a/b/c").as_slice(), b"/a/b/c");
        let long = format!("/{}", "y".repeat(PATH_BYTES + 9));
        assert!(real(&machine, long.as_bytes()).as_slice().len() <= PATH_BYTES);
    }

    #[test]
    fn where_one_link_leads() {
        for (path, target, expected) in [
            (&b"/etc/rc.d/S10x"[..], &b"../init.d/x"[..], &b"/etc/init.d/x"[..]),
            (b"/etc/rc.d/S10x", b"/usr/./lib//x", b"/usr/lib/x"),
            (b"/x", b"../../y", b"/y"),
            (b"/etc/x", b".", b"/etc"),
        ] {
            assert_eq!(one_step(path, target).as_slice(), expected);
        }
    }
}
