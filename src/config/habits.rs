//! How a task would be trained, where nobody has written how: its own defaults in the section `train`.

use serde::Deserialize as _;
use serde_json::Value;

use crate::task::TaskConfig;

/// Fills in what the task would have in `train` where nothing is written.
pub fn complete(config: &mut Value) {
    let task = config.get("task").and_then(|task| TaskConfig::deserialize(task).ok());
    let defaults = task.map_or(Value::Null, |task| task.kind().train_defaults());
    if let (Value::Object(config), Value::Object(_)) = (config, &defaults) {
        fill(config.entry("train").or_insert_with(|| Value::Object(serde_json::Map::new())), &defaults);
    }
}

fn fill(written: &mut Value, defaults: &Value) {
    if let (Value::Object(written), Value::Object(defaults)) = (written, defaults) {
        for (key, default) in defaults {
            match written.get_mut(key) {
                Some(below) => fill(below, default),
                None => drop(written.insert(key.clone(), default.clone())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_stays_and_the_rest_is_filled_in() {
        let defaults = json!({"a": 1, "below": {"b": 2, "c": [3]}});
        let filled = |mut written: Value| {
            fill(&mut written, &defaults);
            written
        };
        assert_eq!(filled(json!({})), defaults);
        assert_eq!(
            filled(json!({"a": 9, "below": {"c": 8}, "d": 7})),
            json!({"a": 9, "below": {"b": 2, "c": 8}, "d": 7})
        );
        assert_eq!(filled(json!({"below": null})), json!({"a": 1, "below": null}), "a mistake of its own");
    }
}
