//! The steps that bring the mirror up to date with the run folder: a pure decision.
//!
//! The order makes the mirror useful at every moment: what belongs to the checkpoints, the newest checkpoint and the
//! one that its epoch started from, older ones from the newest on, everything else. That a run is finished is copied
//! last; that it is not, or not any more, before anything else. Deleted files are deleted there only after something
//! newer is complete there.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::Turn;
use super::local::{Local, Stamp};
use crate::train::checkpoint::CheckpointId;
use crate::util::sha256::Digest;

/// What is known to be in the mirror.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Complete checkpoints, by the digest of their manifest.
    pub(super) complete: BTreeMap<CheckpointId, Digest>,
    /// Checkpoints of which some files are there, but no manifest.
    pub(super) partial: BTreeSet<CheckpointId>,
    /// Complete ones whose content is damaged.
    pub(super) distrusted: BTreeSet<CheckpointId>,
    /// Other files, as they were here when they were copied.
    pub(super) files: BTreeMap<String, Stamp>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Copies a file.
    File(String),
    /// Copies a checkpoint.
    Checkpoint(CheckpointId),
}

/// How complete the copy should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// For a run in progress: a growing file is copied when it is worth it.
    Following,
    /// All of it.
    All,
    /// Only what resuming from the newest checkpoint needs: time is short.
    Newest,
}

/// A log up to this many bytes is copied again for every new line.
const LARGE_LOG: u64 = 1 << 20;

/// What to copy, in this order.
pub(super) fn plan(local: &Local, known: &Known, scope: Scope) -> Vec<Action> {
    let turn = |wanted: Turn| {
        let changed = local
            .files
            .iter()
            .filter(move |(name, (turn, stamp))| *turn == wanted && known.files.get(*name) != Some(stamp))
            .filter(move |(name, (_, stamp))| scope != Scope::Following || !may_wait(name, stamp, known));
        changed.map(|(name, _)| Action::File(name.clone())).collect::<Vec<_>>()
    };
    let missing = |id: &CheckpointId| {
        known.distrusted.contains(id)
            || local.checkpoints.get(id).map(|checkpoint| checkpoint.digest) != known.complete.get(id).copied()
    };
    let mut order: Vec<CheckpointId> = local.checkpoints.keys().rev().copied().collect();
    if scope == Scope::Newest {
        order.truncate(1);
    } else if let Some(start) = epoch_start(local) {
        order.retain(|id| *id != start);
        order.insert(1, start);
    }
    let checkpoints = order.into_iter().filter(|id| missing(id) && may_be_replaced(*id, known));
    let checkpoints = checkpoints.map(Action::Checkpoint).collect();
    match scope {
        Scope::Following | Scope::All => {
            [turn(Turn::First), turn(Turn::Before), checkpoints, turn(Turn::After), turn(Turn::Last)].concat()
        }
        Scope::Newest => [turn(Turn::First), turn(Turn::Before), checkpoints].concat(),
    }
}

/// Whether a log has grown too little since it was copied: it is copied as a whole, so this limits the total to a few
/// times its size, however long it gets.
fn may_wait(name: &str, stamp: &Stamp, known: &Known) -> bool {
    let is_log = name.ends_with(".jsonl") || name.starts_with("tensorboard/");
    let copied = known.files.get(name).map_or(0, |copied| copied.bytes);
    is_log && copied >= LARGE_LOG && stamp.bytes >= copied && stamp.bytes - copied < copied / 4
}

/// The checkpoint that starts the epoch of the newest one, if that is another one.
fn epoch_start(local: &Local) -> Option<CheckpointId> {
    let (newest, checkpoint) = local.checkpoints.last_key_value()?;
    let is_start = |id: &&CheckpointId| {
        id.epoch == newest.epoch && *id < newest && local.checkpoints[*id].manifest.progress.position == 0
    };
    (checkpoint.manifest.progress.position > 0).then(|| local.checkpoints.keys().rev().find(is_start).copied())?
}

/// While a checkpoint replaces one of the same name, that one is not complete: another one must be.
fn may_be_replaced(id: CheckpointId, known: &Known) -> bool {
    let whole = |other: &CheckpointId| !known.distrusted.contains(other);
    !known.complete.contains_key(&id) || !whole(&id) || known.complete.keys().any(|other| *other != id && whole(other))
}

