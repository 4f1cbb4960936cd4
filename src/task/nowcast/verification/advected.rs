//! What the advection of windows scores, so that each validation after the first finds it here: finding the motion takes
//! longer than everything else that a validation measures. It follows from the frames alone, never from the weights, so it
//! is computed again, with the same result, in the next session. In memory only.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::metric::forecast::sums::LeadSums;

/// Which frames, and which part of them, a window is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The event's number.
    pub event: usize,
    /// The first frame.
    pub start: usize,
    /// The bytes of each frame.
    pub slice: Range<usize>,
}

/// The sums over all lead times, by window: about a kilobyte for each.
#[derive(Debug, Default)]
pub(super) struct Advected(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    sums: HashMap<Place, LeadSums>,
    #[cfg(test)]
    computed: usize,
}

impl Advected {
    /// The sums of a window, which are computed if they are not known. Other threads don't wait for that.
    pub(super) fn of(&self, place: &Place, compute: impl FnOnce() -> LeadSums) -> LeadSums {
        if let Some(sums) = self.known().sums.get(place) {
            return sums.clone();
        }
        let sums = compute();
        let mut known = self.known();
        #[cfg(test)]
        (known.computed += 1);
        known.sums.insert(place.clone(), sums.clone());
        sums
    }

    /// How often sums were computed.
    #[cfg(test)]
    pub(super) fn computed(&self) -> usize {
        self.known().computed
    }

    /// Sums are inserted whole: a thread that panicked leaves nothing half done.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
