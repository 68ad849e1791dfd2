//! Between a look and where it reports to: lets through what is news.

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::limits::{CHECKS, INCIDENTS_TOLD};
use gatewatch::monitor::key::{self, Secret};
use gatewatch::monitor::seen::{Now, Seconds, Seen};
use gatewatch::monitor::storm::Storm;
use gatewatch::report::{
    Event, Finding, Incident, Looked, Severity, Sink, SinkFault, State, Summary, Verdict,
};

use crate::sinks::Sinks;

/// Incidents that were told: what stands for whom each is about, how bad it was, and the second in which it was told.
pub type Incidents = heapless::Vec<(u64, Severity, Seconds), INCIDENTS_TOLD>;

/// For how long an incident is known.
const DAY_S: Seconds = 86_400;

/// What the last look at everything came to, which a look at a part must not better.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole {
    checks: u32,
    blind: u32,
    is_incomplete: bool,
}

/// What a monitor knows from look to look.
pub struct Known<'a> {
    /// Its findings.
    pub seen: &'a mut Seen,
    /// How many are new in an hour.
    pub storm: &'a mut Storm,
    /// Its incidents.
    pub incidents: &'a mut Incidents,
    /// Its last look at everything.
    pub whole: &'a mut Whole,
    /// What nobody outside knows.
    pub secret: Secret,
}

/// Which look it is.
#[derive(Clone, Copy)]
pub struct Kind {
    /// All checks of the monitor.
    pub selection: Selection,
    /// The checks of the look, where these are not all: it came of an event.
    pub quick: Option<Selection>,
    /// Its report is what there is, not what is news.
    pub is_state: bool,
}

/// Whom a finding is about: a path, or else another machine or a client.
const fn about<'f>(finding: &Finding<'f>) -> Finding<'f> {
    let Finding { path, remote, client, .. } = *finding;
    if path.is_empty() {
        Finding { remote, client, ..Finding::NOTHING }
    } else {
        Finding { path, ..Finding::NOTHING }
    }
}

/// Who is gone, or is told of again, is an incident of its own the next time.
fn forget(incidents: &mut Incidents, finding: &Finding<'_>, secret: Secret) {
    let key = key::of(&about(finding), secret);
    incidents.retain(|(told, ..)| *told != key);
}

/// A sink that tells `to` what is news of one look.
pub struct Watched<'a, 's> {
    to: &'a mut Sinks<'s>,
    known: Known<'a>,
    kind: Kind,
    now: Now,
    /// Checks that looked at everything.
    fully: [bool; CHECKS],
    /// How many findings and incidents were told.
    pub told: u32,
    /// The look was stopped, and is to leave no last word.
    is_stopped: fn() -> bool,
}

impl<'a, 's> Watched<'a, 's> {
    /// For a look that begins now.
    pub fn new(
        to: &'a mut Sinks<'s>,
        known: Known<'a>,
        kind: Kind,
        now: Now,
        is_stopped: fn() -> bool,
    ) -> Self {
        known.seen.begin();
        known.incidents.retain(|(_, _, told)| now.seconds.saturating_sub(*told) < DAY_S);
        // What nobody looks for any more is no longer known.
        known.seen.keep(&|id| place(id).is_some_and(|index| kind.selection.has(index)));
        Self { to, known, kind, now, fully: [false; CHECKS], told: 0, is_stopped }
    }

    fn tell(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        self.to.event(event).and_then(|()| self.to.late(event))
    }

    fn close(&mut self) {
        let Self { to, known, fully, now, told, .. } = self;
        let Known { seen, incidents, secret, .. } = known;
        let looked = |id: &[u8]| place(id).and_then(|at| fully.get(at).copied()).unwrap_or_default();
        seen.close(*now, &looked, &mut |entry| {
            if let Some(check) = place(entry.check()).and_then(|at| checks::ALL.get(at)) {
                *told = told.saturating_add(1);
                let gone = entry.gone(check.id, check.attack, *now);
                forget(incidents, &gone, *secret);
                let gone = Event::Finding(gone);
                let _ = to.event(&gone).and_then(|()| to.late(&gone));
            }
        });
    }

