//! Programs that have been seen to run: a new process of one of them is less of a reason to look than one of a strange one.

use super::key::Secret;
use crate::limits::MONITOR_PROGRAMS;
use sha2::{Digest, Sha256};

/// Programs by their paths. One that is forgotten is strange again, and costs a look.
#[derive(Debug)]
pub struct Programs([u64; MONITOR_PROGRAMS]);

impl Programs {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; MONITOR_PROGRAMS])
    }

    /// Whether a program has not been seen before; now it has.
    pub fn is_strange(&mut self, path: &[u8], secret: Secret) -> bool {
        let digest: [u8; 32] = Sha256::new_with_prefix(secret).chain_update(path).finalize().into();
        let hash = digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let last = u64::try_from(MONITOR_PROGRAMS.saturating_sub(1)).unwrap_or_default();
        let place = usize::try_from(hash & last).unwrap_or_default();
        let Some(known) = self.0.get_mut(place) else { return true };
        let is_strange = *known != hash;
        *known = hash;
        is_strange
    }
}

impl Default for Programs {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_once() {
        let mut programs = Programs::new();
        assert!(programs.is_strange(b"/bin/busybox", [1; 8]));
        assert!(!programs.is_strange(b"/bin/busybox", [1; 8]));
        assert!(programs.is_strange(b"/tmp/x", [1; 8]));
        // Many others: nothing but a further look can come of it.
        let strange = (0..1000).filter(|n| programs.is_strange(format!("/{n}").as_bytes(), [1; 8])).count();
        assert_eq!(strange, 1000);
    }
}
