//! What an evaluation found, as pictures: scores against lead time, agreement against the size of squares, the performance
//! diagram, what is observed where an intensity is forecast, and where forecasts are wrong.

use std::collections::BTreeSet;

use super::chapters::with_unit;
use super::kinds::Kind;
use super::section::{ForecastScores, Named, Verification};
use crate::metric::forecast::error_map::ErrorMap;
use crate::metric::forecast::reliability::ReliabilityBin;
use crate::metric::forecast::scores::{error_names, specs};
use crate::metric::score::ScoreSpec;
use crate::report::PictureError;
use crate::report::charts::{AxisOf, Behind, Chart, Charts, Series, charts};
use crate::report::radar::colours::Scale;
use crate::report::radar::error_maps::{ErrorMaps, error_maps};
use crate::train::task::Plots;

/// The most lead times that maps are drawn for.
const MOST_MAPS: usize = 3;
/// Width and height of a chart among others, and of one on its own.
const SMALL: [usize; 2] = [440, 350];
const LARGE: [usize; 2] = [640, 640];
/// The forecasts with their places among the colours: blue, grey and orange, as on the page of a run.
const KINDS: [(usize, Kind); 3] = [(0, Kind::Model), (9, Kind::Persistence), (1, Kind::Advection)];

/// The pictures with their file names. `about` says what was evaluated, `size` are the rows and columns of a frame, and
/// `scale` has the colours of its values.
///
/// # Errors
/// If a picture can't be encoded.
pub fn pictures(
    found: &Verification,
    map: Option<&ErrorMap>,
    about: &str,
    (size, scale): ([usize; 2], &Scale),
) -> Result<Plots, PictureError> {
    let sheets = [
        ("scores_by_lead.png", "Scores by lead time", by_lead(found)),
        ("fss_by_scale.png", "Fractions skill score by scale, all lead times", by_scale(found)),
        ("performance.png", "Performance diagram", performance(found)),
        ("reliability.png", "Intensities: forecast and observed", reliability(found)),
    ];
    let mut pictures = Vec::new();
    for (file, title, (columns, of_sheet)) in sheets {
        if !of_sheet.is_empty() {
            let size = if of_sheet.len() == 1 { LARGE } else { SMALL };
            let sheet = Charts { title: title.into(), note: about.to_owned(), columns, size, charts: of_sheet };
            pictures.push((file.to_owned(), charts(&sheet)?));
        }
    }
    if let Some(maps) = map.map(|map| maps(map, &found.lead_minutes, about, (size, scale))) {
        pictures.push(("error_maps.png".to_owned(), error_maps(&maps)?));
    }
    Ok(pictures)
}

/// The number of charts side by side, and the charts.
type Sheet = (usize, Vec<Chart>);

fn chart(title: &str, x: AxisOf, y: AxisOf, behind: Behind, series: Vec<Series>) -> Option<Chart> {
    let is_there = |series: &Series| series.points.iter().any(|[x, y]| x.is_finite() && y.is_finite());
    let any = series.iter().any(is_there);
    any.then(|| Chart { title: title.into(), x, y, behind, series })
}

fn axis(name: &str, range: Option<[f64; 2]>) -> AxisOf {
    AxisOf { name: name.into(), range }
}

/// A series of each kind of forecast.
fn series(found: &Verification, points: impl Fn(&ForecastScores) -> Vec<[f64; 2]>, labels: &[String]) -> Vec<Series> {
    let of = |(colour, kind): (usize, Kind)| {
        let scores = found.forecasts.get(kind.name())?;
        let dashed = kind != Kind::Model;
        let labels = if dashed { Vec::new() } else { labels.to_vec() };
        Some(Series { name: kind.name().into(), colour, dashed, points: points(scores), labels })
    };
    KINDS.into_iter().filter_map(of).collect()
}

fn value(scores: &Named, name: &str) -> f64 {
    scores.get(name).copied().flatten().unwrap_or(f64::NAN)
}

fn by_lead(found: &Verification) -> Sheet {
    let specs = specs(&found.levels);
    let label = |name: &str| specs.iter().find(|spec| spec.name == name).map_or_else(String::new, ScoreSpec::title);
    let thresholds = found.levels.thresholds.iter().map(|threshold| (format!("csi_{threshold}"), true));
    let [_, rmse, me] = error_names(&found.levels.unit);
    let others = [rmse, me, "ssim"].map(|name| (name.to_owned(), false));
    let of = |(name, from_zero): (String, bool)| {
        let points = |scores: &ForecastScores| {
            found
                .lead_minutes
                .iter()
                .zip(&scores.by_lead)
                .map(|(&minutes, lead)| [minutes, value(lead, &name)])
                .collect()
        };
        let drawn = series(found, points, &[]);
        let highest = drawn.iter().flat_map(|series| &series.points).map(|point| point[1]).fold(0.0, f64::max);
        // From zero, so that a small difference looks small.
        let range = from_zero.then(|| [0.0, (1.1 * highest).clamp(0.05, 1.0)]);
        chart(&label(&name), axis("lead time, minutes", None), axis("", range), Behind::Grid, drawn)
    };
    (3, thresholds.chain(others).filter_map(of).collect())
}

