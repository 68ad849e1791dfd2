//! A program that runs from a volatile, mounted or hidden place.
//!
//! # Sees
//! The path of `/proc/PID/exe` is below `/tmp`, `/var/tmp`, `/run`, `/var/run`, `/dev`, `/mnt`, `/media` or a
//! directory whose name begins with a dot. Also a program whose path is a system's and that lives in memory all the
//! same: a tmpfs was mounted over the directory, or was unmounted lazily under the running program.
//!
//! `infected` below `/dev`, where nothing but device nodes belongs, `/dev/shm` aside: Mirai's children run from
//! `/dev/.x/`.
//!
//! # Why it matters
//! A router's system is read-only, so a bot is dropped where anybody may write: 63 of 85 described families run
//! a program that is not part of the firmware image.
//!
//! # Misses and false alarms
//! `notice` for programs on a mounted disk (Entware on a USB stick), and for what lives in a container's memory. Dot
//! directories in a home (`~/.cargo`) and Nix's `.x-wrapped` are not counted as hidden. Only the program counts, so
//! data files in OpenWrt's `/var`, a link to `/tmp`, are silent. Where the whole system lives in memory (initramfs),
//! only the path counts. Some vendors unpack programs of their own to `/tmp` or a `/var` in memory at each boot: they
//! are told, as nothing shows that they are the vendor's. A shell that runs a script from `/tmp` has its own program in
//! the firmware. gatewatch, pushed to `/tmp`, knows itself by pid. A program that was removed as well is
//! `exe-deleted` or `exe-memfd`.
//!
//! # Sources
//! proc_pid_exe(5); statfs(2) `TMPFS_MAGIC`; behaviour of Gafgyt loaders (`cd /tmp || cd /var/run || cd /mnt`); MITRE
//! ATT&CK T1036.005.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::Place;
use crate::facts::process::Process;
use crate::facts::program::has_container_runtime;
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-volatile",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1036.005",
    title: "a program that runs from a volatile, mounted or hidden place",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(place) = process.place().filter(|_| !process.is_removed() && !ctx.is_own(process)) else {
        return;
    };
    let joined = &process.surroundings;
    if place.is_odd() {
        let on_disk = joined.on_disk && place != Place::Hidden;
        let draft = out.process(process).say("the program runs from ").say(place.words());
        // Nothing but device nodes belongs into /dev; /dev/shm is everybody's.
        let path = process.path.as_slice();
        if is_below(path, b"/dev") && !is_below(path, b"/dev/shm") {
            return out.found(draft.severity(Severity::Infected).say(" among the device nodes"));
        }
        out.found(if on_disk { draft.severity(Severity::Notice).say(" that is a disk") } else { draft });
    } else if joined.in_memory {
        let draft = out.process(process).say("the program lives in memory though its path is a system's");
        let contained = joined.apart && has_container_runtime(process);
        out.found(if contained { draft.severity(Severity::Notice) } else { draft });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};

    #[test]
    fn odd_places_and_their_look_alikes() {
        let at = |exe: &[u8]| severities(&CHECK, &process(812, b"x", exe, b"x\0"));
        for exe in [&b"/tmp/x"[..], b"/dev/shm/x", b"/devx/.x", b"/var/run/x", b"/mnt/x", b"/usr/lib/.x/y"] {
            assert_eq!(at(exe), [Severity::Suspicious], "{}", String::from_utf8_lossy(exe));
        }
        for exe in [&b"/dev/.x/y"[..], b"/dev/x"] {
            assert_eq!(at(exe), [Severity::Infected], "{}", String::from_utf8_lossy(exe));
        }
        for exe in [
            &b"/usr/sbin/dnsmasq"[..],
            b"/home/a/.cargo/bin/cargo",
            b"/memfd:x (deleted)",
            b"/tmp/x (deleted)",
        ] {
            assert_eq!(at(exe), [], "{}", String::from_utf8_lossy(exe));
        }
        assert_eq!(severities(&CHECK, &process(OWN_PID, b"gatewatch", b"/tmp/gatewatch", b"")), []);
    }

    #[test]
    fn memory_under_a_systems_path() {
        let mut covered = process(812, b"x", b"/usr/sbin/dropbear", b"x\0");
        assert_eq!(severities(&CHECK, &covered), []);
        covered.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &covered), [Severity::Suspicious]);
        let program = crate::facts::text::Bytes::of(b"dockerd");
        let runtime = crate::facts::process::Relative { program, firm: true, ..Default::default() };
        let _ = covered.kin.parents.push(runtime);
        assert_eq!(severities(&CHECK, &covered), [Severity::Suspicious], "it sees the same files as we");
        covered.surroundings.apart = true;
        assert_eq!(severities(&CHECK, &covered), [Severity::Notice]);
        let mut removed = process(812, b"x", b"/usr/sbin/x (deleted)", b"x\0");
        removed.surroundings.in_memory = true;
        assert_eq!(severities(&CHECK, &removed), []);
    }

    #[test]
    fn entware_on_a_stick_is_the_owners_choice() {
        let mut entware = process(812, b"x", b"/tmp/mnt/sda1/entware/bin/x", b"x\0");
        assert_eq!(severities(&CHECK, &entware), [Severity::Suspicious]);
        entware.surroundings.on_disk = true;
        assert_eq!(severities(&CHECK, &entware), [Severity::Notice]);
    }
}
