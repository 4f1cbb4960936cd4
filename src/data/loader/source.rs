//! Where frames come from: the one thing the loader asks of a dataset.

use crate::util::exit::Exit;

/// A dataset whose frames all have the same size.
pub trait FrameSource: Send + Sync + 'static {
    /// What can go wrong with a frame.
    type Error: FrameError;

    /// The size of a decoded frame.
    fn frame_bytes(&self) -> usize;

    /// Decodes a frame. Several threads call it at once.
    ///
    /// # Errors
    /// Where the frame does not exist, can't be read or is damaged.
    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), Self::Error>;
}

/// An error that names the frame's file and knows the code to exit with.
pub trait FrameError: std::error::Error + Send + Sync + 'static {
    /// The code to exit with.
    fn exit(&self) -> Exit;
}
