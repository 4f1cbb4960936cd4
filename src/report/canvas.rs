//! A picture being drawn: rectangles, lines, dots, text, pixels.

use std::collections::BTreeMap;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::font;

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

pub(super) const WHITE: Rgb = [255; 3];
pub(super) const BLACK: Rgb = [0; 3];
pub(super) const GREY: Rgb = [112; 3];

/// A picture: rows from the top, three bytes a pixel.
#[derive(Clone)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgb: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![255; 3 * width * height] }
    }

    pub(super) fn set(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            self.rgb[3 * (y * self.width + x)..][..3].copy_from_slice(&colour);
        }
    }

    pub(super) fn fill(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], colour: Rgb) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, colour);
            }
        }
    }

    /// Another picture, its upper left corner at a place.
    pub(super) fn paste(&mut self, other: &Self, [x, y]: [usize; 2]) {
        for (place, pixel) in other.rgb.as_chunks().0.iter().enumerate() {
            self.set(x + place % other.width, y + place / other.width, *pixel);
        }
    }

    /// The outline just outside a rectangle.
    pub(super) fn frame(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], colour: Rgb) {
        let (x, y) = (x.saturating_sub(1), y.saturating_sub(1));
        self.fill([x, y], [width + 2, 1], colour);
        self.fill([x, y + height + 1], [width + 2, 1], colour);
        self.fill([x, y], [1, height + 2], colour);
        self.fill([x + width + 1, y], [1, height + 2], colour);
    }

    /// A line of text that begins at `x`, the middle of its capital letters at `y`. What does not fit is cut at the edge.
    pub(super) fn text(&mut self, text: &str, [x, y]: [usize; 2], size: usize, colour: Rgb) {
        self.text_at(text, [x as f64, y as f64], size as f64, colour);
    }

    /// The same between pixels.
    pub(super) fn text_at(&mut self, text: &str, at: [f64; 2], size: f64, colour: Rgb) {
        font::draw(text, at, size, |x, y, share| self.blend(x, y, colour, in_steps(share)));
    }

    /// A line of text that reads upwards: it begins at the lower end, the middle of its capital letters is at `x`.
    pub(super) fn text_upwards(&mut self, text: &str, [x, y]: [f64; 2], size: f64, colour: Rgb) {
        font::draw(text, [0.0, 0.0], size, |along, down, share| {
            self.blend(x.round() as i64 + down, y.round() as i64 - along, colour, in_steps(share));
        });
    }

    /// A straight line with round ends and smooth edges, its thickness in pixels. Coordinates are the middles of pixels.
    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], thickness: f64, colour: Rgb) {
        let reach = thickness / 2.0 + 1.0;
        let [columns, rows] = [(0, self.width), (1, self.height)].map(|(axis, size)| {
            let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
            low.floor().max(0.0) as usize..(high.ceil().clamp(0.0, size as f64) as usize + 1).min(size)
        });
        for y in rows {
            for x in columns.clone() {
                let distance = distance([x as f64, y as f64], from, to);
                self.blend(x as i64, y as i64, colour, in_steps((thickness / 2.0 + 0.5 - distance).clamp(0.0, 1.0)));
            }
        }
    }

    /// A filled circle.
    pub(super) fn dot(&mut self, middle: [f64; 2], diameter: f64, colour: Rgb) {
        self.line(middle, middle, diameter, colour);
    }

    /// Covers a share of a pixel.
    pub(super) fn blend(&mut self, x: i64, y: i64, colour: Rgb, share: f64) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if share > 0.0 && x < self.width && y < self.height {
            let pixel = &mut self.rgb[3 * (y * self.width + x)..][..3];
            for (below, above) in pixel.iter_mut().zip(colour) {
                *below = (f64::from(*below) * (1.0 - share) + f64::from(above) * share).round() as u8;
            }
        }
    }

    /// The picture as a PNG file with a palette, a third of the size: colours that no eye tells apart become one.
    pub(super) fn small_png(&self) -> Result<Vec<u8>, image::ImageError> {
        self.png_in_steps(&[3, 5, 15])
    }

    /// The same in even fewer bytes, for small gray images with captions: 18 levels of gray.
    pub(super) fn coarse_png(&self) -> Result<Vec<u8>, image::ImageError> {
        self.png_in_steps(&[15])
    }

    /// With the first of these distances between colours of which there are few enough for a palette. 255 is a multiple of each,
    /// so white stays white.
    fn png_in_steps(&self, steps: &[u8]) -> Result<Vec<u8>, image::ImageError> {
        match steps.iter().find_map(|step| self.indexed(*step)) {
            Some((palette, indexes)) => indexed([self.width, self.height], &palette, &indexes).map_err(|error| {
                let hint = image::error::ImageFormatHint::Exact(image::ImageFormat::Png);
                image::ImageError::Encoding(image::error::EncodingError::new(hint, error))
            }),
            None => self.png(),
        }
    }

    /// Colours in steps, and the place of each pixel among them; `None` if they are too many for a palette.
    fn indexed(&self, step: u8) -> Option<(Vec<Rgb>, Vec<u8>)> {
        let mut palette: Vec<Rgb> = Vec::new();
        let mut places: BTreeMap<Rgb, u8> = BTreeMap::new();
        let mut indexes = Vec::with_capacity(self.width * self.height);
        for pixel in self.rgb.chunks_exact(3) {
            let colour = [pixel[0], pixel[1], pixel[2]].map(|part| part.saturating_add(step / 2) / step * step);
            let place = places.get(&colour).copied().or_else(|| {
                let place = u8::try_from(palette.len()).ok()?;
                palette.push(colour);
                places.insert(colour, place);
                Some(place)
            });
            indexes.push(place?);
        }
        Some((palette, indexes))
    }

    /// The picture as a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        let mut bytes = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        // Few colours in repeating patterns: filters, made for photographs, would only hide the repetition.
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::NoFilter);
        encoder.write_image(&self.rgb, width, height, ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }
}

