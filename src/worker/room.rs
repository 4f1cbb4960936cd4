//! Whether what is configured can fit into this machine at all: compared before anything is fetched or allocated, with the
//! least memory that training takes. What fits by this measure may still run out of memory; then the micro-batch shrinks.

use thiserror::Error;

use crate::config::Config;
use crate::native::gpu::Gpu;
use crate::task::needs::{Needs, sum};
use crate::train::config::{DeviceChoice, Optimizer, TrainConfig};
use crate::util::exit::Exit;
use crate::util::memory::{Ceiling, ceiling};
use crate::util::units::{bytes, count};

/// The least that training takes is more than this machine has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "training needs at least {}: {} for {}, {} for one sample; {what} is {}; make the model, the frames or the windows \
     smaller, or use a larger machine",
    amount(*.needed), amount(*.state), what_for(*.parameters), amount(*.sample), bytes(*.available)
)]
pub struct NoRoom {
    /// Bytes that are needed.
    needed: u64,
    /// Bytes of weights, gradients, optimizer and their copies.
    state: u64,
    /// Trainable numbers.
    parameters: u64,
    /// Bytes of one sample.
    sample: u64,
    /// What limits the memory.
    what: String,
    /// Bytes that there are.
    available: u64,
}

impl NoRoom {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::OutOfMemory
    }
}

/// Compares what training takes with the GPU that it computes on, if there is one, and with the memory of the machine.
///
/// # Errors
/// [`NoRoom`], with the numbers.
pub fn check(config: &Config, gpu: Option<&Gpu>) -> Result<(), NoRoom> {
    let (needs, copies) = (config.task.kind().needs(), copies(config));
    if let Some(gpu) = gpu {
        compare(needs, copies.computing, true, gpu.memory_bytes, &format!("the memory of the GPU ({})", gpu.name))?;
    }
    let Some(Ceiling { bytes, what }) = ceiling() else { return Ok(()) };
    match gpu {
        // Beside the GPU there is what checkpoints are made from.
        Some(_) => compare(needs, copies.kept, false, bytes, what),
        None => compare(needs, copies.computing + copies.kept, true, bytes, what),
    }
}

/// The same before it is decided what computes: for a configuration that may be meant for another machine.
///
/// # Errors
/// As [`check`].
pub fn would_fit(config: &Config) -> Result<(), NoRoom> {
    let driver = crate::native::gpu::driver();
    let gpus = driver.iter().flat_map(|driver| &driver.gpus);
    let gpu = match config.device {
        DeviceChoice::Cpu => None,
        DeviceChoice::Auto | DeviceChoice::Cuda(None) => gpus.clone().next(),
        DeviceChoice::Cuda(Some(number)) => gpus.clone().nth(number as usize),
    };
    check(config, gpu)
}

/// Copies of the parameters, in the phase that has most.
struct Copies {
    /// On the model's device: weights, gradient, moments, average.
    computing: u64,
    /// In main memory: the state that a diverged run rolls back to.
    kept: u64,
}

fn copies(config: &Config) -> Copies {
    let phases = config.phases().unwrap_or_default();
    let most = phases.iter().map(|phase| saved(&phase.train)).max().unwrap_or_else(|| saved(&config.train));
    Copies { computing: most + 1, kept: most }
}

/// Copies that a checkpoint has: weights, moments, average.
fn saved(train: &TrainConfig) -> u64 {
    let moments = match train.optimizer {
        Optimizer::Adamw(_) | Optimizer::Adam(_) => 2,
        Optimizer::Sgd(_) => 1,
    };
    1 + moments + u64::from(train.ema_decay.is_some())
}

fn compare(needs: Needs, copies: u64, computes: bool, available: u64, what: &str) -> Result<(), NoRoom> {
    let (state, sample) = (needs.copies_bytes(copies), if computes { needs.sample_bytes } else { 0 });
    let needed = sum([state, sample]);
    let parameters = needs.parameters;
    match needed > available {
        true => Err(NoRoom { needed, state, parameters, sample, what: what.to_owned(), available }),
        false => Ok(()),
    }
}

fn amount(value: u64) -> String {
    if value == u64::MAX { "more than can be counted".to_owned() } else { bytes(value) }
}

fn what_for(number: u64) -> String {
    format!("weights, gradients and optimizer of {}", count(number, "parameter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs { parameters: 1_000_000, sample_bytes: 500_000_000 };

    #[test]
    fn what_can_not_fit_is_refused_with_the_numbers() {
        let what = "the limit of the container";
        assert_eq!(compare(NEEDS, 4, true, 516_000_000, what), Ok(()));
        let error = compare(NEEDS, 4, true, 515_999_999, what).unwrap_err();
        assert_eq!(error.exit(), Exit::OutOfMemory);
        assert_eq!(
            error.to_string(),
            "training needs at least 516 MB: 16.0 MB for weights, gradients and optimizer of 1,000,000 parameters, \
             500 MB for one sample; the limit of the container is 516 MB; make the model, the frames or the windows \
             smaller, or use a larger machine"
        );
        assert!(compare(NEEDS, 4, false, 16_000_000, what).is_ok());
        assert!(compare(Needs { parameters: u64::MAX, ..NEEDS }, 4, false, u64::MAX - 1, what).is_err());
    }

    #[test]
    fn the_phase_with_most_copies_counts() {
        let config = |train: &str| {
            let text = format!("{}train: {train}\n", crate::task::testing::SMALLEST);
            crate::config::resolve("config.yaml".into(), text, &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
        };
        let found = |train: &str| {
            let Copies { computing, kept } = copies(&config(train));
            [computing, kept]
        };
        assert_eq!(found("{}"), [4, 3]);
        assert_eq!(found("{optimizer: {sgd: {lr: 0.1}}}"), [3, 2]);
        assert_eq!(found("{phases: [{train: {epochs: 1}}, {train: {epochs: 1, ema_decay: 0.9}}]}"), [5, 4]);
    }
}
