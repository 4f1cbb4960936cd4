//! Which samples of an epoch make up a step, and in which micro-batches they go through the model. The last group of an
//! epoch is shorter and counts; if it has fewer samples than the task can take at once (its atom), they join the one before
//! it. The same holds for the last micro-batch of a group. How a gradient is averaged over a group is not decided here.

use std::ops::Range;

/// The steps of an epoch. Positions count the epoch's samples in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    samples: usize,
    batch: usize,
    atom: usize,
}

impl Grouping {
    /// Groups of `batch` samples, the last one of no fewer than `atom` if there are enough.
    #[must_use]
    pub fn new(samples: usize, batch: usize, atom: usize) -> Self {
        Self { samples, batch: batch.max(1), atom }
    }

    /// The steps of an epoch.
    #[must_use]
    pub fn steps(self) -> usize {
        parts(self.samples, self.batch, self.atom)
    }

    /// The samples of a step; none past the last step.
    #[must_use]
    pub fn samples_of(self, step: usize) -> Range<usize> {
        let steps = self.steps();
        let start = if step < steps { step * self.batch } else { self.samples };
        start..if step + 1 < steps { start + self.batch } else { self.samples }
    }

    /// The step that a sample belongs to: the one at which an epoch resumes with `position` samples done.
    #[must_use]
    pub fn step_of(self, position: usize) -> usize {
        (position / self.batch).min(self.steps().saturating_sub(1))
    }
}

/// A group split into micro-batches of this size, each given as its positions in the group. The last one is shorter, or
/// longer by less than an atom. The size may shrink between groups as memory requires: the group itself does not change.
pub fn micro_batches(group: usize, micro_batch: usize, atom: usize) -> impl Iterator<Item = Range<usize>> {
    let size = micro_batch.max(1);
    let count = parts(group, size, atom);
    (0..count).map(move |part| part * size..if part + 1 < count { (part + 1) * size } else { group })
}

/// The number of parts that a whole is cut into: a remainder smaller than an atom belongs to the part before it.
fn parts(whole: usize, size: usize, atom: usize) -> usize {
    let (full, rest) = (whole / size, whole % size);
    let stands_alone = rest >= atom.max(1) || full == 0 && rest > 0;
    full + usize::from(stands_alone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_group_and_its_last_micro_batch_are_as_short_as_what_is_left() {
        let grouping = Grouping::new(11, 8, 1);
        assert_eq!([0, 1, 2].map(|step| grouping.samples_of(step)), [0..8, 8..11, 11..11]);
        assert_eq!(micro_batches(8, 2, 1).collect::<Vec<_>>(), [0..2, 2..4, 4..6, 6..8]);
        assert_eq!(micro_batches(3, 2, 1).collect::<Vec<_>>(), [0..2, 2..3]);
    }

    #[test]
    fn a_rest_that_is_too_small_alone_joins_what_is_before_it() {
        // Batch norm over one sample is undefined.
        let grouping = Grouping::new(9, 4, 2);
        assert_eq!([0, 1, 2].map(|step| grouping.samples_of(step)), [0..4, 4..9, 9..9]);
        assert_eq!((grouping.steps(), grouping.step_of(8)), (2, 1));
        assert_eq!(micro_batches(5, 2, 2).collect::<Vec<_>>(), [0..2, 2..5]);
        assert_eq!(micro_batches(10, 4, 3).collect::<Vec<_>>(), [0..4, 4..10]);
        // Nothing comes before it.
        assert_eq!(Grouping::new(1, 4, 2).samples_of(0), 0..1);
        assert_eq!(micro_batches(1, 4, 2).collect::<Vec<_>>(), [0..1; 1]);
    }

    #[test]
    fn an_epoch_without_samples_has_no_step() {
        assert_eq!(Grouping::new(0, 2, 4).steps(), 0);
        assert_eq!(micro_batches(0, 2, 1).count(), 0);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let whole = Grouping::new(7, usize::MAX, 2);
        assert_eq!((whole.steps(), whole.samples_of(0), whole.samples_of(usize::MAX - 1)), (1, 0..7, 7..7));
        assert!(micro_batches(4, usize::MAX, usize::MAX).eq(std::iter::once(0..4)));
    }

    proptest! {
        #[test]
        fn every_sample_comes_once_and_its_group_does_not_depend_on_the_micro_batch(
            samples in 0_usize..300, batch in 1_usize..64, atom in 1_usize..5, size in 1_usize..9,
        ) {
            let (batch, size) = (batch.max(atom), size.max(atom));
            let grouping = Grouping::new(samples, batch, atom);
            let mut all = Vec::new();
            for step in 0..grouping.steps() {
                let group = grouping.samples_of(step);
                prop_assert!(group.len() >= atom.min(samples) && group.len() < batch + atom);
                for places in micro_batches(group.len(), size, atom) {
                    prop_assert!(places.len() >= atom.min(samples) && places.len() < size + atom);
                    all.extend(places.map(|place| group.start + place));
                }
                prop_assert!(group.into_iter().all(|position| grouping.step_of(position) == step));
            }
            prop_assert!(all.into_iter().eq(0..samples));
        }
    }
}
