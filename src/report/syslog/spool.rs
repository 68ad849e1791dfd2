//! The spool: messages on their way to the collectors, in bounded room. One that has no way left to go is removed; when the
//! room is used up the oldest summaries give way first, then the oldest incidents, the oldest findings last, and each
//! collector is told of how many it will never get.

use crate::limits::{SPOOL_BYTES, SPOOL_MESSAGES, SYSLOG_DESTINATIONS};

use super::Run;

/// What a message is, the least worth keeping first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The last word of a run.
    Summary,
    /// Findings about one intruder.
    Incident,
    /// One finding.
    Finding,
}

impl Class {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Class::Summary => "summary",
            Class::Incident => "incident",
            Class::Finding => "finding",
        }
    }
}

/// A message as it is to be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub class: Class,
    /// Its severity of RFC 5424 section 6.2.1.
    pub level: u8,
    /// The process that reports.
    pub pid: u32,
    /// The run.
    pub run: u32,
    /// Seconds since 1970 of the device's clock.
    pub now: u64,
    /// That clock is set.
    pub believed: bool,
    /// Its number in the run, from 1.
    pub number: u16,
    /// How many the run has.
    pub of: u16,
    /// Messages that this collector will never get, and has not been told of.
    pub lost: u32,
    /// Keys with values, printable ASCII.
    pub text: &'a str,
}

/// All but the text.
#[derive(Clone, Copy, Debug)]
struct Head {
    class: Class,
    level: u8,
    /// The destinations that have not got it, a bit each.
    waiting: u8,
    /// Those of them that it is on its way to.
    flying: u8,
    number: u16,
    /// 0 while its run goes on.
    of: u16,
    length: u16,
    pid: u32,
    run: u32,
    now: u64,
    believed: bool,
}

impl Head {
    const fn is_open(&self) -> bool {
        self.of == 0
    }
}

/// Messages that somebody waits for. Large, so it lives in `.bss`.
#[derive(Debug)]
pub struct Spool {
    heads: heapless::Vec<Head, SPOOL_MESSAGES>,
    /// Their texts, one behind the other.
    texts: [u8; SPOOL_BYTES],
    used: usize,
    /// The destinations that there are, a bit each.
    all: u8,
    /// What each will never get.
    lost: [u32; SYSLOG_DESTINATIONS],
    /// How much of that is said in what is on its way.
    told: [u32; SYSLOG_DESTINATIONS],
}

impl Default for Spool {
    fn default() -> Self {
        Self::new()
    }
}

/// The bit of a destination.
fn bit(to: usize) -> u8 {
    u32::try_from(to).ok().and_then(|to| 1_u8.checked_shl(to)).unwrap_or_default()
}

