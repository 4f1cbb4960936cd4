//! The training section: losses and scores over the epochs, drawn and as tables, as the history describes them.

use super::epochs::drawn;
use super::run::Run;
use super::words::{number, precise};
use crate::metric::score::{ScoreSpec, families, meanings};
use crate::report::curves::Scale;
use crate::report::page::chart::{Ink, Level, Line, Mark};
use crate::report::page::{Block, Cell, Chart, Grid};
use crate::train::events::{Record, value};
use crate::train::run_folder::history::Story;

/// If the highest value is this many times the lowest one, the scale is logarithmic.
const WIDE: f64 = 10.0;
/// The most epochs in the table; `results.csv` has all of them.
const MOST_ROWS: usize = 300;
/// More charts of one family than this are too many to read: its scores are in the table below.
const MOST_OF_FAMILY: usize = 12;
/// More charts than this altogether; the scores of the families past them are in the table below.
const MOST_CHARTS: usize = 48;

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let story = match &run.story {
        Ok(story) if !story.epochs.is_empty() => story,
        Ok(_) => return vec![Block::Absent("No epoch is complete yet.".into())],
        Err(problem) => return vec![Block::Absent(format!("The curves are left out: {problem}."))],
    };
    let mut blocks = Sheet::of(story).blocks();
    blocks.push(Block::Folded("All scores, best and last epoch".into(), vec![scores_table(story)]));
    blocks.push(Block::Folded("All epochs".into(), vec![epochs_table(story)]));
    let meanings = meanings(story.scores.iter().filter(|spec| spec.baseline.is_none()));
    if !meanings.is_empty() {
        blocks.push(Block::Folded("What the scores mean".into(), vec![Block::Facts(meanings)]));
    }
    blocks
}

/// Charts over the same epochs.
struct Sheet<'a> {
    story: &'a Story,
    places: Vec<(f64, Option<&'a Record>)>,
    marks: Vec<Mark>,
}

impl<'a> Sheet<'a> {
    fn of(story: &'a Story) -> Self {
        Self { story, places: drawn(story), marks: marks(story) }
    }

    fn blocks(&self) -> Vec<Block> {
        let mut losses: Vec<Chart> = self.story.parts.iter().map(|spec| self.loss(spec)).collect();
        let rate = self.line("learning rate", Ink::Accent, |record| Some(record.lr));
        losses.push(scaled(self.chart("Learning rate".into(), vec![rate], Vec::new(), false)));
        let mut blocks = vec![Block::Charts(String::new(), losses)];
        let (groups, left) = self.groups();
        let score = |spec: &&ScoreSpec| {
            let lines = vec![self.line("model", Ink::Accent, |record| value(&record.scores, &spec.name))];
            self.chart(spec.title(), lines, self.levels(&spec.name), true)
        };
        let charts = groups.into_iter().map(|(title, specs)| Block::Charts(title, specs.iter().map(score).collect()));
        blocks.extend(charts);
        if left > 0 {
            blocks.push(Block::Text(format!("{left} more scores are in the table below: too many for charts.")));
        }
        blocks
    }

    fn loss(&self, spec: &ScoreSpec) -> Chart {
        let training = self.line("training", Ink::Quiet, |record| value(&record.train, &spec.name));
        let validation = self.line("validation", Ink::Accent, |record| value(&record.val, &spec.name));
        let lines = vec![training, validation].into_iter().filter(has_values).collect();
        scaled(self.chart(spec.title(), lines, self.levels(&spec.name), false))
    }