    /// A look at a part says nothing of the rest: what was found there before still counts, and so does what was not seen.
    fn with_the_rest<'t>(&self, summary: &Summary<'t>, quick: Selection) -> Summary<'t> {
        let Known { seen, incidents, whole: before, .. } = &self.known;
        let mut whole = *summary;
        for entry in seen.open().filter(|entry| !place(entry.check()).is_some_and(|index| quick.has(index))) {
            let count = match entry.severity() {
                Severity::Notice => &mut whole.notice,
                Severity::Suspicious => &mut whole.suspicious,
                Severity::Infected => &mut whole.infected,
            };
            *count = count.saturating_add(1);
        }
        whole.checks = whole.checks.max(before.checks);
        whole.blind = whole.blind.max(before.blind);
        let joined = incidents.iter().any(|(_, severity, _)| *severity == Severity::Infected);
        if whole.infected > 0 || joined {
            whole.verdict = Verdict::Infected;
        } else if whole.suspicious > 0 {
            whole.verdict = Verdict::Suspicious;
        } else if before.is_incomplete || whole.blind > 0 {
            whole.verdict = Verdict::Incomplete;
        }
        whole
    }
}

/// The place of a check in the table.
fn place(id: &[u8]) -> Option<usize> {
    checks::ALL.iter().position(|check| check.id.as_bytes() == id)
}

impl Sink for Watched<'_, '_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => {
                let Known { seen, storm, incidents, secret, .. } = &mut self.known;
                let key = key::of(finding, *secret);
                let Some(history) = seen.see(finding, key, self.now, storm) else {
                    if self.kind.is_state && !self.to.is_mild(event) {
                        self.to.known(|sink| sink.event(event));
                    }
                    return Ok(());
                };
                if history.state == State::Again {
                    forget(incidents, finding, *secret);
                }
                self.told = self.told.saturating_add(1);
                self.tell(&Event::Finding(Finding { history: Some(history), ..*finding }))
            }
            Event::Check(report) => {
                let place = checks::index(report.check).and_then(|index| self.fully.get_mut(index));
                if let Some(fully) = place {
                    *fully = report.looked == Looked::Yes;
                }
                if self.kind.quick.is_some() || (self.is_stopped)() { Ok(()) } else { self.tell(event) }
            }
            _ => self.tell(event),
        }
    }

    // What is told is told at once, to those too that are read from the top: who stays has no top.

    /// What is allowed is there, but no finding: it is not gone either.
    fn allowed(&mut self, finding: &Finding<'_>, reason: &[u8]) -> Result<(), SinkFault> {
        let Known { seen, secret, .. } = &mut self.known;
        seen.forget(key::of(finding, *secret));
        if self.kind.quick.is_some() { Ok(()) } else { self.to.allowed(finding, reason) }
    }

    /// The same intruder is told of once, until he is worse, is gone and back, or his findings are told again. That findings
    /// which are known belong together is news of a look at everything, as parts may have told them one by one; but not of the
    /// first one, before which another monitor has told them.
    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        let Known { incidents, whole, secret, .. } = &mut self.known;
        let about = about(&Finding {
            path: incident.path,
            remote: incident.remote,
            client: incident.client,
            ..Finding::NOTHING
        });
        let key = key::of(&about, *secret);
        let is_known =
            |(told, severity, _): &(u64, Severity, Seconds)| *told == key && *severity >= incident.severity;
        let is_known = incidents.iter().any(is_known);
        let is_full = self.kind.quick.is_none();
        let is_news = !is_known && (self.told > 0 || is_full && whole.checks > 0);
        // Its findings were told as they came.
        let told = Incident { follow: [0; 3], ..*incident };
        if is_news || !is_known && is_full {
            if incidents.is_full() {
                incidents.remove(0);
            }
            let _ = incidents.push((key, incident.severity, self.now.seconds));
        }
        if !is_news {
            if self.kind.is_state && self.to.shows(incident.severity) {
                self.to.known(|sink| sink.incident(&told));
            }
            return Ok(());
        }
        self.told = self.told.saturating_add(1);
        self.to.incident(&told)
    }

    /// The last word of a look at everything is the heartbeat; a quick one has a last word if it told something.
    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let held_back = self.known.seen.held_back();
        match self.kind.quick {
            None if (self.is_stopped)() && self.told == 0 => Ok(()),
            None => {
                self.close();
                *self.known.whole = Whole {
                    checks: summary.checks,
                    blind: summary.blind,
                    is_incomplete: !summary.broken_off.is_empty(),
                };
                self.to.summary(&Summary { held_back, ..*summary })
            }
            Some(_) if self.told == 0 => Ok(()),
            Some(quick) => self.to.summary(&Summary { held_back, ..self.with_the_rest(summary, quick) }),
        }
    }
}
