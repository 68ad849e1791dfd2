//! From indicators to the rows of the file: labels, single addresses, disjoint ranges, hashes, traces.

use std::cmp::Reverse;

use gatewatch::intel::{Strength, TraceKind};

use crate::list::Span;

/// An address indicator that goes into the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indicator<'a> {
    pub(crate) span: Span,
    /// 0 is every port.
    pub(crate) port: u16,
    pub(crate) says: Says<'a>,
}

/// Whose indicator it is, and how long it is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Says<'a> {
    pub(crate) family: &'a str,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
}

impl<'a> Says<'a> {
    fn label(&self, port: u16) -> Label<'a> {
        let lives = if self.expires_day == 0 { u32::MAX } else { u32::from(self.expires_day) };
        Label { port, lives: Reverse(lives), family: self.family, expires_day: self.expires_day }
    }
}

impl<'a> Indicator<'a> {
    fn label(&self) -> Label<'a> {
        self.says.label(self.port)
    }
}

/// A trace in the order of the file. Rules that differ in strength only are two rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Trace {
    pub(crate) kind: TraceKind,
    pub(crate) value: Vec<u8>,
    pub(crate) strength: Strength,
}

/// What the lists say.
#[derive(Default)]
pub(crate) struct Listed<'a> {
    pub(crate) addresses: Vec<Indicator<'a>>,
    pub(crate) domains: Vec<(String, Says<'a>)>,
    pub(crate) hashes: Vec<([u8; 32], Says<'a>)>,
    pub(crate) traces: Vec<(Trace, Says<'a>)>,
}

impl Listed<'_> {
    pub(crate) fn len(&self) -> usize {
        [self.addresses.len(), self.domains.len(), self.hashes.len(), self.traces.len()].iter().sum()
    }
}

/// What a hit says, in the order of the file: by port, and the one that is meant for longest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label<'a> {
    pub(crate) port: u16,
    lives: Reverse<u32>,
    pub(crate) family: &'a str,
    pub(crate) expires_day: u16,
}

/// Addresses and the number of their label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) first: u128,
    pub(crate) last: u128,
    pub(crate) label: u32,
}

/// The rows of a file, each sort sorted.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    pub(crate) labels: Vec<Label<'a>>,
    pub(crate) ipv4: Vec<Row>,
    pub(crate) ipv4_ranges: Vec<Row>,
    pub(crate) ipv6: Vec<Row>,
    pub(crate) ipv6_ranges: Vec<Row>,
    /// Each with the number of its label, as hashes and traces.
    pub(crate) domains: Vec<(String, u32)>,
    pub(crate) hashes: Vec<([u8; 32], u32)>,
    pub(crate) traces: Vec<(Trace, u32)>,
    /// Indicators in the file.
    pub(crate) entries: usize,
}

impl Tables<'_> {
    pub(crate) fn has_addresses(&self) -> bool {
        [&self.ipv4, &self.ipv4_ranges, &self.ipv6, &self.ipv6_ranges].iter().any(|rows| !rows.is_empty())
    }
}

