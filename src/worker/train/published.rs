//! The published weights of a run, and whether they are still those that it recorded.

use std::collections::BTreeMap;
use std::path::Path;

use tracing::warn;

use crate::train::run_folder::history::Story;
use crate::train::run_folder::record::RunRecord;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// The published weights.
const WEIGHTS: [&str; 2] = ["weights/best.safetensors", "weights/last.safetensors"];

/// The published weights with their digests, for `run.json`.
pub(super) fn digests(run: &Path) -> Result<BTreeMap<String, String>, FsError> {
    let digest = |path: &str| match Digest::of_file(&run.join(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::at("read", &run.join(path))(error)),
        Ok(digest) => Ok(Some((path.to_owned(), digest.to_string()))),
    };
    WEIGHTS.into_iter().filter_map(|path| digest(path).transpose()).collect()
}

/// Whether a run has ever published weights: it then had a checkpoint.
pub(super) fn are_there(run: &Path) -> bool {
    WEIGHTS.iter().any(|path| run.join(path).exists())
}

/// Whether a finished run still has its history, and the weights that it recorded.
pub(super) fn is_whole(run: &Path) -> bool {
    let history = run.join("history.json");
    if Story::read(&history).is_err() {
        warn!("{} is not what was written: it is restored from the checkpoint", history.display());
        return false;
    }
    let recorded = RunRecord::read(&run.join("run.json")).ok().flatten().map(|record| record.weights);
    let found = digests(run).unwrap_or_default();
    let is_whole = recorded.is_none_or(|recorded| recorded.is_empty() || recorded == found);
    if !is_whole {
        warn!("the weights in {} are not those that were published: they are published again", run.display());
    }
    is_whole
}
