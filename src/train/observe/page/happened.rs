//! What happened: starts, resumes with their changes, warnings, the end. Newest first.

use super::run::Run;
use super::words::time;
use crate::report::page::Block;

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut moments: Vec<(String, String)> = run.tale.moments.clone();
    let resumed = run.record.as_ref().map(|record| record.resumed.as_slice()).unwrap_or_default();
    let changed = resumed.iter().filter(|resumed| !resumed.changes.is_empty());
    moments.extend(
        changed.map(|resumed| (time(resumed.at), format!("Resumed with changes: {}.", resumed.changes.join("; ")))),
    );
    // Times sort as text; events of the same minute keep their order.
    moments.sort_by(|(one, _), (other, _)| one.cmp(other));
    moments.reverse();
    match (&run.tale.problem, moments.is_empty()) {
        (Some(problem), true) => blocks.push(Block::Absent(format!("What happened is left out: {problem}."))),
        (None, true) => blocks.push(Block::Absent("The log is still empty.".into())),
        (_, false) => blocks.push(Block::Moments(moments)),
    }
    blocks
}
