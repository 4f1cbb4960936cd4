//! What the page of a run says about a nowcast beyond its scores: scores by lead time, and what is observed where an intensity
//! is forecast.

use super::kinds::Kind;
use super::section::{SECTION, Verification};
use crate::metric::document::Metrics;
use crate::metric::forecast::scores::error_names;
use crate::metric::score::ScoreSpec;
use crate::report::curves::Scale;
use crate::report::page::chart::{Ink, Line};
use crate::report::page::{Block, Cell, Chart, Grid};
use crate::train::observe::page::Chapters;

/// Reads an evaluation of a nowcast.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluated;

impl Chapters for Evaluated {
    fn chapters(&self, metrics: &Metrics) -> Vec<Block> {
        let Some(found) = metrics.section::<Verification>(SECTION) else { return Vec::new() };
        by_lead(&found, metrics)
    }

    fn tables(&self, metrics: &Metrics) -> Vec<Grid> {
        let primary = metrics.primary().map(|metric| &metric.spec);
        primary.zip(metrics.section(SECTION)).map(|(spec, found)| leads(&found, spec)).into_iter().collect()
    }

    fn caption(&self) -> &'static str {
        "Over all lead times"
    }
}

/// Scores over lead time: the one that decides and the mean error first, the others in small.
fn by_lead(found: &Verification, metrics: &Metrics) -> Vec<Block> {
    let is_there = |spec: &&ScoreSpec| {
        let model = found.forecasts.get(Kind::Model.name()).and_then(|scores| scores.by_lead.first());
        model.is_some_and(|lead| lead.contains_key(&spec.name)) && spec.is_drawn()
    };
    let specs = metrics.metrics.values().map(|metric| &metric.spec).filter(is_there);
    let [mae, ..] = error_names(&found.levels.unit);
    let is_large = |spec: &&ScoreSpec| spec.name == metrics.primary || mae == spec.name;
    let (large, small): (Vec<&ScoreSpec>, Vec<_>) = specs.partition(is_large);
    let mut large: Vec<Chart> = large.into_iter().map(|spec| chart(found, spec, false)).collect();
    large.extend(reliability(found));
    let small = small.into_iter().map(|spec| chart(found, spec, true)).collect();
    let charts = [("By lead time", large), ("All scores by lead time", small)];
    let charts = charts.into_iter().filter(|(_, charts)| !charts.is_empty());
    charts.map(|(title, charts)| Block::Charts(title.into(), charts)).collect()
}

fn chart(found: &Verification, spec: &ScoreSpec, is_small: bool) -> Chart {
    let line = |kind: Kind| {
        let leads = &found.forecasts.get(kind.name())?.by_lead;
        let value = |at: usize| leads.get(at)?.get(&spec.name).copied().flatten();
        let values = (0..found.lead_minutes.len()).map(|at| value(at).unwrap_or(f64::NAN)).collect();
        Some(Line { name: kind.name().to_owned(), values, ink: ink(kind) })
    };
    Chart {
        title: spec.title(),
        across: "minutes ahead".into(),
        places: found.lead_minutes.clone(),
        scale: Scale::Linear,
        lines: Kind::ALL.into_iter().filter_map(line).collect(),
        levels: Vec::new(),
        marks: Vec::new(),
        is_small,
    }
}

fn ink(kind: Kind) -> Ink {
    match kind {
        Kind::Model => Ink::Accent,
        Kind::Persistence => Ink::Baseline,
        Kind::Advection => Ink::Rival,
    }
}

/// What is observed where an intensity is forecast.
fn reliability(found: &Verification) -> Option<Chart> {
    let (unit, bins) = (&found.levels.unit, found.forecasts.get(Kind::Model.name())?.reliability.iter());
    let points: Vec<(f64, f64)> = bins.filter_map(|bin| Some((bin.mean_forecast?, bin.mean_observed?))).collect();
    let line = |name: &str, ink, value: fn(&(f64, f64)) -> f64| Line {
        name: name.into(),
        values: points.iter().map(value).collect(),
        ink,
    };
    (points.len() > 1).then(|| Chart {
        title: with_unit("Reliability: mean observation by forecast intensity", unit),
        across: with_unit("forecast", unit),
        places: points.iter().map(|(forecast, _)| *forecast).collect(),
        scale: Scale::Linear,
        lines: vec![line("observed", Ink::Accent, |point| point.1), line("as forecast", Ink::Quiet, |point| point.0)],
        levels: Vec::new(),
        marks: Vec::new(),
        is_small: false,
    })
}

/// "forecast, dBZ"; without a unit "forecast".
pub(super) fn with_unit(text: &str, unit: &str) -> String {
    format!("{text}, {unit}").trim_end_matches(", ").to_owned()
}

/// The score that decides, lead by lead.
fn leads(found: &Verification, primary: &ScoreSpec) -> Grid {
    let number = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"));
    let row = |kind: Kind| -> Option<Vec<Cell>> {
        let leads = found.forecasts.get(kind.name())?.by_lead.iter();
        let values = leads.map(|lead| number(lead.get(&primary.name).copied().flatten()));
        Some(std::iter::once(kind.name().to_owned()).chain(values).map(Cell::from).collect())
    };
    let minutes = found.lead_minutes.iter().map(|minutes| format!("{minutes:.0} min"));
    Grid {
        caption: format!("{} by lead time", primary.title()),
        head: std::iter::once(String::new()).chain(minutes).collect(),
        rows: Kind::ALL.into_iter().filter_map(row).collect(),
    }
}
