//! The source of samples: the only thing that the engine requires of the data. Every loader implements it, for samples
//! of any shape. It delivers plain values, never tensors.

use thiserror::Error;

use crate::data::loader::{Loader, LoaderError, Position, SampleSource, StartError};
use crate::util::exit::Exit;

/// The samples of one side of the split.
pub trait Feed {
    /// What is delivered. Clones are cheap: they share their bytes.
    type Sample: Clone;

    /// The samples of an epoch.
    fn samples(&self) -> usize;

    /// The rest of an epoch, always the same from the same position.
    ///
    /// # Errors
    /// If the position is past the end, or nothing can be read.
    fn start(&self, position: Position) -> Result<Stream<Self::Sample>, FeedError>;
}

/// The rest of an epoch, in order.
pub type Stream<S> = Box<dyn Iterator<Item = Result<S, FeedError>>>;

/// A sample that could not be delivered.
#[derive(Debug, Error)]
#[error("{source}")]
pub struct FeedError {
    exit: Exit,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl FeedError {
    /// What happened, and the code to exit with.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>, exit: Exit) -> Self {
        Self { exit, source: source.into() }
    }

    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<StartError> for FeedError {
    fn from(error: StartError) -> Self {
        let exit = error.exit();
        Self::new(error, exit)
    }
}

impl<S: SampleSource<Sample: Clone>> Feed for Loader<S> {
    type Sample = S::Sample;

    fn samples(&self) -> usize {
        self.samples()
    }

    fn start(&self, position: Position) -> Result<Stream<S::Sample>, FeedError> {
        let failed = |error: LoaderError<S::Error>| {
            let exit = error.exit();
            FeedError::new(error, exit)
        };
        Ok(Box::new(self.start(position)?.map(move |sample| sample.map_err(failed))))
    }
}
