//! What makes no sense in the `train` section though every type is right: counts of nothing, rates out of range,
//! settings that contradict each other.

use crate::util::problem::Problem;

use super::config::{CheckpointConfig, Optimizer, Phase, Schedule, Sgd, TrainConfig, ValidateConfig, Warmup};

impl TrainConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("epochs", self.epochs as u64, &mut found);
        at_least_one("micro_batch", self.micro_batch as u64, &mut found);
        at_least_one("accumulate", self.accumulate as u64, &mut found);
        at_least_one_or_off("max_steps", self.max_steps, &mut found);
        at_least_one_or_off("patience", self.patience.map(|epochs| epochs as u64), &mut found);
        positive_or_off("max_minutes", self.max_minutes, &mut found);
        positive_or_off("clip_norm", self.clip_norm, &mut found);
        not_negative("min_delta", self.min_delta, &mut found);
        if let Some(decay) = self.ema_decay.filter(|decay| !(*decay > 0.0 && *decay < 1.0)) {
            let message = format!("the decay must lie between 0 and 1, got {decay}");
            found.push(Problem::new("ema_decay", message, "write a decay such as 0.999, or null for no average"));
        }
        if self.init_from.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            let remedy = "write the path of the weights, or null to start from random ones";
            found.push(Problem::new("init_from", "the path is empty", remedy));
        }
        for (index, pattern) in self.freeze.iter().enumerate().filter(|(_, pattern)| pattern.trim().is_empty()) {
            let message = format!("the name of a parameter is empty, got {pattern:?}");
            let remedy = "write a name such as layers.0.*, or [] to freeze nothing";
            found.push(Problem::new(format!("freeze.{index}"), message, remedy));
        }
        found.extend(self.optimizer.problems().into_iter().map(|problem| problem.below("optimizer")));
        found.extend(self.schedule.problems(self.optimizer.lr()).into_iter().map(|problem| problem.below("schedule")));
        found.extend(self.warmup.problems(self.epochs).into_iter().map(|problem| problem.below("warmup")));
        found.extend(self.validate.problems().into_iter().map(|problem| problem.below("validate")));
        found.extend(self.checkpoint.problems().into_iter().map(|problem| problem.below("checkpoint")));
        found
    }
}

/// Keys that hold for all of training, and why a phase can't have one of its own.
const OF_THE_WHOLE_RUN: [(&str, &str); 9] = [
    ("max_steps", "the limit counts the steps of all phases together and ends all of training"),
    ("max_minutes", "the limit counts the time of all phases together and ends all of training"),
    ("shuffle", "all phases go through the samples in one order"),
    ("overfit_single_batch", "a model is checked this way as a whole, not in between"),
    (
        "init_from",
        "only the first phase starts from other weights; each later one goes on with those of the one before",
    ),
    ("max_retries", "whether a failed run starts again has nothing to do with its phases"),
    ("checkpoint.keep_last", "the checkpoints of all phases lie in one folder"),
    ("checkpoint.keep_best", "the checkpoints of all phases lie in one folder"),
    ("checkpoint.best_by", "the best weights of all phases are compared in one folder"),
];

impl Phase {
    /// What a phase changes that it has no say in.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let is_changed = |path: &str| match path.split_once('.') {
            Some((section, key)) => self.train.get(section).is_some_and(|section| section.get(key).is_some()),
            None => self.train.contains_key(path),
        };
        let changed = OF_THE_WHOLE_RUN.into_iter().filter(|(path, _)| is_changed(path));
        let problem = |(path, why): (&str, &str)| {
            let message = format!("a phase can't change this: {why}");
            let remedy = format!("write it as `train.{path}`, beside the phases");
            Problem::new(format!("train.{path}"), message, remedy)
        };
        changed.map(problem).collect()
    }
}

impl Optimizer {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let variant = match self {
            Self::Adamw(adamw) => {
                adaptive(adamw.lr, adamw.weight_decay, adamw.betas, adamw.eps, &mut found);
                "adamw"
            }
            Self::Adam(adam) => {
                adaptive(adam.lr, adam.weight_decay, adam.betas, adam.eps, &mut found);
                "adam"
            }
            Self::Sgd(sgd) => {
                momentum(sgd, &mut found);
                "sgd"
            }
        };
        found.into_iter().map(|problem| problem.below(variant)).collect()
    }
}

fn adaptive(lr: f64, weight_decay: f64, betas: [f64; 2], eps: f64, found: &mut Vec<Problem>) {
    learning_rate(lr, found);
    not_negative("weight_decay", weight_decay, found);
    for (index, beta) in betas.into_iter().enumerate() {
        below_one(&format!("betas.{index}"), beta, "write a decay such as 0.9", found);
    }
    positive("eps", eps, "write a small number such as 1.0e-8", found);
}

