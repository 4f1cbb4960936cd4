//! Several runs on one page: their final scores side by side, their curves over each other, and in which keys of the configuration
//! they differ.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Chapters;
use super::evaluation::way;
use super::words::{list, number};
use crate::metric::better::Better;
use crate::metric::document::{Metric, Metrics};
use crate::metric::score::{ScoreSpec, Show};
use crate::report::chart::{AxisOf, Chart, Ink, Series};
use crate::report::page::{Block, Cell, Charts, Grid, Page, Section};
use crate::train::events::{Named, Record, value};
use crate::train::run_folder::difference::flat;
use crate::train::run_folder::history::Story;

/// A run that is compared with others.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// What it is called on the page.
    pub name: String,
    /// Its history; empty if only an evaluation is known.
    pub story: Story,
    /// Its evaluation.
    pub metrics: Metrics,
    /// Its configuration; null if it is not known.
    pub config: Value,
}

/// More charts than this are too many to read.
const MOST_CHARTS: usize = 12;
/// Longer values of the configuration are cut.
const LONGEST: usize = 60;

/// The page. `warnings` say why runs can't be compared as they are.
#[must_use]
pub fn compared(runs: &[Contestant], warnings: &[String], chapters: &dyn Chapters) -> Page {
    let sections = [
        ("Final scores", scores(runs, warnings, chapters)),
        ("Training", training(runs)),
        ("By lead time", by_lead(runs, chapters)),
        ("Configuration", configuration(runs)),
    ];
    let sections = sections.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    Page {
        title: list(&runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>()),
        kind: format!("Comparison of {} runs", runs.len()),
        verdict: verdict(runs),
        sections: sections.map(|(title, blocks)| Section { title: title.into(), blocks }).collect(),
        footer: format!(
            "Written by fragua {} on {}.",
            env!("CARGO_PKG_VERSION"),
            super::words::time(jiff::Timestamp::now())
        ),
        ..Page::default()
    }
}

/// Which run is best by the primary score, and whether its interval overlaps that of the next.
fn verdict(runs: &[Contestant]) -> Option<String> {
    let primary = runs.first()?.metrics.primary.clone();
    let metric = |run: &Contestant| run.metrics.metrics.get(&primary).cloned();
    let spec = metric(runs.first()?)?.spec;
    let mut ranked: Vec<(&str, Metric, f64)> = runs
        .iter()
        .filter_map(|run| {
            let metric = metric(run)?;
            let value = metric.value?;
            Some((run.name.as_str(), metric, value))
        })
        .collect();
    ranked.sort_by(|(.., one), (.., other)| spec.better.gain(*other, *one).total_cmp(&0.0));
    let [first, second, ..] = ranked.as_slice() else { return None };
    let same = match (first.1.interval, second.1.interval) {
        (Some([low, high]), Some([other_low, other_high])) if low <= other_high && other_low <= high => {
            " Their intervals overlap: the difference may be chance."
        }
        (Some(_), Some(_)) => "",
        _ => " Without intervals it is not known whether the difference is more than chance.",
    };
    Some(format!(
        "{} is best by {}: {}, then {} with {}.{same}",
        first.0,
        spec.title(),
        number(Some(first.2)),
        second.0,
        number(Some(second.2))
    ))
}

fn scores(runs: &[Contestant], warnings: &[String], chapters: &dyn Chapters) -> Vec<Block> {
    let mut specs: Vec<&ScoreSpec> = Vec::new();
    for metric in runs.iter().flat_map(|run| run.metrics.metrics.values()) {
        if !specs.iter().any(|known| known.name == metric.spec.name) {
            specs.push(&metric.spec);
        }
    }
    let primary = runs.first().map_or("", |run| run.metrics.primary.as_str());
    let (first, rest): (Vec<_>, Vec<_>) =
        specs.into_iter().partition(|spec| spec.show == Show::First || spec.name == primary);
    let mut blocks: Vec<Block> = warnings.iter().map(|warning| Block::Absent(format!("Careful: {warning}."))).collect();
    blocks.push(Block::Table(table(runs, &first, chapters.caption())));
    if !rest.is_empty() {
        blocks
            .push(Block::Folded("All other scores".into(), vec![Block::Table(table(runs, &rest, chapters.caption()))]));
    }
    blocks
}

/// Scores as rows, runs as columns.
fn table(runs: &[Contestant], specs: &[&ScoreSpec], caption: &str) -> Grid {
    let row = |spec: &&ScoreSpec| -> Vec<Cell> {
        let metrics: Vec<Option<&Metric>> = runs.iter().map(|run| run.metrics.metrics.get(&spec.name)).collect();
        let values: Vec<Option<f64>> = metrics.iter().map(|metric| metric.and_then(|metric| metric.value)).collect();
        let head = Cell { text: spec.title(), note: way(spec.better).into(), is_best: false };
        let cell = |(metric, value): (&Option<&Metric>, &Option<f64>)| {
            let interval = metric.and_then(|metric| metric.interval);
            let note = interval
                .map_or_else(String::new, |[low, high]| format!("{} to {}", number(Some(low)), number(Some(high))));
            Cell {
                text: number(*value),
                note,
                is_best: value.is_some_and(|value| is_best(spec.better, value, &values)),
            }
        };
        std::iter::once(head).chain(metrics.iter().zip(&values).map(cell)).collect()
    };
    Grid {
        caption: format!("{caption}. The best of each row is marked; small numbers are 95 % intervals."),
        head: std::iter::once("score".to_owned()).chain(runs.iter().map(|run| run.name.clone())).collect(),
        rows: specs.iter().map(row).collect(),
        is_stacked: false,
    }
}

