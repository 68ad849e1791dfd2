//! A startup file that differs from the image, from what its package recorded, or from the baseline.
//!
//! # Sees
//! For each startup file that a source of truth knows: other bytes than in `/rom`, another SHA-256 than apk or opkg
//! recorded for a configuration file, other bytes than in the baseline; more rights than before (set-user-id, writable
//! by all, another owner); a link that leads elsewhere; a file that something is mounted over.
//!
//! # Why it matters
//! A line in a file that is there anyway draws no attention: Mozi appends to every script that it finds, and vendors'
//! `rc.local` and `rcS` are the usual places for one.
//!
//! # Misses and false alarms
//! `notice` where the file is the owner's to change: what its package calls configuration, `rc.local`, crontabs; and
//! for fewer rights than before. Silent when the package was upgraded or installed after flashing. Packages record no
//! hash of what is no configuration, so a change of it is seen against `/rom` or a baseline only. n.a. where nothing
//! says what the files should be.
//!
//! # Sources
//! OpenWrt `include/package-pack.mk` (`.conffiles_static`), opkg `libopkg/conffile.c`; kernel
//! Documentation/filesystems/overlayfs.rst; inode(7); MITRE ATT&CK T1037.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::origin::Standing;
use crate::facts::startup_file::{Difference, StartupFile};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-changed",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037.004",
    title: "a startup file that differs from image, package or baseline",
    advice: Advice::STARTUP,
    sources: &[Source::Startup, Source::Truth],
    hooks: &[Hook::Startup(run)],
};

fn run(file: &StartupFile<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Standing::Changed(truth) = file.standing else { return };
    let what = match file.difference {
        Difference::Content => "other content than in ",
        Difference::Mode { wider: true } => "more rights or another owner than in ",
        Difference::Mode { wider: false } => "other rights than in ",
        Difference::Target => "it leads elsewhere than in ",
        Difference::Covered => "something is mounted over it, which is not so in ",
        // startup-removed speaks of these.
        Difference::Missing | Difference::Masked | Difference::Emptied | Difference::None => return,
    };
    let mut draft = out.path(file.path);
    let fewer_rights = matches!(file.difference, Difference::Mode { wider: false });
    if fewer_rights || file.is_owners() && file.difference != Difference::Covered {
        draft = draft.severity(Severity::Notice);
    }
    draft = draft.say(what).say(truth.words());
    if !file.target.is_empty() {
        draft = draft.say(": ").quote(file.target);
    }
    out.found(draft);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{started, startup_file};
    use crate::facts::origin::Truth;
    use crate::facts::startup_file::Hand;

    #[test]
    fn what_differs() {
        let file = StartupFile { standing: Standing::Changed(Truth::Image), ..started(b"/etc/init.d/boot") };
        for (difference, hand, configuration, expected) in [
            (Difference::Content, Hand::Firmware, false, &[Severity::Suspicious][..]),
            (Difference::Content, Hand::Firmware, true, &[Severity::Notice]),
            (Difference::Content, Hand::Owner, false, &[Severity::Notice]),
            (Difference::Mode { wider: true }, Hand::Firmware, false, &[Severity::Suspicious]),
            (Difference::Mode { wider: false }, Hand::Firmware, false, &[Severity::Notice]),
            (Difference::Target, Hand::Firmware, false, &[Severity::Suspicious]),
            (Difference::Covered, Hand::Owner, true, &[Severity::Suspicious]),
            (Difference::Missing, Hand::Firmware, false, &[]),
        ] {
            let file = StartupFile { difference, hand, configuration, ..file };
            assert_eq!(startup_file(&CHECK, &file), expected, "{difference:?} {hand:?} {configuration}");
        }
        let approved = StartupFile {
            standing: Standing::Changed(Truth::Baseline),
            difference: Difference::Content,
            configuration: true,
            ..file
        };
        assert_eq!(startup_file(&CHECK, &approved), [Severity::Suspicious], "the owner had a baseline taken");
        let known = StartupFile { standing: Standing::Known(Truth::Image), ..file };
        assert_eq!(startup_file(&CHECK, &known), []);
    }
}
