//! What a comparison of two frames says about the motion, block by block, as normal equations of a least-squares fit.
//!
//! Lucas and Kanade (1981): if the brightness gradient is g and the later frame exceeds the earlier one, carried along
//! the motion w known so far, by r, the motion m fulfils t g.(m - w) = -r, t being the time between the frames. Summed over
//! a block this gives (sum g g') m = sum g (g.w - r / t).

use rayon::prelude::*;

use super::nodes::{BLOCK, NodePlane, gaussian_sums};
use super::plane::Plane;

/// The reach of evidence, as a share of the frame's longer side, and its weight at that distance. Near evidence
/// decides; more distant evidence counts if there is little nearby.
const REACHES: [(f32, f32); 2] = [(0.015, 1.0), (0.06, 0.003)];

/// What the evidence of the whole frame weighs everywhere.
const OVERALL_WEIGHT: f32 = 0.0003;

/// The least reach in blocks: below, a Gaussian is only the block itself.
const LEAST_REACH: f32 = 0.3;

/// How strongly motion is drawn to zero, as a share of the mean evidence: just enough to decide if nothing else does.
const PULL_TO_REST: f64 = 1e-6;

/// The sums over the cells of each block: g g' (xx, xy, yy) and g (g.w - r / t) (x, y).
pub(super) struct Evidence {
    sums: [NodePlane; 5],
}

impl Evidence {
    /// No evidence.
    pub fn none(rows: usize, columns: usize) -> Self {
        Self { sums: std::array::from_fn(|_| NodePlane::zeros(rows, columns)) }
    }

    /// Adds the evidence of the last frame and of an earlier one, carried to the time of the last. Cells that came from
    /// outside are NaN in the latter.
    pub fn add(&mut self, last: &Plane, carried: &Plane, minutes: f32, weight: f32) {
        if last.rows < 3 || last.columns < 3 {
            return;
        }
        let block_rows = 0..self.sums[0].rows;
        let lines: Vec<[Vec<f32>; 5]> =
            block_rows.into_par_iter().map(|block_row| block_row_sums(last, carried, minutes, block_row)).collect();
        for (index, sums) in self.sums.iter_mut().enumerate() {
            let told = lines.iter().flat_map(|five| &five[index]);
            sums.values.iter_mut().zip(told).for_each(|(sum, value)| *sum += weight * value);
        }
    }

    /// The motion that fits best at each node. `u` and `v` are the motion that the frames were carried along.
    pub fn solve(mut self, u: &mut NodePlane, v: &mut NodePlane, side_blocks: f32) {
        self.count_from_rest(u, v);
        let [xx, xy, yy, x, y] = self.sums.map(|sums| shared_around(&sums, side_blocks));
        let nodes = xx.values.len().max(1) as f64;
        let all: f64 = xx.values.iter().chain(&yy.values).map(|&value| f64::from(value)).sum();
        let rest = PULL_TO_REST * all / nodes + f64::MIN_POSITIVE.sqrt();
        for node in 0..xx.values.len() {
            let [xx, xy, yy, x, y] = [&xx, &xy, &yy, &x, &y].map(|sums| f64::from(sums.values[node]));
            let (xx, yy) = (xx + rest, yy + rest);
            let determinant = (xx * yy - xy * xy).max(rest * rest);
            u.values[node] = ((yy * x - xy * y) / determinant) as f32;
            v.values[node] = ((xx * y - xy * x) / determinant) as f32;
        }
    }

    /// Turns evidence about the change of motion into evidence about the motion.
    fn count_from_rest(&mut self, u: &NodePlane, v: &NodePlane) {
        let [xx, xy, yy, x, y] = &mut self.sums;
        for node in 0..x.values.len() {
            let (u, v) = (u.values[node], v.values[node]);
            x.values[node] += xx.values[node] * u + xy.values[node] * v;
            y.values[node] += xy.values[node] * u + yy.values[node] * v;
        }
    }
}

/// The evidence at each node and, with less weight, around it.
fn shared_around(sums: &NodePlane, side_blocks: f32) -> NodePlane {
    let overall = OVERALL_WEIGHT * sums.values.iter().sum::<f32>();
    let mut shared = NodePlane { values: vec![overall; sums.values.len()], ..*sums };
    for (reach, weight) in REACHES {
        let near = gaussian_sums(sums, (reach * side_blocks).max(LEAST_REACH));
        shared.values.iter_mut().zip(near.values).for_each(|(sum, value)| *sum += weight * value);
    }
    shared
}

/// The sums of a row of blocks: first down each column, which the compiler turns into vector instructions.
fn block_row_sums(last: &Plane, carried: &Plane, minutes: f32, block_row: usize) -> [Vec<f32>; 5] {
    let columns = last.columns;
    let mut sums: [Vec<f32>; 5] = std::array::from_fn(|_| vec![0.0; columns]);
    for row in (block_row * BLOCK).max(1)..((block_row + 1) * BLOCK).min(last.rows - 1) {
        add_row(&mut sums, [last, carried], row, 1.0 / minutes);
    }
    sums.map(|line| line.chunks(BLOCK).map(|block| block.iter().sum()).collect())
}

fn add_row(sums: &mut [Vec<f32>; 5], frames: [&Plane; 2], row: usize, per_minutes: f32) {
    let inner = frames[0].columns - 2;
    // Slices of one length, so that the loop needs no bounds checks.
    let [[below, left, here, right, above], [carried_below, carried_left, carried, carried_right, carried_above]] =
        frames.map(|frame| {
            let line = frame.row(row);
            let [left, here, right] = [&line[..inner], &line[1..=inner], &line[2..inner + 2]];
            [&frame.row(row - 1)[1..=inner], left, here, right, &frame.row(row + 1)[1..=inner]]
        });
    let [xx, xy, yy, x, y] = sums.each_mut().map(|line| &mut line[1..=inner]);
    for cell in 0..inner {
        // The gradient is the mean of both frames': it is then valid halfway, and few iterations suffice.
        let gx = 0.25 * (right[cell] - left[cell] + carried_right[cell] - carried_left[cell]);
        let gy = 0.25 * (above[cell] - below[cell] + carried_above[cell] - carried_below[cell]);
        let change = (here[cell] - carried[cell]) * per_minutes;
        let known = !(gx + gy + change).is_nan();
        let [gx, gy, change] = [gx, gy, change].map(|value| if known { value } else { 0.0 });
        xx[cell] += gx * gx;
        xy[cell] += gx * gy;
        yy[cell] += gy * gy;
        x[cell] -= gx * change;
        y[cell] -= gy * change;
    }
}
