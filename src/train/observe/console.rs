//! Console output: one line for each event that matters. Printing is for the command line.

use std::time::Duration;

use crate::metric::score::{ScoreSpec, Show};
use crate::train::events::words::counted_epochs;
use crate::train::events::{Cost, Ended, Event, Limits, Named, Record, Started, Stepped, value};
use crate::util::units;

/// The most scores in the line of an epoch; the history has all of them.
const MOST_SCORES: usize = 1;

/// Turns events into lines. It learns the scores when training starts.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    scores: Vec<ScoreSpec>,
}

impl Lines {
    /// The line for an event, without a line end; `None` for what a person need not know now.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Started(started) => {
                self.scores.clone_from(&started.scores);
                Some(started_line(started))
            }
            Event::ValidationEnded { epoch, step, parts, scores, improved, .. } => {
                let place = format!("epoch {} step {step}", epoch + 1);
                let mut told = vec![place, self.first("val", parts, scores)];
                told.extend(self.shown(scores));
                Some(marked(&told, *improved))
            }
            Event::EpochEnded { record, cost, improved, .. } => Some(self.epoch_line(record, cost, *improved)),
            other => plain_line(other),
        }
    }

    fn epoch_line(&self, record: &Record, cost: &Cost, improved: bool) -> String {
        let mut parts = vec![format!("epoch {}", record.epoch), self.first("train", &record.train, &[])];
        parts.push(self.first("val", &record.val, &record.scores));
        parts.extend(self.shown(&record.scores));
        parts.push(format!("lr {:.3e}", record.lr));
        parts.push(cost_text(cost));
        marked(&parts, improved)
    }

    fn first(&self, side: &str, values: &[Named], scores: &[Named]) -> String {
        values.first().map_or_else(String::new, |value| format!("{side} {}", self.against_baseline(value, scores)))
    }

    /// The scores that are in a line.
    fn shown(&self, scores: &[Named]) -> Vec<String> {
        let headlines = self.scores.iter().filter(|spec| spec.show == Show::First && spec.baseline.is_none());
        let known = headlines.filter_map(|spec| scores.iter().find(|(name, _)| *name == spec.name));
        known.take(MOST_SCORES).map(|score| self.against_baseline(score, scores)).collect()
    }

    /// A number, with what it has to beat.
    fn against_baseline(&self, (name, known): &Named, scores: &[Named]) -> String {
        let baselines = self.scores.iter().filter(|spec| spec.is_baseline_of(name));
        let told = baselines.filter_map(|spec| {
            let forecast = &spec.baseline.as_ref()?.forecast;
            Some(format!("{forecast} {:.5}", value(scores, &spec.name)?))
        });
        match told.collect::<Vec<_>>().join(", ") {
            told if told.is_empty() => number(name, *known),
            told => format!("{} ({told})", number(name, *known)),
        }
    }
}

/// The line for an event that does not involve scores.
fn plain_line(event: &Event) -> Option<String> {
    match event {
        Event::PhaseStarted { phase, phases } if *phases > 1 => Some(format!("phase {} of {phases}", phase + 1)),
        Event::Stepped(step) => Some(step_line(step, None)),
        Event::Skipped { step, samples, expected: false } => {
            Some(format!("step {step} left out: loss or gradient is not finite; samples: {}", samples.join(", ")))
        }
        Event::RolledBack { step, to_step, lr_factor, samples } => Some(format!(
            "step {step} failed again: back to the weights of step {to_step}, learning rate x {lr_factor}; samples: {}",
            samples.join(", ")
        )),
        Event::MicroBatchChanged { from, to, statistics } => Some(micro_batch_line(*from, *to, *statistics)),
        Event::WithoutGradient { parameters } => {
            Some(format!("no gradient ever reaches {}: the model does not use it", parameters.join(", ")))
        }
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
        (epoch, step) if epoch >= started.epochs => format!("going on after step {step}, {epochs} are done: {sizes}"),
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

/// The line for a step, with the number of epochs if known.
#[must_use]
pub fn step_line(step: &Stepped, epochs: Option<u64>) -> String {
    let of = epochs.map_or_else(String::new, |epochs| format!("/{epochs}"));
    // The most important part comes first: a narrow terminal cuts the rest.
    let (loss, others) = step.parts.split_at(step.parts.len().min(1));
    format!(
        "epoch {}{of} {}/{}  {}  {}  step {}  lr {:.3e}  gradient {:.3}  {}",
        step.epoch + 1,
        step.seen,
        step.of,
        numbers(loss),
        cost_text(&step.cost),
        step.step,
        step.lr,
        step.gradient_norm,
        numbers(others),
    )
}

fn marked(parts: &[String], improved: bool) -> String {
    let mark = improved.then(|| "*best*".to_owned());
    let told = parts.iter().filter(|part| !part.is_empty()).chain(&mark);
    told.map(String::as_str).collect::<Vec<_>>().join("  ")
}

fn number(name: &str, value: Option<f64>) -> String {
    value.map_or_else(|| format!("{name} n/a"), |value| format!("{name} {value:.5}"))
}

fn numbers(values: &[Named]) -> String {
    values.iter().map(|(name, value)| number(name, *value)).collect::<Vec<_>>().join("  ")
}

fn cost_text(cost: &Cost) -> String {
    let mut text = format!("{:.1}/s", cost.samples_per_second);
    if let Some(left) = cost.seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        text += &format!("  {} left", units::duration(left));
    }
    text += &format!("  wait {:.0} %  {}", 100.0 * cost.data_wait, units::bytes(cost.memory_bytes));
    if let Some(gpu) = cost.gpu {
        text += &format!("  GPU {}", units::bytes(gpu.memory_bytes));
        text += &gpu.busy_percent.map_or_else(String::new, |percent| format!(" {percent} %"));
    }
    text
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
        let mut told = Lines::default();
        let lines: Vec<_> = events.iter().filter_map(|event| told.line(event)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
