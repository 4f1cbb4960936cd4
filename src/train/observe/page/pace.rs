//! The speed and memory of epochs, from the log.

use super::run::Run;
use super::tale::Cost;
use crate::report::chart::Chart;
use crate::report::page::{Block, Charts};
use crate::train::observe::curves;

/// A name and how it is read from what an epoch cost.
type Panel = (&'static str, fn(&Cost) -> Option<f64>);

const GIGA: f64 = 1e9;
const PANELS: [Panel; 5] = [
    ("Training samples per second", |cost| cost.samples_per_second),
    ("Waiting for data, % of the time", |cost| Some(100.0 * cost.data_wait?)),
    ("Memory of the process, GB", |cost| Some(cost.memory_bytes? / GIGA)),
    ("Memory of the GPU, GB", |cost| Some(cost.gpu?.memory_bytes? / GIGA)),
    ("GPU computing, % of the time", |cost| cost.gpu?.busy_percent),
];
/// More places than this can't be distinguished on a chart.
const MOST_PLACES: usize = 400;

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    if let Some(problem) = &run.tale.problem {
        return vec![Block::Absent(format!("The throughput is left out: {problem}."))];
    }
    let every = run.tale.costs.len().div_ceil(MOST_PLACES).max(1);
    let chart = |(title, value): &Panel| {
        let costs = run.tale.costs.iter().step_by(every);
        curves::pace(title, &costs.filter_map(|(epoch, cost)| Some((*epoch, value(cost)?))).collect())
    };
    let mut charts: Vec<Chart> = PANELS.iter().map(chart).collect();
    charts.retain(Chart::has_values);
    if charts.is_empty() {
        return vec![Block::Absent("The log has no complete epoch yet.".into())];
    }
    let caption = "Speed should be even. Waiting for more than a few per cent of the time means that the disk or the decoding is \
                   too slow for the device.";
    let mut blocks = vec![Block::Charts(Charts { title: "Speed".into(), caption: caption.into(), charts })];
    if run.tale.is_cut {
        blocks.push(Block::Absent("The log is long: only its newest part is shown.".into()));
    }
    blocks
}
