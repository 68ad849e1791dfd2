//! Rules about families in TOML: what public reports say a family leaves on a device, each with its source.

use std::ops::Range;

use gatewatch::intel::TraceKind;
use serde::Deserialize;
use toml::Spanned;

use crate::date;
use crate::feed::Item;
use crate::list::{self, Subject};
use crate::report::Report;
use crate::rule;
use crate::tally::{Tally, count};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Spanned<Rule>>,
}

/// Traces of one family, from one source, of one strength.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    family: Spanned<String>,
    /// The report that names them.
    source: Spanned<String>,
    /// The year in which the family was seen first.
    since: Option<Spanned<u16>>,
    strength: Spanned<String>,
    /// Why it weighs so much, or what else is good to know.
    #[serde(default)]
    #[expect(dead_code, reason = "for those who read the rules")]
    note: String,
    /// From which day on it is no longer meant, YYYY-MM-DD.
    expires: Option<Spanned<String>>,
    #[serde(default)]
    name: Vec<Spanned<String>>,
    #[serde(default)]
    path: Vec<Spanned<String>>,
    #[serde(default)]
    dir: Vec<Spanned<String>>,
    #[serde(default)]
    arg: Vec<Spanned<String>>,
    #[serde(default)]
    tcp: Vec<Spanned<String>>,
    #[serde(default)]
    udp: Vec<Spanned<String>>,
    #[serde(default)]
    file: Vec<Spanned<String>>,
    #[serde(default)]
    startup: Vec<Spanned<String>>,
    #[serde(default)]
    sha256: Vec<Spanned<String>>,
}

impl Rule {
    fn traces(&self) -> [(TraceKind, &Vec<Spanned<String>>); 8] {
        [
            (TraceKind::Name, &self.name),
            (TraceKind::Path, &self.path),
            (TraceKind::Dir, &self.dir),
            (TraceKind::Arg, &self.arg),
            (TraceKind::Tcp, &self.tcp),
            (TraceKind::Udp, &self.udp),
            (TraceKind::File, &self.file),
            (TraceKind::Startup, &self.startup),
        ]
    }
}

/// Reads rules. A mistake is an error: they are written by hand. `add` takes an item and says whether it is new.
pub(crate) fn read(
    name: &str,
    text: &str,
    report: &mut Report,
    add: &mut dyn FnMut(Item, &str) -> bool,
) -> Tally {
    let mut tally = Tally::default();
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, &span));
            report.error(name, line, &format!("no family rules: {}", error.message().trim_end()));
            return tally;
        }
    };
    for rule in &file.rule {
        let mut wrong = |span: Range<usize>, what: String| report.error(name, line_of(text, &span), &what);
        count(&mut tally.records);
        match items(rule.get_ref(), &mut wrong) {
            Some(items) if !items.is_empty() => {
                count(&mut tally.with);
                for item in items {
                    count(&mut tally.found);
                    let is_new = add(item, rule.get_ref().family.get_ref());
                    count(if is_new { &mut tally.new } else { &mut tally.again });
                }
            }
            Some(_) => {
                wrong(
                    rule.span(),
                    "a rule without name, path, dir, arg, tcp, udp, file, startup or sha256".to_owned(),
                );
                count(&mut tally.wrong);
            }
            None => count(&mut tally.wrong),
        }
    }
    tally
}

/// The items of a rule, or nothing when something is wrong with it.
fn items(rule: &Rule, wrong: &mut dyn FnMut(Range<usize>, String)) -> Option<Vec<Item>> {
    let mut sound = true;
    let mut check = |at: Range<usize>, result: Result<(), String>| {
        if let Err(what) = result {
            wrong(at, what);
            sound = false;
        }
    };
    check(rule.family.span(), list::family(rule.family.get_ref()).map(|_| ()));
    let source = rule.source.get_ref();
    let is_link = ["https://", "http://"].iter().any(|scheme| source.starts_with(scheme))
        && !source.contains(char::is_whitespace);
    let no_link = || format!("{source:?} is no URL: every rule names the report that it is taken from");
    check(rule.source.span(), is_link.then_some(()).ok_or_else(no_link));
    if let Some(since) = &rule.since {
        let in_range = (1990..2100).contains(since.get_ref());
        let no_year = || format!("{} is no year in which a family was seen first", since.get_ref());
        check(since.span(), in_range.then_some(()).ok_or_else(no_year));
    }
    let strength = rule::strength(rule.strength.get_ref());
    check(rule.strength.span(), strength.as_ref().map(|_| ()).map_err(Clone::clone));
    let mut expires_day = 0;
    if let Some(date) = &rule.expires {
        let day = date::day(date.get_ref());
        check(date.span(), day.as_ref().map(|_| ()).map_err(Clone::clone));
        expires_day = day.unwrap_or(0);
    }
    let mut items = Vec::new();
    for (kind, values) in rule.traces() {
        for value in values {
            let bytes = value.get_ref().as_bytes();
            let word = rule::word_of(kind);
            let result =
                rule::sound(kind, bytes).map_err(|what| format!("{word}{} {what}", bytes.escape_ascii()));
            check(value.span(), result);
            if let Ok(strength) = strength {
                let subject = Subject::Trace(kind, bytes.to_vec(), strength);
                items.push(Item { expires_day, ..Item::new(subject) });
            }
        }
    }
    for value in &rule.sha256 {
        let digest = rule::digest(value.get_ref().as_bytes());
        check(value.span(), digest.as_ref().map(|_| ()).map_err(Clone::clone));
        items.extend(digest.ok().map(|digest| Item { expires_day, ..Item::new(Subject::Hash(digest)) }));
    }
    sound.then_some(items)
}

/// The number of the line in which a place lies.
fn line_of(text: &str, span: &Range<usize>) -> u32 {
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    let ends = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(ends.saturating_add(1)).unwrap_or(u32::MAX)
}
