//! Maps of forecast errors: the mean error and its typical size, for several lead times.

use super::colours::{LEGEND_MIN_HEIGHT, Scale};
use super::forecast::error_colours;
use super::frame::{Paint, RadarFrame, Zoom};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};

/// Errors of forecasts, rows from south to north; `NaN` where nothing was ever observed.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorMaps {
    /// What is written above them.
    pub title: String,
    /// Further information, in one line.
    pub note: String,
    /// The colours of the values that are forecast: those of errors are as strong.
    pub scale: Scale,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// The rows of maps.
    pub rows: Vec<Row>,
    /// The names of the columns.
    pub columns: Vec<String>,
}

/// Maps of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What they show.
    pub name: String,
    /// A map for each column.
    pub maps: Vec<Vec<f32>>,
    /// Whether they are sizes of errors, which have no sign and so other colours.
    pub is_size: bool,
}

const MARGIN: usize = 16;
const GAP: usize = 10;
const TITLE_HEIGHT: usize = 64;
const NAME_HEIGHT: usize = 24;
const LABEL_HEIGHT: usize = 20;
const MAP: usize = 320;

/// Draws the maps as a PNG file.
///
/// # Errors
/// If a map does not have a value for each cell, or there are none.
pub fn error_maps(maps: &ErrorMaps) -> Result<Vec<u8>, PictureError> {
    Ok(draw(maps)?.png()?)
}

fn draw(maps: &ErrorMaps) -> Result<Canvas, PictureError> {
    check(maps)?;
    let like = RadarFrame { dbz: &[], height: maps.height, width: maps.width, time_seconds: 0 };
    let zoom = Zoom::to_fit(&like, MAP);
    let [width, height] = zoom.size(&like);
    let row_height = (NAME_HEIGHT + LABEL_HEIGHT + height + GAP).max(LEGEND_MIN_HEIGHT);
    let mut canvas = Canvas::new(
        2 * MARGIN + maps.columns.len() * (width + GAP) + error_colours::LEGEND_WIDTH,
        TITLE_HEIGHT + maps.rows.len() * row_height + MARGIN,
    );
    canvas.text(&maps.title, [MARGIN, 22], 20, BLACK);
    canvas.text(&maps.note, [MARGIN, 46], 14, GREY);
    let x = MARGIN + maps.columns.len() * (width + GAP) + GAP;
    for (row, of) in maps.rows.iter().enumerate() {
        let top = TITLE_HEIGHT + row * row_height;
        let colours = if of.is_size { error_colours::size } else { error_colours::colour };
        let colour = |error, x, y| colours(&maps.scale, error, x, y);
        let paint = Paint { of_two: error_colours::larger, colour: &colour };
        canvas.text(&of.name, [MARGIN, top + NAME_HEIGHT / 2], 16, BLACK);
        let legend = if of.is_size { error_colours::legend_of_sizes } else { error_colours::legend };
        legend(&mut canvas, &maps.scale, [x, top + NAME_HEIGHT / 2], row_height - NAME_HEIGHT);
        for (column, (label, dbz)) in maps.columns.iter().zip(&of.maps).enumerate() {
            let corner = [MARGIN + column * (width + GAP), top + NAME_HEIGHT];
            canvas.text(label, [corner[0], corner[1] + LABEL_HEIGHT / 2 - 1], 14, GREY);
            zoom.paint(&mut canvas, &RadarFrame { dbz, ..like }, [corner[0], corner[1] + LABEL_HEIGHT], paint);
        }
    }
    Ok(canvas)
}

fn check(maps: &ErrorMaps) -> Result<(), PictureError> {
    let (height, width) = (maps.height, maps.width);
    let all = || maps.rows.iter().flat_map(|row| &row.maps);
    if all().next().is_none() || maps.columns.is_empty() || height * width == 0 {
        return Err(PictureError::NoFrames(maps.title.clone()));
    }
    match all().enumerate().find(|(_, map)| map.len() != height * width) {
        Some((index, map)) => Err(PictureError::Shape { index, got: map.len(), height, width }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::radar::colours::dbz;

    fn maps() -> ErrorMaps {
        let map = |error: f32| vec![error; 12 * 10];
        ErrorMaps {
            title: "Errors".into(),
            note: String::new(),
            scale: dbz(),
            height: 12,
            width: 10,
            rows: vec![
                Row { name: "mean error".into(), maps: vec![map(12.0), map(-12.0)], is_size: false },
                Row { name: "RMSE".into(), maps: vec![map(12.0), map(f32::NAN)], is_size: true },
            ],
            columns: vec!["+5 min".into(), "+10 min".into()],
        }
    }

    #[test]
    fn too_strong_is_red_and_too_weak_is_blue() {
        let canvas = draw(&maps()).unwrap();
        let has = |error| {
            let colour = error_colours::colour(&dbz(), error, 0, 0);
            canvas.rgb.chunks_exact(3).filter(|pixel| **pixel == colour).count() > 10_000
        };
        assert!(has(12.0) && has(-12.0));
        let sized = error_colours::size(&dbz(), 12.0, 0, 0);
        assert_ne!(sized, error_colours::colour(&dbz(), 12.0, 0, 0), "a size is neither too strong nor too weak");
        assert!(canvas.rgb.chunks_exact(3).filter(|pixel| **pixel == sized).count() > 10_000);
    }

    #[test]
    fn a_map_of_another_size_is_refused() {
        let mut wrong = maps();
        wrong.rows[1].maps[0].pop();
        assert_eq!(draw(&wrong).map(|_| ()).unwrap_err().to_string(), "frame 2 has 119 values, expected 12 x 10");
        assert!(draw(&ErrorMaps { rows: Vec::new(), ..maps() }).is_err());
    }
}
