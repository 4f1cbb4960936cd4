//! The names of lines at the side of a panel, each with its colour and its last value.

use super::axis::brief;
use super::{Level, Panel, ROW, TEXT, colour};
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{shortened, text_width};

const SWATCH: usize = 24;
const GAP: usize = 8;

/// The columns of names and values: as wide for all panels, so that they line up.
pub(super) struct Legend {
    names: usize,
    values: usize,
    rows: usize,
}

impl Legend {
    pub(super) fn of(panels: &[Panel], panel_width: usize) -> Self {
        let entries: Vec<Entry<'_>> = panels.iter().flat_map(entries).collect();
        let widest = |width: fn(&Entry<'_>) -> usize| entries.iter().map(width).max().unwrap_or(0);
        Self {
            names: widest(|entry| text_width(entry.name, TEXT)).min(panel_width / 4),
            values: widest(|entry| text_width(&entry.value, TEXT)),
            rows: panels.iter().map(|panel| panel.lines.len() + panel.levels.len()).max().unwrap_or(0),
        }
    }

    pub(super) fn width(&self) -> usize {
        SWATCH + GAP + self.names + 2 * GAP + self.values
    }

    pub(super) fn height(&self) -> usize {
        self.rows * ROW
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y]: [usize; 2], panel: &Panel) {
        for (row, entry) in entries(panel).into_iter().enumerate() {
            let y = y + row * ROW + ROW / 2;
            match entry.dashed {
                true => dashes(canvas, [x, y], SWATCH, entry.colour),
                false => canvas.fill([x, y - 1], [SWATCH, 3], entry.colour),
            }
            canvas.text(&shortened(entry.name, self.names, TEXT), [x + SWATCH + GAP, y], TEXT, BLACK);
            let right = x + self.width();
            canvas.text(&entry.value, [right - text_width(&entry.value, TEXT), y], TEXT, GREY);
        }
    }
}

/// A horizontal line that a level is drawn with.
pub(super) fn dashes(canvas: &mut Canvas, [x, y]: [usize; 2], length: usize, colour: Rgb) {
    (0..length).step_by(9).for_each(|dash| canvas.fill([x + dash, y - 1], [6.min(length - dash), 2], colour));
}

/// A row of the legend.
struct Entry<'a> {
    name: &'a str,
    value: String,
    colour: Rgb,
    dashed: bool,
}

/// Each line, followed by the levels of its colour; then those that belong to no line.
fn entries(panel: &Panel) -> Vec<Entry<'_>> {
    let mut levels: Vec<&Level> = panel.levels.iter().collect();
    let mut entries = Vec::new();
    for line in &panel.lines {
        let last = line.values.iter().rev().copied().find(|value| value.is_finite());
        entries.push(entry(&line.name, last, line.colour, false));
        let own = levels.extract_if(.., |level| level.colour == line.colour);
        entries.extend(own.map(|level| entry(&level.name, Some(level.value), level.colour, true)));
    }
    entries.extend(levels.into_iter().map(|level| entry(&level.name, Some(level.value), level.colour, true)));
    entries
}

fn entry(name: &str, value: Option<f64>, place: usize, dashed: bool) -> Entry<'_> {
    let value = value.filter(|value| value.is_finite()).map_or_else(|| "-".into(), brief);
    Entry { name, value, colour: colour(place), dashed }
}
