//! Pictures of what a model predicts. A task copies what they need from the device, which is a [`Sketch`]; turning that into
//! files is slow and happens behind training, which gives a [`Drawing`]. Where files go is decided elsewhere.

use std::fmt;
use std::sync::Arc;

use crate::report::PictureError;

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// What it shows; also the name of its files.
    pub name: String,
    /// What the reader should know about it, in a sentence.
    pub caption: String,
    /// Its files, each with its file extension. The first one is small enough to be kept for many epochs.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// A picture that is still to be drawn, from plain arrays. Clones share them.
#[derive(Clone)]
pub struct Sketch {
    name: String,
    draw: Arc<Draw>,
}

type Draw = dyn Fn(&str) -> Result<Drawing, PictureError> + Send + Sync;

impl Sketch {
    /// A picture with a name. `draw` is called once or more, with a caption of what it shows, such as "epoch 3".
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        draw: impl Fn(&str) -> Result<Drawing, PictureError> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), draw: Arc::new(draw) }
    }

    /// What it shows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Draws it.
    ///
    /// # Errors
    /// If its arrays don't fit together, or can't be encoded.
    pub fn draw(&self, of: &str) -> Result<Drawing, PictureError> {
        (self.draw)(of)
    }
}

impl From<Drawing> for Sketch {
    fn from(drawing: Drawing) -> Self {
        Self::new(drawing.name.clone(), move |_| Ok(drawing.clone()))
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sketch").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The same picture object, not one that looks the same.
impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.draw, &other.draw)
    }
}
