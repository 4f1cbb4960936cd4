//! The `output` section: where run folders go. What is in them is decided by those who write them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

/// The `output` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The folder that holds all run folders.
    pub root: PathBuf,
    /// A second folder, on another disk, that what a run finishes is copied to.
    pub mirror: Option<PathBuf>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { root: "model_output".into(), mirror: None }
    }
}

impl OutputConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.root.as_os_str().is_empty() {
            found.push(Problem::new("root", "the path is empty", "write the folder of all runs: model_output"));
        }
        match &self.mirror {
            Some(mirror) if mirror.as_os_str().is_empty() => {
                found.push(Problem::new("mirror", "the path is empty", "write a folder, or null for no mirror"));
            }
            Some(mirror) if *mirror == self.root => {
                let message = format!("the mirror {} is the output folder itself", mirror.display());
                found.push(Problem::new("mirror", message, "write a folder on another disk, or null for no mirror"));
            }
            _ => {}
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_must_be_another_folder() {
        let config = |mirror: &str| OutputConfig { mirror: Some(mirror.into()), ..OutputConfig::default() };
        assert_eq!(OutputConfig::default().problems(), []);
        assert_eq!(config("/backup").problems(), []);
        for wrong in ["model_output", ""] {
            assert_eq!(config(wrong).problems()[0].path, "mirror");
        }
    }
}
