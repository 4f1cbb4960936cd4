//! Which files of a run folder are copied, and in which order. Pure.

use crate::train::checkpoint::CheckpointId;

/// The file that makes a checkpoint complete: it is copied last.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file that makes a folder a run.
pub(super) const RECORD: &str = "run.json";
/// The file with the state of a run.
pub(super) const STATUS: &str = "status.json";
/// The file that says who copies there.
pub(super) const OWNER: &str = "owner.json";

/// What must not be older in the mirror than the checkpoints there. A checkpoint contains neither the rows of earlier
/// epochs nor the best weights of an earlier one.
const FIRST: [&str; 5] = [RECORD, "config.yaml", "dataset.json", "history.json", "results.csv"];
const FIRST_FOLDERS: [&str; 1] = ["weights"];
const LATER: [&str; 3] = ["log.jsonl", "experiment_log.json", "report.html"];
const LATER_FOLDERS: [&str; 4] = ["evaluation", "plots", "forecasts", "tensorboard"];

/// The kind of a file in a run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A file of a checkpoint.
    Checkpoint(CheckpointId, String),
    /// Another file.
    File(Turn),
    /// It is not copied.
    Nothing,
}

/// When a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// Before anything else: that the run is not finished, or not any more.
    First,
    /// Before checkpoints.
    Before,
    /// After them.
    After,
    /// When everything else is there: it says that the run is finished.
    Last,
}

/// The kind of a file in a run folder, by its name with slashes.
pub(super) fn item(name: &str) -> Item {
    let parts: Vec<&str> = name.split('/').collect();
    let is_hidden = |part: &&str| part.is_empty() || part.starts_with('.') || part.ends_with(".partial");
    if parts.iter().any(is_hidden) {
        return Item::Nothing;
    }
    match parts[..] {
        ["checkpoints", id, file] => id.parse().map_or(Item::Nothing, |id| Item::Checkpoint(id, file.to_owned())),
        [STATUS] => Item::File(Turn::Last),
        [file] if FIRST.contains(&file) => Item::File(Turn::Before),
        [file] if LATER.contains(&file) => Item::File(Turn::After),
        [folder, _, ..] if FIRST_FOLDERS.contains(&folder) => Item::File(Turn::Before),
        [folder, _, ..] if LATER_FOLDERS.contains(&folder) => Item::File(Turn::After),
        _ => Item::Nothing,
    }
}

/// A file of a checkpoint, by its name in the run folder.
pub(super) fn in_checkpoint(id: CheckpointId, file: &str) -> String {
    format!("checkpoints/{id}/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_run_leaves_is_copied_and_nothing_hidden() {
        for name in ["run.json", "dataset.json", "weights/best.safetensors", "history.json"] {
            assert_eq!(item(name), Item::File(Turn::Before), "{name}");
        }
        for name in ["log.jsonl", "evaluation/test/metrics.json", "forecasts/a.gif", "tensorboard/events.1"] {
            assert_eq!(item(name), Item::File(Turn::After), "{name}");
        }
        assert_eq!(item("status.json"), Item::File(Turn::Last));
        let id = CheckpointId { epoch: 1, step: 2 };
        assert_eq!(item(&in_checkpoint(id, MANIFEST)), Item::Checkpoint(id, MANIFEST.into()));
        for name in [
            ".lock",
            "owner.json",
            "weights",
            "weights/.best.safetensors.partial",
            "checkpoints/.e0001-s000002.0.partial/model.safetensors",
            "checkpoints/e0001-s000002.damaged/manifest.json",
            "notes.txt",
            "secrets/key",
            "plots/../run.json.partial",
            "",
        ] {
            assert_eq!(item(name), Item::Nothing, "{name}");
        }
    }
}
