//! What is in a prepared dataset, for the person who wants to train on it: counts, lengths, what was not seen, what is odd, and
//! pictures.

pub mod pictures;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use super::dataset::{Dataset, DatasetError, Totals};
use super::facts::SampleFacts;
use super::leaks::Leak;
pub use super::measured::{Lengths, Measured};
use super::pictures::seen::Unseen as UnseenSamples;
use super::prepare::{About, Unseen};
use super::recipe::Recipe;
use crate::data::prepare::report::{Report, SetAside};
use crate::data::store::records::RecordError;
use crate::report::PictureError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// What is in a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The folder of the prepared dataset.
    pub store: PathBuf,
    /// How clips became streams.
    pub recipe: Recipe,
    /// Sequences by side.
    pub sequences: Totals,
    /// The classes, in the order of the model's outputs.
    pub classes: Vec<ClassView>,
    /// The signers, by name; those of sequences without one are left out.
    pub signers: Vec<SignerView>,
    /// Sequences of which nobody says who signed.
    pub without_signer: usize,
    /// How many frames sequences have.
    pub frames: Lengths,
    /// Lengths and what was not seen, for each side.
    pub measured: Measured,
    /// Sequences that were resampled, as they had too many.
    pub resampled: usize,
    /// How often each part of the body was not seen.
    pub unseen: Vec<Unseen>,
    /// The classes that joined OTHER or are left out.
    pub tail: Vec<String>,
    /// Sequences that take no part.
    pub dropped: usize,
    /// What two sides have in common.
    pub leaks: Vec<Leak>,
    /// Sequences with equal points.
    pub repeats: Vec<Repeat>,
    /// What can't be used.
    pub set_aside: Vec<SetAside>,
    /// The pictures that were drawn.
    pub pictures: Vec<PathBuf>,
}

/// Sequences with equal points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repeat {
    /// Their names.
    pub names: Vec<String>,
    /// Their classes, each once: more than one contradict each other.
    pub classes: Vec<String>,
}

/// A class with its sequences by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassView {
    /// Its name.
    pub class: String,
    /// Its sequences.
    #[serde(flatten)]
    pub sequences: Totals,
}

/// A signer with the number of sequences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignerView {
    /// Who.
    pub signer: String,
    /// The sequences.
    pub sequences: usize,
    /// The sides that these are on.
    pub sides: Vec<&'static str>,
}

/// A dataset that can't be shown.
#[derive(Debug, Error)]
pub enum InspectError {
    /// It can't be opened.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Its report can't be read, or a picture can't be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A sequence can't be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A picture can't be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Sequences as training sees them can't be made.
    #[error(transparent)]
    Seen(#[from] UnseenSamples),
}

impl InspectError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Dataset(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Record(error) => error.exit(),
            Self::Picture(error) => error.exit(),
            Self::Seen(error) => error.exit(),
        }
    }
}

crate::util::failures!("inspect": InspectError);

/// Looks at a dataset.
///
/// # Errors
/// If its report can't be read.
pub fn inspect(dataset: &Dataset) -> Result<Inspection, InspectError> {
    let report = Report::<About>::load(&dataset.store)?;
    let class =
        |(number, class): (usize, &String)| ClassView { class: class.clone(), sequences: dataset.totals(Some(number)) };
    let samples = &dataset.facts.samples;
    Ok(Inspection {
        store: dataset.store.clone(),
        recipe: dataset.model.recipe.clone(),
        sequences: dataset.totals(None),
        classes: dataset.model.classes.iter().enumerate().map(class).collect(),
        signers: signers(dataset),
        without_signer: samples.iter().filter(|sample| sample.signer.is_none()).count(),
        frames: Lengths::of(samples.iter().map(|sample| sample.frames).collect()),
        measured: Measured::of(dataset, parts(&report)),
        resampled: report.about.resampled,
        unseen: report.about.unseen,
        tail: dataset.tail.clone(),
        dropped: dataset.dropped(),
        leaks: dataset.leaks.clone(),
        repeats: repeats(dataset),
        set_aside: report.groups.into_iter().flat_map(|group| group.set_aside).collect(),
        pictures: Vec::new(),
    })
}

/// Lengths and what was not seen, for each side.
///
/// # Errors
/// If the dataset's report can't be read.
pub fn measured(dataset: &Dataset) -> Result<Measured, FsError> {
    Ok(Measured::of(dataset, parts(&Report::<About>::load(&dataset.store)?)))
}

fn parts(report: &Report<About>) -> Vec<String> {
    report.about.unseen.iter().map(|unseen| unseen.part.clone()).collect()
}

/// Sequences with equal points, those that contradict each other first.
fn repeats(dataset: &Dataset) -> Vec<Repeat> {
    let mut groups: BTreeMap<Digest, Vec<&SampleFacts>> = BTreeMap::new();
    dataset.facts.samples.iter().for_each(|sample| groups.entry(sample.content).or_default().push(sample));
    let repeat = |samples: Vec<&SampleFacts>| {
        let classes: BTreeSet<usize> = samples.iter().map(|sample| sample.class).collect();
        let class = |class: usize| dataset.facts.classes.get(class).cloned().unwrap_or_default();
        Repeat {
            names: samples.iter().map(|sample| sample.name.clone()).collect(),
            classes: classes.into_iter().map(class).collect(),
        }
    };
    let mut found: Vec<Repeat> = groups.into_values().filter(|samples| samples.len() > 1).map(repeat).collect();
    found.sort_by(|one, other| other.classes.len().cmp(&one.classes.len()).then_with(|| one.names.cmp(&other.names)));
    found
}

fn signers(dataset: &Dataset) -> Vec<SignerView> {
    let mut found: BTreeMap<&str, SignerView> = BTreeMap::new();
    for (sample, side) in dataset.facts.samples.iter().zip(&dataset.sides) {
        let Some(signer) = &sample.signer else { continue };
        let new = || SignerView { signer: signer.clone(), sequences: 0, sides: Vec::new() };
        let view = found.entry(signer).or_insert_with(new);
        view.sequences += 1;
        if let Some(side) = side.map(|side| side.name()).filter(|side| !view.sides.contains(side)) {
            view.sides.push(side);
        }
    }
    found.into_values().collect()
}
