//! Phases: parts of training that follow each other. Each is the whole configuration with what the phase changes.

use serde_json::Value;

use crate::util::problem::Problem;

use super::Config;
use super::schema::schema_of;
use super::shape::Shape;

impl Config {
    /// The configuration of each phase, in order; the configuration itself if there are no phases.
    ///
    /// # Errors
    /// If a phase changes a key that does not exist; a loaded configuration never does.
    pub fn phases(&self) -> Result<Vec<Self>, serde_json::Error> {
        if self.train.phases.is_empty() {
            return Ok(vec![self.clone()]);
        }
        let shape = Shape::of(&schema_of(Some(self.task.name())));
        self.train.phases.iter().map(|phase| self.with(&phase.train, &phase.loss, &shape)).collect()
    }

    fn with(&self, train: &Changes, loss: &Changes, shape: &Shape) -> Result<Self, serde_json::Error> {
        let mut base = self.clone();
        base.train.phases.clear();
        base.train = base.train.resolved();
        base.train.give_way_to(train);
        let mut whole = serde_json::to_value(&base)?;
        let task = base.task.name();
        let changes = serde_json::json!({"train": train, "task": {task: {"loss": loss}}});
        change(&mut whole, &changes, shape);
        serde_json::from_value(whole)
    }

    /// What makes no sense in a phase, and is not already so without it.
    pub(super) fn phase_problems(&self, before: &[Problem]) -> Vec<Problem> {
        let shape = Shape::of(&schema_of(Some(self.task.name())));
        let mut found = Vec::new();
        for (index, phase) in self.train.phases.iter().enumerate() {
            let refused = phase.problems();
            found.extend(refused.into_iter().map(|problem| problem.below(&format!("train.phases.{index}"))));
            let Ok(whole) = self.with(&phase.train, &phase.loss, &shape) else { continue };
            let train = whole.train.problems().into_iter().map(|problem| problem.below("train"));
            let loss = whole.task.kind().loss_problems();
            let is_new = |problem: &Problem| {
                !before.iter().any(|known| known.path.ends_with(&problem.path) && known.message == problem.message)
            };
            let new = train.chain(loss).filter(is_new);
            found.extend(new.map(|problem| problem.below(&format!("train.phases.{index}"))));
        }
        found
    }
}

type Changes = serde_json::Map<String, Value>;

/// Lays changes over a value: sections keep what the changes do not name, a variant keeps its keys if the changes name
/// the same variant, everything else is replaced.
fn change(base: &mut Value, changes: &Value, shape: &Shape) {
    let (Value::Object(old), Value::Object(new)) = (&mut *base, changes) else {
        base.clone_from(changes);
        return;
    };
    let same_variant = || old.len() == 1 && new.len() == 1 && old.keys().eq(new.keys());
    let inner = |key: &str| match shape.present() {
        Shape::Map(fields) => fields.iter().find(|field| field.name == key).map(|field| &field.shape),
        Shape::Choice(variants) => variants.iter().find(|variant| variant.name == key)?.payload.as_ref(),
        _ => None,
    };
    let keeps = match shape.present() {
        Shape::Map(_) => true,
        Shape::Choice(_) => same_variant(),
        _ => false,
    };
    if !keeps {
        base.clone_from(changes);
        return;
    }
    for (key, value) in new {
        match inner(key) {
            Some(shape) => change(old.entry(key).or_insert(Value::Null), value, shape),
            None => drop(old.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve;

    #[test]
    fn what_a_phase_has_no_say_in_is_refused_where_it_is_written() {
        let refused = |phases: &str| {
            let text = format!("{}train:\n  phases: {phases}\n", crate::task::testing::SMALLEST);
            resolve("config.yaml".into(), text, &[], &[]).err().map(|mistakes| mistakes.to_string())
        };
        let text = refused("[{}, {train: {shuffle: false, checkpoint: {keep_last: 9}}}]").unwrap();
        for path in ["shuffle", "checkpoint.keep_last"] {
            assert!(text.contains(&format!("`train.phases.1.train.{path}`: a phase can't change this")), "{text}");
            assert!(text.contains(&format!("write it as `train.{path}`, beside the phases")), "{text}");
        }
        assert_eq!(refused("[{train: {epochs: 2, patience: 1, checkpoint: {every_steps: 5}}}]"), None);
    }
}
