//! Samples on their way from the threads that load them to the consumer: handed out in order, delivered in order, never
//! more of them at once than the limits allow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue of `places`, which are handed out from the first to `end`.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Something was taken: there is room for more.
    room: Condvar,
    /// Something was delivered, or a thread died.
    ready: Condvar,
    wanted: AtomicBool,
    limits: Limits,
    end: usize,
    bytes: Box<dyn Fn(usize) -> usize + Send + Sync>,
}

/// What may be claimed and not yet taken; one sample always may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) samples: usize,
    pub(super) bytes: usize,
}

struct State<T> {
    next_claim: usize,
    next_take: usize,
    /// The bytes of what is claimed and not taken.
    bytes: usize,
    delivered: BTreeMap<usize, T>,
    died: bool,
}

/// A thread ended without delivering what it had claimed.
pub(super) struct Died;

impl<T> Queue<T> {
    /// Places from `next` to `end`; `bytes` gives the size of the item at a place.
    pub(super) fn new(
        (next, end): (usize, usize),
        limits: Limits,
        bytes: impl Fn(usize) -> usize + Send + Sync + 'static,
    ) -> Self {
        let state = State { next_claim: next, next_take: next, bytes: 0, delivered: BTreeMap::new(), died: false };
        Self {
            state: Mutex::new(state),
            room: Condvar::new(),
            ready: Condvar::new(),
            wanted: AtomicBool::new(true),
            limits,
            end,
            bytes: Box::new(bytes),
        }
    }

    /// Whether the consumer is still there.
    pub(super) fn wanted(&self) -> &AtomicBool {
        &self.wanted
    }

    /// Serves the queue until it is empty or closed: the body of each thread.
    pub(super) fn serve(&self, load: impl Fn(usize) -> T) {
        let _watch = Watch(self);
        while let Some(place) = self.claim() {
            let loaded = load(place);
            self.state().delivered.insert(place, loaded);
            self.ready.notify_all();
        }
    }

    /// The next place to load, once there is room for it.
    fn claim(&self) -> Option<usize> {
        let mut state = self.state();
        while self.is_wanted() && state.next_claim < self.end && !self.has_room(&state) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !self.is_wanted() || state.next_claim >= self.end {
            return None;
        }
        let place = state.next_claim;
        state.bytes += (self.bytes)(place);
        state.next_claim += 1;
        Some(place)
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn has_room(&self, state: &State<T>) -> bool {
        let claimed = state.next_claim - state.next_take;
        let fits = || state.bytes.saturating_add((self.bytes)(state.next_claim)) <= self.limits.bytes;
        claimed == 0 || (claimed < self.limits.samples && fits())
    }

    /// The item at the next place; waits for it.
    pub(super) fn take(&self) -> Result<T, Died> {
        let mut state = self.state();
        loop {
            if let Some(loaded) = self.take_from(&mut state) {
                return Ok(loaded);
            }
            if state.died {
                return Err(Died);
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take_from(&self, state: &mut State<T>) -> Option<T> {
        let place = state.next_take;
        let loaded = state.delivered.remove(&place)?;
        state.next_take += 1;
        state.bytes -= (self.bytes)(place);
        // A large sample may leave room for several small ones.
        self.room.notify_all();
        Some(loaded)
    }

    /// Ends all threads after the sample they are at.
    pub(super) fn close(&self) {
        // Under the lock: a thread that has just seen the old value must be waiting when it is notified.
        let state = self.state();
        self.wanted.store(false, Ordering::Release);
        drop(state);
        self.room.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports a thread that panics to the consumer, which would otherwise wait forever.
struct Watch<'a, T>(&'a Queue<T>);

impl<T> Drop for Watch<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().died = true;
            self.0.ready.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [usize; 8] = [5, 1, 1, 1, 9, 2, 2, 4];

    fn queue(samples: usize, bytes: usize) -> Queue<usize> {
        Queue::new((0, SIZES.len()), Limits { samples, bytes }, |place| SIZES[place])
    }

    /// How many places can be claimed before something must be taken.
    fn claimable(queue: &Queue<usize>) -> usize {
        let room = |queue: &Queue<usize>| {
            let state = queue.state();
            state.next_claim < queue.end && queue.has_room(&state)
        };
        (0..).take_while(|_| room(queue) && queue.claim().is_some()).count()
    }

    #[test]
    fn bytes_and_number_both_limit_what_is_claimed_and_a_sample_that_is_too_large_comes_alone() {
        assert_eq!([claimable(&queue(3, 1000)), claimable(&queue(8, 7)), claimable(&queue(8, 1))], [3, 3, 1]);
        assert_eq!([claimable(&queue(0, 1000)), claimable(&queue(8, 0)), claimable(&queue(99, 1000))], [1, 1, 8]);
    }

    #[test]
    fn what_is_taken_makes_room_for_as_many_as_fit() {
        let queue = queue(8, 7);
        assert_eq!(claimable(&queue), 3);
        queue.state().delivered.extend([(0, 0), (1, 1), (2, 2)]);
        assert!(matches!(queue.take(), Ok(0)));
        // 1 + 1 are left, so 1 more fits, but 9 must wait until it is alone.
        assert_eq!(claimable(&queue), 1);
        assert!(matches!((queue.take(), queue.take()), (Ok(1), Ok(2))));
        assert_eq!(claimable(&queue), 0);
        queue.state().delivered.insert(3, 3);
        assert!(matches!(queue.take(), Ok(3)));
        assert_eq!(claimable(&queue), 1);
    }

    #[test]
    fn threads_deliver_samples_of_any_size_in_order() {
        for (samples, bytes) in [(1, 1), (3, 7), (100, 1000)] {
            let queue = queue(samples, bytes);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| queue.serve(|place| place));
                }
                let taken: Vec<usize> = SIZES.iter().filter_map(|_| queue.take().ok()).collect();
                assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6, 7]);
            });
        }
    }
}
