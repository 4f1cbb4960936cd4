//! The results of an evaluation as charts, for the page and for pictures: scores by lead time, agreement by the size of
//! squares, the performance diagram, and reliability.

use std::collections::BTreeSet;

use super::kinds::Kind;
use super::section::{ForecastScores, Named, Verification};
use crate::metric::forecast::reliability::ReliabilityBin;
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::Levels;
use crate::metric::score::ScoreSpec;
use crate::report::chart::{AxisOf, Backdrop, Chart, Ink, Series};

/// "forecast, dBZ"; without a unit "forecast".
fn with_unit(text: &str, unit: &str) -> String {
    format!("{text}, {unit}").trim_end_matches(", ").to_owned()
}

/// "35 dBZ"; without a unit "35".
fn at(threshold: &str, unit: &str) -> String {
    format!("{threshold} {unit}").trim_end().to_owned()
}

/// The thresholds that no observation exceeds: their scores are undefined.
pub(super) fn unobserved(found: &Verification) -> Vec<f64> {
    let model = found.forecasts.get(Kind::Model.name());
    let is_silent =
        |threshold: &&f64| model.is_none_or(|model| !value(&model.all_leads, &format!("pod_{threshold}")).is_finite());
    found.levels.thresholds.iter().filter(is_silent).copied().collect()
}

/// The names of the scores at these thresholds.
pub(super) fn silent_scores(found: &Verification) -> BTreeSet<String> {
    let names = |thresholds| -> BTreeSet<String> {
        let levels = Levels { thresholds, ..found.levels.clone() };
        specs(&levels).into_iter().map(|spec| spec.name).collect()
    };
    let elsewhere = names(Vec::new());
    names(unobserved(found)).into_iter().filter(|name| !elsewhere.contains(name)).collect()
}

