//! Between a look and where it reports to: lets through what is news.

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::limits::{CHECKS, INCIDENTS_TOLD};
use gatewatch::monitor::key::{self, Secret};
use gatewatch::monitor::seen::{Now, Seen};
use gatewatch::monitor::storm::Storm;
use gatewatch::report::{Event, Finding, Incident, Looked, Severity, Sink, SinkFault, Summary, Verdict};

/// What stands for incidents that were told.
pub type Incidents = heapless::Vec<u64, INCIDENTS_TOLD>;

/// A sink that tells `to` what is news of one look.
pub struct Watched<'a> {
    to: &'a mut dyn Sink,
    seen: &'a mut Seen,
    storm: &'a mut Storm,
    secret: Secret,
    now: Now,
    /// The checks of the look, where these are not all: it came of an event.
    quick: Option<Selection>,
    /// What stands for the incidents that were told, the oldest first.
    incidents: &'a mut Incidents,
    /// Checks that looked at everything.
    fully: [bool; CHECKS],
    /// How many findings were told.
    pub told: u32,
    /// The look was stopped, and is to leave no last word.
    is_stopped: fn() -> bool,
}

impl<'a> Watched<'a> {
    /// For a look that begins now.
    pub fn new(
        to: &'a mut dyn Sink,
        (seen, storm, incidents): (&'a mut Seen, &'a mut Storm, &'a mut Incidents),
        secret: Secret,
        now: Now,
        quick: Option<Selection>,
        is_stopped: fn() -> bool,
    ) -> Self {
        seen.begin();
        Self { to, seen, storm, secret, now, quick, incidents, fully: [false; CHECKS], told: 0, is_stopped }
    }

    fn tell(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        self.to.event(event).and_then(|()| self.to.late(event))
    }

    fn close(&mut self) {
        let Self { to, seen, fully, now, told, .. } = self;
        let index = |id: &[u8]| checks::ALL.iter().position(|check| check.id.as_bytes() == id);
        let looked = |id: &[u8]| index(id).and_then(|at| fully.get(at).copied()).unwrap_or_default();
        seen.close(&looked, &mut |entry| {
            if let Some(check) = index(entry.check()).and_then(|at| checks::ALL.get(at)) {
                *told = told.saturating_add(1);
                let gone = Event::Finding(entry.gone(check.id, check.attack, *now));
                let _ = to.event(&gone).and_then(|()| to.late(&gone));
            }
        });
    }

    /// A look at a part says nothing of the rest: what was found there before still counts.
    fn with_the_rest<'s>(&self, summary: &Summary<'s>, quick: Selection) -> Summary<'s> {
        let mut whole = *summary;
        for entry in self.seen.open() {
            let check = checks::ALL.iter().position(|check| check.id.as_bytes() == entry.check());
            if check.is_some_and(|index| quick.has(index)) {
                continue;
            }
            let count = match entry.severity() {
                Severity::Notice => &mut whole.notice,
                Severity::Suspicious => &mut whole.suspicious,
                Severity::Infected => &mut whole.infected,
            };
            *count = count.saturating_add(1);
        }
        if whole.infected > 0 {
            whole.verdict = Verdict::Infected;
        } else if whole.suspicious > 0 {
            whole.verdict = Verdict::Suspicious;
        }
        whole
    }
}

impl Sink for Watched<'_> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => {
                let key = key::of(finding, self.secret);
                let Some(history) = self.seen.see(finding, key, self.now, self.storm) else { return Ok(()) };
                self.told = self.told.saturating_add(1);
                self.tell(&Event::Finding(Finding { history: Some(history), ..*finding }))
            }
            Event::Check(report) => {
                let place = checks::index(report.check).and_then(|index| self.fully.get_mut(index));
                if let Some(fully) = place {
                    *fully = report.looked == Looked::Yes;
                }
                if self.quick.is_some() || (self.is_stopped)() { Ok(()) } else { self.tell(event) }
            }
            _ => self.tell(event),
        }
    }

    // What is told is told at once, to those too that are read from the top: who stays has no top.

    fn allowed(&mut self, finding: &Finding<'_>, reason: &[u8]) -> Result<(), SinkFault> {
        if self.quick.is_some() { Ok(()) } else { self.to.allowed(finding, reason) }
    }

    /// Findings that are known make no news together either, and the same intruder is told of once, until he is worse.
    fn incident(&mut self, incident: &Incident<'_>) -> Result<(), SinkFault> {
        let about = Finding {
            check: incident.severity.word(),
            severity: incident.severity,
            family: incident.family,
            path: incident.path,
            remote: incident.remote,
            client: incident.client,
            ..Finding::NOTHING
        };
        let key = key::of(&about, self.secret);
        if self.told == 0 || self.incidents.contains(&key) {
            return Ok(());
        }
        if self.incidents.is_full() {
            self.incidents.remove(0);
        }
        let _ = self.incidents.push(key);
        // Its findings were told as they came.
        self.to.incident(&Incident { follow: [0; 3], ..*incident })
    }

    /// The last word of a look at everything is the heartbeat; a quick one has a last word if it told something.
    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        let held_back = self.seen.held_back();
        match self.quick {
            None if (self.is_stopped)() && self.told == 0 => Ok(()),
            None => {
                self.close();
                self.to.summary(&Summary { held_back, ..*summary })
            }
            Some(_) if self.told == 0 => Ok(()),
            Some(quick) => self.to.summary(&Summary { held_back, ..self.with_the_rest(summary, quick) }),
        }
    }
}
