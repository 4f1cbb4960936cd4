//! Charts over the epochs of a run, as its history and its log describe them: for pictures and for the page. Pure functions.

use std::collections::BTreeMap;

use super::selection::drawn;
use crate::metric::score::{ScoreSpec, families};
use crate::report::chart::{AxisOf, Chart, Ink, Level, Mark, Scale, Series};
use crate::train::events::{Best, Record, value};
use crate::train::run_folder::history::Story;

/// More lines than this in one chart can't be distinguished.
const MOST_LINES: usize = 10;

/// The loss, and a chart for each of its parts, with its baseline.
pub(super) fn losses(story: &Story) -> Vec<Chart> {
    let chart = |spec: &ScoreSpec| {
        let training = series(story, "training", Ink::Quiet, |record| value(&record.train, &spec.name));
        let validation = series(story, "validation", Ink::Accent, |record| value(&record.val, &spec.name));
        let levels = levels(story, &spec.name, &[Ink::Baseline, Ink::Rival]);
        Chart { levels, ..chart(story, spec.title(), vec![training, validation]) }.scaled()
    };
    story.parts.iter().map(chart).collect()
}

/// The learning rate of each epoch's last step.
pub(super) fn learning_rate(story: &Story) -> Chart {
    let rate = series(story, "", Ink::Accent, |record| Some(record.lr));
    Chart { when: String::new(), ..chart(story, "Learning rate at the end of each epoch".into(), vec![rate]).scaled() }
}

/// One score, with its baselines.
pub(super) fn score(story: &Story, spec: &ScoreSpec) -> Chart {
    let model = series(story, "model", Ink::Accent, |record| value(&record.scores, &spec.name));
    let levels = levels(story, &spec.name, &[Ink::Baseline, Ink::Rival]);
    Chart { levels, ..chart(story, format!("{} on validation", spec.title()), vec![model]) }
}

/// A chart for each family of scores that are drawn; and how many scores have no room in one.
pub(super) fn scores(story: &Story, most: usize) -> (Vec<Chart>, usize) {
    let is_measured = story.epochs.iter().any(|record| !record.scores.is_empty());
    let families = families(story.scores.iter().filter(|spec| is_measured && spec.is_drawn()));
    let (shown, crowded): (Vec<_>, Vec<_>) = families.into_iter().partition(|(_, members)| members.len() <= MOST_LINES);
    let left = crowded.iter().chain(shown.iter().skip(most)).map(|(_, members)| members.len()).sum();
    (shown.iter().take(most).map(|(name, members)| family(story, name, members)).collect(), left)
}

/// Scores that are seen together, each with its baselines as dashed lines of its colour.
fn family(story: &Story, name: &str, members: &[&ScoreSpec]) -> Chart {
    if let [alone] = members {
        return score(story, alone);
    }
    let line = |(number, spec): (usize, &&ScoreSpec)| {
        series(story, &spec.label, Ink::Number(number), |record| value(&record.scores, &spec.name))
    };
    let lines = members.iter().enumerate().map(line).collect();
    let of = |(number, spec): (usize, &&ScoreSpec)| levels(story, &spec.name, &[Ink::Number(number)]);
    let mut levels: Vec<Level> = members.iter().enumerate().flat_map(of).collect();
    let compared = levels.first().map_or_else(String::new, |level| format!("; dashed: {}", level.name));
    levels.iter_mut().for_each(|level| level.name.clear());
    let unit = if members[0].unit.is_empty() { String::new() } else { format!(", {}", members[0].unit) };
    Chart { levels, ..chart(story, format!("{name}{unit} on validation{compared}"), lines) }
}

/// The speed and memory of epochs.
pub(super) fn pace(title: &str, values: &BTreeMap<u64, f64>) -> Chart {
    let points = values.iter().map(|(epoch, value)| [*epoch as f64, *value]).collect();
    Chart {
        title: title.into(),
        across: AxisOf::named("epoch"),
        up: AxisOf { scale: Scale::FromZero, ..AxisOf::default() },
        series: vec![Series::line("", Ink::Accent, points)],
        ..Chart::default()
    }
}

/// The best epoch in words: "epoch 9", "step 45 in epoch 5".
pub(super) fn place(story: &Story, best: &Best) -> String {
    match story.best_epoch() {
        Some(_) => format!("epoch {}", best.epoch),
        None => format!("step {} in epoch {}", best.step, best.epoch),
    }
}

fn chart(story: &Story, title: String, series: Vec<Series>) -> Chart {
    let series = series.into_iter().filter(Series::has_values).collect();
    Chart { title, across: AxisOf::named("epoch"), series, marks: marks(story), when: when(story), ..Chart::default() }
}

/// The epoch of the values in the legend: the best, else the last.
fn told(story: &Story) -> Option<u64> {
    story.best_epoch().or(story.epochs.last()).map(|record| record.epoch)
}

fn when(story: &Story) -> String {
    let Some(epoch) = told(story) else { return String::new() };
    let word = if story.best_epoch().is_some() { "best" } else { "last" };
    format!("{word} epoch {epoch}")
}

/// The starts of phases after the first, and the best epoch.
fn marks(story: &Story) -> Vec<Mark> {
    let changed = story.epochs.iter().zip(story.epochs.iter().skip(1)).filter(|(one, next)| one.phase < next.phase);
    let begins = changed.map(|(_, next)| Mark { place: next.epoch as f64, label: format!("phase {}", next.phase) });
    let best = story.best.as_ref();
    let best = best.map(|best| Mark { place: best.epoch as f64, label: format!("best: {}", place(story, best)) });
    begins.chain(best).collect()
}

fn series(story: &Story, name: &str, ink: Ink, value: impl Fn(&Record) -> Option<f64>) -> Series {
    let points = drawn(story).into_iter();
    let points = points.map(|(place, record)| [place, record.and_then(&value).unwrap_or(f64::NAN)]);
    let series = Series::line(name, ink, points.collect());
    match told(story) {
        Some(epoch) => series.told_at(epoch as f64),
        None => series,
    }
}

/// A baseline does not learn: its last value holds for all epochs. Where a score says how far the model is ahead of one, that
/// is at 0.
fn levels(story: &Story, of: &str, inks: &[Ink]) -> Vec<Level> {
    let ahead = story.scores.iter().filter(|spec| spec.name == of).find_map(|spec| spec.ahead.as_ref());
    if let Some(ahead) = ahead {
        return vec![Level { name: ahead.forecast.clone(), value: 0.0, ink: Ink::Rival }];
    }
    let baselines = story.scores.iter().filter(|spec| spec.is_baseline_of(of));
    let level = |(spec, ink): (&ScoreSpec, &Ink)| {
        let value = story.epochs.iter().rev().find_map(|record| value(&record.scores, &spec.name))?;
        Some(Level { name: spec.baseline.as_ref()?.forecast.clone(), value, ink: *ink })
    };
    baselines.zip(inks).filter_map(level).collect()
}
