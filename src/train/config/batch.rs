//! How many samples make a step of the optimizer, how many of them go through the model at once, and the ways to write it.
//! Which samples make up a step is decided in `train/grouping`, and what happens when memory runs out in
//! `train/micro_batch`.
//!
//! A step has `batch` samples. `accumulate` is another way of writing the same: `batch = micro_batch x accumulate`. Only one
//! of the two may be written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TrainConfig;
use super::bounds::at_least_one;
use super::phase::Phase;
use crate::util::problem::Problem;

/// Samples of a step if nothing else is written.
const BATCH: usize = 8;

/// How many samples go through the model at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum MicroBatch {
    /// All samples of a step.
    #[default]
    Auto,
    /// At most this many.
    Samples(usize),
}

/// A micro-batch as it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Samples(usize),
    Word(String),
}

const AUTO: &str = "auto";

impl TryFrom<Written> for MicroBatch {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Samples(samples) => Ok(Self::Samples(samples)),
            Written::Word(word) if word == AUTO => Ok(Self::Auto),
            Written::Word(word) => Err(format!("expected auto or a number of samples, got {word:?}")),
        }
    }
}

impl From<MicroBatch> for Written {
    fn from(micro_batch: MicroBatch) -> Self {
        match micro_batch {
            MicroBatch::Auto => Self::Word(AUTO.to_owned()),
            MicroBatch::Samples(samples) => Self::Samples(samples),
        }
    }
}

impl JsonSchema for MicroBatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MicroBatch".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Samples that go through the model at once: auto, or a number.",
            "anyOf": [{"const": AUTO}, {"type": "integer", "format": "uint", "minimum": 0}],
        })
    }
}

impl MicroBatch {
    /// The number, if it is one.
    fn samples(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Samples(samples) => Some(samples),
        }
    }
}

impl TrainConfig {
    /// Samples of one step of the optimizer.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        let accumulated = || Some(self.micro_batch.samples()?.saturating_mul(self.accumulate?));
        self.batch.or_else(accumulated).unwrap_or(BATCH)
    }

    /// Samples that go through the model at once as long as memory does not run out.
    #[must_use]
    pub fn micro_batch_size(&self) -> usize {
        self.micro_batch.samples().unwrap_or_else(|| self.batch_size())
    }

    /// The same configuration with `batch` written out, whichever way it was written: two ways of writing one run are then
    /// one text.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        let micro_batch = self.micro_batch;
        self.phases.iter_mut().for_each(|phase| phase.resolve_batch(micro_batch));
        self.batch = Some(self.batch_size());
        self.accumulate = None;
        self
    }

    /// Forgets the size of a step if a phase has one of its own: `accumulate` there must not meet `batch` here.
    pub fn give_way_to(&mut self, phase: &Map<String, Value>) {
        if ["batch", "accumulate"].into_iter().any(|key| phase.get(key).is_some_and(|value| !value.is_null())) {
            (self.batch, self.accumulate) = (None, None);
        }
    }

    /// What makes no sense about these keys.
    pub(super) fn batch_problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("batch", self.batch.unwrap_or(BATCH) as u64, &mut found);
        at_least_one("micro_batch", self.micro_batch.samples().unwrap_or(1) as u64, &mut found);
        at_least_one("accumulate", self.accumulate.unwrap_or(1) as u64, &mut found);
        if found.is_empty() {
            found.extend(self.said_twice().or_else(|| self.times_auto()).or_else(|| self.more_than_a_step()));
        }
        found
    }

    fn said_twice(&self) -> Option<Problem> {
        let (batch, _) = self.batch.zip(self.accumulate)?;
        let message = format!("`batch` already says that a step has {batch} samples");
        let remedy = "keep one of the two, and leave the other one out or set it to null";
        Some(Problem::new("accumulate", message, remedy))
    }

    fn times_auto(&self) -> Option<Problem> {
        let accumulate = self.accumulate.filter(|_| self.micro_batch == MicroBatch::Auto)?;
        let message = format!("a step would have {accumulate} micro-batches of no known size: `micro_batch` is auto");
        Some(Problem::new("accumulate", message, "write `micro_batch` as a number, or write `batch` instead of this"))
    }

    fn more_than_a_step(&self) -> Option<Problem> {
        let (samples, batch) = (self.micro_batch_size(), self.batch_size());
        let message = || format!("{samples} samples can't go through the model at once: a step has {batch}");
        (samples > batch).then(|| Problem::new("micro_batch", message(), "raise `batch`, or write auto for all of it"))
    }
}

