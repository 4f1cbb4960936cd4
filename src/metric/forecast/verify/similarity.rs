//! The structural similarity of frames (Wang et al. 2004) by the convention of torchmetrics, which is also that of the
//! loss: a Gaussian window of 11 x 11 with sigma 1.5, K1 0.01, K2 0.03, a data range of 1, frames continued by
//! reflection, variances never below 0, a value for every cell. Other packages crop the border and get other numbers.

const SIGMA: f64 = 1.5;
/// Cells of the window on each side of its centre.
const RADIUS: usize = 5;
const C1: f32 = 0.01 * 0.01;
const C2: f32 = 0.03 * 0.03;
/// The number of separate lanes of sums, which a processor adds at once; their order is fixed.
const LANES: usize = 8;

/// Frames of one size.
#[derive(Debug)]
pub(super) struct Similarity {
    rows: usize,
    columns: usize,
    /// Of the centre, and of the cells 1 to 5 from it.
    weights: [f32; RADIUS + 1],
}

/// Gaussian mean and variance around each observed cell.
#[derive(Debug)]
pub(super) struct Moments {
    means: Vec<f32>,
    variances: Vec<f32>,
}

impl Similarity {
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        let weight = |offset: usize| (-0.5 * (offset as f64 / SIGMA).powi(2)).exp();
        let sum: f64 = weight(0) + 2.0 * (1..=RADIUS).map(weight).sum::<f64>();
        Self { rows, columns, weights: std::array::from_fn(|offset| (weight(offset) / sum) as f32) }
    }

    pub(super) fn observe(&self, values: &[f32]) -> Moments {
        let squares: Vec<f32> = values.iter().map(|value| value * value).collect();
        let [mut means, mut variances] = [(); 2].map(|()| vec![0.0; values.len()]);
        let mut line = Line::new(self.columns);
        let of_rows = means.chunks_exact_mut(self.columns).zip(variances.chunks_exact_mut(self.columns));
        for (row, (means, variances)) in of_rows.enumerate() {
            self.blur(values, row, &mut line, means);
            self.blur(&squares, row, &mut line, variances);
            variances
                .iter_mut()
                .zip(means)
                .for_each(|(variance, mean)| *variance = (*variance - *mean * *mean).max(0.0));
        }
        Moments { means, variances }
    }

    /// The sum of the similarities at all cells, or at those that are known. Both frames are 0 where nothing is known.
    pub(super) fn sum(&self, observed: &[f32], moments: &Moments, forecast: &[f32], known: Option<&[u8]>) -> f64 {
        let squares: Vec<f32> = forecast.iter().map(|value| value * value).collect();
        let products: Vec<f32> = forecast.iter().zip(observed).map(|(one, other)| one * other).collect();
        let mut line = Line::new(self.columns);
        let [mut mean, mut square, mut product] = [(); 3].map(|()| vec![0.0; self.columns]);
        let mut similarity = vec![0.0; self.columns];
        let mut lanes = [0.0; LANES];
        for row in 0..self.rows {
            self.blur(forecast, row, &mut line, &mut mean);
            self.blur(&squares, row, &mut line, &mut square);
            self.blur(&products, row, &mut line, &mut product);
            let cells = row * self.columns..(row + 1) * self.columns;
            let of_observed = [&moments.means[cells.clone()], &moments.variances[cells.clone()]];
            compare(&mut similarity, [&mean, &square, &product], of_observed);
            if let Some(known) = known {
                similarity.iter_mut().zip(&known[cells]).for_each(|(value, &known)| *value *= f32::from(known));
            }
            add_to(&mut lanes, &similarity);
        }
        lanes.iter().sum()
    }

    /// The Gaussian mean around each cell of a row.
    fn blur(&self, frame: &[f32], row: usize, line: &mut Line, out: &mut [f32]) {
        let at = |index: usize| &frame[reflected(row + index, self.rows) * self.columns..][..self.columns];
        weighted(&mut line.cells[RADIUS..][..self.columns], std::array::from_fn(at), &self.weights);
        line.reflect();
        weighted(out, std::array::from_fn(|offset| &line.cells[offset..]), &self.weights);
    }
}

