//! Keys that let somebody in over SSH: `authorized_keys` of every user, wherever a system keeps it.

use sha2::{Digest, Sha256};

use super::accounts::Accounts;
use super::links::real;
use super::mounts::Mounts;
use super::owner::relative;
use super::truth::Truths;
use super::{Coverage, records};
use crate::facts::key::{FINGERPRINT_BYTES, Key, Line, decode, fingerprint};
use crate::facts::origin::Item;
use crate::facts::place::{Place, place};
use crate::facts::text::{Bytes, is_below, trim};
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{KEY_FILE_BYTES, KEY_FILES, KEY_ROW_BYTES, KEYS, PATH_BYTES};

/// Files for the administrator that no list of users leads to: dropbear's on OpenWrt and AirOS, homes of ASUSWRT and
/// DD-WRT where the list of users is not there, Padavan's copy in flash, Entware's dropbear, one for all.
pub(super) const MAIN: [&[u8]; 9] = [
    b"/etc/dropbear/authorized_keys",
    b"/root/.ssh/authorized_keys",
    b"/root/.ssh/authorized_keys2",
    b"/tmp/home/root/.ssh/authorized_keys",
    b"/tmp/root/.ssh/authorized_keys",
    b"/etc/storage/authorized_keys",
    b"/opt/etc/dropbear/authorized_keys",
    b"/etc/persistent/.ssh/authorized_keys",
    b"/etc/ssh/authorized_keys",
];

/// A file a user (NixOS, and as administrators set it).
pub(super) const BY_NAME: &[u8] = b"/etc/ssh/authorized_keys.d";

/// Whether a home is none in which anybody keeps keys. Firmware makes homes in memory at each boot (ASUSWRT and Padavan below
/// `/tmp/home`, DD-WRT), and QNAP keeps them on its disks, where `.config` is.
fn is_odd_home(home: &[u8]) -> bool {
    match place(home) {
        Place::Volatile => !is_below(home, b"/tmp/home") && home != b"/tmp/root",
        Place::Hidden => !is_below(home, b"/mnt"),
        Place::Mount | Place::Firm => false,
    }
}

/// The keys of a machine, to be counted.
#[derive(Debug)]
pub struct Keys {
    /// A key and the number of a user who has it.
    held: heapless::Vec<([u8; 32], u32), KEYS>,
    /// Keys that the image has in the file that is being read.
    image: heapless::Vec<[u8; 32], KEYS>,
    /// Files that were read, by device and inode.
    seen: heapless::Vec<(u64, u64), KEY_FILES>,
}

impl Keys {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: heapless::Vec::new(), image: heapless::Vec::new(), seen: heapless::Vec::new() }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

/// A file that may hold keys, and whose they are.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    path: &'a [u8],
    user: &'a [u8],
    uid: u32,
    main: bool,
}

/// Looks for keys.
pub struct Walk<'a, H> {
    /// The machine.
    pub host: &'a H,
    /// What knows what belongs here.
    pub truths: &'a Truths,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// Its users.
    pub accounts: &'a Accounts,
    /// Room for what was seen.
    pub keys: &'a mut Keys,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes the keys.
    pub each: &'a mut dyn FnMut(&Key<'_>),
}

