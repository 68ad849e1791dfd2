//! gatewatch's own files.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::own::Own;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::truth::Truths;
use crate::source::{Coverage, own};

impl Run<'_, '_> {
    fn show_own(&mut self, own: &Own<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Own(run) = hook {
                run(own, ctx, out);
            }
        });
    }

    #[inline(never)]
    pub(super) fn own<H: Host>(&mut self, host: &H, scratch: &Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Own)?;
        let (mounts, mut coverage) = (&scratch.mounts, Coverage::new());
        let truths = Truths::find(host, mounts, self.plan.baseline);
        own::Walk { host, mounts, truths, coverage: &mut coverage, each: &mut |own| self.show_own(own) }
            .run();
        self.note(Source::Own, coverage);
        self.verdicts()
    }
}
