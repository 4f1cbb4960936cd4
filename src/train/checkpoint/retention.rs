//! What to delete after a save: a pure decision. The newest k and the best k of the newest phase are kept, and so are the
//! starts of the epochs that the newest ones belong to; damaged checkpoints are the user's and never touched.

use super::id::CheckpointId;
use crate::train::events::Named;
use crate::train::target::Target;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The number of newest checkpoints to keep.
    pub last: usize,
    /// The number of best ones to keep besides, of the newest phase that has a score.
    pub best: usize,
    /// The metrics that decide: keys of the manifest's `metrics`.
    pub by: Target,
}

/// One valid checkpoint on the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its position in training.
    pub id: CheckpointId,
    /// Its phase, counted from 0.
    pub phase: u64,
    /// What it is compared by; without a value if it was not validated.
    pub by: Vec<Named>,
    /// Whether an epoch starts with it. Checkpoints in the middle of this epoch need it: a diverged run rolls back to it.
    pub starts_epoch: bool,
}

/// What may be deleted, oldest first, after `written` was saved and read back. If `written` is not among the
/// checkpoints, nothing is deleted, because only the older ones are left.
#[must_use]
pub fn deletions(standing: &[Standing], written: CheckpointId, keep: &Keep) -> Vec<CheckpointId> {
    if !standing.iter().any(|checkpoint| checkpoint.id == written) {
        return Vec::new();
    }
    let mut newest_first: Vec<&Standing> = standing.iter().collect();
    newest_first.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.id));
    let best_first = ranked(standing, &keep.by);
    let last: Vec<CheckpointId> =
        newest_first.iter().take(keep.last).map(|checkpoint| checkpoint.id).chain([written]).collect();
    let starts = last.iter().filter_map(|&id| start_of(id, &newest_first));
    let best = best_first.iter().take(keep.best).map(|checkpoint| checkpoint.id);
    let kept: Vec<CheckpointId> = last.iter().copied().chain(best).chain(starts).collect();
    newest_first.iter().rev().map(|checkpoint| checkpoint.id).filter(|id| !kept.contains(id)).collect()
}

/// The start of the epoch that a checkpoint belongs to: itself, if it is one.
fn start_of(id: CheckpointId, newest_first: &[&Standing]) -> Option<CheckpointId> {
    let is_start = |other: &&&Standing| other.starts_epoch && other.id.epoch == id.epoch && other.id <= id;
    newest_first.iter().find(is_start).map(|start| start.id)
}

