//! Web pages that run something, each with who vouches for it.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::process::Owner;
use crate::facts::web::Page;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::Coverage;
use crate::source::truth::Truths;
use crate::source::web::{Found, Pages};

impl Run<'_, '_> {
    #[inline(never)]
    pub(super) fn web<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Web)?;
        let mut coverage = Coverage::new();
        let Scratch { owners, mounts, commands, .. } = scratch;
        let truths = Truths::find(host, mounts, self.plan.baseline);
        let mut each = |found: &Found<'_>| {
            let Found { path, hit, text, in_image } = *found;
            let owner = match in_image {
                Some(true) => Owner::Firmware,
                // It takes the place of what the image has; lists know the path only.
                Some(false) => Owner::Nobody,
                None => owners.of(host, mounts, path).map(|row| owners.known(row).owner).unwrap_or_default(),
            };
            let altered = in_image == Some(false);
            let page = Page { path, line: hit.line, runs: hit.runs, text, owner, altered };
            self.show(true, &|hook, ctx, out| {
                if let Hook::Web(run) = hook {
                    run(&page, ctx, out);
                }
            });
        };
        Pages::new(host, truths, commands, &mut coverage, &mut each).run();
        self.note(Source::Web, coverage);
        self.verdicts()
    }
}
