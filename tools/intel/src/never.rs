//! The addresses that never match: the built-in list and the operator's own.

use crate::list::{self, Span};
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
                Ok(Some(line)) if line.private && allow_private => {}
                Ok(Some(line)) => {
                    self.lines.push(Line {
                        span: line.span,
                        private: line.private,
                        why: line.why.to_owned(),
                    });
                }
                Ok(None) => {}
                Err(what) => report.error(name, number, &what),
            }
        }
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
