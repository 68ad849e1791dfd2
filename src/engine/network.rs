//! What the network is: routes, and whose addresses are whose.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::exposure::{Exposure, Exposures};
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::{Coverage, exposure, mappings, topology};

impl Run<'_, '_> {
    /// Whose an address is: needed to know who talks to whom.
    #[inline(never)]
    pub(super) fn routes<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Routes)?;
        let mut coverage = Coverage::new();
        topology::read(host, &mut scratch.topology, &mut coverage);
        scratch.exposures = Exposures::new();
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

    /// Ports that UPnP opened.
    #[inline(never)]
    pub(super) fn mappings<H: Host>(&mut self, host: &H, scratch: &Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Mappings)?;
        let mut coverage = Coverage::new();
        mappings::read(host, &scratch.topology, &mut coverage, &mut |mapping| {
            self.show(true, &|hook, ctx, out| {
                if let Hook::Mapping(run) = hook {
                    run(mapping, ctx, out);
                }
            });
        });
        // Whose the addresses are that leases lead to.
        if let Some(seen) =
            self.seen.get(Source::Routes.index()).and_then(Option::as_ref).filter(|_| !coverage.absent)
        {
            coverage.adopt(seen);
        }
        self.note(Source::Mappings, coverage);
        self.verdicts()
    }

    /// What is open to strangers: what sockets and flows left, settings, and the firmware.
    #[inline(never)]
    pub(super) fn exposures<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Exposure)?;
        let mut coverage = Coverage::new();
        // Visitors and listeners were seen there.
        for source in [Source::Sockets, Source::Routes, Source::Flows] {
            if let Some(seen) = self.seen.get(source.index()).and_then(Option::as_ref) {
                coverage.adopt(seen);
                coverage.facts = coverage.facts.saturating_add(seen.facts);
            }
        }
        let Scratch { topology, exposures, .. } = scratch;
        exposure::settings(host, exposures, &mut coverage);
        let mut each = |exposure: &Exposure<'_>| {
            self.show(true, &|hook, ctx, out| {
                if let Hook::Exposure(run) = hook {
                    run(exposure, ctx, out);
                }
            });
        };
        exposures.each(topology, &mut each);
        exposure::firmware(host, &mut coverage, &mut each);
        coverage.absent = coverage.facts == 0 && coverage.gaps == 0;
        self.note(Source::Exposure, coverage);
        self.verdicts()
    }
}