/// Sorts indicators into tables. The order in which they come makes no difference.
pub(crate) fn compile(mut listed: Listed<'_>) -> Tables<'_> {
    let indicators = &mut listed.addresses;
    indicators.sort_unstable_by_key(|one| (one.span, one.port, one.says.family, one.label()));
    indicators.dedup_by_key(|one| (one.span, one.port, one.says.family));
    unique(&mut listed.domains);
    unique(&mut listed.hashes);
    unique(&mut listed.traces);
    let mut labels: Vec<Label<'_>> = indicators.iter().map(Indicator::label).collect();
    labels.extend(listed.domains.iter().map(|(_, says)| says.label(0)));
    labels.extend(listed.hashes.iter().map(|(_, says)| says.label(0)));
    labels.extend(listed.traces.iter().map(|(_, says)| says.label(0)));
    labels.sort_unstable();
    labels.dedup();

    let mut tables = Tables {
        labels: Vec::new(),
        ipv4: Vec::new(),
        ipv4_ranges: Vec::new(),
        ipv6: Vec::new(),
        ipv6_ranges: Vec::new(),
        domains: Vec::new(),
        hashes: Vec::new(),
        traces: Vec::new(),
        entries: listed.len(),
    };
    let number_of = |label: Label<'_>| {
        let number = labels.binary_search(&label).unwrap_or_else(|place| place);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let (mut ipv4_blocks, mut ipv6_blocks) = (Vec::new(), Vec::new());
    for one in &listed.addresses {
        let row = Row { first: one.span.first, last: one.span.last, label: number_of(one.label()) };
        match (one.span.v6, one.span.is_single()) {
            (false, true) => tables.ipv4.push(row),
            (false, false) => ipv4_blocks.push(row),
            (true, true) => tables.ipv6.push(row),
            (true, false) => ipv6_blocks.push(row),
        }
    }
    let numbered = |says: &Says<'_>| number_of(says.label(0));
    tables.domains = listed.domains.into_iter().map(|(name, says)| (name, numbered(&says))).collect();
    tables.domains.sort_unstable();
    tables.hashes = listed.hashes.into_iter().map(|(digest, says)| (digest, numbered(&says))).collect();
    tables.hashes.sort_unstable();
    tables.traces = listed.traces.into_iter().map(|(trace, says)| (trace, numbered(&says))).collect();
    tables.traces.sort_unstable();
    tables.ipv4.sort_unstable();
    tables.ipv6.sort_unstable();
    tables.ipv4_ranges = flatten(ipv4_blocks, &labels);
    tables.ipv6_ranges = flatten(ipv6_blocks, &labels);
    tables.labels = labels;
    tables
}

/// Leaves one of those that say the same of one family: the one that is meant for longest.
fn unique<T: Ord>(listed: &mut Vec<(T, Says<'_>)>) {
    listed.sort_unstable_by(|(one, says), (other, others)| {
        let lives = |says: &Says<'_>| says.label(0).lives;
        (one, says.family, lives(says)).cmp(&(other, others.family, lives(others)))
    });
    listed.dedup_by(|(later, says), (one, first)| later == one && says.family == first.family);
}

/// Cuts CIDR blocks, which nest or are disjoint, into disjoint ranges.
///
/// A range has the label of the narrowest block around it, and after it those of wider blocks that are
/// meant for longer: they are to match when the narrow one has expired.
fn flatten(mut blocks: Vec<Row>, labels: &[Label<'_>]) -> Vec<Row> {
    // Of equal blocks the one with the lowest label is opened last, so it counts as the narrowest.
    blocks.sort_unstable_by_key(|block| (block.first, Reverse(block.last), Reverse(block.label)));
    let mut ranges = Ranges { labels, cut: Vec::new() };
    let mut open: Vec<Row> = Vec::new();
    let mut cursor = 0;
    for block in blocks {
        while let Some(inner) = open.pop_if(|inner| inner.last < block.first) {
            cursor = ranges.close(cursor, inner, &open);
        }
        if let Some(before) = block.first.checked_sub(1) {
            ranges.push(cursor, before, &open);
        }
        cursor = block.first;
        open.push(block);
    }
    while let Some(inner) = open.pop() {
        cursor = ranges.close(cursor, inner, &open);
        if inner.last == u128::MAX {
            break;
        }
    }
    ranges.rows()
}

/// The ranges cut so far, each with its chain of labels.
struct Ranges<'a> {
    labels: &'a [Label<'a>],
    cut: Vec<(u128, u128, Vec<u32>)>,
}

impl Ranges<'_> {
    /// Cuts what is left of the innermost block, and returns where the next range begins.
    fn close(&mut self, cursor: u128, inner: Row, around: &[Row]) -> u128 {
        let mut open = around.to_vec();
        open.push(inner);
        self.push(cursor, inner.last, &open);
        inner.last.saturating_add(1)
    }

    /// Cuts a range inside the open blocks, outermost first; none when it is empty or nothing is open.
    fn push(&mut self, first: u128, last: u128, open: &[Row]) {
        if first > last || open.is_empty() {
            return;
        }
        let mut chain = Vec::new();
        let mut lives = 0;
        for block in open.iter().rev() {
            let found = usize::try_from(block.label).ok().and_then(|number| self.labels.get(number));
            let Some(label) = found.filter(|label| label.lives.0 > lives) else { continue };
            lives = label.lives.0;
            chain.push(block.label);
        }
        match self.cut.last_mut() {
            Some((_, end, same)) if end.saturating_add(1) == first && *same == chain => *end = last,
            _ => self.cut.push((first, last, chain)),
        }
    }

    fn rows(self) -> Vec<Row> {
        let rows = |(first, last, chain): (u128, u128, Vec<u32>)| {
            chain.into_iter().map(move |label| Row { first, last, label })
        };
        self.cut.into_iter().flat_map(rows).collect()
    }
}
