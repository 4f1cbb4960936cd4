//! Named quantities in parts, each a horizontal bar: in columns if there are many, without names if there are too many.

use super::scene::{Anchor, BOLD, Scene, Text, width};
use super::{AxisOf, Chart, Ink, Look, Scale, Series, Sheet, png};
use crate::report::text_width::cut;

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
            return png(&self.ranked());
        }
        self.scene().canvas().small_png()
    }

    pub(super) fn scene(&self) -> Scene {
        let columns = self.rows.len().div_ceil(ROWS).max(1);
        let rows = self.rows.len().div_ceil(columns);
        let column = NAME + LONG + NUMBER;
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
            bar(&mut scene, row, place, most);
        }
        scene
    }

    /// The sums alone, the largest first.
    fn ranked(&self) -> Sheet {
        let mut sums: Vec<u64> = self.rows.iter().map(|(_, parts)| parts.iter().sum()).collect();
        sums.sort_unstable_by(|one, other| other.cmp(one));
        let points = (1..).map(f64::from).zip(sums).map(|(place, sum)| [place, sum as f64]).collect();
        let chart = Chart {
            title: format!("{}, the most frequent first", self.title),
            across: AxisOf::named("rank"),
            up: AxisOf { scale: Scale::FromZero, ..AxisOf::default() },
            series: vec![Series { look: Look::Bars(0.8), ..Series::line("", Ink::Accent, points) }],
            ..Chart::default()
        };
        Sheet { title: self.title.clone(), columns: 1, size: [900, 360], charts: vec![chart], ..Sheet::default() }
    }
}

fn bar(scene: &mut Scene, (name, parts): &(String, Vec<u64>), [left, top]: [f64; 2], most: u64) {
    let middle = top + ROW / 2.0;
    let name = cut(name, |text| width(text, SIZE) <= NAME - 8.0);
    scene.text(Text::new(name, [left + NAME - 8.0, middle], SIZE, Ink::Text).anchor(Anchor::End));
    let mut from = left + NAME;
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
        assert_eq!(of(200).ranked().charts[0].series[0].points[0], [1.0, 202.0]);
        for rows in [0, 1, 94, 505] {
            assert!(of(rows).png().unwrap().starts_with(b"\x89PNG"));
        }
    }
}
