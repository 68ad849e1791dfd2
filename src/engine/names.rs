//! Who answers for names here, and which listed names were asked for.

use core::cell::Cell;
use core::net::IpAddr;

use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::Source;
use crate::facts::names::Asked;
use crate::facts::topology::{Side, Topology};
use crate::host::Host;
use crate::limits::{ASKED, TOLD_NAMES};
use crate::report::SinkFault;
use crate::source::names::weigh::{Fact, Weigh};
use crate::source::names::{Logs, Names};
use crate::source::truth::Truths;
use crate::source::{Coverage, queries};

impl Run<'_, '_> {
    /// Reads what says how names are resolved, twice if something is amiss: these files are written anew whenever a line
    /// comes up. Then the logs of what was asked.
    #[inline(never)]
    pub(super) fn names<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        let Scratch { mounts, topology, .. } = scratch;
        let truths = Truths::find(host, mounts, self.plan.baseline);
        let domains = self.plan.ctx.intel.iter().any(|intel| intel.has_domains());
        self.begin(Source::Resolvers)?;
        let (mut resolvers, mut hosts, mut logs) = (Coverage::new(), Coverage::new(), Logs::new());
        for aloud in [false, true] {
            let (mut any, mut coverage) = (false, Coverage::new());
            let mut each = |fact: Fact<'_>| {
                let said = match fact {
                    Fact::Resolver(resolver) => self.show_resolver(resolver, aloud),
                    Fact::Named(named) => self.show_named(named, aloud),
                };
                any |= said;
                said
            };
            let mut weigh = Weigh::new(host, topology, mounts, truths, domains, &mut each);
            logs = Names::new(host, &mut coverage, &mut weigh).run();
            let (files, told) = (weigh.resolver_files, weigh.resolvers);
            let (name_files, names, cut) = (weigh.name_files, weigh.names, weigh.cut);
            if cut {
                let what = format_args!(
                    "there are more resolvers than are remembered, or {TOLD_NAMES} odd names in one file"
                );
                coverage.gap(b"names", what);
            }
            hosts =
                Coverage { facts: names, absent: name_files == 0 && coverage.gaps == 0, ..coverage.clone() };
            resolvers = Coverage { facts: told, absent: files == 0 && coverage.gaps == 0, ..coverage };
            if !any {
                break;
            }
            if !aloud {
                host.pause(SECOND_LOOK_MS);
            }
        }
        self.note(Source::Resolvers, resolvers);
        self.note(Source::Hosts, hosts);
        if self.wants(Source::Queries) {
            self.begin(Source::Queries)?;
            let mut coverage = Coverage::new();
            if domains {
                self.queries(host, &logs, topology, &mut coverage);
            } else {
                coverage.absent = true;
            }
            self.note(Source::Queries, coverage);
        }
        self.verdicts()
    }

    /// Tells every listed name once for everybody who asked for it.
    fn queries<H: Host>(&mut self, host: &H, logs: &Logs, topology: &Topology, coverage: &mut Coverage) {
        let ctx = self.plan.ctx;
        let (mut told, mut full) = (heapless::Vec::<(u64, Option<IpAddr>), ASKED>::new(), false);
        let (mut served, waiting) = (false, Cell::new(false));
        let mut row = |last: bool, file: &[u8], name: &[u8], by: Option<IpAddr>| {
            let own = by.is_some_and(|by| topology.side(by) == Side::Own);
            served |= by.is_some() && !own;
            if ctx.listed_domain(name).is_none() {
                return;
            }
            // What this machine asked for waits until it is known whether clients ask here.
            if own != last {
                waiting.set(waiting.get() || own);
                return;
            }
            let key = name_hash(name);
            // An answer belongs to a question.
            if told.iter().any(|(other, asked)| *other == key && (by.is_none() || *asked == by)) {
                return;
            }
            if told.push((key, by)).is_err() {
                full = true;
                return;
            }
            self.show_asked(&Asked { file, name, by, own, served });
        };
        queries::each(host, logs, coverage, &mut |file, name, by| row(false, file, name, by));
        if waiting.get() {
            queries::each(host, logs, &mut Coverage::new(), &mut |file, name, by| row(true, file, name, by));
        }
        if full {
            coverage.gap(b"log", format_args!("more than {ASKED} listed names were asked for"));
        }
    }
}

/// FNV-1a, whatever the case.
fn name_hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
