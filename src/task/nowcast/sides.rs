//! How many windows each side has, as lines that a person reads.

use super::plan::{Total, Totals};
use crate::util::units;

impl Totals {
    /// A line for each side; one more for events that serve no side.
    #[must_use]
    pub fn text(&self) -> String {
        let sides = [("train", &self.train), ("val", &self.val), ("test", &self.test)];
        let mut text: String = sides.iter().map(|(name, total)| format!("{name:<6}{}\n", total.text())).collect();
        if self.unused.events > 0 {
            let events = units::count(self.unused.events as u64, "event");
            let is_split = sides.iter().any(|(_, total)| total.windows > 0);
            let why = if is_split { "without a window: too few frames without a gap" } else { "that can't be split" };
            text += &format!("{events} {why}\n");
        }
        text
    }
}

impl Total {
    fn text(&self) -> String {
        if self.windows == 0 {
            return "no windows".to_owned();
        }
        let windows = units::count(self.windows as u64, "window");
        let events = units::count(self.events as u64, "event");
        let days = units::count(self.days as u64, "day");
        format!("{windows} ({:.0} %) in {events} on {days}", 100.0 * self.share_of_windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_without_windows_and_events_without_windows_are_said_in_words() {
        let train = Total { events: 2, days: 1, frames: 80, windows: 1200, share_of_windows: 1.0 };
        let unused = Total { events: 1, ..Total::default() };
        let totals = Totals { train, unused, ..Totals::default() };
        let expected = "train 1,200 windows (100 %) in 2 events on 1 day\nval   no windows\ntest  no windows\n\
                        1 event without a window: too few frames without a gap\n";
        assert_eq!(totals.text(), expected);
    }
}
