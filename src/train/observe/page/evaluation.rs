//! The evaluation section: tables of all scores, what the task adds to them, and the sentence that compares the model
//! with the baselines.

use super::run::Run;
use super::words::{list, number, time};
use super::{Chapters, forecasts, parted};
use crate::metric::better::Better;
use crate::metric::document::{Metric, Metrics};
use crate::metric::score::{ScoreSpec, Show, families};
use crate::report::page::{Block, Cell, Grid};
use crate::util::units::count;

/// The folder of what an evaluation drew, in that of the run.
const EVALUATION: &str = "evaluation/plots";

pub(super) fn blocks(run: &Run<'_>, chapters: &dyn Chapters) -> Vec<Block> {
    let metrics = match &run.metrics {
        None => return vec![Block::Absent("The run was not evaluated yet.".into())],
        Some(Err(problem)) => return vec![Block::Absent(format!("The evaluation is left out: {problem}."))],
        Some(Ok(metrics)) => metrics,
    };
    let is_first = |metric: &&Metric| metric.spec.show == Show::First || metric.spec.name == metrics.primary;
    let (first, rest): (Vec<&Metric>, Vec<_>) = metrics.metrics.values().partition(is_first);
    let caption = chapters.caption();
    let mut blocks = vec![Block::Text(said(metrics, chapters)), Block::Table(table(metrics, &first, caption))];
    blocks.extend(run.test.as_ref().map(|test| Block::Table(tested(test, &first, caption))));
    blocks.extend(chapters.chapters(metrics, &|plot| forecasts::plot(run, EVALUATION, plot)));
    blocks.extend(forecasts::plots(run, EVALUATION, chapters.pictures()));
    if !rest.is_empty() {
        let table = Block::Table(table(metrics, &rest, caption));
        blocks.push(Block::Folded("All other scores".into(), vec![table]));
    }
    blocks
}

