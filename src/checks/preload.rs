//! A library that is brought into programs from outside.
//!
//! # Sees
//! `LD_PRELOAD` or `LD_AUDIT` in the environment with which a process was started, and the libraries that
//! `/etc/ld.so.preload` names. `infected` where the library lies in a volatile, mounted or hidden place, or where it is
//! there and neither firmware nor a package has it; `suspicious` where nothing on the machine could vouch for it, where
//! it lies among an admin's own, and where `/etc/ld.so.preload` or a path leads nowhere.
//!
//! # Why it matters
//! A library that is loaded first decides what `ps`, `ls` and `netstat` see: rootkits like Azazel, Jynx and the one
//! that Kinsing brings work this way, and Symbiote and OrBit live in nothing else.
//!
//! # Misses and false alarms
//! Silent for what firmware or a package has (OpenWrt's `libsetlbf.so` for services that log, seccomp and trace
//! libraries, eatmydata). `notice` for an admin's own session in a terminal, in a process of a container, whose files
//! are others, for what only the baseline knows, and for names that only the loader can resolve: without a slash, or
//! with `$LIB` or `$PLATFORM` (Raspberry Pi OS preloads `libarmmem-${PLATFORM}.so`). Only programs that are linked
//! dynamically load anything, gatewatch does not. Where processes name more than 32 libraries, nobody vouches for the
//! rest, and a verdict of ownership says so. A library that a package has and that was overwritten is missed, and so
//! is what a program removed from its own environment.
//!
//! # Sources
//! ld.so(8); proc_pid_environ(5); procd service/instance.c; MITRE ATT&CK T1574.006.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::environ::libraries;
use crate::facts::file::{File, Role};
use crate::facts::place::{Place, is_admins, place};
use crate::facts::process::{Library, Owner, Process};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "preload",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1574.006",
    title: "a library is brought into programs by LD_PRELOAD or /etc/ld.so.preload",
    advice: Advice::REFLASH,
    sources: &[Source::Environment, Source::Preload],
    hooks: &[Hook::Process(run), Hook::File(listed)],
};

/// Libraries that OpenWrt's procd brings into services (service/instance.c, jail/jail.c). They count where nothing says
/// what is installed.
const PROCD: [&[u8]; 3] = [b"/lib/libsetlbf.so", b"/lib/libpreload-seccomp.so", b"/lib/libpreload-trace.so"];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let (Some(library), Some(loader)) = (process.preload, process.environment.loader) else { return };
    if ctx.is_own(process) || !process.is_alive() {
        return;
    }
    let value = process.environment.libraries.as_slice();
    let Some((severity, said)) = judge(library, value) else { return };
    let weak = !library.odd && (process.stat.terminal != 0 || process.surroundings.apart);
    let severity = if weak { Severity::Notice } else { severity };
    let draft = out.process(process).severity(severity).say(loader.word()).say("=").quote(value);
    out.found(draft.say(": ").say(said));
}

fn listed(file: &File<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Role::Preload(library, _) = file.role else { return };
    let Some((severity, said)) = judge(library, file.path) else { return };
    let draft = out.file(file).severity(severity).say("every program loads ").quote(file.path);
    out.found(draft.say(": ").say(said));
}

