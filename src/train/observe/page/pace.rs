//! The throughput section: how fast epochs were, and what they held, from the log.

use super::run::Run;
use super::tale::Cost;
use crate::report::curves::Scale;
use crate::report::page::chart::{Ink, Line};
use crate::report::page::{Block, Chart};

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
    let costs: Vec<(f64, &Cost)> =
        run.tale.costs.iter().step_by(every).map(|(epoch, cost)| (*epoch as f64, cost)).collect();
    let charts: Vec<Chart> = PANELS.iter().filter_map(|panel| chart(panel, &costs)).collect();
    if charts.is_empty() {
        return vec![Block::Absent("The log tells of no complete epoch yet.".into())];
    }
    let mut blocks = vec![Block::Charts(String::new(), charts)];
    if run.tale.is_cut {
        blocks.push(Block::Absent("The log is long: only its newest part is shown.".into()));
    }
    blocks
}

fn chart((title, value): &Panel, costs: &[(f64, &Cost)]) -> Option<Chart> {
    let values: Vec<f64> = costs.iter().map(|(_, cost)| value(cost).unwrap_or(f64::NAN)).collect();
    values.iter().any(|value| value.is_finite()).then(|| Chart {
        title: (*title).into(),
        across: "epoch".into(),
        places: costs.iter().map(|(place, _)| *place).collect(),
        scale: Scale::FromZero,
        lines: vec![Line { name: "now".into(), values, ink: Ink::Accent }],
        levels: Vec::new(),
        marks: Vec::new(),
        is_small: true,
    })
}
