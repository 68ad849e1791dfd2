//! Days as lists write them, YYYY-MM-DD, and as the file has them, counted from 1970-01-01.

/// Reads YYYY-MM-DD as days since 1970-01-01.
pub(crate) fn day(text: &str) -> Result<u16, String> {
    parse_day(text).ok_or_else(|| {
        format!("{text:?} is not a date from 1970-01-02 to 2149-06-06: write it as YYYY-MM-DD")
    })
}

fn parse_day(text: &str) -> Option<u16> {
    let shape_holds = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape_holds {
        return None;
    }
    let year: u32 = text.get(0..4)?.parse().ok()?;
    let month: usize = text.get(5..7)?.parse().ok()?;
    let day: u32 = text.get(8..10)?.parse().ok()?;
    let is_leap =
        |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if day == 0 || day > *months.get(month.checked_sub(1)?)? {
        return None;
    }
    let years: u32 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let earlier_months: u32 = months.iter().take(month.checked_sub(1)?).sum();
    let days = years.checked_add(earlier_months)?.checked_add(day)?.checked_sub(1)?;
    u16::try_from(days).ok().filter(|&days| year >= 1970 && days != 0)
}

/// A day since 1970 as YYYY-MM-DD.
pub(crate) fn date(days: u16) -> String {
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: years begin in March, and 719,468
    // days lie between 0000-03-01 and 1970-01-01.
    let from_march = u32::from(days).saturating_add(719_468);
    let (era, of_era) = (from_march / 146_097, from_march % 146_097);
    let leaps = (of_era / 1460).saturating_sub(of_era / 36_524).saturating_add(of_era / 146_096);
    let year_of_era = of_era.saturating_sub(leaps) / 365;
    let before =
        year_of_era.saturating_mul(365).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let of_year = of_era.saturating_sub(before);
    let part = of_year.saturating_mul(5).saturating_add(2) / 153;
    let day = of_year.saturating_sub(part.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let month = if part < 10 { part.saturating_add(3) } else { part.saturating_sub(9) };
    let year = year_of_era.saturating_add(era.saturating_mul(400)).saturating_add(u32::from(month <= 2));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn every_day_has_its_date() {
        for days in 1..=u16::MAX {
            assert_eq!(day(&super::date(days)), Ok(days));
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, days) in [
            ("1970-01-02", Ok(1)),
            ("2000-02-29", Ok(11016)),
            ("2000-03-01", Ok(11017)),
            ("2026-01-01", Ok(20454)),
            ("2149-06-06", Ok(65535)),
        ] {
            let days: Result<u16, String> = days;
            assert_eq!(day(text), days, "{text}");
            assert_eq!(days.map(super::date).as_deref(), Ok(text));
        }
        for text in [
            "",
            "1970-01-01",
            "1969-12-31",
            "2149-06-07",
            "2025-02-29",
            "2100-02-29",
            "2025-13-01",
            "2025-00-01",
            "2025-01-00",
            "2025-04-31",
            "2025-1-1",
            "01-01-2025",
            "2025/01/01",
            "+025-01-01",
            "２０２５-01",
        ] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
