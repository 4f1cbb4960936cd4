//! Which samples of an epoch make up a step, and in which micro-batches they go through the model. The last group of an
//! epoch is shorter and counts. How a gradient is averaged over a group is not decided here.

use std::ops::Range;

/// The steps of an epoch. Positions count the epoch's samples in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    samples: usize,
    group: usize,
}

impl Grouping {
    /// Groups of `accumulate` micro-batches.
    #[must_use]
    pub fn new(samples: usize, micro_batch: usize, accumulate: usize) -> Self {
        Self { samples, group: micro_batch.saturating_mul(accumulate).max(1) }
    }

    /// The steps of an epoch.
    #[must_use]
    pub fn steps(self) -> usize {
        self.samples.div_ceil(self.group)
    }

    /// The samples of a step; none past the last step.
    #[must_use]
    pub fn samples_of(self, step: usize) -> Range<usize> {
        let start = step.saturating_mul(self.group).min(self.samples);
        start..start.saturating_add(self.group).min(self.samples)
    }

    /// The step that a sample belongs to: where an epoch goes on that was left with `position` samples done.
    #[must_use]
    pub fn step_of(self, position: usize) -> usize {
        position / self.group
    }
}

/// A group in micro-batches of at most so many samples, each as its places in the group. They may become smaller from one
/// group to the next, as memory demands: the group stays what it is.
pub fn micro_batches(group: usize, micro_batch: usize) -> impl Iterator<Item = Range<usize>> {
    let size = micro_batch.max(1);
    (0..group).step_by(size).map(move |start| start..start.saturating_add(size).min(group))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_group_and_its_last_micro_batch_are_as_short_as_what_is_left() {
        let grouping = Grouping::new(11, 2, 4);
        assert_eq!([0, 1, 2].map(|step| grouping.samples_of(step)), [0..8, 8..11, 11..11]);
        assert_eq!(micro_batches(8, 2).collect::<Vec<_>>(), [0..2, 2..4, 4..6, 6..8]);
        assert_eq!(micro_batches(3, 2).collect::<Vec<_>>(), [0..2, 2..3]);
    }

    #[test]
    fn an_epoch_without_samples_has_no_step() {
        assert_eq!(Grouping::new(0, 2, 4).steps(), 0);
        assert_eq!(micro_batches(0, 2).count(), 0);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let whole = Grouping::new(7, usize::MAX, 2);
        assert_eq!((whole.steps(), whole.samples_of(0), whole.samples_of(usize::MAX)), (1, 0..7, 7..7));
        assert!(micro_batches(4, usize::MAX).eq(std::iter::once(0..4)));
    }

    proptest! {
        #[test]
        fn every_sample_comes_once_and_its_group_does_not_depend_on_the_micro_batch(
            samples in 0_usize..300, micro_batch in 1_usize..9, accumulate in 1_usize..9, smaller in 1_usize..9,
        ) {
            let grouping = Grouping::new(samples, micro_batch, accumulate);
            let mut all = Vec::new();
            for step in 0..grouping.steps() {
                let group = grouping.samples_of(step);
                prop_assert!(!group.is_empty() && group.len() <= micro_batch * accumulate);
                for places in micro_batches(group.len(), smaller) {
                    prop_assert!(!places.is_empty() && places.len() <= smaller);
                    all.extend(places.map(|place| group.start + place));
                }
                prop_assert!(group.into_iter().all(|position| grouping.step_of(position) == step));
            }
            prop_assert!(all.into_iter().eq(0..samples));
        }
    }
}
