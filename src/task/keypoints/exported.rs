//! A classifier of sequences for other programs: its network with what its inputs and outputs mean, and probabilities beside
//! logits.
//!
//! A `.pth` file also has the keys that the trainer it came from looks for, and the file of classes beside it.

use serde_json::{Map, Value, json};

use super::facts::ModelFacts;
use super::model::SequenceNetwork;
use super::model::script::whole;
use crate::nn::export::Script;
use crate::nn::network::{Io, Network};
use crate::nn::parameters::Layout;

/// The file of classes, and its list of them.
pub(super) const CLASSES: (&str, &str) = ("class_mapping.json", "new_class_names");

/// What follows the network in Python.
const PYTHON: &str = r#"

LABELS = DESCRIPTION["labels"]
TEMPERATURE = DESCRIPTION["temperature"]


def probabilities(network, *streams_and_lengths):
    """The probabilities of all classes, in the order of LABELS: a tensor [batch, frames, numbers] for each stream, padded with
    zeros, and the lengths [batch]."""
    with torch.no_grad():
        return (network(*streams_and_lengths) / TEMPERATURE).softmax(1)
"#;

/// A network whose outputs have names.
#[derive(Debug)]
pub(super) struct Exported {
    /// The network.
    pub network: Box<dyn SequenceNetwork>,
    /// What is known of its streams and classes.
    pub facts: ModelFacts,
}

impl Exported {
    fn temperature(&self) -> f64 {
        self.facts.temperature.unwrap_or(1.0)
    }

    fn has_other(&self) -> bool {
        self.facts.other.is_some()
    }
}

impl Network for Exported {
    fn layout(&self) -> Layout {
        self.network.layout()
    }

    fn multiplications(&self) -> f64 {
        self.network.multiplications()
    }

    fn describe(&self) -> Io {
        let mut io = self.network.describe();
        let recipe = &self.facts.recipe;
        io.meaning.extend(object(json!({
            "classes": self.facts.classes,
            "points": recipe.streams,
            "values": recipe.values,
            "missing": recipe.missing,
            "normalise": recipe.normalise,
            "max_frames": recipe.max_frames,
            "differences": self.facts.differences,
            "temperature": self.temperature(),
            "meaning": "logits; softmax(logits / temperature) gives probabilities. TorchScript gives these at once",
        })));
        io.in_pth.extend(object(json!({
            "facts": self.facts, "classes": self.facts.classes, "temperature": self.temperature(),
            "epoch": 0, "optimizer_state": {}, "metrics": {}, "timestamp": "", "tail_to_other": self.has_other(),
        })));
        io
    }

    fn beside_pth(&self) -> Option<(&'static str, Map<String, Value>)> {
        let (file, key) = CLASSES;
        let classes = &self.facts.classes;
        Some((file, object(json!({key: classes, "num_classes": classes.len(), "tail_to_other": self.has_other()}))))
    }

