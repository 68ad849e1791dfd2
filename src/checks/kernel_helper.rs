//! A program that the kernel starts by itself and that does not belong here.
//!
//! # Sees
//! What the kernel runs as root when a program crashes (`core_pattern` behind a bar), when it wants a module
//! (`modprobe`), when a device comes (`hotplug`, `uevent_helper`), when the machine is switched off (`poweroff_cmd`),
//! when a group of processes ends (`release_agent`), for programs of another kind (binfmt_misc), and at two fixed
//! paths; the scripts that an interpreter is given there; and what files for sysctl(8) will set at the next boot.
//! `infected` where it lies in a volatile or hidden place, and where neither the firmware image nor a package has it.
//! `suspicious` on a mounted disk, where only lists of packages say what belongs here, where a shell is given its
//! commands as a text, and where an image is there and the program is not.
//!
//! # Why it matters
//! One line into `/proc/sys` is enough to come back whenever something happens, and no startup file shows it.
//!
//! # Misses and false alarms
//! `notice` for what neither image nor package has and lies where an admin's own programs belong. Silent where nothing
//! says what belongs here and the place is an ordinary one; for paths of the kernel's own settings that lead to
//! nothing (`/sbin/hotplug`); where there is no image for any path that leads to nothing, because containers see the
//! settings of their host; and for handlers of foreign programs that the kernel holds open (qemu, flag `F`). A program
//! of the image or a package that was overwritten is `tool-replaced`, not this.
//!
//! # Sources
//! core(5); kernel Documentation/admin-guide/sysctl/kernel.rst (`modprobe`, `hotplug`, `poweroff_cmd`),
//! Documentation/admin-guide/binfmt-misc.rst, kernel/umh.c; cgroups(7); sysctl.conf(5); MITRE ATT&CK T1546.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::helper::{Helper, Runs};
use crate::facts::place::{Place, is_admins, place};
use crate::facts::process::Owner;
use crate::facts::text::fields;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "kernel-helper",
    area: Area::Startup,
    severity: Severity::Infected,
    attack: "T1546",
    title: "the kernel is told to start a program that does not belong here",
    advice: Advice::STARTUP,
    sources: &[Source::Helpers],
    hooks: &[Hook::Helper(run)],
};

/// What a kernel is built to start, whether it is there or not: `CONFIG_MODPROBE_PATH`, `CONFIG_UEVENT_HELPER_PATH`,
/// kernel/reboot.c; vendors write the last three.
const BUILT_IN: [&[u8]; 6] = [
    b"/sbin/modprobe",
    b"/sbin/hotplug",
    b"/sbin/poweroff",
    b"/sbin/mdev",
    b"/sbin/hotplug2",
    b"/sbin/hotplug-call",
];

fn run(helper: &Helper<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some((severity, said)) = judge(helper) else { return };
    let draft = out.helper(helper).severity(severity).say("the kernel runs ").quote(helper.command);
    let draft =
        if helper.command == helper.path { draft } else { draft.say(", which is ").quote(helper.path) };
    out.found(draft.say(": ").say(said));
}

fn judge(helper: &Helper<'_>) -> Option<(Severity, &'static str)> {
    let place = place(helper.path);
    Some(if matches!(place, Place::Volatile | Place::Hidden) {
        (Severity::Infected, place.words())
    } else if helper.runs == Runs::Text {
        (Severity::Suspicious, "a shell that is given its commands here")
    } else if helper.owner.vouches() {
        return None;
    } else if place == Place::Mount {
        (Severity::Suspicious, place.words())
    } else if !helper.exists {
        let named = fields(helper.command).next().unwrap_or_default();
        if !helper.image || helper.held || BUILT_IN.contains(&named) {
            return None;
        }
        (Severity::Suspicious, "there is no such program")
    } else if helper.owner == Owner::Unknown {
        return None;
    } else if is_admins(helper.path) {
        (Severity::Notice, "neither the firmware nor a package has it; it lies among an admin's own")
    } else {
        // A program at a fixed path may be built by hand, as the kernel asks for it there.
        let fixed = helper.setting == helper.command;
        let severity = if helper.image && !fixed { Severity::Infected } else { Severity::Suspicious };
        (severity, "neither the firmware nor a package has it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::helper;
    use Severity::{Infected, Notice, Suspicious};

    fn at(path: &[u8], owner: Owner, image: bool) -> Helper<'_> {
        Helper {
            setting: b"/proc/sys/kernel/core_pattern",
            line: 0,
            command: path,
            path,
            runs: Runs::Program,
            owner,
            exists: true,
            image,
            held: false,
        }
    }

    #[test]
    fn helpers_that_do_not_belong_here() {
        use Owner::{Nobody, Unknown};
        for (path, owner, image, expected) in [
            (&b"/tmp/x"[..], Unknown, false, Infected),
            (b"/dev/shm/x", Nobody, true, Infected),
            (b"/usr/lib/.x/y", Unknown, false, Infected),
            (b"/usr/sbin/x", Nobody, true, Infected),
            (b"/etc/x", Nobody, false, Suspicious),
            (b"/mnt/sda1/x", Nobody, true, Suspicious),
            (b"/usr/local/bin/core", Nobody, false, Notice),
            (b"/opt/bin/core", Nobody, true, Notice),
        ] {
            let found = helper(&CHECK, &at(path, owner, image));
            assert_eq!(found, [expected], "{}", String::from_utf8_lossy(path));
        }
        let shell = at(b"/bin/busybox", Owner::Firmware, true);
        assert_eq!(helper(&CHECK, &Helper { runs: Runs::Text, ..shell }), [Suspicious]);
        let script = Helper { runs: Runs::Script, exists: false, ..at(b"/var/run/x", Unknown, false) };
        assert_eq!(helper(&CHECK, &script), [Infected]);
        let gone = at(b"/usr/sbin/crashlog", Nobody, true);
        assert_eq!(helper(&CHECK, &Helper { exists: false, ..gone }), [Suspicious]);
        let fixed = at(b"/sbin/bridge-stp", Nobody, true);
        assert_eq!(helper(&CHECK, &Helper { setting: fixed.path, ..fixed }), [Suspicious]);
    }

    #[test]
    fn helpers_of_the_system() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        for (path, owner) in [
            (&b"/sbin/kmodloader"[..], Firmware),
            (b"/lib/systemd/systemd-coredump", Package),
            (b"/usr/share/apport/apport", Package),
            (b"/bin/false", Unknown),
            (b"/usr/sbin/crashlog", Firmware),
            (b"/tmp/mnt/sda1/entware/bin/x", Package),
        ] {
            assert_eq!(
                helper(&CHECK, &at(path, owner, owner == Firmware)),
                [],
                "{}",
                String::from_utf8_lossy(path)
            );
        }
        // A container sees the settings of its host; a kernel's own paths may lead nowhere; qemu is held open.
        let gone = |path, image| Helper { exists: false, ..at(path, Nobody, image) };
        assert_eq!(helper(&CHECK, &gone(b"/usr/libexec/abrt-hook-ccpp", false)), []);
        assert_eq!(helper(&CHECK, &gone(b"/sbin/hotplug", true)), []);
        let qemu = Helper { held: true, ..gone(b"/usr/bin/qemu-mips-static", true) };
        assert_eq!(helper(&CHECK, &qemu), []);
    }
}
