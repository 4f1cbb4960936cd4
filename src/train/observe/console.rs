//! Console output: one line for each event that matters. Printing is for the command line.

use std::time::Duration;

use super::epochs::{Epochs, Shown, WIDTH};
use super::headline;
use crate::metric::score::ScoreSpec;
use crate::train::events::words::{counted_epochs, without_gradient};
use crate::train::events::{Cost, Ended, Event, Limits, MOST_SAMPLES, Named, Record, Started, Stepped, value};
use crate::util::units;

/// How epochs are written.
#[derive(Clone, Debug)]
enum Form {
    /// As rows of a table, for people.
    Table(Epochs),
    /// Each value with its name, for single lines.
    Named(Vec<ScoreSpec>),
}

/// Turns events into lines. It learns the scores when training starts.
#[derive(Clone, Debug)]
pub struct Lines {
    form: Form,
    /// The most characters in a line about a step.
    width: usize,
    epochs: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self::table(WIDTH)
    }
}

impl Lines {
    /// Epochs as rows of a table, for lines of this width.
    #[must_use]
    pub fn table(width: usize) -> Self {
        Self { form: Form::Table(Epochs::new(width)), width, epochs: 0 }
    }

    /// Epochs as names with values, of any length: each line is read alone.
    #[must_use]
    pub fn named() -> Self {
        Self { form: Form::Named(Vec::new()), width: usize::MAX, epochs: 0 }
    }

    /// The line for an event, without a line end; `None` for events that are not shown.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Started(started) => {
                self.begin(started);
                Some(started_line(started))
            }
            Event::Stepped(step) => Some(self.step(step)),
            Event::ValidationEnded { epoch, step, parts, scores, improved, .. } => {
                Some(self.validation(*epoch, *step, parts, scores, *improved))
            }
            Event::EpochEnded { record, cost, improved, .. } => Some(match &mut self.form {
                Form::Table(table) => table.epoch(record, cost, *improved),
                Form::Named(specs) => epoch_line(specs, record, cost, *improved),
            }),
            other => plain_line(other),
        }
    }

    fn begin(&mut self, started: &Started) {
        self.epochs = started.epochs;
        match &mut self.form {
            Form::Table(table) => table.begin(started),
            Form::Named(specs) => specs.clone_from(&started.scores),
        }
    }

    fn validation(&mut self, epoch: u64, step: u64, val: &[Named], scores: &[Named], improved: bool) -> String {
        match &mut self.form {
            Form::Table(table) => {
                table.row(&Shown { place: format!("s{step}"), val, scores, improved, ..Shown::default() })
            }
            Form::Named(specs) => {
                let mut told = vec![format!("epoch {} step {step}", epoch + 1), first(specs, "val", val, scores)];
                told.extend(headlines(specs, scores));
                marked(&told, improved)
            }
        }
    }

    /// The line for a step: as much as fits, the most important first.
    #[must_use]
    pub fn step(&self, step: &Stepped) -> String {
        let place = format!("epoch {}/{} {}/{}", step.epoch + 1, self.epochs.max(step.epoch + 1), step.seen, step.of);
        let (loss, others) = step.parts.split_at(step.parts.len().min(1));
        let mut pieces = vec![place];
        pieces.extend(loss.iter().map(|(name, value)| number(name, *value)));
        pieces.extend(cost_pieces(&step.cost));
        pieces.push(format!("lr {:.2e}", step.lr));
        pieces.push(format!("gradient {:.3}", step.gradient_norm));
        pieces.push(format!("step {}", step.step));
        pieces.extend(others.iter().map(|(name, value)| number(name, *value)));
        fitting(&pieces, self.width)
    }
}

/// The first pieces that fit, two spaces apart.
fn fitting(pieces: &[String], width: usize) -> String {
    let mut line = String::new();
    for piece in pieces {
        let gap = if line.is_empty() { "" } else { "  " };
        if line.chars().count() + gap.len() + piece.chars().count() > width && !line.is_empty() {
            break;
        }
        line += gap;
        line += piece;
    }
    line
}

