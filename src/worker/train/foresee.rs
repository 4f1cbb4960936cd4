//! What training will take, found out before it begins: so that nobody pays for hours that they did not expect.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::Surroundings;
use super::error::TrainingError;
use super::learner::Learner;
use crate::config::Config;
use crate::task::nowcast::model::forecaster;
use crate::train::engine::{Engine, NotKept, Rehearsal, Setting};
use crate::train::events::{Named, Observers};
use crate::train::task::Task;
use crate::util::units;

/// A run that takes longer than this is not begun without saying so.
const LONG: Duration = Duration::from_secs(3600);

/// Multiplications for one sample, forward, past which a model is made for a GPU: a CPU of a few cores takes seconds for
/// one sample.
const GPU_SIZED: f64 = 4e11;

/// What training will take.
#[derive(Clone, Debug, Serialize)]
pub struct Foreseen {
    /// What computes.
    pub device: String,
    /// The type of the numbers that the model computes with.
    pub precision: &'static str,
    /// Numbers that are trained.
    pub parameters: usize,
    /// Multiplications for one sample, forward.
    pub multiplications_per_sample: f64,
    /// Samples to train on.
    pub train_samples: usize,
    /// Samples to validate on.
    pub val_samples: usize,
    /// Whether the model is made for a GPU and the device is none.
    pub too_large_for_device: bool,
    /// What a step, forward and backward, has shown; none where even that would take too long.
    pub rehearsed: Option<Rehearsed>,
}

/// What a step has shown.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsed {
    /// The loss and its parts.
    pub parts: Vec<Named>,
    /// Samples that went through the model at once.
    pub micro_batch: usize,
    /// Seconds of one optimizer step.
    pub step_seconds: f64,
    /// Seconds of one epoch with its validation.
    pub epoch_seconds: f64,
    /// Seconds until all epochs are done, if nothing ends training early.
    pub total_seconds: f64,
    /// Bytes of memory that the process holds.
    pub memory_bytes: u64,
    /// Bytes of these for weights, gradients and the optimizer.
    pub state_bytes: u64,
    /// Parameters that no gradient reaches.
    pub without_gradient: Vec<String>,
}

impl From<Rehearsal> for Rehearsed {
    fn from(found: Rehearsal) -> Self {
        Self {
            parts: found.parts,
            micro_batch: found.micro_batch,
            step_seconds: found.step.as_secs_f64(),
            epoch_seconds: found.epoch.as_secs_f64(),
            total_seconds: found.total.as_secs_f64(),
            memory_bytes: found.memory_bytes,
            state_bytes: found.state_bytes,
            without_gradient: found.without_gradient,
        }
    }
}

/// Rehearses a step, unless `patience` is missing for the size of the model.
pub(super) fn foresee(
    learner: &Learner,
    patience: Patience,
    around: &Surroundings<'_>,
) -> Result<Foreseen, TrainingError> {
    let task = learner.fresh_task()?;
    let feeds = learner.feeds()?;
    let machine = learner.machine();
    let config = learner.config();
    let multiplications = forecaster(config).multiplications();
    let too_large = machine.is_cpu() && multiplications > GPU_SIZED;
    let mut foreseen = Foreseen {
        device: machine.description.clone(),
        precision: machine.precision.name(),
        parameters: task.parameters().count(),
        multiplications_per_sample: multiplications,
        train_samples: feeds.train.samples(),
        val_samples: feeds.val.as_ref().map_or(0, |val| val.samples()),
        too_large_for_device: too_large,
        rehearsed: None,
    };
    if !too_large || patience == Patience::Any {
        let setting = Setting {
            phases: learner.phases(),
            seed: learner.seed(),
            keeper: Box::new(NotKept),
            observers: Observers::default(),
            stop: around.stop.clone(),
            gpu: machine.gpu.clone(),
            began: Instant::now(),
        };
        foreseen.rehearsed = Some(Engine::begin(task, feeds, setting)?.rehearse()?.into());
    }
    Ok(foreseen)
}

/// How long a rehearsal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as it takes: it was asked for.
    Any,
    /// Some seconds.
    Little,
}

impl Foreseen {
    /// What somebody should agree to before training begins; none where it needs no thought.
    #[must_use]
    pub fn question(&self, config: &Config) -> Option<String> {
        let limit = config.train.max_minutes.map(|minutes| 60.0 * minutes);
        let seconds = self.rehearsed.as_ref().map(|found| found.total_seconds.min(limit.unwrap_or(f64::INFINITY)));
        let long = seconds.filter(|&seconds| seconds > LONG.as_secs_f64());
        let time = long.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(units::duration);
        let size = format!(
            "this model takes {:.1e} multiplications per sample, which is work for a GPU, and {} computes here",
            self.multiplications_per_sample, self.device
        );
        match (self.too_large_for_device, time) {
            (true, None) => Some(size),
            (true, Some(time)) => Some(format!("{size}; training would take about {time}")),
            (false, Some(time)) => Some(format!("training will take about {time} on {}", self.device)),
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve;

    fn foreseen(seconds: f64, too_large_for_device: bool) -> Foreseen {
        let rehearsed = Rehearsed {
            parts: Vec::new(),
            micro_batch: 2,
            step_seconds: 1.0,
            epoch_seconds: 10.0,
            total_seconds: seconds,
            memory_bytes: 1,
            state_bytes: 1,
            without_gradient: Vec::new(),
        };
        Foreseen {
            device: "CPU, 2 threads".into(),
            precision: "bf16",
            parameters: 1000,
            multiplications_per_sample: 3.3e12,
            train_samples: 10,
            val_samples: 2,
            too_large_for_device,
            rehearsed: (seconds > 0.0).then_some(rehearsed),
        }
    }

    fn config(text: &str) -> Config {
        let text = format!("data: {{source: [{{synthetic: {{}}}}]}}\ntask: {{nowcast: {{}}}}\n{text}");
        resolve("config.yaml".into(), text, &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn only_a_long_run_or_a_gpu_sized_model_on_a_cpu_needs_somebody_to_agree() {
        assert_eq!(foreseen(3500.0, false).question(&config("")), None);
        let long = foreseen(7260.0, false).question(&config("")).unwrap();
        assert_eq!(long, "training will take about 2 h 01 min on CPU, 2 threads");
        let large = foreseen(0.0, true).question(&config("")).unwrap();
        assert!(large.starts_with("this model takes 3.3e12 multiplications per sample"), "{large}");
        assert!(foreseen(7200.0, true).question(&config("")).unwrap().ends_with("about 2 h 00 min"));
    }

    #[test]
    fn a_limit_in_minutes_is_part_of_the_estimate() {
        assert_eq!(foreseen(7260.0, false).question(&config("train: {max_minutes: 30}")), None);
    }
}
