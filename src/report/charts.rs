//! Charts of numbers against numbers: points that are joined or not, several charts on a sheet. It knows nothing of what
//! the numbers mean; curves over epochs are in `curves`.

mod plot;
#[cfg(test)]
mod tests;

use self::plot::Plot;
use super::canvas::{BLACK, Canvas, GREY};
use super::curves::COLOURS;
use super::text_width::text_width;

/// Charts that are seen together, with one legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Charts {
    /// What they show.
    pub title: String,
    /// Further information, in one line.
    pub note: String,
    /// The number of charts in a row.
    pub columns: usize,
    /// Width and height of each, in pixels.
    pub size: [usize; 2],
    /// The charts.
    pub charts: Vec<Chart>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Along the bottom.
    pub x: AxisOf,
    /// Along the left side.
    pub y: AxisOf,
    /// What is drawn behind the points.
    pub behind: Behind,
    /// The points.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisOf {
    /// Its name with the unit.
    pub name: String,
    /// The range it spans; `None` to fit the points.
    pub range: Option<[f64; 2]>,
}

/// What is drawn behind the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Grid lines.
    Grid,
    /// Grid lines and the line on which both numbers are equal.
    Diagonal,
    /// The lines of equal critical success index and of equal bias of a performance diagram (Roebber 2009), whose axes are
    /// the success ratio and the probability of detection.
    Performance,
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its place in [`COLOURS`].
    pub colour: usize,
    /// Whether it is what the others are compared with: its line is dashed.
    pub dashed: bool,
    /// Across and up; NaN leaves a gap.
    pub points: Vec<[f64; 2]>,
    /// The text beside each point; empty for none.
    pub labels: Vec<String>,
}

const MARGIN: usize = 24;
const TITLE_HEIGHT: usize = 96;
const GAP: usize = 28;
const TEXT: usize = 14;
const SWATCH: usize = 26;

/// Draws charts as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn charts(charts: &Charts) -> Result<Vec<u8>, image::ImageError> {
    draw(charts).png()
}

fn draw(charts: &Charts) -> Canvas {
    let columns = charts.columns.clamp(1, charts.charts.len().max(1));
    let rows = charts.charts.len().div_ceil(columns);
    let size = |count: usize, side: usize| 2 * MARGIN + count * (side + GAP) - GAP;
    let width = size(columns, charts.size[0]).max(2 * MARGIN + text_width(&charts.note, TEXT));
    let mut canvas = Canvas::new(width, size(rows, charts.size[1]) + TITLE_HEIGHT - MARGIN);
    canvas.text(&charts.title, [MARGIN, 26], 20, BLACK);
    canvas.text(&charts.note, [MARGIN, 52], TEXT, GREY);
    legend(&mut canvas, charts);
    for (place, chart) in charts.charts.iter().enumerate() {
        let left = MARGIN + place % columns * (charts.size[0] + GAP);
        let top = TITLE_HEIGHT + place / columns * (charts.size[1] + GAP);
        Plot::of(chart, [left, top], charts.size).draw(&mut canvas);
    }
    canvas
}

/// Each name once, in a row below the title.
fn legend(canvas: &mut Canvas, charts: &Charts) {
    let mut named: Vec<&Series> = Vec::new();
    for series in charts.charts.iter().flat_map(|chart| &chart.series) {
        if !named.iter().any(|known| known.name == series.name) {
            named.push(series);
        }
    }
    let mut x = MARGIN;
    for series in named {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let dash = if series.dashed { 6 } else { SWATCH };
        (0..SWATCH)
            .step_by(dash + 3)
            .for_each(|from| canvas.fill([x + from, 76], [dash.min(SWATCH - from), 3], colour));
        canvas.text(&series.name, [x + SWATCH + 8, 77], TEXT, BLACK);
        x += SWATCH + 8 + text_width(&series.name, TEXT) + 24;
    }
}
