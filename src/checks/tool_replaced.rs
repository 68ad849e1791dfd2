//! A tool of the system that is not the one that belongs here.
//!
//! # Sees
//! `ps`, `netstat`, `ls`, `login`, `busybox` and 61 others in `/bin`, `/sbin`, `/usr/bin` and `/usr/sbin`. `infected`
//! where something is mounted over one, or memory over one of these directories; where one differs from the firmware
//! image's, is a file and was a link, or leads to a file that nobody has, and no package that was installed since
//! brought it; and where one leads to a volatile or hidden place. `suspicious` where another directory covers one of
//! these, where a link was bent to another program of the system, where one that nobody has lies beside one that
//! belongs here and may be found first, and where a script stands for a tool that is never one.
//!
//! # Why it matters
//! Who looks for an intruder asks `ps` and `netstat`. Skidmap brings its own `rm`, others a `login` with a password of
//! theirs, and it takes no more than a script that calls the true tool and leaves some lines out.
//!
//! # Misses and false alarms
//! Silent for upgrades: a package that was installed after the image was made lists the path, which an intruder who
//! knows this can do too. Silent for alternatives (opkg, Debian) that lead to a file of a package, or to BusyBox.
//! Packages of Debian and of opkg record no hash that is used here, so without an image below `/rom` or a baseline a
//! tool that was overwritten in place is missed. A tool that the owner put there by hand is accused. Directories that
//! are mounted to themselves, and those of a sandbox, are silent.
//!
//! # Sources
//! proc_pid_mountinfo(5); OpenWrt `include/package-pack.mk` (`ALTERNATIVES`), opkg `libopkg/pkg_alternatives.c`;
//! update-alternatives(1); MITRE ATT&CK T1554.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::{Place, place};
use crate::facts::process::Owner;
use crate::facts::program::is_multicall;
use crate::facts::text::{basename, is_below};
use crate::facts::tool::{Change, Cover, Tool};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "tool-replaced",
    area: Area::Startup,
    severity: Severity::Infected,
    attack: "T1554",
    title: "a tool of the system was replaced, or something is mounted over it",
    advice: Advice::REFLASH,
    sources: &[Source::Tools],
    hooks: &[Hook::Tool(run), Hook::Cover(covered)],
};

/// Tools that are programs on every system.
const PROGRAMS: [&[u8]; 9] =
    [b"busybox", b"find", b"ls", b"lsof", b"md5sum", b"netstat", b"ps", b"ss", b"top"];

fn run(tool: &Tool<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some((severity, said)) = judge(tool) else { return };
    let mut draft = out.path(tool.path).severity(severity).say(said);
    if tool.real != tool.path {
        draft = draft.say(": ").quote(tool.real);
    }
    if !tool.shadows.is_empty() {
        draft = draft.say(", and may be found before ").quote(tool.shadows);
    }
    out.found(draft);
}

fn judge(tool: &Tool<'_>) -> Option<(Severity, &'static str)> {
    use Severity::{Infected, Suspicious};
    let odd = matches!(place(tool.real), Place::Volatile | Place::Hidden);
    if tool.original {
        return None;
    }
    if odd && tool.exists {
        return Some((Infected, "it leads to a volatile or hidden place"));
    }
    let script = tool.script && PROGRAMS.contains(&basename(tool.path));
    match tool.change {
        _ if tool.upgraded => None,
        Change::Content => {
            Some((Infected, "other content than in the firmware image, and no package brought it"))
        }
        Change::Unlinked => {
            Some((Infected, "a file, which is a link in the firmware image, and no package brought it"))
        }
        Change::Linked if tool.owner == Owner::Package => None,
        Change::Linked if tool.owner.vouches() => {
            // Removing a package bends its links back to what the image has.
            let usual = is_multicall(basename(tool.real)) || is_below(tool.real, b"/usr/libexec");
            (!usual).then_some((Suspicious, "it leads to another program than in the firmware image"))
        }
        Change::Linked => {
            Some((Infected, "it leads elsewhere than in the firmware image, to what nobody has"))
        }
        Change::None if !tool.shadows.is_empty() => Some((Suspicious, "neither image nor package has it")),
        Change::None if script => Some((Suspicious, "a script, where every system has a program")),
        Change::None => None,
    }
}

fn covered(cover: &Cover<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let severity = if cover.whole && !cover.memory { Severity::Suspicious } else { Severity::Infected };
    let draft = out.path(cover.point).severity(severity).say("something is mounted over it: ");
    let draft = draft.quote(cover.kind).say(" from ").quote(cover.source);
    let part = cover.top.len() > 1;
    out.found(if part { draft.say(", of which this is ").quote(cover.top) } else { draft });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{cover, tool};
    use Severity::{Infected, Suspicious};

    const PS: Tool<'_> = Tool {
        path: b"/bin/ps",
        real: b"/bin/ps",
        change: Change::None,
        exists: true,
        original: false,
        upgraded: false,
        owner: Owner::Nobody,
        script: false,
        shadows: b"",
    };
    const COVER: Cover<'_> =
        Cover { point: b"/bin/ps", whole: false, memory: true, kind: b"tmpfs", source: b"tmpfs", top: b"/x" };

    #[test]
    fn tools_that_were_replaced() {
        for change in [Change::Content, Change::Unlinked, Change::Linked] {
            assert_eq!(tool(&CHECK, &Tool { change, ..PS }), [Infected], "{change:?}");
        }
        for owner in [Owner::Nobody, Owner::Unknown] {
            assert_eq!(tool(&CHECK, &Tool { real: b"/tmp/ps", owner, ..PS }), [Infected]);
        }
        let bent = Tool { path: b"/bin/login", real: b"/bin/bash", change: Change::Linked, ..PS };
        assert_eq!(tool(&CHECK, &Tool { owner: Owner::Firmware, ..bent }), [Suspicious]);
        assert_eq!(tool(&CHECK, &Tool { shadows: b"/usr/bin/ps", ..PS }), [Suspicious]);
        assert_eq!(tool(&CHECK, &Tool { script: true, owner: Owner::Package, ..PS }), [Suspicious]);
        assert_eq!(cover(&CHECK, &COVER), [Infected]);
        assert_eq!(cover(&CHECK, &Cover { point: b"/bin", whole: true, ..COVER }), [Infected]);
        assert_eq!(
            cover(&CHECK, &Cover { point: b"/bin", whole: true, memory: false, ..COVER }),
            [Suspicious]
        );
    }

    #[test]
    fn tools_of_the_system() {
        let linked = Tool { change: Change::Linked, ..PS };
        for healthy in [
            PS,
            Tool { original: true, real: b"/tmp/login", ..PS },
            Tool { change: Change::Content, upgraded: true, ..PS },
            Tool { change: Change::Unlinked, upgraded: true, script: true, ..PS },
            Tool { real: b"/usr/libexec/ps-procps-ng", owner: Owner::Package, ..linked },
            Tool { real: b"/bin/busybox", owner: Owner::Firmware, ..linked },
            Tool { real: b"/usr/libexec/ip-tiny", owner: Owner::Firmware, ..linked },
            Tool { path: b"/usr/sbin/logread", script: true, ..PS },
            // An unpacked image of a vendor, whose links lead to what is made at boot.
            Tool { real: b"/var/run/login", owner: Owner::Unknown, exists: false, ..PS },
        ] {
            assert_eq!(tool(&CHECK, &healthy), []);
        }
    }
}
