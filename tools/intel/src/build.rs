//! `build`: lists in, a database out, and what became of every line.

use gatewatch::intel::layout::{DAY_S, MAGIC};

use crate::args::Build;
use crate::feed::{self, Item, Kind, Taker};
use crate::input;
use crate::list::{self, Span, Subject};
use crate::merge::Merged;
use crate::never::Never;
use crate::open::{self, Feed};
use crate::report::{Progress, Report};
use crate::tally::{Tally, count};
use crate::{check, compile, families, output, write};

/// Widest networks that a list may accuse, by IP version.
const WIDEST: (u32, u32) = (8, 16);
/// Lines of one file that cannot be read and are shown.
const SHOWN: u64 = 5;

/// Builds a database and returns the line that sums it up.
pub(crate) fn build(options: &Build) -> Result<String, String> {
    let mut report = Report::default();
    let (inputs, passed) = input::expand(&options.lists)?;
    if !passed.is_empty() {
        report.note(&format!("passed over, no lists by their names: {}", passed.join(", ")));
    }
    let (feeds, warnings) = open::open_all(&inputs, options, &mut report)?;
    let never = open::never(options, warnings, &mut report)?;

    let progress = Progress::new(feeds.iter().map(|feed| feed.bytes.len()).sum());
    let mut merged = Merged::default();
    let mut total = Tally::default();
    let mut sources = Vec::new();
    let told = !feeds.is_empty();
    for feed in feeds {
        sources.push(feed.name.clone());
        let mut reader = Reader {
            options,
            never: &never,
            feed: &feed,
            source: u32::try_from(sources.len().saturating_sub(1)).unwrap_or(u32::MAX),
            merged: &mut merged,
            report: &mut report,
            tally: Tally::default(),
            parts: 0,
        };
        reader.read();
        let tally = reader.tally;
        if !tally.adds_up() {
            return Err(format!("internal error: {}: {tally:?} does not add up", feed.name));
        }
        if !report.has_errors() {
            report.note(&format!("{} ({}): {}", feed.name, feed.kind.word(), tally.line()));
        }
        total.add(&tally);
        progress.step(feed.bytes.len());
    }
    drop(progress);
    for path in &options.family_rules {
        let name = path.display().to_string();
        sources.push(name.clone());
        let source = u32::try_from(sources.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let text = input::text(&name, &list::read(path)?)?;
        let tally =
            families::read(&name, &text, &mut report, &mut |item, family| merged.add(item, family, source));
        total.add(&tally);
    }
    finish(options, merged, &never, &sources, &total, told, &report)
}

/// Writes what was read.
fn finish(
    options: &Build,
    mut merged: Merged,
    never: &Never,
    sources: &[String],
    total: &Tally,
    told: bool,
    report: &Report,
) -> Result<String, String> {
    match report.close() {
        0 => {}
        _ if report.is_refused() => return Err("nothing is written".to_owned()),
        1 => return Err("1 line is wrong: nothing is written".to_owned()),
        errors => return Err(format!("{errors} lines are wrong: nothing is written")),
    }
    let mut ended = 0;
    if let Some(days) = options.expire_days {
        let (gone, undated) = merged.expire(days, today(options));
        ended = gone;
        if undated != 0 {
            report.note(&format!("{undated} indicators carry no date and do not expire"));
        }
        if merged.newest() > today(options).saturating_add(1) {
            report.note("some indicators were seen after the date of the build: is --date right?");
        }
    }
    if told {
        report.note(total.table(u64::try_from(ended).unwrap_or(0)).trim_end());
    }
    if merged.len() == 0 {
        return Err("the lists hold no indicator that may match: nothing is written".to_owned());
    }
    let tables = compile::compile(merged.listed());
    let in_file = never.in_file(&tables);
    let dates = write::Dates {
        version: options.version,
        engine: options.engine,
        created: options.created,
        expires: u64::from(options.expires_day).saturating_mul(DAY_S),
    };
    let encoded = write::encode(&tables, &in_file, dates)?;
    output::save(&options.output, &encoded.bytes, &MAGIC, |bytes| check::check(bytes, &tables, &in_file))?;
    if let Some(path) = &options.details {
        output::save(path, merged.details(sources).as_bytes(), b"{", |_| Ok(()))?;
    }

    let length = encoded.bytes.len();
    let own_bits = length.saturating_sub(encoded.other_bytes).saturating_mul(8);
    let hundredths = own_bits.saturating_mul(100).checked_div(tables.ipv4.len());
    let bits = hundredths.map_or(String::new(), |bits| format!(" of {}.{:02} bits", bits / 100, bits % 100));
    Ok(format!(
        "{}: version {}, {length} bytes: {} indicators ({} IPv4{bits}, {} IPv4 ranges, {} IPv6, {} IPv6 ranges, \
         {} domains, {} hashes, {} traces), {} labels; {} duplicates, {} left out\n",
        options.output.display(),
        options.version,
        tables.entries,
        tables.ipv4.len(),
        tables.ipv4_ranges.len(),
        tables.ipv6.len(),
        tables.ipv6_ranges.len(),
        tables.domains.len(),
        tables.hashes.len(),
        tables.traces.len(),
        tables.labels.len(),
        total.again,
        total.left_out().saturating_add(u64::try_from(ended).unwrap_or(0)),
    ))
}

/// The day of the build, since 1970.
fn today(options: &Build) -> u16 {
    u16::try_from(options.created.checked_div(DAY_S).unwrap_or(0)).unwrap_or(u16::MAX)
}

/// Takes what is read of one file.
struct Reader<'a> {
    options: &'a Build,
    never: &'a Never,
    feed: &'a Feed,
    source: u32,
    merged: &'a mut Merged,
    report: &'a mut Report,
    tally: Tally,
    /// Parts of records that cannot be read, beside the records.
    parts: u64,
}

