//! Times in CF units ("minutes since 2010-08-26 00:00") as seconds since 1970. Times in file names are `file_name`'s.
//!
//! CF conventions, section 4.4: <https://cfconventions.org/cf-conventions/cf-conventions.html#time-coordinate>

/// A unit of time and the moment it is counted from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimeUnits {
    unit_seconds: f64,
    base_seconds: f64,
}

/// Radar frames are from these years; other times are mistakes.
const YEARS: std::ops::Range<i64> = 1980..2100;

/// Whether a text has the form of CF time units.
pub(super) fn looks_like_time(units: &str) -> bool {
    units.split_whitespace().nth(1).is_some_and(|word| word.eq_ignore_ascii_case("since"))
}

impl TimeUnits {
    /// Understands the `units` and `calendar` attributes of a time variable.
    ///
    /// # Errors
    /// A text that says what was not understood.
    pub fn parse(units: &str, calendar: Option<&str>) -> Result<Self, String> {
        let mut words = units.trim().splitn(3, char::is_whitespace);
        let (Some(unit), Some(since), Some(base)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("time units \"{units}\" are not of the form \"seconds since 1970-01-01T00:00:00Z\""));
        };
        if !since.eq_ignore_ascii_case("since") {
            return Err(format!("time units \"{units}\" lack \"since\""));
        }
        let unit_seconds = unit_seconds(&unit.to_ascii_lowercase())
            .ok_or_else(|| format!("time unit \"{unit}\" is not days, hours, minutes or seconds"))?;
        let mixed = match calendar.map(|calendar| calendar.trim().to_ascii_lowercase()).as_deref() {
            None | Some("standard" | "gregorian" | "") => true,
            Some("proleptic_gregorian") => false,
            Some(other) => return Err(format!("calendar \"{other}\" is not standard; convert the times first")),
        };
        let base_seconds =
            moment(base.trim(), mixed).ok_or_else(|| format!("date \"{base}\" in the time units is not understood"))?;
        Ok(Self { unit_seconds, base_seconds })
    }

    /// Seconds since 1970.
    ///
    /// # Errors
    /// A text, for a time that is missing or can't be that of a radar frame.
    pub fn seconds(&self, count: f64) -> Result<f64, String> {
        let seconds = self.base_seconds + count * self.unit_seconds;
        plausible(seconds).ok_or_else(|| format!("time {count} is missing or outside the years 1980 to 2099"))
    }
}

/// The seconds, if they are in the years that radar frames come from.
pub(super) fn plausible(seconds: f64) -> Option<f64> {
    let first = days_from_date(YEARS.start, 1, 1, false)? * 86_400;
    let end = days_from_date(YEARS.end, 1, 1, false)? * 86_400;
    (seconds >= first as f64 && seconds < end as f64).then_some(seconds)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "days" | "day" | "d" => 86_400.0,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3_600.0,
        "minutes" | "minute" | "mins" | "min" => 60.0,
        "seconds" | "second" | "secs" | "sec" | "s" => 1.0,
        "milliseconds" | "millisecond" | "msecs" | "msec" | "ms" => 1e-3,
        "microseconds" | "microsecond" => 1e-6,
        "nanoseconds" | "nanosecond" => 1e-9,
        _ => return None,
    })
}

