//! Windows on their way from the threads that load them to the consumer: handed out in order, delivered in order, never
//! more at once than the limit.

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
    most: usize,
    end: usize,
}

struct State<T> {
    next_claim: usize,
    next_take: usize,
    delivered: BTreeMap<usize, T>,
    died: bool,
}

/// A thread ended without delivering what it had claimed.
pub(super) struct Died;

impl<T> Queue<T> {
    /// Places from `next` to `end`, of which at most `most` may be claimed and not taken.
    pub(super) fn new(next: usize, end: usize, most: usize) -> Self {
        let state = State { next_claim: next, next_take: next, delivered: BTreeMap::new(), died: false };
        Self {
            state: Mutex::new(state),
            room: Condvar::new(),
            ready: Condvar::new(),
            wanted: AtomicBool::new(true),
            most: most.max(1),
            end,
        }
    }

    /// Whether the consumer is still there.
    pub(super) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Serves the queue until it is empty or unwanted: what a thread does all its life.
    pub(super) fn serve(&self, load: impl Fn(usize) -> Option<T>) {
        let _watch = Watch(self);
        while let Some(place) = self.claim() {
            let Some(loaded) = load(place) else { return };
            self.state().delivered.insert(place, loaded);
            self.ready.notify_all();
        }
    }

    /// The next place to load, once there is room for it.
    fn claim(&self) -> Option<usize> {
        let mut state = self.state();
        while self.wanted() && state.next_claim < self.end && state.next_claim - state.next_take >= self.most {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !self.wanted() || state.next_claim >= self.end {
            return None;
        }
        state.next_claim += 1;
        Some(state.next_claim - 1)
    }

    /// What stands at the next place, if it is there already.
    pub(super) fn try_take(&self) -> Option<T> {
        self.take_from(&mut self.state())
    }

    /// What stands at the next place; waits for it.
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
        self.room.notify_one();
        Some(loaded)
    }

    /// Ends all threads after the frame they are at.
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

/// Tells the consumer when a thread panics, which would otherwise wait forever.
struct Watch<'a, T>(&'a Queue<T>);

impl<T> Drop for Watch<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().died = true;
            self.0.ready.notify_all();
        }
    }
}
