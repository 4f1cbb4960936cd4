//! What a prepared dataset remembers beside the numbers of its sequences, and what of it travels with every model. Not the
//! split, which follows from it and the configuration.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::clip::Source;
use super::config::Stored;
use super::recipe::Recipe;
use crate::data::prepare::files::Stamp;
use crate::data::split::Side;
use crate::task::classes::predictions::Names;
use crate::util::exit::Exit;
use crate::util::sha256::Digest;

/// The version of this document.
pub const VERSION: u64 = 1;

/// What a prepared dataset remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The version of this document.
    pub version: u64,
    /// How clips became streams.
    pub recipe: Recipe,
    /// How numbers are stored.
    pub stored: Stored,
    /// All classes, in their order.
    pub classes: Vec<String>,
    /// The sequences, in the order of the records.
    pub samples: Vec<SampleFacts>,
    /// The names of samples that were set aside.
    pub gone: Vec<String>,
    /// All source files with their stamps: nothing is done again as long as they are the same.
    pub sources: Vec<(String, Stamp)>,
}

/// What is known of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleFacts {
    /// Its name, unique in the dataset.
    pub name: String,
    /// The number of its class.
    pub class: usize,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The recording, with the first and the last frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<(String, [u64; 2])>,
    /// The side that the dataset puts it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Its frames as they are stored.
    pub frames: usize,
    /// Its frames before.
    pub frames_before: usize,
    /// In how many of these each part was not seen, in the order of the streams.
    pub unseen: Vec<usize>,
    /// The digest of its points as the file has them: the same for all options of preparing.
    pub content: Digest,
}

impl SampleFacts {
    /// The recording that it was cut from.
    #[must_use]
    pub fn recording(&self) -> Option<&str> {
        self.source.as_ref().map(|(video, _)| video.as_str())
    }

    /// The place in its recording as it is stored.
    #[must_use]
    pub fn place(source: Option<Source>) -> Option<(String, [u64; 2])> {
        source.map(|source| (source.video, source.span))
    }
}

/// What a model must know wherever it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The classes, in the order of the model's outputs.
    pub classes: Vec<String>,
    /// How clips become streams.
    #[serde(flatten)]
    pub recipe: Recipe,
    /// The number of the class that stands for all small ones, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<usize>,
    /// How many frames later the other frame of each difference is that a frame also has; none in older documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<usize>,
    /// The frames of a usual sequence.
    pub frames: usize,
    /// What logits are divided by before they become probabilities. Not a fact of the dataset: a validation finds it, and it
    /// travels with the weights; `None` is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// Weights that do not say what their outputs mean.
#[derive(Debug, Error)]
#[error("the weights do not say what their inputs and outputs mean ({reason}); use a file below weights/ of a run")]
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
    /// The names of the classes; people call them the same.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        Names { classes: &self.classes, labels: &self.classes }
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
            _ if facts.classes.is_empty() => "no classes".to_owned(),
            _ if facts.recipe.streams.is_empty() => "no streams".to_owned(),
            _ => return Ok(facts),
        };
        Err(NoFacts { reason })
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::PrepareConfig;
    use super::*;

    #[test]
    fn a_model_without_classes_or_streams_is_refused() {
        let recipe = Recipe::of(&PrepareConfig::default());
        let facts = ModelFacts {
            classes: vec!["a".into()],
            recipe,
            differences: vec![1, 2],
            other: Some(0),
            frames: 20,
            temperature: Some(1.5),
        };
        let mut value = serde_json::to_value(&facts).unwrap();
        assert_eq!(ModelFacts::read(&value).unwrap(), facts);
        for (key, wrong) in [("classes", "[]"), ("streams", "[]"), ("temperature", "-1"), ("values", "3")] {
            let mut other = value.clone();
            other[key] = serde_json::from_str(wrong).unwrap();
            assert_eq!(ModelFacts::read(&other).unwrap_err().exit(), Exit::DataRefused, "{key}");
        }
        assert!(ModelFacts::read(&Value::Null).is_err());
        assert!(value.as_object_mut().unwrap().remove("differences").is_some());
        assert_eq!(ModelFacts::read(&value).unwrap().differences, Vec::<usize>::new(), "as in older documents");
    }
}
