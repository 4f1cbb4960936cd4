//! What is in a prepared dataset, for the person who wants to train on it: counts, what is odd, and pictures.
//!
//! ```text
//! findings  what is wrong or odd    table  as text    pictures  as images
//! ```

pub mod findings;
mod pictures;
mod table;

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use self::findings::{Imbalance, Levels, Repeats};
use super::config::Fit;
use super::dataset::{Dataset, Totals};
use super::prepare::layout::LeftOut;
use super::prepare::{About, SizeCount};
use crate::data::prepare::report::{Report, SetAside};
use crate::data::store::records::RecordError;
use crate::report::PictureError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;

/// What is in a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The folder of the prepared dataset.
    pub store: PathBuf,
    /// Rows and columns of an image.
    pub size: [usize; 2],
    /// How images of another shape were brought to this size.
    pub fit: Fit,
    /// Whether levels were inverted.
    pub inverted: bool,
    /// The classes, in the order of the model's outputs.
    pub classes: Vec<ClassView>,
    /// Images by side.
    pub images: Totals,
    /// Classes without images.
    pub empty: Vec<String>,
    /// The sizes that images had before, the most frequent first.
    pub sizes: Vec<SizeCount>,
    /// Gray levels.
    pub levels: Levels,
    /// How uneven the classes are.
    pub imbalance: Option<Imbalance>,
    /// Images that occur more than once.
    pub repeats: Repeats,
    /// Blank images.
    pub blank: usize,
    /// The first of them.
    pub blank_files: Vec<String>,
    /// Files that can't be used.
    pub set_aside: Vec<SetAside>,
    /// What takes no part although it is there.
    pub left_out: Vec<LeftOut>,
    /// Raw files that a processed one replaces.
    pub replaced: usize,
    /// Images above the most of their class.
    pub capped: usize,
    /// The pictures that were drawn.
    pub pictures: Vec<PathBuf>,
}

/// What is in a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassView {
    /// Its folder.
    pub folder: String,
    /// What people call it.
    pub label: String,
    /// Its images by side.
    #[serde(flatten)]
    pub images: Totals,
}

/// A dataset that can't be shown.
#[derive(Debug, Error)]
pub enum InspectError {
    /// It can't be read.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// A picture can't be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A picture can't be encoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl InspectError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Records(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Picture(_) => Exit::Bug,
        }
    }
}

crate::util::failures!("inspect": InspectError);

/// Looks at a dataset, and draws it into a folder if one is given.
///
/// # Errors
/// If a record can't be read, or a picture can't be written.
pub fn inspect(dataset: &Dataset, pictures: Option<&Path>) -> Result<Inspection, InspectError> {
    let facts = &dataset.facts.model;
    let class = |(number, (folder, label)): (usize, (&String, &String))| ClassView {
        folder: folder.clone(),
        label: label.clone(),
        images: dataset.totals(Some(number)),
    };
    let classes: Vec<ClassView> = facts.classes.iter().zip(&facts.labels).enumerate().map(class).collect();
    let report = Report::<About>::load(&dataset.store)?;
    let looks = findings::looks(dataset)?;
    let counts: Vec<_> = classes.iter().map(|class| (class.label.clone(), class.images.all())).collect();
    let mut inspection = Inspection {
        store: dataset.store.clone(),
        size: facts.size,
        fit: facts.fit,
        inverted: facts.inverted,
        classes,
        images: dataset.totals(None),
        empty: dataset.facts.empty_classes().into_iter().map(str::to_owned).collect(),
        sizes: report.about.sizes,
        levels: looks.levels.clone(),
        imbalance: findings::imbalance(&counts),
        repeats: findings::repeats(dataset),
        blank: looks.blank.len(),
        blank_files: findings::first_files(dataset, &looks.blank),
        set_aside: report.groups.into_iter().flat_map(|group| group.set_aside).collect(),
        left_out: report.about.left_out,
        replaced: report.about.replaced,
        capped: report.about.capped,
        pictures: Vec::new(),
    };
    if let Some(folder) = pictures {
        inspection.pictures = pictures::draw(dataset, &looks, &inspection.repeats.groups, &inspection, folder)?;
    }
    Ok(inspection)
}