fn momentum(sgd: &Sgd, found: &mut Vec<Problem>) {
    learning_rate(sgd.lr, found);
    not_negative("weight_decay", sgd.weight_decay, found);
    below_one("momentum", sgd.momentum, "write a share such as 0.9, or 0 for none", found);
    if sgd.nesterov && sgd.momentum == 0.0 {
        let remedy = "set `momentum` to 0.9 or so, or `nesterov` to false";
        found.push(Problem::new("nesterov", "Nesterov's method needs momentum, which is 0", remedy));
    }
}

impl Schedule {
    fn problems(&self, lr: f64) -> Vec<Problem> {
        let mut found = Vec::new();
        let variant = match self {
            Self::Constant => return found,
            Self::Cosine(cosine) => {
                lowest_rate(cosine.min_lr, lr, &mut found);
                "cosine"
            }
            Self::Step(step) => {
                at_least_one("every_epochs", step.every_epochs as u64, &mut found);
                factor(step.factor, &mut found);
                "step"
            }
            Self::Plateau(plateau) => {
                factor(plateau.factor, &mut found);
                below_one("threshold", plateau.threshold, "write a small share such as 1.0e-4", &mut found);
                lowest_rate(plateau.min_lr, lr, &mut found);
                "plateau"
            }
        };
        found.into_iter().map(|problem| problem.below(variant)).collect()
    }
}

impl Warmup {
    fn problems(&self, epochs: usize) -> Vec<Problem> {
        let mut found = Vec::new();
        not_negative("epochs", self.epochs, &mut found);
        if self.epochs > epochs as f64 {
            let message = format!("the warm-up takes {} epochs, but training only has {epochs}", self.epochs);
            found.push(Problem::new("epochs", message, "shorten the warm-up, or raise `train.epochs`"));
        }
        if !(self.start_factor > 0.0 && self.start_factor <= 1.0) {
            let message = format!("the share must be above 0 and at most 1, got {}", self.start_factor);
            found.push(Problem::new("start_factor", message, "write a share such as 0.1"));
        }
        found
    }
}

impl ValidateConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("every_epochs", self.every_epochs, &mut found);
        at_least_one_or_off("every_steps", self.every_steps, &mut found);
        found
    }
}

impl CheckpointConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        positive_or_off("every_minutes", self.every_minutes, &mut found);
        at_least_one_or_off("every_steps", self.every_steps, &mut found);
        at_least_one("keep_last", self.keep_last as u64, &mut found);
        at_least_one("keep_best", self.keep_best as u64, &mut found);
        found
    }
}

fn learning_rate(lr: f64, found: &mut Vec<Problem>) {
    positive("lr", lr, "write a rate such as 1.0e-4", found);
}

fn lowest_rate(min_lr: f64, lr: f64, found: &mut Vec<Problem>) {
    not_negative("min_lr", min_lr, found);
    if min_lr > lr {
        let message = format!("the lowest learning rate {min_lr} is above the optimizer's {lr}");
        found.push(Problem::new("min_lr", message, "lower it, or raise the optimizer's `lr`"));
    }
}

fn factor(factor: f64, found: &mut Vec<Problem>) {
    if !(factor > 0.0 && factor < 1.0) {
        let message = format!("the learning rate can only be multiplied by what lies between 0 and 1, got {factor}");
        found.push(Problem::new("factor", message, "write a factor such as 0.5"));
    }
}

fn positive(path: &str, value: f64, remedy: &str, found: &mut Vec<Problem>) {
    if value <= 0.0 {
        found.push(Problem::new(path, format!("must be above 0, got {value}"), remedy));
    }
}

fn positive_or_off(path: &str, value: Option<f64>, found: &mut Vec<Problem>) {
    if let Some(value) = value {
        positive(path, value, "write a larger number, or null to switch it off", found);
    }
}

fn not_negative(path: &str, value: f64, found: &mut Vec<Problem>) {
    if value < 0.0 {
        found.push(Problem::new(path, format!("must not be negative, got {value}"), "write 0 or more"));
    }
}

fn below_one(path: &str, value: f64, remedy: &str, found: &mut Vec<Problem>) {
    if !(0.0..1.0).contains(&value) {
        found.push(Problem::new(path, format!("must be at least 0 and below 1, got {value}"), remedy));
    }
}

fn at_least_one(path: &str, value: u64, found: &mut Vec<Problem>) {
    if value == 0 {
        found.push(Problem::new(path, "must be at least 1, got 0", "write 1 or more"));
    }
}

