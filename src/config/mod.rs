//! The whole configuration: reading, overriding, checking, showing. The component that defines a section's type also
//! defines its meaning; here the sections are combined, and mistakes get their place.
//!
//! ```text
//! parse -> overlay -> check -> the types -> problems of the components -> Config
//! text     tree       shape                                               show
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::config::DataConfig;
use crate::task::TaskConfig;
use crate::train::config::{DeviceChoice, Precision, TrainConfig};

mod check;
mod diagnostic;
mod error;
mod former;
mod habits;
mod load;
mod naming;
mod output;
mod overlay;
mod parse;
mod phases;
mod problems;
#[cfg(test)]
mod reference;
mod scalar;
mod schema;
mod shape;
mod show;
mod text;
mod tree;
mod variables;

pub use diagnostic::Diagnostic;
pub use error::{ConfigError, Mistakes};
pub use load::{DEFAULT_FILE, Loaded, built_in, load, resolve};
pub use output::OutputConfig;
pub use overlay::{Override, PREFIX};
pub use schema::{schema, schema_of};
pub use show::show;
pub use variables::{KNOWN as KNOWN_VARIABLES, ignored as ignored_variables, key_named};

/// The commented default, as it was when the program was built.
pub const BUILT_IN: &str = include_str!("../../config.yaml");

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The run's name, by default that of the dataset; a number is added when a run of this name exists and is not resumed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub name: String,
    /// What all randomness follows from: on the CPU the same seed gives the same bytes.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// What the run computes on: auto, cpu, cuda or cuda:N.
    #[serde(default)]
    pub device: DeviceChoice,
    /// The type of the numbers that the model computes with.
    #[serde(default)]
    pub precision: Precision,
    /// The source of the dataset and its folder.
    pub data: DataConfig,
    /// What is trained: exactly one task.
    pub task: TaskConfig,
    /// How it is trained.
    #[serde(default)]
    pub train: TrainConfig,
    /// Where the results go.
    #[serde(default)]
    pub output: OutputConfig,
}

fn default_seed() -> u64 {
    42
}