impl<H: Host> Walk<'_, H> {
    /// Looks everywhere, twice: who holds a key besides is known only then.
    pub fn run(&mut self) {
        self.keys.held.clear();
        // Of a tree that somebody unpacked all files are his.
        let root = self.host.dir(b"").and_then(|dir| self.host.kind_at(&dir, b"."));
        let owner = if let Ok(Kind::Dir(identity)) = root { identity.uid } else { 0 };
        self.coverage.fact();
        for round in [None, Some((self.truths, owner))] {
            self.keys.seen.clear();
            self.round(round);
            if self.keys.seen.is_empty() {
                return;
            }
        }
    }

    fn round(&mut self, tell: Option<(&Truths, u32)>) {
        let accounts = self.accounts;
        for (at, entry) in accounts.iter().enumerate() {
            let main = at == 0 && entry.uid == 0;
            let mut path = Bytes::<PATH_BYTES>::of(entry.home.strip_suffix(b"/").unwrap_or(entry.home));
            path.push(b"/.ssh/authorized_keys");
            for end in [&b""[..], b"2"] {
                path.push(end);
                if !path.is_cut() && path.as_slice().first() == Some(&b'/') {
                    let (user, uid) = (entry.name, entry.uid);
                    self.file(&Candidate { path: path.as_slice(), user, uid, main }, tell);
                }
            }
        }
        for path in MAIN {
            self.file(&Candidate { path, user: b"root", uid: 0, main: true }, tell);
        }
        let host = self.host;
        let dir = match host.dir(relative(BY_NAME)) {
            Ok(dir) => dir,
            Err(Fault::NotFound | Fault::NotDirectory) => return,
            Err(fault) => return self.gap(BY_NAME, format_args!("{fault}"), tell),
        };
        let listed = host.list(&dir, &mut |name| {
            let mut path = Bytes::<PATH_BYTES>::of(BY_NAME);
            path.push(b"/");
            path.push(name);
            // A name that no user has lets nobody in.
            let user = accounts.iter().find(|entry| entry.name == name);
            let (uid, main) =
                (user.map_or(u32::MAX, |user| user.uid), user.is_some_and(|user| user.uid == 0));
            self.file(&Candidate { path: path.as_slice(), user: name, uid, main }, tell);
        });
        if let Err(fault) = listed {
            self.gap(BY_NAME, format_args!("{fault}"), tell);
        }
    }

    fn gap(&mut self, path: &[u8], what: core::fmt::Arguments<'_>, tell: Option<(&Truths, u32)>) {
        if tell.is_none() {
            self.coverage.gap(path, what);
        }
    }

    fn file(&mut self, place: &Candidate<'_>, tell: Option<(&Truths, u32)>) {
        let host = self.host;
        let (mut file, identity) = match host.file(relative(place.path)) {
            Ok(opened) => opened,
            // A home that is a file: /dev/null.
            Err(Fault::NotFound | Fault::NotDirectory) => return,
            Err(fault) => return self.gap(place.path, format_args!("{fault}"), tell),
        };
        let key = (identity.device, identity.inode);
        if self.keys.seen.contains(&key) {
            return;
        }
        if self.keys.seen.push(key).is_err() {
            return self.gap(place.path, format_args!("more than {KEY_FILES} files of keys"), tell);
        }
        let traits = tell.map(|(truths, owner)| (truths, self.traits(place, &identity, truths, owner)));
        let (mut line, mut full, mut whole) = (0_u32, false, true);
        if let Some((truths, Traits { image: Image::File, .. })) = &traits {
            whole = image_keys(host, truths, place.path, &mut self.keys.image);
            full |= !whole;
        }
        let read = records::<KEY_ROW_BYTES, _>(&mut file, b'\n', Some(KEY_FILE_BYTES), &mut |row, cut| {
            line = line.saturating_add(1);
            full |= cut && tell.is_none();
            let Some(text) = Line::parse(row) else { return };
            let digest = digest(text.blob);
            let Some((truths, traits)) = &traits else {
                let held = &mut self.keys.held;
                if !held.contains(&(digest, place.uid)) {
                    full |= held.push((digest, place.uid)).is_err();
                }
                return;
            };
            let print = fingerprint(&digest);
            let users = self.keys.held.iter().filter(|(other, _)| *other == digest).count();
            let in_image = match traits.image {
                Image::None => None,
                Image::Fixed => Some(true),
                // Of an image with more keys than fit it is not known what it lacks.
                Image::File => Some(self.keys.image.contains(&digest)).filter(|has| *has || whole),
            };
            let name = item(place.path, print.as_slice());
            self.coverage.fact();
            (self.each)(&Key {
                file: place.path,
                line,
                text,
                fingerprint: print.as_slice(),
                user: place.user,
                uid: place.uid,
                main: place.main,
                users: u32::try_from(users).unwrap_or(u32::MAX),
                odd_place: traits.odd_place,
                open: traits.open,
                foreign: traits.foreign,
                standing: truths.item_as(Item::Key, name.as_slice(), Some(text.options), in_image),
            });
        });
        if let Err(fault) = read {
            self.gap(place.path, format_args!("{fault}"), tell);
        }
        if full {
            self.coverage
                .gap(place.path, format_args!("a line is too long, or there are more than {KEYS} keys"));
        }
    }

    /// What is odd about a file of keys, and whether the image could know them.
    fn traits(&self, at: &Candidate<'_>, identity: &Identity, truths: &Truths, owner: u32) -> Traits {
        let real_path = real(self.host, at.path);
        let real_path = real_path.as_slice();
        // That `.ssh` is hidden says nothing: the home does.
        let end = real_path.windows(6).rposition(|part| part == b"/.ssh/");
        let home = real_path.get(..end.unwrap_or(real_path.len())).unwrap_or_default();
        let image = if truths.is_image() && self.mounts.over(real_path).image {
            Image::Fixed
        } else if truths.in_image(self.host, at.path).is_ok() {
            Image::File
        } else {
            Image::None
        };
        Traits {
            odd_place: is_odd_home(home),
            open: identity.mode & 0o002 != 0,
            foreign: ![0, owner, at.uid].contains(&identity.uid),
            image,
        }
    }
}

