//! What the network is: routes, and whose addresses are whose.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::{Coverage, mappings, topology};

impl Run<'_, '_> {
    /// Whose an address is: needed to know who talks to whom.
    pub(super) fn routes<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Routes)?;
        let mut coverage = Coverage::new();
        topology::read(host, &mut scratch.topology, &mut coverage);
        self.note(Source::Routes, coverage);
        self.verdicts()
    }

    /// Ports that UPnP opened.
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
        self.note(Source::Mappings, coverage);
        self.verdicts()
    }
}
