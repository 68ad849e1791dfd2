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
        self.verdicts()
    }
}
