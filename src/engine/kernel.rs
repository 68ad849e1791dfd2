//! What the kernel itself starts, held against what should be there.

use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::{Hook, Source};
use crate::facts::helper::Helper;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::helpers::Found;
use crate::source::mounts::Mounts;
use crate::source::owner::Owners;
use crate::source::truth::Truths;
use crate::source::{Coverage, helpers};

impl Run<'_, '_> {
    /// Finds out who vouches for all of it together, so that the lists of packages are read once.
    pub(super) fn kernel<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        if !self.wants(Source::Helpers) {
            return Ok(());
        }
        let Scratch { owners, mounts, .. } = scratch;
        owners.clear();
        helpers::each(host, mounts, &mut Coverage::new(), &mut |found| {
            // What does not fit is counted, and said with the rest.
            let _ = owners.add(found.path);
        });
        let mut owned = Coverage::new();
        owners.resolve(host, mounts, 0, &mut owned);
        owners.limits(&mut owned);
        self.helpers(host, owners, mounts, &owned)
    }

    fn helpers<H: Host>(
        &mut self,
        host: &H,
        owners: &mut Owners,
        mounts: &Mounts,
        owned: &Coverage,
    ) -> Result<(), SinkFault> {
        self.begin(Source::Helpers)?;
        let truths = Truths::find(host, mounts);
        let image = truths.has_rom() || truths.is_image();
        let mut coverage = Coverage::new();
        let mut look = |owners: &Owners, coverage: &mut Coverage, aloud| {
            let mut any = false;
            helpers::each(host, mounts, coverage, &mut |found| {
                let Found { setting, line, command, path, runs, held } = *found;
                let known = owners.find(path).map(|row| owners.known(row)).unwrap_or_default();
                let (owner, exists) = (known.owner, known.identity.is_some());
                let helper = Helper { setting, line, command, path, runs, owner, exists, image, held };
                any |= self.show_helper(&helper, aloud);
            });
            any
        };
        // While a package is upgraded, its files are on no list for a moment.
        if look(owners, &mut coverage, false) {
            host.pause(SECOND_LOOK_MS);
            owners.doubt(host, mounts);
            look(owners, &mut Coverage::new(), true);
        }
        coverage.adopt(owned);
        self.note(Source::Helpers, coverage);
        self.verdicts()
    }

    fn show_helper(&mut self, helper: &Helper<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Helper(run) = hook {
                run(helper, ctx, out);
            }
        })
    }
}
