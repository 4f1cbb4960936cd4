//! The motion of the echoes in the last frames, at every cell: from coarse to fine, at each level the frames are
//! carried along the motion found so far and compared again.

use super::evidence::Evidence;
use super::nodes::{BLOCK, Between, NodePlane, interpolate_row, interpolated};
use super::plane::{Plane, bilinear};
use super::prepared::{Frames, LONGEST_SIDE, Pyramid};

/// How often the frames of one level are compared.
const REPETITIONS: usize = 2;

/// The farthest that anything moves between two frames, as a share of the frame's longer side.
const FARTHEST: f32 = 0.5;

/// Motion in cells per minute, row by row, columns fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub columns: usize,
    /// Towards higher columns.
    pub u: Vec<f32>,
    /// Towards higher rows.
    pub v: Vec<f32>,
}

impl Motion {
    /// No motion anywhere.
    #[must_use]
    pub fn none(rows: usize, columns: usize) -> Self {
        Self { rows, columns, u: vec![0.0; rows * columns], v: vec![0.0; rows * columns] }
    }
}

/// Motion as it is found: at nodes, one in the middle of each block of cells. It takes a sixtieth of the memory.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeMotion {
    /// Rows and columns of nodes.
    pub nodes: [usize; 2],
    /// The side of a cell that motion was found in, in cells of the frame.
    pub cells_per_cell: usize,
    /// Towards higher columns, in cells of that side per minute.
    pub u: Vec<f32>,
    /// Towards higher rows.
    pub v: Vec<f32>,
}

impl NodeMotion {
    /// Rows and columns of nodes over a frame, and the side of a cell that motion is found in, in cells of the frame.
    #[must_use]
    pub fn grid(rows: usize, columns: usize) -> ([usize; 2], usize) {
        let (mut sides, mut cells_per_cell) = ([rows, columns], 1);
        while sides[0].max(sides[1]) > LONGEST_SIDE {
            sides = sides.map(|cells| cells.div_ceil(2));
            cells_per_cell *= 2;
        }
        (sides.map(|cells| cells.div_ceil(BLOCK)), cells_per_cell)
    }

    /// Cells of the frame between two nodes; the first node is in the middle of the first ones.
    #[must_use]
    pub fn cells_per_node(&self) -> usize {
        BLOCK * self.cells_per_cell
    }

    /// Nothing moves.
    #[must_use]
    pub fn none(rows: usize, columns: usize) -> Self {
        let (nodes, cells_per_cell) = Self::grid(rows, columns);
        let none = vec![0.0; nodes[0] * nodes[1]];
        Self { nodes, cells_per_cell, u: none.clone(), v: none }
    }

    /// The motion of every cell of a frame.
    #[must_use]
    pub fn motion(&self, rows: usize, columns: usize) -> Motion {
        let [node_rows, node_columns] = self.nodes;
        let scale = self.cells_per_cell;
        let down = Between::finer_cells(rows, scale, node_rows);
        let across = Between::finer_cells(columns, scale, node_columns);
        let plane = |values: &Vec<f32>| NodePlane { rows: node_rows, columns: node_columns, values: values.clone() };
        let [u, v] = [&self.u, &self.v].map(|nodes| interpolated(&plane(nodes), &down, &across, scale as f32).values);
        Motion { rows, columns, u, v }
    }
}

/// Finds the motion in the last frames, oldest first; `minutes` are their times on any clock. NaN is missing, and counts
/// as no echo. If no two frames can be compared, nothing moves.
#[must_use]
pub fn motion(input: &[&[f32]], rows: usize, columns: usize, minutes: &[f64], no_echo: f32) -> Motion {
    node_motion(input, rows, columns, minutes, no_echo).motion(rows, columns)
}

/// The same at the nodes that it is found at.
#[must_use]
pub fn node_motion(input: &[&[f32]], rows: usize, columns: usize, minutes: &[f64], no_echo: f32) -> NodeMotion {
    let found = Pyramid::new(input, rows, columns, minutes, no_echo).and_then(|pyramid| {
        let levels = pyramid.levels.iter().rev();
        let found = levels.fold(None, |coarser, frames| Some(follow(frames, coarser)));
        found.map(|nodes| (nodes, pyramid.cells_per_cell))
    });
    let Some(([u, v], cells_per_cell)) = found else { return NodeMotion::none(rows, columns) };
    NodeMotion { nodes: [u.rows, u.columns], cells_per_cell, u: u.values, v: v.values }
}

/// The motion in the frames of one level, at its nodes and in its cells, from that of the next coarser level.
fn follow(frames: &Frames, coarser: Option<[NodePlane; 2]>) -> [NodePlane; 2] {
    let (rows, columns) = (frames.last.rows, frames.last.columns);
    let [node_rows, node_columns] = [rows, columns].map(|cells| cells.div_ceil(BLOCK));
    let [mut u, mut v] = match coarser {
        None => [NodePlane::zeros(node_rows, node_columns), NodePlane::zeros(node_rows, node_columns)],
        Some(coarser) => coarser.map(|nodes| {
            let down = Between::finer_nodes(node_rows, nodes.rows);
            interpolated(&nodes, &down, &Between::finer_nodes(node_columns, nodes.columns), 2.0)
        }),
    };
    let side = rows.max(columns) as f32;
    let shortest = frames.earlier.iter().map(|earlier| earlier.minutes).fold(f32::INFINITY, f32::min);
    let fastest = FARTHEST * side / shortest;
    for _ in 0..REPETITIONS {
        let mut evidence = Evidence::none(node_rows, node_columns);
        for earlier in &frames.earlier {
            let carried = carried(&earlier.plane, &u, &v, earlier.minutes);
            // The longer ago, the less a frame resembles the last one.
            evidence.add(&frames.last, &carried, earlier.minutes, shortest / earlier.minutes);
        }
        evidence.solve(&mut u, &mut v, side / BLOCK as f32);
        for value in u.values.iter_mut().chain(&mut v.values) {
            *value = value.clamp(-fastest, fastest);
        }
    }
    [u, v]
}

/// A frame as it looks after some minutes of motion; NaN if that came from outside.
fn carried(frame: &Plane, u: &NodePlane, v: &NodePlane, minutes: f32) -> Plane {
    let (rows, columns) = (frame.rows, frame.columns);
    let (down, across) = (Between::cells(rows), Between::cells(columns));
    let (last_x, last_y) = ((columns - 1) as f32, (rows - 1) as f32);
    let padded = Plane::padded(&frame.values, rows, columns);
    Plane::from_rows(rows, columns, |row, line| {
        let [mut us, mut vs] = [vec![0.0; columns], vec![0.0; columns]];
        interpolate_row(u, &down, &across, row, &mut us);
        interpolate_row(v, &down, &across, row, &mut vs);
        for (column, ((value, u), v)) in line.iter_mut().zip(us).zip(vs).enumerate() {
            let (x, y) = (column as f32 - u * minutes, row as f32 - v * minutes);
            let inside = x >= 0.0 && y >= 0.0 && x <= last_x && y <= last_y;
            *value = if inside { bilinear(padded.around(x, y)) } else { f32::NAN };
        }
    })
}
