//! The flat weights as consecutive runs with and without weight decay. Which weights decay is decided elsewhere.

use std::ops::Range;

use super::OptimizerError;

/// Adjacent weights that are treated alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub range: Range<usize>,
    pub decayed: bool,
}

/// Splits all weights into runs, given the ranges that decay, in order.
///
/// # Errors
/// [`OptimizerError::Decay`] if the ranges are not in order, touch, or end past the weights.
pub(super) fn runs(decay: &[Range<usize>], length: usize) -> Result<Vec<Run>, OptimizerError> {
    let mut found = Vec::with_capacity(2 * decay.len() + 1);
    let mut from = 0;
    for range in decay {
        if range.start < from || range.end < range.start || range.end > length {
            return Err(OptimizerError::Decay { start: range.start, end: range.end, from, length });
        }
        found.push(Run { range: from..range.start, decayed: false });
        found.push(Run { range: range.clone(), decayed: true });
        from = range.end;
    }
    found.push(Run { range: from..length, decayed: false });
    found.retain(|run| !run.range.is_empty());
    Ok(found)
}

/// The decayed parts of a block of the weights, counted from the block's start.
pub(super) fn decayed_within(runs: &[Run], block: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let cut = |run: &Run| run.range.start.max(block.start)..run.range.end.min(block.end);
    let shift = |range: Range<usize>| range.start - block.start..range.end - block.start;
    runs.iter().filter(|run| run.decayed).map(cut).filter(|range| !range.is_empty()).map(shift)
}

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::*;

    fn run(range: Range<usize>, decayed: bool) -> Run {
        Run { range, decayed }
    }

    #[test]
    fn runs_alternate_with_the_decay() {
        let expected = [run(0..3, false), run(3..5, true), run(5..8, true), run(8..10, false)];
        assert_eq!(runs(&[3..5, 5..8], 10).unwrap(), expected);
        assert_eq!(runs(&[], 10).unwrap(), [run(0..10, false)]);
        assert_eq!(runs(slice::from_ref(&(0..10)), 10).unwrap(), [run(0..10, true)]);
    }

    #[test]
    fn ranges_that_meet_or_end_past_the_weights_are_refused() {
        for wrong in [vec![3..6, 5..8], vec![5..8, 0..2], vec![0..1, 8..11], vec![0..1, Range { start: 4, end: 3 }]] {
            assert!(matches!(runs(&wrong, 10), Err(OptimizerError::Decay { .. })), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn every_weight_is_in_one_run_and_every_block_has_the_same_decay(
            mut ends in prop::collection::vec(0_usize..200, 0..10), length in 200_usize..220, size in 1_usize..50,
        ) {
            ends.sort_unstable();
            let decay: Vec<_> = ends.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let runs = runs(&decay, length).unwrap();
            let all: Vec<usize> = runs.iter().flat_map(|run| run.range.clone()).collect();
            prop_assert!(all.into_iter().eq(0..length));
            let blocks = (0..length).step_by(size).map(|start| start..length.min(start + size));
            let in_blocks: Vec<usize> = blocks
                .flat_map(|block| {
                    let parts: Vec<_> = decayed_within(&runs, &block).flatten().map(|at| at + block.start).collect();
                    parts
                })
                .collect();
            prop_assert_eq!(in_blocks, decay.into_iter().flatten().collect::<Vec<_>>());
        }
    }
}