    /// Groups scores by family, single ones together; and the number that does not fit.
    fn groups(&self) -> (Vec<(String, Vec<&'a ScoreSpec>)>, usize) {
        let is_measured = self.story.epochs.iter().any(|record| !record.scores.is_empty());
        let drawn = self.story.scores.iter().filter(|spec| is_measured && spec.is_drawn());
        let (mut many, mut single, mut left, mut room) = (Vec::new(), Vec::new(), 0, MOST_CHARTS);
        for (family, members) in families(drawn) {
            match members.len() {
                count if count > MOST_OF_FAMILY.min(room) => {
                    left += count;
                    continue;
                }
                1 => single.extend(&members),
                _ => many.push((title(family, &members), members.clone())),
            }
            room -= members.len();
        }
        if !single.is_empty() {
            many.push((if many.is_empty() { "Scores" } else { "Other scores" }.to_owned(), single));
        }
        (many, left)
    }

    fn chart(&self, title: String, lines: Vec<Line>, levels: Vec<Level>, is_small: bool) -> Chart {
        Chart {
            title,
            across: "epoch".into(),
            places: self.places.iter().map(|(place, _)| *place).collect(),
            scale: Scale::Linear,
            lines,
            levels,
            marks: self.marks.clone(),
            is_small,
        }
    }

    fn line(&self, name: &str, ink: Ink, value: impl Fn(&Record) -> Option<f64>) -> Line {
        let values = self.places.iter().map(|(_, record)| record.and_then(&value).unwrap_or(f64::NAN)).collect();
        Line { name: name.into(), values, ink }
    }

    /// A baseline does not learn: its last value holds for all epochs.
    fn levels(&self, of: &str) -> Vec<Level> {
        let baselines = self.story.scores.iter().filter(|spec| spec.is_baseline_of(of));
        let level = |(place, spec): (usize, &ScoreSpec)| {
            let value = self.story.epochs.iter().rev().find_map(|record| value(&record.scores, &spec.name))?;
            let ink = if place == 0 { Ink::Baseline } else { Ink::Rival };
            Some(Level { name: spec.baseline.as_ref()?.forecast.clone(), value, ink })
        };
        baselines.enumerate().filter_map(level).collect()
    }
}

/// The family with its meaning, if all its members share one.
fn title(family: &str, members: &[&ScoreSpec]) -> String {
    let meaning = &members[0].meaning;
    match !meaning.is_empty() && members.iter().all(|spec| spec.meaning == *meaning) {
        true => format!("{family}, {meaning}"),
        false => family.to_owned(),
    }
}

fn has_values(line: &Line) -> bool {
    line.values.iter().any(|value| value.is_finite())
}

fn scaled(chart: Chart) -> Chart {
    let values = || chart.lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    match low > 0.0 && high / low >= WIDE {
        true => Chart { scale: Scale::Logarithmic, title: format!("{} (logarithmic)", chart.title), ..chart },
        false => chart,
    }
}

fn marks(story: &Story) -> Vec<Mark> {
    let best = story.best.as_ref().map(|best| Mark { place: best.epoch as f64, label: "best".into() });
    let changed = story.epochs.iter().zip(story.epochs.iter().skip(1)).filter(|(one, next)| one.phase < next.phase);
    let begins = changed.map(|(_, next)| Mark { place: next.epoch as f64, label: format!("phase {}", next.phase) });
    begins.chain(best).collect()
}

/// Every score at the best epoch and at the last, with what it is compared with.
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

/// What was made small, epoch by epoch.
fn epochs_table(story: &Story) -> Block {
    let names = || story.parts.iter().map(|spec| spec.name.as_str());
    let sides = names().flat_map(|name| [format!("training {name}"), format!("validation {name}")]);
    let row = |record: &Record| {
        let values = names().flat_map(|name| [value(&record.train, name), value(&record.val, name)]);
        let values = values.chain([Some(record.lr)]).map(precise);
        [record.epoch.to_string(), record.step.to_string()].into_iter().chain(values).map(Cell::from).collect()
    };
    let skipped = story.epochs.len().saturating_sub(MOST_ROWS);
    let caption = match skipped {
        0 => "Losses and learning rate; results.csv has the scores too".to_owned(),
        _ => format!("The last {MOST_ROWS} epochs; results.csv has all of them"),
    };
    let head = ["epoch".to_owned(), "step".to_owned()].into_iter().chain(sides).chain(["learning rate".to_owned()]);
    Block::Table(Grid { caption, head: head.collect(), rows: story.epochs.iter().skip(skipped).map(row).collect() })
}
