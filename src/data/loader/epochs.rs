//! The samples of every epoch: all of a list, or a fixed share of it for a quick run.

use std::sync::Arc;

use super::balanced::{Balanced, repeats};
use super::buckets::Buckets;
use super::order::{Order, shuffle};

/// The order of every epoch over the samples that take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epochs {
    order: Order,
    samples: u32,
    /// The samples that take part, ascending; `None` for all.
    chosen: Option<Arc<[u32]>>,
    /// How often groups of them come; `None` if every sample comes once.
    balanced: Option<Arc<Balanced>>,
    /// Samples of similar size come together; `None` if size does not matter.
    buckets: Option<Arc<Buckets>>,
}

impl Epochs {
    /// Epochs over all samples of a list.
    #[must_use]
    pub fn over(samples: u32, order: Order) -> Self {
        Self { order, samples, chosen: None, balanced: None, buckets: None }
    }

    /// Epochs over a share of them: the nearest number to `fraction`, at least `least` or all. Which ones is a function of
    /// the seed and the length of the list; a larger share holds every smaller one.
    #[must_use]
    pub fn with_share(self, fraction: f64, least: usize) -> Self {
        let all = self.samples as usize;
        let kept = ((fraction * all as f64).round() as usize).max(least.max(1)).min(all);
        if kept == all {
            return Self { chosen: None, ..self };
        }
        let mut numbers: Vec<u32> = (0..self.samples).collect();
        shuffle(&mut numbers, self.order.seed, "share of the samples", 0);
        numbers.truncate(kept);
        numbers.sort_unstable();
        Self { chosen: Some(numbers.into()), ..self }
    }

    /// Draws the samples that take part so that their groups come as often as is asked for: `group` says which one a sample is in,
    /// and `chance` how probable each sample of a group is, by its number and how many it has. The module `balanced` says how.
    #[must_use]
    pub fn with_balance(self, group: impl Fn(u32) -> usize, chance: impl Fn(usize, usize) -> f64) -> Self {
        let balanced = Balanced::new(self.members().into_iter(), group, chance);
        Self { balanced: Some(Arc::new(balanced)), ..self }
    }

    /// Brings samples of similar size together: of this many shuffled batches at a time the samples are sorted by size, and the
    /// batches shuffled again. `size` says how large a sample is. The module `buckets` says how.
    #[must_use]
    pub fn with_buckets(self, batch: usize, batches: usize, size: impl Fn(u32) -> usize) -> Self {
        if batches < 2 {
            return self;
        }
        let sizes = (0..self.samples).map(size).collect();
        Self { buckets: Some(Arc::new(Buckets { batch: batch.max(1), batches, sizes })), ..self }
    }

