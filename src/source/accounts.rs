//! Who may log in: `/etc/passwd` joined with `/etc/shadow`, with `/etc/group`, and with what the image has of them.

use super::links::real;
use super::mounts::Mounts;
use super::owner::{fnv, relative};
use super::truth::Truths;
use super::{Coverage, doors, records};
use crate::facts::account::{Account, Entry, Password, Rank, is_aside};
use crate::facts::origin::{Item, Standing, Truth};
use crate::facts::place::place;
use crate::facts::text::{Bytes, trim};
use crate::host::{Fault, Host};
use crate::limits::{ACCOUNT_BYTES, ACCOUNT_FILE_BYTES, ACCOUNTS, LIBRARY_BYTES, ROW_BYTES};

/// The list of users.
pub const PASSWD: &[u8] = b"/etc/passwd";
const SHADOW: &[u8] = b"/etc/shadow";
const GROUP: &[u8] = b"/etc/group";

/// Groups whose members become the administrator with their own password, where `sudo` or `su` is set up so.
const POWERS: [&[u8]; 3] = [b"sudo", b"wheel", b"admin"];

#[derive(Clone, Copy, Debug)]
struct Row {
    start: u16,
    end: u16,
    line: u32,
    /// Of the name, to find it.
    hash: u32,
    /// `/etc/shadow` has the password.
    elsewhere: bool,
    password: Password,
    powers: bool,
}

/// The users of a machine, or of its image.
#[derive(Debug)]
pub struct Accounts {
    text: heapless::Vec<u8, ACCOUNT_BYTES>,
    rows: heapless::Vec<Row, ACCOUNTS>,
}

/// Opens one of the lists: of the machine, or of its image.
type Open<'a, F> = &'a dyn Fn(&[u8]) -> Result<F, Fault>;

