//! Estimates the time and memory of training before it starts, so that nobody pays for unexpected hours.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::TrainingError;
use super::subject::Subject;
use crate::config::Config;
use crate::train::engine::{NotKept, Rehearsal, Setting};
use crate::train::events::{Named, Observers};
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// A run that takes longer than this does not start without saying so.
const LONG: Duration = Duration::from_secs(3600);

/// Forward multiplications per sample above which a model is made for a GPU: a CPU of a few cores takes seconds for
/// one sample.
const GPU_SIZED: f64 = 4e11;

/// The estimate.
#[derive(Clone, Debug, Serialize)]
pub struct Foreseen {
    /// The device.
    pub device: String,
    /// The type of the numbers that the model computes with.
    pub precision: &'static str,
    /// Trainable parameters.
    pub parameters: usize,
    /// Forward multiplications per sample.
    pub multiplications_per_sample: f64,
    /// Training samples.
    pub train_samples: usize,
    /// Validation samples.
    pub val_samples: usize,
    /// Whether the model is made for a GPU and the device is not one.
    pub too_large_for_device: bool,
    /// The result of a rehearsed step, forward and backward; none if even that would take too long.
    pub rehearsed: Option<Rehearsed>,
}

/// The result of a rehearsed step.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsed {
    /// The loss and its parts.
    pub parts: Vec<Named>,
    /// Samples per forward pass.
    pub micro_batch: usize,
    /// Seconds of one optimizer step.
    pub step_seconds: f64,
    /// Seconds of one epoch with its validation.
    pub epoch_seconds: f64,
    /// Seconds until all epochs are done, if training does not stop early.
    pub total_seconds: f64,
    /// Bytes of memory that the process uses.
    pub memory_bytes: u64,
    /// How many of these bytes are weights, gradients and the optimizer.
    pub state_bytes: u64,
    /// Parameters that receive no gradient.
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

/// Rehearses a step, unless that would take longer than `patience` allows for this model.
pub(super) fn foresee(
    subject: &Subject,
    patience: Patience,
    around: &Surroundings<'_>,
) -> Result<Foreseen, TrainingError> {
    let learner = subject.fresh()?;
    let machine = subject.machine();
    let multiplications = learner.multiplications();
    let [train_samples, val_samples] = learner.samples();
    let too_large = machine.is_cpu() && multiplications > GPU_SIZED;
    let mut foreseen = Foreseen {
        device: machine.description.clone(),
        precision: machine.precision.name(),
        parameters: learner.parameters().count(),
        multiplications_per_sample: multiplications,
        train_samples,
        val_samples,
        too_large_for_device: too_large,
        rehearsed: None,
    };
    if !too_large || patience == Patience::Any {
        let setting = Setting {
            phases: subject.phases(),
            seed: subject.seed(),
            patience_restarts: Vec::new(),
            keeper: Box::new(NotKept),
            observers: Observers::default(),
            stop: around.stop.clone(),
            gpu: machine.gpu.clone(),
            began: Instant::now(),
        };
        let (learner, found) = learner.rehearse(setting)?;
        foreseen.rehearsed = Some(found.into());
        subject.keep(learner);
    } else {
        subject.keep(learner);
    }
    Ok(foreseen)
}

/// How long a rehearsal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Without a limit: the user requested it.
    Any,
    /// A few seconds.
    Little,
}

impl Foreseen {
    /// What the user should agree to before training starts; `None` if nothing is unusual.
    #[must_use]
    pub fn question(&self, config: &Config) -> Option<String> {
        let limit = config.train.max_minutes.map(|minutes| 60.0 * minutes);
        let seconds = self.rehearsed.as_ref().map(|found| found.total_seconds.min(limit.unwrap_or(f64::INFINITY)));
        let long = seconds.filter(|&seconds| seconds > LONG.as_secs_f64());
        let time = long.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(units::duration);
        let size = format!(
            "this model needs {:.1e} multiplications per sample, which is work for a GPU, but it would train on {}",
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
        let text = format!("{}{text}", crate::task::testing::SMALLEST);
        resolve("config.yaml".into(), text, &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn only_a_long_run_or_a_gpu_sized_model_on_a_cpu_needs_somebody_to_agree() {
        assert_eq!(foreseen(3500.0, false).question(&config("")), None);
        let long = foreseen(7260.0, false).question(&config("")).unwrap();
        assert_eq!(long, "training will take about 2 h 01 min on CPU, 2 threads");
        let large = foreseen(0.0, true).question(&config("")).unwrap();
        assert!(large.starts_with("this model needs 3.3e12 multiplications per sample"), "{large}");
        assert!(foreseen(7200.0, true).question(&config("")).unwrap().ends_with("about 2 h 00 min"));
    }

    #[test]
    fn a_limit_in_minutes_is_part_of_the_estimate() {
        assert_eq!(foreseen(7260.0, false).question(&config("train: {max_minutes: 30}")), None);
    }
}
