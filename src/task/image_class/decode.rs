//! From an image file to gray levels of the prepared size. It decides nothing about the dataset: whether to invert is
//! the caller's decision.

use std::io::Cursor;

use image::ImageReader;

use super::config::Fit;

/// A gray image, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Its levels, row by row.
    pub levels: Vec<u8>,
}

/// The largest image that is decoded: 64 million pixels.
const MOST_PIXELS: u64 = 1 << 26;

/// Brings the bytes of an image file to gray; what is transparent becomes white.
///
/// # Errors
/// The reason for which the bytes are not an image of this kind, as a fragment.
pub fn decode(bytes: &[u8]) -> Result<Gray, String> {
    // By its first bytes: a name may lie.
    let format = image::guess_format(bytes).map_err(|_| "is not an image, expected PNG".to_owned())?;
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let failed = |error: image::ImageError| format!("can't be decoded: {error}");
    let (width, height) = reader().into_dimensions().map_err(failed)?;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("has {width} x {height} pixels, expected at most {MOST_PIXELS} in all"));
    }
    let image = reader().decode().map_err(failed)?.to_luma_alpha8();
    let levels = image.pixels().map(|pixel| over_white(pixel.0)).collect();
    Ok(Gray { rows: image.height() as usize, columns: image.width() as usize, levels })
}

fn over_white([level, alpha]: [u8; 2]) -> u8 {
    let (level, alpha) = (u32::from(level), u32::from(alpha));
    ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

impl Gray {
    /// The median level of its border: the background of a character.
    #[must_use]
    pub fn border(&self) -> u8 {
        let is_border = |place: usize| {
            let (row, column) = (place / self.columns, place % self.columns);
            row == 0 || column == 0 || row + 1 == self.rows || column + 1 == self.columns
        };
        let border = self.levels.iter().enumerate().filter(|(place, _)| is_border(*place));
        let mut border: Vec<u8> = border.map(|(_, level)| *level).collect();
        border.sort_unstable();
        border.get(border.len() / 2).copied().unwrap_or(0)
    }

    /// The image at another size: the mean by area where it shrinks, linear between pixel centres where it grows.
    #[must_use]
    pub fn fitted(&self, [rows, columns]: [usize; 2], fit: Fit) -> Vec<u8> {
        let [inner_rows, inner_columns] = match fit {
            Fit::Stretch => [rows, columns],
            Fit::Pad => self.within(rows, columns),
        };
        let inner = self.stretched(inner_rows, inner_columns);
        if [inner_rows, inner_columns] == [rows, columns] {
            return inner;
        }
        let mut whole = vec![self.border(); rows * columns];
        let (top, left) = ((rows - inner_rows) / 2, (columns - inner_columns) / 2);
        for (row, line) in inner.chunks_exact(inner_columns).enumerate() {
            whole[(top + row) * columns + left..][..inner_columns].copy_from_slice(line);
        }
        whole
    }

    /// The largest size of the same proportions.
    fn within(&self, rows: usize, columns: usize) -> [usize; 2] {
        let scale = (rows as f64 / self.rows as f64).min(columns as f64 / self.columns as f64);
        let side = |length: usize, most: usize| ((length as f64 * scale).round() as usize).clamp(1, most);
        [side(self.rows, rows), side(self.columns, columns)]
    }

    fn stretched(&self, rows: usize, columns: usize) -> Vec<u8> {
        let (vertical, horizontal) = (shares(self.rows, rows), shares(self.columns, columns));
        let mut lines = vec![0.0; self.rows * columns];
        for (line, levels) in lines.chunks_exact_mut(columns).zip(self.levels.chunks_exact(self.columns)) {
            for (value, shares) in line.iter_mut().zip(&horizontal) {
                *value = shares.iter().map(|&(from, share)| share * f64::from(levels[from])).sum();
            }
        }
        let mut all = Vec::with_capacity(rows * columns);
        for shares in &vertical {
            for column in 0..columns {
                let value: f64 = shares.iter().map(|&(from, share)| share * lines[from * columns + column]).sum();
                all.push(value.round().clamp(0.0, 255.0) as u8);
            }
        }
        all
    }
}

/// For each of the new places along an axis, the old places with their shares, which add up to 1.
fn shares(old: usize, new: usize) -> Vec<Vec<(usize, f64)>> {
    let ratio = old as f64 / new as f64;
    let area = |place: usize| {
        let (from, to) = (place as f64 * ratio, (place + 1) as f64 * ratio);
        let covered = |cell: usize| (to.min(cell as f64 + 1.0) - from.max(cell as f64)) / ratio;
        let cells = from as usize..(to.ceil() as usize).min(old);
        cells.map(|cell| (cell, covered(cell))).filter(|&(_, share)| share > 0.0).collect()
    };
    let linear = |place: usize| {
        let at = ((place as f64 + 0.5) * ratio - 0.5).clamp(0.0, old as f64 - 1.0);
        let (below, rest) = (at as usize, at.fract());
        let above = (below + 1).min(old - 1);
        vec![(below, 1.0 - rest), (above, rest)]
    };
    (0..new).map(|place| if new <= old { area(place) } else { linear(place) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(rows: usize, columns: usize, levels: &[u8]) -> Gray {
        Gray { rows, columns, levels: levels.to_vec() }
    }

    #[test]
    fn shrinking_takes_the_mean_by_area() {
        let image = gray(2, 4, &[0, 100, 200, 40, 0, 100, 0, 0]);
        assert_eq!(image.fitted([1, 2], Fit::Stretch), [50, 60]);
        assert_eq!(gray(1, 3, &[0, 90, 240]).fitted([1, 2], Fit::Stretch), [30, 190]);
    }

    #[test]
    fn growing_is_linear_between_pixel_centres() {
        assert_eq!(gray(1, 2, &[0, 100]).fitted([1, 4], Fit::Stretch), [0, 25, 75, 100]);
        assert_eq!(gray(1, 1, &[7]).fitted([2, 2], Fit::Stretch), [7; 4]);
    }

    #[test]
    fn padding_keeps_the_proportions_and_fills_with_the_background() {
        let image = gray(1, 4, &[9, 9, 200, 9]);
        assert_eq!(image.fitted([4, 4], Fit::Pad), [9, 9, 9, 9, 9, 9, 200, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let levels: Vec<u8> = (0..=255).collect();
        assert_eq!(gray(16, 16, &levels).fitted([16, 16], Fit::Stretch), levels);
    }

    #[test]
    fn what_is_transparent_is_white() {
        assert_eq!(
            [over_white([0, 255]), over_white([0, 0]), over_white([100, 255]), over_white([0, 51])],
            [0, 255, 100, 204]
        );
    }

    #[test]
    fn bytes_that_are_no_image_are_refused_with_the_reason() {
        assert!(decode(b"not a picture").unwrap_err().contains("is not an image"));
        assert!(decode(b"\x89PNG\r\n\x1a\nbroken").unwrap_err().contains("can't be decoded"));
        assert!(decode(b"").unwrap_err().contains("is not an image"));
    }

    #[test]
    fn an_image_is_decoded_to_the_levels_it_was_made_of() {
        let levels: Vec<u8> = (0..12).map(|place| place * 20).collect();
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        image::ImageEncoder::write_image(encoder, &levels, 4, 3, image::ExtendedColorType::L8).unwrap();
        assert_eq!(decode(&bytes), Ok(gray(3, 4, &levels)));
        assert!(decode(&bytes[..bytes.len() - 20]).is_err(), "cut");
    }
}
