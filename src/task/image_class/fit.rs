//! A gray image and how it is brought to the prepared size. Not where it comes from.

use super::config::Fit;

/// Parts of the size that a drawing gets in its longer direction, and all of them.
const DIGIT: [usize; 2] = [20, 28];

/// Room around a drawing that is cut out, pixels.
const MARGIN: usize = 2;

/// Ink differs from the background by more than this share of what differs most.
const INK: f32 = 0.25;

/// An image in which nothing differs from the background by more is blank.
const FAINT: u8 = 16;

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

impl Gray {
    /// The median level of its border: the background of a character.
    #[must_use]
    pub fn border(&self) -> u8 {
        let mut counts = [0_usize; 256];
        let last = self.rows.saturating_sub(1);
        for (row, line) in self.levels.chunks_exact(self.columns.max(1)).enumerate() {
            let ends = [line[0], line[line.len() - 1]];
            let border = if row == 0 || row == last { line } else { &ends[..self.columns.min(2)] };
            border.iter().for_each(|level| counts[usize::from(*level)] += 1);
        }
        let (half, mut below) = (counts.iter().sum::<usize>() / 2, 0);
        let is_middle = |count: &usize| {
            below += count;
            below > half
        };
        counts.iter().position(is_middle).unwrap_or(0) as u8
    }

    /// Rows as columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let levels = (0..self.columns)
            .flat_map(|column| (0..self.rows).map(move |row| self.levels[row * self.columns + column]))
            .collect();
        Self { rows: self.columns, columns: self.rows, levels }
    }

    /// The image at another size: the mean by area where it shrinks, linear between pixel centres where it grows.
    #[must_use]
    pub fn fitted(&self, size: [usize; 2], fit: Fit) -> Vec<u8> {
        match fit {
            Fit::Stretch => self.stretched(size),
            Fit::Pad => self.centred(self.within(size), size, self.border()),
            Fit::Digit => {
                let [most, all] = DIGIT;
                let inner = size.map(|side| (side * most / all).max(1));
                let Some(drawn) = self.drawn() else { return vec![self.border(); size[0] * size[1]] };
                drawn.centred(drawn.within(inner), size, self.border())
            }
        }
    }

    /// The rectangle of what differs from the background, with a margin; none if nothing does.
    fn drawn(&self) -> Option<Self> {
        let border = self.border();
        let most = self.levels.iter().map(|level| level.abs_diff(border)).max().filter(|most| *most > FAINT)?;
        let least = (f32::from(most) * INK) as u8;
        let [mut rows, mut columns] = [[usize::MAX, 0]; 2];
        let inked = self.levels.iter().enumerate().filter(|(_, level)| level.abs_diff(border) > least);
        for (place, _) in inked {
            for (span, at) in [(&mut rows, place / self.columns), (&mut columns, place % self.columns)] {
                *span = [span[0].min(at), span[1].max(at)];
            }
        }
        let with_margin = |[from, to]: [usize; 2], all: usize| from.saturating_sub(MARGIN)..(to + 1 + MARGIN).min(all);
        let (rows, columns) = (with_margin(rows, self.rows), with_margin(columns, self.columns));
        let line = |row: usize| &self.levels[row * self.columns..][columns.clone()];
        let levels = rows.clone().flat_map(|row| line(row).iter().copied()).collect();
        Some(Self { rows: rows.len(), columns: columns.len(), levels })
    }

    /// The largest size of the same proportions.
    fn within(&self, [rows, columns]: [usize; 2]) -> [usize; 2] {
        let scale = (rows as f64 / self.rows as f64).min(columns as f64 / self.columns as f64);
        let side = |length: usize, most: usize| ((length as f64 * scale).round() as usize).clamp(1, most);
        [side(self.rows, rows), side(self.columns, columns)]
    }

    /// The image at an inner size, in the middle of a ground.
    fn centred(&self, inner: [usize; 2], [rows, columns]: [usize; 2], ground: u8) -> Vec<u8> {
        let levels = self.stretched(inner);
        if inner == [rows, columns] {
            return levels;
        }
        let mut whole = vec![ground; rows * columns];
        let (top, left) = ((rows - inner[0]) / 2, (columns - inner[1]) / 2);
        for (row, line) in levels.chunks_exact(inner[1]).enumerate() {
            whole[(top + row) * columns + left..][..inner[1]].copy_from_slice(line);
        }
        whole
    }

    fn stretched(&self, [rows, columns]: [usize; 2]) -> Vec<u8> {
        if [rows, columns] == [self.rows, self.columns] {
            return self.levels.clone();
        }
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
    fn the_border_is_its_median_level() {
        assert_eq!(gray(3, 3, &[5, 5, 9, 5, 255, 9, 5, 9, 9]).border(), 9);
        assert_eq!(gray(1, 3, &[7, 200, 7]).border(), 7);
        assert_eq!(gray(3, 1, &[7, 200, 7]).border(), 7);
    }

    #[test]
    fn transposing_swaps_rows_and_columns() {
        assert_eq!(gray(2, 3, &[1, 2, 3, 4, 5, 6]).transposed(), gray(3, 2, &[1, 4, 2, 5, 3, 6]));
    }

    #[test]
    fn a_drawing_is_cut_out_and_put_into_the_middle_in_20_of_28_parts() {
        // A bar of 36 x 4 pixels in a corner; its margin makes 40 x 8, which becomes 20 x 4.
        for (ground, ink) in [(0, 255), (255, 0), (250, 90)] {
            let mut image = gray(120, 100, &vec![ground; 12_000]);
            (0..36).for_each(|row| image.levels[(10 + row) * 100 + 5..][..4].fill(ink));
            let fitted = image.fitted([28, 28], Fit::Digit);
            let inked: Vec<usize> = (0..784).filter(|place| fitted[*place] != ground).collect();
            let rows = [inked[0] / 28, inked[inked.len() - 1] / 28];
            assert_eq!(rows, [5, 22], "{ground}");
            assert!(inked.iter().all(|place| (13..15).contains(&(place % 28))), "{ground}");
        }
        assert_eq!(gray(9, 9, &[200; 81]).fitted([28, 28], Fit::Digit), [200; 784], "blank");
    }
}
