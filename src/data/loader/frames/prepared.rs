//! The prepared dataset as a source of frames.

use super::source::FrameSource;
use crate::data::store::{EventReader, StoreError};

/// Events whose frames all have the same shape.
#[derive(Debug)]
pub struct PreparedEvents {
    events: Vec<EventReader>,
}

impl PreparedEvents {
    /// Puts events together.
    ///
    /// # Errors
    /// If their frames differ in shape.
    pub fn new(events: Vec<EventReader>) -> Result<Self, StoreError> {
        if let Some(first) = events.first()
            && let Some(other) = events.iter().find(|event| event.frame_shape() != first.frame_shape())
        {
            let (old, new) = (first.folder().to_owned(), other.folder().to_owned());
            return Err(StoreError::Different { old, new, what: "frame shapes" });
        }
        Ok(Self { events })
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[EventReader] {
        &self.events
    }
}

impl FrameSource for PreparedEvents {
    type Error = StoreError;

    fn frame_bytes(&self) -> usize {
        self.events.first().map_or(0, EventReader::frame_len)
    }

    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), StoreError> {
        self.events[event].read_frame(frame, into)
    }
}
