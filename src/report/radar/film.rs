//! A GIF being made: a palette for pictures of values, and frames that contain only what changed.

use std::borrow::Cow;
use std::collections::HashMap;

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::colours::Scale;
use crate::report::PictureError;
use crate::report::canvas::{Canvas, Rgb};

/// A GIF being written; a frame holds only what differs from the one before.
pub(super) struct Film {
    palette: Palette,
    encoder: Encoder<Vec<u8>>,
    size: [u16; 2],
    before: Vec<u8>,
}

impl Film {
    /// A looping film; all its frames have the size of the given picture, and colours of the scale.
    pub(super) fn new(still: &Canvas, scale: &Scale) -> Result<Self, PictureError> {
        let (palette, size) = (Palette::new(scale), [still.width as u16, still.height as u16]);
        let mut encoder = Encoder::new(Vec::new(), size[0], size[1], &palette.bytes())?;
        encoder.set_repeat(Repeat::Infinite)?;
        Ok(Self { palette, encoder, size, before: Vec::new() })
    }

    /// Adds a frame that is shown for this many hundredths of a second.
    pub(super) fn push(&mut self, picture: &Canvas, delay: u16) -> Result<(), PictureError> {
        let indices = self.palette.indices(&picture.rgb);
        let changed: Vec<u8> = match self.before.is_empty() {
            true => indices.clone(),
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
        self.before = indices;
        Ok(())
    }

    /// The film as a file.
    pub(super) fn finish(self) -> Result<Vec<u8>, PictureError> {
        self.encoder.into_inner().map_err(PictureError::Gif)
    }
}

/// The colours of a scale, and greys for text and lines. Everything drawn is one of these or, at the rims of letters,
/// a grey between them.
struct Palette {
    colours: Vec<Rgb>,
    index_of: HashMap<Rgb, u8>,
}

/// Means "as in the frame before".
const UNCHANGED: u8 = 255;
const GREYS: usize = 52;

impl Palette {
    fn new(scale: &Scale) -> Self {
        let greys = (0..GREYS).map(|step| [(step * 255 / (GREYS - 1)) as u8; 3]);
        let colours: Vec<Rgb> = greys.chain(scale.colours()).collect();
        let index_of = colours.iter().enumerate().map(|(index, &colour)| (colour, index as u8)).collect();
        Self { colours, index_of }
    }

    fn indices(&self, rgb: &[u8]) -> Vec<u8> {
        let (pixels, _) = rgb.as_chunks::<3>();
        let index = |pixel: &Rgb| self.index_of.get(pixel).copied().unwrap_or_else(|| nearest_grey(pixel));
        // Most pixels are as their left neighbour.
        let mut last = ([0; 3], index(&[0; 3]));
        let indices = pixels.iter().map(|pixel| {
            if *pixel != last.0 {
                last = (*pixel, index(pixel));
            }
            last.1
        });
        indices.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::quantity::Quantity;

    #[test]
    fn every_colour_of_a_scale_is_kept_exactly() {
        for unit in ["dBZ", "mm/h", "mm", "K"] {
            let scale = Scale::of(&Quantity::of(unit), 0.0, 100.0);
            let palette = Palette::new(&scale);
            assert!(palette.colours.len() < usize::from(UNCHANGED));
            for colour in scale.colours() {
                let index = palette.indices(&colour)[0];
                assert_eq!(palette.colours[usize::from(index)], colour, "{unit}");
            }
        }
    }
}
