//! A user that gives somebody the rights of the administrator, or a way in, that the firmware does not have.
//!
//! # Sees
//! Lines of `/etc/passwd`, with `/etc/shadow`, `/etc/group` and what the image has of them. `infected` when the shell
//! of a user is a file in a volatile or hidden place. `suspicious`: a second user with number 0, or one that is
//! written so that it reads as 0; an administrator whose password was taken away, with a server of telnet, rlogin or
//! dropbear that runs or is started (the name of a process, a link `S50telnet`, a line of inetd.conf, inittab, rcS or
//! rc.local); a service's user (`nobody`, `daemon`, `www-data`) that can log in with a password; a user that may log
//! in and could not in the image. `notice`: any administrator without a password, the same name with two numbers.
//!
//! # Why it matters
//! A user of one's own outlives a changed password and looks like the vendor's. One line in a text file is enough.
//!
//! # Misses and false alarms
//! Silent for what the image or a baseline has: of OpenWrt's fresh image only that it has no password is told, as
//! `notice`, until one is set. Vendors have several administrators and make the list at boot out of settings
//! (`/etc/passwd` leads to `/var/passwd`): where nothing knows the image, those are `notice`, and so is one that
//! somebody added to such a list. A locked user is no way in, unless a key is: see `ssh-key`. An owner's own users
//! with a number of 1000 and more are silent. OpenSSH refuses a user without a password unless it is told otherwise,
//! so it is no such server. A file of passwords that could not be read leaves the passwords unknown, and the verdict
//! says so.
//!
//! # Sources
//! passwd(5), shadow(5), group(5), crypt(5); BusyBox libbb/correct_password.c; musl src/passwd/getpwent_a.c; lists of
//! Broadcom's, Realtek's and DD-WRT's firmware; MITRE ATT&CK T1136.001.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::account::{Account, Password, Rank};
use crate::facts::origin::{Standing, Truth};
use crate::facts::place::{Place, place};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "account-odd",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1136.001",
    title: "a user with rights that the firmware gives nobody",
    advice: Advice::DOOR,
    sources: &[Source::Accounts],
    hooks: &[Hook::Account(run)],
};

/// Names that vendors and providers give to administrators beside `root` (Broadcom: admin, support, user, home, nobody;
/// DD-WRT: reboot, SuperAdmin; Realtek and ZTE: adsl, telecomadmin; UniFi: mcuser; BSD: toor).
const VENDORS: [&[u8]; 28] = [
    b"root",
    b"admin",
    b"Admin",
    b"administrator",
    b"Administrator",
    b"support",
    b"user",
    b"home",
    b"guest",
    b"nobody",
    b"super",
    b"superuser",
    b"superadmin",
    b"SuperAdmin",
    b"supervisor",
    b"operator",
    b"service",
    b"tech",
    b"technician",
    b"engineer",
    b"telecomadmin",
    b"useradmin",
    b"adsl",
    b"nvram",
    b"ubnt",
    b"mcuser",
    b"reboot",
    b"toor",
];

/// Users that services run as, on OpenWrt, BusyBox and Debian. Nobody logs in as one of these; postgres, git and backup
/// are not here, whose administrators do.
const SERVICES: [&[u8]; 24] = [
    b"nobody",
    b"daemon",
    b"bin",
    b"sys",
    b"adm",
    b"lp",
    b"mail",
    b"news",
    b"uucp",
    b"games",
    b"man",
    b"proxy",
    b"irc",
    b"list",
    b"www",
    b"www-data",
    b"http",
    b"sshd",
    b"dnsmasq",
    b"network",
    b"ubus",
    b"logd",
    b"ntp",
    b"messagebus",
];

/// Where numbers of people begin (useradd(8), `UID_MIN` of login.defs(5)).
const PEOPLE: u32 = 1000;

