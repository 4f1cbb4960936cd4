//! The training section: losses and scores over the epochs, drawn and as tables.

use super::epochs::{Epochs, value};
use super::run::Run;
use super::words::{drawn, family, label, meaning, number, precise};
use crate::report::curves::Scale;
use crate::report::page::chart::{Ink, Level, Line, Mark};
use crate::report::page::{Block, Cell, Chart, Grid};
use crate::train::events::Record;
use crate::train::observe::baseline;

/// Where the highest value is so many times the lowest one, equal factors become equal heights.
const WIDE: f64 = 10.0;
/// So many epochs stand in the table; `results.csv` has all of them.
const MOST_ROWS: usize = 300;

type Drawn<'a> = [(f64, Option<&'a Record>)];

pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let epochs = match &run.epochs {
        Ok(epochs) if !epochs.0.is_empty() => epochs,
        Ok(_) => return vec![Block::Absent("No epoch is complete yet.".into())],
        Err(problem) => return vec![Block::Absent(format!("The curves are left out: {problem}."))],
    };
    let mut blocks = charts(run, epochs);
    blocks.push(Block::Folded("All scores, best and last epoch".into(), vec![scores_table(run, epochs)]));
    blocks.push(Block::Folded("All epochs".into(), vec![epochs_table(epochs)]));
    let scores = epochs.scores();
    let mut families: Vec<&str> = scores.iter().map(|name| family(name)).collect();
    families.dedup();
    let meanings: Vec<(String, String)> = families.into_iter().filter_map(meaning).collect();
    if !meanings.is_empty() {
        blocks.push(Block::Folded("What the scores mean".into(), vec![Block::Facts(meanings)]));
    }
    blocks
}

fn charts(run: &Run<'_>, epochs: &Epochs) -> Vec<Block> {
    let marks: Vec<Mark> = marks(run, epochs);
    let drawn_epochs = epochs.drawn(run.best.as_ref().map(|best| best.epoch));
    let chart = |title: String, lines, levels, is_small| Chart {
        title,
        across: "epoch".into(),
        places: drawn_epochs.iter().map(|(place, _)| *place).collect(),
        scale: Scale::Linear,
        lines,
        levels,
        marks: marks.clone(),
        is_small,
    };
    let loss = |name: &&str| {
        let training = line("training", Ink::Quiet, &drawn_epochs, |record| value(&record.train, name));
        let validation = line("validation", Ink::Accent, &drawn_epochs, |record| value(&record.val, name));
        let lines = vec![training, validation].into_iter().filter(has_values).collect();
        scaled(chart(label(name), lines, baseline_level(epochs, name), false))
    };
    let rate = line("learning rate", Ink::Accent, &drawn_epochs, |record| record.lr);
    let mut losses: Vec<Chart> = epochs.parts().iter().map(loss).collect();
    losses.push(scaled(chart(label("lr"), vec![rate], Vec::new(), false)));
    let score = |name: &&str| {
        let lines = vec![line("model", Ink::Accent, &drawn_epochs, |record| value(&record.scores, name))];
        chart(label(name), lines, baseline_level(epochs, name), true)
    };
    let groups = groups(&drawn(&epochs.scores()));
    let groups = groups.into_iter().map(|(title, names)| Block::Charts(title, names.iter().map(score).collect()));
    [Block::Charts(String::new(), losses)].into_iter().chain(groups).collect()
}

/// Scores of one family stand together, single ones with each other.
fn groups<'a>(names: &[&'a str]) -> Vec<(String, Vec<&'a str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        match groups.iter_mut().find(|(of, _)| *of == family(name)) {
            Some((_, members)) => members.push(name),
            None => groups.push((family(name), vec![name])),
        }
    }
    let (many, single): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, members)| members.len() > 1);
    let title = |of: &str| meaning(of).map_or_else(|| of.to_owned(), |(called, says)| format!("{called}, {says}"));
    let single: Vec<&str> = single.into_iter().flat_map(|(_, members)| members).collect();
    let mut groups: Vec<(String, Vec<&str>)> = many.into_iter().map(|(of, members)| (title(of), members)).collect();
    if !single.is_empty() {
        groups.push((if groups.is_empty() { "Scores" } else { "Other scores" }.to_owned(), single));
    }
    groups
}