    fn pth_keys(&self) -> &'static [&'static str] {
        &["model_state_dict", "model_state"]
    }

    fn python(&self) -> String {
        self.network.python() + PYTHON
    }

    fn script(&self) -> Option<Script> {
        let (network, sizes) = self.network.torchscript();
        Some(whole(network, sizes, self.temperature()))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use tch::{CModule, Device, IValue, Kind, Tensor};

    use super::*;
    use crate::nn::export::{torchscript, weights};
    use crate::nn::layer::Mode;
    use crate::nn::parameters::Parameters;
    use crate::nn::precision::Precision;
    use crate::task::keypoints::config::{KeypointsConfig, LstmConfig, ModelConfig, Pooling};
    use crate::task::keypoints::model::Sequences;
    use crate::task::keypoints::model::config::ConvTransformerConfig;
    use crate::task::keypoints::recipe::Recipe;
    use crate::task::keypoints::training::network;

    /// Two streams, of which the second is projected by two layers.
    fn exported(model: ModelConfig) -> Exported {
        let prepare = json!({"streams": {"class": {"points": 3}, "face": {"points": 501}}, "values": ["x", "y"]});
        let config: KeypointsConfig = serde_json::from_value(json!({"prepare": prepare, "model": model})).unwrap();
        let classes = ["A", "b", "ñ", "\"", "OTHER"].map(str::to_owned).to_vec();
        let (recipe, differences) = (Recipe::of(&config.prepare), Vec::new());
        let facts = ModelFacts { classes, recipe, differences, other: Some(4), frames: 5, temperature: Some(1.5) };
        Exported { network: network(&config, &facts), facts }
    }

    fn models() -> Vec<ModelConfig> {
        let pooling = [Pooling::Mean, Pooling::Max, Pooling::Last];
        let lstm = |pooling| {
            ModelConfig::Lstm(LstmConfig { hidden: 6, layers: 2, embedding: 8, pooling, ..LstmConfig::default() })
        };
        let other =
            ConvTransformerConfig { width: 8, heads: 2, kernel: 4, causal: false, embedding: 6, ..Default::default() };
        pooling.into_iter().map(lstm).chain([ModelConfig::ConvTransformer(other)]).collect()
    }

    #[test]
    fn every_network_in_torchscript_gives_the_probabilities_that_ours_does_whatever_is_padded() {
        tch::set_num_threads(1);
        for model in models() {
            let exported = exported(model.clone());
            let parameters = Parameters::new(&exported.layout(), 5, Device::Cpu).unwrap();
            let tensors: Vec<(String, Tensor)> =
                parameters.names().map(|name| (name.to_owned(), parameters.view(name).unwrap().detach())).collect();
            let numbers = |width: i64| (Tensor::arange(3 * 7 * width, (Kind::Float, Device::Cpu)) * 0.7).sin();
            let streams = [6, 1002].map(|width| numbers(width).view([3, 7, width]));
            let lengths = [7_i64, 1, 4];
            let sequences =
                Sequences { streams: streams.iter().map(Tensor::shallow_clone).collect(), lengths: lengths.to_vec() };
            let bound = exported.network.over(&parameters).unwrap();
            let logits = tch::no_grad(|| bound.forward(&sequences, Mode::Evaluation, Precision::Fp32)).logits_bc;

            let mut file = Vec::new();
            let script = exported.script().unwrap();
            torchscript::write(&script, &weights(&exported.layout(), &tensors).unwrap(), &[], &mut file).unwrap();
            let module =
                CModule::load_data(&mut file.as_slice()).unwrap_or_else(|error| panic!("{error}\n{}", script.code));
            let lengths = Tensor::from_slice(&lengths);
            for (sequence, length) in [7, 1, 4].into_iter().enumerate() {
                let padding = streams[0].get(sequence as i64).narrow(0, length, 7 - length);
                tch::no_grad(|| drop(padding.shallow_clone().fill_(f64::NAN)));
            }
            let [hand, face] = &streams;
            let found = module.forward_ts(&[hand, face, &lengths]).unwrap();
            let expected = (logits / 1.5).softmax(1, Kind::Float);
            let error = (&found - &expected).abs().max().double_value(&[]);
            assert!(error <= 1e-6, "{model:?}: {error:e}");
            assert!(found.std(true).double_value(&[]) > 1e-3, "all alike");
            let inputs = [hand, face, &lengths].map(|tensor| IValue::Tensor(tensor.shallow_clone()));
            match module.method_is("embeddings", &inputs).unwrap() {
                IValue::Tensor(pooled) => assert_eq!(pooled.size(), [3, if model.name() == "lstm" { 8 } else { 6 }]),
                other => panic!("{other:?}"),
            }
            let refused = |lengths: &[i64]| {
                module.forward_ts(&[hand, face, &Tensor::from_slice(lengths)]).unwrap_err().to_string()
            };
            assert!(refused(&[7, 0, 1]).contains("expected lengths of at least 1"));
            assert!(refused(&[7, 8, 1]).contains("at most the frames"));
            assert!(refused(&[7, 1]).contains("as many lengths as sequences"));
            let reals = module.forward_ts(&[hand, face, &lengths.to_kind(Kind::Float)]).unwrap_err().to_string();
            assert!(reals.contains("expected lengths as whole numbers"), "{reals}");
            let doubled = [hand, face].map(|stream| stream.to_kind(Kind::Double));
            let same = module.forward_ts(&[&doubled[0], &doubled[1], &lengths]).unwrap();
            assert!(same.equal(&found), "numbers in double precision are those in single precision");
            let wrong = module.forward_ts(&[face, hand, &lengths]).unwrap_err().to_string();
            assert!(wrong.contains("so many numbers of a frame: class 6, face 1002"), "{wrong}");
        }
    }

    #[test]
    fn a_pth_file_has_the_keys_of_the_trainer_it_came_from_and_is_read_again() {
        let exported = exported(models().remove(0));
        let parameters = Parameters::new(&exported.layout(), 5, Device::Cpu).unwrap();
        let tensors: Vec<(String, Tensor)> =
            parameters.names().map(|name| (name.to_owned(), parameters.view(name).unwrap().detach())).collect();
        let io = exported.describe();
        let keys = ["epoch", "optimizer_state", "metrics", "timestamp", "num_classes", "tail_to_other"];
        assert!(keys.iter().all(|key| io.in_pth.contains_key(*key)), "{:?}", io.in_pth.keys());
        assert_eq!((&io.in_pth["num_classes"], &io.in_pth["tail_to_other"]), (&json!(5), &json!(true)));
        let (name, beside) = exported.beside_pth().unwrap();
        assert_eq!((name, &beside["new_class_names"][2]), ("class_mapping.json", &json!("ñ")));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.pth");
        let mut file = std::fs::File::create(&path).unwrap();
        let weights = weights(&exported.layout(), &tensors).unwrap();
        crate::nn::export::pth::write(&weights, (exported.pth_keys(), &io.in_pth), &[], &mut file).unwrap();
        let read = crate::nn::weights::read_all(&path).unwrap();
        assert_eq!((read.tensors.len(), &read.beside["facts"]["classes"][1]), (tensors.len(), &json!("b")));
        assert!(read.tensors.iter().zip(&tensors).all(|(read, own)| read.0 == own.0 && read.1.equal(&own.1)));
    }
}
