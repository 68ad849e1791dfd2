//! What has been found so far, since when, and what of it has been told.

use crate::facts::endpoint::Endpoint;
use crate::facts::text::Bytes;
use crate::limits::{CLIENT_BYTES, COMM_BYTES, MONITOR_FINDINGS, MONITOR_PATH_BYTES, PARENTS};
use crate::report::{Client, Finding, History, Parent, Severity, State};

use super::storm::Storm;

/// Seconds by a clock that nobody sets. Below zero is before the machine was started.
pub type Seconds = i64;

/// How long a finding that is still there is not told again.
const DAY_S: Seconds = 86_400;

/// Room for the id of a check, and for the name of a family.
const ID_BYTES: usize = 32;

/// When something is: by the clock that nobody sets, and by the one that people read, if it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// By the first.
    pub seconds: Seconds,
    /// Seconds since 1970.
    pub date: Option<u64>,
}

impl Now {
    /// How long ago something was.
    fn age(self, then: Seconds) -> u64 {
        u64::try_from(self.seconds.saturating_sub(then)).unwrap_or_default()
    }

    /// The date of something that was then.
    fn date(self, then: Seconds) -> Option<u64> {
        self.date?.checked_sub(self.age(then))
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) key: u64,
    pub(super) check: Bytes<ID_BYTES>,
    pub(super) severity: Severity,
    pub(super) first: Seconds,
    pub(super) last: Seconds,
    /// When it was told; none if it has not been.
    pub(super) told: Option<Seconds>,
    /// Nobody sees it any more, and that has been told.
    pub(super) is_gone: bool,
    /// The last look that saw it, and that told of it.
    pub(super) look: u32,
    pub(super) told_by: u32,
    pub(super) pid: Option<u32>,
    pub(super) line: Option<u32>,
    pub(super) local: Option<Endpoint>,
    pub(super) remote: Option<Endpoint>,
    pub(super) family: Bytes<ID_BYTES>,
    pub(super) name: Bytes<COMM_BYTES>,
    pub(super) path: Bytes<MONITOR_PATH_BYTES>,
    pub(super) client: Bytes<CLIENT_BYTES>,
}

impl Entry {
    fn of(finding: &Finding<'_>, key: u64, now: Now) -> Self {
        let mut client = Bytes::new();
        if let Some(Client::Named(name)) = finding.client {
            client.push(name);
        }
        Self {
            key,
            check: Bytes::of(finding.check.as_bytes()),
            severity: finding.severity,
            first: now.seconds,
            last: now.seconds,
            told: None,
            is_gone: false,
            look: 0,
            told_by: 0,
            pid: finding.pid,
            line: finding.line,
            local: finding.local,
            remote: finding.remote,
            family: Bytes::of(finding.family),
            name: Bytes::of(finding.name),
            path: Bytes::of(finding.path),
            client,
        }
    }

    /// The id of the check that found it.
    #[must_use]
    pub fn check(&self) -> &[u8] {
        self.check.as_slice()
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    fn history(&self, state: State, now: Now) -> History {
        History {
            state,
            age_s: now.age(self.first),
            first_seen: now.date(self.first),
            last_seen: now.date(self.last),
        }
    }

    /// What is told when it is gone: what it was, by a check with this id and technique.
    #[must_use]
    pub fn gone<'a>(&'a self, check: &'a str, attack: &'a str, now: Now) -> Finding<'a> {
        Finding {
            check,
            severity: self.severity,
            attack,
            family: self.family.as_slice(),
            pid: self.pid,
            name: self.name.as_slice(),
            path: self.path.as_slice(),
            uid: None,
            owner: None,
            age_s: None,
            parents: [Parent::default(); PARENTS],
            line: self.line,
            local: self.local,
            remote: self.remote,
            client: Some(Client::Named(self.client.as_slice())).filter(|_| !self.client.is_empty()),
            detail: b"it is there no more",
            history: Some(self.history(State::Gone, now)),
        }
    }
}

/// All of them. Large and all zeros at first, so it belongs into `.bss`.
#[derive(Debug, Default)]
pub struct Seen {
    entries: heapless::Vec<Entry, MONITOR_FINDINGS>,
    /// Findings of this look that were not told although they should be.
    held_back: u32,
    look: u32,
}