/// A row with the cells that its reflection adds on both sides.
struct Line {
    cells: Vec<f32>,
    columns: usize,
}

impl Line {
    fn new(columns: usize) -> Self {
        Self { cells: vec![0.0; columns + 2 * RADIUS], columns }
    }

    fn reflect(&mut self) {
        for index in (0..RADIUS).chain(self.columns + RADIUS..self.columns + 2 * RADIUS) {
            self.cells[index] = self.cells[RADIUS + reflected(index, self.columns)];
        }
    }
}

/// The cell used for the one `RADIUS` before an index: mirrored at the first and the last, which are not repeated.
fn reflected(index: usize, length: usize) -> usize {
    let period = (2 * (length - 1)).max(1);
    let at = (index + RADIUS * (period - 1)) % period;
    at.min(period - at).min(length - 1)
}

/// The weighted mean of eleven lines. A separate function, so that the compiler knows that nothing overlaps.
#[inline(never)]
fn weighted(out: &mut [f32], lines: [&[f32]; 2 * RADIUS + 1], weights: &[f32; RADIUS + 1]) {
    let length = out.len();
    let [a, b, c, d, e, centre, f, g, h, i, j] = lines.map(|line| &line[..length]);
    for x in 0..length {
        out[x] = weights[0] * centre[x]
            + weights[1] * (e[x] + f[x])
            + weights[2] * (d[x] + g[x])
            + weights[3] * (c[x] + h[x])
            + weights[4] * (b[x] + i[x])
            + weights[5] * (a[x] + j[x]);
    }
}

/// The similarity from Gaussian means: of the forecast, its square and its product with the observation, and of the latter.
#[inline(never)]
fn compare(out: &mut [f32], [mean, square, product]: [&[f32]; 3], [other_mean, other_variance]: [&[f32]; 2]) {
    let length = out.len();
    let [mean, square, product] = [mean, square, product].map(|row| &row[..length]);
    let [other_mean, other_variance] = [other_mean, other_variance].map(|row| &row[..length]);
    for x in 0..length {
        let (mean_squared, mean_product) = (mean[x] * mean[x], mean[x] * other_mean[x]);
        let variances = (square[x] - mean_squared).max(0.0) + other_variance[x];
        let above = (2.0 * mean_product + C1) * (2.0 * (product[x] - mean_product) + C2);
        let below = (mean_squared + other_mean[x] * other_mean[x] + C1) * (variances + C2);
        out[x] = above / below;
    }
}

fn add_to(lanes: &mut [f64; LANES], values: &[f32]) {
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &value)| *lane += f64::from(value));
    }
    lanes.iter_mut().zip(chunks.remainder()).for_each(|(lane, &value)| *lane += f64::from(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_a_mirror() {
        assert_eq!((0..5).map(|index| reflected(index, 8)).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
        assert_eq!((13..18).map(|index| reflected(index, 8)).collect::<Vec<_>>(), [6, 5, 4, 3, 2]);
        assert_eq!((0..11).map(|index| reflected(index, 1)).collect::<Vec<_>>(), [0; 11]);
        assert_eq!((0..6).map(|index| reflected(index, 2)).collect::<Vec<_>>(), [1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_frame_is_similar_to_itself_at_every_cell_that_is_known() {
        let (rows, columns) = (13, 17);
        let frame: Vec<f32> = (0..rows * columns).map(|index| (index * 37 % 101) as f32 / 100.0).collect();
        let similarity = Similarity::new(rows, columns);
        let moments = similarity.observe(&frame);
        assert!((similarity.sum(&frame, &moments, &frame, None) / frame.len() as f64 - 1.0).abs() < 1e-6);
        let known: Vec<u8> = (0..frame.len()).map(|index| u8::from(index % 3 == 0)).collect();
        let count = known.iter().map(|&known| f64::from(known)).sum::<f64>();
        assert!((similarity.sum(&frame, &moments, &frame, Some(&known)) / count - 1.0).abs() < 1e-6);
    }
}
