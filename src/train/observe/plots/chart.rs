//! Which charts are drawn of a run, as sheets. Pure functions.

use super::{Drawn, Pace};
use crate::report::chart::{Chart, Sheet, brief};
use crate::train::observe::curves;
use crate::util::units;

/// More charts than this are too many to read.
const MOST_CHARTS: usize = 12;
/// The width and the height of a chart.
const SIZE: [usize; 2] = [430, 280];

/// The loss, and a chart for each of its parts, with its baseline.
pub(super) fn loss(drawn: &Drawn) -> Sheet {
    sheet(drawn, "Loss", curves::losses(&drawn.story))
}

/// The learning rate of each epoch's last step.
pub(super) fn learning_rate(drawn: &Drawn) -> Sheet {
    sheet(drawn, "Learning rate", vec![curves::learning_rate(&drawn.story)])
}

/// Samples per second, and how much of the time was spent waiting for them.
pub(super) fn throughput(drawn: &Drawn) -> Sheet {
    let chart = |title: &str, value: fn(&Pace) -> f64| {
        let epochs = drawn.story.epochs.iter().map(|record| record.epoch);
        let value = |epoch| (epoch, drawn.paces.get(&epoch).map_or(f64::NAN, value));
        curves::pace(title, &epochs.map(value).collect())
    };
    let charts = vec![
        chart("Training samples per second", |pace| pace.samples_per_second),
        chart("Share of the time spent waiting for data, %", |pace| 100.0 * pace.data_wait),
    ];
    sheet(drawn, "Throughput", charts)
}

/// The task's charts: one for each family, with what its scores must beat. Scores without room are counted; the table
/// of the run has all of them.
pub(super) fn scores(drawn: &Drawn) -> Sheet {
    let (charts, left) = curves::scores(&drawn.story, MOST_CHARTS);
    let mut sheet = sheet(drawn, "Scores", charts);
    if left > 0 {
        sheet.note += &format!("; {} in results.csv", units::count(left as u64, "more score"));
    }
    sheet
}

fn sheet(drawn: &Drawn, title: &str, mut charts: Vec<Chart>) -> Sheet {
    charts.retain(|chart| !chart.series.is_empty());
    let mut note = units::count(drawn.story.epochs.len() as u64, "epoch");
    if let Some(best) = &drawn.story.best {
        let by = best.by.iter().filter_map(|(name, value)| Some(format!("{name} {}", brief((*value)?))));
        let by: Vec<String> = by.collect();
        note += &format!("; the best is {} with {}", curves::place(&drawn.story, best), by.join(", "));
    }
    let columns = match charts.len() {
        0..=3 => charts.len(),
        4 => 2,
        _ => 3,
    };
    Sheet { title: title.into(), note, columns, size: SIZE, charts }
}
