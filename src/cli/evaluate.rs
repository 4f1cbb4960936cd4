//! `fragua evaluate`: which model on which side, and what was found as a table.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::modelled::Modelled;
use super::{CommandError, Session, output};
use crate::data::split::Side;
use crate::metric::document::{Metric, Metrics, Named};
use crate::metric::naming::label;
use crate::report::table::Table;
use crate::util::surroundings::Surroundings;
use crate::worker::evaluate::{EvaluateOptions, Evaluated, evaluate};

/// `fragua evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// Which model.
    #[command(flatten)]
    pub modelled: Modelled,
    /// The side of the dataset
    #[arg(long, value_enum, value_name = "SIDE", default_value_t = Split::Val)]
    pub split: Split,
    /// The folder for metrics.json and plots [default: evaluation/ in the run folder, evaluation/test/ for test]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print metrics.json instead of the table
    #[arg(long)]
    pub json: bool,
}

/// The sides that a model can be evaluated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// What decided which weights are the best.
    Val,
    /// What nothing was decided by.
    Test,
    /// What was trained on.
    Train,
}

impl From<Split> for Side {
    fn from(split: Split) -> Self {
        match split {
            Split::Val => Self::Val,
            Split::Test => Self::Test,
            Split::Train => Self::Train,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &EvaluateArguments, session: &Session) -> Result<(), CommandError> {
    let around = Surroundings { stop: &session.stop, progress: session.progress.as_ref() };
    let options = EvaluateOptions { side: arguments.split.into(), output: arguments.output.clone() };
    let evaluated = evaluate(&arguments.modelled.find()?, &options, &around)?;
    match arguments.json {
        true => Ok(output::json(&evaluated.metrics)?),
        false => Ok(output::text(&text(&evaluated))?),
    }
}

/// The folder, what it is about, the scores over all leads, and the primary one by lead.
fn text(evaluated: &Evaluated) -> String {
    let Evaluated { folder, metrics } = evaluated;
    let mut text = format!("{}\n{}\n\n{}", folder.display(), metrics.about(), scores(metrics).render());
    if let Some(leads) = by_lead(metrics) {
        text += &format!("\n{} by lead time\n{}", label(&metrics.primary), leads.render());
    }
    text
}

/// The scores that a table shows: those of each threshold that one asks for first, and the errors.
const SHOWN: [&str; 8] = ["csi_", "pod_", "far_", "bias_", "mae_dbz", "rmse_dbz", "me_dbz", "ssim"];

fn scores(metrics: &Metrics) -> Table {
    let baselines = baselines(metrics);
    let mut headings = vec!["<", "model"];
    headings.extend(baselines.iter().map(String::as_str));
    let has_intervals = metrics.metrics.values().any(|metric| metric.interval.is_some());
    if has_intervals {
        headings.push("95 % interval");
    }
    let mut table = Table::new(&headings);
    for beginning in SHOWN {
        for (name, metric) in in_order(metrics, beginning) {
            let mut row = vec![label(name), number(metric.value)];
            row.extend(baselines.iter().map(|kind| number(metric.baselines.get(kind).copied().flatten())));
            if has_intervals {
                row.push(metric.interval.map_or_else(String::new, |[from, to]| format!("{from:.3} to {to:.3}")));
            }
            table.row(row);
        }
    }
    table
}

/// The scores whose names begin so, thresholds rising.
fn in_order<'a>(metrics: &'a Metrics, beginning: &str) -> Vec<(&'a String, &'a Metric)> {
    let mut found: Vec<_> = metrics.metrics.iter().filter(|(name, _)| name.starts_with(beginning)).collect();
    let threshold = |name: &str| name.rsplit('_').next().and_then(|end| end.parse::<f64>().ok()).unwrap_or(0.0);
    found.sort_by(|one, other| threshold(one.0).total_cmp(&threshold(other.0)));
    found
}

fn baselines(metrics: &Metrics) -> Vec<String> {
    let forecasts = metrics.verification.iter().flat_map(|found| found.forecasts.keys());
    let mut names: Vec<String> = forecasts.filter(|name| *name != "model").cloned().collect();
    names.sort_by(|one, other| other.cmp(one));
    names
}

fn by_lead(metrics: &Metrics) -> Option<Table> {
    let found = metrics.verification.as_ref()?;
    let kinds: Vec<String> = std::iter::once("model".to_owned()).chain(baselines(metrics)).collect();
    let minutes: Vec<String> = found.lead_minutes.iter().map(|minutes| format!("{minutes:.0} min")).collect();
    let headings: Vec<&str> = std::iter::once("<").chain(minutes.iter().map(String::as_str)).collect();
    let mut table = Table::new(&headings);
    for kind in kinds {
        let scores = found.forecasts.get(&kind)?;
        let value = |lead: &Named| number(lead.get(&metrics.primary).copied().flatten());
        table.row(std::iter::once(kind.clone()).chain(scores.by_lead.iter().map(value)).collect());
    }
    Some(table)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}
