//! The geometry of reading a box of cells out of a larger array: the source and target of each run of neighbouring
//! cells. Not the reading itself.

/// A box of cells of an array, slowest dimension first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slab {
    /// The first cell in each dimension.
    pub start: Vec<u64>,
    /// The cells in each dimension.
    pub count: Vec<u64>,
}

/// Neighbouring cells that stay neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first cell's place in the source, in cells.
    pub source: u64,
    /// The first cell's place in the slab.
    pub target: usize,
    /// How many cells.
    pub len: usize,
}

impl Slab {
    /// The whole of an array.
    pub fn whole(shape: &[u64]) -> Self {
        Self { start: vec![0; shape.len()], count: shape.to_vec() }
    }

    /// The number of cells; `None` if they can't be addressed.
    pub fn len(&self) -> Option<usize> {
        let cells = self.count.iter().try_fold(1_u64, |cells, &count| cells.checked_mul(count))?;
        usize::try_from(cells).ok()
    }

    /// Calls `visit` with each run of the cells that the slab shares with a source array, which begins at `origin` and
    /// has the given shape; both are in the coordinates that the slab is in. Cells of the slab outside are not visited.
    pub fn try_for_each_run<E>(
        &self,
        origin: &[u64],
        shape: &[u64],
        mut visit: impl FnMut(Run) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(shared) = Shared::of(self, origin, shape) else { return Ok(()) };
        let mut index = vec![0_u64; shared.outer];
        loop {
            visit(shared.run(&index))?;
            if !advance(&mut index, &shared.count) {
                return Ok(());
            }
        }
    }
}

/// What a slab and a source have in common.
struct Shared {
    /// The first common cell, seen from the source and from the slab.
    source: u64,
    target: u64,
    count: Vec<u64>,
    source_strides: Vec<u64>,
    target_strides: Vec<u64>,
    /// The dimensions in front of the part that is contiguous on both sides, and the cells of that part.
    outer: usize,
    run: u64,
}

impl Shared {
    fn of(slab: &Slab, origin: &[u64], shape: &[u64]) -> Option<Self> {
        let (source_strides, target_strides) = (strides(shape), strides(&slab.count));
        let (mut source, mut target, mut count) = (0, 0, Vec::with_capacity(shape.len()));
        for dimension in 0..shape.len() {
            let first = slab.start[dimension].max(origin[dimension]);
            let end = (slab.start[dimension] + slab.count[dimension]).min(origin[dimension] + shape[dimension]);
            count.push(end.checked_sub(first).filter(|&cells| cells > 0)?);
            source += (first - origin[dimension]) * source_strides[dimension];
            target += (first - slab.start[dimension]) * target_strides[dimension];
        }
        let mut shared = Self { source, target, outer: count.len(), run: 1, count, source_strides, target_strides };
        while shared.outer > 0 {
            shared.outer -= 1;
            shared.run *= shared.count[shared.outer];
            let whole = |len: u64| shared.count[shared.outer] == len;
            if !whole(shape[shared.outer]) || !whole(slab.count[shared.outer]) {
                break;
            }
        }
        Some(shared)
    }

    fn run(&self, index: &[u64]) -> Run {
        let place = |strides: &[u64]| index.iter().zip(strides).map(|(i, stride)| i * stride).sum::<u64>();
        Run {
            source: self.source + place(&self.source_strides),
            target: (self.target + place(&self.target_strides)) as usize,
            len: self.run as usize,
        }
    }
}

/// The distance between neighbours in each dimension of a dense array.
fn strides(shape: &[u64]) -> Vec<u64> {
    let mut strides = vec![1; shape.len()];
    for dimension in (1..shape.len()).rev() {
        strides[dimension - 1] = strides[dimension] * shape[dimension];
    }
    strides
}

/// Counts an index up, the last place fastest; false after the last.
pub(super) fn advance(index: &mut [u64], count: &[u64]) -> bool {
    for dimension in (0..index.len()).rev() {
        index[dimension] += 1;
        if index[dimension] < count[dimension] {
            return true;
        }
        index[dimension] = 0;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn runs(slab: &Slab, origin: &[u64], shape: &[u64]) -> Vec<Run> {
        let mut runs = Vec::new();
        let visited = slab.try_for_each_run(origin, shape, |run| {
            runs.push(run);
            Ok::<(), Infallible>(())
        });
        assert!(visited.is_ok());
        runs
    }

    #[test]
    fn a_whole_array_is_one_run() {
        let slab = Slab::whole(&[2, 3, 4]);
        assert_eq!(runs(&slab, &[0, 0, 0], &[2, 3, 4]), [Run { source: 0, target: 0, len: 24 }]);
    }

    #[test]
    fn one_frame_of_many_is_one_run() {
        let slab = Slab { start: vec![5, 0, 0], count: vec![1, 3, 4] };
        assert_eq!(runs(&slab, &[0, 0, 0], &[9, 3, 4]), [Run { source: 60, target: 0, len: 12 }]);
    }

    #[test]
    fn a_scalar_is_one_cell() {
        assert_eq!(runs(&Slab::whole(&[]), &[], &[]), [Run { source: 0, target: 0, len: 1 }]);
    }

    #[test]
    fn an_array_beside_the_slab_is_not_visited() {
        let slab = Slab { start: vec![0, 0], count: vec![2, 2] };
        assert_eq!(runs(&slab, &[2, 0], &[2, 2]), []);
    }

    proptest! {
        /// Each common cell is visited once, with the right place on both sides.
        #[test]
        fn runs_cover_the_common_cells_exactly(
            boxes in prop::collection::vec((0_u64..4, 1_u64..5, 0_u64..4, 1_u64..5), 1..4)
        ) {
            let slab = Slab { start: boxes.iter().map(|b| b.0).collect(), count: boxes.iter().map(|b| b.1).collect() };
            let origin: Vec<u64> = boxes.iter().map(|b| b.2).collect();
            let shape: Vec<u64> = boxes.iter().map(|b| b.3).collect();
            let locate = |cell: &[u64], first: &[u64], shape: &[u64]| {
                cell.iter().zip(first).zip(shape).try_fold(0, |place, ((&c, &f), &n)| (c >= f && c < f + n).then(|| place * n + c - f))
            };
            let mut expected = Vec::new();
            let mut cell = vec![0_u64; boxes.len()];
            loop {
                if let (Some(s), Some(t)) = (locate(&cell, &origin, &shape), locate(&cell, &slab.start, &slab.count)) {
                    expected.push((s, t as usize));
                }
                if !advance(&mut cell, &vec![9; boxes.len()]) { break; }
            }
            let visited: Vec<(u64, usize)> = runs(&slab, &origin, &shape).iter()
                .flat_map(|run| (0..run.len).map(|i| (run.source + i as u64, run.target + i))).collect();
            prop_assert_eq!(visited, expected);
        }
    }
}