    /// The samples that take part, ascending.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        self.chosen.as_ref().map_or_else(|| (0..self.samples).collect(), |chosen| chosen.to_vec())
    }

    /// The samples of an epoch.
    #[must_use]
    pub fn samples(&self) -> u32 {
        // A share of the list is no longer than the list.
        self.chosen.as_ref().map_or(self.samples, |chosen| chosen.len() as u32)
    }

    /// The samples of an epoch in order, by their index in the list.
    #[must_use]
    pub fn indices(&self, epoch: u64) -> Arc<[u32]> {
        let mut indices = self.unsorted(epoch);
        if let Some(buckets) = &self.buckets {
            buckets.sort(Arc::make_mut(&mut indices), self.order.seed, epoch);
        }
        indices
    }

    fn unsorted(&self, epoch: u64) -> Arc<[u32]> {
        if let Some(balanced) = &self.balanced {
            return self.drawn(balanced, epoch).into();
        }
        let mut places = self.order.epoch(epoch, self.samples());
        if let Some(chosen) = &self.chosen {
            Arc::make_mut(&mut places).iter_mut().for_each(|place| *place = chosen[*place as usize]);
        }
        places
    }

    fn drawn(&self, balanced: &Balanced, epoch: u64) -> Vec<u32> {
        let mut drawn = balanced.epoch(self.order.seed, epoch, self.samples());
        match self.order.shuffle {
            true => shuffle(&mut drawn, self.order.seed, "shuffle", epoch),
            false => drawn.sort_unstable(),
        }
        drawn
    }

    /// How often the sample at each place of an epoch came before in it; `None` if every one comes once.
    #[must_use]
    pub fn repeats(&self, indices: &[u32]) -> Option<Vec<u32>> {
        self.balanced.is_some().then(|| repeats(indices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHUFFLED: Order = Order { seed: 42, shuffle: true };

    fn sorted(epochs: &Epochs, epoch: u64) -> Vec<u32> {
        let mut indices = epochs.indices(epoch).to_vec();
        indices.sort_unstable();
        indices
    }

    #[test]
    fn the_whole_share_is_the_order_without_a_share() {
        let whole = Epochs::over(1000, SHUFFLED).with_share(1.0, 1);
        assert_eq!(whole, Epochs::over(1000, SHUFFLED));
        assert_eq!(whole.indices(3), SHUFFLED.epoch(3, 1000));
    }

    #[test]
    fn every_epoch_has_the_same_share_in_an_order_of_its_own() {
        let tenth = Epochs::over(1000, SHUFFLED).with_share(0.1, 1);
        assert_eq!(tenth.samples(), 100);
        assert_eq!(sorted(&tenth, 0), sorted(&tenth, 1));
        assert_ne!(tenth.indices(0), tenth.indices(1));
        assert_eq!(tenth, Epochs::over(1000, SHUFFLED).with_share(0.1, 1));
        let other = Epochs::over(1000, Order { seed: 43, shuffle: true }).with_share(0.1, 1);
        assert_ne!(sorted(&tenth, 0), sorted(&other, 0));
    }

    #[test]
    fn a_share_is_taken_from_everywhere_and_comes_in_order_without_shuffling() {
        let tenth = Epochs::over(1000, Order { seed: 42, shuffle: false }).with_share(0.1, 1).indices(5);
        assert!(tenth.is_sorted());
        let in_first_half = tenth.iter().filter(|&&index| index < 500).count();
        assert!((30..70).contains(&in_first_half), "{in_first_half}");
    }

    #[test]
    fn a_larger_share_holds_the_smaller_one() {
        let share = |fraction| sorted(&Epochs::over(500, SHUFFLED).with_share(fraction, 1), 0);
        let (small, large) = (share(0.1), share(0.3));
        assert!(small.iter().all(|index| large.contains(index)));
    }

    #[test]
    fn groups_are_balanced_within_the_share_that_takes_part() {
        // A fifth of the samples are of group 0.
        let group = |index: u32| usize::from(!index.is_multiple_of(5));
        let tenth = Epochs::over(1000, SHUFFLED).with_share(0.1, 1);
        let even = tenth.clone().with_balance(group, |_, count| 1.0 / count as f64);
        let (all, drawn) = (tenth.members(), even.indices(4));
        assert_eq!((even.samples(), drawn.len()), (100, 100));
        assert!(drawn.iter().all(|index| all.contains(index)), "only samples of the share");
        assert_eq!(drawn.iter().filter(|&&index| group(index) == 0).count(), 50);
        assert!(!drawn.is_sorted() && drawn != even.indices(5));
        let repeats = even.repeats(&drawn).unwrap();
        assert!(repeats.iter().any(|&repeat| repeat > 0) && repeats.iter().all(|&repeat| repeat < 5), "{repeats:?}");
        assert_eq!(tenth.repeats(&drawn), None);
        let given = Epochs { order: Order { shuffle: false, ..SHUFFLED }, ..even };
        assert!(given.indices(4).is_sorted());
    }

    #[test]
    fn samples_of_similar_size_come_together_and_each_comes_once() {
        let size = |index: u32| (index as usize * 37) % 100;
        let plain = Epochs::over(203, SHUFFLED);
        let bucketed = plain.clone().with_buckets(10, 5, size);
        assert_eq!(sorted(&bucketed, 3), sorted(&plain, 3));
        let waste = |epochs: &Epochs| -> usize {
            let indices = epochs.indices(3);
            let batches =
                indices.chunks(10).map(|batch| batch.iter().map(|index| size(*index)).max().unwrap() * batch.len());
            batches.sum()
        };
        assert!(waste(&bucketed) < waste(&plain) * 3 / 4, "{} {}", waste(&bucketed), waste(&plain));
        assert_eq!(bucketed.indices(3), plain.clone().with_buckets(10, 5, size).indices(3));
        assert_ne!(bucketed.indices(3), bucketed.indices(4));
        let largest: Vec<usize> = bucketed.indices(3)[..50].chunks(10).map(|batch| size(batch[0])).collect();
        assert!(!largest.is_sorted(), "batches are not in the order of their sizes: {largest:?}");
        assert_eq!(plain.clone().with_buckets(10, 1, size), plain);
    }

    #[test]
    fn a_share_has_the_least_number_or_all_there_are() {
        let samples = |all, fraction, least| Epochs::over(all, SHUFFLED).with_share(fraction, least).samples();
        assert_eq!([samples(1000, 1e-9, 1), samples(1000, 0.01, 64), samples(40, 0.01, 64)], [1, 64, 40]);
        assert_eq!([samples(0, 0.5, 1), samples(1, 0.5, 1), samples(3, 0.5, 1)], [0, 1, 2]);
    }
}
