//! What the network is: routes, and whose addresses are whose.

use super::{Run, Scratch};
use crate::check::Source;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::{Coverage, topology};

impl Run<'_, '_> {
    /// Whose an address is: needed to know who talks to whom.
    pub(super) fn routes<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Routes)?;
        let mut coverage = Coverage::new();
        topology::read(host, &mut scratch.topology, &mut coverage);
        self.note(Source::Routes, coverage);
        scratch.fanouts.forget();
        scratch.fanouts.clear(self.seed(host.about().live));
        self.verdicts()
    }

    /// A number that nobody knows before a run, for hashes whose values an enemy must not choose. A recording is counted the
    /// same way each time.
    pub(super) fn seed(&self, live: bool) -> u32 {
        let [pid, _] = self.plan.ctx.own_pids;
        let now = u32::try_from(self.plan.ctx.now.unwrap_or_default() & 0xffff_ffff).unwrap_or_default();
        if live { pid.rotate_left(16) ^ now } else { 0 }
    }
}
