//! A classifier for other programs: its network with what its outputs mean, and probabilities beside logits.

use serde_json::{Map, Value, json};

use super::facts::ModelFacts;
use super::model::ImageNetwork;
use crate::nn::export::Script;
use crate::nn::export::steps::{Head, script};
use crate::nn::network::{Io, Network};
use crate::nn::parameters::Layout;

/// What trainers that save `.pth` files write beside them.
const BESIDE: &str = "config_finetuned.json";

/// What follows the network in Python.
const PYTHON: &str = r#"

LABELS = DESCRIPTION["labels"]
TEMPERATURE = DESCRIPTION["temperature"]


def probabilities(network, images):
    """The probabilities of all classes, in the order of LABELS: images [batch, 1, rows, columns] with values from 0 to 1, bright
    strokes on a dark ground."""
    with torch.no_grad():
        return (network(images) / TEMPERATURE).softmax(1)
"#;

/// A network whose outputs have names.
#[derive(Debug)]
pub(super) struct Exported {
    /// The network.
    pub network: Box<dyn ImageNetwork>,
    /// What is known of its classes.
    pub facts: ModelFacts,
}

impl Exported {
    fn temperature(&self) -> f64 {
        self.facts.temperature.unwrap_or(1.0)
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
        let more = json!({
            "classes": self.facts.classes,
            "inverted": self.facts.inverted,
            "temperature": self.temperature(),
            "meaning": "logits; softmax(logits / temperature) gives probabilities. TorchScript gives these at once",
        });
        if let Value::Object(more) = more {
            io.meaning.extend(more);
        }
        io.in_pth.insert("facts".into(), json!(self.facts));
        io
    }

    fn beside_pth(&self) -> Option<(&'static str, Map<String, Value>)> {
        let mut said = self.network.describe().in_pth;
        said.insert("classes".into(), json!(self.facts.classes));
        said.insert("temperature".into(), json!(self.temperature()));
        Some((BESIDE, said))
    }

    fn python(&self) -> String {
        self.network.python() + PYTHON
    }

    fn script(&self) -> Option<Script> {
        let size = self.facts.size.map(|side| side as i64);
        let head = Head { temperature: self.temperature(), size, task: "image_class" };
        Some(script(&self.network.steps(), &self.layout(), &head))
    }
}

#[cfg(test)]
mod tests {
    use tch::{CModule, Device, Kind, Tensor};

    use super::*;
    use crate::nn::export::{torchscript, weights};
    use crate::nn::layer::Mode;
    use crate::nn::parameters::Parameters;
    use crate::nn::precision::Precision;
    use crate::task::image_class::config::{CharCnnConfig, ModelConfig, ResNetConfig};
    use crate::task::image_class::model::image_network;

    #[test]
    fn every_network_in_torchscript_gives_the_probabilities_that_ours_does() {
        tch::set_num_threads(1);
        let labels: Vec<String> = ["A", "b", "ñ", "\"", "7"].map(str::to_owned).to_vec();
        let facts = json!({
            "classes": labels, "labels": labels, "size": [16, 20], "fit": "stretch", "inverted": false, "transposed": false,
            "temperature": 1.5
        });
        let facts = ModelFacts::read(&facts).unwrap();
        let residual = ResNetConfig { widths: vec![4, 8], blocks: vec![2, 1], hidden: 6, ..ResNetConfig::default() };
        for config in [ModelConfig::CharCnn(CharCnnConfig::default()), ModelConfig::Resnet(residual)] {
            let network = image_network(&config, &facts);
            let parameters = Parameters::new(&network.layout(), 5, Device::Cpu).unwrap();
            // No running mean is 0, no variance 1.
            tch::no_grad(|| drop(parameters.buffers().g_add_scalar_(0.25)));
            let tensors: Vec<(String, Tensor)> = parameters
                .names()
                .map(|name| (name.to_owned(), parameters.view(name).unwrap().detach()))
                .chain(parameters.buffer_parts().into_iter().map(|(spec, part)| (spec.name.clone(), part)))
                .collect();
            let images = Tensor::arange(4 * 320, (Kind::Float, Device::Cpu)).sin().abs().view([4, 1, 16, 20]);
            let bound = network.over(&parameters).unwrap();
            let logits = tch::no_grad(|| bound.forward(&images, Mode::Evaluation, Precision::Fp32));
            let exported = Exported { network, facts: facts.clone() };
            let mut file = Vec::new();
            let weights = weights(&exported.layout(), &tensors).unwrap();
            torchscript::write(&exported.script().unwrap(), &weights, &[], &mut file).unwrap();
            let module = CModule::load_data(&mut file.as_slice()).unwrap();
            let found = module.forward_ts(&[&images]).unwrap();
            let expected = (logits / exported.temperature()).softmax(1, Kind::Float);
            let error = (&found - &expected).abs().max().double_value(&[]);
            assert!(error <= 1e-6, "{config:?}: {error:e}");
            assert!(found.std(true).double_value(&[]) > 1e-3, "all alike");
        }
    }
}
