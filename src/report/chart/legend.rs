//! The names of what is drawn, with swatches and values, in rows as wide as the chart.

use super::axis::brief;
use super::scene::{BOLD, Scene, Text, width};
use super::{Chart, Ink, Level, Series};

const SIZE: f64 = 12.0;
const ROW: f64 = 18.0;
const SWATCH: f64 = 18.0;
const GAP: f64 = 14.0;

/// A name of the legend.
struct Entry {
    name: String,
    value: String,
    ink: Ink,
}

impl Entry {
    fn width(&self) -> f64 {
        let value = if self.value.is_empty() { 0.0 } else { 4.0 + BOLD * width(&self.value, SIZE) };
        SWATCH + 5.0 + width(&self.name, SIZE) + value
    }
}

/// Draws the legend from the height on, and returns where it ends. One series without a name has none.
pub(super) fn draw(scene: &mut Scene, chart: &Chart, top: f64, to: f64) -> f64 {
    let entries = entries(chart);
    if entries.is_empty() {
        return top;
    }
    let (mut x, mut y) = (0.0, top + ROW / 2.0);
    if !chart.when.is_empty() {
        let when = Text::new(format!("{}:", chart.when), [0.0, y], SIZE, Ink::Soft);
        x = width(&when.text, SIZE) + 8.0;
        scene.text(when);
    }
    for entry in entries {
        let length = entry.width();
        if x > 0.0 && x + length > to {
            (x, y) = (0.0, y + ROW);
        }
        scene.line(vec![[x + 1.0, y], [x + SWATCH - 1.0, y]], entry.ink, 2.0);
        let name = Text::new(entry.name, [x + SWATCH + 5.0, y], SIZE, Ink::Soft);
        let after = name.at[0] + width(&name.text, SIZE) + 4.0;
        scene.text(name);
        if !entry.value.is_empty() {
            scene.text(Text::new(entry.value, [after, y], SIZE, Ink::Text).bold());
        }
        x += length + GAP;
    }
    y + ROW / 2.0 + 2.0
}

fn entries(chart: &Chart) -> Vec<Entry> {
    let value = |told: Option<f64>| told.filter(|_| !chart.when.is_empty()).map_or_else(String::new, brief);
    let series = chart.series.iter().filter(|series| series.has_values() && !series.name.is_empty());
    let series =
        series.map(|Series { name, told, ink, .. }| Entry { name: name.clone(), value: value(*told), ink: *ink });
    let levels = chart.levels.iter().filter(|level| level.value.is_finite() && !level.name.is_empty());
    let levels = levels.map(|Level { name, value: held, ink }| Entry {
        name: name.clone(),
        value: value(Some(*held)),
        ink: *ink,
    });
    series.chain(levels).collect()
}
