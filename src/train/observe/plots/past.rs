//! The epochs of earlier sessions: what training computed at their ends is in the history; how fast it was, only in the log.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::Pace;
use crate::train::events::Record;
use crate::train::run_folder::history::Story;
use crate::train::run_folder::{RunError, log};

/// The complete epochs that training resumes from and their speed, by number. Later entries in the files are ignored,
/// because these epochs will be repeated.
pub(super) fn read(run_folder: &Path, complete: u64) -> Result<(Vec<Record>, BTreeMap<u64, Pace>), RunError> {
    if complete == 0 {
        return Ok((Vec::new(), BTreeMap::new()));
    }
    let records = Story::read(&run_folder.join("history.json"))?.epochs;
    // What was made twice is reported twice: the last one counts.
    let ended = log::events_of(&run_folder.join("log.jsonl"), "epoch_ended")?;
    let paces = ended.iter().filter_map(pace).filter(|(epoch, _)| *epoch <= complete).collect();
    Ok((records.into_iter().filter(|record| record.epoch <= complete).collect(), paces))
}

fn pace(event: &Value) -> Option<(u64, Pace)> {
    let number = |key: &str| event["cost"][key].as_f64();
    let pace = Pace { samples_per_second: number("samples_per_second")?, data_wait: number("data_wait")? };
    Some((event["record"]["epoch"].as_u64()?, pace))
}
