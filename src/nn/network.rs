//! The interface of a network: its parameters, its cost, its inputs and outputs, and its code in other languages. Its
//! task runs it, because only that knows the types of its input.

use std::fmt::Debug;

use serde::Serialize;
use serde_json::{Map, Value};

use super::export::Script;
use super::parameters::Layout;

/// A network of certain sizes, before it has weights.
pub trait Network: Debug {
    /// Its parameters and buffers. Their names and shapes are those of weight files.
    fn layout(&self) -> Layout;

    /// Multiplications for one sample, forward. A step of training takes about three times as many.
    fn multiplications(&self) -> f64;

    /// The inputs and outputs, for another program that uses the weights.
    fn describe(&self) -> Io;

    /// The network in PyTorch: Python code with a class `Network(nn.Module)` that takes no arguments and whose state dict has the
    /// names of weight files. `torch` and `nn` are imported by the file that contains it.
    fn python(&self) -> String;

    /// A small file beside a `.pth` file, for programs that expect one: its name, and what it says.
    fn beside_pth(&self) -> Option<(&'static str, Map<String, Value>)> {
        None
    }

    /// The keys that a `.pth` file with something beside its weights has them under: programs look for one of several.
    fn pth_keys(&self) -> &'static [&'static str] {
        &["model_state_dict"]
    }

    /// The network in TorchScript, if there is a version of it.
    fn script(&self) -> Option<Script> {
        None
    }
}

/// The inputs and outputs of a network. As JSON it is part of what an exported file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Io {
    /// The inputs.
    pub input: Port,
    /// The outputs.
    pub output: Port,
    /// The meaning of the numbers: their unit, their scaling, the sizes of the model.
    #[serde(flatten)]
    pub meaning: Map<String, Value>,
    /// What a `.pth` file has beside the weights, such as the names of classes. If there is something, the file is a dictionary
    /// of this and of the weights, under [`Network::pth_keys`]; otherwise it is the state dict itself.
    #[serde(skip)]
    pub in_pth: Map<String, Value>,
}

/// An input or output tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Port {
    /// The dimensions in order, as in "batch, time, channels, rows, columns".
    pub layout: &'static str,
    /// What its tensors are called where a network is called with them.
    #[serde(skip)]
    pub names: Vec<String>,
    /// The sizes that are fixed.
    #[serde(flatten)]
    pub sizes: Map<String, Value>,
}

impl Port {
    /// A tensor with these dimensions and these fixed sizes.
    #[must_use]
    pub fn new(layout: &'static str, sizes: &[(&str, i64)]) -> Self {
        let sizes = sizes.iter().map(|(name, size)| ((*name).to_owned(), (*size).into())).collect();
        Self { layout, names: vec!["input".to_owned()], sizes }
    }

    /// The same of several tensors with these names.
    #[must_use]
    pub fn of(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }
}
