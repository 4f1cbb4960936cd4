//! The evaluation section, and the sentence that says whether the model beats what nobody had to learn.

use super::forecasts;
use super::run::Run;
use super::words::{drawn, family, label, list, number, time};
use crate::metric::better::Better;
use crate::metric::document::{Metric, Metrics, Verification};
use crate::report::curves::Scale;
use crate::report::page::chart::{Ink, Line};
use crate::report::page::{Block, Cell, Chart, Grid};
use crate::util::units::count;

/// The forecast that is judged.
const MODEL: &str = "model";

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let metrics = match &run.metrics {
        None => return vec![Block::Absent("The run was not evaluated yet.".into())],
        Some(Err(problem)) => return vec![Block::Absent(format!("The evaluation is left out: {problem}."))],
        Some(Ok(metrics)) => metrics,
    };
    let names: Vec<&str> = metrics.metrics.keys().map(String::as_str).collect();
    let first = drawn(&names);
    let rest: Vec<&str> = names.iter().copied().filter(|name| !first.contains(name)).collect();
    let mut blocks = vec![Block::Text(said(metrics)), Block::Table(table(metrics, &first, "Over all lead times"))];
    if !rest.is_empty() {
        let table = Block::Table(table(metrics, &rest, "Over all lead times"));
        blocks.push(Block::Folded("All other scores".into(), vec![table]));
    }
    if let Some(found) = &metrics.verification {
        blocks.extend(by_lead(found, &metrics.primary));
    }
    blocks.extend(forecasts::plots(&run.folder.join("evaluation/plots")));
    blocks
}

/// Whether the model beats its baselines, by the score that decides.
pub(super) fn verdict(run: &Run<'_>) -> Option<String> {
    let metrics = run.evaluation()?;
    let (name, primary) = telling(metrics)?;
    let value = primary.value?;
    let baselines = || primary.baselines.iter().filter_map(|(name, other)| Some((name.as_str(), (*other)?)));
    let (beaten, others): (Vec<_>, Vec<_>) =
        baselines().partition(|(_, other)| primary.better.gain(value, *other) > 0.0);
    let named = |of: &[(&str, f64)]| list(&of.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let judged = match (beaten.as_slice(), others.as_slice()) {
        ([], []) => "Evaluated without a baseline".to_owned(),
        (beaten, []) => format!("Better than {}", named(beaten)),
        ([], others) => format!("Not better than {}", named(others)),
        (beaten, others) => format!("Better than {}, not better than {}", named(beaten), named(others)),
    };
    let interval =
        primary.interval.map_or_else(String::new, |[low, high]| format!(" ({} to {})", number(low), number(high)));
    let against: String = baselines().map(|(name, other)| format!(", {name} {}", number(other))).collect();
    Some(format!("{judged}: {} is {}{interval}{against}.", label(name), number(value)))
}

/// The score that decides; where it tells nothing, as there were hardly any such events, one that does.
fn telling(metrics: &Metrics) -> Option<(&str, &Metric)> {
    let weaker = metrics.verification.iter().flat_map(|found| &found.levels.thresholds_dbz);
    let weaker = weaker.rev().map(|dbz| format!("csi_{dbz}"));
    let names = std::iter::once(metrics.primary.clone()).chain(weaker).chain(["rmse_dbz".to_owned()]);
    let tells = |metric: &Metric| {
        let values = || std::iter::once(metric.value).chain(metric.baselines.values().copied()).flatten();
        metric.value.is_some() && values().any(|value| value != 0.0)
    };
    names.into_iter().find_map(|name| {
        metrics
            .metrics
            .get_key_value(&name)
            .filter(|(_, metric)| tells(metric))
            .map(|(name, metric)| (name.as_str(), metric))
    })
}

/// What was evaluated on what.
fn said(metrics: &Metrics) -> String {
    let data = &metrics.dataset;
    let step = metrics.weights.step.map_or_else(String::new, |step| format!(" of step {step}"));
    let left_out = match data.excluded_cells {
        0 => String::new(),
        cells => format!(", {} left out as nothing was observed there", count(cells, "cell")),
    };
    let intervals = match metrics.metrics.values().any(|metric| metric.interval.is_some()) {
        true => " Intervals of 95 % come from resampling these events.",
        false => " There are too few events for intervals.",
    };
    format!(
        "{}{step} on the {} side of {}: {} of {}{left_out}. Evaluated on {}.{intervals}",
        metrics.weights.file,
        if metrics.split == "val" { "validation" } else { &metrics.split },
        data.name,
        count(data.samples as u64, "sample"),
        count(data.events as u64, "event"),
        time(metrics.created)
    )
}

/// Scores as rows, the model and its baselines as columns.
fn table(metrics: &Metrics, names: &[&str], caption: &str) -> Grid {
    let mut baselines: Vec<&str> = Vec::new();
    for baseline in metrics.metrics.values().flat_map(|metric| metric.baselines.keys()) {
        if !baselines.contains(&baseline.as_str()) {
            baselines.push(baseline);
        }
    }
    // The one that is simplest comes first.
    baselines.sort_by_key(|name| (*name != "persistence", *name));
    let row = |name: &&str| metrics.metrics.get(*name).map(|metric| row(name, metric, &baselines));
    Grid {
        caption: format!("{caption}. The best of each row is marked."),
        head: ["score", MODEL].into_iter().chain(baselines.iter().copied()).map(str::to_owned).collect(),
        rows: names.iter().filter_map(row).collect(),
    }
}

fn row(name: &str, metric: &Metric, baselines: &[&str]) -> Vec<Cell> {
    let others = baselines.iter().map(|baseline| metric.baselines.get(*baseline).copied().flatten());
    let values: Vec<Option<f64>> = [metric.value].into_iter().chain(others).collect();
    let is_contest = values.iter().flatten().count() > 1;
    let is_best =
        |value: f64| is_contest && values.iter().flatten().all(|other| metric.better.gain(value, *other) >= 0.0);
    let interval =
        metric.interval.map_or_else(String::new, |[low, high]| format!("{} to {}", number(low), number(high)));
    let cell = |(at, value): (usize, &Option<f64>)| Cell {
        text: number(value.unwrap_or(f64::NAN)),
        note: if at == 0 { interval.clone() } else { String::new() },
        is_best: value.is_some_and(is_best),
    };
    let head = Cell { text: label(name), note: way(metric.better).into(), is_best: false };
    [head].into_iter().chain(values.iter().enumerate().map(cell)).collect()
}

fn way(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
        Better::NearerOne => "1 is best",
        Better::NearerZero => "0 is best",
    }
}

