//! Chains of the packet filter and which leads to which: from where packets come to a chain, and whether all of them do.

use super::packet_rule::Hooks;
use crate::limits::{FILTER_CHAINS, FILTER_JUMPS};

/// A chain by what tells it from all others. Two have the same number only if somebody makes it so, and then what is
/// known of both holds for each.
pub type Key = u64;

/// The number of a chain with these names (FNV-1a).
#[must_use]
pub fn key(names: &[&[u8]]) -> Key {
    let bytes = names.iter().flat_map(|name| name.iter().chain(&[0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// What is known of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Where on their way packets come here.
    pub hooks: Hooks,
    /// All packets there do, for all that is known.
    pub direct: bool,
    /// Some have been let in before they come here.
    pub excepted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Jump {
    from: u16,
    to: u16,
    all: bool,
    excepted: bool,
}

/// The chains. Large and all zeros at first, so it belongs into `.bss`.
#[derive(Debug, Default)]
pub struct Chains {
    rows: heapless::Vec<(Key, Reached), FILTER_CHAINS>,
    jumps: heapless::Vec<Jump, FILTER_JUMPS>,
    cut: bool,
    /// Where the last one was found: rules of a chain follow one another.
    last: usize,
}

impl Chains {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new(), jumps: heapless::Vec::new(), cut: false, last: 0 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.jumps.clear();
        self.cut = false;
        self.last = 0;
    }

    /// Whether there are more than fit.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    fn find(&mut self, key: Key) -> Option<usize> {
        if self.rows.get(self.last).is_none_or(|(other, _)| *other != key) {
            self.last = self.rows.iter().position(|(other, _)| *other == key)?;
        }
        Some(self.last)
    }

    fn index(&mut self, key: Key) -> Option<u16> {
        let at = self.find(key).or_else(|| {
            self.cut |= self.rows.push((key, Reached::default())).is_err();
            self.find(key)
        })?;
        u16::try_from(at).ok()
    }

    /// Takes in a chain that packets enter by themselves.
    pub fn base(&mut self, key: Key, hooks: Hooks) {
        let at = self.index(key).map(usize::from);
        if let Some((_, reached)) = at.and_then(|at| self.rows.get_mut(at)) {
            reached.hooks = reached.hooks.with(hooks);
            reached.direct = true;
        }
    }

    /// Takes in that a chain leads to another: all packets or some, and whether others were let in before.
    pub fn jump(&mut self, from: Key, to: Key, all: bool, excepted: bool) {
        let (Some(from), Some(to)) = (self.index(from), self.index(to)) else { return };
        self.cut |= self.jumps.push(Jump { from, to, all, excepted }).is_err();
    }

    /// Follows all of it, once everything was taken in.
    pub fn settle(&mut self) {
        // The kernel lets no chain lead to itself, and takes as many rounds as chains lead to one another at most.
        for _ in 0..self.rows.len() {
            let mut changed = false;
            for jump in &self.jumps {
                let Some((_, from)) = self.rows.get(usize::from(jump.from)).copied() else { continue };
                let Some((_, to)) = self.rows.get_mut(usize::from(jump.to)) else { continue };
                let before = *to;
                to.hooks = to.hooks.with(from.hooks);
                to.direct |= from.direct && jump.all;
                to.excepted |= from.excepted || jump.excepted;
                changed |= before != *to;
            }
            if !changed {
                return;
            }
        }
    }

    /// What is known of a chain.
    pub fn of(&mut self, key: Key) -> Reached {
        self.find(key).and_then(|at| self.rows.get(at)).map(|(_, reached)| *reached).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_where() {
        let mut chains = Chains::new();
        let [input, wan, user, lone, pre] =
            [b"input", b"wan  ", b"user ", b"lone ", b"pre  "].map(|name| key(&[name]));
        // In whatever order they are told.
        chains.jump(wan, user, true, true);
        chains.jump(input, wan, false, false);
        chains.jump(pre, user, true, false);
        chains.base(input, Hooks::INPUT);
        chains.base(pre, Hooks::PREROUTING);
        chains.settle();
        assert_eq!(chains.of(input), Reached { hooks: Hooks::INPUT, direct: true, excepted: false });
        assert_eq!(chains.of(wan), Reached { hooks: Hooks::INPUT, direct: false, excepted: false });
        let both = Hooks::INPUT.with(Hooks::PREROUTING);
        assert_eq!(chains.of(user), Reached { hooks: both, direct: true, excepted: true });
        assert_eq!(chains.of(lone), Reached::default());
        assert!(!chains.is_cut());
    }

    #[test]
    fn circles_end_and_a_full_table_says_so() {
        let mut chains = Chains::new();
        chains.base(1, Hooks::INPUT);
        for number in 1..=40 {
            chains.jump(number, number % 20 + 1, true, false);
        }
        chains.settle();
        assert!(chains.is_cut());
        assert!(chains.of(20).direct);
        let mut chains = Chains::new();
        (0..200).for_each(|_| chains.jump(1, 2, true, false));
        assert!(chains.is_cut());
    }

    #[test]
    fn names_do_not_run_together() {
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
    }
}
