//! Which trained model a command uses: the flags for it, and the search.

use std::path::{Path, PathBuf};

use clap::Args;

use super::CommandError;
use super::commands::variables;
use crate::config::{self, Config, Override};
use crate::worker::{TrainedError, TrainedModel, Wanted, WorkError};

/// Which trained model is meant.
#[derive(Clone, Debug, Args)]
pub struct Modelled {
    /// The model: a run folder, its name, latest, a checkpoint or a file of weights (.safetensors, or .pth and .pt of
    /// torch.save); of a run, the best weights
    #[arg(long, value_name = "RUN", default_value = "latest")]
    pub checkpoint: String,
    /// The folder of all runs [default: output.root of config.yaml]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// A configuration instead of that of the run
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one value of the run, written as YAML; may be repeated: --set data.name=radar
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// auto, cpu, cuda or cuda:N [default: device of the run]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
}

impl Modelled {
    /// Finds the model.
    pub(super) fn find(&self) -> Result<TrainedModel, CommandError> {
        let path = Path::new(&self.checkpoint);
        let is_found = path.is_file() || path.join("run.json").is_file() || path.join("manifest.json").is_file();
        let root = match (&self.runs, is_found) {
            (Some(root), _) => root.clone(),
            // It is not found by name, so an unreadable configuration does not matter.
            (None, true) => PathBuf::new(),
            (None, false) => runs_folder(&self.sets)?,
        };
        let device = self.device.as_ref().map(|device| {
            let quoted = serde_json::Value::String(device.clone()).to_string();
            Override::flag("--device", "device", &quoted)
        });
        let overrides: Vec<Override> = self.sets.iter().map(|set| Override::set(set)).chain(device).collect();
        let variables: Vec<(String, String)> = variables().collect();
        let wanted = Wanted {
            model: &self.checkpoint,
            root: &root,
            config: self.config.as_deref(),
            overrides: &overrides,
            variables: &variables,
        };
        TrainedModel::find(&wanted).map_err(|error| match error {
            TrainedError::Config(error) => error.into(),
            other => WorkError::from(other).into(),
        })
    }
}

/// The folder of all runs, as configured in this folder. Whatever else is set is meant for the configuration of the run, which
/// may be of another task than the one in this folder.
pub(super) fn runs_folder(sets: &[String]) -> Result<PathBuf, CommandError> {
    let is_output = |set: &&String| set.split(['=', '.']).next().is_some_and(|key| key.trim() == "output");
    let overrides: Vec<Override> = sets.iter().filter(is_output).map(|set| Override::set(set)).collect();
    let outputs = variables().filter(|(name, _)| name.to_ascii_uppercase().starts_with("FRAGUA__OUTPUT"));
    let config: Config = config::load(None, outputs, &overrides)?.config;
    Ok(config.output.root)
}
