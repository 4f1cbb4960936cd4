//! An event as a film: a looping GIF that shows one frame after the other, with its time.

use super::colours::{LEGEND_MIN_HEIGHT, LEGEND_WIDTH, legend};
use super::film::Film;
use super::frame::{Labels, RadarFrame, Zoom, check, clock, day};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas};

const MAP_PIXELS: usize = 512;
const MARGIN: usize = 14;
const HEADER_HEIGHT: usize = 60;
const MIN_MAP_WIDTH: usize = 330;

/// In hundredths of a second, the unit of the format.
const DELAY: u16 = 12;
/// The last frame stays longer, so that the start of the film is visible.
const LAST_DELAY: u16 = 140;

/// The film as a GIF file.
///
/// # Errors
/// If there are no frames, or they differ in shape.
pub fn gif(frames: &[RadarFrame<'_>], labels: &Labels<'_>) -> Result<Vec<u8>, PictureError> {
    let first = check(frames, labels)?;
    let zoom = Zoom::to_fit(&first, MAP_PIXELS);
    let [map_width, map_height] = zoom.size(&first);
    let body_height = map_height.max(LEGEND_MIN_HEIGHT + 30);
    let width = map_width.max(MIN_MAP_WIDTH) + 3 * MARGIN + LEGEND_WIDTH;
    let mut still = Canvas::new(width, HEADER_HEIGHT + body_height + MARGIN);
    still.text(&format!("{}   {}", labels.title, labels.level), [MARGIN, 18], 18, BLACK);
    legend(&mut still, labels.scale, [width - MARGIN - LEGEND_WIDTH, HEADER_HEIGHT - 10], body_height);

    let mut film = Film::new(&still, labels.scale)?;
    for (index, frame) in frames.iter().enumerate() {
        let mut picture = still.clone();
        let time = format!("{}  {} UTC", day(frame.time_seconds), clock(frame.time_seconds));
        picture.text(&time, [MARGIN, 43], 16, BLACK);
        zoom.draw(&mut picture, frame, [MARGIN, HEADER_HEIGHT], labels.scale);
        film.push(&picture, if index + 1 == frames.len() { LAST_DELAY } else { DELAY })?;
    }
    film.finish()
}

#[cfg(test)]
mod tests {
    use gif::Repeat;

    use super::*;
    use crate::report::radar::colours::{COLOURS, dbz};

    #[test]
    fn a_film_loops_pauses_at_its_end_and_shows_each_frame() {
        let fields: Vec<Vec<f32>> = [12.0, 52.0, f32::NAN].iter().map(|&dbz| vec![dbz; 32 * 32]).collect();
        let frames: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(i, dbz)| RadarFrame { dbz, height: 32, width: 32, time_seconds: 1_357_578_000 + 182 * i as i64 })
            .collect();
        let bytes =
            gif(&frames, &Labels { scale: &dbz(), title: "201301077", level: "1 km", km_per_cell: None }).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::Indexed);
        let mut decoder = options.read_info(bytes.as_slice()).unwrap();
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        let palette = decoder.global_palette().unwrap().to_vec();
        let mut seen = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            let middle = (HEADER_HEIGHT + 200) * usize::from(frame.width) + MARGIN + 203;
            let index = usize::from(frame.buffer[middle]);
            seen.push((frame.delay, palette[3 * index..][..3].to_vec()));
        }
        assert_eq!(seen.len(), 3);
        assert_eq!(seen[0], (DELAY, COLOURS[8].to_vec()));
        assert_eq!(seen[1], (DELAY, COLOURS[16].to_vec()));
        assert_eq!(seen[2].0, LAST_DELAY);
        assert!(seen[2].1.iter().all(|&part| part == seen[2].1[0] && part < 255), "missing is grey: {:?}", seen[2]);
    }
}