/// Those with a score, best first; of equal ones the older is better, as it was when it was saved. A phase may change
/// the loss, so only those of the newest phase are compared.
fn ranked<'a>(standing: &'a [Standing], by: &Target) -> Vec<&'a Standing> {
    let scored = |checkpoint: &&Standing| by.is_better(&checkpoint.by, None);
    let mut ranked: Vec<&Standing> = standing.iter().filter(scored).collect();
    let newest = ranked.iter().map(|checkpoint| checkpoint.phase).max();
    ranked.retain(|checkpoint| Some(checkpoint.phase) == newest);
    ranked.sort_by(|one, other| by.compare(&other.by, &one.by).then(one.id.cmp(&other.id)));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;
    use proptest::prelude::*;

    fn keep(last: usize, best: usize, better: Better) -> Keep {
        Keep { last, best, by: Target::of(&[("val_loss", better)]) }
    }

    fn id(epoch: u64) -> CheckpointId {
        CheckpointId { epoch, step: epoch * 10 }
    }

    fn by(score: Option<f64>) -> Vec<Named> {
        vec![("val_loss".to_owned(), score)]
    }

    fn standing(scores: &[f64]) -> Vec<Standing> {
        (1..)
            .zip(scores)
            .map(|(epoch, &score)| Standing { id: id(epoch), phase: 0, by: by(Some(score)), starts_epoch: true })
            .collect()
    }

    #[test]
    fn the_newest_and_the_best_stay() {
        let all = standing(&[5.0, 1.0, 4.0, 2.0, 3.0, 6.0]);
        assert_eq!(deletions(&all, id(6), &keep(2, 2, Better::Lower)), [id(1), id(3)]);
        assert_eq!(deletions(&all, id(6), &keep(1, 2, Better::Higher)), [id(2), id(3), id(4), id(5)]);
    }

    #[test]
    fn of_equal_scores_the_older_stays_and_no_number_is_never_best() {
        let all = standing(&[2.0, 2.0, f64::NAN, 9.0]);
        assert_eq!(deletions(&all, id(4), &keep(1, 1, Better::Lower)), [id(2), id(3)]);
    }

    #[test]
    fn of_equal_scores_the_second_number_decides_if_there_is_one() {
        let mut all = standing(&[2.0, 2.0, 2.0, 9.0]);
        for (checkpoint, words) in all.iter_mut().zip([3.0, 5.0, 4.0, 9.0]) {
            checkpoint.by.push(("words".to_owned(), Some(words)));
        }
        let by = Target::of(&[("val_loss", Better::Lower), ("words", Better::Higher)]);
        assert_eq!(deletions(&all, id(4), &Keep { last: 1, best: 2, by }), [id(1)]);
    }

    #[test]
    fn scores_of_an_earlier_phase_are_not_compared_with_those_of_a_later_one() {
        let mut all = standing(&[0.1, 0.2, 7.0, 8.0, 9.0]);
        all[2..].iter_mut().for_each(|checkpoint| checkpoint.phase = 1);
        assert_eq!(deletions(&all, id(5), &keep(1, 2, Better::Lower)), [id(1), id(2)]);
        assert_eq!(deletions(&all[..3], id(3), &keep(1, 2, Better::Lower)), [id(1), id(2)]);
        all[2].by = by(None);
        assert_eq!(deletions(&all[..3], id(3), &keep(1, 1, Better::Lower)), [id(2)], "the later one has none yet");
    }

    #[test]
    fn order_is_by_number() {
        let all = [99_999, 100_000, 9_999].map(|epoch| Standing {
            id: id(epoch),
            phase: 0,
            by: by(None),
            starts_epoch: true,
        });
        assert_eq!(deletions(&all, id(100_000), &keep(1, 3, Better::Lower)), [id(9_999), id(99_999)]);
    }

    #[test]
    fn nothing_is_removed_if_the_new_one_is_not_complete() {
        assert_eq!(deletions(&standing(&[1.0, 2.0, 3.0]), id(4), &keep(1, 0, Better::Lower)), []);
    }

    #[test]
    fn the_start_of_an_epoch_stays_as_long_as_a_newest_one_is_in_it() {
        let at = |epoch, step, starts_epoch| {
            let id = CheckpointId { epoch, step };
            Standing { id, phase: 0, by: by(None), starts_epoch }
        };
        let all = [at(2, 20, true), at(2, 25, false), at(3, 30, true), at(3, 33, false), at(3, 36, false)];
        let gone =
            |count: usize, last: usize| deletions(&all[..count], all[count - 1].id, &keep(last, 0, Better::Lower));
        assert_eq!(gone(5, 1), [all[0].id, all[1].id, all[3].id]);
        assert_eq!(gone(5, 2), [all[0].id, all[1].id]);
        assert_eq!(gone(3, 1), [all[0].id, all[1].id]);
        assert_eq!(gone(2, 1), []);
        assert_eq!(gone(3, 2), [], "the one in the midst of epoch 2 may be gone on from");
    }

    proptest! {
        #[test]
        fn what_must_stay_stays_and_no_more(
            scores in proptest::collection::vec(proptest::option::of(0_i32..5), 1..12),
            last in 0_usize..5, best in 0_usize..5, written: proptest::sample::Index, higher: bool,
        ) {
            let direction = if higher { Better::Higher } else { Better::Lower };
            let standing = |(epoch, score): (u64, &Option<i32>)| {
                Standing { id: id(epoch), phase: 0, by: by(score.map(f64::from)), starts_epoch: true }
            };
            let all: Vec<Standing> = (1..).zip(&scores).map(standing).collect();
            let written = all[written.index(all.len())].id;
            let gone = deletions(&all, written, &keep(last, best, direction));
            let stays: Vec<&Standing> = all.iter().filter(|checkpoint| !gone.contains(&checkpoint.id)).collect();
            prop_assert!(stays.iter().any(|checkpoint| checkpoint.id == written));
            prop_assert!(stays.len() <= last + best + 1);
            prop_assert!(all.iter().rev().take(last).all(|checkpoint| stays.contains(&checkpoint)));
            let better = |one: f64, other: f64| if higher { one > other } else { one < other };
            for lost in all.iter().filter(|checkpoint| gone.contains(&checkpoint.id) && checkpoint.by[0].1.is_some()) {
                let not_worse = stays.iter().filter(|kept| kept.by[0].1.is_some_and(|score| !better(lost.by[0].1.unwrap(), score)));
                prop_assert!(not_worse.count() >= best, "{lost:?} had to stay");
            }
        }
    }
}