impl Phase {
    fn resolve_batch(&mut self, of_run: MicroBatch) {
        let of_phase = self.train.get("micro_batch").and_then(|value| MicroBatch::deserialize(value).ok());
        let accumulate = self.train.get("accumulate").and_then(Value::as_u64);
        if let Some((samples, accumulate)) = of_phase.unwrap_or(of_run).samples().zip(accumulate) {
            self.train.shift_remove("accumulate");
            self.train.insert("batch".to_owned(), (samples as u64).saturating_mul(accumulate).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: Value) -> TrainConfig {
        serde_json::from_value(text).unwrap()
    }

    fn sizes(text: Value) -> (usize, usize) {
        let config = read(text);
        assert_eq!(config.batch_problems(), []);
        let resolved = config.clone().resolved();
        assert_eq!(
            (resolved.batch_size(), resolved.micro_batch_size()),
            (config.batch_size(), config.micro_batch_size())
        );
        (config.batch_size(), config.micro_batch_size())
    }

    #[test]
    fn a_step_is_written_as_its_samples_or_as_its_micro_batches() {
        assert_eq!(sizes(json!({})), (8, 8));
        assert_eq!(sizes(json!({"batch": 144, "micro_batch": 36})), (144, 36));
        assert_eq!(sizes(json!({"batch": 2, "micro_batch": "auto", "accumulate": null})), (2, 2));
        assert_eq!(sizes(json!({"micro_batch": 2, "accumulate": 4})), (8, 2));
        assert_eq!(sizes(json!({"micro_batch": 2, "accumulate": 4, "batch": null})), (8, 2));
    }

    #[test]
    fn both_ways_of_writing_a_run_resolve_to_one() {
        let one = read(json!({"micro_batch": 2, "accumulate": 4, "phases": [
            {"train": {"accumulate": 8}}, {"train": {"micro_batch": 4, "accumulate": 1}}, {"train": {"epochs": 3}},
        ]}));
        let other = read(json!({"batch": 8, "micro_batch": 2, "phases": [
            {"train": {"batch": 16}}, {"train": {"micro_batch": 4, "batch": 4}}, {"train": {"epochs": 3}},
        ]}));
        assert_eq!(one.resolved(), other.clone().resolved());
        assert_eq!(other.clone().resolved(), other, "what is written with batch alone stays");
    }

    #[test]
    fn what_contradicts_itself_is_refused_at_the_key() {
        let refused = |text| {
            let found = read(text).batch_problems();
            found.into_iter().map(|problem| (problem.path, problem.message)).collect::<Vec<_>>()
        };
        let one = |text, path: &str, message: &str| assert_eq!(refused(text), [(path.to_owned(), message.to_owned())]);
        let twice = json!({"batch": 8, "micro_batch": 2, "accumulate": 4});
        one(twice, "accumulate", "`batch` already says that a step has 8 samples");
        let auto = json!({"accumulate": 4});
        one(auto, "accumulate", "a step would have 4 micro-batches of no known size: `micro_batch` is auto");
        let larger = json!({"micro_batch": 16});
        one(larger, "micro_batch", "16 samples can't go through the model at once: a step has 8");
        for key in ["batch", "micro_batch", "accumulate"] {
            one(json!({key: 0}), key, "must be at least 1, got 0");
        }
    }

    #[test]
    fn a_phase_says_it_its_own_way() {
        let mut config = read(json!({"batch": 8, "micro_batch": 2}));
        config.give_way_to(json!({"epochs": 3, "accumulate": null}).as_object().unwrap());
        assert_eq!(config.batch, Some(8));
        config.give_way_to(json!({"accumulate": 3}).as_object().unwrap());
        assert_eq!((config.batch, config.micro_batch), (None, MicroBatch::Samples(2)));
    }

    #[test]
    fn a_micro_batch_is_written_as_it_is_read() {
        for text in [json!("auto"), json!(3)] {
            assert_eq!(json!(MicroBatch::deserialize(&text).unwrap()), text);
        }
        for text in [json!("all"), json!(-1), json!(1.5), json!(null)] {
            assert!(MicroBatch::deserialize(&text).is_err(), "{text}");
        }
    }
}
