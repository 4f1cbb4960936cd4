//! `fragua evaluate`: which model on which side, and the results as a table.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::modelled::Modelled;
use super::{CommandError, Session, output};
use crate::data::split::Side;
use crate::metric::document::Metrics;
use crate::metric::score::Show;
use crate::report::page::Grid;
use crate::report::table::Table;
use crate::util::surroundings::Surroundings;
use crate::util::units;
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
    /// The side that chose the best weights.
    Val,
    /// Held out: decided nothing.
    Test,
    /// The side that was trained on.
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

/// The folder, what was evaluated, the scores, and what the task shows beside them.
fn text(evaluated: &Evaluated) -> String {
    let Evaluated { folder, metrics, tables } = evaluated;
    let listed = metrics.metrics.values().filter(|metric| metric.spec.show == Show::Listed).count();
    let mut text = format!("{}\n{}\n\n{}", folder.display(), metrics.about(), scores(metrics).render());
    if listed > 0 {
        text += &format!("{} in metrics.json\n", units::count(listed as u64, "more score"));
    }
    for grid in tables {
        text += &format!("\n{}\n{}", grid.caption, rendered(grid).render());
    }
    text
}

/// The scores that a table shows, in the order of the task.
fn scores(metrics: &Metrics) -> Table {
    let baselines = metrics.baselines();
    let mut headings = vec!["<", "model"];
    headings.extend(&baselines);
    let too_few = metrics.dataset.basis.intervals.clone();
    let has_intervals = too_few.is_some() || metrics.metrics.values().any(|metric| metric.interval.is_some());
    if has_intervals {
        headings.push("95 % interval");
    }
    let mut table = Table::new(&headings);
    for metric in metrics.metrics.values().filter(|metric| metric.spec.show < Show::Listed) {
        let mut row = vec![metric.spec.title(), number(metric.value)];
        let other = |kind: &&str| match metric.spec.ahead {
            // A difference to a baseline is not measured of the baselines.
            Some(_) => String::new(),
            None => number(metric.baselines.get(kind).copied().flatten()),
        };
        row.extend(baselines.iter().map(other));
        if has_intervals {
            let without = too_few.clone().unwrap_or_default();
            row.push(metric.interval.map_or(without, |[from, to]| format!("{from:.3} to {to:.3}")));
        }
        table.row(row);
    }
    table
}

/// A table of the task for the terminal.
fn rendered(grid: &Grid) -> Table {
    let headings: Vec<&str> = std::iter::once("<").chain(grid.head.iter().skip(1).map(String::as_str)).collect();
    let mut table = Table::new(&headings);
    grid.rows.iter().for_each(|row| table.row(row.iter().map(|cell| cell.text.clone()).collect()));
    table
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}
