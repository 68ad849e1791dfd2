//! Domains: a name is listed if one of the names that it is or is below is.

use super::layout::{
    DOMAIN_LEN, DOMAIN_MAX, DomainHash, NEVER_DOMAIN_HEAD_LEN, NEVER_DOMAINS_MAX, NEVER_TREE,
};
use super::lookup::of_domain;
use super::{Hit, Match};

/// The two sections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domains<'a> {
    pub(super) rows: &'a [[u8; DOMAIN_LEN]],
    /// Names that never match, each behind its head.
    pub(super) never: &'a [u8],
}

/// The body of the never-match section, when its rows fill it.
pub(super) fn never(body: &[u8], count: u32) -> Option<&[u8]> {
    let mut rest = Never(body);
    let count = usize::try_from(count.min(NEVER_DOMAINS_MAX)).ok()?;
    let read = rest.by_ref().take(count).count();
    (rest.0.is_empty() && read == count).then_some(body)
}

/// Never-match names: the text, and whether it holds for all below.
struct Never<'a>(&'a [u8]);

impl<'a> Iterator for Never<'a> {
    type Item = (&'a [u8], bool);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[depth, length], rest) = self.0.split_first_chunk::<NEVER_DOMAIN_HEAD_LEN>()?;
        let (name, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some((name, depth == NEVER_TREE))
    }
}

/// Takes the numbers of labels, sorted, and gives the best of those that are still meant.
type Best<'b, 'a> = &'b mut dyn FnMut(&mut dyn FnMut() -> Option<u32>) -> Option<Hit<'a>>;

impl<'a> Domains<'a> {
    /// What the database says of a name.
    pub(super) fn search(&self, name: &[u8], best: Best<'_, 'a>) -> Match<'a> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if self.rows.is_empty() || name.is_empty() || name.len() > DOMAIN_MAX {
            return Match::Nothing;
        }
        let (mut hash, mut found) = (DomainHash::EMPTY, None);
        let mut front = name.len();
        while let Some((byte, before)) = name.get(..front).and_then(<[u8]>::split_last) {
            hash = hash.push(*byte);
            front = before.len();
            // A label begins here.
            if before.last().is_none_or(|byte| *byte == b'.') {
                let mut labels = of_domain(self.rows, hash.finish());
                if let Some(hit) = best(&mut || labels.next()) {
                    found = Some((hit, name.get(front..).unwrap_or_default()));
                }
            }
        }
        match found {
            None => Match::Nothing,
            Some((_, indicator)) if self.is_never(name, indicator) => Match::Never,
            Some((hit, _)) => Match::Listed(hit),
        }
    }

    fn is_never(&self, name: &[u8], indicator: &[u8]) -> bool {
        Never(self.never)
            .any(|(never, tree)| indicator.eq_ignore_ascii_case(never) || tree && is_below(name, never))
    }
}

/// Whether a name is `tree` or below it.
fn is_below(name: &[u8], tree: &[u8]) -> bool {
    let Some((front, end)) = name.len().checked_sub(tree.len()).and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(tree) && front.last().is_none_or(|byte| *byte == b'.')
}
