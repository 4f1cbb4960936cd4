//! A trained model as a file for other programs: its description, and where it is written. The formats are in
//! `nn::export` and in the code for weights files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;

use super::trained::{TrainedError, TrainedModel};
use crate::nn::export::python::{self, Module};
use crate::nn::export::{self, MAX_ARCHIVE_BYTES, Weight, pth, torchscript};
use crate::nn::network::Io;
use crate::nn::parameters::Numbers;
use crate::task::Misfit;
use crate::train::checkpoint::weights::{FACTS, write as write_safetensors};
use crate::train::checkpoint::{Dtype, NamedArray};
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::{self, FsError};
use crate::util::units;

/// The name of the description within an archive, and its key in a safetensors header.
const DESCRIPTION: &str = "fragua.json";

/// The ending of the name of a weights file.
const SAFETENSORS: &str = "safetensors";

/// A model that can't be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// There is no such model.
    #[error(transparent)]
    Trained(#[from] TrainedError),
    /// The weights are of another model.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// They can't be written in this format.
    #[error(transparent)]
    Network(#[from] export::ExportError),
    /// The format does not support a file of this size.
    #[error("the weights have {}, and a {format} file holds less than 4 GB; use --format safetensors", units::bytes(*bytes))]
    TooLarge {
        /// Their size.
        bytes: u64,
        /// The format.
        format: &'static str,
    },
    /// This network has no TorchScript implementation.
    #[error("this model has no TorchScript form; use --format python, which PyTorch runs as well")]
    NoScript,
    /// The module and its weights would be the same file.
    #[error("{} is the name of the weights; name the module beside them, such as {}", path.display(), path.with_extension("py").display())]
    OneName {
        /// The file.
        path: PathBuf,
    },
    /// A folder has this name.
    #[error("{} is a folder; name a file, such as {}", path.display(), path.join(example).display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// A name for a file in it.
        example: String,
    },
    /// The export would replace the file that it is made from.
    #[error("{} is the file that would be exported; give --output another name", path.display())]
    Itself {
        /// The file.
        path: PathBuf,
    },
    /// The network can't be made for these weights.
    #[error(transparent)]
    Task(#[from] Failed),
    /// An I/O error.
    #[error(transparent)]
    File(#[from] FsError),
}

impl ExportError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Trained(error) => error.exit(),
            Self::Misfit(error) => error.exit(),
            Self::Network(error) => error.exit(),
            Self::TooLarge { .. } => Exit::DataRefused,
            Self::NoScript | Self::OneName { .. } => Exit::Usage,
            Self::Folder { .. } => Exit::OutputNotWritable,
            Self::Itself { .. } => Exit::Usage,
            Self::Task(error) => error.exit(),
            Self::File(error) => error.exit(),
        }
    }
}

/// The format of an exported model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Named tensors and a description.
    Safetensors,
    /// A network that runs without other code.
    TorchScript,
    /// A state dict.
    Pth,
    /// The network in PyTorch, with its weights as safetensors beside it.
    Python,
}

impl Format {
    /// The format that a file name implies.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "safetensors" => Some(Self::Safetensors),
            "pt" | "torchscript" => Some(Self::TorchScript),
            "pth" => Some(Self::Pth),
            "py" => Some(Self::Python),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TorchScript => "torchscript",
            Self::Pth => "pth",
            Self::Python => "python",
        }
    }

    /// The usual extension of its files.
    fn extension(self) -> &'static str {
        match self {
            Self::TorchScript => "pt",
            Self::Python => "py",
            other => other.name(),
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The requested file.
    pub path: PathBuf,
    /// The file beside it: the weights, if the requested file contains none; or what programs that read it expect.
    pub beside: Option<PathBuf>,
    /// The total size of all files written.
    pub bytes: u64,
    /// Parameters of the model.
    pub parameters: u64,
    /// The description of the model in the file.
    pub description: Value,
    /// The names of the inputs, as in a call.
    pub inputs: String,
}

