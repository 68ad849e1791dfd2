//! How many new findings are told in an hour: those of each severity have a share of their own.

use crate::limits::MONITOR_STORM;
use crate::report::Severity;

/// What has been told in this hour.
#[derive(Clone, Debug, Default)]
pub struct Storm {
    began_s: i64,
    notice: u32,
    suspicious: u32,
    infected: u32,
}

const HOUR_S: i64 = 3600;

impl Storm {
    /// Nothing has been told.
    #[must_use]
    pub const fn new() -> Self {
        Self { began_s: 0, notice: 0, suspicious: 0, infected: 0 }
    }

    /// Whether one more may be told, and counts it.
    pub fn may(&mut self, now_s: i64, severity: Severity) -> bool {
        if now_s.saturating_sub(self.began_s) >= HOUR_S {
            *self = Self { began_s: now_s, ..Self::new() };
        }
        let told = match severity {
            Severity::Notice => &mut self.notice,
            Severity::Suspicious => &mut self.suspicious,
            Severity::Infected => &mut self.infected,
        };
        let may = *told < MONITOR_STORM;
        *told = told.saturating_add(u32::from(may));
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_an_end_and_a_crowd_hides_nobody() {
        let mut storm = Storm::new();
        let told = |storm: &mut Storm, now, severity| (0..100).filter(|_| storm.may(now, severity)).count();
        assert_eq!(told(&mut storm, 5, Severity::Notice), 3);
        assert_eq!(told(&mut storm, 6, Severity::Notice), 0);
        assert_eq!(told(&mut storm, 6, Severity::Suspicious), 3);
        assert_eq!(told(&mut storm, 7, Severity::Infected), 3);
        assert_eq!(told(&mut storm, 3599, Severity::Notice), 0);
        assert_eq!(told(&mut storm, 3606, Severity::Notice), 3);
    }
}