fn run(account: &Account<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some((severity, said)) = judge(account) else { return };
    let entry = &account.entry;
    let draft = out.at(account.file, account.line).severity(severity).say("user ").quote(entry.name);
    let draft = draft.say(" (number ").number(entry.uid).say(", shell ");
    let draft = draft.quote(if entry.shell.is_empty() { b"/bin/sh" } else { entry.shell });
    let draft = draft.say("): ").say(said);
    let draft = match account.standing {
        Standing::Added(truth) => draft.say("; ").say(truth.words()).say(" does not have it"),
        Standing::Changed(Truth::Baseline) => draft.say("; it is otherwise in the baseline"),
        Standing::Changed(truth) => draft.say("; it can do less in ").say(truth.words()),
        Standing::Known(truth) => draft.say("; as in ").say(truth.words()),
        Standing::Unknown => draft,
    };
    let empty = account.password == Password::Empty && !account.door.is_empty() && entry.uid == 0;
    out.found(if empty { draft.say("; this lets it in: ").quote(account.door) } else { draft });
}

/// The worst that is to be said of a user.
fn judge(account: &Account<'_>) -> Option<(Severity, &'static str)> {
    use Severity::{Notice, Suspicious};
    let entry = &account.entry;
    let odd = account.standing.is_odd();
    let empty = account.password == Password::Empty && entry.has_shell();
    let no_password = (Notice, "it has the administrator's rights and no password");
    // A baseline knows that a user was there, not that its shell is a program to be trusted.
    let odd_place = matches!(place(entry.shell), Place::Volatile | Place::Hidden);
    let shells = entry.has_shell() && account.shell_there && odd_place;
    if account.standing.is_known() && !(shells && account.standing == Standing::Known(Truth::Baseline)) {
        return (empty && entry.uid == 0).then_some(no_password);
    }
    match place(entry.shell) {
        Place::Volatile | Place::Hidden if entry.has_shell() && account.shell_there => {
            return Some((Severity::Infected, "its shell lies in a volatile or hidden place"));
        }
        Place::Firm => {}
        _ if entry.has_shell() => return Some((Suspicious, "its shell is in an odd place")),
        _ => {}
    }
    if entry.uid == 0 && !entry.plain {
        return Some((Suspicious, "its number is written so that it reads as 0"));
    }
    match account.rank {
        Rank::Second => second(account),
        Rank::Main if empty && odd && !account.door.is_empty() => {
            Some((Suspicious, "its password was taken away"))
        }
        Rank::Main => empty.then_some(no_password),
        Rank::Other => other(account, empty),
    }
}

/// Another user with number 0.
fn second(account: &Account<'_>) -> Option<(Severity, &'static str)> {
    const SECOND: &str = "a second user with the administrator's rights";
    let enters = account.lets_in();
    let vendors = VENDORS.contains(&account.entry.name);
    if account.standing.is_odd() {
        let able = account.entry.has_shell();
        return Some((if able { Severity::Suspicious } else { Severity::Notice }, SECOND));
    }
    match (enters, vendors, account.made) {
        (true, false, false) => Some((Severity::Suspicious, SECOND)),
        (true, ..) => Some((Severity::Notice, SECOND)),
        // Locked, of a name that nobody knows.
        (false, false, false) if account.entry.has_shell() => Some((Severity::Notice, SECOND)),
        _ => None,
    }
}

