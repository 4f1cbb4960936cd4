//! What is in a prepared dataset, for the person who wants to train on it: a table of classes, and a sheet of images.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::dataset::{Dataset, Totals};
use crate::data::store::records::RecordError;
use crate::report::PictureError;
use crate::report::classes::sheet::{self, Shown};
use crate::report::table::Table;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all, write_atomic};

/// Images of each class on the sheet.
const EACH: usize = 10;

/// Classes on the sheet.
const CLASSES: usize = 40;

/// What is in a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The folder of the prepared dataset.
    pub store: PathBuf,
    /// Rows and columns of an image.
    pub size: [usize; 2],
    /// Whether levels were inverted.
    pub inverted: bool,
    /// The classes, in the order of the model's outputs.
    pub classes: Vec<ClassView>,
    /// Images by side.
    pub images: Totals,
    /// Images whose prepared levels another image of the same class has too.
    pub duplicates: usize,
    /// Images whose prepared levels an image of another class has too.
    pub contradictions: usize,
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

/// Counts a dataset, and draws it into a folder if one is given.
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
    let [duplicates, contradictions] = dataset.repeated();
    let drawn = pictures.map(|folder| draw(dataset, folder)).transpose()?;
    Ok(Inspection {
        store: dataset.store.clone(),
        size: facts.size,
        inverted: facts.inverted,
        classes: facts.classes.iter().zip(&facts.labels).enumerate().map(class).collect(),
        images: dataset.totals(None),
        duplicates,
        contradictions,
        pictures: drawn.into_iter().collect(),
    })
}

/// The first images of the first classes.
fn draw(dataset: &Dataset, folder: &Path) -> Result<PathBuf, InspectError> {
    let (facts, images) = (&dataset.facts.model, &dataset.facts.images);
    let mut shown = Vec::new();
    for class in 0..facts.classes.len().min(CLASSES) {
        let own = images.iter().enumerate().filter(|(_, image)| image.class == class).map(|(record, _)| record);
        for record in own.take(EACH) {
            let levels = dataset.records.read(record)?.to_vec();
            let caption = [facts.labels[class].clone(), dataset.sides[record].name().to_owned()];
            shown.push(Shown { levels, size: facts.size, caption, is_wrong: false });
        }
    }
    create_dir_all(folder)?;
    let path = folder.join("images.png");
    write_atomic(&path, &sheet::png("The first images of each class", &shown)?)?;
    Ok(path)
}

impl Inspection {
    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new(&["<class", "<folder", "images", "train", "val", "test"]);
        let cells =
            |totals: &Totals| [totals.all(), totals.train, totals.val, totals.test].map(|count| count.to_string());
        for class in &self.classes {
            let names = [class.label.clone(), class.folder.clone()];
            table.row(names.into_iter().chain(cells(&class.images)).collect());
        }
        table.row(["all".to_owned(), String::new()].into_iter().chain(cells(&self.images)).collect());
        let [rows, columns] = self.size;
        let inverted = if self.inverted { ", inverted" } else { "" };
        let mut text = format!("{}\n{rows} x {columns}{inverted}\n\n{}", self.store.display(), table.render());
        if self.duplicates + self.contradictions > 0 {
            text += &format!(
                "{} images repeat another of their class, {} one of another class; equal images are on one side\n",
                self.duplicates, self.contradictions
            );
        }
        self.pictures.iter().for_each(|picture| text += &format!("{}\n", picture.display()));
        text
    }
}
