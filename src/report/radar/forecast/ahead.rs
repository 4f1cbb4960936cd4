//! A forecast that can't be compared with observations yet: the frames that it was made from, then the forecast, as a sheet
//! ([`png()`]) and as a film ([`gif()`]). Each frame shows its time and the minutes since the forecast.

use super::minutes::Minutes;
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::radar::colours::{LEGEND_MIN_HEIGHT, LEGEND_WIDTH, legend};
use crate::report::radar::contact_sheet::evenly;
use crate::report::radar::film::Film;
use crate::report::radar::frame::{Labels, RadarFrame, Zoom, check, clock, day};
use crate::report::text_width::shortened;

/// A forecast and what it was made from, both in the order of time. The last frame seen is the moment of the forecast.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// What is written above it.
    pub labels: Labels<'a>,
    /// What it was made from.
    pub seen: &'a [RadarFrame<'a>],
    /// The forecast frames.
    pub ahead: &'a [RadarFrame<'a>],
}

const MARGIN: usize = 16;
const GAP: usize = 8;
const HEADER_HEIGHT: usize = 60;

/// The most frames of a row of the sheet.
const MAX_COLUMNS: usize = 8;
const PANEL_PIXELS: usize = 256;
const ROW_NAME_HEIGHT: usize = 24;
const LABEL_HEIGHT: usize = 20;
/// Room for a label over a narrow frame.
const MIN_COLUMN: usize = 130;

const MAP_PIXELS: usize = 512;
/// Room for the line above the map.
const MIN_MAP_WIDTH: usize = 380;

/// In hundredths of a second, the unit of the format.
const SEEN_DELAY: u16 = 20;
/// The moment of the forecast: a pause, so that the viewer notices its start.
const NOW_DELAY: u16 = 90;
const AHEAD_DELAY: u16 = 60;
/// The last frame stays longer, so that the start of the film is visible.
const LAST_DELAY: u16 = 200;

impl Ahead<'_> {
    fn check(&self) -> Result<RadarFrame<'_>, PictureError> {
        check(&[self.seen, self.ahead].concat(), &self.labels)?;
        check(self.seen, &self.labels)?;
        check(self.ahead, &self.labels)
    }

    /// The moment of the forecast.
    fn now(&self) -> i64 {
        self.seen.last().map_or(0, |frame| frame.time_seconds)
    }

    fn title(&self, width: usize) -> String {
        shortened(&format!("{}   {}", self.labels.title, self.labels.level), width, 20)
    }

    /// "18:33:02   +3 min" for each of some frames.
    fn times(&self, frames: &[RadarFrame<'_>]) -> Vec<String> {
        let minutes: Vec<f32> = frames.iter().map(|frame| (frame.time_seconds - self.now()) as f32 / 60.0).collect();
        let style = Minutes::of(&minutes);
        let label = |(frame, &minutes): (&RadarFrame<'_>, &f32)| {
            format!("{}   {}", clock(frame.time_seconds), style.label(minutes))
        };
        frames.iter().zip(&minutes).map(label).collect()
    }
}

/// The sheet as a PNG file: a row of what was seen, with its last frame at the right, and a row of what is forecast.
///
/// # Errors
/// If there are no frames, or they differ in shape.
pub fn png(forecast: &Ahead<'_>) -> Result<Vec<u8>, PictureError> {
    let like = forecast.check()?;
    let zoom = Zoom::to_fit(&like, PANEL_PIXELS);
    let [width, height] = zoom.size(&like);
    let column = width.max(MIN_COLUMN) + GAP;
    let rows = [("seen", forecast.seen), ("forecast", forecast.ahead)];
    let columns = rows.map(|(_, frames)| frames.len().min(MAX_COLUMNS)).into_iter().max().unwrap_or(1).max(3);
    let row_height = ROW_NAME_HEIGHT + LABEL_HEIGHT + height + GAP;
    let body = (2 * row_height).max(LEGEND_MIN_HEIGHT + 40);
    let mut canvas = Canvas::new(2 * MARGIN + columns * column + LEGEND_WIDTH, HEADER_HEIGHT + body + MARGIN);
    canvas.text(&forecast.title(canvas.width - 2 * MARGIN), [MARGIN, 20], 20, BLACK);
    let made = format!("from {} {} UTC", day(forecast.now()), clock(forecast.now()));
    let orientation = forecast.labels.scale.orientation();
    let made = orientation.map_or_else(|| made.clone(), |orientation| format!("{made};  {orientation}"));
    canvas.text(&made, [MARGIN, 43], 14, GREY);
    for (row, (name, frames)) in rows.into_iter().enumerate() {
        let shown = evenly(frames.len(), MAX_COLUMNS);
        let top = HEADER_HEIGHT + row * row_height;
        let counted = match shown.len() == frames.len() {
            true => name.to_owned(),
            false => format!("{name}: {} of {} frames", shown.len(), frames.len()),
        };
        canvas.text(&counted, [MARGIN, top + ROW_NAME_HEIGHT / 2], 16, BLACK);
        let times = forecast.times(frames);
        for (place, &index) in shown.iter().enumerate() {
            let (x, y) = (MARGIN + place * column, top + ROW_NAME_HEIGHT);
            canvas.text(&times[index], [x, y + LABEL_HEIGHT / 2 - 1], 14, GREY);
            zoom.draw(&mut canvas, &frames[index], [x, y + LABEL_HEIGHT], forecast.labels.scale);
        }
    }
    legend(&mut canvas, forecast.labels.scale, [MARGIN + columns * column, HEADER_HEIGHT], body);
    Ok(canvas.png()?)
}

