//! The `data` section: the source of the dataset and its folder.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loader::LoaderConfig;
use super::synthetic::Synthetic;
use crate::util::sha256::Digest;

/// The `data` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder that holds all datasets.
    #[serde(default = "default_root")]
    pub root: PathBuf,
    /// The dataset's folder below `root`, which will hold `raw` and `prepared`. By default synthetic data is named for what the
    /// task learns from, other data for the configuration's file or for its source.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub name: String,
    /// Where the dataset comes from: mirrors, tried in order.
    pub source: Vec<Source>,
    /// The share of the samples that is used, of every side: less than 1 for a quick run.
    #[serde(default = "default_fraction")]
    pub fraction: f64,
    /// How samples are brought to training.
    #[serde(default)]
    pub loader: LoaderConfig,
}

impl DataConfig {
    /// The dataset's folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.join(&self.name)
    }
}

fn default_root() -> PathBuf {
    "datasets".into()
}

fn default_fraction() -> f64 {
    1.0
}

/// One place that has the dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A dataset that is made on this machine, in the real file format.
    Synthetic(Synthetic),
    /// A file or folder that is shared on Google Drive with everybody who has the link.
    Gdrive(Gdrive),
    /// A file on a web server.
    Url(UrlSource),
    /// An archive on this machine, or a folder that is used in place.
    Path(PathSource),
}

/// A file or folder on Google Drive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gdrive {
    /// The id, or any address that the Share button gives.
    pub id: String,
    /// The expected SHA-256 of the file.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "sha256", "pattern" = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<Digest>,
    /// The expected size of the file in bytes.
    #[serde(default)]
    pub size_bytes: Option<u64>,
}

/// A file on a web server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UrlSource {
    /// The address: http, https or file.
    pub href: String,
    /// The expected SHA-256 of the file.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "sha256", "pattern" = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<Digest>,
    /// The expected size of the file in bytes.
    #[serde(default)]
    pub size_bytes: Option<u64>,
}

/// An archive or a folder on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathSource {
    /// The archive or the folder.
    pub path: PathBuf,
    /// The expected SHA-256 of the archive.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "sha256", "pattern" = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<Digest>,
}
