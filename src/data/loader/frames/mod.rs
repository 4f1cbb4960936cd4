//! Windows of equal-sized frames as a source of samples: decoded once, kept in memory as bytes, shared by all windows that
//! hold them. It knows no radar: a [`FrameSource`] gives frames, a task turns delivered bytes into tensors.
//!
//! ```text
//! Lookahead  which frames are needed next: the order of samples is known
//! FrameCache decoded frames, each held and decoded once, the one needed last is evicted first
//! Frames     the source that the loader reads
//! ```

mod cache;
mod error;
mod flight;
mod lookahead;
mod prepared;
mod sample;
mod source;
#[cfg(test)]
pub(super) mod testing;
mod window;

use std::sync::Arc;

use self::cache::FrameCache;
pub use self::error::WindowError;
pub use self::prepared::PreparedEvents;
use self::sample::Samples;
pub use self::sample::{Sample, SampleError};
pub use self::source::FrameSource;
pub use self::window::LoadedWindow;
use super::{Loader, LoaderConfig, Order, Place, SampleSource, Upcoming};

/// Windows over the frames of a source, with the decoded frames that are kept in memory.
pub struct Frames<S: FrameSource> {
    samples: Arc<Samples>,
    cache: FrameCache<S>,
}

impl<S: FrameSource> Frames<S> {
    /// These samples of a source, with a cache of this many bytes; nothing is read yet.
    ///
    /// # Errors
    /// If a sample is empty, reaches beyond a frame, or has another shape than the first one.
    pub fn new(source: Arc<S>, samples: Vec<Sample>, cache_bytes: usize) -> Result<Self, SampleError> {
        let samples = Arc::new(Samples::new(samples, source.frame_bytes())?);
        let cache = FrameCache::new(source, Arc::clone(&samples), cache_bytes);
        Ok(Self { samples, cache })
    }
}

impl<S: FrameSource> Loader<Frames<S>> {
    /// A loader for windows of frames, whose cache outlives the epochs. One epoch at a time makes the best use of it.
    ///
    /// # Errors
    /// If a sample is empty, reaches beyond a frame, or has another shape than the first one.
    pub fn of_frames(
        source: Arc<S>,
        samples: Vec<Sample>,
        order: Order,
        config: LoaderConfig,
    ) -> Result<Self, SampleError> {
        let frames = Frames::new(source, samples, config.cache_bytes)?;
        Ok(Self::new(Arc::new(frames), order, config))
    }
}

impl<S: FrameSource> SampleSource for Frames<S> {
    type Sample = LoadedWindow;
    type Error = WindowError<S::Error>;

    fn len(&self) -> usize {
        self.samples.count()
    }

    /// Whole frames: the window holds all of each, though it delivers a part.
    fn bytes(&self, index: usize) -> usize {
        self.samples.get(index).length * self.cache.frame_bytes()
    }

    fn load(&self, place: Place<'_>, index: usize) -> Result<LoadedWindow, Self::Error> {
        let sample = self.samples.get(index);
        let frames = self.cache.window(place, sample)?;
        Ok(LoadedWindow::new(index, sample.clone(), place.repeat, frames))
    }

    fn upcoming(&self, future: &Upcoming<'_>) {
        self.cache.start(future);
    }
}