impl Reader<'_> {
    fn read(&mut self) {
        let feed = self.feed;
        if feed.kind == Kind::Plain {
            return self.read_plain();
        }
        match str::from_utf8(&feed.bytes) {
            Ok(text) => feed::parse(feed.kind, text, self),
            Err(error) => self.fail(0, error.to_string()),
        }
        self.judge_file();
    }

    fn read_plain(&mut self) {
        let feed = self.feed;
        for (number, line) in list::lines(&feed.bytes) {
            match line.and_then(list::entry) {
                Ok(Some(entry)) => {
                    let family = entry.family.map(str::to_owned);
                    let item = Item { family, expires_day: entry.expires_day, ..Item::new(entry.subject) };
                    self.take(number, vec![item]);
                }
                Ok(None) => self.blank(),
                Err(what) => {
                    count(&mut self.tally.records);
                    count(&mut self.tally.wrong);
                    self.report.error(&feed.name, number, &what);
                }
            }
        }
    }

    /// Whether the file is what it is read as.
    fn judge_file(&mut self) {
        let feed = self.feed;
        let (tally, kind) = (&self.tally, feed.kind);
        let read = tally.with.saturating_add(tally.dropped());
        // What these drop may be anything.
        let loose = matches!(kind, Kind::Text | Kind::Hosts | Kind::Dnsmasq | Kind::Adblock | Kind::Unbound);
        let what = feed::KINDS.iter().find(|(own, ..)| *own == kind).map_or("", |(_, _, what)| what);
        let hint = "name its kind with --feed KIND:FILE, or leave the kind out to have it guessed";
        if tally.wrong > read {
            let wrong = tally.wrong;
            let message =
                format!("{}: is not {what}: {wrong} of its records cannot be read: {hint}", feed.name);
            self.report.refuse(&message);
        } else if loose && tally.with == 0 {
            self.report.refuse(&format!("{}: nothing in it is an indicator of {what}: {hint}", feed.name));
        } else if tally.with == 0 && !self.report.is_refused() {
            self.report.note(&format!("{}: holds no indicator that a router can look for", feed.name));
        }
    }

    /// Takes an item in, unless it must not match; warns when it does not, and when it goes too far.
    fn judge(&mut self, line: u32, item: Item) {
        let feed = self.feed;
        count(&mut self.tally.found);
        let today = today(self.options);
        if item.expires_day != 0 && item.expires_day <= today {
            let subject = &item.subject;
            if feed.kind == Kind::Plain {
                self.report.warn(&feed.name, line, || {
                    format!("{subject} has expired before the file's date: left out")
                });
            }
            return count(&mut self.tally.expired);
        }
        if item.seen.confidence != 0 && item.seen.confidence < self.options.min_confidence {
            return count(&mut self.tally.doubtful);
        }
        let never = match &item.subject {
            Subject::Addresses(span, _) => match self.never_address(line, *span) {
                Ok(never) => never,
                Err(Wide) => return count(&mut self.tally.wide),
            },
            Subject::Domain(name) => self.never.domain_reason(name).map(|(list, reason)| {
                self.report
                    .warn(&feed.name, line, || format!("{name} never matches, it is in {reason}: left out"));
                list.to_owned()
            }),
            Subject::Hash(digest) => self.never.has_hash(digest).then(|| "harmless files".to_owned()),
            Subject::Trace(..) => None,
        };
        if let Some(list) = never {
            return count(self.tally.never.entry(list).or_default());
        }
        let own = item.family.as_deref();
        let word = match feed.kind {
            Kind::Plain => own.map(str::to_owned),
            _ => own.and_then(feed::family_word),
        };
        let family = word.as_deref().unwrap_or(&feed.family);
        if self.merged.add(item, family, self.source) {
            count(&mut self.tally.new);
        } else {
            count(&mut self.tally.again);
        }
    }

    /// The list in which addresses never match, if they are in one.
    fn never_address(&mut self, line: u32, span: Span) -> Result<Option<String>, Wide> {
        let (feed, never) = (self.feed, self.never);
        let widest = if span.v6 { WIDEST.1 } else { WIDEST.0 };
        if !never.covers(span) && span.prefix() < widest {
            self.report.warn(&feed.name, line, || format!("{span} is wider than /{widest}: left out"));
            return Err(Wide);
        }
        if never.covers(span) {
            self.report.warn(&feed.name, line, || {
                format!("{span} never matches, it is in {}: left out", never.reason(span))
            });
            return Ok(Some(never.list_of(span).to_owned()));
        }
        if never.touches(span) {
            self.report.warn(&feed.name, line, || {
                format!("{span} reaches into {}, which still never matches", never.reason(span))
            });
        }
        Ok(None)
    }
}

