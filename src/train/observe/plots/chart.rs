//! Which curves are drawn of a run. Pure functions.

use std::collections::BTreeMap;

use super::{Epoch, Pace, scores};
use crate::report::curves::{Curves, Line, Mark, Panel, Scale, brief};
use crate::train::events::{Named, Record};
use crate::train::observe::baseline::{self, compared_with};
use crate::train::target::Target;
use crate::util::units;

/// The epochs of a run by their numbers.
pub(super) type Epochs = BTreeMap<u64, Epoch>;

/// Where the highest value is so many times the lowest one, equal factors become equal heights.
const WIDE: f64 = 10.0;

/// More scores than this are too many to be looked at.
const MOST_SCORES: usize = 30;

/// The loss, and a panel for each of its parts, with what it has to beat.
pub(super) fn loss(epochs: &Epochs, target: &Target) -> Curves {
    let names = parts(epochs);
    let panel = |name: &&str| {
        let training = line(epochs, "training", 0, |epoch| value(&epoch.record.train, name));
        let validation = line(epochs, "validation", 1, |epoch| value(&epoch.record.val, name));
        let baselines = epochs.values().filter_map(|epoch| baseline::of(&epoch.record.scores, name));
        let levels = scores::level(1, baselines).into_iter().collect();
        Panel { levels, ..panel(name, vec![training, validation]) }
    };
    sheet(epochs, target, "Loss", names.iter().map(panel).collect())
}

/// The learning rate of each epoch's last step.
pub(super) fn learning_rate(epochs: &Epochs, target: &Target) -> Curves {
    let line = line(epochs, "learning rate", 0, |epoch| epoch.record.lr);
    sheet(epochs, target, "Learning rate", vec![panel("at the end of each epoch", vec![line])])
}

/// Samples per second, and how much of the time was spent waiting for them.
pub(super) fn throughput(epochs: &Epochs, target: &Target) -> Curves {
    let panel = |title: &str, name: &str, colour, value: fn(Pace) -> f64| Panel {
        title: title.into(),
        scale: Scale::FromZero,
        lines: vec![line(epochs, name, colour, |epoch| epoch.pace.map_or(f64::NAN, value))],
        levels: Vec::new(),
    };
    let panels = vec![
        panel("training samples per second", "samples/s", 0, |pace| pace.samples_per_second),
        panel("share of the time spent waiting for data, %", "waiting", 1, |pace| 100.0 * pace.data_wait),
    ];
    sheet(epochs, target, "Throughput", panels)
}

/// What the task measures, alike with alike.
pub(super) fn scores(epochs: &Epochs, target: &Target) -> Curves {
    let mut names = names(epochs.values().flat_map(|epoch| &epoch.record.scores));
    // What the loss has to beat stands with the loss.
    let parts = parts(epochs);
    names.retain(|name| !compared_with(name).is_some_and(|part| parts.contains(&part)));
    let compared: Vec<&str> = names.iter().filter_map(|name| compared_with(name)).collect();
    if names.len() > MOST_SCORES && !compared.is_empty() {
        // Of dozens of scores, those that the task holds against a baseline are the ones to look at.
        names.retain(|name| compared.contains(name) || compared_with(name).is_some());
    }
    let panel = |group: scores::Group<'_>| {
        let members = group.members.iter().enumerate();
        let line = |(colour, name): (_, &&str)| line(epochs, name, colour, |epoch| value(&epoch.record.scores, name));
        let lines = members.clone().map(line).collect();
        let baselines = members.filter_map(|(colour, name)| {
            let baseline = names.iter().find(|other| compared_with(other) == Some(name))?;
            scores::level(colour, epochs.values().map(|epoch| value(&epoch.record.scores, baseline)))
        });
        Panel { title: group.title.into(), scale: Scale::Linear, lines, levels: baselines.collect() }
    };
    sheet(epochs, target, "Scores", scores::groups(&names).into_iter().map(panel).collect())
}

fn sheet(epochs: &Epochs, target: &Target, title: &str, panels: Vec<Panel>) -> Curves {
    let best = best(epochs, target);
    let mut note = units::count(epochs.len() as u64, "epoch");
    if let Some(best) = &best {
        note += &format!("; the best is {} with {} {}", best.place(), target.name(), brief(best.value));
    }
    Curves {
        title: title.into(),
        note,
        epochs: epochs.keys().copied().collect(),
        panels,
        best: best.map(|best| Mark { epoch: best.epoch, label: format!("best: {}", best.place()) }),
        begins: begins(epochs),
    }
}

/// The validation whose weights are kept.
struct Best {
    epoch: u64,
    /// The step, where it was in the midst of the epoch.
    step: Option<u64>,
    value: f64,
}

impl Best {
    fn place(&self) -> String {
        match self.step {
            Some(step) => format!("step {step} in epoch {}", self.epoch),
            None => format!("epoch {}", self.epoch),
        }
    }
}

/// The best validation, be it at the end of an epoch or in the midst of one; where nothing is validated, the epoch with
/// the lowest training loss. Only the last phase counts, as losses of two kinds can't be compared.
fn best(epochs: &Epochs, target: &Target) -> Option<Best> {
    let phase = epochs.values().next_back()?.record.phase;
    let of_phase = || epochs.iter().filter(|(_, epoch)| epoch.record.phase == phase);
    let is_validated = of_phase().any(|(_, epoch)| !epoch.record.val.is_empty() || !epoch.midway.is_empty());
    // An epoch that goes by without a validation has nothing to be compared by.
    let at_end = |record: &Record| {
        if is_validated { target.value(&record.val, &record.scores) } else { target.value(&record.train, &[]) }
    };
    let found = of_phase().flat_map(|(&number, epoch)| {
        let midway =
            epoch.midway.iter().map(move |found| Best { epoch: number, step: Some(found.step), value: found.value });
        midway.chain([Best { epoch: number, step: None, value: at_end(&epoch.record) }])
    });
    target.best(found, |found| found.value)
}

/// Where a phase begins that is not the first.
fn begins(epochs: &Epochs) -> Vec<Mark> {
    let changed =
        epochs.values().zip(epochs.values().skip(1)).filter(|(one, next)| one.record.phase < next.record.phase);
    changed.map(|(_, next)| Mark { epoch: next.record.epoch, label: format!("phase {}", next.record.phase) }).collect()
}

/// The names of the loss and its parts.
fn parts(epochs: &Epochs) -> Vec<&str> {
    names(epochs.values().flat_map(|epoch| epoch.record.train.iter().chain(&epoch.record.val)))
}

/// The names in the order in which they appear.
fn names<'a>(values: impl Iterator<Item = &'a Named>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, _) in values {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn value(values: &[Named], name: &str) -> f64 {
    values.iter().find(|(other, _)| other == name).map_or(f64::NAN, |(_, value)| *value)
}

fn line(epochs: &Epochs, name: &str, colour: usize, value: impl Fn(&Epoch) -> f64) -> Line {
    Line { name: name.into(), values: epochs.values().map(value).collect(), colour }
}

/// A panel whose scale follows its values; lines without any are left out.
fn panel(title: &str, mut lines: Vec<Line>) -> Panel {
    lines.retain(|line| line.values.iter().any(|value| value.is_finite()));
    let values = || lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let logarithmic = low > 0.0 && high / low >= WIDE;
    Panel {
        title: if logarithmic { format!("{title} (logarithmic)") } else { title.into() },
        scale: if logarithmic { Scale::Logarithmic } else { Scale::Linear },
        lines,
        levels: Vec::new(),
    }
}
