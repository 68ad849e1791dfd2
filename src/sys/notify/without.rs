//! A program that was built without the monitor is nobody's that waits for a word.

/// Nobody waits.
pub const fn pat(_: u64) -> Option<u64> {
    None
}