fn epoch_line(specs: &[ScoreSpec], record: &Record, cost: &Cost, improved: bool) -> String {
    let mut parts = vec![format!("epoch {}", record.epoch), first(specs, "train", &record.train, &[])];
    parts.push(first(specs, "val", &record.val, &record.scores));
    parts.extend(headlines(specs, &record.scores));
    parts.push(format!("lr {:.3e}", record.lr));
    parts.extend(cost_pieces(cost));
    marked(&parts, improved)
}

fn first(specs: &[ScoreSpec], side: &str, values: &[Named], scores: &[Named]) -> String {
    values.first().map_or_else(String::new, |value| format!("{side} {}", against_baseline(specs, value, scores)))
}

/// The score that is in a line, and how far it is ahead of a baseline; the history has all of them.
fn headlines(specs: &[ScoreSpec], scores: &[Named]) -> Vec<String> {
    let Some(spec) = headline::headline(specs) else { return Vec::new() };
    let shown = [Some(spec), headline::ahead(spec, specs)].into_iter().flatten();
    let found = shown.filter_map(|spec| scores.iter().find(|(name, _)| *name == spec.name));
    found.map(|score| against_baseline(specs, score, scores)).collect()
}

/// A number, with the baseline that it has to beat.
fn against_baseline(specs: &[ScoreSpec], (name, known): &Named, scores: &[Named]) -> String {
    let told = specs.iter().filter(|spec| spec.is_baseline_of(name)).filter_map(|spec| {
        let forecast = &spec.baseline.as_ref()?.forecast;
        Some(format!("{forecast} {:.5}", value(scores, &spec.name)?))
    });
    match told.collect::<Vec<_>>().join(", ") {
        told if told.is_empty() => number(name, *known),
        told => format!("{} ({told})", number(name, *known)),
    }
}

/// The line for an event that does not involve scores.
fn plain_line(event: &Event) -> Option<String> {
    match event {
        Event::PhaseStarted { phase, phases } if *phases > 1 => Some(format!("phase {} of {phases}", phase + 1)),
        Event::Skipped { step, samples, expected: false } => Some(format!(
            "step {step} skipped: loss or gradient is not finite; samples: {}",
            units::listed(samples, MOST_SAMPLES)
        )),
        Event::RolledBack { step, to_step, lr_factor, samples } => Some(format!(
            "step {step} failed again: back to the weights of step {to_step}, learning rate x {lr_factor}; samples: {}",
            units::listed(samples, MOST_SAMPLES)
        )),
        Event::MicroBatchChanged { from, to, statistics } => Some(micro_batch_line(*from, *to, *statistics)),
        Event::WithoutGradient { parameters } => Some(without_gradient(&parameters.join(", "))),
        Event::Ended(ended) => Some(end_line(ended)),
        _ => None,
    }
}

fn micro_batch_line(from: usize, to: usize, statistics: bool) -> String {
    let samples = units::count(to as u64, "sample");
    let what = match to < from {
        true => format!("memory ran out: {samples} at once instead of {from}; the steps stay the same"),
        false => format!("{samples} at once again instead of {from}"),
    };
    let of =
        if statistics { format!(", but statistics over a batch are now those of {samples}") } else { String::new() };
    what + &of
}

fn started_line(started: &Started) -> String {
    let sizes = format!(
        "{}, {} to train on, {} to validate",
        units::count(started.parameters, "parameter"),
        units::count(started.train_samples as u64, "sample"),
        units::count(started.val_samples as u64, "sample"),
    );
    let epochs = units::count(started.epochs, "epoch");
    let limit = limit_text(started.limits);
    match (started.epoch, started.step) {
        (0, 0) => format!("training {epochs}{limit}: {sizes}"),
        (epoch, step) if epoch >= started.epochs => format!("resuming after step {step}, {epochs} are done: {sizes}"),
        (epoch, step) => {
            format!("resuming in epoch {} of {} after step {step}{limit}: {sizes}", epoch + 1, started.epochs)
        }
    }
}