fn by_scale(found: &Verification) -> Sheet {
    let of = |threshold: &f64| {
        let points = |scores: &ForecastScores| {
            let point =
                |scale: &usize| [*scale as f64, value(&scores.all_leads, &format!("fss_{threshold}_{scale}px"))];
            found.levels.scales_px.iter().map(point).collect()
        };
        let side = "side of the square, cells";
        let drawn = series(found, points, &[]);
        chart(
            format!("{threshold} {}", found.levels.unit).trim_end(),
            axis(side, None),
            axis("FSS", Some([0.0, 1.0])),
            Behind::Grid,
            drawn,
        )
    };
    (3, found.levels.thresholds.iter().filter_map(of).collect())
}

/// A point for each threshold, over all lead times.
fn performance(found: &Verification) -> Sheet {
    let labels: Vec<String> = found.levels.thresholds.iter().map(f64::to_string).collect();
    let points = |scores: &ForecastScores| {
        let point = |threshold: &f64| {
            let named = |kind: &str| value(&scores.all_leads, &format!("{kind}_{threshold}"));
            [1.0 - named("far"), named("pod")]
        };
        found.levels.thresholds.iter().map(point).collect()
    };
    let range = Some([0.0, 1.0]);
    let chart = chart(
        &format!("{}; lines of equal CSI and bias", in_unit("Thresholds", &found.levels.unit)),
        axis("success ratio, 1 - FAR", range),
        axis("probability of detection", range),
        Behind::Performance,
        series(found, points, &labels),
    );
    (1, chart.into_iter().collect())
}

fn reliability(found: &Verification) -> Sheet {
    let unit = &found.levels.unit;
    let means = |scores: &ForecastScores| {
        let bins = scores.reliability.iter();
        bins.map(|bin| [bin.mean_forecast.unwrap_or(f64::NAN), bin.mean_observed.unwrap_or(f64::NAN)]).collect()
    };
    let middle = |from: f64, to: f64| f64::midpoint(from, to);
    let share = |scores: &ForecastScores, observed: bool| -> Vec<[f64; 2]> {
        let all: u64 = scores.reliability.iter().map(|bin| bin.cells).sum();
        let cells = |bin: &ReliabilityBin| if observed { bin.observed_cells } else { bin.cells };
        let height = |cells: u64| if cells == 0 { f64::NAN } else { (100.0 * cells as f64 / all as f64).log10() };
        scores.reliability.iter().map(|bin| [middle(bin.from, bin.to), height(cells(bin))]).collect()
    };
    let mut often = series(found, |scores| share(scores, false), &[]);
    if let Some(model) = found.forecasts.get(Kind::Model.name()) {
        let points = share(model, true);
        often.push(Series { name: "observed".into(), colour: 2, dashed: true, points, labels: Vec::new() });
    }
    let charts = [
        chart(
            "Mean observation by forecast intensity",
            axis(&with_unit("mean forecast", unit), None),
            axis(&with_unit("mean observation", unit), None),
            Behind::Diagonal,
            series(found, means, &[]),
        ),
        chart(
            "How often each intensity occurs",
            axis(unit, None),
            axis("log10 of the share of cells in %", None),
            Behind::Grid,
            often,
        ),
    ];
    (2, charts.into_iter().flatten().collect())
}

/// "Thresholds in dBZ"; without a unit "Thresholds".
fn in_unit(text: &str, unit: &str) -> String {
    format!("{text} in {unit}").trim_end_matches(" in ").to_owned()
}

/// The first, a middle and the last lead time.
fn maps(map: &ErrorMap, minutes: &[f64], about: &str, ([height, width], scale): ([usize; 2], &Scale)) -> ErrorMaps {
    let leads: BTreeSet<usize> =
        (0..MOST_MAPS).map(|number| number * minutes.len().saturating_sub(1) / (MOST_MAPS - 1)).collect();
    let rows = [
        ("mean error: forecast - observation", leads.iter().map(|&lead| map.mean(lead)).collect()),
        (
            "root mean square error: its size alone, dark is large",
            leads.iter().map(|&lead| map.root_mean_square(lead)).collect(),
        ),
    ];
    ErrorMaps {
        title: "Where the forecast errs".into(),
        note: about.to_owned(),
        scale: scale.clone(),
        height,
        width,
        rows: rows.map(|(name, maps): (&str, Vec<Vec<f32>>)| (name.to_owned(), maps)).into(),
        columns: leads.iter().map(|&lead| format!("+{:.0} min", minutes[lead])).collect(),
    }
}
