//! A forecast as a looping GIF: first its input, then observation, forecast, and that of a simple method side by side.

use super::Forecast;
use super::minutes::Minutes;
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::radar::colours::{LEGEND_MIN_HEIGHT, LEGEND_WIDTH, Scale, legend};
use crate::report::radar::film::Film;
use crate::report::radar::frame::{RadarFrame, Zoom};
use crate::report::text_width::shortened;

const MAP_PIXELS: usize = 384;
const MARGIN: usize = 14;
const HEADER_HEIGHT: usize = 60;
const CAPTION_HEIGHT: usize = 24;
/// Room for the captions.
const MIN_MAP_WIDTH: usize = 170;

/// In hundredths of a second, the unit of the format.
const SEEN_DELAY: u16 = 25;
/// The moment of the forecast: a pause, so that the viewer notices its start.
const NOW_DELAY: u16 = 90;
const LEAD_DELAY: u16 = 70;
/// The last frame stays longer, so that the start of the film is visible.
const LAST_DELAY: u16 = 250;

/// The film as a GIF file.
///
/// # Errors
/// If an array does not fit its times, or there is nothing to show.
pub fn gif(forecast: &Forecast<'_>) -> Result<Vec<u8>, PictureError> {
    forecast.check()?;
    let calm = forecast.scale.calm();
    let forecast = &Forecast { scale: &calm, ..*forecast };
    let stage = Stage::of(forecast);
    let mut film = Film::new(&stage.still, forecast.scale)?;
    let minutes = Minutes::of(forecast.seen_minutes);
    for (index, (frame, &time)) in forecast.frames(forecast.seen).zip(forecast.seen_minutes).enumerate() {
        let last = index + 1 == forecast.seen_minutes.len();
        let picture = stage.picture(&format!("{}, seen by the model", minutes.label(time)), [Some(&frame), None, None]);
        film.push(&picture, if last { NOW_DELAY } else { SEEN_DELAY })?;
    }
    let minutes = Minutes::of(forecast.lead_minutes);
    let pairs = forecast.frames(forecast.observed).zip(forecast.frames(forecast.predicted));
    let all = pairs.zip(forecast.frames(forecast.compared)).zip(forecast.lead_minutes);
    for (index, (((observed, predicted), compared), &time)) in all.enumerate() {
        let last = index + 1 == forecast.lead_minutes.len();
        let frames = [Some(&observed), Some(&predicted), Some(&compared)];
        let picture = stage.picture(&format!("{}, forecast", minutes.label(time)), frames);
        film.push(&picture, if last { LAST_DELAY } else { LEAD_DELAY })?;
    }
    film.finish()
}

/// What all frames of the film share.
struct Stage<'a> {
    scale: &'a Scale,
    still: Canvas,
    zoom: Zoom,
    left: [usize; 3],
}

impl<'a> Stage<'a> {
    fn of(forecast: &Forecast<'a>) -> Self {
        let like = RadarFrame { dbz: &[], height: forecast.height, width: forecast.width, time_seconds: 0 };
        let zoom = Zoom::to_fit(&like, MAP_PIXELS);
        let [map_width, map_height] = zoom.size(&like);
        let column = map_width.max(MIN_MAP_WIDTH) + MARGIN;
        let body = (CAPTION_HEIGHT + map_height).max(LEGEND_MIN_HEIGHT + 20);
        let left = [MARGIN, MARGIN + column, MARGIN + 2 * column];
        let mut still = Canvas::new(left[2] + column + LEGEND_WIDTH + MARGIN, HEADER_HEIGHT + body + MARGIN);
        let title = shortened(forecast.title, still.width - 2 * MARGIN, 18);
        still.text(&title, [MARGIN, 18], 18, BLACK);
        for (name, left) in ["observed", "predicted", forecast.compared_name].into_iter().zip(left) {
            still.text(name, [left, HEADER_HEIGHT + CAPTION_HEIGHT / 2], 15, BLACK);
            still.frame([left, HEADER_HEIGHT + CAPTION_HEIGHT], [map_width, map_height], GREY);
        }
        legend(&mut still, forecast.scale, [left[2] + column, HEADER_HEIGHT], body);
        Self { scale: forecast.scale, still, zoom, left }
    }

    /// A panel without a frame stays empty: nothing is forecast there yet.
    fn picture(&self, time: &str, frames: [Option<&RadarFrame<'_>>; 3]) -> Canvas {
        let mut picture = self.still.clone();
        picture.text(time, [MARGIN, 43], 16, BLACK);
        for (frame, left) in frames.into_iter().zip(self.left) {
            if let Some(frame) = frame {
                self.zoom.draw(&mut picture, frame, [left, HEADER_HEIGHT + CAPTION_HEIGHT], self.scale);
            }
        }
        picture
    }
}
