//! The calendar, for dates that are shown or read.

use crate::facts::text::decimal;

/// Year, month from 0 and day from 1 of a day that is so many days after 1970-01-01.
#[must_use]
pub fn date(days: u64) -> (u64, usize, u64) {
    let (mut year, mut day) = (1970_u64, days);
    let mut of_year = 365_u64;
    // Nobody's clock is past the year 9999, and what a file says may be anything.
    while day >= of_year && year < 9999 {
        day = day.saturating_sub(of_year);
        year = year.saturating_add(1);
        of_year = if leap(year) { 366 } else { 365 };
    }
    for (month, length) in lengths(year).into_iter().enumerate() {
        if day < length {
            return (year, month, day.saturating_add(1));
        }
        day = day.saturating_sub(length);
    }
    (year, 11, 31)
}

/// How many days after 1970-01-01 the day is that `YYYY-MM-DD` names; none if there is no such day.
#[must_use]
pub fn day_of(text: &[u8]) -> Option<u64> {
    let mut parts = text.split(|byte| *byte == b'-');
    let mut number = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(decimal);
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    if parts.next().is_some() || year < 1970 {
        return None;
    }
    let days = |sum: u64, more: u64| sum.saturating_add(more);
    let before = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).fold(0, days);
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    let lengths = lengths(year);
    let of_year = lengths.get(..month)?.iter().copied().fold(before, days);
    let day = day.checked_sub(1).filter(|day| lengths.get(month).is_some_and(|length| day < length))?;
    Some(of_year.saturating_add(day))
}

const fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn lengths(year: u64) -> [u64; 12] {
    let february = if leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_read_as_it_is_shown() {
        for day in (0..40_000).chain([2_932_896]) {
            let (year, month, of_month) = date(day);
            let text = format!("{year:04}-{:02}-{of_month:02}", month + 1);
            assert_eq!(day_of(text.as_bytes()), Some(day), "{text}");
        }
    }

    #[test]
    fn what_is_no_day() {
        for text in [
            "",
            "-",
            "2026",
            "2026-11",
            "2026-11-31",
            "2026-00-01",
            "2026-13-01",
            "2026-01-00",
            "2025-02-29",
            "1969-12-31",
            "2026-1-1",
            "2026-01-01-",
            "2026-01-1x",
            "20260-01-01",
            "+026-01-01",
        ] {
            assert_eq!(day_of(text.as_bytes()), None, "{text}");
        }
    }
}
