//! What the baseline says of a file or link: known as it is, otherwise, or not at all.

use super::links::one_step;
use super::owner::relative;
use super::{hash, inventory};
use crate::baseline::{Baseline, FileValue, Kind, layout::DIGEST_LEN};
use crate::facts::origin::{Standing, Truth};
use crate::facts::startup_file::Difference;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity};
use crate::limits::PATH_BYTES;

/// What is at a path now.
#[derive(Clone, Copy, Debug)]
pub enum Now<'a> {
    /// A file.
    File(&'a Identity),
    /// A link, and where it leads.
    Link(&'a [u8]),
}

/// Rights that give more than a startup file needs: set-user-id, set-group-id, writable by others.
const WIDE: u16 = 0o6002;

/// Links to directories in one path.
const LINKS: u32 = 8;

/// What a baseline says of a path, and in what it differs from what is there now.
///
/// # Errors
/// When the file could not be read.
pub fn file<H: Host>(
    host: &H,
    baseline: &Baseline<'_>,
    path: &[u8],
    now: Now<'_>,
) -> Result<(Standing, Difference), Fault> {
    const UNKNOWN: (Standing, Difference) = (Standing::Unknown, Difference::None);
    let changed = |difference| Ok((Standing::Changed(Truth::Baseline), difference));
    let then = match find(host, baseline, path) {
        Found::Unsaid => return Ok(UNKNOWN),
        Found::Missing => return Ok((Standing::Added(Truth::Baseline), Difference::None)),
        Found::There(then) => then,
    };
    let identity = match now {
        Now::Link(target) if then.is_link() && then.rest == target => {
            return Ok((Standing::Known(Truth::Baseline), Difference::None));
        }
        Now::Link(target) => {
            let masked = target == b"/dev/null";
            return changed(if masked { Difference::Masked } else { Difference::Target });
        }
        Now::File(identity) => identity,
    };
    let mut digest = [0_u8; 32];
    let is_file = then.is_file();
    if is_file && then.rest.is_empty() {
        return Ok(UNKNOWN);
    }
    if is_file {
        digest = hash::sha256(&mut host.file(relative(path))?.0, identity.size)?;
    }
    if !is_file || digest.get(..DIGEST_LEN) != Some(then.rest) {
        return changed(if identity.size == 0 { Difference::Emptied } else { Difference::Content });
    }
    let value = FileValue::file(false, identity.mode, inventory::owner(host, identity.uid), then.rest);
    if value.is_same(&then) {
        return Ok((Standing::Known(Truth::Baseline), Difference::None));
    }
    let wider = value.rights() & !then.rights() & WIDE != 0 || value.uid != then.uid;
    changed(Difference::Mode { wider })
}

/// What a baseline has of a path.
enum Found<'b> {
    /// It cannot know such a thing.
    Unsaid,
    /// It would have it.
    Missing,
    /// This.
    There(FileValue<'b>),
}

fn find<'b, H: Host>(host: &H, baseline: &Baseline<'b>, path: &[u8]) -> Found<'b> {
    let get = |path: &[u8]| baseline.get(Kind::File, path).and_then(FileValue::read);
    if let Some(value) = get(path) {
        return Found::There(value);
    }
    // It has each file by its path without links: /usr/bin/x, whatever /bin leads to.
    let Some(real) = resolved(host, path) else { return Found::Unsaid };
    match get(real.as_slice()) {
        Some(value) => Found::There(value),
        None if baseline.is_whole(Kind::File) && inventory::covers(real.as_slice()) => Found::Missing,
        None => Found::Unsaid,
    }
}

/// A path with all links to directories followed; what it names may be a link itself.
fn resolved<H: Host>(host: &H, path: &[u8]) -> Option<Bytes<PATH_BYTES>> {
    let mut whole = one_step(b"/", path);
    for _ in 0..LINKS {
        let Some(next) = step(host, whole.as_slice()) else {
            return Some(whole).filter(|whole| !whole.is_cut());
        };
        whole = next;
    }
    None
}

