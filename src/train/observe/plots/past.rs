//! The epochs of earlier sessions: what training computed at their ends is in the history; how fast it was, and what was
//! found in the midst of them, only in the log.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Epoch, Midway, Pace, Place};
use crate::train::observe::history::record;
use crate::train::run_folder::history::rows;
use crate::train::run_folder::log::named;
use crate::train::run_folder::{RunError, log};
use crate::train::target::Target;

/// What earlier sessions have left.
#[derive(Default)]
pub(super) struct Past {
    /// The complete epochs by their numbers.
    pub(super) epochs: BTreeMap<u64, Epoch>,
    /// Validations in the midst of the epoch after them.
    pub(super) midway: Vec<Midway>,
}

/// All that training goes on from. What is in the files past it is void, as it will be made again.
pub(super) fn read(run_folder: &Path, place: Place, target: &Target) -> Result<Past, RunError> {
    if place.step == 0 {
        return Ok(Past::default());
    }
    let rows = rows(&run_folder.join("history.json"))?;
    let records = rows.iter().filter_map(record).filter(|record| record.epoch <= place.epoch);
    let events = |kind| log::events_of(&run_folder.join("log.jsonl"), kind);
    // What was made twice is told twice: the last one stands.
    let mut paces: BTreeMap<u64, Pace> = events("epoch_ended")?.iter().filter_map(pace).collect();
    let mut midway: BTreeMap<u64, BTreeMap<u64, Midway>> = BTreeMap::new();
    for (epoch, found) in events("validation_ended")?.iter().filter_map(|event| validation(event, target)) {
        if found.step <= place.step {
            midway.entry(epoch).or_default().insert(found.step, found);
        }
    }
    let mut found_in = |epoch| midway.remove(&epoch).unwrap_or_default().into_values().collect();
    let epochs = records
        .map(|record| {
            (record.epoch, Epoch { pace: paces.remove(&record.epoch), midway: found_in(record.epoch), record })
        })
        .collect();
    Ok(Past { epochs, midway: found_in(place.epoch + 1) })
}

fn pace(event: &Value) -> Option<(u64, Pace)> {
    let number = |key: &str| event["cost"][key].as_f64();
    let pace = Pace { samples_per_second: number("samples_per_second")?, data_wait: number("data_wait")? };
    Some((event["record"]["epoch"].as_u64()?, pace))
}

/// A validation in the midst of an epoch, which is counted from 1 here.
fn validation(event: &Value, target: &Target) -> Option<(u64, Midway)> {
    let value = target.value(&named(&event["parts"]), &named(&event["scores"]));
    Some((event["epoch"].as_u64()? + 1, Midway { step: event["step"].as_u64()?, value }))
}
