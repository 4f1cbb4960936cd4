//! The epochs of a run for charts: all of them, or an even selection that can be distinguished. Pure.

use crate::train::events::Record;
use crate::train::run_folder::history::Story;

/// More places than this can't be distinguished on a chart.
const MOST_PLACES: usize = 400;

/// Those that are drawn: all, or an even selection that includes the last and the best. `None` is a gap.
pub(super) fn drawn(story: &Story) -> Vec<(f64, Option<&Record>)> {
    let every = story.epochs.len().div_ceil(MOST_PLACES).max(1);
    let kept = [story.epochs.last().map(|record| record.epoch), story.best.as_ref().map(|best| best.epoch)];
    let mut drawn: Vec<(f64, Option<&Record>)> = Vec::new();
    let mut before: Option<u64> = None;
    for (at, record) in story.epochs.iter().enumerate() {
        if before.is_some_and(|before| record.epoch > before + 1) {
            drawn.push((record.epoch as f64 - 0.5, None));
        }
        before = Some(record.epoch);
        if at % every == 0 || kept.contains(&Some(record.epoch)) {
            drawn.push((record.epoch as f64, Some(record)));
        }
    }
    drawn
}