fn line(name: &str, ink: Ink, drawn: &Drawn<'_>, value: impl Fn(&Record) -> f64) -> Line {
    let values = drawn.iter().map(|(_, record)| record.map_or(f64::NAN, &value)).collect();
    Line { name: name.into(), values, ink }
}

fn has_values(line: &Line) -> bool {
    line.values.iter().any(|value| value.is_finite())
}

/// A baseline does not learn: its last value holds for all epochs.
fn baseline_level(epochs: &Epochs, name: &str) -> Vec<Level> {
    let value = epochs.0.iter().rev().find_map(|record| baseline::of(&record.scores, name));
    value.map(|value| Level { name: baseline::NAME.into(), value, ink: Ink::Baseline }).into_iter().collect()
}

fn scaled(chart: Chart) -> Chart {
    let values = || chart.lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    match low > 0.0 && high / low >= WIDE {
        true => Chart { scale: Scale::Logarithmic, title: format!("{} (logarithmic)", chart.title), ..chart },
        false => chart,
    }
}

fn marks(run: &Run<'_>, epochs: &Epochs) -> Vec<Mark> {
    let best = run.best.as_ref().map(|best| Mark { place: best.epoch as f64, label: "best".into() });
    let changed = epochs.0.iter().zip(epochs.0.iter().skip(1)).filter(|(one, next)| one.phase < next.phase);
    let begins = changed.map(|(_, next)| Mark { place: next.epoch as f64, label: format!("phase {}", next.phase) });
    begins.chain(best).collect()
}

/// Every score, where it was best and at the last.
fn scores_table(run: &Run<'_>, epochs: &Epochs) -> Block {
    let best = run.best.as_ref().and_then(|best| epochs.at(best.epoch));
    let last = epochs.0.iter().rev().find(|record| !record.scores.is_empty());
    let of = |record: Option<&Record>, name: &str| record.map_or(f64::NAN, |record| value(&record.scores, name));
    let row = |name: &&str| {
        let persistence = last.and_then(|record| baseline::of(&record.scores, name)).unwrap_or(f64::NAN);
        [label(name), number(of(best, name)), number(of(last, name)), number(persistence)].map(Cell::from).into()
    };
    let place = |record: Option<&Record>| record.map_or_else(String::new, |record| format!(" ({})", record.epoch));
    Block::Table(Grid {
        caption: "Scores on the validation windows".into(),
        head: vec![
            "score".into(),
            format!("best epoch{}", place(best)),
            format!("last epoch{}", place(last)),
            baseline::NAME.into(),
        ],
        rows: epochs.scores().iter().map(row).collect(),
    })
}

/// What was made small, epoch by epoch.
fn epochs_table(epochs: &Epochs) -> Block {
    let parts = epochs.parts();
    let sides = parts.iter().flat_map(|name| [format!("training {name}"), format!("validation {name}")]);
    let row = |record: &Record| {
        let values = parts.iter().flat_map(|name| [value(&record.train, name), value(&record.val, name)]);
        let values = values.chain([record.lr]).map(precise);
        [record.epoch.to_string(), record.step.to_string()].into_iter().chain(values).map(Cell::from).collect()
    };
    let shown = epochs.0.len().saturating_sub(MOST_ROWS);
    let caption = match shown {
        0 => "Losses and learning rate; results.csv has the scores too".to_owned(),
        _ => format!("The last {MOST_ROWS} epochs; results.csv has all of them"),
    };
    Block::Table(Grid {
        caption,
        head: ["epoch".to_owned(), "step".to_owned()]
            .into_iter()
            .chain(sides)
            .chain(["learning rate".to_owned()])
            .collect(),
        rows: epochs.0.iter().skip(shown).map(row).collect(),
    })
}
