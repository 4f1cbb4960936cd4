//! `fragua compare`: compares two evaluations, and returns a verdict and an exit code.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::modelled::runs_folder;
use super::question::Answer;
use super::{CommandError, Session, output, question};
use crate::metric::better::Better;
use crate::metric::comparison::{Compared, Comparison, Verdict};
use crate::report::table::Table;
use crate::util::units;
use crate::worker::WorkError;
use crate::worker::compare::{self, Evaluated};

/// `fragua compare`.
#[derive(Debug, Args)]
#[command(after_help = MEANING)]
pub struct CompareArguments {
    /// What is judged: a metrics.json, a run folder, the name of a run, or latest
    #[arg(value_name = "CURRENT")]
    pub current: String,
    /// What it is compared with, named in the same way
    #[arg(value_name = "BASELINE")]
    pub baseline: String,
    /// Further ones: instead of a verdict, a page shows all of them side by side
    #[arg(value_name = "MORE", conflicts_with_all = ["metric", "json", "update_baseline"])]
    pub more: Vec<String>,
    /// Write the page with curves, scores and what differs in the configuration here, also for two
    /// [default for three or more: comparison.html]
    #[arg(long, value_name = "FILE.html")]
    pub output: Option<PathBuf>,
    /// The score that decides [default: the primary score of CURRENT]
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// By how much the score that decides may get worse beyond the noise
    #[arg(long, value_name = "NUMBER", default_value_t = 0.01, value_parser = tolerance)]
    #[arg(allow_negative_numbers = true)]
    pub tolerance: f64,
    /// Show every score, not only the most important
    #[arg(long)]
    pub all: bool,
    /// The folder of all runs [default: output.root of config.yaml]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Put the file of CURRENT in place of that of BASELINE; asks first, and refuses if CURRENT is worse
    #[arg(long)]
    pub update_baseline: bool,
    /// With --update-baseline: do not ask, and do it even if CURRENT is worse
    #[arg(long, short, requires = "update_baseline")]
    pub yes: bool,
}

/// The text below the flags in the help.
const MEANING: &str = "\
A difference within the noise is neither better nor worse: with other data it could be the other way round. For radar, \
the noise is estimated by resampling the same groups of samples (events, days) for both. With fewer than 5 groups, or \
other groups in each file, it may be unknown (n/a); then the tolerance decides. Accuracies of classifiers on the same \
images are compared by McNemar's exact test, on other images by their intervals.
Exit code: 0 if CURRENT is better or the same, 1 if it is worse by more than the noise and the tolerance. Three or more \
have no verdict: 0 if the page is written.";

/// Runs the command.
pub(super) fn run(arguments: &CompareArguments, session: &Session) -> Result<(), CommandError> {
    if arguments.update_baseline && !arguments.yes && !question::can_be_asked() {
        let text = "--update-baseline asks for confirmation, but there is no terminal; add --yes";
        return Err(CommandError::Usage(text.into()));
    }
    let found = found(arguments)?;
    if let Some(page) = page(arguments) {
        compare::write_page(&found, page).map_err(WorkError::from)?;
        info!("{} shows them side by side", page.display());
    }
    let [current, baseline] = match <[Evaluated; 2]>::try_from(found) {
        Ok(two) => two,
        Err(_) => return Ok(()),
    };
    let metric = arguments.metric.as_deref();
    let comparison = compare::compare(&current, &baseline, metric, arguments.tolerance).map_err(WorkError::from)?;
    if arguments.json {
        output::json(&report(&comparison, &current, &baseline))?;
    } else {
        comparison.warnings.iter().for_each(|warning| warn!("{warning}"));
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        output::text(&text(&comparison, [&current, &baseline], arguments.all, colours))?;
    }
    if comparison.verdict == Verdict::NotAvailable {
        return Err(CommandError::Undecided(comparison.primary.clone()));
    }
    let is_worse = comparison.verdict == Verdict::Degraded;
    let updated = arguments.update_baseline
        && update(arguments, [&current, &baseline], (is_worse, comparison.warnings.is_empty()), session)?;
    if is_worse && !updated {
        return Err(CommandError::Degraded(sentence(&comparison)));
    }
    Ok(())
}

/// The file of the page, if one is requested.
fn page(arguments: &CompareArguments) -> Option<&Path> {
    let by_default = (!arguments.more.is_empty()).then_some(Path::new("comparison.html"));
    arguments.output.as_deref().or(by_default)
}

fn found(arguments: &CompareArguments) -> Result<Vec<Evaluated>, CommandError> {
    let wanted: Vec<&String> = [&arguments.current, &arguments.baseline].into_iter().chain(&arguments.more).collect();
    let root = match &arguments.runs {
        Some(root) => root.clone(),
        // They are not found by name, so an unreadable configuration does not matter.
        None if wanted.iter().all(|side| Path::new(side.as_str()).is_file()) => PathBuf::new(),
        None => runs_folder(&[])?,
    };
    let find = |side: &String| Evaluated::find(&root, side).map_err(|error| WorkError::from(error).into());
    wanted.into_iter().map(find).collect()
}

/// Whether the baseline was replaced by the current evaluation.
fn update(
    arguments: &CompareArguments,
    [current, baseline]: [&Evaluated; 2],
    (is_worse, comparable): (bool, bool),
    session: &Session,
) -> Result<bool, CommandError> {
    if !comparable {
        warn!("the baseline is unchanged: the two were not measured in the same way");
        return Ok(false);
    }
    if baseline.path.ancestors().take(3).any(|folder| folder.join("run.json").is_file()) {
        let place = baseline.path.display();
        let text = format!("{place} is the evaluation of a run; keep the baseline apart: cp {place} baseline.json");
        return Err(CommandError::Usage(text));
    }
    if is_worse && !arguments.yes {
        warn!("the baseline is unchanged: CURRENT is worse; --yes replaces it anyway");
        return Ok(false);
    }
    let place = baseline.path.display();
    if !arguments.yes && question::ask(&format!("Replace {place}? [y/N]"), Duration::MAX, &session.stop) != Answer::Yes
    {
        info!("{place} is unchanged");
        return Ok(false);
    }
    compare::replace_baseline(current, baseline).map_err(WorkError::from)?;
    info!("{place} is now a copy of {}", current.path.display());
    Ok(true)
}

