//! The evaluation section: tables of all scores, what the task adds to them, and the sentence that says whether the model
//! beats forecasts that need no training.

use super::run::Run;
use super::words::{list, number, time};
use super::{Chapters, forecasts};
use crate::metric::better::Better;
use crate::metric::document::{Metric, Metrics};
use crate::metric::score::Show;
use crate::report::page::{Block, Cell, Grid};

pub(super) fn blocks(run: &Run<'_>, chapters: &dyn Chapters) -> Vec<Block> {
    let metrics = match &run.metrics {
        None => return vec![Block::Absent("The run was not evaluated yet.".into())],
        Some(Err(problem)) => return vec![Block::Absent(format!("The evaluation is left out: {problem}."))],
        Some(Ok(metrics)) => metrics,
    };
    let is_first = |metric: &&Metric| metric.spec.show == Show::First || metric.spec.name == metrics.primary;
    let (first, rest): (Vec<&Metric>, Vec<_>) = metrics.metrics.values().partition(is_first);
    let caption = chapters.caption();
    let mut blocks = vec![Block::Text(said(metrics)), Block::Table(table(metrics, &first, caption))];
    blocks.extend(chapters.chapters(metrics));
    blocks.extend(forecasts::plots(run, chapters.pictures()));
    if !rest.is_empty() {
        let table = Block::Table(table(metrics, &rest, caption));
        blocks.push(Block::Folded("All other scores".into(), vec![table]));
    }
    blocks
}

/// Whether the model beats its baselines, by the score that decides.
pub(super) fn verdict(run: &Run<'_>) -> Option<String> {
    let primary = telling(run.evaluation()?)?;
    let (spec, value) = (&primary.spec, primary.value?);
    let baselines = || primary.baselines.iter().filter_map(|(name, other)| Some((name, (*other)?)));
    let (beaten, others): (Vec<_>, Vec<_>) = baselines().partition(|(_, other)| spec.better.gain(value, *other) > 0.0);
    let named = |of: &[(&str, f64)]| list(&of.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let judged = match (beaten.as_slice(), others.as_slice()) {
        ([], []) => "Evaluated without a baseline".to_owned(),
        (beaten, []) => format!("Better than {}", named(beaten)),
        ([], others) => format!("Not better than {}", named(others)),
        (beaten, others) => format!("Better than {}, not better than {}", named(beaten), named(others)),
    };
    let end = |value: f64| number(Some(value));
    let interval = primary.interval.map_or_else(String::new, |[low, high]| format!(" ({} to {})", end(low), end(high)));
    let against: String = baselines().map(|(name, other)| format!(", {name} {}", end(other))).collect();
    Some(format!("{judged}: {} is {}{interval}{against}.", spec.title(), end(value)))
}

/// The score that decides; if it is not meaningful because of too few events, one of its family that is, from
/// the last to the first, or another headline.
fn telling(metrics: &Metrics) -> Option<&Metric> {
    let primary = metrics.primary()?;
    let family = metrics.metrics.values().rev().filter(|metric| metric.spec.family == primary.spec.family);
    let headlines = metrics.metrics.values().filter(|metric| metric.spec.show == Show::First);
    let says = |metric: &&Metric| {
        let values = || std::iter::once(metric.value).chain(metric.baselines.values().copied()).flatten();
        metric.value.is_some() && values().any(|value| value != 0.0)
    };
    std::iter::once(primary).chain(family).chain(headlines).find(says)
}

/// What was evaluated on what.
fn said(metrics: &Metrics) -> String {
    let (data, basis) = (&metrics.dataset, &metrics.dataset.basis);
    let step = metrics.weights.step.map_or_else(String::new, |step| format!(" of step {step}"));
    let notes: String = basis.notes.iter().map(|note| format!("; {note}")).collect();
    let group = &basis.words.group;
    let intervals = match metrics.metrics.values().any(|metric| metric.interval.is_some()) {
        true => format!(" Intervals of 95 % come from resampling these {group}s."),
        false => format!(" There are too few {group}s for intervals."),
    };
    format!(
        "{}{step} on the {} side of {}: {}{notes}. Evaluated on {}.{intervals}",
        metrics.weights.file,
        if metrics.split == "val" { "validation" } else { &metrics.split },
        data.name,
        basis.counted(),
        time(metrics.created)
    )
}

/// Scores as rows, the model and its baselines as columns.
fn table(metrics: &Metrics, shown: &[&Metric], caption: &str) -> Grid {
    let baselines = metrics.baselines();
    Grid {
        caption: format!("{caption}. The best of each row is marked."),
        head: ["score", "model"].into_iter().chain(baselines.iter().copied()).map(str::to_owned).collect(),
        rows: shown.iter().map(|metric| row(metric, &baselines)).collect(),
        is_stacked: true,
    }
}

fn row(metric: &Metric, baselines: &[&str]) -> Vec<Cell> {
    let (spec, better) = (&metric.spec, metric.spec.better);
    let others = baselines.iter().map(|baseline| metric.baselines.get(baseline).copied().flatten());
    let values: Vec<Option<f64>> = [metric.value].into_iter().chain(others).collect();
    let is_contest = values.iter().flatten().count() > 1;
    let is_best = |value: f64| is_contest && values.iter().flatten().all(|other| better.gain(value, *other) >= 0.0);
    let end = |value: f64| number(Some(value));
    let interval = metric.interval.map_or_else(String::new, |[low, high]| format!("{} to {}", end(low), end(high)));
    let cell = |(at, value): (usize, &Option<f64>)| Cell {
        text: number(*value),
        note: if at == 0 { interval.clone() } else { String::new() },
        is_best: value.is_some_and(is_best),
    };
    let head = Cell { text: spec.title(), note: way(better).into(), is_best: false };
    [head].into_iter().chain(values.iter().enumerate().map(cell)).collect()
}

pub(super) fn way(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
        Better::NearerOne => "1 is best",
        Better::NearerZero => "0 is best",
    }
}
