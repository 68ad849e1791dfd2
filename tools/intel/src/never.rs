//! What never matches: the built-in lists, the operator's own, and warning lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use gatewatch::intel::layout::NEVER_DOMAINS_MAX;

use crate::compile::{Row, Tables};
use crate::feed::warning::{Entry, Warning};
use crate::list::{self, NeverEntry, Span};
use crate::report::Report;

/// The built-in list that goes into every database, in the grammar of `--never FILE`.
const BUILT_IN: &str = include_str!("../never.txt");
/// What is left out, and goes into a database only where a listed network reaches into it.
const SHARED: &str = include_str!("../shared.txt");

/// A name below which everybody may register names.
const PUBLIC_SUFFIX: &str = "a public suffix: below it people have names of their own";

/// A list of never-match entries.
struct List {
    name: String,
    /// It goes into the database, whether something listed reaches into it or not.
    stays: bool,
    lines: Vec<Line>,
    /// The spans of its lines, sorted and disjoint.
    merged: Vec<Span>,
}

/// One line of it that is about addresses.
struct Line {
    span: Span,
    private: bool,
    why: String,
}

/// A name that never matches.
struct Name {
    /// All below it too.
    tree: bool,
    list: usize,
    why: String,
}

/// Everything that never matches.
#[derive(Default)]
pub(crate) struct Never {
    lists: Vec<List>,
    /// Sorted, disjoint, not even adjacent.
    merged: Vec<Span>,
    names: HashMap<String, Name>,
    hashes: HashSet<[u8; 32]>,
}

/// What of it goes into a database.
#[derive(Default)]
pub(crate) struct InFile {
    /// Sorted and disjoint.
    pub(crate) ranges: Vec<Span>,
    /// Sorted, each with whether all below it is meant.
    pub(crate) domains: Vec<(String, bool)>,
}

impl Never {
    /// Reads the built-in lists, the operator's, and warning lists, each with its name.
    pub(crate) fn new(
        lists: &[(String, Vec<u8>)],
        warnings: Vec<Warning>,
        allow_private: bool,
        report: &mut Report,
    ) -> Never {
        let mut never = Never::default();
        never.read("never.txt", BUILT_IN.as_bytes(), true, allow_private, report);
        never.read("shared.txt", SHARED.as_bytes(), false, allow_private, report);
        for (name, bytes) in lists {
            never.read(name, bytes, true, allow_private, report);
        }
        for warning in warnings {
            never.warning(warning);
        }
        for list in &mut never.lists {
            list.merged = merge(list.lines.iter().map(|line| line.span).collect());
        }
        never.merged = merge(never.lists.iter().flat_map(|list| list.merged.clone()).collect());
        never
    }

    fn read(&mut self, name: &str, bytes: &[u8], stays: bool, allow_private: bool, report: &mut Report) {
        let index = self.lists.len();
        let mut list = List { name: name.to_owned(), stays, lines: Vec::new(), merged: Vec::new() };
        let most = usize::try_from(NEVER_DOMAINS_MAX).unwrap_or(usize::MAX);
        let mut names = 0usize;
        for (number, line) in list::lines(bytes) {
            match line.and_then(list::never) {
                Ok(Some(NeverEntry::Addresses { private: true, .. })) if allow_private => {}
                Ok(Some(NeverEntry::Addresses { span, private, why })) => {
                    list.lines.push(Line { span, private, why: why.to_owned() });
                }
                Ok(Some(NeverEntry::Domain { name: domain, tree, why })) => {
                    self.add_name(domain, Name { tree, list: index, why: why.to_owned() });
                    names = names.saturating_add(1);
                    if names > most {
                        report.error(name, number, &format!("more than {most} domains that never match"));
                        break;
                    }
                }
                Ok(None) => {}
                Err(what) => report.error(name, number, &what),
            }
        }
        self.lists.push(list);
    }

    fn warning(&mut self, warning: Warning) {
        let index = self.lists.len();
        let mut lines = Vec::new();
        for entry in warning.entries {
            match entry {
                Entry::Addresses(span) => {
                    lines.push(Line { span, private: false, why: warning.name.clone() });
                }
                Entry::Domain(name, tree) => {
                    self.add_name(name, Name { tree, list: index, why: warning.name.clone() });
                }
                Entry::Hash(digest) => {
                    self.hashes.insert(digest);
                }
            }
        }
        self.lists.push(List { name: warning.name, stays: false, lines, merged: Vec::new() });
    }

