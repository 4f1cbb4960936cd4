//! Several charts in one file, with a title and a note.

use super::scene::{Scene, Text, width};
use super::{Chart, Ink};
use crate::report::text_width::lines;

/// Charts that are seen together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// What they show.
    pub title: String,
    /// Further information, in one line or more.
    pub note: String,
    /// The number of charts in a row.
    pub columns: usize,
    /// The width and the height of each.
    pub size: [usize; 2],
    /// The charts.
    pub charts: Vec<Chart>,
}

const MARGIN: f64 = 24.0;
const GAP: [f64; 2] = [36.0, 26.0];
const TITLE: f64 = 18.0;
const NOTE: f64 = 12.5;

/// Draws the charts as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn png(sheet: &Sheet) -> Result<Vec<u8>, image::ImageError> {
    scene(sheet).canvas().png()
}

pub(super) fn scene(sheet: &Sheet) -> Scene {
    let columns = sheet.columns.clamp(1, sheet.charts.len().max(1));
    let size = sheet.size.map(|side| side as f64);
    let right = 2.0 * MARGIN + columns as f64 * (size[0] + GAP[0]) - GAP[0];
    let right = right.max(2.0 * MARGIN + width(&sheet.title, TITLE));
    let mut scene = Scene { size: [right, 0.0], items: Vec::new(), description: sheet.title.clone() };
    let mut top = MARGIN + 9.0;
    scene.text(Text::new(&sheet.title, [MARGIN, top], TITLE, Ink::Text).bold());
    for line in lines(&sheet.note, |text| width(text, NOTE) <= right - 2.0 * MARGIN) {
        top += 20.0;
        scene.text(Text::new(line, [MARGIN, top], NOTE, Ink::Soft));
    }
    top += 28.0;
    let rows = sheet.charts.len().div_ceil(columns) as f64;
    scene.size[1] = top + rows * (size[1] + GAP[1]) - GAP[1] + MARGIN;
    for (place, chart) in sheet.charts.iter().enumerate() {
        let left = MARGIN + (place % columns) as f64 * (size[0] + GAP[0]);
        scene.add(chart.scene(size), [left, top + (place / columns) as f64 * (size[1] + GAP[1])]);
    }
    scene
}