/// The same as a sentence; `None` if every threshold was observed.
pub(super) fn silent(found: &Verification) -> Option<String> {
    let thresholds: Vec<String> = unobserved(found).into_iter().map(|threshold| threshold.to_string()).collect();
    let text = match thresholds.as_slice() {
        [] => return None,
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    let these = if thresholds.len() == 1 { "this threshold" } else { "these thresholds" };
    Some(format!("No observation is above {}, so nothing can be said about {these}.", at(&text, &found.levels.unit)))
}

/// A score over lead time.
pub(super) fn by_lead(found: &Verification, spec: &ScoreSpec) -> Chart {
    let points = |scores: &ForecastScores| {
        let leads = found.lead_minutes.iter().zip(&scores.by_lead);
        leads.map(|(&minutes, lead)| [minutes, value(lead, &spec.name)]).collect()
    };
    let last = found.lead_minutes.last().copied().unwrap_or_default();
    let series = series(found, points).into_iter().map(|series| series.told_at(last)).collect();
    Chart {
        title: spec.title(),
        across: AxisOf::named("minutes ahead"),
        series,
        when: format!("at +{last:.0} min"),
        ..Chart::default()
    }
}

/// The fractions skill score by the side of its squares; one chart for each threshold that was observed.
pub(super) fn by_scale(found: &Verification) -> Vec<Chart> {
    let silent = unobserved(found);
    let of = |threshold: &f64| {
        let points = |scores: &ForecastScores| {
            let point =
                |scale: &usize| [*scale as f64, value(&scores.all_leads, &format!("fss_{threshold}_{scale}px"))];
            found.levels.scales_px.iter().map(point).collect()
        };
        let largest = found.levels.scales_px.last().copied().unwrap_or_default();
        let series = series(found, points).into_iter().map(|series| series.told_at(largest as f64).dots()).collect();
        Chart {
            title: format!("Fractions skill score above {}", at(&threshold.to_string(), &found.levels.unit)),
            across: AxisOf::named("side of the square, cells"),
            up: AxisOf::default().range(0.0, 1.0),
            series,
            when: format!("{largest} cells"),
            ..Chart::default()
        }
    };
    let shown = found.levels.thresholds.iter().filter(|threshold| !silent.contains(threshold));
    shown.map(of).filter(Chart::has_values).collect()
}

/// A point for each threshold, over all lead times.
pub(super) fn performance(found: &Verification) -> Chart {
    let labels: Vec<String> = found.levels.thresholds.iter().map(f64::to_string).collect();
    let points = |scores: &ForecastScores| {
        let point = |threshold: &f64| {
            let named = |kind: &str| value(&scores.all_leads, &format!("{kind}_{threshold}"));
            [1.0 - named("far"), named("pod")]
        };
        found.levels.thresholds.iter().map(point).collect()
    };
    let labelled = |series: Series| Series { labels: labels.clone(), ..series.dots() };
    Chart {
        title: with_unit("Hits against false alarms, by threshold", &found.levels.unit),
        across: AxisOf::named("success ratio, 1 - FAR").range(0.0, 1.0),
        up: AxisOf::named("probability of detection").range(0.0, 1.0),
        backdrop: Backdrop::Performance,
        series: series(found, points).into_iter().map(labelled).collect(),
        ..Chart::default()
    }
}

/// The mean observation by forecast intensity.
pub(super) fn reliability(found: &Verification) -> Chart {
    let points = |scores: &ForecastScores| {
        let bins = scores.reliability.iter();
        bins.map(|bin| [bin.mean_forecast.unwrap_or(f64::NAN), bin.mean_observed.unwrap_or(f64::NAN)]).collect()
    };
    let unit = &found.levels.unit;
    Chart {
        title: "Reliability: mean observation by forecast intensity".into(),
        across: AxisOf::named(with_unit("forecast", unit)),
        up: AxisOf::named(with_unit("observed", unit)),
        backdrop: Backdrop::Diagonal,
        series: series(found, points),
        ..Chart::default()
    }
}

/// How often each intensity is forecast, and observed.
pub(super) fn intensities(found: &Verification) -> Chart {
    let share = |scores: &ForecastScores, is_observed: bool| -> Vec<[f64; 2]> {
        let all: u64 = scores.reliability.iter().map(|bin| bin.cells).sum();
        let cells = |bin: &ReliabilityBin| if is_observed { bin.observed_cells } else { bin.cells };
        let height = |cells: u64| if cells == 0 { f64::NAN } else { 100.0 * cells as f64 / all as f64 };
        let middle = |bin: &ReliabilityBin| f64::midpoint(bin.from, bin.to);
        scores.reliability.iter().map(|bin| [middle(bin), height(cells(bin))]).collect()
    };
    let mut series = series(found, |scores| share(scores, false));
    if let Some(model) = found.forecasts.get(Kind::Model.name()) {
        series.push(Series::line("observed", Ink::Truth, share(model, true)));
    }
    let unit = &found.levels.unit;
    let chart = Chart {
        title: "How often each intensity occurs".into(),
        across: AxisOf::named(unit.as_str()),
        series,
        ..Chart::default()
    };
    let scaled = chart.scaled();
    Chart { up: AxisOf { name: "% of all cells".into(), ..scaled.up }, ..scaled }
}

/// A series of each kind of forecast.
fn series(found: &Verification, points: impl Fn(&ForecastScores) -> Vec<[f64; 2]>) -> Vec<Series> {
    let of = |kind: Kind| Some(Series::line(kind.name(), ink(kind), points(found.forecasts.get(kind.name())?)));
    Kind::ALL.into_iter().filter_map(of).collect()
}

fn ink(kind: Kind) -> Ink {
    match kind {
        Kind::Model => Ink::Accent,
        Kind::Persistence => Ink::Baseline,
        Kind::Advection => Ink::Rival,
    }
}

fn value(scores: &Named, name: &str) -> f64 {
    scores.get(name).copied().flatten().unwrap_or(f64::NAN)
}
