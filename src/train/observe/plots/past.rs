//! The epochs of earlier sessions: what training computed is in the history, how fast it was only in the log.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Epoch, Pace};
use crate::train::observe::history::record;
use crate::train::run_folder::history::rows;
use crate::train::run_folder::{RunError, log};

/// The complete epochs that training goes on from. What is in the files past them is void, as it will be made again.
pub(super) fn epochs(run_folder: &Path, done: u64) -> Result<BTreeMap<u64, Epoch>, RunError> {
    if done == 0 {
        return Ok(BTreeMap::new());
    }
    let rows = rows(&run_folder.join("history.json"))?;
    let records = rows.iter().filter_map(record).filter(|record| record.epoch <= done);
    let mut paces: BTreeMap<u64, Pace> = BTreeMap::new();
    for event in log::events_of(&run_folder.join("log.jsonl"), "epoch_ended")? {
        // An epoch that was made twice is told twice: the last one stands.
        paces.extend(pace(&event));
    }
    Ok(records.map(|record| (record.epoch, Epoch { pace: paces.get(&record.epoch).copied(), record })).collect())
}

fn pace(event: &Value) -> Option<(u64, Pace)> {
    let number = |key: &str| event["cost"][key].as_f64();
    let pace = Pace { samples_per_second: number("samples_per_second")?, data_wait: number("data_wait")? };
    Some((event["record"]["epoch"].as_u64()?, pace))
}
