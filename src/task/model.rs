//! A trained model for a task: a file of weights, and what it was trained with.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::Tensor;
use thiserror::Error;
use tracing::{debug, warn};

use super::data::LearnerSetting;
use crate::nn::parameters::LoadReport;
use crate::nn::weights::{self, Weights};
use crate::util::exit::Exit;
use crate::util::failure::Failed;

/// A trained model.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Its file of weights.
    pub weights: &'a Path,
    /// The run that it is from, or its file.
    pub name: &'a str,
    /// Which model it is, for people.
    pub described: &'a str,
    /// What the weights say of the dataset that they learned from ([`super::Data::facts`]).
    pub facts: &'a Value,
    /// What it was trained with; of the phases only the last.
    pub setting: LearnerSetting<'a>,
    /// Samples that go through it at once.
    pub at_once: usize,
}

/// Weights that don't fit the model.
#[derive(Debug, Error)]
#[error(
    "{} does not fit the configured model: {report}; give the configuration that the weights were trained with",
    file.display()
)]
pub struct Misfit {
    /// The file.
    pub file: PathBuf,
    /// What fits and what does not.
    pub report: String,
}

impl Misfit {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

/// Weights that would make every result NaN.
#[derive(Debug, Error)]
#[error("{}: {tensor} holds infinity or NaN; choose an earlier checkpoint of that run", file.display())]
pub struct NotFinite {
    /// The file.
    pub file: PathBuf,
    /// The tensor.
    pub tensor: String,
}

impl NotFinite {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

crate::util::failures!("weights": Misfit, NotFinite);

/// Gives all weights of a file to a model that takes them.
///
/// # Errors
/// If the file can't be read, or does not have exactly the weights of the model.
pub fn load(file: &Path, take: impl FnOnce(Weights) -> LoadReport) -> Result<(), Failed> {
    give(file, weights::read_all(file)?, take)
}

/// Gives all weights that were read from a file to a model that takes them.
///
/// # Errors
/// If they are not exactly the weights of the model, or not finite.
pub fn give(file: &Path, weights: Weights, take: impl FnOnce(Weights) -> LoadReport) -> Result<(), Failed> {
    let is_finite = |values: &Tensor| bool::try_from(values.isfinite().all()).unwrap_or(false);
    if let Some((tensor, _)) = weights.tensors.iter().find(|(_, values)| !is_finite(values)) {
        Err(NotFinite { file: file.to_owned(), tensor: tensor.clone() })?;
    }
    let report = take(weights);
    debug!("{}: {report}", file.display());
    report.notes.iter().for_each(|note| warn!("{}: {note}", file.display()));
    if report.is_complete() {
        return Ok(());
    }
    Err(Misfit { file: file.to_owned(), report: report.misfit() })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_no_numbers_are_refused_before_they_are_taken() {
        let tensors =
            vec![("a".to_owned(), Tensor::from_slice(&[1.0_f32])), ("b".to_owned(), Tensor::from_slice(&[f32::NAN]))];
        let weights = Weights { tensors, beside: serde_json::Map::new() };
        let refused = give(Path::new("w.pt"), weights, |_| panic!("nothing is taken")).unwrap_err();
        assert_eq!(refused.exit(), Exit::DataRefused);
        assert!(refused.to_string().contains("w.pt: b holds infinity or NaN"), "{refused}");
    }
}
