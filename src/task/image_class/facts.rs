//! What a prepared dataset remembers beside the gray levels of its images, and what of it travels with every model. Not the
//! split, which follows from it and the configuration.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::config::{Background, Fit};
use super::fit::Gray;
use crate::data::prepare::files::Stamp;
use crate::data::split::Side;
use crate::task::classes::predictions::Names;
use crate::util::exit::Exit;
use crate::util::sha256::Digest;

/// The version of this document.
pub const VERSION: u64 = 2;

/// What a prepared dataset remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The version of this document.
    pub version: u64,
    /// What travels with every model.
    #[serde(flatten)]
    pub model: ModelFacts,
    /// The images, in the order of the records.
    pub images: Vec<ImageFacts>,
    /// All source files with their stamps, those that were set aside and empty folders included: nothing is done again as long
    /// as they are the same.
    pub sources: Vec<(String, Stamp)>,
}

impl Facts {
    /// The classes without an image.
    #[must_use]
    pub fn empty_classes(&self) -> Vec<&str> {
        let mut is_used = vec![false; self.model.classes.len()];
        self.images.iter().for_each(|image| is_used[image.class] = true);
        let empty = self.model.classes.iter().zip(is_used).filter(|(_, used)| !used);
        empty.map(|(class, _)| class.as_str()).collect()
    }
}

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// Its file below the dataset.
    pub file: String,
    /// The number of its class.
    pub class: usize,
    /// The digest of its gray levels as they were decoded, with their size: the same for all options of preparing.
    pub content: Digest,
    /// The side that the dataset puts it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
}

/// What a model must know wherever it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The folders of the classes, in the order of the model's outputs.
    pub classes: Vec<String>,
    /// What people call each class.
    pub labels: Vec<String>,
    /// Rows and columns of an image.
    pub size: [usize; 2],
    /// How an image of another shape is brought to this size.
    pub fit: Fit,
    /// Whether rows and columns of an image file are swapped.
    pub transposed: bool,
    /// Whether those of an image in an idx, npz or csv file are: the raw files of EMNIST have them swapped, image files do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub packed_transposed: bool,
    /// What shows through where an image file is transparent.
    #[serde(default, skip_serializing_if = "Background::is_white")]
    pub background: Background,
    /// Whether levels are inverted.
    pub inverted: bool,
    /// What logits are divided by before they become probabilities. Not a fact of the dataset: a validation finds it, and it
    /// travels with the weights; `None` is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// Weights that do not say what their outputs mean.
#[derive(Debug, Error)]
#[error("the weights do not say what their outputs mean ({reason}); use a file below weights/ of a run")]
pub struct NoFacts {
    reason: String,
}

impl NoFacts {
    fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

crate::util::failures!("weights": NoFacts);

impl ModelFacts {
    /// An image that was decoded as the model sees it.
    #[must_use]
    pub fn prepared(&self, image: &Gray) -> Vec<u8> {
        let mut levels = match self.transposed {
            true => image.transposed().fitted(self.size, self.fit),
            false => image.fitted(self.size, self.fit),
        };
        if self.inverted {
            invert(&mut levels);
        }
        levels
    }

    /// The classes.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        Names { classes: &self.classes, labels: &self.labels }
    }

    /// Reads what a file of weights says.
    ///
    /// # Errors
    /// If it says nothing of the kind.
    pub fn read(facts: &Value) -> Result<Self, NoFacts> {
        let facts: Self = Self::deserialize(facts).map_err(|error| NoFacts { reason: error.to_string() })?;
        let reason = match facts.temperature {
            Some(temperature) if !temperature.is_normal() || temperature < 0.0 => {
                format!("the temperature {temperature}, expected a positive number")
            }
            _ if facts.classes.len() == facts.labels.len() && !facts.classes.is_empty() => return Ok(facts),
            _ => format!("{} classes and {} labels", facts.classes.len(), facts.labels.len()),
        };
        Err(NoFacts { reason })
    }
}

/// Bright strokes on dark ground instead of dark ones on bright ground.
pub fn invert(levels: &mut [u8]) {
    levels.iter_mut().for_each(|level| *level = 255 - *level);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ModelFacts {
        let names = vec!["A".to_owned()];
        let (size, fit) = ([8, 8], Fit::Stretch);
        let temperature = None;
        let (transposed, packed_transposed, inverted) = (false, false, false);
        ModelFacts {
            classes: names.clone(),
            labels: names,
            size,
            fit,
            transposed,
            packed_transposed,
            background: Background::White,
            inverted,
            temperature,
        }
    }

    #[test]
    fn an_image_is_prepared_as_those_of_the_training_were() {
        let image = Gray { rows: 1, columns: 2, levels: vec![0, 200] };
        let prepared = |facts: ModelFacts| facts.prepared(&image);
        assert_eq!(prepared(ModelFacts { size: [1, 2], ..facts() }), [0, 200]);
        assert_eq!(prepared(ModelFacts { size: [2, 1], transposed: true, inverted: true, ..facts() }), [255, 55]);
        assert_eq!(prepared(ModelFacts { size: [2, 2], fit: Fit::Pad, ..facts() }), [0, 200, 200, 200]);
    }

    #[test]
    fn a_model_without_names_of_classes_is_refused() {
        let facts = ModelFacts { temperature: Some(1.5), ..facts() };
        let value = serde_json::to_value(&facts).unwrap();
        assert_eq!(ModelFacts::read(&value).unwrap(), facts);
        let with = |key: &str, other: Value| {
            let mut value = value.clone();
            value[key] = other;
            value
        };
        let mut older = value.clone();
        older.as_object_mut().unwrap().remove("fit");
        let none = serde_json::json!([]);
        for wrong in
            [Value::Null, older, with("labels", none), with("temperature", 0.into()), with("temperature", (-1).into())]
        {
            assert_eq!(ModelFacts::read(&wrong).unwrap_err().exit(), Exit::DataRefused);
        }
    }
}
