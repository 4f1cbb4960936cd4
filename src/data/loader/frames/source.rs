//! The source of frames: the only thing that windows of frames need from a dataset.

use crate::util::failure::Failure;

/// A dataset whose frames all have the same size.
pub trait FrameSource: Send + Sync + 'static {
    /// What can go wrong with a frame.
    type Error: Failure;

    /// The size of a decoded frame.
    fn frame_bytes(&self) -> usize;

    /// Decodes a frame. Several threads call it at once.
    ///
    /// # Errors
    /// If the frame does not exist, can't be read or is damaged.
    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), Self::Error>;
}
