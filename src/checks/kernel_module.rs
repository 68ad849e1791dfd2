//! A kernel module that hides, has no file where modules belong, or left nothing but a taint.
//!
//! # Sees
//! The two lists that the kernel gives of its modules, `/proc/modules` and `/sys/module`, held against each other:
//! `infected` where a module is shown as loaded and is missing in the list, `suspicious` the other way round, each
//! only at a second look. Where `/lib/modules` has the modules of the kernel that runs, a listed one whose file is
//! nowhere, or lies in a volatile or hidden place, or is one that neither firmware, package nor baseline has. A
//! tainted kernel (proprietary, forced, out of tree, unsigned) of which no listed module says that it was the one.
//!
//! # Why it matters
//! Rootkits are modules: Diamorphine and Reptile take themselves off the list, XorDDoS and Skidmap brought their own.
//! Whoever loads one removes its file.
//!
//! # Misses and false alarms
//! A rootkit may take itself off both lists and wipe the taint; then `process-hidden` may see what it does. Silent
//! about files where none are there for the running kernel: in a container, which sees the modules of its host, and
//! after an upgrade of the kernel until the reboot; where most modules have none, as they came from an archive at
//! boot; below `/opt` and `/jffs`, where owners of vendor firmware put modules. A package of a module that was removed
//! while that is loaded is `suspicious` until the reboot, and so is a taint of a module that was unloaded, or of one
//! that failed to load. Taints are not looked at before Linux 3.0. n.a. for a kernel without modules.
//!
//! # Sources
//! kernel kernel/module/main.c, kernel/module/procfs.c, Documentation/ABI/testing/sysfs-module,
//! Documentation/admin-guide/tainted-kernels.rst; modprobe(8); MITRE ATT&CK T1547.006.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::module::{Module, TAINTS, Taints};
use crate::facts::origin::{Standing, Truth};
use crate::facts::place::{Place, is_admins, place};
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "kernel-module",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1547.006",
    title: "a kernel module that hides, or that comes from nowhere",
    advice: Advice::REFLASH,
    sources: &[Source::Modules],
    hooks: &[Hook::Module(run), Hook::Taints(taints)],
};

fn run(module: &Module<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let draft = out.named(module.name);
    if module.both && module.shown && !module.listed && module.live {
        let draft = draft.severity(Severity::Infected).at(b"/proc/modules");
        return out.found(draft.say("/sys/module shows it as loaded, and the list of modules has it not"));
    }
    if module.both && module.listed && !module.shown && module.live {
        let draft = draft.at(b"/sys/module");
        return out.found(draft.say("the list of modules has it, and /sys/module does not show it"));
    }
    if !module.sought || !module.listed {
        return;
    }
    let Some(file) = module.file else {
        return out.found(draft.at(b"/proc/modules").say("it is loaded, and there is no file of it"));
    };
    let draft = draft.at(file);
    let place = place(file);
    if matches!(place, Place::Volatile | Place::Hidden) {
        return out.found(draft.say("a module that is loaded comes from ").say(place.words()));
    }
    if let Standing::Added(truth) = module.standing {
        let owners = is_admins(file) || is_below(file, b"/jffs");
        if truth == Truth::Baseline || !owners {
            out.found(draft.say("a module that is loaded is not in ").say(truth.words()));
        }
    }
}

fn taints(taints: &Taints, _: &Ctx<'_>, out: &mut Out<'_>) {
    for (_, bit, what) in TAINTS {
        if taints.kernel & bit != 0 && taints.modules & bit == 0 {
            let draft = out.path(b"/proc/sys/kernel/tainted").say("the kernel was tainted by ").say(what);
            out.found(draft.say(", and no module in the list is one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{module, tainted};
    use Severity::{Infected, Suspicious};

    const WELL: Module<'_> = Module {
        name: b"nf_nat",
        listed: true,
        shown: true,
        live: true,
        both: true,
        file: Some(b"/lib/modules/6.6.1/nf_nat.ko"),
        sought: true,
        standing: Standing::Known(Truth::Image),
    };
    const ADDED: Standing = Standing::Added(Truth::Image);

    #[test]
    fn modules_that_hide_or_come_from_nowhere() {
        assert_eq!(module(&CHECK, &Module { listed: false, ..WELL }), [Infected]);
        assert_eq!(module(&CHECK, &Module { shown: false, ..WELL }), [Suspicious]);
        assert_eq!(module(&CHECK, &Module { file: None, ..WELL }), [Suspicious]);
        for file in [&b"/tmp/x.ko"[..], b"/usr/lib/.x/x.ko"] {
            let from = Module { file: Some(file), standing: Standing::Unknown, ..WELL };
            assert_eq!(module(&CHECK, &from), [Suspicious]);
        }
        assert_eq!(module(&CHECK, &Module { standing: ADDED, ..WELL }), [Suspicious]);
        let baseline =
            Module { file: Some(b"/jffs/x.ko"), standing: Standing::Added(Truth::Baseline), ..WELL };
        assert_eq!(module(&CHECK, &baseline), [Suspicious]);
        assert_eq!(tainted(&CHECK, &Taints { kernel: 1 << 12 | 1 << 13, modules: 1 }), [Suspicious; 2]);
    }

    #[test]
    fn modules_of_the_system() {
        for healthy in [
            WELL,
            Module {
                file: Some(b"/lib/modules/6.1.0/updates/dkms/wg.ko"),
                standing: Standing::Unknown,
                ..WELL
            },
            Module { file: Some(b"/jffs/usb.ko"), standing: ADDED, ..WELL },
            Module { file: Some(b"/opt/lib/modules/x.ko"), standing: ADDED, ..WELL },
            // No view to compare with, nowhere to look, on its way in or out.
            Module { shown: false, both: false, ..WELL },
            Module { sought: false, file: None, ..WELL },
            Module { listed: false, live: false, ..WELL },
        ] {
            assert_eq!(module(&CHECK, &healthy), []);
        }
        // A warning of the kernel (W) and firmware bugs (I) are no module's.
        assert_eq!(tainted(&CHECK, &Taints { kernel: 1 << 9 | 1 << 11 | 1 << 12, modules: 1 << 12 }), []);
    }
}
