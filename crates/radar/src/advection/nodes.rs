//! Nodes, one in the middle of each block of cells: interpolation between them, and smoothing over them.

use super::plane::Plane;

/// The side of a block in cells.
pub(super) const BLOCK: usize = 8;

/// A quantity at the nodes of a grid of cells.
pub(super) type NodePlane = Plane;

/// The position of places between the nodes of an axis: the node before, the node after, and the share of the latter.
pub(super) struct Between(Vec<(usize, usize, f32)>);

impl Between {
    /// The cells of an axis.
    pub fn cells(cells: usize) -> Self {
        Self::at((0..cells).map(|cell| cell as f32), cells.div_ceil(BLOCK))
    }

    /// The nodes of an axis, between those of one that was halved.
    pub fn finer_nodes(nodes: usize, coarser_nodes: usize) -> Self {
        Self::at((0..nodes).map(|node| on_coarser(middle() + (node * BLOCK) as f32, 2)), coarser_nodes)
    }

    /// The cells of an axis, between the nodes of one whose cells measure several of its own.
    pub fn finer_cells(cells: usize, cells_per_cell: usize, nodes: usize) -> Self {
        Self::at((0..cells).map(|cell| on_coarser(cell as f32, cells_per_cell)), nodes)
    }

    fn at(places: impl Iterator<Item = f32>, nodes: usize) -> Self {
        let last = nodes.saturating_sub(1);
        let between = |place: f32| {
            let along = ((place - middle()) / BLOCK as f32).clamp(0.0, last as f32);
            let before = along as usize;
            (before, (before + 1).min(last), along - before as f32)
        };
        Self(places.map(between).collect())
    }
}

/// The place of the first node in cells.
fn middle() -> f32 {
    0.5 * (BLOCK as f32 - 1.0)
}

/// A place in cells that measure several of those it is given in. Places are counted from the middle of the first cell.
fn on_coarser(place: f32, cells_per_cell: usize) -> f32 {
    (place + 0.5) / cells_per_cell as f32 - 0.5
}

/// Values at places between nodes.
pub(super) fn interpolated(nodes: &NodePlane, down: &Between, across: &Between, factor: f32) -> Plane {
    Plane::from_rows(down.0.len(), across.0.len(), |row, line| {
        interpolate_row(nodes, down, across, row, line);
        line.iter_mut().for_each(|value| *value *= factor);
    })
}

/// One row of values at places between nodes.
pub(super) fn interpolate_row(nodes: &NodePlane, down: &Between, across: &Between, row: usize, line: &mut [f32]) {
    let (before, after, share) = down.0[row];
    let mixed = nodes.row(before).iter().zip(nodes.row(after)).map(|(before, after)| before + share * (after - before));
    let mixed: Vec<f32> = mixed.collect();
    for (value, &(before, after, share)) in line.iter_mut().zip(&across.0) {
        *value = mixed[before] + share * (mixed[after] - mixed[before]);
    }
}

/// Sums of the values around each node with Gaussian weights, 1 at the node itself. Beyond the edge there is nothing.
pub(super) fn gaussian_sums(plane: &NodePlane, sigma_nodes: f32) -> NodePlane {
    let reach = (2.5 * sigma_nodes).ceil() as usize;
    let weight = |distance: usize| (-0.5 * (distance as f32 / sigma_nodes).powi(2)).exp();
    let weights: Vec<f32> = (0..=reach).map(weight).collect();
    sums_turned(&sums_turned(plane, &weights), &weights)
}

/// Weighted sums along the columns; rows and columns change places.
fn sums_turned(plane: &Plane, weights: &[f32]) -> Plane {
    let reach = weights.len() - 1;
    let mut turned = Plane::zeros(plane.columns, plane.rows);
    for row in 0..plane.rows {
        let line = plane.row(row);
        for column in 0..plane.columns {
            let near = column.saturating_sub(reach)..(column + reach + 1).min(plane.columns);
            turned.values[column * plane.rows + row] =
                near.map(|other| weights[other.abs_diff(column)] * line[other]).sum();
        }
    }
    turned
}
