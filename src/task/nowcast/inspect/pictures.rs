//! The pictures of an inspection.

use std::path::{Path, PathBuf};

use super::{InspectError, Inspection, Setting};
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::statistics::Counts;

/// What of a volume is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The maximum of each column.
    Composite,
    /// One level, counted from 0 at the ground.
    Level(usize),
}

/// Draws the pictures.
pub struct Pictures<'a> {
    /// Where they go.
    pub folder: &'a Path,
    /// What is drawn.
    pub dataset: &'a Dataset,
    /// From bytes to reflectivity.
    pub quantizer: Quantizer,
    /// The rest.
    pub setting: &'a Setting<'a>,
}

impl Pictures<'_> {
    /// Draws all and names the files.
    pub fn draw(&self, _inspection: &Inspection, _all: &Counts) -> Result<Vec<PathBuf>, InspectError> {
        Ok(Vec::new())
    }
}
