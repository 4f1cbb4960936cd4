//! `fragua export`: a trained model as a file that other programs read.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tracing::info;

use super::modelled::Modelled;
use super::{CommandError, output};
use crate::util::units;
use crate::worker::export::{self, Exported, Format};
use crate::worker::{TrainedModel, WorkError};

/// `fragua export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArguments {
    /// Which model.
    #[command(flatten)]
    pub modelled: Modelled,
    /// safetensors: weights by name. pth: a state dict, for images and sequences within a dictionary with the names of classes. python: the
    /// network as a Python module for PyTorch, with its weights beside it as safetensors. torchscript: one file that PyTorch
    /// runs by itself, in Python and C++. [default: by the ending of the file name]
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<FormatName>,
    /// The file to write: .safetensors, .pth, .py (python) or .pt (torchscript). An existing file is replaced, as
    /// are those beside it: for python the .safetensors of the same name, for images as pth config_finetuned.json, for
    /// sequences class_mapping.json
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Print the result as JSON, with what the file says about the model
    #[arg(long)]
    pub json: bool,
}

/// The text below the flags in the help.
const EXAMPLES: &str = "\
In Python:
  safetensors.torch.load_file(\"storms.safetensors\")
  torch.load(\"storms.pth\", weights_only=True)
  network = torch.jit.load(\"storms.pt\")
  network = storms.load()    after \"import storms\", the file storms.py
  network(frames)    radar: normalised frames [batch, time, channels, rows, columns];
                     network.from_dbz and network.to_dbz convert
  network(images)    images: [batch, 1, rows, columns], 0 to 1; .pt gives probabilities, .py logits
                     and a function probabilities(network, images)
  network(hand, body, lengths)    sequences: a tensor [batch, frames, numbers] for each stream, then the
                     frames of each sequence, as in network(torch.zeros(1, 30, 168),
                     torch.zeros(1, 30, 132), torch.tensor([30])); .pt gives probabilities and has
                     embeddings(...), .py logits and probabilities(network, ...)";

/// A format by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// Weights by name.
    Safetensors,
    /// A self-contained network.
    Torchscript,
    /// A state dict.
    Pth,
    /// The network as a Python module.
    Python,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Safetensors => Self::Safetensors,
            FormatName::Torchscript => Self::TorchScript,
            FormatName::Pth => Self::Pth,
            FormatName::Python => Self::Python,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ExportArguments) -> Result<(), CommandError> {
    let format = format_of(arguments)?;
    let model = arguments.modelled.find()?;
    let exported = export::export(&model, format, &arguments.output).map_err(WorkError::from)?;
    if arguments.json {
        let Exported { path, beside, bytes, parameters, description, .. } = &exported;
        let mut value = json!({"file": path, "format": format.name(), "bytes": bytes, "parameters": parameters,
            "weights": model.weights, "description": description});
        if let Some(beside) = beside {
            value["beside"] = json!([beside]);
        }
        return Ok(output::json(&value)?);
    }
    output::text(&text(&exported, &model))?;
    info!("{}", hint(format, &exported));
    Ok(())
}

fn format_of(arguments: &ExportArguments) -> Result<Format, CommandError> {
    let unknown = || {
        let file = arguments.output.display();
        CommandError::Usage(format!(
            "--output {file}: its name does not say the format; add --format safetensors, torchscript, pth or python"
        ))
    };
    arguments.format.map(Format::from).or_else(|| Format::of(&arguments.output)).ok_or_else(unknown)
}

fn text(exported: &Exported, model: &TrainedModel) -> String {
    let size = units::bytes(exported.bytes);
    let parameters = units::count(exported.parameters, "parameter");
    format!("{}\n{parameters}, {size}, from {}", exported.path.display(), model.weights.display())
}

/// Words that can't be the name of a module, and modules that it would hide from itself.
const NOT_A_NAME: [&str; 39] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "torch",
    "numpy",
    "safetensors",
    "json",
];

/// The name that Python imports a file by; none if it can't.
fn module(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.strip_suffix(".py")?;
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_name =
        name.chars().all(is_letter) && !name.starts_with(|first: char| first.is_numeric()) && !name.is_empty();
    (is_name && !NOT_A_NAME.contains(&name)).then_some(name)
}

fn hint(format: Format, exported: &Exported) -> String {
    let file = exported.path.display();
    match format {
        Format::Safetensors => format!("in Python: safetensors.torch.load_file({:?})", file.to_string()),
        Format::TorchScript => {
            format!("in Python: network = torch.jit.load({:?}), then network({})", file.to_string(), exported.inputs)
        }
        Format::Pth => format!("in Python: torch.load({:?}, weights_only=True)", file.to_string()),
        Format::Python => {
            let beside = "it reads the .safetensors file beside it";
            match module(&exported.path) {
                Some(name) => {
                    format!("in Python: import {name}, then {name}.load(), in the folder of the file; {beside}")
                }
                None => {
                    format!("Python can't import a file of this name: export it under one such as storms.py ({beside})")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_python_can_import_is_named_as_a_module() {
        let name = |path: &str| module(Path::new(path)).map(str::to_owned);
        assert_eq!((name("out/storms.py").as_deref(), name("a_1.py").as_deref()), (Some("storms"), Some("a_1")));
        for path in ["my-model.py", "1a.py", "torch.py", "class.py", "a.b.py", "model", ".py"] {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