/// Writes a model. Creates missing folders above the file; replaces a file of the same name atomically.
///
/// # Errors
/// If the weights are not those of the configuration, or the file can't be written.
pub fn export(model: &TrainedModel, format: Format, output: &Path) -> Result<Exported, ExportError> {
    let network = model.config.task.kind().network(&model.facts)?;
    let beside = network.beside_pth().filter(|_| format == Format::Pth);
    let files = files(format, output, beside.as_ref().map(|(name, _)| *name))?;
    files.iter().try_for_each(|file| check_place(model, format, file))?;
    // Before anything is created: a refused export leaves nothing behind.
    let script = network.script();
    if format == Format::TorchScript && script.is_none() {
        return Err(ExportError::NoScript);
    }
    let tensors = model.config.task.kind().weights(&model.weights, Some(&model.facts))?.tensors;
    let weights = export::weights(&network.layout(), &tensors).map_err(|error| match error {
        export::ExportError::Fits(report) => Misfit { file: model.weights.clone(), report: report.to_string() }.into(),
        other => ExportError::from(other),
    })?;
    drop(tensors);
    let (bytes, parameters) = (export::bytes(&weights), export::trained(&weights));
    if matches!(format, Format::TorchScript | Format::Pth) && bytes > MAX_ARCHIVE_BYTES {
        return Err(ExportError::TooLarge { bytes, format: format.name() });
    }
    let io = network.describe();
    let description = description(model, &io);
    let text = description.to_string();
    let extra = [(DESCRIPTION, text.as_str())];
    fs::create_dir_all(folder_of(output))?;
    match format {
        Format::TorchScript => {
            let script = script.ok_or(ExportError::NoScript)?;
            replace(output, |out| torchscript::write(&script, &weights, &extra, out))?;
        }
        Format::Safetensors => safetensors(model, weights, &text, output)?,
        Format::Pth => {
            replace(output, |out| pth::write(&weights, (network.pth_keys(), &io.in_pth), &extra, out))?;
            if let Some((name, said)) = &beside {
                replace(&output.with_file_name(name), |out| writeln!(out, "{:#}", Value::Object(said.clone())))?;
            }
        }
        Format::Python => {
            safetensors(model, weights, &text, &output.with_extension(SAFETENSORS))?;
            let module = Module {
                title: &title(model),
                file: &output.file_stem().unwrap_or_default().to_string_lossy(),
                inputs: &io.input.names.join(", "),
                layout: io.input.layout,
                description: &text,
                code: &network.python(),
            };
            replace(output, |out| python::write(&module, out))?;
        }
    }
    let size = |path: &PathBuf| Ok(std::fs::metadata(path).map_err(FsError::at("look at", path))?.len());
    let bytes = files.iter().map(size).sum::<Result<u64, FsError>>()?;
    Ok(Exported {
        path: output.into(),
        beside: files.get(1).cloned(),
        bytes,
        parameters,
        description,
        inputs: io.input.names.join(", "),
    })
}

/// The files to write, the requested one first.
fn files(format: Format, output: &Path, beside: Option<&str>) -> Result<Vec<PathBuf>, ExportError> {
    let weights = output.with_extension(SAFETENSORS);
    match format {
        Format::Python if weights == output => Err(ExportError::OneName { path: weights }),
        Format::Python => Ok(vec![output.into(), weights]),
        _ => Ok(std::iter::once(output.into()).chain(beside.map(|name| output.with_file_name(name))).collect()),
    }
}

/// "characters model of the run letters".
fn title(model: &TrainedModel) -> String {
    let run = model.run_name().map_or_else(String::new, |run| format!(" of the run {run}"));
    format!("{} model{run}", model.config.task.name())
}

fn check_place(model: &TrainedModel, format: Format, output: &Path) -> Result<(), ExportError> {
    let ends_in_slash = output.as_os_str().to_string_lossy().ends_with('/');
    if output.is_dir() || ends_in_slash || output.file_name().is_none() {
        let name = model.run_name().unwrap_or_else(|| "model".into());
        let example = format!("{name}.{}", format.extension());
        return Err(ExportError::Folder { path: output.into(), example });
    }
    fs::check_output(output)?;
    let same = |one: &Path, other: &Path| Some(one.canonicalize().ok()? == other.canonicalize().ok()?);
    match same(&model.weights, output) {
        Some(true) => Err(ExportError::Itself { path: output.into() }),
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What another program must know to use the model: its inputs, its outputs, and what the numbers mean.
fn description(model: &TrainedModel, io: &Io) -> Value {
    let mut description = json!({
        "format_version": 1,
        "program": concat!("fragua ", env!("CARGO_PKG_VERSION")),
        "task": model.config.task.name(),
        "run": model.run_name(),
        "checkpoint": model.says.get("checkpoint"),
    });
    if let (Value::Object(all), Ok(Value::Object(io))) = (&mut description, serde_json::to_value(io)) {
        all.extend(io);
    }
    description
}

/// With the description as one entry of the header, beside the metadata of the weights.
fn safetensors(
    model: &TrainedModel,
    weights: Vec<Weight>,
    description: &str,
    output: &Path,
) -> Result<(), ExportError> {
    let mut metadata = model.says.clone();
    metadata.insert("format".into(), "pt".into());
    metadata.insert("task".into(), model.config.task.name().into());
    metadata.insert("program".into(), concat!("fragua ", env!("CARGO_PKG_VERSION")).into());
    metadata.insert("description".into(), description.into());
    if !model.facts.is_null() {
        metadata.insert(FACTS.into(), model.facts.to_string());
    }
    let array = |weight: Weight| {
        let Weight { name, shape, numbers, bytes, .. } = weight;
        let dtype = match numbers {
            Numbers::Float => Dtype::F32,
            Numbers::Whole => Dtype::I64,
        };
        NamedArray { name, dtype, shape, bytes }
    };
    let arrays: Vec<_> = weights.into_iter().map(array).collect();
    Ok(write_safetensors(output, &arrays, &metadata)?)
}

/// Writes a file so that a reader sees the old one or the new, never a part, even if writing fails.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FsError> {
    let partial = fs::partial_name(path);
    let written = complete(&partial, write).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&partial)))
}

fn complete(partial: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FsError> {
    let mut file = BufWriter::new(File::create(partial).map_err(FsError::at("create", partial))?);
    write(&mut file).and_then(|()| file.flush()).map_err(FsError::at("write", partial))?;
    file.get_ref().sync_all().map_err(FsError::at("sync", partial))
}
