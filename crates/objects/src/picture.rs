//! An image in memory: three bytes a pixel. Where it came from and what it shows is the caller's matter.

/// An image: red, green and blue of each pixel, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture of one color.
    #[must_use]
    pub fn filled(width: usize, height: usize, color: [u8; 3]) -> Self {
        Self { width, height, rgb: color.repeat(width * height) }
    }

    /// The color of a pixel.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let start = 3 * (y * self.width + x);
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_in_rows_from_the_top() {
        let mut picture = Picture::filled(3, 2, [1, 2, 3]);
        picture.rgb[3 * (3 + 2)..].copy_from_slice(&[7, 8, 9]);
        assert_eq!((picture.pixel(2, 1), picture.pixel(2, 0)), ([7, 8, 9], [1, 2, 3]));
    }
}