/// A user with another number.
fn other(account: &Account<'_>, empty: bool) -> Option<(Severity, &'static str)> {
    use Severity::{Notice, Suspicious};
    let entry = &account.entry;
    let service = SERVICES.contains(&entry.name);
    let opens = empty || account.password == Password::Set && entry.has_shell();
    let said = match (opens, account.standing) {
        (true, Standing::Changed(_)) => Some((Suspicious, "it can log in")),
        (true, Standing::Added(Truth::Baseline)) => Some((Suspicious, "a new user that can log in")),
        (true, Standing::Added(_)) if service || entry.uid < PEOPLE => {
            Some((Suspicious, "a new user that can log in"))
        }
        (true, Standing::Added(_)) if account.powers => {
            Some((Notice, "a new user that can log in and become the administrator"))
        }
        (true, _) if service => {
            // Old firmware keeps all hashes in one list, also those of users whose name is a service's.
            let firm = entry.is_shadowed() && !account.made && !empty;
            Some((if firm { Suspicious } else { Notice }, "a service's user that can log in"))
        }
        (true, _) if empty => Some((Notice, "it has no password")),
        _ => None,
    };
    said.or_else(|| account.twin.then_some((Notice, "an earlier line has its name with another number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::account as said;
    use crate::facts::account::Entry;

    const NOTICE: [Severity; 1] = [Severity::Notice];
    const SUSPICIOUS: [Severity; 1] = [Severity::Suspicious];
    const ADDED: Standing = Standing::Added(Truth::Image);
    const CHANGED: Standing = Standing::Changed(Truth::Image);
    const KNOWN: Standing = Standing::Known(Truth::Image);

    fn user(row: &'static str, password: Password, rank: Rank) -> Account<'static> {
        Account {
            file: b"/etc/passwd",
            line: 1,
            entry: Entry::parse(row.as_bytes()).unwrap(),
            password,
            rank,
            powers: false,
            twin: false,
            shell_there: false,
            made: false,
            standing: Standing::Unknown,
            door: b"",
        }
    }

    #[test]
    fn second_administrators() {
        let evil = user("gwtoor:x:0:0::/:/bin/sh", Password::Set, Rank::Second);
        for standing in [Standing::Unknown, ADDED, CHANGED, Standing::Added(Truth::Baseline)] {
            assert_eq!(said(&CHECK, &Account { standing, ..evil }), SUSPICIOUS);
        }
        assert_eq!(said(&CHECK, &Account { made: true, ..evil }), NOTICE, "vendors make any name");
        assert_eq!(said(&CHECK, &Account { password: Password::Locked, ..evil }), NOTICE);
        assert_eq!(said(&CHECK, &Account { standing: KNOWN, ..evil }), []);
        assert_eq!(said(&CHECK, &Account { standing: Standing::Known(Truth::Baseline), ..evil }), []);
        let added = Account { standing: ADDED, made: true, ..evil };
        assert_eq!(said(&CHECK, &added), SUSPICIOUS);
        for row in ["support:x:0:0::/:/bin/sh", "admin:x:0:0::/:", "nobody:x:0:0::/:/bin/sh"] {
            assert_eq!(said(&CHECK, &user(row, Password::Set, Rank::Second)), NOTICE, "{row}");
            assert_eq!(said(&CHECK, &user(row, Password::Locked, Rank::Second)), [], "{row}");
        }
        let toor = user("toor:*:0:0::/root:", Password::Locked, Rank::Second);
        assert_eq!(said(&CHECK, &toor), []);
        assert_eq!(said(&CHECK, &user("reboot:x:0:0::/:/sbin/reboot", Password::Set, Rank::Second)), []);
        let padded = user("gw:x:4294967296:0::/:/bin/sh", Password::Locked, Rank::Second);
        assert_eq!(said(&CHECK, &padded), SUSPICIOUS);
    }

    #[test]
    fn no_password() {
        let root = user("root::0:0:root:/root:/bin/ash", Password::Empty, Rank::Main);
        let door = b"dropbear";
        for standing in [Standing::Unknown, KNOWN] {
            assert_eq!(said(&CHECK, &Account { standing, door, ..root }), NOTICE, "a fresh image");
        }
        assert_eq!(said(&CHECK, &Account { standing: CHANGED, door, ..root }), SUSPICIOUS);
        assert_eq!(said(&CHECK, &Account { standing: CHANGED, ..root }), NOTICE, "no server");
        assert_eq!(said(&CHECK, &Account { password: Password::Set, door, ..root }), []);
        let closed = user("root::0:0::/:/bin/false", Password::Empty, Rank::Main);
        assert_eq!(said(&CHECK, &closed), []);
    }

    #[test]
    fn shells_in_odd_places() {
        for (shell, there, expected) in [
            ("/tmp/.x/sh", true, Severity::Infected),
            ("/usr/lib/.x/sh", true, Severity::Infected),
            ("/tmp/sh", false, Severity::Suspicious),
            ("/mnt/usb/bash", true, Severity::Suspicious),
        ] {
            let row = format!("a:x:1000:1000::/home/a:{shell}");
            let mut odd = user("a:x:1000:1000::/home/a:", Password::Locked, Rank::Other);
            odd.entry = Entry::parse(row.as_bytes()).unwrap();
            odd.shell_there = there;
            assert_eq!(said(&CHECK, &odd), [expected], "{shell}");
            assert_eq!(said(&CHECK, &Account { standing: KNOWN, ..odd }), [], "{shell}");
            let standing = Standing::Known(Truth::Baseline);
            let infected = [expected].into_iter().filter(|it| *it == Severity::Infected).collect::<Vec<_>>();
            assert_eq!(said(&CHECK, &Account { standing, ..odd }), infected, "{shell}");
        }
        let null = user("nobody:x:65534:65534::/dev/null:/dev/null", Password::Set, Rank::Other);
        assert_eq!(said(&CHECK, &null), [], "ASUSWRT");
        assert_eq!(said(&CHECK, &user("a:x:1000:1000::/:/opt/bin/zsh", Password::Set, Rank::Other)), []);
    }

    #[test]
    fn services_that_can_log_in() {
        let web = user("www-data:x:33:33::/var/www:/bin/bash", Password::Set, Rank::Other);
        assert_eq!(said(&CHECK, &web), SUSPICIOUS);
        assert_eq!(said(&CHECK, &Account { made: true, ..web }), NOTICE);
        assert_eq!(said(&CHECK, &Account { password: Password::Locked, ..web }), []);
        assert_eq!(said(&CHECK, &Account { password: Password::Unknown, ..web }), []);
        let old = user("nobody:x3yV8vqWrI/do:99:99::/:/bin/sh", Password::Set, Rank::Other);
        assert_eq!(said(&CHECK, &old), NOTICE, "hashes in the list itself");
        let locked = user("nobody:*:65534:65534::/var:/bin/false", Password::Locked, Rank::Other);
        assert_eq!(said(&CHECK, &Account { password: Password::Set, ..locked }), []);
        for row in
            ["postgres:x:104:104::/:/bin/bash", "git:x:105:105::/:/bin/sh", "backup:x:34:34::/:/bin/sh"]
        {
            assert_eq!(said(&CHECK, &user(row, Password::Set, Rank::Other)), [], "{row}");
        }
    }

    #[test]
    fn users_that_somebody_added() {
        let person = user("ann:x:1000:1000::/home/ann:/bin/ash", Password::Set, Rank::Other);
        assert_eq!(said(&CHECK, &Account { standing: ADDED, ..person }), []);
        assert_eq!(said(&CHECK, &Account { standing: ADDED, powers: true, ..person }), NOTICE);
        let standing = Standing::Added(Truth::Baseline);
        assert_eq!(said(&CHECK, &Account { standing, ..person }), SUSPICIOUS);
        let system = user("gwsys:x:201:201::/:/bin/ash", Password::Set, Rank::Other);
        assert_eq!(said(&CHECK, &Account { standing: ADDED, ..system }), SUSPICIOUS);
        assert_eq!(said(&CHECK, &Account { standing: CHANGED, ..system }), SUSPICIOUS);
        assert_eq!(said(&CHECK, &Account { standing: ADDED, password: Password::Locked, ..system }), []);
        let daemon = user("mosquitto:x:200:200::/var:/bin/false", Password::Locked, Rank::Other);
        assert_eq!(said(&CHECK, &Account { standing: ADDED, ..daemon }), []);
        assert_eq!(said(&CHECK, &Account { twin: true, ..daemon }), NOTICE);
        assert_eq!(said(&CHECK, &user("a::1001:1::/:", Password::Empty, Rank::Other)), NOTICE);
    }
}
