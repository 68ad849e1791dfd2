//! The addresses and domains that never match: the built-in list and the operator's own.

use gatewatch::intel::layout::NEVER_DOMAINS_MAX;

use crate::list::{self, NeverEntry, Span};
use crate::report::Report;

/// The built-in list, in the grammar of `--never FILE`.
const BUILT_IN: &str = include_str!("../never.txt");

/// One line of a never-match list.
struct Line {
    span: Span,
    private: bool,
    why: String,
}

/// All never-match ranges.
#[derive(Default)]
pub(crate) struct Never {
    lines: Vec<Line>,
    /// Sorted, disjoint, not even adjacent.
    merged: Vec<Span>,
    /// Sorted, each with whether all below it is meant.
    domains: Vec<(String, bool)>,
    /// Why, in the same order.
    whys: Vec<String>,
}

impl Never {
    /// Reads the built-in list and then other ones, given with their names.
    pub(crate) fn new(lists: &[(String, Vec<u8>)], allow_private: bool, report: &mut Report) -> Never {
        let mut never = Never::default();
        never.read("never.txt", BUILT_IN.as_bytes(), allow_private, report);
        for (name, bytes) in lists {
            never.read(name, bytes, allow_private, report);
        }
        let mut spans: Vec<Span> = never.lines.iter().map(|line| line.span).collect();
        spans.sort_unstable();
        for span in spans {
            match never.merged.last_mut() {
                Some(last) if last.v6 == span.v6 && span.first <= last.last.saturating_add(1) => {
                    last.last = last.last.max(span.last);
                }
                _ => never.merged.push(span),
            }
        }
        never
    }

    fn read(&mut self, name: &str, bytes: &[u8], allow_private: bool, report: &mut Report) {
        for (number, line) in list::lines(bytes) {
            match line.and_then(list::never) {
                Ok(Some(NeverEntry::Addresses { private: true, .. })) if allow_private => {}
                Ok(Some(NeverEntry::Addresses { span, private, why })) => {
                    self.lines.push(Line { span, private, why: why.to_owned() });
                }
                Ok(Some(NeverEntry::Domain { name: domain, tree, why })) => {
                    let known = (domain, tree);
                    if let Err(place) = self.domains.binary_search(&known) {
                        self.domains.insert(place, known);
                        self.whys.insert(place, why.to_owned());
                    }
                    let most = usize::try_from(NEVER_DOMAINS_MAX).unwrap_or(usize::MAX);
                    if self.domains.len() > most {
                        report.error(name, number, &format!("more than {most} domains that never match"));
                        return;
                    }
                }
                Ok(None) => {}
                Err(what) => report.error(name, number, &what),
            }
        }
    }

    /// The domains, sorted, each with whether all below it is meant.
    pub(crate) fn domains(&self) -> &[(String, bool)] {
        &self.domains
    }

    /// Why an indicator with this name must not match: the entry in words.
    pub(crate) fn domain_reason(&self, name: &str) -> Option<String> {
        let below = |tree: &str| name.strip_suffix(tree).is_some_and(|front| front.ends_with('.'));
        let hits = |(never, tree): &(String, bool)| never == name || *tree && below(never);
        let at = self.domains.iter().position(hits)?;
        let why = self.whys.get(at).filter(|why| !why.is_empty()).map_or("--never", String::as_str);
        self.domains.get(at).map(|(never, _)| format!("{never} ({why})"))
    }

    /// The ranges, sorted and disjoint.
    pub(crate) fn ranges(&self) -> &[Span] {
        &self.merged
    }

    /// Whether all of a span never matches.
    pub(crate) fn covers(&self, span: Span) -> bool {
        self.first_reaching(span).is_some_and(|range| range.first <= span.first && span.last <= range.last)
    }

    /// Whether some of a span never matches.
    pub(crate) fn touches(&self, span: Span) -> bool {
        self.first_reaching(span).is_some_and(|range| range.first <= span.last)
    }

    /// Why: the range that a span touches, in words.
    pub(crate) fn reason(&self, span: Span) -> String {
        let touching = |line: &&Line| {
            line.span.v6 == span.v6 && line.span.first <= span.last && span.first <= line.span.last
        };
        let Some(line) = self.lines.iter().find(touching) else { return String::new() };
        let hint = if line.private { "; --allow-private opens it" } else { "" };
        let why = if line.why.is_empty() { "--never" } else { &line.why };
        format!("{} ({why}{hint})", line.span)
    }

    /// The first merged range of the same IP version that does not end before a span.
    fn first_reaching(&self, span: Span) -> Option<&Span> {
        let at = self.merged.partition_point(|range| (range.v6, range.last) < (span.v6, span.first));
        self.merged.get(at).filter(|range| range.v6 == span.v6)
    }
}
