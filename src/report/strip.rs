//! A film as a strip: every frame of every panel in one small picture, a pixel for each cell, with what is written beside them
//! in the same file. A page plays it without any other file; a viewer of pictures shows all frames at once.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::error::PictureError;

/// The keyword under which the file holds the text of the strip.
const KEYWORD: &str = "fragua-strip";

/// What a strip shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// What the film shows.
    pub title: String,
    /// The panels, from left to right.
    pub panels: Vec<String>,
    /// Columns and rows of a frame.
    pub size: [usize; 2],
    /// The moments, from top to bottom, each with a text for it.
    pub moments: Vec<String>,
    /// How many of the moments come before the forecast: only the first panel has frames of these.
    pub before: usize,
    /// The meaning of colours: as in CSS, and in words.
    pub scale: Vec<(String, String)>,
    /// The unit of the scale.
    pub unit: String,
}

impl Strip {
    /// The strip as a PNG file. `palette` has red, green, blue and opacity; `cell` gives the colour by panel, moment, row from
    /// the top and column.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(
        &self,
        palette: &[[u8; 4]],
        cell: impl Fn(usize, usize, usize, usize) -> u8,
    ) -> Result<Vec<u8>, PictureError> {
        let [columns, rows] = self.size;
        let size = [columns * self.panels.len(), rows * self.moments.len()];
        let mut pixels = Vec::with_capacity(size[0] * size[1]);
        for y in 0..size[1] {
            pixels.extend((0..size[0]).map(|x| cell(x / columns, y / rows, y % rows, x % columns)));
        }
        let mut info = png::Info::with_size(size[0] as u32, size[1] as u32);
        info.color_type = png::ColorType::Indexed;
        info.bit_depth = png::BitDepth::Eight;
        info.palette = Some(Cow::Owned(palette.iter().flat_map(|colour| colour[..3].to_vec()).collect()));
        info.trns = Some(Cow::Owned(palette.iter().map(|colour| colour[3]).collect()));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::with_info(&mut bytes, info)?;
        encoder.set_filter(png::Filter::NoFilter);
        encoder.set_compression(png::Compression::High);
        encoder.add_itxt_chunk(KEYWORD.into(), serde_json::to_string(self).unwrap_or_default())?;
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(bytes)
    }

    /// The description in a file; `None` if it is not a strip.
    #[must_use]
    pub fn of(png: &[u8]) -> Option<Self> {
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().ok()?;
        let info = reader.info();
        let text = info.utf8_text.iter().find(|text| text.keyword == KEYWORD)?.get_text().ok()?;
        let strip: Self = serde_json::from_str(&text).ok()?;
        let [columns, rows] = strip.size;
        let expected = [columns * strip.panels.len(), rows * strip.moments.len()];
        let is_whole = expected == [info.width as usize, info.height as usize] && strip.before <= strip.moments.len();
        (is_whole && columns * rows > 0).then_some(strip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_is_read_back_with_what_is_written_beside_it() {
        let strip = Strip {
            title: "2014-01-13 17:08 UTC, <e10>".into(),
            panels: vec!["observed".into(), "model".into()],
            size: [4, 3],
            moments: vec!["0 min".into(), "+5 min".into()],
            before: 1,
            scale: vec![("#ff0000".into(), "50".into())],
            unit: "dBZ".into(),
        };
        let palette = [[0, 0, 0, 0], [255, 0, 0, 255]];
        let bytes = strip.png(&palette, |panel, moment, _, _| u8::from(panel == 1 && moment == 1)).unwrap();
        assert_eq!(Strip::of(&bytes), Some(strip));
        let picture = image::load_from_memory(&bytes).unwrap().to_rgba8();
        assert_eq!((picture.dimensions(), picture.get_pixel(7, 5).0), ((8, 6), [255, 0, 0, 255]));
        assert_eq!(picture.get_pixel(0, 0).0[3], 0);
        for damaged in [&bytes[..40], b"GIF89a", b""] {
            assert_eq!(Strip::of(damaged), None);
        }
    }
}