/// What the worst of the libraries in a value means. `None`: it belongs to the system.
fn judge(library: Library, value: &[u8]) -> Option<(Severity, &'static str)> {
    let all = |test: fn(&[u8]) -> bool| libraries(value).all(test);
    Some(if library.odd {
        (Severity::Infected, "a volatile, mounted or hidden place")
    } else if library.owner.vouches() {
        return None;
    } else if !library.exists {
        let firm = |name: &[u8]| place(name) == Place::Firm;
        let resolved = libraries(value).all(|name| name.contains(&b'/') && !name.contains(&b'$'));
        if !resolved && all(firm) {
            (Severity::Notice, "only the loader knows which file that is")
        } else {
            (Severity::Suspicious, "it leads nowhere")
        }
    } else if library.owner.is_unsaid() {
        if all(|name| PROCD.contains(&name)) {
            return None;
        }
        if library.owner == Owner::Baseline {
            return Some((
                Severity::Notice,
                "it was there when the baseline was taken, and nothing else has it",
            ));
        }
        (Severity::Suspicious, "nothing here says whose it is")
    } else if all(is_admins) {
        (Severity::Suspicious, "neither the firmware nor a package has it; it lies among an admin's own")
    } else {
        (Severity::Infected, "neither the firmware nor a package has it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, file, lying, process, severities};
    use crate::facts::environ::Environment;

    const ODD: Library = Library { owner: Owner::Nobody, odd: true, exists: true };
    const NOBODYS: Library = Library { owner: Owner::Nobody, odd: false, exists: true };
    const UNKNOWN: Library = Library { owner: Owner::Unknown, ..NOBODYS };
    const NOWHERE: Library = Library { owner: Owner::Unknown, odd: false, exists: false };

    fn with(variable: &[u8], library: Library) -> Process {
        let mut process = process(812, b"x", b"/usr/sbin/x", b"x\0");
        process.environment = Environment::default();
        process.environment.variable(variable, false);
        process.preload = Some(library);
        process
    }

    /// In a variable, and in the file.
    fn both(name: &[u8], library: Library) -> [Vec<Severity>; 2] {
        let variable = [b"LD_PRELOAD=", name].concat();
        let line = File { by: b"/etc/ld.so.preload", line: 1, ..lying(name, Role::Preload(library, 1)) };
        [severities(&CHECK, &with(&variable, library)), file(&CHECK, &line)]
    }

    #[test]
    fn libraries_that_do_not_belong_here() {
        use Severity::{Infected, Notice, Suspicious};
        for (name, library, severity) in [
            (&b"/tmp/x.so"[..], ODD, Infected),
            (b"/dev/.x.so", Library { exists: false, ..ODD }, Infected),
            (b"/usr/lib/libx.so", NOBODYS, Infected),
            (b"/usr/local/lib/libjemalloc.so.2", NOBODYS, Suspicious),
            (b"/lib/libnvram-x.so", UNKNOWN, Suspicious),
            (b"/lib/libgone.so", NOWHERE, Suspicious),
            (b"libjemalloc.so.2", NOWHERE, Notice),
            (b"/usr/lib/arm-linux-gnueabihf/libarmmem-${PLATFORM}.so", NOWHERE, Notice),
        ] {
            assert_eq!(both(name, library), [[severity], [severity]], "{}", String::from_utf8_lossy(name));
        }
        assert_eq!(severities(&CHECK, &with(b"LD_AUDIT=/lib/x.so", NOBODYS)), [Infected]);
        assert_eq!(
            severities(&CHECK, &with(b"LD_PRELOAD=/usr/local/lib/x.so /lib/y.so", NOBODYS)),
            [Infected]
        );
    }

    #[test]
    fn sessions_and_containers() {
        let mut session = with(b"LD_PRELOAD=/lib/x.so", NOBODYS);
        session.stat.terminal = 34_816;
        assert_eq!(severities(&CHECK, &session), [Severity::Notice]);
        session.preload = Some(ODD);
        assert_eq!(severities(&CHECK, &session), [Severity::Infected]);
        let mut apart = with(b"LD_PRELOAD=/usr/lib/libjemalloc.so.2", NOWHERE);
        apart.surroundings.apart = true;
        assert_eq!(severities(&CHECK, &apart), [Severity::Notice]);
    }

    #[test]
    fn libraries_of_the_system() {
        let known = Library { owner: Owner::Baseline, ..NOBODYS };
        assert_eq!(severities(&CHECK, &with(b"LD_PRELOAD=/usr/lib/libx.so", known)), [Severity::Notice]);
        let odd = Library { odd: true, ..known };
        assert_eq!(severities(&CHECK, &with(b"LD_PRELOAD=/tmp/libx.so", odd)), [Severity::Infected]);
        assert_eq!(severities(&CHECK, &with(b"LD_PRELOAD=/lib/libsetlbf.so", known)), []);
        for owner in [Owner::Firmware, Owner::Package] {
            assert_eq!(both(b"/lib/libsetlbf.so", Library { owner, ..NOBODYS }), [[], []]);
        }
        assert_eq!(both(b"/lib/libsetlbf.so", UNKNOWN), [[], []]);
        let plain = process(812, b"x", b"/usr/sbin/x", b"x\0");
        assert_eq!(severities(&CHECK, &plain), []);
        let mut own = with(b"LD_PRELOAD=/tmp/x.so", ODD);
        own.pid = OWN_PID;
        assert_eq!(severities(&CHECK, &own), []);
        assert_eq!(file(&CHECK, &lying(b"/usr/sbin/x", Role::Startup)), []);
    }
}
