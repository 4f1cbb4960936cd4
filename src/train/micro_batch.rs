//! How many samples go through the model at once: halved when memory runs out, but not below what the task can take
//! (its atom), and grown back when memory has been enough for a while. The samples of a step stay the same; see
//! `grouping`. It only decides; it neither frees nor measures memory.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::units;

/// Epochs without a failure after which a larger size is first tried.
const GROW_AFTER: u32 = 2;
/// The upper limit, however often growing has failed.
const GROW_AFTER_AT_MOST: u32 = 64;

/// Not even the fewest samples fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "out of memory with {} at a time, the fewest that this task can take, of {configured} at first; make the samples or the \
     model smaller, or use a device with more memory", units::count(*.fewest as u64, "sample")
)]
pub struct OutOfMemory {
    configured: usize,
    fewest: usize,
}

impl OutOfMemory {
    /// The code that a process ends with.
    #[must_use]
    pub fn exit(self) -> Exit {
        Exit::OutOfMemory
    }
}

/// The size, and what led to it: saved with a checkpoint, because the order of a sum depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicroBatchSize {
    configured: usize,
    fewest: usize,
    halvings: u32,
    good_epochs: u32,
    grow_after: u32,
}

impl MicroBatchSize {
    /// The configured size, which has not failed yet, and the fewest samples that the task can take.
    #[must_use]
    pub fn new(configured: usize, fewest: usize) -> Self {
        let fewest = fewest.max(1);
        Self { configured: configured.max(fewest), fewest, halvings: 0, good_epochs: 0, grow_after: GROW_AFTER }
    }

    /// The same under another configured size: halved as many times, down to the fewest.
    #[must_use]
    pub fn under(self, configured: usize, fewest: usize) -> Self {
        let other =
            Self { good_epochs: self.good_epochs, grow_after: self.grow_after, ..Self::new(configured, fewest) };
        let halvings = (0..self.halvings).take_while(|halvings| other.at(*halvings) > other.fewest).count();
        Self { halvings: halvings as u32, ..other }
    }

    /// The size to use now.
    #[must_use]
    pub fn get(&self) -> usize {
        self.at(self.halvings)
    }

    /// Records that memory ran out: the same group must be repeated with the smaller size that is returned. Each
    /// failure doubles the time until a larger size is tried again.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the size was the fewest already.
    pub fn out_of_memory(&mut self) -> Result<usize, OutOfMemory> {
        if self.get() == self.fewest {
            return Err(OutOfMemory { configured: self.configured, fewest: self.fewest });
        }
        if self.halvings > 0 || self.good_epochs > 0 {
            self.grow_after = self.grow_after.saturating_mul(2).min(GROW_AFTER_AT_MOST);
        }
        self.halvings += 1;
        self.good_epochs = 0;
        Ok(self.get())
    }

    /// Records that an epoch completed without running out of memory. Returns the larger size to try next, if any.
    pub fn epoch_ended(&mut self) -> Option<usize> {
        self.good_epochs = self.good_epochs.saturating_add(1);
        if self.halvings == 0 || self.good_epochs < self.grow_after {
            return None;
        }
        self.halvings -= 1;
        self.good_epochs = 0;
        Some(self.get())
    }

    fn at(&self, halvings: u32) -> usize {
        self.configured.checked_shr(halvings).unwrap_or(0).max(self.fewest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_size_is_halved_down_to_one_and_then_training_ends() {
        let mut size = MicroBatchSize::new(6, 1);
        assert_eq!((size.out_of_memory(), size.out_of_memory()), (Ok(3), Ok(1)));
        let refused = size.out_of_memory().unwrap_err();
        assert_eq!((refused.exit(), size.get()), (Exit::OutOfMemory, 1));
        assert!(refused.to_string().starts_with("out of memory with 1 sample at a time"), "{refused}");
    }

    #[test]
    fn the_size_does_not_fall_below_what_the_task_can_take() {
        let mut size = MicroBatchSize::new(6, 2);
        assert_eq!((size.out_of_memory(), size.out_of_memory()), (Ok(3), Ok(2)));
        let refused = size.out_of_memory().unwrap_err();
        assert!(refused.to_string().starts_with("out of memory with 2 samples at a time"), "{refused}");
        assert_eq!([8, 4, 2].map(|configured| size.clone().under(configured, 4).get()), [4, 4, 4]);
    }

    #[test]
    fn the_size_grows_back_after_good_epochs_and_no_further_than_configured() {
        let mut size = MicroBatchSize::new(4, 1);
        size.out_of_memory().unwrap();
        assert_eq!([size.epoch_ended(), size.epoch_ended(), size.epoch_ended()], [None, Some(4), None]);
        assert!((0..9).all(|_| size.epoch_ended().is_none()));
    }

    #[test]
    fn another_configured_size_is_halved_as_often_and_not_below_one() {
        let mut size = MicroBatchSize::new(8, 1);
        size.out_of_memory().unwrap();
        size.out_of_memory().unwrap();
        assert_eq!(size.clone().under(8, 1), size);
        assert_eq!([12, 8, 4, 2, 1, 0].map(|configured| size.clone().under(configured, 1).get()), [3, 2, 1, 1, 1, 1]);
        let mut smaller = size.under(2, 1);
        assert_eq!([(); 5].map(|()| smaller.epoch_ended()), [None, None, None, Some(2), None]);
    }

    #[test]
    fn a_size_that_keeps_failing_is_tried_ever_more_rarely() {
        let mut size = MicroBatchSize::new(4, 1);
        let mut waits = Vec::new();
        for _ in 0..8 {
            size.out_of_memory().unwrap();
            let epochs = 1 + (0..).take_while(|_| size.epoch_ended().is_none()).count();
            waits.push(epochs);
            size.epoch_ended();
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 64, 64]);
    }

    proptest! {
        #[test]
        fn the_size_stays_between_the_fewest_and_the_configured_and_survives_a_restart(
            fewest in 1_usize..9, more in 0_usize..100, events in prop::collection::vec(any::<bool>(), 0..100),
        ) {
            let configured = fewest + more;
            let mut size = MicroBatchSize::new(configured, fewest);
            for fails in events {
                let before = size.get();
                if fails {
                    match size.out_of_memory() {
                        Ok(after) => prop_assert_eq!(after, (before / 2).max(fewest)),
                        Err(_) => prop_assert_eq!(before, fewest),
                    }
                } else if let Some(after) = size.epoch_ended() {
                    prop_assert!(after > before && after <= configured);
                }
                prop_assert_eq!(serde_json::from_str::<MicroBatchSize>(&serde_json::to_string(&size).unwrap()).unwrap(), size.clone());
            }
        }
    }
}
