//! A failed training as a problem with its remedy: the key to change with its current value, if there is one.

use super::error::TrainingError;
use crate::config::Config;
use crate::native::said::brief;
use crate::native::shortage::{is_out_of_memory, lacks_threads};
use crate::train::checkpoint::CheckpointError;
use crate::train::config::Optimizer;
use crate::train::engine::TrainError;
use crate::train::run_folder::problem::Problem;
use crate::util::exit::Exit;
use crate::util::fs::FsError;

/// The problem that an error is.
pub(super) fn problem(error: &TrainingError, config: &Config) -> Problem {
    Problem::new(error.kind(), &error.to_string(), remedy(error, config), error.exit())
}

/// The error as the person sees it: training that diverged comes with what to change, which is known here.
pub(super) fn with_remedy(error: TrainingError, config: &Config) -> TrainingError {
    match error.exit() {
        Exit::Diverged => {
            let Problem { text, remedy, .. } = problem(&error, config);
            TrainingError::Diverged { problem: text, remedy }
        }
        _ => error,
    }
}

/// The problem that a panic is: an operator of libtorch that can't return an error, or a bug.
pub(super) fn problem_of_panic(text: &str, config: &Config) -> Problem {
    let first = &brief(text);
    match text {
        text if is_out_of_memory(text) => {
            Problem::new("out of memory", first, Some(smaller(config)), Exit::OutOfMemory)
        }
        text if lacks_threads(text) => {
            let more = "end other programs, or raise the limits of memory and processes";
            Problem::new("threads", first, Some(more.into()), Exit::TryAgain)
        }
        _ => Problem::new("bug", &format!("the program panicked: {first}"), None, Exit::Bug),
    }
}

fn remedy(error: &TrainingError, config: &Config) -> Option<String> {
    match error {
        _ if error.exit() == Exit::Diverged => Some(slower(config)),
        _ if error.exit() == Exit::OutOfMemory => Some(smaller(config)),
        TrainingError::Checkpoint(error) | TrainingError::Engine(TrainError::Checkpoint(error)) => checkpoint(error),
        TrainingError::File(error) => error.remedy(),
        TrainingError::Gpu(_) => Some("run the same command again to continue from the last checkpoint".into()),
        TrainingError::Vanished { .. } => Some("bring it back and run the same command again".into()),
        TrainingError::Evaluation(error) => {
            let cause = Problem::new("", "", None, error.exit()).remedy;
            Some(format!("the weights are trained and saved; {cause}"))
        }
        _ => None,
    }
}

fn checkpoint(error: &CheckpointError) -> Option<String> {
    match error {
        CheckpointError::Disk(error) => FsError::remedy(error),
        CheckpointError::OutOfSpace { .. } => {
            Some("free some space, then run the same command again to resume from the last checkpoint".into())
        }
        _ => None,
    }
}

/// A run that diverged can't be resumed with another rate: its last checkpoint may be part of the trouble.
fn slower(config: &Config) -> String {
    let optimizer = match &config.train.optimizer {
        Optimizer::Adamw(_) => "adamw",
        Optimizer::Adam(_) => "adam",
        Optimizer::Sgd(_) => "sgd",
    };
    let of_phase = config.train.phases.iter().any(|phase| phase.train.contains_key("optimizer"));
    let or = if of_phase { " or that of the phase" } else { "" };
    let rate = number(config.train.optimizer.lr());
    format!("lower train.optimizer.{optimizer}.lr (now {rate}){or}, and start a new run with --no-resume")
}

fn smaller(config: &Config) -> String {
    let at_once = config.train.micro_batch_size();
    match at_once {
        1 => "make the samples or the model smaller, or use a device with more memory".into(),
        _ => format!(
            "lower train.micro_batch (now {at_once}), make the samples or the model smaller, or use a device with more memory"
        ),
    }
}

/// A learning rate as people write it.
fn number(rate: f64) -> String {
    if (1e-3..1e4).contains(&rate) { rate.to_string() } else { format!("{rate:e}") }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::*;
    use crate::config::resolve;
    use crate::train::run_folder::RunError;
    use crate::util::fs::FsError;

    fn config(train: &str) -> Config {
        let text = format!("{}train: {train}\n", crate::task::testing::SMALLEST);
        resolve("config.yaml".into(), text, &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    fn not_finite() -> TrainingError {
        use crate::nn::weights::NamedArray;
        let source = NamedArray::f32("w", &[1], &[f32::NAN]).check_finite().unwrap_err();
        CheckpointError::NotFinite { checkpoint: "e0002-s000012".into(), source }.into()
    }

    #[test]
    fn a_run_that_diverged_names_the_learning_rate_and_its_value() {
        let found = problem(&not_finite(), &config("{optimizer: {adamw: {lr: 1.0e9}}}"));
        assert_eq!(found.remedy, "lower train.optimizer.adamw.lr (now 1e9), and start a new run with --no-resume");
        assert_eq!((found.kind.as_str(), found.exit), ("checkpoint", 76));
        assert!(found.text.contains("the state at e0002-s000012 is not saved"), "{found}");
        let shown = with_remedy(not_finite(), &config("{optimizer: {adamw: {lr: 1.0e30}}}"));
        assert!(shown.to_string().starts_with("training diverged: the state at e0002-s000012 is not saved"), "{shown}");
        assert!(shown.to_string().contains("; lower train.optimizer.adamw.lr (now 1e30), and start"), "{shown}");
        assert_eq!(shown.exit(), Exit::Diverged);
        let found = problem(
            &not_finite(),
            &config("{optimizer: {sgd: {lr: 0.5}}, phases: [{train: {optimizer: {sgd: {lr: 2}}}}]}"),
        );
        assert!(found.remedy.starts_with("lower train.optimizer.sgd.lr (now 0.5) or that of the phase, "), "{found}");
    }

    #[test]
    fn every_failure_of_a_training_has_a_remedy() {
        let config = config("{micro_batch: 4, batch: 8}");
        let disk = |kind: ErrorKind| FsError::at("write", Path::new("/nowhere"))(kind.into());
        let held = RunError::Unreadable { path: "run.json".into(), problem: "cut off".into() };
        let full = CheckpointError::OutOfSpace { path: "c".into(), free: 1, needed: 2, reserved: 1, kept: 0 };
        let errors: [TrainingError; 8] = [
            full.into(),
            disk(ErrorKind::Other).into(),
            disk(ErrorKind::StorageFull).into(),
            CheckpointError::from(disk(ErrorKind::PermissionDenied)).into(),
            held.into(),
            TrainError::NoSamples.into(),
            TrainError::StopWithoutSignal.into(),
            TrainingError::Vanished { folder: "x".into() },
        ];
        for error in errors {
            let found = problem(&error, &config);
            assert!(!found.remedy.is_empty() && !found.text.is_empty(), "{found:?}");
            assert!(!found.text.contains(&found.remedy), "it is said once: {found:?}");
        }
        let memory =
            problem_of_panic("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes", &config);
        assert!(memory.remedy.starts_with("lower train.micro_batch (now 4)"), "{memory}");
        assert_eq!((memory.exit, problem_of_panic("index out of bounds\nmore", &config).exit), (71, 70));
    }
}