/// A smooth edge in eight steps: an eye sees no more, and a palette holds no more for several colours.
fn in_steps(share: f64) -> f64 {
    (8.0 * share).round() / 8.0
}

/// A PNG file of places in a palette.
fn indexed(size: [usize; 2], palette: &[Rgb], indexes: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut info = png::Info::with_size(size[0] as u32, size[1] as u32);
    info.color_type = png::ColorType::Indexed;
    info.bit_depth = png::BitDepth::Eight;
    info.palette = Some(palette.concat().into());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info)?;
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(indexes)?;
    Ok(bytes)
}

/// From a point to the nearest one of a line.
fn distance([x, y]: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let share = match length_squared > 0.0 {
        true => (((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length_squared).clamp(0.0, 1.0),
        false => 0.0,
    };
    (x - from[0] - share * along[0]).hypot(y - from[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(canvas: &Canvas, x: usize, y: usize) -> Rgb {
        [0, 1, 2].map(|part| canvas.rgb[3 * (y * canvas.width + x) + part])
    }

    #[test]
    fn a_line_covers_its_middle_fully_its_edge_in_part_and_the_rest_not_at_all() {
        let mut canvas = Canvas::new(20, 20);
        canvas.line([4.0, 10.0], [15.0, 10.0], 2.0, BLACK);
        assert_eq!(pixel(&canvas, 9, 10), BLACK);
        assert_eq!(pixel(&canvas, 9, 11), [128; 3]);
        assert_eq!([pixel(&canvas, 9, 12), pixel(&canvas, 1, 10)], [WHITE; 2]);
        canvas.line([-50.0, -50.0], [100.0, 100.0], 2.0, BLACK);
        assert_eq!(pixel(&canvas, 19, 19), BLACK, "what is outside does no harm");
    }

    #[test]
    fn a_dot_is_round() {
        let mut canvas = Canvas::new(20, 20);
        canvas.dot([10.0, 10.0], 8.0, BLACK);
        assert_eq!([pixel(&canvas, 10, 10), pixel(&canvas, 13, 10)], [BLACK; 2]);
        assert_eq!([pixel(&canvas, 14, 14), pixel(&canvas, 16, 10)], [WHITE; 2]);
    }

    #[test]
    fn a_palette_keeps_what_an_eye_sees_and_takes_less() {
        let mut canvas = Canvas::new(60, 40);
        canvas.text("Wrong: 7", [4, 20], 14, [178, 34, 34]);
        (0..600).for_each(|place| canvas.set(place % 60, place / 60, [(place * 7919 % 251) as u8; 3]));
        let (small, whole) = (canvas.small_png().unwrap(), canvas.png().unwrap());
        let seen = image::load_from_memory(&small).unwrap().to_rgb8().into_raw();
        assert!(small.len() < whole.len() && seen.iter().zip(&canvas.rgb).all(|(one, other)| one.abs_diff(*other) < 3));
        let coarse = canvas.coarse_png().unwrap();
        let seen = image::load_from_memory(&coarse).unwrap().to_rgb8().into_raw();
        assert!(
            coarse.len() < small.len() && seen.iter().zip(&canvas.rgb).all(|(one, other)| one.abs_diff(*other) < 8)
        );
        // So many colours have no palette.
        canvas.rgb.iter_mut().enumerate().for_each(|(place, part)| *part = (place * place / 7 % 251) as u8);
        assert_eq!(canvas.small_png().unwrap(), canvas.png().unwrap());
    }

    #[test]
    fn text_past_the_edge_is_cut() {
        let mut canvas = Canvas::new(20, 20);
        canvas.text("WWWWWW", [10, 10], 14, BLACK);
        canvas.text_upwards("WWWWWW", [0.0, 5.0], 14.0, BLACK);
        assert!(canvas.rgb.contains(&0));
    }
}