/// What may end training before the last epoch.
fn limit_text(limits: Limits) -> String {
    let steps = limits.max_steps.map(|steps| units::count(steps, "step"));
    let time = limits.max_minutes.and_then(|minutes| Duration::try_from_secs_f64(60.0 * minutes).ok());
    match (steps, time.map(units::duration)) {
        (None, None) => String::new(),
        (Some(most), None) | (None, Some(most)) => format!(", at most {most}"),
        (Some(steps), Some(time)) => format!(", at most {steps} or {time}"),
    }
}

fn marked(parts: &[String], improved: bool) -> String {
    let mark = improved.then(|| "*best*".to_owned());
    let told = parts.iter().filter(|part| !part.is_empty()).chain(&mark);
    told.map(String::as_str).collect::<Vec<_>>().join("  ")
}

fn number(name: &str, value: Option<f64>) -> String {
    value.map_or_else(|| format!("{name} n/a"), |value| format!("{name} {}", units::decimals(value, 5)))
}

fn cost_pieces(cost: &Cost) -> Vec<String> {
    let mut pieces = vec![format!("{:.1}/s", cost.samples_per_second)];
    let left = cost.seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    pieces.extend(left.map(|left| format!("{} left", units::duration(left))));
    pieces.push(format!("wait {:.0} %", 100.0 * cost.data_wait));
    pieces.push(units::bytes(cost.memory_bytes));
    if let Some(gpu) = cost.gpu {
        let busy = gpu.busy_percent.map_or_else(String::new, |percent| format!(" {percent} %"));
        pieces.push(format!("GPU {}{busy}", units::bytes(gpu.memory_bytes)));
    }
    pieces
}

