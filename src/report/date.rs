//! The calendar, for dates that are shown.

/// Year, month from 0 and day from 1 of a day that is so many days after 1970-01-01.
#[must_use]
pub fn date(days: u64) -> (u64, usize, u64) {
    let (mut year, mut day) = (1970_u64, days);
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let mut of_year = 365_u64;
    // Nobody's clock is past the year 9999, and what a file says may be anything.
    while day >= of_year && year < 9999 {
        day = day.saturating_sub(of_year);
        year = year.saturating_add(1);
        of_year = if leap(year) { 366 } else { 365 };
    }
    let february = if leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, length) in lengths.into_iter().enumerate() {
        if day < length {
            return (year, month, day.saturating_add(1));
        }
        day = day.saturating_sub(length);
    }
    (year, 11, 31)
}
