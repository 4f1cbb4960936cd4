//! Weights to start from: a file of safetensors or of PyTorch, a checkpoint or another run. Tensors that fit are loaded, the
//! others are reported; if most of a model would stay as it is, the weights are refused.

use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::error::TrainingError;
use crate::config::Config;
use crate::nn::weights::Weights;
use crate::task::Kind;
use crate::train::learner::Learner;
use crate::train::run_folder::listing;
use crate::worker::trained;

/// The configured weights file: looked up before hours of downloading, not after.
pub(super) fn find(config: &Config) -> Result<Option<PathBuf>, TrainingError> {
    let Some(wanted) = &config.train.init_from else { return Ok(None) };
    let root = &config.output.root;
    let missing = || TrainingError::NoWeights { wanted: wanted.clone(), root: root.clone() };
    let path = file(wanted, root).ok_or_else(missing)?;
    check(&path, config.task.kind())?;
    Ok(Some(path))
}

/// Weights that are not finite would end the training at its first step.
fn check(path: &Path, kind: &dyn Kind) -> Result<(), TrainingError> {
    for (tensor, values) in weights_of(path, kind)?.tensors {
        if !bool::try_from(values.isfinite().all()).unwrap_or(false) {
            return Err(TrainingError::NotFinite { file: path.to_owned(), tensor });
        }
    }
    Ok(())
}

fn weights_of(path: &Path, kind: &dyn Kind) -> Result<Weights, TrainingError> {
    kind.weights(path, None).map_err(TrainingError::Weights)
}

/// Loads the weights of a file into a learner, as far as they fit, and `reports` which were loaded and which were not.
pub(super) fn load(
    path: &Path,
    kind: &dyn Kind,
    learner: &mut dyn Learner,
    reports: bool,
) -> Result<(), TrainingError> {
    let report = learner.load(weights_of(path, kind)?);
    if report.loaded.is_empty() {
        return Err(TrainingError::NothingFits { file: path.to_owned(), report: report.to_string() });
    }
    let all = report.loaded.len() + report.missing.len() + report.mismatched.len();
    if report.loaded.len() * 2 < all {
        let (file, fits) = (path.to_owned(), report.loaded.len());
        return Err(TrainingError::FewFit { file, fits, all, report: report.to_string() });
    }
    let text = format!("starting from {}: {report}", path.display());
    match report.is_complete() {
        _ if !reports => {}
        true => info!("{text}"),
        false => warn!("{text}"),
    }
    Ok(())
}

fn file(wanted: &Path, root: &Path) -> Option<PathBuf> {
    if wanted.is_file() {
        return Some(wanted.to_owned());
    }
    let run = wanted.to_str().and_then(|name| listing::resolve(root, name).ok());
    let mut folders = [Some(wanted.to_owned()), run].into_iter().flatten();
    folders.find_map(|folder| trained::within(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_a_checkpoint_and_a_run_are_found_with_the_best_weights_they_have() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("storms");
        let checkpoint = run.join("checkpoints/e0001-s000010");
        for folder in [run.join("weights"), checkpoint.clone()] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let put = |path: PathBuf| {
            std::fs::write(&path, "").unwrap();
            path
        };
        let model = put(checkpoint.join("model.safetensors"));
        assert_eq!(file(&checkpoint, root.path()), Some(model.clone()));
        assert_eq!(file(&model, root.path()), Some(model));
        let averaged = put(checkpoint.join("ema.safetensors"));
        assert_eq!(file(&checkpoint, root.path()), Some(averaged));
        let last = put(run.join("weights/last.safetensors"));
        assert_eq!(file(&run, root.path()), Some(last));
        let best = put(run.join("weights/best.safetensors"));
        assert_eq!(file(&run, root.path()), Some(best));
        assert_eq!(file(Path::new("storms-2"), root.path()), None);
    }
}
