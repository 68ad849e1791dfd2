//! The tools of the system, held against what should be there.

use super::{Run, SECOND_LOOK_MS};
use crate::check::Hook;
use crate::facts::process::Owner;
use crate::facts::tool::{Cover, Tool};
use crate::host::Host;
use crate::source::Coverage;
use crate::source::mounts::Mounts;
use crate::source::owner::Owners;
use crate::source::tools::{Tools, covers};
use crate::source::truth::Truths;

impl Run<'_, '_> {
    /// Shows every tool; those that look odd once more, as a package may just be being installed.
    pub(super) fn tools<H: Host>(
        &mut self,
        host: &H,
        tools: &mut Tools,
        owners: &mut Owners,
        mounts: &mut Mounts,
        truths: &Truths,
    ) {
        if self.show_tools(tools, owners, false) {
            host.pause(SECOND_LOOK_MS);
            tools.read(host, mounts, truths, owners, &mut Coverage::new());
            owners.doubt(host, mounts);
            self.show_tools(tools, owners, true);
        }
        covers(host, mounts, &mut |cover| self.show_cover(cover));
    }

    fn show_tools(&mut self, tools: &Tools, owners: &Owners, aloud: bool) -> bool {
        let mut any = false;
        let known = |file: Option<usize>| file.map(|row| owners.known(row)).unwrap_or_default();
        for found in tools.iter() {
            let owner = known(found.file).owner;
            let other = tools.iter().find(|other| {
                other.name == found.name
                    && other.path != found.path
                    && (other.original || known(other.file).owner.vouches())
            });
            let shadows = other.filter(|_| owner == Owner::Nobody);
            let tool = Tool {
                path: found.path.as_slice(),
                real: found.file.map_or(&b""[..], |row| owners.path(row)),
                change: found.change,
                exists: known(found.file).identity.is_some(),
                original: found.original,
                upgraded: found.upgraded,
                owner,
                script: found.script,
                shadows: shadows.as_ref().map_or(&b""[..], |other| other.path.as_slice()),
            };
            any |= self.show(aloud, &|hook, ctx, out| {
                if let Hook::Tool(run) = hook {
                    run(&tool, ctx, out);
                }
            });
        }
        any
    }

    fn show_cover(&mut self, cover: &Cover<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Cover(run) = hook {
                run(cover, ctx, out);
            }
        });
    }
}
