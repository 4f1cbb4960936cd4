//! What a classifier is trained on, drawn: how many images each class has, and images as training sees them. They come from the
//! same source as those of a training, so nothing that training does to an image is missing here.

use std::sync::Arc;

use thiserror::Error;

use super::config::AugmentConfig;
use super::dataset::Dataset;
use super::samples::Images;
use crate::data::loader::{Loader, LoaderConfig, LoaderError, Order, Position, Records, SampleSource, StartError};
use crate::data::split::Side;
use crate::report::PictureError;
use crate::report::chart::Parts;
use crate::report::classes::sheet::{self, Shown};
use crate::task::classes::called::called;
use crate::train::task::Plots;
use crate::util::exit::Exit;

/// The file of images as training sees them.
pub(super) const AUGMENTED: &str = "augmented.png";

/// The file of what each class has.
pub(super) const BALANCE: &str = "class_balance.png";

/// Images on the sheet.
const SHOWN: usize = 64;

/// Samples that can't be shown.
#[derive(Debug, Error)]
pub(super) enum Unseen {
    /// The epoch can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An image can't be read.
    #[error(transparent)]
    Sample(#[from] LoaderError<<Images as SampleSource>::Error>),
    /// A picture can't be encoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl Unseen {
    fn exit(&self) -> Exit {
        match self {
            Self::Start(error) => error.exit(),
            Self::Sample(error) => error.exit(),
            Self::Picture(error) => error.exit(),
        }
    }
}

crate::util::failures!("samples": Unseen);

/// The pictures with their file names.
///
/// # Errors
/// If an image can't be read, or a picture can't be encoded.
pub(super) fn pictures(dataset: &Dataset, augment: &AugmentConfig, seed: u64) -> Result<Plots, Unseen> {
    Ok(vec![(BALANCE.to_owned(), balance(dataset)?), (AUGMENTED.to_owned(), augmented(dataset, augment, seed)?)])
}

/// How many images each class has on each side, as a PNG file.
///
/// # Errors
/// If it can't be encoded.
pub(super) fn balance(dataset: &Dataset) -> Result<Vec<u8>, PictureError> {
    let all = dataset.totals(None);
    let sides = [("train", all.train), ("val", all.val), ("test", all.test)];
    let row = |(class, name): (usize, String)| {
        let own = dataset.totals(Some(class));
        let parts = [own.train, own.val, own.test].into_iter().zip(sides).filter(|(_, (_, of_all))| *of_all > 0);
        (name, parts.map(|(count, _)| count as u64).collect())
    };
    let bars = Parts {
        title: "Images of each class".into(),
        parts: sides.iter().filter(|(_, count)| *count > 0).map(|(name, _)| (*name).to_owned()).collect(),
        rows: called(&dataset.facts.model.classes, &dataset.facts.model.labels)
            .into_iter()
            .enumerate()
            .map(row)
            .collect(),
    };
    Ok(bars.png()?)
}

/// The first images of the first epoch of a training with this seed, as a PNG file.
///
/// # Errors
/// If an image can't be read, or the picture can't be encoded.
pub(super) fn augmented(dataset: &Dataset, augment: &AugmentConfig, seed: u64) -> Result<Vec<u8>, Unseen> {
    let names = called(&dataset.facts.model.classes, &dataset.facts.model.labels);
    let records = Records::new(Arc::clone(&dataset.records), dataset.of(Side::Train));
    let source = Images::new(records, Arc::clone(&dataset.facts), Some((augment.clone(), seed)));
    let order = Order { seed, shuffle: true };
    let epoch = Loader::new(Arc::new(source), order, LoaderConfig::default()).start(Position::default())?;
    let mut images = Vec::new();
    for sample in epoch.take(SHOWN) {
        let sample = sample?;
        let name = names.get(sample.class).cloned().unwrap_or_default();
        let caption = [name, String::new(), String::new()];
        images.push(Shown { levels: sample.levels, size: dataset.facts.model.size, caption, ..Shown::default() });
    }
    Ok(sheet::png("What training sees in its first epoch", &images)?)
}