/// Scores over lead time: the one that decides first, the others in small.
fn by_lead(found: &Verification, primary: &str) -> Vec<Block> {
    let Some(model) = found.forecasts.get(MODEL) else { return Vec::new() };
    let names: Vec<&str> = model.by_lead.first().into_iter().flat_map(|lead| lead.keys().map(String::as_str)).collect();
    let names = drawn(&names);
    let large =
        names.iter().filter(|name| **name == primary || family(name) == "mae").map(|name| chart(found, name, false));
    let mut large: Vec<Chart> = large.collect();
    large.extend(reliability(found));
    let small = names.iter().filter(|name| **name != primary && family(name) != "mae");
    let small: Vec<Chart> = small.map(|name| chart(found, name, true)).collect();
    let charts = [("By lead time", large), ("All scores by lead time", small)];
    let charts = charts.into_iter().filter(|(_, charts)| !charts.is_empty());
    charts.map(|(title, charts)| Block::Charts(title.into(), charts)).collect()
}

fn chart(found: &Verification, name: &str, is_small: bool) -> Chart {
    let mut forecasts: Vec<&String> = found.forecasts.keys().collect();
    forecasts.sort_by_key(|forecast| (*forecast != MODEL, *forecast != "persistence", *forecast));
    let line = |forecast: &&String| {
        let leads = found.forecasts.get(*forecast).map(|scores| scores.by_lead.as_slice()).unwrap_or_default();
        let value = |at: usize| leads.get(at)?.get(name).copied().flatten();
        let values = (0..found.lead_minutes.len()).map(|at| value(at).unwrap_or(f64::NAN)).collect();
        Line { name: (*forecast).clone(), values, ink: ink(forecast) }
    };
    Chart {
        title: label(name),
        across: "minutes ahead".into(),
        places: found.lead_minutes.clone(),
        scale: Scale::Linear,
        lines: forecasts.iter().map(line).collect(),
        levels: Vec::new(),
        marks: Vec::new(),
        is_small,
    }
}

fn ink(forecast: &str) -> Ink {
    match forecast {
        MODEL => Ink::Accent,
        "persistence" => Ink::Baseline,
        _ => Ink::Rival,
    }
}

/// What is observed where an intensity is forecast.
fn reliability(found: &Verification) -> Option<Chart> {
    let bins = found.forecasts.get(MODEL)?.reliability.iter();
    let points: Vec<(f64, f64)> =
        bins.filter_map(|bin| Some((bin.mean_forecast_dbz?, bin.mean_observed_dbz?))).collect();
    let line = |name: &str, ink, value: fn(&(f64, f64)) -> f64| Line {
        name: name.into(),
        values: points.iter().map(value).collect(),
        ink,
    };
    (points.len() > 1).then(|| Chart {
        title: "Reliability: observed where so much was forecast, dBZ".into(),
        across: "forecast, dBZ".into(),
        places: points.iter().map(|(forecast, _)| *forecast).collect(),
        scale: Scale::Linear,
        lines: vec![line("observed", Ink::Accent, |point| point.1), line("as forecast", Ink::Quiet, |point| point.0)],
        levels: Vec::new(),
        marks: Vec::new(),
        is_small: false,
    })
}
