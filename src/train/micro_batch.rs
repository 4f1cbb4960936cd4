//! How many samples go through the model at once: halved when memory runs out, and grown back when it has been enough
//! for a while. The samples of a step stay the same; see `grouping`. It decides, and frees or measures no memory.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;

/// Epochs without a failure after which a larger size is tried for the first time.
const GROW_AFTER: u32 = 2;
/// At most so many, however often growing has failed.
const GROW_AFTER_AT_MOST: u32 = 64;

/// Not even one sample fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "out of memory with 1 sample at a time (train.micro_batch is {configured}); make the samples or the model smaller, \
     or use a device with more memory"
)]
pub struct OutOfMemory {
    configured: usize,
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
    halvings: u32,
    good_epochs: u32,
    grow_after: u32,
}

impl MicroBatchSize {
    /// The configured size, which has not failed yet.
    #[must_use]
    pub fn new(configured: usize) -> Self {
        Self { configured: configured.max(1), halvings: 0, good_epochs: 0, grow_after: GROW_AFTER }
    }

    /// The same under another configured size: as many times halved, down to 1.
    #[must_use]
    pub fn under(self, configured: usize) -> Self {
        let configured = configured.max(1);
        Self { configured, halvings: self.halvings.min(configured.ilog2()), ..self }
    }

    /// The size to use now.
    #[must_use]
    pub fn get(&self) -> usize {
        self.at(self.halvings)
    }

    /// Takes in that memory ran out: the same group is to be done again with the smaller size that is returned. Each
    /// failure doubles the time until a larger size is tried again.
    ///
    /// # Errors
    /// [`OutOfMemory`] where the size was 1.
    pub fn out_of_memory(&mut self) -> Result<usize, OutOfMemory> {
        if self.get() == 1 {
            return Err(OutOfMemory { configured: self.configured });
        }
        if self.halvings > 0 || self.good_epochs > 0 {
            self.grow_after = self.grow_after.saturating_mul(2).min(GROW_AFTER_AT_MOST);
        }
        self.halvings += 1;
        self.good_epochs = 0;
        Ok(self.get())
    }

    /// Takes in that an epoch went through without running out of memory. Returns the larger size to try next, if any.
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
        self.configured.checked_shr(halvings).unwrap_or(0).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_size_is_halved_down_to_one_and_then_training_ends() {
        let mut size = MicroBatchSize::new(6);
        assert_eq!((size.out_of_memory(), size.out_of_memory()), (Ok(3), Ok(1)));
        let refused = size.out_of_memory().unwrap_err();
        assert_eq!((refused.exit(), size.get()), (Exit::OutOfMemory, 1));
        assert!(refused.to_string().contains("train.micro_batch is 6"), "{refused}");
    }

    #[test]
    fn the_size_grows_back_after_good_epochs_and_no_further_than_configured() {
        let mut size = MicroBatchSize::new(4);
        size.out_of_memory().unwrap();
        assert_eq!([size.epoch_ended(), size.epoch_ended(), size.epoch_ended()], [None, Some(4), None]);
        assert!((0..9).all(|_| size.epoch_ended().is_none()));
    }

    #[test]
    fn another_configured_size_is_halved_as_often_and_not_below_one() {
        let mut size = MicroBatchSize::new(8);
        size.out_of_memory().unwrap();
        size.out_of_memory().unwrap();
        assert_eq!(size.clone().under(8), size);
        assert_eq!([12, 8, 4, 2, 1, 0].map(|configured| size.clone().under(configured).get()), [3, 2, 1, 1, 1, 1]);
        let mut smaller = size.under(2);
        assert_eq!([(); 5].map(|()| smaller.epoch_ended()), [None, None, None, Some(2), None]);
    }

    #[test]
    fn a_size_that_keeps_failing_is_tried_ever_more_rarely() {
        let mut size = MicroBatchSize::new(4);
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
        fn the_size_stays_between_one_and_the_configured_and_survives_a_restart(
            configured in 1_usize..100, events in prop::collection::vec(any::<bool>(), 0..100),
        ) {
            let mut size = MicroBatchSize::new(configured);
            for fails in events {
                let before = size.get();
                if fails {
                    match size.out_of_memory() {
                        Ok(after) => prop_assert_eq!(after, (before / 2).max(1)),
                        Err(_) => prop_assert_eq!(before, 1),
                    }
                } else if let Some(after) = size.epoch_ended() {
                    prop_assert!(after > before && after <= configured);
                }
                prop_assert_eq!(serde_json::from_str::<MicroBatchSize>(&serde_json::to_string(&size).unwrap()).unwrap(), size.clone());
            }
        }
    }
}