impl Seen {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new(), held_back: 0, look: 0 }
    }

    /// All that are there, or were.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Those that are there.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_gone)
    }

    /// Takes over one that is known from before; more than have room are left out.
    pub(super) fn adopt(&mut self, entry: Entry) {
        let _ = self.entries.push(entry);
    }

    /// A look begins.
    pub const fn begin(&mut self) {
        self.look = self.look.wrapping_add(1);
        self.held_back = 0;
    }

    /// How many findings of this look should have been told and were not.
    #[must_use]
    pub const fn held_back(&self) -> u32 {
        self.held_back
    }

    /// Notes a finding of this look. Returns what is to be told of it, if it is news.
    pub fn see(&mut self, finding: &Finding<'_>, key: u64, now: Now, storm: &mut Storm) -> Option<History> {
        let look = self.look;
        let place = self.place(finding, key, now);
        let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) else {
            self.held_back = self.held_back.saturating_add(1);
            return None;
        };
        if entry.look == look {
            // Two of the same in one look are one, the worse of them.
            entry.severity = entry.severity.max(finding.severity);
            return None;
        }
        let is_worse = finding.severity > entry.severity;
        let is_back = core::mem::take(&mut entry.is_gone);
        (entry.look, entry.last, entry.severity) = (look, now.seconds, finding.severity);
        (entry.pid, entry.line) = (finding.pid, finding.line);
        let state = match entry.told {
            None => State::New,
            Some(_) if is_worse || is_back => State::Again,
            Some(told) if now.seconds.saturating_sub(told) >= DAY_S => {
                entry.told = Some(now.seconds);
                entry.told_by = look;
                return Some(entry.history(State::Again, now));
            }
            Some(_) => return None,
        };
        if !storm.may(now.seconds, entry.severity) {
            // It is told once there is room for it in an hour.
            entry.told = None;
            self.held_back = self.held_back.saturating_add(1);
            return None;
        }
        entry.told = Some(now.seconds);
        entry.told_by = look;
        Some(entry.history(state, now))
    }

    /// Forgets one, as if it had never been seen.
    pub fn forget(&mut self, key: u64) {
        self.entries.retain(|entry| entry.key != key);
    }

    /// Forgets those whose check is none of these.
    pub fn keep(&mut self, checks: &dyn Fn(&[u8]) -> bool) {
        self.entries.retain(|entry| checks(entry.check.as_slice()));
    }

    /// The place of a finding, a new one if need be: where there is no other, that of the one that has been gone longest, or else
    /// of the mildest that is milder. A crowd of look-alikes hides nobody.
    fn place(&mut self, finding: &Finding<'_>, key: u64, now: Now) -> Option<usize> {
        if let Some(place) = self.entries.iter().position(|entry| entry.key == key) {
            return Some(place);
        }
        // Not a look's number yet, so that it is not taken for one that was just seen.
        let entry = Entry { look: self.look.wrapping_sub(1), ..Entry::of(finding, key, now) };
        let Err(entry) = self.entries.push(entry) else { return self.entries.len().checked_sub(1) };
        let may_go = |(_, other): &(usize, &Entry)| other.is_gone || other.severity < entry.severity;
        let others = self.entries.iter().enumerate().filter(may_go);
        let (place, _) = others.min_by_key(|(_, other)| (!other.is_gone, other.severity, other.last))?;
        *self.entries.get_mut(place)? = entry;
        Some(place)
    }

    /// A look at everything is over: what it did not see is gone, as its check looked at everything, or has not seen it for a day.
    pub fn close(&mut self, now: Now, fully: &dyn Fn(&[u8]) -> bool, each: &mut dyn FnMut(&Entry)) {
        let look = self.look;
        for entry in &mut self.entries {
            let is_over = |entry: &Entry| {
                fully(entry.check.as_slice()) || now.seconds.saturating_sub(entry.last) >= DAY_S
            };
            if !entry.is_gone && entry.look != look && is_over(entry) {
                entry.is_gone = true;
                // What nobody was told of needs no farewell.
                if entry.told.is_some() {
                    entry.told_by = look;
                    each(entry);
                }
            }
        }
    }

    /// What this look told did not arrive everywhere: it will be told again.
    pub fn untold(&mut self) {
        let look = self.look;
        for entry in self.entries.iter_mut().filter(|entry| entry.told_by == look) {
            // That one is gone is told by a later look that does not see it.
            if !core::mem::take(&mut entry.is_gone) {
                entry.told = None;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::key;
    use super::*;

    pub(in super::super) fn finding<'a>(check: &'a str, path: &'a [u8]) -> Finding<'a> {
        Finding {
            check,
            severity: Severity::Suspicious,
            attack: "T1036",
            path,
            history: None,
            ..Finding::NOTHING
        }
    }

    /// A monitor whose looks find what a test says.
    #[derive(Default)]
    struct Days {
        seen: Seen,
        storm: Storm,
    }

    impl Days {
        /// A full look at this second: what it told, as `state path`. `blind`: it could not look at everything.
        fn look(&mut self, seconds: Seconds, findings: &[Finding<'_>], blind: bool) -> Vec<String> {
            let now = Now { seconds, date: u64::try_from(2_000_000_000_i64.saturating_add(seconds)).ok() };
            let mut told = Vec::new();
            let mut say = |state: State, path: &[u8]| {
                told.push(format!("{} {}", state.word(), String::from_utf8_lossy(path)));
            };
            self.seen.begin();
            for finding in findings {
                let key = key::of(finding, [7; 8]);
                if let Some(history) = self.seen.see(finding, key, now, &mut self.storm) {
                    say(history.state, finding.path);
                }
            }
            self.seen.close(now, &|_| !blind, &mut |entry| {
                let gone = entry.gone("x", "T1", now);
                assert_eq!(gone.history.unwrap().last_seen, now.date(entry.last));
                say(State::Gone, gone.path);
            });
            told
        }
    }

    const NONE: [String; 0] = [];

    #[test]
    fn a_crowd_of_look_alikes_hides_nobody() {
        let mut days = Days::default();
        let names: Vec<_> = (0..MONITOR_FINDINGS).map(|n| format!("/etc/init.d/{n}")).collect();
        let mut crowd: Vec<_> =
            names.iter().map(|name| finding("startup-volatile", name.as_bytes())).collect();
        days.look(0, &crowd, false);
        crowd.push(Finding { severity: Severity::Infected, ..finding("startup-dropper", b"/etc/init.d/k") });
        let told = days.look(10, &crowd, true);
        assert_eq!(told, ["new /etc/init.d/k"]);
        assert_eq!(days.seen.iter().count(), MONITOR_FINDINGS);
        assert_eq!(days.look(20, &crowd, true), NONE, "it stays");
    }

    #[test]
    fn what_is_allowed_from_now_on_is_forgotten() {
        let (mut days, bot) =
            (Days::default(), [finding("exe-deleted", b"/tmp/x"), finding("raw-socket", b"/y")]);
        days.look(0, &bot, false);
        days.seen.forget(key::of(&bot[0], [7; 8]));
        days.seen.keep(&|check| check != b"raw-socket");
        assert_eq!(days.look(10, &[], false), NONE);
    }

    #[test]
    fn told_once_again_after_a_day_and_when_it_is_gone() {
        let (mut days, bot) = (Days::default(), [finding("exe-deleted", b"/tmp/x")]);
        assert_eq!(days.look(0, &bot, false), ["new /tmp/x"]);
        for hour in 1..24 {
            assert_eq!(days.look(hour * 3600, &bot, false), NONE);
        }
        assert_eq!(days.look(DAY_S, &bot, false), ["again /tmp/x"]);
        assert_eq!(days.look(DAY_S + 3600, &bot, false), NONE);
        assert_eq!(days.look(DAY_S + 7200, &[], true), NONE, "who saw only a part closes nothing");
        assert_eq!(days.look(DAY_S + 9000, &[], false), ["gone /tmp/x"]);
        let other = [finding("exe-deleted", b"/tmp/y")];
        assert_eq!(days.look(2 * DAY_S, &other, true), ["new /tmp/y"]);
        assert_eq!(days.look(3 * DAY_S - 1, &[], true), NONE);
        assert_eq!(days.look(3 * DAY_S, &[], true), ["gone /tmp/y"], "not seen for a day");
        assert_eq!(days.look(DAY_S + 9600, &[], false), NONE);
        assert_eq!(days.look(DAY_S + 9900, &bot, false), ["again /tmp/x"], "it is back");
        let age = days.seen.iter().next().map(|entry| (entry.first, entry.last));
        assert_eq!(age, Some((0, DAY_S + 9900)));
    }

    #[test]
    fn what_has_become_worse_is_told_again_and_what_has_become_better_is_not() {
        let (mut days, bot) = (Days::default(), finding("exe-deleted", b"/tmp/x"));
        let worse = Finding { severity: Severity::Infected, ..bot };
        assert_eq!(days.look(0, &[bot], false), ["new /tmp/x"]);
        assert_eq!(days.look(1, &[worse], false), ["again /tmp/x"]);
        assert_eq!(days.look(2, &[bot], false), NONE);
        assert_eq!(days.look(3, &[bot, worse], false), NONE, "two of the same are one");
    }

    #[test]
    fn a_storm_is_told_bit_by_bit_and_counted() {
        let mut days = Days::default();
        let paths: Vec<String> = (0..6).map(|number| format!("/tmp/{number}")).collect();
        let mut all: Vec<_> = paths.iter().map(|path| finding("exe-volatile", path.as_bytes())).collect();
        assert_eq!(days.look(0, &all, false), ["new /tmp/0", "new /tmp/1", "new /tmp/2"]);
        assert_eq!(days.seen.held_back(), 3);
        all[5].severity = Severity::Infected;
        assert_eq!(days.look(60, &all, false), ["new /tmp/5"], "what is infected has its own share");
        assert_eq!(days.seen.held_back(), 2);
        assert_eq!(days.look(3600, &all, false), ["new /tmp/3", "new /tmp/4"]);
        assert_eq!(days.seen.held_back(), 0);
        // What was never told needs no farewell.
        let mut days = Days::default();
        days.look(0, &all[..5], false);
        assert_eq!(days.look(1, &[], false), ["gone /tmp/0", "gone /tmp/1", "gone /tmp/2"]);
    }

    #[test]
    fn a_full_table_forgets_what_has_been_gone_longest_and_counts_what_has_no_place() {
        let mut days = Days::default();
        let paths: Vec<String> = (0..MONITOR_FINDINGS + 2).map(|number| format!("/tmp/{number}")).collect();
        let all: Vec<_> = paths.iter().map(|path| finding("exe-volatile", path.as_bytes())).collect();
        for (hour, finding) in (0..).zip(&all[..MONITOR_FINDINGS]) {
            let told = days.look(hour * 3600, std::slice::from_ref(finding), true);
            assert_eq!(told.len(), 1);
        }
        assert_eq!(days.look(90_000, &all[2..], false), ["gone /tmp/0", "gone /tmp/1"]);
        assert_eq!(days.seen.held_back(), 2);
        // The places of those that are gone.
        days.look(93_600, &all[2..], false);
        assert_eq!((days.seen.held_back(), days.seen.open().count()), (0, MONITOR_FINDINGS));
        assert!(days.seen.iter().all(|entry| entry.path.as_slice() != b"/tmp/0"));
    }

    #[test]
    fn what_did_not_arrive_is_told_again() {
        let (mut days, bot) = (Days::default(), [finding("exe-deleted", b"/tmp/x")]);
        days.look(0, &bot, false);
        days.seen.untold();
        assert_eq!(days.look(1, &bot, false), ["new /tmp/x"]);
        assert_eq!(days.look(2, &[], false), ["gone /tmp/x"]);
        days.seen.untold();
        assert_eq!(days.look(3, &[], false), ["gone /tmp/x"]);
        assert_eq!(days.look(4, &[], false), NONE);
    }

    #[test]
    fn a_clock_that_is_set_while_we_watch_makes_nothing_old() {
        let (mut seen, mut storm) = (Seen::new(), Storm::new());
        let bot = finding("exe-deleted", b"/tmp/x");
        let mut at = |seconds: Seconds, date: Option<u64>| {
            seen.begin();
            seen.see(&bot, 1, Now { seconds, date }, &mut storm)
        };
        let first = at(10, None).unwrap();
        assert_eq!((first.state, first.first_seen, first.age_s), (State::New, None, 0));
        assert_eq!(at(20, Some(2_000_000_000)), None, "from 1970 to 2033: nothing to tell");
        let again = at(10 + DAY_S, Some(2_000_086_390)).unwrap();
        assert_eq!((again.first_seen, again.age_s), (Some(1_999_999_990), 86_400));
        assert_eq!(at(20 + DAY_S, Some(5)), None, "and back");
    }
}
