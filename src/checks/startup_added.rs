//! A startup file, link, unit or cron table that image, packages and baseline do not know.
//!
//! # Sees
//! Every file and link in a startup place (init.d, rc.d, hotplug.d, uci-defaults, units, crontabs, profile and so on)
//! that is not in the firmware image below `/rom`, in no list of opkg, apk or dpkg, and not in the baseline. A link
//! counts by what it leads to. The finding says which of them was asked last.
//!
//! # Why it matters
//! Whoever wants to be there after a reboot has to be started by something. Mozi, XorDDoS, Hide 'N Seek and Kaiten add
//! a script, a link or a unit of their own.
//!
//! # Misses and false alarms
//! `notice` in places that are the owner's (his crontab, `rc.local`, his own units, all of `/etc` on a Debian server)
//! until a baseline was taken, and for what a package manager lays beside a changed file of `/etc/init.d`. n.a. where
//! nothing says what belongs here. Beside an image that is the root itself nothing is known of what lies elsewhere
//! (`/jffs`, a generated `/etc`), and that is silent without a baseline. Who may write to package lists can name his
//! file there.
//!
//! # Sources
//! OpenWrt `package/base-files`, `include/package-pack.mk`; opkg, apk-tools, dpkg: their lists of files; kernel
//! Documentation/filesystems/overlayfs.rst; MITRE ATT&CK T1037.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::origin::{Standing, Truth};
use crate::facts::startup_file::StartupFile;
use crate::facts::text::is_below;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-added",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037.004",
    title: "a startup file that image, packages and baseline do not know",
    advice: Advice::STARTUP,
    sources: &[Source::Startup, Source::Truth],
    hooks: &[Hook::Startup(run)],
};

fn run(file: &StartupFile<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Standing::Added(truth) = file.standing else { return };
    let mut draft = out.path(file.path);
    if file.is_owners() || is_set_aside(file.path) {
        draft = draft.severity(Severity::Notice);
    }
    draft = draft.say(truth.words()).say(match truth {
        Truth::Package => " have no such file",
        Truth::Image | Truth::Baseline => " has no such file",
    });
    if !file.target.is_empty() {
        draft = draft.say("; it is a link to ").quote(file.target);
    }
    out.found(draft);
}

/// Whether it is what a package manager lays beside a file that the owner has changed, in a directory of which nothing runs
/// by itself.
fn is_set_aside(path: &[u8]) -> bool {
    const ENDS: [&[u8]; 5] = [b".apk-new", b"-opkg", b".dpkg-dist", b".dpkg-new", b".dpkg-old"];
    is_below(path, b"/etc/init.d") && ENDS.iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{started, startup_file};
    use crate::facts::startup_file::Hand;

    #[test]
    fn what_nobody_knows() {
        let file = started(b"/etc/init.d/S95baby");
        for (standing, hand, expected) in [
            (Standing::Added(Truth::Image), Hand::Firmware, &[Severity::Suspicious][..]),
            (Standing::Added(Truth::Package), Hand::Once, &[Severity::Suspicious]),
            (Standing::Added(Truth::Image), Hand::Owner, &[Severity::Notice]),
            (Standing::Added(Truth::Baseline), Hand::Owner, &[Severity::Suspicious]),
        ] {
            let file = StartupFile { standing, hand, ..file };
            assert_eq!(startup_file(&CHECK, &file), expected, "{standing:?} {hand:?}");
        }
        for (path, expected) in [
            (&b"/etc/init.d/x.apk-new"[..], Severity::Notice),
            (b"/etc/init.d/x-opkg", Severity::Notice),
            (b"/etc/hotplug.d/iface/x.apk-new", Severity::Suspicious),
        ] {
            let file = StartupFile { standing: Standing::Added(Truth::Image), ..started(path) };
            assert_eq!(startup_file(&CHECK, &file), [expected]);
        }
        for standing in [Standing::Known(Truth::Package), Standing::Changed(Truth::Image), Standing::Unknown]
        {
            assert_eq!(startup_file(&CHECK, &StartupFile { standing, ..file }), []);
        }
    }
}
