//! Curves over epochs: panels of lines with their names beside them, gaps where there is no value, marks at the best epoch
//! and where something begins. Everything comes in as plain values; it knows nothing of what they mean.

pub(super) mod axis;
mod legend;
mod panel;
#[cfg(test)]
mod tests;

pub use axis::{Scale, brief};

pub(super) use self::axis::{Axis, Tick, round_step};

use self::legend::Legend;
use self::panel::{Plot, numbers_width};
use super::canvas::{BLACK, Canvas, GREY, Rgb};

/// Curves that are seen together, over the same epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// What they show.
    pub title: String,
    /// Further information, in one line.
    pub note: String,
    /// The epochs, ascending. If one is left out, lines have a gap.
    pub epochs: Vec<u64>,
    /// The panels, each with its own scale.
    pub panels: Vec<Panel>,
    /// The best epoch.
    pub best: Option<Mark>,
    /// Epochs at which something begins.
    pub begins: Vec<Mark>,
}

/// Lines that share a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What it shows, with the unit.
    pub title: String,
    /// How values become heights.
    pub scale: Scale,
    /// The lines.
    pub lines: Vec<Line>,
    /// What the lines are compared with.
    pub levels: Vec<Level>,
}

/// A value for each epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// As many as there are epochs; `NaN` if there is none.
    pub values: Vec<f64>,
    /// Its place in [`COLOURS`], which repeat after the last.
    pub colour: usize,
}

/// A value that holds for all epochs: a dashed line from side to side.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its place in [`COLOURS`].
    pub colour: usize,
}

/// An epoch that is marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The epoch.
    pub epoch: u64,
    /// What is written above it.
    pub label: String,
}

/// The colours of lines; the first ones are those of training and validation in other pictures.
pub const COLOURS: [[u8; 3]; 10] = [
    [55, 118, 184],
    [240, 150, 40],
    [60, 150, 90],
    [205, 30, 45],
    [130, 84, 168],
    [60, 185, 200],
    [140, 86, 75],
    [225, 110, 180],
    [150, 150, 30],
    [110, 120, 135],
];

fn colour(place: usize) -> Rgb {
    COLOURS[place % COLOURS.len()]
}

const MARGIN: usize = 24;
const TITLE_HEIGHT: usize = 76;
const COLUMN_GAP: usize = 36;
const ROW_GAP: usize = 14;
const TEXT: usize = 14;
/// The height of a row of text.
const ROW: usize = 20;

/// Draws curves as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn curves(curves: &Curves) -> Result<Vec<u8>, image::ImageError> {
    draw(curves).png()
}

fn draw(curves: &Curves) -> Canvas {
    let (columns, width) = grid(curves.panels.len());
    let rows = curves.panels.len().div_ceil(columns);
    let legend = Legend::of(&curves.panels, width);
    let sides = [numbers_width(&curves.panels), legend.width()];
    let height = panel::height(curves, &legend);
    let mut canvas = Canvas::new(
        2 * MARGIN + columns * (width + COLUMN_GAP) - COLUMN_GAP,
        TITLE_HEIGHT + rows * (height + ROW_GAP) + MARGIN - ROW_GAP,
    );
    canvas.text(&curves.title, [MARGIN, 26], 20, BLACK);
    canvas.text(&curves.note, [MARGIN, 52], TEXT, GREY);
    for (place, panel) in curves.panels.iter().enumerate() {
        let left = MARGIN + place % columns * (width + COLUMN_GAP);
        let top = TITLE_HEIGHT + place / columns * (height + ROW_GAP);
        Plot::of(curves, panel, [[left, top], [width, height]], sides).draw(&mut canvas, &legend);
    }
    canvas
}

/// The number of panels side by side, and the width of each.
fn grid(panels: usize) -> (usize, usize) {
    match panels {
        0..4 => (1, 960),
        4..11 => (2, 760),
        _ => (3, 620),
    }
}
