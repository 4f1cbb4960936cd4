//! Frames of one event side by side in one picture: a quick look at the data.

use super::colours::{LEGEND_MIN_HEIGHT, LEGEND_WIDTH, legend};
use super::frame::{Labels, RadarFrame, Zoom, check, clock, day};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};

/// More frames than this are of no use.
pub const MAX_FRAMES: usize = 24;

const THUMBNAIL_PIXELS: usize = 256;
const MARGIN: usize = 16;
const GAP: usize = 8;
const TITLE_HEIGHT: usize = 58;
const LABEL_HEIGHT: usize = 20;
const FOOTER_HEIGHT: usize = 34;

/// The sheet as a PNG file: at most [`MAX_FRAMES`] frames, with equal steps between them, the last among them.
///
/// # Errors
/// If there are no frames, or they differ in shape.
pub fn png(frames: &[RadarFrame<'_>], labels: &Labels<'_>) -> Result<Vec<u8>, PictureError> {
    let first = check(frames, labels)?;
    let shown = evenly(frames.len(), MAX_FRAMES);
    let zoom = Zoom::to_fit(&first, THUMBNAIL_PIXELS);
    let [width, height] = zoom.size(&first);
    let columns = ((shown.len() as f64 * 1.5).sqrt().ceil() as usize).min(shown.len());
    let rows = shown.len().div_ceil(columns);
    let body_width = (columns * (width + GAP)).max(MIN_BODY_WIDTH);
    let body_height = (rows * (height + LABEL_HEIGHT + GAP)).max(LEGEND_MIN_HEIGHT + 40);
    let mut canvas =
        Canvas::new(2 * MARGIN + body_width + GAP + LEGEND_WIDTH, TITLE_HEIGHT + body_height + FOOTER_HEIGHT);
    title(&mut canvas, frames, labels, shown.len());
    for (place, &index) in shown.iter().enumerate() {
        let left = MARGIN + place % columns * (width + GAP);
        let top = TITLE_HEIGHT + place / columns * (height + LABEL_HEIGHT + GAP);
        let label = stamp(frames[index].time_seconds, first.time_seconds);
        canvas.text(&label, [left, top + LABEL_HEIGHT / 2 - 1], 14, BLACK);
        zoom.draw(&mut canvas, &frames[index], [left, top + LABEL_HEIGHT], labels.scale);
    }
    legend(&mut canvas, labels.scale, [MARGIN + body_width + GAP, TITLE_HEIGHT], body_height);
    let foot = [MARGIN, TITLE_HEIGHT + body_height + 10];
    footer(&mut canvas, foot, &first, labels, zoom);
    Ok(canvas.png()?)
}

/// Room for the title over a single small frame.
const MIN_BODY_WIDTH: usize = 420;

fn title(canvas: &mut Canvas, frames: &[RadarFrame<'_>], labels: &Labels<'_>, shown: usize) {
    let (from, to) = (frames[0].time_seconds, frames[frames.len() - 1].time_seconds);
    canvas.text(&format!("{}   {}", labels.title, labels.level), [MARGIN, 20], 20, BLACK);
    let times = format!("{} {} to {} UTC", day(from), clock(from), stamp(to, from));
    let counts = match frames.len() {
        1 => "1 frame".to_owned(),
        all if all == shown => format!("{all} frames"),
        all => format!("{shown} of {all} frames, one in {}", (all - 1).div_ceil(MAX_FRAMES - 1)),
    };
    canvas.text(&format!("{times},  {counts}"), [MARGIN, 43], 14, GREY);
}

/// The time of day, with the day if it differs from that of the first frame.
fn stamp(seconds: i64, begin_seconds: i64) -> String {
    if day(seconds) == day(begin_seconds) { clock(seconds) } else { format!("{} {}", day(seconds), clock(seconds)) }
}

fn footer(canvas: &mut Canvas, [x, y]: [usize; 2], frame: &RadarFrame<'_>, labels: &Labels<'_>, zoom: Zoom) {
    let mut text_x = x;
    if let Some(km_per_cell) = labels.km_per_cell.filter(|km| *km > 0.0) {
        let pixels_per_km = zoom.pixels_per_cell() / km_per_cell;
        let km = round_length(0.4 * frame.width as f32 * km_per_cell);
        let length = (km * pixels_per_km).round() as usize;
        canvas.fill([x, y + 5], [length, 3], BLACK);
        canvas.fill([x, y + 1], [2, 11], BLACK);
        canvas.fill([x + length - 2, y + 1], [2, 11], BLACK);
        canvas.text(&format!("{km} km"), [x + length + 8, y + 6], 14, BLACK);
        text_x += length + 90;
    }
    if let Some(orientation) = labels.scale.orientation() {
        canvas.text(orientation, [text_x, y + 6], 14, GREY);
    }
}

/// The largest of 1, 2, 5, 10, 20, 50, ... that is not longer.
fn round_length(km: f32) -> f32 {
    let power = 10_f32.powf(km.max(1e-3).log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|digit| digit * power).find(|&length| length <= km * 1.0001).unwrap_or(power)
}

/// At most `most` of `count` indices with equal steps, so that motion looks as steady as it is; the last is among them.
pub(super) fn evenly(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let step = (count - 1).div_ceil(most.max(2) - 1);
    let mut chosen: Vec<usize> = (0..count).rev().step_by(step).collect();
    chosen.reverse();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::radar::colours::dbz;

    #[test]
    fn frames_are_chosen_with_equal_steps_to_the_last() {
        assert_eq!(evenly(3, 24), [0, 1, 2]);
        for (count, most, step) in [(40, 24, 2), (100, 24, 5), (25, 24, 2), (9, 2, 8), (9, 1, 8)] {
            let chosen = evenly(count, most);
            assert!(chosen.len() <= most.max(2) && chosen.last() == Some(&(count - 1)), "{chosen:?}");
            assert!(chosen.windows(2).all(|pair| pair[1] - pair[0] == step), "{count} {most}: {chosen:?}");
        }
    }

    #[test]
    fn scale_bars_have_round_lengths() {
        assert_eq!([200.0, 100.0, 25.6, 9.0, 0.5].map(round_length), [200.0, 100.0, 20.0, 5.0, 0.5]);
    }

    #[test]
    fn a_sheet_is_a_png_that_shows_every_frame_in_its_place() {
        let (weak, strong) = (vec![12.0; 64 * 64], vec![52.0; 64 * 64]);
        let frame = |dbz, time_seconds| RadarFrame { dbz, height: 64, width: 64, time_seconds };
        let scale = dbz();
        let labels = Labels { scale: &scale, title: "201301077", level: "1 km", km_per_cell: Some(1.0) };
        let bytes = png(&[frame(&weak, 1_357_578_000), frame(&strong, 1_357_578_182)], &labels).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let pixel = |x, y| picture.get_pixel(x, y).0;
        let middle = (TITLE_HEIGHT + LABEL_HEIGHT + 128) as u32;
        assert_eq!(pixel((MARGIN + 128) as u32, middle), [0x2A, 0x9F, 0xF2]);
        assert_eq!(pixel((MARGIN + 256 + GAP + 128) as u32, middle), [0xF2, 0x12, 0x00]);
    }

    #[test]
    fn nothing_to_show_is_an_error_that_says_so() {
        let scale = dbz();
        let labels = Labels { scale: &scale, title: "201301077", level: "", km_per_cell: None };
        assert_eq!(png(&[], &labels).unwrap_err().to_string(), "no frames to draw for 201301077");
    }
}
