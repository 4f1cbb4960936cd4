//! Which samples of an epoch make up a step, and in which micro-batches they go through the model. The last group of an
//! epoch is shorter and counts; each group's gradient is the mean over its samples, whatever the micro-batches.

use std::ops::Range;

/// The steps of an epoch. Positions count the epoch's samples in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    samples: usize,
    group: usize,
}

/// Samples that go through the model at once.
#[derive(Clone, Debug, PartialEq)]
pub struct MicroBatch {
    /// Their positions in the epoch.
    pub samples: Range<usize>,
    /// What their mean loss is multiplied by, so that the sum over the group is the mean over the group's samples.
    pub weight: f64,
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

    /// The groups of an epoch, each in micro-batches.
    pub fn groups(self, micro_batch: usize) -> impl Iterator<Item = Vec<MicroBatch>> {
        (0..self.steps()).map(move |step| micro_batches(self.samples_of(step), micro_batch).collect())
    }
}

/// A group in micro-batches of at most so many samples. They may become smaller from one group to the next, as memory
/// demands: the group stays what it is.
pub fn micro_batches(group: Range<usize>, micro_batch: usize) -> impl Iterator<Item = MicroBatch> {
    let (end, length) = (group.end, group.len() as f64);
    let size = micro_batch.max(1);
    group.step_by(size).map(move |start| {
        let samples = start..start.saturating_add(size).min(end);
        let weight = samples.len() as f64 / length;
        MicroBatch { samples, weight }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_short_group_counts_with_its_true_length() {
        let groups: Vec<_> = Grouping::new(11, 2, 4).groups(2).collect();
        let of = |samples, weight| MicroBatch { samples, weight };
        assert_eq!(groups[0], [of(0..2, 0.25), of(2..4, 0.25), of(4..6, 0.25), of(6..8, 0.25)]);
        assert_eq!(groups[1], [of(8..10, 2.0 / 3.0), of(10..11, 1.0 / 3.0)]);
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn an_epoch_without_samples_has_no_step() {
        assert_eq!(Grouping::new(0, 2, 4).steps(), 0);
        assert_eq!(Grouping::new(0, 2, 4).groups(2).count(), 0);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let whole = Grouping::new(7, usize::MAX, 2);
        assert_eq!((whole.steps(), whole.samples_of(0), whole.samples_of(usize::MAX)), (1, 0..7, 7..7));
        assert_eq!(micro_batches(3..7, usize::MAX).count(), 1);
    }

    proptest! {
        #[test]
        fn every_sample_comes_once_and_its_group_does_not_depend_on_the_micro_batch(
            samples in 0_usize..300, micro_batch in 1_usize..9, accumulate in 1_usize..9, smaller in 1_usize..9,
        ) {
            let grouping = Grouping::new(samples, micro_batch, accumulate);
            let all: Vec<usize> = grouping.groups(smaller).flatten().flat_map(|micro| micro.samples).collect();
            prop_assert!(all.into_iter().eq(0..samples));
            for (step, group) in grouping.groups(smaller).enumerate() {
                let samples: Vec<usize> = group.iter().flat_map(|micro| micro.samples.clone()).collect();
                prop_assert!(samples.len() <= micro_batch * accumulate);
                prop_assert!(samples.iter().all(|position| grouping.step_of(*position) == step));
                prop_assert!(group.iter().all(|micro| micro.samples.len() <= smaller));
            }
        }

        #[test]
        fn the_weighted_means_of_the_micro_batches_make_the_mean_of_the_group(
            losses in prop::collection::vec(-10.0..10.0_f64, 1..100), micro_batch in 1_usize..20,
        ) {
            let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
            let parts = micro_batches(0..losses.len(), micro_batch);
            let sum: f64 = parts.map(|micro| mean(&losses[micro.samples]) * micro.weight).sum();
            prop_assert!((sum - mean(&losses)).abs() < 1e-12);
        }
    }
}
