//! One axis of a grid and its cells in another grid: tiles with integer weights, nearest cells, and points between cell
//! centres. No values are touched here.

use std::ops::Range;

use super::Method;

/// The source cells that a target cell overlaps, with their shares of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    /// The first of them.
    pub first: usize,
    /// The length of each overlap, all in the same unit, chosen so that these are the smallest whole numbers:
    /// sums of weighted integers stay exact, and if the ratio is a whole number each weight is 1.
    pub weights: Vec<f64>,
}

impl Tile {
    pub fn cells(&self) -> Range<usize> {
        self.first..self.first + self.weights.len()
    }
}

/// The tiles of `to` target cells that together cover `from` source cells exactly.
pub(super) fn tiles(from: usize, to: usize) -> Vec<Tile> {
    let divisor = greatest_common_divisor(from, to);
    // In units of 1/to of a source cell (divided by what both lengths share), all edges are whole numbers.
    let (tile_length, cell_length) = (from / divisor, to / divisor);
    let tile = |index: usize| {
        let (start, end) = (index * tile_length, (index + 1) * tile_length);
        let (first, last) = (start / cell_length, (end - 1) / cell_length);
        let overlap = |cell: usize| end.min((cell + 1) * cell_length) - start.max(cell * cell_length);
        Tile { first, weights: (first..=last).map(|cell| overlap(cell) as f64).collect() }
    };
    (0..to).map(tile).collect()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The source cell whose centre is nearest to the centre of each target tile; of two equally near, the later.
pub(super) fn nearest(from: usize, to: usize) -> Vec<usize> {
    // The centre of tile j is at (j + 1/2) * from / to source cells from the edge, in the cell that is the whole part;
    // on an edge between two cells, both centres are equally near and the whole part is the later one.
    (0..to).map(|index| (2 * index + 1) * from / (2 * to)).collect()
}

/// A point between two source cells: `(1 - share) * low + share * high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub low: usize,
    pub high: usize,
    pub share: f64,
}

/// The positions of the points `at` between the cell centres `axis`, which rise or fall.
///
/// As in `scipy.interpolate.interp1d`, which `xarray.DataArray.interp` calls for one axis after the other on rising
/// centres: a point that falls on a centre is the upper end of the interval below it, except on the lowest centre. That
/// decides which neighbours make it missing.
pub(super) fn points(axis: &[f64], at: &[f64]) -> Vec<Point> {
    let last = axis.len() - 1;
    let falls = axis[0] > axis[last];
    let rising = |index: usize| if falls { last - index } else { index };
    let centres: Vec<f64> = (0..=last).map(|index| axis[rising(index)]).collect();
    let point = |&value: &f64| {
        if last == 0 {
            return Point { low: 0, high: 0, share: 0.0 };
        }
        let high = centres.partition_point(|&centre| centre < value).clamp(1, last);
        let share = (value - centres[high - 1]) / (centres[high] - centres[high - 1]);
        Point { low: rising(high - 1), high: rising(high), share }
    };
    at.iter().map(point).collect()
}

/// The coordinates of `to` target cells over the source cell centres `axis`, which are not empty.
pub(super) fn coordinates(method: Method, axis: &[f64], to: usize) -> Vec<f64> {
    match method {
        Method::Bilinear => evenly_spaced(axis[0], axis[axis.len() - 1], to),
        Method::Mean | Method::MeanZ | Method::Max | Method::Nearest => tile_centres(axis, to),
    }
}

/// `numpy.linspace`, to the last bit.
fn evenly_spaced(start: f64, stop: f64, count: usize) -> Vec<f64> {
    let intervals = count.saturating_sub(1).max(1) as f64;
    let step = (stop - start) / intervals;
    let mut values: Vec<f64> = (0..count).map(|index| index as f64 * step + start).collect();
    if count > 1 {
        values[count - 1] = stop;
    }
    values
}

/// The centres of the tiles, read off the line through the cell centres, which continues past the ends.
fn tile_centres(axis: &[f64], to: usize) -> Vec<f64> {
    let from = axis.len();
    let centre = |index: usize| {
        let position = (2 * index + 1) as f64 * from as f64 / (2 * to) as f64 - 0.5;
        if from == 1 {
            // The width of a single cell is not known: 1 is as good as any.
            return axis[0] + position;
        }
        let low = (position.max(0.0) as usize).min(from - 2);
        axis[low] + (position - low as f64) * (axis[low + 1] - axis[low])
    };
    (0..to).map(centre).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_a_whole_ratio_have_weights_of_one() {
        assert_eq!(tiles(6, 3)[1], Tile { first: 2, weights: vec![1.0, 1.0] });
        assert_eq!(tiles(3, 3)[2], Tile { first: 2, weights: vec![1.0] });
        assert_eq!(tiles(2, 4)[3], Tile { first: 1, weights: vec![1.0] });
    }

    #[test]
    fn tiles_cover_every_cell_exactly_once() {
        for (from, to) in [(13, 5), (17, 7), (5, 8), (500, 250), (1, 4), (4, 1), (499, 250)] {
            let mut covered = vec![0.0; from];
            for tile in tiles(from, to) {
                tile.cells().zip(&tile.weights).for_each(|(cell, weight)| covered[cell] += weight);
            }
            let unit = to / greatest_common_divisor(from, to);
            assert!(covered.iter().all(|&sum| sum == unit as f64), "{from} to {to}: {covered:?}");
        }
    }

    #[test]
    fn of_two_equally_near_cells_the_later_is_taken() {
        assert_eq!(nearest(4, 2), [1, 3]);
        assert_eq!(nearest(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(nearest(2, 4), [0, 0, 1, 1]);
        assert_eq!(nearest(9, 3), [1, 4, 7]);
    }

    #[test]
    fn a_point_on_a_centre_is_the_upper_end_of_the_interval_below_it() {
        let at = [10.0, 15.0, 20.0, 30.0];
        let rising = points(&[10.0, 20.0, 30.0], &at);
        assert_eq!(
            rising.iter().map(|point| (point.low, point.high)).collect::<Vec<_>>(),
            [(0, 1), (0, 1), (0, 1), (1, 2)]
        );
        assert_eq!(rising.iter().map(|point| point.share).collect::<Vec<_>>(), [0.0, 0.5, 1.0, 1.0]);
        let falling = points(&[30.0, 20.0, 10.0], &at);
        assert_eq!(
            falling.iter().map(|point| (point.low, point.high)).collect::<Vec<_>>(),
            [(2, 1), (2, 1), (2, 1), (1, 0)]
        );
    }

    #[test]
    fn coordinates_are_the_centres_of_tiles_or_run_from_end_to_end() {
        let axis = [-249.5, -248.5, -247.5, -246.5];
        assert_eq!(coordinates(Method::Mean, &axis, 2), [-249.0, -247.0]);
        assert_eq!(coordinates(Method::Nearest, &axis, 8)[..2], [-249.75, -249.25]);
        assert_eq!(coordinates(Method::Max, &axis, 1), [-248.0]);
        assert_eq!(coordinates(Method::Bilinear, &axis, 3), [-249.5, -248.0, -246.5]);
        assert_eq!(coordinates(Method::Bilinear, &axis, 1), [-249.5]);
        assert_eq!(coordinates(Method::Mean, &[7.0], 1), [7.0]);
    }
}