/// A network that is wider than a list may accuse.
struct Wide;

impl Taker for Reader<'_> {
    fn blank(&mut self) {
        count(&mut self.tally.records);
        count(&mut self.tally.blank);
    }

    fn drop(&mut self, why: &'static str) {
        count(&mut self.tally.records);
        count(self.tally.dropped.entry(why).or_default());
    }

    fn wrong(&mut self, line: u32, what: String) {
        count(&mut self.tally.records);
        count(&mut self.tally.wrong);
        if self.tally.wrong <= SHOWN {
            self.report.pass_over(&self.feed.name, line, &what);
        }
    }

    fn wrong_part(&mut self, line: u32, what: String) {
        self.parts = self.parts.saturating_add(1);
        if self.parts <= SHOWN {
            self.report.pass_over(&self.feed.name, line, &what);
        }
    }

    fn take(&mut self, line: u32, items: Vec<Item>) {
        count(&mut self.tally.records);
        count(&mut self.tally.with);
        for item in items {
            self.judge(line, item);
        }
    }

    fn fail(&mut self, line: u32, what: String) {
        let kind = self.feed.kind;
        let words = feed::KINDS.iter().find(|(own, ..)| *own == kind).map_or("", |(_, _, words)| words);
        self.report.refuse(&format!(
            "{}:{line}: is not {words}: {what}: fetch it again, or name its kind with --feed KIND:FILE",
            self.feed.name
        ));
    }
}