/// Better than at least one and not worse than any.
fn is_best(better: Better, value: f64, all: &[Option<f64>]) -> bool {
    let gains = || all.iter().flatten().map(|other| better.gain(value, *other));
    gains().all(|gain| gain >= 0.0) && gains().any(|gain| gain > 0.0)
}

/// Losses and headlines over the epochs, a line for each run.
fn training(runs: &[Contestant]) -> Vec<Block> {
    let Some(longest) = runs.iter().max_by_key(|run| run.story.epochs.len()) else { return Vec::new() };
    let of = |side: fn(&Record) -> &[Named], spec: &ScoreSpec, title: String| {
        overlaid(runs, title, "epoch", |run| {
            let points = run.story.epochs.iter();
            points.map(|record| [record.epoch as f64, value(side(record), &spec.name).unwrap_or(f64::NAN)]).collect()
        })
        .scaled()
    };
    let losses = longest.story.parts.iter().take(1).flat_map(|spec| {
        [
            of(|record| &record.val, spec, format!("{} on validation", spec.title())),
            of(|record| &record.train, spec, format!("{} in training", spec.title())),
        ]
    });
    let shown = longest.story.scores.iter().filter(|spec| spec.is_drawn() && spec.show == Show::First);
    let scores = shown.map(|spec| of(|record| &record.scores, spec, format!("{} on validation", spec.title())));
    charts(
        losses.chain(scores),
        "A line for each run, over its epochs. Compare where curves end, and how early they get there.",
    )
}

fn by_lead(runs: &[Contestant], chapters: &dyn Chapters) -> Vec<Block> {
    let curves: Vec<Vec<_>> = runs.iter().map(|run| chapters.curves(&run.metrics)).collect();
    let Some(first) = curves.iter().find(|curves| !curves.is_empty()) else { return Vec::new() };
    let chart = |wanted: &super::Curve| {
        let mut at = curves.iter();
        overlaid(runs, wanted.title.clone(), &wanted.across, |_| {
            let own = at.next().and_then(|curves| curves.iter().find(|curve| curve.title == wanted.title));
            own.map(|curve| curve.points.clone()).unwrap_or_default()
        })
    };
    charts(first.iter().map(chart), "")
}

fn charts(charts: impl Iterator<Item = Chart>, caption: &str) -> Vec<Block> {
    let charts: Vec<Chart> = charts.filter(Chart::has_values).take(MOST_CHARTS).collect();
    match charts.is_empty() {
        true => Vec::new(),
        false => vec![Block::Charts(Charts { title: String::new(), caption: caption.into(), charts })],
    }
}

fn overlaid(
    runs: &[Contestant],
    title: String,
    across: &str,
    mut points: impl FnMut(&Contestant) -> Vec<[f64; 2]>,
) -> Chart {
    let series = runs.iter().enumerate().map(|(number, run)| Series::line(&run.name, Ink::Number(number), points(run)));
    let series = series.filter(Series::has_values).collect();
    Chart { title, across: AxisOf::named(across), series, ..Chart::default() }
}

/// The keys in which the configurations differ.
fn configuration(runs: &[Contestant]) -> Vec<Block> {
    let known: Vec<_> = runs.iter().filter(|run| !run.config.is_null()).collect();
    if known.len() < 2 {
        return vec![Block::Absent(
            "The configurations are not known: these are evaluations without their runs.".into(),
        )];
    }
    let flat: Vec<_> = known.iter().map(|run| flat(&run.config)).collect();
    let keys: BTreeSet<&String> = flat.iter().flat_map(|values| values.keys()).collect();
    let text = |value: Option<&Value>| -> String {
        let text = match value {
            None => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        if text.chars().count() > LONGEST { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
    };
    let differs = |key: &&&String| flat.iter().any(|values| values.get(**key) != flat[0].get(**key));
    let row = |key: &String| -> Vec<Cell> {
        let cells = flat.iter().map(|values| Cell::from(text(values.get(key))));
        std::iter::once(Cell::from(key.as_str())).chain(cells).collect()
    };
    let rows: Vec<Vec<Cell>> = keys.iter().filter(|key| **key != "name").filter(differs).map(|key| row(key)).collect();
    if rows.is_empty() {
        return vec![Block::Absent("The configurations are the same.".into())];
    }
    let head = std::iter::once("key".to_owned()).chain(known.iter().map(|run| run.name.clone())).collect();
    vec![Block::Table(Grid { caption: "Only what differs.".into(), head, rows, is_stacked: false })]
}
