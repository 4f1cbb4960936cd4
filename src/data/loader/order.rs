//! Which sample is at a position: a function of (seed, epoch), so that a run that was stopped resumes with
//! exactly the samples it had not seen.

use std::sync::Arc;

use rand_chacha::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::util::seed;

/// How samples are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The run's seed.
    pub seed: u64,
    /// Whether each epoch has its own permutation; otherwise samples keep the given order.
    pub shuffle: bool,
}

/// The position within an epoch: a checkpoint saves it, and [`super::Loader::start`] takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Counted from 0.
    pub epoch: u64,
    /// The number of samples of this epoch that were delivered.
    pub next: usize,
}

impl Order {
    /// The samples of an epoch in order, by number.
    #[must_use]
    pub fn epoch(self, epoch: u64, samples: u32) -> Arc<[u32]> {
        let mut numbers: Arc<[u32]> = (0..samples).collect();
        if self.shuffle {
            shuffle(Arc::make_mut(&mut numbers), self.seed, "shuffle", epoch);
        }
        numbers
    }
}

/// Fisher and Yates, written out: the order of a run must outlive the versions of a crate. The product's high half maps a
/// draw to 0..=last; its bias is below 2^-32 for any list that fits in memory.
pub(super) fn shuffle(numbers: &mut [u32], seed: u64, purpose: &str, epoch: u64) {
    let mut generator = seed::generator(seed, purpose, epoch, 0);
    for last in (1..numbers.len()).rev() {
        let product = u128::from(generator.next_u64()) * (last as u128 + 1);
        numbers.swap(last, (product >> 64) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, epoch: u64, samples: u32) -> Vec<u32> {
        Order { seed, shuffle: true }.epoch(epoch, samples).to_vec()
    }

    #[test]
    fn the_order_is_that_of_an_independent_program() {
        let saved: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/loader_order/orders.json")).unwrap();
        for case in saved.as_array().unwrap() {
            let number = |key: &str| case[key].as_u64().unwrap();
            let expected: Vec<u32> = serde_json::from_value(case["order"].clone()).unwrap();
            assert_eq!(order(number("seed"), number("epoch"), u32::try_from(expected.len()).unwrap()), expected);
        }
    }

    #[test]
    fn every_sample_comes_once_per_epoch_and_each_epoch_is_its_own() {
        let mut first = order(42, 0, 1000);
        assert_ne!(first, order(42, 1, 1000));
        assert_ne!(first, order(43, 0, 1000));
        first.sort_unstable();
        assert!(first.into_iter().eq(0..1000));
    }

    #[test]
    fn without_shuffling_samples_come_as_given() {
        assert_eq!(*Order { seed: 42, shuffle: false }.epoch(7, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut counts = [[0_i32; 4]; 4];
        for epoch in 0..4000 {
            order(7, epoch, 4).iter().enumerate().for_each(|(place, &sample)| counts[place][sample as usize] += 1);
        }
        // 1000 expected, standard deviation 27.
        assert!(counts.iter().flatten().all(|count| (count - 1000).abs() < 150), "{counts:?}");
    }
}
