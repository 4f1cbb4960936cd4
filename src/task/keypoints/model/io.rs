//! The inputs and outputs of every network of this task, for another program that uses the weights.

use serde_json::{Map, Value, json};

use super::sizes::Sizes;
use crate::nn::network::{Io, Port};

/// The inputs and outputs. `in_pth` is what a `.pth` file has beside weights, labels and the number of classes.
pub fn io(sizes: &Sizes, in_pth: Value) -> Io {
    let streams: Map<String, Value> =
        sizes.streams.iter().map(|stream| (stream.name.clone(), stream.inputs.into())).collect();
    let numbers: Vec<(&str, i64)> = sizes.streams.iter().map(|stream| (stream.name.as_str(), stream.inputs)).collect();
    let names = sizes.streams.iter().map(|stream| stream.name.clone()).chain(["lengths".to_owned()]);
    let meaning = json!({
        "streams": streams,
        "lengths": "the real frames of each sequence; those behind are padding",
        "meaning": "logits; softmax gives probabilities",
        "labels": sizes.labels,
    });
    let mut beside = object(json!({"labels": sizes.labels, "num_classes": sizes.classes(), "streams": streams}));
    beside.extend(object(in_pth));
    Io {
        input: Port::new("a tensor for each stream: batch, frames, numbers; then lengths: batch", &numbers).of(names),
        output: Port::new("batch, classes", &[("classes", sizes.classes())]),
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