impl Spool {
    /// An empty one that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            heads: heapless::Vec::new(),
            texts: [0; SPOOL_BYTES],
            used: 0,
            all: 0,
            lost: [0; SYSLOG_DESTINATIONS],
            told: [0; SYSLOG_DESTINATIONS],
        }
    }

    /// Says who the destinations are from now on, each known by its place: for each the place that it had, or none if it is
    /// new and gets what is put in from now on.
    pub fn serve(&mut self, places: &[Option<usize>]) {
        let moved = |bits: u8| {
            let there = |old: &Option<usize>| old.is_some_and(|old| bits & bit(old) != 0);
            places.iter().enumerate().filter(|(_, old)| there(old)).fold(0, |all, (new, _)| all | bit(new))
        };
        self.all = (0..places.len()).fold(0, |all, new| all | bit(new));
        for head in &mut self.heads {
            head.waiting = if head.is_open() { self.all } else { moved(head.waiting) };
            head.flying = moved(head.flying);
        }
        for counts in [&mut self.lost, &mut self.told] {
            let was = *counts;
            *counts = [0; SYSLOG_DESTINATIONS];
            for (count, old) in counts.iter_mut().zip(places) {
                *count = old.and_then(|old| was.get(old)).copied().unwrap_or_default();
            }
        }
        self.sweep();
    }

    /// Takes a message of the run that goes on, if anybody waits for one. It stays where it is until the run is sealed.
    pub fn put(&mut self, class: Class, level: u8, text: &str) {
        if self.all == 0 {
            return;
        }
        let room = SPOOL_BYTES.saturating_sub(text.len());
        while self.heads.is_full() || self.used > room {
            let oldest = self.heads.iter().enumerate().min_by_key(|(_, head)| head.class);
            match oldest.filter(|(_, head)| head.class <= class).map(|(at, _)| at) {
                Some(at) => {
                    let waiting = self.remove(at).map_or(0, |head| head.waiting);
                    self.lose(waiting);
                }
                None => return self.lose(self.all),
            }
        }
        let Some(place) = self.texts.get_mut(self.used..self.used.saturating_add(text.len())) else {
            return self.lose(self.all);
        };
        place.copy_from_slice(text.as_bytes());
        let length = u16::try_from(text.len()).unwrap_or_default();
        let head = Head {
            class,
            level,
            waiting: self.all,
            flying: 0,
            number: 0,
            of: 0,
            length,
            pid: 0,
            run: 0,
            now: 0,
            believed: false,
        };
        if self.heads.push(head).is_ok() {
            self.used = self.used.saturating_add(length.into());
        }
    }

    /// Ends a run: its messages get their numbers, and may go.
    pub fn seal(&mut self, run: Run) {
        let of = self.heads.iter().filter(|head| head.is_open()).count();
        let of = u16::try_from(of).unwrap_or(u16::MAX);
        for (number, head) in (1_u16..).zip(self.heads.iter_mut().filter(|head| head.is_open())) {
            (head.number, head.of) = (number, of);
            (head.pid, head.run, head.now, head.believed) = (run.pid, run.id, run.now, run.believed);
        }
    }

    /// The messages of the run that goes on, with their places.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, Class, u8, &str)> {
        let mut end = 0_usize;
        let all = self.heads.iter().enumerate().map(move |(at, head)| {
            let start = end;
            end = end.saturating_add(head.length.into());
            (at, head, start)
        });
        all.filter(|(_, head, _)| head.is_open())
            .map(|(at, head, start)| (at, head.class, head.level, self.text(head, start)))
    }

    /// Takes one out of the run that goes on.
    pub(super) fn withdraw(&mut self, at: usize) {
        if self.heads.get(at).is_some_and(Head::is_open) {
            self.remove(at);
        }
    }

    /// The oldest message that is to be sent to a destination.
    #[must_use]
    pub fn next(&self, to: usize) -> Option<Message<'_>> {
        let (at, start) = self.first(to)?;
        let head = self.heads.get(at)?;
        let lost = match head.class {
            Class::Summary => self.untold(to),
            Class::Incident | Class::Finding => 0,
        };
        Some(Message {
            class: head.class,
            level: head.level,
            pid: head.pid,
            run: head.run,
            now: head.now,
            believed: head.believed,
            number: head.number,
            of: head.of,
            lost,
            text: self.text(head, start),
        })
    }

    /// Notes that the message that [`Spool::next`] shows is on its way.
    pub fn sent(&mut self, to: usize) {
        let Some((at, _)) = self.first(to) else { return };
        let Some(head) = self.heads.get_mut(at) else { return };
        head.flying |= bit(to);
        if head.class == Class::Summary
            && let (Some(told), Some(lost)) = (self.told.get_mut(to), self.lost.get(to))
        {
            *told = *lost;
        }
    }

    /// Notes that everything that was on its way to a destination is there.
    pub fn arrived(&mut self, to: usize) {
        for head in &mut self.heads {
            head.waiting &= !(head.flying & bit(to));
            head.flying &= !bit(to);
        }
        if let (Some(told), Some(lost)) = (self.told.get_mut(to), self.lost.get_mut(to)) {
            *lost = lost.saturating_sub(*told);
            *told = 0;
        }
        self.sweep();
    }

    /// Removes what nobody waits for.
    fn sweep(&mut self) {
        let (mut from, mut until) = (0_usize, 0_usize);
        let texts = &mut self.texts;
        self.heads.retain(|head| {
            let end = from.saturating_add(head.length.into());
            let stays = head.waiting != 0;
            if stays {
                texts.copy_within(from..end, until);
                until = until.saturating_add(head.length.into());
            }
            from = end;
            stays
        });
        self.used = until;
    }

    /// Notes that nothing of what was on its way to a destination can be relied on to be there.
    pub fn again(&mut self, to: usize) {
        for head in &mut self.heads {
            head.flying &= !bit(to);
        }
        if let Some(told) = self.told.get_mut(to) {
            *told = 0;
        }
    }

    /// Whether something is on its way to a destination.
    #[must_use]
    pub fn flies(&self, to: usize) -> bool {
        self.heads.iter().any(|head| head.flying & bit(to) != 0)
    }

    /// How many messages of ended runs a destination has not got.
    #[must_use]
    pub fn waiting(&self, to: usize) -> usize {
        self.heads.iter().filter(|head| !head.is_open() && head.waiting & bit(to) != 0).count()
    }

    /// How many it will never get and has not been told of.
    #[must_use]
    pub fn untold(&self, to: usize) -> u32 {
        let (lost, told) = (self.lost.get(to), self.told.get(to));
        lost.copied().unwrap_or_default().saturating_sub(told.copied().unwrap_or_default())
    }

    /// The place of the oldest message to be sent, and where its text begins.
    fn first(&self, to: usize) -> Option<(usize, usize)> {
        let mut start = 0_usize;
        for (at, head) in self.heads.iter().enumerate() {
            if !head.is_open() && head.waiting & !head.flying & bit(to) != 0 {
                return Some((at, start));
            }
            start = start.saturating_add(head.length.into());
        }
        None
    }

    fn text(&self, head: &Head, start: usize) -> &str {
        let text = self.texts.get(start..start.saturating_add(head.length.into()));
        str::from_utf8(text.unwrap_or_default()).unwrap_or_default()
    }

    fn remove(&mut self, at: usize) -> Option<Head> {
        let length = |head: &Head| usize::from(head.length);
        let start = self.heads.iter().take(at).fold(0_usize, |sum, head| sum.saturating_add(length(head)));
        let head = self.heads.get(at).copied()?;
        self.texts.copy_within(start.saturating_add(length(&head))..self.used, start);
        self.used = self.used.saturating_sub(length(&head));
        self.heads.remove(at);
        Some(head)
    }

    /// Counts a message that these destinations will never get.
    fn lose(&mut self, destinations: u8) {
        for (_, lost) in self.lost.iter_mut().enumerate().filter(|(to, _)| destinations & bit(*to) != 0) {
            *lost = lost.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: u32) -> Run {
        Run { pid: 1, id, now: 0, believed: true }
    }

    /// A spool for so many destinations.
    fn spool(destinations: usize) -> Box<Spool> {
        let mut spool = Box::new(Spool::new());
        spool.serve(&vec![None; destinations]);
        spool
    }

    /// Everything that is sent to a destination: run, number, text and what is said to be lost.
    fn drain(spool: &mut Spool, to: usize) -> Vec<(u32, u16, String, u32)> {
        let mut all = Vec::new();
        while let Some(message) = spool.next(to) {
            all.push((message.run, message.number, message.text.to_owned(), message.lost));
            spool.sent(to);
        }
        all
    }

    fn texts(spool: &mut Spool, to: usize) -> Vec<String> {
        drain(spool, to).into_iter().map(|(_, _, text, _)| text).collect()
    }

    #[test]
    fn nothing_goes_before_its_run_has_ended() {
        let mut spool = spool(1);
        spool.put(Class::Finding, 2, "a");
        assert!(spool.next(0).is_none() && spool.waiting(0) == 0);
        spool.put(Class::Summary, 6, "s");
        spool.seal(run(7));
        spool.put(Class::Finding, 2, "next run");
        assert_eq!(spool.waiting(0), 2);
        assert_eq!(drain(&mut spool, 0), [(7, 1, "a".into(), 0), (7, 2, "s".into(), 0)]);
        spool.arrived(0);
        spool.seal(run(8));
        assert_eq!(drain(&mut spool, 0), [(8, 1, "next run".into(), 0)]);
    }

    #[test]
    fn each_destination_gets_everything_once_it_has_said_so() {
        let mut spool = spool(2);
        for text in ["a", "bb", "ccc"] {
            spool.put(Class::Finding, 2, text);
        }
        spool.seal(run(1));
        assert_eq!(texts(&mut spool, 0), ["a", "bb", "ccc"]);
        assert_eq!(texts(&mut spool, 0), [""; 0]);
        assert!(spool.flies(0) && !spool.flies(1));
        spool.again(0);
        assert_eq!(texts(&mut spool, 0), ["a", "bb", "ccc"], "what broke off is sent again");
        spool.arrived(0);
        assert_eq!((spool.waiting(0), spool.waiting(1)), (0, 3));
        spool.sent(1);
        spool.arrived(1);
        assert_eq!((texts(&mut spool, 1), spool.used), (vec!["bb".to_owned(), "ccc".to_owned()], 5));
        spool.arrived(1);
        assert_eq!((spool.heads.len(), spool.used), (0, 0));
    }

    #[test]
    fn when_it_is_full_the_oldest_summaries_go_first_and_findings_last() {
        let mut spool = spool(1);
        let long = "x".repeat(SPOOL_BYTES / 8);
        let named = |name: &str| format!("{name}{}", long.get(name.len()..).unwrap());
        for (id, name) in (1..).zip(["1", "2"]) {
            spool.put(Class::Finding, 2, &named(&format!("f{name}")));
            spool.put(Class::Incident, 2, &named(&format!("i{name}")));
            spool.put(Class::Summary, 6, &named(&format!("s{name}")));
            spool.seal(run(id));
        }
        let names = |spool: &mut Spool| {
            let names: Vec<String> =
                texts(spool, 0).iter().map(|text| text.get(..2).unwrap().to_owned()).collect();
            spool.again(0);
            names
        };
        let mut add = |class, name: &str| {
            spool.put(class, 2, &named(name));
            spool.seal(run(9));
            names(&mut spool)
        };
        assert_eq!(add(Class::Finding, "f3"), ["f1", "i1", "s1", "f2", "i2", "s2", "f3"]);
        assert_eq!(add(Class::Finding, "f4"), ["f1", "i1", "s1", "f2", "i2", "s2", "f3", "f4"], "it is full");
        assert_eq!(add(Class::Finding, "f5"), ["f1", "i1", "f2", "i2", "s2", "f3", "f4", "f5"]);
        assert_eq!(add(Class::Summary, "s6"), ["f1", "i1", "f2", "i2", "f3", "f4", "f5", "s6"]);
        assert_eq!(add(Class::Finding, "f7"), ["f1", "i1", "f2", "i2", "f3", "f4", "f5", "f7"]);
        assert_eq!(add(Class::Incident, "i8"), ["f1", "f2", "i2", "f3", "f4", "f5", "f7", "i8"]);
        assert_eq!(add(Class::Finding, "f9"), ["f1", "f2", "f3", "f4", "f5", "f7", "i8", "f9"]);
        assert_eq!(add(Class::Finding, "fa"), ["f1", "f2", "f3", "f4", "f5", "f7", "f9", "fa"]);
        assert_eq!(add(Class::Finding, "fb"), ["f2", "f3", "f4", "f5", "f7", "f9", "fa", "fb"]);
        assert_eq!(
            add(Class::Summary, "sc"),
            ["f2", "f3", "f4", "f5", "f7", "f9", "fa", "fb"],
            "no finding gives way to it"
        );
        assert_eq!(spool.untold(0), 8);
        drain(&mut spool, 0);
        spool.arrived(0);
        spool.put(Class::Summary, 6, "a");
        spool.put(Class::Summary, 6, "b");
        spool.seal(run(10));
        let last = drain(&mut spool, 0);
        assert_eq!(last, [(10, 1, "a".into(), 8), (10, 2, "b".into(), 0)], "it is told once");
        spool.again(0);
        assert_eq!(drain(&mut spool, 0), last, "until it has arrived");
        spool.arrived(0);
        assert_eq!(spool.untold(0), 0);
    }

    #[test]
    fn many_short_ones_are_bounded_too() {
        let mut spool = spool(2);
        for id in 0..u32::try_from(SPOOL_MESSAGES).unwrap() + 5 {
            spool.put(Class::Summary, 6, "s");
            spool.seal(run(id));
        }
        assert_eq!((spool.waiting(0), spool.untold(0), spool.untold(1)), (SPOOL_MESSAGES, 5, 5));
        assert_eq!(spool.next(0).unwrap().run, 5);
    }

    #[test]
    fn what_one_destination_has_is_not_lost_to_it() {
        let mut spool = spool(2);
        for id in 0..u32::try_from(SPOOL_MESSAGES).unwrap() {
            spool.put(Class::Summary, 6, "s");
            spool.seal(run(id));
        }
        drain(&mut spool, 0);
        spool.arrived(0);
        spool.put(Class::Finding, 2, "f");
        assert_eq!((spool.untold(0), spool.untold(1)), (0, 1));
    }

    #[test]
    fn a_withdrawn_one_is_as_if_it_had_not_been() {
        let mut spool = spool(1);
        for text in ["a", "bb", "ccc"] {
            spool.put(Class::Finding, 2, text);
        }
        let places: Vec<_> = spool.open().map(|(at, _, _, text)| (at, text.to_owned())).collect();
        assert_eq!(places, [(0, "a".into()), (1, "bb".into()), (2, "ccc".into())]);
        spool.withdraw(1);
        spool.seal(run(1));
        spool.withdraw(0);
        assert_eq!(drain(&mut spool, 0), [(1, 1, "a".into(), 0), (1, 2, "ccc".into(), 0)]);
    }

    #[test]
    fn a_destination_keeps_what_is_its_own_at_another_place() {
        let mut spool = spool(2);
        for id in 0..u32::try_from(SPOOL_MESSAGES).unwrap() + 3 {
            spool.put(Class::Summary, 6, "s");
            spool.seal(run(id));
        }
        drain(&mut spool, 0);
        spool.arrived(0);
        spool.serve(&[Some(1), None, Some(0)]);
        let all = [0, 1, 2].map(|to| (spool.waiting(to), spool.untold(to)));
        assert_eq!(all, [(SPOOL_MESSAGES, 3), (0, 0), (0, 0)]);
        spool.put(Class::Finding, 2, "f");
        spool.seal(run(99));
        assert_eq!([0, 1, 2].map(|to| spool.waiting(to)), [SPOOL_MESSAGES, 1, 1]);
        spool.serve(&[None, Some(1)]);
        assert_eq!([0, 1, 2].map(|to| spool.waiting(to)), [0, 1, 0]);
        assert_eq!(spool.used, 1);
    }
}
