//! The inspection as text.

use super::{EventView, Inspection, Shares, side_name};
use crate::report::table::Table;
use crate::util::units;

impl Inspection {
    /// A line for each event, the sums, the windows of each side, what was set aside.
    #[must_use]
    pub fn table(&self) -> String {
        let thresholds = self.thresholds();
        let mut headings = vec!["<event", "frames", "<first (UTC)", "interval", "gaps", "missing"];
        headings.extend(thresholds.iter().map(String::as_str));
        headings.extend(["windows", "<split"]);
        let mut table = Table::new(&headings);
        self.events.iter().for_each(|event| table.row(row(event)));
        table.row(self.total_row());
        let mut text = table.render();
        text += &self.sides();
        text += &self.set_aside();
        for warning in &self.warnings {
            text += &format!("\nwarning: {warning}\n");
        }
        for picture in &self.pictures {
            text += &format!("\n{}", picture.display());
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// ">20 dBZ", ">35", ">45": the unit once.
    fn thresholds(&self) -> Vec<String> {
        let unit =
            |place: usize| if place == 0 && !self.unit.is_empty() { format!(" {}", self.unit) } else { String::new() };
        let above = self.total.above.iter().enumerate();
        above.map(|(place, above)| format!(">{}{}", above.threshold, unit(place))).collect()
    }

    fn total_row(&self) -> Vec<String> {
        let sum = |of: fn(&EventView) -> usize| self.events.iter().map(of).sum::<usize>();
        let frames = sum(|event| event.record.frames).to_string();
        let gaps = sum(|event| event.record.gaps.len()).to_string();
        let windows = sum(|event| event.record.windows).to_string();
        let name = units::count(self.events.len() as u64, "event");
        let blank = String::new;
        [vec![name, frames, blank(), blank(), gaps], percents(&self.total), vec![windows, blank()]].concat()
    }

    fn sides(&self) -> String {
        let [levels, rows, columns] = self.shape;
        format!("\nframes of {levels} x {rows} x {columns} (levels x rows x columns)\n{}", self.windows.text())
    }

    fn set_aside(&self) -> String {
        let mut text = String::new();
        for event in &self.set_aside {
            for file in &event.set_aside {
                text += &format!("set aside: {}/{}: {}\n", event.path, file.file, file.reason);
            }
        }
        if text.is_empty() { text } else { format!("\n{text}") }
    }
}

fn row(event: &EventView) -> Vec<String> {
    let record = &event.record;
    let first = record.first.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string());
    let interval = record.median_interval_seconds.map_or_else(|| "-".to_owned(), minutes);
    let (frames, gaps, windows) =
        (record.frames.to_string(), record.gaps.len().to_string(), record.windows.to_string());
    let side = side_name(record);
    [vec![record.path.clone(), frames, first, interval, gaps], percents(&event.shares), vec![windows, side]].concat()
}

/// 182 s as "3:02".
fn minutes(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

fn percents(shares: &Shares) -> Vec<String> {
    let above = shares.above.iter().map(|above| above.share);
    std::iter::once(shares.missing_share).chain(above).map(percent).collect()
}

/// As many decimals as are meaningful: rare values are the interesting ones.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent == 0.0 => "0 %".to_owned(),
        _ if percent < 0.01 => "<0.01 %".to_owned(),
        _ if percent < 1.0 => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_are_not_rounded_to_nothing() {
        assert_eq!([0.0, 0.000_01, 0.002, 0.256].map(percent), ["0 %", "<0.01 %", "0.20 %", "25.6 %"]);
    }

    #[test]
    fn intervals_are_minutes_and_seconds() {
        assert_eq!([182.0, 258.4, 59.6].map(minutes), ["3:02", "4:18", "1:00"]);
    }
}
