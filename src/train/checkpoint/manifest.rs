//! The manifest of a checkpoint: the digests of its files and all state that is not an array. Written last, so it marks the
//! checkpoint as complete; its own digest is its last line. Contains no timestamps: the same training gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::CheckpointError;
use super::id::CheckpointId;
use super::snapshot::{MODEL, OPTIM, Publish};
use crate::train::seal::{open, seal};
use crate::util::sha256::Digest;

/// The version of the format that this program writes and reads.
const VERSION: u64 = 4;

/// The training state that is not an array.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Samples of the current epoch that are done: where in the epoch's order training continues.
    pub position: u64,
    /// The phase, counted from 0: a score of one phase can't be compared with that of another.
    pub phase: u64,
    /// The seed of all randomness.
    pub seed: u64,
    /// The best value of each score so far; infinity and NaN are left out.
    pub best: BTreeMap<String, f64>,
    /// The scores of the validation at this checkpoint; none inside an epoch. Infinity and NaN are left out.
    pub metrics: BTreeMap<String, f64>,
    /// What that validation found out about the weights that must travel with them; null inside an epoch.
    pub learned: Value,
    /// Whatever else the engine needs: schedule, loss scaler, phase.
    pub state: Value,
}

/// One file of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// What a checkpoint says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format.
    pub format_version: u64,
    /// The program that wrote it.
    pub code_version: String,
    /// The position in training.
    pub id: CheckpointId,
    /// The digest of everything that determines the numbers of its run: a checkpoint of another run is never resumed
    /// from.
    pub recipe: String,
    /// The state that is not an array.
    pub progress: Progress,
    /// The names under which its weights are published, so that this can be repeated if the program died before.
    pub publish: Publish,
    /// The files by name.
    pub files: BTreeMap<String, FileRecord>,
}

/// Read first, so that another version is reported as such and not as damage.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

impl Manifest {
    pub(super) fn new(
        code_version: &str,
        id: CheckpointId,
        mut progress: Progress,
        publish: Publish,
        files: BTreeMap<String, FileRecord>,
    ) -> Self {
        // JSON has no word for them.
        progress.best.retain(|_, value| value.is_finite());
        progress.metrics.retain(|_, value| value.is_finite());
        Self {
            format_version: VERSION,
            code_version: code_version.into(),
            id,
            recipe: String::new(),
            progress,
            publish,
            files,
        }
    }

    /// Its text: JSON whose last key is the digest of the lines above it.
    pub(super) fn text(&self) -> Result<String, String> {
        let json = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        seal(&json, SEAL)
    }

    /// Reads a manifest and checks that it is exactly what was written and belongs to this checkpoint. The path is for
    /// messages.
    ///
    /// # Errors
    /// If it is damaged, or was written by another version.
    pub fn parse(path: &Path, id: CheckpointId, text: &[u8]) -> Result<Self, CheckpointError> {
        let damaged = |problem: String| CheckpointError::Damaged { path: path.to_owned(), problem };
        let json = open(text, SEAL).map_err(damaged)?;
        let version: Version = serde_json::from_str(&json).map_err(|error| damaged(error.to_string()))?;
        if version.format_version != VERSION {
            let got = version.format_version;
            return Err(CheckpointError::Version { path: path.to_owned(), got, expected: VERSION });
        }
        let manifest: Self = serde_json::from_str(&json).map_err(|error| damaged(error.to_string()))?;
        if manifest.id != id {
            return Err(damaged(format!("it belongs to {}, expected {id}", manifest.id)));
        }
        // The file may come from others, as in a mirror, so it must not name a path outside its folder.
        if let Some(name) = manifest.files.keys().find(|name| name.starts_with('.') || name.contains('/')) {
            return Err(damaged(format!("it names {name:?}, which is no plain file name")));
        }
        match [MODEL, OPTIM].iter().find(|name| !manifest.files.contains_key(**name)) {
            Some(name) => Err(damaged(format!("it does not name {name}"))),
            None => Ok(manifest),
        }
    }
}

const SEAL: &str = "manifest_sha256";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ID: CheckpointId = CheckpointId { epoch: 12, step: 3400 };

    fn manifest() -> Manifest {
        let record = FileRecord { bytes: 3, sha256: Digest::of(b"abc") };
        let files = [MODEL, OPTIM].map(|name| (name.to_owned(), record)).into();
        let progress = Progress {
            position: 17,
            phase: 2,
            seed: u64::MAX,
            best: [("val_loss".into(), 0.1 + 0.2), ("never".into(), f64::INFINITY)].into(),
            metrics: [("val_loss".into(), f64::NAN)].into(),
            learned: json!({"temperature": 1.25}),
            state: json!({"schedule": {"best": 1.0 / 3.0}, "scale": 65536.0}),
        };
        Manifest::new("0.1.0", ID, progress, Publish::default(), files)
    }

    fn parse(text: &[u8]) -> Result<Manifest, CheckpointError> {
        Manifest::parse(Path::new("manifest.json"), ID, text)
    }

    #[test]
    fn what_is_written_is_what_is_read_and_is_plain_json() {
        let text = manifest().text().unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), manifest());
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["id"], json!({"epoch": 12, "step": 3400}));
        assert_eq!(json["progress"]["metrics"], json!({}));
    }

    #[test]
    fn every_changed_or_missing_byte_is_found() {
        let text = manifest().text().unwrap().into_bytes();
        for place in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[place] ^= 1 << bit;
                assert!(parse(&changed).is_err(), "bit {bit} of byte {place}");
            }
            assert!(parse(&text[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn another_checkpoint_and_another_version_are_named() {
        let text = manifest().text().unwrap();
        let other = CheckpointId { epoch: 12, step: 3500 };
        let error = Manifest::parse(Path::new("m"), other, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("belongs to e0012-s003400, expected e0012-s003500"), "{error}");
        let newer = seal("{\n  \"format_version\": 5,\n  \"more\": 1\n}", SEAL).unwrap();
        let error = parse(newer.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("has format version 5, this program reads version 4"), "{error}");
    }

    proptest! {
        #[test]
        fn every_finite_number_comes_back_to_the_last_bit(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut manifest = manifest();
            manifest.progress.best.insert("val_loss".into(), value);
            manifest.progress.state = json!({ "best": value });
            let back = parse(manifest.text().unwrap().as_bytes()).unwrap();
            prop_assert_eq!(back.progress.best["val_loss"].to_bits(), bits);
            prop_assert_eq!(back.progress.state["best"].as_f64().unwrap().to_bits(), bits);
        }
    }
}