/// The film as a GIF file: what was seen, a moment's rest, and what is forecast.
///
/// # Errors
/// If there are no frames, or they differ in shape.
pub fn gif(forecast: &Ahead<'_>) -> Result<Vec<u8>, PictureError> {
    let like = forecast.check()?;
    let zoom = Zoom::to_fit(&like, MAP_PIXELS);
    let [map_width, map_height] = zoom.size(&like);
    let body = map_height.max(LEGEND_MIN_HEIGHT + 30);
    let width = map_width.max(MIN_MAP_WIDTH) + 3 * MARGIN + LEGEND_WIDTH;
    let mut still = Canvas::new(width, HEADER_HEIGHT + body + MARGIN);
    still.text(&forecast.title(width - 2 * MARGIN), [MARGIN, 18], 18, BLACK);
    legend(&mut still, forecast.labels.scale, [width - MARGIN - LEGEND_WIDTH, HEADER_HEIGHT - 10], body);
    let mut film = Film::new(&still, forecast.labels.scale)?;
    let parts =
        [("seen", forecast.seen, [SEEN_DELAY, NOW_DELAY]), ("forecast", forecast.ahead, [AHEAD_DELAY, LAST_DELAY])];
    for (name, frames, [delay, last_delay]) in parts {
        for (index, (frame, time)) in frames.iter().zip(forecast.times(frames)).enumerate() {
            let mut picture = still.clone();
            let colour = if name == "seen" { GREY } else { BLACK };
            picture.text(&format!("{name}   {} {time}", day(frame.time_seconds)), [MARGIN, 43], 16, colour);
            zoom.draw(&mut picture, frame, [MARGIN, HEADER_HEIGHT], forecast.labels.scale);
            film.push(&picture, if index + 1 == frames.len() { last_delay } else { delay })?;
        }
    }
    film.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::radar::colours::{Scale, dbz};

    fn frame(dbz: &[f32], seconds: i64) -> RadarFrame<'_> {
        RadarFrame { dbz, height: 32, width: 32, time_seconds: 1_357_578_000 + seconds }
    }

    fn labels() -> Labels<'static> {
        static SCALE: std::sync::LazyLock<Scale> = std::sync::LazyLock::new(dbz);
        Labels { scale: &SCALE, title: "201301077", level: "column maximum", km_per_cell: Some(1.0) }
    }

    #[test]
    fn times_are_shown_with_the_minutes_from_the_forecast() {
        let dbz = vec![0.0; 32 * 32];
        let (seen, ahead) = ([frame(&dbz, -182), frame(&dbz, 0)], [frame(&dbz, 182), frame(&dbz, 364)]);
        let forecast = Ahead { labels: labels(), seen: &seen, ahead: &ahead };
        assert_eq!(forecast.times(&seen), ["16:56:58   -3 min", "17:00:00   0 min"]);
        assert_eq!(forecast.times(&ahead), ["17:03:02   +3 min", "17:06:04   +6 min"]);
    }

    #[test]
    fn the_sheet_has_a_row_of_what_was_seen_and_one_of_what_is_forecast() {
        let (weak, strong) = (vec![12.0; 32 * 32], vec![52.0; 32 * 32]);
        let (seen, ahead) = ([frame(&weak, 0)], [frame(&strong, 182)]);
        let bytes = png(&Ahead { labels: labels(), seen: &seen, ahead: &ahead }).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let middle = |row: usize| {
            let y = HEADER_HEIGHT + row * (ROW_NAME_HEIGHT + LABEL_HEIGHT + 256 + GAP) + ROW_NAME_HEIGHT + LABEL_HEIGHT;
            picture.get_pixel((MARGIN + 128) as u32, (y + 128) as u32).0
        };
        assert_eq!((middle(0), middle(1)), ([0x2A, 0x9F, 0xF2], [0xF2, 0x12, 0x00]));
    }

    #[test]
    fn the_film_rests_where_the_forecast_begins() {
        let dbz: Vec<Vec<f32>> = (0..4).map(|step| vec![10.0 * step as f32; 32 * 32]).collect();
        let frames: Vec<_> = dbz.iter().zip([-364, -182, 0, 182]).map(|(dbz, seconds)| frame(dbz, seconds)).collect();
        let bytes = gif(&Ahead { labels: labels(), seen: &frames[..3], ahead: &frames[3..] }).unwrap();
        let mut decoder = gif::DecodeOptions::new().read_info(bytes.as_slice()).unwrap();
        let mut delays = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            delays.push(frame.delay);
        }
        assert_eq!(delays, [SEEN_DELAY, SEEN_DELAY, NOW_DELAY, LAST_DELAY]);
    }

    #[test]
    fn nothing_to_show_is_refused() {
        let dbz = vec![0.0; 32 * 32];
        let seen = [frame(&dbz, 0)];
        assert!(png(&Ahead { labels: labels(), seen: &seen, ahead: &[] }).is_err());
    }
}
