//! Named quantities in parts, each a horizontal bar: in columns if there are many, upright, by rank and without names if there are
//! too many.

use super::scene::{Anchor, BOLD, Scene, Text, width};
use super::{AxisOf, Chart, Ink, Look, Scale, Series, Sheet, sheet};
use crate::report::text_width::cut_in_middle;

/// Quantities, each the sum of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What they show.
    pub title: String,
    /// What the parts are called.
    pub parts: Vec<String>,
    /// The quantities: what each is called, and its parts.
    pub rows: Vec<(String, Vec<u64>)>,
}

/// Rows of a column, and the most columns.
const ROWS: usize = 32;
const COLUMNS: usize = 4;
const ROW: f64 = 17.0;
const BAR: f64 = 11.0;
const SIZE: f64 = 11.5;
const MARGIN: f64 = 20.0;
/// The widths of a name, a bar and a number, and what is between columns.
const NAME: f64 = 110.0;
const LONGEST: f64 = 190.0;
const LONG: f64 = 150.0;
const NUMBER: f64 = 44.0;
const GAP: f64 = 26.0;

impl Parts {
    /// The bars as a PNG file.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        if self.rows.len() > ROWS * COLUMNS {
            return sheet::scene(&self.ranked()).canvas().small_png();
        }
        self.scene().canvas().small_png()
    }

    pub(super) fn scene(&self) -> Scene {
        let columns = self.rows.len().div_ceil(ROWS).max(1);
        let rows = self.rows.len().div_ceil(columns);
        let room = self.rows.iter().map(|(name, _)| width(name, SIZE) + 8.0).fold(NAME, f64::max).min(LONGEST);
        let column = room + LONG + NUMBER;
        let wide = (columns as f64 * (column + GAP) - GAP).max(BOLD * width(&self.title, 16.0));
        let mut scene = Scene { size: [2.0 * MARGIN + wide, 0.0], items: Vec::new(), description: self.title.clone() };
        scene.text(Text::new(&self.title, [MARGIN, MARGIN + 8.0], 16.0, Ink::Text).bold());
        let mut left = MARGIN;
        for (part, name) in self.parts.iter().enumerate() {
            scene.rect([left, MARGIN + 27.0], [11.0, 11.0], Ink::Number(part), 1.0);
            scene.text(Text::new(name, [left + 16.0, MARGIN + 32.5], SIZE, Ink::Soft));
            left += 16.0 + width(name, SIZE) + 18.0;
        }
        let top = MARGIN + 58.0;
        scene.size[1] = top + rows as f64 * ROW + MARGIN;
        let most = self.rows.iter().map(|(_, parts)| parts.iter().sum()).max().unwrap_or(0).max(1);
        for (at, row) in self.rows.iter().enumerate() {
            let place = [MARGIN + (at / rows) as f64 * (column + GAP), top + (at % rows) as f64 * ROW];
            bar(&mut scene, row, (place, room), most);
        }
        scene
    }

    /// Bars by rank, the largest sum first, and in words which the first and the last ones are.
    fn ranked(&self) -> Sheet {
        let mut rows: Vec<&(String, Vec<u64>)> = self.rows.iter().collect();
        let sum = |row: &(String, Vec<u64>)| row.1.iter().sum::<u64>();
        rows.sort_by_key(|row| std::cmp::Reverse(sum(row)));
        // The sum of the first parts is drawn over that of one part more.
        let series = (0..self.parts.len()).rev().map(|part| {
            let until = |row: &(String, Vec<u64>)| row.1.iter().take(part + 1).sum::<u64>() as f64;
            let points = rows.iter().enumerate().map(|(place, row)| [place as f64 + 1.0, until(row)]).collect();
            Series { look: Look::Bars(1.0), ..Series::line(&self.parts[part], Ink::Number(part), points) }
        });
        let chart = Chart {
            title: "By rank, the largest first".into(),
            across: AxisOf::named(format!("rank among {}", rows.len())),
            up: AxisOf { scale: Scale::Whole, ..AxisOf::default() },
            series: series.collect(),
            ..Chart::default()
        };
        let told = |rows: &[&(String, Vec<u64>)]| {
            let told: Vec<String> = rows.iter().map(|row| format!("{} {}", short(&row.0), sum(row))).collect();
            told.join(", ")
        };
        let (first, last) = (told(&rows[..TOLD.min(rows.len())]), told(&rows[rows.len().saturating_sub(TOLD)..]));
        let ends = rows.first().zip(rows.last()).map_or([0; 2], |(first, last)| [sum(first), sum(last)]);
        let ends = match ends {
            [most, fewest] if most == fewest => format!("Each has {most}."),
            _ => format!("The largest: {first}. The smallest: {last}."),
        };
        let note = format!("{} are too many to be named here. {ends}", rows.len());
        Sheet { title: self.title.clone(), note, columns: 1, size: [900, 360], charts: vec![chart] }
    }
}

/// Quantities at each end of a ranking that are named.
const TOLD: usize = 3;

fn short(name: &str) -> String {
    cut_in_middle(name, |text| width(text, SIZE) <= LONGEST)
}

fn bar(scene: &mut Scene, (name, parts): &(String, Vec<u64>), ([left, top], room): ([f64; 2], f64), most: u64) {
    let middle = top + ROW / 2.0;
    let name = cut_in_middle(name, |text| width(text, SIZE) <= room - 8.0);
    scene.text(Text::new(name, [left + room - 8.0, middle], SIZE, Ink::Text).anchor(Anchor::End));
    let mut from = left + room;
    for (part, &quantity) in parts.iter().enumerate() {
        let length = LONG * quantity as f64 / most as f64;
        if quantity > 0 {
            scene.rect([from, middle - BAR / 2.0], [length, BAR], Ink::Number(part), 1.0);
        }
        from += length;
    }
    scene.text(Text::new(parts.iter().sum::<u64>().to_string(), [from + 5.0, middle], SIZE, Ink::Soft));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: usize) -> Parts {
        let rows = (0..rows).map(|row| (format!("class {row}"), vec![row as u64, 3])).collect();
        Parts { title: "Images of each class".into(), parts: ["train", "val"].map(str::to_owned).into(), rows }
    }

    #[test]
    fn many_rows_are_in_columns_and_too_many_are_ranked() {
        let size = |rows| of(rows).scene().size;
        assert!(size(36)[0] > size(32)[0] && size(36)[1] < size(32)[1]);
        assert!(size(94)[0] < 1200.0 && size(94)[1] < 700.0, "{:?}", size(94));
        let ranked = of(200).ranked();
        let series = &ranked.charts[0].series;
        assert_eq!((series[0].points[0], series[1].points[0]), ([1.0, 202.0], [1.0, 199.0]), "val is over train");
        assert_eq!([series[0].name.as_str(), &series[1].name], ["val", "train"]);
        for told in ["200 are too many", "The largest: class 199 202, ", "class 1 4, class 0 3."] {
            assert!(ranked.note.contains(told), "{}", ranked.note);
        }
        for rows in [0, 1, 94, 505] {
            assert!(of(rows).png().unwrap().starts_with(b"\x89PNG"));
        }
    }
}
