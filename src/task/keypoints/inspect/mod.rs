//! What is in a prepared dataset, for the person who wants to train on it: counts, lengths, what was not seen, what is odd.

mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use super::dataset::{Dataset, DatasetError, Totals};
use super::leaks::Leak;
use super::prepare::{About, Unseen};
use super::recipe::Recipe;
use crate::data::prepare::report::{Report, SetAside};
use crate::util::exit::Exit;
use crate::util::fs::FsError;

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
    /// What can't be used.
    pub set_aside: Vec<SetAside>,
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

/// How many frames sequences have as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// Half have fewer.
    pub median: usize,
    /// 95 of 100 have fewer.
    pub p95: usize,
    /// The longest.
    pub most: usize,
}

/// A dataset that can't be shown.
#[derive(Debug, Error)]
pub enum InspectError {
    /// It can't be opened.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Its report can't be read.
    #[error(transparent)]
    File(#[from] FsError),
}

impl InspectError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Dataset(error) => error.exit(),
            Self::File(error) => error.exit(),
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
        frames: lengths(samples.iter().map(|sample| sample.frames).collect()),
        resampled: report.about.resampled,
        unseen: report.about.unseen,
        tail: dataset.tail.clone(),
        dropped: dataset.dropped(),
        leaks: dataset.leaks.clone(),
        set_aside: report.groups.into_iter().flat_map(|group| group.set_aside).collect(),
    })
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

fn lengths(mut frames: Vec<usize>) -> Lengths {
    frames.sort_unstable();
    let at = |percent: usize| frames.get((frames.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(0);
    Lengths { least: at(0), median: at(50), p95: at(95), most: at(100) }
}
