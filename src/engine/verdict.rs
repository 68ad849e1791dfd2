//! How well each check could look, from what was seen of its sources.

use super::Run;
use crate::check::{Check, Source};
use crate::facts::text::Bytes;
use crate::limits::WHY_BYTES;
use crate::report::{CheckReport, Event, Looked, SinkFault};
use crate::source::Coverage;

impl Run<'_, '_> {
    /// Remembers how much of a source was seen.
    pub(super) fn note(&mut self, source: Source, coverage: Coverage) {
        if let Some(seen) = self.seen.get_mut(source.index()) {
            *seen = Some(coverage);
        }
    }

    /// Says why there is no baseline, if there should be one.
    pub(super) fn without_baseline(&self, coverage: &mut Coverage) {
        let gap = self.plan.baseline_gap;
        if !gap.is_empty() {
            coverage.gap(gap, format_args!("nothing was held against it"));
            // Where nothing else says what belongs here, nothing was seen.
            if core::mem::take(&mut coverage.absent) {
                coverage.facts = 0;
            }
        }
    }

    /// Says how well each check could look whose sources have all been looked at.
    pub(super) fn verdicts(&mut self) -> Result<(), SinkFault> {
        let ready = |seen: &[Option<Coverage>], check: &Check| {
            check.sources.iter().all(|source| seen.get(source.index()).is_some_and(Option::is_some))
        };
        for (index, check) in self.checks() {
            let reported = self.reported.get(index).copied().unwrap_or(true);
            if reported || !ready(&self.seen, check) {
                continue;
            }
            if let Some(reported) = self.reported.get_mut(index) {
                *reported = true;
            }
            let found = self.found.get(index).copied().unwrap_or_default();
            let mut why = Bytes::<WHY_BYTES>::new();
            let (looked, facts) = self.verdict(check, &mut why);
            let report = CheckReport { check: check.id, looked, why: why.as_slice(), facts, findings: found };
            self.tell(&Event::Check(report))?;
        }
        self.tell(&Event::Counts(self.counts))
    }

    /// The verdict of a check from what was seen of its sources. It needs all that it compares with; of those that its facts
    /// come from, one that this machine does not have leaves the others, and one that was seen in part leaves a part.
    fn verdict(&self, check: &Check, why: &mut Bytes<WHY_BYTES>) -> (Looked, u32) {
        let seen = || {
            check.sources.iter().filter_map(|source| {
                self.seen.get(source.index()).and_then(Option::as_ref).map(|seen| (*source, seen))
            })
        };
        let given = || seen().filter(|(source, _)| !source.is_measure());
        let measures = || seen().filter(|(source, _)| source.is_measure());
        let facts = given().find(|(_, seen)| !seen.absent).map_or(0, |(_, seen)| seen.facts);
        let missing = measures().find(|(_, seen)| seen.absent);
        let nothing = given().next().filter(|_| given().all(|(_, seen)| seen.absent));
        if let Some((source, _)) = nothing.or(missing) {
            why.push(absent(source).as_bytes());
            return (Looked::Na, facts);
        }
        let is_blind = |(_, seen): (Source, &Coverage)| seen.gaps > 0 && seen.facts == 0;
        let blind = measures().any(is_blind) || given().filter(|(_, seen)| !seen.absent).all(is_blind);
        for (_, seen) in seen().filter(|(_, seen)| seen.gaps > 0) {
            let reason = seen.reason();
            if why.as_slice() == reason.as_slice() {
                continue; // The same process is missing in both.
            }
            if !why.is_empty() && !reason.is_empty() {
                why.push(b"; ");
            }
            why.push(reason.as_slice());
        }
        let gaps = seen().any(|(_, seen)| seen.gaps > 0);
        let looked = match (blind, gaps) {
            (true, _) => Looked::No,
            (false, true) => Looked::Partly,
            (false, false) => Looked::Yes,
        };
        (looked, facts)
    }
}

/// What it means that a machine has nothing of a source.
const fn absent(source: Source) -> &'static str {
    match source {
        Source::Intel => "no indicator file holds addresses",
        Source::Hashes => "no indicator file holds hashes of programs",
        Source::Owners | Source::Truth => {
            "neither a firmware image, nor lists of packages, nor a baseline say what belongs here"
        }
        Source::Image => "neither a firmware image nor a baseline says what was here",
        Source::Helpers => "this tree does not say what the kernel starts",
        Source::Modules => "no modules of a kernel are loaded here",
        Source::Tools => "there are no tools of a system here",
        Source::Hidden => "nobody recorded which process ids answer",
        Source::RawSockets => "nobody recorded raw sockets",
        Source::Log => "no init system runs here",
        Source::Files => "there are no volatile places here",
        Source::Config => "no service here has a file of configuration that is known",
        Source::Web => "there are no web pages that run anything here",
        Source::Accounts => "there is no list of users here",
        Source::Own => "gatewatch was only brought along: nothing says what its files should be",
        Source::Routes => "this tree does not say what networks it has",
        Source::Flows => "this machine tracks no flows, or nobody recorded them",
        Source::Rules => "this tree does not say what rules its packet filter has",
        Source::Resolvers => "nothing here says who resolves names",
        Source::Hosts => "no names are given addresses here",
        Source::Mappings => "nothing here opens ports for others",
        Source::Tunnels => "nothing here can be a tunnel",
        Source::Domains => "no indicator file holds domains",
        Source::Mounts => "this tree does not say what is mounted",
        _ => "this tree holds no processes",
    }
}
