//! A network as a Python module: the PyTorch code that its model gives, what the model is for, and a function that loads the
//! weights. Anyone with PyTorch can run it, train it further, or copy from it, without this program.

use std::io::{self, Write};

const MODULE: &str = r#""""{title}: the network in PyTorch. {file}.safetensors, beside this file, has the weights.

    network = load()                  # ready to predict; load(device="cuda") puts it on a GPU
    network({inputs})                    # {layout}

DESCRIPTION says what goes in, what comes out, and what the numbers mean. Needs torch and safetensors.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

DESCRIPTION = json.loads(r"""{description}""")


{code}

def load(weights=Path(__file__).with_suffix(".safetensors"), device="cpu"):
    """The network with its weights, in evaluation mode."""
    network = Network()
    network.load_state_dict(load_file(weights))
    return network.to(device).eval()
"#;

/// What a module states about its network.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// What it is: "characters model of the run letters".
    pub title: &'a str,
    /// The name of both files, without what follows the dot.
    pub file: &'a str,
    /// The names of the inputs, as in a call.
    pub inputs: &'a str,
    /// The dimensions of the input.
    pub layout: &'a str,
    /// All about it, as JSON.
    pub description: &'a str,
    /// A class `Network`, which [`crate::nn::network::Network::python`] gives.
    pub code: &'a str,
}

/// Writes it.
///
/// # Errors
/// If the disk fails.
pub fn write(module: &Module<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Module { title, file, inputs, layout, description, code } = *module;
    // A name must not end the text that it is in. JSON can't: it has no three quotes in a row, and ends in a brace.
    let plain = |name: &str| name.replace(['"', '\\'], "_");
    let (title, file) = (plain(title), plain(file));
    let fields = [
        ("title", &*title),
        ("file", &*file),
        ("inputs", inputs),
        ("layout", layout),
        ("description", description),
        ("code", code),
    ];
    let text =
        fields.iter().fold(MODULE.to_owned(), |text, (name, value)| text.replacen(&format!("{{{name}}}"), value, 1));
    out.write_all(text.as_bytes())
}
