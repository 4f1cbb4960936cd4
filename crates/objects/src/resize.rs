//! An image at another size, bilinear: each pixel from the two nearest columns and rows, with half-pixel centres. Not smoothed
//! before it shrinks, as trainers of detectors do it.

use crate::picture::Picture;

/// Shares of two neighbours are in steps of this.
const ONE: u32 = 1 << 11;

/// The neighbours of a place, and the share of the second.
#[derive(Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    share: u32,
}

/// The image with this width and height, at least 1 each.
#[must_use]
pub fn resized(picture: &Picture, [width, height]: [usize; 2]) -> Picture {
    if [width, height] == [picture.width, picture.height] {
        return picture.clone();
    }
    if picture.width * picture.height == 0 {
        return Picture::filled(width, height, [0; 3]);
    }
    let columns: Vec<Between> = places(width, picture.width);
    let mut rgb = Vec::with_capacity(3 * width * height);
    let row = 3 * picture.width;
    // Rows that were scaled already: the next row often needs one of them again.
    let mut kept: [(usize, Vec<u32>); 2] = [(usize::MAX, Vec::new()), (usize::MAX, Vec::new())];
    for Between { first, second, share } in places(height, picture.height) {
        for wanted in [first, second] {
            if kept.iter().all(|(place, _)| *place != wanted) {
                let free = usize::from(kept[0].0 == first || kept[0].0 == second);
                kept[free].0 = wanted;
                let source = &picture.rgb[row * wanted..row * (wanted + 1)];
                across(source, &columns, &mut kept[free].1);
            }
        }
        let of = |wanted: usize| &kept[usize::from(kept[0].0 != wanted)].1;
        let (above, below) = (of(first), of(second));
        let half = ONE * ONE / 2;
        rgb.extend(
            above
                .iter()
                .zip(below)
                .map(|(above, below)| ((above * (ONE - share) + below * share + half) / (ONE * ONE)) as u8),
        );
    }
    Picture { width, height, rgb }
}

/// A row at another width, in steps of `1 / ONE`.
fn across(row: &[u8], columns: &[Between], into: &mut Vec<u32>) {
    into.clear();
    for Between { first, second, share } in columns {
        let (left, right) = (&row[3 * first..3 * first + 3], &row[3 * second..3 * second + 3]);
        into.extend(
            left.iter().zip(right).map(|(left, right)| u32::from(*left) * (ONE - share) + u32::from(*right) * share),
        );
    }
}

fn places(shown: usize, all: usize) -> Vec<Between> {
    let scale = all as f64 / shown as f64;
    let place = |number: usize| {
        let at = ((number as f64 + 0.5) * scale - 0.5).clamp(0.0, (all - 1) as f64);
        let first = at.floor() as usize;
        let share = ((at - first as f64) * f64::from(ONE)).round() as u32;
        Between { first, second: (first + 1).min(all - 1), share }
    };
    (0..shown).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: usize, levels: &[u8]) -> Picture {
        let rgb = levels.iter().flat_map(|level| [*level, *level / 2, 255 - *level]).collect();
        Picture { width, height: levels.len() / width, rgb }
    }

    fn reds(picture: &Picture) -> Vec<u8> {
        picture.rgb.chunks_exact(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn pixels_are_between_their_neighbours() {
        let row = gray(2, &[0, 100]);
        assert_eq!(reds(&resized(&row, [4, 1])), [0, 25, 75, 100]);
        let column = Picture { width: 1, height: 2, ..row.clone() };
        assert_eq!(reds(&resized(&column, [1, 4])), [0, 25, 75, 100]);
        assert_eq!(reds(&resized(&gray(2, &[0, 100, 50, 200]), [1, 1])), [88]);
        assert_eq!(resized(&row, [2, 1]), row);
    }

    /// The formula, pixel by pixel.
    fn plainly(picture: &Picture, [width, height]: [usize; 2]) -> Vec<f64> {
        let at = |number: usize, shown: usize, all: usize| {
            ((number as f64 + 0.5) * all as f64 / shown as f64 - 0.5).clamp(0.0, (all - 1) as f64)
        };
        let mut values = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (at(x, width, picture.width), at(y, height, picture.height));
                let [x0, y0] = [x, y].map(|place| place.floor() as usize);
                let (x1, y1) = ((x0 + 1).min(picture.width - 1), (y0 + 1).min(picture.height - 1));
                let [u, v] = [x - x0 as f64, y - y0 as f64];
                for part in 0..3 {
                    let of = |x: usize, y: usize| f64::from(picture.pixel(x, y)[part]);
                    let (above, below) =
                        (of(x0, y0) * (1.0 - u) + of(x1, y0) * u, of(x0, y1) * (1.0 - u) + of(x1, y1) * u);
                    values.push(above * (1.0 - v) + below * v);
                }
            }
        }
        values
    }

    #[test]
    fn every_size_is_that_of_the_formula() {
        let levels: Vec<u8> = (0..70_u32).map(|place| (place * 97 % 251) as u8).collect();
        let picture = gray(10, &levels);
        for size in [[3, 2], [10, 3], [25, 7], [7, 31], [1, 1], [40, 40]] {
            let (got, expected) = (resized(&picture, size), plainly(&picture, size));
            let off = got.rgb.iter().zip(&expected).map(|(got, value)| (f64::from(*got) - value).abs());
            assert!(off.fold(0.0, f64::max) < 0.75, "{size:?}");
            assert_eq!(got.rgb.len(), 3 * size[0] * size[1]);
        }
    }
}
