//! gatewatch itself was changed.
//!
//! # Sees
//! Its own program (the one that runs, and `/usr/sbin/gatewatch` or `/usr/bin/gatewatch`) and what it knows
//! (`/usr/share/gatewatch`), byte by byte against the firmware image below `/rom`. `infected` where the program
//! differs and no package was installed over it since, and where something else is mounted over a file that image or
//! package has. `suspicious` where the program or its data are gone though the image has them, and where indicators
//! differ and are not newer; and where others than root can write to its settings (`/etc/config/gatewatch`,
//! `/etc/gatewatch/gatewatch.conf`), which then do not count.
//!
//! # Why it matters
//! Who can write to the device can make its detector blind: the cheapest way to hide from it.
//!
//! # Misses and false alarms
//! Nothing is signed yet. An upgrade of the package writes its list into the overlay, and then the package vouches for
//! the path, with no hash; newer indicators are a `notice`. A program that its owner copied over the image's is told.
//! Settings are the owner's. Where gatewatch was only brought along (over SSH to `/tmp`), nothing says what it should
//! be, and the verdict is n.a. An altered gatewatch need not say that it was altered: for certainty bring another one
//! along, or look at the device's files from elsewhere (`--root`). It knows itself by device and inode, not by a name.
//!
//! # Sources
//! OpenWrt's overlay (mount_root, `/rom`), opkg and apk lists of files; proc_pid_exe(5), proc_pid_mountinfo(5); MITRE
//! ATT&CK T1685.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::origin::{Standing, Truth};
use crate::facts::own::{Own, Part};
use crate::intel;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "self-tampered",
    area: Area::System,
    severity: Severity::Infected,
    attack: "T1685",
    title: "a file of gatewatch itself was changed",
    advice: Advice::REFLASH,
    sources: &[Source::Own],
    hooks: &[Hook::Own(run)],
};

fn run(own: &Own<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some((severity, said)) = judge(own) else { return };
    let draft = out.path(own.path).severity(severity).say(said);
    out.found(match own.standing {
        Standing::Changed(truth) | Standing::Added(truth) | Standing::Known(truth) => {
            draft.say("; compared with ").say(truth.words())
        }
        Standing::Unknown => draft,
    });
}

fn judge(own: &Own<'_>) -> Option<(Severity, &'static str)> {
    let settings = own.part == Part::Settings;
    if own.loose {
        return Some((
            Severity::Suspicious,
            "others than root can write to these settings of gatewatch's own, so they do not count",
        ));
    }
    let odd = own.standing.is_odd();
    if own.covered && own.standing == Standing::Unknown {
        return Some((Severity::Notice, "something is mounted over this file of gatewatch's own"));
    }
    // The same file mounted over itself changes nothing; a package knows a path and no content.
    if own.covered && own.standing != Standing::Known(Truth::Image) {
        let severity = if settings { Severity::Suspicious } else { Severity::Infected };
        return Some((severity, "something else is mounted over this file of gatewatch's own"));
    }
    if !odd || settings {
        return None;
    }
    let version = |head: &[u8]| intel::version_of(head);
    Some(match own.part {
        _ if own.gone => (Severity::Suspicious, "this file of gatewatch's own was removed"),
        Part::Program => (Severity::Infected, "gatewatch's own program is another one"),
        _ if version(own.head.as_slice()) > version(own.image_head.as_slice()) => {
            (Severity::Notice, "what gatewatch knows is newer; nothing vouches for it yet")
        }
        _ => (Severity::Suspicious, "what gatewatch knows was changed, and is not newer"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::own as said;
    use crate::facts::text::Bytes;
    use crate::intel::FAMILIES;

    fn file(part: Part, standing: Standing) -> Own<'static> {
        let (head, image_head) = (Bytes::of(FAMILIES), Bytes::of(FAMILIES));
        Own { path: b"/usr/x", part, standing, covered: false, loose: false, gone: false, head, image_head }
    }

    #[test]
    fn files_that_were_changed() {
        let changed = Standing::Changed(Truth::Image);
        assert_eq!(said(&CHECK, &file(Part::Program, changed)), [Severity::Infected]);
        assert_eq!(said(&CHECK, &file(Part::Data, changed)), [Severity::Suspicious]);
        let mut newer = file(Part::Data, changed);
        newer.image_head = Bytes::of(b"no indicators");
        assert_eq!(said(&CHECK, &newer), [Severity::Notice]);
        for part in [Part::Program, Part::Data] {
            let gone = Own { gone: true, ..file(part, changed) };
            assert_eq!(said(&CHECK, &gone), [Severity::Suspicious]);
        }
        for standing in [changed, Standing::Known(Truth::Package)] {
            let covered = Own { covered: true, ..file(Part::Program, standing) };
            assert_eq!(said(&CHECK, &covered), [Severity::Infected]);
        }
        let covered = Own { covered: true, ..file(Part::Settings, changed) };
        assert_eq!(said(&CHECK, &covered), [Severity::Suspicious]);
        let loose = Own { loose: true, ..file(Part::Settings, Standing::Unknown) };
        assert_eq!(said(&CHECK, &loose), [Severity::Suspicious]);
        let container = Own { covered: true, ..file(Part::Program, Standing::Unknown) };
        assert_eq!(said(&CHECK, &container), [Severity::Notice]);
    }

    #[test]
    fn files_as_they_should_be() {
        for standing in [Standing::Known(Truth::Image), Standing::Known(Truth::Package), Standing::Unknown] {
            for part in [Part::Program, Part::Data, Part::Settings] {
                assert_eq!(said(&CHECK, &file(part, standing)), []);
            }
        }
        assert_eq!(said(&CHECK, &file(Part::Settings, Standing::Changed(Truth::Image))), [], "the owner's");
        let itself = Own { covered: true, ..file(Part::Program, Standing::Known(Truth::Image)) };
        assert_eq!(said(&CHECK, &itself), []);
    }
}
