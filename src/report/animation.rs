//! An event as a film: a looping GIF that shows one frame after the other, with its time.

use std::borrow::Cow;
use std::collections::HashMap;

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::canvas::{BLACK, Canvas, Rgb};
use super::radar_colours::{COLOURS, LEGEND_MIN_HEIGHT, LEGEND_WIDTH, legend};
use super::radar_frame::{Labels, PictureError, RadarFrame, Zoom, check, clock, day};

const MAP_PIXELS: usize = 512;
const MARGIN: usize = 14;
const HEADER_HEIGHT: usize = 60;
const MIN_MAP_WIDTH: usize = 330;

/// In hundredths of a second, the unit of the format.
const DELAY: u16 = 12;
/// The last frame stays, so that the eye knows where the film begins.
const LAST_DELAY: u16 = 140;

/// The film as a GIF file.
///
/// # Errors
/// Where there are no frames, or they differ in shape.
pub fn gif(frames: &[RadarFrame<'_>], labels: &Labels<'_>) -> Result<Vec<u8>, PictureError> {
    let first = check(frames, labels)?;
    let zoom = Zoom::to_fit(&first, MAP_PIXELS);
    let [map_width, map_height] = zoom.size(&first);
    let body_height = map_height.max(LEGEND_MIN_HEIGHT + 30);
    let width = map_width.max(MIN_MAP_WIDTH) + 3 * MARGIN + LEGEND_WIDTH;
    let mut still = Canvas::new(width, HEADER_HEIGHT + body_height + MARGIN);
    still.text(&format!("{}   {}", labels.title, labels.level), [MARGIN, 18], 18, BLACK);
    legend(&mut still, [width - MARGIN - LEGEND_WIDTH, HEADER_HEIGHT - 10], body_height);

    let palette = Palette::new();
    let mut film = Film::new(&palette, still.width as u16, still.height as u16)?;
    for (index, frame) in frames.iter().enumerate() {
        let mut picture = still.clone();
        let time = format!("{}  {} UTC", day(frame.time_seconds), clock(frame.time_seconds));
        picture.text(&time, [MARGIN, 43], 16, BLACK);
        zoom.draw(&mut picture, frame, [MARGIN, HEADER_HEIGHT]);
        film.push(&palette.indices(&picture.rgb), if index + 1 == frames.len() { LAST_DELAY } else { DELAY })?;
    }
    film.finish()
}

/// The colours of reflectivity, and greys for text and lines. Everything drawn is one of these or, at the rims of letters,
/// a grey between them.
struct Palette {
    colours: Vec<Rgb>,
    index_of: HashMap<Rgb, u8>,
}

/// Stands for "as in the frame before".
const UNCHANGED: u8 = 255;
const GREYS: usize = 52;

impl Palette {
    fn new() -> Self {
        let greys = (0..GREYS).map(|step| [(step * 255 / (GREYS - 1)) as u8; 3]);
        let colours: Vec<Rgb> = greys.chain(COLOURS).collect();
        let index_of = colours.iter().enumerate().map(|(index, &colour)| (colour, index as u8)).collect();
        Self { colours, index_of }
    }

    fn indices(&self, rgb: &[u8]) -> Vec<u8> {
        let (pixels, _) = rgb.as_chunks::<3>();
        pixels.iter().map(|pixel| self.index_of.get(pixel).copied().unwrap_or_else(|| nearest_grey(pixel))).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.colours.concat();
        bytes.resize(3 * 256, 0);
        bytes
    }
}

fn nearest_grey(pixel: &Rgb) -> u8 {
    let brightness = pixel.iter().map(|&part| usize::from(part)).sum::<usize>() / 3;
    ((brightness * (GREYS - 1) + 127) / 255) as u8
}

/// A GIF being written; a frame holds only what differs from the one before.
struct Film {
    encoder: Encoder<Vec<u8>>,
    size: [u16; 2],
    before: Vec<u8>,
}

impl Film {
    fn new(palette: &Palette, width: u16, height: u16) -> Result<Self, PictureError> {
        let mut encoder = Encoder::new(Vec::new(), width, height, &palette.bytes())?;
        encoder.set_repeat(Repeat::Infinite)?;
        Ok(Self { encoder, size: [width, height], before: Vec::new() })
    }

    fn push(&mut self, indices: &[u8], delay: u16) -> Result<(), PictureError> {
        let changed: Vec<u8> = match self.before.is_empty() {
            true => indices.to_vec(),
            false => {
                indices.iter().zip(&self.before).map(|(&now, &old)| if now == old { UNCHANGED } else { now }).collect()
            }
        };
        let [width, height] = self.size;
        let frame = Frame {
            delay,
            dispose: DisposalMethod::Keep,
            transparent: Some(UNCHANGED),
            width,
            height,
            buffer: Cow::Owned(changed),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame)?;
        self.before = indices.to_vec();
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, PictureError> {
        self.encoder.into_inner().map_err(PictureError::Gif)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_loops_pauses_at_its_end_and_shows_each_frame() {
        let fields: Vec<Vec<f32>> = [12.0, 52.0, f32::NAN].iter().map(|&dbz| vec![dbz; 32 * 32]).collect();
        let frames: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(i, dbz)| RadarFrame { dbz, height: 32, width: 32, time_seconds: 1_357_578_000 + 182 * i as i64 })
            .collect();
        let bytes = gif(&frames, &Labels { title: "201301077", level: "1 km", km_per_cell: None }).unwrap();
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

    #[test]
    fn every_colour_of_reflectivity_is_kept_exactly() {
        let palette = Palette::new();
        assert!(palette.colours.len() < usize::from(UNCHANGED));
        for colour in COLOURS {
            let index = palette.indices(&colour)[0];
            assert_eq!(palette.colours[usize::from(index)], colour);
        }
    }
}