/// Whether the model beats its baselines, and the score that decides with theirs.
pub(super) fn verdict(run: &Run<'_>, chapters: &dyn Chapters) -> Option<String> {
    let metrics = run.evaluation()?;
    if let Some(verdict) = chapters.verdict(metrics) {
        return Some(verdict);
    }
    let opening = chapters.opening(metrics);
    let scores = scored(metrics, chapters);
    let said: Vec<String> = opening.into_iter().chain(scores).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// The score that decides beside those of the baselines.
fn scored(metrics: &Metrics, chapters: &dyn Chapters) -> Option<String> {
    let primary = telling(metrics)?;
    let (spec, value) = (&primary.spec, primary.value?);
    let baselines = || primary.baselines.iter().filter_map(|(name, other)| Some((name, (*other)?)));
    let judged = judged(metrics);
    let end = |value: f64| number(Some(value));
    let interval = primary.interval.map_or_else(String::new, |[low, high]| format!(" ({} to {})", end(low), end(high)));
    let against: String = baselines().map(|(name, other)| format!(", {name} {}", end(other))).collect();
    let parts = chapters.parts(metrics, spec).and_then(|parts| parted::sentence(&parts, spec));
    let parts = parts.map_or_else(String::new, |sentence| format!(" {sentence}"));
    Some(format!("{judged}: {} is {}{interval}{against}.{parts}", spec.title(), end(value)))
}

/// The baselines that the model beats and those that it does not, by all scores that are drawn: one alone could
/// mislead.
fn judged(metrics: &Metrics) -> String {
    let against = metrics.baselines().into_iter().filter_map(|name| Some((name, Against::of(metrics, name)?)));
    let mut groups: Vec<(Against, Vec<&str>)> = Vec::new();
    for (name, against) in against {
        match groups.iter_mut().find(|(known, _)| *known == against) {
            Some((_, names)) => names.push(name),
            None => groups.push((against, vec![name])),
        }
    }
    let sentence = groups.iter().map(|(against, names)| against.text(&list(names))).collect::<Vec<_>>().join("; ");
    let (first, rest) = sentence.split_at(usize::from(!sentence.is_empty()));
    if sentence.is_empty() { "Evaluated without a baseline".to_owned() } else { first.to_uppercase() + rest }
}

/// In which families of scores the model is better, and in which it is worse, than one other forecast.
#[derive(PartialEq)]
struct Against {
    better: Vec<String>,
    worse: Vec<String>,
}

impl Against {
    /// None if no score of the two can be compared.
    fn of(metrics: &Metrics, baseline: &str) -> Option<Self> {
        let (mut better, mut worse, mut compared) = (Vec::new(), Vec::new(), 0);
        for (family, members) in
            families(metrics.metrics.values().map(|metric| &metric.spec).filter(|spec| spec.is_drawn()))
        {
            let gain = |spec: &ScoreSpec| {
                let metric = metrics.metrics.get(&spec.name)?;
                Some(spec.better.gain(metric.value?, metric.baselines.get(baseline).copied().flatten()?))
            };
            let gains: Vec<f64> = members.into_iter().filter_map(gain).collect();
            let [good, bad] = [1.0, -1.0].map(|sign| gains.iter().filter(|gain| **gain * sign > 0.0).count());
            compared += gains.len();
            let counted = |count: usize| match count == gains.len() {
                true => family.to_owned(),
                false => format!("{family} ({count} of {})", gains.len()),
            };
            if good > 0 {
                better.push(counted(good));
            }
            if bad > 0 {
                worse.push(counted(bad));
            }
        }
        // If all point one way, the sentence names no scores.
        match (better.is_empty(), worse.is_empty()) {
            (true, false) => worse = vec![String::new()],
            (false, true) => better = vec![String::new()],
            _ => {}
        }
        (compared > 0).then_some(Self { better, worse })
    }

    fn text(&self, names: &str) -> String {
        let list = |scores: &[String]| list(&scores.iter().map(String::as_str).collect::<Vec<_>>());
        match (&self.better[..], &self.worse[..]) {
            ([], []) => format!("as good as {names}"),
            (_, []) => format!("better than {names}"),
            ([], _) => format!("worse than {names}"),
            (better, worse) => format!("better than {names} in {}, worse in {}", list(better), list(worse)),
        }
    }
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
fn said(metrics: &Metrics, chapters: &dyn Chapters) -> String {
    let (data, basis) = (&metrics.dataset, &metrics.dataset.basis);
    let step = metrics.weights.step.map_or_else(String::new, |step| format!(" of step {step}"));
    let notes: String = basis.notes.iter().map(|note| format!("; {note}")).collect();
    let group = &basis.words.group;
    let intervals = match metrics.metrics.values().any(|metric| metric.interval.is_some()) {
        true => format!(" {}", chapters.intervals(group)),
        false => {
            let are = if basis.groups == 1 { "is" } else { "are" };
            format!(" Intervals are n/a: {} {are} too few to estimate them.", count(basis.groups as u64, group))
        }
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

/// The same scores on the side that decided nothing.
fn tested(test: &Metrics, shown: &[&Metric], caption: &str) -> Grid {
    let same: Vec<&Metric> = shown.iter().filter_map(|metric| test.metrics.get(&metric.spec.name)).collect();
    let counted = test.dataset.basis.counted();
    table(test, &same, &format!("{caption} on the test side, which decided nothing: {counted}"))
}

/// Scores as rows, the model and its baselines as columns.
fn table(metrics: &Metrics, shown: &[&Metric], caption: &str) -> Grid {
    let baselines = metrics.baselines();
    Grid {
        caption: if baselines.is_empty() {
            caption.to_owned()
        } else {
            format!("{caption}. The best of each row is marked.")
        },
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

#[cfg(test)]
mod tests {
    use super::super::{Now, Tale};
    use super::*;
    use crate::metric::document::{Basis, DatasetUsed, Measured, VERSION, Weights, metrics};

    /// Scores of the model, of persistence and of advection: CSI at two thresholds, FSS, and an error.
    fn evaluated(values: [[f64; 3]; 4]) -> Metrics {
        let drawn =
            |name: &str, family: &str, better| ScoreSpec::new(name, name, better).family(family).shown(Show::First);
        let specs = [
            drawn("csi_20", "CSI", Better::Higher),
            drawn("csi_35", "CSI", Better::Higher),
            drawn("fss_20", "FSS", Better::Higher),
            drawn("mae", "MAE", Better::Lower),
        ];
        let measured: Vec<Measured> = specs
            .iter()
            .zip(values)
            .flat_map(|(spec, [model, persistence, advection])| {
                let of = |forecast: &str, value| (spec.of_baseline(forecast), Some(value), None);
                [(spec.clone(), Some(model), None), of("persistence", persistence), of("advection", advection)]
            })
            .collect();
        Metrics {
            format_version: VERSION,
            program: String::new(),
            created: jiff::Timestamp::UNIX_EPOCH,
            task: String::new(),
            run: None,
            split: "val".into(),
            weights: Weights { file: String::new(), sha256: String::new(), step: None },
            dataset: DatasetUsed {
                name: String::new(),
                fingerprint: String::new(),
                side: String::new(),
                basis: Basis::default(),
            },
            primary: "csi_35".into(),
            metrics: metrics(&measured),
            sections: serde_json::Value::Null,
        }
    }

    #[test]
    fn the_test_side_is_shown_with_the_scores_that_are_shown_of_the_validation_side() {
        let folder = tempfile::tempdir().unwrap();
        let write = |place: &str, first: f64| {
            let metrics = evaluated([[first, 0.4, 0.3], [0.5, 0.4, 0.3], [0.9, 0.8, 0.8], [1.0, 2.0, 2.0]]);
            std::fs::create_dir_all(folder.path().join(place)).unwrap();
            metrics.write(&folder.path().join(place).join("metrics.json")).unwrap();
        };
        let tables = || {
            let tale = Tale::default();
            let run = Run::read(folder.path(), &tale, Now::AsWritten);
            let is_table = |block: Block| if let Block::Table(grid) = block { Some(grid) } else { None };
            blocks(&run, &()).into_iter().filter_map(is_table).collect::<Vec<_>>()
        };
        write("evaluation", 0.61);
        assert_eq!(tables().len(), 1);
        write("evaluation/test", 0.42);
        let [val, test] = &tables()[..] else { panic!() };
        assert!(test.caption.contains("on the test side, which decided nothing"), "{}", test.caption);
        let value = |grid: &Grid, row: usize| grid.rows[row][1].text.clone();
        assert_eq!([value(val, 0), value(test, 0), value(test, 1)], ["0.610", "0.420", "0.500"]);
    }

    #[test]
    fn the_headline_says_what_is_better_and_what_is_worse() {
        let better = [[0.5, 0.4, 0.3], [0.5, 0.4, 0.3], [0.9, 0.8, 0.8], [1.0, 2.0, 2.0]];
        assert_eq!(judged(&evaluated(better)), "Better than persistence and advection");
        let mut mixed = better;
        mixed[2] = [0.7, 0.8, 0.6];
        mixed[0] = [0.35, 0.4, 0.3];
        assert_eq!(
            judged(&evaluated(mixed)),
            "Better than persistence in CSI (1 of 2) and MAE, worse in CSI (1 of 2) and FSS; better than advection"
        );
        let worse = better.map(|[model, persistence, _]| [persistence, model, persistence]);
        assert_eq!(judged(&evaluated(worse)), "Worse than persistence; as good as advection");
        let worst = better.map(|[model, persistence, _]| [persistence, model, 0.5 * (model + persistence)]);
        assert_eq!(judged(&evaluated(worst)), "Worse than persistence and advection");
        assert_eq!(judged(&Metrics { metrics: metrics(&[]), ..evaluated(better) }), "Evaluated without a baseline");
    }
}
