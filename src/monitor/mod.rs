//! What `gatewatch monitor` decides: what of a finding is news, when it is time to look, and what outlives the program. The time
//! is always handed in, so that a day passes in a test at once.

pub mod familiar;
pub mod key;
pub mod schedule;
pub mod seen;
pub mod state;
pub mod storm;