/// The checkpoints that may be deleted there: no longer here, and older than one that is complete here and there. Newer
/// ones that are missing here are kept, because the reason is unknown.
pub(super) fn removals(local: &Local, known: &Known) -> Vec<CheckpointId> {
    let is_copied = |id: &CheckpointId| {
        let digest = local.checkpoints.get(id).map(|checkpoint| checkpoint.digest);
        digest.is_some() && known.complete.get(id).copied() == digest && !known.distrusted.contains(id)
    };
    let Some(newest) = local.checkpoints.keys().rev().find(|id| is_copied(id)) else { return Vec::new() };
    let there = known.complete.keys().chain(&known.partial).collect::<BTreeSet<_>>();
    there.into_iter().filter(|id| *id < newest && !local.checkpoints.contains_key(id)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::local::Checkpoint;
    use super::*;
    use crate::train::checkpoint::{Manifest, Progress, Publish};

    fn id(step: u64) -> CheckpointId {
        CheckpointId { epoch: step / 10, step }
    }

    /// A checkpoint whose content is one letter; inside an epoch if its step is.
    fn checkpoint(step: u64, content: &str) -> (CheckpointId, Checkpoint) {
        let progress = Progress { position: step % 10, ..Progress::default() };
        let manifest = Manifest {
            format_version: 1,
            code_version: "0".into(),
            id: id(step),
            recipe: String::new(),
            progress,
            publish: Publish::default(),
            files: BTreeMap::new(),
        };
        (id(step), Checkpoint { manifest, text: Vec::new(), digest: Digest::of(content.as_bytes()) })
    }

    fn local(checkpoints: &[(u64, &str)], files: &[&str]) -> Local {
        let stamp = |bytes| Stamp { bytes, changed: (0, 0), inode: 1 };
        let turn = |name: &str| match super::super::layout::item(name) {
            super::super::layout::Item::File(turn) => turn,
            other => panic!("{other:?}"),
        };
        Local {
            checkpoints: checkpoints.iter().map(|(step, content)| checkpoint(*step, content)).collect(),
            files: files.iter().map(|name| ((*name).to_owned(), (turn(name), stamp(1)))).collect(),
        }
    }

    fn known(complete: &[(u64, &str)]) -> Known {
        let complete = complete.iter().map(|(step, content)| (id(*step), Digest::of(content.as_bytes())));
        Known { complete: complete.collect(), ..Known::default() }
    }

    fn told(actions: &[Action]) -> Vec<String> {
        let name = |action: &Action| match action {
            Action::File(name) => name.clone(),
            Action::Checkpoint(id) => id.step.to_string(),
        };
        actions.iter().map(name).collect()
    }

    #[test]
    fn what_a_checkpoint_needs_is_copied_before_it_and_the_state_of_the_run_last() {
        let local = local(
            &[(10, "a"), (20, "b"), (25, "c"), (28, "d")],
            &["status.json", "report.html", "history.json", "run.json", "weights/best.safetensors"],
        );
        let order = told(&plan(&local, &Known::default(), Scope::All));
        let expected = ["history.json", "run.json", "weights/best.safetensors", "28", "20", "25", "10"];
        assert_eq!(order, [&expected[..], &["report.html", "status.json"]].concat());
        let newest = told(&plan(&local, &Known::default(), Scope::Newest));
        assert_eq!(newest, expected[..4], "there is no time for more, so nothing says that it is finished");
    }

    #[test]
    fn only_what_changed_goes() {
        let local = local(&[(10, "a"), (20, "b")], &["run.json", "log.jsonl"]);
        let mut known = known(&[(10, "a"), (20, "other")]);
        known.files.insert("run.json".into(), local.files["run.json"].1);
        known.files.insert("log.jsonl".into(), Stamp { bytes: 0, ..local.files["log.jsonl"].1 });
        assert_eq!(told(&plan(&local, &known, Scope::All)), ["20", "log.jsonl"]);
        known.complete.insert(id(20), Digest::of(b"b"));
        known.files.insert("log.jsonl".into(), local.files["log.jsonl"].1);
        assert_eq!(plan(&local, &known, Scope::All), []);
        known.distrusted.insert(id(10));
        assert_eq!(told(&plan(&local, &known, Scope::All)), ["10"]);
    }

    #[test]
    fn a_long_log_goes_when_it_has_grown_by_a_quarter_and_at_the_end() {
        let mut local = local(&[], &["log.jsonl", "history.json"]);
        let mut grow = |bytes, copied, scope| {
            let mut known = Known::default();
            for (name, (_, stamp)) in &mut local.files {
                known.files.insert(name.clone(), Stamp { bytes: copied, ..*stamp });
                stamp.bytes = bytes;
            }
            told(&plan(&local, &known, scope))
        };
        let mebibyte = 1 << 20;
        assert_eq!(grow(9 * mebibyte, 8 * mebibyte, Scope::Following), ["history.json"]);
        assert_eq!(grow(10 * mebibyte, 8 * mebibyte, Scope::Following), ["history.json", "log.jsonl"]);
        assert_eq!(grow(9 * mebibyte, 8 * mebibyte, Scope::All), ["history.json", "log.jsonl"]);
        assert_eq!(grow(mebibyte, mebibyte - 1, Scope::Following), ["history.json", "log.jsonl"], "it is short");
        assert_eq!(grow(mebibyte, 8 * mebibyte, Scope::Following), ["history.json", "log.jsonl"], "another one");
    }

    #[test]
    fn the_only_complete_checkpoint_is_never_written_over() {
        let mine = local(&[(20, "b")], &[]);
        assert_eq!(plan(&mine, &known(&[(20, "other")]), Scope::All), []);
        assert_eq!(told(&plan(&mine, &known(&[(10, "a"), (20, "other")]), Scope::All)), ["20"]);
    }

    #[test]
    fn nothing_older_goes_before_something_newer_is_complete_there() {
        let local = local(&[(30, "c"), (40, "d")], &[]);
        assert_eq!(removals(&local, &known(&[(10, "a"), (20, "b")])), []);
        assert_eq!(removals(&local, &known(&[(10, "a"), (40, "other")])), [], "it is not what is here");
        let mut there = known(&[(10, "a"), (20, "b"), (30, "c"), (50, "e")]);
        there.partial.insert(id(15));
        assert_eq!(removals(&local, &there), [id(10), id(15), id(20)], "50 is newer than all that is here");
        there.distrusted.insert(id(30));
        assert_eq!(removals(&local, &there), []);
    }
}