impl Accounts {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: heapless::Vec::new(), rows: heapless::Vec::new() }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every user, the one that rules the machine first.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let main = self.main();
        let of = |row: &Row| self.entry(row);
        main.and_then(|at| self.rows.get(at)).into_iter().chain(&self.rows).filter_map(of)
    }

    /// The user with number 0 that is the machine's own.
    fn main(&self) -> Option<usize> {
        let all = || self.rows.iter().enumerate().filter_map(|(at, row)| Some((at, self.entry(row)?)));
        let mut rulers = all().filter(|(_, entry)| entry.uid == 0);
        let named = all().find(|(_, entry)| entry.uid == 0 && entry.name == b"root");
        named.or_else(|| rulers.next()).map(|(at, _)| at)
    }

    fn entry(&self, row: &Row) -> Option<Entry<'_>> {
        Entry::parse(self.text.get(usize::from(row.start)..usize::from(row.end))?)
    }

    fn named<'s>(&'s self, name: &'s [u8]) -> impl Iterator<Item = (Entry<'s>, Password)> + 's {
        let hash = fnv(name);
        let rows = self.rows.iter().filter(move |row| row.hash == hash);
        rows.filter_map(|row| Some((self.entry(row)?, row.password)))
            .filter(move |(entry, _)| entry.name == name)
    }

    /// Calls `each` with every row of that name.
    fn change(&mut self, name: &[u8], each: &dyn Fn(&mut Row)) {
        let hash = fnv(name);
        for at in 0..self.rows.len() {
            let is = self.rows.get(at).is_some_and(|row| {
                // Thousands of rows for one name must not take each line apart as often.
                let text = self.text.get(usize::from(row.start)..usize::from(row.end)).unwrap_or_default();
                let rest = text.strip_prefix(name).filter(|_| row.hash == hash);
                rest.is_some_and(|rest| rest.first() == Some(&b':'))
            });
            if let Some(row) = self.rows.get_mut(at).filter(|_| is) {
                each(row);
            }
        }
    }

    fn add(&mut self, text: &[u8], line: u32, entry: &Entry<'_>) -> Option<()> {
        let start = u16::try_from(self.text.len()).ok()?;
        let end = start.checked_add(u16::try_from(text.len()).ok()?)?;
        self.text.extend_from_slice(text).ok()?;
        // Of one that is shadowed nothing opens it until the other list says so.
        let password = if entry.is_shadowed() { Password::Locked } else { Password::of(entry.password) };
        let (hash, elsewhere) = (fnv(entry.name), entry.password == b"x");
        self.rows.push(Row { start, end, line, hash, elsewhere, password, powers: false }).ok()
    }

    /// Reads the users and their passwords.
    fn read<F: embedded_io::Read<Error = Fault>>(
        &mut self,
        open: Open<'_, F>,
        coverage: &mut Coverage,
    ) -> Result<(), Fault> {
        self.text.clear();
        self.rows.clear();
        let mut file = open(PASSWD)?;
        let (mut line, mut odd, mut full) = (0_u32, 0_u32, false);
        let read = rows(&mut file, &mut |row, cut| {
            line = line.saturating_add(1);
            full |= cut;
            match Entry::parse(row) {
                _ if is_aside(row) => {}
                // Of one that is cut the beginning tells who it is.
                Some(entry) => full |= self.add(trim(row), line, &entry).is_none(),
                None => odd = odd.saturating_add(1),
            }
        });
        said(read, PASSWD, coverage);
        if odd > 0 {
            coverage.gap(PASSWD, format_args!("{odd} lines not understood"));
        }
        if full {
            coverage.gap(PASSWD, format_args!("a line is too long, or there are more than {ACCOUNTS} users"));
        }
        self.passwords(open, coverage);
        Ok(())
    }

    fn passwords<F: embedded_io::Read<Error = Fault>>(&mut self, open: Open<'_, F>, coverage: &mut Coverage) {
        let mut file = match open(SHADOW) {
            Ok(file) => file,
            // Old firmware has none, and asks elsewhere, or nobody can log in. That is nothing that was not seen.
            Err(fault) => {
                let matters = |row: &Row| self.entry(row).is_some_and(|entry| entry.has_shell());
                if !fault.is_absence() && self.rows.iter().any(|row| row.elsewhere && matters(row)) {
                    coverage.gap(SHADOW, format_args!("{fault}"));
                }
                self.rows
                    .iter_mut()
                    .filter(|row| row.elsewhere)
                    .for_each(|row| row.password = Password::Unknown);
                return;
            }
        };
        let read = rows(&mut file, &mut |row, _| {
            let mut fields = trim(row).split(|b| *b == b':');
            if let (Some(name), Some(field)) = (fields.next(), fields.next()) {
                // BusyBox takes the one, dropbear the other: the more open one counts.
                self.change(name, &|row| row.password = row.password.max(Password::of(field)));
            }
        });
        said(read, SHADOW, coverage);
    }

    /// Notes who is in a group that rules.
    fn groups<F: embedded_io::Read<Error = Fault>>(&mut self, open: Open<'_, F>, coverage: &mut Coverage) {
        let mut file = match open(GROUP) {
            Ok(file) => file,
            Err(fault) if fault.is_absence() => return,
            Err(fault) => return coverage.gap(GROUP, format_args!("{fault}")),
        };
        let mut full = false;
        let read = rows(&mut file, &mut |row, cut| {
            let mut fields = trim(row).split(|b| *b == b':');
            let name = fields.next().unwrap_or_default();
            let rules = fields.nth(1) == Some(b"0") || POWERS.contains(&name);
            full |= cut && rules;
            for member in fields.next().unwrap_or_default().split(|b| *b == b',').filter(|_| rules) {
                self.change(member, &|row| row.powers = true);
            }
        });
        said(read, GROUP, coverage);
        if full {
            coverage.gap(GROUP, format_args!("a line is too long"));
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new()
    }
}

/// The lines of a list, and whether they are cut.
fn rows<F: embedded_io::Read<Error = Fault>>(
    file: &mut F,
    each: &mut dyn FnMut(&[u8], bool),
) -> Result<(), Fault> {
    records::<ROW_BYTES, _>(file, b'\n', Some(ACCOUNT_FILE_BYTES), each)
}