    /// Adds a name; of two entries of one name the first says why, and either may mean all below it.
    fn add_name(&mut self, domain: String, name: Name) {
        let stays = |names: &Never, at: usize| names.lists.get(at).is_none_or(|list| list.stays);
        let tree = name.tree;
        match self.names.get(&domain) {
            Some(old) if stays(self, old.list) || !stays(self, name.list) => {
                if let Some(old) = self.names.get_mut(&domain) {
                    old.tree |= tree;
                }
            }
            Some(_) | None => {
                self.names.insert(domain, name);
            }
        }
    }

    /// Whether all of a span never matches.
    pub(crate) fn covers(&self, span: Span) -> bool {
        covering(&self.merged, span).is_some()
    }

    /// Whether some of a span never matches.
    pub(crate) fn touches(&self, span: Span) -> bool {
        first_reaching(&self.merged, span).is_some_and(|range| range.first <= span.last)
    }

    /// The name of the list that covers a span.
    pub(crate) fn list_of(&self, span: Span) -> &str {
        let list = self.lists.iter().find(|list| covering(&list.merged, span).is_some());
        list.map_or("several never-match lists", |list| list.name.as_str())
    }

    /// Why: the range that a span touches, in words.
    pub(crate) fn reason(&self, span: Span) -> String {
        let touching = |line: &&Line| {
            line.span.v6 == span.v6 && line.span.first <= span.last && span.first <= line.span.last
        };
        let Some(line) = self.lists.iter().flat_map(|list| &list.lines).find(touching) else {
            return String::new();
        };
        let hint = if line.private { "; --allow-private opens it" } else { "" };
        let why = if line.why.is_empty() { "--never" } else { &line.why };
        format!("{} ({why}{hint})", line.span)
    }

    /// Why an indicator with this name must not match: the list's name, and the entry in words.
    pub(crate) fn domain_reason(&self, name: &str) -> Option<(&str, String)> {
        let mut rest = name;
        loop {
            if let Some(own) = self.names.get(rest).filter(|own| own.tree || rest.len() == name.len()) {
                let list = self.lists.get(own.list).map_or("", |list| list.name.as_str());
                let why = if own.why.is_empty() { "--never" } else { &own.why };
                return Some((list, format!("{rest} ({why})")));
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => break,
            }
        }
        let suffix = psl::suffix(name.as_bytes()).filter(|suffix| suffix.is_known());
        let is_suffix = suffix.is_some_and(|suffix| suffix.as_bytes().len() == name.len());
        is_suffix.then(|| ("public suffixes", format!("{name} ({PUBLIC_SUFFIX})")))
    }

    /// Whether a file's hash is that of a harmless one.
    pub(crate) fn has_hash(&self, digest: &[u8; 32]) -> bool {
        self.hashes.contains(digest)
    }

    /// What goes into a database: the lists that stay, and of the others what something listed reaches into.
    pub(crate) fn in_file(&self, tables: &Tables<'_>) -> InFile {
        let mut spans = Vec::new();
        for list in &self.lists {
            let reached = |span: &Span| list.stays || is_reached(tables, *span);
            spans.extend(list.merged.iter().copied().filter(reached));
        }
        let listed: HashSet<&str> = tables.domains.iter().map(|(name, _)| name.as_str()).collect();
        let mut domains = BTreeMap::new();
        for (domain, name) in &self.names {
            let above = std::iter::successors(domain.split_once('.'), |(_, parent)| parent.split_once('.'));
            let stays = self.lists.get(name.list).is_some_and(|list| list.stays);
            if stays || above.map(|(_, parent)| parent).any(|parent| listed.contains(parent)) {
                domains.insert(domain.clone(), name.tree);
            }
        }
        InFile { ranges: merge(spans), domains: domains.into_iter().collect() }
    }
}

impl InFile {
    /// Whether all of a span never matches.
    pub(crate) fn covers(&self, span: Span) -> bool {
        covering(&self.ranges, span).is_some()
    }
}

/// Whether a listed network reaches into a span. Single addresses in it are not listed.
fn is_reached(tables: &Tables<'_>, span: Span) -> bool {
    let rows: &[Row] = if span.v6 { &tables.ipv6_ranges } else { &tables.ipv4_ranges };
    let at = rows.partition_point(|row| row.last < span.first);
    rows.get(at).is_some_and(|row| row.first <= span.last)
}

/// Sorts spans and joins those that touch.
fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.v6 == span.v6 && span.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(span.last);
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// The range of the same IP version that holds all of a span.
fn covering(ranges: &[Span], span: Span) -> Option<&Span> {
    first_reaching(ranges, span).filter(|range| range.first <= span.first && span.last <= range.last)
}

/// The first range of the same IP version that does not end before a span.
fn first_reaching(ranges: &[Span], span: Span) -> Option<&Span> {
    let at = ranges.partition_point(|range| (range.v6, range.last) < (span.v6, span.first));
    ranges.get(at).filter(|range| range.v6 == span.v6)
}
