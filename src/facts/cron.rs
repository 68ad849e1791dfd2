//! How often a line of a crontab runs (crontab(5)).

use super::text::{decimal32, fields};

/// Every how many minutes a line runs, all day, if it is that regular.
#[must_use]
pub fn minutes(line: &[u8]) -> Option<u32> {
    let mut fields = fields(line);
    let (minute, hour) = (step(fields.next()?, b"0-59")?, fields.next()?);
    (step(hour, b"0-23")? == 1).then_some(minute)
}

/// The step of `*`, `*/2` or `0-59/2`.
fn step(field: &[u8], all: &[u8]) -> Option<u32> {
    let mut parts = field.split(|b| *b == b'/');
    let range = parts.next()?;
    let step = parts.next().map_or(Some(1), decimal32)?;
    (range == b"*" || range == all).then_some(step).filter(|step| *step > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_minutes() {
        for (line, expected) in [
            (&b"* * * * * x"[..], Some(1)),
            (b"*/3 * * * * root x", Some(3)),
            (b"0-59/2 */1 * * * x", Some(2)),
            (b"5 * * * * x", None),
            (b"* 3 * * * x", None),
            (b"*/x * * * * x", None),
            (b"*/0 * * * * x", None),
            (b"@reboot x", None),
            (b"", None),
        ] {
            assert_eq!(minutes(line), expected, "{}", String::from_utf8_lossy(line));
        }
    }
}