fn said(read: Result<(), Fault>, path: &[u8], coverage: &mut Coverage) {
    match read {
        Ok(()) => {}
        Err(Fault::Large) => coverage.gap(path, format_args!("more than {ACCOUNT_FILE_BYTES} bytes")),
        Err(fault) => coverage.gap(path, format_args!("{fault}")),
    }
}

/// What of a user lets somebody in, to be compared.
#[derive(Clone, Copy)]
struct Rights {
    rules: bool,
    enters: bool,
    empty: bool,
}

impl Rights {
    fn of(entry: &Entry<'_>, password: Password) -> Self {
        let enters = entry.has_shell() && password.opens();
        Self { rules: entry.uid == 0, enters, empty: enters && password == Password::Empty }
    }

    /// Whether these let in more than `other` do. The administrator's own password may be set.
    const fn exceed(self, other: Self, main: bool) -> bool {
        self.rules && !other.rules || self.enters && !other.enters && !main || self.empty && !other.empty
    }
}

/// The list lies on an image that nothing can change, once links are followed.
fn is_fixed<H: Host>(host: &H, mounts: &Mounts, truths: &Truths, path: &[u8]) -> bool {
    truths.is_image() && mounts.over(real(host, path).as_slice()).image
}

/// Reads the users into `accounts`, and hands each to `each`. `image` is room for those of the image.
pub fn read<H: Host>(
    host: &H,
    (mounts, truths): (&Mounts, &Truths),
    (accounts, image): (&mut Accounts, &mut Accounts),
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Account<'_>),
) {
    let here = |path: &[u8]| host.file(relative(path)).map(|(file, _)| file);
    match accounts.read(&here, coverage) {
        Ok(()) => {}
        Err(fault) if fault.is_absence() => return coverage.absent = true,
        Err(fault) => return coverage.gap(PASSWD, format_args!("{fault}")),
    }
    accounts.groups(&here, coverage);
    let place_of = real(host, PASSWD);
    let made = place(place_of.as_slice()).is_odd() || mounts.over(place_of.as_slice()).memory;
    let fixed = is_fixed(host, mounts, truths, PASSWD);
    let of_image = |path: &[u8]| truths.in_image(host, path).map(|(file, _)| file);
    let known = image.read(&of_image, &mut Coverage::new()).is_ok();
    let main = accounts.main();
    let mut door: Option<Bytes<LIBRARY_BYTES>> = None;
    for (at, row) in accounts.rows.iter().enumerate() {
        let Some(entry) = accounts.entry(row) else { continue };
        let rank = match (entry.uid, main == Some(at)) {
            (0, true) => Rank::Main,
            (0, false) => Rank::Second,
            _ => Rank::Other,
        };
        let rights = Rights::of(&entry, row.password);
        let was = image.named(entry.name).next().filter(|_| known);
        let in_image = if fixed { Some(true) } else { known.then_some(was.is_some()) };
        let value = accounts.text.get(usize::from(row.start)..usize::from(row.end)).map(Entry::rights);
        if value.as_ref().is_some_and(Bytes::is_cut) {
            coverage.gap(PASSWD, format_args!("line {} is too long to be compared whole", row.line));
        }
        let value = value.as_ref().map(Bytes::as_slice);
        let mut standing = truths.item_as(Item::Account, entry.name, value, in_image);
        let more = was
            .is_some_and(|(entry, password)| rights.exceed(Rights::of(&entry, password), rank == Rank::Main));
        if more && standing == Standing::Known(Truth::Image) {
            standing = Standing::Changed(Truth::Image);
        }
        let earlier = accounts.rows.get(..at).unwrap_or_default().iter();
        let twin = earlier.filter(|other| other.hash == row.hash).filter_map(|other| accounts.entry(other));
        let odd_shell = place(entry.shell).is_odd() && entry.has_shell();
        if entry.uid == 0 && rights.empty && door.is_none() {
            door = Some(doors::find(host, coverage));
        }
        coverage.fact();
        each(&Account {
            file: PASSWD,
            line: row.line,
            entry,
            password: row.password,
            rank,
            powers: row.powers,
            twin: twin.into_iter().any(|other| other.name == entry.name && other.uid != entry.uid),
            shell_there: odd_shell && host.file(relative(entry.shell)).is_ok(),
            made,
            standing,
            door: door.as_ref().map_or(&b""[..], Bytes::as_slice),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::{Memory, Node};

    const IMAGE: &str = "root:x:0:0:root:/root:/bin/ash\ndaemon:*:1:1:daemon:/var:/bin/false\n";

    /// Every user as `line name password standing` and what else is said of it.
    fn users(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut accounts, mut image) = (Box::new(Accounts::new()), Box::new(Accounts::new()));
        let (mut mounts, mut coverage, mut found) = (Mounts::new(), Coverage::new(), Vec::new());
        super::super::mounts::read(machine, &mut mounts, &mut Coverage::new(), &mut |_| {});
        let truths = Truths::find(machine, &mounts, None);
        let tables = (&mut *accounts, &mut *image);
        read(machine, (&mounts, &truths), tables, &mut coverage, &mut |user| {
            let name = String::from_utf8_lossy(user.entry.name);
            let mut said = format!("{} {name} {:?} {:?}", user.line, user.password, user.standing);
            for (is, word) in [
                (user.rank == Rank::Main, "main"),
                (user.rank == Rank::Second, "second"),
                (user.powers, "powers"),
                (user.twin, "twin"),
                (user.shell_there, "shell"),
                (user.made, "made"),
            ] {
                if is {
                    said.push_str(&format!(" {word}"));
                }
            }
            if !user.door.is_empty() {
                said.push_str(&format!(" {}", String::from_utf8_lossy(user.door)));
            }
            found.push(said);
        });
        (found, coverage)
    }

    #[test]
    fn users_are_joined_with_their_passwords_groups_and_the_image() {
        let machine = Memory::new();
        machine
            .file("etc/passwd", "# none\n\nroot:x:0:0:root:/root:/bin/ash\ndaemon:*:1:1:daemon:/var:/bin/sh\nann:x:1000:1000::/a:/tmp/sh\nann:x:0:0::/:/bin/sh\n")
            .file("etc/shadow", "root:$1$a$b:0:0:::::\ndaemon:$1$a$b:\nann:!:0\n")
            .file("etc/group", "root:x:0:\nwheel:x:10:daemon,ann\nusers:x:100:root\n")
            .file("rom/etc/passwd", IMAGE)
            .file("rom/etc/shadow", "root:::\ndaemon:*:\n")
            .file("tmp/sh", "")
            // An image or nothing.
            .file("proc/self/mountinfo", "1 0 31:3 / /rom ro - squashfs /dev/root ro\n2 0 0:9 / / rw - overlay o rw\n");
        let (found, coverage) = users(&machine);
        assert_eq!(
            found,
            [
                "3 root Set Known(Image) main",
                "4 daemon Set Changed(Image) powers",
                "5 ann Locked Added(Image) powers shell",
                "6 ann Locked Added(Image) second powers twin",
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps), (4, 0));
    }

    #[test]
    fn a_password_that_was_taken_away_and_the_door_that_is_open() {
        let machine = Memory::new();
        let mounts = "1 0 31:3 / /rom ro - squashfs /dev/root ro\n2 0 0:9 / / rw - overlay o rw\n";
        machine
            .file("etc/passwd", IMAGE)
            .file("etc/shadow", "root::0:\ndaemon:*:0:\n")
            .file("rom/etc/passwd", IMAGE)
            .file("rom/etc/shadow", "root:$1$a$b:0:\ndaemon:*:0:\n")
            .file("proc/self/mountinfo", mounts);
        assert_eq!(users(&machine).0[0], "1 root Empty Changed(Image) main");
        machine.file("etc/inetd.conf", "#telnet stream tcp nowait root /usr/sbin/telnetd\n");
        assert_eq!(users(&machine).0[0], "1 root Empty Changed(Image) main");
        machine.file("etc/inetd.conf", "telnet stream tcp nowait root /usr/sbin/telnetd telnetd -i\n");
        assert_eq!(users(&machine).0[0], "1 root Empty Changed(Image) main /etc/inetd.conf");
        machine.link("etc/rc.d/S50telnet", "../init.d/telnet").link("etc/rc.d/K50dropbear", "x");
        assert_eq!(users(&machine).0[0], "1 root Empty Changed(Image) main /etc/rc.d/S50telnet");
        machine.process(812, "dropbear", "/usr/sbin/dropbear", b"dropbear\0");
        assert_eq!(users(&machine).0[0], "1 root Empty Changed(Image) main dropbear");
        machine.file("rom/etc/shadow", "root::0:\n");
        assert_eq!(users(&machine).0[0], "1 root Empty Known(Image) main dropbear", "a fresh image");
    }

    #[test]
    fn a_list_that_was_made_at_boot_is_known_to_nobody() {
        // Links are not followed in memory: the list itself stands in for what they lead to.
        let machine = Memory::new();
        machine
            .file("rom/etc/banner", "")
            .link("rom/etc/passwd", "/tmp/etc/passwd")
            .link("etc", "tmp/etc")
            .file("etc/passwd", "admin:6HgsSsJIEOc2U:0:0::/:/bin/sh\nsupport:Ead09Ca6IhzZY:0:0::/:/bin/sh\n");
        assert_eq!(users(&machine).0, ["1 admin Set Unknown main made", "2 support Set Unknown second made"]);
    }

    #[test]
    fn an_image_that_is_the_root_itself() {
        let machine = Memory::new();
        machine
            .file(
                "proc/self/mountinfo",
                "1 0 31:3 / / ro - squashfs /dev/mtdblock3 ro\n2 1 0:9 / /tmp rw - tmpfs t rw\n",
            )
            .file("etc/passwd", "root:$1$a$b:0:0::/:/bin/sh\n");
        assert_eq!(users(&machine).0, ["1 root Set Known(Image) main"]);
        machine.link("etc", "tmp/etc");
        assert_eq!(users(&machine).0, ["1 root Set Unknown main made"]);
    }

    #[test]
    fn what_could_not_be_read_is_said() {
        let machine = Memory::new();
        assert!(users(&machine).1.absent, "there is no list");
        machine.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n");
        let (found, coverage) = users(&machine);
        assert_eq!((found[0].as_str(), coverage.gaps), ("1 root Unknown Unknown main", 0));
        machine.put("etc/shadow", Node::Fails(Fault::Fifo));
        assert_eq!(users(&machine).1.why.as_slice(), b"/etc/shadow: a named pipe");
        machine
            .file("etc/shadow", "root:*:\n")
            .file("etc/passwd", b"root:x:0:0::/root:/bin/sh\nnonsense\n\xff:\xfe\n");
        assert_eq!(users(&machine).1.why.as_slice(), b"/etc/passwd: 2 lines not understood");
        machine.put("etc/passwd", Node::Fails(Fault::Denied));
        let (found, coverage) = users(&machine);
        assert_eq!((found.len(), coverage.gaps, coverage.absent), (0, 1, false));
    }

    #[test]
    fn more_users_than_fit_and_long_lines_are_said_and_the_beginning_of_a_long_one_counts() {
        let machine = Memory::new();
        let row = |number: usize| format!("u{number}:*:{number}:1::/:/bin/false\n");
        machine.file("etc/passwd", (1..=ACCOUNTS).map(row).collect::<String>()).file("etc/shadow", "");
        let (found, coverage) = users(&machine);
        assert_eq!((found.len(), coverage.gaps), (ACCOUNTS, 0));
        machine.file("etc/passwd", (1..=ACCOUNTS + 1).map(row).collect::<String>());
        let (found, coverage) = users(&machine);
        assert_eq!((found.len(), coverage.gaps), (ACCOUNTS, 1));
        machine.file(
            "etc/passwd",
            format!("root:*:0:0::/:\nevil:$1$a$b:0:0:{}:/:/bin/sh\n", "x".repeat(ROW_BYTES)),
        );
        let (found, coverage) = users(&machine);
        assert_eq!((found[1].as_str(), coverage.gaps), ("2 evil Set Unknown second", 1));
        machine.file("etc/passwd", "a".repeat(usize::try_from(ACCOUNT_FILE_BYTES).unwrap() + 1));
        assert!(users(&machine).1.gaps > 0);
    }
}
