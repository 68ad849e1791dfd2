//! A program that runs from a volatile, mounted or hidden place.
//!
//! # Sees
//! The path of `/proc/PID/exe` is below `/tmp`, `/var/tmp`, `/run`, `/var/run`, `/dev`, `/mnt`, `/media` or a
//! directory whose name begins with a dot.
//!
//! # Why it matters
//! A router's system is read-only, so a bot is dropped where anybody may write: 63 of 85 described families run
//! a program that is not part of the firmware image.
//!
//! # Misses and false alarms
//! `notice` for programs on a mounted disk (Entware on a USB stick). Dot directories in a home (`~/.cargo`) and
//! Nix's `.x-wrapped` are not counted as hidden. Only the program counts, so data files in OpenWrt's `/var`, a
//! link to `/tmp`, are silent. A shell that runs a script from `/tmp` has its own program in the firmware.
//! Missed: a tmpfs mounted over a system directory, or unmounted lazily under the running program, and programs of
//! memory only (`memfd`), which no check looks at yet. gatewatch, pushed to `/tmp`, knows itself by pid. A program that was removed as well is `exe-deleted`.
//!
//! # Sources
//! proc_pid_exe(5); behaviour of Gafgyt loaders (`cd /tmp || cd /var/run || cd /mnt`); MITRE ATT&CK T1036.005.

use crate::check::{Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::Place;
use crate::facts::process::Process;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-volatile",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1036.005",
    title: "a program that runs from a volatile, mounted or hidden place",
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(place) = process.place().filter(|place| place.is_odd()) else { return };
    if process.is_removed() || ctx.is_own(process) {
        return;
    }
    let on_disk = process.surroundings.on_disk && place != Place::Hidden;
    let draft = out.process(process).say("the program runs from ").say(place.words());
    out.found(if on_disk { draft.severity(Severity::Notice).say(" that is a disk") } else { draft });
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{OWN_PID, process, severities};
    use super::*;

    #[test]
    fn odd_places_and_their_look_alikes() {
        let at = |exe: &[u8]| severities(&CHECK, &process(812, b"x", exe, b"x\0"));
        for exe in [&b"/tmp/x"[..], b"/dev/shm/x", b"/dev/.x", b"/var/run/x", b"/mnt/x", b"/usr/lib/.x/y"] {
            assert_eq!(at(exe), [Severity::Suspicious], "{}", String::from_utf8_lossy(exe));
        }
        for exe in [&b"/usr/sbin/dnsmasq"[..], b"/home/a/.cargo/bin/cargo", b"/memfd:x (deleted)", b"/tmp/x (deleted)"] {
            assert_eq!(at(exe), [], "{}", String::from_utf8_lossy(exe));
        }
        assert_eq!(severities(&CHECK, &process(OWN_PID, b"gatewatch", b"/tmp/gatewatch", b"")), []);
    }

    #[test]
    fn entware_on_a_stick_is_the_owners_choice() {
        let mut entware = process(812, b"x", b"/tmp/mnt/sda1/entware/bin/x", b"x\0");
        assert_eq!(severities(&CHECK, &entware), [Severity::Suspicious]);
        entware.surroundings.on_disk = true;
        assert_eq!(severities(&CHECK, &entware), [Severity::Notice]);
    }
}