/// `2010-08-26`, `2010-8-26 0:5`, `2010-08-26T00:05:00.5Z`, `2010-08-26 00:05 +01:00`, as seconds since 1970.
fn moment(text: &str, mixed_calendar: bool) -> Option<f64> {
    let date_end = text.find(|c: char| c == 'T' || c == 't' || c.is_whitespace()).unwrap_or(text.len());
    let (date, rest) = text.split_at(date_end);
    let days = date_days(date, mixed_calendar)?;
    let rest = rest.trim_start_matches(['T', 't']).trim();
    let rest = rest.trim_end_matches("UTC").trim_end_matches("GMT").trim_end_matches(['Z', 'z']).trim_end();
    let zone_start = rest.find(['+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_start);
    let offset = match zone.split_at_checked(1) {
        None => 0.0,
        Some(("-", zone)) => -zone_seconds(zone)?,
        Some((_, zone)) => zone_seconds(zone)?,
    };
    Some(days as f64 * 86_400.0 + clock_seconds(clock.trim())? - offset)
}

fn date_days(date: &str, mixed_calendar: bool) -> Option<i64> {
    let mut parts = date.split('-');
    let mut number = || parts.next()?.parse::<u32>().ok();
    let (year, month, day) = (number()?, number()?, number()?);
    if parts.next().is_some() {
        return None;
    }
    days_from_date(year.into(), month.into(), day.into(), mixed_calendar)
}

/// `12`, `12:30`, `12:30:15.5`, or nothing at all for midnight.
fn clock_seconds(clock: &str) -> Option<f64> {
    if clock.is_empty() {
        return Some(0.0);
    }
    let mut seconds = 0.0;
    for (part, (unit, limit)) in clock.split(':').zip([(3_600.0, 24.0), (60.0, 60.0), (1.0, 61.0)]) {
        let number = part.parse::<f64>().ok().filter(|number| (0.0..limit).contains(number))?;
        seconds += number * unit;
    }
    (clock.split(':').count() <= 3).then_some(seconds)
}

/// `1`, `01`, `01:30`, `0130`.
fn zone_seconds(zone: &str) -> Option<f64> {
    let zone = zone.trim();
    match zone.split_at_checked(2) {
        Some((hours, minutes)) if zone.len() == 4 && !zone.contains(':') => {
            clock_seconds(&format!("{hours}:{minutes}"))
        }
        _ if zone.is_empty() => None,
        _ => clock_seconds(zone),
    }
}

/// Days since 1970-01-01, or nothing for a date that does not exist. The standard calendar is mixed: up to 1582-10-04
/// it is the Julian one.
pub(super) fn days_from_date(year: i64, month: i64, day: i64, mixed_calendar: bool) -> Option<i64> {
    let julian = mixed_calendar && (year, month, day) < (1582, 10, 15);
    let leap = year % 4 == 0 && (julian || year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    // The year begins in March, so that the leap day is its last one.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days =
        if julian { year.div_euclid(4) - 2 } else { year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) };
    Some(365 * year + leap_days + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(units: &str, calendar: Option<&str>, count: f64) -> Result<f64, String> {
        TimeUnits::parse(units, calendar)?.seconds(count)
    }

    #[test]
    fn all_spellings_of_a_moment_are_understood() {
        for base in [
            "2010-08-26",
            "2010-8-26 0:0:0",
            "2010-08-26T00:00:00Z",
            "2010-08-26 00:00:00.0",
            "2010-08-26 00:00 UTC",
            "2010-08-26T02:00:00+02:00",
            "2010-08-25 19:30:00 -04:30",
            "2010-08-26 01:00 +1",
            "2010-08-26 01:30 +0130",
        ] {
            assert_eq!(seconds(&format!("seconds since {base}"), None, 5.0), Ok(1_282_780_805.0), "{base}");
        }
    }

    #[test]
    fn all_units_are_understood() {
        for (unit, count) in
            [("days", 0.5), ("hours", 12.0), ("Minutes", 720.0), ("s", 43_200.0), ("milliseconds", 4.32e7)]
        {
            assert_eq!(seconds(&format!("{unit} since 2010-08-26"), None, count), Ok(1_282_824_000.0), "{unit}");
        }
    }

    /// cftime 1.6: `date2num(num2date(734376, "days since 0001-01-01", calendar), "seconds since 1970-01-01")`.
    #[test]
    fn the_standard_calendar_is_julian_before_1582() {
        assert_eq!(seconds("days since 0001-01-01", Some("standard"), 734_376.0), Ok(1_314_316_800.0));
        assert_eq!(seconds("days since 0001-01-01", Some("proleptic_gregorian"), 734_376.0), Ok(1_314_489_600.0));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (units, part) in [
            ("fortnights since 1970-01-01", "fortnights"),
            ("seconds since yesterday", "yesterday"),
            ("seconds since 1970-02-30", "1970-02-30"),
            ("seconds", "form"),
            ("seconds after 1970-01-01", "since"),
        ] {
            let error = TimeUnits::parse(units, None).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(TimeUnits::parse("days since 2000-01-01", Some("360_day")).unwrap_err().contains("360_day"));
    }

    #[test]
    fn missing_and_absurd_times_are_refused() {
        for count in [f64::NAN, f64::INFINITY, 0.0, -1.0, 9.969_209_968_386_869e36, 4.2e9] {
            assert!(seconds("seconds since 1970-01-01", None, count).is_err(), "{count}");
        }
        assert_eq!(seconds("seconds since 1970-01-01", None, 315_532_800.0), Ok(315_532_800.0));
    }
}
