//! The name of an event's folder, `yyyymmdd` and a number, and the order it implies. The time of a frame comes from the
//! file, not from here.

use std::cmp::Ordering;

use jiff::civil::Date;

/// A folder name such as `200712016`: the 6th event of 1 December 2007.
///
/// The number has no fixed width, so plain strings sort wrongly: as text `2007120110`, the 10th event of that day, would
/// come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventName {
    /// The first eight digits.
    pub date: Date,
    /// The number after them; a name with only a date sorts before all numbers.
    pub number: Option<u64>,
}

impl EventName {
    /// Reads the last component of an event's path; `None` if it is not a date and a number.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let name = path.trim_end_matches('/').rsplit('/').next()?;
        if name.len() < 8 || !name.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (date, number) = name.split_at(8);
        let date = Date::new(date[..4].parse().ok()?, date[4..6].parse().ok()?, date[6..].parse().ok()?).ok()?;
        let number = if number.is_empty() { None } else { Some(number.parse().ok()?) };
        Some(Self { date, number })
    }
}

/// The order of events: by the time of the first frame, then by parsed name, then by path, so that it never depends on
/// the order in which a file system lists folders. Names that are not event names sort after those that are.
#[must_use]
pub fn in_time_order(left: (f64, &str), right: (f64, &str)) -> Ordering {
    let unnamed = |path: &str| EventName::parse(path).map_or((1, None), |name| (0, Some(name)));
    let by_name = || unnamed(left.1).cmp(&unnamed(right.1)).then_with(|| left.1.cmp(right.1));
    left.0.total_cmp(&right.0).then_with(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_date_and_a_number_of_any_width() {
        let parsed = |name| EventName::parse(name).map(|name| (name.date.to_string(), name.number));
        assert_eq!(parsed("200712016"), Some(("2007-12-01".into(), Some(6))));
        assert_eq!(parsed("radar/2007112912"), Some(("2007-11-29".into(), Some(12))));
        assert_eq!(parsed("2007120110/"), Some(("2007-12-01".into(), Some(10))));
        assert_eq!(parsed("20071201"), Some(("2007-12-01".into(), None)));
    }

    #[test]
    fn what_is_not_a_date_and_a_number_is_not_an_event_name() {
        for name in
            ["", "storm", "2007", "20071301", "20070230", "20071201a", "2007120199999999999999999999999", "2007é201"]
        {
            assert_eq!(EventName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn names_decide_between_events_of_the_same_second_and_never_as_text() {
        let mut events =
            [(5.0, "b"), (5.0, "2007120110"), (5.0, "a"), (5.0, "200712016"), (4.0, "zz"), (5.0, "2007112912")];
        events.sort_by(|&left, &right| in_time_order(left, right));
        assert_eq!(events.map(|(_, name)| name), ["zz", "2007112912", "200712016", "2007120110", "a", "b"]);
    }
}
