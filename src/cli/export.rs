//! `fragua export`: a trained model as a file that other programs read.

use std::path::PathBuf;

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
    /// safetensors: weights by name. pth: a state dict, for images within a dictionary with the names of classes. python: the
    /// network as a Python module for PyTorch, with its weights beside it as safetensors. torchscript: one file that PyTorch
    /// runs by itself, in Python and C++. [default: by the ending of the file name]
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<FormatName>,
    /// The file to write: .safetensors, .pth, .py (python) or .pt (torchscript). An existing file is replaced, as
    /// are those beside it: for python the .safetensors of the same name, for images as pth config_finetuned.json
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
                     and a function probabilities(network, images)";

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
        let Exported { path, beside, bytes, parameters, description } = &exported;
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

fn hint(format: Format, exported: &Exported) -> String {
    let file = exported.path.display();
    match format {
        Format::Safetensors => format!("in Python: safetensors.torch.load_file({:?})", file.to_string()),
        Format::TorchScript => format!("in Python: torch.jit.load({:?}), then call it", file.to_string()),
        Format::Pth => format!("in Python: torch.load({:?}, weights_only=True)", file.to_string()),
        Format::Python => format!("in Python: import {file} and call load(); it reads the .safetensors file beside it"),
    }
}
