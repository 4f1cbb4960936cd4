//! One frame of a radar sequence as input for pictures, and how it becomes pixels.

use jiff::Timestamp;

use super::colours::Scale;
use crate::report::PictureError;
use crate::report::canvas::{Canvas, GREY, Rgb};

/// One frame, rows from south to north.
#[derive(Clone, Copy, Debug)]
pub struct RadarFrame<'a> {
    /// Values, such as reflectivity in dBZ; `NaN` is missing.
    pub dbz: &'a [f32],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Seconds since 1970.
    pub time_seconds: i64,
}

/// What is written beside the frames.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// The colours of the values.
    pub scale: &'a Scale,
    /// The event, or what else the frames are.
    pub title: &'a str,
    /// "2 km", "column maximum".
    pub level: &'a str,
    /// The side of a cell, if known.
    pub km_per_cell: Option<f32>,
}

/// All frames must have the shape of the first.
pub(super) fn check<'a>(frames: &[RadarFrame<'a>], labels: &Labels<'_>) -> Result<RadarFrame<'a>, PictureError> {
    let first = *frames.first().ok_or_else(|| PictureError::NoFrames(labels.title.to_owned()))?;
    let (height, width) = (first.height, first.width);
    for (index, frame) in frames.iter().enumerate() {
        let got = frame.dbz.len();
        if got != height * width || (frame.height, frame.width) != (height, width) || got == 0 {
            return Err(PictureError::Shape { index, got, height, width });
        }
    }
    Ok(first)
}

/// How cells become pixels: enlarged by whole numbers, or several in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zoom {
    /// Pixels of a cell.
    up: usize,
    /// Cells of a pixel.
    down: usize,
}

impl Zoom {
    /// The zoom that brings a frame's longer side nearest below a number of pixels.
    pub(super) fn to_fit(frame: &RadarFrame<'_>, pixels: usize) -> Self {
        let side = frame.height.max(frame.width);
        Self { up: (pixels / side).max(1), down: side.div_ceil(pixels) }
    }

    pub(super) fn size(self, frame: &RadarFrame<'_>) -> [usize; 2] {
        [frame.width, frame.height].map(|cells| cells.div_ceil(self.down) * self.up)
    }

    /// Pixels of one cell.
    pub(super) fn pixels_per_cell(self) -> f32 {
        self.up as f32 / self.down as f32
    }

    /// Draws a frame with north up, its top left corner at a place. Cores must not vanish in small pictures: of several
    /// cells the strongest is shown.
    pub(super) fn draw(self, canvas: &mut Canvas, frame: &RadarFrame<'_>, corner: [usize; 2], scale: &Scale) {
        let colour = |value, x, y| scale.colour(value, x, y);
        self.paint(canvas, frame, corner, Paint { of_two: f32::max, colour: &colour });
    }

    /// The same for values of any kind.
    pub(super) fn paint(self, canvas: &mut Canvas, frame: &RadarFrame<'_>, [left, top]: [usize; 2], paint: Paint<'_>) {
        let [width, height] = self.size(frame);
        for y in (0..height).step_by(self.up) {
            let row = (height - 1 - y) / self.up * self.down;
            let columns = (0..frame.width).step_by(self.down);
            let values: Vec<f32> = columns.map(|column| self.shown(frame, row, column, paint.of_two)).collect();
            for y in top + y..top + y + self.up {
                for x in 0..width {
                    canvas.set(left + x, y, (paint.colour)(values[x / self.up], left + x, y));
                }
            }
        }
        canvas.frame([left, top], [width, height], GREY);
    }

    /// One value for several cells, missing only if all are.
    fn shown(self, frame: &RadarFrame<'_>, row: usize, column: usize, of_two: fn(f32, f32) -> f32) -> f32 {
        let rows = row..(row + self.down).min(frame.height);
        let columns = column..(column + self.down).min(frame.width);
        rows.flat_map(|row| &frame.dbz[row * frame.width..][columns.clone()]).copied().fold(f32::NAN, of_two)
    }
}

/// How values become colours.
#[derive(Clone, Copy)]
pub(super) struct Paint<'a> {
    /// Which of two cells is shown if there is room for only one; any value wins over `NaN`.
    pub(super) of_two: fn(f32, f32) -> f32,
    /// The colour of a value at a pixel.
    pub(super) colour: &'a dyn Fn(f32, usize, usize) -> Rgb,
}

/// A time of day, UTC.
pub(super) fn clock(seconds: i64) -> String {
    formatted(seconds, "%H:%M:%S")
}

/// A day, UTC.
pub(super) fn day(seconds: i64) -> String {
    formatted(seconds, "%Y-%m-%d")
}

fn formatted(seconds: i64, format: &str) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "?".into(), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::radar::colours::dbz;

    fn frame(dbz: &[f32], height: usize, width: usize) -> RadarFrame<'_> {
        RadarFrame { dbz, height, width, time_seconds: 0 }
    }

    #[test]
    fn north_is_up() {
        let values = [0.0, 0.0, 50.0, 50.0];
        let frame = frame(&values, 2, 2);
        let mut canvas = Canvas::new(12, 12);
        Zoom { up: 2, down: 1 }.draw(&mut canvas, &frame, [4, 4], &dbz());
        let pixel = |x: usize, y: usize| &canvas.rgb[3 * (y * 12 + x)..][..3];
        let colour = |value| dbz().colour(value, 0, 0);
        assert_eq!(pixel(4, 4), colour(50.0), "the last row is the northernmost");
        assert_eq!(pixel(4, 7), colour(0.0));
    }

    #[test]
    fn small_pictures_keep_the_strongest_cell_and_are_missing_only_if_all_cells_are() {
        let dbz = [f32::NAN, 10.0, f32::NAN, 60.0, 20.0, f32::NAN];
        let frame = frame(&dbz, 2, 3);
        let zoom = Zoom { up: 1, down: 2 };
        assert_eq!(zoom.size(&frame), [2, 1]);
        assert_eq!(zoom.shown(&frame, 0, 0, f32::max), 60.0);
        assert!(zoom.shown(&frame, 0, 2, f32::max).is_nan());
    }

    #[test]
    fn zooms_are_whole_numbers_that_fit() {
        let dbz = vec![0.0; 500 * 500];
        assert_eq!(Zoom::to_fit(&frame(&dbz, 500, 500), 260), Zoom { up: 1, down: 2 });
        assert_eq!(Zoom::to_fit(&frame(&dbz[..4096], 64, 64), 260), Zoom { up: 4, down: 1 });
    }

    #[test]
    fn frames_of_another_shape_are_refused() {
        let values = [0.0; 6];
        let scale = dbz();
        let labels = Labels { scale: &scale, title: "x", level: "", km_per_cell: None };
        let error = check(&[frame(&values, 2, 3), frame(&values, 3, 2)], &labels).unwrap_err();
        assert_eq!(error.to_string(), "frame 1 has 6 values, expected 2 x 3");
    }
}