fn end_line(ended: &Ended) -> String {
    let best =
        ended.best.as_ref().map_or_else(String::new, |best| format!("; best epoch {}, {}", best.epoch, best.by_text()));
    let (epochs, steps) = (counted_epochs(ended.epoch, ended.epoch_share), units::count(ended.step, "step"));
    format!("training {}: {epochs} and {steps}{best}", ended.reason.words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;
    use crate::metric::score::Show;
    use crate::train::events::{Best, GpuUse, Reason};

    const COST: Cost = Cost {
        seconds: 12.0,
        samples_per_second: 41.25,
        data_wait: 0.013,
        memory_bytes: 812_000_000,
        gpu: Some(GpuUse { memory_bytes: 20_300_000_000, busy_percent: Some(97) }),
        seconds_left: Some(185.0),
    };

    fn named(name: &str, value: f64) -> Named {
        (name.into(), Some(value))
    }

    fn scores() -> Vec<ScoreSpec> {
        let spec = |name: &str, show| ScoreSpec::new(name, name, Better::Higher).shown(show);
        let (csi, mae, loss) = (spec("csi_20", Show::First), spec("mae", Show::First), spec("loss", Show::First));
        vec![
            spec("pod_20", Show::Table),
            csi.clone(),
            mae,
            csi.of_baseline("persistence"),
            loss.of_baseline("persistence"),
        ]
    }

    #[test]
    fn every_event_reads_well() {
        let record = Record {
            epoch: 3,
            phase: 1,
            step: 120,
            lr: 1e-3,
            train: vec![named("loss", 0.123_456), named("huber", 0.1)],
            val: vec![named("loss", 0.2)],
            scores: vec![
                named("pod_20", 0.7),
                named("csi_20", 0.5),
                named("mae", 3.0),
                named("persistence_csi_20", 0.4),
                named("persistence_loss", 0.3),
            ],
        };
        let step = Stepped {
            epoch: 2,
            step: 100,
            seen: 64,
            of: 160,
            parts: vec![named("loss", 0.125), named("ssim", 0.5)],
            lr: 1e-3,
            gradient_norm: 0.75,
            micro_batch: 2,
            cost: COST,
        };
        let samples = vec!["20110512 frame 3".to_owned()];
        let events = [
            Event::Started(Started {
                parameters: 41_234,
                train_samples: 160,
                val_samples: 1,
                epochs: 20,
                limits: Limits { max_steps: Some(36), max_minutes: None },
                epoch: 0,
                step: 0,
                best_by: vec!["loss".into()],
                best: None,
                parts: Vec::new(),
                scores: scores(),
                rows: Vec::new(),
            }),
            Event::Started(Started {
                parameters: 1,
                train_samples: 160,
                val_samples: 40,
                epochs: 20,
                limits: Limits { max_steps: Some(120), max_minutes: Some(90.0) },
                epoch: 2,
                step: 100,
                best_by: vec!["loss".into()],
                best: None,
                parts: Vec::new(),
                scores: scores(),
                rows: Vec::new(),
            }),
            Event::PhaseStarted { phase: 1, phases: 2 },
            Event::PhaseStarted { phase: 0, phases: 1 },
            Event::Stepped(step),
            Event::Skipped { step: 7, samples: samples.clone(), expected: false },
            Event::Skipped { step: 7, samples: samples.clone(), expected: true },
            Event::RolledBack { step: 9, to_step: 4, lr_factor: 0.5, samples },
            Event::MicroBatchChanged { from: 4, to: 2, statistics: false },
            Event::MicroBatchChanged { from: 4, to: 2, statistics: true },
            Event::MicroBatchChanged { from: 2, to: 4, statistics: false },
            Event::WithoutGradient { parameters: vec!["head.bias".into()] },
            Event::ValidationEnded {
                epoch: 2,
                step: 110,
                parts: vec![named("loss", 0.25), named("huber", 0.1)],
                scores: vec![
                    named("csi_20", 0.5),
                    named("mae", 3.0),
                    named("persistence_csi_20", 0.4),
                    named("persistence_loss", 0.3),
                ],
                improved: true,
                best: None,
            },
            Event::EpochEnded {
                record: Record { epoch: 2, val: Vec::new(), scores: Vec::new(), ..record.clone() },
                cost: COST,
                improved: false,
                best: None,
            },
            Event::EpochEnded { record, cost: COST, improved: true, best: None },
            Event::Ended(Ended {
                reason: Reason::Patience,
                epoch: 12,
                step: 480,
                epoch_share: 0.0,
                best: Some(Best {
                    epoch: 4,
                    step: 160,
                    by: vec![named("loss", 0.2), named("csi_20", 0.5)],
                    loss: Some(0.2),
                }),
            }),
            Event::Ended(Ended { reason: Reason::Stopped, epoch: 1, step: 1, epoch_share: 0.0, best: None }),
        ];
        let told = |mut told: Lines| events.iter().filter_map(|event| told.line(event)).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!([told(Lines::table(WIDTH)), told(Lines::named())].join("\n\n"));
    }
    #[test]
    fn a_line_says_how_far_the_score_is_ahead_of_the_forecast_to_beat() {
        let csi = ScoreSpec::new("csi_35", "CSI at 35 dBZ", Better::Higher).shown(Show::First);
        let mut specs = scores();
        specs.extend([csi.ahead_of("advection"), csi.of_baseline("advection"), csi]);
        let values = [("csi_35", 0.25), ("csi_35_ahead_of_advection", -0.05), ("advection_csi_35", 0.3)];
        let values: Vec<Named> = values.map(|(name, value)| named(name, value)).into();
        let told = ["csi_35 0.25000 (advection 0.30000)", "csi_35_ahead_of_advection -0.05000"];
        assert_eq!(headlines(&specs, &values), told);
        assert!(headlines(&[], &values).is_empty());
    }
}