fn report(comparison: &Comparison, current: &Evaluated, baseline: &Evaluated) -> Value {
    let side = |side: &Evaluated| {
        let metrics = &side.metrics;
        json!({"file": side.path, "run": metrics.run, "split": metrics.split, "created": metrics.created,
            "weights": metrics.weights})
    };
    json!({
        "verdict": comparison.verdict, "primary": comparison.primary, "tolerance": comparison.tolerance,
        "unknown_noise": comparison.unknown_noise,
        "comparable": comparison.warnings.is_empty(), "warnings": comparison.warnings,
        "current": side(current), "baseline": side(baseline), "metrics": comparison.metrics,
    })
}

fn text(comparison: &Comparison, sides: [&Evaluated; 2], all: bool, colours: bool) -> String {
    let [current, baseline] = sides.map(|side| side.path.display());
    let mut table = Table::new(&["<", "<score", "current", "baseline", "change", "%", "noise", "<better", "<verdict"]);
    let (shown, hidden): (Vec<_>, Vec<_>) =
        comparison.metrics.iter().partition(|row| all || row.spec.is_drawn() || row.name == comparison.primary);
    for row in &shown {
        table.row(cells(row, row.name == comparison.primary, comparison.too_few.as_deref(), colours));
    }
    let mut text = format!(" current  {current}\nbaseline  {baseline}\n\n{}", table.render());
    if !hidden.is_empty() {
        let number = |verdict| hidden.iter().filter(|row| row.verdict == verdict).count();
        let (better, worse) = (number(Verdict::Improved), number(Verdict::Degraded));
        let more = units::count(hidden.len() as u64, "more score");
        text += &format!("{more}, {better} improved, {worse} degraded: --all shows them\n");
    }
    if let Some(why) = &comparison.unknown_noise {
        text += &format!("noise of {}: n/a, because {why}; the tolerance decides\n", comparison.primary);
    }
    text + "\n" + &sentence(comparison) + "\n"
}

fn cells(row: &Compared, decides: bool, too_few: Option<&str>, colours: bool) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(|| "n/a".into(), |value| format!("{value:.4}"));
    let signed = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:+.4}"));
    // A relative change of a value whose best is near 0 is meaningless.
    let relative = row.relative.filter(|_| row.better != Better::NearerZero);
    let share = relative.map_or_else(String::new, |share| format!("{:+.1}", 100.0 * share));
    let better = match row.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
        Better::NearerOne => "near 1",
        Better::NearerZero => "near 0",
    };
    let unknown = too_few.unwrap_or("n/a").to_owned();
    let mark = if decides { "*" } else { "" };
    vec![
        mark.into(),
        row.name.clone(),
        number(row.value),
        number(row.baseline),
        signed(row.difference),
        share,
        row.difference.map_or_else(String::new, |_| row.noise.map_or(unknown, |_| number(row.noise))),
        better.into(),
        coloured(row.verdict, colours),
    ]
}

/// The last column, so the invisible escape codes don't shift other columns.
fn coloured(verdict: Verdict, colours: bool) -> String {
    let code = match verdict {
        Verdict::Improved => 32,
        Verdict::Degraded => 31,
        Verdict::WithinNoise | Verdict::WithinTolerance | Verdict::NotAvailable => return verdict.text().into(),
    };
    if colours { format!("\x1b[{code}m{}\x1b[0m", verdict.text()) } else { verdict.text().into() }
}

/// The verdict with its reason.
fn sentence(comparison: &Comparison) -> String {
    let Comparison { primary, tolerance, .. } = comparison;
    let row = comparison.metrics.iter().find(|row| row.name == *primary);
    let noise = row.and_then(|row| row.noise).map(|noise| format!("the noise of {noise:.4}"));
    let beyond = noise.clone().unwrap_or_else(|| format!("the tolerance of {tolerance}"));
    let what = match comparison.verdict {
        Verdict::Improved => format!("improved: {primary} is better by more than {beyond}"),
        Verdict::Degraded if noise.is_some() => {
            format!("degraded: {primary} is worse by more than {beyond} and the tolerance of {tolerance}")
        }
        Verdict::Degraded => format!("degraded: {primary} is worse by more than {beyond}"),
        Verdict::WithinNoise => {
            format!("within noise: {primary} differs by no more than {beyond}, neither better nor worse")
        }
        Verdict::WithinTolerance if noise.is_some() => {
            format!("within tolerance: {primary} is worse by more than {beyond}, but by no more than {tolerance}")
        }
        Verdict::WithinTolerance => format!("within tolerance: {primary} differs by no more than {tolerance}"),
        Verdict::NotAvailable => return format!("no verdict: {primary} is undefined in one of the two"),
    };
    let what = match comparison.warnings.len() {
        0 => what,
        _ => format!("{what}; but the two were not measured in the same way"),
    };
    let values = row.and_then(|row| row.value.zip(row.baseline));
    values.map_or(what.clone(), |(value, baseline)| format!("{what} ({value:.4}, baseline {baseline:.4})"))
}

fn tolerance(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| format!("expected a number from 0, got {text:?}"))
}