fn at_least_one_or_off(path: &str, value: Option<u64>, found: &mut Vec<Problem>) {
    if value == Some(0) {
        found.push(Problem::new(path, "must be at least 1, got 0", "write 1 or more, or null to switch it off"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{AdamW, Cosine, Plateau, Step};
    use super::*;

    fn paths(config: &TrainConfig) -> Vec<String> {
        config.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(TrainConfig::default().problems(), []);
    }

    #[test]
    fn counts_of_nothing_are_refused() {
        let config = TrainConfig {
            epochs: 0,
            micro_batch: 0,
            accumulate: 0,
            max_steps: Some(0),
            patience: Some(0),
            validate: ValidateConfig { every_epochs: 0, every_steps: Some(0) },
            checkpoint: CheckpointConfig {
                every_steps: Some(0),
                every_minutes: Some(0.0),
                keep_last: 0,
                keep_best: 0,
                ..CheckpointConfig::default()
            },
            ..TrainConfig::default()
        };
        let validate = ["every_epochs", "every_steps"].map(|key| format!("validate.{key}"));
        let checkpoint =
            ["every_minutes", "every_steps", "keep_last", "keep_best"].map(|key| format!("checkpoint.{key}"));
        let counts = ["epochs", "micro_batch", "accumulate", "max_steps", "patience"].map(String::from);
        assert_eq!(paths(&config), [&counts[..], &validate[..], &checkpoint[..]].concat());
    }

    #[test]
    fn an_optimizer_out_of_range_is_refused_at_the_key() {
        let adamw = AdamW { lr: 0.0, weight_decay: -1.0, betas: [0.9, 1.0], eps: 0.0 };
        let keys = ["lr", "weight_decay", "betas.1", "eps"];
        let config = TrainConfig { optimizer: Optimizer::Adamw(adamw), ..TrainConfig::default() };
        assert_eq!(paths(&config), keys.map(|key| format!("optimizer.adamw.{key}")));
        let sgd = Sgd { nesterov: true, momentum: 0.0, ..Sgd::default() };
        let config = TrainConfig { optimizer: Optimizer::Sgd(sgd), ..TrainConfig::default() };
        assert_eq!(paths(&config), ["optimizer.sgd.nesterov"]);
    }

    #[test]
    fn a_frozen_parameter_without_a_name_is_refused_at_its_place() {
        let freeze = ["layers.0.*", "", " "].map(String::from).to_vec();
        assert_eq!(paths(&TrainConfig { freeze, ..TrainConfig::default() }), ["freeze.1", "freeze.2"]);
    }

    #[test]
    fn a_schedule_that_does_not_lower_the_rate_is_refused() {
        let schedules = [
            (Schedule::Cosine(Cosine { min_lr: 1.0 }), "schedule.cosine.min_lr"),
            (Schedule::Step(Step { every_epochs: 1, factor: 1.5 }), "schedule.step.factor"),
            (Schedule::Plateau(Plateau { factor: 0.0, ..Plateau::default() }), "schedule.plateau.factor"),
        ];
        for (schedule, path) in schedules {
            assert_eq!(paths(&TrainConfig { schedule, ..TrainConfig::default() }), [path]);
        }
    }

    #[test]
    fn what_holds_for_the_whole_run_is_refused_in_a_phase_with_its_place() {
        let phase = |train: serde_json::Value| Phase { train: train.as_object().unwrap().clone(), ..Phase::default() };
        let refused = phase(serde_json::json!({
            "epochs": 3, "patience": null, "max_steps": null, "max_minutes": 5, "shuffle": true, "init_from": "storms",
            "overfit_single_batch": false, "max_retries": 1, "checkpoint": {"every_steps": 5, "keep_last": 1, "keep_best": 1, "best_by": "csi_35"},
        }));
        let found = refused.problems();
        let paths: Vec<_> = found.iter().map(|problem| problem.path.strip_prefix("train.").unwrap()).collect();
        assert_eq!(paths, OF_THE_WHOLE_RUN.map(|(path, _)| path));
        assert_eq!(found[0].remedy, "write it as `train.max_steps`, beside the phases");
        // The engine asks each phase when to save.
        assert_eq!(phase(serde_json::json!({"freeze": [], "checkpoint": {"every_minutes": 1}})).problems(), []);
    }

    #[test]
    fn a_warm_up_longer_than_training_and_a_decay_of_one_are_refused() {
        let warmup = Warmup { epochs: 60.0, start_factor: 0.0 };
        let config = TrainConfig { warmup, ema_decay: Some(1.0), ..TrainConfig::default() };
        assert_eq!(paths(&config), ["ema_decay", "warmup.epochs", "warmup.start_factor"]);
    }
}
