//! The chapters of a run's page for a nowcast: scores by lead time, and the mean observation by forecast intensity.

use super::ahead::Ahead;
use super::kinds::Kind;
use super::pictures::ERROR_MAPS;
use super::section::{SECTION, Verification};
use super::{charts, said};
use crate::metric::document::Metrics;
use crate::metric::forecast::scores::error_names;
use crate::metric::score::ScoreSpec;
use crate::report::chart::Chart;
use crate::report::page::{Block, Cell, Charts, Grid};
use crate::train::observe::page::{Chapters, Curve, Parts, Plot};
use crate::util::units::count;

/// Reads an evaluation of a nowcast.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluated;

/// More charts of single scores than this are too many to read.
const MOST: usize = 18;

impl Chapters for Evaluated {
    fn chapters(&self, metrics: &Metrics, _plot: &dyn Fn(&Plot) -> Option<Block>) -> Vec<Block> {
        let Some(found) = metrics.section::<Verification>(SECTION) else { return Vec::new() };
        let (first, rest) = by_lead(&found, metrics);
        let mut shown: Vec<Chart> = first.iter().map(|spec| charts::by_lead(&found, spec)).collect();
        shown.push(charts::reliability(&found));
        let caption = "The model should stay above both baselines at every lead time (below them for errors), most of all \
                       where they fall fastest. Reliability should follow the diagonal: below it the model overforecasts.";
        let all = rest.iter().map(|spec| charts::by_lead(&found, spec)).collect();
        let more = vec![
            block("", "Every score by lead time, over all windows.", all),
            block("", SCALES, charts::by_scale(&found)),
            block("", DIAGRAM, vec![charts::performance(&found), charts::intensities(&found)]),
        ];
        let mut blocks = vec![block("By lead time", caption, shown)];
        blocks.extend(beside_advection(&found, metrics));
        blocks.extend(charts::silent(&found).map(Block::Absent));
        let more = more.into_iter().filter(|block| !matches!(block, Block::Charts(charts) if charts.charts.is_empty()));
        blocks.push(Block::Folded(
            "All scores by lead time, by scale, and the performance diagram".into(),
            more.collect(),
        ));
        blocks
    }

    fn curves(&self, metrics: &Metrics) -> Vec<Curve> {
        let Some(found) = metrics.section::<Verification>(SECTION) else { return Vec::new() };
        let (first, rest) = by_lead(&found, metrics);
        let curve = |spec: &&ScoreSpec| {
            let chart = charts::by_lead(&found, spec);
            let model = chart.series.into_iter().find(|series| series.name == Kind::Model.name())?;
            Some(Curve { title: chart.title, across: chart.across.name, points: model.points })
        };
        first.iter().chain(&rest).filter_map(curve).collect()
    }

    fn pictures(&self) -> &'static [Plot] {
        &[Plot {
            file: ERROR_MAPS,
            title: "Where the forecast errs, on the map",
            caption: "Above, the mean error for three lead times: red where the forecast is too strong, blue where it is too weak. \
                      A colour over the whole map is a bias. Below, the typical size of the error: dark is large.",
            is_folded: true,
        }]
    }

    fn parts(&self, metrics: &Metrics, score: &ScoreSpec) -> Option<Parts> {
        let found = metrics.section::<Verification>(SECTION)?;
        let values = |kind: Kind| -> Option<Vec<Option<f64>>> {
            let leads = found.forecasts.get(kind.name())?.by_lead.iter();
            Some(leads.map(|lead| lead.get(&score.name).copied().flatten()).collect())
        };
        let others = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Model);
        Some(Parts {
            word: "lead time",
            labels: found.lead_minutes.iter().map(|minutes| format!("+{minutes:.0} min")).collect(),
            model: values(Kind::Model)?,
            baselines: others.filter_map(|kind| Some((kind.name().to_owned(), values(kind)?))).collect(),
        })
    }

    fn opening(&self, metrics: &Metrics) -> Option<String> {
        let found = metrics.section::<Verification>(SECTION)?;
        let ahead = found.ahead.as_ref()?;
        let (groups, word) = (metrics.dataset.basis.groups as u64, &metrics.dataset.basis.words.group);
        let are = if groups == 1 { "is" } else { "are" };
        let too_few = format!("{} {are} too few to estimate them", count(groups, word));
        let verdict = said::verdict(ahead, &found.levels, &too_few)?;
        Some([Some(verdict), said::until(ahead, &found.levels)].into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    fn tables(&self, metrics: &Metrics) -> Vec<Grid> {
        let Some(found) = metrics.section::<Verification>(SECTION) else { return Vec::new() };
        let primary = metrics.primary().map(|metric| leads(&found, &metric.spec));
        primary.into_iter().chain(found.ahead.as_ref().map(|ahead| thresholds(&found, ahead, metrics))).collect()
    }

    fn caption(&self) -> &'static str {
        "Over all lead times"
    }
}

const SCALES: &str = "Agreement within squares. It grows with the side of the square; where the model's curve is above 0.5, a forecast \
                      is useful at that scale.";
const DIAGRAM: &str = "Points in the upper right corner are perfect, those above the line of bias 1 forecast too many events. The \
                       numbers are thresholds. Beside it, how often each intensity is forecast and observed: the curves should meet.";

/// The model beside advection: by threshold, and the events in which it is furthest behind.
fn beside_advection(found: &Verification, metrics: &Metrics) -> Vec<Block> {
    let Some(ahead) = &found.ahead else { return Vec::new() };
    let tables = [thresholds(found, ahead, metrics), said::by_event(ahead, &found.levels)];
    tables.into_iter().filter(|grid| !grid.rows.is_empty()).map(Block::Table).collect()
}

fn thresholds(found: &Verification, ahead: &Ahead, metrics: &Metrics) -> Grid {
    said::by_threshold(ahead, &found.levels, &metrics.dataset.basis.too_few().unwrap_or_default())
}

fn block(title: &str, caption: &str, mut charts: Vec<Chart>) -> Block {
    charts.retain(Chart::has_values);
    Block::Charts(Charts { title: title.into(), caption: caption.into(), charts })
}

/// The scores that are drawn by lead time: the one that decides and the mean error first, and the others, without those of
/// thresholds that were never observed.
fn by_lead<'a>(found: &Verification, metrics: &'a Metrics) -> (Vec<&'a ScoreSpec>, Vec<&'a ScoreSpec>) {
    let model = found.forecasts.get(Kind::Model.name()).map(|scores| scores.by_lead.as_slice()).unwrap_or_default();
    let is_there = |spec: &&ScoreSpec| {
        spec.is_drawn() && model.iter().any(|lead| lead.get(&spec.name).is_some_and(Option::is_some))
    };
    let silent = charts::silent_scores(found);
    let specs = metrics.metrics.values().map(|metric| &metric.spec).filter(is_there);
    let specs = specs.filter(|spec| !silent.contains(&spec.name));
    let [mae, ..] = error_names(&found.levels.unit);
    let is_first = |spec: &&ScoreSpec| spec.name == metrics.primary || mae == spec.name;
    let (first, mut rest): (Vec<_>, Vec<_>) = specs.partition(is_first);
    rest.truncate(MOST);
    (first, rest)
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
        is_stacked: false,
    }
}
