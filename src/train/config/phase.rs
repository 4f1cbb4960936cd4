//! Parts of training that follow each other, and what a part can't change. How its changes are laid over the whole is in
//! the `config` module.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

/// One part of training, as what it changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Phase {
    /// What changes in `train`, with the same keys.
    pub train: serde_json::Map<String, serde_json::Value>,
    /// What changes in the task's `loss`, with the same keys.
    pub loss: serde_json::Map<String, serde_json::Value>,
}

/// Keys that hold for all of training, and why a phase can't have one of its own.
const OF_THE_WHOLE_RUN: [(&str, &str); 10] = [
    ("max_steps", "the limit counts the steps of all phases together and ends all of training"),
    ("max_minutes", "the limit counts the time of all phases together and ends all of training"),
    ("shuffle", "all phases go through the samples in one order"),
    ("overfit_single_batch", "this check is for the whole model, not for a part of its training"),
    (
        "init_from",
        "only the first phase starts from other weights; each later one continues with those of the one before",
    ),
    ("patience_by", "one number is watched from beginning to end"),
    ("max_retries", "retries concern the whole run, not its phases"),
    ("checkpoint.keep_last", "the checkpoints of all phases lie in one folder"),
    ("checkpoint.keep_best", "the checkpoints of all phases lie in one folder"),
    ("checkpoint.best_by", "the best weights of all phases are in one folder"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_the_whole_run_is_refused_in_a_phase_with_its_place() {
        let phase = |train: serde_json::Value| Phase { train: train.as_object().unwrap().clone(), ..Phase::default() };
        let refused = phase(serde_json::json!({
            "epochs": 3, "patience": null, "max_steps": null, "max_minutes": 5, "shuffle": true, "init_from": "storms",
            "overfit_single_batch": false, "patience_by": "csi_35", "max_retries": 1, "checkpoint": {"every_steps": 5, "keep_last": 1, "keep_best": 1, "best_by": "csi_35"},
        }));
        let found = refused.problems();
        let paths: Vec<_> = found.iter().map(|problem| problem.path.strip_prefix("train.").unwrap()).collect();
        assert_eq!(paths, OF_THE_WHOLE_RUN.map(|(path, _)| path));
        assert_eq!(found[0].remedy, "write it as `train.max_steps`, beside the phases");
        // The engine asks each phase when to save.
        assert_eq!(phase(serde_json::json!({"freeze": [], "checkpoint": {"every_minutes": 1}})).problems(), []);
    }
}
