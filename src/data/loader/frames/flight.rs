//! A frame that one thread is decoding while others wait for it. Whether it is kept afterwards is the cache's matter.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A decoded frame, shared by the cache and all windows that hold it.
pub(super) type Frame = Arc<[u8]>;

/// The wait for a frame; it always ends, with `None` if decoding failed.
#[derive(Default)]
pub(super) struct Flight {
    landed: Mutex<Option<Option<Frame>>>,
    changed: Condvar,
}

impl Flight {
    pub(super) fn land(&self, frame: Option<Frame>) {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame);
        self.changed.notify_all();
    }

    pub(super) fn wait(&self) -> Option<Frame> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*landed {
                Some(frame) => return frame.clone(),
                None => landed = self.changed.wait(landed).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
