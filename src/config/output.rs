//! The `output` section: the folder of runs, and the mirror for copies of them. Not what is in a run.

use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::mirror::{Address, Refused};
use crate::util::problem::Problem;

/// The `output` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The folder that holds all run folders.
    pub root: PathBuf,
    /// A place off this machine that runs are copied to while they train, and resumed from: s3://bucket/prefix,
    /// gs://bucket/prefix, az://container/prefix, file:///folder, or null for none. Credentials come from the environment.
    pub mirror: Option<String>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { root: "model_output".into(), mirror: None }
    }
}

impl OutputConfig {
    /// The mirror, if there is one.
    ///
    /// # Errors
    /// If the address is invalid; [`OutputConfig::problems`] reports that too.
    pub fn mirror_address(&self) -> Result<Option<Address>, Refused> {
        self.mirror.as_deref().map(Address::parse).transpose()
    }

    /// A mirror that is the folder of the datasets, or in it: preparing would find the copies.
    #[must_use]
    pub fn mirror_among(&self, datasets: &Path) -> Option<Problem> {
        let Ok(Some(Address::Folder(folder))) = self.mirror_address() else { return None };
        let message = format!("the mirror {} is in the folder of the datasets", folder.display());
        let problem = || Problem::new("mirror", message, "write a folder on another disk, or null for no mirror");
        whole(&folder).starts_with(whole(datasets)).then(problem)
    }

    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.root.as_os_str().is_empty() {
            found.push(Problem::new("root", "the path is empty", "write the folder of all runs: model_output"));
        }
        match self.mirror_address() {
            Err(refused) => {
                let problem = Problem::new("mirror", refused.message, format!("{}; null is no mirror", refused.remedy));
                found.push(if refused.secret { problem.secret() } else { problem });
            }
            Ok(Some(Address::Folder(folder))) if whole(&folder).starts_with(whole(&self.root)) => {
                let message = format!("the mirror {} is in the output folder itself", folder.display());
                found.push(Problem::new("mirror", message, "write a folder on another disk, or null for no mirror"));
            }
            Ok(_) => {}
        }
        found
    }
}

/// A path from the root of the file system, without looking at the disk more than needed.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            other => whole.push(other),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(mirror: &str) -> OutputConfig {
        OutputConfig { mirror: Some(mirror.into()), ..OutputConfig::default() }
    }

    #[test]
    fn a_mirror_is_a_bucket_or_another_folder() {
        assert_eq!(OutputConfig::default().problems(), []);
        for right in ["/backup", "s3://runs/radar", "gs://runs", "az://runs/a", "file:///backup", "../copies"] {
            assert_eq!(config(right).problems(), [], "{right}");
        }
        for wrong in ["model_output", "", "./model_output/copies", "s3://", "ftp://host/a", "x/../model_output"] {
            assert_eq!(config(wrong).problems()[0].path, "mirror", "{wrong}");
        }
    }

    #[test]
    fn a_mirror_among_the_datasets_is_refused() {
        let found = |mirror| config(mirror).mirror_among(Path::new("/data/sets")).map(|problem| problem.path);
        assert_eq!(found("file:///data/sets").as_deref(), Some("mirror"));
        assert_eq!(found("file:///data/sets/copies").as_deref(), Some("mirror"));
        assert_eq!((found("file:///data/copies"), found("s3://data/sets")), (None, None));
    }

    #[test]
    fn a_mirror_with_a_secret_is_refused_and_its_line_not_shown() {
        let problems = config("s3://AKIA:hunter2@runs").problems();
        assert!(problems[0].secret && !format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}