/// A path with the first link in it followed. `None`: there is none.
fn step<H: Host>(host: &H, path: &[u8]) -> Option<Bytes<PATH_BYTES>> {
    let mut start = 1_usize;
    loop {
        let part = path.get(start..)?;
        let end = part.iter().position(|b| *b == b'/')?.checked_add(start)?;
        let parent = path.get(..start.saturating_sub(1))?;
        let mut target = Bytes::<PATH_BYTES>::new();
        let dir = host.dir(relative(parent)).ok()?;
        if target.fill(|into| host.link_at(&dir, path.get(start..end).unwrap_or_default(), into)).is_ok() {
            let mut rest = Bytes::<PATH_BYTES>::of(one_step(path.get(..end)?, target.as_slice()).as_slice());
            rest.push(path.get(end..)?);
            return Some(rest);
        }
        start = end.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Table;
    use crate::host::Kind as Node;
    use crate::host::memory::Memory;
    use crate::source::{Coverage, inventory};

    /// A baseline of a machine.
    pub(crate) fn taken(machine: &Memory) -> Baseline<'static> {
        let (mut table, mut bytes) = (Box::new(Table::new()), Vec::new());
        table.begin(Kind::File);
        inventory::Walk::new(machine, &mut Coverage::new(), &mut |path, value| {
            table.add(Kind::File, path, [&value.head(), value.rest]);
        })
        .run();
        table.sort();
        let written = table.write(0, b"", &mut |part| -> Result<(), ()> {
            bytes.extend_from_slice(part);
            Ok(())
        });
        written.unwrap();
        Baseline::open(bytes.leak()).unwrap()
    }

    fn ask(machine: &Memory, baseline: &Baseline<'_>, path: &str) -> (Standing, Difference) {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let dir = machine.dir(relative(parent.as_bytes())).unwrap();
        let mut target = Bytes::<PATH_BYTES>::new();
        match machine.kind_at(&dir, name.as_bytes()) {
            Ok(Node::Link) => {
                target.fill(|into| machine.link_at(&dir, name.as_bytes(), into)).unwrap();
                file(machine, baseline, path.as_bytes(), Now::Link(target.as_slice())).unwrap()
            }
            Ok(Node::File(identity)) => {
                file(machine, baseline, path.as_bytes(), Now::File(&identity)).unwrap()
            }
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn what_is_as_it_was_and_what_not() {
        use Difference as D;
        const KNOWN: (Standing, Difference) = (Standing::Known(Truth::Baseline), D::None);
        const ADDED: (Standing, Difference) = (Standing::Added(Truth::Baseline), D::None);
        let changed = |difference| (Standing::Changed(Truth::Baseline), difference);
        let machine = Memory::new();
        for name in ["same", "content", "emptied", "mode", "wider", "linked"] {
            machine.file(&format!("etc/init.d/{name}"), "old");
        }
        machine.link("etc/rc.d/S1same", "../init.d/same").link("etc/rc.d/S2other", "../init.d/same");
        machine.link("etc/rc.d/S3masked", "../init.d/same").link("etc/rc.d/S4file", "../init.d/same");
        machine.link("bin", "usr/bin").file("usr/bin/x", "x").file("usr/share/x", "x");
        let baseline = taken(&machine);
        machine.file("etc/init.d/content", "new").file("etc/init.d/emptied", "");
        machine.mode("etc/init.d/mode", 0o100_700).mode("etc/init.d/wider", 0o104_755);
        machine.link("etc/init.d/linked", "same").link("etc/rc.d/S2other", "/tmp/x");
        machine.link("etc/rc.d/S3masked", "/dev/null").file("etc/rc.d/S4file", "x");
        machine
            .file("etc/init.d/added", "")
            .link("etc/rc.d/S5added", "../init.d/same")
            .file("usr/bin/new", "");
        for (path, expected) in [
            ("/etc/init.d/same", KNOWN),
            ("/etc/init.d/content", changed(D::Content)),
            ("/etc/init.d/emptied", changed(D::Emptied)),
            ("/etc/init.d/mode", changed(D::Mode { wider: false })),
            ("/etc/init.d/wider", changed(D::Mode { wider: true })),
            ("/etc/init.d/linked", changed(D::Target)),
            ("/etc/rc.d/S1same", KNOWN),
            ("/etc/rc.d/S2other", changed(D::Target)),
            ("/etc/rc.d/S3masked", changed(D::Masked)),
            ("/etc/rc.d/S4file", changed(D::Content)),
            ("/etc/init.d/added", ADDED),
            ("/etc/rc.d/S5added", ADDED),
            ("/usr/bin/x", KNOWN),
            ("/usr/bin/new", ADDED),
            ("/usr/share/x", (Standing::Unknown, D::None)),
        ] {
            assert_eq!(ask(&machine, &baseline, path), expected, "{path}");
        }
    }

    #[test]
    fn links_to_directories_are_seen_through() {
        let machine = Memory::new();
        machine.link("bin", "usr/bin").link("etc/rc3.d", "rc.d/rc3.d").link("loop", "loop");
        let whole = |path: &str| {
            resolved(&machine, path.as_bytes())
                .map(|path| String::from_utf8(path.as_slice().to_vec()).unwrap())
        };
        for (path, expected) in [
            ("/bin/x", "/usr/bin/x"),
            ("/etc/rc3.d/S1x", "/etc/rc.d/rc3.d/S1x"),
            ("/usr/../bin/./x", "/usr/bin/x"),
            ("/bin", "/bin"),
            ("/", ""),
            ("/none/x", "/none/x"),
        ] {
            assert_eq!(whole(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(whole("/loop/x"), None);
    }

    #[test]
    fn what_could_not_be_held_accuses_nobody() {
        let machine = Memory::new();
        machine.file("bin/x", "x");
        let mut table = Box::new(Table::new());
        table.add(Kind::File, b"/bin/unread", [&FileValue::file(false, 0o755, 0, b"").head(), b""]);
        table.miss(Kind::File, 1);
        let mut bytes = Vec::new();
        let _ = table.write(0, b"", &mut |part| -> Result<(), ()> {
            bytes.extend_from_slice(part);
            Ok(())
        });
        let baseline = Baseline::open(&bytes).unwrap();
        machine.file("bin/unread", "x");
        for path in ["/bin/x", "/bin/unread"] {
            assert_eq!(ask(&machine, &baseline, path).0, Standing::Unknown, "{path}");
        }
    }
}
