//! What a classifier is trained on, drawn. Sequences come from the same source as those of a training, so nothing that training
//! does to them is missing here.

use std::sync::Arc;

use thiserror::Error;

use super::strip::{length, names, row};
use crate::data::loader::{Loader, LoaderConfig, LoaderError, Order, Position, Records, SampleSource, StartError};
use crate::data::split::Side;
use crate::report::PictureError;
use crate::report::sticks::sheet::{self, Row, Sheet};
use crate::task::classes::called::called;
use crate::task::keypoints::augment::AugmentConfig;
use crate::task::keypoints::dataset::Dataset;
use crate::task::keypoints::samples::{Changes, SequenceSample, Sequences};
use crate::util::exit::Exit;

/// The file of sequences as training sees them.
pub const SEEN: &str = "training_sequences.png";

/// Sequences on the sheet.
const SHOWN: usize = 16;

/// Sequences that are compared with themselves, and the epochs they are shown in.
const COMPARED: usize = 6;
const EPOCHS: u64 = 2;

/// Samples that can't be shown.
#[derive(Debug, Error)]
pub enum Unseen {
    /// The epoch can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A sequence can't be read.
    #[error(transparent)]
    Sample(#[from] LoaderError<<Sequences as SampleSource>::Error>),
    /// A picture can't be encoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl Unseen {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Start(error) => error.exit(),
            Self::Sample(error) => error.exit(),
            Self::Picture(error) => error.exit(),
        }
    }
}

crate::util::failures!("samples": Unseen);

/// The first sequences of the first epoch of a training with this seed, as a PNG file.
///
/// # Errors
/// If a sequence can't be read, or the picture can't be encoded.
pub fn training(dataset: &Dataset, augment: &AugmentConfig, seed: u64) -> Result<Vec<u8>, Unseen> {
    let order = Order { seed, shuffle: true };
    let changes = Changes::new(augment, &dataset.facts.recipe, seed);
    let samples = samples(dataset, (dataset.of(Side::Train), Some(changes)), order, (Position::default(), SHOWN))?;
    let classes = called(&dataset.model.classes, &dataset.model.classes);
    let drawn = |sample: &SequenceSample| {
        let class = classes.get(sample.class).cloned().unwrap_or_default();
        let name = dataset.facts.samples.get(sample.record).map_or("", |facts| facts.name.as_str());
        let caption = vec![class, name.to_owned(), length(sample.frames)];
        row(&dataset.facts.recipe, (sample.frames, &sample.values), caption)
    };
    let sheet = Sheet {
        title: "What training sees in its first epoch".into(),
        note: "Sequences with the random changes of the epoch: moments, each with the number of its frame.".into(),
        names: names(&dataset.facts.recipe),
        rows: samples.iter().map(drawn).collect(),
    };
    Ok(sheet::png(&sheet)?)
}

/// Training sequences as they are, and as training sees them in its first epochs, as a PNG file.
///
/// # Errors
/// If a sequence can't be read, or the picture can't be encoded.
pub fn changed(dataset: &Dataset, augment: &AugmentConfig, seed: u64) -> Result<Vec<u8>, Unseen> {
    let chosen = one_of_each(dataset);
    let order = Order { seed, shuffle: false };
    let classes = called(&dataset.model.classes, &dataset.model.classes);
    let mut rows: Vec<Row> = Vec::new();
    for epoch in 0..=EPOCHS {
        let changes = epoch.checked_sub(1).map(|_| Changes::new(augment, &dataset.facts.recipe, seed));
        let position = Position { epoch: epoch.saturating_sub(1), ..Position::default() };
        let when = if epoch == 0 { "as it is".to_owned() } else { format!("in epoch {epoch}") };
        let samples = samples(dataset, (chosen.clone(), changes), order, (position, COMPARED))?;
        for (group, sample) in samples.iter().enumerate() {
            let class = classes.get(sample.class).cloned().unwrap_or_default();
            let name = dataset.facts.samples.get(sample.record).map_or("", |facts| facts.name.as_str());
            let head = if epoch == 0 { vec![class, name.to_owned()] } else { vec![when.clone()] };
            let caption = head.into_iter().chain([length(sample.frames)]).collect();
            rows.push(Row { group, ..row(&dataset.facts.recipe, (sample.frames, &sample.values), caption) });
        }
    }
    rows.sort_by_key(|row| row.group);
    for group in rows.chunk_by_mut(|one, other| one.group == other.group) {
        // The same part of the plane, so that it is seen what is moved, turned or made larger.
        let view = group[0].strip.view;
        group.iter_mut().for_each(|row| row.strip.view = view);
    }
    let sheet = Sheet {
        title: "The same sequences as training sees them".into(),
        note: "Each as it is, and with the random changes of the first epochs.".into(),
        names: names(&dataset.facts.recipe),
        rows,
    };
    Ok(sheet::png(&sheet)?)
}

/// A training sequence of each of some classes, evenly from all that have one.
fn one_of_each(dataset: &Dataset) -> Vec<usize> {
    let mut first = vec![None; dataset.model.classes.len()];
    for record in dataset.of(Side::Train) {
        let own = dataset.class_of[record].and_then(|class| first.get_mut(class));
        own.into_iter().for_each(|first: &mut Option<usize>| *first = first.or(Some(record)));
    }
    let all: Vec<usize> = first.into_iter().flatten().collect();
    let shown = all.len().min(COMPARED);
    (0..shown).map(|place| all[place * all.len() / shown]).collect()
}

/// So many sequences from a position of training on.
fn samples(
    dataset: &Dataset,
    (records, changes): (Vec<usize>, Option<Changes>),
    order: Order,
    (position, count): (Position, usize),
) -> Result<Vec<SequenceSample>, Unseen> {
    let records = Records::new(Arc::clone(&dataset.records), records);
    let source = Sequences::new(records, Arc::clone(&dataset.facts), Arc::clone(&dataset.class_of), changes);
    let epoch = Loader::new(Arc::new(source), order, LoaderConfig::default()).start(position)?;
    Ok(epoch.take(count).collect::<Result<_, _>>()?)
}
