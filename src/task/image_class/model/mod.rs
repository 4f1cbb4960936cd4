//! The networks of this task, each in a file of its own behind [`ImageNetwork`]: what a further one needs beside its file is a
//! variant in the configuration and an arm in [`image_network`].

pub mod char_cnn;
pub mod resnet;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use tch::Tensor;

use self::char_cnn::CharCnn;
use self::resnet::ResNet;
use super::config::ModelConfig;
use super::facts::ModelFacts;
use crate::nn::backward::Passed;
use crate::nn::export::steps::Step;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::network::{Io, Network, Port};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;

/// A network that classifies images, before it has weights.
pub trait ImageNetwork: Network {
    /// The network over these parameters: it sees every change of them.
    ///
    /// # Errors
    /// If one of its parameters is missing or has another shape.
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError>;

    /// The network as a list of operations, for exports.
    fn steps(&self) -> Vec<Step>;
}

/// A network with its weights.
pub trait Forward: std::fmt::Debug {
    /// The logits `[b, classes]` of images `[b, 1, y, x]` with values from 0 to 1. What is between has the given precision.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: if memory runs out, or the images are not those of the network.
    fn forward(&self, images_bcyx: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor;

    /// The same for training: a network with its own backward pass provides it here. The keys are those of the samples.
    ///
    /// # Panics
    /// As [`Self::forward`].
    fn learn(&self, images_bcyx: &Tensor, keys: &SampleKeys, precision: Precision) -> Passed {
        Passed::with_autograd(self.forward(images_bcyx, Mode::Training(keys), precision))
    }
}

/// The network that the configuration selects, for these classes and this size of images.
#[must_use]
pub fn image_network(config: &ModelConfig, facts: &ModelFacts) -> Box<dyn ImageNetwork> {
    let (size, labels) = (facts.size.map(|side| side as i64), facts.labels.clone());
    match config {
        ModelConfig::CharCnn(model) => Box::new(CharCnn { size, labels, dropout: model.dropout }),
        ModelConfig::Resnet(model) => Box::new(ResNet { size, labels, config: model.clone() }),
    }
}

/// The inputs and outputs of every network of this task. `in_pth` is what a `.pth` file has beside weights, labels and the number
/// of classes.
fn io([rows, columns]: [i64; 2], labels: &[String], in_pth: Value) -> Io {
    let classes = labels.len() as i64;
    let meaning = json!({
        "scaling": "gray levels / 255, bright strokes on a dark ground",
        "meaning": "logits; softmax gives probabilities",
        "labels": labels,
    });
    let mut beside = object(json!({"labels": labels, "num_classes": classes}));
    beside.extend(object(in_pth));
    Io {
        input: Port::new("batch, channels, rows, columns", &[("channels", 1), ("rows", rows), ("columns", columns)]),
        output: Port::new("batch, classes", &[("classes", classes)]),
        meaning: object(meaning),
        in_pth: beside,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Code with these numbers in the places that have their names.
fn filled(code: &str, numbers: &[(&str, String)]) -> String {
    numbers.iter().fold(code.to_owned(), |code, (name, number)| code.replace(&format!("{{{name}}}"), number))
}
