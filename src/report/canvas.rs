//! A picture being drawn: rectangles, text, pixels. It knows nothing of what it shows.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoFont, RGBColor, TextStyle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

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
        font::register();
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

    /// The outline just outside a rectangle.
    pub(super) fn frame(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], colour: Rgb) {
        let (x, y) = (x.saturating_sub(1), y.saturating_sub(1));
        self.fill([x, y], [width + 2, 1], colour);
        self.fill([x, y + height + 1], [width + 2, 1], colour);
        self.fill([x, y], [1, height + 2], colour);
        self.fill([x + width + 1, y], [1, height + 2], colour);
    }

    /// A line of text that begins at `x`, its vertical middle at `y`.
    pub(super) fn text(&mut self, text: &str, [x, y]: [usize; 2], size: usize, colour: Rgb) {
        let [red, green, blue] = colour;
        let colour = RGBColor(red, green, blue).to_rgba();
        let style = TextStyle::from((font::FAMILY, size as f64).into_font())
            .color(&colour)
            .pos(Pos::new(HPos::Left, VPos::Center));
        let mut backend = BitMapBackend::with_buffer(&mut self.rgb, (self.width as u32, self.height as u32));
        // Text that does not fit is cut at the edge; nothing else can fail in memory.
        if let Err(error) = backend.draw_text(text, &style, (x as i32, y as i32)) {
            tracing::warn!("could not draw the text {text:?}: {error}");
        }
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
