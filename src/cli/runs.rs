//! `fragua runs`: the runs in a table that fits the terminal.

use std::cmp::Ordering;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing::{info, warn};

use super::modelled::runs_folder;
use super::{CommandError, output};
use crate::metric::better::Better;
use crate::report::table::Table;
use crate::train::events::words;
use crate::train::run_folder::problem::Problem;
use crate::util::units;
use crate::worker::runs::{self, Glance, Standing};

/// `fragua runs`.
#[derive(Debug, Args)]
pub struct RunsArguments {
    /// The folder of all runs [default: output.root of config.yaml]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// What comes first: started (the newest), name, loss (the lowest), score (the best) or time (the longest)
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Sort::Started, hide_possible_values = true)]
    pub sort: Sort,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// What runs are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// The newest first.
    Started,
    /// By their names.
    Name,
    /// The lowest validation loss first.
    Loss,
    /// The best score first.
    Score,
    /// The longest first.
    Time,
}

/// Runs the command.
pub(super) fn run(arguments: &RunsArguments) -> Result<(), CommandError> {
    let root = match &arguments.runs {
        Some(root) => root.clone(),
        None => runs_folder(&[])?,
    };
    let mut found = runs::glance(&root)?;
    sort(&mut found, arguments.sort);
    if arguments.json {
        return Ok(output::json(&found)?);
    }
    let unreadable = found.iter().filter(|run| run.state != Standing::Failed);
    unreadable.filter_map(|run| run.problem.as_ref()).for_each(|problem| warn!("{}", problem.text));
    found.iter().flat_map(|run| &run.unreadable).for_each(|problem| warn!("{problem}"));
    if found.is_empty() {
        match arguments.runs.is_some() && !root.is_dir() {
            true => info!("--runs {}: there is no such folder; name another, or train first", root.display()),
            false => info!("no runs in {}; fragua train makes one", root.display()),
        }
        return Ok(());
    }
    Ok(output::text(&table(&found, width()))?)
}

/// Runs without a value come last, in every order.
fn sort(runs: &mut [Glance], by: Sort) {
    match by {
        Sort::Started => {}
        Sort::Name => runs.sort_by(|one, other| one.name.cmp(&other.name)),
        Sort::Loss => runs.sort_by(|one, other| ascending(one.best_val_loss, other.best_val_loss)),
        Sort::Time => {
            runs.sort_by(|one, other| ascending(one.seconds.map(|time| -time), other.seconds.map(|time| -time)))
        }
        Sort::Score => runs.sort_by(|one, other| ascending(badness(one), badness(other))),
    }
}

fn ascending(one: Option<f64>, other: Option<f64>) -> Ordering {
    let last = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
    last(one).total_cmp(&last(other))
}

/// The distance of a score from the best possible value, to order runs.
fn badness(run: &Glance) -> Option<f64> {
    let score = run.score.as_ref()?;
    let best = match score.better {
        Better::Higher | Better::NearerOne => 1.0,
        Better::Lower | Better::NearerZero => 0.0,
    };
    Some(-score.better.gain(score.value, best))
}

/// The width of the terminal in columns; none without a terminal, so that programs get all columns.
fn width() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A column: its heading, its content, and when it is left out for lack of room: the highest rank first.
struct Column {
    heading: &'static str,
    cell: fn(&Glance) -> String,
    rank: usize,
}

static COLUMNS: [Column; 11] = [
    Column { heading: "<", cell: |run| if run.latest { "*".into() } else { String::new() }, rank: 0 },
    Column { heading: "<run", cell: |run| run.name.clone(), rank: 0 },
    Column { heading: "<state", cell: |run| run.state.text().into(), rank: 0 },
    Column { heading: "<task", cell: |run| run.task.clone().unwrap_or_default(), rank: 8 },
    Column { heading: "<started (UTC)", cell: started, rank: 5 },
    Column { heading: "time", cell: time, rank: 6 },
    Column { heading: "epochs", cell: epochs, rank: 1 },
    Column { heading: "best", cell: |run| run.best_epoch.map_or_else(String::new, |epoch| epoch.to_string()), rank: 4 },
    Column { heading: "val loss", cell: |run| number(run.best_val_loss), rank: 2 },
    Column { heading: "<score", cell: score, rank: 3 },
    Column { heading: "<device", cell: |run| run.device.clone().unwrap_or_default(), rank: 7 },
];

/// The table, with as many columns as fit.
fn table(runs: &[Glance], width: Option<usize>) -> String {
    let most = COLUMNS.iter().map(|column| column.rank).max().unwrap_or(0);
    let fits = |text: &String| {
        let needs = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        width.is_none_or(|width| needs <= width)
    };
    let narrowing = (0..=most).rev().map(|rank| with_columns(runs, rank));
    let mut last = String::new();
    for text in narrowing {
        if fits(&text) {
            return text + &legend(runs);
        }
        last = text;
    }
    last + &legend(runs)
}

fn with_columns(runs: &[Glance], most: usize) -> String {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.rank <= most).collect();
    let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let mut table = Table::new(&headings);
    runs.iter().for_each(|run| table.row(columns.iter().map(|column| (column.cell)(run)).collect()));
    table.render()
}

fn legend(runs: &[Glance]) -> String {
    let legend = if runs.iter().any(|run| run.latest) { "\n*  latest\n" } else { "" };
    let failed = runs.iter().filter(|run| run.state == Standing::Failed);
    let told = failed.filter_map(|run| run.problem.as_ref().map(|problem| reason(&run.name, problem)));
    legend.to_owned() + &told.collect::<String>()
}

/// Why a run failed, and what to do.
fn reason(name: &str, problem: &Problem) -> String {
    let Problem { text, remedy, exit, .. } = problem;
    format!("\n{name} failed with exit code {exit}: {text}\n   remedy: {remedy}\n")
}

fn started(run: &Glance) -> String {
    run.started.map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

fn time(run: &Glance) -> String {
    let time = run.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map_or_else(String::new, units::duration)
}

fn epochs(run: &Glance) -> String {
    let text = |count: Option<String>| count.unwrap_or_else(|| "?".into());
    let done = run.epochs_done.map(|done| words::epochs(done, run.epoch_share.unwrap_or_default()));
    match (done, run.epochs.map(|epochs| epochs.to_string())) {
        (None, None) => String::new(),
        (done, asked) => format!("{}/{}", text(done), text(asked)),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.5}"))
}

fn score(run: &Glance) -> String {
    run.score.as_ref().map_or_else(String::new, |score| format!("{} {}", score.name, units::decimals(score.value, 4)))
}
