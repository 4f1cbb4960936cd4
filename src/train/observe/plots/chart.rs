//! Which curves are drawn of a run. Pure functions.

use super::{Drawn, Epoch, Pace};
use crate::metric::score::{ScoreSpec, families};
use crate::report::curves::{Curves, Level, Line, Mark, Panel, Scale, brief};
use crate::train::events::{Best, value};
use crate::util::units;

/// If the highest value is this many times the lowest one, the scale is logarithmic.
const WIDE: f64 = 10.0;

/// More panels than this are too many to read.
const MOST_PANELS: usize = 12;

/// More lines than this in one panel can't be distinguished.
const MOST_LINES: usize = 10;

/// The loss, and a panel for each of its parts, with what it has to beat.
pub(super) fn loss(drawn: &Drawn) -> Curves {
    let panel = |spec: &ScoreSpec| {
        let training = line(drawn, "training", 0, |epoch| number(value(&epoch.record.train, &spec.name)));
        let validation = line(drawn, "validation", 1, |epoch| number(value(&epoch.record.val, &spec.name)));
        let levels = level(drawn, 1, &spec.name).into_iter().collect();
        Panel { levels, ..panel(&spec.title(), vec![training, validation]) }
    };
    sheet(drawn, "Loss", drawn.story.parts.iter().map(panel).collect())
}

/// The learning rate of each epoch's last step.
pub(super) fn learning_rate(drawn: &Drawn) -> Curves {
    let line = line(drawn, "learning rate", 0, |epoch| epoch.record.lr);
    sheet(drawn, "Learning rate", vec![panel("at the end of each epoch", vec![line])])
}

/// Samples per second, and how much of the time was spent waiting for them.
pub(super) fn throughput(drawn: &Drawn) -> Curves {
    let panel = |title: &str, name: &str, colour, value: fn(Pace) -> f64| Panel {
        title: title.into(),
        scale: Scale::FromZero,
        lines: vec![line(drawn, name, colour, |epoch| epoch.pace.map_or(f64::NAN, value))],
        levels: Vec::new(),
    };
    let panels = vec![
        panel("training samples per second", "samples/s", 0, |pace| pace.samples_per_second),
        panel("share of the time spent waiting for data, %", "waiting", 1, |pace| 100.0 * pace.data_wait),
    ];
    sheet(drawn, "Throughput", panels)
}

/// The task's charts: a panel for each family, with what its scores must beat. What there is no room for is
/// counted; the table of the run has all of it.
pub(super) fn scores(drawn: &Drawn) -> Curves {
    let is_there =
        |spec: &&ScoreSpec| drawn.epochs.values().any(|epoch| !epoch.record.scores.is_empty()) && spec.is_drawn();
    let families = families(drawn.story.scores.iter().filter(is_there));
    let (shown, crowded): (Vec<_>, Vec<_>) = families.into_iter().partition(|(_, members)| members.len() <= MOST_LINES);
    let left: usize = crowded.iter().chain(shown.iter().skip(MOST_PANELS)).map(|(_, members)| members.len()).sum();
    let panel = |(family, members): &(&str, Vec<&ScoreSpec>)| {
        let members = members.iter().enumerate();
        let line = |(colour, spec): (usize, &&ScoreSpec)| {
            line(drawn, &spec.label, colour, |epoch| number(value(&epoch.record.scores, &spec.name)))
        };
        let lines: Vec<Line> = members.clone().map(line).collect();
        let levels = members.clone().filter_map(|(colour, spec)| level(drawn, colour, &spec.name)).collect();
        let alone = members.clone().map(|(_, spec)| spec.title()).next().filter(|_| lines.len() == 1);
        Panel { title: alone.unwrap_or_else(|| (*family).into()), scale: Scale::Linear, lines, levels }
    };
    let mut sheet = sheet(drawn, "Scores", shown.iter().take(MOST_PANELS).map(panel).collect());
    if left > 0 {
        sheet.note += &format!("; {} in results.csv", units::count(left as u64, "more score"));
    }
    sheet
}

fn sheet(drawn: &Drawn, title: &str, panels: Vec<Panel>) -> Curves {
    let mut note = units::count(drawn.epochs.len() as u64, "epoch");
    let best = drawn.story.best.as_ref();
    if let Some(best) = best {
        let by = best.by.iter().filter_map(|(name, value)| Some(format!("{name} {}", brief((*value)?))));
        note += &format!("; the best is {} with {}", place(drawn, best), by.collect::<Vec<_>>().join(", "));
    }
    Curves {
        title: title.into(),
        note,
        epochs: drawn.epochs.keys().copied().collect(),
        panels,
        best: best.map(|best| Mark { epoch: best.epoch, label: format!("best: {}", place(drawn, best)) }),
        begins: begins(drawn),
    }
}

fn place(drawn: &Drawn, best: &Best) -> String {
    match drawn.epochs.get(&best.epoch).is_some_and(|epoch| epoch.record.step == best.step) {
        true => format!("epoch {}", best.epoch),
        false => format!("step {} in epoch {}", best.step, best.epoch),
    }
}

/// Where a phase begins that is not the first.
fn begins(drawn: &Drawn) -> Vec<Mark> {
    let records = || drawn.epochs.values().map(|epoch| &epoch.record);
    let changed = records().zip(records().skip(1)).filter(|(one, next)| one.phase < next.phase);
    changed.map(|(_, next)| Mark { epoch: next.epoch, label: format!("phase {}", next.phase) }).collect()
}

/// A baseline does not learn: its last value holds for all epochs.
fn level(drawn: &Drawn, colour: usize, of: &str) -> Option<Level> {
    let spec = drawn.story.baseline_of(of)?;
    let value = drawn.epochs.values().rev().find_map(|epoch| value(&epoch.record.scores, &spec.name))?;
    Some(Level { name: spec.baseline.as_ref()?.forecast.clone(), value, colour })
}

fn number(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

fn line(drawn: &Drawn, name: &str, colour: usize, value: impl Fn(&Epoch) -> f64) -> Line {
    Line { name: name.into(), values: drawn.epochs.values().map(value).collect(), colour }
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
