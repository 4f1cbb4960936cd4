//! The training section: losses and scores over the epochs, drawn and as tables, as the history describes them.

use super::run::Run;
use super::words::{number, precise};
use super::{pace, summary};
use crate::metric::score::{ScoreSpec, meanings};
use crate::report::chart::Chart;
use crate::report::page::{Block, Cell, Charts, Grid};
use crate::train::events::{Named, Record, value};
use crate::train::observe::curves;
use crate::train::run_folder::history::Story;

/// The most epochs in the table; `results.csv` has all of them.
const MOST_ROWS: usize = 300;
/// More charts than this are too many to read; the scores that have none are in the table.
const MOST_CHARTS: usize = 24;
/// Charts that are seen at once.
const FIRST: usize = 3;

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let story = match &run.story {
        Ok(story) if !story.epochs.is_empty() => story,
        Ok(_) => return vec![Block::Absent("No epoch is complete yet.".into())],
        Err(problem) => return vec![Block::Absent(format!("The curves are left out: {problem}."))],
    };
    let mut blocks = vec![first(story)];
    blocks.push(Block::Folded(
        "More curves: parts of the loss, learning rate, all scores, speed".into(),
        more(run, story),
    ));
    blocks.push(Block::Folded("All scores, best and last epoch".into(), vec![scores_table(story)]));
    blocks.push(Block::Folded("All epochs".into(), vec![epochs_table(story)]));
    let meanings = meanings(story.scores.iter().filter(|spec| spec.baseline.is_none()));
    if !meanings.is_empty() {
        blocks.push(Block::Folded("What the scores mean".into(), vec![Block::Facts(meanings)]));
    }
    blocks
}

/// The loss and the scores that matter most.
fn first(story: &Story) -> Block {
    Block::Charts(Charts { title: String::new(), caption: said(story), charts: first_charts(story) })
}

fn first_charts(story: &Story) -> Vec<Chart> {
    let mut charts: Vec<Chart> = curves::losses(story).into_iter().take(1).collect();
    let scores = summary::decides(story).into_iter().chain(summary::headlines(story));
    charts.extend(scores.take(FIRST - 1).map(|spec| curves::score(story, spec)));
    charts.retain(Chart::has_values);
    if charts.len() < FIRST {
        charts.push(curves::learning_rate(story));
    }
    charts
}

/// What to look at.
fn said(story: &Story) -> String {
    if story.epochs.iter().all(|record| record.val.is_empty()) {
        return "The loss should fall. Nothing was validated, so memorising the samples would look the same.".into();
    }
    let beat = match story.scores.iter().any(|spec| spec.baseline.is_some()) {
        true => " Scores should pass the dashed lines: those are forecasts that need no training.",
        false => "",
    };
    format!(
        "Both losses should fall together; a validation loss that rises while that of training falls is overfitting.{beat}"
    )
}

fn more(run: &Run<'_>, story: &Story) -> Vec<Block> {
    let mut charts: Vec<Chart> = curves::losses(story).into_iter().skip(1).collect();
    let (scores, left) = curves::scores(story, MOST_CHARTS);
    // What is shown above, or is a part of the loss too, is not shown twice.
    let parts = story.parts.iter().map(|spec| curves::score(story, spec).title);
    let shown: Vec<String> = first_charts(story).into_iter().map(|chart| chart.title).chain(parts).collect();
    let others = std::iter::once(curves::learning_rate(story)).chain(scores);
    charts.extend(others.filter(|chart| !shown.contains(&chart.title)));
    charts.retain(Chart::has_values);
    let mut blocks = vec![Block::Charts(Charts { charts, ..Charts::default() })];
    if left > 0 {
        blocks.push(Block::Text(format!("{left} more scores are in the table below: too many for charts.")));
    }
    blocks.extend(pace::blocks(run));
    blocks
}

/// Every score at the best epoch and at the last, with its baselines.
fn scores_table(story: &Story) -> Block {
    let best = story.best.as_ref().and_then(|best| story.epoch(best.epoch));
    let last = story.epochs.iter().rev().find(|record| !record.scores.is_empty());
    let forecasts = forecasts(story);
    let of = |record: Option<&Record>, name: &str| number(record.and_then(|record| value(&record.scores, name)));
    let row = |spec: &ScoreSpec| -> Vec<Cell> {
        let compared = |forecast: &&str| {
            let is_its = |other: &&ScoreSpec| {
                other.is_baseline_of(&spec.name) && other.baseline.as_ref().is_some_and(|by| by.forecast == *forecast)
            };
            story.scores.iter().find(is_its).map_or_else(|| number(None), |other| of(last, &other.name))
        };
        let own = [spec.title(), of(best, &spec.name), of(last, &spec.name)];
        own.into_iter().chain(forecasts.iter().map(compared)).map(Cell::from).collect()
    };
    let place = |record: Option<&Record>| record.map_or_else(String::new, |record| format!(" ({})", record.epoch));
    let head = ["score".to_owned(), format!("best epoch{}", place(best)), format!("last epoch{}", place(last))];
    let learned = story.scores.iter().filter(|spec| spec.baseline.is_none());
    Block::Table(Grid {
        caption: "Scores on the validation samples".into(),
        head: head.into_iter().chain(forecasts.iter().map(|name| (*name).to_owned())).collect(),
        rows: learned.map(row).collect(),
        is_stacked: true,
    })
}

/// The forecasts that scores are compared with.
fn forecasts(story: &Story) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for baseline in story.scores.iter().filter_map(|spec| spec.baseline.as_ref()) {
        if !names.contains(&baseline.forecast.as_str()) {
            names.push(&baseline.forecast);
        }
    }
    names
}

/// What is read of an epoch: the numbers of training or of validation.
type Side = fn(&Record) -> &[Named];

/// What was made small, epoch by epoch; what was not measured in training has no column there.
fn epochs_table(story: &Story) -> Block {
    let sides: [(&str, Side); 2] = [("training", |record| &record.train), ("validation", |record| &record.val)];
    let columns: Vec<_> = story
        .parts
        .iter()
        .flat_map(|spec| sides.map(|(side, of)| (side, spec.name.as_str(), of)))
        .filter(|(side, name, of)| {
            *side == "validation" || story.epochs.iter().any(|record| of(record).iter().any(|(known, _)| known == name))
        })
        .collect();
    let row = |record: &Record| {
        let values = columns.iter().map(|(_, name, of)| value(of(record), name));
        let values = values.chain([Some(record.lr)]).map(precise);
        [record.epoch.to_string(), record.step.to_string()].into_iter().chain(values).map(Cell::from).collect()
    };
    let sides = columns.iter().map(|(side, name, _)| format!("{side} {name}"));
    let skipped = story.epochs.len().saturating_sub(MOST_ROWS);
    let caption = match skipped {
        0 => "Losses and learning rate; results.csv has the scores too".to_owned(),
        _ => format!("The last {MOST_ROWS} epochs; results.csv has all of them"),
    };
    let head = ["epoch".to_owned(), "step".to_owned()].into_iter().chain(sides).chain(["learning rate".to_owned()]);
    let rows = story.epochs.iter().skip(skipped).map(row).collect();
    Block::Table(Grid { caption, head: head.collect(), rows, is_stacked: false })
}
