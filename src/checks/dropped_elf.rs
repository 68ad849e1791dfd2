//! A program file that lies where a healthy router keeps none.
//!
//! # Sees
//! Files below `/tmp`, `/var/tmp`, `/var/run`, `/var/lock`, `/run`, `/dev` and whatever else lives in memory there that
//! are ELF programs or libraries, whatever their name and mode. `infected` when such a file runs with the rights of its
//! owner or group (setuid, setgid). Any other file that can be run so: `infected` where everybody can run it as root.
//!
//! # Why it matters
//! A loader fetches the bot for every processor in turn until one runs, and leaves the rest lying. A setuid program in
//! a place where anybody may write is a way back to root.
//!
//! # Misses and false alarms
//! Nothing needs to run from there. `notice` for what lies in a directory that holds a whole system (`etc` and `bin`:
//! a container, an image that is being unpacked), and setuid files there are `suspicious`; `notice` too for NixOS's
//! wrappers in `/run/wrappers`, and for libraries of this machine, which programs that unpack themselves leave. Disks
//! and other file systems mounted there are not entered, kernel modules and core dumps are not counted, gatewatch's
//! own file is not. A program that somebody just copied there to try it, and what a vendor unpacks there at each boot,
//! is told. The kernel heeds no setuid bit of a script, but who sets it means it. Scripts without it, and programs
//! that are compressed or kept as data, are missed; what lies more than 16 directories deep is not looked at, and then
//! the verdict says so.
//!
//! # Sources
//! elf(5) `e_type`, `e_machine`; inode(7) `S_ISUID`; loaders of Gafgyt and Mirai (`x.mips`, `x.mpsl`, `x.arm7` in
//! `/tmp`); MITRE ATT&CK T1105.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::elf::Elf;
use crate::facts::file::{File, Role};
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "dropped-elf",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1105",
    title: "a program file in a volatile place",
    advice: Advice::DROPPED,
    sources: &[Source::Files],
    hooks: &[Hook::File(run)],
};

fn run(file: &File<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Role::Dropped { in_system, foreign } = file.role else { return };
    if file.own {
        return;
    }
    let Some(elf) = file.elf.filter(Elf::is_program) else { return setuid(file, in_system, out) };
    // NixOS makes its setuid programs there at each boot (nixos/modules/security/wrappers).
    // Programs that unpack themselves (PyInstaller, JNA) leave libraries; loaders fetch what can be run.
    let library = !elf.begins && !elf.interpreter && elf.kind == 3 && !foreign && !file.is_setuid();
    let weak = in_system || library || is_below(file.path, b"/run/wrappers");
    let severity = match (file.is_setuid(), weak) {
        (true, false) => Severity::Infected,
        (true, true) if in_system => Severity::Suspicious,
        (_, true) => Severity::Notice,
        (false, false) => CHECK.severity,
    };
    let draft = out.file(file).severity(severity).say("a program for ").say(elf.machine_word());
    let draft = if foreign { draft.say(", not for this router,") } else { draft };
    let draft = draft.say(if in_system {
        " lies in a system of its own in a volatile place"
    } else {
        " lies in a volatile place"
    });
    out.found(if file.is_setuid() {
        draft.say(" and takes the rights of user ").number(file.uid).say(" or its group")
    } else {
        draft
    });
}

/// What is no program, and takes rights all the same.
fn setuid(file: &File<'_>, in_system: bool, out: &mut Out<'_>) {
    if !file.is_setuid() {
        return;
    }
    let wrapper = is_below(file.path, b"/run/wrappers");
    let root = file.mode & 0o4001 == 0o4001 && file.uid == 0;
    let severity = match (root, wrapper) {
        (_, true) => Severity::Notice,
        (true, false) if !in_system => Severity::Infected,
        _ => Severity::Suspicious,
    };
    let draft = out.file(file).severity(severity);
    out.found(
        draft
            .say("a file in a volatile place takes the rights of user ")
            .number(file.uid)
            .say(" or its group"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{file, lying};
    use crate::facts::about::Endian;
    use crate::facts::elf::tests::head;

    fn dropped(path: &[u8], in_system: bool, foreign: bool) -> File<'_> {
        let elf = Elf::parse(&head(32, Endian::Big, 8, &[1, 1], 0));
        File { elf, ..lying(path, Role::Dropped { in_system, foreign }) }
    }

    #[test]
    fn programs_where_none_belong() {
        for path in [&b"/tmp/mips"[..], b"/dev/shm/a.txt", b"/run/.x/y"] {
            for foreign in [true, false] {
                assert_eq!(file(&CHECK, &dropped(path, false, foreign)), [Severity::Suspicious]);
            }
            for mode in [0o104_755, 0o102_755, 0o106_000] {
                let setuid = File { mode, ..dropped(path, false, false) };
                assert_eq!(file(&CHECK, &setuid), [Severity::Infected], "{mode:o}");
            }
        }
        let root_file = File { mode: 0o104_755, ..dropped(b"/tmp/c/bin/su", true, false) };
        assert_eq!(file(&CHECK, &root_file), [Severity::Suspicious]);
        assert_eq!(file(&CHECK, &dropped(b"/tmp/c/bin/ls", true, false)), [Severity::Notice]);
        let wrapper = File { mode: 0o104_511, ..dropped(b"/run/wrappers/wrappers.x/sudo", false, false) };
        assert_eq!(file(&CHECK, &wrapper), [Severity::Notice]);
    }

    #[test]
    fn setuid_files_that_are_no_programs() {
        let script = |mode| File { elf: None, mode, ..dropped(b"/tmp/.s", false, false) };
        for (mode, expected) in [
            (0o104_755, Severity::Infected),
            (0o104_711, Severity::Infected),
            (0o104_750, Severity::Suspicious),
            (0o102_755, Severity::Suspicious),
        ] {
            assert_eq!(file(&CHECK, &script(mode)), [expected], "{mode:o}");
        }
        assert_eq!(file(&CHECK, &File { uid: 1000, ..script(0o104_755) }), [Severity::Suspicious]);
        let role = Role::Dropped { in_system: true, foreign: false };
        assert_eq!(file(&CHECK, &File { role, ..script(0o104_755) }), [Severity::Suspicious]);
        assert_eq!(file(&CHECK, &script(0o100_755)), []);
        assert_eq!(file(&CHECK, &File { own: true, ..script(0o104_755) }), []);
    }

    #[test]
    fn files_that_are_no_dropped_programs() {
        let own = File { own: true, ..dropped(b"/tmp/gatewatch", false, false) };
        assert_eq!(file(&CHECK, &own), []);
        let mut module = dropped(b"/tmp/x.ko", false, false);
        module.elf.as_mut().unwrap().kind = 1;
        assert_eq!(file(&CHECK, &module), []);
        let text = File { elf: None, ..dropped(b"/tmp/x.sh", false, false) };
        assert_eq!(file(&CHECK, &text), []);
        for role in [Role::Startup, Role::Listed] {
            assert_eq!(file(&CHECK, &File { role, ..dropped(b"/usr/sbin/x", false, false) }), []);
        }
    }
}
