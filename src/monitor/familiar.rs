//! What has been seen before, programs that run and addresses: it is less of a reason to look than what is strange.

use super::key::Secret;
use crate::limits::MONITOR_FAMILIAR;
use sha2::{Digest, Sha256};

/// Programs by their paths, addresses by their bytes. What is forgotten is strange again, and costs a look.
#[derive(Debug)]
pub struct Familiar([[u64; WAYS]; MONITOR_FAMILIAR.div_euclid(WAYS)]);

/// So many that have the same place are known at once, the one that was seen last first: two that are seen in turn for ever do not
/// push each other out.
const WAYS: usize = 4;

impl Familiar {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self([[0; WAYS]; MONITOR_FAMILIAR.div_euclid(WAYS)])
    }

    /// Whether something has not been seen before; now it has.
    pub fn is_strange(&mut self, what: &[u8], secret: Secret) -> bool {
        let digest: [u8; 32] = Sha256::new_with_prefix(secret).chain_update(what).finalize().into();
        let hash = digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let last = u64::try_from(self.0.len().saturating_sub(1)).unwrap_or_default();
        let place = usize::try_from(hash & last).unwrap_or_default();
        let Some(known) = self.0.get_mut(place) else { return true };
        let mut carried = hash;
        for slot in known {
            carried = core::mem::replace(slot, carried);
            if carried == hash {
                return false;
            }
        }
        true
    }
}

impl Default for Familiar {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_once() {
        let mut familiar = Familiar::new();
        assert!(familiar.is_strange(b"/bin/busybox", [1; 8]));
        assert!(!familiar.is_strange(b"/bin/busybox", [1; 8]));
        assert!(familiar.is_strange(b"/tmp/x", [1; 8]));
        // Whatever places they have, so many are known at once.
        for group in 0..1000 {
            let seen = |familiar: &mut Familiar| {
                (0..WAYS).filter(|n| familiar.is_strange(format!("/{group}/{n}").as_bytes(), [1; 8])).count()
            };
            assert_eq!([seen(&mut familiar), seen(&mut familiar)], [WAYS, 0]);
        }
        // Many others: nothing but a further look can come of it.
        let strange = (0..1000).filter(|n| familiar.is_strange(format!("/{n}").as_bytes(), [1; 8])).count();
        assert_eq!(strange, 1000);
    }
}