struct Traits {
    odd_place: bool,
    open: bool,
    foreign: bool,
    image: Image,
}

/// Whether the image could know the keys of a file.
#[derive(Clone, Copy)]
enum Image {
    /// It has no such file: on OpenWrt an owner's keys are in one that no image has.
    None,
    /// It has this file, and nothing can change it.
    Fixed,
    /// It has such a file, to be compared with.
    File,
}

/// Reads the keys of the image's file. Whether that were all.
fn image_keys<H: Host>(
    host: &H,
    truths: &Truths,
    path: &[u8],
    keys: &mut heapless::Vec<[u8; 32], KEYS>,
) -> bool {
    keys.clear();
    let Ok((mut file, _)) = truths.in_image(host, path) else { return false };
    let mut all = true;
    let read = records::<KEY_ROW_BYTES, _>(&mut file, b'\n', Some(KEY_FILE_BYTES), &mut |row, _| {
        if let Some(line) = Line::parse(trim(row)) {
            all &= keys.push(digest(line.blob)).is_ok();
        }
    });
    all && read.is_ok()
}

/// The SHA-256 of a key itself, whatever stands around it.
fn digest(blob: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    decode(blob, &mut |byte| hash.update([byte]));
    hash.finalize().into()
}

/// The name by which a source of truth knows a key ([`Item::Key`]): the path of the file, a blank, the fingerprint.
#[must_use]
pub fn item(path: &[u8], fingerprint: &[u8]) -> Bytes<{ PATH_BYTES + FINGERPRINT_BYTES + 1 }> {
    let mut name = Bytes::of(path);
    name.push(b" ");
    name.push(fingerprint);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::origin::{Standing, Truth};
    use crate::host::memory::{Memory, Node};

    const ANN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann\n";
    const BOB: &str = "no-pty ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB bob\n";

    fn accounts(machine: &Memory) -> Box<Accounts> {
        let (mut accounts, mut image) = (Box::new(Accounts::new()), Box::new(Accounts::new()));
        let tables = (&mut *accounts, &mut *image);
        let mounts = Mounts::new();
        let truths = Truths::find(machine, &mounts, None);
        let coverage = &mut Coverage::new();
        super::super::accounts::read(machine, (&mounts, &truths), tables, coverage, &mut |_| {});
        accounts
    }

    fn keys(machine: &Memory, mut look: impl FnMut(&Key<'_>) -> String) -> (Vec<String>, Coverage) {
        let (mut mounts, mut coverage, mut found) = (Mounts::new(), Coverage::new(), Vec::new());
        super::super::mounts::read(machine, &mut mounts, &mut Coverage::new(), &mut |_| {});
        Walk {
            host: machine,
            truths: &Truths::find(machine, &mounts, None),
            mounts: &mounts,
            accounts: &accounts(machine),
            keys: &mut Keys::new(),
            coverage: &mut coverage,
            each: &mut |key| found.push(look(key)),
        }
        .run();
        (found, coverage)
    }

    fn place_of(key: &Key<'_>) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let whose = if key.main { "main" } else { "other" };
        format!("{}:{} {} {} {whose} {}", text(key.file), key.line, text(key.user), key.uid, key.users)
    }

    #[test]
    fn keys_of_all_users() {
        let machine = Memory::new();
        machine
            .file("etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\nroot:x:0:0::/root:/bin/sh\ngw:x:0:0::/srv/gw/:/bin/sh\nnobody:*:99:99::/dev/null:/\n")
            .file("etc/dropbear/authorized_keys", format!("# mine\n\n{ANN}{BOB}"))
            .file("root/.ssh/authorized_keys2", ANN)
            .file("home/ann/.ssh/authorized_keys", ANN)
            .file("srv/gw/.ssh/authorized_keys", BOB)
            .file("etc/ssh/authorized_keys.d/ann", BOB);
        let (found, coverage) = keys(&machine, place_of);
        assert_eq!(
            found,
            [
                "/root/.ssh/authorized_keys2:1 root 0 main 2",
                "/home/ann/.ssh/authorized_keys:1 ann 1000 other 2",
                "/srv/gw/.ssh/authorized_keys:1 gw 0 other 2",
                "/etc/dropbear/authorized_keys:3 root 0 main 2",
                "/etc/dropbear/authorized_keys:4 root 0 main 2",
                "/etc/ssh/authorized_keys.d/ann:1 ann 1000 other 2",
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps), (7, 0));
        assert!(keys(&Memory::new(), place_of).0.is_empty());
    }

    #[test]
    fn what_the_image_knows() {
        let machine = Memory::new();
        machine
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("etc/dropbear/authorized_keys", format!("{ANN}{BOB}"))
            .file(
                "proc/self/mountinfo",
                "1 0 31:3 / /rom ro - squashfs /dev/root ro\n2 0 0:9 / / rw - overlay o rw\n",
            )
            .file("rom/etc/banner", "");
        let standing = |key: &Key<'_>| format!("{:?}", key.standing);
        assert_eq!(keys(&machine, standing).0, ["Unknown", "Unknown"], "an owner's own");
        machine
            .file("rom/etc/dropbear/authorized_keys", "x\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 maker\n");
        let expected = [Standing::Known(Truth::Image), Standing::Added(Truth::Image)];
        assert_eq!(keys(&machine, standing).0, expected.map(|standing| format!("{standing:?}")));
        machine.link("rom/etc", "/etc");
        assert_eq!(keys(&machine, standing).0, ["Unknown", "Unknown"], "a link out of the image");
        machine.file("proc/self/mountinfo", "1 0 31:3 / / ro - squashfs /dev/root ro\n");
        assert_eq!(keys(&machine, standing).0, ["Known(Image)", "Known(Image)"]);
    }

    #[test]
    fn odd_files() {
        let machine = Memory::new();
        machine
            .file(
                "etc/passwd",
                "root:x:0:0::/root:/bin/sh\ngw:x:0:0::/tmp/gw:/bin/sh\nann:x:1000:1::/home/ann:/bin/sh\n",
            )
            .file("root/.ssh/authorized_keys", ANN)
            .file("tmp/gw/.ssh/authorized_keys", ANN)
            .file("home/ann/.ssh/authorized_keys", ANN)
            .mode("home/ann/.ssh/authorized_keys", 0o100_666);
        let traits = |key: &Key<'_>| format!("{} {} {}", key.odd_place, key.open, key.foreign);
        assert_eq!(keys(&machine, traits).0, ["false false false", "true false false", "false true false"]);
        machine.link("root", "/tmp/home/root");
        assert_eq!(keys(&machine, traits).0[0], "false false false", "ASUSWRT");
        machine.link("root", "/tmp/.x");
        assert_eq!(keys(&machine, traits).0[0], "true false false");
    }

    #[test]
    fn what_could_not_be_read_is_said() {
        let machine = Memory::new();
        machine.put("root/.ssh/authorized_keys", Node::Fails(Fault::Fifo));
        assert_eq!(keys(&machine, place_of).1.why.as_slice(), b"/root/.ssh/authorized_keys: a named pipe");
        let line = |number: usize| format!("ssh-rsa {number:08} x\n");
        let all = (0..KEYS).map(line).collect::<String>();
        machine.file("root/.ssh/authorized_keys", &all);
        let (found, coverage) = keys(&machine, place_of);
        assert_eq!((found.len(), coverage.gaps), (KEYS, 0));
        machine.file("root/.ssh/authorized_keys", format!("{all}{}", line(KEYS)));
        let (found, coverage) = keys(&machine, place_of);
        assert_eq!(found.len(), KEYS + 1);
        assert!(coverage.gaps > 0);
        let long = format!("ssh-rsa AAAAB3NzaC1yc2EA {}\n", "x".repeat(KEY_ROW_BYTES));
        machine.file("root/.ssh/authorized_keys", &long);
        let (found, coverage) = keys(&machine, place_of);
        assert_eq!(found.len(), 1, "its beginning counts");
        assert!(coverage.gaps > 0);
        machine.remove("root");
        let row = |number: usize| format!("u{number}:*:0:0::/h/{number}:/bin/sh\n");
        let passwd: String = (0..=KEY_FILES).map(row).collect();
        machine.file("etc/passwd", passwd);
        for number in 0..=KEY_FILES {
            machine.file(&format!("h/{number}/.ssh/authorized_keys"), ANN);
        }
        let (found, coverage) = keys(&machine, place_of);
        assert_eq!(found.len(), KEY_FILES);
        assert!(coverage.gaps > 0);
    }
}
